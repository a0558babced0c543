"""The connector and the retailer, who share no code: what one writes the other takes without a word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.edi.connector import Edi, Settings
from hub.connector import Change, Delivery, Write
from sandbox.kit import serve
from sandbox.partner import (
    Allowance,
    Alter,
    How,
    Item,
    Marks,
    Mischief,
    PartnerSandbox,
    Payment,
    Style,
    Terms,
)
from sandbox.partner.hearing import Sent
from tests.connectors.edi import sending
from tests.connectors.edi.sending import Numbers
from tests.sandbox.partner.supplier import Clock, items

D = Decimal
KEY = "upload-secret"
PROFILE: Mapping[str, Any] = {
    "our_id": "ACMEINSTR", "partner_id": "HARBORPINE", "customer": "netsuite:107", "upload_key": KEY,
    "partner_name": "Harbor and Pine", "gs1_prefix": "0614141", "pack": "shipment", "http_key": "partner-key",
    "references": ["IA", "DP"],
}  # fmt: skip


class Trade:
    """Both ends, and the numbers that the hub would draw."""

    def __init__(self, url: str, partner: PartnerSandbox, **changed: Any) -> None:
        known = {
            name: value for name, value in {**PROFILE, **changed}.items() if name in Settings.model_fields
        }
        self.edi = Edi(Settings.model_validate({**known, "http_url": f"{url}/inbox"}))
        self.partner, self.numbers = partner, Numbers()

    def read(self, body: bytes) -> list[Change]:
        """What the connector makes of a file."""
        headers = {"authorization": f"Bearer {KEY}"}
        delivery = Delivery(headers, body, "https://hub.example/files/edi", self.partner.world.now())
        assert self.edi.verify(delivery)
        return list(self.edi.read(delivery))

    def tell(self, kind: str, record: Mapping[str, Any]) -> None:
        """Compose a document and carry it to the retailer."""
        write = Write(kind, record, None, f"{kind}-1", f"{kind}-1:1")
        made, refused = self.edi.compose([write], self.numbers, self.partner.world.now())
        assert not refused, {place: str(error) for place, error in refused.items()}
        for one in made:
            self.edi.push(Write("interchange", one.fields, None, "i", "i:1"))

    def answered(self, body: bytes) -> list[Change]:
        """Read a file and acknowledge it."""
        found = self.read(body)
        for one in found:
            if one.external_id.startswith("our:"):
                assert one.record is not None
                self.tell("acknowledgment", one.record)
        return found

    def rules(self) -> list[str]:
        """What we are charged for, in words."""
        return [f"{one.rule}: {one.words}" for one in self.partner.chargebacks()]


@pytest.fixture
def partner() -> PartnerSandbox:
    return PartnerSandbox(now=Clock(), auto=False, terms=Terms(tax="none"))


@pytest.fixture
def trade(partner: PartnerSandbox) -> Iterator[Trade]:
    with serve(partner.app) as url:
        yield Trade(url, partner)


def read_orders(trade: Trade, sent: Sent) -> list[Mapping[str, Any]]:
    """What the connector has read of an interchange of 850s, which it acknowledges."""
    made = []
    for it in trade.answered(sent.body):
        if it.kind == "order":
            assert it.problem is None, str(it.problem)
            assert it.record is not None
            made.append(it.record)
    return made


def ordered(trade: Trade, lines: list[Item] | None = None, **more: Any) -> Mapping[str, Any]:
    """An order of the retailer as the connector has read it."""
    facts: dict[str, Any] = {
        "currency": "USD", "ship_to": "0017", "references": [("IA", "77"), ("DP", "012")],
        "payment": Payment(30),
    }  # fmt: skip
    order = trade.partner.order(lines or items(), **{**facts, **more})
    (one,) = read_orders(trade, trade.partner.send_order(order))
    return one


def test_a_trade_from_order_to_money_is_charged_nothing(trade: Trade) -> None:
    told = ordered(trade)
    trade.tell("order_response", sending.response(told))
    trade.tell("shipment", sending.shipment(told, references={"BM": "BOL-1", "VN": "SO-1"}))
    trade.tell("invoice", sending.invoice(told))
    assert trade.rules() == []
    shown = trade.partner.told(told["purchase_order"])
    assert (shown["ordered"], shown["invoiced"]) == ("176", "176")
    assert [line["shipped"] for line in shown["lines"]] == ["10", "4"]
    paid = trade.partner.remit(
        [trade.partner.pays("INV-1", withheld=D("12.50"), reason="04")], apart=(), handling="I"
    )
    assert paid.sent is not None
    found = trade.answered(paid.sent.body)
    (advice,) = [it for it in found if it.kind == "remittance"]
    assert advice.problem is None, str(advice.problem)
    assert advice.external_id.startswith(paid.trace)
    assert trade.rules() == []


@pytest.mark.parametrize(
    "more",
    [
        {"allowances": [Allowance(percent=D(3))]},
        {"payment": Payment(60, D("1.5"), 15)},
        {"release": "7", "type": "RL"},
        {"notes": ["Ring twice"], "dates": {"002": date(2026, 4, 1)}, "contract": "C-9", "buyer": "0001"},
        {"response": ""},
    ],
    ids=", ".join,
)
def test_orders_of_many_forms_are_served_without_a_charge(trade: Trade, more: dict[str, Any]) -> None:
    told = ordered(trade, **more)
    trade.tell("order_response", sending.response(told))
    trade.tell("shipment", sending.shipment(told, references={"BM": "BOL-1"}))
    terms = {"terms": "NET60", "due_date": date(2027, 1, 21)} if "payment" in more else {}
    trade.tell("invoice", sending.invoice(told, **terms))
    assert trade.rules() == []


@pytest.mark.parametrize("sign", ["positive", "negative"])
def test_credit_memos_for_goods_and_for_money_are_taken(sign: str) -> None:
    partner = PartnerSandbox(now=Clock(), auto=False, terms=Terms(tax="none", credit_sign=sign))
    with serve(partner.app) as url:
        trade = Trade(url, partner, credit_sign=sign)
        told = ordered(trade)
        trade.tell("order_response", sending.response(told))
        trade.tell("shipment", sending.shipment(told, references={"BM": "BOL-1"}))
        trade.tell("invoice", sending.invoice(told))
        one = sending.invoice({**told, "lines": told["lines"][:1]}, number="CM-1", due_date=None)
        trade.tell("credit_memo", {**one, "theirs": [told], "order_lines": sending.agreed(told)})
        goodwill = sending.invoice(told, number="CM-2", due_date=None, lines=[], charge="ZZZZ")
        trade.tell("credit_memo", {**goodwill, "net": D("6.00"), "total": D("6.00"), "note": "Goodwill"})
    assert trade.rules() == []
    shown = partner.told(told["purchase_order"])
    assert [it["total"] for it in shown["invoices"]] == ["176", "-95", "-6"]


@pytest.mark.parametrize("way", ["TXI", "SAC"])
def test_tax_is_told_in_the_agreed_way(way: str) -> None:
    partner = PartnerSandbox(now=Clock(), auto=False, terms=Terms(tax=way))
    with serve(partner.app) as url:
        trade = Trade(url, partner, tax=way)
        told = ordered(trade)
        trade.tell("order_response", sending.response(told))
        trade.tell("shipment", sending.shipment(told, references={"BM": "BOL-1"}))
        trade.tell("invoice", sending.invoice(told, percent="8.25"))
    assert trade.rules() == []
    assert partner.told(told["purchase_order"])["invoiced"] == "190.52"


@pytest.mark.parametrize("version", ["004010VICS", "004030", "005010"])
def test_a_trade_in_other_versions_and_separators(version: str) -> None:
    style = Style(version=version, marks=Marks("|", ":", "\x15", "^"), newline="")
    partner = PartnerSandbox(now=Clock(), auto=False, terms=Terms(tax="none"), style=style)
    versions = dict.fromkeys(("855", "856", "810", "997"), version)
    with serve(partner.app) as url:
        trade = Trade(url, partner, versions=versions, element_separator="|", segment_terminator="0x15")
        told = ordered(trade)
        trade.tell("order_response", sending.response(told))
        trade.tell("shipment", sending.shipment(told, references={"BM": "BOL-1"}))
        trade.tell("invoice", sending.invoice(told))
    assert trade.rules() == []


@st.composite
def bought(draw: st.DrawFn) -> list[Item]:
    """Up to four lines, priced for one, for a hundred, for a thousand."""
    whole = st.decimals(min_value=1, max_value=9_999, places=0)
    part = st.decimals(min_value="0.001", max_value=999, places=3)
    price = st.decimals(min_value=0, max_value=9_999, places=4)
    return [
        Item(
            draw(whole | part),
            draw(price),
            unit=draw(st.sampled_from(["EA", "CA", "DZ", "LB"])),
            basis=draw(st.sampled_from(["", "PE", "HP", "TP"])),
            ids=(("VN", f"SKU-{n}"), ("UP", "012345678905")),
            line=draw(st.sampled_from([None, f"{n:03}", f"L{n}"])),
        )
        for n in range(draw(st.integers(1, 4)))
    ]


@pytest.mark.prove
@settings(max_examples=25, deadline=None)
@given(bought())
def test_any_order_is_served_to_its_invoice_without_a_charge(lines: list[Item]) -> None:
    partner = PartnerSandbox(now=Clock(), auto=False, terms=Terms(tax="none"))
    with serve(partner.app) as url:
        trade = Trade(url, partner)
        told = ordered(trade, lines)
        trade.tell("order_response", sending.response(told))
        trade.tell("shipment", sending.shipment(told, references={"BM": "BOL-1"}))
        trade.tell("invoice", sending.invoice(told))
        assert trade.rules() == []


def test_an_order_for_stores_is_served_store_by_store(trade: Trade) -> None:
    line = replace(items()[0], stores={"0017": D(4), "0018": D(6)})
    order = trade.partner.order([line], "SDQ-1", ship_to="DC-9", currency="USD")
    found = read_orders(trade, trade.partner.send_order(order))
    assert len(found) == 2
    for at, told in enumerate(found, 1):
        trade.tell("order_response", sending.response(told))
        trade.tell("shipment", sending.shipment(told, number=f"SH-{at}", references={"BM": "BOL-1"}))
        trade.tell("invoice", sending.invoice(told, number=f"INV-{at}"))
    assert trade.rules() == []
    shown = trade.partner.told("SDQ-1")
    assert (shown["lines"][0]["shipped"], shown["invoiced"]) == ("10", "95")


def test_a_line_for_two_days_is_served_day_by_day(trade: Trade) -> None:
    days = ((D(4), date(2026, 4, 1)), (D(6), date(2026, 5, 1)))
    told = ordered(trade, [replace(items()[0], schedules=days)])
    trade.tell("order_response", sending.response(told))
    trade.tell("shipment", sending.shipment(told, references={"BM": "BOL-1"}))
    trade.tell("invoice", sending.invoice(told))
    assert trade.rules() == []


def test_a_change_is_answered_and_then_counts(trade: Trade) -> None:
    told = ordered(trade, number="PO-CH")
    trade.tell("order_response", sending.response(told))
    order = trade.partner.world.book.orders["PO-CH", ""]
    sent = trade.partner.change(order, [Alter("1", "QD", D(8)), Alter("2", "DI")])
    (change,) = [it for it in trade.answered(sent.body) if it.kind == "order_change"]
    assert change.problem is None, str(change.problem)
    assert change.record is not None
    answer = sending.response(told, theirs=[told, change.record], change="doc-2", change_number="1")
    trade.tell("order_response", answer)
    assert trade.rules() == []
    assert [line.ordered() for line in order.lines] == [8, 0]


def test_a_rejected_order_is_answered_with_its_faults(trade: Trade) -> None:
    partner = trade.partner
    good, bad = partner.order(items(), "GOOD"), partner.order(items(), "BAD")
    sent = partner.send_order(bad, good, how=How(mischief=Mischief(spoil=("PO1", 2, "ten"))))
    found = trade.answered(sent.body)
    assert [it.external_id for it in found if it.kind == "order"] == ["GOOD"]
    assert sent.results == {("1", "0001"): "R", ("1", "0002"): "A"}
    assert trade.rules() == []


def test_the_retailers_answers_are_read_back(trade: Trade) -> None:
    told = ordered(trade)
    trade.tell("order_response", sending.response(told))
    trade.partner.connect("http://127.0.0.1:9/files/edi", KEY)
    (answer,) = [one for one in trade.partner.send_due() if one.groups]
    found = trade.read(answer.body)
    (one,) = [it for it in found if it.kind == "acknowledgment"]
    assert one.record is not None
    assert one.record["status"] == "accepted"
    assert not [it for it in found if it.external_id.startswith("our:") and it.record]


def test_stamps_of_ta1_and_other_styles_are_answered(trade: Trade) -> None:
    partner = trade.partner
    sent = partner.send_order(
        partner.order(items()), how=How(wants_ta1=True, style=Style(version="004010VICS", newline="\r\n"))
    )
    trade.answered(sent.body)
    assert sent.technical == "A"
    assert trade.rules() == []
