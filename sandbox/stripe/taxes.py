"""Tax rates, and what they come to on a line and on a whole invoice."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sandbox.stripe.account import Account, Thing
from sandbox.stripe.calls import Call, Op
from sandbox.stripe.fields import (
    BOOLEAN,
    DECIMAL,
    EXPAND,
    INTEGER,
    METADATA,
    PAGE,
    SPAN,
    TEXT,
    Spec,
    group,
    many,
    need,
)
from sandbox.stripe.listing import page, within
from sandbox.stripe.merging import metadata
from sandbox.stripe.refusals import invalid

_DESCRIBED: Spec = {
    "country": TEXT,
    "description": TEXT,
    "jurisdiction": TEXT,
    "state": TEXT,
    "tax_type": TEXT,
}
RATE: Spec = {
    **_DESCRIBED,
    "display_name": need(TEXT),
    "inclusive": need(BOOLEAN),
    "percentage": need(DECIMAL),
}
AMOUNTS = many(
    group(
        amount=need(INTEGER),
        taxable_amount=need(INTEGER),
        taxability_reason=TEXT,
        tax_rate_data=need(group(**RATE, jurisdiction_level=TEXT)),
    )
)


def new_rate(account: Account, given: dict[str, Any]) -> Thing:
    """A tax rate."""
    share = given["percentage"]
    if not 0 <= share <= 100:
        raise invalid("Invalid percentage: must be between 0 and 100.", "percentage")
    return account.add(
        "tax_rate",
        {
            **{name: given.get(name) for name in _DESCRIBED},
            "active": given.get("active", True),
            "created": account.now(),
            "display_name": given["display_name"],
            "effective_percentage": _number(share),
            "flat_amount": None,
            "inclusive": given["inclusive"],
            "jurisdiction_level": given.get("jurisdiction_level"),
            "livemode": False,
            "metadata": metadata({}, given),
            "percentage": _number(share),
            "rate_type": "percentage",
        },
    )


def _number(share: Decimal) -> int | float:
    return int(share) if share == int(share) else float(share)


def rates(account: Account, ids: Iterable[str], param: str) -> list[Thing]:
    """The tax rates with these ids. Raises Refused for one that is unknown or was archived."""
    found = [account.get("tax_rate", id, param, status=400) for id in ids]
    for one in found:
        if not one["active"]:
            raise invalid(f"Tax rate {one['id']} is archived and cannot be used.", param)
    return found


def fixed(account: Account, given: list[dict[str, Any]]) -> list[Thing]:
    """Taxes that the caller has worked out; a rate is made for each."""
    return [
        _tax(
            new_rate(account, one["tax_rate_data"]),
            one["amount"],
            one["taxable_amount"],
            one.get("taxability_reason"),
        )
        for one in given
    ]


def worked_out(amount: int, rates: list[Thing]) -> list[Thing]:
    """The taxes on an amount, each rounded to the smallest unit."""
    contained = sum((Decimal(str(one["percentage"])) for one in rates if one["inclusive"]), Decimal(0))
    plain = Decimal(amount) / (1 + contained / 100)
    return [
        _tax(one, _rounded(plain * Decimal(str(one["percentage"])) / 100), _rounded(plain), None)
        for one in rates
    ]


def _rounded(amount: Decimal) -> int:
    return int(amount.quantize(Decimal(1), ROUND_HALF_UP))


def _tax(rate: Thing, amount: int, taxable: int, reason: str | None) -> Thing:
    return {
        "amount": amount,
        "tax_behavior": "inclusive" if rate["inclusive"] else "exclusive",
        "tax_rate_details": {"tax_rate": rate["id"]},
        "taxability_reason": reason or "not_available",
        "taxable_amount": taxable,
        "type": "tax_rate_details",
    }


def added_up(taxes: Iterable[Thing]) -> list[Thing]:
    """One entry per tax rate."""
    found: dict[str, Thing] = {}
    for one in taxes:
        rate = one["tax_rate_details"]["tax_rate"]
        known = found.setdefault(rate, {**one, "amount": 0, "taxable_amount": 0})
        known["amount"] += one["amount"]
        known["taxable_amount"] += one["taxable_amount"]
    return list(found.values())


def exclusive(taxes: Iterable[Thing]) -> int:
    """What comes on top."""
    return sum(one["amount"] for one in taxes if one["tax_behavior"] == "exclusive")


def inclusive(taxes: Iterable[Thing]) -> int:
    """What is contained."""
    return sum(one["amount"] for one in taxes if one["tax_behavior"] == "inclusive")


def _create(call: Call) -> Thing:
    made = new_rate(call.account, call.given)
    call.account.tell("tax_rate.created", made)
    return made


def _update(call: Call) -> Thing:
    rate = call.account.get("tax_rate", call.ids[0])
    with call.account.changing(rate, "tax_rate.updated"):
        for name in (*_DESCRIBED, "active", "display_name"):
            if name in call.given:
                rate[name] = call.given[name]
        rate["metadata"] = metadata(rate["metadata"], call.given)
    return rate


def _list(call: Call) -> Thing:
    given = call.given

    def fits(one: Thing) -> bool:
        wanted = given.get("active") in (None, one["active"]) and given.get("inclusive") in (
            None,
            one["inclusive"],
        )
        return wanted and within(given.get("created"), one["created"])

    return page(call.account, "tax_rate", given, "/v1/tax_rates", fits=fits)


_CHANGED: Spec = {**EXPAND, **_DESCRIBED, "active": BOOLEAN, "display_name": TEXT, "metadata": METADATA}
OPERATIONS = (
    Op(
        "POST",
        "/v1/tax_rates",
        _create,
        {**EXPAND, **RATE, "active": BOOLEAN, "metadata": METADATA},
        "create",
    ),
    Op("GET", "/v1/tax_rates", _list, {**PAGE, "active": BOOLEAN, "inclusive": BOOLEAN, "created": SPAN}),
    Op("GET", "/v1/tax_rates/{}", lambda call: call.account.get("tax_rate", call.ids[0])),
    Op("POST", "/v1/tax_rates/{}", _update, _CHANGED, "update"),
)
