"""The `o2c` command."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Annotated

import typer

from hub import cli_extra
from hub.cli_parts import plainly, settled

# What takes long to load is loaded by the command that needs it: `--help` answers at once.
app = typer.Typer(help="O2C Hub: order-to-cash between CRM, ERP, banks and partners.", no_args_is_help=True)
token_app = typer.Typer(help="Bearer tokens for people and programs.", no_args_is_help=True)
app.add_typer(token_app, name="token")
cli_extra.later(app, "connection", "hub.cli_connection:connection_app", "Connections: systems in use.")
cli_extra.later(app, "mapping", "hub.cli_mapping:mapping_app", "Field mappings, and versions of them.")
cli_extra.later(app, "backfill", "hub.cli_connection:backfill", "Walk a system's history from a day on.")
cli_extra.later(app, "reconcile", "hub.cli_reconcile:reconcile", "Compare the ledger with an ERP's books.")


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
    import uvicorn

    from hub.main import build, settle
    from hub.web import web

    settings = settled()
    host, port = host or settings.host, port or settings.port
    ensure_free(host, port)
    with plainly():
        parts = build(settings)
        application = web(parts)
    settle()
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
    *,
    once: Annotated[bool, typer.Option("--once", help="play the story, check it, and end")] = False,
    port: Annotated[int, typer.Option(help="port of the hub; 0 takes O2C_PORT or 8080")] = 0,
    keep: Annotated[Path | None, typer.Option(help="folder to keep the demo's database in")] = None,
    crm: Annotated[
        str, typer.Option(help="hubspot, salesforce, or both: each for other customers")
    ] = "hubspot",
    erp: Annotated[
        str, typer.Option(help="netsuite, sap, or both: each keeps the books of one of two selling companies")
    ] = "netsuite",
    pay: Annotated[
        str, typer.Option(help="bank, or all: also by card at Stripe, and by ACH with an 820 in its addenda")
    ] = "bank",
    edi: Annotated[
        bool, typer.Option("--edi", help="also a retailer that orders, is billed and pays by EDI X12")
    ] = False,
) -> None:
    """Hub with simulated CRMs, ERPs (NetSuite, SAP), banks and Stripe: from won deal to applied cash."""
    from hub.demo.crm import CHOICES
    from hub.demo.erp import ERPS
    from hub.demo.money import PAY
    from hub.demo.play import play

    for name, given, known in (("crm", crm, CHOICES), ("erp", erp, ERPS), ("pay", pay, PAY)):
        if given not in known:
            typer.secho(f"{name} {given!r} is not one of {', '.join(known)}", fg="red", err=True)
            raise typer.Exit(1)
    wanted = port or (0 if once else settled().port)
    if wanted:
        ensure_free("127.0.0.1", wanted)
    with plainly():
        raise typer.Exit(play(once=once, port=wanted, keep=keep, crm=crm, erp=erp, pay=pay, edi=edi))


@token_app.command("create")
def token_create(
    name: Annotated[str, typer.Argument(help="who or what it is for")],
    role: Annotated[str, typer.Option(help="viewer, operator or admin")] = "viewer",
) -> None:
    """Make a token and show it, once."""
    if role not in ("viewer", "operator", "admin"):
        typer.secho(f"role {role!r} is not one of viewer, operator, admin", fg="red", err=True)
        raise typer.Exit(1)
    from hub import secrets
    from hub.main import build
    from hub.store import access

    with plainly():
        parts = build(settled())
        token = secrets.new_token()
        with parts.hub.store.begin() as tx:
            access.add_token(tx.conn, digest=secrets.token_digest(token), name=name, role=role, now=tx.now)
            tx.trail.audit(at=tx.now, actor="o2c command", action="token.create", subject=name, detail=role)
    typer.echo(token)


def _shortcut(connector: str) -> typer.Typer:
    """`o2c hubspot install` for those who think of the system and not of its connection."""
    words = typer.Typer(help=f"Set up {connector}.", no_args_is_help=True)

    @words.callback()
    def about() -> None:
        """What the connector needs in the system's account."""

    @words.command("install")
    def install(
        connection: Annotated[
            str, typer.Option(help="where it is not called like the connector")
        ] = connector,
        dry: Annotated[bool, typer.Option("--dry", help="only look; change nothing")] = False,
    ) -> None:
        """Make what the connector needs in the system's account."""
        from hub.cli_connection import connection_install

        connection_install(connection, dry)

    return words


_extra = cli_extra.offered()
for _connector in cli_extra.connectors():
    if _connector in _extra:
        continue
    app.add_typer(_shortcut(_connector), name=_connector, hidden=True)
for _point in _extra.values():
    cli_extra.mount(app, _point)
