"""Is an 856 right: levels, labels, items and quantities of the order (reference, section 4.2)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from sandbox.partner import reading
from sandbox.partner.book import Book, Line, Order
from sandbox.partner.reading import Block, number
from sandbox.partner.rules import Terms
from sandbox.partner.x12 import Found, SetIn

# Which level may stand under which, by BSN05; without BSN05 any of them.
SHAPES = {
    "0001": {"S": "", "O": "S", "T": "O", "P": "OT", "I": "P"},
    "0002": {"S": "", "O": "S", "T": "O", "I": "OT", "P": "I"},
    "0004": {"S": "", "O": "S", "I": "O"},
    "": {"S": "", "O": "S", "T": "SO", "P": "OTI", "I": "OPT"},
}
LABEL_MARKS = frozenset(("GM", "AA"))  # MAN01 of an SSCC-18
_SCAC = re.compile(r"[A-Z]{2,4}")


@dataclass
class Level:
    """One HL with the segments up to the next, and its parent's place in the list (-1: none)."""

    block: Block
    parent: int

    @property
    def kind(self) -> str:
        """HL03."""
        return self.block.head.at(3)


class Shipped(NamedTuple):
    """An item level: what was shipped of which order's line to which store."""

    order: Order
    line: Line
    store: str
    quantity: Decimal


def levels(it: SetIn) -> list[Level]:
    """All levels; a parent that is not there is none."""
    found: list[Level] = []
    by_number: dict[str, int] = {}
    for block in reading.blocks(it.segments, "HL", frozenset(("CTT", "SE"))):
        found.append(Level(block, by_number.get(block.head.at(2), -1)))
        by_number[block.head.at(1)] = len(found) - 1
    return found


def check(it: SetIn, book: Book, terms: Terms) -> list[Found]:
    """Everything that is wrong with an 856."""
    tree, head = levels(it), it.first("BSN")
    found = [*_tree(tree, head.at(5))]
    if head.at(2) in book.shipment_ids:
        found.append(Found("shipment-repeated", f"shipment {head.at(2)} was told before"))
    items = sum(len(one.block.all("LIN")) for one in tree)
    found += reading.counted(it.segments, len(tree) if terms.counts == "HL" else items)
    for level in tree:
        if level.kind == "S":
            found += _shipment(it, level, terms)
        if level.kind == "O":
            found += _order(level, _codes(tree, level), book, terms)
        if level.kind == "I":
            found += _item(tree, level, book)
    found += _labels(tree, book, terms)
    return [*found, *_quantities(_shipped(tree, book), terms)]


def _tree(tree: Sequence[Level], type: str) -> Iterator[Found]:
    shape = SHAPES.get(type, SHAPES[""])
    parents = {one.parent for one in tree}
    for at, level in enumerate(tree):
        head = level.block.head
        if head.at(1) != str(at + 1):
            yield Found("hl-number", f"HL01 is {head.at(1)}, it is level {at + 1}")
        if head.at(2) and level.parent < 0:
            yield Found(
                "hl-parent",
                f"level {head.at(1)} names {head.at(2)} as parent, which does not stand before it",
            )
            continue
        above = tree[level.parent].kind if level.parent >= 0 else ""
        if level.kind not in shape:
            yield Found(
                "hl-shape", f"level {level.kind} does not belong into structure {type or 'without a name'}"
            )
        elif above not in shape[level.kind] or (not above) != (not shape[level.kind]):
            yield Found("hl-parent", f"level {head.at(1)} ({level.kind}) stands under {above or 'nothing'}")
        children = "1" if at in parents else "0"
        if head.at(4) and head.at(4) != children:
            yield Found("hl-child", f"HL04 of level {head.at(1)} is {head.at(4)}")
    missing = {"0001": "SOPI", "0002": "SOIP", "0004": "SOI"}.get(type, "SOI")
    lost = [kind for kind in missing if kind not in {one.kind for one in tree}]
    if lost:
        yield Found("hl-shape", f"the shipment has no level {', '.join(lost)}")


def _shipment(it: SetIn, level: Level, terms: Terms) -> Iterator[Found]:
    block = level.block
    dates = [*block.all("DTM"), *(one for one in it.segments[:6] if one.id == "DTM")]
    if not any(one.at(1) == "011" and one.at(2) for one in dates):
        yield Found("ship-date", "the shipment has no DTM*011")
    if not terms.carrier:
        return
    carried = [one for one in block.all("TD5") if one.at(2) == "2" and _SCAC.fullmatch(one.at(3))]
    traced = [one for one in block.all("REF") if one.at(1) in ("BM", "CN") and one.at(2)]
    if not carried or not traced:
        lost = "no SCAC in TD5" if not carried else "neither REF*BM nor REF*CN"
        yield Found("carrier", f"the shipment has {lost}")


def _codes(tree: Sequence[Level], level: Level) -> str:
    """The ship-to of an order level, or of the shipment above it."""
    here: Level | None = level
    while here is not None:
        code = reading.ship_to(here.block.inside)
        if code:
            return code
        here = tree[here.parent] if here.parent >= 0 else None
    return ""


def _order_of(level: Level, book: Book) -> Order | None:
    prf = next(iter(level.block.all("PRF")), None)
    return book.order(prf.at(1), prf.at(2)) if prf else None


