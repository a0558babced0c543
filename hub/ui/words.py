"""What the console calls things: states, events, outcomes, reasons and decisions in plain words."""

from __future__ import annotations

from collections.abc import Mapping

from hub.ui import changing_words, partner_words, remitted_words
from hub.ui.said import Said

_STATES: Mapping[str, Said] = {
    **remitted_words.STATES,
    **partner_words.STATES,
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
    "booked": Said("Booked", "good"),
    "transferred": Said("Payout", "good"),
    "opened": Said("Open", "warn"),
    "won": Said("Won", "good"),
    "lost": Said("Lost", "bad"),
    "announced": Said("On its way", "busy"),
    "settled": Said("At the bank", "good"),
    "failed": Said("Failed", "bad"),
    "reversed": Said("Taken back", "quiet"),
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
    "customer_match": Said("May be there already", "warn"),
    "unknown_outcome": Said("Outcome unknown", "bad"),
    "missing_reference": Said("Reference missing", "bad"),
    "dead_letter": Said("Given up", "bad"),
    "crashed": Said("Failed here", "bad"),
}

REASONS: Mapping[str, Said] = {
    **remitted_words.REASONS,
    **partner_words.REASONS,
    **changing_words.REASONS,
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
    "invoice_refused": Said(
        "Invoice refused", "warn", "An invoice of the ERP does not add up or does not fit."
    ),
    "invoice_cancelled": Said(
        "Invoice cancelled", "bad", "Its issuer cancelled an invoice that something is applied to."
    ),
    "credit_memo_refused": Said(
        "Credit memo refused", "warn", "A credit memo does not add up or does not fit."
    ),
    "unapplied_credit": Said(
        "Unapplied credit", "warn", "A customer has a credit that no invoice has used up."
    ),
    "adjustment_refused": Said("Adjustment refused", "warn", "More is adjusted than is open on the invoice."),
    "unmatched_payment": Said("Unmatched payment", "warn", "Money came in and nothing proves what it pays."),
    "overpayment": Said("Overpayment", "warn", "More money came in than the invoices it pays."),
    "payment_reversed": Said("Payment reversed", "bad", "Money was taken back, and is owed again."),
    "short_payment": Said("Short payment", "warn", "An invoice was paid, but not in full."),
    "refund_refused": Said("Refund refused", "warn", "A refund does not fit the payment it is of."),
    "refund_applied": Said(
        "Refund of paid invoices", "warn", "Money that had paid invoices was sent back; they are owed again."
    ),
    "sent_back_twice": Said("Sent back twice", "bad", "More went back to a payer than a payment brought."),
    "dispute_refused": Said("Dispute not understood", "warn", "A dispute does not fit the payment it is of."),
    "dispute_opened": Said("Payment disputed", "warn", "A payer has their bank take a payment back."),
    "dispute_lost": Said("Dispute lost", "bad", "A payer's bank kept what it took; invoices are owed again."),
    "payout_refused": Said("Payout not explained", "warn", "What a payout is made of does not make it up."),
    "payout_failed": Said("Payout failed", "bad", "Our bank is to take back a payout that it had credited."),
    "payout_missing": Said("Payout missing", "warn", "A payout was sent and has not reached our bank."),
    "dead_letter": Said("Given up", "bad", "It was tried many times and stopped."),
    "rejected": Said("Refused", "bad", "It was refused, here or by the other system. Mend the cause first."),
    "customer_match": Said("Known there?", "warn", "The other system may have this customer already."),
    "unmappable": Said("Not translatable", "bad", "A mapping cannot express what came or should go."),
    "missing_reference": Said("Reference missing", "bad", "It refers to something that never arrived."),
    "conflicting_event": Said(
        "Conflicting event", "bad", "The same event came twice with different content."
    ),
    "unknown_outcome": Said("Outcome unknown", "bad", "Nobody knows whether the other system has it."),
    "file_refused": Said("File refused", "bad", "A file that was dropped could not be taken in."),
    "auth_failed": Said("Credentials refused", "bad", "The connection is paused until its credentials work."),
    "reconciliation": Said("Books differ", "warn", "The ledger and the books of an ERP do not say the same."),
    "reconciliation_failed": Said("Not reconciled", "warn", "The books of an ERP could not be compared."),
}

