"""Responding: what a customer is told of an order, or of a change of it, once the business has decided.

An order is answered by its state, not by having been read: approved, rejected, cancelled. What was said last
is not said again, so a repeated event changes nothing. A change that was taken is answered together with the
order that it became part of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Literal, NamedTuple

from hub.model import (
    ChangedLine,
    Order,
    OrderChange,
    OrderChangeState,
    OrderResponse,
    OrderResponseState,
    OrderState,
    ResponseLine,
)
from hub.stages.fulfilment import derived_id
from hub.stages.outcome import Event, Outcome, Reader

Answer = Literal["accepted", "accepted_with_changes", "rejected"]
AGREED = (OrderState.APPROVED, OrderState.PART_INVOICED, OrderState.INVOICED, OrderState.CLOSED)
_WHY: Mapping[str, str] = {
    OrderState.REJECTED: "the order is not accepted",
    OrderState.CANCELLED: "the order is cancelled",
}


class Said(NamedTuple):
    """What was told of an order so far, what is prepared, and which changes wait for their answer."""

    last: OrderResponse | None  # about the order itself
    draft: OrderResponse | None
    unanswered: Sequence[OrderChange]
    withdrawn: bool  # the customer took the order back


def answer(order: Order, read: Reader) -> Outcome:
    """Tell the customer what became of an order and of the changes in it, if they want to be told."""
    if not order.response_wanted:
        return Outcome()
    read.lock(order.customer)
    said = _said(order, read)
    if order.state is OrderState.APPROVED:
        return Outcome(events=_agreed(order, said, read))
    return Outcome(events=_refused(order, said, read))


def answer_change(change: OrderChange, read: Reader) -> Outcome:
    """Tell the customer that their change was taken; where the order is decided anew, then with that.

    A change is answered also where the order itself was to have no response.
    """
    if any(one.change == change.id for one in read.responses_of(change.order)):
        return Outcome()
    order = read.get(change.order)
    waits = isinstance(order, Order) and order.response_wanted and order.state not in AGREED
    if not isinstance(order, Order) or (change.action == "change" and waits):
        return Outcome()
    return Outcome(events=[_response(order, "accepted", _changed(change, order, {}), read, change=change)])


def refusal(change: OrderChange, reason: str, read: Reader) -> Event:
    """The answer to a change that is not taken: the order stays as it is. Lines it has not are not named."""
    order = read.get(change.order)
    found = order if isinstance(order, Order) else None
    standing = {line.line_id: line.quantity for line in found.lines} if found else {}
    lines = [
        ResponseLine(line_id=line_id, answer="rejected", quantity=standing[line_id])
        for line_id in dict.fromkeys(_line_id(one, found) for one in change.lines)
        if line_id in standing
    ]
    return _response(found or change.order, "rejected", lines, read, change=change, reason=reason)


def drafted(order: Order, read: Reader) -> OrderResponse | None:
    """What is prepared to be said of an order when it is approved."""
    return _said(order, read).draft


def _said(order: Order, read: Reader) -> Said:
    given, changes = read.responses_of(order.id), read.changes_of(order.id)
    issued = [one for one in given if one.state is OrderResponseState.ISSUED]
    answered = {one.change for one in issued}
    taken = [one for one in changes if one.state is OrderChangeState.ACCEPTED]
    return Said(
        last=next((one for one in reversed(issued) if not one.change), None),
        draft=next((one for one in given if one.state is OrderResponseState.RECEIVED), None),
        unanswered=[one for one in taken if one.action == "change" and one.id not in answered],
        withdrawn=any(one.action == "cancel" for one in taken),
    )


def _agreed(order: Order, said: Said, read: Reader) -> list[Event]:
    """The order's own answer, unless it was given; then those to changes. What a person changed is in one."""
    lines = _prepared(order, said.draft)
    told: dict[str, ResponseLine] = {one.line_id: one for one in lines if one.answer != "accepted"}
    word: Answer = "accepted_with_changes" if told else "accepted"
    draft, events = said.draft, list[Event]()
    unsaid = said.last is None or said.last.answer == "rejected"
    if unsaid or (draft is not None and not said.unanswered):
        events.append(_response(order, word, lines, read, draft=draft))
        draft, told = None, {}
    for change in said.unanswered:
        last = change is said.unanswered[-1]
        mixed = lines if last and told else _changed(change, order, told)
        word = "accepted_with_changes" if any(one.answer != "accepted" for one in mixed) else "accepted"
        events.append(_response(order, word, mixed, read, change=change, draft=draft if last else None))
    return events


