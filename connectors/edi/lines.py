"""Reads the compact guides: elements, segments and transaction sets, one line each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from typing import NamedTuple

_TOKEN = re.compile(r"\([^)]*\)\S*|\{[^}]*\}\S*|\S+")
_CONDITION = re.compile(r"([PRCLE])((?:\d\d){2,})", re.ASCII)
_SIMPLE = re.compile(r"(\d+|[a-z_]+)(!?)(\*?)(?:@(\d{4}))?", re.ASCII)
_GROUPED = re.compile(r"\(([^)]*)\)(\d+)(!?):(\w+)", re.ASCII)
_COMPOSITE = re.compile(r"\{([^}]*)\}(!?)(\*?):(\w+)", re.ASCII)
_PLACE = re.compile(r"([A-Z][A-Z0-9]{1,2})(!?)(?: (\d+|\*))?(?: ([a-z]\w*))?(?: @(\d{4}))?( \?)?", re.ASCII)


class Line(NamedTuple):
    """A segment in a set: its id, whether it must be there, how often it may (0: without limit).

    `tolerated`: the standard has no such place, senders use it all the same; it is noted.
    """

    id: str
    required: bool
    most: int
    key: str
    since: int
    inner: tuple[Line, ...]
    tolerated: bool


class Token(NamedTuple):
    """One place of a segment: a data element (`word` is its number), a composite or a repeated pair."""

    word: str
    required: bool
    repeats: bool
    since: int
    times: int
    parts: tuple[Token, ...]


class SegmentLine(NamedTuple):
    """A segment of the dictionary as written."""

    name: str
    tokens: tuple[Token, ...]
    conditions: tuple[tuple[str, tuple[int, ...]], ...]
    checked: bool


class ElementLine(NamedTuple):
    """An element of the dictionary as written: lengths as (since version, shortest, longest)."""

    type: str
    name: str
    lengths: tuple[tuple[int, int, int], ...]
    codes: frozenset[str]


def _text(name: str) -> list[str]:
    source = resources.files("connectors.edi").joinpath("guides", name).read_text(encoding="utf-8")
    return [line.rstrip() for line in source.splitlines() if line.strip() and not line.startswith("#")]


@cache
def _elements() -> dict[str, ElementLine]:
    return dict(_element(line) for line in _text("elements.txt"))


def _element(line: str) -> tuple[str, ElementLine]:
    words, _, codes = line.partition(" in ")
    number, kind, length, name, *later = words.split()
    lengths = [(0, *_span(length))]
    lengths += [(int(since), *_span(span)) for since, span in (one.split(":") for one in later)]
    return number, ElementLine(kind, name, tuple(lengths), frozenset(codes.split()))


def _span(words: str) -> tuple[int, int]:
    low, high = words.split("/")
    return int(low), int(high)


def element(number: str) -> ElementLine:
    """An element by its number. Raises KeyError naming it where the dictionary has none."""
    return _elements()[number]


@cache
def _segments() -> dict[str, str]:
    return {line.split(" ", 1)[0]: line for line in _text("segments.txt") if line[0].isupper()}


@cache
def _composites() -> dict[str, tuple[Token, ...]]:
    named = [line.split(" ", 2)[1:] for line in _text("segments.txt") if line.startswith("composite ")]
    return {name: tuple(_tokens(rest)) for name, rest in named}


@cache
def known_ids() -> frozenset[str]:
    """Ids of all segments that the dictionary knows to exist."""
    listed = [line for line in _text("segments.txt") if line.startswith("known ")]
    return frozenset(_segments()) | {one for line in listed for one in line.split()[1:]}


@cache
def segment(segment_id: str) -> SegmentLine:
    """A segment by its id. Raises KeyError naming it where the dictionary has none."""
    head, _, rules = _segments()[segment_id].partition(" | ")
    _, name, *rest = head.split(" ", 2)
    words = rest[0] if rest else ""
    if words == "~":
        return SegmentLine(name, (), (), False)
    conditions = [
        (found.group(1), tuple(int(one) for one in re.findall(r"\d\d", found.group(2))))
        for found in (_CONDITION.fullmatch(rule) for rule in rules.split())
        if found
    ]
    return SegmentLine(name, tuple(_tokens(words)), tuple(conditions), True)


def _tokens(words: str) -> Iterator[Token]:
    for word in _TOKEN.findall(words):
        yield _token(word)


def _token(word: str) -> Token:
    if found := _GROUPED.fullmatch(word):
        inner = tuple(_tokens(found.group(1)))
        return Token(found.group(4), bool(found.group(3)), False, 0, int(found.group(2)), inner)
    if found := _COMPOSITE.fullmatch(word):
        words = found.group(1)
        inner = _composites()[words] if words in _composites() else tuple(_tokens(words))
        return Token(found.group(4), bool(found.group(2)), bool(found.group(3)), 0, 0, inner)
    if not (found := _SIMPLE.fullmatch(word)):
        raise ValueError(f"segments.txt: {word!r} cannot be read")
    return Token(found.group(1), bool(found.group(2)), bool(found.group(3)), int(found.group(4) or 0), 0, ())


@cache
def structure(set_id: str) -> tuple[str, tuple[Line, ...]]:
    """Title and lines of a transaction set."""
    shared = _parts(_text("parts.txt"), {})
    first, *rest = _text(f"{set_id}.txt")
    body = [line for line in rest if not line.startswith("set ")]
    parts = _parts(body, shared)
    start = next(at for at, line in enumerate(body) if line == "ST!")
    return first.split(" ", 3)[3], tuple(_nest(body[start:], parts))


def _parts(found: Sequence[str], known: dict[str, list[str]]) -> dict[str, list[str]]:
    """What `part name` begins, until the next line that is not indented."""
    parts, current = dict(known), None
    for line in found:
        if line.startswith("part "):
            current = parts.setdefault(line.split()[1], [])
        elif line.startswith(" ") and current is not None:
            current.append(line[2:])
        else:
            current = None
    return parts


def _nest(found: Sequence[str], parts: dict[str, list[str]]) -> Iterator[Line]:
    at = 0
    while at < len(found):
        end = at + 1
        while end < len(found) and found[end].startswith(" "):
            end += 1
        if found[at].startswith("+"):
            yield from _nest(parts[found[at][1:]], parts)
        else:
            yield _line(found[at], tuple(_nest([line[2:] for line in found[at + 1 : end]], parts)))
        at = end


def _line(words: str, inner: tuple[Line, ...]) -> Line:
    found = _PLACE.fullmatch(words)
    if not found:
        raise ValueError(f"guides: {words!r} cannot be read")
    segment_id, required, most, key, since, tolerated = found.groups()
    limit = 0 if most == "*" else int(most or 1)
    return Line(segment_id, bool(required), limit, key or segment_id, int(since or 0), inner, bool(tolerated))
