"""What a buyer asks to change in an order is taken, refused or put to a person, and answered once."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from hub.decide import choices, decide
from hub.errors import Invalid
from hub.stages.outcome import Choice
from tests.hub.buyer_world import (
    answer,
    change,
    changes,
    evidence,
    line,
    lines_of,
    of,
    order,
    reasons,
    responses,
    said,
    ship,
    with_buyer,
)
from tests.world import World, make_world


def quantity(number: str, new: str) -> dict[str, str]:
    return {"action": "quantity", "line_id": number, "quantity": new}


def sold(world: World) -> list[tuple[str, str, Decimal, Decimal]]:
    return [(x.line_id, x.sku, x.quantity, x.unit_price) for x in of(world).lines]


def test_a_change_before_the_order_is_agreed_is_taken_and_judged_again(world: World) -> None:
    with_buyer(world, limit="100.00")
    held = order(world, declared_amount={"amount": "130.00", "currency": "USD"})
    assert held.state == "held"
    asked = change(
        world, held, "1", quantity("1", "4"), {"action": "price", "sku": "B", "unit_price": "19.50"},
        {"action": "add", "line": line(3, "C", "1", "1.00")}, requested_on="2026-04-01",
    )  # fmt: skip
    assert asked.state == "accepted"
    after = of(world)
    assert (after.state, str(after.requested_on)) == ("approved", "2026-04-01")
    assert sold(world) == [("1", "A", 4, 5), ("2", "B", 4, Decimal("19.50")), ("3", "C", 1, 1)]
    assert said(world) == [("", "accepted"), ("1", "accepted")]
    assert lines_of(responses(world)[1]) == [
        ("1", "accepted", "4"), ("2", "accepted", "4"), ("3", "accepted", "1"),
    ]  # fmt: skip
    assert reasons(world) == []
    assert [record["total"] for record in world.vendors["erp"].of("order")] == [after.payable_amount.amount]


def test_a_change_after_approval_is_taken_while_nothing_is_shipped_and_the_erp_hears_of_it(
    world: World,
) -> None:
    with_buyer(world)
    agreed = order(world)
    new = line(2, "B2", "2", "21.00")
    asked_lines = [{"action": "delete", "line_id": "1"}, {"action": "replace", "sku": "B", "line": new}]
    asked = change(world, agreed, "1", *asked_lines)
    assert asked.state == "accepted"
    assert (of(world).state, sold(world)) == ("approved", [("2", "B2", 2, 21)])
    assert [record["total"] for record in world.vendors["erp"].of("order")] == [42]
    assert said(world) == [("", "accepted"), ("1", "accepted")]
    [_, told] = responses(world)
    assert (told.change, told.order) == (asked.id, agreed.id)
    assert lines_of(told) == [("1", "accepted", "0"), ("2", "accepted", "2")]
    change(world, agreed, "1", *asked_lines)
    assert (reasons(world), len(responses(world))) == ([], 2), "the same again is nothing new"


def test_a_change_that_changes_nothing_is_accepted_and_leaves_the_order_as_it_is(world: World) -> None:
    with_buyer(world)
    agreed = order(world)
    assert (
        change(world, agreed, "1", {"action": "none", "line_id": "1"}, note="as agreed").state == "accepted"
    )
    assert of(world) == agreed
    assert said(world) == [("", "accepted"), ("1", "accepted")]


def test_a_change_that_only_brings_a_note_is_read_by_a_person(world: World) -> None:
    with_buyer(world)
    agreed = order(world)
    assert change(world, agreed, "1", note="call us before you ship").state == "waiting"
    assert evidence(world, "order_change_waiting")["note"] == "call us before you ship"
    answer(world, "order_change_waiting", "accept")
    assert of(world) == agreed
    assert said(world)[1:] == [("1", "accepted")]


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (quantity("9", "1"), "the order has no line 9"),
        ({"action": "delete", "sku": "Z"}, "the order has no line for Z"),
        ({"action": "delete"}, "no line for what is named neither by number nor by item"),
        ({"action": "quantity", "line_id": "1"}, "no quantity is said"),
        ({"action": "replace", "line_id": "1"}, "replaced without saying by what"),
        ({"action": "add", "sku": "C"}, "added without saying what it is: C"),
        ({"action": "add", "line": line(1, "C")}, "line 1 is added, and the order has it already"),
    ],
)
def test_what_is_not_said_clearly_waits_and_cannot_be_accepted(
    world: World, asked: dict[str, Any], why: str
) -> None:
    with_buyer(world)
    agreed = order(world)
    assert change(world, agreed, "1", asked).state == "waiting"
    assert why in evidence(world, "order_change_waiting")["why"][0]
    assert len(responses(world)) == 1
    with pytest.raises(Invalid, match="reject the change"):
        answer(world, "order_change_waiting", "accept")
    answer(world, "order_change_waiting", "reject", "please say which line")
    assert (changes(world)["1"].state, of(world)) == ("rejected", agreed)
    [_, told] = responses(world)
    assert (told.answer, told.reason) == ("rejected", "please say which line")
    assert {one.line_id for one in told.lines} <= {"1", "2"}, "only lines that the order has"


def test_a_sku_that_two_lines_have_says_nothing(world: World) -> None:
    with_buyer(world)
    agreed = order(world, lines=[line(1, "A"), line(2, "A")])
    change(world, agreed, "1", {"action": "quantity", "sku": "A", "quantity": "1"})
    assert evidence(world, "order_change_waiting")["why"] == ["the order has 2 lines for A"]


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (quantity("1", "4") | {"unit_price": "4.00"}, "price 4.00 is said where the order has 5.00"),
        (quantity("1", "4") | {"sku": "B"}, "line 1 is A, and the change says B"),
    ],
)
def test_what_contradicts_itself_is_taken_only_by_a_person(
    world: World, asked: dict[str, Any], why: str
) -> None:
    with_buyer(world)
    agreed = order(world)
    assert change(world, agreed, "1", asked).state == "waiting"
    assert why in evidence(world, "order_change_waiting")["why"][0]
    answer(world, "order_change_waiting", "accept")
    assert (changes(world)["1"].state, sold(world)[0]) == ("accepted", ("1", "A", 4, 5))
    assert said(world) == [("", "accepted"), ("1", "accepted")]


def test_a_change_beyond_the_credit_limit_leaves_the_agreed_order_alone_until_a_person_decides(
    world: World,
) -> None:
    with_buyer(world, limit="200.00")
    agreed = order(world)
    assert change(world, agreed, "1", quantity("1", "100")).state == "waiting"
    assert "exceeds the limit" in evidence(world, "order_change_waiting")["why"][0]
    assert (of(world), len(responses(world))) == (agreed, 1)
    answer(world, "order_change_waiting", "accept")
    assert (of(world).state, len(responses(world))) == ("held", 1)
    answer(world, "credit_hold", "release")
    assert said(world) == [("", "accepted"), ("1", "accepted")]


def test_a_change_that_would_leave_no_order_waits(world: World) -> None:
    with_buyer(world)
    agreed = order(world)
    everything = [{"action": "delete", "line_id": "1"}, quantity("2", "0")]
    assert change(world, agreed, "1", *everything).state == "waiting"
    assert "it has no lines" in evidence(world, "order_change_waiting")["why"][0]
    assert of(world) == agreed


def test_a_change_of_what_is_shipped_shows_the_figures_and_can_only_be_rejected_or_credited(
    world: World,
) -> None:
    with_buyer(world)
    agreed = order(world)
    ship(world, A="10")
    before = world.balances()
    asked = change(world, agreed, "1", quantity("1", "8"), note="too many")
    assert asked.state == "waiting"
    told = evidence(world, "order_change_waiting")
    assert told["asked"] == ["line 1 (A): quantity 8 instead of 10"]
    assert told["lines"][0] == {"line": "1", "sku": "A", "ordered": "10", "shipped": "10", "billed": "10"}
    assert (told["order_is"], told["proposal"], told["credit"]) == (
        "part_invoiced", "credit_memo", "10.00 USD",
    )  # fmt: skip
    with pytest.raises(Invalid, match="stays as agreed; keep it, and credit or order the difference"):
        answer(world, "order_change_waiting", "accept")
    answer(world, "order_change_waiting", "reject", "it left already")
    assert world.balances() == before
    [_, last] = responses(world)
    assert (last.answer, last.reason) == ("rejected", "it left already")
    assert lines_of(last) == [("1", "rejected", "10")]
    assert [x.quantity for x in of(world).lines] == [10, 4]


def test_what_was_billed_too_much_is_credited_and_the_change_accepted(world: World) -> None:
    with_buyer(world)
    agreed = order(world)
    ship(world, A="10", B="4")
    change(world, agreed, "1", quantity("1", "8"))
    answer(world, "order_change_waiting", "credit")
    [memo] = world.documents("credit_memo")
    assert str(memo.payable_amount) == "10.00 USD"
    assert (changes(world)["1"].state, of(world).lines) == ("accepted", agreed.lines)
    assert said(world) == [("", "accepted"), ("1", "accepted")]


def test_an_older_change_than_one_that_was_taken_is_rejected_and_told_to_a_person(world: World) -> None:
    with_buyer(world)
    agreed = order(world)
    change(world, agreed, "10", quantity("1", "6"))
    assert change(world, agreed, "9", quantity("1", "7")).state == "rejected"
    assert reasons(world) == ["order_change_stale"]
    assert sold(world)[0] == ("1", "A", 6, 5)
    assert said(world) == [("", "accepted"), ("10", "accepted"), ("9", "rejected")]
    assert responses(world)[2].reason == "change 10 was taken before it came"
    assert evidence(world, "order_change_stale")["asked"] == ["line 1 (A): quantity 7 instead of 6"]


def test_changes_without_numbers_that_count_are_ordered_by_their_days(world: World) -> None:
    with_buyer(world)
    agreed = order(world)
    change(world, agreed, "2026-03-02.0001", quantity("1", "6"), issue_date="2026-03-02")
    assert change(world, agreed, "x", quantity("1", "5"), issue_date="2026-03-02").state == "accepted"
    assert change(world, agreed, "y", quantity("1", "7"), issue_date="2026-03-01").state == "rejected"
    assert change(world, agreed, "z", quantity("1", "8")).state == "accepted"
    assert sold(world)[0] == ("1", "A", 8, 5)


def test_a_line_that_is_told_anew_keeps_what_only_we_know_of_the_item(world: World) -> None:
    with_buyer(world)
    known = line(1, "A", tax_percent="19", name="Nut", requested_on="2026-04-01")
    agreed = order(world, lines=[known])
    change(world, agreed, "1", {"action": "replace", "line_id": "1", "line": line(7, "A", "3", "4.00")})
    [now] = of(world).lines
    assert (now.line_id, now.quantity, now.unit_price) == ("1", 3, 4)
    assert (now.tax_percent, now.name, str(now.requested_on)) == (19, "Nut", "2026-04-01")


def test_a_waiting_change_that_was_overtaken_can_only_be_rejected(world: World) -> None:
    with_buyer(world)
    agreed = order(world)
    change(world, agreed, "1", quantity("1", "7") | {"sku": "B"})
    change(world, agreed, "2", quantity("1", "6"))
    with pytest.raises(Invalid, match="change 2 came after it and was taken already"):
        answer(world, "order_change_waiting", "accept")
    answer(world, "order_change_waiting", "reject")
    assert said(world) == [("", "accepted"), ("2", "accepted"), ("1", "rejected")]


def test_a_change_that_its_buyer_mends_while_it_waits_is_taken(world: World) -> None:
    with_buyer(world)
    agreed = order(world)
    change(world, agreed, "1", quantity("9", "7"))
    assert change(world, agreed, "1", quantity("1", "7")).state == "accepted"
    assert (reasons(world), said(world)) == ([], [("", "accepted"), ("1", "accepted")])
    change(world, agreed, "1", quantity("1", "5"))
    assert (sold(world)[0], reasons(world)) == (("1", "A", 7, 5), ["late_change"])


@pytest.mark.parametrize("limit", ["100.00", "1000.00"])
def test_a_buyer_cancels_what_is_not_shipped_and_hears_so_once(world: World, limit: str) -> None:
    with_buyer(world, limit=limit)
    placed = order(world)
    answered = [("", "accepted")] if placed.state == "approved" else []
    assert change(world, placed, "1", action="cancel").state == "accepted"
    assert (of(world).state, reasons(world)) == ("cancelled", [])
    assert said(world) == [*answered, ("1", "accepted")]
    assert change(world, placed, "2", action="cancel").state == "accepted", "it is what they want"
    assert change(world, placed, "3", quantity("1", "1")).state == "waiting"
    with pytest.raises(Invalid, match="is cancelled: reject the change"):
        answer(world, "order_change_waiting", "accept")


def test_a_change_that_waits_for_its_order_is_rejected_when_that_is_cancelled(world: World) -> None:
    with_buyer(world, limit="50.00")
    held = order(world)
    change(world, held, "1", quantity("1", "9"))
    change(world, held, "2", action="cancel")
    assert said(world) == [("2", "accepted"), ("1", "rejected")]


def test_what_is_shipped_is_not_cancelled_without_a_person(world: World) -> None:
    with_buyer(world)
    agreed = order(world)
    ship(world, A="1")
    assert change(world, agreed, "1", action="cancel").state == "waiting"
    told = evidence(world, "order_change_waiting")
    assert told["asked"] == ["cancel the order"]
    assert told["why"] == ["the order is partly shipped or billed already"]
    with pytest.raises(Invalid, match="it cannot be cancelled"):
        answer(world, "order_change_waiting", "accept")
    answer(world, "order_change_waiting", "reject")
    assert (of(world).state, said(world)[1:]) == ("part_invoiced", [("1", "rejected")])


def test_a_change_of_an_order_that_wants_no_response_is_answered_all_the_same(world: World) -> None:
    with_buyer(world)
    agreed = order(world, response_wanted=False)
    change(world, agreed, "1", quantity("1", "4"))
    change(world, agreed, "2", quantity("9", "4"))
    answer(world, "order_change_waiting", "reject")
    assert said(world) == [("1", "accepted"), ("2", "rejected")]


class Haggling(RuleBasedStateMachine):
    """A buyer and a seller who change their minds about one order until it is shipped."""

    world: World

    @initialize(limit=st.sampled_from(["100.00", "300.00", "5000.00"]))
    def begin(self, limit: str) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.world = make_world(f"sqlite:///{Path(self.folder.name) / 'hub.db'}")
        with_buyer(self.world, limit=limit)
        self.order = order(self.world)
        self.n = 0

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.hub.store.database.close()
            self.folder.cleanup()

    @rule(
        step=st.sampled_from([1, 1, 1, 2, -2]), line_id=st.sampled_from(["1", "2", "2", "3", "9"]),
        action=st.sampled_from(["quantity", "price", "delete", "add", "replace", "none"]),
        new=st.sampled_from(["0", "1", "7", "40", "-1"]),
    )  # fmt: skip
    def ask(self, step: int, line_id: str, action: str, new: str) -> None:
        self.n += step
        one: dict[str, Any] = {"action": action, "line_id": line_id}
        if action in ("add", "replace"):
            one["line"] = line(int(line_id), f"N{self.n}", new, "3.00")
        one |= {"quantity": new} if action == "quantity" else {"unit_price": new} if action == "price" else {}
        change(self.world, self.order, str(abs(self.n)), one)

    @rule(share=st.integers(0, 3))
    def give_up(self, share: int) -> None:
        if share == 0:
            self.n += 1
            change(self.world, self.order, str(abs(self.n)), action="cancel")

    @rule(data=st.data())
    def a_person_decides(self, data: Any) -> None:
        open_ones = self.world.cases()
        if not open_ones:
            return
        case = data.draw(st.sampled_from(open_ones))
        decision = data.draw(st.sampled_from(sorted(choices(case.reason))))
        least = {"lines": [{"line_id": x.line_id, "quantity": "1"} for x in of(self.world).lines[:1]]}
        try:
            decide(self.world.hub, case.id, decision, Choice("ada", "at random", least))
        except Invalid:
            return
        self.world.work()

    @invariant()
    def everything_is_answered_once_and_nothing_is_booked(self) -> None:
        if not hasattr(self, "world"):
            return
        now, told = of(self.world), responses(self.world)
        assert all(row.state != "dead" for row in self.world.rows("inbox"))
        assert self.world.balances() == {}
        assert len({one.number for one in told}) == len(told)
        assert [int(one.number[-6:]) for one in told] == list(range(1, len(told) + 1))
        about: dict[str, list[Any]] = {}
        for one in told:
            about.setdefault(one.change, []).append(one)
        own = [one.answer.startswith("accepted") for one in about.pop("", [])]
        for asked in self.world.documents("order_change"):
            decided = asked.state == "rejected" or (
                asked.state == "accepted"
                and (asked.action == "cancel" or now.state in ("approved", "rejected", "cancelled"))
            )
            given = about.pop(asked.id, [])
            assert len(given) <= 1
            assert len(given) == 1 or not decided, (asked, now.state)
            if asked.state == "waiting":
                assert not given
            if asked.state == "rejected":
                assert given[0].answer == "rejected"
        assert about == {}
        self.order_is_consistent(now, own)

    def order_is_consistent(self, now: Any, own: list[bool]) -> None:
        if now.state == "approved":
            assert own
            assert own[-1]
            assert now.lines
            assert all(x.quantity > 0 and x.unit_price >= 0 for x in now.lines)
            assert len({x.line_id for x in now.lines}) == len(now.lines)
            assert now.credit is not None
            assert now.credit.this_order == now.payable_amount
            [there] = self.world.vendors["erp"].of("order")
            assert there["total"] == now.payable_amount.amount
        elif now.state == "rejected":
            assert own
            assert not own[-1]
        elif now.state == "cancelled":
            withdrawn = any(
                one.action == "cancel" and one.state == "accepted"
                for one in self.world.documents("order_change")
            )
            assert withdrawn or not own[-1]


TestHaggling = Haggling.TestCase
TestHaggling.settings = settings(
    max_examples=12, stateful_step_count=12, deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)  # fmt: skip
