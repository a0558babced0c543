"""Answers kept under the caller's Idempotency-Key for a day, errors of the server included."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import NamedTuple

from starlette.responses import Response

from sandbox.stripe.clock import DAY
from sandbox.stripe.refusals import Refused, invalid

KEPT = DAY
KEY_MAX = 255


@dataclass
class Kept:
    """What a key was first used for, and the answer once there is one."""

    path: str
    print_: bytes
    since: int
    request_id: str
    status: int = 0
    body: bytes = b""


class Use(NamedTuple):
    """A key used by a request of an account."""

    account: str
    key: str
    request: str


@dataclass
class Answers:
    """By account and key."""

    kept: dict[tuple[str, str], Kept] = field(default_factory=dict)
    replays: int = 0

    def begin(self, use: Use, path: str, body: bytes, now: int) -> Response | None:
        """The stored answer to send again, or None after marking the key as in use. Raises Refused."""
        if len(use.key) > KEY_MAX:
            raise invalid(f"Idempotency keys can be at most {KEY_MAX} characters long.")
        self._prune(now)
        known = self.kept.get(use[:2])
        print_ = hashlib.sha256(body).digest()
        if known is None:
            self.kept[use[:2]] = Kept(path, print_, now, use.request)
            return None
        _same(known, use.key, path, print_)
        self.replays += 1
        headers = {
            "idempotency-key": use.key, "idempotent-replayed": "true", "original-request": known.request_id
        }  # fmt: skip
        return Response(known.body, known.status, headers, media_type="application/json")

    def finish(self, use: Use, status: int, body: bytes) -> None:
        """Keep the answer."""
        known = self.kept[use[:2]]
        known.status, known.body = status, body

    def forget(self, use: Use) -> None:
        """Nothing was carried out: the key is free again."""
        self.kept.pop(use[:2], None)

    def _prune(self, now: int) -> None:
        while self.kept:
            oldest = next(iter(self.kept))
            if self.kept[oldest].since + KEPT > now:
                return
            del self.kept[oldest]


def _same(known: Kept, key: str, path: str, print_: bytes) -> None:
    other = f"Try using a key other than '{key}' if you meant to execute a different request."
    if known.path != path:
        told = (
            "Keys for idempotent requests can only be used for the same endpoint they were first used for "
            f"('{known.path}' vs '{path}'). {other}"
        )
        raise Refused(400, told, type="idempotency_error", kept=False)
    if known.print_ != print_:
        told = (
            "Keys for idempotent requests can only be used with the same parameters they were first "
            f"used with. {other}"
        )
        raise Refused(400, told, type="idempotency_error", kept=False)
    if not known.status:
        told = (
            "There is currently another in-progress request using this Idempotent Key (that probably means "
            f"you submitted twice, and the other request is still going through): {key}."
        )
        raise Refused(409, told, code="idempotency_key_in_use", type="idempotency_error", kept=False)
