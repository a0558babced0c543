"""Connections: are they well, what waits for them, and their settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.datastructures import UploadFile
from starlette.responses import PlainTextResponse, Response

from hub.api import actions, showing, walking
from hub.api.access import Role
from hub.api.connecting import describe_connector, specified
from hub.errors import HubError, Invalid
from hub.registry import connector_class, installed
from hub.settling import describe
from hub.store import connections as stored
from hub.ui import forms
from hub.ui.render import sentence
from hub.ui.visit import Visit, get, post


def connections(visit: Visit) -> Response:
    """All of them with health and queues."""
    with visit.hub.store.look() as tx:
        queues = stored.backlog(tx.conn)
        rows = [
            showing.connection(row, queues, stored.cursor(tx.conn, row.name)) for row in stored.every(tx.conn)
        ]
        now = tx.now
    return visit.show("connections.html", rows=rows, now=now)


def new(visit: Visit, *, status: int = 200, told: str = "", field: str = "") -> Response:
    """Choose a connector, then fill in its form."""
    chosen = visit.asked("connector") or visit.field("connector")
    if not chosen:
        kinds = [describe_connector(name) for name in sorted(installed())]
        return visit.show("connection_choose.html", connectors=kinds)
    connector = describe_connector(chosen)
    return visit.show(
        "connection_new.html", status=status, told=told, wrong=field, connector=connector,
        name=visit.field("name"), poll_seconds=visit.field("poll_seconds") or "0", polls=_polls(chosen),
        fields=forms.fields(connector.settings_schema, {}, (), visit.form),
    )  # fmt: skip


def create(visit: Visit) -> Response:
    """Store a new connection."""
    name = visit.field("name")
    with visit.hub.store.look() as tx:
        taken = stored.one(tx.conn, name) is not None
    try:
        if taken:
            raise Invalid(f"there is a connection called {name!r} already", field="name")
        _save(visit, name, visit.field("connector"))
    except HubError as error:
        return new(visit, status=422, told=describe(error), field=str(getattr(error, "field", "")))
    return visit.go(f"/connections/{name}?check=1", "Saved. It is being checked.")


def connection(visit: Visit, *, status: int = 200, told: str = "", field: str = "") -> Response:
    """Health, queues, settings and buttons of one connection."""
    name = visit.params["name"]
    with visit.hub.store.look() as tx:
        row = actions.known(tx, name)
        shown = showing.connection_detail(row, stored.backlog(tx.conn), stored.cursor(tx.conn, name))
        now = tx.now
    connector, problem = _manifest(row.connector)
    schema: Mapping[str, Any] = connector.settings_schema if connector is not None else {}
    public = visit.settings.public_url.rstrip("/")
    return visit.show(
        "connection.html", status=status, told=told or problem, wrong=field, shown=shown, connector=connector,
        fields=forms.fields(schema, shown.settings, shown.secrets_set, visit.form), now=now,
        poll_seconds=visit.field("poll_seconds") or f"{shown.poll_seconds:g}",
        webhook=f"{public}{shown.webhook_path}", has_public=bool(public), polls=_polls(row.connector),
        check_now=visit.asked("check") == "1" and visit.may("operator"),
        files=_takes_files(row.connector),
        name=name, walks=_can(row.connector, "backfill"),
        specified=_can(row.connector, "specification"), installs=_can(row.connector, "install"),
        walk=walking.last_walk(visit.hub, name),
    )  # fmt: skip


def specification(visit: Visit) -> Response:
    """What the other side must know, on one page."""
    name = visit.params["name"]
    return visit.show("connection_specification.html", name=name, text=specified(visit.hub, name))


def specification_file(visit: Visit) -> Response:
    """The same as a file of text to send them."""
    name = visit.params["name"]
    headers = {"content-disposition": f'attachment; filename="{name}.md"'}
    return PlainTextResponse(specified(visit.hub, name), headers=headers)


def _manifest(name: str) -> tuple[Any, str]:
    """The connector, or why there is none: a connection outlives an uninstalled connector."""
    try:
        return describe_connector(name), ""
    except HubError as error:
        return None, describe(error)


def _polls(connector: str) -> bool:
    """Can connections of this sort be asked for what is new?"""
    return _can(connector, "poll")


def _can(connector: str, verb: str) -> bool:
    return connector in installed() and hasattr(connector_class(connector), verb)


def _takes_files(connector: str) -> bool:
    """Do people have files for connections of this sort?"""
    return connector in installed() and connector_class(connector).manifest.files


def _save(visit: Visit, name: str, connector: str) -> None:
    schema = describe_connector(connector).settings_schema
    text = visit.field("poll_seconds") or "0"
    if not text.replace(".", "", 1).isdecimal() or float(text) > 604_800:
        raise Invalid("seconds between polls: a number from 0 (never) to 604800", field="poll_seconds")
    given = forms.entered(schema, visit.form)
    actions.save_connection(
        visit.hub, visit.who, name, connector=connector, given=given, poll_seconds=float(text)
    )


def save(visit: Visit) -> Response:
    """Store changed settings."""
    name = visit.params["name"]
    with visit.hub.store.look() as tx:
        row = actions.known(tx, name)
    try:
        _save(visit, name, row.connector)
    except HubError as error:
        return connection(visit, status=422, told=describe(error), field=str(getattr(error, "field", "")))
    return visit.go(f"/connections/{name}?check=1", "Saved. It is being checked.")


def check(visit: Visit) -> Response:
    """Try it now and show what was found."""
    health = actions.check(visit.hub, visit.who, visit.params["name"])
    if not visit.partial:
        return visit.go(f"/connections/{visit.params['name']}")
    return visit.show("_health.html", health=health, now=health.checked_at)


def pause(visit: Visit) -> Response:
    """Stop working with it."""
    actions.pause(visit.hub, visit.who, visit.params["name"], visit.field("why")[:500])
    return visit.go(f"/connections/{visit.params['name']}", "Paused. Webhooks are still accepted and wait.")


def resume(visit: Visit) -> Response:
    """Work with it again."""
    actions.resume(visit.hub, visit.who, visit.params["name"])
    return visit.go(f"/connections/{visit.params['name']}", "Resumed. What waited is being worked off.")


def poll(visit: Visit) -> Response:
    """Ask it for what is new."""
    name = visit.params["name"]
    count = actions.poll(visit.hub, visit.who, name)
    return visit.go(f"/connections/{name}", f"Asked. It returned {count} deliveries.")


def upload(visit: Visit) -> Response:
    """Take in a file that a person has; the page of its delivery tells what became of it."""
    name, sent = visit.params["name"], visit.form.get("file")
    try:
        if not isinstance(sent, UploadFile) or not sent.filename:
            raise Invalid("choose a file first", field="file")
        most = visit.settings.file_bytes_max
        taken = actions.upload(
            visit.hub, visit.who, name, sent.filename, sent.file.read(most + 1), bytes_max=most
        )
    except Invalid as error:
        return connection(visit, status=422, told=describe(error), field=error.field)
    return visit.go(f"/deliveries/{taken.delivery_id}", f"{sentence(taken.told)}.")


def delete(visit: Visit) -> Response:
    """Remove a connection that was never used."""
    actions.delete(visit.hub, visit.who, visit.params["name"])
    return visit.go("/connections", f"{visit.params['name']} is deleted.")


PLACES = (
    get("/connections", connections),
    get("/connections/new", new, Role.ADMIN),
    post("/connections/new", create, Role.ADMIN),
    get("/connections/{name}", connection),
    post("/connections/{name}", save, Role.ADMIN),
    post("/connections/{name}/check", check, Role.OPERATOR),
    post("/connections/{name}/poll", poll, Role.OPERATOR),
    get("/connections/{name}/specification", specification),
    get("/connections/{name}/specification.md", specification_file),
    post("/connections/{name}/files", upload, Role.OPERATOR, files=1),
    post("/connections/{name}/pause", pause, Role.ADMIN),
    post("/connections/{name}/resume", resume, Role.ADMIN),
    post("/connections/{name}/delete", delete, Role.ADMIN),
)
