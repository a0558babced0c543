"""A shipment as an 856: shipment, order, cartons where they are told, items in the unit of the order.

Sources: X12 856, elements 1005 (structure), 88 (GM: SSCC-18 with its identifier, CP: the carrier's number).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from connectors.edi import ordered, sscc
from connectors.edi.outgoing import (
    Draft,
    carrier_of,
    contact,
    day,
    described,
    exact,
    inner,
    is_scac,
    needed,
    parties,
    parts,
    plain,
    references,
    word,
)
from connectors.edi.settings import Settings
from connectors.edi.write import Segment, number
from hub.sdk import Invalid, Record

_PARTIES = ("ST", "SF", "BY", "SU", "SE", "VN")
_PACKED, _LOOSE = "0001", "0004"


class _Shipped(NamedTuple):
    """A quantity of a line of the order."""

    line: ordered.OrderedLine
    quantity: Decimal


class _Pack(NamedTuple):
    """A carton: its SSCC (empty: one is drawn), the carrier's number of it, kilograms, and what is in it."""

    sscc: str
    tracking: str
    weight: Decimal | None
    items: Sequence[_Shipped]


class _Levels:
    """Counts HL segments."""

    def __init__(self) -> None:
        self.count = 0

    def next(self, parent: int, code: str, *, children: bool) -> Segment:
        """HL with its own number, its parent's, and whether levels follow below it."""
        self.count += 1
        return ("HL", str(self.count), str(parent) if parent else "", code, "1" if children else "0")


def ship_notice(settings: Settings, record: Record, stamp: datetime, serial: Callable[[], int]) -> Draft:
    """The 856 of a shipment. `serial` gives the next number for an SSCC; `stamp` is the partner's time.

    Raises Invalid where a line is not of the order, or packages hold other quantities than the shipment.
    """
    order = ordered.ordered(record, settings.price_bases)
    items = [_shipped(one, order, record) for one in parts(record, "lines")]
    packs = _packs(settings, record, order, items)
    levels = _Levels()
    shown = needed(record, "number", "shipment number")
    begin = (
        "BSN",
        "00",
        shown,
        stamp.strftime("%Y%m%d"),
        stamp.strftime("%H%M"),
        _PACKED if packs else _LOOSE,
    )
    body = [*_shipment(settings, record, order, packs, levels), *_order(settings, order, levels)]
    if packs:
        for pack in packs:
            body += _package(settings, pack, levels, serial)
    else:
        for item in items:
            body += _item(item, levels, levels_parent=2)
    return Draft("856", shown, [begin, *body, ("CTT", str(levels.count))])


def _shipped(one: Mapping[str, Any], order: ordered.Ordered, record: Record) -> _Shipped:
    line = order.line(one)
    if line is None:
        called = word(one, "order_line") or word(one, "sku")
        raise Invalid(f"{called!r} is not in the partner's order, or in several of its lines", field="lines")
    if not line.ids and not line.sku:
        raise Invalid(f"line {line.shown} has no id that LIN could repeat", field="lines")
    return _Shipped(line, exact(one.get("quantity"), "lines.quantity"))


def _packs(
    settings: Settings, record: Record, order: ordered.Ordered, items: Sequence[_Shipped]
) -> Sequence[_Pack]:
    """Cartons as the shipment tells them; where it tells none, one for each line or one for all."""
    if settings.pack == "none":
        return ()
    told = parts(record, "packages")
    if told:
        packs = [_pack(one, order, record) for one in told]
        _same_quantities(packs, items)
        return packs
    if settings.pack == "line":
        return [_Pack("", "", None, [item]) for item in items]
    return [_Pack("", "", None, items)]


def _pack(one: Mapping[str, Any], order: ordered.Ordered, record: Record) -> _Pack:
    weight = one.get("weight_kg")
    return _Pack(
        sscc.checked(word(one, "sscc")) if word(one, "sscc") else "",
        word(one, "tracking"),
        exact(weight, "packages.weight_kg") if weight is not None else None,
        [_shipped(line, order, record) for line in parts(one, "lines")],
    )


def _same_quantities(packs: Sequence[_Pack], items: Sequence[_Shipped]) -> None:
    """What is in the cartons is what was shipped. Raises Invalid naming the line where it is not."""
    inside: dict[str, Decimal] = {}
    for pack in packs:
        for item in pack.items:
            inside[item.line.line_id] = inside.get(item.line.line_id, Decimal(0)) + item.quantity
    shipped: dict[str, Decimal] = {}
    for item in items:
        shipped[item.line.line_id] = shipped.get(item.line.line_id, Decimal(0)) + item.quantity
    for key in {**shipped, **inside}:
        packed, sent = inside.get(key, Decimal(0)), shipped.get(key, Decimal(0))
        if packed != sent:
            words = f"line {key}: {number(packed)} are in cartons and {number(sent)} were shipped"
            raise Invalid(words, field="packages")


def _shipment(
    settings: Settings, record: Record, order: ordered.Ordered, packs: Sequence[_Pack], levels: _Levels
) -> Iterator[Segment]:
    """The S level: cartons and weight, carrier, references, day, whereto."""
    head = order.head
    yield levels.next(0, "S", children=True)
    if packs:
        weights = [pack.weight for pack in packs if pack.weight is not None]
        weighed = len(weights) == len(packs)
        weight = ("G", number(sum(weights, Decimal(0))), "KG") if weighed else ()
        yield ("TD1", "CTN", str(len(packs)), "", "", "", *weight)
    carrier = carrier_of(settings, record)
    if carrier:
        coded = ("2", carrier, "", "") if is_scac(carrier) else ("", "", "", plain(carrier)[:35])
        yield ("TD5", "B", *coded)
    yield from references(settings, (), inner(record, "references"))
    yield from contact(settings)
    yield ("DTM", "011", day(needed(record, "shipped_on", "day of shipment"), "shipped_on"))
    if record.get("expected_on"):
        yield ("DTM", "017", day(record.get("expected_on"), "expected_on"))
    if word(head, "freight"):
        yield ("FOB", word(head, "freight"))
    yield from parties(head, _PARTIES)


def _order(settings: Settings, order: ordered.Ordered, levels: _Levels) -> Iterator[Segment]:
    """The O level: the purchase order as it was sent."""
    head = order.head
    yield levels.next(1, "O", children=True)
    yield (
        "PRF", word(head, "purchase_order"), word(head, "release"), "", day(head.get("date"), "date"), "",
        word(head, "contract"),
    )  # fmt: skip
    yield from references(settings, parts(head, "references"), {})


def _package(
    settings: Settings, pack: _Pack, levels: _Levels, serial: Callable[[], int]
) -> Iterator[Segment]:
    """A P level with its marks, and the items in it."""
    own = levels.next(2, "P", children=bool(pack.items))
    parent = levels.count
    yield own
    yield ("MAN", "GM", "00" + (pack.sscc or sscc.made(settings.gs1_prefix, serial())))
    if pack.tracking:
        yield ("MAN", "CP", pack.tracking)
    for item in pack.items:
        yield from _item(item, levels, parent)


def _item(item: _Shipped, levels: _Levels, levels_parent: int) -> Iterator[Segment]:
    """An I level: ids and unit of PO1, quantity shipped and ordered."""
    line = item.line
    yield levels.next(levels_parent, "I", children=False)
    yield ("LIN", line.number, *(line.pairs() or ("VN", line.sku)))
    yield (
        "SN1",
        line.number,
        number(item.quantity),
        line.counted_in,
        "",
        number(line.quantity),
        line.counted_in,
    )
    yield from described(line.name)
