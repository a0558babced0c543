"""What a person may decide about a payment, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from hub import ledger
from hub.errors import Invalid
from hub.model import Customer, Invoice, InvoiceState, Money, Payment, PaymentState
from hub.stages.matching import Match, Share, post
from hub.stages.outcome import Choice, Event, Outcome, Reader

SHARES_MAX = 200


def apply_to(payment: Payment, choice: Choice, read: Reader) -> Outcome:
    """Apply a payment to the invoices a person named: values = {invoices: [{invoice, amount}]}."""
    rows = choice.values.get("invoices")
    if not isinstance(rows, list) or not 0 < len(rows) <= SHARES_MAX:
        raise Invalid("name at least one invoice to apply the payment to", field="invoices")
    shares = [_share(row, payment, read) for row in rows]
    if len({share.invoice.id for share in shares}) < len(shares):
        raise Invalid("an invoice is named twice", field="invoices")
    left = read.unapplied(payment.id, payment.amount.currency)
    total = sum((share.amount.amount for share in shares), Decimal(0))
    if total > left.amount:
        raise Invalid(f"{total} is more than the {left} still unapplied", field="invoices")
    return post(payment, Match(shares, f"decided by {choice.by}"), read)


def on_account(payment: Payment, choice: Choice, read: Reader) -> Outcome:
    """Keep a payment for a customer without an invoice: values = {customer}."""
    customer = read.get(str(choice.values.get("customer") or payment.customer))
    if not isinstance(customer, Customer):
        raise Invalid("name the customer the money belongs to", field="customer")
    state = PaymentState.UNAPPLIED if payment.state is PaymentState.UNIDENTIFIED else payment.state
    kept = payment.model_copy(update={"customer": customer.id, "state": state})
    return Outcome(events=[Event("payment.on_account", kept, touch=True)])


def refund(payment: Payment, choice: Choice, read: Reader) -> Outcome:
    """The rest of a payment was sent back to the payer by the treasury."""
    left = read.unapplied(payment.id, payment.amount.currency)
    if not left.amount > 0:
        raise Invalid("nothing of this payment is left to send back", field="payment")
    done = payment.model_copy(update={"state": PaymentState.APPLIED})
    return Outcome(
        events=[Event("payment.refunded", done, touch=True)], groups=[ledger.refunded(payment, left)]
    )


def leave_open(invoice: Invoice, choice: Choice, read: Reader) -> Outcome:
    """The customer still owes the rest."""
    return Outcome()


def bank_fee(invoice: Invoice, choice: Choice, read: Reader) -> Outcome:
    """What is missing was kept by a bank on the way: book it as our fee, within the policy's cap."""
    read.lock(invoice.customer)
    missing = read.open_amount(invoice)
    cap = read.policies.matching.bank_fee_max.get(invoice.currency, Decimal(0))
    if missing.amount > cap:
        raise Invalid(
            f"{missing} is above the {cap} {invoice.currency} a person may book as a bank fee "
            "(matching.bank_fee_max in policies.yaml)",
            field="bank_fee_max",
        )
    allocations = read.allocations(invoice=invoice.id)
    payment = read.get(allocations[-1].payment) if allocations else None
    if not isinstance(payment, Payment) or not missing.amount > 0:
        raise Invalid("nothing is missing on this invoice, or no payment touched it", field="invoice")
    paid = invoice.model_copy(update={"state": InvoiceState.PAID})
    return Outcome(
        events=[Event("invoice.paid", paid, touch=True)], groups=[ledger.fee(payment, invoice, missing)]
    )


def _share(row: Mapping[str, Any], payment: Payment, read: Reader) -> Share:
    invoice = read.get(str(row.get("invoice", "")))
    if not isinstance(invoice, Invoice):
        raise Invalid(f"invoice {row.get('invoice')!r} is not known", field="invoices")
    if invoice.currency != payment.amount.currency:
        raise Invalid(f"{invoice.number} is in {invoice.currency}, the payment is not", field="invoices")
    read.lock(invoice.customer)
    still = read.open_amount(invoice)
    amount = _amount(row.get("amount"), default=still)
    if not 0 < amount.amount <= still.amount:
        raise Invalid(f"{amount} cannot be applied to {invoice.number}: {still} is open", field="invoices")
    return Share(invoice, amount)


def _amount(text: object, *, default: Money) -> Money:
    if text in (None, ""):
        return default
    try:
        money = Money(amount=Decimal(str(text)), currency=default.currency)
        _ = money.minor
    except (InvalidOperation, ValueError):
        raise Invalid(f"{text!r} is not an amount in {default.currency}", field="amount") from None
    return money
