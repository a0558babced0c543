"""Returning: what goes back to a payer is taken from what their payment settled, and comes back the same way.

However often and in whatever order refunds and disputes of a payment are told, a payment gives back what all
of them together took, up to its whole amount. What they took beyond that is a question for a human.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from hub import ledger
from hub.ledger import Account, Group
from hub.model import (
    Dispute,
    DisputeState,
    Invoice,
    Money,
    Payment,
    PaymentState,
    Refund,
    RefundState,
)
from hub.stages.applying import OWED
from hub.stages.outcome import Case, Event, Outcome, Reader

_FREE = ("unmatched_payment", "overpayment")  # questions about money that is there to be applied


class Freed(NamedTuple):
    """What of an invoice is owed again."""

    invoice: Invoice
    amount: Money


class Returned(NamedTuple):
    """What follows for the payment, and which invoices are owed again."""

    outcome: Outcome
    freed: Sequence[Freed] = ()


def locked(payment_id: str, read: Reader) -> Payment | None:
    """The payment, with the customers held whose invoices it settles; None where there is no such payment."""
    if not isinstance(read.get(payment_id), Payment):
        return None
    read.lock(payment_id)
    invoices = [read.get(one) for one in read.touched(payment_id)]
    for customer in sorted({one.customer for one in invoices if isinstance(one, Invoice)}):
        read.lock(customer)
    found = read.get(payment_id)
    return found if isinstance(found, Payment) else None


def misfits(source: Refund | Dispute, payment: Payment | None) -> Iterator[str]:
    """Why a refund or a dispute cannot be of this payment."""
    amount = source.amount
    if payment is None:
        yield f"payment {source.payment} is not known"
    elif payment.amount.amount <= 0 or payment.state is PaymentState.TRANSFERRED:
        yield f"payment {payment.number} is no customer's payment"
    elif amount.currency != payment.amount.currency:
        yield f"{amount} is not in the currency of payment {payment.number}, {payment.amount.currency}"
    elif not amount.amount > 0 or amount != amount.rounded():
        yield f"{amount} is no positive amount in {amount.currency}"
    elif payment.amount < amount:
        yield f"{amount} is more than payment {payment.number} of {payment.amount}"
    elif source.held_by and payment.held_by != source.held_by:
        yield f"payment {payment.number} is not held by {source.held_by}"


def known_of(source: Refund | Dispute, payment: Payment) -> dict[str, str]:
    """What a refund or a dispute does not say itself, and its payment knows."""
    return {
        "customer": source.customer or payment.customer,
        "seller": source.seller or payment.seller,
        "held_by": source.held_by or payment.held_by,
    }


def give_back(
    payment: Payment, source: Refund | Dispute, before: Money, after: Money, read: Reader
) -> Returned:
    """Let a payment give back what `source` took: `before`, and `after` what is told now.

    The payment must be `locked`. What came back is applied to the invoices it had settled, where still owed.
    """
    wanted = sent_back_of(payment, read, but=source.id) + after
    standing = Money.zero(wanted.currency) if payment.state is PaymentState.REVERSED else payment.amount
    covered, now = min(wanted, standing), given_back(payment, read)
    step = covered - now
    if before < after:
        done = _taken(payment, min(step, after - before), read)
    else:
        done = _restored(payment, min(now - covered, before - after), source, read)
    return done._replace(outcome=_with_doubt(done.outcome, payment, wanted, covered))


def given_back(payment: Payment, read: Reader) -> Money:
    """What of a payment went back to the payer."""
    back = Money.zero(payment.amount.currency)
    for posting in read.standing(payment=payment.id):
        if posting.account is Account.REFUNDED and posting.amount.currency == back.currency:
            back -= posting.amount
    return back


def taken_by(source: Refund | Dispute) -> Money:
    """What a refund or a dispute that was booked took of its payment for good."""
    if isinstance(source, Refund) and source.state is RefundState.BOOKED:
        return source.amount
    if isinstance(source, Dispute) and source.state is DisputeState.LOST and source.withdrawn:
        return source.withdrawn
    return Money.zero(source.amount.currency)


def sent_back_of(payment: Payment, read: Reader, *, but: str = "") -> Money:
    """What refunds and lost disputes of a payment took together; `but`: without the one of this id."""
    total = Money.zero(payment.amount.currency)
    for kind in ("refund", "dispute"):
        for one in read.known_as(kind, [payment.id]):
            if isinstance(one, Refund | Dispute) and one.id != but:
                total += taken_by(one)
    return total


def _taken(payment: Payment, step: Money, read: Reader) -> Returned:
    """Take it from what is unapplied, then from what was applied last."""
    if not step.amount > 0:
        return Returned(Outcome())
    left = read.unapplied(payment.id, step.currency)
    freed, groups = list[Freed](), list[Group]()
    applied = {one.invoice: one.amount for one in read.allocations(payment=payment.id)}
    for invoice_id, amount in reversed(applied.items()):
        invoice = read.get(invoice_id)
        if step <= left:
            break
        if isinstance(invoice, Invoice):
            one = _free(payment, invoice, amount, step - left, read)
            groups.append(one.group)
            freed.append(Freed(invoice, one.owed))
            left += one.given
            applied[invoice_id] = amount - one.owed
    groups.append(ledger.refunded(payment, step))
    sent = _in_state(payment, left - step, applied=any(applied.values()))
    closes = [] if left != step else [(payment.id, reason) for reason in _FREE]
    return Returned(Outcome([Event("payment.refunded", sent, touch=True)], (), groups, closes), freed)


class _Unapplied(NamedTuple):
    """What is owed again of an invoice, and what that gives the payment, each in its own currency."""

    group: Group
    owed: Money
    given: Money


def _free(payment: Payment, invoice: Invoice, applied: Money, needed: Money, read: Reader) -> _Unapplied:
    """At most what is needed; an application across currencies only as a whole."""
    if applied.currency == needed.currency:
        part = min(applied, needed)
        return _Unapplied(ledger.freed(payment, invoice, part), part, part)
    standing = [one for one in read.standing(payment=payment.id) if one.invoice == invoice.id]
    group = ledger.undone(payment, invoice, standing)
    given = Money.zero(needed.currency)
    for posting in group.postings:
        if posting.account is Account.UNAPPLIED and posting.amount.currency == given.currency:
            given -= posting.amount
    return _Unapplied(group, applied, given)


def _restored(payment: Payment, step: Money, source: Refund | Dispute, read: Reader) -> Returned:
    """It came back: applied again where it had been and is still owed, else free for a person to apply."""
    if not step.amount > 0:
        return Returned(Outcome())
    groups, left = [ledger.refunded(payment, -step)], step
    for invoice_id in read.touched(payment.id):
        invoice = read.get(invoice_id)
        if not isinstance(invoice, Invoice) or invoice.state not in OWED or invoice.currency != step.currency:
            continue
        part = min(left, read.open_amount(invoice))
        if part.amount > 0:
            groups.append(ledger.applied(payment, invoice, part, rule="it came back"))
            left -= part
    free = read.unapplied(payment.id, step.currency) + left
    applied = left != step or bool(read.allocations(payment=payment.id))
    back = _in_state(payment, free, applied=applied)
    cases = [_came_back(back, left, source)] if left else []
    return Returned(Outcome([Event("payment.restored", back, touch=True)], cases, groups))


def _in_state(payment: Payment, left: Money, *, applied: bool) -> Payment:
    if not left:
        state = PaymentState.APPLIED  # nothing is left to explain
    elif applied:
        state = PaymentState.PART_APPLIED
    elif payment.state is PaymentState.UNIDENTIFIED:
        state = payment.state
    else:
        state = PaymentState.UNAPPLIED
    return payment.model_copy(update={"state": state})


def _came_back(payment: Payment, left: Money, source: Refund | Dispute) -> Case:
    reason = "overpayment" if payment.customer else "unmatched_payment"
    title = f"{left} of payment {payment.number} came back with {source.kind} {source.number} and is free"
    return Case(reason, title, payment, {"unapplied": str(left), source.kind: source.number})


def _with_doubt(outcome: Outcome, payment: Payment, wanted: Money, covered: Money) -> Outcome:
    """Ask where more was sent back than the payment brought; the question ends where that is no longer so."""
    if wanted <= covered:
        return Outcome(
            outcome.events, outcome.cases, outcome.groups, [*outcome.closes, (payment.id, "sent_back_twice")]
        )
    return Outcome(
        outcome.events, [*outcome.cases, twice(payment, wanted, covered)], outcome.groups, outcome.closes
    )


def twice(payment: Payment, wanted: Money, covered: Money) -> Case:
    """More went back to a payer than came: somebody has to claim it back, or bear it."""
    over = wanted - covered
    title = f"{over} more went back of payment {payment.number} than it brought"
    evidence = {"sent_back": str(wanted), "covered": str(covered), "amount": str(payment.amount)}
    return Case("sent_back_twice", title, payment, evidence)
