"""What parameters an operation takes: unknown, missing and wrong ones are refused as Stripe does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.stripe.refusals import invalid

TEXT_MAX = 5000
METADATA_KEYS = 50
METADATA_NAME = 40
METADATA_VALUE = 500
AMOUNT_MAX = 999_999_999_999  # 12 digits, as the amount of an invoice
TIME_MAX = 253_402_300_799
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}$")


@dataclass(frozen=True)
class Field:
    """One parameter: what it may hold."""

    kind: str
    required: bool = False
    low: int | None = None
    high: int | None = None
    choices: tuple[str, ...] = ()
    spec: Mapping[str, Field] = field(default_factory=dict)
    of: Field | None = None


Spec = Mapping[str, Field]

TEXT = Field("text")
INTEGER = Field("integer")
AMOUNT = Field("integer", low=-AMOUNT_MAX, high=AMOUNT_MAX)
COUNT = Field("integer", low=0)
BOOLEAN = Field("boolean")
DECIMAL = Field("decimal")
TIME = Field("integer", low=0, high=TIME_MAX)
METADATA = Field("metadata")
CURRENCY = Field("currency")
ANY = Field("any")


def need(one: Field) -> Field:
    """The same, required."""
    return replace(one, required=True)


def choice(*choices: str) -> Field:
    """One of these words."""
    return Field("text", choices=choices)


def group(**spec: Field) -> Field:
    """A hash with these fields."""
    return Field("group", spec=spec)


def many(of: Field) -> Field:
    """An array."""
    return Field("many", of=of)


SPAN = Field("span", spec={name: TIME for name in ("gt", "gte", "lt", "lte")})
ADDRESS = group(**{name: TEXT for name in ("city", "country", "line1", "line2", "postal_code", "state")})
SHIPPING = group(address=ADDRESS, name=TEXT, phone=TEXT, carrier=TEXT, tracking_number=TEXT)
EXPAND = {"expand": many(TEXT)}
PAGE: Spec = {
    **EXPAND,
    "limit": Field("integer", low=1, high=100),
    "starting_after": TEXT,
    "ending_before": TEXT,
}


def checked(given: Mapping[str, Any], spec: Spec, at: str = "") -> dict[str, Any]:
    """The parameters with their types; names not sent are absent, "" (unset) is None. Raises Refused."""
    found = {}
    for name, value in given.items():
        here = f"{at}[{name}]" if at else name
        one = spec.get(name)
        if one is None:
            raise invalid(f"Received unknown parameter: {here}", here, "parameter_unknown")
        found[name] = _value(value, one, here)
    for name, one in spec.items():
        if one.required and name not in given:
            here = f"{at}[{name}]" if at else name
            raise invalid(f"Missing required param: {here}.", here, "parameter_missing")
    return found


def _value(value: Any, one: Field, at: str) -> Any:
    if value == "":
        if one.required or one.kind in ("integer", "boolean"):
            told = (
                f"You passed an empty string for '{at}'. We assume empty values are an attempt to unset a "
                f"parameter; however '{at}' cannot be unset."
            )
            raise invalid(told, at, "parameter_invalid_empty")
        return None
    if one.kind in ("group", "metadata", "many", "span"):
        return _nested(value, one, at)
    if not isinstance(value, str):
        raise invalid(f"Invalid {one.kind}: {at} is a hash", at)
    return _SCALARS[one.kind](value, one, at)


def _nested(value: Any, one: Field, at: str) -> Any:
    if one.kind == "span" and isinstance(value, str):
        return {"gte": _integer(value, TIME, at), "lte": _integer(value, TIME, at)}
    if not isinstance(value, dict):
        raise invalid(f"Invalid {'array' if one.kind == 'many' else 'hash'}", at)
    if one.kind == "metadata":
        return _metadata(value, at)
    if one.kind == "many":
        if not all(key.isdigit() for key in value):
            raise invalid("Invalid array", at)
        ordered = sorted(value.items(), key=lambda pair: int(pair[0]))
        return [_value(item, one.of or ANY, f"{at}[{key}]") for key, item in ordered]
    return checked(value, one.spec, at)


def _metadata(value: dict[str, Any], at: str) -> dict[str, str]:
    for key, text in value.items():
        here = f"{at}[{key}]"
        if not isinstance(text, str):
            raise invalid("Invalid string: metadata values are text", here)
        if len(key) > METADATA_NAME:
            raise invalid(f"Metadata keys must be at most {METADATA_NAME} characters long: {key}", here)
        if len(text) > METADATA_VALUE:
            raise invalid(f"Metadata values can have up to {METADATA_VALUE} characters", here)
    return value


def _text(value: str, one: Field, at: str) -> str:
    if len(value) > TEXT_MAX:
        raise invalid(
            f"Invalid string: {at} must be at most {TEXT_MAX} characters", at, "parameter_invalid_string"
        )
    if one.choices and value not in one.choices:
        raise invalid(f"Invalid {at}: must be one of {', '.join(one.choices)}", at)
    return value


def _integer(value: str, one: Field, at: str) -> int:
    if not _INTEGER.match(value):
        raise invalid(f"Invalid integer: {value[:40]}", at, "parameter_invalid_integer")
    number = int(value)
    if one.low is not None and number < one.low:
        raise invalid(
            f"This value must be greater than or equal to {one.low}.", at, "parameter_invalid_integer"
        )
    if one.high is not None and number > one.high:
        raise invalid(
            f"This value must be less than or equal to {one.high}.", at, "parameter_invalid_integer"
        )
    return number


def _boolean(value: str, one: Field, at: str) -> bool:
    if value.lower() not in ("true", "false"):
        raise invalid(f"Invalid boolean: {value[:40]}", at)
    return value.lower() == "true"


def _decimal(value: str, one: Field, at: str) -> Decimal:
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise invalid(f"Invalid decimal: {value[:40]}", at) from None
    exponent = number.as_tuple().exponent
    if not number.is_finite() or not isinstance(exponent, int) or exponent < -12 or abs(number) > 10**12:
        raise invalid(f"Invalid decimal: {value[:40]}; at most 12 decimal places", at)
    return number


def _currency(value: str, one: Field, at: str) -> str:
    if not re.fullmatch("[A-Za-z]{3}", value):
        raise invalid(f"Invalid currency: {value[:40].lower()}.", at)
    return value.lower()


_SCALARS = {
    "text": _text,
    "integer": _integer,
    "boolean": _boolean,
    "decimal": _decimal,
    "currency": _currency,
    "any": _text,
}
