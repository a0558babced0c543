"""Routes that only read: documents, timelines, the ledger, the figures, the audit trail."""

from __future__ import annotations

from typing import Annotated

import orjson
from fastapi import APIRouter, HTTPException, Query

from hub.api import showing, stories
from hub.api.access import TheHub, Viewer
from hub.api.shapes import (
    After,
    AuditOut,
    Balance,
    DocumentDetail,
    DocumentOut,
    Limit,
    Me,
    Moment,
    Name,
    Overview,
    Page,
    Search,
    page,
)
from hub.model import KINDS
from hub.store import figures, views

router = APIRouter()


@router.get("/me", tags=["tokens"])
def me(who: Viewer) -> Me:
    """Whose token this is."""
    return Me.model_validate({"name": who.name, "role": who.role.name.lower()})


@router.get("/overview", tags=["figures"])
def overview(who: Viewer, hub: TheHub) -> Overview:
    """Receivables, cash, documents by state, open cases, queues and the latest events."""
    with hub.store.look() as tx:
        return stories.overview(tx, tx.reader.today)


@router.get("/ledger/balances", tags=["figures"])
def balances(who: Viewer, hub: TheHub) -> list[Balance]:
    """Sum per account and currency; per currency they add up to zero."""
    with hub.store.look() as tx:
        return [Balance(account=account, amount=amount) for account, amount in tx.books.balances()]


@router.get("/documents", tags=["documents"])
def documents(
    *, who: Viewer, hub: TheHub,
    kind: Annotated[str, Query(description="one of " + ", ".join(KINDS), max_length=32)],
    state: Name = "",
    customer: Annotated[str, Query(description="document id of the customer", max_length=36)] = "",
    search: Annotated[Search, Query(description="beginning of a number, or part of a customer's name")] = "",
    limit: Limit = 50,
    after: After = "",
) -> Page[DocumentOut]:  # fmt: skip
    """Documents of a kind, newest first."""
    with hub.store.look() as tx:
        rows = views.documents(
            tx.conn, kind=kind, state=state, customer=customer, search=search, limit=limit, after=after
        )
        names = figures.labels(tx.conn, [row.customer_id for row in rows])
    return page([showing.document(row, names) for row in rows], limit, showing.last(rows))


@router.get("/documents/{document_id}", tags=["documents"])
def document(who: Viewer, hub: TheHub, document_id: str) -> DocumentDetail:
    """A document: its fields, what every system calls it, its postings, and how it came to be so."""
    with hub.store.look() as tx:
        row = views.document(tx.conn, document_id)
        if row is None:
            raise HTTPException(404, "there is no such document")
        names = figures.labels(tx.conn, [row.customer_id])
        by = views.POSTED_BY.get(row.kind)
        postings = views.postings(tx.conn, **{by: document_id}) if by else ()
        return DocumentDetail(
            **showing.document(row, names).model_dump(),
            body=orjson.loads(row.body),
            translated_by=row.translated_by,
            xrefs=[showing.xref(one) for one in views.xrefs(tx.conn, [document_id])],
            postings=[showing.posting(one) for one in postings],
            versions=[showing.event(one) for one in views.journal(tx.conn, [document_id])],
        )


@router.get("/orders/{order_id}/timeline", tags=["documents"])
def timeline(who: Viewer, hub: TheHub, order_id: str) -> list[Moment]:
    """What happened to an order in every system, oldest first: deliveries, events, attempts, cases."""
    with hub.store.look() as tx:
        story = stories.order_story(tx, order_id)
    if story is None:
        raise HTTPException(404, "there is no such order")
    return list(story.moments)


@router.get("/audit", tags=["audit"])
def audit(
    who: Viewer, hub: TheHub, limit: Limit = 50, after: Annotated[int, Query(ge=0, le=2**62)] = 0
) -> Page[AuditOut]:
    """What people and their programs did, newest first."""
    with hub.store.look() as tx:
        rows = views.audit(tx.conn, limit, after)
    return page([showing.audit(row) for row in rows], limit, showing.last(rows, "seq"))
