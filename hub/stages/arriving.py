"""Arriving: what a system tells of invoices, credits and payments that may be our own coming back."""

from __future__ import annotations

from hub.errors import NotYet
from hub.model import CreditMemo, Invoice, Payment
from hub.stages.outcome import Reader


def not_ours(document: Invoice | CreditMemo | Payment, read: Reader) -> None:
    """Raises NotYet where it is one of ours that was just written there and whose id we do not know yet."""
    origin = read.origin(document.id)
    for other in read.numbered(document.kind, document.number):
        if other.id != document.id and read.awaited(origin, other.id):
            raise NotYet(
                f"{document.kind} {document.number} of {origin} is ours, and was not confirmed by it yet",
                sent=False,
            )


def strange_seller(seller: str, read: Reader) -> str:
    """What is wrong with a seller's code; empty: nothing."""
    known = read.policies.sellers
    if not known or seller in known:
        return ""
    codes = ", ".join(known)
    return f"seller {seller!r} is not one of {codes}" if seller else f"it does not say which of {codes} sells"
