"""The history: all objects made since a day, list by list, those that others refer to first.

Stripe lists newest first and knows no other order, so within one list the newest comes first. Objects made
while this goes on are not missed: their events are polled.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from connectors.stripe.client import Client, id_of
from connectors.stripe.events import Subject, arrival_about
from connectors.stripe.settings import Settings
from hub.sdk import Arrival, Invalid, Page, Record, encode

# What is listed, in order of reference.
STEPS: Sequence[tuple[str, str]] = (
    ("invoices", "invoice"),
    ("charges", "charge"),
    ("refunds", "refund"),
    ("disputes", "dispute"),
    ("payouts", "payout"),
)


class Place(NamedTuple):
    """Where a walk over the lists stands."""

    since: int  # epoch seconds: objects made before are not listed
    step: int = 0
    after: str = ""  # the last object that was seen of this list

    def __str__(self) -> str:
        return f"{self.since}|{self.step}|{self.after}"

    @classmethod
    def parse(cls, text: str) -> Place:
        """Raises Invalid for what is not a cursor of ours."""
        since, step, after = (*text.split("|"), "", "")[:3]
        if not (since.isdigit() and step.isdigit() and int(step) < len(STEPS)):
            raise Invalid(f"{text[:60]!r} is not a cursor of a walk over Stripe's lists; begin again")
        return cls(int(since), int(step), after)


def backfill(client: Client, settings: Settings, since: datetime, cursor: str | None) -> Page:
    """One page of a hundred objects at most, and where the next begins."""
    return walk(client, settings, Place.parse(cursor) if cursor else Place(int(since.timestamp())))


def walk(client: Client, settings: Settings, here: Place) -> Page:
    """The same from a place."""
    resource, object = STEPS[here.step]
    found = client.wire.page(f"/v1/{resource}", {"created": {"gte": here.since}}, after=here.after)
    arrivals = [_arrival(one, object, settings) for one in found.objects]
    there = Place(here.since, here.step + 1)
    if found.more:
        there = here._replace(after=id_of(found.objects[-1]))
    more = there.step < len(STEPS)
    return Page(arrivals, str(there) if more else None, more)


def _arrival(found: Record, object: str, settings: Settings) -> Arrival:
    """With a mark of its state: the same state is recognised as a repeat, another one is not."""
    mark = hashlib.blake2b(encode(found), digest_size=12).hexdigest()
    return arrival_about(
        Subject(object, id_of(found)),
        mark,
        livemode=settings.livemode,
        account=settings.account,
        url=f"{settings.base_url.rstrip('/')}/v1/events",
        now=datetime.now(UTC),
    )
