"""The wire below the Door for calls that need no signing: httpcore itself, which is what httpx stands on.

httpx makes a request, a response and two streams of its own for every call. That takes as long again as the
call, and only a signature needs them.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any, NamedTuple

import httpcore
import httpx

NEVER_LEFT = (
    httpcore.ConnectError,
    httpcore.ConnectTimeout,
    httpcore.PoolTimeout,
    httpcore.UnsupportedProtocol,
)
FAILURES = (
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    *NEVER_LEFT,
)
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_JOINED = 65_536  # bytes; what is larger leaves piece by piece
_ADDRESSES = 512  # addresses kept parsed; most connections have a handful


class _Address(NamedTuple):
    host: bytes
    url: httpcore.URL


@lru_cache(_ADDRESSES)
def _address(url: str) -> _Address:
    parsed = httpx.URL(url)
    where = httpcore.URL(
        scheme=parsed.raw_scheme, host=parsed.raw_host, port=parsed.port, target=parsed.raw_path
    )
    return _Address(parsed.netloc, where)


class _Stream(httpx.SyncByteStream):
    def __init__(self, parts: Iterable[bytes]) -> None:
        self._parts = parts

    def __iter__(self) -> Iterator[bytes]:
        yield from self._parts


class _Joined(httpcore.NetworkStream):
    """Sends head and body of a request together: one packet and one system call less per call.

    What is written is held until the answer is read. A failure to send shows there; it is passed over as
    httpcore does, since a server may answer before it has read everything.
    """

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream
        self._held: list[bytes] = []
        self._size = 0

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._held.append(buffer)
        self._size += len(buffer)
        if self._size > _JOINED:
            self._send(timeout)

    def _send(self, timeout: float | None) -> None:
        whole, self._held, self._size = b"".join(self._held), [], 0
        self._stream.write(whole, timeout)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._held:
            with suppress(httpcore.WriteError):
                self._send(timeout)
        return self._stream.read(max_bytes, timeout)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Joined(self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, about: str) -> Any:
        return self._stream.get_extra_info(about)


class _Sockets(httpcore.SyncBackend):
    """Sockets whose requests leave whole."""

    def connect_tcp(self, *args: Any, **options: Any) -> httpcore.NetworkStream:
        return _Joined(super().connect_tcp(*args, **options))


class Answer:
    """An answer whose body is still on its way. Close it."""

    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer
        self.status_code = answer.status
        self.headers: Mapping[str, str] = httpx.Headers(answer.headers)

    def iter_bytes(self) -> Iterator[bytes]:
        """The body, unpacked, piece by piece as it comes in."""
        parts = self._answer.iter_stream()
        if "content-encoding" not in self.headers:
            return parts
        return httpx.Response(
            self.status_code, headers=httpx.Headers(self.headers), stream=_Stream(parts)
        ).iter_bytes()

    def close(self) -> None:
        """Give the connection back."""
        self._answer.close()


class Wire:
    """Keep-alive connections to one system."""

    def __init__(
        self, trust: ssl.SSLContext | None, *, connections: int, timeout: Mapping[str, float]
    ) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=trust,
            max_connections=connections,
            max_keepalive_connections=connections,
            network_backend=_Sockets(),
        )
        self._extensions: dict[str, Any] = {"timeout": dict(timeout)}

    def send(self, method: str, url: str, headers: Mapping[str, str], content: bytes | None) -> Answer:
        """One request. Raises httpx.InvalidURL, or one of FAILURES."""
        host, where = _address(url)
        made = [(b"host", host)]
        made += [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]
        if content is not None or method in _WITH_BODY:
            made.append((b"content-length", b"%d" % len(content or b"")))
        request = httpcore.Request(
            method, where, headers=made, content=content or None, extensions=self._extensions
        )
        return Answer(self._pool.handle_request(request))

    def close(self) -> None:
        """Give the sockets back."""
        self._pool.close()
