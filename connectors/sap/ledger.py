"""What clearing documents settled: which payment or credit paid which invoice, and what was deducted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

from connectors.sap.cube import (
    Row,
    amount,
    cleared_by,
    document,
    is_customer,
    object_id,
    refers_to,
)
from connectors.sap.settings import Accounts, Settings
from connectors.sap.translate import as_day, number, reference_of, unpadded
from hub.sdk import Unmappable

REASONS = ("write_off", "discount", "fee", "exchange")
_DEDUCTIONS = {"001": "deduction"}
_EXCHANGE_KEYS = frozenset({"KDF", "KDB", "KDR", "KDM"})  # exchange rate differences [mem]


class Credit(NamedTuple):
    """Something that can settle an invoice: a payment, a credit memo or an adjustment."""

    kind: str
    id: str
    row: Row


class Application(NamedTuple):
    """So much of this invoice was settled by that credit."""

    invoice: str
    amount: Decimal
    currency: str
    credit: Credit
    clearing: str
    taken: Decimal | None = None  # of the credit, in its currency, where that is another one


class Books:
    """Rows of the cube around some documents, sorted by document and by what cleared them."""

    def __init__(self, rows: Sequence[Row], settings: Settings) -> None:
        self._settings = settings
        self.of: dict[str, list[Row]] = {}
        self._cleared: dict[str, list[Row]] = {}
        for row in rows:
            self.of.setdefault(document(row), []).append(row)
            if is_customer(row) and (by := cleared_by(row)):
                self._cleared.setdefault(by, []).append(row)

    def clearings(self) -> list[str]:
        """Documents that settle something."""
        pointing = {
            name for name, rows in self.of.items() if any(is_customer(r) and refers_to(r) for r in rows)
        }
        return sorted(set(self._cleared) | pointing)

    def settled(self, clearing: str) -> list[Application]:
        """What a clearing document settled. Raises Unmappable where several currencies meet in it."""
        if any(row.get("IsReversal") for row in self.of.get(clearing, ())):
            return []  # an entry and its reversal clear each other: nothing is paid by that
        debits, credits = self._sides(clearing)
        rows = [*self._cleared.get(clearing, ()), *self.of.get(clearing, ())]
        currencies = {str(row.get("TransactionCurrency")) for row in rows if row.get("TransactionCurrency")}
        if len(currencies) > 1 and debits:
            return self._across(clearing, debits, credits, currencies)
        found: list[Application] = []
        currency = next(iter(currencies), "")
        for credit, worth in _in_order(credits):
            left = worth
            for invoice, owed in list(debits.items()):
                part = min(left, owed)
                if part > 0:
                    found.append(Application(invoice, part, currency, credit, clearing))
                    debits[invoice] -= part
                    left -= part
        return found

    def _across(
        self, clearing: str, debits: Mapping[str, Decimal], credits: Sequence[tuple[Credit, Decimal]],
        currencies: Iterable[str],
    ) -> list[Application]:  # fmt: skip
        """One credit that paid invoices of other currencies as a whole: each took its share of it.

        SAP nets such a clearing in the company's currency and books the difference there, so the shares are
        those of the invoices in that currency. Raises Unmappable for anything less plain.
        """
        paid: dict[str, list[Row]] = {}
        for row in self._cleared.get(clearing, ()):
            if document(row) != clearing and amount(row) > 0:
                paid.setdefault(object_id(row), []).append(row)
        whole = {name: sum(map(amount, rows), Decimal(0)) for name, rows in paid.items()} == debits
        mixed = any(len({row.get("TransactionCurrency") for row in rows}) > 1 for rows in paid.values())
        parts = any(is_customer(row) and refers_to(row) for row in self.of.get(clearing, ()))
        if len(credits) != 1 or mixed or parts or not whole or credits[0][0].kind == "adjustment":
            raise Unmappable(
                "sap.clearing", "TransactionCurrency",
                f"clearing {clearing} settles items in {', '.join(sorted(currencies))}: apply it by hand",
            )  # fmt: skip
        return list(_shared(clearing, *credits[0], paid))

    def _sides(self, clearing: str) -> tuple[dict[str, Decimal], list[tuple[Credit, Decimal]]]:
        debits: dict[str, Decimal] = {}
        credits: dict[str, tuple[Credit, Decimal]] = {}
        whole = [row for row in self._cleared.get(clearing, ()) if document(row) != clearing]
        names = {document(row) for row in whole}
        for row in whole:
            self._add(row, amount(row), debits, credits)
        for row in self.of.get(clearing, ()):
            target = refers_to(row)
            if is_customer(row) and target and not (row.get("IsCleared") and cleared_by(row) == clearing):
                self._partial(row, target, target in names, debits, credits)
        own = list(self._own(clearing))
        return {name: left for name, left in debits.items() if left > 0}, [*credits.values(), *own]

    def _partial(
        self, row: Row, target: str, cleared_too: bool, debits: dict[str, Decimal],
        credits: dict[str, tuple[Credit, Decimal]],
    ) -> None:  # fmt: skip
        """A residual item takes off what its cleared document settled; a partial one settles an open one."""
        there = [one for one in self.of.get(target, ()) if is_customer(one) and not refers_to(one)]
        if there:
            self._add(
                there[0], amount(row) if cleared_too else -amount(row), debits, credits, less=cleared_too
            )

    def _add(
        self, row: Row, worth: Decimal, debits: dict[str, Decimal],
        credits: dict[str, tuple[Credit, Decimal]], *, less: bool = False,
    ) -> None:  # fmt: skip
        part = -abs(worth) if less else abs(worth)
        origin = self._origin(row)
        if amount(origin) > 0:
            debits[object_id(origin)] = debits.get(object_id(origin), Decimal(0)) + part
            return
        credit = self.credit(origin)
        credits[credit.id] = (credit, credits.get(credit.id, (credit, Decimal(0)))[1] + part)

    def _origin(self, row: Row) -> Row:
        """The item a residual one stands for, where we have read it."""
        for _ in range(10):
            target = refers_to(row)
            there = [one for one in self.of.get(target, ()) if is_customer(one)] if target else []
            if not there or there[0] is row:
                return row
            row = there[0]
        return row

    def credit(self, row: Row) -> Credit:
        """What a credit item is. Raises Unmappable for a document type that says nothing."""
        types, name = self._settings.documents, str(row.get("AccountingDocumentType"))
        rows = self.of.get(document(row), [row])
        if row.get("BillingDocument"):
            return Credit("credit_memo", object_id(row), row)
        if name in (types.payment, *types.payments_by_people) or any(map(self.is_cash, rows)):
            return Credit("payment", document(row), row)
        if name == types.credit_memo:
            return Credit("credit_memo", document(row), row)
        if any(self.reason(one) for one in rows):
            return Credit("adjustment", document(row), row)
        raise Unmappable(
            "sap.journal", "AccountingDocumentType",
            f"{document(row)} of type {name} reduces what customer {row.get('Customer')} owes: not known as "
            "payment, credit memo or adjustment; complete document types or accounts of the connection", name,
        )  # fmt: skip

    def _own(self, clearing: str) -> Iterator[tuple[Credit, Decimal]]:
        """Money and deductions that the clearing document itself posted."""
        rows = self.of.get(clearing, ())
        open_credit = sum(
            (-amount(r) for r in rows if is_customer(r) and not refers_to(r) and not cleared_by(r)),
            Decimal(0),
        )
        cash = sum((amount(row) for row in rows if self.is_cash(row)), Decimal(0)) - max(
            open_credit, Decimal(0)
        )
        if cash > 0:
            yield Credit("payment", clearing, self._head(rows)), cash
        settles = cleared_docs(self._cleared.get(clearing, ()), clearing)
        settles |= {target for row in rows if is_customer(row) and (target := refers_to(row))}
        for row in rows if settles else ():
            if (reason := self.reason(row)) and amount(row) > 0:
                id = f"{clearing}-{reason}-{row.get('AccountingDocumentItem')}"
                yield Credit("adjustment", id, row), amount(row)

    def _head(self, rows: Sequence[Row]) -> Row:
        return next((row for row in rows if is_customer(row)), rows[0])

    def is_cash(self, row: Row) -> bool:
        """A line on a bank account or on the account where incoming money waits for the bank."""
        if row.get("FinancialAccountType") != "S":
            return False
        accounts = {unpadded(one.accounts.bank_clearing) for one in self._settings.sellers.values()} - {
            "",
            "0",
        }
        return bool(row.get("HouseBank")) or unpadded(row.get("GLAccount")) in accounts

    def reason(self, row: Row) -> str:
        """Why a G/L line takes off what a customer owes; empty: it is no such line."""
        if row.get("FinancialAccountType") != "S":
            return ""
        account = unpadded(row.get("GLAccount"))
        for company in self._settings.sellers.values():
            if found := _reason(company.accounts, account):
                told = str(row.get("PaymentDifferenceReason") or "")
                return _DEDUCTIONS.get(told, found) if found == "write_off" else found
        return "exchange" if row.get("TransactionTypeDetermination") in _EXCHANGE_KEYS else ""

    def paid(self, name: str) -> Decimal:
        """How much money a payment's document brought: its bank lines, else its customer items."""
        rows = self.of.get(name, ())
        cash = sum((amount(row) for row in rows if self.is_cash(row)), Decimal(0))
        return cash or sum((-amount(row) for row in rows if is_customer(row) and amount(row) < 0), Decimal(0))


