"""Changing: what a customer asks to change in an order is taken while that is safe, else a person decides.

Safe is what is said without doubt, of an order that is not agreed yet, or of one that is agreed, of which
nothing is shipped or billed, if it stays valid and within the customer's limit. A changed order goes the way
of a new one: it is validated and checked for credit again. Changes are taken in the order of their numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from hub.errors import Invalid
from hub.model import Order, OrderChange, OrderChangeState, OrderState
from hub.stages import amending, credit, ordering, responding
from hub.stages.asking import Asked, asked_for
from hub.stages.outcome import Case, Choice, Event, Outcome, Reader, together

_OPEN = (OrderChangeState.RECEIVED, OrderChangeState.WAITING)
_UNDECIDED = (
    OrderState.RECEIVED,
    OrderState.INVALID,
    OrderState.VALIDATED,
    OrderState.HELD,
    OrderState.REJECTED,
)
_TEXT_MAX = 1_000


def check(change: OrderChange, read: Reader) -> Outcome:
    """Take a change, or ask a person. One that is older than a change that was taken is rejected."""
    if change.state not in _OPEN:
        return Outcome()
    order = _order(change, read)
    if order is None:
        return _waiting(change, None, None, [f"order {change.order} is not known"], read)
    if newer := _newer(change, read):
        return _stale(change, order, newer, read)
    if change.action == "cancel":
        return _withdrawn(change, order, read)
    asked = asked_for(change, order)
    against = [*asked.problems, *asked.doubts] or list(_against(asked, order, read))
    if against:
        return _waiting(change, order, asked, against, read)
    return _taken(order, asked, read)


def accept(change: OrderChange, choice: Choice, read: Reader) -> Outcome:
    """A person takes a change in spite of doubts. Raises Invalid where the order cannot be changed so."""
    order = _decidable(change, read)
    if change.action == "cancel":
        gone = Outcome() if order.state is OrderState.CANCELLED else amending.withdraw(order, choice, read)
        return together(_accepted(change), gone)
    if order.state is OrderState.CANCELLED:
        raise Invalid(f"order {order.number} is cancelled: reject the change", field="decision")
    asked = asked_for(change, order)
    if asked.problems:
        raise Invalid(
            f"{asked.problems[0]}: reject the change, and have the buyer send it again", field="decision"
        )
    return _taken(order, asked, read)


def credit_difference(change: OrderChange, choice: Choice, read: Reader) -> Outcome:
    """A person credits what was billed and, with the change, is too much; the order stays as it was agreed.

    Raises Invalid where nothing was billed too much, or the change cannot be read.
    """
    order = _decidable(change, read)
    said, named = dict[str, Any](), change
    if change.action == "change":
        asked = asked_for(change, order)
        if asked.problems:
            raise Invalid(f"{asked.problems[0]}: nobody can tell what to credit", field="decision")
        said, named = {"proposed": _proposed(asked.order)}, asked.change
    note = choice.note or f"change {change.number} of purchase order {order.purchase_order}".strip()
    settled = amending.credit(order, choice._replace(note=note, evidence=said), read)
    return together(settled, _accepted(named))


def reject(change: OrderChange, choice: Choice, read: Reader) -> Outcome:
    """A person rejects a change: the order stays as it is, and the buyer is told, with the note."""
    if change.state not in _OPEN:
        raise Invalid(f"this change is {change.state} already", field="decision")
    return _rejected(change, choice.note or "the order stays as it was agreed", read)


def _order(change: OrderChange, read: Reader) -> Order | None:
    """Its order, as it is once nobody else can change it."""
    found = read.get(change.order)
    if not isinstance(found, Order):
        return None
    read.lock(found.customer)
    held = read.get(change.order)
    assert isinstance(held, Order), change.order
    return held


def _decidable(change: OrderChange, read: Reader) -> Order:
    order = _order(change, read)
    if order is None or change.state not in _OPEN:
        raise Invalid("its order is not known, or it was decided already: reject it", field="decision")
    if newer := _newer(change, read):
        raise Invalid(
            f"change {newer.number} came after it and was taken already: reject this one", field="decision"
        )
    return order


def _newer(change: OrderChange, read: Reader) -> OrderChange | None:
    """A later change that was taken already."""
    taken = [one for one in read.changes_of(change.order) if one.state is OrderChangeState.ACCEPTED]
    return next((one for one in reversed(taken) if _is_later(one, change)), None)


def _is_later(one: OrderChange, other: OrderChange) -> bool:
    """By their numbers where both count, else by their days; on the same day nobody can tell."""
    if one.number.isdecimal() and other.number.isdecimal():
        return int(one.number) > int(other.number)
    return bool(one.issue_date and other.issue_date and one.issue_date > other.issue_date)


def _against(asked: Asked, order: Order, read: Reader) -> Iterable[str]:
    """Why a change that is well said is not taken without a person. Before it is agreed, nothing."""
    if order.state is OrderState.CANCELLED:
        yield "the order is cancelled already"
    if order.state in (*_UNDECIDED, OrderState.CANCELLED) or asked.order == order:
        return
    if amending.proposal(order, asked.order, read).step != "amend":
        yield f"the order is {_words(order)} already"
        return
    yield from ordering.faults(asked.order, read)
    if doubt := credit.doubt(asked.order, read):
        yield doubt


def _words(order: Order) -> str:
    agreed = order.state in (OrderState.APPROVED, OrderState.PART_INVOICED)
    return "partly shipped or billed" if agreed else str(order.state)


def _taken(order: Order, asked: Asked, read: Reader) -> Outcome:
    """The order is judged again with the change in it; then the customer is told."""
    if order.state in _UNDECIDED:
        again = Outcome(events=[Event("order.changed", asked.order, touch=True)])
    elif asked.order == order:
        again = Outcome()
    else:
        proposed = {"proposed": _proposed(asked.order)}
        again = amending.amend(order, Choice("hub", "", {}, proposed), read)
    return together(again, _accepted(asked.change))


def _withdrawn(change: OrderChange, order: Order, read: Reader) -> Outcome:
    """The customer takes the order back: it is given up while nothing is shipped or billed."""
    if order.state is OrderState.CANCELLED:
        return _accepted(change)
    if order.state not in _UNDECIDED and amending.proposal(order, None, read).step != "amend":
        return _waiting(change, order, None, [f"the order is {_words(order)} already"], read)
    # the change first: then it is known by whom the order was cancelled
    return together(_accepted(change), amending.withdraw(order, Choice("hub", "", {}), read))


def _accepted(change: OrderChange) -> Outcome:
    taken = change.model_copy(update={"state": OrderChangeState.ACCEPTED})
    return Outcome(
        events=[Event("order_change.accepted", taken)], closes=[(change.id, "order_change_waiting")]
    )


def _rejected(change: OrderChange, reason: str, read: Reader) -> Outcome:
    refused = change.model_copy(update={"state": OrderChangeState.REJECTED})
    return Outcome(
        events=[Event("order_change.rejected", refused), responding.refusal(refused, reason, read)],
        closes=[(change.id, "order_change_waiting")],
    )


def _stale(change: OrderChange, order: Order, newer: OrderChange, read: Reader) -> Outcome:
    reason = f"change {newer.number} was taken before it came"
    title = f"Change {change.number} of order {order.number} is rejected: {reason}"
    evidence = {"asked": list(asked_for(change, order).told), "note": change.note[:_TEXT_MAX]}
    refused = change.model_copy(update={"state": OrderChangeState.REJECTED})
    stale = Outcome(cases=[Case("order_change_stale", title, refused, evidence)])
    return together(_rejected(change, reason, read), stale)


def _waiting(
    change: OrderChange, order: Order | None, asked: Asked | None, why: Sequence[str], read: Reader
) -> Outcome:
    waiting = change.model_copy(update={"state": OrderChangeState.WAITING})
    what = "Cancellation" if change.action == "cancel" else f"Change {change.number}".strip()
    title = f"{what} of order {order.number if order else change.order} needs a decision: {why[0]}"
    evidence: dict[str, Any] = {"why": list(why), "note": change.note[:_TEXT_MAX]}
    if order is not None:
        evidence |= _figures(order, asked, read)
    return Outcome(
        events=[Event("order_change.waiting", waiting)],
        cases=[Case("order_change_waiting", title, waiting, evidence)],
    )


def _figures(order: Order, asked: Asked | None, read: Reader) -> Mapping[str, Any]:
    """What is asked, how far the order is, and what could be done about it."""
    shipped: dict[str, Decimal] = {}
    for sent in (line for one in read.shipments_of(order.id) for line in one.lines):
        shipped[sent.order_line] = shipped.get(sent.order_line, Decimal(0)) + sent.quantity
    billed = read.invoiced(order.id)
    found: dict[str, Any] = {
        "purchase_order": order.purchase_order,
        "order_is": str(order.state),
        "asked": list(asked.told) if asked else ["cancel the order"],
        "lines": [
            {
                "line": line.line_id, "sku": line.sku, "ordered": str(line.quantity),
                "shipped": str(shipped.get(line.line_id, 0)), "billed": str(billed.get(line.line_id, 0)),
            }
            for line in order.lines[:_TEXT_MAX]
        ],
        "total": str(order.payable_amount),
    }  # fmt: skip
    if asked is not None:
        found["total_with_the_change"] = str(asked.order.payable_amount)
    if order.state in responding.AGREED:
        found |= amending.evidence(amending.proposal(order, asked.order if asked else None, read))
    return found


def _proposed(order: Order) -> Mapping[str, Any]:
    """What of an order a change can change, as evidence has it."""
    return order.model_dump(mode="json", include={"lines", "requested_on", "declared_amount"})
