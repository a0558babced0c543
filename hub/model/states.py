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
    """How much of an invoice has been paid. `received`: an ERP issued it, and it is not checked yet."""

    RECEIVED = "received"
    REFUSED = "refused"
    ISSUED = "issued"
    PART_PAID = "part_paid"
    PAID = "paid"
    CANCELLED = "cancelled"


class CreditMemoState(StrEnum):
    """How much of a credit memo is used up. `refused` ones do not add up or do not fit, and wait."""

    RECEIVED = "received"
    REFUSED = "refused"
    ISSUED = "issued"
    PART_APPLIED = "part_applied"
    APPLIED = "applied"
    CANCELLED = "cancelled"


class AdjustmentState(StrEnum):
    """`refused` adjustments are over more than is open, and wait for a person."""

    RECEIVED = "received"
    REFUSED = "refused"
    BOOKED = "booked"
    REVERSED = "reversed"


class AdjustmentReason(StrEnum):
    """Why something is no longer owed."""

    WRITE_OFF = "write_off"
    DISCOUNT = "discount"
    DEDUCTION = "deduction"
    FEE = "fee"
    EXCHANGE = "exchange"


class PaymentState(StrEnum):
    """How much of a payment is explained. `unidentified`: nobody knows the payer yet.

    `transferred`: no customer paid it, a payment provider passed on what it held for us (a payout).
    """

    RECEIVED = "received"
    UNIDENTIFIED = "unidentified"
    UNAPPLIED = "unapplied"
    PART_APPLIED = "part_applied"
    APPLIED = "applied"
    TRANSFERRED = "transferred"
    REVERSED = "reversed"


class RefundState(StrEnum):
    """`refused` refunds do not fit the payment and wait for a person. `reversed`: the money came back."""

    RECEIVED = "received"
    REFUSED = "refused"
    BOOKED = "booked"
    REVERSED = "reversed"


class DisputeState(StrEnum):
    """A payer has their bank take a payment back; until that is decided the money is nobody's."""

    RECEIVED = "received"
    REFUSED = "refused"
    OPENED = "opened"
    WON = "won"
    LOST = "lost"


class PayoutState(StrEnum):
    """`announced`: on its way to our bank account. `settled`: the bank's line for it was seen."""

    RECEIVED = "received"
    REFUSED = "refused"
    ANNOUNCED = "announced"
    SETTLED = "settled"
    FAILED = "failed"


class RemittanceState(StrEnum):
    """`waiting` remittances explain money that has not arrived yet. `refused` ones do not add up."""

    RECEIVED = "received"
    REFUSED = "refused"
    WAITING = "waiting"
    MATCHED = "matched"


class StatementState(StrEnum):
    """`accepted` statements stand in their place in the sequence of their account, or a case asks why not."""

    RECEIVED = "received"
    ACCEPTED = "accepted"


class InterchangeState(StrEnum):
    """`taken` ones came to us; all other states are of what we sent. `sent` ones wait for their answer.

    `delivered` ones expect none. `overdue` ones may still be answered.
    """

    RECEIVED = "received"
    TAKEN = "taken"
    DELIVERED = "delivered"
    SENT = "sent"
    OVERDUE = "overdue"
    ACCEPTED = "accepted"
    ACCEPTED_WITH_ERRORS = "accepted_with_errors"
    PARTLY_ACCEPTED = "partly_accepted"
    REJECTED = "rejected"


class AcknowledgmentState(StrEnum):
    """`issued` ones are ours. `matched` ones tell of what we sent, `unmatched` ones of nothing we know."""

    RECEIVED = "received"
    ISSUED = "issued"
    MATCHED = "matched"
    UNMATCHED = "unmatched"


class OrderResponseState(StrEnum):
    """An answer is given once."""

    RECEIVED = "received"
    ISSUED = "issued"


class OrderChangeState(StrEnum):
    """`waiting` changes came after the order was agreed, and a person decides."""

    RECEIVED = "received"
    WAITING = "waiting"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


class MessageState(StrEnum):
    """A message has no life of its own."""

    RECEIVED = "received"


