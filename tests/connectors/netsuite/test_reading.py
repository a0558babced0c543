"""What people and NetSuite itself book there: each kind as the mappings get it, and what a crowd costs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connectors.netsuite.client import tidy
from connectors.netsuite.connector import NetSuite
from hub.connector import Change
from hub.errors import Rejected
from hub.mapping import compile_mapping, load
from hub.model import Adjustment, CreditMemo, Invoice, Payment
from sandbox.netsuite import NetSuiteSandbox
from tests.connectors.netsuite.conftest import INVOICE, PAYMENT, Connect, invoice, payment, write
from tests.connectors.netsuite.test_mappings import FOLDER, Xrefs

Sold = tuple[str, str]
D = Decimal


@pytest.fixture(autouse=True)
def past(account: NetSuiteSandbox) -> None:
    """The account writes as it did some seconds ago, so that a poll without margin sees it."""
    account.books.now = lambda: datetime.now(UTC) - timedelta(seconds=5)


@pytest.fixture
def billed(account: NetSuiteSandbox, sold: Sold) -> tuple[str, str]:
    """A customer, and an invoice of 47.60 that NetSuite issued."""
    account.people.ship(sold[1], {"BOLT-1": 4})
    return sold[0], account.people.bill(sold[1], {"BOLT-1": 4}, number="INV7", on="2026-11-10")


def seen(netsuite: NetSuite, cursor: str | None = None) -> list[Change]:
    """Everything a poll finds, read as one crowd; what several deliveries tell is told once."""
    page = netsuite.poll(cursor)
    told = netsuite.read_many([arrival.delivery for arrival in page.arrivals])
    return list({id(change): change for changes in told for change in changes}.values())


def only(changes: list[Change], kind: str) -> Change:
    [change] = [one for one in changes if one.kind == kind]
    return change


def mapped(name: str, change: Change, ids: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    translator = compile_mapping(load(FOLDER / f"{name}.in.yaml"))
    assert change.record is not None
    return {"id": "d" * 32, **translator.apply(change.record, Xrefs(ids))}


def test_an_invoice_that_netsuite_issued_comes_with_lines_tax_and_its_order(
    netsuite: NetSuite, sold: Sold, billed: tuple[str, str]
) -> None:
    change = only(seen(netsuite), "invoice")
    assert change.external_id == billed[1]
    ids = {("order", sold[1]): "o", ("customer", sold[0]): "c"}
    made = Invoice.model_validate(mapped("invoice", change, ids))
    assert (made.number, made.order, made.customer, made.purchase_order) == ("INV7", "o", "c", "PO 77")
    assert (made.tax_exclusive_amount.amount, made.payable_amount.amount) == (D("40"), D("47.6"))
    assert [(x.order_line, x.sku, x.quantity, x.unit_price, x.tax_percent) for x in made.lines] == [
        ("l1", "BOLT-1", D(4), D(10), D(19))
    ]
    assert made.cancelled_on is None


def test_a_payment_people_entered_comes_with_what_it_settles_and_the_discount_apart(
    account: NetSuiteSandbox, netsuite: NetSuite, billed: tuple[str, str]
) -> None:
    buyer, bill = billed
    paid = account.people.pay(
        buyer, "60", apply=[{"invoice": bill, "amount": "46.60", "disc": "1"}], on="2026-11-20"
    )
    found = seen(netsuite)
    ids = {("customer", buyer): "c", ("invoice", bill): "i"}
    made = Payment.model_validate(mapped("payment", only(found, "payment"), ids))
    assert (only(found, "payment").external_id, made.amount.amount, made.booked_on) == (
        paid, D(60), date(2026, 11, 20)
    )  # fmt: skip
    assert [(x.invoice, x.amount.amount) for x in made.applications] == [("i", D("46.6"))]
    taken = only(found, "adjustment")
    assert taken.external_id == f"{paid}:{bill}"
    less = Adjustment.model_validate(mapped("adjustment", taken, ids))
    assert (less.amount.amount, less.reason) == (D(1), "discount")


def test_a_payment_of_ours_comes_back_under_the_id_push_gave_without_being_read_itself(
    account: NetSuiteSandbox, netsuite: NetSuite, billed: tuple[str, str]
) -> None:
    buyer, bill = billed
    id = netsuite.push(write("payment", payment(buyer, {bill: "40"}, "50"), PAYMENT))
    page = netsuite.poll(None)
    deliveries = [one.delivery for one in page.arrivals if b'"CustPymt"' in one.delivery.body]
    calls = account.kit.calls
    [[change]] = netsuite.read_many(deliveries)
    assert account.kit.calls - calls == 2  # headers and links
    assert (change.kind, change.external_id) == ("payment", id)
    made = Payment.model_validate(
        mapped("payment", change, {("customer", buyer): "c", ("invoice", bill): "i"})
    )
    assert (made.amount.amount, [x.amount.amount for x in made.applications]) == (D(50), [D(40)])


def test_a_deposit_is_a_payment_and_its_application_tells_of_it_anew(
    account: NetSuiteSandbox, netsuite: NetSuite, sold: Sold, billed: tuple[str, str]
) -> None:
    buyer, bill = billed
    deposit = account.people.deposit(buyer, "30", order=sold[1])
    before = only(seen(netsuite), "payment")
    assert (before.external_id, before.record and before.record["applications"]) == (deposit, [])
    account.people.apply_deposit(deposit, bill, "20")
    page = netsuite.poll(None)
    applied = [one.delivery for one in page.arrivals if b'"DepAppl"' in one.delivery.body]
    [[change]] = netsuite.read_many(applied)
    assert change.external_id == deposit
    made = Payment.model_validate(
        mapped("payment", change, {("customer", buyer): "c", ("invoice", bill): "i"})
    )
    assert (made.amount.amount, [x.amount.amount for x in made.applications]) == (D(30), [D(20)])


def test_what_is_refunded_is_taken_off_and_a_full_refund_takes_the_payment_back(
    account: NetSuiteSandbox, netsuite: NetSuite, billed: tuple[str, str]
) -> None:
    buyer, bill = billed
    paid = account.people.pay(buyer, "60", apply=[{"invoice": bill, "amount": "40"}], currency="4")
    account.people.refund("customerPayment", paid, "15")
    other = account.people.pay(buyer, "10", currency="4")
    account.people.refund("customerPayment", other, "10")
    found = {one.external_id: one for one in seen(netsuite) if one.kind == "payment"}
    ids = {("customer", buyer): "c", ("invoice", bill): "i"}
    kept, gone = (Payment.model_validate(mapped("payment", found[id], ids)) for id in (paid, other))
    assert (kept.amount.amount, kept.cancelled_on) == (D(45), None)
    assert gone.cancelled_on is not None


def test_a_credit_memo_people_made_comes_with_its_invoice_and_what_it_settles(
    account: NetSuiteSandbox, netsuite: NetSuite, billed: tuple[str, str]
) -> None:
    buyer, bill = billed
    memo = account.people.credit(bill, {"BOLT-1": 1})
    change = only(seen(netsuite), "credit_memo")
    ids = {("customer", buyer): "c", ("invoice", bill): "i"}
    made = CreditMemo.model_validate(mapped("credit_memo", change, ids))
    assert (change.external_id, made.invoice, made.payable_amount.amount) == (memo, "i", D("11.9"))
    assert [(x.sku, x.quantity, x.line_extension_amount.amount) for x in made.lines] == [
        ("BOLT-1", D(1), D(10))
    ]
    assert [(x.invoice, x.amount.amount) for x in made.applications] == [("i", D("11.9"))]


def test_a_journal_applied_to_an_invoice_is_a_write_off(
    account: NetSuiteSandbox, netsuite: NetSuite, billed: tuple[str, str]
) -> None:
    journal = account.people.write_off(billed[1], "0.60", memo="not worth it", on="2026-11-22")
    change = only(seen(netsuite), "adjustment")
    made = Adjustment.model_validate(mapped("adjustment", change, {("invoice", billed[1]): "i"}))
    assert (change.external_id, made.amount.amount, made.reason) == (journal, D("0.6"), "write_off")
    assert (made.booked_on, made.note) == (date(2026, 11, 22), "not worth it")


def test_a_credit_memo_on_the_write_off_item_is_an_adjustment(
    account: NetSuiteSandbox, netsuite: NetSuite, billed: tuple[str, str]
) -> None:
    account.people.add_item("WRITE-OFF", "otherChargeSaleItem")
    settles = {"invoice": billed[1], "amount": D("0.60"), "sku": "WRITE-OFF"}
    record = {"tranDate": "2026-11-22", "settles": settles, "expected": {"total": D("0.60"), "currency": "4"}}
    id = netsuite.push(write("adjustment", record, "a" * 32))
    found = seen(netsuite)
    assert [one.kind for one in found if one.external_id == id] == ["adjustment"]
    made = mapped("adjustment", only(found, "adjustment"), {("invoice", billed[1]): "i"})
    assert Adjustment.model_validate(made).amount.amount == D("0.6")


def test_a_void_is_told_with_its_day_and_a_deletion_without_a_record(
    account: NetSuiteSandbox, netsuite: NetSuite, billed: tuple[str, str]
) -> None:
    buyer, bill = billed
    paid = account.people.pay(buyer, "10", currency="4")
    account.people.void("customerPayment", paid)
    change = only(seen(netsuite), "payment")
    made = Payment.model_validate(mapped("payment", change, {("customer", buyer): "c"}))
    assert made.cancelled_on == account.books.now().date()
    paid = account.people.pay(buyer, "20", currency="4")
    account.people.delete("customerPayment", paid)
    account.people.delete("invoice", bill)
    gone = {(one.kind, one.external_id) for one in seen(netsuite) if one.record is None}
    assert gone == {("payment", paid), ("invoice", bill)}


def test_a_deleted_credit_memo_may_have_been_either(
    account: NetSuiteSandbox, netsuite: NetSuite, billed: tuple[str, str]
) -> None:
    memo = account.people.credit(billed[1], {"BOLT-1": 1})
    account.people.delete("creditMemo", memo)
    gone = [(one.kind, one.external_id, one.record) for one in seen(netsuite) if one.record is None]
    assert sorted(gone) == [("adjustment", memo, None), ("credit_memo", memo, None)]


def test_an_unchanged_poll_costs_one_call_and_a_crowd_few(
    account: NetSuiteSandbox, netsuite: NetSuite, billed: tuple[str, str]
) -> None:
    journals = [account.people.write_off(billed[1], "0.10") for _ in range(20)]
    calls = account.kit.calls
    page = netsuite.poll(None)
    assert account.kit.calls - calls == 1
    crowd = [one.delivery for one in page.arrivals if b'"Journal"' in one.delivery.body]
    assert len(crowd) == len(journals)
    calls = account.kit.calls
    told = netsuite.read_many([*crowd, crowd[0]])
    assert account.kit.calls - calls == 2
    assert told[0][0] is told[-1][0]
    later = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)
    calls = account.kit.calls
    assert netsuite.poll(f'{{"since": "{later.isoformat()}"}}').arrivals == []
    assert account.kit.calls - calls == 1


def test_only_what_is_watched_is_polled(
    account: NetSuiteSandbox, connect: Connect, billed: tuple[str, str]
) -> None:
    account.people.pay(billed[0], "10", currency="4")
    assert {one.kind for one in seen(connect(watch=("shipment",)))} == {"shipment"}
    assert {one.kind for one in seen(connect(watch=("payment",), deletions=False))} == {"payment"}


def test_any_object_can_be_read_again_on_request(
    account: NetSuiteSandbox, netsuite: NetSuite, billed: tuple[str, str]
) -> None:
    paid = account.people.pay(billed[0], "10", currency="4")
    for kind, id in (("invoice", billed[1]), ("payment", paid), ("adjustment", f"{paid}:{billed[1]}")):
        found = list(netsuite.read(netsuite.arrival(kind, id).delivery))
        assert found[0].external_id == id.partition(":")[0]
        assert found[0].record is not None
    [gone] = netsuite.read(netsuite.arrival("invoice", "999999").delivery)
    assert (gone.kind, gone.record) == ("invoice", None)
    for kind, id in (("customer", "5"), ("invoice", "x1")):
        with pytest.raises(Rejected, match="cannot be read again"):
            netsuite.arrival(kind, id)


def test_open_items_are_what_netsuites_books_say(
    account: NetSuiteSandbox, netsuite: NetSuite, sold: Sold
) -> None:
    account.people.ship(sold[1], {"BOLT-1": 4})
    bill = netsuite.push(write("invoice", invoice(sold[1], {"l1": 4}, "47.60"), INVOICE))
    paid = account.people.pay(sold[0], "60", apply=[{"invoice": bill, "amount": "40"}], currency="4")
    memo = account.people.credit(bill, amount="1", apply=False)
    page = netsuite.open_items(None)
    assert page.cursor is None
    found = {(one.kind, one.external_id): one for one in page.items}
    owed = found[("invoice", bill)]
    assert (owed.number, owed.customer, owed.currency, owed.amount, owed.open, owed.reference) == (
        "INV-1", sold[0], "EUR", D("47.6"), D("7.6"), INVOICE
    )  # fmt: skip
    assert owed.due == date(2026, 12, 10)
    assert found[("payment", paid)].open == D(20)
    assert found[("credit_memo", memo)].open == D("1.19")
    account.people.reapply("customerPayment", paid, [{"invoice": bill, "amount": "47.60"}])
    assert ("invoice", bill) not in {(one.kind, one.external_id) for one in netsuite.open_items(None).items}
    [closed, used] = netsuite.items([("invoice", bill), ("payment", paid), ("invoice", "999999")])
    assert (closed.open, used.open) == (D(0), D("12.4"))
    assert netsuite.open_items(str(10**9)).items == []


def test_doubles_read_like_money_and_are_exactly_the_same() -> None:
    told = {
        "total": Decimal("100.0"),
        "rate": Decimal("0.125"),
        "items": [{"amount": Decimal("2.5")}, 3, "4.0"],
    }
    shown = tidy(told)
    assert shown == told
    assert [str(shown["total"]), str(shown["rate"])] == ["100.00", "0.125"]
    assert str(shown["items"][0]["amount"]) == "2.50"
