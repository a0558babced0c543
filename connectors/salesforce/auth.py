"""Logging in: three OAuth flows, one session per connector, and only ever the org that was configured."""

from __future__ import annotations

import base64
import hmac
import json
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from hub.sdk import AuthFailed, RateLimited, SecretStr, Transient, bound_login

TOKEN_PATH = "/services/oauth2/token"  # noqa: S105 - an address, no secret
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION_SECONDS = 120  # Salesforce accepts three minutes; less leaves room for a clock that is ahead
RSA_BITS_MIN = 2048
# Salesforce's own domains: commercial, US government, China ("allow the required domains" page of its help).
DOMAINS = ("salesforce.com", "salesforce.mil", "sfcrmproducts.cn")


@dataclass(frozen=True)
class Grant:
    """What is exchanged for a session; which fields count depends on `kind`."""

    kind: str  # jwt, client_credentials, refresh
    consumer_key: str
    consumer_secret: SecretStr
    username: str
    private_key: SecretStr
    audience: str
    refresh_token: SecretStr


@dataclass(frozen=True)
class Session:
    """One login: the token, where it counts, and whose it is. The token is never printed."""

    token: str = field(repr=False)
    instance_url: str
    org_id: str
    user_id: str
    good_until: float  # monotonic seconds


def load_key(pem: str) -> rsa.RSAPrivateKey:
    """The private key of the app's certificate. Raises ValueError that names the way out, never the key."""
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("private_key is not an unencrypted PEM private key") from None
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < RSA_BITS_MIN:
        raise ValueError(f"private_key must be RSA with at least {RSA_BITS_MIN} bits: Salesforce takes RS256")
    return key


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def assertion(key: rsa.RSAPrivateKey, *, consumer_key: str, username: str, audience: str, now: float) -> str:
    """The signed JWT that is exchanged for a session (RS256); `exp` is in seconds, within three minutes."""
    claims = {"iss": consumer_key, "sub": username, "aud": audience, "exp": int(now) + ASSERTION_SECONDS}
    head = {"alg": "RS256"}
    text = ".".join(_b64(json.dumps(part, separators=(",", ":")).encode()) for part in (head, claims))
    return f"{text}.{_b64(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def same_org(one: str, other: str) -> bool:
    """Are two organization ids the same? The last three of 18 characters only repeat the case of the rest."""
    return len(one) >= 15 and hmac.compare_digest(one[:15].encode(), other[:15].encode())


def trusted(login_url: str, instance_url: str) -> bool:
    """May calls go where the token answer says?

    Only to the address that we logged in at, or by https to a host below the same one of Salesforce's
    domains: whoever can forge a token answer must not choose where our requests go.
    """
    here, there = urlsplit(login_url), urlsplit(instance_url)
    if (there.scheme, there.netloc) == (here.scheme, here.netloc):
        return True
    plain = there.scheme == "https" and there.netloc == there.hostname  # no port, no user
    hosts = (here.hostname or "", there.hostname or "")
    return plain and any(all(host.endswith(f".{domain}") for host in hosts) for domain in DOMAINS)


