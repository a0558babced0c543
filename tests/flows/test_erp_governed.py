"""Several workers at an account's limit of calls, and what polls cost."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from hub import clock as hub_clock
from sandbox.netsuite import NetSuiteSandbox
from tests.flows.erp_process import READY
from tests.flows.erps import Shop, on_stage
from tests.world import ROOT, make_world

LIMIT, LATENCY, PROCESSES, THREADS, ORDERS = 5, 0.1, 2, 5, 12


@pytest.fixture(params=["netsuite", "sap"])
def shop(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Shop]:
    world = make_world(f"sqlite:///{tmp_path / 'hub.db'}")
    with on_stage(world, request.param) as made:
        yield made
    world.hub.store.database.close()


INTERVAL = 0.3  # seconds in which everything is asked once, as the connection says


def test_an_unchanged_poll_costs_one_call_and_a_change_shows_within_one_interval(shop: Shop) -> None:
    invoice = shop.ship(shop.order(("A", "2", "100.00")), A="2")
    other = shop.order(("B", "1", "10.00"))
    shop.work()
    registry: Any = shop.world.hub.registry
    registry.live[shop.erp.name] = replace(registry.live[shop.erp.name], poll_seconds=INTERVAL)
    turns = registry.live[shop.erp.name].turns
    calls: list[int] = []
    with polling(shop, calls):
        time.sleep(3 * INTERVAL)
        assert set(calls) == {1}, calls
        assert turns <= len(calls) <= 4 * turns
        shop.erp.write_off(shop.there(invoice), "30.00")
        within(turns, calls, lambda: shop.open_of(invoice) == "170.00")
        shop.erp.ship(shop.there(other), {"B": "1"})
        within(turns, calls, lambda: shop.invoices(other) != [])
    shop.work()
    shop.ties_out()


@contextmanager
def polling(shop: Shop, calls: list[int]) -> Iterator[None]:
    """The hub's clock ticks, and what its polls bring is worked in. How many calls each poll made."""
    rounds, stop = hub_clock.Clock(shop.world.hub, sweep_seconds=60.0), threading.Event()

    def tick() -> None:
        while not stop.wait(0.005):
            before = shop.erp.kit.calls
            rounds.poll_due()
            if made := shop.erp.kit.calls - before:
                calls.append(made)
            shop.world.work()

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)


def within(turns: int, calls: list[int], happened: Callable[[], bool]) -> None:
    """An interval has as many polls as there are turns; the one that is under way saw what was before."""
    began, end = len(calls), time.monotonic() + 30
    while not happened():
        assert len(calls) - began <= turns + 1, "it took longer than an interval"
        assert time.monotonic() < end
        time.sleep(0.005)


@contextmanager
def at_work(shop: Shop, account: NetSuiteSandbox, **told: Any) -> Iterator[list[subprocess.Popen[str]]]:
    """Worker processes of the operating system at one queue."""
    settings = {"base_url": shop.erp.connector._settings.base_url, "auth": "tba", "poll_margin": 0}
    settings |= account.tba
    told |= {"settings": settings, "limit": LIMIT, "threads": THREADS}
    told |= {"today": shop.world.today[0].isoformat()}
    command = [sys.executable, "-m", "tests.flows.erp_process", json.dumps(told)]
    processes = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    try:
        for one in processes:
            assert one.stdout is not None
            assert one.stdout.readline().strip() == READY
        yield processes
    finally:
        for one in processes:  # nothing waits any more: what they did must stand without a farewell
            one.kill()
            one.communicate(timeout=30)


def eventually(happened: Callable[[], bool], shop: Shop) -> None:
    end = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < end, (shop.waiting(), shop.reasons())
        time.sleep(0.05)


def test_workers_of_several_processes_never_exceed_the_limit_of_the_account(
    postgres_url: str, redis_url: str
) -> None:
    world = make_world(postgres_url)
    with on_stage(world, "netsuite", netsuite={"limit": LIMIT}) as shop:
        account = shop.erp.sandbox
        account.latency = LATENCY
        account.gate.reset()
        with at_work(shop, account, database=postgres_url, redis=redis_url) as processes:
            world.send("crm", world.company(limit="99000000.00"))
            eventually(lambda: len(world.documents("customer")) == 1 and shop.quiet(), shop)
            for n in range(ORDERS):
                lines = [{"id": 1, "sku": "S", "quantity": "1", "price": "10.00", "delivery": "service"}]
                world.send("crm", world.deal(f"d{n}", lines=lines))
            eventually(lambda: len(world.documents("invoice")) == ORDERS and shop.quiet(), shop)
            assert [one.poll() for one in processes] == [None] * PROCESSES
        told = account.gate.told()
        assert told["highest"] <= LIMIT, told
        assert told["refused"] == 0, told
        assert told["highest"] >= LIMIT - 2, f"nobody came near the limit: {told}"
        account.latency = 0.0
        shop.ties_out()
        assert account.count("salesOrder") == account.count("invoice") == ORDERS
    world.hub.store.database.close()
