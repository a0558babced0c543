"""All a stage may ask of the world, answered from one transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

import sqlalchemy as sa

from hub.ledger import Posting
from hub.model import (
    KINDS,
    CreditMemo,
    Document,
    Invoice,
    Money,
    Order,
    OrderChange,
    OrderResponse,
    Remittance,
    Shipment,
    Statement,
)
from hub.store.books import Allocation, Books
from hub.store.database import Database, insert_into
from hub.store.documents import Documents
from hub.store.promoted import match_key, part_key
from hub.store.tables import COUNTERS, DOCUMENTS, XREF

ROWS_MAX = 2_000
KEYS_AT_ONCE = 400
_D = DOCUMENTS.c


def _bodies(*where: sa.ColumnElement[bool] | sa.TextClause, limit: Any = ROWS_MAX) -> Any:
    """Documents as (kind, body), oldest first."""
    return sa.select(_D.kind, _D.body).where(*where).order_by(_D.created_at, _D.id).limit(limit)


_ONE: sa.BindParameter[str] = sa.bindparam("one")
_MOST = sa.bindparam("most", type_=sa.Integer)
_SAME_PO = _bodies(
    _D.kind == "order", _D.reference == sa.bindparam("key"), _D.customer_id == _ONE,
    _D.id != sa.bindparam("excluding"), _D.state.not_in(("cancelled", "rejected", "invalid")),
    _D.trace == sa.bindparam("part"), limit=20,
)  # fmt: skip
_RESPONSES = _bodies(_D.order_id == _ONE, _D.kind == "order_response")
_CHANGES = _bodies(_D.order_id == _ONE, _D.kind == "order_change")
_SHIPMENTS = _bodies(_D.order_id == _ONE, _D.kind == "shipment", _D.state == "confirmed")
_COUNTED = ("issued", "part_paid", "paid")
_INVOICES = _bodies(_D.order_id == _ONE, _D.kind == "invoice", _D.state.in_(_COUNTED))
_REFUSED = _bodies(_D.order_id == _ONE, _D.kind == "invoice", _D.state == "refused", limit=100)
_CREDITS = _bodies(
    _D.order_id == _ONE, _D.kind == "credit_memo", _D.state.in_(("issued", "part_applied", "applied"))
)
_NUMBERED = _bodies(_D.kind == sa.bindparam("kind"), _D.number == sa.bindparam("number"), limit=20)
_NAMED = _bodies(_D.kind == "invoice", _D.reference.in_(sa.bindparam("keys", expanding=True)), limit=200)
_UNPAID = _bodies(
    _D.customer_id == _ONE, _D.kind == "invoice", _D.state.in_(("issued", "part_paid")), limit=_MOST
)
_OF_AMOUNT = _bodies(
    _D.kind == "invoice", _D.state.in_(("issued", "part_paid")), _D.currency == sa.bindparam("currency"),
    _D.amount_minor == sa.bindparam("minor"), limit=_MOST,
)  # fmt: skip
_TRACED = _bodies(
    _D.kind == sa.bindparam("kind"), _D.trace == sa.bindparam("trace"),
    sa.text("documents.trace <> ''"),
    limit=20,
)  # fmt: skip
_OF_SUM = _bodies(
    _D.kind == sa.bindparam("kind"), _D.currency == sa.bindparam("currency"),
    _D.amount_minor == sa.bindparam("minor"), _D.state.in_(sa.bindparam("states", expanding=True)),
    _D.due_on.between(sa.bindparam("first"), sa.bindparam("last")), limit=_MOST,
)  # fmt: skip
_ONE_OF = (
    sa.select(_D.id)
    .where(_D.kind == sa.bindparam("kind"), _D.state.in_(sa.bindparam("states", expanding=True)))
    .limit(1)
)
_KNOWN_AS = _bodies(
    _D.kind == sa.bindparam("kind"), _D.reference.in_(sa.bindparam("keys", expanding=True)), limit=None
)
_ACCEPTED = (
    sa.select(_D.kind, _D.body)
    .where(_D.kind == "statement", _D.reference == sa.bindparam("account"), _D.state == "accepted")
    .where(_D.currency.in_(("", sa.bindparam("currency"))), _D.id != sa.bindparam("but"))
)
_EARLIER = _ACCEPTED.where(_D.due_on <= sa.bindparam("day")).order_by(_D.due_on.desc(), _D.id.desc())
_LATER = _ACCEPTED.where(_D.due_on > sa.bindparam("day")).order_by(_D.due_on, _D.id)
_HELD = _bodies(_D.customer_id == _ONE, _D.kind == "order", _D.state == "held", limit=100)
_PAYERS = (
    sa.select(_D.customer_id)
    .where(_D.kind == "payment", _D.reference == sa.bindparam("key"), _D.customer_id != "")
    .where(_D.state.in_(("applied", "part_applied")))
    .distinct()
    .limit(2)
)


@cache
def _bump(dialect: str) -> Any:
    insert = insert_into(dialect, COUNTERS).values(name=sa.bindparam("series"), value=1)
    bump = insert.on_conflict_do_update(index_elements=["name"], set_={"value": COUNTERS.c.value + 1})
    return bump.returning(COUNTERS.c.value)


class StoreReader:
    """Implements `hub.stages.outcome.Reader`."""

    def __init__(
        self, database: Database, documents: Documents, books: Books, *, today: date, policies: Any
    ) -> None:
        self.today = today
        self.policies = policies
        self._database = database
        self._conn = documents.conn
        self._documents = documents
        self._books = books
        self._found: dict[tuple[str, tuple[str, ...]], bool] = {}

    def get(self, document_id: str) -> Document | None:
        """The current version of a document."""
        return self._documents.get(document_id)

    def prefetch(self, document_ids: Collection[str]) -> None:
        """Read many documents at once; `get` answers from here then."""
        wanted = list(document_ids)
        for at in range(0, len(wanted), KEYS_AT_ONCE):
            self._documents.prefetch(wanted[at : at + KEYS_AT_ONCE])

    def lock(self, document_id: str) -> None:
        """Hold a document's row until the transaction ends; on SQLite the transaction already holds all."""
        if not self._database.is_sqlite:
            self._conn.execute(sa.select(_D.id).where(_D.id == document_id).with_for_update())
            self._documents.forget()

    def next_number(self, series: str) -> int:
        """The next number of a series; gapless, because it rolls back with the transaction."""
        return int(self._conn.execute(_bump(self._database.dialect), {"series": series}).scalar_one())

    def hold(self, series: str) -> None:
        """Let nobody else take a number of the series until the transaction ends; on SQLite nobody can."""
        if not self._database.is_sqlite:
            insert = self._database.insert(COUNTERS).values(name=series, value=0)
            kept = {"value": COUNTERS.c.value}
            self._conn.execute(insert.on_conflict_do_update(index_elements=["name"], set_=kept))

    def open_receivables(self, customer: str, currency: str) -> Money:
        """What the customer owes now."""
        return self._books.receivables(customer, currency)

    def committed(self, customer: str, currency: str, excluding: str) -> Money:
        """Approved orders not invoiced yet, without the one named."""
        return self._books.committed(customer, currency, excluding)

    def overdue(self, customer: str, currency: str, before: date) -> Money:
        """Receivables due before a business date."""
        return self._books.overdue(customer, currency, before)

    def open_amount(self, invoice: Invoice) -> Money:
        """What is still owed on an invoice."""
        return self._books.open_amount(invoice.id, invoice.currency)

    def unapplied(self, payment: str, currency: str) -> Money:
        """What of a payment is not explained yet, or of a credit memo not applied."""
        return self._books.unapplied(payment, currency)

    def allocations(self, *, payment: str = "", invoice: str = "") -> Sequence[Allocation]:
        """What settles which invoices now: payments, credit memos, adjustments."""
        return self._books.allocations(payment=payment, invoice=invoice)

    def touched(self, payment: str) -> Sequence[str]:
        """Every invoice that a payment, credit memo or adjustment settles or ever settled."""
        return self._books.touched(payment)

    def standing(self, *, payment: str = "", invoice: str = "") -> Sequence[Posting]:
        """What the postings that name a document add up to."""
        return self._books.standing(payment=payment, invoice=invoice)

    def origin(self, document_id: str) -> str:
        """The connection a document came from; empty: made by the hub."""
        return self._documents.origin(document_id)

    def _load(self, of: str, statement: Any, **given: Any) -> list[Any]:
        """Documents of a kind; those of it that are new here are written first."""
        self._documents.flush_kind(of)
        rows = self._conn.execute(statement, given)
        return [KINDS[kind].model_validate_json(body) for kind, body in rows]

    def same_purchase_order(self, order: Order) -> Sequence[Order]:
        """Other living orders of the customer that quote the same purchase order.

        Another release of it, or the same for another of the customer's places, is another order.
        """
        given = {
            "key": match_key(order.purchase_order), "part": part_key(order), "one": order.customer,
            "excluding": order.id,
        }  # fmt: skip
        found: list[Order] = self._load("order", _SAME_PO, **given)
        return found

    def responses_of(self, order: str) -> Sequence[OrderResponse]:
        """What the customer was told of an order and its changes, and what is prepared; oldest first."""
        found: list[OrderResponse] = self._load("order_response", _RESPONSES, one=order)
        return sorted(found, key=lambda response: response.number)

    def changes_of(self, order: str) -> Sequence[OrderChange]:
        """What the customer asked to change in an order, oldest first."""
        found: list[OrderChange] = self._load("order_change", _CHANGES, one=order)
        return found

    def shipments_of(self, order: str) -> Sequence[Shipment]:
        """Confirmed shipments of an order, oldest first."""
        found: list[Shipment] = self._load("shipment", _SHIPMENTS, one=order)
        return found

    def invoices_of(self, order: str) -> Sequence[Invoice]:
        """Invoices of an order that stand, oldest first."""
        found: list[Invoice] = self._load("invoice", _INVOICES, one=order)
        return found

    def credits_of(self, order: str) -> Sequence[CreditMemo]:
        """Credit memos of an order that stand, oldest first."""
        found: list[CreditMemo] = self._load("credit_memo", _CREDITS, one=order)
        return found

    def awaited(self, connection: str, document_id: str) -> bool:
        """Is the document on its way to this connection, and its id there not known yet?"""
        query = sa.select(XREF.c.id).where(
            XREF.c.connection == connection, XREF.c.document_id == document_id, XREF.c.external_id.is_(None)
        )
        return self._conn.execute(query).first() is not None

    def refused_invoices(self, order: str) -> Sequence[Invoice]:
        """Invoices of an order that did not fit when they came, oldest first."""
        found: list[Invoice] = self._load("invoice", _REFUSED, one=order)
        return found

    def numbered(self, kind: str, number: str) -> Sequence[Document]:
        """Documents of a kind with exactly this number."""
        found: list[Document] = self._load(kind, _NUMBERED, kind=kind, number=number) if number else []
        return found

    def invoiced(self, order: str) -> Mapping[str, Decimal]:
        """Invoiced quantity per line of an order."""
        sums: dict[str, Decimal] = {}
        for invoice in self.invoices_of(order):
            for line in invoice.lines:
                sums[line.order_line] = sums.get(line.order_line, Decimal(0)) + line.quantity
        return sums

    def invoices_named(self, keys: Collection[str]) -> Sequence[Invoice]:
        """Invoices whose normalised number is one of these."""
        found: list[Invoice] = self._load("invoice", _NAMED, keys=list(keys)) if keys else []
        return found

    def open_invoices(self, customer: str, limit: int = 200) -> Sequence[Invoice]:
        """A customer's invoices that are owed, oldest first."""
        found: list[Invoice] = self._load("invoice", _UNPAID, one=customer, most=limit)
        return found

    def invoices_of_amount(self, amount: Money, limit: int = 20) -> Sequence[Invoice]:
        """Unpaid invoices over exactly this amount, whoever owes them."""
        given = {"currency": amount.currency, "minor": amount.minor, "most": limit}
        found: list[Invoice] = self._load("invoice", _OF_AMOUNT, **given)
        return found

    def _any(self, kind: str, states: tuple[str, ...]) -> bool:
        """Is there any such document? Asked once in a transaction that saves none of that kind."""
        if kind in self._documents.saved:
            return True
        if (kind, states) not in self._found:
            given = {"kind": kind, "states": list(states)}
            self._found[kind, states] = self._conn.execute(_ONE_OF, given).first() is not None
        return self._found[kind, states]

    def known_as(self, kind: str, keys: Collection[str]) -> Sequence[Document]:
        """Documents of a kind that others know by one of these normalised numbers, however many."""
        wanted, found = list(keys), list[Document]()
        for at in range(0, len(wanted), KEYS_AT_ONCE):
            found += self._load(kind, _KNOWN_AS, kind=kind, keys=wanted[at : at + KEYS_AT_ONCE])
        return found

    def traced(self, kind: str, trace: str) -> Sequence[Document]:
        """Documents of a kind that carry this trace number."""
        key = match_key(trace)
        found: list[Document] = self._load(kind, _TRACED, kind=kind, trace=key) if key else []
        return found

    def of_amount(
        self, kind: str, amount: Money, states: Collection[str], days: tuple[date, date], limit: int = 50
    ) -> Sequence[Document]:
        """Documents of a kind over exactly this amount, of these states and days (both included)."""
        if not self._any(kind, tuple(states)):
            return []
        given = {
            "kind": kind, "currency": amount.currency, "minor": amount.minor, "states": list(states),
            "first": days[0], "last": days[1], "most": limit,
        }  # fmt: skip
        found: list[Document] = self._load(kind, _OF_SUM, **given)
        return found

    def remittances_of(self, payment: str) -> Sequence[Remittance]:
        """What explains a payment, oldest first."""
        found: list[Remittance] = self._load("remittance", _KNOWN_AS, kind="remittance", keys=[payment])
        return found

    def statements_near(self, statement: Statement, day: date, limit: int = 24) -> Sequence[Statement]:
        """The final statements of the same account around a day that stand in its sequence."""
        given = {
            "account": match_key(statement.account), "currency": statement.currency, "day": day,
            "but": statement.id,
        }  # fmt: skip
        found: list[Statement] = self._load("statement", _EARLIER.limit(limit), **given)
        later: list[Statement] = self._load("statement", _LATER.limit(limit), **given)
        return [*reversed(found), *later]

    def payer_of_account(self, account: str) -> str:
        """The one customer whose payments came from this bank account before; empty if none or several."""
        key = match_key(account)
        if not key:
            return ""
        self._documents.flush_kind("payment", owned=True)
        customers = list(self._conn.execute(_PAYERS, {"key": key}).scalars())
        return customers[0] if len(customers) == 1 else ""

    def held_orders(self, customer: str) -> Sequence[Order]:
        """Orders that wait for credit, oldest first."""
        found: list[Order] = self._load("order", _HELD, one=customer)
        return found

    def external_ids(self, document_id: str) -> Mapping[str, str]:
        """What each connection calls a document."""
        rows = self._conn.execute(
            sa.select(XREF.c.connection, XREF.c.external_id).where(
                XREF.c.document_id == document_id, XREF.c.external_id.is_not(None)
            )
        )
        return {connection: external for connection, external in rows}