class Login(httpx.Auth):
    """Puts the session on every request and sends it to the org's own address.

    Requests are built with the login address; the org's address is known only from the token answer.
    One session for all threads; it is renewed before it ends, and once when Salesforce says it has ended.
    """

    def __init__(
        self,
        login_url: str,
        grant: Grant,
        *,
        org_id: str,
        lifetime_seconds: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._url = login_url.rstrip("/")
        self._grant = grant
        self._org_id = org_id
        self._lifetime = lifetime_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._rotated: SecretStr | None = None
        key = grant.private_key.get_secret_value()
        self._key = load_key(key) if grant.kind == "jwt" else None

    @property
    def session(self) -> Session | None:
        """The session in use, if it is still good."""
        session = self._session
        return session if session is not None and time.monotonic() < session.good_until else None

    def secrets(self) -> Sequence[str]:
        """What no text may show."""
        session, rotated = self._session, self._rotated
        kept = (self._grant.consumer_secret, self._grant.refresh_token, *([rotated] if rotated else ()))
        known = [session.token if session is not None else "", *(one.get_secret_value() for one in kept)]
        return [text for text in known if text]

    @property
    def rotates(self) -> bool:
        """Has Salesforce exchanged the refresh token? The new one is lost when this process ends."""
        return self._rotated is not None

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send with a valid session; where it turns out to have ended, once more with a new one."""
        known = self.session
        session = known or (yield from self._fetch(None))
        answer = yield _addressed(request, session)
        if answer.status_code == 401 and known is not None and _ended(answer):
            session = yield from self._fetch(known)
            yield _addressed(request, session)

    def _fetch(self, ended: Session | None) -> Generator[httpx.Request, httpx.Response, Session]:
        # held across the exchange: other threads wait for this session instead of opening their own
        with self._lock:
            known = self.session
            if known is not None and known != ended:
                return known
            answer = yield self._exchange()
            told = _told(answer, self.secrets())
            self._session = self._opened(told)
            return self._session

    def _exchange(self) -> httpx.Request:
        form = self._form()
        kind = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        return httpx.Request("POST", self._url + TOKEN_PATH, headers=kind, content=urlencode(form).encode())

    def _form(self) -> Mapping[str, str]:
        grant = self._grant
        if self._key is not None:
            proof = assertion(
                self._key,
                consumer_key=grant.consumer_key,
                username=grant.username,
                audience=grant.audience,
                now=self._clock(),
            )
            return {"grant_type": JWT_GRANT, "assertion": proof}
        secret = grant.consumer_secret.get_secret_value()
        ours = {"client_id": grant.consumer_key, **({"client_secret": secret} if secret else {})}
        if grant.kind == "client_credentials":
            return {"grant_type": "client_credentials", **ours}
        token = self._rotated or grant.refresh_token
        return {"grant_type": "refresh_token", "refresh_token": token.get_secret_value(), **ours}

    def _opened(self, told: Mapping[str, Any]) -> Session:
        """The session of a token answer. Raises AuthFailed for another org or an untrusted address."""
        _, _, whose = str(told.get("id", "")).partition("/id/")  # https://.../id/<org>/<user>
        org, _, user = whose.strip("/").partition("/")
        if not same_org(org, self._org_id):
            told_org = org or "(not told)"
            text = f"the login is for Salesforce org {told_org}, this connection is for {self._org_id}"
            raise AuthFailed(text, code="other_org", sent=False)
        address = str(told.get("instance_url", "")).rstrip("/")
        if not trusted(self._url, address):
            host = urlsplit(address).hostname
            text = f"the login leads to {host}, which does not belong to {urlsplit(self._url).hostname}"
            raise AuthFailed(text, code="untrusted_instance", sent=False)
        new = str(told.get("refresh_token") or "")
        if self._grant.kind == "refresh" and new and new != self._grant.refresh_token.get_secret_value():
            self._rotated = SecretStr(new)
        until = time.monotonic() + self._lifetime
        return Session(str(told["access_token"]), address, org, user, until)


def _addressed(request: httpx.Request, session: Session) -> httpx.Request:
    """The request, to the org's own address; an address that a vendor's answer gave never leads elsewhere."""
    home = httpx.URL(session.instance_url)
    request.url = request.url.copy_with(scheme=home.scheme, netloc=home.netloc)
    request.headers["host"] = home.netloc.decode("ascii")
    request.headers["authorization"] = f"Bearer {session.token}"
    return request


def _ended(answer: httpx.Response) -> bool:
    """Does this 401 say that the session has ended? Anything else would not get better by a new one."""
    bound_login(answer)
    return b"INVALID_SESSION_ID" in answer.read()


def _told(answer: httpx.Response, secrets: Sequence[str] = ()) -> Mapping[str, Any]:
    """The token answer. Raises AuthFailed, or Transient where Salesforce is away; shows nothing secret."""
    bound_login(answer)
    body = answer.read()
    if answer.status_code == 429:
        raise RateLimited("Salesforce's login is busy", status=429, retry_after=30.0, sent=False)
    if answer.status_code >= 500:
        raise Transient("Salesforce's login failed", status=answer.status_code, sent=False)
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        told = None
    if told is None and answer.is_success:  # something between us and Salesforce answered
        raise Transient("Salesforce's login gave no JSON", code="bad_json", sent=False)
    told = told if isinstance(told, dict) else {}
    if answer.status_code == 200 and told.get("access_token"):
        return told
    reason, why = (str(told.get(name, "")) for name in ("error", "error_description"))
    for secret in secrets:
        reason, why = reason.replace(secret, "***"), why.replace(secret, "***")
    reason, why = reason[:60], why[:200]
    if reason == "login_rate_exceeded":  # documented limit of logins per user and hour
        raise RateLimited(f"too many logins: {why}", code=reason, retry_after=300.0, sent=False)
    because = ": ".join(text for text in (reason, why) if text) or "no reason given"
    raise AuthFailed(
        f"Salesforce gave no session: {because}; {_way_out(why)}",
        code=reason,
        status=answer.status_code,
        sent=False,
    )


def _way_out(why: str) -> str:
    if "approved" in why:
        return "pre-authorise the app for the integration user by a permission set or profile"
    if "expired" in why or "audience" in why:
        return "check base_url, audience (production or sandbox) and this machine's clock"
    return "check consumer key, secret or certificate, user name and whether the user is active"
