"""ORDERS05: an order as A_SalesOrder with its items, as SAP took it (ORDRSP) or as it was sent (ORDERS)."""

from __future__ import annotations

from datetime import date
from typing import Any

from connectors.sap.idoc_segments import Segment, children, day, key, number, problem, qualified, text

_Record = dict[str, Any]


def read(node: Segment, message: str) -> tuple[str, str, _Record]:
    """Kind, external id and record. Raises Unmappable.

    A confirmation (ORDRSP) is known by the sales order's number. A purchase order on its way (ORDERS,
    ORDCHG) has none yet: it is known by customer and purchase order number.
    """
    head = node.find("{*}E1EDK01")
    if head is None:
        raise problem("E1EDK01", "is missing: no order header")
    order = key(qualified(node, "E1EDK02", "QUALF", "002"), "BELNR")
    if message == "ORDRSP" and not order:
        order = key(head, "BELNR")
    purchase_order = qualified(node, "E1EDK02", "QUALF", "001")
    record = _header(node, head)
    record["PurchaseOrderByCustomer"] = text(purchase_order, "BELNR") or (
        text(head, "BELNR") if message != "ORDRSP" else ""
    )
    if message == "ORDRSP":
        if not order:
            raise problem("E1EDK02-BELNR", "the sales order's number (qualifier 002) is missing")
        external_id = record["SalesOrder"] = order
    else:
        external_id = _incoming(record)
    record["PurchaseOrderByShipToParty"] = text(qualified(node, "E1EDK02", "QUALF", "044"), "BELNR")
    record["to_Item"] = [_item(one, message) for one in children(node, "E1EDP01")]
    return "order", external_id, record


def _incoming(record: _Record) -> str:
    customer, purchase_order = record["SoldToParty"], record["PurchaseOrderByCustomer"]
    if not customer or not purchase_order:
        raise problem("E1EDK02-BELNR", "customer (E1EDKA1 AG) and purchase order number are needed")
    return f"{customer}:{purchase_order}"


def _header(node: Segment, head: Segment) -> _Record:
    def organisation(qualifier: str) -> str:
        return text(qualified(node, "E1EDK14", "QUALF", qualifier), "ORGID")

    def dated(*codes: str) -> date | None:
        return day(qualified(node, "E1EDK03", "IDDAT", *codes), "DATUM")

    sold_to = qualified(node, "E1EDKA1", "PARVW", "AG")
    return {
        "SalesOrderType": organisation("012"),
        "SalesOrganization": organisation("008"),
        "DistributionChannel": organisation("007"),
        "OrganizationDivision": organisation("006"),
        "SoldToParty": key(sold_to, "PARTN") or key(head, "RECIPNT_NO"),
        "ShipToParty": key(qualified(node, "E1EDKA1", "PARVW", "WE"), "PARTN", "LIFNR"),
        "TransactionCurrency": text(head, "CURCY"),
        "CustomerPaymentTerms": text(head, "ZTERM"),
        "SalesOrderDate": dated("025", "012"),
        "CustomerPurchaseOrderDate": dated("022") or _ordered(node),
        "RequestedDeliveryDate": dated("002"),
        "TotalNetAmount": number(qualified(node, "E1EDS01", "SUMID", "002"), "SUMME"),
    }


def _ordered(node: Segment) -> date | None:
    return day(qualified(node, "E1EDK02", "QUALF", "001"), "DATUM")


def _item(line: Segment, message: str) -> _Record:
    own = qualified(line, "E1EDP02", "QUALF", "002")
    theirs = qualified(line, "E1EDP02", "QUALF", "001")
    material = qualified(line, "E1EDP19", "QUALF", "002")
    by_customer = qualified(line, "E1EDP19", "QUALF", "001")
    gtin = qualified(line, "E1EDP19", "QUALF", "003")
    quantity = number(line, "MENGE")
    if quantity is None:
        raise problem("E1EDP01-MENGE", f"item {text(line, 'POSEX')} has no quantity")
    return {
        "SalesOrderItem": key(own, "ZEILE") or (key(line, "POSEX") if message == "ORDRSP" else ""),
        "ExternalItemID": key(line, "POSEX"),
        "UnderlyingPurchaseOrderItem": key(theirs, "ZEILE") or key(line, "POSEX"),
        "PurchaseOrderByCustomer": text(theirs, "BELNR"),
        "PurchaseOrderByShipToParty": text(qualified(line, "E1EDP02", "QUALF", "044"), "BELNR"),
        "SalesOrderItemCategory": text(line, "PSTYV"),
        "Material": key(material, "IDTNR_LONG", "IDTNR"),
        "MaterialByCustomer": text(by_customer, "IDTNR_LONG", "IDTNR"),
        "InternationalArticleNumber": text(gtin, "IDTNR"),
        "SalesOrderItemText": text(material, "KTEXT") or text(by_customer, "KTEXT"),
        "RequestedQuantity": quantity,
        "RequestedQuantityUnit": text(line, "MENEE"),
        "RequestedQuantityISOUnit": text(line, "MENEE"),
        "TransactionCurrency": text(line, "CURCY"),
        "NetPriceAmount": number(line, "VPREI"),
        "NetPriceQuantity": number(line, "PEINH"),
        "NetAmount": number(line, "NETWR"),
        "ProductionPlant": text(line, "WERKS"),
        "SalesDocumentRjcnReason": text(line, "ABGRS"),
        "RequestedDeliveryDate": day(line.find("{*}E1EDP20"), "EDATU"),
    }
