"""What clearings settled, from the rows of the cube alone."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from connectors.sap import cube, ledger
from connectors.sap.poll import digest, subjects
from connectors.sap.settings import Settings
from hub.errors import Unmappable

SETTINGS = Settings.model_validate(
    {
        "base_url": "https://my123456-api.s4hana.cloud.sap",
        "username": "O2C",
        "password": "x" * 20,
        "sellers": {
            "DE": {
                "company_code": "1010",
                "sales_organization": "1010",
                "accounts": {
                    "bank_clearing": "11010000",
                    "write_off": "44000000",
                    "discount": "44100000",
                    "fee": "44200000",
                    "exchange": "44300000",
                },
            }
        },
    }
)
BILL, BILL_2, PAY, MEMO, CLEARING = "9400000001", "9400000002", "1400000001", "1600000001", "100000001"


def row(document: str, item: int, amount: str, **changed: Any) -> dict[str, Any]:
    kind = {"94": "RV", "14": "DZ", "16": "DG", "10": "AB"}[document[:2]]
    told = {
        "CompanyCode": "1010",
        "FiscalYear": "2026",
        "AccountingDocument": document,
        "AccountingDocumentItem": str(item),
        "AccountingDocumentType": kind,
        "FinancialAccountType": "D",
        "DebitCreditCode": "H" if amount.startswith("-") else "S",
        "AmountInTransactionCurrency": amount,
        "TransactionCurrency": "EUR",
        "Customer": "10100001",
        "PostingDate": date(2026, 11, 20),
        "IsCleared": False,
        "BillingDocument": f"9000000{document[-1]}" if kind == "RV" else "",
    }
    if by := changed.pop("by", ""):
        told |= {"IsCleared": True, "ClearingAccountingDocument": by, "ClearingDocFiscalYear": "2026"}
    if of := changed.pop("of", ""):
        told |= {"InvoiceReference": of, "InvoiceReferenceFiscalYear": "2026", "InvoiceItemReference": "1"}
    return {**told, **changed}


def general(document: str, item: int, amount: str, account: str) -> dict[str, Any]:
    return row(document, item, amount, FinancialAccountType="S", GLAccount=account, Customer="")


def bank(document: str, amount: str) -> dict[str, Any]:
    return {**general(document, 1, amount, "0011010000"), "HouseBank": "BANK1"}


def id_(document: str) -> str:
    return f"1010-2026-{document}"


def told(rows: list[dict[str, Any]], clearing: str) -> list[tuple[str, str, str, str]]:
    books = ledger.Books(rows, SETTINGS)
    found = books.settled(id_(clearing))
    return [(one.credit.kind, one.credit.id, one.invoice, str(one.amount)) for one in found]


def test_incoming_payment_that_clears_two_invoices() -> None:
    rows = [
        row(BILL, 1, "100.00", by=PAY),
        row(BILL_2, 1, "19.00", by=PAY),
        bank(PAY, "119.00"),
        row(PAY, 2, "-119.00", by=PAY),
    ]
    assert told(rows, PAY) == [
        ("payment", id_(PAY), "90000001", "100.00"),
        ("payment", id_(PAY), "90000002", "19.00"),
    ]


def test_payment_on_account_that_is_cleared_later() -> None:
    rows = [row(BILL, 1, "100.00", by=CLEARING), bank(PAY, "100.00"), row(PAY, 2, "-100.00", by=CLEARING)]
    assert told(rows, CLEARING) == [("payment", id_(PAY), "90000001", "100.00")]
    assert told(rows[1:], CLEARING) == []


def test_discount_taken_with_a_payment_is_an_adjustment() -> None:
    rows = [
        row(BILL, 1, "100.00", by=PAY),
        bank(PAY, "98.00"),
        general(PAY, 2, "2.00", "0044100000"),
        row(PAY, 3, "-100.00", by=PAY),
    ]
    assert told(rows, PAY) == [
        ("payment", id_(PAY), "90000001", "98.00"),
        ("adjustment", f"{id_(PAY)}-discount-2", "90000001", "2.00"),
    ]


def test_partial_payment_leaves_the_invoice_open() -> None:
    rows = [row(BILL, 1, "100.00"), bank(PAY, "40.00"), row(PAY, 2, "-40.00", of=BILL)]
    assert told(rows, PAY) == [("payment", id_(PAY), "90000001", "40.00")]
    found = {cube.object_id(one.row): (one.total, one.open) for one in cube.balances(rows)}
    assert found == {"90000001": (Decimal("100.00"), Decimal("60.00"))}


def test_residual_item_keeps_the_rest_open() -> None:
    rows = [
        row(BILL, 1, "100.00", by=PAY),
        bank(PAY, "90.00"),
        row(PAY, 2, "10.00", of=BILL),
        row(PAY, 3, "-100.00", by=PAY),
    ]
    assert told(rows, PAY) == [("payment", id_(PAY), "90000001", "90.00")]


def test_part_of_a_payment_on_account_is_used() -> None:
    rows = [
        row(BILL, 1, "40.00", by=CLEARING),
        bank(PAY, "100.00"),
        row(PAY, 2, "-100.00"),
        row(CLEARING, 1, "40.00", of=PAY),
    ]
    assert told(rows, CLEARING) == [("payment", id_(PAY), "90000001", "40.00")]


def test_credit_memo_goes_before_the_money() -> None:
    rows = [
        row(BILL, 1, "100.00", by=PAY),
        row(MEMO, 1, "-30.00", by=PAY),
        bank(PAY, "70.00"),
        row(PAY, 3, "-70.00", by=PAY),
    ]
    assert told(rows, PAY) == [
        ("credit_memo", id_(MEMO), "90000001", "30.00"),
        ("payment", id_(PAY), "90000001", "70.00"),
    ]


def test_write_off_by_people() -> None:
    rows = [row(BILL, 1, "0.50", by=CLEARING), general(CLEARING, 1, "0.50", "0044000000")]
    assert told(rows, CLEARING) == [("adjustment", f"{id_(CLEARING)}-write_off-1", "90000001", "0.50")]


def test_what_is_paid_too_much_stays_unapplied() -> None:
    rows = [row(BILL, 1, "100.00", by=PAY), bank(PAY, "130.00"), row(PAY, 2, "-30.00")]
    assert told(rows, PAY) == [("payment", id_(PAY), "90000001", "100.00")]
    assert ledger.Books(rows, SETTINGS).paid(id_(PAY)) == Decimal("130.00")


def test_several_currencies_paid_by_two_credits_are_for_a_person() -> None:
    rows = [
        row(BILL, 1, "100.00", by=CLEARING),
        {**row(PAY, 1, "-90.00", by=CLEARING), "TransactionCurrency": "USD"},
        row(MEMO, 1, "-20.00", by=CLEARING),
    ]
    with pytest.raises(Unmappable, match="EUR, USD"):
        told(rows, CLEARING)


def test_one_payment_in_another_currency_is_shared_to_the_last_cent() -> None:
    dollars = {"TransactionCurrency": "USD"}
    rows = [
        row(BILL, 1, "100.00", by=PAY, AmountInCompanyCodeCurrency="100.00"),
        row(BILL_2, 1, "200.00", by=PAY, AmountInCompanyCodeCurrency="200.00"),
        {**bank(PAY, "350.00"), **dollars},
        {**row(PAY, 2, "-350.00", by=PAY), **dollars},
    ]
    found = ledger.Books(rows, SETTINGS).settled(id_(PAY))
    assert [(str(one.amount), str(one.taken)) for one in found] == [
        ("100.00", "116.67"),
        ("200.00", "233.33"),
    ]


def test_credit_of_an_unknown_type_is_for_a_person() -> None:
    rows = [
        row(BILL, 1, "100.00", by=CLEARING),
        {**row(MEMO, 1, "-100.00", by=CLEARING), "AccountingDocumentType": "XX"},
    ]
    with pytest.raises(Unmappable, match="XX"):
        told(rows, CLEARING)


def test_sum_of_what_is_open_is_the_sum_of_open_rows() -> None:
    rows = [
        row(BILL, 1, "100.00"),
        row(PAY, 2, "-40.00", of=BILL),
        row(BILL_2, 1, "19.00"),
        row(MEMO, 1, "-5.00"),
    ]
    items = [cube.open_item(one, SETTINGS) for one in cube.balances(rows)]
    assert [(one.kind, one.external_id, one.open) for one in items] == [
        ("invoice", "90000001", Decimal("60.00")),
        ("invoice", "90000002", Decimal("19.00")),
        ("credit_memo", id_(MEMO), Decimal("5.00")),
    ]


def test_changed_item_has_another_digest_and_names_what_to_read() -> None:
    before, after = row(BILL, 1, "100.00"), row(BILL, 1, "100.00", by=PAY)
    assert digest(before) == digest(dict(before))
    assert digest(before) != digest(after)
    assert list(subjects(before, SETTINGS)) == [("billing", "90000001")]
    assert list(subjects(after, SETTINGS)) == [("billing", "90000001"), ("entry", id_(PAY))]
    assert list(subjects(row(PAY, 2, "-5.00"), SETTINGS)) == [("entry", id_(PAY))]
