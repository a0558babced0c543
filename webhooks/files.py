"""POST /files/{connection}: a file handed to the hub over HTTP; and the folder where files are dropped.

A file is a delivery like any other: durable and deduplicated before the answer, processed later.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from hub.connector import Delivery
from hub.engine import Hub
from hub.errors import AuthFailed, HubError, Invalid
from hub.store.intake import Verdict

log = structlog.get_logger("o2c.files")
FILES_MAX = 200  # of one folder in one round
SETTLED_SECONDS = 1.0  # a file that changed more recently may still be written to


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
        verdicts = await run_in_threadpool(self.hub.accept, [it])
        return JSONResponse({"status": str(verdicts[0])}, status_code=202)

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


def pick_up(hub: Hub, folder: Path, *, bytes_max: int) -> Iterator[tuple[Path, Verdict | str]]:
    """Take in files dropped under folder/<connection>/: each moves to done/ or refused/ beside it.

    The move comes after the commit: a crash between the two finds the same file again, and its digest known.
    """
    for inbox in sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else ():
        for path in sorted(inbox.iterdir())[:FILES_MAX]:
            if path.is_file() and not path.name.startswith(".") and _settled(path):
                yield path, _take(hub, inbox.name, path, bytes_max)


def _settled(path: Path) -> bool:
    return time.time() - path.stat().st_mtime > SETTLED_SECONDS


def _take(hub: Hub, connection: str, path: Path, bytes_max: int) -> Verdict | str:
    verdict: Verdict | str
    try:
        if path.stat().st_size > bytes_max:
            raise Invalid(f"the file is over {bytes_max} bytes; split it")
        verdict = hub.accept([hub.dropped(connection, path.name, path.read_bytes())])[0]
        place = "done"
    except HubError as error:
        verdict, place = str(error), "refused"
        log.warning("file_refused", connection=connection, file=path.name, error=verdict)
        hub.refused_file(connection, path.name, verdict)
    target = path.parent / place
    target.mkdir(exist_ok=True)
    os.replace(path, target / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{path.name}")
    return verdict
