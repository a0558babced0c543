"""What people change, from the API and the console alike: each in one transaction, with their name on it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import BaseModel

from hub.api.access import Actor, Role
from hub.api.shapes import HealthReport
from hub.api.showing import is_sealed
from hub.catalog import translators
from hub.clock import poll as poll_pages
from hub.connector import Poller
from hub.engine import Hub
from hub.errors import ConnectorError, HubError, Invalid
from hub.registry import connector_class
from hub.secrets import new_token, token_digest
from hub.settling import describe
from hub.store import access, connections, figures, queue, upkeep
from hub.store.tables import XREF
from hub.store.tx import Tx
from hub.uploads import TakenIn, safe_name, take_in

_NAME = re.compile(r"[a-z][a-z0-9-]{1,39}")
RESERVED = frozenset({"inbox", "new", "hub", "policy"})  # names of a queue, a page, and of ourselves


class Missing(HubError):
    """What was asked for does not exist."""


def _note(tx: Tx, who: Actor, action: str, subject: str, detail: str = "") -> None:
    tx.trail.audit(at=tx.now, actor=who.name, action=action, subject=subject, detail=detail)


# -- connections -------------------------------------------------------------
def secret_names(form: type[BaseModel]) -> frozenset[str]:
    """Which settings of a connector are secrets."""
    properties: Mapping[str, Any] = form.model_json_schema().get("properties", {})
    return frozenset(name for name, schema in properties.items() if is_secret(schema))


def is_secret(schema: Mapping[str, Any]) -> bool:
    """Is this JSON Schema one of a secret, or of a secret or null?"""
    return bool(schema.get("writeOnly")) or any(is_secret(one) for one in schema.get("anyOf", ()))


def save_connection(
    hub: Hub, who: Actor, name: str, *, connector: str, given: Mapping[str, Any], poll_seconds: float
) -> None:
    """Create a connection or replace its settings. Raises Invalid naming the field.

    A secret that is not given keeps its value; None or an empty one removes it. Everything that could keep
    the hub from running with it (settings, mappings) is tried before it is stored.
    """
    if not _NAME.fullmatch(name) or name in RESERVED:
        told = "use 2 to 40 of a-z, 0-9 and -, a letter first, and none of " + ", ".join(sorted(RESERVED))
        raise Invalid(f"{name!r} cannot be a name: {told}", field="name")
    secret = secret_names(connector_class(connector).manifest.settings)
    with hub.store.look() as tx:
        row = connections.one(tx.conn, name)
    if row is not None and row.connector != connector:
        raise Invalid(f"connection {name!r} exists with connector {row.connector!r}", field="name")
    before: Mapping[str, Any] = orjson.loads(row.settings) if row is not None else {}
    merged = {key: value for key, value in given.items() if not (key in secret and value in (None, ""))}
    for key, value in before.items():
        if key in secret and key not in given and is_sealed(value):
            merged[key] = hub.registry.vault.open(value["sealed"], f"{name}/{key}")
    stored = hub.registry.seal(name, connector, merged)
    hub.registry.build(name, connector, stored)
    with hub.store.look() as tx:
        translators(hub.registry.mappings_dir, tx, name, connector)
    plain = {key for key in {*before, *stored} - secret if before.get(key) != stored.get(key)}
    changed = sorted(plain | (secret & set(given)))
    with hub.store.begin() as tx:
        connections.save(
            hub.store.database, tx.conn, name, connector, stored, poll_seconds=poll_seconds, now=tx.now
        )
        detail = f"{connector}; set: {', '.join(changed) or 'nothing new'}; polled every {poll_seconds:g} s"
        _note(tx, who, "connection.change" if row is not None else "connection.create", name, detail)
    hub.registry.refresh(force=True)


def known(tx: Tx, name: str) -> Any:
    """A connection's row. Raises Missing."""
    row = connections.one(tx.conn, name)
    if row is None:
        raise Missing(f"there is no connection called {name!r}")
    return row


def check(hub: Hub, who: Actor, name: str) -> HealthReport:
    """Try a connection's credentials and scopes, and keep the answer."""
    with hub.store.look() as tx:
        row = known(tx, name)
    try:
        connector = hub.registry.build(name, row.connector, orjson.loads(row.settings))
        found = connector.check()
        report = HealthReport(ok=found.ok, summary=found.summary, findings=list(found.findings))
    except HubError as error:
        report = HealthReport(ok=False, summary=describe(error))
    with hub.store.begin() as tx:
        report = report.model_copy(update={"checked_at": tx.now})
        connections.note_health(tx.conn, name, report.model_dump(mode="json"))
        _note(tx, who, "connection.check", name, report.summary)
    return report


def pause(hub: Hub, who: Actor, name: str, why: str) -> None:
    """Stop working with a connection until it is resumed. Raises Missing."""
    with hub.store.begin() as tx:
        known(tx, name)
        connections.pause(tx.conn, name, f"paused by {who.name}" + (f": {why}" if why else ""))
        _note(tx, who, "connection.pause", name, why)
    hub.registry.refresh(force=True)


