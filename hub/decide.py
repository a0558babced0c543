"""What a person decides about a case, carried out in one transaction with their name on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from hub import process
from hub.engine import Hub
from hub.errors import IllegalMove, Invalid
from hub.process import DECISIONS, Cause
from hub.stages.outcome import Choice
from hub.store import connections, queue
from hub.store.tables import INBOX, XREF
from hub.store.tx import Tx

_QUEUES = (INBOX, XREF)
_ROW_DECISIONS: Mapping[str, Sequence[str]] = {  # about a queue row that stopped
    "dead_letter": ("retry", "drop"),
    "rejected": ("retry", "drop"),
    "unmappable": ("retry", "drop"),
    "missing_reference": ("retry", "drop"),
    "conflicting_event": ("retry", "drop"),
    "unknown_outcome": ("not_created", "adopt"),
    "customer_match": ("link", "create"),
    "auth_failed": ("resume",),
    "quota_spent": ("resume",),
    "file_refused": ("drop",),
    "reconciliation": ("drop",),
    "reconciliation_failed": ("drop",),
}


def choices(reason: str) -> Sequence[str]:
    """What may be decided about a case of this reason."""
    return tuple(DECISIONS.get(reason, ())) or _ROW_DECISIONS.get(reason, ())


def decide(hub: Hub, case_id: str, decision: str, choice: Choice) -> None:
    """Answer a case. Raises Invalid when it cannot be answered so; then nothing has changed."""
    with hub.store.begin() as tx:
        case = tx.cases.get(case_id)
        if case is None:
            raise Invalid(f"there is no case {case_id!r}", field="case")
        if case.state != "open":
            raise Invalid(f"this case was answered by {case.resolved_by}: {case.decision}", field="case")
        if decision not in choices(case.reason):
            allowed = ", ".join(choices(case.reason)) or "nothing"
            raise Invalid(
                f"{decision!r} does not answer a {case.reason}; allowed: {allowed}", field="decision"
            )
        # answered first: what follows may raise the same question anew, about a new fact
        tx.cases.resolve(case.id, by=choice.by, decision=decision, note=choice.note, now=tx.now)
        tx.trail.audit(
            at=tx.now, actor=choice.by, action=f"case.{decision}", subject=case.id, detail=case.title
        )
        if case.reason in DECISIONS:
            _about_document(hub, tx, case, decision, choice)
        else:
            _about_row(tx, case, decision, choice)
    for connection in tx.xrefs.rung:
        hub.ring(connection)
    hub.ring("inbox")


def _about_document(hub: Hub, tx: Tx, case: Any, decision: str, choice: Choice) -> None:
    tx.reader.lock(case.document_id)
    document = tx.documents.get(case.document_id)
    cause = Cause(choice.by, case.id)
    try:
        answer = choice._replace(evidence=orjson.loads(case.evidence))
        outcome = DECISIONS[case.reason][decision](document, answer, tx.reader)
        process.run(tx, process.apply(tx, outcome, cause), hub.addressees, cause)
    except IllegalMove as error:
        raise Invalid(f"{error}; what the case asks was overtaken", field="decision") from None


def _about_row(tx: Tx, case: Any, decision: str, choice: Choice) -> None:
    if decision == "resume":
        connections.resume(tx.conn, case.connection)
    elif decision == "drop":
        return
    elif decision == "adopt":
        _adopt(tx, case, str(choice.values.get("external_id", "")).strip())
    elif decision == "link":
        _link(tx, case, str(choice.values.get("external_id", "")).strip(), choice.by)
    else:
        for table in _QUEUES:
            if queue.wake(tx.conn, table, case.row_id):
                tx.xrefs.rung.add(case.connection)
        if decision == "not_created":
            tx.xrefs.believe_absent(case.row_id)


def _adopt(tx: Tx, case: Any, external_id: str) -> None:
    if not external_id:
        raise Invalid(f"give the id that {case.connection} shows for it", field="external_id")
    tx.xrefs.adopt(case.row_id, external_id)
    tx.xrefs.rung.add(case.connection)


def _link(tx: Tx, case: Any, external_id: str, by: str) -> None:
    """The object that was found there is this document. It is brought up to date from now on."""
    stored = tx.documents.stored(case.document_id)
    assert stored is not None, case.document_id
    document = stored.document
    other = tx.xrefs.known(case.connection, document.kind, external_id) if external_id else None
    if other is not None and other.document_id != document.id:
        owner = tx.documents.get(other.document_id)
        raise Invalid(
            f"{external_id} is {getattr(owner, 'name', other.document_id)} here already: "
            "merge the two by hand, or decide that this one is new there",
            field="external_id",
        )
    _adopt(tx, case, external_id)
    tx.trail.event(
        at=tx.now, document_id=document.id, order_id=case.order_id, kind=document.kind,
        version=stored.version, event=f"{document.kind}.linked", actor=by, cause=case.id,
        detail={"connection": case.connection, "external_id": external_id, "by": "person"},
    )  # fmt: skip
