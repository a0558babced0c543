"""Values and conditions of SuiteQL, translated to the SQL of the engine behind it, types checked."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime

from sandbox.netsuite.ql_words import LIST_MAX, RESERVED, Node, Scope, Tokens
from sandbox.netsuite.refusals import bad_query
from sandbox.netsuite.store import SHOWN_DATE

_SIGNS = {"=": "=", "<>": "<>", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_NUMBERS = ("int", "num")
_ALIKE: Mapping[str, tuple[str, int, int, str]] = {
    # name: engine's name, fewest and most arguments, type ("" that of the first argument)
    "UPPER": ("upper", 1, 1, "text"),
    "LOWER": ("lower", 1, 1, "text"),
    "TRIM": ("trim", 1, 1, "text"),
    "LTRIM": ("ltrim", 1, 2, "text"),
    "RTRIM": ("rtrim", 1, 2, "text"),
    "SUBSTR": ("substr", 2, 3, "text"),
    "INSTR": ("instr", 2, 2, "num"),
    "REPLACE": ("replace", 3, 3, "text"),
    "LENGTH": ("length", 1, 1, "num"),
    "ABS": ("abs", 1, 1, "num"),
    "ROUND": ("round", 1, 2, "num"),
    "SIGN": ("sign", 1, 1, "num"),
    "NVL": ("coalesce", 2, 2, ""),
    "COALESCE": ("coalesce", 2, 20, ""),
    "NULLIF": ("nullif", 2, 2, ""),
    "GREATEST": ("max", 2, 20, ""),
    "LEAST": ("min", 2, 20, ""),
    "SUM": ("sum", 1, 1, "num"),
    "AVG": ("avg", 1, 1, "num"),
    "MIN": ("min", 1, 1, ""),
    "MAX": ("max", 1, 1, ""),
}
_DISPLAYED = {
    ("BUILTIN.DF", "status"): "_statusname",
    ("BUILTIN.CF", "status"): "_statuscode",
    ("BUILTIN.DF", "type"): "_typename",
}


class Values:
    """Reads values and conditions; `select` translates a subquery with this scope around it."""

    def __init__(self, tokens: Tokens, scope: Scope, select: Callable[[Scope], Node]) -> None:
        self.tokens, self.scope, self.select = tokens, scope, select

    def condition(self) -> Node:
        """A whole condition. Raises Refusal for a mere value."""
        return _condition(self._either())

    def value(self) -> Node:
        """A value. Raises Refusal for a condition: SuiteQL has no boolean values."""
        node = self._either()
        if node.type == "condition":
            raise bad_query("a condition cannot be used as a value")
        return node

    def _either(self) -> Node:
        node = self._every()
        while self.tokens.accept("OR"):
            node = Node(f"({_condition(node).sql} OR {_condition(self._every()).sql})", "condition")
        return node

    def _every(self) -> Node:
        node = self._negated()
        while self.tokens.accept("AND"):
            node = Node(f"({_condition(node).sql} AND {_condition(self._negated()).sql})", "condition")
        return node

    def _negated(self) -> Node:
        if self.tokens.accept("NOT"):
            return Node(f"(NOT {_condition(self._negated()).sql})", "condition")
        if self.tokens.accept("EXISTS"):
            self.tokens.take("(")
            inner = self.select(self.scope)
            self.tokens.take(")")
            return Node(f"EXISTS ({inner.sql})", "condition")
        left = self._joined()
        return left if left.type == "condition" else self._compared(left)

    def _compared(self, left: Node) -> Node:
        if self.tokens.accept("IS"):
            negated = "NOT " if self.tokens.accept("NOT") else ""
            self.tokens.take("NULL")
            return Node(f"({left.sql} IS {negated}NULL)", "condition")
        word = self.tokens.peek()
        if word in _SIGNS:
            self.tokens.take()
            one, other = _alike(left, self._joined())
            return Node(f"({one.sql} {_SIGNS[word]} {other.sql})", "condition")
        if word not in ("NOT", "IN", "LIKE", "BETWEEN"):
            return left
        no = "NOT " if self.tokens.accept("NOT") else ""
        if self.tokens.accept("IN"):
            return Node(f"({left.sql} {no}IN ({self._options(left)}))", "condition")
        if self.tokens.accept("LIKE"):
            return Node(f"({left.sql} {no}LIKE {self._pattern()})", "condition")
        self.tokens.take("BETWEEN")
        low = _alike(left, self._joined())[1]
        self.tokens.take("AND")
        high = _alike(left, self._joined())[1]
        return Node(f"({left.sql} {no}BETWEEN {low.sql} AND {high.sql})", "condition")

    def _pattern(self) -> str:
        pattern = self._joined().sql
        return f"{pattern} ESCAPE {self.tokens.take()}" if self.tokens.accept("ESCAPE") else pattern

    def _options(self, left: Node) -> str:
        self.tokens.take("(")
        if self.tokens.peek() == "SELECT":
            inner = self.select(self.scope).sql
        else:
            options = [_alike(left, self._joined())[1].sql]
            while self.tokens.accept(","):
                options.append(_alike(left, self._joined())[1].sql)
            if len(options) > LIST_MAX:
                raise bad_query(f"maximum number of expressions in a list is {LIST_MAX}")
            inner = ", ".join(options)
        self.tokens.take(")")
        return inner

    def _joined(self) -> Node:
        node = self._sum()
        while self.tokens.accept("||"):
            node = Node(f"(coalesce({node.sql}, '') || coalesce({self._sum().sql}, ''))", "text")
        return node

    def _sum(self) -> Node:
        node = self._product()
        while self.tokens.peek() in ("+", "-"):
            sign = self.tokens.take()
            node = _added(node, sign, self._product())
        return node

    def _product(self) -> Node:
        node = self._atom()
        while self.tokens.peek() in ("*", "/"):
            sign = self.tokens.take()
            right = self._atom()
            node = Node(f"({_number(node)} * 1.0 {sign} {_number(right)})", "num")
        return node

    def _atom(self) -> Node:
        word = self.tokens.peek()
        if word.startswith("'"):
            text = self.tokens.take()
            return Node(text, "literal", text=text[1:-1].replace("''", "'"))
        if word[:1].isdigit():
            return Node(self.tokens.take(), "num")
        if word in ("-", "+"):
            self.tokens.take()
            return Node(f"({word}{_number(self._atom())})", "num")
        if word in ("(", "CASE"):
            return self._bracket() if word == "(" else self._case()
        return self._named(word)

    def _named(self, word: str) -> Node:
        """A function's value, a column, or one of the words that are values."""
        name = self.tokens.take()
        if self.tokens.peek() == "(":
            return self._call(name.upper())
        if word == "NULL":
            return Node("NULL", "text")
        if word in ("SYSDATE", "CURRENT_DATE", "CURRENT_TIMESTAMP"):
            return Node("ns_now()", "date")
        if word in RESERVED or not (name[0].isalpha() or name[0] == "_"):
            raise bad_query(f"unexpected '{name}'")
        return self.scope.find(name)

    def _bracket(self) -> Node:
        self.tokens.take("(")
        self.tokens.deeper()
        inner = self.select(self.scope) if self.tokens.peek() == "SELECT" else self._either()
        self.tokens.take(")")
        self.tokens.depth -= 1
        return Node(f"({inner.sql})", inner.type)

    def _case(self) -> Node:
        self.tokens.take("CASE")
        subject = None if self.tokens.peek() == "WHEN" else self.value()
        parts, type = [], ""
        while self.tokens.accept("WHEN"):
            if subject is None:
                test = self.condition().sql
            else:
                one, other = _alike(subject, self.value())
                test = f"{one.sql} = {other.sql}"
            self.tokens.take("THEN")
            then = self.value()
            type = type or then.type
            parts.append(f"WHEN {test} THEN {then.sql}")
        rest = f"ELSE {self.value().sql} " if self.tokens.accept("ELSE") else ""
        self.tokens.take("END")
        return Node(f"(CASE {' '.join(parts)} {rest}END)", _plain(type))

    def _call(self, name: str) -> Node:
        self.tokens.take("(")
        if name == "COUNT":
            return self._count()
        distinct = "DISTINCT " if self.tokens.accept("DISTINCT") else ""
        arguments = [self.value()]
        while self.tokens.accept(","):
            arguments.append(self.value())
        self.tokens.take(")")
        if name in _ALIKE:
            return _same(name, arguments, distinct)
        special = _SPECIAL.get(name)
        if special is None:
            raise bad_query(f"Unknown function '{name}'.")
        return special(name, arguments)

    def _count(self) -> Node:
        if self.tokens.accept("*"):
            inner = "*"
        else:
            distinct = "DISTINCT " if self.tokens.accept("DISTINCT") else ""
            inner = distinct + self.value().sql
        self.tokens.take(")")
        return Node(f"count({inner})", "num")


