"""What the checks of several documents read alike: lines, numbers, parties, references."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from sandbox.partner.book import Line, Order
from sandbox.partner.writing import day
from sandbox.partner.x12 import Found, Segment

SUMMARY = frozenset(("CTT", "TDS", "SE"))


class Block(NamedTuple):
    """A line: its first segment and what belongs to it."""

    head: Segment
    inside: Sequence[Segment]

    def all(self, id: str) -> list[Segment]:
        """Its segments of this id."""
        return [one for one in self.inside if one.id == id]


def number(text: str) -> Decimal:
    """A number of type R or N; nothing is 0. What is none was told as a syntax fault before."""
    try:
        return Decimal(text or "0")
    except InvalidOperation:
        return Decimal(0)


def blocks(segments: Sequence[Segment], first: str, ends: frozenset[str] = SUMMARY) -> list[Block]:
    """Lines that begin with this segment id, until the summary."""
    found: list[tuple[Segment, list[Segment]]] = []
    for segment in segments:
        if segment.id == first:
            found.append((segment, []))
        elif segment.id in ends:
            if found:
                break
        elif found:
            found[-1][1].append(segment)
    return [Block(*one) for one in found]


def ship_to(segments: Sequence[Segment]) -> str:
    """The code of N1*ST."""
    return next((one.at(4) for one in segments if one.id == "N1" and one.at(1) == "ST"), "")


def store_of(order: Order, code: str) -> str:
    """The store that a document is about, where the order is split among stores."""
    return code if code in order.stores else ""


def place(order: Order, code: str) -> Iterator[Found]:
    """Is the ship-to the one that was ordered?"""
    if order.stores:
        if code and code not in order.stores and code != order.ship_to:
            yield Found(
                "ship-to", f"N1*ST is {code}, the order's stores are {', '.join(sorted(order.stores))}"
            )
    elif order.ship_to and code != order.ship_to:
        yield Found("ship-to", f"N1*ST is {code or 'missing'}, ordered to {order.ship_to}")


def dated(order: Order, told: str) -> Iterator[Found]:
    """Is the date of the order the one we sent?"""
    if told != day(order.on):
        yield Found(
            "order-date", f"the date of {order.number} is {told or 'missing'}, we sent {day(order.on)}"
        )


def references(order: Order, segments: Sequence[Segment], wanted: Sequence[str]) -> Iterator[Found]:
    """Are references given back?"""
    told = {(one.at(1), one.at(2)) for one in segments if one.id in ("REF", "N9")}
    for pair in order.references:
        if pair[0] in wanted and pair not in told:
            yield Found("reference-missing", f"REF*{pair[0]}*{pair[1]} of the order is not given back")


def same_item(line: Line, ids: Sequence[tuple[str, str]], unit: str) -> Iterator[Found]:
    """Are item ids and unit those of the order?"""
    missing = [f"{q} {id}" for q, id in line.item.ids if (q, id) not in ids]
    if missing:
        yield Found("line-ids", f"line {line.number}: {', '.join(missing)} is not repeated")
    if unit != line.item.unit:
        yield Found("line-unit", f"line {line.number}: unit {unit or 'missing'}, ordered {line.item.unit}")


def counted(segments: Sequence[Segment], count: int) -> Iterator[Found]:
    """Does CTT01 say how many lines there are?"""
    for one in segments:
        if one.id == "CTT" and one.at(1) != str(count):
            yield Found("line-count", f"CTT01 is {one.at(1)}, there are {count}")


def unknown(told: str, release: str = "") -> Found:
    """The order is not one of ours."""
    shown = f"{told} release {release}" if release else told
    return Found("order-unknown", f"we have sent no purchase order {shown!r}")
