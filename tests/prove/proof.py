"""One run: everything started, load and faults for so many cycles, the drain, and the count."""

from __future__ import annotations

import secrets
import shutil
import socket
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.prove.checker import Api, Findings, check, duplicates
from tests.prove.driver import Driver
from tests.prove.durable import backing
from tests.prove.market import Market, Places, vendors
from tests.prove.nemesis import Nemesis
from tests.prove.plan import CALL_SECONDS, IBAN, TIMINGS, UPLOAD_KEY, Scene
from tests.prove.roles import Broken, Hub, Role, Zygote, log_end, running

Say = Callable[[str], None]
DEAD = 137  # how a process ends at a failpoint
STILL_SECONDS = 12.0  # nothing waits and nothing comes: what is missing now is lost


@dataclass
class Result:
    """What a run has shown."""

    scene: Scene
    findings: Findings
    struck: Counter[str] = field(default_factory=Counter)
    vendor_faults: Counter[str] = field(default_factory=Counter)
    answers: dict[str, int] = field(default_factory=dict)
    recoveries: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)  # of acknowledged requests
    drained: float = 0.0
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Does everything hold?"""
        return self.findings.ok


def percentile(values: list[float], of: int) -> float:
    """The p50 or p99 of some seconds; 0 where there are none."""
    if len(values) < 2:
        return values[0] if values else 0.0
    return statistics.quantiles(values, n=100, method="inclusive")[of - 1]


@dataclass
class Stage:
    """Everything of one run that is alive."""

    scene: Scene
    places: Places
    hub: Hub
    driver: Driver
    market: Market
    nemesis: Nemesis
    api: Api


@contextmanager
def staged(scene: Scene, zygote: Zygote, folder: Path, *, first: str = "") -> Iterator[Stage]:
    """Start vendors, servers, hub and people; stop them when the block ends.

    `first`: the failpoint that the very first process dies at, before there is a database.
    """
    with ExitStack() as stack:
        places = stack.enter_context(vendors(scene.seed, folder / "vendors.log"))
        behind, postgres, redis = stack.enter_context(backing(scene.form))
        port = _free_port()
        url = f"http://127.0.0.1:{port}"
        token = f"o2c_{secrets.token_urlsafe(32)}"
        env = {
            **TIMINGS, **behind, "O2C_DATA_DIR": str(folder), "O2C_PORT": str(port), "O2C_PUBLIC_URL": url,
            "O2C_PROVE_MUTATION": scene.mutation, **scene.env,
        }  # fmt: skip
        if first:
            _set_up(zygote, {**env, "O2C_FAILPOINT": first}, folder, places.told, token, ends=DEAD)
        _set_up(zygote, env, folder, places.told, token)
        roles = {"web": Role(zygote, "web", env, folder)}
        if scene.form == "scaled":
            roles["work"] = Role(zygote, "work", env, folder)
        hub = stack.enter_context(running(roles, url, token))
        load = scene.load
        driver = Driver(url, places.told["secret"], scene.seed, load.copies_max, load.late_seconds)
        stack.callback(driver.stop)
        market = Market(places, driver, load, scene.seed)
        places.set_faults("erp", scene.erp_faults)
        places.set_faults("crm", scene.crm_faults)
        nemesis = Nemesis(hub, places, scene.seed, folder, postgres, redis)
        yield Stage(scene, places, hub, driver, market, nemesis, Api(url, token))


def _set_up(
    zygote: Zygote, env: dict[str, str], folder: Path, told: Any, token: str, *, ends: int = 0
) -> None:
    hubspot = {
        "base_url": told["crm"], "access_token": told["token"], "client_secret": told["secret"],
        "portal_id": told["portal"], "deadline": CALL_SECONDS,
    }  # fmt: skip
    netsuite = {
        "base_url": told["erp"], "account_id": told["account_id"], "auth": "tba", "poll_margin": 0,
        "deadline_seconds": CALL_SECONDS, **told["tba"],
    }  # fmt: skip
    bank = {"account": IBAN, "upload_key": UPLOAD_KEY}
    given = {"hubspot": [hubspot, 0.0], "netsuite": [netsuite, 1.0], "bank": [bank, 0.0]}
    secret = {"O2C_PROVE_CONNECTIONS": httpx.Response(200, json=given).text, "O2C_PROVE_TOKEN": token}
    pid = zygote.start("connect", {**env, **secret}, folder)
    code = zygote.wait(pid, 60.0)
    if code != ends:
        raise Broken(f"the first process ended with {code}, not {ends}: {log_end(folder / 'connect.log')}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def prove(scene: Scene, zygote: Zygote, say: Say, *, hasty: bool = False) -> Result:
    """Run a scene. `hasty`: stop at the first duplicate, because one is expected."""
    folder = Path(tempfile.mkdtemp(prefix="o2c-prove-"))
    began = time.monotonic()
    try:
        with staged(scene, zygote, folder) as stage:
            stage.market.start()
            found = cycles(stage, say, hasty=hasty)
            result = Result(scene, Findings(duplicated=found)) if found else conclude(stage, say)
            figures(stage, result)
    except BaseException:
        say(f"what is left of it is in {folder}")
        raise
    result.seconds = time.monotonic() - began
    if result.ok or scene.mutation:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        say(f"what is left of it is in {folder}")
    return result


def cycles(stage: Stage, say: Say, *, hasty: bool) -> list[str]:
    scene, nemesis, market = stage.scene, stage.nemesis, stage.market
    began = time.monotonic()
    for cycle in range(1, scene.cycles + 1):
        market.cycle = cycle
        time.sleep(nemesis.dice.uniform(*scene.between))
        fault = nemesis.strike(cycle, nemesis.choose(scene.form, scene.actions))
        time.sleep(0.05)
        stage.hub.await_alive()
        say(
            f"{scene.form} {cycle:3}/{scene.cycles} at {time.monotonic() - began:6.1f} s: {fault.what}; "
            f"answers again after {time.time() - fault.at:.1f} s; {len(market.sold)} orders sold, "
            f"{len(market.paid)} transfers, {len(stage.driver.journal.acked)} events acknowledged"
        )
        if hasty and (found := duplicates(stage.places)):
            return found
    return []


def conclude(stage: Stage, say: Say) -> Result:
    """Let everything drain with healthy vendors, then count."""
    began = time.monotonic()
    stage.market.close()
    for system in ("erp", "crm"):
        stage.places.set_faults(system, ())
    stuck = _drain(stage)
    drained = time.monotonic() - began
    stage.market.stop()
    say(f"{stage.scene.form}: drained in {drained:.1f} s, counting")
    findings = check(stage.places, stage.market, stage.api)
    if stuck:
        findings.wrong.insert(0, f"[I12] not drained {drained:.0f} s after the last fault: {stuck}")
    return Result(stage.scene, findings, drained=drained)


def _drain(stage: Stage) -> str:
    """Wait until nothing is pending anywhere; what is pending when patience ends."""
    still_since = time.monotonic()
    until = time.monotonic() + stage.scene.drain_seconds
    calm = 0
    while time.monotonic() < until:
        time.sleep(0.3)
        pending = stage.api.pending()
        waiting = pending or not stage.driver.idle()
        if waiting:
            still_since = time.monotonic()
        calm = 0 if waiting or not stage.market.all_paid() else calm + 1
        if calm >= 2 or time.monotonic() - still_since > STILL_SECONDS:
            return ""
    return f"{pending} rows pending, sender idle: {stage.driver.idle()}, all paid: {stage.market.all_paid()}"


def figures(stage: Stage, result: Result) -> None:
    journal = stage.driver.journal
    result.struck = stage.nemesis.counted()
    result.vendor_faults = Counter(stage.places.get("/faults"))
    result.answers = dict(journal.answers)
    result.waits = list(journal.waits)
    result.recoveries = recoveries(stage)


def recoveries(stage: Stage) -> list[float]:
    """Per fault: seconds until an order sold after it was in NetSuite."""
    po = {one["id"]: one["po"] for one in stage.places.get("/books")["orders"]}
    made = {
        po[e["id"]]: e["at"]
        for e in stage.places.effects("erp")
        if (e["kind"], e["action"]) == ("salesOrder", "create") and e["id"] in po
    }
    found = []
    for fault in stage.nemesis.timeline:
        ends = [
            made[x.order.po]
            for x in stage.market.sold.values()
            if x.sent_at >= fault.at and x.order.po in made
        ]
        if ends:
            found.append(min(ends) - fault.at)
    return found
