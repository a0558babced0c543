"""Writes X12: values checked against the separators, envelopes padded and counted, nothing left to chance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from connectors.edi.header import Marks
from hub.sdk import Invalid

Segment = Sequence[str | Sequence[str]]  # the id, then values; a composite is a sequence of its components
STANDARD = Marks("*", ">", "^", "~")
_OTHERS = (
    Marks("*", ">", "^", "~"),
    Marks("|", ">", "^", "~"),
    Marks("*", ":", "^", "~"),
    Marks("|", "\\", "^", "!"),
)
_NEWLINES = ("", "\n", "\r\n")


class Party(NamedTuple):
    """One side of an envelope: qualifier and id of ISA, code of GS."""

    qualifier: str
    id: str
    code: str


class Style(NamedTuple):
    """How a partner wants it: separators, what follows each terminator, may other separators be taken.

    `substitute` takes the place of a separator inside a value; empty: such a value is refused.
    """

    marks: Marks = STANDARD
    newline: str = ""
    others: bool = True
    substitute: str = ""


PLAIN = Style()


class Set(NamedTuple):
    """A transaction set without ST and SE. `version` is ST03, empty for none."""

    id: str
    control_number: str
    segments: Sequence[Segment]
    version: str = ""


class Group(NamedTuple):
    """A functional group to be written."""

    code: str
    sender: str
    receiver: str
    control_number: int
    version: str
    sets: Sequence[Set]


class Interchange(NamedTuple):
    """An interchange to be written. `version` is ISA12; `stamp` is when it is sent, in the partner's zone.

    `responses` are TA1 segments; they stand directly behind ISA.
    """

    sender: Party
    receiver: Party
    control_number: int
    stamp: datetime
    groups: Sequence[Group]
    version: str = "00401"
    usage: str = "P"
    wants_answer: bool = False
    responses: Sequence[Segment] = ()


def interchange(one: Interchange, style: Style = PLAIN) -> str:
    """The text of an interchange. Raises Invalid naming the value that no envelope or separator can take."""
    marks = separators(one, style)
    count = len(one.groups)
    lines = [_header(one, marks)]
    lines += [_line(segment, marks, style) for segment in _body(one)]
    lines.append(marks.element.join(("IEA", str(count), _number(one.control_number, 9, "ISA13"))))
    if style.newline not in _NEWLINES:
        raise Invalid("a line break is empty, LF or CRLF", field="newline")
    return "".join(f"{line}{marks.terminator}{style.newline}" for line in lines)


def separators(one: Interchange, style: Style) -> Marks:
    """The partner's separators, or others that stand in no value where the partner lets us choose."""
    wanted = style.marks
    marked = [
        mark for mark in (wanted.element, wanted.component, wanted.repetition, wanted.terminator) if mark
    ]
    if len(set(marked)) != len(marked):
        raise Invalid("two separators are the same character", field="delimiters")
    used = {char for segment in _body(one) for value in _values(segment) for char in value}
    used |= {*one.sender.id, *one.receiver.id}
    choices: tuple[Marks, ...] = (wanted, *_OTHERS) if style.others else (wanted,)
    for marks in choices:
        if not _active(one, marks) & used:
            return marks
    if style.substitute and style.substitute not in marked:
        return wanted
    clash = ", ".join(repr(mark) for mark in sorted(_active(one, wanted) & used))
    raise Invalid(f"a value holds the separator {clash}", field="delimiters")


def _active(one: Interchange, marks: Marks) -> set[str]:
    """The characters that no value may hold."""
    repetition = {marks.repetition} if _repeats(one) else set()
    return {marks.element, marks.component, marks.terminator, *repetition} - {""}


def _repeats(one: Interchange) -> bool:
    return one.version >= "00402"


