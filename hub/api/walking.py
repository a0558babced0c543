"""Routes for a connection's history and for what it needs at the vendor: backfills and installation."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import Field

from hub import backfilling
from hub.api.access import Admin, Operator, TheHub, Viewer
from hub.api.actions import Missing, known
from hub.api.shapes import Done, Shape
from hub.connector import Installer
from hub.engine import Hub
from hub.errors import ConnectorError, Invalid
from hub.settling import describe
from hub.store import backfills

STEPS_MAX = 500  # of one installation

router = APIRouter()


class BackfillIn(Shape):
    """From which day on."""

    since: date = Field(description="business day, begun in UTC")


class BackfillOut(Shape):
    """The last walk through a connection's history."""

    state: Literal["running", "done", "stopped", "failed"]
    since: datetime
    seen: int = Field(description="deliveries it brought")
    fresh: int = Field(description="of them, those that were not known")
    total: int | None = Field(description="objects there are, where the system tells")
    error: str = Field(description="why it stands still; empty: it does not")
    asked_by: str
    started_at: datetime
    moved_at: datetime


class StepOut(Shape):
    """One thing a connector needs in the vendor's account."""

    what: str
    state: Literal["there", "made", "missing", "refused"]
    detail: str


def shown(row: Any) -> BackfillOut:
    """A stored walk for people."""
    return BackfillOut(
        state=row.state, since=row.since, seen=row.seen, fresh=row.fresh, total=row.total, error=row.error,
        asked_by=row.asked_by, started_at=row.started_at, moved_at=row.moved_at,
    )  # fmt: skip


def midnight(day: date) -> datetime:
    """The first moment of a day in UTC."""
    return datetime.combine(day, time(), UTC)


def last_walk(hub: Hub, name: str) -> BackfillOut | None:
    """The last walk of a connection, if there was one. Raises Missing."""
    with hub.store.look() as tx:
        known(tx, name)
        row = backfills.one(tx.conn, name)
    return shown(row) if row is not None else None


def installed(hub: Hub, name: str, *, dry: bool, by: str) -> list[StepOut]:
    """Set up the vendor's account, or only look. Raises Missing, or Invalid where that is not possible."""
    with hub.store.begin() as tx:
        known(tx, name)
        if not dry:
            tx.trail.audit(at=tx.now, actor=by, action="connection.install", subject=name)
    live = hub.registry.get(name)
    if not isinstance(live.connector, Installer):
        raise Invalid(f"{live.manifest.title} needs nothing to be installed", field="connector")
    steps: list[StepOut] = []
    try:
        for step in live.connector.install(dry=dry):
            steps.append(StepOut(what=step.what, state=step.state, detail=step.detail))
            if len(steps) >= STEPS_MAX:
                break
    except ConnectorError as error:
        raise Invalid(f"after {len(steps)} steps: {describe(error)}", field="connector") from None
    return steps


@router.get("/connections/{name}/backfill", tags=["connections"])
def last(who: Viewer, hub: TheHub, name: str) -> BackfillOut:
    """How far the last walk through its history has come."""
    found = last_walk(hub, name)
    if found is None:
        raise Missing(f"the history of {name} was never walked")
    return found


@router.post("/connections/{name}/backfill", tags=["connections"])
def begin(who: Operator, hub: TheHub, name: str, given: BackfillIn) -> BackfillOut:
    """Walk its history from a day on. It goes on by itself, also after a restart."""
    with hub.store.look() as tx:
        known(tx, name)
    backfilling.begin(hub, name, midnight(given.since), by=who.name)
    return last(who, hub, name)


@router.post("/connections/{name}/backfill/stop", tags=["connections"])
def stop(who: Operator, hub: TheHub, name: str) -> Done:
    """Stop where it stands; what came in already is processed."""
    backfilling.turn(hub, name, go_on=False, by=who.name)
    return Done()


@router.post("/connections/{name}/backfill/resume", tags=["connections"])
def resume(who: Operator, hub: TheHub, name: str) -> Done:
    """Go on with a walk that was stopped or failed, from where it stands."""
    backfilling.turn(hub, name, go_on=True, by=who.name)
    return Done()


@router.get("/connections/{name}/install", tags=["connections"])
def look(who: Operator, hub: TheHub, name: str) -> list[StepOut]:
    """What the connector needs in the vendor's account, and what of it is there."""
    return installed(hub, name, dry=True, by=who.name)


@router.post("/connections/{name}/install", tags=["connections"])
def install(who: Admin, hub: TheHub, name: str) -> list[StepOut]:
    """Make what is missing in the vendor's account; what is there stays as it is."""
    return installed(hub, name, dry=False, by=who.name)
