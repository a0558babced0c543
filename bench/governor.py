"""A vendor that takes its time and bears five calls at once: how near to its limit the hub keeps it busy.

Two connections share the vendor's account. The simulator runs in this process and counts what is in flight.
"""

from __future__ import annotations

import asyncio
import itertools
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bench.acceptance import scratch
from bench.machine import wait_quiet
from bench.report import Report
from bench.running import HERE, Broken, Running, system
from sandbox.kit import Kit, build, serve

LATENCY, LIMIT = 0.2, 5
IN, OUT = "notes", ("north", "south")
PATIENCE = 300.0
TURNS = 20_000


class Form(NamedTuple):
    """How the hub is run."""

    name: str
    processes: int  # beside the web process; 0: threads in it
    threads: int


FORMS = (
    Form("embedded (SQLite, 12 threads in one process)", 0, 12),
    Form("scaled (PostgreSQL, Redis), 3 worker processes of 6 threads", 3, 6),
)


@dataclass
class Vendor:
    """Answers after a while, and never says that it is too much: it counts."""

    now: int = 0
    peak: int = 0
    began: list[float] = field(default_factory=list)
    seen: dict[tuple[str, str], int] = field(default_factory=dict)

    async def take(self, request: Request) -> JSONResponse:
        """One write."""
        self.now += 1
        self.peak = max(self.peak, self.now)
        self.began.append(time.monotonic())
        told = orjson.loads(await request.body())
        await asyncio.sleep(LATENCY)
        key = (request.path_params["place"], told["reference"])
        self.seen[key] = self.seen.get(key, 0) + 1
        self.now -= 1
        return JSONResponse({"id": f"{key[0]}-{len(self.seen)}"}, status_code=201)

    async def find(self, request: Request) -> JSONResponse:
        """Nothing is ever in doubt here."""
        return JSONResponse([])

    @property
    def app(self) -> Any:
        """Its two halves, one per connection."""
        place = "/{place}/notes"
        routes = [Route(place, self.take, methods=["POST"]), Route(place, self.find, methods=["GET"])]
        return build(Kit(), routes)

    def rate(self) -> float:
        """Calls per second, without the first and last tenth."""
        edge = max(len(self.began) // 10, 1)
        middle = sorted(self.began)[edge:-edge]
        return (len(middle) - 1) / (middle[-1] - middle[0])


def run(*, quick: bool = False) -> Report:
    """How much of the vendor's limit is used, and that it is kept."""
    notes = 20 if quick else 250
    best = LIMIT / LATENCY
    report = Report(
        "governor", "A vendor's limit: 200 ms a call, five at a time, two connections of one account",
        f"{2 * notes} writes; the theory is {best:.0f} calls/s. Counted at the simulator, which shares the "
        "machine; the first and last tenth of the calls are left out of the rate.", quick,
    )  # fmt: skip
    for form in FORMS:
        wait_quiet(0.0 if quick else 20.0)
        vendor = Vendor()
        with ExitStack() as stack:
            if _play(stack, form, vendor, notes, report):
                rate = vendor.rate()
                report.add(form.name, f"{rate:.1f} calls/s, at most {vendor.peak} at a time")
                met = None if quick else rate >= 0.9 * best
                report.judge(f"{form.name}: of the limit", f"{rate / best:.2f}", ">= 0.90", met)
                report.judge(f"{form.name}: calls at a time", f"{vendor.peak}", "5", vendor.peak <= LIMIT)
                whole = len(vendor.seen) == 2 * notes and set(vendor.seen.values()) == {1}
                report.judge(f"{form.name}: every note, once", f"{len(vendor.seen)}", f"{2 * notes}", whole)
    _overhead(report, TURNS // 20 if quick else TURNS)
    return report


def _play(stack: ExitStack, form: Form, vendor: Vendor, notes: int, report: Report) -> bool:
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=scratch()))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    url = stack.enter_context(serve(vendor.app))
    shutil.copytree(HERE.parent / "config", folder / "config")
    (folder / "config" / "routes.yaml").write_text(f"message.received: [{', '.join(OUT)}]\n")
    env = {
        "O2C_CONFIG_DIR": str(folder / "config"), "O2C_MAPPINGS_DIR": "mappings",
        "O2C_THREADS": str(form.threads),
    }  # fmt: skip
    if form.processes:
        try:
            env |= stack.enter_context(_servers())
        except ImportError as missing:
            report.note(f"{form.name}: skipped, {missing}")
            return False
    _prepare(folder, env, url, notes)
    web = system("whole", folder, -1)
    web.env = {**web.env, **env}
    processes = [web]
    if form.processes:
        command = [sys.executable, "-m", "dramatiq", "hub.main:work", "--threads", str(form.threads)]
        processes.append(Running([*command, "--processes", str(form.processes)], 0, folder, web.env))
    for one in processes:
        one.start(wait=one.port > 0)
        stack.callback(one.end, signal.SIGTERM)
    end = time.monotonic() + PATIENCE
    while len(vendor.seen) < 2 * notes:
        if time.monotonic() > end:
            raise Broken(f"{len(vendor.seen)} of {2 * notes} writes after {PATIENCE:.0f} s")
        time.sleep(0.05)
    return True