def _body(one: Interchange) -> Iterator[Segment]:
    """Everything between ISA and IEA."""
    yield from one.responses
    day, clock = one.stamp.strftime("%Y%m%d"), one.stamp.strftime("%H%M")
    for group in one.groups:
        number = _number(group.control_number, 1, "GS06")
        yield ("GS", group.code, group.sender, group.receiver, day, clock, number, "X", group.version)
        for inner in group.sets:
            yield from wrapped(inner)
        yield ("GE", str(len(group.sets)), number)


def wrapped(one: Set) -> Iterator[Segment]:
    """A set with its ST and SE, counted."""
    if not 4 <= len(one.control_number) <= 9:
        raise Invalid(f"ST02 has 4 to 9 characters, not {len(one.control_number)}", field="ST02")
    yield ("ST", one.id, one.control_number, *([one.version] if one.version else []))
    yield from one.segments
    yield ("SE", str(len(one.segments) + 2), one.control_number)


def _number(value: int, width: int, name: str) -> str:
    if not 0 < value <= 999_999_999:
        raise Invalid(f"{name} is a number from 1 to 999999999, not {value}", field=name)
    return f"{value:0{width}d}"


def _header(one: Interchange, marks: Marks) -> str:
    standard = (marks.repetition or "^") if _repeats(one) else "U"
    values = [
        "00", " " * 10, "00", " " * 10,
        *_side(one.sender, "ISA05", "ISA06"), *_side(one.receiver, "ISA07", "ISA08"),
        one.stamp.strftime("%y%m%d"), one.stamp.strftime("%H%M"),
        standard, one.version, _number(one.control_number, 9, "ISA13"),
        "1" if one.wants_answer else "0", one.usage, marks.component or ">",
    ]  # fmt: skip
    text = marks.element.join(("ISA", *values))
    if len(text) != 105:
        raise Invalid(
            f"ISA would have {len(text)} characters, not 105: version or usage is too long", field="ISA"
        )
    return text


def _side(party: Party, qualifier: str, name: str) -> tuple[str, str]:
    if not 1 <= len(party.id.strip()) <= 15 or not party.id.isascii() or not party.id.isprintable():
        raise Invalid(f"{name} has 1 to 15 plain characters", field=name)
    if len(party.qualifier) != 2:
        raise Invalid(f"{qualifier} has 2 characters", field=qualifier)
    return party.qualifier, f"{party.id.strip():15}"


def _values(segment: Segment) -> Iterator[str]:
    for value in segment:
        if isinstance(value, str):
            yield value
        else:
            yield from value


def _line(segment: Segment, marks: Marks, style: Style) -> str:
    """A segment without trailing separators. Raises Invalid where a value cannot be written."""
    name = str(segment[0])
    values = [
        _joined([value] if isinstance(value, str) else value, marks, style, f"{name}{at:02d}")
        for at, value in enumerate(segment)
    ]
    while len(values) > 1 and not values[-1]:
        values.pop()
    return marks.element.join(values)


def _joined(parts: Sequence[str], marks: Marks, style: Style, name: str) -> str:
    kept = [_clean(part, marks, style, name) for part in parts]
    while kept and not kept[-1]:
        kept.pop()
    return marks.component.join(kept)


def implied(amount: Decimal, decimals: int) -> str:
    """An amount as N2 (or N0, N4 ...) wants it: 123.4 with two decimals is 12340, without a point.

    Raises Invalid where digits would be lost: rounding is the business of whoever computed the amount.
    """
    scaled = amount.scaleb(decimals)
    if scaled != scaled.to_integral_value():
        raise Invalid(f"{amount} has more than {decimals} decimals", field="amount")
    return f"{scaled.to_integral_value():f}"


def number(amount: Decimal) -> str:
    """A number of type R: an explicit point, no noughts behind it, no exponent."""
    text = f"{amount:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def _clean(value: str, marks: Marks, style: Style, name: str) -> str:
    if not value.isprintable():
        raise Invalid(f"{name} holds a line break or a control character", field=name)
    if style.substitute:
        for mark in (marks.element, marks.component, marks.terminator, marks.repetition):
            value = value.replace(mark, style.substitute) if mark else value
    return value.rstrip(" ")
