"""Charges: cards are charged at once, bank debits are on their way for days and may come back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sandbox.stripe import disputes, ledger, settling
from sandbox.stripe.account import Account, Thing
from sandbox.stripe.clock import DAY, business_days
from sandbox.stripe.methods import Fate, fate_of
from sandbox.stripe.refusals import Refused

DECLINES = {
    "generic_decline": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
    "expired_card": "Your card has expired.",
}
RETURNS = {
    "insufficient_funds": "The customer's account has insufficient funds to cover this payment.",
    "account_closed": "The customer's bank account has been closed.",
    "no_account": "The customer's bank account could not be located.",
    "debit_not_authorized": "The customer has notified their bank that this payment was unauthorized.",
}


def new_charge(account: Account, intent: Thing, method: Thing, amount: int, status: str) -> Thing:
    """A charge for a payment intent; nothing is booked yet."""
    type = method["type"]
    made = account.add(
        "charge",
        {
            **dict.fromkeys(
                (
                    *("application", "application_fee", "application_fee_amount", "balance_transaction"),
                    *("failure_balance_transaction", "failure_code", "failure_message", "on_behalf_of"),
                    *("receipt_email", "receipt_number", "receipt_url", "review", "shipping", "source"),
                    *("source_transfer", "statement_descriptor", "statement_descriptor_suffix"),
                    *("transfer_data", "transfer_group", "presentment_details", "_dispute"),
                )
            ),
            "amount": amount,
            "amount_captured": 0,
            "amount_refunded": 0,
            "billing_details": method["billing_details"],
            "calculated_statement_descriptor": account.name.upper()[:22] or None,
            "captured": False,
            "created": account.now(),
            "currency": intent["currency"],
            "customer": intent["customer"],
            "description": intent["description"],
            "disputed": False,
            "fraud_details": {},
            "livemode": False,
            "metadata": dict(intent["metadata"]),
            "outcome": _outcome(),
            "paid": False,
            "payment_intent": intent["id"],
            "payment_method": method["id"],
            "payment_method_details": {"type": type, type: _details(account, method)},
            "radar_options": {},
            "refunded": False,
            "status": status,
            "_invoice": intent["_invoice"],
            "_fate": method["_fate"],
        },
        id=f"{'ch' if type == 'card' else 'py'}_3{account.world.token(23)}",
    )
    intent["latest_charge"] = made["id"]
    return made


def _outcome(code: str = "") -> Thing:
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": "51" if code else None,
        "network_status": "declined_by_network" if code else "approved_by_network",
        "reason": code or None,
        "risk_level": "normal",
        "risk_score": 12,
        "seller_message": "The bank did not return any further details." if code else "Payment complete.",
        "type": "issuer_declined" if code else "authorized",
    }


def _details(account: Account, method: Thing) -> Thing:
    known = method[method["type"]]
    if method["type"] == "card":
        null = (
            "amount_authorized",
            "authorization_code",
            "installments",
            "mandate",
            "network_transaction_id",
        )
        return {
            **{
                name: known[name]
                for name in ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint")
            },
            **dict.fromkeys((*null, "three_d_secure", "wallet", "network_token", "regulated_status")),
            "funding": known["funding"],
            "last4": known["last4"],
            "network": known["brand"],
        }
    on = datetime.fromtimestamp(business_days(account.now(), 1), UTC)
    expected = {"expected_debit_date": f"{on:%Y-%m-%d}", "mandate": f"mandate_1{account.world.token(23)}"}
    if method["type"] == "sepa_debit":
        names: tuple[str, ...] = ("bank_code", "branch_code", "country", "fingerprint", "last4")
    else:
        names = ("account_holder_type", "account_type", "bank_name", "fingerprint", "last4", "routing_number")
        expected["payment_reference"] = account.world.token(12).upper()
    return {**{name: known[name] for name in names}, **expected}


def charge(account: Account, intent: Thing, method: Thing, *, capture: bool) -> Thing:
    """Charge the method of a confirmed payment intent. Raises Refused 402 where a card is declined."""
    fate = fate_of(method)
    if method["type"] != "card":
        return _debit(account, intent, method, fate)
    if fate.kind in ("declined", "expired"):
        _decline(account, intent, method, fate)
    made = new_charge(account, intent, method, intent["amount"], "succeeded")
    made["paid"] = True
    if capture:
        captured(account, made, intent, intent["amount"])
    else:
        intent |= {"status": "requires_capture", "amount_capturable": intent["amount"]}
        account.tell("charge.succeeded", made)
        account.tell("payment_intent.amount_capturable_updated", intent)
    return made


def captured(account: Account, made: Thing, intent: Thing, amount: int) -> None:
    """The money of a card payment is booked, and the intent has succeeded."""
    later = made["captured"] is False and intent["status"] == "requires_capture"
    made |= {"captured": True, "amount_captured": amount}
    late = account.terms.late_transactions
    if late:
        account.world.clock.later(late, lambda: _book_late(account, made))
    else:
        _book_card(account, made)
    account.tell("charge.captured" if later else "charge.succeeded", made)
    with account.changing(intent, "payment_intent.succeeded"):
        intent |= {"status": "succeeded", "amount_received": amount, "amount_capturable": 0}
    settling.succeeded(account, intent)
    fate = Fate(*made["_fate"])
    if fate.kind in ("disputed", "inquiry"):
        disputes.open_dispute(account, made, fate.code, inquiry=fate.kind == "inquiry")


def _book_card(account: Account, made: Thing) -> None:
    at_once = Fate(*made["_fate"]).kind == "available"
    amount = made["amount_captured"]
    booked = ledger.move(
        *(account, "charge", amount, made["currency"], made["id"]),
        fee=ledger.card_fee(account, amount),
        described=made["description"],
        available=None if at_once else ledger.card_available(account),
    )
    made["balance_transaction"] = booked["id"]


def _book_late(account: Account, made: Thing) -> None:
    with account.changing(made, "charge.updated"):
        _book_card(account, made)


def _decline(account: Account, intent: Thing, method: Thing, fate: Fate) -> None:
    code = "expired_card" if fate.kind == "expired" else "card_declined"
    told = DECLINES[fate.code]
    made = new_charge(account, intent, method, intent["amount"], "failed")
    made |= {"failure_code": code, "failure_message": told, "outcome": _outcome(fate.code)}
    account.tell("charge.failed", made)
    reason: dict[str, Any] = {"decline_code": fate.code} if code == "card_declined" else {}
    _unpaid(account, intent, made, told, code, type="card_error", **reason)
    shown = {name: value for name, value in intent.items() if name[:1] != "_"}
    raise Refused(402, told, type="card_error", code=code, charge=made["id"], payment_intent=shown, **reason)


def _unpaid(account: Account, intent: Thing, made: Thing, told: str, code: str, **more: Any) -> None:
    method = account.things[made["payment_method"]]
    shown = {name: value for name, value in method.items() if name[:1] != "_"}
    with account.changing(intent, "payment_intent.payment_failed"):
        intent |= {
            "status": "requires_payment_method",
            "payment_method": None,
            "last_payment_error": {
                "charge": made["id"], "code": code, "message": told, "payment_method": shown, **more
            },
        }  # fmt: skip
    settling.failed(account, intent)


def _debit(account: Account, intent: Thing, method: Thing, fate: Fate) -> Thing:
    made = new_charge(account, intent, method, intent["amount"], "pending")
    arrives = business_days(account.now(), account.terms.debit_days)
    made |= {"captured": True, "amount_captured": made["amount"], "paid": False}
    booked = ledger.move(
        *(account, "payment", made["amount"], made["currency"], made["id"]),
        fee=ledger.debit_fee(account, made["amount"]),
        described=made["description"],
        available=arrives,
    )
    made["balance_transaction"] = booked["id"]
    intent["status"] = "processing"
    account.tell("payment_intent.processing", intent)
    account.tell("charge.pending", made)
    if fate.kind == "fails":
        due = account.now() + fate.days * DAY if fate.days else arrives - DAY // 2
        account.world.clock.at(due, lambda: fail_debit(account, made, fate.code))
    elif fate.kind != "never":
        account.world.clock.at(arrives, lambda: _debited(account, made, fate))
    return made


def _debited(account: Account, made: Thing, fate: Fate) -> None:
    if made["status"] != "pending":
        return
    intent = account.things[made["payment_intent"]]
    with account.changing(made, "charge.succeeded"):
        made |= {"status": "succeeded", "paid": True}
    with account.changing(intent, "payment_intent.succeeded"):
        intent |= {"status": "succeeded", "amount_received": made["amount"]}
    settling.succeeded(account, intent)
    if fate.kind == "returned":
        account.world.clock.later(fate.days * DAY, lambda: _returned(account, made, fate.code))


def _returned(account: Account, made: Thing, code: str) -> None:
    disputes.return_debit(account, made, code)


def fail_debit(account: Account, made: Thing, code: str) -> None:
    """A debit on its way has failed: what was booked is taken back, the fee stays."""
    if made["status"] != "pending":
        return
    told = RETURNS.get(code, "The payment failed.")
    intent = account.things[made["payment_intent"]]
    back = ledger.move(
        *(account, "payment_failure_refund", -made["amount"], made["currency"], made["id"]),
        described=f"REFUND FOR FAILED PAYMENT ({made['description']})",
        available=account.things[made["balance_transaction"]]["available_on"],
    )
    with account.changing(made, "charge.failed"):
        made |= {
            "status": "failed", "paid": False, "failure_code": code, "failure_message": told,
            "failure_balance_transaction": back["id"],
        }  # fmt: skip
    _unpaid(account, intent, made, told, code, type="invalid_request_error")
