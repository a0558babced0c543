"""Receivables: an issued invoice becomes an open item of the customer."""

from __future__ import annotations

from hub import ledger
from hub.model import Invoice, InvoiceState
from hub.stages.outcome import Event, Outcome, Reader


def open_item(invoice: Invoice, read: Reader) -> Outcome:
    """Post what the customer owes. One over nothing is paid already."""
    if invoice.payable_amount:
        return Outcome(groups=[ledger.issued(invoice)])
    paid = invoice.model_copy(update={"state": InvoiceState.PAID})
    return Outcome(events=[Event("invoice.paid", paid)], groups=[ledger.issued(invoice)])


def fall_due(invoice: Invoice, read: Reader) -> Outcome:
    """Its due date has passed and something of it is still owed: the first time that is seen, it is told."""
    read.lock(invoice.customer)
    open_still = read.open_amount(invoice).amount > 0
    if invoice.overdue_on is not None or not open_still or invoice.due_date >= read.today:
        return Outcome()
    late = invoice.model_copy(update={"overdue_on": read.today})
    return Outcome(events=[Event("invoice.overdue", late)])
