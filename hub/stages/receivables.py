"""Receivables: an issued invoice becomes an open item of the customer."""

from __future__ import annotations

from hub import ledger
from hub.model import Invoice
from hub.stages.outcome import Outcome, Reader


def open_item(invoice: Invoice, read: Reader) -> Outcome:
    """Post what the customer owes."""
    return Outcome(groups=[ledger.issued(invoice)])
