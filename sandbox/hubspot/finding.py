"""Answers searches from the account's sorted keys, looking at as few objects as the filters allow."""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from sandbox.hubspot import catalog, rules
from sandbox.hubspot.portal import Portal
from sandbox.hubspot.records import Keys, Stored, id_of, milliseconds, moment, stamp_key
from sandbox.hubspot.refusals import invalid
from sandbox.hubspot.search import Filter, Question

Test = Callable[[Stored], bool]
KEPT = 4  # answers remembered for their next pages
_END = 2**45  # later than any instant, in milliseconds
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RANGES = frozenset({"EQ", "GT", "GTE", "LT", "LTE", "BETWEEN"})


class Found(NamedTuple):
    """How many there are, the page, and the offset of the next page as text."""

    total: int
    page: list[Stored]
    after: str | None


class _Span(NamedTuple):
    """A stretch of sorted keys."""

    keys: Sequence[int]
    places: range
    stamped: bool

    def ids(self) -> Iterator[int]:
        for at in self.places:
            yield id_of(self.keys[at]) if self.stamped else self.keys[at]


@dataclass
class Finder:
    """Searches one account."""

    portal: Portal
    _kept: OrderedDict[tuple[str, int, int, str], array[int]] = field(default_factory=OrderedDict)

    def find(self, kind: str, question: Question, horizon: datetime | None) -> Found:
        """Objects last changed up to the horizon, if any. Raises Refused 400 for unknown properties."""
        start, stop = int(question.after), int(question.after) + question.limit
        span = self._plain(kind, question, horizon)
        if span is not None:
            total, ids = len(span.places), list(span._replace(places=span.places[start:stop]).ids())
        else:
            matches = self._matches(kind, question, horizon)
            total, ids = len(matches), list(matches[start:stop])
        held = self.portal.objects[kind]
        return Found(total, [held[str(id)] for id in ids], str(stop) if stop < total else None)

    def _plain(self, kind: str, question: Question, horizon: datetime | None) -> _Span | None:
        """The one stretch of keys that is the answer, for questions that the keys alone can answer."""
        changed, index = catalog.TYPES[kind].changed, self.portal.indexes[kind]
        order = question.order()
        if len(question.filterGroups) > 1 or question.query or order is None or order[1]:
            return None
        filters = question.filterGroups[0].filters if question.filterGroups else []
        stamps = _ranged(filters, changed)
        numbers = _ranged(filters, "hs_object_id")
        if len(stamps) + len(numbers) < len(filters):
            return None
        low, high = _bounds(stamps, _instant)
        if order[0] == changed and not numbers:
            return self._stamped(index.changed, stamps, (), horizon)
        if order[0] == "hs_object_id" and low == high:  # keys of one instant are in order of id
            return self._stamped(index.changed, stamps, numbers, horizon)
        if order[0] == "hs_object_id" and not stamps and horizon is None:
            return _numbered(index.ids, numbers)
        return None

    def _matches(self, kind: str, question: Question, horizon: datetime | None) -> array[int]:
        """Ids of all matches in their order; remembered, since callers come back for the next page."""
        revision = self.portal.indexes[kind].revision
        key = (kind, revision, milliseconds(horizon) if horizon else 0, question.essence())
        if key not in self._kept:
            found = self._sorted(kind, question, self._all(kind, question, horizon))
            self._kept[key] = array("q", (int(one.id) for one in found))
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return self._kept[key]

    def _all(self, kind: str, question: Question, horizon: datetime | None) -> list[Stored]:
        known = self.portal.properties[kind]
        groups = [group.filters for group in question.filterGroups] or [[]]
        word = question.query.lower()
        found: dict[str, Stored] = {}
        for filters in groups:
            tests = {id(one): _test(one, kind, known) for one in filters}
            candidates, open_ = self._candidates(kind, filters, horizon)
            left = [tests[id(one)] for one in open_]
            for one in candidates:
                seen = horizon is None or one.updated_at <= horizon
                if seen and all(test(one) for test in left):
                    found.setdefault(one.id, one)
        if word:
            return [one for one in found.values() if word in " ".join(one.properties.values()).lower()]
        return list(found.values())

    def _sorted(self, kind: str, question: Question, found: list[Stored]) -> list[Stored]:
        order, own = question.order(), catalog.TYPES[kind]
        name, down = order or ("hs_object_id", False)
        definition = _known(self.portal.properties[kind], name)
        if name == "hs_object_id":
            return sorted(found, key=lambda one: int(one.id), reverse=down)
        if name == own.changed:
            return sorted(found, key=lambda one: (one.updated_at, int(one.id)), reverse=down)
        return sorted(found, key=lambda one: _rank(one, definition), reverse=down)

    def _candidates(
        self, kind: str, filters: Sequence[Filter], horizon: datetime | None
    ) -> tuple[Iterable[Stored], Sequence[Filter]]:
        """The fewest objects that must contain every match, and the filters they may still fail."""
        held = self.portal.objects[kind]
        exact = self._exact(kind, filters)
        if exact is not None:
            alive = (one for id in exact if (one := held.get(id)) is not None and one.archived_at is None)
            return alive, filters
        own, index = catalog.TYPES[kind], self.portal.indexes[kind]
        numbers = _ranged(filters, "hs_object_id")
        changed, created = _ranged(filters, own.changed), _ranged(filters, own.created)
        spans = [
            (self._stamped(index.changed, changed, numbers, horizon), changed),
            (self._stamped(index.created, created, numbers, None), created),
            (_numbered(index.ids, numbers), numbers),
        ]
        best, kept = min(spans, key=lambda span: len(span[0].places))
        return (held[str(id)] for id in best.ids()), [one for one in filters if one not in kept]

    def _exact(self, kind: str, filters: Sequence[Filter]) -> list[str] | None:
        """The ids that a filter names, where one does: by id, or by a unique property."""
        for one in filters:
            wanted = [one.value or ""] if one.operator == "EQ" else one.values
            if one.operator not in ("EQ", "IN") or wanted is None:
                continue
            if one.propertyName == "hs_object_id":
                return list(dict.fromkeys(wanted))
            known = self.portal.properties[kind].get(one.propertyName)
            if known is not None and known.unique:
                holders = self.portal.holders(kind, known.name)
                named = (holders.get(rules.comparable(known.name, value), "") for value in wanted)
                return list(dict.fromkeys(named))
        return None

    def _stamped(
        self, keys: Keys, filters: Sequence[Filter], numbers: Sequence[Filter], horizon: datetime | None
    ) -> _Span:
        """The stretch of time-ordered keys within these filters; of one single instant, also within ids."""
        low, high = _bounds(filters, _instant)
        if horizon is not None:
            high = min(high, milliseconds(horizon))
        if low == high and numbers:
            first, last = _bounds(numbers, _whole)
            places = keys.between(stamp_key(low, max(first, 0)), stamp_key(low, min(last, 2**47) + 1))
        else:
            places = keys.between(stamp_key(max(low, 0)), stamp_key(high + 1))
        return _Span(keys.held, places, stamped=True)


