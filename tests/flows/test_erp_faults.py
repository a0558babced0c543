"""Everything an ERP can do to a call, to a tenth of all calls: each document is there once, and is paid."""

from __future__ import annotations

import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import PrivateAttr

from hub import clock as hub_clock
from hub import http
from hub.decide import decide
from hub.engine import Bounds
from hub.errors import ConnectorError
from hub.stages.outcome import Choice
from hub.store.tables import INBOX
from sandbox.kit import Fault
from sandbox.netsuite.control import PRESETS
from sandbox.sap.faults import FAULTS
from tests.flows.erps import Shop, on_stage
from tests.world import make_world

ORDERS = int(os.environ.get("O2C_ERP_ORDERS", "12"))
DEADLINE = 1.0
CHANCE = 0.1  # of a call to meet a fault, all kinds together
LATE = {"kind": "hang_after", "method": "POST", "seconds": DEADLINE + 0.3}
WRITES = "^(?!.*suiteql)"  # a question is no write, though it is posted
BATCH = 50  # deals, shipments and bank lines that arrive at once


class Counted(Fault):
    """A fault that knows its name and how often it was met."""

    name: str
    _met: int = PrivateAttr(0)

    @property
    def met(self) -> int:
        """How often."""
        return self._met

    def hits(self, method: str, path: str, dice: random.Random) -> bool:
        """As any fault; until it was met once, every second call that fits meets it."""
        rare, self.chance = self.chance, self.chance if self._met else 0.5
        found = super().hits(method, path, dice)
        self.chance = rare
        self._met += found
        return found


