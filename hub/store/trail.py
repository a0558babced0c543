"""The trail: every event, every attempt, everything a person did. Append-only."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection

from hub.store.tables import ATTEMPTS, AUDIT, JOURNAL

DETAIL_MAX = 2_000


class Trail:
    """Rows to append; they are written together when the transaction ends (`flush`)."""

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        self._events: list[dict[str, Any]] = []
        self._attempts: list[dict[str, Any]] = []

    def event(
        self, *, at: datetime, document_id: str, order_id: str, kind: str, version: int, event: str,
        actor: str, cause: str, detail: dict[str, Any] | None = None,
    ) -> None:  # fmt: skip
        """A fact about a document."""
        text = orjson.dumps(detail, default=str).decode() if detail else ""
        self._events.append(
            {
                "at": at, "document_id": document_id, "order_id": order_id, "kind": kind, "version": version,
                "event": event, "actor": actor, "cause": cause, "detail": text,
            }
        )  # fmt: skip

    def attempt(
        self, *, at: datetime, row: Any, verb: str, outcome: str, document_id: str = "", version: int = 0,
        detail: str = "", external_id: str = "", milliseconds: int = 0,
    ) -> None:  # fmt: skip
        """One try of one queue row, and how it ended."""
        self._attempts.append(
            {
                "at": at, "row_id": row.id, "verb": verb, "connection": row.connection, "n": row.attempts,
                "document_id": document_id, "version": version, "outcome": outcome,
                "detail": detail[:DETAIL_MAX], "external_id": external_id, "milliseconds": milliseconds,
            }
        )  # fmt: skip

    def audit(self, *, at: datetime, actor: str, action: str, subject: str, detail: str = "") -> None:
        """Something a person or their program did to the hub itself."""
        self.conn.execute(
            AUDIT.insert(),
            {
                "at": at,
                "actor": actor,
                "action": action,
                "subject": subject[:200],
                "detail": detail[:DETAIL_MAX],
            },
        )

    def flush(self) -> None:
        """Write what was collected, many rows per statement."""
        if self._events:
            self.conn.execute(JOURNAL.insert(), self._events)
        if self._attempts:
            self.conn.execute(ATTEMPTS.insert(), self._attempts)
        self._events, self._attempts = [], []
