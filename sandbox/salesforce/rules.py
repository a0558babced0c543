"""What the standard objects do by themselves: stages, roll-ups, price books, orders and contracts."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, NamedTuple

from sandbox.salesforce.refusals import Refused
from sandbox.salesforce.table import Row

if TYPE_CHECKING:
    from sandbox.salesforce.org import Org

_CENT = Decimal("0.01")
_ZERO = Decimal("0.00")
_HUNDRED = Decimal(100)


class Written(NamedTuple):
    """A row about to be written (rules complete it), what it was, and what was sent by whom."""

    row: Row
    old: Row
    sent: Row
    by: str


def before(org: Org, sobject: str, written: Written) -> None:
    """Complete a row about to be written. Raises Refused."""
    if sobject in _RULES:
        _RULES[sobject](org, written)


def after(org: Org, sobject: str, row: Row, old: Row | None) -> None:
    """What follows from a row just written, or taken back from the recycle bin."""
    if row["IsDeleted"]:
        return
    if sobject == "OpportunityLineItem":
        roll_up_opportunity(org, row["OpportunityId"])
    if sobject == "OrderItem":
        roll_up_order(org, row["OrderId"])


def before_delete(org: Org, sobject: str, row: Row) -> None:
    """Raises Refused for what may not be deleted."""
    if sobject == "OrderItem":
        _changeable(org, row["OrderId"])
    if sobject == "Order" and row.get("StatusCode") == "Activated":
        raise Refused(
            "DELETE_FAILED", "An activated order can't be deleted. Change its status to draft first."
        )


def after_delete(org: Org, sobject: str, row: Row) -> None:
    """Roll-ups lose what was deleted."""
    if sobject == "OpportunityLineItem":
        roll_up_opportunity(org, row["OpportunityId"])
    if sobject == "OrderItem":
        roll_up_order(org, row["OrderId"])


def _account(org: Org, one: Written) -> None:
    row, sent = one.row, one.sent
    if "person_accounts" not in org.features:
        return
    if row.get("LastName"):
        if sent.get("Name"):
            text = "Unable to create/update fields: Name. It is made of the names of a person account."
            raise Refused("INVALID_FIELD_FOR_INSERT_UPDATE", text, ["Name"])
        row["Name"] = " ".join(part for part in (row.get("FirstName"), row["LastName"]) if part)
        row["IsPersonAccount"] = True


def _person(org: Org, one: Written) -> None:
    row = one.row
    row["Name"] = " ".join(part for part in (row.get("FirstName"), row.get("LastName")) if part) or None


def _opportunity(org: Org, one: Written) -> None:
    row, old, sent = one.row, one.old, one.sent
    if old.get("HasOpportunityLineItem"):
        row["Amount"] = old.get("Amount")  # the roll-up of its lines: what was sent is ignored
        for name in ("Pricebook2Id", "CurrencyIsoCode"):
            if name in sent and sent[name] != old.get(name):
                text = (
                    f"field integrity exception: {name} (cannot be changed when the opportunity has products)"
                )
                raise Refused("FIELD_INTEGRITY_EXCEPTION", text, [name])
    if row.get("StageName") != old.get("StageName"):
        _stage(org, row, sent)
    amount, probability = row.get("Amount"), row.get("Probability")
    if amount is not None and probability is not None:
        row["ExpectedRevenue"] = _cents(amount * probability / _HUNDRED)
    else:
        row["ExpectedRevenue"] = None


def _stage(org: Org, row: Row, sent: Row) -> None:
    stages = org.rows("OpportunityStage").values()
    found = next((one for one in stages if one["ApiName"] == row.get("StageName")), None)
    row["IsWon"], row["IsClosed"] = bool(found and found["IsWon"]), bool(found and found["IsClosed"])
    if found is not None:
        row["ForecastCategory"] = found["ForecastCategory"]
        if "ForecastCategoryName" not in sent:
            row["ForecastCategoryName"] = found["ForecastCategoryName"]
        if sent.get("Probability") is None:
            row["Probability"] = found["DefaultProbability"]


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT, ROUND_HALF_UP)


def _integrity(reason: str, *fields: str) -> Refused:
    return Refused("FIELD_INTEGRITY_EXCEPTION", f"field integrity exception: {reason}", fields)


def _line(org: Org, one: Written) -> None:
    row, old, sent = one.row, one.old, one.sent
    if sent.get("UnitPrice") is not None and sent.get("TotalPrice") is not None:
        raise _integrity("unknown (only one of unit price or total price may be specified)")
    if not old:
        opportunity = _parent(org, "Opportunity", row.get("OpportunityId"))
        entry = _entry(org, row, opportunity, "opportunity")
        row["Name"] = f"{opportunity.get('Name')} {entry['Name']}"
        row["SortOrder"] = row.get("SortOrder")
        if opportunity.get("Pricebook2Id") is None:
            org.put("Opportunity", {**opportunity, "Pricebook2Id": entry["Pricebook2Id"]}, "UPDATE")
    priced = {"UnitPrice", "TotalPrice"} & {name for name, value in sent.items() if value is not None}
    changed = any(name in sent and sent[name] != old.get(name) for name in ("Quantity", "Discount"))
    if not priced and (not old or (changed and one.by == "api")):
        raise Refused("REQUIRED_FIELD_MISSING", "Required fields are missing: [UnitPrice]", ["UnitPrice"])
    quantity = row.get("Quantity")
    if quantity is None:
        return
    if quantity == 0:
        raise _integrity("Quantity (must be nonzero)", "Quantity")
    part = 1 - (row.get("Discount") or _ZERO) / _HUNDRED
    if "TotalPrice" in priced:
        row["UnitPrice"] = _cents(row["TotalPrice"] / quantity / part) if part else _ZERO
    else:
        row["TotalPrice"] = _cents(row["UnitPrice"] * quantity * part)


def _parent(org: Org, sobject: str, id: str | None) -> Row:
    if id is None:
        key = f"{sobject}Id"
        raise Refused("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{key}]", [key])
    return org.rows(sobject)[id]


def _entry(org: Org, row: Row, parent: Row, noun: str) -> Row:
    """The price book entry of a new line; what the line takes over from it is set."""
    entries = org.rows("PricebookEntry")
    entry = entries.get(row.get("PricebookEntryId") or "")
    if entry is None and row.get("Product2Id") and parent.get("Pricebook2Id"):
        held = org.table("PricebookEntry").holding("Product2Id", row["Product2Id"])
        fitting = (entries[one] for one in held if entries[one]["Pricebook2Id"] == parent["Pricebook2Id"])
        currency = parent.get("CurrencyIsoCode")
        entry = next(
            (e for e in fitting if not e["IsDeleted"] and e.get("CurrencyIsoCode") == currency), None
        )
    if entry is None:
        missing = ["PricebookEntryId"]
        raise Refused("REQUIRED_FIELD_MISSING", "Required fields are missing: [PricebookEntryId]", missing)
    if not entry["IsActive"]:
        raise _integrity("PricebookEntryId (pricebook entry is inactive)", "PricebookEntryId")
    if parent.get("Pricebook2Id") not in (None, entry["Pricebook2Id"]):
        reason = "pricebook entry is in a different pricebook than the one assigned to the " + noun
        raise _integrity(f"PricebookEntryId ({reason})", "PricebookEntryId")
    if entry.get("CurrencyIsoCode") != parent.get("CurrencyIsoCode"):
        reason = f"The pricebook entry currency code does not match the {noun} currency code"
        raise _integrity(f"PricebookEntryId ({reason})", "PricebookEntryId")
    row["PricebookEntryId"], row["Product2Id"] = entry["Id"], entry["Product2Id"]
    row["ProductCode"], row["ListPrice"] = entry.get("ProductCode"), entry["UnitPrice"]
    row["CurrencyIsoCode"] = parent.get("CurrencyIsoCode")
    return entry


def roll_up_opportunity(org: Org, id: str) -> None:
    """Amount and the rest of what an opportunity says of its lines."""
    old = org.rows("Opportunity").get(id)
    if old is None or old["IsDeleted"]:
        return
    rows = org.rows("OpportunityLineItem")
    held = (rows[one] for one in org.table("OpportunityLineItem").holding("OpportunityId", id))
    lines = [one for one in held if not one["IsDeleted"]]
    row = {**old, "HasOpportunityLineItem": bool(lines)}
    row["Amount"] = sum((one["TotalPrice"] for one in lines), _ZERO)
    row["TotalOpportunityQuantity"] = sum((one["Quantity"] for one in lines), _ZERO)
    if row.get("Probability") is not None:
        row["ExpectedRevenue"] = _cents(row["Amount"] * row["Probability"] / _HUNDRED)
    _put_rolled_up(org, "Opportunity", row, old)


def _put_rolled_up(org: Org, sobject: str, row: Row, old: Row) -> None:
    if row != old:
        at = org.stamp()
        touched = {"LastModifiedDate": at, "LastModifiedById": org.user, "SystemModstamp": at}
        org.put(sobject, {**row, **touched}, "UPDATE")


def _price(org: Org, one: Written) -> None:
    """A price book entry: the standard price first, and one per product, price book and currency."""
    row, old = one.row, one.old
    product, book = row.get("Product2Id"), row.get("Pricebook2Id")
    if old or product is None or book is None:
        return
    entries = org.rows("PricebookEntry")
    held = [entries[one] for one in org.table("PricebookEntry").holding("Product2Id", product)]
    currency = row.get("CurrencyIsoCode")
    held = [one for one in held if not one["IsDeleted"] and one.get("CurrencyIsoCode") == currency]
    books = org.rows("Pricebook2")
    if any(one["Pricebook2Id"] == book for one in held):
        raise Refused("DUPLICATE_VALUE", "This price definition already exists in this price book")
    if not books[book]["IsStandard"]:
        standard = next((one for one in held if books[one["Pricebook2Id"]]["IsStandard"]), None)
        if standard is None:
            raise Refused("STANDARD_PRICE_NOT_DEFINED", "No standard price defined for this product")
        if row.get("UseStandardPrice"):
            row["UnitPrice"] = standard["UnitPrice"]
    goods = org.rows("Product2")[product]
    row["Name"], row["ProductCode"] = goods["Name"], goods.get("ProductCode")


def _order(org: Org, one: Written) -> None:
    row, old, sent = one.row, one.old, one.sent
    row["OrderNumber"] = old.get("OrderNumber") or f"{org.number('OrderNumber', 100):08d}"
    row["StatusCode"] = "Activated" if row.get("Status") == "Activated" else "Draft"
    row["TotalAmount"] = row.get("TotalAmount", _ZERO)
    if row["IsReductionOrder"] and not row.get("OriginalOrderId"):
        missing = ["OriginalOrderId"]
        raise Refused("REQUIRED_FIELD_MISSING", "Required fields are missing: [OriginalOrderId]", missing)
    activated = row["StatusCode"] == "Activated"
    if activated and not old:
        raise Refused("FAILED_ACTIVATION", "Create the order as a draft, add products, then activate it.")
    if activated and old.get("StatusCode") != "Activated":
        if not _items(org, row["Id"]):
            raise Refused("FAILED_ACTIVATION", "An order must have at least one product.")
        row["ActivatedDate"], row["ActivatedById"] = org.stamp(), org.user
    if activated and old.get("StatusCode") == "Activated":
        fixed = ("AccountId", "Pricebook2Id", "ContractId", "CurrencyIsoCode", "EffectiveDate")
        for name in fixed:
            if name in sent and sent[name] != old.get(name):
                raise _integrity(f"{name} (cannot be changed on an activated order)", name)


def _items(org: Org, order: str) -> list[Row]:
    rows = org.rows("OrderItem")
    held = (rows[one] for one in org.table("OrderItem").holding("OrderId", order))
    return [one for one in held if not one["IsDeleted"]]


def _changeable(org: Org, order: str) -> None:
    if org.rows("Order")[order].get("StatusCode") == "Activated":
        raise _integrity("unknown (an activated order's products cannot be added, removed or repriced)")


def _order_item(org: Org, one: Written) -> None:
    row, old, sent = one.row, one.old, one.sent
    order = _parent(org, "Order", row.get("OrderId"))
    if not old:
        _changeable(org, order["Id"])
        if order.get("Pricebook2Id") is None:
            raise _integrity("Order (the order has no price book)", "OrderId")
        _entry(org, row, order, "order")
        row["OrderItemNumber"] = f"{org.number('OrderItemNumber', 1000):010d}"
    elif {"UnitPrice", "Quantity"} & sent.keys():
        _changeable(org, order["Id"])
    if row.get("UnitPrice") is None:
        raise Refused("REQUIRED_FIELD_MISSING", "Required fields are missing: [UnitPrice]", ["UnitPrice"])
    if row.get("Quantity") is not None:
        row["TotalPrice"] = _cents(row["UnitPrice"] * row["Quantity"])
        row["AvailableQuantity"] = row["Quantity"]


def roll_up_order(org: Org, id: str) -> None:
    """TotalAmount of an order."""
    old = org.rows("Order").get(id)
    if old is not None and not old["IsDeleted"]:
        total = sum((one["TotalPrice"] for one in _items(org, id)), _ZERO)
        _put_rolled_up(org, "Order", {**old, "TotalAmount": total}, old)


def _contract(org: Org, one: Written) -> None:
    row, old = one.row, one.old
    row["ContractNumber"] = old.get("ContractNumber") or f"{org.number('ContractNumber', 100):08d}"
    codes = {"Activated": "Activated", "In Approval Process": "InApproval"}
    row["StatusCode"] = codes.get(row.get("Status", ""), "Draft")
    if row["StatusCode"] == "Activated" and not old:
        raise Refused("FAILED_ACTIVATION", "Choose a valid contract status and save your changes.")
    if row["StatusCode"] == "Activated" and old.get("StatusCode") != "Activated":
        row["ActivatedDate"] = org.stamp()
    start, term = row.get("StartDate"), row.get("ContractTerm")
    if start and term:
        months = start.year * 12 + start.month - 1 + term
        first = start.replace(year=months // 12, month=months % 12 + 1, day=1)
        row["EndDate"] = first.replace(day=min(start.day, 28))


_RULES: dict[str, Callable[[Org, Written], None]] = {
    "Account": _account,
    "Contact": _person,
    "User": _person,
    "Opportunity": _opportunity,
    "OpportunityLineItem": _line,
    "PricebookEntry": _price,
    "Order": _order,
    "OrderItem": _order_item,
    "Contract": _contract,
}
