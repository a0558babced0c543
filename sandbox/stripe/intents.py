"""Payment intents: made, confirmed with a payment method, captured, canceled."""

from __future__ import annotations

from typing import Any

from sandbox.stripe import charging, methods
from sandbox.stripe.account import Account, Thing
from sandbox.stripe.calls import Call, Op
from sandbox.stripe.fields import (
    ANY,
    BOOLEAN,
    CURRENCY,
    EXPAND,
    METADATA,
    PAGE,
    SHIPPING,
    SPAN,
    TEXT,
    Field,
    Spec,
    choice,
    group,
    many,
    need,
)
from sandbox.stripe.listing import page, within
from sandbox.stripe.merging import merged, metadata
from sandbox.stripe.refusals import Refused, invalid, unable
from sandbox.stripe.versions import NO_TYPES, before

CHARGED = Field("integer", low=1, high=99_999_999)
OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")
ZERO_DECIMAL = {
    *(
        "bif",
        "clp",
        "djf",
        "gnf",
        "jpy",
        "kmf",
        "krw",
        "mga",
        "pyg",
        "rwf",
        "ugx",
        "vnd",
        "vuv",
        "xaf",
        "xof",
        "xpf",
    )
}
LOWEST = 50  # in the smallest unit, of a currency with two decimals
_COMMON: Spec = {
    **EXPAND,
    "customer": TEXT,
    "description": TEXT,
    "metadata": METADATA,
    "payment_method": TEXT,
    "payment_method_data": group(**methods.METHOD),
    "payment_method_options": ANY,
    "allowed_payment_method_types": many(choice(*methods.TYPES, "link", "customer_balance")),
    "receipt_email": TEXT,
    "setup_future_usage": TEXT,
    "shipping": SHIPPING,
    "statement_descriptor": TEXT,
    "statement_descriptor_suffix": TEXT,
    "transfer_group": TEXT,
}
_CONFIRM: Spec = {
    **EXPAND,
    "mandate": TEXT,
    "mandate_data": group(
        customer_acceptance=group(type=TEXT, online=group(ip_address=TEXT, user_agent=TEXT))
    ),
    "off_session": BOOLEAN,
    "payment_method": TEXT,
    "payment_method_data": group(**methods.METHOD),
    "return_url": TEXT,
    "error_on_requires_action": BOOLEAN,
}
_CREATE: Spec = {
    **_COMMON,
    **_CONFIRM,
    "amount": need(CHARGED),
    "automatic_payment_methods": group(enabled=need(BOOLEAN), allow_redirects=TEXT),
    "capture_method": choice("automatic", "automatic_async", "manual"),
    "confirm": BOOLEAN,
    "confirmation_method": choice("automatic", "manual"),
    "currency": need(CURRENCY),
    "payment_method_types": many(choice(*methods.TYPES, "link", "customer_balance")),
}
_UPDATE: Spec = {**_COMMON, "amount": CHARGED, "currency": CURRENCY}
REASONS = ("duplicate", "fraudulent", "requested_by_customer", "abandoned")


def new_intent(
    account: Account,
    *,
    amount: int,
    currency: str,
    customer: str | None,
    types: list[str],
    described: str | None = None,
    invoice: str | None = None,
) -> Thing:
    """A payment intent that waits for a payment method."""
    id = f"pi_3{account.world.token(23)}"
    null = (
        *(
            "application",
            "application_fee_amount",
            "automatic_payment_methods",
            "canceled_at",
            "cancellation_reason",
        ),
        *(
            "customer_account",
            "excluded_payment_method_types",
            "last_payment_error",
            "latest_charge",
            "next_action",
        ),
        *(
            "on_behalf_of",
            "payment_method",
            "payment_method_configuration_details",
            "processing",
            "receipt_email",
        ),
        *("review", "setup_future_usage", "shipping", "source", "statement_descriptor"),
        *("statement_descriptor_suffix", "transfer_data", "transfer_group"),
    )
    return account.add(
        "payment_intent",
        {
            **dict.fromkeys(null),
            "allowed_payment_method_types": None,
            "amount": amount,
            "amount_capturable": 0,
            "amount_details": {"tip": {}},
            "amount_received": 0,
            "capture_method": "automatic",
            "client_secret": f"{id}_secret_{account.world.token(25)}",
            "confirmation_method": "automatic",
            "created": account.now(),
            "currency": currency,
            "customer": customer,
            "description": described,
            "livemode": False,
            "metadata": {},
            "payment_method_options": {},
            "payment_method_types": types,
            "status": "requires_payment_method",
            "_invoice": invoice,
        },
        id=id,
    )


