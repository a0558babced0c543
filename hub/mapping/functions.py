"""The spreadsheet-style functions of formulas on numbers, lists and dates: pure, and exact on Decimal."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hub.mapping.conversions import day, decimal, integer
from hub.mapping.signature import Functions
from hub.mapping.texts import TEXT_FUNCTIONS
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
)

_ZERO = Decimal(0)
DAYS_MAX = 100_000  # days ADD_DAYS may move

FUNCTIONS = Functions(TEXT_FUNCTIONS)


@FUNCTIONS.define("ROUND", "number", "number", "number", least=1, blank="first")
def _round(value: Any, places: Any = Decimal(0)) -> Decimal | None:
    """ROUND(number, places = 0): half away from zero, as invoices do. Example: ROUND(2.345, 2) -> 2.35"""
    number = as_number(value)
    return None if number is None else number.quantize(quantum(as_count(places, PLACES_MAX)))


@FUNCTIONS.define("ABS", "number", "number", blank="first")
def _abs(value: Any) -> Decimal | None:
    """ABS(number): without its sign. Example: ABS(-5.50) -> 5.50"""
    number = as_number(value)
    return None if number is None else abs(number)


@FUNCTIONS.define("MIN", "number", "any", repeats=True, blank="maybe")
def _min(*values: Any) -> Decimal | None:
    """MIN(value, ...): the smallest number of values and lists. Example: MIN(3, 1.5, 2) -> 1.5"""
    return min(map(decimal, flat(values)), default=None)


@FUNCTIONS.define("MAX", "number", "any", repeats=True, blank="maybe")
def _max(*values: Any) -> Decimal | None:
    """MAX(value, ...): the largest number of values and lists. Example: MAX(3, 1.5, 2) -> 3"""
    return max(map(decimal, flat(values)), default=None)


@FUNCTIONS.define("SUM", "number", "any", repeats=True)
def _sum(*values: Any) -> Decimal:
    """SUM(value, ...): the sum of values and lists; plain numbers written as text count.
    Example: SUM(LIST("1.10", 2), 3) -> 6.10"""
    return sum(map(decimal, flat(values)), _ZERO)


@FUNCTIONS.define("COUNT", "number", "any", repeats=True)
def _number_of(*values: Any) -> Decimal:
    """COUNT(value, ...): how many of the values and list entries there are.
    Example: COUNT(LIST("a", "", "b")) -> 2"""
    return Decimal(len(flat(values)))


@FUNCTIONS.define("FIRST", "any", "any", repeats=True, blank="maybe")
def _first(*values: Any) -> Any:
    """FIRST(value, ...): the first that has a value, looking into lists.
    Example: FIRST(LIST("", "b")) -> b"""
    return next(iter(flat(values)), None)


@FUNCTIONS.define("LIST", "list", "any", least=0, repeats=True)
def _list(*values: Any) -> list[Any]:
    """LIST(value, ...): a list of the values that are there. Example: COUNT(LIST("a", "b")) -> 2"""
    return flat(values)


@FUNCTIONS.define("DECIMAL", "number", "any", "number", least=1, blank="all")
def to_decimal(value: Any, default: Any = None) -> Decimal | None:
    """DECIMAL(value, default): a number from plain notation. Example: DECIMAL("19.90") * 2 -> 39.80"""
    return as_number(default) if value is None or value == "" else decimal(value)


@FUNCTIONS.define("INT", "number", "any", "number", least=1, blank="all")
def _int(value: Any, default: Any = None) -> Decimal | None:
    """INT(value, default): a whole number; 12.5 is refused, use ROUND. Example: INT("12.0") -> 12"""
    return as_number(default) if empty(value) else Decimal(integer(value))


@FUNCTIONS.define("DATE", "date", "any", "text", least=1, blank="first")
def _date(value: Any, zone: Any = None) -> date | None:
    """DATE(value, zone = "UTC"): a calendar day, as the conversion `date` reads it.
    Example: DATE("2026-01-31T23:30:00Z", "Europe/Berlin") -> 2026-02-01"""
    if empty(value):
        return None
    return day(value) if empty(zone) else day(value, _zone(as_text(zone)))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Refusal(
            f"unknown time zone {shown(name)}; use an IANA name such as Europe/Berlin", name
        ) from None


def _day(value: Any) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise Refusal(f"{shown(value)} is not a date; wrap it in DATE()", value)


@FUNCTIONS.define("DAYS", "number", "date", "date")
def _days(end: Any, start: Any) -> Decimal:
    """DAYS(end, start): days from start to end.
    Example: DAYS(DATE("2026-03-01"), DATE("2026-02-01")) -> 28"""
    return Decimal((_day(end) - _day(start)).days)


@FUNCTIONS.define("ADD_DAYS", "date", "date", "number", blank="first")
def _add_days(value: Any, count: Any) -> date | None:
    """ADD_DAYS(date, count): the day so many days later.
    Example: ADD_DAYS(DATE("2026-01-31"), 30) -> 2026-03-02"""
    return None if empty(value) else _day(value) + timedelta(days=as_count(count, DAYS_MAX))


@FUNCTIONS.define("BLANK", "bool", "any")
def _blank(value: Any) -> bool:
    """BLANK(value): is there no value? Example: BLANK("") -> true"""
    return empty(value)
