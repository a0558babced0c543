"""What a value of a record is: empty, true, a number, a text. Shared by conversions and functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

PLACES_MAX = 20  # decimals ROUND and TEXT accept
EXPONENT_MAX = 400  # digits before or after the decimal point: 1E+999999999 would be a gigabyte of text
VALUES_MAX = 5_000  # values a function looks at; an order has at most 2,000 lines

_PLAIN = frozenset({str, int, bool, type(None)})
_NO_WORDS = frozenset({"", "false"})
_CLASS_NAMES = (
    (bool, "true or false"),
    (str, "text"),
    (int | Decimal, "a number"),
    (float, "a binary float"),
    (datetime, "a date with time"),
    (date, "a date"),
    (Mapping, "an object"),
    (list | tuple, "a list"),
)


class Refusal(Exception):
    """A value that cannot be used, with the reason; becomes Unmappable where the target field is known."""

    def __init__(self, reason: str, value: object = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.value = value


def shown(value: object) -> str:
    """A value for an error message: short, quoted when text."""
    if value is None or value == "":
        return "no value"
    if isinstance(value, str):
        return f"'{value[:60]}...'" if len(value) > 60 else f"'{value}'"
    if isinstance(value, bool | int | Decimal | date):
        return text(value)[:60]
    return class_name(value)


def class_name(value: object) -> str:
    """What people call the type of this value."""
    return next((name for cls, name in _CLASS_NAMES if isinstance(value, cls)), type(value).__name__)


def text(value: Any) -> str:
    """Any single value as text: numbers in plain notation, dates in ISO form, `true` and `false`."""
    if isinstance(value, str) and value:
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(finite(value), "f")
    if isinstance(value, int):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    raise Refusal(f"expected a single value, got {shown(value)}", value)


def finite(value: Decimal) -> Decimal:
    """The number itself; NaN, infinities and what is too long to write out are refused."""
    if not value.is_finite():
        raise Refusal(f"{value} is not a number", value)
    if not -EXPONENT_MAX <= value.adjusted() <= EXPONENT_MAX:
        raise Refusal(f"{value:.3E} has more than {EXPONENT_MAX} digits", value)
    return value


def binary_float(value: float) -> Refusal:
    """The refusal for a binary float: 0.1 + 0.2 must never become an amount."""
    return Refusal("a binary float is not exact; the source must give text or Decimal", value)


def exact(value: Any) -> None:
    """Refuse binary floats and numbers that are none, however deep."""
    if isinstance(value, float):
        raise binary_float(value)
    if isinstance(value, Decimal):
        finite(value)
    elif isinstance(value, Mapping):
        _exact_parts(value.values())
    elif isinstance(value, list | tuple):
        _exact_parts(value)


def _exact_parts(parts: Iterable[Any]) -> None:
    for part in parts:
        if part.__class__ not in _PLAIN:  # spares most parts of most records the call
            exact(part)


def empty(value: Any) -> bool:
    """No value: nothing, empty text or an empty list."""
    return not value and (value is None or isinstance(value, str | list | tuple))


def truth(value: Any) -> bool:
    """Is a condition met? No value, 0, empty text and the text `false` are not."""
    if isinstance(value, float):
        raise binary_float(value)
    return value.lower() not in _NO_WORDS if isinstance(value, str) else bool(value)


def as_number(value: Any) -> Decimal | None:
    """A number of the record or of a formula; text is refused, it must go through DECIMAL."""
    if value.__class__ is Decimal:
        return finite(value)
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, float):
        raise binary_float(value)
    hint = "; wrap it in DECIMAL()" if isinstance(value, str) else ""
    raise Refusal(f"{shown(value)} is {class_name(value)}, not a number{hint}", value)


def as_text(value: Any) -> str:
    """A value as text; no value is empty text."""
    if value.__class__ is str:
        return value
    return "" if value is None or value == "" else text(value)


def flat(values: Iterable[Any]) -> list[Any]:
    """Every value, with lists opened one level and no-values left out."""
    found: list[Any] = []
    for value in values:
        kind = value.__class__
        if kind is str or kind is Decimal:
            if value != "":
                found.append(value)
        elif isinstance(value, list | tuple):
            found += [item for item in value if item or not empty(item)]
        elif not empty(value):
            found.append(value)
    if len(found) > VALUES_MAX:
        raise Refusal(f"more than {VALUES_MAX} values")
    return found


def as_day(value: Any) -> date:
    """A day of the record or of a formula; text is refused, it must go through DATE."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise Refusal(f"{shown(value)} is not a date; wrap it in DATE()", value)


def as_count(value: Any, most: int) -> int:
    """A whole number from -most to most."""
    number = as_number(value)
    count = None if number is None else _whole(number)
    if count is None or not -most <= count <= most:
        raise Refusal(f"{shown(value)} is not a whole number up to {most}", value)
    return count


@lru_cache(256)
def _whole(number: Decimal) -> int | None:
    """Cached: nearly all counts are constants of a formula."""
    return int(number) if number == number.to_integral_value() else None


def quantum(places: int) -> Decimal:
    """The unit of the last place: 0.01 for 2."""
    return Decimal(1).scaleb(-places)
