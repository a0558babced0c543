"""What a delivery names: an outbound message, or what our own poll, subscription or backfill found."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from connectors.salesforce import outbound
from connectors.salesforce.schema import ORDERS, PARENT
from connectors.salesforce.soql import record_id
from hub.sdk import Arrival, Delivery, Invalid, encode

BODY_MAX = 16 * 1024 * 1024
NAMED_MAX = 2_000
CONTENT_TYPE = {"content-type": "application/json"}
_PREFIXES = {"001": "Account", "003": "Contact", "006": "Opportunity", "801": "Order"}
_PREFIXES |= {"00k": "OpportunityLineItem", "802": "OrderItem"}
_KNOWN = frozenset({"Account", "Contact", *ORDERS.values(), *PARENT})


class Named(NamedTuple):
    """Something in Salesforce that may have changed."""

    sobject: str
    id: str  # 18 characters
    gone: bool = False  # the sender says that it was deleted


class Told(NamedTuple):
    """What a delivery says: records to read again, or whole rows that a backfill brought along."""

    named: tuple[Named, ...]
    rows: Mapping[str, Any] | None = None  # of a backfill: one record with all that belongs to it
    received_at: datetime | None = None  # by the hub's clock


def told(delivery: Delivery) -> Told:
    """What the delivery says. Raises Invalid for a body of neither form.

    Objects that are none of ours are left out: an org may send us any of them.
    """
    if delivery.body.removeprefix(codecs.BOM_UTF8).lstrip()[:1] == b"<":
        items = outbound.parse(delivery.body).items
        return Told(_ours((one.sobject, one.record_id, False) for one in items))
    body = _parsed(delivery.body)
    if isinstance(body.get("rows"), dict):
        return Told((), body["rows"], delivery.received_at)
    records = body.get("records")
    if not isinstance(records, list) or not 1 <= len(records) <= NAMED_MAX:
        raise Invalid(f"the body must name 1 to {NAMED_MAX} records", field="records")
    return Told(_ours(_mention(one, at) for at, one in enumerate(records)))


def _parsed(body: bytes) -> Mapping[str, Any]:
    if len(body) > BODY_MAX:
        raise Invalid(f"a delivery may have {BODY_MAX} bytes, this one has {len(body)}", field="body")
    try:
        found = json.loads(body, parse_float=Decimal)  # rows of a backfill carry amounts
    except (ValueError, ArithmeticError, RecursionError):
        raise Invalid("the body is neither XML nor JSON in UTF-8", field="body") from None
    if not isinstance(found, dict):
        raise Invalid("the body must be an object", field="body")
    return found


def _mention(one: Any, at: int) -> tuple[str, str, bool]:
    if not isinstance(one, dict) or not isinstance(one.get("object"), str):
        raise Invalid("a record must have object and id", field=f"records[{at}]")
    return one["object"], str(one.get("id")), one.get("deleted") is True


def _ours(mentions: Iterable[tuple[str, str, bool]]) -> tuple[Named, ...]:
    found: dict[Named, None] = {}
    for sobject, text, gone in mentions:
        id = record_id(text)
        kind = sobject or _PREFIXES.get(id[:3], "")
        if kind in _KNOWN:
            found[Named(kind, id, gone)] = None
    return tuple(found)


def notified(delivery: Delivery) -> tuple[str, list[str]]:
    """Organization id and the ids of the notifications of an outbound message. Raises Invalid."""
    message = outbound.parse(delivery.body)
    return message.org_id, list(dict.fromkeys(one.id for one in message.items))


def arrival(named: Iterable[Named], *, event: str, url: str, now: datetime) -> Arrival:
    """Records found changed, as a delivery; `event` is the same whenever the same change is found again."""
    body = encode({"records": [{"object": one.sobject, "id": one.id, "deleted": one.gone} for one in named]})
    return Arrival([event], Delivery(CONTENT_TYPE, body, url, now))
