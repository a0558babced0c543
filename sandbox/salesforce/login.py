"""The org's OAuth endpoints: JWT bearer, client credentials, refresh, authorization code; and its sessions.

Errors are those of the identity guide ("OAuth 2.0 error codes"): {error, error_description}.
"""

from __future__ import annotations

import base64
import functools
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from sandbox.salesforce.refusals import invalid_session

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
AUDIENCES = ("https://login.salesforce.com", "https://test.salesforce.com")
ASSERTION_MAX = timedelta(minutes=3)
SESSIONS_MAX = 10_000


class Denied(Exception):
    """An OAuth error."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.status, self.body = status, {"error": error, "error_description": description}


@functools.cache
def key_pair() -> tuple[str, str]:
    """(private, public) PEM of the app's certificate; made once per process."""
    key = rsa.generate_private_key(65537, 2048)
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    return private.decode(), key.public_key().public_bytes(serialization.Encoding.PEM, spki).decode()


@dataclass
class Login:
    """One external client app of the org and the sessions it opened."""

    now: Callable[[], datetime]
    org_id: str
    user_id: str
    username: str
    consumer_key: str
    consumer_secret: str
    public_key: str  # PEM, of the certificate uploaded to the app
    refresh_token: str
    audiences: tuple[str, ...] = AUDIENCES
    preauthorised: bool = True  # admin approved users are pre-authorised
    rotating: bool = False  # refresh token rotation
    lifetime: timedelta = timedelta(hours=2)  # the session setting: time without a call
    sessions: dict[str, datetime] = field(default_factory=dict)  # access token -> when it ends
    codes: dict[str, str] = field(default_factory=dict)  # authorization code -> redirect_uri
    issued: int = 0

    def token(self, form: Mapping[str, str], authorization: str, instance_url: str) -> dict[str, Any]:
        """The token endpoint's answer. Raises Denied."""
        grants = {
            JWT_BEARER: self._jwt,
            "client_credentials": self._credentials,
            "refresh_token": self._refresh,
            "authorization_code": self._code,
        }
        kind = form.get("grant_type", "")
        if kind not in grants:
            raise Denied("unsupported_grant_type", "grant type not supported")
        more = grants[kind](form, authorization)
        token, now = self.open(), self.now()
        return {
            "access_token": token,
            "scope": "api refresh_token" if more else "api",
            "instance_url": instance_url,
            "id": f"{instance_url}/id/{self.org_id}/{self.user_id}",
            "token_type": "Bearer",
            "issued_at": str(int(now.timestamp() * 1000)),
            **more,
        }

    def open(self) -> str:
        """A new session; its access token."""
        self.issued += 1
        token = f"{self.org_id[:15]}!{secrets.token_urlsafe(48)}"
        if len(self.sessions) >= SESSIONS_MAX:
            self.sessions.pop(next(iter(self.sessions)))
        self.sessions[token] = self.now() + self.lifetime
        return token

    def admit(self, authorization: str) -> None:
        """Let a call pass and prolong its session, or raise Refused INVALID_SESSION_ID."""
        scheme, _, token = authorization.partition(" ")
        ends = self.sessions.get(token)
        if scheme not in ("Bearer", "OAuth") or ends is None or ends <= self.now():
            self.sessions.pop(token, None)
            raise invalid_session()
        self.sessions[token] = self.now() + self.lifetime

    def _jwt(self, form: Mapping[str, str], _: str) -> dict[str, str]:
        try:
            head64, claims64, signature64 = form.get("assertion", "").split(".")
            head, claims = json.loads(_unb64(head64)), json.loads(_unb64(claims64))
            signature = _unb64(signature64)
        except ValueError:
            raise Denied("invalid_grant", "invalid assertion") from None
        if claims.get("iss") != self.consumer_key:
            raise Denied("invalid_client_id", "client identifier invalid")
        if head.get("alg") != "RS256" or not self._signed(f"{head64}.{claims64}", signature):
            raise Denied("invalid_grant", "invalid assertion")
        if claims.get("aud") not in self.audiences:
            raise Denied("invalid_grant", "audience is invalid")
        self._fresh(claims.get("exp"))
        if claims.get("sub") != self.username:
            raise Denied("invalid_grant", "user hasn't approved this consumer")
        if not self.preauthorised:
            raise Denied("invalid_grant", "user hasn't approved this consumer")
        return {}

    def _fresh(self, expires: Any) -> None:
        """`exp` in seconds, as a number or its digits, at most 3 minutes ahead (identity guide)."""
        if isinstance(expires, bool) or not str(expires).isdigit():
            raise Denied("invalid_grant", "invalid assertion")
        if int(expires) > 253_402_300_799:  # beyond year 9999: milliseconds
            raise Denied("invalid_grant", "expired authorization code")
        ends = datetime.fromtimestamp(int(expires), UTC)
        if not self.now() < ends <= self.now() + ASSERTION_MAX + timedelta(seconds=5):
            raise Denied("invalid_grant", "expired authorization code")

    def _signed(self, text: str, signature: bytes) -> bool:
        key = serialization.load_pem_public_key(self.public_key.encode())
        if not isinstance(key, rsa.RSAPublicKey):
            return False
        try:
            key.verify(signature, text.encode(), padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return False
        return True

    def _credentials(self, form: Mapping[str, str], authorization: str) -> dict[str, str]:
        self._client(form, authorization)
        return {}

    def _refresh(self, form: Mapping[str, str], authorization: str) -> dict[str, str]:
        self._client(form, authorization)
        if not hmac.compare_digest(form.get("refresh_token", "").encode(), self.refresh_token.encode()):
            raise Denied("invalid_grant", "expired access/refresh token")
        if self.rotating:
            self.refresh_token = f"5Aep861{secrets.token_urlsafe(48)}"
            return {"refresh_token": self.refresh_token}
        return {}

    def _code(self, form: Mapping[str, str], authorization: str) -> dict[str, str]:
        self._client(form, authorization)
        redirect = self.codes.pop(form.get("code", ""), None)
        if redirect is None:
            raise Denied("invalid_grant", "invalid authorization code")
        if redirect != form.get("redirect_uri"):
            raise Denied("redirect_uri_mismatch", "redirect_uri must match configuration")
        return {"refresh_token": self.refresh_token}

    def authorise(self, client: str, redirect: str) -> str:
        """A code for the web server flow, as if the user had pressed Allow. Raises Denied."""
        if client != self.consumer_key:
            raise Denied("invalid_client_id", "client identifier invalid")
        code = f"aPrx{secrets.token_urlsafe(32)}"
        self.codes[code] = redirect
        return code

    def _client(self, form: Mapping[str, str], authorization: str) -> None:
        key, secret = form.get("client_id", ""), form.get("client_secret", "")
        if authorization.startswith("Basic "):
            try:
                key, _, secret = base64.b64decode(authorization[6:]).decode().partition(":")
            except ValueError:
                raise Denied("invalid_client", "invalid client credentials") from None
            key, secret = unquote(key), unquote(secret)
        if key != self.consumer_key:
            raise Denied("invalid_client_id", "client identifier invalid")
        if not hmac.compare_digest(secret.encode(), self.consumer_secret.encode()):
            raise Denied("invalid_client", "invalid client credentials")


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
