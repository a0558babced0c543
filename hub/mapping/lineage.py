"""Lineage: for every field of a translation, where it came from; for every field that failed, why.

Made for people who look at one record. It works field by field, so that a broken mapping still shows what
does work; what it gives is what Translator.apply() gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from decimal import localcontext
from typing import Any, Literal, NamedTuple

from hub.errors import NotYet
from hub.mapping.compile import CONTEXT, FAILURES, Lookup, Translator, explained
from hub.mapping.document import MappingDocument, Rule
from hub.mapping.nodes import Node, Path, Step, walk
from hub.mapping.runtime import dig
from hub.mapping.statements import Tree, tree_of
from hub.mapping.steps import Entry, Steps, plan_of
from hub.mapping.values import Refusal

Kind = Literal["from", "formula", "value", "default"]

_ABSENT: Any = object()


class Input(NamedTuple):
    """A value of the record that a rule reads: `line_items[2].properties.price`, and what stands there."""

    path: str
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A rule as a person finds it in the mapping file, and what it read."""

    rule: Kind
    inputs: tuple[Input, ...]
    formula: str  # empty for the other kinds
    via: tuple[str, ...]  # the conversions, as written
    condition: str  # the rule's `when`, empty without
    file: str
    line: int
    mapping: str  # "hubspot.deal -> order v3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin(Written):
    """Where one field of the result comes from.

    `target` has the positions of the result, from 0. A list or item without any field is its own field.
    """

    target: str
    value: Any
    used: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed(Written):
    """A field without a result, named as Unmappable names it: positions are those of the record's list."""

    field: str
    reason: str
    value: object  # what was refused
    waits: bool  # a document it refers to is not there yet; nothing is wrong


class Skipped(NamedTuple):
    """A field that is rightly not there. An item left out is `lines[]`; its inputs say which one it was."""

    target: str
    reason: Literal["no value", "condition not met"]
    inputs: tuple[Input, ...]
    line: int


class Trace(NamedTuple):
    """One translation, explained. Without `failed`, `fields` is what Translator.apply() gives."""

    applies: bool  # False: the mapping's `when` says the record is not for us, or cannot be answered
    fields: dict[str, Any]
    origins: tuple[Origin, ...]
    skipped: tuple[Skipped, ...]
    failed: tuple[Failed, ...]


def trace(translator: Translator, record: Mapping[str, Any], lookup: Lookup) -> Trace:
    """Translate a record and say of every field where it came from; fields that fail are listed."""
    return _Tracer(translator, record, lookup).run()


def failures(translator: Translator, record: Mapping[str, Any], lookup: Lookup) -> tuple[Failed, ...]:
    """Every field that fails, in the order of the mapping; apply() raises the first of them."""
    return trace(translator, record, lookup).failed


class _At(NamedTuple):
    """Where the work is: in the result, in messages, and in the record."""

    item: Any
    target: str = ""
    field: str = ""
    source: str = ""  # the path of the item of an `each`
    place: int = 0  # of the item, from 1; 0 outside of every `each`

    def to(self, key: str) -> _At:
        return self._replace(target=_joined(self.target, key), field=_joined(self.field, key))


