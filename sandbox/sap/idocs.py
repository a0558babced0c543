"""IDocs as XML over HTTP: what the system sends after goods issue and billing, and the orders it takes in."""

from __future__ import annotations

import urllib.request
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from lxml import etree

from sandbox.sap.odata import Answer, Ask, Sent
from sandbox.sap.refusals import Refusal, bad_request, business
from sandbox.sap.soap import child, children, text
from sandbox.sap.store import Row
from sandbox.sap.system import UNITS
from sandbox.sap.values import exact, padded, unpadded

if TYPE_CHECKING:
    from sandbox.sap.simulator import SapSandbox

SEND_SECONDS = 10
SENT_MAX = 100_000
Node = tuple[str, Any]
TYPES = {"DESADV": "DELVRY07", "INVOIC": "INVOIC02"}


def _ymd(value: date | None) -> str:
    return value.strftime("%Y%m%d") if value else ""


def written(name: str, inside: Any) -> str:
    """A segment with its fields and child segments; empty fields are left out."""
    if not isinstance(inside, list):
        return f"<{name}>{escape(str(inside))}</{name}>" if inside not in ("", None) else ""
    body = "".join(written(*one) for one in inside)
    return f'<{name} SEGMENT="1">{body}</{name}>'


class IDocs:
    """The IDoc interface of the system."""

    def __init__(self, sap: SapSandbox) -> None:
        self.sap = sap
        self.url = ""
        self.copies = 1
        self.sent: list[dict[str, Any]] = []

    def make(self, kind: str, number: str) -> str:
        """The IDoc of a delivery (DESADV) or a billing document (INVOIC)."""
        segments = self._delivery(number) if kind == "DESADV" else self._invoice(number)
        id = f"{self.sap.store.next('EDIDC', 1):016d}"
        now = self.sap.system.now()
        control: list[Node] = [
            ("TABNAM", "EDI_DC40"), ("MANDT", "100"), ("DOCNUM", id), ("DOCREL", "758"), ("STATUS", "30"),
            ("DIRECT", "1"), ("OUTMOD", "2"), ("IDOCTYP", TYPES[kind]), ("MESTYP", kind),
            ("SNDPOR", "SAPS4H"),
            ("SNDPRT", "LS"), ("SNDPRN", "S4HCLNT100"), ("RCVPOR", "O2CHUB"), ("RCVPRT", "KU"),
            ("RCVPRN", "O2CHUB"), ("CREDAT", now.strftime("%Y%m%d")), ("CRETIM", now.strftime("%H%M%S")),
            ("SERIAL", now.strftime("%Y%m%d%H%M%S")),
        ]  # fmt: skip
        body = written("EDI_DC40", control) + "".join(written(*one) for one in segments)
        name = TYPES[kind]
        return f'<?xml version="1.0" encoding="UTF-8"?><{name}><IDOC BEGIN="1">{body}</IDOC></{name}>'

    def _delivery(self, number: str) -> list[Node]:
        store = self.sap.store
        head = store.get("A_OutbDeliveryHeader", number)
        if head is None:
            raise business("VL/302", f"Delivery {number} does not exist")
        inside: list[Node] = [
            ("VBELN", padded(number)), ("VSTEL", head["ShippingPoint"]), ("VKORG", head["SalesOrganization"]),
            ("BOLNR", head.get("BillOfLading")), ("PODAT", _ymd(head.get("ActualGoodsMovementDate"))),
            ("E1EDL21", [("LFART", head["DeliveryDocumentType"])]),
        ]  # fmt: skip
        for function, customer in (("AG", head["SoldToParty"]), ("WE", head["ShipToParty"])):
            name = (store.get("A_Customer", customer) or {}).get("CustomerName")
            partner: list[Node] = [("PARTNER_Q", function), ("PARTNER_ID", padded(customer)), ("NAME1", name)]
            inside.append(("E1ADRM1", partner))
        for qualifier, moment in (
            ("007", head["DeliveryDate"]),
            ("006", head.get("ActualGoodsMovementDate")),
        ):
            inside.append(
                ("E1EDT13", [("QUALF", qualifier), ("NTANF", _ymd(moment)), ("NTEND", _ymd(moment))])
            )
        for one in store.find("A_OutbDeliveryItem", DeliveryDocument=number):
            inside.append(("E1EDL24", self._delivered(one)))
        return [("E1EDL20", inside)]

    def _delivered(self, one: Row) -> list[Node]:
        order = self.sap.store.get("A_SalesOrder", one["ReferenceSDDocument"]) or {}
        unit = UNITS.get(one["DeliveryQuantityUnit"], one["DeliveryQuantityUnit"])
        reference: list[Node] = [
            ("QUALI", "001"), ("BSTNR", order.get("PurchaseOrderByCustomer")),
            ("BSTDT", _ymd(order.get("CustomerPurchaseOrderDate"))),
            ("POSEX", one["ReferenceSDDocumentItem"].zfill(6)),
        ]  # fmt: skip
        own: list[Node] = [
            ("QUALF", "C"), ("BELNR", padded(one["ReferenceSDDocument"])),
            ("POSNR", one["ReferenceSDDocumentItem"].zfill(6)),
        ]  # fmt: skip
        return [
            ("POSNR", one["DeliveryDocumentItem"].zfill(6)), ("MATNR", one["Material"]),
            ("ARKTX", one["DeliveryDocumentItemText"]), ("WERKS", one["Plant"]),
            ("LFIMG", f"{one['ActualDeliveryQuantity']:.3f}"), ("VRKME", unit),
            ("LGMNG", f"{one['ActualDeliveryQuantity']:.3f}"), ("MEINS", unit),
            ("EAN11", one["InternationalArticleNumber"]),
            ("VGBEL", padded(one["ReferenceSDDocument"])), ("VGPOS", one["ReferenceSDDocumentItem"].zfill(6)),
            ("E1EDL43", own), ("E1EDL41", reference),
        ]  # fmt: skip

    def _invoice(self, number: str) -> list[Node]:
        store = self.sap.store
        head = store.get("A_BillingDocument", number)
        if head is None:
            raise business("VF/001", f"Billing document {number} does not exist")
        items = store.find("A_BillingDocumentItem", BillingDocument=number)
        kind = "CRME" if head["BillingDocumentType"] == "G2" else "INVO"
        found: list[Node] = [
            ("E1EDK01", [
                ("CURCY", head["TransactionCurrency"]), ("HWAER", head["TransactionCurrency"]),
                ("ZTERM", head["CustomerPaymentTerms"]), ("BSART", kind), ("BELNR", padded(number)),
                ("FKART_RL", "LR"), ("RECIPNT_NO", padded(head["PayerParty"])),
            ]),
        ]  # fmt: skip
        for function, customer in (
            ("AG", head["SoldToParty"]),
            ("RE", head["PayerParty"]),
            ("RG", head["PayerParty"]),
        ):
            name = (store.get("A_Customer", customer) or {}).get("CustomerName")
            found.append(("E1EDKA1", [("PARVW", function), ("PARTN", padded(customer)), ("NAME1", name)]))
        orders = sorted({one["SalesDocument"] for one in items if one["SalesDocument"]})
        deliveries = sorted(
            {one["ReferenceSDDocument"] for one in items if one["ReferenceSDDocumentCategory"] == "J"}
        )
        named = [
            ("009", padded(number), head["BillingDocumentDate"]),
            ("001", head["PurchaseOrderByCustomer"], None),
        ]
        named += [("002", padded(one), None) for one in orders] + [
            ("012", padded(one), None) for one in deliveries
        ]
        for qualifier, document, moment in named:
            found.append(("E1EDK02", [("QUALF", qualifier), ("BELNR", document), ("DATUM", _ymd(moment))]))
        found += self._dates(head)
        found += [("E1EDP01", self._billed(one, str(at * 10))) for at, one in enumerate(items, 1)]
        for qualifier, amount in (
            ("010", head["TotalNetAmount"]),
            ("005", head["TaxAmount"]),
            ("011", head["TotalGrossAmount"]),
        ):
            found.append(
                (
                    "E1EDS01",
                    [
                        ("SUMID", qualifier),
                        ("SUMME", f"{amount:.2f}"),
                        ("WAERQ", head["TransactionCurrency"]),
                    ],
                )
            )
        return found

    def _dates(self, head: Row) -> list[Node]:
        due = self.sap.application.billing.due(head)
        told = (("026", head["BillingDocumentDate"]), ("011", head["CreationDate"]), ("028", due))
        return [("E1EDK03", [("IDDAT", qualifier), ("DATUM", _ymd(moment))]) for qualifier, moment in told]

    def _billed(self, one: Row, number: str) -> list[Node]:
        unit = UNITS.get(one["BillingQuantityUnit"], one["BillingQuantityUnit"])
        order = self.sap.store.get("A_SalesOrder", one["SalesDocument"]) or {}
        line = one["SalesDocumentItem"].zfill(6)
        rate = (one["TaxAmount"] / one["NetAmount"] * 100) if one["NetAmount"] else Decimal(0)
        inside: list[Node] = [
            ("POSEX", number.zfill(6)), ("MENGE", f"{one['BillingQuantity']:.3f}"), ("MENEE", unit),
            ("WERKS", one["Plant"]),
            ("E1EDP02", [("QUALF", "001"), ("BELNR", order.get("PurchaseOrderByCustomer")), ("ZEILE", line)]),
            ("E1EDP02", [("QUALF", "002"), ("BELNR", padded(one["SalesDocument"])), ("ZEILE", line)]),
        ]  # fmt: skip
        if one["ReferenceSDDocumentCategory"] == "J":
            delivery = [
                ("QUALF", "016"),
                ("BELNR", padded(one["ReferenceSDDocument"])),
                ("ZEILE", one["ReferenceSDDocumentItem"].zfill(6)),
            ]
            inside.append(("E1EDP02", delivery))
        material = [("QUALF", "002"), ("IDTNR", one["Material"]), ("KTEXT", one["BillingDocumentItemText"])]
        inside.append(("E1EDP19", material))
        if one["InternationalArticleNumber"]:
            inside.append(("E1EDP19", [("QUALF", "003"), ("IDTNR", one["InternationalArticleNumber"])]))
        inside.append(("E1EDP26", [("QUALF", "003"), ("BETRG", f"{one['NetAmount']:.2f}")]))
        price = one["NetAmount"] / one["BillingQuantity"] if one["BillingQuantity"] else Decimal(0)
        inside.append(("E1EDP26", [("QUALF", "001"), ("BETRG", f"{price:.2f}")]))
        tax = [("MWSKZ", "MWST"), ("MSATZ", f"{rate:.3f}"), ("MWSBT", f"{one['TaxAmount']:.2f}")]
        inside.append(("E1EDP04", tax))
        return inside

    def send(self, kind: str, number: str) -> None:
        """Send an IDoc to the configured address, as often as configured; what happened is kept."""
        xml = self.make(kind, number)
        for _ in range(max(1, self.copies)):
            status = self._post(xml) if self.url else 0
            if len(self.sent) < SENT_MAX:
                self.sent.append({"kind": kind, "number": number, "status": status, "xml": xml})

    def _post(self, xml: str) -> int:
        headers = {"content-type": "application/xml; charset=utf-8"}
        request = urllib.request.Request(self.url, xml.encode(), headers, method="POST")  # noqa: S310 - the address is the test's own
        try:
            with urllib.request.urlopen(request, timeout=SEND_SECONDS) as reply:  # noqa: S310 - as above
                return int(reply.status)
        except OSError as no:
            return int(getattr(no, "code", 0))

    def take(self, ask: Ask) -> Answer:
        """An inbound ORDERS05: a sales order for the customer named as AG."""
        try:
            root = etree.fromstring(ask.body, etree.XMLParser(resolve_entities=False, no_network=True))
        except etree.XMLSyntaxError as no:
            raise bad_request(f"IDoc cannot be read: {no}") from None
        document = child(root, "IDOC")
        if root.tag != "ORDERS05" or document is None:
            raise bad_request("Basic type not supported: ORDERS05 is expected")
        with self.sap.changing():
            row = self.sap.application.create("A_SalesOrder", self._order(document))
        return Answer(200, f"<RESULT><VBELN>{padded(row['SalesOrder'])}</VBELN></RESULT>", "application/xml")

    def _order(self, document: Any) -> Sent:
        head = child(document, "E1EDK01")
        partners = {text(one, "PARVW"): text(one, "PARTN") for one in children(document, "E1EDKA1")}
        areas = {text(one, "QUALF"): text(one, "ORGID") for one in children(document, "E1EDK14")}
        numbers = {text(one, "QUALF"): text(one, "BELNR") for one in children(document, "E1EDK02")}
        if not partners.get("AG"):
            raise business("VG/202", "EDI: Sold-to party is missing")
        if len(partners["AG"]) < 10 and partners["AG"].isdigit():
            raise business(
                "VG/202", f"EDI: Partner {partners['AG']} is not known: numbers come with leading zeros"
            )
        values = {
            "SalesOrganization": areas.get("008", ""),
            "DistributionChannel": areas.get("007", "10"),
            "OrganizationDivision": areas.get("006", "00"),
            "SalesOrderType": areas.get("012", "OR"),
            "SoldToParty": unpadded(partners["AG"]),
            "PurchaseOrderByCustomer": numbers.get("001", ""),
            "TransactionCurrency": text(head, "CURCY") if head is not None else "",
        }
        items = [self._item(one) for one in children(document, "E1EDP01")]
        return Sent({k: v for k, v in values.items() if v}, {"to_Item": items})

    def _item(self, one: Any) -> Sent:
        names = {text(part, "QUALF"): text(part, "IDTNR") for part in children(one, "E1EDP19")}
        material = names.get("002") or ""
        if not material and names.get("003"):
            found = self.sap.store.find("A_Product", ProductStandardID=names["003"])
            material = found[0]["Product"] if found else ""
        try:
            quantity = exact(text(one, "MENGE"))
        except InvalidOperation:
            raise business("VG/205", "EDI: quantity is missing in an item") from None
        unit = text(one, "MENEE")
        values = {"Material": material, "RequestedQuantity": quantity}
        if unit:
            values["RequestedQuantityISOUnit"] = unit
        sent = Sent(values, {})
        price = text(one, "VPREI")
        if price:
            try:
                rate = exact(price)
            except InvalidOperation:
                raise Refusal(400, "VG/206", "EDI: the price of an item is not a number") from None
            sent.nested["to_PricingElement"] = [
                Sent({"ConditionType": "PPR0", "ConditionRateValue": rate}, {})
            ]
        return sent
