"""Does what a rule gives fit its target: the type of a value, and the closed list it must be from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from hub.connector import Field
from hub.mapping.constants import constants_of
from hub.mapping.document import MappingDocument, Rule
from hub.mapping.finding import Finding, nearest

_BY_CONVERSION = {
    **dict.fromkeys(("text", "currency", "country", "unit", "lower", "upper", "trim", "xref"), "text"),
    "money": "object",
    **{name: name for name in ("decimal", "integer", "bool", "date", "datetime", "list")},
}
_BY_KIND = {"number": "decimal", "text": "text", "bool": "bool", "date": "date", "list": "list"}
_BY_CLASS: Mapping[type, str] = {bool: "bool", int: "integer", Decimal: "decimal", str: "text", list: "list"}
# What a canonical field takes: the model reads numbers and dates from text, but makes none of them text.
_TAKES: Mapping[str, frozenset[str]] = {
    "text": frozenset({"text"}),
    "decimal": frozenset({"decimal", "integer", "text"}),
    "integer": frozenset({"integer", "decimal", "text"}),
    "bool": frozenset({"bool"}),
    "date": frozenset({"date", "text"}),
    "datetime": frozenset({"datetime", "text"}),
    "list": frozenset({"list"}),
    "object": frozenset({"object"}),
}
_REMEDIES = {"text": "TEXT()", "decimal": "DECIMAL()", "integer": "INT()", "date": "DATE()", "list": "LIST()"}
_WANTED = {"object": "use via: money(EUR), or give its fields:"}


def misfits(document: MappingDocument, path: str, rule: Rule, field: Field) -> Iterator[Finding]:
    """What is wrong with the values this rule gives this field."""
    yield from _options(document, path, rule, field)
    given = _type(rule)
    if document.direction == "in" and given and given not in _TAKES.get(field.type, {given}):
        wrap = _REMEDIES.get(field.type, "")
        remedy = (
            f"wrap it in {wrap}"
            if rule.formula is not None and wrap
            else _WANTED.get(field.type, f"it needs {field.type}")
        )
        told = f"'{path}' of {document.target} is {field.type}, this rule gives {given}"
        yield Finding(document.name, *rule.marks.at(_key(rule)), told, remedy)


def _key(rule: Rule) -> str:
    return next((key for key in ("via", "formula", "value") if key in rule.marks.keys), "from")


def _type(rule: Rule) -> str:
    """The type a rule surely gives, empty where it depends on the record."""
    if rule.via:
        return _BY_CONVERSION.get(rule.via[-1].name, "")
    if rule.formula is not None:
        return _BY_KIND.get(rule.formula.kind, "")
    return _BY_CLASS.get(type(rule.value), "") if rule.has_value else ""


def _options(document: MappingDocument, path: str, rule: Rule, field: Field) -> Iterator[Finding]:
    if not field.options:
        return
    for key, value, _ in constants_of(document, rule):
        if isinstance(value, str) and value and value not in field.options:
            told = f"'{value}' is not a value of '{path}'"
            yield Finding(document.name, *rule.marks.at(key), told, nearest(value, field.options))
