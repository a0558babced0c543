"""The governor: never a call more than an account bears, for nobody too long, and whatever dies."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from hub import failures, governing, http
from hub.errors import Fenced, RateLimited
from hub.governing import Governor, Lane
from hub.http import Door, calls_until, governed
from hub.registry import Registry
from hub.secrets import Vault
from hub.store import connections
from hub.store.database import Database
from hub.store.migrate import upgrade
from hub.store.slots import SharedSlots, shared_slots
from hub.store.tables import CALL_SLOTS
from hub.store.tx import Store
from sandbox.kit import Fault, Kit, build, serve

ROOT = Path(__file__).parents[2]
NEVER = math.inf


@dataclass
class Crowd:
    """Counts who is inside."""

    now: int = 0
    peak: int = 0
    done: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def visit(self, lane: Lane, who: str = "", seconds: float = 0.01) -> None:
        with lane.slot(5.0, NEVER):
            with self.lock:
                self.now += 1
                self.peak = max(self.peak, self.now)
            time.sleep(seconds)
            with self.lock:
                self.now -= 1
                self.done.append(who)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    upgrade(database_url)
    made = Database(database_url)
    yield made
    made.close()


@pytest.fixture
def governor(database: Database) -> Iterator[Governor]:
    """Within one process on SQLite, by rows on PostgreSQL."""
    slots = shared_slots(database)
    yield Governor(slots)
    if slots is not None:
        slots.close()


def wait_for(what: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not what():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.005)


def test_never_more_than_the_limit_and_everybody_gets_through(governor: Governor) -> None:
    crowd, lane = Crowd(), governor.lane("acme", 3)
    with ThreadPoolExecutor(12) as pool:
        for n in range(60):
            pool.submit(crowd.visit, lane, str(n))
    assert crowd.peak <= 3
    assert sorted(crowd.done, key=int) == [str(n) for n in range(60)]


def test_governors_of_several_processes_share_an_account(postgres_url: str) -> None:
    database = Database(postgres_url)
    slots = [SharedSlots(database) for _ in range(3)]
    crowd, lanes = Crowd(), [Governor(one).lane("acme", 2) for one in slots]
    with ThreadPoolExecutor(12) as pool:
        for n in range(48):
            pool.submit(crowd.visit, lanes[n % 3], str(n % 3))
    assert crowd.peak <= 2
    assert [crowd.done.count(name) for name in "012"] == [16, 16, 16]
    for one in slots:
        one.close()
    database.close()


def test_who_came_first_goes_first(governor: Governor) -> None:
    crowd, lane = Crowd(), governor.lane("acme", 1)
    with ThreadPoolExecutor(6) as pool, lane.slot(5.0, NEVER):
        for n in range(6):
            pool.submit(crowd.visit, lane, str(n), 0.0)
            wait_for(lambda n=n: len(lane._gate._queue) == n + 1)
    assert crowd.done == list("012345")


def test_a_greedy_thread_does_not_starve_the_others(governor: Governor) -> None:
    crowd, lane = Crowd(), governor.lane("acme", 1)
    stop = threading.Event()

    def greedy() -> None:
        while not stop.is_set():
            crowd.visit(lane, "greedy", 0.0)

    with ThreadPoolExecutor(5) as pool:
        takers = [pool.submit(greedy) for _ in range(2)]
        others = [pool.submit(crowd.visit, lane, "modest") for _ in range(3)]
        for one in others:
            one.result(60)
        stop.set()
    assert crowd.done.count("modest") == 3
    assert all(one.exception() is None for one in takers)


def test_a_call_that_fails_gives_its_slot_back(governor: Governor) -> None:
    lane = governor.lane("acme", 1)
    for _ in range(5):
        with pytest.raises(ValueError, match="broken"), lane.slot(5.0, NEVER):
            raise ValueError("broken")
    Crowd().visit(lane)


def test_waiting_is_bounded_and_costs_the_row_no_attempt(
    governor: Governor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(governing, "WAIT_MAX", 0.05)
    lane = governor.lane("acme", 1)
    with lane.slot(5.0, NEVER), ThreadPoolExecutor(1) as pool:
        told = pool.submit(Crowd().visit, lane).exception(60)
    assert isinstance(told, RateLimited)
    assert "acme bears 1 calls" in str(told)
    after = failures.after(told, attempts=1, attempts_max=3, age=0.0)
    assert (after.costs, after.unknown, after.dead, after.delay) == (False, False, False, governing.AGAIN)
    Crowd().visit(lane)  # who gave up left nothing behind


def test_nobody_waits_longer_than_the_claim_allows_calls(governor: Governor) -> None:
    lane = governor.lane("acme", 1)

    def late() -> None:
        with lane.slot(5.0, time.monotonic() + 0.05):
            raise AssertionError("it was too late for a call")

    with lane.slot(5.0, NEVER), ThreadPoolExecutor(1) as pool:
        assert isinstance(pool.submit(late).exception(60), RateLimited)


def test_two_connections_of_one_account_may_have_different_limits(governor: Governor) -> None:
    crowd, small, large = Crowd(), governor.lane("acme", 1), governor.lane("acme", 3)
    with ThreadPoolExecutor(8) as pool:
        for n in range(24):
            pool.submit(crowd.visit, small if n % 2 else large, str(n))
    assert crowd.peak <= 3
    assert len(crowd.done) == 24


def test_one_with_room_is_not_held_up_by_one_without(governor: Governor) -> None:
    crowd, small, large = Crowd(), governor.lane("acme", 1), governor.lane("acme", 2)
    with ThreadPoolExecutor(1) as pool:
        with small.slot(5.0, NEVER):
            waits = pool.submit(crowd.visit, small, "small")
            wait_for(lambda: len(small._gate._queue) == 1)
            crowd.visit(large, "large")
        waits.result(60)
    assert crowd.done == ["large", "small"]


def test_what_lies_idle_is_returned_to_the_other_processes(postgres_url: str) -> None:
    database = Database(postgres_url)
    slots = SharedSlots(database)
    Crowd().visit(Governor(slots).lane("acme", 1))
    wait_for(lambda: _held(database) == 0)
    slots.close()
    database.close()


def test_a_call_that_outlasts_its_lease_keeps_its_slot(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(governing, "MARGIN", 0.4)
    database = Database(postgres_url)
    slots = SharedSlots(database)
    with Governor(slots).lane("acme", 1).slot(0.1, NEVER):
        first = _lease_until(database)
        wait_for(lambda: _lease_until(database) > first + 0.5)
        assert slots.lease("acme", 1, 1, 1.0) == []
    slots.close()
    database.close()


def _held(database: Database) -> int:
    with database.reading() as conn:
        held = sa.select(sa.func.count()).where(CALL_SLOTS.c.lease_until > 0)
        return int(conn.execute(held).scalar_one())


def _lease_until(database: Database) -> float:
    with database.reading() as conn:
        return float(conn.execute(sa.select(CALL_SLOTS.c.lease_until)).scalar_one())


HOLDER = """
import sys, time
from hub.store.database import Database
from hub.store.slots import SharedSlots
held = SharedSlots(Database(sys.argv[1])).lease("acme", 2, 2, 2.0)
print(len(held), flush=True)
time.sleep(600)
"""


def test_slots_of_a_killed_process_come_back_when_their_lease_ends(postgres_url: str) -> None:
    database = Database(postgres_url)
    command = [sys.executable, "-c", HOLDER, postgres_url]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "2\n"
        os.kill(holder.pid, signal.SIGKILL)
    assert _held(database) == 2  # it could not return them
    slots = SharedSlots(database)
    lane = Governor(slots).lane("acme", 2)
    with lane.slot(5.0, NEVER), lane.slot(5.0, NEVER):
        assert _held(database) == 2
    slots.close()
    database.close()


ENDING = """
import sys
from hub.governing import Governor
from hub.store.database import Database
from hub.store.slots import SharedSlots
with Governor(SharedSlots(Database(sys.argv[1]))).lane("acme", 1).slot(600.0, 1e18):
    print("called")
