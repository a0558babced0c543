"""What arrives from a partner as changes: the interchange, what its accepted sets mean, then our answer.

The answer stands last, so that nothing is acknowledged that was not stored. A set that the guide refuses is
no change: its status stands in the interchange, and in the answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from connectors.edi import (
    addressed,
    exchanged,
    order_change,
    purchase_order,
    reading,
    remittance,
    text_message,
    tokens,
    told_acknowledgment,
    tree,
)
from connectors.edi import guide as guides
from connectors.edi.acknowledge import Answered, Outcome, Received
from connectors.edi.envelope import GroupOpened, Opened, Problem
from connectors.edi.examine import SetRead
from connectors.edi.exchanged import Label, Whole
from connectors.edi.faults import Status
from connectors.edi.header import Header
from connectors.edi.purchase_order import Made, SetPlace
from connectors.edi.reading import GroupRead, InterchangeRead
from connectors.edi.settings import Settings
from connectors.edi.tokens import Token
from connectors.edi.values import SHORT_DATES_BEFORE
from connectors.edi.walk import Placed, walk
from hub.sdk import Change, Invalid, Unmappable

TREES_KEPT = 50_000  # segments of which the walk is kept until their sets are told; others are walked again
NAME_MAX = 200  # characters of a name by which the hub knows a document
_HASHED_AT_ONCE = 1000
_LENIENT = "surrogateescape"  # of bytes that are no UTF-8
_ACCEPTED = (Status.ACCEPTED, Status.WITH_ERRORS)
_Reader = Callable[[Any, SetPlace, Settings], Iterable[Made]]
_OUR_FAULTS = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)


class _Set(NamedTuple):
    """A set that was accepted, and where it stood."""

    read: SetRead
    place: SetPlace


class _Read(NamedTuple):
    """An interchange that has been read to its end, and its sets that were accepted."""

    whole: Whole
    accepted: list[_Set]


def changes(body: bytes, settings: Settings, at: datetime) -> Iterator[Change]:
    """Everything that a delivery brings. Raises Invalid where it holds no interchange that can be read.

    Raises Rejected where an interchange of it is not from this partner to us.
    """
    addressed.check_all(body, settings)
    seen: set[tuple[str, str]] = set()
    unreadable: list[Whole] = []
    for read in _interchanges(body, settings):
        header = read.whole.received.interchange.header
        if not header.usable or header.headless:
            unreadable.append(read.whole)
            continue
        name = exchanged.external_id(read.whole.received, read.whole.digest)
        if ("interchange", name) not in seen:  # else the very same came twice in one file
            seen.add(("interchange", name))
            yield from _changes(read, name, settings, at, seen)
    if not seen:
        why = _why(unreadable[0]) if unreadable else "there is no interchange in it: no ISA was found"
        raise Invalid(f"nothing of it can be read: {why}", field="body")
    yield from map(_unreadable, unreadable)


def _changes(
    read: _Read, name: str, settings: Settings, at: datetime, seen: set[tuple[str, str]]
) -> Iterator[Change]:
    yield Change("interchange", name, exchanged.record(read.whole, settings, at))
    orders: list[str] = []
    for made in map(_named, _made(read, settings)):
        known = (made.kind, made.external_id) in seen
        seen.add((made.kind, made.external_id))
        problem = _again(made) if known else made.problem
        if made.kind == "order" and problem is None:
            orders.append(made.external_id)
        record = made.record if problem is None else None
        yield Change(made.kind, made.external_id, record, problem=problem)
    answer = exchanged.our_acknowledgment(read.whole, settings, at, name)
    if answer is not None:
        answer["order_key"] = orders[0] if len(orders) == 1 else ""
        yield Change("acknowledgment", f"our:{name}", answer)


def _named(made: Made) -> Made:
    """With a name that can be kept: a policy may let numbers in that are longer than the standard's."""
    if len(made.external_id) <= NAME_MAX:
        return made
    words = f"its number has over {NAME_MAX} characters: ask the partner for a shorter one"
    problem = Unmappable(f"edi.{made.kind}", "number", words, made.external_id[:NAME_MAX])
    name = f"{made.external_id[:100]}:{hashlib.sha256(made.external_id.encode()).hexdigest()}"
    return Made(made.kind, name, None, problem)


def _again(made: Made) -> Unmappable:
    words = "it stands twice in what was sent at once: the first is taken; ask the partner which one counts"
    return Unmappable(f"edi.{made.kind}", "number", words, made.external_id)


def _why(whole: Whole) -> str:
    notes = whole.received.interchange.notes
    return notes[0].message if notes else "its ISA cannot be read"


def _unreadable(whole: Whole) -> Change:
    words = f"{_why(whole)}: nothing of it is taken, and nobody can be answered"
    problem = Unmappable("edi.interchange", "ISA", words)
    return Change("interchange", f"?:{whole.digest[:24]}", None, problem=problem)


