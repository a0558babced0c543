"""Reads files of X12: every interchange, group and set with what became of it, as it goes by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from connectors.edi.envelope import Closed, GroupClosed, GroupOpened, Opened, Problem, SetFound, events
from connectors.edi.examine import Place, SetRead, examine
from connectors.edi.faults import DEFAULT, Status, Weight
from connectors.edi.header import Header
from connectors.edi.tokens import Token

SETS_BEFORE_MAX = 100_000  # set numbers of a group that are remembered to tell repeats


class Note(NamedTuple):
    """A finding about an envelope: X12 code (of AK905 for a group, of TA105 for an interchange) and words."""

    check: str
    code: str
    message: str
    at: int


class GroupRead(NamedTuple):
    """A group: GS as it was sent, and what of it is wrong. `elements` is empty where there was no GS."""

    elements: tuple[str, ...]
    received: int
    said: str  # GE01
    notes: tuple[Note, ...]
    at: int

    def value(self, place: int) -> str:
        """A value of GS without blanks around it, counted from 1."""
        return self.elements[place].strip() if place < len(self.elements) else ""

    @property
    def code(self) -> str:
        """GS01."""
        return self.value(1)

    @property
    def control_number(self) -> str:
        """GS06."""
        return self.value(6)

    @property
    def version(self) -> str:
        """GS08."""
        return self.value(8)


class InterchangeRead(NamedTuple):
    """An interchange: its ISA, what is wrong with its envelope, and the TA1 that stood in it."""

    header: Header
    notes: tuple[Note, ...]
    responses: tuple[tuple[str, ...], ...]
    refused: bool
    at: int

    @property
    def control_number(self) -> str:
        """ISA13."""
        return self.header.at(13)


Read = Opened | GroupOpened | SetRead | GroupRead | InterchangeRead | Problem
_REFUSING = ("022", "024", "025")  # who sent it, or whether it came before, is in doubt


class _State:
    """The envelopes that are open."""

    def __init__(self) -> None:
        self.header: Header | None = None
        self.header_at = self.groups = self.sets = 0
        self.group: tuple[str, ...] = ()
        self.group_at = 0
        self.notes: list[Note] = []
        self.numbers: set[str] = set()
        self.group_numbers: set[str] = set()
        self.seen: dict[tuple[str, str, str], int] = {}
        self.refused = ""


def read(tokens: Iterable[Token], policy: Mapping[str, Weight] = DEFAULT) -> Iterator[Read]:
    """What a file holds, in order: an ISA, a GS, its sets, that group's summary, the interchange's.

    Memory does not grow with the file: a set is forgotten when the next is read.
    """
    state = _State()
    for event in events(tokens):
        if isinstance(event, SetFound):
            yield _set(state, event, policy)
        elif isinstance(event, Opened):
            _open(state, event)
            yield event
        elif isinstance(event, GroupOpened):
            _group(state, event)
            yield event
        elif isinstance(event, GroupClosed):
            yield _group_read(state, event)
        elif isinstance(event, Closed):
            yield _interchange_read(state, event)
        else:
            yield event


def _open(state: _State, event: Opened) -> None:
    header = event.header
    state.header, state.header_at, state.groups = header, event.at, 0
    state.group_numbers = set()
    state.notes = [Note("header", code, words, event.at) for code, words in header.flaws]
    state.refused = ""
    if header.headless or not header.usable:
        state.refused = header.flaws[0][1]
        return
    key = (header.at(6), header.at(8), header.at(13))
    first = state.seen.setdefault(key, event.at)
    if first != event.at:
        words = f"ISA13 {key[2]} came before in this file, at segment {first}: a duplicate interchange"
        state.notes.append(Note("duplicate_interchange", "025", words, event.at))
        state.refused = words


def _group(state: _State, event: GroupOpened) -> None:
    state.group, state.group_at, state.sets, state.numbers = event.elements, event.at, 0, set()
    state.groups += bool(event.elements)


def _value(elements: tuple[str, ...], place: int) -> str:
    return elements[place].strip() if place < len(elements) else ""


def _set(state: _State, event: SetFound, policy: Mapping[str, Weight]) -> SetRead:
    place = Place(_value(state.group, 1), _value(state.group, 8), state.numbers)
    done = examine(event, place, policy)
    state.sets += 1
    if len(state.numbers) < SETS_BEFORE_MAX:
        state.numbers.add(done.control_number)
    if state.refused and done.status is not Status.REJECTED:
        return done._replace(status=Status.REJECTED, reason=f"the interchange is refused: {state.refused}")
    return done


def _group_read(state: _State, event: GroupClosed) -> GroupRead:
    elements, trailer = state.group, event.elements
    said = _value(trailer, 1) if trailer else ""
    number = _value(elements, 6)
    notes = []
    if elements:
        notes = [
            Note(check, code, words, event.at)
            for check, code, words in _of_group(elements, trailer, said, state.sets)
        ]
        if number in state.group_numbers:
            words = f"GS06 {number} was used in this interchange before"
            notes.append(Note("duplicate_group", "6", words, state.group_at))
        state.group_numbers.add(number)
    return GroupRead(elements, state.sets, said, tuple(notes), state.group_at)


def _same(one: str, other: str) -> bool:
    """Are these the same number? Leading zeros of GS06 and ISA13 carry nothing."""
    return one.lstrip("0") == other.lstrip("0")


def _of_group(
    elements: tuple[str, ...], trailer: tuple[str, ...] | None, said: str, sets: int
) -> Iterator[tuple[str, str, str]]:
    number = _value(elements, 6)
    if len(elements) == 9 and not (_value(elements, 2) and _value(elements, 3)):
        yield "group_header", "", "GS02 or GS03 is empty: whom to answer cannot be told"
    if len(elements) != 9:
        yield "group_header", "2", f"GS has {len(elements) - 1} elements where 8 are wanted"
    if not (number.isascii() and number.isdigit() and len(number) <= 9):
        yield "group_control", "6", "GS06 is not a number of at most nine digits"
    if trailer is None:
        yield "group_trailer", "3", "GE is missing: the group was cut off"
        return
    if not (said.isascii() and said.isdigit() and len(said) <= 6 and int(said) == sets):
        yield "group_count", "5", f"GE01 says {said or 'nothing'}, there are {sets} transaction sets"
    if not _same(_value(trailer, 2), number):
        yield "group_control", "4", f"GE02 is not the control number of GS06 ({number or 'empty'})"


def _interchange_read(state: _State, event: Closed) -> InterchangeRead:
    header = state.header
    if header is None:
        raise AssertionError("an interchange closes that was never opened")
    notes = list(state.notes)
    if not header.headless:
        found = _of_interchange(header, event.elements, state.groups, bool(event.responses))
        notes += [Note(check, code, words, event.at) for check, code, words in found]
    return InterchangeRead(header, tuple(notes), event.responses, bool(state.refused), state.header_at)


def _of_interchange(
    header: Header, trailer: tuple[str, ...] | None, groups: int, answered: bool
) -> Iterator[tuple[str, str, str]]:
    if trailer is None:
        yield "interchange_trailer", "023", "IEA is missing: the interchange was cut off"
        return
    said = _value(trailer, 1)
    right = said.isascii() and said.isdigit() and len(said) <= 5 and int(said) == groups
    # An interchange of TA1 segments alone is sent with 0 and with 1.
    if not right and not (answered and not groups and said in ("0", "1")):
        yield "interchange_count", "021", f"IEA01 says {said or 'nothing'}, there are {groups} groups"
    if not _same(_value(trailer, 2), header.at(13)):
        yield "interchange_control", "001", f"IEA02 is not the control number of ISA13 ({header.at(13)})"
