"""The integration job: a signed webhook with a 20-line deal in, a computed sales order out."""

from __future__ import annotations

import asyncio
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from bench.acceptance import scratch
from bench.load import Load, Seen, Times, Window, seen
from bench.machine import Meter, Usage, cores, wait_quiet
from bench.repeats import Repeats
from bench.report import Report
from bench.running import IN, Running, prepare, system
from bench.shots import LARGE, Shots
from bench.sink import Sink

CONNECTIONS = 256
LINES = 20


class Sizes(NamedTuple):
    """How long, how many, how hard."""

    window: Window
    in_flight: int
    steady: Window
    rounds: int
    chaos_rate: float
    chaos_seconds: float
    outage: float
    drain: float
    kills: int
    env: dict[str, str]


_HASTY = {"O2C_LEASE_SECONDS": "4", "O2C_CALL_SECONDS": "1"}
FULL = Sizes(Window(3.0, 15.0), 256, Window(2.0, 15.0), 2, 150.0, 60.0, 40.0, 240.0, 3, {})
QUICK = Sizes(Window(0.2, 0.8), 16, Window(0.1, 0.5), 1, 40.0, 1.5, 0.5, 30.0, 1, _HASTY)


class Shot(NamedTuple):
    """One timed run."""

    seen: Seen
    usage: Usage


@asynccontextmanager
async def job(
    folder: Path, count: int, env: Mapping[str, str] = MappingProxyType({})
) -> AsyncIterator[tuple[Running, Shots, Times, Sink]]:
    """A fresh hub with the job set up, the events to send it, and the sink it delivers to."""
    folder.mkdir()
    shots, times = Shots(count, f"/webhooks/{IN}", LINES, LARGE), Times(count)
    sink = Sink(times.arrived)
    await sink.start()
    prepare(folder, sink.port)
    running = system("whole", folder, cores()[0])
    running.env = {**running.env, **env}
    running.start()
    try:
        yield running, shots, times, sink
    finally:
        running.end(signal.SIGKILL)
        sink.stop()


def run(*, quick: bool = False) -> Report:
    """Throughput, latency at half of it, and what is lost or repeated in an outage and a crash."""
    sizes = QUICK if quick else FULL
    report = Report(
        "ipaas", "The integration job: webhook (6.9 kB, 20 lines) to computed sales order at another system",
        "The hub as `o2c serve` runs it, on one core with all its threads; load and sink on another. "
        f"Throughput: closed loop to the delivery, {sizes.in_flight} events under way, "
        f"{sizes.window.seconds:g} s.",
        quick,
    )  # fmt: skip
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=scratch()))
    try:
        _speed(report, folder, sizes)
        _chaos(report, folder, sizes)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return report


def _speed(report: Report, folder: Path, sizes: Sizes) -> None:
    quick = report.quick
    fast = [quietly(throughput(folder / f"fast{n}", sizes), quick=quick) for n in range(sizes.rounds)]
    best = min(fast, key=lambda s: s.usage.other)
    rate, cost = best.seen.deliveries, best.usage.system / max(best.seen.deliveries, 1e-9) * 1000
    told = f"{rate:,.0f}/s, {cost:.2f} ms CPU per event, {best.usage.megabytes:.0f} MB RSS"
    report.add("delivered at full load", told, best.usage)
    half = [quietly(_latency(folder / f"half{n}", sizes, rate / 2), quick=quick) for n in range(sizes.rounds)]
    calm = min(half, key=lambda s: s.usage.other)
    ack, way = calm.seen.ack_ms, calm.seen.way_ms
    report.add(
        f"at {rate / 2:,.0f}/s offered",
        f"{calm.seen.deliveries:,.0f}/s delivered, acknowledged p50 {ack[0]:.1f} ms p99 {ack[1]:.1f} ms, "
        f"delivered p50 {way[0]:.1f} ms p99 {way[1]:.1f} ms",
        calm.usage,
    )
    report.judge("delivered per second, one core", f"{rate:,.0f}", ">= 500, aim 1,000", rate >= 500)
    report.judge("p99 to delivery at half load", f"{way[1]:.0f} ms", "< 100 ms", way[1] < 100)
    memory = max(best.usage.megabytes, calm.usage.megabytes)
    report.judge("memory", f"{memory:.0f} MB", "< 150 MB", memory < 150)


def quietly(work: object, *, quick: bool) -> Shot:
    wait_quiet(0.0 if quick else 20.0)
    shot: Shot = asyncio.run(work)  # type: ignore[arg-type]  # a coroutine
    return shot


