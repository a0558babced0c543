"""Events: kept for 30 days, listed newest first, shown in their own version or in an endpoint's."""

from __future__ import annotations

from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from sandbox.stripe.account import Account, Event, Thing, unpacked
from sandbox.stripe.calls import Call, Op
from sandbox.stripe.clock import DAY
from sandbox.stripe.fields import BOOLEAN, EXPAND, PAGE, SPAN, TEXT, many
from sandbox.stripe.listing import page, within
from sandbox.stripe.refusals import invalid, missing
from sandbox.stripe.shapes import rendered

KEPT = 30 * DAY
TYPES_MAX = 20


def shown(event: Event, version: str = "", *, connected: bool = False) -> Thing:
    """The event in a version; `connected`: told to the platform about an account of somebody else."""
    version = version or event.api_version
    after = rendered(unpacked(event.after), version)
    told: Thing = {"object": after}
    if event.before is not None:
        told["previous_attributes"] = _previous(rendered(unpacked(event.before), version), after)
    return {
        "id": event.id,
        "object": "event",
        **({"account": event.account} if connected else {}),
        "api_version": version,
        "created": event.created,
        "data": told,
        "livemode": False,
        "pending_webhooks": len(event.waiting),
        "request": event.request,
        "type": event.type,
    }


def _previous(before: Any, after: Any) -> Thing:
    """The values that have changed; within hashes only the changed keys, lists as they were."""
    found: Thing = {}
    for name, value in before.items():
        new = after.get(name)
        if value != new:
            nested = isinstance(value, dict) and isinstance(new, dict)
            found[name] = _previous(value, new) if nested else value
    return found | {name: None for name in after if name not in before}


def thin(event: Event, *, context: str | None = None) -> Thing:
    """The event as the v2 API tells it: what it is about, not how that looks."""
    kind, id = event.about
    made = datetime.fromtimestamp(event.created, UTC)
    told: Thing = {
        "id": event.id,
        "object": "v2.core.event",
        "context": context,
        "created": f"{made:%Y-%m-%dT%H:%M:%S.000Z}",
        "livemode": False,
        "reason": {"type": "request", "request": event.request} if event.request["id"] else None,
        "related_object": {"id": id, "type": kind, "url": address(kind, id)},
        "snapshot_event": event.id,
        "type": f"v1.{event.type}",
    }
    return told


def address(kind: str, id: str) -> str:
    """Where an object is read."""
    return f"/v1/{_PLURALS.get(kind, kind + 's')}/{id}"


_PLURALS = {"balance": "balance"}


def forget_old(account: Account) -> None:
    """Events are kept for 30 days."""
    end = account.now() - KEPT
    for id in account.shelves["event"].drop_oldest(lambda one: account.events[one].created < end):
        del account.events[id]


def _wanted(event: Event, given: dict[str, Any]) -> bool:
    types = given.get("types") or ([given["type"]] if given.get("type") else [])
    if types and not any(fnmatchcase(event.type, one) for one in types):
        return False
    delivered = given.get("delivery_success")
    if delivered is not None and delivered != (not event.failed):
        return False
    return within(given.get("created"), event.created)


def _list(call: Call) -> Thing:
    account, given = call.account, call.given
    if given.get("type") and given.get("types"):
        raise invalid("You may only specify one of these parameters: type, types.", "type")
    if len(given.get("types") or ()) > TYPES_MAX:
        raise invalid(f"You may specify at most {TYPES_MAX} types.", "types")
    forget_old(account)
    found = page(
        *(account, "event", given, "/v1/events"),
        fits=lambda one: _wanted(one, given),
        look=account.events.__getitem__,
    )
    return found | {"data": [shown(one) for one in found["data"]]}


def event_of(account: Account, id: str) -> Event:
    """The event. Raises Refused once it is forgotten."""
    forget_old(account)
    if id not in account.events:
        raise missing("event", id)
    return account.events[id]


OPERATIONS = (
    Op(
        *("GET", "/v1/events", _list),
        {**PAGE, "created": SPAN, "delivery_success": BOOLEAN, "type": TEXT, "types": many(TEXT)},
    ),
    Op("GET", "/v1/events/{}", lambda call: shown(event_of(call.account, call.ids[0])), EXPAND),
    Op("GET", "/v2/core/events/{}", lambda call: thin(event_of(call.account, call.ids[0])), raw=True),
)
