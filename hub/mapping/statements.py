"""Rules as Python statements: the body of the function that a mapping is compiled to."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import takewhile
from typing import Any, NamedTuple, TypeAlias

from hub.mapping.document import Rule
from hub.mapping.expression import Scope, Writer
from hub.mapping.nodes import Node, Path
from hub.mapping.sharing import number_key, number_of, shared_values

Tree: TypeAlias = "dict[str, Rule | Tree]"


def condition(writer: Writer, when: Node) -> str:
    """The body of a function that answers `when` for a record."""
    scope = Scope("record")
    code = writer.condition(when, scope)
    return "".join(f"    {line}\n" for line in [*scope.head, f"return {code}"])


def tree_of(fields: Mapping[str, Rule]) -> Tree:
    """Dotted targets as nested objects."""
    tree: Tree = {}
    for target, rule in fields.items():
        *owners, last = target.split(".")
        branch = tree
        for owner in owners:
            deeper = branch.setdefault(owner, {})
            assert isinstance(deeper, dict)  # loading refuses a target that is part of another
            branch = deeper
        branch[last] = rule
    return tree


def _certain(part: Rule | Tree) -> bool:
    return any(map(_certain, part.values())) if isinstance(part, dict) else part.certain


class _Trail(NamedTuple):
    """The target path while code is generated: a template, and the variables that fill its positions."""

    text: str = ""
    indexes: tuple[str, ...] = ()

    def to(self, key: str) -> _Trail:
        name = key.replace("%", "%%")
        return _Trail(f"{self.text}.{name}" if self.text else name, self.indexes)

    def item(self, index: str) -> _Trail:
        return _Trail(f"{self.text}[%d]", (*self.indexes, index))


class _Line(NamedTuple):
    depth: int
    text: str
    scope: Scope | None = None  # the prefixes of this scope go here


class Body:
    """The statements of one translate function."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.lines: list[_Line] = []

    def function(self, fields: Mapping[str, Rule]) -> str:
        scope = Scope("record")
        self.lines.append(_Line(1, "", scope))
        self.share(fields, scope, 1)
        self.put(1, f"return {self.object(tree_of(fields), scope, 1, _Trail())}")
        return "".join(
            f"{'    ' * line.depth}{text}\n"
            for line in self.lines
            for text in (line.scope.head if line.scope else [line.text])
        )

    def put(self, depth: int, text: str) -> None:
        self.lines.append(_Line(depth, text))

    def share(self, fields: Mapping[str, Rule], scope: Scope, depth: int) -> None:
        """Quick only: work out first, and once, what several of these fields need."""
        for key, node in [] if self.writer.careful else shared_values(fields.values()):
            if isinstance(node, Path):
                code = self.writer.number_at(node, scope)
            else:
                code = self.writer.formula(node, scope)
            held = self.writer.fresh("n")
            self.put(depth, f"{held} = {code}")
            scope.shared[key] = held

    def mark(self, depth: int, trail: _Trail) -> None:
        """Careful only: note which field is at work."""
        if self.writer.careful:
            self.put(depth, f"mark({', '.join([repr(trail.text), *trail.indexes])})")

    def object(self, tree: Tree, scope: Scope, depth: int, trail: _Trail) -> str:
        """An expression for the object; a plain literal where every field is certain to be there."""
        sure = list(takewhile(lambda key: _certain(tree[key]), tree))
        values = [f"{key!r}: {self.value(tree[key], scope, depth, trail.to(key))}" for key in sure]
        literal = "{" + ", ".join(values) + "}"
        if len(sure) == len(tree):
            return literal
        held = self.writer.fresh("o")
        self.put(depth, f"{held} = {literal}")
        for key in list(tree)[len(sure) :]:
            self.assign(f"{held}[{key!r}]", tree[key], scope, depth, trail.to(key))
        return held

    def assign(self, target: str, part: Rule | Tree, scope: Scope, depth: int, trail: _Trail) -> None:
        """Statements that set the target, or leave it out."""
        if isinstance(part, dict):
            self.group(target, part, scope, depth, trail)
            return
        if part.when is not None and part.each is None:
            self.mark(depth, trail)
            self.put(depth, f"if {self.writer.condition(part.when, scope)}:")
            depth += 1
        if part.fields and part.each is None:
            self.group(target, tree_of(part.fields), scope, depth, trail)
        elif part.optional and not part.has_default:
            self.optional(target, part, scope, depth, trail)
        else:
            self.put(depth, f"{target} = {self.value(part, scope, depth, trail)}")

    def group(self, target: str, tree: Tree, scope: Scope, depth: int, trail: _Trail) -> None:
        code = self.object(tree, scope, depth, trail)
        if code.startswith("{"):
            self.put(depth, f"{target} = {code}")
            return
        self.put(depth, f"if {code}:")
        self.put(depth + 1, f"{target} = {code}")

    def optional(self, target: str, rule: Rule, scope: Scope, depth: int, trail: _Trail) -> None:
        if shared := self.shared(rule, scope):
            self.put(depth, f"if {shared} is not None:")
            self.put(depth + 1, f"{target} = {self.writer.converted(rule.via[1:], shared)}")
            return
        held = self.writer.fresh("v")
        self.mark(depth, trail)
        self.put(depth, f"{held} = {self.raw(rule, scope)}")
        self.put(depth, f"if {held} is not None and {held} != '':")
        if rule.each is not None:
            self.put(depth + 1, f"{target} = {self.list(rule, held, scope, depth + 1, trail)}")
        else:
            plain = f"{held} if {held}.__class__ is str else given({held})"
            code = self.writer.converted(rule.via, held) if rule.via else plain
            self.put(depth + 1, f"{target} = {code}")

    def value(self, part: Rule | Tree, scope: Scope, depth: int, trail: _Trail) -> str:
        """An expression for what is certain to be there; statements it needs go before."""
        if isinstance(part, dict):
            return self.object(part, scope, depth, trail)
        if part.fields and part.each is None:
            return self.object(tree_of(part.fields), scope, depth, trail)
        if part.each is not None:
            self.mark(depth, trail)
            return self.list(part, self.raw(part, scope), scope, depth, trail)
        if not self.writer.careful:
            return self.quick(part, scope)
        self.mark(depth, trail)
        held = self.writer.fresh("v")
        self.put(depth, f"{held} = {self.checked(part, scope)}")
        return held

    def raw(self, rule: Rule, scope: Scope) -> str:
        if rule.each is not None:
            return self.writer.path(rule.each, scope)
        if rule.source is not None:
            return self.writer.path(rule.source, scope)
        if rule.formula is not None:
            return self.writer.formula(rule.formula, scope)
        return self.constant(rule.value)

    def constant(self, value: Any) -> str:
        """A constant of the mapping; lists and objects anew each time, so that nobody can change ours."""
        code = self.writer.constant(value)
        return f"deepcopy({code})" if isinstance(value, dict | list) else code

    def shared(self, rule: Rule, scope: Scope) -> str:
        """The variable with the number a rule begins with, where other fields need it, too."""
        path = number_of(rule)
        return scope.shared.get(number_key(path), "") if path and rule.each is None else ""

    def quick(self, rule: Rule, scope: Scope) -> str:
        """Conversions refuse what is not there themselves, so a required value needs no test of its own."""
        if held := self.shared(rule, scope):
            absent = self.constant(rule.default) if rule.has_default else "given(None)"
            return f"({absent} if {held} is None else {self.writer.converted(rule.via[1:], held)})"
        code = self.raw(rule, scope)
        if rule.has_default:
            held = self.writer.fresh("t")
            test = f"({held} := {code}) is None or {held} == ''"
            return f"({self.constant(rule.default)} if {test} else {self.converted(rule, held)})"
        if rule.via or rule.has_value:
            return self.converted(rule, code)
        if rule.formula is not None and self.writer.sure(rule.formula, scope):
            return code
        if rule.formula is not None and rule.formula.kind in ("text", "date"):
            return f"({code} or given(None))"
        held = self.writer.fresh("t")
        return f"({held} if ({held} := {code}).__class__ is str and {held} else given({held}))"

    def checked(self, rule: Rule, scope: Scope) -> str:
        code = self.raw(rule, scope)
        if rule.has_default:
            held = self.writer.fresh("t")
            test = f"({held} := {code}) is None or {held} == ''"
            return f"({self.constant(rule.default)} if {test} else {self.converted(rule, held)})"
        return self.made(rule, code)

    def made(self, rule: Rule, code: str) -> str:
        """A required value from its raw one, or a refusal that says where it should have come from."""
        if rule.has_value and (rule.value is None or not rule.via):
            return code
        told = rule.source.text if rule.source else rule.formula.text if rule.formula else "value"
        return self.writer.converted(rule.via, f"given({code}, {told!r})")

    def converted(self, rule: Rule, code: str) -> str:
        if rule.via:
            return self.writer.converted(rule.via, code)
        return code if rule.has_value else f"given({code})"

    def list(self, rule: Rule, code: str, scope: Scope, depth: int, trail: _Trail) -> str:
        """A loop over the items; returns the variable that holds the list."""
        held, found = self.writer.fresh("l"), self.writer.fresh("r")
        index, item = self.writer.fresh("i"), self.writer.fresh("x")
        inner = Scope(item, index, scope.root)
        told = rule.each.text if rule.each else ""
        self.put(depth, f"{held} = items({self.writer.converted(rule.via, code)}, {told!r})")
        self.put(depth, f"{found} = []")
        self.put(depth, f"for {index}, {item} in enumerate({held}, 1):")
        self.lines.append(_Line(depth + 1, "", inner))
        within = trail.item(f"{index} - 1")
        if rule.when is not None:
            self.mark(depth + 1, within)
            self.put(depth + 1, f"if not {self.writer.condition(rule.when, inner)}:")
            self.put(depth + 2, "continue")
        self.share(rule.fields, inner, depth + 1)
        self.put(depth + 1, f"{found}.append({self.object(tree_of(rule.fields), inner, depth + 1, within)})")
        return found
