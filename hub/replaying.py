"""Making documents again, or sending them again, after their mapping changed."""

from __future__ import annotations

from collections.abc import Sequence

from hub.engine import Hub
from hub.store import records, upkeep
from hub.store.mappings import Slot
from hub.store.tx import Tx


def replay(hub: Hub, slot: Slot, document_ids: Sequence[str], *, by: str) -> tuple[int, Sequence[str]]:
    """Documents go through the mapping in force once more: how many, and which nothing is known of.

    Incoming: the delivery they came with is processed again; what is agreed already stays and becomes a
    case. Outgoing: their present version is wanted again.
    """
    unknown, done = [], 0
    with hub.store.begin() as tx:
        for document_id in document_ids:
            if slot.direction == "in":
                found = [
                    one for one in records.of_document(tx.conn, document_id)
                    if (one.connection, one.kind) == (slot.connection, slot.kind)
                ]  # fmt: skip
                replayed = any(upkeep.replay(tx.conn, one.inbox_id) for one in found)
            else:
                replayed = _want_again(tx, slot, document_id)
            done += replayed
            if not replayed:
                unknown.append(document_id)
        tx.trail.audit(
            at=tx.now, actor=by, action="mapping.replay", subject=str(slot), detail=f"{done} documents"
        )
    hub.ring("inbox" if slot.direction == "in" else slot.connection)
    return done, unknown


def _want_again(tx: Tx, slot: Slot, document_id: str) -> bool:
    """As a version of its own, although nothing in it changed: its key there must not be one already used."""
    document = tx.documents.get(document_id)
    known = {row.connection for row in tx.xrefs.of_document(document_id)}
    if document is None or document.kind != slot.kind or slot.connection not in known:
        return False
    tx.xrefs.want(slot.connection, document, tx.documents.save(document, tx.now, touch=True), tx.now)
    return True
