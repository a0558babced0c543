"""An interchange as the record of what came, and what we answer to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from connectors.edi import acknowledge, write
from connectors.edi.acknowledge import Answered, Outcome, Received
from connectors.edi.examine import SetRead
from connectors.edi.faults import Fault, Status
from connectors.edi.settings import Settings

FAULTS_MAX = 200  # of one set in the record; what goes on is of the same kind
FAULTS_OF_ALL = 20_000  # of all sets of an interchange: where there are many sets, each has fewer
NOTES_MAX = 500
_MESSAGE_LONGEST = 500
_GOOD = (Status.ACCEPTED, Status.WITH_ERRORS)
# Where a set says what people call it: segment and element.
_REFERENCES = {
    "850": ("BEG", 3), "860": ("BCH", 3), "820": ("TRN", 2), "810": ("BIG", 2), "855": ("BAK", 3),
    "856": ("BSN", 2), "865": ("BCA", 3), "824": ("BGN", 2), "864": ("BMG", 2), "997": ("AK1", 2),
    "999": ("AK1", 2),
}  # fmt: skip
_HEAD = 8  # segments among which that one stands
Part = dict[str, Any]


def reference_of(one: SetRead) -> str:
    """What people call a set: the number of its order, invoice or payment."""
    name, place = _REFERENCES.get(one.id, ("", 0))
    for text in one.found.segments[:_HEAD] if name else ():
        elements = text.split(one.found.marks.element)
        if elements[0] == name:
            return elements[place].strip()[:100] if place < len(elements) else ""
    return ""


def side(qualifier: str, id: str) -> str:
    """A party as people read it: ZZ/ACME."""
    return f"{qualifier}/{id}"[:40]


def external_id(received: Received, digest: str) -> str:
    """What makes an interchange the same one: who sent it, its number, its content."""
    header = received.interchange.header
    return f"{side(header.at(5), header.at(6))}:{header.at(13)}:{digest[:12]}"


class Label(NamedTuple):
    """What people call a set, and why it is refused as a whole (empty: it is not)."""

    reference: str = ""
    reason: str = ""


class Whole(NamedTuple):
    """An interchange with its digest, labels of its sets by group and set, and what else was found."""

    received: Received
    digest: str
    labels: Mapping[tuple[int, int], Label]
    notes: Sequence[str]


def record(whole: Whole, settings: Settings, at: datetime) -> Part:
    """The interchange as it came; `at` is UTC."""
    received = whole.received
    header = received.interchange.header
    told = [*(note.message for note in received.interchange.notes), *whole.notes]
    return {
        "number": header.at(13),
        "direction": "in",
        "sender": side(header.at(5), header.at(6)),
        "receiver": side(header.at(7), header.at(8)),
        "is_test": header.at(15) != "P",
        "version": header.at(12),
        "groups": _groups(whole),
        "notes": [note[:_MESSAGE_LONGEST] for note in told[:NOTES_MAX]],
        "digest": whole.digest,
        "exchanged_at": at.isoformat(),
        "unique_days": settings.duplicate_days,
    }


def _groups(whole: Whole) -> list[Part]:
    sets = sum(len(group.outcomes) for group in whole.received.groups)
    most = max(1, min(FAULTS_MAX, FAULTS_OF_ALL // max(1, sets)))
    return [
        _group(group, [whole.labels.get((at_group, at), Label()) for at in range(len(group.outcomes))], most)
        for at_group, group in enumerate(whole.received.groups)
    ]


def _group(one: Answered, labels: Sequence[Label], most: int) -> Part:
    group = one.group
    return {
        "code": group.code[:6],
        "version": group.version[:12],
        "number": group.control_number[:35],
        "status": group_status(one),
        "notes": [note.message[:_MESSAGE_LONGEST] for note in group.notes][:100],
        "sets": [_set(entry, label, most) for entry, label in zip(one.outcomes, labels, strict=True)],
    }


def group_status(one: Answered) -> str:
    """What AK9 says of it, in words."""
    outcomes = one.outcomes
    good = [entry for entry in outcomes if entry.status in _GOOD]
    if outcomes and not good:
        every = all(entry.status is Status.UNSUPPORTED for entry in outcomes)
        return "unsupported" if every else "rejected"
    if len(good) < len(outcomes):
        return "partly_accepted"
    coded = [note for note in one.group.notes if note.code]
    if not outcomes and coded:
        return "rejected"
    noted = coded or any(entry.status is Status.WITH_ERRORS for entry in outcomes)
    return "accepted_with_errors" if noted else "accepted"


def _set(one: Outcome, label: Label, most: int) -> Part:
    return {
        "set_id": one.id[:6],
        "number": one.control_number[:35],
        "reference": label.reference,
        "status": one.status.value,
        "reason": label.reason[:_MESSAGE_LONGEST],
        "faults": [_fault(fault) for fault in one.faults[:most]],
    }


def _fault(fault: Fault) -> Part:
    place = f"{fault.element}-{fault.component}" if fault.component else str(fault.element or "")
    return {
        "segment": fault.segment[:3], "position": fault.position, "element": place[:8], "code": fault.code,
        "message": fault.message[:_MESSAGE_LONGEST], "value": fault.value[:99],
    }  # fmt: skip


def our_acknowledgment(whole: Whole, settings: Settings, at: datetime, interchange: str) -> Part | None:
    """What we answer, without control numbers; None where nothing is to be answered."""
    received = whole.received
    answer = _answer(received, settings, at)
    if answer is None:
        return None
    named = [one for one in received.groups if one.group.code != "FA"]
    levels = [inner["id"] for group in answer["groups"] for inner in group["sets"]] or ["TA1"]
    return {
        "number": received.interchange.control_number,
        "direction": "out",
        "level": levels[0],
        "interchange_key": interchange,
        "order_key": "",
        "groups": [one for one in _groups(whole) if one["code"] != "FA"] if answer["groups"] else [],
        "technical": None,
        "status": _status(received, named),
        "answer": answer,
        "received_at": at.isoformat(),
    }


def _status(received: Received, named: Sequence[Answered]) -> str:
    """The interchange as a whole, from its groups."""
    if received.interchange.refused:
        return "rejected"
    found = {group_status(one) for one in named} or {"accepted"}
    if len(found) == 1:
        status = found.pop()
        return "rejected" if status == "unsupported" else status
    if found <= {"accepted", "accepted_with_errors"}:
        return "accepted_with_errors"
    return "rejected" if found <= {"rejected", "unsupported"} else "partly_accepted"


def _answer(received: Received, settings: Settings, at: datetime) -> Part | None:
    newer = settings.acknowledge == "999"
    kind = acknowledge.Kind.IMPLEMENTATION if newer else acknowledge.Kind.FUNCTIONAL
    made = acknowledge.answer(received, acknowledge.Numbers(1, 1), at, kind)
    if made is None:
        return None
    groups = [_told(group) for group in made.groups] if settings.acknowledge != "none" else []
    responses = [[*map(str, segment)] for segment in made.responses] if settings.acknowledge_technical else []
    if not groups and not responses:
        return None
    first = made.groups[0] if made.groups else None
    codes = (first.sender, first.receiver) if first else (settings.us.code, settings.partner.code)
    return {
        "sender": [made.sender.qualifier, made.sender.id, codes[0]],
        "receiver": [made.receiver.qualifier, made.receiver.id, codes[1]],
        "usage": made.usage,
        "version": made.version,
        "responses": responses,
        "groups": groups,
    }


def _told(group: write.Group) -> Part:
    return {
        "version": group.version,
        "sender": group.sender,
        "receiver": group.receiver,
        "sets": [
            {
                "id": one.id,
                "version": one.version,
                "segments": [[_value(value) for value in segment] for segment in one.segments],
            }
            for one in group.sets
        ],
    }


def _value(value: str | Sequence[str]) -> str | list[str]:
    return value if isinstance(value, str) else [*value]
