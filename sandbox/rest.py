"""A small JSON store over REST: what a system without a connector of its own may look like.

POST /{kind} creates, honouring an Idempotency-Key; PUT /{kind}/{id} creates or replaces under the caller's
own id; GET /{kind}?reference=... finds by the `reference` field; GET /{kind}/{id} reads; GET /me proves the
token.
Written from RFC 9110 and the Idempotency-Key header draft (draft-ietf-httpapi-idempotency-key-header).
"""

from __future__ import annotations

import hmac
import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.kit import Kit, build

OBJECTS_MAX = 1_000_000
TOKEN = "rest-token"


class RestSandbox:
    """The store. `app` is its HTTP interface; `objects` holds what was written, by kind and id."""

    def __init__(self, token: str = TOKEN) -> None:
        self.token = token
        self.kit = Kit()
        self.objects: dict[tuple[str, str], dict[str, Any]] = {}
        self._answered: dict[str, tuple[bytes, str]] = {}
        self.app: ASGIApp = build(self.kit, self._routes())

    def reset(self) -> None:
        """Forget everything, as if newly started."""
        with self.kit.lock:
            self.objects.clear()
            self._answered.clear()
            self.kit.faults.clear()
            self.kit.effects.clear()

    def _routes(self) -> list[Route]:
        return [
            Route("/me", self._me, methods=["GET"]),
            Route("/{kind}", self._find, methods=["GET"]),
            Route("/{kind}", self._create, methods=["POST"]),
            Route("/{kind}/{id}", self._read, methods=["GET"]),
            Route("/{kind}/{id}", self._replace, methods=["PUT"]),
        ]

    def _refused(self, request: Request) -> Response | None:
        sent = request.headers.get("authorization", "").encode()
        if hmac.compare_digest(sent, f"Bearer {self.token}".encode()):
            return None
        return JSONResponse({"error": "unauthorised"}, status_code=401)

    async def _me(self, request: Request) -> Response:
        return self._refused(request) or JSONResponse({"name": "sandbox"})

    async def _find(self, request: Request) -> Response:
        if (refused := self._refused(request)) is not None:
            return refused
        reference = request.query_params.get("reference")
        kind = request.path_params["kind"]
        with self.kit.lock:
            found = [
                one
                for (of, _), one in self.objects.items()
                if of == kind and (reference is None or one.get("reference") == reference)
            ]
        return JSONResponse(found[:100])

    async def _read(self, request: Request) -> Response:
        if (refused := self._refused(request)) is not None:
            return refused
        found = self.objects.get((request.path_params["kind"], request.path_params["id"]))
        return JSONResponse(found) if found else JSONResponse({"error": "not found"}, status_code=404)

    async def _create(self, request: Request) -> Response:
        if (refused := self._refused(request)) is not None:
            return refused
        raw = await request.body()
        sent = _parsed(raw)
        if sent is None:
            return JSONResponse({"error": "send a JSON object"}, status_code=400)
        kind, key = request.path_params["kind"], request.headers.get("idempotency-key", "")
        with self.kit.lock:
            known, id = self._answered.get(key, (raw, "")) if key else (raw, "")
            if known != raw:
                return JSONResponse({"error": "this key was used for another body"}, status_code=422)
            if not id:
                id = self._store("create", kind, f"{kind}-{len(self.objects) + 1}", sent)
            if key:
                self._answered[key] = (raw, id)
        return JSONResponse({"id": id}, status_code=201)

    async def _replace(self, request: Request) -> Response:
        if (refused := self._refused(request)) is not None:
            return refused
        sent = _parsed(await request.body())
        if sent is None:
            return JSONResponse({"error": "send a JSON object"}, status_code=400)
        kind, id = request.path_params["kind"], request.path_params["id"]
        with self.kit.lock:
            known = (kind, id) in self.objects
            self._store("update" if known else "create", kind, id, sent)
        return JSONResponse({"id": id}, status_code=200 if known else 201)

    def _store(self, action: str, kind: str, id: str, sent: dict[str, Any]) -> str:
        if len(self.objects) >= OBJECTS_MAX:
            raise RuntimeError(f"over {OBJECTS_MAX} objects; reset the sandbox")
        self.objects[kind, id] = {**sent, "id": id}
        self.kit.effect(action, kind, id, reference=sent.get("reference", ""))
        return id


def _parsed(body: bytes) -> dict[str, Any] | None:
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return sent if isinstance(sent, dict) else None
