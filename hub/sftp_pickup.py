"""Fetching files from a folder at an SFTP server: complete ones, each once, and cleared away only when safe.

A poll brings files; the next one, whose cursor proves that the hub has them, moves them into the folder of
the processed. Where nothing may be moved they are remembered by name, size and time.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from hub.connector import Arrival, Delivery, Page
from hub.errors import Invalid
from hub.sftp import Remote, SftpDoor, SftpSession

FILES_MAX = 20  # of one page
PAGE_BYTES_MAX = 64 * 1024 * 1024
REFUSED = (
    "x-file-refused"  # header of a delivery that stands for a file which was not fetched, with the reason
)
NAME_MAX = 200
_STRANGE = re.compile(r"[^\x20-\x7e]")
_PARTIAL = re.compile(r"^\.|\.(part|partial|tmp|temp|filepart|crdownload|swp|lock)$|~$", re.IGNORECASE)


@dataclass(frozen=True)
class Folder:
    """Which files are fetched, and what becomes of them there.

    `processed` is where files are moved that the hub has; empty: they stay and are remembered. `settled` is
    how many seconds a file must not have changed, by our own clock: the server's may be wrong.
    """

    path: str = "."
    pattern: str = ""
    processed: str = ""
    settled: float = 30.0
    bytes_max: int = 50_000_000
    matches: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        words = "".join({"*": ".*", "?": "."}.get(one, re.escape(one)) for one in self.pattern or "*")
        object.__setattr__(self, "matches", re.compile(words, re.IGNORECASE | re.DOTALL))

    def wants(self, name: str) -> bool:
        """Is it a file of ours, and not a partial one by its name?"""
        return not _PARTIAL.search(name) and self.matches.fullmatch(name) is not None


class Known(NamedTuple):
    """What a cursor says: files the hub has, and since when (epoch seconds) others look as they do."""

    took: frozenset[str] = frozenset()
    seen: Mapping[str, float] = {}


def mark(file: Remote) -> str:
    """What a file is remembered by: name, size and time of its last change."""
    told = f"{file.name}\0{file.size}\0{file.modified}"
    return hashlib.sha256(told.encode("utf-8", "surrogateescape")).hexdigest()[:20]


class SftpPickup:
    """Polls one folder. `now` is for tests."""

    def __init__(self, door: SftpDoor, folder: Folder, *, now: Callable[[], float] = time.time) -> None:
        self.door, self.folder, self._now = door, folder, now

    def check(self) -> Sequence[str]:
        """What a person must repair there; may raise what a session raises."""
        with self.door.session() as session:
            session.files(self.folder.path)
        return ()

    def poll(self, cursor: str | None) -> Page:
        """Files that came since, oldest first. Raises Transient, AuthFailed or Rejected."""
        known, folder, now = _known(cursor), self.folder, self._now()
        with self.door.session() as session:
            listed = [one for one in session.files(folder.path) if folder.wants(one.name)]
            kept = self._cleared(session, listed, known)
            fresh = sorted(
                (one for one in listed if mark(one) not in known.took),
                key=lambda one: (one.modified, one.name),
            )
            ready = [one for one in fresh if now - known.seen.get(mark(one), now) >= folder.settled]
            taken = self._fetched(session, ready)
        took = {mark(file) for file, _ in taken}
        seen = {mark(one): known.seen.get(mark(one), now) for one in fresh if mark(one) not in took}
        return Page(
            [arrival for _, arrival in taken], _cursor(Known(frozenset(kept | took), seen)),
            more=0 < len(taken) < len(ready),
        )  # fmt: skip

    def _cleared(self, session: SftpSession, listed: Sequence[Remote], known: Known) -> set[str]:
        """Move away what the hub has; returns the marks of what is still there and must be remembered."""
        kept = set()
        for one in listed:
            if mark(one) in known.took:
                moved = self.folder.processed and session.move(
                    self.folder.path, one.name, self.folder.processed
                )
                if not moved:
                    kept.add(mark(one))
        return kept

    def _fetched(self, session: SftpSession, ready: Sequence[Remote]) -> list[tuple[Remote, Arrival]]:
        found: list[tuple[Remote, Arrival]] = []
        size = 0
        for file in ready[:FILES_MAX]:
            size += min(file.size, self.folder.bytes_max)
            if found and size > PAGE_BYTES_MAX:
                break
            arrival = self._arrival(session, file)
            if arrival is not None:
                found.append((file, arrival))
        return found

    def _arrival(self, session: SftpSession, file: Remote) -> Arrival | None:
        headers = {"x-file-name": _STRANGE.sub("_", file.name)[:NAME_MAX]}
        if file.size > self.folder.bytes_max:
            told = f"the file has {file.size} bytes, over {self.folder.bytes_max}: split it"
            return Arrival([f"refused-{mark(file)}"], self._delivery({**headers, REFUSED: told}, b""))
        body = session.read(self.folder.path, file, self.folder.bytes_max)
        if body is None:
            return None
        return Arrival([hashlib.sha256(body).hexdigest()], self._delivery(headers, body))

    def _delivery(self, headers: Mapping[str, str], body: bytes) -> Delivery:
        at = datetime.fromtimestamp(self._now(), UTC)
        return Delivery(headers, body, f"sftp:{self.door.account.host}", at, "FILE")


def _known(cursor: str | None) -> Known:
    """Raises Invalid for a cursor that is none of ours."""
    if not cursor:
        return Known()
    try:
        told: Any = json.loads(cursor)
        return Known(frozenset(told["took"]), {str(key): float(at) for key, at in told["seen"].items()})
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Invalid("the cursor is not one of an SFTP folder", field="cursor") from None


def _cursor(known: Known) -> str:
    return json.dumps({"took": sorted(known.took), "seen": known.seen}, separators=(",", ":"))
