"""What the console calls remittances, statements, and what payers keep back."""

from __future__ import annotations

from collections.abc import Mapping

from hub.ui.said import Said

STATES: Mapping[str, Said] = {
    "waiting": Said("Waits for its money", "busy"),
    "matched": Said("Matched", "good"),
    "accepted": Said("In sequence", "good"),
}
REASONS: Mapping[str, Said] = {
    "remittance_refused": Said(
        "Remittance refused", "warn", "What a payer tells of a payment does not add up."
    ),
    "unmatched_remittance": Said(
        "Remittance without money", "warn", "A payer told of a payment that cannot be found."
    ),
    "statement_gap": Said(
        "Statement missing", "bad", "A bank statement does not continue the one before it."
    ),
    "statement_repeated": Said("Statement twice", "warn", "A bank statement came again under another name."),
    "statement_overlap": Said("Statements overlap", "warn", "Two bank statements tell of the same days."),
    "statement_unbalanced": Said(
        "Statement does not add up", "bad", "Its balances and its entries do not say the same."
    ),
}
DECISIONS: Mapping[str, Said] = {
    "deduction": Said(
        "Accept the deduction",
        "bad",
        "The rest is given up within your policy as a deduction; the ERP is told.",
    ),
    "discount": Said("Grant the discount", "bad", "The rest is given up within your policy as a discount."),
    "match": Said("It explains this payment", "good", "The payment is matched by what the remittance says."),
}
DECISIONS_OF: Mapping[tuple[str, str], Said] = {
    ("remittance_refused", "retry"): Said("Judge it again", "good", "Do this once the cause is mended."),
    ("remittance_refused", "drop"): Said("Set it aside", "quiet", "The money is matched without it."),
    ("unmatched_remittance", "leave_open"): Said(
        "Keep waiting", "quiet", "It is put to its money by itself when that comes."
    ),
    ("statement_gap", "leave_open"): Said(
        "Noted", "quiet", "Ask the bank for what is missing; without an answer the case ends when it comes."
    ),
    ("statement_repeated", "drop"): Said("Leave it out", "good", "The other one counts."),
    ("statement_repeated", "accept"): Said(
        "It is another one", "quiet", "It takes its place in the sequence."
    ),
    ("statement_overlap", "drop"): Said("Leave it out", "good", "The other one counts."),
    ("statement_overlap", "accept"): Said("Accept both", "quiet", "It takes its place in the sequence."),
    ("statement_unbalanced", "drop"): Said("Noted", "quiet", "It stays as the bank sent it."),
}
EVENTS: Mapping[str, str] = {
    "remittance.received": "Remittance received",
    "remittance.changed": "Remittance changed",
    "remittance.refused": "Remittance refused",
    "remittance.noted": "Remittance without money noted",
    "remittance.waiting": "Remittance waits for its money",
    "remittance.matched": "Remittance matched",
    "statement.received": "Statement received",
    "statement.changed": "Statement changed",
    "statement.accepted": "Statement put in sequence",
}
