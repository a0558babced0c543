"""The functions of formulas that make text: bounded in what they return."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from hub.mapping.signature import Functions
from hub.mapping.values import (
    PLACES_MAX,
    Refusal,
    as_count,
    as_number,
    as_text,
    empty,
    flat,
    quantum,
    shown,
    text,
)

TEXT_MAX = 100_000  # characters a function may return
PATTERN_MAX = 60
PARTS_MAX = 1_000  # parts SPLIT may count
PROPER_MAX = 1_000  # characters PROPER looks at, letter by letter

TEXT_FUNCTIONS = Functions()

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")
_DIGITS = frozenset("0123456789")
_TOKEN = re.compile("YYYY|YY|MM|DD|hh|mm|ss")
_STRFTIME = {"YY": "%y", "MM": "%m", "DD": "%d", "hh": "%H", "mm": "%M", "ss": "%S"}


def _length(value: Any) -> int:
    return max(as_count(value, TEXT_MAX), 0)


def _bounded(value: str) -> str:
    if len(value) > TEXT_MAX:
        raise Refusal(f"the result is longer than {TEXT_MAX} characters")
    return value


def _joined(separator: str, values: tuple[Any, ...]) -> str:
    try:
        if "" not in values and sum(map(len, values)) + len(separator) * len(values) <= TEXT_MAX:
            return separator.join(values)  # nearly always
    except TypeError:
        pass  # not all of them are text
    parts = [value if value.__class__ is str else text(value) for value in flat(values)]
    if sum(map(len, parts)) + len(separator) * len(parts) > TEXT_MAX:
        raise Refusal(f"the result is longer than {TEXT_MAX} characters")
    return separator.join(parts)


@TEXT_FUNCTIONS.define("CONCAT", "text", "any", repeats=True)
def _concat(*values: Any) -> str:
    """CONCAT(value, ...): all values as one text. Example: CONCAT("SO-", 12) -> SO-12"""
    return _joined("", values)


@TEXT_FUNCTIONS.define("JOIN", "text", "text", "any", repeats=True)
def _join(separator: Any, *values: Any) -> str:
    """JOIN(separator, value, ...): values and lists with the separator between them; those without a value
    are left out. Example: JOIN(" / ", "a", "", "b") -> a / b"""
    return _joined(as_text(separator), values)


@TEXT_FUNCTIONS.define("UPPER", "text", "any")
def _upper(value: Any) -> str:
    """UPPER(text): in capital letters. Example: UPPER("eur") -> EUR"""
    return _bounded(as_text(value).upper())


@TEXT_FUNCTIONS.define("LOWER", "text", "any")
def _lower(value: Any) -> str:
    """LOWER(text): in small letters. Example: LOWER("ACME.Example") -> acme.example"""
    return _bounded(as_text(value).lower())


@TEXT_FUNCTIONS.define("TRIM", "text", "any")
def _trim(value: Any) -> str:
    """TRIM(text): without white space at both ends. Example: TRIM("  a b ") -> a b"""
    return _bounded(as_text(value).strip())


@TEXT_FUNCTIONS.define("LEFT", "text", "any", "number", least=1)
def _left(value: Any, count: Any = Decimal(1)) -> str:
    """LEFT(text, count = 1): the first characters. Example: LEFT("SKU-100", 3) -> SKU"""
    return as_text(value)[: _length(count)]


@TEXT_FUNCTIONS.define("RIGHT", "text", "any", "number", least=1)
def _right(value: Any, count: Any = Decimal(1)) -> str:
    """RIGHT(text, count = 1): the last characters. Example: RIGHT("SKU-100", 3) -> 100"""
    whole, wanted = as_text(value), _length(count)
    return whole[max(len(whole) - wanted, 0) :] if wanted else ""


@TEXT_FUNCTIONS.define("MID", "text", "any", "number", "number")
def _mid(value: Any, start: Any, count: Any) -> str:
    """MID(text, start, count): characters from a position, counted from 1.
    Example: MID("SKU-100", 5, 3) -> 100"""
    first = max(_length(start) - 1, 0)
    return as_text(value)[first : first + _length(count)]


@TEXT_FUNCTIONS.define("REPLACE", "text", "any", "number", "number", "any")
def _replace(value: Any, start: Any, count: Any, new: Any) -> str:
    """REPLACE(text, start, count, new): characters from a position exchanged for others.
    Example: REPLACE("SKU-100", 1, 3, "ITEM") -> ITEM-100"""
    whole, first = as_text(value), max(_length(start) - 1, 0)
    return _bounded(whole[:first] + as_text(new) + whole[first + _length(count) :])


@TEXT_FUNCTIONS.define("SUBSTITUTE", "text", "any", "text", "any")
def _substitute(value: Any, old: Any, new: Any) -> str:
    """SUBSTITUTE(text, old, new): every occurrence of a text exchanged.
    Example: SUBSTITUTE("1.5", ".", ",") -> 1,5"""
    whole, was, becomes = as_text(value), as_text(old), as_text(new)
    if not was:
        return _bounded(whole)
    if len(whole) + whole.count(was) * (len(becomes) - len(was)) > TEXT_MAX:
        raise Refusal(f"the result is longer than {TEXT_MAX} characters")
    return whole.replace(was, becomes)


@TEXT_FUNCTIONS.define("PROPER", "text", "any")
def _proper(value: Any) -> str:
    """PROPER(text): every word with one capital letter in front.
    Example: PROPER("MARY-ANN o'neil") -> Mary-Ann O'Neil"""
    whole = as_text(value)
    if len(whole) > PROPER_MAX:
        raise Refusal(f"PROPER takes at most {PROPER_MAX} characters", value)
    return _WORD.sub(_capital, whole)


