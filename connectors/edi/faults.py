"""What can be wrong with a transaction set, in the codes of a 997, and how heavily each weighs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple


class Level(StrEnum):
    """Where a fault belongs: AK5 (the set), AK3 (a segment) or AK4 (an element)."""

    SET = "set"
    SEGMENT = "segment"
    ELEMENT = "element"


class Weight(StrEnum):
    """What a fault does to its set: nothing, noted (accepted with errors), or refused."""

    IGNORE = "ignore"
    NOTE = "note"
    REJECT = "reject"


class Status(StrEnum):
    """What became of a set."""

    ACCEPTED = "accepted"
    WITH_ERRORS = "accepted_with_errors"
    REJECTED = "rejected"
    UNSUPPORTED = "unsupported"


class Fault(NamedTuple):
    """One finding. `check` names the rule, for policies; `code` is X12's (718, 720 or 723 by level).

    `position` counts the segments of the set from 1 (ST); `element` its elements, 0 for none; `component`
    and `repetition` are 0 where there are none; `number` is the data element's. `value` is what was sent:
    it goes into the acknowledgment, never into a log.
    """

    check: str
    level: Level
    code: str
    segment: str
    position: int
    message: str
    element: int = 0
    component: int = 0
    number: str = ""
    value: str = ""
    repetition: int = 0


# Noted and let in: nothing is lost and nothing is ambiguous. Everything else is refused unless a partner's
# profile says otherwise.
_NOTED = (
    "trailing_space", "trailing_separator", "component_separator", "sequence", "max_use", "max_loop",
    "totals", "empty", "short", "set_control_zeros",
)  # fmt: skip
DEFAULT: Mapping[str, Weight] = MappingProxyType(dict.fromkeys(_NOTED, Weight.NOTE))
_REFUSED = (
    "missing_segment", "missing_element", "conditional", "exclusion", "too_many", "long", "character", "code",
    "date", "time", "unknown_segment", "unexpected", "levels", "garbage", "terminator", "oversize",
    "no_group", "set_id", "wrong_group", "set_control", "duplicate_set", "set_trailer", "set_count",
)  # fmt: skip
RULES = frozenset((*_NOTED, *_REFUSED))  # the names a policy may use


def weight(fault: Fault, policy: Mapping[str, Weight]) -> Weight:
    """How heavily a fault weighs for this partner."""
    return policy.get(fault.check) or DEFAULT.get(fault.check, Weight.REJECT)


def counted(faults: Iterable[Fault], policy: Mapping[str, Weight]) -> tuple[Fault, ...]:
    """The faults that a policy does not ignore, in the order of their segments."""
    kept = [one for one in faults if weight(one, policy) is not Weight.IGNORE]
    return tuple(sorted(kept, key=lambda one: (one.position, one.element, one.component)))


def status_of(faults: Iterable[Fault], policy: Mapping[str, Weight]) -> Status:
    """Accepted, accepted with errors, or rejected."""
    weights = {weight(one, policy) for one in faults}
    if Weight.REJECT in weights:
        return Status.REJECTED
    return Status.WITH_ERRORS if Weight.NOTE in weights else Status.ACCEPTED
