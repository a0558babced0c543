"""What Stripe's answers mean: its error envelope, in which one status stands for several things."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from hub.sdk import (
    AuthFailed,
    ConnectorError,
    RateLimited,
    Rejected,
    Reply,
    Transient,
    retry_after,
    verdict,
)

REPLAYED = "replayed"  # the stored answer of an earlier call with the same key, which was a failure
OTHER_BODY = "idempotency_error"  # the key was used with another body
MISSING = "resource_missing"
LOCKED_SECONDS = 2.0  # how long another request may hold an object or a key (docs, "object lock timeouts")


def trouble(reply: Reply) -> ConnectorError | None:
    """The error an answer stands for, in Stripe's words (API reference, "Errors"); None for a 2xx."""
    if reply.ok:
        return None
    error = _envelope(reply)
    text, code = _message(error), str(error.get("code") or error.get("type") or "")
    request_id = reply.headers.get("request-id", "")
    known = _particular(reply, str(error.get("type") or ""), str(error.get("code") or ""))
    if known is None:
        return verdict(reply, text, code=code, request_id=request_id)
    wait = retry_after(reply.headers)
    return known.kind(
        text or f"HTTP {reply.status}", code=known.code or code, status=reply.status, request_id=request_id,
        retry_after=known.wait if wait is None else wait, sent=known.sent,
    )  # fmt: skip


class _Meaning(NamedTuple):
    """An error that a status alone does not tell. `sent`: may it have been done?"""

    kind: type[ConnectorError]
    code: str = ""
    wait: float | None = None
    sent: bool = True


def _particular(reply: Reply, kind: str, code: str) -> _Meaning | None:
    """What Stripe means by a status beyond what everybody means by it."""
    status = reply.status
    again = reply.headers.get("stripe-should-retry") == "true"
    found: Sequence[tuple[bool, _Meaning]] = (
        (status >= 500 and is_replay(reply), _Meaning(Transient, REPLAYED)),
        # with 429, in older versions 400: another request holds the object, and nothing was done
        (code == "lock_timeout", _Meaning(Transient, wait=LOCKED_SECONDS, sent=False)),
        (
            status == 429 or kind == "rate_limit_error",
            _Meaning(RateLimited, _limit(reply, code), 2, sent=False),
        ),
        # the first call with this key is still at work
        (code == "idempotency_key_in_use", _Meaning(Transient, wait=LOCKED_SECONDS)),
        (kind == OTHER_BODY, _Meaning(Rejected, OTHER_BODY, sent=False)),
        # a restricted key without the permission, or an account that is not ours
        (status == 403, _Meaning(AuthFailed, code or "permission", sent=False)),
        (status in (408, 424) or (again and status in (400, 402, 409)), _Meaning(Transient)),
    )
    return next((meaning for holds, meaning in found if holds), None)


def _limit(reply: Reply, code: str) -> str:
    return reply.headers.get("stripe-rate-limited-reason", "") or code or "rate_limit"


def is_replay(reply: Reply) -> bool:
    """Is this the stored answer of an earlier call with the same Idempotency-Key?"""
    return reply.headers.get("idempotent-replayed", "").lower() == "true"


def _envelope(reply: Reply) -> Mapping[str, Any]:
    try:
        answer = reply.json()
    except Transient:  # a proxy's HTML page: the status alone has to do
        return {}
    error = answer.get("error") if isinstance(answer, dict) else None
    return error if isinstance(error, dict) else {}


def _message(error: Mapping[str, Any]) -> str:
    """The message, with the parameter it is about and the bank's reason where one declined."""
    text = str(error.get("message") or "")
    told = {"parameter": error.get("param"), "declined": error.get("decline_code")}
    more = "; ".join(f"{name} {value}" for name, value in told.items() if value)
    return f"{text} [{more}]" if text and more else text
