"""A transaction set as people and mappings read it: loops, segments and elements by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from connectors.edi.guide import Child, Element, Field
from connectors.edi.header import Marks
from connectors.edi.values import as_date
from connectors.edi.walk import Placed

STRAYS = "not_placed"  # where a tree keeps the segments that have no place, as they were sent
LEVELS = "levels"  # the loop of an HL segment; its children stand under the same name
Tree = dict[str, Any]


def named(root: Placed, marks: Marks) -> Tree:
    """The tree of a set. Amounts have their decimal point, days are written YYYY-MM-DD, all as text.

    A segment or loop that may come more than once is a list, also where it came once. A value that is not
    what its element should be stays as it was sent.
    """
    found = _loop(root, marks)
    if any(child.key == LEVELS for child in root.loop.children):
        found[LEVELS] = _nested(found.get(LEVELS, []))
    return found


def _loop(placed: Placed, marks: Marks) -> Tree:
    tree: Tree = {}
    for child, one in placed.items:
        value = _loop(one, marks) if isinstance(one, Placed) else _segment(child, one, marks)
        if child.most == 1:
            tree[child.key] = value if child.key not in tree else _again(tree[child.key], value)
        else:
            tree.setdefault(child.key, []).append(value)
    if placed.strays:
        tree[STRAYS] = [[*one] for one in placed.strays]
    return tree


def _again(before: Any, value: Tree) -> list[Tree]:
    """More than one where there may be one only: all are kept."""
    return [*before, value] if isinstance(before, list) else [before, value]


class _Plan(NamedTuple):
    """What to do with each element of a segment: name, group, turn and how to read it (None: as it is)."""

    name: str
    group: str
    turn: int
    read: Callable[[str, Field, Marks], Any] | None
    field: Field


@lru_cache(maxsize=4096)
def _plans(fields: tuple[Field, ...]) -> tuple[_Plan, ...]:
    return tuple(
        _Plan(
            field.name,
            field.group,
            field.turn,
            _reader(field.element) if field.element else _composite,
            field,
        )
        for field in fields
    )


def _segment(child: Child, elements: Sequence[str], marks: Marks) -> Tree:
    tree: Tree = {}
    plans = _plans(child.segment.fields)
    group, turn = "", 0
    for plan, value in zip(plans, elements[1:], strict=False):
        if not value:
            continue
        name, of, at, read, field = plan
        told = (
            (value if value[-1] != " " else value.rstrip(" ")) if read is None else read(value, field, marks)
        )
        if not of:
            tree[name] = told
        elif at == turn and of == group:
            tree[group][-1][name] = told
        else:
            group, turn = of, at
            tree.setdefault(group, []).append({name: told})
    if len(elements) > len(plans) + 1:
        tree["more"] = [*elements[len(plans) + 1 :]]
    return tree


def _composite(value: str, field: Field, marks: Marks) -> Tree | list[Tree]:
    if field.repeats and marks.repetition and marks.repetition in value:
        return [_components(field, one, marks) for one in value.split(marks.repetition)]
    return _components(field, value, marks)


def _components(field: Field, value: str, marks: Marks) -> Tree:
    values = value.split(marks.component) if marks.component else [value]
    return {
        part.name: _simple(part, one, marks) for part, one in zip(field.parts, values, strict=False) if one
    }


def _simple(field: Field, value: str, marks: Marks) -> str:
    read = _reader(field.element) if field.element else None
    return str(read(value, field, marks)) if read else value.rstrip(" ")


def _day(value: str, _: Field, __: Marks) -> str:
    found = as_date(value.rstrip(" "))
    return found.isoformat() if found else value


def implied(value: str, decimals: int) -> str:
    """A number whose decimal point is not written: 12340 with two decimals is 123.40."""
    digits = value.lstrip("-")
    if not decimals or not digits.isascii() or not digits.isdigit():
        return value
    sign = value[: len(value) - len(digits)]
    padded = digits.zfill(decimals + 1)
    return f"{sign}{padded[:-decimals].lstrip('0') or '0'}.{padded[-decimals:]}"


def _amount(value: str, field: Field, _: Marks) -> str:
    return implied(value, int(field.element.type[1:])) if field.element else value


def _reader(element: Element) -> Callable[[str, Field, Marks], Any] | None:
    if element.type == "DT":
        return _day
    return _amount if element.type[0] == "N" and element.type != "N0" else None


def _nested(levels: Sequence[Tree]) -> list[Tree]:
    """Levels under the level their HL02 names; one that names none, or none that is there, stands on top."""
    known: dict[str, Tree] = {}
    top: list[Tree] = []
    for one in levels:
        head: Mapping[str, str] = one.get("HL", {})
        parent = known.get(head.get("parent_number", ""))
        (parent.setdefault(LEVELS, []) if parent is not None else top).append(one)
        known.setdefault(head.get("level_number", ""), one)
    return top
