"""Billing by the ERP: an invoice that came from outside is checked, and becomes what the customer owes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from hub.model import Customer, Invoice, InvoiceLine, InvoiceState, Order, OrderState, Shipment
from hub.model.currency import smallest
from hub.stages import cancelling, invoicing
from hub.stages.arriving import not_ours, strange_seller
from hub.stages.footing import faults, filled
from hub.stages.ordering import Problem
from hub.stages.outcome import Case, Choice, Event, Outcome, Reader

_UNDECIDED = (InvoiceState.RECEIVED, InvoiceState.REFUSED)
_BILLABLE = (OrderState.APPROVED, OrderState.PART_INVOICED)


def check(invoice: Invoice, read: Reader) -> Outcome:
    """Accept an invoice that adds up and fits its order; what does not fit is a question for a human.

    Raises NotYet where it is one of ours whose arrival there is not confirmed yet.
    """
    if invoice.state in _UNDECIDED:
        not_ours(invoice, read)
        return _dropped(invoice) if invoice.cancelled_on else _judged(invoice, read, accepting=False)
    return cancelling.invoice(invoice, read) if invoice.cancelled_on else Outcome()


def check_waiting(shipment: Shipment, read: Reader) -> Outcome:
    """A shipment was confirmed: what was billed before it was known may fit now."""
    found = [_judged(one, read, accepting=False) for one in read.refused_invoices(shipment.order)]
    return next((one for one in found if not one.cases), Outcome())


def retry(invoice: Invoice, choice: Choice, read: Reader) -> Outcome:
    """A person mended the cause: judge the invoice again."""
    return _judged(invoice, read, accepting=False)


def accept(invoice: Invoice, choice: Choice, read: Reader) -> Outcome:
    """A person takes an invoice in spite of its soft doubts. Hard problems still stand."""
    return _judged(invoice, read, accepting=True)


def drop(invoice: Invoice, choice: Choice, read: Reader) -> Outcome:
    """A person sets aside an invoice that was never accepted."""
    return _dropped(invoice)


def send_back(invoice: Invoice, choice: Choice, read: Reader) -> Outcome:
    """A person has the system that billed it cancel it there, as it was never accepted here."""
    return _dropped(invoice, "invoice.returned")


def _dropped(invoice: Invoice, event: str = "invoice.withdrawn") -> Outcome:
    gone = invoice.model_copy(update={"state": InvoiceState.CANCELLED})
    return Outcome(events=[Event(event, gone)], closes=[(invoice.id, "invoice_refused")])


def _judged(invoice: Invoice, read: Reader, *, accepting: bool) -> Outcome:
    read.lock(invoice.customer)
    order = read.get(invoice.order) if invoice.order else None
    fitted = _fitted(filled(invoice), order if isinstance(order, Order) else None)
    problems = list(_problems(fitted, order, read))
    if any(problem.hard or not accepting for problem in problems):
        return _refused(fitted, problems)
    issued = fitted.model_copy(update={"state": InvoiceState.ISSUED})
    events = [Event("invoice.issued", issued)]
    if isinstance(order, Order):
        events.append(invoicing.progressed(order, issued.lines, read))
    return Outcome(events=events, closes=[(invoice.id, "invoice_refused")])


def _fitted(invoice: Invoice, order: Order | None) -> Invoice:
    """With what its order knows: seller, numbers, and the order line of each line, where only one fits."""
    if order is None:
        return invoice
    return invoice.model_copy(
        update={
            "lines": tuple(_resolved(line, order) for line in invoice.lines),
            "seller": order.seller or invoice.seller,
            "order_number": invoice.order_number or order.number,
            "purchase_order": invoice.purchase_order or order.purchase_order,
            "payment_terms": invoice.payment_terms or order.payment_terms,
        }
    )


def _resolved(line: InvoiceLine, order: Order) -> InvoiceLine:
    if any(line.order_line == ordered.line_id for ordered in order.lines):
        return line
    named = [ordered.line_id for ordered in order.lines if ordered.sku == line.sku]
    return line.model_copy(update={"order_line": named[0] if len(named) == 1 else ""})


def _problems(invoice: Invoice, order: object, read: Reader) -> Iterator[Problem]:
    yield from _stranger(invoice, read)
    for text in faults(invoice):
        yield Problem("payable_amount", text)
    if invoice.payable_amount.amount < 0:
        yield Problem("payable_amount", f"its total is {invoice.payable_amount}; a credit memo is no invoice")
    if not isinstance(read.get(invoice.customer), Customer):
        yield Problem("customer", f"customer {invoice.customer} is not known")
    if isinstance(order, Order):
        yield from _against(invoice, order, read)
    elif invoice.order:
        yield Problem("order", f"order {invoice.order} is not known")


def _stranger(invoice: Invoice, read: Reader) -> Iterator[Problem]:
    """Did it come from the system that bills for its seller, and only once?"""
    issuer, origin = read.policies.invoicing.issuer_of(invoice.seller), read.origin(invoice.id)
    if issuer != origin:
        seller = f" of seller {invoice.seller}" if invoice.seller else ""
        text = f"it comes from {origin}, and invoices{seller} are issued by {issuer or 'the hub'}"
        yield Problem("number", f"{text} (invoicing in policies.yaml)")
    if wrong := strange_seller(invoice.seller, read):
        yield Problem("seller", wrong)
    for other in read.numbered("invoice", invoice.number):
        gone = getattr(other, "state", None) is InvoiceState.CANCELLED
        if other.id != invoice.id and not gone and read.origin(other.id) == origin:
            yield Problem("number", f"number {invoice.number} is on another invoice of {origin} already")


def _against(invoice: Invoice, order: Order, read: Reader) -> Iterator[Problem]:
    if order.state not in _BILLABLE:
        yield Problem("order", f"order {order.number} is {order.state}: nothing of it is to be billed")
    if invoice.customer != order.customer:
        yield Problem("customer", f"order {order.number} is another customer's")
    if invoice.currency != order.currency:
        yield Problem("currency", f"it is in {invoice.currency}, order {order.number} in {order.currency}")
        return
    unknown = [line.sku for line in invoice.lines if not line.order_line]
    if unknown:
        named = ", ".join(unknown)
        yield Problem("lines", f"no single line of order {order.number} is meant by {named}")
    yield from _quantities(invoice, order, read)
    yield from _prices(invoice, order)


def _quantities(invoice: Invoice, order: Order, read: Reader) -> Iterator[Problem]:
    """Never more than was ordered; more than was shipped may be right where shipments are told late."""
    billed = _sums(invoice.lines)
    for line_id, quantity in read.invoiced(order.id).items():
        billed[line_id] = billed.get(line_id, Decimal(0)) + quantity
    shipped: dict[str, Decimal] = {}
    for shipment in read.shipments_of(order.id):
        for sent in shipment.lines:
            shipped[sent.order_line] = shipped.get(sent.order_line, Decimal(0)) + sent.quantity
    for line in order.lines:
        total, sent_all = billed.get(line.line_id, Decimal(0)), shipped.get(line.line_id, Decimal(0))
        if total > line.quantity:
            yield Problem("lines", f"{line.sku}: ordered {line.quantity}, billed {total} with this invoice")
        elif total > sent_all and any(x.order_line == line.line_id for x in invoice.lines):
            text = f"{line.sku}: shipped {sent_all}, billed {total} with this invoice"
            yield Problem("lines", text, hard=False)


def _sums(lines: Sequence[InvoiceLine]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for line in lines:
        found[line.order_line] = found.get(line.order_line, Decimal(0)) + line.quantity
    return found


def _prices(invoice: Invoice, order: Order) -> Iterator[Problem]:
    ordered = {line.line_id: line for line in order.lines}
    for line in invoice.lines:
        agreed = ordered.get(line.order_line)
        if agreed is None:
            continue
        off = line.line_extension_amount - agreed.extension(line.quantity, order.currency)
        if abs(off.amount) > smallest(order.currency):
            text = f"{line.sku}: billed at {line.unit_price}, ordered at {agreed.unit_price}; {off} in all"
            yield Problem("lines", text, hard=False)


def _refused(invoice: Invoice, problems: Sequence[Problem]) -> Outcome:
    refused = invoice.model_copy(update={"state": InvoiceState.REFUSED})
    evidence = {
        "problems": [{"field": p.field, "problem": p.text, "can_be_accepted": not p.hard} for p in problems],
        "lines": [
            f"{x.sku}: {x.quantity} x {x.unit_price} = {x.line_extension_amount}" for x in invoice.lines
        ],
        "without_tax": str(invoice.tax_exclusive_amount),
        "taxes": [f"{t.percent} % of {t.taxable_amount} = {t.tax_amount}" for t in invoice.tax_subtotals],
        "total": str(invoice.payable_amount),
    }
    title = f"Invoice {invoice.number} does not fit: {problems[0].text}"
    return Outcome(
        events=[Event("invoice.refused", refused)], cases=[Case("invoice_refused", title, refused, evidence)]
    )
