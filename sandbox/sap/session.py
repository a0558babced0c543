"""Who may call: basic and OAuth users, CSRF tokens bound to their session's cookies, the client number."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from http.cookies import CookieError, SimpleCookie
from typing import NamedTuple
from urllib.parse import parse_qs

from sandbox.sap.refusals import Refusal, no_csrf

USER, PASSWORD = "O2C_COMM", "Welcome1-O2C-Comm"
CLIENT_ID, CLIENT_SECRET = "O2C_CLIENT", "O2C-Client-Secret"
TOKEN_SECONDS = 3600
SESSIONS_MAX = 10_000


class Session(NamedTuple):
    """One security session: its CSRF token and when it ends."""

    token: str
    until: datetime


class Sessions:
    """The users, tokens and sessions of one system."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.csrf_seconds = 1800.0
        self.opened: dict[str, Session] = {}
        self.bearers: dict[str, datetime] = {}
        self.cookie = "SAP_SESSIONID_S4H_100"

    def admit(self, headers: Mapping[str, str]) -> None:
        """Raises Refusal 401 unless a communication user or a living bearer token calls."""
        scheme, _, sent = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic" and _same(sent, USER, PASSWORD):
            return
        if scheme.lower() == "bearer" and self.bearers.get(sent, self.now()) > self.now():
            return
        challenge = {"www-authenticate": 'Basic realm="SAP NetWeaver Application Server [S4H/100]"'}
        raise Refusal(401, "401", "Anmeldung fehlgeschlagen / Logon failed", headers=challenge)

    def grant(self, body: bytes, authorization: str) -> tuple[int, dict[str, str | int]]:
        """The OAuth 2.0 token endpoint for client credentials (RFC 6749, 4.4)."""
        form = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
        scheme, _, sent = authorization.partition(" ")
        in_head = scheme.lower() == "basic" and _same(sent, CLIENT_ID, CLIENT_SECRET)
        in_body = form.get("client_id") == CLIENT_ID and form.get("client_secret") == CLIENT_SECRET
        if not (in_head or in_body):
            return 401, {"error": "invalid_client"}
        if form.get("grant_type") != "client_credentials":
            return 400, {"error": "unsupported_grant_type"}
        token = secrets.token_urlsafe(32)
        self.bearers[token] = self.now() + timedelta(seconds=TOKEN_SECONDS)
        told: dict[str, str | int] = {"access_token": token, "token_type": "Bearer"}
        return 200, {**told, "expires_in": TOKEN_SECONDS, "scope": "API_SALES_ORDER_SRV_0001"}

    def fetch(self, cookies: str) -> tuple[str, str]:
        """The token of a session and the session's id; a new one where the cookies name none."""
        id = self._named(cookies)
        session = self.opened.get(id)
        if session is None or session.until <= self.now():
            if len(self.opened) >= SESSIONS_MAX:
                self.opened.clear()
            id = secrets.token_urlsafe(24)
            session = Session(
                secrets.token_urlsafe(16) + "==", self.now() + timedelta(seconds=self.csrf_seconds)
            )
            self.opened[id] = session
        return session.token, id

    def check(self, cookies: str, token: str) -> None:
        """Raises the 403 that asks for a token unless token and session belong together and live."""
        session = self.opened.get(self._named(cookies))
        if session is None or session.until <= self.now() or not hmac.compare_digest(session.token, token):
            raise no_csrf()

    def _named(self, cookies: str) -> str:
        jar: SimpleCookie = SimpleCookie()
        try:
            jar.load(cookies)
        except CookieError:
            return ""
        return jar[self.cookie].value if self.cookie in jar else ""


def _same(sent: str, user: str, password: str) -> bool:
    try:
        told = base64.b64decode(sent, validate=True)
    except binascii.Error:
        return False
    return hmac.compare_digest(told, f"{user}:{password}".encode())
