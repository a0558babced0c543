"""A change of a purchase order (860) as a record: which order, which lines, what of them is new.

Source: X12 elements 353 (purpose) and 670 (kind of change). POC03 is the new quantity, POC04 what is left of
it by the partner's count; only the first counts here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from connectors.edi import order_lines, order_parts, pricing
from connectors.edi.pricing import Told
from connectors.edi.purchase_order import Made, Part, SetPlace, key_of
from connectors.edi.settings import Settings
from connectors.edi.translate import check_single, many, number, one, text
from hub.sdk import Unmappable

MAPPING = "edi.order_change"
_PURPOSES = {"04": "change", "01": "cancel"}
# Element 670. `told`: whatever of quantity, price and day stands in the line is new.
_ACTIONS = {
    "AI": "add", "DI": "delete", "NC": "none", "QD": "quantity", "QI": "quantity", "PC": "price",
    "CT": "date", "RS": "date", "RZ": "replace", "CA": "told", "PQ": "told", "PR": "told", "RQ": "told",
    "MU": "told",
}  # fmt: skip


def read(tree: Mapping[str, Any], place: SetPlace, settings: Settings) -> Made:
    """What an 860 means. Never raises Unmappable: it stands in the answer."""
    begin = one(tree, "BCH")
    key = key_of(text(begin, "order_number"), text(begin, "release_number"))
    external_id = f"{key}#{_version(begin, place)}"
    try:
        return Made("order_change", external_id, _record(tree, key, place, settings))
    except Unmappable as error:
        return Made("order_change", external_id, None, error)


def _version(begin: Mapping[str, Any], place: SetPlace) -> str:
    """Which change of the order it is: BCH05, else the day of the change and ST02."""
    sequence = text(begin, "change_sequence")
    return sequence or f"{_changed_on(begin)}.{place.control_number}"


def _changed_on(begin: Mapping[str, Any]) -> str:
    """BCH11, the day of the change; some put it into BCH10 or say the day of the order only (BCH06)."""
    days = (order_parts.day(text(begin, name)) for name in ("date_3", "date_2", "date"))
    return next((entry for entry in days if entry), "")


def _record(tree: Mapping[str, Any], key: str, place: SetPlace, settings: Settings) -> Part:
    begin = one(tree, "BCH")
    purpose = text(begin, "purpose")
    check_single(tree, MAPPING, "BCH", "CUR")
    if not text(begin, "order_number"):
        raise Unmappable(MAPPING, "purchase_order", "BCH03 names no purchase order")
    if purpose not in _PURPOSES:
        words = (
            f"what an 860 of purpose {purpose} wants is not known: ask for a change (04) or cancellation (01)"
        )
        raise Unmappable(MAPPING, "purpose", words, purpose)
    _check_head(tree)
    dates = order_parts.dates(tree)
    loops = many(tree, "lines") if _PURPOSES[purpose] == "change" else ()
    parties = order_parts.parties(tree, settings.default_country)
    return {
        "order_key": key,
        "purchase_order": text(begin, "order_number"),
        "release": text(begin, "release_number"),
        "action": _PURPOSES[purpose],
        "purpose": purpose,
        "type": text(begin, "order_type"),
        "sequence": text(begin, "change_sequence"),
        "date": _changed_on(begin),
        "ordered_on": order_parts.day(text(begin, "date")),
        "response": text(begin, "acknowledgment_type"),
        "requested_on": order_parts.wanted_on(dates),
        "dates": dates,
        "days": order_parts.window(dates),
        "references": order_parts.references(tree),
        "parties": parties,
        "notes": [*order_parts.notes(tree), *_places(parties)],
        "partner": {"customer": settings.customer, "name": settings.partner_name},
        "lines": [_line(loop, f"lines[{turn}]", settings) for turn, loop in enumerate(loops)],
        "not_placed": tree.get("not_placed", []),
        "set": place._asdict(),
    }


def _places(parties: Sequence[Part]) -> list[str]:
    """Where goods go by this change, for whoever decides on it: whether it is new is not told."""
    found = [entry for entry in parties if entry["role"] == "ST"]
    parts = ("code", "name", "street", "city", "subdivision", "postal_zone")
    return ["Ship to: " + ", ".join(entry[part] for part in parts if entry[part]) for entry in found]


def _check_head(tree: Mapping[str, Any]) -> None:
    if any(entry.sign for entry in pricing.allowances(tree, MAPPING, "allowances")):
        words = "an allowance or charge on the whole order by a change: which prices are meant is not told"
        raise Unmappable(MAPPING, "allowances", words)


def _line(loop: Mapping[str, Any], field: str, settings: Settings) -> Part:
    head = one(loop, "POC")
    code = text(head, "change_type")
    action = _ACTIONS.get(code, "")
    if not action:
        words = f"what a change of kind {code} (POC02) does to the line is not known: ask the partner"
        raise Unmappable(MAPPING, f"{field}.action", words, code)
    pairs = order_parts.ids(head)
    found: Part = {
        "line_id": text(head, "line_number"), "line_number": text(head, "line_number"), "change_type": code,
        "quantity": number(head, "quantity", MAPPING, f"{field}.quantity"),
        "left": number(head, "quantity_left", MAPPING, f"{field}.left"),
        "unit": text(one(head, "unit_of_measure"), "unit"), "ids": pairs,
        "sku": order_parts.sku_of(pairs, settings.sku_qualifiers),
        "unit_price": None, "line": None, "requested_on": _day(loop),
    }  # fmt: skip
    if not found["line_id"] and not found["sku"]:
        words = "neither a line number (POC01) nor an item that is ours: which line is meant is not told"
        raise Unmappable(MAPPING, f"{field}.line_id", words)
    found["action"] = action = _told(loop, head, found) if action == "told" else action
    if action in ("add", "replace"):
        return {**found, **_whole(loop, head, found, field, settings)}
    return {**found, **_single(loop, head, found, field, settings)}


def _day(loop: Mapping[str, Any]) -> str:
    """The day of a line: of its schedules if they agree, else of its DTM."""
    days = {order_parts.day(text(one(inner, "SCH"), "date")) for inner in many(loop, "schedules")} - {""}
    if len(days) == 1:
        return days.pop()
    return "" if days else order_parts.wanted_on(order_parts.dates(loop))


def _told(loop: Mapping[str, Any], head: Mapping[str, Any], found: Part) -> str:
    """What CA and its like change: everything if quantity and price are told, else the one that is."""
    priced = bool(text(head, "unit_price") or many(loop, "prices"))
    if found["quantity"] is not None and priced:
        return "replace"
    if found["quantity"] is not None:
        return "quantity"
    return "price" if priced else "date"


def _whole(
    loop: Mapping[str, Any], head: Mapping[str, Any], found: Part, field: str, settings: Settings
) -> Part:
    """The line as it shall be from now on."""
    if found["quantity"] is None:
        raise Unmappable(MAPPING, f"{field}.quantity", "POC03 tells no quantity, and all of the line is new")
    days = {order_parts.day(text(one(inner, "SCH"), "date")) for inner in many(loop, "schedules")} - {""}
    if len(days) > 1 or many(loop, "SDQ"):
        words = "quantities by day or by store in a change: take it up with the partner, or change it by hand"
        raise Unmappable(MAPPING, f"{field}.schedules", words)
    told = Told(MAPPING, field, found["quantity"], found["unit"], settings.price_bases)
    line = order_lines.described(loop, head, told, settings)
    line["requested_on"] = found["requested_on"] or line["requested_on"]
    line_id = found["line_id"] or found["sku"]
    return {"unit_price": line["unit_price"], "line": {**line, "line_id": line_id}}


def _single(
    loop: Mapping[str, Any], head: Mapping[str, Any], found: Part, field: str, settings: Settings
) -> Part:
    """What is new of a line of which only one thing changes. Raises Unmappable where that is not told."""
    action = found["action"]
    if action == "quantity" and found["quantity"] is None:
        raise Unmappable(MAPPING, f"{field}.quantity", "POC03 tells no new quantity")
    if action == "date" and not found["requested_on"]:
        raise Unmappable(MAPPING, f"{field}.requested_on", "no single new day is told (SCH or DTM)")
    told = Told(MAPPING, field, found["quantity"] or Decimal(1), found["unit"], settings.price_bases)
    kept = {"quantity": found["quantity"] if action == "quantity" else None}
    if action == "price":
        on_line = pricing.allowances(loop, MAPPING, f"{field}.allowances")
        price = pricing.of_line(loop, head, told)
        kept["unit_price"] = pricing.net(price.unit_price, on_line, (), told)
    if action not in ("date", "replace", "add"):
        return {**kept, "requested_on": "" if action in ("delete", "none") else found["requested_on"]}
    return kept
