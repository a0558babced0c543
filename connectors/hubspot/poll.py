"""Catching up: walks objects by time of last change, one bounded search per step, and never skips one.

Every search starts at a key (keyset paging) instead of an offset, because an object that changes while we
page moves to the end and shifts all offsets, and because HubSpot answers no offset above 10,000.
Deals are walked in every poll; companies, contacts and deletions every ten minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import quote, unquote

from connectors.hubspot.client import SEARCH_MAX, Client
from connectors.hubspot.events import Event, event_id
from connectors.hubspot.translate import instant, milliseconds, revision
from hub.sdk import Arrival, Delivery, Invalid, Page, Record, Transient, encode

PAGE = SEARCH_MAX
LOOK_BACK = int(timedelta(minutes=5).total_seconds() * 1000)  # the search index lags behind writes
SLOW_EVERY = int(timedelta(minutes=10).total_seconds() * 1000)
ARCHIVED_PAGES = 20  # of 100 deleted deals, that one turn looks through at most
CHANGED = "hs_lastmodifieddate"
# Contacts alone date their last change under another name (search page of the docs).
_STAMPS = {"deals": CHANGED, "companies": CHANGED, "contacts": "lastmodifieddate"}
_SINGULAR = {"deals": "deal", "companies": "company", "contacts": "contact"}
_STEPS = ("idle", "from", "tied", "past")
_TURNS = ("deals", "companies", "contacts", "gone")


class Cursor(NamedTuple):
    """Where one walk stands: `at` in milliseconds since 1970, and how to go on from there.

    idle: the last walk ended at `at`; the next one starts a look-back earlier
    from: objects changed at or after `at`
    tied: over one page shares the instant `at` (a bulk edit); objects of it with a higher id
    past: all objects of the instant `at` were seen; objects changed after it
    """

    step: str
    at: int
    id: int = 0

    def __str__(self) -> str:
        return f"{self.step}:{self.at}:{self.id}"

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Raises Invalid for what is not a cursor of ours."""
        step, _, numbers = text.partition(":")
        at, _, id = numbers.partition(":")
        if step not in _STEPS or not (_is_number(at) and _is_number(id)):
            raise Invalid(f"{text[:60]!r} is not a cursor of a HubSpot poll; clear it to start again")
        return cls(step, int(at), int(id))

    @classmethod
    def start(cls, at: datetime | None) -> Cursor:
        """From the beginning of time, or from an instant."""
        return cls("from", milliseconds(at) if at else 0)


class Gone(NamedTuple):
    """Where the look through deleted deals stands; times in milliseconds since 1970.

    HubSpot lists them by id and not by time: deletions after `since` count, `after` is the place in the list.
    """

    since: int
    began: int
    after: str = ""  # HubSpot's own words, nothing to calculate with

    def __str__(self) -> str:
        return f"{self.since}:{self.began}:{quote(self.after, safe='')}"

    @classmethod
    def parse(cls, text: str) -> Gone:
        """Raises Invalid for what is not ours."""
        since, began, after = (*text.split(":"), "", "")[:3]
        if text.count(":") != 2 or not (_is_number(since) and _is_number(began)):
            raise Invalid(f"{text[:60]!r} is not a cursor of a HubSpot poll; clear it to start again")
        return cls(int(since), int(began), "" if after == "0" else unquote(after))  # 0: of earlier versions


class Walks(NamedTuple):
    """All walks of a connection, and whose turn it is. `rested`: when the slower ones last had theirs."""

    deals: Cursor
    companies: Cursor
    contacts: Cursor
    gone: Gone
    rested: int
    turn: str = "deals"
    pages: int = 0  # of deleted deals in this turn

    def __str__(self) -> str:
        named = zip(self._fields[1:], map(str, self[1:]), strict=True)
        return "|".join([str(self.deals), *(f"{name}={text}" for name, text in named)])

    @classmethod
    def parse(cls, text: str) -> Walks:
        """The cursors of earlier versions had the walk of deals only. Raises Invalid."""
        first, *rest = text.split("|")
        deals = Cursor.parse(first)
        if not rest:
            aside = Cursor("idle", deals.at)
            return cls(deals, aside, aside, Gone(deals.at, deals.at), rested=0)
        told = dict(part.partition("=")[::2] for part in rest)
        numbers = (told.get("rested", ""), told.get("pages", ""))
        if (
            told.keys() != set(cls._fields[1:])
            or told["turn"] not in _TURNS
            or not all(map(_is_number, numbers))
        ):
            raise Invalid(f"{text[:60]!r} is not a cursor of a HubSpot poll; clear it to start again")
        companies, contacts = (Cursor.parse(told[name]) for name in ("companies", "contacts"))
        rested, pages = map(int, numbers)
        return cls(deals, companies, contacts, Gone.parse(told["gone"]), rested, told["turn"], pages)

    @classmethod
    def start(cls, at: datetime | None, now: int) -> Walks:
        """Deals from an instant on; the walks beside them begin now, since deals bring their companies."""
        aside = Cursor("idle", now)
        return cls(Cursor.start(at), aside, aside, Gone(now, now), rested=now)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 20


def step(client: Client, walks: Walks, url: str, now: datetime) -> Page:
    """One page of the walk whose turn it is."""
    if walks.turn == "gone":
        return _deletions(client, walks, url, now)
    kind = walks.turn
    here: Cursor = getattr(walks, kind)
    filters, sort = question(here, _STAMPS[kind])
    found = client.search(kind, [filters], sort, PAGE).results
    beyond, more = following(here, found, _STAMPS[kind])
    walks = _moved(walks, beyond)
    if not more:
        walks, more = _next_turn(walks, now)
    return Page([arrival(one, url, now, kind) for one in found], str(walks), more)


