"""Applying: what a system says a payment or a credit memo settled there, checked and carried out here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from hub import ledger
from hub.ledger import Account
from hub.model import CreditMemo, Invoice, InvoiceState, Money, Payment
from hub.stages.outcome import Reader

OWED = (InvoiceState.ISSUED, InvoiceState.PART_PAID)
STANDING = (*OWED, InvoiceState.PAID)
Source = Payment | CreditMemo


class Share(NamedTuple):
    """How much of one invoice is settled. `taken`: of the source, where it is in another currency."""

    invoice: Invoice
    amount: Money
    taken: Money | None = None

    @property
    def used(self) -> Money:
        """What it takes of the source."""
        return self.taken or self.amount


class Told(NamedTuple):
    """What is to be applied, and why that cannot be done."""

    shares: Sequence[Share]
    doubts: Sequence[str]


def money_of(source: Source) -> Money:
    """The whole amount of a payment or a credit memo."""
    return source.amount if isinstance(source, Payment) else source.payable_amount


def told(source: Source, read: Reader, *, fresh: bool) -> Told:
    """What its system says it settled and we have not applied yet. `fresh`: nothing of it is posted yet."""
    wanted = together(source)
    for customer in sorted({x.customer for x in map(read.get, wanted) if isinstance(x, Invoice)}):
        read.lock(customer)  # balances are read under the lock that guards their change
    known, used = ({}, {}) if fresh else _known(source, read)
    left = money_of(source) if fresh else read.unapplied(source.id, money_of(source).currency)
    shares: list[Share] = []
    doubts = list(_mixed_up(source))
    for invoice_id, (amount, taken) in wanted.items():
        invoice = read.get(invoice_id)
        if not isinstance(invoice, Invoice):
            doubts.append(f"invoice {invoice_id} is not known")
            continue
        share = _rest(invoice, amount, taken, known.get(invoice_id), used.get(invoice_id))
        if share is None:
            continue  # applied already
        doubts += _doubts(source, share, read)
        shares.append(share)
    if isinstance(source, Payment) and not fresh:
        shares = _without_sent_back(source, shares, left, read)
    if not doubts:
        doubts += _too_much(shares, left)
    doubts += mixed_sellers(source, [share.invoice for share in shares])
    return Told(shares, doubts)


def _mixed_up(source: Source) -> Iterator[str]:
    for invoice_id, (amount, _) in together(source).items():
        currencies = {x.amount.currency for x in source.applications if x.invoice == invoice_id}
        if len(currencies) > 1:
            yield f"{amount} and an amount in another currency are applied to the same invoice"


def together(source: Source) -> Mapping[str, tuple[Money, Money | None]]:
    """Amount and what it took, per invoice: systems may tell of several applications to the same one."""
    found: dict[str, tuple[Money, Money | None]] = {}
    for one in source.applications:
        amount, taken = found.get(one.invoice, (Money.zero(one.amount.currency), None))
        if amount.currency != one.amount.currency:
            continue  # `_mixed_up` says so
        more = one.taken if taken is None else taken + one.taken if one.taken else taken
        found[one.invoice] = (amount + one.amount, more)
    return found


def _known(source: Source, read: Reader) -> tuple[Mapping[str, Money], Mapping[str, Money]]:
    """What is applied already per invoice, and what that took of the source."""
    amounts = {one.invoice: one.amount for one in read.allocations(payment=source.id)}
    currency = money_of(source).currency
    used: dict[str, Money] = {}
    for posting in read.standing(payment=source.id):
        if posting.invoice and posting.amount.currency == currency:
            used[posting.invoice] = used.get(posting.invoice, Money.zero(currency)) - posting.amount
    return amounts, used


def _rest(
    invoice: Invoice, amount: Money, taken: Money | None, known: Money | None, used: Money | None
) -> Share | None:
    """What of an application is new; None: nothing."""
    if known is not None and known.currency == amount.currency:
        if amount.amount <= known.amount:
            return None
        amount = amount - known
        taken = taken - used if taken and used and taken.currency == used.currency else taken
    return Share(invoice, amount, taken if taken and taken.currency != amount.currency else None)


def _doubts(source: Source, share: Share, read: Reader) -> Iterator[str]:
    invoice, amount = share.invoice, share.amount
    currency = money_of(source).currency
    if invoice.state not in STANDING:
        yield f"invoice {invoice.number} is {invoice.state}"
    elif amount.currency != invoice.currency:
        yield f"{amount} is applied to {invoice.number}, which is in {invoice.currency}"
    elif not all(x.amount > 0 and x == x.rounded() for x in (amount, share.used)):
        yield f"{amount} is applied to {invoice.number}; only a positive amount of whole cents can be"
    elif share.used.currency != currency:
        yield f"{invoice.number} is in {invoice.currency}, and it is not told how much {currency} it took"
    elif read.open_amount(invoice) < amount:
        open_still, by = read.open_amount(invoice), settled_by(invoice, read)
        yield f"{amount} is applied to {invoice.number}, of which {open_still} is open" + (
            f"; it is settled by {by}" if by else ""
        )


def settled_by(invoice: Invoice, read: Reader) -> str:
    """Numbers of what settles an invoice, with where each is from."""
    names = []
    for one in read.allocations(invoice=invoice.id):
        source = read.get(one.payment)
        origin = read.origin(one.payment)
        number = str(getattr(source, "number", "")) or one.payment
        names.append(f"{one.kind.replace('_', ' ')} {number}" + (f" of {origin}" if origin else ""))
    return ", ".join(names)


def _without_sent_back(payment: Payment, shares: list[Share], left: Money, read: Reader) -> list[Share]:
    """Its system goes on telling what it had settled with money that was sent back since: that is over."""
    back = Money.zero(left.currency)
    for posting in read.standing(payment=payment.id):
        if posting.account is Account.REFUNDED and posting.amount.currency == left.currency:
            back -= posting.amount
    kept: list[Share] = []
    for share in shares:
        free = left - sum((one.used for one in kept), Money.zero(left.currency))
        if share.used.currency != left.currency or share.used <= free or free + back < share.used:
            kept.append(share)  # what does not fit for another reason is a doubt
            continue
        back -= share.used - free
        if share.taken is None and free.amount > 0:
            kept.append(share._replace(amount=free))
    return kept


def _too_much(shares: Sequence[Share], left: Money) -> Iterator[str]:
    total = sum((share.used.amount for share in shares), Decimal(0))
    if total > left.amount:
        yield f"{total} {left.currency} is applied, and only {left} is left of it"


def mixed_sellers(source: Source, invoices: Sequence[Invoice]) -> Iterator[str]:
    """Why it cannot be one company's: what it settles was sold by several."""
    sellers = {invoice.seller for invoice in invoices} | ({source.seller} if source.seller else set())
    if len(sellers) > 1:
        named = ", ".join(sorted(seller or "no seller" for seller in sellers))
        yield f"it settles invoices of different sellers ({named})"


def groups(source: Source, shares: Sequence[Share], rule: str = "") -> list[ledger.Group]:
    """The postings of these shares."""
    return [ledger.applied(source, x.invoice, x.amount, x.taken, rule) for x in shares]
