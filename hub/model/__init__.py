"""The canonical order-to-cash model. Nothing here knows a vendor, a table or a clock.

Names follow UBL 2.1 and EN 16931 where these have a term (BT/BG numbers are EN 16931's).
"""

from __future__ import annotations

from collections.abc import Mapping

from hub.model.cash import Payer, Payment, Remittance, RemittedAdjustment, RemittedDocument, Statement
from hub.model.invoice import Adjustment, Application, CreditMemo, Invoice, InvoiceLine
from hub.model.message import Message
from hub.model.order import CreditDecision, Order, OrderLine
from hub.model.party import Contact, Customer
from hub.model.provider import Dispute, Payout, PayoutItem, Refund
from hub.model.shipment import Shipment, ShipmentLine
from hub.model.states import (
    AdjustmentReason,
    AdjustmentState,
    CreditMemoState,
    CustomerState,
    DisputeState,
    InvoiceState,
    MessageState,
    OrderState,
    PaymentState,
    PayoutState,
    RefundState,
    RemittanceState,
    ShipmentState,
    StatementState,
)
from hub.model.tax import TaxSubtotal
from hub.model.values import Address, Document, Money, Value

KINDS: Mapping[str, type[Document]] = {
    cls.kind: cls
    for cls in (
        Customer,
        Order,
        Shipment,
        Invoice,
        CreditMemo,
        Payment,
        Adjustment,
        Remittance,
        Statement,
        Refund,
        Dispute,
        Payout,
        Message,
    )
}

__all__ = [
    "KINDS",
    "Address",
    "Adjustment",
    "AdjustmentReason",
    "AdjustmentState",
    "Application",
    "Contact",
    "CreditDecision",
    "CreditMemo",
    "CreditMemoState",
    "Customer",
    "CustomerState",
    "Dispute",
    "DisputeState",
    "Document",
    "Invoice",
    "InvoiceLine",
    "InvoiceState",
    "Message",
    "MessageState",
    "Money",
    "Order",
    "OrderLine",
    "OrderState",
    "Payer",
    "Payment",
    "PaymentState",
    "Payout",
    "PayoutItem",
    "PayoutState",
    "Refund",
    "RefundState",
    "Remittance",
    "RemittanceState",
    "RemittedAdjustment",
    "RemittedDocument",
    "Shipment",
    "ShipmentLine",
    "ShipmentState",
    "Statement",
    "StatementState",
    "TaxSubtotal",
    "Value",
]
