"""The wire: addresses, bearer token, scopes and rate limits in front of the endpoints."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.hubspot.objects import Answer, Call, Objects, type_of
from sandbox.hubspot.refusals import Refused, invalid, not_found, out_of_scope, rate_limited, unauthenticated
from sandbox.hubspot.setup import Associations, Definitions
from sandbox.kit import Kit

Endpoint = Callable[[Call], Answer]
WINDOW = timedelta(seconds=10)
VERSIONS = ("2026-03", "2026-09", "v3", "v4")
SCOPES = frozenset(
    f"crm.objects.{kind}.{right}"
    for kind in ("deals", "companies", "contacts", "line_items")
    for right in ("read", "write")
)


@dataclass
class Gate:
    """Who may call, and how often."""

    token: str
    now: Callable[[], datetime]
    scopes: set[str] = field(default_factory=lambda: set(SCOPES))
    expired: bool = False
    per_window: int = 190  # requests per ten seconds of a Professional account
    enforced: bool = False
    calls: deque[datetime] = field(default_factory=lambda: deque(maxlen=1000))

    def enter(self, request: Request, scope: str) -> None:
        """Raises Refused 401, 403 or 429."""
        if request.headers.get("authorization") != f"Bearer {self.token}":
            raise unauthenticated()
        if self.expired:
            raise unauthenticated(expired=True)
        if self.enforced and self.remaining() <= 0:
            raise rate_limited("TEN_SECONDLY_ROLLING")
        self.calls.append(self.now())
        if scope and scope not in self.scopes:
            raise out_of_scope([scope])

    def remaining(self) -> int:
        """Calls left in the window that ends now."""
        horizon = self.now() - WINDOW
        return self.per_window - sum(1 for at in self.calls if at > horizon)

    def headers(self) -> dict[str, str]:
        """The rate limit headers of an ordinary answer; searches carry none."""
        return {
            "x-hubspot-ratelimit-max": str(self.per_window),
            "x-hubspot-ratelimit-remaining": str(max(self.remaining(), 0)),
            "x-hubspot-ratelimit-interval-milliseconds": "10000",
            "x-hubspot-ratelimit-daily": "650000",
            "x-hubspot-ratelimit-daily-remaining": "650000",
        }


@dataclass
class Api:
    """All endpoints behind the gate; the kit's lock is held for each request's whole work."""

    kit: Kit
    gate: Gate
    objects: Objects
    associations: Associations
    definitions: Definitions

    def routes(self) -> Sequence[Route]:
        """Dated and legacy addresses of the same endpoints."""
        return [*self._object_routes(), *self._other_routes()]

    def _object_routes(self) -> list[Route]:
        o = self.objects
        posts: list[tuple[str, Endpoint, str]] = [
            ("/batch/read", o.batch_read, "read"),
            ("/batch/create", o.batch_create, "write"),
            ("/batch/update", o.batch_update, "write"),
            ("/batch/upsert", o.batch_upsert, "write"),
            ("/search", o.search, "read"),
        ]
        singles: list[tuple[str, str, Endpoint, str]] = [
            ("", "GET", o.list, "read"),
            ("", "POST", o.create, "write"),
            ("/{id}", "GET", o.get, "read"),
            ("/{id}", "PATCH", o.update, "write"),
            ("/{id}", "DELETE", o.archive, "write"),
        ]
        table = [*((path, "POST", endpoint, right) for path, endpoint, right in posts), *singles]
        roots = ("/crm/objects/{version}/{kind}", "/crm/{version}/objects/{kind}")
        return [self._route(root + path, m, e, right) for root in roots for path, m, e, right in table]

    def _other_routes(self) -> list[Route]:
        d, a = self.definitions, self.associations
        table: list[tuple[str, str, Endpoint, str]] = []
        for root in ("/crm/pipelines/{version}/{kind}", "/crm/{version}/pipelines/{kind}"):
            table += [(root, "GET", d.pipelines, "read"), (root + "/{id}", "GET", d.pipeline, "read")]
        for root in ("/crm/properties/{version}/{kind}", "/crm/{version}/properties/{kind}"):
            table += [(root, "GET", d.properties, "read"), (root + "/{id}", "GET", d.property, "read")]
            table.append((root, "POST", d.create_property, "write"))
        table.append(("/account-info/{version}/details", "GET", d.details, ""))
        links = [("/batch/read", a.read), ("/batch/create", a.create)]
        links.append(("/batch/associate/default", a.create_default))
        paths = ("/crm/associations/{version}/{kind}/{far}", "/crm/{version}/associations/{kind}/{far}")
        far = [self._far_route(root + path, endpoint) for root in paths for path, endpoint in links]
        return [
            *(self._route(*row) for row in table),
            *far,
            Route("/{rest:path}", self._nowhere, methods=_ALL),
        ]

    def _route(self, path: str, method: str, endpoint: Endpoint, right: str) -> Route:
        async def serve(request: Request) -> Response:
            return await self._answer(request, right, endpoint)

        return Route(path, serve, methods=[method])

    def _far_route(self, path: str, endpoint: Callable[[Call, str], Answer]) -> Route:
        right = "read" if path.endswith("/read") else "write"

        async def serve(request: Request) -> Response:
            far = request.path_params["far"]
            return await self._answer(request, right, lambda call: endpoint(call, type_of(far)))

        return Route(path, serve, methods=["POST"])

    async def _nowhere(self, request: Request) -> Response:
        return JSONResponse({"status": "error", "message": "Not found"}, status_code=404)

    async def _answer(self, request: Request, right: str, work: Endpoint) -> Response:
        raw = await request.body()
        try:
            with self.kit.lock:
                answer = self._work(request, right, raw, work)
        except Refused as refused:
            answer = Answer(refused.status, refused.body)
        except (KeyError, TypeError, ValueError, AttributeError) as error:  # a body of another shape
            answer = Answer(400, invalid(f"Invalid input JSON: {type(error).__name__} {error}").body)
        headers = {} if request.url.path.endswith("/search") else self.gate.headers()
        if answer.status == 204:
            return Response(status_code=204, headers=headers)
        return JSONResponse(answer.body, status_code=answer.status, headers=headers)

    def _work(self, request: Request, right: str, raw: bytes, work: Endpoint) -> Answer:
        named = request.path_params
        if named["version"] not in VERSIONS:
            raise not_found()
        kind = type_of(named["kind"]) if "kind" in named else ""
        self.gate.enter(request, f"crm.objects.{kind}.{right}" if kind else "")
        body: Any = json.loads(raw) if raw else {}
        return work(Call(kind, named.get("id", ""), dict(request.query_params), body))


_ALL = ["GET", "POST", "PUT", "PATCH", "DELETE"]
