"""Invoices: what the customer owes for what was delivered."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from pydantic import Field

from hub.model.states import InvoiceState
from hub.model.tax import TaxSubtotal
from hub.model.values import Currency, Document, Exact, Money, Value


class InvoiceLine(Value):
    """UBL InvoiceLine (EN 16931 BG-25)."""

    order_line: str = Field(description="line_id of the order line (BT-132)", max_length=64)
    sku: str = Field(description="UBL SellersItemIdentification (BT-155)")
    name: str = Field(default="", description="UBL Item Name (BT-153)")
    quantity: Exact = Field(gt=0, description="UBL InvoicedQuantity (BT-129)")
    unit_code: str = Field(default="C62", description="UN/ECE Recommendation 20 (BT-130)")
    unit_price: Exact = Field(description="UBL PriceAmount (BT-146), in the invoice's currency")
    line_extension_amount: Money = Field(description="UBL LineExtensionAmount (BT-131)")
    tax_category: str = Field(description="UNCL 5305 (BT-151)")
    tax_percent: Exact = Field(description="rate in percent (BT-152)")


class Invoice(Document):
    """An invoice the hub issued (UBL Invoice). What is still open is a sum of postings, not a field."""

    kind: ClassVar[str] = "invoice"
    number: str = Field(description="invoice number (BT-1)", max_length=60)
    order: str = Field(description="document id of the order")
    shipment: str = Field(description="document id of the shipment that is billed")
    customer: str = Field(description="document id of the customer")
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
    state: InvoiceState = InvoiceState.ISSUED
    overdue_on: date | None = Field(
        default=None, description="business date on which it was first seen unpaid after its due date"
    )
