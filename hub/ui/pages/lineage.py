"""Where every value of a document comes from, and every value that was sent of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from starlette.responses import Response

from hub.api.actions import Missing
from hub.origins import FieldOrigin, Lineage, SentOrigin, lineage
from hub.store import figures, mappings
from hub.store.mappings import Slot
from hub.store.tx import Tx
from hub.ui.discretion import accounts
from hub.ui.pages.mappings import path_of
from hub.ui.visit import Visit, get

FIELDS_MAX = 500  # of one document on a page


def of_document(visit: Visit) -> Response:
    """The document field by field, then what each system has of it."""
    document_id = visit.params["document_id"]
    found = lineage(visit.hub, document_id)
    if found is None:
        raise Missing("There is no such document.")
    with visit.hub.store.look() as tx:
        names = figures.labels(tx.conn, [document_id, *_ids(found)])
        links = _links(tx, found)
    return visit.show(
        "lineage.html", found=found, names=names, links=links, fields_max=FIELDS_MAX,
        number=names.get(document_id, ("", ""))[1], document_id=document_id,
        filled=[one for one in found.fields if not _is_bare(one)],
        bare=[one.path for one in found.fields if _is_bare(one)],
        hidden=_accounts(found),
        sources=list(dict.fromkeys(one.source for one in found.fields if one.source is not None)),
    )  # fmt: skip


def _is_bare(one: FieldOrigin) -> bool:
    """Nothing stands there and no mapping put it there."""
    return one.how != "mapped" and one.value in (None, "", (), [], {})


def _accounts(found: Lineage) -> frozenset[str]:
    """The bank accounts among its values."""
    return frozenset(
        one.value
        for one in found.fields
        if isinstance(one.value, str) and accounts({one.path.rpartition(".")[2]: one.value})
    )


def _ids(found: Lineage) -> Sequence[str]:
    """Every value that may be the id of a document."""
    origins = [one.origin for one in found.fields if one.origin is not None]
    origins += [origin for sent in found.sent for origin in sent.origins]
    values = [one.value for one in found.fields] + [one.value for one in origins]
    values += [used.value for one in origins for used in one.used]
    values += [read.value for one in origins for read in one.inputs]
    return [one for one in values if isinstance(one, str) and len(one) == 32]


def _links(tx: Tx, found: Lineage) -> Mapping[tuple[str, str], str]:
    """(connection, label of a version) -> the page that has its text."""
    used = {*_read(found.fields), *_written(found.kind, found.sent)}
    return {(slot.connection, label): _link(tx, slot, label) for slot, label in used}


def _read(fields: Iterable[FieldOrigin]) -> Iterable[tuple[Slot, str]]:
    for one in fields:
        if one.source is not None and one.origin is not None:
            yield Slot(one.source.connection, one.source.kind, "in"), one.origin.mapping


def _written(kind: str, sent: Iterable[SentOrigin]) -> Iterable[tuple[Slot, str]]:
    return ((Slot(one.connection, kind, "out"), one.mapping) for one in sent)


def _link(tx: Tx, slot: Slot, label: str) -> str:
    number = label.rpartition(" v")[2]
    row: Any = mappings.by_version(tx.conn, slot, int(number)) if number.isdigit() else None
    return f"/mappings/versions/{row.id}" if row is not None and row.state != "draft" else path_of(slot)


PLACES = (get("/documents/{document_id}/lineage", of_document),)
