"""Sales orders: creation with prices, taxes and partners, changes, rejection, and the status roll-up."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sandbox.sap import pricing
from sandbox.sap.odata import Sent
from sandbox.sap.order_partners import ADDRESS, PARTNER, Partners
from sandbox.sap.order_prices import ITEM, Conditions
from sandbox.sap.order_status import billed, delivered, of_item, overall, rejection
from sandbox.sap.pricing import CONDITION
from sandbox.sap.refusals import business
from sandbox.sap.store import Row
from sandbox.sap.system import COMPANIES, CURRENCIES, TERMS, UNITS, System, missing

ORDER = "A_SalesOrder"
NAMES = frozenset(
    [
        ORDER, ITEM, CONDITION, PARTNER, ADDRESS, "A_SalesOrderItemPartner", "A_SalesOrderText",
        "A_SalesOrderItemText", "A_SalesOrderHeaderPrElement", "A_SalesOrderScheduleLine",
    ]
)  # fmt: skip
TYPES = frozenset({"OR", "CBFD"})
ITEMS_MAX = 999


class Orders:
    """The sales order application."""

    def __init__(self, system: System) -> None:
        self.system, self.store = system, system.store
        self.conditions, self.partners = Conditions(system), Partners(system)

    def create(self, name: str, sent: Sent) -> Row:
        """A new order, or a new item, condition, partner or text of one."""
        if name == ORDER:
            return self._order(sent)
        order = self._open(sent.values.get("SalesOrder"))
        if name == ITEM:
            made = self._item(order, sent)
        elif name == CONDITION:
            made = self.conditions.add(order, sent.values)
        else:
            made = self._plain(name, sent.values)
        self._reprice(order["SalesOrder"])
        self._changed(order["SalesOrder"])
        self.store.effect("create", name, "/".join(self.store[name].key(made)), _reference(order))
        return self.store.get(name, *self.store[name].key(made)) or made

    def _order(self, sent: Sent) -> Row:
        values = {
            "SalesOrderType": "OR",
            "DistributionChannel": "10",
            "OrganizationDivision": "00",
        } | sent.values
        area = self._area(values)
        self._repeated(values)
        number = str(self.store.next("RV_BELEG/OR", 1))
        today = self.system.today()
        row = {
            **{one.name: "" for one in self.store[ORDER].of.properties.values() if one.type == "S"},
            "SalesOrderDate": today,
            "PricingDate": today,
            "RequestedDeliveryDate": today,
            **{k: v for k, v in values.items() if v is not None},
            "SalesOrder": number,
            "TransactionCurrency": values.get("TransactionCurrency") or area["Currency"],
            "CustomerPaymentTerms": values.get("CustomerPaymentTerms") or area["CustomerPaymentTerms"],
            "TotalNetAmount": Decimal(0),
            **{k: v for k, v in self.system.created().items() if k != "CreationTime"},
            "LastChangeDateTime": self.system.stamp(),
        }
        self._valid(row)
        self.store.put(ORDER, row)
        self.partners.of_order(row, sent)
        for one in sent.nested.get("to_Text", ()):
            self._plain("A_SalesOrderText", {**one.values, "SalesOrder": number})
        items = sent.nested.get("to_Item", ())
        if len(items) > ITEMS_MAX:
            raise business("V1/380", f"A maximum of {ITEMS_MAX} items is possible")
        for one in items:
            self._item(row, one)
        for one in sent.nested.get("to_PricingElement", ()):
            self.conditions.for_all(row, one.values)
        self._reprice(number)
        self.store.effect("create", ORDER, number, _reference(row))
        self.roll_up(number)
        return self._known(number)

    def _known(self, number: str) -> Row:
        row = self.store.get(ORDER, number)
        assert row is not None
        return row

    def _area(self, values: Mapping[str, Any]) -> Row:
        for name in ("SalesOrganization", "SoldToParty"):
            if not values.get(name):
                raise missing(name)
        if values["SalesOrderType"] not in TYPES:
            raise business("V1/313", f"Sales document type {values['SalesOrderType']} is not defined")
        area = (values["SalesOrganization"], values["DistributionChannel"], values["OrganizationDivision"])
        if area[0] not in COMPANIES or area[1:] != ("10", "00"):
            raise business("V1/317", f"Sales area {' '.join(area)} is not defined for sales documents")
        customer = values["SoldToParty"]
        row = self.store.get("A_CustomerSalesArea", customer, *area)
        if row is None:
            raise business(
                "VP/199", f"Sold-to party {customer} not maintained for sales area {' '.join(area)}"
            )
        master = self.store.get("A_Customer", customer)
        if row.get("OrderIsBlockedForCustomer") or (master and master.get("OrderIsBlockedForCustomer")):
            raise business("VP/160", f"Customer {customer} is blocked for orders")
        return row

    def _repeated(self, values: Mapping[str, Any]) -> None:
        number = values.get("PurchaseOrderByCustomer")
        if not number:
            return
        others = self.store.find(ORDER, PurchaseOrderByCustomer=number, SoldToParty=values["SoldToParty"])
        if others:
            text = f"Purchase order number in document {others[0]['SalesOrder']} already exists"
            self.system.warn("V4/115", text)

    def _valid(self, row: Row) -> None:
        if row["TransactionCurrency"] not in CURRENCIES:
            raise business("SV/098", f"Entry {row['TransactionCurrency']} does not exist in TCURC")
        if row["CustomerPaymentTerms"] and row["CustomerPaymentTerms"] not in TERMS:
            raise business("V1/150", f"Terms of payment {row['CustomerPaymentTerms']} are not defined")

    def _item(self, order: Row, sent: Sent) -> Row:
        values = sent.values
        number = values.get("SalesOrderItem") or self._next_item(order["SalesOrder"])
        if self.store.get(ITEM, order["SalesOrder"], number) is not None:
            raise business("V1/505", f"Item {number} already exists in sales document {order['SalesOrder']}")
        material = values.get("Material") or ""
        product = self.store.get("A_Product", material)
        area = (order["SalesOrganization"], order["DistributionChannel"])
        if product is None or self.store.get("A_ProductSalesDelivery", material, *area) is None:
            where = f"sales org.{area[0]}, distr.chan.{area[1]}, language EN"
            raise business("V1/302", f"Material {material or '(none)'} is not defined for {where}")
        unit = self._unit(values, product["BaseUnit"])
        api = product["ProductType"] == "SERV"
        row = {
            **{one.name: "" for one in self.store[ITEM].of.properties.values() if one.type == "S"},
            "SalesOrderItemText": pricing.text_of(self.store, material),
            "ProductionPlant": order["SalesOrganization"],
            "CustomerPaymentTerms": order["CustomerPaymentTerms"],
            **{k: v for k, v in values.items() if v not in (None, "")},
            **unit,
            "SalesOrder": order["SalesOrder"],
            "SalesOrderItem": number,
            "SalesOrderItemCategory": "TAD" if api else "TAN",
            "TransactionCurrency": order["TransactionCurrency"],
            "RequestedQuantity": self._quantity(values),
            "MaterialGroup": product.get("ProductGroup") or "",
        }
        self.store.put(ITEM, row)
        self.conditions.of_item(order, row, sent)
        self._schedule(row, order)
        for one in sent.nested.get("to_Text", ()):
            keys = {"SalesOrder": order["SalesOrder"], "SalesOrderItem": number}
            self._plain("A_SalesOrderItemText", {**one.values, **keys})
        return row

    def _next_item(self, order: str) -> str:
        known = [int(row["SalesOrderItem"]) for row in self.store.find(ITEM, SalesOrder=order)]
        return str((max(known, default=0) // 10 + 1) * 10)

    def _unit(self, values: Mapping[str, Any], default: str) -> dict[str, str]:
        iso = {v: k for k, v in UNITS.items()} | {"PCE": "PC", "HUR": "H"}
        told = values.get("RequestedQuantityUnit") or values.get("RequestedQuantitySAPUnit")
        told = told or iso.get(values.get("RequestedQuantityISOUnit") or "", "") or default
        if told not in UNITS:
            raise business("BM/302", f"The unit {told} is not created in language EN")
        if told != default:
            raise business("V1/388", f"Conversion from unit {told} to {default} is not possible")
        names = ("RequestedQuantityUnit", "RequestedQuantitySAPUnit", "OrderQuantityUnit")
        return {**{name: told for name in names}, "RequestedQuantityISOUnit": UNITS[told]}

    def _quantity(self, values: Mapping[str, Any]) -> Decimal:
        quantity = values.get("RequestedQuantity")
        if quantity is None or quantity <= 0:
            raise missing("RequestedQuantity")
        return Decimal(quantity)

    def _schedule(self, item: Row, order: Row) -> None:
        keys = {
            "SalesOrder": item["SalesOrder"],
            "SalesOrderItem": item["SalesOrderItem"],
            "ScheduleLine": "1",
        }
        dates = {"RequestedDeliveryDate": order["RequestedDeliveryDate"]}
        dates["ConfirmedDeliveryDate"] = order["RequestedDeliveryDate"]
        quantity = item["RequestedQuantity"]
        told = {"ScheduleLineOrderQuantity": quantity, "ConfdOrderQtyByMatlAvailCheck": quantity}
        self.store.put(
            "A_SalesOrderScheduleLine",
            {**keys, **dates, **told, "OrderQuantityUnit": item["OrderQuantityUnit"]},
        )
        self.store.put(ITEM, {**item, "ConfdDelivQtyInOrderQtyUnit": quantity})

    def _plain(self, name: str, values: dict[str, Any]) -> Row:
        row = {one.name: "" for one in self.store[name].of.properties.values() if one.type == "S"} | values
        if "Language" in row:
            row["Language"] = row["Language"] or "EN"
        return self.store.put(name, row)

    def _open(self, number: Any) -> Row:
        order = self.store.get(ORDER, str(number or ""))
        if order is None:
            raise business("V1/302", f"Sales document {number} is not in the database or has been archived")
        self.system.free(order["SalesOrder"])
        return order

    def update(self, name: str, row: Row, values: dict[str, Any]) -> Row:
        """An order or a part of it with changed fields."""
        order = self._open(row["SalesOrder"])
        changed = {**row, **values}
        if name == ORDER:
            self._valid(changed)
        if name == ITEM:
            self._change_item(row, changed)
        if name == CONDITION:
            changed["ConditionIsManuallyChanged"] = True
        self.store.put(name, changed)
        self._reprice(order["SalesOrder"])
        self._changed(order["SalesOrder"])
        self.roll_up(order["SalesOrder"])
        self.store.effect("update", name, "/".join(self.store[name].key(row)), _reference(order))
        return changed

    def _change_item(self, row: Row, changed: Row) -> None:
        done = delivered(self.system, row["SalesOrder"]).get(row["SalesOrderItem"], Decimal(0))
        done = max(done, billed(self.system, row["SalesOrder"]).get(row["SalesOrderItem"], Decimal(0)))
        if changed["RequestedQuantity"] is None or changed["RequestedQuantity"] < done:
            text = f"The order quantity of item {row['SalesOrderItem']} is less than delivered ({done})"
            raise business("V1/391", text)
        if changed["Material"] != row["Material"]:
            raise business("V1/392", "The material of an item cannot be changed: reject the item")
        self._schedule(changed, self._known(row["SalesOrder"]))
        changed["ConfdDelivQtyInOrderQtyUnit"] = changed["RequestedQuantity"]

    def remove(self, name: str, row: Row) -> None:
        """An order or an item deleted, as long as nothing followed."""
        order = self._open(row["SalesOrder"])
        if name in (ORDER, ITEM) and (
            delivered(self.system, row["SalesOrder"]) or billed(self.system, row["SalesOrder"])
        ):
            raise business("V1/045", "Subsequent documents exist: the document cannot be deleted")
        for part in [n for n in NAMES if name == ORDER or (name == ITEM and n in (CONDITION, ITEM))]:
            for one in self.store.find(part, SalesOrder=row["SalesOrder"]):
                if name == ORDER or one["SalesOrderItem"] == row["SalesOrderItem"]:
                    self.store.remove(part, one)
        if name not in (ORDER, ITEM):
            self.store.remove(name, row)
        self.store.effect("delete", name, "/".join(self.store[name].key(row)), _reference(order))
        if name != ORDER:
            self._reprice(order["SalesOrder"])
            self._changed(order["SalesOrder"])
            self.roll_up(order["SalesOrder"])

    def _changed(self, number: str) -> None:
        row = self._known(number)
        stamps = {"LastChangeDateTime": self.system.stamp(row), "LastChangeDate": self.system.today()}
        self.store.put(ORDER, {**row, **stamps})

    def _reprice(self, number: str) -> None:
        order = self._known(number)
        total = Decimal(0)
        for item in self.store.find(ITEM, SalesOrder=number):
            priced = pricing.price(self.system, order, item)
            self.store.put(ITEM, {**item, **priced})
            if not item.get("SalesDocumentRjcnReason"):
                total += priced["NetAmount"]
        self.store.put(ORDER, {**order, "TotalNetAmount": total})

    def roll_up(self, number: str) -> None:
        """The status of items and order from what followed; the change stamp does not move."""
        out, invoiced = delivered(self.system, number), billed(self.system, number)
        items = self.store.find(ITEM, SalesOrder=number)
        shown = []
        for item in items:
            told = of_item(item, out, invoiced)
            shown.append(told)
            self.store.put(ITEM, {**item, **told})
        order = self._known(number)
        rejected = [bool(one.get("SalesDocumentRjcnReason")) for one in items]
        self.store.put(
            ORDER,
            {
                **order,
                "OverallDeliveryStatus": overall([one["DeliveryStatus"] for one in shown]),
                "OverallTotalDeliveryStatus": overall([one["DeliveryStatus"] for one in shown]),
                "OverallOrdReltdBillgStatus": overall([one["OrderRelatedBillingStatus"] for one in shown]),
                "OverallSDProcessStatus": overall([one["SDProcessStatus"] for one in shown]) or "A",
                "OverallSDDocumentRejectionSts": rejection(rejected),
            },
        )  # fmt: skip


def _reference(order: Row) -> str:
    return str(order.get("PurchaseOrderByShipToParty") or order.get("PurchaseOrderByCustomer") or "")
