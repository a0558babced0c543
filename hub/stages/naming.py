"""Naming: which invoices and credit memos of ours the lines of a remittance mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from hub.model import CreditMemo, CreditMemoState, Invoice, Money, RemittedAdjustment
from hub.stages import applying
from hub.stages.applying import OWED
from hub.stages.outcome import Reader
from hub.stages.references import keys
from hub.stages.remitted import Line

Bill = Invoice | CreditMemo
CREDITS = frozenset({"CREN", "CM", "CR", "CREDIT", "381"})  # ISO 20022, X12 128, UNCL 1001
_USABLE = (CreditMemoState.ISSUED, CreditMemoState.PART_APPLIED)


class Owed(NamedTuple):
    """An invoice of ours with what is paid of it, and what the payer says of the rest."""

    invoice: Invoice
    paid: Money
    discount: Money
    reasons: tuple[RemittedAdjustment, ...] = ()


class Taken(NamedTuple):
    """A credit memo of ours that the payer uses, above zero."""

    memo: CreditMemo
    amount: Money


class Strange(NamedTuple):
    """What a line says that is not ours, or of which nothing is owed. Below zero: something is kept back."""

    number: str
    amount: Money
    why: str
    reasons: tuple[RemittedAdjustment, ...] = ()

    def __str__(self) -> str:
        return f"{self.number or 'no number'}: {self.amount}, {self.why}"


class Named(NamedTuple):
    """The lines of a remittance in our own documents."""

    owed: Sequence[Owed]
    taken: Sequence[Taken]
    strange: Sequence[Strange]

    def total(self, currency: str) -> Money:
        """What all of it adds up to."""
        total = Money.zero(currency)
        for money in (*(x.paid for x in self.owed), *(x.amount for x in self.strange)):
            total += money
        return total - sum((x.amount for x in self.taken), Money.zero(currency))


class Bills(NamedTuple):
    """What the lines may mean, by normalised number."""

    invoices: Mapping[str, Sequence[Bill]]
    memos: Mapping[str, Sequence[Bill]]

    def all(self, lines: Sequence[Line]) -> Sequence[Bill]:
        """Every document of ours that a line names, each once."""
        found = {one.id: one for line in lines for one in self.meant(line)}
        return list(found.values())

    def meant(self, line: Line) -> Sequence[Bill]:
        """The one it means; several where its number does not tell; none where it is not ours."""
        first, second = self.invoices, self.memos
        if is_credit(line):
            first, second = second, first
        for known in (first, second):
            for candidate in keys(line.number):
                found = known.get(candidate, ())
                if found:
                    alive = [x for x in found if x.state in (*OWED, *_USABLE)]
                    return alive if len(alive) == 1 else found
        return ()


def is_credit(line: Line) -> bool:
    """Does the payer take something with this line rather than pay?"""
    below = line.value is not None and line.value.amount < 0
    return below or line.kind.upper() in CREDITS


def look_up(lines: Sequence[Line], read: Reader) -> Bills:
    """Our documents that go by one of these numbers."""
    wanted = sorted({one for line in lines for one in keys(line.number)})
    return Bills(_by_number("invoice", wanted, read), _by_number("credit_memo", wanted, read))


def _by_number(kind: str, wanted: Sequence[str], read: Reader) -> Mapping[str, Sequence[Bill]]:
    found: dict[str, list[Bill]] = {}
    for one in read.known_as(kind, wanted):
        if isinstance(one, Invoice | CreditMemo):
            found.setdefault(keys(one.number)[0], []).append(one)
    return found


def named(lines: Sequence[Line], bills: Bills, currency: str, read: Reader) -> Named:
    """What the lines say of our documents, every document once; what of it cannot be is strange."""
    nothing = Money.zero(currency)
    owed: dict[str, Owed] = {}
    taken: list[Taken] = []
    strange: list[Strange] = []
    left: dict[str, Money] = {}
    for line in lines:
        value = nothing if line.value is None else line.value
        meant = bills.meant(line)
        if len(meant) != 1:
            why = f"{len(meant)} of ours are called so" if meant else "it is no document of ours"
            strange.append(Strange(line.number, value, why, line.reasons))
        elif isinstance(meant[0], CreditMemo):
            memo = meant[0]
            still = left[memo.id] if memo.id in left else _usable(memo, read)
            use, rest = _used(memo, line.value, still)
            left[memo.id] = still - use
            taken += [Taken(memo, use)] if use else []
            strange += rest
        else:
            _add(owed, meant[0], line, read)
    kept = [one for one in owed.values() if one.paid.amount > 0]
    strange += [_returned(one) for one in owed.values() if one.paid.amount <= 0]
    bounded = [_bounded(one, read) for one in kept]
    strange += [rest for _, rest in bounded if rest is not None]
    return Named([one for one, _ in bounded if one.paid.amount > 0], taken, strange)


def _add(owed: dict[str, Owed], invoice: Invoice, line: Line, read: Reader) -> None:
    """Lines about the same invoice are one."""
    nothing = Money.zero(invoice.currency)
    before = owed.get(invoice.id) or Owed(invoice, nothing, nothing)
    value = read.open_amount(invoice) if line.value is None else line.value
    owed[invoice.id] = Owed(
        invoice, before.paid + value, before.discount + (line.discount or nothing),
        (*before.reasons, *line.reasons),
    )  # fmt: skip


def _usable(memo: CreditMemo, read: Reader) -> Money:
    return read.unapplied(memo.id, memo.currency) if memo.state in _USABLE else Money.zero(memo.currency)


def _used(memo: CreditMemo, value: Money | None, left: Money) -> tuple[Money, list[Strange]]:
    """What is used of a credit memo, at most what is left of it; the rest is kept back without one."""
    wanted = left if value is None else -value
    if wanted.amount < 0:
        nobody = Strange(memo.number, -wanted, "it is a credit memo of ours, which nobody can pay")
        return Money.zero(memo.currency), [nobody]
    use = min(wanted, left)
    why = f"only {left} is left of credit memo {memo.number}"
    return use, [Strange(memo.number, use - wanted, why)] if use != wanted else []


def _returned(one: Owed) -> Strange:
    why = "it is taken back of an invoice that this does not pay" if one.paid else "nothing is paid of it"
    return Strange(one.invoice.number, one.paid, why, one.reasons)


def _bounded(one: Owed, read: Reader) -> tuple[Owed, Strange | None]:
    """No more than is open of it; what is over is strange."""
    still = read.open_amount(one.invoice) if one.invoice.state in OWED else Money.zero(one.invoice.currency)
    if one.paid <= still:
        return one, None
    over = one.paid - still
    return one._replace(paid=still), Strange(one.invoice.number, over, _why_not(one.invoice, still, read))


def _why_not(invoice: Invoice, still: Money, read: Reader) -> str:
    if still:
        return f"only {still} of it is open"
    by = applying.settled_by(invoice, read)
    return f"it is {str(invoice.state).replace('_', ' ')} already{f', by {by}' if by else ''}"