def _order(level: Level, code: str, book: Book, terms: Terms) -> Iterator[Found]:
    prf = next(iter(level.block.all("PRF")), None)
    order = _order_of(level, book)
    if order is None:
        yield reading.unknown(prf.at(1) if prf else "", prf.at(2) if prf else "")
        return
    if prf is not None and prf.at(4):
        yield from reading.dated(order, prf.at(4))
    if order.cancelled:
        yield Found("order-cancelled", f"{order.number} was cancelled")
    yield from reading.place(order, code)
    yield from reading.references(order, level.block.inside, terms.echo)
    wanted = terms.confirm and order.response  # BEG07: an acknowledgment is wanted
    if wanted and reading.store_of(order, code) not in order.confirmed:
        yield Found("shipment-unconfirmed", f"{order.number} is shipped and was not acknowledged")


def _above(tree: Sequence[Level], level: Level, kind: str) -> Level | None:
    here = level
    while here.parent >= 0:
        here = tree[here.parent]
        if here.kind == kind:
            return here
    return None


def _line_of(tree: Sequence[Level], level: Level, book: Book) -> tuple[Order | None, Line | None, str]:
    above = _above(tree, level, "O")
    order = _order_of(above, book) if above else None
    lin = next(iter(level.block.all("LIN")), None)
    if order is None or lin is None or above is None:
        return order, None, ""
    return order, order.line(lin.at(1), lin.pairs(2)), reading.store_of(order, _codes(tree, above))


def _item(tree: Sequence[Level], level: Level, book: Book) -> Iterator[Found]:
    order, line, _ = _line_of(tree, level, book)
    lin, sn1 = next(iter(level.block.all("LIN")), None), next(iter(level.block.all("SN1")), None)
    if order is None:
        return
    if line is None or lin is None:
        shown = lin.at(1) if lin else "without LIN"
        yield Found("line-unknown", f"item {shown!r} is no line of {order.number}")
        return
    yield from reading.same_item(line, lin.pairs(2), sn1.at(3) if sn1 else "")
    if sn1 is None or number(sn1.at(2)) <= 0:
        yield Found("ship-quantity", f"line {line.number}: SN102 is {sn1.at(2) if sn1 else 'missing'}")


def _labels(tree: Sequence[Level], book: Book, terms: Terms) -> Iterator[Found]:
    seen = set(book.labels)
    packs = [one for one in tree if one.kind == "P"]
    if terms.labels and not packs:
        yield Found("label-missing", "the shipment names no cartons")
    for level in packs:
        marks = [one.at(2) for one in level.block.all("MAN") if one.at(1) in LABEL_MARKS]
        if terms.labels and len(marks) != 1:
            yield Found("label-missing", f"carton {level.block.head.at(1)} has {len(marks)} labels")
        for mark in marks:
            yield from _label(mark, seen)
            seen.add(mark[-18:])


def _label(mark: str, seen: set[str]) -> Iterator[Found]:
    digits = mark[2:] if len(mark) == 20 and mark.startswith("00") else mark
    if len(digits) != 18 or not digits.isdecimal():
        yield Found("label-form", f"SSCC {mark!r} has not 18 digits")
    elif check_digit(digits[:17]) != digits[17]:
        yield Found("label-digit", f"SSCC {mark}: the check digit is {check_digit(digits[:17])}")
    elif digits in seen:
        yield Found("label-repeated", f"SSCC {mark} was used before")


def check_digit(digits: str) -> str:
    """GS1: from the right, digits weigh 3 and 1 in turn; what is missing to the next ten."""
    total = sum(int(digit) * (3 if at % 2 == 0 else 1) for at, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def _shipped(tree: Sequence[Level], book: Book) -> list[Shipped]:
    found = []
    for level in tree:
        if level.kind != "I":
            continue
        order, line, store = _line_of(tree, level, book)
        sn1 = next(iter(level.block.all("SN1")), None)
        if order and line and sn1:
            found.append(Shipped(order, line, store, number(sn1.at(2))))
    return found


def _quantities(shipped: Sequence[Shipped], terms: Terms) -> Iterator[Found]:
    sums: defaultdict[tuple[int, str], Decimal] = defaultdict(Decimal)
    lines = {(id(one.line), one.store): one for one in shipped}
    for one in shipped:
        sums[id(one.line), one.store] += one.quantity
    for key, one in lines.items():
        total = one.line.shipped[one.store] + sums[key]
        ordered, accepted = one.line.ordered(one.store), one.line.accepted(one.store)
        if total > ordered:
            words = f"{one.order.number} line {one.line.number}: {total} shipped, {ordered} ordered"
            yield Found("shipped-over", words)
        elif terms.confirm and one.line.told.get(one.store) and total > accepted:
            words = f"{one.order.number} line {one.line.number}: {total} shipped, {accepted} acknowledged"
            yield Found("shipped-refused", words)


def orders(it: SetIn, book: Book) -> list[Order]:
    """The orders that an 856 is about, as far as they are ours."""
    found = [_order_of(one, book) for one in levels(it) if one.kind == "O"]
    return [one for one in found if one is not None]


def post(it: SetIn, book: Book) -> None:
    """Take an 856 into the books."""
    tree, id = levels(it), it.first("BSN").at(2)
    book.shipment_ids.add(id)
    for one in _shipped(tree, book):
        one.line.shipped[one.store] += one.quantity
    for order in orders(it, book):
        order.shipments.append(id)
    for level in tree:
        book.labels.update(one.at(2)[-18:] for one in level.block.all("MAN") if one.at(1) in LABEL_MARKS)
