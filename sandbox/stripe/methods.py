"""Payment methods: the published test tokens with their fates, and the objects they become."""

from __future__ import annotations

from typing import Any, NamedTuple

from sandbox.stripe.account import Account, Thing
from sandbox.stripe.calls import Call, Op
from sandbox.stripe.fields import ADDRESS, COUNT, EXPAND, METADATA, PAGE, TEXT, Spec, group, need
from sandbox.stripe.listing import page
from sandbox.stripe.merging import merged, metadata
from sandbox.stripe.refusals import invalid, missing, unable

TYPES = ("card", "us_bank_account", "sepa_debit")


class Fate(NamedTuple):
    """What happens to payments by this method: a kind of outcome, its code or reason, after some days."""

    kind: str = "succeeds"
    code: str = ""
    days: int = 0


SUCCEEDS = Fate()
# Source: the test payment methods of Stripe's documentation on testing.
TOKENS: dict[str, tuple[str, Fate]] = {
    "pm_card_visa": ("card", Fate()),
    "pm_card_mastercard": ("card", Fate()),
    "pm_card_us": ("card", Fate()),
    "pm_card_bypassPending": ("card", Fate("available")),
    "pm_card_visa_chargeDeclined": ("card", Fate("declined", "generic_decline")),
    "pm_card_chargeDeclined": ("card", Fate("declined", "generic_decline")),
    "pm_card_visa_chargeDeclinedInsufficientFunds": ("card", Fate("declined", "insufficient_funds")),
    "pm_card_chargeDeclinedInsufficientFunds": ("card", Fate("declined", "insufficient_funds")),
    "pm_card_chargeDeclinedExpiredCard": ("card", Fate("expired", "expired_card")),
    "pm_card_authenticationRequired": ("card", Fate("action")),
    "pm_card_createDispute": ("card", Fate("disputed", "fraudulent")),
    "pm_card_createDisputeProductNotReceived": ("card", Fate("disputed", "product_not_received")),
    "pm_card_createDisputeInquiry": ("card", Fate("inquiry", "fraudulent")),
    "pm_card_pendingRefund": ("card", Fate("refund_pends")),
    "pm_card_refundFail": ("card", Fate("refund_fails")),
    "pm_usBankAccount_success": ("us_bank_account", Fate()),
    "pm_usBankAccount_processing": ("us_bank_account", Fate("never")),
    "pm_usBankAccount_insufficientFunds": ("us_bank_account", Fate("fails", "insufficient_funds")),
    "pm_usBankAccount_accountClosed": ("us_bank_account", Fate("fails", "account_closed")),
    "pm_usBankAccount_noAccount": ("us_bank_account", Fate("fails", "no_account")),
    "pm_usBankAccount_debitNotAuthorized": ("us_bank_account", Fate("fails", "debit_not_authorized")),
    "pm_usBankAccount_dispute": ("us_bank_account", Fate("returned", "debit_not_authorized", 2)),
    "pm_sepaDebit": ("sepa_debit", Fate()),
    "pm_sepaDebit_fails": ("sepa_debit", Fate("fails", "insufficient_funds")),
    "pm_sepaDebit_dispute": ("sepa_debit", Fate("returned", "general", 5)),
}
_NUMBERS = {
    "4242424242424242": "pm_card_visa",
    "4000000000000077": "pm_card_bypassPending",
    "4000000000000002": "pm_card_chargeDeclined",
    "4000000000009995": "pm_card_chargeDeclinedInsufficientFunds",
    "4000000000000069": "pm_card_chargeDeclinedExpiredCard",
    "4000000000000259": "pm_card_createDispute",
    "4000000000001976": "pm_card_createDisputeInquiry",
    "4000000000005126": "pm_card_refundFail",
    "4000000000007726": "pm_card_pendingRefund",
    "000123456789": "pm_usBankAccount_success",
    "000111111116": "pm_usBankAccount_noAccount",
    "000222222227": "pm_usBankAccount_insufficientFunds",
    "DE89370400440532013000": "pm_sepaDebit",
    "DE62370400440532013001": "pm_sepaDebit_fails",
    "DE35370400440532013002": "pm_sepaDebit_dispute",
}


def new_method(account: Account, type: str, fate: Fate = SUCCEEDS, customer: str | None = None) -> Thing:
    """A payment method of this type."""
    return account.add(
        "payment_method",
        {
            "allow_redisplay": "unspecified",
            "billing_details": {
                "address": blank_address(),
                "email": None,
                "name": None,
                "phone": None,
                "tax_id": None,
            },
            "created": account.now(),
            "customer": customer,
            "customer_account": None,
            "livemode": False,
            "metadata": {},
            "type": type,
            type: _details(account, type),
            "_fate": list(fate),
        },
    )


def blank_address() -> Thing:
    """An address nobody gave."""
    return dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))


