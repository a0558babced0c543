"""Cases: questions for a human, with the evidence, and what was decided."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import cache
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection, Row

from hub.store.database import insert_into, new_id
from hub.store.tables import CASES


@cache
def _ask(dialect: str) -> Any:
    insert = insert_into(dialect, CASES)
    newer = {name: insert.excluded[name] for name in ("title", "evidence", "row_id")}
    again = insert.on_conflict_do_update(index_elements=["subject"], set_=newer)
    return again.returning(CASES.c.id)


class Cases:
    """Cases within one transaction."""

    def __init__(self, dialect: str, conn: Connection) -> None:
        self.conn = conn
        self._dialect = dialect

    def open(
        self, *, reason: str, title: str, now: datetime, evidence: Mapping[str, Any] | None = None,
        document_id: str = "", order_id: str = "", connection: str = "", row_id: str = "", subject: str = "",
    ) -> str:  # fmt: skip
        """Ask a human. The same open question is asked once: it gets the newer title and evidence."""
        key = f"{reason}|{subject or document_id or row_id or connection}"[:200]
        body = orjson.dumps(dict(evidence or {}), default=str, option=orjson.OPT_NON_STR_KEYS).decode()
        row = {
            "id": new_id(), "reason": reason, "state": "open", "subject": key, "document_id": document_id,
            "order_id": order_id, "connection": connection, "row_id": row_id, "title": title,
            "evidence": body, "opened_at": now,
        }  # fmt: skip
        return str(self.conn.execute(_ask(self._dialect), row).scalar_one())

    def get(self, case_id: str) -> Row[Any] | None:
        """One case, or None."""
        return self.conn.execute(sa.select(CASES).where(CASES.c.id == case_id).with_for_update()).first()

    def resolve(self, case_id: str, *, by: str, decision: str, note: str, now: datetime) -> bool:
        """Answer an open case; False when it was answered already."""
        done = self.conn.execute(
            CASES.update()
            .where(CASES.c.id == case_id, CASES.c.state == "open")
            .values(
                state="resolved", subject=None, resolved_at=now, resolved_by=by, decision=decision, note=note
            )
        )
        return done.rowcount == 1

    def close(self, document_id: str, reasons: Collection[str], now: datetime) -> None:
        """Questions about a document that events have answered by themselves."""
        self.conn.execute(
            CASES.update()
            .where(CASES.c.document_id == document_id, CASES.c.state == "open", CASES.c.reason.in_(reasons))
            .values(
                state="resolved", subject=None, resolved_at=now, resolved_by="hub",
                decision="overtaken", note="answered by what happened since",
            )
        )  # fmt: skip

    def close_row(self, row_id: str, now: datetime) -> None:
        """Questions about a queue row that went through after all."""
        self.conn.execute(
            CASES.update()
            .where(CASES.c.row_id == row_id, CASES.c.state == "open")
            .values(
                state="resolved", subject=None, resolved_at=now, resolved_by="hub",
                decision="overtaken", note="the row went through",
            )
        )  # fmt: skip

    def close_rest(self, connection: str, now: datetime) -> None:
        """A connection that rested because nothing was left of its allowance answers again."""
        self.conn.execute(
            CASES.update()
            .where(CASES.c.subject == f"quota_spent|{connection}", CASES.c.state == "open")
            .values(
                state="resolved", subject=None, resolved_at=now, resolved_by="hub",
                decision="overtaken", note="it answers again",
            )
        )  # fmt: skip

    def declined(self, document_id: str, connection: str) -> Collection[str]:
        """Objects there of which a person said that they are something else than this document."""
        query = sa.select(CASES.c.evidence).where(
            CASES.c.document_id == document_id, CASES.c.reason == "customer_match",
            CASES.c.connection == connection, CASES.c.state == "resolved", CASES.c.decision == "create",
        )  # fmt: skip
        told = [orjson.loads(text) for text in self.conn.execute(query).scalars()]
        return {one["external_id"] for evidence in told for one in evidence.get("candidates", ())}

    def answered_before(self, document_id: str, reason: str, evidence: Mapping[str, Any]) -> bool:
        """Has a person answered this very question, with the same evidence?"""
        body = orjson.dumps(dict(evidence), default=str, option=orjson.OPT_NON_STR_KEYS).decode()
        query = sa.select(CASES.c.id).where(
            CASES.c.document_id == document_id, CASES.c.reason == reason, CASES.c.state == "resolved",
            CASES.c.evidence == body, CASES.c.resolved_by != "hub",
        )  # fmt: skip
        if self.conn.execute(query.limit(1)).first() is not None:
            return True
        return self._credited(document_id, reason, evidence)

    def _credited(self, document_id: str, reason: str, evidence: Mapping[str, Any]) -> bool:
        """Was a credit memo the answer? Then the figures differ by now, and the facts are the same."""
        query = sa.select(CASES.c.evidence).where(
            CASES.c.document_id == document_id, CASES.c.reason == reason, CASES.c.decision == "credit"
        )
        facts = _facts(orjson.loads(orjson.dumps(dict(evidence), default=str)))
        return any(_facts(orjson.loads(told)) == facts for told in self.conn.execute(query).scalars())


def _facts(evidence: Mapping[str, Any]) -> Mapping[str, Any]:
    return {key: value for key, value in evidence.items() if key not in _FIGURES}


_FIGURES = frozenset({"proposal", "means", "credit", "credit_lines", "state"})
