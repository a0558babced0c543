"""What surrounds every answer of the API and the console: bounded bodies, safe headers, no stack traces."""

from __future__ import annotations

import asyncio
import secrets
import traceback
from collections.abc import Callable

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger("o2c.web")
BODY_SECONDS = 10.0
FILE_SECONDS = 120.0
_FILES = "/files"  # what a path ends in whose body is a file
TRACE_MAX = 6_000

# No inline script, no inline style, nobody may frame us, forms go nowhere else.
POLICY = (
    "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'; "
    "img-src 'self'; script-src 'self'; style-src 'self'; connect-src 'self'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}

Refuse = Callable[[Request, int, str], Response]
"""Draws an error page or body: status and one sentence (with the error's id, where there is one)."""


class _TooLong(Exception):
    """The body is over the limit."""


class Edge:
    """ASGI middleware, outermost. `refuse` draws the errors in the style of the app behind it.

    `files_max`: how long a body may be where it is a file; 0: as any other.
    """

    def __init__(self, app: ASGIApp, *, bytes_max: int, refuse: Refuse, files_max: int = 0) -> None:
        self.app, self.bytes_max, self.refuse = app, bytes_max, refuse
        self.files_max = files_max or bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request through."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def dressed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                _dress(MutableHeaders(scope=message), scope)
            await send(message)

        request = Request(scope)
        try:
            body = await self._body(scope, receive)
        except _TooLong:
            answer = self.refuse(request, 413, f"the body is over {self._most(scope)} bytes")
            await answer(scope, receive, dressed)
            return
        except TimeoutError:
            answer = self.refuse(request, 408, "the body did not arrive in time")
            await answer(scope, receive, dressed)
            return
        try:
            await self.app(scope, body, dressed)
        except Exception as error:  # noqa: BLE001 - no error of ours may show its insides to a browser
            error_id = note(error, scope["path"])
            if started:
                return  # the answer is under way; the server closes the connection
            answer = self.refuse(request, 500, f"something broke here; it is in the log as {error_id}")
            await answer(scope, receive, dressed)

    def _most(self, scope: Scope) -> int:
        return self.files_max if scope["path"].endswith(_FILES) else self.bytes_max

    async def _body(self, scope: Scope, receive: Receive) -> Receive:
        """The whole body, read before anything is done. Raises _TooLong or TimeoutError."""
        if scope["method"] in ("GET", "HEAD", "OPTIONS"):
            return receive
        chunks: list[bytes] = []
        size, more, most = 0, True, self._most(scope)
        async with asyncio.timeout(FILE_SECONDS if scope["path"].endswith(_FILES) else BODY_SECONDS):
            while more:
                message = await receive()
                chunks.append(message.get("body", b""))
                size += len(chunks[-1])
                if size > most:
                    raise _TooLong
                more = message.get("more_body", False)
        whole = {"type": "http.request", "body": b"".join(chunks), "more_body": False}
        pending = [whole]

        async def again() -> Message:
            return pending.pop() if pending else await receive()

        return again


def _dress(headers: MutableHeaders, scope: Scope) -> None:
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    headers.setdefault("cache-control", "no-store")
    if scope.get("scheme") == "https":
        headers.setdefault("strict-transport-security", "max-age=31536000")


def note(error: BaseException, path: str) -> str:
    """Log an unexpected error with its place, without the values it carries; returns its id."""
    error_id = secrets.token_hex(6)
    first_line = str(error).partition("\n")[0][:500]  # database errors go on with the row's values
    log.error(
        "request_failed",
        error_id=error_id,
        path=path,
        error=f"{type(error).__name__}: {first_line}",
        where="".join(traceback.format_tb(error.__traceback__))[-TRACE_MAX:],
    )
    return error_id
