"""Salesforce's error answers: a code of its WSDLs, a message, the fields concerned."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class Refused(Exception):
    """Something the org does not do. `status` is the HTTP status of a single REST call."""

    def __init__(
        self, code: str, message: str, fields: Iterable[str] = (), *, status: int = 400, **more: Any
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.fields, self.status = code, message, list(fields), status
        self.more = more

    def entry(self) -> dict[str, Any]:
        """One member of the array a single REST call answers with; `fields` only where there are some."""
        named = {"fields": self.fields} if self.fields or self.code in _WITH_FIELDS else {}
        return {**self.more, "message": self.message, "errorCode": self.code, **named}

    def record_error(self) -> dict[str, Any]:
        """One member of `errors` in a collection's answer."""
        return {"statusCode": self.code, "message": self.message, "fields": self.fields}


_WITH_FIELDS = frozenset({"DUPLICATE_VALUE", "UNABLE_TO_LOCK_ROW", "FIELD_INTEGRITY_EXCEPTION"})


def not_found(message: str = "The requested resource does not exist") -> Refused:
    """404."""
    return Refused("NOT_FOUND", message, status=404)


def invalid_session() -> Refused:
    """401."""
    return Refused("INVALID_SESSION_ID", "Session expired or invalid", status=401)


def daily_limit() -> Refused:
    """403 once the calls of 24 hours are used up."""
    return Refused("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", status=403)


def concurrent_limit() -> Refused:
    """403 for too many calls that run over 20 s."""
    text = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
    return Refused("REQUEST_LIMIT_EXCEEDED", text, status=403)


def server_unavailable() -> Refused:
    """503."""
    return Refused("SERVER_UNAVAILABLE", "The server is temporarily unavailable", status=503)


def lock_row(id: str = "") -> Refused:
    """400: another transaction holds the record or its parent for over 10 s."""
    text = "unable to obtain exclusive access to this record" + (f" or 1 records: {id}" if id else "")
    return Refused("UNABLE_TO_LOCK_ROW", text)


def unparsable(message: str) -> Refused:
    """400 for a body of another shape."""
    return Refused("JSON_PARSER_ERROR", message)


def unreadable(field_type: str, kind: str, value: object) -> Refused:
    """400 for a JSON value that is none of the field's type."""
    text = f"Cannot deserialize instance of {field_type} from {kind} value {value} or request may be missing"
    return unparsable(text + " a required field at [line:1, column:1]")


def halted(message: str) -> Refused:
    """What the others of a rolled back or broken composite call show."""
    return Refused("PROCESSING_HALTED", message)
