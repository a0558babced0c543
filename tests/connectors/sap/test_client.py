"""The wire: CSRF tokens with their cookies, login pages, links to next pages, batches, errors."""

from __future__ import annotations

import threading
from datetime import date
from decimal import Decimal
from typing import Any

import httpx
import pytest
import respx

from connectors.sap import batch
from connectors.sap.auth import SapAuth, api_root, auth_of
from connectors.sap.client import CUBE, DELIVERIES, ORDERS, ORDERS_V4, Client
from connectors.sap.connector import Sap
from connectors.sap.settings import Settings
from connectors.sap.translate import plain, sent_v2, sent_v4
from hub.errors import AuthFailed, Conflict, RateLimited, Rejected, Transient
from hub.http import Door, Reply

HOST = "https://my123456-api.s4hana.cloud.sap"
SELLERS = {"DE": {"company_code": "1010", "sales_organization": "1010"}}
PASSWORD = "secret-of-the-communication-user"


def settings(**changed: Any) -> Settings:
    told = {"base_url": HOST, "username": "O2C", "password": PASSWORD, "sellers": SELLERS, **changed}
    return Settings.model_validate(told)


def client(**changed: Any) -> Client:
    made = settings(**changed)
    return Client(Door(HOST, auth=auth_of(made)), made)


def token(number: int) -> httpx.Response:
    cookies = [
        (
            "set-cookie",
            f"SAP_SESSIONID_S4H_100=s{number}; path=/; secure; expires=Thu, 01-Jan-2099 00:00:00 GMT",
        ),
        ("set-cookie", "sap-usercontext=sap-client=100; path=/"),
    ]
    return httpx.Response(200, headers=[("x-csrf-token", f"t{number}"), *cookies])


@respx.mock
def test_token_and_cookies_travel_as_one_pair_and_are_fetched_once() -> None:
    root = respx.head(f"{HOST}{ORDERS}/").mock(side_effect=[token(1)])
    post = respx.post(f"{HOST}{ORDERS}/A_SalesOrder").mock(
        side_effect=lambda _: httpx.Response(201, json={"d": {"SalesOrder": "7"}})
    )
    wire = client()
    assert wire.create(ORDERS, "A_SalesOrder", {"a": 1})["SalesOrder"] == "7"
    wire.create(ORDERS, "A_SalesOrder", {"a": 2})
    assert root.call_count == 1
    assert root.calls[0].request.headers["x-csrf-token"] == "Fetch"
    sent = post.calls[1].request.headers
    assert sent["x-csrf-token"] == "t1"
    assert sent["cookie"] == "SAP_SESSIONID_S4H_100=s1; sap-usercontext=sap-client=100"


@respx.mock
def test_refused_token_is_fetched_and_the_call_replayed_once() -> None:
    respx.head(f"{HOST}{ORDERS}/").mock(side_effect=[token(1), token(2)])
    refusal = httpx.Response(403, headers={"x-csrf-token": "Required"})
    post = respx.post(f"{HOST}{ORDERS}/A_SalesOrder").mock(
        side_effect=[refusal, httpx.Response(201, json={"d": {"SalesOrder": "7"}})]
    )
    assert client().create(ORDERS, "A_SalesOrder", {"a": 1})["SalesOrder"] == "7"
    assert [call.request.headers["x-csrf-token"] for call in post.calls] == ["t1", "t2"]
    assert "s2" in post.calls[1].request.headers["cookie"]


@respx.mock
def test_token_refused_twice_is_a_transient_error_that_wrote_nothing() -> None:
    respx.head(f"{HOST}{ORDERS}/").mock(side_effect=[token(1), token(2)])
    respx.post(f"{HOST}{ORDERS}/A_SalesOrder").mock(
        side_effect=lambda _: httpx.Response(403, headers={"x-csrf-token": "Required"})
    )
    with pytest.raises(Transient) as told:
        client().create(ORDERS, "A_SalesOrder", {"a": 1})
    assert not told.value.sent


