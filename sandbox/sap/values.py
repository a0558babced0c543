"""Values between the wire and the store: JSON of both OData versions, keys, and typed literals."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.sap.refusals import Refusal, bad_request
from sandbox.sap.schema import Property

NO_DECIMALS = frozenset({"JPY", "KRW", "CLP", "VND", "HUF"})
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATE = re.compile(r"^/Date\((-?\d+)([+-]\d{1,4})?\)/$")
_SPAN = re.compile(r"^PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?$")
_PLAIN = re.compile(r"^-?\d{1,25}(\.\d{1,12})?$")


def millis(value: date | datetime) -> int:
    """Milliseconds since 1970; a date counts from midnight UTC."""
    at = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day, tzinfo=UTC)
    return (at - EPOCH) // timedelta(milliseconds=1)


def unpadded(text: str) -> str:
    """A number without leading zeros; anything else unchanged (the ALPHA conversion exit)."""
    return text.lstrip("0") or "0" if text.isdigit() else text


def padded(text: str, size: int = 10) -> str:
    """A number with leading zeros, as SOAP and IDocs have it."""
    return text.zfill(size) if text.isdigit() else text


def amount_text(value: Decimal, currency: str) -> str:
    """An amount as printed: two decimals, or none for such currencies."""
    return str(value.quantize(Decimal(1) if currency in NO_DECIMALS else Decimal("0.01")))


def decimal_text(of: Property, value: Decimal, currency: str) -> str:
    """A decimal as OData shows it: amounts with the currency's decimals, rates whole, the rest shortened."""
    if of.scale == 9:
        return str(value.quantize(Decimal("0.000000001")))
    if "Amount" in of.name or "Amt" in of.name:
        return amount_text(value, currency)
    return format(value.normalize(), "f")


def shown(of: Property, value: Any, currency: str = "") -> Any:
    """A value in the JSON of V2 (OData V2, JSON format): decimals are strings, times are /Date(ms)/."""
    if of.type == "S":
        return "" if value is None else value
    if of.type == "B":
        return bool(value)
    if value is None:
        return _empty(of)
    if of.type == "D":
        return decimal_text(of, value, currency)
    return _moment(of, value)


def _moment(of: Property, value: Any) -> Any:
    if of.type == "T":
        return f"/Date({millis(value)})/"
    if of.type == "Z":
        return f"/Date({millis(value)}+0000)/"
    return value.strftime("PT%HH%MM%SS") if of.type == "H" else value


def _empty(of: Property) -> Any:
    if of.type == "D":
        return "0.00" if "Amount" in of.name else "0"
    return "PT00H00M00S" if of.type == "H" else None


def shown_v4(of: Property, value: Any, currency: str = "") -> Any:
    """A value in the JSON of V4: ISO dates; decimals are numbers, which the caller writes exactly."""
    if of.type == "S":
        return "" if value is None else value
    if of.type == "B":
        return bool(value)
    if of.type == "D":
        return Decimal(decimal_text(of, value or Decimal(0), currency))
    if value is None:
        return "00:00:00" if of.type == "H" else None
    if of.type == "Z":
        return instant_text(value)
    return value.isoformat() if of.type in "TH" else value


def instant_text(value: datetime) -> str:
    """An instant in UTC with a Z, milliseconds where there are any."""
    text = value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")
    return text.removesuffix(".000") + "Z"


def atom_text(of: Property, value: Any, currency: str = "") -> str:
    """A value in the text of Atom and of $metadata defaults."""
    if value is None:
        return ""
    if of.type == "T":
        return f"{value.isoformat()}T00:00:00"
    if of.type == "Z":
        return instant_text(value)
    told = shown(of, value, currency)
    return str(told).lower() if isinstance(told, bool) else str(told)


def wrong(of: Property, value: Any) -> Refusal:
    """The value does not fit the property's type."""
    return bad_request(f"Property '{of.name}' has invalid value '{str(value)[:60]}'", "SY/530", of.name)


def read(of: Property, value: Any) -> Any:
    """A value of a request body, V2 or V4. Raises Refusal when it does not fit type or length."""
    if value is None:
        return "" if of.type == "S" else None
    if of.type == "S":
        return _read_text(of, value)
    if of.type == "B" and isinstance(value, bool):
        return value
    if of.type == "D" and isinstance(value, str | int | Decimal) and not isinstance(value, bool):
        return _read_decimal(of, value)
    if of.type in "TZH" and isinstance(value, str):
        return _read_moment(of, value)
    if of.type in "GI" and isinstance(value, str | int):
        return value
    raise wrong(of, value)


def _read_moment(of: Property, value: str) -> Any:
    if of.type == "H":
        matched = _SPAN.match(value)
        if matched:
            hours, minutes, seconds = (int(part or 0) for part in matched.groups())
            return time(hours, minutes, seconds)
    elif (at := _instant(value)) is not None:
        return at.date() if of.type == "T" else at
    raise wrong(of, value)


def _read_text(of: Property, value: Any) -> str:
    if not isinstance(value, str) or (of.size and len(value) > of.size):
        raise wrong(of, value)
    return unpadded(value) if of.alpha and value else value


def _read_decimal(of: Property, value: str | int | Decimal) -> Decimal:
    try:
        read_as = Decimal(value) if not isinstance(value, str) else exact(value)
    except InvalidOperation:
        raise wrong(of, value) from None
    places = -int(read_as.as_tuple().exponent) if read_as.is_finite() else 99
    if places > of.scale and read_as != round(read_as, of.scale):
        raise wrong(of, value)
    if abs(read_as) >= Decimal(10) ** (of.size - of.scale):
        raise wrong(of, value)
    return read_as


def exact(text: str) -> Decimal:
    """A plain decimal number. Raises InvalidOperation for anything else, exponents included."""
    if not _PLAIN.match(text):
        raise InvalidOperation(text)
    return Decimal(text)


def _instant(text: str) -> datetime | None:
    if matched := _DATE.match(text):
        return EPOCH + timedelta(milliseconds=int(matched.group(1)))
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
