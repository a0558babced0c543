"""Credit check: may this customer owe us this much more?

Exposure = open receivables + approved orders not yet invoiced + this order, against the customer's limit.
Receivables past due and grace block. The figures that decided are kept on the order.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, NamedTuple

from hub.model import CreditDecision, Customer, CustomerState, Document, Money, Order, OrderState
from hub.stages.outcome import Case, Choice, Event, Outcome, Reader


class _Figures(NamedTuple):
    limit: Money
    open_receivables: Money
    approved_orders: Money
    overdue: Money


def check(order: Order, read: Reader) -> Outcome:
    """Approve, hold or reject a validated order."""
    read.lock(order.customer)
    customer = read.get(order.customer)
    assert isinstance(customer, Customer), order.customer
    figures = _figures(order, customer, read)
    verdict, reason = _verdict(order, customer, figures, read)
    decided = _decided(order, figures, verdict, reason, read)
    if verdict == "approved":
        return _approved(decided)
    name = "order.held" if verdict == "held" else "order.rejected"
    kind = "credit_hold" if verdict == "held" else "credit_rejected"
    title = f"Order {order.number} of {customer.name} ({order.payable_amount}) is {verdict}: {reason}"
    return Outcome(events=[Event(name, decided)], cases=[Case(kind, title, decided, _evidence(decided))])


def doubt(order: Order, read: Reader) -> str:
    """Why an order would not be approved as it is now; empty: it would."""
    customer = read.get(order.customer)
    if not isinstance(customer, Customer):
        return f"customer {order.customer} is not known"
    verdict, reason = _verdict(order, customer, _figures(order, customer, read), read)
    return "" if verdict == "approved" else reason


def release(order: Order, choice: Choice, read: Reader) -> Outcome:
    """A person approves a held order; the figures of this moment are kept with their name."""
    read.lock(order.customer)
    customer = read.get(order.customer)
    assert isinstance(customer, Customer), order.customer
    figures = _figures(order, customer, read)
    reason = choice.note or "released by a person"
    return _approved(_decided(order, figures, "released", reason, read, by=choice.by))


def reject(order: Order, choice: Choice, read: Reader) -> Outcome:
    """A person rejects a held order."""
    gone = order.model_copy(update={"state": OrderState.REJECTED})
    return Outcome(events=[Event("order.rejected", gone)])


def release_holds(document: Document, read: Reader) -> Outcome:
    """Cash came in: approve held orders of that customer that fit now, oldest first."""
    customer = read.get(str(getattr(document, "customer", "")))
    if not isinstance(customer, Customer):
        return Outcome()
    read.lock(customer.id)
    for order in read.held_orders(customer.id):
        figures = _figures(order, customer, read)
        verdict, reason = _verdict(order, customer, figures, read)
        if verdict == "approved":
            # one at a time: the next is judged with this one among the approved
            first = _approved(_decided(order, figures, verdict, reason, read))
            again = Event("customer.credit_freed", customer, touch=False)
            return Outcome([*first.events, again], first.cases, first.groups, first.closes)
    return Outcome()


def _figures(order: Order, customer: Customer, read: Reader) -> _Figures:
    policy, currency = read.policies.credit, order.currency
    late = read.today - timedelta(days=policy.overdue_grace_days)
    return _Figures(
        customer.credit_limit or policy.default_limit,
        read.open_receivables(customer.id, currency),
        read.committed(customer.id, currency, order.id),
        read.overdue(customer.id, currency, late),
    )


def _verdict(
    order: Order, customer: Customer, figures: _Figures, read: Reader
) -> tuple[Literal["approved", "held", "rejected"], str]:
    if customer.state is CustomerState.BLOCKED:
        return "rejected", "the customer is blocked"
    if figures.limit.currency != order.currency:
        return "held", f"its limit is in {figures.limit.currency} and the order in {order.currency}"
    if figures.overdue.amount > read.policies.credit.overdue_tolerance:
        days = read.policies.credit.overdue_grace_days
        return "held", f"{figures.overdue} is more than {days} days overdue"
    exposure = figures.open_receivables + figures.approved_orders + order.payable_amount
    if figures.limit < exposure:
        return "held", f"exposure {exposure} exceeds the limit {figures.limit}"
    return "approved", f"exposure {exposure} is within the limit {figures.limit}"


def _decided(
    order: Order,
    figures: _Figures,
    verdict: Literal["approved", "held", "rejected", "released"],
    reason: str,
    read: Reader,
    *,
    by: str = "policy",
) -> Order:
    states = {"held": OrderState.HELD, "rejected": OrderState.REJECTED}
    decision = CreditDecision(
        decision=verdict,
        this_order=order.payable_amount,
        reason=reason,
        decided_on=read.today,
        decided_by=by,
        **figures._asdict(),
    )
    return order.model_copy(update={"credit": decision, "state": states.get(verdict, OrderState.APPROVED)})


def _approved(order: Order) -> Outcome:
    return Outcome(events=[Event("order.approved", order)], closes=[(order.id, "credit_hold")])


def _evidence(order: Order) -> dict[str, str]:
    decision = order.credit
    assert decision is not None
    facts = {
        "limit": decision.limit,
        "open_receivables": decision.open_receivables,
        "approved_orders_not_invoiced": decision.approved_orders,
        "this_order": decision.this_order,
        "overdue": decision.overdue,
    }
    return {name: str(money) for name, money in facts.items()} | {"reason": decision.reason}
