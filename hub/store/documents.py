"""Documents: the canonical bodies, their versions, and the columns that queries need."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from hub.errors import Conflict
from hub.model import KINDS, Document
from hub.store.promoted import promoted
from hub.store.tables import DOCUMENTS

_GET = sa.select(
    DOCUMENTS.c.id,
    DOCUMENTS.c.kind,
    DOCUMENTS.c.version,
    DOCUMENTS.c.body,
    DOCUMENTS.c.translated_by,
    DOCUMENTS.c.origin,
).where(DOCUMENTS.c.id.in_(sa.bindparam("ids", expanding=True)))
_INSERT = DOCUMENTS.insert()


class Stored(NamedTuple):
    """A document as kept: `body` is its JSON, `document` the parsed value."""

    document: Document
    version: int
    body: str
    translated_by: str


@cache
def _replace(*, by: bool) -> Any:
    changed = [
        "state",
        "number",
        "reference",
        "customer_id",
        "order_id",
        "currency",
        "amount_minor",
        "due_on",
        "trace",
    ]
    changed += ["updated_at", "body", "version", *(["translated_by"] if by else [])]
    return (
        DOCUMENTS.update()
        .where(DOCUMENTS.c.id == sa.bindparam("the_id"), DOCUMENTS.c.version == sa.bindparam("the_version"))
        .values({name: sa.bindparam(f"new_{name}", type_=DOCUMENTS.c[name].type) for name in changed})
    )


class Documents:
    """Documents within one transaction."""

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        self._known: dict[str, Stored | None] = {}
        self._origins: dict[str, str] = {}
        self._fresh: dict[str, dict[str, Any]] = {}
        self._fresh_kinds: set[tuple[str, bool]] = set()  # kind, has a customer
        self.saved: set[str] = set()  # kinds of which something was saved in this transaction

    def prefetch(self, ids: Collection[str]) -> None:
        """Read many at once; `stored` answers from here then."""
        missing = [one for one in ids if one not in self._known]
        for row in self.conn.execute(_GET, {"ids": missing}) if missing else ():
            document = KINDS[row.kind].model_validate_json(row.body)
            self._known[row.id] = Stored(document, row.version, row.body, row.translated_by)
            self._origins[row.id] = row.origin

    def expect_new(self, document_id: str) -> None:
        """An id that was just made: nothing is stored under it."""
        self._known[document_id] = None

    def stored(self, document_id: str) -> Stored | None:
        """The current version, read once per transaction."""
        if document_id not in self._known:
            self.prefetch([document_id])
        return self._known.get(document_id)

    def origin(self, document_id: str) -> str:
        """The connection a document came from; empty: made by the hub, or not stored."""
        self.stored(document_id)
        return self._origins.get(document_id, "")

    def flush(self) -> None:
        """Write new documents, many per statement. Queries over documents need it first."""
        fresh, self._fresh = self._fresh, {}
        self._fresh_kinds.clear()
        if fresh:
            self.conn.execute(_INSERT, list(fresh.values()))

    def flush_kind(self, kind: str, *, owned: bool = False) -> None:
        """Write new documents if a query over this kind could miss one; `owned`: one with a customer."""
        if (kind, True) in self._fresh_kinds or (not owned and (kind, False) in self._fresh_kinds):
            self.flush()

    def get(self, document_id: str) -> Document | None:
        """The current version of a document, or None."""
        found = self.stored(document_id)
        return found.document if found else None

    def save(
        self, document: Document, now: datetime, *, touch: bool = False, origin: str = "", by: str = ""
    ) -> int:
        """Keep this version; returns its number, or 0 where nothing changed and `touch` is False.

        Raises Conflict when another transaction saved the document since we read it.
        """
        known = self.stored(document.id)
        self.saved.add(document.kind)
        body = document.model_dump_json()
        if known is None:
            self._insert(document, body, now, origin, by)
            version = 1
        elif known.body == body and not touch:
            return 0
        else:
            version = self._update(document, body, now, known, by)
        self._known[document.id] = Stored(
            document, version, body, by or (known.translated_by if known else "")
        )
        return version

    def _insert(self, document: Document, body: str, now: datetime, origin: str, by: str) -> None:
        values = self._columns(document, body, now)
        values |= {"id": document.id, "kind": document.kind, "version": 1}
        values |= {"created_at": now, "origin": origin, "translated_by": by}
        self._fresh[document.id] = values
        self._fresh_kinds.add((document.kind, bool(values["customer_id"])))
        self._origins[document.id] = origin

    def _update(self, document: Document, body: str, now: datetime, known: Stored, by: str) -> int:
        values = self._columns(document, body, now) | {"version": known.version + 1}
        if by:
            values["translated_by"] = by
        if (fresh := self._fresh.get(document.id)) is not None:  # nobody has read it: written as it is now
            fresh |= values
            self._fresh_kinds.add((document.kind, bool(values["customer_id"])))
            return known.version + 1
        held = {"the_id": document.id, "the_version": known.version}
        done = self.conn.execute(_replace(by=bool(by)), {f"new_{k}": v for k, v in values.items()} | held)
        if done.rowcount != 1:
            raise Conflict(f"{document.kind} {document.id} was saved by another worker meanwhile", sent=False)
        return known.version + 1

    def _columns(self, document: Document, body: str, now: datetime) -> dict[str, Any]:
        top = promoted(document)
        return {
            "state": str(getattr(document, "state", "")),
            "number": top.number,
            "reference": top.reference,
            "customer_id": top.customer,
            "order_id": top.order,
            "currency": top.amount.currency if top.amount else "",
            "amount_minor": top.amount.minor if top.amount else 0,
            "due_on": top.due_on,
            "trace": top.trace,
            "updated_at": now,
            "body": body,
        }

    def forget(self) -> None:
        """Read afresh from now on: a lock was taken, and anything may have changed before it was ours."""
        self.flush()
        self._known.clear()
