"""Differences that people make in NetSuite and in SAP: each is found, explained and repaired."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from hub import reconciling, repairing
from hub.store import reconciliations, staging
from hub.store.reconciliations import EVERY, Filter
from hub.store.tables import XREF
from tests.flows.erps import Settled, Shop, on_stage
from tests.world import make_world

ALIKE = (
    "same", "never_sent", "stopped", "settled_there", "applied_there", "settled_here", "applied_here",
    "cancelled_there", "written_off_there",
)  # fmt: skip


class Audit:
    """A shop whose books are compared."""

    def __init__(self, shop: Shop) -> None:
        self.shop, self.world, self.erp = shop, shop.world, shop.erp

    def trade(self, *names: str) -> dict[str, Any]:
        """An invoice of its own amount for each name; that of `stopped` is refused there."""
        orders = {
            name: self.shop.order(("A", "1", f"{at}00.00"), id_=name) for at, name in enumerate(names, 1)
        }
        made = {name: self.shop.ship(order, A="1") for name, order in orders.items() if name != "stopped"}
        self.erp.ship(self.shop.there(orders["stopped"]), {"A": "1"})
        with self.refused():
            self.shop.work()
        [made["stopped"]] = self.shop.invoices(orders["stopped"])
        return made

    def refused(self) -> Any:
        """For as long as this lasts nothing can be posted there."""
        return Closed(self.erp)

    def reconcile(self) -> Any:
        """Some time after what happened; what was not read yet stays unread."""
        self.world.today[0] += timedelta(hours=1)
        run_id = reconciling.ask(self.world.hub, self.erp.name, by="ada")
        assert reconciling.perform(self.world.hub, run_id)
        with self.world.hub.store.look() as tx:
            run = reconciliations.one(tx.conn, run_id)
        assert run is not None
        assert (run.state, run.error) == ("done", "")
        return run

    def found(self, run: Any) -> list[Any]:
        """The differences."""
        with self.world.hub.store.look() as tx:
            return list(reconciliations.differences(tx.conn, run.id, Filter(), limit=1000))

    def explained(self, run: Any) -> None:
        """Ledger less ERP is the sum of what was found, per currency and per customer."""
        for one in json.loads(run.totals):
            assert one["here"] - one["there"] == one["explained"] + one["in_flight"]
        with self.world.hub.store.look() as tx:
            for row in staging.off(tx.conn, run.id, limit=50):
                assert row.here_minor - row.there_minor == row.explained_minor + row.in_flight_minor

    def repair(self, run: Any) -> Counter[str]:
        """As is recommended, and what the hub does then."""
        told = repairing.repair(self.world.hub, run.id, "all", EVERY, by="ada")
        assert all(one.done for one in told), told
        for _ in range(4):
            self.shop.work(rounds=1, polls=False)
        return Counter(one.repair for one in told)

    def forget(self, document: Any) -> None:
        """As if it had never been told there: nobody sent it, and what is there went with it."""
        with self.world.hub.store.begin() as tx:
            tx.conn.execute(sa.delete(XREF).where(XREF.c.document_id == document.id))


class Closed:
    """The ERP's accounting period is closed while this lasts."""

    def __init__(self, erp: Any) -> None:
        self.erp = erp

    def __enter__(self) -> None:
        day = (datetime.now(UTC).date() + timedelta(days=1)).isoformat()
        if self.erp.name == "netsuite":
            self.erp.people.close_period(day)
        else:
            self.erp.people.close_period("1710", day)

    def __exit__(self, *raised: object) -> None:
        if self.erp.name == "netsuite":
            self.erp.people.open_period()
        else:
            self.erp.people.open_periods("1710")


@pytest.fixture(params=["netsuite", "sap"])
def audit(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Audit]:
    world = make_world(f"sqlite:///{tmp_path / 'hub.db'}")
    with on_stage(world, request.param) as shop:
        yield Audit(shop)
    world.hub.store.database.close()


def seed(audit: Audit) -> dict[str, Any]:
    """Ten differences, and one invoice that agrees; nothing of what people did there was read."""
    shop, erp = audit.shop, audit.erp
    extra = ("amount",) if erp.name == "netsuite" else ("half_written_off",)
    made = audit.trade(*ALIKE, *extra)

    def there(name: str) -> str:
        return shop.there(made[name])

    payer = shop.payer(made["same"])
    with audit.refused():
        for name, amount in (("settled_here", "600.00"), ("applied_here", "50.00")):
            shop.bank(amount, made[name].number)
    never_sent = there("never_sent")
    audit.forget(made["never_sent"])
    if erp.name == "netsuite":
        erp.people.delete("invoice", never_sent)
        lines = erp.sandbox.get("invoice", there("amount"))["item"]["items"]
        changed = {"line": lines[0]["line"], "item": {"id": lines[0]["item"]["id"]}, "rate": 900}
        erp.people.edit("invoice", there("amount"), {"item": {"items": [changed]}})
    else:
        erp.archive(never_sent)
        erp.write_off(there("half_written_off"), "5.00")
    erp.pay(payer, "400.00", Settled(there("settled_there"), "400.00"))
    erp.pay(payer, "40.00", Settled(there("applied_there"), "40.00"))
    erp.pay(payer, "77.00")
    erp.cancel(there("cancelled_there"))
    erp.write_off(there("written_off_there"), "900.00")
    return made


