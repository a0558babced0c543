"""`o2c connection ...` and `o2c backfill`: configured uses of connectors, from the command line."""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from hub import backfilling
from hub.api import connecting, walking
from hub.api.access import Actor, Role
from hub.api.actions import known, save_connection, secret_names
from hub.api.showing import is_sealed
from hub.cli_parts import plainly, settled, typist
from hub.engine import Hub
from hub.errors import Invalid
from hub.main import build
from hub.registry import connector_class
from hub.store import backfills, connections

connection_app = typer.Typer(help="Configured uses of connectors.", no_args_is_help=True)
NOBODY_SECONDS = 20.0  # without any step, a person is told that no hub seems to be running
WATCH_SECONDS = 0.5
_COLOURS = {"there": "green", "made": "green", "missing": "yellow", "refused": "red"}

Name = Annotated[str, typer.Argument(help="the connection")]


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
        hub = build(settled()).hub
        text = sys.stdin.read() if str(settings_file) == "-" else settings_file.read_text("utf-8")
        stored = hub.registry.seal(name, connector, json.loads(text))
        with hub.store.begin() as tx:
            connections.save(
                hub.store.database, tx.conn, name, connector, stored, poll_seconds=poll_seconds, now=tx.now
            )
            tx.trail.audit(at=tx.now, actor="o2c command", action="connection.save", subject=name)
    typer.echo(f"saved; try it with: o2c connection check {name}")


@connection_app.command("set")
def connection_set(
    name: Name, changes: Annotated[list[str], typer.Argument(help="SETTING=VALUE; lists as JSON")]
) -> None:
    """Change some settings of a connection; the others stay as they are."""
    with plainly():
        hub = build(settled()).hub
        with hub.store.look() as tx:
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
        save_connection(hub, who, name, connector=row.connector, given=given, poll_seconds=row.poll_seconds)
    typer.echo(f"saved; try it with: o2c connection check {name}")


def _change(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise Invalid(f"write {text}=VALUE", field=text)
    return name, json.loads(value) if value[:1] in ("[", "{") else value


@connection_app.command("check")
def connection_check(name: Name) -> None:
    """Try its credentials and scopes now."""
    with plainly():
        health = build(settled()).hub.registry.get(name).connector.check()
    typer.echo(health.summary)
    for finding in health.findings:
        typer.echo(f"  - {finding}")
    raise typer.Exit(0 if health.ok else 1)


@connection_app.command("spec")
def connection_spec(name: Name) -> None:
    """The page that a trading partner gets: how to exchange documents with us (Markdown)."""
    with plainly():
        text = connecting.specified(build(settled()).hub, name)
    typer.echo(text, nl=False)


@connection_app.command("list")
def connection_list() -> None:
    """Every connection and its state."""
    with plainly():
        hub = build(settled()).hub
        with hub.store.look() as tx:
            for row in connections.every(tx.conn):
                typer.echo(f"{row.name:20} {row.connector:12} {row.state:8} {row.paused_why}")


@connection_app.command("install")
def connection_install(
    name: Name, dry: Annotated[bool, typer.Option("--dry", help="only look; change nothing")] = False
) -> None:
    """Make what a connector needs in the vendor's account: properties, fields, permissions."""
    screen = Console()
    with plainly():
        steps = walking.installed(build(settled()).hub, name, dry=dry, by=typist())
    for step in steps:
        told = f"  [dim]{escape(step.detail)}[/]" if step.detail else ""
        colour = _COLOURS[step.state]
        screen.print(f"[{colour}]{step.state:8}[/] {escape(step.what)}{told}", highlight=False)
    left = [step for step in steps if step.state in ("missing", "refused")]
    if left and dry:
        screen.print(f"{len(left)} to make; run it again without --dry")
    elif left:
        screen.print(f"[red]{len(left)} could not be made; mend what is said beside them, then run it again")
    else:
        screen.print("everything is there")
    raise typer.Exit(1 if left and not dry else 0)


def backfill(
    name: Name,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="from this day on (UTC)")
    ] = None,
    stop: Annotated[bool, typer.Option("--stop", help="stop it where it stands")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="go on where it was stopped or failed")] = False,
    watch: Annotated[bool, typer.Option(help="show its progress until it ends")] = True,
) -> None:
    """Walk a system's history. The running hub does the work; this command asks for it and watches.

    Without --since it only shows how far the last one has come. Ctrl-C ends the watching, not the walk.
    """
    with plainly():
        hub = build(settled()).hub
        if since is not None:
            backfilling.begin(hub, name, since.replace(tzinfo=UTC), by=typist())
        elif stop or resume:
            backfilling.turn(hub, name, go_on=resume, by=typist())
        if walking.last_walk(hub, name) is None:
            raise Invalid(f"the history of {name} was never walked; begin with --since 2024-01-01")
        state = _watched(hub, name) if watch and not stop else _said(hub, name)
    raise typer.Exit(0 if state in ("done", "running", "stopped") else 1)


def _said(hub: Hub, name: str) -> str:
    row = walking.last_walk(hub, name)
    assert row is not None, name
    of = f" of {row.total}" if row.total is not None else ""
    typer.echo(f"{row.state}: {row.seen}{of} since {row.since:%Y-%m-%d}, {row.fresh} of them new")
    if row.error:
        typer.echo(f"it stands because: {row.error}", err=True)
    return row.state


def _watched(hub: Hub, name: str) -> str:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed} of {task.total}"))
    quiet_since = time.monotonic()
    last = -1
    with Progress(*columns, TimeElapsedColumn()) as bar:
        task = bar.add_task(f"backfill of {name}", total=None)
        while True:
            with hub.store.look() as tx:
                row = backfills.one(tx.conn, name)
                waits = backfills.waiting(tx.conn, name, backfilling.WAITING_MAX)
            assert row is not None, name
            bar.update(task, completed=row.seen, total=row.total)
            if row.steps != last:
                last, quiet_since = row.steps, time.monotonic()
            if row.state != "running":
                break
            if time.monotonic() - quiet_since > NOBODY_SECONDS:
                why = row.error or (
                    f"{waits} deliveries wait for their turn" if waits else "no step is taken"
                )
                bar.console.print(f"standing still: {escape(why)}. Is `o2c serve` running?", highlight=False)
                quiet_since = time.monotonic()
            time.sleep(WATCH_SECONDS)
    return _said(hub, name)
