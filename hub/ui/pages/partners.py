"""What pages show of interchanges and acknowledgments: which sets they hold, and how they were written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hub.model import Acknowledgment, Interchange
from hub.store.tx import Tx

KINDS = frozenset({"interchange", "acknowledgment"})
NAMED_MAX = 4  # sets of one envelope that a list names


def holds(tx: Tx, rows: Sequence[Any]) -> Mapping[str, str]:
    """By document id: the sets of an envelope, or what an acknowledgment is about."""
    tx.documents.prefetch([row.id for row in rows])
    found = ((row.id, tx.documents.get(row.id)) for row in rows)
    return {key: _sets(one) for key, one in found if isinstance(one, Interchange | Acknowledgment)}


def _sets(document: Interchange | Acknowledgment) -> str:
    sets = [one for group in document.groups for one in group.sets]
    named = [f"{one.set_id} {one.reference or one.number}".strip() for one in sets[:NAMED_MAX]]
    more = [f"and {len(sets) - NAMED_MAX} more"] if len(sets) > NAMED_MAX else []
    if isinstance(document, Acknowledgment) and document.technical is not None:
        named.append(f"envelope {document.technical.number}")
    way = "to" if document.direction == "out" else "from"
    return f"{', '.join([*named, *more]) or 'no sets'} ({way} the partner)"


def written(body: Mapping[str, Any]) -> str:
    """An interchange as it was sent, a line for each segment; empty for anything else."""
    text = body.get("body")
    if not isinstance(text, str) or len(text) < len("ISA") + 103:
        return ""
    return text if "\n" in text else text.replace(text[105], f"{text[105]}\n")
