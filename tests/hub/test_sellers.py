"""Several companies that sell: who bills, who is told, and what cannot be mixed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hub.errors import Invalid
from hub.mapping import compile_mapping, loads
from hub.policies import Invoicing, load_policies
from hub.process import REACTIONS
from hub.routes import Route, load_routes
from tests.hub.erp_world import Erp, evidence, reasons, with_erp
from tests.world import MAPPINGS, ROOT, World


@pytest.fixture
def two(world: World) -> World:
    """Two ERPs: `erp` for US, `sap` for DE, where customers go with their first document."""
    from dataclasses import replace

    from hub.store import connections

    hub: Any = world.hub
    with_erp(world, sellers=("US", "DE"))
    text = MAPPINGS["crm", "order", "in"].replace(
        "  title:", "  seller: { from: seller, optional: true }\n  title:"
    )
    crm = hub.registry.live["crm"]
    hub.registry.live["crm"] = replace(crm, inbound={**crm.inbound, "order": compile_mapping(loads(text))})
    world.vendors["sap"] = Erp("sap")
    hub.registry.live["sap"] = replace(hub.registry.live["erp"], name="sap", connector=world.vendors["sap"])
    with hub.store.begin() as tx:
        connections.save(hub.store.database, tx.conn, "sap", "sap", {}, poll_seconds=0, now=tx.now)
    both = [Route("erp", frozenset({"US"})), Route("sap", frozenset({"DE"}))]
    told = ("order.approved", "order.recalled", "invoice.issued", "payment.applied", "adjustment.booked")
    hub.routes = {
        **hub.routes, **dict.fromkeys(told, both),
        "customer.received": [], "customer.changed": ["erp", "sap"],
    }  # fmt: skip
    return world


def buy(world: World, deal: str, seller: str, **fields: Any) -> None:
    world.send("crm", world.company(), world.deal(deal, seller=seller, **fields))
    world.work()


def kinds(world: World, name: str) -> list[str]:
    return sorted(record["kind"] for record in world.vendors[name].records.values())


def test_each_erp_gets_its_sellers_documents_and_only_customers_it_needs(two: World) -> None:
    two.send("crm", two.company("c9"))
    two.work()
    buy(two, "d1", "DE")
    assert (kinds(two, "sap"), kinds(two, "erp")) == (["customer", "order"], [])
    order = next(k for k, r in two.vendors["sap"].records.items() if r["kind"] == "order")
    two.send("sap", two.shipment("s1", order, A="2"))
    two.work()
    assert [x.seller for x in two.documents("invoice")] == ["DE"]
    two.send("bank", two.credit("b1", "200.00", "INV-2026-000001"))
    two.work()
    assert [x.seller for x in two.documents("payment")] == ["DE"]
    assert kinds(two, "sap") == ["customer", "invoice", "order", "payment"]
    assert (kinds(two, "erp"), two.cases()) == ([], [])
    two.send("crm", two.company("c1", name="Renamed"))
    two.work()
    assert [r["name"] for r in two.vendors["sap"].of("customer")] == ["Renamed"]
    assert kinds(two, "erp") == [], "a change is told where the customer is known"


def test_one_customer_may_buy_from_both(two: World) -> None:
    buy(two, "d1", "DE")
    buy(two, "d2", "US")
    assert kinds(two, "sap") == kinds(two, "erp") == ["customer", "order"]


def test_an_order_of_an_unknown_seller_is_not_valid(two: World) -> None:
    buy(two, "d1", "FR")
    assert evidence(two)["problems"][0] == {
        "field": "seller", "problem": "seller 'FR' is not one of US, DE (sellers in policies.yaml)",
        "can_be_accepted": False,
    }  # fmt: skip


def test_a_payment_of_two_sellers_invoices_is_a_case(two: World) -> None:
    service = [{"id": 1, "sku": "S", "quantity": "1", "price": "50", "delivery": "service"}]
    buy(two, "d1", "DE", lines=service)
    buy(two, "d2", "US", lines=service)
    two.send("bank", two.credit("b1", "100.00", "INV-2026-000001 and INV-2026-000002"))
    two.work()
    assert reasons(two) == ["unmatched_payment"]
    assert evidence(two)["doubt"] == "it settles invoices of different sellers (DE, US)"


def test_who_bills_may_differ_by_seller(two: World) -> None:
    policies = two.hub.store.policies
    invoicing = Invoicing(issuer="hub", by_seller={"DE": "sap"})
    two.hub.store.policies = policies.model_copy(update={"invoicing": invoicing})
    service = [{"id": 1, "sku": "S", "quantity": "1", "price": "50", "delivery": "service"}]
    buy(two, "d1", "DE", lines=service)
    buy(two, "d2", "US", lines=service)
    assert [x.seller for x in two.documents("invoice")] == ["US"]


def test_the_only_seller_need_not_be_named(world: World) -> None:
    with_erp(world, sellers=("US",))
    world.send("crm", world.company(), world.deal())
    world.work()
    assert [x.seller for x in world.documents("order")] == ["US"]


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "file.yaml"
    path.write_text(text)
    return path


def test_routes_take_names_and_sellers(tmp_path: Path) -> None:
    path = write(tmp_path, "invoice.issued: [crm, {to: sap, seller: [DE, AT]}, {to: erp, seller: US}]")
    assert load_routes(path, list(REACTIONS), ("DE", "AT", "US")) == {
        "invoice.issued": ["crm", Route("sap", frozenset({"DE", "AT"})), Route("erp", frozenset({"US"}))]
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("invoice.issued: [{to: sap}]", r"neither a connection's name nor \{to: name, seller: \[codes\]\}"),
        ("invoice.issued: [{to: sap, seller: []}]", "seller of sap must be a list of codes"),
        ("invoice.issued: [{to: sap, seller: [no]}]", "put codes such as NO in quotes"),
        ("invoice.issued: [{to: sap, seller: [FR]}]", "no seller is called 'FR'; policies.yaml has US, DE"),
        ("invoice.printed: [sap]", "no event is called 'invoice.printed'"),
    ],
)
def test_a_wrong_route_is_refused_with_the_way_out(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(Invalid, match=told):
        load_routes(write(tmp_path, text), list(REACTIONS), ("US", "DE"))


def test_an_issuer_of_an_unknown_seller_is_refused(tmp_path: Path) -> None:
    shipped = (ROOT / "config" / "policies.yaml").read_text()
    text = shipped.replace("by_seller: {} ", "by_seller: { FR: sap } ").replace(
        "sellers: []", "sellers: [US, DE]"
    )
    with pytest.raises(Invalid, match=r"invoicing\.by_seller: no seller is called 'FR'; sellers are US, DE"):
        load_policies(write(tmp_path, text))


def test_the_shipped_routes_and_policies_are_sound() -> None:
    policies = load_policies(ROOT / "config" / "policies.yaml")
    routes = load_routes(ROOT / "config" / "routes.yaml", list(REACTIONS), policies.sellers)
    assert "sap" in routes["credit_memo.issued"]
