"""What the console calls changes that buyers ask for, and our answers to orders and changes."""

from __future__ import annotations

from collections.abc import Mapping

from hub.ui.said import Said

STATES_OF: Mapping[tuple[str, str], Said] = {
    ("order_change", "waiting"): Said("Needs a decision", "warn"),
    ("order_change", "accepted"): Said("Accepted", "good"),
    ("order_response", "received"): Said("Prepared", "busy"),
    ("order_response", "issued"): Said("Issued", "good"),
}
REASONS: Mapping[str, Said] = {
    "order_change_waiting": Said(
        "Change asked by the buyer", "warn", "A buyer wants an order changed that cannot simply be changed."
    ),
    "order_change_stale": Said(
        "Old change", "warn", "A buyer's change came after a later one was taken, and was rejected."
    ),
}
DECISIONS: Mapping[str, Said] = {
    "revise": Said(
        "Accept with changes",
        "good",
        "The order is checked again as you change it; once it is approved the buyer is told line by line.",
    ),
}
DECISIONS_OF: Mapping[tuple[str, str], Said] = {
    ("order_change_waiting", "accept"): Said(
        "Take the change", "good", "The order is changed and checked again; the buyer is told."
    ),
    ("order_change_waiting", "credit"): Said(
        "Credit the difference",
        "good",
        "What was billed too much is credited, the order stays as it was, the buyer is told the change is "
        "accepted.",
    ),
    ("order_change_waiting", "reject"): Said(
        "Reject the change", "bad", "The order stays as it is. The buyer is told, with your note."
    ),
    ("order_change_stale", "noted"): Said(
        "Noted", "quiet", "The buyer was told. Ask them what counts if that was not meant."
    ),
}
EVENTS: Mapping[str, str] = {
    "order_change.received": "Buyer asks for a change",
    "order_change.changed": "Buyer said otherwise about the change",
    "order_change.waiting": "Change waits for a decision",
    "order_change.accepted": "Change accepted",
    "order_change.rejected": "Change rejected",
    "order_response.received": "Order response prepared",
    "order_response.issued": "Order response issued",
}
