"""The two durable queues: claiming with a lease, settling behind a fence, and what is due.

A row is claimed by one portable statement; attempts are counted then, before the work, so a row that kills
its worker is bounded too. The lease's value is the fencing token: who settles must still hold it.
Statements are built once: building one costs more than running it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Table

from hub.store.database import clock
from hub.store.tables import CONNECTIONS, INBOX, PENDING, XREF

SUSPECT = 2  # rows tried this often are claimed alone: one of them may be killing its worker


def _due(table: Table) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.state == PENDING, table.c.next_at <= clock(), table.c.lease_until < clock())


def _place(table: Table) -> sa.ColumnElement[bool]:
    """Which rows a worker may take: of one connection, or of all that are neither paused nor slowed."""
    if table is XREF:
        return XREF.c.connection == sa.bindparam("place")
    held = sa.select(CONNECTIONS.c.name).where(
        sa.or_(CONNECTIONS.c.state == "paused", CONNECTIONS.c.slow_until > clock())
    )
    return INBOX.c.connection.not_in(held)


@cache
def _claim_statement(table: Table, *, suspects: bool, some: bool) -> Any:
    """`some`: not of the connections in the parameter `without`, which costs to fill in."""
    trusted = sa.true() if suspects else table.c.attempts < SUSPECT
    gathering: sa.BindParameter[str] = sa.bindparam("without", expanding=True)
    others = table.c.connection.not_in(gathering) if some else sa.true()
    chosen = (
        sa.select(table.c.id)
        .where(_due(table), _place(table), trusted, others)
        .order_by(table.c.next_at)
        .limit(sa.bindparam("most", type_=sa.Integer))
        .with_for_update(skip_locked=True)  # ignored by SQLite, which has one writer anyway
    )
    # a claimed document is in doubt until it is settled: its worker may die after the vendor wrote
    begun = {"unsettled": XREF.c.unsettled + 1} if table is XREF else {}
    lease = sa.bindparam("lease", type_=sa.Double)
    return (
        table.update()
        .where(table.c.id.in_(chosen))
        .values(lease_until=clock() + lease, attempts=table.c.attempts + 1, **begun)
        .returning(*table.c)
    )


def _claim(conn: Connection, table: Table, limit: int, **given: Any) -> Sequence[Any]:
    """Up to `limit` due rows, oldest first; rows under suspicion one at a time."""
    some = "without" in given
    trusted, doubtful = (_claim_statement(table, suspects=one, some=some) for one in (False, True))
    rows = conn.execute(trusted, {**given, "most": limit}).all()
    rows = rows or conn.execute(doubtful, {**given, "most": 1}).all()
    return sorted(rows, key=lambda row: (row.next_at, row.id))


def claim_inbox(
    conn: Connection, *, lease: float, limit: int, without: Collection[str] = ()
) -> Sequence[Any]:
    """Deliveries to process, held for `lease` seconds; none of the connections named in `without`."""
    given = {"without": list(without)} if without else {}
    return _claim(conn, INBOX, limit, lease=lease, **given)


_WEIGHTS = (
    sa.select(INBOX.c.id, sa.func.length(INBOX.c.body).label("weight"))
    .where(_due(INBOX), INBOX.c.connection == sa.bindparam("place"), INBOX.c.attempts < SUSPECT)
    .order_by(INBOX.c.next_at, INBOX.c.id)
    .limit(sa.bindparam("most", type_=sa.Integer))
    .with_for_update(skip_locked=True)  # or workers that look at the same rows wait for each other in a ring
)
_CROWD = (
    INBOX.update()
    .where(INBOX.c.id.in_(sa.bindparam("ids", expanding=True)), _due(INBOX))
    .values(lease_until=clock() + sa.bindparam("lease", type_=sa.Double), attempts=INBOX.c.attempts + 1)
    .returning(*INBOX.c)
)


def claim_crowd(conn: Connection, connection: str, *, lease: float, limit: int, weight: int) -> Sequence[Any]:
    """More deliveries of one connection, oldest first, as long as their bodies weigh no more than that."""
    ids: list[str] = []
    for row in conn.execute(_WEIGHTS, {"place": connection, "most": limit}):
        weight -= row.weight
        if weight < 0:
            break
        ids.append(row.id)
    if not ids:
        return ()
    rows = conn.execute(_CROWD, {"ids": ids, "lease": lease}).all()
    return sorted(rows, key=lambda row: (row.next_at, row.id))


_HELD = sa.select(INBOX.c.id).where(
    INBOX.c.id == sa.bindparam("row_id"), INBOX.c.lease_until == sa.bindparam("held")
)


def is_held(conn: Connection, row: Any) -> bool:
    """Is a claimed delivery still ours? The answer holds until the transaction ends."""
    found = conn.execute(_HELD.with_for_update(), {"row_id": row.id, "held": row.lease_until})
    return found.first() is not None


_RENEW = (
    INBOX.update()
    .where(INBOX.c.id == sa.bindparam("row_id"), INBOX.c.lease_until == sa.bindparam("held"))
    .values(lease_until=clock() + sa.bindparam("lease", type_=sa.Double))
    .returning(*INBOX.c)
)


def renew(conn: Connection, row: Any, lease: float) -> Any | None:
    """Hold a claimed delivery for `lease` seconds from now; None when it is somebody else's by now."""
    names = {"row_id": row.id, "held": row.lease_until, "lease": lease}
    return conn.execute(_RENEW, names).first()


