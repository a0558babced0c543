"""Every bank statement has its place in the sequence of its account: none is missing, none counts twice."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from hub.duedates import DueDates
from hub.model import Money, Statement
from hub.stages import statements
from tests.hub.cash_world import advise, answer, line, money, owe, state, titles, with_bank
from tests.hub.erp_world import evidence, only, reasons
from tests.world import START, World

DAYS = [("11", "2026-03-02", "100.00", "150.00"), ("12", "2026-03-03", "150.00", "120.00"),
        ("13", "2026-03-04", "120.00", "180.00"), ("14", "2026-03-05", "180.00", "180.50")]  # fmt: skip


BOTH = pytest.mark.parametrize("database_url", ["sqlite", "postgres"], indirect=True)


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """SQLite, but where a test asks for both: what is tested here is not the database."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return f"sqlite:///{tmp_path / 'hub.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def banked(world: World) -> World:
    return with_bank(world)


def test_statements_that_continue_each_other_raise_no_question(banked: World) -> None:
    for day in DAYS:
        state(banked, *day)
    assert reasons(banked) == []
    assert {one.state for one in banked.documents("statement")} == {"accepted"}


@BOTH
def test_a_missing_statement_is_named_with_its_amount_and_heals_when_it_comes(banked: World) -> None:
    state(banked, *DAYS[0])
    state(banked, *DAYS[2])
    assert evidence(banked)["missing"] == "-30.00 EUR"
    [title] = titles(banked)
    assert "DE89" not in title
    assert "…3000" in title
    state(banked, *DAYS[1])
    assert reasons(banked) == []


def test_in_whatever_order_statements_come_nothing_is_open_in_the_end(world: World) -> None:
    with_bank(world)
    for n, order in enumerate(list(permutations(DAYS))[1:24:8]):
        account = f"ACC{n}"
        for name, day, opening, closing in order:
            state(world, name, day, opening, closing, account=account, statement_id=f"{n}")
            _rename(world, f"st-{name}", f"st-{name}-{n}")
        assert reasons(world) == [], order


def _rename(world: World, old: str, new: str) -> None:
    """The bank's next file uses the ids of other accounts again."""
    with world.hub.store.begin() as tx:
        tx.xrefs.rename("bank", "statement", old, new)


def test_a_number_left_out_is_seen_where_the_bank_numbers_on(banked: World) -> None:
    state(banked, *DAYS[0])
    state(banked, *DAYS[1])
    state(banked, "15", "2026-03-06", "120.00", "120.00")
    assert evidence(banked)["missing_numbers"] == "13 to 14"


def test_a_new_year_begins_with_number_one(banked: World) -> None:
    state(banked, "364", "2025-12-30", "100.00", "110.00")
    state(banked, "365", "2025-12-31", "110.00", "120.00")
    state(banked, "1", "2026-01-02", "120.00", "130.00")
    assert reasons(banked) == []


def test_the_same_statement_under_another_name_is_a_repeat_and_breaks_no_sequence(banked: World) -> None:
    for day in DAYS[:2]:
        state(banked, *day)
    state(banked, "copy", *DAYS[1][1:], number="12")
    assert reasons(banked) == ["statement_repeated"]
    state(banked, *DAYS[2])
    assert reasons(banked) == ["statement_repeated"]
    answer(banked, "statement_repeated", "drop")
    assert reasons(banked) == []


def test_days_that_two_statements_tell_of_are_an_overlap(banked: World) -> None:
    state(banked, "W1", "2026-03-06", "100.00", "150.00", opened_on="2026-03-02")
    state(banked, "W2", "2026-03-09", "130.00", "170.00", opened_on="2026-03-04")
    assert reasons(banked) == ["statement_overlap"]
    answer(banked, "statement_overlap", "accept")
    assert reasons(banked) == ["statement_gap"], "its balance does not continue the other's"


def test_several_statements_of_one_day_are_in_order_where_they_continue(banked: World) -> None:
    state(banked, "b", "2026-03-02", "150.00", "120.00", number="")
    state(banked, "a", "2026-03-02", "100.00", "150.00", number="")
    state(banked, "c", "2026-03-02", "120.00", "120.00", number="")
    assert reasons(banked) == []


def test_intraday_statements_are_never_part_of_the_books(banked: World) -> None:
    state(banked, *DAYS[0])
    state(banked, "12i", "2026-03-03", "150.00", "999.00", final=False)
    state(banked, *DAYS[1])
    assert reasons(banked) == []


def test_a_statement_that_does_not_add_up_is_a_question(banked: World) -> None:
    state(banked, *DAYS[0], credits=money("40.00", "EUR"))
    assert evidence(banked)["difference"] == "10.00 EUR"


def test_the_same_statement_twice_changes_nothing(banked: World) -> None:
    state(banked, *DAYS[0])
    state(banked, *DAYS[0])
    assert len(banked.documents("statement")) == 1
    assert reasons(banked) == []


def test_accounts_and_currencies_have_sequences_of_their_own(banked: World) -> None:
    state(banked, *DAYS[0])
    state(banked, "x", "2026-03-03", "7.00", "8.00", account="DE00")
    assert reasons(banked) == []


def test_a_short_account_is_shown_whole_and_a_nameless_statement_by_its_day() -> None:
    facts: dict[str, Any] = {"account": "DE12 3456", "currency": "EUR", "source_format": "csv"}
    nothing = Money.zero("EUR")
    one = Statement(id="s", credits=nothing, debits=nothing, **facts)
    assert statements.label(one) == "A statement of account …3456"
    assert statements.masked("12 34") == "1234"


@BOTH
def test_announced_money_that_does_not_come_is_asked_about_once(world: World) -> None:
    with_bank(world)
    owe(world, "INV-1", "100.00")
    advise(world, "r1", "100.00", line("INV-1", "100.00"))
    world.today[0] = START.replace(day=25)
    DueDates(world.hub).look()
    assert reasons(world) == []
    world.today[0] = START.replace(day=26)
    DueDates(world.hub).look()
    assert reasons(world) == ["unmatched_remittance"]
    answer(world, "unmatched_remittance", "leave_open")
    world.today[0] += timedelta(days=1)
    DueDates(world.hub).look()
    assert reasons(world) == []
    assert only(world, "remittance").state == "waiting"


def test_statements_of_no_account_have_no_sequence(banked: World) -> None:
    state(banked, "a", "2026-03-02", "100.00", "150.00", account="")
    state(banked, "b", "2026-03-03", "170.00", "180.00", account="")
    assert reasons(banked) == []
