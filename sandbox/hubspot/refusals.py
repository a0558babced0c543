"""HubSpot's error answers, word for word in shape: status, category, correlation id."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any


class Refused(Exception):
    """An answer that is no 2xx."""

    def __init__(self, status: int, message: str, category: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {
            "status": "error",
            "message": message,
            "correlationId": str(uuid.uuid4()),
            "category": category,
            **more,
        }


def unauthenticated(*, expired: bool = False, ago: int = 0) -> Refused:
    """401; `ago`: seconds since the token expired."""
    if expired:
        text = f"The OAuth token used to make this call expired {ago} second(s) ago."
        return Refused(401, text, "EXPIRED_AUTHENTICATION")
    text = "Authentication credentials not found. This API supports OAuth 2.0 authentication."
    return Refused(401, text, "INVALID_AUTHENTICATION")


def out_of_scope(scopes: Sequence[str]) -> Refused:
    """403."""
    entry = {
        "message": "One or more of the following scopes are required.",
        "context": {"requiredGranularScopes": list(scopes)},
    }
    text = "This app hasn't been granted all required scopes to make this call."
    links = {"scopes": "https://developers.hubspot.com/scopes"}
    return Refused(403, text, "MISSING_SCOPES", errors=[entry], links=links)


def not_found() -> Refused:
    """404."""
    return Refused(404, "resource not found", "OBJECT_NOT_FOUND")


def invalid(message: str) -> Refused:
    """400."""
    return Refused(400, message, "VALIDATION_ERROR")


def invalid_properties(problems: Sequence[tuple[str, str, str]]) -> Refused:
    """400 for property values: (property, code, message), all of them at once."""
    listed = [
        {"isValid": False, "message": message, "error": code, "name": name}
        for name, code, message in problems
    ]
    entries = [
        {"message": message, "code": code, "context": {"propertyName": [name]}}
        for name, code, message in problems
    ]
    text = "Property values were not valid: " + json.dumps(listed)
    return Refused(400, text, "VALIDATION_ERROR", errors=entries)


def incomplete(singular: str, lacking: Sequence[str]) -> Refused:
    """400: a create without properties that its type cannot do without, one entry for each."""
    entries = [
        {"message": f"{name} is required", "code": "REQUIRED_PROPERTY", "context": {"propertyName": [name]}}
        for name in lacking
    ]
    text = f"Error creating {singular.upper()}. Some required properties were not set."
    return Refused(400, text, "VALIDATION_ERROR", context={"properties": list(lacking)}, errors=entries)


def conflict(singular: str, existing: str) -> Refused:
    """409, with the id of what is already there."""
    return Refused(409, f"{singular.capitalize()} already exists. Existing ID: {existing}", "CONFLICT")


def locked() -> Refused:
    """423: too much was written to one resource at once; wait two seconds."""
    return Refused(423, "The resource is locked; retry in at least 2 seconds.", "LOCKED")


def migrating() -> Refused:
    """477: the account moves to another data centre; the answer carries Retry-After."""
    text = "This account is being migrated to another data center."
    return Refused(477, text, "MIGRATION_IN_PROGRESS")


def unavailable(status: int) -> Refused:
    """502, 503, 504 or 524."""
    return Refused(status, "The server could not answer in time.", "SERVICE_UNAVAILABLE")


def not_allowed() -> Refused:
    """405."""
    return Refused(405, "Method not allowed", "METHOD_NOT_ALLOWED")


def rate_limited(policy: str) -> Refused:
    """429; policy is SECONDLY, TEN_SECONDLY_ROLLING or DAILY."""
    refused = Refused(429, f"You have reached your {policy.lower()} limit.", "RATE_LIMITS")
    refused.body |= {"errorType": "RATE_LIMIT", "policyName": policy, "requestId": str(uuid.uuid4())}
    return refused


def part(message: str, category: str, context: Mapping[str, Sequence[str]], sub: str = "") -> dict[str, Any]:
    """One entry in the errors of a batch answer (`StandardError`)."""
    entry: dict[str, Any] = {
        "status": "error",
        "category": category,
        "message": message,
        "context": {name: list(values) for name, values in context.items()},
        "errors": [],
        "links": {},
    }
    return entry | ({"subCategory": sub} if sub else {})
