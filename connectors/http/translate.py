"""JSON from outside: which events are these, which records do they carry, what is at a path."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from connectors.http.auth import MILLISECONDS_FROM
from connectors.http.settings import Settings
from hub.sdk import Change, Delivery, Invalid

ITEMS_MAX = 10_000  # records in one delivery
ID_MAX = 500  # characters
DIGITS_MAX = 400  # of a number written out: what a double can reach, and no more


def event_ids(settings: Settings, delivery: Delivery) -> list[str]:
    """One id per event. Raises Invalid where one is missing, or must be sought in what is not JSON."""
    path = settings.event_id
    if not path:
        return [hashlib.sha256(delivery.body).hexdigest()]
    if path.startswith("header:"):
        name = path.removeprefix("header:").strip().lower()
        return [identifier(delivery.headers.get(name), f"header {name}")]
    try:
        # orjson takes a tenth of the time of json, and refuses deep nesting and text that is not UTF-8
        body = orjson.loads(delivery.body)
    except ValueError as error:
        raise Invalid(f"the body is not JSON: {error}", field="body") from None
    found = [at(item, path) for item in items(body)]
    if any(isinstance(one, float) for one in found):
        # digits beyond 64 bits were rounded away: two events would look like one
        found = [at(item, path) for item in items(parse(delivery.body))]
    return [identifier(one, path) for one in found]


def changes(settings: Settings, delivery: Delivery) -> Iterator[Change]:
    """One change per record, numbers exact. Raises Invalid naming the field."""
    for item in items(parse(delivery.body)):
        if not isinstance(item, dict):
            raise Invalid(f"a record is a JSON object, this is {type(item).__name__}", field="body")
        revision = _moment(at(item, settings.revision), settings.revision) if settings.revision else None
        yield Change(
            settings.kind, identifier(at(item, settings.object_id), settings.object_id), item, revision
        )


def parse(body: bytes) -> Any:
    """JSON with exact numbers. Raises Invalid for what is not JSON, too deep, or holds absurd numbers."""
    try:
        return json.loads(body.decode(), parse_float=_exact, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Invalid(f"the body is not JSON: {str(error)[:200]}", field="body") from None


def items(body: Any) -> Sequence[Any]:
    """A list is several records, anything else is one. Raises Invalid for none and for too many."""
    if not isinstance(body, list):
        return (body,)
    if not 1 <= len(body) <= ITEMS_MAX:
        raise Invalid(f"{len(body)} records in one delivery; send 1 to {ITEMS_MAX}", field="body")
    return body


def at(value: Any, path: str) -> Any:
    """What a dotted path leads to, None where it leads nowhere. A number is a place in a list."""
    for step in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and step.isascii() and step.isdigit() and int(step[:9]) < len(value):
            value = value[int(step[:9])]
        else:
            return None
    return value


def identifier(value: Any, path: str) -> str:
    """An id as text. Raises Invalid where there is none, or where it is neither text nor a whole number."""
    words = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if words.strip() and len(words) <= ID_MAX:
        return words
    raise Invalid(
        f"no id at {path!r}: send text or a whole number of at most {ID_MAX} characters there, or configure "
        "another path",
        field=path,
    )


def _exact(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError("a number is out of range") from None
    if len(text) > DIGITS_MAX or abs(number.adjusted()) > DIGITS_MAX:
        raise ValueError("a number is out of range")
    return number


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is not a JSON value")


def _moment(value: Any, path: str) -> datetime:
    """ISO 8601 with an offset, or seconds or milliseconds since 1970, as UTC."""
    try:
        if isinstance(value, int) and not isinstance(value, bool):
            seconds, rest = divmod(value, 1000) if value >= MILLISECONDS_FROM else (value, 0)
            return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest * 1000)
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError("no offset")
        return moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        raise Invalid(
            f"{str(value)[:60]!r} at {path!r} is no time: send ISO 8601 with offset, or seconds since 1970",
            field=path,
        ) from None
