"""Orders through delivery and billing, as a program and as people see them."""

from __future__ import annotations

import base64
from decimal import Decimal

from tests.sandbox.sap.place import ROOT, Place

SRV = "API_SALES_ORDER_SRV"
DELIVERY = "API_OUTBOUND_DELIVERY_SRV;v=0002"
BILLING = "API_BILLING_DOCUMENT_SRV"


def test_an_order_is_created_with_its_items_prices_and_taxes(place: Place) -> None:
    made = place.order("hub-1", [("TG12", "10"), ("TG11", "2")])
    assert (made["SalesOrder"], made["TotalNetAmount"], made["TransactionCurrency"]) == (
        "1",
        "1035.00",
        "EUR",
    )
    items = made["to_Item"]["results"]
    assert [(i["SalesOrderItem"], i["Material"], i["NetAmount"], i["TaxAmount"]) for i in items] == [
        ("10", "TG12", "1000.00", "190.00"),
        ("20", "TG11", "35.00", "6.65"),
    ]
    assert place.sap.kit.effects[-1]["kind"] == "A_SalesOrder"
    assert place.sap.kit.effects[-1]["reference"] == "hub-1"


def test_a_sent_price_condition_replaces_the_list_price_and_discounts_count(place: Place) -> None:
    item = {
        "Material": "TG12", "RequestedQuantity": "3",
        "to_PricingElement": [
            {"ConditionType": "PPR0", "ConditionRateValue": "33.333333333", "ConditionCurrency": "EUR"},
            {"ConditionType": "RA00", "ConditionRateValue": "-10.000000000"},
        ],
    }  # fmt: skip
    made = place.order("p", to_Item=[item])
    assert made["TotalNetAmount"] == "90.00"
    conditions = made["to_Item"]["results"][0]["to_PricingElement"]["results"]
    assert {one["ConditionType"]: one["ConditionAmount"] for one in conditions} == {
        "PPR0": "100.00", "RA00": "-10.00", "TTX1": "17.10",
    }  # fmt: skip


def test_unknown_customers_materials_and_long_references_are_refused(place: Place) -> None:
    for change, text in (
        ({"SoldToParty": "999"}, "Sold-to party 999"),
        ({"to_Item": [{"Material": "NOPE", "RequestedQuantity": "1"}]}, "Material NOPE"),
        ({"PurchaseOrderByCustomer": "x" * 36}, "PurchaseOrderByCustomer"),
        ({"Nonsense": "1"}, "Nonsense"),
    ):
        body = {"SalesOrderType": "OR", "SalesOrganization": "1010", "SoldToParty": "10100001", **change}
        reply = place.post(SRV, "A_SalesOrder", body)
        assert reply.status_code == 400
        assert text in reply.json()["error"]["message"]["value"]
        assert reply.json()["error"]["innererror"]["errordetails"]
    assert place.sap.count("A_SalesOrder") == 0


def test_a_repeated_purchase_order_number_is_only_a_warning(place: Place) -> None:
    place.order("a", PurchaseOrderByCustomer="PO-1")
    body = {"SalesOrganization": "1010", "SoldToParty": "10100001", "PurchaseOrderByCustomer": "PO-1"}
    reply = place.post(SRV, "A_SalesOrder", body)
    assert reply.status_code == 201
    assert "already exists" in reply.headers["sap-message"]


def test_changes_need_the_etag_byte_for_byte(place: Place) -> None:
    made = place.order("a")
    url, tag = f"{ROOT}{SRV}/A_SalesOrder('1')", made["__metadata"]["etag"]
    change = {"HeaderBillingBlockReason": "01"}
    assert place.http.patch(url, json=change).status_code == 428
    assert place.http.patch(url, json=change, headers={"if-match": tag}).status_code == 204
    assert place.http.patch(url, json=change, headers={"if-match": tag}).status_code == 412
    merged = place.http.post(
        url, json={"HeaderBillingBlockReason": ""}, headers={"if-match": "*", "x-http-method": "MERGE"}
    )
    assert merged.status_code == 204
    assert place.get(SRV, "A_SalesOrder('0000000001')")["HeaderBillingBlockReason"] == ""


