"""A retailer that shares no code with us finds nothing wrong with what we send about its own orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from connectors.edi import composing, order_change, purchase_order, tree
from connectors.edi.purchase_order import SetPlace
from sandbox.partner.book import Allowance, Alter, Item, Order, Payment
from sandbox.partner.rules import Terms
from sandbox.partner.simulator import PartnerSandbox
from sandbox.partner.world import How
from tests.connectors.edi import made
from tests.connectors.edi.sending import AT, Numbers, invoice, response, settings, shipment, write

QUIET = How(post=False)
IDS = (("UP", "012345678905"), ("VN", "SKU-1"))
DAYS = ((Decimal(4), date(2026, 12, 1)), (Decimal(6), date(2026, 12, 8)))
HANDLING = Allowance("C", "D240", rate=Decimal("0.25"))


class Desk:
    """Our side: reads what the retailer sent, and hands it what we compose."""

    def __init__(self, **agreed: Any) -> None:
        self.sandbox = PartnerSandbox(now=lambda: AT, terms=Terms(**agreed), auto=False)
        self.settings = settings(
            our_id="ACMEINSTR", our_code="", partner_id="HARBORPINE", pack="line", contact="Jo",
            **{name: value for name, value in agreed.items() if name in ("tax", "credit_sign")},
        )  # fmt: skip
        self.numbers = Numbers()

    def read(self, body: bytes) -> list[dict[str, Any]]:
        """The records of the 850s and 860s of a file."""
        records = []
        for one in made.sets(body):
            assert one.walked is not None
            place, named = SetPlace("004010", "0001", "1", "1"), tree.named(one.walked.root, one.found.marks)
            if one.id == "850":
                records += [entry.record for entry in purchase_order.read(named, place, self.settings)]
            else:
                records.append(order_change.read(named, place, self.settings).record)
        assert all(records)
        return [record for record in records if record]

    def send(self, kind: str, record: Mapping[str, Any]) -> list[str]:
        """What the retailer charges us for one document."""
        before = len(self.sandbox.world.charged)
        composed, refused = composing.compose(self.settings, [write(kind, record)], self.numbers, AT)
        assert not refused, str(refused[0])
        for one in composed:
            self.sandbox.take(str(one.fields["body"]).encode("latin-1"))
        assert not list(self.sandbox.world.gaps())
        return [f"{one.rule}: {one.words}" for one in self.sandbox.world.charged[before:]]

    def fulfil(self, record: Mapping[str, Any], number: str = "1", **more: Any) -> None:
        """Answer, ship and invoice all of an order; nothing may be wrong with it."""
        tracked = {"references": {"CN": "1Z999"}, "number": f"SH-{number}", "carrier": "UPSN"}
        assert self.send("order_response", response(record)) == []
        assert self.send("shipment", shipment(record, **tracked)) == []
        assert self.send("invoice", invoice(record, number=f"INV-{number}", **more)) == []


def ordered(desk: Desk, items: Sequence[Item], **more: Any) -> tuple[Order, list[dict[str, Any]]]:
    """An order of the retailer, as it wrote and as we read it."""
    given = {"ship_to": "0017", "references": (("IA", "55501"), ("DP", "12"), ("ZZ", "9"))} | more
    order = desk.sandbox.order(items, **given)
    return order, desk.read(desk.sandbox.send_order(order, how=QUIET).body)


@pytest.mark.parametrize(("item", "percent"), [
    (Item(Decimal(10), Decimal("9.5"), ids=IDS), "8.25"),
    (Item(Decimal("2.5"), Decimal("1.3333"), "LB", "PP", IDS), "0"),
    (Item(Decimal(500), Decimal("12.345"), "EA", "HP", IDS), "19"),
    (Item(Decimal(24), Decimal("3.60"), "EA", "PD", IDS, line="0A7", text="Bolt"), "0"),
    (Item(Decimal(10), Decimal("9.5"), ids=IDS, allowances=[Allowance(amount=Decimal(5))]), "8.25"),
    (Item(Decimal(3), Decimal("9.99"), ids=IDS, allowances=[Allowance(percent=Decimal("7.5"))]), "0"),
    (Item(Decimal(3), Decimal("9.99"), ids=IDS, allowances=[HANDLING]), "0"),
    (Item(Decimal(10), Decimal(2), ids=IDS, schedules=DAYS), "0"),
])  # fmt: skip
def test_nothing_is_charged_for_an_order_fulfilled(item: Item, percent: str) -> None:
    desk = Desk()
    _, (record,) = ordered(desk, [item, Item(Decimal(1), Decimal(7), ids=(("IN", "77"),))])
    desk.fulfil(record, percent=percent)


def test_every_store_of_a_split_order_is_served_by_itself() -> None:
    desk = Desk()
    item = Item(Decimal(9), Decimal("2.50"), ids=IDS, stores={"0017": Decimal(4), "0018": Decimal(5)})
    _, records = ordered(desk, [item], ship_to="")
    assert [record["store"] for record in records] == ["0017", "0018"]
    for record in records:
        desk.fulfil(record, record["store"])


def test_terms_currency_release_and_allowances_of_the_whole_order_are_kept() -> None:
    desk = Desk()
    _, (record,) = ordered(
        desk,
        [Item(Decimal(7), Decimal("3.33"), ids=IDS), Item(Decimal(3), Decimal("1.11"), ids=(("IN", "77"),))],
        payment=Payment(30, Decimal(2), 10), currency="CAD", release="R-7", type="RL", contract="K-1",
        allowances=(Allowance(percent=Decimal(3)),),
    )  # fmt: skip
    desk.fulfil(record)


@pytest.mark.parametrize("sign", ["positive", "negative"])
def test_goods_that_come_back_are_credited_either_way(sign: str) -> None:
    desk = Desk(credit_sign=sign, tax="SAC")
    _, (record,) = ordered(desk, [Item(Decimal(10), Decimal("9.5"), ids=IDS)])
    desk.fulfil(record, percent="8.25")
    back = invoice(
        {**record, "lines": [{**record["lines"][0], "quantity": Decimal(2)}]}, percent="8.25", theirs=[record]
    )
    charged = desk.send("credit_memo", {**back, "number": "CM-1", "due_date": None})
    assert [one for one in charged if not (sign == "negative" and "IT102 is -2" in one)] == []


def test_less_than_ordered_is_answered_shipped_and_billed() -> None:
    desk = Desk()
    _, (record,) = ordered(desk, [Item(Decimal(10), Decimal("9.5"), ids=IDS)])
    answer = {"line_id": "1", "answer": "backordered", "quantity": 4, "promised_on": "2026-12-24"}
    assert desk.send("order_response", response(record, "accepted_with_changes", answer)) == []
    part = {**record, "lines": [{**record["lines"][0], "quantity": Decimal(4)}]}
    assert desk.send("shipment", shipment(part, theirs=[record], carrier="UPSN")) == []
    assert desk.send("invoice", invoice(part, theirs=[record])) == []


def test_a_change_is_answered_and_then_in_force() -> None:
    desk = Desk()
    order, (record,) = ordered(
        desk, [Item(Decimal(10), Decimal("9.5"), ids=IDS), Item(Decimal(1), Decimal(7), ids=(("IN", "77"),))]
    )
    assert desk.send("order_response", response(record)) == []
    alters = [Alter("1", "QD", Decimal(8)), Alter("2", "DI")]
    (change,) = desk.read(desk.sandbox.change(order, alters, how=QUIET).body)
    answer = response(record, change="change-1", change_number=change["sequence"], theirs=[record, change])
    assert desk.send("order_response", answer) == []
    assert (order.amendments[0].state, order.lines[0].item.quantity, order.lines[1].cancelled) == (
        "accepted",
        8,
        True,
    )


def test_a_change_that_is_refused_leaves_the_order() -> None:
    desk = Desk()
    order, (record,) = ordered(desk, [Item(Decimal(10), Decimal("9.5"), ids=IDS)])
    (change,) = desk.read(desk.sandbox.change(order, [Alter("1", "QI", Decimal(80))], how=QUIET).body)
    answer = response(
        record, "rejected", change="change-1", change_number=change["sequence"], theirs=[record, change]
    )
    assert desk.send("order_response", answer) == []
    assert (order.amendments[0].state, order.lines[0].item.quantity) == ("rejected", 10)
