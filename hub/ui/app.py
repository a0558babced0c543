"""The console as a Starlette application: session, role, form token, then the page."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import quote, urlsplit

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from hub.api.access import actor_by_digest
from hub.api.actions import Missing
from hub.api.edge import Edge
from hub.engine import Hub
from hub.errors import HubError
from hub.secrets import same
from hub.settings import Settings
from hub.settling import describe
from hub.ui.pages import PLACES
from hub.ui.render import HERE, draw
from hub.ui.session import COOKIE, NOTICE, Now, Sessions, Throttle
from hub.ui.visit import Place, Visit

BYTES_MAX = 1_000_000
FIELDS_MAX = 2_000

_TITLES = {
    403: "That is not for your role",
    404: "There is nothing here",
    405: "That does not work here",
    408: "That took too long",
    413: "That is too large",
    422: "That cannot be done",
    500: "Something broke",
}


class _Assets(StaticFiles):
    """Our own files; browsers ask whether they changed."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """One file."""
        answer = await super().get_response(path, scope)
        answer.headers["cache-control"] = "no-cache"
        return answer


class _Gate:
    """What every visit passes: a session, a living token, the role, and for changes the form's token."""

    def __init__(self, hub: Hub, settings: Settings, now: Now) -> None:
        self.hub, self.settings = hub, settings
        self.sessions = Sessions(hub.registry.vault, now)
        self.throttle = Throttle(now)

    def endpoint(self, place: Place) -> Callable[[Request], Awaitable[Response]]:
        """The Starlette endpoint of a place."""

        async def answer(request: Request) -> Response:
            form = FormData()
            if place.method == "POST":
                form = await request.form(max_files=place.files, max_fields=FIELDS_MAX)
            return await run_in_threadpool(self._answer, place, request, form)

        return answer

    def _answer(self, place: Place, request: Request, form: FormData) -> Response:
        visit = self._visit(request, form)
        if place.role is not None and visit.actor is None:
            return _to_login(visit)
        if told := _forbidden(place, visit):
            return refuse(request, 403, told)
        try:
            return place.view(visit)
        except Missing as error:
            return refuse(request, 404, str(error))
        except HubError as error:
            return refuse(request, 422, describe(error))

    def _visit(self, request: Request, form: FormData) -> Visit:
        session = self.sessions.read(request.cookies.get(COOKIE, "")) or self.sessions.begin()
        actor = actor_by_digest(self.hub, session.digest) if session.digest else None
        return Visit(
            hub=self.hub, settings=self.settings, sessions=self.sessions, session=session, actor=actor,
            path=request.url.path, params=request.path_params, query=request.query_params, form=form,
            address=request.client.host if request.client else "", throttle=self.throttle,
            partial=request.headers.get("hx-request") == "true",
            secure=_is_secure(request, self.settings.public_url),
            notice=self.sessions.open_notice(request.cookies.get(NOTICE, "")),
        )  # fmt: skip


def _is_secure(request: Request, public_url: str) -> bool:
    """Did the browser come by https? A proxy may not tell, but then our public address does."""
    public = urlsplit(public_url)
    return request.url.scheme == "https" or (public.scheme == "https" and request.url.netloc == public.netloc)


def _forbidden(place: Place, visit: Visit) -> str:
    """Why this visit may not be; empty: it may."""
    if place.role is not None and not visit.who.may(place.role):
        return f"This needs the role {place.role.name.lower()}; you are {visit.who.role.name.lower()}."
    if place.method == "POST" and not same(visit.field("form_token"), visit.form_token):
        return "The form is from another session. Go back, reload the page, and try again."
    return ""


def _to_login(visit: Visit) -> Response:
    way = "/login" if visit.path == "/" else f"/login?next={quote(visit.path)}"
    if visit.partial:
        return Response(status_code=401, headers={"hx-redirect": way})
    return RedirectResponse(way, 303)


def refuse(request: Request, status: int, told: str) -> Response:
    """An error page in the style of the house."""
    page = draw("error.html", status=status, title=_TITLES.get(status, "That did not work"), told=told)
    return HTMLResponse(page, status)


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    told = "The address may be mistyped." if error.status_code == 404 else str(error.detail)
    return refuse(request, error.status_code, told)


def _favicon(request: Request) -> Response:
    return FileResponse(HERE / "static" / "favicon.svg", media_type="image/svg+xml")


def build_ui(
    hub: Hub, settings: Settings, *, now: Now = time.time, places: Sequence[Place] = PLACES
) -> Starlette:
    """The console. `now` and `places` are for tests."""
    gate = _Gate(hub, settings, now)
    routes: list[Route | Mount] = [
        Route(place.path, gate.endpoint(place), methods=[place.method]) for place in places
    ]
    routes.append(Route("/favicon.ico", _favicon))  # asked for by pages that name no icon, such as plain text
    routes.append(Mount("/static", _Assets(directory=HERE / "static")))
    return Starlette(
        routes=routes,
        middleware=[Middleware(Edge, bytes_max=BYTES_MAX, refuse=refuse, files_max=settings.file_bytes_max)],
        exception_handlers={HTTPException: _http_error},
    )
