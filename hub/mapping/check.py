"""Checking a mapping against what it reads and what it fills, before any record meets it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from hub.connector import Field, Schema
from hub.mapping.canonical import canonical_schema
from hub.mapping.constants import check_constants
from hub.mapping.document import MappingDocument, Rule
from hub.mapping.fields import Names, owners_of, paths_of, targets_of
from hub.mapping.finding import Finding, Place
from hub.mapping.fitting import misfits
from hub.mapping.loading import formulas, tables_used
from hub.mapping.nodes import Path, walk
from hub.mapping.picklists import check_picklists
from hub.mapping.precision import check_precision

_NOTHING = Schema(())


def check_mapping(document: MappingDocument, schema: Schema | None = None) -> tuple[Finding, ...]:
    """Faults that only show against the canonical model and, where given, the connector's schema.

    `schema` is what the connector says about the vendor's object; only a complete one can tell that a name is
    unknown. Its field names are paths as mappings write them: `properties.amount`, `line_items[].sku`.
    """
    vendor = Names(schema) if schema and schema.complete else None
    ours = Names(canonical_schema(document.kind, presented=document.direction == "out"))
    reads, fills = (vendor, ours) if document.direction == "in" else (ours, vendor)
    findings = [*_unused_tables(document), *_constant_conditions(document)]
    if reads:
        findings += _unknown_sources(document, reads)
    if fills:
        findings += _unknown_targets(document, fills)
        findings += _missing_targets(document, fills)
    told = Names(schema or _NOTHING)
    if not fills:
        findings += _listed_targets(document, told)
    known = (told, ours) if document.direction == "in" else (ours, told)
    for check in (check_constants, check_picklists, check_precision):
        findings += check(document, *known)
    return tuple(sorted(findings, key=lambda finding: (finding.line, finding.column)))


class _Mention(NamedTuple):
    """A path of the record that the mapping reads."""

    path: str
    place: Place


def _unknown_sources(document: MappingDocument, names: Names) -> Iterator[Finding]:
    for mention in _mentions(document):
        if not names.knows(mention.path):
            part, remedy = names.unknown(mention.path)
            yield Finding(document.name, *mention.place, f"{document.source} has no field '{part}'", remedy)


def _mentions(document: MappingDocument) -> Iterator[_Mention]:
    if document.when is not None:
        for node, path in paths_of(document.when, "", inside=False):
            yield _Mention(path, document.marks.at("when", node.offset))
    yield from _of_rules(document.fields, "", inside=False)


def _of_rules(fields: Mapping[str, Rule], prefix: str, *, inside: bool) -> Iterator[_Mention]:
    for rule in fields.values():
        below, within = prefix, inside
        if rule.each is not None:
            path = next((path for _, path in paths_of(rule.each, prefix, inside=inside)), prefix)
            yield _Mention(path, rule.marks.at("each"))
            below, within = f"{path}[]", True
        for key, node in (("from", rule.source), ("formula", rule.formula), ("when", rule.when)):
            if node is not None:
                for found, path in paths_of(node, below, inside=within):
                    yield _Mention(path, rule.marks.at(key, found.offset))
        yield from _of_rules(rule.fields, below, inside=within)


def _unknown_targets(document: MappingDocument, names: Names) -> Iterator[Finding]:
    unknown: set[str] = set()
    for path, rule in targets_of(document.fields, ""):
        if names.knows(path) or any(owner in unknown for owner in owners_of(path)):
            listed = names.fields.get(path)
            if listed and not any(owner in unknown for owner in owners_of(path)):
                if rule.fields and listed.type != ("object" if rule.each is None else "list"):
                    unknown.add(path)
                yield from _misplaced(document, path, rule, listed)
            continue
        unknown.add(path)
        part, remedy = names.unknown(path)
        yield Finding(document.name, *rule.place, f"{document.target} has no field '{part}'", remedy)


def _listed_targets(document: MappingDocument, names: Names) -> Iterator[Finding]:
    """An incomplete schema cannot tell what is unknown, but what it lists must fit."""
    for path, rule in targets_of(document.fields, ""):
        if listed := names.fields.get(path):
            yield from _misplaced(document, path, rule, listed)


def _misplaced(document: MappingDocument, path: str, rule: Rule, field: Field) -> Iterator[Finding]:
    if rule.each is not None and field.type != "list":
        told = f"'{path}' of {document.target} is not a list"
        yield Finding(document.name, *rule.place, told, "each is for lists only")
    if rule.fields and rule.each is None and field.type != "object":
        a_list = field.type == "list"
        told = f"'{path}' of {document.target} is {'a list' if a_list else field.type}, not a single object"
        remedy = (
            "add each: with the list in the record" if a_list else "give it a value: from, formula or value"
        )
        yield Finding(document.name, *rule.place, told, remedy)
    if not rule.fields:
        yield from misfits(document, path, rule, field)


def _missing_targets(document: MappingDocument, names: Names) -> Iterator[Finding]:
    """Required fields without a rule, or with one that may give nothing while their object is there."""
    targets = dict(targets_of(document.fields, ""))
    reached = {owner for path in targets for owner in owners_of(path)}
    for path, field in names.fields.items():
        owner = next(iter(owners_of(path)), "")
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
    exact = [targets[path] for path in (owner, *owners_of(owner)) if path in targets]
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


def _constant_conditions(document: MappingDocument) -> Iterator[Finding]:
    """A `when` that reads nothing gives every record the same answer."""
    for marks, key, tree in formulas(document):
        if key == "when" and not any(isinstance(node, Path) for node in walk(tree)):
            told = f"when is '{tree.text}' for every record"
            remedy = "name a field of the record in it, or remove it"
            yield Finding(document.name, *marks.at("when"), told, remedy)
