"""Clearing open items of customers: whole, in part, with cash discount, with a residual or a charge-off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple

from sandbox.sap.ledger import CUBE, RANGES, Entry, Ledger, Line, document_id
from sandbox.sap.refusals import business
from sandbox.sap.store import Row
from sandbox.sap.system import DISCOUNT, EXCHANGE, REASONS, rounded

NOTHING = Decimal(0)


class Item(NamedTuple):
    """One open item and what is to happen to it; amounts without sign, 0 for none."""

    row: Row
    partial: Decimal = NOTHING
    discount: Decimal = NOTHING
    deduction: Decimal = NOTHING
    reason: str = ""

    @property
    def signed(self) -> tuple[Decimal, Decimal, Decimal]:
        """Partial amount, discount and deduction with the item's sign."""
        sign = 1 if self.row["AmountInTransactionCurrency"] >= 0 else -1
        return abs(self.partial) * sign, abs(self.discount) * sign, abs(self.deduction) * sign

    @property
    def used(self) -> Decimal:
        """What the item contributes to the clearing."""
        partial, discount, deduction = self.signed
        return partial or self.row["AmountInTransactionCurrency"] - discount - deduction


class Clearing(NamedTuple):
    """One clearing to make."""

    company: str
    type: str
    document_date: date
    posting_date: date
    currency: str
    items: Sequence[Item]
    head: Mapping[str, Any] = MappingProxyType({})


def refer(row: Row) -> dict[str, Any]:
    """The fields that make a line follow another."""
    return {
        "InvoiceReference": row["AccountingDocument"],
        "InvoiceReferenceFiscalYear": row["FiscalYear"],
        "InvoiceItemReference": row["AccountingDocumentItem"],
        "AssignmentReference": row.get("AssignmentReference") or "",
        "FollowOnDocumentType": "Z",
    }


def clear(ledger: Ledger, wanted: Clearing) -> dict[str, Any]:
    """Make a clearing; the head of its document. Raises Refusal."""
    _check(ledger, wanted)
    lines = _lines(wanted)
    whole = [item for item in wanted.items if not item.partial]
    balances = _balances(whole, force=bool(lines))
    if not lines and not balances:
        head = _number(ledger, wanted)
    else:
        entry = Entry(
            wanted.company,
            wanted.type,
            wanted.document_date,
            wanted.posting_date,
            wanted.currency,
            _even(ledger, wanted, [*lines, *balances]),
            wanted.head,
        )
        rows = ledger.post(entry)
        ledger.clear(rows[len(lines) : len(lines) + len(balances)], rows[0], wanted.posting_date)
        head = rows[0]
    ledger.clear([item.row for item in whole], head, wanted.posting_date)
    for item in wanted.items:
        ledger.billed(item.row.get("BillingDocument") or "")
    return {**head, "Lines": len(lines) + len(balances)}


def _check(ledger: Ledger, wanted: Clearing) -> None:
    ledger.system.company(wanted.company)
    ledger.system.open_period(wanted.company, wanted.posting_date)
    if wanted.type not in RANGES:
        raise business("F5/150", f"Document type {wanted.type} is not defined")
    if not wanted.items:
        raise business("F5/356", "No open items were selected")
    for item in wanted.items:
        row = item.row
        named = f"{document_id(row)} item {row['AccountingDocumentItem']}"
        if row["IsCleared"]:
            raise business("F5/354", f"{named} is already cleared")
        if row.get("SpecialGLCode"):
            raise business("F5/353", f"{named} has a special G/L indicator and cannot be cleared here")
        if row["TransactionCurrency"] != wanted.currency:
            raise business("F5/355", f"{named} is in {row['TransactionCurrency']}, not in {wanted.currency}")
        if item.partial and (item.discount or item.deduction):
            raise business("F5/352", f"{named}: no cash discount or residual with a partial payment")
        if abs(item.partial) > abs(row["AmountInTransactionCurrency"]):
            raise business("F5/357", f"{named}: the partial payment exceeds the item")
        if item.reason not in REASONS:
            raise business(
                "F5/358", f"Reason code {item.reason} is not defined in company code {wanted.company}"
            )
    if len({_key(item.row) for item in wanted.items}) != len(wanted.items):
        raise business("F5/359", "An item was selected twice")
    rest = sum(item.used for item in wanted.items)
    if rest:
        raise business("F5/263", f"The difference is too large for clearing: {rest} {wanted.currency}")


