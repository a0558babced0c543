"""What HubSpot's answers mean: its error envelope, its three rate limits, its partly failed batches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hub.sdk import (
    AuthFailed,
    ConnectorError,
    RateLimited,
    Record,
    Rejected,
    Reply,
    Transient,
    retry_after,
    verdict,
)

# Seconds to stay away per policyName: the official client waits 1 s and 10 s; DAILY ends at midnight of the
# account's time zone, which we do not know here, so it is asked again every hour.
_WAIT_SECONDS = {"SECONDLY": 1.0, "TEN_SECONDLY_ROLLING": 10.0, "DAILY": 3600.0}
_LOCKED_SECONDS = 2.0  # HubSpot's usage guidelines: wait at least two seconds after a 423
_SCOPES = ("MISSING_SCOPES", "INVALID_AUTHENTICATION", "EXPIRED_AUTHENTICATION")


def trouble(reply: Reply) -> ConnectorError | None:
    """The error an answer stands for, in HubSpot's words (`Error` of every specification); None for a 2xx."""
    if reply.ok:
        return None
    envelope = _envelope(reply)
    text, code = _message(envelope), _code(envelope)
    request_id = str(envelope.get("correlationId") or reply.headers.get("x-hubspot-correlation-id", ""))
    if reply.status == 429:
        asked_wait = retry_after(reply.headers) or 0.0
        wait = (
            max(_WAIT_SECONDS.get(_policy(envelope), 0.0), asked_wait)
            or _WAIT_SECONDS["TEN_SECONDLY_ROLLING"]
        )
        return RateLimited(
            text or "rate limit",
            code=_policy(envelope) or code,
            status=429,
            request_id=request_id,
            retry_after=wait,
            sent=False,
        )
    if reply.status == 477:  # the account is moving to another data centre, which takes up to a day
        wait = retry_after(reply.headers) or 3600.0
        return RateLimited(
            text or "account is being migrated", code=code, status=477, retry_after=wait, sent=False
        )
    if reply.status == 423:
        wait = max(_LOCKED_SECONDS, retry_after(reply.headers) or 0.0)
        return Transient(
            text or "locked", code=code, status=423, request_id=request_id, retry_after=wait, sent=False
        )
    scopes = envelope.get("category") in _SCOPES or missing_scopes(envelope)
    if reply.status == 403 and (scopes or not envelope):  # no envelope: a firewall before HubSpot
        return AuthFailed(text or "forbidden", code=code, status=403, request_id=request_id)
    return verdict(reply, text, code=code, request_id=request_id)


def _envelope(reply: Reply) -> Mapping[str, Any]:
    try:
        answer = reply.json()
    except Transient:  # a proxy's HTML page: the status alone has to do
        return {}
    return answer if isinstance(answer, dict) else {}


def _code(envelope: Mapping[str, Any]) -> str:
    named = (envelope.get("subCategory"), envelope.get("category"), envelope.get("errorType"))
    return next((str(name) for name in named if name and isinstance(name, str)), "")


def _policy(envelope: Mapping[str, Any]) -> str:
    """policyName, or the policy that the message tells of: older answers carry no name."""
    named = str(envelope.get("policyName") or "").upper()
    if named:
        return named
    told = str(envelope.get("message") or "").lower()
    return next((name for name in reversed(_WAIT_SECONDS) if name.lower() in told), "")


def _message(envelope: Mapping[str, Any]) -> str:
    """The message, then what `errors` adds: one entry per property, or the scopes that are missing."""
    details = [entry for entry in _entries(envelope) if entry not in str(envelope.get("message", ""))]
    return "; ".join([text for text in (str(envelope.get("message") or ""), *details) if text])


def _entries(envelope: Mapping[str, Any]) -> Iterable[str]:
    errors = envelope.get("errors")
    for entry in errors if isinstance(errors, list) else ():
        if isinstance(entry, dict):
            where = str(entry.get("in") or "")
            yield f"{where}: {entry.get('message', '')}" if where else str(entry.get("message", ""))
    scopes = missing_scopes(envelope)
    if scopes:
        yield "scopes: " + ", ".join(scopes)


def missing_scopes(envelope: Mapping[str, Any]) -> Sequence[str]:
    """Scopes a 403 asks for: `missingScopes` by the spec, `requiredGranularScopes` in practice."""
    errors = envelope.get("errors")
    holders = [envelope, *(errors if isinstance(errors, list) else ())]
    contexts = [holder.get("context") for holder in holders if isinstance(holder, dict)]
    named = [
        str(scope)
        for context in contexts
        if isinstance(context, dict)
        for key in ("missingScopes", "requiredGranularScopes", "requiredScopes")
        for scope in context.get(key) or ()
    ]
    return tuple(dict.fromkeys(named))


def batch_trouble(answer: Record) -> ConnectorError | None:
    """What went wrong inside a batch answer (200 or 207); objects that do not exist are no trouble."""
    for entry in answer.get("errors") or ():
        if entry.get("category") != "OBJECT_NOT_FOUND":
            kind = Rejected if entry.get("category") == "VALIDATION_ERROR" else Transient
            return kind(_message(entry) or "part of a batch failed", code=_code(entry), status=207)
    return None
