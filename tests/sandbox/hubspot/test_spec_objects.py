"""Every endpoint of the simulated account: its request and its answer fit the vendor's OpenAPI files."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.sandbox.hubspot.openapi import SPECS, check
from tests.sandbox.hubspot.place import SECRET, Place

pytestmark = pytest.mark.skipif(not SPECS.is_dir(), reason="the vendor's specification files are not here")

ROOT = "/crm/objects/2026-09"
MADE: dict[str, dict[str, str]] = {
    "deals": {"dealname": "A"},
    "companies": {"name": "C"},
    "contacts": {"email": "a@b.test"},
    "line_items": {"price": "1"},
    "products": {"name": "P"},
    "invoices": {"hs_currency": "EUR"},
    "commerce_payments": {"hs_initial_amount": "1", "hs_initiated_date": "2026-10-05"},
    "orders": {"hs_order_name": "O"},
    "notes": {"hs_timestamp": "2026-10-05T09:30:00Z"},
}


def seen(place: Place, method: str, path: str, body: Any = None) -> httpx.Response:
    """A call that fits its specification, and its answer."""
    answer = place.http.request(method, path, json=body)
    check(answer)
    return answer


@pytest.mark.parametrize("kind", MADE)
@pytest.mark.parametrize("root", ["/crm/objects/2026-09/{kind}", "/crm/objects/2026-03/{id}"])
def test_every_type_over_its_whole_life(place: Place, root: str, kind: str) -> None:
    numeric = {"deals": "0-3", "invoices": "invoices", "commerce_payments": "commerce_payments"}
    if "2026-03" in root and kind not in numeric:
        return
    path, values = root.format(kind=kind, id=numeric.get(kind)), MADE[kind]
    place.unique(kind)
    made = seen(place, "POST", path, {"properties": values, "associations": []})
    assert made.status_code == 201
    id = made.json()["id"]
    assert seen(place, "GET", f"{path}?limit=1&properties=o2c_key&archived=false").status_code == 200
    one = f"{path}/{id}"
    assert seen(place, "GET", f"{one}?properties=o2c_key&associations={kind}").status_code == 200
    assert seen(place, "PATCH", one, {"properties": {"o2c_key": "K1"}}).status_code == 200
    assert seen(place, "PATCH", f"{path}/K1?idProperty=o2c_key", {"properties": {}}).status_code == 200
    assert seen(place, "POST", path, {"properties": {"nothing": "x"}}).status_code == 400
    traced = [{"properties": values, "associations": [], "objectWriteTraceId": "t1"}]
    if kind == "contacts":
        traced[0]["properties"] = {"email": "other@b.test"}
    traced.append({"properties": {"nothing": "x"}, "associations": [], "objectWriteTraceId": "t2"})
    batch = seen(place, "POST", f"{path}/batch/create", {"inputs": traced})
    assert batch.status_code == 207
    two = batch.json()["results"][0]["id"]
    asked = {"inputs": [{"id": id}, {"id": "1"}], "properties": [], "propertiesWithHistory": []}
    assert seen(place, "POST", f"{path}/batch/read", asked).status_code == 207
    changes = [{"id": two, "properties": {"o2c_key": "K2"}, "objectWriteTraceId": "t"}]
    assert seen(place, "POST", f"{path}/batch/update", {"inputs": changes}).status_code == 200
    keyed = [{"id": "K2", "idProperty": "o2c_key", "properties": {}, "objectWriteTraceId": "t"}]
    assert seen(place, "POST", f"{path}/batch/upsert", {"inputs": keyed}).status_code == 200
    question = {
        "filterGroups": [
            {"filters": [{"propertyName": "o2c_key", "operator": "IN", "values": ["K1", "K2"]}]}
        ],
        "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
        "properties": ["o2c_key"],
        "limit": 1,
        "after": "0",
    }
    found = seen(place, "POST", f"{path}/search", question)
    assert found.json()["total"] == 2
    assert seen(place, "DELETE", one).status_code == 204
    assert seen(place, "GET", one).status_code == 404
    assert seen(place, "GET", f"{path}?archived=true").json()["results"][0]["archivedAt"]
    gone = {"inputs": [{"id": two}]}
    assert seen(place, "POST", f"{path}/batch/archive", gone).status_code == 204


@pytest.mark.parametrize("path", ["/crm/v3/objects/deals", "/crm/v3/objects/0-3"])
def test_the_legacy_addresses_too(place: Place, path: str) -> None:
    made = place.http.post(path, json={"properties": {"dealname": "A"}})
    known = path if "0-3" in path else path.replace("deals", "0-3")
    answer = place.http.get(f"{known}/{made.json()['id']}")
    check(answer)
    assert answer.json()["properties"]["dealname"] == "A"


@pytest.mark.parametrize("kind", ["deals", "companies", "contacts"])
def test_merging(place: Place, kind: str) -> None:
    ids = [place.box.create(kind) for _ in range(2)]
    body = {"primaryObjectId": ids[0], "objectIdToMerge": ids[1]}
    assert seen(place, "POST", f"{ROOT}/{kind}/merge", body).status_code == 200
    assert seen(place, "POST", f"{ROOT}/{kind}/merge", body).status_code == 400


def test_payments(place: Place) -> None:
    payment = place.create("commerce_payments", **MADE["commerce_payments"])
    root = "/crm/v3/objects/payments"
    assert seen(place, "GET", f"{root}/{payment}").status_code == 200
    assert seen(place, "GET", f"{root}?limit=1").status_code == 200
    assert seen(place, "POST", f"{root}/batch/read", {"inputs": [{"id": payment}]}).status_code == 200
    assert seen(place, "POST", f"{root}/search", {}).status_code == 200


@pytest.mark.parametrize("root", ["/crm/associations/2026-09", "/crm/v4/associations"])
def test_associations(place: Place, root: str) -> None:
    deal, company = place.box.create_deal(dealname="A"), place.box.create_company(name="C")
    path = f"{root}/deals/companies"
    assert seen(place, "GET", f"{path}/labels").status_code == 200
    ends = {"from": {"id": deal}, "to": {"id": company}}
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 5}]
    made = seen(place, "POST", f"{path}/batch/create", {"inputs": [{**ends, "types": types}]})
    assert made.is_success
    assert seen(place, "POST", f"{path}/batch/associate/default", {"inputs": [ends]}).status_code == 200
    asked = {"inputs": [{"id": deal}, {"id": "1", "after": "0"}]}
    assert seen(place, "POST", f"{path}/batch/read", asked).status_code == 207
    wrong = {"inputs": [{**ends, "types": [{**types[0], "associationTypeId": 6}]}]}
    assert seen(place, "POST", f"{path}/batch/create", wrong).status_code == 400
    gone = {"inputs": [{"from": {"id": deal}, "to": [{"id": company}]}]}
    assert seen(place, "POST", f"{path}/batch/archive", gone).is_success
    one = f"/crm/objects/2026-09/deals/{deal}/associations"
    if "v4" in root:
        one = f"/crm/v4/objects/deals/{deal}/associations"
        assert seen(place, "GET", f"{one}/companies?limit=10").status_code == 200
    assert seen(place, "PUT", f"{one}/default/companies/{company}").status_code == 200
    assert seen(place, "PUT", f"{one}/companies/{company}", types).status_code == 201
    assert seen(place, "DELETE", f"{one}/companies/{company}").status_code == 204


def test_properties_groups_rules_and_pipelines(place: Place) -> None:
    root = "/crm/properties/2026-09/deals"
    group = {"name": "o2c", "label": "O2C", "displayOrder": 1}
    assert seen(place, "POST", f"{root}/groups", group).status_code == 201
    assert seen(place, "GET", f"{root}/groups").status_code == 200
    assert seen(place, "GET", f"{root}/groups/o2c").status_code == 200
    options = [{"label": "A", "value": "a", "displayOrder": 0, "hidden": False}]
    wanted = {"name": "n", "label": "N", "type": "string", "fieldType": "text", "groupName": "o2c"}
    assert seen(place, "POST", root, {**wanted, "hasUniqueValue": True}).status_code == 201
    assert seen(place, "POST", root, wanted).status_code == 409
    other = {**wanted, "name": "m", "type": "enumeration", "fieldType": "select", "options": options}
    assert seen(place, "POST", f"{root}/batch/create", {"inputs": [other]}).status_code == 200
    assert seen(place, "PATCH", f"{root}/m", {"label": "M", "options": options}).status_code == 200
    assert seen(place, "GET", f"{root}/m").status_code == 200
    assert seen(place, "GET", f"{root}?archived=false").status_code == 200
    asked = {"archived": False, "inputs": [{"name": "m"}, {"name": "x"}]}
    assert seen(place, "POST", f"{root}/batch/read", asked).status_code == 207
    assert seen(place, "DELETE", f"{root}/m").status_code == 204
    assert seen(place, "POST", f"{root}/batch/archive", {"inputs": [{"name": "n"}]}).status_code == 204
    place.box.restrict("deals", "dealname", "MAX_LENGTH", "9")
    assert seen(place, "GET", "/crm/property-validations/2026-09/0-3").json()["results"]
    assert seen(place, "GET", "/crm/property-validations/2026-09/0-3/dealname").json()["results"]
    for kind in ("deals", "orders"):
        line = seen(place, "GET", f"/crm/pipelines/2026-09/{kind}").json()["results"][0]
        one = f"/crm/pipelines/2026-09/{kind}/{line['id']}"
        assert seen(place, "GET", one).status_code == 200
        stage = seen(place, "GET", f"{one}/stages").json()["results"][0]
        assert seen(place, "GET", f"{one}/stages/{stage['id']}").status_code == 200


def test_the_account_its_owners_and_currencies(place: Place) -> None:
    for path in (
        "/account-info/2026-09/details",
        "/account-info/2026-03/details",
        "/account-info/v3/api-usage/daily",
        "/account-info/2026-09/api-usage/daily/private-apps",
        "/crm/owners/2026-09?limit=1",
        "/crm/owners/2026-09/41001?idProperty=id",
    ):
        assert seen(place, "GET", path).status_code == 200
    root = "/settings/currencies/2026-09"
    rate = {"fromCurrencyCode": "EUR", "conversionRate": 1.1}
    assert seen(place, "POST", f"{root}/exchange-rates", rate).status_code == 200
    assert seen(place, "PUT", f"{root}/company-currency", {"currencyCode": "GBP"}).status_code == 200
    for path in (
        "company-currency",
        "codes",
        "exchange-rates?limit=1",
        "exchange-rates/current",
        "exchange-rates/1",
    ):
        assert seen(place, "GET", f"{root}/{path}").status_code == 200


@pytest.mark.parametrize("version", ["v1", "v3", "2026-03", "2026-09"])
def test_tokens(place: Place, version: str) -> None:
    app = {"client_id": place.box.oauth.client_id, "client_secret": SECRET}
    grant = place.box.install()

    def form(path: str, **asked: str) -> httpx.Response:
        answer = place.http.post(f"/oauth/{version}/{path}", data={**app, **asked})
        check(answer)
        return answer

    asked = {"grant_type": "refresh_token", "refresh_token": grant.refresh_token}
    token = form("token", **asked).json()["access_token"]
    assert form("token", **{**asked, "refresh_token": "x"}).status_code == 400
    if version == "v1":
        for path in (f"access-tokens/{token}", f"refresh-tokens/{grant.refresh_token}"):
            assert seen(place, "GET", f"/oauth/v1/{path}").status_code == 200
        assert seen(place, "DELETE", f"/oauth/v1/refresh-tokens/{grant.refresh_token}").status_code == 204
        return
    for one in (token, grant.refresh_token):
        assert form("token/introspect", token=one).json()["active"]
    assert form("token/revoke", token=grant.refresh_token).status_code == 200


def test_refusals_have_the_vendors_shape(place: Place) -> None:
    box = place.box
    for policy in ("SECONDLY", "TEN_SECONDLY_ROLLING", "DAILY"):
        box.rate_limit(policy)
    box.lock()
    box.migrate(60)
    box.outage(502)
    codes = [seen(place, "GET", f"{ROOT}/deals").status_code for _ in range(6)]
    assert codes == [429, 429, 429, 423, 477, 502]
    box.gate.scopes.clear()
    assert seen(place, "GET", f"{ROOT}/deals").status_code == 403
    place.http.headers["authorization"] = "Bearer wrong"
    assert seen(place, "GET", f"{ROOT}/deals").status_code == 401


def test_the_check_notices_what_does_not_fit(place: Place) -> None:
    for method, path, body in (
        ("GET", "/crm/pipes/2026-09/deals", None),
        ("GET", f"{ROOT}/deals?colour=blue", None),
        ("POST", f"{ROOT}/deals/search", {"filter": []}),
    ):
        with pytest.raises(AssertionError):
            seen(place, method, path, body)
    asked = httpx.Request("GET", f"{place.url}/crm/pipelines/2026-09/deals")
    with pytest.raises(AssertionError):
        check(httpx.Response(200, json={"results": [{"id": 7}]}, request=asked))