def _condition(node: Node) -> Node:
    if node.type != "condition":
        raise bad_query("expected a condition")
    return node


def _plain(type: str) -> str:
    return "text" if type in ("literal", "") else type


def _number(node: Node) -> str:
    if node.type in _NUMBERS:
        return node.sql
    if node.type == "literal":
        return _literal_number(node)
    return f"CAST({node.sql} AS REAL)"


def _literal_number(node: Node) -> str:
    if not re.fullmatch(r"-?\d+(\.\d+)?", node.text.strip()):
        raise bad_query(f"'{node.text}' is not a number")
    return node.text.strip()


def _added(left: Node, sign: str, right: Node) -> Node:
    if left.type == "date" and right.type == "date":
        return Node(f"ns_between({left.sql}, {right.sql})", "num")
    if left.type == "date":
        return Node(f"ns_days({left.sql}, {sign}({_number(right)}))", "date")
    return Node(f"({_number(left)} {sign} {_number(right)})", "num")


def _alike(left: Node, right: Node) -> tuple[Node, Node]:
    """Both sides of a comparison as one type. Raises Refusal for a literal that does not fit."""
    if left.type == "literal" and right.type != "literal":
        right, left = _alike(right, left)
        return left, right
    if "condition" in (left.type, right.type):
        raise bad_query("a condition cannot be compared")
    if right.type == "literal" and left.type in _NUMBERS:
        return left, Node(_literal_number(right), "num")
    if right.type == "literal" and left.type == "date":
        return left, _literal_date(right)
    if (left.type == "date") != (right.type == "date") and "NULL" not in (left.sql, right.sql):
        raise bad_query("Invalid number or date in a condition")
    return left, right


