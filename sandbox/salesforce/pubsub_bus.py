"""The event bus: what happened in the org, kept 72 hours under opaque replay ids for whoever subscribes."""

from __future__ import annotations

import random
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sandbox.salesforce import avro
from sandbox.salesforce.avro import Column, Header, Schema
from sandbox.salesforce.org import INTEGRATION, Happened, Org

KEPT = timedelta(hours=72)
KEPT_MAX = 120_000  # the sandbox's own bound; the oldest go first
MARK_EVERY = timedelta(hours=1)
ALL_CHANGES = "/data/ChangeEvents"
# Objects with change events (object reference; opportunity lines since API 60.0); so has every custom one.
SUPPORTED = frozenset(
    {
        *("Account", "Contact", "Contract", "Opportunity", "OpportunityLineItem", "Order", "OrderItem"),
        *("Pricebook2", "PricebookEntry", "Product2", "User"),
    }
)
LATEST, EARLIEST, CUSTOM = range(3)


class Entry(NamedTuple):
    """One place on the bus. A place without topic is only a position, as other traffic leaves them."""

    number: int
    at: datetime
    topic: str = ""
    header: Header | None = None
    values: Mapping[str, Any] = {}
    schema_id: str = ""
    payload: bytes = b""

    @property
    def replay_id(self) -> bytes:
        """As handed to subscribers: ten bytes that mean nothing to them."""
        return replay_id(self.number)


def replay_id(number: int) -> bytes:
    """A place on the bus as bytes."""
    return number.to_bytes(8, "big") + b"\0\0"


class Lost(Exception):
    """The replay id is none of ours, or older than what is kept."""


