"""How a call proves who we are, and the CSRF token with its cookies that every modifying call needs."""

from __future__ import annotations

import base64
import json
import re
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx

from connectors.sap.settings import Settings
from hub.sdk import AuthFailed, RateLimited, SecretStr, Transient, bound_login

REFRESH_EARLY_SECONDS = 120.0  # seconds before expiry at which a new token is fetched
LIFE_WITHOUT_EXPIRY_SECONDS = 600.0
_ROOT = re.compile(r"(/sap/opu/odata4?/(?:[^/]+/)+?(?:[A-Z0-9_]+(?:;v=\d+)?|srvd_a2x/sap/[^/]+/\d+))/")
_COOKIES = re.compile(r",\s*(?=[^;,=\s]+=)")  # several Set-Cookie headers joined into one
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

Flow = Generator[httpx.Request, httpx.Response, None]


@dataclass(frozen=True, slots=True)
class Pair:
    """A CSRF token and the cookies it was given with: each is worth nothing without the other."""

    token: str
    cookies: str


class SapAuth(httpx.Auth):
    """Basic, bearer or none (the TLS certificate speaks), and a CSRF pair per thread and OData service.

    A pair is never shared: tokens shared among workers race with their cookies and are refused now and
    then (SAP/cloud-sdk-java#792).
    """

    def __init__(
        self,
        *,
        credentials: Callable[[], str] | None = None,
        grant: Grant | None = None,
        query: Mapping[str, str] | None = None,
    ) -> None:
        self._credentials, self._grant = credentials, grant
        self._query = dict(query or {})
        self._thread = threading.local()

    def sync_auth_flow(self, request: httpx.Request) -> Flow:
        """Sign and send; a refused pair and a refused bearer token are each replaced and replayed once."""
        root = api_root(request.url.raw_path.decode("ascii"))
        yield from self._authorize(request, "")
        modifies = bool(root) and request.method not in _SAFE
        known = self._pairs().get(root)
        if modifies:
            known = known or (yield from self._fetch(request, root))
            self._attach(request, known)
        elif known:
            request.headers["cookie"] = known.cookies
        answer = yield request
        if answer.status_code == 401 and self._grant is not None:
            bound_login(answer)
            yield from self._authorize(request, _bearer(request))
            answer = yield request
        if modifies and _wants_token(answer):
            self._pairs().pop(root, None)
            self._attach(request, (yield from self._fetch(request, root)))
            yield request

    def _pairs(self) -> dict[str, Pair]:
        pairs: dict[str, Pair] | None = getattr(self._thread, "pairs", None)
        if pairs is None:
            pairs = self._thread.pairs = {}
        return pairs

    def _attach(self, request: httpx.Request, pair: Pair) -> None:
        request.headers["x-csrf-token"] = pair.token
        if pair.cookies:
            request.headers["cookie"] = pair.cookies

    def _authorize(self, request: httpx.Request, refused: str) -> Flow:
        if self._credentials is not None:
            request.headers["authorization"] = self._credentials()
        elif self._grant is not None:
            token = yield from self._grant.token(refused, request.extensions)
            request.headers["authorization"] = f"Bearer {token}"

    def _fetch(self, request: httpx.Request, root: str) -> Generator[httpx.Request, httpx.Response, Pair]:
        """Ask the service's root, with its trailing slash: without it a redirect loses the header."""
        url = request.url.copy_with(raw_path=f"{root}/{_asked(self._query)}".encode("ascii"))
        headers = {"x-csrf-token": "Fetch", "accept": "application/json"}
        if "authorization" in request.headers:
            headers["authorization"] = request.headers["authorization"]
        answer = yield httpx.Request("HEAD", url, headers=headers, extensions=request.extensions)
        pair = _pair(answer)
        self._pairs()[root] = pair
        return pair


class Grant:
    """An OAuth 2.0 access token by client credentials, fetched once for all threads."""

    def __init__(self, url: str, client_id: str, secret: SecretStr, scope: str = "") -> None:
        self._url, self._client_id, self._secret, self._scope = url, client_id, secret, scope
        self._lock = threading.Lock()
        self._token, self._good_until = "", 0.0

    def token(
        self, refused: str, extensions: Mapping[str, Any]
    ) -> Generator[httpx.Request, httpx.Response, str]:
        """A token that is good now and is not the refused one."""
        known = self._valid()
        if known and known != refused:
            return known
        with self._lock:  # others wait for this token instead of fetching their own
            known = self._valid()
            if known and known != refused:
                return known
            answer = yield self._request(extensions)
            told = _granted(answer)
            told_seconds = told.get("expires_in")
            life_seconds = float(told_seconds or LIFE_WITHOUT_EXPIRY_SECONDS)
            self._token = str(told["access_token"])
            self._good_until = time.monotonic() + max(life_seconds - REFRESH_EARLY_SECONDS, 0)
            return self._token

    def _valid(self) -> str:
        return self._token if time.monotonic() < self._good_until else ""

    def _request(self, extensions: Mapping[str, Any]) -> httpx.Request:
        form = {"grant_type": "client_credentials", **({"scope": self._scope} if self._scope else {})}
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "accept": "application/json",
            "authorization": basic(self._client_id, self._secret),
        }
        content = urlencode(form).encode()
        return httpx.Request("POST", self._url, headers=headers, content=content, extensions=dict(extensions))


