"""Loading a mapping file: every fault of its text at once, each with file, line and column."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from hub.errors import MappingInvalid
from hub.mapping.document import MAPPING_KEYS, RULE_KEYS, MappingDocument, Marks, Rule
from hub.mapping.finding import Finding, GrammarError, Place, nearest
from hub.mapping.nodes import Node, TableEntry, walk
from hub.mapping.reading import Location, Sheet

_FILE = re.compile(r"(?:.*[/\\])?(\w+)\.(in|out)\.ya?ml").fullmatch
_REMEDIES = {
    "mapping": "begin with for example mapping: hubspot.deal -> order",
    "version": "write a whole number such as 2",
    "fields": "add fields: with a rule for each field of the target",
    "optional": "write optional: true",
    "owns": "write for example owns: [number, lines]",
    "tables": "write for example tables: { terms: { Net 30: NET30 } }",
}
_FAULTS = {
    "missing": "is missing",
    "int_type": "must be a whole number",
    "greater_than_equal": "must be at least 1",
    "bool_type": "must be true or false",
    "string_type": "must be text",
    "dict_type": "must be an object",
    "tuple_type": "must be a list",
    "too_short": "must not be empty",
}


def load(path: FilePath) -> MappingDocument:
    """Read a mapping file. Raises MappingInvalid with every fault found, each as file:line:column."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = f"cannot be read: {error.strerror}" if isinstance(error, OSError) else "is not UTF-8 text"
        raise MappingInvalid([Finding(str(path), 1, 1, f"the file {reason}")]) from None
    return loads(text, name=str(path))


def loads(text: str, *, name: str = "") -> MappingDocument:
    """Read the text of a mapping; `name` is what messages call it. Raises MappingInvalid."""
    sheet = Sheet(text, name)
    document = _document(sheet) if not sheet.findings else None
    if document is not None:
        _check_whole(document, sheet)
    if document is None or sheet.findings:
        raise MappingInvalid(sorted(sheet.findings, key=lambda finding: (finding.line, finding.column)))
    return document


def _document(sheet: Sheet) -> MappingDocument | None:
    content = sheet.content
    if not isinstance(content, dict):
        sheet.find((), "the file is not a mapping", "begin with mapping: <source> -> <target>")
        return None
    _check_keys(sheet, (), content, MAPPING_KEYS)
    marked = {key: content[key] for key in content if key in MAPPING_KEYS}
    if "fields" in content:
        marked["fields"] = _marked(sheet, ("fields",), content["fields"])
    try:
        return MappingDocument.model_validate({**marked, "name": sheet.name, "marks": _marks(sheet, ())})
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            _note(sheet, fault)
        return None


def _check_keys(sheet: Sheet, at: Location, content: Mapping[str, Any], known: frozenset[str]) -> None:
    for key in content:
        if key not in known:
            sheet.find((*at, key, ""), f"unknown key '{key}'", nearest(key, known))


def _marked(sheet: Sheet, at: Location, fields: Any) -> Any:
    """The rules with their places added, so that the model can keep them."""
    if not isinstance(fields, dict):
        return fields
    rules: dict[str, Any] = {}
    for target, rule in fields.items():
        where = (*at, target)
        if not isinstance(rule, dict):
            sheet.find(where, f"the rule of '{target}' is not an object", f"write {target}: {{ from: path }}")
            continue
        _check_keys(sheet, where, rule, RULE_KEYS)
        rules[target] = {key: rule[key] for key in rule if key in RULE_KEYS} | {"marks": _marks(sheet, where)}
        if "fields" in rule:
            rules[target]["fields"] = _marked(sheet, (*where, "fields"), rule["fields"])
    return rules


def _marks(sheet: Sheet, at: Location) -> Marks:
    places = {key: sheet.places[*at, key] for key in RULE_KEYS | MAPPING_KEYS if (*at, key) in sheet.places}
    if not at:
        tables = [where for where in sheet.places if where[:1] == ("tables",) and len(where) == 3]
        for position, name in enumerate(_texts(sheet.content.get("owns"))):
            places[f"owns.{name}"] = sheet.at(("owns", position))
        places |= {f"tables.{where[1]}": sheet.places[where] for where in tables if where[2] == ""}
    return Marks(sheet.at((*at, "") if at else ()), places)


