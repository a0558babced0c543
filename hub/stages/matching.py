"""Cash application: which invoices does a payment pay?

Only proof applies cash without a human: our own invoice numbers in the payment, or a payer account we have
learned from earlier matches together with the one invoice that fits exactly. Everything else is a case
with suggestions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple

from hub import ledger
from hub.model import Invoice, InvoiceState, Money, Payment, PaymentState
from hub.stages import applying, cancelling, holding, pairing, paying, paying_out
from hub.stages.applying import OWED, Share
from hub.stages.arriving import not_ours
from hub.stages.outcome import Case, Event, Outcome, Reader, together
from hub.stages.references import candidates
from hub.stages.remitted import Advice

_ANSWERED = ("unmatched_payment", "overpayment")
FAMILY_MAX = 100  # more open invoices than this, and an amount alone proves nothing


class Match(NamedTuple):
    """A proposal with the rule that found it. `doubt` says why a person must look.

    `told`: a system decided it. What that leaves over or short is that system's to settle, nobody is asked.
    """

    shares: Sequence[Share]
    rule: str
    doubt: str = ""
    reason: str = "unmatched_payment"
    told: bool = False
    shown: Mapping[str, object] = MappingProxyType({})  # arithmetic for the person who looks


def apply(payment: Payment, read: Reader) -> Outcome:
    """Post a received payment and apply what is proven, or what the system it is from says it settled.

    Raises NotYet where it is one of ours whose arrival there is not confirmed yet.
    """
    not_ours(payment, read)
    if payment.cancelled_on:
        return holding.withdrawn(payment)
    booked = payment.model_copy(update={"number": payment.number or f"R-{read.next_number('receipt'):06d}"})
    received = ledger.received(booked)
    if (payout := paying_out.of_line(booked, read)) is not None:
        return paying_out.arrived(booked, payout, [received])
    if doubt := paying_out.unexplained(booked, read):
        match = Match((), "payout", doubt)
    elif booked.amount.amount <= 0:
        match = Match((), "reversal", f"{booked.amount} was taken back by the bank", "payment_reversed")
    elif booked.applications:
        match = _told(booked, read, fresh=True)
    else:
        return _explained(booked, received, read)
    if not match.shares:
        return _unmatched(booked, match, [received], read)
    return post(booked, match, read, before=[received])


def _explained(payment: Payment, received: ledger.Group, read: Reader) -> Outcome:
    """By what its payer tells of it, with it or apart from it; else by what else it says."""
    told = pairing.explained(payment, read)
    link = told.linked(payment)
    found = paying.find(paying.of_payment(payment), told.advice, read) if told.advice else None
    if isinstance(found, paying.Plan):
        return together(paying.settle(payment, found, read, before=[received]), link)
    if isinstance(found, paying.Doubt):
        match = Match((), paying.RULE, found.why, shown=found.evidence)
    elif payment.customer and not payment.held_by:
        return together(_on_account(payment, received), link)
    else:
        match = find(_naming(payment, told.advice), read)
    if match.shares:
        return together(post(payment, match, read, before=[received]), link)
    match = match._replace(doubt=told.doubt or match.doubt)
    if payment.customer:
        asked = Case(match.reason, _title(payment, match), payment, _evidence(payment, match, read))
        return together(_on_account(payment, received), Outcome(cases=[asked]), link)
    return together(_unmatched(payment, match, [received], read), link)


def _naming(payment: Payment, advice: Advice | None) -> Payment:
    """The payment with the numbers its remittance names, for looking them up."""
    return payment.model_copy(update={"documents": tuple(advice.documents)}) if advice else payment


def again(payment: Payment, advice: Advice, read: Reader) -> Outcome:
    """What explains a payment came after it. Where something is applied already, that stands."""
    untouched = read.unapplied(payment.id, payment.amount.currency) == payment.amount
    if payment.state not in pairing.OPEN or not untouched:
        return Outcome()
    found = paying.find(paying.of_payment(payment), advice, read)
    if isinstance(found, paying.Plan):
        return paying.settle(payment, found, read)
    if isinstance(found, paying.Doubt):
        match = Match((), paying.RULE, found.why, shown=found.evidence)
    elif payment.customer:
        return Outcome()  # on account: only what names our documents changes that
    else:
        match = find(_naming(payment, advice), read)
    if match.shares:
        return post(payment, match, read)
    evidence = _evidence(payment, match, read)
    return Outcome(cases=[Case(match.reason, _title(payment, match), payment, evidence)])


def changed(payment: Payment, read: Reader) -> Outcome:
    """The system it is from took it back, told what it kept of it, or applied more of it."""
    waits = payment.state is PaymentState.UNIDENTIFIED and not payment.cancelled_on
    payout = paying_out.of_line(payment, read) if waits else None
    if payout is not None:
        return paying_out.arrived(payment, payout, ())
    return together(holding.charged(payment, read), _changed(payment, read))


def _changed(payment: Payment, read: Reader) -> Outcome:
    if payment.cancelled_on:
        return cancelling.payment(payment, read)
    if payment.state is PaymentState.REVERSED:
        return Outcome()
    if not payment.applications:
        return _told_more(payment, read)
    match = _told(payment, read, fresh=False)
    if match.doubt:
        who = payment.payer.name or payment.payer.account or "its payer"
        title = f"Payment {payment.number} of {payment.amount} from {who}: {match.doubt}"
        return Outcome(cases=[Case(match.reason, title, payment, _evidence(payment, match, read))])
    return post(payment, match, read) if match.shares else Outcome()


def _told_more(payment: Payment, read: Reader) -> Outcome:
    """A later file tells more of a payment than the first one did."""
    told = pairing.explained(payment, read)
    if told.advice is None or payment.state not in pairing.OPEN or read.remittances_of(payment.id):
        return Outcome()
    return together(again(payment, told.advice, read), told.linked(payment))


def _told(payment: Payment, read: Reader, *, fresh: bool) -> Match:
    """What the system it is from says, or why that cannot be."""
    rule = f"applied at {read.origin(payment.id) or 'its source'}"
    found = applying.told(payment, read, fresh=fresh)
    return Match((), rule, found.doubts[0]) if found.doubts else Match(found.shares, rule, told=True)


def _on_account(payment: Payment, received: ledger.Group) -> Outcome:
    """Its source knows the customer and applied nothing: it is the customer's until that changes."""
    kept = payment.model_copy(update={"state": PaymentState.UNAPPLIED})
    return Outcome(events=[Event("payment.on_account", kept)], groups=[received])


