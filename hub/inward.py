"""Process: what a delivery says is translated, merged, and carried through the stages in one transaction."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any, NamedTuple

import structlog

from hub import merge, process
from hub.connector import Change
from hub.core import TxLookup
from hub.errors import Conflict, Fenced, Held, Transient
from hub.failpoints import failpoint
from hub.mapping import Translator
from hub.model import CreditMemo, Document, Order, OrderState, Payment
from hub.process import Cause
from hub.reading import INBOX_BATCH, Reading, Told, parts
from hub.registry import Live
from hub.stages import amending
from hub.stages.outcome import Event
from hub.store import queue
from hub.store.database import new_id
from hub.store.promoted import promoted
from hub.store.records import Kept
from hub.store.tables import INBOX
from hub.store.tx import Tx
from hub.store.xrefs import Known

log = structlog.get_logger("o2c.inward")
EVIDENCE_MAX = 1_000
FAILED_MAX = 1_000  # objects of one delivery that may fail before the rest of it is not tried
_AGREED = (OrderState.APPROVED, OrderState.PART_INVOICED, OrderState.INVOICED)


class Translated(NamedTuple):
    """A change in canonical words; no fields: its mapping says it is none of our business."""

    translator: Translator
    fields: Mapping[str, Any] | None


class Begun(NamedTuple):
    """A delivery with what it says. None among `translated`: to be translated in the transaction."""

    row: Any
    changes: Sequence[Change]
    translated: Sequence[Translated | None]
    asked_at: datetime


class Inward(Reading):
    """The verb that turns deliveries into documents."""

    def process(self, limit: int = INBOX_BATCH) -> int:
        """Claim due deliveries and carry each through the whole process. Returns how many were claimed."""
        limit = min(limit, self.pace.batch("inbox"))
        rows = self._claim_inbox(limit)
        if not rows:
            return 0
        failpoint("process.claimed")
        full, slow = len(rows) >= limit, self.pace.is_slow("inbox")
        if full and slow:
            self.ring("inbox")  # others can wait for these systems beside us
        began = time.monotonic()
        told = self._read_all(self._sound(INBOX, rows), began)
        self.pace.note("inbox", len(rows), time.monotonic() - began)
        applied: set[int] = set()
        usual = [one for one in told if len(one.changes) <= self.bounds.part]
        large = [one for one in told if len(one.changes) > self.bounds.part]
        for at in range(0, len(usual), INBOX_BATCH):
            if at and time.monotonic() > began + self.bounds.absorbing:
                self._let_wait([*usual[at:], *large])
                break
            self._absorb(self._translate(usual[at : at + INBOX_BATCH], applied), applied)
        else:
            for n, one in enumerate(large):
                if n and time.monotonic() > began + self.bounds.absorbing:
                    self._let_wait(large[n:])
                    break
                self._absorb_large(one)
        if full and not slow:
            self.ring("inbox")  # quick work: one worker after the other, or they only fight for the lock
        return len(rows)

    def _let_wait(self, told: Sequence[Told]) -> None:
        with self.store.begin() as tx:
            queue.put_back(tx.conn, INBOX, [one.row for one in told])

    def _translate(self, told: Sequence[Told], applied: set[int]) -> Sequence[Begun]:
        """Apply mappings before the writing transaction begins, so that it holds its lock only briefly."""
        done: dict[int, Translated | None] = dict.fromkeys(applied)
        with self.store.look() as tx:
            self._prefetch(tx, told)
            for one in told:
                for change in one.changes:
                    if id(change) not in done:
                        done[id(change)] = self._try(tx, one.row, change)
        return [
            Begun(one.row, one.changes, tuple(done[id(change)] for change in one.changes), one.asked_at)
            for one in told
        ]

    def _prefetch(self, tx: Tx, told: Sequence[Told | Begun]) -> None:
        things: dict[str, set[tuple[str, str]]] = {}
        for one in told:
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

    def _absorb(self, begun: Sequence[Begun], applied: set[int]) -> None:
        """All in one transaction; if any of them fails, each in its own, so that one cannot hold up many.

        On PostgreSQL each has its own from the start: two batches that lock customers in different orders
        would wait for each other. One that lost such a wait is tried again at once.
        """
        if len(begun) > 1 and not self.store.database.is_sqlite:
            for one in begun:
                self._absorb([one], applied)
            return
        for last in (False, False, True):
            try:
                return self._absorb_together(begun, applied)
            except Conflict as error:
                if last or len(begun) > 1:
                    return self._absorb_apart(begun, applied, error)
            except Exception as error:  # noqa: BLE001 - each row must be settled, whatever went wrong
                return self._absorb_apart(begun, applied, error)

    def _absorb_apart(self, begun: Sequence[Begun], applied: set[int], error: Exception) -> None:
        if len(begun) > 1:
            for one in begun:
                self._absorb([one], applied)
            return
        failed: Mapping[int, Exception] = {0: error}
        if len(begun[0].changes) > 1 and not isinstance(error, Fenced | Held):
            failed = self._absorb_piecemeal(begun[0], applied)
        if failed:
            self._keep_refused(begun[0], failed)
            self._failed(INBOX, begun[0].row, _gravest(list(failed.values())))

    def _absorb_piecemeal(self, one: Begun, applied: set[int]) -> Mapping[int, Exception]:
        """One object of a delivery must not hold up the others. Returns failures by place.

        The delivery is settled when none did; else it is tried again as a whole, which changes nothing for
        those that got through.
        """
        failed = self._absorb_halves(one, applied)
        if not failed:
            try:
                self._absorb_together([one._replace(changes=[], translated=[])], applied)
            except Exception as error:  # noqa: BLE001 - the row is settled by the caller, this failure too
                failed[0] = error
        return failed

    def _absorb_halves(self, one: Begun, applied: set[int]) -> dict[int, Exception]:
        """Each half by itself, halved again where it fails, so that a few failures cost few transactions."""
        failed: dict[int, Exception] = {}
        middle = len(one.changes) // 2
        for first, last in ((0, middle), (middle, len(one.changes))):
            part = one._replace(changes=one.changes[first:last], translated=one.translated[first:last])
            try:
                self._absorb_together([part], applied, settles=False)
            except Exception as error:  # noqa: BLE001 - told to the caller, who settles the row
                deeper = {0: error}
                if last - first > 1 and not isinstance(error, Fenced):
                    deeper = self._absorb_halves(part, applied)
                failed |= {first + at: why for at, why in deeper.items()}
        return failed

    def _absorb_large(self, told: Told) -> None:
        """A delivery of very many objects: part by part, each in a transaction, the claim renewed before.

        Killed in between it begins anew, which changes nothing for the parts that got through. Nothing is
        kept of a part once it is absorbed.
        """
        row, failed = told.row, list[Exception]()
        try:
            for changes in parts(chain(told.changes, told.rest), self.bounds.part):
                row = self._renewed(row)
                failed += self._absorb_part(Told(row, changes, told.asked_at))
                failpoint("process.part")
                if len(failed) > FAILED_MAX:
                    break  # it is not about single objects
            if not failed:
                row = self._renewed(row)
                self._absorb_together([Begun(row, (), (), told.asked_at)], set())
        except Exception as error:  # noqa: BLE001 - the row must be settled, whatever went wrong
            failed.append(error)
        if failed:
            self._failed(INBOX, row, _gravest(failed))

    def _renewed(self, row: Any) -> Any:
        with self.store.begin() as tx:
            held = queue.renew(tx.conn, row, self.bounds.lease)
        if held is None:
            raise Fenced("the delivery was taken over by another worker")
        return held

    def _absorb_part(self, told: Told) -> Sequence[Exception]:
        """All of a part, or all of it but what fails."""
        [begun] = self._translate([told], set())
        taken = set[int]()
        for last in (False, False, True):
            try:
                self._absorb_together([begun], taken, settles=False)
                return ()
            except Conflict as error:
                if last and len(begun.changes) == 1:
                    return [error]
            except Held:
                raise  # nothing else of the delivery may be taken
            except Exception as error:  # noqa: BLE001 - which object it is about is found by halving
                if isinstance(error, Fenced) or len(begun.changes) == 1:
                    return self._told_apart(begun, {0: error})
                break
        return self._told_apart(begun, self._absorb_halves(begun, taken))

    def _told_apart(self, begun: Begun, failed: Mapping[int, Exception]) -> Sequence[Exception]:
        if failed:
            self._keep_refused(begun, failed)
        return list(failed.values())

    def _absorb_together(self, begun: Sequence[Begun], applied: set[int], *, settles: bool = True) -> None:
        taken = set(applied)
        with self._unit() as tx:
            self._prefetch(tx, begun)
            for one in begun:
                if not settles and not queue.is_held(tx.conn, one.row):
                    raise Fenced("the delivery was taken over by another worker")
                self._take_all(tx, one, taken)
            failpoint("process.before_settle")
            if settles:
                self._settle_inbox(tx, [one.row for one in begun])
        applied |= taken

    def _settle_inbox(self, tx: Tx, rows: Sequence[Any]) -> None:
        if not queue.processed(tx.conn, rows):
            raise Fenced("a delivery was taken over by another worker")
        for row in rows:
            if row.last_error:
                tx.cases.close_row(row.id, tx.now)

    def _take_all(self, tx: Tx, one: Begun, taken: set[int]) -> None:
        live = self.registry.get(one.row.connection)
        for change, translated in zip(one.changes, one.translated, strict=True):
            if id(change) in taken:
                continue  # another delivery of this batch named it too
            taken.add(id(change))
            as_of = change.as_of or one.asked_at
            self._take(tx, live, one.row, change._replace(as_of=as_of), translated)

    def _take(self, tx: Tx, live: Live, row: Any, change: Change, translated: Translated | None) -> None:
        if change.problem is not None:
            raise change.problem
        known = tx.xrefs.known(live.name, change.kind, change.external_id)
        if change.merged_into:
            return self._merged(tx, live, change, known)
        if known is not None and known.is_ahead(change.revision, change.as_of):
            return  # overtaken on the way: we have seen a newer state of it
        translator, fields = translated or self._translated(tx, live, change)
        label = translator.label
        cause = Cause(live.name, row.id, live.name, label)
        if fields is None:
            self._keep(tx, cause, change, known.document_id if known else "")
            if known is not None:
                self._withdrawn(tx, known.document_id, cause, deleted=change.record is None)
            return
        if known is None:
            document = merge.make(change.kind, new_id(), fields, label)
            tx.documents.expect_new(document.id)
            tx.xrefs.seen(live.name, document, change.external_id, change.revision, change.as_of)
            self._keep(tx, cause, change, document.id)
            process.run(tx, [Event(f"{change.kind}.received", document)], self.addressees, cause)
            return
        self._keep(tx, cause, change, known.document_id)
        owns = translator.document.owns
        self._update(tx, known.document_id, fields, owns=owns, cause=cause, change=change)

    def _merged(self, tx: Tx, live: Live, change: Change, known: Known | None) -> None:
        """Ours follows to the object that survived; where that one is ours as well, a human decides."""
        if known is None:
            return
        survivor = tx.xrefs.known(live.name, change.kind, change.merged_into)
        if survivor is None:
            tx.xrefs.rename(live.name, change.kind, change.external_id, change.merged_into)
            return
        document, other = tx.documents.get(known.document_id), tx.documents.get(survivor.document_id)
        evidence = {
            "from": live.name, "merged": change.external_id, "into": change.merged_into,
            "survivor": survivor.document_id, "survivor_is": _label(other),
        }  # fmt: skip
        if document is None or tx.cases.answered_before(document.id, "merged", evidence):
            return
        title = f"{live.name} merged {document.kind} {_label(document)} into {_label(other)}"
        tx.cases.open(
            reason="merged", title=title, now=tx.now, evidence=evidence, document_id=document.id,
            order_id=promoted(document).order, connection=live.name,
        )  # fmt: skip

    def _keep(self, tx: Tx, cause: Cause, change: Change, document_id: str) -> None:
        """For what people ask later: where a value comes from, what another mapping would make."""
        if change.record is not None:
            tx.records.keep(
                Kept(
                    connection=cause.origin, kind=change.kind, external_id=change.external_id,
                    document_id=document_id, inbox_id=cause.id, translated_by=cause.translated_by,
                    at=tx.now, record=change.record,
                )
            )  # fmt: skip

    def _keep_refused(self, one: Begun, failed: Collection[int]) -> None:
        """What could not be translated is what the next version of a mapping is tried on first."""
        cause = Cause(one.row.connection, one.row.id, one.row.connection)
        only = [change for at, change in enumerate(one.changes) if at in failed]
        try:
            with self.store.begin() as tx:
                for change in only:
                    known = tx.xrefs.known(cause.origin, change.kind, change.external_id)
                    self._keep(tx, cause, change, known.document_id if known else "")
        except Exception as error:  # noqa: BLE001 - the row must still be settled, and the rest of the batch too
            log.warning("record_not_kept", connection=cause.origin, error=type(error).__name__)

    def _update(
        self, tx: Tx, document_id: str, fields: Any, *, owns: Sequence[str], cause: Cause, change: Change
    ) -> None:
        ours = tx.documents.get(document_id)
        assert ours is not None, document_id
        seen = merge.make(change.kind, document_id, fields, cause.translated_by)
        elsewhere = ours.kind in merge.ELSEWHERE and tx.reader.origin(document_id) != cause.actor
        merged = merge.merge(ours, seen, owns, elsewhere=elsewhere)
        if elsewhere and "cancelled_on" in owns and getattr(seen, "cancelled_on", None) is not None:
            self._gone(tx, ours, cause.actor, "cancelled")
        if change.revision:
            tx.xrefs.newest(cause.actor, document_id, change.revision, change.as_of)
        if merged.too_late:
            self._too_late(tx, ours, seen, merged, cause)
        if merged.changed:  # unchanged: an echo of our own write, or a repeat
            process.run(tx, [Event(f"{change.kind}.changed", merged.document)], self.addressees, cause)

    def _too_late(self, tx: Tx, ours: Any, seen: Any, merged: merge.Merged, cause: Cause) -> None:
        evidence: dict[str, Any] = {
            "from": cause.actor,
            "changes": [
                {"field": name, "agreed": _short(a), "now": _short(b)}
                for name, (a, b) in merged.too_late.items()
            ],
        }
        if isinstance(ours, Payment | CreditMemo):
            evidence["proposed"] = seen.model_dump(mode="json", include=set(merged.too_late))
        if isinstance(ours, Order):
            evidence |= amending.evidence(amending.proposal(ours, seen, tx.reader))
            evidence["proposed"] = seen.model_dump(mode="json", include=set(merged.too_late))
        if tx.cases.answered_before(ours.id, "late_change", evidence):
            return
        named = ", ".join(merged.too_late)
        label = f"{ours.kind} {getattr(ours, 'number', ours.id)}"
        title = f"{cause.actor} changed {named} of {label} after it was {ours.state}"
        tx.cases.open(
            reason="late_change", title=title, now=tx.now, evidence=evidence, document_id=ours.id,
            order_id=promoted(ours).order, connection=cause.actor,
        )  # fmt: skip

    def _withdrawn(self, tx: Tx, document_id: str, cause: Cause, *, deleted: bool) -> None:
        document = tx.documents.get(document_id)
        if document is None:
            return
        booked = document.kind in merge.ELSEWHERE
        if deleted and booked and tx.reader.origin(document_id) == cause.actor:
            if (
                getattr(document, "cancelled_on", None) is None
            ):  # else it is known, and perhaps a person asked
                gone = document.model_copy(update={"cancelled_on": tx.reader.today})
                process.run(tx, [Event(f"{document.kind}.changed", gone)], self.addressees, cause)
            return
        if deleted and str(getattr(document, "state", "")) == "closed":
            return  # what is paid and deleted there was tidied up
        self._gone(
            tx, document, cause.actor, "deleted" if deleted else "no longer meets the mapping's `when`"
        )

    def _gone(self, tx: Tx, document: Document, connection: str, what: str) -> None:
        """Ask a person about what is gone at a system."""
        state, document_id = str(getattr(document, "state", "")), document.id
        if state in ("cancelled", "rejected", "reversed"):
            return
        evidence: dict[str, Any] = {"from": connection, "what": what, "state": state}
        if isinstance(document, Order) and document.state in _AGREED:
            evidence |= amending.evidence(amending.proposal(document, None, tx.reader))
        if tx.cases.answered_before(document_id, "withdrawn", evidence):
            return
        number = getattr(document, "number", "") or document_id
        title = f"{document.kind} {number} ({state}) is {what} at {connection}"
        tx.cases.open(
            reason="withdrawn", title=title, now=tx.now,
            evidence=evidence, document_id=document_id, order_id=promoted(document).order,
            connection=connection,
        )  # fmt: skip


def _gravest(errors: Sequence[Exception]) -> Exception:
    """What decides about a delivery of which several objects failed: first what waiting can heal."""
    return next((error for error in errors if isinstance(error, Transient)), errors[0])


def _label(document: Any) -> str:
    """How people call a document."""
    return getattr(document, "number", "") or getattr(document, "name", "") or getattr(document, "id", "?")


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= EVIDENCE_MAX else text[:EVIDENCE_MAX] + "..."
