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


@dataclass(frozen=True, slots=True)
class Subscription:
    """What an app wants to hear of."""

    id: int
    event: str
    property: str = ""


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
    pending: list[dict[str, Any]] = field(default_factory=list)
    waiting: list[Batch] = field(default_factory=list)
    given_up: list[Batch] = field(default_factory=list)
    delivered: deque[Batch] = field(default_factory=lambda: deque(maxlen=KEPT_MAX))
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def announce(self, what: Happening) -> None:
        """Queue one event per subscription that it meets."""
        for one in self.subscriptions:
            if one.event == what.event and one.property in ("", what.facts.get("propertyName")):
                self.pending.append(self._event(one, what))

    def _event(self, one: Subscription, what: Happening) -> dict[str, Any]:
        about = {} if what.event.endswith("associationChange") else {"objectId": int(what.object_id)}
        return {
            "eventId": next(self._numbers),
            "subscriptionId": one.id,
            "portalId": self.portal_id,
            "appId": self.app_id,
            "occurredAt": int(what.at.timestamp() * 1000),
            "subscriptionType": what.event,
            "attemptNumber": 0,
            "changeSource": what.source,
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
        timestamp = str(int(self.now().timestamp() * 1000))
        headers = {
            "content-type": "application/json",
            "x-hubspot-request-timestamp": timestamp,
            "x-hubspot-signature-version": "v3",
            "x-hubspot-signature-v3": signed(self.secret, "POST", self.target, body, timestamp),
        }
        return posted(self.target, body, headers)

    def _settle(self, batch: Batch, status: int | None) -> None:
        if status is not None and 200 <= status < 300:
            self.delivered.append(batch)
        elif batch.attempt < len(self.retries):
            due = self.now() + timedelta(seconds=self.retries[batch.attempt])
            self.waiting.append(Batch(batch.events, due, batch.attempt + 1))
        else:
            self.given_up.append(batch)