def _refused(order: Order, said: Said, read: Reader) -> list[Event]:
    """Nothing of it will be delivered. Who took the order back knows it already."""
    reason = _WHY.get(order.state, "")
    none = [ResponseLine(line_id=x.line_id, answer="rejected", quantity=Decimal(0)) for x in order.lines]
    events = []
    told = said.last is not None and said.last.answer == "rejected"
    if not told and not said.withdrawn:
        events.append(_response(order, "rejected", none, read, reason=reason, draft=said.draft))
    if said.withdrawn:
        reason = "the order was cancelled by the buyer"
    events += [
        _response(order, "rejected", none, read, change=change, reason=reason) for change in said.unanswered
    ]
    return events


def _prepared(order: Order, draft: OrderResponse | None) -> list[ResponseLine]:
    """What is said of each line: what a person decided, where the order still is as they left it."""
    decided = {line.line_id: line for line in draft.lines} if draft else {}
    lines = []
    for line in order.lines:
        one = decided.pop(line.line_id, None)
        stands = one is not None and one.quantity == line.quantity
        plain = ResponseLine(line_id=line.line_id, answer="accepted", quantity=line.quantity)
        lines.append(one if one is not None and stands else plain)
    return [*lines, *(one for one in decided.values() if one.answer == "rejected")]


def _changed(change: OrderChange, order: Order, told: Mapping[str, ResponseLine]) -> list[ResponseLine]:
    """What is said of the lines of a change that was taken."""
    found: dict[str, ResponseLine] = {}
    standing = {line.line_id: line.quantity for line in order.lines}
    for one in change.lines:
        line_id = _line_id(one, order)
        gone = one.action == "delete"
        asked = one.quantity if one.action == "quantity" else one.line.quantity if one.line else None
        quantity = Decimal(0) if gone else asked if asked is not None else standing.get(line_id, Decimal(0))
        plain = ResponseLine(line_id=line_id, answer="accepted", quantity=quantity)
        found[line_id] = told.get(line_id, plain)
    return list(found.values())


def _line_id(one: ChangedLine, order: Order | None) -> str:
    """Which line of the order it is about: the one it names, or the only one with its sku."""
    if one.line_id:
        return one.line_id
    if one.action == "add" and one.line is not None:
        return one.line.line_id
    same = [line.line_id for line in order.lines if line.sku == one.sku] if order and one.sku else []
    return same[0] if len(same) == 1 else ""


def _response(
    order: Order | str, answer: Answer, lines: Sequence[ResponseLine], read: Reader, *,
    change: OrderChange | None = None, reason: str = "", draft: OrderResponse | None = None,
) -> Event:  # fmt: skip
    """The next response in its series; a prepared one is issued as it is named."""
    year = read.today.year
    number = f"OR-{year}-{read.next_number(f'order-response-{year}'):06d}"
    known = order if isinstance(order, Order) else None
    order_id = order.id if isinstance(order, Order) else order
    response = OrderResponse(
        id=draft.id if draft else derived_id(order_id, number),
        number=number,
        order=order_id,
        change=change.id if change else "",
        customer=known.customer if known else "",
        purchase_order=known.purchase_order if known else change.purchase_order if change else "",
        order_number=known.number if known else "",
        answer=answer,
        issue_date=read.today,
        reason=(reason or (draft.reason if draft else ""))[:500],
        lines=tuple(lines),
        state=OrderResponseState.ISSUED,
    )
    return Event("order_response.issued", response)
