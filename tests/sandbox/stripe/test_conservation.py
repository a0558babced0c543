"""Money is conserved: the balance is what came in less what went out, whatever people and banks do."""

from __future__ import annotations

import random
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.stripe import StripeSandbox
from sandbox.stripe.methods import Fate
from sandbox.stripe.refusals import Refused
from tests.sandbox.stripe.place import Clock, Place, Switchboard

CARD = st.sampled_from(
    [
        *(Fate(), Fate("available"), Fate("declined", "generic_decline"), Fate("disputed", "fraudulent")),
        *(Fate("inquiry", "fraudulent"), Fate("refund_fails"), Fate("refund_pends")),
    ]
)
DEBIT = st.sampled_from([Fate(), Fate("fails", "no_account"), Fate("returned", "insufficient_funds", 2)])
AMOUNT = st.integers(60, 900_000)
ACTION = st.one_of(
    st.tuples(st.just("card"), AMOUNT, CARD),
    st.tuples(st.just("debit"), AMOUNT, DEBIT),
    st.tuples(st.just("refund"), st.integers(0, 9), st.integers(1, 50_000)),
    st.tuples(st.just("fail refund"), st.integers(0, 9)),
    st.tuples(st.just("dispute"), st.integers(0, 9)),
    st.tuples(st.just("decide"), st.integers(0, 9), st.sampled_from(["won", "lost", "escalate"])),
    st.tuples(st.just("fail payout"), st.integers(0, 3)),
    st.tuples(st.just("days"), st.integers(1, 4)),
    st.tuples(st.just("payout day")),
)


class Story:
    """Carries out actions on whatever there is; what the state does not allow is left."""

    def __init__(self, box: StripeSandbox) -> None:
        self.box = box

    def act(self, action: tuple[Any, ...]) -> None:
        name, *rest = action
        try:
            getattr(self, name.replace(" ", "_"))(*rest)
        except Refused as refused:
            if refused.status not in (400, 402, 404):
                raise

    def _pick(self, kind: str, at: int) -> str:
        found = [one["id"] for one in self.box.platform.all(kind)]
        return found[at % len(found)] if found else "none"

    def card(self, amount: int, fate: Fate) -> None:
        self.box.pay_freely(amount, fate=fate)

    def debit(self, amount: int, fate: Fate) -> None:
        self.box.pay_freely(amount, method="us_bank_account", fate=fate)

    def refund(self, at: int, amount: int) -> None:
        self.box.refund(self._pick("charge", at), amount)

    def fail_refund(self, at: int) -> None:
        self.box.fail_refund(self._pick("refund", at))

    def dispute(self, at: int) -> None:
        self.box.dispute(self._pick("charge", at))

    def decide(self, at: int, outcome: str) -> None:
        self.box.decide(self._pick("dispute", at), outcome)

    def fail_payout(self, at: int) -> None:
        self.box.fail_payout(self._pick("payout", at))

    def days(self, days: int) -> None:
        self.box.advance(days=days)

    def payout_day(self) -> None:
        self.box.payout_day()


def _fee(amount: int, type: str) -> int:
    """The published prices, worked out here once more."""
    rate = Decimal("0.029") if type == "card" else Decimal("0.008")
    share = int((rate * amount).quantize(Decimal(1), ROUND_HALF_UP))
    return share + 30 if type == "card" else min(share, 500)


def held(place: Place) -> int:
    """What must be on the balance, from the objects and not from the balance transactions."""
    total = 0
    for one in place.listed("/v1/charges"):
        type = one["payment_method_details"]["type"]
        if one["balance_transaction"]:
            total += one["amount_captured"] - _fee(one["amount_captured"], type)
        if one["failure_balance_transaction"]:
            total -= one["amount"]
    for one in place.listed("/v1/refunds"):
        total -= one["amount"] if one["status"] != "failed" else 0
    for one in place.listed("/v1/disputes"):
        withdrawn = not one["status"].startswith("warning")
        card = one["payment_method_details"] is not None
        total -= (0 if one["status"] == "won" else one["amount"]) * withdrawn + 1500 * (withdrawn and card)
    for one in place.listed("/v1/payouts"):
        total -= one["amount"] if one["status"] not in ("failed", "canceled") else 0
    return total


