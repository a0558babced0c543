"""One request of a person to the console, and the table rows that say what may be visited by whom."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from starlette.datastructures import FormData, QueryParams
from starlette.responses import HTMLResponse, RedirectResponse, Response

from hub.api.access import Actor, Role
from hub.engine import Hub
from hub.settings import Settings
from hub.store import views
from hub.ui.discretion import discreet
from hub.ui.render import draw
from hub.ui.session import NOTICE, Session, Sessions, Throttle


@dataclass(frozen=True)
class Visit:
    """Who asks for what, with everything a page may use. Nobody is logged in where `actor` is None."""

    hub: Hub
    settings: Settings
    sessions: Sessions
    throttle: Throttle
    session: Session
    actor: Actor | None
    path: str
    params: Mapping[str, str]
    query: QueryParams
    form: FormData
    address: str
    partial: bool  # asked by htmx: a fragment is enough
    secure: bool
    notice: str

    @property
    def who(self) -> Actor:
        """The person; pages that declare a role always have one."""
        assert self.actor is not None, self.path
        return self.actor

    def may(self, role: str) -> bool:
        """May they do what this role may?"""
        wanted = Role.named(role)
        return self.actor is not None and wanted is not None and self.actor.may(wanted)

    def field(self, name: str) -> str:
        """One text field of the form, trimmed; empty where it was not sent."""
        value = self.form.get(name, "")
        return value.strip() if isinstance(value, str) else ""

    def asked(self, name: str, longest: int = 100) -> str:
        """One text of the query, trimmed and bounded."""
        return self.query.get(name, "").strip()[:longest]

    def show(
        self, template: str, *, status: int = 200, hidden: Collection[str] = (), **values: Any
    ) -> Response:
        """Draw a page. `hidden`: account numbers that a viewer does not see whole."""
        page = draw(template, visit=self, **values)
        answer = HTMLResponse(page if self.may("operator") else discreet(page, hidden), status)
        if self.notice:
            answer.delete_cookie(NOTICE)
        return answer

    def go(self, path: str, notice: str = "") -> Response:
        """Redirect after a change; the next page tells what was done."""
        answer = RedirectResponse(path, 303)
        if notice:
            answer.set_cookie(
                NOTICE, self.sessions.seal_notice(notice), max_age=60, httponly=True, samesite="lax",
                secure=self.secure,
            )  # fmt: skip
        return answer

    @property
    def open_cases(self) -> int:
        """How many questions wait: shown in the navigation of every page."""
        with self.hub.store.look() as tx:
            return sum(views.case_counts(tx.conn).values())

    @property
    def form_token(self) -> str:
        """For the hidden field of every form."""
        return self.sessions.form_token(self.session)


View = Callable[[Visit], Response]


class Place(NamedTuple):
    """A page or a button. `role` None: open to everybody, which only the login is."""

    method: str
    path: str
    role: Role | None
    view: View
    files: int = 0  # how many its form may bring


def get(path: str, view: View, role: Role = Role.VIEWER) -> Place:
    """A page; reading is a viewer's."""
    return Place("GET", path, role, view)


def post(path: str, view: View, role: Role, *, files: int = 0) -> Place:
    """A change; its role is always said."""
    return Place("POST", path, role, view, files)
