"""What one reconciliation works on: both books' open items side by side, and the sums of what was found.

Everything goes in pages through scratch tables, so that memory does not grow with the books.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from hub.comparing import Effects, Here, There
from hub.ledger import Account
from hub.store.database import insert_into, insert_new
from hub.store.tables import (
    DOCUMENTS,
    INBOX,
    JOURNAL,
    PENDING,
    POSTINGS,
    RECONCILED_HERE,
    RECONCILED_THERE,
    RECONCILED_TOTALS,
    XREF,
)

OPEN_STATES: Sequence[tuple[str, str]] = (  # of which kind and state a document may have something open
    ("invoice", "issued"), ("invoice", "part_paid"),
    ("credit_memo", "issued"), ("credit_memo", "part_applied"),
    ("payment", "received"), ("payment", "unidentified"), ("payment", "unapplied"),
    ("payment", "part_applied"),
)  # fmt: skip
_D, _X, _P = DOCUMENTS.c, XREF.c, POSTINGS.c
_H, _T, _S = RECONCILED_HERE.c, RECONCILED_THERE.c, RECONCILED_TOTALS.c


class Stood(NamedTuple):
    """A document with its cross-reference, and where the next page begins."""

    here: Here
    created_at: datetime
    tied: bool  # the connection has a row for it
    unwanted: bool  # ... which says that a mapping keeps it away


# -- our side ----------------------------------------------------------------
def _documents(connection: str) -> Any:
    tie = sa.and_(_X.connection == connection, _X.document_id == _D.id)
    return sa.select(
        _D.id, _D.kind, _D.number, _D.customer_id, _D.currency, _D.amount_minor, _D.state, _D.updated_at,
        _D.created_at, _D.origin, _X.state.label("outbox"), _X.external_id, _X.last_error, _X.wanted_at,
    ).select_from(DOCUMENTS.outerjoin(XREF, tie))  # fmt: skip


def open_page(
    conn: Connection, connection: str, kind: str, state: str, *, after: tuple[datetime, str] | None,
    customer: str, limit: int,
) -> Sequence[Stood]:  # fmt: skip
    """Documents of a kind in a state, oldest first, whatever of them is open."""
    query = _documents(connection).where(_D.kind == kind, _D.state == state)
    if customer:
        query = query.where(_D.customer_id == customer)
    if after:
        at, last = after
        query = query.where(sa.or_(_D.created_at > at, sa.and_(_D.created_at == at, _D.id > last)))
    rows = conn.execute(query.order_by(_D.created_at, _D.id).limit(limit)).all()
    return _stood(conn, connection, rows)


def named(conn: Connection, connection: str, ids: Collection[str]) -> Mapping[str, Stood]:
    """These documents by id, if they are receivables, credits or payments."""
    kinds = {kind for kind, _ in OPEN_STATES}
    rows = conn.execute(_documents(connection).where(_D.id.in_(list(ids)), _D.kind.in_(kinds))).all()
    return {one.here.document_id: one for one in _stood(conn, connection, rows)}


def _stood(conn: Connection, connection: str, rows: Sequence[Any]) -> Sequence[Stood]:
    invoices = [row.id for row in rows if row.kind == "invoice"]
    others = [row.id for row in rows if row.kind != "invoice"]
    books = {
        **_balances(conn, _P.invoice_id, (Account.RECEIVABLE,), invoices, 1),
        **_balances(conn, _P.payment_id, (Account.UNAPPLIED, Account.CREDIT), others, -1),
    }
    found = []
    for row in rows:
        still, moved_at = books.get((row.id, row.currency), (0, row.updated_at))
        wanted_at = row.wanted_at if row.outbox == "pending" else None
        here = Here(
            row.id, row.kind, row.number, row.customer_id, row.currency, row.amount_minor, still, row.state,
            max(filter(None, (row.updated_at, moved_at, wanted_at))), row.external_id or "",
            row.outbox or "", (row.last_error or "")[:300], row.origin == connection,
        )  # fmt: skip
        unwanted = row.outbox == "done" and not row.external_id
        found.append(Stood(here, row.created_at, row.outbox is not None, unwanted))
    return found


def _balances(
    conn: Connection, by: sa.ColumnElement[str], accounts: Sequence[Account], ids: Sequence[str], sign: int
) -> Mapping[tuple[str, str], tuple[int, datetime]]:
    if not ids:
        return {}
    last = sa.func.max(_P.at, type_=_P.at.type)
    rows = conn.execute(
        sa.select(by, _P.currency, sa.func.sum(_P.amount_minor), last)
        .where(by.in_(ids), _P.account.in_(accounts))
        .group_by(by, _P.currency)
    )
    return {(key, currency): (sign * int(total), at) for key, currency, total, at in rows}


def events_of(conn: Connection, ids: Collection[str]) -> Mapping[str, Collection[str]]:
    """Names of the events these documents have had."""
    found: dict[str, set[str]] = {}
    query = sa.select(JOURNAL.c.document_id, JOURNAL.c.event).where(JOURNAL.c.document_id.in_(list(ids)))
    for document_id, event in conn.execute(query.distinct()):
        found.setdefault(document_id, set()).add(event)
    return found


def put_here(conn: Connection, run_id: str, heres: Sequence[Here]) -> int:
    """Stage our items, each once; returns how many were new."""
    rows = [
        {
            "run_id": run_id, "document_id": one.document_id, "kind": one.kind, "number": one.number,
            "customer_id": one.customer, "currency": one.currency, "amount_minor": one.amount,
            "open_minor": one.open, "state": one.state, "changed_at": one.changed_at,
            "external_id": one.external_id, "outbox": one.outbox, "error": one.error,
            "theirs": int(one.theirs), "met": "",
        }
        for one in heres
    ]  # fmt: skip
    return insert_new(conn, RECONCILED_HERE, rows) if rows else 0


def here_page(conn: Connection, run_id: str, after: str, limit: int) -> Sequence[Here]:
    """Staged items of ours by document id."""
    query = sa.select(RECONCILED_HERE).where(_H.run_id == run_id, _H.document_id > after)
    return [_here(row) for row in conn.execute(query.order_by(_H.document_id).limit(limit))]


def staged_here(conn: Connection, run_id: str, ids: Collection[str]) -> Mapping[str, tuple[Here, str]]:
    """Of these documents those that were staged, each with the id of the item it was compared with."""
    rows = conn.execute(sa.select(RECONCILED_HERE).where(_H.run_id == run_id, _H.document_id.in_(list(ids))))
    return {row.document_id: (_here(row), row.met) for row in rows}


def _here(row: Any) -> Here:
    return Here(
        row.document_id, row.kind, row.number, row.customer_id, row.currency, row.amount_minor,
        row.open_minor, row.state, row.changed_at, row.external_id, row.outbox, row.error, bool(row.theirs),
    )  # fmt: skip


def absent_page(conn: Connection, run_id: str, after: str, limit: int) -> Sequence[Here]:
    """Items of ours that the system knows by an id and did not list as open, by document id."""
    listed = sa.exists().where(_T.run_id == _H.run_id, _T.kind == _H.kind, _T.external_id == _H.external_id)
    query = (
        sa.select(RECONCILED_HERE)
        .where(_H.run_id == run_id, _H.document_id > after, _H.external_id != "", ~listed)
        .order_by(_H.document_id)
        .limit(limit)
    )
    return [_here(row) for row in conn.execute(query)]


def counterparts(
    conn: Connection, run_id: str, one: Here, gap: int, kinds: Collection[str]
) -> Sequence[Here]:
    """Items of the same customer and currency that differ by as much, the other way round: at most two."""
    both = sa.and_(_T.run_id == _H.run_id, _T.kind == _H.kind, _T.external_id == _H.external_id)
    query = (
        sa.select(RECONCILED_HERE)
        .join(RECONCILED_THERE, both)
        .where(_H.run_id == run_id, _H.customer_id == one.customer, _H.currency == one.currency)
        .where(_H.kind.in_(list(kinds)), _H.open_minor - _T.open_minor == gap)
        .limit(2)
    )
    return [_here(row) for row in conn.execute(query)]


def told_of(conn: Connection, connection: str, ids: Collection[str]) -> Mapping[str, tuple[str, str]]:
    """What a connection knows of these documents: (external id, state of the row)."""
    rows = conn.execute(
        sa.select(_X.document_id, _X.external_id, _X.state).where(
            _X.connection == connection, _X.document_id.in_(list(ids))
        )
    )
    return {row.document_id: (row.external_id or "", row.state) for row in rows}


# -- their side --------------------------------------------------------------
def put_there(conn: Connection, run_id: str, theres: Sequence[There], *, listed: bool) -> int:
    """Stage the system's items, each once; returns how many were new."""
    rows = [
        {
            "run_id": run_id, "kind": one.kind, "external_id": one.external_id, "number": one.number[:200],
            "customer": one.customer, "currency": one.currency[:12], "amount_minor": one.amount,
            "open_minor": one.open, "reference": one.reference[:200], "status": one.status[:60],
            "listed": int(listed), "fault": one.fault[:200], "met": 0,
        }
        for one in theres
    ]  # fmt: skip
    return insert_new(conn, RECONCILED_THERE, rows) if rows else 0


