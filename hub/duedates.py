"""Due dates pass by themselves: once a business day those who show invoices hear which became overdue."""

from __future__ import annotations

from datetime import date

from hub import process
from hub.engine import Hub
from hub.model import Invoice
from hub.process import Cause
from hub.stages import receivables
from hub.store import views

BATCH = 100  # invoices of one transaction


class DueDates:
    """Looks once per business day and process; an invoice that was told of is not told of again."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._seen: date | None = None

    def look(self) -> int:
        """Invoices that fell due unpaid since the last look become so; returns how many."""
        today = self.hub.store.now().date()
        if self._seen == today:
            return 0
        found, after = 0, ""
        while True:
            with self.hub.store.look() as tx:
                ids = views.unpaid_before(tx.conn, tx.reader.today, limit=BATCH, after=after)
            if not ids:
                break
            found += self._tell(ids)
            after = ids[-1]
        self._seen = today
        return found

    def _tell(self, ids: list[str]) -> int:
        told = 0
        with self.hub.store.begin() as tx:
            for document_id in ids:
                invoice = tx.documents.get(document_id)
                assert isinstance(invoice, Invoice), document_id
                outcome = receivables.fall_due(invoice, tx.reader)
                if outcome.events:
                    cause = Cause("hub", "due date")
                    process.run(tx, process.apply(tx, outcome, cause), self.hub.addressees, cause)
                    told += 1
        for connection in tx.xrefs.rung:
            self.hub.ring(connection)
        return told