_DECISIONS: Mapping[str, Said] = {
    **remitted_words.DECISIONS,
    **changing_words.DECISIONS,
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
    "credit": Said(
        "Issue a credit memo", "good", "What was billed too much is credited, and the ERP is told."
    ),
    "write_off": Said("Write off the rest", "bad", "It is given up within your policy; the ERP is told."),
    "returned": Said(
        "Undo the earlier payment", "bad", "What that payment had settled is owed again; both count no more."
    ),
    "collect": Said("Collect it", "quiet", "The customer owes it again; it falls due as usual."),
    "noted": Said("Noted", "quiet", "You know of it. Nothing changes here."),
    "duplicate": Said("It is the same money", "quiet", "It came twice. This payment counts for nothing."),
    "not_created": Said("It is not there", "good", "You looked: nothing was created. It is sent again."),
    "link": Said("It is this one", "good", "It is linked and brought up to date; nothing new is created."),
    "create": Said("It is a new one", "good", "None of those found is this customer: it is created there."),
    "adopt": Said("It is there", "good", "You looked and found it. It is linked by the id you enter."),
    "resume": Said("Resume the connection", "good", "Say this when the credentials are repaired."),
    "replay": Said("Replayed", "quiet"),
    "overtaken": Said("Answered by events", "quiet"),
}
_DECISIONS_OF: Mapping[tuple[str, str], Said] = {
    **remitted_words.DECISIONS_OF,
    **partner_words.DECISIONS_OF,
    **changing_words.DECISIONS_OF,
    ("shipment_refused", "retry"): Said(
        "Judge it again", "good", "Do this once order or shipment are mended."
    ),
    ("invoice_refused", "retry"): Said("Check it again", "good", "Do this once the cause is mended."),
    ("invoice_refused", "cancel"): Said("Set it aside", "bad", "It becomes no receivable here."),
    ("invoice_refused", "send_back"): Said(
        "Have it cancelled", "bad", "It becomes no receivable, and the ERP is told to cancel it."
    ),
    ("invoice_cancelled", "cancel"): Said(
        "Cancel it here too", "bad", "What was applied to it is unapplied again and waits for other invoices."
    ),
    ("invoice_cancelled", "keep"): Said("Keep the invoice", "quiet", "It stands here, with what is applied."),
    ("credit_memo_refused", "retry"): Said("Check it again", "good", "Do this once the cause is mended."),
    ("credit_memo_refused", "cancel"): Said("Set it aside", "bad", "It credits nothing here."),
    ("adjustment_refused", "retry"): Said("Check it again", "good", "Do this once the cause is mended."),
    ("adjustment_refused", "cancel"): Said("Set it aside", "bad", "It changes nothing here."),
    ("refund_refused", "retry"): Said("Check it again", "good", "Do this once the cause is mended."),
    ("refund_refused", "drop"): Said("Set it aside", "bad", "It sends nothing back here."),
    ("refund_applied", "credit"): Said(
        "Credit it", "good", "What is owed again is credited with its tax, and the ERP is told."
    ),
    ("dispute_lost", "credit"): Said(
        "Credit it", "good", "What is owed again is credited with its tax, and the ERP is told."
    ),
    ("dispute_refused", "retry"): Said("Check it again", "good", "Do this once the cause is mended."),
    ("dispute_opened", "noted"): Said(
        "Noted", "quiet", "Evidence is sent at the provider. The case ends by itself with the decision."
    ),
    ("payout_refused", "retry"): Said("Check it again", "good", "Do this once what it is made of is known."),
    ("payout_refused", "accept"): Said(
        "Accept what is not ours", "bad", "What these books do not know is booked as moved elsewhere."
    ),
    ("payout_failed", "release"): Said(
        "It was another line", "bad", "The bank's line was not this payout; it waits for an answer again."
    ),
    ("payout_failed", "noted"): Said(
        "Wait for the bank", "quiet", "The case ends by itself when the bank takes it back."
    ),
    ("payout_missing", "noted"): Said("Keep waiting", "quiet", "It is found by itself when its line comes."),
    ("unapplied_credit", "leave_open"): Said("Leave it", "quiet", "It waits for later invoices."),
    ("payment_reversed", "leave_open"): Said("Noted", "quiet", "The customer owes it again."),
    ("withdrawn", "cancel"): Said("Cancel it here too", "bad", "It counts no more; the systems are told."),
    ("reconciliation", "drop"): Said(
        "Leave it", "quiet", "You know of it. It is asked again only when its figures change."
    ),
    ("reconciliation_failed", "drop"): Said("Understood", "quiet", "The next night tries again."),
    ("file_refused", "drop"): Said("Understood", "good", "It stays under refused/. Drop a corrected file."),
    ("credit_hold", "reject"): Said(
        "Reject the order", "bad", "It ends here; the systems that know it hear so."
    ),
    ("late_change", "keep"): Said("Keep what was agreed", "good", "The change is not taken over."),
}

