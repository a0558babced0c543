"""A document as its customer gets it: fetched from the system that printed it, kept nowhere."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Response

from hub.api.access import TheHub, Viewer
from hub.connector import Printer
from hub.engine import Hub
from hub.errors import ConnectorError, Rejected
from hub.store import views

router = APIRouter()


@router.get(
    "/documents/{document_id}/pdf", tags=["documents"], response_class=Response,
    responses={200: {"content": {"application/pdf": {}}}},
)  # fmt: skip
def printed(who: Viewer, hub: TheHub, document_id: str) -> Response:
    """The PDF of a document, from the system that can print it (SAP: what it billed itself)."""
    with hub.store.look() as tx:
        row = views.document(tx.conn, document_id)
        places = [(one.connection, one.external_id) for one in views.xrefs(tx.conn, [document_id])]
    if row is None:
        raise HTTPException(404, "there is no such document")
    found, why = _first(hub, row.kind, places)
    if found is None:
        raise HTTPException(404, why or f"no system that knows this {row.kind} can print it")
    name = "".join(sign for sign in str(row.number) if sign.isalnum() or sign in "-_") or document_id
    headers = {"content-disposition": f'inline; filename="{name}.pdf"', "x-content-type-options": "nosniff"}
    return Response(found, media_type="application/pdf", headers=headers)


def _first(hub: Hub, kind: str, places: list[tuple[str, str]]) -> tuple[bytes | None, str]:
    """The first print there is, else what the last system said to it."""
    live, why = hub.registry.all(), ""
    for connection, external_id in places:
        connector = live[connection].connector if connection in live else None
        if not external_id or not isinstance(connector, Printer):
            continue
        try:
            return connector.printed(kind, external_id), ""
        except Rejected as error:
            why = error.message
        except ConnectorError as error:
            raise HTTPException(502, f"{connection} could not be asked: {error}") from None
    return None, why
