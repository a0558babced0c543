"""What HubSpot's answers mean: its error envelope, its three rate limits, its partly failed batches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from hub.sdk import (
    AuthFailed,
    Conflict,
    ConnectorError,
    QuotaSpent,
    RateLimited,
    Record,
    Rejected,
    Reply,
    Transient,
    retry_after,
    verdict,
)

# Seconds to stay away per policyName: the official client waits 1 s and 10 s.
_WAIT_SECONDS = {"SECONDLY": 1.0, "TEN_SECONDLY_ROLLING": 10.0}
_POLICIES = ("DAILY", "TEN_SECONDLY_ROLLING", "SECONDLY")  # the longer name before the one inside it
_MIDNIGHT_SECONDS = 300  # how far HubSpot's midnight and ours may be apart
_UNKNOWN_MIDNIGHT = 3600  # midnights are at full or half hours: never a day too long
_LOCKED_SECONDS = 2.0  # HubSpot's usage guidelines: wait at least two seconds after a 423
_MIGRATION_WAIT = 3600.0
_ENTRIES: Mapping[str, type[ConnectorError]] = {  # category of one entry of `errors`; any other may pass
    **dict.fromkeys(("VALIDATION_ERROR", "OBJECT_NOT_FOUND"), Rejected),
    "CONFLICT": Conflict,
    "MISSING_SCOPES": AuthFailed,
}
_SCOPES = ("MISSING_SCOPES", "INVALID_AUTHENTICATION", "EXPIRED_AUTHENTICATION")


def trouble(reply: Reply, zone: tzinfo | None = UTC, now: datetime | None = None) -> ConnectorError | None:
    """The error an answer stands for, in HubSpot's words (`Error` of every specification); None for a 2xx.

    `zone` is the account's: the daily allowance is renewed at midnight there. None: not known.
    """
    if reply.ok:
        return None
    envelope = _envelope(reply)
    text, code = _message(envelope), _code(envelope)
    request_id = str(envelope.get("correlationId") or reply.headers.get("x-hubspot-correlation-id", ""))
    if reply.status == 429:
        rest = until_midnight(now or datetime.now(UTC), zone) if zone else _UNKNOWN_MIDNIGHT
        return _limited(reply, envelope, request_id, rest)
    if reply.status == 477:  # the account is moving to another data centre, which takes up to a day
        wait = retry_after(reply.headers) or _MIGRATION_WAIT
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


def _limited(reply: Reply, envelope: Mapping[str, Any], request_id: str, midnight: int) -> RateLimited:
    policy, asked_wait = _policy(envelope), retry_after(reply.headers) or 0.0
    text, code = _message(envelope) or "rate limit", policy or _code(envelope)
    if policy == "DAILY":
        wait = max(midnight, asked_wait)
        text = f"{text} HubSpot's allowance of calls for today is used up"
        return QuotaSpent(text, code=code, status=429, request_id=request_id, retry_after=wait, sent=False)
    wait = max(_WAIT_SECONDS.get(policy, 0.0), asked_wait) or _WAIT_SECONDS["TEN_SECONDLY_ROLLING"]
    return RateLimited(text, code=code, status=429, request_id=request_id, retry_after=wait, sent=False)


def until_midnight(now: datetime, zone: tzinfo) -> int:
    """Seconds until the next day begins in the account's time zone; some minutes where it just began.

    HubSpot's clock may still be before a midnight that ours has passed: then a whole day would be too long.
    """
    here = now.astimezone(zone)
    tomorrow = (here + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    today = here.replace(hour=0, minute=0, second=0, microsecond=0)
    if (now - today.astimezone(UTC)).total_seconds() < _MIDNIGHT_SECONDS:
        return _MIDNIGHT_SECONDS
    return int((tomorrow.astimezone(UTC) - now).total_seconds()) + 1


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
    return next((name for name in _POLICIES if name.lower() in told), "")


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
    for entry in failures(answer):
        if entry.get("category") != "OBJECT_NOT_FOUND":
            return entry_trouble(entry)
    return None


def failures(answer: Record) -> Sequence[Mapping[str, Any]]:
    """The `errors` of a batch answer. Raises Transient where they are not objects."""
    errors = answer.get("errors") or ()
    if not isinstance(errors, list | tuple) or not all(isinstance(entry, Mapping) for entry in errors):
        raise Transient("the errors of a batch answer are not objects", code="bad_answer")
    return errors


def entry_trouble(entry: Mapping[str, Any]) -> ConnectorError:
    """One of the `errors` of a batch answer (`StandardError`) as the error it stands for."""
    kind = _ENTRIES.get(str(entry.get("category")), Transient)
    return kind(_message(entry) or "part of a batch failed", code=_code(entry), status=207)


def blamed(entry: Mapping[str, Any]) -> Sequence[str]:
    """Which inputs an entry of `errors` is about: trace ids of ours where HubSpot echoes them, else ids."""
    context = entry.get("context")
    facts = context if isinstance(context, dict) else {}
    named = [entry.get("id"), entry.get("objectWriteTraceId")]
    for name in ("objectWriteTraceId", "objectWriteTraceIds", "ids", "id"):
        found = facts.get(name)
        named += found if isinstance(found, list) else [found]
    return [str(one) for one in named if one]
