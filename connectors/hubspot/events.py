"""What a webhook body says: its events, a stable id for each, and which objects they are about."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import orjson

from hub.sdk import Invalid

EVENTS_MAX = 100  # HubSpot sends at most 100 events in one request
BODY_MAX = 1024 * 1024

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
