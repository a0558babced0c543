"""Remitted: what a payer says a payment is for, read line by line and added up before anything is applied.

Rules of X12 820 and ISO 20022 RfrdDocInf: the amount paid of a document is already less its discount and its
adjustments; an adjustment that names no document stands by itself. What is told must add up to the money.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from hub.model import Money, Payment, Remittance, RemittedAdjustment, RemittedDocument
from hub.stages import reasons
from hub.stages.references import key

LINES_SHOWN = 200  # of a remittance in the evidence of a case
UNEXPLAINED = "residual"  # document_type by which a reader says: this part nobody explained


@dataclass(frozen=True, slots=True)
class Advice:
    """What is told of a payment, and by what: the payment's own documents, or a remittance."""

    documents: Sequence[RemittedDocument]
    adjustments: Sequence[RemittedAdjustment] = ()
    by: str = "the payment itself"


class Line(NamedTuple):
    """One document that is paid. `value`: below zero where a credit is taken; None: no amount is told."""

    number: str
    kind: str
    value: Money | None
    original: Money | None = None
    discount: Money | None = None
    reasons: tuple[RemittedAdjustment, ...] = ()


class Footed(NamedTuple):
    """The lines, and the adjustments that belong to none of them."""

    lines: Sequence[Line]
    apart: Sequence[RemittedAdjustment]
    currency: str

    @property
    def total(self) -> Money:
        """What all of it adds up to; lines without an amount count for nothing."""
        total = Money.zero(self.currency)
        for money in (*(line.value for line in self.lines), *(one.amount for one in self.apart)):
            total += money or Money.zero(self.currency)
        return total

    @property
    def silent(self) -> bool:
        """Does any line tell no amount? Then only our own open amounts can tell whether it adds up."""
        return any(line.value is None for line in self.lines)


def of_payment(payment: Payment) -> Advice | None:
    """What came with the money itself."""
    return Advice(payment.documents) if payment.documents else None


def of_remittance(remittance: Remittance) -> Advice:
    """What came apart from the money."""
    label = remittance.number or remittance.trace
    return Advice(
        remittance.documents, remittance.adjustments, f"remittance {label}" if label else "a remittance"
    )


def strange_money(advice: Advice, currency: str) -> str:
    """Why its amounts cannot be added up; empty: they can."""
    for money in _amounts(advice):
        if money.currency != currency:
            return f"it tells of {money}, the money is in {currency}"
        if money != money.rounded():
            return f"{money} is no amount in {currency}"
    return ""


def _amounts(advice: Advice) -> Iterator[Money]:
    for document in advice.documents:
        yield from filter(None, (document.paid, document.original, document.discount))
        yield from (one.amount for one in document.adjustments)
    yield from (one.amount for one in advice.adjustments)


def foot(advice: Advice, amount: Money) -> Footed:
    """Its lines, added up so as to make the amount where they can.

    An adjustment that names a document which another line pays may be in that line's amount already: payers
    do both, and the sum tells which.
    """
    told = [one for one in advice.documents if one.document_type != UNEXPLAINED]  # that part explains nothing
    own = [document for document in told if not _only_adjusts(document)]
    named = {key(document.number) for document in own}
    lines = [_line(document) for document in own]
    again: list[RemittedDocument] = []
    apart = list(advice.adjustments)
    for document in told:
        if not _only_adjusts(document):
            continue
        if not key(document.number):
            apart += document.adjustments
        elif key(document.number) in named:
            again.append(document)
        else:
            lines.append(_line(document))
    included = Footed(_with(lines, again, counted=False), apart, amount.currency)
    if not again or included.total == amount:
        return included
    counted = Footed(_with(lines, again, counted=True), apart, amount.currency)
    return counted if counted.total == amount else included


def _only_adjusts(document: RemittedDocument) -> bool:
    return document.paid is None and document.original is None and bool(document.adjustments)


def _line(document: RemittedDocument) -> Line:
    value = document.paid
    if value is None and document.original is not None:
        value = document.original - (document.discount or Money.zero(document.original.currency))
        value = _plus(value, document.adjustments)
    elif value is None and document.adjustments:
        value = _plus(Money.zero(document.adjustments[0].amount.currency), document.adjustments)
    discount = document.discount if document.discount else None
    return Line(
        document.number, document.document_type, value, document.original, discount, document.adjustments
    )


def _plus(money: Money, adjustments: Sequence[RemittedAdjustment]) -> Money:
    for one in adjustments:
        money += one.amount
    return money


def _with(lines: Sequence[Line], again: Sequence[RemittedDocument], *, counted: bool) -> Sequence[Line]:
    """The lines with what is told again of their documents, each with the first line of its document."""
    more: dict[str, tuple[RemittedAdjustment, ...]] = {}
    for document in again:
        more[key(document.number)] = more.get(key(document.number), ()) + document.adjustments
    found = []
    for line in lines:
        extra = more.pop(key(line.number), ())
        value = _plus(line.value, extra) if counted and line.value is not None else line.value
        found.append(line._replace(value=value, reasons=(*line.reasons, *extra)))
    return found


def arithmetic(footed: Footed, amount: Money) -> Mapping[str, Any]:
    """The sum, for a person to follow."""
    lines = [shown(line) for line in footed.lines[:LINES_SHOWN]]
    if len(footed.lines) > LINES_SHOWN:
        lines.append(f"and {len(footed.lines) - LINES_SHOWN} more")
    return {
        "amount": str(amount),
        "lines": lines,
        "adjustments": reasons.told(footed.apart),
        "adds_up_to": str(footed.total),
        "difference": str(amount - footed.total),
    }


def shown(line: Line) -> str:
    """A line in words."""
    parts = ["no amount told" if line.value is None else f"{line.value} paid"]
    if line.original is not None:
        parts[0] += f" of {line.original}"
    if line.discount:
        parts.append(f"{line.discount} discount")
    parts += reasons.told(line.reasons)
    return f"{line.number or 'no number'}: {', '.join(parts)}"
