"""Backfill: a system's history walked once, step by step, with its progress kept in the database.

What it finds enters by the inbox like everything else. A step and its cursor are one transaction, so
that a hub that was killed goes on where it stood. It never runs far ahead of the work: while many of its
deliveries still wait, it waits too.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog

from hub.connector import Backfiller, Page
from hub.engine import Hub
from hub.errors import AuthFailed, ConnectorError, Invalid, RateLimited, Transient
from hub.failpoints import failpoint
from hub.registry import Live
from hub.settling import describe, note_failure
from hub.store import backfills
from hub.store.intake import Verdict, accept, item

log = structlog.get_logger("o2c.backfill")
WAITING_MAX = 3_000  # deliveries of the connection that may wait before the walk waits for them
STEPS_MAX = 20  # of one connection in one round, so that every walk gets its turn
PAUSE = 30.0  # seconds after a step that found nobody there


def begin(hub: Hub, connection: str, since: datetime, *, by: str) -> None:
    """Walk a connection's history from a moment on. Raises Invalid where it has none or is being walked."""
    _walker(hub, connection)
    with hub.store.begin() as tx:
        if since > tx.now:
            raise Invalid("a backfill begins in the past", field="since")
        known = backfills.one(tx.conn, connection)
        if known is not None and known.state == "running":
            raise Invalid(
                f"a backfill of {connection} is running since {known.started_at:%Y-%m-%d %H:%M} UTC; "
                "stop it before you begin another",
                field="connection",
            )
        backfills.begin(hub.store.database, tx.conn, connection, since=since, by=by, now=tx.now)
        tx.trail.audit(
            at=tx.now, actor=by, action="backfill.begin", subject=connection, detail=f"since {since:%Y-%m-%d}"
        )


def turn(hub: Hub, connection: str, *, go_on: bool, by: str) -> None:
    """Stop a walk, or go on with one that was stopped or failed. Raises Invalid where there is none such."""
    before, after = (("stopped", "failed"), "running") if go_on else (("running",), "stopped")
    with hub.store.begin() as tx:
        if not backfills.set_state(tx.conn, connection, before, after):
            told = " or ".join(before)
            raise Invalid(f"no backfill of {connection} is {told}", field="connection")
        action = "backfill.resume" if go_on else "backfill.stop"
        tx.trail.audit(at=tx.now, actor=by, action=action, subject=connection)


def round(hub: Hub) -> int:
    """Every walk that is due takes some steps. Returns how many deliveries they brought."""
    with hub.store.look() as tx:
        names = backfills.due(tx.conn)
    return sum(_some_steps(hub, name) for name in names)


def _some_steps(hub: Hub, connection: str) -> int:
    brought = 0
    for _ in range(STEPS_MAX):
        with hub.store.look() as tx:
            if connection not in backfills.due(tx.conn):
                break
            row = backfills.one(tx.conn, connection)
            if backfills.waiting(tx.conn, connection, WAITING_MAX) >= WAITING_MAX:
                break
        brought += _step(hub, row)
    return brought


def _step(hub: Hub, row: Any) -> int:
    try:
        live = _walker(hub, row.connection)
        page: Page = live.connector.backfill(row.since, row.cursor)
    except Exception as error:  # noqa: BLE001 - whatever a connector raises, people must see why it stands
        _stumbled(hub, row, error)
        return 0
    vary = live.manifest.repeats_vary
    items = [
        item(
            row.connection, "backfill", one.event_ids,
            one.delivery._replace(received_at=hub.store.now()), repeats_vary=vary,
        )
        for one in page.arrivals
    ]  # fmt: skip
    with hub.store.begin() as tx:
        verdicts = accept(hub.store.database, tx.conn, items) if items else ()
        fresh = sum(verdict is Verdict.NEW for verdict in verdicts)
        moved = backfills.moved(
            tx.conn, row, cursor=page.cursor, done=not page.more, seen=len(items), fresh=fresh,
            total=page.total, wait=page.wait, now=tx.now,
        )  # fmt: skip
        failpoint("backfill.before_commit")
    if not moved:
        log.info("backfill_overtaken", connection=row.connection)
    if items:
        hub.ring("inbox")
    return len(items)


def _stumbled(hub: Hub, row: Any, error: Exception) -> None:
    """Trouble that passes is waited out; anything else ends the walk where it stands."""
    passes = isinstance(error, Transient | AuthFailed)
    wait = getattr(error, "retry_after", None)
    with hub.store.begin() as tx:
        backfills.told(
            tx.conn, row, error=describe(error), failed=not passes, wait=PAUSE if wait is None else wait
        )
        if isinstance(error, ConnectorError) and isinstance(error, AuthFailed | RateLimited):
            note_failure(tx, row.connection, error)
    log.warning("backfill_stumbled", connection=row.connection, error=describe(error))


def _walker(hub: Hub, connection: str) -> Live:
    live = hub.registry.get(connection)
    if not isinstance(live.connector, Backfiller):
        raise Invalid(
            f"{live.manifest.title} has no history to walk; its polls bring everything", field="connection"
        )
    return live
