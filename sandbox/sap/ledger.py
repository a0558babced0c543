"""The accounting documents: posting with all checks, clearing of open items, reversal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple

from sandbox.sap.refusals import business
from sandbox.sap.store import Row
from sandbox.sap.system import (
    ACCOUNTS,
    DISCOUNT,
    EXCHANGE,
    OUTPUT_TAX,
    RECEIVABLES,
    TERMS,
    USER,
    System,
    Terms,
)
from sandbox.sap.values import unpadded

CUBE = "A_OperationalAcctgDocItemCube"
RANGES = {
    "RV": 9400000001, "DR": 1800000001, "DG": 1600000001, "DZ": 1400000001, "DA": 1700000001, "AB": 100000001,
    "SA": 100000001,
}  # fmt: skip
LINES_MAX = 999


class Line(NamedTuple):
    """One line to post: the customer (`D`) or a G/L account (`S`), signed amounts, more fields by name."""

    kind: str
    account: str
    amount: Decimal
    local: Decimal | None = None
    more: Mapping[str, Any] = MappingProxyType({})


class Entry(NamedTuple):
    """One document to post."""

    company: str
    type: str
    document_date: date
    posting_date: date
    currency: str
    lines: Sequence[Line]
    head: Mapping[str, Any] = MappingProxyType({})


def document_id(row: Row) -> str:
    """How people name a document: company-year-number."""
    return f"{row['CompanyCode']}-{row['FiscalYear']}-{row['AccountingDocument']}"


def reference_of(row: Row) -> str:
    """Our reference in a document's head."""
    told = str(row.get("Reference1InDocumentHeader") or "") + str(row.get("Reference2InDocumentHeader") or "")
    return told or str(row.get("DocumentReferenceID") or "")