def _shared(
    clearing: str, credit: Credit, worth: Decimal, paid: Mapping[str, Sequence[Row]]
) -> Iterator[Application]:
    """The whole credit over invoices: its own currency by amount, the others by what they were worth."""
    own, left = credit.row.get("TransactionCurrency"), worth
    others: list[tuple[str, str, Decimal, Decimal]] = []
    for name, rows in sorted(paid.items()):
        currency, owed = str(rows[0].get("TransactionCurrency")), sum(map(amount, rows), Decimal(0))
        local = sum((number(row.get("AmountInCompanyCodeCurrency"), "amount") for row in rows), Decimal(0))
        if currency == own:
            left -= owed
            yield Application(name, owed, currency, credit, clearing)
        else:
            others.append((name, currency, owed, abs(local)))
    total = sum((one[3] for one in others), Decimal(0))
    for name, currency, owed, local in others:
        exact = left * local / total if total else left
        share = left if total == local else exact.quantize(Decimal("0.01"), ROUND_HALF_UP)
        left, total = left - share, total - local
        yield Application(name, owed, currency, credit, clearing, share)


def _in_order(credits: Sequence[tuple[Credit, Decimal]]) -> list[tuple[Credit, Decimal]]:
    """Credit memos and payments first; what they leave of the invoices is what was deducted."""
    rank = {"credit_memo": 0, "payment": 1, "adjustment": 2}
    return sorted(credits, key=lambda one: (rank[one[0].kind], one[0].id))


