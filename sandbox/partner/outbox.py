"""Carrying files to the hub: HTTP with its upload key, again where it was not taken."""

from __future__ import annotations

import http.client
import os
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from sandbox.partner.hearing import Sent
from sandbox.partner.world import How, Pending, World

TIMEOUT_SECONDS = 15.0
TOLD_MAX = 65_536


class Line(Protocol):
    """A way to the hub."""

    def carry(self, sent: Sent) -> tuple[int, str]:
        """Hand over the bytes; status and text of the answer, 0 and why where there was none."""


class Http:
    """POST to the hub's upload door."""

    def __init__(self, url: str, key: str) -> None:
        self.url, self.key = url, key

    def carry(self, sent: Sent) -> tuple[int, str]:
        """See Line."""
        headers = {"authorization": f"Bearer {self.key}", "content-type": "application/edi-x12"}
        headers["x-file-name"] = f"{sent.control}.edi"
        return post(self.url, sent.body, headers)


def post(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    """Status and text; 0 where nobody answered."""
    status, _, told = exchange(url, body, headers)
    return status, told.decode("utf-8", "replace")


def exchange(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
    """One POST: status, headers and body of the answer."""
    parts = urlsplit(url)
    kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
    line = kinds[parts.scheme](parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
    try:
        line.request("POST", parts.path + (f"?{parts.query}" if parts.query else ""), body, headers)
        answer = line.getresponse()
        told = answer.read(TOLD_MAX)
        return answer.status, {key.lower(): value for key, value in answer.getheaders()}, told
    except (OSError, http.client.HTTPException) as error:
        return 0, {}, f"{type(error).__name__}: {error}".encode()
    finally:
        line.close()


class Outbox:
    """Sends what is made and what is pending. Without a line everything stays here."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.line: Line | None = None

    def carry(self, sent: Sent) -> Sent:
        """Try to hand over an interchange; its `status` says what came of it."""
        if self.line is not None:
            sent.tries += 1
            sent.status, sent.told = self.line.carry(sent)
        return sent

    def send_due(self) -> list[Sent]:
        """Answers whose time has come, and what the hub has not taken so far."""
        if self.line is None:
            return []
        with self.world.kit.lock:
            failed = [one for one in self.world.sent if one.tries and (not one.status or one.status >= 500)]
            ready = [self._made(one) for one in self.world.due()]
        return [self.carry(one) for one in [*failed, *ready]]

    def _made(self, one: Pending) -> Sent:
        if one.again is not None:
            return one.again
        groups = [one.docs] if one.docs else []
        out = self.world.write(groups, How(), one.technical)
        for received in self.world.received:
            if received.answer is one:
                received.answered = out
        return out


def drop(sent: Sent, folder: Path) -> Path:
    """Put an interchange into a folder: under its name only once it is complete."""
    target, partial = folder / f"{sent.control}.edi", folder / f".{sent.control}.edi.part"
    with partial.open("wb") as file:
        file.write(sent.body)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(target)
    return target
