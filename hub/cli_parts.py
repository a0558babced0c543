"""What every command of `o2c` shares: settings, errors for people, and who is typing."""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from pydantic import ValidationError

from hub.errors import HubError, plain_fault
from hub.settings import Settings


@contextmanager
def plainly() -> Iterator[None]:
    """Errors end with what to do, never with a stack trace."""
    try:
        yield
    except (HubError, json.JSONDecodeError, OSError) as error:
        typer.secho(str(error), fg="red", err=True)
        raise typer.Exit(1) from None


def settled() -> Settings:
    """Settings from the environment. Exits naming the first one that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = "O2C_" + "_".join(str(part) for part in first["loc"]).upper()
        typer.secho(f"{name}: {plain_fault(first)}; see config/.env.example", fg="red", err=True)
        raise typer.Exit(1) from None


def typist() -> str:
    """The name under which a command is remembered."""
    try:
        return f"{getpass.getuser()} (o2c)"
    except (KeyError, OSError):  # a container's user may have no name
        return "o2c command"
