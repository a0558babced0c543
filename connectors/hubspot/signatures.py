"""Proof that a webhook is HubSpot's: signature v3, and the older v1 and v2 where they are enabled."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Sequence

from hub.sdk import AuthFailed, Delivery

WINDOW_MS = 300_000  # HubSpot: refuse a request whose timestamp is more than five minutes away
SIGNATURE = "x-hubspot-signature-v3"
TIMESTAMP = "x-hubspot-request-timestamp"
OLD_SIGNATURE = "x-hubspot-signature"  # of v1 and v2; its version is in a header of its own
OLD_VERSION = "x-hubspot-signature-version"

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


def signed_address(address: str) -> str:
    """The address as HubSpot signs it: twelve escapes decoded once, everything else as it was called."""
    if "%" not in address:
        return address
    return _ESCAPE.sub(lambda found: _DECODED[found[0].upper()], address)


def signature(secret: str, method: str, address: str, body: bytes, timestamp: str) -> str:
    """X-HubSpot-Signature-v3: base64 of HMAC-SHA256 over method, address, raw body and timestamp."""
    signed = f"{method}{signed_address(address)}".encode() + body + timestamp.encode()
    return base64.b64encode(hmac.digest(secret.encode(), signed, "sha256")).decode()


def old_signature(version: str, secret: str, method: str, address: str, body: bytes) -> str:
    """v1: SHA-256 in hex over secret and body; v2: over secret, method, address, body. No time in it."""
    called = f"{method}{address}" if version == "v2" else ""
    return hashlib.sha256(f"{secret}{called}".encode() + body).hexdigest()


def check_signature(
    delivery: Delivery, address: str, secrets: Sequence[str], versions: Sequence[str] = ("v3",)
) -> None:
    """Pass a delivery that one of the secrets signed; v3 within five minutes of its arrival, either side.

    `address` is the target URL as HubSpot calls it. A request that carries v3 is judged by it alone, so that
    nobody can choose a weaker version for it. Raises AuthFailed, which never repeats what was sent.
    """
    if not secrets:
        raise AuthFailed(
            "webhooks are refused: no client secret is set for this connection", code="no_secret"
        )
    if "v3" in versions and (delivery.headers.get(SIGNATURE) or not set(versions) - {"v3"}):
        claimed, sign = _v3(delivery, address)
    else:
        claimed, sign = _older(delivery, address, versions)
    given = claimed.encode("utf-8", "replace")
    matches = [hmac.compare_digest(sign(secret).encode(), given) for secret in secrets]
    if not any(matches):
        raise AuthFailed("the signature does not match; check client secret and target URL", code="forged")


_Sign = Callable[[str], str]


def _v3(delivery: Delivery, address: str) -> tuple[str, _Sign]:
    claimed = delivery.headers.get(SIGNATURE, "")
    timestamp = delivery.headers.get(TIMESTAMP, "")
    if not claimed:
        raise AuthFailed(f"header {SIGNATURE} is missing (v1 and v2 are not accepted)", code="no_signature")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 16):
        raise AuthFailed(f"header {TIMESTAMP} is not a time in milliseconds", code="bad_timestamp")
    if abs(int(delivery.received_at.timestamp() * 1000) - int(timestamp)) > WINDOW_MS:
        raise AuthFailed("the signature is more than 5 minutes away from our clock", code="stale_signature")
    return claimed, lambda secret: signature(secret, delivery.method, address, delivery.body, timestamp)


def _older(delivery: Delivery, address: str, versions: Sequence[str]) -> tuple[str, _Sign]:
    claimed = delivery.headers.get(OLD_SIGNATURE, "")
    version = delivery.headers.get(OLD_VERSION, "v1").lower()
    if not claimed:
        raise AuthFailed(f"header {OLD_SIGNATURE} is missing", code="no_signature")
    if version not in ("v1", "v2") or version not in versions:
        raise AuthFailed("this version of signature is not enabled for the connection", code="old_signature")
    return claimed, lambda secret: old_signature(version, secret, delivery.method, address, delivery.body)
