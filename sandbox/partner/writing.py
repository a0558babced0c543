"""Writing X12: envelopes with control numbers of our own, and all the ways to be wrong on purpose."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from sandbox.partner.x12 import GROUP_CODES, Marks

CENT = Decimal("0.01")


class Party(NamedTuple):
    """One end of the line: ISA qualifier and id, and the code of its GS."""

    qualifier: str
    id: str
    code: str = ""

    @property
    def group_code(self) -> str:
        """GS02 or GS03."""
        return self.code or self.id


class Doc(NamedTuple):
    """One transaction set to send, without ST and SE. `about`: the order, payment or group it speaks of."""

    set_id: str
    segments: Sequence[Sequence[str]]
    about: str = ""


class Style(BaseModel):
    """How a file looks: its separators, what follows a terminator, the version of its groups."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    marks: Marks = Marks()
    newline: str = "\n"
    version: str = "004010"

    @property
    def interchange_version(self) -> str:
        """ISA12 of this version."""
        return f"00{self.version[2:5]}" if self.version[:6] != "004010" else "00401"


class Mischief(BaseModel):
    """What is wrong with a file on purpose. Every field means one fault; set faults hit the first set."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    set_count: int = 0  # added to SE01
    set_number: str = ""  # SE02 instead of ST02
    group_count: int = 0  # added to GE01
    group_number: str = ""  # GE02 instead of GS06
    interchange_count: int = 0  # added to IEA01
    interchange_number: str = ""  # IEA02 instead of ISA13
    unknown_segment: bool = False  # ZZZ behind the first segment of the body
    drop: str = ""  # id of a segment that is left out
    spoil: tuple[str, int, str] | None = None  # first segment of this id, element, its new text
    same_set_number: bool = False  # all sets of a group have one ST02
    group_code: str = ""  # GS01 instead of the right one
    no_end: bool = False  # neither GE nor IEA
    short_isa: bool = False  # ISA elements without their blanks
    usage: str = ""  # ISA15
    to: str = ""  # ISA08

    @property
    def breaks_set(self) -> bool:
        """Must the receiver refuse the first set?"""
        of_set = self.set_count or self.set_number or self.unknown_segment or self.drop
        return bool(of_set or self.spoil or self.group_code)

    @property
    def breaks_envelope(self) -> bool:
        """Must the receiver refuse the interchange, so that no 997 is to be expected?"""
        return bool(self.no_end or self.usage or self.to or self.interchange_number or self.interchange_count)


class SetOut(NamedTuple):
    """A set as it went out. `sound`: the receiver has no reason to refuse it."""

    id: str
    number: str
    about: str
    sound: bool


class GroupOut(NamedTuple):
    """A functional group as it went out."""

    code: str
    number: str
    version: str
    sets: Sequence[SetOut]


class Envelope(NamedTuple):
    """Who writes to whom under which number."""

    sender: Party
    receiver: Party
    number: int
    first_group: int
    at: datetime
    usage: str = "P"
    wants_ta1: bool = False


def day(value: date | None) -> str:
    """CCYYMMDD, or empty."""
    return f"{value:%Y%m%d}" if value else ""


def plain(value: Decimal | None) -> str:
    """A number of type R: explicit point, no zeros that say nothing."""
    if value is None:
        return ""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def cents(value: Decimal) -> str:
    """A number of type N2: two decimals implied, no point."""
    return str(int(rounded(value) * 100))


def rounded(value: Decimal) -> Decimal:
    """To the cent, half up."""
    return value.quantize(CENT, ROUND_HALF_UP)


def trimmed(*elements: str) -> list[str]:
    """A segment without empty elements at its end."""
    kept = list(elements)
    while kept and not kept[-1]:
        kept.pop()
    return kept


def interchange(
    groups: Sequence[Sequence[Doc]],
    head: Envelope,
    style: Style,
    mischief: Mischief,
    technical: Sequence[Sequence[str]] = (),
) -> tuple[bytes, list[GroupOut]]:
    """The bytes of one interchange, and which numbers its groups and sets have."""
    lines = [_isa(head, style, mischief), *map(list, technical)]
    made: list[GroupOut] = []
    for at, docs in enumerate(groups):
        body, out = _group(docs, head, str(head.first_group + at), style, mischief if at == 0 else Mischief())
        lines += body
        made.append(out)
    if not mischief.no_end:
        count = str(len(groups) + mischief.interchange_count)
        lines.append(["IEA", count, mischief.interchange_number or f"{head.number:09}"])
    text = "".join(_joined(line, style) for line in lines)
    return text.encode("ascii"), made


def _joined(line: Sequence[str], style: Style) -> str:
    marks = style.marks
    held = {marks.element, marks.terminator, *([marks.component] if line[0] != "ISA" else [])}
    for value in line:
        if held & set(value):
            raise ValueError(f"{line[0]}: {value!r} holds a separator; choose other marks or another text")
    return marks.element.join(line) + marks.terminator + style.newline


def _isa(head: Envelope, style: Style, mischief: Mischief) -> list[str]:
    version = style.interchange_version
    standard = "U" if version == "00401" else style.marks.repetition
    line = [
        "ISA", "00", " " * 10, "00", " " * 10,
        head.sender.qualifier, f"{head.sender.id:15}",
        head.receiver.qualifier, f"{mischief.to or head.receiver.id:15}",
        f"{head.at:%y%m%d}", f"{head.at:%H%M}", standard, version, f"{head.number:09}",
        "1" if head.wants_ta1 else "0", mischief.usage or head.usage, style.marks.component,
    ]  # fmt: skip
    return [one.rstrip(" ") if mischief.short_isa else one for one in line]


def _group(
    docs: Sequence[Doc], head: Envelope, number: str, style: Style, mischief: Mischief
) -> tuple[list[list[str]], GroupOut]:
    code = mischief.group_code or GROUP_CODES[docs[0].set_id]
    stamp = (f"{head.at:%Y%m%d}", f"{head.at:%H%M}")
    ends = (head.sender.group_code, head.receiver.group_code)
    lines = [["GS", code, *ends, *stamp, number, "X", style.version]]
    sets: list[SetOut] = []
    for at, doc in enumerate(docs):
        control = "0001" if mischief.same_set_number else f"{at + 1:04}"
        wrong = mischief if at == 0 else Mischief()
        lines += _set(doc, control, wrong)
        sound = not (wrong.breaks_set or mischief.group_code or (mischief.same_set_number and len(docs) > 1))
        sets.append(SetOut(doc.set_id, control, doc.about, sound))
    if not mischief.no_end:
        lines.append(["GE", str(len(docs) + mischief.group_count), mischief.group_number or number])
    return lines, GroupOut(code, number, style.version, sets)


def _set(doc: Doc, control: str, mischief: Mischief) -> list[list[str]]:
    body = [trimmed(*segment) for segment in doc.segments]
    if mischief.unknown_segment:
        body.insert(1, ["ZZZ", "WHAT", "IS", "THIS"])
    if mischief.drop:
        body = [one for one in body if one[0] != mischief.drop]
    if mischief.spoil:
        id, at, text = mischief.spoil
        hit = next(one for one in body if one[0] == id)
        hit += [""] * (at + 1 - len(hit))
        hit[at] = text
    count = str(len(body) + 2 + mischief.set_count)
    return [["ST", doc.set_id, control], *body, ["SE", count, mischief.set_number or control]]
