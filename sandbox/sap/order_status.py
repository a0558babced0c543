"""How far sales orders have come: what of them is delivered and billed, and the statuses that follow."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from sandbox.sap.store import Row
from sandbox.sap.system import System


def delivered(system: System, order: str) -> dict[str, Decimal]:
    """The quantity in deliveries per order item, issued or not."""
    found: dict[str, Decimal] = {}
    for row in system.store.find("A_OutbDeliveryItem", ReferenceSDDocument=order):
        item = row["ReferenceSDDocumentItem"]
        found[item] = found.get(item, Decimal(0)) + row["ActualDeliveryQuantity"]
    return found


def billed(system: System, order: str) -> dict[str, Decimal]:
    """The quantity in living invoices per order item."""
    found: dict[str, Decimal] = {}
    for row in system.store.find("A_BillingDocumentItem", SalesDocument=order):
        head = system.store.get("A_BillingDocument", row["BillingDocument"])
        assert head is not None
        if head["BillingDocumentType"] == "F2" and not head["BillingDocumentIsCancelled"]:
            item = row["SalesDocumentItem"]
            found[item] = found.get(item, Decimal(0)) + row["BillingQuantity"]
    return found


def of_item(item: Row, out: Mapping[str, Decimal], invoiced: Mapping[str, Decimal]) -> dict[str, str]:
    api = item["SalesOrderItemCategory"] == "TAD"
    if item.get("SalesDocumentRjcnReason"):
        ended = {
            "DeliveryStatus": "" if api else "C",
            "OrderRelatedBillingStatus": "C" if api else "",
        }
        return {**ended, "SDProcessStatus": "C"}
    ordered, number = item["RequestedQuantity"], item["SalesOrderItem"]
    done = _progress(ordered, (invoiced if api else out).get(number, Decimal(0)))
    names = (
        ("OrderRelatedBillingStatus", "DeliveryStatus")
        if api
        else ("DeliveryStatus", "OrderRelatedBillingStatus")
    )
    return {names[0]: done, names[1]: "", "SDProcessStatus": done}


def rejection(rejected: list[bool]) -> str:
    return "C" if rejected and all(rejected) else "B" if any(rejected) else "A"


def _progress(ordered: Decimal, done: Decimal) -> str:
    return "A" if done == 0 else "C" if done >= ordered else "B"


def overall(parts: list[str]) -> str:
    """The status over all parts concerned: A not started, B begun, C complete, empty not relevant."""
    told = {one for one in parts if one}
    if not told:
        return ""
    return told.pop() if len(told) == 1 else "B"
