"""Payment records: payments that were made outside of Stripe and are told to it."""

from __future__ import annotations

from typing import Any

from sandbox.stripe.account import Thing
from sandbox.stripe.calls import Call, Op
from sandbox.stripe.fields import (
    ADDRESS,
    CURRENCY,
    EXPAND,
    METADATA,
    PAGE,
    SHIPPING,
    TEXT,
    TIME,
    Field,
    Spec,
    choice,
    group,
    need,
)
from sandbox.stripe.listing import page, within
from sandbox.stripe.merging import metadata
from sandbox.stripe.refusals import invalid

OUTCOMES = ("guaranteed", "failed", "canceled")
_AMOUNTS = ("authorized", "canceled", "failed", "refunded", "guaranteed")


def _report(call: Call) -> Thing:
    account, given = call.account, call.given
    money = given["amount_requested"]
    outcome = given.get("outcome")
    if outcome and not given.get(outcome):
        raise invalid(f"Missing required param: {outcome}.", outcome, "parameter_missing")
    customer = (given.get("customer_details") or {}).get("customer")
    if customer:
        account.living("customer", customer, "customer_details[customer]")
    zero = {"currency": money["currency"], "value": 0}
    reached = {f"amount_{name}": dict(money) if name == outcome else dict(zero) for name in _AMOUNTS}
    return account.add(
        "payment_record",
        {
            **reached,
            "amount": dict(money),
            "amount_requested": dict(money),
            "application": None,
            "created": account.now(),
            "customer_details": _customer(given),
            "customer_presence": given.get("customer_presence"),
            "description": given.get("description"),
            "latest_payment_attempt_record": f"par_1{account.world.token(23)}",
            "livemode": False,
            "metadata": metadata({}, given),
            "payment_method_details": _method(given["payment_method_details"]),
            "processor_details": given.get("processor_details") or {"type": "custom", "custom": None},
            "reported_by": "self",
            "shipping_details": None,
            "_invoice": None,
        },
    )


def _customer(given: dict[str, Any]) -> Thing | None:
    told = given.get("customer_details")
    return {name: told.get(name) for name in ("customer", "email", "name", "phone")} if told else None


def _method(told: dict[str, Any]) -> Thing:
    custom = told.get("custom") or {}
    return {
        "billing_details": None,
        "custom": {"display_name": custom.get("display_name") or "Custom", "type": custom.get("type")},
        "payment_method": told.get("payment_method"),
        "type": "custom",
    }


def _list(call: Call) -> Thing:
    after, before = call.given.get("created_after"), call.given.get("created_before")
    span = {name: bound for name, bound in (("gt", after), ("lt", before)) if bound is not None}
    return page(
        *(call.account, "payment_record", call.given, "/v1/payment_records"),
        fits=lambda one: within(span, one["created"]),
    )


_REPORT: Spec = {
    **EXPAND,
    "amount_requested": need(group(currency=need(CURRENCY), value=need(Field("integer", low=1)))),
    "canceled": group(canceled_at=need(TIME)),
    "customer_details": group(customer=TEXT, email=TEXT, name=TEXT, phone=TEXT),
    "customer_presence": choice("on_session", "off_session"),
    "description": TEXT,
    "failed": group(failed_at=need(TIME), failure_code=TEXT),
    "guaranteed": group(guaranteed_at=need(TIME)),
    "initiated_at": need(TIME),
    "metadata": METADATA,
    "outcome": choice(*OUTCOMES),
    "payment_method_details": need(
        group(
            billing_details=group(address=ADDRESS, email=TEXT, name=TEXT, phone=TEXT),
            custom=group(display_name=TEXT, type=TEXT),
            payment_method=TEXT,
            type=choice("custom"),
        )
    ),
    "processor_details": group(type=need(TEXT), custom=group(payment_reference=need(TEXT))),
    "shipping_details": SHIPPING,
}
OPERATIONS = (
    Op("POST", "/v1/payment_records/report_payment", _report, _REPORT, "report"),
    Op("GET", "/v1/payment_records", _list, {**PAGE, "created_after": TIME, "created_before": TIME}),
    Op("GET", "/v1/payment_records/{}", lambda call: call.account.get("payment_record", call.ids[0])),
)
