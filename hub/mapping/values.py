"""What a value of a record is: empty, true, a number, a text. Shared by conversions and functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

PLACES_MAX = 20  # decimals ROUND and TEXT accept

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
    """The number itself; NaN and infinities are refused."""
    if not value.is_finite():
        raise Refusal(f"{value} is not a number", value)
    return value


def binary_float(value: float) -> Refusal:
    """The refusal for a binary float: 0.1 + 0.2 must never become an amount."""
    return Refusal("a binary float is not exact; the source must give text or Decimal", value)


def exact(value: Any) -> None:
    """Refuse binary floats and numbers that are none, however deep."""
    kind = value.__class__
    if kind is str or kind is int or kind is bool or value is None:
        return
    if kind is dict:
        for part in value.values():
            exact(part)
        return
    if isinstance(value, float):
        raise binary_float(value)
    if isinstance(value, Decimal):
        finite(value)
    if isinstance(value, Mapping):
        for part in value.values():
            exact(part)
    elif isinstance(value, list | tuple):
        for part in value:
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
    return "" if value is None or value == "" else text(value)


def flat(values: Iterable[Any]) -> Iterator[Any]:
    """Every value, with lists opened one level and no-values left out."""
    for value in values:
        if value.__class__ is str:
            if value:
                yield value
        elif isinstance(value, list | tuple):
            yield from (item for item in value if not empty(item))
        elif not empty(value):
            yield value


def as_count(value: Any, most: int) -> int:
    """A whole number from -most to most."""
    if value.__class__ is int and -most <= value <= most:
        return int(value)
    number = as_number(value)
    if number is None or number != number.to_integral_value() or not -most <= number <= most:
        raise Refusal(f"{shown(value)} is not a whole number up to {most}", value)
    return int(number)


def quantum(places: int) -> Decimal:
    """The unit of the last place: 0.01 for 2."""
    return Decimal(1).scaleb(-places)
