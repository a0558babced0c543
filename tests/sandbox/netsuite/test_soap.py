"""SuiteTalk's SOAP door, spoken to with zeep on the vendor's own WSDL: every answer fits its schema."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import zeep
from lxml import etree
from zeep.exceptions import Fault
from zeep.plugins import Plugin

from sandbox.netsuite import NetSuiteSandbox
from tests.sandbox.netsuite.wire import Desk

SPECS = Path(__file__).parents[4] / "shared/specs/netsuite/suitetalk-2023_2"
WSDL = SPECS / "netsuite.wsdl"
pytestmark = pytest.mark.skipif(not WSDL.is_file(), reason="the vendor's WSDL is not on this machine")
PORT = "/services/NetSuitePort_2023_2"
NONCES = itertools.count(100_000)


class Watch(Plugin):  # type: ignore[misc]  # the library has no types
    """Keeps what went over the wire, and checks every answer against the schemas."""

    schema: etree.XMLSchema

    def ingress(self, envelope: Any, headers: Any, operation: Any) -> tuple[Any, Any]:
        body = envelope.find("{http://schemas.xmlsoap.org/soap/envelope/}Body")
        if not body[0].tag.endswith("}Fault"):
            self.schema.assertValid(etree.ElementTree(etree.fromstring(etree.tostring(body[0]))))
        return envelope, headers


@pytest.fixture(scope="module")
def vendor() -> zeep.Client:
    watch = Watch()
    wrapper = [
        f'<xs:import namespace="urn:{ns}" schemaLocation="{SPECS}/xsd/{file}"/>'
        for ns, file in (
            ("messages_2023_2.platform.webservices.netsuite.com", "platform.messages.xsd"),
            ("sales_2023_2.transactions.webservices.netsuite.com", "transactions.sales.xsd"),
            ("customers_2023_2.transactions.webservices.netsuite.com", "transactions.customers.xsd"),
            ("relationships_2023_2.lists.webservices.netsuite.com", "lists.relationships.xsd"),
            ("accounting_2023_2.lists.webservices.netsuite.com", "lists.accounting.xsd"),
        )
    ]
    root = f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">{"".join(wrapper)}</xs:schema>'
    watch.schema = etree.XMLSchema(etree.fromstring(root))
    return zeep.Client(str(WSDL), plugins=[watch], settings=zeep.Settings(strict=True, xml_huge_tree=True))


class Port:
    """One account's SOAP port."""

    def __init__(self, vendor: zeep.Client, account: NetSuiteSandbox, url: str) -> None:
        self.vendor, self.account = vendor, account
        self.proxy = vendor.create_service(
            "{urn:platform_2023_2.webservices.netsuite.com}NetSuiteBinding", url + PORT
        )

    def type(self, space: str, name: str) -> Any:
        return self.vendor.get_type(f"{{urn:{space}_2023_2.{AREAS[space]}.webservices.netsuite.com}}{name}")

    def passport(self, **changed: Any) -> Any:
        tba = self.account.tba
        told = {
            "account": tba["account_id"],
            "consumerKey": tba["consumer_key"],
            "token": tba["token_id"],
            "nonce": f"n{next(NONCES)}",
            "timestamp": int(time.time()),
            **changed,
        }
        key = f"{tba['consumer_secret']}&{tba['token_secret']}".encode()
        text = "&".join(str(value) for value in told.values())
        signature = base64.b64encode(hmac.digest(key, text.encode(), hashlib.sha256)).decode()
        signed = self.type("core", "TokenPassportSignature")(signature, algorithm="HMAC-SHA256")
        return self.type("core", "TokenPassport")(**told, signature=signed)

    def call(self, operation: str, *told: Any, passport: Any = None, **headers: Any) -> Any:
        sent = {"tokenPassport": passport or self.passport(), **headers}
        return getattr(self.proxy, operation)(*told, _soapheaders=sent).body

    def ref(self, kind: str, **ids: str) -> Any:
        return self.type("core", "RecordRef")(type=kind, **ids)


AREAS = {
    "core": "platform",
    "common": "platform",
    "messages": "platform",
    "sales": "transactions",
    "customers": "transactions",
    "relationships": "lists",
}


@pytest.fixture
def port(vendor: zeep.Client, account: NetSuiteSandbox, url: str) -> Port:
    return Port(vendor, account, url)


