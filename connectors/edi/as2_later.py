"""Receipts that a partner wants in a call of ours (asynchronous MDN): kept as acknowledgments, then posted.

They take the way of all that leaves: composed once, carried until it arrives, visible at the interchange.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from connectors.edi import as2, as2_mdn, as2_mime
from connectors.edi.as2 import Agreement, Opened
from connectors.edi.as2_mdn import Wish
from connectors.edi.settings import Settings
from hub.sdk import Change, Composed, ConnectorError, Delivery, Invalid, Record, Rejected, Write

MARK = "MDN-"  # begins the number of an envelope that is no X12
_TO = "receipt-delivery-option"
Draw = Callable[[str], int]
Composing = Callable[
    [Settings, Sequence[Write], Draw, datetime], tuple[Sequence[Composed], Mapping[int, ConnectorError]]
]


def allowed(settings: Settings, address: str) -> str:
    """The address of a receipt, if it is at the partner's own host.

    The header that names it is not signed: whoever can send it may not make us call anybody. Raises Invalid.
    """
    if not settings.as2_url or _origin(address) != _origin(settings.as2_url):
        raise Invalid(
            "a receipt is posted to the host of the partner's AS2 address only: ask for it there, or in the "
            "answer (synchronous)",
            field=_TO,
        )
    return address


def _origin(address: str) -> tuple[str, str, int | None]:
    try:
        parts = urlsplit(address)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return ("", address, None)
    return (parts.scheme, "" if parts.username or parts.password else parts.hostname or "", port)


def due(agreed: Agreement, delivery: Delivery, found: Opened) -> Change | None:
    """Our acknowledgment of level MDN for a message that wants its receipt later; None for others."""
    address = as2_mdn.wanted_later(delivery.headers)
    if found.is_report or not address:
        return None
    wanted = as2_mdn.wish(delivery.headers, found)
    told = {"about": wanted.about, "mic": wanted.mic, "is_signed": wanted.is_signed, "address": address}
    record = {
        "number": wanted.about, "direction": "out", "level": "MDN", "status": "accepted", "groups": [],
        "answer": {"mdn": told}, "received_at": delivery.received_at.isoformat(),
    }  # fmt: skip
    return Change("acknowledgment", f"our:{found.event_id}", record)


def compose(
    settings: Settings, writes: Sequence[Write], draw: Draw, at: datetime, others: Composing
) -> tuple[Sequence[Composed], Mapping[int, ConnectorError]]:
    """Envelopes for receipts, and by `others` for all that is X12."""
    receipts = [place for place, one in enumerate(writes) if _told(one.record) is not None]
    rest = [place for place in range(len(writes)) if place not in receipts]
    made, refused = others(settings, [writes[place] for place in rest], draw, at)
    composed = [
        one._replace(members={rest[place]: external for place, external in one.members.items()})
        for one in made
    ]
    failed = {rest[place]: error for place, error in refused.items()}
    for place in receipts:
        try:
            composed.append(_composed(settings, writes[place], place))
        except Invalid as error:
            failed[place] = Rejected(str(error), code="mdn", sent=False)
    return composed, failed


def _told(record: Record) -> Mapping[str, Any] | None:
    told = record.get("answer")
    return told["mdn"] if isinstance(told, Mapping) and isinstance(told.get("mdn"), Mapping) else None


def _composed(settings: Settings, write: Write, place: int) -> Composed:
    told, agreed = _told(write.record) or {}, as2.agreement(settings)
    address = allowed(settings, str(told["address"]))
    made = as2_mdn.given(agreed, Wish(str(told["about"]), str(told["mic"]), bool(told["is_signed"])))
    headers = {**made.headers, "Content-Type": made.content_type, _TO: address}
    body = as2_mime.made(headers, made.body)
    number = f"{MARK}{uuid4().hex[:24]}"
    fields = {
        "number": number, "direction": "out", "partner": "", "sender": f"AS2/{agreed.our_id}"[:40],
        "receiver": f"AS2/{agreed.partner_id}"[:40], "is_test": settings.usage == "T", "groups": [],
        "digest": hashlib.sha256(body).hexdigest(), "body": body.decode("latin-1"), "acknowledge_by": None,
        "answers": write.reference,
    }  # fmt: skip
    return Composed(fields, {place: number})


def unpacked(settings: Settings, body: bytes) -> tuple[str, Mapping[str, str], bytes]:
    """Address, headers and body of a receipt that was composed. Raises Invalid where it may not go there."""
    whole = as2_mime.part(body)
    headers = {name: value for name, value in whole.headers.items() if name != _TO}
    return allowed(settings, whole.headers.get(_TO, "")), headers, whole.body