_EVENTS: Mapping[str, str] = {
    **remitted_words.EVENTS,
    **partner_words.EVENTS,
    **changing_words.EVENTS,
    "customer.received": "Customer received",
    "customer.changed": "Customer changed",
    "customer.credit_freed": "Credit freed",
    "customer.linked": "Customer found at a system and linked",
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
    "invoice.received": "Invoice received",
    "invoice.changed": "Invoice changed",
    "invoice.refused": "Invoice refused",
    "invoice.withdrawn": "Invoice set aside",
    "invoice.returned": "Invoice sent back to be cancelled",
    "invoice.issued": "Invoice issued",
    "invoice.part_paid": "Invoice part paid",
    "invoice.paid": "Invoice paid",
    "invoice.overdue": "Invoice overdue",
    "invoice.reopened": "Invoice owed again",
    "invoice.cancelled": "Invoice cancelled",
    "credit_memo.received": "Credit memo received",
    "credit_memo.changed": "Credit memo changed",
    "credit_memo.refused": "Credit memo refused",
    "credit_memo.withdrawn": "Credit memo set aside",
    "credit_memo.issued": "Credit memo issued",
    "credit_memo.applied": "Credit memo applied",
    "credit_memo.unapplied": "Credit memo unapplied",
    "credit_memo.cancelled": "Credit memo cancelled",
    "adjustment.received": "Adjustment received",
    "adjustment.changed": "Adjustment changed",
    "adjustment.refused": "Adjustment refused",
    "adjustment.withdrawn": "Adjustment set aside",
    "adjustment.booked": "Adjustment booked",
    "adjustment.reversed": "Adjustment reversed",
    "payment.received": "Payment received",
    "payment.changed": "Payment changed",
    "payment.withdrawn": "Payment set aside",
    "payment.reversed": "Payment taken back",
    "payment.unapplied": "Payment unapplied",
    "payment.unidentified": "Payment not identified",
    "payment.on_account": "Payment kept on account",
    "payment.refunded": "Payment sent back",
    "payment.restored": "Payment came back to us",
    "payment.transferred": "Bank line is a payout",
    "refund.received": "Refund received",
    "refund.changed": "Refund changed",
    "refund.refused": "Refund refused",
    "refund.withdrawn": "Refund set aside",
    "refund.booked": "Refund booked",
    "refund.reversed": "Refund failed, the money is back",
    "dispute.received": "Dispute received",
    "dispute.changed": "Dispute changed",
    "dispute.refused": "Dispute not understood",
    "dispute.opened": "Dispute opened",
    "dispute.won": "Dispute won",
    "dispute.lost": "Dispute lost",
    "payout.received": "Payout received",
    "payout.changed": "Payout changed",
    "payout.refused": "Payout not explained",
    "payout.announced": "Payout on its way",
    "payout.settled": "Payout seen at the bank",
    "payout.failed": "Payout failed",
    "payout.returned": "Payout taken back by the bank",
    "payout.unsettled": "Payout no longer at the bank",
    "payment.applied": "Payment applied",
    "message.received": "Message received",
    "message.changed": "Message changed",
}

