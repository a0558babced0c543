"""Reconciliations: every run and what it found, and what was done about each difference."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection, Row

from hub.store.database import insert_many, new_id
from hub.store.tables import (
    CASES,
    DIFFERENCES,
    DOCUMENTS,
    RECONCILED_HERE,
    RECONCILED_THERE,
    RECONCILED_TOTALS,
    RECONCILIATIONS,
    XREF,
)

KEPT_MAX = 10_000  # differences of one run that are stored
RUNS_MAX = 30  # per connection; older ones are forgotten
REASON = "reconciliation"
_DIED = "the process that worked on it ended; run it again"
_R, _D = RECONCILIATIONS.c, DIFFERENCES.c


class Filter(NamedTuple):
    """Which differences of a run; empty: whatever they have."""

    whys: Sequence[str] = ()
    kind: str = ""
    customer: str = ""
    in_flight: bool | None = None
    open_only: bool = False  # nothing was done about it yet
    seqs: Sequence[int] | None = None


EVERY = Filter()


def as_json(value: Any) -> str:
    """As it is stored."""
    return orjson.dumps(value).decode()


# -- runs --------------------------------------------------------------------
def one(conn: Connection, run_id: str) -> Row[Any] | None:
    """A run, or None."""
    return conn.execute(sa.select(RECONCILIATIONS).where(_R.id == run_id)).first()


def asked(conn: Connection) -> Sequence[Row[Any]]:
    """Runs that people asked for and that nobody has begun, oldest first."""
    return conn.execute(
        sa.select(RECONCILIATIONS).where(_R.state == "asked").order_by(_R.asked_at, _R.id).limit(50)
    ).all()


def runs(conn: Connection, *, connection: str = "", limit: int = 50, after: str = "") -> Sequence[Row[Any]]:
    """Runs, newest first; `after` is the id of the last one of the page before."""
    query = sa.select(RECONCILIATIONS)
    if connection:
        query = query.where(_R.connection == connection)
    if after:
        query = query.where(_R.id < after)
    return conn.execute(query.order_by(_R.id.desc()).limit(min(limit, 200))).all()


def last(conn: Connection, connection: str, *, by: str = "") -> Row[Any] | None:
    """The last run of a connection, or the last that this one asked for."""
    query = sa.select(RECONCILIATIONS).where(_R.connection == connection)
    if by:
        query = query.where(_R.asked_by == by)
    return conn.execute(query.order_by(_R.id.desc()).limit(1)).first()


def ask(conn: Connection, connection: str, *, customer: str, by: str, now: datetime) -> str:
    """Note down that a run is wanted; returns its id."""
    run_id = new_id()
    conn.execute(
        RECONCILIATIONS.insert(),
        {
            "id": run_id, "connection": connection, "state": "asked", "customer_id": customer, "asked_by": by,
            "asked_at": now, "step": "waits for its turn", "items_here": 0, "items_there": 0, "found": 0,
            "in_flight": 0, "kept": 0, "counts": "{}", "totals": "[]", "error": "",
        },
    )  # fmt: skip
    return run_id


def begin(conn: Connection, run_id: str, now: datetime) -> bool:
    """It is under way; False when another process has begun it."""
    found = conn.execute(
        RECONCILIATIONS.update()
        .where(_R.id == run_id, _R.state == "asked")
        .values(state="running", started_at=now, step="begins")
    )
    return found.rowcount == 1


def give_up_others(conn: Connection, connection: str, run_id: str, now: datetime) -> None:
    """Runs of a connection whose process died: whoever holds its lease knows that nobody works on them."""
    left = sa.select(_R.id).where(_R.connection == connection, _R.state == "running", _R.id != run_id)
    ids = list(conn.execute(left).scalars())
    if ids:
        conn.execute(
            RECONCILIATIONS.update()
            .where(_R.id.in_(ids))
            .values(state="failed", finished_at=now, error=_DIED)
        )
        forget(conn, ids)


def step(conn: Connection, run_id: str, text: str, **values: Any) -> None:
    """Tell people what it is at."""
    conn.execute(RECONCILIATIONS.update().where(_R.id == run_id).values(step=text[:60], **values))


def end(conn: Connection, run_id: str, *, state: str, now: datetime, **values: Any) -> None:
    """It has ended."""
    conn.execute(
        RECONCILIATIONS.update()
        .where(_R.id == run_id)
        .values(state=state, finished_at=now, step="", **values)
    )


def forget(conn: Connection, run_ids: Collection[str]) -> None:
    """Drop what runs worked on and found; the runs themselves stay."""
    for table in (RECONCILED_HERE, RECONCILED_THERE, RECONCILED_TOTALS, DIFFERENCES):
        conn.execute(table.delete().where(table.c.run_id.in_(list(run_ids))))


def tidy(conn: Connection, connection: str) -> None:
    """Forget all but the newest runs of a connection."""
    old = sa.select(_R.id).where(_R.connection == connection).order_by(_R.id.desc()).offset(RUNS_MAX)
    # SQLite knows no OFFSET without a LIMIT
    ids = list(conn.execute(old.limit(1_000)).scalars())
    if ids:
        forget(conn, ids)
        conn.execute(RECONCILIATIONS.delete().where(_R.id.in_(ids)))


# -- differences -------------------------------------------------------------
def keep(conn: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store differences."""
    blank = {"repair": "", "repaired_by": "", "outcome": ""}
    if rows:
        insert_many(conn, DIFFERENCES.insert(), [{**row, **blank} for row in rows])


