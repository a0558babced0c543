"""Merged objects: the new id, where the old ones lead, and what subscribers hear."""

from __future__ import annotations

from typing import Any

from tests.sandbox.hubspot.place import OBJECTS, Place


def merge(place: Place, kind: str, primary: str, other: str) -> Any:
    body = {"primaryObjectId": primary, "objectIdToMerge": other}
    return place.call("POST", f"{OBJECTS}/{kind}/merge", body)


def test_both_ids_lead_to_the_one_that_came_of_it(place: Place) -> None:
    first = place.create("companies", name="Ash", city="Kiel")
    second = place.create("companies", name="Ash GmbH", zip="24103")
    result = merge(place, "companies", first, second)
    assert result["id"] not in (first, second)
    assert result["properties"]["hs_merged_object_ids"] == f"{first};{second}"
    for id in (first, second, result["id"]):
        seen = place.call("GET", f"{OBJECTS}/companies/{id}", properties="name,city,zip")
        assert seen["id"] == result["id"]
        values = seen["properties"]
        assert (values["name"], values["city"], values["zip"]) == ("Ash", "Kiel", "24103")
    inputs = [{"id": first}, {"id": second}]
    read = place.call("POST", f"{OBJECTS}/companies/batch/read", {"inputs": inputs, "properties": []})
    assert [one["id"] for one in read["results"]] == [result["id"]]
    assert [one["id"] for one in place.search("companies")["results"]] == [result["id"]]
    assert place.call("GET", f"{OBJECTS}/companies", archived="true")["results"] == []
    assert place.box.kit.effects[-1]["action"] == "merge"


def test_a_merge_of_a_merge_names_all_that_went_into_it(place: Place) -> None:
    ids = [place.create("companies", name=name) for name in "ABC"]
    once = merge(place, "companies", ids[0], ids[1])["id"]
    twice = merge(place, "companies", ids[2], ids[0])
    named = twice["properties"]["hs_merged_object_ids"].split(";")
    assert sorted(named) == sorted([*ids, once])
    assert place.call("GET", f"{OBJECTS}/companies/{ids[1]}")["id"] == twice["id"]


def test_associations_move_and_the_primary_companys_wins(place: Place) -> None:
    box = place.box
    ash, birch = box.create_company(name="Ash"), box.create_company(name="Birch")
    one, two = box.create_deal(ash, dealname="1"), box.create_deal(birch, dealname="2")
    line = box.create_line_item(two, price="1")
    company = merge(place, "companies", ash, birch)["id"]
    assert box.portal.linked("deals", "companies", two) == {company: True}
    deal = merge(place, "deals", one, two)["id"]
    assert box.portal.linked("deals", "companies", deal) == {company: True}
    assert box.portal.linked("line_items", "deals", line) == {deal: False}
    read = place.call(
        "POST", "/crm/associations/2026-09/deals/line_items/batch/read", {"inputs": [{"id": two}]}
    )
    assert read["results"][0]["to"][0]["toObjectId"] == line


def test_the_primary_object_can_keep_its_id_as_it_once_did(place: Place) -> None:
    place.box.objects.merges_mint_ids = False
    first, second = place.create("deals", dealname="A"), place.create("deals", amount="7")
    assert merge(place, "deals", first, second)["id"] == first
    seen = place.call("GET", f"{OBJECTS}/deals/{second}", properties="amount,hs_merged_object_ids")
    assert (seen["id"], seen["properties"]["amount"]) == (first, "7")
    assert seen["properties"]["hs_merged_object_ids"] == second


def test_unique_values_go_with_the_object(place: Place) -> None:
    place.unique("deals")
    first, second = place.create("deals", o2c_key="K1"), place.create("deals", o2c_key="K2")
    result = merge(place, "deals", first, second)["id"]
    found = place.call("GET", f"{OBJECTS}/deals/K1", idProperty="o2c_key")
    assert found["id"] == result
    place.create("deals", o2c_key="K2")


def test_subscribers_hear_of_the_merge_and_of_the_other_objects_end(place: Place) -> None:
    hooks = place.box.webhooks
    for event in ("company.merge", "company.propertyChange"):
        hooks.subscribe(event)
    first, second = place.create("companies", name="A"), place.create("companies", city="B")
    hooks.pending.clear()
    result = merge(place, "companies", first, second)["id"]
    told, gone = hooks.pending
    assert told["subscriptionType"] == "company.merge"
    assert (told["primaryObjectId"], told["mergedObjectIds"]) == (int(first), [int(second)])
    assert told["newObjectId"] == int(result)
    assert (gone["subscriptionType"], gone["objectId"]) == ("company.deletion", int(second))


def test_not_everything_can_be_merged(place: Place) -> None:
    deal = place.create("deals", dealname="A")
    for primary, other, status in ((deal, deal, 400), (deal, "1", 404)):
        body = {"primaryObjectId": primary, "objectIdToMerge": other}
        place.call("POST", f"{OBJECTS}/deals/merge", body, status=status)
    lines = [place.create("line_items", price=str(n)) for n in range(2)]
    body = {"primaryObjectId": lines[0], "objectIdToMerge": lines[1]}
    place.call("POST", f"{OBJECTS}/line_items/merge", body, status=404)
