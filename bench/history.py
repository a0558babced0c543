"""A stored past: orders that really went through the hub, and many more copied from them row by row."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.world import World, make_world

PAID = 9  # of ten orders
_HOUR_MS = 3_600_000
_IDS = re.compile(r"\b[0-9a-f]{32}\b")
_NUMBERS = re.compile(r"\b(O-|R-|INV-2026-|INV2026|PO-|PO)([0-9]{6})\b")
_TIMES = frozenset({"created_at", "updated_at", "received_at", "at", "wanted_at", "next_at"})
_TABLES = ("inbox", "events", "xref", "documents", "postings", "journal", "attempts")
_OWN_NAMES = {"xref": "external_id", "events": "event_id"}  # unique per connection


def settle(world: World) -> None:
    """Work as the hub's own workers do: whenever a bell rings, until nothing is due behind it."""
    rung: set[str] = {"inbox"}
    world.hub.ring = rung.add
    while rung:
        name = rung.pop()
        while world.hub.process() if name == "inbox" else world.hub.deliver(name):
            pass


def order_of(world: World, customer: int, number: int) -> str:
    """A won deal of a service, processed and delivered to the end; returns its invoice's number."""
    line = [{"id": 1, "sku": "S", "quantity": "2", "price": "95.50", "tax": "19", "delivery": "service"}]
    lines = line + [{**line[0], "id": n, "sku": f"S{n}", "price": f"{n}.25"} for n in (2, 3)]
    world.send("crm", world.deal(f"d{number}", lines=lines, company=f"c{customer}", po=f"PO-{number:06d}"))
    settle(world)
    writes = world.vendors["erp"].writes
    return next(str(w.record["number"]) for w in reversed(writes) if w.kind == "invoice")


def pay(world: World, customer: int, number: int, invoice: str) -> None:
    """The customer pays that invoice."""
    amount = next(w.record["total"] for w in reversed(world.vendors["erp"].writes) if w.kind == "invoice")
    account = f"DE{customer:020d}"
    world.send("bank", world.credit(f"b{number}", str(amount), f"payment {invoice}", account=account))
    settle(world)


def lived(path: Path, customers: int) -> World:
    """A hub with so many customers, each with one order, most of them paid."""
    world = make_world(f"sqlite:///{path}")
    for n in range(customers):
        world.send("crm", world.company(f"c{n}", limit="10000000.00"))
    settle(world)
    for n in range(customers):
        invoice = order_of(world, n, n)
        if n % 10 < PAID:
            pay(world, n, n, invoice)
    return world


def reopened(path: Path) -> World:
    """A hub on that past, with systems that go on counting where no copy has been."""
    world = make_world(f"sqlite:///{path}")
    world.events = 10_000_000
    for vendor in world.vendors.values():
        vendor.records |= {f"past-{n}": {"kind": "", "reference": ""} for n in range(10_000)}
    return world


def multiply(path: Path, times: int) -> None:
    """Add `times - 1` copies of every order, under other ids and numbers, each copy an hour older."""
    conn = sqlite3.connect(path)
    conn.execute("PRAGMA synchronous=OFF")
    kept = {row[0] for row in conn.execute("SELECT id FROM documents WHERE kind = 'customer'")}
    step = orders_in(path)
    for table in _TABLES:
        columns = [row[1] for row in conn.execute(f"PRAGMA table_info({table})")]
        rows = conn.execute(f"SELECT * FROM {table}").fetchall()
        rows = [row for row in rows if not _of_customer(table, columns, row, kept)]
        marks = ",".join("?" * len(columns))
        for copy in range(1, times):
            change = _renamer(kept, copy, step)
            renamed = [_copy(table, columns, row, copy, change) for row in rows]
            conn.executemany(f"INSERT INTO {table} ({','.join(columns)}) VALUES ({marks})", renamed)
        conn.commit()
    conn.execute("UPDATE counters SET value = value + ?", (step * times,))
    conn.commit()
    conn.execute("ANALYZE")
    conn.close()


def orders_in(path: Path) -> int:
    """How many orders are stored."""
    with closing(sqlite3.connect(path)) as conn:
        return int(conn.execute("SELECT count(*) FROM documents WHERE kind = 'order'").fetchone()[0])


def _of_customer(table: str, columns: list[str], row: tuple[Any, ...], kept: set[str]) -> bool:
    """Is this row about a customer itself? Those are not copied."""
    about = "id" if table == "documents" else "document_id"
    return about in columns and row[columns.index(about)] in kept


def _renamer(kept: set[str], copy: int, step: int) -> Callable[[str], str]:
    shift = copy * _HOUR_MS

    def fresh(found: re.Match[str]) -> str:
        old = found[0]
        return old if old in kept else f"{(int(old[:12], 16) - shift) % 2**48:012x}{old[12:]}"

    def numbered(found: re.Match[str]) -> str:
        return f"{found[1]}{int(found[2]) + copy * step:06d}"

    return lambda text: _NUMBERS.sub(numbered, _IDS.sub(fresh, text))


def _copy(
    table: str, columns: list[str], row: tuple[Any, ...], copy: int, change: Callable[[str], str]
) -> list[Any]:
    values: list[Any] = []
    for name, value in zip(columns, row, strict=True):
        if name == "seq":
            values.append(None)
        elif name in _TIMES and value:
            values.append(value - copy * _HOUR_MS / 1000)
        elif isinstance(value, str):
            values.append(change(value) + (f"~{copy}" if _OWN_NAMES.get(table) == name else ""))
        else:
            values.append(value)
    return values
