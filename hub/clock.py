"""Time passing: the sweep that finds what no bell announced, polls of systems that cannot push, rounds."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Sequence

import structlog

from hub import backfilling
from hub.engine import Hub
from hub.errors import ConnectorError
from hub.failpoints import failpoint
from hub.settling import describe, note_failure
from hub.store import access, backfills, connections
from hub.store.intake import accept, item

log = structlog.get_logger("o2c.clock")
PAGES_MAX = 50  # pages of one connection in one round
LEAD_SECONDS = 15.0


class Clock:
    """Sweeps in every process; polls in the one that holds the lease."""

    def __init__(
        self, hub: Hub, *, sweep_seconds: float, rounds: Sequence[Callable[[], object]] = ()
    ) -> None:
        self.hub = hub
        self.sweep_seconds = sweep_seconds
        self.holder = uuid.uuid4().hex
        self._next_poll: dict[str, float] = {}
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._every, args=(work,), name="clock", daemon=True)
            for work in (self.hub.sweep, self.poll_due, self.walk_due, *rounds)
        ]

    def start(self) -> None:
        """Begin ticking."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop ticking and wait for the round under way."""
        self._stop.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(10)

    def _every(self, work: Callable[[], object]) -> None:
        while not self._stop.wait(self.sweep_seconds):
            try:
                work()
            except Exception as error:  # noqa: BLE001 - the next round tries again; the log tells
                log.warning("round_failed", error=describe(error))

    def poll_due(self) -> None:
        """Poll every connection whose interval has passed, if this process leads."""
        due = [live for live in self.hub.registry.all().values() if live.active and live.poll_seconds > 0]
        due = [live for live in due if self._next_poll.get(live.name, 0.0) <= time.monotonic()]
        if not due:
            return
        with self.hub.store.begin() as tx:
            if not access.lead(self.hub.store.database, tx.conn, "polls", self.holder, LEAD_SECONDS):
                return
            free = connections.callable_now(tx.conn)  # a poll would only prolong what slows the deliveries
        for live in (live for live in due if live.name in free):
            every, now = live.poll_seconds / live.turns, time.monotonic()
            self._next_poll[live.name] = max(self._next_poll.get(live.name, now) + every, now)
            try:
                poll_turn(self.hub, live.name)
            except ConnectorError as error:
                log.warning("poll_failed", connection=live.name, error=describe(error))

    def walk_due(self) -> None:
        """Let every backfill take its next steps, if this process leads."""
        with self.hub.store.look() as tx:
            if not backfills.due(tx.conn):
                return
        with self.hub.store.begin() as tx:
            if not access.lead(self.hub.store.database, tx.conn, "backfills", self.holder, LEAD_SECONDS):
                return
        backfilling.round(self.hub)


def poll(hub: Hub, connection: str) -> int:
    """Ask one connection for everything that is new, now. Returns and raises as poll_turn()."""
    return sum(poll_turn(hub, connection) for _ in range(hub.registry.get(connection).turns))


def poll_turn(hub: Hub, connection: str) -> int:
    """Ask for what is new where it is the turn, page by page; the cursor moves in the accepting transaction.

    Returns how many deliveries it brought, known ones too. Raises ConnectorError when the system cannot be
    asked; the cursor then stays where it was.
    """
    live = hub.registry.get(connection)
    if not live.polls:
        return 0
    seen = 0
    for _ in range(PAGES_MAX):
        with hub.store.look() as tx:
            row = connections.cursor(tx.conn, connection)
        try:
            page = live.connector.poll(row.cursor if row else None)
        except ConnectorError as error:
            with hub.store.begin() as tx:
                note_failure(tx, connection, error)
            raise
        now = hub.store.now()  # by the hub's clock, like every delivery
        vary = live.manifest.repeats_vary
        items = [
            item(connection, "poll", a.event_ids, a.delivery._replace(received_at=now), repeats_vary=vary)
            for a in page.arrivals
        ]
        with hub.store.begin() as tx:
            if items:
                accept(hub.store.database, tx.conn, items)
            connections.move_cursor(hub.store.database, tx.conn, connection, page.cursor, tx.now)
            failpoint("poll.before_commit")
        seen += len(items)
        if items:
            hub.ring("inbox")
        if not page.more:
            break
    return seen
