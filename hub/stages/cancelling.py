"""Cancelling: what was issued, received or booked is taken back, and everything it settled is owed again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hub import ledger
from hub.errors import Invalid
from hub.ledger import Account, Group
from hub.model import (
    Adjustment,
    AdjustmentState,
    CreditMemo,
    CreditMemoState,
    Document,
    Invoice,
    InvoiceState,
    Money,
    Payment,
    PaymentState,
)
from hub.stages import applying, holding
from hub.stages.outcome import Allocated, Case, Choice, Event, Outcome, Reader, together

_OF_INVOICE = ("invoice_cancelled", "withdrawn", "short_payment", "late_change", "payment_reversed")
_OF_PAYMENT = ("unmatched_payment", "overpayment", "payment_reversed", "withdrawn")


def invoice(invoice: Invoice, read: Reader) -> Outcome:
    """Its issuer cancelled it: so do we, unless something is applied to it; then a person decides."""
    if invoice.state is InvoiceState.CANCELLED:
        return Outcome()
    read.lock(invoice.customer)
    applied = read.allocations(invoice=invoice.id)
    if not applied:
        return _without(invoice, [], [], read)
    evidence = {
        "cancelled_on": str(invoice.cancelled_on or ""),
        "total": str(invoice.payable_amount),
        "open": str(read.open_amount(invoice)),
        "applied": [_shown(one, read) for one in applied],
    }
    title = f"Invoice {invoice.number} was cancelled by {read.origin(invoice.id) or 'its issuer'}, "
    title += f"and {invoice.payable_amount - read.open_amount(invoice)} is applied to it"
    return Outcome(cases=[Case("invoice_cancelled", title, invoice, evidence)])


def unapply_and_cancel(invoice: Invoice, choice: Choice, read: Reader) -> Outcome:
    """A person cancels it: what was applied to it is unapplied cash and unapplied credit again."""
    if invoice.state is InvoiceState.CANCELLED:
        raise Invalid(f"invoice {invoice.number} is cancelled already", field="decision")
    read.lock(invoice.customer)
    groups: list[Group] = []
    events: list[Event] = []
    cases: list[Case] = []
    for one in read.allocations(invoice=invoice.id):
        source = read.get(one.payment)
        if isinstance(source, Adjustment):
            groups.append(_taken_back(source, read))
            gone = source.model_copy(update={"state": AdjustmentState.REVERSED})
            events.append(Event("adjustment.reversed", gone, touch=True))
        elif isinstance(source, Payment | CreditMemo):
            standing = [x for x in read.standing(payment=source.id) if x.invoice == invoice.id]
            groups.append(ledger.undone(source, invoice, standing))
            kept = tuple(x for x in source.applications if x.invoice != invoice.id)
            event = _unapplied(source.model_copy(update={"applications": kept}), [invoice.id], read)
            events.append(event)
            if not source.applications:  # else the system it is from decides what becomes of it
                cases.append(_waiting(event.document, invoice))
    return _without(invoice, groups, events, read, cases)


def payment(payment: Payment, read: Reader) -> Outcome:
    """The money was taken back: the payment counts for nothing, and what it paid is owed again."""
    if payment.state is PaymentState.REVERSED:
        return Outcome()
    _lock(payment, read)
    if payment.held_by:
        closes = [(payment.id, reason) for reason in _OF_PAYMENT]
        return together(Outcome(closes=closes), holding.taken_back(payment, read))
    standing = read.standing(payment=payment.id)
    if any(posting.account is Account.REFUNDED for posting in standing):
        title = f"Payment {payment.number} was taken back, and part of it was sent back before"
        evidence = {"amount": str(payment.amount), "cancelled_on": str(payment.cancelled_on or "")}
        return Outcome(cases=[Case("payment_reversed", title, payment, evidence)])
    gone = payment.model_copy(update={"state": PaymentState.REVERSED})
    return Outcome(
        events=[Event("payment.reversed", gone, touch=True)],
        groups=[ledger.taken_back(f"payment {payment.number} taken back", standing)],
        closes=[(payment.id, reason) for reason in _OF_PAYMENT],
    )


def credit_memo(memo: CreditMemo, read: Reader) -> Outcome:
    """It was cancelled: what it had settled is owed again."""
    if memo.state is CreditMemoState.CANCELLED:
        return Outcome()
    _lock(memo, read)
    gone = memo.model_copy(update={"state": CreditMemoState.CANCELLED})
    return Outcome(
        events=[Event("credit_memo.cancelled", gone, touch=True)],
        groups=[_taken_back(memo, read)],
        closes=[(memo.id, reason) for reason in ("unapplied_credit", "withdrawn")],
    )


def adjustment(adjustment: Adjustment, read: Reader) -> Outcome:
    """It was reversed: the invoice is owed again by as much."""
    if adjustment.state is AdjustmentState.REVERSED:
        return Outcome()
    _lock(adjustment, read)
    gone = adjustment.model_copy(update={"state": AdjustmentState.REVERSED})
    return Outcome(
        events=[Event("adjustment.reversed", gone, touch=True)],
        groups=[_taken_back(adjustment, read)],
        closes=[(adjustment.id, "withdrawn")],
    )


def withdraw(document: Document, choice: Choice, read: Reader) -> Outcome:
    """A person takes back here what is gone at a system. Raises Invalid for what cannot be taken back."""
    if isinstance(document, Invoice):
        return unapply_and_cancel(document, choice, read)
    if isinstance(document, Payment):
        return payment(document, read)
    if isinstance(document, CreditMemo):
        return credit_memo(document, read)
    if isinstance(document, Adjustment):
        return adjustment(document, read)
    raise Invalid(f"a {document.kind} cannot be cancelled; keep it", field="decision")


def _lock(source: Payment | CreditMemo | Adjustment, read: Reader) -> None:
    owed = [read.get(invoice_id) for invoice_id in read.touched(source.id)]
    for customer in sorted({x.customer for x in owed if isinstance(x, Invoice)}):
        read.lock(customer)


def _taken_back(source: CreditMemo | Adjustment, read: Reader) -> Group:
    what = source.kind.replace("_", " ")
    return ledger.taken_back(f"{what} {source.number} taken back", read.standing(payment=source.id))


def _without(
    invoice: Invoice,
    groups: Sequence[Group],
    events: Sequence[Event],
    read: Reader,
    cases: Sequence[Case] = (),
) -> Outcome:
    """The invoice itself is taken back, after everything that was applied to it."""
    own = [posting for posting in read.standing(invoice=invoice.id) if not posting.payment]
    gone = invoice.model_copy(update={"state": InvoiceState.CANCELLED})
    return Outcome(
        events=[Event("invoice.cancelled", gone, touch=True), *events],
        cases=cases,
        groups=[*groups, ledger.taken_back(f"invoice {invoice.number} cancelled", own)],
        closes=[(invoice.id, reason) for reason in _OF_INVOICE],
    )


def as_told(source: Payment | CreditMemo, applications: Any, read: Reader) -> Outcome:
    """A person takes what its system says it settles now: the rest is unapplied, what is new is applied."""
    told = type(source).model_validate({**source.model_dump(), "applications": applications})
    _lock(source, read)
    due = applying.together(told)
    groups, owed = [], []
    for one in read.allocations(payment=source.id):
        invoice = read.get(one.invoice)
        if not isinstance(invoice, Invoice) or _covered(one, due):
            continue
        standing = [x for x in read.standing(payment=source.id) if x.invoice == one.invoice]
        groups.append(ledger.undone(source, invoice, standing))
        owed.append(one.invoice)
    freed = _unapplied(told, owed, read)
    # what is told and not applied is found, with the balances of then, by the stage that answers `changed`
    again = [freed, Event(f"{source.kind}.changed", freed.document, touch=True)]
    return Outcome(events=again, groups=groups, closes=[(source.id, "late_change")])


def _covered(one: Allocated, due: Mapping[str, tuple[Money, Money | None]]) -> bool:
    amount, _ = due.get(one.invoice, (None, None))
    return amount is not None and amount.currency == one.amount.currency and one.amount <= amount


def _unapplied(source: Payment | CreditMemo, owed: Sequence[str], read: Reader) -> Event:
    """The source without what it settled of these invoices."""
    others = any(one.invoice not in owed for one in read.allocations(payment=source.id))
    state: PaymentState | CreditMemoState
    if isinstance(source, Payment):
        state = PaymentState.PART_APPLIED if others else PaymentState.UNAPPLIED
    else:
        state = CreditMemoState.PART_APPLIED if others else CreditMemoState.ISSUED
    freed = source.model_copy(update={"state": state})
    return Event(f"{source.kind}.unapplied", freed, touch=True)


def _waiting(source: Document, invoice: Invoice) -> Case:
    """Where no other system decides about it, a person says what is to become of the money."""
    assert isinstance(source, Payment | CreditMemo)
    reason = "overpayment" if isinstance(source, Payment) else "unapplied_credit"
    what = source.kind.replace("_", " ")
    title = f"Invoice {invoice.number} was cancelled: what {what} {source.number} paid of it is free again"
    return Case(reason, title, source, {"cancelled_invoice": invoice.number})


def _shown(one: Allocated, read: Reader) -> dict[str, str]:
    number = str(getattr(read.get(one.payment), "number", ""))
    return {"by": one.kind.replace("_", " "), "number": number, "amount": str(one.amount)}
