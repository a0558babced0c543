"""Who hears of a document: with several CRMs, only the one its order or customer came from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from hub.connector import Kind, Manifest
from hub.mapping import compile_mapping, loads
from hub.store import connections
from tests.hub.test_crowd import swap
from tests.world import NoSettings, Vendor, World

INVOICE = """
mapping: invoice -> crm.invoice
version: 1
fields:
  number: { from: number }
  deal: { from: order_external_id }
  company: { from: customer_external_id }
  status: { from: payment_status }
  overdue: { from: overdue }
"""
PAYMENT = """
mapping: payment -> crm.payment
version: 1
fields:
  company: { from: customer_external_id }
  deals: { formula: 'JOIN(",", order_external_ids)' }
  amount: { from: amount.amount }
"""


@dataclass
class Crm(Vendor):
    """Takes back only what came from it."""

    @property
    def manifest(self) -> Manifest:
        kinds = {
            "customer": Kind(inbound=True),
            "order": Kind(inbound=True, outbound=True, idempotency=self.idempotency, only_with="order"),
            "invoice": Kind(outbound=True, idempotency=self.idempotency, only_with="order"),
            "payment": Kind(outbound=True, idempotency=self.idempotency, only_with="customer"),
        }
        return Manifest(self.name, self.name, NoSettings, kinds)


@pytest.fixture
def two(world: World) -> World:
    """Two CRMs for different customers, and both on every route."""
    hub: Any = world.hub
    first = swap(world, "crm", Crm("crm"))
    more = {"invoice": compile_mapping(loads(INVOICE)), "payment": compile_mapping(loads(PAYMENT))}
    live = hub.registry.live["crm"]
    live = replace(live, outbound={**live.outbound, **more})
    world.vendors |= {"other": Crm("other")}
    hub.registry.live |= {"crm": live, "other": replace(live, name="other", connector=world.vendors["other"])}
    with hub.store.begin() as tx:
        connections.save(hub.store.database, tx.conn, "other", "other", {}, poll_seconds=0, now=tx.now)
    routes = {event: [*names, "other"] if "crm" in names else names for event, names in hub.routes.items()}
    both = ["erp", "crm", "other"]
    hub.routes = {**routes, "invoice.issued": both, "payment.applied": both, "invoice.paid": both[1:]}
    assert first.name == "crm"
    return world


def buy(world: World, crm: str, company: str, deal: str) -> None:
    world.send(crm, world.company(company), world.deal(deal, company=company))
    world.work()


def test_each_crm_hears_of_its_own_orders_invoices_and_payments_only(two: World) -> None:
    buy(two, "crm", "c1", "d1")
    buy(two, "other", "k1", "x1")
    for number, order in enumerate(
        [k for k, r in two.vendors["erp"].records.items() if r["kind"] == "order"]
    ):
        two.send("erp", two.shipment(f"s{number}", order, A="2"))
    two.work()
    for number, invoice in enumerate(sorted(two.documents("invoice"), key=lambda one: one.number)):
        two.send("bank", two.credit(f"b{number}", "200.00", invoice.number))
    two.work()
    told = {name: two.vendors[name] for name in ("crm", "other")}
    for name, company, deal in (("crm", "c1", "d1"), ("other", "k1", "x1")):
        assert told[name].records[deal]["payment_status"] == "paid"
        assert [(r["deal"], r["company"], r["status"]) for r in told[name].of("invoice")] == [
            (deal, company, "paid")
        ]
        assert [(r["deals"], r["company"]) for r in told[name].of("payment")] == [(deal, company)]
    assert not two.cases()
    assert {row.state for row in two.rows("xref")} == {"done"}


def test_a_system_without_such_a_rule_hears_of_everything(two: World) -> None:
    buy(two, "crm", "c1", "d1")
    buy(two, "other", "k1", "x1")
    assert len(two.vendors["erp"].of("order")) == 2
    assert len(two.vendors["erp"].of("customer")) == 2


def test_a_repaired_order_still_goes_home_after_its_record_was_merged(two: World) -> None:
    buy(two, "crm", "c1", "d1")

    class Merges(Crm):
        def read(self, delivery: Any) -> Any:
            for one in super().read(delivery):
                yield one._replace(record=None, merged_into="d2") if one.external_id == "d1" else one

    swap(two, "crm", Merges("crm"))
    two.send("crm", two.deal("d1"))
    two.work()
    two.send("erp", two.shipment("s1", two.erp_order(), A="2"))
    two.work()
    assert two.vendors["crm"].records["d2"]["status"] == "invoiced"
    assert not two.vendors["other"].records
