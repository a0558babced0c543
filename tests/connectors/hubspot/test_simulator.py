"""The simulated account behaves like the vendor's, also where the connector never goes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.connectors.hubspot.account import TOKEN, Account


@pytest.fixture
def http(account: Account) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=account.url, headers={"authorization": f"Bearer {TOKEN}"}) as client:
        yield client


DEALS = "/crm/objects/2026-09/deals"


def create(http: httpx.Client, kind: str = "deals", **properties: str) -> httpx.Response:
    return http.post(f"/crm/objects/2026-09/{kind}", json={"properties": properties, "associations": []})


def test_one_object_has_many_addresses(account: Account, http: httpx.Client) -> None:
    deal = create(http, dealname="A").json()["id"]
    for address in ("objects/2026-09/deals", "objects/2026-03/0-3", "v3/objects/deals", "v3/objects/deal"):
        assert http.get(f"/crm/{address}/{deal}").json()["id"] == deal
    assert http.get(f"/crm/objects/2026-09/ghosts/{deal}").status_code == 400
    assert http.get(f"/crm/objects/1999-01/deals/{deal}").status_code == 404


def test_without_token_there_is_a_401_in_the_vendors_shape(account: Account) -> None:
    answer = httpx.get(account.url + DEALS)
    assert answer.status_code == 401
    assert answer.json()["category"] == "INVALID_AUTHENTICATION"
    assert answer.json()["correlationId"]


def test_a_read_gives_default_properties_unless_others_are_asked_for(http: httpx.Client) -> None:
    deal = create(http, dealname="A", po_number="PO-1").json()["id"]
    assert "po_number" not in http.get(f"{DEALS}/{deal}").json()["properties"]
    asked = http.get(f"{DEALS}/{deal}", params={"properties": "po_number,amount,nothing"}).json()[
        "properties"
    ]
    assert (asked["po_number"], asked["amount"]) == ("PO-1", None)
    assert "nothing" not in asked


def test_all_values_are_text_also_those_sent_as_numbers(http: httpx.Client) -> None:
    deal = http.post(DEALS, json={"properties": {"amount": 1500}}).json()["id"]
    assert http.get(f"{DEALS}/{deal}").json()["properties"]["amount"] == "1500"


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({"nonsense": "1"}, "PROPERTY_DOESNT_EXIST"),
        ({"amount": "many"}, "INVALID_DOUBLE"),
        ({"closedate": "soon"}, "INVALID_DATE"),
        ({"deal_currency_code": "XXX"}, "INVALID_OPTION"),
        ({"dealstage": "no-such-stage"}, "INVALID_OPTION"),
        ({"hs_is_closed_won": "true"}, "READ_ONLY_VALUE"),
    ],
)
def test_bad_values_are_refused_property_by_property(
    http: httpx.Client, properties: dict[str, str], code: str
) -> None:
    answer = create(http, **properties)
    assert answer.status_code == 400
    assert answer.json()["category"] == "VALIDATION_ERROR"
    assert [entry["code"] for entry in answer.json()["errors"]] == [code]


def test_a_second_contact_with_an_email_is_a_conflict_with_the_id(http: httpx.Client) -> None:
    first = create(http, "contacts", email="a@b.test").json()["id"]
    answer = create(http, "contacts", email="a@b.test")
    assert answer.status_code == 409
    assert answer.json()["message"] == f"Contact already exists. Existing ID: {first}"


def test_a_unique_property_upserts(account: Account, http: httpx.Client) -> None:
    definition = {
        "name": "ext",
        "label": "x",
        "type": "string",
        "fieldType": "text",
        "groupName": "dealinformation",
    }
    made = http.post("/crm/properties/2026-09/deals", json={**definition, "hasUniqueValue": True})
    assert made.status_code == 201
    inputs = [{"id": "E-1", "idProperty": "ext", "properties": {"dealname": "A"}, "objectWriteTraceId": "t1"}]
    first = http.post(f"{DEALS}/batch/upsert", json={"inputs": inputs}).json()["results"][0]
    second = http.post(f"{DEALS}/batch/upsert", json={"inputs": inputs}).json()["results"][0]
    assert (first["new"], second["new"], first["id"] == second["id"]) == (True, False, True)
    assert second["objectWriteTraceId"] == "t1"
    assert http.post(f"{DEALS}/batch/upsert", json={"inputs": inputs * 2}).status_code == 400
    taken = create(http, ext="E-1")
    assert "already has that value" in taken.json()["message"]
    by_value = http.patch(f"{DEALS}/E-1", params={"idProperty": "ext"}, json={"properties": {"amount": "1"}})
    assert by_value.json()["id"] == first["id"]


def test_a_batch_answers_207_when_some_are_missing_and_takes_a_hundred(http: httpx.Client) -> None:
    deal = create(http, dealname="A").json()["id"]
    answer = http.post(f"{DEALS}/batch/read", json={"inputs": [{"id": deal}, {"id": "1"}], "properties": []})
    assert answer.status_code == 207
    assert [one["id"] for one in answer.json()["results"]] == [deal]
    assert answer.json()["errors"][0]["context"] == {"ids": ["1"]}
    many = [{"id": str(n)} for n in range(101)]
    assert http.post(f"{DEALS}/batch/read", json={"inputs": many}).status_code == 400


def test_batch_create_and_update_and_lists_with_pages(account: Account, http: httpx.Client) -> None:
    inputs = [{"properties": {"dealname": f"D{n}"}} for n in range(3)]
    made = http.post(f"{DEALS}/batch/create", json={"inputs": inputs})
    assert made.status_code == 201
    ids = [one["id"] for one in made.json()["results"]]
    changes = [{"id": id, "properties": {"amount": "5"}} for id in ids]
    assert http.post(f"{DEALS}/batch/update", json={"inputs": changes}).status_code == 200
    page = http.get(DEALS, params={"limit": "2", "properties": "amount"}).json()
    rest = http.get(DEALS, params={"limit": "2", "after": page["paging"]["next"]["after"]}).json()
    assert [one["id"] for one in page["results"] + rest["results"]] == ids
    assert "paging" not in rest
    assert [effect["action"] for effect in account.sandbox.kit.effects] == ["create"] * 3 + ["update"] * 3


def test_a_deleted_object_is_in_no_read_and_no_search_but_in_the_list_of_archived(http: httpx.Client) -> None:
    deal = create(http, dealname="A").json()["id"]
    assert http.delete(f"{DEALS}/{deal}").status_code == 204
    assert http.delete(f"{DEALS}/{deal}").status_code == 204
    assert http.get(f"{DEALS}/{deal}").status_code == 404
    assert search(http)["total"] == 0
    (archived,) = http.get(DEALS, params={"archived": "true"}).json()["results"]
    assert archived["archived"] is True
    assert archived["archivedAt"]


def search(http: httpx.Client, *filters: dict[str, Any], **more: Any) -> dict[str, Any]:
    question = {"filterGroups": [{"filters": list(filters)}] if filters else [], **more}
    answer = http.post(f"{DEALS}/search", json=question)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.mark.parametrize(
    ("operator", "value", "expected"),
    [
        ("EQ", "20", 1),
        ("NEQ", "20", 2),
        ("GT", "9", 2),
        ("GTE", "20", 2),
        ("LT", "100", 2),
        ("LTE", "9", 1),
    ],
)
def test_search_compares_numbers_as_numbers(
    http: httpx.Client, operator: str, value: str, expected: int
) -> None:
    for amount in ("9", "20", "100"):
        create(http, amount=amount)
    found = search(http, {"propertyName": "amount", "operator": operator, "value": value})
    assert found["total"] == expected


def test_search_sorts_and_pages_by_text_offsets(http: httpx.Client) -> None:
    for amount in ("9", "100", "20"):
        create(http, amount=amount)
    first = search(http, sorts=["amount"], limit=2, properties=["amount"])
    assert [one["properties"]["amount"] for one in first["results"]] == ["9", "20"]
    assert first["paging"]["next"]["after"] == "2"
    down = search(http, sorts=[{"propertyName": "amount", "direction": "DESCENDING"}], after="2")
    assert len(down["results"]) == 1


@pytest.mark.parametrize(
    "question",
    [
        {"limit": 201},
        {"after": "9900", "limit": 200},
        {"after": "10000"},
        {"after": "x"},
        {"filterGroups": [{"filters": []}] * 6},
        {"filterGroups": [{"filters": [{"propertyName": "amount", "operator": "EQ", "value": "1"}] * 7}]},
        {"filterGroups": [{"filters": [{"propertyName": "amount", "operator": "EQ", "value": "1"}] * 6}] * 4},
        {"filterGroups": [{"filters": [{"propertyName": "nothing", "operator": "EQ", "value": "1"}]}]},
        {"sorts": ["amount", "dealname"]},
    ],
)
def test_search_has_the_vendors_limits(http: httpx.Client, question: dict[str, Any]) -> None:
    create(http, amount="1")
    answer = http.post(f"{DEALS}/search", json=question)
    assert answer.status_code == 400
    assert answer.json()["category"] == "VALIDATION_ERROR"


def test_associations_are_directional_and_missing_ones_are_errors_beside(http: httpx.Client) -> None:
    deal, line = create(http, dealname="A").json()["id"], create(http, "line_items", price="1").json()["id"]
    address = "/crm/associations/2026-09/deals/line_items/batch"
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 20}]
    link = {"from": {"id": deal}, "to": {"id": line}}
    assert http.post(f"{address}/create", json={"inputs": [{**link, "types": types}]}).status_code == 400
    empty = http.post(f"{address}/read", json={"inputs": [{"id": deal}]})
    assert empty.status_code == 207
    assert empty.json()["errors"][0]["subCategory"] == "crm.associations.NO_ASSOCIATIONS_FOUND"
    types[0]["associationTypeId"] = 19
    assert http.post(f"{address}/create", json={"inputs": [{**link, "types": types}]}).status_code == 200
    found = http.post("/crm/v4/associations/0-3/0-8/batch/read", json={"inputs": [{"id": deal}]}).json()
    assert found["results"][0]["to"][0]["toObjectId"] == line
    assert http.post(f"{address}/associate/default", json={"inputs": [link]}).status_code == 200


def test_an_object_can_be_created_with_its_associations(http: httpx.Client) -> None:
    deal = create(http, dealname="A").json()["id"]
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 20}]
    body = {
        "properties": {"price": "2", "quantity": "3"},
        "associations": [{"to": {"id": deal}, "types": types}],
    }
    line = http.post("/crm/objects/2026-09/line_items", json=body).json()
    seen = http.get(f"{DEALS}/{deal}", params={"associations": "line_items"}).json()
    assert seen["associations"]["line items"]["results"] == [{"id": line["id"], "type": "deal_to_line_item"}]
    assert line["properties"]["amount"] == "6"


def test_closing_a_deal_sets_what_hubspot_derives(account: Account, http: httpx.Client) -> None:
    deal = account.sandbox.create_deal(dealname="A")
    account.clock.forward(minutes=1)
    http.patch(f"{DEALS}/{deal}", json={"properties": {"dealstage": "closedwon"}})
    seen = account.sandbox.properties("deals", deal)
    assert (seen["hs_is_closed"], seen["hs_is_closed_won"]) == ("true", "true")
    assert seen["closedate"] == seen["hs_lastmodifieddate"] == "2026-10-05T09:31:00.000Z"


def test_rate_limits_are_told_in_headers_and_kept_when_enforced(account: Account, http: httpx.Client) -> None:
    account.sandbox.gate.per_window = 2
    account.sandbox.gate.enforced = True
    assert http.get(DEALS).headers["x-hubspot-ratelimit-remaining"] == "1"
    assert "x-hubspot-ratelimit-max" not in http.post(f"{DEALS}/search", json={}).headers
    refused = http.get(DEALS)
    assert refused.status_code == 429
    assert refused.json()["policyName"] == "TEN_SECONDLY_ROLLING"
    account.clock.forward(seconds=10)
    assert http.get(DEALS).status_code == 200


@pytest.mark.parametrize("body", [b"{", b"[]", b"7", b'{"inputs":7}', b'{"inputs":[1]}', b'{"inputs":[{}]}'])
def test_a_body_of_another_shape_is_a_400(http: httpx.Client, body: bytes) -> None:
    for path in ("/batch/read", "/batch/update"):
        assert http.post(DEALS + path, content=body).status_code == 400


def test_pipelines_and_properties_can_be_read_one_by_one(http: httpx.Client) -> None:
    listed = http.get("/crm/pipelines/2026-09/deals").json()["results"]
    assert [one["id"] for one in listed] == ["default", "75231940"]
    assert http.get("/crm/v3/pipelines/deals/75231940").json()["stages"][2]["metadata"] == {
        "isClosed": "true",
        "probability": "1.0",
    }
    assert http.get("/crm/properties/2026-09/deals/amount").json()["type"] == "number"
    assert http.get("/crm/properties/2026-09/deals/nothing").status_code == 404
    taken = {"name": "amount", "label": "x", "type": "number", "fieldType": "number", "groupName": "g"}
    assert http.post("/crm/properties/2026-09/deals", json=taken).status_code == 409
    assert http.post("/crm/properties/2026-09/deals", json={"name": "x"}).status_code == 400
