"""Whatever payers say their money is for, it is conserved; twice or in another order is the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.policies import Discount
from tests.hub.cash_world import advise, credit, line, opens, owe, pay, with_bank
from tests.world import World, make_world

CODES = ("01", "59", "ZZ", "Q7", "")
cents = st.integers(min_value=-4_000, max_value=12_000)
SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]


class Said(NamedTuple):
    """A line by the place of its document: 0 to 2 invoices, 3 a credit memo, 4 nobody's."""

    place: int
    paid: int | None
    discount: int
    adjustments: Sequence[tuple[int, str]]


lines = st.builds(
    Said, st.integers(0, 4), st.one_of(st.none(), cents, cents, cents),
    st.sampled_from([0, 0, 0, 100, 200, 9_000]),
    st.lists(st.tuples(cents, st.sampled_from(CODES)), max_size=2),
)  # fmt: skip


class Held:
    """A world whose name is short: failures are reported with it."""

    def __init__(self, world: World) -> None:
        self.world = world

    def __repr__(self) -> str:
        return "held"


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Held]:
    """One world for all examples: each has documents of its own."""
    made = make_world(f"sqlite:///{Path(tmp_path_factory.mktemp('remitted')) / 'hub.db'}")
    terms = {"": Discount.model_validate({"percent": "2", "days": 20})}
    yield Held(with_bank(made, discounts=terms))
    made.hub.store.database.close()


def dollars(minor: int) -> str:
    return str(Decimal(minor) / 100)


def told(said: Sequence[Said], names: Sequence[str]) -> list[dict[str, Any]]:
    return [
        line(
            names[one.place], None if one.paid is None else dollars(one.paid),
            *((dollars(amount), code) for amount, code in one.adjustments),
            discount=dollars(one.discount) if one.discount else "",
        )
        for one in said
    ]  # fmt: skip


def bills(world: World, n: str) -> list[str]:
    """Three invoices over 100.00 and a credit memo over 30.00; returns their names and a stranger's."""
    names = [f"INV-{n}-{part}" for part in "abc"]
    for name in names:
        owe(world, name, "100.00", work=False)
    credit(world, f"CM-{n}", "30.00")
    return [*names, f"CM-{n}", f"XX-{n}"]


def conserved(world: World) -> None:
    """Postings balance; nothing is owed below zero; cash is applied, unapplied or sent back."""
    with world.hub.store.look() as tx:
        odd = "select 1 from postings group by group_id, currency having sum(amount_minor) <> 0"
        assert tx.conn.execute(sa.text(odd)).all() == []
        sums = {account: amount.amount for account, amount in tx.books.balances()}
        applied = unapplied = Decimal(0)
        for payment in world.documents("payment"):
            left = tx.books.unapplied(payment.id, "USD").amount
            assert 0 <= left <= payment.amount.amount
            shares = [one.amount.amount for one in tx.books.allocations(payment=payment.id)]
            assert all(share > 0 for share in shares)
            assert sum(shares, left) == payment.amount.amount
            assert (payment.state == "applied") == (left == 0)
            applied, unapplied = applied + sum(shares, Decimal(0)), unapplied + left
        for memo in world.documents("credit_memo"):
            assert 0 <= tx.books.unapplied(memo.id, "USD").amount <= memo.payable_amount.amount
        owed = Decimal(0)
        for invoice in world.documents("invoice"):
            still = tx.books.open_amount(invoice.id, "USD").amount
            assert 0 <= still <= invoice.payable_amount.amount
            assert (invoice.state == "paid") == (still == 0)
            owed += still
        assert owed == sums.get("receivable", Decimal(0))
        assert (
            sums.get("cash", Decimal(0)) == applied + unapplied == applied - sums.get("unapplied", Decimal(0))
        )


_count = iter(range(1_000_000))


@given(
    st.lists(lines, min_size=1, max_size=6), st.sampled_from([0, 0, 0, 1, -1, 5_000]), st.sampled_from("pba")
)
@settings(max_examples=10, deadline=None, suppress_health_check=SLOW)
def test_money_is_conserved_whatever_is_told(held: Held, said: Sequence[Said], off: int, way: str) -> None:
    world = held.world
    n = str(next(_count))
    documents = told(said, bills(world, n))
    total = sum(one.paid if one.paid is not None else sum(a for a, _ in one.adjustments) for one in said)
    amount = dollars(max(total + off, 1))

    def say() -> None:
        if way == "p":
            pay(world, f"p{n}", amount, *documents)
        elif way == "b":
            advise(world, f"r{n}", amount, *documents, trace=f"T{n}")
        pay(world, f"p{n}", amount, *(documents if way == "p" else ()), trace=f"T{n}")
        if way == "a":
            advise(world, f"r{n}", amount, *documents, trace=f"T{n}")

    say()
    conserved(world)
    before = (world.balances(), opens(world), [one.state for one in world.documents("payment")])
    say()
    assert before == (world.balances(), opens(world), [one.state for one in world.documents("payment")])


@given(st.permutations(range(4)))
@settings(max_examples=4, deadline=None, suppress_health_check=SLOW)
def test_money_and_what_explains_it_may_come_in_any_order(held: Held, order: Sequence[int]) -> None:
    world = held.world
    n = str(next(_count))
    first, second, third, memo, _ = bills(world, n)
    steps: Mapping[int, Any] = {
        0: lambda: pay(world, f"p{n}", "90.00", trace=f"T{n}"),
        1: lambda: advise(
            world, f"r{n}", "90.00", line(first, "100.00"), line(second, "20.00", ("-80.00", "59")),
            line(memo, "-30.00"), trace=f"T{n}",
        ),
        2: lambda: pay(world, f"q{n}", "98.00", trace=f"U{n}"),
        3: lambda: advise(world, f"s{n}", "98.00", line(third, "98.00", discount="2.00"), trace=f"U{n}"),
    }  # fmt: skip
    for step in order:
        steps[step]()
    conserved(world)
    left = opens(world)
    assert [left[name] for name in (first, second, third)] == ["0.00 USD", "80.00 USD", "0.00 USD"]
    assert [case.reason for case in world.cases() if second in case.title] == ["short_payment"]
