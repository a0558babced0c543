"""Reading formulas: a closed, typed subset of Python expressions that can neither loop nor reach Python.

The text is parsed with `ast`, every node is checked against a whitelist and turned into the tree of nodes.py;
Python's own tree goes no further than this module.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from hub.mapping.finding import GrammarError, nearest
from hub.mapping.functions import FUNCTIONS
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
    walk,
)
from hub.mapping.patterns import PATTERN_FUNCTIONS, PATTERNS_MAX
from hub.mapping.signature import ARGUMENTS_MAX, VARIES, Function, Unfit
from hub.mapping.source import LENGTH_MAX, Source, list_position

CALLS_MAX = 100  # functions in one formula
LISTS_MAX = 20  # of them those that go over lists
FORMS = {
    "IF": "IF(condition, then, else): one of two values; without else there is no value. "
    'Example: IF(2 > 1, "yes", "no") -> yes',
    "COALESCE": 'COALESCE(value, ...): the first that has a value. Example: COALESCE("", "b") -> b',
    "LOOKUP": "LOOKUP(table, key, default): the entry of a table of this mapping; a missing key makes a case "
    'unless there is a default. Example: LOOKUP(terms, "Net 30") -> NET30',
}
_OPERATORS: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_OTHER_OPERATORS: dict[type[ast.operator], str] = {
    ast.BitAnd: "join text with CONCAT(...)",
    ast.Mod: "use MOD(...)",
    ast.BitXor: "multiply instead",
    ast.Pow: "multiply instead",
    ast.FloorDiv: "use FLOOR(a / b)",
}
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
}
_WORDS = {"true": True, "false": False, "null": None}
_REFUSED = {
    ast.Lambda: "a lambda",
    ast.ListComp: "a comprehension",
    ast.SetComp: "a comprehension",
    ast.DictComp: "a comprehension",
    ast.GeneratorExp: "a comprehension",
    ast.JoinedStr: "an f-string",
    ast.NamedExpr: "an assignment",
    ast.List: "a list in brackets",
    ast.Tuple: "a tuple",
    ast.Dict: "a dictionary",
    ast.Set: "a set",
    ast.Starred: "a star",
    ast.Await: "await",
    ast.Slice: "a slice",
}
_INSTEAD = {
    "a comprehension": "use a path such as lines[].amount",
    "an f-string": "use CONCAT or JOIN",
    "a list in brackets": "use LIST(...)",
    "a tuple": "use LIST(...)",
}
_OPERATOR_HINTS = {
    ("+", "text"): "use CONCAT",
    ("+", "date"): "use ADD_DAYS",
    ("-", "date"): "use DAYS or ADD_DAYS",
    ("*", "list"): "use SUM",
}
_SAME = "a mapping must give the same answer tomorrow"
_NO_CLOCK = frozenset({"TODAY", "NOW"})
_CLOCK_REMEDY = "read a date of the record, such as the day it was won or changed"
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = frozenset("\\nt\"'")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]*)?|\.[0-9]+").fullmatch


def parse_formula(written: object) -> Node:
    """Read a formula. Raises GrammarError that says what, where in the text, and what to write instead."""
    if not isinstance(written, str) or not written.strip():
        raise GrammarError("a formula is text in quotes", remedy="write for example formula: 'UPPER(name)'")
    if len(written) > LENGTH_MAX:
        raise GrammarError(
            f"the formula is longer than {LENGTH_MAX} characters", remedy="split it over fields"
        )
    if bad := next((one for one in _ESCAPE.finditer(written) if one[1] not in _ESCAPES), None):
        raise GrammarError(
            f"'{bad[0]}' is not an escape of formulas", offset=bad.start(), remedy=f"write \\{bad[0]}"
        )
    if half := _SURROGATE.search(written):
        told = f"{half[0]!a} is half a character"
        raise GrammarError(told, offset=half.start(), remedy="type the character itself")
    source = Source(written)
    tree = _Reader(source).read(source.parse())
    _check_work(tree)
    return tree


def _check_work(tree: Node) -> None:
    """Keep what one formula may do within what takes no time to notice."""
    nodes = list(walk(tree))
    calls = [node for node in nodes if isinstance(node, Call)]
    limits: tuple[tuple[Sequence[Node], int, str], ...] = (
        (
            [node for node in nodes if isinstance(node, Path) and None in node.steps],
            LISTS_MAX,
            "lists with []",
        ),
        (calls, CALLS_MAX, "functions"),
        ([call for call in calls if call.function.repeats], LISTS_MAX, "functions over lists"),
        ([call for call in calls if call.function.name in PATTERN_FUNCTIONS], PATTERNS_MAX, "patterns"),
    )
    for found, most, what in limits:
        if len(found) > most:
            told = f"more than {most} {what} in one formula"
            raise GrammarError(told, remedy="split it over fields", offset=found[most].offset)


class _Reader:
    """One formula on its way from Python's tree to ours."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def fail(self, node: ast.expr, message: str, remedy: str = "") -> GrammarError:
        return GrammarError(message, remedy=remedy, offset=self.source.at(node)["offset"])

    def read(self, node: ast.expr) -> Node:
        """The node for a whitelisted node of Python's tree. Raises GrammarError for any other."""
        read: Mapping[type[ast.expr], Callable[[Any], Node]] = {
            ast.Constant: self.literal,
            ast.Name: self.word,
            ast.Attribute: self.path,
            ast.Subscript: self.path,
            ast.Call: self.call,
            ast.BinOp: self.arithmetic,
            ast.UnaryOp: self.unary,
            ast.BoolOp: self.logic,
            ast.Compare: self.comparison,
            ast.IfExp: self.ternary,
        }
        if type(node) not in read:
            what = _REFUSED.get(type(node), "this")
            raise self.fail(node, f"{what} is not allowed in a formula", _INSTEAD.get(what, ""))
        return read[type(node)](node)

    def word(self, node: ast.Name) -> Node:
        word = node.id.lower()
        if word not in _WORDS or node.id not in (word, word.title()):
            return self.path(node)
        return self.constant(node, _WORDS[word], "any" if _WORDS[word] is None else "bool")

    def path(self, node: ast.expr) -> Path:
        return Path(**self.source.at(node), steps=tuple(self.steps(node)))

    def ternary(self, node: ast.IfExp) -> Choice:
        return self.choice(node, self.read(node.test), self.read(node.body), self.read(node.orelse))

    def constant(self, node: ast.expr, value: Any, kind: str) -> Literal:
        return Literal(**self.source.at(node), value=value, kind=kind, blank=value is None or value == "")

    def literal(self, node: ast.Constant) -> Literal:
        value = node.value
        if value is None or isinstance(value, bool):
            return self.constant(node, value, "any" if value is None else "bool")
        if isinstance(value, str):
            return self.constant(node, value, "text")
        written: str = self.source.at(node)["text"]
        if isinstance(value, int | float) and _NUMBER(written):
            return self.constant(node, Decimal(written), "number")
        raise self.fail(node, f"{written} is not a plain number or text", "write for example 12.50 or 'text'")

    def steps(self, node: ast.expr) -> list[Step]:
        """A path from its first name on; anything else before a dot would be reaching into Python."""
        match node:
            case ast.Name(id=name):
                return [self.name(node, name)]
            case ast.Attribute(value=owner, attr=name):
                return [*self.steps(owner), self.name(node, name)]
            case ast.Subscript(value=owner, slice=ast.Slice(lower=None, upper=None, step=None)):
                return [*self.steps(owner), None]
            case ast.Subscript(value=owner, slice=ast.Constant(value=int(at))) if type(at) is int:
                return [*self.steps(owner), list_position(at, self.source.at(node)["offset"])]
            case ast.Subscript():
                raise self.fail(node, "only [] and positions such as [0] are allowed in brackets")
        raise self.fail(node, "a path is names joined by dots")

    def name(self, node: ast.expr, name: str) -> str:
        if name.startswith("_"):
            raise self.fail(node, f"'{name}' starts with _", "read such a field with from")
        return name

    def call(self, node: ast.Call) -> Node:
        if not isinstance(node.func, ast.Name):
            raise self.fail(node, "only functions can be called", "write for example UPPER(name)")
        name = node.func.id
        if name.upper() in _NO_CLOCK:
            raise self.fail(node, f"{name} is not available: {_SAME}", _CLOCK_REMEDY)
        if name not in FUNCTIONS and name not in FORMS:
            raise self.fail(node, f"unknown function '{name}'", nearest(name, [*FUNCTIONS, *FORMS]))
        if node.keywords:
            raise self.fail(node, f"{name} takes values, not name=value", "write == to compare")
        if name == "LOOKUP":
            return self.lookup(node)
        arguments = tuple(self.read(argument) for argument in node.args)
        if name == "IF":
            self.check_count(node, name, 2, 3)
            otherwise = self.constant(node, None, "any")
            return self.choice(node, *(*arguments, otherwise)[:3])
        if name == "COALESCE":
            self.check_count(node, name, 1, ARGUMENTS_MAX)
            return self.first_of(node, name, arguments, all(part.blank for part in arguments))
        return self.plain_call(node, FUNCTIONS[name], arguments)

    def plain_call(self, node: ast.Call, function: Function, arguments: tuple[Node, ...]) -> Call:
        most = ARGUMENTS_MAX if function.repeats else len(function.parameters)
        self.check_count(node, function.name, function.least, most)
        wanted = function.parameters + function.parameters[-1:] * len(arguments)
        for argument, kind in zip(arguments, wanted, strict=False):
            if kind not in ("any", argument.kind) and argument.kind != "any":
                hint = f"wrap it in {'DECIMAL' if kind == 'number' else kind.upper()}()"
                message = f"{function.name} needs a {kind}, '{argument.text}' is a {argument.kind}"
                raise GrammarError(message, remedy=hint, offset=argument.offset)
        blanks = [argument.blank for argument in arguments]
        blank = {"never": False, "maybe": True, "first": blanks[:1] != [False], "all": all(blanks)}[
            function.blank
        ]
        at = self.source.at(node)
        ready = self.ready(node, function, arguments)
        return Call(**at, function=function, arguments=ready, kind=function.result, blank=blank)

    def ready(self, node: ast.Call, function: Function, arguments: tuple[Node, ...]) -> tuple[Node, ...]:
        """The arguments, with constants in the form the function wants them."""
        values = tuple(part.value if isinstance(part, Literal) else VARIES for part in arguments)
        try:
            found = function.ready(values)
        except Unfit as fault:
            offset = arguments[fault.position].offset
            raise GrammarError(fault.message, remedy=fault.remedy, offset=offset) from None
        ready: dict[int, Node] = dict(enumerate(arguments))
        for position, value in found.items():
            there = ready.get(position)
            kind = there.kind if there else "any"
            at = {"text": there.text, "offset": there.offset} if there else self.source.at(node)
            ready[position] = Literal(**at, value=value, kind=kind, blank=False)
        return tuple(ready.values())

    def check_count(self, node: ast.Call, name: str, least: int, most: int) -> None:
        if not least <= len(node.args) <= most:
            wanted = f"{least}" if least == most else f"{least} to {most}"
            raise self.fail(node, f"{name} takes {wanted} values, not {len(node.args)}")

    def lookup(self, node: ast.Call) -> TableEntry:
        self.check_count(node, "LOOKUP", 2, 3)
        first, key, *rest = node.args
        match first:
            case ast.Name(id=table) | ast.Constant(value=str(table)):
                default = self.read(rest[0]) if rest else None
                return TableEntry(**self.source.at(node), table=table, key=self.read(key), default=default)
        raise self.fail(first, "LOOKUP needs the name of a table of this mapping first")

    def arithmetic(self, node: ast.BinOp) -> Arithmetic:
        operator = _OPERATORS.get(type(node.op))
        if operator is None:
            remedy = _OTHER_OPERATORS.get(type(node.op), "")
            raise self.fail(node, "only + - * / are allowed between numbers", remedy)
        left, right = self.number(node.left, operator), self.number(node.right, operator)
        at = self.source.at(node)
        return Arithmetic(**at, operator=operator, left=left, right=right, kind="number", blank=False)

    def number(self, node: ast.expr, operator: str) -> Node:
        operand = self.read(node)
        if operand.kind not in ("number", "any") or (isinstance(operand, Literal) and operand.value is None):
            kind = "no value" if operand.kind == "any" else f"a {operand.kind}"
            remedy = _OPERATOR_HINTS.get((operator, operand.kind), "wrap it in DECIMAL()")
            raise self.fail(node, f"'{operator}' needs numbers, '{operand.text}' is {kind}", remedy)
        return operand

    def unary(self, node: ast.UnaryOp) -> Node:
        if isinstance(node.op, ast.Not):
            operand = self.read(node.operand)
            return Negation(**self.source.at(node), operand=operand, kind="bool", blank=False)
        if isinstance(node.op, ast.USub):
            operand = self.number(node.operand, "-")
            return Negative(**self.source.at(node), operand=operand, kind="number", blank=False)
        raise self.fail(node, "only - and not are allowed before a value")

    def logic(self, node: ast.BoolOp) -> Logic:
        operands = tuple(self.read(value) for value in node.values)
        if len(operands) > ARGUMENTS_MAX:
            raise self.fail(node, f"more than {ARGUMENTS_MAX} conditions", "split them over fields")
        operator = "and" if isinstance(node.op, ast.And) else "or"
        return self.first_of(node, operator, operands, any(part.blank for part in operands))

    def first_of(self, node: ast.expr, operator: str, operands: tuple[Node, ...], blank: bool) -> Logic:
        kind = _common(*operands)
        return Logic(**self.source.at(node), operator=operator, operands=operands, kind=kind, blank=blank)

    def comparison(self, node: ast.Compare) -> Comparison:
        if len(node.ops) > 1:
            raise self.fail(node, "one comparison at a time", "write a < b and b < c")
        operator = _COMPARISONS.get(type(node.ops[0]))
        if operator is None:
            raise self.fail(node, "'is' is not a comparison of formulas", "use == or BLANK()")
        left, right = self.read(node.left), self.read(node.comparators[0])
        kinds = {left.kind, right.kind} - {"any"}
        if len(kinds) > 1 and operator not in ("in", "not in"):
            message = (
                f"'{left.text}' is a {left.kind}, '{right.text}' is a {right.kind}: they are never equal"
            )
            raise self.fail(node, message, "convert one with DECIMAL(), TEXT() or DATE()")
        at = self.source.at(node)
        return Comparison(**at, operator=operator, left=left, right=right, kind="bool", blank=False)

    def choice(self, node: ast.expr, test: Node, yes: Node, no: Node) -> Choice:
        kind, blank = _common(yes, no), yes.blank or no.blank
        return Choice(**self.source.at(node), test=test, yes=yes, no=no, kind=kind, blank=blank)


def _common(*operands: Node) -> str:
    """The kind all operands share; a literal null shares every kind."""
    kinds = {part.kind for part in operands if not (isinstance(part, Literal) and part.value is None)}
    return kinds.pop() if len(kinds) == 1 else "any"
