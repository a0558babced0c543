"""The price of one unit of an order line, exactly: by its basis, with the allowances and charges on it.

Sources: X12 elements 639 (basis of price), 236 (which price), 248, 331, 332, 118 and 610 (allowances), and
662 (what a sub-line is to its line). What has no exact price is refused in words, never rounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from connectors.edi.footing import PRICED_FOR
from connectors.edi.translate import ORDER_PRICES, PRICE_LABELS, divided, many, number, one, plain, text
from hub.sdk import Unmappable

ON_THE_ORDER = ("", "02", "06")  # element 331: billed back or credited elsewhere changes no price
_SIGNS = {"A": -1, "C": 1}
_INCLUDED = ("I", "O", "")


class Told(NamedTuple):
    """Where a price stands: words for an error, quantity and unit of the line, bases the partner agreed."""

    mapping: str
    field: str
    quantity: Decimal
    unit: str
    bases: Mapping[str, int]

    def wrong(self, reason: str, value: object = None) -> Unmappable:
        """What is told cannot be said exactly."""
        return Unmappable(self.mapping, f"{self.field}.unit_price", reason, value)


class Price(NamedTuple):
    """Per unit; `told` and `basis` as they were sent."""

    unit_price: Decimal
    told: Decimal | None
    basis: str


class Allowance(NamedTuple):
    """An SAC: `sign` is 0 where it changes no price of this order."""

    sign: int
    indicator: str
    code: str
    amount: Decimal | None
    percent: Decimal | None
    rate: Decimal | None
    unit: str
    handling: str
    text: str

    def record(self) -> dict[str, Any]:
        """For the record of an order."""
        told = self._asdict()
        told["indicator"] = self.indicator if told.pop("sign") else ""
        return {**told, "told_indicator": self.indicator}


def allowances(tree: Mapping[str, Any], mapping: str, field: str) -> list[Allowance]:
    """The SAC of an order or of a line. Raises Unmappable for an allowance below zero."""
    found: list[Allowance] = []
    for turn, loop in enumerate(many(tree, "allowances")):
        head = one(loop, "SAC")
        handling = text(head, "handling_method")
        place = f"{field}[{turn}]"
        amount, percent, rate = (number(head, name, mapping, place) for name in ("amount", "percent", "rate"))
        indicator = text(head, "indicator")
        sign = _SIGNS.get(indicator, 0) if handling in ON_THE_ORDER else 0
        if sign and any(value is not None and value < 0 for value in (amount, percent, rate)):
            words = "an allowance or charge below zero: what it does cannot be told; ask the partner"
            raise Unmappable(mapping, place, words, str(amount or percent or rate))
        code = text(head, "charge") or text(head, "agency_charge")
        unit, words = text(head, "unit"), text(head, "description")
        found.append(Allowance(sign, indicator, code, amount, percent, rate, unit, handling, words))
    return found


def of_line(line: Mapping[str, Any], head: Mapping[str, Any], told: Told) -> Price:
    """The price of a PO1 or POC before its allowances. Raises Unmappable where none is told exactly."""
    price, basis = number(head, "unit_price", told.mapping, told.field), text(head, "price_basis")
    if basis == "NC":
        return Price(Decimal(0), price, basis)
    if price is None:
        price, basis = _of_ctp(line, told)
    if price is None:
        return Price(_of_sublines(line, told), None, "")
    return Price(_per_unit(price, basis, told), price, basis)


def _of_ctp(line: Mapping[str, Any], told: Told) -> tuple[Decimal | None, str]:
    """The buyer's price where it stands in CTP: never the retail price."""
    by_type = {
        text(one(loop, "CTP"), "price_type"): one(loop, "CTP") for loop in reversed(many(line, "prices"))
    }
    for wanted in ORDER_PRICES:
        found = by_type.get(wanted, {})
        price = number(found, "unit_price", told.mapping, told.field)
        if price is None:
            continue
        if number(found, "multiplier", told.mapping, told.field) not in (None, Decimal(1)):
            raise told.wrong("CTP has a multiplier: ask the partner for the price itself", wanted)
        if number(found, "quantity", told.mapping, told.field) not in (None, Decimal(1)):
            raise told.wrong("CTP04 ties the price to a quantity: ask the partner for PO104", wanted)
        return price, text(found, "price_basis")
    return None, ""


