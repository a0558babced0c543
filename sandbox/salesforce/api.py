"""The org's HTTP interface: data calls through one table, OAuth, metadata uploads."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from sandbox.salesforce.calls import Answer, Call, Router
from sandbox.salesforce.collections import Collections
from sandbox.salesforce.composite import Composite
from sandbox.salesforce.describe import Describe, versions
from sandbox.salesforce.front import Usage
from sandbox.salesforce.login import Denied, Login
from sandbox.salesforce.org import Org
from sandbox.salesforce.package import Package
from sandbox.salesforce.queries import Queries
from sandbox.salesforce.records import Records
from sandbox.salesforce.refusals import Refused, invalid_session, unparsable
from sandbox.salesforce.values import dumped, loaded

_ALL = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]
BODY_MAX = 50_000_000  # bytes (REST guide, limits)


@dataclass
class Api:
    """All endpoints of one org."""

    org: Org
    login: Login
    usage: Usage
    queries: Queries
    package: Package

    def routes(self) -> list[Route]:
        """Everything but bulk jobs."""
        self.router = Router()
        records = Records(self.org)
        for one in (
            self.queries,
            Describe(self.org, self.usage),
            self.package,
            Collections(self.org, records),
            Composite(self.org, self.router),
            records,
        ):
            one.add_to(self.router)
        return [
            Route("/services/oauth2/token", self._token, methods=["POST"]),
            Route("/services/oauth2/authorize", self._authorise, methods=["GET"]),
            Route("/services/oauth2/userinfo", self._user, methods=["GET", "POST"]),
            Route("/services/oauth2/revoke", self._revoke, methods=["GET", "POST"]),
            Route("/id/{org}/{user}", self._user, methods=["GET"]),
            Route("/services/data", self._versions, methods=["GET"]),
            Route("/services/data/", self._versions, methods=["GET"]),
            Route("/services/data/v{version:int}.0/metadata/deployRequest", self._deploy, methods=["POST"]),
            Route("/services/data/v{version:int}.0{rest:path}", self._call, methods=_ALL),
        ]

    async def _versions(self, request: Request) -> Response:
        return _json(Answer(200, versions()))

    async def _call(self, request: Request) -> Response:
        raw = await request.body()
        try:
            if len(raw) > BODY_MAX:
                raise unparsable(f"the request body is over {BODY_MAX} bytes")
            body = loaded(raw) if raw else None
            call = Call(
                request.method,
                request.path_params["rest"],
                request.path_params["version"],
                dict(request.query_params),
                {name.lower(): value for name, value in request.headers.items()},
                body,
            )
            with self.org.kit.lock:
                answer = self.router.answer(call)
        except Refused as refused:
            answer = Answer(refused.status, [refused.entry()])
        return _json(answer)

    async def _deploy(self, request: Request) -> Response:
        """Multipart: `json` holds the options, `file` the zip (Metadata API guide, deployRequest)."""
        try:
            form = await request.form()
            told, file = form.get("json"), form.get("file")
            if isinstance(told, UploadFile):
                told = (await told.read()).decode()
            if not isinstance(told, str) or not isinstance(file, UploadFile):
                raise unparsable("a part json with deployOptions and a part file with the zip are needed")
            archive, body = await file.read(), loaded(told.encode())
            options = body.get("deployOptions", {}) if isinstance(body, dict) else {}
            with self.org.kit.lock:
                made = self.package.deploy(archive, options)
                shown = self.package.shown(made, done=False, detailed=False)
            return _json(Answer(201, shown))
        except Refused as refused:
            return _json(Answer(refused.status, [refused.entry()]))

    async def _token(self, request: Request) -> Response:
        form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
        try:
            with self.org.kit.lock:
                body = self.login.token(form, request.headers.get("authorization", ""), _root(request))
        except Denied as denied:
            return _json(Answer(denied.status, denied.body))
        return _json(Answer(200, body, {"cache-control": "no-cache, no-store"}))

    async def _authorise(self, request: Request) -> Response:
        asked = request.query_params
        redirect = asked.get("redirect_uri", "")
        try:
            with self.org.kit.lock:
                code = self.login.authorise(asked.get("client_id", ""), redirect)
        except Denied as denied:
            return _json(Answer(denied.status, denied.body))
        told = {"code": code} | ({"state": asked["state"]} if "state" in asked else {})
        return RedirectResponse(f"{redirect}{'&' if '?' in redirect else '?'}{urlencode(told)}", 302)

    async def _revoke(self, request: Request) -> Response:
        form = await request.form() if request.method == "POST" else request.query_params
        token = form.get("token")
        with self.org.kit.lock:
            if self.login.sessions.pop(str(token), None) is None:
                return _json(Answer(400, {"error": "unsupported_token_type", "error_description": "unknown"}))
        return Response(status_code=200)

    async def _user(self, request: Request) -> Response:
        with self.org.kit.lock:
            try:
                self.login.admit(request.headers.get("authorization", ""))
            except Refused:
                refused = invalid_session()
                return _json(Answer(403, [refused.entry()]))
            user = self.org.rows("User")[self.login.user_id]
        root = _root(request)
        body = {
            "sub": f"{root}/id/{self.org.org_id}/{user['Id']}",
            "user_id": user["Id"],
            "organization_id": self.org.org_id,
            "preferred_username": user["Username"],
            "username": user["Username"],
            "name": user["Name"],
            "email": user["Email"],
            "active": True,
            "urls": {"rest": f"{root}/services/data/v{{version}}/", "custom_domain": root},
        }
        return _json(Answer(200, body))


def _root(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


def _json(answer: Answer) -> Response:
    if answer.body is None:
        return Response(status_code=answer.status, headers=dict(answer.headers))
    headers = {"content-type": "application/json;charset=UTF-8", **answer.headers}
    return Response(dumped(answer.body), answer.status, headers)
