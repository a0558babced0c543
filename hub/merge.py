"""Merging what a system says into what we know: owned fields only, and nothing that is already agreed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from hub.errors import Unmappable
from hub.model import KINDS, Document

# Fields that a source may still change in each state; a kind or state that is not listed is wide open.
_AGREED_ORDER = frozenset({"title", "note"})
STILL_OPEN: Mapping[str, Mapping[str, frozenset[str]]] = {
    "order": dict.fromkeys(("approved", "part_invoiced", "invoiced", "closed", "cancelled"), _AGREED_ORDER),
    "shipment": {"confirmed": frozenset({"tracking"})},
    "payment": dict.fromkeys(("unidentified", "unapplied", "part_applied", "applied"), frozenset[str]()),
    "invoice": dict.fromkeys(("issued", "part_paid", "paid"), frozenset[str]()),
}


# Filled in by the hub where the source has nothing: an empty value there does not clear them.
_HUB_FILLS: Mapping[str, frozenset[str]] = {
    "order": frozenset({"number", "issue_date", "payment_terms"}),
    "payment": frozenset({"number", "customer"}),
}


class Merged(NamedTuple):
    """The document after the merge, and the changes that came too late: field -> (ours, theirs)."""

    document: Document
    changed: bool
    too_late: Mapping[str, tuple[Any, Any]]


def make(kind: str, document_id: str, fields: Mapping[str, Any], mapping: str) -> Document:
    """A document from translated fields. Raises Unmappable naming the first field that does not fit."""
    try:
        return KINDS[kind].model_validate({**fields, "id": document_id})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise Unmappable(mapping, place, first["msg"], first.get("input")) from None


def merge(known: Document, seen: Document, owns: Collection[str]) -> Merged:
    """Take the owned fields of `seen` that may still change; everything else stays as it is."""
    state = str(getattr(known, "state", ""))
    still_open = STILL_OPEN.get(known.kind, {}).get(state)
    taken: dict[str, Any] = {}
    too_late: dict[str, tuple[Any, Any]] = {}
    for name in sorted(owns):
        ours, theirs = getattr(known, name), getattr(seen, name)
        filled = name in _HUB_FILLS.get(known.kind, ()) and theirs in ("", None)
        if ours == theirs or filled:
            continue
        if still_open is None or name in still_open:
            taken[name] = theirs
        else:
            too_late[name] = (ours, theirs)
    merged = known.model_copy(update=taken) if taken else known
    return Merged(merged, bool(taken), too_late)
