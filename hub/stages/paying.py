"""Paying line by line: what a payer says a payment is for is applied exactly so, or asked about.

What is paid is applied, our credit memos that the payer takes are used, discounts within the terms are
booked. What is kept back for another reason stays open, as a case with that reason in words.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from hub import ledger
from hub.model import AdjustmentReason, CreditMemo, Invoice, Money, Payment, PaymentState
from hub.stages import adjusting, applying, crediting, naming, reasons, remitted
from hub.stages.applying import Share
from hub.stages.naming import Named, Owed, Strange, Taken
from hub.stages.outcome import Case, Event, Outcome, Reader, together
from hub.stages.remitted import Advice, Footed

RULE = "remitted"


class Asked(NamedTuple):
    """The money that is to be explained: a payment's, or none at all where credits make up for everything."""

    amount: Money
    on: date
    customer: str = ""
    seller: str = ""


class Doubt(NamedTuple):
    """Why nothing is applied, with the arithmetic."""

    why: str
    evidence: Mapping[str, Any]


class Told(NamedTuple):
    """What is told, as it was added up and in our own documents, and by what."""

    footed: Footed
    named: Named
    evidence: Mapping[str, Any]
    by: str


class Paid(NamedTuple):
    """How one invoice is settled: by cash, by credit memos, by a discount; and why the rest is not."""

    owed: Owed
    cash: Money
    credits: tuple[Taken, ...]
    discount: Money
    missing: Money
    why: tuple[str, ...]


class Plan(NamedTuple):
    """Everything that is to be applied, and what of the payment it leaves over."""

    paid: Sequence[Paid]
    left: Money
    strange: Sequence[Strange]
    evidence: Mapping[str, Any]
    by: str


def of_payment(payment: Payment) -> Asked:
    """All of a payment that nothing is applied of yet."""
    return Asked(payment.amount, payment.value_on or payment.booked_on, payment.customer, payment.seller)


def find(asked: Asked, advice: Advice, read: Reader) -> Plan | Doubt | None:
    """What to apply. None: nothing in it is ours, so it says nothing; other evidence may."""
    currency = asked.amount.currency
    if wrong := remitted.strange_money(advice, currency):
        return Doubt(wrong, {"by": advice.by})
    footed = remitted.foot(advice, asked.amount)
    bills = naming.look_up(footed.lines, read)
    ours = bills.all(footed.lines)
    if not ours:
        return None
    evidence = {"told_by": advice.by, **remitted.arithmetic(footed, asked.amount)}
    if why := next(_contradictions(asked, ours), ""):
        return Doubt(why, evidence)
    read.lock(ours[0].customer)  # balances are read under the lock that guards their change
    named = naming.named(footed.lines, naming.look_up(footed.lines, read), currency, read)
    total = sum((one.amount for one in footed.apart), named.total(currency))
    if total != asked.amount:
        if all(line.value is None for line in footed.lines):
            return None  # numbers only: they name invoices like any text does
        evidence |= {"adds_up_to": str(total), "difference": str(asked.amount - total)}
        return Doubt(f"what {advice.by} tells adds up to {total}, not to {asked.amount}", evidence)
    return _planned(asked, Told(footed, named, evidence, advice.by), read)


def _contradictions(asked: Asked, ours: Sequence[Invoice | CreditMemo]) -> Iterator[str]:
    customers = {one.customer for one in ours}
    if len(customers) > 1:
        yield "it pays documents of different customers"
    if asked.customer and asked.customer not in customers:
        yield "it pays documents of another customer than the payment's"
    foreign = [one.number for one in ours if one.currency != asked.amount.currency]
    if foreign:
        yield f"{', '.join(foreign[:5])} is in another currency than the payment"
    sellers = {one.seller for one in ours} | ({asked.seller} if asked.seller else set())
    if len(sellers) > 1:
        told = ", ".join(sorted(seller or "no seller" for seller in sellers))
        yield f"it settles documents of different sellers ({told})"