def _check(place: Place) -> None:
    booked = place.listed("/v1/balance_transactions")
    assert all(one["net"] == one["amount"] - one["fee"] for one in booked)
    assert all(one["fee"] == sum(part["amount"] for part in one["fee_details"]) for one in booked)
    balance = place.get("/v1/balance")
    told = sum(one["amount"] for name in ("available", "pending") for one in balance[name])
    assert told == sum(one["net"] for one in booked) == held(place)
    seen: set[str] = set()
    for payout in (one for one in place.listed("/v1/payouts") if one["automatic"]):
        items = place.listed(f"/v1/balance_transactions?payout={payout['id']}")
        assert sum(one["net"] for one in items) == 0
        own = [one for one in items if one["id"] == payout["balance_transaction"]]
        assert [one["net"] for one in own] == [-payout["amount"]]
        assert payout["amount"] > 0
        assert not seen & {one["id"] for one in items}, "a transaction is in two payouts"
        seen |= {one["id"] for one in items}
    arrived = [one for one in place.listed("/v1/payouts") if one["status"] == "paid"]
    assert sum(line["amount"] for line in place.box.bank_lines()) == sum(one["amount"] for one in arrived)


@pytest.fixture
def board(stripe_board: Switchboard) -> Switchboard:
    return stripe_board


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=st.lists(ACTION, min_size=3, max_size=25))
def test_the_balance_is_the_sum_of_its_transactions_and_of_what_happened(
    board: Switchboard, actions: list[tuple[Any, ...]]
) -> None:
    clock = Clock()
    place = Place(StripeSandbox(now=clock, auto=False), board.url, clock)
    board.app = place.box.app
    story = Story(place.box)
    with place.http:
        for action in actions:
            story.act(action)
        _check(place)
        place.box.advance(days=30)
        _check(place)


def test_a_payout_that_fails_comes_back_and_is_part_of_the_next(place: Place) -> None:
    place.box.pay_freely(10_000)
    place.box.advance(days=4)
    first = place.listed("/v1/payouts")[0]
    assert first["status"] == "paid"
    assert place.box.bank_lines()[0]["amount"] == first["amount"] == 9680
    place.box.fail_payout(first["id"])
    assert [one["amount"] for one in place.box.bank_lines()] == [9680, -9680]
    place.box.advance(days=3)
    second = place.listed("/v1/payouts")[0]
    items = place.listed(f"/v1/balance_transactions?payout={second['id']}")
    assert {(one["type"], one["net"]) for one in items} == {("payout_failure", 9680), ("payout", -9680)}
    assert next(one for one in items if one["type"] == "payout_failure")["source"] == first["id"]
    _check(place)


def test_a_payout_that_fails_on_its_way_never_shows_at_the_bank(place: Place) -> None:
    place.box.pay_freely(10_000, fate=Fate("available"))
    payout = place.box.payout_day()[0]
    place.box.fail_payout(payout["id"], "no_account")
    place.box.advance(seconds=3600)
    failed = place.get(f"/v1/payouts/{payout['id']}")
    assert (failed["status"], failed["failure_code"]) == (
        "failed",
        "no_account",
    )
    assert place.box.bank_lines() == []


def test_only_automatic_payouts_tell_their_transactions(place: Place) -> None:
    place.box.set(schedule="manual")
    place.box.pay_freely(10_000, fate=Fate("available"))
    told = place.call("POST", "/v1/payouts", {"amount": 20_000, "currency": "usd"}, status=400)
    assert told["error"]["code"] == "balance_insufficient"
    made = place.call(
        "POST", "/v1/payouts", {"amount": 5000, "currency": "usd", "statement_descriptor": "ACME"}
    )
    assert (made["automatic"], made["reconciliation_status"]) == (False, "not_applicable")
    refused = place.call("GET", f"/v1/balance_transactions?payout={made['id']}", status=400)
    assert "only be filtered on automatic" in refused["error"]["message"]
    place.box.advance(days=2)
    assert place.box.bank_lines()[0]["text"].startswith("STRIPE ACME")
    _check(place)


