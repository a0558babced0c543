"""The same job on n8n and Node-RED: installed by npm into a temporary folder, run, and removed again.

BENCH_PEERS names a folder to keep them in, and to find them in the next time.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from bench.acceptance import scratch
from bench.ipaas import FULL as JOB
from bench.ipaas import LINES, quietly, throughput
from bench.load import Load, Seen, Times, Window, seen
from bench.machine import Meter, Usage, cores
from bench.report import Report
from bench.running import HERE, Broken, Running, free_port
from bench.shots import LARGE, Shots
from bench.sink import Sink

INSTALL_SECONDS = 900
START_SECONDS = 120
PATH = "/webhook/deals"
_PINNED = "import os,sys; os.sched_setaffinity(0,{int(sys.argv[1])}); os.execvp(sys.argv[2],sys.argv[2:])"


class Peer(NamedTuple):
    """What is installed, and how much at once suits it."""

    name: str
    package: str
    version: str
    overrides: dict[str, str]
    in_flight: int


PEERS = (
    Peer("Node-RED", "node-red", "4.1.15", {}, 32),
    # its own xlsx comes from outside the npm registry; the job does not use it
    Peer("n8n", "n8n", "2.8.4", {"xlsx": "0.18.5"}, 16),
)
WINDOW = Window(5.0, 15.0)


class Missing(Exception):
    """A peer cannot be installed here."""


class Shot(NamedTuple):
    """One timed run."""

    seen: Seen
    usage: Usage
    lost: int


def run(*, quick: bool = False) -> Report:
    """Our throughput and theirs, one after the other, and what an outage of 20 s costs each peer."""
    report = Report(
        "peers", "The integration job on other software",
        f"Same events, same load and sink, one core each; closed loop to the delivery, {WINDOW.seconds:g} s. "
        "Neither peer stores the event before it answers; the hub does.", quick,
    )  # fmt: skip
    if quick:
        report.note("skipped: installing the peers takes minutes")
        return report
    if shutil.which("npm") is None or shutil.which("node") is None:
        report.note("skipped: node and npm are not installed")
        return report
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=scratch()))
    installed = Path(os.environ.get("BENCH_PEERS") or folder)
    try:
        ours = quietly(throughput(folder / "ours", JOB), quick=False)
        report.add("O2C Hub (durable)", f"{ours.seen.deliveries:,.0f}/s delivered", ours.usage)
        for peer in PEERS:
            _one(report, peer, installed / peer.package, ours.seen.deliveries)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return report


def _one(report: Report, peer: Peer, folder: Path, ours: float) -> None:
    label = f"{peer.name} {peer.version}"
    try:
        install(peer, folder)
        shot = asyncio.run(_measure(peer, folder))
        report.add(
            label,
            f"{shot.seen.deliveries:,.0f}/s delivered, p50 {shot.seen.way_ms[0]:.0f} ms, "
            f"p99 {shot.seen.way_ms[1]:.0f} ms, {shot.usage.megabytes:.0f} MB RSS",
            shot.usage,
        )
        report.judge(f"O2C Hub / {label}", f"{ours / max(shot.seen.deliveries, 0.01):.1f}", "-", None)
        out = asyncio.run(_outage(peer, folder, shot.seen.deliveries * 0.4))
        report.add(f"{label}, sink down for 20 s", f"{out.lost:,} of {out.sent:,} acknowledged events lost")
    except (Missing, Broken) as problem:
        report.note(f"{label}: skipped, {problem}")


def install(peer: Peer, folder: Path) -> None:
    """npm install into an empty folder; one that is there is taken as installed. Raises Missing."""
    if (folder / "installed").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {"private": True, "dependencies": {peer.package: peer.version}, "overrides": peer.overrides}
    (folder / "package.json").write_text(json.dumps(wanted), "utf-8")
    print(f"  installing {peer.name} {peer.version} (at most {INSTALL_SECONDS} s)", flush=True)
    command = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise Missing(f"npm install took over {INSTALL_SECONDS} s") from None
    if done.returncode:
        raise Missing(f"npm install failed: {done.stderr.strip()[-200:]}")
    (folder / "installed").touch()


def flow(sink_port: int) -> list[dict[str, object]]:
    """Node-RED: webhook in, answer at once, map, post."""
    script = (HERE / "peer_job.js").read_text("utf-8")
    tab = {"z": "tab"}
    return [
        {"id": "tab", "type": "tab", "label": "orders"},
        {"id": "in", "type": "http in", "url": PATH, "method": "post", "wires": [["map", "ok"]], **tab},
        {"id": "ok", "type": "template", "template": '{"ok":true}', "output": "json", "field": "payload",
         "fieldType": "msg", "syntax": "plain", "format": "json", "name": "", "wires": [["reply"]], **tab},
        {"id": "reply", "type": "http response", "statusCode": "202", "headers": {}, "wires": [], **tab},
        {"id": "map", "type": "function", "outputs": 1, "libs": [], "wires": [["post"]], **tab,
         "func": f"{script}\nmsg.payload = job(msg.payload);\n"
                 "msg.headers = {'content-type': 'application/json'};\nreturn msg;"},
        {"id": "post", "type": "http request", "method": "POST", "ret": "txt", "paytoqs": "ignore",
         "url": f"http://127.0.0.1:{sink_port}/orders", "persist": True, "headers": [], "wires": [[]], **tab},
    ]  # fmt: skip


def workflow(sink_port: int) -> dict[str, object]:
    """n8n: webhook that answers at once, code, HTTP request with all the retries it offers."""
    script = (HERE / "peer_job.js").read_text("utf-8")
    request = {
        "method": "POST", "url": f"http://127.0.0.1:{sink_port}/orders", "sendBody": True,
        "specifyBody": "json", "jsonBody": "={{ JSON.stringify($json) }}", "options": {},
    }  # fmt: skip
    code = f"{script}\nreturn [{{json: job($input.first().json.body)}}];"
    node = {"position": [0, 0], "id": "a"}
    return {
        "id": "orders", "name": "orders", "active": False, "settings": {"executionOrder": "v1"},
        "nodes": [
            {**node, "name": "In", "type": "n8n-nodes-base.webhook", "typeVersion": 2, "webhookId": "deals",
             "parameters": {"httpMethod": "POST", "path": "deals", "responseMode": "onReceived"}},
            {**node, "id": "b", "name": "Map", "type": "n8n-nodes-base.code", "typeVersion": 2,
             "parameters": {"jsCode": code}},
            {**node, "id": "c", "name": "Post", "type": "n8n-nodes-base.httpRequest", "typeVersion": 4.2,
             "parameters": request, "retryOnFail": True, "maxTries": 5, "waitBetweenTries": 1000},
        ],
        "connections": {
            "In": {"main": [[{"node": "Map", "type": "main", "index": 0}]]},
            "Map": {"main": [[{"node": "Post", "type": "main", "index": 0}]]},
        },
    }  # fmt: skip


def _ready(peer: Peer, folder: Path, sink_port: int) -> Running:
    """The peer set up for this sink, not yet started."""
    port = free_port()
    pinned = [sys.executable, "-c", _PINNED, str(cores()[0]), "node"]
    if peer.package == "node-red":
        home = folder / "home"
        home.mkdir(exist_ok=True)
        (home / "flows.json").write_text(json.dumps(flow(sink_port)), "utf-8")
        (home / "settings.js").write_text(
            f"module.exports={{uiPort:{port},uiHost:'127.0.0.1',flowFile:'flows.json',httpAdminRoot:false,"
            "logging:{console:{level:'error'}}}",
            "utf-8",
        )
        red = str(folder / "node_modules/node-red/red.js")
        return Running([*pinned, red, "-u", str(home), "-s", str(home / "settings.js")], port, folder)
    env = {
        "N8N_USER_FOLDER": str(folder), "N8N_LISTEN_ADDRESS": "127.0.0.1", "N8N_PORT": str(port),
        "N8N_HOST": "127.0.0.1", "N8N_DIAGNOSTICS_ENABLED": "false",
        "N8N_VERSION_NOTIFICATIONS_ENABLED": "false",
        "N8N_TEMPLATES_ENABLED": "false", "N8N_PERSONALIZATION_ENABLED": "false", "N8N_LOG_LEVEL": "error",
        "N8N_RUNNERS_BROKER_PORT": str(free_port()),
    }  # fmt: skip
    program = str(folder / "node_modules/n8n/bin/n8n")
    _import(program, folder, env, sink_port)
    return Running([*pinned, program, "start"], port, folder, env)


def _import(program: str, folder: Path, env: dict[str, str], sink_port: int) -> None:
    """Load the workflow; the first call on an empty folder only makes the database."""
    path = folder / "workflow.json"
    path.write_text(json.dumps([workflow(sink_port)]), "utf-8")
    steps = (["import:workflow", f"--input={path}"],) * 2 + (["publish:workflow", "--id=orders"],)
    for n, step in enumerate(steps):
        done = subprocess.run(
            ["node", program, *step], env={**os.environ, **env}, capture_output=True, text=True, timeout=300,
            check=False,
        )  # fmt: skip
        if done.returncode and n:
            raise Missing(f"{step[0]} failed: {(done.stderr or done.stdout).strip()[-200:]}")


async def _until_it_works(running: Running, times: Times) -> None:
    """A peer listens before its flow is up: send single events until one comes out. Raises Broken."""
    running.start(START_SECONDS)
    until = time.monotonic() + START_SECONDS
    probe = Shots(1, PATH, LINES, LARGE, first=10**9, signed=False)
    while not times.strangers:
        if time.monotonic() > until:
            raise Broken("its flow delivers nothing")
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", running.port)
            writer.write(probe.wire(0))
            await asyncio.sleep(1.0)
            writer.close()
        except OSError:
            await asyncio.sleep(1.0)


async def _measure(peer: Peer, folder: Path) -> Shot:
    count = 60_000
    shots, times = Shots(count, PATH, LINES, LARGE, signed=False), Times(count)
    sink = Sink(times.arrived)
    await sink.start()
    running = _ready(peer, folder, sink.port)
    try:
        await _until_it_works(running, times)
        load = Load(shots, times, port=running.port, connections=64)
        await load.connect()
        meter, began = Meter([running.pid]), [0.0]

        def begin() -> None:
            meter.restart()
            began[0] = time.monotonic()

        await load.closed(WINDOW, in_flight=peer.in_flight, on_delivery=True, begin=begin)
        end, usage = time.monotonic(), meter.stop()
        await asyncio.sleep(3.0)
        load.close()
        lost = sum(bool(times.acked[n]) and not times.copies[n] for n in range(load.begun))
        return Shot(seen(times, load.begun, began[0], end), usage, lost)
    finally:
        running.end(signal.SIGTERM)
        sink.stop()


class Outage(NamedTuple):
    """What a peer lost."""

    sent: int
    lost: int


async def _outage(peer: Peer, folder: Path, rate: float) -> Outage:
    seconds, count = 40.0, int(rate * 40.0)
    shots, times = Shots(count, PATH, LINES, LARGE, signed=False), Times(count)
    sink = Sink(times.arrived)
    await sink.start()
    running = _ready(peer, folder, sink.port)
    try:
        await _until_it_works(running, times)
        load = Load(shots, times, port=running.port, connections=64)
        await load.connect()
        loop = asyncio.get_running_loop()
        loop.call_later(8.0, setattr, sink, "down", True)
        loop.call_later(28.0, setattr, sink, "down", False)
        await load.steady(Window(0.0, seconds), rate=rate, begin=lambda: None)
        await asyncio.sleep(15.0)
        load.close()
        acked = [n for n in range(load.begun) if times.acked[n]]
        return Outage(len(acked), sum(not times.copies[n] for n in acked))
    finally:
        running.end(signal.SIGTERM)
        sink.stop()