class Ledger:
    """The ledger of all company codes."""

    def __init__(self, system: System) -> None:
        self.system, self.store = system, system.store
        self._entered = 0

    def lines_of(self, document: str) -> list[Row]:
        """The lines of company-year-number. Raises Refusal."""
        company, year, number = [*document.split("-"), "", ""][:3]
        found = self.store.find(
            CUBE, AccountingDocument=unpadded(number), CompanyCode=company, FiscalYear=year
        )
        if not found:
            raise business(
                "F5/397", f"Document {number} does not exist in company code {company} fiscal year {year}"
            )
        return found

    def check(self, entry: Entry) -> None:
        """Raises the refusals of a posting."""
        self.system.company(entry.company)
        if entry.type not in RANGES:
            raise business("F5/150", f"Document type {entry.type} is not defined")
        self.system.open_period(entry.company, entry.posting_date)
        if not 2 <= len(entry.lines) <= LINES_MAX:
            raise business("RW/609", "Error in document: at least two items are needed")
        for line in entry.lines:
            if line.kind == "D":
                self._debtor(entry.company, line.account)
            elif line.account not in ACCOUNTS:
                raise business(
                    "F5/506", f"G/L account {line.account} is not created in company code {entry.company}"
                )
        locals_ = [self._local(entry, line) for line in entry.lines]
        if sum(line.amount for line in entry.lines) or abs(sum(locals_, Decimal(0))) > Decimal("0.05"):
            raise business("RW/022", f"Balance in transaction currency {entry.currency} is not zero")

    def _local(self, entry: Entry, line: Line) -> Decimal:
        return (
            line.local
            if line.local is not None
            else self.system.local(line.amount, entry.currency, entry.company)
        )

    def _debtor(self, company: str, number: str) -> None:
        if self.store.get("A_Customer", number) is None:
            raise business("F5/102", f"Customer {number} is not defined in company code {company}")
        if self.store.get("A_CustomerCompany", number, company) is None:
            raise business("F5/102", f"Customer {number} is not defined in company code {company}")

    def post(self, entry: Entry) -> list[Row]:
        """Post a document; its lines. Raises Refusal."""
        self.check(entry)
        range_ = "AB" if entry.type == "SA" else entry.type
        number = str(self.store.next(f"{entry.company}/{range_}", RANGES[entry.type]))
        head = self._head(entry, number)
        locals_ = [self._local(entry, line) for line in entry.lines]
        locals_[-1] -= sum(locals_)  # rounding of the conversion goes to the last line
        rows = [
            self.store.put(
                CUBE, {**head, **self._line(entry, line, local), "AccountingDocumentItem": str(at)}
            )
            for at, (line, local) in enumerate(zip(entry.lines, locals_, strict=True), 1)
        ]
        for row in rows:
            self._journal(row)
        return rows

    def _head(self, entry: Entry, number: str) -> Row:
        created = self.system.created()
        return {
            "CompanyCode": entry.company,
            "FiscalYear": str(entry.posting_date.year),
            "AccountingDocument": number,
            "AccountingDocumentType": entry.type,
            "AccountingDocumentCategory": "",
            "FiscalPeriod": f"{entry.posting_date.month:03d}",
            "PostingDate": entry.posting_date,
            "DocumentDate": entry.document_date,
            "CompanyCodeCurrency": self.system.company(entry.company).currency,
            "TransactionCurrency": entry.currency,
            "BalanceTransactionCurrency": entry.currency,
            "BusinessTransactionType": "RFBU",
            "AccountingDocumentCreationDate": created["CreationDate"],
            "CreationTime": created["CreationTime"],
            "LastChangeDate": created["LastChangeDate"],
            "AccountingDocCreatedByUser": USER,
            **entry.head,
        }

    def _line(self, entry: Entry, line: Line, local: Decimal) -> Row:
        row: Row = {
            "AmountInTransactionCurrency": line.amount,
            "AmountInBalanceTransacCrcy": line.amount,
            "AmountInCompanyCodeCurrency": local,
            "DebitCreditCode": "S" if (line.amount or local) >= 0 else "H",
            "FinancialAccountType": line.kind,
            "IsCleared": False,
            "SpecialGLCode": "",
            "InvoiceReference": "",
            **line.more,
        }
        if line.kind == "S":
            account = {"GLAccount": line.account, "OperationalGLAccount": line.account}
            return {**row, **account, **_DETERMINED.get(line.account, {})}
        customer = self.store.get("A_Customer", line.account)
        assert customer is not None
        row |= {"Customer": line.account, "CustomerName": customer["CustomerName"]}
        row |= {"GLAccount": RECEIVABLES, "OperationalGLAccount": RECEIVABLES}
        row["PostingKey"] = "01" if row["DebitCreditCode"] == "S" else "15" if entry.type == "DZ" else "11"
        return {**row, **self._due(entry, line)}

    def _due(self, entry: Entry, line: Line) -> Row:
        code = line.more.get("PaymentTerms") or self._terms_of(line.account, entry.company)
        terms = TERMS.get(code, Terms(0))
        start = line.more.get("DueCalculationBaseDate") or entry.document_date
        if line.amount < 0 and not line.more.get("PaymentTerms"):
            terms = Terms(0)
        days = line.more.get("NetPaymentDays", Decimal(terms.days))
        return {
            "PaymentTerms": code,
            "DueCalculationBaseDate": start,
            "NetPaymentDays": days,
            "CashDiscount1Days": line.more.get("CashDiscount1Days", Decimal(terms.discount_days)),
            "CashDiscount1Percent": line.more.get("CashDiscount1Percent", terms.discount),
            "NetDueDate": start + timedelta(days=int(days)),
            "CashDiscount1DueDate": start + timedelta(days=terms.discount_days or int(days)),
        }

    def _terms_of(self, customer: str, company: str) -> str:
        row = self.store.get("A_CustomerCompany", customer, company)
        return str(row.get("PaymentTerms") or "") if row else ""

    def _journal(self, row: Row) -> None:
        self._entered += 1
        self.store.put(
            "A_JournalEntryItemBasic",
            {
                "ID": f"{document_id(row)}-{row['AccountingDocumentItem']}-{self._entered}",
                "Ledger": "0L",
                "LedgerFiscalYear": row["FiscalYear"],
                "ChartOfAccounts": "YCOA",
                "GLAccountName": ACCOUNTS[row["GLAccount"]],
                "ControllingDebitCreditCode": row["DebitCreditCode"],
                "FiscalYearPeriod": f"{row['FiscalYear']}{row['FiscalPeriod']}",
                **{k: row.get(k) for k in _JOURNAL},
            },
        )

    def open_of(self, customer: str, company: str) -> list[Row]:
        """The open items of a customer."""
        return [
            one
            for one in self.store.find(CUBE, Customer=customer, CompanyCode=company)
            if not one["IsCleared"]
        ]

    def clear(self, items: Iterable[Row], by: Row, day: date) -> None:
        """Mark items as cleared by a document (any of its lines, or its head)."""
        for one in items:
            current = self.store.get(CUBE, *self.store[CUBE].key(one))
            if current is None or current["IsCleared"]:
                raise business(
                    "F5/354", f"Item {document_id(one)} {one['AccountingDocumentItem']} is already cleared"
                )
            self.store.put(
                CUBE,
                {
                    **current,
                    "IsCleared": True,
                    "ClearingDate": day,
                    "ClearingCreationDate": self.system.today(),
                    "ClearingAccountingDocument": by["AccountingDocument"],
                    "ClearingDocFiscalYear": by["FiscalYear"],
                    "ClearingIsReversed": False,
                    "LastChangeDate": self.system.today(),
                },
            )
            self.billed(current.get("BillingDocument") or "")

    def reopen(self, document: str) -> list[Row]:
        """Reset the clearing that a document made; the items that are open again."""
        company, year, number = document.split("-")
        found = self.store.find(
            CUBE, ClearingAccountingDocument=unpadded(number), CompanyCode=company, ClearingDocFiscalYear=year
        )
        if not found:
            raise business("F5/351", f"Document {number} is not a clearing document")
        cleared = {"IsCleared": False, "ClearingDate": None, "ClearingAccountingDocument": ""}
        cleared |= {"ClearingDocFiscalYear": "", "ClearingCreationDate": None, "ClearingIsReversed": True}
        for one in found:
            self.store.put(CUBE, {**one, **cleared, "LastChangeDate": self.system.today()})
            self.billed(one.get("BillingDocument") or "")
        return found

    def reverse(self, document: str, day: date, reason: str = "01") -> list[Row]:
        """Post the reversal of a document and clear both against each other. Raises Refusal."""
        lines = self.lines_of(document)
        first = lines[0]
        if first.get("ReverseDocument"):
            raise business("F5/361", f"Document {first['AccountingDocument']} has already been reversed")
        if any(one["IsCleared"] for one in lines):
            raise business(
                "F5/308", f"Document {first['AccountingDocument']} has cleared items: reset the clearing"
            )
        keep = ("PaymentTerms", "BillingDocument", "TaxCode", "AssignmentReference", "DueCalculationBaseDate")
        back = [
            Line(
                one["FinancialAccountType"],
                one.get("Customer") or one["GLAccount"],
                -one["AmountInTransactionCurrency"],
                -one["AmountInCompanyCodeCurrency"],
                {k: one[k] for k in keep if k in one},
            )
            for one in lines
        ]
        head = {k: first.get(k) for k in _HEAD} | {"ReversalReason": reason, "IsReversal": True}
        head |= {
            "ReverseDocument": first["AccountingDocument"],
            "ReverseDocumentFiscalYear": first["FiscalYear"],
        }
        type_ = (
            "AB" if first["AccountingDocumentType"] in ("DZ", "DA", "SA") else first["AccountingDocumentType"]
        )
        made = self.post(
            Entry(first["CompanyCode"], type_, day, day, first["TransactionCurrency"], back, head)
        )
        for one in lines:
            told = {
                "ReverseDocument": made[0]["AccountingDocument"],
                "IsReversed": True,
                "ReversalReason": reason,
            }
            told |= {
                "ReverseDocumentFiscalYear": made[0]["FiscalYear"],
                "LastChangeDate": self.system.today(),
            }
            self.store.put(CUBE, {**one, **told})
        self.clear([one for one in (*lines, *made) if one["FinancialAccountType"] == "D"], made[0], day)
        return made

    def billed(self, billing: str) -> None:
        """Bring the clearing status of a billing document up to date; its change stamp does not move."""
        row = self.store.get("A_BillingDocument", billing) if billing else None
        if row is None:
            return
        items = [
            one
            for one in self.store.find(CUBE, BillingDocument=billing)
            if one["FinancialAccountType"] == "D"
        ]
        cleared = all(one["IsCleared"] for one in items)
        partly = any(self.store.find(CUBE, InvoiceReference=one["AccountingDocument"]) for one in items)
        status = "C" if items and cleared else "B" if partly else "A"
        self.store.put("A_BillingDocument", {**row, "InvoiceClearingStatus": status})


# How a line came about: key of the account determination, and what kind of tax line it is.
_DETERMINED: dict[str, dict[str, str]] = {
    OUTPUT_TAX: {"TransactionTypeDetermination": "MWS", "TaxType": "A", "AccountingDocumentItemType": "T"},
    DISCOUNT: {"TransactionTypeDetermination": "SKT"},
    EXCHANGE: {"TransactionTypeDetermination": "KDF"},
}
_JOURNAL = (
    "CompanyCode", "GLAccount", "TransactionCurrency", "AmountInTransactionCurrency", "CompanyCodeCurrency",
    "AmountInCompanyCodeCurrency", "FiscalPeriod", "Customer", "CustomerName",
)  # fmt: skip
_HEAD = ("DocumentReferenceID", "Reference1InDocumentHeader", "Reference2InDocumentHeader")
