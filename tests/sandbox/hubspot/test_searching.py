"""The search language, the index that lags, and speed with very many objects."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest

from tests.sandbox.hubspot.place import OBJECTS, Place


def cond(name: str, operator: str, value: Any = None, **more: Any) -> dict[str, Any]:
    return {
        "propertyName": name,
        "operator": operator,
        **({} if value is None else {"value": value}),
        **more,
    }


def names(found: Any) -> list[str]:
    return sorted(one["properties"]["name"] for one in found["results"])


@pytest.fixture
def trees(place: Place) -> Place:
    for name, city, zip in (("Ash", "Kiel", "1"), ("Birch", "Bonn", "2"), ("Cedar", "", "3")):
        place.create("companies", name=name, city=city, zip=zip)
        place.clock.forward(minutes=1)
    return place


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ([cond("name", "EQ", "ash")], ["Ash"]),
        ([cond("name", "NEQ", "Ash")], ["Birch", "Cedar"]),
        ([cond("city", "NEQ", "Kiel")], ["Birch", "Cedar"]),
        ([cond("name", "IN", values=["Ash", "Cedar"])], ["Ash", "Cedar"]),
        ([cond("name", "NOT_IN", values=["Ash", "Cedar"])], ["Birch"]),
        ([cond("city", "HAS_PROPERTY")], ["Ash", "Birch"]),
        ([cond("city", "NOT_HAS_PROPERTY")], ["Cedar"]),
        ([cond("name", "CONTAINS_TOKEN", "*irc*")], ["Birch"]),
        ([cond("name", "NOT_CONTAINS_TOKEN", "irc")], ["Ash", "Cedar"]),
        ([cond("name", "BETWEEN", "b", highValue="d")], ["Birch", "Cedar"]),
        ([cond("createdate", "GT", "2026-10-05T09:30:00Z")], ["Birch", "Cedar"]),
        ([cond("createdate", "BETWEEN", "2026-10-05", highValue="2026-10-05T09:31:00Z")], ["Ash", "Birch"]),
        ([cond("hs_lastmodifieddate", "LT", "1791192660000")], ["Ash"]),
        ([cond("hs_object_id", "GT", "18500000001"), cond("name", "NEQ", "Cedar")], ["Birch"]),
        ([cond("hs_object_id", "IN", values=["18500000003", "7"])], ["Cedar"]),
        ([cond("hs_object_id", "EQ", "18500000002"), cond("city", "EQ", "Kiel")], []),
    ],
)
def test_every_operator(trees: Place, filters: list[dict[str, Any]], expected: list[str]) -> None:
    assert names(trees.search("companies", *filters, properties=["name"])) == expected


def test_groups_are_alternatives_and_no_object_comes_twice(trees: Place) -> None:
    groups = [
        {"filters": [cond("name", "EQ", "Ash")]},
        {"filters": [cond("zip", "IN", values=["1", "2"])]},
    ]
    found = trees.call(
        "POST", f"{OBJECTS}/companies/search", {"filterGroups": groups, "properties": ["name"]}
    )
    assert (names(found), found["total"]) == (["Ash", "Birch"], 2)
    words = trees.call("POST", f"{OBJECTS}/companies/search", {"query": "bonn", "properties": ["name"]})
    assert names(words) == ["Birch"]


@pytest.mark.parametrize(
    "question",
    [
        cond("name", "LIKE", "x"),
        cond("name", "EQ"),
        cond("name", "IN", values=[]),
        cond("name", "IN", values=[str(n) for n in range(101)]),
        cond("name", "BETWEEN", "a"),
        cond("hs_lastmodifieddate", "GT", "soon"),
        cond("hs_object_id", "GT", "x"),
        cond("createdate", "EQ", "x"),
        cond("nothing", "EQ", "x"),
    ],
)
def test_a_question_that_makes_no_sense_is_a_400(trees: Place, question: dict[str, Any]) -> None:
    body = {"filterGroups": [{"filters": [question]}]}
    refused = trees.call("POST", f"{OBJECTS}/companies/search", body, status=400)
    assert refused["category"] == "VALIDATION_ERROR"


def test_the_index_shows_a_change_only_after_its_lag(trees: Place) -> None:
    trees.box.objects.search_lag = timedelta(seconds=90)
    assert len(trees.search("companies")["results"]) == 2
    assert trees.search("companies", sorts=["hs_lastmodifieddate"])["total"] == 2
    assert trees.search("companies", cond("hs_object_id", "EQ", "18500000003"))["total"] == 0
    trees.clock.forward(seconds=30)
    assert trees.search("companies")["total"] == 3


def test_a_page_that_is_asked_for_after_a_change_shows_the_change(trees: Place) -> None:
    asked = {"limit": 1, "properties": ["name"]}
    first = trees.search("companies", cond("zip", "HAS_PROPERTY"), **asked)
    trees.box.delete("companies", first["results"][0]["id"])
    again = trees.search("companies", cond("zip", "HAS_PROPERTY"), **asked)
    assert (again["total"], names(again)) == (2, ["Birch"])


def test_contacts_call_their_last_change_differently(place: Place) -> None:
    place.create("contacts", email="a@b.test")
    assert place.search("contacts", cond("lastmodifieddate", "GTE", "2026-10-05"))["total"] == 1
    body = {"filterGroups": [{"filters": [cond("hs_lastmodifieddate", "GTE", "2026-10-05")]}]}
    place.call("POST", f"{OBJECTS}/contacts/search", body, status=400)


def test_a_seeded_account_is_walked_through_in_order(place: Place) -> None:
    seeded = place.box.seed(deals=450, companies=9, lines_per_deal=3, won=0.5)
    assert (len(seeded.deals), len(seeded.companies), seeded.lines) == (450, 9, 1350)
    seen, after = [], "0"
    while after:
        page = place.search(
            "deals",
            cond("hs_lastmodifieddate", "GTE", "2026-10-05"),
            sorts=["hs_lastmodifieddate"],
            limit=200,
            after=after,
        )
        seen += [one["id"] for one in page["results"]]
        after = page.get("paging", {}).get("next", {}).get("after", "")
    assert seen == list(seeded.deals)
    assert place.search("deals", cond("hs_is_closed_won", "EQ", "true"))["total"] == 225
    read = place.call(
        "POST",
        "/crm/associations/2026-09/deals/companies/batch/read",
        {"inputs": [{"id": seeded.deals[9]}]},
    )
    assert read["results"][0]["to"][0]["toObjectId"] == seeded.companies[0]
    assert read["results"][0]["to"][0]["associationTypes"][0]["label"] == "Primary"
    assert len(place.box.portal.linked("deals", "line_items", seeded.deals[0])) == 3
    assert len(place.box.portal.linked("companies", "deals", seeded.companies[0])) == 50
    assert place.box.webhooks.pending == []


def test_very_many_deals_of_one_instant_are_walked_through_by_id(place: Place) -> None:
    seeded = place.box.seed(deals=450, lines_per_deal=0, apart=0)
    instant = cond("hs_lastmodifieddate", "EQ", "2026-10-05T09:30:00Z")
    seen: list[str] = []
    while len(seen) < 450:
        beyond = cond("hs_object_id", "GT", seen[-1] if seen else "0")
        page = place.search("deals", instant, beyond, sorts=["hs_object_id"], limit=200)
        assert page["total"] == 450 - len(seen)
        seen += [one["id"] for one in page["results"]]
    assert seen == list(seeded.deals)


def test_a_seeded_object_is_like_any_other(place: Place) -> None:
    deal = place.box.seed(deals=2, companies=1, lines_per_deal=1).deals[0]
    before = place.call("GET", f"{OBJECTS}/deals/{deal}", properties="dealname,amount,hs_is_closed_won")
    assert before["properties"]["dealname"] == "Deal 1"
    assert before["properties"]["hs_object_id"] == deal
    place.clock.forward(minutes=1)
    place.call("PATCH", f"{OBJECTS}/deals/{deal}", {"properties": {"amount": "7"}})
    after = place.call("GET", f"{OBJECTS}/deals/{deal}", properties="dealname,amount,hs_is_closed_won")
    assert after["properties"] == {
        **before["properties"],
        "amount": "7",
        "hs_lastmodifieddate": "2026-10-05T09:31:00.000Z",
    }
    (found,) = place.search("deals", cond("hs_lastmodifieddate", "GT", "2026-10-05T09:30:30Z"))["results"]
    assert found["id"] == deal
    place.box.delete("deals", deal)
    assert place.search("deals")["total"] == 1


def test_searches_of_many_objects_do_not_look_at_all_of_them(place: Place) -> None:
    seeded = place.box.seed(deals=20_000, companies=100, lines_per_deal=1)
    started = time.process_time()
    since = cond("hs_lastmodifieddate", "GTE", "2026-10-05")
    for at in range(50):
        page = {"sorts": ["hs_lastmodifieddate"], "limit": 1, "after": str(at)}
        assert place.search("deals", since, **page)["total"] > 5_000
        some = list(seeded.deals[at * 10 : at * 10 + 100])
        assert place.search("deals", cond("hs_object_id", "IN", values=some))["total"] == 100
        past = cond("hs_object_id", "GT", seeded.deals[-2])
        assert place.search("deals", past, sorts=["hs_object_id"])["total"] == 1
    assert time.process_time() - started < 5, "looking at every deal for each of 150 searches takes longer"
