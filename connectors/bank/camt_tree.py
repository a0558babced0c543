"""An ISO 20022 element as plain values by local name, so that reading one entry costs microseconds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from lxml import etree

_AMOUNT = re.compile(
    r"[+-]?(\d{1,18}(\.\d{0,17})?|\.\d{1,17})", re.ASCII
)  # ISO 20022: 18 digits, 5 of them decimals
_NAMES: dict[str, str] = {}
_NAMES_MAX = 4_096  # tags a file may invent before the cache stops growing


class Twig:
    """One element: text, Ccy attribute, children by local name in the file's order; `line` of its entry."""

    __slots__ = ("currency", "kids", "line", "text")

    def __init__(self, node: etree._Element, line: int) -> None:
        words = node.text
        self.text = words.strip() if words else ""
        self.currency = (node.get("Ccy") or "") if node.keys() else ""
        self.line = line
        kids: dict[str, list[Twig]] = {}
        for child in node:
            tag = child.tag
            if isinstance(tag, str):
                name = _NAMES.get(tag) or local(tag)
                if name in kids:
                    kids[name].append(Twig(child, line))
                else:
                    kids[name] = [Twig(child, line)]
        self.kids = kids

    def all(self, path: str) -> Iterator[Twig]:
        """Every element on a path such as `RmtInf/Strd`; `*` is any step."""
        step, _, rest = path.partition("/")
        found = (
            [one for many in self.kids.values() for one in many] if step == "*" else self.kids.get(step, ())
        )
        for one in found:
            if rest:
                yield from one.all(rest)
            else:
                yield one

    def one(self, *paths: str) -> Twig | None:
        """The first element on the first path that leads anywhere."""
        for path in paths:
            twig: Twig | None = self
            for step in path.split("/"):
                found = twig.kids.get(step) if twig is not None else None
                twig = found[0] if found else None
            if twig is not None:
                return twig
        return None

    def word(self, *paths: str) -> str:
        """The text on the first path that has one, else empty."""
        for path in paths:
            twig = self.one(path)
            if twig is not None and twig.text:
                return twig.text
        return ""

    def words(self, *paths: str) -> list[str]:
        """All texts on all paths, in the order of the paths."""
        return [one.text for path in paths for one in self.all(path) if one.text]


def local(tag: str) -> str:
    """The local name of a tag; remembered, because a file repeats a hundred of them a million times."""
    name = tag.rpartition("}")[2]
    if len(_NAMES) < _NAMES_MAX:
        _NAMES[tag] = name
    return name


def decimal_of(words: str) -> Decimal | None:
    """An exact amount as ISO 20022 writes it, None where it is none."""
    return Decimal(words) if _AMOUNT.fullmatch(words) else None


def day_of(twig: Twig | None) -> date | None:
    """The business date of Dt or DtTm at the bank's own offset; None where it is none."""
    if twig is None:
        return None
    try:
        return date.fromisoformat(twig.word("Dt", "DtTm")[:10])
    except ValueError:
        return None
