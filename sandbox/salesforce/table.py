"""The rows of one object with the indexes that keep look-ups and polling quick."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sandbox.salesforce.schema import Field

Row = dict[str, Any]


def folded(value: Any) -> Any:
    """The form in which a value is looked up: texts compare without regard to case."""
    return value.lower() if isinstance(value, str) else value


class Table:
    """Rows by 18-character id. A row is replaced, never changed in place: who holds one has a snapshot."""

    def __init__(self, fields: Iterable[Field]) -> None:
        self.rows: dict[str, Row] = {}
        self.stamps: list[tuple[datetime, str]] = []  # (SystemModstamp, Id), ascending
        self._by: dict[str, dict[Any, dict[str, None]]] = {}
        for one in fields:
            self.index(one)

    def index(self, field: Field) -> None:
        """Index a field from now on."""
        if field.key and field.name not in self._by:
            self._by[field.name] = {}
            for id, row in self.rows.items():
                self._enter(field.name, row.get(field.name), id)

    def indexed(self, name: str) -> bool:
        """Can `holding` be asked about this field?"""
        return name in self._by

    def holding(self, name: str, value: Any) -> list[str]:
        """Ids of the rows with this value in an indexed field, deleted ones included."""
        return list(self._by[name].get(folded(value), ()))

    def put(self, id: str, row: Row | None) -> Row | None:
        """Set, replace or (None) remove a row; returns what was there."""
        old = self.rows.get(id)
        self._restamp(id, old, row)
        for name in self._by:
            before, after = old and old.get(name), row and row.get(name)
            if before != after:
                self._leave(name, before, id)
                self._enter(name, after, id)
        if row is None:
            self.rows.pop(id, None)
        else:
            self.rows[id] = row
        return old

    def _restamp(self, id: str, old: Row | None, row: Row | None) -> None:
        before, after = old and old["SystemModstamp"], row and row["SystemModstamp"]
        if before == after:
            return
        if before is not None:
            del self.stamps[bisect_left(self.stamps, (before, id))]
        if after is not None:
            self._enstamp(after, id)

    def _enstamp(self, at: Any, id: str) -> None:
        entry = (at, id)
        if not self.stamps or self.stamps[-1] < entry:
            self.stamps.append(entry)
        else:
            insort(self.stamps, entry)

    def _enter(self, name: str, value: Any, id: str) -> None:
        if value is not None:
            self._by[name].setdefault(folded(value), {})[id] = None

    def _leave(self, name: str, value: Any, id: str) -> None:
        if value is not None:
            ids = self._by[name][folded(value)]
            ids.pop(id, None)
            if not ids:
                del self._by[name][folded(value)]
