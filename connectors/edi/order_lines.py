"""Lines of purchase orders (PO1) and of changes (POC): quantity, price, item, schedules, stores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from connectors.edi import order_parts, pricing
from connectors.edi.pricing import Allowance, Told
from connectors.edi.settings import Settings
from connectors.edi.translate import many, number, one, text, unit_of
from hub.sdk import Unmappable

Part = dict[str, Any]


class Line(NamedTuple):
    """A line for the record, and the quantities of its stores (empty: it is for one place)."""

    record: Part
    stores: Mapping[tuple[str, str], Decimal]


def ids_of_lines(told: Sequence[str]) -> list[str]:
    """Our ids: as PO101 where that is there and its own, else a running number that no other line has."""
    used, counts = {entry for entry in told if entry}, Counter(told)
    found: list[str] = []
    for turn, told_number in enumerate(told, 1):
        if told_number and counts[told_number] == 1:
            found.append(told_number)
            continue
        name, more = str(turn), 1
        while name in used:
            more += 1
            name = f"{turn}.{more}"
        used.add(name)
        found.append(name)
    return found


def of_order(
    tree: Mapping[str, Any], settings: Settings, on_order: Sequence[Allowance], mapping: str
) -> Iterator[Line]:
    """The lines of an 850; a line with several delivery days stands once for each. Raises Unmappable."""
    loops = many(tree, "lines")
    if not loops:
        raise Unmappable(mapping, "lines", "it has no lines (PO1): it orders nothing")
    names = ids_of_lines([text(one(loop, "PO1"), "line_number") for loop in loops])
    for turn, (loop, name) in enumerate(zip(loops, names, strict=True)):
        yield from _line(loop, name, settings, on_order, (mapping, f"lines[{turn}]"))


def _line(
    loop: Mapping[str, Any],
    name: str,
    settings: Settings,
    on_order: Sequence[Allowance],
    place: tuple[str, str],
) -> Iterator[Line]:
    head = one(loop, "PO1")
    unit = text(head, "unit") or _unit_of_parts(loop)
    stores = _stores(loop, unit, place)
    schedules = _schedules(loop, unit, place)
    quantity = _quantity(head, schedules, stores, place)
    told = Told(*place, quantity, unit, settings.price_bases)
    record = described(loop, head, told, settings, on_order)
    record = {"line_id": name, "line_number": text(head, "line_number"), **record}
    days = list(dict.fromkeys(entry["date"] for entry in schedules if entry["date"]))
    if stores and len(days) > 1:
        words = "quantities by store and by day (SDQ and SCH): which store gets what when is not told"
        raise Unmappable(*place, words)
    record |= {"schedules": schedules, "requested_on": days[0] if days else record["requested_on"]}
    if len(days) < 2:
        yield Line(record, stores)
        return
    for turn, entry in enumerate(schedules, 1):
        part = {"line_id": f"{name}-{turn}", "quantity": entry["quantity"], "requested_on": entry["date"]}
        yield Line({**record, **part}, {})


def described(
    loop: Mapping[str, Any],
    head: Mapping[str, Any],
    told: Told,
    settings: Settings,
    on_order: Sequence[Allowance] = (),
) -> Part:
    """What PO1 and POC say alike: item, unit, quantity, exact price of one. Raises Unmappable."""
    pairs = order_parts.ids(head)
    on_line = pricing.allowances(loop, told.mapping, f"{told.field}.allowances")
    pricing.check_sublines(loop, told)
    price = pricing.of_line(loop, head, told)
    dates = order_parts.dates(loop)
    packing = one(loop, "PO4")
    return {
        "quantity": told.quantity,
        "ordered": told.quantity,
        "unit": told.unit,
        "unit_code": unit_of(told.unit),
        "unit_price": pricing.net(price.unit_price, on_line, on_order, told),
        "told_price": price.told,
        "basis": price.basis,
        "ids": pairs,
        "sku": order_parts.sku_of(pairs, settings.sku_qualifiers),
        "gtin": order_parts.gtin_of(pairs),
        "name": order_parts.name_of(loop),
        "requested_on": order_parts.wanted_on(dates),
        "dates": dates,
        "references": order_parts.references(loop),
        "notes": order_parts.notes(loop),
        "prices": [_price(one(inner, "CTP"), told) for inner in many(loop, "prices")],
        "pack": text(packing, "pack") if packing else "",
        "pack_size": text(packing, "size") if packing else "",
        "inner_pack": text(packing, "inner_pack") if packing else "",
        "allowances": [entry.record() for entry in on_line],
        "sublines": [_subline(inner, told) for inner in many(loop, "sublines")],
    }


def _price(segment: Mapping[str, Any], told: Told) -> Part:
    return {
        "type": text(segment, "price_type"),
        "price": number(segment, "unit_price", told.mapping, f"{told.field}.prices"),
    }


def _subline(loop: Mapping[str, Any], told: Told) -> Part:
    head = one(loop, "SLN")
    field = f"{told.field}.sublines"
    pairs = order_parts.ids(head)
    described_by = [text(segment, "description") for segment in many(loop, "PID")]
    return {
        "line_number": text(head, "line_number"),
        "relationship": text(head, "relationship"),
        "quantity": number(head, "quantity", told.mapping, field),
        "unit": text(one(head, "unit_of_measure"), "unit"),
        "unit_price": number(head, "unit_price", told.mapping, field),
        "ids": pairs,
        "name": next((words for words in described_by if words), ""),
    }


def _quantity(
    head: Mapping[str, Any],
    schedules: Sequence[Part],
    stores: Mapping[tuple[str, str], Decimal],
    place: tuple[str, str],
) -> Decimal:
    """PO102, and what schedules and stores must add up to; where it is not told, what they do add up to."""
    mapping, field = place
    told = number(head, "quantity", mapping, f"{field}.quantity")
    by_day = sum((entry["quantity"] for entry in schedules), Decimal(0)) if schedules else None
    by_store = sum(stores.values(), Decimal(0)) if stores else None
    for found, name in ((by_day, "SCH"), (by_store, "SDQ")):
        if found is not None and found != (found if told is None else told):
            words = f"the quantities of {name} add up to {found}, the line is over {told}: ask which is right"
            raise Unmappable(mapping, f"{field}.quantity", words, str(told))
    quantity = told if told is not None else by_day if by_day is not None else by_store
    if quantity is None:
        words = "no quantity is told, neither in PO102 nor by SCH or SDQ"
        raise Unmappable(mapping, f"{field}.quantity", words)
    return quantity


def _schedules(loop: Mapping[str, Any], unit: str, place: tuple[str, str]) -> list[Part]:
    found = []
    for inner in many(loop, "schedules"):
        segment = one(inner, "SCH")
        quantity = number(segment, "quantity", place[0], f"{place[1]}.schedules")
        _same_unit(text(segment, "unit"), unit, "SCH", place)
        found.append({
            "quantity": quantity or Decimal(0),
            "unit": text(segment, "unit"),
            "qualifier": text(segment, "date_qualifier"),
            "date": order_parts.day(text(segment, "date")),
        })  # fmt: skip
    return found


def _stores(loop: Mapping[str, Any], unit: str, place: tuple[str, str]) -> dict[tuple[str, str], Decimal]:
    found: dict[tuple[str, str], Decimal] = {}
    for segment in many(loop, "SDQ"):
        _same_unit(text(segment, "unit"), unit, "SDQ", place)
        for part in many(segment, "stores"):
            key = text(segment, "id_qualifier"), text(part, "id")
            quantity = number(part, "quantity", place[0], f"{place[1]}.stores")
            if not key[1]:
                raise Unmappable(place[0], f"{place[1]}.stores", "SDQ has a quantity without a store")
            found[key] = found.get(key, Decimal(0)) + (quantity or Decimal(0))
    return found


def _unit_of_parts(loop: Mapping[str, Any]) -> str:
    """The unit of schedules and stores where PO103 tells none."""
    parts = [*many(loop, "SDQ"), *(one(inner, "SCH") for inner in many(loop, "schedules"))]
    return next((text(part, "unit") for part in parts if text(part, "unit")), "")


def _same_unit(told: str, unit: str, name: str, place: tuple[str, str]) -> None:
    if told and unit and told != unit:
        words = f"{name} counts in {told}, the line in {unit}: quantities cannot be compared"
        raise Unmappable(place[0], f"{place[1]}.quantity", words, told)
