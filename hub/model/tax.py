"""Tax per category and rate, rounded once per group as EN 16931 asks."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from pydantic import Field

from hub.model.values import Exact, Money, Value


class TaxSubtotal(Value):
    """UBL TaxSubtotal (EN 16931 BG-23)."""

    category: str = Field(description="UNCL 5305 code (BT-118)")
    percent: Exact = Field(description="rate in percent (BT-119)")
    taxable_amount: Money = Field(description="sum of the lines of this group (BT-116)")
    tax_amount: Money = Field(description="taxable amount x rate, rounded once (BT-117, rule BR-CO-17)")


def subtotals(currency: str, lines: Iterable[tuple[str, Decimal, Money]]) -> tuple[TaxSubtotal, ...]:
    """Group (category, percent, line extension amount) into tax subtotals, in order of first appearance."""
    groups: dict[tuple[str, Decimal], Money] = {}
    for category, percent, amount in lines:
        key = (category, percent.normalize())
        groups[key] = groups.get(key, Money.zero(currency)) + amount
    return tuple(
        TaxSubtotal(
            category=category,
            percent=percent,
            taxable_amount=base,
            tax_amount=Money(amount=base.amount * percent / 100, currency=currency).rounded(),
        )
        for (category, percent), base in groups.items()
    )
