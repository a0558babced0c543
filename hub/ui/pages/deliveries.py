"""What came in and what waits to go out, as it is in the two queues."""

from __future__ import annotations

import orjson
from starlette.responses import Response

from hub.api import actions, showing
from hub.api.access import Role
from hub.api.actions import Missing
from hub.store import connections, figures, views
from hub.ui.visit import Visit, get, post

ROWS = 50


def deliveries(visit: Visit) -> Response:
    """The inbox."""
    connection, state = visit.asked("connection"), visit.asked("state")
    with visit.hub.store.look() as tx:
        rows = views.deliveries(
            tx.conn, connection=connection, state=state, limit=ROWS, after=visit.asked("after")
        )
        names = [row.name for row in connections.every(tx.conn)]
        now = tx.now
    after = showing.last(rows) if len(rows) >= ROWS else ""
    return visit.show(
        "deliveries.html", rows=rows, connection=connection, state=state, names=names, after=after, now=now
    )


def delivery(visit: Visit) -> Response:
    """One delivery: headers, body, what became of it."""
    delivery_id = visit.params["delivery_id"]
    with visit.hub.store.look() as tx:
        row = views.delivery(tx.conn, delivery_id)
        if row is None:
            raise Missing("There is no such delivery.")
        found = showing.delivery_detail(row)
        tries = figures.attempts_of_rows(tx.conn, [delivery_id])
        cases = figures.cases_of_row(tx.conn, delivery_id)
        caused = figures.caused_by(tx.conn, delivery_id)
        now = tx.now
    return visit.show(
        "delivery.html",
        found=found,
        body=_readable(found.body),
        tries=tries,
        cases=cases,
        caused=caused,
        now=now,
    )


def _readable(body: str) -> str:
    """JSON with indents where it is JSON, else as it is."""
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body
    return orjson.dumps(parsed, option=orjson.OPT_INDENT_2).decode()


def replay(visit: Visit) -> Response:
    """Process it once more."""
    actions.replay(visit.hub, visit.who, visit.params["delivery_id"])
    return visit.go(f"/deliveries/{visit.params['delivery_id']}", "It is processed once more.")


def outbox(visit: Visit) -> Response:
    """Documents that a system should have and has not."""
    connection, state = visit.asked("connection"), visit.asked("state")
    with visit.hub.store.look() as tx:
        rows = figures.outbox(
            tx.conn, connection=connection, state=state, limit=ROWS, after=visit.asked("after")
        )
        names = [row.name for row in connections.every(tx.conn)]
        labels = figures.labels(tx.conn, [row.document_id for row in rows])
    after = showing.last(rows) if len(rows) >= ROWS else ""
    return visit.show(
        "outbox.html", rows=rows, connection=connection, state=state, names=names, labels=labels, after=after
    )


def retry(visit: Visit) -> Response:
    """Try a row now."""
    actions.retry(visit.hub, visit.who, visit.params["row_id"])
    return visit.go("/outbox", "It is tried again now. If it went through, it is gone from this list.")


PLACES = (
    get("/deliveries", deliveries),
    get("/deliveries/{delivery_id}", delivery),
    post("/deliveries/{delivery_id}/replay", replay, Role.OPERATOR),
    get("/outbox", outbox),
    post("/outbox/{row_id}/retry", retry, Role.OPERATOR),
)
