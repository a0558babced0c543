"""What HubSpot takes as property values, and what it calculates itself."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from sandbox.hubspot.catalog import Property
from sandbox.hubspot.records import moment

NOTE_MAX = 65_536  # characters of a note, from the guide of notes


def problem(one: Property | None, name: str, value: str) -> tuple[str, str] | None:
    """Code and message of what is wrong with a value, None if nothing is."""
    if one is None:
        return "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist'
    if one.read_only:
        return "READ_ONLY_VALUE", f'"{name}" is a read only property; its value cannot be set'
    if name == "hs_note_body" and len(value) > NOTE_MAX:
        return "INVALID_LENGTH", f"the value is longer than {NOTE_MAX} characters"
    return _misfit(one, value) if value else None


def _misfit(one: Property, value: str) -> tuple[str, str] | None:
    if one.type == "number" and not _is_number(value):
        return "INVALID_DOUBLE", f"{value} was not a valid double."
    if one.type in ("date", "datetime") and moment(value) is None:
        return "INVALID_DATE", f"{value} was not a valid date."
    if one.type == "bool" and value not in ("true", "false"):
        return "INVALID_BOOLEAN", f"{value} was not a valid boolean."
    if one.type != "enumeration":
        return None
    chosen = value.split(";") if one.field_type == "checkbox" else [value]
    if all(part in one.options for part in chosen):
        return None
    allowed = ", ".join(one.options)
    return "INVALID_OPTION", f"{value} was not one of the allowed options: [{allowed}]"


def _is_number(value: str) -> bool:
    try:
        return Decimal(value).is_finite()
    except InvalidOperation:
        return False


@dataclass(frozen=True, slots=True)
class Restriction:
    """A validation rule of an admin's making (`PublicPropertyValidationRule`)."""

    type: str
    arguments: Sequence[str]

    def broken(self, value: str) -> bool:
        """Does a value break the rule? Rule types that this account does not carry out are never broken."""
        limit = self.arguments[0] if self.arguments else ""
        tests = {
            "MAX_LENGTH": lambda: len(value) > int(limit),
            "MIN_LENGTH": lambda: len(value) < int(limit),
            "MAX_NUMBER": lambda: Decimal(value) > Decimal(limit),
            "MIN_NUMBER": lambda: Decimal(value) < Decimal(limit),
            "REGEX": lambda: re.fullmatch(limit, value) is None,
        }
        return self.type in tests and tests[self.type]()


RESTRICTIONS = frozenset({"MAX_LENGTH", "MIN_LENGTH", "MAX_NUMBER", "MIN_NUMBER", "REGEX"})


def restricted(name: str, value: str, held: Sequence[Restriction]) -> tuple[str, str] | None:
    """Code and message of the first rule that a value breaks; enforced on every write since 2026-09."""
    for one in held if value else ():
        if one.broken(value):
            return one.type, f"{name}: the value breaks the rule {one.type} {', '.join(one.arguments)}"
    return None


def number(properties: Mapping[str, str], name: str) -> Decimal:
    """A number property, 0 where it is empty."""
    return Decimal(properties.get(name) or "0")


def plain(value: Decimal) -> str:
    """A calculated number as text, without exponent or trailing zeros."""
    return format(value.normalize(), "f") if value else "0"


def net_price(properties: Mapping[str, str]) -> str:
    """A line item's calculated amount: quantity times price after discount."""
    share = 1 - number(properties, "hs_discount_percentage") / 100
    each = number(properties, "price") * share - number(properties, "discount")
    return format((each * number(properties, "quantity")).normalize(), "f")


def comparable(name: str, value: str) -> str:
    """A unique value as HubSpot compares it: e-mail addresses without regard to case."""
    return value.lower() if name == "email" else value
