"""Cash application: which invoices does a payment pay?

Only proof applies cash without a human: our own invoice numbers in the payment, or a payer account we have
learned from earlier matches together with the one invoice that fits exactly. Everything else is a case
with suggestions.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from hub import ledger
from hub.model import Invoice, InvoiceState, Money, Payment, PaymentState
from hub.stages.outcome import Case, Event, Outcome, Reader
from hub.stages.references import candidates

FAMILY_MAX = 100  # more open invoices than this, and an amount alone proves nothing


class Share(NamedTuple):
    """How much of the payment goes to one invoice."""

    invoice: Invoice
    amount: Money


class Match(NamedTuple):
    """A proposal with the rule that found it. `doubt` says why a person must look."""

    shares: Sequence[Share]
    rule: str
    doubt: str = ""
    reason: str = "unmatched_payment"


def apply(payment: Payment, read: Reader) -> Outcome:
    """Post a received payment and apply what is proven."""
    booked = payment.model_copy(update={"number": payment.number or f"R-{read.next_number('receipt'):06d}"})
    received = ledger.received(booked)
    if booked.amount.amount <= 0:
        doubt = Match((), "reversal", f"{booked.amount} was taken back by the bank", "payment_reversed")
        return _unmatched(booked, doubt, [received], read)
    match = find(booked, read)
    if not match.shares:
        return _unmatched(booked, match, [received], read)
    return post(booked, match, read, before=[received])


def find(payment: Payment, read: Reader) -> Match:
    """The best proven match, or one without shares and with the doubt."""
    named = read.invoices_named(candidates(payment))
    if named:
        return _by_reference(payment, named, read)
    payer = read.payer_of_account(payment.payer.account)
    if payer and read.policies.matching.known_payer_exact:
        return _by_payer(payment, payer, read)
    return Match((), "none", "no invoice number of ours is in the payment and the payer's account is new")


def post(payment: Payment, match: Match, read: Reader, *, before: Sequence[ledger.Group] = ()) -> Outcome:
    """Turn shares into postings and events. What stays unapplied or open is said in a case."""
    customers = {share.invoice.customer for share in match.shares}
    known = payment.model_copy(update={"customer": customers.pop() if len(customers) == 1 else ""})
    groups = [*before, *(ledger.applied(known, s.invoice, s.amount) for s in match.shares)]
    left = _left(known, match.shares, read, fresh=bool(before))
    state = PaymentState.PART_APPLIED if left else PaymentState.APPLIED
    done = known.model_copy(update={"state": state})
    cases = _overpaid(done, match, left) if left else _short(done, match, read)
    return Outcome(
        events=[Event("payment.applied", done, touch=True)],
        cases=cases,
        groups=groups,
        closes=[(payment.id, reason) for reason in ("unmatched_payment", "overpayment")] if not left else (),
    )


def _left(payment: Payment, shares: Sequence[Share], read: Reader, *, fresh: bool) -> Money:
    left = payment.amount if fresh else read.unapplied(payment.id, payment.amount.currency)
    for share in shares:
        left -= share.amount
    return left


def _by_reference(payment: Payment, named: Sequence[Invoice], read: Reader) -> Match:
    """Invoices that the payment names (rules 1, 3, 7 and 8 of the ladder in docs/matching.md)."""
    if len({invoice.customer for invoice in named}) > 1:
        return Match((), "reference", "it names invoices of different customers")
    foreign = [x.number for x in named if x.currency != payment.amount.currency]
    if foreign:
        return Match((), "reference", f"{', '.join(foreign)} is in another currency than the payment")
    read.lock(named[0].customer)  # balances are read under the lock that guards their change
    open_ones = [(x, read.open_amount(x)) for x in named if x.state is not InvoiceState.PAID]
    if not open_ones:
        numbers = ", ".join(x.number for x in named)
        return Match((), "reference", f"{numbers} is paid already; this may be a second payment")
    open_ones.sort(key=lambda pair: (pair[0].due_date, pair[0].number))
    total = sum((amount.amount for _, amount in open_ones), Decimal(0))
    if payment.amount.amount < total and not read.policies.matching.apply_partial:
        return Match((), "reference", f"it is short of the invoices it names ({total} open)")
    return Match(_spread(payment.amount, open_ones), "reference")


def _spread(amount: Money, open_ones: Sequence[tuple[Invoice, Money]]) -> list[Share]:
    """Pay the oldest due first until the amount is used up."""
    shares, left = [], amount
    for invoice, open_amount in open_ones:
        part = min(left, open_amount)
        if part.amount > 0:
            shares.append(Share(invoice, part))
            left -= part
    return shares


def _by_payer(payment: Payment, payer: str, read: Reader) -> Match:
    """A learned payer and exactly one open invoice of that amount, no pair or triple adding up to it."""
    read.lock(payer)
    family = [x for x in read.open_invoices(payer, FAMILY_MAX + 1) if x.currency == payment.amount.currency]
    if len(family) > FAMILY_MAX:
        return Match((), "payer", f"the payer is known but has over {FAMILY_MAX} open invoices")
    amounts = [(x, read.open_amount(x)) for x in family]
    exact = [(x, amount) for x, amount in amounts if amount == payment.amount]
    if len(exact) == 1 and not _other_sum(payment.amount.minor, [a.minor for _, a in amounts]):
        return Match([Share(*exact[0])], "known payer, exact amount")
    return Match((), "payer", f"the payer is known; {len(exact)} open invoices are over exactly this amount")


def _other_sum(target: int, amounts: Sequence[int]) -> bool:
    """Do two or three of these amounts add up to the target? Bounded by FAMILY_MAX cubed over six."""
    ordered = sorted(amounts)
    present = {minor: ordered.count(minor) for minor in ordered}
    for i, first in enumerate(ordered):
        rest = ordered[i + 1 :]
        if target - first in rest:
            return True
        for j, second in enumerate(rest):
            third = target - first - second
            if third < second:
                break
            if third in present and third in rest[j + 1 :]:
                return True
    return False


def _unmatched(payment: Payment, match: Match, groups: list[ledger.Group], read: Reader) -> Outcome:
    waiting = payment.model_copy(update={"state": PaymentState.UNIDENTIFIED})
    who = payment.payer.name or payment.payer.account or "an unnamed payer"
    title = f"Payment {payment.number} of {payment.amount} from {who}: {match.doubt}"
    case = Case(match.reason, title, waiting, _evidence(payment, match, read))
    return Outcome(events=[Event("payment.unidentified", waiting)], cases=[case], groups=groups)


def _evidence(payment: Payment, match: Match, read: Reader) -> dict[str, object]:
    return {
        "amount": str(payment.amount),
        "payer": payment.payer.name,
        "payer_account": payment.payer.account,
        "text": list(payment.remittance_information),
        "rule": match.rule,
        "doubt": match.doubt,
        "suggestions": [
            {"invoice": x.id, "number": x.number, "open": str(read.open_amount(x)), "why": "same amount"}
            for x in read.invoices_of_amount(payment.amount)
        ],
    }


def _overpaid(payment: Payment, match: Match, left: Money) -> list[Case]:
    title = f"Payment {payment.number} is {left} more than the invoices it pays"
    numbers = [share.invoice.number for share in match.shares]
    return [Case("overpayment", title, payment, {"unapplied": str(left), "invoices": numbers})]


def _short(payment: Payment, match: Match, read: Reader) -> list[Case]:
    cases = []
    for share in match.shares:
        missing = read.open_amount(share.invoice) - share.amount
        if missing:
            title = f"Invoice {share.invoice.number} was paid {missing} short by payment {payment.number}"
            evidence = {"missing": str(missing), "paid": str(share.amount), "payment": payment.number}
            cases.append(Case("short_payment", title, share.invoice, {**evidence, "payment_id": payment.id}))
    return cases
