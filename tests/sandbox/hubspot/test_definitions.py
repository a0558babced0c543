"""Properties, groups, owners, currencies, and associations as an installer and a connector meet them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.sandbox.hubspot.place import OBJECTS, Place

DEALS = "/crm/properties/2026-09/deals"


def definition(name: str, **more: Any) -> dict[str, Any]:
    base = {"name": name, "label": name, "type": "string", "fieldType": "text", "groupName": "o2c"}
    return {**base, **more}


@pytest.fixture
def grouped(place: Place) -> Place:
    place.call("POST", f"{DEALS}/groups", {"name": "o2c", "label": "Order to cash"}, status=201)
    return place


def test_a_group_comes_before_its_properties(place: Place) -> None:
    refused = place.call("POST", DEALS, definition("o2c_a"), status=400)
    assert 'Property group "o2c" does not exist' in refused["message"]
    group = {"name": "o2c", "label": "Order to cash"}
    place.call("POST", f"{DEALS}/groups", group, status=201)
    assert place.call("GET", f"{DEALS}/groups/o2c")["label"] == "Order to cash"
    place.call("POST", f"{DEALS}/groups", group, status=409)
    place.call("GET", f"{DEALS}/groups/none", status=404)
    assert place.call("POST", DEALS, definition("o2c_a"), status=201)["groupName"] == "o2c"
    place.call("POST", DEALS, definition("o2c_a"), status=409)


def test_at_most_ten_properties_keep_their_values_apart(grouped: Place) -> None:
    for n in range(10):
        grouped.call("POST", DEALS, definition(f"o2c_{n}", hasUniqueValue=True), status=201)
    refused = grouped.call("POST", DEALS, definition("o2c_10", hasUniqueValue=True), status=400)
    assert "at most 10" in refused["message"]
    grouped.call("POST", DEALS, definition("o2c_10"), status=201)


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "mood"},
        {"name": "Upper Case"},
        {"name": "9lives"},
        {"type": "enumeration"},
        {"type": "date", "fieldType": "date", "hasUniqueValue": True},
        {"label": ""},
    ],
)
def test_definitions_that_cannot_be_are_refused(grouped: Place, wrong: dict[str, Any]) -> None:
    grouped.call("POST", DEALS, {**definition("o2c_x"), **wrong}, status=400)


def test_properties_in_batches(grouped: Place) -> None:
    inputs = [definition("o2c_a"), definition("amount"), definition("o2c_b")]
    made = grouped.call("POST", f"{DEALS}/batch/create", {"inputs": inputs}, status=207)
    assert [one["name"] for one in made["results"]] == ["o2c_a", "o2c_b"]
    assert made["errors"][0]["context"] == {"name": ["amount"]}
    asked = {"archived": False, "inputs": [{"name": "o2c_a"}, {"name": "nothing"}]}
    read = grouped.call("POST", f"{DEALS}/batch/read", asked, status=207)
    assert [one["name"] for one in read["results"]] == ["o2c_a"]
    gone = {"inputs": [{"name": "o2c_a"}, {"name": "nothing"}]}
    grouped.call("POST", f"{DEALS}/batch/archive", gone, status=204)
    grouped.call("GET", f"{DEALS}/o2c_a", status=404)
    assert [one["name"] for one in grouped.call("GET", DEALS, archived="true")["results"]] == ["o2c_a"]


def test_options_can_be_added_and_are_checked(grouped: Place) -> None:
    option = {"label": "Paid", "value": "paid", "displayOrder": 0, "hidden": False}
    choice = definition("o2c_state", type="enumeration", fieldType="select", options=[option])
    grouped.call("POST", DEALS, choice, status=201)
    deal = grouped.create("deals", o2c_state="paid")
    path = f"{OBJECTS}/deals/{deal}"
    refused = grouped.call("PATCH", path, {"properties": {"o2c_state": "open"}}, status=400)
    assert refused["errors"][0]["code"] == "INVALID_OPTION"
    options = [option, {**option, "label": "Open", "value": "open", "displayOrder": 1}]
    grouped.call("PATCH", f"{DEALS}/o2c_state", {"options": options, "label": "State"})
    grouped.call("PATCH", path, {"properties": {"o2c_state": "open"}})


def test_hubspots_own_properties_stay(place: Place) -> None:
    place.call("DELETE", f"{DEALS}/amount", status=400)
    place.call("GET", f"{DEALS}/amount")


def test_owners_by_id_by_user_and_by_address(place: Place) -> None:
    page = place.call("GET", "/crm/owners/2026-09", limit="1")
    assert page["paging"]["next"]["after"] == page["results"][0]["id"] == "41001"
    rest = place.call("GET", "/crm/v3/owners/", after="41001")
    assert [one["id"] for one in rest["results"]] == ["41002"]
    assert place.call("GET", "/crm/owners/2026-09/30002", idProperty="userId")["id"] == "41002"
    place.call("GET", "/crm/owners/2026-09/7", status=404)


def test_currencies_of_the_account(place: Place) -> None:
    root = "/settings/currencies/2026-09"
    assert place.call("GET", f"{root}/company-currency")["id"] == "USD"
    body = {"fromCurrencyCode": "EUR", "conversionRate": 1.1}
    made = place.call("POST", f"{root}/exchange-rates", body)
    place.box.account.rate("EUR", Decimal("1.2"))
    listed = place.call("GET", f"{root}/exchange-rates")["results"]
    assert [one["conversionRate"] for one in listed] == [1.1, 1.2]
    (current,) = place.call("GET", f"{root}/exchange-rates/current")["results"]
    assert (current["fromCurrencyCode"], current["conversionRate"]) == ("EUR", 1.2)
    assert place.call("GET", f"{root}/exchange-rates/{made['id']}")["toCurrencyCode"] == "USD"
    assert place.call("GET", "/account-info/2026-09/details")["additionalCurrencies"] == ["EUR"]
    place.call("PUT", f"{root}/company-currency", {"currencyCode": "CHF"})
    assert place.call("GET", "/account-info/v3/details")["companyCurrency"] == "CHF"
    place.call("PUT", f"{root}/company-currency", {"currencyCode": "XXX"}, status=400)


LINKS = "/crm/associations/2026-09/deals/companies"


def test_labels_lead_one_way(place: Place) -> None:
    there = place.call("GET", f"{LINKS}/labels")["results"]
    back = place.call("GET", "/crm/associations/2026-09/0-2/0-3/labels")["results"]
    assert [one["typeId"] for one in there] == [5, 341]
    assert [one["typeId"] for one in back] == [6, 342]
    place.call("GET", "/crm/associations/2026-09/products/deals/labels", status=400)


def test_links_come_in_pages_for_each_object(place: Place) -> None:
    company = place.box.create_company(name="C")
    deals = [place.box.create_deal(company, dealname=str(n)) for n in range(5)]
    place.box.associations.page = 2
    seen, asked = [], [{"id": company}]
    while asked:
        path = "/crm/associations/2026-09/companies/deals/batch/read"
        (one,) = place.call("POST", path, {"inputs": asked})["results"]
        seen += [end["toObjectId"] for end in one["to"]]
        after = one.get("paging", {}).get("next", {}).get("after")
        asked = [{"id": company, "after": after}] if after else []
    assert seen == deals
    path = f"{OBJECTS}/companies/{company}/associations/deals"
    assert len(place.call("GET", path, limit="3")["results"]) == 3


def test_reading_takes_a_thousand_ids(place: Place) -> None:
    inputs = [{"id": str(n)} for n in range(1001)]
    place.call("POST", f"{LINKS}/batch/read", {"inputs": inputs}, status=400)
    answer = place.call("POST", f"{LINKS}/batch/read", {"inputs": inputs[:1000]}, status=207)
    assert answer["numErrors"] == 1000


def test_a_wrong_link_stops_the_whole_batch(place: Place) -> None:
    deal, company = place.box.create_deal(dealname="A"), place.box.create_company(name="C")

    def link(to: str, type_id: int) -> dict[str, Any]:
        types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id}]
        return {"from": {"id": deal}, "to": {"id": to}, "types": types}

    for bad, status in ((link(company, 6), 400), (link("1", 5), 404)):
        body = {"inputs": [link(company, 5), bad]}
        place.call("POST", f"{LINKS}/batch/create", body, status=status)
        assert place.box.portal.linked("deals", "companies", deal) == {}
    made = place.call("POST", f"{LINKS}/batch/create", {"inputs": [link(company, 5)]})
    assert made["results"][0]["labels"] == ["Primary"]
    gone = {"inputs": [{"from": {"id": deal}, "to": [{"id": company}, {"id": "7"}]}]}
    place.call("POST", f"{LINKS}/batch/archive", gone)
    assert place.box.portal.linked("deals", "companies", deal) == {}
    assert [one["action"] for one in place.box.kit.effects] == ["associate", "dissociate"]


def test_a_second_primary_company_takes_the_first_ones_place(place: Place) -> None:
    deal = place.box.create_deal(place.box.create_company(name="A"), dealname="A")
    other = place.box.create_company(name="B")
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 5}]
    place.call("PUT", f"{OBJECTS}/deals/{deal}/associations/companies/{other}", types, status=201)
    marks = place.box.portal.linked("deals", "companies", deal)
    assert [id for id, primary in marks.items() if primary] == [other]
    assert len(marks) == 2
