"""Order to cash against the simulator: what is written there, and what people do comes back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connectors.sap.connector import Sap
from hub.connector import Delivery
from hub.errors import AuthFailed, Conflict, NotYet, Rejected, Transient
from sandbox.sap import SapSandbox
from tests.connectors.sap.conftest import (
    BUYER,
    CUSTOMER,
    DAY,
    ORDER,
    PAYMENT,
    Connect,
    customer,
    entry,
    line,
    order,
    polled,
    write,
)

LINES = (line("l1", "TG11", "10", "17.50"), line("l2", "TG12", "4", "100"))


def ordered(sap: Sap, reference: str = ORDER) -> str:
    return sap.push(write("order", order(*LINES, total="575.00"), reference))


def test_order_carries_our_reference_and_prices(system: SapSandbox, sap: Sap) -> None:
    id = ordered(sap)
    assert sap.find("order", ORDER) == id
    assert sap.find("order", "f" * 32) is None
    assert len([one for one in system.kit.effects if one["kind"] == "A_SalesOrder"]) == 1


def test_total_of_sap_that_differs_is_told_with_both_figures(sap: Sap) -> None:
    wrong = write("order", order(*LINES, total="570.00"), ORDER)
    with pytest.raises(Transient, match=r"575.*570") as told:
        sap.push(wrong)
    assert told.value.sent, "it is there: a repeat must look for it"
    with pytest.raises(Rejected, match=r"575.*570"):
        sap.push(wrong._replace(external_id=sap.find("order", ORDER)))


def test_unknown_material_is_named_before_anything_is_written(system: SapSandbox, sap: Sap) -> None:
    with pytest.raises(Rejected, match="NOPE"):
        sap.push(write("order", order(line("l1", "NOPE", "1", "1"), total="1"), ORDER))
    assert system.kit.effects == []


def test_gtin_finds_the_material_where_the_sku_does_not(sap: Sap) -> None:
    record = order(line("l1", "OUR-SKU", "1", "17.50", gtin="4006381333931"), total="17.50")
    assert sap.push(write("order", record, ORDER))


def test_changed_order_changes_lines_and_appends_none(sap: Sap) -> None:
    id = ordered(sap)
    changed = (line("l1", "TG11", "12", "17.00"), line("l3", "TG20", "1", "5.25"))
    record = order(*changed, total="209.25", PurchaseOrderByCustomer="PO-2")
    for _ in range(2):
        assert sap.push(write("order", record, ORDER, id)) == id
    known = sap._client.get(
        "/sap/opu/odata/sap/API_SALES_ORDER_SRV", f"A_SalesOrder('{id}')", {"$expand": "to_Item"}
    )
    assert known is not None
    items = {one["PurchaseOrderByShipToParty"]: one for one in known["to_Item"]}
    assert len(known["to_Item"]) == 3
    assert Decimal(items["l1"]["RequestedQuantity"]) == 12
    assert items["l2"]["SalesDocumentRjcnReason"] == "60"
    assert known["PurchaseOrderByCustomer"] == "PO-2"


def test_cancelled_order_has_all_lines_rejected(sap: Sap) -> None:
    id = ordered(sap)
    sap.push(write("order", order(*LINES, total="575.00", cancelled=True), ORDER, id))
    known = sap._client.get(
        "/sap/opu/odata/sap/API_SALES_ORDER_SRV", f"A_SalesOrder('{id}')", {"$expand": "to_Item"}
    )
    assert known is not None
    assert [one["SalesDocumentRjcnReason"] for one in known["to_Item"]] == ["60", "60"]


def test_locked_order_is_tried_again_later(system: SapSandbox, sap: Sap) -> None:
    id = ordered(sap)
    system.lock_order(id)
    with pytest.raises(Transient, match="MUELLER") as told:
        sap.push(write("order", order(*LINES, total="575.00", PurchaseOrderByCustomer="PO-9"), ORDER, id))
    assert not told.value.sent


def test_order_that_changed_meanwhile_is_a_conflict(system: SapSandbox, sap: Sap) -> None:
    id = ordered(sap)
    system.fault("etag")
    with pytest.raises(Conflict):
        sap.push(write("order", order(*LINES, total="575.00", PurchaseOrderByCustomer="PO-9"), ORDER, id))


def test_expired_token_is_renewed_without_a_second_order(system: SapSandbox, sap: Sap) -> None:
    ordered(sap)
    system.expire_csrf()
    ordered(sap, "2" * 32)
    assert len([one for one in system.kit.effects if one["kind"] == "A_SalesOrder"]) == 2


def test_order_by_v4(connect: Connect) -> None:
    sap = connect(sales_api="v4")
    id = ordered(sap)
    assert sap.find("order", ORDER) == id
    record = order(line("l1", "TG11", "12", "17.50"), line("l2", "TG12", "4", "100"), total="610.00")
    assert sap.push(write("order", record, ORDER, id)) == id


def test_customer_is_made_found_and_changed(sap: Sap) -> None:
    id = sap.push(write("customer", customer(), CUSTOMER))
    assert sap.find("customer", CUSTOMER) == id
    assert sap.push(write("customer", customer("Acme AG"), CUSTOMER, id)) == id
    record = order(*LINES, total="575.00", SoldToParty=id)
    assert sap.push(write("order", record, ORDER))


def test_candidates_come_best_first(system: SapSandbox, sap: Sap) -> None:
    other = system.add_customer("Acme GmbH", duns="315000554", email="info@acme.example", vat="DE999999999")
    match = {"tax_id": "DE123456788", "duns": "315000554", "domain": "acme.example", "name": "Acme GmbH"}
    found = sap.candidates(write("customer", {**customer(), "match": match}, CUSTOMER))
    assert [(one.external_id, one.by) for one in found] == [(BUYER, "tax_id"), (other, "duns")]
    by_domain = {**customer(), "match": {"domain": "acme.example"}}
    assert [one.by for one in sap.candidates(write("customer", by_domain, CUSTOMER))] == ["domain"]
    assert sap.candidates(write("customer", {**customer(), "match": {"name": "Nobody"}}, CUSTOMER)) == []


ELSEWHERE = {
    "OrganizationName1": "Acme GmbH",
    "StreetName": "Am Kai 7",
    "CityName": "Bremen",
    "Country": "DE",
}


def address_of(system: SapSandbox, order: str) -> dict[str, Any]:
    row = system.store.get("A_SalesOrderPartnerAddress", order, "SH", "")
    assert row is not None
    return {name: row[name] for name in (*ELSEWHERE, "PostalCode")}


def test_an_order_with_an_address_of_its_own_goes_there_and_follows_its_changes(
    system: SapSandbox, sap: Sap
) -> None:
    told = order(line("l1", "TG11", "1", "17.50"), total="17.50", delivery=ELSEWHERE)
    id = sap.push(write("order", told, ORDER))
    assert address_of(system, id) == {**ELSEWHERE, "PostalCode": ""}
    before = len(system.kit.effects)
    assert sap.push(write("order", told, ORDER, id)) == id
    assert len(system.kit.effects) == before, "nothing is changed that is so already"
    moved = {**ELSEWHERE, "CityName": "Hamburg", "PostalCode": "20457"}
    sap.push(write("order", {**told, "delivery": moved}, ORDER, id))
    assert address_of(system, id) == moved
    plain = sap.push(write("order", order(line("l1", "TG11", "1", "17.50"), total="17.50"), "f" * 32))
    assert address_of(system, plain)["CityName"] != "Bremen"


def test_an_order_whose_address_was_not_taken_is_looked_for_and_not_made_twice(
    system: SapSandbox, connect: Connect
) -> None:
    told = order(line("l1", "TG11", "1", "17.50"), total="17.50", delivery=ELSEWHERE)
    with pytest.raises(Transient, match="created, but"):
        connect(ship_to="WE").push(write("order", told, ORDER))
    sap = connect()
    found = sap.find("order", ORDER)
    assert found is not None
    assert sap.push(write("order", told, ORDER, found)) == found
    assert (system.count("A_SalesOrder"), address_of(system, found)["CityName"]) == (1, "Bremen")


def test_the_v4_service_carries_no_address(connect: Connect) -> None:
    told = order(line("l1", "TG11", "1", "17.50"), total="17.50", delivery=ELSEWHERE)
    with pytest.raises(Rejected, match="sales_api v2"):
        connect(sales_api="v4").push(write("order", told, ORDER))


def test_the_print_of_a_billing_document_is_a_pdf_and_an_entry_has_none(system: SapSandbox, sap: Sap) -> None:
    billing = system.bill(delivery=system.deliver(ordered(sap)))
    assert sap.printed("invoice", billing).startswith(b"%PDF-1.4")
    for id in ("1010-2026-1800000001", "99999999"):
        with pytest.raises(Rejected):
            sap.printed("invoice", id)


def test_delivery_and_invoice_come_with_our_lines(system: SapSandbox, sap: Sap) -> None:
    id = ordered(sap)
    delivery = system.deliver(id, tracking="1Z9")
    billing = system.bill(delivery=delivery)
    found, _ = polled(sap)
    shipment = found["shipment", delivery].record
    invoice = found["invoice", billing].record
    assert shipment is not None
    assert invoice is not None
    assert shipment["order"] == {"external_id": id, "reference": ORDER}
    assert [item["order_line"] for item in shipment["items"]] == ["l1", "l2"]
    assert [item["order_line"] for item in invoice["to_Item"]] == ["l1", "l2"]
    assert {item["tax_percent"] for item in invoice["to_Item"]} == {19}
    assert (invoice["shipment"], invoice["seller"]) == (delivery, "DE")
    assert invoice["accounting"]["net_due_date"] is not None
    assert invoice["memo"]["gross"] == Decimal("684.25")


def test_cancelled_billing_document_tells_its_day(system: SapSandbox, sap: Sap) -> None:
    billing = system.bill(delivery=system.deliver(ordered(sap)))
    system.cancel_billing(billing)
    found, _ = polled(sap)
    record = found["invoice", billing].record
    assert record is not None
    assert record["cancelled_on"] is not None


@pytest.mark.parametrize(
    ("mode", "amount", "open_"), [("clear", "684.25", "0"), ("partial", "100.00", "584.25")]
)
def test_payment_by_people_comes_with_what_it_paid(
    system: SapSandbox, sap: Sap, mode: str, amount: str, open_: str
) -> None:
    billing = system.bill(delivery=system.deliver(ordered(sap)))
    paid = system.pay(BUYER, amount, [[billing, None if mode == "clear" else amount]], mode=mode)
    found, _ = polled(sap)
    record = found["payment", paid].record
    assert record is not None
    assert (record["amount"], record["customer"], record["reference"]) == (Decimal(amount), BUYER, "")
    assert record["applications"] == [{"invoice": billing, "amount": Decimal(amount), "currency": "EUR"}]
    (item,) = sap.items([("invoice", billing)])
    assert item.open == Decimal(open_)


def test_discount_taken_by_people_is_an_adjustment(system: SapSandbox, sap: Sap) -> None:
    billing = system.bill(delivery=system.deliver(ordered(sap)))
    paid = system.pay(BUYER, "670.25", [[billing, None]], discount="14.00")
    found, _ = polled(sap)
    (told,) = [one.record for key, one in found.items() if key[0] == "adjustment"]
    assert told is not None
    assert (told["invoice"], told["amount"], told["reason"]) == (billing, Decimal("14.00"), "discount")
    record = found["payment", paid].record
    assert record is not None
    assert record["applications"] == [{"invoice": billing, "amount": Decimal("670.25"), "currency": "EUR"}]


def test_write_off_by_people_is_an_adjustment(system: SapSandbox, sap: Sap) -> None:
    billing = system.bill(delivery=system.deliver(ordered(sap)))
    system.write_off(billing)
    found, _ = polled(sap)
    (told,) = [one.record for key, one in found.items() if key[0] == "adjustment"]
    assert told is not None
    assert (told["invoice"], told["amount"], told["reason"]) == (billing, Decimal("684.25"), "write_off")


def test_credit_memo_of_people_comes_in(system: SapSandbox, sap: Sap) -> None:
    billing = system.bill(delivery=system.deliver(ordered(sap)))
    memo = system.credit_memo(billing, lines=[["20", "1", None]])
    found, _ = polled(sap)
    record = found["credit_memo", memo].record
    assert record is not None
    assert record["memo"]["gross"] == Decimal("119.00")
    assert record["memo"]["invoice"] == billing


def test_payment_of_the_hub_is_booked_cleared_and_confirmed_by_looking(system: SapSandbox, sap: Sap) -> None:
    billing = system.bill(delivery=system.deliver(ordered(sap)))
    allocations = [{"invoice": billing, "amount": Decimal("684.25"), "currency": "EUR"}]
    record = entry("700.00", allocations=allocations)
    with pytest.raises(NotYet):
        sap.push(write("payment", record, PAYMENT))
    booked = sap.find("payment", PAYMENT)
    assert booked is not None
    for _ in range(3):
        try:
            assert sap.push(write("payment", record, PAYMENT, booked)) == booked
        except NotYet:
            continue
        break
    else:
        pytest.fail("the clearing was never seen")
    assert system.check() == []
    items = {one.external_id: one for one in sap.open_items(None).items}
    assert billing not in items
    assert (items[booked].open, items[booked].reference) == (Decimal("15.75"), PAYMENT)
    found, _ = polled(sap)
    seen = found["payment", booked].record
    assert seen is not None
    assert seen["reference"] == PAYMENT
    assert seen["applications"] == allocations


def test_what_sap_billed_is_not_booked_again(system: SapSandbox, sap: Sap) -> None:
    billing = system.bill(delivery=system.deliver(ordered(sap)))
    before = len(system.kit.effects)
    assert sap.push(write("invoice", entry("684.25"), "9" * 32, billing)) == billing
    assert len(system.kit.effects) == before


def test_arrival_tells_of_an_object_again(system: SapSandbox, sap: Sap) -> None:
    billing = system.bill(delivery=system.deliver(ordered(sap)))
    (change,) = sap.read(sap.arrival("invoice", billing).delivery)
    assert (change.kind, change.external_id) == ("invoice", billing)
    with pytest.raises(Rejected):
        sap.arrival("customer", BUYER)


def test_idoc_is_taken_with_the_token_and_completed_by_odata(system: SapSandbox, connect: Connect) -> None:
    sap = connect(path_token="idoc-token-of-16-letters")
    id = ordered(sap)
    delivery = system.deliver(id)
    body = system.send_idoc("DESADV", delivery).encode()
    address = "http://hub/webhooks/sap/idoc-token-of-16-letters"
    arrived = Delivery({"content-type": "text/xml"}, body, address, datetime.now(UTC))
    assert sap.verify(arrived)
    (change,) = sap.read(arrived)
    assert (change.kind, change.external_id) == ("shipment", delivery)
    assert change.record is not None
    assert change.record["order"] == {"external_id": id, "reference": ORDER}
    assert [item["order_line"] for item in change.record["items"]] == ["l1", "l2"]
    with pytest.raises(AuthFailed):
        sap.verify(arrived._replace(url="http://hub/webhooks/sap/another"))


def test_payment_told_not_yet_is_never_booked_twice(system: SapSandbox, sap: Sap) -> None:
    billing = system.bill(delivery=system.deliver(ordered(sap)))
    allocations = [{"invoice": billing, "amount": Decimal("10.00"), "currency": "EUR"}]
    for _ in range(4):
        try:
            sap.push(write("payment", entry("10.00", allocations=allocations), PAYMENT))
        except NotYet:
            continue
        break
    assert len([one for one in system.kit.effects if one["kind"] == "JournalEntry"]) == 1
    assert system.check() == []


def test_payment_that_people_reverse_tells_its_day(system: SapSandbox, sap: Sap) -> None:
    paid = system.pay(BUYER, "50.00", [], mode="on_account")
    _, cursor = polled(sap)
    system.reverse_document(paid)
    found, _ = polled(sap, cursor)
    record = found["payment", paid].record
    assert record is not None
    assert record["cancelled_on"] is not None


def blocks(system: SapSandbox, number: str) -> set[str]:
    areas = system.store.find("A_CustomerSalesArea", Customer=number)
    return {str(one.get("OrderIsBlockedForCustomer") or "") for one in areas}


def test_customer_the_hub_blocks_gets_an_order_block_and_loses_only_that(
    system: SapSandbox, connect: Connect
) -> None:
    sap = connect(order_block="01")
    id = sap.push(write("customer", customer(blocked=False), CUSTOMER))
    assert blocks(system, id) == {""}
    for blocked, shown in ((True, "01"), (False, "")):
        sap.push(write("customer", customer(blocked=blocked), CUSTOMER, id))
        assert blocks(system, id) == {shown}
    (area,) = system.store.find("A_CustomerSalesArea", Customer=id)
    system.store.put("A_CustomerSalesArea", {**area, "OrderIsBlockedForCustomer": "05"})
    sap.push(write("customer", customer("Acme AG", blocked=False), CUSTOMER, id))
    assert blocks(system, id) == {"05"}


def test_customer_block_is_not_written_where_settings_name_no_reason(system: SapSandbox, sap: Sap) -> None:
    id = sap.push(write("customer", customer(blocked=True), CUSTOMER))
    assert blocks(system, id) == {""}


def test_payment_of_a_closed_month_is_cleared_today(system: SapSandbox, sap: Sap) -> None:
    billing = system.bill(delivery=system.deliver(ordered(sap)))
    before = DAY.replace(day=1) - timedelta(days=1)
    booked = sap.push(write("payment", entry("10.00", posting_date=before), PAYMENT))
    system.close_period("1010", before.isoformat())
    allocations = [{"invoice": billing, "amount": Decimal("10.00"), "currency": "EUR"}]
    late = write("payment", entry("10.00", posting_date=before, allocations=allocations), PAYMENT, booked)
    with pytest.raises(NotYet):
        sap.push(late)
    system.run_clearings()
    assert sap.push(late) == booked
    (item,) = sap.items([("invoice", billing)])
    assert item.open == Decimal("674.25")
