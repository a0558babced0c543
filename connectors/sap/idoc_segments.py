"""Steps through the segments of an IDoc: texts, qualified segments, dates, and numbers as SAP writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import TypeAlias

from lxml import etree

from hub.sdk import Unmappable

Segment: TypeAlias = etree._Element
SEGMENTS_MAX = 10_000  # items of one IDoc; SAP's own limit of a sales document is far below

_NUMBER = re.compile(r"([+-]?)(\d{1,22}(?:\.\d{0,9})?|\.\d{1,9})([+-]?)", re.ASCII)
_DAY = re.compile(r"\d{8}", re.ASCII)
_NAME = "sap-idoc"


def problem(place: str, reason: str, value: object = None) -> Unmappable:
    """What cannot be read of one IDoc, for its case."""
    return Unmappable(_NAME, place, reason, value)


def text(node: Segment | None, *names: str) -> str:
    """The first of these fields that has a value, without the space around it; empty where none has."""
    if node is None:
        return ""
    for name in names:
        found = node.find(f"{{*}}{name}")
        words = (found.text or "").strip() if found is not None else ""
        if words:
            return words
    return ""


def key(node: Segment | None, *names: str) -> str:
    """A number of something without its leading zeros, as SAP's OData services show it."""
    words = text(node, *names)
    return (words.lstrip("0") or "") if words.isascii() and words.isdigit() else words


def children(node: Segment, name: str) -> Iterator[Segment]:
    """The segments of this name below this one. Raises Unmappable where there are absurdly many."""
    for at, one in enumerate(node.iterfind(f"{{*}}{name}")):
        if at >= SEGMENTS_MAX:
            raise problem(name, f"more than {SEGMENTS_MAX} segments")
        yield one


def qualified(node: Segment, name: str, field: str, *values: str) -> Segment | None:
    """The first segment whose qualifier has the first of these values, else the second, and so on."""
    found: dict[str, Segment] = {}
    for one in children(node, name):
        found.setdefault(text(one, field), one)
    return next((found[value] for value in values if value in found), None)


def number(node: Segment | None, *names: str) -> Decimal | None:
    """An exact number; SAP writes the minus behind it and pads with spaces. Raises Unmappable."""
    words = text(node, *names)
    if not words:
        return None
    found = _NUMBER.fullmatch(words)
    if found is None or (found[1] and found[3]):
        raise problem(_place(node, names), "is not a number", words[:60])
    value = Decimal(found[2])
    return -value if "-" in (found[1], found[3]) else value


def day(node: Segment | None, *names: str) -> date | None:
    """A business date; none where SAP writes zeros. Raises Unmappable for what is no day."""
    words = text(node, *names)
    if not words.strip("0"):
        return None
    try:
        if not _DAY.fullmatch(words):
            raise ValueError
        return date(int(words[:4]), int(words[4:6]), int(words[6:]))
    except ValueError:
        raise problem(_place(node, names), "is not a date YYYYMMDD", words[:60]) from None


def _place(node: Segment | None, names: tuple[str, ...]) -> str:
    segment = etree.QName(node).localname if node is not None else "segment"
    return f"{segment}-{names[0] if names else ''}"
