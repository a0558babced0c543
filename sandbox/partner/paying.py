"""What the buyer's bank and office write about money: the 820, with what is kept back and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from sandbox.partner.writing import Doc, day, plain

ORIGINATOR = "1912345678"  # BPR10, TRN03: our number as the bank knows us
ROUTING, ACCOUNT = "123456780", "000123456789"  # no bank has this number

REASONS = {
    "01": "pricing error", "02": "allowance or charge error", "04": "item not accepted: damaged",
    "05": "item not accepted: quality", "06": "quantity contested", "07": "wrong product",
    "11": "returned: damaged", "12": "returned: quality", "19": "duplicate billing", "50": "late charge",
    "54": "freight deducted", "55": "tax deducted", "56": "advertising", "57": "volume discount",
    "59": "item not received",
}  # fmt: skip


class Paid(NamedTuple):
    """What is done about one invoice. `amount` is paid, `withheld` kept back for `reason` (element 426)."""

    invoice: str
    amount: Decimal
    discount: Decimal = Decimal(0)
    withheld: Decimal = Decimal(0)
    reason: str = ""
    order: str = ""
    claim: str = ""  # our number of the deduction
    on: str = ""  # date of the invoice

    @property
    def gross(self) -> Decimal:
        """RMR05: before discount and deduction."""
        return self.amount + self.discount + self.withheld


class Apart(NamedTuple):
    """A deduction (amount above zero) that belongs to no invoice: an ADX of its own."""

    amount: Decimal
    reason: str
    claim: str = ""


class Advice(NamedTuple):
    """A payment: what the bank line will say. `amount` moves; `handling` is BPR01."""

    trace: str
    amount: Decimal
    effective: date
    payer: str
    items: Sequence[Paid]
    apart: Sequence[Apart] = ()
    handling: str = "C"
    currency: str = ""

    @property
    def moves_money(self) -> bool:
        """Does the 820 itself order the payment? With I the money comes by itself, with H and P none does."""
        return self.handling not in "IHP" and self.amount != 0


def render(advice: Advice, *, payee: str, adx_reduces: bool = True) -> Doc:
    """The 820. From 003050 on a negative ADX01 reduces the payment; `adx_reduces` False flips it."""
    method = "NON" if advice.amount == 0 else "ACH"
    ends = ["01", ROUTING, "DA", ACCOUNT]
    bpr = ["BPR", advice.handling, plain(advice.amount), "C", method, "CTX" if method == "ACH" else ""]
    body = [
        [*bpr, *ends, ORIGINATOR, "", *ends, day(advice.effective)],
        ["TRN", "1", advice.trace, ORIGINATOR],
        *([["CUR", "PR", advice.currency]] if advice.currency else []),
        ["N1", "PR", advice.payer],
        ["N1", "PE", payee],
        ["ENT", "1"],
    ]
    sign = -1 if adx_reduces else 1
    for one in advice.apart:
        body.append(_adjustment(one.amount * sign, one.reason, one.claim))
    for item in advice.items:
        body += _open_item(item, sign)
    return Doc("820", body, advice.trace)


def _open_item(item: Paid, sign: int) -> Iterator[list[str]]:
    kind = "CM" if item.amount < 0 else "IV"
    yield ["RMR", kind, item.invoice, "", plain(item.amount), plain(item.gross), plain(item.discount or None)]
    if item.order:
        yield ["REF", "PO", item.order]
    if item.on:
        yield ["DTM", "003", item.on]
    if item.withheld:
        yield _adjustment(item.withheld * sign, item.reason, item.claim)


def _adjustment(amount: Decimal, reason: str, claim: str) -> list[str]:
    return ["ADX", plain(amount), reason, *(["CM", claim] if claim else [])]
