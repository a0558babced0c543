"""The receivables ledger: accounts, balanced groups of postings, and the movements that may happen.

Debits are positive, credits negative. A balance is a sum of postings and is never stored. The `payment` of a
posting is the document that moved it: a payment, a credit memo or an adjustment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from hub.model import Adjustment, AdjustmentReason, CreditMemo, Invoice, Money, Payment


class Account(StrEnum):
    """Where an amount can stand."""

    RECEIVABLE = "receivable"  # owed to us, per invoice
    REVENUE = "revenue"  # billed without tax
    TAX = "tax"  # billed for a tax office
    CASH = "cash"  # arrived on our bank accounts
    HELD = "held"  # held for us by a payment provider until it pays out
    DISPUTED = "disputed"  # taken back by a payer's bank and not decided yet, per payment
    UNAPPLIED = "unapplied"  # arrived, not yet explained, per payment
    CREDIT = "credit"  # credited, not yet applied, per credit memo
    REFUNDED = "refunded"  # sent back to a payer
    FEE = "fee"  # kept by a bank on the way
    DISCOUNT = "discount"  # taken for paying early
    DEDUCTION = "deduction"  # kept back by the customer
    WRITE_OFF = "write_off"  # given up
    EXCHANGE = "exchange"  # between the currency of a payment and that of what it paid


_REASONS = {
    AdjustmentReason.WRITE_OFF: Account.WRITE_OFF,
    AdjustmentReason.DISCOUNT: Account.DISCOUNT,
    AdjustmentReason.DEDUCTION: Account.DEDUCTION,
    AdjustmentReason.FEE: Account.FEE,
    AdjustmentReason.EXCHANGE: Account.EXCHANGE,
}


class Posting(NamedTuple):
    """One side of a movement."""

    account: Account
    amount: Money
    customer: str = ""
    invoice: str = ""
    payment: str = ""


class Group(NamedTuple):
    """Postings that stand or fall together. Build it with `balanced`."""

    memo: str
    postings: tuple[Posting, ...]


def balanced(memo: str, postings: Iterable[Posting]) -> Group:
    """A group whose postings add up to zero per currency, without empty ones. Raises ValueError otherwise."""
    kept = tuple(p for p in postings if p.amount)
    sums: dict[str, int] = {}
    for posting in kept:
        currency = posting.amount.currency
        sums[currency] = sums.get(currency, 0) + posting.amount.minor
    off = {currency: minor for currency, minor in sums.items() if minor}
    if off:
        raise ValueError(f"unbalanced postings for {memo!r}: {off} minor units too many")
    return Group(memo, kept)


def issued(invoice: Invoice) -> Group:
    """An invoice: the customer owes the payable amount; revenue and tax are billed."""
    owner = (invoice.customer, invoice.id)
    tax = invoice.payable_amount - invoice.tax_exclusive_amount
    return balanced(
        f"invoice {invoice.number} issued",
        (
            Posting(Account.RECEIVABLE, invoice.payable_amount, *owner),
            Posting(Account.REVENUE, -invoice.tax_exclusive_amount, *owner),
            Posting(Account.TAX, -tax, *owner),
        ),
    )


def credited(memo: CreditMemo) -> Group:
    """A credit memo: revenue and tax are less, and the customer has an amount to apply to invoices."""
    owner = (memo.customer, "", memo.id)
    tax = memo.payable_amount - memo.tax_exclusive_amount
    return balanced(
        f"credit memo {memo.number} issued",
        (
            Posting(Account.REVENUE, memo.tax_exclusive_amount, *owner),
            Posting(Account.TAX, tax, *owner),
            Posting(Account.CREDIT, -memo.payable_amount, *owner),
        ),
    )


def received(payment: Payment) -> Group:
    """A payment: cash came in, and nobody knows yet what for."""
    return balanced(
        f"payment {payment.number} received",
        (
            Posting(Account.CASH, payment.amount, payment.customer, "", payment.id),
            Posting(Account.UNAPPLIED, -payment.amount, payment.customer, "", payment.id),
        ),
    )


def applied(
    source: Payment | CreditMemo, invoice: Invoice, amount: Money, taken: Money | None = None, rule: str = ""
) -> Group:
    """Part of a payment or credit memo settles part of an invoice.

    `taken`: what that takes of the source, where it is in another currency: the account `exchange` stands
    between the two, so that each currency balances by itself.
    """
    account, what = (
        (Account.UNAPPLIED, "payment") if isinstance(source, Payment) else (Account.CREDIT, "credit memo")
    )
    memo = f"{what} {source.number} applied to invoice {invoice.number}" + (f", {rule}" if rule else "")
    used = taken or amount
    postings = [
        Posting(account, used, invoice.customer, "", source.id),
        Posting(Account.RECEIVABLE, -amount, invoice.customer, invoice.id, source.id),
    ]
    if used.currency != amount.currency:
        postings += [
            Posting(Account.EXCHANGE, -used, invoice.customer, invoice.id, source.id),
            Posting(Account.EXCHANGE, amount, invoice.customer, invoice.id, source.id),
        ]
    return balanced(memo, postings)


def undone(source: Payment | CreditMemo, invoice: Invoice, standing: Sequence[Posting]) -> Group:
    """What was applied to an invoice is unapplied again. `standing`: what both name, fees and exchange too.

    What those leave over per currency is what the source had given.
    """
    account = Account.UNAPPLIED if isinstance(source, Payment) else Account.CREDIT
    back = _backwards(standing)
    given = [
        Posting(account, -money, invoice.customer, "", source.id) for money in per_currency(back).values()
    ]
    return balanced(f"{source.number} unapplied from invoice {invoice.number}", (*back, *given))


def per_currency(postings: Iterable[Posting]) -> Mapping[str, Money]:
    """Sums by currency."""
    sums: dict[str, Money] = {}
    for posting in postings:
        currency = posting.amount.currency
        sums[currency] = sums.get(currency, Money.zero(currency)) + posting.amount
    return sums


def adjusted(adjustment: Adjustment, invoice: Invoice) -> Group:
    """Part of an invoice is no longer owed though nobody paid it."""
    owner = (invoice.customer, invoice.id, adjustment.id)
    return balanced(
        f"{str(adjustment.reason).replace('_', ' ')} on invoice {invoice.number}",
        (
            Posting(_REASONS[adjustment.reason], adjustment.amount, *owner),
            Posting(Account.RECEIVABLE, -adjustment.amount, *owner),
        ),
    )


def taken_back(memo: str, standing: Sequence[Posting]) -> Group:
    """Everything that stands of a document is taken back."""
    return balanced(memo, _backwards(standing))


def _backwards(postings: Sequence[Posting]) -> tuple[Posting, ...]:
    return tuple(posting._replace(amount=-posting.amount) for posting in postings)


def refunded(payment: Payment, amount: Money) -> Group:
    """Part of a payment went back to the payer."""
    return balanced(
        f"payment {payment.number} refunded",
        (
            Posting(Account.UNAPPLIED, amount, payment.customer, "", payment.id),
            Posting(Account.REFUNDED, -amount, payment.customer, "", payment.id),
        ),
    )
