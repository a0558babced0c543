"""A mapping as a table for people who read spreadsheets: one row per field, groups where lists are copied."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from hub.mapping import MappingDocument, Rule

ROWS_MAX = 500  # of one mapping on a page
ENTRIES_MAX = 300  # of one table on a page
Sort = Literal["from", "formula", "value", "group"]


class Row(NamedTuple):
    """One field, or the head of a group of them. `text` is the path, formula, constant, or list."""

    target: str
    depth: int
    sort: Sort
    text: Any
    via: Sequence[str]
    default: Any
    has_default: bool
    optional: bool
    condition: str
    line: int


class Table(NamedTuple):
    """A table of a mapping with what it says now."""

    name: str
    entries: Mapping[str, Any]
    local: bool  # its entries belong to this hub and are changed here, not in the text
    line: int


def rows(document: MappingDocument) -> Sequence[Row]:
    """Every rule in the order of the text; a group comes before its fields."""
    return list(_rows(document.fields, 0))[:ROWS_MAX]


def _rows(fields: Mapping[str, Rule], depth: int) -> Iterator[Row]:
    for target, rule in fields.items():
        yield _row(target, rule, depth)
        yield from _rows(rule.fields, depth + 1)


def _row(target: str, rule: Rule, depth: int) -> Row:
    sort, text = _origin(rule)
    return Row(
        target=target, depth=depth, sort=sort, text=text,
        via=[f"{step.name}({step.argument})" if step.argument else step.name for step in rule.via],
        default=rule.default, has_default=rule.has_default, optional=rule.optional,
        condition=rule.when.text if rule.when is not None else "", line=rule.place.line,
    )  # fmt: skip


def _origin(rule: Rule) -> tuple[Sort, Any]:
    if rule.fields:
        return "group", rule.each.text if rule.each is not None else ""
    if rule.formula is not None:
        return "formula", rule.formula.text
    if rule.source is not None:
        return "from", rule.source.text
    return "value", rule.value


def tables(document: MappingDocument) -> Sequence[Table]:
    """Its tables, this hub's own entries included."""
    return [
        Table(name, entries, name in document.local, document.marks.at(f"tables.{name}").line)
        for name, entries in document.tables.items()
    ]


def sides(header: str, connector: str, title: str) -> str:
    """`hubspot.deal -> order` in words: HubSpot deal → order. `title` is what the connector is called."""

    def words(side: str) -> str:
        vendor, dot, thing = side.partition(".")
        if not dot:
            return side
        return f"{title if vendor == connector else vendor} {thing}"

    return " → ".join(words(side) for side in header.split(" -> "))
