"""What the partner told us of an order, so that every answer repeats it in the partner's own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from connectors.edi.footing import PRICED_FOR
from connectors.edi.outgoing import exact, parts, word
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
    told: tuple[str, str]  # PO104 and PO105 as they were sent
    whole: tuple[str, Decimal]  # of a line that stands once for each delivery day: which one, and all of it
    gone: bool = False  # our order does not have it any more

    def pairs(self) -> tuple[str, ...]:
        """Qualifiers and ids as they were sent, one after the other."""
        return tuple(value for pair in self.ids for value in pair)

    @property
    def counted_in(self) -> str:
        """The unit of our quantities: that of the order, each where it names none."""
        return self.unit or "EA"

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
        return (self.number, number(self.whole[1]), self.unit, *self.told, *self.pairs())


class Ordered(NamedTuple):
    """An order in the partner's words: the record of the 850, its lines by our line_id, and the changes."""

    head: Record
    lines: Mapping[str, OrderedLine]
    changes: Sequence[Record]

    def line(self, wanted: Mapping[str, Any]) -> OrderedLine | None:
        """The line a part of our document is of: by its line_id, else by an item that only one line has.

        A change names a line by PO101, which may stand for all its delivery days: then it is the first.
        """
        named, sku = word(wanted, "order_line") or word(wanted, "line_id"), word(wanted, "sku")
        if named:
            found = self.lines.get(named)
            return found or next((one for one in self.lines.values() if one.whole[0] == named), None)
        fitting = [one for one in self.lines.values() if sku and one.sku == sku]
        return fitting[0] if len(fitting) == 1 else None


class _Terms(NamedTuple):
    """What holds for all lines: allowances on the whole order, bases of prices that the partner agreed."""

    allowances: Sequence[Mapping[str, Any]]
    bases: Mapping[str, int]


def ordered(record: Record, bases: Mapping[str, int]) -> Ordered:
    """What is known of the order of this document. Raises Invalid where the partner sent none.

    `bases`: price bases beside those of X12, and for how many units such a price is.
    """
    told = parts(record, "theirs")
    if not told:
        raise Invalid("the partner's own order is not known, and an answer repeats it", field="theirs")
    agreed = {word(one, "line_id"): one for one in parts(record, "order_lines")}
    terms = _Terms(_counted(told[0]), bases)
    lines = {word(one, "line_id"): _line(one, terms) for one in parts(told[0], "lines")}
    for change in told[1:]:
        for one in parts(change, "lines"):
            _change(lines, one, terms)
    named = bool(agreed.keys() & lines.keys())  # else our order calls its lines otherwise
    known = {
        key: _agreed(one, agreed.get(key))._replace(gone=named and key not in agreed)
        for key, one in lines.items()
    }
    return Ordered(told[0], known, told[1:])


def _counted(told: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """The allowances and charges that change the price of this order."""
    return tuple(one for one in parts(told, "allowances") if word(one, "indicator") in ("A", "C"))


def _line(one: Mapping[str, Any], terms: _Terms) -> OrderedLine:
    quantity = exact(one.get("quantity") or 0, "lines.quantity")
    ids = tuple((word(pair, "qualifier"), word(pair, "id")) for pair in parts(one, "ids"))
    price, told = _price(one, terms), one.get("told_price")
    return OrderedLine(
        word(one, "line_id"), word(one, "line_number"), quantity, quantity, word(one, "unit"),
        word(one, "unit_code"), word(one, "sku"), word(one, "name"), ids, (price,) if price else (),
        ("" if told is None else number(exact(told, "told_price")), word(one, "basis")),
        _whole(one, quantity),
    )  # fmt: skip


def _whole(one: Mapping[str, Any], quantity: Decimal) -> tuple[str, Decimal]:
    """A line with several delivery days stands once for each, as 1-1 and 1-2: both are line 1 there."""
    line_id, ordered_ = word(one, "line_id"), one.get("ordered")
    days = {word(entry, "date") for entry in parts(one, "schedules")} - {""}
    if len(days) < 2 or ordered_ is None or "-" not in line_id:
        return line_id, quantity
    return line_id.rpartition("-")[0], exact(ordered_, "lines.ordered")


def _price(one: Mapping[str, Any], terms: _Terms) -> Price | None:
    """The price of a line as it was told, with the allowances of the line and of the whole order.

    A price for a basis that only this partner knows is said for one unit: 810s are added up by X12's.
    """
    basis = word(one, "basis")
    unit, told = one.get("unit_price"), one.get("told_price")
    if unit is None and told is None:
        return None
    divisor = PRICED_FOR.get(basis) or terms.bases.get(basis, 1)
    per_unit = exact(unit, "unit_price") if unit is not None else exact(told, "told_price") / divisor
    as_told = exact(told, "told_price") if told is not None else per_unit * divisor
    if basis not in PRICED_FOR and divisor != 1:
        as_told, basis = as_told / divisor, "PE"
    return Price(per_unit, as_told, basis, (*_counted(one), *terms.allowances))


def _change(lines: dict[str, OrderedLine], one: Mapping[str, Any], terms: _Terms) -> None:
    """A change adds lines, and may tell a new price of an old one, both without the head of the order."""
    whole = one.get("line")
    if not isinstance(whole, Mapping):
        return
    key, alone = word(one, "line_id") or word(whole, "line_id"), terms._replace(allowances=())
    price = _price(whole, alone) if whole.get("told_price") is not None else None
    if key in lines:
        known = lines[key]
        lines[key] = known._replace(prices=(*known.prices, price) if price else known.prices)
    elif key:
        lines[key] = _line({"line_number": word(one, "line_number"), **whole, "line_id": key}, alone)


def unknown(one: Mapping[str, Any]) -> OrderedLine:
    """A line that a change names and the order does not have, in the words of the change."""
    return _line({**one, "line_id": "", "unit_price": None, "told_price": None}, _Terms((), {}))


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
