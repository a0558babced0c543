"""How a request proves who we are: a static bearer token, or OAuth with a refresh token."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import httpx

from hub.sdk import AuthFailed, RateLimited, SecretStr, Transient, bound_login

EARLY_SECONDS = 300  # before expiry: HubSpot's usage guidelines want a refresh before a 401, not after it
LIFE_SECONDS = 1800  # of an access token where the answer does not tell
DAY_SECONDS = 86_400
# What the token endpoint says of a grant that is gone: the documented code, and the one of older versions.
_REVOKED = ("invalid_grant", "BAD_REFRESH_TOKEN")


class Bearer(httpx.Auth):
    """The static token of a service key or of an app with static auth. Never printed."""

    def __init__(self, token: SecretStr) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Put the token on the request; a 401 is an answer, since a static token cannot be refreshed."""
        request.headers["authorization"] = f"Bearer {self._token.get_secret_value()}"
        yield request

    def secrets(self) -> Sequence[str]:
        """What no text may show."""
        return (self._token.get_secret_value(),)


class Refreshing(httpx.Auth):
    """OAuth access tokens, each fetched once for all threads, before the last one ends. Never printed."""

    def __init__(
        self,
        *,
        url: str,
        client_id: str,
        client_secret: SecretStr,
        refresh_token: SecretStr,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url, self._client_id = url, client_id
        self._client_secret, self._refresh_token = client_secret, refresh_token
        self._clock = clock
        self._lock = threading.Lock()
        self._token = SecretStr("")
        self._good_until = 0.0

    def secrets(self) -> Sequence[str]:
        """What no text may show."""
        kept = (self._token, self._refresh_token, self._client_secret)
        return [text for secret in kept if (text := secret.get_secret_value())]

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send with a valid token. A 401 on a remembered token is tried once with a new one.

        A 401 on a token that was just fetched stays an answer: the caller makes AuthFailed of it.
        """
        known = self._valid()
        request.headers["authorization"] = f"Bearer {known or (yield from self._fetch(request, ''))}"
        answer = yield request
        if answer.status_code == 401 and known:
            request.headers["authorization"] = f"Bearer {(yield from self._fetch(request, known))}"
            yield request

    def _valid(self) -> str:
        return self._token.get_secret_value() if self._clock() < self._good_until else ""

    def _fetch(self, request: httpx.Request, refused: str) -> Generator[httpx.Request, httpx.Response, str]:
        # held across the exchange: other threads wait for this token instead of fetching their own
        with self._lock:
            known = self._valid()
            if known and known != refused:
                return known
            asked_at = self._clock()
            answer = yield self._exchange(request)
            told = _told(answer)
            life = _life(told.get("expires_in"))
            self._token = SecretStr(str(told["access_token"]))
            self._good_until = asked_at + life - min(EARLY_SECONDS, life // 2)
            if told.get("refresh_token"):  # HubSpot does not rotate it so far
                self._refresh_token = SecretStr(str(told["refresh_token"]))
            return self._token.get_secret_value()

    def _exchange(self, request: httpx.Request) -> httpx.Request:
        form = {
            "grant_type": "refresh_token",
            "client_id": self._client_id,
            "client_secret": self._client_secret.get_secret_value(),
            "refresh_token": self._refresh_token.get_secret_value(),
        }
        kind = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        limits = {"timeout": request.extensions.get("timeout", {})}
        content = urlencode(form).encode()
        return httpx.Request("POST", self._url, headers=kind, content=content, extensions=limits)


def _told(answer: httpx.Response) -> Mapping[str, Any]:
    """The answer of the token endpoint. Raises AuthFailed for a refusal, in words that repeat no secret."""
    bound_login(answer)
    body, status = answer.read(), answer.status_code
    if status == 429:
        raise RateLimited("HubSpot's token endpoint is busy", status=429, retry_after=10, sent=False)
    if status >= 500 or status == 423:
        raise Transient("HubSpot's token endpoint failed", status=status, sent=False)
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        told = None
    facts = told if isinstance(told, dict) else {}
    if status == 200 and facts.get("access_token"):
        return facts
    if 200 <= status < 300 and told is None:  # something between us and HubSpot answered
        raise Transient("HubSpot's token endpoint gave no JSON", status=status, code="bad_json", sent=False)
    code = _code(facts)
    if code in _REVOKED:
        text = (
            "HubSpot says that access was taken back (the app was uninstalled or its grant revoked): connect "
            "the account again and enter the new refresh_token"
        )
    else:
        text = "HubSpot gave no access token; check client_id, client_secret and refresh_token"
    raise AuthFailed(text, code=code, status=status, sent=False)


def _life(told: Any) -> int:
    """Seconds that a token lives. What is no sensible number counts as not told."""
    text = str(told)
    return (
        int(text) if text.isascii() and text.isdigit() and 0 < int(text[:9]) <= DAY_SECONDS else LIFE_SECONDS
    )


def _code(facts: Mapping[str, Any]) -> str:
    """`error` in OAuth's own words, or `status` of HubSpot's older body; nothing else is repeated."""
    named = [str(facts.get(name) or "") for name in ("error", "status", "category", "subCategory")]
    revoked = next((name for name in named if name in _REVOKED), "")
    return revoked or next((name for name in named if name.isidentifier()), "")
