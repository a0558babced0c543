"""The simulator behaves as the vendor's documentation says, with the traps a client must know."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from sandbox.netsuite import NetSuiteSandbox

RECORD = "/services/rest/record/v1"
SUITEQL = "/services/rest/query/v1/suiteql"
STRICT = {"X-NetSuite-PropertyNameValidation": "Error"}


class Tba(httpx.Auth):
    """A third implementation of the signature, for tests only."""

    def __init__(self, account: NetSuiteSandbox) -> None:
        self.told, self.count = account.tba, 0

    def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:  # type: ignore[override]  # no answer is read
        self.count += 1
        oauth = {
            "oauth_consumer_key": self.told["consumer_key"],
            "oauth_nonce": f"n0nce{self.count:06d}",
            "oauth_signature_method": "HMAC-SHA256",
            "oauth_timestamp": str(int(time.time())),
            "oauth_token": self.told["token_id"],
            "oauth_version": "1.0",
        }
        pairs = sorted({**oauth, **dict(request.url.params)}.items())
        text = "&".join(f"{quote(k, safe='~')}={quote(v, safe='~')}" for k, v in pairs)
        url = str(request.url).split("?", maxsplit=1)[0]
        whole = f"{request.method}&{quote(url, safe='~')}&{quote(text, safe='~')}"
        key = f"{self.told['consumer_secret']}&{self.told['token_secret']}".encode()
        oauth["oauth_signature"] = b64encode(hmac.digest(key, whole.encode(), hashlib.sha256)).decode()
        parts = [f'{k}="{quote(v, safe="~")}"' for k, v in oauth.items()]
        request.headers["authorization"] = f'OAuth realm="{self.told["account_id"]}",' + ",".join(parts)
        yield request


@pytest.fixture
def client(account: NetSuiteSandbox, url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, auth=Tba(account), timeout=20) as made:
        yield made


Query = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def query(client: httpx.Client) -> Query:
    def ask(q: str) -> list[dict[str, Any]]:
        answer = client.post(SUITEQL, json={"q": q}, headers={"Prefer": "transient"})
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["items"]
        return [{k: v for k, v in row.items() if k != "links"} for row in found]

    return ask


def made(answer: httpx.Response) -> str:
    assert answer.status_code == 204, answer.text
    assert answer.content == b""
    return answer.headers["location"].rsplit("/", 1)[-1]


@pytest.fixture
def buyer(client: httpx.Client) -> str:
    told = {"companyName": "Acme", "subsidiary": {"id": 1}, "currency": {"id": "4"}, "externalId": "C-1"}
    return made(client.post(f"{RECORD}/customer", json=told))


def lines(*items: dict[str, Any]) -> dict[str, Any]:
    return {"items": list(items)}


@pytest.fixture
def bought(client: httpx.Client, account: NetSuiteSandbox, buyer: str) -> str:
    bolt = {"item": {"id": account.books.items["BOLT-1"]}, "quantity": 3, "rate": 10.5, "taxRate1": 19}
    told = {"entity": {"externalId": "C-1"}, "orderStatus": "B", "item": lines(bolt), "externalId": "S-1"}
    return made(client.post(f"{RECORD}/salesorder", json=told))


def code(answer: httpx.Response) -> str:
    assert answer.headers["content-type"].startswith("application/vnd.oracle.resource+json")
    told = answer.json()
    assert told["status"] == answer.status_code
    return str(told["o:errorDetails"][0]["o:errorCode"])


def test_sublists_are_links_unless_expanded(client: httpx.Client, bought: str) -> None:
    plain = client.get(f"{RECORD}/salesOrder/{bought}").json()
    assert set(plain["item"]) == {"links"}
    whole = client.get(f"{RECORD}/salesOrder/eid:S-1", params={"expandSubResources": "true"}).json()
    [line] = whole["item"]["items"]
    assert (line["line"], line["quantity"], line["amount"], whole["total"]) == (1, 3.0, 31.5, 37.49)
    assert whole["currency"] == {"links": [], "id": "4", "refName": "EUR"}
    assert client.get(f"{RECORD}/salesOrder/{bought}/item").json()["totalResults"] == 1


def test_a_patch_without_keys_appends_with_a_key_changes_and_with_replace_replaces(
    client: httpx.Client, account: NetSuiteSandbox, bought: str
) -> None:
    item = {"item": {"id": account.books.items["BOLT-1"]}, "quantity": 1, "rate": 1}
    path = f"{RECORD}/salesOrder/{bought}"

    def state() -> list[tuple[int, float]]:
        return [(x["line"], x["quantity"]) for x in account.get("salesOrder", bought)["item"]["items"]]

    made(client.patch(path, json={"item": lines(item)}))
    made(client.patch(path, json={"item": lines(item)}))
    assert state() == [(1, 3.0), (2, 1.0), (3, 1.0)]
    made(client.patch(path, json={"item": lines({"line": 2, "quantity": 9})}))
    assert state() == [(1, 3.0), (2, 9.0), (3, 1.0)]
    made(client.patch(path, json={"item": lines({"line": 2}, item)}, params={"replace": "item"}))
    assert state() == [(2, 9.0), (4, 1.0)]


def test_a_mistyped_field_is_ignored_unless_validation_says_error(
    client: httpx.Client, account: NetSuiteSandbox, bought: str
) -> None:
    path = f"{RECORD}/salesOrder/{bought}"
    made(client.patch(path, json={"memmo": "x", "custbody_unknown": 1}))
    assert "memmo" not in account.get("salesOrder", bought)
    refused = client.patch(path, json={"memmo": "x"}, headers=STRICT)
    assert (refused.status_code, code(refused)) == (400, "INVALID_CONTENT")
    line = client.patch(path, json={"item": lines({"line": 1, "custcol_x": 1})}, headers=STRICT)
    assert line.json()["o:errorDetails"][0]["o:errorPath"] == "item.items[0].custcol_x"
    made(client.patch(path, json={"custbody_o2c_id": "y"}, headers=STRICT))


def test_an_upsert_needs_an_external_id_and_external_ids_are_unique_per_type(
    client: httpx.Client, account: NetSuiteSandbox, buyer: str
) -> None:
    told = {"companyName": "Again", "subsidiary": {"id": "1"}}
    assert made(client.put(f"{RECORD}/customer/eid:C-1", json=told)) == buyer
    assert client.put(f"{RECORD}/customer/{buyer}", json=told).status_code == 400
    again = client.post(f"{RECORD}/customer", json={**told, "externalId": "C-1"})
    assert "This entity already exists." in again.json()["o:errorDetails"][0]["detail"]
    assert account.count("customer") == 1


def test_bad_values_name_field_and_path(client: httpx.Client, bought: str) -> None:
    answer = client.patch(
        f"{RECORD}/salesOrder/{bought}", json={"item": lines({"item": {"id": 9999}, "amount": 1})}
    )
    assert answer.json() == {
        "type": "https://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html#sec10.4.1",
        "title": "Bad Request",
        "status": 400,
        "o:errorDetails": [
            {
                "detail": "Error while accessing resource: You have entered an Invalid Field Value 9999 "
                "for the following field: item",
                "o:errorCode": "INVALID_CONTENT",
                "o:errorPath": "item.items[0].item",
            }
        ],
    }
    for wrong in (
        {"tranDate": "1.2.2026"},
        {"tranDate": 5},
        {"currency": {"id": "1"}},
        {"terms": True},
        {"item": 3},
    ):
        assert client.patch(f"{RECORD}/salesOrder/{bought}", json=wrong).status_code == 400


def test_an_empty_transform_bills_all_that_was_shipped(
    client: httpx.Client, account: NetSuiteSandbox, bought: str
) -> None:
    path = f"{RECORD}/salesOrder/{bought}/!transform"
    assert code(client.post(f"{path}/invoice")) == "USER_ERROR"
    shipped = client.post(f"{path}/itemFulfillment", json={"item": lines({"orderLine": 1, "quantity": 2})})
    assert account.get("itemFulfillment", made(shipped))["status"]["refName"] == "Shipped"
    id = made(client.post(f"{path}/invoice"))
    assert [x["quantity"] for x in account.get("invoice", id)["item"]["items"]] == [2.0]
    with pytest.raises(Exception, match="fulfill more than 1"):
        account.fulfil(bought, {1: 2})
    skipped = client.post(
        f"{path}/itemfulfillment", json={"item": lines({"orderLine": 1, "itemreceive": False})}
    )
    assert "at least one line" in skipped.text
    assert client.delete(f"{RECORD}/salesOrder/{bought}").status_code == 400


def test_an_order_pending_approval_cannot_be_shipped(
    client: httpx.Client, account: NetSuiteSandbox, buyer: str
) -> None:
    bolt = {"item": {"id": account.books.items["BOLT-1"]}, "rate": 1}
    id = made(client.post(f"{RECORD}/salesOrder", json={"entity": {"id": buyer}, "item": lines(bolt)}))
    answer = client.post(f"{RECORD}/salesOrder/{id}/!transform/itemFulfillment")
    assert "Pending Approval" in answer.text
    made(client.patch(f"{RECORD}/salesOrder/{id}", json={"orderStatus": {"id": "B"}}))
    made(client.post(f"{RECORD}/salesOrder/{id}/!transform/itemFulfillment"))
    assert account.get("salesOrder", id)["status"]["refName"] == "Pending Billing"


def test_calls_over_the_accounts_limit_are_refused(client: httpx.Client, account: NetSuiteSandbox) -> None:
    account.concurrency, account.latency = 2, 0.5
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: client.get(f"{RECORD}/customer"), range(6)))
    busy = [answer for answer in answers if answer.status_code == 429]
    assert busy
    assert any(answer.status_code == 200 for answer in answers)
    assert "retry-after" not in busy[0].headers
    assert code(busy[0]) == "CONCURRENCY_LIMIT_EXCEEDED"


def test_a_request_cannot_be_replayed(client: httpx.Client, account: NetSuiteSandbox, url: str) -> None:
    first = client.get(f"{RECORD}/customer")
    sent = {"authorization": first.request.headers["authorization"]}
    again = httpx.get(f"{url}{RECORD}/customer", headers=sent)
    assert (first.status_code, again.status_code, code(again)) == (200, 401, "INVALID_LOGIN")
    assert account.login.trail == ["nonce_used"]
    assert httpx.get(f"{url}{RECORD}/customer").status_code == 401
    assert httpx.get(f"{url}{RECORD}/customer", headers={"authorization": "Bearer x"}).status_code == 401


def test_lists_are_paged_and_offsets_must_fit(client: httpx.Client, buyer: str) -> None:
    page = client.get(f"{RECORD}/customer", params={"limit": 1}).json()
    assert [x["id"] for x in page["items"]] == [buyer]
    assert set(page["items"][0]) == {"id", "links"}
    for wrong in ({"limit": 2, "offset": 3}, {"limit": 1001}, {"limit": "x"}):
        assert client.get(f"{RECORD}/customer", params=wrong).status_code == 400


def test_suiteql_gives_texts_without_nulls_and_dates_without_time(
    query: Query, bought: str, buyer: str
) -> None:
    rows = query("SELECT * FROM transaction WHERE type = 'SalesOrd'")
    [row] = rows
    assert (row["id"], row["entity"], row["foreigntotal"], row["posting"]) == (bought, buyer, "37.49", "F")
    assert "memo" not in row
    assert row["lastmodifieddate"] == datetime.now(UTC).strftime("%m/%d/%Y")
    assert query("SELECT companyname, BUILTIN.DF(currency) AS money FROM customer") == [
        {"companyname": "Acme", "money": "EUR"}
    ]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("itemid IN ('O''RING', 'NOPE')", ["O'RING"]),
        ("itemtype = 'Service' OR itemid LIKE 'BO%'", ["BOLT-1", "SETUP"]),
        ("NOT itemid = 'SETUP' AND isinactive = 'F'", ["BOLT-1", "O'RING"]),
        ("externalid IS NULL AND id BETWEEN 11 AND 12", ["BOLT-1", "O'RING"]),
        ("i.itemid NOT IN ('BOLT-1') AND (i.id > 12 OR i.id < 12)", ["SETUP"]),
        ("externalid <> 'x'", []),
        ("UPPER(displayname) = 'SETUP' AND externalid IS NOT NULL", []),
    ],
)
def test_suiteql_understands_plain_conditions(query: Query, where: str, found: list[str]) -> None:
    rows = query(f"select i.itemid from item as i where {where} order by i.itemid")
    assert [row["itemid"] for row in rows] == found


def test_suiteql_compares_times_and_orders_both_ways(
    query: Query, account: NetSuiteSandbox, bought: str
) -> None:
    mask = "YYYY-MM-DD HH24:MI:SS"
    ids = []
    for hours in (5, 3, 4):
        account.books.now = lambda h=hours: datetime.now(UTC) - timedelta(hours=h)  # type: ignore[misc]  # bound now
        ids.append(account.fulfil(bought, {"BOLT-1": 1}))
    at = (datetime.now(UTC) - timedelta(hours=4, minutes=30)).strftime("%Y-%m-%d %H:%M:%S")
    q = (
        f"SELECT id, TO_CHAR(lastmodifieddate, '{mask}') AS at FROM transaction WHERE type = 'ItemShip' "
        f"AND lastmodifieddate >= TO_TIMESTAMP('{at}', '{mask}') ORDER BY lastmodifieddate DESC, id"
    )
    rows = query(q)
    assert [row["id"] for row in rows] == [ids[1], ids[2]]
    assert len(rows[0]["at"]) == 19
    assert query("SELECT COUNT(*) AS n FROM transaction WHERE type = 'ItemShip'") == [{"n": "3"}]


@pytest.mark.parametrize(
    "q",
    [
        "",
        "SELECT",
        "SELECT id FROM nowhere",
        "SELECT nothing FROM item",
        "SELECT id FROM item WHERE id = 'x'",
        "SELECT id FROM item WHERE lastmodifieddate > 'x'",
        "SELECT id FROM item WHERE id",
        "SELECT id FROM item; DROP",
        "SELECT id FROM item WHERE " + "(" * 200 + "id = 1" + ")" * 200,
        "SELECT id FROM item WHERE id IN (" + ",".join("1" for _ in range(1001)) + ")",
        "SELECT id FROM item WHERE lastmodifieddate > TO_DATE('1.2.3', 'YYYY-MM-DD')",
        "SELECT id FROM item ORDER id",
    ],
)
def test_suiteql_refuses_what_it_cannot_run(client: httpx.Client, q: str) -> None:
    answer = client.post(SUITEQL, json={"q": q}, headers={"Prefer": "transient"})
    assert (answer.status_code, code(answer)) == (400, "INVALID_PARAMETER")


def test_suiteql_needs_its_header(client: httpx.Client) -> None:
    answer = client.post(SUITEQL, json={"q": "SELECT id FROM item"})
    assert answer.json()["o:errorDetails"][0]["o:errorHeader"] == "Prefer"


def test_metadata_tells_fields_in_both_formats(client: httpx.Client) -> None:
    path = f"{RECORD}/metadata-catalog/salesorder"
    schema = client.get(path, headers={"accept": "application/schema+json"}).json()
    assert schema["properties"]["tranDate"]["format"] == "date"
    assert schema["properties"]["custbody_o2c_id"]["x-ns-custom-field"] is True
    whole = client.get(path, headers={"accept": "application/swagger+json"}).json()
    assert whole["components"]["schemas"]["salesOrder"] == schema
    assert client.get(f"{RECORD}/metadata-catalog/nothing").status_code == 404
    assert client.get(f"{RECORD}/metadata-catalog").json()["items"]


def test_unknown_addresses_and_methods_are_refused(client: httpx.Client, bought: str) -> None:
    assert client.get(f"{RECORD}/nothing/1").status_code == 404
    assert client.get(f"{RECORD}/customer/99").status_code == 404
    assert client.put(f"{RECORD}/customer").status_code == 405
    assert client.get("/services/rest/other").status_code == 404
    assert client.post(f"{RECORD}/salesOrder/{bought}/!transform/cashSale").status_code == 400
    assert client.post(f"{RECORD}/itemFulfillment", json={}).status_code == 400
    assert client.post(f"{RECORD}/customer", content=b"{").status_code == 400
    assert client.post(f"{RECORD}/customer", json={}, headers={"Prefer": "respond-async"}).status_code == 202
    assert client.get("/services/rest/system/v1/governanceLimits").status_code == 403


def test_every_write_over_the_wire_is_an_effect(
    client: httpx.Client, account: NetSuiteSandbox, bought: str
) -> None:
    seen = [(e["action"], e["kind"], e["externalId"], e["total"]) for e in account.kit.effects]
    assert seen == [("create", "customer", "C-1", "0"), ("create", "salesOrder", "S-1", "37.49")]
    made_id = made(
        client.put(f"{RECORD}/customer/eid:C-2", json={"companyName": "B", "subsidiary": {"id": "1"}})
    )
    assert client.delete(f"{RECORD}/customer/{made_id}").status_code == 204
    assert [e["action"] for e in account.kit.effects[2:]] == ["create", "delete"]
    assert json.dumps(account.kit.effects)


def test_unapproved_use_of_the_python_side_is_told(account: NetSuiteSandbox) -> None:
    with pytest.raises(ValueError, match="already is an item"):
        account.add_item("BOLT-1")
    with pytest.raises(ValueError, match="type must be one of"):
        account.add_item("X", "spaceship")
    assert account.find("customer", "nobody") is None
