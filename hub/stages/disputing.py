"""Disputing: money that a payer's bank took back is nobody's until the bank decides, and then somebody's.

What a dispute should have moved is worked out anew each time something is told of it, and the difference to
what stands is posted: so the order in which it is told does not matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from hub import ledger
from hub.ledger import Account, Posting
from hub.model import Dispute, DisputeState, Money, Payment
from hub.stages import returning
from hub.stages.outcome import Case, Choice, Event, Outcome, Reader, together
from hub.stages.reclaiming import asked

_STATES: Mapping[str, DisputeState] = {
    "open": DisputeState.OPENED,
    "won": DisputeState.WON,
    "lost": DisputeState.LOST,
}
_UNDECIDED = (DisputeState.RECEIVED, DisputeState.REFUSED)


def check(dispute: Dispute, read: Reader) -> Outcome:
    """Bring the books to what is told of a dispute now; one that does not fit its payment is a case."""
    payment = returning.locked(dispute.payment, read)
    problems = [*returning.misfits(dispute, payment), *_misfits(dispute, payment)]
    if problems or payment is None:
        return _refused(dispute, problems)
    known = returning.known_of(dispute, payment)
    told = dispute.model_copy(update={**known, "state": _STATES[dispute.outcome]})
    standing, wanted = read.standing(payment=dispute.id), ledger.disputed(told)
    moved = ledger.towards(f"dispute {told.number} of payment {payment.number}", wanted, standing)
    currency = payment.amount.currency
    lost = _lost(wanted, currency)
    back = returning.give_back(payment, told, _lost(standing, currency), lost, read)
    title = f"{lost} of payment {payment.number} is lost to dispute {told.number}"
    cases = [*asked("dispute_lost", title, told, back.freed), *_opened(dispute, told, payment)]
    events = [] if told == dispute else [Event(f"dispute.{told.state}", told)]
    return together(Outcome(events, cases, [moved], list(_answered(told))), back.outcome)


def retry(dispute: Dispute, choice: Choice, read: Reader) -> Outcome:
    """A person mended the cause: judge the dispute again."""
    return check(dispute, read)


def _misfits(dispute: Dispute, payment: Payment | None) -> Iterator[str]:
    taken, currency = dispute.withdrawn, dispute.amount.currency
    if payment is not None and not payment.held_by:
        yield f"payment {payment.number} is held by no provider; the bank's own line tells what it took back"
    elif taken and (taken.currency != currency or taken.amount < 0 or taken != taken.rounded()):
        yield f"{taken} was withdrawn for it; only an amount in {currency} can be"
    elif taken and dispute.amount < taken:
        yield f"{taken} was withdrawn for it, and only {dispute.amount} is disputed"


def _lost(postings: Iterable[Posting], currency: str) -> Money:
    """What of these postings went back to the payer for good."""
    total = Money.zero(currency)
    for posting in postings:
        total += posting.amount if posting.account is Account.REFUNDED else Money.zero(currency)
    return total


def _refused(dispute: Dispute, problems: list[str]) -> Outcome:
    evidence = {"problems": problems, "amount": str(dispute.amount), "reason": dispute.reason}
    title = f"Dispute {dispute.number} over {dispute.amount} does not fit: {problems[0]}"
    if dispute.state not in _UNDECIDED:
        return Outcome(cases=[Case("dispute_refused", title, dispute, evidence)])
    refused = dispute.model_copy(update={"state": DisputeState.REFUSED})
    return Outcome([Event("dispute.refused", refused)], [Case("dispute_refused", title, refused, evidence)])


def _opened(before: Dispute, told: Dispute, payment: Payment) -> Iterator[Case]:
    if told.state is not DisputeState.OPENED or before.state is DisputeState.OPENED:
        return
    until = f"; evidence until {told.respond_by}" if told.respond_by else ""
    why = told.reason or "no reason told"
    title = f"{told.amount} of payment {payment.number} is disputed ({why}){until}"
    evidence = {
        "amount": str(told.amount), "withdrawn": str(told.withdrawn or ""), "reason": told.reason,
        "respond_by": str(told.respond_by or ""), "held_by": told.held_by,
    }  # fmt: skip
    yield Case("dispute_opened", title, told, evidence)


def _answered(told: Dispute) -> Iterator[tuple[str, str]]:
    yield told.id, "dispute_refused"
    if told.state is not DisputeState.OPENED:
        yield told.id, "dispute_opened"
    if told.state is not DisputeState.LOST:
        yield told.id, "dispute_lost"
