"""The HTTP interface: finds the operation, checks key, version, parameters and idempotency, and answers."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.kit import Kit
from sandbox.stripe import (
    accounts,
    charges,
    credit_notes,
    customers,
    disputes,
    endpoints,
    events,
    expanding,
    intents,
    invoice_lines,
    invoices,
    methods,
    paying,
    payouts,
    products,
    records,
    refunds,
    searching,
    taxes,
    versions,
)
from sandbox.stripe.account import Account, Thing, World
from sandbox.stripe.calls import Call, Op
from sandbox.stripe.fields import checked
from sandbox.stripe.forms import parsed
from sandbox.stripe.gate import Gate
from sandbox.stripe.idempotency import Answers, Use
from sandbox.stripe.refusals import Refused, broken, invalid, locked
from sandbox.stripe.shapes import rendered, snapshot
from sandbox.stripe.troubles import Trouble, Troubles

BODY_MAX = 1_000_000
FORM = "application/x-www-form-urlencoded"
MODULES = (
    *(
        searching,
        accounts,
        charges,
        credit_notes,
        customers,
        disputes,
        endpoints,
        events,
        intents,
        invoice_lines,
    ),
    *(paying, invoices, methods, payouts, products, records, refunds, taxes),
)


@dataclass
class Api:
    """All operations under /v1 and /v2."""

    kit: Kit
    world: World
    gate: Gate
    answers: Answers
    troubles: Troubles
    ops: list[tuple[Any, Op]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ops = [(op.pattern, op) for module in MODULES for op in module.OPERATIONS]

    def routes(self) -> list[Route]:
        """Everything an integration calls."""
        methods_ = ["GET", "POST", "DELETE"]
        return [Route(f"/{one}/{{path:path}}", self._serve, methods=methods_) for one in ("v1", "v2")]

    async def _serve(self, request: Request) -> Response:
        body = await request.body()
        trouble = self.troubles.meet(request.method, request.url.path)
        with self.kit.lock:
            self.world.clock.tick()
            self.world.base_url = str(request.base_url).rstrip("/")
            id = f"req_{self.world.token(14)}"
        try:
            reply = await self._answer(request, body, id, trouble)
        except Refused as refused:
            reply = _json(refused.status, refused.body, refused.headers)
        reply.headers["request-id"] = id
        reply.headers["date"] = formatdate(self.world.clock() + self.troubles.skew, usegmt=True)
        return reply

    async def _answer(self, request: Request, body: bytes, id: str, trouble: Trouble | None) -> Response:
        op, ids = self._find(request)
        with self.kit.lock:
            account, key = self.gate.enter(request, op)
            version = versions.known(request.headers.get("stripe-version") or account.version)
            given = self._given(request, op, body)
            expanding.check(op, given.get("expand") or [], version)
            if trouble and trouble.kind == "lock_timeout":
                raise locked()
            call = Call(self.world, account, version, given, ids, key.value)
            once = _use(request, op, account, id)
            if once and (stored := self.answers.begin(once, request.url.path, body, account.now())):
                return stored
        if trouble and trouble.kind == "busy":
            await asyncio.sleep(trouble.seconds)
        with self.kit.lock:
            reply = self._carried_out(op, call, once, id, trouble)
        reply.headers["stripe-version"] = version
        if once:
            reply.headers["idempotency-key"] = once.key
            reply.headers["original-request"] = id
        return reply

    def _find(self, request: Request) -> tuple[Op, tuple[str, ...]]:
        path = request.url.path
        for pattern, op in self.ops:
            met = pattern.match(path) if op.method == request.method else None
            if met:
                return op, met.groups()
        told = f"Unrecognized request URL ({request.method}: {path}). Please see https://stripe.com/docs."
        raise Refused(404, told, kept=False)

    def _given(self, request: Request, op: Op, body: bytes) -> dict[str, Any]:
        if len(body) > BODY_MAX:
            raise Refused(413, "The request is too large.", kept=False)
        if op.raw:
            return _raw(body)
        if op.method != "POST":
            return checked(parsed(request.url.query), op.spec)
        if body and not request.headers.get("content-type", "").startswith(FORM):
            told = "Invalid request: send parameters form-encoded (application/x-www-form-urlencoded)."
            raise invalid(told)
        try:
            return checked(parsed(body.decode()), op.spec)
        except UnicodeDecodeError:
            raise invalid("Invalid request: the body is not UTF-8.") from None

    def _carried_out(
        self, op: Op, call: Call, once: Use | None, id: str, trouble: Trouble | None
    ) -> Response:
        done = False
        try:
            status, body, headers, kept = self._outcome(op, call, once, id, trouble)
            done = kept
        finally:
            if once and not done:
                self.answers.forget(once)
        if once and done:
            self.answers.finish(once, status, body)
        return Response(body, status, headers, media_type="application/json")

    def _outcome(
        self, op: Op, call: Call, once: Use | None, id: str, trouble: Trouble | None
    ) -> tuple[int, bytes, dict[str, str], bool]:
        sticky = trouble is not None and trouble.kind == "sticky_error"
        try:
            if sticky and trouble and not trouble.committed:
                raise broken()
            told = self._run(op, call, once, id)
            if sticky:
                raise broken()
            return 200, _bytes(told), {}, True
        except Refused as refused:
            return refused.status, _bytes(refused.body), refused.headers, refused.kept

    def _run(self, op: Op, call: Call, once: Use | None, id: str) -> Any:
        key = once.key if once else None
        self.world.request = {"id": id, "idempotency_key": key} if op.action else None
        try:
            made = op.carry_out(call)
        finally:
            self.world.request = None
        if op.action:
            kind, about = made.get("object", ""), made.get("id", "")
            self.kit.effect(op.action, kind, about, account=call.account.id, key=key or "")
        shown = rendered(_composed(call.account, made), call.version)
        return expanding.expanded(call.account, shown, call.given.get("expand") or [], call.version)


def _use(request: Request, op: Op, account: Account, id: str) -> Use | None:
    key = request.headers.get("idempotency-key", "") if op.method == "POST" else ""
    return Use(account.id, key, id) if key else None


def _composed(account: Account, made: Thing) -> Thing:
    if made.get("object") in ("list", "search_result"):
        return made | {"data": [snapshot(account, one) for one in made["data"]]}
    return snapshot(account, made)


def _raw(body: bytes) -> dict[str, Any]:
    try:
        sent = json.loads(body) if body else {}
    except (ValueError, RecursionError):
        raise invalid("Invalid request: send a JSON object.") from None
    if not isinstance(sent, dict):
        raise invalid("Invalid request: send a JSON object.")
    return sent


def _bytes(told: Any) -> bytes:
    return json.dumps(told, indent=2).encode()


def _json(status: int, told: Any, headers: dict[str, str]) -> Response:
    return Response(_bytes(told), status, headers, media_type="application/json")
