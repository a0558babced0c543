"""How a request proves who we are: token-based authentication or OAuth 2.0 with a certificate."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable, Generator, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import httpx
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from hub.sdk import AuthFailed, RateLimited, SecretStr, Transient, bound_login

GRANT_PATH = "/services/rest/auth/oauth2/v1/token"
ASSERTION_SECONDS = 300  # NetSuite allows 3600; a shorter life limits replay
REFRESH_EARLY = 120.0  # seconds before expiry at which a new token is fetched
RSA_BITS_MIN = 3072  # "OAuth 2.0 Client Credentials Setup": RSA keys of 3072 or 4096 bits, or EC
_CURVES: Mapping[str, tuple[str, hashes.HashAlgorithm, int]] = {
    "secp256r1": ("ES256", hashes.SHA256(), 32),
    "secp384r1": ("ES384", hashes.SHA384(), 48),
    "secp521r1": ("ES512", hashes.SHA512(), 66),
}

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def host_label(account_id: str) -> str:
    """`123456_SB1` -> `123456-sb1`: how an account id is spelled in host names."""
    return account_id.lower().replace("_", "-")


def realm(account_id: str) -> str:
    """`123456-sb1` -> `123456_SB1`: how an account id is spelled in the OAuth realm."""
    return account_id.upper().replace("-", "_")


def _escape(text: str) -> str:
    return quote(text, safe="-._~")  # RFC 5849 3.6


def base_string(method: str, url: httpx.URL, oauth: Mapping[str, str]) -> str:
    """RFC 5849 3.4.1; the query counts as parameters, the realm does not."""
    path = url.raw_path.decode("ascii").split("?", 1)[0]
    pairs = [*oauth.items(), *parse_qsl(url.query.decode("ascii"), keep_blank_values=True)]
    normal = "&".join(f"{k}={v}" for k, v in sorted((_escape(k), _escape(v)) for k, v in pairs))
    origin = f"{url.scheme}://{url.netloc.decode('ascii')}{path}"
    return "&".join((method.upper(), _escape(origin), _escape(normal)))


def signature(text: str, consumer_secret: str, token_secret: str) -> str:
    """HMAC-SHA256 in base64, the only method NetSuite accepts since 2023.1."""
    key = f"{_escape(consumer_secret)}&{_escape(token_secret)}".encode()
    return base64.b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).decode()


class TbaAuth(httpx.Auth):
    """OAuth 1.0a with a token. Every attempt gets its own nonce, since NetSuite consumes each one."""

    def __init__(
        self,
        *,
        account_id: str,
        consumer_key: str,
        consumer_secret: SecretStr,
        token_id: str,
        token_secret: SecretStr,
        clock: Callable[[], float] = time.time,
        nonce: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        self._realm = realm(account_id)
        self._ids = {"oauth_consumer_key": consumer_key, "oauth_token": token_id}
        self._secrets = (consumer_secret, token_secret)
        self._clock, self._nonce = clock, nonce

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign and send; httpx calls this anew for each attempt."""
        request.headers["authorization"] = self.header(request.method, request.url)
        yield request

    def header(self, method: str, url: httpx.URL) -> str:
        """The Authorization header for one request."""
        oauth = {
            **self._ids,
            "oauth_nonce": self._nonce(),
            "oauth_signature_method": "HMAC-SHA256",
            "oauth_timestamp": str(int(self._clock())),
            "oauth_version": "1.0",
        }
        plain = (secret.get_secret_value() for secret in self._secrets)
        oauth["oauth_signature"] = signature(base_string(method, url, oauth), *plain)
        told = ",".join(f'{k}="{_escape(v)}"' for k, v in {"realm": self._realm, **oauth}.items())
        return f"OAuth {told}"


