"""The load: keep-alive connections that send prepared events, in a closed loop or at a fixed rate.

Latency at a fixed rate counts from the moment an event was due, so a system that stalls cannot hide it.
"""

from __future__ import annotations

import asyncio
from array import array
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Sequence
from time import monotonic
from typing import Any, NamedTuple

from bench.shots import Shots

RECONNECT = 0.1  # seconds between attempts to connect to a server that is away
TICK = 0.001


class Times:
    """What became of each event: when it was due, acknowledged and delivered, and how often delivered."""

    def __init__(self, count: int, first: int = 0) -> None:
        self.count, self.first = count, first
        self.due, self.acked, self.delivered = (array("d", bytes(8 * count)) for _ in range(3))
        self.copies = array("H", bytes(2 * count))
        self.heard: Callable[[], None] = lambda: None  # called when an event is delivered the first time
        self.delivered_count = 0
        self.strangers = 0

    def arrived(self, number: int) -> None:
        """A sink received the event with this number."""
        at = number - self.first
        if not 0 <= at < self.count:
            self.strangers += 1
            return
        self.copies[at] += 1
        if self.copies[at] == 1:
            self.delivered[at] = monotonic()
            self.delivered_count += 1
            self.heard()


class Window(NamedTuple):
    """One run: seconds of warm-up that do not count, then seconds that do."""

    warm: float
    seconds: float


