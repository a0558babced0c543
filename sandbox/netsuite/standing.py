"""What each customer owes, kept up to date with every write: open invoices, and credits not yet used."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import NamedTuple

from sandbox.netsuite.books import ZERO, Row
from sandbox.netsuite.cash import CREDITS
from sandbox.netsuite.rules import Rules


class Part(NamedTuple):
    """One transaction's part in its customer's balance."""

    customer: str
    owed: Decimal
    credit: Decimal
    deposit: bool


NOTHING = Part("", ZERO, ZERO, False)


class Standing:
    """Running sums per customer; each write costs what it changed, each question next to nothing."""

    def __init__(self, rules: Rules) -> None:
        self.rules, self.books = rules, rules.books
        self.parts: dict[str, Part] = {}
        self.owed: dict[str, Decimal] = {}
        self.credit: dict[str, Decimal] = {}
        self.deposits: dict[str, Decimal] = {}
        self.open: dict[str, dict[str, None]] = {}  # customer -> what is still owed, in order of arrival

    def part(self, row: Row | None) -> Part:
        """What one transaction adds to its customer's balance."""
        if row is None or row.type not in ("invoice", *CREDITS):
            return NOTHING
        owed = self.rules.remaining(row) if row.type in ("invoice", "journalEntry") else ZERO
        credit = self.rules.unapplied(row) if row.type in CREDITS else ZERO
        return Part(row.customer, ZERO if row.voided else owed, credit, row.type == "customerDeposit")

    def refresh(self) -> None:
        """Take in what was written since."""
        for id in list(self.books.stale):
            self._add(id, self.parts.pop(id, NOTHING), -1)
            part = self.part(self.books.transactions.get(id))
            if part.customer:
                self.parts[id] = part
                self._add(id, part, 1)
        self.books.stale.clear()

    def _add(self, id: str, part: Part, sign: int) -> None:
        who = part.customer
        if not who:
            return
        credits = self.deposits if part.deposit else self.credit
        self.owed[who] = self.owed.get(who, ZERO) + sign * part.owed
        credits[who] = credits.get(who, ZERO) + sign * part.credit
        if sign > 0 and part.owed > 0:
            self.open.setdefault(who, {})[id] = None
        else:
            self.open.get(who, {}).pop(id, None)

    def balance(self, customer: str) -> Decimal:
        """Open invoices less credits; deposits are shown apart."""
        self.refresh()
        return self.owed.get(customer, ZERO) - self.credit.get(customer, ZERO)

    def deposit(self, customer: str) -> Decimal:
        """Deposits not yet applied."""
        self.refresh()
        return self.deposits.get(customer, ZERO)

    def overdue(self, customer: str) -> Decimal:
        """What of it should have been paid before today."""
        today, found = self.rules.today(), ZERO
        for row in self.opened(customer):
            if row.type == "invoice" and date.fromisoformat(row.values["dueDate"]) < today:
                found += self.rules.remaining(row)
        return found

    def opened(self, customer: str) -> list[Row]:
        """What the customer still has to pay."""
        self.refresh()
        return [self.books.transactions[id] for id in self.open.get(customer, ())]