def cleared_docs(rows: Sequence[Row], clearing: str) -> set[str]:
    """The documents, other than the clearing itself, that it cleared."""
    return {document(row) for row in rows if document(row) != clearing}


def _reason(accounts: Accounts, account: str) -> str:
    return next((one for one in REASONS if unpadded(getattr(accounts, one)) == account != "0"), "")


def payment_record(
    books: Books, name: str, applied: Sequence[Application], settings: Settings
) -> dict[str, Any]:
    """A payment as its mapping reads it."""
    rows = books.of[name]
    head = next((row for row in rows if is_customer(row)), rows[0])
    cash = next((row for row in rows if books.is_cash(row)), head)
    return {
        **_common(head, name, settings),
        "amount": books.paid(name),
        "value_date": as_day(cash.get("ValueDate")),
        "bank_account": " ".join(
            str(cash.get(key)) for key in ("HouseBank", "HouseBankAccount") if cash.get(key)
        ),
        "payment_reference": str(head.get("PaymentReference") or ""),
        "applications": applications(applied),
    }


def adjustment_record(one: Application, books: Books, settings: Settings) -> dict[str, Any]:
    """What was deducted from one invoice, as its mapping reads it."""
    row = one.credit.row
    rows = books.of.get(document(row), [row])
    reason = books.reason(row) or next((found for r in rows if (found := books.reason(r))), "write_off")
    customer = next((r.get("Customer") for r in (*rows, row) if r.get("Customer")), "")
    return {
        **_common(row, one.credit.id, settings),
        "customer": unpadded(customer) if customer else "",
        "invoice": one.invoice,
        "amount": one.amount,
        "currency": one.currency,
        "reason": reason,
    }


