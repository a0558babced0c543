"""The rules of the wire: logon, CSRF, ETags, filters, paging, batches, formats, limits."""

from __future__ import annotations

import threading
from typing import Any

import httpx
import pytest

from sandbox.kit import serve
from sandbox.sap import SapSandbox
from tests.sandbox.sap.place import ROOT, Place, client, started

SRV = "API_SALES_ORDER_SRV"


def many(place: Place, count: int = 5) -> None:
    for at in range(1, count + 1):
        place.sap.create_order("10100001" if at % 2 else "10100002", [["TG12", at]], reference=f"PO-{at}")


def found(place: Place, text: str, **more: str) -> list[str]:
    rows = place.get(SRV, "A_SalesOrder", **{"$filter": text, "$select": "SalesOrder", **more})["results"]
    return [row["SalesOrder"] for row in rows]


def test_nobody_gets_in_without_the_communication_user(place: Place) -> None:
    for auth in (None, ("MUELLER", "x"), ("O2C_COMM", "wrong")):
        assert httpx.get(f"{place.url}{ROOT}{SRV}/", auth=auth).status_code == 401


def test_a_bearer_token_of_client_credentials_opens_the_door_until_it_expires(place: Place) -> None:
    login = place.sap.credentials
    reply = httpx.post(
        f"{place.url}/sap/bc/sec/oauth2/token", data={"grant_type": "client_credentials"},
        auth=(login["client_id"], login["client_secret"]),
    )  # fmt: skip
    head = {"authorization": f"Bearer {reply.json()['access_token']}", "accept": "application/json"}
    assert httpx.get(f"{place.url}{ROOT}{SRV}/A_SalesOrder", headers=head).status_code == 200
    place.sap.expire_tokens()
    assert httpx.get(f"{place.url}{ROOT}{SRV}/A_SalesOrder", headers=head).status_code == 401
    assert (
        httpx.get(f"{place.url}{ROOT}{SRV}/A_SalesOrder", headers={"authorization": "Bearer no"}).status_code
        == 401
    )


def test_a_write_needs_the_token_and_the_cookies_it_came_with(place: Place) -> None:
    body = {"SalesOrganization": "1010", "SoldToParty": "10100001"}
    with client(place.sap, place.url, token=False) as other:
        bare = other.post(f"{ROOT}{SRV}/A_SalesOrder", json=body)
        assert (bare.status_code, bare.headers["x-csrf-token"]) == (403, "Required")
        stolen = other.post(
            f"{ROOT}{SRV}/A_SalesOrder",
            json=body,
            headers={"x-csrf-token": place.http.headers["x-csrf-token"]},
        )
        assert stolen.status_code == 403
        fetched = other.head(f"{ROOT}{SRV}/", headers={"x-csrf-token": "Fetch"}).headers["x-csrf-token"]
        assert (
            other.post(f"{ROOT}{SRV}/A_SalesOrder", json=body, headers={"x-csrf-token": fetched}).status_code
            == 201
        )
        place.sap.expire_csrf()
        assert (
            other.post(f"{ROOT}{SRV}/A_SalesOrder", json=body, headers={"x-csrf-token": fetched}).status_code
            == 403
        )
    token = place.http.get(f"{ROOT}{SRV}/", headers={"x-csrf-token": "Fetch"}).headers["x-csrf-token"]
    place.http.headers["x-csrf-token"] = token


def test_the_root_without_its_slash_redirects_and_gives_no_token(place: Place) -> None:
    reply = place.http.get(f"{ROOT}{SRV}", headers={"x-csrf-token": "Fetch"})
    assert (reply.status_code, reply.headers["location"][-1]) == (301, "/")
    assert "x-csrf-token" not in reply.headers


def test_the_client_number_is_asked_for_where_configured(place: Place) -> None:
    place.sap.client = "100"
    try:
        assert place.http.get(f"{ROOT}{SRV}/A_SalesOrder").status_code == 401
        assert place.http.get(f"{ROOT}{SRV}/A_SalesOrder", params={"sap-client": "100"}).status_code == 200
    finally:
        place.sap.client = ""


