"""The tables that queries run on: an in-memory database that follows the books, write by write."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sandbox.netsuite.books import Gone
from sandbox.netsuite.fields import RECORDS, REFS
from sandbox.netsuite.refusals import bad_query
from sandbox.netsuite.render import display
from sandbox.netsuite.rules import Rules, local
from sandbox.netsuite.tables import SCHEMA, TableRow, View, columns

_SQL_TYPES = {"int": "INTEGER", "num": "REAL", "text": "TEXT", "bool": "TEXT", "date": "TEXT"}
_INDEXES = {
    "transaction": ["id", "externalid", "type, lastmodifieddate, id", "entity", "tranid"],
    "transactionline": ["[transaction], id", "createdfrom", "uniquekey"],
    "nexttransactionlinelink": ["previousdoc", "nextdoc", "_owner"],
    "previoustransactionlinelink": ["previousdoc", "nextdoc", "_owner"],
    "transactionaccountingline": ["[transaction]"],
    "customer": ["id", "entityid", "externalid", "companyname", "email", "lastmodifieddate"],
    "item": ["id", "itemid", "externalid", "upccode"],
}
_OWNERS = {
    "transaction": "id",
    "transactionline": "transaction",
    "nexttransactionlinelink": "_owner",
    "previoustransactionlinelink": "_owner",
    "transactionaccountingline": "transaction",
}
_MASKS = (("YYYY", "%Y"), ("MM", "%m"), ("DD", "%d"), ("HH24", "%H"), ("MI", "%M"), ("SS", "%S"))
_STORED = "%Y-%m-%d %H:%M:%S"
SHOWN_DATE = "%m/%d/%Y"


class Store:
    """The database of one account. Every question first takes in what was written since."""

    def __init__(self, rules: Rules) -> None:
        self.rules, self.view = rules, View(rules)
        self.made_for: Any = None
        self.gone = 0
        self.problem = ""
        self.columns: dict[str, dict[str, str]] = {}
        self.base = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._functions()

    def run(self, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """The rows of a translated query. Raises Refusal for what goes wrong while it runs."""
        self.problem = ""
        try:
            return self.base.execute(sql, values).fetchall()
        except sqlite3.Error as wrong:
            raise bad_query(self.problem or f"Invalid or unsupported search: {wrong}") from None

    def refresh(self) -> None:
        """Follow the books; start over where the account's own settings changed."""
        preferences, books = self.rules.preferences, self.rules.books
        now_for = (preferences.time_zone, preferences.closed_through, tuple(books.custom_fields.items()))
        self.base.execute("BEGIN")
        if now_for != self.made_for:
            self._start_over()
            self.made_for = now_for
        for type, id in list(books.touched):
            self._take(type, id)
        books.touched.clear()
        for gone in books.gone[self.gone :]:
            self._deleted(gone)
        self.base.execute("COMMIT")

    def _start_over(self) -> None:
        self.columns = {name: columns(name, self.rules.books.custom_fields) for name in SCHEMA}
        for name, known in self.columns.items():
            told = ", ".join(f"[{column}] {_SQL_TYPES[type]}" for column, type in known.items())
            self.base.execute(f"DROP TABLE IF EXISTS [{name}]")
            self.base.execute(f"CREATE TABLE [{name}] ({told})")
            for n, words in enumerate(_INDEXES.get(name, ())):
                self.base.execute(f"CREATE INDEX [{name}{n}] ON [{name}] ({words})")
        for name, row in self.view.lists():
            self._insert(name, row)
        self.gone = 0
        self.rules.books.touched.update(dict.fromkeys((r.type, r.id) for r in self.rules.books.all()))

    def _take(self, type: str, id: str) -> None:
        sequence = RECORDS[type].sequence
        names = {"entity": ("customer",), "item": ("item",)}.get(sequence, tuple(_OWNERS))
        for name in names:
            self.base.execute(f"DELETE FROM [{name}] WHERE [{_OWNERS.get(name, 'id')}] = ?", (int(id),))  # noqa: S608 - names come from our own tables
        row = self.rules.books.records[type].get(id)
        for name, told in self.view.rows(row) if row else ():
            self._insert(name, told)

    def _insert(self, table: str, row: TableRow) -> None:
        known = self.columns[table]
        named = [(k, _stored(v, known[k])) for k, v in row.items() if v is not None and k in known]
        names, marks = ", ".join(f"[{k}]" for k, _ in named), ", ".join("?" * len(named))
        self.base.execute(f"INSERT INTO [{table}] ({names}) VALUES ({marks})", [v for _, v in named])  # noqa: S608 - names come from our own tables

    def _deleted(self, gone: Gone) -> None:
        self.gone += 1
        self._insert(
            "deletedrecord",
            {
                "recordid": gone.id,
                "recordtypeid": gone.type.lower(),
                "type": gone.type.lower(),
                "scriptid": gone.type.lower(),
                "name": gone.name,
                "deleteddate": self.view.at(gone.at),
                "deletedby": 1,
                "iscustomlist": False,
                "context": "UIF",
                "_n": self.gone,
            },
        )

    def _functions(self) -> None:
        self.base.execute("PRAGMA case_sensitive_like = ON")
        functions: Mapping[str, tuple[int, Any]] = {
            "ns_parse": (2, self._parse),
            "ns_format": (2, _format),
            "ns_shown": (1, lambda value: _format(value, "MM/DD/YYYY")),
            "ns_days": (2, _add_days),
            "ns_between": (2, _days_between),
            "ns_now": (0, self._now),
            "ns_df": (2, self._display),
        }
        for name, (count, function) in functions.items():
            self.base.create_function(name, count, function)

    def _now(self) -> str:
        return local(self.rules.books.now(), self.rules.preferences.time_zone).strftime(_STORED)

    def _parse(self, text: Any, mask: Any) -> str | None:
        if text is None:
            return None
        try:
            return datetime.strptime(str(text), _mask(str(mask))).strftime(_STORED)  # noqa: DTZ007 - local time
        except ValueError:
            self.problem = f"date '{text}' does not match the format '{mask}'"
            raise

    def _display(self, column: str, value: Any) -> Any:
        if value is None:
            return None
        return display(self.rules.books, _FIELDS.get(column, column), str(value)) or str(value)