def weather(name: str) -> list[Counted]:
    """What each ERP is known for, at random; a call that is answered too late a few times only."""
    kinds: dict[str, dict[str, Any]]
    if name == "netsuite":
        kinds = {
            "lost_reply": {"kind": "lost_reply", "path": WRITES},
            "truncated": {"kind": "truncate"},
            "committed_then_500": {**PRESETS["fail_after"](), "path": WRITES},
            "concurrency": PRESETS["concurrency"](),
            "record_changed": {**PRESETS["record_changed"](), "path": WRITES},
            "unavailable": PRESETS["unavailable"](),
            "unexpected": PRESETS["unexpected"](),
        }
    else:
        named = ("lost_reply", "csrf", "maintenance", "throttle", "short_dump")
        kinds = {one: dict(FAULTS[one]) for one in named}
        kinds["throttle"]["headers"] = {"retry-after": "0"}
        kinds["truncated"] = {"kind": "truncate"}
        kinds["committed_then_503"] = {"kind": "fail_after", "method": "POST", "status": 503, "body": {}}
        kinds |= {one: {**FAULTS[one], "chance": 0.1} for one in ("lock", "etag")}  # of the few changes
    spread = {"chance": CHANCE / 6, "times": -1}
    found = [Counted.model_validate({"name": one, **spread, **told}) for one, told in kinds.items()]
    late = Counted.model_validate({"name": "committed_then_timeout", **LATE, "path": WRITES, "chance": 0.05})
    late.times = max(2, min(ORDERS // 20, 40))
    return [late, *found]


class Trade:
    """Orders by the batch; the ERP misbehaves."""

    def __init__(self, shop: Shop, faults: list[Counted]) -> None:
        self.shop, self.world, self.faults = shop, shop.world, faults

    def sell(self, count: int) -> None:
        """Deals that were won."""
        self.world.send("crm", self.world.company(limit="99000000.00"), self._deal(0))
        self.settle()  # else thousands of orders ask again and again whether their one customer is there
        for at in range(0, count, BATCH):
            self.world.send("crm", *(self._deal(n) for n in range(at, min(at + BATCH, count))))

    def _deal(self, n: int, more: int = 0) -> dict[str, Any]:
        lines = [
            {"id": 1, "sku": "A", "quantity": str(n % 7 + 2 + more), "price": "19.99"},
            {"id": 2, "sku": "B", "quantity": "1", "price": "0.07"},
        ]
        return self.world.deal(f"deal {n}", lines=lines)

    def amend(self) -> None:
        """Some customers want one more of A, and a person agrees: the ERP's orders are changed."""
        for n in range(0, ORDERS, max(2, ORDERS // 20)):
            self.world.send("crm", self._deal(n, more=1))
        self.settle()
        for case in self.world.cases():
            assert case.reason == "late_change", case.title
            decide(self.world.hub, case.id, "amend", Choice("ada", "", {}))

    def ship(self) -> None:
        """Everybody's goods leave."""
        self.shop.erp.clock.acts += 1
        at_once = self.shop.erp.clock.acts
        for order in self.world.documents("order"):
            quantities = {line.sku: str(line.quantity) for line in order.lines}
            self.shop.erp.ship(self.shop.there(order), quantities)
            self.shop.erp.clock.acts = at_once  # else its clock would run ahead of everybody's

    def pay(self) -> None:
        """Every invoice is paid."""
        today = self.world.today[0].date().isoformat()
        invoices = self.world.documents("invoice")
        for at in range(0, len(invoices), BATCH):
            lines = [
                {"kind": "payment", "id": f"b {one.number}", "record": {
                    "amount": str(one.payable_amount.amount), "date": today, "text": [one.number],
                }} for one in invoices[at : at + BATCH]
            ]  # fmt: skip
            self.world.send("bank", *lines)

    def settle(self, rounds: int = 60) -> None:
        """Let retries, pauses and quiesce times pass, and poll, until nothing waits."""
        for _ in range(rounds):
            polled = self._poll()
            for _ in range(200 * rounds):
                self.shop.work(rounds=1, polls=False)
                waiting = self.shop.waiting()
                assert "dead" not in {row[1] for row in waiting}, waiting
                if not waiting:
                    break
            else:
                raise AssertionError(waiting)
            if polled and not self._news():
                return
        raise AssertionError(self.shop.waiting())

    def _news(self) -> bool:
        """Does a poll bring anything that is not known?"""
        before = self._deliveries()
        return not self._poll() or self._deliveries() > before

    def _deliveries(self) -> int:
        with self.world.hub.store.look() as tx:
            return int(tx.conn.execute(sa.select(sa.func.count()).select_from(INBOX)).scalar_one())

    def _poll(self) -> bool:
        try:
            hub_clock.poll(self.world.hub, self.shop.erp.name)
        except ConnectorError:
            return False
        return True

    def told(self) -> dict[str, Any]:
        """What happened."""
        calls = self.shop.erp.kit.calls
        met = Counter({one.name: one.met for one in self.faults})
        return {"orders": ORDERS, "calls": calls, "faults": met.total(), **met}


@pytest.fixture(params=["netsuite", "sap"])
def trade(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Trade]:
    name = request.param
    world = make_world(f"sqlite:///{tmp_path / 'hub.db'}")
    before = http._deadline
    world.hub.bounds = Bounds(lease=30.0, call=1.0)  # as many tries as in real life
    field = {"netsuite": "deadline_seconds", "sap": "deadline"}[name]
    with on_stage(world, name, **{name: {field: DEADLINE}}) as shop:
        yield Trade(shop, weather(name))
    http.set_deadline(before)
    world.hub.store.database.close()


def test_orders_in_foul_weather_end_as_if_the_sun_had_shone(
    trade: Trade, capsys: pytest.CaptureFixture[str]
) -> None:
    shop, began, used = trade.shop, time.monotonic(), time.process_time()
    shop.erp.kit.dice = random.Random(7)
    shop.erp.kit.faults.extend(trade.faults)
    trade.sell(ORDERS)
    trade.settle()
    trade.amend()
    trade.settle()
    trade.ship()
    trade.settle()
    trade.pay()
    trade.settle()
    shop.erp.kit.faults.clear()
    trade.settle()
    told = trade.told()
    shop.ties_out()
    made = Counter(kind for kind, _ in shop.erp.made())
    invoices, payments = shop.world.documents("invoice"), shop.world.documents("payment")
    assert (len(invoices), len(payments)) == (ORDERS, ORDERS)
    assert set(shop.erp.open().values()) == {0}
    assert {one.state for one in shop.world.documents("order")} == {"closed"}
    assert sum(made.values()) == 1 + 3 * ORDERS, made  # a customer; and an order, an invoice, a payment each
    assert told["faults"] >= 0.05 * told["calls"], told
    assert all(one.met for one in trade.faults), told
    with capsys.disabled():
        seconds = f"{time.monotonic() - began:.0f} s, {time.process_time() - used:.0f} s of CPU"
        sys.stdout.write(f"\n  {shop.erp.name}: {told}, {seconds}, 0 duplicates, 0 cents off\n")