def _key(row: Row) -> tuple[str, ...]:
    return row["CompanyCode"], row["FiscalYear"], row["AccountingDocument"], row["AccountingDocumentItem"]


def _lines(wanted: Clearing) -> list[Line]:
    lines: list[Line] = []
    for item in wanted.items:
        row = item.row
        partial, discount, deduction = item.signed
        share = {**refer(row), "PaymentDifferenceReason": item.reason}
        if partial:
            lines.append(Line("D", row["Customer"], -partial, -_share(row, partial), share))
        if discount:
            more = {"PaymentDifferenceReason": "040", **_follows(row)}
            lines.append(Line("S", DISCOUNT, discount, _share(row, discount), more))
        if deduction:
            account = REASONS[item.reason]
            kind, number = ("S", account) if account else ("D", row["Customer"])
            lines.append(Line(kind, number, deduction, _share(row, deduction), share))
    return lines


def _follows(row: Row) -> dict[str, Any]:
    return {k: v for k, v in refer(row).items() if k.startswith("Invoice")}


def _share(row: Row, amount: Decimal) -> Decimal:
    whole = row["AmountInTransactionCurrency"]
    return rounded(row["AmountInCompanyCodeCurrency"] * amount / whole, row["CompanyCodeCurrency"])


def _balances(whole: Sequence[Item], *, force: bool) -> list[Line]:
    """The lines that take the cleared items out of each customer's account."""
    sums: dict[str, tuple[Decimal, Decimal]] = {}
    for item in whole:
        amount, local = sums.get(item.row["Customer"], (NOTHING, NOTHING))
        row = item.row
        sums[row["Customer"]] = (
            amount + row["AmountInTransactionCurrency"],
            local + row["AmountInCompanyCodeCurrency"],
        )
    return [Line("D", one, -a, -b) for one, (a, b) in sums.items() if a or b or (force and len(sums) > 0)]


def _even(ledger: Ledger, wanted: Clearing, lines: list[Line]) -> list[Line]:
    """The lines with the exchange rate difference in the company's own currency, if there is one."""
    rest = sum((line.local or NOTHING for line in lines), NOTHING)
    if rest or len(lines) < 2:
        return [*lines, Line("S", EXCHANGE, NOTHING, -rest, {"PaymentDifferenceReason": "030"})]
    return lines


def _number(ledger: Ledger, wanted: Clearing) -> dict[str, Any]:
    range_ = "AB" if wanted.type == "SA" else wanted.type
    number = ledger.store.next(f"{wanted.company}/{range_}", RANGES[wanted.type])
    year = str(wanted.posting_date.year)
    return {"CompanyCode": wanted.company, "FiscalYear": year, "AccountingDocument": str(number)}


class Payment(NamedTuple):
    """An incoming payment that a person enters, with the items it is for and how much of each (0: all)."""

    customer: str
    company: str
    currency: str
    amount: Decimal
    items: Sequence[tuple[Row, Decimal]]
    mode: str
    discount: Decimal
    reason: str
    day: date
    reference: str


