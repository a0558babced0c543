"""What a webhook body says: its events, a stable id for each, and which objects they are about."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from hub.sdk import Delivery, Invalid, Record

EVENTS_MAX = 100  # HubSpot sends at most 100 events in one request
BODY_MAX = 1024 * 1024

BACKFILL = "BACKFILL"  # the change source of what our own backfill brings

Event = dict[str, Any]

# What makes two events the same. attemptNumber counts redeliveries and eventId is documented as not unique,
# so neither belongs here; association and merge events carry no property but name other objects.
_IDENTITY = (
    "subscriptionId",
    "objectId",
    "occurredAt",
    "subscriptionType",
    "propertyName",
    "propertyValue",
    "objectTypeId",
    "associationType",
    "fromObjectId",
    "toObjectId",
    "associationRemoved",
    "primaryObjectId",
    "mergedObjectIds",
    "newObjectId",
)
# HubSpot's object type ids: developers.hubspot.com, "object type IDs".
_TYPES = {
    "deal": "deals",
    "company": "companies",
    "line_item": "line_items",
    "contact": "contacts",
    "0-3": "deals",
    "0-2": "companies",
    "0-8": "line_items",
    "0-1": "contacts",
}


class Subjects(NamedTuple):
    """Ids of the objects that events are about, each once, in order of first mention."""

    deals: Sequence[str]
    companies: Sequence[str]
    line_items: Sequence[str]
    contacts: Sequence[str]


Named = tuple[str, str]  # object type and id


class Carried(NamedTuple):
    """An object that a backfill found by search, and when it came in: it need not be read again."""

    record: Record
    received_at: datetime  # by the hub's clock, which all other times of reading are told by


class Asked(NamedTuple):
    """What one delivery wants to be read."""

    named: Subjects
    merged: Mapping[Named, str]  # what was merged away, and what took its place
    carried: Mapping[Named, Carried]


def asked(delivery: Delivery) -> Asked:
    """What a webhook body or a page of our own walks is about. Raises Invalid."""
    events = parse_events(delivery.body)
    return Asked(subjects(events), dict(merges(events)), dict(carried(events, delivery.received_at)))


def parse_events(body: bytes) -> list[Event]:
    """The events of one request. Raises Invalid for anything but an array of 1 to 100 objects."""
    if len(body) > BODY_MAX:
        raise Invalid(f"a webhook body may have {BODY_MAX} bytes, this one has {len(body)}", field="body")
    try:
        events = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Invalid(f"the body is not JSON in UTF-8: {error}", field="body") from None
    if not isinstance(events, list) or not 1 <= len(events) <= EVENTS_MAX:
        raise Invalid(f"the body must be an array of 1 to {EVENTS_MAX} events", field="body")
    for at, event in enumerate(events):
        if not isinstance(event, dict) or not isinstance(event.get("subscriptionType"), str):
            raise Invalid("an event must be an object with a subscriptionType", field=f"[{at}]")
    return events


def event_id(event: Event) -> str:
    """The same for every delivery of one event, different for any two events."""
    seen = event.get
    identity = orjson.dumps([seen(name) for name in _IDENTITY])
    return hashlib.blake2b(identity, digest_size=16).hexdigest()


def subjects(events: Iterable[Event]) -> Subjects:
    """Which objects to read again. Events about other object types are none of our business.

    Raises Invalid where an event of ours names no object.
    """
    found: dict[str, dict[str, None]] = {
        name: {} for name in ("deals", "companies", "line_items", "contacts")
    }
    for at, event in enumerate(events):
        ours, named = _type_of(event), list(_named(event))
        if ours and not named:
            raise Invalid("the event names no object: objectId is missing", field=f"[{at}].objectId")
        for kind, value in named:
            found[kind][_object_id(value, at)] = None
    return Subjects(**{kind: tuple(ids) for kind, ids in found.items()})


def merges(events: Iterable[Event]) -> Iterator[tuple[Named, str]]:
    """Objects that were merged away. Deals give way to a new one, companies to the primary one."""
    for at, event in enumerate(events):
        kind, gone = _type_of(event), event.get("mergedObjectIds")
        survivor = event.get("newObjectId") or event.get("primaryObjectId")
        if kind and survivor is not None and isinstance(gone, list):
            into = _object_id(survivor, at)
            for one in (*gone, event.get("primaryObjectId")):
                if one is not None and (old := _object_id(one, at)) != into:
                    yield (kind, old), into


def carried(events: Iterable[Event], received_at: datetime) -> Iterator[tuple[Named, Carried]]:
    """Objects that a backfill put into its events. Raises Invalid for one that is not what it says."""
    for at, event in enumerate(events):
        kind, held = _type_of(event), event.get("object")
        if not kind or event.get("changeSource") != BACKFILL or held is None:
            continue
        if not isinstance(held, dict) or not isinstance(held.get("properties"), dict):
            raise Invalid("the object of a backfill has no properties", field=f"[{at}].object")
        id = _object_id(event.get("objectId"), at)
        if str(held.get("id")) != id:
            raise Invalid("the object of a backfill is another one", field=f"[{at}].object.id")
        yield (kind, id), Carried(held, received_at)


def _type_of(event: Event) -> str | None:
    prefix = str(event["subscriptionType"]).partition(".")[0]
    return _TYPES.get(str(event.get("objectTypeId")) if prefix == "object" else prefix)


def _named(event: Event) -> Iterator[tuple[str, Any]]:
    kind = _type_of(event)
    merged = event.get("mergedObjectIds")
    if kind:
        own = (event.get("objectId"), event.get("primaryObjectId"), event.get("newObjectId"))
        yield from ((kind, value) for value in own if value is not None)
        yield from ((kind, value) for value in (merged if isinstance(merged, list) else ()))
    if kind and event.get("fromObjectId") is not None:
        yield from _ends(kind, event)


def _ends(kind: str, event: Event) -> Iterator[tuple[str, Any]]:
    """Both ends of an association event: DEAL_TO_COMPANY, or type ids in the generic form.

    HubSpot sends one event per side; an end it does not name by a known type is the subscribed one.
    """
    left, _, right = str(event.get("associationType", "")).lower().partition("_to_")
    yield _TYPES.get(str(event.get("fromObjectTypeId", left)), kind), event["fromObjectId"]
    far = _TYPES.get(str(event.get("toObjectTypeId", right)))
    if far and event.get("toObjectId") is not None:
        yield far, event["toObjectId"]


def _object_id(value: Any, at: int) -> str:
    text = str(value)
    if isinstance(value, int | str) and text.isascii() and text.isdigit() and len(text) <= 20:
        return text
    raise Invalid(f"{text[:40]!r} is not an object id: HubSpot's ids are digits", field=f"[{at}].objectId")
