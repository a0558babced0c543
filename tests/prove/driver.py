"""The driver: an impatient sender with its own journal of what it sent and which answers it got.

It sends every delivery until it is answered 2xx, sends copies of it early and late, in any order, and knows
of each event whether it was acknowledged. It asks the hub nothing.
"""

from __future__ import annotations

import heapq
import http.client
import itertools
import json
import random
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from sandbox.hubspot.webhooks import signed

SENDERS = 8
ANSWER_SECONDS = 5.0  # HubSpot waits no longer either
PATIENCE = (0.1, 0.6)  # seconds until a delivery that was not answered 2xx is sent again


@dataclass
class Delivery:
    """Something to be sent, and what became of it."""

    path: str
    events: Sequence[Mapping[str, Any]] = ()  # of a webhook
    body: bytes = b""  # of a file
    headers: Mapping[str, str] = field(default_factory=dict)
    attempt: int = 0
    acked_at: float = 0.0  # first 2xx
    sent: int = 0


@dataclass
class Journal:
    """What was sent and what was answered."""

    deliveries: list[Delivery] = field(default_factory=list)
    answers: dict[str, int] = field(default_factory=dict)  # status, or `none`, to how often
    waits: list[float] = field(default_factory=list)  # seconds until a 2xx
    acked: dict[int, float] = field(default_factory=dict)  # event id to the time of its first 2xx
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, delivery: Delivery, status: int | None, began: float) -> bool:
        """Keep one answer; True for a 2xx."""
        ended = time.time()
        ok = status is not None and 200 <= status < 300
        with self.lock:
            name = str(status) if status is not None else "none"
            self.answers[name] = self.answers.get(name, 0) + 1
            delivery.sent += 1
            if ok:
                self.waits.append(ended - began)
                delivery.acked_at = delivery.acked_at or ended
                for event in delivery.events:
                    self.acked.setdefault(event["eventId"], ended)
        return ok


class Driver:
    """Sends from several threads."""

    def __init__(self, url: str, secret: str, seed: int, copies_max: int, late_seconds: float) -> None:
        self.url, self.secret = url, secret
        self.copies_max, self.late_seconds = copies_max, late_seconds
        self.journal = Journal()
        self.dice = random.Random(seed)
        self._queue: list[tuple[float, int, Delivery, bool]] = []
        self._order = itertools.count()
        self._busy = 0
        self._changed = threading.Condition()
        self._stopping = False
        self._threads = [
            threading.Thread(target=self._send, name="sender", daemon=True) for _ in range(SENDERS)
        ]
        for thread in self._threads:
            thread.start()

    def webhook(self, events: Sequence[Mapping[str, Any]], within: float = 1.0) -> Delivery:
        """Send events in one request, soon, and perhaps again."""
        return self._offer(Delivery("/webhooks/hubspot", events=events), within)

    def file(self, body: bytes, headers: Mapping[str, str]) -> Delivery:
        """Upload a file, soon, and perhaps again."""
        return self._offer(Delivery("/files/bank", body=body, headers=headers), 0.5)

    def _offer(self, delivery: Delivery, within: float) -> Delivery:
        with self.journal.lock:
            self.journal.deliveries.append(delivery)
        copies = self.dice.randint(1, self.copies_max)
        delays = [self.dice.uniform(0, within)]
        for _ in range(copies - 1):
            late = self.dice.random() < 0.2
            delays.append(self.dice.uniform(0, self.late_seconds if late else 3.0))
        with self._changed:
            for n, delay in enumerate(delays):
                self._push(time.monotonic() + delay, delivery, must=n == 0)
        return delivery

    def _push(self, due: float, delivery: Delivery, *, must: bool) -> None:
        heapq.heappush(self._queue, (due, next(self._order), delivery, must))
        self._changed.notify()

    def _send(self) -> None:
        while True:
            with self._changed:
                while not self._stopping and not (self._queue and self._queue[0][0] <= time.monotonic()):
                    wait = self._queue[0][0] - time.monotonic() if self._queue else 1.0
                    self._changed.wait(max(min(wait, 1.0), 0.001))
                if self._stopping:
                    return
                _, _, delivery, must = heapq.heappop(self._queue)
                attempt, delivery.attempt = delivery.attempt, delivery.attempt + 1
                self._busy += 1
            began = time.time()
            ok = self.journal.note(delivery, self._post(delivery, attempt), began)
            with self._changed:
                self._busy -= 1
                if must and not ok:  # a copy is not sent again: only the original is owed
                    self._push(time.monotonic() + self.dice.uniform(*PATIENCE), delivery, must=True)

    def _post(self, delivery: Delivery, attempt: int) -> int | None:
        address = self.url + delivery.path
        body, headers = delivery.body, dict(delivery.headers)
        if delivery.events:
            again = [{**event, "attemptNumber": attempt} for event in delivery.events]
            body = json.dumps(again, separators=(",", ":")).encode()
            stamp = str(int(time.time() * 1000))
            headers |= {
                "content-type": "application/json",
                "x-hubspot-request-timestamp": stamp,
                "x-hubspot-signature-v3": signed(self.secret, "POST", address, body, stamp),
            }
        return post(address, body, headers)

    def idle(self) -> bool:
        """Nothing is left to send."""
        with self._changed:
            return not self._queue and not self._busy

    def stop(self) -> None:
        """Send nothing more."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(ANSWER_SECONDS + 1)


def post(address: str, body: bytes, headers: Mapping[str, str]) -> int | None:
    """POST; the status, or None where no answer came in time."""
    parts = urlsplit(address)
    line = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=ANSWER_SECONDS)
    try:
        line.request("POST", parts.path, body, dict(headers))
        answer = line.getresponse()
        answer.read()
        return answer.status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        line.close()
