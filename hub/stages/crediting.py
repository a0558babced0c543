"""Crediting: credit memos of an ERP are checked and posted; the hub issues those that a person decides on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hub import ledger
from hub.errors import Invalid
from hub.model import CreditMemo, CreditMemoState, Customer, Invoice, InvoiceLine, Money, Order
from hub.model.tax import subtotals
from hub.stages import applying, cancelling
from hub.stages.applying import OWED, Share
from hub.stages.apportioning import part_of
from hub.stages.arriving import not_ours, strange_seller
from hub.stages.footing import faults, filled
from hub.stages.fulfilment import derived_id
from hub.stages.outcome import Case, Choice, Event, Outcome, Reader

_UNDECIDED = (CreditMemoState.RECEIVED, CreditMemoState.REFUSED)


def check(memo: CreditMemo, read: Reader) -> Outcome:
    """Post a credit memo that adds up, and apply it as its system did; else ask a human.

    Raises NotYet where it is one of ours whose arrival there is not confirmed yet.
    """
    if memo.state in _UNDECIDED:
        not_ours(memo, read)
        return _dropped(memo) if memo.cancelled_on else _judged(memo, read)
    if memo.cancelled_on:
        return cancelling.credit_memo(memo, read)
    return _more(memo, read)


def retry(memo: CreditMemo, choice: Choice, read: Reader) -> Outcome:
    """A person mended the cause: judge the credit memo again."""
    return _judged(memo, read)


def drop(memo: CreditMemo, choice: Choice, read: Reader) -> Outcome:
    """A person sets aside a credit memo that was never accepted."""
    return _dropped(memo)


def issue(order: Order, lines: Sequence[InvoiceLine], reason: str, read: Reader) -> Outcome:
    """The hub's own credit memo over lines of an order: numbered, posted, applied to what is owed of it."""
    net = sum((line.line_extension_amount for line in lines), Money.zero(order.currency))
    rows = [(x.tax_category, x.tax_percent, x.line_extension_amount) for x in lines]
    taxes = subtotals(order.currency, rows)
    payable = sum((group.tax_amount for group in taxes), net)
    if not payable.amount > 0:
        raise Invalid(
            "nothing is left to credit: what was billed too much is credited already", field="credit"
        )
    number = f"CM-{read.today.year}-{read.next_number(f'credit-{read.today.year}'):06d}"
    invoices = [one for one in read.invoices_of(order.id) if one.currency == order.currency]
    memo = CreditMemo(
        id=derived_id(order.id, number), number=number, order=order.id, customer=order.customer,
        invoice=invoices[0].id if len(invoices) == 1 else "", seller=order.seller,
        currency=order.currency, issue_date=read.today, reason=reason[:1000], lines=tuple(lines),
        tax_subtotals=taxes, tax_exclusive_amount=net, payable_amount=payable,
    )  # fmt: skip
    return _posted(memo, _spread(payable, [one for one in invoices if one.state in OWED], read), read)


def correct(invoice: Invoice, amount: Money, reason: str, read: Reader) -> Outcome:
    """The hub's own credit memo over an amount of an invoice, tax included, applied to that invoice."""
    part = part_of(invoice, amount, f"Part of invoice {invoice.number}")
    number = f"CM-{read.today.year}-{read.next_number(f'credit-{read.today.year}'):06d}"
    memo = CreditMemo(
        id=derived_id(invoice.id, number), number=number, invoice=invoice.id, order=invoice.order,
        customer=invoice.customer, seller=invoice.seller, currency=invoice.currency, issue_date=read.today,
        reason=reason[:1000], lines=part.lines, tax_subtotals=part.taxes, tax_exclusive_amount=part.net,
        payable_amount=amount,
    )  # fmt: skip
    return _posted(memo, [Share(invoice, amount)], read)


def _dropped(memo: CreditMemo) -> Outcome:
    gone = memo.model_copy(update={"state": CreditMemoState.CANCELLED})
    return Outcome(events=[Event("credit_memo.withdrawn", gone)], closes=[(memo.id, "credit_memo_refused")])


def _judged(memo: CreditMemo, read: Reader) -> Outcome:
    read.lock(memo.customer)
    corrected = read.get(memo.invoice) if memo.invoice else None
    fitted = _fitted(filled(memo), corrected)
    problems = list(_problems(fitted, corrected, read))
    told = applying.told(fitted, read, fresh=True)
    if problems or told.doubts:
        return _refused(fitted, [*problems, *told.doubts])
    shares = told.shares
    if not fitted.applications and isinstance(corrected, Invoice) and corrected.state in OWED:
        shares = _spread(fitted.payable_amount, [corrected], read)
    return _posted(fitted, shares, read)


def _fitted(memo: CreditMemo, corrected: object) -> CreditMemo:
    """With what the invoice it corrects knows."""
    if not isinstance(corrected, Invoice):
        return memo
    return memo.model_copy(
        update={"order": memo.order or corrected.order, "seller": corrected.seller or memo.seller}
    )


