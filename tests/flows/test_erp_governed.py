"""Several workers at an account's limit of calls, and what polls cost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import dramatiq
import pytest

from hub import clock as hub_clock
from hub import worker
from hub.engine import Hub
from hub.governing import Governor
from hub.http import governed
from hub.pace import Pace
from hub.store.database import Database
from hub.store.slots import SharedSlots
from hub.store.tx import Store
from tests.flows.erps import Shop, on_stage
from tests.world import FixedRegistry, make_world

LIMIT, LATENCY, PROCESSES, THREADS, ORDERS = 5, 0.1, 3, 4, 12


@pytest.fixture(params=["netsuite", "sap"])
def shop(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Shop]:
    world = make_world(f"sqlite:///{tmp_path / 'hub.db'}")
    with on_stage(world, request.param) as made:
        yield made
    world.hub.store.database.close()


def test_an_unchanged_poll_costs_one_call_and_a_change_shows_after_the_next(shop: Shop) -> None:
    most = {"netsuite": 1, "sap": 3}[shop.erp.name]  # SAP: one for each watched service
    invoice = shop.ship(shop.order(("A", "2", "100.00")), A="2")
    shop.work()
    for _ in range(3):
        before = shop.erp.kit.calls
        hub_clock.poll(shop.world.hub, shop.erp.name)
        assert shop.erp.kit.calls - before <= most
        assert shop.world.hub.process() == 0
    shop.erp.write_off(shop.there(invoice), "30.00")
    hub_clock.poll(shop.world.hub, shop.erp.name)
    shop.world.work()
    assert shop.open_of(invoice) == "170.00"
    shop.ties_out()


def another(shop: Shop, database_url: str) -> tuple[Hub, SharedSlots]:
    """A hub as another process has it: connections, slots and a connector of its own."""
    known: Any = shop.world.hub.registry
    first = shop.world.hub
    database = Database(database_url)
    slots = SharedSlots(database)
    lane = Governor(slots).lane("the account", LIMIT)
    with governed(lane):
        connector = type(shop.erp.connector)(shop.erp.connector._settings)
    live = {**known.live, shop.erp.name: replace(known.live[shop.erp.name], connector=connector, lane=lane)}
    store = Store(database, now=first.store.now, policies=first.store.policies)
    return Hub(store, FixedRegistry(live), first.routes, first.bounds, pace=Pace()), slots


@contextmanager
def at_work(hubs: Sequence[Hub], redis_url: str) -> Iterator[None]:
    """Workers of several processes at one queue."""
    with ExitStack() as stack:
        for hub in hubs:
            broker = worker.broker_for(redis_url)
            worker.declare(hub, broker, THREADS)
            running: dramatiq.Worker = worker.start(broker, THREADS)
            clock = hub_clock.Clock(hub, sweep_seconds=0.2)
            clock.start()
            stack.callback(broker.close)
            stack.callback(running.stop, timeout=10_000)
            stack.callback(clock.stop)
        yield


def eventually(happened: Callable[[], bool], shop: Shop) -> None:
    end = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < end, (shop.waiting(), shop.reasons())
        time.sleep(0.05)


def test_workers_of_several_processes_never_exceed_the_limit_of_the_account(
    postgres_url: str, redis_url: str
) -> None:
    world = make_world(postgres_url)
    with on_stage(world, "netsuite", netsuite={"limit": LIMIT}) as shop, ExitStack() as stack:
        account = shop.erp.sandbox
        hubs = []
        for _ in range(PROCESSES):
            hub, slots = another(shop, postgres_url)
            stack.callback(hub.store.database.close)
            stack.callback(slots.close)
            hubs.append(hub)
        account.latency = LATENCY
        account.gate.reset()
        with at_work(hubs, redis_url):
            world.send("crm", world.company(limit="99000000.00"))
            eventually(lambda: len(world.documents("customer")) == 1 and shop.quiet(), shop)
            for n in range(ORDERS):
                lines = [{"id": 1, "sku": "S", "quantity": "1", "price": "10.00", "delivery": "service"}]
                world.send("crm", world.deal(f"d{n}", lines=lines))
            eventually(lambda: len(world.documents("invoice")) == ORDERS and shop.quiet(), shop)
        told = account.gate.told()
        assert told["highest"] <= LIMIT, told
        assert told["refused"] == 0, told
        assert told["highest"] >= LIMIT - 2, f"nobody came near the limit: {told}"
        account.latency = 0.0
        shop.ties_out()
        assert account.count("salesOrder") == account.count("invoice") == ORDERS
    world.hub.store.database.close()
