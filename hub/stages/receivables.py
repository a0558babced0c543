"""Receivables: an issued invoice becomes an open item of the customer."""

from __future__ import annotations

from hub import ledger
from hub.model import Invoice
from hub.stages.outcome import Event, Outcome, Reader


def open_item(invoice: Invoice, read: Reader) -> Outcome:
    """Post what the customer owes."""
    return Outcome(groups=[ledger.issued(invoice)])


def fall_due(invoice: Invoice, read: Reader) -> Outcome:
    """Its due date has passed and something of it is still owed: the first time that is seen, it is told."""
    read.lock(invoice.customer)
    open_still = read.open_amount(invoice).amount > 0
    if invoice.overdue_on is not None or not open_still or invoice.due_date >= read.today:
        return Outcome()
    late = invoice.model_copy(update={"overdue_on": read.today})
    return Outcome(events=[Event("invoice.overdue", late)])
