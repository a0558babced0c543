"""What the hub does about each failure of a queue row: one pure decision."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

from hub.errors import (
    Ambiguous,
    AuthFailed,
    Conflict,
    ConnectorError,
    Fenced,
    HubError,
    IllegalMove,
    Invalid,
    MappingInvalid,
    NotYet,
    QuotaSpent,
    RateLimited,
    Rejected,
    Transient,
    UnknownOutcome,
    Unmappable,
)

BACKOFF_MAX = 3600.0
NOT_YET_SECONDS = 2.0
WOKEN_SECONDS = 8.0  # of a row that is woken when what it waits for is there: only in case that is missed
NOT_YET_MAX = 3600.0  # a referenced document that is missing this long will not come by itself


class Next(NamedTuple):
    """What becomes of the row: tried again after `delay` seconds, or stopped with a case."""

    outcome: str  # for the attempt's record
    dead: bool = False
    delay: float = 0.0
    costs: bool = True  # does it count as an attempt?
    unknown: bool = False  # may the vendor have carried it out?
    reason: str = ""  # of the case, where one is opened
    slows: bool = False  # does it slow the whole connection?
    pauses: bool = False


_STOPS: Sequence[tuple[type[HubError], str]] = (
    (Ambiguous, "customer_match"),
    (UnknownOutcome, "unknown_outcome"),
    (Unmappable, "unmappable"),
    (Rejected, "rejected"),
    (Invalid, "rejected"),
    (MappingInvalid, "unmappable"),
    (IllegalMove, "dead_letter"),
)


def after(
    error: BaseException, *, attempts: int, attempts_max: int, age: float, quiesce: float = 0.0
) -> Next:
    """The reaction to an error. `age` is how long the row has been wanted, in seconds."""
    for kind, reason in _STOPS:
        if isinstance(error, kind):
            return Next(reason, dead=True, reason=reason, unknown=kind is UnknownOutcome)
    if isinstance(error, AuthFailed | RateLimited | NotYet):
        return _free(error, age)
    if isinstance(error, Fenced):
        return _again(error, "out_of_time", attempts, attempts_max, floor=quiesce, unknown=True)
    if isinstance(error, Conflict):
        return _again(error, "conflict", attempts, attempts_max, floor=0.0, unknown=error.sent)
    if isinstance(error, Transient):
        return _again(error, "unknown" if error.sent else "not_sent", attempts, attempts_max,
                      floor=quiesce if error.sent else 0.0, unknown=error.sent, slows=True)  # fmt: skip
    return _again(error, "crashed", attempts, attempts_max, floor=quiesce, unknown=True)


def _free(error: ConnectorError, age: float) -> Next:
    """Reactions that cost the row no attempt."""
    if isinstance(error, AuthFailed):
        return Next("auth_failed", costs=False, pauses=True, reason="auth_failed")
    if isinstance(error, RateLimited):
        spent = "quota_spent" if isinstance(error, QuotaSpent) else ""
        return Next("rate_limited", delay=_wait(error, 1.0), costs=False, slows=True, reason=spent)
    if error.retry_after is not None:  # what it waits for waits for a person: no second question about it
        return Next("not_yet", delay=error.retry_after, costs=False)
    if age > NOT_YET_MAX:
        return Next("missing_reference", dead=True, reason="missing_reference")
    soon = WOKEN_SECONDS + age / 4 if error.code else NOT_YET_SECONDS + age / 10
    return Next("not_yet", delay=min(soon, 60.0), costs=False)


def _again(
    error: BaseException, outcome: str, attempts: int, attempts_max: int, *, floor: float, unknown: bool,
    slows: bool = False,
) -> Next:  # fmt: skip
    if attempts >= attempts_max:
        return Next(outcome, dead=True, unknown=unknown, reason="dead_letter")
    delay = max(_wait(error, backoff(attempts)), floor)
    return Next(outcome, delay=delay, unknown=unknown, slows=slows)


def _wait(error: BaseException, otherwise: float) -> float:
    told = getattr(error, "retry_after", None)
    return float(told) if told is not None else otherwise


def backoff(attempts: int) -> float:
    """Seconds before the next try: doubling, capped, spread by half so that rows do not march in step."""
    return float(min(2.0 ** (attempts - 1), BACKOFF_MAX)) * random.uniform(0.5, 1.0)  # noqa: S311 - not a secret
