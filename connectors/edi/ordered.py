"""What the partner told us of an order, so that every answer repeats it in the partner's own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from connectors.edi.footing import PRICED_FOR
from connectors.edi.outgoing import exact, word
from connectors.edi.write import number
from hub.sdk import Invalid, Record


class Price(NamedTuple):
    """A price as it was told: per unit of our own (after allowances), the words of PO104 and PO105."""

    unit: Decimal
    told: Decimal
    basis: str
    allowances: Sequence[Mapping[str, Any]]

    @property
    def divisor(self) -> int:
        """How many units the told price is for (639)."""
        return PRICED_FOR.get(self.basis, 1)


class OrderedLine(NamedTuple):
    """One line of the order. `quantity` is the latest agreed one, `first` that of the order itself."""

    line_id: str
    number: str  # PO101 as it was sent, empty where it was not
    first: Decimal
    quantity: Decimal
    unit: str
    unit_code: str
    sku: str
    name: str
    ids: tuple[tuple[str, str], ...]
    prices: tuple[Price, ...]  # told one after the other: the order's first
    unpriced: bool

    def pairs(self) -> tuple[str, ...]:
        """Qualifiers and ids as they were sent, one after the other."""
        return tuple(value for pair in self.ids for value in pair)

    def price_for(self, unit_price: Decimal) -> Price:
        """The told price that means this price per unit, else this one said in the basis of the order.

        Raises Invalid where the order says that the line is free of charge.
        """
        for one in self.prices[::-1]:
            if one.unit == unit_price:
                return one
        basis = self.prices[0].basis if self.prices else ""
        if basis == "NC":
            raise Invalid(
                f"line {self.shown} was ordered free of charge (NC), and has a price", field="unit_price"
            )
        return Price(unit_price, unit_price * PRICED_FOR.get(basis, 1), basis, ())

    @property
    def shown(self) -> str:
        """What to call it when talking to people."""
        return (
            f"{self.number or self.line_id} ({self.sku or self.name})"
            if self.sku or self.name
            else self.line_id
        )

    def as_ordered(self) -> tuple[str, ...]:
        """PO101 to the last id, exactly as ordered."""
        price = self.prices[0] if self.prices else None
        told = number(price.told) if price and not self.unpriced else ""
        basis = price.basis if price else ""
        return (self.number, number(self.first), self.unit, told, basis, *self.pairs())


class Ordered(NamedTuple):
    """An order in the partner's words: the record of the 850, its lines by our line_id, and the changes."""

    head: Record
    lines: Mapping[str, OrderedLine]
    changes: Sequence[Record]

    def line(self, wanted: Mapping[str, Any]) -> OrderedLine | None:
        """The line a part of our document is of: by its line_id, else by an item that only one line has."""
        named = word(wanted, "order_line") or word(wanted, "line_id")
        if named:
            return self.lines.get(named)
        sku = word(wanted, "sku")
        fitting = [one for one in self.lines.values() if sku and one.sku == sku]
        return fitting[0] if len(fitting) == 1 else None


def ordered(record: Record) -> Ordered:
    """What is known of the order of this document. Raises Invalid where the partner sent none."""
    told = [one for one in record.get("theirs") or () if isinstance(one, Mapping)]
    if not told:
        raise Invalid("the partner's own order is not known, and an answer repeats it", field="theirs")
    agreed = {word(one, "line_id"): one for one in record.get("order_lines") or ()}
    lines = {word(one, "line_id"): _line(one) for one in told[0].get("lines") or ()}
    for change in told[1:]:
        for one in change.get("lines") or ():
            _change(lines, one)
    return Ordered(told[0], {key: _agreed(one, agreed.get(key)) for key, one in lines.items()}, told[1:])


def _line(one: Mapping[str, Any]) -> OrderedLine:
    quantity = exact(one.get("quantity") or 0, "lines.quantity")
    ids = tuple((word(pair, "qualifier"), word(pair, "id")) for pair in one.get("ids") or ())
    price = _price(one)
    return OrderedLine(
        word(one, "line_id"), word(one, "line_number"), quantity, quantity, word(one, "unit"),
        word(one, "unit_code"), word(one, "sku"), word(one, "name"), ids, (price,) if price else (),
        one.get("told_price") is None,
    )  # fmt: skip


def _price(one: Mapping[str, Any]) -> Price | None:
    basis = word(one, "basis")
    divisor = PRICED_FOR.get(basis, 1)
    unit, told = one.get("unit_price"), one.get("told_price")
    if unit is None and told is None:
        return None
    per_unit = exact(unit, "unit_price") if unit is not None else exact(told, "told_price") / divisor
    as_told = exact(told, "told_price") if told is not None else per_unit * divisor
    return Price(per_unit, as_told, basis, tuple(one.get("allowances") or ()))


def _change(lines: dict[str, OrderedLine], one: Mapping[str, Any]) -> None:
    """A change adds lines, and may tell a new price of an old one."""
    whole = one.get("line") if isinstance(one.get("line"), Mapping) else one
    key = word(one, "line_id") or word(whole or {}, "line_id")
    price = _price(whole or {})
    if key in lines:
        known = lines[key]
        lines[key] = known._replace(prices=(*known.prices, price) if price else known.prices)
    elif key and whole and whole.get("quantity") is not None and word(whole, "unit"):
        lines[key] = _line({**whole, "line_id": key})


def _agreed(line: OrderedLine, ours: Mapping[str, Any] | None) -> OrderedLine:
    """The line as the order now has it, in quantity and in what we call it."""
    if ours is None:
        return line
    quantity = (
        exact(ours["quantity"], "order_lines.quantity") if ours.get("quantity") is not None else line.quantity
    )
    return line._replace(
        quantity=quantity, sku=word(ours, "sku") or line.sku, name=word(ours, "name") or line.name
    )
