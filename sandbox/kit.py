"""What every simulator shares: faults as data, a record of effects, and a server on a real port."""

from __future__ import annotations

import asyncio
import logging
import random
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from pydantic import BaseModel, ConfigDict, Field
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

EFFECTS_MAX = 1_000_000


class Fault(BaseModel):
    """One misbehaviour to come. `chance` below 1 makes it random with the kit's seed."""

    model_config = ConfigDict(extra="forbid")
    kind: str = Field(pattern="^(refuse|fail_after|lost_reply|truncate|slow|hang_after)$")
    method: str = ""  # empty: any
    path: str = ""  # a regular expression searched in path?query; empty: any
    times: int = 1  # how often; -1 for ever
    skip: int = 0  # matching calls to let pass first
    chance: float = 1.0
    status: int = 500
    body: Any = None
    headers: dict[str, str] = {}
    seconds: float = 0.0

    def hits(self, method: str, path: str, dice: random.Random) -> bool:
        """Does this call meet the fault? Uses up `skip` and `times`."""
        if self.times == 0 or (self.method and self.method != method) or not re.search(self.path, path):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.chance < 1 and dice.random() >= self.chance:
            return False
        self.times -= self.times > 0
        return True


@dataclass
class Kit:
    """The faults to come and the writes received. `lock` guards a simulator's whole state."""

    faults: list[Fault] = field(default_factory=list)
    effects: list[dict[str, Any]] = field(default_factory=list)
    calls: int = 0
    dice: random.Random = field(default_factory=lambda: random.Random(1))
    lock: threading.RLock = field(default_factory=threading.RLock)

    def effect(self, action: str, kind: str, id: str, **facts: Any) -> None:
        """Record a write that was carried out, whether or not the caller will learn of it."""
        with self.lock:
            if len(self.effects) >= EFFECTS_MAX:
                raise RuntimeError(f"over {EFFECTS_MAX} effects; reset the sandbox")
            self.effects.append(
                {"n": len(self.effects) + 1, "action": action, "kind": kind, "id": id, **facts}
            )

    def fault_for(self, method: str, path: str) -> Fault | None:
        """The first fault this call meets."""
        with self.lock:
            self.calls += 1
            return next((f for f in self.faults if f.hits(method, path, self.dice)), None)

    def routes(self) -> list[BaseRoute]:
        """The control routes under /_sandbox."""
        return [
            Route("/_sandbox/faults", self._faults, methods=["GET", "POST", "DELETE"]),
            Route("/_sandbox/effects", self._effects, methods=["GET"]),
        ]

    async def _faults(self, request: Request) -> JSONResponse:
        with self.lock:
            if request.method == "DELETE":
                self.faults.clear()
            if request.method == "POST":
                sent = await request.json()
                many = sent if isinstance(sent, list) else [sent]
                self.faults.extend(Fault.model_validate(one) for one in many)
            return JSONResponse([fault.model_dump() for fault in self.faults])

    async def _effects(self, request: Request) -> JSONResponse:
        since = int(request.query_params.get("since", "0"))
        with self.lock:
            return JSONResponse({"calls": self.calls, "effects": self.effects[since:]})


class Faulty:
    """ASGI wrapper that carries out the kit's faults; /_sandbox itself never fails."""

    def __init__(self, app: ASGIApp, kit: Kit) -> None:
        self.app, self.kit = app, kit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/_sandbox"):
            return await self.app(scope, receive, send)
        target = scope["path"] + "?" + scope.get("query_string", b"").decode("latin-1")
        fault = self.kit.fault_for(scope["method"], target)
        if fault is None:
            return await self.app(scope, receive, send)
        await self._misbehave(fault, scope, receive, send)

    async def _misbehave(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        if fault.kind == "refuse":
            await asyncio.sleep(fault.seconds)
            reply = JSONResponse(fault.body, status_code=fault.status, headers=fault.headers)
            return await reply(scope, receive, send)
        if fault.kind == "slow":
            taken = await _taken_in(receive)
            await asyncio.sleep(fault.seconds)
            return await self.app(scope, taken, send)  # also when the caller has given up meanwhile
        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        await self.app(scope, receive, keep)
        if fault.kind == "hang_after":
            await asyncio.sleep(fault.seconds)
            for message in answer:
                await send(message)
        elif fault.kind == "fail_after":
            await JSONResponse(fault.body, status_code=fault.status)(scope, receive, send)
        else:
            await self._cut(answer, send, whole=fault.kind == "truncate")

    async def _cut(self, answer: Sequence[Message], send: Send, *, whole: bool) -> None:
        """Promise more than is sent, then drop the connection: the caller cannot know what happened."""
        start = dict(answer[0])
        body = b"".join(m.get("body", b"") for m in answer[1:])
        promised = str(len(body) + 64).encode()
        kept = [(k, v) for k, v in start["headers"] if k.lower() != b"content-length"]
        start["status"] = start["status"] if start["status"] != 204 else 200
        await send({**start, "headers": [*kept, (b"content-length", promised)]})
        await send(
            {
                "type": "http.response.body",
                "body": body[: len(body) // 2] if whole else b"",
                "more_body": True,
            }
        )
        raise ConnectionAbortedError("fault: reply lost on purpose")


async def _taken_in(receive: Receive) -> Receive:
    """The whole request, read before it is worked on: a caller that hangs up cannot take it back."""
    messages = [await receive()]
    while messages[-1].get("more_body"):
        messages.append(await receive())
    messages.reverse()

    async def again() -> Message:
        return messages.pop() if messages else await receive()

    return again


def build(kit: Kit, routes: Sequence[BaseRoute]) -> ASGIApp:
    """The simulator's ASGI app: its own routes, the control routes, and the faults around them."""
    return Faulty(Starlette(routes=[*kit.routes(), *routes]), kit)


class _OnPurpose(logging.Filter):
    """Keeps the replies we cut ourselves out of the server's log."""

    def filter(self, record: logging.LogRecord) -> bool:
        """False for our own fault."""
        return not (record.exc_info and isinstance(record.exc_info[1], ConnectionAbortedError))


@contextmanager
def serve(app: ASGIApp, port: int = 0) -> Iterator[str]:
    """Run an ASGI app on 127.0.0.1 in a thread until the block ends; yields its base URL."""
    logging.getLogger("uvicorn.error").addFilter(_OnPurpose())
    server = uvicorn.Server(
        uvicorn.Config(
            app, host="127.0.0.1", port=port, log_level="critical", access_log=False, lifespan="off"
        )
    )
    thread = threading.Thread(target=server.run, daemon=True, name="sandbox")
    thread.start()
    for _ in range(500):
        if server.started:
            break
        if not thread.is_alive():
            raise OSError(f"port {port} is taken: stop what listens there, or choose another port")
        thread.join(0.02)
    bound = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{bound}"
    finally:
        server.should_exit = True
        thread.join(10)