def there_of(conn: Connection, run_id: str, heres: Sequence[Here]) -> Mapping[str, There]:
    """For each of our items the system's, by the id it has there, else by our reference in it."""
    names, references = _partners(conn, run_id, heres)
    found: dict[str, There] = {}
    for one in heres:
        there = names.get((one.kind, one.external_id)) if one.external_id else None
        if there is None and not one.external_id:
            there = references.get((one.kind, one.document_id))
        if there is not None:
            found[one.document_id] = there
    return found


def _partners(
    conn: Connection, run_id: str, heres: Sequence[Here]
) -> tuple[dict[Any, There], dict[Any, There]]:
    ids = [one.external_id for one in heres if one.external_id]
    ours = [one.document_id for one in heres if not one.external_id]
    names: dict[Any, There] = {}
    references: dict[Any, There] = {}
    if ids:
        for row in conn.execute(
            sa.select(RECONCILED_THERE).where(_T.run_id == run_id, _T.external_id.in_(ids))
        ):
            names[row.kind, row.external_id] = _there(row)
    if ours:
        query = sa.select(RECONCILED_THERE).where(_T.run_id == run_id, _T.reference.in_(ours))
        for row in conn.execute(query.order_by(_T.external_id.desc())):
            references[row.kind, row.reference] = _there(row)
    return names, references