def api_root(path: str) -> str:
    """`/sap/opu/odata/sap/API_X;v=0002/A_Y('1')` -> `/sap/opu/odata/sap/API_X;v=0002`; empty: no OData."""
    found = _ROOT.match(path.split("?", 1)[0])
    return found.group(1) if found else ""


def basic(user: str, secret: SecretStr) -> str:
    """RFC 7617 in UTF-8."""
    told = f"{user}:{secret.get_secret_value()}".encode()
    return "Basic " + base64.b64encode(told).decode("ascii")


def auth_of(settings: Settings) -> SapAuth:
    """The authentication flow the settings ask for."""
    if settings.auth == "basic":
        return SapAuth(credentials=lambda: basic(settings.username, settings.password), query=settings.query)
    if settings.auth == "oauth":
        grant = Grant(settings.token_url, settings.client_id, settings.client_secret, settings.scope)
        return SapAuth(grant=grant, query=settings.query)
    return SapAuth(query=settings.query)


def trust_of(settings: Settings) -> ssl.SSLContext | None:
    """TLS with our client certificate, or with an authority of one's own; None: the ordinary trust.

    Raises AuthFailed where certificate and key do not fit.
    """
    if settings.auth != "certificate" and not settings.trusted_ca:
        return None
    context = httpx.create_ssl_context(trust_env=False)
    try:
        if settings.trusted_ca:
            context.load_verify_locations(cadata=settings.trusted_ca)
        if settings.auth == "certificate":
            _load(context, settings)
    except (ssl.SSLError, ValueError, OSError):
        raise AuthFailed(
            "the client certificate, its key or trusted_ca cannot be used: PEM, unencrypted, matching",
            code="certificate",
            sent=False,
        ) from None
    return context


def _load(context: ssl.SSLContext, settings: Settings) -> None:
    # Python reads certificates from files only: a folder of our own, gone when this block ends
    with tempfile.TemporaryDirectory(prefix="o2c-") as folder:
        certificate, key = Path(folder, "certificate.pem"), Path(folder, "key.pem")
        for path, secret in ((certificate, settings.certificate), (key, settings.private_key)):
            path.touch(mode=0o600)
            path.write_text(secret.get_secret_value(), encoding="ascii")
        context.load_cert_chain(certificate, key)


def _asked(query: Mapping[str, str]) -> str:
    return f"?{urlencode(query)}" if query else ""


def _bearer(request: httpx.Request) -> str:
    return str(request.headers.get("authorization", "")).removeprefix("Bearer ")


def _wants_token(answer: httpx.Response) -> bool:
    return answer.status_code == 403 and answer.headers.get("x-csrf-token", "").lower() == "required"


def _pair(answer: httpx.Response) -> Pair:
    bound_login(answer)
    token = answer.headers.get("x-csrf-token", "")
    if answer.status_code == 401:
        raise AuthFailed("SAP refused the credentials", status=401, sent=False)
    if answer.status_code == 429:
        raise RateLimited("SAP gives no CSRF token now", status=429, retry_after=2.0, sent=False)
    if answer.status_code == 403:
        raise AuthFailed(
            "SAP refused access to the service: check the communication arrangement",
            status=403, code="no_csrf_token", sent=False,
        )  # fmt: skip
    if answer.is_success and not token and "html" in answer.headers.get("content-type", ""):
        raise AuthFailed(
            "SAP answered with a login page: base_url must be the API host", code="login_page", sent=False
        )
    if not token or token.lower() in ("required", "fetch"):
        raise Transient("SAP gave no CSRF token", status=answer.status_code, code="no_csrf_token", sent=False)
    given = (one for line in answer.headers.get_list("set-cookie") for one in _COOKIES.split(line))
    return Pair(token, "; ".join(one.split(";", 1)[0].strip() for one in given))


def _granted(answer: httpx.Response) -> Mapping[str, Any]:
    bound_login(answer)
    body = answer.read()
    if answer.status_code == 429 or answer.status_code >= 500:
        kind = RateLimited if answer.status_code == 429 else Transient
        raise kind("the token endpoint is busy", status=answer.status_code, retry_after=2.0, sent=False)
    try:
        told = json.loads(body)
    except ValueError:
        told = {}
    if answer.status_code == 200 and isinstance(told, dict) and told.get("access_token"):
        return told
    reason = str(told.get("error", "")) if isinstance(told, dict) else ""
    raise AuthFailed(
        f"no access token: {reason or 'no reason given'}; check token_url, client_id and client_secret",
        code=reason, status=answer.status_code, sent=False,
    )  # fmt: skip
