"""Order validation: is this something we can deliver, invoice and be paid for?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from hub.model import Customer, Order, OrderState
from hub.stages.arriving import strange_seller
from hub.stages.outcome import Case, Choice, Event, Outcome, Reader

_UNDECIDED = (
    OrderState.RECEIVED,
    OrderState.INVALID,
    OrderState.VALIDATED,
    OrderState.HELD,
    OrderState.REJECTED,
)


class Problem(NamedTuple):
    """One reason against an order. A `hard` one can only be mended at the source."""

    field: str
    text: str
    hard: bool = True


def validate(order: Order, read: Reader) -> Outcome:
    """Check lines, quantities, prices, totals, customer, terms and duplicate purchase order."""
    if order.state not in _UNDECIDED:
        return Outcome()  # agreed already: only harmless fields could have changed
    read.lock(order.customer)
    numbered = _numbered(order, read)
    problems = list(_problems(numbered, read))
    if problems:
        return _invalid(numbered, problems)
    return _valid(numbered)


def faults(order: Order, read: Reader) -> list[str]:
    """Why an order would not be valid, in words; nothing where it is."""
    return [problem.text for problem in _problems(order, read)]


def accept(order: Order, choice: Choice, read: Reader) -> Outcome:
    """A person takes an order in spite of its soft problems. Hard ones still stand."""
    hard = [p for p in _problems(order, read) if p.hard]
    return _invalid(order, hard) if hard else _valid(order)


def cancel(order: Order, choice: Choice, read: Reader) -> Outcome:
    """A person gives the order up."""
    gone = order.model_copy(update={"state": OrderState.CANCELLED})
    return Outcome(
        events=[Event("order.cancelled", gone)],
        closes=[(order.id, "order_invalid"), (order.id, "credit_hold"), (order.id, "withdrawn")],
    )


def keep(order: Order, choice: Choice, read: Reader) -> Outcome:
    """A person keeps the order as agreed although its source says otherwise now."""
    return Outcome(events=[Event("order.progressed", order, touch=True)])


def _valid(order: Order) -> Outcome:
    valid = order.model_copy(update={"state": OrderState.VALIDATED})
    return Outcome(events=[Event("order.validated", valid)], closes=[(order.id, "order_invalid")])


def _invalid(order: Order, problems: list[Problem]) -> Outcome:
    found = order.model_copy(update={"state": OrderState.INVALID})
    evidence = {
        "problems": [{"field": p.field, "problem": p.text, "can_be_accepted": not p.hard} for p in problems],
        "order_total": str(order.payable_amount),
    }
    title = f"Order {order.number} is not valid: {problems[0].text}"
    return Outcome(
        events=[Event("order.invalid", found)], cases=[Case("order_invalid", title, found, evidence)]
    )


def _numbered(order: Order, read: Reader) -> Order:
    """Fill in what only the hub can give: a number, a date, terms, the seller where there is only one."""
    sellers = read.policies.sellers
    customer = read.get(order.customer)
    terms = order.payment_terms or (customer.payment_terms if isinstance(customer, Customer) else "")
    return order.model_copy(
        update={
            "number": order.number or f"O-{read.next_number('order'):06d}",
            "issue_date": order.issue_date or read.today,
            "payment_terms": terms or read.policies.ordering.default_terms,
            "seller": order.seller or (sellers[0] if len(sellers) == 1 else ""),
        }
    )


def _problems(order: Order, read: Reader) -> Iterator[Problem]:
    if not isinstance(read.get(order.customer), Customer):
        yield Problem("customer", f"customer {order.customer} is not known")
    if order.payment_terms not in read.policies.terms:
        known = ", ".join(read.policies.terms)
        yield Problem("payment_terms", f"payment terms {order.payment_terms!r} are not one of {known}")
    if wrong := strange_seller(order.seller, read):
        yield Problem("seller", f"{wrong} (sellers in policies.yaml)")
    if not order.lines:
        yield Problem("lines", "it has no lines; add line items at the source")
    for n, line in enumerate(order.lines):
        if line.quantity <= 0:
            yield Problem(f"lines[{n}].quantity", f"line {n + 1} ({line.sku}) has quantity {line.quantity}")
        if line.unit_price < 0:
            yield Problem(f"lines[{n}].unit_price", f"line {n + 1} ({line.sku}) has price {line.unit_price}")
    if len({line.line_id for line in order.lines}) < len(order.lines):
        yield Problem("lines", "two lines have the same line id")
    if order.lines and not order.payable_amount.amount > 0:
        yield Problem("payable_amount", f"its total is {order.payable_amount}")
    yield from _doubts(order, read)


def _doubts(order: Order, read: Reader) -> Iterator[Problem]:
    """Problems that a person may judge harmless."""
    declared, rules = order.declared_amount, read.policies.ordering
    if declared is not None and declared.currency != order.currency:
        yield Problem("declared_amount", f"declared in {declared.currency}, lines in {order.currency}", False)
    elif declared is not None:
        off = declared - order.tax_exclusive_amount
        if abs(off.amount) > rules.amount_tolerance:
            text = f"declared amount {declared} differs from its lines by {off}"
            yield Problem("declared_amount", text, False)
    if rules.purchase_order_once and order.purchase_order:
        for other in read.same_purchase_order(order):
            text = f"purchase order {order.purchase_order!r} is already on order {other.number}"
            yield Problem("purchase_order", text, False)
