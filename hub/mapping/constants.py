"""Do the constants of a mapping fit where they go: values, defaults, entries of tables, texts in formulas."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, NamedTuple

from hub.connector import Field
from hub.mapping.canonical import complaint
from hub.mapping.conversions import boolean, bound, day, decimal, integer, moment
from hub.mapping.document import MappingDocument, Rule
from hub.mapping.fields import Names, targets_of
from hub.mapping.finding import Finding
from hub.mapping.nodes import Choice, Literal, Logic, Node, TableEntry
from hub.mapping.values import Refusal, shown, text

# A default is not converted; these give one spelling of many, so that another spelling would slip through.
_SPELLING = frozenset({"currency", "country", "unit", "bool"})
_CHECKED = frozenset({*_SPELLING, "decimal", "integer", "date", "datetime"})
_EXAMPLES = {
    "currency": "EUR",
    "country": "DE",
    "unit": "C62",
    "bool": "true",
    "decimal": "12.50",
    "integer": "12",
    "date": "2026-01-31",
    "datetime": "2026-01-31T09:30:00Z",
}
_CALLED = {
    "decimal": "a number",
    "integer": "a whole number",
    "bool": "true or false",
    "date": "a date such as 2026-01-31",
    "datetime": "a date with a time such as 2026-01-31T09:30:00Z",
}
_BETTER = {"longer than": "shorten it", "currency code": "use a code such as EUR", "must be": "correct it"}
_READERS = {"decimal": decimal, "integer": integer, "bool": boolean, "date": day, "datetime": moment}


class Constant(NamedTuple):
    """A constant that may end up in a field."""

    key: str  # of the rule that gives it
    value: Any
    offset: int = 0  # characters into the formula


def constants_of(document: MappingDocument, rule: Rule) -> Iterator[Constant]:
    """Every constant that may end up in the field as it is written."""
    if rule.has_default:
        yield Constant("default", rule.default)
    if rule.via and rule.via[-1].name == "table":
        entries = document.tables.get(rule.via[-1].argument, {})
        yield from (Constant("via", value) for value in entries.values())
    elif not rule.via:
        if rule.has_value:
            yield Constant("value", rule.value)
        if rule.formula is not None:
            yield from _literals(document, rule.formula)


def _literals(document: MappingDocument, node: Node) -> Iterator[Constant]:
    match node:
        case Literal(value=value):
            yield Constant("formula", value, node.offset)
        case Choice(yes=yes, no=no):
            yield from _literals(document, yes)
            yield from _literals(document, no)
        case Logic(operator="COALESCE", operands=parts):
            for part in parts:
                yield from _literals(document, part)
        case TableEntry(table=table, default=default):
            entries = document.tables.get(table, {})
            yield from (Constant("formula", value, node.offset) for value in entries.values())
            if default is not None:
                yield from _literals(document, default)


def check_constants(document: MappingDocument, _reads: Names, fills: Names) -> Iterator[Finding]:
    """Constants that the conversion beside them, or the field they go to, would refuse."""
    for path, rule in targets_of(document.fields, ""):
        if rule.fields:
            continue
        beside = list(_beside_conversion(document, rule))
        yield from beside
        field = fills.fields.get(path)
        if field is not None and not beside:
            yield from _unfit(document, path, rule, field)


def _unfit(document: MappingDocument, path: str, rule: Rule, field: Field) -> Iterator[Finding]:
    for constant in constants_of(document, rule):
        if told := _refused(document, path, field, constant):
            place = rule.marks.at(constant.key, constant.offset)
            remedy = next((remedy for word, remedy in _BETTER.items() if word in told), "")
            remedy = remedy or f"'{path}' of {document.target} is {field.type}"
            yield Finding(document.name, *place, f"{shown(constant.value)} {told}", remedy)


def _refused(document: MappingDocument, path: str, field: Field, constant: Constant) -> str:
    value = constant.value
    if document.direction == "in":
        # the type of a plain value, and what closed lists hold, are told by fitting.py
        told = complaint(document.kind, path, value)
        return "" if constant.key == "value" and "put it in quotes" in told else told
    if value is None or value == "":
        return ""  # clears the field
    if field.max_length and isinstance(value, str) and len(value) > field.max_length:
        return f"is longer than {field.max_length} characters"
    return _unread(field.type, value)


def _unread(kind: str, value: Any) -> str:
    """Is this no value of a type, however a vendor may write it?"""
    if kind not in _READERS or isinstance(value, dict | list):
        return ""
    try:
        _READERS[kind](value)
    except Refusal:
        return f"is not {_CALLED[kind]}"
    return ""


def _beside_conversion(document: MappingDocument, rule: Rule) -> Iterator[Finding]:
    """A value is converted here, to see whether it can be; a default never is, so it must fit as it is."""
    if rule.has_value and rule.via:
        yield from _converted(document, rule)
    last = rule.via[-1] if rule.via else None
    if not rule.has_default or last is None or last.name not in _CHECKED or rule.default in (None, ""):
        return
    place = rule.marks.at("default")
    convert = bound(last)
    try:
        found = convert(rule.default) if convert else rule.default
    except Refusal as refusal:
        told = f"the default does not fit: {refusal.reason}"
        yield Finding(document.name, *place, told, f"write for example {_EXAMPLES[last.name]}")
        return
    if last.name in _SPELLING and found != rule.default:
        told = f"the default {shown(rule.default)} is used as it is, not converted"
        yield Finding(document.name, *place, told, f"write {_written(found)}")


def _written(value: Any) -> str:
    return value.isoformat() if isinstance(value, date | datetime) else text(value)


def _converted(document: MappingDocument, rule: Rule) -> Iterator[Finding]:
    value = rule.value
    try:
        for step in rule.via:
            if step.name == "xref":
                return
            if step.name != "table":
                convert = bound(step)
                value = convert(value) if convert else value
                continue
            entries = document.tables.get(step.argument, {})
            if text(value) not in entries:
                raise Refusal(f"{shown(value)} is not in table '{step.argument}'")
            value = entries[text(value)]
    except Refusal as refusal:
        place = rule.marks.at("value")
        yield Finding(document.name, *place, f"the value does not fit: {refusal.reason}")
