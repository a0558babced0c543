"""A purchase order (850) as records: what it orders, of whom, where to; one record per store it splits into.

Purposes (BEG01): 00, 05 and 07 are the order itself, 01 takes it back; type (BEG02) BK is an agreement, and
copies for information order nothing. What cannot be said exactly is refused in words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

from connectors.edi import order_lines, order_parts, pricing
from connectors.edi.footing import CENT
from connectors.edi.order_lines import Line
from connectors.edi.settings import Settings
from connectors.edi.translate import BLANKET_ORDERS, FIRM_ORDERS, INFORMATION, check_single, many, one, text
from hub.sdk import Unmappable

MAPPING = "edi.order"
Part = dict[str, Any]
_WHOLE = ("00", "05", "07")


class SetPlace(NamedTuple):
    """Where a set stood: GS08, ST02, GS06 and ISA13."""

    version: str
    control_number: str
    group: str
    interchange: str


class Made(NamedTuple):
    """What a set means: a kind, the external id, and its record or why there is none."""

    kind: str
    external_id: str
    record: Part | None
    problem: Unmappable | None = None


def key_of(purchase_order: str, release: str) -> str:
    """The external id of an order: BEG03, and BEG04 where a release is named."""
    return f"{purchase_order}/{release}" if release else purchase_order


def read(tree: Mapping[str, Any], place: SetPlace, settings: Settings) -> Iterator[Made]:
    """What an 850 means. Never raises Unmappable: it stands in what is yielded."""
    begin = one(tree, "BEG")
    key = key_of(text(begin, "order_number"), text(begin, "release_number"))
    try:
        yield from _read(tree, key, place, settings)
    except Unmappable as error:
        yield Made("order", key or f"{place.interchange}:{place.control_number}", None, error)


def _read(tree: Mapping[str, Any], key: str, place: SetPlace, settings: Settings) -> Iterator[Made]:
    begin = one(tree, "BEG")
    purpose, kind = text(begin, "purpose"), text(begin, "order_type")
    name = f"850:{place.interchange}:{place.control_number}"
    check_single(tree, MAPPING, "BEG", "CUR")
    if not text(begin, "order_number"):
        raise Unmappable(MAPPING, "purchase_order", "BEG03 names no purchase order")
    if purpose == "01":
        yield _cancelled(tree, key, place)
    elif purpose == "22" or kind in INFORMATION:
        yield Made("message", name, _copy(tree, key, "copy", place))
    elif purpose not in _WHOLE:
        words = _PURPOSES.get(purpose, _UNKNOWN_PURPOSE).format(purpose)
        raise Unmappable(MAPPING, "purpose", words, purpose)
    elif kind in BLANKET_ORDERS:
        yield Made("message", name, _copy(tree, key, "blanket", place))
    else:
        _check_type(kind, text(begin, "release_number"), settings)
        yield from _orders(tree, key, place, settings)


_PURPOSES = {
    "04": "an 850 that changes an order (BEG01 04): whether it holds all of the order is not told; ask for "
    "an 860, or for an 850 that replaces it (05)",
    "06": "an 850 that confirms an order given before (BEG01 06): see whether that one is here already",
}
_UNKNOWN_PURPOSE = "what an 850 of purpose {} wants is not known: ask the partner"


def _check_type(kind: str, release: str, settings: Settings) -> None:
    if kind == "RL" and not release:
        words = "a release of a blanket order (BEG02 RL) without its number (BEG04): which one cannot be told"
        raise Unmappable(MAPPING, "release", words)
    if kind not in FIRM_ORDERS and kind not in settings.order_types:
        words = f"whether an order of type {kind} is firm is not known: name it in order_types if it is"
        raise Unmappable(MAPPING, "type", words, kind)


def _cancelled(tree: Mapping[str, Any], key: str, place: SetPlace) -> Made:
    """An 850 of purpose 01 is a change like an 860 that cancels."""
    begin = one(tree, "BEG")
    day = order_parts.day(text(begin, "date"))
    record = {
        "order_key": key,
        "purchase_order": text(begin, "order_number"),
        "release": text(begin, "release_number"),
        "action": "cancel",
        "purpose": "01",
        "sequence": "",
        "date": day,
        "requested_on": "",
        "notes": order_parts.notes(tree),
        "lines": [],
        "set": place._asdict(),
    }
    return Made("order_change", f"{key}#{day}.{place.control_number}", record)


def _copy(tree: Mapping[str, Any], key: str, what: str, place: SetPlace) -> Part:
    """An 850 that orders nothing: people see it, no order is made."""
    topics = {"copy": "Copy for information of order", "blanket": "Blanket order"}
    items = [one(loop, "PO1") for loop in many(tree, "lines")]
    return {
        "topic": f"{topics[what]} {key}",
        "body": {
            "purchase_order": key,
            "date": order_parts.day(text(one(tree, "BEG"), "date")),
            "notes": order_parts.notes(tree),
            "lines": [
                {name: text(item, name) for name in ("line_number", "quantity", "unit", "unit_price")}
                | {"ids": order_parts.ids(item)}
                for item in items
            ],
            "set": place._asdict(),
        },
    }


def _orders(tree: Mapping[str, Any], key: str, place: SetPlace, settings: Settings) -> Iterator[Made]:
    on_order = pricing.allowances(tree, MAPPING, "allowances")
    pricing.check_order(on_order, MAPPING)
    lines = [*order_lines.of_order(tree, settings, on_order, MAPPING)]
    _check_currency(tree, settings)
    record = _head(tree, place, settings)
    record["allowances"] = [entry.record() for entry in on_order]
    record["ship_to"] = _ship_to(tree, record["parties"], settings)
    if not any(line.stores for line in lines):
        yield Made("order", key, {**record, "lines": [line.record for line in lines]})
        return
    _check_split(record, lines)
    for qualifier, store in dict.fromkeys(name for line in lines for name in line.stores):
        yield Made("order", f"{key}@{store}", _of_store(record, lines, qualifier, store))


def _check_split(record: Part, lines: Sequence[Line]) -> None:
    """An order for stores must be split without a rest; its total is that of all of them together."""
    for turn, line in enumerate(lines):
        if not line.stores:
            words = "other lines are split by store (SDQ), this one is not: who gets it is not told"
            raise Unmappable(MAPPING, f"lines[{turn}].stores", words)
    total = record["total"]
    found = sum((_amount(line.record) for line in lines), Decimal(0))
    if total is not None and total != found:
        words = f"the order says it comes to {total}, its lines come to {found}"
        raise Unmappable(MAPPING, "total", words, str(total))


def _amount(line: Part) -> Decimal:
    product: Decimal = line["quantity"] * line["unit_price"]
    return product.quantize(CENT, ROUND_HALF_UP)


def _of_store(record: Part, lines: Sequence[Line], qualifier: str, store: str) -> Part:
    kept = [
        {**line.record, "quantity": line.stores[qualifier, store]}
        for line in lines
        if line.stores.get((qualifier, store))
    ]
    there = [
        entry
        for entry in record["parties"]
        if entry["role"] == "ST" and entry["code"] == store and entry["located"]
    ]
    ship_to = there[0] if there else order_parts.party("ST", qualifier, store)
    return {**record, "store": store, "ship_to": ship_to, "total": None, "lines": kept}


def _ship_to(tree: Mapping[str, Any], parties: Sequence[Part], settings: Settings) -> Part | None:
    """The one place goods go to. Raises Unmappable where head and lines name several."""
    found = [entry for entry in parties if entry["role"] == "ST"]
    for loop in many(tree, "lines"):
        found += [x for x in order_parts.parties(loop, settings.default_country) if x["role"] == "ST"]
    split = any(many(loop, "SDQ") for loop in many(tree, "lines"))
    places = list({(x["qualifier"], x["code"], x["street"], x["city"]): x for x in found}.values())
    if len(places) > 1 and not split:
        names = ", ".join(x["code"] or x["name"] or x["city"] for x in places[:5])
        words = f"goods go to several places ({names}): ask for an order for each, or for SDQ"
        raise Unmappable(MAPPING, "ship_to", words)
    return places[0] if places else None


def _check_currency(tree: Mapping[str, Any], settings: Settings) -> None:
    wanted = order_parts.currency(tree, settings.default_currency)
    for turn, loop in enumerate(many(tree, "lines")):
        told = order_parts.currency(loop, wanted)
        if told != wanted:
            words = f"the line is in {told}, the order in {wanted}: an order has one currency"
            raise Unmappable(MAPPING, f"lines[{turn}].currency", words, told)


def _head(tree: Mapping[str, Any], place: SetPlace, settings: Settings) -> Part:
    begin = one(tree, "BEG")
    parties = order_parts.parties(tree, settings.default_country)
    dates = order_parts.dates(tree)
    asked = text(begin, "acknowledgment_type")
    return {
        "purchase_order": text(begin, "order_number"),
        "release": text(begin, "release_number"),
        "purpose": text(begin, "purpose"),
        "type": text(begin, "order_type"),
        "date": order_parts.day(text(begin, "date")),
        "currency": order_parts.currency(tree, settings.default_currency),
        "contract": text(begin, "contract_number"),
        "response": asked,
        "response_wanted": settings.response == "always"
        or (settings.response == "asked" and asked not in ("", "NA")),
        "references": order_parts.references(tree),
        "contacts": order_parts.contacts(tree),
        "dates": dates,
        "days": order_parts.window(dates),
        "requested_on": order_parts.wanted_on(dates),
        "parties": parties,
        "buyer": order_parts.of_role(parties, "BY", "BT"),
        "terms": order_parts.terms(tree),
        "carrier": order_parts.carrier(tree),
        "freight": text(one(tree, "FOB"), "shipment_payment"),
        "sales_requirement": text(one(tree, "CSH"), "sales_requirement"),
        "notes": order_parts.notes(tree),
        "total": order_parts.total(tree, MAPPING),
        "partner": {
            "customer": settings.customer,
            "seller": settings.seller,
            "name": settings.partner_name,
        },
        "store": "",
        "not_placed": tree.get("not_placed", []),
        "set": place._asdict(),
    }
