"""Writing down a failure: the row's next try or its end, the attempt, the case, the brake."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hub.errors import AuthFailed, ConnectorError, Invalid, NotYet, QuotaSpent, RateLimited
from hub.failures import Next
from hub.store import connections, queue
from hub.store.database import clock
from hub.store.tables import XREF
from hub.store.tx import Tx

ERROR_MAX = 2_000
OF_CONNECTION = ("auth_failed", "quota_spent")  # one case for all rows of a connection


def settle_failure(tx: Tx, table: Any, row: Any, error: Exception, step: Next) -> None:
    """Carry out the reaction to an error, if the row is still ours. Its attempt is recorded in any case."""
    text = describe(error)
    if queue.settle(tx.conn, table, row, **_values(table, row, error, step, text)):
        if step.reason:
            _open_case(tx, table, row, step, error)
        if step.pauses:
            connections.pause(tx.conn, row.connection, text)
        elif step.slows:
            connections.failed(tx.conn, row.connection, getattr(error, "retry_after", None))
    tx.trail.attempt(
        at=tx.now, row=row, verb="deliver" if table is XREF else "process", outcome=step.outcome,
        document_id=row.document_id if table is XREF else "", detail=text,
    )  # fmt: skip


def describe(error: BaseException) -> str:
    """One line for a person: our own errors speak for themselves, others are named."""
    if isinstance(error, NotYet):
        return error.message  # its code is the hub's own, to find the row again
    told = str(error) if type(error).__module__ == "hub.errors" else f"{type(error).__name__}: {error}"
    return " ".join(told.split())[:ERROR_MAX]


def note_failure(tx: Tx, connection: str, error: ConnectorError) -> None:
    """A system refused us while it was asked for what is new: brake or pause the connection, tell people."""
    evidence = {"connection": connection, "error": describe(error)}
    reason = ""
    if isinstance(error, AuthFailed):
        reason = "auth_failed"
        connections.pause(tx.conn, connection, describe(error))
    elif isinstance(error, RateLimited):
        reason = "quota_spent" if isinstance(error, QuotaSpent) else ""
        connections.failed(tx.conn, connection, error.retry_after)
    if reason:
        title = _TITLES[reason].format(connection=connection, until=until(tx, error))
        tx.cases.open(
            reason=reason, connection=connection, now=tx.now, subject=connection, title=title,
            evidence=evidence,
        )  # fmt: skip


def until(tx: Tx, error: BaseException) -> str:
    """When a connection that was told to stay away is called again, for people."""
    moment = tx.now + timedelta(seconds=getattr(error, "retry_after", None) or 0.0)
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _values(table: Any, row: Any, error: Exception, step: Next, text: str) -> dict[str, Any]:
    values: dict[str, Any] = {
        "state": "dead" if step.dead else "pending",
        "next_at": clock() + step.delay,
        "last_error": text,
        "attempts": row.attempts if step.costs else row.attempts - 1,
    }
    if table is XREF:
        values["waits_for"] = error.code if isinstance(error, NotYet) and error.code else None
        if not step.unknown:
            # this attempt certainly did nothing: only earlier doubts, if any, remain
            values["unsettled"] = row.unsettled - 1
    return values


_TITLES = {  # of a connection: the same for what comes and what goes
    "auth_failed": "{connection} refuses our credentials; it is paused until you repair them",
    "quota_spent": "{connection} has no calls left; it rests until {until}",
}
_TAKING = {
    **_TITLES,
    "missing_reference": "a delivery from {connection} waits for something that does not come: {error}",
    "customer_match": "a delivery from {connection} may be here already: {error}",
    "unmappable": "a delivery from {connection} cannot be translated: {error}",
    "rejected": "a delivery from {connection} cannot be taken: {error}",
    "unknown_outcome": "nobody knows what became of a delivery from {connection}: {error}",
    "dead_letter": "a delivery from {connection} was given up after {tries}: {error}",
}
_SENDING = {
    **_TITLES,
    "missing_reference": "{what} cannot go to {connection} before something that does not come: {error}",
    "customer_match": "{connection} may have {what} already: {error}",
    "unmappable": "{what} cannot be translated for {connection}: {error}",
    "rejected": "{connection} refused {what}: {error}",
    "unsent": "{what} cannot be sent to {connection}: {error}",
    "unknown_outcome": "nobody knows whether {connection} has {what}: {error}",
    "dead_letter": "sending {what} to {connection} was given up after {tries}: {error}",
}


def _title(row: Any, what: str, reason: str, error: Exception, rests_until: str) -> str:
    """What happened in one sentence; `what` is the document on its way out, empty for a delivery."""
    if what and reason == "rejected" and _stayed_here(error):
        reason = "unsent"
    told = (_SENDING if what else _TAKING)[reason].format(
        connection=row.connection, what=what, error=describe(error), until=rests_until,
        tries="1 try" if row.attempts == 1 else f"{row.attempts} tries",
    )  # fmt: skip
    return told[:1].upper() + told[1:]


def _stayed_here(error: Exception) -> bool:
    """Is it certain that the other system never saw it?"""
    return not getattr(error, "sent", not isinstance(error, Invalid))


def _open_case(tx: Tx, table: Any, row: Any, step: Next, error: Exception) -> None:
    document_id = row.document_id if table is XREF else ""
    document = tx.documents.get(document_id) if document_id else None
    label = getattr(document, "number", "") or getattr(document, "name", "") or document_id
    what = f"{row.kind.replace('_', ' ')} {label}" if table is XREF else ""
    order = getattr(document, "order", "") or (document_id if document and document.kind == "order" else "")
    tx.cases.open(
        reason=step.reason, title=_title(row, what, step.reason, error, until(tx, error)), now=tx.now,
        document_id=document_id,
        order_id=order, connection=row.connection,
        row_id="" if step.reason == "quota_spent" else row.id,
        subject=row.connection if step.reason in OF_CONNECTION else row.id,
        evidence={
            "connection": row.connection, "queue": table.name, "row": row.id, "attempts": row.attempts,
            "error": describe(error), "kind": type(error).__name__,
            "field": getattr(error, "field", ""), "value": str(getattr(error, "value", "") or "")[:200],
            **getattr(error, "evidence", {}),
        },
    )  # fmt: skip
