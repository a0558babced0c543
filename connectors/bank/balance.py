"""Control totals as a gate: nothing is taken from a statement that does not prove itself whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from connectors.bank.statement import Claim, Entry, Problem, Statement, Status


class Side(NamedTuple):
    """Entries, their transactions and the sum of their amounts, above zero."""

    entries: int = 0
    transactions: int = 0
    amount: Decimal = Decimal(0)

    def with_(self, other: Side) -> Side:
        """Both together."""
        return Side(
            self.entries + other.entries,
            self.transactions + other.transactions,
            self.amount + other.amount,
        )


class Totals(NamedTuple):
    """What the entries of a statement add up to; debits above zero."""

    entries: int = 0
    transactions: int = 0
    credits: Decimal = Decimal(0)
    debits: Decimal = Decimal(0)
    moved: Decimal = Decimal(0)  # booked entries only, signed
    not_counted: int = 0
    zeros: int = 0  # entries of no amount: the bank may count them on either side
    currencies: frozenset[str] = frozenset()
    sides: tuple[Side, Side] = (Side(), Side())  # credits and debits that are counted
    all_sides: tuple[Side, Side] = (Side(), Side())  # pending ones and those for information too


@dataclass(slots=True)
class _Sum:
    entries: int = 0
    transactions: int = 0
    amount: Decimal = field(default=Decimal(0))  # signed


class Tally:
    """Sums as entries pass by."""

    __slots__ = ("_currencies", "_sides", "_zeros")

    def __init__(self) -> None:
        self._sides: dict[tuple[Status, bool], _Sum] = {}
        self._currencies: set[str] = set()
        self._zeros = 0

    def add(self, amount: Decimal, currency: str, status: Status, transactions: int) -> None:
        """One entry more."""
        key = status, amount > 0
        side = self._sides.get(key)
        if side is None:
            side = self._sides[key] = _Sum()
        side.entries += 1
        side.transactions += transactions
        side.amount += amount
        self._zeros += not amount
        self._currencies.add(currency)

    def totals(self, *, notification: bool) -> Totals:
        """The sums. A notification (no balances) counts what it tells for information too."""
        booked = self._both(Status.BOOKED)
        told = self._both(Status.INFORMATION)
        every = [one.with_(two) for one, two in zip(booked, told, strict=True)]
        credit, debit = every if notification else booked
        all_ = [one.with_(two) for one, two in zip(every, self._both(Status.PENDING), strict=True)]
        counted = credit.entries + debit.entries
        return Totals(
            entries=counted,
            transactions=credit.transactions + debit.transactions,
            credits=credit.amount,
            debits=debit.amount,
            moved=booked[0].amount - booked[1].amount,
            not_counted=all_[0].entries + all_[1].entries - counted,
            zeros=self._zeros,
            currencies=frozenset(self._currencies),
            sides=(credit, debit),
            all_sides=(all_[0], all_[1]),
        )

    def _both(self, status: Status) -> tuple[Side, Side]:
        credit, debit = (self._sides.get((status, above), _Sum()) for above in (True, False))
        return (
            Side(credit.entries, credit.transactions, credit.amount),
            Side(debit.entries, debit.transactions, -debit.amount if debit.amount else debit.amount),
        )


def totals(statement: Statement) -> Totals:
    """The sums of a statement with its entries."""
    return summed(statement.entries, notification=is_notification(statement))


def summed(entries: Iterable[Entry], *, notification: bool) -> Totals:
    """The sums of entries."""
    tally = Tally()
    for entry in entries:
        tally.add(entry.amount, entry.currency, entry.status, max(1, len(entry.transactions)))
    return tally.totals(notification=notification)


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
    found = [*statement.problems, *_unmet(statement, moved)]
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


def _unmet(statement: Statement, moved: Totals) -> Iterator[Problem]:
    """Claims that hold neither for what is counted nor for everything in the statement.

    Banks count entries or, where entries are batches, their transactions; and with or without pending ones.
    """
    for claim in statement.claims:
        if not any(_meets(claim, both, moved.zeros) for both in (moved.sides, moved.all_sides)):
            side = _side(claim, moved.sides)
            yield Problem(
                claim.line or statement.line,
                f"{claim.what} claims {_words(claim.counted, claim.total)}, "
                f"there are {_words(*_told(claim, side))}",
            )


def _side(claim: Claim, both: tuple[Side, Side]) -> Side:
    return both[0].with_(both[1]) if claim.sign == 0 else both[0 if claim.sign > 0 else 1]


def _meets(claim: Claim, both: tuple[Side, Side], zeros: int) -> bool:
    """A sum of credits and debits is of their amounts at some banks, net at others."""
    side, net = _side(claim, both), abs(both[0].amount - both[1].amount)
    counted = claim.counted is None or any(
        abs(claim.counted - one) <= zeros for one in (side.entries, side.transactions)
    )
    return counted and (claim.total in (None, side.amount) or (claim.sign == 0 and claim.total == net))


def _told(claim: Claim, side: Side) -> tuple[int | None, Decimal | None]:
    """What there is of that which is claimed."""
    return (
        None if claim.counted is None else side.entries,
        None if claim.total is None else side.amount,
    )


def _words(count: int | None, total: Decimal | None) -> str:
    told = [] if count is None else [f"{count} entries"]
    return " of ".join([*told, *([] if total is None else [f"{total:f}"])])
