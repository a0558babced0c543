"""Change events as Avro: schemas made from object definitions, bitmaps of changed fields, binary payloads."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, NamedTuple

import fastavro

NAMESPACE = "com.sforce.eventbus"
# Not part of change events (Change Data Capture guide, "Change Event Fields"); the id is in the header.
LEFT_OUT = frozenset({"Id", "IsDeleted", "SystemModstamp", "LastViewedDate", "LastReferencedDate"})
ADDRESS = ("Street", "City", "State", "PostalCode", "Country", "StateCode", "CountryCode")
PERSON = ("Salutation", "FirstName", "LastName", "MiddleName", "Suffix")
CHANGES = ("CREATE", "UPDATE", "DELETE", "UNDELETE")
GAPS = (*(f"GAP_{change}" for change in CHANGES), "GAP_OVERFLOW")

# Field type in a describe -> Avro type and the name of the type in a schema's `doc`.
_TYPES: dict[str, tuple[str, str]] = {
    "boolean": ("boolean", "Boolean"),
    "currency": ("double", "Currency"),
    "date": ("long", "DateOnly"),
    "datetime": ("long", "DateTime"),
    "double": ("double", "Double"),
    "email": ("string", "Email"),
    "id": ("string", "EntityId"),
    "int": ("int", "Integer"),
    "multipicklist": ("string", "MultiEnum"),
    "percent": ("double", "Percent"),
    "phone": ("string", "Phone"),
    "picklist": ("string", "DynamicEnum"),
    "reference": ("string", "EntityId"),
    "time": ("long", "TimeOnly"),
    "url": ("string", "Url"),
}
_ROLES = {"CreatedDate": "CreatedDate", "CreatedById": "CreatedBy"}


class Column(NamedTuple):
    """A field of an object as change events see it: API name and type in describe words."""

    name: str
    type: str


class Header(NamedTuple):
    """What a change event says of itself before any field (ChangeEventHeader)."""

    entity: str
    ids: tuple[str, ...]
    change: str
    origin: str
    transaction: str
    sequence: int
    at: datetime
    number: int
    user: str


@dataclass(frozen=True, slots=True)
class Schema:
    """One event's schema: as sent, as fingerprint, and ready for use."""

    id: str
    text: str
    parsed: Any
    order: tuple[str, ...]  # the record's fields; the bitmaps count in this order
    columns: Mapping[str, Column]
    compounds: Mapping[str, Mapping[str, str]]  # compound field -> its part -> the column

    def places(self, changed: Collection[str]) -> list[str]:
        """Column names as bitmaps: one for plain fields, one per compound field touched."""
        plain = [at for at, name in enumerate(self.order) if name in changed and name not in self.compounds]
        maps = [bitmap(plain)] if plain else []
        for at, name in enumerate(self.order):
            parts = self.compounds.get(name, {})
            inner = [spot for spot, column in enumerate(parts.values()) if column in changed]
            maps += [f"{at}-{bitmap(inner)}"] if inner else []
        return maps


