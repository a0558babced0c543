"""The two durable queues: claiming with a lease, settling behind a fence, and what is due.

A row is claimed by one portable statement; attempts are counted then, before the work, so a row that kills
its worker is bounded too. The lease's value is the fencing token: who settles must still hold it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Table

from hub.store.database import clock
from hub.store.tables import CONNECTIONS, INBOX, XREF

SUSPECT = 2  # rows tried this often are claimed alone: one of them may be killing its worker


def _due(table: Table) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.state == "pending", table.c.next_at <= clock(), table.c.lease_until < clock())


def _claim(conn: Connection, table: Table, lease: float, where: Any, limit: int) -> Sequence[Any]:
    chosen = (
        sa.select(table.c.id)
        .where(_due(table), where)
        .order_by(table.c.next_at)
        .limit(limit)
        .with_for_update(skip_locked=True)  # ignored by SQLite, which has one writer anyway
    )
    taken = (
        table.update()
        .where(table.c.id.in_(chosen))
        .values(lease_until=clock() + lease, attempts=table.c.attempts + 1, **_begun(table))
        .returning(*table.c)
    )
    return sorted(conn.execute(taken).all(), key=lambda row: (row.next_at, row.id))


def _begun(table: Table) -> dict[str, Any]:
    """A claimed delivery is in doubt until it is settled: its worker may die after the vendor wrote."""
    return {"unsettled": XREF.c.unsettled + 1} if table is XREF else {}


def claim(conn: Connection, table: Table, *, lease: float, limit: int, where: Any = None) -> Sequence[Any]:
    """Up to `limit` due rows, oldest first, held for `lease` seconds."""
    narrowed = sa.true() if where is None else where
    rows = _claim(conn, table, lease, sa.and_(narrowed, table.c.attempts < SUSPECT), limit)
    return rows or _claim(conn, table, lease, narrowed, 1)


def claim_inbox(conn: Connection, *, lease: float, limit: int) -> Sequence[Any]:
    """Deliveries to process, of connections that are neither paused nor slowed."""
    held = sa.select(CONNECTIONS.c.name).where(
        sa.or_(CONNECTIONS.c.state == "paused", CONNECTIONS.c.slow_until > clock())
    )
    return claim(conn, INBOX, lease=lease, limit=limit, where=INBOX.c.connection.not_in(held))


def claim_xref(
    conn: Connection, connection: str, *, lease: float, limit: int, concurrency: int
) -> Sequence[Any]:
    """Documents to deliver to one connection, if it is active, not slowed, and has a free slot.

    A slot is one batch in one worker, seen as one distinct lease: so the bound holds across all workers.
    """
    open_for_us = conn.execute(
        sa.select(CONNECTIONS.c.name)
        .where(CONNECTIONS.c.name == connection, CONNECTIONS.c.state == "active")
        .where(CONNECTIONS.c.slow_until <= clock())
        .with_for_update()
    ).first()
    if open_for_us is None or _slots(conn, connection) >= concurrency:
        return ()
    return claim(conn, XREF, lease=lease, limit=limit, where=XREF.c.connection == connection)


def _slots(conn: Connection, connection: str) -> int:
    held = sa.select(sa.func.count(XREF.c.lease_until.distinct())).where(
        XREF.c.connection == connection, XREF.c.state == "pending", XREF.c.lease_until >= clock()
    )
    return int(conn.execute(held).scalar_one())


def settle(conn: Connection, table: Table, row: Any, **values: Any) -> bool:
    """Finish our claim of a row; False when somebody else holds it by now, and nothing was written."""
    done = conn.execute(
        table.update()
        .where(table.c.id == row.id, table.c.lease_until == row.lease_until)
        .values(lease_until=0.0, **values)
    )
    return done.rowcount == 1


def put_back(conn: Connection, table: Table, rows: Sequence[Any]) -> None:
    """Return claimed rows that were not begun: the claim costs them no attempt."""
    for row in rows:
        again = {"unsettled": row.unsettled - 1} if table is XREF else {}
        settle(conn, table, row, attempts=row.attempts - 1, **again)


def due_connections(conn: Connection) -> Sequence[str]:
    """Connections with documents due for delivery now."""
    query = (
        sa.select(XREF.c.connection)
        .join(CONNECTIONS, CONNECTIONS.c.name == XREF.c.connection)
        .where(_due(XREF), CONNECTIONS.c.state == "active", CONNECTIONS.c.slow_until <= clock())
        .distinct()
    )
    return list(conn.execute(query).scalars())


def inbox_due(conn: Connection) -> bool:
    """Is any delivery waiting to be processed?"""
    return conn.execute(sa.select(INBOX.c.id).where(_due(INBOX)).limit(1)).first() is not None


def wake(conn: Connection, table: Table, row_id: str) -> bool:
    """Make a stopped or waiting row due now with a fresh count; False when there is none such."""
    again = conn.execute(
        table.update()
        .where(table.c.id == row_id, table.c.state.in_(("pending", "dead")))
        .values(state="pending", next_at=clock(), attempts=sa.case((table.c.attempts > 0, 1), else_=0))
    )
    return again.rowcount == 1
