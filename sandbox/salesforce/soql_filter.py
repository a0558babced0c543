"""WHERE clauses: a test for rows, and what an index can tell beforehand."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sandbox.salesforce import ids
from sandbox.salesforce.refusals import Refused
from sandbox.salesforce.schema import NUMBERS, REFERENCES, TEXTS
from sandbox.salesforce.soql_parse import Compare, Condition, Literal, Logic, Member, fault
from sandbox.salesforce.table import Row, Table, folded
from sandbox.salesforce.values import MULTILINE_MIN

if TYPE_CHECKING:
    from sandbox.salesforce.soql import Plan, Way

Test = Callable[[Row], bool]
_SIGNS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


class Bounds(NamedTuple):
    """Between which SystemModstamps all hits lie; None is open."""

    low: datetime | None
    high: datetime | None


class Span(NamedTuple):
    """A relative date: from its first instant or day up to, not including, its end."""

    start: Any
    end: Any


class Filter:
    """A WHERE clause made ready. `test` says whether a row is a hit."""

    def __init__(self, plan: Plan, where: Condition) -> None:
        self.plan, self.where = plan, where
        self._members: dict[int, frozenset[Any]] = {}
        self.test = self._compiled(where)

    def _compiled(self, one: Condition) -> Test:
        if isinstance(one, Logic):
            parts = [self._compiled(part) for part in one.parts]
            if one.op == "not":
                return lambda row: not parts[0](row)
            together = all if one.op == "and" else any
            return lambda row: together(part(row) for part in parts)
        if isinstance(one, Member):
            return self._member(one)
        return self._compare(one)

    def _compare(self, one: Compare) -> Test:
        way = self._filterable(one)
        read = self.plan.value_of(way)
        if one.op == "like":
            if way.field.type not in TEXTS:
                raise self._operator(way, "like")
            pattern = _like(one.value.value)
            return lambda row: (value := read(row)) is not None and pattern.fullmatch(value) is not None
        wanted = self._converted(way, one.value)
        if isinstance(wanted, Span):
            return _spanned(read, one.op, wanted)
        key = _key(way)
        if one.op in ("=", "!="):
            equal, target = one.op == "=", key(wanted)
            return lambda row: (key(read(row)) == target) is equal
        if way.field.type == "boolean" or wanted is None:
            raise self._operator(way, one.op)
        sign, limit = _SIGNS[one.op], key(wanted)
        return lambda row: (value := read(row)) is not None and sign(key(value), limit)

    def _member(self, one: Member) -> Test:
        way = self._filterable(one)
        read, wanted = self.plan.value_of(way), self._wanted(one, way)
        key = _key(way)
        return lambda row: (key(read(row)) in wanted) is not one.negated

    def _wanted(self, one: Member, way: Way) -> frozenset[Any]:
        if id(one) not in self._members:
            if isinstance(one.values, list):
                found: list[Any] = [self._converted(way, value) for value in one.values]
            else:
                found = self._joined(one)
            key = _key(way)
            self._members[id(one)] = frozenset(key(value) for value in found)
        return self._members[id(one)]

    def _joined(self, one: Member) -> list[Any]:
        """The values of a semi-join's inner query."""
        from sandbox.salesforce.soql import Plan, shape_of

        if isinstance(one.values, list) or len(one.values.fields) != 1 or one.values.children:
            raise Refused("MALFORMED_QUERY", "a semi join sub-select must select exactly one field")
        org = self.plan.org
        inner = Plan(org, one.values, shape_of(org, one.values), all_rows=False, depth=1)
        read = inner.value_of(inner.ways[0])
        return [value for row in inner.rows() if (value := read(row)) is not None]

    def _filterable(self, one: Compare | Member) -> Way:
        way = self.plan.way(one.path)
        if way.field.type == "textarea" and way.field.length >= MULTILINE_MIN:
            text = f"field '{way.field.name}' can not be filtered in a query call"
            raise fault(self.plan.query.text, one.path.at, text, "INVALID_FIELD")
        return way

    def _operator(self, way: Way, sign: str) -> Refused:
        text = f"invalid operator '{sign}' on {way.field.type} field: {way.field.name}"
        return Refused("INVALID_QUERY_FILTER_OPERATOR", text)

    def _converted(self, way: Way, literal: Literal) -> Any:
        kind, wanted = way.field.type, literal.kind
        if wanted == "null":
            return None
        if kind in REFERENCES and wanted == "string":
            whole = ids.whole(literal.value)
            if whole is None and literal.value:
                text = f"invalid ID field: {literal.value}"
                raise fault(self.plan.query.text, literal.at, text, "INVALID_QUERY_FILTER_OPERATOR")
            return whole
        fits = {"boolean": "boolean", "date": "date", "datetime": "datetime"}.get(kind, "string")
        fits = "number" if kind in NUMBERS or kind == "int" else fits
        if wanted == "relative" and kind in ("date", "datetime"):
            return _span(literal.value, self.plan.org.now(), days=kind == "date")
        if wanted != fits:
            quoted = (
                "should be enclosed in quotes" if fits == "string" else "should not be enclosed in quotes"
            )
            shown = {"datetime": "dateTime", "reference": "ID", "id": "ID"}.get(kind, kind)
            shown = "string" if kind in TEXTS else shown
            text = (
                f"value of filter criterion for field '{way.field.name}' must be of type {shown} and {quoted}"
            )
            raise fault(self.plan.query.text, literal.at, text, "INVALID_FIELD")
        if kind == "datetime":
            return literal.value.astimezone(UTC)
        return (literal.value or None) if fits == "string" else literal.value

    def ids(self, table: Table) -> list[str] | None:
        """The only rows that can be hits, where an index knows; None: ask elsewhere."""
        found = self._ids(self.where, table)
        return None if found is None else sorted(found)

    def _ids(self, one: Condition, table: Table) -> set[str] | None:
        if isinstance(one, Logic):
            parts = [self._ids(part, table) for part in one.parts] if one.op != "not" else []
            known = [part for part in parts if part is not None]
            if one.op == "and" and known:
                return min(known, key=len)
            return set().union(*known) if known and one.op == "or" and len(known) == len(parts) else None
        way = self.plan.way(one.path)
        if way.parents or not (way.field.name == "Id" or table.indexed(way.field.name)):
            return None
        if isinstance(one, Member):
            wanted = None if one.negated else self._wanted(one, way)
        else:
            wanted = frozenset((self._converted(way, one.value),)) if one.op == "=" else None
        if wanted is None or None in wanted:
            return None
        if way.field.name == "Id":
            return set(wanted)
        return {hit for value in wanted for hit in table.holding(way.field.name, value)}

    def bounds(self) -> Bounds:
        """What the clause says about SystemModstamp."""
        return self._bounds(self.where)

    def _bounds(self, one: Condition) -> Bounds:
        if isinstance(one, Logic) and one.op != "not":
            parts = [self._bounds(part) for part in one.parts]
            lows, highs = [p.low for p in parts if p.low], [p.high for p in parts if p.high]
            if one.op == "and":
                return Bounds(max(lows, default=None), min(highs, default=None))
            whole = len(parts)
            return Bounds(
                min(lows) if len(lows) == whole else None, max(highs) if len(highs) == whole else None
            )
        if not isinstance(one, Compare) or [name.lower() for name in one.path.names] != ["systemmodstamp"]:
            return Bounds(None, None)
        value = self._converted(self.plan.way(one.path), one.value)
        if not isinstance(value, datetime):
            return Bounds(None, None)
        return Bounds(
            value if one.op in (">", ">=", "=") else None, value if one.op in ("<", "<=", "=") else None
        )


