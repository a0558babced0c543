"""Finalizing: the draft gets its number, the customer's credit is used, and a payment is asked for."""

from __future__ import annotations

from sandbox.stripe import customers
from sandbox.stripe.account import Account, Thing
from sandbox.stripe.intents import new_intent
from sandbox.stripe.refusals import unable


def finalize(account: Account, invoice: Thing, advance: bool | None) -> None:
    """From draft to open, or to paid where nothing is left to pay. Raises Refused."""
    if invoice["status"] != "draft":
        told = "This invoice is already finalized, you can't re-finalize a non-draft invoice."
        raise unable(told, code="invoice_not_editable")
    lines = account.of("line_item", "invoice", invoice["id"])
    if not lines:
        told = "You can't finalize an invoice without line items."
        raise unable(told, code="invoice_no_customer_line_items")
    if advance is not None:
        invoice["auto_advance"] = advance
    paid = invoice["total"] <= 0
    types = ["invoice.updated", "invoice.finalized"]
    with account.changing(invoice, *types):
        _number(account, invoice)
        _use_credit(account, invoice)
        _publish(account, invoice)
        paid = invoice["amount_due"] == 0
        if not paid:
            _ask(account, invoice)
    if paid:
        with account.changing(invoice, "invoice.updated", "invoice.paid", "invoice.payment_succeeded"):
            invoice["status"], invoice["attempted"] = "paid", True
            invoice["status_transitions"]["paid_at"] = account.now()
    elif invoice["due_date"]:
        account.world.clock.at(invoice["due_date"], lambda: _overdue(account, invoice))


def _number(account: Account, invoice: Thing) -> None:
    customer = account.things[invoice["customer"]]
    if not invoice["number"]:
        if customer.get("deleted"):
            raise unable("The customer of this invoice has been deleted.", code="resource_missing")
        invoice["number"] = f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04d}"
        customer["next_invoice_sequence"] += 1
        account.numbers[invoice["number"]] = invoice["id"]
    customer["currency"] = customer["currency"] or invoice["currency"]
    invoice["customer_tax_ids"] = [
        {"type": one["type"], "value": one["value"]}
        for one in account.of("tax_id", "customer", invoice["customer"])
    ]


def _use_credit(account: Account, invoice: Thing) -> None:
    customer = account.things[invoice["customer"]]
    known = customer["balance"] if customer["currency"] == invoice["currency"] else 0
    invoice["starting_balance"] = known
    owed = invoice["total"] + known
    invoice["amount_due"] = max(owed, 0)
    applied = invoice["amount_due"] - invoice["total"] if owed >= 0 else -invoice["total"]
    if applied:
        with account.changing(customer, "customer.updated"):
            customers.credit(account, customer, -applied, "applied_to_invoice", invoice=invoice["id"])
    invoice["ending_balance"] = customer["balance"] if known or applied else 0
    invoice["amount_remaining"] = invoice["amount_due"]


def _publish(account: Account, invoice: Thing) -> None:
    now, secret = account.now(), account.world.token(40)
    base = account.world.base_url
    invoice["status"] = "open"
    invoice["status_transitions"]["finalized_at"] = now
    invoice["effective_at"] = invoice["effective_at"] or now
    invoice["hosted_invoice_url"] = f"{base}/i/{account.id}/{invoice['id']}_{secret}"
    invoice["invoice_pdf"] = f"{base}/i/{account.id}/{invoice['id']}_{secret}/pdf"
    invoice["_secret"] = secret


def _ask(account: Account, invoice: Thing) -> None:
    """The default payment of the invoice, for all that is due."""
    types = invoice["payment_settings"]["payment_method_types"] or ["card", "us_bank_account"]
    intent = new_intent(
        account,
        amount=invoice["amount_due"],
        currency=invoice["currency"],
        customer=invoice["customer"],
        types=types,
        described=f"Payment for Invoice {invoice['number']}",
        invoice=invoice["id"],
    )
    invoice["_intent"] = intent["id"]
    account.tell("payment_intent.created", intent)
    ask(account, invoice, intent, invoice["amount_due"], default=True)


def ask(account: Account, invoice: Thing, intent: Thing, amount: int, *, default: bool) -> Thing:
    """A payment of an invoice that is to come by this payment intent."""
    return account.add(
        "invoice_payment",
        {
            "amount_paid": None,
            "amount_requested": amount,
            "created": account.now(),
            "currency": invoice["currency"],
            "invoice": invoice["id"],
            "is_default": default,
            "livemode": False,
            "payment": {"payment_intent": intent["id"], "type": "payment_intent"},
            "status": "open",
            "status_transitions": {"canceled_at": None, "paid_at": None},
            "_intent": intent["id"],
        },
    )


def _overdue(account: Account, invoice: Thing) -> None:
    if invoice.get("status") == "open":
        account.tell("invoice.overdue", invoice)
