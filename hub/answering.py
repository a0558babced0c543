"""Whom something is told that answers a partner: the connection that asked, whatever the routes say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hub.connector import Kind
from hub.model import Acknowledgment, Document, Interchange, OrderResponse
from hub.registry import Live
from hub.store.promoted import promoted
from hub.store.tx import Tx

_OUR_ACKNOWLEDGMENT = ("acknowledgment.issued", "acknowledgment.changed")
_OUR_INTERCHANGE = ("interchange.composed", "interchange.resent")


def named(name: str, live: Mapping[str, Live]) -> Sequence[str]:
    """The connections that a route means: the one of this name, else all partners of the connector of it.

    Systems are named one by one: a second ERP that is only being tried must not hear of anything by itself.
    """
    if name in live:
        return [name]
    return sorted(one for one, found in live.items() if found.composes and found.manifest.name == name)


def back_to(tx: Tx, live: Mapping[str, Live], event: str, document: Document) -> Sequence[str] | None:
    """Where an answer goes, or a document that is sent once more; None: the routes decide."""
    if isinstance(document, Interchange):
        return _there(live, document.partner, document) if event in _OUR_INTERCHANGE else []
    if isinstance(document, Acknowledgment):
        ours = document.direction == "out" and event in _OUR_ACKNOWLEDGMENT
        return _there(live, tx.reader.origin(document.id), document) if ours else []
    if isinstance(document, OrderResponse):
        issued = event in ("order_response.issued", "order_response.resent")
        return _there(live, tx.reader.origin(document.order), document) if issued else []
    if event.endswith(".resent"):
        return _there(live, tx.reader.origin(promoted(document).order), document)
    return None


def _there(live: Mapping[str, Live], connection: str, document: Document) -> Sequence[str]:
    found = live.get(connection)
    kind = found.manifest.kinds.get(document.kind, Kind()) if found else Kind()
    return [connection] if kind.outbound else []
