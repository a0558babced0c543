"""$filter and $orderby: read into a test of a row, with the index look-up that saves reading every row."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sandbox.sap.refusals import Refusal, bad_request
from sandbox.sap.schema import EntityType, Property
from sandbox.sap.store import Key, Row, Table
from sandbox.sap.values import unpadded

FILTER_MAX = 20_000  # characters
DEPTH_MAX = 400
Test = Callable[[Row], bool]
Value = Callable[[Row], Any]
_COMPARE = {
    "eq": operator.eq, "ne": operator.ne, "gt": operator.gt, "ge": operator.ge, "lt": operator.lt,
    "le": operator.le,
}  # fmt: skip
_TOKEN = re.compile(
    r"""\s*(?:
    (?P<typed>(?:datetimeoffset|datetime|guid|time)'[^']*')
  | (?P<text>'(?:[^']|'')*')
  | (?P<moment>\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d)?)?)
  | (?P<number>-?\d+(?:\.\d+)?[MmLlDdFf]?)
  | (?P<word>[A-Za-z_][\w/]*)
  | (?P<mark>[(),])
)""",
    re.VERBOSE,
)


class Operand(NamedTuple):
    """One side of a comparison: its type letter ("" for null), how to get it, and what it is if known."""

    type: str
    get: Value
    of: Property | None = None
    literal: Any = None


class Condition(NamedTuple):
    """A test and the sets of (property, value), one of which every row that passes has; None: unknown."""

    test: Test
    among: tuple[tuple[str, Any], ...] | None = None


def unread(text: str) -> Refusal:
    """The expression cannot be read."""
    return bad_request(f"Invalid token detected: {text[:80]}", "005056A509B11EE1B9A8FEC11C23378E")


def tokens(text: str) -> list[tuple[str, str]]:
    """The tokens of a filter expression as (kind, text)."""
    if len(text) > FILTER_MAX:
        raise unread("the filter is too long")
    found, at, text = [], 0, text.rstrip()
    while at < len(text):
        matched = _TOKEN.match(text, at)
        if not matched or matched.lastgroup is None:
            raise unread(text[at:])
        found.append((matched.lastgroup, matched.group(matched.lastgroup)))
        at = matched.end()
    return found


class Reader:
    """Reads one filter expression for one entity type."""

    def __init__(self, of: EntityType, text: str, *, v4: bool) -> None:
        self.of, self.v4 = of, v4
        self.left = tokens(text)[::-1]
        self.depth = 0

    def whole(self) -> Condition:
        """The condition of the whole text."""
        found = self._or()
        if self.left:
            raise unread(self.left[-1][1])
        return found

    def _next(self, *wanted: str) -> bool:
        if self.left and self.left[-1][1] in wanted and self.left[-1][0] in ("word", "mark"):
            self.left.pop()
            return True
        return False

    def _must(self, wanted: str) -> None:
        if not self._next(wanted):
            raise unread(self.left[-1][1] if self.left else f"'{wanted}' is missing")

    def _or(self) -> Condition:
        parts = [self._and()]
        while self._next("or"):
            parts.append(self._and())
        if len(parts) == 1:
            return parts[0]
        among: tuple[tuple[str, Any], ...] | None = ()
        for part in parts:
            among = None if among is None or part.among is None else among + part.among
        tests = [part.test for part in parts]
        return Condition(lambda row: any(test(row) for test in tests), among)

    def _and(self) -> Condition:
        parts = [self._not()]
        while self._next("and"):
            parts.append(self._not())
        if len(parts) == 1:
            return parts[0]
        known = [part.among for part in parts if part.among is not None]
        tests = [part.test for part in parts]
        return Condition(lambda row: all(test(row) for test in tests), min(known, key=len) if known else None)

    def _not(self) -> Condition:
        if self._next("not"):
            inner = self._not().test
            return Condition(lambda row: not inner(row))
        if self.left and self.left[-1] == ("mark", "("):
            self.depth += 1
            if self.depth > DEPTH_MAX:
                raise unread("too many brackets")
            self.left.pop()
            inside = self._or()
            self._must(")")
            return inside
        return self._comparison()

    def _comparison(self) -> Condition:
        left = self._operand()
        if not (self.left and self.left[-1][1] in _COMPARE):
            if left.type != "B":
                raise unread(self.left[-1][1] if self.left else "a comparison is missing")
            return Condition(lambda row: bool(left.get(row)))
        word = self.left.pop()[1]
        right = self._operand()
        self._comparable(word, left, right)
        return _compared(word, left, right)

    def _comparable(self, word: str, left: Operand, right: Operand) -> None:
        numbers = {"D", "I"}
        same = left.type == right.type or {left.type, right.type} <= numbers or "" in (left.type, right.type)
        if not same:
            raise bad_request(
                f"Invalid parametertype used at function '{word}' (Position: {len(self.left) + 1})",
                "005056A509B11EE1B9A8FEC11C2337AE",
            )

    def _operand(self) -> Operand:
        if not self.left:
            raise unread("the expression ends too early")
        kind, text = self.left.pop()
        if kind == "word":
            if self.left and self.left[-1] == ("mark", "("):
                return self._function(text)
            return self._named(text)
        return self._literal(kind, text)

    def _named(self, text: str) -> Operand:
        if text in ("true", "false"):
            return _constant("B", text == "true")
        if text == "null":
            return _constant("", None)
        of = self.of.properties.get(text)
        if of is None:
            raise bad_request(
                f"Property {text} not found in type '{self.of.name}Type'", "005056A509B11EE1B9A8FEC11C23378E"
            )
        name, empty = of.name, _EMPTY.get(of.type)
        return Operand(of.type, lambda row: empty if row.get(name) is None else row[name], of)

    def _literal(self, kind: str, text: str) -> Operand:
        if kind == "text":
            return _constant("S", text[1:-1].replace("''", "'"))
        if kind == "number":
            return _constant("D", Decimal(text.rstrip("MmLlDdFf")))
        try:
            if kind == "moment" and self.v4:
                at = datetime.fromisoformat(text)
                return _constant("T", at.date()) if len(text) == 10 else _constant("Z", at.astimezone(UTC))
            if kind == "typed":
                return _typed(*text[:-1].split("'", 1))
        except ValueError:
            raise unread(text) from None
        raise unread(text)

    def _function(self, name: str) -> Operand:
        self._must("(")
        given = [self._operand()]
        while self._next(","):
            given.append(self._operand())
        self._must(")")
        texts = [one.get for one in given]
        if name in ("substringof", "contains", "startswith", "endswith") and len(texts) == 2:
            first, second = texts if name != "substringof" else texts[::-1]
            how = {"startswith": str.startswith, "endswith": str.endswith}.get(name, str.__contains__)
            return Operand("B", lambda row: how(str(first(row)), str(second(row))))
        if name in ("tolower", "toupper", "trim", "length") and len(texts) == 1:
            only = texts[0]
            change: dict[str, Callable[[str], str]] = {}
            change |= {"tolower": str.lower, "toupper": str.upper, "trim": str.strip}
            if name == "length":
                return Operand("I", lambda row: len(only(row)))
            return Operand("S", lambda row: change[name](str(only(row))))
        raise bad_request(f"Function {name} is not supported", "/IWBEP/CM_MGW_RT/178")


_EMPTY: dict[str, Any] = {"S": "", "D": Decimal(0), "B": False}


def _constant(type_: str, value: Any) -> Operand:
    return Operand(type_, lambda _: value, None, value)


def _typed(kind: str, inside: str) -> Operand:
    if kind == "datetime":
        if inside.endswith("Z"):
            raise ValueError(inside)
        return _constant("T", datetime.fromisoformat(inside).date())
    if kind == "datetimeoffset":
        at = datetime.fromisoformat(inside)
        if at.tzinfo is None:
            raise ValueError(inside)
        return _constant("Z", at.astimezone(UTC))
    if kind == "guid":
        return _constant("G", inside.lower())
    hours, minutes, seconds = re.findall(r"\d+", inside) or ("", "", "")
    return _constant("H", datetime(2000, 1, 1, int(hours), int(minutes), int(seconds), tzinfo=UTC).time())


def _compared(word: str, left: Operand, right: Operand) -> Condition:
    how: Callable[[Any, Any], bool] = _COMPARE[word]
    if left.of is not None and right.of is None:
        value = right.literal
        if left.of.alpha and isinstance(value, str):
            value = unpadded(value)
        if value is None:
            nothing = _EMPTY.get(left.type)
            name = left.of.name
            return Condition(lambda row: how(row.get(name) or nothing, nothing))
        among = ((left.of.name, value),) if word == "eq" else None
        return Condition(_test(how, left.get, value), among)
    first, second = left.get, right.get
    return Condition(lambda row: _holds(how, first(row), second(row)))


def _test(how: Callable[[Any, Any], bool], get: Value, value: Any) -> Test:
    return lambda row: _holds(how, get(row), value)


def _holds(how: Callable[[Any, Any], bool], first: Any, second: Any) -> bool:
    if first is None or second is None:
        return how in (operator.eq, operator.ne) and how(first, second)
    return bool(how(first, second))


def matching(table: Table, text: str, *, v4: bool, within: list[Row] | None = None) -> list[Row]:
    """The rows that pass a filter, in the order of their keys. Raises Refusal for what cannot be read."""
    condition = Reader(table.of, text, v4=v4).whole() if text else Condition(lambda _: True)
    if within is not None:
        return [row for row in within if condition.test(row)]
    keys: Iterable[Key] = table.rows
    if condition.among is not None and all(name in table.indexes for name, _ in condition.among):
        found: dict[Key, None] = {}
        for name, value in condition.among:
            found.update(table.indexes[name].get(value, {}))
        keys = found
    passed = [key for key in keys if condition.test(table.rows[key])]
    return table.ordered(passed)


def arranged(of: EntityType, rows: list[Row], orderby: str) -> list[Row]:
    """The rows in the order asked for; a later criterion counts where the earlier are equal."""
    for part in reversed([one.strip() for one in orderby.split(",") if one.strip()]):
        name, _, way = part.partition(" ")
        if name not in of.properties or way.strip() not in ("", "asc", "desc"):
            raise bad_request(f"Property {part} not found in type '{of.name}Type'")
        rows = sorted(rows, key=lambda row: _place(row.get(name)), reverse=way.strip() == "desc")
    return rows


def _place(value: Any) -> tuple[int, Any]:
    if value is None:
        return 0, 0
    if isinstance(value, str) and value.isdigit():
        return 1, value.zfill(20)
    if isinstance(value, date) and not isinstance(value, datetime):
        return 1, value.isoformat()
    return 1, value
