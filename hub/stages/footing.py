"""Footing: do the figures of an invoice or a credit memo that somebody else made add up?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TypeVar

from hub.model import CreditMemo, Invoice, InvoiceLine, Money
from hub.model.currency import smallest
from hub.model.tax import subtotals

B = TypeVar("B", Invoice, CreditMemo)


def filled(bill: B) -> B:
    """With tax groups worked out from its lines, where it came without and they explain its total."""
    if bill.tax_subtotals or not bill.lines:
        return bill
    if any(line.line_extension_amount.currency != bill.currency for line in bill.lines):
        return bill
    groups = subtotals(bill.currency, [_row(line) for line in bill.lines])
    total = sum((group.tax_amount.amount for group in groups), bill.tax_exclusive_amount.amount)
    return bill.model_copy(update={"tax_subtotals": groups}) if total == bill.payable_amount.amount else bill


def faults(bill: Invoice | CreditMemo) -> Iterator[str]:
    """Why its figures do not add up, each as one sentence; nothing where they do."""
    money = [bill.tax_exclusive_amount, bill.payable_amount]
    money += [line.line_extension_amount for line in bill.lines]
    money += [group.tax_amount for group in bill.tax_subtotals]
    strange = next((one for one in money if one.currency != bill.currency or not _exact(one)), None)
    if strange is not None:
        yield f"{strange} is no amount in {bill.currency}"
        return
    yield from _lines(bill.lines, bill.tax_exclusive_amount)
    yield from _taxes(bill)


def _exact(money: Money) -> bool:
    return money.amount == money.rounded().amount


def _row(line: InvoiceLine) -> tuple[str, Decimal, Money]:
    return line.tax_category, line.tax_percent, line.line_extension_amount


def _lines(lines: Sequence[InvoiceLine], told: Money) -> Iterator[str]:
    if not lines:
        return
    cent = smallest(told.currency)
    total = Money.zero(told.currency)
    for n, line in enumerate(lines, 1):
        total += line.line_extension_amount
        product = line.quantity * line.unit_price
        if abs(product - line.line_extension_amount.amount) > cent:
            yield (
                f"line {n} ({line.sku}): {line.quantity} x {line.unit_price} is {product.normalize():f}, "
                f"not {line.line_extension_amount}"
            )
    if total != told:
        yield f"its lines add up to {total}, not to {told}"


def _taxes(bill: Invoice | CreditMemo) -> Iterator[str]:
    """Groups against lines and total. Systems that round tax per line may be off by a cent for each."""
    cent, tax = smallest(bill.currency), Money.zero(bill.currency)
    for group in bill.tax_subtotals:
        tax += group.tax_amount
        members = [
            x
            for x in bill.lines
            if _key(x.tax_category, x.tax_percent) == _key(group.category, group.percent)
        ]
        base = sum((x.line_extension_amount.amount for x in members), Decimal(0))
        if members and base != group.taxable_amount.amount:
            yield f"tax {group.category} {group.percent} % is on {group.taxable_amount}, its lines are {base}"
        due = group.taxable_amount.amount * group.percent / 100
        if abs(due - group.tax_amount.amount) > cent * max(1, len(members)):
            yield f"{group.percent} % of {group.taxable_amount} is {due:f}, not {group.tax_amount}"
    total = bill.tax_exclusive_amount + tax
    if total != bill.payable_amount:
        yield f"{bill.tax_exclusive_amount} and {tax} tax are {total}, not {bill.payable_amount}"


def _key(category: str, percent: Decimal) -> tuple[str, Decimal]:
    return category, percent.normalize()
