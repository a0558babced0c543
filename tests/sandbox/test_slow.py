"""A vendor that takes its time carries the request out, whether or not the caller waits."""

from __future__ import annotations

import time

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.kit import Fault, Kit, build, serve


def test_a_slow_write_is_carried_out_after_the_caller_gave_up() -> None:
    kit = Kit(faults=[Fault(kind="slow", seconds=0.5)])

    async def create(request: Request) -> JSONResponse:
        kit.effect("create", "thing", (await request.json())["id"])
        return JSONResponse({}, 201)

    with serve(build(kit, [Route("/things", create, methods=["POST"])])) as url:
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{url}/things", json={"id": "t1"}, timeout=0.1)
        assert kit.effects == []
        until = time.monotonic() + 10
        while not kit.effects and time.monotonic() < until:
            time.sleep(0.02)
    assert [effect["id"] for effect in kit.effects] == ["t1"]