def _planned(asked: Asked, told: Told, read: Reader) -> Plan | Doubt:
    named = told.named
    strange = [one for one in named.strange if one.amount or one.reasons]
    foreign = [one for one in strange if one.amount.amount > 0]
    evidence = {**told.evidence, "not_ours_or_not_owed": [str(one) for one in strange]}
    if not named.owed:
        return Doubt(
            "; ".join(str(one) for one in strange[:5]) or "it names no invoice that is owed", evidence
        )
    if foreign and not read.policies.matching.apply_partial:
        return Doubt(f"part of it is not ours or not owed: {foreign[0]}", evidence)
    kept_back = [
        *(f"{one.number or 'no number'} {one.amount}, {one.why}" for one in strange if one.amount.amount < 0),
        *reasons.told([one for one in told.footed.apart if one.amount.amount < 0]),
    ]
    paid, left = _spread(asked, named, kept_back, read)
    if asked.amount and not any(one.cash for one in paid):
        return Doubt("no money is left for the invoices it names", evidence)
    return Plan(paid, left, strange, evidence, told.by)


def _spread(asked: Asked, named: Named, kept_back: Sequence[str], read: Reader) -> tuple[list[Paid], Money]:
    """Credit memos first, then cash; where something was kept back, the invoice due last stays short."""
    nothing = Money.zero(asked.amount.currency)
    owed = sorted(named.owed, key=lambda one: (one.invoice.due_date, one.invoice.number))
    credits = _placed(owed, named.taken)
    cash = {
        one.invoice.id: one.paid - sum((x.amount for x in credits[one.invoice.id]), nothing) for one in owed
    }
    short = sum(cash.values(), nothing) - asked.amount
    lacking = set()
    for one in reversed(owed):
        less = min(short, cash[one.invoice.id])
        if less.amount > 0:
            cash[one.invoice.id] -= less
            short -= less
            lacking.add(one.invoice.id)
    paid = []
    for one in owed:
        settled = cash[one.invoice.id] + sum((x.amount for x in credits[one.invoice.id]), nothing)
        rest = read.open_amount(one.invoice) - settled
        granted, refusal = _discount(one, rest, asked.on, read)
        why = [*reasons.told(one.reasons), *filter(None, [refusal])]
        why += kept_back if one.invoice.id in lacking else ()
        paid.append(
            Paid(
                one, cash[one.invoice.id], tuple(credits[one.invoice.id]), granted, rest - granted, tuple(why)
            )
        )
    return paid, asked.amount - sum((one.cash for one in paid), nothing)


def _placed(owed: Sequence[Owed], taken: Sequence[Taken]) -> dict[str, list[Taken]]:
    """Which credit memo goes to which invoice: to the one it corrects, then to the oldest due."""
    room = {one.invoice.id: one.paid for one in owed}
    placed: dict[str, list[Taken]] = {one.invoice.id: [] for one in owed}
    order = deque(room)
    for memo, amount in taken:
        left = _put(memo, amount, memo.invoice, room, placed) if memo.invoice in room else amount
        while left and order:
            left = _put(memo, left, order[0], room, placed)
            if not room[order[0]]:
                order.popleft()
    return placed


def _put(
    memo: CreditMemo, amount: Money, invoice: str, room: dict[str, Money], placed: dict[str, list[Taken]]
) -> Money:
    """Use a credit memo for one invoice as far as there is room; returns what is left of it."""
    part = min(amount, room[invoice])
    if part:
        placed[invoice].append(Taken(memo, part))
        room[invoice] -= part
    return amount - part