def test_the_host_for_people_answers_with_a_login_page_and_200() -> None:
    with serve(SapSandbox().ui_app) as url:
        reply = httpx.get(f"{url}{ROOT}{SRV}/A_SalesOrder", auth=("O2C_COMM", "x"))
        assert (reply.status_code, reply.headers["content-type"].split(";")[0]) == (200, "text/html")
        assert "SAMLRequest" in reply.text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("PurchaseOrderByCustomer eq 'PO-3'", ["3"]),
        ("SalesOrder eq '0000000002'", ["2"]),
        ("SoldToParty eq '10100002' and PurchaseOrderByCustomer ne 'PO-2'", ["4"]),
        ("(SalesOrder eq '1' or SalesOrder eq '5') and TotalNetAmount gt 100.00M", ["5"]),
        ("startswith(PurchaseOrderByCustomer,'PO-') and substringof('4',PurchaseOrderByCustomer)", ["4"]),
        ("not (SoldToParty eq '10100001')", ["2", "4"]),
        ("LastChangeDateTime ge datetimeoffset'2000-01-01T00:00:00Z' and SalesOrder le '2'", ["1", "2"]),
        ("SalesOrderDate lt datetime'2000-01-01T00:00:00'", []),
        ("PurchaseOrderByCustomer eq 'it''s'", []),
    ],
)
def test_filters(place: Place, text: str, wanted: list[str]) -> None:
    many(place)
    assert found(place, text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "LastChangeDateTime ge datetime'2026-01-01T00:00:00'",  # the classic mistake: the literal of a date
        "Nonsense eq 'x'",
        "SalesOrder eq",
        "SalesOrder = '1'",
        "TotalNetAmount gt 'x'",
    ],
)
def test_filters_that_cannot_be_read_are_refused(place: Place, text: str) -> None:
    reply = place.http.get(f"{ROOT}{SRV}/A_SalesOrder", params={"$filter": text})
    assert reply.status_code == 400
    assert reply.json()["error"]["code"]


def test_order_top_skip_and_counts(place: Place) -> None:
    many(place, 12)
    assert found(place, "", **{"$orderby": "TotalNetAmount desc", "$top": "2"}) == ["12", "11"]
    assert found(place, "", **{"$skip": "10"}) == ["11", "12"]
    told = place.get(SRV, "A_SalesOrder", **{"$inlinecount": "allpages", "$top": "1"})
    assert told["__count"] == "12"
    assert place.http.get(f"{ROOT}{SRV}/A_SalesOrder/$count").text == "12"


def test_the_server_pages_and_the_next_link_leads_through_all(place: Place) -> None:
    many(place, 7)
    place.sap.page_size = 3
    try:
        told = place.get(
            SRV, "A_SalesOrder", **{"$select": "SalesOrder", "$top": "6", "$filter": "SalesOrder ne '1'"}
        )
        seen = [row["SalesOrder"] for row in told["results"]]
        while "__next" in told:
            told = place.http.get(told["__next"]).json()["d"]
            seen += [row["SalesOrder"] for row in told["results"]]
        assert seen == ["2", "3", "4", "5", "6", "7"]
    finally:
        place.sap.page_size = 1000


def test_select_and_expand_show_what_was_asked(place: Place) -> None:
    many(place, 1)
    query = {
        "$select": "SalesOrder,to_Item/Material,to_Item/NetAmount",
        "$expand": "to_Item/to_PricingElement,to_Partner",
    }
    told = place.get(SRV, "A_SalesOrder('1')", **query)
    assert set(told) == {"__metadata", "SalesOrder", "to_Item", "to_Partner"}
    line = told["to_Item"]["results"][0]
    assert {"Material", "NetAmount"} < set(line)
    assert "RequestedQuantity" not in line
    assert place.http.get(f"{ROOT}{SRV}/A_SalesOrder", params={"$select": "Nope"}).status_code == 400


