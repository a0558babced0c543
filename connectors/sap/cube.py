"""Accounting items of customers: which are asked for, and what an invoice or a payment still has open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from connectors.sap.client import CUBE, Client
from connectors.sap.settings import Settings
from connectors.sap.translate import (
    any_of,
    as_day,
    entry_id,
    entry_key,
    number,
    reference_of,
    text,
    unpadded,
)
from hub.sdk import OpenItem, OpenItems, Record

SET = "A_OperationalAcctgDocItemCube"
ROUNDS = 3  # from a document to its clearings, to what those cleared, to the clearings of that
DOCUMENTS_MAX = 40  # in one filter
PAGE = 1_000
KEYS = "CompanyCode,FiscalYear,AccountingDocument,AccountingDocumentItem"
SELECT = (
    f"{KEYS},AccountingDocumentType,FinancialAccountType,DebitCreditCode,Customer,GLAccount,HouseBank,"
    "HouseBankAccount,IsCleared,ClearingDate,ClearingAccountingDocument,ClearingDocFiscalYear,ClearingIsReversed,"
    "InvoiceReference,InvoiceReferenceFiscalYear,InvoiceItemReference,BillingDocument,SalesDocument,"
    "AmountInTransactionCurrency,TransactionCurrency,AmountInCompanyCodeCurrency,CompanyCodeCurrency,"
    "CashDiscountAmount,NetDueDate,PostingDate,DocumentDate,ValueDate,DocumentReferenceID,AssignmentReference,"
    "PaymentReference,DocumentItemText,AccountingDocumentHeaderText,Reference1InDocumentHeader,"
    "Reference2InDocumentHeader,PaymentDifferenceReason,TaxCode,TaxType,AccountingDocumentItemType,SpecialGLCode,"
    "FollowOnDocumentType,IsReversal,IsReversed,ReverseDocument,ReverseDocumentFiscalYear,LastChangeDate,TransactionTypeDetermination"
)
Row = Mapping[str, Any]
Kind = Literal["invoice", "credit_memo", "payment"]


def document(row: Row) -> str:
    """External id of the accounting document a row belongs to."""
    return entry_id(row.get("CompanyCode"), row.get("FiscalYear"), row.get("AccountingDocument"))


def cleared_by(row: Row) -> str:
    """External id of the clearing document; empty where the item is open."""
    if not row.get("IsCleared") or not row.get("ClearingAccountingDocument"):
        return ""
    year = row.get("ClearingDocFiscalYear")
    year = row.get("FiscalYear") if year in (None, "", "0000") else year
    return entry_id(row.get("CompanyCode"), year, row.get("ClearingAccountingDocument"))


def refers_to(row: Row) -> str:
    """External id of the document a partial or residual item belongs to; empty: to none."""
    told = row.get("InvoiceReference")
    year = row.get("InvoiceReferenceFiscalYear")
    if not told or told == "V" or year in (None, "", "0000"):
        return ""
    return entry_id(row.get("CompanyCode"), year, told)


def amount(row: Row) -> Decimal:
    """What the item is worth in its own currency: positive is owed to us, negative is owed by us."""
    told = abs(number(row.get("AmountInTransactionCurrency"), "AmountInTransactionCurrency"))
    return told if row.get("DebitCreditCode") == "S" else -told


def is_customer(row: Row) -> bool:
    """A customer's ordinary item. Down payment requests and the like (special G/L) are another thing."""
    return row.get("FinancialAccountType") == "D" and not row.get("SpecialGLCode")


def object_id(row: Row) -> str:
    """External id of the invoice or credit memo behind an item: its billing document, else the entry."""
    return unpadded(row["BillingDocument"]) if row.get("BillingDocument") else document(row)


def kind_of(row: Row, settings: Settings) -> Kind:
    """What a customer item is: by its sign, and by its document type where that is a payment."""
    if row.get("DebitCreditCode") == "S":
        return "invoice"
    paid = row.get("AccountingDocumentType") in _payment_types(settings)
    return "payment" if paid and not row.get("BillingDocument") else "credit_memo"


def _payment_types(settings: Settings) -> frozenset[str]:
    return frozenset((*settings.documents.payments_by_people, settings.documents.payment))


def companies(settings: Settings) -> str:
    """The filter for our company codes."""
    return any_of("CompanyCode", dict.fromkeys(one.company_code for one in settings.sellers.values()))


def around(client: Client, seeds: Iterable[str]) -> list[dict[str, Any]]:
    """All rows of the documents, of what they cleared, what refers to them, and so on for three rounds."""
    asked: set[str] = set()
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    wanted = set(seeds)
    for _ in range(ROUNDS):
        fresh = sorted(wanted - asked)
        if not fresh:
            break
        asked |= set(fresh)
        for row in _of_documents(client, fresh):
            found[tuple(str(row.get(name)) for name in KEYS.split(","))] = row
        wanted = {one for row in found.values() for one in _neighbours(row)}
    return [found[key] for key in sorted(found)]


def _neighbours(row: Row) -> Iterator[str]:
    if row.get("FinancialAccountType") == "D":
        yield from (one for one in (cleared_by(row), refers_to(row)) if one)
        if row.get("DebitCreditCode") == "H":
            yield document(row)


