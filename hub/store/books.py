"""The receivables ledger in SQL: appending groups of postings, and the sums that are its balances."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from hub.ledger import Account, Group
from hub.model import Money
from hub.store.database import new_id
from hub.store.tables import DOCUMENTS, POSTINGS

_P, _D = POSTINGS.c, DOCUMENTS.c
_INSERT = POSTINGS.insert()


class Allocation(NamedTuple):
    """Part of a payment that paid part of an invoice."""

    payment: str
    invoice: str
    amount: Money


def _sum(account: Account, *where: sa.ColumnElement[bool]) -> Any:
    return sa.select(sa.func.coalesce(sa.func.sum(_P.amount_minor), 0)).where(
        _P.currency == sa.bindparam("currency"), _P.account == account, *where
    )


_LATE = sa.select(_D.id).where(
    _D.customer_id == sa.bindparam("one"), _D.kind == "invoice", _D.state != "paid",
    _D.due_on < sa.bindparam("before"),
)  # fmt: skip
_OPEN = _sum(Account.RECEIVABLE, _P.invoice_id == sa.bindparam("one"))
_UNAPPLIED = _sum(Account.UNAPPLIED, _P.payment_id == sa.bindparam("one"))
_RECEIVABLES = _sum(Account.RECEIVABLE, _P.customer_id == sa.bindparam("one"))
_OVERDUE = _sum(Account.RECEIVABLE, _P.invoice_id.in_(_LATE))
_LIVING = sa.select(_D.id).where(
    _D.customer_id == sa.bindparam("one"), _D.kind == "order", _D.state.in_(("approved", "part_invoiced")),
    _D.currency == sa.bindparam("currency"), _D.id != sa.bindparam("excluding"),
)  # fmt: skip
_COMMITTED = sa.select(
    sa.func.coalesce(sa.func.sum(sa.case((_D.kind == "order", _D.amount_minor), else_=-_D.amount_minor)), 0)
).where(_D.order_id.in_(_LIVING), _D.kind.in_(("order", "invoice")))


def _allocations(side: sa.ColumnElement[str]) -> Any:
    return (
        sa.select(_P.payment_id, _P.invoice_id, _P.currency, sa.func.sum(_P.amount_minor))
        .where(side == sa.bindparam("one"), _P.account == Account.RECEIVABLE, _P.payment_id != "")
        .group_by(_P.payment_id, _P.invoice_id, _P.currency)
        .order_by(sa.func.min(_P.seq))
    )


_OF_PAYMENT, _OF_INVOICE = _allocations(_P.payment_id), _allocations(_P.invoice_id)


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
            self.conn.execute(_INSERT, rows)

    def _ask(self, statement: Any, currency: str, one: str, **more: Any) -> Money:
        self._before()
        total = self.conn.execute(statement, {"currency": currency, "one": one, **more}).scalar_one()
        return Money.of_minor(int(total), currency)

    def open_amount(self, invoice_id: str, currency: str) -> Money:
        """What is still owed on an invoice."""
        return self._ask(_OPEN, currency, invoice_id)

    def unapplied(self, payment_id: str, currency: str) -> Money:
        """What of a payment is not explained yet."""
        return -self._ask(_UNAPPLIED, currency, payment_id)

    def receivables(self, customer_id: str, currency: str) -> Money:
        """What a customer owes in one currency."""
        return self._ask(_RECEIVABLES, currency, customer_id)

    def overdue(self, customer_id: str, currency: str, before: date) -> Money:
        """What a customer owes on invoices due before a business date."""
        return self._ask(_OVERDUE, currency, customer_id, before=before)

    def committed(self, customer_id: str, currency: str, excluding: str) -> Money:
        """Approved orders of a customer that are not invoiced yet."""
        return self._ask(_COMMITTED, currency, customer_id, excluding=excluding)

    def allocations(self, *, payment: str = "", invoice: str = "") -> Sequence[Allocation]:
        """Which payments paid which invoices, from either side."""
        statement = _OF_PAYMENT if payment else _OF_INVOICE
        rows = self.conn.execute(statement, {"one": payment or invoice})
        return [Allocation(p, i, Money.of_minor(-int(minor), currency)) for p, i, currency, minor in rows]

    def balances(self) -> Sequence[tuple[str, Money]]:
        """Sum per account and currency of the whole ledger."""
        rows = self.conn.execute(
            sa.select(_P.account, _P.currency, sa.func.sum(_P.amount_minor))
            .group_by(_P.account, _P.currency)
            .order_by(_P.currency, _P.account)
        )
        return [(account, Money.of_minor(int(minor), currency)) for account, currency, minor in rows]