def test_a_refund_that_fails_gives_the_money_back(place: Place) -> None:
    intent = place.box.pay_freely(10_000, fate=Fate("refund_fails"))
    refund = place.call("POST", "/v1/refunds", {"payment_intent": intent["id"]})
    charge = f"/v1/charges/{intent['latest_charge']}"
    assert place.get(charge)["refunded"] is True
    place.box.advance(days=5)
    failed = place.get(f"/v1/refunds/{refund['id']}?expand[]=failure_balance_transaction")
    assert failed["status"] == "failed"
    assert failed["failure_balance_transaction"]["net"] == 10_000
    assert place.get(charge)["amount_refunded"] == 0
    assert "refund.failed" in place.types()
    _check(place)


def test_a_refund_to_a_bank_account_is_pending_for_days(place: Place) -> None:
    intent = place.box.pay_freely(10_000, method="us_bank_account")
    told = place.call("POST", "/v1/refunds", {"payment_intent": intent["id"]}, status=400)
    assert told["error"]["code"] == "charge_not_refundable", "the debit has not arrived yet"
    place.box.advance(days=5)
    refund = place.call("POST", "/v1/refunds", {"payment_intent": intent["id"], "amount": 400})
    assert refund["status"] == "pending"
    assert refund["id"].startswith("pyr_")
    place.box.advance(days=5)
    assert place.get(f"/v1/refunds/{refund['id']}")["status"] == "succeeded"
    _check(place)


def test_a_dispute_takes_the_money_and_a_fee_and_a_won_one_gives_it_back(place: Place) -> None:
    intent = place.box.pay_freely(10_000)
    dispute = place.box.dispute(intent["id"])
    taken = place.get(f"/v1/disputes/{dispute['id']}")["balance_transactions"]
    assert [(one["amount"], one["fee"], one["net"]) for one in taken] == [(-10_000, 1500, -11_500)]
    assert taken[0]["reporting_category"] == "dispute"
    again = place.call("POST", "/v1/refunds", {"payment_intent": intent["id"]}, status=400)
    assert again["error"]["code"] == "charge_disputed"
    place.call("POST", f"/v1/disputes/{dispute['id']}", {"evidence[receipt]": "file_1"})
    assert place.get(f"/v1/disputes/{dispute['id']}")["status"] == "under_review"
    place.box.decide(dispute["id"], "won")
    won = place.get(f"/v1/disputes/{dispute['id']}")
    assert won["status"] == "won"
    assert won["balance_transactions"][1]["net"] == 10_000
    told = [one for one in place.types() if "dispute" in one]
    assert told[:2] == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    assert told[-3:] == ["charge.dispute.updated", "charge.dispute.closed", "charge.dispute.funds_reinstated"]
    _check(place)


def test_an_inquiry_takes_nothing_until_it_is_escalated(place: Place) -> None:
    asked = place.box.pay_freely(10_000, fate=Fate("inquiry", "fraudulent"))
    dispute = place.listed(f"/v1/disputes?payment_intent={asked['id']}")[0]
    assert dispute["status"] == "warning_needs_response"
    assert dispute["balance_transactions"] == []
    place.box.decide(dispute["id"], "escalate")
    assert len(place.get(f"/v1/disputes/{dispute['id']}")["balance_transactions"]) == 1
    other = place.box.pay_freely(500, fate=Fate("inquiry", "fraudulent"))
    closed = place.listed(f"/v1/disputes?payment_intent={other['id']}")[0]["id"]
    place.box.decide(closed, "won")
    assert place.get(f"/v1/disputes/{closed}")["status"] == "warning_closed"
    _check(place)


