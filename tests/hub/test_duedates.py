"""Due dates: an invoice that falls due unpaid is told once, and the CRM sees it."""

from __future__ import annotations

from datetime import timedelta

from hub.duedates import DueDates
from tests.world import START, World


def invoiced(world: World) -> None:
    world.send("crm", world.company(), world.deal())
    world.work()
    world.send("erp", world.shipment("s1", world.erp_order(), A="2"))
    world.work()


def test_an_invoice_that_falls_due_unpaid_is_told_once_and_shown_as_overdue(world: World) -> None:
    invoiced(world)
    watch = DueDates(world.hub)
    assert watch.look() == 0
    world.today[0] = START + timedelta(days=31)
    assert watch.look() == 1
    assert watch.look() == 0
    assert DueDates(world.hub).look() == 0, "another process does not tell it again"
    world.work()
    assert world.vendors["crm"].records["d1"]["payment_status"] == "overdue"
    [invoice] = world.documents("invoice")
    assert invoice.overdue_on == world.today[0].date()
    events = [row.event for row in world.rows("journal")]
    assert events.count("invoice.overdue") == 1
    assert world.balances()["receivable"] == "200.00 USD"


def test_what_is_paid_in_time_or_due_today_is_not_overdue(world: World) -> None:
    invoiced(world)
    [invoice] = world.documents("invoice")
    world.today[0] = START + timedelta(days=30)
    assert invoice.due_date == world.today[0].date()
    assert DueDates(world.hub).look() == 0
    world.send("bank", world.credit("b1", "200.00", invoice.number))
    world.work()
    world.today[0] = START + timedelta(days=40)
    assert DueDates(world.hub).look() == 0
    assert world.vendors["crm"].records["d1"]["payment_status"] == "paid"


def test_an_overdue_invoice_that_is_paid_later_is_shown_as_paid(world: World) -> None:
    invoiced(world)
    world.today[0] = START + timedelta(days=45)
    DueDates(world.hub).look()
    [invoice] = world.documents("invoice")
    world.send("bank", world.credit("b1", "200.00", invoice.number))
    world.work()
    assert world.vendors["crm"].records["d1"]["payment_status"] == "paid"
    assert [str(order.state) for order in world.documents("order")] == ["closed"]
