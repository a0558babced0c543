"""A connection's history and what it needs at the vendor: the card of its backfill, and its set-up."""

from __future__ import annotations

from datetime import date

from starlette.responses import Response

from hub import backfilling
from hub.api import walking
from hub.api.access import Role
from hub.errors import Invalid
from hub.ui.visit import Visit, get, post


def card(visit: Visit) -> Response:
    """How far the walk has come, asked again and again while it runs."""
    name = visit.params["name"]
    return visit.show("_backfill.html", name=name, walk=walking.last_walk(visit.hub, name), walks=True)


def begin(visit: Visit) -> Response:
    """Walk the history from a day on."""
    name, text = visit.params["name"], visit.field("since")
    try:
        since = date.fromisoformat(text)
    except ValueError:
        raise Invalid("the day the walk begins with, as 2026-01-31", field="since") from None
    backfilling.begin(visit.hub, name, walking.midnight(since), by=visit.who.name)
    return visit.go(f"/connections/{name}", "The walk has begun. It goes on by itself, also after a restart.")


def stop(visit: Visit) -> Response:
    """Stop where it stands."""
    return _turned(visit, go_on=False, told="Stopped. What came in already is processed.")


def resume(visit: Visit) -> Response:
    """Go on from where it stands."""
    return _turned(visit, go_on=True, told="It goes on.")


def _turned(visit: Visit, *, go_on: bool, told: str) -> Response:
    name = visit.params["name"]
    backfilling.turn(visit.hub, name, go_on=go_on, by=visit.who.name)
    return visit.go(f"/connections/{name}", told)


def install(visit: Visit, *, dry: bool = True) -> Response:
    """What the connector needs in the vendor's account, and what of it is there."""
    name = visit.params["name"]
    steps = walking.installed(visit.hub, name, dry=dry, by=visit.who.name)
    left = sum(step.state in ("missing", "refused") for step in steps)
    return visit.show("connection_install.html", name=name, steps=steps, left=left, done=not dry)


def make(visit: Visit) -> Response:
    """Make what is missing."""
    return install(visit, dry=False)


PLACES = (
    get("/connections/{name}/backfill", card),
    post("/connections/{name}/backfill", begin, Role.OPERATOR),
    post("/connections/{name}/backfill/stop", stop, Role.OPERATOR),
    post("/connections/{name}/backfill/resume", resume, Role.OPERATOR),
    get("/connections/{name}/install", install, Role.ADMIN),
    post("/connections/{name}/install", make, Role.ADMIN),
)
