"""Credit memos, write-offs, and what happens to payments that are there already."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from connectors.netsuite.connector import NetSuite
from hub.errors import Rejected, Transient
from sandbox.kit import Fault
from sandbox.netsuite import NetSuiteSandbox
from tests.connectors.netsuite.conftest import (
    INVOICE,
    LINES,
    PAYMENT,
    TOTAL,
    Connect,
    customer,
    invoice,
    line,
    order,
    payment,
    write,
)

MEMO, WRITE_OFF = "e" * 32, "f" * 32
Billed = tuple[str, str, str]


@pytest.fixture
def billed(account: NetSuiteSandbox, netsuite: NetSuite, sold: tuple[str, str]) -> Billed:
    """A customer and two invoices, of 47.60 and 142.80."""
    account.fulfil(sold[1], {"BOLT-1": 10, "O'RING": 5})
    first = netsuite.push(write("invoice", invoice(sold[1], {"l1": 4}, "47.60"), INVOICE))
    rest = invoice(sold[1], {"l1": 6, "l2": 5, "l3": 1}, "142.80", "INV-2")
    return sold[0], first, netsuite.push(write("invoice", rest, "9" * 32))


def memo(
    buyer: str,
    total: str,
    lines: list[dict[str, Any]],
    source: str = "",
    applied: dict[str, str] | None = None,
) -> dict[str, Any]:
    apply = [
        {"doc": {"id": doc}, "line": 0, "apply": True, "amount": Decimal(amount)}
        for doc, amount in (applied or {}).items()
    ]
    return {
        **({"createdFrom": {"id": source}} if source else {}),
        "entity": {"id": buyer},
        "currency": {"id": "4"},
        "tranId": "CN-1",
        "tranDate": "2026-11-15",
        "autoApply": False,
        "item": {"items": lines},
        "apply": {"items": apply},
        "expected": {"total": Decimal(total), "currency": "4"},
    }


def open_of(account: NetSuiteSandbox, bill: str) -> Decimal:
    return Decimal(str(account.get("invoice", bill)["amountRemaining"]))


def test_a_credit_memo_is_made_from_its_invoice_and_settles_what_it_should(
    account: NetSuiteSandbox, netsuite: NetSuite, billed: Billed
) -> None:
    buyer, first, second = billed
    record = memo(buyer, "11.90", [line("l1", "BOLT-1", 1)], second, {first: "11.90"})
    id = netsuite.push(write("credit_memo", record, MEMO))
    made = account.get("creditMemo", id)
    assert (made["createdFrom"]["id"], made["total"], made["externalId"]) == (second, 11.9, MEMO)
    assert [x["quantity"] for x in made["item"]["items"]] == [1.0]
    assert (open_of(account, first), open_of(account, second)) == (Decimal("35.7"), Decimal("142.8"))
    assert netsuite.find("credit_memo", MEMO) == id


def test_a_credit_memo_that_settles_nothing_yet_settles_nothing(
    account: NetSuiteSandbox, netsuite: NetSuite, billed: Billed
) -> None:
    buyer, first, second = billed
    record = memo(buyer, "11.90", [line("l1", "BOLT-1", 1)], second)
    id = netsuite.push(write("credit_memo", record, MEMO))
    assert (open_of(account, first), open_of(account, second)) == (Decimal("47.6"), Decimal("142.8"))
    moved = memo(buyer, "11.90", [line("l1", "BOLT-1", 1)], second, {second: "11.90"})
    assert netsuite.push(write("credit_memo", moved, MEMO, external_id=id)) == id
    assert open_of(account, second) == Decimal("130.9")
    assert account.count("creditMemo") == 1


def test_a_credit_memo_of_other_lines_stands_alone(
    account: NetSuiteSandbox, netsuite: NetSuite, billed: Billed
) -> None:
    account.people.add_item("GOODWILL", "otherChargeSaleItem")
    buyer, first, _ = billed
    goodwill = {
        "item": {"sku": "GOODWILL"},
        "quantity": Decimal(1),
        "rate": Decimal(5),
        "taxRate1": Decimal(0),
    }
    record = memo(buyer, "5", [goodwill], first, {first: "5"})
    for _ in range(2):
        id = netsuite.push(write("credit_memo", record, MEMO))
    assert account.get("creditMemo", id)["item"]["items"][0]["item"]["refName"] == "GOODWILL"
    assert (open_of(account, first), account.count("creditMemo")) == (Decimal("42.6"), 1)
    with pytest.raises(Rejected, match=r"item\.items is empty"):
        netsuite.push(write("credit_memo", memo(buyer, "5", [], first), "8" * 32))


def test_a_lost_reply_leaves_exactly_one_credit_memo(
    account: NetSuiteSandbox, netsuite: NetSuite, billed: Billed
) -> None:
    buyer, _, second = billed
    account.kit.faults.append(Fault(kind="lost_reply", method="POST", path="!transform/creditMemo"))
    record = memo(buyer, "11.90", [line("l1", "BOLT-1", 1)], second, {second: "11.90"})
    with pytest.raises(Transient) as unknown:
        netsuite.push(write("credit_memo", record, MEMO))
    assert unknown.value.sent
    id = netsuite.find("credit_memo", MEMO)
    assert id is not None
    assert netsuite.push(write("credit_memo", record, MEMO, external_id=id)) == id
    assert (account.count("creditMemo"), open_of(account, second)) == (1, Decimal("130.9"))


def write_off(bill: str, amount: str) -> dict[str, Any]:
    settles = {"invoice": bill, "amount": Decimal(amount), "sku": "WRITE-OFF"}
    expected = {"total": Decimal(amount), "currency": "4"}
    return {"tranDate": "2026-11-22", "memo": "small", "settles": settles, "expected": expected}


@pytest.mark.parametrize(
    ("settings", "record"),
    [({}, "creditMemo"), ({"write_off": "journal", "write_off_account": "58"}, "journalEntry")],
)
def test_a_write_off_takes_the_rest_off_its_invoice_once(
    account: NetSuiteSandbox, connect: Connect, billed: Billed, settings: dict[str, str], record: str
) -> None:
    account.people.add_item("WRITE-OFF", "otherChargeSaleItem")
    netsuite = connect(**settings)
    first = billed[1]
    for _ in range(2):
        id = netsuite.push(write("adjustment", write_off(first, "0.60"), WRITE_OFF))
    assert (open_of(account, first), account.count(record)) == (Decimal("47"), 1)
    assert netsuite.find("adjustment", WRITE_OFF) == id
    [told] = netsuite.read(netsuite.arrival("adjustment", id).delivery)
    assert (told.kind, told.external_id) == ("adjustment", id)
    assert told.record is not None
    assert (told.record["invoice"], told.record["amount"]) == ({"id": first}, Decimal("0.6"))


def test_a_journal_whose_application_was_lost_is_applied_on_the_repeat(
    account: NetSuiteSandbox, connect: Connect, billed: Billed
) -> None:
    netsuite = connect(write_off="journal", write_off_account="58")
    account.kit.faults.append(Fault(kind="refuse", status=503, method="POST", path="/customerPayment"))
    with pytest.raises(Transient):
        netsuite.push(write("adjustment", write_off(billed[1], "0.60"), WRITE_OFF))
    netsuite.push(write("adjustment", write_off(billed[1], "0.60"), WRITE_OFF))
    assert (account.count("journalEntry"), open_of(account, billed[1])) == (1, Decimal("47"))


def test_a_write_off_says_what_it_lacks(netsuite: NetSuite, connect: Connect, billed: Billed) -> None:
    for record, words in (
        (write_off("999", "1"), "invoice 999 is gone"),
        (write_off(billed[1], "0"), "settles.amount"),
        (write_off(billed[1], "1"), r"no item named WRITE-OFF \(line 1\)"),
    ):
        with pytest.raises(Rejected, match=words):
            netsuite.push(write("adjustment", record, WRITE_OFF))
    nothing = write_off(billed[1], "1")
    del nothing["settles"]["sku"]
    with pytest.raises(Rejected, match=r"settles\.sku"):
        connect(write_off_items=()).push(write("adjustment", nothing, WRITE_OFF))


def test_a_payment_that_is_right_already_is_not_touched_even_in_a_closed_period(
    account: NetSuiteSandbox, netsuite: NetSuite, billed: Billed
) -> None:
    buyer, first, second = billed
    record = payment(buyer, {first: "40", second: "10"}, "60")
    id = netsuite.push(write("payment", record, PAYMENT))
    account.close_period(date(2026, 11, 30))
    assert netsuite.push(write("payment", record, PAYMENT, external_id=id)) == id
    moved = payment(buyer, {second: "60"}, "60")
    with pytest.raises(Rejected, match="period is closed"):
        netsuite.push(write("payment", moved, PAYMENT, external_id=id))
    account.preferences.closed_through = None
    netsuite.push(write("payment", moved, PAYMENT, external_id=id))
    assert (open_of(account, first), open_of(account, second)) == (Decimal("47.6"), Decimal("82.8"))


def test_by_setting_a_closed_period_is_passed_over(
    account: NetSuiteSandbox, connect: Connect, billed: Billed
) -> None:
    account.close_period(date(2026, 11, 30))
    record = payment(billed[0], {billed[1]: "40"}, "40")
    with pytest.raises(Rejected, match="period is closed"):
        connect().push(write("payment", record, PAYMENT))
    id = connect(closed_period="next_open").push(write("payment", record, PAYMENT))
    made = account.get("customerPayment", id)
    assert (made["tranDate"], made["postingPeriod"]["refName"]) == ("2026-11-20", "Dec 2026")


def test_a_locked_record_is_refused_in_netsuites_own_words(
    account: NetSuiteSandbox, netsuite: NetSuite, sold: tuple[str, str]
) -> None:
    account.people.lock("salesOrder", sold[1])
    with pytest.raises(Rejected) as refused:
        netsuite.push(write("order", order(sold[0], LINES, TOTAL), "b" * 32))
    assert refused.value.code == "RCRD_LOCKED_BY_WF"


def test_an_item_is_found_by_its_gtin_where_its_name_is_not_ours(
    account: NetSuiteSandbox, netsuite: NetSuite, sold: tuple[str, str]
) -> None:
    account.people.add_item("A-77", upc="4012345000016")
    strange = line("l7", "OUR-77", 1)
    strange["item"]["gtin"] = "4012345000016"
    id = netsuite.push(write("order", order(sold[0], [strange], "11.90"), "7" * 32))
    assert account.get("salesOrder", id)["item"]["items"][0]["item"]["refName"] == "A-77"
    strange["item"]["gtin"] = "4000000000000"
    with pytest.raises(Rejected, match=r"no item named OUR-77 \(line l7\)") as refused:
        netsuite.push(write("order", order(sold[0], [strange], "11.90"), "6" * 32))
    assert refused.value.code == "item"


def test_candidates_come_in_the_order_of_trust(account: NetSuiteSandbox, connect: Connect) -> None:
    account.people.add_field("custentity_duns")
    netsuite = connect(duns_field="custentity_duns")

    def made(number: int, **fields: Any) -> str:
        return netsuite.push(write("customer", customer() | fields, f"{number:032d}"))

    by_name = made(1, companyName="Acme Incorporated")
    by_domain = made(2, companyName="Other", email="ap@acme.example")
    by_duns = made(3, companyName="Third", custentity_duns="12-345-6789")
    by_tax = made(4, companyName="Fourth", vatRegNumber="DE 123.456.789")
    ours = made(5, companyName="Fifth")
    made(6, companyName="Nobody", email="x@elsewhere.example")
    match = {"tax_id": "DE123456789", "duns": "123456789", "domain": "acme.example", "name": "ACME GmbH"}
    one = write("customer", customer() | {"match": match}, f"{5:032d}")
    found = netsuite.candidates(one)
    assert [(x.external_id, x.by) for x in found] == [
        (ours, "external_id"), (by_tax, "tax_id"), (by_duns, "duns"), (by_domain, "domain"), (by_name, "name")
    ]  # fmt: skip
    assert "ap@acme.example" in found[3].detail
    assert netsuite.candidates(write("customer", customer() | {"match": {"name": "New"}}, "0" * 32)) == []
    assert netsuite.push(one) == ours  # `match` is not sent