def pay(ledger: Ledger, told: Payment) -> Row:
    """Post a payment with its clearing in one document; its first line. Raises Refusal."""
    bank = ledger.system.company(told.company)
    more = {"HouseBank": bank.house_bank, "HouseBankAccount": bank.house_account, "ValueDate": told.day}
    lines = [Line("S", bank.bank, told.amount, None, more)]
    whole: list[Row] = []
    rest = told.amount
    if told.mode == "partial":
        for row, wanted in told.items:
            share = wanted or min(rest, row["AmountInTransactionCurrency"])
            lines.append(Line("D", told.customer, -share, None, {**refer(row), "PaymentTerms": ""}))
            rest -= share
    elif told.mode != "on_account":
        whole = [row for row, _ in told.items]
        if any(row["TransactionCurrency"] != told.currency for row in whole):
            total = told.amount  # netted in the company code currency, with an exchange rate difference
        else:
            total = sum((row["AmountInTransactionCurrency"] for row in whole), NOTHING)
            lines += _with_difference(told, whole, total)
        rest -= total - sum((line.amount for line in lines[1:]), NOTHING)
        lines.append(Line("D", told.customer, -total, _local(whole)))
    cleared_at = len(lines) - 1
    if rest:
        lines.append(Line("D", told.customer, -rest))
    head = {"DocumentReferenceID": told.reference}
    entry = Entry(told.company, "DZ", told.day, told.day, told.currency, _settled(ledger, told, lines), head)
    rows = ledger.post(entry)
    if whole:
        ledger.clear([*whole, rows[cleared_at]], rows[0], told.day)
    for row, _ in told.items:
        ledger.billed(row.get("BillingDocument") or "")
    return rows[0]


def _settled(ledger: Ledger, told: Payment, lines: list[Line]) -> list[Line]:
    fixed = [
        line._replace(local=ledger.system.local(line.amount, told.currency, told.company))
        if line.local is None
        else line
        for line in lines
    ]
    rest = sum((line.local or NOTHING for line in fixed), NOTHING)
    return [*fixed, Line("S", EXCHANGE, NOTHING, -rest)] if rest else fixed


def _local(rows: Sequence[Row]) -> Decimal:
    return -sum((row["AmountInCompanyCodeCurrency"] for row in rows), NOTHING)


def _with_difference(told: Payment, whole: Sequence[Row], total: Decimal) -> list[Line]:
    lines = []
    if told.discount:
        follows = _follows(whole[0]) | {"PaymentDifferenceReason": "040"}
        lines.append(Line("S", DISCOUNT, told.discount, None, follows))
    short = total - told.discount - told.amount
    if told.mode == "residual" and short > 0:
        account = REASONS.get(told.reason, "")
        share = {**refer(whole[0]), "PaymentDifferenceReason": told.reason or "001"}
        lines.append(Line("S" if account else "D", account or told.customer, short, None, share))
    elif short > 0:
        raise business("F5/263", f"The difference is too large for clearing: {short} {told.currency}")
    return lines


def charge_off(ledger: Ledger, row: Row, amount: Decimal, reason: str, day: date) -> Row:
    """Take an open item, or a part of it, off to the account of a reason; the document's first line."""
    account = REASONS.get(reason)
    if not account:
        raise business("F5/358", f"Reason code {reason} has no account")
    whole = row["AmountInTransactionCurrency"]
    amount = amount or whole
    share = _share(row, amount)
    more = {**refer(row), "PaymentDifferenceReason": reason}
    lines = [Line("S", account, amount, share, more), Line("D", row["Customer"], -amount, -share, more)]
    entry = Entry(row["CompanyCode"], "AB", day, day, row["TransactionCurrency"], lines)
    rows = ledger.post(entry)
    if amount == whole:
        ledger.clear([row, rows[1]], rows[0], day)
    ledger.billed(row.get("BillingDocument") or "")
    return rows[0]


def item_of(ledger: Ledger, company: str, year: str, document: str, item: str) -> Row:
    """One line by its key. Raises Refusal."""
    row = ledger.store.get(CUBE, company, year, document, item)
    if row is None:
        raise business(
            "F5/397", f"Document {document} item {item} does not exist in company code {company} {year}"
        )
    return row
