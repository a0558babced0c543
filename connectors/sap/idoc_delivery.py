"""DELVRY07: a delivery as A_OutbDeliveryHeader with its items; it has left once goods issue is posted."""

from __future__ import annotations

from datetime import date
from typing import Any

from connectors.sap.idoc_segments import Segment, children, day, key, number, problem, qualified, text

_GOODS_ISSUE = "006"  # of E1EDT13-QUALF; ISDD is the day it really happened, zeros until then
_Record = dict[str, Any]


def read(node: Segment, message: str) -> tuple[str, str, _Record]:
    """Kind, external id and record. Raises Unmappable."""
    head = node.find("{*}E1EDL20")
    delivery = key(head, "VBELN")
    if head is None or not delivery:
        raise problem("E1EDL20-VBELN", f"the delivery's number is missing in {message}")
    issued = day(qualified(head, "E1EDT13", "QUALF", _GOODS_ISSUE), "ISDD")
    items = [_item(one, bool(issued)) for one in children(head, "E1EDL24")]
    record = {
        "DeliveryDocument": delivery,
        "DeliveryDocumentType": text(head.find("{*}E1EDL21"), "LFART"),
        "SalesOrganization": text(head, "VKORG"),
        "ShippingPoint": text(head, "VSTEL"),
        "SoldToParty": _partner(head, "AG"),
        "ShipToParty": _partner(head, "WE"),
        "ActualGoodsMovementDate": issued,
        "OverallGoodsMovementStatus": "C" if issued else "A",
        "DeliveryDate": _planned(head),
        "BillOfLading": text(head, "BOLNR"),
        "MeansOfTransport": text(head, "TRAID"),
        "HandlingUnits": [units for one in children(head, "E1EDL37") if (units := text(one, "EXIDV"))],
        "to_DeliveryDocumentItem": items,
    }
    return "shipment", delivery, record


def _planned(head: Segment) -> date | None:
    return day(qualified(head, "E1EDT13", "QUALF", "007"), "NTANF")  # delivery, planned


def _partner(head: Segment, role: str) -> str:
    return key(qualified(head, "E1ADRM1", "PARTNER_Q", role), "PARTNER_ID")


def _item(line: Segment, issued: bool) -> _Record:
    quantity = number(line, "LFIMG")
    if quantity is None:
        raise problem("E1EDL24-LFIMG", f"item {text(line, 'POSNR')} has no quantity")
    more = line.find("{*}E1EDL26")
    theirs = qualified(line, "E1EDL41", "QUALI", "001")
    return {
        "DeliveryDocumentItem": key(line, "POSNR"),
        "DeliveryDocumentItemCategory": text(more, "PSTYV"),
        "GoodsMovementStatus": "C" if issued else "A",
        "HigherLevelItem": key(line, "HIPOS"),
        "Material": key(more, "MATNR_LONG") or key(line, "MATNR"),
        "MaterialByCustomer": text(line, "KDMAT35", "KDMAT"),
        "InternationalArticleNumber": text(line, "EAN11"),
        "DeliveryDocumentItemText": text(line, "ARKTX"),
        "ActualDeliveryQuantity": quantity,
        "DeliveryQuantityUnit": text(line, "VRKME"),
        "ReferenceSDDocument": key(line, "VGBEL"),
        "ReferenceSDDocumentItem": key(line, "VGPOS"),
        "PurchaseOrderByCustomer": text(theirs, "BSTNR"),
        "Batch": text(line, "CHARG"),
        "Plant": text(line, "WERKS"),
    }
