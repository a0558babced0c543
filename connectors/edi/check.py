"""Checks one segment against the dictionary: quickly whether all is well, else everything that is not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from connectors.edi.faults import Fault, Level
from connectors.edi.guide import Field, Segment
from connectors.edi.header import Marks
from connectors.edi.values import expression, objection

_GLUE = "\x1f"  # stands in no element, so one expression does for all separators
_SHAPES_MAX = 4096


class Checker:
    """The compiled rules of one segment."""

    __slots__ = ("_good_shapes", "_pattern", "segment", "short_dates")

    def __init__(self, segment: Segment, short_dates: bool) -> None:
        self.segment, self.short_dates = segment, short_dates
        self._pattern = re.compile(_expression(segment, short_dates), re.ASCII)
        self._good_shapes: set[tuple[bool, ...]] = set()

    def clean(self, elements: Sequence[str]) -> bool:
        """Is nothing wrong? False means: look closer. Elements with separators inside are not for this."""
        if self._pattern.fullmatch(_GLUE.join(elements)) is None:
            return False
        shape = tuple(map(bool, elements))
        if shape in self._good_shapes:
            return True
        if not shape[-1] or any(True for _ in _broken_rules(self.segment, shape)):
            return False
        if len(self._good_shapes) < _SHAPES_MAX:
            self._good_shapes.add(shape)
        return True


@lru_cache(maxsize=4096)
def checker(segment: Segment, short_dates: bool) -> Checker:
    """The compiled rules, made once."""
    return Checker(segment, short_dates)


def _expression(segment: Segment, short_dates: bool) -> str:
    if not segment.checked:
        return rf"{segment.id}(?:{_GLUE}[^\x00-\x1e\x7f]*)?"
    last = max((at for at, field in enumerate(segment.fields, 1) if field.required), default=0)
    words = "".join(_place(field, short_dates) for field in segment.fields[:last])
    tail = ""
    for field in reversed(segment.fields[last:]):
        tail = f"(?:{_place(field, short_dates)}{tail})?"
    return segment.id + words + tail


def _place(field: Field, short_dates: bool) -> str:
    element = field.element or field.parts[0].element
    if element is None:
        raise ValueError(f"{field.name}: a composite of composites")
    alone = not any(part.required for part in field.parts[1:])  # one component may be all there is
    one = expression(element, short_dates) if alone else r"(?!)"
    return rf"{_GLUE}{one}" if field.required else rf"{_GLUE}(?:{one})?"


class Rule(NamedTuple):
    """A condition that does not hold: the place that is to blame and the X12 code of it."""

    place: int
    code: str
    words: str


def _broken_rules(segment: Segment, shape: Sequence[bool]) -> Iterator[Rule]:
    """Which conditions between places do not hold; shape[0] is the segment id."""
    for kind, places in segment.conditions:
        there = [place for place in places if place < len(shape) and shape[place]]
        absent = [place for place in places if place not in there]
        names = ", ".join(f"{segment.id}{place:02d}" for place in places)
        if kind == "P" and there and absent:
            yield Rule(absent[0], "2", f"is missing: {names} come together or not at all")
        elif kind == "R" and not there:
            yield Rule(places[0], "2", f"is missing: one of {names} must be there")
        elif kind == "C" and there and there[0] == places[0] and absent:
            yield Rule(absent[0], "2", f"is missing, {segment.id}{places[0]:02d} wants it")
        elif kind == "L" and there == [places[0]]:
            yield Rule(places[1], "2", f"is missing: {names[:5]} wants one of the others of {names}")
        elif kind == "E" and len(there) > 1:
            yield Rule(there[1], "10", f"may not stand beside {segment.id}{there[0]:02d}")


class _Spot(NamedTuple):
    """Where a value stands: segment and its position in the set, element, component, repetition."""

    segment: str
    position: int
    place: int = 0
    component: int = 0
    turn: int = 0

    @property
    def name(self) -> str:
        """As X12 people write it: N403, PO304-1."""
        return f"{self.segment}{self.place:02d}" + (f"-{self.component}" if self.component else "")


def faults(checked: Checker, elements: Sequence[str], position: int, marks: Marks) -> Iterator[Fault]:
    """Everything that is wrong with a segment."""
    segment = checked.segment
    if not segment.checked:
        return
    if len(elements) > 1 and elements[-1] == "":
        words = f"{segment.id} ends with separators without values"
        yield Fault("trailing_separator", Level.SEGMENT, "8", segment.id, position, words)
    for place, field in enumerate(segment.fields, 1):
        value = elements[place] if place < len(elements) else ""
        yield from _of_field(checked, field, value, _Spot(segment.id, position, place), marks)
    for place in range(len(segment.fields) + 1, len(elements)):
        if elements[place]:
            words = f"{segment.id} has {len(elements) - 1} elements where {len(segment.fields)} are the most"
            yield _fault(("too_many", "3"), _Spot(segment.id, position, place), words, "", elements[place])
            break
    for rule in _broken_rules(segment, [bool(one.strip()) for one in elements]):
        field_at = segment.fields[rule.place - 1] if rule.place <= len(segment.fields) else None
        check = "exclusion" if rule.code == "10" else "conditional"
        spot = _Spot(segment.id, position, rule.place)
        yield _fault((check, rule.code), spot, f"{spot.name} {rule.words}", _number(field_at))


def _fault(rule: tuple[str, str], spot: _Spot, words: str, number: str = "", value: str = "") -> Fault:
    return Fault(
        rule[0], Level.ELEMENT, rule[1], spot.segment, spot.position, words, spot.place, spot.component,
        number, value, spot.turn,
    )  # fmt: skip


def _number(field: Field | None) -> str:
    return field.element.number if field and field.element else ""


def _said(field: Field) -> str:
    return field.name.replace("_", " ")


def _of_field(checked: Checker, field: Field, value: str, spot: _Spot, marks: Marks) -> Iterator[Fault]:
    if not value.strip(" "):
        if field.required:
            words = f"{spot.name} ({_said(field)}) is missing"
            yield _fault(("missing_element", "1"), spot, words, _number(field))
        elif value:
            yield _fault(
                ("trailing_space", "6"), spot, f"{spot.name} holds only blanks", _number(field), value
            )
        return
    turns = value.split(marks.repetition) if marks.repetition and field.repeats else [value]
    for turn, one in enumerate(turns, 1):
        at = spot._replace(turn=turn if len(turns) > 1 else 0)
        if field.parts:
            yield from _of_composite(checked, field, one, at, marks)
        else:
            yield from _of_value(checked, field, one, at, marks)


def _of_composite(checked: Checker, field: Field, value: str, spot: _Spot, marks: Marks) -> Iterator[Fault]:
    values = value.split(marks.component) if marks.component else [value]
    for at, part in enumerate(field.parts, 1):
        one = values[at - 1] if at <= len(values) else ""
        inner = spot._replace(component=at)
        if one.strip(" "):
            yield from _of_value(checked, part, one, inner, marks)
        elif part.required:
            words = f"{inner.name} ({_said(part)}) is missing"
            yield _fault(("missing_element", "1"), inner, words, _number(part))
    if len(values) > len(field.parts):
        words = f"{spot.name} has {len(values)} components where {len(field.parts)} are the most"
        yield _fault(("too_many", "3"), spot._replace(component=len(field.parts) + 1), words, "", value)


def _of_value(checked: Checker, field: Field, value: str, spot: _Spot, marks: Marks) -> Iterator[Fault]:
    if field.element is None:
        return
    found = objection(field.element, value, checked.short_dates)
    if not spot.component and found is None and marks.component and marks.component in value:
        found = ("component_separator", "6", "holds the component separator and is no composite")
    if found is not None:
        check, code, words = found
        message = f"{spot.name} ({_said(field)}) {words}"
        yield _fault((check, code), spot, message, field.element.number, value)
