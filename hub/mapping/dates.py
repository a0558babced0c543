"""The functions of formulas on calendar days. None knows today: a mapping gives the same answer tomorrow."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from hub.mapping.conversions import day, time_zone
from hub.mapping.finding import GrammarError
from hub.mapping.signature import Functions, Unfit
from hub.mapping.values import Refusal, as_count, as_day, as_text, empty

DAYS_MAX = 100_000  # days ADD_DAYS and ADD_WORKDAYS may move
MONTHS_MAX = 1_200  # months ADD_MONTHS and END_OF_MONTH may move
HOLIDAYS_MAX = 200  # days off a calculation with working days may be given

DATE_FUNCTIONS = Functions()

_NONE = Decimal(0)


def _known_zone(values: tuple[Any, ...]) -> Mapping[int, Any]:
    """A zone that is written in the formula is looked up once, while the formula is read."""
    if len(values) < 2 or not isinstance(values[1], str) or not values[1]:
        return {}
    try:
        return {1: time_zone(values[1])}
    except GrammarError as error:
        raise Unfit(1, error.message, error.remedy) from None


@DATE_FUNCTIONS.define("DATE", "date", "any", "text", least=1, blank="first", prepare=_known_zone)
def _date(value: Any, zone: Any = None) -> date | None:
    """DATE(value, zone = "UTC"): a calendar day, as the conversion `date` reads it.
    Example: DATE("2026-01-31T23:30:00Z", "Europe/Berlin") -> 2026-02-01"""
    if empty(value):
        return None
    return day(value) if empty(zone) else day(value, _zone(zone))


def _zone(zone: Any) -> ZoneInfo:
    if isinstance(zone, ZoneInfo):
        return zone
    try:
        return time_zone(as_text(zone))
    except GrammarError as error:
        raise Refusal(f"{error.message}; {error.remedy}", zone) from None


@DATE_FUNCTIONS.define("DAYS", "number", "date", "date")
def _days(end: Any, start: Any) -> Decimal:
    """DAYS(end, start): days from start to end.
    Example: DAYS(DATE("2026-03-01"), DATE("2026-02-01")) -> 28"""
    return Decimal((as_day(end) - as_day(start)).days)


@DATE_FUNCTIONS.define("ADD_DAYS", "date", "date", "number", blank="first")
def _add_days(value: Any, count: Any) -> date | None:
    """ADD_DAYS(date, count): the day so many days later.
    Example: ADD_DAYS(DATE("2026-01-31"), 30) -> 2026-03-02"""
    return None if empty(value) else as_day(value) + timedelta(days=as_count(count, DAYS_MAX))


@DATE_FUNCTIONS.define("ADD_MONTHS", "date", "date", "number", blank="first")
def _add_months(value: Any, count: Any) -> date | None:
    """ADD_MONTHS(date, count): the same day so many months later, or the last one of a shorter month.
    Example: ADD_MONTHS(DATE("2026-01-31"), 1) -> 2026-02-28"""
    if empty(value):
        return None
    start = as_day(value)
    first = _month(start, count)
    return first.replace(day=min(start.day, _length(first)))


@DATE_FUNCTIONS.define("END_OF_MONTH", "date", "date", "number", least=1, blank="first")
def _end_of_month(value: Any, months: Any = _NONE) -> date | None:
    """END_OF_MONTH(date, months = 0): the last day of the month so many months later.
    Example: END_OF_MONTH(DATE("2026-01-15"), 1) -> 2026-02-28"""
    if empty(value):
        return None
    first = _month(as_day(value), months)
    return first.replace(day=_length(first))


def _month(start: date, count: Any) -> date:
    """The first day of the month so many months later."""
    months = start.year * 12 + start.month - 1 + as_count(count, MONTHS_MAX)
    return date(months // 12, months % 12 + 1, 1)


def _length(first: date) -> int:
    return calendar.monthrange(first.year, first.month)[1]


@DATE_FUNCTIONS.define("YEAR", "number", "date", blank="first")
def _year(value: Any) -> Decimal | None:
    """YEAR(date): its year. Example: YEAR(DATE("2026-01-31")) -> 2026"""
    return None if empty(value) else Decimal(as_day(value).year)


@DATE_FUNCTIONS.define("MONTH", "number", "date", blank="first")
def _month_number(value: Any) -> Decimal | None:
    """MONTH(date): its month, 1 to 12. Example: MONTH(DATE("2026-01-31")) -> 1"""
    return None if empty(value) else Decimal(as_day(value).month)


@DATE_FUNCTIONS.define("DAY", "number", "date", blank="first")
def _day_number(value: Any) -> Decimal | None:
    """DAY(date): its day of the month, 1 to 31. Example: DAY(DATE("2026-01-31")) -> 31"""
    return None if empty(value) else Decimal(as_day(value).day)


@DATE_FUNCTIONS.define("WEEKDAY", "number", "date", blank="first")
def _weekday(value: Any) -> Decimal | None:
    """WEEKDAY(date): 1 for Monday to 7 for Sunday (ISO 8601). Example: WEEKDAY(DATE("2026-01-31")) -> 6"""
    return None if empty(value) else Decimal(as_day(value).isoweekday())


@DATE_FUNCTIONS.define("ADD_WORKDAYS", "date", "date", "number", "list", least=2, blank="first")
def _add_workdays(value: Any, count: Any, holidays: Any = None) -> date | None:
    """ADD_WORKDAYS(date, count, holidays): so many working days later: Monday to Friday, without
    holidays. Example: ADD_WORKDAYS(DATE("2026-12-24"), 1, LIST("2026-12-25")) -> 2026-12-28"""
    if empty(value):
        return None
    start, days = as_day(value), as_count(count, DAYS_MAX)
    found = _shifted(start, days)
    off = _holidays(holidays)
    step = 1 if days > 0 else -1
    for holiday in (off if days > 0 else reversed(off)) if days else ():
        if (holiday > start and holiday <= found) if step > 0 else (holiday < start and holiday >= found):
            found = _shifted(found, step)
    return found


def _shifted(start: date, days: int) -> date:
    """So many days from Monday to Friday later, or earlier; the start itself does not count."""
    if not days:
        return start
    sign = 1 if days > 0 else -1
    weeks, rest = divmod(abs(days), 5)
    weekday = start.weekday()
    if weekday > 4:  # from a weekend, begin at the Friday before, or at the Monday after
        start += timedelta(days=4 - weekday if sign > 0 else 7 - weekday)
        weekday = 4 if sign > 0 else 0
    over = weekday + rest > 4 if sign > 0 else weekday - rest < 0
    return start + timedelta(days=sign * (weeks * 7 + rest + 2 * over))


@DATE_FUNCTIONS.define("WORKDAYS", "number", "date", "date", "list", least=2)
def _workdays(start: Any, end: Any, holidays: Any = None) -> Decimal:
    """WORKDAYS(start, end, holidays): how many working days there are from start to end, both counted; below
    zero where the end is earlier. Example: WORKDAYS(DATE("2026-01-05"), DATE("2026-01-16")) -> 10"""
    first, last = as_day(start), as_day(end)
    sign = 1 if first <= last else -1
    first, last = min(first, last), max(first, last)
    off = sum(first <= holiday <= last for holiday in _holidays(holidays))
    return Decimal(sign * (_until(last) + (last.weekday() < 5) - _until(first) - off))


def _until(end: date) -> int:
    """Days from Monday to Friday before this one, since year 1, which began on a Monday."""
    weeks, rest = divmod(end.toordinal() - 1, 7)
    return weeks * 5 + min(rest, 5)


def _holidays(values: Any) -> list[date]:
    """The days off that would be working days, each once, in order; dates or ISO text."""
    if empty(values):
        return []
    if not isinstance(values, list | tuple) or len(values) > HOLIDAYS_MAX:
        raise Refusal(f"holidays are a list of at most {HOLIDAYS_MAX} dates", values)
    return sorted({found for found in map(day, values) if found.weekday() < 5})
