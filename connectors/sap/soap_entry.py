"""A journal entry's content: items with signs, tax as given, and the proof that debits equal credits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Literal, NamedTuple

from connectors.sap.settings import Accounts, Company, Settings
from connectors.sap.soap_record import Entry, Line, Posted, Tax
from connectors.sap.soap_wire import Amount, Node
from connectors.sap.translate import padded
from hub.sdk import Rejected

ITEMS_MAX = 999  # of one accounting document; more are refused by SAP (message F5 727)
_ACCOUNTS: dict[str, str] = {
    "write_off": "write_off",
    "deduction": "write_off",
    "discount": "discount",
    "fee": "fee",
    "exchange": "exchange",
}
# Which way the customer's item goes: an invoice is owed, everything else reduces what is owed.
_CUSTOMER = {"invoice": 1, "credit_memo": -1, "payment": -1, "adjustment": -1}


class Posting(NamedTuple):
    """One item of an entry: debits above zero, credits below."""

    element: Literal["Item", "DebtorItem", "ProductTaxItem"]
    amount: Amount
    before: Sequence[Node]  # in the order of the schema: what stands before the amount
    after: Sequence[Node]  # and after its debit/credit code
    side: Decimal = Decimal(0)  # says debit or credit where the amount itself is zero


def content(
    kind: str, entry: Entry, settings: Settings, references: tuple[str, str], user: str
) -> list[Node]:
    """The JournalEntry element of a record. Raises Rejected where it does not balance or lacks an account."""
    if kind not in _CUSTOMER:
        raise Rejected(f"{kind} documents are not booked as journal entries", code="kind", sent=False)
    company = _company(settings, entry.company_code)
    sign = _CUSTOMER[kind]
    if kind in ("invoice", "credit_memo"):
        counter = _revenue(entry, company.accounts, sign)
    elif kind == "payment":
        counter = [_bank(entry, company, sign)]
    else:
        counter = [_let_go(entry, company.accounts, sign)]
    postings = [*counter, _debtor(entry, sign), *_tax_items(entry, sign)]
    _balanced(postings)
    return [*_head(entry, references, user), *_numbered(postings)]


def reversal(document_type: str, known: Posted, on: date, reason: str, user: str) -> list[Node]:
    """The JournalEntry element that reverses an entry: SAP takes the items from the entry itself.

    The reference is document number, company code and fiscal year in one text, as SAP's own success
    message shows it (RW 605).
    """
    source = padded(known.document) + known.company_code + known.fiscal_year
    return [
        ("OriginalReferenceDocumentType", "BKPFF"),
        ("BusinessTransactionType", "RFBU"),
        ("AccountingDocumentType", document_type),
        ("ReversalReason", reason),
        ("ReversalReferenceDocument", source),
        ("ReversalDate", on),
        ("CreatedByUser", user),
        ("CompanyCode", known.company_code),
        ("DocumentDate", on),
        ("PostingDate", on),
    ]


def entered_by(settings: Settings) -> str:
    """CreatedByUser, mandatory in a posting [wsdl]: who SAP shows as the one who entered the document."""
    return (settings.posting_user or settings.username or "O2CHUB")[:12]


def _company(settings: Settings, company_code: str) -> Company:
    for one in settings.sellers.values():
        if one.company_code == company_code:
            return one
    raise Rejected(
        f"company code {company_code} is none of this connection's sellers: add it to the settings",
        code="company_code",
        sent=False,
    )


def _head(entry: Entry, references: tuple[str, str], user: str) -> list[Node]:
    return [
        ("OriginalReferenceDocumentType", "BKPFF"),
        ("BusinessTransactionType", "RFBU"),
        ("AccountingDocumentType", entry.document_type),
        ("DocumentReferenceID", entry.reference),
        ("DocumentHeaderText", entry.header_text),
        ("CreatedByUser", user),
        ("CompanyCode", entry.company_code),
        ("DocumentDate", entry.document_date),
        ("PostingDate", entry.posting_date),
        ("Reference1InDocumentHeader", references[0]),
        ("Reference2InDocumentHeader", references[1]),
    ]


def _debtor(entry: Entry, sign: int) -> Posting:
    amount = Amount(sign * entry.amount, entry.currency)
    down_payment: list[Node] = []
    if entry.special_gl:
        down_payment = [
            ("SpecialGLCode", entry.special_gl),
            ("SalesOrder", padded(entry.sales_order)),
        ]
    after: list[Node] = [
        ("DocumentItemText", entry.header_text),
        ("AssignmentReference", entry.assignment),
        ("CashDiscountTerms", _terms(entry)),
        (
            "PaymentDetails",
            [("PaymentReference", entry.payment_reference)] if entry.payment_reference else [],
        ),
        ("DownPaymentTerms", down_payment),
    ]
    return Posting("DebtorItem", amount, [("Debtor", padded(entry.customer))], after)


def _terms(entry: Entry) -> list[Node]:
    """Due date and discount as days: the message has no place for a code of payment terms [wsdl]."""
    if entry.due_date is None:
        return []
    start = min(entry.document_date, entry.due_date)
    percent = entry.discount_percent
    discount: list[Node] = []
    if entry.discount_days is not None and percent:
        discount = [
            ("CashDiscount1Days", f"P{entry.discount_days}D"),
            ("CashDiscount1Percent", format(percent, "f")),
        ]
    days = (entry.due_date - start).days
    return [("DueCalculationBaseDate", start), *discount, ("NetPaymentDays", f"P{days}D")]


def _revenue(entry: Entry, accounts: Accounts, sign: int) -> list[Posting]:
    if not entry.lines:
        raise Rejected("lines: an invoice without lines has nothing to book", code="lines", sent=False)
    _taxed(entry)
    lines = _few(entry.lines, ITEMS_MAX - 1 - len(entry.taxes))
    groups = _groups(entry)
    return [_line(entry, line, accounts, groups, sign) for line in lines if line.amount]


def _line(entry: Entry, line: Line, accounts: Accounts, groups: dict[str, str], sign: int) -> Posting:
    account = _account("revenue", line.gl_account, accounts.revenue)
    group = groups.get(line.tax_code, "")
    tax: list[Node] = [("TaxCode", line.tax_code), ("TaxItemGroup", group)] if line.tax_code else []
    assignment: list[Node] = [
        ("ProfitCenter", padded(line.profit_center)),
        ("CostCenter", padded(line.cost_center)),
        ("SalesOrder", padded(line.sales_order)),
    ]
    after: list[Node] = [
        ("DocumentItemText", line.text),
        ("Tax", tax),
        ("AccountAssignment", [node for node in assignment if node[1]]),
    ]
    amount = Amount(-sign * line.amount, entry.currency)
    return Posting("Item", amount, [("GLAccount", account)], after)


def _few(lines: Sequence[Line], most: int) -> Sequence[Line]:
    """Lines, or their sums by account, tax code and assignment where there are too many for one entry."""
    if len(lines) <= most:
        return lines
    sums: dict[Line, Decimal] = {}
    for line in lines:
        alike = line.model_copy(update={"amount": Decimal(0), "text": ""})
        sums[alike] = sums.get(alike, Decimal(0)) + line.amount
    if len(sums) > most:
        raise Rejected(
            f"lines: {len(sums)} items do not fit one entry of {ITEMS_MAX}", code="lines", sent=False
        )
    return [alike.model_copy(update={"amount": amount}) for alike, amount in sums.items()]


def _taxes(entry: Entry) -> list[Tax]:
    """One tax per code, each with the group that ties it to its revenue items."""
    sums: dict[str, Tax] = {}
    for tax in entry.taxes:
        known = sums.get(tax.tax_code)
        added = {"base": known.base + tax.base, "amount": known.amount + tax.amount} if known else {}
        sums[tax.tax_code] = tax.model_copy(update=added)
    return list(sums.values())


def _groups(entry: Entry) -> dict[str, str]:
    return {tax.tax_code: f"{at:06d}" for at, tax in enumerate(_taxes(entry), 1)}


def _taxed(entry: Entry) -> None:
    """Each tax code needs its tax, over just the lines that have it: SAP checks, and says less."""
    bases: dict[str, Decimal] = {}
    for line in entry.lines:
        if line.tax_code:
            bases[line.tax_code] = bases.get(line.tax_code, Decimal(0)) + line.amount
    given = {tax.tax_code: tax.base for tax in _taxes(entry)}
    for code in bases.keys() | given.keys():
        if bases.get(code) != given.get(code):
            text = f"taxes: code {code} is told over {given.get(code)}, its lines are {bases.get(code)}"
            raise Rejected(f"{text} {entry.currency}; the service calculates no tax", code="tax", sent=False)


def _tax_items(entry: Entry, sign: int) -> list[Posting]:
    groups = _groups(entry)
    return [
        Posting(
            "ProductTaxItem",
            Amount(-sign * tax.amount, entry.currency),
            [("TaxCode", tax.tax_code), ("TaxItemGroup", groups[tax.tax_code])],
            [("TaxBaseAmountInTransCrcy", Amount(-sign * tax.base, entry.currency))],
            side=-sign * tax.base,
        )
        for tax in _taxes(entry)
    ]


def _bank(entry: Entry, company: Company, sign: int) -> Posting:
    account = _account("bank_clearing", entry.bank.gl_account, company.accounts.bank_clearing)
    after: list[Node] = [
        ("DocumentItemText", entry.header_text),
        ("AssignmentReference", entry.assignment),
        ("ValueDate", entry.bank.value_date or entry.posting_date),
        ("HouseBank", entry.bank.house_bank or company.house_bank),
        ("HouseBankAccount", entry.bank.account or company.house_bank_account),
    ]
    return Posting("Item", Amount(-sign * entry.amount, entry.currency), [("GLAccount", account)], after)


def _let_go(entry: Entry, accounts: Accounts, sign: int) -> Posting:
    """What is no longer owed, as an expense; tax that is corrected with it stands in items of its own."""
    if entry.reason not in _ACCOUNTS and not entry.counter_account:
        known = ", ".join(_ACCOUNTS)
        raise Rejected(
            f"reason: {entry.reason!r} has no account; it is one of {known}, or give counter_account",
            code="reason",
            sent=False,
        )
    name = _ACCOUNTS.get(entry.reason, "write_off")
    account = _account(name, entry.counter_account, getattr(accounts, name))
    net = entry.amount - sum((tax.amount for tax in entry.taxes), Decimal(0))
    assignment: list[Node] = [("CostCenter", padded(entry.cost_center))] if entry.cost_center else []
    after: list[Node] = [
        ("DocumentItemText", entry.header_text),
        ("ReasonCode", entry.reason_code),
        ("AssignmentReference", entry.assignment),
        ("AccountAssignment", assignment),
    ]
    return Posting("Item", Amount(-sign * net, entry.currency), [("GLAccount", account)], after)


def _account(name: str, given: str, otherwise: str) -> str:
    account = given or otherwise
    if not account:
        raise Rejected(
            f"no G/L account: set sellers.*.accounts.{name} of the connection, or give one in the mapping",
            code="account",
            sent=False,
        )
    return padded(account)


def _balanced(postings: Sequence[Posting]) -> None:
    """Debits and credits must be equal in each currency, exactly; SAP would refuse it later and vaguer."""
    sums: dict[str, Decimal] = {}
    for posting in postings:
        value, currency = posting.amount
        sums[currency] = sums.get(currency, Decimal(0)) + value
    if off := {currency: value for currency, value in sums.items() if value}:
        shown = ", ".join(f"{value} {currency}" for currency, value in off.items())
        text = f"the entry does not balance: {shown} too much on the {_side(off)} side"
        raise Rejected(text + "; lines and taxes must add up to the amount", code="balance", sent=False)


def _side(off: dict[str, Decimal]) -> str:
    return "debit" if all(value > 0 for value in off.values()) else "credit"


def _numbered(postings: Sequence[Posting]) -> list[Node]:
    return [
        (
            posting.element,
            [
                ("ReferenceDocumentItem", str(number)),
                *posting.before,
                ("AmountInTransactionCurrency", posting.amount),
                ("DebitCreditCode", "S" if (posting.amount.value or posting.side) > 0 else "H"),
                *posting.after,
            ],
        )
        for number, posting in enumerate(postings, 1)
    ]
