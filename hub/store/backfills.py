"""Walks through a system's history: one row per connection says where the last one stands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from hub.store.database import Database, clock
from hub.store.tables import BACKFILLS, CONNECTIONS, INBOX, PENDING

_B = BACKFILLS.c


def one(conn: Connection, connection: str) -> Row[Any] | None:
    """The last walk of a connection, or None."""
    return conn.execute(sa.select(BACKFILLS).where(_B.connection == connection)).first()


def begin(
    database: Database, conn: Connection, connection: str, *, since: datetime, by: str, now: datetime
) -> None:
    """Walk from there on; what an earlier walk had reached is forgotten."""
    fresh = {
        "state": "running", "since": since, "cursor": None, "seen": 0, "fresh": 0, "total": None, "steps": 0,
        "next_at": 0.0, "error": "", "asked_by": by, "started_at": now, "moved_at": now,
    }  # fmt: skip
    insert = database.insert(BACKFILLS).values(connection=connection, **fresh)
    conn.execute(insert.on_conflict_do_update(index_elements=["connection"], set_=fresh))


def due(conn: Connection) -> Sequence[str]:
    """Connections whose walk may take its next step: it runs, and the system may be called now."""
    free = sa.and_(CONNECTIONS.c.state == "active", CONNECTIONS.c.slow_until <= clock())
    return list(
        conn.execute(
            sa.select(_B.connection)
            .join(CONNECTIONS, CONNECTIONS.c.name == _B.connection)
            .where(_B.state == "running", _B.next_at <= clock(), free)
        ).scalars()
    )


def moved(
    conn: Connection, row: Any, *, cursor: str | None, done: bool, seen: int, fresh: int, total: int | None,
    wait: float, now: datetime,
) -> bool:  # fmt: skip
    """One step further, unless somebody began anew or stopped it meanwhile; False then."""
    found = conn.execute(
        BACKFILLS.update()
        .where(_B.connection == row.connection, _B.state == "running", _B.steps == row.steps)
        .where(_B.started_at == row.started_at)
        .values(
            cursor=cursor, state="done" if done else "running", seen=_B.seen + seen, fresh=_B.fresh + fresh,
            total=total if total is not None else _B.total, steps=_B.steps + 1, next_at=clock() + wait,
            error="", moved_at=now,
        )
    )  # fmt: skip
    return found.rowcount == 1


def told(conn: Connection, row: Any, *, error: str, failed: bool, wait: float) -> None:
    """A step did not succeed: said to people, and tried again after a while unless it never can."""
    conn.execute(
        BACKFILLS.update()
        .where(_B.connection == row.connection, _B.state == "running", _B.steps == row.steps)
        .values(error=error, state="failed" if failed else "running", next_at=clock() + wait)
    )


def set_state(conn: Connection, connection: str, before: Sequence[str], after: str) -> bool:
    """Stop it, or go on from where it stands; False where it is in none of the states before."""
    found = conn.execute(
        BACKFILLS.update()
        .where(_B.connection == connection, _B.state.in_(before))
        .values(state=after, next_at=0.0, error="")
    )
    return found.rowcount == 1


def waiting(conn: Connection, connection: str, most: int) -> int:
    """How many deliveries of a connection wait to be processed; counts no further than `most`."""
    some = (
        sa.select(INBOX.c.id).where(INBOX.c.state == PENDING, INBOX.c.connection == connection).limit(most)
    ).subquery()
    return int(conn.execute(sa.select(sa.func.count()).select_from(some)).scalar_one())
