"""The receivables ledger: accounts, balanced groups of postings, and the movements that may happen.

Debits are positive, credits negative. A balance is a sum of postings and is never stored. The `payment` of a
posting is the document that moved it: a payment, a credit memo, an adjustment, a refund, a dispute or a
payout. The postings that name one balance by themselves, so that all of it can be taken back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from hub.model import (
    Adjustment,
    AdjustmentReason,
    CreditMemo,
    Dispute,
    Invoice,
    Money,
    Payment,
    Payout,
    Refund,
)


class Account(StrEnum):
    """Where an amount can stand."""

    RECEIVABLE = "receivable"  # owed to us, per invoice
    REVENUE = "revenue"  # billed without tax
    TAX = "tax"  # billed for a tax office
    CASH = "cash"  # arrived on our bank accounts
    HELD = "held"  # held for us by a payment provider until it pays out
    TRANSIT = "transit"  # paid out by a provider and not seen at our bank yet, per payout
    DISPUTED = "disputed"  # taken back by a payer's bank and not decided yet, per payment
    UNAPPLIED = "unapplied"  # arrived, not yet explained, per payment
    CREDIT = "credit"  # credited, not yet applied, per credit memo
    REFUNDED = "refunded"  # sent back to a payer: given up by its payment, taken by what sent it back
    ELSEWHERE = "elsewhere"  # moved at a provider for what is not in these books
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
    """A payment: money came in, and nobody knows yet what for. What a provider kept of it is our fee."""
    owner = (payment.customer, "", payment.id)
    where = Account.HELD if payment.held_by else Account.CASH
    return balanced(
        f"payment {payment.number} received",
        (
            Posting(where, payment.amount, *owner),
            Posting(Account.UNAPPLIED, -payment.amount, *owner),
            *kept(payment),
        ),
    )


def kept(source: Payment | Dispute) -> tuple[Posting, ...]:
    """What a provider keeps for a payment that it holds, or for a dispute."""
    if not source.fee or not source.held_by:
        return ()
    return _fee(source.fee, source.customer, source.id)


def kept_more(payment: Payment, fee: Money) -> Group:
    """A provider's fee for a payment became known later, or is another now; `fee` is what comes to it."""
    return balanced(f"fee for payment {payment.number}", _fee(fee, payment.customer, payment.id))


def _fee(fee: Money, customer: str, source: str) -> tuple[Posting, ...]:
    owner = (customer, "", source)
    return (Posting(Account.FEE, fee, *owner), Posting(Account.HELD, -fee, *owner))


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


def towards(memo: str, wanted: Iterable[Posting], standing: Iterable[Posting]) -> Group:
    """What it takes to get from what stands of a document to what should: nothing where that is the same."""
    sums: dict[tuple[Account, str, str, str, str], int] = {}
    for sign, postings in ((1, wanted), (-1, standing)):
        for one in postings:
            key = (one.account, one.amount.currency, one.customer, one.invoice, one.payment)
            sums[key] = sums.get(key, 0) + sign * one.amount.minor
    rest = (
        Posting(account, Money.of_minor(minor, currency), customer, invoice, payment)
        for (account, currency, customer, invoice, payment), minor in sums.items()
    )
    return balanced(memo, rest)


def _backwards(postings: Sequence[Posting]) -> tuple[Posting, ...]:
    return tuple(posting._replace(amount=-posting.amount) for posting in postings)


def refunded(payment: Payment, amount: Money) -> Group:
    """Part of a payment went back to the payer; below zero: it came back to us."""
    owner = (payment.customer, "", payment.id)
    verb = "refunded" if amount.amount > 0 else "given back"
    return balanced(
        f"payment {payment.number} {verb}",
        (Posting(Account.UNAPPLIED, amount, *owner), Posting(Account.REFUNDED, -amount, *owner)),
    )


def freed(payment: Payment, invoice: Invoice, amount: Money) -> Group:
    """Part of what a payment settled of an invoice in its own currency is owed again: it was sent back."""
    return balanced(
        f"payment {payment.number} unapplied from invoice {invoice.number}: it was sent back",
        (
            Posting(Account.RECEIVABLE, amount, invoice.customer, invoice.id, payment.id),
            Posting(Account.UNAPPLIED, -amount, invoice.customer, "", payment.id),
        ),
    )


def sent_back(refund: Refund) -> tuple[Posting, ...]:
    """What stands of a refund: a provider paid it out of what it holds. One of a bank's money is not held."""
    if not refund.held_by:
        return ()
    return _moved(Account.REFUNDED, refund.amount, refund.customer, refund.id)


def disputed(dispute: Dispute) -> tuple[Posting, ...]:
    """What stands of a dispute: what was taken is nobody's while it is open, sent back once it is lost."""
    taken = dispute.withdrawn or Money.zero(dispute.amount.currency)
    where = Account.REFUNDED if dispute.outcome == "lost" else Account.DISPUTED
    return (*_moved(where, taken, dispute.customer, dispute.id), *kept(dispute))


def _moved(where: Account, amount: Money, customer: str, source: str) -> tuple[Posting, ...]:
    """Out of what a provider holds."""
    owner = (customer, "", source)
    return (Posting(where, amount, *owner), Posting(Account.HELD, -amount, *owner))


def paid_out(payout: Payout) -> tuple[Posting, ...]:
    """What stands of a payout: it left what the provider holds; a failed one is held again."""
    return () if payout.failed_on else _moved(Account.TRANSIT, payout.amount, "", payout.id)


def charged(payout: Payout, fee: Money) -> tuple[Posting, ...]:
    """The provider took a fee out of what it holds, by itself."""
    return _fee(fee, "", payout.id)


def elsewhere(payout: Payout, amount: Money) -> tuple[Posting, ...]:
    """Something moved what the provider holds, and it is not in these books; above zero: it came in."""
    return _moved(Account.ELSEWHERE, -amount, "", payout.id)


def exchanged(payout: Payout, given: Money, got: Money) -> tuple[Posting, ...]:
    """The provider holds `got` instead of `given`, which is in another currency."""
    owner = ("", "", payout.id)
    return (
        *(Posting(Account.HELD, -given, *owner), Posting(Account.EXCHANGE, given, *owner)),
        *(Posting(Account.HELD, got, *owner), Posting(Account.EXCHANGE, -got, *owner)),
    )


def transferred(line: Payment, payout: Payout) -> Group:
    """A bank's line is the money of a payout: no customer paid it."""
    owner = (line.customer, "", line.id)
    return balanced(
        f"{line.number} is payout {payout.number} of {payout.held_by}",
        (Posting(Account.UNAPPLIED, line.amount, *owner), Posting(Account.TRANSIT, -line.amount, *owner)),
    )
