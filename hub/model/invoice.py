"""Invoices: what the customer owes for what was delivered."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from pydantic import Field

from hub.model.states import AdjustmentReason, AdjustmentState, CreditMemoState, InvoiceState
from hub.model.tax import TaxSubtotal
from hub.model.values import Currency, Document, Exact, Money, Value


class InvoiceLine(Value):
    """UBL InvoiceLine (EN 16931 BG-25)."""

    order_line: str = Field(default="", description="line_id of the order line (BT-132)", max_length=64)
    sku: str = Field(description="UBL SellersItemIdentification (BT-155)")
    name: str = Field(default="", description="UBL Item Name (BT-153)")
    quantity: Exact = Field(gt=0, description="UBL InvoicedQuantity (BT-129)")
    unit_code: str = Field(default="C62", description="UN/ECE Recommendation 20 (BT-130)")
    unit_price: Exact = Field(description="UBL PriceAmount (BT-146), in the invoice's currency")
    line_extension_amount: Money = Field(description="UBL LineExtensionAmount (BT-131)")
    tax_category: str = Field(description="UNCL 5305 (BT-151)")
    tax_percent: Exact = Field(description="rate in percent (BT-152)")


class Invoice(Document):
    """An invoice the hub or an ERP issued (UBL Invoice). What is open is a sum of postings, not a field."""

    kind: ClassVar[str] = "invoice"
    number: str = Field(description="invoice number (BT-1)", max_length=60)
    order: str = Field(default="", description="document id of the order; empty: billed without one of ours")
    shipment: str = Field(default="", description="document id of the shipment that is billed, if one is")
    customer: str = Field(description="document id of the customer")
    seller: str = Field(
        default="",
        description="which of our companies sells (UBL SellerSupplierParty): a code of policies.yaml",
    )
    order_number: str = Field(default="", description="our order's number (BT-14)")
    purchase_order: str = Field(default="", description="the customer's order number (BT-13)")
    currency: Currency
    issue_date: date = Field(description="UBL IssueDate (BT-2)")
    due_date: date = Field(description="UBL DueDate (BT-9)")
    payment_terms: str = Field(default="", description="code in policies.yaml `terms` (BT-20)")
    lines: tuple[InvoiceLine, ...] = Field(min_length=1)
    tax_subtotals: tuple[TaxSubtotal, ...] = Field(default=(), description="UBL TaxSubtotal (BG-23)")
    tax_exclusive_amount: Money = Field(description="UBL TaxExclusiveAmount (BT-109)")
    payable_amount: Money = Field(description="UBL PayableAmount (BT-115)")
    cancelled_on: date | None = Field(
        default=None, description="business date on which the system it is from took it back, if it did"
    )
    payment_link: str = Field(
        default="", description="page where the customer can pay it, at a payment provider", max_length=2000
    )
    state: InvoiceState = InvoiceState.RECEIVED
    overdue_on: date | None = Field(
        default=None, description="business date on which it was first seen unpaid after its due date"
    )


class Application(Value):
    """What a system says a payment or a credit memo settled of an invoice there."""

    invoice: str = Field(description="document id of the invoice", min_length=1)
    amount: Money = Field(description="what it settles, in the invoice's currency")
    taken: Money | None = Field(
        default=None, description="what of the payment that took, where it is in another currency"
    )


class CreditMemo(Document):
    """Money a customer owes less, or is owed (UBL CreditNote). What is left of it is a sum of postings."""

    kind: ClassVar[str] = "credit_memo"
    number: str = Field(default="", description="credit memo number (BT-1); the hub's where it issues it")
    invoice: str = Field(default="", description="document id of the invoice it corrects (BT-25), if one")
    order: str = Field(default="", description="document id of the order, if one")
    customer: str = Field(description="document id of the customer", min_length=1)
    seller: str = Field(
        default="",
        description="which of our companies sells (UBL SellerSupplierParty): a code of policies.yaml",
    )
    currency: Currency
    issue_date: date = Field(description="UBL IssueDate (BT-2)")
    reason: str = Field(default="", description="why, in a sentence", max_length=1000)
    lines: tuple[InvoiceLine, ...] = Field(default=(), max_length=2_000)
    tax_subtotals: tuple[TaxSubtotal, ...] = Field(default=(), description="UBL TaxSubtotal (BG-23)")
    tax_exclusive_amount: Money = Field(description="UBL TaxExclusiveAmount (BT-109), positive")
    payable_amount: Money = Field(description="UBL PayableAmount (BT-115), positive")
    applications: tuple[Application, ...] = Field(
        default=(),
        description="which invoices it settled, where the system it is from decides",
        max_length=2_000,
    )
    cancelled_on: date | None = Field(
        default=None, description="business date on which the system it is from took it back, if it did"
    )
    state: CreditMemoState = CreditMemoState.RECEIVED


class Adjustment(Document):
    """What is no longer owed of an invoice though nobody paid it: written off, deducted, discounted."""

    kind: ClassVar[str] = "adjustment"
    number: str = Field(default="", description="number of the entry, where it has one", max_length=60)
    invoice: str = Field(description="document id of the invoice", min_length=1)
    customer: str = Field(default="", description="document id of the customer; the invoice's")
    seller: str = Field(
        default="",
        description="which of our companies sells (UBL SellerSupplierParty): a code of policies.yaml",
    )
    amount: Money = Field(description="what the invoice is reduced by, positive, in its currency")
    reason: AdjustmentReason = Field(description="why it is no longer owed")
    booked_on: date = Field(description="business date")
    note: str = Field(default="", description="what people wrote about it", max_length=1000)
    cancelled_on: date | None = Field(
        default=None, description="business date on which the system it is from took it back, if it did"
    )
    state: AdjustmentState = AdjustmentState.RECEIVED
