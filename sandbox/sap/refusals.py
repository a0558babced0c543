"""What the system says when it refuses: the error envelopes of both OData versions, and the texts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

JSON = "application/json"
XML = "application/xml"


class Detail(NamedTuple):
    """One message of many."""

    code: str
    message: str
    severity: str = "error"
    target: str = ""


class Refusal(Exception):
    """The request is refused. `details` are the messages behind a generic one."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: Sequence[Detail] = (),
        *,
        headers: Mapping[str, str] | None = None,
        target: str = "",
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.details = tuple(details) or (Detail(code, message, target=target),)
        self.headers = dict(headers or {})

    def v2(self, transaction: str) -> dict[str, Any]:
        """The envelope of OData V2 as SAP Gateway writes it."""
        details = [
            {
                "code": one.code,
                "message": one.message,
                "propertyref": one.target,
                "severity": one.severity,
                "target": one.target,
            }
            for one in self.details
        ]
        inner = {
            "application": {"component_id": "", "service_namespace": "/SAP/", "service_version": "0001"},
            "transactionid": transaction,
            "timestamp": "",
            "Error_Resolution": {"SAP_Transaction": "", "SAP_Note": ""},
            "errordetails": details,
        }  # fmt: skip
        message = {"lang": "en", "value": self.message}
        return {"error": {"code": self.code, "message": message, "innererror": inner}}

    def v4(self) -> dict[str, Any]:
        """The envelope of OData V4."""
        told: dict[str, Any] = {"code": self.code, "message": self.message}
        extra = [one for one in self.details if one.message != self.message]
        if extra:
            told["details"] = [{"code": d.code, "message": d.message, "target": d.target} for d in extra]
        return {"error": told}

    def body(self, accept: str, transaction: str, *, v4: bool = False) -> tuple[str, str]:
        """The body and its media type. Without JSON in the Accept header V2 answers in XML."""
        if v4:
            return json.dumps(self.v4()), JSON
        if "json" in accept:
            return json.dumps(self.v2(transaction)), JSON
        inner = "".join(
            f"<errordetail><code>{escape(d.code)}</code><message>{escape(d.message)}</message>"
            f"<severity>{d.severity}</severity></errordetail>"
            for d in self.details
        )
        return (
            '<?xml version="1.0" encoding="utf-8"?>'
            '<error xmlns="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">'
            f"<code>{escape(self.code)}</code>"
            f'<message xml:lang="en">{escape(self.message)}</message>'
            f"<innererror><transactionid>{transaction}</transactionid><errordetails>{inner}</errordetails>"
            "</innererror></error>",
            XML,
        )


def bad_request(message: str, code: str = "/IWBEP/CM_MGW_RT/020", target: str = "") -> Refusal:
    """Something in the request cannot be understood."""
    return Refusal(400, code, message, target=target)


def business(code: str, message: str, details: Sequence[Detail] = ()) -> Refusal:
    """The application says no: status 400 with a message class and number."""
    return Refusal(400, code, message, details)


def not_found(what: str) -> Refusal:
    """No such entity."""
    return Refusal(404, "/IWBEP/CM_MGW_RT/021", f"Resource not found for segment '{what}'")


def no_csrf() -> Refusal:
    """The token is missing, expired, or not that of the session's cookie."""
    return Refusal(
        403, "/IWFND/CM_CONSUMER/101", "CSRF token validation failed", headers={"x-csrf-token": "Required"}
    )


def no_etag(type_name: str) -> Refusal:
    """A change of a controlled entity without If-Match."""
    text = f"Precondition Required: the request for {type_name} must include an If-Match header"
    return Refusal(428, "/IWFND/CM_MGW/555", text)


def stale() -> Refusal:
    """The entity was changed since."""
    return Refusal(412, "/IWBEP/CM_MGW_RT/022", "Precondition failed: the entity has been changed meanwhile")


def locked(order: str, user: str) -> Refusal:
    """Somebody has the document open for change."""
    text = f"Sales document {order} is currently being processed by user {user}"
    return Refusal(400, "V1/042", text, [Detail("V1/042", text)])


def busy(status: int, retry_after: str) -> Refusal:
    """Too many calls at once."""
    headers = {"retry-after": retry_after} if retry_after else {}
    texts = {429: "Too Many Requests", 503: "Service Unavailable: no free work process"}
    return Refusal(status, f"{status}", texts.get(status, "Service Unavailable"), headers=headers)
