"""Interchanges, groups and transaction sets as they open and close, none of them lost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from connectors.edi.header import Header, Marks
from connectors.edi.tokens import Flaw, Token, excerpt

SET_SEGMENTS_MAX = 500_000  # of one transaction set; more are counted, not kept


class Opened(NamedTuple):
    """An ISA, or what stood in its place. `at` counts the segments of the file from 1."""

    header: Header
    at: int


class GroupOpened(NamedTuple):
    """A GS; without elements where a set stood outside a group."""

    elements: tuple[str, ...]
    at: int


class SetFound(NamedTuple):
    """One ST to SE as it was sent. `segments` are texts, ST first; `total` counts also those not kept.

    `trailer` is SE's elements, None where there is none. `flaws` are what of its segments was not cut well.
    """

    segments: tuple[str, ...]
    total: int
    trailer: tuple[str, ...] | None
    marks: Marks
    at: int
    flaws: tuple[tuple[int, Flaw], ...]

    def split(self) -> list[list[str]]:
        """Segments as lists of elements, the id first."""
        return [one.split(self.marks.element) for one in self.segments]

    @property
    def payload(self) -> str:
        """The segments as they were sent, for a fingerprint or a replay."""
        return self.marks.terminator.join((*self.segments, ""))


class GroupClosed(NamedTuple):
    """A GE; None where it is missing."""

    elements: tuple[str, ...] | None
    at: int


class Closed(NamedTuple):
    """An IEA; None where it is missing. `responses` are the TA1 of the interchange."""

    elements: tuple[str, ...] | None
    at: int
    responses: tuple[tuple[str, ...], ...]


class Problem(NamedTuple):
    """Something in the file that belongs to no set, and where: at the how-manieth segment of the file."""

    at: int
    check: str
    message: str


Event = Opened | GroupOpened | SetFound | GroupClosed | Closed | Problem


class _Open:
    """What is open at the moment."""

    def __init__(self) -> None:
        self.at = 0
        self.marks = Marks("*", "", "", "~")
        self.interchange = self.group = False
        self.segments: list[str] | None = None
        self.count = self.began = 0
        self.flaws: list[tuple[int, Flaw]] = []
        self.responses: list[tuple[str, ...]] = []
        self.strays: list[str] = []
        self.stray_at = 0


def events(tokens: Iterable[Token]) -> Iterator[Event]:
    """What opens and closes, in order: every ST becomes a SetFound, whatever is wrong around it."""
    state = _Open()
    for token in tokens:
        if isinstance(token, str):
            state.at += 1
            if token[0] in "SGI" and (name := token[:3].partition(state.marks.element)[0]) in _ENVELOPE:
                yield from _ENVELOPE[name](state, token)
            elif state.segments is not None:
                state.count += 1
                if state.count <= SET_SEGMENTS_MAX:
                    state.segments.append(token)
            else:
                yield from _stray(state, token)
        elif isinstance(token, Flaw):
            yield from _flaw(state, token)
        else:
            yield from _open(state, token)
    yield from _end_interchange(state, None)
    yield from _strays(state)


def _open(state: _Open, header: Header) -> Iterator[Event]:
    yield from _end_interchange(state, None)
    yield from _strays(state)
    state.at += not header.headless
    state.marks, state.interchange, state.responses = header.marks, True, []
    yield Opened(header, state.at)


def _flaw(state: _Open, flaw: Flaw) -> Iterator[Event]:
    if state.segments is not None and flaw.check != "garbage":
        state.flaws.append((state.count + 1, flaw))
    else:
        yield Problem(state.at, flaw.check, flaw.message)


def _stray(state: _Open, token: str) -> Iterator[Event]:
    """A segment outside of any set: TA1 has its place there, others are counted and named."""
    elements = tuple(token.split(state.marks.element))
    if elements[0] == "TA1" and state.interchange and not state.group:
        state.responses.append(elements)
        return
    state.stray_at = state.stray_at or state.at
    state.strays.append(token[:_STRAY_KEPT])
    if len(state.strays) >= _STRAYS_MAX:
        yield from _strays(state)


def _strays(state: _Open) -> Iterator[Event]:
    if state.strays:
        names = f"{len(state.strays)} segments" if len(state.strays) > 1 else "a segment"
        where = f"{names} outside of a transaction set, from {excerpt(state.strays[0])}"
        yield Problem(state.stray_at, "stray", where)
    state.strays, state.stray_at = [], 0


def _group(state: _Open, token: str) -> Iterator[Event]:
    yield from _end_group(state, None)
    yield from _strays(state)
    if not state.interchange:
        yield from _without(state)
    state.group = True
    yield GroupOpened(tuple(token.split(state.marks.element)), state.at)


def _without(state: _Open) -> Iterator[Event]:
    """A group or set behind the IEA, or before any ISA."""
    words = "a group or transaction set stands outside an interchange"
    state.interchange, state.responses = True, []
    yield Opened(Header((), state.marks, (("024", words),), headless=True), state.at)


def _set(state: _Open, token: str) -> Iterator[Event]:
    yield from _end_set(state, None)
    yield from _strays(state)
    if not state.interchange:
        yield from _without(state)
    if not state.group:
        state.group = True
        yield Problem(state.at, "structure", "a transaction set stands outside a group")
        yield GroupOpened((), state.at)
    state.segments, state.count, state.began, state.flaws = [token], 1, state.at, []


def _set_end(state: _Open, token: str) -> Iterator[Event]:
    if state.segments is None:
        yield from _strays(state)
        yield Problem(state.at, "structure", "SE without ST")
        return
    state.count += 1
    state.segments.append(token)
    yield from _end_set(state, tuple(token.split(state.marks.element)))


def _group_end(state: _Open, token: str) -> Iterator[Event]:
    yield from _end_set(state, None)
    yield from _strays(state)
    if not state.group:
        yield Problem(state.at, "structure", "GE without GS")
        return
    yield from _end_group(state, tuple(token.split(state.marks.element)))


def _interchange_end(state: _Open, token: str) -> Iterator[Event]:
    yield from _end_group(state, None)
    yield from _strays(state)
    if not state.interchange:
        yield Problem(state.at, "structure", "IEA without ISA")
        return
    yield from _end_interchange(state, tuple(token.split(state.marks.element)))


def _end_set(state: _Open, trailer: tuple[str, ...] | None) -> Iterator[Event]:
    if state.segments is not None:
        kept, flaws = tuple(state.segments), tuple(state.flaws)
        state.segments, state.flaws = None, []
        yield SetFound(kept, state.count, trailer, state.marks, state.began, flaws)


def _end_group(state: _Open, trailer: tuple[str, ...] | None) -> Iterator[Event]:
    yield from _end_set(state, None)
    if state.group:
        state.group = False
        yield GroupClosed(trailer, state.at)


def _end_interchange(state: _Open, trailer: tuple[str, ...] | None) -> Iterator[Event]:
    yield from _end_group(state, None)
    if state.interchange:
        state.interchange = False
        yield Closed(trailer, state.at, tuple(state.responses))


_ENVELOPE = {"GS": _group, "ST": _set, "SE": _set_end, "GE": _group_end, "IEA": _interchange_end}
_STRAYS_MAX = 1000
_STRAY_KEPT = 80
