"""Whether the amounts and quantities of a document add up: invoices, remittances, lines and their parts.

Works on trees of `tree.named`. Sources: X12 elements 639 (basis of price), 248 and 331 (allowances), 305
(what a payment order is for), 426 and 782 (adjustments).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, NamedTuple

from connectors.edi.tree import Tree
from hub.sdk import Invalid

CENT = Decimal("0.01")
# How many units a price is for (639); a code that is not here says something else and divides by one.
PRICED_FOR: Mapping[str, int] = {
    **dict.fromkeys(("HP", "LC", "TC", "WC", "QH"), 100),
    **dict.fromkeys(("TP", "LM", "TM", "WM", "QS"), 1000),
    **dict.fromkeys(("PD", "LD", "TD"), 12),
}
_MOVES_MONEY = ("C", "D", "U", "X")  # of 305: remittance alone, notices and prenotes move none
_OFF_INVOICE = ("", "02", "06")  # of 331: billed back or credited elsewhere changes no total


class Footing(NamedTuple):
    """What a document says its total is, and what its parts come to."""

    said: Decimal
    found: Decimal

    @property
    def holds(self) -> bool:
        """Are they the same, to the cent?"""
        return self.said == self.found


def amount(tree: Mapping[str, Any], name: str) -> Decimal:
    """A number of a segment, 0 where it is not there. Raises Invalid where it is none."""
    words = tree.get(name) or "0"
    try:
        return Decimal(words)
    except InvalidOperation:
        raise Invalid(f"{words!r} is not a number", field=name) from None


def line_amount(line: Mapping[str, Any]) -> Decimal:
    """Quantity times price of a PO1 or IT1, by its basis; not rounded. No charge (NC) is 0."""
    basis = line.get("price_basis", "")
    if basis == "NC":
        return Decimal(0)
    return amount(line, "quantity") * amount(line, "unit_price") / PRICED_FOR.get(basis, 1)


def _lists(tree: Mapping[str, Any], name: str) -> Sequence[Any]:
    found = tree.get(name, [])
    return found if isinstance(found, list) else [found]


def allowances(tree: Mapping[str, Any]) -> Decimal:
    """What the SAC of a document or line add to its amount: charges minus allowances, in the currency."""
    total = Decimal(0)
    for one in _lists(tree, "allowances"):
        head = one["SAC"]
        if head.get("handling_method", "") in _OFF_INVOICE:
            sign = {"C": 1, "A": -1}.get(head.get("indicator", ""), 0)
            total += sign * amount(head, "amount")
    return total


def taxes(tree: Mapping[str, Any]) -> Decimal:
    """What the TXI of a document or line come to."""
    return sum((amount(one, "amount") for one in _lists(tree, "TXI")), Decimal(0))


def invoice(tree: Tree) -> Footing:
    """TDS01 of an 810 and what its lines, allowances, charges and taxes come to (each line to the cent)."""
    found = allowances(tree) + taxes(tree)
    for line in _lists(tree, "lines"):
        found += line_amount(line["IT1"]).quantize(CENT, ROUND_HALF_UP) + allowances(line) + taxes(line)
    return Footing(amount(tree["TDS"], "amount"), found.quantize(CENT, ROUND_HALF_UP))


def schedules(line: Mapping[str, Any]) -> Footing | None:
    """Quantity of a PO1 and of its SCH; None where it has none."""
    found = [amount(one["SCH"], "quantity") for one in _lists(line, "schedules")]
    return Footing(amount(line["PO1"], "quantity"), sum(found, Decimal(0))) if found else None


def stores(line: Mapping[str, Any]) -> Footing | None:
    """Quantity of a PO1 and of the stores in its SDQ; None where it has none."""
    parts = [part for one in _lists(line, "SDQ") for part in one.get("stores", [])]
    found = sum((amount(part, "quantity") for part in parts), Decimal(0))
    return Footing(amount(line["PO1"], "quantity"), found) if parts else None


def remittance(tree: Tree, negative_reduces: bool = True) -> Footing:
    """BPR02 of an 820 and what its RMR04 and the ADX outside of RMR come to.

    Since 003050 a negative ADX reduces the payment, before a positive one did: `negative_reduces` is False
    for partners who still do so.
    """
    sign = 1 if negative_reduces else -1
    found = Decimal(0)
    for group in (tree, *_lists(tree, "entities")):
        found += sum((amount(one["RMR"], "amount") for one in _lists(group, "documents")), Decimal(0))
        found += sign * sum(_adjustments(group), Decimal(0))
    return Footing(amount(tree["BPR"], "amount"), found)


def _adjustments(group: Mapping[str, Any]) -> Iterator[Decimal]:
    for one in _lists(group, "adjustments"):
        yield amount(one["ADX"], "amount")


def open_item(document: Mapping[str, Any]) -> Footing | None:
    """RMR04 and what RMR05, RMR06 and the ADX under it come to; None where not all of them are told."""
    head = document["RMR"]
    if not {"amount", "original_amount", "discount_taken"} <= set(head):
        return None
    found = amount(head, "original_amount") - amount(head, "discount_taken")
    return Footing(amount(head, "amount"), found + sum(_adjustments(document), Decimal(0)))


def moves_money(tree: Tree) -> bool:
    """Does an 820 pay (BPR01), or only tell what another payment is for?"""
    return bool(tree["BPR"].get("handling", "") in _MOVES_MONEY)


def is_credit(tree: Tree) -> bool:
    """Is an 810 a credit memo (BIG07)?"""
    return bool(tree["BIG"].get("transaction_type", "") == "CR")


def first(found: Iterable[Mapping[str, str]], qualifiers: Sequence[str]) -> str:
    """The id of the most trusted qualifier there is, in the order given; empty where there is none."""
    by_qualifier = {one["qualifier"]: one.get("id", "") for one in reversed([*found]) if "qualifier" in one}
    return next((by_qualifier[one] for one in qualifiers if by_qualifier.get(one)), "")
