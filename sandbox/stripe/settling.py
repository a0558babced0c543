"""What payments do to invoices: paid in full, in part, too much, elsewhere, or never any more."""

from __future__ import annotations

from sandbox.stripe import customers
from sandbox.stripe.account import Account, Thing
from sandbox.stripe.totals import remaining


def succeeded(account: Account, intent: Thing) -> None:
    """A payment intent has succeeded: invoices that wait for it get its money."""
    for payment in account.of("invoice_payment", "_intent", intent["id"]):
        if payment["status"] == "open":
            invoice = account.things[payment["invoice"]]
            _mark_paid(account, payment, intent["amount_received"])
            receive(
                account, invoice, intent["amount_received"], charge=intent["latest_charge"], by=intent["id"]
            )


def _mark_paid(account: Account, payment: Thing, amount: int) -> None:
    with account.changing(payment, "invoice_payment.paid"):
        payment["status"], payment["amount_paid"] = "paid", amount
        payment["status_transitions"]["paid_at"] = account.now()


def receive(
    account: Account, invoice: Thing, amount: int, *, charge: str | None = None, by: str = ""
) -> None:
    """Apply money to an invoice; what is too much becomes credit of the customer."""
    whole = amount >= invoice["amount_remaining"]
    was_open = invoice["status"] in ("open", "uncollectible")
    over = amount - invoice["amount_remaining"]
    types = ["invoice.updated"]
    types += ["invoice.paid", "invoice.payment_succeeded"] if whole and was_open else []
    types += ["invoice.overpaid"] if over > 0 else []
    with account.changing(invoice, *types):
        invoice["amount_paid"] += amount
        invoice["attempted"] = True
        invoice["attempt_count"] += 1
        invoice["amount_remaining"] = remaining(invoice)
        invoice["_charge"] = charge or invoice["_charge"]
        if over > 0:
            invoice["amount_overpaid"] += over
        if whole and was_open:
            _close(account, invoice)
    if over > 0:
        _owe(account, invoice, over)
    _adjust_default(account, invoice, by)


def _close(account: Account, invoice: Thing) -> None:
    invoice["status"] = "paid"
    invoice["auto_advance"] = False
    invoice["status_transitions"]["paid_at"] = account.now()


def _owe(account: Account, invoice: Thing, over: int) -> None:
    customer = account.things[invoice["customer"]]
    if customer.get("deleted"):
        return
    with account.changing(customer, "customer.updated"):
        customers.credit(account, customer, -over, "invoice_overpaid", invoice=invoice["id"])


def _adjust_default(account: Account, invoice: Thing, by: str = "") -> None:
    """The default payment asks for what remains; where nothing does, it is canceled."""
    for payment in account.of("invoice_payment", "invoice", invoice["id"]):
        if payment["status"] != "open" or not payment["is_default"] or payment["_intent"] == by:
            continue
        intent = account.things[payment["_intent"]]
        if intent["status"] == "processing":
            continue
        if invoice["amount_remaining"] > 0 and invoice["status"] == "open":
            payment["amount_requested"] = intent["amount"] = invoice["amount_remaining"]
        else:
            cancel(account, payment, "void_invoice" if invoice["status"] == "void" else "automatic")


def cancel(account: Account, payment: Thing, reason: str) -> None:
    """A payment of an invoice will not come."""
    payment["status"] = "canceled"
    payment["status_transitions"]["canceled_at"] = account.now()
    intent = account.things[payment["_intent"]]
    if intent["status"] in ("succeeded", "canceled"):
        return
    with account.changing(intent, "payment_intent.canceled"):
        intent |= {"status": "canceled", "canceled_at": account.now(), "cancellation_reason": reason}


def out_of_band(account: Account, invoice: Thing) -> None:
    """The customer has paid elsewhere: all that remains counts as paid."""
    amount = invoice["amount_remaining"]
    with account.changing(invoice, "invoice.updated", "invoice.paid", "invoice.payment_succeeded"):
        invoice["amount_paid"] += amount
        invoice["amount_paid_off_stripe"] += amount
        invoice["amount_remaining"] = 0
        invoice["_out_of_band"] = True
        invoice["attempted"] = True
        _close(account, invoice)
    _adjust_default(account, invoice)


def credited(account: Account, invoice: Thing, amount: int) -> None:
    """A credit note has changed what remains by so much; nothing left to pay is paid."""
    done = (
        invoice["status"] == "open"
        and remaining(
            {
                **invoice,
                "pre_payment_credit_notes_amount": invoice["pre_payment_credit_notes_amount"] + amount,
            }
        )
        == 0
    )
    with account.changing(
        invoice, "invoice.updated", *(("invoice.paid", "invoice.payment_succeeded") if done else ())
    ):
        invoice["pre_payment_credit_notes_amount"] += amount
        invoice["amount_remaining"] = remaining(invoice)
        if done:
            _close(account, invoice)
    _adjust_default(account, invoice)


def void(account: Account, invoice: Thing) -> None:
    """The invoice is no longer owed."""
    with account.changing(invoice, "invoice.updated", "invoice.voided"):
        invoice["status"] = "void"
        invoice["auto_advance"] = False
        invoice["status_transitions"]["voided_at"] = account.now()
    _adjust_default(account, invoice)


def failed(account: Account, intent: Thing) -> None:
    """A payment of an invoice did not succeed."""
    for payment in account.of("invoice_payment", "_intent", intent["id"]):
        invoice = account.things[payment["invoice"]]
        if invoice["status"] not in ("open", "uncollectible"):
            continue
        with account.changing(invoice, "invoice.updated", "invoice.payment_failed"):
            invoice["attempted"] = True
            invoice["attempt_count"] += 1
