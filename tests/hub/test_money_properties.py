"""Money is conserved, whatever orders, shipments, payments and people do, in whatever order."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from hub import ledger
from hub.decide import decide
from hub.errors import Invalid
from hub.ledger import Account
from hub.model import Money
from hub.model.currency import EXPONENTS, smallest
from hub.model.tax import subtotals
from hub.stages.outcome import Choice
from tests.world import World, make_world

currencies = st.sampled_from(sorted(EXPONENTS))
amounts = st.decimals(min_value=-(10**9), max_value=10**9, places=4, allow_nan=False)
prices = st.decimals(min_value="0.01", max_value="9999.9999", places=4)
quantities = st.decimals(min_value="0.5", max_value="40", places=1)


@given(amounts, currencies)
def test_minor_units_and_back_is_the_rounded_amount(amount: Decimal, currency: str) -> None:
    money = Money(amount=amount, currency=currency).rounded()
    assert Money.of_minor(money.minor, currency) == money
    assert abs(money.amount - amount) <= smallest(currency) / 2


@given(
    st.lists(
        st.tuples(st.sampled_from("SZE"), st.sampled_from(["0", "7", "19", "8.25"]), amounts), max_size=30
    )
)
def test_tax_groups_cover_every_line_and_are_rounded_once(lines: list[tuple[str, str, Decimal]]) -> None:
    rows = [(c, Decimal(p), Money(amount=a, currency="EUR").rounded()) for c, p, a in lines]
    groups = subtotals("EUR", rows)
    assert sum((g.taxable_amount.amount for g in groups), Decimal(0)) == sum(
        (m.amount for *_, m in rows), Decimal(0)
    )
    for group in groups:
        exact = group.taxable_amount.amount * group.percent / 100
        assert abs(group.tax_amount.amount - exact) <= Decimal("0.005")


@given(
    st.lists(st.tuples(st.sampled_from(list(Account)), st.integers(-(10**9), 10**9)), min_size=1, max_size=8)
)
def test_an_unbalanced_group_is_refused(rows: list[tuple[Account, int]]) -> None:
    postings = [ledger.Posting(account, Money.of_minor(minor, "USD")) for account, minor in rows]
    if sum(minor for _, minor in rows) == 0:
        assert sum(p.amount.minor for p in ledger.balanced("x", postings).postings) == 0
    else:
        try:
            ledger.balanced("x", postings)
        except ValueError:
            return
        raise AssertionError("an unbalanced group was accepted")


class Books(RuleBasedStateMachine):
    """A company's life: everything that moves money, at random."""

    world: World

    @initialize()
    def open_for_business(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.world = make_world(f"sqlite:///{Path(self.folder.name) / 'hub.db'}")
        self.n = 0
        self.world.send("crm", self.world.company("c1"), self.world.company("c2", limit="5000.00"))
        self.world.work()

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.hub.store.database.close()
            self.folder.cleanup()

    @rule(
        customer=st.sampled_from(["c1", "c2"]), price=prices, quantity=quantities,
        service=st.booleans(), tax=st.sampled_from(["0", "19"]),
    )  # fmt: skip
    def order(self, customer: str, price: Decimal, quantity: Decimal, service: bool, tax: str) -> None:
        self.n += 1
        line = {"id": 1, "sku": "A", "quantity": str(quantity), "price": str(price), "tax": tax}
        line |= {"delivery": "service" if service else "goods"}
        self.world.send("crm", self.world.deal(f"d{self.n}", lines=[line], company=customer))
        self.world.work()

    @rule(data=st.data(), share=st.sampled_from(["0.5", "1", "30"]))
    def ship(self, data: Any, share: str) -> None:
        orders = [k for k, r in self.world.vendors["erp"].records.items() if r["kind"] == "order"]
        if orders:
            self.n += 1
            self.world.send(
                "erp", self.world.shipment(f"s{self.n}", data.draw(st.sampled_from(orders)), A=share)
            )
            self.world.work()

    @rule(data=st.data(), off=st.sampled_from(["0", "0", "-0.01", "-10", "5", "1000"]), named=st.booleans())
    def pay(self, data: Any, off: str, named: bool) -> None:
        invoices = self.world.documents("invoice")
        if not invoices:
            return
        self.n += 1
        invoice = data.draw(st.sampled_from(invoices))
        amount = invoice.payable_amount.amount + Decimal(off)
        text = invoice.number if named else "thanks"
        self.world.send(
            "bank", self.world.credit(f"b{self.n}", str(amount), text, account=f"IBAN{invoice.customer}")
        )
        self.world.work()

    @rule(data=st.data())
    def a_person_decides(self, data: Any) -> None:
        cases = self.world.cases()
        if not cases:
            return
        from hub.decide import choices

        case = data.draw(st.sampled_from(cases))
        open_ones = [x.id for x in self.world.documents("invoice") if x.state != "paid"]
        values: dict[str, Any] = {"customer": self.world.documents("customer")[0].id}
        if open_ones:
            values["invoices"] = [{"invoice": data.draw(st.sampled_from(open_ones))}]
        decision = data.draw(st.sampled_from(sorted(choices(case.reason))))
        try:
            decide(self.world.hub, case.id, decision, Choice("ada", "at random", values))
        except Invalid:
            return
        self.world.work()

    @invariant()
    def everything_ties_out(self) -> None:
        if not hasattr(self, "world"):
            return
        with self.world.hub.store.look() as tx:
            sums = {account: money.amount for account, money in tx.books.balances()}
            assert sum(sums.values(), Decimal(0)) == 0
            groups = tx.conn.execute(
                sa.text(
                    "select group_id from postings group by group_id, currency having sum(amount_minor) <> 0"
                )
            ).all()
            assert groups == []
            owed = Decimal(0)
            for invoice in self.world.documents("invoice"):
                still = tx.books.open_amount(invoice.id, invoice.currency)
                assert 0 <= still.amount <= invoice.payable_amount.amount
                assert (invoice.state == "paid") == (still.amount == 0)
                owed += still.amount
            assert owed == sums.get("receivable", Decimal(0))
            applied = Decimal(0)
            for payment in self.world.documents("payment"):
                left = tx.books.unapplied(payment.id, payment.amount.currency).amount
                assert (
                    min(payment.amount.amount, Decimal(0)) <= left <= max(payment.amount.amount, Decimal(0))
                )
                applied += sum(
                    (a.amount.amount for a in tx.books.allocations(payment=payment.id)), Decimal(0)
                )
        cash, unapplied = sums.get("cash", Decimal(0)), -sums.get("unapplied", Decimal(0))
        refunded = -sums.get("refunded", Decimal(0))
        assert cash == applied + unapplied + refunded, "a bank's fee is an adjustment, and moves no cash"
        for order in self.world.documents("order"):
            billed = sum(
                (x.lines[0].quantity for x in self.world.documents("invoice") if x.order == order.id),
                Decimal(0),
            )
            assert billed <= order.lines[0].quantity


TestBooks = Books.TestCase
TestBooks.settings = settings(
    max_examples=12, stateful_step_count=20, deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)  # fmt: skip
