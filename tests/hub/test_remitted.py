"""Payments are matched by what their payer says they are for, to the cent, or put before a person."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from hub.errors import Invalid
from hub.policies import Discount, load_policies
from tests.hub.cash_world import advise, answer, credit, line, money, opens, owe, pay, titles, with_bank
from tests.hub.erp_world import evidence, left, only, reasons, zero
from tests.world import ROOT, World

BOTH = pytest.mark.parametrize("database_url", ["sqlite", "postgres"], indirect=True)


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """SQLite, but where a test asks for both: what is tested here is not the database."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return f"sqlite:///{tmp_path / 'hub.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def owing(world: World) -> World:
    """Two invoices over 100.00 and 50.00 are owed."""
    with_bank(world)
    owe(world, "INV-1", "100.00")
    owe(world, "INV-2", "50.00", due="2026-04-10")
    return world


def test_lines_that_add_up_pay_exactly_what_they_say(owing: World) -> None:
    pay(owing, "b1", "130.00", line("inv 1", "100.00"), line("INV-0-2".replace("-0", ""), "30.00"))
    assert opens(owing) == {"INV-1": "0.00 USD", "INV-2": "20.00 USD"}
    assert only(owing, "payment").state == "applied"
    assert reasons(owing) == ["short_payment"]


def test_lines_that_do_not_add_up_apply_nothing_and_show_the_arithmetic(owing: World) -> None:
    pay(owing, "b1", "140.00", line("INV-1", "100.00"), line("INV-2", "30.00"))
    assert opens(owing) == {"INV-1": "100.00 USD", "INV-2": "50.00 USD"}
    told = evidence(owing)
    assert (told["adds_up_to"], told["difference"]) == ("130.00 USD", "10.00 USD")
    assert only(owing, "payment").state == "unidentified"


def test_a_deduction_is_a_case_with_its_code_in_words_and_can_be_accepted(owing: World) -> None:
    pay(owing, "b1", "85.00", line("INV-1", "85.00", ("-15.00", "59"), original="100.00"))
    [title] = titles(owing)
    assert "15.00 USD short" in title
    assert "goods not received (59)" in title
    answer(owing, "short_payment", "deduction")
    assert opens(owing)["INV-1"] == "0.00 USD"
    assert zero(owing)["deduction"] == "15.00 USD"
    assert only(owing, "adjustment").reason == "deduction"


def test_part_of_a_deduction_can_be_accepted_and_never_more_than_is_open(owing: World) -> None:
    pay(owing, "b1", "85.00", line("INV-1", "85.00", ("-15.00", "X9")))
    assert "reason X9 (X9)" not in titles(owing)[0]
    assert "reason X9" in titles(owing)[0], "an unknown code is shown as it is"
    with pytest.raises(Invalid, match="USD is open"):
        answer(owing, "short_payment", "deduction", amount="16.00")
    answer(owing, "short_payment", "deduction", amount="5.00")
    assert opens(owing)["INV-1"] == "10.00 USD"


def test_a_discount_within_the_terms_is_booked_and_a_late_one_asked_about(world: World) -> None:
    with_bank(world, discounts={"": Discount.model_validate({"percent": "2", "days": 14})})
    owe(world, "INV-1", "100.00")
    owe(world, "INV-2", "100.00")
    pay(world, "b1", "98.00", line("INV-1", "98.00", discount="2.00"), booked_on="2026-03-17")
    assert opens(world)["INV-1"] == "0.00 USD"
    assert zero(world)["discount"] == "2.00 USD"
    assert reasons(world) == []
    pay(world, "b2", "98.00", line("INV-2", "98.00", discount="2.00"), booked_on="2026-03-28")
    assert "its last day was 2026-03-20" in titles(world)[0]
    answer(world, "short_payment", "discount")
    assert zero(world)["discount"] == "4.00 USD"


@BOTH
def test_a_credit_memo_that_the_payer_takes_is_used_for_the_invoices(owing: World) -> None:
    credit(owing, "CM-7", "40.00")
    assert reasons(owing) == []
    pay(
        owing,
        "b1",
        "110.00",
        line("INV-1", "100.00"),
        line("INV-2", "50.00"),
        line("CM7", "-40.00", kind="CM"),
    )
    assert opens(owing) == {"INV-1": "0.00 USD", "INV-2": "0.00 USD"}
    assert only(owing, "credit_memo").state == "applied"
    assert reasons(owing) == []


def test_a_debit_note_of_the_payer_leaves_the_last_invoice_short_and_named(owing: World) -> None:
    pay(owing, "b1", "120.00", line("INV-1", "100.00"), line("INV-2", "50.00"), line("DM-9", "-30.00"))
    assert opens(owing) == {"INV-1": "0.00 USD", "INV-2": "30.00 USD"}
    assert "DM-9 -30.00 USD" in titles(owing)[0]


