"""Deliver: a connection is brought up to date with the documents it should have; look before a repeat."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from hub.composing import Composing, Job
from hub.connector import Candidate, Idempotency, Kind, Write
from hub.core import TxLookup, abroad
from hub.errors import Ambiguous, ConnectorError, Fenced, NotYet, Transient, UnknownOutcome
from hub.failpoints import failpoint
from hub.http import calls_until
from hub.model import Document
from hub.present import echo, present
from hub.registry import Live
from hub.stages import knowing
from hub.store import access, connections, queue, records
from hub.store.promoted import promoted
from hub.store.tables import XREF
from hub.store.tx import Tx
from hub.store.xrefs import Sent

OUTBOX_BATCH = 64
CANDIDATES_MAX = 20  # that a person is shown
SAME_COMPANY_SECONDS = 1.0  # until the other one is there, and is found
HELD_UP_SECONDS = 60.0  # until a row looks again whether a person has answered for what it waits for


class Done(NamedTuple):
    """A job that got through, under which id, and how long the call took."""

    job: Job
    external_id: str
    milliseconds: int


class Outward(Composing):
    """The verb that brings systems up to date."""

    def deliver(self, connection: str, limit: int = OUTBOX_BATCH) -> int:
        """Claim documents wanted at a connection and bring it up to date. Returns how many were claimed."""
        live = self.registry.get(connection)
        limit = max(min(limit, self.pace.batch(connection)), live.batches)
        claimed_at = time.monotonic()
        with self.store.begin() as tx:
            rows = queue.claim_xref(
                tx.conn, connection, lease=self.bounds.lease + _quiesce(live), limit=limit,
                concurrency=_batches_at_once(live.concurrency),
            )  # fmt: skip
        if not rows:
            return 0
        failpoint("deliver.claimed")
        full, slow = len(rows) == limit, self.pace.is_slow(connection)
        if full:
            self.ring(connection)  # others can wait for this system beside us
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
        passed: list[Sent] = []
        broken: list[tuple[Any, Exception]] = []
        with self.store.look() as tx:
            tx.documents.prefetch([row.document_id for row in rows])
            for row in rows:
                try:
                    job, version = self._job(tx, live, row)
                except Exception as error:  # noqa: BLE001 - settled below, outside this snapshot
                    broken.append((row, _patient(tx, live.name, error)))
                else:
                    jobs += [job] if job else []
                    passed += [] if job else [Sent(row, row.external_id, version)]
        for row, problem in broken:
            self._failed(XREF, row, problem)
        if passed:
            with self._unit() as tx:
                tx.xrefs.sent(live.name, passed)
        return jobs

    def _job(self, tx: Tx, live: Live, row: Any) -> tuple[Job | None, int]:
        """What to write, in which version; nothing where the mapping's `when` says it is not for there."""
        stored = tx.documents.stored(row.document_id)
        assert stored is not None, row.document_id
        shown = present(stored.document, tx.reader, abroad(tx, live.name))
        if live.manifest.kinds.get(row.kind, Kind()).echoed:
            shown |= echo(stored.document, tx.reader) | {"theirs": self._theirs(tx, live, stored.document)}
        translator, lookup = live.translator(row.kind, "out"), TxLookup(tx, live.name, outward=True)
        if not translator.applies(shown, lookup):
            return None, stored.version
        record = translator.apply(shown, lookup)
        key = f"{row.document_id}:{stored.version}"
        write = Write(row.kind, record, row.external_id, row.document_id, key)
        return Job(row, write, stored.version), stored.version

    def _theirs(self, tx: Tx, live: Live, document: Document) -> Sequence[Any]:
        """What this connection told us of the order that a document belongs to, the order first."""
        return records.of_order(tx.conn, live.name, promoted(document).order)

    def _push_all(self, live: Live, jobs: Sequence[Job], until: float) -> None:
        began = time.monotonic()
        size = live.batches
        jobs = self._compose_all(live, jobs)
        done: list[Done] = []
        for at in range(0, len(jobs), size):
            part, start = jobs[at : at + size], time.monotonic()
            if at and start > until:
                self._put_back(jobs[at:])
                break
            answers = self._push_many(live, part) if size > 1 else [self._push_one(live, part[0])]
            spent = int((time.monotonic() - start) * 1000 / len(part))
            slowed, alive = False, any(isinstance(answer, str) for answer in answers)
            for job, answer in zip(part, answers, strict=True):
                if isinstance(answer, str):
                    done.append(Done(job, answer, spent))
                else:
                    slowed |= self._failed(XREF, job.row, answer, alive=alive).slows
            if slowed:
                self._put_back(jobs[at + size :])
                break
        self.pace.note(live.name, len(jobs), time.monotonic() - began)
        if done:
            self._settle(live, done)

    def _push_one(self, live: Live, job: Job) -> str | Exception:
        try:
            with self._alone(live, job.write):
                write = self._ready(live, job)
                failpoint("push.before")
                external_id: str = live.connector.push(write)
                failpoint("push.after")
        except Exception as error:  # noqa: BLE001 - whatever a connector raises, the row must be settled
            return error
        return external_id

    @contextmanager
    def _alone(self, live: Live, write: Write) -> Iterator[None]:
        """Nobody else looks for the same company there, or creates it, before we have: two would be made.

        Raises NotYet while somebody does.
        """
        names = _same_company(live, write)
        if not names:
            yield
            return
        holder = uuid.uuid4().hex
        with self.store.begin() as tx:
            if not all(
                access.lead(self.store.database, tx.conn, n, holder, self.bounds.lease) for n in names
            ):
                told = "another document of the same company is being written there"
                raise NotYet(told, code="same_company", sent=False, retry_after=SAME_COMPANY_SECONDS)
        try:
            yield
        finally:
            with self.store.begin() as tx:
                access.leave(tx.conn, names, holder)

    def _push_many(self, live: Live, jobs: Sequence[Job]) -> Sequence[str | Exception]:
        """One answer per job. A call that failed as a whole failed for each of them."""
        answers: dict[int, str | Exception] = {}
        writes: dict[int, Write] = {}
        for at, job in enumerate(jobs):
            try:
                writes[at] = self._ready(live, job)
            except Exception as error:  # noqa: BLE001 - of this one job; the others go on
                answers[at] = error
        if writes:
            answers |= zip(writes, self._told(live, list(writes.values())), strict=True)
        return [answers[at] for at in range(len(jobs))]

    def _told(self, live: Live, writes: Sequence[Write]) -> Sequence[str | Exception]:
        try:
            failpoint("push.before")
            found: Sequence[str | Exception] = live.connector.push_many(writes)
            failpoint("push.after")
        except Exception as error:  # noqa: BLE001 - whatever a connector raises, every row must be settled
            return [error] * len(writes)
        if len(found) != len(writes):
            told = f"{len(found)} answers to {len(writes)} writes"
            return [Transient(f"{live.manifest.name} gave {told}", code="bad_answer")] * len(writes)
        return found

    def _ready(self, live: Live, job: Job) -> Write:
        """The write as it may go out now. Raises UnknownOutcome where nobody can tell what became of it."""
        kind = live.manifest.kinds.get(job.write.kind, Kind())
        write, matched = job.write, kind.matched and live.matches
        if write.external_id is not None:
            return write
        if job.row.unsettled > 1 and (matched or kind.idempotency is not Idempotency.NATIVE):
            # an earlier attempt may have written and died before telling us: look first
            if kind.idempotency is Idempotency.NONE:
                raise UnknownOutcome(f"an earlier attempt may have created {write.kind} {write.reference}")
            write = write._replace(external_id=live.connector.find(write.kind, write.reference))
        return self._recognised(live, job, write) if matched and write.external_id is None else write

    def _recognised(self, live: Live, job: Job, write: Write) -> Write:
        """Is it there already, before we write a new one? Raises Ambiguous where a person must say it."""
        try:
            found = live.connector.candidates(write)[:CANDIDATES_MAX]
        except ConnectorError as error:
            error.sent = False  # whatever happened there: it was asked, and not told to write
            raise
        if not found:
            return write
        with self.store.look() as tx:
            taken = _taken(tx, live.name, write, found)
            declined = tx.cases.declined(write.reference, live.name)
        judged = knowing.judge(found, taken, declined)
        if judged.doubt:
            wanted = write.record.get("match") or {}
            raise Ambiguous(judged.doubt, knowing.evidence(found, taken, wanted))
        return self._linked(live, job, judged.link) if judged.link else write

    def _linked(self, live: Live, job: Job, found: Candidate) -> Write:
        """Known by that id from now on, also should this worker die before it has told anything."""
        row, write = job.row, job.write
        with self.store.begin() as tx:
            if not tx.xrefs.link(row, found.external_id):
                raise Fenced("another worker holds this row by now")
            tx.trail.event(
                at=tx.now, document_id=row.document_id, order_id="", kind=row.kind, version=job.version,
                event=f"{row.kind}.linked", actor="hub", cause=row.id,
                detail={"connection": live.name, **found._asdict()},
            )  # fmt: skip
        failpoint("link.after")
        return write._replace(external_id=found.external_id)

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
                if connections.answered(tx.conn, live.name):
                    tx.cases.close_rest(live.name, tx.now)
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


