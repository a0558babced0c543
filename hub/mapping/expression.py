"""Formulas as Python expressions: the source text a translator is generated from.

There are two ways to write the same formula. Quick: native operators wherever the kinds are known. Careful:
every step through a function that can say what went wrong. Both give the same value wherever both give one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from hub.mapping.conversions import CONVERSIONS, Conversion, Table, bound
from hub.mapping.nodes import (
    Arithmetic,
    Call,
    Choice,
    Comparison,
    Literal,
    Logic,
    Negation,
    Negative,
    Node,
    Path,
    Step,
    TableEntry,
)
from hub.mapping.runtime import NAMES
from hub.mapping.sharing import Key, key_of
from hub.mapping.texts import TEXT_MAX
from hub.mapping.values import PLACES_MAX, quantum

_NATIVE = frozenset({"==", "!=", "<", "<=", ">", ">="})
_METHODS = {"UPPER": "upper", "LOWER": "lower", "TRIM": "strip"}
_SHORT = TEXT_MAX // 4  # no letter becomes more than three in capitals


class Scope:
    """Where paths start: the record, or the item of an `each`. Collects the prefixes its paths share."""

    def __init__(self, record: str, index: str = "", root: Scope | None = None) -> None:
        self.record = record
        self.index = index
        self.root = root or self
        self.head: list[str] = []  # statements that fetch shared prefixes, once per record or item
        self.prefixes: dict[tuple[str, ...], str] = {(): record}
        self.shared: dict[Key, str] = {}  # variables with what several fields work out alike

    def owner(self, steps: tuple[str, ...]) -> str:
        """The variable that holds the object at these steps; an empty object where there is none."""
        if steps not in self.prefixes:
            outer = self.owner(steps[:-1])
            name = f"{self.record}_{len(self.prefixes)}"
            self.head.append(f"{name} = {outer}.get({steps[-1]!r}) or EMPTY")
            self.prefixes[steps] = name
        return self.prefixes[steps]


class Writer:
    """Turns nodes into source text and gathers the constants that text names."""

    def __init__(self, tables: dict[str, Table], *, careful: bool) -> None:
        self.careful = careful
        self.tables = tables
        self._numbers = {name: number for number, name in enumerate(tables)}
        self.names: dict[str, Any] = dict(NAMES)
        self._constants: dict[tuple[type, str], str] = {}
        self._count = 0

    def fresh(self, letter: str) -> str:
        """A variable name not used before."""
        self._count += 1
        return f"{letter}{self._count}"

    def constant(self, value: Any) -> str:
        """Source text for a constant: itself, or the name it is handed in under."""
        if value is None or value.__class__ in (bool, int, str):
            return repr(value)
        key = (type(value), repr(value))
        if key not in self._constants:
            self._constants[key] = self.name("k", value)
        return self._constants[key]

    def name(self, letter: str, value: Any) -> str:
        """Hand a value in under a fresh name."""
        name = self.fresh(letter)
        self.names[name] = value
        return name

    def known(self, prefix: str, name: str, value: Any) -> str:
        """Hand in a function or conversion under a name that shows what it is."""
        self.names[f"{prefix}_{name}"] = value
        return f"{prefix}_{name}"

    def path(self, node: Path, scope: Scope) -> str:
        """Read a path; no value where a step is missing."""
        steps: tuple[Step, ...] = node.steps
        if scope.index and steps == ("index",):
            return scope.index
        if steps[0] == "root":
            scope, steps = scope.root, steps[1:]
        if not steps:
            return scope.record
        names = tuple(step for step in steps if isinstance(step, str))
        if self.careful or names != steps:
            return f"dig({scope.record}, {self.constant(steps)}, {node.text!r})"
        return f"{scope.owner(names[:-1])}.get({names[-1]!r})"

    def formula(self, node: Node, scope: Scope) -> str:
        """The expression for a node."""
        if scope.shared and (held := scope.shared.get(key_of(node) or ())):
            return self._held(node, held)
        write: Mapping[type[Node], Callable[[Any, Scope], str]] = {
            Literal: lambda literal, _: self.constant(literal.value),
            Path: self.operand_path,
            Call: self.call,
            TableEntry: self.table_entry,
            Arithmetic: self.arithmetic,
            Negative: lambda minus, inside: f"(-{self.operand(minus.operand, inside)})",
            Comparison: self.comparison,
            Negation: lambda negation, inside: f"(not {self.condition(negation.operand, inside)})",
            Logic: self.logic,
            Choice: self.choice,
        }
        return write[type(node)](node, scope)

    def _held(self, node: Node, held: str) -> str:
        """The variable that holds a node; for DECIMAL, with its default where that is no value."""
        match node:
            case Call(arguments=(_, Literal(value=default))):
                return f"({self.constant(default)} if {held} is None else {held})"
        return held

    def number_at(self, node: Path, scope: Scope) -> str:
        """The number at a path, None where there is no value."""
        return self.decimal(self.path(node, scope), "None")

    def operand_path(self, node: Path, scope: Scope) -> str:
        """A path in a formula, where the position in an `each` is a Decimal like any other number."""
        code = self.path(node, scope)
        return f"Decimal({code})" if code == scope.index else code

    def sure(self, node: Node, scope: Scope) -> bool:
        """Is this a number or a truth value that is surely there?"""
        if isinstance(node, Path):
            return bool(scope.index) and node.steps == ("index",)
        return node.kind in ("number", "bool") and not node.blank

    def choice(self, node: Choice, scope: Scope) -> str:
        yes, no = self.formula(node.yes, scope), self.formula(node.no, scope)
        return f"({yes} if {self.condition(node.test, scope)} else {no})"

    def condition(self, node: Node, scope: Scope) -> str:
        """The node as a condition."""
        code = self.formula(node, scope)
        return code if node.kind == "bool" and not node.blank else f"truth({code})"

    def operand(self, node: Node, scope: Scope) -> str:
        """The node as an operand of arithmetic. Quick: None makes the native operator fail, as it should."""
        if not self.careful and isinstance(node, TableEntry) and self._numeric(node):
            return f"{self.rates(node.table)}[{self.formula(node.key, scope)}]"  # refuses no value, too
        code = self.formula(node, scope)
        if self.careful:
            return f"number({code}, {node.text!r})"
        return code if node.kind == "number" or self.sure(node, scope) else f"number({code})"

    def arithmetic(self, node: Arithmetic, scope: Scope) -> str:
        left, right = self.operand(node.left, scope), self.operand(node.right, scope)
        if self.careful:
            return f"calculate({node.operator!r}, {left}, {right}, {node.text!r})"
        return f"({left} {node.operator} {right})"

    def comparison(self, node: Comparison, scope: Scope) -> str:
        left, right = self.formula(node.left, scope), self.formula(node.right, scope)
        told = (node.left.text, node.right.text)
        if not self.careful and self._native(node):
            return f"({left} {node.operator} {right})"
        return f"compare({node.operator!r}, {left}, {right}, {told[0]!r}, {told[1]!r})"

    def _native(self, node: Comparison) -> bool:
        """Two numbers of which one is surely there: Python compares them as we would, or fails on None."""
        kinds = {node.left.kind, node.right.kind}
        return kinds == {"number"} and node.operator in _NATIVE

    def logic(self, node: Logic, scope: Scope) -> str:
        if node.operator != "COALESCE" and all(
            part.kind == "bool" and not part.blank for part in node.operands
        ):
            return "(" + f" {node.operator} ".join(self.formula(part, scope) for part in node.operands) + ")"
        *firsts, last = node.operands
        chain = ""
        for part in firsts:
            held = self.fresh("t")
            code = self.formula(part, scope)
            test = {
                "COALESCE": f"({held} := {code}) is not None and {held} != ''",
                "or": f"truth({held} := {code})",
                "and": f"not truth({held} := {code})",
            }[node.operator]
            chain += f"{held} if {test} else "
        return f"({chain}{self.formula(last, scope)})"

    def call(self, node: Call, scope: Scope) -> str:
        function = node.function
        if not self.careful and (short := self._inlined(node, scope)):
            return short
        arguments = [self.formula(argument, scope) for argument in node.arguments]
        name = self.known("f", function.name, function.call)
        if self.careful:
            return f"within({', '.join([repr(node.text), name, *arguments])})"
        return f"{name}({', '.join(arguments)})"

    def _inlined(self, node: Call, scope: Scope) -> str:
        """ROUND and DECIMAL are in every line of every order: written out where their arguments allow it."""
        match (node.function.name, node.arguments):
            case ("ROUND", (number, Literal(value=Decimal() as places))):
                if number.kind == "number" and not number.blank and places in range(PLACES_MAX + 1):
                    return f"{self.formula(number, scope)}.quantize({self.constant(quantum(int(places)))})"
            case ("DECIMAL", (value, *default)) if all(isinstance(part, Literal) for part in default):
                absent = self.formula(default[0], scope) if default else "None"
                return self.decimal(self.formula(value, scope), absent)
        return self._text(node, scope)

    def _text(self, node: Call, scope: Scope) -> str:
        """A function of text by Python's own means where what it is given is text, as it nearly always is."""
        held = self.fresh("t")
        match (node.function.name, node.arguments):
            case ("UPPER" | "LOWER" | "TRIM" as name, (value,)):
                quick = f"{held}.{_METHODS[name]}()"
            case ("LEFT", (value, Literal(value=Decimal() as count))) if count == int(count) >= 0:
                quick = f"{held}[:{int(count)}]"
            case ("CONCAT", (Literal(value=str() as start), value)) if len(start) < _SHORT:
                quick = f"{start!r} + {held}"
            case _:
                return ""
        plain = f"({held} := {self.formula(value, scope)}).__class__ is str and len({held}) < {_SHORT}"
        arguments = [held if part is value else self.formula(part, scope) for part in node.arguments]
        function = self.known("f", node.function.name, node.function.call)
        return f"({quick} if {plain} else {function}({', '.join(arguments)}))"

    def decimal(self, code: str, absent: str = "") -> str:
        """The conversion `decimal`, with its most common case written out: it saves a call per number.

        `absent` is what no value becomes; without it the conversion refuses no value, too.
        """
        held = self.fresh("t")
        slow = f"{self.known('c', 'decimal', CONVERSIONS['decimal'].convert)}({held})"
        if absent:
            slow = f"{absent} if {held} is None or {held} == '' else {slow}"
        full = f"{held} and " if absent else ""  # without it, Decimal("") fails and the careful way explains
        plain = f"({held} := {code}).__class__ is str and {full}not {held}.strip('0123456789.')"
        return f"(Decimal({held}) if {plain} else {slow})"

    def table_entry(self, node: TableEntry, scope: Scope) -> str:
        held = self.fresh("t")
        there = f"({held} := {self.formula(node.key, scope)}) is not None and {held} != ''"
        if node.default is None:
            return f"({self.entry(node.table, held)} if {there} else None)"
        known = f"{self.table(node.table)}.knows({held})"
        default = self.formula(node.default, scope)
        return f"({self.entry(node.table, held)} if {there} and {known} else {default})"

    def table(self, name: str) -> str:
        """The name a table is handed in under; its own may be no Python name."""
        return self.known("table", str(self._numbers[name]), self.tables[name])

    def _numeric(self, node: TableEntry) -> bool:
        """Are all entries of the table numbers?"""
        entries = self.tables[node.table].values()
        return node.default is None and all(type(entry) in (int, Decimal) for entry in entries)

    def rates(self, name: str) -> str:
        """The name a table of numbers is handed in under, with its entries ready for arithmetic."""
        entries = {key: Decimal(entry) for key, entry in self.tables[name].items()}
        return self.known("rates", str(self._numbers[name]), Table(name, entries))

    def entry(self, table: str, code: str) -> str:
        """The entry of a table. Quick: a subscript, all in C where the key is there."""
        return f"{self.table(table)}.find({code})" if self.careful else f"{self.table(table)}[{code}]"

    def converted(self, steps: tuple[Conversion, ...], code: str) -> str:
        """The value of `code` after every step of `via`."""
        for step in steps:
            code = self._step(step, code)
        return code

    def _step(self, step: Conversion, code: str) -> str:
        if step.name == "xref":
            return f"lookup.xref({step.argument!r}, reference({code}))"
        if step.name == "table":
            return self.entry(step.argument, code)
        if step.name == "decimal" and not self.careful:
            return self.decimal(code)
        if step.argument:
            return f"{self.name('k', bound(step))}({code})"
        return f"{self.known('c', step.name, CONVERSIONS[step.name].convert)}({code})"
