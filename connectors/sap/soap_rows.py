"""Rows of SAP's cube of operational journal entry items, as far as booking and clearing look at them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple, TypeAlias

from connectors.sap.soap_record import Posted, posted
from connectors.sap.translate import text
from hub.sdk import Transient

Row: TypeAlias = Mapping[str, Any]
Ask: TypeAlias = Callable[[str], Sequence[Row]]
"""An OData filter to all rows of A_OperationalAcctgDocItemCube that it fits."""

CUBE_FIELDS = (
    "CompanyCode", "FiscalYear", "AccountingDocument", "AccountingDocumentItem", "FinancialAccountType",
    "Customer", "AmountInTransactionCurrency", "TransactionCurrency", "SpecialGLCode", "BillingDocument",
    "IsCleared", "ClearingAccountingDocument", "ClearingDocFiscalYear", "ClearingIsReversed",
    "InvoiceReference", "InvoiceReferenceFiscalYear", "InvoiceItemReference", "FollowOnDocumentType",
    "Reference1InDocumentHeader", "Reference2InDocumentHeader", "IsReversal", "IsReversed",
)  # fmt: skip


class Item(NamedTuple):
    """One customer item; `amount` is signed in `currency`: debits above zero."""

    posted: Posted
    number: str  # of the item, without leading zeros
    customer: str
    amount: Decimal
    currency: str
    special_gl: str
    billing: str  # the billing document it comes from, where it comes from one
    cleared_by: Posted | None
    settles: tuple[Posted, str] | None  # the item a partial payment or credit refers to
    reversal: bool
    reversed: bool

    @property
    def key(self) -> tuple[Posted, str]:
        """What other items call it."""
        return self.posted, self.number


def item_of(row: Row) -> Item:
    """A row as an item. Raises Transient for a row without a key or an exact amount."""
    company_code, amount = _text(row, "CompanyCode"), _text(row, "AmountInTransactionCurrency")
    try:
        value = Decimal(amount or "x")
    except InvalidOperation:
        value = Decimal("NaN")
    year, document = _text(row, "FiscalYear"), _text(row, "AccountingDocument")
    if not (company_code and year and document and value.is_finite()):
        told = f"a row of SAP's open items has no key or amount: {company_code}-{year}-{document} {amount!r}"
        raise Transient(told[:300], code="bad_row")
    return Item(
        posted=posted(company_code, year, document),
        number=_text(row, "AccountingDocumentItem").lstrip("0"),
        customer=_text(row, "Customer"),
        amount=value,
        currency=_text(row, "TransactionCurrency"),
        special_gl=_text(row, "SpecialGLCode"),
        billing=_text(row, "BillingDocument").lstrip("0"),
        cleared_by=_clearing(row, company_code, year),
        settles=_settles(row, company_code),
        reversal=row.get("IsReversal") is True,
        reversed=row.get("IsReversed") is True,
    )


def _clearing(row: Row, company_code: str, year: str) -> Posted | None:
    document = _text(row, "ClearingAccountingDocument").lstrip("0")
    if row.get("IsCleared") is not True or not document or row.get("ClearingIsReversed") is True:
        return None
    return posted(company_code, _text(row, "ClearingDocFiscalYear") or year, document)


def _settles(row: Row, company_code: str) -> tuple[Posted, str] | None:
    document = _text(row, "InvoiceReference").lstrip("0")
    # no number: nothing, or V, a credit memo about no invoice. Type G: a credit memo about one, which is a
    # claim of its own until somebody applies it, unlike a partial payment (Z) or a residual (V)
    if not document.isdigit() or _text(row, "FollowOnDocumentType") == "G":
        return None
    source = posted(company_code, _text(row, "InvoiceReferenceFiscalYear"), document)
    return source, _text(row, "InvoiceItemReference").lstrip("0")


def _text(row: Row, name: str) -> str:
    value = row.get(name)
    return "" if value is None else str(value).strip()


def any_spelling(field: str, told: str) -> str:
    """The filter for a text as it is or in capitals."""
    return f"({' or '.join(f'{field} eq {text(one)}' for one in dict.fromkeys((told, told.upper())))})"


def key_filter(key: Posted) -> str:
    """The filter for the items of one document."""
    return (
        f"CompanyCode eq {text(key.company_code)} and FiscalYear eq {text(key.fiscal_year)} "
        f"and AccountingDocument eq {text(key.document)}"
    )


def any_of(filters: Iterable[str]) -> str:
    """Rows that fit one of these filters, of customer accounts only."""
    return f"FinancialAccountType eq 'D' and ({' or '.join(f'({one})' for one in filters)})"


def partials_filter(key: Posted) -> str:
    """The filter for the items that refer to a document: its partial payments and credits."""
    return (
        f"CompanyCode eq {text(key.company_code)} "
        f"and InvoiceReferenceFiscalYear eq {text(key.fiscal_year)} "
        f"and InvoiceReference eq {text(key.document)}"
    )
