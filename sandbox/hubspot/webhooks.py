"""The webhook sender: subscriptions, events in signed batches, redelivery, and misbehaviour on demand."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import itertools
import json
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sandbox.hubspot.portal import Happening
from sandbox.kit import Kit

BATCH_MAX = 100
ANSWER_WITHIN = 5.0  # seconds a receiver has
KEPT_MAX = 10_000
# HubSpot retries up to ten times over a day, at random; here the gaps are fixed so that runs repeat exactly.
RETRIES = (60.0, 120.0, 300.0, 900.0, 1800.0, 3600.0, 7200.0, 14400.0, 21600.0, 28800.0)
MODES = ("normal", "duplicate", "reorder", "delay")
_UNESCAPED = [":", "/", "?", "@", "!", "$", "'", "(", ")", "*", ",", ";"]
SIGNATURES = ("v1", "v2", "v3")
SUBSCRIPTIONS_MAX = 1000
# The enum `eventType` of the webhooks specification, for the objects this account has.
_HAPPENINGS = ("creation", "deletion", "propertyChange", "merge", "restore", "associationChange")
EVENTS = frozenset(
    f"{kind}.{happening}"
    for kind in ("contact", "company", "deal", "line_item", "product", "object")
    for happening in _HAPPENINGS
    if (kind, happening) != ("product", "associationChange")
)
_SILENT = frozenset({"hs_lastmodifieddate", "num_unique_conversion_events"})  # nobody can subscribe to these


@dataclass(frozen=True, slots=True)
class Subscription:
    """What an app wants to hear of; generic `object.*` events name the type by its id."""

    id: int
    event: str
    property: str = ""
    type_id: str = ""

    def meets(self, what: Happening) -> bool:
        """Is this what the subscription is about?"""
        if self.property not in ("", what.facts.get("propertyName")):
            return False
        kind, _, happening = self.event.partition(".")
        if kind != "object":
            return self.event == what.event
        return what.event.endswith(f".{happening}") and self.type_id in ("", what.type_id)


def subscriptions() -> list[Subscription]:
    """What the hub's set-up guide asks an admin to subscribe to."""
    plain = (
        "deal.creation deal.deletion deal.restore deal.associationChange company.creation company.deletion"
    )
    watched = {
        "deal": "dealstage pipeline amount dealname closedate deal_currency_code po_number payment_terms",
        "company": "name domain address city state zip country payment_terms o2c_credit_limit",
        "line_item": "quantity price discount hs_discount_percentage hs_sku name o2c_tax_percent",
    }
    changes = [(f"{kind}.propertyChange", name) for kind, names in watched.items() for name in names.split()]
    wanted = [*((event, "") for event in plain.split()), *changes]
    return [Subscription(8_600_001 + at, event, name) for at, (event, name) in enumerate(wanted)]


def signed(secret: str, method: str, address: str, body: bytes, timestamp: str) -> str:
    """X-HubSpot-Signature-v3 (docs, "validating requests"): base64 of the HMAC-SHA256 of four parts."""
    for char in _UNESCAPED:
        address = address.replace(f"%{ord(char):02X}", char)
    text = b"".join((method.encode("utf-8"), address.encode("utf-8"), body, timestamp.encode("utf-8")))
    return base64.standard_b64encode(hmac.new(secret.encode("utf-8"), text, hashlib.sha256).digest()).decode()


def plain_signature(secret: str, version: str, method: str, address: str, body: bytes) -> str:
    """X-HubSpot-Signature of the older versions: a plain SHA-256, v1 of secret and body, v2 of all."""
    parts = [secret.encode(), body] if version == "v1" else [secret.encode(), method.encode()]
    if version != "v1":
        parts += [address.encode("utf-8"), body]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def posted(address: str, body: bytes, headers: dict[str, str]) -> int | None:
    """POST to the address exactly as written; the status, or None where no answer came in time."""
    parts = urlsplit(address)
    connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = connect(parts.hostname or "", parts.port, timeout=ANSWER_WITHIN)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


@dataclass
class Batch:
    """Events that travel in one request."""

    events: list[dict[str, Any]]
    due: datetime
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class Receipt:
    """What came of sending one batch; status None: no answer."""

    status: int | None
    events: Sequence[dict[str, Any]]
    attempt: int


