"""Delivers events to endpoints: signed, repeated for three days, and misbehaving where it is told to."""

from __future__ import annotations

import hashlib
import heapq
import hmac
import http.client
import json
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from sandbox.stripe.account import Account, Event, Thing, World
from sandbox.stripe.events import shown, thin

ANSWER_WITHIN = 10.0  # seconds a receiver has
KEPT_MAX = 100_000
WAITING_MAX = 1_000_000
# Live endpoints are tried for up to three days with growing gaps; here the gaps are fixed.
RETRIES = (60, 300, 1800, 7200, 18_000, 36_000, 43_200, 43_200, 43_200, 43_200)
MODES = ("normal", "duplicate", "reorder", "delay")


@dataclass
class Delivery:
    """One event on its way to one endpoint."""

    event: Event
    endpoint: str
    due: int
    attempt: int = 0


class Receipt(NamedTuple):
    """What came of one attempt; status None: no answer."""

    status: int | None
    event: str
    type: str
    endpoint: str
    attempt: int


def signature(secret: str, time: int, body: bytes) -> str:
    """The hex of `v1`. Source: Stripe documentation, verify signatures manually."""
    return hmac.new(secret.encode(), b"%d." % time + body, hashlib.sha256).hexdigest()


def wants(endpoint: Thing, type: str) -> bool:
    """Does an endpoint want events of this type?"""
    enabled = endpoint["enabled_events"]
    return endpoint["status"] == "enabled" and ("*" in enabled or type in enabled or f"v1.{type}" in enabled)


@dataclass
class Sender:
    """Everything on its way. Requests are made outside the lock; `auto`: by a thread as soon as due."""

    world: World
    platform: Account | None = None
    auto: bool = True
    retries: Sequence[int] = RETRIES
    mode: str = "normal"
    hold: int = 0  # seconds that mode `delay` keeps events back
    skew: int = 0  # seconds by which the sender's clock is ahead
    spoilt: bool = False  # sign with a wrong secret
    waiting: list[tuple[int, int, Delivery]] = field(default_factory=list)  # a heap by due time
    given_up: list[Delivery] = field(default_factory=list)
    delivered: deque[Delivery] = field(default_factory=lambda: deque(maxlen=KEPT_MAX))
    receipts: deque[Receipt] = field(default_factory=lambda: deque(maxlen=KEPT_MAX))
    _count: int = 0
    _running: bool = False

    def queue(self, account: Account, event: Event) -> None:
        """An event has happened: send it to all who want it."""
        assert self.platform is not None
        for owner in {account.id: account, self.platform.id: self.platform}.values():
            for kind in ("webhook_endpoint", "v2.core.event_destination"):
                for endpoint in owner.all(kind):
                    own = endpoint["_connect"] == (owner is not account)
                    if own and wants(endpoint, event.type):
                        event.waiting.add(endpoint["id"])
                        due = self.world.clock() + (self.hold if self.mode == "delay" else 0)
                        self._wait(Delivery(event, endpoint["id"], due))
        self.stir()

    def stir(self) -> None:
        """Start the thread where something is due and it is not at work."""
        if not self.auto or self._running or not self._due():
            return
        self._running = True
        threading.Thread(target=self._run, daemon=True, name="stripe-webhooks").start()

    def _run(self) -> None:
        while True:
            self.send_pending()
            with self.world.kit.lock:
                if not self.auto or not self._due():
                    self._running = False
                    return

    def _due(self) -> bool:
        return bool(self.waiting) and self.waiting[0][0] <= self.world.clock()

    def _wait(self, one: Delivery) -> None:
        if len(self.waiting) >= WAITING_MAX:
            raise RuntimeError(f"over {WAITING_MAX} deliveries wait; start a new sandbox")
        self._count += 1
        heapq.heappush(self.waiting, (one.due, self._count, one))

    def send_pending(self) -> list[Receipt]:
        """Send all that is due, once; failures wait for their next turn."""
        with self.world.kit.lock:
            due = []
            while self._due():
                due.append(heapq.heappop(self.waiting)[2])
            if self.mode == "reorder":
                due.reverse()
            copies = 2 if self.mode == "duplicate" else 1
        return [self._send(one) for one in due for _ in range(copies)]

    def resend(self, count: int = 1) -> list[Receipt]:
        """Deliver the last accepted ones once more."""
        with self.world.kit.lock:
            again = list(self.delivered)[-count:]
        return [self._send(one) for one in again]

    def send_again(self, event: Event, endpoint: str) -> Receipt:
        """Deliver one event once more, as from the dashboard."""
        return self._send(Delivery(event, endpoint, 0))

    def _send(self, one: Delivery) -> Receipt:
        with self.world.kit.lock:
            endpoint = self._endpoint(one.endpoint)
            target, body, headers = self.message(one.event, endpoint) if endpoint else ("", b"", {})
        status = posted(target, body, headers) if target else None
        receipt = Receipt(status, one.event.id, one.event.type, one.endpoint, one.attempt)
        with self.world.kit.lock:
            self.receipts.append(receipt)
            self._settle(one, status, gone=endpoint is None)
        return receipt

    def _endpoint(self, id: str) -> Thing | None:
        for account in self.world.accounts.values():
            found = account.things.get(id)
            if found and not found.get("deleted") and found["status"] == "enabled":
                return found
        return None

    def message(self, event: Event, endpoint: Thing) -> tuple[str, bytes, dict[str, str]]:
        """Address, body and headers of a delivery."""
        connected = bool(endpoint["_connect"])
        if endpoint["_thin"]:
            body: Any = thin(event, context=event.account if connected else None)
            if endpoint["event_payload"] == "snapshot":
                body = shown(event, endpoint["snapshot_api_version"] or "", connected=connected)
        else:
            body = shown(event, endpoint["api_version"] or "", connected=connected)
        raw = json.dumps(body, indent=2).encode()
        headers = {
            "content-type": "application/json; charset=utf-8",
            "stripe-signature": self.signed(endpoint, raw),
            "user-agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }
        return endpoint["_url"], raw, headers

    def signed(self, endpoint: Thing, body: bytes) -> str:
        """The header: one `v1` for each secret that is still good, and a `v0` that nobody may trust."""
        now = self.world.clock()
        time = now + self.skew
        secrets = [endpoint["_secret"], *(one for one, until in endpoint["_old_secrets"] if until > now)]
        if self.spoilt:
            secrets = ["whsec_spoilt"]
        parts = [f"v1={signature(one, time, body)}" for one in secrets]
        return ",".join((f"t={time}", *parts, f"v0={hashlib.sha256(body).hexdigest()}"))

    def _settle(self, one: Delivery, status: int | None, *, gone: bool) -> None:
        if gone or (status is not None and 200 <= status < 300):
            one.event.waiting.discard(one.endpoint)
            self.delivered.append(one)
        elif one.attempt < len(self.retries):
            one.event.failed = True
            due = self.world.clock() + self.retries[one.attempt]
            self._wait(Delivery(one.event, one.endpoint, due, one.attempt + 1))
        else:
            self.given_up.append(one)


def posted(target: str, body: bytes, headers: dict[str, str]) -> int | None:
    """POST it; the status of the answer, None where none came."""
    place = urlsplit(target)
    secure = place.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    path = place.path + (f"?{place.query}" if place.query else "")
    connection = kind(place.hostname or "", place.port, timeout=ANSWER_WITHIN)
    try:
        connection.request("POST", path or "/", body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
