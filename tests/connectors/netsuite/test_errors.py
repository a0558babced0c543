"""What each answer of NetSuite means, by its error code, and what check() and schema() tell a person."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx
from lxml import etree

from connectors.netsuite import answers, schema, times
from connectors.netsuite.connector import NetSuite
from connectors.netsuite.settings import Settings
from hub.errors import AuthFailed, Conflict, ConnectorError, RateLimited, Rejected, Transient
from hub.http import Reply
from sandbox.kit import Fault
from sandbox.netsuite import NetSuiteSandbox
from sandbox.netsuite.fields import CUSTOM, RECORDS
from tests.connectors.netsuite.conftest import (
    CUSTOMER,
    INVOICE,
    PAYMENT,
    Connect,
    invoice,
    payment,
    write,
)

XSD = Path(__file__).resolve().parents[3].parent / "shared/specs/netsuite/suitetalk-2023_2/xsd"


def envelope(code: str, detail: str, status: int = 400) -> bytes:
    told = {
        "title": "Bad Request",
        "status": status,
        "o:errorDetails": [{"detail": detail, "o:errorCode": code}],
    }
    return json.dumps(told).encode()


@pytest.mark.parametrize(
    ("status", "code", "detail", "kind"),
    [
        (429, "CONCURRENCY_LIMIT_EXCEEDED", "Concurrent request limit exceeded.", RateLimited),
        (400, "SSS_REQUEST_LIMIT_EXCEEDED", "Request limit", RateLimited),
        (403, "WS_CONCUR_SESSION_DISALLWD", "Only one request", RateLimited),
        (500, "WS_REQUEST_BLOCKED", "Blocked", RateLimited),
        (401, "INVALID_LOGIN", "Invalid login attempt.", AuthFailed),
        (400, "INVALID_LOGIN_ATTEMPT", "Invalid login attempt.", AuthFailed),
        (401, "", "Unauthorized", AuthFailed),
        (400, "USER_ERROR", "Please enter value(s) for: First Name.", Rejected),
        (400, "USER_ERROR", "This record has been locked by a user defined workflow.", Rejected),
        (400, "USER_ERROR", "You cannot change this: the accounting period is closed.", Rejected),
        (400, "INVALID_CONTENT", "Invalid Field Value 9999", Rejected),
        (400, "DUP_ENTITY", "A customer record with this ID already exists.", Rejected),
        (403, "INSUFFICIENT_PERMISSION", "Permission Violation", Rejected),
        (404, "NONEXISTENT_ID", "The record instance does not exist.", Rejected),
        (400, "RCRD_HAS_BEEN_CHANGED", "Record has been changed", Conflict),
        (400, "USER_ERROR", "Error while accessing a resource. This record already exists.", Conflict),
        (400, "USER_ERROR", "Error while accessing a resource. This entity already exists.", Conflict),
        (400, "DUP_RCRD", "This record already exists", Conflict),
        (400, "UNEXPECTED_ERROR", "An unexpected error occurred. Error ID: x", Transient),
        (500, "UNEXPECTED_ERROR", "An unexpected error occurred. Error ID: x", Transient),
        (503, "", "Service unavailable", Transient),
    ],
)
def test_each_error_code_has_its_meaning(
    status: int, code: str, detail: str, kind: type[ConnectorError]
) -> None:
    reply = Reply(status, {"x-n-operationid": "op-1"}, envelope(code, detail, status))
    error = answers.classify(reply)
    assert type(error) is kind
    assert (error.status, error.code, error.request_id) == (status, code, "op-1")
    assert detail in str(error)
    assert error.sent is (kind is not RateLimited)
    assert (error.retry_after == 2.0) is (kind is RateLimited)


def test_the_place_of_an_error_is_told() -> None:
    told = {"o:errorDetails": [{"detail": "Bad", "o:errorCode": "X", "o:errorPath": "item.items[0].item"}]}
    assert "item.items[0].item" in str(answers.classify(Reply(400, {}, json.dumps(told).encode())))


@pytest.mark.parametrize("body", [b"<html>down</html>", b"", b"[]", b'{"o:errorDetails": 5}', b"null"])
def test_an_answer_without_the_envelope_is_still_classified(body: bytes) -> None:
    assert type(answers.classify(Reply(502, {}, body))) is Transient
    assert type(answers.classify(Reply(400, {}, body))) is Rejected


def test_a_redirect_to_another_host_names_the_setting() -> None:
    error = answers.classify(Reply(302, {"location": "https://other"}, b""))
    assert type(error) is Rejected
    assert "account_id" in str(error)


def test_check_is_content_with_a_good_account(account: NetSuiteSandbox, netsuite: NetSuite) -> None:
    health = netsuite.check()
    assert health.ok, health
    assert "TSTDRV123_SB1" in health.summary
    account.administrator = True
    assert "allows 5 calls" in netsuite.check().summary


@pytest.mark.parametrize("field", ["consumer_secret", "token_secret", "token_id"])
def test_check_fails_closed_with_bad_credentials(field: str, connect: Connect) -> None:
    health = connect(**{field: "wrong-secret"}).check()
    assert not health.ok
    assert "Login Audit Trail" in health.findings[0]
    assert "wrong-secret" not in repr(health)


def test_check_names_each_missing_permission_and_column(account: NetSuiteSandbox, netsuite: NetSuite) -> None:
    account.denied |= {"invoice", "customerPayment"}
    account.books.custom_fields.clear()
    health = netsuite.check()
    assert not health.ok
    told = "\n".join(health.findings)
    assert len(health.findings) == 3
    for word in ("record invoice", "record customerPayment", "custcol_o2c_line_id"):
        assert word in told


def test_check_tells_when_nothing_answers(account: NetSuiteSandbox, url: str, connect: Connect) -> None:
    account.kit.faults.append(Fault(kind="refuse", status=503, times=-1))
    health = connect().check()
    assert not health.ok
    assert health.findings


def test_schema_is_asked_of_the_account_and_falls_back(account: NetSuiteSandbox, netsuite: NetSuite) -> None:
    names = {field.name: field for field in netsuite.schema("order").fields}
    assert names["custbody_o2c_id"].type == "text"  # a custom field of this account
    assert names["tranDate"].type == "date"
    assert names["item.items[].quantity"].type == "decimal"
    account.kit.faults.append(Fault(kind="refuse", status=500, path="metadata-catalog", times=-1))
    baseline = {field.name for field in netsuite.schema("order").fields}
    assert "tranDate" in baseline
    assert "custbody_o2c_id" not in baseline
    with pytest.raises(Rejected, match="no kind"):
        netsuite.schema("ticket")


def test_a_time_without_a_zone_is_no_revision() -> None:
    assert times.moment("2026-11-21T10:00:00Z") == datetime(2026, 11, 21, 10, tzinfo=UTC)
    assert [times.moment(x) for x in ("2026-11-21T10:00:00", "x", None, 5)] == [None] * 4


def test_odd_catalogs_do_not_break_the_schema() -> None:
    odd: list[dict[str, Any]] = [{}, {"properties": []}, {"properties": {"x": 5}}, {"properties": {"y": {}}}]
    for catalog in odd:
        names = {field.name for field in schema.introspected("invoice", catalog).fields}
        assert "createdFrom.id" in names


def xsd_fields(name: str) -> set[str]:
    space = "{http://www.w3.org/2001/XMLSchema}"
    for path in sorted(XSD.glob("*.xsd")):
        for found in etree.parse(str(path)).getroot().iter(f"{space}complexType"):
            if found.get("name") == name:
                return {str(element.get("name")) for element in found.iter(f"{space}element")}
    raise AssertionError(f"no type {name}")


TYPES = {
    "customer": ("Customer", {"addressbook": "CustomerAddressbook", "currencyList": "CustomerCurrency"}),
    "salesOrder": ("SalesOrder", {"item": "SalesOrderItem"}),
    "itemFulfillment": (
        "ItemFulfillment",
        {"item": "ItemFulfillmentItem", "package": "ItemFulfillmentPackage"},
    ),
    "invoice": ("Invoice", {"item": "InvoiceItem"}),
    "creditMemo": ("CreditMemo", {"item": "CreditMemoItem", "apply": "CreditMemoApply"}),
    "customerPayment": (
        "CustomerPayment",
        {"apply": "CustomerPaymentApply", "credit": "CustomerPaymentCredit"},
    ),
}
# In REST but not in these SOAP types: ids are attributes there, and a fulfilment's status is its shipStatus.
REST_ONLY = {
    "salesOrder.item": {"lineUniqueKey"},
    "invoice.item": {"lineUniqueKey", "isClosed", "expectedShipDate"},
    "itemFulfillment.item": {"line"},
    "customerPayment.credit": {"applyDate"},
    "itemFulfillment": {"status"},
    "creditMemo.item": {"lineUniqueKey", "isClosed", "expectedShipDate"},
}


@pytest.mark.skipif(not XSD.is_dir(), reason="the vendor's schemas are not on this machine")
@pytest.mark.parametrize("record", TYPES)
def test_every_field_name_is_in_the_vendors_schema(record: str) -> None:
    body, sublists = TYPES[record]
    known = xsd_fields(body)
    kind = next(kind for kind, of in schema.RECORDS.items() if of == record)
    own = ("id", "externalId", "cancelled", "expected.", "match.", "o2c.", "applications", "settles.")
    listed = {f.name for f in schema.baseline(kind).fields if not f.name.startswith(own)}
    tops = {name for name in listed if "." not in name} - set(sublists)
    assert tops <= known
    assert set(RECORDS[record].body) - known <= REST_ONLY.get(record, set())
    for name, type_name in sublists.items():
        columns = xsd_fields(type_name)
        lines = {x.split("[].")[1].split(".")[0] for x in listed if x.startswith(f"{name}.items[].")}
        assert {x for x in lines if not x.startswith(CUSTOM)} <= columns
        allowed = REST_ONLY.get(f"{record}.{name}", set())
        assert set(RECORDS[record].sublists[name].columns) - columns <= allowed


@pytest.mark.skipif(not XSD.is_dir(), reason="the vendor's schemas are not on this machine")
def test_every_answer_of_the_simulator_uses_the_vendors_names(
    account: NetSuiteSandbox, netsuite: NetSuite, sold: tuple[str, str]
) -> None:
    account.fulfil(sold[1], {"BOLT-1": 4}, tracking="1Z")
    billed = netsuite.push(write("invoice", invoice(sold[1], {"l1": 4}, "47.60"), INVOICE))
    netsuite.push(write("payment", payment(sold[0], {billed: "40"}, "50"), PAYMENT))
    for record, (body, sublists) in TYPES.items():
        if record == "creditMemo":
            account.people.credit(billed, amount="1", apply=False)
        [id] = account.books.records[record]
        seen = account.get(record, id)
        own = REST_ONLY.get(record, set()) | {"links", "id", "externalId", *sublists}
        assert set(seen) - own <= xsd_fields(body), record
        for name, type_name in sublists.items():
            own = REST_ONLY.get(f"{record}.{name}", set()) | {"links"}
            used = {key for line in seen[name]["items"] for key in line if not key.startswith(CUSTOM)}
            assert used - own <= xsd_fields(type_name), f"{record}.{name}"


@respx.mock
def test_a_token_endpoint_in_trouble_is_retried_later_and_never_a_wrong_password(
    account: NetSuiteSandbox,
) -> None:
    told: dict[str, Any] = {"auth": "m2m", "base_url": "https://ns.test", **account.m2m}
    netsuite = NetSuite(Settings(**told))
    address = "https://ns.test/services/rest/auth/oauth2/v1/token"
    for answer, kind in (
        (httpx.Response(503), Transient),
        (httpx.Response(429), RateLimited),
        (httpx.Response(200, text="<html>"), AuthFailed),
        (httpx.Response(200, content=b"x" * 70_000), Transient),
    ):
        respx.post(address).mock(return_value=answer)
        started = time.monotonic()
        with pytest.raises(kind) as failed:
            netsuite.find("customer", CUSTOMER)
        assert not failed.value.sent
        assert time.monotonic() - started < 10
