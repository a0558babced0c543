"""Webhook signatures: HMAC-SHA256 over the body, with or without a timestamp, under one of two keys."""

from __future__ import annotations

import base64
import hmac

from connectors.http.settings import Settings
from hub.sdk import AuthFailed, Delivery

MILLISECONDS_FROM = 10**11  # larger than any time in seconds before the year 5138


class Signature:
    """Checks HMAC-SHA256 signatures as the settings describe them. Keeps the keys, shows none."""

    def __init__(self, settings: Settings) -> None:
        secrets = (settings.secret.get_secret_value(), settings.previous_secret.get_secret_value())
        self._keys = tuple(secret.encode() for secret in secrets if secret)
        self._header = settings.signature_header
        self._prefix = settings.signature_prefix
        self._hex = settings.signature_encoding == "hex"
        self._timestamp = settings.timestamp_header
        self._tolerance = settings.tolerance_seconds

    def check(self, delivery: Delivery) -> None:
        """Raises AuthFailed unless one of the keys signed this delivery, recently where it carries a time."""
        if not self._keys:
            raise AuthFailed("this connection has no secret: set one to receive webhooks")
        sent = delivery.headers.get(self._header, "")
        if not sent.startswith(self._prefix):
            raise AuthFailed(f"the signature in {self._header} does not start as configured")
        signature = sent[len(self._prefix) :].strip().encode("utf-8", "replace")
        signed = self._signed(delivery)
        for key in self._keys:
            if hmac.compare_digest(signature, self._expected(key, signed)):
                break
        else:
            raise AuthFailed(f"the signature in {self._header} is missing or wrong")
        if self._timestamp:
            self._recent(delivery)

    def _signed(self, delivery: Delivery) -> bytes:
        if not self._timestamp:
            return delivery.body
        stamp = delivery.headers.get(self._timestamp, "")
        return stamp.encode("utf-8", "replace") + b"." + delivery.body

    def _expected(self, key: bytes, signed: bytes) -> bytes:
        digest = hmac.digest(key, signed, "sha256")
        return digest.hex().encode() if self._hex else base64.b64encode(digest)

    def _recent(self, delivery: Delivery) -> None:
        stamp = delivery.headers.get(self._timestamp, "").strip()
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 16):
            raise AuthFailed(f"the time in {self._timestamp} is not a number of seconds")
        seconds = int(stamp) // 1000 if int(stamp) >= MILLISECONDS_FROM else int(stamp)
        age = int(delivery.received_at.timestamp()) - seconds
        if abs(age) > self._tolerance:
            raise AuthFailed(f"the webhook is {age} s old, over {self._tolerance} s: check both clocks")
