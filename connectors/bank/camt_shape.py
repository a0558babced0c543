"""ISO 20022 elements as plain values: what a bank repeats a million times is taken apart once.

A bank writes its entries with the same few sequences of tags. Such a sequence, the shape, is compiled once:
into a tree that knows which value stands where, and, when it comes back often, into one regular expression.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

_AMOUNT = re.compile(
    r"[+-]?(\d{1,18}(\.\d{0,17})?|\.\d{1,17})", re.ASCII
)  # ISO 20022: 18 digits, 5 of them decimals
_SPLIT = re.compile(r"<([^<>]*)>")
# A tag as the file has it: at most one attribute, without references; anything else is for a parser.
_PLAIN = re.compile(
    r"((?:[A-Za-z_][\w.-]*:)?)[A-Za-z_][\w.-]*"
    r"(?:\s+(?!xmlns)[A-Za-z_][\w.-]*\s*=\s*(?:\"[^\"&]*\"|'[^'&]*'))?\s*/?",
    re.ASCII,
)
_NAME = re.compile(r"[^\s/]+")
_CURRENCY = re.compile(r"\sCcy\s*=\s*[\"']([^\"']*)[\"']")
_REFERENCE = re.compile(r"&(?:amp|lt|gt|quot|apos|#13);")
_MEANT = {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'", "&#13;": "\r"}
_TEXT, _SPACE = r"([^<]*+)", r"\s*+"
DEPTH_MAX = 200
_OFTEN = 16  # times a shape is seen before an expression is made of it
_QUICK = 4  # expressions tried on a text before it is taken apart
_SHAPES_MAX = 4_096
_TAGS_MAX = 2_000  # of a shape that is worth remembering


class NotPlain(Exception):
    """The text is not what can be taken apart here: an XML parser has to look at it."""


class Shape:
    """One element: the place of its text among the values, its currency, its children by local name."""

    __slots__ = ("_found", "_texts", "at", "currency", "kids")

    def __init__(self, currency: str = "") -> None:
        self.at = -1
        self.currency = currency
        self.kids: dict[str, list[Shape]] = {}
        self._found: dict[str, tuple[Shape, ...]] = {}
        self._texts: dict[tuple[str, ...], tuple[int, ...]] = {}

    def all(self, path: str) -> tuple[Shape, ...]:
        """Every element on a path such as `RmtInf/Strd`; `*` is any step."""
        known = self._found.get(path)
        if known is None:
            step, _, rest = path.partition("/")
            many = self.kids.values() if step == "*" else (self.kids.get(step, ()),)
            here = [one for some in many for one in some]
            known = tuple(below for one in here for below in one.all(rest)) if rest else tuple(here)
            self._found[path] = known
        return known

    def texts(self, paths: tuple[str, ...]) -> tuple[int, ...]:
        """Places of the texts on all paths, in the order of the paths."""
        known = self._texts.get(paths)
        if known is None:
            known = tuple(one.at for path in paths for one in self.all(path) if one.at >= 0)
            self._texts[paths] = known
        return known


class Twig:
    """One element with its values; `line` is that of the entry or statement it stands in."""

    __slots__ = ("line", "shape", "values")

    def __init__(self, shape: Shape, values: Sequence[str], line: int) -> None:
        self.shape, self.values, self.line = shape, values, line

    @property
    def text(self) -> str:
        """The text of the element itself."""
        return first(self.values, (self.shape.at,)) if self.shape.at >= 0 else ""

    @property
    def currency(self) -> str:
        """Its attribute Ccy."""
        return self.shape.currency

    def has(self, path: str) -> bool:
        """Is there an element on the path?"""
        return bool(self.shape.all(path))

    def all(self, path: str) -> Iterator[Twig]:
        """Every element on a path; `*` is any step."""
        return (Twig(one, self.values, self.line) for one in self.shape.all(path))

    def one(self, *paths: str) -> Twig | None:
        """The first element on the first path that leads anywhere."""
        for path in paths:
            found = self.shape.all(path)
            if found:
                return Twig(found[0], self.values, self.line)
        return None

    def word(self, *paths: str) -> str:
        """The first text on the first path that has one, else empty."""
        return first(self.values, self.shape.texts(paths))

    def words(self, *paths: str) -> list[str]:
        """All texts on all paths, in the order of the paths."""
        return each(self.values, self.shape.texts(paths))


class _Known(NamedTuple):
    """A compiled shape; `leaves` are places of texts among the pieces, `prefix` None where it has no tags."""

    root: Shape
    leaves: Sequence[int]
    prefix: str | None


_Match = Callable[[str], "re.Match[str] | None"]


class Shapes:
    """The shapes of one kind of text. `strict`: the text is a piece of the file, not what a parser made."""

    def __init__(self, *, strict: bool) -> None:
        self._strict = strict
        self._known: dict[tuple[str, ...], _Known] = {}
        self._seen: dict[tuple[str, ...], int] = {}
        self._quick: list[tuple[_Match, _Known]] = []

    def read(self, text: str, prefix: str, line: int) -> Twig:
        """The elements of a text, below one that stands for the text. Raises NotPlain.

        `text` has no comments, CDATA sections or processing instructions. Where strict it is well-formed, or
        NotPlain is raised; `prefix` is what its tags must have then.
        """
        quick = self._quick  # replaced, never changed: other threads may be reading
        for place, (match, known) in enumerate(quick):
            found = match(text)
            if found:
                if place:
                    self._quick = [quick[place], *quick[:place], *quick[place + 1 :]]
                return self._twig(text, known, found.groups(), prefix, line)
        pieces = _SPLIT.split(text)
        known = self._shape(text, pieces)
        return self._twig(text, known, [pieces[at] for at in known.leaves], prefix, line)

    def _twig(self, text: str, known: _Known, values: Sequence[str], prefix: str, line: int) -> Twig:
        if self._strict and known.prefix not in (prefix, None):
            raise NotPlain
        if self._strict and "&" in text and text.count("&") != len(_REFERENCE.findall(text)):
            raise NotPlain
        return Twig(known.root, values, line)

    def _shape(self, text: str, pieces: Sequence[str]) -> _Known:
        tags = tuple(pieces[1::2])
        known = self._known.get(tags)
        if text.count("<") != len(tags):
            raise NotPlain
        if known is None:
            known = _compiled(tags, strict=self._strict)
            if len(tags) < _TAGS_MAX:
                self._remember(tags, known)
            return known
        seen = self._seen[tags] = self._seen.get(tags, 0) + 1
        if seen == _OFTEN or not seen % 1_000:
            made = _expression(tags, set(known.leaves)), known
            self._quick = [made, *self._quick[: _QUICK - 1]]
        return known

    def _remember(self, tags: tuple[str, ...], known: _Known) -> None:
        if len(self._known) >= _SHAPES_MAX:
            self._known, self._seen = {}, {}
        self._known[tags] = known


def _compiled(tags: Sequence[str], *, strict: bool) -> _Known:
    """The shape of these tags. Raises NotPlain where they do not close each other."""
    root = Shape()
    open_: list[tuple[str, Shape, int]] = [("", root, -1)]
    leaves: list[int] = []
    prefixes: set[str] = set()
    for at, tag in enumerate(tags):
        if tag.startswith("/"):
            name, shape, begun = open_.pop()
            if name != tag[1:].rstrip() or not open_:
                raise NotPlain
            if begun == at - 1:
                shape.at = len(leaves)
                leaves.append(2 * at)
            continue
        name = _name(tag, prefixes, strict=strict)
        shape = Shape(_currency(tag))
        open_[-1][1].kids.setdefault(name.rpartition(":")[2], []).append(shape)
        if not tag.endswith("/"):
            open_.append((name, shape, at))
        if len(open_) > DEPTH_MAX:
            raise NotPlain
    if len(open_) != 1 or len(prefixes) > 1:
        raise NotPlain
    return _Known(root, leaves, next(iter(prefixes), None))


def _name(tag: str, prefixes: set[str], *, strict: bool) -> str:
    if strict:
        plain = _PLAIN.fullmatch(tag)
        if not plain:
            raise NotPlain
        prefixes.add(plain[1])
    found = _NAME.match(tag)
    if not found:
        raise NotPlain
    return found[0]


def _currency(tag: str) -> str:
    found = _CURRENCY.search(tag)
    return found[1] if found else ""


def _expression(tags: Sequence[str], leaves: set[int]) -> _Match:
    """One expression for a text of this shape: its groups are the texts."""
    parts = [(_TEXT if 2 * at in leaves else _SPACE) + re.escape(f"<{tag}>") for at, tag in enumerate(tags)]
    return re.compile("".join([*parts, r"\s*+"])).fullmatch


def is_amount(words: str) -> bool:
    """Is it an amount as ISO 20022 writes it?"""
    return _AMOUNT.fullmatch(words) is not None


def decimal_of(words: str) -> Decimal | None:
    """An exact amount as ISO 20022 writes it, None where it is none."""
    return Decimal(words) if _AMOUNT.fullmatch(words) else None


@lru_cache(maxsize=4_096)
def day(words: str) -> date | None:
    """The business date of a date or a point in time at the bank's own offset; None where it is none."""
    try:
        return date.fromisoformat(words[:10])
    except ValueError:
        return None


def first(values: Sequence[str], places: Sequence[int]) -> str:
    """The first of some values that is not blank, as it is meant, without the space around it, else empty."""
    for at in places:
        if words := values[at].strip():
            return _REFERENCE.sub(lambda one: _MEANT[one[0]], words) if "&" in words else words
    return ""


def each(values: Sequence[str], places: Sequence[int]) -> list[str]:
    """Those of some values that are not blank, as they are meant, without the space around them."""
    found = [first(values, (at,)) for at in places]
    return [words for words in found if words]
