"""Catching up: walks changed records by (SystemModstamp, Id), and draws what waits in the event stream.

A plain "later than" would lose records that share an instant with the last one seen, so the Id is the second
key. A record becomes visible when its transaction commits but carries the time of its statement: a walk stays
behind now, and each one begins a look-back before the end of the one before. Repeats have the same event ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import orjson

from connectors.salesforce.change_events import ChangeEvent
from connectors.salesforce.events import Named, arrival
from connectors.salesforce.schema import ORDERS, PARENT
from connectors.salesforce.soql import instant, literal, moment, record_id, select
from hub.sdk import Arrival, Invalid, Record, Transient, encode

PAGE = 1_000
_LOST = frozenset({"DELETE", "GAP_DELETE"})
_NOBODY = "000000000000000AAA"  # the record id of an overflow
_KNOWN = frozenset({"Account", "Contact", *ORDERS.values(), *PARENT})


class Walk(NamedTuple):
    """Where the walk of one object stands.

    `id` empty: the last walk ended at `at`. Otherwise it is under way, behind this record, up to `until`.
    """

    at: datetime
    id: str = ""
    until: datetime | None = None


class Cursor(NamedTuple):
    """All that a next poll needs: a walk per object, the place in the event stream, the last walk's time."""

    walks: Mapping[str, Walk]
    replay: str = ""
    walked: datetime | None = None

    def __str__(self) -> str:
        walks = {
            name: [moment(one.at), one.id, moment(one.until) if one.until else ""]
            for name, one in self.walks.items()
        }
        walked = moment(self.walked) if self.walked else ""
        return encode({"walks": walks, "replay": self.replay, "walked": walked}).decode()

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Raises Invalid for what is not a cursor of ours."""
        try:
            told = orjson.loads(text)
            walks = {str(name): _walk(*parts) for name, parts in told["walks"].items()}
            return cls(walks, str(told["replay"]), _when(told["walked"]))
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, ValueError):
            told_text = f"{text[:60]!r} is not a cursor of a Salesforce poll; clear it to start again"
            raise Invalid(told_text, field="cursor") from None


def _walk(at: Any, id: Any, until: Any) -> Walk:
    start = _when(at)
    if start is None:
        raise ValueError(at)
    return Walk(start, record_id(id) if id else "", _when(until))


def _when(text: Any) -> datetime | None:
    if not text:
        return None
    at = instant(str(text))
    if at is None:
        raise ValueError(text)
    return at


class Pace(NamedTuple):
    """How far a walk stays behind now, how far it looks back, and how often it runs beside a stream."""

    margin: timedelta
    look_back: timedelta
    repair: timedelta = timedelta(0)


def begin(sobjects: Sequence[str], start: datetime | None, now: datetime) -> Cursor:
    """The first cursor: orders from `start` on (none: their whole history), other objects from now on."""
    first = start or datetime(1970, 1, 1, tzinfo=UTC)
    return Cursor({name: Walk(now if at else first) for at, name in enumerate(sobjects)})


def due(cursor: Cursor, pace: Pace, now: datetime) -> bool:
    """Is it time to walk? Always without a stream; beside one, walking only repairs what it lost."""
    under_way = any(one.until for one in cursor.walks.values())
    return under_way or cursor.walked is None or now - cursor.walked >= pace.repair


def ahead(walk: Walk, pace: Pace, now: datetime) -> Walk:
    """The walk as its next page is asked for: a new one gets its upper bound and looks back."""
    if walk.until is not None:
        return walk
    until = max(now - pace.margin, walk.at)
    return Walk(max(walk.at - pace.look_back, datetime(1970, 1, 1, tzinfo=UTC)), "", until)


def question(sobject: str, walk: Walk) -> str:
    """One page of a walk, in order. Raises ValueError for a walk that has no upper bound."""
    if walk.until is None:
        raise ValueError("a walk is given its upper bound before it is asked for")
    at, until = moment(walk.at), moment(walk.until)
    begun = f"SystemModstamp >= {at}"
    if walk.id:
        begun = f"((SystemModstamp = {at} AND Id > {literal(walk.id)}) OR SystemModstamp > {at})"
    order = f"ORDER BY SystemModstamp, Id LIMIT {PAGE}"
    fields = ("Id", "SystemModstamp", "IsDeleted")
    return select(fields, sobject, f"{begun} AND SystemModstamp <= {until} {order}")


def following(walk: Walk, rows: Sequence[Record]) -> Walk:
    """Where the walk stands after a page. A full page always moves it.

    Raises Transient for a page that is not in order: going on from its last row would skip some.
    """
    stamps = [stamp(row) for row in rows]
    if stamps != sorted(stamps):
        raise Transient("Salesforce did not sort the answer", code="bad_answer")
    if len(rows) < PAGE:
        return Walk(walk.until or walk.at)
    return Walk(stamps[-1], record_id(rows[-1].get("Id")), walk.until)


def stamp(row: Record) -> datetime:
    """SystemModstamp in UTC. Raises Transient for a row without one."""
    found = instant(str(row.get("SystemModstamp")))
    if found is None:
        raise Transient("a row of the answer has no SystemModstamp", code="bad_answer")
    return found


def walked(sobject: str, rows: Iterable[Record], url: str, now: datetime) -> list[Arrival]:
    """Rows of a walk as deliveries, one per record. The event id is the record at this change."""
    return [
        arrival(
            [Named(sobject, record_id(row.get("Id")), row.get("IsDeleted") is True)],
            event=f"{row.get('Id')}@{moment(stamp(row))}",
            url=url,
            now=now,
        )
        for row in rows
    ]


def streamed(events: Iterable[ChangeEvent], url: str, now: datetime) -> list[Arrival]:
    """Change events as deliveries. Events of other objects, and those that name no record, are left out."""
    return [
        arrival(
            [Named(one.sobject, id, one.change_type in _LOST) for id in ids],
            event=f"{one.transaction}/{one.sequence}/{one.event_id}",
            url=url,
            now=now,
        )
        for one in events
        if one.sobject in _KNOWN and (ids := _records_of(one))
    ]


def nameless(events: Iterable[ChangeEvent]) -> bool:
    """Does an event of ours not name each of its records? Then only a walk finds what it is about.

    The id is `001*` where the type of a field was converted ("Change Event Fields", recordIds), and zeros
    where a transaction overflowed.
    """
    return any(one.sobject in _KNOWN and len(_records_of(one)) < len(one.record_ids) for one in events)


def _records_of(event: ChangeEvent) -> Sequence[str]:
    found = []
    for text in event.record_ids:
        try:
            found.append(record_id(text))
        except Invalid:
            continue
    return [id for id in found if id != _NOBODY]
