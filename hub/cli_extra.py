"""Commands whose modules are imported when they are called, those of connectors among them.

A broken connector breaks only itself.

A package offers them by an entry point of the group `o2c.commands`: the name is the word after `o2c`, the
object a mapping from command names to plain functions, whose annotations become arguments and options.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

import typer

GROUP = "o2c.commands"
# The arguments are read by the connector's own command line, which is only made when it is called.
_UNREAD = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def offered() -> dict[str, EntryPoint]:
    """Entry points by the word they answer to."""
    return {point.name: point for point in entry_points(group=GROUP)}


def connectors() -> list[str]:
    """Names of the connectors that are installed, none of them imported."""
    return sorted({point.name for point in entry_points(group="o2c.connectors")})


def later(app: typer.Typer, word: str, place: str, about: str) -> None:
    """Adds a word of our own whose module (`module:object`) is imported when it is called."""

    @app.command(word, help=about, context_settings=dict(_UNREAD))
    def run(context: typer.Context) -> None:
        module, _, name = place.partition(":")
        found = getattr(import_module(module), name)
        if not isinstance(found, typer.Typer):
            alone = typer.Typer(add_completion=False)
            alone.command()(found)
            found = alone
        arguments = [*context.args] or (["--help"] if found.info.no_args_is_help is True else [])
        found(args=arguments, prog_name=f"o2c {word}")


def mount(app: typer.Typer, point: EntryPoint) -> None:
    """Adds the word of an entry point to the command line."""

    @app.command(point.name, help=f"Commands of the {point.name} connector.", context_settings=dict(_UNREAD))
    def run(context: typer.Context) -> None:
        words(point)(args=[*context.args] or ["--help"], prog_name=f"o2c {point.name}")


def words(point: EntryPoint) -> typer.Typer:
    """The command line of an entry point. Ends the program with a plain sentence where it cannot be had."""
    try:
        commands = dict(point.load())
    except Exception as error:  # noqa: BLE001 - whatever a stranger's module raises
        typer.secho(
            f"the commands of {point.name} cannot be loaded ({type(error).__name__}: {error})",
            fg="red",
            err=True,
        )
        raise typer.Exit(1) from None
    group = typer.Typer(help=f"Commands of the {point.name} connector.", add_completion=False)
    group.callback()(_nothing)  # with a callback one command alone stays a word of its own
    for name, function in commands.items():
        group.command(name)(function)
    return group


def _nothing() -> None:
    """What stands before the command itself."""