"""


def test_a_process_that_ends_leaves_no_slot_behind(postgres_url: str) -> None:
    database = Database(postgres_url)
    command = [sys.executable, "-c", ENDING, postgres_url]
    for _ in range(3):
        told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
        assert (told.stdout, told.stderr) == ("called\n", "")
        assert _held(database) == 0
    database.close()


def test_a_lost_slot_is_not_taken_from_its_new_holder(postgres_url: str) -> None:
    database = Database(postgres_url)
    slots = SharedSlots(database)
    lost = slots.lease("acme", 1, 1, 0.0)
    wait_for(lambda: bool(slots.lease("acme", 1, 1, 60.0)))
    slots.give_back("acme", lost)
    slots.renew("acme", lost, 600.0)
    assert slots.lease("acme", 1, 1, 1.0) == []
    slots.close()
    database.close()


def test_no_call_leaves_while_nobody_can_say_whether_there_is_a_slot(empty_database_url: str) -> None:
    database = Database(empty_database_url)  # without its tables
    slots = SharedSlots(database)
    with pytest.raises(RateLimited, match="cannot ask") as told:
        Crowd().visit(Governor(slots).lane("acme", 1))
    assert not told.value.sent
    slots.close()
    database.close()


# -- through the door --------------------------------------------------------------------------


@dataclass
class Vendor:
    """A system that counts the calls in flight, logins too, and takes its time."""

    seconds: float = 0.02
    now: int = 0
    peak: int = 0
    calls: int = 0
    logins: int = 0
    token: str = "t0"
    kit: Kit = field(default_factory=Kit)

    async def answer(self, request: Request) -> JSONResponse:
        self.now += 1
        self.peak = max(self.peak, self.now)
        await asyncio.sleep(self.seconds)
        self.now -= 1
        if request.url.path == "/login":
            self.logins += 1
            return JSONResponse({"token": self.token})
        if request.headers.get("authorization", self.token) != self.token:
            return JSONResponse({}, 401)
        self.calls += 1
        return JSONResponse({"id": str(self.calls)}, 201)

    @property
    def app(self) -> Any:
        return build(self.kit, [Route("/{path:path}", self.answer, methods=["GET", "POST", "PUT"])])


class Login(httpx.Auth):
    """One token for all threads; the lock is held while it is fetched, as connectors do it."""

    def __init__(self, url: str) -> None:
        self.url, self.token, self.lock = url, "old", threading.Lock()

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        used = self.token
        request.headers["authorization"] = used
        answer = yield request
        if answer.status_code == 401:
            with self.lock:
                if self.token == used:
                    told = yield httpx.Request("POST", f"{self.url}/login")
                    self.token = told.read() and told.json()["token"]
            request.headers["authorization"] = self.token
            yield request


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


@pytest.fixture
def url(vendor: Vendor) -> Iterator[str]:
    with serve(vendor.app) as address:
        yield address


@pytest.mark.parametrize("limit", [1, 3])
def test_a_login_inside_a_call_counts_and_holds_nobody_up(
    governor: Governor, vendor: Vendor, url: str, limit: int
) -> None:
    with governed(governor.lane("acme", limit)):
        door = Door(url, auth=Login(url))
    with ThreadPoolExecutor(6) as pool:
        told = list(pool.map(lambda n: door.call("POST", f"/things/{n}").status, range(18)))
    assert told == [201] * 18
    assert (vendor.calls, vendor.logins) == (18, 1)
    assert vendor.peak <= limit
    door.close()


def test_a_slot_is_free_again_whatever_the_answer_was(governor: Governor, vendor: Vendor, url: str) -> None:
    with governed(governor.lane("acme", 1)):
        door = Door(url, deadline=0.3)
        nowhere = Door("http://127.0.0.1:1", deadline=0.3)
    kinds = ["refuse", "lost_reply", "truncate", "fail_after", "hang_after"]
    vendor.kit.faults += [Fault(kind=kind, seconds=0.6, status=500) for kind in kinds]
    for _ in kinds:
        try:
            door.call("POST", "/things")
        except http.Transient:
            continue
    with pytest.raises(http.Transient):
        nowhere.call("POST", "/things")
    assert door.call("POST", "/things").status == 201
    door.close()


def test_waiting_for_a_slot_is_not_waiting_for_the_answer(
    governor: Governor, vendor: Vendor, url: str
) -> None:
    vendor.seconds = 0.2
    with governed(governor.lane("acme", 1)):
        door = Door(url, deadline=0.5)
    with ThreadPoolExecutor(6) as pool:  # the last of them waits twice as long as a call may take
        assert [one.status for one in pool.map(lambda n: door.call("POST", "/x"), range(6))] == [201] * 6
    door.close()


def test_who_waited_too_long_for_its_claim_does_not_call(
    governor: Governor, vendor: Vendor, url: str
) -> None:
    with governed(governor.lane("acme", 1)):
        door = Door(url)

    def late() -> None:
        with calls_until(time.monotonic() - 1):
            door.call("POST", "/x")

    with pytest.raises(Fenced):
        late()
    assert vendor.calls == 0
    door.close()


CALLER = """
import sys
from concurrent.futures import ThreadPoolExecutor
from hub.governing import Governor
from hub.http import Door, governed
from hub.store.database import Database
from hub.store.slots import SharedSlots
with governed(Governor(SharedSlots(Database(sys.argv[1]))).lane("acme", 3)):
    doors = [Door(sys.argv[2]), Door(sys.argv[2])]