def test_a_rejected_item_leaves_the_total_and_ends(place: Place) -> None:
    place.order("a", [("TG12", "1"), ("TG12", "2")])
    url = f"{ROOT}{SRV}/A_SalesOrderItem(SalesOrder='1',SalesOrderItem='20')"
    assert place.http.patch(url, json={"SalesDocumentRjcnReason": "61"}).status_code == 204
    order = place.get(SRV, "A_SalesOrder('1')")
    assert (order["TotalNetAmount"], order["OverallSDDocumentRejectionSts"]) == ("100.00", "B")


def test_an_item_added_later_hangs_on_its_order(place: Place) -> None:
    place.order("a")
    reply = place.post(SRV, "A_SalesOrder('1')/to_Item", {"Material": "TG11", "RequestedQuantity": "1"})
    assert (reply.status_code, reply.json()["d"]["SalesOrderItem"]) == (201, "20")
    assert place.get(SRV, "A_SalesOrder('1')")["TotalNetAmount"] == "1017.50"


def test_an_order_that_somebody_has_open_is_locked(place: Place) -> None:
    made = place.order("a")
    place.sap.lock_order("1", times=1)
    url, match = f"{ROOT}{SRV}/A_SalesOrder('1')", {"if-match": made["__metadata"]["etag"]}
    refused = place.http.patch(url, json={"DeliveryBlockReason": "01"}, headers=match)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "V1/042")
    assert place.http.patch(url, json={"DeliveryBlockReason": "01"}, headers=match).status_code == 204


def test_delivery_and_billing_roll_up_without_moving_the_change_stamp(place: Place) -> None:
    made = place.order("a", [("TG12", "10")])
    first = place.sap.deliver("1", {"10": 4})
    order = place.get(SRV, "A_SalesOrder('1')", **{"$expand": "to_SubsequentProcFlowDoc"})
    assert order["OverallDeliveryStatus"] == "B"
    assert order["LastChangeDateTime"] == made["LastChangeDateTime"]
    assert order["to_SubsequentProcFlowDoc"]["results"][0]["SubsequentDocument"] == first
    rest = place.sap.deliver("1")
    lines = place.get(DELIVERY, f"A_OutbDeliveryHeader('{rest}')/to_DeliveryDocumentItem")["results"]
    assert [(one["ReferenceSDDocumentItem"], one["ActualDeliveryQuantity"]) for one in lines] == [("10", "6")]
    assert place.get(SRV, "A_SalesOrder('1')")["OverallSDProcessStatus"] == "C"
    invoices = [place.sap.bill(delivery=one) for one in (first, rest)]
    totals = [place.get(BILLING, f"A_BillingDocument('{one}')")["TotalGrossAmount"] for one in invoices]
    assert totals == ["476.00", "714.00"]
    assert place.sap.check() == []


def test_goods_issue_over_the_interface_wants_the_version(place: Place) -> None:
    place.order("a")
    number = place.sap.deliver("1", issue=False)
    url = f"{ROOT}{DELIVERY}/PostGoodsIssue"
    given = {"DeliveryDocument": f"'{number}'"}
    assert place.http.post(url, params=given).status_code == 428
    tag = place.get(DELIVERY, f"A_OutbDeliveryHeader('{number}')")["__metadata"]["etag"]
    posted = place.http.post(url, params=given, headers={"if-match": tag})
    assert posted.status_code == 200
    head = place.get(DELIVERY, f"A_OutbDeliveryHeader('{number}')")
    assert head["OverallGoodsMovementStatus"] == "C"


def test_what_is_not_delivered_cannot_be_billed_nor_more_than_ordered_delivered(place: Place) -> None:
    place.order("a")
    answers = [
        place.http.post("/_sandbox/do/deliver", json={"order": "1", "quantities": {"10": "11"}}),
        place.http.post("/_sandbox/do/bill", json={"order": "1"}),
    ]
    assert [one.status_code for one in answers] == [400, 400]
    assert "10 of order 1" in answers[0].json()["error"]


