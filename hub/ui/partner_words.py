"""What the console calls what is exchanged with trading partners."""

from __future__ import annotations

from collections.abc import Mapping

from hub.ui.said import Said

STATES: Mapping[str, Said] = {
    "taken": Said("Taken in", "good"),
    "delivered": Said("Sent", "good"),
    "sent": Said("Sent, not acknowledged yet", "busy"),
    "overdue": Said("Not acknowledged in time", "bad"),
    "accepted_with_errors": Said("Accepted with errors", "warn"),
    "partly_accepted": Said("Partly accepted", "bad"),
    "unmatched": Said("About nothing of ours", "warn"),
}
STATES_OF: Mapping[tuple[str, str], Said] = {
    ("interchange", "accepted"): Said("Accepted", "good"),
    ("interchange", "rejected"): Said("Refused by partner", "bad"),
    ("acknowledgment", "issued"): Said("Sent to the partner", "good"),
}
REASONS: Mapping[str, Said] = {
    "sets_refused": Said(
        "Partner's document refused", "warn", "A document of a trading partner broke the rules of its guide."
    ),
    "acknowledgment_overdue": Said(
        "Not acknowledged", "bad", "A trading partner has not said in time that it has what we sent."
    ),
    "refused_by_partner": Said(
        "Refused by partner", "bad", "A trading partner's acknowledgment refuses a document of ours."
    ),
    "unmatched_acknowledgment": Said(
        "Strange acknowledgment", "warn", "A trading partner acknowledges what we did not send."
    ),
}
DECISIONS_OF: Mapping[tuple[str, str], Said] = {
    ("sets_refused", "noted"): Said(
        "Noted", "quiet", "The partner was told in the acknowledgment. They send it anew when it is mended."
    ),
    ("acknowledgment_overdue", "resend"): Said(
        "Send it once more", "good", "The same interchange under the same number: who has it will know."
    ),
    ("acknowledgment_overdue", "noted"): Said(
        "Keep waiting", "quiet", "The case ends by itself should the acknowledgment come."
    ),
    ("refused_by_partner", "resend"): Said(
        "Send it anew", "good", "Do this once the cause is mended. It goes under new control numbers."
    ),
}
EVENTS: Mapping[str, str] = {
    "interchange.received": "Interchange received",
    "interchange.changed": "Interchange changed",
    "interchange.taken": "Interchange taken in",
    "interchange.composed": "Interchange composed",
    "interchange.resent": "Interchange sent once more",
    "interchange.answered": "Interchange acknowledged in part",
    "interchange.accepted": "Interchange accepted by the partner",
    "interchange.accepted_with_errors": "Interchange accepted with errors",
    "interchange.partly_accepted": "Interchange accepted in part, refused in part",
    "interchange.rejected": "Interchange refused by the partner",
    "interchange.overdue": "Interchange not acknowledged in time",
    "acknowledgment.received": "Acknowledgment recorded",
    "acknowledgment.changed": "The same came again: acknowledged again",
    "acknowledgment.issued": "Acknowledgment issued",
    "acknowledgment.matched": "Acknowledgment matched",
    "acknowledgment.unmatched": "Acknowledgment of nothing we sent",
    "shipment.acknowledged": "Partner has the ship notice",
    "shipment.disowned": "Partner refused the ship notice",
    "shipment.resent": "Ship notice sent anew",
    "invoice.acknowledged": "Partner has the invoice",
    "invoice.disowned": "Partner refused the invoice",
    "invoice.resent": "Invoice sent anew",
    "credit_memo.acknowledged": "Partner has the credit memo",
    "credit_memo.disowned": "Partner refused the credit memo",
    "credit_memo.resent": "Credit memo sent anew",
    "order_response.acknowledged": "Partner has the order response",
    "order_response.disowned": "Partner refused the order response",
    "order_response.resent": "Order response sent anew",
}
KINDS: Mapping[str, tuple[str, str]] = {
    "order_change": ("Order changes", "A buyer's change of an order appears here, with what became of it."),
    "order_response": ("Order responses", "Our answers to orders and changes, for buyers who expect one."),
    "interchange": (
        "Interchanges",
        "What came from trading partners and what went to them. Add a connection of the connector edi.",
    ),
    "acknowledgment": (
        "Acknowledgments",
        "What a trading partner says of what we sent, and what we said of what came.",
    ),
}
