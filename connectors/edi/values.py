"""What a data element may look like: as one expression for a fast yes, and in words for what is wrong."""

from __future__ import annotations

import re
from datetime import date
from functools import cache

from connectors.edi.guide import Element

_DAYS = (
    r"(?:(?:0[13578]|1[02])(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)(?:0[1-9]|[12]\d|30)|02(?:0[1-9]|1\d|2[0-8]))"
)
_TIME = r"(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d\d{0,2})?"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_INTEGER = re.compile(r"-?[0-9]+")
_NUMBER = re.compile(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")
_DIGITS = re.compile(r"[0-9]+")
_CODE_LONGEST = 5  # postal codes are of type ID too, and some hold a blank
SHORT_DATES_BEFORE = 4010  # dates had six digits before this release


@cache
def expression(element: Element, short_dates: bool) -> str:
    """A regular expression that matches values with nothing to object to (some good ones it misses)."""
    low, high = element.shortest, element.longest
    if element.codes:
        return "(?:" + "|".join(re.escape(code) for code in sorted(element.codes)) + ")"
    if element.type == "DT":
        return rf"(?:(?:19|20)\d\d{_DAYS}" + (rf"|\d\d{_DAYS})" if short_dates else ")")
    point = rf"(?=(?:\.?[0-9]){{{low},{high}}}\.?(?![0-9.]))[0-9]*\.[0-9]*"
    text = rf"[^\x00-\x1f\x7f]{{{low - 1},{high - 1}}}[^\x00-\x20\x7f]"
    short = element.type == "ID" and high <= _CODE_LONGEST
    by_type = {
        "R": rf"-?(?:[0-9]{{{low},{high}}}(?![.0-9])|{point})",
        "N": rf"-?[0-9]{{{low},{high}}}",
        "T": _TIME,
        "I": rf"[!-~]{{{low},{high}}}" if short else text,
    }
    return by_type.get(element.type[0], text)


def objection(element: Element, value: str, short_dates: bool) -> tuple[str, str, str] | None:
    """What is wrong with a value that is there: (check, X12 code 723, words), None for nothing."""
    if _CONTROL.search(value):
        return "character", "6", "holds a control character"
    if element.type in ("AN", "ID", "B"):
        return _of_text(element, value)
    trimmed = value.rstrip(" ")
    if element.type == "DT":
        found = _of_date(trimmed, short_dates)
    elif element.type == "TM":
        found = _of_time(trimmed)
    else:
        found = _of_number(element, trimmed)
    return found or (("trailing_space", "6", "ends with blanks") if trimmed != value else None)


def _of_text(element: Element, value: str) -> tuple[str, str, str] | None:
    trimmed = value.rstrip(" ")
    if element.codes and trimmed not in element.codes:
        return "code", "7", f"is none of its codes ({', '.join(sorted(element.codes))})"
    if len(trimmed) > element.longest:
        return "long", "5", f"has {len(trimmed)} characters where {element.longest} are the most"
    if len(value) < element.shortest:
        return "short", "4", f"has {len(value)} characters where {element.shortest} are the least"
    if element.type == "ID" and " " in trimmed and element.longest <= _CODE_LONGEST:
        return "character", "6", "is a code and holds a blank"
    if trimmed != value:
        return "trailing_space", "6", "ends with blanks"
    return None


def _of_number(element: Element, value: str) -> tuple[str, str, str] | None:
    form = _NUMBER if element.type == "R" else _INTEGER
    if not form.fullmatch(value.strip(" ")):
        return "character", "6", "is not a number" if element.type == "R" else "is not a whole number"
    digits = sum(len(one) for one in _DIGITS.findall(value))
    if digits > element.longest:
        return "long", "5", f"has {digits} digits where {element.longest} are the most"
    if digits < element.shortest:
        return "short", "4", f"has {digits} digits where {element.shortest} are the least"
    if value != value.strip(" "):
        return "trailing_space", "6", "begins with blanks"
    return None


def _of_date(value: str, short_dates: bool) -> tuple[str, str, str] | None:
    if not value.isascii() or not value.isdigit():
        return "date", "8", "is not a date"
    if len(value) == 6 and short_dates:
        return None if as_date(value) else ("date", "8", "is not a day of the calendar")
    if len(value) > 8:
        return "long", "5", "is a date of more than 8 digits"
    if len(value) < 8:
        return "date", "8", "is not a date of 8 digits"
    return None if as_date(value) else ("date", "8", "is not a day of the calendar")


def _of_time(value: str) -> tuple[str, str, str] | None:
    if re.fullmatch(_TIME, value, re.ASCII):
        return None
    if len(value) > 8:
        return "long", "5", "is a time of more than 8 digits"
    return "time", "9", "is not a time of day"


def as_date(value: str) -> date | None:
    """The day that 8 digits, or 6 (years 50 to 99 are of the last century), name; None for no day."""
    if not value.isascii() or not value.isdigit() or len(value) not in (6, 8):
        return None
    whole = value if len(value) == 8 else ("19" if value >= "50" else "20") + value
    try:
        return date(int(whole[:4]), int(whole[4:6]), int(whole[6:]))
    except ValueError:
        return None
