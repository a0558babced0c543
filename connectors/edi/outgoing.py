"""What all documents that we send have in common: values fit for X12, parties, references, texts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from connectors.edi.settings import Settings
from connectors.edi.write import Segment
from hub.sdk import Invalid, Record

# Letters that Unicode does not take apart, and signs that have a plain form.
_PLAIN = str.maketrans(
    {
        "ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L",
        "đ": "d", "Đ": "D", "ð": "d", "þ": "th", "ı": "i", "“": '"', "”": '"', "„": '"', "«": '"',
        "»": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "−": "-", "×": "x", "€": "EUR", "£": "GBP",
        "`": "'", "^": "?",  # in no character set of X12
    }
)  # fmt: skip
_NAME, _STREET, _CITY = 60, 55, 30  # longest of elements 93, 166 and 19
_DESCRIPTION = 80  # longest of element 352
_TEXT = 264  # longest of element 933
_REFERENCE = 30  # longest of element 127 before 004030
_DIGITS = 30  # before or behind the point: who has more has no quantity and no amount
_CARRIER = re.compile(r"[A-Z0-9]{2,4}", re.ASCII)


class Draft(NamedTuple):
    """A transaction set that has no numbers yet. `reference` is what people call it."""

    set_id: str
    reference: str
    segments: Sequence[Segment]


def exact(value: Any, field: str) -> Decimal:
    """A number of a record. Raises Invalid where it is none."""
    try:
        found = Decimal(str(value)) if isinstance(value, str | int | Decimal) else None
    except InvalidOperation:
        found = None
    if found is None or not found.is_finite() or abs(found.adjusted()) > _DIGITS:
        raise Invalid(f"{value!r} is not a number", field=field)
    return found


def amount(value: Any, field: str) -> Decimal:
    """A number, or the amount of {amount, currency}. Raises Invalid."""
    return exact(value.get("amount") if isinstance(value, Mapping) else value, field)


def day(value: Any, field: str) -> str:
    """A day, or ISO text of one, as eight digits; empty where there is none. Raises Invalid."""
    if not value:
        return ""
    try:
        found = value if isinstance(value, date) else date.fromisoformat(str(value)[:10])
    except ValueError:
        raise Invalid(f"{value!r} is not a day", field=field) from None
    return found.strftime("%Y%m%d")


def word(record: Mapping[str, Any], name: str) -> str:
    """A text of a record, empty where there is none."""
    value = record.get(name)
    return "" if value is None else str(value).strip()


def parts(record: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    """A list of objects, empty where there is none. Raises Invalid where something else stands there."""
    found = record.get(name) or ()
    if not isinstance(found, list | tuple) or not all(isinstance(one, Mapping) for one in found):
        raise Invalid("a list of objects is wanted here; see the mapping", field=name)
    return found


def inner(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object, empty where there is none. Raises Invalid where something else stands there."""
    found = record.get(name) or {}
    if not isinstance(found, Mapping):
        raise Invalid("an object is wanted here; see the mapping", field=name)
    return found


def needed(record: Mapping[str, Any], name: str, what: str) -> str:
    """A text that must be there. Raises Invalid saying what is missing."""
    found = word(record, name)
    if not found:
        raise Invalid(f"it has no {what}", field=name)
    return found


def plain(text: str) -> str:
    """Words for people in characters that every reader takes: accents go, what has no plain form is `?`.

    For names and descriptions only. Numbers and codes are sent as they are, or not at all.
    """
    apart = unicodedata.normalize("NFKD", text.translate(_PLAIN))
    kept = "".join(char for char in apart if not unicodedata.combining(char))
    ascii_only = "".join(char if char.isascii() else "?" for char in kept)
    shown = " ".join("".join(char if char.isprintable() else " " for char in ascii_only).split())
    return shown if any(char.isalnum() for char in shown) else ""