def test_services_are_billed_from_the_order(place: Place) -> None:
    place.order("a", [("SRV01", "2.5")])
    number = place.sap.bill(order="1")
    bill = place.get(BILLING, f"A_BillingDocument('{number}')", **{"$expand": "to_Item"})
    assert (bill["TotalNetAmount"], bill["to_Item"]["results"][0]["SalesDocumentItem"]) == ("300.00", "10")
    assert place.get(SRV, "A_SalesOrder('1')")["OverallOrdReltdBillgStatus"] == "C"


def test_a_billing_document_is_cancelled_and_billed_again(place: Place) -> None:
    place.order("a")
    delivery = place.sap.deliver("1")
    number = place.sap.bill(delivery=delivery)
    before = place.get(BILLING, f"A_BillingDocument('{number}')")
    reply = place.http.post(
        f"{ROOT}{BILLING}/Cancel", params={"BillingDocument": f"'{number}'"},
        headers={"if-match": before["__metadata"]["etag"]},
    )  # fmt: skip
    cancelling = reply.json()["d"]["results"][0]["CancellationBillingDocument"]
    after = place.get(BILLING, f"A_BillingDocument('{number}')")
    assert after["BillingDocumentIsCancelled"] is True
    assert after["LastChangeDateTime"] != before["LastChangeDateTime"]
    assert place.get(BILLING, f"A_BillingDocument('{cancelling}')")["BillingDocumentType"] == "S1"
    assert place.sap.books() == {}
    again = place.sap.bill(delivery=delivery)
    assert again not in (number, cancelling)
    assert place.sap.check() == []


def test_the_pdf_of_an_invoice_is_a_pdf(place: Place) -> None:
    place.order("a")
    number = place.sap.bill(delivery=place.sap.deliver("1"))
    told = place.get(BILLING, "GetPDF", BillingDocument=f"'{number}'")
    assert base64.b64decode(told["GetPDF"]["BillingDocumentBinary"]).startswith(b"%PDF-1.4")


def test_a_closed_period_leaves_the_invoice_unposted_until_it_is_released(place: Place) -> None:
    place.order("a")
    delivery = place.sap.deliver("1")
    place.sap.close_period("1010", place.sap.system.today().isoformat())
    number = place.sap.bill(delivery=delivery)
    assert place.get(BILLING, f"A_BillingDocument('{number}')")["AccountingPostingStatus"] == "A"
    place.sap.open_periods("1010")
    place.sap.release_billing(number)
    assert place.get(BILLING, f"A_BillingDocument('{number}')")["AccountingPostingStatus"] == "C"


def test_a_billing_block_keeps_the_invoice_back(place: Place) -> None:
    place.order("a")
    delivery = place.sap.deliver("1")
    place.sap.set_billing_block("1")
    refused = place.http.post("/_sandbox/do/bill", json={"delivery": delivery})
    assert "billing block 01" in refused.json()["error"]
    place.sap.set_billing_block("1", "")
    assert place.sap.bill(delivery=delivery)


def test_a_credit_memo_lowers_what_the_customer_owes(place: Place) -> None:
    place.order("a")
    number = place.sap.bill(delivery=place.sap.deliver("1"))
    credit = place.sap.credit_memo(billing=number, lines=[["10", "2"]])
    row = place.get(BILLING, f"A_BillingDocument('{credit}')")
    assert (row["BillingDocumentType"], row["TotalGrossAmount"]) == ("G2", "238.00")
    assert place.sap.books()["1010/10100001"]["open"] == {"EUR": Decimal("952.00")}
    assert place.sap.check() == []


def test_the_price_of_an_order_changed_by_hand_moves_its_stamp(place: Place) -> None:
    made = place.order("a")
    place.sap.change_price("1", "10", "90")
    after = place.get(SRV, "A_SalesOrder('1')")
    assert after["TotalNetAmount"] == "900.00"
    assert after["LastChangeDateTime"] != made["LastChangeDateTime"]
