"""Which open items a clearing names, and how much of each, so that it comes out at zero."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from connectors.sap.soap_record import Allocation, Posted, is_posted
from connectors.sap.soap_rows import Item
from hub.sdk import NotYet, Rejected

_NOTHING = Decimal(0)


class Wanted(NamedTuple):
    """An allocation, and what of it the books show as settled already."""

    allocation: Allocation
    settled: Decimal

    @property
    def still(self) -> Decimal:
        """What is to be settled now."""
        return self.allocation.amount - self.settled


class Part(NamedTuple):
    """One item of a clearing; `partial` None: as a whole. Amounts have the item's sign."""

    item: Item
    partial: Decimal | None = None
    discount: Decimal = _NOTHING
    deduction: Decimal = _NOTHING
    reason_code: str = ""

    @property
    def counts(self) -> Decimal:
        """What it adds to the sum that must be zero."""
        whole = self.item.amount if self.partial is None else self.partial
        return whole - self.discount - self.deduction


def plan(items: Sequence[Item], source: Posted, wanted: Sequence[Wanted]) -> list[Part]:
    """The parts of one clearing. Raises Rejected where items cannot give it, NotYet where they are unseen."""
    parts: list[Part] = []
    for one in wanted:
        parts += _invoice(items, one)
    need = sum((one.still for one in wanted), _NOTHING)
    own = [item for item in items if item.posted == source and item.settles is None]
    parts += _taken(items, own, need, str(source), wanted[0].allocation.currency)
    if {part.item.posted.company_code for part in parts} != {source.company_code}:
        raise Rejected("invoices of another company code cannot be cleared", code="company_code", sent=False)
    if rest := sum((part.counts for part in parts), _NOTHING):
        text = f"the clearing of {source} is off by {rest}: debits and credits are on the same side"
        raise Rejected(text, code="balance", sent=False)
    return parts


def _invoice(items: Sequence[Item], one: Wanted) -> list[Part]:
    told = one.allocation
    own = [item for item in items if belongs(item, told.invoice)]
    let_go = told.discount + told.deduction
    parts = _taken(items, own, one.still + let_go, told.invoice, told.currency)
    if not let_go:
        return parts
    # SAP: neither a cash discount nor a residual goes together with a partial payment
    if any(part.partial is not None for part in parts):
        text = f"{told.invoice}: a discount or deduction needs the whole rest of the invoice to be settled"
        raise Rejected(text, code="partial_discount", sent=False)
    if told.deduction and not told.reason_code:
        raise Rejected(f"{told.invoice}: a deduction needs a reason code", code="reason_code", sent=False)
    first = parts[0]
    sign = 1 if first.item.amount > 0 else -1
    discounted = Part(first.item, None, sign * told.discount, sign * told.deduction, told.reason_code)
    return [discounted, *parts[1:]]


def _taken(items: Sequence[Item], own: Sequence[Item], need: Decimal, name: str, currency: str) -> list[Part]:
    """Items of one document that give `need`: whole ones with their partial items, then a part of one."""
    open_ = sorted((item for item in own if item.cleared_by is None), key=lambda item: item.number.zfill(3))
    if not own:
        raise NotYet(f"{name} is not seen among SAP's open items yet", sent=False)
    _clearable(open_, name, currency)
    parts: list[Part] = []
    for item in open_:
        if not need:
            break
        referring = [one for one in items if one.settles == item.key and one.cleared_by is None]
        left = abs(item.amount + sum((one.amount for one in referring), _NOTHING))
        used = min(left, need)
        if used == left:
            parts += [Part(item), *(Part(one) for one in referring)]
        else:
            parts.append(Part(item, used if item.amount > 0 else -used))
        need -= used
    if need:
        text = f"{name}: {need} {currency} more is to be settled than is open in SAP"
        raise Rejected(text, code="amount", sent=False)
    return parts


def _clearable(items: Sequence[Item], name: str, currency: str) -> None:
    if special := next((item for item in items if item.special_gl), None):
        text = (
            f"{name} is booked with special G/L code {special.special_gl}, which SAP's service cannot clear"
        )
        raise Rejected(text, code="special_gl", sent=False)
    if other := next((item for item in items if item.currency != currency), None):
        text = f"{name} is in {other.currency} there, to be settled in {currency}"
        raise Rejected(text, code="currency", sent=False)


def belongs(item: Item, invoice: str) -> bool:
    """Is it an item of this invoice itself, not one that refers to it?"""
    if item.settles is not None:
        return False
    return str(item.posted) == invoice if is_posted(invoice) else item.billing == invoice.lstrip("0")
