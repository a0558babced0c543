"""Adjusting: what is no longer owed though nobody paid it: discounts, deductions, write-offs, fees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from hub import ledger
from hub.errors import Invalid
from hub.model import Adjustment, AdjustmentReason, AdjustmentState, Invoice, Money
from hub.stages import cancelling
from hub.stages.applying import STANDING
from hub.stages.fulfilment import derived_id
from hub.stages.outcome import Case, Choice, Event, Outcome, Reader

_PREFIXES = {
    AdjustmentReason.WRITE_OFF: "WO",
    AdjustmentReason.FEE: "BF",
    AdjustmentReason.DISCOUNT: "DC",
    AdjustmentReason.DEDUCTION: "DD",
}
_UNDECIDED = (AdjustmentState.RECEIVED, AdjustmentState.REFUSED)


class Limit(NamedTuple):
    """How much a person may give up, per currency, and the policy that says so."""

    policy: str
    verb: str
    caps: Mapping[str, Decimal]


def check(adjustment: Adjustment, read: Reader) -> Outcome:
    """Book what an ERP says is no longer owed of an invoice; more than is open is a question for a human."""
    if adjustment.state in _UNDECIDED:
        return _dropped(adjustment) if adjustment.cancelled_on else _judged(adjustment, read)
    return cancelling.adjustment(adjustment, read) if adjustment.cancelled_on else Outcome()


def retry(adjustment: Adjustment, choice: Choice, read: Reader) -> Outcome:
    """A person mended the cause: judge the adjustment again."""
    return _judged(adjustment, read)


def drop(adjustment: Adjustment, choice: Choice, read: Reader) -> Outcome:
    """A person sets aside an adjustment that was never booked."""
    return _dropped(adjustment)


def write_off(invoice: Invoice, choice: Choice, read: Reader) -> Outcome:
    """A person gives up what is still open of an invoice, within the policy's cap."""
    limit = Limit("write_off_max", "write off", read.policies.matching.write_off_max)
    return _given_up(invoice, AdjustmentReason.WRITE_OFF, limit, choice, read)


def bank_fee(invoice: Invoice, choice: Choice, read: Reader) -> Outcome:
    """What a payment lacks was kept by a bank on the way: it is our fee, within the policy's cap."""
    if not any(one.kind == "payment" for one in read.allocations(invoice=invoice.id)):
        raise Invalid("no payment touched this invoice, so no bank kept anything of it", field="invoice")
    limit = Limit("bank_fee_max", "book as a bank fee", read.policies.matching.bank_fee_max)
    return _given_up(invoice, AdjustmentReason.FEE, limit, choice, read)


def deduction(invoice: Invoice, choice: Choice, read: Reader) -> Outcome:
    """A person accepts what the customer kept back, within the cap: values = {amount}, else the rest."""
    limit = Limit("deduction_max", "accept as a deduction", read.policies.matching.deduction_max)
    return _given_up(invoice, AdjustmentReason.DEDUCTION, limit, choice, read)


def discount(invoice: Invoice, choice: Choice, read: Reader) -> Outcome:
    """A person grants a discount that the terms did not, within the cap for deductions."""
    limit = Limit("deduction_max", "grant as a discount", read.policies.matching.deduction_max)
    return _given_up(invoice, AdjustmentReason.DISCOUNT, limit, choice, read)


def _given_up(
    invoice: Invoice, reason: AdjustmentReason, limit: Limit, choice: Choice, read: Reader
) -> Outcome:
    read.lock(invoice.customer)
    rest = _asked(choice, read.open_amount(invoice))
    cap = limit.caps.get(invoice.currency, Decimal(0))
    if rest.amount > cap:
        raise Invalid(
            f"{rest} is above the {cap} {invoice.currency} a person may {limit.verb} "
            f"(matching.{limit.policy} in policies.yaml)",
            field=limit.policy,
        )
    if not rest.amount > 0 or invoice.state not in STANDING:
        raise Invalid("nothing is owed on this invoice", field="invoice")
    return reduced(invoice, reason, rest, choice.note, read)