class Wire(asyncio.Protocol):
    """One keep-alive connection with at most one request under way."""

    __slots__ = ("at", "load", "rest", "transport")

    def __init__(self, load: Load) -> None:
        self.load = load
        self.at = -1  # the event under way
        self.rest = b""
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.load.ready(self)

    def data_received(self, data: bytes) -> None:
        if self.rest:
            data = self.rest + data
        end = data.find(b"\r\n\r\n")
        if end < 0 or len(data) < end + 4 + content_length(data, end):
            self.rest = data
            return
        self.rest = b""
        at, self.at = self.at, -1
        self.load.answered(at, int(data[9:12]))
        self.load.ready(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.load.lost(self)


def content_length(data: bytes, end: int) -> int:
    """The length a message's head (which ends at `end`) promises for its body; 0 where it is silent."""
    at = data.find(b"content-length: ", 0, end)
    if at < 0:
        at = data[:end].lower().find(b"content-length: ")
    return int(data[at + 16 : data.find(b"\r", at + 16, end + 2)]) if at >= 0 else 0


class Load:
    """Sends the events of `shots` over `connections` connections and notes what is answered."""

    def __init__(
        self, shots: Shots, times: Times, *, port: int, connections: int, again: bool = False
    ) -> None:
        self.shots, self.times, self.port = shots, times, port
        self.connections = connections
        self.again = again  # send an event once more until it is acknowledged, as real senders do
        self.statuses: Counter[int] = Counter()
        self.broken = 0
        self._idle: deque[Wire] = deque()
        self._next = 0
        self._todo: deque[int] = deque()  # due, and no free connection yet
        self._flying = 0
        self._limit = 0  # closed loop: how many may be under way
        self._sending = False
        self._on_delivery = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._open: set[Wire] = set()
        self._stopped = False

    # -- what connections report ---------------------------------------------
    def ready(self, wire: Wire) -> None:
        """A connection is free."""
        self._open.add(wire)
        self._idle.append(wire)
        self._pump()

    def answered(self, at: int, status: int) -> None:
        """An event got its answer."""
        self.statuses[status] += 1
        if 200 <= status < 300:
            self.times.acked[at] = monotonic()
        elif self.again:
            asyncio.get_running_loop().call_later(0.5, self._requeue, at)
        if not self._on_delivery:
            self._flying -= 1

    def lost(self, wire: Wire) -> None:
        """A connection broke; an event that was under way on it is sent again if so wished."""
        self._open.discard(wire)
        if wire.at >= 0:
            self.broken += 1
            if self.again:
                self._todo.append(wire.at)
            else:
                self._flying -= 1
        elif wire in self._idle:
            self._idle.remove(wire)
        if not self._stopped:
            self._spawn(self._connect(RECONNECT))

    def delivered(self) -> None:
        """An event came out at the far end: in a closed loop over the whole way, the next may start."""
        self._flying -= 1
        self._pump()

    # -- sending -------------------------------------------------------------
    def _requeue(self, at: int) -> None:
        self._todo.append(at)
        self._pump()

    def _pump(self) -> None:
        idle, todo = self._idle, self._todo
        while idle:
            if todo:
                at = todo.popleft()
            elif self._sending and self._flying < self._limit and self._next < self.shots.count:
                at = self._next
                self._next += 1
                self._flying += 1
                self.times.due[at] = monotonic()
            else:
                return
            wire = idle.popleft()
            wire.at = at
            wire.transport.write(self.shots.wire(at))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, pause: float = 0.0) -> None:
        loop = asyncio.get_running_loop()
        while not self._stopped:
            await asyncio.sleep(pause)
            try:
                await loop.create_connection(lambda: Wire(self), "127.0.0.1", self.port)
            except OSError:
                pause = RECONNECT
            else:
                return

    async def connect(self) -> None:
        """Open all connections."""
        await asyncio.gather(*(self._connect() for _ in range(self.connections)))

    async def closed(
        self, window: Window, *, in_flight: int, on_delivery: bool, begin: Callable[[], None]
    ) -> None:
        """Keep `in_flight` events under way, to their answer or to their delivery."""
        self._limit, self._on_delivery, self._sending = in_flight, on_delivery, True
        if on_delivery:
            self.times.heard = self.delivered
        self._pump()
        await asyncio.sleep(window.warm)
        begin()
        await asyncio.sleep(window.seconds)
        self._sending = False

    async def steady(self, window: Window, *, rate: float, begin: Callable[[], None]) -> None:
        """Send at a fixed rate, whatever comes back."""
        start = monotonic()
        end, counting = start + window.warm + window.seconds, start + window.warm
        begun = False
        while (now := monotonic()) < end and self._next < self.shots.count:
            if not begun and now >= counting:
                begun = True
                begin()
            due_count = min(int((now - start) * rate), self.shots.count)
            while self._next < due_count:
                self.times.due[self._next] = start + (self._next + 1) / rate
                self._todo.append(self._next)
                self._next += 1
            self._pump()
            await asyncio.sleep(TICK)

    async def settled(self, limit: float) -> None:
        """Wait until every event that was begun is acknowledged, at most `limit` seconds."""
        until = monotonic() + limit
        while monotonic() < until and (self._todo or any(w.at >= 0 for w in self._open)):
            await asyncio.sleep(0.02)

    @property
    def begun(self) -> int:
        """How many events were sent or due."""
        return self._next

    def close(self) -> None:
        """Hang up."""
        self._stopped = True
        for wire in list(self._open):
            wire.transport.abort()
        for task in list(self._tasks):
            task.cancel()


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of the values lies; 0 of none."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0


class Seen(NamedTuple):
    """What a timed window showed."""

    acks: float  # per second
    deliveries: float  # per second
    ack_ms: tuple[float, float]  # p50, p99
    way_ms: tuple[float, float]  # from due to delivered: p50, p99


def seen(times: Times, begun: int, since: float, until: float) -> Seen:
    """Rates of what happened between two moments, latencies of the events that were due between them."""
    seconds = until - since
    spans: dict[str, list[float]] = {"ack": [], "way": []}
    acks = deliveries = 0
    for at in range(begun):
        due, acked, delivered = times.due[at], times.acked[at], times.delivered[at]
        acks += since <= acked < until
        deliveries += since <= delivered < until
        if since <= due < until:
            if acked:
                spans["ack"].append((acked - due) * 1000)
            if delivered:
                spans["way"].append((delivered - due) * 1000)
    ack, way = ((percentile(s, 0.5), percentile(s, 0.99)) for s in spans.values())
    return Seen(acks / seconds, deliveries / seconds, ack, way)
