"""Judges one transaction set: envelope counts, guide, conditions between segments; then its status."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from connectors.edi import guide as guides
from connectors.edi.envelope import SET_SEGMENTS_MAX, SetFound
from connectors.edi.faults import Fault, Level, Status, Weight, counted, status_of
from connectors.edi.guide import GROUP_CODES, OWN_RELEASES
from connectors.edi.totals import totals
from connectors.edi.values import SHORT_DATES_BEFORE
from connectors.edi.walk import Walked, walk

_CONTROL = re.compile(r"[!-~][ -~]*")
_SET_ID = re.compile(r"[A-Z0-9]{3}", re.ASCII)


class Place(NamedTuple):
    """Where a set stood: its group's code and version, the set numbers of the group before it."""

    group: str
    version: str
    before: frozenset[str] | set[str] = frozenset()


class SetRead(NamedTuple):
    """A set and what became of it. `reason` says why it is unsupported, empty otherwise.

    `guide` is what it was checked against, such as "850 004010"; empty where there is none for it.
    """

    id: str
    control_number: str
    segments: int
    status: Status
    faults: tuple[Fault, ...]
    reason: str
    guide: str
    version: str  # ST03, the implementation it claims to follow
    found: SetFound
    walked: Walked | None


def examine(found: SetFound, place: Place, policy: Mapping[str, Weight]) -> SetRead:
    """Judges a set in the place where it stood. Never raises."""
    start = _stripped(found.segments[0], found)
    set_id, control = _at(start, 1), _at(start, 2)
    faults = [*_of_start(set_id, control, place), *_of_end(found, control), *_of_flaws(found)]
    release = guides.release_of(place.version)
    misplaced = any(one.check in ("set_id", "wrong_group", "no_group") for one in faults)
    reason = _unsupported(set_id, place, release) if not misplaced else ""
    walked: Walked | None = None
    guide_name = ""
    if not misplaced and not reason and release is not None and found.total <= SET_SEGMENTS_MAX:
        near = guides.nearest(release)
        guide_name = f"{set_id} 00{near}"
        walked = walk(guides.load(set_id, near), found.segments, found.marks, release < SHORT_DATES_BEFORE)
        inner = [*walked.faults, *totals(set_id, found)]
        if release not in OWN_RELEASES and counted(inner, policy):
            reason = f"version {place.version} has no guide of its own, and by that of 00{near} it has faults"
        faults += inner
    kept = counted(faults, policy)
    status = status_of(kept, policy)
    if reason and not _refused(kept, policy):
        status = Status.UNSUPPORTED
    return SetRead(
        set_id, control, found.total, status, kept, reason, guide_name, _at(start, 3), found, walked
    )


def _refused(faults: Sequence[Fault], policy: Mapping[str, Weight]) -> bool:
    """Is it refused for its envelope, whatever a guide would say?"""
    outer = [one for one in faults if one.level is Level.SET]
    return status_of(outer, policy) is Status.REJECTED


def _unsupported(set_id: str, place: Place, release: int | None) -> str:
    if set_id not in GROUP_CODES:
        return f"there is no guide for a {set_id}"
    if release is None:
        return f"GS08 names no version of X12: {place.version or 'it is empty'}"
    return ""


def _stripped(text: str, found: SetFound) -> list[str]:
    return [one.strip(" ") for one in text.split(found.marks.element)]


def _at(elements: Sequence[str], place: int) -> str:
    return elements[place] if place < len(elements) else ""


def _start_fault(check: str, code: str, words: str, value: str = "") -> Fault:
    return Fault(check, Level.SET, code, "ST", 1, words, value=value)


def _end_fault(rule: tuple[str, str], found: SetFound, words: str, value: str = "") -> Fault:
    return Fault(rule[0], Level.SET, rule[1], "SE", found.total, words, value=value)


def _of_start(set_id: str, control: str, place: Place) -> Iterator[Fault]:
    if not place.group and not place.version:
        yield _start_fault("no_group", "6", "stands outside a group: whom to answer cannot be told")
    elif not _SET_ID.fullmatch(set_id):
        yield _start_fault("set_id", "6", "ST01 is no id of a transaction set", set_id)
    elif GROUP_CODES.get(set_id, place.group) != place.group:
        named = place.group or "without a code"
        words = f"{set_id} does not belong into a group {named}, it is for {GROUP_CODES[set_id]}"
        yield _start_fault("wrong_group", "1", words, set_id)
    if not _CONTROL.fullmatch(control):
        yield _start_fault("set_control", "7", "ST02 (control number) is missing or not readable")
    elif control in place.before:
        words = f"ST02 {control} was used in this group before"
        yield _start_fault("duplicate_set", "23", words, control)


def _of_end(found: SetFound, control: str) -> Iterator[Fault]:
    if found.total > SET_SEGMENTS_MAX:
        words = f"the set has over {SET_SEGMENTS_MAX} segments: ask the sender to split it"
        yield _end_fault(("oversize", "5"), found, words)
    if found.trailer is None:
        yield _end_fault(("set_trailer", "2"), found, "SE is missing: the set was cut off")
        return
    said = _at(found.trailer, 1).strip()
    told = int(said) if said.isascii() and said.isdigit() and len(said) <= 10 else None
    if told != found.total:
        words = f"SE01 says {said or 'nothing'}, there are {found.total} segments"
        yield _end_fault(("set_count", "4"), found, words, said)
    again = _at(found.trailer, 2).strip()
    if again != control and again.isdigit() and again.lstrip("0") == control.lstrip("0"):
        words = "SE02 and ST02 differ in leading zeros"
        yield _end_fault(("set_control_zeros", "3"), found, words, again)
    elif again != control:
        words = f"SE02 is not the control number of ST02 ({control or 'empty'})"
        yield _end_fault(("set_control", "3"), found, words, again)


def _of_flaws(found: SetFound) -> Iterator[Fault]:
    for position, flaw in found.flaws:
        text = found.segments[position - 1] if position <= len(found.segments) else ""
        name = text.partition(found.marks.element)[0][:3]
        yield Fault(flaw.check, Level.SEGMENT, "8", name, position, flaw.message)
