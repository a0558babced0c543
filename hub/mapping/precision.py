"""Does a mapping lose something on the way: decimals, the time of day, the end of a text, part of a list."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from hub.connector import Field
from hub.mapping.document import MappingDocument, Rule
from hub.mapping.fields import Flow, Names, flows_of
from hub.mapping.finding import Finding
from hub.mapping.nodes import Arithmetic, Call, Literal, Node, Path
from hub.model.currency import EXPONENTS

_PLACES_MOST = max(EXPONENTS.values())  # decimals of the currency that has most
_CUTS = frozenset({"LEFT", "RIGHT"})
_DAYS = frozenset({"date", "datetime"})
_COUNTS = frozenset({"decimal", "integer", "bool"})
_SINGLE = frozenset({"text", "decimal", "integer", "bool", "date", "datetime"})


def check_precision(document: MappingDocument, reads: Names, fills: Names) -> Iterator[Finding]:
    """Values that cannot arrive as they were."""
    rules = {flow.target: flow.rule for flow in flows_of(document.fields)}
    for flow in flows_of(document.fields):
        target, source = fills.fields.get(flow.target), reads.fields.get(flow.source)
        yield from _money(document, flow, rules, fills)
        if target is None:
            continue
        yield from _decimals(document, flow, source, target)
        yield from _cut(document, flow, target)
        yield from _days(document, flow, source, target)
        yield from _listed(document, flow, source, target)


def _finding(document: MappingDocument, rule: Rule, told: str, remedy: str) -> Finding:
    key = next((key for key in ("via", "formula", "value", "from") if key in rule.marks.keys), "from")
    return Finding(document.name, *rule.marks.at(key), told, remedy)


def _decimals(
    document: MappingDocument, flow: Flow, source: Field | None, target: Field
) -> Iterator[Finding]:
    """Numbers with decimals for a field of whole numbers."""
    rule = flow.rule
    if target.type != "integer":
        return
    told = ""
    if rule.via and rule.via[-1].name == "decimal":
        told = "decimal lets decimals pass"
    elif rule.formula is not None and not rule.via and _may_have_decimals(rule.formula):
        told = f"'{rule.formula.text}' may have decimals"
    elif source is not None and source.type == "decimal" and not rule.via:
        told = f"'{flow.source}' may have decimals"
    if told:
        told += f", and '{flow.target}' of {document.target} holds whole numbers only"
        yield _finding(document, rule, told, "use ROUND(...), or via: integer to stop where there are any")


def _may_have_decimals(node: Node) -> bool:
    """Surely not only whole numbers; a sum or product of fields may well be whole."""
    match node:
        case Call(function=function):
            return function.name == "DECIMAL" or (_places(node) or 0) > 0
        case Arithmetic(operator="/"):
            return True
        case _:
            return False


def _places(node: Node) -> int | None:
    """The decimals a formula rounds to, None where it does not."""
    match node:
        case Call(function=function, arguments=(_, Literal(value=Decimal() as places))) if (
            function.name == "ROUND"
        ):
            return int(places)
    return None


def _money(document: MappingDocument, flow: Flow, rules: dict[str, Rule], fills: Names) -> Iterator[Finding]:
    """Amounts rounded to, or written with, decimals that their currency does not have."""
    owner, _, last = flow.target.rpartition(".")
    if last != "amount" or f"{owner}.currency" not in fills.fields:
        return
    beside = rules.get(f"{owner}.currency")
    code = beside.value if beside and beside.has_value and beside.value in EXPONENTS else ""
    most, whose = (EXPONENTS[code], code) if code else (_PLACES_MOST, "any currency")
    rule = flow.rule
    places = _places(rule.formula) if rule.formula is not None else None
    if isinstance(rule.value, Decimal) and not rule.via:
        exponent = rule.value.normalize().as_tuple().exponent
        places = max(0, -exponent) if isinstance(exponent, int) else None
    if places is not None and places > most:
        told = f"'{flow.target}' is given {places} decimals, {whose} has {most} at most"
        remedy = f"round it with ROUND_MONEY(..., {chr(34) + code + chr(34) if code else 'currency'})"
        yield _finding(document, rule, told, remedy)


def _cut(document: MappingDocument, flow: Flow, target: Field) -> Iterator[Finding]:
    """Text cut to more than there is room for."""
    match flow.rule.formula:
        case Call(function=function, arguments=(_, Literal(value=Decimal() as count))):
            if function.name in _CUTS and target.max_length and count > target.max_length:
                told = (
                    f"'{flow.target}' of {document.target} holds {target.max_length} characters, not {count}"
                )
                remedy = f"write {function.name}(..., {target.max_length})"
                yield _finding(document, flow.rule, told, remedy)


def _days(document: MappingDocument, flow: Flow, source: Field | None, target: Field) -> Iterator[Finding]:
    """A point in time that becomes a day, which depends on where the day is seen."""
    rule = flow.rule
    if target.type != "date" or source is None or source.type != "datetime":
        return
    bare = not rule.via or (rule.via[-1].name == "date" and not rule.via[-1].argument)
    if bare:
        told = f"'{flow.source}' is a date with time, '{flow.target}' of {document.target} a day"
        remedy = "say in which time zone the day is seen: via: date(Europe/Berlin), or date(UTC)"
        yield _finding(document, rule, told, remedy)


def _listed(document: MappingDocument, flow: Flow, source: Field | None, target: Field) -> Iterator[Finding]:
    """A list, an object or an unlike type where the target holds a single value."""
    rule = flow.rule
    given = "list" if _gathers(rule) else source.type if source is not None else ""
    if rule.via or rule.each is not None or not given or target.type not in _SINGLE:
        return
    told = f"'{flow.source}' is {_article(given)}, '{flow.target}' of {document.target} is {target.type}"
    if given == "list":
        remedy = 'take one with [0] or FIRST(...), or put them together with JOIN(", ", ...)'
        yield _finding(document, rule, told, remedy)
    elif given == "object":
        yield _finding(document, rule, told, "name one of its fields, such as .id")
    elif {given, target.type} & _DAYS and {given, target.type} & _COUNTS:
        yield _finding(document, rule, told, "take another field")


def _gathers(rule: Rule) -> bool:
    read = rule.source or rule.formula
    return isinstance(read, Path) and None in read.steps


def _article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
