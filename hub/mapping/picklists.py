"""Do a mapping's tables cover what the picklists they translate offer, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from hub.mapping.conversions import Conversion, bound
from hub.mapping.document import MappingDocument
from hub.mapping.fields import Flow, Names, flows_of, paths_of
from hub.mapping.finding import Finding, Place
from hub.mapping.loading import formulas
from hub.mapping.nodes import Node, Path, TableEntry, walk
from hub.mapping.values import Refusal

_NAMED = 5  # options a message names


class _Use(NamedTuple):
    """A table at work: what may be looked up in it, None where that is not known."""

    table: str
    path: str
    options: tuple[str, ...] | None
    place: Place
    excused: bool = False  # a missing key has a default
    conditional: bool = False  # some options may never get here


def check_picklists(document: MappingDocument, reads: Names, _fills: Names) -> Iterator[Finding]:
    """Options without an entry, which would make a case; and entries for what is no option."""
    uses = [*_conversions(document, reads), *_lookups(document, reads)]
    for use in uses:
        yield from _uncovered(document, use)
    for name in document.tables:
        of_table = [use for use in uses if use.table == name]
        yield from _unreachable(document, name, of_table)


def _uncovered(document: MappingDocument, use: _Use) -> Iterator[Finding]:
    entries = document.tables.get(use.table, {})
    lacking = [option for option in use.options or () if option and option not in entries]
    if not lacking or use.excused:
        return
    more = f" and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else ""
    options = f"the option{'s' if len(lacking) > 1 else ''} {_quoted(lacking)}{more}"
    told = f"the table '{use.table}' has no entry for {options} of {document.source} '{use.path}'"
    mild = use.conditional or use.table in document.local
    remedy = "add an entry for each; records with such a value would stop"
    yield Finding(document.name, *use.place, told, remedy, "warning" if mild else "error")


def _unreachable(document: MappingDocument, name: str, uses: Sequence[_Use]) -> Iterator[Finding]:
    if not uses or any(use.options is None for use in uses):
        return
    offered = {option for use in uses for option in use.options or ()}
    dead = [key for key in document.tables[name] if key not in offered]
    if dead:
        more = f" and {len(dead) - _NAMED} more" if len(dead) > _NAMED else ""
        where = " or ".join(sorted({f"'{use.path}'" for use in uses}))
        told = f"{_quoted(dead)}{more} in the table '{name}' can never be a value of {where}"
        remedy = f"compare with the options of the field: {_quoted(sorted(offered))}"
        yield Finding(document.name, *document.marks.at(f"tables.{name}"), told, remedy, "warning")


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names[:_NAMED])


def _conversions(document: MappingDocument, reads: Names) -> Iterator[_Use]:
    for flow in flows_of(document.fields):
        for position, step in enumerate(flow.rule.via):
            if step.name == "table":
                options = _options(reads, flow.source, flow.rule.via[:position])
                place = flow.rule.marks.at("via")
                conditional = _conditional(document, flow)
                yield _Use(step.argument, flow.source, options, place, conditional=conditional)


def _conditional(document: MappingDocument, flow: Flow) -> bool:
    """Does a condition ask for the very field, so that not all its options get here?"""
    conditions = [(document.when, "", False), (flow.rule.when, flow.prefix, flow.inside)]
    return any(
        flow.source == path
        for tree, prefix, inside in conditions
        if tree is not None
        for _, path in paths_of(tree, prefix, inside=inside)
    )


def _options(reads: Names, path: str, before: Sequence[Conversion]) -> tuple[str, ...] | None:
    """What may be looked up: the options of the field, after the conversions before the table."""
    field = reads.fields.get(path)
    converts = [bound(step) for step in before]
    if field is None or not field.options or None in converts:
        return None
    found: list[str] = []
    for option in field.options:
        value: object = option
        try:
            for convert in converts:
                value = convert(value) if convert else value
        except Refusal:
            continue  # stops the record by itself
        found.append(str(value))
    return tuple(found)


def _lookups(document: MappingDocument, reads: Names) -> Iterator[_Use]:
    by_marks = {id(flow.rule.marks): flow for flow in flows_of(document.fields)}
    for marks, key, tree in formulas(document):
        flow = by_marks.get(id(marks))
        prefix, inside = (flow.prefix, flow.inside) if flow else ("", False)
        for node in walk(tree):
            if isinstance(node, TableEntry):
                path = _key(node.key, prefix, inside=inside)
                options = _options(reads, path, ())
                excused = node.default is not None
                # in a formula other parts decide whether it gets here at all
                yield _Use(node.table, path, options, marks.at(key, node.offset), excused, tree is not node)


def _key(node: Node, prefix: str, *, inside: bool) -> str:
    found = paths_of(node, prefix, inside=inside) if isinstance(node, Path) else iter(())
    return next((path for _, path in found), "")
