"""The states of documents and the moves between them that are legal."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class CustomerState(StrEnum):
    """`blocked` customers get no new orders approved."""

    ACTIVE = "active"
    BLOCKED = "blocked"


class OrderState(StrEnum):
    """An order from arrival to the day nothing more is expected of it."""

    RECEIVED = "received"
    INVALID = "invalid"
    VALIDATED = "validated"
    HELD = "held"
    REJECTED = "rejected"
    APPROVED = "approved"
    PART_INVOICED = "part_invoiced"
    INVOICED = "invoiced"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class ShipmentState(StrEnum):
    """`refused` shipments exceed what was ordered and wait for a person."""

    RECEIVED = "received"
    CONFIRMED = "confirmed"
    REFUSED = "refused"


class InvoiceState(StrEnum):
    """How much of an invoice has been paid."""

    ISSUED = "issued"
    PART_PAID = "part_paid"
    PAID = "paid"


class PaymentState(StrEnum):
    """How much of a payment is explained. `unidentified`: nobody knows the payer yet."""

    RECEIVED = "received"
    UNIDENTIFIED = "unidentified"
    UNAPPLIED = "unapplied"
    PART_APPLIED = "part_applied"
    APPLIED = "applied"


class MessageState(StrEnum):
    """A message has no life of its own."""

    RECEIVED = "received"


_O, _P = OrderState, PaymentState

LEGAL: Mapping[str, Mapping[StrEnum, frozenset[StrEnum]]] = {
    "customer": {
        CustomerState.ACTIVE: frozenset({CustomerState.BLOCKED}),
        CustomerState.BLOCKED: frozenset({CustomerState.ACTIVE}),
    },
    "order": {
        _O.RECEIVED: frozenset({_O.INVALID, _O.VALIDATED, _O.CANCELLED}),
        _O.INVALID: frozenset({_O.VALIDATED, _O.CANCELLED}),
        _O.VALIDATED: frozenset({_O.HELD, _O.REJECTED, _O.APPROVED, _O.INVALID, _O.CANCELLED}),
        _O.HELD: frozenset({_O.APPROVED, _O.REJECTED, _O.VALIDATED, _O.INVALID, _O.CANCELLED}),
        _O.REJECTED: frozenset({_O.VALIDATED, _O.INVALID, _O.CANCELLED}),
        # back to the start or cancelled only by a person, while nothing is shipped or billed
        _O.APPROVED: frozenset({_O.PART_INVOICED, _O.INVOICED, _O.RECEIVED, _O.CANCELLED}),
        _O.PART_INVOICED: frozenset({_O.INVOICED}),
        _O.INVOICED: frozenset({_O.CLOSED}),
        _O.CLOSED: frozenset(),
        _O.CANCELLED: frozenset(),
    },
    "shipment": {
        ShipmentState.RECEIVED: frozenset({ShipmentState.CONFIRMED, ShipmentState.REFUSED}),
        ShipmentState.REFUSED: frozenset({ShipmentState.CONFIRMED}),
        ShipmentState.CONFIRMED: frozenset(),
    },
    "invoice": {
        InvoiceState.ISSUED: frozenset({InvoiceState.PART_PAID, InvoiceState.PAID}),
        InvoiceState.PART_PAID: frozenset({InvoiceState.PAID}),
        InvoiceState.PAID: frozenset(),
    },
    "payment": {
        _P.RECEIVED: frozenset({_P.UNIDENTIFIED, _P.UNAPPLIED, _P.PART_APPLIED, _P.APPLIED}),
        _P.UNIDENTIFIED: frozenset({_P.UNAPPLIED, _P.PART_APPLIED, _P.APPLIED}),
        _P.UNAPPLIED: frozenset({_P.PART_APPLIED, _P.APPLIED}),
        _P.PART_APPLIED: frozenset({_P.APPLIED}),
        _P.APPLIED: frozenset(),
    },
    "message": {},
}


def is_legal(kind: str, before: StrEnum, after: StrEnum) -> bool:
    """May a document of this kind move between these states? Staying is always legal."""
    return before == after or after in LEGAL[kind].get(before, frozenset())
