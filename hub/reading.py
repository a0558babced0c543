"""Reading: due deliveries are claimed, and their connectors asked what they bring.

A system that tells of many objects in one call is asked once for a whole crowd of deliveries: ten webhooks
about one deal cost one read of it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

import orjson
import structlog

from hub.connector import Addressed, Change, Delivery
from hub.core import Core
from hub.errors import AuthFailed, Fenced, Misdelivered, Rejected, Transient
from hub.failpoints import failpoint
from hub.settling import describe
from hub.store import queue
from hub.store.intake import accept, item
from hub.store.tables import INBOX

log = structlog.get_logger("o2c.reading")
INBOX_BATCH = 64
CROWD_BYTES = 32 * 1024 * 1024  # and how much they may weigh together


class Told(NamedTuple):
    """A claimed delivery with what its connector said about it, as it was when it was asked."""

    row: Any
    changes: Sequence[Change]
    asked_at: datetime
    rest: Iterator[Change] = iter(())  # what was not read yet of a delivery of very many


def parts(changes: Iterable[Change], most: int) -> Iterator[list[Change]]:
    """Changes as they share a transaction: those of one bank statement, and at most so many."""
    part: list[Change] = []
    for change in changes:
        if part and (len(part) >= most or change.kind == "statement"):
            yield part
            part = []
        part.append(change)
    if part:
        yield part


class Reading(Core):
    """The first half of processing: no transaction is open while vendors are called."""

    def _claim_inbox(self, limit: int) -> Sequence[Any]:
        """Due deliveries; where they fill the batch, what else waits for the same connectors too."""
        with self.store.begin() as tx:
            rows = queue.claim_inbox(
                tx.conn, lease=self.bounds.lease, limit=limit, without=self.pace.gathering()
            )
            if len(rows) < limit:
                return rows
            more: list[Any] = []
            for name in dict.fromkeys(row.connection for row in rows):
                if self._batches(name):
                    most = self.pace.crowd(name) - sum(row.connection == name for row in rows)
                    if most > 0:
                        more += queue.claim_crowd(
                            tx.conn, name, lease=self.bounds.lease, limit=most, weight=CROWD_BYTES
                        )
            return [*rows, *more]

    def _batches(self, connection: str) -> bool:
        live = self.registry.all().get(connection)
        return live is not None and live.crowds

    def _read_all(self, rows: Sequence[Any], began: float) -> list[Told]:
        """What the deliveries say. Those that fail are settled; those there is no time for are put back."""
        told: list[Told] = []
        crowds: dict[str, list[Any]] = {}
        singles: list[Any] = []
        many = {name for name in {row.connection for row in rows} if self._batches(name)}
        for row in rows:
            (crowds.setdefault(row.connection, []) if row.connection in many else singles).append(row)
        for name, crowd in crowds.items():
            self.pace.read(name, len(crowd))
            told += self._read_crowds(name, crowd, began)
        return [*told, *self._read_each(singles, began)]

    def _read_crowds(self, name: str, rows: Sequence[Any], began: float) -> list[Told]:
        """In crowds of the size that gets through now."""
        told: list[Told] = []
        most = self.pace.crowd(name)
        for at in range(0, len(rows), most):
            if at and time.monotonic() > began + self.bounds.budget:
                with self.store.begin() as tx:
                    queue.put_back(tx.conn, INBOX, rows[at:])
                break
            crowd = rows[at : at + most]
            told += self._read_crowd(crowd, began) if len(crowd) > 1 else self._read_each(crowd, began)
        return told

    def _read_each(self, rows: Sequence[Any], began: float) -> list[Told]:
        told: list[Told] = []
        for n, row in enumerate(rows):
            if n and time.monotonic() > began + self.bounds.budget:
                with self.store.begin() as tx:
                    queue.put_back(tx.conn, INBOX, rows[n:])
                break
            asked_at = self.store.now()
            try:
                found = iter(self.registry.get(row.connection).connector.read(_delivery(row)))
                first = list(islice(found, self.bounds.part + 1))
            except Misdelivered as error:
                self._hand_on(row, error)
            except Exception as error:  # noqa: BLE001 - whatever a connector raises, the row must be settled
                self._failed(INBOX, row, error)
            else:
                told.append(Told(row, first, asked_at, found))
        return told

    def _hand_on(self, row: Any, error: Misdelivered) -> None:
        """Each part of a file goes to the connection it is for, once; what is for nobody asks a person."""
        homes = self._homes()
        # Headers tell of the whole, how it was signed and packed: of a part only the file's name is true.
        whole = _delivery(row)
        headers = {name: value for name, value in whole.headers.items() if name == "x-file-name"}
        items = [
            item(
                homes[address][0], "file", [f"{row.id}:{n}"],
                whole._replace(headers=headers, body=body, method="FILE"),
            )
            for n, (address, body) in enumerate(error.parts)
            if len(homes.get(address, ())) == 1
        ]  # fmt: skip
        lost = sorted({address for address, _ in error.parts if len(homes.get(address, ())) != 1})
        with self.store.begin() as tx:
            accept(self.store.database, tx.conn, items)
            if not lost and not queue.processed(tx.conn, [row]):
                raise Fenced("the delivery was taken over by another worker")
        if lost:
            words = [_homeless(address, homes.get(address, ())) for address in lost]
            told = f"{'; '.join(words)}; then try this delivery again"
            self._failed(INBOX, row, Rejected(told, code="nobody"))
        self.ring("inbox")

    def _homes(self) -> Mapping[str, Sequence[str]]:
        """The connections of each address; two of the same are told apart by nobody."""
        found: dict[str, list[str]] = {}
        for name, live in self.registry.all().items():
            if isinstance(live.connector, Addressed):
                found.setdefault(live.connector.address, []).append(name)
        return found

    def _read_crowd(self, rows: Sequence[Any], began: float) -> list[Told]:
        """All in one go; when that cannot be understood, each by itself, so that one cannot hold up many."""
        asked_at, name, start = self.store.now(), rows[0].connection, time.monotonic()
        try:
            connector = self.registry.get(name).connector
            answers = connector.read_many([_delivery(row) for row in rows])
            self.pace.note_crowd(name, len(rows), time.monotonic() - start)
            failpoint("read.crowd")
            return [Told(row, list(found), asked_at) for row, found in zip(rows, answers, strict=True)]
        except (Transient, AuthFailed) as error:
            self.pace.crowd_failed(name, len(rows))
            self._failed_all(INBOX, rows, error)
            return []
        except Exception as error:  # noqa: BLE001 - one delivery it cannot read: found by reading each alone
            log.warning("crowd_read_apart", connection=name, error=describe(error))
            return self._read_each(rows, began)


def _homeless(address: str, several: Sequence[str]) -> str:
    if several:
        return f"{address} is the address of several connections, {', '.join(several)}: change all but one"
    return f"no connection is for {address}: create it"


def _delivery(row: Any) -> Delivery:
    return Delivery(orjson.loads(row.headers), row.body, row.url, row.received_at, row.method)
