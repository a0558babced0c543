"""What the closing segments of a set say about the rest of it: line counts, and the levels of a 856."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connectors.edi.envelope import SetFound
from connectors.edi.faults import Fault, Level

_COUNTED = {
    "850": ("PO1",),
    "855": ("PO1",),
    "860": ("POC",),
    "865": ("POC",),
    "810": ("IT1",),
    "856": ("HL", "LIN"),
}


def totals(set_id: str, found: SetFound) -> Iterator[Fault]:
    """Faults of CTT01 and of HL01, HL02. A set that lies about its lines may still be read."""
    if set_id in _COUNTED:
        yield from _of_lines(_COUNTED[set_id], found)
    if set_id == "856":
        yield from _of_levels(found)


def _named(found: SetFound, name: str) -> list[tuple[int, list[str]]]:
    start = name + found.marks.element
    return [
        (position, text.split(found.marks.element))
        for position, text in enumerate(found.segments, 1)
        if text.startswith(start)
    ]


def _of_lines(names: Sequence[str], found: SetFound) -> Iterator[Fault]:
    """CTT01 counts lines; in a 856 some guides count its levels and some its items."""
    counts = [len(_named(found, name)) for name in names]
    for position, elements in _named(found, "CTT")[-1:]:
        told = elements[1].strip()
        if told.isascii() and told.isdigit() and len(told) < 10 and int(told) not in counts:
            there = " or ".join(f"{count} {name}" for count, name in zip(counts, names, strict=True))
            words = f"CTT01 says {told}, there are {there}"
            yield Fault("totals", Level.ELEMENT, "7", "CTT", position, words, 1, number="354", value=told)


def _of_levels(found: SetFound) -> Iterator[Fault]:
    """HL01 is a number of its own, HL02 one that came before."""
    seen: set[str] = set()
    for position, elements in _named(found, "HL"):
        own, parent = elements[1].strip(), elements[2].strip() if len(elements) > 2 else ""
        if own in seen:
            words = f"HL01 {own} was used before: what belongs to it cannot be told"
            yield Fault("levels", Level.ELEMENT, "7", "HL", position, words, 1, number="628", value=own)
        if parent and parent not in seen:
            words = f"HL02 {parent} is no level before this one"
            yield Fault("levels", Level.ELEMENT, "7", "HL", position, words, 2, number="734", value=parent)
        seen.add(own)
