"""Everything a CRM can do to a write: each record is there once, in its last state, and nobody is asked."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from hub import http
from hub.engine import Bounds
from sandbox.kit import Fault
from tests.flows.crms import Line, on_stage
from tests.world import World, make_world

DEADLINE = 0.8
DEALS = int(os.environ.get("O2C_CRM_DEALS", "16"))
FAULTS = {
    "lost_reply": Fault(kind="lost_reply"),
    "truncated": Fault(kind="truncate"),
    "failed_after_writing": Fault(kind="fail_after", status=502, body={"error": "boom"}),
    "failed_before_writing": Fault(kind="refuse", status=503, body={"error": "busy"}),
    "answered_after_our_deadline": Fault(kind="hang_after", seconds=DEADLINE + 0.5),
}
AIMS = {
    ("hubspot", "order"): r"deals/batch/update",
    ("hubspot", "invoice"): r"invoices/batch/upsert",
    ("hubspot", "payment"): r"commerce_payments/batch/upsert",
    ("hubspot", "link"): r"associations/\S+/batch/(create|associate)",
    ("salesforce", "order"): r"composite/sobjects\?",
    ("salesforce", "invoice"): r"composite/sobjects/ERP_Invoice__c",
    ("salesforce", "payment"): r"composite/sobjects/ERP_Payment__c",
}


class Shop:
    """Customers who buy, are delivered and pay; the CRM misbehaves."""

    def __init__(self, world: World, crm: Any) -> None:
        self.world, self.crm = world, crm
        self.deals: list[str] = []

    def sell(self, count: int) -> None:
        company = self.crm.company("Harbor", limit="99000000.00")
        for n in range(count):
            self.deals.append(self.crm.deal(company, Line("A", str(n + 1), "10.00"), title=f"deal {n}"))
        self.crm.push()

    def settle(self, rounds: int = 60) -> None:
        """Let retries, pauses and quiesce times pass until nothing waits."""
        for _ in range(rounds):
            self.world.work(rounds=60)
            self.world.hurry()
            self.world.today[0] += timedelta(seconds=30)
            rows = [*self.world.rows("xref"), *self.world.rows("inbox")]
            if all(row.state == "done" for row in rows):
                return
        raise AssertionError([(r.connection, r.state, r.last_error) for r in rows if r.state != "done"][:10])

    def ship_all(self) -> None:
        for key, record in list(self.world.vendors["erp"].records.items()):
            if record["kind"] == "order" and not record.get("shipped"):
                record["shipped"] = True
                quantity = str(int(record["total"] / 10))
                self.world.send("erp", self.world.shipment(f"s{key}", key, A=quantity))

    def pay_all(self) -> None:
        for invoice in self.world.documents("invoice"):
            amount = str(invoice.payable_amount.amount)
            self.world.send("bank", self.world.credit(f"b{invoice.number}", amount, invoice.number))

    def made(self) -> Counter[tuple[str, str]]:
        effects = [one for one in self.crm.kit.effects if one["action"] == "create" and one["reference"]]
        return Counter((one["kind"], one["reference"]) for one in effects)


def once(shop: Shop, count: int) -> None:
    """Each invoice and payment was created once, and everything shows its last state."""
    made = shop.made()
    assert set(made.values()) == {1}
    assert len(made) == 2 * count
    invoices = {one.id: one for one in shop.world.documents("invoice")}
    mirrored = {one["reference"]: one for one in shop.crm.invoices()}
    assert set(mirrored) == set(invoices)
    assert {(one["status"], one["open"]) for one in mirrored.values()} == {("paid", "0.00")}
    assert {one["reference"] for one in shop.crm.payments()} == {
        one.id for one in shop.world.documents("payment")
    }
    for deal in shop.deals:
        shown = shop.crm.shown(deal)
        assert (shown["status"], shown["payment"], shown["open"]) == ("Closed", "paid", "0.00")
    assert not [case.title for case in shop.world.cases()]


@pytest.fixture(params=["hubspot", "salesforce"])
def shop(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Shop]:
    world = make_world(f"sqlite:///{tmp_path / 'hub.db'}")
    before = http._deadline
    world.hub.bounds = Bounds(lease=30.0, call=1.0)  # as many tries as in real life
    with on_stage(world, request.param, **{request.param: {"deadline": DEADLINE}}) as crms:
        yield Shop(world, crms[request.param])
    http.set_deadline(before)
    world.hub.store.database.close()


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_at_every_kind_of_write_leaves_each_record_once(shop: Shop, name: str) -> None:
    aimed = [
        FAULTS[name].model_copy(update={"path": path})
        for (vendor, _), path in AIMS.items()
        if vendor == shop.crm.name
    ]
    shop.crm.kit.faults.extend(aimed)
    shop.sell(3)
    shop.settle()
    shop.ship_all()
    shop.settle()
    shop.pay_all()
    shop.settle()
    assert [fault.path for fault in aimed if fault.times] == [], "a fault was not met"
    once(shop, 3)


def weather(crm: Any, dice: random.Random) -> list[Fault]:
    """Everything at once, at random, for as long as it takes."""
    chance = {"chance": 0.02, "times": -1}
    faults = [fault.model_copy(update=chance) for name, fault in FAULTS.items() if "deadline" not in name]
    crm.kit.dice = dice
    return faults


def limits(crm: Any) -> None:
    """Each of the vendor's limits, a few times, and credentials that end early."""
    if crm.name == "hubspot":
        for policy in ("SECONDLY", "TEN_SECONDLY_ROLLING"):
            crm.sandbox.rate_limit(policy, times=3)
        crm.sandbox.lock(times=2)
        crm.sandbox.migrate(5, times=2)
        crm.sandbox.outage(504, times=2)
        return
    for code in ("CONCURRENT_REQUESTS", "SERVER_UNAVAILABLE"):
        crm.sandbox.refuse(code, times=3)
    crm.sandbox.org.trip("UNABLE_TO_LOCK_ROW", sobject="Opportunity", times=4)
    crm.sandbox.org.trip("UNABLE_TO_LOCK_ROW", sobject="ERP_Invoice__c", times=4)
    crm.sandbox.expire_sessions()


def test_many_writes_in_foul_weather_end_as_if_the_sun_had_shone(shop: Shop) -> None:
    dice = random.Random(7)
    shop.crm.kit.faults.extend(weather(shop.crm, dice))
    shop.sell(DEALS)
    for act in (shop.settle, shop.ship_all, shop.settle, shop.pay_all, shop.settle):
        limits(shop.crm)
        act()
    shop.crm.kit.faults.clear()
    shop.settle()
    once(shop, DEALS)


def test_the_days_last_call_rests_the_connection_and_says_until_when(shop: Shop) -> None:
    shop.sell(2)
    if shop.crm.name == "hubspot":
        shop.crm.sandbox.rate_limit("DAILY", times=-1)
    else:
        shop.crm.sandbox.refuse("REQUEST_LIMIT_EXCEEDED", times=-1)
    shop.world.work()
    [case] = shop.world.cases()
    assert case.reason == "quota_spent"
    assert "it rests until 20" in case.title
    calls = shop.crm.kit.calls
    shop.world.work()
    assert shop.crm.kit.calls == calls, "it is left alone"
    shop.crm.kit.faults.clear()
    shop.settle()
    assert [shop.crm.shown(deal)["status"] for deal in shop.deals] == ["Approved", "Approved"]
