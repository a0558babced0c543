"""What people and banks do at an account: pay invoices, dispute, return debits, decide, and pay out."""

from __future__ import annotations

from sandbox.stripe import charging, disputes, intents, ledger, methods, paying, payouts, refunds
from sandbox.stripe.account import Account, Thing
from sandbox.stripe.methods import SUCCEEDS, Fate
from sandbox.stripe.refusals import Refused


def pay(
    account: Account, invoice: str, *, amount: int | None = None, method: str = "card", fate: Fate = SUCCEEDS
) -> Thing:
    """A customer pays an open invoice on its page: all that remains, or an amount of it. Returns the payment
    intent; a declined card is no error, the intent tells. Raises Refused for an invoice nobody can pay."""
    found = account.living("invoice", invoice, status=404)
    paying.payable(found)
    chosen = methods.new_method(account, method, fate, found["customer"])
    default = paying.default_intent(account, found)
    if amount is None and default["status"] in intents.OPEN:
        intent = default
        intent["payment_method_types"] = sorted({*intent["payment_method_types"], method})
    else:
        intent = _part(account, found, amount or found["amount_remaining"], method)
    return _confirmed(account, intent, chosen)


def _part(account: Account, invoice: Thing, amount: int, method: str) -> Thing:
    intent = intents.new_intent(
        account,
        amount=amount,
        currency=invoice["currency"],
        customer=invoice["customer"],
        types=[method],
        described=f"Payment for Invoice {invoice['number']}",
    )
    account.tell("payment_intent.created", intent)
    paying.attach(account, invoice, intent)
    return intent


def _confirmed(account: Account, intent: Thing, chosen: Thing) -> Thing:
    try:
        return intents.confirm(account, intent, chosen)
    except Refused as refused:
        if refused.status != 402:
            raise
        return intent


def pay_freely(
    account: Account,
    amount: int,
    currency: str,
    *,
    customer: str | None = None,
    method: str = "card",
    fate: Fate = SUCCEEDS,
    described: str | None = None,
) -> Thing:
    """Somebody pays without an invoice, by a link or a till."""
    intent = intents.new_intent(
        account, amount=amount, currency=currency, customer=customer, types=[method], described=described
    )
    account.tell("payment_intent.created", intent)
    return _confirmed(account, intent, methods.new_method(account, method, fate, customer))


def charge_of(account: Account, id: str) -> Thing:
    """The charge itself, or the last one of a payment intent or an invoice."""
    found = account.things.get(id) or {}
    if found.get("object") == "invoice":
        id = found["_charge"] or account.things[found["_intent"]]["latest_charge"] or ""
    elif found.get("object") == "payment_intent":
        id = found["latest_charge"] or ""
    return account.get("charge", id, "charge", status=404)


def fail_debit(account: Account, id: str, code: str = "insufficient_funds") -> Thing:
    """The bank refuses a debit: on its way it fails; afterwards it comes back as a lost dispute."""
    charge = charge_of(account, id)
    if charge["status"] == "pending":
        charging.fail_debit(account, charge, code)
    else:
        disputes.return_debit(account, charge, code)
    return charge


def dispute(
    account: Account, id: str, *, reason: str = "fraudulent", amount: int | None = None, inquiry: bool = False
) -> Thing:
    """A customer disputes a charge."""
    return disputes.open_dispute(account, charge_of(account, id), reason, amount=amount, inquiry=inquiry)


def decide(account: Account, id: str, outcome: str) -> Thing:
    """The bank decides a dispute: won or lost; `escalate` makes a chargeback of an inquiry."""
    found = account.get("dispute", id)
    if outcome == "escalate":
        disputes.escalate(account, found)
    else:
        disputes.close(account, found, outcome)
    return found


def refund(account: Account, id: str, amount: int | None = None) -> Thing:
    """Somebody refunds a payment in the dashboard."""
    return refunds.refund(account, charge_of(account, id), amount, "requested_by_customer")


def fail_refund(account: Account, id: str, reason: str = "expired_or_canceled_card") -> Thing:
    """The customer's bank sends a refund back."""
    found = account.get("refund", id)
    refunds.fail(account, found, reason)
    return found


def book(account: Account, type: str, amount: int, currency: str, described: str) -> Thing:
    """The processor books something by itself: a stripe_fee for a month, an adjustment, a reserve. Signed."""
    category = ledger.CATEGORIES.get(type, type)
    return ledger.move(account, type, amount, currency, None, category=category, described=described)


def payout_day(account: Account) -> list[Thing]:
    """Pay out now what is available."""
    return payouts.pay_out(account)


def fail_payout(account: Account, id: str, code: str = "account_closed") -> Thing:
    """The bank refuses or returns a payout."""
    found = account.get("payout", id)
    payouts.fail(account, found, code)
    return found