def customer(port: Port, external_id: str = "C-1", **more: Any) -> Any:
    told = {"companyName": "Acme", "subsidiary": port.ref("subsidiary", internalId="1")}
    currency = port.ref("currency", internalId="4")
    return port.type("relationships", "Customer")(externalId=external_id, currency=currency, **told, **more)


def order(port: Port, external_id: str = "S-1", quantity: float = 10) -> Any:
    line = port.type("sales", "SalesOrderItem")(
        item=port.ref("inventoryItem", internalId=port.account.books.items["BOLT-1"]),
        quantity=quantity,
        rate="10.00",
        taxCode=port.ref("salesTaxItem", internalId="5"),
    )
    return port.type("sales", "SalesOrder")(
        externalId=external_id,
        entity=port.ref("customer", externalId="C-1"),
        tranDate=datetime(2026, 11, 2, tzinfo=UTC),
        orderStatus="_pendingFulfillment",
        itemList={"item": [line]},
    )


def written(answer: Any) -> str:
    response = getattr(answer, "writeResponse", answer)
    assert response.status.isSuccess, response.status
    id: str = response.baseRef.internalId
    return id


def failed(answer: Any) -> str:
    response = getattr(answer, "writeResponse", None) or getattr(answer, "readResponse", answer)
    assert not response.status.isSuccess
    code: str = response.status.statusDetail[0].code
    return code


@pytest.fixture
def sold(port: Port) -> str:
    written(port.call("upsert", customer(port)))
    return written(port.call("upsert", order(port)))


def test_a_record_is_added_once_and_a_duplicate_is_a_status_not_a_fault(port: Port) -> None:
    id = written(port.call("add", customer(port)))
    assert failed(port.call("add", customer(port))) == "DUP_ENTITY"
    assert written(port.call("upsert", customer(port, phone="1"))) == id
    seen = port.call("get", port.ref("customer", externalId="C-1")).readResponse.record
    assert (seen.internalId, seen.companyName, seen.phone, seen.currency.name) == (id, "Acme", "1", "EUR")
    assert failed(port.call("add", customer(port, "C-2", entityId=seen.entityId))) == "UNIQUE_CUST_ID_REQD"


def test_the_wrong_password_is_a_fault_and_a_nonce_is_good_for_one_call(port: Port) -> None:
    used = port.passport()
    assert port.call("getServerTime", passport=used).getServerTimeResult.status.isSuccess
    for bad in (
        used,
        port.passport(timestamp=int(time.time()) - 400),
        port.passport(account="TSTDRV123-sb1"),
    ):
        with pytest.raises(Fault) as refused:
            port.call("getServerTime", passport=bad)
        assert "INVALID_LOGIN_CREDENTIALS" in etree.tostring(refused.value.detail).decode()
    assert port.account.login.trail == ["nonce_used", "InvalidTimestamp", "InvalidAccount"]


def test_an_application_id_beside_a_token_is_refused(port: Port) -> None:
    with pytest.raises(Fault):
        port.call("getServerTime", applicationInfo={"applicationId": "x"})


def test_an_order_is_read_back_with_its_lines(port: Port, sold: str) -> None:
    seen = port.call("get", port.ref("salesOrder", internalId=sold)).readResponse.record
    [line] = seen.itemList.item
    assert (line.quantity, line.rate, line.amount, line.taxRate1, line.line) == (
        10.0,
        "10.00",
        100.0,
        19.0,
        1,
    )
    assert (seen.total, seen.orderStatus, seen.status) == (
        119.0,
        "_pendingFulfillment",
        "Pending Fulfillment",
    )
    assert seen.tranDate.date().isoformat() == "2026-11-02"


def test_upsert_replaces_the_lines_unless_told_to_merge(port: Port, sold: str) -> None:
    again = order(port, quantity=4)
    assert written(port.call("upsert", again)) == sold
    assert len(port.account.get("salesOrder", sold)["item"]["items"]) == 1
    again.itemList.replaceAll = False
    assert written(port.call("upsert", again)) == sold
    assert len(port.account.get("salesOrder", sold)["item"]["items"]) == 2


def test_a_batch_is_a_success_whose_records_fail_one_by_one(port: Port, sold: str) -> None:
    good, bad = order(port, "S-2"), order(port, "S-3")
    bad.entity = port.ref("customer", internalId="999")
    whole = port.call("upsertList", [good, bad]).writeResponseList
    assert whole.status.isSuccess
    assert [one.status.isSuccess for one in whole.writeResponse] == [True, False]
    assert whole.writeResponse[1].status.statusDetail[0].code == "INVALID_KEY_OR_REF"
    assert port.account.count("salesOrder") == 2
    read = port.call("getList", [port.ref("salesOrder", externalId=x) for x in ("S-2", "S-3")])
    assert [one.status.isSuccess for one in read.readResponseList.readResponse] == [True, False]


