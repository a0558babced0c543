"""The HTTP face of the system: logon, sessions and CSRF, the limit on calls, and which part answers."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import unquote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from sandbox.sap.batch import Batch
from sandbox.sap.odata import Answer, Ask, Gateway, query_of
from sandbox.sap.odata_v4 import GatewayV4
from sandbox.sap.refusals import Refusal, busy, not_found

if TYPE_CHECKING:
    from sandbox.sap.simulator import SapSandbox

TOKEN = "/sap/bc/sec/oauth2/token"
SOAP = "/sap/bc/srt/scs_ext/sap/"
IDOC = "/sap/bc/idoc_xml"
SAFE = frozenset({"GET", "HEAD"})
BODY_MAX = 20 * 1024 * 1024
SAML = (
    "<html><head><meta http-equiv='cache-control' content='no-cache'/></head><body onload='document.forms[0]"
    ".submit()'><form method='post' action='/saml2/idp/sso'><input type='hidden' name='SAMLRequest' value='"
    "PHNhbWxwOkF1dGhuUmVxdWVzdC8+'/></form></body></html>"
)


async def saml_page(request: Request) -> Response:
    """What the host for people answers to a program: its login page, with status 200."""
    return Response(SAML, media_type="text/html")


class Front:
    """Answers for the API host."""

    def __init__(self, sap: SapSandbox) -> None:
        self.sap = sap
        self.busy = 0
        self.v2 = [Gateway(sap.store, one, sap.application) for one in sap.interfaces]
        self.v4 = GatewayV4(sap.store, sap.application)

    async def endpoint(self, request: Request) -> Response:
        """The one route of the host."""
        raw = request.scope.get("raw_path", b"").decode("ascii").split("?", 1)[0]
        body = await request.body()
        headers = {name: value for name, value in request.headers.items()}
        method = headers.get("x-http-method", request.method) if request.method == "POST" else request.method
        origin = f"{request.url.scheme}://{request.headers.get('host', 'localhost')}"
        ask = Ask(method.upper(), raw, query_of(request.url.query), headers, body, origin)
        return await run_in_threadpool(self.answer, ask)

    def answer(self, ask: Ask) -> Response:
        """Log on, take a work process, serve; every refusal becomes an envelope."""
        path = unquote(ask.path)
        try:
            if path == TOKEN and ask.method == "POST":
                with self.sap.kit.lock:
                    status, told = self.sap.sessions.grant(ask.body, ask.headers.get("authorization", ""))
                return JSONResponse(told, status)
            with self.sap.kit.lock:
                self.sap.sessions.admit(ask.headers)
                self._client(ask)
            return self._in_turn(ask, path)
        except Refusal as no:
            v4 = path.startswith("/sap/opu/odata4/")
            body, kind = no.body(_accepted(ask), uuid.uuid4().hex.upper(), v4=v4)
            return Response(body, no.status, no.headers, kind)

    def _client(self, ask: Ask) -> None:
        wanted = self.sap.client
        told = ask.query.get("sap-client") or ask.headers.get("sap-client", "")
        if wanted and told != wanted:
            text = f"Logon failed: client {told or '(none)'} is not available for this user"
            raise Refusal(401, "401", text, headers={"www-authenticate": "Basic"})

    def _in_turn(self, ask: Ask, path: str) -> Response:
        sap = self.sap
        with sap.kit.lock:
            sap.peak = max(sap.peak, self.busy + 1)  # of calls at once, those sent away included
            if self.busy >= sap.concurrency:
                raise busy(sap.throttle_status, sap.retry_after)
            self.busy += 1
        try:
            if sap.latency:
                time.sleep(sap.latency)
            with sap.kit.lock:
                answered = self._serve(ask, path)
            sap.send_due()
            return answered
        finally:
            with sap.kit.lock:
                self.busy -= 1

    def _serve(self, ask: Ask, path: str) -> Response:
        if path.startswith(SOAP):
            return _response(self.sap.soap.answer(ask, path[len(SOAP) :]))
        if path == IDOC:
            return _response(self.sap.idocs.take(ask))
        for one in self.v2:
            if path == one.api.root and ask.method in SAFE:
                return RedirectResponse(f"{ask.origin}{ask.path}/", 301)
            if path.startswith(one.api.root + "/"):
                return self._odata(ask._replace(path=ask.path[_length(ask.path, one.api.root) :]), one)
        if path.startswith(self.v4.root):
            return self._odata(ask._replace(path=ask.path[len(self.v4.root) :]), self.v4)
        raise not_found(path)

    def _odata(self, ask: Ask, api: Gateway | GatewayV4) -> Response:
        sessions = self.sap.sessions
        extra: dict[str, str] = {}
        if ask.method not in SAFE:
            sessions.check(ask.headers.get("cookie", ""), ask.headers.get("x-csrf-token", ""))
        self.sap.system.warnings.clear()
        api.page_size = self.sap.page_size
        answered = self._carried_out(ask, api)
        if ask.method in SAFE and ask.headers.get("x-csrf-token", "").lower() == "fetch":
            token, id = sessions.fetch(ask.headers.get("cookie", ""))
            extra = {"x-csrf-token": token}
            answered_response = _response(answered, extra)
            answered_response.headers.append("set-cookie", "sap-usercontext=sap-client=100; path=/")
            answered_response.headers.append("set-cookie", f"{sessions.cookie}={id}; path=/; HttpOnly")
            return answered_response
        if self.sap.system.warnings and answered.status < 400:
            extra["sap-message"] = messages(self.sap.system.warnings)
        return _response(answered, extra, head=ask.method == "HEAD")

    def _carried_out(self, ask: Ask, api: Gateway | GatewayV4) -> Answer:
        if ask.path.strip("/") == "$batch" and isinstance(api, Gateway):
            batch = Batch(lambda one: self._alone(one, api), self.sap.whole, api.api.root)
            return batch.answer(ask)
        return self.sap.whole(lambda: [api.answer(ask)])[0]

    def _alone(self, ask: Ask, api: Gateway) -> Answer:
        return self.sap.whole(lambda: [api.answer(ask)])[0]


def messages(warnings: list[tuple[str, str]]) -> str:
    """The sap-message header: one message with the others as details."""
    first, *rest = [
        {"code": code, "message": text, "severity": "warning", "target": ""} for code, text in warnings
    ]
    return json.dumps({**first, "details": rest})


def _length(path: str, root: str) -> int:
    """How much of an encoded path the service root takes: `;` and `=` may come encoded."""
    at = 0
    for _ in root:
        at += 3 if path[at] == "%" else 1
    return at


def _accepted(ask: Ask) -> str:
    return "json" if "json" in ask.query.get("$format", "") else ask.headers.get("accept", "")


def _response(answer: Answer, extra: Mapping[str, str] | None = None, *, head: bool = False) -> Response:
    headers = {**answer.headers, **(extra or {})}
    return Response(b"" if head else answer.body, answer.status, headers, answer.type or None)
