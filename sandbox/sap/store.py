"""The rows of every entity set with their indexes, and changes that happen whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sandbox.sap.schema import EntityType, Interface

Row = dict[str, Any]
Key = tuple[str, ...]
ROWS_MAX = 2_000_000
SEARCHED = frozenset(
    [
        "PurchaseOrderByCustomer", "PurchaseOrderByShipToParty", "SoldToParty", "Customer",
        "AccountingDocument",
        "BillingDocument", "SalesDocument", "ReferenceSDDocument", "BPIdentificationNumber", "BPTaxNumber",
        "EmailAddress", "ProductStandardID", "ClearingAccountingDocument", "DocumentReferenceID",
        "Reference1InDocumentHeader", "InvoiceReference", "OrganizationBPName1", "SearchTerm1", "IsCleared",
        "PaymentReference", "GlobalTradeItemNumber", "CancelledBillingDocument", "LastChangeDate",
    ]
)  # fmt: skip


class Table:
    """Rows by key. A row is replaced, never changed in place: who holds one has a snapshot."""

    def __init__(self, of: EntityType, joined: Iterable[str]) -> None:
        self.of = of
        self.rows: dict[Key, Row] = {}
        self.places: dict[Key, Key] = {}  # the key in the form that sorts
        named = {*joined, *of.keys} & set(of.properties) | SEARCHED & set(of.properties)
        self.indexes: dict[str, dict[Any, dict[Key, None]]] = {name: {} for name in named}

    def key(self, row: Mapping[str, Any]) -> Key:
        """The key of a row."""
        return tuple(str(row.get(name) or "") for name in self.of.keys)

    def having(self, name: str, value: Any) -> list[Row]:
        """The rows with this value in an indexed property, in the order of their keys."""
        return self.ordered(self.indexes[name].get(value, ()))

    def ordered(self, keys: Iterable[Key]) -> list[Row]:
        """The rows of these keys in the order of their keys."""
        return [self.rows[key] for key in sorted(keys, key=self.places.__getitem__)]

    def swap(self, key: Key, row: Row | None) -> Row | None:
        """Set, replace or (None) remove; returns what was there."""
        old = self.rows.get(key)
        for name, index in self.indexes.items():
            before, after = old and old.get(name), row and row.get(name)
            if old is not None and (row is None or before != after):
                index[before].pop(key, None)
            if row is not None and (old is None or before != after):
                index.setdefault(after, {})[key] = None
        if row is None:
            self.rows.pop(key, None)
            self.places.pop(key, None)
        else:
            self.rows[key] = row
            if old is None:
                self.places[key] = tuple(part.zfill(12) if part.isdigit() else part for part in key)
        return old


class Store:
    """All tables, the number ranges, and the undo list of the change going on."""

    def __init__(self, interfaces: Iterable[Interface]) -> None:
        types = {one.name: one for api in interfaces for one in api.types.values()}
        joined: dict[str, set[str]] = {name: set() for name in types}
        for one in types.values():
            for nav in one.navs.values():
                joined[nav.target].update(theirs for theirs, _ in nav.joined)
        self.tables = {name: Table(one, joined[name]) for name, one in types.items()}
        self.numbers: dict[str, int] = {}
        self._undo: list[tuple[Table, Key, Row | None]] | None = None
        self._effects: list[tuple[str, str, str, str]] = []

    def __getitem__(self, name: str) -> Table:
        return self.tables[name]

    def next(self, range_: str, first: int) -> int:
        """The next number of a range. Numbers of a change that fails are lost, as in the real system."""
        self.numbers[range_] = self.numbers.get(range_, first - 1) + 1
        return self.numbers[range_]

    def put(self, name: str, row: Row) -> Row:
        """Insert or replace a row by its key."""
        table = self.tables[name]
        if len(table.rows) >= ROWS_MAX:
            raise RuntimeError(f"over {ROWS_MAX} rows of {name}; reset the sandbox")
        self._swap(table, table.key(row), row)
        return row

    def remove(self, name: str, row: Row) -> None:
        """Delete a row."""
        self._swap(self.tables[name], self.tables[name].key(row), None)

    def _swap(self, table: Table, key: Key, row: Row | None) -> None:
        old = table.swap(key, row)
        if self._undo is not None:
            self._undo.append((table, key, old))

    def get(self, name: str, *key: str) -> Row | None:
        """A row by its key."""
        return self.tables[name].rows.get(key)

    def find(self, name: str, **wanted: Any) -> list[Row]:
        """The rows with these values; the first property is looked up by its index."""
        (first, value), *rest = wanted.items()
        rows = self.tables[name].having(first, value)
        return [row for row in rows if all(row.get(k) == v for k, v in rest)]

    def effect(self, action: str, kind: str, id: str, reference: str) -> None:
        """Note what is done; it counts when the change is complete."""
        self._effects.append((action, kind, id, reference))

    @contextmanager
    def change(self) -> Iterator[list[tuple[str, str, str, str]]]:
        """All changes inside happen, or none; inside another change they belong to that one.

        Yields the effects, to be read after the block.
        """
        if self._undo is not None:
            yield self._effects
            return
        self._undo, self._effects = [], []
        effects = self._effects
        try:
            yield effects
        except BaseException:
            for table, key, old in reversed(self._undo):
                table.swap(key, old)
            effects.clear()
            raise
        finally:
            self._undo = None
