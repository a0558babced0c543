"""The receivables ledger in SQL: appending groups of postings, and the sums that are its balances."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from hub.ledger import Account, Group, Posting
from hub.model import Money
from hub.store.database import new_id
from hub.store.tables import DOCUMENTS, POSTINGS

_P, _D = POSTINGS.c, DOCUMENTS.c
_INSERT = POSTINGS.insert()


class Allocation(NamedTuple):
    """Part of an invoice that a payment, a credit memo or an adjustment (`kind`) settled."""

    payment: str
    invoice: str
    amount: Money
    kind: str = "payment"


def _sum(account: Account, *where: sa.ColumnElement[bool]) -> Any:
    return sa.select(sa.func.coalesce(sa.func.sum(_P.amount_minor), 0)).where(
        _P.currency == sa.bindparam("currency"), _P.account == account, *where
    )


_LATE = sa.select(_D.id).where(
    _D.customer_id == sa.bindparam("one"), _D.kind == "invoice", _D.state.in_(("issued", "part_paid")),
    _D.due_on < sa.bindparam("before"),
)  # fmt: skip
_OPEN = _sum(Account.RECEIVABLE, _P.invoice_id == sa.bindparam("one"))
_UNAPPLIED = (
    sa.select(sa.func.coalesce(sa.func.sum(_P.amount_minor), 0))
    .where(_P.currency == sa.bindparam("currency"), _P.payment_id == sa.bindparam("one"))
    .where(_P.account.in_((Account.UNAPPLIED, Account.CREDIT)))
)
_RECEIVABLES = _sum(Account.RECEIVABLE, _P.customer_id == sa.bindparam("one"))
_OVERDUE = _sum(Account.RECEIVABLE, _P.invoice_id.in_(_LATE))
_LIVING = sa.select(_D.id).where(
    _D.customer_id == sa.bindparam("one"), _D.kind == "order", _D.state.in_(("approved", "part_invoiced")),
    _D.currency == sa.bindparam("currency"), _D.id != sa.bindparam("excluding"),
)  # fmt: skip
_COUNTED = ("issued", "part_paid", "paid")  # states of invoices that stand
_COMMITTED = sa.select(
    sa.func.coalesce(sa.func.sum(sa.case((_D.kind == "order", _D.amount_minor), else_=-_D.amount_minor)), 0)
).where(
    _D.order_id.in_(_LIVING),
    # kinds first: of an OR over kinds SQLite makes a search through all orders
    _D.kind.in_(("order", "invoice")),
    sa.or_(_D.kind == "order", _D.state.in_(_COUNTED)),
)


def _allocations(side: sa.ColumnElement[str]) -> Any:
    total = sa.func.sum(_P.amount_minor)
    return (
        sa.select(_P.payment_id, _P.invoice_id, _P.currency, total, sa.func.coalesce(_D.kind, "payment"))
        .outerjoin(DOCUMENTS, _D.id == _P.payment_id)
        .where(side == sa.bindparam("one"), _P.account == Account.RECEIVABLE, _P.payment_id != "")
        .group_by(_P.payment_id, _P.invoice_id, _P.currency, _D.kind)
        .having(total != 0)
        .order_by(sa.func.min(_P.seq))
    )


_OF_PAYMENT, _OF_INVOICE = _allocations(_P.payment_id), _allocations(_P.invoice_id)
_TOUCHED = (
    sa.select(_P.invoice_id)
    .where(_P.payment_id == sa.bindparam("one"), _P.account == Account.RECEIVABLE)
    .group_by(_P.invoice_id)
    .order_by(sa.func.min(_P.seq))
)


def _standing(side: sa.ColumnElement[str]) -> Any:
    total = sa.func.sum(_P.amount_minor)
    key = (_P.account, _P.currency, _P.customer_id, _P.invoice_id, _P.payment_id)
    return (
        sa.select(*key, total)
        .where(side == sa.bindparam("one"))
        .group_by(*key)
        .having(total != 0)
        .order_by(sa.func.min(_P.seq))
    )


_OF_SOURCE, _OF_DEBT = _standing(_P.payment_id), _standing(_P.invoice_id)


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
        """What of a payment is not explained yet, or of a credit memo not applied."""
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
        """What settles which invoices now, from either side."""
        statement = _OF_PAYMENT if payment else _OF_INVOICE
        self._before()
        rows = self.conn.execute(statement, {"one": payment or invoice})
        return [
            Allocation(p, i, Money.of_minor(-int(minor), currency), kind)
            for p, i, currency, minor, kind in rows
        ]

    def touched(self, payment: str) -> Sequence[str]:
        """Every invoice that a payment, credit memo or adjustment settles or ever settled, oldest first."""
        return list(self.conn.execute(_TOUCHED, {"one": payment}).scalars())

    def standing(self, *, payment: str = "", invoice: str = "") -> Sequence[Posting]:
        """The postings that name a document, added up: what it takes to take all of it back."""
        rows = self.conn.execute(_OF_SOURCE if payment else _OF_DEBT, {"one": payment or invoice})
        return [
            Posting(Account(account), Money.of_minor(int(minor), currency), customer, owed, source)
            for account, currency, customer, owed, source, minor in rows
        ]

    def balances(self) -> Sequence[tuple[str, Money]]:
        """Sum per account and currency of the whole ledger."""
        rows = self.conn.execute(
            sa.select(_P.account, _P.currency, sa.func.sum(_P.amount_minor))
            .group_by(_P.account, _P.currency)
            .order_by(_P.currency, _P.account)
        )
        return [(account, Money.of_minor(int(minor), currency)) for account, currency, minor in rows]
