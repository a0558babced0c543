"""One database: opening it, its clock, and its transactions."""

from __future__ import annotations

import os
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
        with self._turn(urgent), self.engine.connect() as conn:
            conn.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield conn
            except BaseException:
                conn.exec_driver_sql("ROLLBACK")
                raise
            failpoint("commit.before")
            conn.exec_driver_sql("COMMIT")
        failpoint("commit.after")

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


def insert_many(conn: Connection, statement: Any, rows: Sequence[Mapping[str, Any]]) -> int:
    """Many rows by one prebuilt INSERT; on SQLite straight to the driver, for half the time per row."""
    if conn.dialect.name != "sqlite":
        return int(conn.execute(statement, rows).rowcount)
    sql, order, fixed = _for_driver(statement, tuple(rows[0]))
    given = [tuple(_plain(row[name] if name in row else fixed[name]) for name in order) for row in rows]
    return int(conn.exec_driver_sql(sql, given).rowcount)


def _plain(value: Any) -> Any:
    """Moments as the tables keep them: seconds since the epoch."""
    return value.timestamp() if value.__class__ is datetime else value


def insert_into(dialect: str, table: Table) -> Any:
    """The INSERT of a dialect, which knows ON CONFLICT."""
    return (sqlite if dialect == "sqlite" else postgresql).insert(table)


def _open(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return sa.create_engine(url, pool_size=POOL, max_overflow=8, pool_pre_ping=True)
    engine = sa.create_engine(
        url, pool_size=POOL, max_overflow=8, connect_args={"timeout": 30, "check_same_thread": False},
        isolation_level="AUTOCOMMIT",
    )  # fmt: skip
    sa.event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # FULL: a commit is on disk before the sender reads our 2xx
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000", "cache_size=-32000"):
        connection.execute(f"PRAGMA {pragma}")


def new_id() -> str:
    """A time-ordered random id (RFC 9562 version 7), 32 hex digits: new rows land together in an index."""
    milliseconds = time.time_ns() // 1_000_000
    noise = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds << 80) | noise
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return f"{value:032x}"
