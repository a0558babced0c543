"""The canonical order-to-cash model. Nothing here knows a vendor, a table or a clock.

Names follow UBL 2.1 and EN 16931 where these have a term (BT/BG numbers are EN 16931's).
"""

from __future__ import annotations

from collections.abc import Mapping

from hub.model.cash import Payer, Payment, Remittance, RemittedAdjustment, RemittedDocument, Statement
from hub.model.interchange import (
    Acknowledgment,
    FunctionalGroup,
    Interchange,
    SetFault,
    TechnicalAnswer,
    TransactionSet,
    envelope_key,
)
from hub.model.invoice import Adjustment, Application, CreditMemo, Invoice, InvoiceLine
from hub.model.message import Message
from hub.model.order import CreditDecision, Order, OrderLine
from hub.model.party import Contact, Customer
from hub.model.provider import Dispute, Payout, PayoutItem, Refund
from hub.model.response import ChangedLine, OrderChange, OrderResponse, ResponseLine
from hub.model.shipment import Shipment, ShipmentLine
from hub.model.states import (
    AcknowledgmentState,
    AdjustmentReason,
    AdjustmentState,
    CreditMemoState,
    CustomerState,
    DisputeState,
    InterchangeState,
    InvoiceState,
    MessageState,
    OrderChangeState,
    OrderResponseState,
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
        OrderChange,
        OrderResponse,
        Interchange,
        Acknowledgment,
        Message,
    )
}

__all__ = [
    "KINDS",
    "Acknowledgment",
    "AcknowledgmentState",
    "Address",
    "Adjustment",
    "AdjustmentReason",
    "AdjustmentState",
    "Application",
    "ChangedLine",
    "Contact",
    "CreditDecision",
    "CreditMemo",
    "CreditMemoState",
    "Customer",
    "CustomerState",
    "Dispute",
    "DisputeState",
    "Document",
    "FunctionalGroup",
    "Interchange",
    "InterchangeState",
    "Invoice",
    "InvoiceLine",
    "InvoiceState",
    "Message",
    "MessageState",
    "Money",
    "Order",
    "OrderChange",
    "OrderChangeState",
    "OrderLine",
    "OrderResponse",
    "OrderResponseState",
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
    "ResponseLine",
    "SetFault",
    "Shipment",
    "ShipmentLine",
    "ShipmentState",
    "Statement",
    "StatementState",
    "TaxSubtotal",
    "TechnicalAnswer",
    "TransactionSet",
    "Value",
    "envelope_key",
]
