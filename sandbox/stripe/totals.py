"""What an invoice comes to, from its lines, its credit notes and what was paid."""

from __future__ import annotations

from sandbox.stripe import taxes
from sandbox.stripe.account import Account, Thing


def recomputed(account: Account, invoice: Thing) -> Thing:
    """Bring a draft's amounts to what its lines say."""
    lines = account.of("line_item", "invoice", invoice["id"])
    found = taxes.added_up(tax for line in lines for tax in line["taxes"])
    subtotal = sum(line["amount"] for line in lines)
    invoice["subtotal"] = subtotal
    invoice["subtotal_excluding_tax"] = subtotal - taxes.inclusive(found)
    invoice["total"] = subtotal + taxes.exclusive(found)
    invoice["total_excluding_tax"] = subtotal - taxes.inclusive(found)
    invoice["total_taxes"] = found
    invoice["amount_due"] = max(invoice["total"], 0)
    invoice["amount_remaining"] = invoice["amount_due"]
    return invoice


def remaining(invoice: Thing) -> int:
    """What is still to be paid: what is due, less what was paid and credited."""
    done: int = invoice["amount_paid"] + invoice["pre_payment_credit_notes_amount"]
    left: int = invoice["amount_due"] - done
    return max(left, 0)
