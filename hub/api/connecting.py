"""Routes for connectors and connections."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import PlainTextResponse
from starlette.concurrency import run_in_threadpool

from hub.api import actions, showing
from hub.api.access import Admin, Operator, TheHub, Viewer
from hub.api.shapes import (
    ConnectionDetail,
    ConnectionIn,
    ConnectionOut,
    Connector,
    Done,
    HealthReport,
    PauseIn,
    Polled,
    Uploaded,
)
from hub.connector import Specified
from hub.engine import Hub
from hub.errors import Invalid
from hub.registry import connector_class, installed
from hub.store import connections

router = APIRouter()
FileName = Annotated[str, Query(description="name of the file, for people", max_length=200)]


def describe_connector(name: str) -> Connector:
    """The manifest of an installed connector. Raises Invalid when there is none of this name."""
    manifest = connector_class(name).manifest
    kinds = manifest.kinds
    schema: dict[str, Any] = manifest.settings.model_json_schema()
    return Connector(
        name=manifest.name, title=manifest.title, tier=manifest.tier, docs=manifest.docs,
        inbound=[kind for kind in kinds if kinds[kind].inbound],
        outbound=[kind for kind in kinds if kinds[kind].outbound],
        settings_schema=schema,
    )  # fmt: skip


@router.get("/connectors", tags=["connections"])
def connectors(who: Viewer) -> list[Connector]:
    """Installed connectors and the forms of their settings."""
    return [describe_connector(name) for name in sorted(installed())]


@router.get("/connections", tags=["connections"])
def every(who: Viewer, hub: TheHub) -> list[ConnectionOut]:
    """All connections with their health and queues."""
    with hub.store.look() as tx:
        queues = connections.backlog(tx.conn)
        return [
            showing.connection(row, queues, connections.cursor(tx.conn, row.name))
            for row in connections.every(tx.conn)
        ]


@router.get("/connections/{name}", tags=["connections"])
def one(who: Viewer, hub: TheHub, name: str) -> ConnectionDetail:
    """A connection with its settings; of secrets only whether they are set."""
    with hub.store.look() as tx:
        row = actions.known(tx, name)
        return showing.connection_detail(row, connections.backlog(tx.conn), connections.cursor(tx.conn, name))


@router.put("/connections/{name}", tags=["connections"])
def save(who: Admin, hub: TheHub, name: str, given: ConnectionIn) -> ConnectionDetail:
    """Create a connection or replace its settings. Secrets are sealed and never returned."""
    actions.save_connection(
        hub, who, name, connector=given.connector, given=given.settings, poll_seconds=given.poll_seconds
    )
    return one(who, hub, name)


@router.get(
    "/connections/{name}/specification", tags=["connections"], response_class=PlainTextResponse,
    responses={200: {"content": {"text/markdown": {}}}},
)  # fmt: skip
def specification(who: Viewer, hub: TheHub, name: str) -> PlainTextResponse:
    """What the other side must know to work with us, as one page of Markdown (trading partners)."""
    headers = {"content-disposition": f'inline; filename="{name}.md"', "x-content-type-options": "nosniff"}
    return PlainTextResponse(specified(hub, name), media_type="text/markdown", headers=headers)


def specified(hub: Hub, name: str) -> str:
    """The page of a connection. Raises Invalid where the other side needs none."""
    connector = hub.registry.get(name).connector
    if not isinstance(connector, Specified):
        title = connector.manifest.title
        raise Invalid(f"{name} has no such page: {title} is set up there by an account, not by paper")
    return connector.specification()


@router.delete("/connections/{name}", tags=["connections"])
def delete(who: Admin, hub: TheHub, name: str) -> Done:
    """Delete a connection that was never used; one with history can only be paused."""
    actions.delete(hub, who, name)
    return Done()


@router.post("/connections/{name}/check", tags=["connections"])
def check(who: Operator, hub: TheHub, name: str) -> HealthReport:
    """Try its credentials and scopes now."""
    return actions.check(hub, who, name)


@router.post("/connections/{name}/poll", tags=["connections"])
def poll(who: Operator, hub: TheHub, name: str) -> Polled:
    """Ask it for what is new, now."""
    return Polled(arrivals=actions.poll(hub, who, name))


@router.post("/connections/{name}/files", tags=["connections"])
async def upload(
    who: Operator, hub: TheHub, name: str, request: Request, file: FileName = "upload"
) -> Uploaded:
    """Hand it a file: the body is its content, `file` its name. The same content is taken in once."""
    body = await request.body()
    most = request.app.state.settings.file_bytes_max
    taken = await run_in_threadpool(actions.upload, hub, who, name, file, body, bytes_max=most)
    return Uploaded(status=str(taken.verdict), delivery=taken.delivery_id, told=taken.told)


@router.post("/connections/{name}/pause", tags=["connections"])
def pause(who: Admin, hub: TheHub, name: str, given: PauseIn) -> Done:
    """Neither read from it nor write to it until it is resumed. Webhooks are still accepted."""
    actions.pause(hub, who, name, given.why)
    return Done()


@router.post("/connections/{name}/resume", tags=["connections"])
def resume(who: Admin, hub: TheHub, name: str) -> Done:
    """Work with it again, at once."""
    actions.resume(hub, who, name)
    return Done()
