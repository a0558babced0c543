"""Money that a payment provider holds: fees, refunds, disputes, payouts, and the bank's lines for them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from hub import process
from hub.decide import decide
from hub.duedates import DueDates
from hub.errors import Invalid
from hub.model import Money, Payment
from hub.process import Cause
from hub.stages.outcome import Choice, Event
from hub.store.database import new_id
from tests import templates
from tests.hub.provider_world import (
    Provider,
    assert_ties_out,
    billed,
    in_books,
    one,
    with_provider,
)
from tests.world import World, make_world


@pytest.fixture
def acme(tmp_path: Path) -> Iterator[Provider]:
    """A provider beside the bank."""
    url = f"sqlite:///{tmp_path / 'hub.db'}"
    templates.fill(url)
    provider = with_provider(make_world(url))
    yield provider
    assert not [row for row in provider.world.rows("inbox") if row.state != "done"]
    if not provider.untold:
        assert_ties_out(provider)
    provider.world.hub.store.database.close()


def reasons(world: World) -> list[str]:
    return sorted(case.reason for case in world.cases())


def answer(world: World, decision: str, reason: str = "", **values: Any) -> None:
    [case] = [one for one in world.cases() if not reason or one.reason == reason]
    decide(world.hub, case.id, decision, Choice("ada", "", values))
    world.work()


def evidence(world: World, reason: str) -> dict[str, Any]:
    [case] = [one for one in world.cases() if one.reason == reason]
    return dict(json.loads(case.evidence))


def paid(acme: Provider, amount: str = "100.00", **fields: Any) -> str:
    """One invoice that a charge paid."""
    [invoice] = billed(acme.world, amount)
    charge = acme.charge(amount, invoice=invoice, **fields)
    acme.tell()
    return charge


def left(world: World) -> dict[str, str]:
    """Balances that are not nothing, without what was billed."""
    books = in_books(world)
    return {a: str(books[a]) for a in sorted(books) if books[a] and a not in ("revenue", "tax")}


# -- payments -----------------------------------------------------------------------
def test_a_charge_is_held_by_the_provider_and_its_fee_is_ours(acme: Provider) -> None:
    paid(acme, fee="3.20")
    assert left(acme.world) == {"fee": "3.20", "held": "96.80"}
    assert one(acme.world, "invoice").state == "paid"
    assert one(acme.world, "payment").state == "applied"


def test_a_fee_that_is_told_later_is_posted_once(acme: Provider) -> None:
    charge = paid(acme, fee="3.20")
    record = acme.objects[charge][1]
    before = record.pop("fee"), record.pop("fee_in")
    acme.tell(("acme", charge))  # a source that does not know it does not take it back
    assert left(acme.world) == {"fee": "3.20", "held": "96.80"}
    record["fee"], record["fee_in"] = before
    acme.tell(("acme", charge), ("acme", charge))
    assert left(acme.world) == {"fee": "3.20", "held": "96.80"}


def test_a_charge_is_matched_by_the_number_in_its_text_too(acme: Provider) -> None:
    billed(acme.world, "80.00")
    acme.charge("80.00", f"Invoice {one(acme.world, 'invoice').number}")
    acme.tell()
    assert one(acme.world, "invoice").state == "paid"


def held(world: World, amount: str) -> Payment:
    """A charge of a customer whom the provider knows."""
    [customer] = world.documents("customer")
    money = Money(amount=Decimal(amount), currency="USD")
    charge = Payment(
        id=new_id(),
        amount=money,
        booked_on=world.today[0].date(),
        held_by="acme pay",
        customer=customer.id,
    )
    with world.hub.store.begin() as tx:
        process.run(tx, [Event("payment.received", charge)], world.hub.addressees, Cause("acme", "test"))
    return next(x for x in world.documents("payment") if x.id == charge.id)


def test_a_known_customers_charge_pays_the_one_invoice_that_fits_exactly(world: World) -> None:
    with_provider(world)
    billed(world, "80.00", "90.00")
    assert held(world, "80.00").state == "applied"
    assert {x.state for x in world.documents("invoice")} == {"paid", "issued"}


def test_a_known_customers_charge_that_fits_nothing_waits_on_account_and_asks(world: World) -> None:
    with_provider(world)
    billed(world, "80.00")
    charge = held(world, "33.00")
    assert (charge.state, reasons(world)) == ("unapplied", ["unmatched_payment"])
    with pytest.raises(Invalid, match="acme pay holds this money"):
        answer(world, "duplicate")
    answer(world, "apply", invoices=[{"invoice": one(world, "invoice").id, "amount": "33.00"}])
    assert (one(world, "invoice").state, reasons(world)) == ("part_paid", ["short_payment"])


def test_a_debit_that_bounces_days_later_is_owed_again_and_its_fee_stays(acme: Provider) -> None:
    charge = paid(acme, fee="0.80")
    acme.fail_charge(charge)
    acme.tell()
    assert left(acme.world) == {"fee": "0.80", "held": "-0.80", "receivable": "100.00"}
    assert (one(acme.world, "invoice").state, one(acme.world, "payment").state) == ("issued", "reversed")


def test_a_debit_that_bounced_before_we_heard_of_it_leaves_only_its_fee(acme: Provider) -> None:
    [invoice] = billed(acme.world, "100.00")
    acme.fail_charge(acme.charge("100.00", invoice=invoice, fee="0.80"))
    acme.tell()
    assert left(acme.world) == {"fee": "0.80", "held": "-0.80", "receivable": "100.00"}


# -- refunds ------------------------------------------------------------------------
def test_a_refund_reopens_what_was_paid_and_asks_what_it_means(acme: Provider) -> None:
    charge = paid(acme)
    acme.refund(charge, "30.00")
    acme.tell()
    assert left(acme.world) == {"fee": "1.00", "held": "69.00", "receivable": "30.00"}
    assert one(acme.world, "invoice").state == "part_paid"
    assert one(acme.world, "refund").state == "booked"
    assert reasons(acme.world) == ["payment_reversed", "refund_applied"]
    assert evidence(acme.world, "refund_applied")["owed_again"] == [
        f"{one(acme.world, 'invoice').number}: 30.00 USD"
    ]


def test_what_a_refund_reopened_is_credited_when_a_person_says_so(acme: Provider) -> None:
    charge = paid(acme)
    acme.refund(charge, "30.00")
    acme.tell()
    answer(acme.world, "credit", "refund_applied")
    assert one(acme.world, "invoice").state == "paid"
    memo = one(acme.world, "credit_memo")
    assert (str(memo.payable_amount), memo.state) == ("30.00 USD", "applied")
    assert reasons(acme.world) == []


def test_what_a_refund_reopened_is_collected_or_written_off(acme: Provider) -> None:
    charge = paid(acme)
    acme.refund(charge, "10.00")
    acme.tell()
    answer(acme.world, "collect", "refund_applied")
    assert one(acme.world, "invoice").state == "part_paid"
    assert reasons(acme.world) == []
    acme.refund(charge, "10.00")
    acme.tell()
    answer(acme.world, "write_off", "refund_applied")
    assert one(acme.world, "invoice").state == "paid"


def test_a_refund_told_again_by_its_charge_is_not_applied_again(acme: Provider) -> None:
    charge = paid(acme)
    refund = acme.refund(charge, "30.00")
    acme.tell()
    before = left(acme.world)
    acme._changed(charge, fee="1.50")  # the charge goes on saying that it paid the whole invoice
    acme.moved[0].fee = Decimal("1.50")
    acme.tell()
    acme.tell(("acme", refund), ("acme", charge))
    assert left(acme.world) == {**before, "fee": "1.50", "held": "68.50"}
    assert "unmatched_payment" not in reasons(acme.world)


def test_a_refund_that_fails_later_pays_the_invoice_again(acme: Provider) -> None:
    charge = paid(acme)
    refund = acme.refund(charge, "30.00")
    acme.tell()
    acme.fail_refund(refund)
    acme.tell()
    assert left(acme.world) == {"fee": "1.00", "held": "99.00"}
    assert one(acme.world, "invoice").state == "paid"
    assert one(acme.world, "refund").state == "reversed"
    assert reasons(acme.world) == []


def test_money_that_came_back_too_late_for_its_invoice_waits_for_a_person(acme: Provider) -> None:
    charge = paid(acme)
    refund = acme.refund(charge, "30.00")
    acme.tell()
    answer(acme.world, "credit", "refund_applied")
    acme.fail_refund(refund)
    acme.tell()
    assert left(acme.world)["unapplied"] == "-30.00"
    assert reasons(acme.world) == ["overpayment"]


def test_a_refund_of_what_was_paid_too_much_asks_nothing(acme: Provider) -> None:
    [invoice] = billed(acme.world, "100.00")
    charge = acme.charge("130.00", invoice=invoice, paid="100.00")
    acme.refund(charge, "30.00")
    acme.tell()
    assert left(acme.world) == {"fee": "1.00", "held": "99.00"}
    assert (reasons(acme.world), one(acme.world, "payment").state) == ([], "applied")


def test_a_refund_that_failed_before_we_heard_of_it_moves_nothing(acme: Provider) -> None:
    charge = paid(acme)
    acme.fail_refund(acme.refund(charge, "30.00"))
    acme.tell()
    assert one(acme.world, "invoice").state == "paid"
    assert one(acme.world, "refund").state == "reversed"


def test_a_refund_over_more_than_its_payment_is_refused_and_can_be_tried_again(world: World) -> None:
    acme = with_provider(world)
    charge = paid(acme)
    refund = acme.refund(charge, "130.00")
    acme.tell()
    assert (one(world, "refund").state, reasons(world)) == ("refused", ["refund_refused"])
    acme._changed(refund, amount="30.00")
    acme.tell()
    assert (one(world, "refund").state, one(world, "invoice").state) == ("booked", "part_paid")
    assert "refund_refused" not in reasons(world)


def test_a_refund_that_is_known_before_its_payment_waits_for_it(acme: Provider) -> None:
    [invoice] = billed(acme.world, "100.00")
    refund = acme.refund(acme.charge("100.00", invoice=invoice), "30.00")
    acme.tell(("acme", refund))
    assert acme.world.documents("refund") == []
    acme.tell()
    assert one(acme.world, "refund").state == "booked"


@pytest.mark.parametrize("refund_first", [True, False])
def test_a_bounced_payment_that_was_refunded_before_is_lost_twice_in_either_order(
    acme: Provider, refund_first: bool
) -> None:
    charge = paid(acme)
    refund = acme.refund(charge, "30.00")
    if refund_first:
        acme.tell()
    acme.fail_charge(charge)
    acme.tell(("acme", charge), ("acme", refund))
    acme.tell()
    assert left(acme.world) == {
        "fee": "1.00", "held": "-31.00", "receivable": "100.00", "refunded": "30.00",
    }  # fmt: skip
    assert "sent_back_twice" in reasons(acme.world)


# -- disputes -----------------------------------------------------------------------
def test_disputed_money_is_nobodys_until_it_is_won(acme: Provider) -> None:
    charge = paid(acme)
    dispute = acme.dispute(charge, "100.00")
    acme.tell()
    assert left(acme.world) == {"disputed": "100.00", "fee": "16.00", "held": "-16.00"}
    assert (one(acme.world, "invoice").state, reasons(acme.world)) == ("paid", ["dispute_opened"])
    acme.win(dispute)
    acme.tell()
    assert left(acme.world) == {"fee": "16.00", "held": "84.00"}
    assert (one(acme.world, "dispute").state, reasons(acme.world)) == ("won", [])


def test_a_dispute_fee_that_is_given_back_is_booked_once(acme: Provider) -> None:
    charge = paid(acme)
    dispute = acme.dispute(charge, "100.00")
    acme.tell()
    acme.win(dispute, fee_back=True)
    acme.at_bank(acme.pay_out())
    acme.tell()
    assert left(acme.world) == {"cash": "99.00", "fee": "1.00"}


def test_a_lost_dispute_is_owed_again_and_asks(acme: Provider) -> None:
    charge = paid(acme)
    dispute = acme.dispute(charge, "60.00")
    acme.tell()
    acme.lose(dispute)
    acme.tell()
    assert left(acme.world) == {"fee": "16.00", "held": "24.00", "receivable": "60.00"}
    assert (one(acme.world, "dispute").state, one(acme.world, "invoice").state) == ("lost", "part_paid")
    answer(acme.world, "credit", "dispute_lost")
    assert one(acme.world, "invoice").state == "paid"


def test_a_dispute_that_is_won_before_we_heard_of_it_costs_its_fee(acme: Provider) -> None:
    charge = paid(acme)
    acme.win(acme.dispute(charge, "100.00"))
    acme.tell()
    assert left(acme.world) == {"fee": "16.00", "held": "84.00"}
    assert one(acme.world, "dispute").state == "won"


def test_a_lost_dispute_that_is_won_after_all_pays_the_invoice_again(acme: Provider) -> None:
    charge = paid(acme)
    dispute = acme.dispute(charge, "100.00")
    acme.lose(dispute)
    acme.tell()
    assert one(acme.world, "invoice").state == "issued"
    acme.win(dispute)
    acme.tell()
    assert (one(acme.world, "invoice").state, reasons(acme.world)) == ("paid", [])


def test_a_lost_dispute_that_is_appealed_is_open_again(acme: Provider) -> None:
    charge = paid(acme)
    dispute = acme.dispute(charge, "100.00")
    acme.lose(dispute)
    acme.tell()
    acme.appeal(dispute)
    acme.tell()
    assert left(acme.world) == {"disputed": "100.00", "fee": "16.00", "held": "-16.00"}
    assert reasons(acme.world) == ["dispute_opened"]


def test_an_inquiry_moves_nothing(acme: Provider) -> None:
    charge = paid(acme)
    acme.dispute(charge, "100.00", withdrawn=False)
    acme.tell()
    assert left(acme.world) == {"fee": "1.00", "held": "99.00"}
    answer(acme.world, "noted")
    assert reasons(acme.world) == []


def test_a_payment_that_was_refunded_and_then_disputed_is_lost_twice(acme: Provider) -> None:
    charge = paid(acme)
    acme.refund(charge, "100.00")
    dispute = acme.dispute(charge, "100.00")
    acme.lose(dispute)
    acme.tell()
    books = left(acme.world)
    assert (books["refunded"], books["receivable"]) == ("100.00", "100.00")
    assert "sent_back_twice" in reasons(acme.world)
    acme.win(dispute)
    acme.tell()
    assert "sent_back_twice" not in reasons(acme.world)
    assert "refunded" not in left(acme.world)


# -- payouts ------------------------------------------------------------------------
@pytest.mark.parametrize("by", ["trace", "name"])
@pytest.mark.parametrize("line_first", [True, False])
def test_a_payout_is_the_line_at_the_bank_in_either_order(acme: Provider, by: str, line_first: bool) -> None:
    charge = paid(acme, fee="3.00")
    acme.refund(charge, "20.00")
    acme.charge_fee("2.50")
    payout = acme.pay_out(trace="TRACE001" if by == "trace" else "")
    line = acme.at_bank(payout, **({"text": [], "payer": "SOMEBODY"} if by == "trace" else {}))
    acme.tell(("bank", line), *acme.untold) if line_first else acme.tell()
    books = left(acme.world)
    assert books == {"cash": "74.50", "fee": "5.50", "receivable": "20.00"}
    assert one(acme.world, "payout").state == "settled"
    [bank_line] = [x for x in acme.world.documents("payment") if not x.held_by]
    assert (bank_line.state, one(acme.world, "payout").payment) == ("transferred", bank_line.id)
    assert "unmatched_payment" not in reasons(acme.world)


def test_a_payout_is_no_customers_payment_to_anybody(acme: Provider) -> None:
    paid(acme)
    acme.tell()
    told = len(acme.world.vendors["erp"].of("payment"))
    acme.at_bank(acme.pay_out())
    acme.tell()
    assert len(acme.world.vendors["erp"].of("payment")) == told


def test_a_line_of_the_same_amount_without_the_providers_name_is_no_payout(acme: Provider) -> None:
    paid(acme)
    payout = acme.pay_out()
    acme.paid_at_bank(acme.objects[payout][1]["amount"], payer="Jane Roe", text=["thanks"])
    acme.tell()
    assert one(acme.world, "payout").state == "announced"
    assert left(acme.world)["transit"] == "99.00"
    assert reasons(acme.world) == ["unmatched_payment"]


def test_a_line_too_many_days_away_is_no_payout(acme: Provider) -> None:
    paid(acme)
    acme.at_bank(acme.pay_out(), date="2026-03-30")
    acme.tell()
    assert one(acme.world, "payout").state == "announced"
    acme.transit.clear()
    acme.transit["late"] = Decimal("99.00")


def test_a_payout_whose_items_do_not_add_up_is_refused_with_the_arithmetic(acme: Provider) -> None:
    paid(acme)
    payout = acme.pay_out()
    items = acme.objects[payout][1]["items"]
    acme.objects[payout][1]["items"] = [*items, {**items[0], "id": "txn_x", "gross": "5.00", "net": "4.00"}]
    acme.tell()
    [problem, *_] = evidence(acme.world, "payout_refused")["problems"]
    assert "5.00 USD is not the 100.00 USD of payment" in problem
    with pytest.raises(Invalid, match="mended"):
        answer(acme.world, "accept", "payout_refused")
    assert one(acme.world, "payout").state == "refused"
    assert "transit" not in left(acme.world)
    line = acme.at_bank(payout)
    acme.tell(("bank", line))
    assert "is payout" in next(x.title for x in acme.world.cases() if x.reason == "unmatched_payment")
    acme._changed(payout, items=items)
    acme.tell()
    assert (one(acme.world, "payout").state, reasons(acme.world)) == ("settled", [])


def test_items_that_are_not_in_these_books_need_a_person(acme: Provider) -> None:
    paid(acme)
    payout = acme.pay_out()
    record = acme.objects[payout][1]
    record["items"].append({"id": "txn_o", "type": "other", "gross": "7.00", "fee": "0", "net": "7.00"})
    record["amount"] = "106.00"
    acme.moved[-1].gross = Decimal("-106.00")
    acme.moved.append(type(acme.moved[0])("txn_o", "other", "", Decimal("7.00"), Decimal(0)))
    acme.transit[payout] = Decimal("106.00")
    acme.tell()
    assert reasons(acme.world) == ["payout_refused"]
    answer(acme.world, "accept", "payout_refused")
    assert left(acme.world) == {"elsewhere": "-7.00", "fee": "1.00", "transit": "106.00"}
    acme.at_bank(payout)
    acme.tell()
    assert left(acme.world) == {"cash": "106.00", "elsewhere": "-7.00", "fee": "1.00"}


def test_a_provider_that_debits_our_account_is_a_payout_below_zero(acme: Provider) -> None:
    charge = paid(acme)
    acme.at_bank(acme.pay_out())
    acme.refund(charge, "40.00")
    acme.at_bank(acme.pay_out())
    acme.tell()
    assert left(acme.world) == {"cash": "59.00", "fee": "1.00", "receivable": "40.00"}
    assert {x.state for x in acme.world.documents("payout")} == {"settled"}


def test_a_payout_that_is_fees_only_is_a_payout(acme: Provider) -> None:
    acme.charge_fee("12.00")
    acme.at_bank(acme.pay_out())
    acme.tell()
    assert left(acme.world) == {"cash": "-12.00", "fee": "12.00"}
    assert (one(acme.world, "payout").state, reasons(acme.world)) == ("settled", [])


def test_a_fee_that_only_the_payout_tells_is_booked_for_its_payment(acme: Provider) -> None:
    [invoice] = billed(acme.world, "100.00")
    charge = acme.charge("100.00", invoice=invoice, fee="2.00")
    payout = acme.pay_out()
    acme.objects[charge][1]["fee"] = acme.objects[charge][1]["fee_in"] = ""
    acme.tell()
    assert str(one(acme.world, "payment").fee) == "2.00 USD"
    assert left(acme.world) == {"fee": "2.00", "transit": "98.00"}
    acme._changed(charge, fee="2.00", fee_in="USD")
    acme.tell()
    acme.at_bank(payout)
    acme.tell()
    assert left(acme.world) == {"cash": "98.00", "fee": "2.00"}


@pytest.mark.parametrize("seen_before", [True, False])
def test_a_payout_that_fails_is_held_again(acme: Provider, seen_before: bool) -> None:
    paid(acme)
    payout = acme.pay_out(trace="TRACE002")
    if seen_before:
        acme.at_bank(payout)
    acme.tell()
    acme.fail_payout(payout)
    acme.tell()
    assert one(acme.world, "payout").state == "failed"
    assert reasons(acme.world) == (["payout_failed"] if seen_before else [])
    if not seen_before:
        acme.at_bank(payout)
    acme.at_bank(payout, back=True)
    acme.tell()
    assert left(acme.world) == {"fee": "1.00", "held": "99.00"}
    assert reasons(acme.world) == []
    again = acme.pay_out()
    acme.at_bank(again)
    acme.tell()
    assert left(acme.world) == {"cash": "99.00", "fee": "1.00"}


def test_a_line_that_was_another_payouts_can_be_released(acme: Provider) -> None:
    paid(acme)
    payout = acme.pay_out()
    acme.at_bank(payout)
    acme.tell()
    acme.fail_payout(payout)
    acme.tell()
    answer(acme.world, "release", "payout_failed")
    [line] = [x for x in acme.world.documents("payment") if not x.held_by]
    assert (line.state, reasons(acme.world)) == ("unidentified", ["unmatched_payment"])
    assert left(acme.world) == {"cash": "99.00", "fee": "1.00", "held": "99.00", "unapplied": "-99.00"}
    acme.transit.clear()


def test_a_line_that_the_bank_takes_back_is_expected_again(acme: Provider) -> None:
    paid(acme)
    payout = acme.pay_out()
    line = acme.at_bank(payout)
    acme.tell()
    record = acme.lines.pop(line)
    acme.world.send("bank", {"kind": "payment", "id": line, "record": {**record, "cancelled": "2026-03-05"}})
    acme.settle()
    acme.transit[payout] = Decimal("99.00")
    assert (one(acme.world, "payout").state, left(acme.world)["transit"]) == ("announced", "99.00")
    acme.at_bank(payout)
    acme.tell()
    assert one(acme.world, "payout").state == "settled"


def test_a_payout_in_another_currency_than_its_charges_goes_by_the_exchange_account(world: World) -> None:
    acme = with_provider(world)
    charge = acme.charge("100.00", "thanks", currency="EUR", fee="")
    record = {
        "amount": "105.00", "currency": "USD", "arrives": "2026-03-04", "descriptor": "ACME PAY", "trace": "",
        "items": [
            {"id": "t", "type": "payment", "source": charge, "gross": "108.00", "fee": "3", "net": "105.00"}
        ],
    }  # fmt: skip
    payout = acme._made("payout", record)
    acme.transit[payout] = Decimal("105.00")
    acme.at_bank(payout)
    acme.tell()
    with world.hub.store.look() as tx:
        books = {(a, m.currency): str(m.amount) for a, m in tx.books.balances() if m}
    assert books == {
        ("cash", "USD"): "105.00", ("fee", "USD"): "3.00", ("exchange", "USD"): "-108.00",
        ("exchange", "EUR"): "100.00", ("unapplied", "EUR"): "-100.00",
    }  # fmt: skip


def test_everything_told_twice_and_backwards_changes_nothing(world: World) -> None:
    acme = with_provider(world)
    charge = paid(acme)
    acme.refund(charge, "10.00")
    acme.lose(acme.dispute(charge, "20.00"))
    acme.at_bank(acme.pay_out(trace="TRACE003"))
    acme.tell()
    before, cases = left(acme.world), reasons(acme.world)
    everything = [*(("acme", id) for id in acme.objects), *(("bank", id) for id in acme.lines)]
    acme.tell(*everything, *reversed(everything))
    assert (left(acme.world), reasons(acme.world)) == (before, cases)


def test_told_in_reverse_order_from_the_start_it_ends_the_same(world: World) -> None:
    acme = with_provider(world)
    [invoice] = billed(acme.world, "100.00")
    charge = acme.charge("100.00", invoice=invoice)
    acme.refund(charge, "10.00")
    acme.lose(acme.dispute(charge, "20.00"))
    acme.at_bank(acme.pay_out(trace="TRACE004"))
    acme.tell(*reversed(acme.untold))
    assert left(acme.world) == {"cash": "54.00", "fee": "16.00", "receivable": "30.00"}
    assert reasons(acme.world) == ["dispute_lost", "payment_reversed", "refund_applied"]


def test_a_line_and_its_payout_that_arrive_at_the_same_moment_find_each_other(postgres_url: str) -> None:
    world = make_world(postgres_url)
    acme = with_provider(world)
    for n in range(10):
        amount = f"{n + 100}.00"
        sent = {"amount": amount, "currency": "USD", "items": [], "trace": f"ARN0000{n}"}
        payout = acme._made("payout", {**sent, "arrives": "2026-03-04"})
        line = acme.paid_at_bank(amount, day="2026-03-04", trace=f"ARN0000{n}")
        world.send("acme", {"kind": "payout", "id": payout, "record": acme._plain(payout)})
        world.send("bank", {"kind": "payment", "id": line, "record": acme._plain(line)})

    def work() -> None:
        while world.hub.process(limit=1):
            pass

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    acme.settle()
    assert {x.state for x in world.documents("payout")} == {"settled"}
    assert {x.state for x in world.documents("payment")} == {"transferred"}
    world.hub.store.database.close()


def test_a_payout_that_does_not_reach_the_bank_is_a_case_until_it_does(acme: Provider) -> None:
    paid(acme)
    payout = acme.pay_out()
    acme.tell()
    acme.world.today[0] += timedelta(days=2)
    DueDates(acme.world.hub).look()
    assert reasons(acme.world) == []
    acme.world.today[0] += timedelta(days=6)
    DueDates(acme.world.hub).look()
    answer(acme.world, "noted", "payout_missing")
    acme.world.today[0] += timedelta(days=1)
    DueDates(acme.world.hub).look()
    assert reasons(acme.world) == [], "a person knows of it"
    acme.at_bank(payout)
    acme.tell()
    assert one(acme.world, "payout").state == "settled"


def test_connections_that_do_not_keep_a_kind_are_not_asked(world: World) -> None:
    acme = with_provider(world, refund__booked=["erp", "crm"], payout__settled=["erp"])
    charge = paid(acme)
    acme.refund(charge, "10.00")
    acme.at_bank(acme.pay_out())
    acme.tell()
    kinds = {row.kind for row in world.rows("xref") if row.connection in ("erp", "crm")}
    assert not kinds & {"refund", "dispute", "payout"}
    assert [row for row in world.rows("xref") if row.state == "dead"] == []
