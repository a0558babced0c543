"""Reading charges, and what may be changed about them afterwards."""

from __future__ import annotations

from sandbox.stripe.account import Thing
from sandbox.stripe.calls import Call, Op
from sandbox.stripe.fields import EXPAND, METADATA, PAGE, SPAN, TEXT, Spec
from sandbox.stripe.listing import page, within
from sandbox.stripe.merging import metadata


def _retrieve(call: Call) -> Thing:
    return call.account.get("charge", call.ids[0])


def _update(call: Call) -> Thing:
    charge = _retrieve(call)
    with call.account.changing(charge, "charge.updated"):
        for name in ("description", "receipt_email", "transfer_group"):
            if name in call.given:
                charge[name] = call.given[name]
        charge["metadata"] = metadata(charge["metadata"], call.given)
    return charge


def _list(call: Call) -> Thing:
    account, given, among = call.account, call.given, None
    for name in ("customer", "payment_intent"):
        if given.get(name):
            among = account.of("charge", name, given[name])
    return page(
        *(account, "charge", given, "/v1/charges"),
        fits=lambda one: within(given.get("created"), one["created"]),
        among=among,
    )


def _refunds(call: Call) -> Thing:
    charge = _retrieve(call)
    things = call.account.of("refund", "charge", charge["id"])
    return page(call.account, "refund", call.given, f"/v1/charges/{charge['id']}/refunds", among=things)


_CHANGED: Spec = {
    **EXPAND, "customer": TEXT, "description": TEXT, "metadata": METADATA, "receipt_email": TEXT,
    "transfer_group": TEXT,
}  # fmt: skip
OPERATIONS = (
    Op(
        *("GET", "/v1/charges", _list),
        {**PAGE, "customer": TEXT, "payment_intent": TEXT, "transfer_group": TEXT, "created": SPAN},
    ),
    Op("GET", "/v1/charges/{}", _retrieve),
    Op("POST", "/v1/charges/{}", _update, _CHANGED, "update"),
    Op("GET", "/v1/charges/{}/refunds", _refunds, PAGE),
)