def _key(way: Way) -> Callable[[Any], Any]:
    """How values are compared: ids as they are, texts without regard to case."""
    return _same if way.field.type in REFERENCES else folded


def _same(value: Any) -> Any:
    return value


def _like(raw: str) -> re.Pattern[str]:
    """% is any run, _ one character; a backslash takes the meaning away."""
    parts = []
    for hit in re.finditer(r"\\(.)|(.)", raw, re.DOTALL):
        escaped, plain = hit.groups()
        parts.append(re.escape(escaped) if escaped else {"%": ".*", "_": "."}.get(plain, re.escape(plain)))
    return re.compile("".join(parts), re.IGNORECASE | re.DOTALL)


def _spanned(read: Callable[[Row], Any], sign: str, span: Span) -> Test:
    tests: dict[str, Callable[[Any], bool]] = {
        "=": lambda value: span.start <= value < span.end,
        "!=": lambda value: not span.start <= value < span.end,
        "<": lambda value: bool(value < span.start),
        "<=": lambda value: bool(value < span.end),
        ">": lambda value: bool(value >= span.end),
        ">=": lambda value: bool(value >= span.start),
    }
    return lambda row: (value := read(row)) is not None and tests[sign](value)


def _span(wanted: tuple[str, int], now: datetime, *, days: bool) -> Span:
    """Days in UTC: the simulated user's time zone."""
    word, count = wanted
    today = now.astimezone(UTC).date()
    month, year = today.replace(day=1), today.replace(month=1, day=1)
    one = timedelta(days=1)
    known = {
        "TODAY": (today, today + one),
        "YESTERDAY": (today - one, today),
        "TOMORROW": (today + one, today + 2 * one),
        "LAST_N_DAYS": (today - count * one, today + one),
        "NEXT_N_DAYS": (today + one, today + (count + 1) * one),
        "THIS_MONTH": (month, (month + 32 * one).replace(day=1)),
        "LAST_MONTH": ((month - one).replace(day=1), month),
        "THIS_YEAR": (year, year.replace(year=year.year + 1)),
        "LAST_YEAR": (year.replace(year=year.year - 1), year),
    }
    start, end = known[word]
    return Span(start, end) if days else Span(_midnight(start), _midnight(end))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
