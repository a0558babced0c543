"""Cross-references: what each connection calls a document, and which version it should have.

Within a transaction new rows and wishes are gathered and written together (`flush`): one statement for a
whole batch instead of one each.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from hub.errors import Conflict
from hub.model import Document
from hub.store.database import clock, insert_into, insert_new, new_id
from hub.store.tables import PENDING, XREF


class Known(NamedTuple):
    """A document behind a vendor's id, the newest state of it that we have seen, and when we asked."""

    document_id: str
    revision: datetime | None
    read_at: datetime | None = None

    def is_ahead(self, revision: datetime | None, as_of: datetime | None) -> bool:
        """Do we know a newer state already? Of two equal ones that counts which was asked for later."""
        if revision is None or self.revision is None or revision > self.revision:
            return False
        return revision < self.revision or bool(as_of and self.read_at and as_of < self.read_at)


class Sent(NamedTuple):
    """A claimed row whose document has arrived: under which id, in which version."""

    row: Any
    external_id: str
    version: int


_BY_EXTERNAL = sa.select(
    XREF.c.kind, XREF.c.external_id, XREF.c.document_id, XREF.c.revision, XREF.c.read_at
).where(
    XREF.c.connection == sa.bindparam("connection"),
    XREF.c.kind.in_(sa.bindparam("kinds", expanding=True)),
    XREF.c.external_id.in_(sa.bindparam("external_ids", expanding=True)),
)
_BY_DOCUMENT = sa.select(XREF.c.external_id).where(
    XREF.c.connection == sa.bindparam("connection"), XREF.c.document_id == sa.bindparam("document_id")
)
_SEEN = sa.bindparam("seen", type_=XREF.c.revision.type)
_ASKED = sa.bindparam("asked", type_=XREF.c.read_at.type)
_NEWEST = (
    XREF.update()
    .where(XREF.c.connection == sa.bindparam("place"), XREF.c.document_id == sa.bindparam("document"))
    .where(sa.or_(XREF.c.revision.is_(None), XREF.c.revision <= _SEEN))
    .values(revision=_SEEN, read_at=_ASKED)
)
_RENAME = (
    XREF.update()
    .where(XREF.c.connection == sa.bindparam("place"), XREF.c.kind == sa.bindparam("of_kind"))
    .where(XREF.c.external_id == sa.bindparam("old"))
    .values(external_id=sa.bindparam("new"))
)
_LINK = (
    XREF.update()
    .where(XREF.c.id == sa.bindparam("row_id"), XREF.c.lease_until == sa.bindparam("held"))
    .where(XREF.c.external_id.is_(None))
    .values(external_id=sa.bindparam("known_as"))
)
_VERSION = sa.bindparam("version", type_=sa.Integer)
_SENT = (
    XREF.update()
    .where(XREF.c.id == sa.bindparam("row_id"), XREF.c.lease_until == sa.bindparam("held"))
    .values(
        lease_until=0.0, attempts=0, unsettled=0, last_error=None, waits_for=None,
        external_id=sa.bindparam("known_as"), sent=_VERSION,
        wanted=sa.case((XREF.c.wanted > _VERSION, XREF.c.wanted), else_=_VERSION),
        state=sa.case((XREF.c.wanted > _VERSION, "pending"), else_="done"),
    )
)  # fmt: skip
_WAKE = (
    XREF.update()
    .where(XREF.c.state == PENDING, XREF.c.connection == sa.bindparam("place"))
    .where(XREF.c.waits_for.in_(sa.bindparam("documents", expanding=True)))
    .values(next_at=clock(), waits_for=None)
)