def _literal_date(node: Node) -> Node:
    try:
        at = datetime.strptime(node.text, SHOWN_DATE)  # noqa: DTZ007 - the account's local time
    except ValueError:
        raise bad_query(f"'{node.text}' is not a date in the format of the user's preferences") from None
    return Node(f"'{at:%Y-%m-%d} 00:00:00'", "date")


def _same(name: str, arguments: list[Node], distinct: str) -> Node:
    """A function the engine has too."""
    engine, fewest, most, type = _ALIKE[name]
    if not fewest <= len(arguments) <= most:
        raise bad_query(f"Invalid number of arguments for '{name}'.")
    first = arguments[0]
    made = [
        _number(x) if type == "num" and engine in ("abs", "round", "sum", "avg") else x.sql for x in arguments
    ]
    if name == "NVL" and first.type in _NUMBERS and arguments[1].type == "literal":
        made[1] = _literal_number(arguments[1])
    return Node(f"{engine}({distinct}{', '.join(made)})", type or _plain(first.type))


def _parsed(name: str, arguments: list[Node]) -> Node:
    if len(arguments) != 2:
        raise bad_query(f"'{name}' needs a text and its format")
    return Node(f"ns_parse({arguments[0].sql}, {arguments[1].sql})", "date")


def _text(name: str, arguments: list[Node]) -> Node:
    first = arguments[0]
    if len(arguments) == 1:
        made = f"ns_shown({first.sql})" if first.type == "date" else f"CAST({first.sql} AS TEXT)"
        return Node(made, "text")
    return Node(f"ns_format({first.sql}, {arguments[1].sql})", "text")


def _trunc(name: str, arguments: list[Node]) -> Node:
    first = arguments[0]
    if first.type == "date":
        return Node(f"(substr({first.sql}, 1, 10) || ' 00:00:00')", "date")
    return Node(f"CAST({_number(first)} AS INTEGER)", "num")


def _decode(name: str, arguments: list[Node]) -> Node:
    subject, rest = arguments[0], arguments[1:]
    pairs = [(rest[n], rest[n + 1]) for n in range(0, len(rest) - 1, 2)]
    if not pairs:
        raise bad_query("Invalid number of arguments for 'DECODE'.")
    tests = " ".join(f"WHEN {subject.sql} IS {_alike(subject, a)[1].sql} THEN {b.sql}" for a, b in pairs)
    other = f"ELSE {rest[-1].sql} " if len(rest) % 2 else ""
    return Node(f"(CASE {tests} {other}END)", _plain(pairs[0][1].type))


def _nvl2(name: str, arguments: list[Node]) -> Node:
    if len(arguments) != 3:
        raise bad_query("Invalid number of arguments for 'NVL2'.")
    first, then, other = arguments
    made = f"(CASE WHEN {first.sql} IS NOT NULL THEN {then.sql} ELSE {other.sql} END)"
    return Node(made, _plain(then.type))


def _display(name: str, arguments: list[Node]) -> Node:
    node = arguments[0]
    own = _DISPLAYED.get((name, node.column))
    if own and node.table == "transaction":
        return Node(f"[{node.alias}].[{own}]", "text")
    if name == "BUILTIN.CF":
        return node
    return Node(f"ns_df('{node.column}', {node.sql})", "text")


def _concat(name: str, arguments: list[Node]) -> Node:
    return Node("(" + " || ".join(f"coalesce({x.sql}, '')" for x in arguments) + ")", "text")


_SPECIAL: Mapping[str, Callable[[str, list[Node]], Node]] = {
    "TO_TIMESTAMP": _parsed,
    "TO_DATE": _parsed,
    "TO_CHAR": _text,
    "TO_NUMBER": lambda name, x: Node(f"CAST({x[0].sql} AS REAL)", "num"),
    "TRUNC": _trunc,
    "DECODE": _decode,
    "NVL2": _nvl2,
    "CONCAT": _concat,
    "MOD": lambda name, x: Node(f"({_number(x[0])} % {_number(x[1])})", "num"),
    "BUILTIN.DF": _display,
    "BUILTIN.CF": _display,
}
