"""What a source says after an order was agreed: amended, recalled, credited or kept, never silently."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hub.decide import choices, decide
from hub.errors import Invalid
from hub.stages.outcome import Choice
from tests.world import World

TWO = [
    {"id": 1, "sku": "A", "quantity": "2", "price": "100.00", "tax": "19"},
    {"id": 2, "sku": "B", "quantity": "1", "price": "50.00", "tax": "7"},
]


def agreed(world: World, **fields: Any) -> str:
    world.send("crm", world.company(), world.deal(lines=TWO, **fields))
    world.work()
    [order] = world.documents("order")
    assert order.state == "approved"
    return str(order.id)


def says(world: World, *lines: dict[str, Any], **fields: Any) -> None:
    world.send("crm", world.deal(lines=list(lines), **fields))
    world.work()


def answer(world: World, decision: str) -> None:
    [case] = world.cases()
    decide(world.hub, case.id, decision, Choice("ada", "", {}))
    world.work()


def evidence(world: World) -> dict[str, Any]:
    [case] = world.cases()
    return dict(json.loads(case.evidence))


def ship(world: World, **quantities: str) -> None:
    world.send("erp", world.shipment(f"s{world.events}", world.erp_order(), **quantities))
    world.work()


def test_a_change_before_anything_is_shipped_can_be_taken_and_reaches_every_system(world: World) -> None:
    agreed(world)
    says(world, TWO[0] | {"quantity": "3"})
    assert evidence(world)["proposal"] == "amend"
    assert [order.payable_amount.amount for order in world.documents("order")] == [291.50]
    answer(world, "amend")
    [order] = world.documents("order")
    assert (str(order.state), str(order.payable_amount)) == ("approved", "357.00 USD")
    assert order.credit is not None
    assert order.credit.this_order == order.payable_amount
    assert [record["total"] for record in world.vendors["erp"].of("order")] == [order.payable_amount.amount]
    assert not world.cases()


def test_an_amended_order_that_breaks_its_limit_is_held_again(world: World) -> None:
    agreed(world)
    says(world, TWO[0] | {"quantity": "3000"})
    answer(world, "amend")
    [order] = world.documents("order")
    assert order.state == "held"
    assert [case.reason for case in world.cases()] == ["credit_hold"]


def test_what_is_shipped_cannot_be_amended_and_says_what_to_do(world: World) -> None:
    agreed(world)
    says(world, TWO[0] | {"quantity": "1"})
    ship(world, A="1")
    [case] = world.cases()
    with pytest.raises(Invalid, match="stays as agreed; keep it, and credit or order the difference"):
        decide(world.hub, case.id, "amend", Choice("ada", "", {}))
    assert [str(order.state) for order in world.documents("order")] == ["part_invoiced"]


def test_less_than_was_billed_is_proposed_as_a_credit_memo_with_its_tax(world: World) -> None:
    agreed(world)
    ship(world, A="2", B="1")
    says(world, TWO[0] | {"quantity": "1"})
    told = evidence(world)
    assert told["proposal"] == "credit_memo"
    assert told["credit"] == "172.50 USD"  # 100 + 19 % and 50 + 7 %
    assert told["credit_lines"] == [
        {"line": "1", "sku": "A", "quantity": "1", "without_tax": "100.00 USD"},
        {"line": "2", "sku": "B", "quantity": "1", "without_tax": "50.00 USD"},
    ]
    answer(world, "keep")
    assert [str(order.state) for order in world.documents("order")] == ["invoiced"]
    says(world, TWO[0] | {"quantity": "1"})
    assert not world.cases(), "answered once is not asked again"


def test_a_lower_price_after_billing_credits_the_difference_only(world: World) -> None:
    agreed(world)
    ship(world, A="1")
    says(world, TWO[0] | {"price": "90.00"}, TWO[1])
    told = evidence(world)
    assert (told["proposal"], told["credit"]) == ("credit_memo", "11.90 USD")
    assert told["credit_lines"][0]["quantity"] == "0"


def test_more_than_was_billed_is_another_order(world: World) -> None:
    agreed(world)
    ship(world, A="2", B="1")
    says(world, TWO[0] | {"quantity": "5"}, TWO[1])
    assert evidence(world)["proposal"] == "new_order"


def test_a_deal_lost_before_shipment_is_recalled_where_it_was_sent(world: World) -> None:
    order_id = agreed(world)
    world.send("crm", world.deal(lines=TWO, won=False))
    world.work()
    assert evidence(world)["proposal"] == "amend"
    answer(world, "cancel")
    [order] = world.documents("order")
    assert (order.id, str(order.state)) == (order_id, "cancelled")
    assert world.vendors["crm"].records["d1"]["status"] == "cancelled"
    assert not world.cases()


def test_a_deal_deleted_after_billing_keeps_the_money_and_proposes_the_credit(world: World) -> None:
    agreed(world)
    ship(world, A="2", B="1")
    world.send("crm", {"kind": "order", "id": "d1", "record": None})
    world.work()
    told = evidence(world)
    assert (told["proposal"], told["credit"], told["what"]) == ("credit_memo", "291.50 USD", "deleted")
    [case] = world.cases()
    with pytest.raises(Invalid, match="was shipped or billed already: it cannot be cancelled"):
        decide(world.hub, case.id, "cancel", Choice("ada", "", {}))
    assert world.balances()["receivable"] == "291.50 USD"


def test_a_deal_in_another_currency_after_billing_is_compared_by_hand(world: World) -> None:
    agreed(world)
    ship(world, A="2", B="1")
    says(world, *TWO, currency="EUR")
    told = evidence(world)
    assert told["proposal"] == "none"
    assert "credit" not in told


def test_deals_that_were_merged_after_billing_leave_both_orders_and_ask(world: World) -> None:
    agreed(world)
    assert choices("merged") == ("keep", "cancel")
    assert choices("late_change") == ("keep", "amend", "credit")
