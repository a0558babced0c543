"""Refunds: at once to cards, days later to bank accounts, and some fail and the money comes back."""

from __future__ import annotations

from sandbox.stripe import ledger
from sandbox.stripe.account import Account, Thing
from sandbox.stripe.calls import Call, Op
from sandbox.stripe.clock import business_days
from sandbox.stripe.fields import BOOLEAN, CURRENCY, EXPAND, METADATA, PAGE, SPAN, TEXT, Field, Spec, choice
from sandbox.stripe.listing import page, within
from sandbox.stripe.merging import metadata
from sandbox.stripe.methods import Fate
from sandbox.stripe.refusals import invalid, unable

REASONS = ("duplicate", "fraudulent", "requested_by_customer")
FAILURES = (
    *("lost_or_stolen_card", "expired_or_canceled_card", "charge_for_pending_refund_disputed"),
    *("insufficient_funds", "declined", "merchant_request", "unknown"),
)


def _charge(call: Call) -> Thing:
    account, given = call.account, call.given
    if given.get("charge"):
        return account.get("charge", given["charge"], "charge", status=404)
    if not given.get("payment_intent"):
        told = "One of the following params should be provided for this request: payment_intent or charge."
        raise invalid(told, "charge", "parameter_missing")
    intent = account.get("payment_intent", given["payment_intent"], "payment_intent", status=404)
    if not intent["latest_charge"]:
        told = f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund."
        raise unable(told, "payment_intent")
    return account.get("charge", intent["latest_charge"])


def _create(call: Call) -> Thing:
    charge = _charge(call)
    made = refund(call.account, charge, call.given.get("amount"), call.given.get("reason"))
    made["metadata"] = metadata({}, call.given)
    return made


def refund(account: Account, charge: Thing, amount: int | None, reason: str | None = None) -> Thing:
    """Give money of a charge back: all of it unless an amount is given. Raises Refused."""
    left = check(account, charge, amount)
    amount = left if amount is None else amount
    type = charge["payment_method_details"]["type"]
    fate = Fate(*charge["_fate"]).kind
    pends = type != "card" or fate == "refund_pends"
    made = account.add("refund", _blank(account, charge, amount, reason, type), id=_id(account, type))
    booked = ledger.move(
        *(account, "refund" if type == "card" else "payment_refund", -amount, charge["currency"], made["id"]),
        described=f"REFUND FOR CHARGE ({charge['description']})",
    )
    made["balance_transaction"] = booked["id"]
    made["status"] = "pending" if pends else "succeeded"
    made["pending_reason"] = "processing" if pends else None
    account.tell("refund.created", made)
    with account.changing(charge, "charge.refunded"):
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    due = business_days(account.now(), account.terms.refund_days)
    if fate == "refund_fails":
        account.world.clock.at(due, lambda: fail(account, made, "expired_or_canceled_card"))
    elif pends:
        account.world.clock.at(due, lambda: _arrived(account, made))
    return made


def check(account: Account, charge: Thing, amount: int | None) -> int:
    """What is left of the charge. Raises Refused where that, or its state, does not allow the refund."""
    left: int = charge["amount_captured"] - charge["amount_refunded"]
    if charge["status"] == "pending":
        raise unable(
            f"Charge {charge['id']} is still pending and cannot be refunded.",
            "charge",
            "charge_not_refundable",
        )
    if charge["status"] != "succeeded" or not charge["captured"]:
        raise unable(f"Charge {charge['id']} was not successful.", "charge", "charge_not_refundable")
    if left == 0:
        raise unable(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    dispute = account.things.get(charge["_dispute"] or "")
    if dispute and not dispute["is_charge_refundable"] and dispute["status"] != "won":
        raise unable(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed"
        )
    if amount is not None and amount > left:
        told = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
        raise unable(told, "amount")
    return left


def _id(account: Account, type: str) -> str:
    return f"{'re' if type == 'card' else 'pyr'}_3{account.world.token(23)}"


def _blank(account: Account, charge: Thing, amount: int, reason: str | None, type: str) -> Thing:
    card = {"reference": "8923467841236987", "reference_status": "available", "type": "refund"}
    details = {
        "card": {"card": {**card, "reference_type": "acquirer_reference_number"}, "type": "card"},
        "us_bank_account": {"type": "us_bank_transfer", "us_bank_transfer": {
            "reference": None, "reference_status": "pending"
        }},
        "sepa_debit": {"type": "eu_bank_transfer", "eu_bank_transfer": {
            "reference": None, "reference_status": "pending"
        }},
    }  # fmt: skip
    return {
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": account.now(),
        "currency": charge["currency"],
        "customer": charge["customer"],
        "customer_account": None,
        "destination_details": details[type],
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }


def _arrived(account: Account, made: Thing) -> None:
    if made["status"] == "pending":
        with account.changing(made, "refund.updated", "charge.refund.updated"):
            made |= {"status": "succeeded", "pending_reason": None}


def fail(account: Account, made: Thing, reason: str) -> None:
    """The customer's bank sends a refund back: the money is on the balance again. Raises Refused."""
    if made["status"] not in ("pending", "succeeded"):
        raise unable(f"Refund {made['id']} is {made['status']}.")
    charge = account.things[made["charge"]]
    back = ledger.move(
        *(account, "refund_failure", made["amount"], made["currency"], made["id"]),
        described=f"REFUND FAILURE FOR CHARGE ({charge['description']})",
    )
    with account.changing(made, "refund.updated", "refund.failed", "charge.refund.updated"):
        made |= {
            "status": "failed", "failure_reason": reason, "pending_reason": None,
            "failure_balance_transaction": back["id"],
        }  # fmt: skip
    with account.changing(charge, "charge.updated"):
        charge["amount_refunded"] -= made["amount"]
        charge["refunded"] = False


def _update(call: Call) -> Thing:
    made = call.account.get("refund", call.ids[0])
    with call.account.changing(made, "refund.updated", "charge.refund.updated"):
        made["metadata"] = metadata(made["metadata"], call.given)
    return made


def _list(call: Call) -> Thing:
    account, given, among = call.account, call.given, None
    for name in ("payment_intent", "charge"):
        if given.get(name):
            among = account.of("refund", name, given[name])
    return page(
        *(account, "refund", given, "/v1/refunds"),
        fits=lambda one: within(given.get("created"), one["created"]),
        among=among,
    )


_CREATE: Spec = {
    **EXPAND,
    "amount": Field("integer", low=1),
    "charge": TEXT,
    "currency": CURRENCY,
    "customer": TEXT,
    "instructions_email": TEXT,
    "metadata": METADATA,
    "payment_intent": TEXT,
    "reason": choice(*REASONS),
    "refund_application_fee": BOOLEAN,
    "reverse_transfer": BOOLEAN,
}
OPERATIONS = (
    Op("POST", "/v1/refunds", _create, _CREATE, "create"),
    Op("GET", "/v1/refunds", _list, {**PAGE, "charge": TEXT, "payment_intent": TEXT, "created": SPAN}),
    Op("GET", "/v1/refunds/{}", lambda call: call.account.get("refund", call.ids[0])),
    Op("POST", "/v1/refunds/{}", _update, {**EXPAND, "metadata": METADATA}, "update"),
)
