"""Signs of life for machines: /healthz, /readyz and /metrics."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from hub.engine import Hub
from hub.metrics import render
from hub.settling import describe


def vital_signs(hub: Hub) -> Sequence[BaseRoute]:
    """Routes without login: they tell that it lives and counts, never what it holds."""

    async def healthz(request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def readyz(request: Request) -> Response:
        try:
            await run_in_threadpool(hub.registry.refresh, force=True)
        except Exception as error:  # noqa: BLE001 - whatever the database raises, we are not ready
            return JSONResponse({"status": "not ready", "database": describe(error)[:200]}, status_code=503)
        return JSONResponse({"status": "ready"})

    async def metrics(request: Request) -> Response:
        text = await run_in_threadpool(render, hub.store)
        return Response(text, media_type="text/plain; version=0.0.4")

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]
