"""What an answer of NetSuite means: success, or one error of the hub's tree in NetSuite's own words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from hub.sdk import (
    AuthFailed,
    Conflict,
    ConnectorError,
    RateLimited,
    Rejected,
    Reply,
    Transient,
    retry_after,
    verdict,
)

BUSY_SECONDS = 2.0  # NetSuite sends no Retry-After; a slot is free as soon as another call ends

# Codes: platform.faultTypes.xsd; 429 body and RESTlet disguise: "Web Services and RESTlet Concurrency
# Governance"; sentences: what the record service really answers for a used external id.
_BUSY = frozenset(
    {
        "CONCURRENCY_LIMIT_EXCEEDED",
        "CONCUR_SEARCH_DISALLWD",
        "EXCEEDED_MAX_CONCUR_RQST",
        "EXCEEDED_MAX_SESSIONS",
        "SSS_QUEUE_LIMIT_EXCEEDED",
        "SSS_REQUEST_LIMIT_EXCEEDED",
        "WS_CONCUR_SESSION_DISALLWD",
        "WS_EXCEEDED_CONCUR_USERS_ALLWD",
        "WS_REQUEST_BLOCKED",
    }
)
_BUSY_WORDS = ("request limit exceeded", "exceededrequestlimitfault", "exceededconcurrentrequestlimitfault")
_CHANGED = frozenset({"RCRD_HAS_BEEN_CHANGED", "RCRD_EDITED_SINCE_RETRIEVED", "DUP_RCRD"})
_CHANGED_WORDS = ("this record already exists", "this entity already exists", "record has been changed")
_UNSURE = frozenset({"UNEXPECTED_ERROR"})
_CLOSED = frozenset({"TRAN_PERIOD_CLOSED"})
_CLOSED_WORDS = ("period is closed", "closed period", "period is locked", "locked period")


class _Told(NamedTuple):
    codes: Sequence[str]
    text: str


def _told(reply: Reply) -> _Told:
    try:
        body = json.loads(reply.body)
        if "o:errorDetails" not in body and isinstance(body.get("error"), dict):  # how a RESTlet puts it
            error = body["error"]
            return _Told([str(error.get("code", ""))], str(error.get("message", "")))
        details = [d for d in body["o:errorDetails"] if isinstance(d, dict)]
    except (ValueError, KeyError, TypeError, AttributeError):
        return _Told((), reply.excerpt())
    texts = []
    for one in details:
        where = one.get("o:errorPath") or one.get("o:errorQueryParam") or one.get("o:errorHeader")
        texts.append(f"{one.get('detail', '')}" + (f" [{where}]" if where else ""))
    return _Told([str(one.get("o:errorCode", "")) for one in details], "; ".join(texts))


def classify(reply: Reply) -> ConnectorError | None:
    """What an answer means for us; None for a success."""
    if reply.ok:
        return None
    codes, text = _told(reply)
    code = codes[0] if codes else ""
    request_id = reply.headers.get("x-n-operationid", "")
    kind = kind_of(reply.status, codes, text.lower())
    if kind is None:
        return verdict(reply, _hint(reply, text), code=code, request_id=request_id)
    wait = (retry_after(reply.headers) or BUSY_SECONDS) if kind is RateLimited else None
    sent = kind is not RateLimited
    return kind(text, code=code, status=reply.status, request_id=request_id, retry_after=wait, sent=sent)


def kind_of(status: int, codes: Sequence[str], text: str) -> type[ConnectorError] | None:
    """The error that codes or words (in lower case) stand for; None where the status says enough."""
    if status == 429 or _BUSY.intersection(codes) or any(words in text for words in _BUSY_WORDS):
        return RateLimited
    if any(code.startswith("INVALID_LOGIN") for code in codes):
        return AuthFailed
    if _CHANGED.intersection(codes) or any(words in text for words in _CHANGED_WORDS):
        return Conflict
    if _UNSURE.intersection(codes):
        return Transient
    return None


def _hint(reply: Reply, text: str) -> str:
    if 300 <= reply.status < 400:
        return "NetSuite sent us to another host: check account_id and base_url"
    return text


def period_closed(error: ConnectorError) -> bool:
    """Was a write refused because its accounting period is closed or locked?"""
    words = error.message.lower()
    return error.code in _CLOSED or any(one in words for one in _CLOSED_WORDS)


def refusal(message: str, code: str = "mapping") -> Rejected:
    """What we refuse ourselves, before anything is sent."""
    return Rejected(message, code=code, sent=False)
