"""Reconciliation: our ledger compared with what a system's own books have open, to the cent.

A run is asked for, begun by one process under a lease, and ends with a result or with the reason why not.
How the books are compared is in `hub.balancing`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable

import structlog

from hub.balancing import LEASE_SECONDS, Comparison, Progress, keeper, quiet
from hub.engine import Hub
from hub.errors import AuthFailed, ConnectorError, Invalid, RateLimited
from hub.settling import describe, note_failure
from hub.store import access, reconciliations, staging
from hub.store.tx import Tx

log = structlog.get_logger("o2c.reconcile")
SETTLE_SECONDS = 600.0  # what changed in the last minutes may be on its way


def ask(hub: Hub, connection: str, *, by: str, customer: str = "") -> str:
    """Note down that a reconciliation is wanted; the running hub begins it. Returns the id of the run.

    `customer`: only this one's, by document id, exact name or the system's id. Raises Invalid.
    """
    keeper(hub, connection)
    with hub.store.begin() as tx:
        customer_id = _customer(tx, connection, customer) if customer else ""
        waiting = [
            row.id for row in reconciliations.asked(tx.conn)
            if (row.connection, row.customer_id) == (connection, customer_id)
        ]  # fmt: skip
        if waiting:
            return str(waiting[0])
        tx.trail.audit(at=tx.now, actor=by, action="reconciliation.ask", subject=connection, detail=customer)
        return reconciliations.ask(tx.conn, connection, customer=customer_id, by=by, now=tx.now)


def _customer(tx: Tx, connection: str, text: str) -> str:
    found = reconciliations.customers_called(tx.conn, connection, text.strip())
    if len(found) != 1:
        told = (
            "is not known; give its name, document id" if not found else "fits several; give its document id"
        )
        raise Invalid(f"customer {text!r} {told} or its id at {connection}", field="customer")
    return found[0]


def perform(
    hub: Hub, run_id: str, *, catch_up: Callable[[], object] | None = None,
    settle_seconds: float = SETTLE_SECONDS, progress: Progress = quiet,
) -> bool:  # fmt: skip
    """Carry out a run that was asked for. False: another process works on it, or on the same connection.

    `catch_up` reads what is new at the system, so that only what nobody has read yet is missing. A failure
    ends the run, with the reason in it.
    """
    work = _begin(hub, run_id, settle_seconds, progress)
    if work is None:
        return False
    try:
        work.stage_there()
        if catch_up is not None:
            work.tell("reads what is new", 0)
            catch_up()
        work.stage_here()
        work.ask_for_absent()
        work.compare()
        work.compare_rest()
        work.finish()
    except Exception as error:  # noqa: BLE001 - whatever ends it, people must see why
        _failed(hub, work, error)
    return True


def _begin(hub: Hub, run_id: str, settle_seconds: float, progress: Progress) -> Comparison | None:
    holder = uuid.uuid4().hex
    with hub.store.begin() as tx:
        row = reconciliations.one(tx.conn, run_id)
        if row is None or row.state != "asked":
            return None
        lease = f"reconcile/{row.connection}"[:64]
        if not access.lead(hub.store.database, tx.conn, lease, holder, LEASE_SECONDS):
            return None
        if not reconciliations.begin(tx.conn, run_id, tx.now):
            return None
        reconciliations.give_up_others(tx.conn, row.connection, run_id, tx.now)
        open_cases = reconciliations.questions(tx.conn, row.connection, row.customer_id)
        names = set(staging.names_of(tx.conn, row.connection, row.customer_id)) if row.customer_id else None
    return Comparison(hub, row, lease, holder, settle_seconds, progress, open_cases, names)


def _failed(hub: Hub, work: Comparison, error: Exception) -> None:
    told = describe(error)
    log.warning("reconciliation_failed", connection=work.connection, error=told)
    with hub.store.begin() as tx:
        row = reconciliations.one(tx.conn, work.run_id)
        if row is None or row.state != "running":
            return
        reconciliations.forget(tx.conn, [work.run_id])
        reconciliations.end(tx.conn, work.run_id, state="failed", now=tx.now, error=told)
        access.lead(hub.store.database, tx.conn, work.lease, work.holder, 0.0)
        if isinstance(error, ConnectorError) and isinstance(error, AuthFailed | RateLimited):
            note_failure(tx, work.connection, error)
