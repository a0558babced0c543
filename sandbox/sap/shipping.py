"""Outbound deliveries: from an order whole or in part, picking, goods issue and its reversal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal
from typing import Any

from sandbox.sap.odata import Sent
from sandbox.sap.order_prices import ITEM
from sandbox.sap.order_status import delivered, overall
from sandbox.sap.orders import ORDER, Orders
from sandbox.sap.refusals import business
from sandbox.sap.store import Row
from sandbox.sap.system import System, missing

HEAD, LINE, FLOW = "A_OutbDeliveryHeader", "A_OutbDeliveryItem", "A_OutbDeliveryDocFlow"
NAMES = frozenset({HEAD, LINE})


def _report(number: str, text: str) -> list[dict[str, str]]:
    return [
        {
            "__metadata": {"type": "API_OUTBOUND_DELIVERY_SRV.PickingReport"},  # type: ignore[dict-item]  # an object among texts
            "SystemMessageIdentification": "VL",
            "SystemMessageNumber": number,
            "SystemMessageType": "S",
            "SystemMessageVariable1": text,
        }
    ]


class Shipping:
    """The delivery application."""

    def __init__(self, system: System, orders: Orders) -> None:
        self.system, self.store, self.orders = system, system.store, orders

    def create(self, name: str, sent: Sent) -> Row:
        """A delivery by reference to the items of one order."""
        lines = [one.values for one in sent.nested.get("to_DeliveryDocumentItem", ())]
        if name != HEAD or not lines:
            raise missing("to_DeliveryDocumentItem")
        orders = {line.get("ReferenceSDDocument") for line in lines}
        if len(orders) != 1:
            raise business("VL/303", "Deliver the items of one order only")
        order = str(orders.pop() or "")
        open_ = self.open_items(order)
        wanted = {}
        for line in lines:
            item = str(line.get("ReferenceSDDocumentItem") or "")
            quantity = line.get("ActualDeliveryQuantity")
            wanted[item] = quantity if quantity is not None else open_.get(item, Decimal(0))
        made = self.deliver(order, wanted)
        self.store.effect("create", HEAD, made["DeliveryDocument"], order)
        return made

    def open_items(self, order: str) -> dict[str, Decimal]:
        """What can still be delivered of an order, by item."""
        done = delivered(self.system, order)
        found = {}
        for item in self.store.find(ITEM, SalesOrder=order):
            rest = item["RequestedQuantity"] - done.get(item["SalesOrderItem"], Decimal(0))
            goods = item["SalesOrderItemCategory"] == "TAN" and not item.get("SalesDocumentRjcnReason")
            if goods and rest > 0:
                found[item["SalesOrderItem"]] = rest
        return found

    def deliver(self, number: str, wanted: Mapping[str, Decimal] | None = None) -> Row:
        """A new delivery of these quantities, or of all that is open. Raises Refusal."""
        order = self.store.get(ORDER, number)
        if order is None:
            raise business("VL/302", f"Order {number} does not exist")
        if order.get("DeliveryBlockReason"):
            raise business(
                "VL/248", f"Order {number} is blocked for delivery: reason {order['DeliveryBlockReason']}"
            )
        open_ = self.open_items(number)
        quantities = dict(open_ if wanted is None else wanted)
        if not quantities:
            raise business("VL/461", f"No items of order {number} are due for delivery")
        for item, quantity in quantities.items():
            if quantity <= 0 or quantity > open_.get(item, Decimal(0)):
                text = f"Item {item}: only {open_.get(item, 0)} of order {number} can be delivered"
                raise business("VL/347", text)
        id = str(self.store.next("RV_BELEG/LF", 80000001))
        self._head(id, order)
        for at, (item, quantity) in enumerate(quantities.items(), 1):
            self._line(id, str(at * 10), order, item, quantity)
        self.orders.roll_up(number)
        row = self.store.get(HEAD, id)
        assert row is not None
        return row

    def _head(self, id: str, order: Row) -> None:
        partners = self.store.find("A_SalesOrderHeaderPartner", SalesOrder=order["SalesOrder"])
        ship_to = next(
            (p["Customer"] for p in partners if p["PartnerFunction"] == "SH"), order["SoldToParty"]
        )
        today = self.system.today()
        known = {"SalesOrganization", "SoldToParty", "TransactionCurrency", "ShippingCondition"}
        row = {
            **{one.name: "" for one in self.store[HEAD].of.properties.values() if one.type == "S"},
            **self.system.created(),
            **{k: order.get(k) or "" for k in known},
            "DeliveryDocument": id,
            "DeliveryDocumentType": "LF",
            "SDDocumentCategory": "J",
            "ShipToParty": ship_to,
            "DocumentDate": today,
            "DeliveryDate": order["RequestedDeliveryDate"],
            "PickingDate": today,
            "PlannedGoodsIssueDate": today,
            "ShippingPoint": order["SalesOrganization"],
            "Shippinglocationtimezone": "UTC",
            "Receivinglocationtimezone": "UTC",
            "DeliveryVersion": "0001",
            "OverallGoodsMovementStatus": "A",
            "OverallPickingStatus": "A",
            "OverallDelivReltdBillgStatus": "A",
            "OverallSDProcessStatus": "A",
        }
        self.store.put(HEAD, row)
        for function, customer in (("SP", order["SoldToParty"]), ("SH", ship_to)):
            told = {"SDDocument": id, "SDDocumentItem": "", "PartnerFunction": function, "Customer": customer}
            self.store.put("A_OutbDeliveryPartner", told)

    def _line(self, id: str, number: str, order: Row, item: str, quantity: Decimal) -> None:
        source = self.store.get(ITEM, order["SalesOrder"], item)
        assert source is not None
        product = self.store.get("A_Product", source["Material"]) or {}
        unit = source["RequestedQuantityUnit"]
        blank = {one.name: "" for one in self.store[LINE].of.properties.values() if one.type == "S"}
        told = {
            "DeliveryDocument": id,
            "DeliveryDocumentItem": number,
            "DeliveryDocumentItemCategory": "TAN",
            "DeliveryDocumentItemText": source["SalesOrderItemText"],
            "Material": source["Material"],
            "MaterialByCustomer": source.get("MaterialByCustomer") or "",
            "InternationalArticleNumber": product.get("ProductStandardID") or "",
            "ActualDeliveryQuantity": quantity,
            "ActualDeliveredQtyInBaseUnit": quantity,
            "OriginalDeliveryQuantity": quantity,
            "DeliveryQuantityUnit": unit,
            "BaseUnit": unit,
            "Plant": source.get("ProductionPlant") or "",
            "ReferenceSDDocument": order["SalesOrder"],
            "ReferenceSDDocumentItem": item,
            "ReferenceSDDocumentCategory": "C",
            "DeliveryVersion": "0001",
            "GoodsMovementStatus": "A",
            "PickingStatus": "A",
            "DeliveryRelatedBillingStatus": "A",
            "SDProcessStatus": "A",
        }
        self.store.put(LINE, {**blank, **self.system.created(), **told})
        self._flow(order["SalesOrder"], item, id, number, "J")

    def _flow(self, order: str, item: str, document: str, line: str, category: str) -> None:
        flow(self.system, order, item, document=document, line=line, category=category)

    def act(self, name: str, given: Mapping[str, str]) -> list[dict[str, str]]:
        """The function imports on a delivery."""
        number = given["DeliveryDocument"]
        if name == "PostGoodsIssue":
            self.issue(number)
        elif name == "ReverseGoodsIssue":
            self.reverse(number)
        else:
            self.pick(number)
        self.store.effect("update", HEAD, number, name)
        return _report("311", f"Delivery {number} has been saved")

    def _known(self, number: str) -> Row:
        row = self.store.get(HEAD, number)
        if row is None:
            raise business("VL/302", f"Delivery {number} does not exist")
        return row

    def pick(self, number: str) -> None:
        """All items picked."""
        self._mark(self._known(number), {"OverallPickingStatus": "C"}, {"PickingStatus": "C"})

    def issue(self, number: str, day: date | None = None) -> None:
        """Goods issue posted: the goods have left. Raises Refusal."""
        row = self._known(number)
        if row["OverallGoodsMovementStatus"] == "C":
            raise business("VL/609", f"Goods issue has already been posted for delivery {number}")
        day = day or self.system.today()
        self.system.open_period(row["SalesOrganization"], day)
        moved = {
            "OverallGoodsMovementStatus": "C",
            "ActualGoodsMovementDate": day,
            "OverallPickingStatus": "C",
        }
        moved["ActualGoodsMovementTime"] = self.system.now().time().replace(microsecond=0)
        self._mark(row, moved, {"GoodsMovementStatus": "C", "PickingStatus": "C", "GoodsMovementType": "601"})
        self.system.documents.append(("DESADV", number))

    def reverse(self, number: str) -> None:
        """Goods issue taken back, as long as nothing is billed."""
        row = self._known(number)
        if row["OverallGoodsMovementStatus"] != "C":
            raise business("VL/610", f"No goods issue has been posted for delivery {number}")
        if row["OverallDelivReltdBillgStatus"] != "A":
            raise business("VL/611", f"Delivery {number} has been billed: cancel the billing document first")
        back = {
            "OverallGoodsMovementStatus": "A",
            "ActualGoodsMovementDate": None,
            "ActualGoodsMovementTime": None,
        }
        self._mark(row, back, {"GoodsMovementStatus": "A", "GoodsMovementType": ""})

    def _mark(self, row: Row, head: dict[str, Any], line: dict[str, Any]) -> None:
        version = f"{int(row['DeliveryVersion']) + 1:04d}"
        stamps = {"DeliveryVersion": version, "LastChangeDate": self.system.today()}
        self.store.put(HEAD, {**row, **head, **stamps})
        for one in self.store.find(LINE, DeliveryDocument=row["DeliveryDocument"]):
            self.store.put(LINE, {**one, **line, **stamps})

    def update(self, name: str, row: Row, values: dict[str, Any]) -> Row:
        """Changed fields of a delivery, for example the bill of lading."""
        head = self._known(row["DeliveryDocument"])
        if name == LINE:
            self._change_quantity(head, row, values)
            self.store.put(LINE, {**row, **values})
            self._mark(head, {}, {})
        else:
            self._mark(head, values, {})
        self.store.effect("update", name, "/".join(self.store[name].key(row)), "")
        return row

    def _change_quantity(self, head: Row, row: Row, values: dict[str, Any]) -> None:
        quantity = values.get("ActualDeliveryQuantity")
        if quantity is None:
            return
        if head["OverallGoodsMovementStatus"] == "C":
            raise business("VL/612", "Goods issue has been posted: the quantity cannot be changed")
        rest = self.open_items(row["ReferenceSDDocument"]).get(row["ReferenceSDDocumentItem"], Decimal(0))
        if quantity > rest + row["ActualDeliveryQuantity"]:
            raise business("VL/347", "The delivery quantity exceeds the order")

    def remove(self, name: str, row: Row) -> None:
        """A delivery deleted before goods issue."""
        head = self._known(row["DeliveryDocument"])
        if name != HEAD or head["OverallGoodsMovementStatus"] == "C":
            raise business("VL/613", "The delivery cannot be deleted after goods issue")
        orders = set()
        for one in self.store.find(LINE, DeliveryDocument=row["DeliveryDocument"]):
            orders.add(one["ReferenceSDDocument"])
            self.store.remove(LINE, one)
        self.store.remove(HEAD, head)
        for order in orders:
            self.orders.roll_up(order)
        self.store.effect("delete", HEAD, row["DeliveryDocument"], "")

    def billed(self, number: str, done: Mapping[str, Decimal]) -> None:
        """The billing status of a delivery from the quantities billed by item; its version stays."""
        row = self._known(number)
        told = []
        for one in self.store.find(LINE, DeliveryDocument=number):
            quantity = done.get(one["DeliveryDocumentItem"], Decimal(0))
            status = "A" if not quantity else "C" if quantity >= one["ActualDeliveryQuantity"] else "B"
            told.append(status)
            self.store.put(LINE, {**one, "DeliveryRelatedBillingStatus": status, "SDProcessStatus": status})
        status = overall(told)
        self.store.put(
            HEAD, {**row, "OverallDelivReltdBillgStatus": status, "OverallSDProcessStatus": status}
        )


def flow(system: System, order: str, item: str, *, document: str, line: str, category: str) -> None:
    """Note a document that followed an order item (document flow)."""
    created = system.created()
    moments = {"CreationDate": created["CreationDate"], "CreationTime": created["CreationTime"] or time()}
    number = system.store.next("FLOW", 1)
    row = {
        "SalesOrder": order,
        "DocRelationshipUUID": f"00000000-0000-4000-8000-{number:012d}",
        "SubsequentDocument": document,
        "SubsequentDocumentCategory": category,
        "ProcessFlowLevel": "00",
        "LastChangeDate": created["LastChangeDate"],
        **moments,
    }
    system.store.put(
        "A_SalesOrderItmSubsqntProcFlow", {**row, "SalesOrderItem": item, "SubsequentDocumentItem": line}
    )
    known = system.store.find("A_SalesOrderSubsqntProcFlow", SalesOrder=order)
    if not any(one["SubsequentDocument"] == document for one in known):
        system.store.put("A_SalesOrderSubsqntProcFlow", {**row, "OverallSDProcessStatus": "A"})
