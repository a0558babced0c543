"""A bank statement of very many entries into the books, against bare inserts of as many rows."""

from __future__ import annotations

import json
import resource
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.acceptance import scratch
from bench.report import Report
from hub.connector import Change, Delivery
from hub.errors import Transient
from tests.hub.cash_world import invoice, money, with_bank
from tests.world import Vendor, World, make_world

NAMED = 10  # one entry of so many names an invoice of ours; the others become questions
INVOICES_AT_ONCE = 200
RATIO_MIN = 0.001
MEMORY_MAX = 150.0  # MB that the longest statement may add
DAY = "2026-03-20"


@dataclass
class Bank(Vendor):
    """Reads an endless file: makes each entry when it is asked for, and breaks off once if told to."""

    break_at: int = -1

    def read(self, delivery: Delivery) -> Iterable[Change]:
        """The statement, then its entries."""
        size = int(json.loads(delivery.body)["size"])
        yield Change("statement", "s1", _frame(size))
        for n in range(size):
            if n == self.break_at:
                self.break_at = -1
                raise Transient("the file ended in the middle", code="gone")
            yield Change("payment", f"e{n}", _entry(n))


def _entry(n: int) -> dict[str, Any]:
    text = f"Invoice INV-{n // NAMED}" if n % NAMED == 0 else f"Thank you, order {n}"
    payer = {"name": f"Payer {n % 5_000}", "account": f"DE{n % 5_000:020d}"}
    amount = "10.00" if n % NAMED == 0 else f"{n % 997 + 11}.{n % 100:02d}"
    return {
        "amount": money(amount), "booked_on": DAY, "payer": payer, "remittance_information": [text],
        "account": "DE89370400440532013000", "bank_reference": f"B{n:09d}",
    }  # fmt: skip


def _frame(size: int) -> dict[str, Any]:
    return {
        "account": "DE89370400440532013000", "currency": "USD", "source_format": "camt.053", "number": "1",
        "opened_on": DAY, "closed_on": DAY, "credits": money("1.00"), "debits": money("0.00"),
        "entries": size,
    }  # fmt: skip


def run(*, quick: bool = False) -> Report:
    """One delivery through the whole process, broken off once and resumed; then the bare inserts."""
    size = 540 if quick else 100_000
    report = Report(
        "statements", f"A statement of {size:,} entries into the books",
        "SQLite. One delivery: mapped, posted, matched, cases opened; one entry of ten names an invoice and "
        "pays it. It breaks off in the middle once and is resumed. Against as many rows inserted by the "
        "driver in one transaction, durable like the hub's.", quick,
    )  # fmt: skip
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=scratch()))
    try:
        bare = _bare(folder / "bare.db", size)
        report.add("bare inserts", f"{size / bare:,.0f} rows/s")
        _absorbed(report, folder / "hub.db", size, bare)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return report


def _bare(path: Path, size: int) -> float:
    """Seconds for the same entries as rows of one table, in one transaction."""
    conn = sqlite3.connect(path, isolation_level=None)
    conn.execute("PRAGMA journal_mode=WAL")
    conn.execute("PRAGMA synchronous=FULL")
    conn.execute("CREATE TABLE entries (id TEXT PRIMARY KEY, body TEXT NOT NULL)")
    start = time.monotonic()
    conn.execute("BEGIN IMMEDIATE")
    for n in range(size):
        conn.execute("INSERT INTO entries VALUES (?, ?)", (f"e{n}", json.dumps(_entry(n))))
    conn.execute("COMMIT")
    spent = time.monotonic() - start
    conn.close()
    return spent


def _absorbed(report: Report, path: Path, size: int, bare: float) -> None:
    world = _owed(path, size)
    hub: Any = world.hub
    bank = Bank("bank", break_at=size * 19 // 20)
    hub.registry.live["bank"] = replace(hub.registry.live["bank"], connector=bank)
    hub.accept(
        [
            hub.receive(
                "bank", Delivery({}, json.dumps({"event": "f1", "size": size}).encode(), "f", world.today[0])
            )
        ]
    )
    before = _memory()
    start, cpu = time.monotonic(), time.process_time()
    hub.process()
    half = _count(world, "documents where kind = 'payment'")
    world.hurry()
    hub.process()
    wall, spent = time.monotonic() - start, time.process_time() - cpu
    report.add(
        "whole process, broken off once",
        f"{size / wall:,.0f} entries/s, {size / spent:,.0f} per second of processor",
    )
    grown = _memory() - before
    _judged(report, world, size, grown)
    report.note(f"it broke off after {half:,} entries; those were read again and changed nothing")
    ratio = bare / wall
    report.judge(
        "entries/s of the hub / of bare inserts", f"{ratio:.4f}", f"at least {RATIO_MIN}", ratio >= RATIO_MIN
    )
    world.hub.store.database.close()


def _owed(path: Path, size: int) -> World:
    world = with_bank(make_world(f"sqlite:///{path}"))
    count = size // NAMED
    for at in range(0, count, INVOICES_AT_ONCE):
        numbers = range(at, min(at + INVOICES_AT_ONCE, count))
        world.send("erp", *(invoice(world, f"INV-{n}", "10.00") for n in numbers))
        world.hub.process()
    return world


def _judged(report: Report, world: World, size: int, grown: float) -> None:
    """Everything is there once, and it did not take memory."""
    stored = _count(world, "documents where kind = 'payment'")
    paid = _count(world, "documents where kind = 'invoice' and state = 'paid'")
    posted = _count(world, "postings where account = 'cash'")
    told = f"{stored:,} payments, {posted:,} postings of cash, {paid:,} invoices paid"
    whole = (stored, posted, paid) == (size, size, size // NAMED)
    report.judge("nothing lost, nothing twice", told, f"{size:,}, {size:,}, {size // NAMED:,}", whole)
    report.judge("memory grown", f"{grown:.0f} MB", f"at most {MEMORY_MAX:.0f} MB", grown <= MEMORY_MAX)


def _count(world: World, what: str) -> int:
    [row] = world.rows(f"(select count(*) as n from {what})")
    return int(row.n)


def _memory() -> float:
    """The most this process has taken so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