# The table column behind BUILTIN.DF -> the record's field whose display text it is.
_FIELDS = {name.lower(): name for name in REFS} | {
    "previousdoc": "createdFrom",
    "nextdoc": "createdFrom",
    "transaction": "createdFrom",
    "expenseaccount": "account",
}


def _stored(value: Any, type: str) -> Any:
    if isinstance(value, bool):
        return "T" if value else "F"
    if isinstance(value, datetime):
        return value.strftime(_STORED)
    if isinstance(value, date):
        return f"{value.isoformat()} 00:00:00"
    if type == "date":
        return f"{value} 00:00:00"
    if type == "int":
        return int(value) if str(value).isdigit() else str(value)
    return float(value) if isinstance(value, Decimal) else value


def _mask(mask: str) -> str:
    for word, code in _MASKS:
        mask = mask.replace(word, code)
    return mask


def _format(value: Any, mask: str) -> str | None:
    if value is None:
        return None
    if isinstance(value, int | float):
        return shown(value)
    return datetime.strptime(value, _STORED).strftime(_mask(mask))  # noqa: DTZ007 - the account's local time


def _add_days(value: str | None, days: float | None) -> str | None:
    if value is None or days is None:
        return None
    at = datetime.strptime(value, _STORED)  # noqa: DTZ007 - the account's local time
    return (at + timedelta(days=days)).strftime(_STORED)


def _days_between(one: str | None, other: str | None) -> float | None:
    if one is None or other is None:
        return None
    first, second = (datetime.strptime(x, _STORED) for x in (one, other))  # noqa: DTZ007 - local times
    return (first - second).total_seconds() / 86400


def shown(value: Any) -> str:
    """A value as the service gives it: text, numbers without trailing zeros."""
    if isinstance(value, float):
        return f"{Decimal(repr(round(value, 8))).normalize():f}"
    return str(value)
