"""Pairing: which remittance explains which payment, whichever of the two arrives first.

A trace number that both carry is proof. Else amount, payer and day must all fit, and fit nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from hub.model import Payment, PaymentState, Remittance, RemittanceState
from hub.stages import remitted
from hub.stages.outcome import Event, Outcome, Reader
from hub.stages.references import key
from hub.stages.remitted import Advice

OPEN = (PaymentState.UNIDENTIFIED, PaymentState.UNAPPLIED)
DONE = (PaymentState.PART_APPLIED, PaymentState.APPLIED)
NAME_MIN = 8  # characters that a name cut short by a bank must have to say anything


class Explained(NamedTuple):
    """What is told of a payment, the remittance that tells it, and why a remittance that came does not."""

    advice: Advice | None = None
    remittance: Remittance | None = None
    doubt: str = ""

    def linked(self, payment: Payment) -> Outcome:
        """The remittance belongs to the payment from now on."""
        return linked(self.remittance, payment) if self.remittance is not None else Outcome()


class Paired(NamedTuple):
    """The payment that a remittance explains, or why that is not clear."""

    payment: Payment | None = None
    doubt: str = ""


def linked(remittance: Remittance, payment: Payment) -> Outcome:
    """The two belong together: what was asked about the remittance is answered."""
    known = {"payment": payment.id, "customer": remittance.customer or payment.customer}
    done = remittance.model_copy(update={**known, "state": RemittanceState.MATCHED})
    closes = [(remittance.id, reason) for reason in ("unmatched_remittance", "remittance_refused")]
    return Outcome(events=[Event("remittance.matched", done, touch=True)], closes=closes)


def explained(payment: Payment, read: Reader) -> Explained:
    """What came with a payment or before it. Its own documents count first."""
    own = remitted.of_payment(payment)
    found = _announced(payment, read)
    if own is not None:
        return Explained(own, found.remittance)
    return found


def _announced(payment: Payment, read: Reader) -> Explained:
    """The remittance that waits for this payment."""
    waiting = [x for x in read.traced("remittance", payment.trace) if isinstance(x, Remittance)]
    waiting = [x for x in waiting if x.money_follows and x.state is not RemittanceState.MATCHED]
    if not waiting:
        return _by_amount(payment, read)
    exact = [x for x in waiting if x.amount == payment.amount and x.state is RemittanceState.WAITING]
    if len(exact) == 1:
        return Explained(remitted.of_remittance(exact[0]), exact[0])
    return Explained(doubt=_misfit(waiting, payment))


def _misfit(waiting: Sequence[Remittance], payment: Payment) -> str:
    names = ", ".join(x.number or x.trace for x in waiting)
    if any(x.state is RemittanceState.REFUSED for x in waiting):
        return f"its remittance {names} does not add up"
    if len(waiting) > 1:
        return f"several remittances carry its trace ({names})"
    return f"its remittance {names} is over {waiting[0].amount}, not {payment.amount}"


def _by_amount(payment: Payment, read: Reader) -> Explained:
    days = _window(payment.value_on or payment.booked_on, read)
    found = read.of_amount("remittance", payment.amount, [RemittanceState.WAITING], days)
    fitting = [x for x in found if isinstance(x, Remittance) and fits(x, payment, read)]
    if len(fitting) == 1:
        return Explained(remitted.of_remittance(fitting[0]), fitting[0])
    return Explained(doubt=f"{len(fitting)} remittances fit it" if fitting else "")


def _window(day: date, read: Reader) -> tuple[date, date]:
    reach = timedelta(days=read.policies.matching.remittance_window_days)
    return day - reach, day + reach


def find(remittance: Remittance, read: Reader) -> Paired:
    """The payment that a remittance explains, among those that arrived before it."""
    traced = [x for x in read.traced("payment", remittance.trace) if isinstance(x, Payment)]
    traced = [x for x in traced if x.state in (*OPEN, *DONE) and not read.remittances_of(x.id)]
    if traced:
        exact = [x for x in traced if x.amount == remittance.amount]
        if len(exact) == 1:
            return Paired(exact[0])
        numbers = ", ".join(f"{x.number} of {x.amount}" for x in traced)
        return Paired(doubt=f"payment {numbers} carries its trace, and it is over {remittance.amount}")
    for states in (OPEN, DONE):
        found = read.of_amount("payment", remittance.amount, states, _window(remittance.paid_on, read))
        fitting = [x for x in found if isinstance(x, Payment) and fits(remittance, x, read)]
        fitting = [x for x in fitting if not read.remittances_of(x.id)]
        if len(fitting) == 1:
            return Paired(fitting[0])
        if fitting:
            return Paired(doubt=f"{len(fitting)} payments fit it: {', '.join(x.number for x in fitting)}")
    return Paired()


def fits(remittance: Remittance, payment: Payment, read: Reader) -> bool:
    """May they belong together, where no trace says so? Something must say that the payer is the same."""
    if remittance.trace and payment.trace and key(remittance.trace) != key(payment.trace):
        return False
    if remittance.payer.account and key(remittance.payer.account) == key(payment.payer.account):
        return True
    payer = payment.customer or read.payer_of_account(payment.payer.account)
    if payer and remittance.customer:
        return payer == remittance.customer
    customer = read.get(remittance.customer) if remittance.customer else None
    names = (remittance.payer.name, str(getattr(customer, "name", "")))
    return any(same_name(name, payment.payer.name) for name in names)


def same_name(one: str, other: str) -> bool:
    """Are they the same name, but for case, signs, and where a bank cut it off?"""
    short, long = sorted((key(one), key(other)), key=len)
    return bool(short) and (short == long or (len(short) >= NAME_MIN and long.startswith(short)))
