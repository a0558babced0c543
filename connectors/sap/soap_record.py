"""What a mapping gives for one journal entry, checked before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from hub.sdk import Rejected

_LINES_MAX = 5_000
_REFERENCE = 20  # characters of each of the two reference fields of a header [wsdl]


def _no_float(value: Any) -> Any:
    if isinstance(value, float):
        raise ValueError("a binary float may not become an amount")
    return value


Exact = Annotated[Decimal, BeforeValidator(_no_float), Field(allow_inf_nan=False)]
Key = Annotated[str, Field(max_length=10)]
Text = Annotated[str, Field(max_length=50)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Line(_Part):
    """A revenue line; `amount` is net, zero or more, in the entry's currency."""

    amount: Exact
    gl_account: Key = ""
    tax_code: str = Field(default="", max_length=4)
    text: Text = ""
    cost_center: Key = ""
    profit_center: Key = ""
    sales_order: Key = ""


class Tax(_Part):
    """The tax of one code: given, because the service calculates none."""

    tax_code: str = Field(min_length=1, max_length=4)
    base: Exact
    amount: Exact


class Bank(_Part):
    """The account the money was booked on."""

    gl_account: Key = ""
    house_bank: str = Field(default="", max_length=5)
    account: str = Field(default="", max_length=5)
    value_date: date | None = None


class Allocation(_Part):
    """What settles one invoice there; discount and deduction are what is let go beside it."""

    invoice: str = Field(min_length=1, max_length=60)
    amount: Exact = Field(gt=0)
    currency: str = Field(min_length=3, max_length=3)
    discount: Exact = Field(default=Decimal(0), ge=0)
    deduction: Exact = Field(default=Decimal(0), ge=0)
    reason_code: str = Field(default="", max_length=3)


class Expected(_Part):
    """What the entry must show when it is read back."""

    total: Exact
    currency: str


class Entry(_Part):
    """One journal entry in the words of our mappings; amounts are never negative, the kind gives the sign."""

    document_type: str = Field(min_length=1, max_length=5)
    company_code: str = Field(min_length=1, max_length=4)
    document_date: date
    posting_date: date
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    customer: Key = Field(min_length=1)
    amount: Exact = Field(gt=0)
    reference: str = Field(default="", max_length=16)
    header_text: str = Field(default="", max_length=25)
    assignment: str = Field(default="", max_length=18)
    payment_reference: str = Field(default="", max_length=30)
    due_date: date | None = None
    discount_days: int | None = Field(default=None, ge=0, le=999)
    discount_percent: Exact | None = Field(default=None, ge=0, le=100)
    lines: tuple[Line, ...] = Field(default=(), max_length=_LINES_MAX)
    taxes: tuple[Tax, ...] = Field(default=(), max_length=100)
    bank: Bank = Bank()
    counter_account: Key = ""
    cost_center: Key = ""
    reason: str = ""
    reason_code: str = Field(default="", max_length=3)
    special_gl: str = Field(default="", max_length=1)
    sales_order: Key = ""
    invoice: str = ""
    allocations: tuple[Allocation, ...] = Field(default=(), max_length=2_000)
    expected: Expected | None = None


def entry(record: Mapping[str, Any]) -> Entry:
    """The record of a mapping, checked. Raises Rejected that names each field SAP has no room for."""
    try:
        return Entry.model_validate(_given(record))
    except ValidationError as error:
        raise _refused("record", error) from None


def allocations(told: Any) -> tuple[Allocation, ...]:
    """What settles what, checked. Raises Rejected."""
    try:
        return tuple(one if isinstance(one, Allocation) else Allocation.model_validate(one) for one in told)
    except ValidationError as error:
        raise _refused("allocations", error) from None


def _given(record: Any) -> Any:
    """Without what has no value: an empty part of a record is the same as none."""
    if isinstance(record, Mapping):
        kept = {key: _given(value) for key, value in record.items()}
        return {key: value for key, value in kept.items() if value is not None}
    return [_given(one) for one in record] if isinstance(record, list | tuple) else record


def _refused(place: str, error: ValidationError) -> Rejected:
    findings = [
        f"{'.'.join(str(part) for part in one['loc']) or place}: {one['msg']}"
        for one in error.errors(include_url=False, include_input=False)[:10]
    ]
    return Rejected(f"the mapping gives what SAP cannot book: {'; '.join(findings)}", code=place, sent=False)


class Posted(NamedTuple):
    """The key of an accounting document, without leading zeros, as SAP's OData services show it."""

    company_code: str
    fiscal_year: str
    document: str

    def __str__(self) -> str:
        return f"{self.company_code}-{self.fiscal_year}-{self.document}"


def posted(company_code: str, fiscal_year: str, document: str) -> Posted:
    """The key in the form every part of this connector uses, whoever padded it."""
    return Posted(company_code, fiscal_year, document.lstrip("0"))


def is_posted(external_id: str) -> bool:
    """Is it the id of an accounting document, not of a billing document?"""
    return external_id.count("-") == 2


def posted_by(external_id: str) -> Posted:
    """The key in an external id such as 1010-2026-1800000001. Raises Rejected for any other text."""
    company_code, _, rest = external_id.partition("-")
    fiscal_year, _, document = rest.partition("-")
    numbers = fiscal_year + document
    digits = numbers.isascii() and numbers.isdigit()
    if not company_code or len(fiscal_year) != 4 or not document or not digits:
        raise Rejected(f"{external_id!r} is no accounting document", code="external_id", sent=False)
    return posted(company_code, fiscal_year, document)


def references(reference: str) -> tuple[str, str]:
    """Our document id in the two reference fields of a journal entry's header, 20 characters each."""
    if not reference or len(reference) > 2 * _REFERENCE:
        raise Rejected(
            f"reference: 1 to {2 * _REFERENCE} characters fit a journal entry, not {len(reference)}",
            code="reference",
            sent=False,
        )
    return reference[:_REFERENCE], reference[_REFERENCE:]
