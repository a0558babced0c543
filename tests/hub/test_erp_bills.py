"""The ERP bills: its invoices are read in, checked, and become what the customer owes."""

from __future__ import annotations

import pytest

from tests.hub.erp_world import (
    answer,
    approved,
    bill,
    customer_there,
    evidence,
    left,
    money_in,
    only,
    open_of,
    reasons,
    settled,
    ship,
    tell,
    with_erp,
    zero,
)
from tests.world import World


@pytest.fixture
def erp(world: World) -> World:
    return with_erp(world, issuer="erp")


def test_an_invoice_of_the_erp_becomes_the_receivable_and_is_paid(erp: World) -> None:
    order = approved(erp)
    ship(erp, order)
    assert erp.documents("invoice") == [], "the ERP bills, not the hub"
    tell(erp, "invoice", "i1", bill(erp, order))
    invoice = only(erp, "invoice")
    assert (invoice.state, invoice.number, invoice.order_number) == ("issued", "ERP-1", "O-000001")
    assert invoice.lines[0].order_line == "1"
    assert only(erp, "order").state == "invoiced"
    assert zero(erp) == {"receivable": "200.00 USD", "revenue": "-200.00 USD"}
    erp.send("bank", erp.credit("b1", "200.00", "your invoice ERP 1"))
    erp.work()
    assert only(erp, "order").state == "closed"
    assert erp.cases() == []
    assert erp.vendors["erp"].of("invoice") == [], "its own invoice is not sent back to it"
    assert [r["applied"][0]["invoice"] for r in erp.vendors["erp"].of("payment")] == ["i1"]
    assert erp.vendors["crm"].records["d1"]["payment_status"] == "paid"


def test_reading_the_same_invoice_again_changes_nothing(erp: World) -> None:
    order = approved(erp)
    ship(erp, order)
    tell(erp, "invoice", "i1", bill(erp, order))
    before = len(erp.rows("journal"))
    tell(erp, "invoice", "i1", bill(erp, order))
    assert len(erp.rows("journal")) == before
    assert erp.cases() == []


def test_partial_deliveries_give_partial_invoices(erp: World) -> None:
    order = approved(erp)
    ship(erp, order, "s1", "1")
    tell(erp, "invoice", "i1", bill(erp, order, quantity="1"))
    assert only(erp, "order").state == "part_invoiced"
    ship(erp, order, "s2", "1")
    tell(erp, "invoice", "i2", bill(erp, order, number="ERP-2", quantity="1"))
    assert only(erp, "order").state == "invoiced"


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"total": "210.00"}, "200.00 USD and 0.00 USD tax are 200.00 USD, not 210.00 USD"),
        ({"net": "190.00", "total": "190.00"}, "its lines add up to 200.00 USD, not to 190.00 USD"),
        ({"currency": "EUR"}, "it is in EUR, order O-000001 in USD"),
        (
            {"lines": [{"sku": "X", "quantity": "2", "price": "100.00", "amount": "200.00"}]},
            "no single line of order O-000001 is meant by X",
        ),
    ],
)
def test_what_does_not_add_up_or_fit_is_refused_and_nothing_is_posted(
    erp: World, fields: dict[str, object], told: str
) -> None:
    order = approved(erp)
    ship(erp, order)
    tell(erp, "invoice", "i1", bill(erp, order, **fields))
    assert only(erp, "invoice").state == "refused"
    assert evidence(erp)["problems"][0]["problem"] == told
    assert erp.balances() == {}
    answer(erp, "accept")
    assert reasons(erp) == ["invoice_refused"], "a hard problem cannot be accepted"
    answer(erp, "cancel")
    assert (only(erp, "invoice").state, erp.cases()) == ("cancelled", [])


def test_an_invoice_mended_at_the_erp_is_accepted_by_itself(erp: World) -> None:
    order = approved(erp)
    ship(erp, order)
    tell(erp, "invoice", "i1", bill(erp, order, total="210.00"))
    assert reasons(erp) == ["invoice_refused"]
    tell(erp, "invoice", "i1", bill(erp, order))
    assert (only(erp, "invoice").state, erp.cases()) == ("issued", [])


def test_more_than_was_ordered_is_never_billed(erp: World) -> None:
    order = approved(erp)
    ship(erp, order)
    tell(erp, "invoice", "i1", bill(erp, order))
    tell(erp, "invoice", "i2", bill(erp, order, number="ERP-2", quantity="1"))
    problems = [p["problem"] for p in evidence(erp)["problems"]]
    assert problems[0] == "order O-000001 is invoiced: nothing of it is to be billed"
    assert "A: ordered 2, billed 3 with this invoice" in problems
    assert erp.balances()["receivable"] == "200.00 USD"


