"""Walks the segments of a set along its guide: what is where it should be, and what of it is not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from connectors.edi import check
from connectors.edi.check import Checker
from connectors.edi.faults import Fault, Level
from connectors.edi.guide import UNLIMITED, Child, Guide, Loop, known
from connectors.edi.header import Marks

FAULTS_MAX = 500  # of one set; a set with more is not read any closer
_NEVER = "\x1f\x1f"  # in no segment
_OUTSIDE = ("2", "6", "1")  # AK304: unexpected here, not in this set, not a segment at all


class Placed:
    """One turn of a loop: what was read into it, in order: (place, elements) or (place, inner turn)."""

    __slots__ = ("index", "items", "loop", "missed", "reached", "strays", "uses")

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.items: list[tuple[Child, list[str] | Placed]] = []
        self.strays: list[list[str]] = []  # segments that have no place in it
        self.index = self.uses = self.reached = 0
        self.missed: dict[int, Fault] = {}  # places told missing; they may still come, out of sequence


class Walked(NamedTuple):
    """A set along its guide: the tree of what was read, and what was wrong, in no special order."""

    root: Placed
    faults: list[Fault]


class _Move(NamedTuple):
    """Where a segment goes: out of so many loops, to this place; what must have come before is `missing`."""

    pops: int
    child: Child
    missing: tuple[tuple[int, Child], ...]
    back: bool


class _Paths:
    """Moves of one guide, found when first needed and kept."""

    def __init__(self, guide: Guide, short_dates: bool) -> None:
        self.guide, self.short_dates = guide, short_dates
        self.moves: dict[tuple[Loop, int, str], _Move | None] = {}
        self.checkers: dict[Child, Checker] = {}
        self.ids = frozenset(_ids(guide.root))

    def move(self, key: tuple[Loop, int, str]) -> _Move | None:
        """Looks a move up that is not kept yet."""
        found = _forward(*key) or _backward(*key)
        if key[2] in self.ids:
            self.moves[key] = found
        return found

    def checker(self, child: Child) -> Checker:
        """The rules of the segment at a place."""
        made = self.checkers[child] = check.checker(child.segment, self.short_dates)
        return made


@cache
def _paths(guide: Guide, short_dates: bool) -> _Paths:
    return _Paths(guide, short_dates)


def _ids(loop: Loop) -> Iterator[str]:
    for child in loop.children:
        yield child.segment.id
        if child.loop:
            yield from _ids(child.loop)


def _forward(loop: Loop, index: int, segment_id: str) -> _Move | None:
    """The first place at or behind where we are that takes this segment, in this loop or one around it."""
    missing: list[tuple[int, Child]] = []
    current: Loop | None = loop
    at, pops = index, 0
    while current is not None:
        for child in current.children[at:]:
            starter = child.index == 0 and current.parent is not None
            if child.segment.id == segment_id and not starter:
                return _Move(pops, child, tuple(missing), back=False)
            if child.required and child.index > at:
                missing.append((pops, child))
        at = current.place.index if current.place else 0
        current, pops = current.parent, pops + 1
    return None


def _backward(loop: Loop, index: int, segment_id: str) -> _Move | None:
    """A place that we have passed: the segment is out of sequence, but there is no doubt what it is."""
    current: Loop | None = loop
    at, pops = index, 0
    while current is not None:
        for child in current.children[1:at]:
            if child.segment.id == segment_id:
                return _Move(pops, child, (), back=True)
        at = current.place.index if current.place else 0
        current, pops = current.parent, pops + 1
    return None


def walk(guide: Guide, segments: Sequence[str], marks: Marks, short_dates: bool = False) -> Walked:
    """Reads a set, ST first. Never raises: what has no place is kept as a stray of its loop and told."""
    paths = _paths(guide, short_dates)
    stack = [Placed(guide.root)]
    faults: list[Fault] = []
    moves, checkers = paths.moves, paths.checkers
    separator = marks.element
    component, repetition = marks.component or _NEVER, marks.repetition or _NEVER
    for position, text in enumerate(segments, 1):
        elements = text.split(separator)
        frame = stack[-1]
        key = (frame.loop, frame.index, elements[0])
        move = moves.get(key) or paths.move(key)
        if len(faults) > FAULTS_MAX:
            break
        if move is None:
            faults.append(_nowhere(paths, elements, position))
            frame.strays.append(elements)
            continue
        child = _go(stack, move, elements, position, faults)
        checked = checkers.get(child) or paths.checker(child)
        if component in text or repetition in text or not checked.clean(elements):
            faults.extend(check.faults(checked, elements, position, marks))
    _finish(stack, len(segments), faults)
    return Walked(stack[0], faults)


def _go(stack: list[Placed], move: _Move, elements: list[str], position: int, faults: list[Fault]) -> Child:
    """Takes one move: leaves loops, counts uses, tells what is missing, enters a loop."""
    if move.missing:
        _miss(stack, move, position, faults)
    if move.pops:
        del stack[-move.pops :]
    frame, child = stack[-1], move.child
    if move.back:
        faults.append(_fault("sequence", "7", elements[0], position, "is out of sequence"))
        frame.reached = max(frame.reached, frame.index)
        if child.index in frame.missed:
            faults.remove(frame.missed.pop(child.index))
    elif child.index == frame.index:
        frame.uses += 1
        if frame.uses == child.most + 1 and child.most != UNLIMITED:
            faults.append(_too_often(child, position))
    else:
        frame.index, frame.uses = child.index, 1
    if child.tolerated and frame.uses == 1:
        words = "is read here, the standard has no such place for it"
        faults.append(_fault("sequence", "7", elements[0], position, words))
    if child.loop is None:
        frame.items.append((child, elements))
        return child
    turn = Placed(child.loop)
    turn.items.append((child.loop.children[0], elements))
    frame.items.append((child, turn))
    stack.append(turn)
    return child


def _miss(stack: list[Placed], move: _Move, position: int, faults: list[Fault]) -> None:
    for depth, child in move.missing:
        frame = stack[-1 - depth]
        if child.index > frame.reached:
            frame.missed[child.index] = _absent(child, position)
            faults.append(frame.missed[child.index])


def _absent(child: Child, position: int) -> Fault:
    what = f"{child.segment.id} ({child.segment.name.replace('_', ' ')})"
    return Fault("missing_segment", Level.SEGMENT, "3", child.segment.id, position, f"{what} is missing")


def _finish(stack: list[Placed], count: int, faults: list[Fault]) -> None:
    """What is still missing when the set ends; SE is looked after by whoever counts."""
    at_end = bool(stack[0].items) and stack[0].items[-1][0].segment.id == "SE"
    if at_end or len(faults) > FAULTS_MAX:
        return
    for frame in reversed(stack):
        for child in frame.loop.children[frame.index + 1 :]:
            if child.required and child.index > frame.reached and child.segment.id != "SE":
                faults.append(_absent(child, count))


def _nowhere(paths: _Paths, elements: list[str], position: int) -> Fault:
    name = elements[0][:3]
    if elements[0] in paths.ids:
        return _fault("unexpected", _OUTSIDE[0], name, position, "is not expected here")
    if known(elements[0]):
        words = f"is not a segment of a {paths.guide.set_id}"
        return _fault("unexpected", _OUTSIDE[1], name, position, words)
    return _fault("unknown_segment", _OUTSIDE[2], name, position, "is not a segment of the standard")


def _too_often(child: Child, position: int) -> Fault:
    if child.loop is not None:
        words = f"begins its loop more than {child.most} times"
        return _fault("max_loop", "4", child.segment.id, position, words)
    return _fault("max_use", "5", child.segment.id, position, f"stands more than {child.most} times")


def _fault(check_name: str, code: str, segment_id: str, position: int, words: str) -> Fault:
    return Fault(check_name, Level.SEGMENT, code, segment_id, position, f"{segment_id} {words}")
