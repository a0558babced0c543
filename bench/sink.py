"""The far end: an HTTP server that counts what it receives, can be down, and can be searched.

It knows no idempotency key: who sends it something twice has created it twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from bench.load import content_length
from bench.shots import event_id, number_in

_REFERENCE = b'"reference":"'


def answer(status: str, body: bytes) -> bytes:
    """A whole HTTP response."""
    return b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
        status.encode(), len(body), body,
    )  # fmt: skip


class Sink:
    """One system of record. `down` makes it answer 503."""

    def __init__(self, arrived: Callable[[int], None]) -> None:
        self.arrived = arrived
        self.down = False
        self.refused = self.searches = self.found = self.updates = 0
        self.known: dict[bytes, bytes] = {}  # reference -> id
        self.port = 0
        self._server: asyncio.Server | None = None

    async def start(self, port: int = 0) -> None:
        """Listen, on a free port unless told which."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: SinkWire(self), "127.0.0.1", port, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()

    def take(self, head: bytes, body: bytes) -> bytes:
        """One request; its answer."""
        if self.down:
            self.refused += 1
            return answer("503 Service Unavailable", b'{"error":"down for maintenance"}')
        if head.startswith(b"GET"):
            self.searches += 1
            found = self.known.get(head.split(b" ", 2)[1].rpartition(b"reference=")[2])
            self.found += found is not None
            return answer("200 OK", b'[{"id":"%b"}]' % found if found else b"[]")
        if head.startswith(b"PUT"):
            self.updates += 1
            return answer("200 OK", b"{}")
        number = number_in(body)
        self.arrived(number)
        given = event_id(max(number, 0))
        at = body.find(_REFERENCE)
        if at >= 0:
            start = at + len(_REFERENCE)
            self.known[body[start : body.find(b'"', start)]] = given
        return answer("201 Created", b'{"id":"%b"}' % given)


class SinkWire(asyncio.Protocol):
    """One connection to the sink."""

    __slots__ = ("rest", "sink", "transport")

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.rest = b""
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        data = self.rest + data if self.rest else data
        while (end := data.find(b"\r\n\r\n")) >= 0:
            whole = end + 4 + content_length(data, end)
            if len(data) < whole:
                break
            head = data[:end]
            self.transport.write(self.sink.take(head, data[end + 4 : whole]))
            if b"onnection: close" in head:
                self.transport.close()
            data = data[whole:]
        self.rest = data
