"""Receive, process, deliver: the three verbs of the hub, each one or two short transactions."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson
import structlog

from hub import failures, merge, process, settling
from hub.connector import Change, Delivery, Idempotency, Kind, Write
from hub.errors import Fenced, Invalid, NotYet, Transient, UnknownOutcome
from hub.failpoints import failpoint
from hub.http import calls_until
from hub.mapping import Translator
from hub.pace import Pace
from hub.present import present
from hub.process import Cause
from hub.registry import Live, Registry
from hub.routes import Routes
from hub.stages.outcome import Event
from hub.store import connections, queue
from hub.store.database import new_id
from hub.store.documents import promoted
from hub.store.intake import Item, Verdict, accept, item
from hub.store.tables import INBOX, XREF
from hub.store.tx import Store, Tx
from hub.store.xrefs import Sent

log = structlog.get_logger("o2c.engine")
INBOX_BATCH = 64
OUTBOX_BATCH = 64
EVIDENCE_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long a worker may hold rows, and how often a row is tried."""

    lease: float = 90.0
    call: float = 30.0
    attempts_max: int = 16

    @property
    def budget(self) -> float:
        """Seconds after which a worker begins no further delivery of its batch: the lease must outlast it."""
        return max(self.lease - 2.2 * self.call, 0.0)


class Job(NamedTuple):
    """One document on its way to one connection."""

    row: Any
    write: Write
    version: int


class Done(NamedTuple):
    """A job that got through, under which id, and how long the call took."""

    job: Job
    external_id: str
    milliseconds: int


class Translated(NamedTuple):
    """A change in canonical words; no fields: its mapping says it is none of our business."""

    translator: Translator
    fields: Mapping[str, Any] | None


class Begun(NamedTuple):
    """A claimed delivery with what it says. None among `translated`: to be translated in the transaction."""

    row: Any
    changes: Sequence[Change]
    translated: Sequence[Translated | None]


class TxLookup:
    """Ids for mappings: the vendor's for ours and ours for the vendor's."""

    def __init__(self, tx: Tx, connection: str, *, outward: bool) -> None:
        self.tx, self.connection, self.outward = tx, connection, outward

    def xref(self, kind: str, value: str) -> str:
        """Raises NotYet when the other side of the reference is not known yet."""
        if self.outward:
            external = self.tx.xrefs.external_id(self.connection, value)
            if external is None:
                found = self.tx.documents.get(value)
                label = getattr(found, "number", "") or getattr(found, "name", "") or value
                raise NotYet(f"{kind} {label} is not at {self.connection} yet", code=value, sent=False)
            return external
        known = self.tx.xrefs.known(self.connection, kind, value)
        if known is None:
            raise NotYet(f"{kind} {value} of {self.connection} is not known yet", sent=False)
        return str(known.document_id)


def no_bell(queue_name: str) -> None:
    """Rings nothing: the sweep will find the rows."""


