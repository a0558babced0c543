"""Cross-references: what each connection calls a document, and which version it should have."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from hub.errors import Conflict
from hub.model import Document
from hub.store import queue
from hub.store.database import Database, clock, new_id
from hub.store.tables import XREF

_BY_EXTERNAL = sa.select(XREF.c.document_id, XREF.c.revision).where(
    XREF.c.connection == sa.bindparam("connection"),
    XREF.c.kind == sa.bindparam("kind"),
    XREF.c.external_id == sa.bindparam("external_id"),
)
_BY_DOCUMENT = sa.select(XREF.c.external_id).where(
    XREF.c.connection == sa.bindparam("connection"), XREF.c.document_id == sa.bindparam("document_id")
)


class Xrefs:
    """Cross-references within one transaction. `rung` collects the connections with something due."""

    def __init__(self, database: Database, conn: Connection) -> None:
        self.conn = conn
        self.rung: set[str] = set()
        self._upsert = _want_statement(database)
        self._insert = database.insert(XREF)

    def known(self, connection: str, kind: str, external_id: str) -> Row[Any, Any] | None:
        """(document_id, revision) behind a vendor's id, or None."""
        names = {"connection": connection, "kind": kind, "external_id": external_id}
        return self.conn.execute(_BY_EXTERNAL, names).first()

    def external_id(self, connection: str, document_id: str) -> str | None:
        """What the connection calls a document, or None while it does not know it."""
        names = {"connection": connection, "document_id": document_id}
        return self.conn.execute(_BY_DOCUMENT, names).scalar()

    def seen(self, connection: str, document: Document, external_id: str, revision: datetime | None) -> None:
        """A new document arrived from a connection: from now on we know it by that name there.

        Raises Conflict when another worker met the same vendor object first.
        """
        made = self.conn.execute(
            self._insert.values(
                id=new_id(), connection=connection, kind=document.kind, document_id=document.id,
                external_id=external_id, wanted=1, sent=1, state="done", attempts=0, next_at=0.0,
                lease_until=0.0, unsettled=0, revision=revision,
            ).on_conflict_do_nothing()
            .returning(XREF.c.id)
        ).scalar()  # fmt: skip
        if made is None:
            raise Conflict(f"{connection} {document.kind} {external_id} is already known", sent=False)

    def newest(self, connection: str, document_id: str, revision: datetime) -> None:
        """Remember how new the state is that we have seen of a document."""
        self.conn.execute(
            XREF.update()
            .where(XREF.c.connection == connection, XREF.c.document_id == document_id)
            .where(sa.or_(XREF.c.revision.is_(None), XREF.c.revision < revision))
            .values(revision=revision)
        )

    def want(self, connection: str, document: Document, version: int, now: datetime) -> None:
        """Ask that a connection be brought up to this version of a document."""
        self.conn.execute(
            self._upsert,
            {
                "id": new_id(), "connection": connection, "kind": document.kind, "document_id": document.id,
                "wanted": version, "sent": 0, "state": "pending", "attempts": 0, "lease_until": 0.0,
                "unsettled": 0, "wanted_at": now,
            },
        )  # fmt: skip
        self.rung.add(connection)

    def sent(self, row: Any, external_id: str, version: int) -> bool:
        """A connection has this version; a newer one wanted meanwhile stays pending. False: fenced off."""
        newer = XREF.c.wanted > version
        kept = queue.settle(
            self.conn, XREF, row, external_id=external_id, sent=version, attempts=0, unsettled=0,
            state=sa.case((newer, "pending"), else_="done"), last_error=None, waits_for=None,
        )  # fmt: skip
        if kept:
            self._wake_waiting(row.connection, row.document_id)
        return kept

    def _wake_waiting(self, connection: str, document_id: str) -> None:
        woken = self.conn.execute(
            XREF.update()
            .where(XREF.c.state == "pending", XREF.c.waits_for == document_id)
            .where(XREF.c.connection == connection)
            .values(next_at=clock(), waits_for=None)
        )
        if woken.rowcount:
            self.rung.add(connection)

    def believe_absent(self, row_id: str) -> None:
        """A person looked there: no earlier attempt got through."""
        self.conn.execute(XREF.update().where(XREF.c.id == row_id).values(unsettled=0))

    def adopt(self, row_id: str, external_id: str) -> None:
        """A person looked there and found it: update that object from now on."""
        self.conn.execute(
            XREF.update()
            .where(XREF.c.id == row_id)
            .values(external_id=external_id, unsettled=0, state="pending", attempts=0, next_at=clock())
        )

    def hurry(self, connection: str) -> None:
        """Try what is waiting at a connection now instead of later; leases stay."""
        self.conn.execute(
            XREF.update()
            .where(XREF.c.connection == connection, XREF.c.state == "pending")
            .values(next_at=clock())
        )

    def of_document(self, document_id: str) -> Sequence[Row[Any]]:
        """Every connection's row for a document."""
        return self.conn.execute(sa.select(XREF).where(XREF.c.document_id == document_id)).all()


def _want_statement(database: Database) -> Any:
    """Insert or update, keeping the fact that we tried before: deliver() must then look first."""
    insert = database.insert(XREF)
    return insert.values(next_at=clock()).on_conflict_do_update(
        index_elements=["connection", "document_id"],
        set_={
            "wanted": insert.excluded.wanted,
            "state": "pending",
            "attempts": 0,
            "next_at": clock(),
            "wanted_at": insert.excluded.wanted_at,
        },
    )