KINDS: Mapping[str, tuple[str, str]] = {  # kind -> (plural, what to do where the list is empty)
    "order": (
        "Orders",
        "Orders appear here when a connected system sends them. Connect your CRM or shop first.",
    ),
    "invoice": (
        "Invoices",
        "The hub issues an invoice when a shipment of an approved order is confirmed, or the ERP sends it.",
    ),
    "payment": ("Payments", "Payments come from bank statements. Connect a bank, or drop a statement file."),
    "remittance": (
        "Remittances",
        "A remittance says what a payment is for. It comes from EDI partners, lockboxes and bank files.",
    ),
    "statement": ("Statements", "Bank statements appear here with the first file of a connected bank."),
    "refund": ("Refunds", "A refund is money that a payment provider sent back to a payer."),
    "dispute": ("Disputes", "A dispute is a payment that a payer has their bank take back."),
    "payout": ("Payouts", "A payout is what a payment provider held for us and sent to our bank account."),
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
    **partner_words.KINDS,
    "message": ("Messages", "Messages are records that only travel from one system to another."),
}

DOORS: Mapping[str, str] = {
    "webhook": "Webhook",
    "poll": "Poll",
    "file": "File",
    "backfill": "Backfill",
    "reconcile": "Reconciliation",
}
ACCOUNTS: Mapping[str, str] = {
    "receivable": "Receivable",
    "revenue": "Revenue",
    "tax": "Tax",
    "cash": "Cash",
    "held": "Held by providers",
    "transit": "Paid out, not at the bank yet",
    "disputed": "Disputed",
    "elsewhere": "Not in these books",
    "unapplied": "Unapplied cash",
    "refunded": "Refunded",
    "fee": "Fees",
    "credit": "Unapplied credit",
    "discount": "Discounts",
    "deduction": "Deductions",
    "write_off": "Written off",
    "exchange": "Exchange differences",
}


DIFFERENCES: Mapping[str, Said] = {
    "never_sent": Said("Never sent", "bad", "Ours, and nobody told the system."),
    "waiting": Said("Waits in the outbox", "warn", "Ours, on its way, and late."),
    "stopped": Said("Given up", "bad", "Ours; sending it stopped, and a case tells why."),
    "deleted_there": Said("Deleted there", "bad", "It was there and no longer is."),
    "made_there": Said("Only there", "warn", "Made there by hand, or not read yet."),
    "twice": Said("There twice", "bad", "Two of theirs carry the reference of one of ours."),
    "amount": Said("Amount differs", "bad", "The same document over another amount."),
    "currency": Said("Currency differs", "bad", "The same document in another currency."),
    "customer": Said("Customer differs", "bad", "The same document for somebody else."),
    "applied_here": Said("Settled further here", "warn", "A payment or credit is applied here only."),
    "applied_there": Said("Settled further there", "warn", "A payment or credit is applied there only."),
    "settled_here": Said("Settled here, open there", "warn", "Nothing is left of it here."),
    "settled_there": Said("Open here, settled there", "warn", "Nothing is left of it there."),
    "cancelled_here": Said("Cancelled here", "warn", "And still open there."),
    "cancelled_there": Said("Cancelled there", "warn", "And still open here."),
    "unbooked": Said("Read, not booked", "warn", "It waits for an answer to its case."),
    "unreadable": Said("Cannot be compared", "bad", "Its figures are no amounts."),
}
REPAIRS: Mapping[str, Said] = {
    "resend": Said("Send ours again", "good", "The system is told our version once more."),
    "reread": Said("Read theirs again", "good", "The system's version is taken in once more."),
    "case": Said("Ask a person", "quiet", "A case is opened with both figures."),
    "all": Said("As recommended", "good", "Each difference by the repair that is named first."),
}


_RUN_STATES: Mapping[str, Said] = {
    "asked": Said("Waits", "quiet"),
    "running": Said("Running", "busy"),
    "failed": Said("Failed", "bad"),
}


def run_state(name: str, differences: int) -> Said:
    """Where a reconciliation stands, and whether the books agreed."""
    agreed = Said("Differs", "warn") if differences else Said("Agrees", "good")
    return _RUN_STATES.get(name) or agreed


def difference(name: str) -> Said:
    """The type of a difference between two books."""
    return DIFFERENCES.get(name) or Said(_plain(name))


def state(name: str, kind: str = "") -> Said:
    """A state, of documents of this kind; one we have no words for is shown as it is."""
    of_kind = changing_words.STATES_OF.get((kind, name)) or partner_words.STATES_OF.get((kind, name))
    return of_kind or _STATES.get(name) or Said(_plain(name))


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
