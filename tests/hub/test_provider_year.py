"""A year with a payment provider and a bank: invoices, part payments, refunds, disputes, payouts tie out.

The quick form runs with every suite; `prove` has ten thousand invoices.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa

from hub.decide import decide
from hub.duedates import DueDates
from hub.errors import Invalid
from hub.stages.outcome import Choice
from tests.hub.provider_world import NOTHING, Provider, assert_ties_out, billed_at_once, with_provider
from tests.world import World, make_world

DAYS = 365
ANSWERS = {  # what the people of this company do about what is asked
    "refund_applied": ("credit", "collect", "write_off"),
    "dispute_lost": ("collect", "write_off", "credit"),
    "dispute_opened": ("noted",),
    "payout_failed": ("noted",),
    "payout_missing": ("noted",),
    "short_payment": ("leave_open", "write_off"),
    "overpayment": ("on_account",),
    "unmatched_payment": ("on_account",),
    "payment_reversed": ("leave_open",),
    "sent_back_twice": ("noted",),
}


class Rhythm(NamedTuple):
    """Every how many days."""

    bills: int
    tells: int
    pays_out: int
    closes: int


QUICK, DAILY = Rhythm(60, 60, 28, 180), Rhythm(1, 3, 1, 30)


class Year:
    """One company's year, by chance but always the same."""

    def __init__(self, world: World, invoices: int, rhythm: Rhythm, seed: int = 6) -> None:
        self.world, self.acme = world, with_provider(world)
        self.chance, self.rhythm = random.Random(seed), rhythm
        self.due = [round((day + 1) * invoices / DAYS) for day in range(DAYS)]
        self.open: list[tuple[str, str, Decimal]] = []  # (at the provider, number, amount)
        self.late: list[tuple[int, str]] = []  # payouts by the day on which the bank books them
        self.issued, self.customer = 0, ""
        self.lately = max(12, invoices // 25)  # to so many of the latest things may happen
        self.dues = DueDates(world.hub)
        policies = world.hub.store.policies
        patient = policies.credit.model_copy(update={"overdue_tolerance": Decimal(10**9)})
        world.hub.store.policies = policies.model_copy(update={"credit": patient})

    def live(self) -> None:
        for day in range(DAYS):
            self.world.today[0] += timedelta(days=1)
            if day % self.rhythm.bills == 0 or day == DAYS - 1:
                self.bill(self.due[day])
            self.customers_pay()
            self.things_happen()
            if day % self.rhythm.pays_out == 0:
                self.pay_out(day)
            self.bank_books(day)
            self.chance.shuffle(self.acme.untold)
            if day % self.rhythm.tells == 0:
                self.acme.tell_at_once(self.chance)
            if day % self.rhythm.closes == self.rhythm.closes - 1:
                self.month_ends()
        for _ in range(2):
            self.bank_books(DAYS * 2)
            self.acme.tell_at_once(self.chance)
            self.month_ends()

    def bill(self, until: int) -> None:
        prices = [f"{self.chance.randint(500, 90_000) / 100:.2f}" for _ in range(until - self.issued)]
        self.issued = until
        if prices:
            self.open += billed_at_once(self.world, prices)

    def customers_pay(self) -> None:
        """Most in full by the provider; some in part, too much, or by bank transfer; a few never."""
        waiting, self.open = self.open, []
        for invoice, number, amount in waiting:
            way = self.chance.random()
            if way < 0.35:
                self.open.append((invoice, number, amount))  # tomorrow
            elif way < 0.85:
                self.by_provider(invoice, amount)
            elif way < 0.95:
                self.acme.paid_at_bank(str(amount), text=[f"invoice {number}"], payer="A customer")
            elif way < 0.98:
                self.acme.paid_at_bank(str(amount + 5), text=[number], payer="A customer")

    def by_provider(self, invoice: str, amount: Decimal) -> None:
        part = self.chance.random() < 0.15
        shares = [(amount / 3).quantize(Decimal("0.01"))] if part else [amount]
        shares += [amount - shares[0]] if part and self.chance.random() < 0.8 else []
        for share in shares:
            fee = (share * Decimal("0.029") + Decimal("0.30")).quantize(Decimal("0.01"))
            self.acme.charge(str(share), invoice=invoice, fee=str(fee))

    def some(self, kind: str, share: float, **fields: Any) -> Iterator[str]:
        """A few of the latest objects of a kind."""
        for id in self.acme.of(kind)[-self.lately :]:
            record = self.acme.objects[id][1]
            if self.chance.random() < share and all(record.get(k, "") == v for k, v in fields.items()):
                yield id

    def things_happen(self) -> None:
        for charge in self.some("payment", 0.004, failed=""):
            amount = Decimal(self.acme.objects[charge][1]["amount"])
            part = (amount / self.chance.choice([1, 2, 4])).quantize(Decimal("0.01"))
            if part:
                self.acme.refund(charge, str(part))
        for charge in self.some("payment", 0.002, failed=""):
            self.acme.dispute(charge, self.acme.objects[charge][1]["amount"])
        for charge in self.some("payment", 0.001, failed=""):
            self.acme.fail_charge(charge)
        for refund in self.some("refund", 0.002, failed=""):
            self.acme.fail_refund(refund)
        for dispute in self.some("dispute", 0.02, outcome="open"):
            (self.acme.win if self.chance.random() < 0.4 else self.acme.lose)(dispute)

    def pay_out(self, day: int) -> None:
        self.acme.charge_fee("9.90")
        traced = self.chance.random() < 0.7
        payout = self.acme.pay_out(trace=f"ARN{day:06d}" if traced else "")
        if payout and self.chance.random() < 0.06:
            self.acme.fail_payout(payout)
        elif payout:
            self.late.append((day + self.chance.randint(1, 4), payout))

    def bank_books(self, day: int) -> None:
        for when, payout in [one for one in self.late if one[0] <= day]:
            self.acme.at_bank(payout)
            self.late.remove((when, payout))

    def month_ends(self) -> None:
        """Everything is told, people answer what is asked, and the books are compared."""
        self.acme.tell_at_once(self.chance)
        self.dues.look()
        for case in self.world.cases():
            for decision in self.chance.sample(ANSWERS[case.reason], len(ANSWERS[case.reason])):
                if self.decided(case, decision):
                    break
        self.world.work(200)
        assert_ties_out(self.acme)

    def decided(self, case: Any, decision: str) -> bool:
        if not self.customer:
            self.customer = self.world.documents("customer")[0].id
        try:
            decide(self.world.hub, case.id, decision, Choice("ada", "", {"customer": self.customer}))
        except Invalid:
            return False  # above a cap, or overtaken by another answer
        return True


def assert_nothing_is_left(world: World, acme: Provider, payouts: int) -> None:
    """Every posting, invoice and payment by itself, in SQL over all of them."""
    assert [row.last_error for row in world.rows("inbox") if row.state != "done"] == []
    with world.hub.store.look() as tx:

        def found(query: str) -> list[Any]:
            return list(tx.conn.execute(sa.text(query)))

        assert found("select 1 from postings group by group_id, currency having sum(amount_minor) <> 0") == []
        below = "select 1 from postings where account = '{}' group by {} having sum(amount_minor) {} 0"
        assert found(below.format("receivable", "invoice_id", "<")) == []
        assert found(below.format("unapplied", "payment_id", ">")) == []
        assert found(below.format("disputed", "payment_id", "<")) == []
        states = {
            (r.kind, r.state): r.n
            for r in found("select kind, state, count(*) n from documents group by 1, 2")
        }
    assert ("payout", "refused") not in states
    assert ("payout", "announced") not in states, "the bank has booked everything"
    assert all(amount == NOTHING for amount in acme.transit.values())
    assert states["payout", "settled"] >= payouts


@pytest.mark.parametrize(
    ("invoices", "rhythm"), [(60, QUICK), pytest.param(10_000, DAILY, marks=pytest.mark.prove)]
)
def test_a_year_ties_out_to_the_cent(invoices: int, rhythm: Rhythm, tmp_path: Path) -> None:
    world = make_world(f"sqlite:///{tmp_path / 'hub.db'}")
    year = Year(world, invoices, rhythm)
    year.live()
    assert len(world.documents("invoice")) == invoices
    assert_nothing_is_left(world, year.acme, DAYS // rhythm.pays_out * 4 // 5)
    assert_ties_out(year.acme)
    world.hub.store.database.close()
