"""Holding: what a payment provider does to a payment that it holds for us: keep a fee, take it back."""

from __future__ import annotations

from collections.abc import Iterable

from hub import ledger
from hub.ledger import Account, Posting
from hub.model import Money, Payment, PaymentState
from hub.stages import returning
from hub.stages.outcome import Case, Event, Outcome, Reader


def withdrawn(payment: Payment) -> Outcome:
    """It was taken back before we heard of it: it never counts. What a provider charged for it stays."""
    gone = payment.model_copy(update={"state": PaymentState.REVERSED})
    charged = ledger.balanced(f"fee for payment {payment.number or payment.id}", ledger.kept(payment))
    return Outcome([Event("payment.withdrawn", gone)], groups=[charged])


def charged(payment: Payment, read: Reader) -> Outcome:
    """Post what a provider keeps of a payment beyond what is posted: its fee is often told later."""
    if not payment.held_by or payment.fee is None:
        return Outcome()
    rest = payment.fee
    for posting in _fees(read.standing(payment=payment.id)):
        if posting.amount.currency == rest.currency:
            rest -= posting.amount
    return Outcome(groups=[ledger.kept_more(payment, rest)]) if rest else Outcome()


def taken_back(payment: Payment, read: Reader) -> Outcome:
    """The provider took a payment back, as when a debit bounces: what it paid is owed again, its fee stays.

    What was sent back of it before is lost: a case says so.
    """
    standing = read.standing(payment=payment.id)
    gone = payment.model_copy(update={"state": PaymentState.REVERSED})
    fee = _fees(standing)
    stays = [*fee, *(one._replace(account=Account.HELD, amount=-one.amount) for one in fee)]
    sent = returning.sent_back_of(payment, read)
    lost: list[Case] = [returning.twice(gone, sent, Money.zero(sent.currency))] if sent else []
    group = ledger.towards(f"payment {payment.number} taken back", stays, standing)
    return Outcome([Event("payment.reversed", gone, touch=True)], lost, [group])


def _fees(postings: Iterable[Posting]) -> list[Posting]:
    """The provider's, not what a bank kept of what reached an invoice."""
    return [one for one in postings if one.account is Account.FEE and not one.invoice]
