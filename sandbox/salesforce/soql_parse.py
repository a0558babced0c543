"""SOQL text to a tree: tokens, then recursive descent. Covers what integrations ask, without aggregates."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sandbox.salesforce.refusals import Refused

TEXT_MAX = 100_000  # characters of a SOQL statement
DEPTH_MAX = 20


class Token(NamedTuple):
    """One piece of the text. `at` counts from 0."""

    kind: str
    text: str
    at: int


class Path(NamedTuple):
    """A field by its way from the queried object: ("Account", "Name")."""

    names: tuple[str, ...]
    at: int


class Literal(NamedTuple):
    """A value in the text. kind: string, like, number, boolean, null, date, datetime or relative."""

    kind: str
    value: Any
    at: int


class Compare(NamedTuple):
    """path op value."""

    path: Path
    op: str
    value: Literal


class Member(NamedTuple):
    """path [NOT] IN (values), or a subquery that yields them."""

    path: Path
    negated: bool
    values: list[Literal] | Query


class Logic(NamedTuple):
    """Parts joined by AND, by OR, or the one after NOT."""

    op: str
    parts: tuple[Condition, ...]


class Order(NamedTuple):
    """One ORDER BY term."""

    path: Path
    descending: bool
    nulls_last: bool


class Query(NamedTuple):
    """A parsed statement. `fields` may hold the word of FIELDS(...) as a Path ("FIELDS", "ALL")."""

    text: str
    fields: list[Path]
    children: list[Query]
    counted: bool
    sobject: Token
    alias: str
    where: Condition | None
    order: list[Order]
    limit: int | None
    offset: int


Condition = Compare | Member | Logic

_TOKENS = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<string>'(?:[^'\\]|\\.)*')"
    r"|(?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))"
    r"|(?P<date>\d{4}-\d\d-\d\d(?!T))"
    r"|(?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?![\w-]))"
    r"|(?P<name>[A-Za-z]\w*(?:\.[A-Za-z]\w*)*)"
    r"|(?P<op><=|>=|!=|<>|[=<>(),:])",
    re.DOTALL | re.ASCII,
)
_KEYWORDS = frozenset(
    [
        "select",
        "from",
        "where",
        "order",
        "limit",
        "offset",
        "and",
        "or",
        "not",
        "in",
        "like",
        "group",
        "having",
        "for",
        "using",
    ]
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "'": "'", '"': '"', "\\": "\\"}
_RELATIVE = frozenset(
    ["TODAY", "YESTERDAY", "TOMORROW", "THIS_MONTH", "LAST_MONTH", "THIS_YEAR", "LAST_YEAR"]
)
_RELATIVE_N = frozenset(("LAST_N_DAYS", "NEXT_N_DAYS"))


def fault(text: str, at: int, message: str, code: str = "MALFORMED_QUERY") -> Refused:
    """The refusal with the place shown, as Salesforce does it."""
    start = max(0, at - 30)
    shown = text[start : at + 30].replace("\n", " ")
    row, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    caret = " " * (at - start) + "^"
    return Refused(code, f"\n{shown}\n{caret}\nERROR at Row:{row}:Column:{column}\n{message}")


def parse(text: str) -> Query:
    """The tree of a statement. Raises Refused MALFORMED_QUERY."""
    if len(text) > TEXT_MAX:
        raise Refused("QUERY_TOO_COMPLICATED", "SOQL statements cannot be longer than 100000 characters.")
    if not text.strip():
        raise Refused("MALFORMED_QUERY", "A query string has to be specified")
    parser = _Parser(text, _tokens(text))
    found = parser.query(0)
    parser.end()
    return found


def _tokens(text: str) -> list[Token]:
    found, at = [], 0
    while at < len(text):
        hit = _TOKENS.match(text, at)
        if hit is None:
            sign = (
                "unexpected char: '" + text[at] + "'" if text[at] != "'" else "line 1: missing closing quote"
            )
            raise fault(text, at, sign)
        if hit.lastgroup != "space":
            found.append(Token(hit.lastgroup or "", hit.group(), at))
        at = hit.end()
    return [*found, Token("end", "<EOF>", len(text))]


class _Parser:
    def __init__(self, text: str, tokens: Sequence[Token]) -> None:
        self.text, self.tokens, self.at = text, tokens, 0

    @property
    def next(self) -> Token:
        return self.tokens[self.at]

    def take(self) -> Token:
        token = self.next
        self.at += token.kind != "end"
        return token

    def unexpected(self, token: Token | None = None) -> Refused:
        token = token or self.next
        return fault(self.text, token.at, f"unexpected token: '{token.text}'")

    def is_word(self, *words: str) -> bool:
        return self.next.kind == "name" and self.next.text.lower() in words

    def skip(self, sign: str) -> bool:
        """Take a sign or keyword when it comes next."""
        token = self.next
        if token.kind in ("op", "name") and token.text.lower() == sign:
            self.at += 1
            return True
        return False

    def expect(self, sign: str) -> None:
        if not self.skip(sign):
            raise self.unexpected()

    def name(self) -> Token:
        if self.next.kind != "name" or self.next.text.lower() in _KEYWORDS:
            raise self.unexpected()
        return self.take()

    def path(self) -> Path:
        token = self.name()
        return Path(tuple(token.text.split(".")), token.at)

    def end(self) -> None:
        if self.next.kind != "end":
            raise self.unexpected()

    def query(self, depth: int) -> Query:
        self.expect("select")
        fields, children, counted = self.selected(depth)
        self.expect("from")
        is_order = self.is_word("order")  # the one keyword that is an object too
        sobject = self.take() if is_order else self.name()
        alias = ""
        if self.next.kind == "name" and self.next.text.lower() not in _KEYWORDS:
            alias = self.take().text
        where = self.condition(depth) if self.skip("where") else None
        order = self.ordering()
        limit = self.count() if self.skip("limit") else None
        offset = self.count() if self.skip("offset") else 0
        if offset > 2000:
            raise Refused("NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000")
        return Query(self.text, fields, children, counted, sobject, alias, where, order, limit, offset)

    def selected(self, depth: int) -> tuple[list[Path], list[Query], bool]:
        fields: list[Path] = []
        children: list[Query] = []
        while True:
            if self.skip("("):
                if depth:
                    raise self.unexpected(self.tokens[self.at - 1])
                children.append(self.query(depth + 1))
                self.expect(")")
            elif self.is_word("count", "fields") and self.tokens[self.at + 1].text == "(":
                if self.function(fields):
                    return [], [], True
            else:
                fields.append(self.path())
                if self.next.text == "(":
                    raise fault(self.text, self.next.at, "aggregates and functions are not simulated")
            if not self.skip(","):
                return fields, children, False

    def function(self, fields: list[Path]) -> bool:
        """COUNT() is true; FIELDS(x) joins the fields."""
        word = self.take()
        self.expect("(")
        if word.text.lower() == "count":
            self.expect(")")
            return True
        fields.append(Path(("FIELDS", self.name().text.upper()), word.at))
        self.expect(")")
        return False

    def count(self) -> int:
        token = self.take()
        if token.kind != "number" or not token.text.isdigit():
            raise self.unexpected(token)
        return int(token.text)

    def ordering(self) -> list[Order]:
        if not self.skip("order"):
            return []
        self.expect("by")
        found = []
        while True:
            path = self.path()
            descending = self.skip("desc")
            if not descending:
                self.skip("asc")
            last = False
            if self.skip("nulls"):
                last = self.skip("last")
                if not last:
                    self.expect("first")
            found.append(Order(path, descending, last))
            if not self.skip(","):
                return found

    def condition(self, depth: int) -> Condition:
        """Terms joined by AND or by OR; both in one chain need parentheses."""
        if depth > DEPTH_MAX:
            raise fault(self.text, self.next.at, "query is nested too deeply")
        parts = [self.term(depth)]
        joint = "and" if self.is_word("and") else "or"
        while self.skip(joint):
            parts.append(self.term(depth))
        if self.is_word("and", "or"):
            raise self.unexpected()
        return parts[0] if len(parts) == 1 else Logic(joint, tuple(parts))

    def term(self, depth: int) -> Condition:
        if self.skip("not"):
            return Logic("not", (self.term(depth + 1),))
        if self.skip("("):
            inner = self.condition(depth + 1)
            self.expect(")")
            return inner
        path = self.path()
        negated = self.skip("not")
        if negated or self.is_word("in"):
            self.expect("in")
            return Member(path, negated, self.members(depth))
        if self.skip("like"):
            token = self.take()
            if token.kind != "string":
                raise self.unexpected(token)
            return Compare(path, "like", Literal("like", token.text[1:-1], token.at))
        sign = self.take()
        if sign.kind != "op" or sign.text in "(),:":
            raise self.unexpected(sign)
        return Compare(path, "!=" if sign.text == "<>" else sign.text, self.literal())

    def members(self, depth: int) -> list[Literal] | Query:
        self.expect("(")
        if self.is_word("select"):
            inner = self.query(depth + 1)
            self.expect(")")
            return inner
        found = [self.literal()]
        while self.skip(","):
            found.append(self.literal())
        self.expect(")")
        return found

    def literal(self) -> Literal:
        token = self.take()
        if token.kind == "string":
            return Literal("string", _unescaped(self.text, token), token.at)
        if token.kind == "number":
            return Literal("number", Decimal(token.text), token.at)
        if token.kind in ("date", "datetime"):
            try:
                kind = datetime if token.kind == "datetime" else date
                return Literal(token.kind, kind.fromisoformat(token.text), token.at)
            except ValueError:
                raise fault(self.text, token.at, f"line 1:{token.at} invalid date: {token.text}") from None
        if token.kind == "name":
            return self.word(token)
        raise self.unexpected(token)

    def word(self, token: Token) -> Literal:
        word = token.text.upper()
        if word in ("TRUE", "FALSE"):
            return Literal("boolean", word == "TRUE", token.at)
        if word == "NULL":
            return Literal("null", None, token.at)
        if word in _RELATIVE:
            return Literal("relative", (word, 0), token.at)
        if word in _RELATIVE_N:
            self.expect(":")
            return Literal("relative", (word, self.count()), token.at)
        raise self.unexpected(token)


def _unescaped(text: str, token: Token) -> str:
    def plain(hit: re.Match[str]) -> str:
        if hit.group(1)[0] == "u" and len(hit.group(1)) == 5:
            return chr(int(hit.group(1)[1:], 16))
        if hit.group(1) not in _ESCAPES:
            sign = f"Illegal character sequence '\\{hit.group(1)}' in string literal."
            raise fault(text, token.at + hit.start() + 1, f"Invalid string literal {token.text}. {sign}")
        return _ESCAPES[hit.group(1)]

    return re.sub(r"\\(u[0-9a-fA-F]{4}|.)", plain, token.text[1:-1], flags=re.DOTALL)
