"""Interchanging: what comes from a trading partner is taken once, what goes to one must be acknowledged."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

from hub.errors import Held
from hub.model import Interchange, InterchangeState, TransactionSet
from hub.stages.outcome import Case, Choice, Event, Outcome, Reader

SHOWN_MAX = 20  # faults in the evidence of a case


def check(interchange: Interchange, read: Reader) -> Outcome:
    """Take what came, and tell a person of sets that were refused.

    Raises Held where the number came before with another content: nothing of the delivery is taken then.
    """
    if interchange.direction == "out" or interchange.state is not InterchangeState.RECEIVED:
        return Outcome()
    twin = _twin(interchange, read)
    if twin is not None:
        when = f" on {twin.exchanged_at:%Y-%m-%d at %H:%M} UTC" if twin.exchanged_at else ""
        raise Held(
            f"interchange {interchange.number} of {interchange.sender} came before{when} with another "
            "content: nothing of this one is taken; ask the partner which one counts, and for a new number "
            "if both do",
            code="duplicate_interchange",
        )
    taken = interchange.model_copy(update={"state": InterchangeState.TAKEN})
    return Outcome(events=[Event("interchange.taken", taken)], cases=_refused_sets(taken))


def _twin(interchange: Interchange, read: Reader) -> Interchange | None:
    """Another one of the same sender and number, within the time in which numbers are not used again."""
    for other in read.numbered("interchange", interchange.number):
        if not isinstance(other, Interchange) or other.id == interchange.id:
            continue
        same = (other.direction, other.sender) == ("in", interchange.sender)
        if same and other.digest != interchange.digest and _is_near(interchange, other):
            return other
    return None


def _is_near(one: Interchange, other: Interchange) -> bool:
    if not (one.unique_days and one.exchanged_at and other.exchanged_at):
        return True
    return abs(one.exchanged_at - other.exchanged_at) < timedelta(days=one.unique_days)


def _refused_sets(interchange: Interchange) -> list[Case]:
    bad = [
        (group.code, one)
        for group in interchange.groups
        for one in group.sets
        if one.status in ("rejected", "unsupported")
    ]
    if not bad:
        return []
    names = ", ".join(f"{one.set_id} {one.reference or one.number}" for _, one in bad[:5])
    more = f" and {len(bad) - 5} more" if len(bad) > 5 else ""
    title = f"{names}{more} of {interchange.sender} could not be accepted"
    evidence = {
        "from": interchange.sender,
        "interchange": interchange.number,
        "sets": [{"group": code, **told(one)} for code, one in bad[:SHOWN_MAX]],
    }
    return [Case("sets_refused", title, interchange, evidence)]


def told(one: TransactionSet) -> dict[str, Any]:
    """A set and what is wrong with it, as evidence."""
    faults = [
        f"{fault.segment} (segment {fault.position}"
        + (f", element {fault.element}" if fault.element else "")
        + f"): {fault.message}"
        for fault in one.faults[:SHOWN_MAX]
    ]
    return {
        "set": one.set_id, "number": one.number, "reference": one.reference, "status": one.status,
        "reason": one.reason, "faults": faults,
    }  # fmt: skip


def overdue(interchange: Interchange, now: datetime) -> Outcome:
    """An acknowledgment that did not come in time: a person asks the partner, or sends it again."""
    due = interchange.acknowledge_by
    if interchange.state is not InterchangeState.SENT or due is None or due >= now:
        return Outcome()
    late = interchange.model_copy(update={"state": InterchangeState.OVERDUE})
    held = ", ".join(_labels(interchange)[:5])
    title = f"{interchange.partner or interchange.receiver} has not acknowledged {held}"
    evidence = {
        "interchange": interchange.number, "partner": interchange.partner,
        "due": f"{due:%Y-%m-%d %H:%M} UTC", "holds": ", ".join(_labels(interchange)),
    }  # fmt: skip
    return Outcome(
        events=[Event("interchange.overdue", late)],
        cases=[Case("acknowledgment_overdue", title, late, evidence)],
    )


def _labels(interchange: Interchange) -> list[str]:
    return [
        f"{one.set_id} {one.reference or one.number}" for group in interchange.groups for one in group.sets
    ]


def resend(interchange: Interchange, choice: Choice, read: Reader) -> Outcome:
    """The very same interchange once more: who has it already knows it by its number."""
    return Outcome(events=[Event("interchange.resent", _due_again(interchange, read), touch=True)])


def _due_again(interchange: Interchange, read: Reader) -> Interchange:
    """As long to answer as the first time, from today's end on."""
    if interchange.acknowledge_by is None or interchange.exchanged_at is None:
        return interchange
    patience = interchange.acknowledge_by - interchange.exchanged_at
    start = max(datetime.combine(read.today, time.max, UTC), interchange.exchanged_at)
    return interchange.model_copy(update={"acknowledge_by": start + patience})


def noted(interchange: Interchange, choice: Choice, read: Reader) -> Outcome:
    """A person has seen it; nothing follows."""
    return Outcome()
