"""Mistakes put into a hub on purpose, one per run: the proof must fail on each, or it proves nothing.

They are patched into the processes of the proof only; the product has no switch for them.
"""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa

from connectors.netsuite.connector import NetSuite
from hub import failures, outward
from hub.engine import Hub
from hub.errors import RateLimited, Transient
from hub.store import intake, queue, xrefs
from hub.store.database import new_id
from hub.store.tables import ATTEMPTS, INBOX, XREF

WRITE_BEHIND = 0.4


def ack_before_commit() -> None:
    """The sender is told 202, the delivery is written a moment later."""
    put, kept = intake.Intake.put, set()

    async def hasty(self: Any, it: Any) -> Any:
        async def later() -> None:
            await asyncio.sleep(WRITE_BEHIND)
            await put(self, it)

        task = asyncio.ensure_future(later())
        kept.add(task)
        task.add_done_callback(kept.discard)
        return intake.Verdict.NEW

    intake.Intake.put = hasty  # type: ignore[method-assign] # on purpose


def no_sweep() -> None:
    """Nobody looks for rows whose doorbell was lost."""
    Hub.sweep = lambda self: 0  # type: ignore[method-assign] # on purpose


def no_fence() -> None:
    """A worker whose lease has ended goes on: it writes at the vendor and settles what another holds."""

    def settle(conn: Any, table: Any, row: Any, **values: Any) -> bool:
        done = conn.execute(table.update().where(table.c.id == row.id).values(lease_until=0.0, **values))
        return bool(done.rowcount == 1)

    queue.settle = settle
    outward.calls_until = lambda last: nullcontext()
    held = sa.bindparam("held", type_=sa.Double) * 0.0
    queue._PROCESSED = _unfenced(queue._PROCESSED, INBOX, INBOX.c.lease_until >= held)
    xrefs._SENT = _unfenced(xrefs._SENT, XREF, XREF.c.lease_until >= held)


def _unfenced(fenced: Any, table: Any, anything: Any) -> Any:
    """The same update of the row, whoever holds it."""
    values = {getattr(name, "name", name): value for name, value in fenced._values.items()}
    return table.update().where(table.c.id == sa.bindparam("row_id"), anything).values(values)


def new_reference() -> None:
    """Every attempt goes under a reference of its own."""
    job = Hub._job

    def renamed(self: Any, tx: Any, live: Any, row: Any) -> Any:
        made, version = job(self, tx, live, row)
        return made._replace(write=made.write._replace(reference=new_id())), version

    Hub._job = renamed  # type: ignore[method-assign] # on purpose


def no_quiesce() -> None:
    """The look-up does not wait for the vendor to finish what it was told before."""
    kinds = {name: replace(kind, quiesce=0.0) for name, kind in NetSuite.manifest.kinds.items()}
    NetSuite.manifest = replace(NetSuite.manifest, kinds=kinds)


def unknown_is_undone() -> None:
    """A lost reply is taken for a call that never left."""
    after = failures.after

    def hopeful(error: BaseException, **facts: Any) -> Any:
        if isinstance(error, Transient):
            error.sent = False
        return after(error, **facts)

    failures.after = hopeful


def forgotten_crash() -> None:
    """Only failures that were written down make the next attempt look first; a crash writes nothing down."""
    ready = Hub._ready
    doubts = sa.select(ATTEMPTS.c.n).where(ATTEMPTS.c.outcome.in_(("unknown", "crashed", "conflict")))

    def trusting(self: Any, live: Any, job: Any) -> Any:
        with self.store.look() as tx:
            known = tx.conn.execute(doubts.where(ATTEMPTS.c.row_id == job.row.id)).first()
        if known is None:
            facts = {name: value for name, value in job.row._mapping.items() if name != "unsettled"}
            job = job._replace(row=SimpleNamespace(unsettled=1, **facts))
        return ready(self, live, job)

    Hub._ready = trusting  # type: ignore[method-assign] # on purpose


def counted_429() -> None:
    """Being told to slow down uses up an attempt."""
    after = failures.after

    def strict(error: BaseException, **facts: Any) -> Any:
        step = after(error, **facts)
        if not isinstance(error, RateLimited):
            return step
        if facts["attempts"] >= facts["attempts_max"]:
            return step._replace(dead=True, costs=True, reason="dead_letter")
        return step._replace(costs=True)

    failures.after = strict


MUTATIONS = {
    one.__name__: one
    for one in (
        ack_before_commit, no_sweep, no_fence, new_reference, no_quiesce, unknown_is_undone, forgotten_crash,
        counted_429,
    )
}  # fmt: skip


def break_it(name: str) -> None:
    """Apply a mutation; none for an empty name. Raises KeyError for an unknown one."""
    if name:
        MUTATIONS[name]()