class Xrefs:
    """Cross-references within one transaction. `rung` collects the connections with something due."""

    def __init__(self, dialect: str, conn: Connection) -> None:
        self.conn = conn
        self.rung: set[str] = set()
        self._dialect = dialect
        self._known: dict[tuple[str, str, str], Known | None] = {}
        self._homes: dict[tuple[str, str], str | None] = {}
        self._met: list[dict[str, Any]] = []
        self._wanted: dict[tuple[str, str], dict[str, Any]] = {}

    def prefetch(self, connection: str, things: Collection[tuple[str, str]]) -> None:
        """Look up many (kind, external id) at once; `known` answers from here then."""
        self._known |= {(connection, kind, external): None for kind, external in things}
        kinds, external_ids = {kind for kind, _ in things}, {external for _, external in things}
        names = {"connection": connection, "kinds": list(kinds), "external_ids": list(external_ids)}
        for row in self.conn.execute(_BY_EXTERNAL, names):
            known = Known(row.document_id, row.revision, row.read_at)
            self._known[connection, row.kind, row.external_id] = known

    def known(self, connection: str, kind: str, external_id: str) -> Known | None:
        """The document behind a vendor's id, or None."""
        key = (connection, kind, external_id)
        if key not in self._known:
            self.prefetch(connection, [(kind, external_id)])
        return self._known[key]

    def external_id(self, connection: str, document_id: str) -> str | None:
        """What the connection calls a document, or None while it does not know it."""
        names = {"connection": connection, "document_id": document_id}
        return self.conn.execute(_BY_DOCUMENT, names).scalar()

    def seen(
        self, connection: str, document: Document, external_id: str, revision: datetime | None,
        read_at: datetime | None = None,
    ) -> None:  # fmt: skip
        """A new document arrived from a connection: from now on we know it by that name there."""
        self._known[connection, document.kind, external_id] = Known(document.id, revision, read_at)
        self._homes[connection, document.id] = external_id
        self._met.append(
            {
                "id": new_id(), "connection": connection, "kind": document.kind, "document_id": document.id,
                "external_id": external_id, "wanted": 1, "sent": 1, "state": "done", "attempts": 0,
                "next_at": 0.0, "lease_until": 0.0, "unsettled": 0, "revision": revision, "read_at": read_at,
            }
        )  # fmt: skip

    def newest(
        self, connection: str, document_id: str, revision: datetime, read_at: datetime | None = None
    ) -> None:
        """Remember how new the state is that we have seen of a document, and when we asked for it."""
        self.flush()
        names = {"place": connection, "document": document_id, "seen": revision, "asked": read_at}
        self.conn.execute(_NEWEST, names)

    def rename(self, connection: str, kind: str, old: str, new: str) -> None:
        """The vendor knows a document by another id from now on."""
        self.flush()
        self.conn.execute(_RENAME, {"place": connection, "of_kind": kind, "old": old, "new": new})
        known = self._known.pop((connection, kind, old), None)
        self._known.pop((connection, kind, new), None)
        if known is not None:
            self._homes[connection, known.document_id] = new

    def lives_at(self, connection: str, document_id: str) -> bool:
        """Does the connection know this document by an id of its own?"""
        key = (connection, document_id)
        if key not in self._homes:
            self._homes[key] = self.external_id(connection, document_id)
        return self._homes[key] is not None

    def has_row(self, connection: str, document_id: str) -> bool:
        """Is the document known there, on its way there, or wanted there?"""
        if (connection, document_id) in self._wanted:
            return True
        row = sa.select(XREF.c.id).where(XREF.c.connection == connection, XREF.c.document_id == document_id)
        return self.conn.execute(row).first() is not None

    def want(self, connection: str, document: Document, version: int, now: datetime) -> None:
        """Ask that a connection be brought up to this version of a document."""
        self._wanted[connection, document.id] = {
            "id": new_id(), "connection": connection, "kind": document.kind, "document_id": document.id,
            "wanted": version, "sent": 0, "state": "pending", "attempts": 0, "lease_until": 0.0,
            "unsettled": 0, "wanted_at": now,
        }  # fmt: skip
        self.rung.add(connection)

    def flush(self) -> None:
        """Write what was gathered. Raises Conflict when another worker met the same vendor object first."""
        met, self._met = self._met, []
        if met and insert_new(self.conn, XREF, met) != len(met):
            raise Conflict("another worker met the same object at the same time", sent=False)
        wanted, self._wanted = self._wanted, {}
        if wanted:
            self.conn.execute(_want(self._dialect), list(wanted.values()))

    def sent(self, connection: str, arrived: Sequence[Sent]) -> bool:
        """These versions have arrived; rows with a newer wish stay pending. False: one was fenced off."""
        rows = [
            {"row_id": s.row.id, "held": s.row.lease_until, "known_as": s.external_id, "version": s.version}
            for s in arrived
        ]
        if self.conn.execute(_SENT, rows).rowcount != len(rows):
            return False
        documents = [s.row.document_id for s in arrived]
        if self.conn.execute(_WAKE, {"place": connection, "documents": documents}).rowcount:
            self.rung.add(connection)
        return True

    def link(self, row: Any, external_id: str) -> bool:
        """The object there is the one a claimed row means. False: the claim is lost, or it has a name by now.

        Raises Conflict where another document of ours got that name a moment ago.
        """
        names = {"row_id": row.id, "held": row.lease_until, "known_as": external_id}
        try:
            return self.conn.execute(_LINK, names).rowcount == 1
        except sa.exc.IntegrityError as error:
            raise Conflict(f"{external_id} was linked to another document just now", sent=False) from error

    def is_stopped(self, connection: str, document_id: str) -> bool:
        """Does a document wait for a person before it can be told there?"""
        row = sa.select(XREF.c.id).where(
            XREF.c.connection == connection, XREF.c.document_id == document_id, XREF.c.state == "dead"
        )
        return self.conn.execute(row).first() is not None

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

    def of_document(self, document_id: str) -> Sequence[Row[Any, Any]]:
        """Every connection's row for a document."""
        return self.conn.execute(sa.select(XREF).where(XREF.c.document_id == document_id)).all()


@cache
def _want(dialect: str) -> Any:
    """Insert or update. That earlier attempts are unsettled is kept: deliver() must then look first."""
    insert = insert_into(dialect, XREF)
    return insert.values(next_at=clock()).on_conflict_do_update(
        index_elements=["connection", "document_id"],
        set_={
            "wanted": insert.excluded.wanted,
            "state": "pending",
            "attempts": 0,
            # an earlier try may still be under way there: a newer version waits for it like any other try
            "next_at": sa.case((XREF.c.unsettled > 0, XREF.c.next_at), else_=clock()),
            "wanted_at": insert.excluded.wanted_at,
        },
    )
