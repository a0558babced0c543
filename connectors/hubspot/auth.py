"""Proof of identity both ways: the bearer token we send, and the v3 signature HubSpot's webhooks carry."""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Generator, Sequence

import httpx

from hub.sdk import AuthFailed, Delivery, SecretStr

WINDOW_MS = 300_000  # HubSpot: refuse a request whose timestamp is more than five minutes away
SIGNATURE = "x-hubspot-signature-v3"
TIMESTAMP = "x-hubspot-request-timestamp"

# HubSpot signs the address with exactly these twelve escapes decoded ("validate requests" page of its docs).
_DECODED = {
    "%3A": ":",
    "%2F": "/",
    "%3F": "?",
    "%40": "@",
    "%21": "!",
    "%24": "$",
    "%27": "'",
    "%28": "(",
    "%29": ")",
    "%2A": "*",
    "%2C": ",",
    "%3B": ";",
}
_ESCAPE = re.compile("|".join(_DECODED), re.IGNORECASE)


class Bearer(httpx.Auth):
    """The static token of a service key or of an app with static auth. Never printed."""

    def __init__(self, token: SecretStr) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Put the token on the request; a 401 is an answer, since a static token cannot be refreshed."""
        request.headers["authorization"] = f"Bearer {self._token.get_secret_value()}"
        yield request


def signed_address(address: str) -> str:
    """The address as HubSpot signs it: twelve escapes decoded once, everything else as it was called."""
    if "%" not in address:
        return address
    return _ESCAPE.sub(lambda found: _DECODED[found[0].upper()], address)


def signature(secret: str, method: str, address: str, body: bytes, timestamp: str) -> str:
    """X-HubSpot-Signature-v3: base64 of HMAC-SHA256 over method, address, raw body and timestamp."""
    signed = f"{method}{signed_address(address)}".encode() + body + timestamp.encode()
    return base64.b64encode(hmac.digest(secret.encode(), signed, "sha256")).decode()


def check_signature(delivery: Delivery, address: str, secrets: Sequence[str]) -> None:
    """Pass a delivery that one of the secrets signed within five minutes of its arrival, either side.

    `address` is the target URL as HubSpot calls it. Raises AuthFailed, which never repeats what was sent.
    """
    if not secrets:
        raise AuthFailed(
            "webhooks are refused: no client secret is set for this connection", code="no_secret"
        )
    claimed = delivery.headers.get(SIGNATURE, "")
    timestamp = delivery.headers.get(TIMESTAMP, "")
    if not claimed:
        raise AuthFailed(f"header {SIGNATURE} is missing (v1 and v2 are not accepted)", code="no_signature")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 16):
        raise AuthFailed(f"header {TIMESTAMP} is not a time in milliseconds", code="bad_timestamp")
    if abs(int(delivery.received_at.timestamp() * 1000) - int(timestamp)) > WINDOW_MS:
        raise AuthFailed("the signature is more than 5 minutes away from our clock", code="stale_signature")
    given = claimed.encode("utf-8", "replace")
    matches = [
        hmac.compare_digest(
            signature(secret, delivery.method, address, delivery.body, timestamp).encode(), given
        )
        for secret in secrets
    ]
    if not any(matches):
        raise AuthFailed("the signature does not match; check client secret and target URL", code="forged")