def _texts(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _note(sheet: Sheet, fault: Any) -> None:
    """One error of the model as a finding, in the words of the grammar."""
    location: Location = tuple(part for part in fault["loc"] if part != "[key]")
    if not location:
        location = ("mapping",)
    elif location[-2:-1] == ("fields",):
        location = (*location, "")  # about the rule as a whole
    error = fault.get("ctx", {}).get("error")
    if isinstance(error, GrammarError):
        sheet.find(location, error.message, error.remedy, error.offset)
        return
    key = next(part for part in reversed(location) if part != "")
    told = _FAULTS.get(fault["type"], f"is wrong: {fault['msg']}")
    sheet.find(location, f"'{key}' {told}", _REMEDIES.get(str(key), ""))


def _check_whole(document: MappingDocument, sheet: Sheet) -> None:
    """What no single rule can know: clashing targets, unknown tables, ownership, the file's name."""
    _check_targets(sheet, ("fields",), document.fields)
    for place, name in tables_used(document):
        if name not in document.tables:
            remedy = nearest(name, document.tables) or f"add tables: {name}: with its entries"
            sheet.findings.append(Finding(sheet.name, *place, f"unknown table '{name}'", remedy))
    for position, name in enumerate(document.local):
        if name not in document.tables:
            remedy = nearest(name, document.tables) or f"add tables: {name}: with the entries to begin with"
            sheet.find(("local", position), f"unknown table '{name}'", remedy)
    _check_owns(document, sheet)
    found = _FILE(sheet.name)
    if found and found.groups() != (document.kind, document.direction):
        expected = f"{document.kind}.{document.direction}.yaml"
        sheet.find(("mapping",), "the header does not fit the file's name", f"name the file {expected}")


def _check_targets(sheet: Sheet, at: Location, fields: Mapping[str, Rule]) -> None:
    for target, rule in fields.items():
        dots = [position for position, letter in enumerate(target) if letter == "."]
        owner = next((target[:dot] for dot in dots if target[:dot] in fields), None)
        if owner is not None:
            sheet.find(
                (*at, target, ""), f"'{target}' is part of '{owner}', which has a rule too", "keep one"
            )
        if rule.each is not None and any(step.name != "list" for step in rule.via):
            sheet.find(
                (*at, target, "via"), "each only goes with via: list", "convert the fields of the items"
            )
        _check_targets(sheet, (*at, target, "fields"), rule.fields)


def _check_owns(document: MappingDocument, sheet: Sheet) -> None:
    heads = {target.split(".")[0] for target in document.fields}
    if document.owns and document.direction == "out":
        sheet.find(("owns", ""), "owns is for incoming mappings only", "remove it")
        return
    for position, name in enumerate(document.owns):
        if name not in heads:
            sheet.find(
                ("owns", position), f"owns '{name}', which the mapping does not set", nearest(name, heads)
            )


def formulas(document: MappingDocument) -> list[tuple[Marks, str, Node]]:
    """Every formula of a mapping: the marks it is found under, its key, and its tree."""
    owners: list[tuple[Marks, Any]] = [(document.marks, document)]
    owners += [(rule.marks, rule) for _, rule in document.rules()]
    return [
        (marks, key, tree)
        for marks, owner in owners
        for key in ("when", "formula")
        if (tree := getattr(owner, key, None)) is not None
    ]


def tables_used(document: MappingDocument) -> list[tuple[Place, str]]:
    """Every mention of a table, and where."""
    used = [
        (marks.at(key, node.offset), node.table)
        for marks, key, tree in formulas(document)
        for node in walk(tree)
        if isinstance(node, TableEntry)
    ]
    for _, rule in document.rules():
        used += [(rule.marks.at("via"), step.argument) for step in rule.via if step.name == "table"]
    return used