def bitmap(places: Iterable[int]) -> str:
    """Positions as Salesforce writes them: hexadecimal bytes, the lowest bit is position 0."""
    bits = sum(1 << place for place in set(places))
    return "0x" + bits.to_bytes(max(1, (bits.bit_length() + 7) // 8), "big").hex().upper()


def change_schema(entity: str, columns: Iterable[Column]) -> Schema:
    """The schema of an object's change event; addresses and person names are records of their own."""
    known = {column.name: column for column in columns if column.name not in LEFT_OUT}
    compounds = _compounds(known)
    inside = {column for parts in compounds.values() for column in parts.values()}
    fields: list[dict[str, Any]] = [{"name": "ChangeEventHeader", "type": _header_type()}]
    seen: set[str] = set()
    placed = {next(iter(parts.values())): name for name, parts in compounds.items()}
    for name, column in known.items():
        if name in placed:
            fields.append(_compound_field(placed[name], compounds[placed[name]], seen))
        elif name not in inside and name not in compounds:
            fields.append(_field(column))
    return _schema(channel(entity), fields, known, compounds)


def channel(entity: str) -> str:
    """OpportunityChangeEvent; of a custom object X__c, X__ChangeEvent."""
    return f"{entity.removesuffix('__c')}__ChangeEvent" if entity.endswith("__c") else f"{entity}ChangeEvent"


def event_schema(event: str, columns: Iterable[Column]) -> Schema:
    """The schema of a platform event X__e: when and by whom it was published, then its own fields."""
    stamps = [
        {"name": "CreatedDate", "type": "long", "doc": "CreatedDate:DateTime"},
        {"name": "CreatedById", "type": "string", "doc": "CreatedBy:EntityId"},
    ]
    known = {column.name: column for column in columns}
    return _schema(event, [*stamps, *(_field(column) for column in known.values())], known, {})


def _schema(
    name: str,
    fields: list[dict[str, Any]],
    columns: Mapping[str, Column],
    compounds: Mapping[str, Mapping[str, str]],
) -> Schema:
    whole = {"type": "record", "name": name, "namespace": NAMESPACE, "fields": fields}
    text = json.dumps(whole, separators=(",", ":"))
    mark = base64.urlsafe_b64encode(hashlib.md5(text.encode(), usedforsecurity=False).digest()).decode()
    order = tuple(str(field["name"]) for field in fields)
    return Schema(mark.rstrip("="), text, fastavro.parse_schema(whole), order, columns, compounds)


def _compounds(columns: Mapping[str, Column]) -> dict[str, dict[str, str]]:
    """Compound fields by name: BillingAddress of BillingStreet and so on, Name of FirstName and LastName."""
    found: dict[str, dict[str, str]] = {}
    for name in columns:
        stem = name.removesuffix("Street")
        if stem != name:
            found[f"{stem}Address"] = {part: stem + part for part in ADDRESS if stem + part in columns}
    if "LastName" in columns:
        found["Name"] = {part: part for part in PERSON if part in columns}
    return found


def _compound_field(name: str, parts: Mapping[str, str], seen: set[str]) -> dict[str, Any]:
    # A record is spelled out where it is first met and only named after that; two with other parts
    # (an object with states as codes in one address only) need names of their own.
    kind = "PersonName" if name == "Name" else "Address"
    record = kind if kind not in seen else f"{kind}{len(seen)}"
    seen.add(record)
    inner = [{"name": part, "type": ["null", "string"], "default": None} for part in parts]
    return {
        "name": name,
        "type": ["null", {"type": "record", "name": record, "fields": inner}],
        "doc": f"Data:{kind}",
        "default": None,
    }


def _field(column: Column) -> dict[str, Any]:
    kind, said = _TYPES.get(column.type, ("string", "Text"))
    role = _ROLES.get(column.name, "ForeignKey" if column.type == "reference" else "Data")
    return {"name": column.name, "type": ["null", kind], "doc": f"{role}:{said}", "default": None}


def _header_type() -> dict[str, Any]:
    change = {"type": "enum", "name": "ChangeType", "symbols": [*CHANGES, *GAPS]}
    names: dict[str, Any] = {"type": "array", "items": "string"}
    types: dict[str, Any] = {
        **{"entityName": "string", "recordIds": names, "changeType": change, "changeOrigin": "string"},
        **{"transactionKey": "string", "sequenceNumber": "int", "commitTimestamp": "long"},
        **{"commitNumber": "long", "commitUser": "string"},
        **{"nulledFields": names, "diffFields": names, "changedFields": names},
    }
    fields = [{"name": name, "type": kind} for name, kind in types.items()]
    return {"type": "record", "name": "ChangeEventHeader", "fields": fields}


def change_payload(schema: Schema, header: Header, values: Mapping[str, Any]) -> bytes:
    """A change event in binary. `values` are the columns to fill: of an update, those that changed."""
    told = {name: value for name, value in values.items() if name in schema.columns}
    update = header.change == "UPDATE"
    record: dict[str, Any] = {
        name: plain(value, schema.columns[name].type) for name, value in told.items() if value is not None
    }
    for name, parts in schema.compounds.items():
        record[name] = {part: record.pop(column, None) for part, column in parts.items()}
        if not any(record[name].values()):
            del record[name]
    record["ChangeEventHeader"] = {
        "entityName": header.entity,
        "recordIds": list(header.ids),
        "changeType": header.change,
        "changeOrigin": header.origin,
        "transactionKey": header.transaction,
        "sequenceNumber": header.sequence,
        "commitTimestamp": millis(header.at),
        "commitNumber": header.number,
        "commitUser": header.user,
        "nulledFields": schema.places([n for n, v in told.items() if v is None]) if update else [],
        "diffFields": [],
        "changedFields": schema.places(list(told)) if update else [],
    }
    return written(schema, record)


def written(schema: Schema, record: Mapping[str, Any]) -> bytes:
    """A record in Avro's binary form, without the schema."""
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema.parsed, dict(record))
    return out.getvalue()


def read(schema: Schema, payload: bytes) -> dict[str, Any]:
    """A record from its binary form. Raises EOFError, ValueError or IndexError where it is not one."""
    record = fastavro.schemaless_reader(io.BytesIO(payload), schema.parsed, None)
    if not isinstance(record, dict):
        raise ValueError("the payload is not a record")
    return record


def plain(value: Any, kind: str) -> Any:
    """A stored value as Avro takes it: times and dates as milliseconds since 1970 UTC, numbers as double."""
    avro_type = _TYPES.get(kind, ("string", ""))[0]
    if avro_type == "long":
        return millis(value)
    if avro_type == "double":
        return float(value)
    if avro_type == "int":
        return int(value)
    return value if avro_type == "boolean" else str(value)


def millis(value: datetime | date | time | str) -> int:
    """Milliseconds since 1970 UTC; of a time of day, since midnight."""
    if isinstance(value, str):
        value = _from_text(value)
    if isinstance(value, time):
        return ((value.hour * 60 + value.minute) * 60 + value.second) * 1000 + value.microsecond // 1000
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    since = value - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000


def _from_text(value: str) -> datetime | date | time:
    if "T" in value:
        return datetime.fromisoformat(value)
    return date.fromisoformat(value) if value.count("-") == 2 else time.fromisoformat(value.rstrip("Z"))
