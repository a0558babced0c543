"""What SAP's answers mean: its error envelopes with all inner details, locks, login pages, warnings."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from hub.sdk import (
    AuthFailed,
    Conflict,
    ConnectorError,
    Invalid,
    RateLimited,
    Rejected,
    Reply,
    Transient,
    parse_xml,
    retry_after,
    verdict,
)

log = logging.getLogger("o2c.sap")
DETAILS_MAX = 20
LOCKED_SECONDS = 3.0
BUSY_SECONDS = 5.0  # of a 429 without Retry-After: SAP publishes no limit per minute
# Codes of objects that someone else has open: sales documents, business partners, accounting.
_LOCKED = frozenset({"V1/042", "V1/045", "MC/601", "MC/602", "R1/020", "R11/020", "VL/046", "VL/064"})
_LOCKED_WORDS = re.compile(
    r"(currently|already) being processed by|is locked by|being edited by|processed by user|table .* locked",
    re.IGNORECASE,
)


class Told(NamedTuple):
    """An error envelope: its first code, and everything it says."""

    code: str = ""
    codes: frozenset[str] = frozenset()
    text: str = ""
    transaction: str = ""


def trouble(reply: Reply) -> ConnectorError | None:
    """The error an answer stands for, in SAP's words; None for a good one."""
    if reply.ok:
        return _disguised(reply)
    told = envelope(reply)
    text = told.text or f"HTTP {reply.status}"
    kind, wait = _special(reply, told)
    if kind is None:
        return verdict(reply, told.text, code=told.code, request_id=told.transaction)
    return kind(
        "SAP sent us to another address: check base_url" if 300 <= reply.status < 400 else text,
        code=told.code, status=reply.status, request_id=told.transaction, retry_after=wait, sent=False,
    )  # fmt: skip


def _special(reply: Reply, told: Told) -> tuple[type[ConnectorError] | None, float | None]:
    """What the general rules would take for something else. None of these did anything there."""
    wait = retry_after(reply.headers)
    if reply.status == 403 and reply.headers.get("x-csrf-token", "").lower() == "required":
        return Transient, wait or LOCKED_SECONDS  # even a fresh token was refused
    if reply.status in (400, 409, 500) and is_locked(told):
        return Transient, wait or LOCKED_SECONDS
    if reply.status == 428:
        return Conflict, wait
    if reply.status == 429:
        return RateLimited, wait or BUSY_SECONDS
    return (Rejected, wait) if 300 <= reply.status < 400 else (None, wait)


def _disguised(reply: Reply) -> ConnectorError | None:
    """The plain UI host answers calls with its login page and status 200 (vendors.md 4.1)."""
    if "html" not in reply.headers.get("content-type", "").lower():
        return None
    return AuthFailed(
        "SAP answered with a web page instead of records: base_url must be the API host "
        "(my123456-api...), and the user a communication user",
        code="login_page",
        status=reply.status,
    )


def is_locked(told: Told) -> bool:
    """Does someone else have the object open? It is worth another try in seconds."""
    return bool(told.codes & _LOCKED) or bool(_LOCKED_WORDS.search(told.text))


def envelope(reply: Reply) -> Told:
    """V2 and V4 envelopes, as JSON or XML. The top message is often generic, so all details are told."""
    if reply.body.lstrip()[:1] == b"<":
        return _xml(reply)
    try:
        body = json.loads(reply.body)
        error = body["error"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return Told(text=reply.excerpt())
    if not isinstance(error, Mapping):
        return Told(text=reply.excerpt())
    entries = [(str(error.get("code") or ""), _words(error.get("message"))), *_details(error)]
    inner = error.get("innererror")
    transaction = str(inner.get("transactionid") or "") if isinstance(inner, Mapping) else ""
    return _told(entries, transaction)


def _told(entries: list[tuple[str, str]], transaction: str = "") -> Told:
    texts = dict.fromkeys(words for _, words in entries if words)
    codes = [code for code, _ in entries if code]
    specific = next((code for code in codes[1:] if not code.startswith("/IWBEP/")), "")
    generic = codes[0] if codes else ""
    code = specific if generic.startswith("/IWBEP/") and specific else generic
    return Told(code, frozenset(codes), "; ".join(texts), transaction)


def _words(message: Any) -> str:
    return str(message.get("value") or "") if isinstance(message, Mapping) else str(message or "")


def _details(error: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    inner = error.get("innererror")
    lists = [error.get("details"), inner.get("errordetails") if isinstance(inner, Mapping) else None]
    for entries in lists:
        for one in entries[:DETAILS_MAX] if isinstance(entries, list) else ():
            if isinstance(one, Mapping) and str(one.get("severity") or "error") == "error":
                where = str(one.get("propertyref") or one.get("target") or "")
                words = _words(one.get("message"))
                yield str(one.get("code") or ""), f"{words} [{where}]" if where and words else words


def _xml(reply: Reply) -> Told:
    try:
        root = parse_xml(reply.body)
    except Invalid:
        return Told(text=reply.excerpt())
    entries = [(root.findtext("{*}code") or "", root.findtext("{*}message") or "")]
    for one in list(root.iter("{*}errordetail"))[:DETAILS_MAX]:
        entries.append((one.findtext("{*}code") or "", one.findtext("{*}message") or ""))
    return _told(entries, root.findtext(".//{*}transactionid") or "")


def warnings(reply: Reply) -> list[str]:
    """What a success says beside it, in the header `sap-message`; kept in the log."""
    told = reply.headers.get("sap-message", "")
    try:
        message = json.loads(told) if told else None
    except ValueError:
        message = {"message": told}
    if not isinstance(message, Mapping):
        return []
    details = message.get("details")
    every = [message, *(details if isinstance(details, list) else ())]
    found = [
        f"{one.get('code', '')} {_words(one.get('message'))}".strip()
        for one in every
        if isinstance(one, Mapping)
    ]
    for one in found:
        log.warning("SAP says beside a success: %s", one[:500])
    return found