def test_order_to_cash_by_initialize_and_add(port: Port, sold: str) -> None:
    def start(target: str, kind: str, id: str) -> Any:
        reference = port.type("core", "InitializeRef")(type=kind, internalId=id)
        asked = port.type("core", "InitializeRecord")(type=target, reference=reference)
        response = port.call("initialize", asked).readResponse
        assert response.status.isSuccess, response.status
        return response.record

    assert port.account.count("itemFulfillment") == 0
    shipment = start("itemFulfillment", "salesOrder", sold)
    shipment.itemList.item[0].quantity = 4
    shipment.shipStatus = "_shipped"
    shipped = written(port.call("add", shipment))
    bill = start("invoice", "salesOrder", sold)
    assert [line.quantity for line in bill.itemList.item] == [4.0]
    bill.externalId = "I-1"
    billed = written(port.call("add", bill))
    assert port.account.get("invoice", billed)["amountRemaining"] == 47.6
    payment = start("customerPayment", "invoice", billed)
    payment.externalId, payment.payment = "P-1", 50
    payment.applyList.apply[0].amount = 40
    paid = written(port.call("add", payment))
    seen = port.call("get", port.ref("customerPayment", internalId=paid)).readResponse.record
    [applied] = seen.applyList.apply
    assert (seen.applied, seen.unapplied, str(applied.doc), applied.amount) == (40.0, 10.0, billed, 40.0)
    memo = start("creditMemo", "invoice", billed)
    memo.itemList.item[0].quantity = 1
    memo.externalId, memo.autoApply = "CM-1", False
    credited = written(port.call("add", memo))
    assert port.account.get("creditMemo", credited)["amountRemaining"] == 11.9
    fulfilled = port.call("get", port.ref("itemFulfillment", internalId=shipped)).readResponse.record
    assert (fulfilled.shipStatus, fulfilled.itemList.item[0].quantity) == ("_shipped", 4.0)
    assert (
        failed(port.call("delete", port.ref("invoice", internalId=billed))) == "CANT_DELETE_CHILD_RCRDS_EXIST"
    )


def test_a_search_is_paged_by_its_id(port: Port, sold: str) -> None:
    port.call("upsertList", [order(port, f"T-{n}") for n in range(11)])
    basic = port.type("common", "TransactionSearchBasic")(
        type={"operator": "anyOf", "searchValue": ["_salesOrder"]},
        entity={"operator": "anyOf", "searchValue": [port.ref("customer", internalId="101")]},
    )
    size = {"searchPreferences": {"pageSize": 5, "bodyFieldsOnly": True}}
    first = port.call("search", basic, **size).searchResult
    assert (first.totalRecords, first.totalPages, first.pageIndex) == (12, 3, 1)
    assert first.recordList.record[0].itemList is None
    seen = [x.internalId for x in first.recordList.record]
    for page in (2, 3):
        more = port.call("searchMoreWithId", first.searchId, page).searchResult
        seen += [x.internalId for x in more.recordList.record]
    assert seen == sorted(set(seen), key=int)
    assert len(seen) == 12
    assert (
        failed(port.call("searchMoreWithId", first.searchId, 4).searchResult) == "INVALID_SEARCH_PAGE_INDEX"
    )


def test_a_search_by_time_text_and_external_id(port: Port, sold: str) -> None:
    now = datetime.now(UTC)
    since = {"operator": "onOrAfter", "searchValue": now - timedelta(minutes=5)}
    later = {"operator": "after", "searchValue": now + timedelta(minutes=5)}
    search = port.type("common", "TransactionSearchBasic")
    assert port.call("search", search(lastModifiedDate=since)).searchResult.totalRecords == 1
    assert port.call("search", search(lastModifiedDate=later)).searchResult.totalRecords == 0
    who = port.type("common", "CustomerSearchBasic")
    name = {"operator": "contains", "searchValue": "acm"}
    assert port.call("search", who(companyName=name)).searchResult.totalRecords == 1
    ours = {"operator": "anyOf", "searchValue": [port.ref("customer", externalId="C-1")]}
    whole = port.type("relationships", "CustomerSearch")(basic=who(externalId=ours))
    assert port.call("search", whole).searchResult.recordList.record[0].companyName == "Acme"
    sku = port.type("common", "ItemSearchBasic")(itemId={"operator": "is", "searchValue": "BOLT-1"})
    assert port.call("search", sku).searchResult.recordList.record[0].upcCode == "4006381333931"