class _Tracer:
    """One translation at work."""

    def __init__(self, translator: Translator, record: Mapping[str, Any], lookup: Lookup) -> None:
        self.document: MappingDocument = translator.document
        self.steps: Steps = plan_of(translator).steps(lookup)
        self.record = record
        self.origins: list[Origin] = []
        self.skipped: list[Skipped] = []
        self.failed: list[Failed] = []

    def run(self) -> Trace:
        with localcontext(CONTEXT):
            applies = self.applies()
            fields = self.object(tree_of(self.document.fields), _At(self.record))
        return Trace(applies, fields, tuple(self.origins), tuple(self.skipped), tuple(self.failed))

    def applies(self) -> bool:
        try:
            return self.steps.applies(self.record)
        except (*FAILURES, NotYet) as error:
            reason, value = _told(error)
            inputs = tuple(self.inputs([self.document.when], _At(self.record)))
            line = self.document.marks.at("when").line
            written = self.written("formula", inputs, line, condition=_text(self.document.when))
            self.failed.append(Failed(field="when", reason=reason, value=value, waits=False, **written))
            return False

    def object(self, tree: Tree, at: _At) -> dict[str, Any]:
        made = {key: self.part(part, at.to(key)) for key, part in tree.items()}
        return {key: value for key, value in made.items() if value is not _ABSENT}

    def part(self, part: Rule | Tree, at: _At) -> Any:
        if isinstance(part, dict):
            return self.object(part, at) or _ABSENT
        self.steps.seen()
        try:
            if part.each is None and part.when is not None and not self.step("when", part, at):
                return self.skip(part, at, "condition not met")
            if part.fields and part.each is None:
                return self.object(tree_of(part.fields), at) or _ABSENT
            return self.value(part, at)
        except (*FAILURES, NotYet) as error:
            return self.fail(part, at, error, self.read(part, at))

    def value(self, rule: Rule, at: _At) -> Any:
        raw = self.step("raw", rule, at)
        blank = raw is None or raw == ""
        if blank and rule.has_default and rule.each is None:
            return self.originate(rule, at, deepcopy(rule.default), "default")
        if blank and rule.optional:
            return self.skip(rule, at, "no value")
        made = self.step("made", rule, at, raw)
        if rule.each is not None:
            return self.items(rule, made, at, bare=not isinstance(raw, list | tuple))
        return self.originate(rule, at, made, _kind(rule))

    def items(self, rule: Rule, items: list[Any], at: _At, *, bare: bool) -> Any:
        """The items that are wanted, each with the fields that work."""
        tree = tree_of(rule.fields)
        found: list[Any] = []
        assert rule.each is not None  # only called for those
        source = self.path(rule.each, at)
        for position, item in enumerate(items):
            inner = _At(
                item,
                f"{at.target}[{len(found)}]",
                f"{at.field}[{position}]",
                source if bare else f"{source}[{position}]",
                position + 1,
            )
            if self.wanted(rule, inner, at):
                found.append(self.object(tree, inner))
                if not found[-1]:
                    self.originate(rule, inner, {}, "from")
        return found or self.originate(rule, at, [], "from")

    def wanted(self, rule: Rule, inner: _At, at: _At) -> bool:
        self.steps.seen()
        try:
            if rule.when is None or self.step("when", rule, inner):
                return True
            self.skip(rule, inner._replace(target=f"{at.target}[]"), "condition not met")
        except (*FAILURES, NotYet) as error:
            self.fail(rule, inner, error, tuple(self.inputs([rule.when], inner)))
        return False

    def step(self, step: str, rule: Rule, at: _At, value: Any = None) -> Any:
        return self.steps.run(step, rule, (self.record, at.item, at.place, value))

    def originate(self, rule: Rule, at: _At, value: Any, kind: Kind) -> Any:
        written = self.written(kind, self.read(rule, at), rule.place.line, rule)
        self.origins.append(Origin(target=at.target, value=value, used=self.steps.seen(), **written))
        return value

    def skip(self, rule: Rule, at: _At, reason: Literal["no value", "condition not met"]) -> Any:
        inputs = self.read(rule, at)
        if reason == "condition not met":
            inputs = tuple(self.inputs([rule.when], at))
        self.skipped.append(Skipped(at.target, reason, inputs, rule.place.line))
        return _ABSENT

    def fail(self, rule: Rule, at: _At, error: Exception, inputs: tuple[Input, ...]) -> Any:
        reason, value = _told(error)
        written = self.written(_kind(rule), inputs, rule.place.line, rule)
        waits = isinstance(error, NotYet)
        self.failed.append(Failed(field=at.field, reason=reason, value=value, waits=waits, **written))
        return _ABSENT

    def written(
        self, kind: Kind, inputs: tuple[Input, ...], line: int, rule: Rule | None = None, condition: str = ""
    ) -> dict[str, Any]:
        """What Origin and Failed share."""
        steps = rule.via if rule else ()
        return {
            "rule": kind,
            "inputs": inputs,
            "formula": _text(rule.formula) if rule else "",
            "via": tuple(f"{step.name}({step.argument})" if step.argument else step.name for step in steps),
            "condition": _text(rule.when) if rule else condition,
            "file": self.document.name,
            "line": line,
            "mapping": self.document.label,
        }

    def read(self, rule: Rule, at: _At) -> tuple[Input, ...]:
        """What a rule reads; the condition of an `each` is about its items and not about the list."""
        condition = rule.when if rule.each is None else None
        return tuple(self.inputs([rule.source, rule.each, rule.formula, condition], at))

    def inputs(self, trees: list[Node | None], at: _At) -> Iterator[Input]:
        """Every path of these, once, with what stands there."""
        told: set[str] = set()
        for node in (node for tree in trees if tree is not None for node in walk(tree)):
            if isinstance(node, Path) and (path := self.path(node, at)) not in told:
                told.add(path)
                yield Input(path, self.found(node, at))

    def found(self, node: Path, at: _At) -> Any:
        if at.place and node.steps == ("index",):
            return at.place
        rooted = node.steps[0] == "root"
        try:
            return dig(
                self.record if rooted else at.item, node.steps[1:] if rooted else node.steps, node.text
            )
        except Refusal:
            return None  # the reason why it cannot be read is the field's own

    def path(self, node: Path, at: _At) -> str:
        """The path from the top of the record, with the positions it has here."""
        if at.place and node.steps == ("index",):
            return "index"
        if node.steps[0] == "root":
            return _spelled("", node.steps[1:]) or "root"
        return _spelled(at.source, node.steps)


def _spelled(prefix: str, steps: tuple[Step, ...]) -> str:
    path = prefix
    for step in steps:
        if isinstance(step, str):
            path = _joined(path, step)
        else:
            path += "[]" if step is None else f"[{step}]"
    return path


def _joined(owner: str, name: str) -> str:
    return f"{owner}.{name}" if owner else name


def _kind(rule: Rule) -> Kind:
    return "value" if rule.has_value else "formula" if rule.formula is not None else "from"


def _text(node: Node | None) -> str:
    return node.text if node is not None else ""


def _told(error: Exception) -> tuple[str, object]:
    return (error.message, None) if isinstance(error, NotYet) else explained(error)