def pieces(text: str, longest: int) -> list[str]:
    """A text in parts of at most so many characters, cut between words where there are any."""
    parts: list[str] = []
    rest = text.strip()
    while len(rest) > longest:
        cut = rest.rfind(" ", longest // 2, longest + 1)
        cut = cut if cut > 0 else longest
        parts.append(rest[:cut].strip())
        rest = rest[cut:].strip()
    return [*parts, rest] if rest else parts


def described(text: str, characteristic: str = "") -> Iterator[Segment]:
    """PID with free text."""
    for part in pieces(plain(text), _DESCRIPTION):
        yield ("PID", "F", characteristic, "", "", part)


def notes(text: str) -> Iterator[Segment]:
    """N9 with MSG under it: what a person is to read (128 `L1`: letters or notes)."""
    parts = pieces(plain(text), _TEXT)
    if parts:
        yield ("N9", "L1", "", "NOTE")
        for part in parts:
            yield ("MSG", part)


def references(
    settings: Settings, told: Sequence[Mapping[str, Any]], own: Mapping[str, Any]
) -> Iterator[Segment]:
    """REF: those of the order that the profile lists, as they were told, then ours by their qualifiers.

    Several values of ours for one qualifier are divided by commas. Raises Invalid where one has no REF02.
    """
    sent: set[tuple[str, str]] = set()
    for qualifier in settings.references:
        for one in told:
            if word(one, "qualifier") == qualifier and (word(one, "value") or word(one, "text")):
                sent.add((qualifier, word(one, "value")))
                yield ("REF", qualifier, word(one, "value"), word(one, "text"))
    for qualifier, value in own.items():
        for part in [str(value).strip()] if len(str(value)) <= _REFERENCE else str(value).split(","):
            if part.strip() and (qualifier, part.strip()) not in sent:
                yield ("REF", qualifier, part.strip())


def contact(settings: Settings) -> Iterator[Segment]:
    """PER: whom of us to ask."""
    name = plain(settings.contact)
    told = [("TE", settings.contact_phone), ("EM", settings.contact_email)]
    numbers = [value for qualifier, number in told if number for value in (qualifier, number)]
    if name or numbers:
        yield ("PER", "IC", name, *numbers)


def party(one: Mapping[str, Any]) -> Iterator[Segment]:
    """N1 to N4 of a party. Its code is repeated as it was told; long names go on in N2, streets in N3."""
    code = word(one, "code")
    names = pieces(plain(word(one, "name")), _NAME)[:5]
    if not names and not code:
        return
    yield ("N1", word(one, "role"), names[0] if names else "", word(one, "qualifier") if code else "", code)
    for at in range(1, len(names), 2):
        yield ("N2", *names[at : at + 2])
    streets = [
        part for name in ("street", "additional_street") for part in pieces(plain(word(one, name)), _STREET)
    ][:4]
    for at in range(0, len(streets), 2):
        yield ("N3", *streets[at : at + 2])
    yield from _place(one)


def _place(one: Mapping[str, Any]) -> Iterator[Segment]:
    """N4: a region that is no two-letter code is told by name (309 `SP`)."""
    city, region = plain(word(one, "city"))[:_CITY], plain(word(one, "subdivision"))
    country = word(one, "country") if len(word(one, "country")) in (2, 3) else ""
    coded = region if len(region) == 2 else ""
    named = ("SP", region[:_REFERENCE]) if region and not coded else ()
    if city or region or word(one, "postal_zone") or country:
        yield ("N4", city, coded, word(one, "postal_zone"), country, *named)


def parties(told: Mapping[str, Any], roles: Sequence[str]) -> Iterator[Segment]:
    """The parties of an order that the answer repeats, each once, the place of delivery first.

    An order of one store out of a split (SDQ) goes to that store, whatever N1*ST the whole order has.
    """
    place = _place_of_delivery(told)
    yield from party(place) if place and "ST" in roles else ()
    seen = {"ST"}
    for one in parts(told, "parties"):
        role = word(one, "role")
        if role in roles and role not in seen:
            seen.add(role)
            yield from party(one)


def _place_of_delivery(told: Mapping[str, Any]) -> Mapping[str, Any] | None:
    named = [one for one in parts(told, "parties") if word(one, "role") == "ST"]
    found = inner(told, "ship_to") or (named[0] if named else None)
    store = word(told, "store")
    if not store or (found and word(found, "code") == store):
        return {**found, "role": "ST"} if found else None
    fitting = [one for one in named if word(one, "code") == store]
    qualifier = word(found, "qualifier") if found else ""
    return fitting[0] if fitting else {"role": "ST", "qualifier": qualifier or "92", "code": store}


def is_scac(carrier: str) -> bool:
    """Is it a Standard Carrier Alpha Code, and not a carrier's name?"""
    return _CARRIER.fullmatch(carrier) is not None


def carrier_of(settings: Settings, record: Record) -> str:
    """Who carries the goods: as the shipment says, else the carrier of the settings."""
    return word(record, "carrier") or settings.scac