_O, _I, _P = OrderState, InvoiceState, PaymentState
_C, _A = CreditMemoState, AdjustmentState
_K, _X = AcknowledgmentState, OrderChangeState
_ANSWERED = frozenset(
    {
        InterchangeState.ACCEPTED, InterchangeState.ACCEPTED_WITH_ERRORS,
        InterchangeState.PARTLY_ACCEPTED, InterchangeState.REJECTED,
    }
)  # fmt: skip
_R, _D, _Y, _T = RefundState, DisputeState, PayoutState, RemittanceState

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
        # back to fewer invoices only when one of them was cancelled
        _O.PART_INVOICED: frozenset({_O.INVOICED, _O.APPROVED}),
        _O.INVOICED: frozenset({_O.CLOSED, _O.PART_INVOICED, _O.APPROVED}),
        _O.CLOSED: frozenset(),
        _O.CANCELLED: frozenset(),
    },
    "shipment": {
        ShipmentState.RECEIVED: frozenset({ShipmentState.CONFIRMED, ShipmentState.REFUSED}),
        ShipmentState.REFUSED: frozenset({ShipmentState.CONFIRMED}),
        ShipmentState.CONFIRMED: frozenset(),
    },
    "invoice": {
        _I.RECEIVED: frozenset({_I.ISSUED, _I.REFUSED, _I.CANCELLED}),
        _I.REFUSED: frozenset({_I.ISSUED, _I.CANCELLED}),
        _I.ISSUED: frozenset({_I.PART_PAID, _I.PAID, _I.CANCELLED}),
        # back to less only when a payment is taken back or a credit is cancelled; cancelled only when what
        # was applied to it is unapplied at the same moment
        _I.PART_PAID: frozenset({_I.PAID, _I.ISSUED, _I.CANCELLED}),
        _I.PAID: frozenset({_I.PART_PAID, _I.ISSUED, _I.CANCELLED}),
        _I.CANCELLED: frozenset(),
    },
    "credit_memo": {
        _C.RECEIVED: frozenset({_C.ISSUED, _C.REFUSED, _C.CANCELLED}),
        _C.REFUSED: frozenset({_C.ISSUED, _C.CANCELLED}),
        _C.ISSUED: frozenset({_C.PART_APPLIED, _C.APPLIED, _C.CANCELLED}),
        # back to less only when an invoice it was applied to is cancelled
        _C.PART_APPLIED: frozenset({_C.APPLIED, _C.ISSUED, _C.CANCELLED}),
        _C.APPLIED: frozenset({_C.PART_APPLIED, _C.ISSUED, _C.CANCELLED}),
        _C.CANCELLED: frozenset(),
    },
    "adjustment": {
        _A.RECEIVED: frozenset({_A.BOOKED, _A.REFUSED, _A.REVERSED}),
        _A.REFUSED: frozenset({_A.BOOKED, _A.REVERSED}),
        _A.BOOKED: frozenset({_A.REVERSED}),
        _A.REVERSED: frozenset(),
    },
    "payment": {
        _P.RECEIVED: frozenset(
            {_P.UNIDENTIFIED, _P.UNAPPLIED, _P.PART_APPLIED, _P.APPLIED, _P.TRANSFERRED, _P.REVERSED}
        ),
        _P.UNIDENTIFIED: frozenset({_P.UNAPPLIED, _P.PART_APPLIED, _P.APPLIED, _P.TRANSFERRED, _P.REVERSED}),
        # back to unidentified only when the payout it was taken for failed or was another's
        _P.TRANSFERRED: frozenset({_P.UNIDENTIFIED, _P.REVERSED}),
        _P.UNAPPLIED: frozenset({_P.PART_APPLIED, _P.APPLIED, _P.REVERSED}),
        # back to less only when an invoice it paid is cancelled
        _P.PART_APPLIED: frozenset({_P.APPLIED, _P.UNAPPLIED, _P.REVERSED}),
        _P.APPLIED: frozenset({_P.PART_APPLIED, _P.UNAPPLIED, _P.REVERSED}),
        _P.REVERSED: frozenset(),
    },
    "refund": {
        _R.RECEIVED: frozenset({_R.BOOKED, _R.REFUSED, _R.REVERSED}),
        _R.REFUSED: frozenset({_R.BOOKED, _R.REVERSED}),
        _R.BOOKED: frozenset({_R.REVERSED}),
        _R.REVERSED: frozenset(),
    },
    "dispute": {
        _D.RECEIVED: frozenset({_D.OPENED, _D.WON, _D.LOST, _D.REFUSED}),
        _D.REFUSED: frozenset({_D.OPENED, _D.WON, _D.LOST}),
        # decided twice, or open again, only where a bank changes its mind or somebody appeals, which networks
        # allow until arbitration ends
        _D.OPENED: frozenset({_D.WON, _D.LOST}),
        _D.WON: frozenset({_D.LOST, _D.OPENED}),
        _D.LOST: frozenset({_D.WON, _D.OPENED}),
    },
    "payout": {
        _Y.RECEIVED: frozenset({_Y.ANNOUNCED, _Y.REFUSED, _Y.SETTLED, _Y.FAILED}),
        _Y.REFUSED: frozenset({_Y.ANNOUNCED, _Y.SETTLED, _Y.FAILED}),
        _Y.ANNOUNCED: frozenset({_Y.SETTLED, _Y.FAILED}),
        _Y.SETTLED: frozenset({_Y.FAILED, _Y.ANNOUNCED}),
        _Y.FAILED: frozenset(),
    },
    "remittance": {
        _T.RECEIVED: frozenset({_T.WAITING, _T.MATCHED, _T.REFUSED}),
        _T.REFUSED: frozenset({_T.WAITING, _T.MATCHED}),
        _T.WAITING: frozenset({_T.MATCHED}),
        _T.MATCHED: frozenset({_T.WAITING}),
    },
    "statement": {
        StatementState.RECEIVED: frozenset({StatementState.ACCEPTED}),
        StatementState.ACCEPTED: frozenset(),
    },
    "interchange": {
        InterchangeState.RECEIVED: frozenset(
            {InterchangeState.TAKEN, InterchangeState.DELIVERED, InterchangeState.SENT}
        ),
        InterchangeState.SENT: _ANSWERED | {InterchangeState.OVERDUE},
        InterchangeState.OVERDUE: _ANSWERED,
        InterchangeState.DELIVERED: frozenset({InterchangeState.REJECTED}),  # by a TA1 or the transport
        # a TA1 that accepts comes before the 997, and set after set may be answered
        **dict.fromkeys(_ANSWERED, _ANSWERED),
    },
    "acknowledgment": {
        _K.RECEIVED: frozenset({_K.ISSUED, _K.MATCHED, _K.UNMATCHED}),
        _K.UNMATCHED: frozenset({_K.MATCHED}),
    },
    "order_response": {OrderResponseState.RECEIVED: frozenset({OrderResponseState.ISSUED})},
    "order_change": {
        _X.RECEIVED: frozenset({_X.WAITING, _X.ACCEPTED, _X.REJECTED}),
        _X.WAITING: frozenset({_X.ACCEPTED, _X.REJECTED}),
    },
    "message": {},
}


def is_legal(kind: str, before: StrEnum, after: StrEnum) -> bool:
    """May a document of this kind move between these states? Staying is always legal."""
    return before == after or after in LEGAL[kind].get(before, frozenset())
