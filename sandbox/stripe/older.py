"""Shapes of earlier API versions: what an object looked like before a change of the API took fields away.

Sources: the published OpenAPI files of 2020-08-27 and 2023-08-16, and the changelog of 2025-03-31 (basil).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sandbox.stripe.versions import BASIL, NO_CHARGES, before

Thing = dict[str, Any]


def reshaped(thing: Thing, version: str) -> Thing:
    """The object as this version has it; hidden fields (with a leading underscore) are still there."""
    if before(version, BASIL) and (change := _BEFORE_BASIL.get(thing.get("object", ""))):
        thing = change(thing, version)
    if before(version, NO_CHARGES) and (change := _BEFORE_LATEST_CHARGE.get(thing.get("object", ""))):
        thing = change(thing, version)
    return thing


def _without(thing: Thing, *names: str) -> Thing:
    return {name: value for name, value in thing.items() if name not in names}


def _old_taxes(taxes: list[Thing] | None) -> list[Thing]:
    return [
        {
            "amount": one["amount"],
            "inclusive": one["tax_behavior"] == "inclusive",
            "tax_rate": (one["tax_rate_details"] or {}).get("tax_rate"),
            "taxability_reason": None,
            "taxable_amount": one["taxable_amount"],
        }
        for one in taxes or ()
    ]


def _invoice(thing: Thing, version: str) -> Thing:
    taxes = _old_taxes(thing["total_taxes"])
    kept = _without(
        *(thing, "parent", "total_taxes", "amount_overpaid", "amount_paid_off_stripe", "status_details"),
        *("customer_account", "confirmation_secret", "payments", "total_pretax_credit_amounts"),
    )
    if before(version, "2022-08-01"):
        kept.pop("issuer", None)
    return kept | {
        "charge": thing.get("_charge"),
        "payment_intent": thing.get("_intent"),
        "paid": thing["status"] == "paid",
        "paid_out_of_band": bool(thing.get("_out_of_band")),
        "subscription": None,
        "quote": None,
        "discount": None,
        "tax": sum(one["amount"] for one in taxes) if taxes else None,
        "total_tax_amounts": taxes,
        "application_fee_amount": None,
        "transfer_data": None,
        "rendering_options": None,
    }


def _line(thing: Thing, version: str) -> Thing:
    kept = _without(
        thing, "parent", "pricing", "taxes", "subtotal", "pretax_credit_amounts", "quantity_decimal"
    )
    item = ((thing.get("parent") or {}).get("invoice_item_details") or {}).get("invoice_item")
    unit = (thing.get("pricing") or {}).get("unit_amount_decimal")
    taxes = _old_taxes(thing["taxes"])
    return kept | {
        "invoice_item": item,
        "type": "invoiceitem",
        "plan": None,
        "price": None,
        "proration": False,
        "proration_details": {"credited_items": None},
        "amount_excluding_tax": thing["amount"] - sum(one["amount"] for one in taxes if one["inclusive"]),
        "unit_amount_excluding_tax": unit,
        "tax_amounts": taxes,
        "tax_rates": thing.get("_tax_rates", []),
    }


def _item(thing: Thing, version: str) -> Thing:
    unit = (thing.get("pricing") or {}).get("unit_amount_decimal")
    exact = Decimal(unit or 0)
    whole = unit is not None and exact == int(exact)
    kept = _without(thing, "parent", "pricing", "net_amount", "quantity_decimal", "customer_account")
    return kept | {
        "unit_amount": int(exact) if whole else None,
        "unit_amount_decimal": unit,
        "plan": None,
        "price": None,
        "subscription": None,
    }


def _intent(thing: Thing, version: str) -> Thing:
    return _without(thing, "customer_account", "payment_record") | {"invoice": thing.get("_invoice")}


def _charge(thing: Thing, version: str) -> Thing:
    return thing | {"invoice": thing.get("_invoice"), "order": None, "dispute": thing.get("_dispute")}


def _credit_note(thing: Thing, version: str) -> Thing:
    refunds = thing["refunds"]
    kept = _without(thing, "total_taxes", "refunds", "customer_account", "pretax_credit_amounts")
    return kept | {
        "tax_amounts": _old_taxes(thing["total_taxes"]),
        "refund": refunds[0]["refund"] if refunds else None,
    }


def _credit_line(thing: Thing, version: str) -> Thing:
    return _without(thing, "taxes", "pretax_credit_amounts", "metadata") | {
        "tax_amounts": _old_taxes(thing["taxes"]),
        "amount_excluding_tax": thing["amount"],
        "unit_amount_excluding_tax": thing["unit_amount_decimal"],
    }


def _listed(things: list[Thing], url: str) -> Thing:
    return {"object": "list", "data": things[:10], "has_more": len(things) > 10, "url": url}


def _charges_of_intent(thing: Thing, version: str) -> Thing:
    url = f"/v1/charges?payment_intent={thing['id']}"
    return _without(thing, "latest_charge") | {"charges": _listed(thing.get("_charges", []), url)}


def _refunds_of_charge(thing: Thing, version: str) -> Thing:
    return thing | {"refunds": _listed(thing.get("_refunds", []), f"/v1/charges/{thing['id']}/refunds")}


_Change = Callable[[Thing, str], Thing]
_BEFORE_BASIL: dict[str, _Change] = {
    "invoice": _invoice,
    "line_item": _line,
    "invoiceitem": _item,
    "payment_intent": _intent,
    "charge": _charge,
    "credit_note": _credit_note,
    "credit_note_line_item": _credit_line,
}
_BEFORE_LATEST_CHARGE: dict[str, _Change] = {
    "payment_intent": _charges_of_intent,
    "charge": _refunds_of_charge,
}