def memo_record(
    books: Books, name: str, applied: Sequence[Application], settings: Settings
) -> dict[str, Any]:
    """A credit memo that was posted without billing, as its mapping reads it."""
    rows = books.of[name]
    head = next((row for row in rows if is_customer(row)), rows[0])
    gross = sum((-amount(row) for row in rows if is_customer(row)), Decimal(0))
    tax = sum(
        (amount(row) for row in rows if row.get("TaxType") or row.get("AccountingDocumentItemType") == "T"),
        Decimal(0),
    )
    common = _common(head, name, settings)
    memo = {
        "number": str(head.get("DocumentReferenceID") or head.get("AccountingDocument")),
        "customer": common["customer"], "seller": common["seller"], "currency": common["currency"],
        "issue_date": as_day(head.get("DocumentDate")) or common["posting_date"],
        "reason": common["text"], "net": gross - tax, "gross": gross, "invoice": "", "order": "",
        "reference": common["reference"],
    }  # fmt: skip
    return {**common, "memo": memo, "to_Item": [], "applications": applications(applied)}


def applications(applied: Sequence[Application]) -> list[dict[str, Any]]:
    """Per invoice, in a stable order; `taken` where the credit is in another currency than the invoice."""
    told: dict[tuple[str, str], dict[str, Any]] = {}
    for one in applied:
        new = {"invoice": one.invoice, "amount": Decimal(0), "currency": one.currency}
        row = told.setdefault((one.invoice, one.currency), new)
        row["amount"] += one.amount
        if one.taken is not None:
            row["taken"] = row.get("taken", Decimal(0)) + one.taken
            row["taken_currency"] = str(one.credit.row.get("TransactionCurrency"))
    return [told[key] for key in sorted(told)]


def _common(row: Row, name: str, settings: Settings) -> dict[str, Any]:
    company = str(row.get("CompanyCode"))
    return {
        "document": name,
        "company_code": company,
        "document_type": str(row.get("AccountingDocumentType") or ""),
        "number": str(row.get("AccountingDocument") or ""),
        "seller": settings.seller_of(company_code=company) or "",
        "customer": unpadded(row["Customer"]) if row.get("Customer") else "",
        "currency": str(row.get("TransactionCurrency") or ""),
        "posting_date": as_day(row.get("PostingDate")),
        "document_reference": str(row.get("DocumentReferenceID") or ""),
        "text": str(row.get("DocumentItemText") or row.get("AccountingDocumentHeaderText") or ""),
        "reference": reference_of(row),
        "cancelled_on": as_day(row.get("LastChangeDate")) if row.get("IsReversed") else None,
        "amount_in_company_currency": abs(number(row.get("AmountInCompanyCodeCurrency"), "amount")),
    }
