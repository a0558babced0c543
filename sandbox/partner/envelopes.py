"""Is an envelope as agreed: ids, versions, counts, control numbers (reference, section 4.0)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from sandbox.partner.telling import NO_SE, SE_COUNT, SE_NUMBER, SET_NUMBER
from sandbox.partner.writing import Party, Style
from sandbox.partner.x12 import GROUP_CODES, Found, GroupIn, InterchangeIn, SetIn

_NINE = re.compile(r"\d{9}")
_GROUP_NUMBER = re.compile(r"[1-9]\d{0,8}")
_SET_NUMBER = re.compile(r"[0-9A-Za-z]{4,9}")


class Agreed(NamedTuple):
    """What the profile says of envelopes that come to us."""

    supplier: Party
    us: Party
    usage: str
    style: Style


def interchange(one: InterchangeIn, agreed: Agreed) -> Iterator[Found]:
    """Faults of ISA and IEA, and of what stands between groups."""
    head = one.head
    yield from one.found
    for at, party in ((5, agreed.supplier), (7, agreed.us)):
        told = (head.at(at).strip(), head.at(at + 1).rstrip())
        if told != (party.qualifier, party.id):
            yield Found(
                "isa-ids",
                f"ISA{at:02} and ISA{at + 1:02} are {'/'.join(told)}, agreed is {party.qualifier}/{party.id}",
            )
    if head.at(15) != agreed.usage:
        yield Found("isa-usage", f"ISA15 is {head.at(15)}, agreed is {agreed.usage}")
    wanted = agreed.style.interchange_version
    standard = head.at(11) == "U" if wanted == "00401" else not head.at(11).isalnum()
    if head.at(12) != wanted or not standard:
        yield Found(
            "isa-standard", f"ISA11 {head.at(11)!r} and ISA12 {head.at(12)} are not those of {wanted}"
        )
    if not _NINE.fullmatch(one.number) or one.number == "0" * 9:
        yield Found("isa-number", f"ISA13 is {one.number!r}")
    if one.tail is not None:
        if one.tail.at(1) != str(len(one.groups)):
            yield Found("iea-count", f"IEA01 is {one.tail.at(1)}, there are {len(one.groups)} groups")
        if one.tail.at(2) != one.number:
            yield Found("iea-number", f"IEA02 is {one.tail.at(2)}, ISA13 {one.number}")


def group(one: GroupIn, agreed: Agreed) -> Iterator[Found]:
    """Faults of GS and GE."""
    head = one.head
    told = (head.at(2), head.at(3))
    if told != (agreed.supplier.group_code, agreed.us.group_code):
        yield Found("gs-ids", f"GS02 and GS03 are {'/'.join(told)}")
    answers = head.at(1) == "FA"  # in the version of what they answer
    if head.at(7) != "X" or (head.at(8) != agreed.style.version and not answers):
        yield Found(
            "gs-version", f"GS07 and GS08 are {head.at(7)} {head.at(8)}, agreed is {agreed.style.version}"
        )
    if not _GROUP_NUMBER.fullmatch(head.at(6)):
        yield Found("gs-number", f"GS06 is {head.at(6)!r}")
    if not one.sets:
        yield Found("group-empty", f"group {head.at(6)} has no set")
    wrong = sorted({it.id for it in one.sets if GROUP_CODES.get(it.id) != head.at(1)})
    if wrong:
        yield Found("gs-code", f"GS01 is {head.at(1)} and the group holds {', '.join(wrong)}")
    if one.tail is None:
        return
    if one.tail.at(1) != str(len(one.sets)):
        yield Found("ge-count", f"GE01 is {one.tail.at(1)}, there are {len(one.sets)} sets")
    if one.tail.at(2) != head.at(6):
        yield Found("ge-number", f"GE02 is {one.tail.at(2)}, GS06 {head.at(6)}")


def ends(it: SetIn, earlier: set[str]) -> Iterator[tuple[Found, str]]:
    """Faults of ST and SE, each with its AK502. `earlier`: numbers of the sets before it in the group."""
    if not _SET_NUMBER.fullmatch(it.number) or it.number in earlier:
        yield Found("set-number", f"ST02 is {it.number!r}, before it came {sorted(earlier)}"), SET_NUMBER
    if not it.closed:
        yield Found("se-missing", f"set {it.number} ends without SE"), NO_SE
        return
    last = it.segments[-1]
    if last.at(1) != str(len(it.segments)):
        yield Found("se-count", f"SE01 is {last.at(1)}, there are {len(it.segments)} segments"), SE_COUNT
    if last.at(2) != it.number:
        yield Found("se-number", f"SE02 is {last.at(2)}, ST02 {it.number}"), SE_NUMBER
