"""Where every value of a document comes from, and every value that was sent of it: lineage for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

from hub import merge
from hub.core import TxLookup, abroad
from hub.engine import Hub
from hub.errors import HubError
from hub.mapping import Origin, trace
from hub.model import Document
from hub.present import leaves, present
from hub.store import records
from hub.store.mappings import Slot
from hub.store.records import Kept
from hub.store.tx import Tx
from hub.store.views import journal
from hub.versions import made_by

_OURS = ("id", "kind")
_CREDIT_EVENTS = frozenset({"order.approved", "order.held", "order.rejected"})
_HUB_SETS = frozenset({"state"})  # the stages', although the model has a first one


class Source(NamedTuple):
    """A record that values came from."""

    connection: str
    kind: str
    external_id: str
    delivery: str  # the inbox row
    at: datetime
    mapping: str  # label of the version that translated it
    exact: bool  # False: that version is gone; the one in force explains instead


class FieldOrigin(NamedTuple):
    """One field of a document: `mapped` by an origin, a `default` of the model, or set by the `hub`."""

    path: str
    value: Any
    how: Literal["mapped", "default", "hub"]
    source: Source | None = None
    origin: Origin | None = None
    event: str = ""
    actor: str = ""
    at: datetime | None = None


class SentOrigin(NamedTuple):
    """What a connection was sent last, or would be sent now, field by field."""

    connection: str
    external_id: str
    version_sent: int
    version_now: int
    mapping: str
    origins: Sequence[Origin]
    problem: str


class Lineage(NamedTuple):
    """The answer to "where does this come from"."""

    document_id: str
    kind: str
    version: int
    fields: Sequence[FieldOrigin]
    sent: Sequence[SentOrigin]


def lineage(hub: Hub, document_id: str) -> Lineage | None:
    """Every field of a document and of what was sent of it, explained; None where there is none."""
    with hub.store.look() as tx:
        stored = tx.documents.stored(document_id)
        if stored is None:
            return None
        known = dict(_translated(hub, tx, stored.document))
        events = list(journal(tx.conn, [document_id]))
        fields = [
            known[path] if path in known and known[path].value == value else _set_by_hub(path, value, events)
            for path, value in leaves(stored.document.model_dump())
            if path not in _OURS
        ]
        sent = list(_sent(hub, tx, stored.document, stored.version))
        return Lineage(document_id, stored.document.kind, stored.version, fields, sent)


def _translated(hub: Hub, tx: Tx, document: Document) -> Iterator[tuple[str, FieldOrigin]]:
    """What the records say, the newest last: it is what a field was last taken from."""
    for kept in records.of_document(tx.conn, document.id):
        if not kept.translated_by:
            continue
        slot = Slot(kept.connection, kept.kind, "in")
        try:
            translator, exact = made_by(hub, tx, slot, kept.translated_by)
            seen = trace(translator, kept.record, TxLookup(tx, kept.connection, outward=False))
            made = merge.make(document.kind, document.id, seen.fields, translator.label)
        except HubError:
            continue  # mapping or record do not stand any more: the hub says what it knows itself
        source = _source(kept, exact=exact)
        origins = {origin.target: origin for origin in seen.origins}
        for path, value in leaves(made.model_dump()):
            if path in origins:
                yield path, FieldOrigin(path, value, "mapped", source, origins[path])
            elif path not in _HUB_SETS:
                yield path, FieldOrigin(path, value, "default", source)


def _source(kept: Kept, *, exact: bool) -> Source:
    return Source(
        kept.connection, kept.kind, kept.external_id, kept.inbox_id, kept.at, kept.translated_by, exact
    )


def _set_by_hub(path: str, value: Any, events: Sequence[Any]) -> FieldOrigin:
    """With the event that set it: the newest for a state, the decision's for credit, else the first."""
    decided = [one for one in events if path.startswith("credit.") and one.event in _CREDIT_EVENTS]
    told = decided or (events[-1:] if path == "state" else events[:1])
    if not told:
        return FieldOrigin(path, value, "hub")
    event = told[-1]
    return FieldOrigin(path, value, "hub", None, None, event.event, event.actor, event.at)


def _sent(hub: Hub, tx: Tx, document: Document, version: int) -> Iterator[SentOrigin]:
    for row in tx.xrefs.of_document(document.id):
        live = hub.registry.all().get(row.connection)
        translator = live.outbound.get(document.kind) if live else None
        if translator is None:
            continue
        shown = present(document, tx.reader, abroad(tx, row.connection))
        seen = trace(translator, shown, TxLookup(tx, row.connection, outward=True))
        problem = "; ".join(f"{one.field}: {one.reason}" for one in seen.failed)
        yield SentOrigin(
            row.connection, row.external_id or "", row.sent, version, translator.label, seen.origins, problem
        )
