"""Tax rates of billed lines: as conditions tell them, else the plainest rate that gives the tax."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from connectors.sap.translate import number
from hub.sdk import Record


def taxes(lines: Sequence[Record]) -> list[dict[str, Any]]:
    """Tax by code and rate, as SAP rounded it: on every line."""
    found: dict[tuple[str, Decimal], list[Decimal]] = {}
    for line in lines:
        group = found.setdefault((line["tax_code"], line["tax_percent"]), [Decimal(0), Decimal(0)])
        group[0] += number(line.get("NetAmount"), "NetAmount")
        group[1] += number(line.get("TaxAmount"), "TaxAmount")
    return [
        {"tax_code": code, "percent": percent, "base": base, "amount": tax}
        for (code, percent), (base, tax) in found.items()
    ]


def percent(net: Decimal, tax: Decimal, taxes: Sequence[Record]) -> Decimal:
    """The rate of the tax conditions; without them the plainest one that gives this tax."""
    rates = [number(one.get("ConditionRateValue"), "ConditionRateValue") for one in taxes]
    if rates:
        return sum(rates, Decimal(0)).normalize() + 0
    if not net or not tax:
        return Decimal(0)
    exact = tax / net * 100
    for places in range(4):
        rate = exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
        if (net * rate / 100).quantize(Decimal("0.01"), ROUND_HALF_UP) == tax.quantize(Decimal("0.01")):
            return rate
    return exact.quantize(Decimal("0.001"), ROUND_HALF_UP)
