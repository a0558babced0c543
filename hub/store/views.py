"""Questions that people ask: lists, one order's whole story, the figures of the overview."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from hub.ledger import Account
from hub.model import Money
from hub.store.promoted import match_key
from hub.store.tables import ATTEMPTS, AUDIT, CASES, DOCUMENTS, EVENTS, INBOX, JOURNAL, POSTINGS, XREF

PAGE_MAX = 200
TIMELINE_MAX = 2_000
POSTED_BY: Mapping[str, str] = {  # kind -> the side of a posting that names it
    "invoice": "invoice",
    "customer": "customer",
    **dict.fromkeys(("payment", "credit_memo", "adjustment", "refund", "dispute", "payout"), "payment"),
}
Found = Sequence[Row[Any, Any]]


def case_counts(conn: Connection) -> Mapping[str, int]:
    """Open cases per reason."""
    rows = conn.execute(
        sa.select(CASES.c.reason, sa.func.count()).where(CASES.c.state == "open").group_by(CASES.c.reason)
    )
    return {reason: int(count) for reason, count in rows}


def cases(
    conn: Connection, *, state: str = "open", reason: str = "", limit: int = 50, after: str = ""
) -> Found:
    """Cases, newest first; `after` is the id of the last one of the page before."""
    query = sa.select(CASES).where(CASES.c.state == state)
    if reason:
        query = query.where(CASES.c.reason == reason)
    if after:
        query = query.where(CASES.c.id < after)
    return conn.execute(query.order_by(CASES.c.id.desc()).limit(min(limit, PAGE_MAX))).all()


def case(conn: Connection, case_id: str) -> Row[Any, Any] | None:
    """One case."""
    return conn.execute(sa.select(CASES).where(CASES.c.id == case_id)).first()


def cases_of(conn: Connection, document_ids: Sequence[str]) -> Found:
    """Cases about these documents, oldest first."""
    return conn.execute(
        sa.select(CASES)
        .where(CASES.c.document_id.in_(document_ids))
        .order_by(CASES.c.opened_at)
        .limit(PAGE_MAX)
    ).all()


def unpaid_before(conn: Connection, day: date, *, limit: int, after: str) -> list[str]:
    """Ids of invoices that were due before a day and are not paid, in pages."""
    table = DOCUMENTS.c
    found = (
        sa.select(table.id)
        .where(table.kind == "invoice", table.state.in_(("issued", "part_paid")), table.due_on < day)
        .where(table.id > after)
        .order_by(table.id)
        .limit(limit)
    )
    return list(conn.execute(found).scalars())


def announced_before(conn: Connection, day: date, *, limit: int, after: str) -> list[str]:
    """Ids of remittances whose money was to come before a day and that still wait for it, in pages."""
    return _waiting(conn, "remittance", "waiting", day, limit, after)


def paid_out_before(conn: Connection, day: date, *, limit: int, after: str) -> list[str]:
    """Ids of payouts that were to reach our bank before a day and have not, in pages."""
    return _waiting(conn, "payout", "announced", day, limit, after)


def unanswered_at(conn: Connection, day: date, *, limit: int, after: str) -> list[str]:
    """Ids of interchanges whose acknowledgment is due on that day or was before, in pages."""
    return _waiting(conn, "interchange", "sent", day + timedelta(days=1), limit, after)


def _waiting(conn: Connection, kind: str, state: str, day: date, *page: Any) -> list[str]:
    table, (limit, after) = DOCUMENTS.c, page
    found = (
        sa.select(table.id)
        .where(table.kind == kind, table.state == state, table.due_on < day, table.id > after)
        .order_by(table.id)
        .limit(limit)
    )
    return list(conn.execute(found).scalars())


def documents(
    conn: Connection, *, kind: str, state: str = "", customer: str = "", search: str = "", limit: int = 50,
    after: str = "",
) -> Found:  # fmt: skip
    """Documents of a kind without their bodies, newest first."""
    columns = [c for c in DOCUMENTS.c if c.name != "body"]
    query = sa.select(*columns).where(DOCUMENTS.c.kind == kind)
    if state:
        query = query.where(DOCUMENTS.c.state == state)
    if customer:
        query = query.where(DOCUMENTS.c.customer_id == customer)
    if search:
        query = query.where(_named(search))
    if after:
        query = query.where(DOCUMENTS.c.id < after)
    return conn.execute(query.order_by(DOCUMENTS.c.id.desc()).limit(min(limit, PAGE_MAX))).all()


def newest_ids(conn: Connection, kind: str, count: int) -> Sequence[str]:
    """The ids of a kind's newest documents, newest first."""
    query = sa.select(DOCUMENTS.c.id).where(DOCUMENTS.c.kind == kind)
    return conn.execute(query.order_by(DOCUMENTS.c.created_at.desc()).limit(count)).scalars().all()


