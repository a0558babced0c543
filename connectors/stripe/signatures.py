"""Proof that a webhook is Stripe's: HMAC-SHA256 over its time and its raw body."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from hub.sdk import AuthFailed, Delivery

HEADER = "stripe-signature"
TOLERANCE = 300  # seconds, as in Stripe's own libraries; here on both sides of our clock
_HEADER_MAX = 4096


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Scheme v1: hex of HMAC-SHA256 over `timestamp.body`, the key being the whole `whsec_...` text."""
    return hmac.digest(secret.encode(), f"{timestamp}.".encode() + body, "sha256").hex()


def check_signature(delivery: Delivery, secrets: Sequence[str]) -> None:
    """Pass a delivery that one of the secrets signed within five minutes of its arrival.

    The header may carry several v1 (one for each secret while it is rotated); other schemes do not count. The
    age is judged after the signature, as Stripe's libraries do. Raises AuthFailed.
    """
    if not secrets or not all(secrets):
        raise AuthFailed(
            "webhooks are refused: no signing secret is set for this connection", code="no_secret"
        )
    timestamp, claimed = _parts(delivery.headers.get(HEADER, ""))
    expected = [signature(secret, timestamp, delivery.body).encode() for secret in secrets]
    matches = [hmac.compare_digest(mine, theirs) for mine in expected for theirs in claimed]
    if not any(matches):
        raise AuthFailed(
            "the signature does not match; check the signing secret of the endpoint", code="forged"
        )
    if abs(int(delivery.received_at.timestamp()) - int(timestamp)) > TOLERANCE:
        raise AuthFailed("the signature is more than 5 minutes away from our clock", code="stale_signature")


def _parts(header: str) -> tuple[str, list[bytes]]:
    if not header:
        raise AuthFailed(f"header {HEADER} is missing", code="no_signature")
    named = [part.strip().partition("=") for part in header[:_HEADER_MAX].split(",")]
    times = [value for name, _, value in named if name == "t"]
    claimed = [value.encode("utf-8", "replace") for name, _, value in named if name == "v1"]
    if len(times) != 1 or not (times[0].isascii() and times[0].isdigit() and len(times[0]) <= 12):
        raise AuthFailed(f"header {HEADER} has no time in seconds", code="bad_timestamp")
    if not claimed:
        raise AuthFailed(f"header {HEADER} has no signature of scheme v1", code="no_signature")
    return times[0], claimed