def resume(hub: Hub, who: Actor, name: str) -> None:
    """Work with a connection again, at once. Raises Missing."""
    with hub.store.begin() as tx:
        known(tx, name)
        connections.resume(tx.conn, name)
        _note(tx, who, "connection.resume", name)
    hub.registry.refresh(force=True)
    hub.ring(name)
    hub.ring("inbox")


def poll(hub: Hub, who: Actor, name: str) -> int:
    """Ask a connection for what is new, now. Raises Missing, or Invalid where that is not possible."""
    with hub.store.look() as tx:
        row = known(tx, name)
    if row.state != "active":
        raise Invalid(f"{name} is paused; resume it first", field="state")
    if not isinstance(hub.registry.get(name).connector, Poller):
        raise Invalid(f"{name} cannot be polled: what comes from it comes by itself", field="connector")
    with hub.store.begin() as tx:
        _note(tx, who, "connection.poll", name)
    try:
        return poll_pages(hub, name)
    except ConnectorError as error:
        raise Invalid(f"{name} could not be asked: {error}", field="connector") from None


def upload(hub: Hub, who: Actor, name: str, file: str, body: bytes, *, bytes_max: int) -> TakenIn:
    """Take in a file for a connection. Raises Missing, or Invalid for one that cannot be taken."""
    with hub.store.look() as tx:
        known(tx, name)
    taken = take_in(hub, name, file, body, bytes_max=bytes_max)
    with hub.store.begin() as tx:
        _note(tx, who, "connection.upload", name, f"{safe_name(file)}: {taken.told}")
    return taken


def delete(hub: Hub, who: Actor, name: str) -> None:
    """Delete a connection that was never used. Raises Missing, or Invalid where history depends on it."""
    with hub.store.begin() as tx:
        known(tx, name)
        if not upkeep.is_unused(tx.conn, name):
            raise Invalid(f"{name} has history, which stays; pause it instead", field="name")
        upkeep.forget(tx.conn, name)
        _note(tx, who, "connection.delete", name)
    hub.registry.refresh(force=True)


# -- queues ------------------------------------------------------------------
def replay(hub: Hub, who: Actor, inbox_id: str) -> None:
    """Process a delivery once more. What it brings that we have already changes nothing. Raises Missing."""
    with hub.store.begin() as tx:
        if not upkeep.replay(tx.conn, inbox_id):
            raise Missing(f"there is no delivery {inbox_id!r}")
        _answered(tx, who, inbox_id, "replay")
        _note(tx, who, "delivery.replay", inbox_id)
    hub.ring("inbox")


def retry(hub: Hub, who: Actor, xref_id: str) -> None:
    """Try a stopped or waiting row of the outbox now. Raises Missing."""
    with hub.store.begin() as tx:
        row = figures.outbox_row(tx.conn, xref_id)
        if row is None or not queue.wake(tx.conn, XREF, xref_id):
            raise Missing(f"there is no waiting or stopped row {xref_id!r} in the outbox")
        _answered(tx, who, xref_id, "retry")
        _note(tx, who, "outbox.retry", xref_id)
    hub.ring(row.connection)


def _answered(tx: Tx, who: Actor, row_id: str, decision: str) -> None:
    """Trying again answers what the row asked; if it fails again, it asks anew."""
    for case in figures.cases_of_row(tx.conn, row_id):
        tx.cases.resolve(case.id, by=who.name, decision=decision, note="", now=tx.now)


# -- tokens ------------------------------------------------------------------
def make_token(hub: Hub, who: Actor, name: str, role: str) -> str:
    """A new token; only its digest is kept. Raises Invalid when a living one has the name."""
    if Role.named(role) is None:
        raise Invalid(f"{role!r} is not one of viewer, operator, admin", field="role")
    token = new_token()
    with hub.store.begin() as tx:
        if any(row.name == name and row.revoked_at is None for row in access.tokens(tx.conn)):
            raise Invalid(
                f"a living token is called {name!r}; revoke it first, or choose another", field="name"
            )
        access.add_token(tx.conn, digest=token_digest(token), name=name, role=role, now=tx.now)
        _note(tx, who, "token.create", name, role)
    return token


def revoke_token(hub: Hub, who: Actor, name: str) -> None:
    """End a token. Raises Missing, or Invalid for the last admin's: nobody could make another."""
    with hub.store.begin() as tx:
        living = [row for row in access.tokens(tx.conn) if row.revoked_at is None]
        if not any(row.name == name for row in living):
            raise Missing(f"no living token is called {name!r}")
        if not any(row.role == "admin" and row.name != name for row in living):
            raise Invalid("this is the last admin token: make another one first", field="name")
        access.revoke(tx.conn, name, tx.now)
        _note(tx, who, "token.revoke", name)
