"""How a document is shown to the world: its fields plus what only the ledger and its relatives know."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from hub.model import (
    Adjustment,
    CreditMemo,
    Customer,
    Dispute,
    Document,
    Invoice,
    InvoiceState,
    Message,
    Money,
    Order,
    OrderChange,
    OrderResponse,
    Payment,
    Payout,
    Refund,
    Remittance,
    Shipment,
)
from hub.stages import reasons
from hub.stages.outcome import Reader

Abroad = Callable[[str], str]
"""What the connection that is written to calls a document; empty where it does not know it."""


def nowhere(document_id: str) -> str:
    """For showing a document to nobody in particular."""
    return ""


def present(document: Document, read: Reader, abroad: Abroad = nowhere) -> dict[str, Any]:
    """The record that outgoing mappings start from. Money is {amount, currency} with exact decimals."""
    if isinstance(document, Message):
        return dict(document)  # its body is a plain record already, and mappings change nothing in it
    shown = document.model_dump()
    if isinstance(document, Order):
        shown |= _order(document, read)
    elif isinstance(document, Invoice):
        shown |= _invoice(document, read)
        shown |= {
            "customer_external_id": abroad(document.customer),
            "order_external_id": abroad(document.order) if document.order else "",
        }
    elif isinstance(document, Payment):
        shown |= _payment(document, read) | _worded(document)
        shown |= {
            "customer_external_id": abroad(document.customer) if document.customer else "",
            "order_external_ids": _orders_paid(document, read, abroad),
        }
    elif isinstance(document, Remittance):
        shown |= _remittance(document, read) | _worded(document)
    elif isinstance(document, CreditMemo):
        shown |= _credit_memo(document, read) | _relatives(document, document.order, read, abroad)
    elif isinstance(document, Adjustment):
        shown |= _relatives(document, "", read, abroad)
    elif isinstance(document, Refund | Dispute):
        shown |= _of_payment(document, read, abroad)
    elif isinstance(document, Payout):
        shown |= _payout(document, read)
    customer = read.get(str(getattr(document, "customer", ""))) if "customer" in shown else None
    if isinstance(customer, Customer):
        shown["customer_name"] = customer.name
    return shown


def echo(document: Document, read: Reader) -> dict[str, Any]:
    """What an answer repeats of the order it belongs to, for systems that want their own words back."""
    order = read.get(str(getattr(document, "order", "")))
    if not isinstance(order, Order):
        return {}
    shown: dict[str, Any] = {
        "order_number": order.number,
        "purchase_order": order.purchase_order,
        "order_date": order.issue_date,
        "release": order.release,
        "delivery_location": order.delivery_location,
        "delivery_address": order.delivery_address.model_dump() if order.delivery_address else None,
        "order_lines": [line.model_dump() for line in order.lines],
        "order_currency": order.currency,
    }
    if isinstance(document, OrderResponse):
        change = read.get(document.change) if document.change else None
        shown["change_number"] = change.number if isinstance(change, OrderChange) else ""
    if isinstance(document, CreditMemo):
        invoice = read.get(document.invoice) if document.invoice else None
        shown["invoice_issue_date"] = invoice.issue_date if isinstance(invoice, Invoice) else None
    if isinstance(document, Shipment):
        shown["lines"] = _shipped(document, order)
    if isinstance(document, Invoice):
        shipment = read.get(document.shipment) if document.shipment else None
        shown["shipped_on"] = shipment.shipped_on if isinstance(shipment, Shipment) else None
        shown["shipment_number"] = shipment.number if isinstance(shipment, Shipment) else ""
        shown["tracking"] = shipment.tracking if isinstance(shipment, Shipment) else ""
        shown["carrier"] = shipment.carrier if isinstance(shipment, Shipment) else ""
    return shown


def _shipped(shipment: Shipment, order: Order) -> list[dict[str, Any]]:
    """The lines of a shipment with what the order says of them."""
    by_line = {line.line_id: line for line in order.lines}
    rows = []
    for one in shipment.lines:
        line = by_line.get(one.order_line) or next((x for x in order.lines if x.sku == one.sku), None)
        more: dict[str, Any] = {"name": "", "unit_code": "", "ordered_quantity": None}
        if line is not None:
            more = {"name": line.name, "unit_code": line.unit_code, "ordered_quantity": line.quantity}
            more |= {"order_line": line.line_id, "sku": line.sku}
        rows.append(one.model_dump() | more)
    return rows


def _order(order: Order, read: Reader) -> dict[str, Any]:
    lines = [
        line.model_dump()
        | {"line_extension_amount": line.extension(line.quantity, order.currency).model_dump()}
        for line in order.lines
    ]
    return {
        "lines": lines,
        "tax_exclusive_amount": order.tax_exclusive_amount.model_dump(),
        "tax_subtotals": [group.model_dump() for group in order.tax_subtotals],
        "payable_amount": order.payable_amount.model_dump(),
        "tracking": ", ".join(s.tracking for s in read.shipments_of(order.id) if s.tracking),
        "progress": _progress(order, read),
    }


def _invoice(invoice: Invoice, read: Reader) -> dict[str, Any]:
    still = read.open_amount(invoice)
    late = is_overdue(invoice, still, read)
    status = "overdue" if late else _payment_status([invoice], still, invoice.payable_amount)
    paid, credited, adjusted = _settled(invoice, still, read)
    return {
        "open_amount": still.model_dump(),
        "paid_amount": paid.model_dump(),
        "credited_amount": credited.model_dump(),
        "adjusted_amount": adjusted.model_dump(),
        "overdue": late,
        "payment_status": "cancelled" if invoice.state is InvoiceState.CANCELLED else status,
    }


def _settled(invoice: Invoice, still: Money, read: Reader) -> tuple[Money, Money, Money]:
    """What of an invoice was paid, credited, and adjusted away."""
    sums = dict.fromkeys(("payment", "credit_memo", "adjustment"), Money.zero(invoice.currency))
    if still != invoice.payable_amount:  # else nothing is applied to it, and nobody needs to look
        for one in read.allocations(invoice=invoice.id):
            sums[one.kind] += one.amount
    return sums["payment"], sums["credit_memo"], sums["adjustment"]


def is_overdue(invoice: Invoice, still: Money, read: Reader) -> bool:
    """Is something of it still owed after the day it was due?"""
    return still.amount > 0 and invoice.due_date < read.today


def _orders_paid(payment: Payment, read: Reader, abroad: Abroad) -> list[str]:
    invoices = [read.get(one.invoice) for one in read.allocations(payment=payment.id)]
    orders = dict.fromkeys(one.order for one in invoices if isinstance(one, Invoice) and one.order)
    return [known for order in orders if (known := abroad(order))]


def _progress(order: Order, read: Reader) -> dict[str, Any]:
    invoices = read.invoices_of(order.id)
    invoiced = still = late = credited = Money.zero(order.currency)
    rows = []
    dues = []
    for invoice in invoices:
        open_amount = read.open_amount(invoice)
        invoiced += invoice.payable_amount
        still += open_amount
        _, by_credit, by_adjustment = _settled(invoice, open_amount, read)
        credited += by_credit + by_adjustment
        late += open_amount if is_overdue(invoice, open_amount, read) else Money.zero(order.currency)
        dues += [invoice.due_date] if open_amount.amount > 0 else []
        rows.append(
            {
                "number": invoice.number, "state": str(invoice.state), "due_date": invoice.due_date,
                "payable_amount": invoice.payable_amount.model_dump(),
                "open_amount": open_amount.model_dump(),
            }
        )  # fmt: skip
    return {
        "invoice_numbers": ", ".join(invoice.number for invoice in invoices),
        "invoice_count": len(invoices),
        "invoiced": invoiced.model_dump(),
        "open": still.model_dump(),
        "paid": (invoiced - still - credited).model_dump(),
        "credited": credited.model_dump(),
        "overdue": late.model_dump(),
        "next_due": min(dues, default=None),
        "payment_status": "overdue" if late else _payment_status(invoices, still, invoiced),
        "invoices": rows,
    }


def _payment_status(invoices: Any, still: Money, invoiced: Money) -> str:
    if not invoices:
        return "not invoiced"
    if all(invoice.state is InvoiceState.PAID for invoice in invoices):
        return "paid"
    return "open" if still == invoiced else "part paid"


def _credit_memo(memo: CreditMemo, read: Reader) -> dict[str, Any]:
    left = read.unapplied(memo.id, memo.currency)
    rows = _allocations(memo.id, read)
    applied = sum((Money(**row["amount"]) for row in rows), Money.zero(memo.currency))
    return {"allocations": rows, "applied_amount": applied.model_dump(), "unapplied": left.model_dump()}


def _relatives(document: CreditMemo | Adjustment, order: str, read: Reader, abroad: Abroad) -> dict[str, Any]:
    """What the connection calls the customer, invoice and order that it is about."""
    invoice = read.get(document.invoice) if document.invoice else None
    about = order or (invoice.order if isinstance(invoice, Invoice) else "")
    found = read.get(about) if about else None
    return {
        "customer_external_id": abroad(document.customer) if document.customer else "",
        "invoice_external_id": abroad(document.invoice) if document.invoice else "",
        "order_external_id": abroad(about) if about else "",
        "invoice_number": invoice.number if isinstance(invoice, Invoice) else "",
        "order_number": found.number if isinstance(found, Order) else "",
    }


def _allocations(source: str, read: Reader) -> list[dict[str, Any]]:
    rows = []
    for allocation in read.allocations(payment=source):
        invoice = read.get(allocation.invoice)
        number = invoice.number if isinstance(invoice, Invoice) else ""
        rows.append(
            {
                "invoice": allocation.invoice,
                "invoice_number": number,
                "amount": allocation.amount.model_dump(),
            }
        )
    return rows


def _payment(payment: Payment, read: Reader) -> dict[str, Any]:
    left = read.unapplied(payment.id, payment.amount.currency)
    return {"allocations": _allocations(payment.id, read), "unapplied": left.model_dump()}


def _remittance(remittance: Remittance, read: Reader) -> dict[str, Any]:
    payment = read.get(remittance.payment) if remittance.payment else None
    return {"payment_number": payment.number if isinstance(payment, Payment) else ""}


def _worded(document: Payment | Remittance) -> dict[str, Any]:
    """What the payer says it is for, with the reasons in words where only codes were told."""
    shown = document.model_dump(include={"documents", "adjustments"})
    told = [
        *shown.get("adjustments", ()),
        *(one for each in shown["documents"] for one in each["adjustments"]),
    ]
    for one in told:
        one["text"] = reasons.in_words(one["reason"], one["text"])
    return shown


def _of_payment(document: Refund | Dispute, read: Reader, abroad: Abroad) -> dict[str, Any]:
    payment = read.get(document.payment)
    return {
        "customer_external_id": abroad(document.customer) if document.customer else "",
        "payment_external_id": abroad(document.payment),
        "payment_number": payment.number if isinstance(payment, Payment) else "",
    }


def _payout(payout: Payout, read: Reader) -> dict[str, Any]:
    """`fees`: kept of its items, and taken by items of their own."""
    fees = Money.zero(payout.amount.currency)
    for item in payout.items:
        fees += -item.net if item.type == "fee" else item.fee
    line = read.get(payout.payment) if payout.payment else None
    return {"payment_number": line.number if isinstance(line, Payment) else "", "fees": fees.model_dump()}


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a record by its path, such as `lines[0].sku`. An empty object or list is one value."""
    if isinstance(value, Mapping) and value:
        for key, part in value.items():
            yield from leaves(part, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple) and value:
        for at, part in enumerate(value):
            yield from leaves(part, f"{path}[{at}]")
    else:
        yield path, value