def _details(account: Account, type: str) -> Thing:
    print_ = account.world.token(16)
    if type == "card":
        return {
            "brand": "visa",
            "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
            "country": "US",
            "display_brand": "visa",
            "exp_month": 8,
            "exp_year": 2030,
            "fingerprint": print_,
            "funding": "credit",
            "generated_from": None,
            "last4": "4242",
            "networks": {"available": ["visa"], "preferred": None},
            "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": True},
            "wallet": None,
        }
    if type == "us_bank_account":
        return {
            "account_holder_type": "company",
            "account_type": "checking",
            "bank_name": "STRIPE TEST BANK",
            "financial_connections_account": None,
            "fingerprint": print_,
            "last4": "6789",
            "networks": {"preferred": "ach", "supported": ["ach"]},
            "routing_number": "110000000",
            "status_details": None,
        }
    return {
        "bank_code": "37040044",
        "branch_code": "",
        "country": "DE",
        "fingerprint": print_,
        "generated_from": {"charge": None, "setup_attempt": None},
        "last4": "3000",
    }


def method(account: Account, id: str, param: str = "payment_method") -> Thing:
    """The payment method with this id, or a new one for a test token. Raises Refused."""
    if id in TOKENS:
        type, fate = TOKENS[id]
        return new_method(account, type, fate)
    if id not in account.things:
        raise missing("PaymentMethod", id, param, status=400)
    return account.get("payment_method", id, param, status=400)


def fate_of(method: Thing) -> Fate:
    """What will become of payments by it."""
    return Fate(*method["_fate"])


_BILLING = group(address=ADDRESS, email=TEXT, name=TEXT, phone=TEXT, tax_id=TEXT)
METHOD: Spec = {
    "type": need(TEXT),
    "billing_details": _BILLING,
    "metadata": METADATA,
    "card": group(number=TEXT, exp_month=COUNT, exp_year=COUNT, cvc=TEXT, token=TEXT),
    "us_bank_account": group(
        account_holder_type=TEXT, account_number=TEXT, account_type=TEXT, routing_number=TEXT
    ),
    "sepa_debit": group(iban=TEXT),
}


def from_details(account: Account, given: dict[str, Any]) -> Thing:
    """A payment method from numbers; the published test numbers have their fates. Raises Refused."""
    type = given["type"]
    if type not in TYPES:
        raise invalid(f"Payment method types known here: {', '.join(TYPES)}.", "type")
    sent = given.get(type) or {}
    number = sent.get("number") or sent.get("account_number") or sent.get("iban") or ""
    token = _NUMBERS.get(number)
    if number and token is None:
        raise unable("Your number is not one of the test numbers.", f"{type}[number]", "incorrect_number")
    made = new_method(account, type, TOKENS[token][1] if token else Fate())
    billing = given.get("billing_details") or {}
    made["billing_details"] = {**made["billing_details"], **billing}
    if billing.get("address"):
        made["billing_details"]["address"] = merged(None, billing["address"], ADDRESS)
    if number:
        made[type]["last4"] = number[-4:]
    made["metadata"] = metadata({}, given)
    return made


def _create(call: Call) -> Thing:
    return from_details(call.account, call.given)


def _attach(call: Call) -> Thing:
    customer = call.account.living("customer", call.given["customer"], "customer")
    found = method(call.account, call.ids[0], "id")
    if found["customer"] not in (None, customer["id"]):
        raise unable("The payment method you provided has already been attached to a customer.")
    with call.account.changing(found, "payment_method.attached"):
        found["customer"] = customer["id"]
        call.account.relate(found, "customer")
    return found


def _detach(call: Call) -> Thing:
    found = call.account.get("payment_method", call.ids[0])
    if found["customer"] is None:
        raise unable(
            "The payment method you provided is not attached to a customer so detachment is impossible."
        )
    with call.account.changing(found, "payment_method.detached"):
        found["customer"] = None
    return found


def _list(call: Call) -> Thing:
    given = call.given
    among = (
        call.account.of("payment_method", "customer", given["customer"]) if given.get("customer") else None
    )
    return page(
        *(call.account, "payment_method", given, "/v1/payment_methods"),
        fits=lambda one: given.get("type") in (None, one["type"]),
        among=among,
    )


OPERATIONS = (
    Op("POST", "/v1/payment_methods", _create, {**EXPAND, **METHOD, "customer": TEXT}, "create"),
    Op("GET", "/v1/payment_methods", _list, {**PAGE, "customer": TEXT, "type": TEXT}),
    Op("GET", "/v1/payment_methods/{}", lambda call: call.account.get("payment_method", call.ids[0])),
    Op("POST", "/v1/payment_methods/{}/attach", _attach, {**EXPAND, "customer": need(TEXT)}, "attach"),
    Op("POST", "/v1/payment_methods/{}/detach", _detach, EXPAND, "detach"),
)
