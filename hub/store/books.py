"""The receivables ledger in SQL: appending groups of postings, and the sums that are its balances."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from hub.ledger import Account, Group
from hub.model import Money
from hub.store.database import new_id
from hub.store.tables import DOCUMENTS, POSTINGS

_P = POSTINGS.c


class Allocation(NamedTuple):
    """Part of a payment that paid part of an invoice."""

    payment: str
    invoice: str
    amount: Money


class Books:
    """The ledger within one transaction."""

    def __init__(self, conn: Connection, before: Callable[[], None] = lambda: None) -> None:
        self.conn = conn
        self._before = before  # writes what is gathered, so that sums see it

    def post(self, group: Group, now: datetime, today: date) -> None:
        """Append a balanced group. Nothing in the ledger is ever changed or deleted."""
        group_id = new_id()
        rows = [
            {
                "group_id": group_id, "at": now, "posted_on": today, "account": str(p.account),
                "currency": p.amount.currency, "amount_minor": p.amount.minor, "customer_id": p.customer,
                "invoice_id": p.invoice, "payment_id": p.payment, "memo": group.memo[:200],
            }
            for p in group.postings
        ]  # fmt: skip
        if rows:
            self.conn.execute(POSTINGS.insert(), rows)

    def _sum(self, currency: str, *where: sa.ColumnElement[bool]) -> Money:
        self._before()
        total = self.conn.execute(
            sa.select(sa.func.coalesce(sa.func.sum(_P.amount_minor), 0)).where(
                _P.currency == currency, *where
            )
        ).scalar_one()
        return Money.of_minor(int(total), currency)

    def open_amount(self, invoice_id: str, currency: str) -> Money:
        """What is still owed on an invoice."""
        return self._sum(currency, _P.invoice_id == invoice_id, _P.account == Account.RECEIVABLE)

    def unapplied(self, payment_id: str, currency: str) -> Money:
        """What of a payment is not explained yet."""
        return -self._sum(currency, _P.payment_id == payment_id, _P.account == Account.UNAPPLIED)

    def receivables(self, customer_id: str, currency: str) -> Money:
        """What a customer owes in one currency."""
        return self._sum(currency, _P.customer_id == customer_id, _P.account == Account.RECEIVABLE)

    def overdue(self, customer_id: str, currency: str, before: date) -> Money:
        """What a customer owes on invoices due before a business date."""
        late = sa.select(DOCUMENTS.c.id).where(
            DOCUMENTS.c.customer_id == customer_id,
            DOCUMENTS.c.kind == "invoice",
            DOCUMENTS.c.state != "paid",
            DOCUMENTS.c.due_on < before,
        )
        return self._sum(currency, _P.account == Account.RECEIVABLE, _P.invoice_id.in_(late))

    def committed(self, customer_id: str, currency: str, excluding: str) -> Money:
        """Approved orders of a customer that are not invoiced yet."""
        orders = sa.select(DOCUMENTS.c.id).where(
            DOCUMENTS.c.customer_id == customer_id,
            DOCUMENTS.c.kind == "order",
            DOCUMENTS.c.state.in_(("approved", "part_invoiced")),
            DOCUMENTS.c.currency == currency,
            DOCUMENTS.c.id != excluding,
        )
        self._before()
        sign = sa.case(
            (DOCUMENTS.c.kind == "order", DOCUMENTS.c.amount_minor), else_=-DOCUMENTS.c.amount_minor
        )
        total = self.conn.execute(
            sa.select(sa.func.coalesce(sa.func.sum(sign), 0)).where(
                DOCUMENTS.c.order_id.in_(orders), DOCUMENTS.c.kind.in_(("order", "invoice"))
            )
        ).scalar_one()
        return Money.of_minor(int(total), currency)

    def allocations(self, *, payment: str = "", invoice: str = "") -> Sequence[Allocation]:
        """Which payments paid which invoices, from either side."""
        by = _P.payment_id == payment if payment else _P.invoice_id == invoice
        rows = self.conn.execute(
            sa.select(_P.payment_id, _P.invoice_id, _P.currency, sa.func.sum(_P.amount_minor))
            .where(by, _P.account == Account.RECEIVABLE, _P.payment_id != "")
            .group_by(_P.payment_id, _P.invoice_id, _P.currency)
            .order_by(sa.func.min(_P.seq))
        )
        return [Allocation(p, i, Money.of_minor(-int(minor), currency)) for p, i, currency, minor in rows]

    def balances(self) -> Sequence[tuple[str, Money]]:
        """Sum per account and currency of the whole ledger."""
        rows = self.conn.execute(
            sa.select(_P.account, _P.currency, sa.func.sum(_P.amount_minor))
            .group_by(_P.account, _P.currency)
            .order_by(_P.currency, _P.account)
        )
        return [(account, Money.of_minor(int(minor), currency)) for account, currency, minor in rows]