ON_BOTH = {
    "never_sent": 1, "stopped": 1, "applied_there": 1, "settled_there": 2, "applied_here": 1,
    "settled_here": 1, "made_there": 1,
}  # fmt: skip
SEEDED = {
    "netsuite": ON_BOTH | {"amount": 1, "cancelled_there": 1},
    # SAP clears what is reversed, and what was written off in part is settled in part
    "sap": ON_BOTH | {"settled_there": 3, "applied_there": 2},
}
FOR_A_PERSON = {"netsuite": {"amount": 1, "cancelled_there": 1}, "sap": {"settled_there": 1}}
ASKED = {
    "netsuite": ["reconciliation", "rejected", "short_payment"],
    "sap": ["short_payment", "withdrawn"],
}


def test_ten_differences_are_found_explained_and_repaired(audit: Audit) -> None:
    made = seed(audit)
    run = audit.reconcile()
    assert Counter(row.why for row in audit.found(run)) == SEEDED[audit.erp.name]
    assert run.found == 10
    audit.explained(run)
    told = audit.repair(run)
    assert told.total() == 10
    again = audit.reconcile()
    audit.explained(again)
    left = audit.found(again)
    assert Counter(row.why for row in left) == FOR_A_PERSON[audit.erp.name], [row.said for row in left]
    assert audit.shop.reasons() == ASKED[audit.erp.name]
    apart = {made[name].number for name in ("amount", "cancelled_there") if name in made}
    assert {text.split()[0] for text in audit.shop.off()} <= apart
    again_there = [key for _, (_, key), _ in audit.shop.twice()]
    assert again_there == [made["never_sent"].id], "what had left the books was made anew, nothing else"


def test_books_that_agree_have_no_difference(audit: Audit) -> None:
    invoice = audit.shop.ship(audit.shop.order(("A", "2", "10.00")), A="2")
    audit.shop.bank("15.00", invoice.number)
    run = audit.reconcile()
    assert (run.found, run.in_flight, audit.found(run)) == (0, 0, [])
    [total] = json.loads(run.totals)
    assert (total["here"], total["there"]) == (500, 500)


@pytest.mark.parametrize("bills", [False, True], ids=["books", "bills"])
@pytest.mark.parametrize("name", ["netsuite", "sap"])
def test_an_invoice_that_is_read_again_tells_what_settles_it(tmp_path: Any, name: str, bills: bool) -> None:
    world = make_world(f"sqlite:///{tmp_path / 'hub.db'}")
    with on_stage(world, name, bills=bills) as shop:
        invoice = shop.ship(shop.order(("A", "1", "100.00")), A="1", billed=bills)
        there = shop.there(invoice)
        shop.erp.pay(shop.payer(invoice), "30.00", Settled(there, "30.00"))
        shop.erp.write_off(there, "5.00")
        again = shop.erp.connector.arrival("invoice", there).delivery
        told = [change.kind for change in shop.erp.connector.read(again)]
        assert sorted(kind for kind in told if kind != "invoice") == ["adjustment", "payment"]
        assert ("invoice" in told) is (bills or name == "netsuite")
    world.hub.store.database.close()


SEEN = {
    "netsuite": {"customer": 1, "currency": 1, "made_there": 1},
    "sap": {"customer": 1, "currency": 1, "twice": 1},  # the second one carries the hub's reference too
}


def test_another_customer_another_currency_and_a_second_one_are_found_and_explained(audit: Audit) -> None:
    shop, erp = audit.shop, audit.erp
    names = ("same", "moved", "revalued", "copied")
    orders = {name: shop.order(("A", "1", f"{at}00.00"), id_=name) for at, name in enumerate(names, 1)}
    other = shop.ship(shop.order(("A", "1", "900.00"), company="c2"), A="1")
    made = {name: shop.ship(order, A="1") for name, order in orders.items()}
    there = {name: shop.there(invoice) for name, invoice in made.items()}
    erp.moved(there["moved"], shop.payer(other))
    erp.revalued(there["revalued"])
    second = erp.twice(there["copied"])
    run = audit.reconcile()
    found = {row.why: row for row in audit.found(run)}
    assert Counter(row.why for row in audit.found(run)) == SEEN[erp.name]
    audit.explained(run)
    said = found["customer"].said
    assert (
        f"Invoice {made['moved'].number} (200.00 USD open) belongs to Company c1 here and to Company c2"
        in said
    )
    assert (
        f"is over 300.00 USD here and over 300.00 EUR, another currency, at {erp.name}"
        in found["currency"].said
    )
    more = found[next(why for why in ("twice", "made_there") if why in found)]
    assert (second in more.said, "400.00 USD open" in more.said) == (True, True)
    audit.repair(run)
    asked = {"netsuite": 2, "sap": 3}[erp.name]
    assert Counter(shop.reasons())["reconciliation"] == asked
