"""A worker process of its own at the queue of a test; what it needs to know stands on its command line.

    python -m tests.flows.erp_process '{"database": ..., "redis": ..., "settings": {...}, "today": ...}'

It says that it is ready, works until its input ends, and stops.
"""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from typing import Any

from connectors.netsuite.connector import NetSuite
from hub import clock as hub_clock
from hub import worker
from hub.engine import Bounds, Hub
from hub.governing import Governor
from hub.http import governed
from hub.pace import Pace
from hub.policies import load_policies
from hub.registry import Live
from hub.store.database import Database
from hub.store.slots import SharedSlots
from hub.store.tx import Store
from tests import world
from tests.flows.wired import live_with, routes_for, with_seller

READY = "ready"


def hub_of(told: dict[str, Any], database: Database, slots: SharedSlots) -> Hub:
    """A hub with a NetSuite connection, whose calls count in the account's slots."""
    lane = Governor(slots).lane("the account", told["limit"])
    with governed(lane):
        connector = NetSuite(NetSuite.manifest.settings.model_validate(told["settings"]))
    live = {name: _scripted(name) for name in ("crm", "bank")}
    with_seller(live)
    live["netsuite"] = replace(live_with("netsuite", connector, {}), lane=lane)
    today = datetime.fromisoformat(told["today"])
    policies = load_policies(world.ROOT / "config" / "policies.yaml")
    store = Store(database, now=lambda: today, policies=policies)
    routes = routes_for(world.ROUTES, ("netsuite",), several=False)
    return Hub(store, world.FixedRegistry(live), routes, Bounds(lease=30.0, call=1.0), pace=Pace())


def _scripted(name: str) -> Live:
    ways = {
        way: {kind: one for (v, kind, w), one in world._translators().items() if (v, w) == (name, way)}
        for way in ("in", "out")
    }
    return Live(name, world.Vendor(name), ways["in"], ways["out"], 1, 0.0, True)


def main(argument: str) -> None:
    """Work until the input ends."""
    told = json.loads(argument)
    with ExitStack() as stack:
        database = Database(told["database"])
        stack.callback(database.close)
        slots = SharedSlots(database)
        stack.callback(slots.close)
        hub = hub_of(told, database, slots)
        broker = worker.broker_for(told["redis"])
        worker.declare(hub, broker, told["threads"])
        running = worker.start(broker, told["threads"])
        clock = hub_clock.Clock(hub, sweep_seconds=0.2)
        clock.start()
        stack.callback(broker.close)
        stack.callback(running.stop, timeout=10_000)
        stack.callback(clock.stop)
        sys.stdout.write(f"{READY}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1])
