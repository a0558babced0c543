"""Customers, their tax ids and their credit balance."""

from __future__ import annotations

from typing import Any

from sandbox.stripe.account import Account, Thing
from sandbox.stripe.calls import Call, Op
from sandbox.stripe.fields import (
    ADDRESS,
    AMOUNT,
    ANY,
    BOOLEAN,
    COUNT,
    CURRENCY,
    EXPAND,
    METADATA,
    PAGE,
    SHIPPING,
    SPAN,
    TEXT,
    choice,
    group,
    many,
    need,
)
from sandbox.stripe.listing import page, within
from sandbox.stripe.merging import merged, metadata
from sandbox.stripe.refusals import invalid, unable

TAX_IDS_MAX = 5
# Countries of common tax id types; the type names the country or the union.
_UNIONS = {"eu_vat": None, "eu_oss_vat": None}
_TAX_ID = {"type": need(TEXT), "value": need(TEXT)}
_SETTINGS = group(
    custom_fields=many(group(name=need(TEXT), value=need(TEXT))),
    default_payment_method=TEXT,
    footer=TEXT,
    rendering_options=group(amount_tax_display=TEXT, template=TEXT),
)
_COMMON = {
    **EXPAND,
    "address": ADDRESS,
    "balance": AMOUNT,
    "business_name": TEXT,
    "description": TEXT,
    "email": TEXT,
    "individual_name": TEXT,
    "invoice_prefix": TEXT,
    "invoice_settings": _SETTINGS,
    "metadata": METADATA,
    "name": TEXT,
    "next_invoice_sequence": COUNT,
    "phone": TEXT,
    "preferred_locales": many(TEXT),
    "shipping": SHIPPING,
    "source": TEXT,
    "tax": group(ip_address=TEXT, validate_location=TEXT),
    "tax_exempt": choice("none", "exempt", "reverse"),
    "validate": BOOLEAN,
}
_CREATE = {
    **_COMMON,
    "payment_method": TEXT,
    "tax_id_data": many(group(**_TAX_ID)),
    "test_clock": TEXT,
    "cash_balance": group(settings=group(reconciliation_mode=ANY)),
}
_UPDATE = {**_COMMON, "default_source": TEXT, "cash_balance": group(settings=group(reconciliation_mode=ANY))}
_SIMPLE = (
    "business_name",
    "description",
    "email",
    "individual_name",
    "name",
    "phone",
    "shipping",
    "tax_exempt",
)


def _blank(account: Account) -> Thing:
    return {
        "address": None,
        "balance": 0,
        "created": account.now(),
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "invoice_prefix": account.world.token(8).upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }


def _fill(thing: Thing, given: dict[str, Any]) -> None:
    for name in (*_SIMPLE, "invoice_prefix", "next_invoice_sequence", "balance", "preferred_locales"):
        if name in given:
            thing[name] = given[name]
    if given.get("tax_exempt", "") is None:
        thing["tax_exempt"] = "none"
    if "address" in given:
        thing["address"] = merged(thing["address"], given["address"], ADDRESS)
    if given.get("invoice_settings"):
        thing["invoice_settings"] = {**thing["invoice_settings"], **given["invoice_settings"]}
    thing["metadata"] = metadata(thing["metadata"], given)


def create(call: Call) -> Thing:
    """POST /v1/customers."""
    account, given = call.account, call.given
    if given.get("email") and "@" not in given["email"]:
        raise invalid(f"Invalid email address: {given['email']}", "email", "email_invalid")
    for one in given.get("tax_id_data") or ():
        _check_tax_id(one)
    made = _blank(account)
    _fill(made, given)
    customer = account.add("customer", made)
    for one in given.get("tax_id_data") or ():
        _add_tax_id(account, customer, one)
    account.tell("customer.created", customer)
    return customer


def update(call: Call) -> Thing:
    """POST /v1/customers/{id}."""
    customer = call.account.living("customer", call.ids[0], status=404)
    with call.account.changing(customer, "customer.updated"):
        old = customer["balance"]
        _fill(customer, call.given)
        if customer["balance"] != old:
            new, customer["balance"] = customer["balance"], old
            credit(call.account, customer, new - old, "adjustment")
    return customer


def delete(call: Call) -> Thing:
    """DELETE /v1/customers/{id}."""
    customer = call.account.living("customer", call.ids[0], status=404)
    call.account.tell("customer.deleted", customer)
    return call.account.remove(customer)


def retrieve(call: Call) -> Thing:
    """GET /v1/customers/{id}; a deleted one is a stub."""
    return call.account.get("customer", call.ids[0])


def many_of(call: Call) -> Thing:
    """GET /v1/customers."""
    email, created = call.given.get("email"), call.given.get("created")
    return page(
        call.account,
        "customer",
        call.given,
        "/v1/customers",
        fits=lambda one: email in (None, one["email"]) and within(created, one["created"]),
    )


