"""Reading X12 as a strict receiver does: fixed ISA, nothing between the envelopes, every fault told.

Written from the reference (sections 4.0 and 1), with a tokenizer of its own: a misreading of the standard in
the connector is not repeated here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

ISA_WIDTHS = (2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1)  # ISA01 to ISA15; ISA16 is one character
ISA_LENGTH = 106
INTERCHANGES_MAX = 100
BYTES_MAX = 20_000_000
GROUP_CODES = {
    "850": "PO", "855": "PR", "856": "SH", "810": "IN", "820": "RA", "860": "PC", "865": "CA",
    "997": "FA", "999": "FA", "824": "AG", "864": "TX",
}  # fmt: skip


class Marks(NamedTuple):
    """What separates: elements, components, segments; and repeated elements from 00402 on."""

    element: str = "*"
    component: str = ">"
    terminator: str = "~"
    repetition: str = "^"


class Found(NamedTuple):
    """A rule that was broken, and how."""

    rule: str
    words: str


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment. `position` counts from 1 at ST."""

    id: str
    elements: tuple[str, ...]
    position: int = 0

    def at(self, number: int) -> str:
        """The element of this number (from 1), empty where it was not sent."""
        return self.elements[number - 1] if 0 < number <= len(self.elements) else ""

    def pairs(self, first: int) -> list[tuple[str, str]]:
        """Qualifier and id, from this element on."""
        rest = self.elements[first - 1 :]
        found = zip(rest[::2], (*rest[1::2], ""), strict=False)
        return [(qualifier, id) for qualifier, id in found if qualifier or id]


@dataclass
class SetIn:
    """ST to SE as received; `closed`: an SE ended it."""

    segments: list[Segment]
    closed: bool = False

    @property
    def id(self) -> str:
        """ST01."""
        return self.segments[0].at(1)

    @property
    def number(self) -> str:
        """ST02."""
        return self.segments[0].at(2)

    @property
    def body(self) -> list[Segment]:
        """Everything between ST and SE."""
        return self.segments[1:-1] if self.closed else self.segments[1:]

    def first(self, id: str) -> Segment:
        """The first segment of this id, an empty one where there is none."""
        return next((one for one in self.segments if one.id == id), Segment(id, ()))


@dataclass
class GroupIn:
    """GS to GE as received."""

    head: Segment
    sets: list[SetIn] = field(default_factory=list)
    tail: Segment | None = None


@dataclass
class InterchangeIn:
    """ISA to IEA as received."""

    head: Segment
    marks: Marks
    groups: list[GroupIn] = field(default_factory=list)
    technical: list[Segment] = field(default_factory=list)  # TA1
    tail: Segment | None = None
    found: list[Found] = field(default_factory=list)
    raw: str = ""

    @property
    def number(self) -> str:
        """ISA13."""
        return self.head.at(13)


class NotX12(Exception):
    """Nothing in these bytes can be read as an interchange; says why."""


def parse(body: bytes) -> list[InterchangeIn]:
    """Every interchange of a file. Raises NotX12 where no ISA of fixed width begins."""
    if len(body) > BYTES_MAX:
        raise NotX12(f"the file has {len(body)} bytes, over {BYTES_MAX}")
    text = body.decode("latin-1")
    read: list[InterchangeIn] = []
    while text.strip("\r\n"):
        if len(read) >= INTERCHANGES_MAX:
            raise NotX12(f"over {INTERCHANGES_MAX} interchanges in one file")
        one, rest = _interchange(text)
        one.raw = text[: len(text) - len(rest)]
        read.append(one)
        text = rest.lstrip("\r\n")
    if not read:
        raise NotX12("the file is empty")
    return read


def _head(text: str) -> tuple[Segment, Marks]:
    if not text.startswith("ISA"):
        raise NotX12(f"the file begins with {text[:3]!r} instead of ISA")
    head = text[:ISA_LENGTH]
    parts = head[:-1].split(head[3])
    if len(parts) != 17 or tuple(map(len, parts[1:16])) != ISA_WIDTHS or len(parts[16]) != 1:
        raise NotX12("ISA has not the fixed width of 106 characters")
    marks = Marks(head[3], head[104], head[105], head[82])
    if len({marks.element, marks.component, marks.terminator}) < 3:
        raise NotX12("two separators are the same character")
    return Segment("ISA", tuple(parts[1:])), marks


def _interchange(text: str) -> tuple[InterchangeIn, str]:
    """The first interchange, and what stands behind it."""
    head, marks = _head(text)
    made, at = InterchangeIn(head, marks), ISA_LENGTH
    while at < len(text) and made.tail is None:
        end = text.find(marks.terminator, at)
        if end < 0:
            break
        raw = text[at:end]
        at = end + 1
        plain = raw if marks.terminator in "\r\n" else raw.lstrip("\r\n")
        _place(made, plain.split(marks.element))
    if made.tail is None:
        made.found.append(Found("iea-missing", "the interchange ends without IEA"))
        return made, ""
    return made, text[at:]


def _place(made: InterchangeIn, parts: Sequence[str]) -> None:
    """Put one segment where it belongs."""
    id, elements = parts[0], tuple(parts[1:])
    group = made.groups[-1] if made.groups and made.groups[-1].tail is None else None
    last = group.sets[-1] if group and group.sets and not group.sets[-1].closed else None
    if not id:
        made.found.append(Found("segment-empty", "an empty segment stands in the interchange"))
    elif id == "IEA":
        made.tail = Segment(id, elements)
        if group:
            made.found.append(Found("ge-missing", f"group {group.head.at(6)} ends without GE"))
    elif id == "TA1" and group is None:
        if made.groups:
            made.found.append(Found("ta1-place", "TA1 stands behind a group instead of directly behind ISA"))
        made.technical.append(Segment(id, elements))
    elif id == "GS" and group is None:
        made.groups.append(GroupIn(Segment(id, elements)))
    elif id == "GE" and group is not None:
        group.tail = Segment(id, elements)
    elif id == "ST" and group is not None:
        group.sets.append(SetIn([Segment(id, elements, 1)]))
    elif last is not None:
        last.segments.append(Segment(id, elements, len(last.segments) + 1))
        last.closed = id == "SE"
    else:
        made.found.append(Found("segment-stray", f"segment {id} stands outside of any transaction set"))
