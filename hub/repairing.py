"""Repairs of differences between two books: told again, read again, or asked of a person.

Each is done once per difference and kind, and kept with the name of who asked for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from hub.balancing import keeper, subject
from hub.comparing import Repair
from hub.connector import Sink
from hub.engine import Hub
from hub.errors import HubError, Invalid, Rejected
from hub.registry import Live
from hub.settling import describe
from hub.store import figures, reconciliations
from hub.store.intake import accept, item
from hub.store.reconciliations import Filter
from hub.store.tx import Tx

PAGE = 100
ALL = "all"
DOOR = "reconcile"


class Repaired(NamedTuple):
    """What became of one difference."""

    seq: int
    repair: str  # empty: nothing fits
    done: bool
    outcome: str


def choice(text: str) -> str:
    """`all`, or the name of a repair. Raises Invalid."""
    if text != ALL and text not in tuple(Repair):
        raise Invalid(f"{text!r} is no repair; there are: {', '.join((*Repair, ALL))}", field="repair")
    return text


def repair(hub: Hub, run_id: str, how: str, wanted: Filter, *, by: str) -> Sequence[Repaired]:
    """Repair differences of a run that are not in flight. `all`: each as is recommended. Raises Invalid.

    At most as many as a run keeps. Those to which the repair does not fit are left, with the reason.
    """
    how = choice(how)
    with hub.store.look() as tx:
        run = reconciliations.one(tx.conn, run_id)
    if run is None or run.state != "done":
        raise Invalid("only a reconciliation that is done can be repaired; run it again", field="run")
    if wanted.in_flight:  # of those nobody knows yet whether anything is wrong
        return ()
    live = keeper(hub, run.connection)
    told: list[Repaired] = []
    after = 0
    while True:
        with hub.store.look() as tx:
            page = reconciliations.differences(
                tx.conn, run_id, wanted._replace(in_flight=False), limit=PAGE, after=after
            )
        if not page:
            break
        told += [_one(hub, live, row, how, by) for row in page]
        after = page[-1].seq
    with hub.store.begin() as tx:
        detail = f"{how}: {sum(one.done for one in told)} of {len(told)} differences with {run.connection}"
        tx.trail.audit(at=tx.now, actor=by, action="reconciliation.repair", subject=run_id, detail=detail)
    hub.ring("inbox")
    hub.ring(run.connection)
    return told


def _one(hub: Hub, live: Live, row: Any, how: str, by: str) -> Repaired:
    offers = [one for one in row.offers.split(",") if one]
    chosen = offers[0] if how == ALL and offers else how
    if chosen not in offers:
        return Repaired(row.seq, "", False, f"{how} does not fit it; {' or '.join(offers) or 'nothing'} does")
    if row.repair == chosen:
        return Repaired(row.seq, chosen, False, f"done already by {row.repaired_by}: {row.outcome}")
    try:
        found = _gone(live, row) if chosen == Repair.RESEND and row.why == "deleted_there" else ""
        with hub.store.begin() as tx:
            outcome = _carry_out(hub, tx, live, row, chosen=Repair(chosen), found=found)
            done = reconciliations.repaired(
                tx.conn, row.seq, repair=chosen, by=by, outcome=outcome, now=tx.now
            )
    except HubError as error:
        return Repaired(row.seq, chosen, False, describe(error))
    return Repaired(row.seq, chosen, done, outcome)


def _gone(live: Live, row: Any) -> str:
    """Asked once more before it is made anew: what carries our reference by now. Raises where it is there."""
    if live.connector.items([(row.kind, row.external_id)]):
        raise Rejected(f"{row.kind} {row.external_id} is there again; run the reconciliation again")
    if isinstance(live.connector, Sink):
        return live.connector.find(row.kind, row.document_id) or ""
    return ""


def _carry_out(hub: Hub, tx: Tx, live: Live, row: Any, *, chosen: Repair, found: str) -> str:
    evidence = orjson.loads(row.evidence)
    if chosen is Repair.CASE:
        return _ask(tx, row, evidence)
    related = [one for one in evidence.get("related", ()) if isinstance(one, dict)]
    if chosen is Repair.REREAD:
        return _reread(hub, tx, live, row, related)
    return _resend(tx, live, row, related, found)


# -- told again --------------------------------------------------------------
def _resend(tx: Tx, live: Live, row: Any, related: Sequence[dict[str, Any]], found: str) -> str:
    """What explains the difference, else the document itself, goes out in a version of its own."""
    if row.why == "deleted_there":
        reconciliations.lose(tx.conn, live.name, row.document_id, row.external_id)
    sent = []
    targets = (_movers(related, live) if row.kind == "invoice" else ()) or (row.document_id,)
    if row.document_id in targets and tx.reader.origin(row.document_id) == live.name:
        raise Rejected(f"{live.name} booked it itself, and nobody can tell which of our payments it lacks")
    for document_id in (*_first(tx, live, row.document_id), *targets):
        document = tx.documents.get(document_id)
        if document is None or document_id in sent:
            continue
        # a version of its own: the key of its write there must not be one already used
        tx.xrefs.want(live.name, document, tx.documents.save(document, tx.now, touch=True), tx.now)
        sent.append(document_id)
    tx.xrefs.flush()
    if found:
        _adopt(tx, live.name, row.document_id, found)
    for one in tx.xrefs.of_document(row.document_id):
        if one.connection == live.name:
            for case in figures.cases_of_row(tx.conn, one.id):
                tx.cases.resolve(case.id, by="hub", decision="retry", note="sent again", now=tx.now)
    return f"sent again: {len(sent)} document{'s' if len(sent) != 1 else ''}"


def _adopt(tx: Tx, connection: str, document_id: str, external_id: str) -> None:
    for one in tx.xrefs.of_document(document_id):
        if one.connection == connection:
            tx.xrefs.adopt(one.id, external_id)


def _first(tx: Tx, live: Live, document_id: str) -> Sequence[str]:
    """What must be known there before it, and is not: its customer and its order."""
    document = tx.documents.get(document_id)
    found = ((kind, str(getattr(document, kind, ""))) for kind in ("customer", "order"))
    before = [(kind, one) for kind, one in found if one]
    return [
        one for kind, one in before
        if kind in live.outbound and not any(x.connection == live.name for x in tx.xrefs.of_document(one))
    ]  # fmt: skip


def _movers(related: Sequence[dict[str, Any]], live: Live) -> Sequence[str]:
    """The payments and credits it has not applied: telling it of them settles the invoice too."""
    return [str(one["document"]) for one in related if one.get("document") and one["kind"] in live.outbound]


# -- read again --------------------------------------------------------------
def _reread(hub: Hub, tx: Tx, live: Live, row: Any, related: Sequence[dict[str, Any]]) -> str:
    """The system's objects come in once more, under an event of their own for this run."""
    wanted = [(row.kind, row.external_id)] if row.external_id else []
    wanted += [(one["kind"], one["external_id"]) for one in related if one.get("external_id")]
    kinds = live.manifest.kinds
    items = []
    for kind, external_id in dict.fromkeys(wanted):
        if not (kind in kinds and kinds[kind].inbound):
            continue
        arrival = live.connector.arrival(kind, external_id)
        event = f"{DOOR}/{row.run_id}/{kind}/{external_id}"[:200]
        items.append(item(live.name, DOOR, [event], arrival.delivery._replace(received_at=tx.now)))
    if not items:
        raise Rejected(f"{live.manifest.title} has nothing of it that could be read")
    accept(hub.store.database, tx.conn, items)
    return f"read again: {len(items)} object{'s' if len(items) != 1 else ''}"


# -- asked of a person -------------------------------------------------------
def _ask(tx: Tx, row: Any, evidence: dict[str, Any]) -> str:
    about = row.document_id or row.external_id
    shown = {
        "difference": row.why, "connection": row.connection, "customer_id": row.customer_id,
        "external_id": row.external_id, **evidence,
    }  # fmt: skip
    if tx.cases.answered_before(row.document_id, reconciliations.REASON, shown):
        return "a person has answered this very question before"
    key = subject(row.connection, f"{row.kind}/{about}").partition("|")[2]
    document = tx.documents.get(row.document_id) if row.document_id else None
    case_id = tx.cases.open(
        reason=reconciliations.REASON, title=row.said, now=tx.now, evidence=shown, subject=key,
        document_id=row.document_id, order_id=str(getattr(document, "order", "") or ""),
        connection=row.connection,
    )  # fmt: skip
    return f"case {case_id}"
