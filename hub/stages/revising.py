"""Revising: a person accepts an order with changes: less of it, without some lines, later, at another price.

What they decided is prepared as a response and leaves when the changed order is approved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from pydantic import Field, ValidationError

from hub.errors import Invalid
from hub.model import Order, OrderLine, OrderResponse, OrderState, ResponseLine
from hub.model.order import LINES_MAX
from hub.model.values import Exact, Value
from hub.stages import responding
from hub.stages.fulfilment import derived_id
from hub.stages.outcome import Choice, Event, Outcome, Reader

_UNDECIDED = (OrderState.INVALID, OrderState.HELD)


class Revised(Value):
    """What a person says of one line. What is not given stays as it was ordered."""

    line_id: str = Field(max_length=64)
    quantity: Exact | None = Field(default=None, ge=0, description="0: the line is not delivered")
    unit_price: Exact | None = Field(default=None, ge=0)
    promised_on: date | None = None
    reason: str = Field(default="", max_length=300, description="the customer reads it")


class _Entered(Value):
    lines: tuple[Revised, ...] = Field(min_length=1, max_length=LINES_MAX)


def accept_changed(order: Order, choice: Choice, read: Reader) -> Outcome:
    """Change an order as a person decided and judge it again; the customer is told line by line.

    `values.lines`: per changed line its `line_id` and a new `quantity` (0 drops it), `unit_price`,
    `promised_on` or `reason`. Raises Invalid where that is no answer to this order.
    """
    read.lock(order.customer)
    _check(order)
    given = _given(order, choice)
    kept, told = _applied(order, given)
    before = responding.drafted(order, read)
    dropped_before = [x for x in (before.lines if before else ()) if x.answer == "rejected"]
    draft = OrderResponse(
        id=before.id if before else derived_id(order.id, f"response-{len(read.responses_of(order.id))}"),
        order=order.id, customer=order.customer, purchase_order=order.purchase_order,
        order_number=order.number, answer="accepted_with_changes", issue_date=read.today,
        reason=choice.note[:500], lines=(*_with_earlier(told, before), *dropped_before),
    )  # fmt: skip
    changed = order.model_copy(update={"lines": kept, "declared_amount": None})
    return Outcome(
        events=[Event("order_response.received", draft, touch=True), Event("order.changed", changed)],
        closes=[(order.id, reason) for reason in ("order_invalid", "credit_hold")],
    )


def _check(order: Order) -> None:
    if not order.response_wanted:
        raise Invalid(
            f"nobody would tell the customer of order {order.number}: change it where it came from",
            field="decision",
        )
    if order.state not in _UNDECIDED:
        raise Invalid(f"order {order.number} is {order.state}: it cannot be revised", field="decision")


def _given(order: Order, choice: Choice) -> Mapping[str, Revised]:
    """By line. Raises Invalid where one is not of the order, or there is more of it than was ordered."""
    try:
        entered = _Entered.model_validate({"lines": choice.values.get("lines", ())}).lines
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise Invalid(f"{place}: {first['msg']}", field="lines") from None
    known = {line.line_id: line for line in order.lines}
    for one in entered:
        if one.line_id not in known:
            raise Invalid(f"order {order.number} has no line {one.line_id!r}", field="lines")
        ordered = known[one.line_id].quantity
        if one.quantity is not None and one.quantity > ordered:
            raise Invalid(
                f"line {one.line_id}: {one.quantity} is more than the {ordered} that were ordered",
                field="lines",
            )
    return {one.line_id: one for one in entered}


def _applied(
    order: Order, given: Mapping[str, Revised]
) -> tuple[tuple[OrderLine, ...], Sequence[ResponseLine]]:
    """The lines that stay, and what is said of each. Raises Invalid where nothing changes or stays."""
    kept, told = list[OrderLine](), list[ResponseLine]()
    for line in order.lines:
        one = given.get(line.line_id) or Revised(line_id=line.line_id)
        quantity = line.quantity if one.quantity is None else one.quantity
        price = line.unit_price if one.unit_price is None else one.unit_price
        if quantity:
            kept.append(line.model_copy(update={"quantity": quantity, "unit_price": price}))
        told.append(_said(line, one, quantity, price))
    if not kept:
        raise Invalid("no line is left: reject or cancel the order instead", field="lines")
    if all(one.answer == "accepted" for one in told):
        raise Invalid("this changes nothing: accept or release the order as it is", field="lines")
    return tuple(kept), told


def _said(line: OrderLine, one: Revised, quantity: Decimal, price: Decimal) -> ResponseLine:
    """The gravest of its changes names the answer; the others stand beside it."""
    priced = price if price != line.unit_price else None
    plain = ResponseLine(
        line_id=line.line_id, answer="accepted", quantity=quantity, unit_price=priced,
        promised_on=one.promised_on, reason=one.reason,
    )  # fmt: skip
    if not quantity:
        return plain.model_copy(update={"answer": "rejected", "unit_price": None, "promised_on": None})
    if quantity != line.quantity:
        return plain.model_copy(update={"answer": "quantity_changed"})
    if priced is not None:
        return plain.model_copy(update={"answer": "price_changed"})
    if one.promised_on is not None:
        return plain.model_copy(update={"answer": "date_changed"})
    return plain


def _with_earlier(told: Sequence[ResponseLine], before: OrderResponse | None) -> list[ResponseLine]:
    """Lines that are as they were left by an earlier answer are still told by it, and so are its prices."""
    earlier = {line.line_id: line for line in before.lines} if before else {}
    return [_joined(one, earlier[one.line_id]) if one.line_id in earlier else one for one in told]


def _joined(one: ResponseLine, earlier: ResponseLine) -> ResponseLine:
    if one.answer == "accepted":
        return earlier
    if one.answer == "rejected":
        return one
    price = earlier.unit_price if one.unit_price is None else one.unit_price
    return one.model_copy(update={"unit_price": price, "promised_on": one.promised_on or earlier.promised_on})
