"""Databases that are migrated once per test process, and copied for every test that wants a fresh one."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from hub.store.migrate import upgrade
from tests import servers

_POSTGRES = "o2c_migrated"


@cache
def _file() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="o2c-template-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    upgrade(f"sqlite:///{folder / 'hub.db'}")
    assert sorted(path.name for path in folder.iterdir()) == ["hub.db"], "all of it must be in the one file"
    return folder / "hub.db"


@cache
def postgres(server: str) -> str:
    """Name of a migrated database on that server, for CREATE DATABASE ... TEMPLATE."""
    upgrade(servers.create(server, _POSTGRES))
    return _POSTGRES


def fill(url: str) -> None:
    """Put a migrated SQLite file where this URL says and none is yet."""
    path = Path(url.removeprefix("sqlite:///"))
    if url.startswith("sqlite:///") and not path.exists():
        shutil.copyfile(_file(), path)
