"""A simulator of the Acme shop: its API on a real port, with faults and a record of effects."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox import kit

TOKEN = "acme-token"
WEBHOOK_SECRET = "acme-webhook-secret"


def order(number: int) -> dict[str, Any]:
    """An order as the shop tells it."""
    return {
        "id": f"o{number:04}",
        "number": f"A-{number}",
        "customer_id": "c1",
        "currency": "EUR",
        "revision": 1,
        "lines": [{"sku": "BOLT", "quantity": 4, "unit_price": "2.50"}],
    }


def signed(*events: Mapping[str, Any], secret: str = WEBHOOK_SECRET) -> tuple[dict[str, str], bytes]:
    """Headers and body of a webhook."""
    body = json.dumps({"events": events}).encode()
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"content-type": "application/json", "x-acme-signature": signature}, body


@dataclass
class Shop:
    """The shop's whole state."""

    kit: kit.Kit = field(default_factory=kit.Kit)
    orders: list[dict[str, Any]] = field(default_factory=list)
    invoices: dict[str, dict[str, Any]] = field(default_factory=dict)

    @contextmanager
    def running(self) -> Iterator[str]:
        """Serve it; yields its base URL."""
        routes = [
            Route("/v1/me", self.me),
            Route("/v1/orders", self.list_orders),
            Route("/v1/invoices/{reference}", self.get_invoice),
            Route("/v1/invoices/{reference}", self.put_invoice, methods=["PUT"]),
        ]
        with kit.serve(kit.build(self.kit, routes)) as url:
            yield url

    async def me(self, request: Request) -> JSONResponse:
        return _refused(request) or JSONResponse(
            {"shop": "Acme of Springfield", "scopes": ["orders:read", "invoices:write"]}
        )

    async def list_orders(self, request: Request) -> JSONResponse:
        after, limit = request.query_params.get("after", ""), int(request.query_params.get("limit", "50"))
        later = [one for one in self.orders if one["id"] > after]
        return _refused(request) or JSONResponse({"orders": later[:limit], "more": len(later) > limit})

    async def get_invoice(self, request: Request) -> JSONResponse:
        found = self.invoices.get(request.path_params["reference"])
        missing = _error(404, "not_found", "no such invoice")
        return _refused(request) or (JSONResponse(found) if found else missing)

    async def put_invoice(self, request: Request) -> JSONResponse:
        if refusal := _refused(request):
            return refusal
        reference = request.path_params["reference"]
        record = await request.json()
        if not {"number", "amount", "currency"} <= set(record):
            return _error(422, "incomplete", "an invoice has number, amount and currency")
        known = reference in self.invoices
        id = self.invoices[reference]["id"] if known else f"i{len(self.invoices) + 1}"
        self.invoices[reference] = {**record, "id": id, "reference": reference}
        self.kit.effect("update" if known else "create", "invoice", id, reference=reference)
        return JSONResponse(self.invoices[reference], status_code=200 if known else 201)


def _refused(request: Request) -> JSONResponse | None:
    if request.headers.get("authorization") == f"Bearer {TOKEN}":
        return None
    return _error(401, "unauthorised", "unknown token")


def _error(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": message}}, status_code=status)