def _moved(walks: Walks, beyond: Cursor) -> Walks:
    if walks.turn == "deals":
        return walks._replace(deals=beyond)
    return walks._replace(companies=beyond) if walks.turn == "companies" else walks._replace(contacts=beyond)


def _next_turn(walks: Walks, now: datetime) -> tuple[Walks, bool]:
    here = milliseconds(now)
    if walks.turn == "deals" and here - walks.rested < SLOW_EVERY:
        return walks, False
    turn = _TURNS[_TURNS.index(walks.turn) + 1]
    gone = walks.gone if walks.gone.after or turn != "gone" else walks.gone._replace(began=here)
    return walks._replace(turn=turn, gone=gone, pages=0), True


def _deletions(client: Client, walks: Walks, url: str, now: datetime) -> Page:
    """Deals deleted since the last look, one page of the list. Bounded per turn; the next one goes on."""
    gone = walks.gone
    found, after = client.archived("deals", gone.after)
    if after and after == gone.after:
        raise Transient("HubSpot's list of deleted deals does not go on", code="bad_answer")
    new = [one for one in found if _archived_at(one) >= gone.since - LOOK_BACK]
    gone = gone._replace(after=after) if after else Gone(gone.began, gone.began)
    more = bool(after) and walks.pages + 1 < ARCHIVED_PAGES
    walks = walks._replace(gone=gone, pages=walks.pages + 1)
    if not more:
        walks = walks._replace(turn="deals", rested=milliseconds(now), pages=0)
    return Page([_deletion(one, url, now) for one in new], str(walks), more)


def _archived_at(one: Record) -> int:
    told = one.get("archivedAt") or one.get("updatedAt")
    return milliseconds(instant(str(told))) if told else 0


def question(cursor: Cursor, stamp: str = CHANGED) -> tuple[Sequence[Mapping[str, str]], str]:
    """The search's filters and its sort."""
    if cursor.step == "tied":
        return [_filter(stamp, "EQ", cursor.at), _filter("hs_object_id", "GT", cursor.id)], "hs_object_id"
    if cursor.step == "idle":
        return [_filter(stamp, "GTE", max(cursor.at - LOOK_BACK, 0))], stamp
    return [_filter(stamp, "GT" if cursor.step == "past" else "GTE", cursor.at)], stamp


def _filter(name: str, operator: str, value: int) -> Mapping[str, str]:
    return {"propertyName": name, "operator": operator, "value": str(value)}


def following(cursor: Cursor, found: Sequence[Record], stamp: str = CHANGED) -> tuple[Cursor, bool]:
    """The next cursor, and whether to go on at once. A full page always moves the cursor.

    Raises Transient for a page that is not in order, or not of what was asked for.
    """
    tied, full = cursor.step == "tied", len(found) >= PAGE
    keys = [int(one["id"]) if tied else changed(one, stamp) for one in found]
    if keys != sorted(keys):  # going on from the last one would skip some
        raise Transient("HubSpot's search did not sort its answer", code="bad_answer")
    first = cursor.id + 1 if tied else cursor.at - (LOOK_BACK if cursor.step == "idle" else 0)
    if keys and keys[0] < first:  # an object without a date counts as of 1970: the walk would begin anew
        raise Transient("HubSpot's search found what was not asked for", code="bad_answer")
    if tied:
        return (Cursor("tied", cursor.at, keys[-1]) if full else Cursor("past", cursor.at)), True
    last = max(keys, default=cursor.at)
    if not full:
        return Cursor("idle", max(last, cursor.at)), False
    return Cursor("tied" if keys[0] == last else "from", last), True


def changed(found: Record, stamp: str = CHANGED) -> int:
    """Milliseconds since 1970 of the last change, by the date that was asked for; 0: HubSpot tells none."""
    told = found["properties"].get(stamp)
    moment = instant(str(told)) if told else revision(found)
    return milliseconds(moment) if moment else 0


def arrival(found: Record, url: str, now: datetime, kind: str = "deals") -> Arrival:
    """A found object as a delivery shaped like a webhook's, so that reading it needs no second way."""
    at = changed(found, _STAMPS[kind])
    return delivered(
        {
            "subscriptionType": f"{_SINGULAR[kind]}.propertyChange",
            "subscriptionId": 0,  # no subscription has it, so a polled event never equals a pushed one
            "objectId": int(found["id"]),
            "occurredAt": at,
            "propertyName": _STAMPS[kind],
            "propertyValue": str(at),
            "changeSource": "POLL",
        },
        url,
        now,
    )


def _deletion(found: Record, url: str, now: datetime) -> Arrival:
    event: Event = {
        "subscriptionType": "deal.deletion",
        "subscriptionId": 0,
        "objectId": int(found["id"]),
        "occurredAt": _archived_at(found),
        "changeSource": "POLL",
    }
    return delivered(event, url, now)


def delivered(event: Event, url: str, now: datetime) -> Arrival:
    """One event as a delivery of its own."""
    headers = {"content-type": "application/json"}
    delivery = Delivery(headers=headers, body=encode([event]), url=url, received_at=now)
    return Arrival(event_ids=[event_id(event)], delivery=delivery)


Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The clock of a poll."""
    return datetime.now(UTC)