@contextmanager
def _servers() -> Iterator[dict[str, str]]:
    from tests.servers import Unavailable, database, postgres, redis_server

    with ExitStack() as stack:
        try:
            url = stack.enter_context(database(stack.enter_context(postgres(durable=True))))
            bell = stack.enter_context(redis_server())
        except Unavailable as missing:
            raise ImportError(str(missing)) from missing
        yield {"O2C_DATABASE_URL": url, "O2C_REDIS_URL": bell}


def _prepare(folder: Path, env: Mapping[str, str], vendor: str, notes: int) -> None:
    """A hub with its connections, and everything to be told waiting in its inbox."""
    from hub.main import build as build_hub
    from hub.settings import Settings
    from hub.store import connections

    settings = Settings(
        data_dir=folder, config_dir=folder / "config", mappings_dir=HERE.parent / "mappings",
        database_url=env.get("O2C_DATABASE_URL", ""), redis_url=None, log_level="ERROR",
    )  # fmt: skip
    parts = build_hub(settings)
    wanted: dict[str, Mapping[str, Any]] = {IN: {"secret": "not used: they come as files", "object_id": "id"}}
    for name in OUT:
        wanted[name] = {
            "base_url": vendor, "paths": {"message": f"/{name}/notes"}, "account": "one",
            "find_paths": {"message": f"/{name}/notes?reference={{reference}}"},
            "update_paths": {"message": f"/{name}/notes/{{external_id}}"}, "concurrency": LIMIT,
        }  # fmt: skip
    with parts.hub.store.begin() as tx:
        for name, given in wanted.items():
            sealed = parts.hub.registry.seal(name, "http", given)
            connections.save(
                parts.hub.store.database, tx.conn, name, "http", sealed, poll_seconds=0.0, now=tx.now
            )
    bodies = [orjson.dumps({"id": f"n{n}", "body": {"text": f"note {n}"}}) for n in range(notes)]
    parts.hub.accept([parts.hub.dropped(IN, f"{n}.json", body) for n, body in enumerate(bodies)])
    parts.close()


def _overhead(report: Report, turns: int) -> None:
    """What a call pays where nobody waits."""
    from hub.governing import Governor

    lane = Governor().lane("one", LIMIT)
    start = time.perf_counter()
    for _ in itertools.repeat(None, turns):
        with lane.slot(30.0, float("inf")):
            pass
    each = (time.perf_counter() - start) / turns * 1e6
    report.add("a slot taken and left where nobody waits, in one process", f"{each:.1f} us per call")
