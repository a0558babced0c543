"""The small world with a buyer that sends orders and changes and wants to be answered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hub.decide import decide
from hub.stages.outcome import Choice
from tests.hub.cash_world import Straight
from tests.world import World

KINDS = ("order", "order_change")


def with_buyer(world: World, **customer: Any) -> World:
    """The CRM's place is taken by a buyer whose records are canonical; customer c1 exists."""
    hub: Any = world.hub
    live = hub.registry.live["crm"]
    inbound: dict[str, Any] = {**live.inbound, **{kind: Straight(kind) for kind in KINDS}}
    hub.registry.live["crm"] = replace(live, inbound=inbound)
    world.send("crm", world.company("c1", **customer))
    world.work()
    return world


def line(number: int, sku: str, quantity: str = "10", price: str = "5.00", **more: Any) -> dict[str, Any]:
    return {"line_id": str(number), "sku": sku, "quantity": quantity, "unit_price": price, **more}


TWO = [line(1, "A"), line(2, "B", "4", "20.00")]


def order(world: World, po: str = "PO-1", *, lines: Any = None, **fields: Any) -> Any:
    """A purchase order comes and goes through the process."""
    [customer] = [one for one in world.documents("customer") if one.name == "Company c1"]
    record = {
        "customer": customer.id, "currency": "USD", "purchase_order": po, "response_wanted": True,
        "lines": TWO if lines is None else lines, **fields,
    }  # fmt: skip
    world.send("crm", {"kind": "order", "id": f"{po}{fields.get('release', '')}", "record": record})
    world.work()
    return of(world, po)


def change(world: World, of_order: Any, number: str, *lines: Any, **fields: Any) -> Any:
    """The buyer asks to change an order; returns the change as it is now."""
    record = {
        "order": of_order.id, "number": number, "purchase_order": of_order.purchase_order,
        "lines": list(lines), **fields,
    }  # fmt: skip
    world.send("crm", {"kind": "order_change", "id": f"{of_order.id}#{number}", "record": record})
    world.work()
    return changes(world)[number]


def changes(world: World) -> Mapping[str, Any]:
    """Changes by their number."""
    return {one.number: one for one in world.documents("order_change")}


def of(world: World, po: str = "PO-1") -> Any:
    """The newest order of a purchase order."""
    found = [one for one in world.documents("order") if one.purchase_order == po]
    return max(found, key=lambda one: one.number)


def responses(world: World, state: str = "issued") -> list[Any]:
    """Responses in the order in which they were issued."""
    found = [one for one in world.documents("order_response") if one.state == state]
    return sorted(found, key=lambda one: one.number)


def said(world: World) -> list[tuple[str, str]]:
    """What was issued: the number of the change that is answered, and the answer."""
    numbers = {one.id: one.number for one in world.documents("order_change")}
    return [(numbers.get(one.change, ""), one.answer) for one in responses(world)]


def lines_of(response: Any) -> list[tuple[str, str, str]]:
    return [(one.line_id, one.answer, str(one.quantity)) for one in response.lines]


def answer(world: World, reason: str, decision: str, note: str = "", **values: Any) -> None:
    """A person answers the one open case of a reason."""
    [case] = [one for one in world.cases() if one.reason == reason]
    decide(world.hub, case.id, decision, Choice("ada", note, values))
    world.work()


def evidence(world: World, reason: str) -> dict[str, Any]:
    [case] = [one for one in world.cases() if one.reason == reason]
    return dict(json.loads(case.evidence))


def reasons(world: World) -> list[str]:
    return sorted(one.reason for one in world.cases())


def ship(world: World, **quantities: str) -> None:
    world.send("erp", world.shipment(f"s{world.events}", world.erp_order(), **quantities))
    world.work()