def _discount(one: Owed, rest: Money, paid_on: date, read: Reader) -> tuple[Money, str]:
    """What of a claimed discount the terms grant: all of it or nothing, and then why."""
    nothing = Money.zero(rest.currency)
    if not one.discount.amount > 0 or not rest.amount > 0:
        return nothing, ""
    rules = read.policies.matching
    terms = rules.discounts.get(one.invoice.payment_terms)
    if terms is None:
        return nothing, f"{one.discount} discount taken, and the terms grant none"
    last = one.invoice.issue_date + timedelta(days=terms.days + rules.discount_grace_days)
    most = one.invoice.payable_amount.amount * terms.percent / Decimal(100)
    granted = Money(amount=most, currency=rest.currency).rounded()
    if paid_on > last:
        return nothing, f"{one.discount} discount taken on {paid_on}, and its last day was {last}"
    if granted < one.discount:
        return nothing, f"{one.discount} discount taken, and {terms.percent} % are {granted}"
    return min(one.discount, rest), ""


def settle(payment: Payment, plan: Plan, read: Reader, *, before: Sequence[ledger.Group] = ()) -> Outcome:
    """Postings, events and questions of a plan."""
    invoices = [one.owed.invoice for one in plan.paid]
    known = payment.model_copy(
        update={
            "customer": payment.customer or invoices[0].customer,
            "seller": payment.seller or invoices[0].seller,
            "state": PaymentState.PART_APPLIED if plan.left else PaymentState.APPLIED,
        }
    )
    shares = [Share(one.owed.invoice, one.cash) for one in plan.paid if one.cash]
    answered = ("unmatched_payment",) if plan.left else ("unmatched_payment", "overpayment")
    cash = Outcome(
        events=[Event("payment.applied", known, touch=True)],
        cases=[*(_short(one, known, plan) for one in plan.paid if one.missing), *_over(known, plan)],
        groups=[*before, *applying.groups(known, shares, f"as told by {plan.by}")],
        closes=[(payment.id, reason) for reason in answered],
    )
    return together(cash, *_credits(plan, read), *_discounts(plan, f"payment {known.number}", read))


def net(plan: Plan, read: Reader) -> Outcome:
    """A plan without money: credit memos and discounts make up for what is paid."""
    return together(*_credits(plan, read), *_discounts(plan, plan.by, read))


def _credits(plan: Plan, read: Reader) -> Iterator[Outcome]:
    """Each credit memo with all the invoices it is used for."""
    memos: dict[str, CreditMemo] = {}
    used: dict[str, list[Share]] = {}
    for one in plan.paid:
        for memo, amount in one.credits:
            memos[memo.id] = memo
            used.setdefault(memo.id, []).append(Share(one.owed.invoice, amount))
    for memo_id, memo in memos.items():
        yield crediting.apply_shares(memo, used[memo_id], read)


def _discounts(plan: Plan, taken_with: str, read: Reader) -> Iterator[Outcome]:
    for one in plan.paid:
        if one.discount:
            note = f"taken with {taken_with}, within the terms"
            yield adjusting.reduced(one.owed.invoice, AdjustmentReason.DISCOUNT, one.discount, note, read)


def _short(one: Paid, payment: Payment, plan: Plan) -> Case:
    invoice = one.owed.invoice
    title = f"Invoice {invoice.number} was paid {one.missing} short by payment {payment.number}"
    if one.why:
        title += f": {'; '.join(one.why[:3])}"
    evidence = {
        "missing": str(one.missing),
        "paid": str(one.cash),
        "credited": [f"{amount} of {memo.number}" for memo, amount in one.credits],
        "discount": str(one.discount) if one.discount else "",
        "reasons": list(one.why),
        "payment": payment.number,
        "payment_id": payment.id,
        "told_by": plan.by,
    }
    return Case("short_payment", title[:500], invoice, evidence)


def _over(payment: Payment, plan: Plan) -> list[Case]:
    if not plan.left:
        return []
    numbers = [one.owed.invoice.number for one in plan.paid]
    foreign = [str(one) for one in plan.strange if one.amount.amount > 0]
    title = f"{plan.left} of payment {payment.number} is for nothing of ours that is owed"
    if foreign:
        title += f": {'; '.join(foreign[:3])}"
    evidence = {**plan.evidence, "unapplied": str(plan.left), "invoices": numbers}
    return [Case("overpayment", title[:500], payment, evidence)]
