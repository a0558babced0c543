"""What is said of an order before it is shipped: changes by the buyer, answers by the seller."""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal

from pydantic import Field

from hub.model.order import LINES_MAX, OrderLine
from hub.model.states import OrderChangeState, OrderResponseState
from hub.model.values import Document, Exact, Value

LineAnswer = Literal[
    "accepted", "quantity_changed", "price_changed", "date_changed", "backordered", "rejected"
]


class ResponseLine(Value):
    """UBL OrderResponse OrderLine: what becomes of one line."""

    line_id: str = Field(description="line_id of the order line", max_length=64)
    answer: LineAnswer
    quantity: Exact = Field(description="what will be delivered, in the line's unit")
    unit_price: Exact | None = Field(default=None, description="where it differs from what was ordered")
    promised_on: date | None = None
    reason: str = Field(default="", max_length=300)


class OrderResponse(Document):
    """The seller's answer to an order or to a change of it (UBL OrderResponse; X12 855, 865)."""

    kind: ClassVar[str] = "order_response"
    number: str = Field(default="", description="given by the hub", max_length=60)
    order: str = Field(description="document id of the order", min_length=1)
    change: str = Field(default="", description="document id of the order change it answers, if it does")
    customer: str = Field(default="", description="document id of the customer")
    purchase_order: str = Field(default="", description="the customer's number of the order", max_length=100)
    order_number: str = Field(default="", description="our number of it", max_length=60)
    answer: Literal["accepted", "accepted_with_changes", "rejected"]
    issue_date: date
    reason: str = Field(default="", max_length=500)
    lines: tuple[ResponseLine, ...] = Field(default=(), max_length=LINES_MAX)
    state: OrderResponseState = OrderResponseState.RECEIVED


class ChangedLine(Value):
    """What a change says of one line. `line` is the whole new line of `add` and `replace`."""

    action: Literal["add", "delete", "replace", "quantity", "price", "date", "none"]
    line_id: str = Field(
        default="", description="line_id of the order line; empty: told by sku", max_length=64
    )
    sku: str = Field(default="", max_length=100)
    quantity: Exact | None = Field(default=None, description="the new quantity, not the difference")
    unit_price: Exact | None = Field(default=None, description="the new price")
    requested_on: date | None = None
    line: OrderLine | None = None


class OrderChange(Document):
    """A buyer's change of an order (UBL OrderChange; X12 860)."""

    kind: ClassVar[str] = "order_change"
    number: str = Field(default="", description="sequence of the change (BCH05)", max_length=60)
    order: str = Field(description="document id of the order", min_length=1)
    purchase_order: str = Field(default="", max_length=100)
    action: Literal["change", "cancel"] = "change"
    issue_date: date | None = None
    requested_on: date | None = None
    note: str = Field(default="", max_length=4000)
    lines: tuple[ChangedLine, ...] = Field(default=(), max_length=LINES_MAX)
    state: OrderChangeState = OrderChangeState.RECEIVED
