"""What a line says besides its text: what ties it to a remittance, and what was ordered and charged."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from connectors.bank import x12_820
from connectors.bank.statement import Transaction

TRACE_MAX = 100


def trace(known: str, told: Transaction) -> str:
    """What its remittance carries too: X12 TRN02, else the Nacha trace, else the cheque number."""
    for words in told.narrative:
        if "TRN" in words and x12_820.looks_like(words):
            found = next((one for one in x12_820.segments(words) if one[0] == "TRN" and len(one) > 2), None)
            if found:
                return found[2][:TRACE_MAX]
    if known == "nacha":
        return told.bank_reference[:TRACE_MAX]
    return told.cheque_number[:TRACE_MAX]


def remarks(amount: Decimal, told: Transaction, payers: Sequence[str]) -> list[str]:
    """For the person who has to explain a difference; the payment has no fields for these."""
    found = []
    ordered = told.instructed
    if ordered is not None and (ordered.currency != told.currency or ordered.amount != abs(amount)):
        rate = f", rate {told.exchange_rate:f}" if told.exchange_rate is not None else ""
        found.append(f"ordered: {ordered.amount:f} {ordered.currency}{rate}")
    for one in told.charges:
        if one.amount:
            how = "deducted already" if one.included else "charged apart"
            found.append(f"bank charges: {one.amount:f} {one.currency}, {how}")
    named = list(dict.fromkeys(one for one in payers if one))
    return [*found, *([f"payers: {', '.join(named)}"] if named else [])]
