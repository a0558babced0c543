"""`o2c reconcile`: the ledger against an ERP's books, from the command line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hub import balancing, reconciling, repairing
from hub.api.reconciling import DifferenceOut, ReconciliationOut, RepairOut, difference, run_of
from hub.cli_parts import settled, typist
from hub.clock import poll
from hub.engine import Hub
from hub.errors import HubError, Invalid
from hub.main import build
from hub.store import reconciliations
from hub.ui import words

SHOWN_MAX = 200  # differences in the table on the screen; --json prints all that are kept
PAGE = 500


@contextmanager
def _told() -> Iterator[None]:
    """Errors end with what to do, and with 2: 1 says that there are differences."""
    try:
        yield
    except (HubError, OSError) as error:
        typer.secho(str(error), fg="red", err=True)
        raise typer.Exit(2) from None


def reconcile(
    connection: Annotated[str, typer.Argument(help="the connection of an ERP")],
    customer: Annotated[
        str, typer.Option(help="only this one's: exact name, document id, or the ERP's id")
    ] = "",
    repair: Annotated[
        str,
        typer.Option(
            help="resend: tell the ERP again; reread: read it there again; case: ask a person; "
            "all: each difference as is recommended"
        ),
    ] = "",
    settle_minutes: Annotated[
        float, typer.Option(help="what changed so lately is in flight; -1 takes O2C_RECONCILE_SETTLE_MINUTES")
    ] = -1.0,
    as_json: Annotated[bool, typer.Option("--json", help="print the whole result as JSON")] = False,
) -> None:
    """Compare the hub's ledger with an ERP's open items, to the cent, and explain each difference.

    Ends with 0 where there is none, 1 where there are some (repaired or not), 2 where it could not compare.
    """
    settings = settled()
    minutes = settings.reconcile_settle_minutes if settle_minutes < 0 else settle_minutes
    with _told():
        if repair:
            repairing.choice(repair)
        hub = build(settings).hub
        run = _run(hub, connection, customer, minutes * 60, quiet=as_json)
        done = repairing.repair(hub, run.id, repair, reconciliations.EVERY, by=typist()) if repair else ()
        rows = list(_differences(hub, run.id, SHOWN_MAX if not as_json else reconciliations.KEPT_MAX))
    repairs = [RepairOut(seq=d.seq, repair=d.repair, done=d.done, outcome=d.outcome) for d in done]
    if as_json:
        _print_json(run, rows, repairs)
    else:
        _print(run, rows, repairs, repair)
    raise typer.Exit(1 if run.differences else 0)


def _run(hub: Hub, connection: str, customer: str, settle: float, *, quiet: bool) -> ReconciliationOut:
    """Asked for and done here. Raises Invalid with the way out where that cannot be."""
    live = balancing.keeper(hub, connection)
    if not live.active:
        raise Invalid(f"{connection} is paused; resume it in the console, then run this again")
    run_id = reconciling.ask(hub, connection, by=typist(), customer=customer)
    catches_up = live.poll_seconds > 0
    begun = reconciling.perform(
        hub, run_id, settle_seconds=settle, progress=balancing.quiet if quiet else _progress(),
        catch_up=(lambda: poll(hub, connection)) if catches_up else None,
    )  # fmt: skip
    run = run_of(hub, run_id)
    if not begun and run.state == "asked":
        raise Invalid(
            f"{connection} is being reconciled by another process; wait until it ends (see /reconciliation "
            "in the console): the running hub takes this one up then"
        )
    if run.state == "running":
        raise Invalid(f"the running hub has begun it already; see /reconciliation/{run_id} in the console")
    if run.state == "failed":
        way = f"try o2c connection check {connection}, mend what it says, then run this again"
        raise Invalid(f"{connection} could not be reconciled: {run.error}; {way}")
    return run


def _progress() -> balancing.Progress:
    screen = Console(stderr=True)
    last = ""

    def show(step: str, count: int) -> None:
        nonlocal last
        if screen.is_terminal:
            screen.print(f"{step}: {count:,}", end="\n" if step != last and last else "\r", highlight=False)
        elif step != last:
            screen.print(step, highlight=False)
        last = step

    return show


def _differences(hub: Hub, run_id: str, most: int) -> Iterator[DifferenceOut]:
    after = seen = 0
    while seen < most:
        with hub.store.look() as tx:
            limit = min(PAGE, most - seen)
            rows = reconciliations.differences(tx.conn, run_id, limit=limit, after=after)
        if not rows:
            return
        yield from (difference(row) for row in rows)
        seen, after = seen + len(rows), rows[-1].seq


def _print_json(run: ReconciliationOut, rows: Sequence[DifferenceOut], repairs: Sequence[RepairOut]) -> None:
    class Result(ReconciliationOut):
        """Everything in one object."""

        found: Sequence[DifferenceOut]
        repairs: Sequence[RepairOut]

    typer.echo(Result(**dict(run), found=rows, repairs=repairs).model_dump_json(indent=2))


def _print(
    run: ReconciliationOut, rows: Sequence[DifferenceOut], repairs: Sequence[RepairOut], how: str
) -> None:
    screen = Console()
    screen.print(
        f"{run.connection}: {run.items_here:,} open items here, {run.items_there:,} there", highlight=False
    )
    for one in run.totals:
        flying = f", in flight {one.in_flight}" if one.in_flight else ""
        sums = f"  here {one.here}, there {one.there}; differences explain {one.explained}{flying}"
        screen.print(sums, highlight=False)
    for young, title in ((False, "Differences"), (True, "In flight: changed only just now")):
        if some := [row for row in rows if row.in_flight is young]:
            screen.print(_table(title, some))
    rest = run.differences + run.in_flight - len(rows)
    if rest > 0:
        screen.print(f"and {rest:,} more; see /reconciliation/{run.id} in the console", highlight=False)
    for told in repairs:
        mark = "[green]repaired[/]" if told.done else "[yellow]left[/]"
        done = f"No. {told.seq}, {told.repair or 'nothing'}: {escape(told.outcome)}"
        screen.print(f"{mark} {done}", highlight=False)
    _conclude(screen, run, how)


def _table(title: str, rows: Sequence[DifferenceOut]) -> Table:
    table = Table(title=title, title_justify="left")
    for name in ("No.", "Type", "Customer", "What", "Repair"):
        table.add_column(name, overflow="fold")
    for row in rows:
        label, offered = words.difference(row.type).label, row.repairs[0] if row.repairs else "-"
        table.add_row(str(row.seq), label, escape(row.customer), escape(row.explanation), offered)
    return table


def _conclude(screen: Console, run: ReconciliationOut, how: str) -> None:
    if not run.differences:
        waits = f" {run.in_flight:,} in flight: look again in some minutes." if run.in_flight else ""
        screen.print(f"[green]no differences.[/]{waits}", highlight=False)
    elif how:
        screen.print("The running hub carries it out; reconcile again in some minutes to see that it agrees.")
    else:
        where = f"see /reconciliation/{run.id} in the console"
        screen.print(
            f"{run.differences:,} differences: repair them with --repair all, or {where}", highlight=False
        )