@respx.mock
def test_each_thread_has_a_pair_of_its_own() -> None:
    root = respx.head(f"{HOST}{ORDERS}/").mock(side_effect=[token(1), token(2)])
    post = respx.post(f"{HOST}{ORDERS}/A_SalesOrder").mock(
        side_effect=lambda _: httpx.Response(201, json={"d": {"SalesOrder": "7"}})
    )
    wire = client()
    for _ in range(2):
        worker = threading.Thread(target=wire.create, args=(ORDERS, "A_SalesOrder", {"a": 1}))
        worker.start()
        worker.join()
    assert root.call_count == 2
    assert {call.request.headers["x-csrf-token"] for call in post.calls} == {"t1", "t2"}


@respx.mock
def test_bearer_token_is_renewed_when_it_is_refused() -> None:
    grants = iter(("one", "two"))
    respx.post("https://auth.example/token").mock(
        side_effect=lambda _: httpx.Response(200, json={"access_token": next(grants), "expires_in": 3600})
    )
    get = respx.get(url__startswith=f"{HOST}{ORDERS}/").mock(
        side_effect=[httpx.Response(401), httpx.Response(200, json={"d": {"results": []}})]
    )
    wire = client(auth="oauth", token_url="https://auth.example/token", client_id="i", client_secret="s" * 20)
    assert wire.page(ORDERS, "A_SalesOrder").rows == []
    assert [call.request.headers["authorization"] for call in get.calls] == ["Bearer one", "Bearer two"]


@respx.mock
def test_login_page_with_status_200_is_a_refused_login() -> None:
    page = httpx.Response(200, headers={"content-type": "text/html;charset=utf-8"}, text="<html>SAML</html>")
    respx.get(url__startswith=f"{HOST}{ORDERS}/").mock(return_value=page)
    respx.head(f"{HOST}{ORDERS}/").mock(return_value=page)
    with pytest.raises(AuthFailed, match="API host"):
        client().page(ORDERS, "A_SalesOrder")
    with pytest.raises(AuthFailed, match="API host"):
        client().create(ORDERS, "A_SalesOrder", {})


@respx.mock
def test_client_number_is_on_every_call() -> None:
    get = respx.get(url__startswith=f"{HOST}{DELIVERIES}/").mock(
        return_value=httpx.Response(200, json={"d": {"results": []}})
    )
    client(sap_client="100").page(DELIVERIES, "A_OutbDeliveryHeader", {"$filter": "A eq 'b c'"})
    sent = get.calls[0].request.url.raw_path.decode()
    assert sent == f"{DELIVERIES}/A_OutbDeliveryHeader?sap-client=100&$filter=A%20eq%20'b%20c'"


@respx.mock
def test_next_page_is_followed_as_it_is_told_on_our_own_host_only() -> None:
    link = f"https://internal.sap.local:44300{CUBE}/A_Cube?$skiptoken=ABC%3d%3d"
    first = httpx.Response(200, json={"d": {"results": [{"A": "1"}], "__next": link}})
    second = httpx.Response(200, json={"d": {"results": [{"A": "2"}]}})
    get = respx.get(url__startswith=f"{HOST}{CUBE}/").mock(side_effect=[first, second])
    assert [row["A"] for row in client().rows(CUBE, "A_Cube", {})] == ["1", "2"]
    assert get.calls[1].request.url.raw_path.decode() == f"{CUBE}/A_Cube?$skiptoken=ABC%3d%3d"
    with pytest.raises(Transient, match="another service"):
        client().beyond(CUBE, "https://evil.example/else?$skiptoken=1")


@respx.mock
def test_pages_without_end_are_given_up() -> None:
    link = {"d": {"results": [], "__next": "A_Cube?$skiptoken=1"}}
    respx.get(url__startswith=f"{HOST}{CUBE}/").mock(side_effect=lambda _: httpx.Response(200, json=link))
    with pytest.raises(Transient, match="pages"):
        client().rows(CUBE, "A_Cube", {})