class _Digests:
    """Tokens as they pass, and what each interchange is made of, whatever its line breaks."""

    def __init__(self, source: Iterable[Token]) -> None:
        self.source = source
        self.kept: list[tuple[Header, Any]] = []

    def __iter__(self) -> Iterator[Token]:
        waiting: list[str] = []  # segments that are not counted in yet
        open_ = False
        for token in self.source:
            if isinstance(token, str):
                if open_:
                    waiting.append(token)
                    if len(waiting) >= _HASHED_AT_ONCE or token[:3] == "IEA":
                        self._count(waiting)
                        open_ = token[:3] != "IEA"
            elif isinstance(token, Header):
                self._count(waiting)
                self.kept.append(
                    (token, hashlib.sha256("\x1f".join(token.elements).encode("utf-8", _LENIENT)))
                )
                open_ = True
            yield token
        self._count(waiting)

    def _count(self, waiting: list[str]) -> None:
        if waiting:
            self.kept[-1][1].update("".join(f"\x1e{one}" for one in waiting).encode("utf-8", _LENIENT))
            waiting.clear()

    def of(self, header: Header) -> str:
        """The digest of the interchange that began with this ISA."""
        found = next((kept for one, kept in reversed(self.kept) if one is header), hashlib.sha256())
        return str(found.hexdigest())


class _State:
    """The interchange that is open."""

    def __init__(self) -> None:
        self.groups: list[Answered] = []
        self.sets: list[SetRead] = []
        self.accepted: list[_Set] = []
        self.labels: dict[tuple[int, int], Label] = {}
        self.notes: list[str] = []
        self.isa = ""
        self.group: tuple[str, str] = ("", "")
        self.kept = 0


def _interchanges(body: bytes, settings: Settings) -> Iterator[_Read]:
    """Each interchange when it is over."""
    digests = _Digests(tokens.of_bytes(body))
    state = _State()
    for event in reading.read(digests, settings.policy):
        if isinstance(event, Opened):
            addressed.check_interchange(event.header, settings)
            state.isa = event.header.at(13)
        elif isinstance(event, GroupOpened):
            addressed.check_group(event.elements, settings)
            values = [value.strip() for value in (*event.elements, *[""] * 9)]
            state.group = values[8], values[6]
        elif isinstance(event, SetRead):
            _take(state, _taken(event))
        elif isinstance(event, Problem):
            state.notes.append(event.message)
        elif isinstance(event, GroupRead):
            outcomes = [Outcome(x.id, x.control_number, x.version, x.status, x.faults) for x in state.sets]
            state.groups.append(Answered(event, tuple(outcomes)))
            state.sets = []
        elif isinstance(event, InterchangeRead):
            received = Received(event, tuple(state.groups))
            whole = Whole(received, digests.of(event.header), state.labels, state.notes)
            yield _Read(whole, state.accepted)
            state = _State()


def _take(state: _State, one: SetRead) -> None:
    label = Label(exchanged.reference_of(one), one.reason)
    state.labels[len(state.groups), len(state.sets)] = label
    if one.status in _ACCEPTED:
        version, number = state.group
        state.kept += one.segments
        kept = one if state.kept <= TREES_KEPT else one._replace(walked=None)
        state.accepted.append(_Set(kept, SetPlace(version, one.control_number, number, state.isa)))
    state.sets.append(one._replace(found=one.found._replace(segments=()), walked=None))


def _taken(one: SetRead) -> SetRead:
    """Sets that only we send are not taken: to accept them would promise what nobody does."""
    if one.status in _ACCEPTED and one.id not in _READERS:
        reason = f"a {one.id} is not taken from this partner"
        return one._replace(status=Status.UNSUPPORTED, reason=reason)
    return one


def _made(read: _Read, settings: Settings) -> Iterator[Made]:
    """What the accepted sets mean: orders first, so that what refers to them finds them."""
    for set_id, reader in _READERS.items():
        for one in read.accepted:
            if one.read.id == set_id:
                yield from _told(one, reader, settings)
    envelope = read.whole.received.interchange
    for turn, elements in enumerate(envelope.responses, 1):
        yield told_acknowledgment.technical(elements, envelope.control_number, turn)


def _told(one: _Set, reader: _Reader, settings: Settings) -> Iterator[Made]:
    try:
        yield from reader(tree.named(_root(one), one.read.found.marks), one.place, settings)
    except _OUR_FAULTS as error:
        kind = _KINDS[one.read.id]
        words = f"the reader failed ({type(error).__name__}): this set needs a person, and the reader mending"
        name = f"{one.read.id}:{one.place.interchange}:{one.place.control_number}"
        yield Made(kind, name, None, Unmappable(f"edi.{kind}", "ST", words))


def _root(one: _Set) -> Placed:
    """The set along its guide, walked again where that was not kept."""
    if one.read.walked is not None:
        return one.read.walked.root
    release = guides.release_of(one.place.version) or guides.OWN_RELEASES[0]
    guide = guides.load(one.read.id, guides.nearest(release))
    return walk(guide, one.read.found.segments, one.read.found.marks, release < SHORT_DATES_BEFORE).root


_READERS: Mapping[str, _Reader] = {
    "850": purchase_order.read,
    "820": lambda tree, place, settings: [remittance.read(tree, place, settings)],
    "860": lambda tree, place, settings: [order_change.read(tree, place, settings)],
    "864": lambda tree, place, _: [text_message.read(tree, place)],
    "997": lambda tree, place, _: [told_acknowledgment.functional(tree, "997", place)],
    "999": lambda tree, place, _: [told_acknowledgment.functional(tree, "999", place)],
    "824": lambda tree, place, _: [told_acknowledgment.applied(tree, place)],
}
_KINDS = {
    "850": "order", "820": "remittance", "860": "order_change", "864": "message", "997": "acknowledgment",
    "999": "acknowledgment", "824": "acknowledgment",
}  # fmt: skip
