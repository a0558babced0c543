"""The last record read of each vendor object, as its connector gave it: for previews and lineage."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from hub.store.database import insert_into
from hub.store.tables import DOCUMENTS, RECORDS

_MARK = "\x00"  # no vendor's field is called so: what JSON has no type for is kept under it
LAST_MAX = 10_000
TOLD_MAX = 200  # records of one order
ID_MAX = 200  # characters, as the column has it


class Kept(NamedTuple):
    """A record with what became of it."""

    connection: str
    kind: str
    external_id: str
    document_id: str  # empty: not for us
    inbox_id: str
    translated_by: str
    at: datetime
    record: Mapping[str, Any]


class Records:
    """Records within one transaction, written together."""

    def __init__(self, dialect: str, conn: Connection) -> None:
        self.conn = conn
        self._dialect = dialect
        self._kept: dict[tuple[str, str, str], dict[str, Any]] = {}

    def keep(self, kept: Kept) -> None:
        """Remember this record in place of the one before it; an id too long for the table is let go."""
        if len(kept.external_id) > ID_MAX:
            return
        row = kept._asdict() | {"record": _packed(kept.record)}
        self._kept[kept.connection, kept.kind, kept.external_id] = row

    def flush(self) -> None:
        """Write what was gathered."""
        kept, self._kept = self._kept, {}
        if kept:
            # in one order: two batches must not wait for each other's rows
            self.conn.execute(_keep(self._dialect), [kept[key] for key in sorted(kept)])


def last(conn: Connection, connection: str, kind: str, count: int) -> Sequence[Kept]:
    """The newest records of a kind, newest first."""
    query = (
        sa.select(RECORDS)
        .where(RECORDS.c.connection == connection, RECORDS.c.kind == kind)
        .order_by(RECORDS.c.at.desc(), RECORDS.c.external_id)
        .limit(min(count, LAST_MAX))
    )
    return [_unpacked(row) for row in conn.execute(query)]


def of_document(conn: Connection, document_id: str) -> Sequence[Kept]:
    """The records a document was made and changed from, one per connection."""
    query = sa.select(RECORDS).where(RECORDS.c.document_id == document_id).order_by(RECORDS.c.at)
    return [_unpacked(row) for row in conn.execute(query)]


def of_order(conn: Connection, connection: str, order_id: str) -> Sequence[Mapping[str, Any]]:
    """What a connection told of an order and of changes to it, the order first, then as they came."""
    if not order_id:
        return []
    query = (
        sa.select(RECORDS)
        .join(DOCUMENTS, DOCUMENTS.c.id == RECORDS.c.document_id)
        .where(DOCUMENTS.c.order_id == order_id, DOCUMENTS.c.kind.in_(("order", "order_change")))
        .where(RECORDS.c.connection == connection)
        .order_by(sa.case((RECORDS.c.kind == "order", 0), else_=1), RECORDS.c.at)
        .limit(TOLD_MAX)
    )
    return [_unpacked(row).record for row in conn.execute(query)]


@cache
def _keep(dialect: str) -> Any:
    insert = insert_into(dialect, RECORDS)
    changed = ("document_id", "inbox_id", "translated_by", "at", "record")
    return insert.on_conflict_do_update(
        index_elements=["connection", "kind", "external_id"],
        set_={name: insert.excluded[name] for name in changed},
    )


def _packed(record: Mapping[str, Any]) -> str:
    """Never raises: that a record cannot be kept must not keep its delivery from being processed."""
    try:
        return orjson.dumps(record, default=_typed, option=orjson.OPT_PASSTHROUGH_DATETIME).decode()
    except (
        TypeError,
        ValueError,
    ):  # beyond 64 bits, half a surrogate, keys that are no text: slower, but kept
        pass
    try:
        return json.dumps(record, default=_typed)
    except (TypeError, ValueError, RecursionError) as error:
        return json.dumps({"(not kept)": f"{type(error).__name__}: {error}"[:200]})


def _typed(value: Any) -> Mapping[str, str]:
    if isinstance(value, Decimal):
        return {_MARK: f"n{value}"}
    if isinstance(value, datetime):
        return {_MARK: f"t{value.isoformat()}"}
    if isinstance(value, date):
        return {_MARK: f"d{value.isoformat()}"}
    return {_MARK: f"?{type(value).__name__}"}


def _unpacked(row: Any) -> Kept:
    facts = dict(row._mapping) | {"record": json.loads(row.record, object_hook=_value, parse_float=Decimal)}
    return Kept(**facts)


def _value(found: dict[str, Any]) -> Any:
    if found.keys() != {_MARK}:
        return found
    kind, text = found[_MARK][:1], found[_MARK][1:]
    if kind == "n":
        return Decimal(text)
    if kind == "t":
        return datetime.fromisoformat(text)
    return date.fromisoformat(text) if kind == "d" else f"({text})"
