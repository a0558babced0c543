"""Acknowledging: what a partner says of what we sent reaches the documents it is about, and their people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from hub.model import (
    Acknowledgment,
    AcknowledgmentState,
    Document,
    FunctionalGroup,
    Interchange,
    InterchangeState,
    TransactionSet,
    envelope_key,
)
from hub.stages import interchanging
from hub.stages.outcome import Case, Choice, Event, Outcome, Reader, together

ANSWERED = frozenset({"order_response", "shipment", "invoice", "credit_memo"})  # kinds that leave in sets
_BAD = ("rejected", "unsupported")


class Told(NamedTuple):
    """An interchange of ours with what a partner says of it."""

    interchange: Interchange
    changed: Sequence[TransactionSet]


def check(acknowledgment: Acknowledgment, read: Reader) -> Outcome:
    """Ours is sent to whom it answers; a partner's is put to the interchange that it is about."""
    if acknowledgment.direction == "out":
        if acknowledgment.state is AcknowledgmentState.ISSUED:
            return Outcome()  # the same came again, and gets the same answer again
        issued = acknowledgment.model_copy(update={"state": AcknowledgmentState.ISSUED})
        return Outcome(events=[Event("acknowledgment.issued", issued)])
    if acknowledgment.state is not AcknowledgmentState.RECEIVED:
        return Outcome()
    partner = read.origin(acknowledgment.id)
    found = list(_answered(acknowledgment, partner, read))
    if not found:
        return _unmatched(acknowledgment, partner)
    orders = {told.interchange.order for told in found}
    update = {
        "state": AcknowledgmentState.MATCHED,
        "interchange": found[0].interchange.id,
        "order": orders.pop() if len(orders) == 1 else "",
    }
    matched = acknowledgment.model_copy(update=update)
    first = Outcome(events=[Event("acknowledgment.matched", matched)])
    return together(first, *(_settled(told, read) for told in found))


def _answered(acknowledgment: Acknowledgment, partner: str, read: Reader) -> Iterator[Told]:
    for group in acknowledgment.groups:
        for one in read.traced("interchange", envelope_key(partner, group.code, group.number)):
            if isinstance(one, Interchange) and one.direction == "out":
                yield _by_group(one, group)
    technical = acknowledgment.technical
    if technical is None:
        return
    for one in read.numbered("interchange", technical.number.zfill(9)):
        if isinstance(one, Interchange) and (one.direction, one.partner) == ("out", partner):
            yield _by_envelope(one, technical.status in _BAD, technical.message or technical.code)


def _by_group(interchange: Interchange, said: FunctionalGroup) -> Told:
    """Set by set; a group accepted or rejected as a whole need not name its sets."""
    by_number = {(one.set_id, one.number.lstrip("0")): one for one in said.sets}
    changed: list[TransactionSet] = []
    groups: list[FunctionalGroup] = []
    for group in interchange.groups:
        if (group.code, group.number.lstrip("0")) != (said.code, said.number.lstrip("0")):
            groups.append(group)
            continue
        now = [_said(one, by_number.get((one.set_id, one.number.lstrip("0"))), said) for one in group.sets]
        changed += [new for new, old in zip(now, group.sets, strict=True) if new != old]
        update = {"status": said.status, "notes": said.notes, "sets": tuple(now)}
        groups.append(group.model_copy(update=update))
    return Told(_summed(interchange.model_copy(update={"groups": tuple(groups)})), changed)


def _said(ours: TransactionSet, theirs: TransactionSet | None, group: FunctionalGroup) -> TransactionSet:
    if theirs is not None:
        update = {"status": theirs.status, "reason": theirs.reason, "faults": theirs.faults}
        return ours.model_copy(update=update)
    if group.status in ("accepted", "rejected"):
        reason = "; ".join(group.notes)[:500] if group.status == "rejected" else ""
        return ours.model_copy(update={"status": group.status, "reason": reason})
    return ours


