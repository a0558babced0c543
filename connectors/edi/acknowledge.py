"""What we answer: 997 or 999 per group with its sets, TA1 for the envelope, to the one who sent it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from connectors.edi.envelope import GroupOpened, Opened, Problem
from connectors.edi.examine import SetRead
from connectors.edi.faults import Fault, Level, Status
from connectors.edi.reading import GroupRead, InterchangeRead, Read
from connectors.edi.write import Group, Interchange, Party, Segment, Set

SEGMENTS_MAX = 200  # AK3 of one set: who has more of them has a fault in the program, not in the data
SEGMENTS_OF_ALL = 20_000  # AK3 of all sets of a group: where there are many sets, each has fewer
ELEMENTS_MAX = 99  # AK4 of one AK3
_ACKNOWLEDGMENTS = ("997", "999")
_BAD_VALUE_LONGEST = 99


class Kind(StrEnum):
    """Which set answers a group."""

    FUNCTIONAL = "997"
    IMPLEMENTATION = "999"


class Outcome(NamedTuple):
    """What an acknowledgment says of one set."""

    id: str
    control_number: str
    version: str
    status: Status
    faults: tuple[Fault, ...]


class Answered(NamedTuple):
    """A group and the outcomes of its sets."""

    group: GroupRead
    outcomes: tuple[Outcome, ...]


class Received(NamedTuple):
    """An interchange with all that is needed to answer it."""

    interchange: InterchangeRead
    groups: tuple[Answered, ...]


class Numbers(NamedTuple):
    """Control numbers of an answer: ISA13 and the first GS06; further groups count on from it."""

    interchange: int
    group: int


def received(found: Iterable[Read]) -> Iterator[Received]:
    """Interchanges of a file, each when it is over."""
    groups: list[Answered] = []
    outcomes: list[Outcome] = []
    for one in found:
        if isinstance(one, SetRead):
            outcomes.append(Outcome(one.id, one.control_number, one.version, one.status, one.faults))
        elif isinstance(one, GroupRead):
            groups.append(Answered(one, tuple(outcomes)))
            outcomes = []
        elif isinstance(one, InterchangeRead):
            yield Received(one, tuple(groups))
            groups = []
        elif isinstance(one, Opened | GroupOpened | Problem):
            continue


def answer(
    one: Received, numbers: Numbers, stamp: datetime, kind: Kind = Kind.FUNCTIONAL
) -> Interchange | None:
    """The interchange that answers one, None where there is nothing to say or nobody to say it to.

    A TA1 is sent where ISA14 asks for one and where the envelope has faults; groups of acknowledgments are
    never acknowledged. A refused interchange gets the TA1 alone.
    """
    header = one.interchange.header
    if not header.usable or not _is_id(header.at(6)) or not _is_id(header.at(8)):
        return None
    responses = [technical(one.interchange)] if _wants_technical(one) else []
    asked = [] if one.interchange.refused else [group for group in one.groups if _answerable(group)]
    if not responses and not asked:
        return None
    return Interchange(
        sender=Party(_qualifier(header.at(7)), header.at(8), ""),
        receiver=Party(_qualifier(header.at(5)), header.at(6), ""),
        control_number=numbers.interchange,
        stamp=stamp,
        groups=_groups(asked, numbers.group, kind),
        version=header.at(12) if re.fullmatch(r"00[2-9]\d\d", header.at(12), re.ASCII) else "00401",
        usage=header.at(15) if header.at(15) in ("P", "T", "I") else "P",
        responses=responses,
    )


def why_not(one: Received) -> str:
    """Why there is no answer, in words."""
    header = one.interchange.header
    if not header.usable or not _is_id(header.at(6)) or not _is_id(header.at(8)):
        return "its ISA does not name sender and receiver as an answer could"
    if one.groups and all(group.group.code == "FA" for group in one.groups):
        return "it holds acknowledgments, and these are not acknowledged"
    return "it holds no group that an answer could name" if one.groups else "it holds nothing to answer"


def groups_needed(one: Received) -> int:
    """How many GS06 an answer takes."""
    asked = [] if one.interchange.refused else [group for group in one.groups if _answerable(group)]
    return len({_address(group) for group in asked})


def _qualifier(value: str) -> str:
    return value if re.fullmatch(r"[A-Z0-9]{2}", value, re.ASCII) else "ZZ"


def _is_id(value: str) -> bool:
    """Can this stand in our ISA as it was sent?"""
    return 1 <= len(value) <= 15 and value.isascii() and value.isprintable()


def _answerable(one: Answered) -> bool:
    """Can AK1 name this group, and GS those who exchanged it? Groups of acknowledgments are left alone."""
    group = one.group
    named = re.fullmatch(r"[A-Z0-9]{2}", group.code, re.ASCII) and group.code != "FA"
    numbered = re.fullmatch(r"\d{1,9}", group.control_number, re.ASCII)
    return bool(named and numbered and all(_is_id(group.value(at)) for at in (2, 3)))


def _address(one: Answered) -> tuple[str, str, str]:
    group = one.group
    version = group.version if re.fullmatch(r"[0-9A-Z]{6,12}", group.version, re.ASCII) else "004010"
    return group.value(3), group.value(2), version


def _groups(asked: Sequence[Answered], first: int, kind: Kind) -> list[Group]:
    """One group of answers per pair of applications and version, one set in it per group answered."""
    by_address: dict[tuple[str, str, str], list[Answered]] = {}
    for one in asked:
        by_address.setdefault(_address(one), []).append(one)
    return [
        Group("FA", sender, receiver, first + at, version, [*_sets(members, version, kind)])
        for at, ((sender, receiver, version), members) in enumerate(by_address.items())
    ]


def _sets(members: Sequence[Answered], version: str, kind: Kind) -> Iterator[Set]:
    """A 999 came with 005010: older groups get a 997 whatever is asked for."""
    newer = version >= "005010"
    kind = kind if newer else Kind.FUNCTIONAL
    for turn, one in enumerate(members, 1):
        implementation = version if kind is Kind.IMPLEMENTATION else ""
        yield Set(kind.value, f"{turn:04d}", _set(one, kind, version if newer else ""), implementation)


def _wants_technical(one: Received) -> bool:
    header = one.interchange.header
    if header.at(14) == "1":
        return any(group.group.code != "FA" for group in one.groups) or not one.groups
    return any(note.code for note in one.interchange.notes) and not one.interchange.responses


def technical(one: InterchangeRead) -> Segment:
    """The TA1 of an interchange: accepted, accepted with errors, or rejected with the first reason."""
    codes = [note.code for note in one.notes if note.code]
    result = "R" if one.refused else "E" if codes else "A"
    worst = [code for code in codes if code in ("025", "022", "024")] if one.refused else codes
    header = one.header
    stated = _plain(header.at(13), 9), _plain(header.at(9), 6), _plain(header.at(10), 4)
    return ("TA1", *stated, result, (worst or codes or ["000"])[0])


def _set(one: Answered, kind: Kind, version: str) -> list[Segment]:
    group, outcomes = one.group, one.outcomes
    segments: list[Segment] = [("AK1", group.code, group.control_number, version)]
    most = max(1, min(SEGMENTS_MAX, SEGMENTS_OF_ALL // max(1, len(outcomes))))
    for outcome in outcomes:
        segments += _outcome(outcome, kind, bool(version), most)
    return [*segments, _group_result(one)]


def _group_result(one: Answered) -> Segment:
    group, outcomes = one.group, one.outcomes
    good = [one for one in outcomes if one.status in (Status.ACCEPTED, Status.WITH_ERRORS)]
    codes = list(dict.fromkeys(note.code for note in group.notes if note.code))
    if outcomes and all(outcome.status is Status.UNSUPPORTED for outcome in outcomes):
        codes.insert(0, "1" if not any(_of_version(outcome) for outcome in outcomes) else "2")
    said = group.said if group.said.isascii() and group.said.isdigit() and len(group.said) <= 6 else ""
    if not outcomes:
        result = "R" if codes else "A"
    elif not good:
        result = "R"
    elif len(good) < len(outcomes):
        result = "P"
    else:
        noted = codes or any(outcome.status is Status.WITH_ERRORS for outcome in outcomes)
        result = "E" if noted else "A"
    included = str(int(said)) if said else str(group.received)
    return ("AK9", result, included, str(group.received), str(len(good)), *codes[:5])


def _of_version(outcome: Outcome) -> bool:
    from connectors.edi.guide import GROUP_CODES

    return outcome.id in GROUP_CODES


def _outcome(one: Outcome, kind: Kind, newer: bool, most: int) -> list[Segment]:
    """AK2 to AK5 of a set (IK3, IK4, IK5 in a 999)."""
    name = one.id if re.fullmatch(r"[A-Z0-9]{3}", one.id, re.ASCII) else "000"
    control = f"{_plain(one.control_number, 9):0>4}"
    head: Segment = ("AK2", name, control, _plain(one.version, 35) if newer else "")
    # Faults by the guide of another version say nothing to one whose version we do not support.
    notes = [] if one.status is Status.UNSUPPORTED else _notes(one.faults, kind, most)
    codes = _set_codes(one, bool(notes))
    result = {Status.ACCEPTED: "A", Status.WITH_ERRORS: "E"}.get(one.status, "R")
    return [head, *notes, ("IK5" if kind is Kind.IMPLEMENTATION else "AK5", result, *codes)]


def _set_codes(one: Outcome, noted: bool) -> list[str]:
    codes = list(dict.fromkeys(fault.code for fault in one.faults if fault.level is Level.SET))
    if one.status is Status.UNSUPPORTED:
        codes.insert(0, "1")
    if noted:
        codes.append("5")
    return codes[:5]


def _notes(faults: Sequence[Fault], kind: Kind, most: int) -> list[Segment]:
    """AK3 for each segment and kind of fault of it, AK4 for each element."""
    newer = kind is Kind.IMPLEMENTATION
    by_segment: dict[tuple[int, str, str], list[Fault]] = {}
    for fault in faults:
        if fault.level is not Level.SET:
            code = "8" if fault.level is Level.ELEMENT else fault.code
            by_segment.setdefault((fault.position, fault.segment, code), []).append(fault)
    segments: list[Segment] = []
    for (position, name, code), inner in list(by_segment.items())[:most]:
        shown = "".join(char for char in name if char.isascii() and char.isalnum())
        shown = shown if len(shown) > 1 else "ZZZ"
        segments.append(("IK3" if newer else "AK3", shown, str(position), "", code))
        elements = [fault for fault in inner if fault.level is Level.ELEMENT and fault.element]
        segments += dict.fromkeys(_element(fault, newer) for fault in elements[:ELEMENTS_MAX])
    return segments


def _element(fault: Fault, newer: bool) -> tuple[str | tuple[str, ...], ...]:
    place: list[str] = [str(min(fault.element, 99))]
    if fault.component:
        place.append(str(fault.component))
    if newer and fault.repetition > 1:
        place += [""] * (2 - len(place)) + [str(fault.repetition)]
    number = (
        fault.number if fault.number.isdigit() and len(fault.number) <= 4 and fault.number < "9990" else ""
    )
    return ("IK4" if newer else "AK4", tuple(place), number, fault.code, _shown(fault.value))


def _shown(value: str) -> str:
    """A bad value fit for AK404: what could be taken for a separator or is no text is left out."""
    return _plain(value, _BAD_VALUE_LONGEST)


def _plain(value: str, longest: int) -> str:
    kept = "".join(char for char in value if char.isascii() and (char.isalnum() or char in " .-/,'&()+%#=_"))
    return " ".join(kept.split())[:longest].strip()
