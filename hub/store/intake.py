"""Accepting deliveries: once each, durable before anybody is told, many senders sharing one commit."""

from __future__ import annotations

import asyncio
import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from hub.connector import Delivery
from hub.failpoints import failpoint
from hub.store.cases import Cases
from hub.store.database import Database, clock, insert_many, insert_new, new_id
from hub.store.tables import EVENTS, INBOX

GROUP_MAX = 256  # deliveries in one commit
WAITING_MAX = 10_000  # beyond this, senders are told to come back
SPACING = 0.008  # seconds from one commit to the next: those that come meanwhile share it
_SECRET = frozenset({"authorization", "cookie", "proxy-authorization", "o2c-path-token"})
_PUT = INBOX.insert().values(next_at=clock(), state="pending", attempts=0, lease_until=0.0)


class Verdict(StrEnum):
    """What became of a delivery."""

    NEW = "accepted"
    KNOWN = "repeated"  # every event in it is here already
    SUSPICIOUS = "quarantined"  # a known event id with another body


class Item(NamedTuple):
    """A verified delivery on its way into the inbox."""

    connection: str
    door: str
    event_ids: Sequence[str]
    delivery: Delivery
    inbox_id: str
    digest: str  # empty: bodies of one event may differ, its id says all that matters


def item(
    connection: str, door: str, event_ids: Sequence[str], delivery: Delivery, *, repeats_vary: bool = False
) -> Item:
    """Give a delivery its inbox id and the digest of its body."""
    digest = "" if repeats_vary else hashlib.blake2b(delivery.body, digest_size=16).hexdigest()
    return Item(connection, door, event_ids, delivery, new_id(), digest)


def accept(database: Database, conn: Connection, items: Sequence[Item]) -> Sequence[Verdict]:
    """Put deliveries in the inbox, each event once. One verdict per item, in order."""
    marks = [
        {"connection": it.connection, "event_id": event, "inbox_id": it.inbox_id, "digest": it.digest}
        for it in items
        for event in it.event_ids
    ]
    stored = insert_new(conn, EVENTS, marks)
    everything_new = stored == len(marks)
    verdicts = [Verdict.NEW if everything_new else _judge(conn, it) for it in items]
    fresh = [_row(it) for it, verdict in zip(items, verdicts, strict=True) if verdict is Verdict.NEW]
    if fresh:
        insert_many(conn, _PUT, fresh)
    for it, verdict in zip(items, verdicts, strict=True):
        if verdict is Verdict.SUSPICIOUS:
            _quarantine(database, conn, it)
    return verdicts


def _judge(conn: Connection, it: Item) -> Verdict:
    rows = conn.execute(
        sa.select(EVENTS.c.inbox_id, EVENTS.c.digest).where(
            EVENTS.c.connection == it.connection, EVENTS.c.event_id.in_(it.event_ids)
        )
    ).all()
    if any(row.inbox_id == it.inbox_id for row in rows):
        return Verdict.NEW
    single = len(it.event_ids) == 1  # batches are regrouped by their senders: bodies may differ lawfully
    differs = bool(it.digest) and rows[0].digest != it.digest
    return Verdict.SUSPICIOUS if single and differs else Verdict.KNOWN


def _row(it: Item) -> dict[str, Any]:
    sent = it.delivery
    headers = {k: v for k, v in sent.headers.items() if k not in _SECRET}
    return {
        "id": it.inbox_id, "connection": it.connection, "door": it.door, "method": sent.method,
        "url": sent.url, "headers": orjson.dumps(headers).decode(), "body": sent.body,
        "received_at": sent.received_at,
    }  # fmt: skip


def _quarantine(database: Database, conn: Connection, it: Item) -> None:
    row = _row(it) | {"state": "dead", "next_at": 0.0, "attempts": 0, "lease_until": 0.0}
    conn.execute(INBOX.insert(), row)
    Cases(database.dialect, conn).open(
        reason="conflicting_event",
        title=f"{it.connection} sent event {it.event_ids[0]} again with another content",
        now=it.delivery.received_at,
        connection=it.connection,
        row_id=it.inbox_id,
        evidence={"event_id": it.event_ids[0], "digest": it.digest, "quarantined": it.inbox_id},
    )


class Busy(Exception):
    """More deliveries are waiting for a commit than we are willing to hold in memory."""


class Intake:
    """Adaptive group commit: while one commit is under way the next group gathers.

    Right after a commit it gathers for some milliseconds: in a busy hub one commit in four remains, and the
    time of the others is worth more to the workers. Alone nobody waits.
    """

    def __init__(self, database: Database, ring: Callable[[], None]) -> None:
        self.database = database
        self.ring = ring
        self._waiting: list[tuple[Item, asyncio.Future[Verdict], asyncio.AbstractEventLoop]] = []
        self._lock = threading.Lock()
        self._something = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)
        self._thread.start()

    async def put(self, it: Item) -> Verdict:
        """Returns once the delivery is durable. Raises Busy, or whatever the commit raised."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Verdict] = loop.create_future()
        with self._lock:
            if len(self._waiting) >= WAITING_MAX:
                raise Busy
            self._waiting.append((it, future, loop))
            first = len(self._waiting) == 1
        if first:
            self._something.set()
        return await future

    def stop(self) -> None:
        """Commit what is waiting, then end the thread."""
        self._stopping = True
        self._something.set()
        self._thread.join(10)

    def _run(self) -> None:
        ended = 0.0
        while True:
            self._something.wait()
            rest = ended + SPACING - time.monotonic()
            if rest > 0 and not self._stopping:
                time.sleep(rest)
            with self._lock:
                group, self._waiting = self._waiting[:GROUP_MAX], self._waiting[GROUP_MAX:]
                if not self._waiting and not self._stopping:
                    self._something.clear()
            if group:
                self._commit(group)
                ended = time.monotonic()
            elif self._stopping:
                return

    def _commit(self, group: list[tuple[Item, asyncio.Future[Verdict], asyncio.AbstractEventLoop]]) -> None:
        answers: Sequence[Verdict | BaseException]
        try:
            with self.database.writing(urgent=True) as conn:
                answers = accept(self.database, conn, [it for it, _, _ in group])
                failpoint("webhook.before_commit")
            failpoint("webhook.after_commit")
        except Exception as error:  # noqa: BLE001 - every sender of the group must hear of it
            answers = [error] * len(group)
        pairs = [(future, answer) for (_, future, _), answer in zip(group, answers, strict=True)]
        group[0][2].call_soon_threadsafe(_tell, pairs)
        self.ring()  # after the answers: a broker that is away must not keep the senders waiting


def _tell(pairs: Sequence[tuple[asyncio.Future[Verdict], Verdict | BaseException]]) -> None:
    for future, answer in pairs:
        if future.done():  # the sender hung up
            continue
        if isinstance(answer, BaseException):
            future.set_exception(answer)
        else:
            future.set_result(answer)
