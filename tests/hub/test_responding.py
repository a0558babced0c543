"""A buyer is answered once per order and change, by what the business decided, line by line."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from hub import process
from hub.errors import Invalid
from hub.process import Cause
from hub.stages.outcome import Event
from tests.hub.buyer_world import (
    TWO,
    answer,
    change,
    changes,
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
from tests.world import World


def repeat(world: World, event: str, document: Any) -> None:
    with world.hub.store.begin() as tx:
        process.run(tx, [Event(event, document, touch=True)], world.hub.addressees, Cause("hub", "again"))
    world.work()


def test_an_approved_order_is_accepted_line_by_line_and_only_once(world: World) -> None:
    with_buyer(world)
    agreed = order(world)
    assert agreed.state == "approved"
    [told] = responses(world)
    assert (told.order, told.order_number, told.purchase_order) == (agreed.id, agreed.number, "PO-1")
    assert (told.answer, told.change, told.customer) == ("accepted", "", agreed.customer)
    assert told.number == "OR-2026-000001"
    assert lines_of(told) == [("1", "accepted", "10"), ("2", "accepted", "4")]
    repeat(world, "order.approved", agreed)
    ship(world, A="10", B="4")
    assert len(responses(world)) == 1


def test_who_expects_no_response_gets_none(world: World) -> None:
    with_buyer(world)
    order(world, response_wanted=False)
    order(world, "PO-2", response_wanted=False, lines=[line(1, "A", "0")])
    answer(world, "order_invalid", "cancel")
    assert responses(world) == []


def test_an_order_on_credit_hold_is_answered_when_a_person_decides(world: World) -> None:
    with_buyer(world, limit="100.00")
    assert order(world).state == "held"
    order(world, "PO-2")
    assert responses(world) == []
    released, rejected = of(world), of(world, "PO-2")
    for case in world.cases():
        assert case.reason == "credit_hold"
    from hub.decide import decide
    from hub.stages.outcome import Choice

    by_order = {case.document_id: case.id for case in world.cases()}
    decide(world.hub, by_order[released.id], "release", Choice("ada", "", {}))
    decide(world.hub, by_order[rejected.id], "reject", Choice("ada", "they owe enough", {}))
    world.work()
    assert [(one.order, one.answer) for one in responses(world)] == [
        (released.id, "accepted"), (rejected.id, "rejected"),
    ]  # fmt: skip
    assert lines_of(responses(world)[1]) == [("1", "rejected", "0"), ("2", "rejected", "0")]
    assert "owe" not in responses(world)[1].model_dump_json(), "what a customer owes is nobody's reason"


def test_an_invalid_order_is_answered_when_it_is_given_up(world: World) -> None:
    with_buyer(world)
    order(world, lines=[line(1, "A", "-1")])
    assert responses(world) == []
    answer(world, "order_invalid", "cancel")
    assert said(world) == [("", "rejected")]
    repeat(world, "order.cancelled", of(world))
    assert said(world) == [("", "rejected")]


def test_a_rejected_order_that_is_mended_at_its_source_is_accepted_after_all(world: World) -> None:
    with_buyer(world, limit="100.00")
    order(world)
    answer(world, "credit_hold", "reject")
    order(world, lines=[line(1, "A", "1")])
    assert said(world) == [("", "rejected"), ("", "accepted")]


def test_an_order_recalled_after_it_was_accepted_is_told_as_rejected(world: World) -> None:
    with_buyer(world)
    order(world)
    world.send("crm", {"kind": "order", "id": "PO-1", "record": None})
    world.work()
    answer(world, "withdrawn", "cancel")
    assert said(world) == [("", "accepted"), ("", "rejected")]


def test_a_person_accepts_less_than_was_ordered_and_each_line_says_so(world: World) -> None:
    with_buyer(world, limit="100.00")
    order(world)
    revised = [
        {"line_id": "1", "quantity": "8", "promised_on": "2026-04-01", "reason": "two are left over"},
        {"line_id": "2", "quantity": "0", "reason": "no longer made"},
    ]
    answer(world, "credit_hold", "revise", "sorry", lines=revised)
    assert of(world).state == "approved"
    assert [(x.line_id, x.quantity) for x in of(world).lines] == [("1", Decimal(8))]
    [told] = responses(world)
    assert (told.answer, told.reason) == ("accepted_with_changes", "sorry")
    assert lines_of(told) == [("1", "quantity_changed", "8"), ("2", "rejected", "0")]
    assert [str(told.lines[0].promised_on), told.lines[1].reason] == ["2026-04-01", "no longer made"]
    assert responses(world, "received") == []
    repeat(world, "order.approved", of(world))
    assert len(responses(world)) == 1


def test_what_a_person_changed_is_told_only_once_the_order_is_approved(world: World) -> None:
    with_buyer(world, limit="60.00")
    order(world)
    answer(world, "credit_hold", "revise", lines=[{"line_id": "1", "quantity": "8", "unit_price": "4"}])
    assert (of(world).state, responses(world)) == ("held", [])
    [draft] = responses(world, "received")
    answer(world, "credit_hold", "revise", lines=[{"line_id": "2", "quantity": "1"}])
    [told] = responses(world)
    assert told.id == draft.id
    assert lines_of(told) == [("1", "quantity_changed", "8"), ("2", "quantity_changed", "1")]
    assert told.lines[0].unit_price == 4


def test_a_revised_order_that_is_rejected_after_all_is_told_as_rejected(world: World) -> None:
    with_buyer(world, limit="10.00")
    order(world)
    answer(world, "credit_hold", "revise", lines=[{"line_id": "1", "quantity": "0"}])
    answer(world, "credit_hold", "reject")
    assert said(world) == [("", "rejected")]
    assert responses(world, "received") == []


def test_a_change_of_an_unanswered_order_is_answered_with_it(world: World) -> None:
    with_buyer(world, limit="60.00")
    held = order(world)
    taken = change(world, held, "1", {"action": "quantity", "line_id": "2", "quantity": "3"})
    assert (taken.state, responses(world)) == ("accepted", [])
    answer(world, "credit_hold", "revise", lines=[{"line_id": "2", "quantity": "0"}])
    assert of(world).state == "approved"
    assert said(world) == [("", "accepted_with_changes"), ("1", "accepted")]


def test_what_a_person_cuts_from_a_change_is_told_in_its_answer(world: World) -> None:
    with_buyer(world, limit="200.00")
    agreed = order(world)
    asked = change(world, agreed, "1", {"action": "quantity", "line_id": "1", "quantity": "100"})
    assert asked.state == "waiting"
    answer(world, "order_change_waiting", "accept")
    assert of(world).state == "held"
    answer(world, "credit_hold", "revise", lines=[{"line_id": "1", "quantity": "12"}])
    assert said(world) == [("", "accepted"), ("1", "accepted_with_changes")]
    assert lines_of(responses(world)[1]) == [("1", "quantity_changed", "12"), ("2", "accepted", "4")]
    assert responses(world, "received") == []
    repeat(world, "order_change.accepted", changes(world)["1"])
    assert len(responses(world)) == 2


def test_what_is_cut_after_an_acceptance_is_told_once_more(world: World) -> None:
    with_buyer(world, limit="200.00")
    order(world)
    order(world, lines=[line(1, "A", "100")])
    answer(world, "late_change", "amend")
    answer(world, "credit_hold", "revise", lines=[{"line_id": "1", "quantity": "20"}])
    assert said(world) == [("", "accepted"), ("", "accepted_with_changes")]


def test_a_line_that_its_buyer_changes_again_is_not_told_as_it_was_revised(world: World) -> None:
    with_buyer(world, limit="10.00")
    held = order(world, declared_amount={"amount": "130.00", "currency": "USD"})
    drop_one = [{"line_id": "1", "quantity": "8"}, {"line_id": "2", "quantity": "0"}]
    answer(world, "credit_hold", "revise", lines=drop_one)
    assert reasons(world) == ["credit_hold"], "what was declared was of other lines"
    change(world, held, "1", {"action": "quantity", "line_id": "1", "quantity": "7"})
    answer(world, "credit_hold", "release")
    assert said(world) == [("", "accepted_with_changes"), ("1", "accepted")]
    assert lines_of(responses(world)[0]) == [("1", "accepted", "7"), ("2", "rejected", "0")]


def test_a_line_that_was_dropped_stays_dropped_when_another_is_cut(world: World) -> None:
    with_buyer(world, limit="10.00")
    order(world)
    answer(world, "credit_hold", "revise", lines=[{"line_id": "2", "quantity": "0", "reason": "gone"}])
    answer(world, "credit_hold", "revise", lines=[{"line_id": "1", "quantity": "2"}])
    [told] = responses(world)
    assert lines_of(told) == [("1", "quantity_changed", "2"), ("2", "rejected", "0")]
    assert told.lines[1].reason == "gone"


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([], "too short|at least 1"),
        ([{"line_id": "9", "quantity": "1"}], "has no line '9'"),
        ([{"line_id": "1", "quantity": "11"}], "more than the 10 that were ordered"),
        ([{"line_id": "1", "quantity": "-1"}], "greater than or equal to 0"),
        ([{"line_id": "1", "quantity": "10"}], "this changes nothing"),
        ([{"line_id": "1", "quantity": "0"}, {"line_id": "2", "quantity": "0"}], "no line is left"),
    ],
)
def test_what_is_no_answer_to_the_order_is_refused_and_changes_nothing(
    world: World, lines: list[dict[str, str]], why: str
) -> None:
    with_buyer(world, limit="100.00")
    order(world)
    with pytest.raises(Invalid, match=why):
        answer(world, "credit_hold", "revise", lines=lines)
    assert (of(world).state, len(of(world).lines), reasons(world)) == ("held", 2, ["credit_hold"])


def test_an_order_of_somebody_who_is_not_told_cannot_be_revised(world: World) -> None:
    with_buyer(world, limit="100.00")
    order(world, response_wanted=False)
    with pytest.raises(Invalid, match="change it where it came from"):
        answer(world, "credit_hold", "revise", lines=[{"line_id": "1", "quantity": "1"}])


def test_the_same_purchase_order_for_another_place_or_release_is_another_order(world: World) -> None:
    with_buyer(world)
    order(world)
    for place in ("0042", "0043"):
        [customer] = [one.id for one in world.documents("customer")]
        record = {
            "customer": customer, "currency": "USD", "purchase_order": "PO-1", "lines": TWO,
            "delivery_location": place,
        }  # fmt: skip
        world.send("crm", {"kind": "order", "id": f"PO-1@{place}", "record": record})
    order(world, release="7")
    world.work()
    assert [str(one.state) for one in world.documents("order")] == ["approved"] * 4
    world.send("crm", {"kind": "order", "id": "PO-1@again", "record": record})
    world.work()
    assert reasons(world) == ["order_invalid"], "the same place twice is a duplicate"