def _capital(found: re.Match[str]) -> str:
    word = found[0]
    return word[:2].upper() + word[2:].capitalize() if word[1:2] in ("'", "\u2019") else word.capitalize()


@TEXT_FUNCTIONS.define("PADLEFT", "text", "any", "number", "text", least=2)
def _padleft(value: Any, length: Any, fill: Any = "0") -> str:
    """PADLEFT(text, length, fill = "0"): filled up from the left; what is long enough stays as it is.
    Example: PADLEFT(42, 6) -> 000042"""
    letter = as_text(fill)
    if len(letter) != 1:
        raise Refusal(f"{shown(letter)} is not one character to fill with", fill)
    whole = as_text(value)
    return _bounded(whole.rjust(_length(length), letter)) if whole else ""


@TEXT_FUNCTIONS.define("SPLIT", "text", "any", "text", "number", blank="maybe")
def _split(value: Any, separator: Any, position: Any) -> str | None:
    """SPLIT(text, separator, position): one part of it, counted from 1, or with -1 from the end; no value
    where there is no such part. Example: SPLIT("DE-20457-Hamburg", "-", 2) -> 20457"""
    between, at = as_text(separator), as_count(position, PARTS_MAX)
    if not between or not at:
        raise Refusal("SPLIT needs a separator, and a position from 1, or from the end with -1")
    parts = as_text(value).split(between, at) if at > 0 else as_text(value).rsplit(between, -at)[::-1]
    wanted = abs(at) - 1
    return parts[wanted] or None if wanted < len(parts) else None


@TEXT_FUNCTIONS.define("DIGITS", "text", "any")
def _digits(value: Any) -> str:
    """DIGITS(text): its digits 0 to 9 and nothing else. Example: DIGITS("+49 40 1234-5") -> 494012345"""
    return "".join(filter(_DIGITS.__contains__, _bounded(as_text(value))))


@TEXT_FUNCTIONS.define("LEN", "number", "any")
def _len(value: Any) -> Decimal:
    """LEN(text): how many characters. Example: LEN("SKU-100") -> 7"""
    return Decimal(len(as_text(value)))


@TEXT_FUNCTIONS.define("CONTAINS", "bool", "any", "any")
def _contains(whole: Any, part: Any) -> bool:
    """CONTAINS(text or list, part): is the part in it? Example: CONTAINS("net 30 days", "30") -> true"""
    sought = as_text(part)
    if not sought:
        return False
    return sought in (
        [as_text(item) for item in whole] if isinstance(whole, list | tuple) else as_text(whole)
    )


@TEXT_FUNCTIONS.define("TEXT", "text", "any", "any", least=1)
def _text(value: Any, form: Any = None) -> str:
    """TEXT(value, form): as text; for a number the form is its decimals, for a date a pattern of YYYY YY MM
    DD hh mm ss. Example: TEXT(DATE("2026-01-31"), "DD.MM.YYYY") -> 31.01.2026"""
    if empty(value) or form is None:
        return _bounded(as_text(value))
    if isinstance(value, date):
        return _patterned(value, as_text(form))
    number = as_number(value)
    if number is None:
        return ""
    return _bounded(text(number.quantize(quantum(as_count(form, PLACES_MAX)))))


def _patterned(value: date, pattern: str) -> str:
    if len(pattern) > PATTERN_MAX:
        raise Refusal(f"{shown(pattern)} is not a date pattern such as YYYY-MM-DD", pattern)
    seen = value.astimezone(UTC) if isinstance(value, datetime) and value.tzinfo else value
    return _TOKEN.sub(lambda found: _part(seen, found[0]), pattern)


def _part(value: date, letters: str) -> str:
    # strftime leaves years before 1000 unpadded
    return f"{value.year:04d}" if letters == "YYYY" else value.strftime(_STRFTIME[letters])
