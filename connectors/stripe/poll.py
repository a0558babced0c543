"""Catching up: Stripe's own list of events, and its lists of objects where the events are gone.

Events are kept for thirty days. A walk begins at the newest events and goes back once; after that each poll
asks for what is newer than an event it knows: one call where nothing is. That event is a minute older than
the newest one, because events may become visible a little late; repeats are recognised by their ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from connectors.stripe.answers import MISSING
from connectors.stripe.backfill import Place, walk
from connectors.stripe.client import Client, id_of
from connectors.stripe.events import OBJECTS, TYPES, arrival_of
from connectors.stripe.settings import Settings
from connectors.stripe.wire import Listed
from hub.sdk import Arrival, Invalid, Page, Record, Rejected

KEPT = int(timedelta(days=29).total_seconds())  # a day less than Stripe keeps events
LATE = 60  # seconds an event may become visible after a newer one
BEFORE = int(
    timedelta(days=120).total_seconds()
)  # how far back objects of before a gap may have changed in it


class Anchor(NamedTuple):
    """The event after which the next poll begins, and when it was made (epoch seconds)."""

    id: str = ""
    at: int = 0


class Cursor(NamedTuple):
    """Where the poll stands.

    back: going back from the newest events for the first time; `place` is the oldest one seen
    on: going on to newer ones; `place` is the newest one seen in this walk, empty: it begins at the anchor,
        where there is one
    gap: the events since the anchor are gone; `place` is where the walk over the lists of objects stands
    """

    step: str
    anchor: Anchor = Anchor()
    place: str = ""

    def __str__(self) -> str:
        return f"{self.step};{self.anchor.id};{self.anchor.at};{self.place}"

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Raises Invalid for what is not a cursor of ours."""
        parts = text.split(";")
        if len(parts) != 4 or parts[0] not in ("back", "on", "gap") or not parts[2].isdigit():
            raise Invalid(f"{text[:60]!r} is not a cursor of a Stripe poll; clear it to start again")
        return cls(parts[0], Anchor(parts[1], int(parts[2])), parts[3])


def poll(client: Client, settings: Settings, cursor: str | None) -> Page:
    """One bounded page of what is new."""
    here = Cursor.parse(cursor) if cursor else Cursor("back")
    now = datetime.now(UTC)
    if here.step == "gap":
        return _across(client, settings, here)
    if here.step == "back" or not here.anchor.id:
        return _back(client, settings, here, now)
    if here.anchor.id and here.anchor.at < int(now.timestamp()) - KEPT:
        return _into_gap(client, settings, here)
    try:
        return _on(client, settings, here, now)
    except Rejected as error:
        if error.code != MISSING:
            raise
        return _into_gap(client, settings, here)  # the event we know is gone: so are some after it


def _back(client: Client, settings: Settings, here: Cursor, now: datetime) -> Page:
    """The first walk. Events from before `poll_from` are not asked for."""
    since = settings.poll_from
    form: dict[str, Any] = {"types": list(TYPES)}
    if since is not None:
        form["created"] = {"gte": int(since.timestamp())}
    found = client.wire.page("/v1/events", form, after=here.place)
    anchor = here.anchor if here.anchor.id else _anchor(found.objects, here.anchor, now)
    arrivals = _arrivals(found, settings, now)
    if found.more:
        return Page(arrivals, str(Cursor("back", anchor, id_of(found.objects[-1]))), more=True)
    return Page(arrivals, str(Cursor("on", anchor)))


def _on(client: Client, settings: Settings, here: Cursor, now: datetime) -> Page:
    """What is newer than the event we know: `ending_before` gives the page next to it."""
    form = {"types": list(TYPES), "ending_before": here.place or here.anchor.id}
    found = client.wire.page("/v1/events", form)
    anchor = _anchor(found.objects, here.anchor, now)
    if found.more:
        return Page(
            _arrivals(found, settings, now), str(Cursor("on", anchor, id_of(found.objects[0]))), more=True
        )
    return Page(_arrivals(found, settings, now), str(Cursor("on", anchor)))


def _into_gap(client: Client, settings: Settings, here: Cursor) -> Page:
    begin = Place(max(here.anchor.at - BEFORE, 0))
    return _across(client, settings, here._replace(step="gap", place=str(begin)))


def _across(client: Client, settings: Settings, here: Cursor) -> Page:
    """The lists of objects, then the events that are still there from their newest on back."""
    page = walk(client, settings, Place.parse(here.place))
    if page.cursor is not None:
        return page._replace(cursor=str(here._replace(place=page.cursor)))
    return page._replace(cursor=str(Cursor("back")), more=True)


def _anchor(found: Sequence[Record], known: Anchor, now: datetime) -> Anchor:
    """The newest event that nothing older can still appear behind; the one known where there is none."""
    latest = int(now.timestamp()) - LATE
    if found:
        latest = max(latest, int(found[0]["created"]) - LATE)
    settled = next((one for one in found if int(one["created"]) <= latest), None)
    return Anchor(id_of(settled), int(settled["created"])) if settled else known


def _arrivals(found: Listed, settings: Settings, now: datetime) -> Sequence[Arrival]:
    """Oldest first; what is about no object of ours is left out."""
    url = f"{settings.base_url.rstrip('/')}/v1/events"
    return [arrival_of(one, settings.account, url, now) for one in reversed(found.objects) if _is_ours(one)]


def _is_ours(event: Record) -> bool:
    about = (event.get("data") or {}).get("object") or {}
    return about.get("object") in OBJECTS and bool(about.get("id"))
