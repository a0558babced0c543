"""Who may call: secret and restricted keys, connected accounts, and rate limits."""

from __future__ import annotations

import base64
import binascii
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.requests import Request

from sandbox.stripe.account import Account, World
from sandbox.stripe.calls import Op
from sandbox.stripe.refusals import Refused, rate_limited

REALM = {"www-authenticate": 'Bearer realm="Stripe"'}
_RIGHTS = ("none", "read", "write")


@dataclass
class Key:
    """An API key. `rights` by resource, for restricted keys; None: everything."""

    value: str
    rights: dict[str, str] | None = None
    expires: int | None = None


@dataclass
class Gate:
    """Keys of the platform and its limits. Limits hold once `per_second` is set."""

    world: World
    platform: Account
    monotonic: Callable[[], float]
    keys: dict[str, Key] = field(default_factory=dict)
    per_second: int = 0
    calls: deque[float] = field(default_factory=lambda: deque(maxlen=10_000))

    def enter(self, request: Request, op: Op) -> tuple[Account, Key]:
        """The account a call is about. Raises Refused 401, 403 or 429."""
        key = self._key(_sent(request))
        account = self._account(request, key)
        self._limit()
        self._allow(key, op, account)
        return account, key

    def _key(self, sent: str) -> Key:
        if not sent:
            told = (
                "You did not provide an API key. You need to provide your API key in the Authorization "
                "header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
            )
            raise Refused(401, told, kept=False, headers=REALM)
        key = self.keys.get(sent)
        if key is None:
            raise Refused(401, f"Invalid API Key provided: {masked(sent)}", kept=False, headers=REALM)
        if key.expires is not None and key.expires <= self.world.clock():
            told = f"Expired API Key provided: {masked(sent)}"
            raise Refused(401, told, code="api_key_expired", kept=False, headers=REALM)
        return key

    def _account(self, request: Request, key: Key) -> Account:
        wanted = (
            request.headers.get("stripe-account") or request.headers.get("stripe-context") or self.platform.id
        )
        found = self.world.accounts.get(wanted)
        if found is None:
            told = (
                f"The provided key '{masked(key.value)}' does not have access to account '{wanted[:40]}' "
                "(or that account does not exist). Application access may have been revoked."
            )
            raise Refused(403, told, code="account_invalid", kept=False)
        return found

    def _limit(self) -> None:
        now = self.monotonic()
        while self.calls and self.calls[0] <= now - 1:
            self.calls.popleft()
        if self.per_second and len(self.calls) >= self.per_second:
            raise rate_limited("global-rate")
        self.calls.append(now)

    def _allow(self, key: Key, op: Op, account: Account) -> None:
        if key.rights is None:
            return
        wanted = "read" if op.method == "GET" else "write"
        has = key.rights.get(op.resource, "none")
        if _RIGHTS.index(has) < _RIGHTS.index(wanted):
            told = (
                f"The provided key '{masked(key.value)}' does not have the required permissions for this "
                f"endpoint on account '{account.id}'. Having the 'rak_{op.resource}_{wanted}' permission "
                "would allow this request to continue."
            )
            raise Refused(403, told, kept=False)


def _sent(request: Request) -> str:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""


def masked(key: str) -> str:
    """A key as errors show it."""
    return f"{key[:8]}{'*' * max(len(key) - 12, 4)}{key[-4:] if len(key) > 12 else ''}"
