"""Apportioning: a part of an invoice's total, split over its tax groups so that net and tax add up to it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from hub.model import Invoice, InvoiceLine, Money, TaxSubtotal

_EXEMPT = Decimal(0)


class Part(NamedTuple):
    """Lines without tax, their tax groups, and the sum of the lines."""

    lines: tuple[InvoiceLine, ...]
    taxes: tuple[TaxSubtotal, ...]
    net: Money


def part_of(invoice: Invoice, amount: Money, text: str) -> Part:
    """`amount` of an invoice, tax included. The whole of it is the invoice's own lines.

    A part is one line per tax group, each named `text`, in proportion to what the group bears of the total;
    what rounding leaves over goes to the last.
    """
    if amount == invoice.payable_amount:
        return Part(invoice.lines, invoice.tax_subtotals, invoice.tax_exclusive_amount)
    groups = _groups(invoice)
    whole = sum((one.taxable_amount.amount + one.tax_amount.amount for one in groups), Decimal(0))
    taxes, left = list[TaxSubtotal](), amount
    for at, one in enumerate(groups, 1):
        gross = one.taxable_amount + one.tax_amount
        exact = amount.amount * gross.amount / whole
        share = left if at == len(groups) else Money(amount=exact, currency=amount.currency).rounded()
        left -= share
        taxes += [_share(one, gross, share)] if share else []
    lines = tuple(_line(one, text) for one in taxes)
    net = sum((line.line_extension_amount for line in lines), Money.zero(amount.currency))
    return Part(lines, tuple(taxes), net)


def _share(group: TaxSubtotal, gross: Money, share: Money) -> TaxSubtotal:
    tax = Money(
        amount=share.amount * group.tax_amount.amount / gross.amount, currency=share.currency
    ).rounded()
    return group.model_copy(update={"taxable_amount": share - tax, "tax_amount": tax})


def _groups(invoice: Invoice) -> Sequence[TaxSubtotal]:
    """Its tax groups; where an ERP told none that make up the total, one over all of it."""
    told = [one for one in invoice.tax_subtotals if one.taxable_amount.amount + one.tax_amount.amount > 0]
    if sum((one.taxable_amount.amount + one.tax_amount.amount for one in told), Decimal(0)) == (
        invoice.payable_amount.amount
    ):
        return told
    first = invoice.lines[0]
    tax = invoice.payable_amount - invoice.tax_exclusive_amount
    return [
        TaxSubtotal(
            category=first.tax_category, percent=first.tax_percent if tax else _EXEMPT,
            taxable_amount=invoice.tax_exclusive_amount, tax_amount=tax,
        )
    ]  # fmt: skip


def _line(group: TaxSubtotal, text: str) -> InvoiceLine:
    return InvoiceLine(
        sku="REFUND", name=text[:200], quantity=Decimal(1), unit_price=group.taxable_amount.amount,
        line_extension_amount=group.taxable_amount, tax_category=group.category, tax_percent=group.percent,
    )  # fmt: skip
