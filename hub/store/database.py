"""One database: opening it, its clock, and its transactions."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Double, Engine, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from hub.errors import Conflict
from hub.failpoints import failpoint

POOL = 24
AT_ONCE = (64, 48, 32, 24, 16, 12, 8, 6, 4, 3, 2, 1)  # rows of one INSERT on SQLite
_VALUES = re.compile(r"(.* VALUES )(\(.*\))((?: ON CONFLICT DO NOTHING)?)", re.DOTALL)
_IN_THE_WAY = ("40P01", "40001")  # PostgreSQL: deadlock_detected, serialization_failure


class clock(FunctionElement[float]):
    """Now by the database's clock, in seconds since the epoch; the same throughout one statement."""

    type = Double()
    inherit_cache = True


@compiles(clock, "sqlite")
def _sqlite_clock(element: Any, compiler: Any, **options: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(clock, "postgresql")
def _postgres_clock(element: Any, compiler: Any, **options: Any) -> str:
    return "extract(epoch from statement_timestamp())::float8"


class Database:
    """Connections to SQLite or PostgreSQL.

    On SQLite all writing transactions of the process take one lock: several writing connections would
    busy-wait on the file and stall for seconds.
    """

    def __init__(self, url: str) -> None:
        self.engine: Engine = _open(url)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._one_writer = threading.Lock()
        self._patient = threading.Lock()  # who is not urgent waits here: at most one of them at the door
        self._writer: Connection | None = None  # SQLite's: another connection's commit would empty its cache

    @contextmanager
    def writing(self, *, urgent: bool = False) -> Iterator[Connection]:
        """One durable transaction: committed when the block ends, rolled back when it raises.

        `urgent`: somebody waits for an answer; it goes ahead of the workers.
        """
        if not self.is_sqlite:
            try:
                with self.engine.begin() as conn:
                    yield conn
                    failpoint("commit.before")
            except sa.exc.OperationalError as error:
                if getattr(error.orig, "sqlstate", "") in _IN_THE_WAY:
                    raise Conflict(
                        "another transaction was in the way", code="deadlock", sent=False
                    ) from error
                raise
            failpoint("commit.after")
            return
        with self._turn(urgent), self._own() as conn:
            conn.exec_driver_sql("BEGIN IMMEDIATE")
            yield conn
            failpoint("commit.before")
            conn.exec_driver_sql("COMMIT")
        failpoint("commit.after")

    @contextmanager
    def _own(self) -> Iterator[Connection]:
        """The one writing connection; where it cannot even roll back, the next writer gets a new one."""
        conn = self._writer or self._new_writer()
        self._writer = None
        try:
            yield conn
        except BaseException:
            if not _rolled_back(conn):
                conn.invalidate()
                conn.close()
                raise
            self._writer = conn
            raise
        self._writer = conn

    def _new_writer(self) -> Connection:
        conn = self.engine.connect()
        conn.exec_driver_sql("PRAGMA cache_size=-16000")  # kilobytes; readers have the system's cache
        return conn

    @contextmanager
    def _turn(self, urgent: bool) -> Iterator[None]:
        if urgent:
            with self._one_writer:
                yield
            return
        with self._patient:
            self._one_writer.acquire()
        try:
            yield
        finally:
            self._one_writer.release()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A snapshot to read from; nothing is written."""
        with self.engine.connect() as conn:
            if self.is_sqlite:
                conn.exec_driver_sql("BEGIN")
            try:
                yield conn
            finally:
                if self.is_sqlite:
                    conn.exec_driver_sql("ROLLBACK")

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.engine.dialect.name

    def insert(self, table: Table) -> Any:
        """The dialect's INSERT, which knows ON CONFLICT."""
        return insert_into(self.dialect, table)

    def close(self) -> None:
        """Give the connections back."""
        with self._one_writer:
            if self._writer is not None:
                self._writer.close()
                self._writer = None
        self.engine.dispose()


@cache
def _insert_new(dialect: str, table: Table) -> Any:
    insert = insert_into(dialect, table).on_conflict_do_nothing()
    # psycopg tells no row count for these, so PostgreSQL is asked for the rows themselves
    return insert if dialect == "sqlite" else insert.returning(*table.primary_key.columns)


def insert_new(conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert the rows that break no unique rule, many per statement; returns how many were new."""
    statement = _insert_new(conn.dialect.name, table)
    if conn.dialect.name == "sqlite":
        return insert_many(conn, statement, rows)
    return len(conn.execute(statement, rows).all())


@cache
def _for_driver(statement: Any, names: tuple[str, ...]) -> tuple[str, Sequence[str], Mapping[str, Any]]:
    compiled = statement.compile(dialect=sqlite.dialect(), column_keys=list(names))
    return str(compiled), tuple(compiled.positiontup), dict(compiled.params)


@cache
def _several(statement: Any, names: tuple[str, ...], count: int) -> str:
    """The statement with its VALUES repeated: one step of SQLite, and of the interpreter's lock, for all."""
    sql, order, _ = _for_driver(statement, names)
    if count == 1:
        return sql
    head, values, tail = _VALUES.fullmatch(sql).groups()  # type: ignore[union-attr] # so are all our INSERTs
    assert values.count("?") == len(order), sql
    return head + ", ".join([values] * count) + tail


def insert_many(conn: Connection, statement: Any, rows: Sequence[Mapping[str, Any]]) -> int:
    """Many rows by one prebuilt INSERT; on SQLite straight to the driver, for a third of the time per row.

    There they go in a few fixed sizes: few statements to prepare, and few hand-overs between threads.
    """
    if conn.dialect.name != "sqlite":
        return int(conn.execute(statement, rows).rowcount)
    names = tuple(rows[0])
    _, order, fixed = _for_driver(statement, names)
    stored = at = 0
    while at < len(rows):
        size = next(size for size in AT_ONCE if size <= len(rows) - at)
        given = [
            _plain(row[name] if name in row else fixed[name])
            for row in rows[at : at + size]
            for name in order
        ]
        stored += conn.exec_driver_sql(_several(statement, names, size), tuple(given)).rowcount
        at += size
    return stored


def _plain(value: Any) -> Any:
    """Moments as the tables keep them: seconds since the epoch."""
    return value.timestamp() if value.__class__ is datetime else value


def insert_into(dialect: str, table: Table) -> Any:
    """The INSERT of a dialect, which knows ON CONFLICT."""
    return (sqlite if dialect == "sqlite" else postgresql).insert(table)


def _rolled_back(conn: Connection) -> bool:
    try:
        conn.exec_driver_sql("ROLLBACK")
    except sa.exc.DBAPIError:  # no transaction, a lost file: whatever it is, nothing is to be built on it
        return False
    return True


def _open(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return sa.create_engine(url, pool_size=POOL, max_overflow=8, pool_pre_ping=True)
    engine = sa.create_engine(
        url, pool_size=POOL, max_overflow=8, connect_args={"timeout": 30, "check_same_thread": False},
        isolation_level="AUTOCOMMIT", pool_use_lifo=True,
    )  # fmt: skip
    sa.event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # FULL: a commit is on disk before the sender reads our 2xx
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000", "cache_size=-2000"):
        connection.execute(f"PRAGMA {pragma}")


_noise: list[
    bytes
] = []  # ten random bytes each; asking the system for each id alone costs more than the rest
os.register_at_fork(after_in_child=_noise.clear)  # a child must not hand out its parent's ids


def _ten_bytes() -> bytes:
    try:
        return _noise.pop()
    except IndexError:  # also when another thread took the last one
        fresh = os.urandom(2_560)
        _noise.extend(fresh[at : at + 10] for at in range(10, 2_560, 10))
        return fresh[:10]


def new_id() -> str:
    """A time-ordered random id (RFC 9562 version 7), 32 hex digits: new rows land together in an index."""
    milliseconds = time.time_ns() // 1_000_000
    noise = int.from_bytes(_ten_bytes(), "big")
    value = (milliseconds << 80) | noise
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return f"{value:032x}"