def _of_documents(client: Client, wanted: Sequence[str]) -> Iterator[dict[str, Any]]:
    keys = [entry_key(one) for one in wanted]
    for company in dict.fromkeys(key[0] for key in keys):
        numbers = list(dict.fromkeys(key[2] for key in keys if key[0] == company))
        years = {key[1] for key in keys if key[0] == company}
        for start in range(0, len(numbers), DOCUMENTS_MAX // 3):
            part = numbers[start : start + DOCUMENTS_MAX // 3]
            fields = ("AccountingDocument", "ClearingAccountingDocument", "InvoiceReference")
            either = " or ".join(f"{field} eq {text(one)}" for field in fields for one in part)
            filters = f"CompanyCode eq {text(company)} and ({either})"
            query = {"$filter": filters, "$select": SELECT, "$orderby": KEYS}
            for row in client.rows(CUBE, SET, query):
                if years & {str(row.get(name) or "") for name in _YEARS}:
                    yield row


_YEARS = ("FiscalYear", "ClearingDocFiscalYear", "InvoiceReferenceFiscalYear")


class Balance(NamedTuple):
    """One document in the books, with what refers to it."""

    row: Row
    total: Decimal
    open: Decimal


def balances(rows: Sequence[Row]) -> Iterator[Balance]:
    """Documents with their customer items: what they were about, and what of it is open.

    What is open of a partly paid one is its own item and the open items that refer to it.
    """
    customer = [row for row in rows if is_customer(row)]
    there = {document(row) for row in customer if not refers_to(row)}
    own: dict[str, list[Row]] = {}
    rest: dict[str, Decimal] = {}
    for row in customer:
        target = refers_to(row)
        if target in there:
            rest[target] = rest.get(target, Decimal(0)) + (
                Decimal(0) if row.get("IsCleared") else amount(row)
            )
        else:
            own.setdefault(document(row), []).append(row)
    for name, mine in own.items():
        still = sum((amount(row) for row in mine if not row.get("IsCleared")), Decimal(0))
        yield Balance(mine[0], sum(map(amount, mine), Decimal(0)), still + rest.get(name, Decimal(0)))


def open_item(one: Balance, settings: Settings, reference: str = "") -> OpenItem:
    """A balance as reconciliation compares it."""
    row = one.row
    return OpenItem(
        kind=kind_of(row, settings),
        external_id=object_id(row),
        number=str(
            row.get("BillingDocument") or row.get("DocumentReferenceID") or row.get("AccountingDocument")
        ),
        customer=unpadded(row.get("Customer")),
        currency=str(row.get("TransactionCurrency")),
        amount=abs(one.total),
        open=abs(one.open) if one.open * one.total > 0 else Decimal(0),
        reference=reference or reference_of(row),
        due=as_day(row.get("NetDueDate")),
        status="cleared" if not one.open else "open",
    )


def open_now(client: Client, settings: Settings, cursor: str | None) -> OpenItems:
    """All that is open now, by external id ascending, in pages of at most 1,000.

    The cube is read whole each time: what is open of a document may stand in many of its rows.
    """
    filters = f"{companies(settings)} and FinancialAccountType eq 'D' and IsCleared eq false"
    rows = client.rows(CUBE, SET, {"$filter": filters, "$select": SELECT, "$orderby": KEYS})
    missing = sorted({refers_to(row) for row in rows if refers_to(row)} - {document(row) for row in rows})
    if missing:
        rows += [row for row in _of_documents(client, missing) if document(row) in missing]
    found = sorted(
        (item for item in (open_item(one, settings) for one in balances(rows)) if item.open),
        key=lambda item: item.external_id,
    )
    rest = [item for item in found if cursor is None or item.external_id > cursor]
    page = rest[:PAGE]
    return OpenItems(page, page[-1].external_id if len(rest) > PAGE else None)


def those(client: Client, settings: Settings, wanted: Sequence[tuple[str, str]]) -> list[OpenItem]:
    """The asked ones that exist, open or not."""
    entries = [id for _, id in wanted if "-" in id]
    bills = [id for _, id in wanted if "-" not in id]
    entries += _entries_of_bills(client, settings, bills)
    rows = _rows_for(client, entries)
    asked = {id for _, id in wanted}
    found = [open_item(one, settings) for one in balances(rows)]
    return [item for item in found if item.external_id in asked]


def _entries_of_bills(client: Client, settings: Settings, bills: Sequence[str]) -> list[str]:
    found: list[str] = []
    for start in range(0, len(bills), DOCUMENTS_MAX):
        ours = any_of("BillingDocument", bills[start : start + DOCUMENTS_MAX])
        filters = f"{companies(settings)} and FinancialAccountType eq 'D' and {ours}"
        rows = client.rows(CUBE, SET, {"$filter": filters, "$select": KEYS, "$orderby": KEYS})
        found += dict.fromkeys(document(row) for row in rows)
    return found


def _rows_for(client: Client, entries: Sequence[str]) -> list[dict[str, Any]]:
    found = {
        tuple(str(row.get(name)) for name in KEYS.split(",")): row for row in _of_documents(client, entries)
    }
    return list(found.values())


def due_dates(client: Client, settings: Settings, bills: Sequence[str]) -> Mapping[str, Record]:
    """The customer's item of each billing document that is in the books."""
    found: dict[str, Record] = {}
    for start in range(0, len(bills), DOCUMENTS_MAX):
        ours = any_of("BillingDocument", bills[start : start + DOCUMENTS_MAX])
        filters = f"{companies(settings)} and FinancialAccountType eq 'D' and {ours}"
        for row in client.rows(CUBE, SET, {"$filter": filters, "$select": SELECT, "$orderby": KEYS}):
            found.setdefault(unpadded(row.get("BillingDocument")), row)
    return found
