"""What a webhook body says: the id of its event, and which object it is about. No more of it is believed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from hub.sdk import Arrival, Delivery, Invalid, Record, encode

BODY_MAX = 1024 * 1024
OWN = "o2c.object"  # the type of what our own walks over lists bring
TYPES = (  # a list of events can be asked for twenty types at most
    "charge.captured",
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.dispute.funds_reinstated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.updated",
    "charge.failed",
    "charge.succeeded",
    "charge.updated",
    "invoice.finalized",
    "invoice.voided",
    "invoice_payment.paid",
    "payout.canceled",
    "payout.failed",
    "payout.paid",
    "payout.reconciliation_completed",
    "payout.updated",
    "refund.created",
    "refund.failed",
    "refund.updated",
)
OBJECTS = frozenset({"charge", "payment_intent", "invoice_payment", "refund", "dispute", "payout", "invoice"})
_ID = re.compile(r"[A-Za-z0-9_]{3,255}").fullmatch


class Subject(NamedTuple):
    """The object an event is about."""

    object: str
    id: str


class Event(NamedTuple):
    """An event of either kind: with a snapshot of its object (v1), or thin (v2)."""

    id: str
    type: str
    account: str  # the connected account it is of; empty: the endpoint's own
    livemode: bool | None
    subject: Subject | None  # None: about nothing of ours


def parse_event(body: bytes) -> Event:
    """The event of one request. Raises Invalid for anything that is no event of Stripe."""
    if len(body) > BODY_MAX:
        raise Invalid(f"a webhook body may have {BODY_MAX} bytes, this one has {len(body)}", field="body")
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Invalid(f"the body is not JSON in UTF-8: {error}", field="body") from None
    if not isinstance(told, dict) or told.get("object") not in ("event", "v2.core.event"):
        raise Invalid("the body is not an event of Stripe", field="object")
    return event_of(told)


def event_of(told: Mapping[str, Any]) -> Event:
    """An event from its JSON. Raises Invalid naming the field that is not what it must be."""
    id, kind, live = told.get("id"), told.get("type"), told.get("livemode")
    if not (isinstance(id, str) and _ID(id)):
        raise Invalid("the event has no id", field="id")
    if not isinstance(kind, str) or not kind:
        raise Invalid("the event has no type", field="type")
    if live is not None and not isinstance(live, bool):
        raise Invalid("livemode must be true or false", field="livemode")
    account = told.get("account") or told.get("context") or ""
    return Event(id, kind, str(account), live, _subject(told))


def _subject(told: Mapping[str, Any]) -> Subject | None:
    thin = told.get("object") == "v2.core.event"
    place = "related_object" if thin else "data.object"
    envelope = told.get("data")
    about = (
        told.get("related_object") if thin else envelope.get("object") if isinstance(envelope, dict) else 0
    )
    if thin and about is None:
        return None  # some thin events are about no object
    if not isinstance(about, dict):
        raise Invalid("the event does not say what it is about", field=place)
    object = str(about.get("type" if thin else "object") or "").rpartition(".")[2]
    if object not in OBJECTS:
        return None
    id = about.get("id")
    if not (isinstance(id, str) and _ID(id)):
        raise Invalid(f"{str(id)[:40]!r} is not an id of Stripe", field=f"{place}.id")
    return Subject(object, id)


def arrival_of(told: Record, account: str, url: str, now: datetime) -> Arrival:
    """An event of a list as a delivery, without the snapshot: with the id that its webhook has.

    A list is of one account, which its events do not name.
    """
    held = (told.get("data") or {}).get("object") or {}
    kept = {name: told.get(name) for name in ("id", "object", "type", "livemode", "api_version")}
    about = {"object": {"id": held.get("id"), "object": held.get("object")}}
    return _delivered(str(told["id"]), {**kept, "account": account or None, "data": about}, url, now)


def arrival_about(
    subject: Subject, mark: str, *, livemode: bool, account: str, url: str, now: datetime
) -> Arrival:
    """An object found in a list, as a delivery. `mark` tells one state of it from another."""
    id = f"o2c_{subject.id}_{mark}"[:255]
    body = {
        "id": id, "object": "event", "type": OWN, "account": account or None, "livemode": livemode,
        "data": {"object": {"id": subject.id, "object": subject.object}},
    }  # fmt: skip
    return _delivered(id, body, url, now)


def _delivered(event_id: str, body: Mapping[str, Any], url: str, now: datetime) -> Arrival:
    headers = {"content-type": "application/json"}
    return Arrival([event_id], Delivery(headers, encode(body), url, now))