def _asked(choice: Choice, still: Money) -> Money:
    """The part of what is open that the person named; all of it where they named none."""
    text = choice.values.get("amount")
    if text in (None, ""):
        return still
    try:
        money = Money(amount=Decimal(str(text)), currency=still.currency)
        _ = money.minor
    except (InvalidOperation, ValueError):
        raise Invalid(f"{text!r} is not an amount in {still.currency}", field="amount") from None
    if not 0 < money.amount <= still.amount:
        raise Invalid(f"{money} cannot be given up: {still} is open", field="amount")
    return money


def reduced(invoice: Invoice, reason: AdjustmentReason, amount: Money, note: str, read: Reader) -> Outcome:
    """The hub's own adjustment of an invoice; the caller has seen to it that so much is open."""
    prefix = _PREFIXES[reason]
    number = f"{prefix}-{read.today.year}-{read.next_number(f'{prefix}-{read.today.year}'):06d}"
    return _booked(
        Adjustment(
            id=derived_id(invoice.id, number), number=number, invoice=invoice.id, amount=amount,
            reason=reason, booked_on=read.today, note=note[:1000],
        ),
        invoice,
    )  # fmt: skip


def _judged(adjustment: Adjustment, read: Reader) -> Outcome:
    invoice = read.get(adjustment.invoice)
    if isinstance(invoice, Invoice):
        read.lock(invoice.customer)
        invoice = read.get(adjustment.invoice)
    problems = list(_problems(adjustment, invoice, read))
    if problems or not isinstance(invoice, Invoice):
        return _refused(adjustment, problems)
    return _booked(adjustment, invoice)


def _problems(adjustment: Adjustment, invoice: object, read: Reader) -> Iterator[str]:
    amount = adjustment.amount
    if not isinstance(invoice, Invoice):
        yield f"invoice {adjustment.invoice} is not known"
    elif invoice.state not in STANDING:
        yield f"invoice {invoice.number} is {invoice.state}"
    elif amount.currency != invoice.currency:
        yield f"{amount} is not in the currency of invoice {invoice.number}, {invoice.currency}"
    elif amount.amount != amount.rounded().amount or not amount.amount > 0:
        yield f"{amount} is no positive amount in {amount.currency}"
    elif read.open_amount(invoice) < amount:
        yield f"{amount} is more than the {read.open_amount(invoice)} open on invoice {invoice.number}"


def _booked(adjustment: Adjustment, invoice: Invoice) -> Outcome:
    booked = adjustment.model_copy(
        update={
            "state": AdjustmentState.BOOKED,
            "customer": invoice.customer,
            "seller": invoice.seller or adjustment.seller,
        }
    )
    return Outcome(
        events=[Event("adjustment.booked", booked, touch=True)],
        groups=[ledger.adjusted(booked, invoice)],
        closes=[(adjustment.id, "adjustment_refused")],
    )


def _dropped(adjustment: Adjustment) -> Outcome:
    gone = adjustment.model_copy(update={"state": AdjustmentState.REVERSED})
    return Outcome(
        events=[Event("adjustment.withdrawn", gone)], closes=[(adjustment.id, "adjustment_refused")]
    )


def _refused(adjustment: Adjustment, problems: list[str]) -> Outcome:
    refused = adjustment.model_copy(update={"state": AdjustmentState.REFUSED})
    what = str(adjustment.reason).replace("_", " ")
    evidence = {"problems": problems, "amount": str(adjustment.amount), "note": adjustment.note}
    title = f"A {what} of {adjustment.amount} cannot be booked: {problems[0]}"
    return Outcome(
        events=[Event("adjustment.refused", refused)],
        cases=[Case("adjustment_refused", title, refused, evidence)],
    )