def _fill(intent: Thing, given: dict[str, Any]) -> None:
    same = (
        *("amount", "currency", "customer", "description", "receipt_email"),
        *("setup_future_usage", "statement_descriptor", "statement_descriptor_suffix", "transfer_group"),
        *("capture_method", "confirmation_method"),
    )
    for name in same:
        if given.get(name) is not None:
            intent[name] = given[name]
    if given.get("shipping"):
        intent["shipping"] = merged(None, given["shipping"], SHIPPING)
    intent["metadata"] = metadata(intent["metadata"], given)


def _create(call: Call) -> Thing:
    account, given = call.account, call.given
    if given["amount"] < (1 if given["currency"] in ZERO_DECIMAL else LOWEST):
        raise unable("Amount must be at least $0.50 usd", "amount", "amount_too_small")
    if given.get("customer"):
        account.living("customer", given["customer"], "customer")
    automatic = given.get("automatic_payment_methods")
    types = _types(call) or (["card", "us_bank_account"] if automatic else ["card"])
    made = new_intent(
        account,
        amount=given["amount"],
        currency=given["currency"],
        customer=given.get("customer"),
        types=types,
    )
    _fill(made, given)
    made["allowed_payment_method_types"] = given.get("allowed_payment_method_types")
    made["automatic_payment_methods"] = automatic
    account.tell("payment_intent.created", made)
    chosen = _chosen(account, given)
    if chosen:
        made["payment_method"], made["status"] = chosen["id"], "requires_confirmation"
    if given.get("confirm"):
        confirm(account, made, chosen)
    return made


def _types(call: Call) -> list[str] | None:
    """The allowed types under their name of today or of an earlier version. Raises Refused."""
    old, new = "payment_method_types", "allowed_payment_method_types"
    wrong = new if before(call.version, NO_TYPES) else old
    if wrong in call.given:
        raise invalid(f"Received unknown parameter: {wrong}", wrong, "parameter_unknown")
    found: list[str] | None = call.given.get(new) or call.given.get(old)
    return found


def _chosen(account: Account, given: dict[str, Any]) -> Thing | None:
    if given.get("payment_method_data"):
        return methods.from_details(account, given["payment_method_data"])
    return methods.method(account, given["payment_method"]) if given.get("payment_method") else None


def confirm(account: Account, intent: Thing, chosen: Thing | None) -> Thing:
    """Try to take the money. Raises Refused, 402 where a card is declined."""
    if intent["status"] not in OPEN:
        told = (
            f"This PaymentIntent's status is {intent['status']}; it could not be confirmed because it "
            f"must be requires_payment_method, requires_confirmation or requires_action."
        )
        raise unable(told, code="payment_intent_unexpected_state", payment_intent=_shown(intent))
    if chosen is None:
        told = "You cannot confirm this PaymentIntent because it's missing a payment method."
        raise unable(told, code="payment_intent_unexpected_state", payment_intent=_shown(intent))
    if chosen["type"] not in intent["payment_method_types"]:
        told = f"The PaymentMethod provided ({chosen['type']}) is not allowed for this PaymentIntent."
        raise unable(told, "payment_method")
    intent |= {"payment_method": chosen["id"], "last_payment_error": None, "next_action": None}
    if methods.fate_of(chosen).kind == "action" and intent["status"] != "requires_action":
        intent |= {
            "status": "requires_action",
            "next_action": {"type": "use_stripe_sdk", "use_stripe_sdk": {}},
        }
        account.tell("payment_intent.requires_action", intent)
        return intent
    charging.charge(account, intent, chosen, capture=intent["capture_method"] != "manual")
    return intent


