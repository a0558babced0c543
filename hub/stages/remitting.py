"""Remitting: what a payer tells apart from the money is checked, and put to the money it explains.

It moves no money by itself, except that a remittance over nothing nets credit memos with invoices.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from hub.errors import Invalid
from hub.model import CreditMemo, Invoice, Payment, Remittance, RemittanceState
from hub.stages import matching, naming, pairing, paying, remitted
from hub.stages.outcome import Case, Choice, Event, Outcome, Reader, together
from hub.stages.paying import Asked, Plan
from hub.stages.remitted import Advice, Footed

_UNDECIDED = (RemittanceState.RECEIVED, RemittanceState.REFUSED, RemittanceState.WAITING)


def check(remittance: Remittance, read: Reader) -> Outcome:
    """Refuse what does not add up, whole; put the rest to its payment, or let it wait for one."""
    if remittance.state not in _UNDECIDED:
        return Outcome()
    advice = remitted.of_remittance(remittance)
    if wrong := remitted.strange_money(advice, remittance.amount.currency):
        return _refused(remittance, wrong, {"amount": str(remittance.amount)})
    footed = remitted.foot(advice, remittance.amount)
    if footed.total != remittance.amount and not footed.silent:
        why = f"it adds up to {footed.total}, not to {remittance.amount}"
        return _refused(remittance, why, remitted.arithmetic(footed, remittance.amount))
    known = remittance.model_copy(update={"customer": remittance.customer or _customer(footed, read)})
    accepted = Outcome(closes=[(remittance.id, "remittance_refused")])
    if not known.money_follows:
        return together(accepted, Outcome(events=[Event("remittance.noted", known)]))
    if not known.amount:
        return together(accepted, _netted(known, advice, footed, read))
    return together(accepted, _paired(known, advice, footed, read))


def _customer(footed: Footed, read: Reader) -> str:
    """The one customer whose documents it names."""
    ours = naming.look_up(footed.lines, read).all(footed.lines)
    customers = {one.customer for one in ours if isinstance(one, Invoice | CreditMemo)}
    return customers.pop() if len(customers) == 1 else ""


def _refused(remittance: Remittance, why: str, evidence: Mapping[str, Any]) -> Outcome:
    refused = remittance
    if remittance.state is RemittanceState.RECEIVED:
        refused = remittance.model_copy(update={"state": RemittanceState.REFUSED})
    title = f"{_label(remittance)} of {remittance.amount} cannot be used: {why}"
    case = Case("remittance_refused", title, refused, {**evidence, "payer": remittance.payer.name})
    return Outcome(events=[Event("remittance.refused", refused)], cases=[case])


def _paired(remittance: Remittance, advice: Advice, footed: Footed, read: Reader) -> Outcome:
    read.hold("receipt")  # no payment is booked meanwhile, so that the two see each other
    found = pairing.find(remittance, read)
    if found.payment is not None:
        return together(
            pairing.linked(remittance, found.payment), matching.again(found.payment, advice, read)
        )
    waiting = remittance.model_copy(update={"state": RemittanceState.WAITING})
    asked = [_unmatched(waiting, found.doubt, footed)] if found.doubt else []
    return Outcome(events=[Event("remittance.waiting", waiting)], cases=asked)


def _netted(remittance: Remittance, advice: Advice, footed: Footed, read: Reader) -> Outcome:
    """No money will come: our credit memos settle our invoices, if that is all it says."""
    asked = Asked(remittance.amount, remittance.paid_on, remittance.customer)
    plan = paying.find(asked, advice, read)
    if isinstance(plan, Plan) and not plan.strange and not any(one.cash for one in plan.paid):
        done = remittance.model_copy(update={"state": RemittanceState.MATCHED})
        return together(Outcome(events=[Event("remittance.matched", done)]), paying.net(plan, read))
    waiting = remittance.model_copy(update={"state": RemittanceState.WAITING})
    why = plan.why if isinstance(plan, paying.Doubt) else "no money comes with it, and not all of it is ours"
    return Outcome(events=[Event("remittance.waiting", waiting)], cases=[_unmatched(waiting, why, footed)])


def _unmatched(remittance: Remittance, why: str, footed: Footed) -> Case:
    title = f"{_label(remittance)} of {remittance.amount} explains no payment: {why}"
    evidence = {
        **remitted.arithmetic(footed, remittance.amount),
        "trace": remittance.trace,
        "payer": remittance.payer.name,
        "announced_for": str(remittance.paid_on),
    }
    return Case("unmatched_remittance", title, remittance, evidence)


def _label(remittance: Remittance) -> str:
    return f"Remittance {remittance.number or remittance.trace or remittance.id}"


def overdue(remittance: Remittance, read: Reader) -> Outcome:
    """The money it announces should have come by now: a person is asked, once."""
    last = remittance.paid_on + timedelta(days=read.policies.matching.remittance_wait_days)
    if remittance.state is not RemittanceState.WAITING or read.today <= last:
        return Outcome()
    again = check(remittance, read)  # a payment that was taken back or matched otherwise may be free by now
    if any(event.name == "remittance.matched" for event in again.events):
        return again
    footed = remitted.foot(remitted.of_remittance(remittance), remittance.amount)
    why = f"it was announced for {remittance.paid_on}, and no such money came by {last}"
    return Outcome(cases=[_unmatched(remittance, why, footed)])


def retry(remittance: Remittance, choice: Choice, read: Reader) -> Outcome:
    """A person mended the cause: judge it again."""
    return check(remittance, read)


def set_aside(remittance: Remittance, choice: Choice, read: Reader) -> Outcome:
    """A person leaves it unused; the money, if it comes, is matched by other means."""
    return Outcome()


def match(remittance: Remittance, choice: Choice, read: Reader) -> Outcome:
    """A person knows the payment: values = {payment: its number or id}. Raises Invalid where it cannot be."""
    named = str(choice.values.get("payment", "")).strip()
    found = [read.get(named), *read.numbered("payment", named)] if named else []
    payment = next((one for one in found if isinstance(one, Payment)), None)
    if remittance.state is not RemittanceState.WAITING:
        raise Invalid(f"this remittance is {remittance.state}", field="decision")
    if payment is None or payment.state not in (*pairing.OPEN, *pairing.DONE):
        raise Invalid("name the payment that it explains", field="payment")
    if payment.amount != remittance.amount:
        raise Invalid(f"payment {payment.number} is over {payment.amount}", field="payment")
    if read.remittances_of(payment.id):
        raise Invalid(f"payment {payment.number} has a remittance already", field="payment")
    advice = remitted.of_remittance(remittance)
    return together(pairing.linked(remittance, payment), matching.again(payment, advice, read))
