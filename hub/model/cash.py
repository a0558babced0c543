"""Cash: payments that arrived, what explains them, and the bank statements they stand in."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from pydantic import Field

from hub.model.invoice import Application
from hub.model.states import PaymentState, RemittanceState, StatementState
from hub.model.values import Currency, Document, Money, Value


class Payer(Value):
    """Who paid, in the bank's words (UBL PayerParty, ISO 20022 Dbtr)."""

    name: str = Field(default="", description="name as the bank wrote it", max_length=400)
    account: str = Field(default="", description="IBAN or other account number", max_length=60)


class RemittedAdjustment(Value):
    """Why less (or more) is paid of a document than it is over (X12 ADX, ISO 20022 AdjstmntAmtAndRsn)."""

    amount: Money = Field(description="below zero where it makes the payment smaller")
    reason: str = Field(default="", description="the sender's code, such as 01 or L1 of X12 element 426")
    text: str = Field(default="", description="the code in words, or what the payer wrote", max_length=400)


class RemittedDocument(Value):
    """A document the payer says the money is for (ISO 20022 RfrdDocInf, X12 RMR)."""

    number: str = Field(description="as the payer wrote it", max_length=120)
    document_type: str = Field(default="", description="CINV, CREN ... or the X12 qualifier", max_length=10)
    dated: date | None = Field(default=None, description="date of the document, where told")
    paid: Money | None = Field(default=None, description="paid of it; below zero where a credit is taken")
    original: Money | None = Field(default=None, description="what it was over, where told")
    discount: Money | None = Field(default=None, description="taken for paying early, positive")
    adjustments: tuple[RemittedAdjustment, ...] = Field(default=(), max_length=200)


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
    trace: str = Field(
        default="",
        description="what ties it to its remittance or payout (X12 TRN02, NACHA trace, payout trace id)",
        max_length=100,
    )
    documents: tuple[RemittedDocument, ...] = Field(
        default=(), description="what the payer says it is for, document by document", max_length=10_000
    )
    method: str = Field(default="", description="card, ach_debit, sepa_debit, cheque, transfer ...")
    held_by: str = Field(
        default="",
        description="payment provider that holds it until it pays out; empty: it is on our bank account",
        max_length=60,
    )
    fee: Money | None = Field(
        default=None, description="kept by the provider of it, in the same currency; positive"
    )
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


class Remittance(Document):
    """What a payer tells of a payment apart from the money: an X12 820, a CTX addendum, a paper advice.

    It moves nothing by itself. It explains a payment of the same trace, or of the same amount and payer.
    """

    kind: ClassVar[str] = "remittance"
    number: str = Field(
        default="", description="the payer's number of it (X12 BPR/TRN, CHK number)", max_length=60
    )
    trace: str = Field(default="", description="trace number it shares with the money", max_length=100)
    payer: Payer = Field(default=Payer())
    payer_id: str = Field(
        default="", description="the payer's id at its bank or as trading partner", max_length=60
    )
    customer: str = Field(default="", description="document id of the payer, once known")
    amount: Money = Field(description="what is paid, zero or more")
    paid_on: date = Field(description="when the money is to arrive (X12 BPR16)")
    method: str = Field(default="", description="ACH, CHK, FWT, BOP, NON ... (X12 BPR04)")
    money_follows: bool = Field(
        default=True, description="does it announce money at all? (X12 BPR01 H: notification only)"
    )
    documents: tuple[RemittedDocument, ...] = Field(default=(), max_length=10_000)
    adjustments: tuple[RemittedAdjustment, ...] = Field(
        default=(), description="of the whole payment, tied to no document", max_length=200
    )
    notes: tuple[str, ...] = Field(default=(), max_length=1_000)
    payment: str = Field(default="", description="document id of the payment it explains, once found")
    state: RemittanceState = RemittanceState.RECEIVED


class Statement(Document):
    """What a bank says of one account over one period: the frame its payments stand in."""

    kind: ClassVar[str] = "statement"
    number: str = Field(default="", description="the bank's electronic sequence number", max_length=60)
    legal_number: str = Field(default="", description="the bank's legal sequence number", max_length=60)
    statement_id: str = Field(default="", description="the bank's id of it", max_length=120)
    page: str = Field(default="", max_length=20)
    account: str = Field(description="ours (IBAN or other number)", max_length=60)
    currency: Currency
    source_format: str = Field(description="camt.053, mt940, bai2 ...", max_length=20)
    final: bool = Field(default=True, description="False: intraday or notification, its final one follows")
    opening: Money | None = Field(default=None, description="booked balance before")
    closing: Money | None = Field(default=None, description="booked balance after")
    opened_on: date | None = Field(default=None, description="date of the opening balance")
    closed_on: date | None = Field(default=None, description="date of the closing balance")
    credits: Money = Field(description="sum of booked credits")
    debits: Money = Field(description="sum of booked debits, positive")
    entries: int = Field(default=0, ge=0, description="booked lines")
    state: StatementState = StatementState.RECEIVED
