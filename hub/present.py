"""How a document is shown to the world: its fields plus what only the ledger and its relatives know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hub.model import Customer, Document, Invoice, InvoiceState, Money, Order, Payment
from hub.stages.outcome import Reader


def present(document: Document, read: Reader) -> dict[str, Any]:
    """The record that outgoing mappings start from. Money is {amount, currency} with exact decimals."""
    shown = document.model_dump()
    if isinstance(document, Order):
        shown |= _order(document, read)
    elif isinstance(document, Invoice):
        still = read.open_amount(document)
        paid = document.payable_amount - still
        shown |= {"open_amount": still.model_dump(), "paid_amount": paid.model_dump()}
    elif isinstance(document, Payment):
        shown |= _payment(document, read)
    customer = read.get(str(getattr(document, "customer", ""))) if "customer" in shown else None
    if isinstance(customer, Customer):
        shown["customer_name"] = customer.name
    return shown


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


def _progress(order: Order, read: Reader) -> dict[str, Any]:
    invoices = read.invoices_of(order.id)
    invoiced = still = Money.zero(order.currency)
    rows = []
    for invoice in invoices:
        open_amount = read.open_amount(invoice)
        invoiced += invoice.payable_amount
        still += open_amount
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
        "paid": (invoiced - still).model_dump(),
        "payment_status": _payment_status(invoices, still, invoiced),
        "invoices": rows,
    }


def _payment_status(invoices: Any, still: Money, invoiced: Money) -> str:
    if not invoices:
        return "not invoiced"
    if all(invoice.state is InvoiceState.PAID for invoice in invoices):
        return "paid"
    return "open" if still == invoiced else "part paid"


def _payment(payment: Payment, read: Reader) -> dict[str, Any]:
    rows = []
    for allocation in read.allocations(payment=payment.id):
        invoice = read.get(allocation.invoice)
        number = invoice.number if isinstance(invoice, Invoice) else ""
        rows.append(
            {
                "invoice": allocation.invoice,
                "invoice_number": number,
                "amount": allocation.amount.model_dump(),
            }
        )
    left = read.unapplied(payment.id, payment.amount.currency)
    return {"allocations": rows, "unapplied": left.model_dump()}


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
