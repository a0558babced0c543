"""POST /files/{connection}: a file handed to the hub over HTTP.

A file is a delivery like any other: durable and deduplicated before the answer, processed later.
"""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from hub.connector import Delivery
from hub.engine import Hub
from hub.errors import AuthFailed, Invalid
from hub.store.intake import Item
from hub.uploads import TakenIn, outcome


class FileDoor:
    """Uploads: the connector checks the key in the request's headers."""

    def __init__(self, hub: Hub, *, bytes_max: int) -> None:
        self.hub, self.bytes_max = hub, bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one upload."""
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> JSONResponse:
        if request.method not in ("POST", "PUT"):
            return JSONResponse({"error": "send the file with POST"}, status_code=405)
        body = await self._body(request)
        if body is None:
            return JSONResponse({"error": f"the file is over {self.bytes_max} bytes"}, status_code=413)
        connection = request.url.path.rpartition("/")[2]
        now = self.hub.store.now()
        delivery = Delivery(dict(request.headers), body, str(request.url), now, request.method)
        try:
            it = await run_in_threadpool(self.hub.receive, connection, delivery, "file")
        except AuthFailed:
            return JSONResponse({"error": "the key is not valid"}, status_code=401)
        except Invalid as error:
            if error.field == "connection":
                return JSONResponse({"error": "the key is not valid"}, status_code=401)
            return JSONResponse({"error": str(error)}, status_code=400)
        taken = await run_in_threadpool(self._accepted, it)
        told = {"status": str(taken.verdict), "delivery": taken.delivery_id, "told": taken.told}
        return JSONResponse(told, status_code=202)

    def _accepted(self, it: Item) -> TakenIn:
        return outcome(self.hub, it, self.hub.accept([it])[0])

    async def _body(self, request: Request) -> bytes | None:
        chunks, size = [], 0
        try:
            async for chunk in request.stream():
                size += len(chunk)
                if size > self.bytes_max:
                    return None
                chunks.append(chunk)
        except ClientDisconnect:
            return None
        return b"".join(chunks)
