"""One call to HubSpot: errors raised without secrets in them, some answers remembered."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connectors.hubspot.answers import batch_trouble, trouble
from hub.sdk import Door, RateLimited, Record, Rejected, Reply, Transient

KEPT = 60.0  # seconds that account and pipelines are remembered: calls are scarce, these hardly ever change
LONG_KEPT = 600.0  # owners and association types, which change even less
WARY_SECONDS = 60.0  # how long after a refusal the headers that tell what is left are heeded
_GONE = (404, "OBJECT_NOT_FOUND")


class Wire:
    """Calls in one dated version of HubSpot's API. Raises ConnectorError for every answer that is no 2xx."""

    def __init__(self, door: Door, version: str, secrets: Callable[[], Sequence[str]]) -> None:
        self.version = version
        self._door = door
        self._secrets = secrets
        self._known: dict[str, tuple[float, Record]] = {}
        self._zone: tzinfo | None = None  # until the account was asked
        self._wary_until = 0.0
        self._empty_until = 0.0

    def get(self, path: str, params: Mapping[str, str] | None = None, *, kept: float = 0.0) -> Record:
        """GET. An answer that is younger than `kept` seconds is not asked for again."""
        until, known = self._known.get(path, (0.0, {}))
        if kept and time.monotonic() < until:
            return known
        answer = told(self.call("GET", path, params=params))
        if kept:
            self.keep(path, answer, kept)
        return answer

    def keep(self, path: str, answer: Record, kept: float) -> None:
        """Answer a GET of this path with it for so many seconds."""
        now = time.monotonic()
        for old in [one for one, (until, _) in tuple(self._known.items()) if until < now]:
            self._known.pop(old, None)  # pages of owners have other addresses every time
        self._known[path] = (now + kept, answer)

    def forget(self, path: str) -> None:
        """Ask anew next time."""
        self._known.pop(path, None)

    def post(self, path: str, body: Record, params: Mapping[str, str] | None = None) -> Record:
        """POST of what only reads, or whose repeat changes nothing."""
        return told(self.call("POST", path, json=body, params=params, idempotent=True))

    def batch_read(self, path: str, body: Record) -> Record:
        """POST of a batch that reads. What does not exist is left out of the results."""
        try:
            answer = self.post(path, body)
        except Rejected as error:
            if (error.status, error.code) != _GONE:
                raise
            return {"results": []}  # none of the objects exists; any other 404 is a wrong address
        failed = batch_trouble(answer)
        if failed is not None:
            raise failed
        return answer

    def call(self, method: str, path: str, **options: Any) -> Reply:
        """Any call. Raises RateLimited without one while HubSpot's own headers say that nothing is left."""
        self._hold_back()
        reply = self._door.call(method, path, **options)
        if not reply.ok:
            reply = replace(reply, body=self._redacted(reply.body))
        self._note(reply)
        error = trouble(reply, self._zone)
        if error is not None:
            raise error
        return reply

    def in_zone(self, name: object) -> None:
        """Take note of the account's time zone: the daily allowance ends at midnight there."""
        try:
            self._zone = ZoneInfo(str(name))
        except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a name that is a folder
            self._zone = None

    def _redacted(self, body: bytes) -> bytes:
        """A proxy's error page may echo our headers."""
        for secret in self._secrets():
            body = body.replace(secret.encode(), b"***")
        return body

    def _hold_back(self) -> None:
        wait = self._empty_until - time.monotonic()
        if wait > 0:
            text = "HubSpot said that no call is left in this interval"
            raise RateLimited(text, code="TEN_SECONDLY_ROLLING", retry_after=wait, sent=False)

    def _note(self, reply: Reply) -> None:
        """After a refusal, stop at the last call that is left instead of running into the wall again."""
        now = time.monotonic()
        if reply.status == 429:
            self._wary_until = now + WARY_SECONDS
            return
        left = reply.headers.get("x-hubspot-ratelimit-remaining")
        interval = reply.headers.get("x-hubspot-ratelimit-interval-milliseconds", "")
        if left == "0" and now < self._wary_until and interval.isdigit():
            wait = min(int(interval), 60_000) / 1000
            self._empty_until = now + wait

    def close(self) -> None:
        """Give the sockets back."""
        self._door.close()


def told(reply: Reply) -> Record:
    """The object that a 2xx consists of. Raises Transient where it is something else."""
    answer = reply.json()
    if not isinstance(answer, dict):
        raise Transient("HubSpot's answer is not a JSON object", status=reply.status, code="bad_answer")
    return answer
