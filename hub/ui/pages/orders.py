"""The page of one order: where it stands, why credit decided so, and its timeline across all systems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from hub.api import showing, stories
from hub.api.actions import Missing
from hub.model import KINDS, Document, Money, Order
from hub.present import present
from hub.store import figures
from hub.ui.visit import Visit, get


def order(visit: Visit) -> Response:
    """Everything about an order."""
    with visit.hub.store.look() as tx:
        story = stories.order_story(tx, visit.params["order_id"])
        if story is None:
            raise Missing("There is no such order.")
        documents = [KINDS[row.kind].model_validate_json(row.body) for row in story.family]
        (found,) = (one for one in documents if isinstance(one, Order))
        shown = present(found, tx.reader)
        names = figures.labels(tx.conn, [found.customer, *(row.document_id for row in story.xrefs)])
        shipped = _quantities(documents, "shipment", "confirmed")
        return visit.show(
            "order.html",
            order=found,
            row=next(row for row in story.family if row.kind == "order"),
            customer=shown.get("customer_name", "unknown customer"),
            ordered=found.payable_amount,
            invoiced=Money(**shown["progress"]["invoiced"]),
            paid=Money(**shown["progress"]["paid"]),
            still=Money(**shown["progress"]["open"]),
            shipped=shipped,
            billed=_quantities(documents, "invoice", "issued", "part_paid", "paid"),
            shipments=[one for one in documents if one.kind == "shipment"],
            invoices=[(one, tx.reader.open_amount(one)) for one in documents if one.kind == "invoice"],  # type: ignore[arg-type]  # kind says it is an Invoice
            payments=[
                (one, tx.books.allocations(payment=one.id)) for one in documents if one.kind == "payment"
            ],
            credits=[
                (one, tx.books.allocations(payment=one.id))
                for one in documents
                if one.kind in ("credit_memo", "adjustment", "refund", "dispute")
            ],
            agreed=[one for one in documents if one.kind in ("order_change", "order_response")],
            invoice_numbers={one.id: getattr(one, "number", "") for one in documents},
            moments=story.moments,
            xrefs=story.xrefs,
            cases=story.cases,
            postings=[showing.posting(one) for one in story.postings],
            names=names,
            now=tx.now,
        )


def _quantities(documents: Sequence[Document], kind: str, *states: str) -> Mapping[str, Any]:
    """Per order line: how much of it these documents in these states have."""
    sums: dict[str, Any] = {}
    for one in documents:
        if one.kind != kind or str(getattr(one, "state", "")) not in states:
            continue
        for line in getattr(one, "lines", ()):
            sums[line.order_line] = sums.get(line.order_line, 0) + line.quantity
    return sums


PLACES = (get("/orders/{order_id}", order),)
