"""An approved order that is taken back: NetSuite closes its sales order, and nothing of it can be shipped."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.decide import decide
from hub.stages.outcome import Choice
from tests.flows.test_faults import Erp, erp

__all__ = ["erp"]  # the fixture


@pytest.fixture
def approved(erp: Erp) -> Erp:
    erp.sandbox.add_item("G", "inventoryItem")
    line = {"id": 1, "sku": "G", "quantity": "3", "price": "19.99", "tax": "8.25"}
    erp.world.send("crm", erp.world.company(), erp.world.deal(lines=[line]))
    erp.world.work()
    erp.finish()
    return erp


def order_of(erp: Erp) -> dict[str, object]:
    [order] = erp.world.documents("order")
    found = erp.sandbox.find("salesOrder", order.id)
    assert found is not None
    return dict(found)


def test_a_recalled_order_is_closed_in_netsuite_line_by_line(approved: Erp, tmp_path: Path) -> None:
    world = approved.world
    before = order_of(approved)
    world.send("crm", world.deal(lines=[], won=False))
    world.work()
    [case] = world.cases()
    decide(world.hub, case.id, "cancel", Choice("ada", "lost", {}))
    world.work()
    approved.finish()
    after = order_of(approved)
    lines = after["item"]["items"]  # type: ignore[index] # as NetSuite shows it
    assert [line["isClosed"] for line in lines] == [True]
    assert after["id"] == before["id"]
    assert approved.created()["salesOrder"] == 1
    assert not world.cases()


def test_an_amended_order_changes_its_sales_order_in_place(approved: Erp) -> None:
    world = approved.world
    more = [
        {"id": 1, "sku": "G", "quantity": "5", "price": "19.99", "tax": "8.25"},
        {"id": 2, "sku": "S", "quantity": "1", "price": "10.00", "tax": "8.25"},
    ]
    world.send("crm", world.deal(lines=more))
    world.work()
    [case] = world.cases()
    decide(world.hub, case.id, "amend", Choice("ada", "as the customer asked", {}))
    world.work()
    approved.finish()
    [order] = world.documents("order")
    booked = order_of(approved)
    assert str(booked["total"]) == str(order.payable_amount.amount)
    assert len(booked["item"]["items"]) == 2  # type: ignore[arg-type,index] # as NetSuite shows it
    assert approved.created()["salesOrder"] == 1
    assert not world.cases()
