"""How far a transaction is, in NetSuite's letters and words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from sandbox.netsuite.books import Row

if TYPE_CHECKING:
    from sandbox.netsuite.rules import Rules

ORDER_NAMES = {"A": "Pending Approval", "B": "Pending Fulfillment", "C": "Cancelled", "H": "Closed"}
SHIP_NAMES = {"A": "Picked", "B": "Packed", "C": "Shipped"}


def status(rules: Rules, row: Row) -> tuple[str, str]:
    """The status letter and its words; empty for what has no status."""
    if row.voided:
        return "V", "Voided"
    judge = _JUDGES.get(row.type)
    return judge(rules, row) if judge else ("", "")


def _invoice(rules: Rules, row: Row) -> tuple[str, str]:
    return ("A", "Open") if rules.remaining(row) > 0 else ("B", "Paid In Full")


def _credit(rules: Rules, row: Row) -> tuple[str, str]:
    return ("A", "Open") if rules.unapplied(row) > 0 else ("B", "Fully Applied")


def _payment(rules: Rules, row: Row) -> tuple[str, str]:
    return ("B", "Not Deposited") if row.values["undepFunds"] else ("C", "Deposited")


def _deposit(rules: Rules, row: Row) -> tuple[str, str]:
    if rules.unapplied(row) <= 0:
        return "C", "Fully Applied"
    return ("A", "Not Deposited") if row.values["undepFunds"] else ("B", "Deposited")


def _fulfilment(rules: Rules, row: Row) -> tuple[str, str]:
    ship = row.values.get("shipStatus") or "C"
    return ship, SHIP_NAMES.get(ship, "Shipped")


def _progress(rules: Rules, order: Row) -> tuple[str, str]:
    letter = order.values["orderStatus"]
    if letter != "B":
        return letter, ORDER_NAMES.get(letter, "Undefined")
    lines = [x for x in order.lines["item"] if not x.get("isClosed")]
    ordered = [x["quantity"] for x in lines]
    billed = [rules.made(order, "invoice", x["line"]) for x in lines]
    done = [rules.made(order, "itemFulfillment", x["line"]) for x in lines]
    shipped = [d if rules.ships(x) else x["quantity"] for x, d in zip(lines, done, strict=True)]
    if billed == ordered:
        anything = any(rules.made(order, "invoice", x["line"]) for x in order.lines["item"])
        return ("G", "Billed") if anything else ("H", "Closed")
    if shipped == ordered:
        return "F", "Pending Billing"
    if not any(done):
        return "B", "Pending Fulfillment"
    waiting = any(rules.billable(order, x) for x in lines)
    return ("E", "Pending Billing/Partially Fulfilled") if waiting else ("D", "Partially Fulfilled")


_JUDGES: Mapping[str, Callable[[Rules, Row], tuple[str, str]]] = {
    "invoice": _invoice,
    "creditMemo": _credit,
    "customerPayment": _payment,
    "customerDeposit": _deposit,
    "journalEntry": lambda rules, row: ("B", "Approved for Posting"),
    "itemFulfillment": _fulfilment,
    "salesOrder": _progress,
}