def test_values_have_the_formats_of_v2(place: Place) -> None:
    many(place, 1)
    told = place.get(SRV, "A_SalesOrder('1')")
    assert told["SalesOrderDate"].startswith("/Date(")
    assert told["LastChangeDateTime"].endswith("+0000)/")
    assert told["TotalNetAmount"] == "100.00"
    item = place.get(SRV, "A_SalesOrder('1')/to_Item(SalesOrder='1',SalesOrderItem='10')")
    assert item["RequestedQuantity"] == "1"
    assert place.http.get(f"{ROOT}{SRV}/A_SalesOrder('1')/TotalNetAmount/$value").text == "100.00"


def test_without_json_in_accept_the_answer_is_atom(place: Place) -> None:
    many(place, 1)
    reply = place.http.get(f"{ROOT}{SRV}/A_SalesOrder('1')", headers={"accept": "*/*"})
    assert "atom+xml" in reply.headers["content-type"]
    assert "<d:SalesOrder>1</d:SalesOrder>" in reply.text
    refused = place.http.get(f"{ROOT}{SRV}/A_SalesOrder('9')", headers={"accept": "*/*"})
    assert (refused.status_code, refused.headers["content-type"].split(";")[0]) == (404, "application/xml")


def test_the_version_in_the_path_may_come_encoded(place: Place) -> None:
    for text in ("API_OUTBOUND_DELIVERY_SRV;v=0002", "API_OUTBOUND_DELIVERY_SRV%3Bv%3D0002"):
        reply = httpx.get(f"{place.url}{ROOT}{text}/A_OutbDeliveryHeader", auth=place.http.auth)
        assert reply.status_code == 200, text
    assert place.http.get(f"{ROOT}API_OUTBOUND_DELIVERY_SRV/A_OutbDeliveryHeader").status_code == 404


PART = "Content-Type: application/http\nContent-Transfer-Encoding: binary\n"


def batch(place: Place, body: str) -> str:
    head = {"content-type": "multipart/mixed; boundary=b1"}
    reply = place.http.post(f"{ROOT}{SRV}/$batch", content=body.replace("\n", "\r\n"), headers=head)
    assert reply.status_code == 202
    return reply.text


def change(*requests: str) -> str:
    parts = "".join(f"--c1\n{PART}Content-ID: {at}\n\n{one}\n" for at, one in enumerate(requests, 1))
    return f"--b1\nContent-Type: multipart/mixed; boundary=c1\n\n{parts}--c1--\n"


def create(customer: str) -> str:
    body = f'{{"SalesOrganization":"1010","SoldToParty":"{customer}"}}'
    return f"POST A_SalesOrder HTTP/1.1\nContent-Type: application/json\nAccept: application/json\n\n{body}"


def query(path: str) -> str:
    return f"--b1\n{PART}\nGET {path} HTTP/1.1\nAccept: application/json\n\n\n"


def test_a_batch_mixes_queries_and_a_changeset(place: Place) -> None:
    body = (
        query("A_SalesOrder/$count")
        + change(create("10100001"), create("10100002"))
        + query("A_SalesOrder('2')")
    )
    told = batch(place, body + query("A_SalesOrder('77')") + "--b1--\n")
    assert told.count("HTTP/1.1 201 Created") == 2
    assert '"SoldToParty": "10100002"' in told
    assert "HTTP/1.1 404 Not Found" in told


def test_a_changeset_happens_whole_or_not_at_all(place: Place) -> None:
    told = batch(place, change(create("10100001"), create("nobody")) + "--b1--\n")
    assert told.count("HTTP/1.1 400") == 1
    assert "201 Created" not in told
    assert place.sap.count("A_SalesOrder") == 0
    assert place.sap.kit.effects == []