async def throughput(folder: Path, sizes: Sizes) -> Shot:
    count = int((sizes.window.warm + sizes.window.seconds) * 4_000) + sizes.in_flight
    async with job(folder, count) as (running, shots, times, _):
        load = Load(shots, times, port=running.port, connections=CONNECTIONS)
        await load.connect()

        async def drive(begin: Callable[[], None]) -> None:
            await load.closed(sizes.window, in_flight=sizes.in_flight, on_delivery=True, begin=begin)

        return await _timed(running, load, times, drive)


async def _latency(folder: Path, sizes: Sizes, rate: float) -> Shot:
    count = int((sizes.steady.warm + sizes.steady.seconds) * rate) + 10
    async with job(folder, count) as (running, shots, times, _):
        load = Load(shots, times, port=running.port, connections=CONNECTIONS)
        await load.connect()

        async def drive(begin: Callable[[], None]) -> None:
            await load.steady(sizes.steady, rate=rate, begin=begin)

        return await _timed(running, load, times, drive)


async def _timed(running: Running, load: Load, times: Times, drive: Callable[..., object]) -> Shot:
    meter, began = Meter([running.pid]), [0.0]

    def begin() -> None:
        meter.restart()
        began[0] = time.monotonic()

    await drive(begin)  # type: ignore[misc]  # a coroutine function
    end, usage = time.monotonic(), meter.stop()
    until = end + 10.0
    while times.delivered_count < load.begun and time.monotonic() < until:
        await asyncio.sleep(0.05)
    load.close()
    return Shot(seen(times, load.begun, began[0], end), usage)


# -- loss and repetition ----------------------------------------------------------
class Toll(NamedTuple):
    """What a disturbed run cost."""

    sent: int
    lost: int
    repeated: int
    senders_repeats: int
    broken: int
    slowest: float  # seconds from due to delivered
    refused: int  # times the sink answered 503
    searches: int  # times the hub looked before it wrote again
    found: int  # times it thereby found what it had written


def _chaos(report: Report, folder: Path, sizes: Sizes) -> None:
    down = f"the far system is down for {sizes.outage:g} s"
    killed = f"the hub is killed (kill -9) under load and started again, {sizes.kills} times"
    # a quick run leaves the outage out: it only asks whether everything works
    for name, title in (("kill", killed),) if report.quick else (("outage", down), ("kill", killed)):
        toll = asyncio.run(_disturbed(folder / name, sizes, kills=sizes.kills if name == "kill" else 0))
        report.add(
            title,
            f"{toll.sent:,} events at {sizes.chaos_rate:.0f}/s, {toll.senders_repeats:,} of them sent twice: "
            f"{toll.lost} lost, {toll.repeated} written twice; slowest {toll.slowest:.1f} s, "
            f"{toll.refused:,} answers 503, {toll.searches:,} look-ups finding {toll.found}, "
            f"{toll.broken} connections broken",
        )
        met = toll.lost + toll.repeated == 0
        report.judge(f"lost / repeated ({name})", f"{toll.lost} / {toll.repeated}", "0 / 0", met)


async def _disturbed(folder: Path, sizes: Sizes, *, kills: int) -> Toll:
    count = int(sizes.chaos_rate * sizes.chaos_seconds)
    async with job(folder, count, sizes.env) as (running, shots, times, sink):
        load = Load(shots, times, port=running.port, connections=CONNECTIONS, again=True)
        await load.connect()
        loop = asyncio.get_running_loop()
        trouble = loop.create_task(_kills(running, sizes, kills) if kills else _outage(sink, sizes))
        repeats = Repeats(load, every=10)
        await load.steady(Window(0.0, sizes.chaos_seconds), rate=sizes.chaos_rate, begin=lambda: None)
        await trouble
        await load.settled(30.0)
        await repeats.finish()
        until, sent = time.monotonic() + sizes.drain, load.begun
        while times.delivered_count < sent and time.monotonic() < until:
            await asyncio.sleep(0.1)
        await asyncio.sleep(min(3.0, sizes.drain / 10))  # anything that would still be written twice
        load.close()
        spans = [d - s for d, s in zip(times.delivered, times.due, strict=True) if d]
        return Toll(
            sent, sum(c == 0 for c in times.copies[:sent]), sum(c - 1 for c in times.copies if c),
            repeats.sent, load.broken, max(spans, default=0.0), sink.refused, sink.searches, sink.found,
        )  # fmt: skip


async def _outage(sink: Sink, sizes: Sizes) -> None:
    await asyncio.sleep(sizes.chaos_seconds * 0.15)
    sink.down = True
    await asyncio.sleep(sizes.outage)
    sink.down = False


async def _kills(running: Running, sizes: Sizes, kills: int) -> None:
    """Under full flow, so that some writes are made and not yet noted when the process dies."""
    loop = asyncio.get_running_loop()
    for _ in range(kills):
        await asyncio.sleep(sizes.chaos_seconds / (kills + 1))
        running.end(signal.SIGKILL)
        running.start(wait=False)
        await loop.run_in_executor(None, running.answering)
