"""What the account refuses and forgets: calls at a time, lost replies, jobs, and what people do in it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from sandbox.netsuite import NetSuiteSandbox, suiteql
from sandbox.netsuite.fields import RECORDS
from sandbox.netsuite.parsing import Parser
from tests.sandbox.netsuite.wire import RECORD, Desk, Tba, lines, made, refusal

RESTLET = "/app/site/hosting/restlet.nl"


def test_the_limit_counts_rest_soap_and_restlets_together(desk: Desk, account: NetSuiteSandbox) -> None:
    desk.plain.post("/_sandbox/governance", json={"limit": 2, "latency": 0.4})
    started = threading.Barrier(3)

    def call(path: str) -> int:
        started.wait()
        return desk.signed.get(path, params={"script": "1", "deploy": "1"}).status_code

    with ThreadPoolExecutor(3) as pool:
        found = sorted(pool.map(call, (f"{RECORD}/customer", f"{RECORD}/salesOrder", RESTLET)))
    told = desk.plain.get("/_sandbox/governance").json()
    assert (told["limit"], told["highest"], told["refused"], told["calls"]) == (2, 2, 1, 3)
    assert found[:2] == [200, 200]
    assert found[2] in (400, 429)


def test_a_restlets_refusal_is_disguised_as_a_400(desk: Desk, account: NetSuiteSandbox) -> None:
    account.concurrency = 0
    answer = desk.signed.post(RESTLET, params={"script": "1", "deploy": "1"}, json={})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "SSS_REQUEST_LIMIT_EXCEEDED")
    blocked = desk.signed.get(f"{RECORD}/customer")
    assert refusal(blocked)[:2] == (429, "CONCURRENCY_LIMIT_EXCEEDED")
    assert "retry-after" not in blocked.headers
    account.concurrency = 1
    assert desk.signed.post(RESTLET, params={"script": "1"}, json={"a": 1}).json()["echo"] == '{"a":1}'


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("concurrency", 429, "CONCURRENCY_LIMIT_EXCEEDED"),
        ("record_changed", 400, "RCRD_HAS_BEEN_CHANGED"),
        ("locked", 400, "RCRD_LOCKED_BY_WF"),
        ("permission", 403, "INSUFFICIENT_PERMISSION"),
        ("unexpected", 500, "UNEXPECTED_ERROR"),
    ],
)
def test_misbehaviour_by_name_has_the_vendors_body_and_changes_nothing(
    desk: Desk, name: str, status: int, code: str
) -> None:
    desk.plain.post("/_sandbox/misbehave", json={"name": name, "method": "PUT"}).raise_for_status()
    told = {"companyName": "A", "subsidiary": {"id": "1"}}
    assert refusal(desk.put("customer/eid:C-1", told))[:2] == (status, code)
    assert desk.account.count("customer") == 0
    made(desk.put("customer/eid:C-1", told))


def test_a_lost_reply_happened_all_the_same(desk: Desk) -> None:
    for name in ("lost_reply", "fail_after"):
        desk.plain.post("/_sandbox/misbehave", json={"name": name, "method": "PUT"})
    told = {"companyName": "A", "subsidiary": {"id": "1"}}
    with pytest.raises(httpx.RemoteProtocolError):
        desk.put("customer/eid:C-1", told)
    assert desk.put("customer/eid:C-1", told).status_code == 500
    made(desk.put("customer/eid:C-1", told))
    effects = [(e["action"], e["externalId"]) for e in desk.account.kit.effects]
    assert effects == [("create", "C-1"), ("update", "C-1"), ("update", "C-1")]
    assert desk.plain.post("/_sandbox/misbehave", json={"name": "nothing"}).status_code == 400


def test_an_idempotency_key_counts_only_for_jobs(desk: Desk) -> None:
    told = {"companyName": "A", "subsidiary": {"id": "1"}}
    key = {"X-NetSuite-Idempotency-Key": "5b1d9f3c"}
    for _ in range(2):
        made(desk.post("customer", told, **key))
    first = desk.post("customer", told, Prefer="respond-async", **key)
    assert first.status_code == 202
    again = desk.post("customer", told, Prefer="respond-async", **key)
    assert (refusal(again)[1], again.headers["location"]) == ("IDEMPOTENCY_ERROR", first.headers["location"])
    assert desk.account.count("customer") == 3
    job = first.headers["location"]
    assert desk.signed.get(job).json()["progress"] == "succeeded"
    [task] = desk.signed.get(f"{job}/task").json()["items"]
    result = desk.signed.get(f"{job}/task/{task['id']}/result")
    assert desk.get(f"customer/{made(result)}")["companyName"] == "A"
    assert desk.signed.get("/services/rest/async/v1/job/99").status_code == 404


def test_a_batch_is_a_job_and_each_record_stands_for_itself(desk: Desk) -> None:
    good = {"companyName": "A", "subsidiary": {"id": "1"}, "externalId": "C-1"}
    job = desk.post("customer", {"items": [good, {"companyName": "B"}, good]}, Prefer="respond-async")
    result = desk.signed.get(f"{job.headers['location']}/task/1/result").json()
    assert [one["status"] for one in result["items"]] == [204, 400, 400]
    assert desk.account.count("customer") == 1


def test_who_is_no_administrator_cannot_see_the_limits(desk: Desk) -> None:
    path = "/services/rest/system/v1/governanceLimits"
    assert desk.signed.get(path).status_code == 403
    desk.account.administrator = True
    assert desk.signed.get(path).json()["accountConcurrencyLimit"] == 5


def test_lists_are_records_one_can_read(desk: Desk) -> None:
    euro = desk.get("currency/4")
    assert (euro["symbol"], euro["exchangeRate"]) == ("EUR", 1.1)
    assert desk.get("accountingPeriod/182")["periodName"] == "Nov 2026"
    assert desk.get("term")["totalResults"] == 8
    assert desk.signed.get(f"{RECORD}/subsidiary/99").status_code == 404
    narrow = desk.signed.get(f"{RECORD}/customer/{desk.customer()}", params={"fields": "email,companyName"})
    assert set(narrow.json()) == {"links", "id", "companyName"}


def test_values_that_do_not_fit_are_refused_unless_told_to_ignore(desk: Desk) -> None:
    told = {"companyName": "A", "subsidiary": {"id": "1"}, "creditLimit": "much"}
    assert refusal(desk.post("customer", told))[1] == "INVALID_CONTENT"
    lax = {"X-NetSuite-PropertyValueValidation": "Ignore"}
    assert "creditLimit" not in desk.get(f"customer/{made(desk.post('customer', told, **lax))}")


def test_duplicates_are_refused_by_name_and_by_external_id(desk: Desk) -> None:
    told = {"companyName": "A", "subsidiary": {"id": "1"}, "entityId": "ACME"}
    made(desk.post("customer", {**told, "externalId": "C-1"}))
    assert "unique customer ID" in refusal(desk.post("customer", told))[2]
    other = {**told, "entityId": "OTHER", "externalId": "C-1"}
    assert "This entity already exists" in refusal(desk.post("customer", other))[2]
    second = desk.customer("C-2")
    assert desk.patch(f"customer/{second}", {"entityId": "ACME"}).status_code == 400
    assert refusal(desk.post("inventoryItem", {"itemId": "BOLT-1"}))[1] == "USER_ERROR"


def test_people_ship_and_bill_in_parts_and_close_what_stays_open(desk: Desk) -> None:
    order = desk.order(desk.customer())
    desk.act("ship", order=order, quantities={"BOLT-1": 4}, tracking="1Z9")
    first = desk.get(f"invoice/{desk.act('bill', order=order, number='RE-1')}")
    assert (first["tranId"], first["total"], first.get("externalId")) == ("RE-1", 107.1, None)
    desk.act("ship", order=order, quantities={"1": 3})
    second = desk.get(f"invoice/{desk.act('bill', order=order, quantities={'BOLT-1': 2})}")
    assert [x["quantity"] for x in second["item"]["items"]] == [2.0]
    assert desk.get(f"salesOrder/{order}")["status"]["refName"] == "Pending Billing/Partially Fulfilled"
    refused = desk.plain.post("/_sandbox/actions/ship", json={"order": order, "quantities": {"BOLT-1": 4}})
    assert "more than 3" in refused.json()["error"]
    desk.act("bill", order=order)
    desk.act("close_line", order=order, line=1)
    assert desk.get(f"salesOrder/{order}")["status"]["refName"] == "Billed"
    assert desk.plain.post("/_sandbox/actions/dance", json={}).status_code == 404
    assert desk.plain.post("/_sandbox/actions/ship", json={"oder": order}).status_code == 400


def test_a_field_people_fill_is_what_the_service_shows(desk: Desk) -> None:
    order = desk.order(desk.customer())
    desk.act("set_custom", record="salesOrder", id=order, field="custbody_o2c_id", value="x")
    assert desk.get(f"salesOrder/{order}")["custbody_o2c_id"] == "x"


def test_a_thousand_orders_to_cash_are_quick_and_tie_out(account: NetSuiteSandbox) -> None:
    """No scan per write: the books stay quick as they grow, with everything on one customer."""
    people, books = account.people, account.books
    desk = _Backroom(account)
    customer = desk.write(
        "customer", {"companyName": "A", "subsidiary": {"id": "1"}, "currency": {"id": "4"}}
    )
    for n in range(1000):
        item = {"item": {"id": books.items["BOLT-1"]}, "quantity": 2, "rate": 5}
        told = {"entity": {"id": customer}, "orderStatus": {"id": "B"}, "item": lines(item)}
        order = desk.write("salesOrder", {**told, "externalId": f"S-{n}"})
        people.ship(order)
        invoice = people.bill(order)
        amount = "10" if n % 10 else "4"
        people.pay(customer, amount, apply=[{"invoice": invoice, "amount": amount}])
        assert account.find("salesOrder", f"S-{n}") is not None
        if n % 50 == 0:
            desk.rows("SELECT id FROM transaction WHERE type = 'CustPymt' ORDER BY lastmodifieddate, id")
    told = account.tie_out()
    assert told["problems"] == []
    assert told["balances"] == {customer: "600.00"}
    assert desk.rows("SELECT SUM(foreignamountunpaid) AS owed FROM transaction") == [
        {"links": [], "owed": "600"}
    ]


class _Backroom:
    """Works on the books without the wire."""

    def __init__(self, account: NetSuiteSandbox) -> None:
        self.account = account

    def write(self, record: str, told: dict[str, Any]) -> str:
        kind = RECORDS[record]
        return self.account.rules.write(kind, Parser(self.account.books, kind).body(told), None).id

    def rows(self, q: str) -> list[dict[str, Any]]:
        return suiteql.run(self.account.store, q, 10, 0).rows


def test_a_client_of_another_account_is_not_let_in(desk: Desk, url: str) -> None:
    with httpx.Client(base_url=url, auth=Tba(NetSuiteSandbox("OTHER_1"))) as foreign:
        assert refusal(foreign.get(f"{RECORD}/customer"))[:2] == (401, "INVALID_LOGIN")
