"""Prices and taxes of an order item: the condition types, and net and tax amounts worked out from them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

from sandbox.sap.store import Row, Store
from sandbox.sap.system import COMPANIES, System, Tax, rounded

CONDITION = "A_SalesOrderItemPrElement"


class Kind(NamedTuple):
    """A condition type: how it counts, and its step in the pricing procedure."""

    kind: str  # price | percent | amount | tax
    step: int


NONE = Kind("", 0)
TYPES = {
    "PPR0": Kind("price", 10), "PR00": Kind("price", 11), "PMP0": Kind("price", 30),
    "RA00": Kind("percent", 100), "K007": Kind("percent", 101), "DRG1": Kind("percent", 102),
    "RB00": Kind("amount", 110), "HB00": Kind("amount", 111), "HD00": Kind("amount", 120),
    "MWST": Kind("tax", 900), "TTX1": Kind("tax", 901),
}  # fmt: skip
PRICES = frozenset(name for name, one in TYPES.items() if one.kind == "price")
SINGLE = PRICES | {"MWST", "TTX1"}
_LAST = {"PPR0": 0, "PR00": 1, "PMP0": 2}  # a manual price (PMP0) counts before the others


def text_of(store: Store, product: str) -> str:
    """What a product is called."""
    rows = store.find("A_ProductDescription", Product=product)
    return str(rows[0]["ProductDescription"]) if rows else product


def price_of(store: Store, product: str, organization: str) -> tuple[Decimal, str] | None:
    """The price of one unit in a sales organization: amount and currency."""
    row = store.get("A_ProductSalesDelivery", product, organization, "10")
    if row is None or row.get("Price") is None:
        return None
    return row["Price"], COMPANIES[organization].currency


def tax_of(system: System, order: Row) -> Tax:
    """The tax code and rate of an order by the customer's classification."""
    key = (
        order["SoldToParty"],
        order["SalesOrganization"],
        "10",
        "00",
        COMPANIES[order["SalesOrganization"]].country,
        "TTX1",
    )
    row = system.store.get("A_CustomerSalesAreaTax", *key)
    told = order.get("CustomerTaxClassification1") or (row or {}).get("CustomerTaxClassification") or "1"
    codes = system.taxes[order["SalesOrganization"]]
    return codes.get(told, codes["1"])


def price(system: System, order: Row, item: Row) -> dict[str, Any]:
    """Net and tax amount of an item; its conditions get their amounts (a short pricing procedure)."""
    store, currency = system.store, order["TransactionCurrency"]
    rows = store.find(CONDITION, SalesOrder=item["SalesOrder"], SalesOrderItem=item["SalesOrderItem"])
    quantity = item["RequestedQuantity"]
    prices = sorted(
        (r for r in rows if r["ConditionType"] in PRICES), key=lambda r: _LAST[r["ConditionType"]]
    )
    for row in prices:
        _put(store, row, _gross(system, row, quantity, order), quantity, inactive=row is not prices[-1])
    gross = _gross(system, prices[-1], quantity, order) if prices else Decimal(0)
    net = gross
    for row in rows:
        kind = TYPES[row["ConditionType"]].kind
        rate = row.get("ConditionRateValue") or Decimal(0)
        if kind in ("percent", "amount"):
            signed = rate if row["ConditionType"] == "HD00" else -abs(rate)
            amount = rounded(gross * signed / 100 if kind == "percent" else signed, currency)
            net += amount
            _put(store, row, amount, gross)
    return {"NetAmount": net, "TaxAmount": _tax(system, order, item, rows, net), "Subtotal1Amount": gross}


def _gross(system: System, row: Row, quantity: Decimal, order: Row) -> Decimal:
    per = row.get("ConditionQuantity") or Decimal(1)
    rate = row.get("ConditionRateValue") or Decimal(0)
    if row["ConditionCurrency"] != order["TransactionCurrency"]:
        rate *= system.rates.get((row["ConditionCurrency"], order["TransactionCurrency"]), Decimal(1))
    return rounded(rate * quantity / per, order["TransactionCurrency"])


def _tax(system: System, order: Row, item: Row, rows: list[Row], net: Decimal) -> Decimal:
    told = next((row for row in rows if TYPES[row["ConditionType"]].kind == "tax"), None)
    tax = tax_of(system, order)
    manual = told is not None and told.get("ConditionIsManuallyChanged")
    rate = (told or {}).get("ConditionRateValue") if manual else tax.rate
    amount = rounded(net * (rate or Decimal(0)) / 100, order["TransactionCurrency"])
    code = next(
        (t.code for t in system.taxes[order["SalesOrganization"]].values() if t.rate == rate), tax.code
    )
    blank = {one.name: "" for one in system.store[CONDITION].of.properties.values() if one.type == "S"}
    row = told or {
        **blank,
        "SalesOrder": item["SalesOrder"],
        "SalesOrderItem": item["SalesOrderItem"],
        "PricingProcedureStep": str(TYPES["TTX1"].step),
        "PricingProcedureCounter": "1",
        "ConditionType": "TTX1",
        "TransactionCurrency": order["TransactionCurrency"],
    }
    _put(
        system.store,
        {**row, "ConditionRateValue": rate, "TaxCode": code, "ConditionCategory": "D"},
        amount,
        net,
    )
    return amount


def _put(store: Store, row: Row, amount: Decimal, base: Decimal, *, inactive: bool = False) -> None:
    told = {"ConditionAmount": amount, "ConditionBaseValue": base}
    store.put(CONDITION, {**row, **told, "ConditionInactiveReason": "X" if inactive else ""})