_OPEN_FOR_US = (
    sa.select(CONNECTIONS.c.failures)
    .where(CONNECTIONS.c.name == sa.bindparam("place"), CONNECTIONS.c.state == "active")
    .where(CONNECTIONS.c.slow_until <= clock())
    .with_for_update()
)
_SLOTS = sa.select(sa.func.count(XREF.c.lease_until.distinct())).where(
    XREF.c.connection == sa.bindparam("place"),
    XREF.c.state == PENDING,
    XREF.c.lease_until >= clock(),
    sa.text("xref.lease_until > 0"),  # as the index xref_held has it, or SQLite would not use that
)


def claim_xref(
    conn: Connection, connection: str, *, lease: float, limit: int, concurrency: int
) -> Sequence[Any]:
    """Documents to deliver to one connection, if it is active, not slowed, and has a free slot.

    A slot here is one batch in one worker, seen as one distinct lease: so the bound holds across all workers.
    Calls are bounded at the door; this keeps a connection from occupying more workers than it needs.
    """
    name = {"place": connection}
    if conn.execute(_OPEN_FOR_US, name).first() is None:
        return ()
    if conn.execute(_SLOTS, name).scalar_one() >= concurrency:
        return ()
    return _claim(conn, XREF, limit, lease=lease, place=connection)


def settle(conn: Connection, table: Table, row: Any, **values: Any) -> bool:
    """Finish our claim of a row; False when somebody else holds it by now, and nothing was written."""
    done = conn.execute(
        table.update()
        .where(table.c.id == row.id, table.c.lease_until == row.lease_until)
        .values(lease_until=0.0, **values)
    )
    return done.rowcount == 1


_PROCESSED = (
    INBOX.update()
    .where(INBOX.c.id == sa.bindparam("row_id"), INBOX.c.lease_until == sa.bindparam("held"))
    .values(lease_until=0.0, state="done", last_error=None)
)


def processed(conn: Connection, rows: Sequence[Any]) -> bool:
    """Deliveries that were carried through; False when any of them is somebody else's by now."""
    held = [{"row_id": row.id, "held": row.lease_until} for row in rows]
    return conn.execute(_PROCESSED, held).rowcount == len(rows)


def put_back(conn: Connection, table: Table, rows: Sequence[Any]) -> None:
    """Return claimed rows that were not begun: the claim costs them no attempt."""
    for row in rows:
        again = {"unsettled": row.unsettled - 1} if table is XREF else {}
        settle(conn, table, row, attempts=row.attempts - 1, **again)


def due_connections(conn: Connection) -> Sequence[str]:
    """Connections with documents due for delivery now."""
    due = sa.exists().where(XREF.c.connection == CONNECTIONS.c.name, _due(XREF))
    active = sa.and_(CONNECTIONS.c.state == "active", CONNECTIONS.c.slow_until <= clock())
    return list(conn.execute(sa.select(CONNECTIONS.c.name).where(active, due)).scalars())


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
