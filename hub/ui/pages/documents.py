"""Lists of documents, and the page that any document has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from starlette.responses import RedirectResponse, Response

from hub.api import showing, stories
from hub.api.actions import Missing
from hub.ledger import Account
from hub.model import KINDS, Money
from hub.store import figures, views
from hub.store.tx import Tx
from hub.ui import words
from hub.ui.discretion import accounts
from hub.ui.pages import partners
from hub.ui.pages.overview import ORDER_STATES
from hub.ui.visit import Visit, get

ROWS = 50
SHOWN = 100  # items of a payout
_STATES: Mapping[str, Sequence[str]] = {
    "order": ORDER_STATES,
    "invoice": ("refused", "issued", "part_paid", "paid", "cancelled"),
    "payment": ("unidentified", "unapplied", "part_applied", "applied", "transferred", "reversed"),
    "customer": ("active", "blocked"),
    "shipment": ("confirmed", "refused"),
    "credit_memo": ("refused", "issued", "part_applied", "applied", "cancelled"),
    "adjustment": ("refused", "booked", "reversed"),
    "remittance": ("waiting", "refused", "matched"),
    "statement": ("accepted",),
    "refund": ("refused", "booked", "reversed"),
    "dispute": ("opened", "won", "lost", "refused"),
    "payout": ("announced", "refused", "settled", "failed"),
    "order_change": ("waiting", "accepted", "rejected"),
    "order_response": ("issued",),
    "interchange": (
        "taken", "delivered", "sent", "overdue", "accepted", "accepted_with_errors", "partly_accepted",
        "rejected",
    ),
    "acknowledgment": ("issued", "matched", "unmatched"),
    "message": (),
}  # fmt: skip
_BALANCES = {
    "invoice": (Account.RECEIVABLE, "Still open"),
    "payment": (Account.UNAPPLIED, "Unapplied"),
    "credit_memo": (Account.UNAPPLIED, "Unapplied"),
}
_DATES = {  # what the date that documents of a kind are found by means; others fall due
    "payment": "Value date", "remittance": "Paid on", "statement": "Closed on", "payout": "Expected",
    "interchange": "Answer due",
}  # fmt: skip
_SHOWN_BELOW = {"interchange": ("body",), "acknowledgment": ("answer",)}  # whole, in the folded body
_WITH_AMOUNT = frozenset(KINDS) - {
    "customer", "shipment", "message", "order_change", "order_response", "interchange", "acknowledgment",
}  # fmt: skip
_WITH_CUSTOMER = frozenset(KINDS) - {"customer", "payout", "statement", *partners.KINDS}


class _Listed(NamedTuple):
    """A row of a list: the document, what is open or unapplied of it, and which sets an envelope holds."""

    document: Any
    balance: Money | None
    holds: str = ""


def listing(kind: str) -> Callable[[Visit], Response]:
    """The list page of a kind: search, state, one page at a time."""

    def view(visit: Visit) -> Response:
        search, state, after = visit.asked("search"), visit.asked("state"), visit.asked("after")
        with visit.hub.store.look() as tx:
            rows = views.documents(
                tx.conn, kind=kind, search=search, state=state, customer=visit.asked("customer"), limit=ROWS,
                after=after,
            )  # fmt: skip
            names = figures.labels(tx.conn, [row.customer_id for row in rows])
            balances = _balances(tx, kind, rows)
            holds = partners.holds(tx, rows) if kind in partners.KINDS else {}
            now = tx.now
        plural, hint = words.KINDS[kind]
        return visit.show(
            "documents.html",
            kind=kind, with_amount=_WITH_AMOUNT, with_customer=_WITH_CUSTOMER,
            date_label=_DATES.get(kind, "Due"), plural=plural, hint=hint,
            search=search, state=state, states=_STATES[kind], now=now,
            today=now.date(), balance_label=_BALANCES[kind][1] if kind in _BALANCES else "",
            holds_shown=partners.KINDS, holds_label="About" if kind == "acknowledgment" else "Holds", listed=[
                _Listed(showing.document(row, names), balances.get(row.id), holds.get(row.id, ""))
                for row in rows
            ],
            after=showing.last(rows) if len(rows) >= ROWS else "", here=_list_path(kind),
        )  # fmt: skip

    return view


def _balances(tx: Tx, kind: str, rows: Sequence[Any]) -> Mapping[str, Money]:
    if kind not in _BALANCES:
        return {}
    zeros = {row.id: Money.zero(row.currency) for row in rows if row.currency}
    return {**zeros, **figures.balances_of(tx.conn, _BALANCES[kind][0], [row.id for row in rows])}


def _list_path(kind: str) -> str:
    return "/" + words.KINDS[kind][0].lower().replace(" ", "-")


def document(visit: Visit) -> Response:
    """Fields, what every system calls it, its postings, its history, and its body."""
    document_id = visit.params["document_id"]
    with visit.hub.store.look() as tx:
        row = views.document(tx.conn, document_id)
        if row is None:
            raise Missing("There is no such document.")
        if row.kind == "order":
            return RedirectResponse(f"/orders/{document_id}", 303)
        body = orjson.loads(row.body)
        linked = [row.customer_id, row.order_id, *(str(value) for value in body.values() if value)]
        linked += [str(item.get("document", "")) for item in body.get("items", ())[:SHOWN]]
        names = figures.labels(tx.conn, [text for text in linked if len(text) == 32])
        by = views.POSTED_BY.get(row.kind)
        postings = views.postings(tx.conn, **{by: document_id}) if by else ()
        return visit.show(
            "document.html",
            row=row, shown=showing.document(row, names), body=body, names=names,
            fields=_fields(row.kind, body), sent=partners.written(body),
            postings=[showing.posting(one) for one in postings],
            balance=_balances(tx, row.kind, [row]).get(row.id),
            balance_label=_BALANCES[row.kind][1] if row.kind in _BALANCES else "",
            xrefs=views.xrefs(tx.conn, [document_id]), cases=views.cases_of(tx.conn, [document_id]),
            moments=stories.document_moments(tx, row), here=_list_path(row.kind), now=tx.now,
            plural=words.KINDS[row.kind][0], date_label=_DATES.get(row.kind, "Due"), hidden=accounts(body),
        )  # fmt: skip


def _fields(kind: str, body: Mapping[str, Any]) -> Sequence[tuple[str, Any, str]]:
    """(label, value, what the field means) of the fields that are filled, in the model's order."""
    model = KINDS[kind].model_fields
    skipped = {"id", "state", "number", *_SHOWN_BELOW.get(kind, ())}
    return [
        (name, body[name], (model[name].description or "").removeprefix("UBL "))
        for name in model
        if name not in skipped and body.get(name) not in (None, "", [], {})
    ]


PLACES = (
    *(get(_list_path(kind), listing(kind)) for kind in KINDS),
    get("/documents/{document_id}", document),
)
