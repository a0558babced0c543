"""The whole loop with scripted systems: won deal, shipment, invoice, payment, closed order."""

from __future__ import annotations

from hub.decide import decide
from hub.stages.outcome import Choice
from tests.world import World


def test_a_won_deal_becomes_applied_cash(world: World) -> None:
    world.send("crm", world.company(), world.deal(po="PO-7"))
    world.work()
    [order] = world.documents("order")
    assert (order.state, order.number, order.payment_terms) == ("approved", "O-000001", "NET30")
    assert [r["total"] for r in world.vendors["erp"].of("order")] == [order.payable_amount.amount]

    world.send("erp", world.shipment("s1", world.erp_order(), A="2"))
    world.work()
    [invoice] = world.documents("invoice")
    assert (invoice.number, str(invoice.payable_amount)) == ("INV-2026-000001", "200.00 USD")
    assert world.balances() == {"receivable": "200.00 USD", "revenue": "-200.00 USD"}

    world.send("bank", world.credit("b1", "200.00", "invoice INV-2026-000001 thanks"))
    world.work()
    assert [d.state for d in world.documents("order")] == ["closed"]
    assert [d.state for d in world.documents("payment")] == ["applied"]
    assert world.balances() == {
        "cash": "200.00 USD", "receivable": "0.00 USD", "revenue": "-200.00 USD", "unapplied": "0.00 USD",
    }  # fmt: skip
    [paid] = world.vendors["erp"].of("payment")
    assert [(str(a["amount"]), a["invoice"]) for a in paid["applied"]] == [("200.00", "erp-3")]
    assert world.cases() == []
    last = world.vendors["crm"].writes[-1].record
    assert (last["status"], last["payment_status"], last["invoices"]) == ("closed", "paid", "INV-2026-000001")


def test_partial_shipments_give_several_invoices_and_never_more_than_shipped(world: World) -> None:
    world.send("crm", world.company(), world.deal())
    world.work()
    world.send("erp", world.shipment("s1", world.erp_order(), A="1"))
    world.work()
    assert [d.state for d in world.documents("order")] == ["part_invoiced"]
    world.send("erp", world.shipment("s2", world.erp_order(), A="2"))
    world.work()
    assert [c.reason for c in world.cases()] == ["shipment_refused"]
    world.send("erp", world.shipment("s3", world.erp_order(), A="1"))
    world.work()
    assert [str(i.payable_amount) for i in world.documents("invoice")] == ["100.00 USD", "100.00 USD"]
    assert [d.state for d in world.documents("order")] == ["invoiced"]


def test_services_are_invoiced_when_the_order_is_approved(world: World) -> None:
    lines = [{"id": 1, "sku": "S", "quantity": "1", "price": "10", "delivery": "service", "tax": "19"}]
    world.send("crm", world.company(), world.deal(lines=lines))
    world.work()
    assert [str(i.payable_amount) for i in world.documents("invoice")] == ["11.90 USD"]
    assert world.balances() == {"receivable": "11.90 USD", "revenue": "-10.00 USD", "tax": "-1.90 USD"}


def test_an_order_over_the_limit_is_held_and_released_by_a_person(world: World) -> None:
    world.send("crm", world.company(limit="150.00"), world.deal())
    world.work()
    [case] = world.cases()
    assert (case.reason, "exceeds the limit 150.00 USD" in case.title) == ("credit_hold", True)
    assert world.vendors["erp"].of("order") == []
    decide(world.hub, case.id, "release", Choice("ada", "known customer", {}))
    world.work()
    [order] = world.documents("order")
    assert (order.state, order.credit.decision, order.credit.decided_by) == ("approved", "released", "ada")
    assert len(world.vendors["erp"].of("order")) == 1
    assert world.cases() == []


def test_two_orders_cannot_pass_one_limit(world: World) -> None:
    world.send("crm", world.company(limit="300.00"), world.deal("d1"), world.deal("d2"))
    world.work()
    assert sorted(d.state for d in world.documents("order")) == ["approved", "held"]


def test_cash_frees_an_order_that_was_held(world: World) -> None:
    lines = [{"id": 1, "sku": "S", "quantity": "1", "price": "200", "delivery": "service"}]
    world.send("crm", world.company(limit="300.00"), world.deal("d1", lines=lines), world.deal("d2"))
    world.work()
    world.send("bank", world.credit("b1", "200.00", "INV 2026 000001"))
    world.work()
    assert sorted(d.state for d in world.documents("order")) == ["approved", "closed"]
    assert world.cases() == []


def test_a_payment_nobody_can_match_is_resolved_by_a_person(world: World) -> None:
    lines = [{"id": 1, "sku": "S", "quantity": "1", "price": "200", "delivery": "service"}]
    world.send("crm", world.company(), world.deal(lines=lines))
    world.work()
    world.send("bank", world.credit("b1", "200.00", "thanks for everything", payer="Somebody"))
    world.work()
    [case] = world.cases()
    [invoice] = world.documents("invoice")
    assert case.reason == "unmatched_payment"
    assert invoice.number in case.evidence
    assert world.balances()["unapplied"] == "-200.00 USD"
    decide(world.hub, case.id, "apply", Choice("ada", "", {"invoices": [{"invoice": invoice.id}]}))
    world.work()
    assert [d.state for d in world.documents("payment")] == ["applied"]
    assert [d.state for d in world.documents("order")] == ["closed"]
    assert world.cases() == []


def test_a_deal_changed_after_closing_is_a_case_once(world: World) -> None:
    world.send("crm", world.company(), world.deal())
    world.work()
    changed = [{"id": 1, "sku": "A", "quantity": "5", "price": "100.00"}]
    world.send("crm", world.deal(lines=changed, title="renamed"))
    world.work()
    [order] = world.documents("order")
    assert (str(order.lines[0].quantity), order.title) == ("2", "renamed")
    [case] = world.cases()
    assert case.reason == "late_change"
    decide(world.hub, case.id, "keep", Choice("ada", "agreed by phone", {}))
    world.send("crm", world.deal(lines=changed, title="renamed"))
    world.work()
    assert world.cases() == []


def test_our_own_write_coming_back_changes_nothing(world: World) -> None:
    world.send("crm", world.company(), world.deal())
    world.work()
    before = world.rows("journal")
    writes = len(world.vendors["crm"].writes)
    world.send("crm", world.deal())
    world.work()
    assert len(world.rows("journal")) == len(before)
    assert len(world.vendors["crm"].writes) == writes
