"""Answers that are read outside of the door's own bounds, as logins are: bounded in size and time."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx

from hub.errors import Transient

LOGIN_BYTES_MAX = 64 * 1024
LOGIN_SECONDS_MAX = 30.0


class _Bounded(httpx.SyncByteStream):
    """A body of bounded size and duration, which httpx itself does not bound."""

    def __init__(self, stream: httpx.SyncByteStream) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        size, until = 0, time.monotonic() + LOGIN_SECONDS_MAX
        for chunk in self._stream:
            size += len(chunk)
            if size > LOGIN_BYTES_MAX or time.monotonic() > until:
                raise Transient("the login's answer is too large or too slow", code="too_large", sent=False)
            yield chunk

    def close(self) -> None:
        self._stream.close()


def bound_login(answer: httpx.Response) -> httpx.Response:
    """An answer of a login whose body may be read. Reading raises Transient over 64 KiB or 30 seconds."""
    if isinstance(answer.stream, httpx.SyncByteStream) and not isinstance(answer.stream, _Bounded):
        answer.stream = _Bounded(answer.stream)
    return answer
