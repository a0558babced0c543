"""Money is conserved whatever a payment provider, a bank and people do, told in whatever order."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from hub.decide import choices, decide
from hub.errors import Invalid
from hub.ledger import Account
from hub.stages.outcome import Choice
from tests import templates
from tests.hub.provider_world import NOTHING, Provider, assert_ties_out, billed, with_provider
from tests.world import make_world

amounts = st.sampled_from(["0.01", "40.00", "100.00", "150.00"])
picks = st.integers(0, 9)


class Till(RuleBasedStateMachine):
    """A shop that is paid through a provider and through its bank."""

    acme: Provider

    @initialize()
    def open_for_business(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        url = f"sqlite:///{Path(self.folder.name) / 'hub.db'}"
        templates.fill(url)
        world = make_world(url)
        self.acme = with_provider(world)
        self.world = world
        self.invoices = billed(world, "100.00", "40.00")

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.acme.tell()
            self.everything_ties_out()
            self.world.hub.store.database.close()
            self.folder.cleanup()

    def one_of(self, kind: str, pick: int, **fields: Any) -> str:
        """An object that a provider could still do something with."""
        known = [
            id for id in self.acme.of(kind)
            if all(self.acme.objects[id][1].get(key, "") == value for key, value in fields.items())
        ]  # fmt: skip
        return known[pick % len(known)] if known else ""

    @rule(pick=picks, amount=amounts, told=st.booleans(), fee=st.sampled_from(["", "1.00"]))
    def pays(self, pick: int, amount: str, told: bool, fee: str) -> None:
        invoice = self.invoices[pick % len(self.invoices)]
        total = self.world.vendors["acme"].records[invoice]["total"]
        part = str(min(Decimal(amount), Decimal(str(total))))
        if told:
            self.acme.charge(amount, invoice=invoice, paid=part, fee=fee)
        else:
            self.acme.charge(amount, "thanks", fee=fee)

    @rule(pick=picks)
    def bounces(self, pick: int) -> None:
        if charge := self.one_of("payment", pick, failed=""):
            self.acme.fail_charge(charge)

    @rule(pick=picks, amount=amounts)
    def refunds(self, pick: int, amount: str) -> None:
        charge = self.one_of("payment", pick)
        if charge and Decimal(amount) <= Decimal(self.acme.objects[charge][1]["amount"]):
            self.acme.refund(charge, amount)

    @rule(pick=picks)
    def refund_fails(self, pick: int) -> None:
        if refund := self.one_of("refund", pick, failed=""):
            self.acme.fail_refund(refund)

    @rule(pick=picks, taken=st.booleans())
    def disputes(self, pick: int, taken: bool) -> None:
        if charge := self.one_of("payment", pick):
            self.acme.dispute(charge, self.acme.objects[charge][1]["amount"], withdrawn=taken)

    @rule(pick=picks, how=st.sampled_from(["win", "lose", "appeal"]))
    def a_bank_decides(self, pick: int, how: str) -> None:
        if dispute := self.one_of("dispute", pick):
            {"win": self.acme.win, "lose": self.acme.lose, "appeal": self.acme.appeal}[how](dispute)

    @rule(fees=st.booleans(), trace=st.booleans())
    def pays_out(self, fees: bool, trace: bool) -> None:
        if fees:
            self.acme.charge_fee("2.50")
        self.acme.pay_out(trace=f"TRACE{len(self.acme.objects)}" if trace else "")

    @rule(pick=picks)
    def payout_fails(self, pick: int) -> None:
        if payout := self.one_of("payout", pick, failed=""):
            self.acme.fail_payout(payout)

    @rule(pick=picks)
    def bank_books(self, pick: int) -> None:
        """What is in transit arrives; of a failed payout that had arrived, the bank takes it back."""
        due = [id for id, amount in self.acme.transit.items() if amount]
        if due:
            id = due[pick % len(due)]
            self.acme.at_bank(id, back="failed" in self.acme.objects[id][1])

    @rule(amount=amounts)
    def customer_pays_at_the_bank(self, amount: str) -> None:
        self.acme.paid_at_bank(amount, text=["thanks"], payer="Jane Roe")

    @rule(pick=picks, often=st.integers(1, 2))
    def told(self, pick: int, often: int) -> None:
        if self.acme.untold:
            self.acme.tell(*[self.acme.untold[pick % len(self.acme.untold)]] * often)

    @rule()
    def everything_is_told(self) -> None:
        self.acme.tell()

    @rule(pick=picks)
    def told_again(self, pick: int) -> None:
        known = list(self.acme.objects)
        if known:
            self.acme.tell(("acme", known[pick % len(known)]))

    @rule(pick=picks, which=picks, choice=picks)
    def a_person_decides(self, pick: int, which: int, choice: int) -> None:
        """Not `duplicate`, `release` or `returned`: what they say of the bank would have to be true."""
        cases = self.world.cases()
        if not cases:
            return
        case = cases[which % len(cases)]
        invoices = [x.id for x in self.world.documents("invoice") if x.state in ("issued", "part_paid")]
        values: dict[str, Any] = {"customer": self.world.documents("customer")[0].id}
        if invoices:
            values["invoices"] = [{"invoice": invoices[pick % len(invoices)]}]
        possible = sorted(set(choices(case.reason)) - {"duplicate", "release", "returned"})
        try:
            decide(self.world.hub, case.id, possible[choice % len(possible)], Choice("ada", "", values))
        except Invalid:
            return
        self.world.work()

    @invariant()
    def everything_ties_out(self) -> None:
        if not hasattr(self, "world"):
            return
        assert [row.last_error for row in self.world.rows("inbox") if row.state == "dead"] == []
        if not self.acme.untold:
            assert [row.last_error for row in self.world.rows("inbox") if row.state != "done"] == []
            assert_ties_out(self.acme)
        with self.world.hub.store.look() as tx:
            query = "select 1 from postings group by group_id, currency having sum(amount_minor) <> 0"
            assert tx.conn.execute(sa.text(query)).all() == []
            sums = {account: money.amount for account, money in tx.books.balances()}
            owed = NOTHING
            for invoice in self.world.documents("invoice"):
                still = tx.books.open_amount(invoice.id, "USD").amount
                assert 0 <= still <= invoice.payable_amount.amount
                assert (invoice.state == "paid") == (still == 0)
                assert (invoice.state == "issued") == (still == invoice.payable_amount.amount)
                owed += still
            assert owed == sums.get("receivable", NOTHING)
            free = NOTHING
            for payment in self.world.documents("payment"):
                left = tx.books.unapplied(payment.id, "USD").amount
                assert min(payment.amount.amount, NOTHING) <= left <= max(payment.amount.amount, NOTHING)
                assert left == 0 or payment.state not in ("reversed", "transferred")
                if payment.state in ("applied", "part_applied", "unapplied"):
                    assert (payment.state == "applied") == (left == 0)
                free += left
            assert free == -sums.get("unapplied", NOTHING)
            self._each_balances_by_itself(tx)

    def _each_balances_by_itself(self, tx: Any) -> None:
        disputed = NOTHING
        for kind in ("payment", "refund", "dispute", "payout"):
            for one in self.world.documents(kind):
                standing = tx.books.standing(payment=one.id)
                assert sum((x.amount.amount for x in standing), NOTHING) == 0
                if kind == "dispute":
                    taken = [x.amount.amount for x in standing if x.account is Account.DISPUTED]
                    disputed += sum(taken, NOTHING)
                    assert all(amount >= 0 for amount in taken)
        assert disputed >= 0


TestTill = Till.TestCase
TestTill.settings = settings(
    max_examples=5, stateful_step_count=25, deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)  # fmt: skip
