"""Catching up: walks all deals by time of last change, one bounded search per step, and never skips one.

Every search starts at a key (keyset paging) instead of an offset, because a deal that changes while we page
moves to the end and shifts all offsets, and because HubSpot answers no offset above 10,000.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from connectors.hubspot.events import Event, event_id
from connectors.hubspot.translate import milliseconds, revision
from hub.sdk import Arrival, Delivery, Invalid, Record, Transient, encode

PAGE = 200  # HubSpot's search gives at most 200 per page
LOOK_BACK = int(timedelta(minutes=5).total_seconds() * 1000)  # the search index lags behind writes
CHANGED = "hs_lastmodifieddate"
_STEPS = ("idle", "from", "tied", "past")


class Cursor(NamedTuple):
    """Where the walk stands: `at` in milliseconds since 1970, and how to go on from there.

    idle: the last walk ended at `at`; the next one starts a look-back earlier
    from: deals changed at or after `at`
    tied: over one page shares the instant `at` (a bulk edit); deals of it with a higher id
    past: all deals of the instant `at` were seen; deals changed after it
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
        if step not in _STEPS or not (at.isdigit() and id.isdigit()):
            raise Invalid(f"{text[:60]!r} is not a cursor of a HubSpot poll; clear it to start again")
        return cls(step, int(at), int(id))

    @classmethod
    def start(cls, at: datetime | None) -> Cursor:
        """From the beginning of time, or from an instant."""
        return cls("from", milliseconds(at) if at else 0)


def question(cursor: Cursor) -> tuple[Sequence[Mapping[str, str]], str]:
    """The search's filters and its sort."""
    if cursor.step == "tied":
        return [_filter(CHANGED, "EQ", cursor.at), _filter("hs_object_id", "GT", cursor.id)], "hs_object_id"
    if cursor.step == "idle":
        return [_filter(CHANGED, "GTE", max(cursor.at - LOOK_BACK, 0))], CHANGED
    return [_filter(CHANGED, "GT" if cursor.step == "past" else "GTE", cursor.at)], CHANGED


def _filter(name: str, operator: str, value: int) -> Mapping[str, str]:
    return {"propertyName": name, "operator": operator, "value": str(value)}


def following(cursor: Cursor, deals: Sequence[Record]) -> tuple[Cursor, bool]:
    """The next cursor, and whether to go on at once. A full page always moves the cursor.

    Raises Transient for a page that is not in order.
    """
    tied, full = cursor.step == "tied", len(deals) >= PAGE
    keys = [int(deal["id"]) if tied else changed(deal) for deal in deals]
    if keys != sorted(keys):  # going on from the last one would skip some
        raise Transient("HubSpot's search did not sort its answer", code="bad_answer")
    if tied:
        return (Cursor("tied", cursor.at, keys[-1]) if full else Cursor("past", cursor.at)), True
    last = max(keys, default=cursor.at)
    if not full:
        return Cursor("idle", max(last, cursor.at)), False
    return Cursor("tied" if keys[0] == last else "from", last), True


def changed(deal: Record) -> int:
    """Milliseconds since 1970 of the deal's last change; 0 where HubSpot tells none."""
    moment = revision(deal)
    return milliseconds(moment) if moment else 0


def arrival(deal: Record, url: str, now: datetime) -> Arrival:
    """A found deal as a delivery shaped like a webhook's, so that reading it needs no second way."""
    event: Event = {
        "subscriptionType": "deal.propertyChange",
        "subscriptionId": 0,  # no subscription has it, so a polled event never equals a pushed one
        "objectId": int(deal["id"]),
        "occurredAt": changed(deal),
        "propertyName": CHANGED,
        "propertyValue": str(changed(deal)),
        "changeSource": "POLL",
    }
    delivery = Delivery(
        headers={"content-type": "application/json"}, body=encode([event]), url=url, received_at=now
    )
    return Arrival(event_ids=[event_id(event)], delivery=delivery)
