"""What Salesforce's answers mean: its array of errors, errors inside a 200, how much is left of a day."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from hub.sdk import (
    AuthFailed,
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

# The day's allowance is a rolling window of 24 hours without a moment of reset: calls come free again as
# those of yesterday fall out of it. An hour frees about a twenty-fourth, enough to go on with.
DAILY_SECONDS = 3600.0
RESERVE_SECONDS = 900.0  # a limits header is believed for so long; then one call finds out anew
CONCURRENT_SECONDS = 5.0  # "ConcurrentRequests": over 25 calls that run longer than 20 s
LOCKED_SECONDS = 3.0  # a row lock is waited for 10 s by Salesforce itself before it gives up

_NO_ENTRY = frozenset(
    {
        *("INVALID_SESSION_ID", "INVALID_AUTH_HEADER", "API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED"),
        *("INVALID_LOGIN", "PASSWORD_LOCKOUT", "ORG_LOCKED", "LOGIN_DURING_RESTRICTED_TIME"),
        *("LOGIN_DURING_RESTRICTED_DOMAIN", "INSUFFICIENT_ACCESS_API", "INVALID_GRANT"),
    }
)
# StatusCode and ExceptionCode values of the partner WSDL that pass with time; `True`: nothing was done.
_PASSING: Mapping[str, bool] = {
    "UNABLE_TO_LOCK_ROW": True,
    "PROCESSING_HALTED": True,
    "ALL_OR_NONE_OPERATION_ROLLED_BACK": True,
    "SERVER_UNAVAILABLE": False,
    "QUERY_TIMEOUT": False,
    "REQUEST_RUNNING_TOO_LONG": False,
    "UNKNOWN_EXCEPTION": False,
    "INVALID_QUERY_LOCATOR": False,
    "ORG_IN_MAINTENANCE": True,
}
_WAY_OUT: Mapping[str, str] = {
    "UNSUPPORTED_API_VERSION": "change api_version in the settings",
    "DUPLICATES_DETECTED": "a duplicate rule blocks it although saving duplicates was asked for",
    "ENTITY_IS_LOCKED": "an approval process has locked the record",
    "INVALID_FIELD": "the field does not exist, or the integration user may not see it",
    "INVALID_FIELD_FOR_INSERT_UPDATE": "the integration user may not write the field",
    "INSUFFICIENT_ACCESS_OR_READONLY": "the integration user may not edit the record",
}
_USAGE = re.compile(r"(?:^|[\s;,])api-usage=(\d{1,12})/(\d{1,12})")


class Said(NamedTuple):
    """One error in Salesforce's words."""

    code: str
    message: str
    fields: Sequence[str]

    def __str__(self) -> str:
        named = f" (fields {', '.join(self.fields)})" if self.fields else ""
        way_out = f"; {_WAY_OUT[self.code]}" if self.code in _WAY_OUT else ""
        return f"{self.message or self.code}{named}{way_out}"


def trouble(reply: Reply) -> ConnectorError | None:
    """The error an answer stands for, in Salesforce's words; None for a 2xx."""
    if reply.ok:
        return None
    if reply.status == 300:
        text = "the external id matches several records; mark the field as unique and merge the records"
        return Rejected(text, code="MULTIPLE_CHOICES", status=300)
    said = _said(reply)
    if not said.code and reply.status == 403:  # a firewall or proxy before Salesforce, which tells a code
        return AuthFailed(said.message or reply.excerpt() or "forbidden", status=403)
    if not said.code:
        return verdict(reply, said.message)
    error = meaning(said, status=reply.status, asked_wait=retry_after(reply.headers))
    if error is not None:
        return error
    return verdict(reply, str(said), code=said.code)


def meaning(said: Said, *, status: int, asked_wait: float | None = None) -> ConnectorError | None:
    """What a code stands for where it says more than the status; None: the status has to do."""
    if said.code == "REQUEST_LIMIT_EXCEEDED":
        return _limit(said, status, asked_wait)
    if said.code in _NO_ENTRY:
        return AuthFailed(str(said), code=said.code, status=status)
    if said.code in _PASSING:
        done_nothing = _PASSING[said.code]
        wait = asked_wait or (LOCKED_SECONDS if said.code == "UNABLE_TO_LOCK_ROW" else None)
        return Transient(str(said), code=said.code, status=status, retry_after=wait, sent=not done_nothing)
    return None


def _limit(said: Said, status: int, asked_wait: float | None) -> ConnectorError:
    """The day's allowance and the limit of long calls share a code; the text tells which it was."""
    if "concurrent" in said.message.lower():
        wait = asked_wait or CONCURRENT_SECONDS
        return RateLimited(str(said), code=said.code, status=status, retry_after=wait, sent=False)
    wait = asked_wait or DAILY_SECONDS
    return QuotaSpent(str(said), code=said.code, status=status, retry_after=wait, sent=False)


def refusal(result: Record) -> ConnectorError | None:
    """What one entry of a collection's answer stands for: these come with HTTP 200 and hide their errors."""
    if result.get("success") is True:
        return None
    errors = result.get("errors")
    entries = [one for one in errors if isinstance(one, Mapping)] if isinstance(errors, list) else []
    said = [_entry(one) for one in entries]
    if not said:
        return Transient("an entry of the answer tells neither success nor error", code="bad_answer")
    first = said[0]
    known = meaning(first, status=200)
    return known or Rejected("; ".join(str(one) for one in said), code=first.code, status=200)


def _entry(one: Mapping[str, Any]) -> Said:
    named = one.get("fields")
    fields = tuple(str(name) for name in named) if isinstance(named, list) else ()
    code = str(one.get("statusCode") or one.get("errorCode") or "")
    return Said(code, str(one.get("message") or ""), fields)


def _said(reply: Reply) -> Said:
    """The first error of the array; the OAuth endpoints and some gateways send one object."""
    try:
        answer = reply.json()
    except Transient:  # a proxy's HTML page: the status alone has to do
        return Said("", "", ())
    entries = answer if isinstance(answer, list) else [answer]
    first = next((one for one in entries if isinstance(one, Mapping)), {})
    if "error" in first:
        return Said(str(first["error"]), str(first.get("error_description") or ""), ())
    return _entry(first)


class Allowance:
    """How much of the day's calls is used, as the last answer told. Keeps a reserve for people.

    One per connector, shared by its threads; what it knows is only ever a header that came back.
    """

    def __init__(self, reserve_percent: int) -> None:
        self._kept = reserve_percent
        self._lock = threading.Lock()
        self._used = self._most = 0
        self._believed_until = 0.0

    def note(self, headers: Mapping[str, str]) -> None:
        """Read Sforce-Limit-Info: `api-usage=25/5000; per-app-api-usage=...`."""
        found = _USAGE.search(headers.get("sforce-limit-info", ""))
        if found is None:
            return
        with self._lock:
            self._used, self._most = int(found[1]), int(found[2])
            self._believed_until = time.monotonic() + RESERVE_SECONDS

    def ask(self) -> None:
        """Raises QuotaSpent when only the reserve is left, until what we know has grown old."""
        with self._lock:
            wait = self._believed_until - time.monotonic()
            spent = self._most > 0 and self._used * 100 >= self._most * (100 - self._kept)
            told = f"{self._used} of {self._most} calls of the day are used"
        if spent and wait > 0:
            text = f"{told}; the last {self._kept} percent are left to other people (daily_reserve)"
            raise QuotaSpent(text, code="DAILY_RESERVE", retry_after=wait, sent=False)