def test_a_debit_returned_after_it_succeeded_is_a_dispute_lost_at_once(place: Place) -> None:
    fate = Fate("returned", "insufficient_funds", 2)
    intent = place.box.pay_freely(10_000, method="us_bank_account", fate=fate)
    place.box.advance(days=4)
    assert place.get(f"/v1/payment_intents/{intent['id']}")["status"] == "succeeded"
    place.box.advance(days=3)
    dispute = place.listed("/v1/disputes")[0]
    assert (dispute["status"], dispute["reason"]) == ("lost", "insufficient_funds")
    assert dispute["balance_transactions"][0]["net"] == -10_000
    _check(place)


def test_what_has_happened_already_does_not_happen_again_when_its_time_comes(place: Place) -> None:
    paid = place.box.pay_freely(10_000, fate=Fate("refund_fails"))
    refund = place.box.refund(paid["id"])
    place.box.fail_refund(refund["id"])
    debit = place.box.pay_freely(5000, method="us_bank_account", fate=Fate("returned", "no_account", 3))
    place.box.advance(days=4)
    place.box.refund(debit["id"])
    place.box.advance(days=10)
    assert place.types().count("refund.failed") == 1
    assert place.listed("/v1/disputes") == []
    _check(place)


def test_a_card_charge_can_be_without_its_transaction_for_a_while(place: Place) -> None:
    place.box.set(late_transactions=600)
    intent = place.box.pay_freely(10_000)
    charge = f"/v1/charges/{intent['latest_charge']}"
    assert place.get(charge)["balance_transaction"] is None
    assert "charge.updated" not in place.types()
    place.box.advance(600)
    assert place.get(f"{charge}?expand[]=balance_transaction")["balance_transaction"]["net"] == 9680
    assert place.types()[-1] == "charge.updated"
    _check(place)


def test_a_negative_balance_is_carried_until_it_is_positive_again(place: Place) -> None:
    intent = place.box.pay_freely(10_000)
    place.box.advance(days=4)
    place.box.dispute(intent["id"])
    place.box.advance(days=4)
    assert len(place.listed("/v1/payouts")) == 1
    place.box.pay_freely(50_000)
    place.box.advance(days=4)
    newest = place.listed("/v1/payouts")[0]
    assert newest["amount"] == 50_000 - 1480 - 11_500
    _check(place)


def test_what_stripe_books_by_itself_is_in_the_payout_too(place: Place) -> None:
    place.box.pay_freely(10_000, fate=Fate("available"))
    place.http.post(
        "/_sandbox/book", json={"type": "stripe_fee", "amount": -499, "description": "Billing, May"}
    )
    place.box.book("reserve_transaction", -1000, "held back")
    payout = place.box.payout_day()[0]
    items = place.listed(f"/v1/balance_transactions?payout={payout['id']}")
    assert {(one["type"], one["net"]) for one in items} == {
        ("charge", 9680), ("stripe_fee", -499), ("reserve_transaction", -1000), ("payout", -8181)
    }  # fmt: skip
    assert next(one["source"] for one in items if one["type"] == "stripe_fee") is None


def test_a_day_tells_what_has_become_available(place: Place) -> None:
    place.box.set(schedule="manual")
    place.box.pay_freely(10_000)
    place.box.advance(days=1)
    assert "balance.available" not in place.types()
    place.box.advance(days=3)
    assert place.types().count("balance.available") == 1
    assert place.get("/v1/balance")["available"][0]["amount"] == 9680


@pytest.mark.prove
@pytest.mark.timeout(600)
def test_a_year_of_ten_thousand_payments_is_conserved(place: Place) -> None:
    dice = random.Random(7)
    for _ in range(365):
        for _ in range(27):
            method = dice.choice(["card", "card", "card", "us_bank_account"])
            place.box.pay_freely(dice.randrange(100, 500_000), method=method)
        story = Story(place.box)
        story.act(("refund", dice.randrange(200), dice.randrange(1, 20_000)))
        if dice.random() < 0.15:
            story.act(("dispute", dice.randrange(200)))
            story.act(("decide", 0, dice.choice(["won", "lost"])))
        place.box.advance(days=1)
    _check(place)
    assert len(place.listed("/v1/charges")) == 365 * 27