def _ranged(filters: Sequence[Filter], name: str) -> list[Filter]:
    return [one for one in filters if one.propertyName == name and one.operator in _RANGES]


def _numbered(keys: Keys, numbers: Sequence[Filter]) -> _Span:
    low, high = _bounds(numbers, _whole)
    return _Span(keys.held, keys.between(low, high + 1), stamped=False)


def _instant(text: str) -> int:
    found = moment(text)
    if found is None:
        raise invalid(f"{text} is no instant")
    return milliseconds(found)


def _whole(text: str) -> int:
    if not text.isdigit():
        raise invalid(f"{text} is no record id")
    return int(text)


def _bounds(filters: Sequence[Filter], read: Callable[[str], int]) -> tuple[int, int]:
    """The least and the greatest value that all these filters let through, both included."""
    low, high = 0, 2**47 if read is _whole else _END
    for one in filters:
        value = read(one.value or "")
        if one.operator in ("EQ", "GTE", "BETWEEN"):
            low = max(low, value)
        if one.operator == "GT":
            low = max(low, value + 1)
        if one.operator in ("EQ", "LTE"):
            high = min(high, value)
        if one.operator == "LT":
            high = min(high, value - 1)
        if one.operator == "BETWEEN":
            high = min(high, read(one.highValue or ""))
    return low, high


