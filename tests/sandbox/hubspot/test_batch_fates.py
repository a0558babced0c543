"""What becomes of the inputs of a batch: each for itself, or all together."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.hubspot.place import OBJECTS, Place

DEALS = f"{OBJECTS}/deals"


def given(trace: str = "", **properties: str) -> dict[str, Any]:
    return {"properties": properties, **({"objectWriteTraceId": trace} if trace else {})}


def test_a_bad_input_without_trace_spoils_the_batch_and_nothing_is_written(place: Place) -> None:
    inputs = [given(dealname="A"), given(amount="many"), given(dealname="C")]
    refused = place.call("POST", f"{DEALS}/batch/create", {"inputs": inputs}, status=400)
    assert refused["category"] == "VALIDATION_ERROR"
    assert place.search("deals")["total"] == 0
    assert place.box.kit.effects == []


@pytest.mark.parametrize("root", ["/crm/v3/objects/deals", "/crm/objects/2026-03/deals", DEALS])
def test_traced_inputs_each_have_a_fate(place: Place, root: str) -> None:
    inputs = [given("t1", dealname="A"), given("t2", amount="many"), given("t3", nothing="x")]
    answer = place.call("POST", f"{root}/batch/create", {"inputs": inputs}, status=207)
    assert [one["objectWriteTraceId"] for one in answer["results"]] == ["t1"]
    assert answer["numErrors"] == 2
    assert [error["context"]["objectWriteTraceId"] for error in answer["errors"]] == [["t2"], ["t3"]]
    assert answer["errors"][1]["errors"][0]["code"] == "PROPERTY_DOESNT_EXIST"


def test_a_version_can_answer_200_with_errors_as_its_specification_says(place: Place) -> None:
    place.box.batches.multi_status.discard("2026-09")
    inputs = [given("t1", dealname="A"), given("t2", amount="many")]
    answer = place.call("POST", f"{DEALS}/batch/create", {"inputs": inputs}, status=201)
    assert (len(answer["results"]), answer["numErrors"]) == (1, 1)
    read = place.call("POST", f"{DEALS}/batch/read", {"inputs": [{"id": "1"}], "properties": []})
    assert read["errors"][0]["category"] == "OBJECT_NOT_FOUND"


def test_an_upsert_creates_updates_and_says_which(place: Place) -> None:
    place.unique("invoices")
    body = {"inputs": [{"id": "K1", "idProperty": "o2c_key", "properties": {"hs_currency": "EUR"}}]}
    path = f"{OBJECTS}/invoices/batch/upsert"
    first, second = (place.call("POST", path, body)["results"][0] for _ in range(2))
    assert (first["new"], second["new"], first["id"] == second["id"]) == (True, False, True)
    assert [(e["action"], e["reference"]) for e in place.box.kit.effects[1:]] == [
        ("create", "K1"),
        ("update", "K1"),
    ]


def test_an_upsert_of_what_lacks_something_is_an_error_of_its_own(place: Place) -> None:
    place.unique("invoices")
    base = {"idProperty": "o2c_key"}
    inputs = [
        {**base, "id": "K1", **given("t1", hs_currency="EUR")},
        {**base, "id": "K2", **given("t2", hs_title="no currency")},
    ]
    answer = place.call("POST", f"{OBJECTS}/invoices/batch/upsert", {"inputs": inputs}, status=207)
    assert len(answer["results"]) == 1
    assert answer["errors"][0]["errors"][0]["context"] == {"propertyName": ["hs_currency"]}


@pytest.mark.parametrize("verb", ["upsert", "update"])
def test_two_inputs_about_one_record_reject_the_whole_batch(place: Place, verb: str) -> None:
    place.unique("deals")
    deal = place.create("deals", o2c_key="K1", dealname="A")
    by_key = {"id": "K1", "idProperty": "o2c_key", **given("t1", dealname="B")}
    by_id = {"id": deal, **given("t2", dealname="C")}
    refused = place.call("POST", f"{DEALS}/batch/{verb}", {"inputs": [by_key, by_id]}, status=400)
    assert "Duplicate IDs" in refused["message"]
    assert place.box.properties("deals", deal)["dealname"] == "A"


def test_two_inputs_cannot_take_one_unique_value(place: Place) -> None:
    place.unique("deals")
    inputs = [given("t1", o2c_key="K1"), given("t2", o2c_key="K1")]
    answer = place.call("POST", f"{DEALS}/batch/create", {"inputs": inputs}, status=207)
    assert len(answer["results"]) == 1
    assert "already has that value" in answer["errors"][0]["message"]


def test_missing_records_of_an_update_are_told_apart_by_their_trace(place: Place) -> None:
    inputs = [{"id": str(n), **given(f"t{n}", dealname="x")} for n in (1, 2)]
    answer = place.call("POST", f"{DEALS}/batch/update", {"inputs": inputs}, status=207)
    assert answer["results"] == []
    assert [error["context"]["objectWriteTraceId"] for error in answer["errors"]] == [["t1"], ["t2"]]


def test_a_batch_of_deletions_is_quiet(place: Place) -> None:
    deals = [place.create("deals", dealname=str(n)) for n in range(3)]
    inputs = [{"id": id} for id in (*deals[:2], "1")]
    place.call("POST", f"{DEALS}/batch/archive", {"inputs": inputs}, status=204)
    assert [one["id"] for one in place.call("GET", DEALS)["results"]] == deals[2:]
    gone = place.call("GET", DEALS, archived="true")["results"]
    assert [one["id"] for one in gone] == deals[:2]


@pytest.mark.parametrize("verb", ["read", "create", "update", "upsert", "archive"])
def test_a_batch_takes_a_hundred(place: Place, verb: str) -> None:
    inputs = [{"id": str(n), "properties": {}} for n in range(101)]
    place.call("POST", f"{DEALS}/batch/{verb}", {"inputs": inputs}, status=400)
    place.call("POST", f"{DEALS}/batch/{verb}", {"inputs": []}, status=400)
    place.call("POST", f"{DEALS}/batch/{verb}", {"inputs": [{"ID": "1"}]}, status=400)


def test_a_unique_value_is_free_again_when_its_holder_is_gone(place: Place) -> None:
    place.unique("deals")
    first = place.create("deals", o2c_key="K1")
    refused = place.call("POST", DEALS, {"properties": {"o2c_key": "K1"}}, status=400)
    assert refused["errors"][0]["code"] == "CONFLICTING_UNIQUE_VALUE"
    place.call("PATCH", f"{DEALS}/{first}", {"properties": {"o2c_key": "K2"}})
    second = place.create("deals", o2c_key="K1")
    place.call("DELETE", f"{DEALS}/{second}", status=204)
    place.create("deals", o2c_key="K1")
    missing = place.call("PATCH", f"{DEALS}/K7", {"properties": {}}, status=404, idProperty="o2c_key")
    assert missing["category"] == "OBJECT_NOT_FOUND"
