"""The receivables ledger: accounts, balanced groups of postings, and the movements that may happen.

Debits are positive, credits negative. A balance is a sum of postings and is never stored.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from hub.model import Invoice, Money, Payment


class Account(StrEnum):
    """Where an amount can stand."""

    RECEIVABLE = "receivable"  # owed to us, per invoice
    REVENUE = "revenue"  # billed without tax
    TAX = "tax"  # billed for a tax office
    CASH = "cash"  # arrived on our bank accounts
    UNAPPLIED = "unapplied"  # arrived, not yet explained, per payment
    REFUNDED = "refunded"  # sent back to a payer
    FEE = "fee"  # kept by a bank on the way


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


def received(payment: Payment) -> Group:
    """A payment: cash came in, and nobody knows yet what for."""
    return balanced(
        f"payment {payment.number} received",
        (
            Posting(Account.CASH, payment.amount, payment.customer, "", payment.id),
            Posting(Account.UNAPPLIED, -payment.amount, payment.customer, "", payment.id),
        ),
    )


def applied(payment: Payment, invoice: Invoice, amount: Money) -> Group:
    """Part of a payment pays part of an invoice."""
    return balanced(
        f"payment {payment.number} applied to invoice {invoice.number}",
        (
            Posting(Account.UNAPPLIED, amount, invoice.customer, "", payment.id),
            Posting(Account.RECEIVABLE, -amount, invoice.customer, invoice.id, payment.id),
        ),
    )


def refunded(payment: Payment, amount: Money) -> Group:
    """Part of a payment went back to the payer."""
    return balanced(
        f"payment {payment.number} refunded",
        (
            Posting(Account.UNAPPLIED, amount, payment.customer, "", payment.id),
            Posting(Account.REFUNDED, -amount, payment.customer, "", payment.id),
        ),
    )


def fee(payment: Payment, invoice: Invoice, amount: Money) -> Group:
    """A bank kept part of what the customer sent: the invoice is paid, the fee is ours."""
    return balanced(
        f"bank fee of payment {payment.number} on invoice {invoice.number}",
        (
            Posting(Account.FEE, amount, invoice.customer, "", payment.id),
            Posting(Account.RECEIVABLE, -amount, invoice.customer, invoice.id, payment.id),
        ),
    )
