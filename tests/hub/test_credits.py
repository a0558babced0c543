"""Credit memos and adjustments: from the ERP and from people, posted, applied, and told."""

from __future__ import annotations

from typing import Any

import pytest

from hub.decide import decide
from hub.errors import Invalid
from hub.stages.outcome import Choice
from tests.hub.erp_world import (
    answer,
    approved,
    bill,
    credit,
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
def billed(world: World) -> World:
    """The ERP bills, and 200.00 are owed."""
    with_erp(world, issuer="erp")
    order = approved(world)
    ship(world, order)
    tell(world, "invoice", "i1", bill(world, order))
    return world


@pytest.fixture
def ours(world: World) -> World:
    """The hub bills, and 238.00 with tax are owed."""
    with_erp(world)
    ship(world, approved(world, tax="19"))
    return world


def there(world: World) -> str:
    return next(k for k, r in world.vendors["erp"].records.items() if r["kind"] == "invoice")


def test_a_credit_memo_of_the_erp_settles_the_invoice_it_corrects(billed: World) -> None:
    tell(billed, "credit_memo", "c1", credit(billed, "50.00", invoice="i1"))
    memo, invoice = only(billed, "credit_memo"), only(billed, "invoice")
    assert (memo.state, memo.order, invoice.state) == ("applied", invoice.order, "part_paid")
    assert zero(billed) == {"receivable": "150.00 USD", "revenue": "-150.00 USD"}
    assert billed.vendors["crm"].records["d1"]["payment_status"] == "part paid"
    assert billed.vendors["erp"].of("credit_memo") == [], "its own credit memo is not sent back to it"
    billed.send("bank", billed.credit("b1", "150.00", "ERP-1"))
    billed.work()
    assert (only(billed, "order").state, billed.cases()) == ("closed", [])


def test_a_credit_memo_over_more_than_is_open_keeps_its_rest(billed: World) -> None:
    tell(billed, "credit_memo", "c1", credit(billed, "250.00", invoice="i1"))
    assert (only(billed, "credit_memo").state, left(billed, "credit_memo")) == ("part_applied", "50.00 USD")
    assert (only(billed, "invoice").state, only(billed, "order").state) == ("paid", "closed")
    assert zero(billed)["credit"] == "-50.00 USD"
    assert billed.cases() == [], "its system decides about the rest"


def test_applications_of_a_credit_memo_are_carried_out_and_may_grow(billed: World) -> None:
    tell(billed, "credit_memo", "c1", credit(billed, "80.00", settled("i1", "30.00")))
    assert (only(billed, "credit_memo").state, open_of(billed, only(billed, "invoice"))) == (
        "part_applied", "170.00 USD",
    )  # fmt: skip
    tell(billed, "credit_memo", "c1", credit(billed, "80.00", settled("i1", "80.00")))
    assert (only(billed, "credit_memo").state, open_of(billed, only(billed, "invoice"))) == (
        "applied", "120.00 USD",
    )  # fmt: skip
    tell(billed, "credit_memo", "c1", credit(billed, "80.00", settled("i1", "20.00")))
    assert reasons(billed) == ["late_change"]
    answer(billed, "amend")
    assert (only(billed, "credit_memo").state, left(billed, "credit_memo")) == ("part_applied", "60.00 USD")


def test_a_credit_memo_that_does_not_add_up_waits(billed: World) -> None:
    wrong = credit(billed, "50.00", invoice="i1") | {"net": "60.00"}
    tell(billed, "credit_memo", "c1", wrong)
    assert (only(billed, "credit_memo").state, reasons(billed)) == ("refused", ["credit_memo_refused"])
    assert zero(billed)["receivable"] == "200.00 USD"
    tell(billed, "credit_memo", "c1", credit(billed, "50.00", invoice="i1"))
    assert (only(billed, "credit_memo").state, billed.cases()) == ("applied", [])


def test_a_cancelled_credit_memo_is_owed_again(billed: World) -> None:
    tell(billed, "credit_memo", "c1", credit(billed, "200.00", invoice="i1"))
    assert only(billed, "order").state == "closed"
    tell(billed, "credit_memo", "c1", None)
    assert (only(billed, "credit_memo").state, only(billed, "invoice").state) == ("cancelled", "issued")
    assert zero(billed) == {"receivable": "200.00 USD", "revenue": "-200.00 USD"}
    assert reasons(billed) == ["payment_reversed"]
    answer(billed, "leave_open")


def test_a_cancelled_invoice_gives_its_credit_back(billed: World) -> None:
    tell(billed, "credit_memo", "c1", credit(billed, "50.00", invoice="i1"))
    tell(billed, "adjustment", "a1", adjusted("10.00"))
    tell(billed, "invoice", "i1", None)
    answer(billed, "cancel")
    assert (only(billed, "credit_memo").state, left(billed, "credit_memo")) == ("issued", "50.00 USD")
    assert (only(billed, "adjustment").state, only(billed, "invoice").state) == ("reversed", "cancelled")
    assert zero(billed) == {"credit": "-50.00 USD", "revenue": "50.00 USD"}


def adjusted(amount: str, reason: str = "discount", **fields: str) -> dict[str, str]:
    return {"invoice": "i1", "amount": amount, "reason": reason, "date": "2026-03-20", **fields}


@pytest.mark.parametrize("reason", ["write_off", "discount", "deduction", "fee", "exchange"])
def test_an_adjustment_of_the_erp_settles_the_rest_of_an_invoice(billed: World, reason: str) -> None:
    billed.send("bank", billed.credit("b1", "194.00", "ERP-1"))
    billed.work()
    tell(billed, "adjustment", "a1", adjusted("6.00", reason))
    assert (only(billed, "invoice").state, only(billed, "adjustment").state) == ("paid", "booked")
    assert zero(billed)[reason] == "6.00 USD"
    assert (only(billed, "order").state, billed.cases()) == ("closed", [])
    tell(billed, "adjustment", "a1", adjusted("6.00", reason, cancelled="2026-03-22"))
    assert (only(billed, "invoice").state, only(billed, "adjustment").state) == ("part_paid", "reversed")
    assert reason not in zero(billed)


def test_an_adjustment_over_more_than_is_open_is_refused(billed: World) -> None:
    tell(billed, "adjustment", "a1", adjusted("200.01"))
    assert evidence(billed)["problems"] == ["200.01 USD is more than the 200.00 USD open on invoice ERP-1"]
    answer(billed, "cancel")
    assert (only(billed, "adjustment").state, zero(billed)["receivable"]) == ("reversed", "200.00 USD")


def test_a_person_writes_off_a_small_rest_and_the_erp_is_told(ours: World) -> None:
    ours.send("bank", ours.credit("b1", "230.00", "INV-2026-000001"))
    ours.work()
    answer(ours, "write_off", "too small to ask for")
    written = only(ours, "adjustment")
    assert (written.number, str(written.amount), written.note) == (
        "WO-2026-000001", "8.00 USD", "too small to ask for",
    )  # fmt: skip
    assert (only(ours, "order").state, zero(ours)["write_off"]) == ("closed", "8.00 USD")
    [told] = ours.vendors["erp"].of("adjustment")
    assert (told["invoice"], str(told["amount"]), told["reason"]) == (there(ours), "8.00", "write_off")


def test_more_than_the_policy_allows_cannot_be_written_off(ours: World) -> None:
    ours.send("bank", ours.credit("b1", "100.00", "INV-2026-000001"))
    ours.work()
    [case] = ours.cases()
    with pytest.raises(Invalid, match=r"138\.00 USD is above the 25\.00 USD a person may write off") as told:
        decide(ours.hub, case.id, "write_off", Choice("ada", "", {}))
    assert told.value.field == "write_off_max"


def says(world: World, quantity: str) -> None:
    line = {"id": 1, "sku": "A", "quantity": quantity, "price": "100.00", "tax": "19"}
    world.send("crm", world.deal(lines=[line]))
    world.work()


def test_what_was_billed_too_much_is_credited_once_and_the_erp_is_told(ours: World) -> None:
    says(ours, "1")
    assert evidence(ours)["credit"] == "119.00 USD"
    answer(ours, "credit", "one came back")
    memo = only(ours, "credit_memo")
    assert (memo.number, memo.state, memo.reason) == ("CM-2026-000001", "applied", "one came back")
    assert [(str(x.quantity), str(x.unit_price)) for x in memo.lines] == [("1", "100.00")]
    assert open_of(ours, only(ours, "invoice")) == "119.00 USD"
    assert zero(ours) == {"receivable": "119.00 USD", "revenue": "-100.00 USD", "tax": "-19.00 USD"}
    [told] = ours.vendors["erp"].of("credit_memo")
    assert [(a["invoice"], str(a["amount"])) for a in told["applied"]] == [(there(ours), "119.00")]
    says(ours, "1")
    assert ours.cases() == [], "what was credited is not asked again"
    says(ours, "0.5")
    assert evidence(ours)["credit"] == "59.50 USD", "what was credited before counts"


def test_a_lower_price_is_credited_as_a_difference(ours: World) -> None:
    line = {"id": 1, "sku": "A", "quantity": "2", "price": "90.00", "tax": "19"}
    ours.send("crm", ours.deal(lines=[line]))
    ours.work()
    answer(ours, "credit")
    [line_] = only(ours, "credit_memo").lines
    assert (line_.name, str(line_.line_extension_amount)) == ("A: difference in price", "20.00 USD")


def test_a_deleted_deal_is_credited_whole_and_its_cash_is_free_for_others(ours: World) -> None:
    ours.send("bank", ours.credit("b1", "200.00", "INV-2026-000001"))
    ours.work()
    answer(ours, "leave_open")
    ours.send("crm", {"kind": "order", "id": "d1", "record": None})
    ours.work()
    answer(ours, "credit")
    assert (only(ours, "credit_memo").state, left(ours, "credit_memo")) == ("part_applied", "200.00 USD")
    assert reasons(ours) == ["unapplied_credit"]
    ours.send("crm", ours.deal("d2"))
    ours.work()
    ship(ours, ours.erp_order(), "s2")
    second = next(x for x in ours.documents("invoice") if x.number == "INV-2026-000002")
    answer(ours, "apply", invoices=[{"invoice": second.id, "amount": "150.00"}])
    assert (open_of(ours, second), left(ours, "credit_memo")) == ("50.00 USD", "50.00 USD")
    answer(ours, "apply", invoices=[{"invoice": second.id}])
    assert (only(ours, "credit_memo").state, ours.cases()) == ("applied", [])
    assert [str(a["amount"]) for a in ours.vendors["erp"].of("credit_memo")[0]["applied"]] == [
        "38.00",
        "200.00",
    ]


def test_nothing_billed_is_nothing_to_credit(world: World) -> None:
    with_erp(world)
    approved(world)
    world.send("crm", world.deal(lines=[{"id": 1, "sku": "A", "quantity": "1", "price": "100.00"}]))
    world.work()
    [case] = world.cases()
    with pytest.raises(Invalid, match="nothing of order O-000001 is billed in its currency"):
        decide(world.hub, case.id, "credit", Choice("ada", "", {}))


def test_what_a_person_at_the_erp_applies_more_of_our_payment_counts_here_too(ours: World) -> None:
    ours.send("bank", ours.credit("b1", "300.00", "INV-2026-000001"))
    ours.work()
    assert reasons(ours) == ["overpayment"]
    ours.send("crm", ours.deal("d2"))
    ours.work()
    ship(ours, ours.erp_order(), "s2")
    first, second = (k for k, r in ours.vendors["erp"].records.items() if r["kind"] == "invoice")
    payment = next(k for k, r in ours.vendors["erp"].records.items() if r["kind"] == "payment")
    echo = money_in(ours, "300.00", settled(first, "238.00"))
    tell(ours, "payment", payment, echo)
    assert left(ours) == "62.00 USD"
    tell(
        ours, "payment", payment, money_in(ours, "300.00", settled(first, "238.00"), settled(second, "62.00"))
    )
    assert (left(ours), ours.cases()) == ("0.00 USD", [])
    tell(ours, "payment", payment, echo)
    assert ours.cases() == [], "what it lacks there is on its way, or reconciled"


@pytest.mark.parametrize(
    ("kind", "record", "state"),
    [
        ("invoice", lambda w: bill(w, number="ERP-2", cancelled="2026-03-04"), "cancelled"),
        ("credit_memo", lambda w: credit(w, "10.00", cancelled="2026-03-04"), "cancelled"),
        ("payment", lambda w: money_in(w, "10.00", cancelled="2026-03-04"), "reversed"),
        ("adjustment", lambda w: adjusted("1.00", cancelled="2026-03-04"), "reversed"),
    ],
)
def test_what_was_cancelled_before_it_was_first_seen_counts_for_nothing(
    billed: World, kind: str, record: Any, state: str
) -> None:
    before = zero(billed)
    tell(billed, kind, "late", record(billed))
    assert state in {str(x.state) for x in billed.documents(kind)}
    assert (zero(billed), billed.cases()) == (before, [])
    tell(billed, kind, "late", record(billed))
    tell(billed, kind, "late", None)
    assert (zero(billed), billed.cases()) == (before, [])


def test_what_the_erp_made_of_our_credit_memo_is_an_echo(ours: World) -> None:
    says(ours, "1")
    answer(ours, "credit")
    known = next(k for k, r in ours.vendors["erp"].records.items() if r["kind"] == "credit_memo")
    echo = credit(ours, "119.00", settled(there(ours), "119.00")) | {
        "net": "100.00",
        "number": "CM-2026-000001",
    }
    tell(ours, "credit_memo", known, echo)
    assert (len(ours.documents("credit_memo")), ours.cases()) == (1, [])
    assert len(ours.vendors["erp"].of("credit_memo")) == 1
    tell(ours, "credit_memo", known, echo | {"total": "120.00"})
    assert reasons(ours) == ["late_change"], "another amount there is a question"


def test_our_payment_voided_at_the_erp_is_asked_about_not_undone(ours: World) -> None:
    ours.send("bank", ours.credit("b1", "238.00", "INV-2026-000001"))
    ours.work()
    known = next(k for k, r in ours.vendors["erp"].records.items() if r["kind"] == "payment")
    tell(ours, "payment", known, money_in(ours, "238.00", cancelled="2026-03-22"))
    assert (only(ours, "payment").state, reasons(ours)) == ("applied", ["withdrawn"])
    answer(ours, "keep")
    tell(ours, "payment", known, money_in(ours, "238.00", cancelled="2026-03-22"))
    assert ours.cases() == []


def test_a_customer_cannot_be_cancelled(ours: World) -> None:
    ours.send("crm", {"kind": "customer", "id": "c1", "record": None})
    ours.work()
    [case] = ours.cases()
    with pytest.raises(Invalid, match="a customer cannot be cancelled; keep it"):
        decide(ours.hub, case.id, "cancel", Choice("ada", "", {}))


def test_a_payment_that_the_bank_took_back_is_undone_by_a_person(ours: World) -> None:
    ours.send("bank", ours.credit("b1", "238.00", "INV-2026-000001"))
    ours.work()
    ours.send("bank", ours.credit("b2", "-238.00", "return of debit"))
    ours.work()
    [case] = ours.cases()
    with pytest.raises(Invalid, match=r"name the payment over 238\.00 USD that was taken back"):
        decide(ours.hub, case.id, "returned", Choice("ada", "", {"payment": "R-000009"}))
    answer(ours, "returned", payment="R-000001")
    assert [x.state for x in ours.documents("payment")] == ["reversed", "reversed"]
    assert zero(ours) == {"receivable": "238.00 USD", "revenue": "-200.00 USD", "tax": "-38.00 USD"}
    assert reasons(ours) == ["payment_reversed"], "the order is closed, and owed again"
