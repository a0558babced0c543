"""What the durability proof found, each in its smallest form."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dramatiq
import pytest
import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from hub import worker
from hub.clock import Clock
from hub.connector import Page
from hub.errors import Fenced
from hub.http import Door, calls_until
from hub.pace import Pace
from hub.secrets import load_master_key
from hub.store import connections
from hub.store.database import clock
from hub.store.intake import Verdict, accept, item
from hub.store.migrate import upgrade
from hub.store.tables import XREF
from sandbox.kit import Kit, build, serve
from tests.world import World, make_world


class Killed(BaseException):
    """What kill -9 is to a worker."""


def note(text: str = "hello") -> dict[str, object]:
    return {"kind": "message", "id": "m1", "record": {"topic": "t", "text": text}}


def test_a_delivery_that_kills_its_worker_every_time_stops_with_a_case(world: World) -> None:
    def die() -> None:
        raise Killed

    world.vendors["crm"].on_read = die
    world.send("crm", note())
    for _ in range(world.hub.bounds.attempts_max):
        with pytest.raises(Killed):
            world.hub.process()
        world.hurry()
    world.hub.process()
    [row] = world.rows("inbox")
    [case] = world.cases()
    assert (row.state, case.reason) == ("dead", "dead_letter")
    assert "kills the worker" in case.title


def test_a_document_that_kills_its_worker_every_time_stops_with_a_case(world: World) -> None:
    def die(write: Any) -> str:
        raise Killed

    world.send("crm", note())
    world.hub.process()
    world.vendors["erp"].push = die  # type: ignore[method-assign] # as a crash would be
    for _ in range(world.hub.bounds.attempts_max):
        with pytest.raises(Killed):
            world.hub.deliver("erp")
        world.hurry()
    world.hub.deliver("erp")
    [row] = [row for row in world.rows("xref") if row.connection == "erp"]
    assert (row.state, row.unsettled > 1) == ("dead", True)  # whether it was written nobody knows


def test_a_repeat_with_another_body_is_known_where_the_sender_counts_its_tries(world: World) -> None:
    first, again = (
        item("crm", "webhook", ["e1"], world.hub.receive("crm", delivery).delivery, repeats_vary=True)
        for delivery in (_delivery(world, 0), _delivery(world, 1))
    )
    with world.hub.store.begin() as tx:
        told = [*accept(world.hub.store.database, tx.conn, [first])]
        told += accept(world.hub.store.database, tx.conn, [again])
    assert told == [Verdict.NEW, Verdict.KNOWN]
    assert world.cases() == []


def _delivery(world: World, attempt: int) -> Any:
    from hub.connector import Delivery

    body = f'{{"event": "e1", "attempt": {attempt}, "changes": []}}'.encode()
    return Delivery({}, body, "http://test/crm", world.hub.store.now())


def test_a_newer_version_does_not_cut_the_wait_for_an_unknown_outcome_short(database_url: str) -> None:
    world = make_world(database_url, quiesce=500.0)
    world.vendors["erp"].faults = ["lost_reply"]
    world.send("crm", note("one"))
    world.work()
    world.send("crm", note("two"))
    world.work()
    with world.hub.store.look() as tx:
        waits = tx.conn.execute(
            sa.select(XREF.c.next_at - clock()).where(XREF.c.connection == "erp", XREF.c.wanted == 2)
        ).scalars()
        assert min(waits) > 400
    assert len(world.vendors["erp"].records) == 1


def test_a_lease_outlasts_the_quiesce_time_of_its_connection(database_url: str) -> None:
    world = make_world(database_url, quiesce=500.0)
    held = []

    def look_at_the_lease(write: Any) -> str:
        with world.hub.store.look() as tx:
            held.append(tx.conn.execute(sa.select(sa.func.max(XREF.c.lease_until) - clock())).scalar_one())
        return "erp-1"

    world.vendors["erp"].push = look_at_the_lease  # type: ignore[method-assign] # to see it held
    world.send("crm", note())
    world.work()
    assert held[0] > 500


def test_no_call_begins_when_the_lease_is_about_to_end() -> None:
    async def answer(request: Request) -> JSONResponse:
        return JSONResponse({})

    kit = Kit()
    with serve(build(kit, [Route("/", answer, methods=["GET", "POST"])])) as url:
        door = Door(url)
        with calls_until(time.monotonic() + 30):
            assert door.call("GET", "/").ok
        with calls_until(time.monotonic() - 0.001), pytest.raises(Fenced):
            door.call("GET", "/")
        assert door.call("GET", "/").ok
        door.close()
    assert kit.calls == 2


def test_a_system_that_asked_for_patience_is_not_polled_meanwhile(world: World) -> None:
    asked: list[str | None] = []

    def poll(cursor: str | None) -> Page:
        asked.append(cursor)
        return Page((), "c1")

    world.vendors["erp"].poll = poll  # type: ignore[attr-defined] # it becomes one that can be asked
    live = world.hub.registry.live  # type: ignore[attr-defined] # the fixed one of the small world
    live["erp"] = replace(live["erp"], poll_seconds=0.001)
    rounds = Clock(world.hub, sweep_seconds=1.0)
    with world.hub.store.begin() as tx:
        connections.failed(tx.conn, "erp", 900.0)
    rounds.poll_due()
    assert asked == []
    world.hurry()
    rounds.poll_due()
    assert asked == [None]


def test_a_hub_killed_while_it_makes_its_database_starts_again(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'hub.db'}"
    with dying_at_statement(20), pytest.raises(Killed):
        upgrade(url)
    engine = sa.create_engine(url)
    assert sa.inspect(engine).get_table_names() == []
    engine.dispose()
    upgrade(url)
    upgrade(url)


@contextmanager
def dying_at_statement(number: int) -> Iterator[None]:
    seen = []

    def hear(*_: Any) -> None:
        seen.append(1)
        if len(seen) == number:
            raise Killed

    sa.event.listen(sa.Engine, "before_cursor_execute", hear)
    try:
        yield
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", hear)


def test_processes_that_start_together_make_one_master_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: load_master_key(None, tmp_path / "new"), range(16)))
    assert [len(key) for key in keys] == [32]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["master.key"]


def bell_of(redis_url: str | None) -> tuple[dramatiq.Broker, worker.Bell, list[str]]:
    worked: list[str] = []
    hub: Any = SimpleNamespace(
        process=lambda: worked.append("inbox") or 0, deliver=lambda name: 0, pace=Pace()
    )  # fmt: skip
    broker = worker.broker_for(redis_url)
    return broker, worker.declare(hub, broker, 1), worked


def test_a_ring_that_waited_for_an_hour_is_still_answered() -> None:
    broker, bell, worked = bell_of(None)
    bell.ring("inbox")
    queue = broker.queues[worker.QUEUE]  # type: ignore[index] # the in-memory broker's
    message = dramatiq.Message.decode(queue.get())
    queue.put(message.copy(message_timestamp=message.message_timestamp - 3_600_000).encode())
    running = worker.start(broker, 1)
    until = time.monotonic() + 20
    while not worked and time.monotonic() < until:
        time.sleep(0.01)
    running.stop()
    broker.close()
    assert worked == ["inbox"]


def test_a_silent_redis_does_not_keep_the_one_who_rings_waiting() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        broker, bell, _ = bell_of(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        options = broker.client.connection_pool.connection_kwargs  # type: ignore[attr-defined] # the Redis broker's
        for _ in range(5):
            bell.ring("inbox")
        silent.setblocking(False)
        asked = 0
        while select.select([silent], [], [], 0)[0]:
            silent.accept()[0].close()
            asked += 1
    assert (options["socket_timeout"], options["socket_connect_timeout"]) == (0.5, 0.5)
    assert asked == 1  # the first ring waited; the bell rests for the others
