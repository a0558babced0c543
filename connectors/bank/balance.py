"""Control totals as a gate: nothing is taken from a statement that does not prove itself whole."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from connectors.bank.statement import Entry, Problem, Statement, Status


class Totals(NamedTuple):
    """What the entries of a statement add up to; debits above zero."""

    entries: int = 0
    transactions: int = 0
    credits: Decimal = Decimal(0)
    debits: Decimal = Decimal(0)
    moved: Decimal = Decimal(0)  # booked entries only, signed
    not_counted: int = 0
    currencies: frozenset[str] = frozenset()

    def plus(self, entry: Entry, *, notification: bool) -> Totals:
        """With one entry more. A notification (no balances) counts what it tells for information too."""
        booked = entry.status is Status.BOOKED
        if not booked and not (notification and entry.status is Status.INFORMATION):
            return self._replace(not_counted=self.not_counted + 1)
        amount = entry.amount
        return Totals(
            self.entries + 1,
            self.transactions + max(1, len(entry.transactions)),
            self.credits + amount if amount > 0 else self.credits,
            self.debits - amount if amount < 0 else self.debits,
            self.moved + amount if booked else self.moved,
            self.not_counted,
            self.currencies if entry.currency in self.currencies else self.currencies | {entry.currency},
        )


def totals(statement: Statement) -> Totals:
    """The sums of a statement with its entries."""
    return summed(statement.entries, notification=is_notification(statement))


def summed(entries: Iterable[Entry], *, notification: bool) -> Totals:
    """The sums of entries."""
    found = Totals()
    for entry in entries:
        found = found.plus(entry, notification=notification)
    return found


def is_notification(statement: Statement) -> bool:
    """Does it carry no balance at all, so that nothing can be proven by it?"""
    return statement.opening is None and statement.closing is None


def balanced(statement: Statement, moved: Totals) -> bool | None:
    """Is opening plus entries the closing balance? None where it does not carry both."""
    if statement.opening is None or statement.closing is None:
        return None
    return statement.opening.amount + moved.moved == statement.closing.amount


def doubts(statement: Statement, moved: Totals) -> list[Problem]:
    """Why a person must look at the statement before anything is taken from it; the sums are shown."""
    found = list(statement.problems)
    opening, closing = statement.opening, statement.closing
    if opening is None or closing is None:
        return found
    known = {opening.currency, closing.currency, *moved.currencies} - {""}
    if len(known) > 1:
        mixed = ", ".join(sorted(known))
        found.append(Problem(statement.line, f"balances and entries mix {mixed}: totals prove nothing"))
    if not balanced(statement, moved):
        reached = opening.amount + moved.moved
        found.append(
            Problem(
                statement.line,
                f"does not balance: opening {opening.amount:f} plus entries {moved.moved:f} is {reached:f}, "
                f"closing says {closing.amount:f}, "
                f"difference {closing.amount - reached:f} {closing.currency}",
            )
        )
    return found