def test_another_price_is_a_doubt_that_a_person_may_set_aside(erp: World) -> None:
    order = approved(erp)
    ship(erp, order)
    line = {"sku": "A", "quantity": "2", "price": "90.00", "amount": "180.00"}
    tell(erp, "invoice", "i1", bill(erp, order, lines=[line], net="180.00", total="180.00"))
    [problem] = evidence(erp)["problems"]
    assert problem["problem"] == "A: billed at 90.00, ordered at 100.00; -20.00 USD in all"
    answer(erp, "accept")
    assert (only(erp, "invoice").state, only(erp, "order").state) == ("issued", "invoiced")


def test_billed_before_its_shipment_is_known_waits_for_it(erp: World) -> None:
    order = approved(erp)
    tell(erp, "invoice", "i1", bill(erp, order))
    assert [p["problem"] for p in evidence(erp)["problems"]] == ["A: shipped 0, billed 2 with this invoice"]
    ship(erp, order)
    assert (only(erp, "invoice").state, erp.cases()) == ("issued", [])
    assert only(erp, "order").state == "invoiced"


def test_an_invoice_without_an_order_of_ours_is_owed_matched_and_counted(erp: World) -> None:
    erp.send("crm", erp.company(limit="250.00"))
    erp.work()
    tell(erp, "invoice", "i1", bill(erp))
    assert (only(erp, "invoice").state, only(erp, "invoice").order) == ("issued", "")
    erp.send("crm", erp.deal())
    erp.work()
    assert only(erp, "order").state == "held", "what is owed without an order counts against the limit"
    erp.send("bank", erp.credit("b1", "200.00", "ERP-1"))
    erp.work()
    assert only(erp, "invoice").state == "paid"
    assert only(erp, "order").state == "approved"


def test_an_invoice_from_one_who_does_not_bill_is_a_case(world: World) -> None:
    with_erp(world)
    order = approved(world)
    tell(world, "invoice", "i1", bill(world, order))
    assert evidence(world)["problems"][0]["problem"].startswith(
        "it comes from erp, and invoices are issued by the hub"
    )
    assert world.balances() == {}


def test_our_own_invoice_read_back_is_an_echo_even_before_its_delivery_is_settled(world: World) -> None:
    with_erp(world)
    order = approved(world)
    world.vendors["erp"].faults = ["lost_reply"]
    world.send("erp", world.shipment("s1", order, A="2"))
    world.work(1)
    there = next(k for k, r in world.vendors["erp"].records.items() if r["kind"] == "invoice")
    record = bill(world, order, number="INV-2026-000001")
    world.send("erp", {"kind": "invoice", "id": there, "record": record})
    world.work(1)
    assert len(world.documents("invoice")) == 1
    for _ in range(4):
        world.hurry()
        world.work()
    invoice = only(world, "invoice")
    assert (invoice.number, open_of(world, invoice)) == ("INV-2026-000001", "200.00 USD")
    assert world.cases() == []
    assert len(world.vendors["erp"].of("invoice")) == 1


def test_a_cancelled_invoice_is_taken_back_and_its_order_can_be_billed_again(erp: World) -> None:
    order = approved(erp)
    ship(erp, order)
    tell(erp, "invoice", "i1", bill(erp, order))
    tell(erp, "invoice", "i1", bill(erp, order, cancelled="2026-03-05"))
    assert (only(erp, "invoice").state, only(erp, "order").state) == ("cancelled", "approved")
    assert zero(erp) == {}
    assert erp.vendors["crm"].records["d1"]["payment_status"] == "not invoiced"
    tell(erp, "invoice", "i2", bill(erp, order, number="ERP-2"))
    assert [x.state for x in sorted(erp.documents("invoice"), key=lambda x: x.number)] == [
        "cancelled",
        "issued",
    ]
    assert (only(erp, "order").state, erp.cases()) == ("invoiced", [])


def test_a_deleted_invoice_is_cancelled_too(erp: World) -> None:
    order = approved(erp)
    ship(erp, order)
    tell(erp, "invoice", "i1", bill(erp, order))
    tell(erp, "invoice", "i1", None)
    assert (only(erp, "invoice").state, str(only(erp, "invoice").cancelled_on)) == ("cancelled", "2026-03-02")
    tell(erp, "invoice", "i1", None)
    assert (zero(erp), erp.cases()) == ({}, [])


