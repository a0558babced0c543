"""Versions of mappings, one active per connection, kind and direction; and the tables of this hub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection, Row

from hub.errors import Conflict
from hub.store.database import Database, new_id
from hub.store.tables import LOCAL_TABLES, MAPPINGS

LIST_MAX = 500


class Slot(NamedTuple):
    """Where a mapping belongs: it translates this kind from (`in`) or to (`out`) this connection."""

    connection: str
    kind: str
    direction: str

    def __str__(self) -> str:
        return f"{self.connection}/{self.kind}.{self.direction}"


class Active(NamedTuple):
    """A version in force."""

    slot: Slot
    id: str
    version: int
    text: str


def slot(row: Row[Any, Any]) -> Slot:
    """Where a version belongs."""
    return Slot(row.connection, row.kind, row.direction)


def of_slot(slot: Slot) -> Any:
    """The condition that finds a slot's versions."""
    return sa.and_(
        MAPPINGS.c.connection == slot.connection,
        MAPPINGS.c.kind == slot.kind,
        MAPPINGS.c.direction == slot.direction,
    )


def add_draft(
    conn: Connection, slot: Slot, version: int, text: str, *, author: str, reason: str, now: datetime
) -> str:
    """Keep a new draft; returns its id."""
    mapping_id = new_id()
    conn.execute(
        MAPPINGS.insert(),
        {
            "id": mapping_id, **slot._asdict(), "version": version, "state": "draft", "text": text,
            "author": author, "reason": reason, "created_at": now,
        },
    )  # fmt: skip
    return mapping_id


def change_draft(conn: Connection, mapping_id: str, text: str, *, author: str, reason: str) -> bool:
    """Replace a draft's text. False when it is no draft any more."""
    drafts = MAPPINGS.update().where(MAPPINGS.c.id == mapping_id, MAPPINGS.c.state == "draft")
    return bool(conn.execute(drafts.values(text=text, author=author, reason=reason)).rowcount)


def discard(conn: Connection, mapping_id: str) -> bool:
    """Delete a draft. False when it is no draft any more: what was in force stays on record."""
    drafts = MAPPINGS.delete().where(MAPPINGS.c.id == mapping_id, MAPPINGS.c.state == "draft")
    return bool(conn.execute(drafts).rowcount)


def activate(conn: Connection, row: Row[Any, Any], *, by: str, now: datetime) -> None:
    """Put a version in force and retire the one before it, in the transaction of the caller.

    Raises Conflict when another one is put in force at this very moment.
    """
    place = slot(row)
    retire(conn, place, now)
    now_active = {"state": "active", "activated_by": by, "activated_at": now, "retired_at": None}
    try:
        conn.execute(MAPPINGS.update().where(MAPPINGS.c.id == row.id).values(now_active))
    except sa.exc.IntegrityError:
        raise Conflict(f"another version of {place} was put in force at this moment", sent=False) from None


def retire(conn: Connection, slot: Slot, now: datetime) -> bool:
    """Take a slot's version out of force; the file of `mappings/` applies again. False: none was."""
    query = MAPPINGS.update().where(of_slot(slot), MAPPINGS.c.state == "active")
    return bool(conn.execute(query.values(state="retired", retired_at=now)).rowcount)


def one(conn: Connection, mapping_id: str) -> Row[Any, Any] | None:
    """A version by its id."""
    return conn.execute(sa.select(MAPPINGS).where(MAPPINGS.c.id == mapping_id)).first()


def by_version(conn: Connection, slot: Slot, version: int) -> Row[Any, Any] | None:
    """A version by its number."""
    return conn.execute(sa.select(MAPPINGS).where(of_slot(slot), MAPPINGS.c.version == version)).first()


def versions(conn: Connection, slot: Slot) -> Sequence[Row[Any, Any]]:
    """A slot's versions, newest first."""
    query = sa.select(MAPPINGS).where(of_slot(slot)).order_by(MAPPINGS.c.version.desc()).limit(LIST_MAX)
    return conn.execute(query).all()


def in_force(conn: Connection, slot: Slot) -> Row[Any, Any] | None:
    """A slot's version in force, or None."""
    return conn.execute(sa.select(MAPPINGS).where(of_slot(slot), MAPPINGS.c.state == "active")).first()


def before(conn: Connection, slot: Slot) -> Row[Any, Any] | None:
    """The version that was in force last, before the one that is; or None."""
    query = sa.select(MAPPINGS).where(of_slot(slot), MAPPINGS.c.state == "retired")
    return conn.execute(
        query.order_by(MAPPINGS.c.retired_at.desc(), MAPPINGS.c.version.desc()).limit(1)
    ).first()


def drafts(conn: Connection) -> Sequence[Row[Any, Any]]:
    """Every draft, newest first."""
    query = sa.select(MAPPINGS).where(MAPPINGS.c.state == "draft").order_by(MAPPINGS.c.created_at.desc())
    return conn.execute(query.limit(LIST_MAX)).all()


def last_version(conn: Connection, slot: Slot) -> int:
    """The highest number a slot has used; 0 for none."""
    return conn.execute(sa.select(sa.func.max(MAPPINGS.c.version)).where(of_slot(slot))).scalar() or 0


def stamps(conn: Connection) -> Mapping[str, tuple[Any, ...]]:
    """Per connection something that changes when its active versions or its tables do."""
    found: dict[str, list[Any]] = {}
    active = sa.select(MAPPINGS.c.connection, MAPPINGS.c.id).where(
        MAPPINGS.c.state == sa.literal_column("'active'")
    )
    for row in conn.execute(active.order_by(MAPPINGS.c.id)):
        found.setdefault(row.connection, []).append(row.id)
    tables = sa.select(LOCAL_TABLES.c.connection, LOCAL_TABLES.c.name, LOCAL_TABLES.c.changed_at)
    for own in conn.execute(tables):
        found.setdefault(own.connection, []).append((own.name, own.changed_at))
    return {name: tuple(sorted(map(str, parts))) for name, parts in found.items()}


def active(conn: Connection, connection: str) -> Sequence[Active]:
    """A connection's versions in force."""
    query = sa.select(MAPPINGS).where(MAPPINGS.c.connection == connection, MAPPINGS.c.state == "active")
    return [Active(slot(row), row.id, row.version, row.text) for row in conn.execute(query)]


def local_tables(conn: Connection, connection: str) -> Mapping[str, Mapping[str, Any]]:
    """This hub's own entries, by table name."""
    query = sa.select(LOCAL_TABLES).where(LOCAL_TABLES.c.connection == connection)
    return {row.name: orjson.loads(row.entries) for row in conn.execute(query)}


def set_local_table(
    database: Database, conn: Connection, connection: str, name: str, entries: Mapping[str, Any],
    *, by: str, now: datetime, keep: bool = False,
) -> None:  # fmt: skip
    """Give a table of this hub its entries; `keep` leaves those that are there alone."""
    text = orjson.dumps(dict(entries)).decode()
    insert = database.insert(LOCAL_TABLES).values(
        connection=connection, name=name, entries=text, changed_by=by, changed_at=now
    )
    key = ["connection", "name"]
    if keep:
        conn.execute(insert.on_conflict_do_nothing(index_elements=key))
        return
    changed = {"entries": text, "changed_by": by, "changed_at": now}
    conn.execute(insert.on_conflict_do_update(index_elements=key, set_=changed))
