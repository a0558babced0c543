"""`o2c mapping`: what a RevOps admin does with mappings, from a check to an activated version."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from hub import filing, origins, replaying, trying, versions
from hub.cli_parts import plainly, settled, typist
from hub.cli_showing import explain, show, tell
from hub.engine import Hub
from hub.errors import Invalid, MappingInvalid
from hub.main import build
from hub.mapping import Finding, Translator, check_mapping, check_together, compile_mapping, load
from hub.registry import goes_anywhere
from hub.store import connections, mappings
from hub.store.mappings import Slot

mapping_app = typer.Typer(help="Field mappings.", no_args_is_help=True)
_screen = Console(highlight=False, width=None if sys.stdout.isatty() else 160)

What = Annotated[
    str, typer.Argument(help="<connection>/<kind>.<direction>, such as hubspot/order.in, or a mapping file")
]
Reason = Annotated[str, typer.Option(help="why, for those who ask later")]
Connection = Annotated[str, typer.Option(help="the connection, where a file's folder does not name one")]


@mapping_app.command("check")
def check(
    folder: Annotated[Path, typer.Argument(help="folder of mapping files")] = Path("mappings"),
) -> None:
    """Check every mapping file before anything runs: names, types, tables, formulas."""
    found: dict[str, list[Any]] = {}
    findings: list[Finding] = []
    paths = sorted(folder.glob("*/*.yaml"))
    for path in paths:
        try:
            document = load(path)
            findings += check_mapping(document)
            compile_mapping(document)
            found.setdefault(path.parent.name, []).append(document)
        except MappingInvalid as error:
            findings += error.findings
    findings += check_together(found, goes_anywhere)
    for finding in findings:
        typer.echo(str(finding))
    problems = sum(finding.severity == "error" for finding in findings)
    more = f", {len(findings) - problems} warnings" if len(findings) > problems else ""
    typer.echo(f"{len(paths)} mappings, {problems} problems{more}")
    raise typer.Exit(1 if problems else 0)


@mapping_app.command("list")
def every() -> None:
    """Every mapping in force, and where it stands."""
    with plainly():
        hub = build(settled()).hub
        with hub.store.look() as tx:
            found = versions.sheets(hub, tx)
        table = Table("where", "mapping", "in force", "faults")
        for slot, sheet in sorted(found.items()):
            checked = versions.check(hub, slot, sheet.text, name=sheet.place, ask=False)
            label = checked.document.label if checked.document else "cannot be read"
            table.add_row(str(slot), label, sheet.place, str(len(checked.errors)))
        _screen.print(table)


@mapping_app.command("versions")
def history(what: What, connection: Connection = "") -> None:
    """The versions of a mapping: state, author and reason."""
    with plainly():
        hub = build(settled()).hub
        slot, _ = _meant(hub, what, connection)
        with hub.store.look() as tx:
            rows = mappings.versions(tx.conn, slot)
        table = Table("version", "state", "author", "reason", "in force since", "by")
        for row in rows:
            since = f"{row.activated_at:%Y-%m-%d %H:%M}" if row.activated_at else ""
            table.add_row(
                f"v{row.version}", row.state, row.author, escape(row.reason), since, row.activated_by or ""
            )
        _screen.print(table if rows else f"{slot} has no versions: the file of mappings/ is in force")


@mapping_app.command("preview")
def preview(
    what: What,
    record: Annotated[Path | None, typer.Option(help="a record as JSON; - reads standard input")] = None,
    last: Annotated[int, typer.Option(help="the newest records, this many", min=1)] = 1,
    version: Annotated[int, typer.Option(help="a version instead of what is in force")] = 0,
    connection: Connection = "",
) -> None:
    """Show what a mapping makes of records, and where every value comes from. Nothing is stored or sent."""
    with plainly():
        hub = build(settled()).hub
        slot, translator = _candidate(hub, what, connection, version)
        tried = [_given(record)] if record else trying.samples(hub, slot, last)
        if not tried:
            raise Invalid(f"nothing has come in for {slot} yet: give --record with a file", field="record")
        shown = trying.preview(hub, slot, translator, tried)
        for one in shown:
            show(_screen, one)
    raise typer.Exit(1 if any(one.trace.failed or one.problem for one in shown) else 0)


@mapping_app.command("backtest")
def backtest(
    what: What,
    last: Annotated[int, typer.Option(help="the newest records, this many", min=1)] = 1000,
    version: Annotated[int, typer.Option(help="a version instead of a file's text")] = 0,
    connection: Connection = "",
) -> None:
    """Run stored records through a candidate and what is in force; show the differences, change nothing."""
    with plainly():
        hub = build(settled()).hub
        slot, candidate = _candidate(hub, what, connection, version)
        tried = trying.samples(hub, slot, last)
        if not tried:
            raise Invalid(f"nothing has come in for {slot} yet: there is nothing to compare", field="last")
        current = versions.current(hub, slot)
        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("comparing", total=len(tried))
            found = trying.backtest(
                hub, slot, trying.Pair(candidate, current), tried,
                lambda done, total: bar.update(task, completed=done),
            )  # fmt: skip
        tell(_screen, found)


@mapping_app.command("draft")
def draft(
    what: What,
    file: Annotated[Path, typer.Argument(help="the new text")],
    reason: Reason = "",
    connection: Connection = "",
) -> None:
    """Keep a text as the next version. It does nothing until it is activated."""
    with plainly():
        hub = build(settled()).hub
        slot, _ = _meant(hub, what, connection)
        text = file.read_text("utf-8")
        draft_id = versions.save_draft(hub, slot, text, by=typist(), reason=reason)
        checked = versions.check(hub, slot, text, name=str(file))
        with hub.store.look() as tx:
            number = versions.one(tx, draft_id).version
    for finding in checked.findings:
        typer.echo(str(finding))
    for note in checked.notes:
        typer.echo(f"note: {note}", err=True)
    typer.echo(f"{slot} v{number} is a draft; activate it with: o2c mapping activate {slot} {number}")


@mapping_app.command("activate")
def activate(
    what: What,
    version: Annotated[int, typer.Argument(help="its number")],
    connection: Connection = "",
) -> None:
    """Put a version in force, now and as a whole. One with a fault is refused."""
    with plainly():
        settings = settled()
        hub = build(settings).hub
        slot, _ = _meant(hub, what, connection)
        versions.activate(hub, _row(hub, slot, version).id, by=typist(), four_eyes=settings.four_eyes)
    typer.echo(f"{slot} v{version} is in force")


@mapping_app.command("rollback")
def roll_back(what: What, connection: Connection = "") -> None:
    """Back to what was in force before."""
    with plainly():
        hub = build(settled()).hub
        slot, _ = _meant(hub, what, connection)
        now = versions.roll_back(hub, slot, by=typist())
    typer.echo(f"{slot}: {now} is in force again")


@mapping_app.command("replay")
def replay(
    what: What,
    documents: Annotated[list[str] | None, typer.Argument(help="ids of documents; none: the newest")] = None,
    last: Annotated[int, typer.Option(help="the newest, this many", min=1, max=10_000)] = 10,
    connection: Connection = "",
) -> None:
    """Read documents again and make them with the mapping in force (in), or send them again (out).

    What is agreed already stays as it is, and a change to it becomes a case.
    """
    with plainly():
        hub = build(settled()).hub
        slot, _ = _meant(hub, what, connection)
        chosen = documents or [one.document_id for one in trying.samples(hub, slot, last) if one.document_id]
        done, unknown = replaying.replay(hub, slot, chosen, by=typist())
    for one in unknown:
        typer.echo(f"nothing is known of {one} at {slot}", err=True)
    typer.echo(f"{done} documents go through {slot} again; a running hub begins within a second")
    raise typer.Exit(1 if unknown else 0)


@mapping_app.command("export")
def export(
    folder: Annotated[Path, typer.Argument(help="where to: one folder per connection")],
    connection: Annotated[str, typer.Option(help="only this one")] = "",
) -> None:
    """Write every mapping in force to files, comments and all: for review and version control."""
    with plainly():
        done = filing.export(build(settled()).hub, folder, connection=connection)
    for one in done:
        typer.echo(f"{one.outcome:10} {one.path}")


@mapping_app.command("diff")
def diff(folder: Annotated[Path, typer.Argument(help="a folder of mapping files")]) -> None:
    """What an import of a folder would change, line by line. Exits 1 where anything differs."""
    with plainly():
        found = filing.unlike(build(settled()).hub, folder)
    for _, lines in found:
        for line in lines:
            colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
            typer.secho(line, fg=colour)
    typer.echo(f"{len(found)} mappings differ", err=True)
    raise typer.Exit(1 if found else 0)


@mapping_app.command("import")
def import_files(
    folder: Annotated[Path, typer.Argument(help="a folder of mapping files")],
    reason: Reason = "",
    activate_them: Annotated[bool, typer.Option("--activate", help="put them in force at once")] = False,
) -> None:
    """Make a version of every file that differs from what is in force. With any fault, nothing happens.

    Tables that are named under `local:` keep the entries that this hub has.
    """
    with plainly():
        settings = settled()
        done = filing.import_files(
            build(settings).hub, folder, by=typist(), reason=reason or f"imported from {folder}",
            activate_them=activate_them, four_eyes=settings.four_eyes,
        )  # fmt: skip
    for one in done:
        typer.echo(f"{one.outcome:10} {one.slot}  from {one.path}")
    typer.echo(f"{len(done)} mappings changed" if done else "nothing differs")


@mapping_app.command("table")
def table(
    connection: Annotated[str, typer.Argument(help="the connection")],
    name: Annotated[str, typer.Argument(help="the table; none: list them")] = "",
    entries: Annotated[
        Path | None, typer.Option("--set", help="JSON file with the new entries; - reads standard input")
    ] = None,
) -> None:
    """Show or set a table whose entries belong to this hub: ids, picklist keys. No import overwrites it."""
    with plainly():
        hub = build(settled()).hub
        if entries is not None:
            versions.set_table(hub, connection, name, trying.typed(_read(entries), "given"), by=typist())
        with hub.store.look() as tx:
            found = mappings.local_tables(tx.conn, connection)
    for one in sorted(found) if not name else [name]:
        typer.echo(f"{one}: {json.dumps(found.get(one, {}), ensure_ascii=False)}")


@mapping_app.command("lineage")
def lineage(document: Annotated[str, typer.Argument(help="its id in the hub")]) -> None:
    """Where every value of a document comes from, and what of it was sent where."""
    with plainly():
        found = origins.lineage(build(settled()).hub, document)
        if found is None:
            raise Invalid(f"there is no document {document!r}; the console shows the ids", field="document")
        explain(_screen, found)


# -- what is meant ----------------------------------------------------------------
def _meant(hub: Hub, what: str, connection: str) -> tuple[Slot, Path | None]:
    """The slot a person means, and the file if it is one. Raises Invalid naming both ways to say it."""
    path = Path(what)
    name = path.name.removesuffix(".yaml").removesuffix(".yml")
    kind, dot, direction = name.rpartition(".")
    if not dot:
        raise Invalid(
            f"{what!r} is neither a file nor <connection>/<kind>.<direction> such as hubspot/order.in",
            field="mapping",
        )
    place = connection or path.parent.name
    with hub.store.look() as tx:
        rows = {row.name: row.connector for row in connections.every(tx.conn)}
    if place not in rows:
        place = next((one for one, connector in rows.items() if connector == place), place)
    return versions.slot_of(place, kind, direction), path if path.is_file() else None


def _candidate(hub: Hub, what: str, connection: str, version: int) -> tuple[Slot, Translator]:
    slot, path = _meant(hub, what, connection)
    if version:
        text, name = _row(hub, slot, version).text, f"{slot} v{version}"
    elif path is not None:
        text, name = path.read_text("utf-8"), str(path)
    else:
        with hub.store.look() as tx:
            sheet = versions.sheet(hub, tx, slot)
        text, name = sheet.text, sheet.place
    return slot, versions.translator(hub, slot, text, name=name)


def _row(hub: Hub, slot: Slot, version: int) -> Any:
    with hub.store.look() as tx:
        row = mappings.by_version(tx.conn, slot, version)
    if row is None:
        raise Invalid(f"{slot} has no version {version}; see: o2c mapping versions {slot}", field="version")
    return row


def _read(path: Path) -> str:
    return typer.get_text_stream("stdin").read() if str(path) == "-" else path.read_text("utf-8")


def _given(path: Path) -> trying.Sample:
    return trying.Sample(str(path), "", trying.typed(_read(path), "given"))
