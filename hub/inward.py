"""Process: a delivery is read, translated, merged, and carried through the stages in one transaction."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson
import structlog

from hub import merge, process
from hub.connector import Change, Delivery
from hub.core import Core, TxLookup
from hub.errors import Conflict, Fenced
from hub.failpoints import failpoint
from hub.mapping import Translator
from hub.process import Cause
from hub.registry import Live
from hub.stages.outcome import Event
from hub.store import queue
from hub.store.database import new_id
from hub.store.documents import promoted
from hub.store.records import Kept
from hub.store.tables import INBOX
from hub.store.tx import Tx

log = structlog.get_logger("o2c.inward")
INBOX_BATCH = 64
EVIDENCE_MAX = 1_000


class Translated(NamedTuple):
    """A change in canonical words; no fields: its mapping says it is none of our business."""

    translator: Translator
    fields: Mapping[str, Any] | None


class Begun(NamedTuple):
    """A claimed delivery with what it says. None among `translated`: to be translated in the transaction."""

    row: Any
    changes: Sequence[Change]
    translated: Sequence[Translated | None]


class Inward(Core):
    """The verb that turns deliveries into documents."""

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
        """All in one transaction; if any of them fails, each in its own, so that one cannot hold up many.

        On PostgreSQL each has its own from the start: two batches that lock customers in different orders
        would wait for each other. One that lost such a wait is tried again at once.
        """
        if len(begun) > 1 and not self.store.database.is_sqlite:
            for one in begun:
                self._absorb([one])
            return
        for last in (False, False, True):
            try:
                return self._absorb_together(begun)
            except Conflict as error:
                if last or len(begun) > 1:
                    return self._absorb_apart(begun, error)
            except Exception as error:  # noqa: BLE001 - each row must be settled, whatever went wrong
                return self._absorb_apart(begun, error)

    def _absorb_apart(self, begun: Sequence[Begun], error: Exception) -> None:
        if len(begun) == 1:
            self._keep_refused(begun[0])
            self._failed(INBOX, begun[0].row, error)
            return
        for one in begun:
            self._absorb([one])

    def _absorb_together(self, begun: Sequence[Begun]) -> None:
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

    def _take_all(self, tx: Tx, one: Begun) -> None:
        live = self.registry.get(one.row.connection)
        for change, translated in zip(one.changes, one.translated, strict=True):
            self._take(tx, live, one.row, change, translated)

    def _take(self, tx: Tx, live: Live, row: Any, change: Change, translated: Translated | None) -> None:
        known = tx.xrefs.known(live.name, change.kind, change.external_id)
        if known is not None and change.revision and known.revision and change.revision < known.revision:
            return  # overtaken on the way: we have seen a newer state of it
        translator, fields = translated or self._translated(tx, live, change)
        label = translator.label
        cause = Cause(live.name, row.id, live.name, label)
        if fields is None:
            self._keep(tx, cause, change, known.document_id if known else "")
            if known is not None:
                self._withdrawn(tx, live, known.document_id, deleted=change.record is None)
            return
        if known is None:
            document = merge.make(change.kind, new_id(), fields, label)
            tx.documents.expect_new(document.id)
            tx.xrefs.seen(live.name, document, change.external_id, change.revision)
            self._keep(tx, cause, change, document.id)
            process.run(tx, [Event(f"{change.kind}.received", document)], self.hear, cause)
            return
        self._keep(tx, cause, change, known.document_id)
        owns = translator.document.owns
        self._update(tx, known.document_id, fields, owns=owns, cause=cause, change=change)

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

    def _keep_refused(self, one: Begun) -> None:
        """What could not be translated is what the next version of a mapping is tried on first."""
        cause = Cause(one.row.connection, one.row.id, one.row.connection)
        try:
            with self.store.begin() as tx:
                for change in one.changes:
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


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= EVIDENCE_MAX else text[:EVIDENCE_MAX] + "..."
