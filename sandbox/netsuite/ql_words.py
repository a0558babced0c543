"""The words of SuiteQL: tokens, what a part of a query is worth, and which names it may use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from sandbox.netsuite.fields import table
from sandbox.netsuite.refusals import bad_query

QUERY_MAX = 200_000  # characters
LIST_MAX = 1000  # Oracle refuses a longer IN list
DEPTH_MAX = 50
_TOKEN = re.compile(
    r"\s*(?:--[^\n]*\n\s*|/\*.*?\*/\s*)*"
    r"('(?:[^']|'')*'|\"[^\"]+\"|\d+(?:\.\d+)?|[A-Za-z_]\w*(?:\.\w+)*(?:\.\*)?|<>|!=|<=|>=|\|\||[=<>(),*+/-])",
    re.S,
)
RESERVED = frozenset(
    table(
        "SELECT FROM WHERE GROUP ORDER HAVING UNION JOIN INNER LEFT RIGHT FULL OUTER CROSS ON FETCH OFFSET "
        "AND OR NOT IN IS LIKE BETWEEN WHEN THEN ELSE END ASC DESC NULLS LIMIT AS BY EXISTS CASE DISTINCT"
    )
)


class Node(NamedTuple):
    """A translated part: its SQL, its type (int num text bool date, condition, literal), and its column."""

    sql: str
    type: str
    column: str = ""  # where it is a plain column: its name
    table: str = ""
    alias: str = ""
    text: str = ""  # where it is a literal text: the text itself


@dataclass
class Source:
    """A table or subquery that a query reads."""

    alias: str
    table: str  # empty for a subquery
    columns: Mapping[str, str]


@dataclass
class Scope:
    """The sources a name may come from; `outer` belongs to the query around a subquery."""

    sources: list[Source] = field(default_factory=list)
    outer: Scope | None = None

    def find(self, name: str) -> Node:
        """A column by its name, with or without its table. Raises Refusal where there is none, or two."""
        owner, _, column = name.lower().rpartition(".")
        hits = [
            source
            for source in self.sources
            if column in source.columns and (not owner or owner == source.alias) and column[0] != "_"
        ]
        if len(hits) > 1 and not owner:
            raise bad_query(f"Column '{column}' is ambiguous: name its table.")
        if hits:
            source = hits[0]
            sql = f"[{source.alias}].[{column}]"
            return Node(sql, source.columns[column], column, source.table, source.alias)
        if self.outer is not None:
            return self.outer.find(name)
        raise bad_query(f"Unknown identifier '{name.lower()}'.")


class Tokens:
    """A query's words, read one after another."""

    def __init__(self, q: str) -> None:
        self.words = _split(q)
        self.at = 0
        self.depth = 0

    def peek(self, ahead: int = 0) -> str:
        """The word to come, in upper case unless it is a literal; empty at the end."""
        place = self.at + ahead
        word = self.words[place] if place < len(self.words) else ""
        return word if word.startswith("'") else word.upper()

    def take(self, wanted: str = "") -> str:
        """The next word as written. Raises Refusal where another one was needed."""
        word = self.words[self.at] if self.at < len(self.words) else ""
        if not word or (wanted and word.upper() != wanted):
            raise bad_query(
                f"unexpected '{word or 'end of query'}'" + (f", expected {wanted}" * bool(wanted))
            )
        self.at += 1
        return word

    def accept(self, *wanted: str) -> bool:
        """Take these words if they are the next ones."""
        if all(self.peek(n) == word for n, word in enumerate(wanted)):
            self.at += len(wanted)
            return True
        return False

    def deeper(self) -> None:
        """One more bracket is open. Raises Refusal where there are too many."""
        self.depth += 1
        if self.depth > DEPTH_MAX:
            raise bad_query("too many nested conditions")

    def past(self, word: str) -> int:
        """Where a word stands at this depth of brackets, seen from here."""
        depth, place = 0, self.at
        while place < len(self.words):
            now = self.words[place]
            if depth == 0 and now.upper() == word:
                return place
            depth += (now == "(") - (now == ")")
            if depth < 0:
                break
            place += 1
        raise bad_query(f"expected {word}")


def _split(q: str) -> list[str]:
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
