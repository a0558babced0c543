"""SuiteQL: queries as the service takes them, run on tables that follow the books."""

from __future__ import annotations

from typing import Any, NamedTuple

from sandbox.netsuite.ql_values import Values
from sandbox.netsuite.ql_words import RESERVED, Node, Scope, Source, Tokens
from sandbox.netsuite.refusals import bad_query
from sandbox.netsuite.store import Store, shown

ROWS_MAX = 100_000  # of one query, whatever its paging
_JOINS = {
    ("JOIN",): "JOIN",
    ("INNER", "JOIN"): "JOIN",
    ("LEFT", "JOIN"): "LEFT JOIN",
    ("LEFT", "OUTER", "JOIN"): "LEFT JOIN",
    ("RIGHT", "JOIN"): "RIGHT JOIN",
    ("RIGHT", "OUTER", "JOIN"): "RIGHT JOIN",
    ("FULL", "OUTER", "JOIN"): "FULL JOIN",
    ("CROSS", "JOIN"): "CROSS JOIN",
}


class Selected(NamedTuple):
    """A translated query: its SQL and the names and types of what it gives."""

    sql: str
    columns: list[tuple[str, str]]
    limited: bool = False


class Translator:
    """Recursive descent over one query, from SuiteQL to the engine's SQL."""

    def __init__(self, q: str, store: Store) -> None:
        self.tokens, self.store = Tokens(q), store

    def whole(self) -> Selected:
        """The query. Raises Refusal for what SuiteQL does not have, or this account does not have."""
        made = self._union(None)
        if self.tokens.at < len(self.tokens.words):
            raise bad_query(f"unexpected '{self.tokens.take()}'")
        return made

    def _inner(self, outer: Scope) -> Node:
        """A subquery used as a value or list."""
        self.tokens.deeper()
        made = self._union(outer)
        self.tokens.depth -= 1
        return Node(made.sql, made.columns[0][1] if made.columns else "text")

    def _union(self, outer: Scope | None) -> Selected:
        made = self._select(outer)
        sql = made.sql
        while self.tokens.accept("UNION"):
            every = "ALL " if self.tokens.accept("ALL") else ""
            more = self._select(outer)
            if len(more.columns) != len(made.columns):
                raise bad_query("queries of a UNION need the same number of columns")
            sql += f" UNION {every}{more.sql}"
        return Selected(sql, made.columns, made.limited)

    def _select(self, outer: Scope | None) -> Selected:
        tokens = self.tokens
        tokens.take("SELECT")
        distinct = "DISTINCT " if tokens.accept("DISTINCT") else ""
        top = tokens.take() if tokens.accept("TOP") else ""
        start, scope = tokens.at, Scope(outer=outer)
        values = Values(tokens, scope, self._inner)
        tokens.at = tokens.past("FROM") + 1
        sources = self._sources(scope, values)
        after, tokens.at = tokens.at, start
        columns, told = self._columns(scope, values)
        if tokens.peek() != "FROM":
            raise bad_query(f"unexpected '{tokens.peek()}', expected FROM")
        tokens.at = after
        sql = f"SELECT {distinct}{told} FROM {sources}"  # noqa: S608 - names come from our own tables
        if tokens.accept("WHERE"):
            sql += f" WHERE {values.condition().sql}"
        if tokens.accept("GROUP", "BY"):
            sql += f" GROUP BY {self._list(values)}"
        if tokens.accept("HAVING"):
            sql += f" HAVING {values.condition().sql}"
        if tokens.accept("ORDER", "BY"):
            sql += f" ORDER BY {self._order(scope, values, columns)}"
        rows = self._rows(top)
        return Selected(sql + rows, columns, bool(rows))

    def _list(self, values: Values) -> str:
        found = [values.value().sql]
        while self.tokens.accept(","):
            found.append(values.value().sql)
        return ", ".join(found)

    def _rows(self, top: str) -> str:
        skip = ""
        if self.tokens.accept("OFFSET"):
            skip = f" OFFSET {self._whole_number(self.tokens.take())}"
            self.tokens.take()  # ROW or ROWS
        if self.tokens.accept("FETCH"):
            self.tokens.take()  # FIRST or NEXT
            top = self.tokens.take()
            self.tokens.take()
            self.tokens.take("ONLY")
        limit = f" LIMIT {self._whole_number(top)}" if top else " LIMIT -1" if skip else ""
        return limit + skip

    def _whole_number(self, word: str) -> str:
        if not word.isdigit():
            raise bad_query(f"'{word}' is not a number of rows")
        return word

    def _sources(self, scope: Scope, values: Values) -> str:
        sql = self._source(scope)
        while True:
            if self.tokens.accept(","):
                sql += f" CROSS JOIN {self._source(scope)}"
                continue
            join = next((how for words, how in _JOINS.items() if self.tokens.accept(*words)), "")
            if not join:
                return sql
            sql += f" {join} {self._source(scope)}"
            if join != "CROSS JOIN":
                self.tokens.take("ON")
                sql += f" ON {values.condition().sql}"

    def _source(self, scope: Scope) -> str:
        if self.tokens.accept("("):
            self.tokens.deeper()
            made = self._union(scope.outer)
            self.tokens.take(")")
            self.tokens.depth -= 1
            alias = self._alias() or f"q{self.tokens.at}"
            scope.sources.append(Source(alias, "", dict(made.columns)))
            return f"({made.sql}) AS [{alias}]"
        name = self.tokens.take().lower()
        known = self.store.columns.get(name)
        if known is None:
            raise bad_query(f"Record '{name}' was not found.")
        alias = self._alias() or name
        scope.sources.append(Source(alias, name, known))
        return f"[{name}] AS [{alias}]"

    def _alias(self) -> str:
        named = self.tokens.accept("AS")
        word = self.tokens.peek()
        if named or (word and word not in RESERVED and (word[0].isalpha() or word[0] in '_"')):
            return self.tokens.take().strip('"').lower()
        return ""

    def _columns(self, scope: Scope, values: Values) -> tuple[list[tuple[str, str]], str]:
        found: list[tuple[str, Node]] = []
        while True:
            word = self.tokens.peek()
            if word == "*" or word.endswith(".*"):
                found += self._every(scope, self.tokens.take()[:-2].lower())
            else:
                node = values.value()
                name = self._alias() or node.column or f"expr{len(found) + 1}"
                found.append((name, node))
            if not self.tokens.accept(","):
                break
        sql = ", ".join(f"{node.sql} AS [{name}]" for name, node in found)
        return [(name, node.type) for name, node in found], sql

    def _every(self, scope: Scope, owner: str) -> list[tuple[str, Node]]:
        return [
            (name, Node(f"[{source.alias}].[{name}]", type))
            for source in scope.sources
            if owner in ("", source.alias)
            for name, type in source.columns.items()
            if name[0] != "_"
        ]

    def _order(self, scope: Scope, values: Values, columns: list[tuple[str, str]]) -> str:
        names = {name for name, _ in columns}
        found = []
        while True:
            word = self.tokens.peek()
            plain = word.lower() in names and self.tokens.peek(1) in ("", ",", "ASC", "DESC", ")", "FETCH")
            sql = f"[{self.tokens.take().lower()}]" if plain else values.value().sql
            down = self.tokens.accept("DESC") or (self.tokens.accept("ASC") and False)
            nulls = "FIRST" if down else "LAST"  # as Oracle has it
            if self.tokens.accept("NULLS"):
                nulls = self.tokens.take().upper()
            found.append(f"{sql}{' DESC' if down else ''} NULLS {nulls}")
            if not self.tokens.accept(","):
                return ", ".join(found)


