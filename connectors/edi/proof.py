"""What we send is read before it leaves: by our own reading, by pyx12, and added up once more."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from connectors.edi import footing, guide, second, tokens, tree, write
from connectors.edi.envelope import Problem
from connectors.edi.examine import SetRead
from connectors.edi.faults import DEFAULT, Status
from connectors.edi.reading import GroupRead, InterchangeRead, Read, read
from hub.sdk import Rejected

_FAULTS_SHOWN = 5
_SHORT = "short"  # of what partners send it is noted only: what we repeat of it leaves as it came


def prove(text: str, echoed: Collection[str] = ()) -> None:
    """Reads an interchange with every set in it twice. Raises Rejected with what is wrong of it, in words.

    `echoed` are values of the partner's own document: these alone may be shorter than the standard wants.
    """
    for one in _clean(text, echoed):
        if isinstance(one, SetRead):
            _again(one, echoed)
            _adds_up(one)


def sound(text: str) -> None:
    """Reads an interchange of documents that were proven, by our own reading alone. Raises Rejected."""
    _clean(text, None)


def _clean(text: str, echoed: Collection[str] | None) -> Sequence[Read]:
    """What our own reading finds; an acknowledgment may be of a version that we have no guide for."""
    found = [*read(tokens.of_bytes(text.encode()), DEFAULT)]
    faults: list[str] = []
    for one in found:
        if isinstance(one, SetRead) and not _foreign(one):
            counted = [
                fault
                for fault in one.faults
                if fault.check != _SHORT or (echoed is not None and fault.value not in echoed)
            ]
            faults += [fault.message for fault in counted] + ([one.reason] if one.reason else [])
        elif isinstance(one, GroupRead | InterchangeRead):
            faults += [note.message for note in one.notes]
        elif isinstance(one, Problem):
            faults.append(one.message)
    if faults:
        raise _refusal(faults)
    return found


def values_of(record: Any) -> Iterator[str]:
    """Every value in a document of a partner, as it was told."""
    if isinstance(record, Mapping | list | tuple):
        for part in record.values() if isinstance(record, Mapping) else record:
            yield from values_of(part)
    elif record is not None:
        yield str(record).strip()


def _foreign(one: SetRead) -> bool:
    return one.status is Status.UNSUPPORTED and one.id in ("997", "999")


def _refusal(faults: Sequence[str]) -> Rejected:
    shown = "; ".join(faults[:_FAULTS_SHOWN])
    more = f"; and {len(faults) - _FAULTS_SHOWN} more" if len(faults) > _FAULTS_SHOWN else ""
    return Rejected(f"it would not be X12 that a partner takes: {shown}{more}", code="X12", sent=False)


def _again(one: SetRead, echoed: Collection[str]) -> None:
    """The second reading, along the guide of the version."""
    release = int(one.guide.rpartition(" ")[2] or 0)
    if release in guide.OWN_RELEASES and not _foreign(one):
        objections = second.objections(one.id, release, one.found.segments, one.found.marks, echoed)
        if objections:
            raise _refusal([f"{one.id} {words} (second reading)" for words in objections])


def _adds_up(one: SetRead) -> None:
    """An 810 must come to its total, to the cent. Raises Rejected with the arithmetic."""
    if one.id != "810" or one.walked is None:
        return
    named = tree.named(one.walked.root, one.found.marks)
    result = footing.invoice(named)
    if not result.holds:
        raise Rejected(arithmetic(named, result), code="FOOTING", sent=False)


def arithmetic(told: tree.Tree, result: footing.Footing) -> str:
    """Why an invoice does not add up, as a person would check it."""
    lines = told.get("lines", [])
    parts = [footing.line_amount(line["IT1"]).quantize(footing.CENT, ROUND_HALF_UP) for line in lines]
    inner = sum((footing.allowances(line) + footing.taxes(line) for line in lines), Decimal(0))
    outer, tax = footing.allowances(told), footing.taxes(told)
    said = write.number(result.said)
    return (
        f"the invoice does not foot: lines {sum(parts, Decimal(0))}, allowances and charges {outer + inner}, "
        f"taxes {tax} come to {result.found}, its total says {said}; it is not sent"
    )