def test_more_calls_than_work_processes_are_sent_away(place: Place) -> None:
    place.sap.concurrency, place.sap.latency, place.sap.peak = 2, 0.2, 0
    seen: list[int] = []

    def call() -> None:
        reply = httpx.get(f"{place.url}{ROOT}{SRV}/A_SalesOrder", auth=place.http.auth)
        seen.append(reply.status_code)

    try:
        threads = [threading.Thread(target=call) for _ in range(5)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    finally:
        place.sap.concurrency, place.sap.latency = 10, 0.0
    assert sorted(set(seen)) == [200, 503]
    assert place.sap.peak >= 3


@pytest.mark.parametrize(
    ("name", "status"), [("csrf", 403), ("maintenance", 503), ("throttle", 429), ("short_dump", 500)]
)
def test_faults_by_name(place: Place, name: str, status: int) -> None:
    place.sap.fault(name)
    body = {"SalesOrganization": "1010", "SoldToParty": "10100001"}
    assert place.post(SRV, "A_SalesOrder", body).status_code == status
    assert place.post(SRV, "A_SalesOrder", body).status_code == 201


def test_a_lost_reply_has_done_its_work(place: Place) -> None:
    place.sap.fault("lost_reply")
    with pytest.raises(httpx.TransportError):
        place.post(SRV, "A_SalesOrder", {"SalesOrganization": "1010", "SoldToParty": "10100001"})
    assert place.sap.count("A_SalesOrder") == 1


def test_v4_shows_the_same_orders_in_its_own_formats(place: Place) -> None:
    root = "/sap/opu/odata4/sap/api_salesorder/srvd_a2x/sap/salesorder/0001"
    body: dict[str, Any] = {
        "SalesOrderType": "OR", "SalesOrganization": "1010", "DistributionChannel": "10",
        "OrganizationDivision": "00", "SoldToParty": "10100001", "SalesOrderDate": "2026-11-20",
        "PurchaseOrderByCustomer": "V4",
        "_Item": [{"Product": "TG12", "RequestedQuantity": 2, "RequestedQuantityISOUnit": "PCE"}],
    }  # fmt: skip
    made = place.http.post(f"{root}/SalesOrder", json=body)
    assert made.status_code == 201, made.text
    told = made.json()
    assert (told["SalesOrderDate"], told["TotalNetAmount"], told["_Item"][0]["Product"]) == (
        "2026-11-20",
        200.0,
        "TG12",
    )
    listed = place.http.get(
        f"{root}/SalesOrder",
        params={
            "$filter": "PurchaseOrderByCustomer eq 'V4'",
            "$expand": "_Item($select=Product)",
            "$count": "true",
        },
    ).json()
    assert listed["@odata.count"] == "1"
    assert listed["value"][0]["_Item"] == [{"Product": "TG12"}]
    url = f"{root}/SalesOrder('1')"
    assert place.http.patch(url, json={"DeliveryBlockReason": "01"}).status_code == 428
    changed = place.http.patch(
        url, json={"DeliveryBlockReason": "01"}, headers={"if-match": told["@odata.etag"]}
    )
    assert changed.json()["DeliveryBlockReason"] == "01"
    assert place.get(SRV, "A_SalesOrder('1')")["DeliveryBlockReason"] == "01"
    assert place.http.get(f"{root}/SalesOrder('9')").json()["error"]["message"]


def test_dates_follow_the_systems_time_zone() -> None:
    from datetime import UTC, datetime

    with started(now=lambda: datetime(2026, 11, 21, 23, 30, tzinfo=UTC), time_zone="Europe/Berlin") as place:
        place.sap.create_order("10100001", [["TG12", 1]])
        told = place.get(SRV, "A_SalesOrder('1')")
        assert (told["LastChangeDate"], told["LastChangeDateTime"]) == (
            "/Date(1795305600000)/", "/Date(1795303800000+0000)/",
        )  # fmt: skip
