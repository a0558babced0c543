"""Money is conserved whatever an ERP, a bank and people say, in whatever order and currency."""

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
from hub.stages.outcome import Choice
from tests.hub.erp_world import approved, bill, credit, money_in, settled, ship, tell, with_erp
from tests.world import make_world

amounts = st.sampled_from(["0.01", "40.00", "100.00", "200.00", "333.33"])
picks = st.integers(0, 9)
NOTHING = Decimal(0)


class Company(RuleBasedStateMachine):
    """An ERP that bills and keeps the books, beside a bank and people who decide."""

    @initialize()
    def open_for_business(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.world = with_erp(make_world(f"sqlite:///{Path(self.folder.name) / 'hub.db'}"), issuer="erp")
        self.n = 0
        self.told: dict[str, dict[str, Any]] = {}
        self.world.send("crm", self.world.company())
        self.world.work()

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.hub.store.database.close()
            self.folder.cleanup()

    def tells(self, kind: str, record: dict[str, Any] | None, id: str = "") -> None:
        self.n += 1
        id = id or f"{kind}-{self.n}"
        if record is not None:
            self.told[id] = record
        tell(self.world, kind, id, record)

    def one_of(self, kind: str, pick: int) -> str:
        known = [id for id in self.told if id.startswith(kind)]
        return known[pick % len(known)] if known else ""

    def applied(self, invoice: str, amount: str, euros: bool) -> dict[str, Any]:
        return settled(invoice, amount, **({"taken": amount, "taken_in": "EUR"} if euros else {}))

    @rule(quantity=st.sampled_from(["1", "2", "3"]), with_order=st.booleans())
    def bills(self, quantity: str, with_order: bool) -> None:
        self.n += 1
        order = approved(self.world, f"d{self.n}") if with_order else ""
        if order:
            ship(self.world, order, f"s{self.n}")
        self.tells("invoice", bill(self.world, order, number=f"E{self.n:05d}", quantity=quantity))

    @rule(pick=picks, amount=amounts, part=amounts, euros=st.booleans())
    def pays_at_the_erp(self, pick: int, amount: str, part: str, euros: bool) -> None:
        invoice = self.one_of("invoice", pick)
        shares = [self.applied(invoice, part, euros)] if invoice else []
        self.tells("payment", money_in(self.world, amount, *shares, currency="EUR" if euros else "USD"))

    @rule(pick=picks, other=picks, part=amounts)
    def applies_otherwise(self, pick: int, other: int, part: str) -> None:
        payment, invoice = self.one_of("payment", pick), self.one_of("invoice", other)
        if payment and invoice:
            euros = self.told[payment]["currency"] == "EUR"
            self.tells(
                "payment", {**self.told[payment], "applied": [self.applied(invoice, part, euros)]}, payment
            )

    @rule(pick=picks, amount=amounts)
    def pays_at_the_bank(self, pick: int, amount: str) -> None:
        self.n += 1
        named = self.told.get(self.one_of("invoice", pick), {}).get("number", "thanks")
        self.world.send("bank", self.world.credit(f"b{self.n}", amount, named))
        self.world.work()

    @rule(pick=picks, amount=amounts, names=st.booleans())
    def credits(self, pick: int, amount: str, names: bool) -> None:
        invoice = self.one_of("invoice", pick)
        fields = {"invoice": invoice} if invoice and names else {}
        self.tells("credit_memo", credit(self.world, amount, number=f"C{self.n:05d}", **fields))

    @rule(pick=picks, amount=amounts, reason=st.sampled_from(["write_off", "discount", "fee", "exchange"]))
    def adjusts(self, pick: int, amount: str, reason: str) -> None:
        if invoice := self.one_of("invoice", pick):
            record = {"invoice": invoice, "amount": amount, "reason": reason, "date": "2026-03-20"}
            self.tells("adjustment", record)

    @rule(pick=picks, kind=st.sampled_from(["invoice", "payment", "credit_memo", "adjustment"]))
    def takes_back(self, pick: int, kind: str) -> None:
        if id := self.one_of(kind, pick):
            self.tells(kind, None, id)

    @rule(pick=picks, which=picks, choice=picks)
    def a_person_decides(self, pick: int, which: int, choice: int) -> None:
        cases = self.world.cases()
        if not cases:
            return
        case = cases[which % len(cases)]
        invoices = [x.id for x in self.world.documents("invoice") if x.state in ("issued", "part_paid")]
        values: dict[str, Any] = {"customer": self.world.documents("customer")[0].id}
        if invoices:
            values["invoices"] = [{"invoice": invoices[pick % len(invoices)]}]
        possible = sorted(choices(case.reason))
        try:
            decide(self.world.hub, case.id, possible[choice % len(possible)], Choice("ada", "", values))
        except Invalid:
            return
        self.world.work()

    @invariant()
    def everything_ties_out(self) -> None:
        if not hasattr(self, "world"):
            return
        dead = [row for row in self.world.rows("inbox") if row.state == "dead"]
        assert dead == [], dead
        with self.world.hub.store.look() as tx:
            query = "select 1 from postings group by group_id, currency having sum(amount_minor) <> 0"
            assert tx.conn.execute(sa.text(query)).all() == []
            sums: dict[tuple[str, str], Decimal] = {
                (account, money.currency): money.amount for account, money in tx.books.balances()
            }
            owed = NOTHING
            for invoice in self.world.documents("invoice"):
                still = tx.books.open_amount(invoice.id, "USD").amount
                assert 0 <= still <= invoice.payable_amount.amount
                if invoice.state not in ("issued", "part_paid", "paid"):
                    assert still == 0
                else:
                    assert (invoice.state == "paid") == (still == 0)
                    assert (invoice.state == "issued") == (still == invoice.payable_amount.amount)
                owed += still
            assert owed == sums.get(("receivable", "USD"), NOTHING)
            self._sources_tie_out(tx, sums)
        self._orders_tie_out()

    def _sources_tie_out(self, tx: Any, sums: dict[tuple[str, str], Decimal]) -> None:
        used = {"USD": NOTHING, "EUR": NOTHING}
        for payment in self.world.documents("payment"):
            currency = payment.amount.currency
            left = tx.books.unapplied(payment.id, currency).amount
            assert 0 <= left <= payment.amount.amount
            assert left == 0 or payment.state != "reversed"
            if payment.state in ("applied", "part_applied", "unapplied"):
                assert (payment.state == "applied") == (left == 0)
            for posting in tx.books.standing(payment=payment.id):
                if posting.amount.currency == currency and posting.account in ("receivable", "exchange"):
                    # across currencies the exchange account stands between; what it took is on its side
                    used[currency] -= posting.amount.amount
        for currency, spent in used.items():
            cash, unapplied = (
                sums.get(("cash", currency), NOTHING),
                -sums.get(("unapplied", currency), NOTHING),
            )
            refunded = -sums.get(("refunded", currency), NOTHING)
            assert cash + self._bank_fees(tx, currency) == spent + unapplied + refunded
        credits = NOTHING
        for memo in self.world.documents("credit_memo"):
            left = tx.books.unapplied(memo.id, "USD").amount
            assert 0 <= left <= memo.payable_amount.amount
            assert left == 0 or memo.state in ("issued", "part_applied")
            credits += left
        assert credits == -sums.get(("credit", "USD"), NOTHING)

    def _bank_fees(self, tx: Any, currency: str) -> Decimal:
        """Fees on payments; those of adjustments are no cash."""
        rows = [
            posting
            for payment in self.world.documents("payment")
            for posting in tx.books.standing(payment=payment.id)
            if posting.account == "fee" and posting.amount.currency == currency
        ]
        return sum((posting.amount.amount for posting in rows), NOTHING)

    def _orders_tie_out(self) -> None:
        standing = [x for x in self.world.documents("invoice") if x.state in ("issued", "part_paid", "paid")]
        for order in self.world.documents("order"):
            billed = sum((x.lines[0].quantity for x in standing if x.order == order.id), NOTHING)
            assert billed <= order.lines[0].quantity
            if order.state == "approved":
                assert billed == 0
            if order.state == "part_invoiced":
                assert 0 < billed < order.lines[0].quantity


TestCompany = Company.TestCase
TestCompany.settings = settings(
    max_examples=8, stateful_step_count=20, deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)  # fmt: skip
