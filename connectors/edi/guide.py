"""What a transaction set may hold, per version: the compact guides of this folder as frozen values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from connectors.edi import lines
from hub.sdk import Invalid

OWN_RELEASES = (4010, 4030, 5010)  # versions that have lengths and structures of their own
GROUP_CODES = {
    "810": "IN", "820": "RA", "824": "AG", "850": "PO", "855": "PR", "856": "SH", "860": "PC", "864": "TX",
    "865": "CA", "997": "FA", "999": "FA",
}  # fmt: skip
UNLIMITED = 0
_VERSION = re.compile(r"00(\d{4})", re.ASCII)


class Element(NamedTuple):
    """A data element of the dictionary; `codes` is empty where any value of the type will do."""

    number: str
    type: str
    shortest: int
    longest: int
    name: str
    codes: frozenset[str] = frozenset()


class Field(NamedTuple):
    """One place of a segment: an element, or a composite of `parts`. `group` counts repeats of a pair."""

    name: str
    element: Element | None
    parts: tuple[Field, ...]
    required: bool
    repeats: bool
    group: str = ""
    turn: int = 0


class Condition(NamedTuple):
    """A rule between places: P all or none, R one, C and L if the first then the others, E one only."""

    kind: str
    places: tuple[int, ...]


class Segment(NamedTuple):
    """A segment as one version of the standard has it; `checked` is False where its elements are unknown."""

    id: str
    name: str
    fields: tuple[Field, ...]
    conditions: tuple[Condition, ...]
    checked: bool


class Child:
    """A place in a loop: a segment, or a loop that begins with that segment. Compared by identity."""

    __slots__ = ("index", "key", "loop", "most", "required", "segment", "tolerated")

    def __init__(self, segment: Segment, line: lines.Line, index: int) -> None:
        self.segment, self.index = segment, index
        self.required, self.most, self.key, self.tolerated = (
            line.required,
            line.most,
            line.key,
            line.tolerated,
        )
        self.loop: Loop | None = None


class Loop:
    """Places in the order of the standard; in all loops but the root the first one begins it."""

    __slots__ = ("children", "key", "parent", "place")

    def __init__(self, key: str, parent: Loop | None, place: Child | None) -> None:
        self.key, self.parent, self.place = key, parent, place
        self.children: list[Child] = []


class Guide(NamedTuple):
    """One transaction set in one version."""

    set_id: str
    group: str
    title: str
    release: int
    root: Loop


def release_of(version: str) -> int | None:
    """The release in a GS08 such as 004010VICS (4010); None where it names none."""
    found = _VERSION.match(version.strip())
    return int(found.group(1)) if found else None


def nearest(release: int) -> int:
    """The version among ours whose rules come closest: the latest that is not later, else the first."""
    return max((one for one in OWN_RELEASES if one <= release), default=OWN_RELEASES[0])


def wanted(set_id: str, version: str) -> Guide:
    """The guide for a set in a GS08. Raises Invalid naming what there is where there is none."""
    release = release_of(version)
    if set_id not in GROUP_CODES:
        raise Invalid(f"no guide for {set_id}: there are {', '.join(sorted(GROUP_CODES))}", field="set")
    if release is None:
        ours = ", ".join(f"00{one}" for one in OWN_RELEASES)
        raise Invalid(f"{version} is no version of X12: there are {ours}", field="version")
    return load(set_id, nearest(release))


@cache
def load(set_id: str, release: int) -> Guide:
    """The guide of a set in one of OWN_RELEASES. Raises KeyError for a set that has none."""
    if set_id not in GROUP_CODES or release not in OWN_RELEASES:
        raise KeyError(f"{set_id} in {release}")
    title, structure = lines.structure(set_id)
    root = Loop("", None, None)
    _fill(root, structure, release)
    return Guide(set_id, GROUP_CODES[set_id], title, release, root)


def _fill(loop: Loop, structure: Sequence[lines.Line], release: int) -> None:
    for line in structure:
        if line.since > release:
            continue
        index = len(loop.children)
        child = Child(segment(line.id, release), line, index)
        loop.children.append(child)
        if line.inner:
            child.loop = Loop(line.key, loop, child)
            first = line._replace(required=True, most=1, key=line.id, tolerated=False)
            child.loop.children.append(Child(child.segment, first, 0))
            _fill(child.loop, line.inner, release)


@cache
def segment(segment_id: str, release: int) -> Segment:
    """A segment of the dictionary. Raises KeyError where it has none of that id."""
    found = lines.segment(segment_id)
    names: dict[str, int] = {}
    fields = tuple(
        field
        for token in found.tokens
        for field in _fields(token, release, names)
    )  # fmt: skip
    written = [Condition(kind, places) for kind, places in found.conditions]
    return Segment(segment_id, found.name, fields, (*written, *_pairs(fields)), found.checked)


def _pairs(fields: Sequence[Field]) -> list[Condition]:
    """Members of a repeated pair come together: a qualifier says nothing without what it qualifies."""
    turns: dict[tuple[str, int], list[int]] = {}
    for place, field in enumerate(fields, 1):
        if field.group:
            turns.setdefault((field.group, field.turn), []).append(place)
    return [Condition("P", tuple(places)) for places in turns.values()]


def known(segment_id: str) -> bool:
    """Is this the id of a segment of the standard, in one of our sets or not?"""
    return segment_id in lines.known_ids()


def _fields(token: lines.Token, release: int, names: dict[str, int]) -> list[Field]:
    if token.since > release:
        return []
    if token.times:
        return [
            one._replace(group=token.word, turn=turn, required=token.required and turn == 1)
            for turn in range(1, token.times + 1)
            for part in token.parts
            for one in _fields(part, release, {})
        ]
    if token.parts:
        inner: dict[str, int] = {}
        parts = tuple(one for part in token.parts for one in _fields(part, release, inner))
        return [Field(token.word, None, parts, token.required, token.repeats)]
    found = element(token.word, release)
    names[found.name] = names.get(found.name, 0) + 1
    name = found.name if names[found.name] == 1 else f"{found.name}_{names[found.name]}"
    return [Field(name, found, (), token.required, token.repeats)]


@cache
def element(number: str, release: int) -> Element:
    """An element of the dictionary with the lengths it has in a version."""
    found = lines.element(number)
    shortest, longest = found.lengths[0][1:]
    for since, low, high in found.lengths:
        if since <= release:
            shortest, longest = low, high
    return Element(number, found.type, shortest, longest, found.name, found.codes)