def _known(known: Mapping[str, catalog.Property], name: str) -> catalog.Property:
    if name not in known:
        raise invalid(f"There was a problem with the request: property {name} does not exist")
    return known[name]


def _rank(one: Stored, known: catalog.Property) -> tuple[bool, Any]:
    value = _value(one.value(known.name), known.type)
    return (value is not None, value)


@lru_cache(maxsize=65_536)
def _value(text: str, type: str) -> Any:
    """A value as it is compared: numbers as numbers, instants as instants, text without regard to case."""
    if not text:
        return None
    if type == "number":
        return Decimal(text)
    if type in ("date", "datetime"):
        return moment(text)
    return text.lower()


def _test(one: Filter, kind: str, known: Mapping[str, catalog.Property]) -> Test:
    definition = _known(known, one.propertyName)
    stamp = _stamp_test(one, kind)
    if stamp is not None:
        return stamp
    name, type = definition.name, definition.type
    if one.operator == "HAS_PROPERTY":
        return lambda stored: bool(stored.value(name))
    if one.operator == "NOT_HAS_PROPERTY":
        return lambda stored: not stored.value(name)
    if one.operator in ("IN", "NOT_IN"):
        wanted, inside = {_readable(value, type) for value in one.values or ()}, one.operator == "IN"
        return lambda stored: (_value(stored.value(name), type) in wanted) == inside
    low = _readable(one.value or "", type)
    high = _readable(one.highValue, type) if one.highValue else None
    compare = _comparison(one.operator, low, high)
    if one.operator in ("NEQ", "NOT_CONTAINS_TOKEN"):
        return lambda stored: (own := _value(stored.value(name), type)) is None or compare(own)
    return lambda stored: (own := _value(stored.value(name), type)) is not None and compare(own)


def _readable(text: str, type: str) -> Any:
    try:
        found = _value(text, type)
    except ArithmeticError:
        found = None
    if found is None:
        raise invalid(f"{text!r} is no {type}")
    return found


def _stamp_test(one: Filter, kind: str) -> Test | None:
    """Ids and both stamps are kept as what they are: no text to read for each object."""
    own = catalog.TYPES[kind]
    if one.operator not in _RANGES or one.propertyName not in ("hs_object_id", own.changed, own.created):
        return None
    if one.propertyName == "hs_object_id":
        low, high = _bounds([one], _whole)
        return lambda stored: low <= int(stored.id) <= high
    first, last = (_EPOCH + timedelta(milliseconds=edge) for edge in _bounds([one], _instant))
    end = last + timedelta(milliseconds=1)  # an instant is kept more exactly than it is told
    if one.propertyName == own.changed:
        return lambda stored: first <= stored.updated_at < end
    return lambda stored: first <= stored.created_at < end


def _comparison(operator: str, low: Any, high: Any) -> Callable[[Any], bool]:
    word = str(low).strip("*")
    tests: dict[str, Callable[[Any], bool]] = {
        "EQ": lambda own: bool(own == low),
        "NEQ": lambda own: bool(own != low),
        "GT": lambda own: bool(own > low),
        "GTE": lambda own: bool(own >= low),
        "LT": lambda own: bool(own < low),
        "LTE": lambda own: bool(own <= low),
        "BETWEEN": lambda own: bool(low <= own <= high),
        "CONTAINS_TOKEN": lambda own: word in str(own),
        "NOT_CONTAINS_TOKEN": lambda own: word not in str(own),
    }
    return tests[operator]