def _there(row: Any) -> There:
    return There(
        row.external_id, row.kind, row.number, row.customer, row.currency, row.amount_minor, row.open_minor,
        row.reference, row.status, row.fault,
    )  # fmt: skip


def meet(conn: Connection, run_id: str, pairs: Sequence[tuple[Here, There]]) -> None:
    """These items were compared with each other."""
    if not pairs:
        return
    ours = RECONCILED_HERE.update().where(_H.run_id == run_id, _H.document_id == sa.bindparam("of_here"))
    theirs = RECONCILED_THERE.update().where(
        _T.run_id == run_id, _T.kind == sa.bindparam("of_kind"), _T.external_id == sa.bindparam("of_there")
    )
    given = [
        {"of_here": h.document_id, "of_there": t.external_id, "of_kind": t.kind, "known_as": t.external_id}
        for h, t in pairs
    ]
    conn.execute(
        ours.values(met=sa.bindparam("known_as")),
        [{"of_here": one["of_here"], "known_as": one["known_as"]} for one in given],
    )
    conn.execute(
        theirs.values(met=1), [{"of_kind": one["of_kind"], "of_there": one["of_there"]} for one in given]
    )


def unmet_page(conn: Connection, run_id: str, after: tuple[str, str], limit: int) -> Sequence[There]:
    """Open items of the system that none of ours was compared with, by kind and id."""
    kind, last = after
    query = (
        sa.select(RECONCILED_THERE)
        .where(_T.run_id == run_id, _T.listed == 1, _T.met == 0)
        .where(sa.or_(_T.kind > kind, sa.and_(_T.kind == kind, _T.external_id > last)))
        .order_by(_T.kind, _T.external_id)
        .limit(limit)
    )
    return [_there(row) for row in conn.execute(query)]