def load_key(pem: str) -> PrivateKey:
    """The private key of a certificate. Raises ValueError that names the way out, never the key."""
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("private_key is not an unencrypted PEM private key") from None
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= RSA_BITS_MIN:
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _CURVES:
        return key
    raise ValueError(
        f"private_key must be RSA with at least {RSA_BITS_MIN} bits, or EC P-256, P-384 or P-521"
    )


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _sign(key: PrivateKey, text: bytes) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
        return key.sign(text, pss, hashes.SHA256())
    _, digest, size = _CURVES[key.curve.name]
    r, s = decode_dss_signature(key.sign(text, ec.ECDSA(digest)))
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")  # RFC 7518 3.4: not the DER form


def assertion(key: PrivateKey, *, client_id: str, certificate_id: str, audience: str, now: float) -> str:
    """The signed JWT that is exchanged for an access token: PS256, or ES256 and larger (RS256 is refused)."""
    alg = "PS256" if isinstance(key, rsa.RSAPrivateKey) else _CURVES[key.curve.name][0]
    head = {"typ": "JWT", "alg": alg, "kid": certificate_id}
    claims = {
        "iss": client_id,
        "scope": ["rest_webservices"],
        "aud": audience,
        "iat": int(now),
        "exp": int(now) + ASSERTION_SECONDS,
    }
    text = ".".join(_b64(json.dumps(part, separators=(",", ":")).encode()) for part in (head, claims))
    return f"{text}.{_b64(_sign(key, text.encode()))}"


class M2mAuth(httpx.Auth):
    """OAuth 2.0 client credentials. One access token per instance, fetched once for all threads."""

    def __init__(
        self,
        *,
        base_url: str,
        client_id: str,
        certificate_id: str,
        private_key: SecretStr,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._url = base_url.rstrip("/") + GRANT_PATH
        self._client_id, self._certificate_id = client_id, certificate_id
        self._key = load_key(private_key.get_secret_value())
        self._clock = clock
        self._lock = threading.Lock()
        self._token = ""
        self._good_until = 0.0

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send with a valid token; a 401 on a token from the cache is tried once with a new one."""
        cached = self._valid()
        token = cached or (yield from self._fetch(""))
        request.headers["authorization"] = f"Bearer {token}"
        answer = yield request
        if answer.status_code == 401 and cached:
            bound_login(answer)
            token = yield from self._fetch(cached)
            request.headers["authorization"] = f"Bearer {token}"
            yield request

    def _valid(self) -> str:
        return self._token if self._clock() < self._good_until else ""

    def _fetch(self, refused: str) -> Generator[httpx.Request, httpx.Response, str]:
        # held across the exchange: other threads wait for this token instead of fetching their own
        with self._lock:
            known = self._valid()
            if known and known != refused:
                return known
            now = self._clock()
            answer = yield self._exchange(now)
            told = _told(answer)
            self._token = str(told["access_token"])
            self._good_until = now + max(float(told.get("expires_in", 3600)) - REFRESH_EARLY, 0.0)
            return self._token

    def _exchange(self, now: float) -> httpx.Request:
        jwt = assertion(
            self._key,
            client_id=self._client_id,
            certificate_id=self._certificate_id,
            audience=self._url,
            now=now,
        )
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": jwt,
        }
        kind = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        return httpx.Request("POST", self._url, headers=kind, content=urlencode(form).encode())


def _told(answer: httpx.Response) -> Mapping[str, Any]:
    bound_login(answer)
    body = answer.read()
    if answer.status_code == 429:
        raise RateLimited("the token endpoint is busy", status=429, retry_after=2.0, sent=False)
    if answer.status_code >= 500:
        raise Transient("the token endpoint failed", status=answer.status_code, sent=False)
    try:
        told = json.loads(body)
    except ValueError:
        told = {}
    if answer.status_code == 200 and isinstance(told, dict) and told.get("access_token"):
        return told
    reason = str(told.get("error", "")) if isinstance(told, dict) else ""
    raise AuthFailed(
        f"NetSuite gave no access token: {reason or 'no reason given'}; check client_id, certificate_id, "
        "private_key, and that the certificate is mapped to a user and role in this very account",
        code=reason,
        status=answer.status_code,
        sent=False,
    )
