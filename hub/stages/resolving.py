"""What a person may decide about a payment, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from hub import ledger
from hub.errors import Invalid
from hub.model import CreditMemo, Customer, Invoice, Money, Payment, PaymentState
from hub.stages import applying, cancelling, crediting
from hub.stages.applying import OWED, Share, Source
from hub.stages.matching import Match, post
from hub.stages.outcome import Choice, Event, Outcome, Reader

SHARES_MAX = 200


def apply_to(source: Source, choice: Choice, read: Reader) -> Outcome:
    """Apply a payment or a credit memo to the invoices a person named.

    values = {invoices: [{invoice, amount}]}. Raises Invalid where that cannot be.
    """
    if not isinstance(source, Payment | CreditMemo):
        raise Invalid("only a payment or a credit memo can be applied", field="decision")
    rows = choice.values.get("invoices")
    if not isinstance(rows, list) or not 0 < len(rows) <= SHARES_MAX:
        raise Invalid("name at least one invoice to apply the payment to", field="invoices")
    shares = [_share(row, source, read) for row in rows]
    if len({share.invoice.id for share in shares}) < len(shares):
        raise Invalid("an invoice is named twice", field="invoices")
    mixed = list(applying.mixed_sellers(source, [share.invoice for share in shares]))
    if mixed:
        raise Invalid(f"{mixed[0]}; apply it to those of one seller", field="invoices")
    left = read.unapplied(source.id, applying.money_of(source).currency)
    total = sum((share.amount.amount for share in shares), Decimal(0))
    if total > left.amount:
        raise Invalid(f"{total} is more than the {left} still unapplied", field="invoices")
    if isinstance(source, CreditMemo):
        return crediting.apply_shares(source, shares, read)
    return post(source, Match(shares, f"decided by {choice.by}"), read)


def on_account(payment: Payment, choice: Choice, read: Reader) -> Outcome:
    """Keep a payment for a customer without an invoice: values = {customer}."""
    if not isinstance(payment, Payment) or payment.state is PaymentState.REVERSED:
        raise Invalid("there is no money to keep", field="decision")
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


def duplicate(payment: Payment, choice: Choice, read: Reader) -> Outcome:
    """The same money came twice, for example from the bank and from the ERP: this one counts for nothing."""
    if not isinstance(payment, Payment) or payment.state is PaymentState.REVERSED:
        raise Invalid("there is no payment to take back", field="decision")
    if read.allocations(payment=payment.id):
        raise Invalid(f"payment {payment.number} is applied: it is no second one", field="decision")
    if payment.held_by:
        raise Invalid(
            f"{payment.held_by} holds this money: the other payment is the second", field="decision"
        )
    return cancelling.payment(payment, read)


def returned(payment: Payment, choice: Choice, read: Reader) -> Outcome:
    """The bank took an earlier payment back: neither counts any more, and what it paid is owed again.

    values = {payment: its number or id}. Raises Invalid where that is no payment over the same amount.
    """
    named = str(choice.values.get("payment", "")).strip()
    found = [read.get(named), *read.numbered("payment", named)] if named else []
    earlier = next((one for one in found if isinstance(one, Payment)), None)
    if not isinstance(payment, Payment) or payment.amount.amount >= 0:
        raise Invalid("this is no entry by which a bank takes money back", field="decision")
    if earlier is None or earlier.amount != -payment.amount or earlier.state is PaymentState.REVERSED:
        raise Invalid(f"name the payment over {-payment.amount} that was taken back", field="payment")
    parts = [cancelling.payment(payment, read), cancelling.payment(earlier, read)]
    if any(part.cases for part in parts):
        raise Invalid(f"part of payment {earlier.number} was sent back already", field="payment")
    return Outcome(
        [event for part in parts for event in part.events],
        (),
        [group for part in parts for group in part.groups],
        [one for part in parts for one in part.closes],
    )


def leave_credit(memo: CreditMemo, choice: Choice, read: Reader) -> Outcome:
    """The customer's credit waits for later invoices."""
    return Outcome()


def leave_open(invoice: Invoice, choice: Choice, read: Reader) -> Outcome:
    """The customer still owes the rest."""
    return Outcome()


def _share(row: Mapping[str, Any], source: Source, read: Reader) -> Share:
    invoice = read.get(str(row.get("invoice", "")))
    if not isinstance(invoice, Invoice):
        raise Invalid(f"invoice {row.get('invoice')!r} is not known", field="invoices")
    if invoice.currency != applying.money_of(source).currency:
        what = source.kind.replace("_", " ")
        raise Invalid(f"{invoice.number} is in {invoice.currency}, the {what} is not", field="invoices")
    if invoice.state not in OWED:
        raise Invalid(f"{invoice.number} is {invoice.state}: nothing can be applied to it", field="invoices")
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