def _by_envelope(interchange: Interchange, refused: bool, why: str) -> Told:
    """A TA1 that accepts says nothing of what is inside; one that refuses, refuses all of it."""
    if not refused:
        return Told(interchange, ())
    groups = tuple(
        group.model_copy(
            update={
                "status": "rejected",
                "sets": tuple(
                    one.model_copy(update={"status": "rejected", "reason": why[:500]}) for one in group.sets
                ),
            }
        )
        for group in interchange.groups
    )
    changed = [one for group in groups for one in group.sets]
    return Told(_summed(interchange.model_copy(update={"groups": groups})), changed)


def _summed(interchange: Interchange) -> Interchange:
    """Its state, from those of its sets. With some of them unanswered it goes on waiting."""
    said = {one.status for group in interchange.groups for one in group.sets}
    if not said or "sent" in said:
        return interchange
    bad = said & set(_BAD)
    state = InterchangeState.ACCEPTED
    if bad:
        state = InterchangeState.REJECTED if said == bad else InterchangeState.PARTLY_ACCEPTED
    elif "accepted_with_errors" in said:
        state = InterchangeState.ACCEPTED_WITH_ERRORS
    return interchange.model_copy(update={"state": state})


def _settled(told: Told, read: Reader) -> Outcome:
    interchange = told.interchange
    events = [Event(f"interchange.{_word(interchange)}", interchange)]
    cases: list[Case] = []
    for one in told.changed:
        document = read.get(one.document) if one.document else None
        refused = one.status in _BAD
        if document is None or document.kind not in ANSWERED:
            cases += [_refused(interchange, one, interchange)] if refused else []
            continue
        events.append(Event(f"{document.kind}.{'disowned' if refused else 'acknowledged'}", document))
        if refused:
            cases.append(_refused(interchange, one, document))
    answered = interchange.state not in (InterchangeState.SENT, InterchangeState.OVERDUE)
    closes = [(interchange.id, "acknowledgment_overdue")] if answered else []
    return Outcome(events=events, cases=cases, closes=closes)


def _word(interchange: Interchange) -> str:
    unsettled = (InterchangeState.SENT, InterchangeState.OVERDUE, InterchangeState.DELIVERED)
    return "answered" if interchange.state in unsettled else str(interchange.state)


def _refused(interchange: Interchange, one: TransactionSet, document: Document) -> Case:
    label = one.reference or getattr(document, "number", "") or one.number
    first = one.faults[0].message if one.faults else one.reason
    title = f"{interchange.partner} refused {one.set_id} {label}{f': {first}' if first else ''}"
    evidence = {"partner": interchange.partner, "interchange": interchange.number, **interchanging.told(one)}
    return Case("refused_by_partner", title, document, evidence)


def _unmatched(acknowledgment: Acknowledgment, partner: str) -> Outcome:
    """It answers nothing that we sent: a file of another system, or a number that somebody typed."""
    kept = acknowledgment.model_copy(update={"state": AcknowledgmentState.UNMATCHED})
    about = [f"{group.code} {group.number}" for group in acknowledgment.groups]
    about += [acknowledgment.technical.number] if acknowledgment.technical else []
    title = f"{partner} acknowledged {', '.join(about) or 'something'}, which we did not send"
    sets = [interchanging.told(one) for group in acknowledgment.groups for one in group.sets]
    evidence = {"partner": partner, "about": about, "sets": sets[: interchanging.SHOWN_MAX]}
    return Outcome(
        events=[Event("acknowledgment.unmatched", kept)],
        cases=[Case("unmatched_acknowledgment", title, kept, evidence)],
    )


def resend(document: Document, choice: Choice, read: Reader) -> Outcome:
    """What a partner refused is composed anew, with what was mended since, under new control numbers."""
    return Outcome(events=[Event(f"{document.kind}.resent", document, touch=True)])


def noted(document: Document, choice: Choice, read: Reader) -> Outcome:
    """A person has seen it; nothing follows."""
    return Outcome()
