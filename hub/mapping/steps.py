"""Every rule of a mapping as small functions of its own, so that each field can be worked out by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from types import CodeType
from typing import Any, NamedTuple

from hub.mapping.compile import Translator
from hub.mapping.conversions import Table
from hub.mapping.document import MappingDocument, Rule
from hub.mapping.expression import Scope, Writer
from hub.mapping.statements import Body
from hub.mapping.values import text

_ARGUMENTS = "record, item, index, value, lookup"
PLANS = 32  # mappings whose functions are kept


class Entry(NamedTuple):
    """A table entry or cross-reference that was looked up: `table` or `xref`, its name, key and answer."""

    kind: str
    name: str
    key: str
    value: Any


class Lookup:
    """A lookup, or none, that writes down what it was asked."""

    def __init__(self, answers: Any, seen: list[Entry]) -> None:
        self.answers = answers
        self.seen = seen

    def xref(self, kind: str, value: str) -> str:
        answer: str = self.answers.xref(kind, value)
        self.seen.append(Entry("xref", kind, value, answer))
        return answer


class _Watched(Table):
    """A table that writes down which entries are used."""

    def __init__(self, table: Table, seen: list[Entry]) -> None:
        super().__init__(table.name, table)
        self.seen = seen

    def find(self, key: Any) -> Any:
        entry = super().find(key)
        self.seen.append(Entry("table", self.name, text(key), entry))
        return entry


class Plan(NamedTuple):
    """The functions of one mapping, ready to be run again and again."""

    code: CodeType
    names: Mapping[str, Any]
    numbers: Mapping[int, int]  # of the rule's object

    def steps(self, lookup: Any) -> Steps:
        """The functions for one translation, with a memory of what is looked up."""
        seen: list[Entry] = []
        tables = {n: _Watched(t, seen) for n, t in self.names.items() if isinstance(t, Table)}
        names = {**self.names, **tables, "__builtins__": {}}
        exec(self.code, names)  # noqa: S102 - only our own templates and constants, as in compile.py
        return Steps(names, self.numbers, Lookup(lookup, seen))


class Steps(NamedTuple):
    """What a rule does, step by step: is it asked for, its raw value, and what is made of that."""

    names: Mapping[str, Callable[..., Any]]
    numbers: Mapping[int, int]
    lookup: Lookup

    def run(self, step: str, rule: Rule, at: tuple[Any, Any, int, Any]) -> Any:
        """A step of a rule `at` record, item, its place and raw value; raises what a translation would."""
        return self.names[f"{step}_{self.numbers[id(rule)]}"](*at, self.lookup)

    def applies(self, record: Any) -> bool:
        """Is the record for us?"""
        return "applies" not in self.names or bool(
            self.names["applies"](record, record, 0, None, self.lookup)
        )

    def seen(self) -> tuple[Entry, ...]:
        """What was looked up since this was last asked."""
        found = tuple(self.lookup.seen)
        self.lookup.seen.clear()
        return found


@lru_cache(PLANS)
def plan_of(translator: Translator) -> Plan:
    """The functions of a translator's mapping; kept, because people look at one record after the other."""
    document = translator.document
    writer = Writer({name: Table(name, told) for name, told in document.tables.items()}, careful=True)
    numbered = list(_numbered(document))
    source = "".join(_functions(Body(writer), number, rule, scope) for number, rule, scope in numbered)
    if document.when is not None:
        source += _function("applies", writer.condition(document.when, Scope("record")))
    code = compile(source, f"<{document.name or document.mapping}>", "exec")
    return Plan(code, writer.names, {id(rule): number for number, rule, _ in numbered})


def _numbered(document: MappingDocument) -> Iterator[tuple[int, Rule, Scope]]:
    top = Scope("record")
    items = Scope("item", "index", top)
    within: dict[tuple[str, ...], Scope] = {(): top}
    for number, (path, rule) in enumerate(document.rules()):
        within[path] = items if rule.each is not None else within[path[:-1]]
        yield number, rule, within[path[:-1]]


def _functions(body: Body, number: int, rule: Rule, scope: Scope) -> str:
    parts = {"raw": body.raw(rule, scope), "made": _made(body, rule)}
    if rule.when is not None:
        inside = Scope("item", "index", Scope("record")) if rule.each is not None else scope
        parts["when"] = body.writer.condition(rule.when, inside)
    return "".join(_function(f"{step}_{number}", code) for step, code in parts.items())


def _made(body: Body, rule: Rule) -> str:
    if rule.each is not None:
        return f"items({body.writer.converted(rule.via, 'value')}, {rule.each.text!r})"
    sparing = rule.optional or rule.has_default
    return body.converted(rule, "value") if sparing else body.made(rule, "value")


def _function(name: str, code: str) -> str:
    return f"def {name}({_ARGUMENTS}): return {code}\n"
