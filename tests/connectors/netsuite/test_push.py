"""Every kind written to a real account simulator: once, exactly, and as NetSuite then shows it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from connectors.netsuite.connector import NetSuite
from hub.errors import Conflict, RateLimited, Rejected, Transient
from sandbox.kit import Fault
from sandbox.netsuite import NetSuiteSandbox
from tests.connectors.netsuite.conftest import (
    CUSTOMER,
    INVOICE,
    LINES,
    ORDER,
    PAYMENT,
    TOTAL,
    customer,
    invoice,
    line,
    order,
    payment,
    write,
)

Sold = tuple[str, str]


def items(account: NetSuiteSandbox, record: str, id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = account.get(record, id)["item"]["items"]
    return found


def test_a_customer_is_created_once_and_then_updated(account: NetSuiteSandbox, netsuite: NetSuite) -> None:
    id = netsuite.push(write("customer", customer(), CUSTOMER))
    assert netsuite.push(write("customer", customer("Acme AG"), CUSTOMER)) == id
    assert netsuite.push(write("customer", customer("Acme SE"), CUSTOMER, external_id=id)) == id
    assert account.count("customer") == 1
    found = account.find("customer", CUSTOMER)
    assert found is not None
    assert (found["companyName"], found["terms"]["refName"]) == ("Acme SE", "Net 30")


def test_a_customer_that_was_linked_by_hand_is_not_created_again(
    account: NetSuiteSandbox, netsuite: NetSuite
) -> None:
    id = netsuite.push(write("customer", customer(), "x" * 32))
    assert netsuite.push(write("customer", customer("Renamed"), CUSTOMER, external_id=id)) == id
    assert account.count("customer") == 1


def test_an_order_carries_items_lines_and_totals(account: NetSuiteSandbox, sold: Sold) -> None:
    seen = account.get("salesOrder", sold[1])
    assert (seen["externalId"], seen["tranId"], seen["otherRefNum"]) == (ORDER, "SO-2026-1", "PO 77")
    assert (seen["subTotal"], seen["taxTotal"], seen["total"]) == (160.0, 30.4, 190.4)
    assert seen["status"]["refName"] == "Pending Fulfillment"
    assert [x["item"]["refName"] for x in items(account, "salesOrder", sold[1])] == [
        "BOLT-1",
        "O'RING",
        "SETUP",
    ]


def test_a_replayed_order_changes_nothing(account: NetSuiteSandbox, netsuite: NetSuite, sold: Sold) -> None:
    before = items(account, "salesOrder", sold[1])
    for external_id in (None, sold[1]):
        again = write("order", order(sold[0], LINES, TOTAL), ORDER, external_id)
        assert netsuite.push(again) == sold[1]
        assert items(account, "salesOrder", sold[1]) == before
    assert account.count("salesOrder") == 1


def test_a_changed_order_keeps_line_numbers_and_drops_what_is_gone(
    account: NetSuiteSandbox, netsuite: NetSuite, sold: Sold
) -> None:
    lines = [line("l4", "SETUP", 2, "1.00"), line("l1", "BOLT-1", 12)]
    netsuite.push(write("order", order(sold[0], lines, "145.18"), ORDER))
    seen = {
        x["custcol_o2c_line_id"]: (x["line"], x["quantity"]) for x in items(account, "salesOrder", sold[1])
    }
    assert seen == {"l1": (1, 12.0), "l4": (4, 2.0)}


def test_a_line_added_by_a_person_stays_and_is_reported(
    account: NetSuiteSandbox, netsuite: NetSuite, sold: Sold
) -> None:
    by_hand = {"item": {"items": [{"item": account.books.items["SETUP"], "rate": Decimal(7)}]}}
    account.change("salesOrder", sold[1], **by_hand)  # type: ignore[arg-type]  # a sublist
    with pytest.raises(Rejected, match=r"total 197.4\d* in NetSuite, the document says 190.40"):
        netsuite.push(write("order", order(sold[0], LINES, TOTAL), ORDER))
    assert len(items(account, "salesOrder", sold[1])) == 4


def test_an_order_shipped_in_part_can_still_be_repeated(
    account: NetSuiteSandbox, netsuite: NetSuite, sold: Sold
) -> None:
    account.fulfil(sold[1], {"BOLT-1": 4})
    assert netsuite.push(write("order", order(sold[0], LINES, TOTAL), ORDER)) == sold[1]
    with pytest.raises(Rejected, match="already fulfilled or billed"):
        netsuite.push(write("order", order(sold[0], LINES[1:], "71.40"), ORDER))


def test_an_unknown_sku_is_named_and_nothing_is_written(
    account: NetSuiteSandbox, netsuite: NetSuite, sold: Sold
) -> None:
    lines = [*LINES, line("l9", "NO-SUCH'SKU", 1)]
    with pytest.raises(Rejected, match="no item named NO-SUCH'SKU") as refused:
        netsuite.push(write("order", order(sold[0], lines, "1"), "e" * 32))
    assert not refused.value.sent
    assert account.count("salesOrder") == 1


def test_a_total_that_differs_is_refused_with_both_figures(netsuite: NetSuite, sold: Sold) -> None:
    with pytest.raises(Rejected, match=r"total 190.40 in NetSuite, the document says 190.41"):
        netsuite.push(write("order", order(sold[0], LINES, "190.41"), ORDER))
    wrong = order(sold[0], LINES, TOTAL)
    wrong["expected"]["currency"] = "1"
    with pytest.raises(Rejected, match="currency EUR in NetSuite, the document says 1"):
        netsuite.push(write("order", wrong, ORDER))


def test_a_mistyped_field_is_refused_and_not_ignored(netsuite: NetSuite, sold: Sold) -> None:
    wrong = {**order(sold[0], LINES, TOTAL), "otherRefNumber": "x"}
    with pytest.raises(Rejected, match="otherRefNumber") as refused:
        netsuite.push(write("order", wrong, ORDER))
    assert refused.value.code == "INVALID_CONTENT"


def test_an_invoice_bills_what_was_shipped_and_nothing_else(
    account: NetSuiteSandbox, netsuite: NetSuite, sold: Sold
) -> None:
    account.fulfil(sold[1], {"BOLT-1": 4, "O'RING": 5})
    id = netsuite.push(write("invoice", invoice(sold[1], {"l1": 4}, "47.60"), INVOICE))
    seen = account.get("invoice", id)
    assert (seen["externalId"], seen["tranId"], seen["dueDate"]) == (INVOICE, "INV-1", "2026-12-10")
    assert (seen["total"], seen["amountRemaining"], seen["status"]["refName"]) == (47.6, 47.6, "Open")
    assert [(x["custcol_o2c_line_id"], x["quantity"]) for x in seen["item"]["items"]] == [("l1", 4.0)]
    assert seen["createdFrom"]["id"] == sold[1]


def test_two_shipments_make_two_invoices_and_never_more_than_shipped(
    account: NetSuiteSandbox, netsuite: NetSuite, sold: Sold
) -> None:
    account.fulfil(sold[1], {"BOLT-1": 4})
    netsuite.push(write("invoice", invoice(sold[1], {"l1": 4, "l3": 1}, "107.10"), INVOICE))
    with pytest.raises(Rejected, match="more than the quantity that was fulfilled"):
        netsuite.push(write("invoice", invoice(sold[1], {"l1": 6, "l2": 5}, "83.30"), "e" * 32))
    account.fulfil(sold[1], {"BOLT-1": 6, "O'RING": 5})
    netsuite.push(write("invoice", invoice(sold[1], {"l1": 6, "l2": 5}, "83.30"), "e" * 32))
    assert account.count("invoice") == 2
    assert account.get("salesOrder", sold[1])["status"]["refName"] == "Billed"
    assert account.balance(sold[0]) == Decimal(TOTAL)
    with pytest.raises(Rejected, match="Unable to find a matching line"):
        netsuite.push(write("invoice", invoice(sold[1], {"l1": 1}, "11.90"), "f" * 32))


def test_a_lost_reply_of_the_transform_leaves_exactly_one_invoice(
    account: NetSuiteSandbox, netsuite: NetSuite, sold: Sold
) -> None:
    account.fulfil(sold[1], {"BOLT-1": 4})
    account.kit.faults.append(Fault(kind="lost_reply", method="POST", path="!transform/invoice"))
    record = invoice(sold[1], {"l1": 4}, "47.60")
    with pytest.raises(Transient) as unknown:
        netsuite.push(write("invoice", record, INVOICE))
    assert unknown.value.sent
    id = netsuite.find("invoice", INVOICE)
    assert id is not None
    assert netsuite.push(write("invoice", record, INVOICE, external_id=id)) == id
    assert account.count("invoice") == 1
    assert [e["action"] for e in account.kit.effects if e["kind"] == "invoice"] == ["create"]


def test_an_invoice_that_lost_our_reference_is_a_question_for_a_person(
    account: NetSuiteSandbox, netsuite: NetSuite, sold: Sold
) -> None:
    account.fulfil(sold[1], {"BOLT-1": 4})
    account.kit.faults.append(Fault(kind="refuse", status=404, method="GET", path="/invoice/eid:"))
    with pytest.raises(Rejected, match="does not carry external id"):
        netsuite.push(write("invoice", invoice(sold[1], {"l1": 4}, "47.60"), INVOICE))


def test_a_second_invoice_with_the_same_reference_is_a_conflict(
    account: NetSuiteSandbox, netsuite: NetSuite, sold: Sold
) -> None:
    account.fulfil(sold[1], {"BOLT-1": 10})
    netsuite.push(write("invoice", invoice(sold[1], {"l1": 4}, "47.60"), INVOICE))
    with pytest.raises(Conflict, match="already exists"):
        netsuite.push(write("invoice", invoice(sold[1], {"l1": 4}, "47.60"), INVOICE))
    assert account.count("invoice") == 1


@pytest.mark.parametrize("fault", [{"kind": "refuse", "status": 429}, {"kind": "lost_reply", "times": 3}])
def test_a_write_that_cannot_be_confirmed_has_an_unknown_outcome(
    account: NetSuiteSandbox, netsuite: NetSuite, sold: Sold, fault: dict[str, Any]
) -> None:
    account.fulfil(sold[1], {"BOLT-1": 4})
    account.kit.faults.append(Fault(method="GET", path="/invoice/", **fault))
    with pytest.raises(Transient, match="written, not confirmed") as unknown:
        netsuite.push(write("invoice", invoice(sold[1], {"l1": 4}, "47.60"), INVOICE))
    assert unknown.value.sent
    assert not isinstance(unknown.value, RateLimited)
    assert netsuite.find("invoice", INVOICE) is not None


def test_a_known_invoice_is_changed_only_where_it_differs(
    account: NetSuiteSandbox, netsuite: NetSuite, sold: Sold
) -> None:
    account.fulfil(sold[1], {"BOLT-1": 4})
    record = invoice(sold[1], {"l1": 4}, "47.60")
    id = netsuite.push(write("invoice", record, INVOICE))
    account.close_period(date(2026, 11, 30))
    assert netsuite.push(write("invoice", record, INVOICE, external_id=id)) == id
    account.preferences.closed_through = None
    netsuite.push(write("invoice", {**record, "dueDate": "2026-12-24"}, INVOICE, external_id=id))
    assert account.get("invoice", id)["dueDate"] == "2026-12-24"
    assert len([e for e in account.kit.effects if e["kind"] == "invoice"]) == 2


def test_an_invoice_line_the_order_does_not_have_is_named(
    account: NetSuiteSandbox, netsuite: NetSuite, sold: Sold
) -> None:
    with pytest.raises(Rejected, match=r"sales order \d+ has no line l8"):
        netsuite.push(write("invoice", invoice(sold[1], {"l8": 1}, "1"), INVOICE))
    record = invoice(sold[1], {"l1": 1}, "1")
    del record["createdFrom"]
    with pytest.raises(Rejected, match=r"createdFrom\.id"):
        netsuite.push(write("invoice", record, INVOICE))
    with pytest.raises(Rejected, match="sales order 999 is gone"):
        netsuite.push(write("invoice", invoice("999", {"l1": 1}, "1"), INVOICE))


@pytest.fixture
def billed(account: NetSuiteSandbox, netsuite: NetSuite, sold: Sold) -> tuple[str, str, str]:
    account.fulfil(sold[1], {"BOLT-1": 10, "O'RING": 5})
    first = netsuite.push(write("invoice", invoice(sold[1], {"l1": 4}, "47.60"), INVOICE))
    rest = invoice(sold[1], {"l1": 6, "l2": 5, "l3": 1}, "142.80", "INV-2")
    return sold[0], first, netsuite.push(write("invoice", rest, "e" * 32))


def test_a_payment_pays_invoices_and_leaves_the_rest_on_account(
    account: NetSuiteSandbox, netsuite: NetSuite, billed: tuple[str, str, str]
) -> None:
    buyer, first, second = billed
    record = payment(buyer, {first: "47.60", second: "100"}, "160")
    id = netsuite.push(write("payment", record, PAYMENT))
    seen = account.get("customerPayment", id)
    assert (seen["payment"], seen["applied"], seen["unapplied"]) == (160.0, 147.6, 12.4)
    assert account.get("invoice", first)["status"]["refName"] == "Paid In Full"
    assert account.get("invoice", second)["amountRemaining"] == 42.8
    assert account.balance(buyer) == Decimal("30.40")


def test_a_replayed_payment_applies_nothing_twice_and_a_new_version_replaces(
    account: NetSuiteSandbox, netsuite: NetSuite, billed: tuple[str, str, str]
) -> None:
    buyer, first, second = billed
    record = payment(buyer, {first: "40"}, "60")
    id = netsuite.push(write("payment", record, PAYMENT))
    account.kit.faults.append(Fault(kind="lost_reply", method="PUT", path="customerPayment"))
    assert netsuite.push(write("payment", record, PAYMENT)) == id
    assert account.get("invoice", first)["amountRemaining"] == 7.6
    moved = payment(buyer, {second: "60"}, "60")
    assert netsuite.push(write("payment", moved, PAYMENT, external_id=id)) == id
    assert account.get("invoice", first)["amountRemaining"] == 47.6
    assert account.get("invoice", second)["amountRemaining"] == 82.8
    assert account.count("customerPayment") == 1


def test_a_payment_cannot_pay_more_than_is_due_or_another_customers_invoice(
    account: NetSuiteSandbox, netsuite: NetSuite, billed: tuple[str, str, str]
) -> None:
    buyer, first, _ = billed
    with pytest.raises(Rejected, match=r"cannot apply 47.61 to INV-1: 47.60 is due"):
        netsuite.push(write("payment", payment(buyer, {first: "47.61"}, "50"), PAYMENT))
    with pytest.raises(Rejected, match="more than the amount of the payment"):
        netsuite.push(write("payment", payment(buyer, {first: "40"}, "30"), PAYMENT))
    other = netsuite.push(write("customer", customer("Other"), "f" * 32))
    with pytest.raises(Rejected, match="Unable to find a matching line for sublist apply"):
        netsuite.push(write("payment", payment(other, {first: "1"}, "1"), PAYMENT))
    assert account.count("customerPayment") == 0


def test_a_closed_period_is_refused_in_netsuites_own_words(
    account: NetSuiteSandbox, netsuite: NetSuite, billed: tuple[str, str, str]
) -> None:
    account.close_period(date(2026, 11, 30))
    with pytest.raises(Rejected, match="posting period is closed") as refused:
        netsuite.push(write("payment", payment(billed[0], {billed[1]: "1"}, "1"), PAYMENT))
    assert refused.value.code == "USER_ERROR"


def test_a_full_account_is_a_rate_limit_and_nothing_happens(
    account: NetSuiteSandbox, netsuite: NetSuite
) -> None:
    account.concurrency = 0
    with pytest.raises(RateLimited) as limited:
        netsuite.push(write("customer", customer(), CUSTOMER))
    assert (limited.value.retry_after, limited.value.code) == (2.0, "CONCURRENCY_LIMIT_EXCEEDED")
    assert not limited.value.sent
    assert account.count("customer") == 0


def test_what_cannot_be_written_is_refused_before_anything_is_sent(netsuite: NetSuite) -> None:
    for kind, reference, words in (
        ("shipment", ORDER, "only read"),
        ("ticket", ORDER, "no kind 'ticket'"),
        ("customer", "../x", "external id"),
    ):
        with pytest.raises(Rejected, match=words) as refused:
            netsuite.push(write(kind, customer(), reference))
        assert not refused.value.sent


def test_a_record_that_is_gone_is_said_so(netsuite: NetSuite, sold: Sold) -> None:
    with pytest.raises(Rejected, match="sales order 77 is gone"):
        netsuite.push(write("order", order(sold[0], LINES, TOTAL), ORDER, external_id="77"))
    with pytest.raises(Rejected, match="invoice 77 is gone"):
        netsuite.push(write("invoice", invoice(sold[1], {"l1": 1}, "1"), INVOICE, external_id="77"))


def test_find_knows_each_kind_by_our_reference(netsuite: NetSuite, sold: Sold) -> None:
    assert netsuite.find("customer", CUSTOMER) == sold[0]
    assert netsuite.find("order", ORDER) == sold[1]
    assert netsuite.find("invoice", INVOICE) is None


def test_per_line_tax_rounding_is_noticed_by_the_total(
    account: NetSuiteSandbox, netsuite: NetSuite, sold: Sold
) -> None:
    lines = [line(f"m{n}", "BOLT-1", 1, "0.13") for n in range(3)]  # tax 0.0741 once, 0.02 a line
    record = order(sold[0], lines, "0.46")
    netsuite.push(write("order", record, "e" * 32))
    account.preferences.tax_rounding = "line"
    with pytest.raises(Rejected, match=r"total 0.45 in NetSuite, the document says 0.46"):
        netsuite.push(write("order", record, "f" * 32))
