"""Amending: what a source says about an order after it was agreed, and what a person may do about it.

Nothing shipped or billed yet: the order can become what its source says now, or be recalled. Billed already:
what was billed stands, and a credit memo can be issued over the difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from pydantic import ValidationError

from hub.errors import Invalid, plain_fault
from hub.model import (
    CreditMemo,
    Document,
    InvoiceLine,
    Money,
    Order,
    OrderLine,
    OrderState,
    Payment,
)
from hub.model.tax import subtotals
from hub.stages import cancelling, crediting, ordering
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
    lines = list(_too_much(agreed, said, read)) if _comparable(agreed, said) else []
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


def amend(order: Document, choice: Choice, read: Reader) -> Outcome:
    """A person takes what the source says now; the order is validated and checked again.

    Of a payment or a credit memo: which invoices it settles. Raises Invalid once something of an order was
    shipped or billed.
    """
    proposed = choice.evidence.get("proposed")
    if isinstance(order, Payment | CreditMemo) and isinstance(proposed, Mapping):
        if set(proposed) != {"applications"}:
            raise Invalid("only what it settles can be taken over; its amount stays", field="decision")
        return cancelling.as_told(order, proposed["applications"], read)
    if not isinstance(order, Order) or not isinstance(proposed, Mapping):
        raise Invalid("only a changed order can be amended", field="decision")
    read.lock(order.customer)
    if not _can_still_change(order, read):
        raise Invalid(
            f"order {order.number} is {order.state} and partly shipped or billed: it stays as agreed; "
            "keep it, and credit or order the difference",
            field="decision",
        )
    changed = _said(order, proposed)
    again = changed.model_copy(update={"state": OrderState.RECEIVED, "credit": None})
    return Outcome(events=[Event("order.changed", again)], closes=_closed(order))


def credit(order: Document, choice: Choice, read: Reader) -> Outcome:
    """A person credits what was billed and is, by what the source says now, too much.

    Raises Invalid where nothing of the order was billed too much.
    """
    if not isinstance(order, Order):
        raise Invalid("only what was billed of an order can be credited", field="decision")
    proposed = choice.evidence.get("proposed")
    read.lock(order.customer)
    said: Order | None = None
    if isinstance(proposed, Mapping):
        said = _said(order, proposed)
    if not _comparable(order, said) or not read.invoices_of(order.id):
        raise Invalid(
            f"nothing of order {order.number} is billed in its currency: keep it, or compare by hand",
            field="decision",
        )
    lines = [_credit_line(*one, order.currency) for one in _too_much(order, said, read)]
    if not lines:
        raise Invalid(f"nothing of order {order.number} was billed too much", field="decision")
    reason = choice.note or f"order {order.number} was changed after it was billed"
    issued = crediting.issue(order, lines, reason, read)
    return Outcome(
        [*issued.events, Event("order.progressed", order, touch=True)],
        issued.cases,
        issued.groups,
        [*issued.closes, *_closed(order)],
    )


def withdraw(order: Document, choice: Choice, read: Reader) -> Outcome:
    """A person gives up an order that its source took back, or takes back what is gone elsewhere.

    One that was approved is recalled: the systems that have it already close it. Raises Invalid once
    something was shipped or billed.
    """
    if not isinstance(order, Order):
        return cancelling.withdraw(order, choice, read)
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


def _said(order: Order, proposed: Mapping[str, Any]) -> Order:
    try:
        return Order.model_validate({**order.model_dump(), **proposed})
    except ValidationError as error:
        raise Invalid(
            f"what the source says is no order: {plain_fault(error.errors()[0])}", field="decision"
        ) from None


def _closed(order: Order) -> list[tuple[str, str]]:
    return [(order.id, reason) for reason in _QUESTIONS]


def _can_still_change(order: Order, read: Reader) -> bool:
    touched = read.shipments_of(order.id) or read.invoices_of(order.id)
    return order.state is OrderState.APPROVED and not touched


def _comparable(agreed: Order, said: Order | None) -> bool:
    return said is None or said.currency == agreed.currency


def _too_much(agreed: Order, said: Order | None, read: Reader) -> Iterator[tuple[OrderLine, Decimal, Money]]:
    """Per billed line: the quantity that came off, and what was billed beyond what the source says now.

    What was credited before counts as not billed.
    """
    billed, credited = read.invoiced(agreed.id), _credited(agreed, read)
    now = {line.line_id: line for line in said.lines} if said is not None else {}
    for line in agreed.lines:
        quantity = billed.get(line.line_id, Decimal(0))
        theirs = now.get(line.line_id)
        kept = min(quantity, theirs.quantity) if theirs else Decimal(0)
        due = theirs.extension(kept, agreed.currency) if theirs else Money.zero(agreed.currency)
        done, value = credited.get(line.line_id, (Decimal(0), Money.zero(agreed.currency)))
        over = line.extension(quantity, agreed.currency) - due - value
        if over.amount > 0:
            yield line, max(quantity - kept - done, Decimal(0)), over


def _credited(order: Order, read: Reader) -> Mapping[str, tuple[Decimal, Money]]:
    """Per line of an order: quantity and net amount of its credit memos."""
    found: dict[str, tuple[Decimal, Money]] = {}
    for memo in read.credits_of(order.id):
        for line in memo.lines:
            quantity, value = found.get(line.order_line, (Decimal(0), Money.zero(order.currency)))
            if memo.currency == order.currency:
                found[line.order_line] = (quantity + line.quantity, value + line.line_extension_amount)
    return found


def _credit_line(line: OrderLine, quantity: Decimal, net: Money, currency: str) -> InvoiceLine:
    """A returned quantity at its price; a lower price, or both at once, as one amount."""
    plain = quantity > 0 and line.extension(quantity, currency) == net
    return InvoiceLine(
        order_line=line.line_id,
        sku=line.sku,
        name=line.name if plain else f"{line.name or line.sku}: difference in price",
        quantity=quantity if plain else Decimal(1),
        unit_code=line.unit_code,
        unit_price=line.unit_price if plain else net.amount,
        line_extension_amount=net,
        tax_category=line.tax_category,
        tax_percent=line.tax_percent,
    )


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
