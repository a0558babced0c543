"""NetSuite's error envelope and the sentences it uses."""

from __future__ import annotations

from typing import Any

_TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    415: "Unsupported Media Type",
    429: "Bad Request",
}
_RFC = "https://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html"
_ACCESS = "Error while accessing a resource. "


class Refusal(Exception):
    """The account says no. Becomes the envelope of "Error Handling in REST Web Services"."""

    def __init__(
        self,
        detail: str,
        code: str = "USER_ERROR",
        *,
        status: int = 400,
        where: str = "",
        part: str = "Path",
        soap: str = "USER_ERROR",
    ) -> None:
        super().__init__(detail)
        self.detail, self.code, self.status, self.where, self.part = detail, code, status, where, part
        self.soap = soap  # its StatusDetailCodeType in SOAP
        self.headers: dict[str, str] = {}

    def body(self) -> dict[str, Any]:
        """The JSON that NetSuite would send."""
        details = {"detail": self.detail, "o:errorCode": self.code}
        if self.where:
            details[f"o:error{self.part}"] = self.where
        return {
            "type": f"{_RFC}#sec10.4.1" if self.status == 400 else _RFC,
            "title": _TITLES.get(self.status, "Internal Server Error"),
            "status": self.status,
            "o:errorDetails": [details],
        }


def user_error(sentence: str, soap: str = "USER_ERROR") -> Refusal:
    """The catch-all for whatever NetSuite's own rules forbid; SOAP often has a code of its own for it."""
    return Refusal(_ACCESS + sentence, soap=soap)


def period_closed() -> Refusal:
    """A posting record may neither be made nor changed in a closed accounting period."""
    return user_error(
        "You cannot create or change this transaction because its posting period is closed.",
        soap="TRAN_PERIOD_CLOSED",
    )


def locked() -> Refusal:
    """A workflow locked the record; nobody can tell beforehand from any service."""
    return Refusal(
        "This record has been locked by a user defined workflow.",
        "RCRD_LOCKED_BY_WF",
        soap="RCRD_LOCKED_BY_WF",
    )


def invalid_value(field: str, value: object, path: str = "") -> Refusal:
    """A value that the field cannot take; the sentence is from Oracle's documentation."""
    return Refusal(
        f"Error while accessing resource: You have entered an Invalid Field Value {value} "
        f"for the following field: {field}",
        "INVALID_CONTENT",
        where=path or field,
        soap="INVALID_KEY_OR_REF",
    )


def unknown_property(path: str) -> Refusal:
    """What the property name validation answers at level Error."""
    return Refusal(f"Unknown property: {path}", "INVALID_CONTENT", where=path)


def no_record(record: str, id: str) -> Refusal:
    """404 for a record that does not exist."""
    return Refusal(
        "The record instance does not exist. Provide a valid record instance ID.",
        "NONEXISTENT_ID",
        status=404,
        where=f"{record}/{id}",
        part="UrlPath",
        soap="RCRD_DSNT_EXIST",
    )


def invalid_login() -> Refusal:
    """The one answer to every login problem; the reason is only in the account's audit trail."""
    return Refusal(
        "Invalid login attempt. For more details, see the Login Audit Trail in the NetSuite UI at "
        "Setup > Users/Roles > User Management > View Login Audit Trail.",
        "INVALID_LOGIN",
        status=401,
        soap="INVALID_LOGIN_ATTEMPT",
    )


def too_many() -> Refusal:
    """All of the account's slots are taken. NetSuite sends no Retry-After with it."""
    return Refusal(
        "Concurrent request limit exceeded. Request blocked.", "CONCURRENCY_LIMIT_EXCEEDED", status=429
    )


def bad_query(sentence: str) -> Refusal:
    """SuiteQL that cannot be run."""
    return Refusal(
        "Invalid search query. Detailed unprocessed description follows. Search error occurred: " + sentence,
        "INVALID_PARAMETER",
        where="q",
        part="QueryParam",
    )


def record_changed() -> Refusal:
    """Somebody, or a script, saved the record while it was being written: read it again and repeat."""
    return Refusal(
        "Error while accessing a resource. Record has been changed.",
        "RCRD_HAS_BEEN_CHANGED",
        soap="RCRD_HAS_BEEN_CHANGED",
    )


def no_rights() -> Refusal:
    """The role lacks a permission."""
    return Refusal(
        "Permission Violation: You need a higher permission to access this page.",
        "INSUFFICIENT_PERMISSION",
        status=403,
        soap="INSUFFICIENT_PERMISSION",
    )


def unexpected() -> Refusal:
    """The catch-all of the servers themselves."""
    return Refusal(
        "An unexpected error occurred. Error ID: sandbox",
        "UNEXPECTED_ERROR",
        status=500,
        soap="UNEXPECTED_ERROR",
    )