def error(code: str, text: str, *details: tuple[str, str]) -> dict[str, Any]:
    inner = [{"code": c, "message": t, "severity": "error", "propertyref": ""} for c, t in details]
    return {
        "error": {
            "code": code,
            "message": {"lang": "en", "value": text},
            "innererror": {"transactionid": "T1", "errordetails": inner},
        }
    }


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (400, error("/IWBEP/CX_MGW_BUSI", "An exception", ("V1/555", "TG9 is blocked")), Rejected, "TG9"),
        (400, error("V1/042", "Order 7 is currently being processed by user MUELLER"), Transient, "MUELLER"),
        (400, error("X/1", "Generic", ("V1/042", "locked")), Transient, "locked"),
        (412, error("X", "Precondition failed"), Conflict, "Precondition"),
        (428, error("X", "Precondition required"), Conflict, "required"),
        (429, {}, RateLimited, ""),
        (403, error("X", "No authorization"), Rejected, "authorization"),
        (500, error("X", "Short dump"), Transient, "dump"),
    ],
)  # fmt: skip
@respx.mock
def test_answers_are_told_by_their_class_with_all_details(
    status: int, body: dict[str, Any], kind: type[Exception], words: str
) -> None:
    respx.get(url__startswith=f"{HOST}{ORDERS}/").mock(return_value=httpx.Response(status, json=body))
    with pytest.raises(kind) as told:
        client().page(ORDERS, "A_SalesOrder")
    assert type(told.value) is kind
    assert words in str(told.value)
    assert PASSWORD not in repr(told.value)


@respx.mock
def test_v4_error_tells_target_and_details() -> None:
    body = {
        "error": {
            "code": "SD/1",
            "message": "Bad",
            "details": [{"code": "V1/9", "message": "No", "target": "Product"}],
        }
    }
    respx.get(url__startswith=f"{HOST}{ORDERS_V4}/").mock(return_value=httpx.Response(400, json=body))
    with pytest.raises(Rejected, match=r"Bad; No \[Product\]"):
        client().page(ORDERS_V4, "SalesOrder")


@respx.mock
def test_missing_record_is_none_but_a_missing_service_is_an_error() -> None:
    get = respx.get(url__startswith=f"{HOST}{ORDERS}/")
    get.mock(return_value=httpx.Response(404, json=error("/IWBEP/CM_MGW_RT/020", "Resource not found")))
    assert client().get(ORDERS, "A_SalesOrder('9')") is None
    get.mock(return_value=httpx.Response(404, text="<html>not found</html>"))
    with pytest.raises(Rejected):
        client().get(ORDERS, "A_SalesOrder('9')")


def test_service_root_keeps_the_version() -> None:
    assert api_root(f"{DELIVERIES}/A_OutbDeliveryHeader('1')?$select=A") == DELIVERIES
    assert api_root(f"{ORDERS_V4}/SalesOrder/1") == ORDERS_V4
    assert api_root("/sap/bc/srt/scs_ext/sap/journalentrycreaterequestconfi") == ""


def test_wire_values_become_plain_and_go_back() -> None:
    told = {
        "__metadata": {"etag": "W/\"datetimeoffset'2026-11-21T10%3A00%3A00Z'\"", "uri": "x"},
        "Day": "/Date(1763683200000)/",
        "At": "/Date(1763719200000+0000)/",
        "Amount": "17.50",
        "to_Item": {"results": [{"A": "1", "to_More": {"__deferred": {"uri": "x"}}}]},
        "to_Text": {"__deferred": {"uri": "x"}},
    }
    assert plain(told) == {
        "Day": date(2025, 11, 21),
        "At": "2025-11-21T10:00:00Z",
        "Amount": "17.50",
        "to_Item": [{"A": "1"}],
        "etag": "W/\"datetimeoffset'2026-11-21T10%3A00%3A00Z'\"",
    }
    record = {
        "Day": date(2025, 11, 21),
        "Price": Decimal("17.50"),
        "None": None,
        "Items": [{"Q": Decimal(2)}],
    }
    assert sent_v2(record) == {"Day": "/Date(1763683200000)/", "Price": "17.50", "Items": [{"Q": "2"}]}
    assert sent_v4(record) == {"Day": "2025-11-21", "Price": Decimal("17.50"), "Items": [{"Q": Decimal(2)}]}


