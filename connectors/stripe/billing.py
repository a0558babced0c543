"""What an invoice becomes in Stripe's units, worked out and added up before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, NamedTuple

from connectors.stripe.amounts import to_minor
from connectors.stripe.client import REFERENCE
from hub.sdk import Record, Rejected, Unmappable, Write

LINE = "o2c_line"  # metadata of a line: its place in our invoice
LINES_MAX = 250  # of one invoice (docs, "invoice line items")
_OURS = frozenset({"lines", "taxes", "expected", "cancelled", "metadata", "due_date", "effective_at"})


class Bill(NamedTuple):
    """An invoice ready to be sent: amounts in Stripe's units."""

    currency: str
    total: int
    tax: int
    lines: Sequence[Record]


def bill(record: Record) -> Bill:
    """Lines with their tax, and the total they must come to. Raises Rejected with the arithmetic."""
    currency = str(record.get("currency") or "").lower()
    lines, taxes = record.get("lines") or (), record.get("taxes") or ()
    if not 1 <= len(lines) <= LINES_MAX:
        text = f"Stripe takes 1 to {LINES_MAX} lines on an invoice, this one has {len(lines)}"
        raise Rejected(text, code="lines", sent=False)
    amounts = [to_minor(one.get("amount"), currency, f"lines[{n}].amount") for n, one in enumerate(lines)]
    shares = _taxed(lines, amounts, taxes, currency)
    total = to_minor((record.get("expected") or {}).get("total"), currency, "expected.total")
    if total < 0:  # Stripe would make a credit balance of it
        raise Rejected(f"the invoice is over {total}: credit it instead", code="negative", sent=False)
    tax = sum(sum(share.values()) for share in shares)
    if sum(amounts) + tax != total:
        text = f"the lines add up to {sum(amounts)} and the tax to {tax}, the invoice is over {total}"
        raise Rejected(f"{text} (in the smallest units of {currency.upper()})", code="total", sent=False)
    made = [
        _line(n, one, amount, share, taxes)
        for n, (one, amount, share) in enumerate(zip(lines, amounts, shares, strict=True), 1)
    ]
    return Bill(currency, total, tax, made)


def _taxed(
    lines: Sequence[Record], amounts: Sequence[int], taxes: Sequence[Record], currency: str
) -> Sequence[Mapping[int, int]]:
    """The tax of each line by tax group: groups are rounded once, and their lines add up to that."""
    shares: list[dict[int, int]] = [{} for _ in lines]
    for g, group in enumerate(taxes):
        tax = to_minor(group.get("amount"), currency, f"taxes[{g}].amount")
        within = [n for n, line in enumerate(lines) if _group(line) == _group(group)]
        taxable = sum(amounts[n] for n in within)
        if not within or taxable != to_minor(group.get("taxable"), currency, f"taxes[{g}].taxable"):
            text = (
                f"tax group {group.get('category')} {group.get('percent')} % is over {group.get('taxable')}"
            )
            raise Rejected(
                f"{text}, its lines add up to {taxable} in Stripe's units", code="taxable", sent=False
            )
        for n, part in zip(within, _spread(tax, [amounts[n] for n in within]), strict=True):
            shares[n][g] = part
    return shares


def _group(one: Record) -> tuple[str, str]:
    percent = one.get("percent")
    return str(one.get("category") or ""), format(percent.normalize(), "f") if percent is not None else ""


def _spread(whole: int, weights: Sequence[int]) -> list[int]:
    """A whole number in parts by weight, which add up to it exactly."""
    total, seen, given, parts = sum(weights), 0, 0, []
    for weight in weights:
        seen += weight
        upto = whole * seen // total if total else whole
        parts.append(upto - given)
        given = upto
    return parts


def _line(n: int, line: Record, amount: int, share: Mapping[int, int], taxes: Sequence[Record]) -> Record:
    taxed = [
        {"amount": part, "taxable_amount": amount, "tax_rate_data": _rate(taxes[g])}
        for g, part in share.items()
        if part or taxes[g].get("percent")
    ]
    return {
        "amount": amount,
        "description": line.get("description"),
        "discountable": False,
        "metadata": {**(line.get("metadata") or {}), LINE: str(n)},
        "tax_amounts": taxed or None,
    }


def _rate(group: Record) -> Record:
    return {"display_name": group.get("name") or "Tax", "percentage": group["percent"], "inclusive": False}


def head(record: Record, write: Write, zone: tzinfo, now: datetime) -> Record:
    """The draft without its lines. What the mapping says in Stripe's own words goes as it is."""
    own = {name: value for name, value in record.items() if name not in _OURS}
    return {
        "collection_method": "send_invoice",
        "pending_invoice_items_behavior": "exclude",
        **own,
        **_due(record.get("due_date"), zone, now),
        "effective_at": _seconds(record.get("effective_at"), time.min, zone),
        "auto_advance": False,  # Stripe would send reminders and finalise by itself
        "metadata": {**(record.get("metadata") or {}), REFERENCE: write.reference},
    }


def _due(told: Any, zone: tzinfo, now: datetime) -> Record:
    """The end of the day it is due; Stripe refuses a moment that has passed, so then it is due at once."""
    until = _seconds(told, time.max, zone)
    if until is None or until <= int((now + timedelta(minutes=1)).timestamp()):
        return {"days_until_due": 0}
    return {"due_date": until}


def _seconds(told: Any, at: time, zone: tzinfo) -> int | None:
    if told is None:
        return None
    if isinstance(told, str):
        try:
            told = date.fromisoformat(told)
        except ValueError:
            raise Unmappable("stripe", "date", f"{told!r} is not a date", told) from None
    return int(datetime.combine(told, at, zone).astimezone(UTC).timestamp())
