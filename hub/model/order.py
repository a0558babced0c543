"""Orders: what a customer bought, at which price, in which state."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import ClassVar, Literal

from pydantic import Field

from hub.model.states import OrderState
from hub.model.tax import TaxSubtotal, subtotals
from hub.model.values import Address, Currency, Document, Exact, Money, Value

LINES_MAX = 2_000


class OrderLine(Value):
    """UBL OrderLine/LineItem."""

    line_id: str = Field(description="UBL ID, unique in the order and stable across changes", max_length=64)
    sku: str = Field(description="UBL SellersItemIdentification (BT-155)", max_length=100)
    gtin: str = Field(default="", description="UBL StandardItemIdentification (BT-157)", max_length=14)
    name: str = Field(default="", description="UBL Item Name (BT-153)", max_length=500)
    quantity: Exact = Field(description="UBL Quantity (BT-129) in `unit_code`")
    unit_code: str = Field(default="C62", description="UN/ECE Recommendation 20 code; C62 is one piece")
    unit_price: Exact = Field(description="UBL PriceAmount (BT-146) after discount, in the order's currency")
    tax_category: str = Field(default="S", description="UNCL 5305 tax category (BT-151): S, Z, E, AE, G, O")
    tax_percent: Exact = Field(default=Decimal(0), ge=0, le=100, description="UBL Percent (BT-152)")
    requested_on: date | None = Field(
        default=None, description="where it differs from the order's (UBL RequestedDeliveryPeriod)"
    )
    delivery: Literal["goods", "service"] = Field(
        default="goods", description="goods are invoiced when shipped, services when the order is approved"
    )

    def extension(self, quantity: Decimal, currency: str) -> Money:
        """UBL LineExtensionAmount (BT-131) for a quantity of this line, rounded to the minor unit."""
        return Money(amount=quantity * self.unit_price, currency=currency).rounded()


class CreditDecision(Value):
    """The figures that decided a credit check, kept so that anyone can explain it later."""

    decision: Literal["approved", "held", "rejected", "released"]
    limit: Money = Field(description="limit that was applied")
    open_receivables: Money = Field(description="sum of the customer's receivable postings")
    approved_orders: Money = Field(description="approved orders not yet invoiced")
    this_order: Money = Field(description="payable amount of the order under decision")
    overdue: Money = Field(description="receivables past their due date and grace")
    reason: str = Field(description="one sentence for a human")
    decided_on: date = Field(description="business date of the decision")
    decided_by: str = Field(default="policy", description="`policy`, or the person who released or rejected")

    @property
    def exposure(self) -> Money:
        """What the customer would owe if this order were approved."""
        return self.open_receivables + self.approved_orders + self.this_order


class Order(Document):
    """A customer's order (UBL Order)."""

    kind: ClassVar[str] = "order"
    number: str = Field(
        default="", description="UBL ID; given by the hub where the source has none", max_length=60
    )
    customer: str = Field(description="document id of the customer", min_length=1)
    seller: str = Field(
        default="",
        description="which of our companies sells (UBL SellerSupplierParty): a code of policies.yaml",
    )
    purchase_order: str = Field(default="", description="the customer's own number (BT-13)", max_length=100)
    release: str = Field(
        default="", description="of a standing order: which call-off this is (X12 BEG04)", max_length=60
    )
    delivery_location: str = Field(
        default="", description="the customer's code of the place (UBL DeliveryLocation ID)", max_length=80
    )
    response_wanted: bool = Field(
        default=False, description="the customer expects an order response (UBL OrderResponse)"
    )
    title: str = Field(
        default="", description="what people call it, for example the deal's name", max_length=400
    )
    currency: Currency
    issue_date: date | None = Field(default=None, description="UBL IssueDate: business date it was won")
    requested_on: date | None = Field(default=None, description="UBL RequestedDeliveryPeriod")
    payment_terms: str = Field(default="", description="code in policies.yaml `terms`; empty: the customer's")
    note: str = Field(default="", description="UBL Note", max_length=4000)
    declared_amount: Money | None = Field(
        default=None, description="total the source claims without tax; checked against the lines"
    )
    delivery_address: Address | None = Field(default=None, description="UBL DeliveryAddress (BG-15)")
    lines: tuple[OrderLine, ...] = Field(default=(), description="UBL OrderLine", max_length=LINES_MAX)
    credit: CreditDecision | None = Field(default=None, description="the last credit decision")
    state: OrderState = OrderState.RECEIVED

    @property
    def tax_exclusive_amount(self) -> Money:
        """UBL TaxExclusiveAmount (BT-109): sum of the line extension amounts."""
        total = Money.zero(self.currency)
        for line in self.lines:
            total += line.extension(line.quantity, self.currency)
        return total

    @property
    def tax_subtotals(self) -> tuple[TaxSubtotal, ...]:
        """UBL TaxSubtotal (BG-23): tax per category and rate, rounded once per group."""
        return subtotals(
            self.currency,
            ((x.tax_category, x.tax_percent, x.extension(x.quantity, self.currency)) for x in self.lines),
        )

    @property
    def payable_amount(self) -> Money:
        """UBL PayableAmount (BT-115): tax exclusive amount plus tax."""
        total = self.tax_exclusive_amount
        for group in self.tax_subtotals:
            total += group.tax_amount
        return total