@dataclass
class Hub:
    """The middle of everything: one store, the live connections, the routes, and a doorbell."""

    store: Store
    registry: Registry
    routes: Routes
    bounds: Bounds = field(default_factory=Bounds)
    ring: Callable[[str], None] = no_bell  # "inbox", or the name of a connection
    pace: Pace = field(default_factory=Pace)

    # -- receive -------------------------------------------------------------
    def receive(self, connection: str, delivery: Delivery, door: str = "webhook") -> Item:
        """Check a delivery's authenticity. Raises AuthFailed or Invalid; stores nothing yet."""
        live = self.registry.get(connection)
        if not live.receives:
            raise Invalid(f"connection {connection!r} does not receive anything", field="connection")
        vary = live.manifest.repeats_vary
        return item(connection, door, live.connector.verify(delivery), delivery, repeats_vary=vary)

    def dropped(self, connection: str, name: str, body: bytes) -> Item:
        """A file from the drop folder: whoever may write there is trusted; its content is its event id."""
        self.registry.get(connection)
        delivery = Delivery({"x-file-name": name}, body, f"file:{name}", self.store.now(), "FILE")
        return item(connection, "file", [hashlib.sha256(body).hexdigest()], delivery)

    def refused_file(self, connection: str, name: str, why: str) -> None:
        """Tell a human about a file that could not be taken in; the file itself was put aside."""
        with self.store.begin() as tx:
            tx.cases.open(
                reason="file_refused", title=f"File {name} for {connection} was refused: {why}", now=tx.now,
                connection=connection, subject=f"{connection}/{name}",
                evidence={"file": name, "connection": connection, "error": why},
            )  # fmt: skip

    def accept(self, items: Sequence[Item]) -> Sequence[Verdict]:
        """Put verified deliveries in the inbox, durably, and ring."""
        with self.store.begin() as tx:
            verdicts = accept(self.store.database, tx.conn, items)
            failpoint("file.before_commit")
        failpoint("file.after_commit")
        self.ring("inbox")
        return verdicts

    # -- process -------------------------------------------------------------
    def process(self, limit: int = INBOX_BATCH) -> int:
        """Claim due deliveries and carry each through the whole process. Returns how many were claimed."""
        limit = min(limit, self.pace.batch("inbox"))
        with self.store.begin() as tx:
            rows = queue.claim_inbox(tx.conn, lease=self.bounds.lease, limit=limit)
        if not rows:
            return 0
        failpoint("process.claimed")
        full, slow = len(rows) == limit, self.pace.is_slow("inbox")
        if full and slow:
            self.ring("inbox")  # others can wait for these systems beside us
        began = time.monotonic()
        begun = []
        sound = self._sound(INBOX, rows)
        for n, row in enumerate(sound):
            if n and time.monotonic() > began + self.bounds.budget:
                with self.store.begin() as tx:
                    queue.put_back(tx.conn, INBOX, sound[n:])
                break
            changes = self._read(row)
            if changes is not None:
                begun.append(Begun(row, changes, ()))
        self.pace.note("inbox", len(rows), time.monotonic() - began)
        if begun:
            self._absorb(self._translate(begun))
        if full and not slow:
            self.ring("inbox")  # quick work: one worker after the other, or they only fight for the lock
        return len(rows)

    def _read(self, row: Any) -> Sequence[Change] | None:
        sent = Delivery(orjson.loads(row.headers), row.body, row.url, row.received_at, row.method)
        try:
            return list(self.registry.get(row.connection).connector.read(sent))  # vendor I/O: no open tx
        except Exception as error:  # noqa: BLE001 - whatever a connector raises, the row must be settled
            self._failed(INBOX, row, error)
            return None

    def _translate(self, begun: Sequence[Begun]) -> Sequence[Begun]:
        """Apply mappings before the writing transaction begins, so that it holds its lock only briefly."""
        with self.store.look() as tx:
            self._prefetch(tx, begun)
            return [
                one._replace(translated=tuple(self._try(tx, one.row, change) for change in one.changes))
                for one in begun
            ]

    def _prefetch(self, tx: Tx, begun: Sequence[Begun]) -> None:
        things: dict[str, set[tuple[str, str]]] = {}
        for one in begun:
            place = things.setdefault(one.row.connection, set())
            place.update((change.kind, change.external_id) for change in one.changes)
        for connection, pairs in things.items():
            tx.xrefs.prefetch(connection, pairs)

    def _try(self, tx: Tx, row: Any, change: Change) -> Translated | None:
        try:
            return self._translated(tx, self.registry.get(row.connection), change)
        except Exception:  # noqa: BLE001 - tried again inside the transaction, which also sees its siblings
            return None

    def _translated(self, tx: Tx, live: Live, change: Change) -> Translated:
        translator = live.translator(change.kind, "in")
        lookup = TxLookup(tx, live.name, outward=False)
        if change.record is None or not translator.applies(change.record, lookup):
            return Translated(translator, None)
        return Translated(translator, translator.apply(change.record, lookup))

    def _absorb(self, begun: Sequence[Begun]) -> None:
        """All in one transaction; if any of them fails, each in its own, so that one cannot hold up many."""
        try:
            with self._unit() as tx:
                self._prefetch(tx, begun)
                for one in begun:
                    self._take_all(tx, one)
                failpoint("process.before_settle")
                if not queue.processed(tx.conn, [one.row for one in begun]):
                    raise Fenced("a delivery was taken over by another worker")
                for one in begun:
                    if one.row.last_error:
                        tx.cases.close_row(one.row.id, tx.now)
        except Exception as error:  # noqa: BLE001 - each row must be settled, whatever went wrong
            if len(begun) > 1:
                for one in begun:
                    self._absorb([one])
            else:
                self._failed(INBOX, begun[0].row, error)

    def _take_all(self, tx: Tx, one: Begun) -> None:
        live = self.registry.get(one.row.connection)
        for change, translated in zip(one.changes, one.translated, strict=True):
            self._take(tx, live, one.row, change, translated)

    def _take(self, tx: Tx, live: Live, row: Any, change: Change, translated: Translated | None) -> None:
        known = tx.xrefs.known(live.name, change.kind, change.external_id)
        if known is not None and change.revision and known.revision and change.revision < known.revision:
            return  # overtaken on the way: we have seen a newer state of it
        translator, fields = translated or self._translated(tx, live, change)
        if fields is None:
            if known is not None:
                self._withdrawn(tx, live, known.document_id, deleted=change.record is None)
            return
        label = f"{translator.document.mapping} v{translator.document.version}"
        cause = Cause(live.name, row.id, live.name, label)
        if known is None:
            document = merge.make(change.kind, new_id(), fields, label)
            tx.documents.expect_new(document.id)
            tx.xrefs.seen(live.name, document, change.external_id, change.revision)
            process.run(tx, [Event(f"{change.kind}.received", document)], self.hear, cause)
            return
        owns = translator.document.owns
        self._update(tx, known.document_id, fields, owns=owns, cause=cause, change=change)

    def _update(
        self, tx: Tx, document_id: str, fields: Any, *, owns: Sequence[str], cause: Cause, change: Change
    ) -> None:
        ours = tx.documents.get(document_id)
        assert ours is not None, document_id
        seen = merge.make(change.kind, document_id, fields, cause.translated_by)
        merged = merge.merge(ours, seen, owns)
        if change.revision:
            tx.xrefs.newest(cause.actor, document_id, change.revision)
        if merged.too_late:
            self._too_late(tx, ours, merged, cause)
        if merged.changed:  # unchanged: an echo of our own write, or a repeat
            process.run(tx, [Event(f"{change.kind}.changed", merged.document)], self.hear, cause)

    def _too_late(self, tx: Tx, ours: Any, merged: merge.Merged, cause: Cause) -> None:
        evidence = {
            "from": cause.actor,
            "changes": [
                {"field": name, "agreed": _short(a), "now": _short(b)}
                for name, (a, b) in merged.too_late.items()
            ],
        }
        if tx.cases.answered_before(ours.id, "late_change", evidence):
            return
        named = ", ".join(merged.too_late)
        label = f"{ours.kind} {getattr(ours, 'number', ours.id)}"
        title = f"{cause.actor} changed {named} of {label} after it was {ours.state}"
        tx.cases.open(
            reason="late_change", title=title, now=tx.now, evidence=evidence, document_id=ours.id,
            order_id=promoted(ours).order, connection=cause.actor,
        )  # fmt: skip

    def _withdrawn(self, tx: Tx, live: Live, document_id: str, *, deleted: bool) -> None:
        document = tx.documents.get(document_id)
        state = str(getattr(document, "state", ""))
        if document is None or state in ("cancelled", "closed", "rejected"):
            return
        what = "deleted" if deleted else "no longer meets the mapping's `when`"
        evidence = {"from": live.name, "what": what, "state": state}
        if tx.cases.answered_before(document_id, "withdrawn", evidence):
            return
        number = getattr(document, "number", "") or document_id
        title = f"{document.kind} {number} ({state}) is {what} at {live.name}"
        tx.cases.open(
            reason="withdrawn", title=title, now=tx.now,
            evidence=evidence, document_id=document_id, order_id=promoted(document).order,
            connection=live.name,
        )  # fmt: skip

    # -- deliver -------------------------------------------------------------
    def deliver(self, connection: str, limit: int = OUTBOX_BATCH) -> int:
        """Claim documents wanted at a connection and bring it up to date. Returns how many were claimed."""
        live = self.registry.get(connection)
        limit = min(limit, self.pace.batch(connection))
        claimed_at = time.monotonic()
        with self.store.begin() as tx:
            rows = queue.claim_xref(
                tx.conn, connection, lease=self.bounds.lease + _quiesce(live), limit=limit,
                concurrency=live.manifest.limits.concurrency,
            )  # fmt: skip
        if not rows:
            return 0
        failpoint("deliver.claimed")
        full, slow = len(rows) == limit, self.pace.is_slow(connection)
        if full and slow:
            self.ring(connection)
        # a call that begins within this time has ended, and its quiesce time too, when the lease ends:
        # whoever takes the row over then finds what it did
        calling = max(self.bounds.lease - self.bounds.call, 0.0)
        with calls_until(claimed_at + calling):
            jobs = self._prepare(live, self._sound(XREF, rows))
            self._push_all(live, jobs, claimed_at + calling / 2)  # the other half ends what was begun
        if full and not slow:
            self.ring(connection)
        return len(rows)

    def _prepare(self, live: Live, rows: Sequence[Any]) -> Sequence[Job]:
        jobs: list[Job] = []
        broken: list[tuple[Any, Exception]] = []
        with self.store.look() as tx:
            tx.documents.prefetch([row.document_id for row in rows])
            for row in rows:
                try:
                    jobs.append(self._job(tx, live, row))
                except Exception as error:  # noqa: BLE001 - settled below, outside this snapshot
                    broken.append((row, error))
        for row, problem in broken:
            self._failed(XREF, row, problem)
        return jobs

    def _job(self, tx: Tx, live: Live, row: Any) -> Job:
        stored = tx.documents.stored(row.document_id)
        assert stored is not None, row.document_id
        shown = present(stored.document, tx.reader)
        record = live.translator(row.kind, "out").apply(shown, TxLookup(tx, live.name, outward=True))
        key = f"{row.document_id}:{stored.version}"
        write = Write(row.kind, record, row.external_id, row.document_id, key)
        return Job(row, write, stored.version)

    def _push_all(self, live: Live, jobs: Sequence[Job], until: float) -> None:
        began = time.monotonic()
        done: list[Done] = []
        for n, job in enumerate(jobs):
            start = time.monotonic()
            if n and start > until:
                self._put_back(jobs[n:])
                break
            try:
                external_id = self._push(live, job)
            except Exception as error:  # noqa: BLE001 - whatever a connector raises, the row must be settled
                if self._failed(XREF, job.row, error).slows:
                    self._put_back(jobs[n + 1 :])
                    break
            else:
                done.append(Done(job, external_id, int((time.monotonic() - start) * 1000)))
        self.pace.note(live.name, len(jobs), time.monotonic() - began)
        if done:
            self._settle(live, done)

    def _push(self, live: Live, job: Job) -> str:
        kind = live.manifest.kinds.get(job.write.kind, Kind())
        write = job.write
        if job.row.unsettled > 1 and kind.idempotency is not Idempotency.NATIVE and write.external_id is None:
            # an earlier attempt may have written and died before telling us: look first
            if kind.idempotency is Idempotency.NONE:
                raise UnknownOutcome(f"an earlier attempt may have created {write.kind} {write.reference}")
            write = write._replace(external_id=live.connector.find(write.kind, write.reference))
        failpoint("push.before")
        external_id: str = live.connector.push(write)
        failpoint("push.after")
        return external_id

    def _put_back(self, jobs: Sequence[Job]) -> None:
        with self.store.begin() as tx:
            queue.put_back(tx.conn, XREF, [job.row for job in jobs])

    def _settle(self, live: Live, done: Sequence[Done]) -> None:
        """All in one transaction; if another worker took a row over, each in its own."""
        arrived = [Sent(one.job.row, one.external_id, one.job.version) for one in done]
        try:
            with self._unit() as tx:
                together = tx.xrefs.sent(live.name, arrived)
                if not together and len(done) > 1:
                    raise Fenced("another worker holds one of these by now")
                connections.answered(tx.conn, live.name)
                for one in done:
                    self._note(tx, one, "done" if together else "fenced")
                failpoint("settle.before_commit")
        except Fenced:
            for one in done:
                self._settle(live, [one])

    def _note(self, tx: Tx, one: Done, outcome: str) -> None:
        row = one.job.row
        tx.trail.attempt(
            at=tx.now, row=row, verb="deliver", outcome=outcome, document_id=row.document_id,
            version=one.job.version, external_id=one.external_id, milliseconds=one.milliseconds,
        )  # fmt: skip
        if outcome == "done" and row.last_error:
            tx.cases.close_row(row.id, tx.now)

    # -- both ----------------------------------------------------------------
    def _sound(self, table: Any, rows: Sequence[Any]) -> Sequence[Any]:
        """Rows that may be tried. One whose every try ended without a word stops here, with a case."""
        spent = [row for row in rows if row.attempts > self.bounds.attempts_max]
        for row in spent:
            why = "none of its tries ended: it may be what kills the worker that takes it up"
            self._failed(table, row, Transient(why, code="worker_lost"))
        return [row for row in rows if row not in spent]

    def _failed(self, table: Any, row: Any, error: Exception) -> failures.Next:
        live = self.registry.all().get(row.connection)
        kinds = live.manifest.kinds if live else {}
        quiesce = kinds[row.kind].quiesce if table is XREF and row.kind in kinds else 0.0
        step = failures.after(
            error, attempts=row.attempts, attempts_max=self.bounds.attempts_max, age=_age(self.store, row),
            quiesce=quiesce,
        )  # fmt: skip
        with self.store.begin() as tx:
            settling.settle_failure(tx, table, row, error, step)
            failpoint("failure.before_commit")
        return step

    def hear(self, event: str) -> Sequence[str]:
        """The connections that exist and want to know of an event."""
        live = self.registry.all()
        return [name for name in self.routes.get(event, ()) if name in live]

    @contextmanager
    def _unit(self) -> Iterator[Tx]:
        """Commit first, ring after: a lost doorbell costs a delay, never an event."""
        with self.store.begin() as tx:
            yield tx
        failpoint("ring.before")
        for connection in tx.xrefs.rung:
            self.ring(connection)

    def sweep(self) -> int:
        """Ring for everything that is due: what makes every lost doorbell harmless."""
        with self.store.look() as tx:
            names = list(queue.due_connections(tx.conn))
            names += ["inbox"] if queue.inbox_due(tx.conn) else []
        for name in names:
            failpoint("sweep.before_ring")
            self.ring(name)
        return len(names)


def _quiesce(live: Live) -> float:
    """The longest time this system may take to carry out what it was told."""
    return max((kind.quiesce for kind in live.manifest.kinds.values()), default=0.0)


def _age(store: Store, row: Any) -> float:
    """Seconds since the row was wanted or received, by the hub's clock."""
    since = row.wanted_at if hasattr(row, "wanted_at") else row.received_at
    return (store.now() - since).total_seconds() if since else 0.0


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= EVIDENCE_MAX else text[:EVIDENCE_MAX] + "..."
