"""One transaction of the hub: documents, cross-references, books, cases and trail together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from hub.store.books import Books
from hub.store.cases import Cases
from hub.store.database import Database
from hub.store.documents import Documents
from hub.store.reader import StoreReader
from hub.store.records import Records
from hub.store.trail import Trail
from hub.store.xrefs import Xrefs

Now = Callable[[], datetime]


def utc_now() -> datetime:
    """The real clock."""
    return datetime.now(UTC)


class Tx:
    """Everything that can be read and written in one transaction, on one business day."""

    def __init__(self, database: Database, conn: Connection, now: datetime, policies: Any) -> None:
        self.conn = conn
        self.now = now
        self.documents = Documents(conn)
        self.xrefs = Xrefs(database.dialect, conn)
        self.books = Books(conn, self.documents.flush)
        self.cases = Cases(database.dialect, conn)
        self.trail = Trail(conn)
        self.records = Records(database.dialect, conn)
        self.reader = StoreReader(database, self.documents, self.books, today=now.date(), policies=policies)

    def flush(self) -> None:
        """Write everything that was gathered, documents before what refers to them."""
        self.documents.flush()
        self.xrefs.flush()
        self.records.flush()
        self.trail.flush()


class Store:
    """The database with the hub's clock and policies: where transactions come from."""

    def __init__(self, database: Database, *, now: Now = utc_now, policies: Any = None) -> None:
        self.database = database
        self.now = now
        self.policies = policies

    @contextmanager
    def begin(self) -> Iterator[Tx]:
        """A durable unit of work."""
        with self.database.writing() as conn:
            tx = Tx(self.database, conn, self.now(), self.policies)
            yield tx
            tx.flush()

    @contextmanager
    def look(self) -> Iterator[Tx]:
        """A snapshot to read from."""
        with self.database.reading() as conn:
            yield Tx(self.database, conn, self.now(), self.policies)