def _batches_at_once(calls: int) -> int:
    """Somewhat more than may call at a time: while these wait for the vendor, others prepare or settle."""
    return calls + 2 + calls // 4


def _same_company(live: Live, write: Write) -> Sequence[str]:
    """A name for each thing that two documents of one company would share, where a look-up goes by them."""
    kind = live.manifest.kinds.get(write.kind, Kind())
    told = write.record.get("match")
    if not (kind.matched and live.matches) or write.external_id is not None or not isinstance(told, Mapping):
        return ()
    shared = [f"{live.account}/{key}/{str(value).strip().casefold()}" for key, value in told.items() if value]
    return sorted(f"match/{hashlib.sha256(one.encode()).hexdigest()[:40]}" for one in shared)


def _taken(tx: Tx, connection: str, write: Write, found: Sequence[Candidate]) -> Mapping[str, str]:
    """Which of them are other documents of ours at this connection, with what people call those."""
    tx.xrefs.prefetch(connection, [(write.kind, one.external_id) for one in found])
    named: dict[str, str] = {}
    for one in found:
        known = tx.xrefs.known(connection, write.kind, one.external_id)
        if known is not None and known.document_id != write.reference:
            owner = tx.documents.get(known.document_id)
            named[one.external_id] = getattr(owner, "name", "") or known.document_id
    return named


def _patient(tx: Tx, connection: str, error: Exception) -> Exception:
    """What waits for a document that waits for a person waits as long, and asks no question of its own."""
    if isinstance(error, NotYet) and error.code and tx.xrefs.is_stopped(connection, error.code):
        error.retry_after = HELD_UP_SECONDS
    return error


def _quiesce(live: Live) -> float:
    """The longest time this system may take to carry out what it was told."""
    return max((kind.quiesce for kind in live.manifest.kinds.values()), default=0.0)
