"""Decodes what the event bus carries: an Avro payload becomes a change with names instead of bitmaps."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from typing import Any, NamedTuple

from hub.sdk import Invalid

HEADER = "ChangeEventHeader"
OVERFLOW = "GAP_OVERFLOW"  # over 100,000 changes in one transaction: no more events of it come
PAYLOAD_MAX = 4 * 1024 * 1024  # an event is at most 1 MB there, else it comes as a gap
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NO_BITS = "0x"

Fields = Sequence[Mapping[str, Any]]


class Shape(NamedTuple):
    """A schema as fetched: `fields` in their order there (bitmaps count by it), `parsed` for the decoder."""

    name: str
    fields: Fields
    records: Mapping[str, Fields]  # fields of the records inside, by name: compound fields
    parsed: Any


class ChangeEvent(NamedTuple):
    """One change of one or more records of one object, or a platform event (then change_type is empty).

    A hint: read the records again. A GAP_ change has no values, because the event was too large for the bus
    or somebody wrote in the database directly.
    """

    sobject: str
    record_ids: Sequence[str]
    change_type: str  # CREATE, UPDATE, DELETE, UNDELETE or GAP_ of these
    origin_client: str  # changeOrigin: who made the change, e.g. com/salesforce/api/rest/68.0;client=name
    changed_fields: Sequence[str]  # a part of a compound field as Compound.Part
    nulled_fields: Sequence[str]
    commit_at: datetime | None  # UTC
    transaction: str
    sequence: int
    event_id: str
    values: Mapping[str, Any]  # fields that have a value; an absent one is unchanged, or in nulled_fields

    @property
    def gap(self) -> bool:
        """Something changed, but not what: only reading tells."""
        return self.change_type.startswith("GAP_")


def ours(event: ChangeEvent, client_name: str) -> bool:
    """Did the client of this name (our Sforce-Call-Options) make the change? Then it is an echo."""
    parts = event.origin_client.split(";")[1:]
    return bool(client_name) and f"client={client_name}" in parts


def shape_of(schema_json: str) -> Shape:
    """A schema as GetSchema tells it. Raises Invalid for what is not an Avro record."""
    try:
        schema = json.loads(schema_json)
        parsed = import_module("fastavro").parse_schema(schema)
        records = dict(_records(schema))
        return Shape(str(schema["name"]), schema["fields"], records, parsed)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise Invalid(f"the event schema is not an Avro record: {type(error).__name__}") from None
    except Exception as error:  # noqa: BLE001 - fastavro's own errors share no root but Exception
        raise Invalid(f"the event schema is not an Avro record: {error}") from None


def decode(shape: Shape, payload: bytes, event_id: str) -> ChangeEvent:
    """The change in a payload. Raises Invalid where payload and schema do not fit together."""
    if len(payload) > PAYLOAD_MAX:
        raise Invalid(f"event {event_id} has {len(payload)} bytes, more than {PAYLOAD_MAX}")
    try:
        found = import_module("fastavro").schemaless_reader(io.BytesIO(payload), shape.parsed)
        return _change(shape, found, event_id)
    except Invalid:
        raise
    except Exception as error:  # noqa: BLE001 - a broken payload can fail in any way inside the decoder
        raise Invalid(f"event {event_id} does not fit its schema: {type(error).__name__}") from None


def names_of(shape: Shape, bitmaps: Sequence[str]) -> tuple[str, ...]:
    """Field names of a bitmap field. "0x5": fields 0 and 2 by position; "4-0x2": part 1 of compound field 4.

    Pub/Sub API guide, "Event Deserialization Considerations". Raises Invalid for a bit that has no field.
    """
    return tuple(name for text in bitmaps for name in _named(shape, str(text)))


def _named(shape: Shape, text: str) -> Iterator[str]:
    position, _, bits = text.rpartition("-")
    if not bits.startswith(_NO_BITS) or (position and not position.isdigit()):
        raise Invalid(f"{text[:40]!r} is not a bitmap of fields")
    if not position:
        yield from (_at(shape.fields, bit)["name"] for bit in _bits(bits))
        return
    parent = _at(shape.fields, int(position))
    parts = shape.records.get(_record_name(parent["type"]), ())
    yield from (f"{parent['name']}.{_at(parts, bit)['name']}" for bit in _bits(bits))


def _bits(text: str) -> Iterator[int]:
    """Positions of the ones, the rightmost bit is 0."""
    number = int(text, 16) if len(text) > len(_NO_BITS) else 0
    return (bit for bit in range(number.bit_length()) if number >> bit & 1)


def _at(fields: Fields, position: int) -> Mapping[str, Any]:
    if position >= len(fields):
        raise Invalid(f"a bitmap names field {position}, the schema has {len(fields)}")
    return fields[position]


def _records(schema: Any) -> Iterator[tuple[str, Fields]]:
    """Every record defined anywhere in a schema, by its name without namespace."""
    if isinstance(schema, list):
        for one in schema:
            yield from _records(one)
    elif isinstance(schema, dict):
        if schema.get("type") == "record":
            yield str(schema["name"]).rpartition(".")[2], schema["fields"]
            for field in schema["fields"]:
                yield from _records(field["type"])
        elif isinstance(schema.get("type"), dict | list):
            yield from _records(schema["type"])


def _record_name(kind: Any) -> str:
    """The record in a field's type: the type itself or one branch of a union, defined or named there."""
    branches = kind if isinstance(kind, list) else [kind]
    for one in branches:
        if isinstance(one, dict) and one.get("type") == "record":
            return str(one["name"]).rpartition(".")[2]
        if isinstance(one, str) and one not in ("null", "string"):
            return one.rpartition(".")[2]
    return ""


def _change(shape: Shape, found: Mapping[str, Any], event_id: str) -> ChangeEvent:
    values = {name: _exact(value) for name, value in found.items() if value is not None and name != HEADER}
    header = found.get(HEADER)
    if header is None:  # a platform event: its content is the event
        at = _moment(found.get("CreatedDate"))
        return ChangeEvent(shape.name, (), "", "", (), (), at, "", 0, event_id, values)
    change_type = str(header["changeType"])
    return ChangeEvent(
        sobject=str(header["entityName"]),
        record_ids=tuple(str(id) for id in header["recordIds"]),
        change_type=change_type,
        origin_client=str(header.get("changeOrigin") or ""),
        changed_fields=names_of(shape, header.get("changedFields") or ()),
        nulled_fields=names_of(shape, header.get("nulledFields") or ()),
        commit_at=_moment(header.get("commitTimestamp")),
        transaction=str(header.get("transactionKey") or ""),
        sequence=int(header.get("sequenceNumber") or 0),
        event_id=event_id,
        values={} if change_type.startswith("GAP_") else values,
    )


def _moment(milliseconds: Any) -> datetime | None:
    return _EPOCH + timedelta(milliseconds=milliseconds) if isinstance(milliseconds, int) else None


def _exact(value: Any) -> Any:
    """Avro's doubles as the decimal number that they were written for; None inside a compound field goes."""
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, dict):
        return {name: _exact(one) for name, one in value.items() if one is not None}
    if isinstance(value, list):
        return [_exact(one) for one in value]
    return value
