"""Billed lines as every mapping can use them: quantities above zero, a unit price, shipping as a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from connectors.netsuite.suiteql import LINE_ID
from connectors.netsuite.translate import decimal, lines_of
from hub.sdk import Record

_CHARGES = (
    ("shippingCost", "SHIPPING", "shippingTax1Rate"),
    ("handlingCost", "HANDLING", "handlingTax1Rate"),
)

_EMPTY = {"line_id": "", "name": "", "quantity": Decimal(1), "tax_code": ""}


def item_name(line: Mapping[str, Any]) -> str:
    """The name of a line's item, which is our SKU."""
    item = line.get("item")
    return str(item.get("refName") or "") if isinstance(item, Mapping) else ""


def billed_lines(record: Record) -> Sequence[Mapping[str, Any]]:
    """The lines of an invoice or credit memo that carry an amount, then its shipping and handling.

    NetSuite leaves the quantity out where only an amount was entered (discounts, charges): then it is one
    piece at that amount. Amounts are in the record's currency and carry their own sign.
    """
    found = [line for one in lines_of(record) if (line := _billed(one))]
    for cost, name, rate in _CHARGES:
        amount = decimal(record.get(cost) or 0, cost)
        if amount:
            percent = decimal(record.get(rate) or 0, rate)
            found.append(
                {**_EMPTY, "sku": name, "unit_price": amount, "amount": amount, "tax_percent": percent}
            )
    return found


def _billed(line: Mapping[str, Any]) -> Mapping[str, Any] | None:
    amount = decimal(line.get("amount") or 0, "amount")
    quantity = abs(decimal(line.get("quantity") or 0, "quantity"))
    if not quantity and not amount:
        return None  # a description or subtotal
    pieces = quantity or Decimal(1)
    told = line.get("rate")
    price = decimal(told, "rate") if quantity and _is_number(told) else amount / pieces
    tax = line.get("taxCode")
    code = str(tax.get("id") or "") if isinstance(tax, Mapping) else ""
    percent = decimal(line.get("taxRate1") or 0, "taxRate1")
    return {
        "line_id": str(line.get(LINE_ID) or ""),
        "sku": item_name(line),
        "name": str(line.get("description") or ""),
        "quantity": pieces,
        "unit_price": price,
        "amount": amount,
        "tax_percent": percent,
        "tax_code": code,
    }


def _is_number(told: Any) -> bool:
    """A discount's rate may be a percentage, as text."""
    return isinstance(told, int | Decimal) and not isinstance(told, bool)
