"""What every data call passes: the API version, the session, the daily limit, and the usage header."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.salesforce.login import Login
from sandbox.salesforce.org import Org
from sandbox.salesforce.refusals import Refused, daily_limit, not_found
from sandbox.salesforce.values import dumped

OLDEST, NEWEST = 31, 68
ADDRESS_MAX = 16_384  # bytes
_DAY = timedelta(hours=24)
_PATH = re.compile(r"/services/data(?:/v(?P<version>\d+)\.0)?(?P<rest>/.*)?")


@dataclass
class Usage:
    """API calls of the last 24 hours, a rolling window."""

    org: Org
    calls: deque[tuple[datetime, int]] = field(default_factory=deque)
    used: int = 0

    def count(self, calls: int = 1) -> None:
        """Note calls made now."""
        self.calls.append((self.org.now(), calls))
        self.used += calls

    def current(self) -> int:
        """Calls in the window that ends now."""
        horizon = self.org.now() - _DAY
        while self.calls and self.calls[0][0] <= horizon:
            self.used -= self.calls.popleft()[1]
        return self.used


class Front:
    """ASGI wrapper around everything under /services/data."""

    def __init__(self, app: ASGIApp, org: Org, login: Login, usage: Usage) -> None:
        self.app, self.org, self.login, self.usage = app, org, login, usage

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = _PATH.fullmatch(scope["path"]) if scope["type"] == "http" else None
        if found is None or (not found["version"] and not (found["rest"] or "").strip("/")):
            return await self.app(scope, receive, send)  # the version list needs no session

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], self._header()]}
            await send(message)

        try:
            with self.org.kit.lock:
                if len(scope["path"]) + len(scope.get("query_string", b"")) > ADDRESS_MAX:
                    raise Refused("URI_TOO_LONG", "URI Too Long", status=414)
                self._pass(found["version"], dict(scope["headers"]))
        except Refused as refused:
            return await _answer(refused, told)
        await self.app(scope, receive, told)

    def _pass(self, version: str | None, headers: dict[bytes, bytes]) -> None:
        if version is None or int(version) > NEWEST:
            raise not_found()
        if int(version) < OLDEST:
            text = f"The requested API version v{version}.0 is no longer available"
            raise Refused("UNSUPPORTED_API_VERSION", text, status=410)
        self.login.admit(headers.get(b"authorization", b"").decode("latin-1"))
        if self.usage.current() >= self.org.limit:
            raise daily_limit()
        self.usage.count()

    def _header(self) -> tuple[bytes, bytes]:
        with self.org.kit.lock:
            told = f"api-usage={min(self.usage.current(), self.org.limit)}/{self.org.limit}"
        return b"sforce-limit-info", told.encode()


async def _answer(refused: Refused, send: Send) -> None:
    body = dumped([refused.entry()])
    headers = [(b"content-type", b"application/json;charset=UTF-8")]
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