def credit(
    account: Account,
    customer: Thing,
    amount: int,
    type: str,
    *,
    invoice: str | None = None,
    note: str | None = None,
    currency: str = "",
    described: str | None = None,
) -> Thing:
    """Change the balance of what a customer owes: negative is credit."""
    customer["balance"] += amount
    customer["currency"] = customer["currency"] or currency or account.currency
    return account.add(
        "customer_balance_transaction",
        {
            "amount": amount,
            "checkout_session": None,
            "created": account.now(),
            "credit_note": note,
            "currency": customer["currency"],
            "customer": customer["id"],
            "customer_account": None,
            "description": described,
            "ending_balance": customer["balance"],
            "invoice": invoice,
            "livemode": False,
            "metadata": {},
            "type": type,
        },
    )


def _adjust(call: Call) -> Thing:
    customer = call.account.living("customer", call.ids[0], status=404)
    if customer["currency"] not in (None, call.given["currency"]):
        raise unable(f"The customer's balance is in {customer['currency']}.", "currency")
    with call.account.changing(customer, "customer.updated"):
        made = credit(
            call.account,
            customer,
            call.given["amount"],
            "adjustment",
            currency=call.given["currency"],
            described=call.given.get("description"),
        )
    made["metadata"] = metadata({}, call.given)
    return made


def _adjustments(call: Call) -> Thing:
    customer = call.account.get("customer", call.ids[0])
    things = call.account.of("customer_balance_transaction", "customer", customer["id"])
    url = f"/v1/customers/{customer['id']}/balance_transactions"
    return page(call.account, "customer_balance_transaction", call.given, url, among=things)


def _add_tax_id(account: Account, customer: Thing, given: dict[str, Any]) -> Thing:
    if len(account.of("tax_id", "customer", customer["id"])) >= TAX_IDS_MAX:
        raise unable(f"A customer can have at most {TAX_IDS_MAX} tax IDs.", code="tax_id_limit")
    type, value = given["type"], given["value"]
    country = value[:2] if type in _UNIONS else type.split("_")[0].upper()
    made = account.add(
        "tax_id",
        {
            "country": country,
            "created": account.now(),
            "customer": customer["id"],
            "customer_account": None,
            "livemode": False,
            "owner": {"customer": customer["id"], "customer_account": None, "type": "customer"},
            "type": type,
            "value": value,
            "verification": {"status": "pending", "verified_address": None, "verified_name": None},
        },
    )
    account.tell("customer.tax_id.created", made)
    return made


def _check_tax_id(given: dict[str, Any]) -> None:
    value = given["value"]
    if given["type"] == "eu_vat" and not (value[:2].isalpha() and len(value) >= 8):
        raise invalid(f"Invalid value for eu_vat: {value}", "value", "tax_id_invalid")


def _create_tax_id(call: Call) -> Thing:
    _check_tax_id(call.given)
    return _add_tax_id(call.account, call.account.living("customer", call.ids[0], status=404), call.given)


def _tax_id(call: Call) -> Thing:
    found = call.account.get("tax_id", call.ids[1])
    return call.account.living(
        "tax_id", found["id"] if found.get("customer") == call.ids[0] else "", status=404
    )


def _delete_tax_id(call: Call) -> Thing:
    found = _tax_id(call)
    call.account.tell("customer.tax_id.deleted", found)
    return call.account.remove(found)


def _tax_ids(call: Call) -> Thing:
    things = call.account.of("tax_id", "customer", call.ids[0])
    return page(call.account, "tax_id", call.given, f"/v1/customers/{call.ids[0]}/tax_ids", among=things)


_AT = "/v1/customers/{}"
OPERATIONS = (
    Op("POST", "/v1/customers", create, _CREATE, "create"),
    Op("GET", "/v1/customers", many_of, {**PAGE, "created": SPAN, "email": TEXT, "test_clock": TEXT}),
    Op("GET", _AT, retrieve),
    Op("POST", _AT, update, _UPDATE, "update"),
    Op("DELETE", _AT, delete, {}, "delete"),
    Op("POST", _AT + "/tax_ids", _create_tax_id, {**EXPAND, **_TAX_ID}, "create"),
    Op("GET", _AT + "/tax_ids", _tax_ids, PAGE),
    Op("GET", _AT + "/tax_ids/{}", _tax_id),
    Op("DELETE", _AT + "/tax_ids/{}", _delete_tax_id, {}, "delete"),
    Op(
        *("POST", _AT + "/balance_transactions", _adjust),
        {
            **EXPAND,
            "amount": need(AMOUNT),
            "currency": need(CURRENCY),
            "description": TEXT,
            "metadata": METADATA,
        },
        "create",
    ),
    Op("GET", _AT + "/balance_transactions", _adjustments, {**PAGE, "created": SPAN}),
)
