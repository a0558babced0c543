"""The CRM side: a long history read in by few calls, through two deaths; ten thousand webhooks, few reads.

The hub is a process of its own, on SQLite; the simulators run in this one, on real ports. Orders stay in the
hub: what is measured is reading.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from bench.acceptance import scratch
from bench.machine import family, resident, used
from bench.report import Report
from bench.running import HERE, Broken, Running, free_port
from hub import secrets
from hub.main import build
from hub.settings import Settings
from hub.store import access, connections
from sandbox.hubspot import HubSpotSandbox
from sandbox.kit import serve
from sandbox.salesforce.simulator import SalesforceSandbox

DEALS, LINES, WON = 100_000, 2, 0.1
EACH = 5  # deals per company
BURST_DEALS, BURST_EVENTS = 1_000, 9  # and the one of being won
HUBSPOT_BUDGET, SALESFORCE_BUDGET, BURST_BUDGET = 25, 500, 1_500
PATIENCE = 5_400.0
ROOT = HERE.parent


class Walk(NamedTuple):
    """How a backfill went."""

    seconds: float
    cpu: float
    calls: int
    peak: float  # megabytes of the hub's process at the most
    deaths: int


class Account(NamedTuple):
    """A simulated CRM with its history, and how the hub connects to it."""

    name: str
    kit: Any
    app: Any
    deals: int
    won: int
    settings: Callable[[str], Mapping[str, Any]]
    sandbox: Any


def run(*, quick: bool = False) -> Report:
    """Backfills of both CRMs, and the burst."""
    deals = 100 if quick else DEALS
    report = Report(
        "crm", "CRMs: a history read in, a burst of webhooks",
        f"{deals:,} deals of {LINES} lines each, {WON:.0%} of them won, {EACH} to a company; the hub is "
        "killed twice on the way (kill -9) and started again. Then 10 webhooks for each of 1,000 deals. One "
        "hub process on SQLite; the simulators share the machine.", quick,
    )  # fmt: skip
    for make, budget in ((_hubspot, HUBSPOT_BUDGET), (_salesforce, SALESFORCE_BUDGET)):
        account = make(deals)
        if quick and account.name == "salesforce":
            account.sandbox.pace.polls = 0  # its jobs are done when they are first looked at
        with _hub(account, quick) as hub:
            walk = _walked(hub, account, quick)
            _tell(report, account, hub, walk, budget, quick)
        account.kit.effects.clear()
    _burst(report, quick)
    return report


# the CRMs


def _hubspot(deals: int) -> Account:
    box = HubSpotSandbox()
    seeded = box.seed(deals=deals, companies=deals // EACH, lines_per_deal=LINES, won=WON, apart=1.0)
    assert len(seeded.deals) == deals
    box.gate.enforced = False

    def settings(url: str) -> Mapping[str, Any]:
        return {
            "base_url": url, "access_token": box.token, "client_secret": box.client_secret,
            "portal_id": box.portal_id,
        }  # fmt: skip

    return Account("hubspot", box.kit, box.app, deals, int(deals * WON), settings, box)


def _salesforce(deals: int) -> Account:
    clock = _Then(datetime.now(UTC) - timedelta(seconds=2.0 * deals + 3_600))
    box = SalesforceSandbox(now=clock)
    box.install(ROOT / "connectors" / "salesforce" / "package")
    for sku in ("A", "B"):
        box.add_product(sku, "10")
    companies = deals // EACH
    lines = [("A", "2", "10.00"), ("B", "1", "5.00")]
    often = round(1 / (WON * EACH))  # one deal of every so many companies is won
    for n in range(companies):
        clock.forward(2.0 * EACH)
        first = box.add_opportunity(box.add_account(f"Company {n}"), f"Deal {n}", lines=lines)
        box.clone_opportunities(first, EACH - 1)
        if n % often == 0:
            box.win(first)
    clock.now()
    won = len(range(0, companies, often))

    def settings(url: str) -> Mapping[str, Any]:
        return {
            "base_url": url, "org_id": box.org.org_id, "auth": "client_credentials", "currency": "USD",
            "consumer_key": box.consumer_key, "consumer_secret": box.consumer_secret,
        }  # fmt: skip

    return Account("salesforce", box.kit, box.app, deals, won, settings, box)


class _Then:
    """A clock that begins in the past and ends now."""

    def __init__(self, start: datetime) -> None:
        self._at: datetime | None = start

    def __call__(self) -> datetime:
        return self._at or datetime.now(UTC)

    def forward(self, seconds: float) -> None:
        """Time passes."""
        assert self._at is not None
        self._at += timedelta(seconds=seconds)

    def now(self) -> None:
        """From here on it is today."""
        self._at = None


# the hub


class Hub:
    """The hub as a process that can be killed, and its API."""

    def __init__(self, folder: Path, name: str, quick: bool) -> None:
        self.folder, self.name = folder, name
        self.token = secrets.new_token()
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        env = {
            "O2C_DATA_DIR": str(folder), "O2C_CONFIG_DIR": str(folder / "config"), "O2C_LOG_LEVEL": "ERROR",
            "O2C_MAPPINGS_DIR": str(ROOT / "mappings"), "O2C_SWEEP_SECONDS": "0.2",
        }  # fmt: skip
        if quick:  # the rows of the dead wait for less
            env |= {"O2C_LEASE_SECONDS": "8", "O2C_CALL_SECONDS": "2"}
        command = [sys.executable, "-c", "from hub.cli import app; app()", "serve", "--port", str(port)]
        self.process = Running(command, port, folder, env)
        self.cpu, self.peak = 0.0, 0.0

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """A call of the admin API."""
        headers = {"authorization": f"Bearer {self.token}"}
        reply = httpx.request(method, f"{self.url}/api/v1{path}", json=body, headers=headers, timeout=60)
        if reply.status_code >= 400:
            raise Broken(f"{method} {path}: {reply.status_code} {reply.text[:300]}")
        return reply.json()

    def look(self) -> None:
        """Note what it uses now."""
        if self.process.process is not None and self.process.process.poll() is None:
            self.peak = max(self.peak, resident(family([self.process.pid])))

    def die(self) -> None:
        """Killed without a word, and started again."""
        self.cpu += used(family([self.process.pid]))
        os.kill(self.process.pid, signal.SIGKILL)
        assert self.process.process is not None
        self.process.process.wait(10)
        self.process.start(60)

    def asked(self, sql: str) -> list[Any]:
        """A look into its database."""
        with sqlite3.connect(f"file:{self.folder / 'hub.db'}?mode=ro", uri=True, timeout=30) as conn:
            return conn.execute(sql).fetchall()


@contextmanager
def _hub(account: Account, quick: bool) -> Iterator[Hub]:
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=scratch()))
    try:
        shutil.copytree(ROOT / "config", folder / "config")
        shutil.copyfile(HERE / "config_crm" / "routes.yaml", folder / "config" / "routes.yaml")
        with serve(account.app) as url:
            hub = Hub(folder, account.name, quick)
            _connect(hub, account.name, account.settings(url))
            if account.name == "hubspot":
                account.sandbox.webhooks.target = f"{hub.url}/webhooks/hubspot"
            with hub.process:
                yield hub
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _connect(hub: Hub, name: str, given: Mapping[str, Any]) -> None:
    settings = Settings(
        data_dir=hub.folder, config_dir=hub.folder / "config", mappings_dir=ROOT / "mappings",
        database_url="", redis_url=None, log_level="ERROR",
    )  # fmt: skip
    parts = build(settings)
    with parts.hub.store.begin() as tx:
        sealed = parts.hub.registry.seal(name, name, given)
        connections.save(parts.hub.store.database, tx.conn, name, name, sealed, poll_seconds=0.0, now=tx.now)
        access.add_token(
            tx.conn, digest=secrets.token_digest(hub.token), name="bench", role="admin", now=tx.now
        )
    parts.close()


# the walk


def _walked(hub: Hub, account: Account, quick: bool) -> Walk:
    before, start = account.kit.calls, time.monotonic()
    hub.api("POST", f"/connections/{hub.name}/backfill", {"since": "2015-01-01"})
    stop = threading.Event()
    watch = threading.Thread(target=_watching, args=(hub, stop), daemon=True)
    watch.start()
    deaths = 0
    try:
        while True:
            told = hub.api("GET", f"/connections/{hub.name}/backfill")
            waits = hub.api("GET", f"/connections/{hub.name}")["backlog"]["in_pending"]
            _progress(account, told, waits, start, quick)
            if deaths < (1 if quick else 2) and told["seen"] > account.deals * (deaths + 1) / 3:
                hub.die()  # also where a short history was read in before we looked
                deaths += 1
                continue
            if told["state"] != "running" and not waits:
                break
            if time.monotonic() - start > PATIENCE:
                raise Broken(f"the backfill of {hub.name} took over {PATIENCE:.0f} s: {told}")
            time.sleep(0.1 if quick else 1.0)
    finally:
        stop.set()
        watch.join(5)
    assert told["state"] == "done", told
    cpu = hub.cpu + used(family([hub.process.pid]))
    return Walk(time.monotonic() - start, cpu, account.kit.calls - before, hub.peak, deaths)


def _watching(hub: Hub, stop: threading.Event) -> None:
    while not stop.wait(0.25):
        try:
            hub.look()
        except (OSError, ValueError):  # it is being killed and started just now
            continue


def _progress(account: Account, told: Mapping[str, Any], waits: int, start: float, quick: bool) -> None:
    if not quick and sys.stdout.isatty():
        seconds = time.monotonic() - start
        print(f"\r  {told['seen']:,} seen, {waits:,} wait, {seconds:.0f} s   ", end="", flush=True)


def _tell(report: Report, account: Account, hub: Hub, walk: Walk, budget: int, quick: bool) -> None:
    orders = hub.asked("SELECT count(*), count(DISTINCT id) FROM documents WHERE kind = 'order'")[0]
    known = hub.asked("SELECT count(*), count(DISTINCT external_id) FROM xref WHERE kind = 'order'")[0]
    short = hub.asked(
        "SELECT count(*) FROM documents WHERE kind = 'order' "
        f"AND json_array_length(json_extract(body, '$.lines')) <> {LINES}"
    )[0][0]
    dead = hub.asked("SELECT count(*) FROM inbox WHERE state = 'dead'")[0][0]
    per = account.deals / walk.calls
    report.add(
        f"{account.name}: {account.deals:,} deals read in",
        f"{walk.seconds:,.0f} s ({account.deals / walk.seconds:,.0f} deals/s), "
        f"{1000 * walk.cpu / account.deals:.1f} ms CPU per deal, {walk.calls:,} calls "
        f"(1 per {per:.0f} deals), at most {walk.peak:.0f} MB, deaths: {walk.deaths}",
    )
    whole = (orders[0], orders[1], known[0], known[1], short, dead) == (*[account.won] * 4, 0, 0)
    figures = (
        f"{orders[0]:,} orders of {account.won:,} won deals, {known[1]:,} distinct, {short} not whole, "
        f"{dead} stopped"
    )
    report.judge(f"{account.name}: nothing lost, nothing twice", figures, "all, once, whole", whole)
    report.judge(
        f"{account.name}: deals per call", f"{per:.0f}", f">= {budget}", None if quick else per >= budget
    )


# the burst


def _burst(report: Report, quick: bool) -> None:
    deals = 15 if quick else BURST_DEALS
    account = _hubspot(max(deals, EACH * 10))
    box = account.sandbox
    with _hub(account, quick) as hub:
        ids = sorted(box.portal.objects["deals"], key=int)[:deals]
        for turn in range(BURST_EVENTS):
            for one in ids:
                box.update("deals", one, {"dealname": f"change {turn}"})
        for one in ids:
            box.win(one)
        events = len(box.webhooks.pending)
        before, start = account.kit.calls, time.monotonic()
        _send_each_alone(box)
        sent = time.monotonic() - start
        _until(lambda: not hub.asked("SELECT 1 FROM inbox WHERE state = 'pending' LIMIT 1"))
        seconds, calls = time.monotonic() - start, account.kit.calls - before
        found = hub.asked("SELECT json_extract(body, '$.title') FROM documents WHERE kind = 'order'")
        newest = sum(title == f"change {BURST_EVENTS - 1}" for (title,) in found)
    report.add(
        f"burst: {events:,} webhooks, one event each, for {deals:,} deals",
        f"sent in {sent:.0f} s, worked off after {seconds:.0f} s, {calls:,} read calls",
    )
    report.judge(
        "burst: orders at their deal's newest state",
        f"{newest:,} of {deals:,}",
        f"{deals:,}",
        newest == deals,
    )
    report.judge(
        "burst: read calls", f"{calls:,}", f"< {BURST_BUDGET:,}", None if quick else calls < BURST_BUDGET
    )


def _send_each_alone(box: HubSpotSandbox) -> None:
    """HubSpot may send up to 100 events in one request, and on a bad day one in each."""
    assert all(receipt.status == 202 for receipt in box.deliver_reversed())


def _until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > end:
            raise Broken("the burst is not worked off")
        time.sleep(0.1)