def _shown(intent: Thing) -> Thing:
    return {name: value for name, value in intent.items() if name[:1] != "_"}


def _retrieve(call: Call) -> Thing:
    return call.account.get("payment_intent", call.ids[0])


def _update(call: Call) -> Thing:
    intent = _retrieve(call)
    fixed = {"amount", "currency"} & call.given.keys()
    if fixed and intent["status"] not in OPEN:
        told = f"{fixed.pop()} could not be updated: this PaymentIntent is {intent['status']}."
        raise unable(told, code="payment_intent_unexpected_state")
    _fill(intent, call.given)
    if (chosen := _chosen(call.account, call.given)) and intent["status"] in OPEN:
        intent["payment_method"], intent["status"] = chosen["id"], "requires_confirmation"
    return intent


def _confirm(call: Call) -> Thing:
    intent = _retrieve(call)
    kept = call.account.things.get(intent["payment_method"] or "")
    return confirm(call.account, intent, _chosen(call.account, call.given) or kept)


def _capture(call: Call) -> Thing:
    account, intent = call.account, _retrieve(call)
    if intent["status"] != "requires_capture":
        told = f"This PaymentIntent could not be captured because it has a status of {intent['status']}."
        raise unable(told, code="payment_intent_unexpected_state", payment_intent=_shown(intent))
    amount: int = call.given.get("amount_to_capture") or intent["amount_capturable"]
    if amount > intent["amount_capturable"]:
        raise unable(
            "The amount to capture is more than can be captured.", "amount_to_capture", "amount_too_large"
        )
    charging.captured(account, account.things[intent["latest_charge"]], intent, amount)
    return intent


def _cancel(call: Call) -> Thing:
    account, intent = call.account, _retrieve(call)
    if intent["status"] not in (*OPEN, "requires_capture"):
        told = f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}."
        raise unable(told, code="payment_intent_unexpected_state", payment_intent=_shown(intent))
    if intent["_invoice"] and account.of("invoice_payment", "_intent", intent["id"]):
        raise Refused(400, "You cannot cancel a PaymentIntent that belongs to an invoice: void the invoice.")
    with account.changing(intent, "payment_intent.canceled"):
        intent |= {
            "status": "canceled", "canceled_at": account.now(), "amount_capturable": 0,
            "cancellation_reason": call.given.get("cancellation_reason"),
        }  # fmt: skip
    return intent


def _list(call: Call) -> Thing:
    account, given = call.account, call.given
    among = account.of("payment_intent", "customer", given["customer"]) if given.get("customer") else None
    return page(
        *(account, "payment_intent", given, "/v1/payment_intents"),
        fits=lambda one: within(given.get("created"), one["created"]),
        among=among,
    )


_AT = "/v1/payment_intents/{}"
OPERATIONS = (
    Op("POST", "/v1/payment_intents", _create, _CREATE, "create"),
    Op("GET", "/v1/payment_intents", _list, {**PAGE, "customer": TEXT, "created": SPAN}),
    Op("GET", _AT, _retrieve, {**EXPAND, "client_secret": TEXT}),
    Op("POST", _AT, _update, _UPDATE, "update"),
    Op("POST", _AT + "/confirm", _confirm, _CONFIRM, "confirm"),
    Op(
        "POST",
        _AT + "/capture",
        _capture,
        {**EXPAND, "amount_to_capture": CHARGED, "metadata": METADATA},
        "capture",
    ),
    Op("POST", _AT + "/cancel", _cancel, {**EXPAND, "cancellation_reason": choice(*REASONS)}, "cancel"),
)