def paid_and_cancelled(erp: World) -> None:
    order = approved(erp)
    ship(erp, order)
    tell(erp, "invoice", "i1", bill(erp, order))
    erp.send("bank", erp.credit("b1", "150.00", "ERP-1"))
    erp.work()
    answer(erp, "leave_open")
    tell(erp, "invoice", "i1", None)


def test_a_cancelled_invoice_with_cash_on_it_is_a_persons_to_decide(erp: World) -> None:
    paid_and_cancelled(erp)
    assert reasons(erp) == ["invoice_cancelled"]
    assert evidence(erp)["applied"] == [{"by": "payment", "number": "R-000001", "amount": "150.00 USD"}]
    answer(erp, "cancel")
    assert (only(erp, "invoice").state, only(erp, "payment").state) == ("cancelled", "unapplied")
    assert zero(erp) == {"cash": "150.00 USD", "unapplied": "-150.00 USD"}
    assert reasons(erp) == ["overpayment"]
    answer(erp, "refund")
    assert zero(erp) == {"cash": "150.00 USD", "refunded": "-150.00 USD"}


def test_a_cancelled_invoice_may_be_kept(erp: World) -> None:
    paid_and_cancelled(erp)
    answer(erp, "keep")
    tell(erp, "invoice", "i1", None)
    assert (only(erp, "invoice").state, erp.cases()) == ("part_paid", [])


def test_an_invoice_of_ours_that_is_deleted_where_it_is_booked_is_asked_about(world: World) -> None:
    with_erp(world)
    ship(world, approved(world))
    there = next(k for k, r in world.vendors["erp"].records.items() if r["kind"] == "invoice")
    tell(world, "invoice", there, None)
    assert (only(world, "invoice").state, reasons(world)) == ("issued", ["withdrawn"])
    answer(world, "cancel")
    assert (only(world, "invoice").state, only(world, "order").state) == ("cancelled", "approved")
    assert zero(world) == {}


def test_an_invoice_over_nothing_is_paid_at_once(erp: World) -> None:
    erp.send("crm", erp.company())
    erp.work()
    line = {"sku": "A", "quantity": "1", "price": "0", "amount": "0"}
    tell(erp, "invoice", "i1", bill(erp, lines=[line], net="0", total="0"))
    assert only(erp, "invoice").state == "paid"


def test_a_payment_of_the_erp_is_applied_as_it_says_and_not_sent_back(erp: World) -> None:
    order = approved(erp)
    ship(erp, order)
    tell(erp, "invoice", "i1", bill(erp, order))
    tell(erp, "payment", "p1", money_in(erp, "250.00", settled("i1", "120.00"), number="PY-7"))
    assert (only(erp, "payment").state, left(erp), open_of(erp, only(erp, "invoice"))) == (
        "part_applied", "130.00 USD", "80.00 USD",
    )  # fmt: skip
    assert [p.memo for p in erp.rows("postings") if p.account == "receivable"][-1].endswith("applied at erp")
    tell(erp, "payment", "p1", money_in(erp, "250.00", settled("i1", "200.00"), number="PY-7"))
    assert (only(erp, "invoice").state, only(erp, "order").state, left(erp)) == (
        "paid",
        "closed",
        "50.00 USD",
    )
    assert erp.cases() == []
    assert erp.vendors["erp"].of("payment") == []
    before = len(erp.rows("journal"))
    tell(erp, "payment", "p1", money_in(erp, "250.00", settled("i1", "200.00"), number="PY-7"))
    assert len(erp.rows("journal")) == before


def test_a_bank_payment_for_what_the_erp_has_paid_names_the_erps_payment(erp: World) -> None:
    order = approved(erp)
    ship(erp, order)
    tell(erp, "invoice", "i1", bill(erp, order))
    tell(erp, "payment", "p1", money_in(erp, "200.00", settled("i1", "200.00"), number="PY-7"))
    erp.send("bank", erp.credit("b1", "200.00", "ERP-1"))
    erp.work()
    assert (
        evidence(erp)["doubt"] == "ERP-1 is paid already by payment PY-7 of erp; this may be a second payment"
    )
    answer(erp, "duplicate")
    assert sorted(p.state for p in erp.documents("payment")) == ["applied", "reversed"]
    assert zero(erp) == {"cash": "200.00 USD", "revenue": "-200.00 USD"}


def test_more_than_is_open_is_not_applied_but_asked(erp: World) -> None:
    order = approved(erp)
    ship(erp, order)
    tell(erp, "invoice", "i1", bill(erp, order))
    tell(erp, "payment", "p1", money_in(erp, "500.00", settled("i1", "300.00")))
    assert reasons(erp) == ["unmatched_payment"]
    assert evidence(erp)["doubt"] == "300.00 USD is applied to ERP-1, of which 200.00 USD is open"
    assert zero(erp)["unapplied"] == "-500.00 USD"


