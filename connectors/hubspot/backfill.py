"""Walks the whole history from a day on: all deals, then all companies, a thousand objects a page.

A page's searches already bring every property that is wanted, so its objects are not read again: they travel
in the events. That makes about 30 calls per 1,000 deals with two lines each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from connectors.hubspot.client import Client
from connectors.hubspot.events import BACKFILL, Event
from connectors.hubspot.poll import CHANGED, PAGE, Cursor, changed, delivered, following, question
from hub.sdk import Arrival, Invalid, Page, RateLimited, Record

SEARCHES = 5  # a page: HubSpot answers five searches in a second
_KINDS = {"deals": "deal", "companies": "company"}

Wanted = Callable[[str], Sequence[str]]


class Place(NamedTuple):
    """Where the walk stands, and how many objects there were when it began."""

    kind: str
    cursor: Cursor
    total: int

    def __str__(self) -> str:
        return f"{self.kind}/{self.cursor}/{self.total}"

    @classmethod
    def parse(cls, text: str) -> Place:
        """Raises Invalid for what is not a cursor of ours."""
        kind, _, rest = text.partition("/")
        cursor, _, total = rest.partition("/")
        if kind not in _KINDS or not (total.isascii() and total.isdigit()):
            raise Invalid(f"{text[:60]!r} is not a cursor of a HubSpot backfill; begin it anew")
        return cls(kind, Cursor.parse(cursor), int(total))


class _Walked(NamedTuple):
    """What some searches brought, and where the next one begins."""

    found: dict[str, Record]
    cursor: Cursor
    more: bool
    wait_seconds: float = 0.0
    total: int = 0


def backfill(
    client: Client, wanted: Wanted, since: datetime, cursor: str | None, *, url: str, now: datetime
) -> Page:
    """One page of the walk. The same cursor brings the same objects, as long as nobody changes them."""
    here = Place.parse(cursor) if cursor else Place("deals", Cursor.start(since), 0)
    walked = _walk(client, wanted(here.kind), here)
    if not cursor:
        here = here._replace(total=walked.total + _count(client, "companies", since))
    arrivals = [_arrival(one, here.kind, url, now) for one in walked.found.values()]
    beyond, more = here._replace(cursor=walked.cursor), walked.more
    if not more and here.kind == "deals":
        beyond, more = Place("companies", Cursor.start(since), here.total), True
    return Page(arrivals, str(beyond), more, total=here.total, wait=walked.wait_seconds)


def _count(client: Client, kind: str, since: datetime) -> int:
    filters, sort = question(Cursor.start(since))
    return client.search(kind, [filters], sort, 1).total


def _walk(client: Client, properties: Sequence[str], here: Place) -> _Walked:
    """Up to five searches. A limit that stops them after the first keeps what there is."""
    walked = _Walked({}, here.cursor, more=True)
    for _ in range(SEARCHES):
        filters, sort = question(walked.cursor)
        try:
            page = client.search(here.kind, [filters], sort, PAGE, properties)
        except RateLimited as error:
            if not walked.found:
                raise
            return walked._replace(wait_seconds=error.retry_after or 1.0)
        beyond, more = following(walked.cursor, page.results)
        known = {**walked.found, **{str(one["id"]): one for one in page.results}}
        walked = _Walked(known, beyond, more, total=max(walked.total, page.total))
        if not more:
            break
    return walked


def _arrival(found: Record, kind: str, url: str, now: datetime) -> Arrival:
    event: Event = {
        "subscriptionType": f"{_KINDS[kind]}.backfill",
        "subscriptionId": 0,
        "objectId": int(found["id"]),
        "occurredAt": changed(found),
        "propertyName": CHANGED,
        "propertyValue": str(changed(found)),
        "changeSource": BACKFILL,
        "object": found,
    }
    return delivered(event, url, now)
