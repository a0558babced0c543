"""Invoices, payments, orders, products and notes: what they need, and what HubSpot calculates."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.hubspot.place import OBJECTS, Place


@pytest.mark.parametrize(
    ("kind", "lacking"),
    [
        ("invoices", ["hs_currency"]),
        ("0-53", ["hs_currency"]),
        ("commerce_payments", ["hs_initial_amount", "hs_initiated_date"]),
        ("notes", ["hs_timestamp"]),
    ],
)
def test_some_types_cannot_do_without_some_properties(place: Place, kind: str, lacking: list[str]) -> None:
    refused = place.call("POST", f"{OBJECTS}/{kind}", {"properties": {}}, status=400)
    assert refused["category"] == "VALIDATION_ERROR"
    assert refused["context"]["properties"] == lacking
    assert [error["context"]["propertyName"] for error in refused["errors"]] == [[name] for name in lacking]


def test_every_bad_property_has_an_entry_of_its_own(place: Place) -> None:
    values = {"hs_currency": "XXX", "hs_invoice_status": "lost", "hs_balance_due": "1", "hs_due_date": "soon"}
    refused = place.call("POST", f"{OBJECTS}/invoices", {"properties": values}, status=400)
    assert {error["context"]["propertyName"][0]: error["code"] for error in refused["errors"]} == {
        "hs_currency": "INVALID_OPTION",
        "hs_invoice_status": "INVALID_OPTION",
        "hs_balance_due": "READ_ONLY_VALUE",
        "hs_due_date": "INVALID_DATE",
    }


def amounts(place: Place, invoice: str) -> tuple[str, ...]:
    names = ("hs_amount_billed", "hs_amount_paid", "hs_balance_due")
    seen = place.call("GET", f"{OBJECTS}/invoices/{invoice}", properties=",".join(names))["properties"]
    return tuple(seen[name] for name in names)


def joined(place: Place, near: str, id: str, far: str, far_id: str) -> None:
    place.call("PUT", f"{OBJECTS}/{near}/{id}/associations/default/{far}/{far_id}")


def test_an_invoice_has_the_amounts_of_its_lines_and_payments(place: Place) -> None:
    invoice = place.create("invoices", hs_currency="EUR", hs_invoice_billable="false")
    line = place.create("line_items", quantity="3", price="100")
    joined(place, "invoices", invoice, "line_items", line)
    assert amounts(place, invoice) == ("300", "0", "300")
    payment = place.create(
        "commerce_payments",
        hs_initial_amount="120",
        hs_initiated_date="2026-10-05",
        hs_latest_status="succeeded",
    )
    joined(place, "commerce_payments", payment, "invoices", invoice)
    assert amounts(place, invoice) == ("300", "120", "180")
    place.call("PATCH", f"{OBJECTS}/line_items/{line}", {"properties": {"price": "50"}})
    assert amounts(place, invoice) == ("150", "120", "30")
    place.call(
        "PATCH", f"{OBJECTS}/commerce_payments/{payment}", {"properties": {"hs_latest_status": "failed"}}
    )
    assert amounts(place, invoice) == ("150", "0", "150")


def test_payments_are_read_under_a_second_name_and_not_written(place: Place) -> None:
    values = {"hs_initial_amount": "10", "hs_initiated_date": "1790000000000", "hs_fees_amount": "0.5"}
    payment = place.create("commerce_payments", **values)
    seen = place.call("GET", f"/crm/v3/objects/payments/{payment}", properties="hs_net_amount")
    assert seen["properties"]["hs_net_amount"] == "9.5"
    assert len(place.call("GET", "/crm/v3/objects/payments")["results"]) == 1
    assert place.call("POST", "/crm/v3/objects/payments/search", {})["total"] == 1
    place.call("POST", "/crm/v3/objects/payments", {"properties": values}, status=405)
    place.call("DELETE", f"/crm/v3/objects/payments/{payment}", status=405)


def test_a_note_stands_on_the_timeline_of_its_deal(place: Place) -> None:
    deal = place.create("deals", dealname="A")
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 214}]
    body: dict[str, Any] = {
        "properties": {"hs_timestamp": "2026-10-05T09:30:00Z", "hs_note_body": "<p>Invoiced</p>"},
        "associations": [{"to": {"id": deal}, "types": types}],
    }
    note = place.call("POST", f"{OBJECTS}/notes", body, status=201)
    assert place.box.portal.linked("deals", "notes", deal) == {note["id"]: False}
    body["properties"]["hs_note_body"] = "x" * 65_537
    refused = place.call("POST", f"{OBJECTS}/notes", body, status=400)
    assert refused["errors"][0]["code"] == "INVALID_LENGTH"
    body["associations"][0]["to"]["id"] = "1"
    body["properties"]["hs_note_body"] = "x"
    place.call("POST", f"{OBJECTS}/notes", body, status=404)
    assert place.call("GET", f"{OBJECTS}/notes")["results"][1:] == [], "nothing half made"


def test_products_keep_their_skus_apart(place: Place) -> None:
    place.create("products", name="Bolt", hs_sku="B-1", price="2")
    refused = place.call("POST", f"{OBJECTS}/products", {"properties": {"hs_sku": "B-1"}}, status=400)
    assert "already has that value" in refused["message"]


def test_orders_have_a_pipeline_and_take_what_the_hub_would_mirror(place: Place) -> None:
    (line,) = place.call("GET", "/crm/pipelines/2026-09/0-123")["results"]
    order = place.create(
        "orders", hs_order_name="SO-1", hs_pipeline=line["id"], hs_pipeline_stage=line["stages"][0]["id"]
    )
    deal = place.create("deals", dealname="A")
    joined(place, "orders", order, "deals", deal)
    seen = place.call("GET", f"{OBJECTS}/orders/{order}", associations="deals")
    assert seen["associations"]["deals"]["results"] == [{"id": deal, "type": "order_to_deal"}]


def test_a_validation_rule_of_an_admin_holds_on_every_write(place: Place) -> None:
    place.box.restrict("deals", "dealname", "MAX_LENGTH", "5")
    rules = place.call("GET", "/crm/property-validations/2026-09/0-3")["results"]
    assert rules[0]["propertyValidationRules"][0]["ruleArguments"] == ["5"]
    deal = place.create("deals", dealname="short")
    for method, path in (("POST", f"{OBJECTS}/deals"), ("PATCH", f"{OBJECTS}/deals/{deal}")):
        refused = place.call(method, path, {"properties": {"dealname": "longer"}}, status=400)
        assert refused["errors"][0]["code"] == "MAX_LENGTH"
    with pytest.raises(ValueError, match="MAX_LENGTH"):
        place.box.restrict("deals", "dealname", "MOOD")
