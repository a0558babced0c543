"""Closing: an order is done when everything is invoiced and every invoice is paid."""

from __future__ import annotations

from hub.model import Invoice, InvoiceState, Order, OrderState
from hub.stages.outcome import Event, Outcome, Reader


def tell_order(invoice: Invoice, read: Reader) -> Outcome:
    """The world sees how an order is doing by its invoices: one of them changed."""
    order = read.get(invoice.order)
    assert isinstance(order, Order), invoice.order
    return Outcome(events=[Event("order.progressed", order, touch=True)])


def close_order(invoice: Invoice, read: Reader) -> Outcome:
    """Close the order of a paid invoice, or tell the world that it came nearer."""
    order = read.get(invoice.order)
    assert isinstance(order, Order), invoice.order
    paid = all(one.state is InvoiceState.PAID for one in read.invoices_of(order.id))
    if paid and order.state is OrderState.INVOICED:
        closed = order.model_copy(update={"state": OrderState.CLOSED})
        return Outcome(events=[Event("order.closed", closed, touch=True)])
    return Outcome(events=[Event("order.progressed", order, touch=True)])