@dataclass
class Sender:
    """Sends what the account announces to one target URL. Requests are made outside the lock."""

    kit: Kit
    now: Callable[[], datetime]
    secret: str
    portal_id: int
    target: str = ""
    app_id: int = 4_410_021
    subscriptions: list[Subscription] = field(default_factory=subscriptions)
    retries: Sequence[float] = RETRIES
    mode: str = "normal"
    hold: float = 0.0  # seconds that mode `delay` keeps events back
    signatures: Sequence[str] = ("v3",)  # also v2 or v1, as the account's settings have it
    spoilt: bool = False  # sign with a wrong secret
    pending: list[dict[str, Any]] = field(default_factory=list)
    waiting: list[Batch] = field(default_factory=list)
    given_up: list[Batch] = field(default_factory=list)
    delivered: deque[Batch] = field(default_factory=lambda: deque(maxlen=KEPT_MAX))
    listening: bool = True  # False: nothing is announced, as for an account without webhooks
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def announce(self, what: Happening) -> None:
        """Queue one event per subscription that it meets."""
        if not self.listening:
            return
        for one in self.subscriptions:
            if one.meets(what):
                self.pending.append(self._event(one, what))

    def subscribe(self, event: str, property: str = "", type_id: str = "") -> Subscription:
        """One more subscription. Raises ValueError for an event or a property nobody can subscribe to."""
        if event not in EVENTS:
            raise ValueError(f"{event} is no event: one of {', '.join(sorted(EVENTS))}")
        if property in _SILENT or (property and not event.endswith("propertyChange")):
            raise ValueError(f"{event} of {property} cannot be subscribed to")
        if len(self.subscriptions) >= SUBSCRIPTIONS_MAX:
            raise ValueError(f"an app has at most {SUBSCRIPTIONS_MAX} subscriptions")
        highest = max((one.id for one in self.subscriptions), default=8_600_000)
        one = Subscription(highest + 1, event, property, type_id)
        self.subscriptions.append(one)
        return one

    def _event(self, one: Subscription, what: Happening) -> dict[str, Any]:
        about: dict[str, Any] = {}
        if not what.event.endswith("associationChange"):
            about["objectId"] = int(what.object_id)
        if one.event.startswith("object."):
            about["objectTypeId"] = what.type_id
        return {
            "eventId": next(self._numbers),
            "subscriptionId": one.id,
            "portalId": self.portal_id,
            "appId": self.app_id,
            "occurredAt": int(what.at.timestamp() * 1000),
            "subscriptionType": one.event,
            "attemptNumber": 0,
            "changeSource": what.source,
            "sourceId": f"appId:{self.app_id}" if what.source == "INTEGRATION" else "userId:30001",
            **about,
            **what.facts,
        }

    def send_pending(self) -> list[Receipt]:
        """Send all that is due, once; failures wait for their next turn."""
        with self.kit.lock:
            self._pack()
            due = [batch for batch in self.waiting if batch.due <= self.now()]
            self.waiting = [batch for batch in self.waiting if batch.due > self.now()]
            copies = 2 if self.mode == "duplicate" else 1
        return self._send(batch for batch in due for _ in range(copies))

    def _pack(self) -> None:
        events, self.pending = self.pending, []
        if self.mode == "reorder":
            events.reverse()
        due = self.now() + timedelta(seconds=self.hold if self.mode == "delay" else 0.0)
        for start in range(0, len(events), BATCH_MAX):
            self.waiting.append(Batch(events[start : start + BATCH_MAX], due))

    def deliver_reversed(self) -> list[Receipt]:
        """Send every pending event in a request of its own, the last one first."""
        with self.kit.lock:
            events, self.pending = self.pending, []
            alone = [Batch([event], self.now()) for event in reversed(events)]
        return self._send(alone)

    def resend(self, count: int = 1) -> list[Receipt]:
        """Deliver the last batches once more although they were accepted: at-least-once in action."""
        with self.kit.lock:
            again = [Batch(one.events, self.now(), one.attempt + 1) for one in list(self.delivered)[-count:]]
        return self._send(again)

    def run(self, stop: threading.Event, every: float) -> None:
        """Send what is due again and again, until told to stop."""
        while not stop.wait(every):
            self.send_pending()

    def _send(self, batches: Iterable[Batch]) -> list[Receipt]:
        receipts = []
        for batch in batches:
            status = self._post(batch) if self.target else None
            receipts.append(Receipt(status, batch.events, batch.attempt))
            with self.kit.lock:
                self._settle(batch, status)
        return receipts

    def _post(self, batch: Batch) -> int | None:
        events = [{**event, "attemptNumber": batch.attempt} for event in batch.events]
        body = json.dumps(events, separators=(",", ":")).encode()
        return posted(self.target, body, {"content-type": "application/json", **self.signed(body)})

    def signed(self, body: bytes) -> dict[str, str]:
        """The headers that prove the sender, in every version that is switched on."""
        secret = self.secret if not self.spoilt else f"not {self.secret}"
        headers = {"x-hubspot-signature-version": self.signatures[0]}
        for version in self.signatures:
            if version == "v3":
                timestamp = str(int(self.now().timestamp() * 1000))
                headers["x-hubspot-request-timestamp"] = timestamp
                headers["x-hubspot-signature-v3"] = signed(secret, "POST", self.target, body, timestamp)
            else:
                plain = plain_signature(secret, version, "POST", self.target, body)
                headers["x-hubspot-signature"] = plain
        return headers

    def _settle(self, batch: Batch, status: int | None) -> None:
        if status is not None and 200 <= status < 300:
            self.delivered.append(batch)
        elif batch.attempt < len(self.retries):
            due = self.now() + timedelta(seconds=self.retries[batch.attempt])
            self.waiting.append(Batch(batch.events, due, batch.attempt + 1))
        else:
            self.given_up.append(batch)