def find(payment: Payment, read: Reader) -> Match:
    """The best proven match, or one without shares and with the doubt."""
    named = read.invoices_named(candidates(payment))
    if named:
        return _by_reference(payment, named, read)
    payer = payment.customer or read.payer_of_account(payment.payer.account)
    if payer and read.policies.matching.known_payer_exact:
        return _by_payer(payment, payer, read)
    return Match((), "none", "no invoice number of ours is in the payment and the payer's account is new")


def post(payment: Payment, match: Match, read: Reader, *, before: Sequence[ledger.Group] = ()) -> Outcome:
    """Turn shares into postings and events. What stays unapplied or open is said in a case."""
    customers = {share.invoice.customer for share in match.shares}
    sellers = {share.invoice.seller for share in match.shares}
    one = customers.pop() if len(customers) == 1 else ""
    known = payment.model_copy(
        update={
            "customer": payment.customer if match.told and payment.customer else one,
            "seller": payment.seller or (sellers.pop() if len(sellers) == 1 else ""),
        }
    )
    groups = [*before, *applying.groups(known, match.shares, match.rule if match.told else "")]
    left = _left(known, match.shares, read, fresh=bool(before))
    state = PaymentState.PART_APPLIED if left else PaymentState.APPLIED
    done = known.model_copy(update={"state": state})
    cases = _overpaid(done, match, left) if left else _short(done, match, read)
    if match.told:
        cases = []
    return Outcome(
        events=[Event("payment.applied", done, touch=True)],
        cases=cases,
        groups=groups,
        closes=[(payment.id, reason) for reason in _ANSWERED] if match.told or not left else (),
    )


def _left(payment: Payment, shares: Sequence[Share], read: Reader, *, fresh: bool) -> Money:
    left = payment.amount if fresh else read.unapplied(payment.id, payment.amount.currency)
    for share in shares:
        left -= share.used
    return left


def _by_reference(payment: Payment, named: Sequence[Invoice], read: Reader) -> Match:
    """Invoices that the payment names (rung 3 of the ladder in docs/matching.md)."""
    if len({invoice.customer for invoice in named}) > 1:
        return Match((), "reference", "it names invoices of different customers")
    foreign = [x.number for x in named if x.currency != payment.amount.currency]
    if foreign:
        return Match((), "reference", f"{', '.join(foreign)} is in another currency than the payment")
    mixed = list(applying.mixed_sellers(payment, named))
    if mixed:
        return Match((), "reference", mixed[0])
    read.lock(named[0].customer)  # balances are read under the lock that guards their change
    open_ones = [(x, read.open_amount(x)) for x in named if x.state in OWED]
    if not open_ones:
        return Match((), "reference", _not_owed(named, read))
    open_ones.sort(key=lambda pair: (pair[0].due_date, pair[0].number))
    total = sum((amount.amount for _, amount in open_ones), Decimal(0))
    if payment.amount.amount < total and not read.policies.matching.apply_partial:
        return Match((), "reference", f"it is short of the invoices it names ({total} open)")
    return Match(_spread(payment.amount, open_ones), "reference")


def _not_owed(named: Sequence[Invoice], read: Reader) -> str:
    """Why nothing is open of what a payment names, with what settled it."""
    numbers = ", ".join(x.number for x in named)
    if any(x.state is InvoiceState.PAID for x in named):
        by = ", ".join(dict.fromkeys(filter(None, (applying.settled_by(x, read) for x in named))))
        return f"{numbers} is paid already{f' by {by}' if by else ''}; this may be a second payment"
    return f"{numbers} is {named[0].state}"


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
    case = Case(match.reason, _title(payment, match), waiting, _evidence(payment, match, read))
    return Outcome(events=[Event("payment.unidentified", waiting)], cases=[case], groups=groups)


def _title(payment: Payment, match: Match) -> str:
    who = payment.payer.name or payment.payer.account or "an unnamed payer"
    return f"Payment {payment.number} of {payment.amount} from {who}: {match.doubt}"


def _evidence(payment: Payment, match: Match, read: Reader) -> dict[str, object]:
    return {
        "amount": str(payment.amount),
        "payer": payment.payer.name,
        "payer_account": payment.payer.account,
        "text": list(payment.remittance_information),
        "rule": match.rule,
        "doubt": match.doubt,
        **match.shown,
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