def _problems(memo: CreditMemo, corrected: object, read: Reader) -> Iterator[str]:
    if memo.payable_amount.amount <= 0 or memo.tax_exclusive_amount.amount < 0:
        yield f"its total is {memo.payable_amount}; a credit memo's amounts are positive"
    yield from faults(memo)
    if not isinstance(read.get(memo.customer), Customer):
        yield f"customer {memo.customer} is not known"
    if wrong := strange_seller(memo.seller, read):
        yield wrong
    if memo.invoice and not isinstance(corrected, Invoice):
        yield f"invoice {memo.invoice} is not known"
    if isinstance(corrected, Invoice):
        if corrected.currency != memo.currency:
            yield f"it is in {memo.currency}, invoice {corrected.number} in {corrected.currency}"
        if corrected.customer != memo.customer:
            yield f"invoice {corrected.number} is another customer's"


def _refused(memo: CreditMemo, problems: Sequence[str]) -> Outcome:
    refused = memo.model_copy(update={"state": CreditMemoState.REFUSED})
    evidence = {
        "problems": list(problems),
        "lines": [f"{x.sku}: {x.quantity} x {x.unit_price} = {x.line_extension_amount}" for x in memo.lines],
        "without_tax": str(memo.tax_exclusive_amount),
        "total": str(memo.payable_amount),
    }
    title = f"Credit memo {memo.number or memo.id} cannot be booked: {problems[0]}"
    return Outcome(
        events=[Event("credit_memo.refused", refused)],
        cases=[Case("credit_memo_refused", title, refused, evidence)],
    )


def _spread(amount: Money, invoices: Sequence[Invoice], read: Reader) -> list[Share]:
    """Settle the oldest due first until the amount is used up."""
    shares, left = [], amount
    for invoice in sorted(invoices, key=lambda one: (one.due_date, one.number)):
        part = min(left, read.open_amount(invoice))
        if part.amount > 0:
            shares.append(Share(invoice, part))
            left -= part
    return shares


def _posted(memo: CreditMemo, shares: Sequence[Share], read: Reader) -> Outcome:
    """Post it as issued, then what it settles. What is left waits for a person, unless its system decides."""
    issued = memo.model_copy(update={"state": CreditMemoState.ISSUED})
    left = memo.payable_amount - sum((x.used for x in shares), Money.zero(memo.currency))
    applied = _applied(issued, shares, left)
    ours = not read.origin(memo.id)
    return Outcome(
        events=[Event("credit_memo.issued", issued), *applied.events],
        cases=[_left_over(applied.events[-1].document if applied.events else issued, left)]
        if ours and left
        else [],
        groups=[ledger.credited(issued), *applied.groups],
        closes=[(memo.id, "credit_memo_refused")],
    )


def _applied(memo: CreditMemo, shares: Sequence[Share], left: Money) -> Outcome:
    if not shares:
        return Outcome()
    state = CreditMemoState.PART_APPLIED if left else CreditMemoState.APPLIED
    done = memo.model_copy(update={"state": state})
    return Outcome(
        events=[Event("credit_memo.applied", done, touch=True)], groups=applying.groups(memo, shares)
    )


def apply_shares(memo: CreditMemo, shares: Sequence[Share], read: Reader) -> Outcome:
    """Apply more of an issued credit memo to invoices."""
    left = read.unapplied(memo.id, memo.currency)
    left -= sum((x.used for x in shares), Money.zero(memo.currency))
    applied = _applied(memo, shares, left)
    if left:
        return Outcome(applied.events, [_left_over(applied.events[-1].document, left)], applied.groups)
    return Outcome(applied.events, (), applied.groups, [(memo.id, "unapplied_credit")])


def _more(memo: CreditMemo, read: Reader) -> Outcome:
    """Its system applied more of it."""
    if memo.state is CreditMemoState.CANCELLED:
        return Outcome()
    told = applying.told(memo, read, fresh=False)
    if told.doubts:
        evidence = {"problems": list(told.doubts), "total": str(memo.payable_amount)}
        title = f"Credit memo {memo.number} was applied in a way that does not fit: {told.doubts[0]}"
        return Outcome(cases=[Case("unapplied_credit", title, memo, evidence)])
    left = read.unapplied(memo.id, memo.currency)
    left -= sum((x.used for x in told.shares), Money.zero(memo.currency))
    done = _applied(memo, told.shares, left)
    closes = [(memo.id, "unapplied_credit")] if told.shares and not left else []
    return Outcome(done.events, (), done.groups, closes)


def _left_over(memo: object, left: Money) -> Case:
    assert isinstance(memo, CreditMemo)
    title = f"{left} of credit memo {memo.number} is not applied to an invoice"
    return Case("unapplied_credit", title, memo, {"unapplied": str(left), "total": str(memo.payable_amount)})
