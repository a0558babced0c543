"""A scripted ERP that keeps books: what it holds can be changed behind the hub's back, item by item."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hub.connector import Arrival, Delivery, OpenItem, OpenItems, Page
from hub.errors import Rejected
from hub.mapping import compile_mapping, loads
from tests.world import START, Vendor, World

PAYMENT_IN = """
mapping: erp.payment -> payment
version: 1
fields:
  amount.amount: { from: amount, via: decimal }
  amount.currency: { from: currency, default: USD }
  booked_on: { from: date, via: date, default: 2026-03-20 }
  payer.name: { from: payer, optional: true }
owns: [amount]
"""


@dataclass
class Keeper(Vendor):
    """Books are what its records add up to; `books` overrides fields of an item."""

    size: int = 3  # items per page
    books: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)
    pages: list[str | None] = field(default_factory=list)
    troubles: list[Exception] = field(default_factory=list)
    polled: int = 0

    def open_items(self, cursor: str | None) -> OpenItems:
        self.pages.append(cursor)
        if self.troubles:
            raise self.troubles.pop(0)
        still = [one for one in self.ledger() if one.open and one.external_id > (cursor or "")]
        page = still[: self.size]
        return OpenItems(page, page[-1].external_id if len(still) > self.size else None)

    def items(self, wanted: Sequence[tuple[str, str]]) -> list[OpenItem]:
        self.asked.append(len(wanted))
        return [one for one in self.ledger() if (one.kind, one.external_id) in set(wanted)]

    def arrival(self, kind: str, external_id: str) -> Arrival:
        if external_id.startswith("locked"):
            raise Rejected(f"{kind} {external_id} may not be read")
        record = self.records.get(external_id)
        plain = (
            None if record is None else {k: str(v) for k, v in record.items() if k not in ("kind", "applied")}
        )
        change = {"kind": kind, "id": external_id, "record": plain}
        body = json.dumps({"event": f"again {external_id}", "changes": [change]}).encode()
        return Arrival([f"again {external_id}"], Delivery({}, body, "http://test/erp", START))

    def poll(self, cursor: str | None) -> Page:
        self.polled += 1
        return Page([], "read")

    def ledger(self) -> list[OpenItem]:
        """Everything, by external id ascending."""
        kinds = ("invoice", "payment", "credit_memo")
        return [self._item(id, one) for id, one in sorted(self.records.items()) if one.get("kind") in kinds]

    def _item(self, id: str, record: dict[str, Any]) -> OpenItem:
        invoice = record["kind"] == "invoice"
        amount = Decimal(record["total" if invoice else "amount"])
        applied = record.get("applied", ())
        if invoice:
            used = sum(
                Decimal(part["amount"])
                for other in self.of("payment") for part in other.get("applied", ()) if part["invoice"] == id
            )  # fmt: skip
            owner = self.records.get(record.get("order", ""), {}).get("customer", "")
        else:
            used = sum(Decimal(part["amount"]) for part in applied)
            order = self.records[applied[0]["invoice"]]["order"] if applied else ""
            owner = self.records.get(order, {}).get("customer", "")
        item = OpenItem(
            record["kind"], id, record.get("number", id), record.get("customer", owner), "USD", amount,
            amount - used, record.get("reference", ""),
        )  # fmt: skip
        return item._replace(**self.books.get(id, {}))

    def by_hand(self, id: str, kind: str = "invoice", **fields: Any) -> None:
        """Somebody makes an item in the ERP itself."""
        owner = {} if "customer" in fields else {"customer": self.company}
        self.records[id] = {"kind": kind, "reference": "", **owner, **fields}

    @property
    def company(self) -> str:
        """The id of its first customer."""
        return next(id for id, one in self.records.items() if one.get("kind") == "customer")


def keep(world: World) -> Keeper:
    """The world's ERP keeps books from now on."""
    keeper = Keeper("erp")
    registry: Any = world.hub.registry
    live = registry.live["erp"]
    inbound = {**live.inbound, "payment": compile_mapping(loads(PAYMENT_IN, name="erp/payment/in"))}
    world.vendors["erp"] = keeper
    registry.live["erp"] = replace(live, connector=keeper, inbound=inbound)
    return keeper


def trade(world: World, count: int, *, price: int = 100) -> list[str]:
    """So many orders of one customer, shipped and billed: 101, 102 ... USD each. The ERP's ids of them."""
    keeper: Any = world.vendors["erp"]
    world.send("crm", world.company("c1", limit="999999"))
    before = [id for id, one in keeper.records.items() if one["kind"] == "invoice"]
    for n in range(1, count + 1):
        lines = [{"id": 1, "sku": "A", "quantity": "1", "price": f"{price + n}.00"}]
        world.send("crm", world.deal(f"d{price}-{n}", lines=lines))
    world.work()
    orders = [id for id, one in keeper.records.items() if one["kind"] == "order"][-count:]
    for order in sorted(orders, key=lambda id: Decimal(keeper.records[id]["total"])):
        world.send("erp", world.shipment(f"s-{order}", order, A="1"))
    world.work()
    made = [id for id, one in keeper.records.items() if one["kind"] == "invoice" and id not in before]
    return sorted(made, key=lambda id: Decimal(keeper.records[id]["total"]))


def pay(world: World, id: str, amount: str, *numbers: str) -> None:
    """Money reaches the bank and is applied to the invoices it names."""
    world.send("bank", world.credit(id, str(amount), *numbers))
    world.work()


def rest(world: World, **span: float) -> None:
    """Nothing happens for a while."""
    world.today[0] += timedelta(**(span or {"hours": 1}))
