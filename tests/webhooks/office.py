"""A hub with one bank connection, for tests of the doors that files come through."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from hub.api.access import Actor, Role
from hub.api.actions import save_connection
from hub.engine import Hub
from hub.main import build
from hub.settings import Settings
from hub.store.tables import CASES, DOCUMENTS, INBOX
from sandbox.bank import BankSandbox
from tests import templates

ROOT = Path(__file__).parents[2]
KEY = "a-long-upload-key"
ADMIN = Actor("test setup", Role.ADMIN)
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def statement(amount: str = "119.10", day: int = 2) -> bytes:
    """A camt.053 with one credit."""
    bank = BankSandbox("DE89370400440532013000", "EUR", lambda: NOW)
    bank.pay("Ada GmbH", "FI2112345600000785", Decimal(amount), "INV-1")
    return bank.statement(date(2026, 3, day))


@dataclass
class Office:
    """The hub and what it took in."""

    hub: Hub
    settings: Settings

    @property
    def folder(self) -> Path:
        """Where files for the connection are dropped."""
        return self.settings.data_dir / "files" / "bank"

    def drop(self, name: str, body: bytes, *, age: float = 60.0) -> Path:
        """A file as a sender leaves it, `age` seconds ago."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / name
        path.write_bytes(body)
        os.utime(path, (time.time() - age,) * 2)
        return path

    def rows(self, table: sa.Table = INBOX) -> Sequence[Any]:
        """What a table holds."""
        with self.hub.store.look() as tx:
            return tx.conn.execute(sa.select(table)).all()

    def cases(self) -> list[str]:
        """Titles of all cases."""
        return [row.title for row in self.rows(CASES)]

    def documents(self, kind: str) -> Sequence[Any]:
        """Documents of a kind, after everything that came was processed."""
        while self.hub.process():
            pass
        return [row for row in self.rows(DOCUMENTS) if row.kind == kind]

    def names(self, place: str) -> list[str]:
        """Names of the files in a place, without what the hub put in front of them."""
        path = self.folder / place
        found = sorted(one.name for one in path.iterdir()) if path.is_dir() else []
        return [name.split("-", 2)[2] for name in found]


@contextmanager
def office(folder: Path, **given: Any) -> Iterator[Office]:
    """An office with its own database."""
    data = folder / "data"
    data.mkdir()
    templates.fill(f"sqlite:///{data / 'hub.db'}")
    told = {"data_dir": data, "mappings_dir": ROOT / "mappings", "config_dir": ROOT / "config"}
    parts = build(Settings(**told, log_level="CRITICAL"))
    save_connection(
        parts.hub, ADMIN, "bank", connector="bank", given={"upload_key": KEY, **given}, poll_seconds=0
    )
    try:
        yield Office(parts.hub, parts.settings)
    finally:
        parts.close()