class Answer(NamedTuple):
    """One page of a query's rows, and how many rows there are in all."""

    rows: list[dict[str, Any]]
    total: int


def run(store: Store, q: str, limit: int, offset: int) -> Answer:
    """A page of rows; null columns are left out. Raises Refusal for what cannot be understood."""
    store.refresh()
    made = Translator(q, store).whole()
    [(count,)] = store.run(f"SELECT count(*) FROM ({made.sql})")  # noqa: S608 - names come from our own tables
    total = min(count, ROWS_MAX)
    wanted = max(min(limit, total - offset), 0)
    whole = f"SELECT * FROM ({made.sql})" if made.limited else made.sql  # noqa: S608 - names come from our own tables
    rows = store.run(f"{whole} LIMIT ? OFFSET ?", (wanted, offset)) if wanted else []
    return Answer([_row(made, row) for row in rows], total)


def _row(made: Selected, row: tuple[Any, ...]) -> dict[str, Any]:
    told: dict[str, Any] = {"links": []}
    for (name, type), value in zip(made.columns, row, strict=True):
        if value is not None:
            told[name] = _day(value) if type == "date" else shown(value)
    return told


def _day(value: str) -> str:
    """Dates lose their time: the format of the user's preferences."""
    return f"{value[5:7]}/{value[8:10]}/{value[:4]}"
