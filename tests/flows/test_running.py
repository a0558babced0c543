"""The same hub driven by its real workers: in-memory broker and Redis, SQLite and PostgreSQL."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import dramatiq
import pytest

from hub import worker
from hub.clock import Clock
from hub.connector import Delivery
from hub.errors import Transient
from hub.store.intake import accept
from tests.world import START, World, make_world


def eventually(happened: Callable[[], Any], seconds: float = 30.0) -> Any:
    """Wait for what the workers do by themselves."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = happened()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen")


@contextmanager
def at_work(world: World, redis_url: str | None, threads: int = 4) -> Iterator[dramatiq.Worker]:
    broker = worker.broker_for(redis_url)
    worker.declare(world.hub, broker, threads)
    running = worker.start(broker, threads)
    clock = Clock(world.hub, sweep_seconds=0.2)
    clock.start()
    try:
        yield running
    finally:
        clock.stop()
        running.stop(timeout=10_000)
        broker.flush_all()
        broker.close()


@pytest.fixture(params=["in_memory", "redis"])
def redis_or_none(request: pytest.FixtureRequest) -> str | None:
    return None if request.param == "in_memory" else str(request.getfixturevalue("redis_url"))


@pytest.fixture
def world(database_url: str, redis_or_none: str | None) -> Iterator[World]:
    made = make_world(database_url)
    with at_work(made, redis_or_none):
        yield made
    made.hub.store.database.close()


def settled(world: World) -> bool:
    rows = [*world.rows("inbox"), *world.rows("xref")]
    return bool(rows) and all(row.state == "done" for row in rows)


def test_a_won_deal_becomes_applied_cash_by_itself(world: World) -> None:
    lines = [{"id": 1, "sku": "S", "quantity": "1", "price": "200", "delivery": "service"}]
    world.send("crm", world.company(), world.deal(lines=lines))
    [invoice] = eventually(lambda: world.documents("invoice"))
    eventually(lambda: world.vendors["erp"].of("invoice"))
    world.send("bank", world.credit("b1", "200", invoice.number))
    eventually(lambda: [d for d in world.documents("order") if d.state == "closed"])
    eventually(lambda: settled(world))
    assert [len(world.vendors["erp"].of(k)) for k in ("customer", "order", "invoice", "payment")] == [
        1,
        1,
        1,
        1,
    ]


def test_a_lost_doorbell_is_found_by_the_sweep(world: World) -> None:
    with world.hub.store.begin() as tx:
        world.events += 1
        note = {"kind": "message", "id": "m1", "record": {"topic": "t", "text": "x"}}
        body = json.dumps({"event": "e1", "changes": [note]}).encode()
        sent = world.hub.receive("crm", Delivery({}, body, "http://test/crm", START))
        accept(world.hub.store.database, tx.conn, [sent])  # committed, and nobody rings
    eventually(lambda: world.vendors["erp"].writes)


def test_many_documents_from_many_deliveries_arrive_once_each(world: World) -> None:
    for n in range(120):
        world.send("crm", {"kind": "message", "id": f"m{n}", "record": {"topic": "t", "text": str(n)}})
    eventually(lambda: len(world.vendors["erp"].records) >= 120 and settled(world))
    texts = [record["text"] for record in world.vendors["erp"].of("message")]
    assert sorted(texts, key=int) == [str(n) for n in range(120)]
    assert world.cases() == []


def test_many_orders_of_one_customer_never_pass_its_limit(world: World) -> None:
    world.send("crm", world.company(limit="1000.00"))
    for n in range(12):
        world.send("crm", world.deal(f"d{n}"))  # 200.00 each
    eventually(lambda: len(world.documents("order")) == 12 and settled(world), 60)
    states = sorted(order.state for order in world.documents("order"))
    assert states == ["approved"] * 5 + ["held"] * 7


def test_versions_racing_never_create_twice_and_the_last_wins(world: World) -> None:
    for n in range(30):
        world.send(
            "crm", {"kind": "message", "id": "m", "revision": n, "record": {"topic": "t", "text": str(n)}}
        )
        time.sleep(0.005)
    eventually(lambda: settled(world) and world.vendors["erp"].writes)
    assert [record["text"] for record in world.vendors["erp"].of("message")] == ["29"]


def test_a_system_that_is_away_for_a_while_loses_nothing(world: World) -> None:
    world.vendors["erp"].faults = [Transient("connection refused", code="unreachable", sent=False)] * 3
    for n in range(20):
        world.send("crm", {"kind": "message", "id": f"m{n}", "record": {"topic": "t", "text": str(n)}})
    eventually(lambda: len(world.vendors["erp"].records) == 20 and settled(world), 60)


def test_a_broker_that_is_away_costs_a_delay_and_never_an_event(database_url: str) -> None:
    world = make_world(database_url)
    broker = worker.broker_for("redis://127.0.0.1:1/0")  # nobody listens there
    worker.declare(world.hub, broker, 1)
    began = time.monotonic()
    for n in range(5):
        told = world.send("crm", {"kind": "message", "id": f"m{n}", "record": {"topic": "t", "text": "x"}})
        assert told == "accepted"
    assert time.monotonic() - began < 20
    world.hub.ring = lambda name: None
    world.work()
    assert len(world.vendors["erp"].records) == 5
