"""The translation of bench/mappings/deals/message.in.yaml, written by hand: what its speed is compared with.

As a careful programmer would: exact decimals, rounded half up, every required value checked, and a refusal
that names the field. No more general than it has to be: these fields and no others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from hub.mapping.country import country_code
from hub.model.currency import EXPONENTS

Record = Mapping[str, Any]

TERMS = {"net_15": "NET15", "net_30": "NET30", "net_60": "NET60"}
TAX_CODES = {"standard": "S-DE", "reduced": "AA-DE", "zero": "Z-DE"}
TAX_RATES = {"standard": Decimal("0.19"), "reduced": Decimal("0.07"), "zero": Decimal(0)}
PERIODS = {"P1M": "monthly", "P1Y": "annual", None: "one_time", "": "one_time"}
BERLIN = ZoneInfo("Europe/Berlin")

_CENT = Decimal("0.01")
_HUNDRED = Decimal(100)
_ONE = Decimal(1)
_ZERO = Decimal(0)
_PLAIN = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)").fullmatch


class Refused(Exception):
    """A value that is missing or cannot be used."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def translate(record: Record) -> dict[str, Any]:
    """A won deal as a message whose body is a sales order. Raises Refused."""
    deal, items = _part(record, "deal"), record.get("items")
    if not isinstance(items, list):
        raise Refused("body.lines", "there is no list of items")
    body = {
        "external_id": f"crm:deal:{_text(deal, 'id', 'body.external_id')}",
        "order_date": _day(deal.get("closed_at"), "body.order_date"),
        "currency": _currency(deal.get("currency")),
        "payment_terms": _entry(TERMS, deal.get("terms"), "body.payment_terms"),
        "memo": " / ".join(filter(None, (deal.get("name"), deal.get("po"), deal.get("owner")))),
        "customer": _customer(_part(record, "company"), _part(record, "contact")),
        "lines": [],
    }
    if po := deal.get("po"):
        body["po_number"] = po
    if start := deal.get("start"):
        body["starts_on"] = _day(start, "body.starts_on")
    lines = body["lines"]
    for position, item in enumerate(items):
        try:
            lines.append(_line(position + 1, item))
        except Refused as refused:
            raise Refused(f"body.lines[{position}].{refused.field}", refused.reason) from None
    return {"topic": "sales order", "body": body}


def _customer(company: Record, contact: Record) -> dict[str, Any]:
    country = country_code(_text(company, "country", "body.customer.country"))
    if country is None:
        raise Refused("body.customer.country", f"unknown country {company['country']!r}")
    town = f"{company.get('zip') or ''} {company.get('city') or ''}"
    customer = {
        "external_id": f"crm:company:{_text(company, 'id', 'body.customer.external_id')}",
        "name": _text(company, "name", "body.customer.name").strip(),
        "country": country,
        "address": ", ".join(filter(None, (company.get("street"), town))),
        "email": _text(contact, "email", "body.customer.email").strip().lower(),
    }
    if vat_id := (company.get("vat_id") or "").replace(" ", ""):
        customer["vat_id"] = vat_id.upper()
    if name := " ".join(filter(None, (contact.get("first"), contact.get("last")))):
        customer["contact"] = name
    return customer


def _line(number: int, item: Record) -> dict[str, Any]:
    """One item; what it refuses is named within the line."""
    given = _part(item, "properties")
    quantity = _number(given.get("quantity"), "quantity")
    price = _number(given.get("price"), "unit_price")
    discount = given.get("discount")
    discount = _ZERO if discount is None or discount == "" else _number(discount, "discount")
    group = given.get("tax_group")
    net = quantity * price * (_ONE - discount / _HUNDRED)
    return {
        "line_no": Decimal(number),
        "external_id": f"crm:line:{_text(item, 'id', 'external_id')}",
        "sku": _text(given, "sku", "sku").upper(),
        "description": _text(given, "name", "description")[:60],
        "quantity": quantity,
        "unit_price": price,
        "discount": discount,
        "net_amount": net.quantize(_CENT, ROUND_HALF_UP),
        "tax_amount": (net * _entry(TAX_RATES, group, "tax_amount")).quantize(_CENT, ROUND_HALF_UP),
        "tax_code": _entry(TAX_CODES, group, "tax_code"),
        "recurrence": _entry(PERIODS, given.get("period"), "recurrence"),
    }


def _part(record: Record, name: str) -> Record:
    part = record.get(name)
    if not isinstance(part, dict):
        raise Refused(name, "there is no such object")
    return part


def _text(record: Record, name: str, field: str) -> str:
    value = record.get(name)
    if not isinstance(value, str) or not value:
        raise Refused(field, f"{name} is {value!r}, text is needed")
    return value


def _number(value: Any, field: str) -> Decimal:
    if isinstance(value, str) and _PLAIN(value):
        return Decimal(value)
    if isinstance(value, Decimal) and value.is_finite():
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    raise Refused(field, f"{value!r} is not a plain decimal number")


def _entry(table: Mapping[Any, Any], key: Any, field: str) -> Any:
    try:
        return table[key]
    except (KeyError, TypeError):
        raise Refused(field, f"{key!r} is not in the table") from None


def _currency(value: Any) -> str:
    code = value.strip().upper() if isinstance(value, str) else ""
    if code not in EXPONENTS:
        raise Refused("body.currency", f"unknown currency {value!r}")
    return code


def _day(value: Any, field: str) -> date:
    """The day in Berlin, of a day or of a point in time."""
    try:
        if len(value) == 10:
            return date.fromisoformat(value)
        read = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise Refused(field, f"{value!r} is not a date") from None
    return (read.astimezone(BERLIN) if read.tzinfo else read).date()