def homes(conn: Connection, connection: str, kind: str, external_ids: Collection[str]) -> Mapping[str, str]:
    """Our documents behind a system's ids, by those ids."""
    if not external_ids:
        return {}
    rows = conn.execute(
        sa.select(_X.external_id, _X.document_id).where(
            _X.connection == connection, _X.kind == kind, _X.external_id.in_(list(external_ids))
        )
    )
    return {row.external_id: row.document_id for row in rows}


def names_of(conn: Connection, connection: str, document_id: str) -> Sequence[str]:
    """What a connection calls one of our documents; empty where it does not know it."""
    query = sa.select(_X.external_id).where(_X.connection == connection, _X.document_id == document_id)
    return [found for found in conn.execute(query).scalars() if found]


def is_behind(conn: Connection, connection: str, since: datetime) -> bool:
    """Did deliveries of a system come since then that are not read yet?"""
    query = sa.select(INBOX.c.id).where(
        INBOX.c.state == PENDING, INBOX.c.connection == connection, INBOX.c.received_at > since
    )
    return conn.execute(query.limit(1)).first() is not None


# -- sums --------------------------------------------------------------------
def add(conn: Connection, run_id: str, all_of: Effects, *, explained: Effects, flying: Effects) -> None:
    """Add what a page of items is worth to the sums of the run."""
    rows = [
        {
            "run_id": run_id, "customer_id": customer, "currency": currency, "here_minor": sums.here,
            "there_minor": sums.there, "explained_minor": _gap(explained, customer, currency),
            "in_flight_minor": _gap(flying, customer, currency),
        }
        for (customer, currency), sums in sorted(all_of.items())
    ]  # fmt: skip
    if not rows:
        return
    insert = insert_into(conn.dialect.name, RECONCILED_TOTALS)
    fields = ("here_minor", "there_minor", "explained_minor", "in_flight_minor")
    conn.execute(
        insert.on_conflict_do_update(
            index_elements=["run_id", "customer_id", "currency"],
            set_={name: _S[name] + insert.excluded[name] for name in fields},
        ),
        rows,
    )


def _gap(of: Effects, customer: str, currency: str) -> int:
    sums = of.get((customer, currency))
    return sums.here - sums.there if sums else 0


def untied(conn: Connection, run_id: str) -> int:
    """How many customers' sums do not tie out: none, or we are wrong."""
    off = _S.here_minor - _S.there_minor != _S.explained_minor + _S.in_flight_minor
    query = sa.select(sa.func.count()).select_from(RECONCILED_TOTALS).where(_S.run_id == run_id, off)
    return int(conn.execute(query).scalar_one())


def grand_totals(conn: Connection, run_id: str) -> Sequence[Mapping[str, Any]]:
    """The sums per currency, in minor units."""
    fields = (_S.here_minor, _S.there_minor, _S.explained_minor, _S.in_flight_minor)
    rows = conn.execute(
        sa.select(_S.currency, *(sa.func.sum(one) for one in fields))
        .where(_S.run_id == run_id)
        .group_by(_S.currency)
        .order_by(_S.currency)
    )
    names = ("currency", "here", "there", "explained", "in_flight")
    return [dict(zip(names, (row[0], *(int(one) for one in row[1:])), strict=True)) for row in rows]


def drop(conn: Connection, run_id: str) -> None:
    """Keep of a run only the sums of customers that differ."""
    conn.execute(RECONCILED_HERE.delete().where(_H.run_id == run_id))
    conn.execute(RECONCILED_THERE.delete().where(_T.run_id == run_id))
    same = sa.and_(_S.here_minor == _S.there_minor, _S.explained_minor == 0, _S.in_flight_minor == 0)
    conn.execute(RECONCILED_TOTALS.delete().where(_S.run_id == run_id, same))


def off(conn: Connection, run_id: str, *, limit: int, after: str = "") -> Sequence[Any]:
    """Sums of customers that differ, by customer; `after` is the last customer of the page before."""
    query = sa.select(RECONCILED_TOTALS).where(_S.run_id == run_id, _S.customer_id > after)
    return conn.execute(query.order_by(_S.customer_id, _S.currency).limit(limit)).all()
