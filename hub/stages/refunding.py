"""Refunding: what was sent back of a payment is booked as the provider did it; people say what it means."""

from __future__ import annotations

from hub import ledger
from hub.model import Money, Refund, RefundState
from hub.stages import returning
from hub.stages.outcome import Case, Choice, Event, Outcome, Reader, together
from hub.stages.reclaiming import asked

_UNDECIDED = (RefundState.RECEIVED, RefundState.REFUSED)
_ASKED = ("refund_refused", "refund_applied")


def check(refund: Refund, read: Reader) -> Outcome:
    """Book a refund, or take it back where it failed; one that does not fit its payment is a case."""
    if refund.state in _UNDECIDED:
        return _dropped(refund) if refund.cancelled_on else _judged(refund, read)
    failed = refund.cancelled_on and refund.state is RefundState.BOOKED
    return _undone(refund, read) if failed else Outcome()


def retry(refund: Refund, choice: Choice, read: Reader) -> Outcome:
    """A person mended the cause: judge the refund again."""
    return _judged(refund, read)


def drop(refund: Refund, choice: Choice, read: Reader) -> Outcome:
    """A person sets aside a refund that was never booked."""
    return _dropped(refund)


def _judged(refund: Refund, read: Reader) -> Outcome:
    payment = returning.locked(refund.payment, read)
    problems = list(returning.misfits(refund, payment))
    if problems or payment is None:
        refused = refund.model_copy(update={"state": RefundState.REFUSED})
        evidence = {"problems": problems, "amount": str(refund.amount)}
        title = f"Refund {refund.number} of {refund.amount} cannot be booked: {problems[0]}"
        case = Case("refund_refused", title, refused, evidence)
        return Outcome([Event("refund.refused", refused)], [case])
    known = returning.known_of(refund, payment)
    booked = refund.model_copy(update={**known, "state": RefundState.BOOKED})
    back = returning.give_back(payment, booked, Money.zero(refund.amount.currency), refund.amount, read)
    moved = ledger.balanced(f"refund {refund.number} of payment {payment.number}", ledger.sent_back(booked))
    title = f"{refund.amount} of payment {payment.number} was sent back by refund {refund.number}"
    own = Outcome(
        [Event("refund.booked", booked)],
        asked("refund_applied", title, booked, back.freed),
        [moved],
        [(refund.id, "refund_refused")],
    )
    return together(own, back.outcome)


def _undone(refund: Refund, read: Reader) -> Outcome:
    """The money came back to us: the payment has it again."""
    payment = returning.locked(refund.payment, read)
    assert payment is not None, refund.payment
    gone = refund.model_copy(update={"state": RefundState.REVERSED})
    nothing = Money.zero(refund.amount.currency)
    back = returning.give_back(payment, gone, refund.amount, nothing, read)
    moved = ledger.taken_back(f"refund {refund.number} failed", read.standing(payment=refund.id))
    closes = [(refund.id, reason) for reason in _ASKED]
    return together(Outcome([Event("refund.reversed", gone, touch=True)], (), [moved], closes), back.outcome)


def _dropped(refund: Refund) -> Outcome:
    gone = refund.model_copy(update={"state": RefundState.REVERSED})
    return Outcome([Event("refund.withdrawn", gone)], (), (), [(refund.id, "refund_refused")])