def differences(
    conn: Connection, run_id: str, wanted: Filter = EVERY, *, limit: int = 50, after: int = 0
) -> Sequence[Row[Any]]:
    """Differences of a run in the order they were found; `after` is the last one of the page before."""
    query = sa.select(DIFFERENCES).where(_D.run_id == run_id, _D.seq > after, *_where(wanted))
    return conn.execute(query.order_by(_D.seq).limit(limit)).all()


def _where(wanted: Filter) -> Sequence[sa.ColumnElement[bool]]:
    where: list[sa.ColumnElement[bool]] = []
    if wanted.whys:
        where.append(_D.why.in_(wanted.whys))
    if wanted.kind:
        where.append(_D.kind == wanted.kind)
    if wanted.customer:
        where.append(
            sa.or_(_D.customer_id == wanted.customer, _D.customer.icontains(wanted.customer, autoescape=True))
        )
    if wanted.in_flight is not None:
        where.append(_D.in_flight == int(wanted.in_flight))
    if wanted.open_only:
        where.append(_D.repair == "")
    if wanted.seqs is not None:
        where.append(_D.seq.in_(list(wanted.seqs)))
    return where


def repaired(conn: Connection, seq: int, *, repair: str, by: str, outcome: str, now: datetime) -> bool:
    """Note what was done about a difference; False when the same was done already."""
    found = conn.execute(
        DIFFERENCES.update()
        .where(_D.seq == seq, _D.repair != repair)
        .values(repair=repair, repaired_by=by, repaired_at=now, outcome=outcome)
    )
    return found.rowcount == 1


# -- what surrounds them -----------------------------------------------------
def customers_called(conn: Connection, connection: str, text: str) -> Sequence[str]:
    """Ids of the customers with this id, name, or id at the connection; at most two are looked for."""
    tie = sa.and_(XREF.c.document_id == DOCUMENTS.c.id, XREF.c.connection == connection)
    rows = conn.execute(
        sa.select(DOCUMENTS.c.id)
        .select_from(DOCUMENTS.outerjoin(XREF, tie))
        .where(DOCUMENTS.c.kind == "customer")
        .where(
            sa.or_(
                DOCUMENTS.c.id == text,
                sa.func.lower(DOCUMENTS.c.number) == text.lower(),
                XREF.c.external_id == text,
            )
        )
        .limit(2)
    )
    return list(rows.scalars())


def questions(conn: Connection, connection: str, customer: str) -> set[str]:
    """Subjects of the open cases about differences with a connection, or with one customer of it."""
    query = sa.select(CASES.c.subject, CASES.c.evidence).where(
        CASES.c.reason == REASON, CASES.c.connection == connection, CASES.c.state == "open"
    )
    rows = conn.execute(query)
    return {
        row.subject
        for row in rows
        if not customer or orjson.loads(row.evidence).get("customer_id") == customer
    }


def answer(conn: Connection, subjects: Collection[str], now: datetime) -> int:
    """Close cases whose difference is gone; returns how many there were."""
    done = conn.execute(
        CASES.update()
        .where(CASES.c.subject.in_(list(subjects)), CASES.c.state == "open")
        .values(
            state="resolved", subject=None, resolved_at=now, resolved_by="hub",
            decision="overtaken", note="a later reconciliation found no difference",
        )
    )  # fmt: skip
    return done.rowcount


def lose(conn: Connection, connection: str, document_id: str, external_id: str) -> bool:
    """The system has no such object any more: our document is to be made there anew."""
    done = conn.execute(
        XREF.update()
        .where(XREF.c.connection == connection, XREF.c.document_id == document_id)
        .where(XREF.c.external_id == external_id)
        .values(external_id=None, sent=0, unsettled=0)
    )
    return done.rowcount == 1
