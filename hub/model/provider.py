"""What a payment provider does with money it holds for us: refunds, disputes, payouts."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from pydantic import Field

from hub.model.states import DisputeState, PayoutState, RefundState
from hub.model.values import Document, Money, Value


class Refund(Document):
    """Part of a payment that was sent back to its payer."""

    kind: ClassVar[str] = "refund"
    number: str = Field(default="", description="the provider's number of it", max_length=120)
    payment: str = Field(description="document id of the payment", min_length=1)
    customer: str = Field(default="", description="document id of the customer; the payment's")
    seller: str = Field(default="", description="a code of policies.yaml")
    amount: Money = Field(description="sent back, positive")
    booked_on: date = Field(description="business date")
    reason: str = Field(default="", description="in the provider's words", max_length=1000)
    held_by: str = Field(default="", description="provider it was paid from", max_length=60)
    cancelled_on: date | None = Field(
        default=None, description="business date on which it failed and the money came back, if it did"
    )
    state: RefundState = RefundState.RECEIVED


class Dispute(Document):
    """A payer has their bank take a payment back (chargeback, returned debit)."""

    kind: ClassVar[str] = "dispute"
    number: str = Field(default="", description="the provider's number of it", max_length=120)
    payment: str = Field(description="document id of the payment", min_length=1)
    customer: str = Field(default="", description="document id of the customer; the payment's")
    seller: str = Field(default="", description="a code of policies.yaml")
    amount: Money = Field(description="disputed, positive")
    withdrawn: Money | None = Field(
        default=None,
        description="what the provider took of our balance for it now; None: nothing (an inquiry)",
    )
    fee: Money | None = Field(default=None, description="what the provider charges for it, positive")
    reason: str = Field(default="", description="in the provider's words", max_length=1000)
    opened_on: date = Field(description="business date")
    respond_by: date | None = Field(default=None, description="last day to send evidence")
    outcome: str = Field(default="open", pattern="^(open|won|lost)$", description="decided how, by the bank")
    held_by: str = Field(default="", description="provider that took it", max_length=60)
    state: DisputeState = DisputeState.RECEIVED


class PayoutItem(Value):
    """One movement of our balance at the provider that a payout contains."""

    reference: str = Field(description="the provider's id of the movement", max_length=120)
    type: str = Field(description="payment, refund, dispute, fee, adjustment, failed_payout, other")
    document: str = Field(default="", description="document id of what moved it, where it is one of ours")
    gross: Money = Field(description="signed: above zero for what came in")
    fee: Money = Field(description="kept by the provider, above zero")
    net: Money = Field(description="gross less fee")
    text: str = Field(default="", description="in the provider's words", max_length=400)


class Payout(Document):
    """What a provider held for us, sent to our bank account in one sum, with everything it is made of."""

    kind: ClassVar[str] = "payout"
    number: str = Field(default="", description="the provider's number of it", max_length=120)
    held_by: str = Field(description="the provider", max_length=60)
    amount: Money = Field(description="sent to our bank account; below zero where the provider debits it")
    arrives_on: date = Field(description="expected business date at the bank")
    account: str = Field(default="", description="last digits or IBAN of our bank account", max_length=60)
    trace: str = Field(default="", description="trace id on the bank's line, where known", max_length=100)
    descriptor: str = Field(default="", description="text on the bank's line", max_length=120)
    items: tuple[PayoutItem, ...] = Field(
        default=(), description="empty for a manual payout, which has no items", max_length=100_000
    )
    failed_on: date | None = Field(default=None, description="business date on which it came back, if it did")
    payment: str = Field(default="", description="document id of the bank's line for it, once seen")
    state: PayoutState = PayoutState.RECEIVED