def test_what_was_deleted_is_listed(port: Port, sold: str) -> None:
    written(port.call("delete", port.ref("salesOrder", internalId=sold)))
    when = {"operator": "onOrAfter", "searchValue": datetime.now(UTC) - timedelta(minutes=5)}
    kind = {"operator": "anyOf", "searchValue": ["salesOrder"]}
    asked = port.type("core", "GetDeletedFilter")(deletedDate=when, type=kind)
    found = port.call("getDeleted", asked, 1).getDeletedResult
    [gone] = found.deletedRecordList.deletedRecord
    assert (found.totalRecords, gone.record.internalId, gone.record.type) == (1, sold, "salesOrder")


def test_closed_periods_and_locks_have_codes_of_their_own(port: Port, desk: Desk, sold: str) -> None:
    desk.act("ship", order=sold)
    billed = desk.act("bill", order=sold, on="2026-11-06")
    change = port.type("sales", "Invoice")(internalId=billed, memo="x")
    desk.act("lock", record="invoice", id=billed)
    assert failed(port.call("update", change)) == "RCRD_LOCKED_BY_WF"
    desk.act("unlock", record="invoice", id=billed)
    assert written(port.call("update", change)) == billed
    desk.act("close_period", through="2026-11-30")
    assert failed(port.call("update", change)) == "TRAN_PERIOD_CLOSED"


def test_the_limit_on_calls_has_two_disguises_here(port: Port, desk: Desk) -> None:
    port.account.concurrency = 0
    with pytest.raises(Fault) as refused:
        port.call("getServerTime")
    assert "WS_REQUEST_BLOCKED" in etree.tostring(refused.value.detail).decode()
    port.account.concurrency = 5
    desk.plain.post("/_sandbox/misbehave", json={"name": "soap_concurrency", "path": "getServerTime"})
    with pytest.raises(Fault) as busy:
        port.call("getServerTime")
    detail = etree.tostring(busy.value.detail).decode()
    assert "exceededRequestLimitFault" in detail
    assert "WS_CONCUR_SESSION_DISALLWD" in detail
    assert port.call("getServerTime").getServerTimeResult.status.isSuccess
    assert port.account.gate.told()["refused"] == 1


def test_an_optimistic_lock_fails_the_record_and_not_the_call(port: Port, desk: Desk) -> None:
    desk.plain.post("/_sandbox/misbehave", json={"name": "soap_record_changed", "path": "upsert"})
    assert failed(port.call("upsert", customer(port))) == "RCRD_HAS_BEEN_CHANGED"
    assert written(port.call("upsert", customer(port))) == "101"


def test_custom_fields_and_segments_travel_in_their_list(port: Port, desk: Desk, sold: str) -> None:
    desk.act("add_segment", id="cseg_region", values=["North", "South"])
    text = port.type("core", "StringCustomFieldRef")(scriptId="custbody_o2c_id", value="abc")
    choice = port.type("core", "ListOrRecordRef")(internalId="2")
    segment = port.type("core", "SelectCustomFieldRef")(scriptId="cseg_region", value=choice)
    fields = port.type("core", "CustomFieldList")([text, segment])
    change = port.type("sales", "SalesOrder")(internalId=sold, customFieldList=fields)
    written(port.call("update", change))
    seen = port.call("get", port.ref("salesOrder", internalId=sold)).readResponse.record
    told = {x.scriptId: x.value for x in seen.customFieldList.customField}
    assert told["custbody_o2c_id"] == "abc"
    assert (told["cseg_region"].internalId, told["cseg_region"].name) == ("2", "South")


def test_the_data_centres_of_an_account_are_told(port: Port, url: str) -> None:
    urls = port.call("getDataCenterUrls", port.account.account_id).getDataCenterUrlsResult.dataCenterUrls
    assert urls.webservicesDomain == url


def test_another_version_or_no_xml_is_a_fault(url: str, account: NetSuiteSandbox) -> None:
    for path, body in (("/services/NetSuitePort_2019_1", b"<x/>"), (PORT, b"<x"), (PORT, b"<x/>")):
        answer = httpx.post(url + path, content=body, headers={"content-type": "text/xml"})
        assert answer.status_code == 500
        assert b"Fault" in answer.content
