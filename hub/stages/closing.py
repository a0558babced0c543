"""Closing: an order is done when everything is invoiced and every invoice is paid."""

from __future__ import annotations

from hub.model import Invoice, InvoiceState, Order, OrderState
from hub.stages.outcome import Case, Event, Outcome, Reader


def tell_order(invoice: Invoice, read: Reader) -> Outcome:
    """The world sees how an order is doing by its invoices: one of them changed."""
    order = _order(invoice, read)
    return Outcome(events=[Event("order.progressed", order, touch=True)] if order else [])


def close_order(invoice: Invoice, read: Reader) -> Outcome:
    """Close the order of a paid invoice, or tell the world that it came nearer."""
    settled = [(invoice.id, reason) for reason in ("short_payment", "payment_reversed")]
    closes = settled if invoice.state is InvoiceState.PAID else []
    order = _order(invoice, read)
    if order is None:
        return Outcome(closes=closes)
    paid = all(one.state is InvoiceState.PAID for one in read.invoices_of(order.id))
    if paid and order.state is OrderState.INVOICED:
        closed = order.model_copy(update={"state": OrderState.CLOSED})
        return Outcome(events=[Event("order.closed", closed, touch=True)], closes=closes)
    return Outcome(events=[Event("order.progressed", order, touch=True)], closes=closes)


def reopened(invoice: Invoice, read: Reader) -> Outcome:
    """Something that had settled an invoice is gone: its order is told; one that was closed, a person too."""
    order = _order(invoice, read)
    if order is None:
        return Outcome()
    told = [Event("order.progressed", order, touch=True)]
    if order.state is not OrderState.CLOSED:
        return Outcome(events=told)
    still = read.open_amount(invoice)
    title = f"Order {order.number} is closed, and {still} of invoice {invoice.number} is owed again"
    evidence = {"owed_again": str(still), "total": str(invoice.payable_amount), "invoice": invoice.number}
    return Outcome(events=told, cases=[Case("payment_reversed", title, invoice, evidence)])


def uninvoiced(invoice: Invoice, read: Reader) -> Outcome:
    """An invoice was cancelled: its order goes back to what remains invoiced; a closed one stays closed."""
    order = _order(invoice, read)
    if order is None:
        return Outcome()
    state = order.state
    if state in (OrderState.INVOICED, OrderState.PART_INVOICED):
        state = OrderState.PART_INVOICED if read.invoices_of(order.id) else OrderState.APPROVED
    after = order.model_copy(update={"state": state})
    return Outcome(events=[Event("order.progressed", after, touch=True)])


def _order(invoice: Invoice, read: Reader) -> Order | None:
    """Its order; none where an ERP billed without one of ours."""
    found = read.get(invoice.order) if invoice.order else None
    return found if isinstance(found, Order) else None
