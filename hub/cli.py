"""The `o2c` command."""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn

from hub import secrets
from hub.api.access import Actor, Role
from hub.api.actions import known, save_connection, secret_names
from hub.api.showing import is_sealed
from hub.cli_mapping import mapping_app
from hub.cli_parts import plainly, settled, typist
from hub.errors import Invalid
from hub.main import build, settle_memory, web
from hub.registry import connector_class
from hub.store import access, connections

app = typer.Typer(help="O2C Hub: order-to-cash between CRM, ERP, banks and partners.", no_args_is_help=True)
token_app = typer.Typer(help="Bearer tokens for people and programs.", no_args_is_help=True)
connection_app = typer.Typer(help="Configured uses of connectors.", no_args_is_help=True)
app.add_typer(token_app, name="token")
app.add_typer(connection_app, name="connection")
app.add_typer(mapping_app, name="mapping")


def ensure_free(host: str, port: int) -> None:
    """Exit with a clear message when somebody listens there already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            typer.secho(
                f"cannot listen on {host}:{port}: {error.strerror}. "
                "Stop what listens there, or choose another port with --port or O2C_PORT.",
                fg="red", err=True,
            )  # fmt: skip
            raise typer.Exit(1) from None


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="address to listen on")] = "",
    port: Annotated[int, typer.Option(help="port to listen on; 0 takes O2C_PORT or 8080")] = 0,
) -> None:
    """Run the hub: doors, API and console; and the workers too, unless O2C_REDIS_URL is set."""
    settings = settled()
    host, port = host or settings.host, port or settings.port
    ensure_free(host, port)
    with plainly():
        parts = build(settings)
        application = web(parts)
    settle_memory()
    if settings.embedded:
        typer.echo(f"O2C Hub on http://{host}:{port}  (database: {settings.database})", err=True)
    uvicorn.run(
        application, host=host, port=port, log_level="warning", access_log=False, limit_concurrency=2000
    )
    parts.close()


@app.command()
def work(
    processes: Annotated[int, typer.Option(help="worker processes; 0 takes O2C_PROCESSES")] = 0,
    threads: Annotated[int, typer.Option(help="threads per process; 0 takes O2C_THREADS")] = 0,
) -> None:
    """Run workers behind Redis (the scaled form): dramatiq with the hub's actors."""
    settings = settled()
    if settings.redis_url is None:
        typer.secho("O2C_REDIS_URL is not set: `o2c serve` does the work itself.", fg="red", err=True)
        raise typer.Exit(1)
    arguments = [
        "--processes",
        str(processes or settings.processes),
        "--threads",
        str(threads or settings.threads),
    ]
    command = [sys.executable, "-m", "dramatiq", "hub.main:work", *arguments]
    os.execv(sys.executable, command)  # noqa: S606 - our own interpreter with fixed arguments


@app.command()
def migrate() -> None:
    """Bring the database to the current schema (serve and work do it by themselves)."""
    from hub.store.migrate import upgrade

    settings = settled()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    upgrade(settings.database)
    typer.echo("the database is up to date")


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="play the story, check it, and end")] = False,
    port: Annotated[int, typer.Option(help="port of the hub; 0 takes O2C_PORT or 8080")] = 0,
    keep: Annotated[Path | None, typer.Option(help="folder to keep the demo's database in")] = None,
) -> None:
    """Hub, simulated HubSpot, NetSuite and bank, and a story from won deal to applied cash."""
    from hub.demo.play import play

    wanted = port or (0 if once else settled().port)
    if wanted:
        ensure_free("127.0.0.1", wanted)
    with plainly():
        raise typer.Exit(play(once=once, port=wanted, keep=keep))


@token_app.command("create")
def token_create(
    name: Annotated[str, typer.Argument(help="who or what it is for")],
    role: Annotated[str, typer.Option(help="viewer, operator or admin")] = "viewer",
) -> None:
    """Make a token and show it, once."""
    if role not in ("viewer", "operator", "admin"):
        typer.secho(f"role {role!r} is not one of viewer, operator, admin", fg="red", err=True)
        raise typer.Exit(1)
    with plainly():
        parts = build(settled())
        token = secrets.new_token()
        with parts.hub.store.begin() as tx:
            access.add_token(tx.conn, digest=secrets.token_digest(token), name=name, role=role, now=tx.now)
            tx.trail.audit(at=tx.now, actor="o2c command", action="token.create", subject=name, detail=role)
    typer.echo(token)


@connection_app.command("add")
def connection_add(
    name: Annotated[str, typer.Argument(help="how routes and pages call it")],
    connector: Annotated[str, typer.Argument(help="hubspot, netsuite, bank, http, ...")],
    settings_file: Annotated[
        Path, typer.Argument(help="JSON file with its settings; - reads standard input")
    ],
    poll_seconds: Annotated[float, typer.Option(help="ask it this often; 0: never")] = 0.0,
) -> None:
    """Create or change a connection. Secrets are sealed before they are stored."""
    with plainly():
        parts = build(settled())
        text = sys.stdin.read() if str(settings_file) == "-" else settings_file.read_text("utf-8")
        given = json.loads(text)
        stored = parts.hub.registry.seal(name, connector, given)
        with parts.hub.store.begin() as tx:
            connections.save(
                parts.hub.store.database,
                tx.conn,
                name,
                connector,
                stored,
                poll_seconds=poll_seconds,
                now=tx.now,
            )
            tx.trail.audit(at=tx.now, actor="o2c command", action="connection.save", subject=name)
    typer.echo(f"saved; try it with: o2c connection check {name}")


@connection_app.command("set")
def connection_set(
    name: Annotated[str, typer.Argument(help="the connection")],
    changes: Annotated[list[str], typer.Argument(help="SETTING=VALUE; lists as JSON")],
) -> None:
    """Change some settings of a connection; the others stay as they are."""
    with plainly():
        parts = build(settled())
        with parts.hub.store.look() as tx:
            row = known(tx, name)
        given = {key: value for key, value in json.loads(row.settings).items() if not is_sealed(value)}
        changed = dict(_change(change) for change in changes)
        if hidden := secret_names(connector_class(row.connector).manifest.settings) & changed.keys():
            told = f"{min(hidden)} is a secret, and a command line is kept in histories"
            raise Invalid(
                f"{told}: change it in the console, or with o2c connection add and a file", field=min(hidden)
            )
        given |= changed
        who = Actor(typist(), Role.ADMIN)
        save_connection(
            parts.hub, who, name, connector=row.connector, given=given, poll_seconds=row.poll_seconds
        )
    typer.echo(f"saved; try it with: o2c connection check {name}")


def _change(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise Invalid(f"write {text}=VALUE", field=text)
    return name, json.loads(value) if value[:1] in ("[", "{") else value


@connection_app.command("check")
def connection_check(name: Annotated[str, typer.Argument(help="the connection")]) -> None:
    """Try its credentials and scopes now."""
    with plainly():
        parts = build(settled())
        health = parts.hub.registry.get(name).connector.check()
    typer.echo(health.summary)
    for finding in health.findings:
        typer.echo(f"  - {finding}")
    raise typer.Exit(0 if health.ok else 1)


@connection_app.command("list")
def connection_list() -> None:
    """Every connection and its state."""
    with plainly():
        parts = build(settled())
        with parts.hub.store.look() as tx:
            for row in connections.every(tx.conn):
                typer.echo(f"{row.name:20} {row.connector:12} {row.state:8} {row.paused_why}")
