"""Routes for the two queues: deliveries that came in, documents on their way out."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query

from hub.api import actions, showing
from hub.api.access import Operator, TheHub, Viewer
from hub.api.shapes import After, DeliveryDetail, DeliveryOut, Done, Limit, Name, Page, XrefOut, page
from hub.store import figures, views

router = APIRouter()


@router.get("/deliveries", tags=["deliveries"])
def deliveries(
    *, who: Viewer, hub: TheHub,
    connection: Name = "",
    state: Annotated[Literal["", "pending", "done", "dead"], Query()] = "",
    limit: Limit = 50,
    after: After = "",
) -> Page[DeliveryOut]:  # fmt: skip
    """The inbox, newest first."""
    with hub.store.look() as tx:
        rows = views.deliveries(tx.conn, connection=connection, state=state, limit=limit, after=after)
    return page([showing.delivery(row) for row in rows], limit, showing.last(rows))


@router.get("/deliveries/{delivery_id}", tags=["deliveries"])
def delivery(who: Viewer, hub: TheHub, delivery_id: str) -> DeliveryDetail:
    """A delivery with the beginning of its body."""
    with hub.store.look() as tx:
        row = views.delivery(tx.conn, delivery_id)
    if row is None:
        raise HTTPException(404, "there is no such delivery")
    return showing.delivery_detail(row)


@router.post("/deliveries/{delivery_id}/replay", tags=["deliveries"])
def replay(who: Operator, hub: TheHub, delivery_id: str) -> Done:
    """Process a delivery once more. What it brings that is known already changes nothing."""
    actions.replay(hub, who, delivery_id)
    return Done()


@router.get("/outbox", tags=["outbox"])
def outbox(
    *, who: Viewer, hub: TheHub,
    connection: Name = "",
    state: Annotated[Literal["", "pending", "dead"], Query()] = "",
    limit: Limit = 50,
    after: After = "",
) -> Page[XrefOut]:  # fmt: skip
    """Documents that a connection should have and has not, newest first."""
    with hub.store.look() as tx:
        rows = figures.outbox(tx.conn, connection=connection, state=state, limit=limit, after=after)
    return page([showing.xref(row) for row in rows], limit, showing.last(rows))


@router.post("/outbox/{row_id}/retry", tags=["outbox"])
def retry(who: Operator, hub: TheHub, row_id: str) -> Done:
    """Try a stopped or waiting row now. It looks before it writes, as every later attempt does."""
    actions.retry(hub, who, row_id)
    return Done()
