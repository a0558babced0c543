"""Workers and the doorbell. A message says only "this queue has due rows"; the rows are the truth.

No redis_url: an in-memory broker whose threads live in this process. A redis_url: the same actors behind
Redis, run by `o2c work`. A bell that cannot be rung is ignored: the sweep finds the row.
"""

from __future__ import annotations

import ctypes
import signal
import sys
import threading
import time
from collections.abc import Callable

import dramatiq
import structlog
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import AgeLimit, Callbacks, Middleware, Pipelines, ShutdownNotifications, TimeLimit

from hub.engine import Hub

log = structlog.get_logger("o2c.worker")
QUEUE = "o2c"
REDIS_SECONDS = 0.5  # a Redis that is silent for longer is away: senders of webhooks wait behind the bell
RESTS = 10.0  # times as long as it took to fail, the bell rests
PAUSE = (
    0.02  # seconds between two batches of a quick queue: rows gather, so that a batch is worth its commits
)
PAUSE_MAX = 0.08  # where a batch itself takes longer than the pause
ABROAD_MAX = 2  # workers on a quick system: one waits for its answers while the other prepares
AGE_LIMIT = 60_000  # milliseconds; a doorbell older than the sweep says nothing new
_PR_SET_PDEATHSIG = 1  # prctl(2)


class DieWithParent(Middleware):
    """Worker processes end with their parent: a killed parent would leave orphans that go on working."""

    def after_process_boot(self, broker: dramatiq.Broker) -> None:
        """Ask the kernel for SIGTERM when the parent is gone (Linux only)."""
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def broker_for(redis_url: str | None) -> dramatiq.Broker:
    """The broker of this form. It has no Retries middleware: the row keeps its own next_at."""
    middleware = [TimeLimit(), ShutdownNotifications(), Callbacks(), Pipelines()]
    broker: dramatiq.Broker
    if redis_url is None:
        # no AgeLimit: the bell counts its rings, and one that was thrown away would never be answered
        broker = StubBroker(middleware=middleware)
    else:
        import redis
        from dramatiq.brokers.redis import RedisBroker  # 22 MB that the embedded form does not need

        # a client of our own: given a URL, the broker makes one that ignores every other parameter
        client = redis.Redis.from_url(
            redis_url, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS
        )
        broker = RedisBroker(
            client=client,
            middleware=[AgeLimit(max_age=AGE_LIMIT), *middleware, DieWithParent()],
            heartbeat_timeout=15_000,
            maintenance_chance=50_000,
        )
    dramatiq.set_broker(broker)
    return broker


class Bell:
    """Rings a queue, at most `waiting_max` times before somebody answers (in this process)."""

    def __init__(self, send: Callable[[str], None], waiting_max: int) -> None:
        self._send = send
        self._max = waiting_max
        self._waiting: dict[str, int] = {}
        self._lock = threading.Lock()
        self._broken_until = 0.0

    def ring(self, name: str) -> None:
        """Never raises and seldom waits: after a failure the bell rests, longer after a slow one."""
        with self._lock:
            if self._waiting.get(name, 0) >= self._max or time.monotonic() < self._broken_until:
                return
            self._waiting[name] = self._waiting.get(name, 0) + 1
        began = time.monotonic()
        try:
            self._send(name)
        except Exception as error:  # noqa: BLE001 - whatever the broker raises, the sweep finds the row
            failed = time.monotonic()
            self._broken_until = failed + max(1.0, RESTS * (failed - began))
            self.answered(name)
            log.warning("doorbell_failed", queue=name, error=type(error).__name__)

    def answered(self, name: str) -> None:
        """Somebody came to the door."""
        with self._lock:
            self._waiting[name] = max(self._waiting.get(name, 0) - 1, 0)


class Turns:
    """Who works on a queue in this process: one or two where the work is quick, and not without pause.

    Quick workers on the inbox only take the lock and the interpreter from each other; of two on a system one
    waits for its answers while the other prepares. A batch for every single row costs more than its rows, so
    a queue whose last batch was not full rests, as long as that batch took. And a system that has just begun
    to hang holds up two workers instead of all. Slow queues take as many as there are.
    """

    def __init__(self) -> None:
        self._working: dict[str, int] = {}
        self._again: set[str] = set()
        self._rests_until: dict[str, float] = {}
        self._lock = threading.Lock()
        self.sleep = time.sleep

    def take(self, name: str, *, quick: bool) -> bool:
        """May I? If not, whoever is at it looks again for me. Waits out the pause."""
        most = 1 if name == "inbox" else ABROAD_MAX
        with self._lock:
            if quick and self._working.get(name, 0) >= most:
                self._again.add(name)
                return False
            self._working[name] = self._working.get(name, 0) + 1
            pause = self._rests_until.get(name, 0.0) - time.monotonic()
        if quick and pause > 0:
            try:
                self.sleep(pause)
            except BaseException:  # whatever ends this thread's work: the queue must not wait for it for ever
                self.give_back(name)
                raise
        return True

    def give_back(self, name: str, pause: float = PAUSE) -> bool:
        """Done; the queue rests so many seconds. Did somebody come meanwhile?"""
        with self._lock:
            self._working[name] -= 1
            self._rests_until[name] = time.monotonic() + pause
            asked = name in self._again
            self._again.discard(name)
            return asked


def declare(hub: Hub, broker: dramatiq.Broker, threads: int) -> Bell:
    """Declare the one actor and give the hub its bell."""

    def work(name: str) -> None:
        bell.answered(name)
        if not turns.take(name, quick=not hub.pace.is_slow(name)):
            return
        began, pause = time.monotonic(), PAUSE
        try:
            full = drain(hub, name) >= hub.pace.batch(name)  # where more is due, it has rung again itself
            pause = 0.0 if full else min(max(time.monotonic() - began, PAUSE), PAUSE_MAX)
        finally:
            if turns.give_back(name, pause):
                bell.ring(name)

    turns = Turns()

    actor = dramatiq.actor(actor_name="work", queue_name=QUEUE, broker=broker)(work)
    embedded = isinstance(broker, StubBroker)
    bell = Bell(lambda name: _send(actor, name), waiting_max=threads if embedded else sys.maxsize)
    hub.ring = bell.ring
    return bell


def _send(actor: dramatiq.Actor[[str], None], name: str) -> None:
    actor.send(name)


def drain(hub: Hub, name: str) -> int:
    """Work off one batch of a queue; the number of rows it had."""
    return hub.process() if name == "inbox" else hub.deliver(name)


def start(broker: dramatiq.Broker, threads: int) -> dramatiq.Worker:
    """Threads in this process (the embedded form)."""
    broker.emit_after("process_boot")  # without it TimeLimit never starts
    worker = dramatiq.Worker(broker, worker_threads=threads, worker_timeout=100)
    worker.start()
    return worker
