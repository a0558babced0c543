"""Cash: payments that arrived and what they say about themselves."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from pydantic import Field

from hub.model.invoice import Application
from hub.model.states import PaymentState
from hub.model.values import Document, Money, Value


class Payer(Value):
    """Who paid, in the bank's words (UBL PayerParty, ISO 20022 Dbtr)."""

    name: str = Field(default="", description="name as the bank wrote it", max_length=400)
    account: str = Field(default="", description="IBAN or other account number", max_length=60)


class Payment(Document):
    """Money that reached one of our accounts. What is unapplied is a sum of postings, not a field."""

    kind: ClassVar[str] = "payment"
    number: str = Field(default="", description="the hub's receipt number", max_length=60)
    account: str = Field(default="", description="our account it arrived on (IBAN)", max_length=60)
    amount: Money = Field(description="amount credited, always positive")
    booked_on: date = Field(description="ISO 20022 BookgDt, a business date")
    value_on: date | None = Field(default=None, description="ISO 20022 ValDt")
    payer: Payer = Field(default=Payer())
    creditor_reference: str = Field(default="", description="structured reference (ISO 11649 or national)")
    remittance_information: tuple[str, ...] = Field(
        default=(), description="free text, lines in the bank's order (ISO 20022 Ustrd)", max_length=1_000
    )
    end_to_end_id: str = Field(default="", description="ISO 20022 EndToEndId", max_length=100)
    bank_reference: str = Field(default="", description="ISO 20022 AcctSvcrRef", max_length=100)
    customer: str = Field(default="", description="document id of the payer, once known")
    seller: str = Field(
        default="",
        description="which of our companies sells (UBL SellerSupplierParty): a code of policies.yaml",
    )
    applications: tuple[Application, ...] = Field(
        default=(), description="what it settled, where the system it is from decides that", max_length=2_000
    )
    cancelled_on: date | None = Field(
        default=None, description="business date on which the system it is from took it back, if it did"
    )
    state: PaymentState = PaymentState.RECEIVED
