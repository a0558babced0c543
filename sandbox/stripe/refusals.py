"""Errors as the Stripe API tells them: a status and an `error` object with type, code, message and param."""

from __future__ import annotations

from typing import Any

DOCS = "https://stripe.com/docs/error-codes/"


class Refused(Exception):
    """An answer other than success. `kept`: a repeat under the same idempotency key is answered the same."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = "invalid_request_error",
        code: str = "",
        param: str = "",
        kept: bool = True,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status, self.kept, self.headers = status, kept, headers or {}
        self.error: dict[str, Any] = {"message": message, "type": type, **more}
        if code:
            self.error |= {"code": code, "doc_url": DOCS + code.replace("_", "-")}
        if param:
            self.error["param"] = param

    @property
    def body(self) -> dict[str, Any]:
        """The JSON of the answer."""
        return {"error": self.error}


def invalid(message: str, param: str = "", code: str = "", **more: Any) -> Refused:
    """400 for parameters that fail before anything is carried out: no answer is kept for the key."""
    return Refused(400, message, param=param, code=code, kept=False, **more)


def unable(message: str, param: str = "", code: str = "", **more: Any) -> Refused:
    """400 for what the object's state does not allow."""
    return Refused(400, message, param=param, code=code, **more)


def missing(kind: str, id: str, param: str = "id", *, status: int = 404, elsewhere: bool = False) -> Refused:
    """404 for an id nobody knows, or only the other mode; 400 where it came in the body."""
    hint = "; a similar object exists in live mode, but a test mode key was used to make this request."
    return Refused(
        status, f"No such {kind}: '{id}'{hint if elsewhere else ''}", code="resource_missing", param=param
    )


def rate_limited(reason: str = "global-rate") -> Refused:
    """429 of a rate limit; `reason` as in the header Stripe-Rate-Limited-Reason."""
    told = (
        "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits."
    )
    headers = {"stripe-rate-limited-reason": reason}
    return Refused(429, told, code="rate_limit", kept=False, headers=headers)


def locked() -> Refused:
    """429 because another request holds the object; the only one the official libraries repeat."""
    told = (
        "This object cannot be accessed right now because another API request or Stripe process is currently "
        "accessing it. If you see this error intermittently, retry the request."
    )
    return Refused(429, told, code="lock_timeout", kept=False, headers={"stripe-should-retry": "true"})


def broken() -> Refused:
    """500 that is kept under the idempotency key: every repeat is answered the same."""
    told = "An unknown error occurred while processing this request. It has been logged with the request id."
    return Refused(500, told, type="api_error")
