"""Whole stories from many tables: how the business stands, and what happened to one order everywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from hub.api import showing
from hub.api.shapes import CurrencyFigures, Moment, Overview
from hub.ledger import Account
from hub.model import Money
from hub.store import connections, figures, views
from hub.store.tx import Tx

LATEST = 12
_RANK = {"received": 0, "decision": 1, "event": 2, "case": 3, "attempt": 4}


def overview(tx: Tx, today: date, latest: int = LATEST) -> Overview:
    """How things stand now."""
    return Overview(
        figures=_figures(tx, today),
        documents=views.state_counts(tx.conn),
        open_cases=views.case_counts(tx.conn),
        backlog={name: showing.backlog(counts) for name, counts in connections.backlog(tx.conn).items()},
        latest=[showing.event(row) for row in views.recent_events(tx.conn, latest)],
    )


def _figures(tx: Tx, today: date) -> Sequence[CurrencyFigures]:
    billed = figures.billed(tx.conn)
    aging = views.receivables_aging(tx.conn, today)
    books: dict[str, dict[str, Money]] = {}
    for account, money in tx.books.balances():
        books.setdefault(money.currency, {})[account] = money
    currencies = sorted({*billed, *books}, key=lambda code: (-_size(billed, code), code))
    return [_of_currency(code, billed, aging, books.get(code, {})) for code in currencies]


def _size(billed: Mapping[str, tuple[Money, Money]], currency: str) -> int:
    return billed[currency][0].minor if currency in billed else 0


def _of_currency(
    currency: str,
    billed: Mapping[str, tuple[Money, Money]],
    aging: Mapping[str, tuple[Money, Money]],
    books: Mapping[str, Money],
) -> CurrencyFigures:
    zero = Money.zero(currency)
    ordered, invoiced = billed.get(currency, (zero, zero))
    still, overdue = aging.get(currency, (zero, zero))
    return CurrencyFigures(
        currency=currency,
        ordered=ordered,
        invoiced=invoiced,
        paid=invoiced - still,
        open_receivables=still,
        overdue=overdue,
        cash_received=books.get(Account.CASH, zero),
        unapplied_cash=-books.get(Account.UNAPPLIED, zero),
    )


class OrderStory(NamedTuple):
    """Everything about one order. `family` are the document rows: order, shipments, invoices, payments."""

    family: Sequence[Any]
    moments: Sequence[Moment]
    xrefs: Sequence[Any]
    cases: Sequence[Any]
    postings: Sequence[Any]


def order_story(tx: Tx, order_id: str) -> OrderStory | None:
    """The story of an order, oldest first; None when there is no such order."""
    order = views.document(tx.conn, order_id)
    if order is None or order.kind != "order":
        return None
    family = views.family(tx.conn, order_id)
    ids = [row.id for row in family]
    cases = views.cases_of(tx.conn, ids)
    postings = [
        row for one in family if one.kind == "invoice" for row in views.postings(tx.conn, invoice=one.id)
    ]
    return OrderStory(family, _moments(tx, family, cases), views.xrefs(tx.conn, ids), cases, postings)


def document_moments(tx: Tx, row: Any) -> Sequence[Moment]:
    """The same timeline for a single document."""
    return _moments(tx, [row], views.cases_of(tx.conn, [row.id]))


def _moments(tx: Tx, family: Sequence[Any], cases: Sequence[Any]) -> Sequence[Moment]:
    names = {row.id: {"document": row.id, "kind": row.kind, "number": row.number} for row in family}
    journal = views.journal(tx.conn, list(names))
    inbox = figures.deliveries_named(tx.conn, [row.cause for row in journal if row.cause])
    tries = [
        *views.attempts(tx.conn, list(names)), *figures.attempts_of_rows(tx.conn, [row.id for row in inbox])
    ]  # fmt: skip
    moments = [
        *(_received(row) for row in inbox),
        *(_event(row, names) for row in journal),
        *(_attempt(row, names) for row in tries),
        *(moment for row in cases for moment in _case(row, names)),
    ]
    return sorted(moments, key=lambda moment: (moment.at, _RANK[moment.what]))


Names = Mapping[str, Mapping[str, str]]


def _received(row: Any) -> Moment:
    return Moment(
        at=row.received_at, what="received", name=row.door, connection=row.connection, ref=row.id,
        detail=f"{row.size} bytes",
    )  # fmt: skip


def _event(row: Any, names: Names) -> Moment:
    return Moment(
        at=row.at, what="event", name=row.event, actor=row.actor, version=row.version, ref=row.cause,
        detail=row.detail, **names.get(row.document_id, {}),
    )  # fmt: skip


def _attempt(row: Any, names: Names) -> Moment:
    return Moment(
        at=row.at, what="attempt", name=row.outcome, connection=row.connection, detail=row.detail,
        external_id=row.external_id, version=row.version, attempt=row.n, milliseconds=row.milliseconds,
        ref=row.row_id, **names.get(row.document_id, {}),
    )  # fmt: skip


def _case(row: Any, names: Names) -> Sequence[Moment]:
    about = names.get(row.document_id, {})
    opened = Moment(
        at=row.opened_at, what="case", name=row.reason, detail=row.title, connection=row.connection,
        ref=row.id, **about,
    )  # fmt: skip
    if row.resolved_at is None:
        return [opened]
    decided = Moment(
        at=row.resolved_at, what="decision", name=row.decision or "", actor=row.resolved_by or "",
        detail=row.note or "", ref=row.id, **about,
    )  # fmt: skip
    return [opened, decided]