def test_fewer_applications_than_known_are_a_case_that_can_be_taken_over(erp: World) -> None:
    erp.send("crm", erp.company())
    erp.work()
    tell(erp, "invoice", "i1", bill(erp))
    tell(erp, "invoice", "i2", bill(erp, number="ERP-2"))
    tell(erp, "payment", "p1", money_in(erp, "200.00", settled("i1", "200.00")))
    tell(erp, "payment", "p1", money_in(erp, "200.00", settled("i2", "150.00")))
    assert reasons(erp) == ["late_change"]
    answer(erp, "amend")
    states = {x.number: x.state for x in erp.documents("invoice")}
    assert states == {"ERP-1": "issued", "ERP-2": "part_paid"}
    assert (left(erp), only(erp, "payment").state, erp.cases()) == ("50.00 USD", "part_applied", [])


def test_money_of_a_known_customer_without_applications_waits_on_account(erp: World) -> None:
    erp.send("crm", erp.company())
    erp.work()
    tell(erp, "payment", "p1", money_in(erp, "75.00"))
    assert (only(erp, "payment").state, left(erp), erp.cases()) == ("unapplied", "75.00 USD", [])


def test_a_payment_taken_back_opens_what_it_paid_and_a_closed_order_asks(erp: World) -> None:
    order = approved(erp)
    ship(erp, order)
    tell(erp, "invoice", "i1", bill(erp, order))
    tell(erp, "payment", "p1", money_in(erp, "200.00", settled("i1", "200.00")))
    assert only(erp, "order").state == "closed"
    tell(erp, "payment", "p1", money_in(erp, "200.00", settled("i1", "200.00"), cancelled="2026-03-25"))
    assert (only(erp, "payment").state, only(erp, "invoice").state) == ("reversed", "issued")
    assert zero(erp) == {"receivable": "200.00 USD", "revenue": "-200.00 USD"}
    [case] = erp.cases()
    assert case.reason == "payment_reversed"
    assert case.title == "Order O-000001 is closed, and 200.00 USD of invoice ERP-1 is owed again"
    assert erp.vendors["crm"].records["d1"]["payment_status"] == "open"
    erp.send("bank", erp.credit("b1", "200.00", "ERP-1"))
    erp.work()
    assert (only(erp, "order").state, erp.cases()) == ("closed", [])


def test_a_payment_in_another_currency_keeps_each_currency_in_balance(erp: World) -> None:
    erp.send("crm", erp.company())
    erp.work()
    tell(erp, "invoice", "i1", bill(erp))
    part = settled("i1", "110.00", taken="100.00", taken_in="EUR")
    tell(erp, "payment", "p1", money_in(erp, "180.00", part, currency="EUR"))
    assert (left(erp), open_of(erp, only(erp, "invoice"))) == ("80.00 EUR", "90.00 USD")
    whole = settled("i1", "200.00", taken="180.00", taken_in="EUR")
    tell(erp, "payment", "p1", money_in(erp, "180.00", whole, currency="EUR"))
    assert (left(erp), only(erp, "invoice").state) == ("0.00 EUR", "paid")
    rows = {(p.account, p.currency) for p in erp.rows("postings")}
    assert {("exchange", "EUR"), ("exchange", "USD")} <= rows
    tell(erp, "payment", "p1", None)
    assert (only(erp, "payment").state, only(erp, "invoice").state) == ("reversed", "issued")
    with erp.hub.store.look() as tx:
        assert [(a, str(m)) for a, m in tx.books.balances() if m] == [
            ("receivable", "200.00 USD"), ("revenue", "-200.00 USD"),
        ]  # fmt: skip


def test_without_what_it_took_another_currency_is_not_applied(erp: World) -> None:
    erp.send("crm", erp.company())
    erp.work()
    tell(erp, "invoice", "i1", bill(erp))
    tell(erp, "payment", "p1", money_in(erp, "180.00", settled("i1", "200.00"), currency="EUR"))
    assert evidence(erp)["doubt"] == "ERP-1 is in USD, and it is not told how much EUR it took"


def test_an_unknown_customer_there_waits_for_it(erp: World) -> None:
    erp.send("crm", erp.company())
    erp.work()
    assert customer_there(erp)
    tell(erp, "invoice", "i1", bill(erp, customer="nobody"))
    assert erp.documents("invoice") == []
