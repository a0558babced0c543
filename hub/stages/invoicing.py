"""Invoicing: what was shipped is billed, once, and never more; payments settle what was billed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal

from hub.model import (
    Adjustment,
    CreditMemo,
    Invoice,
    InvoiceLine,
    InvoiceState,
    Money,
    Order,
    OrderLine,
    OrderState,
    Payment,
    Shipment,
)
from hub.model.tax import subtotals
from hub.stages.fulfilment import derived_id
from hub.stages.outcome import Event, Outcome, Reader


def generate(shipment: Shipment, read: Reader) -> Outcome:
    """Bill a confirmed shipment: its lines at the order's prices, tax per category, due by the terms.

    Where an ERP bills for the order's seller, its invoice is waited for instead.
    """
    order = read.get(shipment.order)
    assert isinstance(order, Order), shipment.order
    if read.policies.invoicing.issuer_of(order.seller):
        return Outcome()
    ordered = {line.line_id: line for line in order.lines}
    lines = [_line(ordered[x.order_line], x.quantity, order.currency) for x in shipment.lines]
    invoice = _invoice(order, shipment, lines, read)
    return Outcome(events=[Event("invoice.issued", invoice), progressed(order, lines, read)])


def progressed(order: Order, lines: Sequence[InvoiceLine], read: Reader) -> Event:
    """The order once these lines are billed too. Raises ValueError where that is more than was ordered."""
    complete = _complete(order, lines, read.invoiced(order.id))
    state = OrderState.INVOICED if complete else OrderState.PART_INVOICED
    name = "order.invoiced" if complete else "order.part_invoiced"
    return Event(name, order.model_copy(update={"state": state}), touch=True)


def settle(source: Payment | CreditMemo | Adjustment, read: Reader) -> Outcome:
    """Tell each invoice that something settled, or settles no longer, how much of it is owed now."""
    events = []
    for invoice_id in read.touched(source.id):
        invoice = read.get(invoice_id)
        assert isinstance(invoice, Invoice), invoice_id
        if invoice.state is InvoiceState.CANCELLED:
            continue
        state = _owed(invoice, read)
        if state is invoice.state and state is not InvoiceState.PART_PAID:
            continue
        events.append(Event(_NAMES[state, invoice.state], _in(invoice, state), touch=True))
    return Outcome(events=events)


def _owed(invoice: Invoice, read: Reader) -> InvoiceState:
    still = read.open_amount(invoice)
    if not still:
        return InvoiceState.PAID
    return InvoiceState.ISSUED if still == invoice.payable_amount else InvoiceState.PART_PAID


def _in(invoice: Invoice, state: InvoiceState) -> Invoice:
    return invoice.model_copy(update={"state": state})


_I = InvoiceState
_NAMES: Mapping[tuple[InvoiceState, InvoiceState], str] = {  # (now, before) -> what happened
    (_I.PAID, _I.ISSUED): "invoice.paid",
    (_I.PAID, _I.PART_PAID): "invoice.paid",
    (_I.PART_PAID, _I.ISSUED): "invoice.part_paid",
    (_I.PART_PAID, _I.PART_PAID): "invoice.part_paid",
    (_I.PART_PAID, _I.PAID): "invoice.reopened",
    (_I.ISSUED, _I.PART_PAID): "invoice.reopened",
    (_I.ISSUED, _I.PAID): "invoice.reopened",
}


def _line(line: OrderLine, quantity: Decimal, currency: str) -> InvoiceLine:
    return InvoiceLine(
        order_line=line.line_id,
        sku=line.sku,
        name=line.name,
        quantity=quantity,
        unit_code=line.unit_code,
        unit_price=line.unit_price,
        line_extension_amount=line.extension(quantity, currency),
        tax_category=line.tax_category,
        tax_percent=line.tax_percent,
    )


def _invoice(order: Order, shipment: Shipment, lines: Sequence[InvoiceLine], read: Reader) -> Invoice:
    net = Money.zero(order.currency)
    for line in lines:
        net += line.line_extension_amount
    taxes = subtotals(
        order.currency, ((x.tax_category, x.tax_percent, x.line_extension_amount) for x in lines)
    )
    payable = net
    for group in taxes:
        payable += group.tax_amount
    return Invoice(
        id=derived_id(shipment.id, "invoice"),
        number=f"INV-{read.today.year}-{read.next_number(f'invoice-{read.today.year}'):06d}",
        order=order.id,
        shipment=shipment.id,
        customer=order.customer,
        seller=order.seller,
        order_number=order.number,
        purchase_order=order.purchase_order,
        currency=order.currency,
        issue_date=read.today,
        due_date=read.today + timedelta(days=read.policies.terms[order.payment_terms]),
        payment_terms=order.payment_terms,
        lines=tuple(lines),
        tax_subtotals=taxes,
        tax_exclusive_amount=net,
        payable_amount=payable,
        state=InvoiceState.ISSUED,
    )


def _complete(order: Order, lines: Sequence[InvoiceLine], before: Mapping[str, Decimal]) -> bool:
    """Is every ordered quantity billed with this invoice? Raises ValueError where it would be exceeded."""
    total = dict(before)
    for billed in lines:
        total[billed.order_line] = total.get(billed.order_line, Decimal(0)) + billed.quantity
    for line in order.lines:
        if total.get(line.line_id, Decimal(0)) > line.quantity:
            raise ValueError(f"order {order.number}: line {line.line_id} would be billed beyond its quantity")
    return all(total.get(line.line_id) == line.quantity for line in order.lines)
