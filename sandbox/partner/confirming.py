"""Is an 855 or 865 right: every line as ordered, quantities that add up (reference, section 4.2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal

from sandbox.partner import reading
from sandbox.partner.book import ACCEPTING, BASES, REFUSING, Alter, Amendment, Book, Line, Order
from sandbox.partner.reading import Block, number
from sandbox.partner.x12 import Found, SetIn

NO_DETAIL = frozenset(("AK", "AT", "RJ", "AH", "NA", "AP"))
WITH_DETAIL = frozenset(("AC", "AD", "RD", "RO"))
LATER = frozenset(("DR",))
PRICE_CHANGES = frozenset(("IP", "AC", "IC"))


def of(it: SetIn, book: Book) -> tuple[Order | None, str]:
    """The order that an 855 or 865 is about, and its number as told."""
    head = it.segments[1] if len(it.segments) > 1 else it.segments[0]
    place = 5 if it.id == "855" else 4
    return book.order(head.at(3), head.at(place)), head.at(3)


def check(it: SetIn, book: Book) -> list[Found]:
    """Everything that is wrong with an 855."""
    order, told = of(it, book)
    if order is None:
        return [reading.unknown(told, it.first("BAK").at(5))]
    head, code = it.first("BAK"), reading.ship_to(it.segments)
    store = reading.store_of(order, code)
    found = [*reading.dated(order, head.at(4))]
    if code:
        found += reading.place(order, code)
    if store in order.confirmed and head.at(1) == "00":
        found.append(Found("confirmed-twice", f"{order.number} was acknowledged before"))
    lines = reading.blocks(it.segments, "PO1")
    seen = Counter[str]()
    for block in lines:
        line = order.line(block.head.at(1), block.head.pairs(6))
        if line is None:
            found.append(_no_line(block, order))
            continue
        seen[line.number + str(id(line))] += 1
        found += _line(block, line, store)
    found += _complete(order, seen, head.at(2), store)
    found += _type(head.at(2), lines)
    return [*found, *reading.counted(it.segments, len(lines))]


def _no_line(block: Block, order: Order) -> Found:
    return Found("line-unknown", f"{block.head.id}01 {block.head.at(1)!r} is no line of {order.number}")


def _line(block: Block, line: Line, store: str) -> Iterator[Found]:
    head, ordered = block.head, line.ordered(store)
    yield from reading.same_item(line, head.pairs(6), head.at(3))
    if number(head.at(2)) != ordered:
        yield Found("line-quantity", f"line {line.number}: PO102 is {head.at(2)}, ordered {ordered}")
    yield from _acks(block, line, ordered)
    changes = any(one.at(1) in PRICE_CHANGES for one in block.all("ACK"))
    if line.item.price is not None and not changes:
        yield from _price(head.at(4), head.at(5), line)


def _price(told: str, basis: str, line: Line) -> Iterator[Found]:
    each = number(told) / BASES.get(basis, 1)
    wanted = (line.item.price or Decimal(0)) / BASES.get(line.item.basis, 1)
    if not told or each != wanted:
        shown = f"{told or 'missing'} {basis}".strip()
        yield Found(
            "line-price", f"line {line.number}: price {shown}, ordered {line.item.price} {line.item.basis}"
        )


def _acks(block: Block, line: Line, ordered: Decimal) -> Iterator[Found]:
    acks = block.all("ACK")
    if not acks:
        yield Found("ack-missing", f"line {line.number} has no ACK")
        return
    for one in acks:
        if one.at(1) not in ACCEPTING | REFUSING:
            yield Found("ack-code", f"line {line.number}: ACK01 {one.at(1)}")
        if one.at(3) and one.at(3) != line.item.unit:
            yield Found("ack-unit", f"line {line.number}: ACK03 {one.at(3)}, ordered {line.item.unit}")
        if one.at(1) in LATER and not one.at(5):
            yield Found("ack-date", f"line {line.number}: {one.at(1)} without a date")
    total = sum(_told(block, ordered).values(), Decimal(0))
    if total != ordered:
        yield Found("ack-sum", f"line {line.number}: the ACK make {total}, ordered {ordered}")


def _told(block: Block, ordered: Decimal) -> dict[str, Decimal]:
    """ACK01 to quantity; an ACK without a quantity means all."""
    told: dict[str, Decimal] = {}
    for one in block.all("ACK"):
        told[one.at(1)] = told.get(one.at(1), Decimal(0)) + (number(one.at(2)) if one.at(2) else ordered)
    return told


def _complete(order: Order, seen: Counter[str], type: str, store: str) -> Iterator[Found]:
    for line in order.lines:
        count = seen[line.number + str(id(line))]
        if count > 1:
            yield Found("line-twice", f"line {line.number} stands {count} times")
        if type in WITH_DETAIL and not count and line.ordered(store):
            yield Found("line-missing", f"line {line.number} is not acknowledged")


def _type(type: str, lines: Sequence[Block]) -> Iterator[Found]:
    codes = {one.at(1) for block in lines for one in block.all("ACK")}
    if type == "AD" and codes - {"IA"}:
        yield Found("ack-type", f"BAK02 is AD (no change) and lines say {', '.join(sorted(codes - {'IA'}))}")
    if type in ("RD", "RJ") and codes & ACCEPTING:
        yield Found(
            "ack-type", f"BAK02 is {type} (refused) and lines say {', '.join(sorted(codes & ACCEPTING))}"
        )


def post(it: SetIn, book: Book) -> None:
    """Take an 855 into the books."""
    order, _ = of(it, book)
    assert order is not None
    store = reading.store_of(order, reading.ship_to(it.segments))
    order.confirmed.append(store)
    type = it.first("BAK").at(2)
    for block in reading.blocks(it.segments, "PO1"):
        line = order.line(block.head.at(1), block.head.pairs(6))
        if line is not None:
            line.told[store] = _told(block, line.ordered(store))
    if type in NO_DETAIL and not reading.blocks(it.segments, "PO1"):
        for line in order.lines:
            code = {"RJ": "IR", "AH": "IH"}.get(type, "IA")
            line.told[store] = {code: line.ordered(store)}


def check_change(it: SetIn, book: Book) -> list[Found]:
    """Everything that is wrong with an 865."""
    order, told = of(it, book)
    head = it.first("BCA")
    if order is None:
        return [reading.unknown(told, head.at(4))]
    amendment = _amendment(order, head.at(5))
    if amendment is None:
        return [
            Found("change-unknown", f"{order.number} has no change {head.at(5)!r} that waits for an answer")
        ]
    found = [*reading.dated(order, head.at(6))]
    lines = reading.blocks(it.segments, "POC")
    wanted = {one.line: one for one in amendment.alters}
    for block in lines:
        alter = wanted.pop(block.head.at(1), None)
        of_cancelled = amendment.purpose == "01" and order.line(block.head.at(1), block.head.pairs(8))
        if alter is None and not of_cancelled:
            found.append(_no_line(block, order))
            continue
        found += _altered(block, order, alter)
    if head.at(2) in WITH_DETAIL:
        found += [Found("line-missing", f"line {one} of the change is not answered") for one in wanted]
    return [*found, *reading.counted(it.segments, len(lines))]


def _altered(block: Block, order: Order, alter: Alter | None) -> Iterator[Found]:
    quantity = alter.quantity if alter else None
    acks = block.all("ACK")
    if not acks:
        yield Found("ack-missing", f"line {block.head.at(1)} has no ACK")
    for one in acks:
        if one.at(1) not in ACCEPTING | REFUSING:
            yield Found("ack-code", f"line {block.head.at(1)}: ACK01 {one.at(1)}")
    line = order.line(block.head.at(1), block.head.pairs(8))
    if line is not None:
        yield from reading.same_item(line, block.head.pairs(8), block.head.at(5))
    told = sum((number(one.at(2)) for one in acks), Decimal(0))
    if quantity is not None and told and told != quantity:
        yield Found("ack-sum", f"line {block.head.at(1)}: the ACK make {told}, wanted {quantity}")


def _amendment(order: Order, number: str) -> Amendment | None:
    return next((one for one in order.amendments if one.number == number and one.state == "open"), None)


def post_change(it: SetIn, book: Book) -> None:
    """Take an 865 into the books: the change is in force, or refused."""
    order, _ = of(it, book)
    assert order is not None
    amendment = _amendment(order, it.first("BCA").at(5))
    assert amendment is not None
    deleted = {one.line for one in amendment.alters if one.code == "DI"}
    told = {
        block.head.at(1): {one.at(1) for one in block.all("ACK")}
        for block in reading.blocks(it.segments, "POC")
    }
    taken = ACCEPTING | {"ID"}  # ID says of a line that is to go: it is gone
    refused = {line for line, codes in told.items() if not codes & (taken if line in deleted else ACCEPTING)}
    if amendment.purpose == "01":
        refused = {line for line, codes in told.items() if not codes & taken}
    if it.first("BCA").at(2) in ("RJ", "RD") or (told and refused == set(told)):
        amendment.state = "rejected"
        return
    amendment.alters = [one for one in amendment.alters if one.line not in refused]
    order.apply(amendment)