class EventBus:
    """Change events of the objects selected in Setup (`captured`; None: of all that have them) and platform
    events. Guarded by the kit's lock."""

    def __init__(self, org: Org, *, captured: Collection[str] | None = None) -> None:
        self.org, self.captured = org, captured
        self.changed = threading.Condition(org.kit.lock)
        self.degraded = 0  # how many of the next changes are only announced as GAP_ events
        self.platform_events: dict[str, Schema] = {}
        self._schemas: dict[str, Schema] = {}  # by id
        self._current: dict[str, tuple[tuple[Column, ...], Schema]] = {}  # by object
        self._dice = random.Random(7)
        self._number = 48_000_000
        self._served = 0
        self._turn: tuple[str, int] = ("", 0)  # the transaction under way and how many events it has made
        with org.kit.lock:
            self._log: list[Entry] = []
            self._put(Entry(0, org.now()))
            org.listen(self.hear)

    def hear(self, happened: Happened) -> None:
        """Take up a committed change."""
        if not self._captures(happened.sobject):
            return
        change = happened.change
        if self.degraded:
            self.degraded -= 1
            change = f"GAP_{change}"
        self._announce(happened, change, self._told(happened, change))

    def _told(self, happened: Happened, change: str) -> Mapping[str, Any]:
        if change == "UPDATE":
            return {name: happened.row.get(name) for name in (*happened.changed, "LastModifiedDate")}
        return happened.row if change in ("CREATE", "UNDELETE") else {}

    def _announce(self, happened: Happened, change: str, values: Mapping[str, Any]) -> None:
        transaction = str(happened.transaction)
        last = self._log[-1]
        if _same(last, happened, change, values, transaction) and last.number > self._served and last.header:
            # One change to several records in one transaction is one event (guide, "Merged Change Events").
            del self._log[-1]
            header = last.header._replace(ids=(*last.header.ids, happened.id))
        else:
            sequence = self._turn[1] + 1 if self._turn[0] == transaction else 1
            self._turn = (transaction, sequence)
            origin = origin_of(happened)
            header = Header(
                *(happened.sobject, (happened.id,), change, origin, transaction, sequence),
                *(happened.at, self._number, happened.user),
            )
        topic = f"/data/{avro.channel(happened.sobject)}"
        self._put(Entry(0, self.org.now(), topic, header, values))

    def announce(self, entity: str, change: str, ids: Iterable[str] = (), **values: Any) -> None:
        """Put a change event on the bus that nothing in the org caused: gaps, overflows, merged changes."""
        with self.changed:
            now = self.org.now()
            key = f"{self._number:08x}-0000-4000-8000-sandbox"
            header = Header(entity, tuple(ids), change, "", key, 1, now, self._number, "")
            self._put(Entry(0, now, f"/data/{avro.channel(entity)}", header, values))

    def overflow(self, entity: str) -> None:
        """Over 100,000 changes in one transaction: one event without ids instead of the rest."""
        self.announce(entity, "GAP_OVERFLOW")

    def define(self, event: str, columns: Iterable[Column]) -> Schema:
        """Set up a platform event X__e."""
        with self.changed:
            schema = avro.event_schema(event, columns)
            self.platform_events[event] = self._schemas[schema.id] = schema
        return schema

    def publish(self, topic: str, schema: Schema, payload: bytes) -> bytes:
        """Put a platform event on the bus; returns its replay id."""
        with self.changed:
            entry = Entry(0, self.org.now(), topic, schema_id=schema.id, payload=payload)
            return self._put(entry).replay_id

    def _put(self, entry: Entry) -> Entry:
        self._number += self._dice.randint(1, 9)
        entry = entry._replace(number=self._number)
        self._log.append(entry)
        if len(self._log) > KEPT_MAX:
            del self._log[: KEPT_MAX // 10]
        self.changed.notify_all()
        return entry

    def forget(self) -> None:
        """Every replay id so far becomes invalid, as when an org moves to another instance."""
        with self.changed:
            self._log.clear()
            self._number += 1_000_000
            self._put(Entry(0, self.org.now()))

    def tip(self) -> Entry:
        """The newest place. Other traffic moves it on by itself, so it stays within what is kept."""
        self._expire()
        if not self._log or self._log[-1].at < self.org.now() - MARK_EVERY:
            return self._put(Entry(0, self.org.now()))
        return self._log[-1]

    def start(self, preset: int, replay: bytes) -> int:
        """The place after which a subscription begins. Raises Lost."""
        tip = self.tip()
        if preset == LATEST:
            return tip.number
        if preset == EARLIEST:
            return 0
        number = int.from_bytes(replay[:8], "big")
        at = bisect_left(self._log, number, key=lambda entry: entry.number)
        if len(replay) != 10 or at == len(self._log) or self._log[at].replay_id != replay:
            raise Lost
        return number

    def after(self, number: int, topic: str, most: int) -> tuple[list[Entry], int]:
        """The next events of a topic, at most so many, and the place up to which was looked."""
        self._expire()
        found: list[Entry] = []
        for at in range(bisect_right(self._log, number, key=lambda entry: entry.number), len(self._log)):
            entry = self._log[at]
            if len(found) == most:
                break
            number = entry.number
            if entry.topic == topic or (topic == ALL_CHANGES and entry.topic.startswith("/data/")):
                found.append(entry)
        self._served = max(self._served, number)
        return found, number

    def _expire(self) -> None:
        oldest = self.org.now() - KEPT
        if self._log and self._log[0].at < oldest:
            del self._log[: bisect_left(self._log, oldest, key=lambda entry: entry.at)]

    def schema_of(self, topic: str) -> Schema | None:
        """The schema of a topic's events; None where there is no such topic."""
        event = topic.removeprefix("/event/")
        if topic.startswith("/event/"):
            return self.platform_events.get(event)
        for name in self.org.objects:
            if topic == f"/data/{avro.channel(name)}" and self._captures(name):
                return self._change_schema(name)
        return None

    def _captures(self, entity: str) -> bool:
        if self.captured is not None:
            return entity in self.captured
        return entity in SUPPORTED or entity.endswith("__c")

    def _change_schema(self, entity: str) -> Schema:
        fields = self.org.shape(entity).fields.values()
        columns = tuple(Column(one.name, one.type) for one in fields if not one.calculated)
        known = self._current.get(entity)
        if known is None or known[0] != columns:
            known = self._current[entity] = (columns, avro.change_schema(entity, columns))
            self._schemas[known[1].id] = known[1]
        return known[1]

    def schema(self, id: str) -> Schema | None:
        """A schema by its id."""
        return self._schemas.get(id)

    def encoded(self, entry: Entry) -> tuple[str, bytes]:
        """Schema id and payload of an event."""
        if entry.header is None:
            return entry.schema_id, entry.payload
        schema = self._change_schema(entry.header.entity)
        return schema.id, avro.change_payload(schema, entry.header, entry.values)


def _same(last: Entry, happened: Happened, change: str, values: Mapping[str, Any], transaction: str) -> bool:
    header = last.header
    return (
        header is not None
        and change in ("UPDATE", "DELETE")
        and (header.entity, header.change, header.transaction) == (happened.sobject, change, transaction)
        and happened.id not in header.ids
        and _unstamped(last.values) == _unstamped(values)
    )


def _unstamped(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value for name, value in values.items() if name not in ("LastModifiedDate", "SystemModstamp")
    }


def origin_of(happened: Happened) -> str:
    """changeOrigin: the API and the client id of Sforce-Call-Options; empty for a user of the web pages."""
    if happened.user != INTEGRATION:
        return ""
    return "com/salesforce/api/rest/68.0" + (f";client={happened.client}" if happened.client else "")
