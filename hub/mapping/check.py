"""Checking a mapping against what it reads and what it fills, before any record meets it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from hub.connector import Field, Schema
from hub.mapping.canonical import canonical_schema
from hub.mapping.document import MappingDocument, Rule
from hub.mapping.finding import Finding, Place, nearest
from hub.mapping.fitting import misfits
from hub.mapping.loading import tables_used
from hub.mapping.nodes import Node, Path, Step, walk

_POSITION = re.compile(r"\[\d*\]|\.\d+(?=\.|\[|$)")


def check_mapping(document: MappingDocument, schema: Schema | None = None) -> tuple[Finding, ...]:
    """Faults that only show against the canonical model and, where given, the connector's schema.

    `schema` is what the connector says about the vendor's object; only a complete one can tell that a name is
    unknown. Its field names are paths as mappings write them: `properties.amount`, `line_items[].sku`.
    """
    vendor = _Names(schema) if schema and schema.complete else None
    ours = _Names(canonical_schema(document.kind, presented=document.direction == "out"))
    reads, fills = (vendor, ours) if document.direction == "in" else (ours, vendor)
    findings = list(_unused_tables(document))
    if reads:
        findings += _unknown_sources(document, reads)
    if fills:
        findings += _unknown_targets(document, fills)
        findings += _missing_targets(document, fills)
    return tuple(sorted(findings, key=lambda finding: (finding.line, finding.column)))


class _Names:
    """The paths a schema knows."""

    def __init__(self, schema: Schema) -> None:
        self.fields = {_uniform(field.name): field for field in schema.fields}
        self.owners = {owner for name in self.fields for owner in _owners(name)}
        self.open = {
            name
            for name, field in self.fields.items()
            if field.type in ("object", "list") and name not in self.owners
        }

    def knows(self, path: str) -> bool:
        """Is there such a path, or may there be, inside an object whose fields are not listed?"""
        if path in self.fields or path in self.owners:
            return True
        return not self.open.isdisjoint(_owners(path))

    def unknown(self, path: str) -> tuple[str, str]:
        """The shortest beginning of the path that does not exist, and the remedy."""
        owners = [owner for owner in reversed(_owners(path)) if not owner.endswith("[]")]
        part = next((step for step in [*owners, path] if not self.knows(step)), path)
        owner = part.rpartition(".")[0]
        siblings = {name.removeprefix(f"{owner}." if owner else "") for name in {*self.fields, *self.owners}}
        siblings = {name for name in siblings if "." not in name and not name.endswith("[]")}
        if owner:
            siblings = {name for name in siblings if self.knows(f"{owner}.{name}")}
        return part, nearest(part.rpartition(".")[2], siblings)


def _uniform(path: str) -> str:
    """Positions as `[]`: `lines[0].sku` and `lines.0.sku` are both `lines[].sku`."""
    return _POSITION.sub("[]", path)


def _owners(path: str) -> list[str]:
    """Every path this one goes through, the nearest first: a[].b.c gives a[].b, a[], a."""
    return [path[: found.start()] for found in reversed(list(re.finditer(r"\.|\[\]", path)))]


def _joined(prefix: str, steps: tuple[Step, ...]) -> str:
    path = prefix
    for step in steps:
        path += f".{step}" if isinstance(step, str) and path else step if isinstance(step, str) else "[]"
    return path


class _Mention(NamedTuple):
    """A path of the record that the mapping reads."""

    path: str
    place: Place


def _unknown_sources(document: MappingDocument, names: _Names) -> Iterator[Finding]:
    for mention in _mentions(document):
        if not names.knows(mention.path):
            part, remedy = names.unknown(mention.path)
            yield Finding(document.name, *mention.place, f"{document.source} has no field '{part}'", remedy)


def _mentions(document: MappingDocument) -> Iterator[_Mention]:
    if document.when is not None:
        for node, path in _paths(document.when, "", inside=False):
            yield _Mention(path, document.marks.at("when", node.offset))
    yield from _of_rules(document.fields, "", inside=False)


def _of_rules(fields: Mapping[str, Rule], prefix: str, *, inside: bool) -> Iterator[_Mention]:
    for rule in fields.values():
        below, within = prefix, inside
        if rule.each is not None:
            path = next((path for _, path in _paths(rule.each, prefix, inside=inside)), prefix)
            yield _Mention(path, rule.marks.at("each"))
            below, within = f"{path}[]", True
        for key, node in (("from", rule.source), ("formula", rule.formula), ("when", rule.when)):
            if node is not None:
                for found, path in _paths(node, below, inside=within):
                    yield _Mention(path, rule.marks.at(key, found.offset))
        yield from _of_rules(rule.fields, below, inside=within)


def _paths(tree: Node, prefix: str, *, inside: bool) -> Iterator[tuple[Node, str]]:
    """The paths of a formula from the top of the record; `inside` an each, `index` is none."""
    for node in walk(tree):
        if not isinstance(node, Path) or (inside and node.steps == ("index",)) or node.steps == ("root",):
            continue
        rooted = node.steps[0] == "root"
        yield node, _uniform(_joined("" if rooted else prefix, node.steps[1:] if rooted else node.steps))


class _Target(NamedTuple):
    """A path of the target that the mapping fills."""

    path: str
    rule: Rule


def _targets(fields: Mapping[str, Rule], prefix: str) -> Iterator[_Target]:
    for name, rule in fields.items():
        path = f"{prefix}{name}"
        yield _Target(path, rule)
        yield from _targets(rule.fields, f"{path}[]." if rule.each is not None else f"{path}.")


def _unknown_targets(document: MappingDocument, names: _Names) -> Iterator[Finding]:
    unknown: set[str] = set()
    for path, rule in _targets(document.fields, ""):
        if names.knows(path) or any(owner in unknown for owner in _owners(path)):
            if listed := names.fields.get(path):
                yield from _misplaced(document, path, rule, listed)
            continue
        unknown.add(path)
        part, remedy = names.unknown(path)
        yield Finding(document.name, *rule.place, f"{document.target} has no field '{part}'", remedy)


def _misplaced(document: MappingDocument, path: str, rule: Rule, field: Field) -> Iterator[Finding]:
    if rule.each is not None and field.type != "list":
        told = f"'{path}' of {document.target} is not a list"
        yield Finding(document.name, *rule.place, told, "each is for lists only")
    if rule.fields and rule.each is None and field.type != "object":
        told = f"'{path}' of {document.target} is no single object"
        yield Finding(document.name, *rule.place, told, "add each: for a list, or give it a value")
    if not rule.fields:
        yield from misfits(document, path, rule, field)


def _missing_targets(document: MappingDocument, names: _Names) -> Iterator[Finding]:
    """Required fields without a rule, or with one that may give nothing while their object is there."""
    targets = dict(_targets(document.fields, ""))
    reached = {owner for path in targets for owner in _owners(path)}
    for path, field in names.fields.items():
        owner = next(iter(_owners(path)), "")
        if not field.required or (owner and owner not in reached):
            continue
        place = _nearest_rule(targets, owner, document)
        if path not in targets and path not in reached:
            remedy = f"add a rule for '{path.rpartition('.')[2]}'"
            yield Finding(
                document.name, *place, f"{document.target} needs '{path}', which has no rule", remedy
            )
        elif path in targets and not targets[path].certain and not _vanishes(owner, targets):
            told = f"{document.target} needs '{path}', which this rule may leave out"
            remedy = "give it a default, or make the whole of its object optional"
            yield Finding(document.name, *targets[path].place, told, remedy)


def _nearest_rule(targets: Mapping[str, Rule], owner: str, document: MappingDocument) -> Place:
    """Where to add a rule: at the rule of the object or list, or at the first one that goes into it."""
    exact = [targets[path] for path in (owner, *_owners(owner)) if path in targets]
    within = [rule for path, rule in targets.items() if owner and path.startswith(f"{owner}.")]
    return next((rule.place for rule in (*exact, *within)), document.marks.at("fields"))


def _vanishes(owner: str, targets: Mapping[str, Rule]) -> bool:
    """Is the object left out as a whole when its fields have no value?"""
    if not owner or owner.endswith("[]"):
        return False
    return not any(rule.certain for path, rule in targets.items() if path.startswith(f"{owner}."))


def _unused_tables(document: MappingDocument) -> Iterator[Finding]:
    used = {name for _, name in tables_used(document)}
    for name in document.tables:
        if name not in used:
            place = document.marks.at(f"tables.{name}")
            yield Finding(document.name, *place, f"the table '{name}' is never used", "use or remove it")
