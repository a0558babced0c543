"""What an order costs when many are stored already: 1,000 against 100,000, with the same 1,000 customers."""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from bench.acceptance import scratch
from bench.history import lived, multiply, order_of, orders_in, pay, reopened
from bench.report import Report
from tests.world import World

GROWTH_MAX = 1.2


def run(*, quick: bool = False) -> Report:
    """Take turns between a small and a large database, and compare the processor time per order."""
    customers, times, rounds, chunk = (6, 4, 1, 2) if quick else (1_000, 100, 12, 20)
    small, large = customers, customers * times
    report = Report(
        "growth", f"Cost of an order with {small:,} and with {large:,} orders stored",
        f"SQLite, {customers:,} customers. Every stored order has its shipment, invoice, postings, journal "
        "and, nine times of ten, its payment. One thread carries a deal from the webhook to invoice, "
        f"deliveries and applied cash; systems are in memory; {rounds} turns of {chunk} orders on each "
        "database.", quick,
    )  # fmt: skip
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=scratch()))
    try:
        worlds = _worlds(report, folder, customers, times)
        spent = _turns(worlds, customers, rounds, chunk)
        _tell(report, spent, rounds * chunk, small, large)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return report


def _worlds(report: Report, folder: Path, customers: int, times: int) -> dict[int, World]:
    first = folder / "small.db"
    start = time.monotonic()
    world = lived(first, customers)
    world.hub.store.database.close()
    for end in ("", "-wal", "-shm"):
        if Path(f"{first}{end}").exists():
            shutil.copyfile(f"{first}{end}", f"{folder / 'large.db'}{end}")
    multiply(folder / "large.db", times)
    made = time.monotonic() - start
    stored = orders_in(folder / "large.db")
    assert stored == customers * times, stored
    size = (folder / "large.db").stat().st_size / 1e6
    report.note(f"the history took {made:.0f} s to make; the large database has {size:,.0f} MB")
    return {
        size: reopened(path) for size, path in ((customers, first), (customers * times, folder / "large.db"))
    }


def _turns(
    worlds: dict[int, World], customers: int, rounds: int, chunk: int
) -> dict[int, list[tuple[float, float]]]:
    """Per database, per turn: processor and wall seconds."""
    spent: dict[int, list[tuple[float, float]]] = defaultdict(list)
    dice = random.Random(7)
    number = 900_000
    for turn in range(rounds + 1):
        who = [dice.randrange(customers) for _ in range(chunk)]
        for size, world in worlds.items():
            cpu, wall = time.process_time(), time.monotonic()
            for n, customer in enumerate(who):
                pay(world, customer, number + n, order_of(world, customer, number + n))
            if turn:  # the first one warms caches
                spent[size].append((time.process_time() - cpu, time.monotonic() - wall))
        number += chunk
    return spent


def _tell(
    report: Report, spent: dict[int, list[tuple[float, float]]], orders: int, small: int, large: int
) -> None:
    means: dict[int, float] = {}
    for size in (small, large):
        cpu, wall = (1000 * sum(part) / orders for part in zip(*spent[size], strict=True))
        means[size] = cpu
        report.add(f"{size:,} orders stored", f"{cpu:.2f} ms CPU, {wall:.2f} ms elapsed per order")
    report.judge(
        f"cost at {large:,} / cost at {small:,}", f"{means[large] / means[small]:.2f}", f"<= {GROWTH_MAX}",
        None if report.quick else means[large] <= GROWTH_MAX * means[small],
    )  # fmt: skip