def test_lines_that_are_not_ours_stay_unapplied_and_are_named(owing: World) -> None:
    pay(owing, "b1", "175.00", line("INV-1", "100.00"), line("OTHER-5", "75.00"))
    assert opens(owing)["INV-1"] == "0.00 USD"
    assert left(owing) == "75.00 USD"
    assert reasons(owing) == ["overpayment"]
    assert "OTHER-5" in titles(owing)[0]


def test_without_the_policy_a_payment_with_strange_lines_waits_whole(world: World) -> None:
    with_bank(world, apply_partial=False)
    owe(world, "INV-1", "100.00")
    pay(world, "b1", "175.00", line("INV-1", "100.00"), line("OTHER-5", "75.00"))
    assert opens(world)["INV-1"] == "100.00 USD"
    assert reasons(world) == ["unmatched_payment"]


def test_an_invoice_that_is_paid_already_takes_nothing_more(owing: World) -> None:
    pay(owing, "b1", "100.00", line("INV-1", "100.00"))
    pay(owing, "b2", "150.00", line("INV-1", "100.00"), line("INV-2", "50.00"))
    assert opens(owing) == {"INV-1": "0.00 USD", "INV-2": "0.00 USD"}
    assert "paid already" in titles(owing)[0]


def test_invoices_of_two_customers_are_a_question(world: World) -> None:
    with_bank(world, "c1", "c2")
    owe(world, "INV-1", "100.00")
    owe(world, "INV-2", "50.00", "c2")
    pay(world, "b1", "150.00", line("INV-1", "100.00"), line("INV-2", "50.00"))
    assert opens(world) == {"INV-1": "100.00 USD", "INV-2": "50.00 USD"}
    assert "different customers" in titles(world)[0]


def test_numbers_without_amounts_are_names_like_any_other(owing: World) -> None:
    pay(owing, "b1", "120.00", line("INV-1"), line("INV-2"))
    assert opens(owing) == {"INV-1": "0.00 USD", "INV-2": "30.00 USD"}


def test_an_adjustment_that_names_a_paid_line_counts_once_whichever_way_it_was_meant(owing: World) -> None:
    pay(owing, "b1", "80.00", line("INV-1", "80.00"), line("INV-1", None, ("-20.00", "06")))
    assert opens(owing)["INV-1"] == "20.00 USD"
    assert "quantity is contested" in titles(owing)[0]
    pay(owing, "b2", "40.00", line("INV-2", "50.00"), line("INV-2", None, ("-10.00", "54")))
    assert opens(owing)["INV-2"] == "10.00 USD"


@BOTH
def test_a_remittance_before_its_money_is_put_to_it_by_trace(owing: World) -> None:
    advise(owing, "r1", "85.00", line("INV-1", "85.00", ("-15.00", "04")), trace="TRN-77")
    assert only(owing, "remittance").state == "waiting"
    pay(owing, "b1", "85.00", trace="trn77")
    remittance, payment = only(owing, "remittance"), only(owing, "payment")
    assert (remittance.state, remittance.payment, payment.state) == ("matched", payment.id, "applied")
    assert opens(owing)["INV-1"] == "15.00 USD"
    assert "damaged (04)" in titles(owing)[0]


@BOTH
def test_a_remittance_after_its_money_matches_it_again_and_closes_its_case(owing: World) -> None:
    pay(owing, "b1", "150.00", trace="T1", payer={"name": "Company c1"})
    assert reasons(owing) == ["unmatched_payment"]
    advise(owing, "r1", "150.00", line("INV-1", "100.00"), line("INV-2", "50.00"), trace="T1")
    assert opens(owing) == {"INV-1": "0.00 USD", "INV-2": "0.00 USD"}
    assert reasons(owing) == []
    assert only(owing, "remittance").state == "matched"


@pytest.mark.parametrize("first", ["money", "advice"])
def test_without_a_trace_amount_payer_and_days_must_fit(owing: World, first: str) -> None:
    told = (line("INV-1", "100.00"), line("INV-2", "50.00"))
    if first == "advice":
        advise(owing, "r1", "150.00", *told, payer={"name": "COMPANY C1"})
    pay(owing, "b1", "150.00", payer={"name": "Company c1"}, booked_on="2026-03-24")
    if first == "money":
        advise(owing, "r1", "150.00", *told, payer={"name": "COMPANY C1"})
    assert opens(owing) == {"INV-1": "0.00 USD", "INV-2": "0.00 USD"}
    assert reasons(owing) == []


def test_somebody_elses_money_of_the_same_amount_is_left_alone(owing: World) -> None:
    advise(owing, "r1", "150.00", line("INV-1", "100.00"), line("INV-2", "50.00"))
    pay(owing, "b1", "150.00", payer={"name": "Tax office"})
    pay(owing, "b2", "150.00", payer={"name": "Company c1"}, booked_on="2026-05-20")
    assert only(owing, "remittance").state == "waiting"
    assert opens(owing) == {"INV-1": "100.00 USD", "INV-2": "50.00 USD"}


