"""Reconciliations that nobody sits and waits for: those that people asked for, and one every night."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, time
from typing import Any

import orjson
import structlog

from hub import balancing, reconciling
from hub.connector import Bookkeeper
from hub.engine import Hub
from hub.errors import HubError
from hub.settling import describe
from hub.store import access, reconciliations
from hub.store.tx import Tx

log = structlog.get_logger("o2c.nightly")
BY = "nightly"
FAILED = "reconciliation_failed"
NO_LONGER = 0.0  # than the transaction: whoever comes next sees what was asked for

CatchUp = Callable[[str], object]


class Nightly:
    """Looks what is due; of several processes one begins it, and a lease per connection keeps it alone.

    `at`: time of day in UTC, None: never by itself. A night during which no hub ran is made up for, once a
    connection has had a night at all.
    """

    def __init__(
        self, hub: Hub, at: time | None, *, settle_seconds: float, catch_up: CatchUp = lambda name: None
    ) -> None:
        self.hub = hub
        self.at = at
        self.settle_seconds = settle_seconds
        self.catch_up = catch_up
        self.holder = uuid.uuid4().hex
        self._since = hub.store.now()

    def look(self) -> int:
        """Begin what is due, one after the other; returns how many runs ended."""
        self._ask_for_the_night()
        with self.hub.store.look() as tx:
            waiting = reconciliations.asked(tx.conn)
        return sum(self._perform(row) for row in waiting)

    def _ask_for_the_night(self) -> None:
        moment = self._moment(self.hub.store.now())
        if moment is None:
            return
        for name, live in self.hub.registry.all().items():
            if (
                not live.active
                or not isinstance(live.connector, Bookkeeper)
                or not self._is_due(name, moment)
            ):
                continue
            with self.hub.store.begin() as tx:
                if access.lead(
                    self.hub.store.database, tx.conn, "nightly", self.holder, NO_LONGER
                ) and self._due(tx, name, moment):
                    reconciliations.ask(tx.conn, name, customer="", by=BY, now=tx.now)

    def _moment(self, now: datetime) -> datetime | None:
        """Today's time of day, where it has passed."""
        if self.at is None:
            return None
        moment = datetime.combine(now.date(), self.at, now.tzinfo)
        return moment if moment <= now else None

    def _is_due(self, name: str, moment: datetime) -> bool:
        with self.hub.store.look() as tx:
            return self._due(tx, name, moment)

    def _due(self, tx: Tx, name: str, moment: datetime) -> bool:
        last = reconciliations.last(tx.conn, name, by=BY)
        if last is None:
            return moment > self._since
        return bool(last.asked_at < moment)

    def _perform(self, row: Any) -> bool:
        try:
            live = balancing.keeper(self.hub, row.connection)
        except HubError as error:  # it was deleted or changed meanwhile
            self._give_up(row, describe(error))
            return False
        if not live.active:
            if row.asked_by == BY:
                self._give_up(row, "the connection is paused; resume it, then run it again")
            return False
        begun = reconciling.perform(
            self.hub, row.id, settle_seconds=self.settle_seconds,
            catch_up=(lambda: self.catch_up(row.connection)) if live.poll_seconds > 0 else None,
        )  # fmt: skip
        if begun and row.asked_by == BY:
            self._tell(row.id)
        return begun

    def _give_up(self, row: Any, why: str) -> None:
        with self.hub.store.begin() as tx:
            reconciliations.end(tx.conn, row.id, state="failed", now=tx.now, error=why)
        if row.asked_by == BY:
            self._tell(row.id)

    def _tell(self, run_id: str) -> None:
        """Nobody watched: what came of the night becomes a case where people must see it."""
        with self.hub.store.begin() as tx:
            row = reconciliations.one(tx.conn, run_id)
            if row is None:
                return
            if row.state == "failed":
                tx.cases.open(
                    reason=FAILED, subject=row.connection, connection=row.connection, now=tx.now,
                    title=f"{row.connection} could not be reconciled: {row.error}",
                    evidence={"connection": row.connection, "error": row.error},
                )  # fmt: skip
            elif row.state == "done":
                reconciliations.answer(tx.conn, [f"{FAILED}|{row.connection}"], tx.now)
                self._tell_differences(tx, row)

    def _tell_differences(self, tx: Tx, row: Any) -> None:
        counts: Mapping[str, int] = orjson.loads(row.counts)
        evidence = {"connection": row.connection, "differences": row.found, **counts}
        if row.found and not tx.cases.answered_before("", reconciliations.REASON, evidence):
            tx.cases.open(
                reason=reconciliations.REASON, subject=row.connection, connection=row.connection, now=tx.now,
                title=f"{row.found:,} differences between the ledger and the books of {row.connection}",
                evidence=evidence,
            )  # fmt: skip
