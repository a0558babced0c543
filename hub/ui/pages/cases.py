"""Cases: the list of questions, and the page on which one is answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from starlette.responses import Response

from hub.api import showing
from hub.api.access import Role
from hub.api.actions import Missing
from hub.decide import choices, decide
from hub.errors import HubError, Invalid
from hub.model import CreditMemo, Invoice, Order, Payment
from hub.settling import describe
from hub.stages.applying import Source, money_of
from hub.stages.outcome import Choice
from hub.store import figures, views
from hub.store.tx import Tx
from hub.ui import words
from hub.ui.discretion import accounts
from hub.ui.pages import cash
from hub.ui.render import quantity
from hub.ui.visit import Visit, get, post

ROWS = 50
NOTE_MAX = 2_000
REVISED_MAX = 200  # lines that one form revises
CASH = frozenset({"unmatched_payment", "overpayment", "payment_reversed", "unapplied_credit"})
_OF_PAYMENTS = frozenset({"on_account", "returned"})
_HIDDEN = frozenset(
    {
        "row",
        "queue",
        "invoice",
        "payment_id",
        "order",
        "suggestions",
        "quarantined",
        "rule",
        "doubt",
        "proposed",
        "survivor",
        "reopened",
    }
)


def cases(visit: Visit) -> Response:
    """Open questions, or those answered, by reason."""
    reason, state = visit.asked("reason"), "resolved" if visit.asked("state") == "resolved" else "open"
    with visit.hub.store.look() as tx:
        counts = views.case_counts(tx.conn)
        rows = views.cases(tx.conn, state=state, reason=reason, limit=ROWS, after=visit.asked("after"))
        labels = figures.labels(tx.conn, [row.document_id for row in rows])
        now = tx.now
    after = showing.last(rows) if len(rows) >= ROWS else ""
    return visit.show(
        "cases.html",
        rows=rows,
        counts=counts,
        reason=reason,
        state=state,
        labels=labels,
        now=now,
        after=after,
    )


def case(visit: Visit, *, status: int = 200, told: str = "") -> Response:
    """One question with its evidence and the answers it takes."""
    with visit.hub.store.look() as tx:
        row = _row(tx, visit)
        document = tx.reader.get(row.document_id) if row.document_id else None
        evidence: Mapping[str, Any] = orjson.loads(row.evidence)
        values: dict[str, Any] = {
            "row": row, "document": document, "told": told, "note": visit.field("note"), "now": tx.now,
            "label": figures.labels(tx.conn, [row.document_id]).get(row.document_id, ("", "")),
            "evidence": _shown(evidence),
            "queue": evidence.get("queue", ""), "money": None, "credit": None, "external_id": "",
            "choices": [
                (name, words.decision(name, row.reason))
                for name in choices(row.reason)
                if name not in _OF_PAYMENTS or isinstance(document, Payment)
                if name != "revise" or (isinstance(document, Order) and document.response_wanted)
            ],
            "revised": _revised(visit, document, row.reason),
        }  # fmt: skip
        if isinstance(document, Payment | CreditMemo) and row.reason in CASH:
            values["money"] = _money(tx, visit, document)
        if isinstance(document, Order) and document.credit is not None:
            values["credit"] = document.credit if row.reason.startswith("credit") else None
        if isinstance(document, Invoice):
            values["evidence"] |= {"still_open": str(tx.reader.open_amount(document))}
        values["candidates"] = evidence.get("candidates", ())
        if row.reason in ("unknown_outcome", "customer_match"):
            values["external_id"] = visit.field("external_id")
        hidden = accounts([evidence, document.model_dump() if document else {}])
    return visit.show("case.html", status=status, hidden=hidden, **values)


def _shown(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """The evidence without ids and what the page shows elsewhere."""
    hidden = _HIDDEN | {"connection", "kind"} if "queue" in evidence else _HIDDEN
    return {
        name: value for name, value in evidence.items() if name not in hidden and value not in ("", None, [])
    }


def _revised(visit: Visit, document: Any, reason: str) -> Sequence[Mapping[str, Any]]:
    """The lines of an order that may be accepted with changes, with what was entered."""
    if "revise" not in choices(reason) or not isinstance(document, Order) or not document.response_wanted:
        return ()
    if len(document.lines) > REVISED_MAX:
        return ()  # more than a form can carry: by the API
    return [
        {
            "line_id": line.line_id, "sku": line.sku, "name": line.name, "unit_code": line.unit_code,
            "ordered": quantity(line.quantity),
            "quantity": visit.field(f"quantity.{line.line_id}") or quantity(line.quantity).replace(",", ""),
            "promised": visit.field(f"promised.{line.line_id}"), "why": visit.field(f"why.{line.line_id}"),
        }
        for line in document.lines
    ]  # fmt: skip


def _entered(visit: Visit) -> Sequence[Mapping[str, Any]]:
    names = [name.removeprefix("quantity.") for name in visit.form if name.startswith("quantity.")]
    return [
        {
            "line_id": name, "quantity": visit.field(f"quantity.{name}") or None,
            "promised_on": visit.field(f"promised.{name}") or None, "reason": visit.field(f"why.{name}"),
        }
        for name in names
    ]  # fmt: skip


def _row(tx: Tx, visit: Visit) -> Any:
    row = views.case(tx.conn, visit.params["case_id"])
    if row is None:
        raise Missing("There is no such case.")
    return row


def _money(tx: Tx, visit: Visit, payment: Source) -> Mapping[str, Any]:
    search = visit.field("search")[:100]
    return {
        "what": "Payment" if isinstance(payment, Payment) else "Credit",
        "currency": money_of(payment).currency,
        "lines": cash.lines(tx, payment, visit.form, search),
        "search": search,
        "balance": cash.balance(tx, payment, visit.form),
        "customers": cash.customers(tx, payment, visit.field("customer_search")[:100]),
        "customer_search": visit.field("customer_search")[:100],
    }


def _fragment(template: str) -> Any:
    """A part of the payment form, drawn anew while a person works on it."""

    def view(visit: Visit) -> Response:
        with visit.hub.store.look() as tx:
            row = _row(tx, visit)
            payment = tx.reader.get(row.document_id)
            if not isinstance(payment, Payment | CreditMemo):
                raise Missing("This case is not about a payment or a credit.")
            return visit.show(template, row=row, money=_money(tx, visit, payment))

    return view


def answer(visit: Visit) -> Response:
    """Decide. What cannot be done is said above the form, which keeps what was entered."""
    case_id, decision = visit.params["case_id"], visit.field("decision")
    with visit.hub.store.look() as tx:
        row = _row(tx, visit)
    try:
        note = visit.field("note")
        if len(note) > NOTE_MAX:
            raise Invalid(f"the note is over {NOTE_MAX} characters", field="note")
        decide(visit.hub, case_id, decision, Choice(visit.who.name, note, _values(visit, decision)))
    except HubError as error:
        return case(visit, status=422, told=describe(error))
    label = words.decision(decision, row.reason).label
    return visit.go(f"/cases/{case_id}", f"Done: {label[:1].lower()}{label[1:]}.")


def _values(visit: Visit, decision: str) -> Mapping[str, Any]:
    if decision == "apply":
        return {"invoices": list(cash.shares(visit.form))}
    if decision in ("returned", "match"):
        return {"payment": visit.field("payment")}
    if decision == "on_account":
        return {"customer": visit.field("customer")}
    if decision in ("adopt", "link"):
        return {"external_id": visit.field("external_id")}
    if decision == "revise":
        return {"lines": _entered(visit)}
    return {}


PLACES = (
    get("/cases", cases),
    get("/cases/{case_id}", case),
    post("/cases/{case_id}", answer, Role.OPERATOR),
    post("/cases/{case_id}/invoices", _fragment("_invoices.html"), Role.OPERATOR),
    post("/cases/{case_id}/difference", _fragment("_difference.html"), Role.OPERATOR),
    post("/cases/{case_id}/customers", _fragment("_customers.html"), Role.OPERATOR),
)
