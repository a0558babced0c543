"""Connections, their cursors, and the brakes the hub puts on them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection, Row

from hub.errors import Invalid
from hub.store.database import Database, clock
from hub.store.tables import CONNECTIONS, CURSORS, INBOX, XREF

SLOW_MAX = 30.0  # seconds between probes of a system that does not answer
_FAILURES_MAX = 6  # 2 ** 6 halves of a second is beyond SLOW_MAX


def every(conn: Connection) -> Sequence[Row[Any, Any]]:
    """All connections by name."""
    return conn.execute(sa.select(CONNECTIONS).order_by(CONNECTIONS.c.name)).all()


def one(conn: Connection, name: str) -> Row[Any, Any] | None:
    """A connection, or None."""
    return conn.execute(sa.select(CONNECTIONS).where(CONNECTIONS.c.name == name)).first()


def save(
    database: Database, conn: Connection, name: str, connector: str, settings: Mapping[str, Any], *,
    poll_seconds: float, now: datetime,
) -> None:  # fmt: skip
    """Create or change a connection. Raises Invalid when the name belongs to another connector."""
    known = one(conn, name)
    if known is not None and known.connector != connector:
        raise Invalid(f"connection {name!r} exists with connector {known.connector!r}", field="name")
    text = orjson.dumps(dict(settings)).decode()
    if known is None:
        conn.execute(
            CONNECTIONS.insert(),
            {
                "name": name, "connector": connector, "settings": text, "state": "active", "paused_why": "",
                "poll_seconds": poll_seconds, "slow_until": 0.0, "failures": 0, "health": "{}",
                "revision": 1, "created_at": now, "updated_at": now,
            },
        )  # fmt: skip
        return
    conn.execute(
        CONNECTIONS.update()
        .where(CONNECTIONS.c.name == name)
        .values(settings=text, poll_seconds=poll_seconds, updated_at=now, revision=known.revision + 1)
    )


def pause(conn: Connection, name: str, why: str) -> None:
    """Nothing more is read from or sent to it until it is resumed."""
    conn.execute(
        CONNECTIONS.update().where(CONNECTIONS.c.name == name).values(state="paused", paused_why=why)
    )


def resume(conn: Connection, name: str) -> bool:
    """Work with it again, at once; False when there is no such connection."""
    done = conn.execute(
        CONNECTIONS.update()
        .where(CONNECTIONS.c.name == name)
        .values(state="active", paused_why="", slow_until=0.0, failures=0)
    )
    return done.rowcount == 1


def failed(conn: Connection, name: str, retry_after: float | None) -> None:
    """A call found nobody there or was told to slow down: leave the system alone for a while."""
    backoff = sa.func.min if conn.dialect.name == "sqlite" else sa.func.least
    steps = backoff(CONNECTIONS.c.failures, _FAILURES_MAX)
    pauses = sa.case(
        *((steps == n, min(0.5 * 2.0**n, SLOW_MAX)) for n in range(_FAILURES_MAX)), else_=SLOW_MAX
    )
    wait = pauses if retry_after is None else sa.literal(retry_after)
    conn.execute(
        CONNECTIONS.update()
        .where(CONNECTIONS.c.name == name)
        .values(slow_until=clock() + wait, failures=CONNECTIONS.c.failures + 1)
    )


def answered(conn: Connection, name: str) -> bool:
    """It answers: lift the brake. Was there one?"""
    done = conn.execute(
        CONNECTIONS.update()
        .where(CONNECTIONS.c.name == name, CONNECTIONS.c.failures > 0)
        .values(failures=0, slow_until=0.0)
    )
    return bool(done.rowcount)


def callable_now(conn: Connection) -> Collection[str]:
    """Connections that are neither paused nor told to slow down."""
    free = sa.and_(CONNECTIONS.c.state == "active", CONNECTIONS.c.slow_until <= clock())
    return set(conn.execute(sa.select(CONNECTIONS.c.name).where(free)).scalars())


def note_health(conn: Connection, name: str, health: Mapping[str, Any]) -> None:
    """Keep the answer of the last check for people to see."""
    text = orjson.dumps(dict(health), default=str).decode()
    conn.execute(CONNECTIONS.update().where(CONNECTIONS.c.name == name).values(health=text))


def cursor(conn: Connection, name: str) -> Row[Any, Any] | None:
    """Where polling stands: (cursor, polled_at), or None before the first poll."""
    return conn.execute(sa.select(CURSORS).where(CURSORS.c.connection == name)).first()


def move_cursor(database: Database, conn: Connection, name: str, to: str | None, now: datetime) -> None:
    """Advance the cursor in the transaction that accepted what was read up to it."""
    insert = database.insert(CURSORS).values(connection=name, cursor=to, polled_at=now)
    conn.execute(
        insert.on_conflict_do_update(index_elements=["connection"], set_={"cursor": to, "polled_at": now})
    )


def backlog(conn: Connection) -> Mapping[str, Mapping[str, int]]:
    """Rows per connection that are pending or dead, in both queues."""
    found: dict[str, dict[str, int]] = {}
    for label, table in (("in", INBOX), ("out", XREF)):
        rows = conn.execute(
            sa.select(table.c.connection, table.c.state, sa.func.count())
            .where(table.c.state.in_(("pending", "dead")))
            .group_by(table.c.connection, table.c.state)
        )
        for name, state, count in rows:
            found.setdefault(name, {})[f"{label}_{state}"] = count
    return found