@BOTH
def test_two_payments_that_fit_are_a_question_that_a_person_answers(owing: World) -> None:
    for id in ("b1", "b2"):
        pay(owing, id, "150.00", payer={"name": "Company c1"})
    advise(owing, "r1", "150.00", line("INV-1", "100.00"), line("INV-2", "50.00"))
    assert "unmatched_remittance" in reasons(owing)
    second = owing.documents("payment")[1]
    answer(owing, "unmatched_remittance", "match", payment=second.number)
    assert opens(owing) == {"INV-1": "0.00 USD", "INV-2": "0.00 USD"}
    assert reasons(owing) == ["unmatched_payment"]


def test_a_remittance_that_does_not_add_up_is_refused_whole(owing: World) -> None:
    advise(owing, "r1", "140.00", line("INV-1", "100.00"), line("INV-2", "50.00"), trace="T1")
    assert only(owing, "remittance").state == "refused"
    assert evidence(owing)["difference"] == "-10.00 USD"
    pay(owing, "b1", "140.00", trace="T1")
    assert opens(owing) == {"INV-1": "100.00 USD", "INV-2": "50.00 USD"}
    assert any("does not add up" in title for title in titles(owing) if title.startswith("Payment"))
    advise(owing, "r1", "140.00", line("INV-1", "100.00"), line("INV-2", "40.00"), trace="T1")
    assert opens(owing) == {"INV-1": "0.00 USD", "INV-2": "10.00 USD"}
    assert reasons(owing) == ["short_payment"]


def test_a_notice_without_money_posts_nothing_and_waits_for_nothing(owing: World) -> None:
    advise(owing, "r1", "100.00", line("INV-1", "100.00"), money_follows=False)
    assert only(owing, "remittance").state == "received"
    pay(owing, "b1", "100.00", payer={"name": "Company c1"})
    assert only(owing, "payment").state == "unidentified"


def test_a_remittance_over_nothing_nets_credit_memos_with_invoices(owing: World) -> None:
    credit(owing, "CM-7", "50.00")
    advise(owing, "r1", "0.00", line("INV-2", "50.00"), line("CM-7", "-50.00"))
    assert opens(owing)["INV-2"] == "0.00 USD"
    assert only(owing, "remittance").state == "matched"
    assert reasons(owing) == []


def test_a_remittance_after_an_applied_payment_changes_nothing(owing: World) -> None:
    pay(owing, "b1", "100.00", payer={"name": "Company c1"}, remittance_information=["INV-1"])
    before = owing.balances()
    advise(owing, "r1", "100.00", line("INV-2", "50.00"), line("INV-1", "50.00"))
    assert owing.balances() == before
    assert only(owing, "remittance").state == "matched"


def test_a_later_file_that_tells_more_of_the_same_money_matches_it(owing: World) -> None:
    pay(owing, "b1", "100.00")
    assert reasons(owing) == ["unmatched_payment"]
    pay(owing, "b1", "100.00", line("INV-1", "100.00"))
    assert opens(owing)["INV-1"] == "0.00 USD"
    pay(owing, "b1", "100.00")
    assert reasons(owing) == [], "and one that tells less of it takes nothing back"


def test_money_on_account_is_matched_when_its_remittance_comes(owing: World) -> None:
    pay(owing, "b1", "100.00", trace="T1")
    answer(owing, "unmatched_payment", "on_account", customer=only(owing, "customer").id)
    advise(owing, "r1", "100.00", line("INV-1", "100.00"), trace="T1")
    assert only(owing, "payment").state == "applied"
    assert opens(owing)["INV-1"] == "0.00 USD"


def test_a_discount_for_terms_that_do_not_exist_is_refused_at_the_start(tmp_path: Path) -> None:
    text = (ROOT / "config" / "policies.yaml").read_text("utf-8")
    wrong = tmp_path / "policies.yaml"
    wrong.write_text(
        text.replace("discounts: {}", "discounts: { NET33: { percent: '2', days: 10 } }"), "utf-8"
    )
    with pytest.raises(Invalid, match="NET33"):
        load_policies(wrong)


@BOTH
def test_remittance_and_money_that_arrive_together_see_each_other(owing: World) -> None:
    told = {"number": "r1", "amount": money("100.00"), "paid_on": "2026-03-20", "trace": "T1"}
    record = told | {"documents": [line("INV-1", "100.00")]}
    owing.send("bank", {"kind": "remittance", "id": "r1", "record": record})
    pay(owing, "b1", "100.00", trace="T1", work=False)
    workers = [threading.Thread(target=owing.hub.process, args=(1,)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    owing.work()
    assert opens(owing)["INV-1"] == "0.00 USD"
    assert reasons(owing) == []
