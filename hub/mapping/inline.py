"""Changing what stands in braces and brackets: entries that stay keep their text, commas and comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Any, NamedTuple

import yaml

from hub.mapping.scalars import flow, key, same, scalar

ALIKE_MAX = 500  # items of a list that are looked for in its new form

_COMMENT = re.compile(r"[ \t]*#[^\n]*")


class Piece(NamedTuple):
    """An entry of the new collection, and what stands between it and the next."""

    told: str
    between: str = ", "
    place: int = -1  # among the old entries; -1: it is new


def rewritten(text: str, node: Any, old: Any, new: Any) -> str:
    """The text of a value in one line, or in braces over several, with its new content."""
    if same(old, new):
        return text[node.start_mark.index : node.end_mark.index]
    if isinstance(node, yaml.ScalarNode):
        return flow(new) if isinstance(new, dict | list) else scalar(new, node.style)
    if type(old) is not type(new) or not old or not new:
        return flow(new)
    parts = [part if isinstance(part, tuple) else (part, part) for part in node.value]
    starts = [name.start_mark.index for name, _ in parts]
    ends = [max(value.end_mark.index, name.end_mark.index) for name, value in parts]
    behind = [text[a:b] for a, b in zip(ends, [*starts[1:], node.end_mark.index], strict=True)]
    kept = [Piece(text[a:b], ", ", place) for place, (a, b) in enumerate(zip(starts, ends, strict=True))]
    kept = [piece._replace(between=behind[piece.place]) for piece in kept[:-1]] + kept[-1:]
    pieces = _members(text, parts, kept, old, new) if isinstance(new, dict) else _items(kept, old, new)
    return text[node.start_mark.index : starts[0]] + _written(pieces, behind[-1], len(parts) - 1)


def _written(pieces: list[Piece], closing: str, last: int) -> str:
    """All pieces and the end. A comment goes with the entry it stands beside, be it kept or removed."""
    if all(piece.place != last for piece in pieces):
        closing = _COMMENT.sub("", closing)
    before = "".join(piece.told + piece.between for piece in pieces[:-1])
    end = pieces[-1]
    return before + end.told + (end.between + closing.lstrip() if "#" in end.between else closing)


def _members(text: str, parts: Any, kept: list[Piece], old: Any, new: Any) -> list[Piece]:
    places = {name.value: place for place, (name, _) in enumerate(parts)}
    pieces = []
    for name, value in new.items():
        place = places.get(name)
        if place is None:
            pieces.append(Piece(f"{key(name)}: {flow(value)}"))
        elif same(old[name], value):
            pieces.append(kept[place])
        else:
            pieces.append(kept[place]._replace(told=_member(text, parts[place], old[name], value)))
    return pieces


def _member(text: str, part: tuple[Any, Any], old: Any, new: Any) -> str:
    name, node = part
    if node.start_mark.index == node.end_mark.index:  # no value
        return f"{text[name.start_mark.index : name.end_mark.index]}: {flow(new)}"
    return text[name.start_mark.index : node.start_mark.index] + rewritten(text, node, old, new)


def _items(kept: list[Piece], old: Any, new: Any) -> list[Piece]:
    return [kept[place] if place >= 0 else Piece(flow(part)) for place, part in alike(old, new)]


def alike(old: list[Any], new: list[Any]) -> Iterator[tuple[int, Any]]:
    """Every item of the new list with its place in the old one, -1 where it was not in it."""
    if max(len(old), len(new)) > ALIKE_MAX:
        yield from ((-1, part) for part in new)
        return
    names = [repr(part) for part in old], [repr(part) for part in new]
    for what, start, _, first, last in SequenceMatcher(None, *names, autojunk=False).get_opcodes():
        for position in range(first, last):
            yield (start + position - first if what == "equal" else -1), new[position]
