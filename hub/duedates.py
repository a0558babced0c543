"""Time passes by itself: invoices fall due, money that was announced and answers do not come.

Looked at once a business day and process: those who show invoices hear which became overdue, and a person is
asked about remittances and payouts whose money is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime

from hub import process
from hub.engine import Hub
from hub.model import Interchange, Invoice, Payout, Remittance
from hub.process import Cause
from hub.stages import interchanging, paying_out, receivables, remitting
from hub.stages.outcome import Outcome
from hub.store import views
from hub.store.tx import Tx

LOOK_SECONDS = 60.0  # between two looks for acknowledgments that are late
BATCH = 100  # documents of one transaction
_DUE = Cause("hub", "due date")


class DueDates:
    """Looks once per business day and process; an invoice that was told of is not told of again."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._seen: date | None = None
        self._asked: datetime | None = None

    def look(self) -> int:
        """Invoices that fell due unpaid since the last look become so; returns how many.

        Remittances and payouts whose money is missing become cases, unless a person has answered that.
        """
        today = self.hub.store.now().date()
        if self._seen == today:
            return 0
        found = self._each(_unpaid, self._fall_due)
        self._each(_announced, self._miss)
        self._each(_paid_out, self._miss)
        self._seen = today
        return found

    def look_for_answers(self) -> int:
        """Interchanges whose acknowledgment is late become so, and a person is asked; returns how many."""
        now = self.hub.store.now()
        if self._asked is not None and (now - self._asked).total_seconds() < LOOK_SECONDS:
            return 0
        self._asked = now
        return self._each(_unanswered, self._fall_silent)

    def _fall_silent(self, tx: Tx, document_id: str) -> bool:
        interchange = tx.documents.get(document_id)
        assert isinstance(interchange, Interchange), document_id
        outcome = interchanging.overdue(interchange, tx.now)
        self._carry(tx, outcome)
        return bool(outcome.events)

    def _each(self, page: Callable[[Tx, str], Sequence[str]], tell: Callable[[Tx, str], bool]) -> int:
        """All of them in pages, each page in a transaction of its own; returns how many were told of."""
        found, after = 0, ""
        while True:
            with self.hub.store.look() as tx:
                ids = page(tx, after)
            if not ids:
                return found
            with self.hub.store.begin() as tx:
                found += sum(tell(tx, document_id) for document_id in ids)
            for connection in tx.xrefs.rung:
                self.hub.ring(connection)
            after = ids[-1]

    def _fall_due(self, tx: Tx, document_id: str) -> bool:
        invoice = tx.documents.get(document_id)
        assert isinstance(invoice, Invoice), document_id
        outcome = receivables.fall_due(invoice, tx.reader)
        self._carry(tx, outcome)
        return bool(outcome.events)

    def _miss(self, tx: Tx, document_id: str) -> bool:
        document = tx.documents.get(document_id)
        if isinstance(document, Payout):
            outcome = paying_out.overdue(document, tx.reader)
        else:
            assert isinstance(document, Remittance), document_id
            outcome = remitting.overdue(document, tx.reader)
        fresh = [x for x in outcome.cases if not tx.cases.answered_before(document_id, x.reason, x.evidence)]
        self._carry(tx, replace(outcome, cases=fresh))
        return bool(fresh)

    def _carry(self, tx: Tx, outcome: Outcome) -> None:
        process.run(tx, process.apply(tx, outcome, _DUE), self.hub.addressees, _DUE)


def _unpaid(tx: Tx, after: str) -> Sequence[str]:
    return views.unpaid_before(tx.conn, tx.reader.today, limit=BATCH, after=after)


def _announced(tx: Tx, after: str) -> Sequence[str]:
    return views.announced_before(tx.conn, tx.reader.today, limit=BATCH, after=after)


def _paid_out(tx: Tx, after: str) -> Sequence[str]:
    return views.paid_out_before(tx.conn, tx.reader.today, limit=BATCH, after=after)


def _unanswered(tx: Tx, after: str) -> Sequence[str]:
    return views.unanswered_at(tx.conn, tx.now.date(), limit=BATCH, after=after)
