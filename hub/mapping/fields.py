"""The paths a mapping reads and fills, written the way schemas write them: `lines[].sku`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from hub.connector import Schema
from hub.mapping.document import Rule
from hub.mapping.finding import nearest
from hub.mapping.nodes import Node, Path, Step, walk

_POSITION = re.compile(r"\[\d*\]|\.\d+(?=\.|\[|$)")


class Names:
    """The paths a schema knows."""

    def __init__(self, schema: Schema) -> None:
        self.fields = {uniform(field.name): field for field in schema.fields}
        self.owners = {owner for name in self.fields for owner in owners_of(name)}
        self.open = {
            name
            for name, field in self.fields.items()
            if field.type in ("object", "list") and name not in self.owners
        }

    def knows(self, path: str) -> bool:
        """Is there such a path, or may there be, inside an object whose fields are not listed?"""
        if path in self.fields or path in self.owners:
            return True
        return not self.open.isdisjoint(owners_of(path))

    def unknown(self, path: str) -> tuple[str, str]:
        """The shortest beginning of the path that does not exist, and the remedy."""
        owners = [owner for owner in reversed(owners_of(path)) if not owner.endswith("[]")]
        part = next((step for step in [*owners, path] if not self.knows(step)), path)
        owner = part.rpartition(".")[0]
        siblings = {name.removeprefix(f"{owner}." if owner else "") for name in {*self.fields, *self.owners}}
        siblings = {name for name in siblings if "." not in name and not name.endswith("[]")}
        if owner:
            siblings = {name for name in siblings if self.knows(f"{owner}.{name}")}
        return part, nearest(part.rpartition(".")[2], siblings)


def uniform(path: str) -> str:
    """Positions as `[]`: `lines[0].sku` and `lines.0.sku` are both `lines[].sku`."""
    return _POSITION.sub("[]", path)


def owners_of(path: str) -> list[str]:
    """Every path this one goes through, the nearest first: a[].b.c gives a[].b, a[], a."""
    return [path[: found.start()] for found in reversed(list(re.finditer(r"\.|\[\]", path)))]


def _joined(prefix: str, steps: tuple[Step, ...]) -> str:
    path = prefix
    for step in steps:
        path += f".{step}" if isinstance(step, str) and path else step if isinstance(step, str) else "[]"
    return path


def paths_of(tree: Node, prefix: str, *, inside: bool) -> Iterator[tuple[Node, str]]:
    """The paths of a formula from the top of the record; `inside` an each, `index` is none."""
    for node in walk(tree):
        if not isinstance(node, Path) or (inside and node.steps == ("index",)) or node.steps == ("root",):
            continue
        rooted = node.steps[0] == "root"
        yield node, uniform(_joined("" if rooted else prefix, node.steps[1:] if rooted else node.steps))


class Target(NamedTuple):
    """A path of the target that the mapping fills."""

    path: str
    rule: Rule


def targets_of(fields: Mapping[str, Rule], prefix: str) -> Iterator[Target]:
    """Every path the rules fill, objects and lists before what is in them."""
    for name, rule in fields.items():
        path = f"{prefix}{name}"
        yield Target(path, rule)
        yield from targets_of(rule.fields, f"{path}[]." if rule.each is not None else f"{path}.")


class Flow(NamedTuple):
    """A rule that gives one value, with the paths it fills and reads; `source` is empty for a formula."""

    rule: Rule
    target: str
    source: str
    prefix: str  # where the paths of its formulas start
    inside: bool  # in the items of a list


def flows_of(
    fields: Mapping[str, Rule], target: str = "", prefix: str = "", *, inside: bool = False
) -> Iterator[Flow]:
    """Every rule that gives a value, or a list as it is."""
    for name, rule in fields.items():
        path = f"{target}{name}"
        if not rule.fields:
            read = rule.source or (rule.formula if isinstance(rule.formula, Path) else None)
            yield Flow(rule, path, _first(read, prefix, inside=inside), prefix, inside)
        elif rule.each is not None:
            items = f"{_first(rule.each, prefix, inside=inside) or prefix}[]"
            yield from flows_of(rule.fields, f"{path}[].", items, inside=True)
        else:
            yield from flows_of(rule.fields, f"{path}.", prefix, inside=inside)


def _first(read: Node | None, prefix: str, *, inside: bool) -> str:
    return next((path for _, path in paths_of(read, prefix, inside=inside)), "") if read else ""
