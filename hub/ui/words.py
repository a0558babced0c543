"""What the console calls things: states, events, outcomes, reasons and decisions in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Said(NamedTuple):
    """A label, its tone (good, busy, warn, bad, quiet), and what it means or does."""

    label: str
    tone: str = "quiet"
    meaning: str = ""


_STATES: Mapping[str, Said] = {
    "received": Said("Received", "busy"),
    "invalid": Said("Not valid", "bad"),
    "validated": Said("Validated", "busy"),
    "held": Said("On credit hold", "warn"),
    "rejected": Said("Rejected", "bad"),
    "approved": Said("Approved", "busy"),
    "part_invoiced": Said("Part invoiced", "busy"),
    "invoiced": Said("Invoiced", "busy"),
    "closed": Said("Closed", "good"),
    "cancelled": Said("Cancelled", "quiet"),
    "confirmed": Said("Confirmed", "good"),
    "refused": Said("Refused", "bad"),
    "issued": Said("Open", "busy"),
    "part_paid": Said("Part paid", "busy"),
    "paid": Said("Paid", "good"),
    "unidentified": Said("Unidentified", "warn"),
    "unapplied": Said("On account", "warn"),
    "part_applied": Said("Part applied", "warn"),
    "applied": Said("Applied", "good"),
    "active": Said("Active", "good"),
    "blocked": Said("Blocked", "bad"),
    "paused": Said("Paused", "warn"),
    "pending": Said("Waiting", "busy"),
    "done": Said("Done", "good"),
    "dead": Said("Stopped", "bad"),
    "open": Said("Open", "warn"),
    "resolved": Said("Answered", "good"),
}

_VERSION_STATES: Mapping[str, Said] = {
    "draft": Said("Draft", "busy"),
    "active": Said("In force", "good"),
    "retired": Said("Retired", "quiet"),
}

_OUTCOMES: Mapping[str, Said] = {
    "done": Said("Delivered", "good"),
    "fenced": Said("Overtaken by another worker", "quiet"),
    "unknown": Said("No clear answer", "warn"),
    "not_sent": Said("Not reached", "warn"),
    "rate_limited": Said("Asked to slow down", "warn"),
    "not_yet": Said("Waits for another document", "quiet"),
    "conflict": Said("Changed meanwhile", "warn"),
    "rejected": Said("Refused", "bad"),
    "auth_failed": Said("Credentials refused", "bad"),
    "unmappable": Said("Not translatable", "bad"),
    "unknown_outcome": Said("Outcome unknown", "bad"),
    "missing_reference": Said("Reference missing", "bad"),
    "dead_letter": Said("Given up", "bad"),
    "crashed": Said("Failed here", "bad"),
}

REASONS: Mapping[str, Said] = {
    "credit_hold": Said("Credit hold", "warn", "The order waits because of what the customer owes already."),
    "credit_rejected": Said("Credit rejected", "bad", "The customer is blocked and gets no new orders."),
    "order_invalid": Said("Order not valid", "warn", "Something in the order keeps it from being accepted."),
    "withdrawn": Said(
        "Withdrawn at source", "warn", "The system that sent it has deleted it or taken it back."
    ),
    "late_change": Said("Late change", "warn", "The source changed something that is already agreed."),
    "merged": Said("Merged at source", "warn", "The source made one of two things that are two here."),
    "quota_spent": Said("No calls left", "warn", "The other system allows no more calls for now."),
    "shipment_refused": Said("Shipment refused", "warn", "What was shipped does not fit what was ordered."),
    "unmatched_payment": Said("Unmatched payment", "warn", "Money came in and nothing proves what it pays."),
    "overpayment": Said("Overpayment", "warn", "More money came in than the invoices it pays."),
    "payment_reversed": Said("Payment reversed", "bad", "The bank took a payment back."),
    "short_payment": Said("Short payment", "warn", "An invoice was paid, but not in full."),
    "dead_letter": Said("Given up", "bad", "It was tried many times and stopped."),
    "rejected": Said("Refused by system", "bad", "The other system understood it and said no."),
    "unmappable": Said("Not translatable", "bad", "A mapping cannot express what came or should go."),
    "missing_reference": Said("Reference missing", "bad", "It refers to something that never arrived."),
    "conflicting_event": Said(
        "Conflicting event", "bad", "The same event came twice with different content."
    ),
    "unknown_outcome": Said("Outcome unknown", "bad", "Nobody knows whether the other system has it."),
    "file_refused": Said("File refused", "bad", "A file that was dropped could not be taken in."),
    "auth_failed": Said("Credentials refused", "bad", "The connection is paused until its credentials work."),
}

_DECISIONS: Mapping[str, Said] = {
    "release": Said("Release the order", "good", "It is approved now, delivered and invoiced as usual."),
    "reject": Said("Reject the order", "bad", "It ends here; the source system is told."),
    "accept": Said("Accept as it is", "good", "Doubts are set aside; hard problems still stop it."),
    "cancel": Said("Cancel the order", "bad", "Nothing more is expected of it; the systems are told."),
    "amend": Said("Take the change", "good", "The order is checked again and sent anew to the systems."),
    "keep": Said("Keep what was agreed", "good", "Our version is sent to the systems again."),
    "retry": Said("Try again", "good", "Do this once the cause is mended; it starts with fresh tries."),
    "drop": Said("Leave it", "quiet", "Nothing is tried again. The other system stays without it."),
    "apply": Said("Apply to invoices", "good", "The chosen invoices are paid by the amounts you enter."),
    "on_account": Said(
        "Keep on account", "quiet", "The money is the customer's and waits for later invoices."
    ),
    "refund": Said("Sent back", "bad", "Say this when your treasury has returned the rest to the payer."),
    "leave_open": Said("Leave it open", "quiet", "The customer still owes the rest."),
    "bank_fee": Said("Book as bank fee", "good", "The invoice counts as paid; the rest is our cost."),
    "not_created": Said("It is not there", "good", "You looked: nothing was created. It is sent again."),
    "adopt": Said("It is there", "good", "You looked and found it. It is linked by the id you enter."),
    "resume": Said("Resume the connection", "good", "Say this when the credentials are repaired."),
    "replay": Said("Replayed", "quiet"),
    "overtaken": Said("Answered by events", "quiet"),
}
_DECISIONS_OF: Mapping[tuple[str, str], Said] = {
    ("shipment_refused", "retry"): Said(
        "Judge it again", "good", "Do this once order or shipment are mended."
    ),
    ("file_refused", "drop"): Said("Understood", "good", "It stays under refused/. Drop a corrected file."),
    ("credit_hold", "reject"): Said(
        "Reject the order", "bad", "It ends here; the systems that know it hear so."
    ),
    ("late_change", "keep"): Said("Keep what was agreed", "good", "The change is not taken over."),
}

_EVENTS: Mapping[str, str] = {
    "customer.received": "Customer received",
    "customer.changed": "Customer changed",
    "customer.credit_freed": "Credit freed",
    "order.received": "Order received",
    "order.changed": "Order changed",
    "order.invalid": "Order found not valid",
    "order.validated": "Order validated",
    "order.held": "Order put on credit hold",
    "order.rejected": "Order rejected",
    "order.cancelled": "Order cancelled",
    "order.recalled": "Order recalled",
    "order.approved": "Order approved",
    "order.part_invoiced": "Order part invoiced",
    "order.invoiced": "Order fully invoiced",
    "order.progressed": "Order progressed",
    "order.closed": "Order closed",
    "shipment.received": "Shipment reported",
    "shipment.changed": "Shipment changed",
    "shipment.refused": "Shipment refused",
    "shipment.confirmed": "Shipment confirmed",
    "invoice.issued": "Invoice issued",
    "invoice.part_paid": "Invoice part paid",
    "invoice.paid": "Invoice paid",
    "invoice.overdue": "Invoice overdue",
    "payment.received": "Payment received",
    "payment.unidentified": "Payment not identified",
    "payment.on_account": "Payment kept on account",
    "payment.refunded": "Payment sent back",
    "payment.applied": "Payment applied",
    "message.received": "Message received",
    "message.changed": "Message changed",
}

KINDS: Mapping[str, tuple[str, str]] = {  # kind -> (plural, what to do where the list is empty)
    "order": (
        "Orders",
        "Orders appear here when a connected system sends them. Connect your CRM or shop first.",
    ),
    "invoice": ("Invoices", "The hub issues an invoice when a shipment of an approved order is confirmed."),
    "payment": ("Payments", "Payments come from bank statements. Connect a bank, or drop a statement file."),
    "credit_memo": (
        "Credit memos",
        "Credit memos come from the ERP, or are issued here when an agreed order becomes smaller.",
    ),
    "adjustment": (
        "Adjustments",
        "What was written off, deducted or discounted appears here, with the invoice it concerns.",
    ),
    "customer": ("Customers", "Customers come with the first order, or from the CRM's companies."),
    "shipment": ("Shipments", "Shipments are reported by the ERP or the warehouse once goods leave."),
    "message": ("Messages", "Messages are records that only travel from one system to another."),
}

DOORS: Mapping[str, str] = {"webhook": "Webhook", "poll": "Poll", "file": "File", "backfill": "Backfill"}
ACCOUNTS: Mapping[str, str] = {
    "receivable": "Receivable",
    "revenue": "Revenue",
    "tax": "Tax",
    "cash": "Cash",
    "unapplied": "Unapplied cash",
    "refunded": "Refunded",
    "fee": "Bank fees",
}


def state(name: str) -> Said:
    """A state; one we have no words for is shown as it is."""
    return _STATES.get(name) or Said(_plain(name))


def version_state(name: str) -> Said:
    """Where a version of a mapping stands."""
    return _VERSION_STATES.get(name) or Said(_plain(name))


def outcome(name: str) -> Said:
    """How an attempt ended."""
    return _OUTCOMES.get(name) or Said(_plain(name))


def reason(name: str) -> Said:
    """Why a case was opened."""
    return REASONS.get(name) or Said(_plain(name), "warn")


def decision(name: str, about: str = "") -> Said:
    """An answer to a case of this reason."""
    return _DECISIONS_OF.get((about, name)) or _DECISIONS.get(name) or Said(_plain(name))


def event(name: str) -> str:
    """A fact about a document."""
    return _EVENTS.get(name) or _plain(name)


def _plain(name: str) -> str:
    text = name.replace("_", " ").replace(".", " ")
    return text[:1].upper() + text[1:]