with ThreadPoolExecutor(5) as pool:
    told = list(pool.map(lambda n: doors[n % 2].call("POST", f"/things/{n}").status, range(25)))
print(told == [201] * 25)
"""


def test_never_a_call_too_many_at_the_vendor_from_several_processes(
    postgres_url: str, vendor: Vendor, url: str
) -> None:
    command = [sys.executable, "-c", CALLER, postgres_url, url]
    callers = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert [one.communicate(timeout=90)[0].strip() for one in callers] == ["True"] * 3
    assert vendor.calls == 75
    assert vendor.peak <= 3


# -- in the registry ----------------------------------------------------------------------------


@pytest.fixture
def registry(database: Database, tmp_path: Path) -> Iterator[Registry]:
    store = Store(database)
    made = Registry(store, Vault(os.urandom(32)), ROOT / "mappings")
    yield made
    made.close()


def connect(registry: Registry, name: str, url: str, **settings: Any) -> None:
    given = {"base_url": url, "paths": {"message": "/notes"}, "check_path": "/me", **settings}
    with registry.store.begin() as tx:
        sealed = registry.seal(name, "http", given)
        connections.save(registry.store.database, tx.conn, name, "http", sealed, poll_seconds=0, now=tx.now)
    registry.refresh(force=True)


def test_every_use_of_a_connection_counts_and_connections_of_one_account_together(
    registry: Registry, vendor: Vendor, url: str
) -> None:
    connect(registry, "north", url, account="one", concurrency=2)
    connect(registry, "south", url, account="one", concurrency=2)
    from hub.connector import Write

    def push(name: str, n: int) -> None:
        write = Write("message", {"text": str(n)}, None, f"ref{n}", f"key{n}")
        registry.get(name).connector.push(write)

    def check(name: str) -> None:
        assert registry.get(name).connector.check().ok

    with ThreadPoolExecutor(8) as pool:
        uses = [pool.submit(push, ("north", "south")[n % 2], n) for n in range(16)]
        uses += [pool.submit(check, ("north", "south")[n % 2]) for n in range(8)]
        for one in uses:
            one.result(60)
    assert vendor.calls == 24
    assert vendor.peak <= 2
    assert registry.get("north").account == registry.get("south").account == "http:one"


def test_a_connection_without_an_account_stands_for_itself(registry: Registry, url: str) -> None:
    connect(registry, "alone", url)
    live = registry.get("alone")
    assert (live.account, live.concurrency) == ("alone", 4)
    connect(registry, "alone", url, concurrency=7)
    assert registry.get("alone").concurrency == 7


PRODUCTION = """
from hub.http import Door, lanes_only
lanes_only()
try:
    Door("http://127.0.0.1:1")
except RuntimeError as error:
    print(error)
"""


def test_a_hub_at_work_has_no_door_that_nobody_counts() -> None:
    command = [sys.executable, "-c", PRODUCTION]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert "makes its doors in its constructor" in told.stdout
