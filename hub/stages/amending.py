"""Amending: what a source says about an order after it was agreed, and what a person may do about it.

Nothing shipped or billed yet: the order can become what its source says now, or be recalled. Billed already:
what was billed stands, and the difference is what a credit memo would be about.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from pydantic import ValidationError

from hub.errors import Invalid
from hub.model import Document, Money, Order, OrderLine, OrderState
from hub.model.tax import subtotals
from hub.stages import ordering
from hub.stages.outcome import Choice, Event, Outcome, Reader

_UNDECIDED = ("received", "invalid", "validated", "held", "rejected")
_QUESTIONS = ("late_change", "withdrawn", "merged")


class Proposal(NamedTuple):
    """What follows from a late change. `credit`: with tax, what was billed and should not have been."""

    step: str  # amend | credit_memo | new_order | none
    text: str
    credit: Money
    lines: Sequence[Mapping[str, str]]


def proposal(agreed: Order, said: Order | None, read: Reader) -> Proposal:
    """What a person could do about it. `said`: the order as its source has it now; None: it is gone there."""
    nothing = Money.zero(agreed.currency)
    if _can_still_change(agreed, read):
        return Proposal("amend", "nothing is shipped or billed yet: it can still be changed", nothing, ())
    billed = read.invoiced(agreed.id)
    lines = list(_too_much(agreed, said, billed)) if _comparable(agreed, said) else []
    credit = _with_tax(agreed.currency, lines)
    if credit.amount > 0:
        text = f"billed already: a credit memo of {credit} would settle it"
        return Proposal("credit_memo", text, credit, [_shown(line, n, net) for line, n, net in lines])
    more = said is not None and said.payable_amount.amount > agreed.payable_amount.amount
    if more and _comparable(agreed, said):
        return Proposal(
            "new_order", "more than was agreed: let the source send it as a new order", nothing, ()
        )
    return Proposal("none", "it is shipped or billed: compare by hand", nothing, ())


def amend(order: Order, choice: Choice, read: Reader) -> Outcome:
    """A person takes what the source says now; the order is validated and checked again.

    Raises Invalid once something was shipped or billed.
    """
    proposed = choice.evidence.get("proposed")
    if not isinstance(order, Order) or not isinstance(proposed, Mapping):
        raise Invalid("only a changed order can be amended", field="decision")
    read.lock(order.customer)
    if not _can_still_change(order, read):
        raise Invalid(
            f"order {order.number} is {order.state} and partly shipped or billed: it stays as agreed; "
            "keep it, and credit or order the difference",
            field="decision",
        )
    try:
        changed = Order.model_validate({**order.model_dump(), **proposed})
    except ValidationError as error:
        raise Invalid(
            f"what the source says is no order: {error.errors()[0]['msg']}", field="decision"
        ) from None
    again = changed.model_copy(update={"state": OrderState.RECEIVED, "credit": None})
    return Outcome(events=[Event("order.changed", again)], closes=_closed(order))


def withdraw(order: Order, choice: Choice, read: Reader) -> Outcome:
    """A person gives up an order that its source took back.

    One that was approved is recalled: the systems that have it already close it. Raises Invalid once
    something was shipped or billed.
    """
    if order.state in _UNDECIDED:
        return ordering.cancel(order, choice, read)
    read.lock(order.customer)
    if not _can_still_change(order, read):
        raise Invalid(
            f"something of order {order.number} was shipped or billed already: it cannot be cancelled; "
            "keep it, and credit what comes back",
            field="decision",
        )
    gone = order.model_copy(update={"state": OrderState.CANCELLED})
    return Outcome(events=[Event("order.recalled", gone)], closes=_closed(order))


def keep(document: Document, choice: Choice, read: Reader) -> Outcome:
    """A person keeps the document as agreed although its source says otherwise now."""
    return ordering.keep(document, choice, read) if isinstance(document, Order) else Outcome()


def _closed(order: Order) -> list[tuple[str, str]]:
    return [(order.id, reason) for reason in _QUESTIONS]


def _can_still_change(order: Order, read: Reader) -> bool:
    touched = read.shipments_of(order.id) or read.invoices_of(order.id)
    return order.state is OrderState.APPROVED and not touched


def _comparable(agreed: Order, said: Order | None) -> bool:
    return said is None or said.currency == agreed.currency


def _too_much(
    agreed: Order, said: Order | None, billed: Mapping[str, Decimal]
) -> Iterator[tuple[OrderLine, Decimal, Money]]:
    """Per billed line: the quantity that came off, and what was billed beyond what the source says now."""
    now = {line.line_id: line for line in said.lines} if said is not None else {}
    for line in agreed.lines:
        quantity = billed.get(line.line_id, Decimal(0))
        theirs = now.get(line.line_id)
        kept = min(quantity, theirs.quantity) if theirs else Decimal(0)
        due = theirs.extension(kept, agreed.currency) if theirs else Money.zero(agreed.currency)
        over = line.extension(quantity, agreed.currency) - due
        if over.amount > 0:
            yield line, quantity - kept, over


def _with_tax(currency: str, lines: Sequence[tuple[OrderLine, Decimal, Money]]) -> Money:
    total = Money.zero(currency)
    for group in subtotals(currency, ((x.tax_category, x.tax_percent, net) for x, _, net in lines)):
        total += group.taxable_amount + group.tax_amount
    return total


def _shown(line: OrderLine, quantity: Decimal, net: Money) -> Mapping[str, str]:
    return {"line": line.line_id, "sku": line.sku, "quantity": str(quantity), "without_tax": str(net)}


def evidence(found: Proposal) -> Mapping[str, Any]:
    """A proposal as part of a case's evidence."""
    told: dict[str, Any] = {"proposal": found.step, "means": found.text}
    if found.credit.amount:
        told |= {"credit": str(found.credit), "credit_lines": list(found.lines)}
    return told
