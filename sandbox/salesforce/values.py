"""Field values between JSON and the org: accepted by type, refused in Salesforce's words, shown exactly."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from sandbox.salesforce import ids
from sandbox.salesforce.refusals import Refused, unparsable, unreadable
from sandbox.salesforce.schema import NUMBERS, REFERENCES, TEXTS, Field

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_ZONE = re.compile(r"(Z|[+-]\d{2}:?\d{2})$")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
MULTILINE_MIN = 1_000  # a textarea longer than this is not filterable


def accepted(field: Field, value: Any) -> Any:
    """A value as sent, as the org keeps it; empty text is null. Raises Refused."""
    if value is None or value == "":
        if field.type == "boolean" and value is None:
            raise Refused("INVALID_TYPE_ON_FIELD_IN_RECORD", f"{field.shown}: value not of required type: ")
        return None
    if field.type in REFERENCES:
        return _reference(field, value)
    if field.type in TEXTS:
        return _text(field, value)
    if field.type in NUMBERS or field.type == "int":
        return _number(field, value)
    if field.type == "boolean":
        return _boolean(value)
    return _moment(field, value)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return f"VALUE_{value}".upper()
    if isinstance(value, Mapping):
        return "START_OBJECT"
    if isinstance(value, list):
        return "START_ARRAY"
    names = {str: "VALUE_STRING", int: "VALUE_NUMBER_INT"}
    return names.get(type(value), "VALUE_NUMBER_FLOAT")


def _text(field: Field, value: Any) -> str | None:
    if not isinstance(value, str):
        raise unreadable("string", _kind(value), value)
    if "\0" in value:
        raise Refused("INVALID_FIELD", f"{field.shown}: illegal character", [field.name])
    value = value.strip()
    if field.length and len(value) > field.length and field.type != "picklist":
        shown = value if len(value) <= 80 else value[:80] + "..."
        text = f"{field.shown}: data value too large: {shown} (max length={field.length})"
        raise Refused("STRING_TOO_LONG", text, [field.name])
    if field.type == "email" and value and not _EMAIL.fullmatch(value):
        text = f"{field.shown}: invalid email address: {value}"
        raise Refused("INVALID_EMAIL_ADDRESS", text, [field.name])
    return value or None


def _number(field: Field, value: Any) -> Decimal | int:
    if isinstance(value, bool | float) or not isinstance(value, int | str | Decimal):
        raise unreadable(field.type, _kind(value), value)
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise unreadable(field.type, _kind(value), value) from None
    if not number.is_finite() or number.adjusted() >= 60:
        raise unreadable(field.type, _kind(value), value)
    if field.type == "int":
        if number != number.to_integral_value():
            raise unreadable("int", _kind(value), value)
        return int(number)
    if number.adjusted() >= field.precision - field.scale and number:
        text = f"{field.shown}: value outside of valid range on numeric field: {value}"
        raise Refused("NUMBER_OUTSIDE_VALID_RANGE", text, [field.name])
    return number.quantize(Decimal(1).scaleb(-field.scale), ROUND_HALF_UP)


def _boolean(value: Any) -> bool:
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise unreadable("boolean", _kind(value), value)
    return value


def _moment(field: Field, value: Any) -> date | datetime:
    wanted = datetime if field.type == "datetime" else date
    if isinstance(value, datetime) and wanted is datetime:
        return value.astimezone(UTC)
    if isinstance(value, date) and not isinstance(value, datetime) and wanted is date:
        return value
    if isinstance(value, str):
        try:
            found = when(value) if wanted is datetime else date.fromisoformat(value[:10])
        except ValueError:
            found = None
        if found is not None and (wanted is datetime or _DATE.match(value)):
            return found
    raise unreadable(field.type, _kind(value), value)


def when(text: str) -> datetime:
    """An instant from ISO text; without a zone it is UTC. Raises ValueError."""
    found = datetime.fromisoformat(text if _ZONE.search(text) else text + "Z")
    return found.astimezone(UTC)


def _reference(field: Field, value: Any) -> str:
    found = ids.whole(value) if isinstance(value, str) else None
    if found is None:
        raise Refused("MALFORMED_ID", f"{field.shown}: id value of incorrect type: {value}", [field.name])
    return found


def shown_at(value: datetime) -> str:
    """An instant as REST writes it."""
    return value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}+0000"


def shown_number(value: Decimal) -> str:
    """A number as REST writes it: without an exponent, with at least one decimal."""
    text = format(value, "f")
    text = text.rstrip("0") if "." in text else text + ".0"
    return text + "0" if text.endswith(".") else text


def dumped(body: Any) -> bytes:
    """JSON with exact numbers: a Decimal keeps each digit."""
    mark = uuid.uuid4().hex

    def other(value: Any) -> str:
        if isinstance(value, Decimal):
            return f"{mark}{shown_number(value)}{mark}"
        if isinstance(value, datetime):
            return shown_at(value)
        if isinstance(value, date):
            return value.isoformat()
        raise TypeError(f"{type(value).__name__} is not for the wire")

    text = json.dumps(body, default=other, ensure_ascii=False, separators=(",", ":"))
    return text.replace(f'"{mark}', "").replace(f'{mark}"', "").encode()


def loaded(raw: bytes) -> Any:
    """JSON with exact numbers. Raises Refused JSON_PARSER_ERROR."""
    try:
        return json.loads(raw, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise unparsable(f"{error} at [line:1, column:1]") from None


def _no_constant(name: str) -> Any:
    raise ValueError(f"Unexpected character {name}")
