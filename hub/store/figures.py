"""What the console and the admin API ask beyond single lists: names, sums, the outbox, open invoices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from hub.ledger import Account
from hub.model import Money
from hub.store.tables import ATTEMPTS, CASES, DOCUMENTS, INBOX, JOURNAL, POSTINGS, XREF
from hub.store.views import PAGE_MAX, TIMELINE_MAX, Found

ACCEPTED = ("approved", "part_invoiced", "invoiced", "closed")
COUNTED = ("issued", "part_paid", "paid")  # invoices that stand
IDS_MAX = 500


def labels(conn: Connection, ids: Sequence[str]) -> Mapping[str, tuple[str, str]]:
    """(kind, number or name) of each of these documents that exists."""
    wanted = sorted(set(ids) - {""})[:IDS_MAX]
    rows = conn.execute(
        sa.select(DOCUMENTS.c.id, DOCUMENTS.c.kind, DOCUMENTS.c.number).where(DOCUMENTS.c.id.in_(wanted))
    )
    return {row.id: (row.kind, row.number) for row in rows}


def billed(conn: Connection) -> Mapping[str, tuple[Money, Money]]:
    """Per currency: payable amounts of all accepted orders, and of all invoices that stand."""
    rows = conn.execute(
        sa.select(DOCUMENTS.c.currency, DOCUMENTS.c.kind, sa.func.sum(DOCUMENTS.c.amount_minor))
        .where(
            sa.or_(
                sa.and_(DOCUMENTS.c.kind == "order", DOCUMENTS.c.state.in_(ACCEPTED)),
                sa.and_(DOCUMENTS.c.kind == "invoice", DOCUMENTS.c.state.in_(COUNTED)),
            )
        )
        .group_by(DOCUMENTS.c.currency, DOCUMENTS.c.kind)
    )
    found: dict[str, dict[str, Money]] = {}
    for currency, kind, minor in rows:
        found.setdefault(currency, {})[kind] = Money.of_minor(int(minor), currency)
    return {
        currency: (sums.get("order", Money.zero(currency)), sums.get("invoice", Money.zero(currency)))
        for currency, sums in found.items()
    }


def balances_of(conn: Connection, account: Account, ids: Sequence[str]) -> Mapping[str, Money]:
    """Open amount per invoice (account receivable), or what is left of payments and credit memos."""
    left = account in (Account.UNAPPLIED, Account.CREDIT)
    accounts = (Account.UNAPPLIED, Account.CREDIT) if left else (account,)
    by = POSTINGS.c.payment_id if left else POSTINGS.c.invoice_id
    rows = conn.execute(
        sa.select(by, POSTINGS.c.currency, sa.func.sum(POSTINGS.c.amount_minor))
        .where(by.in_(sorted(set(ids))[:IDS_MAX]), POSTINGS.c.account.in_(accounts))
        .group_by(by, POSTINGS.c.currency)
    )
    sign = -1 if left else 1
    return {key: Money.of_minor(sign * int(minor), currency) for key, currency, minor in rows}


def outbox(
    conn: Connection, *, connection: str = "", state: str = "", limit: int = 50, after: str = ""
) -> Found:
    """Cross-references that are not settled: pending or dead, newest first."""
    states = (state,) if state else ("pending", "dead")
    query = sa.select(XREF).where(XREF.c.state.in_(states))
    if connection:
        query = query.where(XREF.c.connection == connection)
    if after:
        query = query.where(XREF.c.id < after)
    return conn.execute(query.order_by(XREF.c.id.desc()).limit(min(limit, PAGE_MAX))).all()


def deliveries_named(conn: Connection, ids: Sequence[str]) -> Found:
    """These inbox rows without headers and bodies."""
    columns = [c for c in INBOX.c if c.name not in ("body", "headers")]
    query: Any = sa.select(*columns, sa.func.length(INBOX.c.body).label("size"))
    found: Found = conn.execute(query.where(INBOX.c.id.in_(sorted(set(ids))[:IDS_MAX]))).all()
    return found


def attempts_of_rows(conn: Connection, row_ids: Sequence[str]) -> Found:
    """Each try of these queue rows, in the order they happened."""
    return conn.execute(
        sa.select(ATTEMPTS)
        .where(ATTEMPTS.c.row_id.in_(sorted(set(row_ids))[:IDS_MAX]))
        .order_by(ATTEMPTS.c.seq)
        .limit(TIMELINE_MAX)
    ).all()


def outbox_row(conn: Connection, xref_id: str) -> Row[Any, Any] | None:
    """One cross-reference."""
    return conn.execute(sa.select(XREF).where(XREF.c.id == xref_id)).first()


def cases_of_row(conn: Connection, row_id: str) -> Found:
    """Cases that a queue row opened, oldest first."""
    return conn.execute(
        sa.select(CASES).where(CASES.c.row_id == row_id).order_by(CASES.c.opened_at).limit(PAGE_MAX)
    ).all()


def open_invoices(conn: Connection, *, currency: str, search: str = "", limit: int = 50) -> Found:
    """Unpaid invoices in one currency whose number or customer's name fits, earliest due first."""
    customers = DOCUMENTS.alias("customers")
    query = sa.select(DOCUMENTS.c.id).where(
        DOCUMENTS.c.kind == "invoice",
        DOCUMENTS.c.state.in_(("issued", "part_paid")),
        DOCUMENTS.c.currency == currency,
    )
    if search:
        called = sa.select(customers.c.id).where(
            customers.c.kind == "customer", customers.c.number.icontains(search, autoescape=True)
        )
        number = DOCUMENTS.c.number.icontains(search, autoescape=True)
        query = query.where(sa.or_(number, DOCUMENTS.c.customer_id.in_(called)))
    return conn.execute(query.order_by(DOCUMENTS.c.due_on, DOCUMENTS.c.id).limit(min(limit, PAGE_MAX))).all()


def caused_by(conn: Connection, cause: str) -> Found:
    """Events that a delivery or a case led to, in the order they happened."""
    return conn.execute(
        sa.select(JOURNAL).where(JOURNAL.c.cause == cause).order_by(JOURNAL.c.seq).limit(PAGE_MAX)
    ).all()
