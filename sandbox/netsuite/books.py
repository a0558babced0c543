"""The account's records and the indexes that find them; every write goes through `commit` or `remove`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sandbox.netsuite.fields import RECORDS, CustomField, RecordType
from sandbox.netsuite.refusals import Refusal, no_record, user_error

RECORDS_MAX = 1_000_000
ZERO = Decimal(0)


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
    locked: bool = False
    voided: bool = False

    def number(self, name: str) -> Decimal:
        """A numeric field; zero where it is empty."""
        return self.values.get(name) or Decimal(0)

    @property
    def customer(self) -> str:
        """The customer's internal id, a journal's from its lines; empty for records without one."""
        named = (line.get("entity") for line in self.lines.get("line", ()))
        return str(self.values.get("entity") or self.values.get("customer") or next(filter(None, named), ""))


class Settled(NamedTuple):
    """One link of a settlement: how much of `doc` another record settles, early-payment discount apart."""

    doc: str
    amount: Decimal
    disc: Decimal


def settlements(row: Row) -> Iterator[Settled]:
    """What a payment, credit memo, deposit application, refund or journal settles."""
    for line in (*row.lines.get("apply", ()), *row.lines.get("deposit", ())):
        yield Settled(line["doc"], line["amount"], line.get("disc") or ZERO)


@dataclass(frozen=True)
class Body:
    """A request body after parsing: fields, sublists, and which of these are to be replaced whole."""

    values: dict[str, Any]
    lines: dict[str, list[dict[str, Any]]]
    external_id: str | None = None
    replace: frozenset[str] = frozenset()


class Gone(NamedTuple):
    """A deleted record, as the account's audit trail keeps it."""

    type: str
    id: str
    name: str
    at: datetime


@dataclass
class Books:
    """All records of one account. Every write goes through `commit`."""

    now: Callable[[], datetime]
    custom_fields: dict[str, CustomField]
    records: dict[str, dict[str, Row]] = field(default_factory=lambda: {name: {} for name in RECORDS})
    external: dict[tuple[str, str], str] = field(default_factory=dict)
    children: dict[str, list[Row]] = field(default_factory=dict)  # source id -> made from it
    paid: dict[str, dict[str, Decimal]] = field(default_factory=dict)  # document id -> settling id -> amount
    items: dict[str, str] = field(default_factory=dict)  # item name -> id
    item_rows: dict[str, Row] = field(default_factory=dict)
    transactions: dict[str, Row] = field(default_factory=dict)
    of_customer: dict[str, dict[str, Row]] = field(default_factory=dict)  # customer id -> its transactions
    entity_ids: dict[str, str] = field(default_factory=dict)
    gone: list[Gone] = field(default_factory=list)
    touched: dict[tuple[str, str], None] = field(default_factory=dict)  # what queries must see anew
    stale: dict[str, None] = field(default_factory=dict)  # transactions whose open amounts may differ now
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
        return self.item_rows.get(id)

    def target(self, kind: str, id: str) -> Row | None:
        """The record a reference field points at: an item or transaction of any type, or one of `kind`."""
        pools: Mapping[str, Mapping[str, Row]] = {"item": self.item_rows, "transaction": self.transactions}
        return (pools.get(kind) or self.records.get(kind, {})).get(id)

    def by_external(self, kind: str, external_id: str) -> str | None:
        """The internal id behind an external id, for any record type a reference may mean."""
        if kind not in ("item", "transaction"):
            return self.external.get((kind, external_id))
        names = (n for n, k in RECORDS.items() if k.sequence == kind)
        found = (self.external.get((name, external_id)) for name in names)
        return next((id for id in found if id), None)

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
                raise Refusal(
                    f"Error while accessing a resource. This {what} already exists.",
                    soap="DUP_ENTITY" if row.type == "customer" else "DUP_RCRD",
                )
        if len(self.records[row.type]) >= RECORDS_MAX:
            raise RuntimeError(f"over {RECORDS_MAX} records; start a new sandbox")
        self._forget(self.records[row.type].get(row.id))
        row.modified = self.now().replace(microsecond=0)
        row.created = row.created or row.modified
        self._remember(row)

    def _remember(self, row: Row) -> None:
        self.records[row.type][row.id] = row
        if row.external_id is not None:
            self.external[(row.type, row.external_id)] = row.id
        source = row.values.get("createdFrom") or row.values.get("salesOrder")
        if source:
            self.children.setdefault(source, []).append(row)
        for doc, amount, disc in settlements(row):
            sums = self.paid.setdefault(doc, {})
            sums[row.id] = sums.get(row.id, ZERO) + amount + disc
        sequence = RECORDS[row.type].sequence
        if sequence == "item":
            self.items[row.values["itemId"]] = row.id
            self.item_rows[row.id] = row
        elif sequence == "entity":
            self.entity_ids[row.values["entityId"]] = row.id
        else:
            self.transactions[row.id] = row
            self.of_customer.setdefault(row.customer, {})[row.id] = row
        self._touch(row)

    def _touch(self, row: Row) -> None:
        """Note what looks different now: the record, what it settles, and what it was made from."""
        self.touched[(row.type, row.id)] = None
        self.stale[row.id] = None
        docs = [doc for doc, _, _ in settlements(row)] + [str(row.values.get("createdFrom") or "")]
        for other in filter(None, (self.transactions.get(doc) for doc in docs)):
            self.touched[(other.type, other.id)] = None
            self.stale[other.id] = None

    def _forget(self, row: Row | None) -> None:
        if row is None:
            return
        self._touch(row)
        if row.external_id is not None:
            self.external.pop((row.type, row.external_id), None)
        source = row.values.get("createdFrom") or row.values.get("salesOrder") or ""
        made = self.children.get(source, [])
        made[:] = [other for other in made if other.id != row.id]
        for doc, _, _ in settlements(row):
            self.paid.get(doc, {}).pop(row.id, None)
        self.of_customer.get(row.customer, {}).pop(row.id, None)
        if row.type == "customer":
            self.entity_ids.pop(row.values["entityId"], None)
        elif row.id in self.item_rows:
            self.items.pop(row.values["itemId"], None)

    def remove(self, row: Row) -> None:
        """Delete a record that nothing depends on. Raises Refusal otherwise."""
        used = bool(self.children.get(row.id) or self.paid.get(row.id) or self.of_customer.get(row.id))
        if used:
            raise user_error(
                "This record cannot be deleted because it has dependent records.",
                soap="CANT_DELETE_CHILD_RCRDS_EXIST",
            )
        self._forget(row)
        del self.records[row.type][row.id]
        self.transactions.pop(row.id, None)
        self.item_rows.pop(row.id, None)
        name = str(row.values.get("tranId") or row.values.get("entityId") or row.values.get("itemId") or "")
        self.gone.append(Gone(row.type, row.id, name, self.now().replace(microsecond=0)))

    def all(self) -> Iterable[Row]:
        """Every record."""
        return (row for rows in self.records.values() for row in rows.values())