def test_batch_is_written_and_read_back_with_umlauts() -> None:
    written = batch.changes([batch.Change("PATCH", "A_X('1')", {"Name": "Müller"}, 'W/"1"')])
    assert written.body.count(b'If-Match: W/"1"') == 1
    assert "Müller".encode() in written.body
    body = (
        b"--a\r\nContent-Type: application/http\r\nContent-Length: 90\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
        + '{"d":{"N":"Müller"}}'.encode()
        + b"\r\n"
        b"--a\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n\r\n--b--\r\n--a--\r\n"
    )
    answers = batch.answers(Reply(202, {"content-type": "multipart/mixed; boundary=a"}, body))
    assert [one.status for one in answers] == [200, 204]
    assert answers[0].json() == {"d": {"N": "Müller"}}
    with pytest.raises(Transient):
        batch.answers(Reply(200, {"content-type": "text/plain"}, b"nothing"))


def test_hosts_inside_the_network_must_be_listed() -> None:
    for host in (
        "http://10.1.2.3:8000",
        "http://127.0.0.1",
        "https://sap.corp",
        "https://s4hana",
        "https://[::1]",
    ):
        with pytest.raises(ValueError, match="private_hosts"):
            settings(base_url=host)
    assert settings(base_url="http://10.1.2.3:8000", private_hosts=["10.1.2.3"]).base_url
    with pytest.raises(ValueError, match="private_hosts"):
        settings(auth="oauth", token_url="https://10.0.0.1/t", client_id="i", client_secret="s" * 20)


def test_settings_tell_what_is_missing() -> None:
    for changed, words in (
        ({"password": ""}, "password"),
        ({"auth": "certificate"}, "certificate, private_key"),
        ({"reference_field": "SalesOrderType"}, "YY1_"),
        ({"time_zone": "Nowhere"}, "IANA"),
        ({"path_token": "short"}, "path_token"),
    ):
        with pytest.raises(ValueError, match=words):
            settings(**changed)
    assert PASSWORD not in repr(settings())
    assert settings().account == "sap:my123456-api.s4hana.cloud.sap:"


def test_certificate_that_is_none_is_told_before_any_call() -> None:
    with pytest.raises(AuthFailed, match="certificate") as told:
        Sap(settings(auth="certificate", certificate="no pem", private_key="no key of ours"))
    assert "no key of ours" not in repr(told.value)


def test_auth_without_credentials_leaves_the_word_to_the_certificate() -> None:
    flow = SapAuth().sync_auth_flow(httpx.Request("GET", f"{HOST}{ORDERS}/"))
    assert "authorization" not in next(flow).headers


@respx.mock
def test_period_that_is_not_open_is_refused_in_the_vendors_words() -> None:
    respx.head(f"{HOST}{ORDERS}/").mock(side_effect=[token(1)])
    told = "Posting period 010 2026 is not open"
    error = {"error": {"code": "F5/201", "message": {"lang": "en", "value": told}}}
    respx.post(f"{HOST}{ORDERS}/A_SalesOrder").mock(side_effect=lambda _: httpx.Response(400, json=error))
    with pytest.raises(Rejected, match=told) as caught:
        client().create(ORDERS, "A_SalesOrder", {"a": 1})
    assert caught.value.code == "F5/201"
