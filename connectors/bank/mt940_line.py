"""One statement line (:61:) of an MT940 file with the text that belongs to it (:86:)."""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache

from connectors.bank import mt940_text
from connectors.bank.mt940_text import Told
from connectors.bank.statement import (
    NOBODY,
    Amount,
    Charge,
    Entry,
    Party,
    Reference,
    Status,
    Transaction,
    broken,
)

# Value date, entry date (blank at some banks), mark, third letter of the currency, amount, type, references.
_LINE = re.compile(
    r"(\d{6})(\d{4}| {4})? ?(R[CD]|E[CD]|[CD])([A-Z])?? ?"
    r"(\d{1,3}(?:\.\d{3})+,\d{0,6}|\d{1,15}[.,]?\d{0,6}|[.,]\d{1,6})(?![\d.,])([A-Z][A-Z0-9]{3})?(.*)",
    re.ASCII | re.DOTALL,
)
_MARKS = {"C": 1, "D": -1, "RC": -1, "RD": 1, "EC": 1, "ED": -1}
_ORIGINAL = re.compile(r"/?OCMT/([A-Z]{3})(\d{1,15},\d{0,6})/?", re.ASCII)
_CHARGE = re.compile(r"/?CHGS\d?/([A-Z]{3})(\d{1,15},\d{0,6})/?", re.ASCII)
_DIGIT = re.compile(r"\d", re.ASCII)
_NO_REFERENCE = frozenset({"NONREF", "NOTPROVIDED"})


def entry(line: int, words: Sequence[str], told: Sequence[str], currency: str) -> Entry:
    """The entry of a :61: field (its own lines) and of the lines of its :86:. Raises Invalid.

    A reversal of a credit (RC) takes money away, a reversal of a debit (RD) gives it back.
    """
    found = _LINE.match(words[0].strip())
    if not found:  # some banks wrap the field itself
        found = _LINE.match("".join(words).strip())
    if not found:
        raise broken(line, f":61: {words[0][:16]!r} is no statement line", "61")
    value, entered, mark, _, digits, code, rest = found.groups()
    amount = _MARKS[mark.upper()] * plain(digits)
    value_on = day_of(value)
    customer, _, bank = rest.partition("//")
    extra = [one.strip() for one in words[1:] if one.strip()]
    text = mt940_text.told(told)
    return Entry(
        amount=amount,
        currency=currency,
        booked_on=_entered(entered, value_on) or value_on,
        value_on=value_on,
        bank_code="/".join(one for one in (code or "", text.code) if one),
        reversal=mark in ("RC", "RD"),
        status=Status.PENDING if mark in ("EC", "ED") else Status.BOOKED,
        bank_reference=bank.strip(),
        transactions=(_transaction(amount, currency, (customer.strip(), bank.strip()), extra, text),),
        line=line,
    )


def _transaction(
    amount: Decimal, currency: str, given: tuple[str, str], extra: Sequence[str], text: Told
) -> Transaction:
    customer, bank = given
    other = Party(text.name, text.account, text.bic)
    joined = f"{''.join(extra)}{text.raw}"
    original = _ORIGINAL.search(joined) if "OCMT/" in joined else None
    charges = _CHARGE.finditer(joined) if "CHGS" in joined else ()
    narrative = (*text.narrative, *(one for one in extra if not _ORIGINAL.match(one)))
    return Transaction(
        amount=amount,
        currency=currency,
        payer=other if amount > 0 else NOBODY,
        payee=NOBODY if amount > 0 else other,
        end_to_end_id=text.end_to_end_id,
        bank_reference=bank,
        customer_reference="" if customer in _NO_REFERENCE else customer,
        mandate_id=text.mandate_id,
        references=tuple(Reference(*one) for one in text.references),
        narrative=narrative,
        charges=tuple(Charge(plain(one[2]), one[1]) for one in charges),
        instructed=Amount(plain(original[2]), original[1]) if original else None,
        exchange_rate=text.exchange_rate,
        purpose=text.purpose,
        return_reason=text.return_reason,
    )


def has_digit(words: str) -> bool:
    """Is there a digit in it, so that it can be an amount?"""
    return _DIGIT.search(words) is not None


def plain(digits: str) -> Decimal:
    """An amount with a decimal comma, or the point some banks write; points before a comma are thousands."""
    words = digits.replace(".", "") if "," in digits else digits
    return Decimal(words.replace(",", ".").rstrip(".") or "0")


@lru_cache(maxsize=4_096)
def day_of(digits: str) -> date | None:
    """The day of YYMMDD; a day the month does not have is its last one. None where it is no day at all.

    German banks count 30 days for every month, so value dates of 30 February are common.
    """
    year, month, day = int(digits[:2]), int(digits[2:4]), int(digits[4:6])
    year += 1900 if year >= 80 else 2000
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))


@lru_cache(maxsize=4_096)
def _entered(digits: str | None, value_on: date | None) -> date | None:
    """The entry date MMDD in the year that brings it nearest to the value date."""
    if value_on is None or not digits or not digits.strip():
        return None
    month, day = int(digits[:2]), int(digits[2:])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    years = (value_on.year - 1, value_on.year, value_on.year + 1)
    near = [date(y, month, min(day, calendar.monthrange(y, month)[1])) for y in years]
    return min(near, key=lambda one: abs((one - value_on).days))
