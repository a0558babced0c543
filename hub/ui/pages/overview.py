"""The first page: how the business stands, what waits for a person, what the queues hold."""

from __future__ import annotations

from starlette.responses import Response

from hub.api import stories
from hub.store import connections, figures
from hub.ui.visit import Visit, get

ORDER_STATES = (
    "received", "validated", "invalid", "held", "approved", "part_invoiced", "invoiced", "closed", "rejected",
    "cancelled",
)  # fmt: skip


def overview(visit: Visit) -> Response:
    """Figures, orders by state, cases by reason, queues, latest events."""
    with visit.hub.store.look() as tx:
        seen = stories.overview(tx, tx.reader.today)
        names = figures.labels(tx.conn, [event.document for event in seen.latest])
        rows = connections.every(tx.conn)
        now = tx.now
    orders = seen.documents.get("order", {})
    return visit.show(
        "overview.html",
        seen=seen,
        names=names,
        connections=rows,
        now=now,
        order_states=[(name, orders[name]) for name in ORDER_STATES if orders.get(name)],
    )


PLACES = (get("/", overview),)
