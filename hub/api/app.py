"""The FastAPI application of the admin API, mounted by the composition root."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response

from hub.api import connecting, deciding, mapping, people, printing, queues, reading, reconciling, walking
from hub.api.access import Needs, Role, Viewer
from hub.api.actions import Missing
from hub.api.edge import Edge
from hub.api.shapes import Problem
from hub.engine import Hub
from hub.errors import HubError, Invalid, MappingInvalid, plain_fault
from hub.settings import Settings
from hub.settling import describe

BYTES_MAX = 1_000_000
_PARTS = (reading, printing, deciding, queues, connecting, walking, reconciling, mapping, people)
_REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"model": Problem, "description": "no living token"},
    403: {"model": Problem, "description": "the token's role may not do this"},
    404: {"model": Problem, "description": "no such thing"},
    422: {"model": Problem, "description": "the request cannot be accepted; `field` says where"},
}
_ABOUT = "Bearer tokens; roles viewer < operator < admin. Lists are paged: `after` of a page gets the next."


def build_api(hub: Hub, settings: Settings) -> FastAPI:
    """The API as an application of its own. Raises RuntimeError when a route declares no role."""
    app = FastAPI(
        title="O2C Hub admin API", version="1", description=_ABOUT, docs_url=None, redoc_url=None,
        openapi_url=None, responses=_REFUSALS,
    )  # fmt: skip
    app.state.hub = hub
    app.state.settings = settings
    for part in _PARTS:
        app.include_router(part.router)

    @app.get("/openapi.json", include_in_schema=False)
    def openapi(who: Viewer) -> dict[str, Any]:
        """This description, for programs."""
        return app.openapi()

    app.add_exception_handler(HubError, _hub_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_middleware(Edge, bytes_max=BYTES_MAX, refuse=_refuse, files_max=settings.file_bytes_max)
    if open_to_all := undeclared(app):
        raise RuntimeError(f"no role is declared for {', '.join(open_to_all)}")
    return app


def undeclared(app: FastAPI) -> list[str]:
    """Routes that forgot to say who may use them."""
    return [path for path, role in roles(app) if role is None]


def roles(app: FastAPI) -> Iterator[tuple[str, Role | None]]:
    """`METHOD path` and the role it needs, of every route."""
    for router in (app.router, *(part.router for part in _PARTS)):
        for route in router.routes:
            if isinstance(route, APIRoute):
                for method in sorted(route.methods or ()):
                    yield f"{method} {route.path}", _role(route.dependant)


def _role(dependant: Dependant) -> Role | None:
    for inner in dependant.dependencies:
        if isinstance(inner.call, Needs):
            return inner.call.role
    return None


def _refuse(request: Request, status: int, told: str) -> Response:
    return JSONResponse(Problem(error=told).model_dump(), status)


def _hub_error(request: Request, error: Exception) -> Response:
    if isinstance(error, Missing):
        return _refuse(request, 404, str(error))
    status = 422 if isinstance(error, Invalid | MappingInvalid) else 409
    told = Problem(error=describe(error), field=str(getattr(error, "field", "") or ""))
    return JSONResponse(told.model_dump(), status)


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse(Problem(error=str(error.detail)).model_dump(), error.status_code, error.headers)


def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0])
    return JSONResponse(Problem(error=f"{place}: {plain_fault(first)}", field=place).model_dump(), 422)
