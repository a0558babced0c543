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
    found = {row.id: tx.documents.get(row.id) for row in rows}
    tx.documents.prefetch([one.interchange for one in found.values() if isinstance(one, Acknowledgment)])
    told = {key: _told(tx, one) for key, one in found.items()}
    return {key: text for key, text in told.items() if text}


def _told(tx: Tx, one: Any) -> str:
    if isinstance(one, Interchange):
        partner = one.partner or "the partner"
        return f"{_named(one, {}) or 'no sets'} ({'to' if one.direction == 'out' else 'from'} {partner})"
    if isinstance(one, Acknowledgment):
        answered = tx.documents.get(one.interchange) if one.interchange else None
        whose = "theirs" if one.direction == "out" else "ours"
        return f"{_named(one, _references(answered)) or 'no sets'} ({whose})"
    return ""


def _references(answered: Any) -> Mapping[tuple[str, str], str]:
    """What people call the sets of the interchange that is answered, by set and control number."""
    groups = answered.groups if isinstance(answered, Interchange) else ()
    return {(one.set_id, one.number): one.reference for group in groups for one in group.sets}


def _named(document: Interchange | Acknowledgment, known: Mapping[tuple[str, str], str]) -> str:
    sets = [one for group in document.groups for one in group.sets]
    named = [
        f"{one.set_id} {one.reference or known.get((one.set_id, one.number)) or one.number}".strip()
        for one in sets[:NAMED_MAX]
    ]
    more = [f"and {len(sets) - NAMED_MAX} more"] if len(sets) > NAMED_MAX else []
    if isinstance(document, Acknowledgment) and document.technical is not None:
        named.append(f"envelope {document.technical.number}")
    return ", ".join([*named, *more])


def written(body: Mapping[str, Any]) -> str:
    """An interchange as it was sent, a line for each segment; empty for anything else."""
    text = body.get("body")
    if not isinstance(text, str) or len(text) < len("ISA") + 103:
        return ""
    return text if "\n" in text else text.replace(text[105], f"{text[105]}\n")
