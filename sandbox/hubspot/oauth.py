"""OAuth as an app sees it: codes, refresh tokens that stay, access tokens that last half an hour."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.hubspot.refusals import Refused, not_found, unauthenticated
from sandbox.kit import Kit

LIFETIME = timedelta(seconds=1800)
CODE_LIFETIME = timedelta(seconds=600)
TOKENS_MAX = 10_000
DATED = ("v3", "2026-03", "2026-09")
CLIENT_ID = "5e1a2f0c-6a57-4c53-9d0e-0f4f8f2b7c11"
USER = {"user_id": 30_001, "user": "admin@sandbox.test", "hub_domain": "sandbox.test"}


@dataclass
class Grant:
    """What one installation of the app may do, until it is revoked."""

    refresh_token: str
    scopes: frozenset[str]
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Code:
    """What the browser brings back after the admin agreed: good once, for ten minutes."""

    redirect_uri: str
    scopes: frozenset[str]
    until: datetime


@dataclass(frozen=True, slots=True)
class Access:
    """One access token."""

    grant: Grant
    until: datetime


def _bad(status: str, message: str, error: str) -> Refused:
    """400. v1 names the fault in `status`, later versions also as RFC 6749, section 5.2, does."""
    refused = Refused(400, message, "VALIDATION_ERROR", error=error, error_description=message)
    refused.body["status"] = status
    return refused


@dataclass
class OAuth:
    """The token endpoints of the `Oauth` specifications, v1 and dated."""

    kit: Kit
    now: Callable[[], datetime]
    client_secret: str
    portal_id: int
    client_id: str = CLIENT_ID
    app_id: int = 4_410_021
    codes: dict[str, Code] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
    access: dict[str, Access] = field(default_factory=dict)
    started: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.started = self.now()

    def code(self, scopes: Iterable[str], redirect_uri: str) -> str:
        """An admin installs the app: the code that their browser takes to the app."""
        code = secrets.token_hex(18)
        self.codes[code] = Code(redirect_uri, frozenset(scopes), self.now() + CODE_LIFETIME)
        return code

    def grant(self, scopes: Iterable[str]) -> Grant:
        """An installation whose tokens the app already has."""
        if len(self.grants) >= TOKENS_MAX:
            raise RuntimeError(f"over {TOKENS_MAX} installations; start a new sandbox")
        grant = Grant(f"na1-{secrets.token_hex(18)}", frozenset(scopes))
        self.grants[grant.refresh_token] = grant
        return grant

    def issue(self, grant: Grant) -> str:
        """A new access token. Tokens that ran out long ago are forgotten."""
        if len(self.access) >= TOKENS_MAX:
            recent = self.now() - LIFETIME
            self.access = {token: one for token, one in self.access.items() if one.until > recent}
        token = f"CN{secrets.token_urlsafe(60)}"
        self.access[token] = Access(grant, self.now() + LIFETIME)
        return token

    def granted(self, token: str) -> set[str]:
        """The scopes of an access token. Raises Refused 401 for one unknown, revoked or expired."""
        found = self.access.get(token)
        if found is None or found.grant.revoked:
            raise unauthenticated()
        if found.until <= self.now():
            raise unauthenticated(expired=True, ago=int((self.now() - found.until).total_seconds()))
        return set(found.grant.scopes)

    def routes(self) -> list[Route]:
        """The addresses: v1 has its own ways to look at tokens, later versions share theirs."""
        dated = "/oauth/{version}/token"
        table: list[tuple[str, str, Callable[[Mapping[str, str]], Any]]] = [
            (dated, "POST", self._token),
            (dated + "/introspect", "POST", self._introspect),
            (dated + "/revoke", "POST", self._revoke),
            ("/oauth/{version}/access-tokens/{token}", "GET", self._access_token),
            ("/oauth/{version}/refresh-tokens/{token}", "GET", self._refresh_token),
            ("/oauth/{version}/refresh-tokens/{token}", "DELETE", self._forget),
        ]
        return [self._route(path, method, work) for path, method, work in table]

    def _route(self, path: str, method: str, work: Callable[[Mapping[str, str]], Any]) -> Route:
        v1_only = "-tokens/" in path
        both = path.endswith("/token")

        async def serve(request: Request) -> Response:
            body = (await request.body()).decode("utf-8", "replace")
            version = request.path_params["version"]
            known = version == "v1" if v1_only else version in DATED or (both and version == "v1")
            # v1 reads the address too; later versions only the body, which no log keeps
            asked = dict(request.query_params) if version == "v1" else {}
            asked |= dict(parse_qsl(body, keep_blank_values=True)) | dict(request.path_params)
            try:
                if not known:
                    raise not_found()
                with self.kit.lock:
                    answer = work(asked)
            except Refused as refused:
                return JSONResponse(refused.body, status_code=refused.status)
            return JSONResponse(answer) if answer is not None else Response(status_code=204)

        return Route(path, serve, methods=[method])

    def _client(self, asked: Mapping[str, str]) -> None:
        if asked.get("client_id") != self.client_id:
            raise _bad("BAD_CLIENT_ID", "missing or unknown client id", "invalid_client")
        sent = asked.get("client_secret", "").encode()
        if not hmac.compare_digest(sent, self.client_secret.encode()):
            raise _bad("BAD_CLIENT_SECRET", "missing or invalid client secret", "invalid_client")

    def _token(self, asked: Mapping[str, str]) -> dict[str, Any]:
        self._client(asked)
        kind = asked.get("grant_type")
        if kind == "authorization_code":
            grant = self._exchanged(asked)
        elif kind == "refresh_token":
            grant = self._refreshed(asked)
        else:
            raise _bad("BAD_GRANT_TYPE", "missing or unknown grant type", "unsupported_grant_type")
        return {
            "token_type": "bearer",
            "access_token": self.issue(grant),
            "refresh_token": grant.refresh_token,
            "expires_in": int(LIFETIME.total_seconds()),
            "hub_id": self.portal_id,
            "user_id": USER["user_id"],
            "scopes": sorted(grant.scopes),
            "token_use": "access_token",
        }

    def _exchanged(self, asked: Mapping[str, str]) -> Grant:
        code = self.codes.get(asked.get("code", ""))
        if code is None or code.until <= self.now():
            raise _bad("BAD_AUTH_CODE", "missing or unknown auth code", "invalid_grant")
        if asked.get("redirect_uri") != code.redirect_uri:
            text = "redirect_uri does not match the redirect URI used with the auth code"
            raise _bad("MISMATCH_REDIRECT_URI_AUTH_CODE", text, "invalid_grant")
        del self.codes[asked["code"]]
        return self.grant(code.scopes)

    def _refreshed(self, asked: Mapping[str, str]) -> Grant:
        grant = self.grants.get(asked.get("refresh_token", ""))
        if grant is None or grant.revoked:
            raise _bad("BAD_REFRESH_TOKEN", "missing or invalid refresh token", "invalid_grant")
        return grant

    def _introspect(self, asked: Mapping[str, str]) -> dict[str, Any]:
        self._client(asked)
        token = asked.get("token", "")
        access, grant = self.access.get(token), self.grants.get(token)
        if access is not None:
            return self._described_access(token, access)
        if grant is None:
            return {"active": False}
        shown = self._shown(token, grant, "refresh_token")
        return {**shown, "active": not grant.revoked, "app_id": self.app_id}

    def _described_access(self, token: str, access: Access) -> dict[str, Any]:
        left = int((access.until - self.now()).total_seconds())
        return {
            **self._shown(token, access.grant, "access_token"),
            "active": left > 0 and not access.grant.revoked,
            "app_id": self.app_id,
            "expires_in": max(left, 0),
            "is_private_distribution": False,
            "signed_access_token": self._signed(access),
        }

    def _shown(self, token: str, grant: Grant, use: str) -> dict[str, Any]:
        return {
            **USER,
            "token": token,
            "token_use": use,
            "token_type": use.removesuffix("_token"),
            "client_id": self.client_id,
            "hub_id": self.portal_id,
            "scopes": sorted(grant.scopes),
        }

    def _signed(self, access: Access) -> dict[str, Any]:
        texts = "scopeToScopeGroupPks scopes signature newSignature trialScopeToScopeGroupPks trialScopes"
        return {
            **dict.fromkeys(texts.split(), ""),
            "appId": self.app_id,
            "appInstallId": "1",
            "audience": "",
            "expiresAt": int(access.until.timestamp() * 1000),
            "hubId": self.portal_id,
            "hublet": "na1",
            "installingUserId": USER["user_id"],
            "isPrivateDistribution": False,
            "isServiceAccount": False,
            "isUserLevel": False,
            "userId": USER["user_id"],
        }

    def _revoke(self, asked: Mapping[str, str]) -> dict[str, Any]:
        """RFC 7009: a token nobody knows is as revoked as any."""
        self._client(asked)
        token = asked.get("token", "")
        if token in self.grants:
            self.grants[token].revoked = True
        self.access.pop(token, None)
        return {}

    def _access_token(self, asked: Mapping[str, str]) -> dict[str, Any]:
        token = asked["token"]
        self.granted(token)
        shown = self._described_access(token, self.access[token])
        for name in ("active", "token_use", "client_id"):
            del shown[name]
        return shown

    def _refresh_token(self, asked: Mapping[str, str]) -> dict[str, Any]:
        shown = self._shown(asked["token"], self._held(asked), "refresh_token")
        del shown["token_use"]
        return shown

    def _forget(self, asked: Mapping[str, str]) -> None:
        self._held(asked).revoked = True

    def _held(self, asked: Mapping[str, str]) -> Grant:
        grant = self.grants.get(asked["token"])
        if grant is None or grant.revoked:
            raise not_found()
        return grant
