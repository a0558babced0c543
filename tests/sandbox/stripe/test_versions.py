"""Earlier versions of the API get the shapes of their time, in answers and in events."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.stripe.methods import Fate
from tests.sandbox.stripe import spec
from tests.sandbox.stripe.place import Inbox, Place

# Shown on request, for other businesses, or for other payment methods only.
ABSENT = {
    "charge": {"transfer"},
    "refund": {
        *("description", "next_action", "failure_reason", "failure_balance_transaction", "instructions_email")
    },
    "invoice": {"subscription_proration_date", "threshold_reason", "subscription_details"},
    "invoiceitem": {"subscription_item"},
    "event": {"account"},
    "customer": {"sources", "subscriptions", "tax", "tax_ids", "cash_balance", "invoice_credit_balance"},
    "webhook_endpoint": {"secret"},
}
LISTS = (
    *("balance_transactions", "charges", "credit_notes", "customers", "disputes", "events", "invoiceitems"),
    *("invoices", "payment_intents", "payouts", "refunds", "tax_rates", "webhook_endpoints"),
)


def _history(place: Place) -> str:
    """An account with some of everything; the id of a paid invoice with tax."""
    rate = place.call(
        "POST", "/v1/tax_rates", {"display_name": "VAT", "percentage": "19", "inclusive": "true"}
    )
    made = place.invoice(10_000, 500, **{"default_tax_rates[]": rate["id"]})
    place.call("POST", "/v1/credit_notes", {"invoice": made["id"], "amount": 500})
    intent = place.box.pay(made["id"])
    place.call("POST", "/v1/refunds", {"payment_intent": intent["id"], "amount": 100})
    place.box.pay(place.invoice(900)["id"], fate=Fate("disputed", "fraudulent"))
    place.box.pay(place.invoice(90_000)["id"], method="us_bank_account")
    place.box.advance(days=8)
    place.call("POST", "/v1/webhook_endpoints", {"url": place.url, "enabled_events[]": "*"})
    return str(made["id"])


def _faults(place: Place, version: str, absent: set[str]) -> set[str]:
    found = set()
    for name in LISTS:
        for one in place.get(f"/v1/{name}?limit=100", stripe_version=version)["data"]:
            lacking = {f"lacks {field}" for field in ABSENT.get(one["object"], set()) | absent}
            found |= {f"{name} {fault}" for fault in spec.old_faults(one, version) if fault not in lacking}
    return found


@spec.needs_spec
def test_answers_fit_the_specification_of_2020(place: Place) -> None:
    _history(place)
    place.box.set(version="2020-08-27")
    place.customer()
    assert _faults(place, "2020-08-27", set()) == set()


@pytest.mark.prove
@spec.needs_spec
def test_answers_fit_the_specification_of_2023(place: Place) -> None:
    _history(place)
    assert _faults(place, "2023-08-16", {"refunds", "application_fee_amount"}) == set()


def _shape(place: Place, path: str, version: str) -> dict[str, Any]:
    found: dict[str, Any] = place.get(path, stripe_version=version)
    return found


def test_invoices_lost_their_charge_and_intents_their_invoice_with_basil(place: Place) -> None:
    id = _history(place)
    old, new = (_shape(place, f"/v1/invoices/{id}", one) for one in ("2025-02-24.acacia", "2025-03-31.basil"))
    gone = {"charge", "payment_intent", "paid", "paid_out_of_band", "tax", "total_tax_amounts", "quote"}
    assert gone <= old.keys()
    assert not gone & new.keys()
    assert {"parent", "total_taxes", "amount_overpaid"} <= new.keys()
    assert not {"parent"} & old.keys()
    assert old["paid"] is True
    assert old["tax"] == new["total_taxes"][0]["amount"]
    assert old["lines"]["data"][0]["type"] == "invoiceitem"
    assert "pricing" in new["lines"]["data"][0]
    intent = f"/v1/payment_intents/{old['payment_intent']}"
    assert _shape(place, intent, "2025-02-24.acacia")["invoice"] == id
    assert "invoice" not in _shape(place, intent, "2025-03-31.basil")
    whole = place.get(f"/v1/invoices/{id}?expand[]=charge", stripe_version="2023-08-16")
    assert whole["charge"]["id"] == old["charge"]
    assert whole["charge"]["invoice"] == id


def test_intents_lost_their_charges_and_charges_their_refunds_in_2022(place: Place) -> None:
    _history(place)
    intent = place.listed("/v1/refunds")[0]["payment_intent"]
    old, new = (_shape(place, f"/v1/payment_intents/{intent}", one) for one in ("2022-08-01", "2022-11-15"))
    assert "latest_charge" not in old
    assert "charges" not in new
    assert old["charges"]["data"][0]["id"] == new["latest_charge"]
    charges = (
        _shape(place, f"/v1/charges/{new['latest_charge']}", one) for one in ("2022-08-01", "2022-11-15")
    )
    assert ["refunds" in one for one in charges] == [True, False]


def test_an_event_is_rendered_in_the_version_of_its_endpoint(place: Place, mail: Inbox) -> None:
    for version in ("2020-08-27", "2026-10-28.endive"):
        sent = {"url": f"{mail.url}/{version}", "enabled_events[]": "invoice.paid", "api_version": version}
        place.call("POST", "/v1/webhook_endpoints", sent)
    place.call(
        "POST", "/v1/webhook_endpoints", {"url": f"{mail.url}/default", "enabled_events[]": "invoice.paid"}
    )
    place.box.set(version="2023-08-16")
    intent = place.box.pay(place.invoice(900)["id"])
    place.box.send_pending()
    told = {one["api_version"]: one for one in (json.loads(body) for _, body in mail.got)}
    assert set(told) == {"2020-08-27", "2023-08-16", "2026-10-28.endive"}
    assert len({one["id"] for one in told.values()}) == 1
    oldest = told["2020-08-27"]["data"]
    assert oldest["object"]["payment_intent"] == intent["id"]
    assert oldest["previous_attributes"]["paid"] is False
    assert "payment_intent" not in told["2026-10-28.endive"]["data"]["object"]
    listed = place.get("/v1/events?type=invoice.paid", stripe_version="2026-10-28.endive")["data"][0]
    assert listed["api_version"] == "2023-08-16", "a listed event keeps the version it was made in"
    assert "charge" in listed["data"]["object"]


def test_unknown_versions_are_refused_for_endpoints_too(place: Place) -> None:
    sent = {"url": place.url, "enabled_events[]": "*", "api_version": "2031-01-01"}
    assert (
        "Invalid Stripe API version"
        in place.call("POST", "/v1/webhook_endpoints", sent, status=400)["error"]["message"]
    )