def _of_sublines(line: Mapping[str, Any], told: Told) -> Decimal:
    """The price of a pack whose parts are priced: the sum of what is in one."""
    total = Decimal(0)
    parts = [one(loop, "SLN") for loop in many(line, "sublines")]
    for part in parts:
        price = number(part, "unit_price", told.mapping, told.field)
        quantity = number(part, "quantity", told.mapping, told.field)
        if price is None or quantity is None:
            parts = []
            break
        total += quantity * _per_unit(price, text(part, "price_basis"), told)
    if not parts:
        raise told.wrong("no price is told, neither in PO104 nor in CTP nor on all sub-lines: ask for it")
    return plain(total)


def _per_unit(price: Decimal, basis: str, told: Told) -> Decimal:
    divisor = PRICED_FOR.get(basis) or told.bases.get(basis)
    if divisor is None and basis not in PRICE_LABELS:
        words = f"the basis of the price, {basis}, is not known: say in price_bases for how many units it is"
        raise told.wrong(words, basis)
    if basis == "PP" and told.unit not in ("LB", "PN"):
        raise told.wrong(f"the price is for a pound, the order in {told.unit or 'no unit'}", basis)
    if not divisor or divisor == 1:
        return plain(price)
    exact = divided(price, Decimal(divisor))
    if exact is None:
        words = f"{price} for {divisor} has no exact price for one: ask the partner for the price of one"
        raise told.wrong(words, str(price))
    return exact


def check_sublines(line: Mapping[str, Any], told: Told) -> None:
    """Raises Unmappable where a sub-line is more than a part of its line."""
    for loop in many(line, "sublines"):
        relation = text(one(loop, "SLN"), "relationship")
        if relation not in _INCLUDED:
            words = (
                f"a sub-line (SLN03 {relation}) is more than a part of its line: ask for a line of its own"
            )
            raise Unmappable(told.mapping, f"{told.field}.sublines", words, relation)


def net(price: Decimal, on_line: Sequence[Allowance], on_order: Sequence[Allowance], told: Told) -> Decimal:
    """The price of one with allowances and charges. Raises Unmappable where that has no exact value."""
    if not on_line and not on_order:
        return price
    percent = _percent(on_line, told)
    found = price * (100 + percent) / 100 if percent else price
    for entry in on_line:
        if entry.sign:
            found += entry.sign * _each(entry, told)
    percent = _percent(on_order, told)
    return plain(found * (100 + percent) / 100 if percent else found)


def _percent(found: Iterable[Allowance], told: Told) -> Decimal:
    """What the percentages add, below zero for allowances. An amount beside it wins."""
    kept = [entry for entry in found if entry.sign and entry.amount is None and entry.percent]
    if len(kept) > 1:
        raise told.wrong("several percentages: what each is of cannot be told; ask the partner for one")
    return kept[0].sign * (kept[0].percent or Decimal(0)) if kept else Decimal(0)


def _each(entry: Allowance, told: Told) -> Decimal:
    """What an allowance or charge of a line is for one unit."""
    if entry.amount is not None:
        share = divided(entry.amount, told.quantity)
        if share is None:
            words = f"{entry.amount} over {told.quantity} has no exact share for one: ask for a net price"
            raise told.wrong(words, str(entry.amount))
        return share
    if entry.rate is not None:
        if entry.unit not in ("", told.unit):
            raise told.wrong(f"a rate for {entry.unit}, the line is in {told.unit}", entry.unit)
        return entry.rate
    if entry.percent is None:
        raise told.wrong(f"allowance or charge {entry.code} names no amount: ask the partner", entry.code)
    return Decimal(0)


def check_order(found: Iterable[Allowance], mapping: str) -> None:
    """Allowances of a whole order can be said where they are a percentage. Raises Unmappable for others."""
    for entry in found:
        if entry.sign and (entry.amount or entry.rate or entry.percent is None) and entry.amount != 0:
            what = "a charge" if entry.sign > 0 else "an allowance"
            words = (
                f"{what} ({entry.code or 'no code'}) on the whole order that is no percentage has no exact "
                "share in its lines: ask the partner to put it on lines, or enter the order by hand"
            )
            raise Unmappable(mapping, "allowances", words, str(entry.amount or entry.rate or ""))
