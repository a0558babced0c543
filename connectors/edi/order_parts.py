"""What heads of purchase orders and of their changes have in common: parties, dates, references, terms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from connectors.edi.translate import check_digit_holds, many, number, one, text

Part = dict[str, Any]
DELIVERY = ("002", "106", "067", "064", "063")  # element 374: wanted on, required by ..., by order of trust
# Days that a window of delivery or shipping is made of, by the names that mappings use.
_DAYS = {
    "002": "deliver_on", "064": "deliver_from", "063": "deliver_by", "106": "required_by", "067": "promised",
    "010": "ship_on", "037": "ship_from", "038": "ship_by", "118": "pick_up", "001": "cancel_after",
}  # fmt: skip
_TEXTS = ("notes", "MSG", "PID", "MTX")
_GTIN = ("UP", "UK", "EN", "UA", "UI")


def day(value: str) -> str:
    """A day in ISO form; empty for anything else (a value that a policy let in)."""
    try:
        return date.fromisoformat(value).isoformat() if len(value) == 10 else ""
    except ValueError:
        return ""


def dates(tree: Mapping[str, Any]) -> list[Part]:
    """The DTM of an order or line."""
    found = []
    for segment in many(tree, "DTM"):
        told = day(text(segment, "date"))
        if told:
            found.append({"qualifier": text(segment, "date_qualifier"), "date": told})
    return found


def wanted_on(found: Sequence[Part]) -> str:
    """The day goods are wanted on; empty where none is told. Days of shipping are not meant."""
    by_qualifier = {entry["qualifier"]: entry["date"] for entry in reversed(found)}
    return next((by_qualifier[code] for code in DELIVERY if code in by_qualifier), "")


def window(found: Sequence[Part]) -> Part:
    """The days of an order by name, for mappings."""
    return {
        _DAYS[entry["qualifier"]]: entry["date"] for entry in reversed(found) if entry["qualifier"] in _DAYS
    }


def references(tree: Mapping[str, Any]) -> list[Part]:
    """The REF as they were sent, whatever their qualifiers."""
    return [
        {
            "qualifier": text(segment, "reference_qualifier"),
            "value": text(segment, "reference"),
            "text": text(segment, "description"),
        }
        for segment in many(tree, "REF")
    ]


def contacts(tree: Mapping[str, Any]) -> list[Part]:
    """The PER: who may be asked, and how."""
    return [
        {
            "role": text(segment, "contact_function"),
            "name": text(segment, "name"),
            "numbers": [
                {"qualifier": text(entry, "qualifier"), "number": text(entry, "number")}
                for entry in many(segment, "numbers")
            ],
        }
        for segment in many(tree, "PER")
    ]


def parties(tree: Mapping[str, Any], country: str) -> list[Part]:
    """The N1 loops with their addresses."""
    return [_party(loop, country) for loop in many(tree, "parties")]


def _party(loop: Mapping[str, Any], country: str) -> Part:
    head, place = one(loop, "N1"), one(loop, "N4")
    streets = [text(line, name) for line in many(loop, "N3") for name in ("address", "address_2")]
    streets = [line for line in streets if line]
    more = [text(line, name) for line in many(loop, "N2") for name in ("name", "name_2")]
    there = bool(streets or text(place, "city"))
    return {
        **party(text(head, "party"), text(head, "id_qualifier"), text(head, "id")),
        "name": " ".join(part for part in (text(head, "name"), *more) if part),
        "street": streets[0] if streets else "",
        "additional_street": ", ".join(streets[1:]),
        "city": text(place, "city"),
        "subdivision": text(place, "state"),
        "postal_zone": text(place, "postal_code"),
        "country": text(place, "country") or (country if there else ""),
        "located": there,
    }


def party(role: str, qualifier: str, code: str) -> Part:
    """A party of whom only the code is told."""
    empty = dict.fromkeys(
        ("name", "street", "additional_street", "city", "subdivision", "postal_zone", "country"), ""
    )
    return {"role": role, "qualifier": qualifier, "code": code, **empty, "located": False}


def of_role(found: Iterable[Part], *roles: str) -> Part | None:
    """The first party of the first of these roles that there is."""
    kept = [*found]
    return next((entry for role in roles for entry in kept if entry["role"] == role), None)


def terms(tree: Mapping[str, Any]) -> Part | None:
    """The ITD. `code` is what a table of terms is asked for: NET 30, 2/10 NET 30, or the text; empty: agreed.

    Several ITD are alternatives or instalments: they make one code together.
    """
    found = [_terms(segment) for segment in many(tree, "ITD")]
    if not found:
        return None
    return {**found[0], "code": "; ".join(dict.fromkeys(entry["code"] for entry in found if entry["code"]))}


def _terms(segment: Mapping[str, Any]) -> Part:
    percent, days = text(segment, "discount_percent"), text(segment, "discount_days")
    net, words = text(segment, "net_days"), text(segment, "description")
    rate = number(segment, "discount_percent", "edi.order", "terms")
    code = words.upper()
    if net:
        code = f"NET {int(net) if net.isdigit() else net}"
        if rate:
            code = f"{rate.normalize():f}/{days or '?'} {code}"
    elif rate and not words:
        code = f"{rate.normalize():f}/{days or '?'}"
    return {
        "type": text(segment, "terms_type"), "basis": text(segment, "basis_date"), "code": code,
        "discount_percent": percent, "discount_days": days, "net_days": net, "text": words,
        "discount_date": day(text(segment, "discount_date")), "net_due": day(text(segment, "net_due_date")),
    }  # fmt: skip


def carrier(tree: Mapping[str, Any]) -> Part | None:
    """The TD5: who shall carry it; SCAC where TD502 is 2."""
    segment = one(tree, "TD5")
    if not segment:
        return None
    qualifier, code = text(segment, "id_qualifier"), text(segment, "id")
    return {
        "scac": code if qualifier == "2" else "", "qualifier": qualifier, "code": code,
        "method": text(segment, "transport_method"), "routing": text(segment, "routing"),
    }  # fmt: skip


def notes(tree: Mapping[str, Any]) -> list[str]:
    """The texts of an order or line, in the order of their segments: N9 with its MSG, MSG, PID."""
    found: list[str] = []
    if tree.keys().isdisjoint(_TEXTS):
        return found
    for loop in many(tree, "notes"):
        head = one(loop, "N9")
        said = [text(segment, "text") for segment in many(loop, "MSG")]
        lead = " ".join(
            part for part in (text(head, "reference"), text(head, "free_form_description")) if part
        )
        found.append("\n".join(part for part in (lead, *said) if part))
    found += [text(segment, "text") for segment in many(tree, "MSG")]
    found += [text(segment, "description") for segment in many(tree, "PID")]
    found += [text(segment, "text") for segment in many(tree, "MTX")]
    return [entry for entry in found if entry]


def total(tree: Mapping[str, Any], mapping: str) -> Decimal | None:
    """AMT with qualifier TT, in the totals or in the head."""
    for segment in (*many(one(tree, "totals"), "AMT"), *(one(loop, "AMT") for loop in many(tree, "amounts"))):
        if text(segment, "amount_qualifier") == "TT":
            return number(segment, "amount", mapping, "total")
    return None


def currency(tree: Mapping[str, Any], default: str) -> str:
    """CUR02, or the partner's."""
    return text(one(tree, "CUR"), "currency").upper() or default


def ids(head: Mapping[str, Any]) -> list[Part]:
    """The pairs of qualifier and item number, as they were sent."""
    return [{"qualifier": text(pair, "qualifier"), "id": text(pair, "id")} for pair in many(head, "ids")]


def sku_of(pairs: Sequence[Part], trust: Sequence[str]) -> str:
    """The number of the most trusted qualifier there is."""
    by_qualifier = {pair["qualifier"]: pair["id"] for pair in reversed(pairs)}
    return next((by_qualifier[entry] for entry in trust if by_qualifier.get(entry)), "")


def gtin_of(pairs: Sequence[Part]) -> str:
    """The first UPC, EAN or GTIN with a right check digit."""
    return next((p["id"] for p in pairs if p["qualifier"] in _GTIN and check_digit_holds(p["id"])), "")


def name_of(line: Mapping[str, Any]) -> str:
    """The description of a line: PID02 08 (product), else the first that is free text."""
    found = [one(loop, "PID") for loop in many(line, "descriptions")]
    found.sort(key=lambda segment: text(segment, "characteristic") != "08")
    return next((text(segment, "description") for segment in found if text(segment, "description")), "")
