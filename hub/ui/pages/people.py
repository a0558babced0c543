"""Logging in and out, who has access, and what people did."""

from __future__ import annotations

from starlette.responses import Response

from hub.api import actions, showing
from hub.api.access import Role, actor_by_digest
from hub.errors import Invalid
from hub.secrets import token_digest
from hub.store import access, views
from hub.ui.session import COOKIE, LIFE_SECONDS
from hub.ui.visit import Place, Visit, get, post

ROWS = 100


def _with_session(visit: Visit, answer: Response, cookie: str) -> Response:
    answer.set_cookie(
        COOKIE, cookie, max_age=LIFE_SECONDS, httponly=True, samesite="lax", secure=visit.secure
    )
    return answer


def _next(wanted: str) -> str:
    """Where to go after login: only to a page of ours."""
    ours = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    return wanted if ours else "/"


def login_form(visit: Visit) -> Response:
    """The form; it belongs to a session of nobody, so that its token means something."""
    if visit.actor is not None:
        return visit.go("/")
    answer = visit.show("login.html", told="", next=_next(visit.asked("next", 300)))
    return _with_session(visit, answer, visit.sessions.cookie(visit.session))


def login(visit: Visit) -> Response:
    """Begin a new session with an API token."""
    going = _next(visit.field("next"))
    if visit.throttle.is_blocked(visit.address):
        told = "Too many attempts. Wait five minutes, then try again."
        return visit.show("login.html", status=429, told=told, next=going)
    digest = token_digest(visit.field("token"))
    if actor_by_digest(visit.hub, digest) is None:
        visit.throttle.failed(visit.address)
        told = "This token is not known, or it was revoked. Check that you copied all of it."
        return visit.show("login.html", status=403, told=told, next=going)
    visit.sessions.end(visit.session)
    return _with_session(visit, visit.go(going), visit.sessions.cookie(visit.sessions.begin(digest)))


def logout(visit: Visit) -> Response:
    """End the session, here and at the hub."""
    visit.sessions.end(visit.session)
    answer = visit.go("/login")
    answer.delete_cookie(COOKIE)
    return answer


def audit(visit: Visit) -> Response:
    """What people and their programs did."""
    after = visit.asked("after", 18)
    with visit.hub.store.look() as tx:
        rows = views.audit(tx.conn, ROWS, int(after) if after.isdecimal() else 0)
    return visit.show("audit.html", rows=rows, after=showing.last(rows, "seq") if len(rows) >= ROWS else "")


def _tokens(visit: Visit, *, status: int = 200, told: str = "", made: str = "") -> Response:
    with visit.hub.store.look() as tx:
        rows = access.tokens(tx.conn)
    return visit.show(
        "access.html", status=status, told=told, made=made, name=visit.field("name"),
        living=[row for row in rows if row.revoked_at is None],
        ended=[row for row in rows if row.revoked_at is not None],
    )  # fmt: skip


def make_token(visit: Visit) -> Response:
    """Make a token and show it once."""
    name = visit.field("name")
    try:
        if not 0 < len(name) <= 100 or not name.isprintable():
            raise Invalid("say in at most 100 characters who will use it", field="name")
        token = actions.make_token(visit.hub, visit.who, name, visit.field("role"))
    except Invalid as error:
        return _tokens(visit, status=422, told=str(error))
    return _tokens(visit, made=token)


def revoke_token(visit: Visit) -> Response:
    """End a token and its sessions."""
    try:
        actions.revoke_token(visit.hub, visit.who, visit.field("name"))
    except Invalid as error:
        return _tokens(visit, status=422, told=str(error))
    return visit.go("/access", f"The token of {visit.field('name')} works no longer.")


PLACES = (
    Place("GET", "/login", None, login_form),
    Place("POST", "/login", None, login),
    post("/logout", logout, Role.VIEWER),
    get("/audit", audit),
    get("/access", _tokens, Role.ADMIN),
    post("/access", make_token, Role.ADMIN),
    post("/access/revoke", revoke_token, Role.ADMIN),
)
