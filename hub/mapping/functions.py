"""The spreadsheet-style functions of formulas: those on numbers and lists here, pure and exact on Decimal."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from hub.mapping.conversions import currency, decimal, integer
from hub.mapping.dates import DATE_FUNCTIONS
from hub.mapping.names import NAME_FUNCTIONS
from hub.mapping.patterns import PATTERN_FUNCTIONS
from hub.mapping.signature import Functions, Unfit
from hub.mapping.texts import TEXT_FUNCTIONS
from hub.mapping.values import PLACES_MAX, Refusal, as_count, as_number, empty, flat, quantum, shown
from hub.model.currency import EXPONENTS, smallest

_ZERO = Decimal(0)

FUNCTIONS = Functions({**TEXT_FUNCTIONS, **NAME_FUNCTIONS, **PATTERN_FUNCTIONS, **DATE_FUNCTIONS})


def _known_places(values: tuple[Any, ...]) -> Mapping[int, Any]:
    places = values[1] if len(values) > 1 else _ZERO
    if isinstance(places, Decimal) and places not in range(-PLACES_MAX, PLACES_MAX + 1):
        raise Unfit(1, f"{shown(places)} is not a whole number up to {PLACES_MAX}", "write for example 2")
    return {}


@FUNCTIONS.define("ROUND", "number", "number", "number", least=1, blank="first", prepare=_known_places)
def _round(value: Any, places: Any = Decimal(0)) -> Decimal | None:
    """ROUND(number, places = 0): half away from zero, as invoices do. Example: ROUND(2.345, 2) -> 2.35"""
    number = as_number(value)
    return None if number is None else number.quantize(quantum(as_count(places, PLACES_MAX)))


def _known_currency(values: tuple[Any, ...]) -> Mapping[int, Any]:
    code = values[1]
    if isinstance(code, str) and code not in EXPONENTS:
        raise Unfit(1, f"unknown currency {shown(code)}", "use an ISO 4217 code such as EUR")
    return {}


@FUNCTIONS.define("ROUND_MONEY", "number", "number", "text", blank="first", prepare=_known_currency)
def _round_money(value: Any, code: Any) -> Decimal | None:
    """ROUND_MONEY(number, currency): half away from zero, to the decimals the currency has (ISO 4217).
    Example: ROUND_MONEY(1234.5, "JPY") -> 1235"""
    number = as_number(value)
    return None if number is None else number.quantize(smallest(currency(code)))


@FUNCTIONS.define("FLOOR", "number", "number", blank="first")
def _floor(value: Any) -> Decimal | None:
    """FLOOR(number): the whole number below or equal. Example: FLOOR(-2.5) -> -3"""
    number = as_number(value)
    return None if number is None else number.quantize(Decimal(1), ROUND_FLOOR)


@FUNCTIONS.define("CEILING", "number", "number", blank="first")
def _ceiling(value: Any) -> Decimal | None:
    """CEILING(number): the whole number above or equal. Example: CEILING(2.1) -> 3"""
    number = as_number(value)
    return None if number is None else number.quantize(Decimal(1), ROUND_CEILING)


@FUNCTIONS.define("MOD", "number", "number", "number", blank="first")
def _mod(value: Any, divisor: Any) -> Decimal | None:
    """MOD(number, divisor): the rest of a division, with the divisor's sign. Example: MOD(-3, 2) -> 1"""
    number, by = as_number(value), as_number(divisor)
    if number is None:
        return None
    if by is None or not by:
        raise Refusal("division by zero")
    left = number % by
    return left + by if left and (left < 0) != (by < 0) else left


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


@FUNCTIONS.define("BLANK", "bool", "any")
def _blank(value: Any) -> bool:
    """BLANK(value): is there no value? Example: BLANK("") -> true"""
    return empty(value)
