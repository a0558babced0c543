"""Every way the hub can fail on the way to or from a system, and what it does about each.

HubError
  ConnectorError          raised by connectors and by the http door
    Transient             network, 5xx, lock: retry with backoff and jitter, then dead letter and case
      RateLimited         429 and its disguises: retry at retry_after; costs no attempt; slows the connection
        QuotaSpent        nothing is left of the day's allowance: the connection rests, people are told
      NotYet              a referenced document is not there yet: retry soon
    Rejected              the vendor refused it: dead letter and case at once, in the vendor's own words
      Held                a delivery as a whole must not be taken, whatever else it brings: a case
      Misdelivered        parts of a delivery are for other connections: handed on to them
    Conflict              changed under us: read again, merge, run again
    UnknownOutcome        an earlier write may have got through and cannot be looked up: a case, no retry
    AuthFailed            credentials refused: pause the connection, open one case, burn nothing
  Ambiguous               what we would create may be there already: a case with the candidates, no retry
  Unmappable              a mapping cannot express the record: dead letter and case that names the field
  MappingInvalid          a mapping file is wrong: refused before it runs, naming file, line and column
  IllegalMove             a decision or event that the document's state does not allow
  Fenced                  another worker holds the row by now: drop our work, theirs counts
  Invalid                 bad input from outside: a clear answer that names the field and the way out
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class HubError(Exception):
    """Root of the tree; never raised itself."""


class ConnectorError(HubError):
    """A vendor said no, said nothing, or could not be reached.

    `code` is the vendor's own code, `request_id` what their support asks for.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        status: int | None = None,
        request_id: str = "",
        retry_after: float | None = None,
        sent: bool = True,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.status = status
        self.request_id = request_id
        self.retry_after = retry_after
        self.sent = sent  # False: no byte of the request left us, so nothing can have happened there

    def __str__(self) -> str:
        facts = (
            f"status {self.status}" if self.status is not None else "",
            f"code {self.code}" if self.code else "",
            f"request {self.request_id}" if self.request_id else "",
        )
        told = ", ".join(fact for fact in facts if fact)
        return f"{self.message} ({told})" if told else self.message


class Transient(ConnectorError):
    """Try again later. With `sent` True the outcome of a write is unknown."""


class RateLimited(Transient):
    """Too many requests: come back after `retry_after` seconds. Nothing was done."""


class QuotaSpent(RateLimited):
    """The vendor's allowance is used up until `retry_after` seconds from now. Nothing was done."""


class NotYet(Transient):
    """A document this one refers to is not known there yet. Nothing was done."""


class Rejected(ConnectorError):
    """The vendor understood and refused. Repeating the same request cannot help."""


class Held(Rejected):
    """Something is wrong with a delivery as a whole: nothing of it is taken until a person has looked."""


class Misdelivered(Rejected):
    """A file that holds what is for several connections. `parts`: the address of each part, and its bytes."""

    def __init__(self, message: str, parts: Sequence[tuple[str, bytes]]) -> None:
        super().__init__(message, code="misdelivered")
        self.parts = tuple(parts)


class Conflict(ConnectorError):
    """The object changed under us. Read it again before writing."""


class UnknownOutcome(ConnectorError):
    """A write may or may not have happened there, and the system cannot be asked: a human must look."""


class Ambiguous(HubError):
    """What we are about to create may be there already: a human must choose by the `evidence`."""

    def __init__(self, message: str, evidence: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.evidence = evidence


class AuthFailed(ConnectorError):
    """Credentials or a signature were refused."""


class Unmappable(HubError):
    """A record cannot be translated: a required value is missing, unknown or of the wrong type."""

    def __init__(self, mapping: str, field: str, reason: str, value: object = None) -> None:
        super().__init__(f"{mapping}: {field}: {reason}")
        self.mapping = mapping
        self.field = field
        self.reason = reason
        self.value = value


class MappingInvalid(HubError):
    """A mapping file breaks the grammar; each of `findings` names file, line and column."""

    def __init__(self, findings: Sequence[Any]) -> None:
        super().__init__("\n".join(str(finding) for finding in findings))
        self.findings = tuple(findings)


class Invalid(HubError):
    """Input that cannot be accepted. `field` is where, the message says what to do."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class IllegalMove(HubError):
    """A document may not go from its state to that one; the table of moves is `hub.model.states.LEGAL`."""


class Fenced(HubError):
    """Our claim of a row lapsed and another worker took it over."""


def plain_fault(fault: Mapping[str, Any]) -> str:
    """What pydantic found wrong at one place, for people: a check of ours without "Value error, " before it.

    `fault` is one of ValidationError.errors(), whose `ctx` keeps what a check of ours raised.
    """
    own = fault["type"] in ("value_error", "assertion_error")
    return str(fault.get("ctx", {}).get("error") or fault["msg"]) if own else str(fault["msg"])