def _named(search: str) -> sa.ColumnElement[bool]:
    """Its number begins so, others quote it so, or its customer is called so."""
    customers = DOCUMENTS.alias("customers")
    called = sa.select(customers.c.id).where(
        customers.c.kind == "customer", customers.c.number.icontains(search, autoescape=True)
    )
    ways = [DOCUMENTS.c.number.istartswith(search, autoescape=True), DOCUMENTS.c.customer_id.in_(called)]
    if key := match_key(search):
        ways.append(DOCUMENTS.c.reference.startswith(key, autoescape=True))
    return sa.or_(*ways)


def document(conn: Connection, document_id: str) -> Row[Any, Any] | None:
    """One document with its body."""
    return conn.execute(sa.select(DOCUMENTS).where(DOCUMENTS.c.id == document_id)).first()


def family(conn: Connection, order_id: str) -> Found:
    """An order, its shipments, invoices, the payments that paid them and what explains those."""
    invoices = sa.select(DOCUMENTS.c.id).where(
        DOCUMENTS.c.order_id == order_id, DOCUMENTS.c.kind == "invoice"
    )
    payments = sa.select(POSTINGS.c.payment_id).where(
        POSTINGS.c.invoice_id.in_(invoices), POSTINGS.c.payment_id != ""
    )
    about = ("remittance", "refund", "dispute")
    told = sa.and_(DOCUMENTS.c.kind.in_(about), DOCUMENTS.c.reference.in_(payments))
    query = sa.select(DOCUMENTS).where(
        sa.or_(DOCUMENTS.c.order_id == order_id, DOCUMENTS.c.id.in_(payments), told)
    )
    return conn.execute(query.order_by(DOCUMENTS.c.created_at, DOCUMENTS.c.id).limit(PAGE_MAX)).all()


def journal(conn: Connection, document_ids: Sequence[str]) -> Found:
    """Events of these documents in the order they happened."""
    return conn.execute(
        sa.select(JOURNAL)
        .where(JOURNAL.c.document_id.in_(document_ids))
        .order_by(JOURNAL.c.seq)
        .limit(TIMELINE_MAX)
    ).all()


def attempts(conn: Connection, document_ids: Sequence[str]) -> Found:
    """Deliveries of these documents, each try, in the order they happened."""
    return conn.execute(
        sa.select(ATTEMPTS)
        .where(ATTEMPTS.c.document_id.in_(document_ids))
        .order_by(ATTEMPTS.c.seq)
        .limit(TIMELINE_MAX)
    ).all()


def xrefs(conn: Connection, document_ids: Sequence[str]) -> Found:
    """What every connection knows of these documents."""
    return conn.execute(
        sa.select(XREF)
        .where(XREF.c.document_id.in_(document_ids))
        .order_by(XREF.c.document_id, XREF.c.connection)
        .limit(TIMELINE_MAX)
    ).all()


def postings(conn: Connection, *, invoice: str = "", payment: str = "", customer: str = "") -> Found:
    """Ledger lines of one invoice, customer, or payment (credit memo, adjustment), oldest first."""
    by = {POSTINGS.c.invoice_id: invoice, POSTINGS.c.payment_id: payment, POSTINGS.c.customer_id: customer}
    where = [column == value for column, value in by.items() if value]
    return conn.execute(sa.select(POSTINGS).where(*where).order_by(POSTINGS.c.seq).limit(TIMELINE_MAX)).all()


