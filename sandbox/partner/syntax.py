"""The syntax of one transaction set as a strict receiver judges it; told as AK3 and AK4."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from sandbox.partner import grammar
from sandbox.partner.elements import CODES, KNOWN, LONGER, SHAPES, Element, Shape
from sandbox.partner.x12 import Found, Marks, Segment, SetIn

_NUMBER = re.compile(r"-?(\d+(\.\d+)?|\.\d+)")
_WHOLE = re.compile(r"-?\d+")
_ID = re.compile(r"[A-Z0-9]+")
_TIME = re.compile(r"([01]\d|2[0-3])[0-5]\d([0-5]\d\d{0,2})?")
_TEXT = re.compile(r"[ -~]+")
MISSING, CONDITION, TOO_MANY, SHORT, LONG, CHARACTER, CODE, DATE, TIME = (
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "8",
    "9",
)

PLACE_RULES = {
    grammar.UNKNOWN: ("segment-unknown", "is no segment of the standard"),
    grammar.MISSING: ("segment-missing", "is mandatory and was not sent"),
    grammar.TOO_OFTEN: ("segment-too-often", "may not come again here"),
    grammar.NOT_HERE: ("segment-not-here", "does not belong into this set"),
    grammar.ORDER: ("segment-order", "stands in the wrong place"),
}
ELEMENT_RULES = {
    MISSING: ("element-missing", "is mandatory and empty"),
    CONDITION: ("element-condition", "breaks a condition between elements"),
    TOO_MANY: ("element-too-many", "is more than the segment has"),
    SHORT: ("element-short", "is too short"),
    LONG: ("element-long", "is too long"),
    CHARACTER: ("element-character", "has characters its type does not allow"),
    CODE: ("element-code", "is a code we do not know"),
    DATE: ("element-date", "is no date"),
    TIME: ("element-time", "is no time"),
}


class Fault(NamedTuple):
    """One syntax fault. With `element` (from 1) it is an AK4, else an AK3 alone."""

    id: str
    position: int
    code: str  # AK304, or AK403 where `element` is given
    element: int = 0
    number: str = ""  # of the data element
    value: str = ""

    @property
    def found(self) -> Found:
        """The broken rule and a sentence."""
        if self.element:
            rule, words = ELEMENT_RULES[self.code]
            shown = f" ({self.value[:40]!r})" if self.value else ""
            return Found(rule, f"{self.id}{self.element:02}{shown} in segment {self.position} {words}")
        rule, words = PLACE_RULES[self.code]
        return Found(rule, f"{self.id} at segment {self.position} {words}")


def check(it: SetIn, version: str, marks: Marks) -> list[Fault]:
    """Every fault of a set that we have a guide for. Raises KeyError for one we have none for."""
    found = [Fault(*one) for one in grammar.walk(it.id, it.segments, KNOWN)]
    for segment in it.segments:
        shape = SHAPES.get(segment.id)
        if shape:
            found += _elements(segment, shape, version, marks)
    return found


def _elements(segment: Segment, shape: Shape, version: str, marks: Marks) -> Iterator[Fault]:
    for at, value in enumerate(segment.elements, 1):
        if at > len(shape.elements):
            yield Fault(segment.id, segment.position, TOO_MANY, at, "", value)
            break
        element = shape.elements[at - 1]
        code = _fault_of(value, element, version, marks)
        if code:
            yield Fault(segment.id, segment.position, code, at, element.number, value)
    for at in range(len(segment.elements) + 1, len(shape.elements) + 1):
        if shape.elements[at - 1].must:
            yield Fault(segment.id, segment.position, MISSING, at, shape.elements[at - 1].number)
    if segment.elements and not segment.elements[-1]:
        yield Fault(segment.id, segment.position, TOO_MANY, len(segment.elements))
    for kind, places in shape.conditions:
        lost = _broken(kind, [bool(segment.at(place)) for place in places])
        if lost is not None:
            place = places[lost]
            number = shape.elements[place - 1].number
            yield Fault(segment.id, segment.position, CONDITION, place, number)


def _broken(kind: str, there: list[bool]) -> int | None:
    """Which of the elements of a condition is missing; None where the condition holds."""
    empty = there.index(False) if False in there else None
    if kind == "P" and any(there) and empty is not None:
        return empty
    if kind == "R" and not any(there):
        return 0
    if kind == "C" and there[0] and empty is not None:
        return empty
    return None


def _fault_of(value: str, element: Element, version: str, marks: Marks) -> str:
    """AK403, or empty where the element is right."""
    if not value:
        return MISSING if element.must else ""
    if not _TEXT.fullmatch(value) or value != value.rstrip(" ") or value[0] == " ":
        return CHARACTER
    if element.kind in ("", "C"):
        return ""
    if marks.component in value:
        return CHARACTER
    return _type_fault(value, element) or _length_fault(value, element, version)


def _type_fault(value: str, element: Element) -> str:
    kind = element.kind
    if kind == "DT":
        return "" if is_date(value) else DATE
    if kind == "TM":
        return "" if _TIME.fullmatch(value) else TIME
    wanted = {"R": _NUMBER, "N0": _WHOLE, "N2": _WHOLE, "ID": _ID}.get(kind)
    if wanted and not wanted.fullmatch(value):
        return CHARACTER
    codes = CODES.get(element.number)
    return CODE if codes and value not in codes else ""


def _length_fault(value: str, element: Element, version: str) -> str:
    if element.kind in ("DT", "TM"):
        return ""
    counted = value.lstrip("-").replace(".", "") if element.kind in ("R", "N0", "N2") else value
    longest = LONGER.get(element.number, element.longest) if version[:6] >= "005010" else element.longest
    if len(counted) > longest:
        return LONG
    return SHORT if len(counted) < element.shortest else ""


def is_date(value: str) -> bool:
    """Is this a day as CCYYMMDD?"""
    try:
        return len(value) == 8 and bool(date(int(value[:4]), int(value[4:6]), int(value[6:])))
    except ValueError:
        return False
