"""A working part of SuiteQL: one table, conditions, order, and the service's way of giving values."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sandbox.netsuite.refusals import bad_query
from sandbox.netsuite.render import display
from sandbox.netsuite.rules import Rules
from sandbox.netsuite.tables import TABLES, columns

QUERY_MAX = 200_000  # characters
LIST_MAX = 1000  # Oracle refuses a longer IN list
DEPTH_MAX = 50
_TOKEN = re.compile(r"\s*('(?:[^']|'')*'|\d+(?:\.\d+)?|[A-Za-z_][\w.]*|<>|!=|<=|>=|[=<>(),*])")
_SIGNS = {
    "=": operator.eq,
    "<>": operator.ne,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_MASKS = {"YYYY": "%Y", "MM": "%m", "DD": "%d", "HH24": "%H", "MI": "%M", "SS": "%S"}

Row = Mapping[str, Any]
Value = Callable[[Row], Any]
Test = Callable[[Row], bool]


@dataclass
class Query:
    """A parsed query, ready to run."""

    table: str
    columns: list[tuple[str, Value]]
    where: Test
    order: list[tuple[Value, bool]]
    counts: bool = False


class _Parser:
    """Recursive descent over the tokens of one query."""

    def __init__(self, q: str, rules: Rules) -> None:
        self.rules = rules
        self.tokens = _tokens(q)
        self.at = 0
        self.depth = 0
        self.known: frozenset[str] = frozenset()
        self.alias = ""
        self.counts = False

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, *wanted: str) -> str:
        token = self.peek()
        if wanted and token.upper() not in wanted:
            raise bad_query(f"expected {' or '.join(wanted)} at '{token or 'end of query'}'")
        self.at += 1
        return token

    def accept(self, *wanted: str) -> bool:
        found = self.peek().upper() in wanted
        self.at += found
        return found

    def query(self) -> Query:
        self.take("SELECT")
        start = self.at
        while self.peek().upper() not in ("FROM", ""):
            self.at += 1  # the columns are read once the table is known
        self.take("FROM")
        table = self.take().lower()
        if table not in TABLES:
            raise bad_query(f"Invalid search type: {table}.")
        self.known = columns(self.rules, table)
        self.accept("AS")
        if self.peek() and self.peek().upper() not in ("WHERE", "ORDER"):
            self.alias = self.take().lower()
        rest, self.at = self.at, start
        selected = self._selected()
        self.take("FROM")
        self.at = rest
        where = self._either() if self.accept("WHERE") else _always
        order = self._order()
        if self.peek():
            raise bad_query(f"unexpected '{self.peek()}'")
        return Query(table, selected, where, order, self.counts)

    def _selected(self) -> list[tuple[str, Value]]:
        if self.accept("*"):
            return [(name, _column(name)) for name in sorted(self.known)]
        found = [self._one()]
        while self.accept(","):
            found.append(self._one())
        return found

    def _one(self) -> tuple[str, Value]:
        token = self.peek()
        value = self._value()
        name = token.rsplit(".", 1)[-1].lower()
        if self.tokens[self.at - 1] == ")":
            name = f"expr{self.at}"
        if self.accept("AS") or self.peek().upper() not in (",", "FROM"):
            name = self.take().lower()
        return name, value

    def _order(self) -> list[tuple[Value, bool]]:
        found: list[tuple[Value, bool]] = []
        if self.accept("ORDER"):
            self.take("BY")
            while True:
                value = self._value()
                found.append((value, self.accept("DESC") or (self.accept("ASC") and False)))
                if not self.accept(","):
                    break
        return found

    def _either(self) -> Test:
        self.depth += 1
        if self.depth > DEPTH_MAX:
            raise bad_query("too many nested conditions")
        tests = [self._every()]
        while self.accept("OR"):
            tests.append(self._every())
        self.depth -= 1
        return lambda row: any(test(row) for test in tests)

    def _every(self) -> Test:
        tests = [self._test()]
        while self.accept("AND"):
            tests.append(self._test())
        return lambda row: all(test(row) for test in tests)

    def _test(self) -> Test:
        if self.accept("NOT"):
            inner = self._test()
            return lambda row: not inner(row)
        if self.accept("("):
            inner = self._either()
            self.take(")")
            return inner
        left = self._value()
        if self.accept("IS"):
            wanted = not self.accept("NOT")
            self.take("NULL")
            return lambda row: (left(row) is None) is wanted
        negate = self.accept("NOT")
        test = self._compared(left)
        return (lambda row: left(row) is not None and not test(row)) if negate else test

    def _compared(self, left: Value) -> Test:
        token = self.take().upper()
        if token == "IN":
            options = self._options()
            return lambda row: any(_compare(operator.eq, left(row), option(row)) for option in options)
        if token == "LIKE":
            pattern = self._value()
            return lambda row: bool(re.fullmatch(_wildcards(pattern(row)), str(left(row) or ""), re.S))
        if token == "BETWEEN":
            low = self._value()
            self.take("AND")
            high = self._value()
            return lambda row: (
                _compare(operator.ge, left(row), low(row)) and _compare(operator.le, left(row), high(row))
            )
        if token not in _SIGNS:
            raise bad_query(f"unexpected '{token or 'end of query'}'")
        right = self._value()
        return lambda row: _compare(_SIGNS[token], left(row), right(row))

    def _options(self) -> list[Value]:
        self.take("(")
        options = [self._value()]
        while self.accept(","):
            options.append(self._value())
        self.take(")")
        if len(options) > LIST_MAX:
            raise bad_query(f"maximum number of expressions in a list is {LIST_MAX}")
        return options

    def _value(self) -> Value:
        token = self.take()
        if token.startswith("'"):
            text = token[1:-1].replace("''", "'")
            return lambda row: text
        if token[:1].isdigit():
            number = Decimal(token)
            return lambda row: number
        if self.accept("("):
            return self._call(token.upper())
        name = token.lower()
        if self.alias and name.startswith(self.alias + "."):
            name = name[len(self.alias) + 1 :]
        if name not in self.known:
            raise bad_query(f"Unknown identifier '{name}'.")
        return _column(name)

    def _call(self, name: str) -> Value:
        if name == "COUNT":
            self.take("*")
            self.take(")")
            self.counts = True
            return lambda row: None
        token = self.peek()
        arguments = [self._value()]
        while self.accept(","):
            arguments.append(self._value())
        self.take(")")
        first = arguments[0]
        if name in ("TO_TIMESTAMP", "TO_DATE") and len(arguments) == 2:
            return lambda row: _parse(first(row), arguments[1](row))
        if name == "TO_CHAR" and len(arguments) == 2:
            return lambda row: _format(first(row), arguments[1](row))
        if name in ("UPPER", "LOWER"):
            change = str.upper if name == "UPPER" else str.lower
            return lambda row: None if first(row) is None else change(str(first(row)))
        if name == "BUILTIN.DF":
            return lambda row: self._shown(token.rsplit(".", 1)[-1].lower(), first(row))
        raise bad_query(f"Unknown function '{name}'.")

    def _shown(self, column: str, value: Any) -> Any:
        return display(self.rules.books, column, str(value)) or value if value is not None else None


def _tokens(q: str) -> list[str]:
    if not isinstance(q, str) or not q.strip() or len(q) > QUERY_MAX:
        raise bad_query("Invalid or unsupported search")
    found, at = [], 0
    text = q.strip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise bad_query(f"unexpected character '{text[at:].strip()[:1]}'")
        found.append(match[1])
        at = match.end()
    return found


def _always(row: Row) -> bool:
    return True


def _column(name: str) -> Value:
    return lambda row: row.get(name)


def _mask(mask: str) -> str:
    return re.sub("YYYY|HH24|MM|DD|MI|SS", lambda m: _MASKS[m[0]], mask)


def _parse(text: Any, mask: str) -> datetime:
    try:
        return datetime.strptime(str(text), _mask(mask))  # noqa: DTZ007 - the account's local time
    except ValueError:
        raise bad_query(f"date '{text}' does not match the format '{mask}'") from None


def _format(value: Any, mask: str) -> str | None:
    return value.strftime(_mask(mask)) if isinstance(value, date) else None


def _wildcards(pattern: Any) -> str:
    return re.escape(str(pattern)).replace("%", ".*").replace("_", ".")


def _compare(sign: Callable[[Any, Any], bool], left: Any, right: Any) -> bool:
    if left is None or right is None:
        return False
    left, right = _alike(left, right)
    right, left = _alike(right, left)
    try:
        return sign(left, right)
    except TypeError:
        raise bad_query("Invalid number or date in a condition") from None


def _alike(one: Any, other: Any) -> tuple[Any, Any]:
    if isinstance(other, bool):
        other = "T" if other else "F"
    elif isinstance(other, date) and not isinstance(other, datetime):
        other = datetime(other.year, other.month, other.day)  # noqa: DTZ001 - the account's local time
    if isinstance(one, int | Decimal) and not isinstance(one, bool) and isinstance(other, str):
        try:
            other = Decimal(other)
        except ArithmeticError:
            raise bad_query(f"'{other}' is not a number") from None
    return one, other


def _shown(value: Any) -> str:
    """Everything is text; dates lose their time, booleans are T and F."""
    if isinstance(value, bool):
        return "T" if value else "F"
    if isinstance(value, date):
        return value.strftime("%m/%d/%Y")
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return str(value)


def run(rules: Rules, q: str) -> list[dict[str, Any]]:
    """All rows of a query; null columns are left out. Raises Refusal for what cannot be understood."""
    query = _Parser(q, rules).query()
    found = [row for row in TABLES[query.table](rules) if query.where(row)]
    if query.counts:
        return [{"links": [], query.columns[0][0]: str(len(found))}]
    for value, descending in reversed(query.order):
        found.sort(key=lambda row, v=value: _rank(v(row)), reverse=descending)  # type: ignore[misc]  # bound now
    return [
        {"links": [], **{n: _shown(v) for n, value in query.columns if (v := value(row)) is not None}}
        for row in found
    ]


def _rank(value: Any) -> tuple[bool, Any]:
    return value is None, "" if value is None else value