def deliveries(
    conn: Connection, *, connection: str = "", state: str = "", limit: int = 50, after: str = ""
) -> Found:
    """Deliveries in the inbox without headers and bodies, newest first."""
    columns = [c for c in INBOX.c if c.name not in ("body", "headers")]
    query: Any = sa.select(*columns, sa.func.length(INBOX.c.body).label("size"))
    if connection:
        query = query.where(INBOX.c.connection == connection)
    if state:
        query = query.where(INBOX.c.state == state)
    if after:
        query = query.where(INBOX.c.id < after)
    found: Found = conn.execute(query.order_by(INBOX.c.id.desc()).limit(min(limit, PAGE_MAX))).all()
    return found


def delivery(conn: Connection, inbox_id: str) -> Row[Any, Any] | None:
    """One delivery as it came."""
    return conn.execute(sa.select(INBOX).where(INBOX.c.id == inbox_id)).first()


def delivery_of_event(conn: Connection, connection: str, event_id: str) -> Row[Any, Any, Any] | None:
    """The delivery that brought an event, without its body: id, headers, received_at."""
    return conn.execute(
        sa.select(INBOX.c.id, INBOX.c.headers, INBOX.c.received_at)
        .join(EVENTS, EVENTS.c.inbox_id == INBOX.c.id)
        .where(EVENTS.c.connection == connection, EVENTS.c.event_id == event_id)
    ).first()


def audit(conn: Connection, limit: int = 100, after: int = 0) -> Found:
    """What people did, newest first; `after` is the seq of the last one of the page before."""
    query = sa.select(AUDIT)
    if after:
        query = query.where(AUDIT.c.seq < after)
    return conn.execute(query.order_by(AUDIT.c.seq.desc()).limit(min(limit, PAGE_MAX))).all()


def state_counts(conn: Connection) -> Mapping[str, Mapping[str, int]]:
    """Documents per kind and state."""
    found: dict[str, dict[str, int]] = {}
    rows = conn.execute(
        sa.select(DOCUMENTS.c.kind, DOCUMENTS.c.state, sa.func.count()).group_by(
            DOCUMENTS.c.kind, DOCUMENTS.c.state
        )
    )
    for kind, state, count in rows:
        found.setdefault(kind, {})[state] = int(count)
    return found


def receivables_aging(conn: Connection, today: date) -> Mapping[str, tuple[Money, Money]]:
    """Per currency: what is owed in all, and the part of it past its due date."""
    late = sa.case((DOCUMENTS.c.due_on < today, POSTINGS.c.amount_minor), else_=0)
    rows = conn.execute(
        sa.select(POSTINGS.c.currency, sa.func.sum(POSTINGS.c.amount_minor), sa.func.sum(late))
        .join(DOCUMENTS, DOCUMENTS.c.id == POSTINGS.c.invoice_id)
        .where(POSTINGS.c.account == Account.RECEIVABLE)
        .group_by(POSTINGS.c.currency)
    )
    return {
        currency: (Money.of_minor(int(total), currency), Money.of_minor(int(overdue), currency))
        for currency, total, overdue in rows
    }


def recent_events(conn: Connection, limit: int = 30, since: datetime | None = None) -> Found:
    """The latest events of all documents, newest first."""
    query = sa.select(JOURNAL)
    if since is not None:
        query = query.where(JOURNAL.c.at >= since)
    return conn.execute(query.order_by(JOURNAL.c.seq.desc()).limit(min(limit, PAGE_MAX))).all()


def troubled(conn: Connection, limit: int = 20) -> Sequence[str]:
    """Rows of both queues whose last try failed and that are not done, one line each."""
    found = []
    for table in (INBOX, XREF):
        rows = conn.execute(
            sa.select(table.c.connection, table.c.state, table.c.attempts, table.c.last_error)
            .where(table.c.state != "done", table.c.last_error.is_not(None))
            .limit(limit)
        )
        found += [
            f"{table.name} {r.connection}: {r.state} after {r.attempts} tries: {r.last_error}" for r in rows
        ]
    return found
