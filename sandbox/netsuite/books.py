"""The account's records, and what a request body means to them: parsing, sublist keys, external ids."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sandbox.netsuite.fields import CUSTOM, RECORDS, REFS, RecordType, Sublist
from sandbox.netsuite.refusals import Refusal, invalid_value, no_record, unknown_property, user_error

LINES_MAX = 10_000
RECORDS_MAX = 1_000_000
_ADDRESS = frozenset(
    [
        "internalId",
        "country",
        "attention",
        "addressee",
        "addrPhone",
        "addr1",
        "addr2",
        "addr3",
        "city",
        "state",
        "zip",
        "addrText",
        "override",
    ]
)
# Lists that every account has; the ids are those of a newly provisioned account.
LISTS: Mapping[str, Mapping[str, str]] = {
    "currency": {"1": "USD", "2": "GBP", "3": "CAD", "4": "EUR", "5": "CHF", "6": "JPY"},
    "term": {
        "1": "Net 15",
        "2": "Net 30",
        "3": "Net 60",
        "4": "Due on receipt",
        "7": "Net 7",
        "8": "Net 14",
        "9": "Net 45",
        "10": "Net 90",
    },
    "subsidiary": {"1": "Parent Company", "2": "Europe"},
    "account": {"1": "Checking", "2": "Savings", "119": "Accounts Receivable", "122": "Undeposited Funds"},
    "location": {"1": "Main Warehouse"},
}
TERM_DAYS: Mapping[str, int] = {
    "1": 15,
    "2": 30,
    "3": 60,
    "4": 0,
    "7": 7,
    "8": 14,
    "9": 45,
    "10": 90,
}
DECIMALS: Mapping[str, int] = {"6": 0}


@dataclass
class Row:
    """One record as stored: references are ids, numbers Decimals, dates texts."""

    type: str
    id: str
    values: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    external_id: str | None = None
    created: datetime | None = None
    modified: datetime | None = None
    next_line: int = 1

    def number(self, name: str) -> Decimal:
        """A numeric field; zero where it is empty."""
        return self.values.get(name) or Decimal(0)


@dataclass(frozen=True)
class Body:
    """A request body after parsing: fields, sublists, and which of these are to be replaced whole."""

    values: dict[str, Any]
    lines: dict[str, list[dict[str, Any]]]
    external_id: str | None
    replace: frozenset[str]


@dataclass
class Books:
    """All records of one account. Every write goes through `commit`."""

    now: Callable[[], datetime]
    custom_fields: set[str]
    records: dict[str, dict[str, Row]] = field(default_factory=lambda: {name: {} for name in RECORDS})
    external: dict[tuple[str, str], str] = field(default_factory=dict)
    children: dict[str, list[Row]] = field(default_factory=dict)  # sales order id -> made from it
    paid: dict[str, dict[str, Decimal]] = field(default_factory=dict)  # invoice id -> payment id -> amount
    items: dict[str, str] = field(default_factory=dict)  # item name -> id
    counters: dict[str, int] = field(default_factory=lambda: {"transaction": 1000, "entity": 100, "item": 10})
    numbers: dict[str, int] = field(default_factory=dict)

    def find(self, record: str, key: str) -> Row:
        """By internal id or `eid:`. Raises Refusal 404."""
        id = self.external.get((record, key[4:])) if key.startswith("eid:") else key
        row = self.records[record].get(id or "")
        if row is None:
            raise no_record(record, key)
        return row

    def item(self, id: str) -> Row | None:
        """An item of any type."""
        return next((rows[id] for kind, rows in self.records.items() if _is_item(kind) and id in rows), None)

    def next_id(self, kind: RecordType) -> str:
        """Transactions share one sequence, entities and items have theirs."""
        self.counters[kind.sequence] += 1
        return str(self.counters[kind.sequence])

    def next_number(self, kind: RecordType) -> str:
        """An auto-generated document number."""
        self.numbers[kind.name] = self.numbers.get(kind.name, 0) + 1
        return f"{kind.prefix}{self.numbers[kind.name]}"

    def commit(self, row: Row) -> None:
        """Store a record. Raises Refusal where its external id belongs to another one."""
        if row.external_id is not None:
            owner = self.external.get((row.type, row.external_id))
            if owner not in (None, row.id):
                what = "entity" if row.type == "customer" else "record"
                raise user_error(f"This {what} already exists.")
        if len(self.records[row.type]) >= RECORDS_MAX:
            raise RuntimeError(f"over {RECORDS_MAX} records; start a new sandbox")
        before = self.records[row.type].get(row.id)
        self._forget(before)
        row.modified = self.now().replace(microsecond=0)
        row.created = row.created or row.modified
        self.records[row.type][row.id] = row
        self._remember(row)

    def _remember(self, row: Row) -> None:
        if row.external_id is not None:
            self.external[(row.type, row.external_id)] = row.id
        if row.values.get("createdFrom"):
            self.children.setdefault(row.values["createdFrom"], []).append(row)
        for line in row.lines.get("apply", ()):
            self.paid.setdefault(line["doc"], {})[row.id] = line["amount"] + line.get("disc", Decimal(0))
        if _is_item(row.type):
            self.items[row.values["itemId"]] = row.id

    def _forget(self, row: Row | None) -> None:
        if row is None:
            return
        if row.external_id is not None:
            self.external.pop((row.type, row.external_id), None)
        made = self.children.get(row.values.get("createdFrom") or "", [])
        made[:] = [other for other in made if other.id != row.id]
        for line in row.lines.get("apply", ()):
            self.paid.get(line["doc"], {}).pop(row.id, None)

    def remove(self, row: Row) -> None:
        """Delete a record that nothing depends on. Raises Refusal otherwise."""
        used = bool(self.children.get(row.id) or self.paid.get(row.id))
        if row.type == "customer":
            used = any(row.id in (o.values.get("entity"), o.values.get("customer")) for o in self.all())
        if used:
            raise user_error("This record cannot be deleted because it has dependent records.")
        self._forget(row)
        del self.records[row.type][row.id]

    def all(self) -> Iterable[Row]:
        """Every record."""
        return (row for rows in self.records.values() for row in rows.values())

    def parse(self, kind: RecordType, told: Any, *, replace: str, strict: bool) -> Body:
        """Read a request body. Raises Refusal for bad values, and for unknown names when `strict`."""
        if not isinstance(told, dict):
            raise Refusal("Invalid content in the request body.", "INVALID_CONTENT")
        values: dict[str, Any] = {}
        lines: dict[str, list[dict[str, Any]]] = {}
        external = told.get("externalId")
        for name, value in told.items():
            if name in kind.sublists:
                lines[name] = self._sublist(name, kind.sublists[name], value, strict)
            elif name not in ("externalId", "id", "links"):
                self._field(values, kind.body, value, path=name, strict=strict)
        if external is not None and (not isinstance(external, str) or not external or "|" in external):
            raise invalid_value("externalId", external)
        return Body(values, lines, external, frozenset(filter(None, replace.split(","))))

    def _sublist(self, name: str, sublist: Sublist, told: Any, strict: bool) -> list[dict[str, Any]]:
        found = told.get("items", []) if isinstance(told, dict) else None
        if not isinstance(found, list) or len(found) > LINES_MAX:
            raise invalid_value(name, "")
        parsed = []
        for index, line in enumerate(found):
            values: dict[str, Any] = {}
            if not isinstance(line, dict):
                raise invalid_value(name, line, f"{name}.items[{index}]")
            for column, value in line.items():
                path = f"{name}.items[{index}].{column}"
                if column != "links":
                    self._field(values, sublist.columns, value, path=path, strict=strict)
            parsed.append(values)
        return parsed

    def _field(
        self, into: dict[str, Any], table: Mapping[str, str], value: Any, *, path: str, strict: bool
    ) -> None:
        name = path.rsplit(".", 1)[-1]
        # the documentation's own samples write itemreceive and isclosed in lower case
        known = name if name in table else next((k for k in table if k.lower() == name.lower()), name)
        kind = table.get(known, "")
        if known.startswith(CUSTOM) and known in self.custom_fields:
            kind = "text"
        if not kind or kind.endswith("!"):
            if strict:
                raise unknown_property(path)
            return  # the trap: at the default level a mistyped name changes nothing and answers 204
        into[known] = None if value is None else self._value(kind, known, value, path)

    def _value(self, kind: str, name: str, value: Any, path: str) -> Any:
        if kind == "ref":
            return self._reference(name, value, path)
        if kind == "bool" and isinstance(value, bool):
            return value
        if kind == "number" and isinstance(value, int | Decimal) and not isinstance(value, bool):
            return Decimal(value)
        if kind == "text" and isinstance(value, str | int | Decimal) and not isinstance(value, bool):
            return str(value)
        if kind == "date" and isinstance(value, str):
            try:
                return date.fromisoformat(value).isoformat()
            except ValueError:
                raise invalid_value(name, value, path) from None
        if kind == "address" and isinstance(value, dict) and set(value) <= _ADDRESS:
            return copy.deepcopy(value)
        raise invalid_value(name, value, path)

    def _reference(self, name: str, value: Any, path: str) -> str:
        told = value
        if isinstance(value, dict):
            external = value.get("externalId")
            told = self.external.get((REFS.get(name, name), str(external))) if external else value.get("id")
        if isinstance(told, bool) or not isinstance(told, str | int) or not self._exists(name, str(told)):
            raise invalid_value(name, told if not isinstance(told, dict) else "", path)
        return str(told)

    def _exists(self, name: str, id: str) -> bool:
        target = REFS.get(name)
        if target is None:
            return bool(id)
        if target == "item":
            return self.item(id) is not None
        return id in LISTS.get(target, ()) or id in self.records.get(target, ())


def _is_item(kind: str) -> bool:
    return RECORDS[kind].sequence == "item"


def merged(
    sublist: Sublist, known: Sequence[dict[str, Any]], sent: Sequence[dict[str, Any]], *, replace: bool
) -> list[dict[str, Any]]:
    """A sublist after a write ("Updating a Sublist", "Replacing a Sublist").

    A sent line whose key matches changes that line; any other sent line is added at the end, which is how
    a repeated PATCH without keys doubles an order.
    """
    lines = [dict(line) for line in known]
    touched: list[dict[str, Any]] = []
    for line in sent:
        match = next((old for old in lines if _same(sublist, old, line)), None)
        if match is None:
            touched.append(dict(line))
        else:
            match.update(line)
            touched.append(match)
    if replace:
        return touched
    return lines + [line for line in touched if not any(line is old for old in lines)]


def _same(sublist: Sublist, known: Mapping[str, Any], sent: Mapping[str, Any]) -> bool:
    first = sublist.key[:1]
    if not first or sent.get(first[0]) is None:
        return False
    return all((known.get(k) or 0) == (sent.get(k) or 0) for k in sublist.key)
