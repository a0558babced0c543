"""The conditions of sales order items: those they come with, those people add, those of the header."""

from __future__ import annotations

from typing import Any

from sandbox.sap import pricing
from sandbox.sap.odata import Sent
from sandbox.sap.order_status import billed
from sandbox.sap.pricing import CONDITION
from sandbox.sap.refusals import business
from sandbox.sap.store import Row
from sandbox.sap.system import System

ITEM = "A_SalesOrderItem"


class Conditions:
    """Price elements of items."""

    def __init__(self, system: System) -> None:
        self.system, self.store = system, system.store

    def of_item(self, order: Row, item: Row, sent: Sent) -> None:
        """The conditions a new item comes with; the list price where it names no price."""
        keys = {k: item[k] for k in ("SalesOrder", "SalesOrderItem", "TransactionCurrency")}
        price = pricing.price_of(self.store, item["Material"], order["SalesOrganization"])
        told = [one.values for one in sent.nested.get("to_PricingElement", ())]
        if price is not None and not any(one.get("ConditionType") in pricing.PRICES for one in told):
            amount, currency = price
            default = {"ConditionType": "PPR0", "ConditionOrigin": "A"}
            told.insert(0, {**default, "ConditionRateValue": amount, "ConditionCurrency": currency})
        for one in told:
            self._put({**one, **keys}, manual=one.get("ConditionOrigin") != "A")

    def _put(self, values: dict[str, Any], *, manual: bool) -> Row:
        kind = values.get("ConditionType") or ""
        if kind not in pricing.TYPES:
            raise business(
                "V1/702", f"Condition type {kind or '(none)'} is missing in pricing procedure A YYJ1"
            )
        order, item = values["SalesOrder"], values["SalesOrderItem"]
        known = self.store.find(CONDITION, SalesOrder=order, SalesOrderItem=item)
        same = [one for one in known if one["ConditionType"] == kind]
        step = str(pricing.TYPES[kind].step)
        base = same[0] if same and kind in pricing.SINGLE else None
        counter = base["PricingProcedureCounter"] if base else str(len(same) + 1)
        row = {
            **{one.name: "" for one in self.store[CONDITION].of.properties.values() if one.type == "S"},
            **(base or {}),
            **{k: v for k, v in values.items() if v is not None},
            "PricingProcedureStep": step,
            "PricingProcedureCounter": counter,
            "ConditionIsManuallyChanged": manual,
        }
        row["ConditionCurrency"] = row.get("ConditionCurrency") or values["TransactionCurrency"]
        return self.store.put(CONDITION, row)

    def add(self, order: Row, values: dict[str, Any]) -> Row:
        """A condition by itself, of an item that is there. Raises Refusal."""
        item = self.store.get(ITEM, order["SalesOrder"], values.get("SalesOrderItem") or "")
        if item is None:
            raise business("V1/360", f"Item {values.get('SalesOrderItem')} does not exist")
        self._untouched(item)
        keys = {k: item[k] for k in ("SalesOrder", "SalesOrderItem", "TransactionCurrency")}
        return self._put({**values, **keys}, manual=True)

    def for_all(self, order: Row, values: dict[str, Any]) -> None:
        """A percentage of the header, for every item. Raises Refusal."""
        for item in self.store.find(ITEM, SalesOrder=order["SalesOrder"]):
            keys = {k: item[k] for k in ("SalesOrder", "SalesOrderItem", "TransactionCurrency")}
            if pricing.TYPES.get(values.get("ConditionType") or "", pricing.NONE).kind != "percent":
                raise business("V1/703", "Only percentages are possible as header conditions here")
            self._put({**values, **keys}, manual=True)

    def _untouched(self, item: Row) -> None:
        if billed(self.system, item["SalesOrder"]).get(item["SalesOrderItem"]):
            raise business(
                "V1/393", f"Item {item['SalesOrderItem']} has been billed: prices cannot be changed"
            )
