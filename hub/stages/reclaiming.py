"""Reclaiming: invoices that are owed again because money went back are credited, collected or written off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation

from hub.errors import Invalid
from hub.model import Dispute, Invoice, Money, Refund
from hub.stages import adjusting, crediting
from hub.stages.applying import OWED
from hub.stages.outcome import Case, Choice, Outcome, Reader, together
from hub.stages.returning import Freed

Source = Refund | Dispute


def asked(reason: str, title: str, source: Source, freed: Sequence[Freed]) -> list[Case]:
    """Nobody but a person knows whether the customer still owes what their money had paid."""
    if not freed:
        return []
    numbers = ", ".join(one.invoice.number for one in freed)
    evidence = {
        "amount": str(source.amount), "reason": source.reason,
        "owed_again": [f"{one.invoice.number}: {one.amount}" for one in freed],
        "reopened": [{"invoice": one.invoice.id, "amount": str(one.amount.amount)} for one in freed],
    }  # fmt: skip
    return [Case(reason, f"{title}: {numbers} is owed again", source, evidence)]


def collect(source: Source, choice: Choice, read: Reader) -> Outcome:
    """The customer owes it: the invoices stay open and fall due as usual."""
    return Outcome(closes=[(one.id, "payment_reversed") for one, _, _ in _open(choice.evidence, read)])


def credit(source: Source, choice: Choice, read: Reader) -> Outcome:
    """The customer owes it no more: what is open again is credited, with its share of tax.

    Raises Invalid where nothing of it is open any more.
    """
    why = choice.note or f"{source.kind} {source.number}"
    parts = [
        crediting.correct(invoice, min(amount, still), why, read)
        for invoice, amount, still in _open(choice.evidence, read)
    ]
    if not parts:
        raise Invalid("nothing of it is open any more", field="decision")
    return together(*parts)


def write_off(source: Source, choice: Choice, read: Reader) -> Outcome:
    """What is open again is given up, within the policy's cap. Raises Invalid above it."""
    parts = [adjusting.write_off(invoice, choice, read) for invoice, _, _ in _open(choice.evidence, read)]
    if not parts:
        raise Invalid("nothing of it is open any more", field="decision")
    return together(*parts)


def noted(source: object, choice: Choice, read: Reader) -> Outcome:
    """A person knows of it; nothing changes here."""
    return Outcome()


def _open(evidence: Mapping[str, object], read: Reader) -> Iterator[tuple[Invoice, Money, Money]]:
    """The invoices of a case that are still owed: what became open again, and what is open now."""
    rows = evidence.get("reopened")
    for row in rows if isinstance(rows, list) else ():
        invoice = read.get(str(row.get("invoice", "")))
        if not isinstance(invoice, Invoice) or invoice.state not in OWED:
            continue
        read.lock(invoice.customer)
        still = read.open_amount(invoice)
        if still.amount > 0:
            yield invoice, Money(amount=_exact(row.get("amount")), currency=invoice.currency), still


def _exact(text: object) -> Decimal:
    try:
        return Decimal(str(text))
    except InvalidOperation:
        raise Invalid(f"{text!r} in this case is no amount", field="evidence") from None
