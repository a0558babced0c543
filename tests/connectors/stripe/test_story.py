"""Money in, as Stripe tells it: whatever comes twice, late or backwards leads to the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest

from connectors.stripe.connector import Stripe
from hub.sdk import Change, Delivery, NotYet, Rejected, Unmappable
from sandbox.stripe.methods import Fate
from tests.connectors.stripe.conftest import Account, about, by_id, customer, invoice

State = dict[tuple[str, str], Mapping[str, Any]]


@pytest.fixture
def buyer(stripe: Stripe) -> str:
    return stripe.push(customer())


@pytest.fixture
def sent(stripe: Stripe, buyer: str) -> str:
    """An open invoice over 119.00."""
    return stripe.push(invoice(buyer))


def told(stripe: Stripe, deliveries: Sequence[Delivery]) -> State:
    """What stands in the end, when each delivery is read and the last word on an object counts."""
    state: State = {}
    for delivery in deliveries:
        for change in stripe.read(delivery):
            assert change.problem is None, change.problem
            assert change.record is not None
            state[change.kind, change.external_id] = change.record["o2c"]
    return state


def only(state: State, kind: str) -> Mapping[str, Any]:
    found = [facts for (one, _), facts in state.items() if one == kind]
    assert len(found) == 1, found
    return found[0]


def test_an_invoice_sent_brings_its_page_to_pay(account: Account, stripe: Stripe, sent: str) -> None:
    changes = by_id(stripe.read(about("invoice", sent)))
    record = changes["invoice", sent].record
    assert record is not None
    assert str(record["hosted_invoice_url"]).startswith("http")
    assert record["o2c"]["total"] == Decimal(119)
    foreign = account.box.platform  # an invoice that somebody makes in the dashboard is none of ours
    assert foreign.things[sent]["metadata"]["o2c_id"]
    foreign.things[sent]["metadata"] = {}
    assert list(stripe.read(about("invoice", sent))) == []


def test_an_invoice_is_paid_by_card_in_two_parts(
    account: Account, stripe: Stripe, buyer: str, sent: str
) -> None:
    first = account.box.pay(sent, 4_000)["latest_charge"]
    second = account.box.pay(sent)["latest_charge"]
    assert account.thing(sent)["status"] == "paid"
    state = told(stripe, account.deliveries(stripe))
    payments = {id: facts for (kind, id), facts in state.items() if kind == "payment"}
    assert set(payments) == {first, second}
    assert payments[first]["applications"] == [{"invoice": sent, "amount": Decimal("40.00")}]
    assert payments[second]["applications"] == [{"invoice": sent, "amount": Decimal("79.00")}]
    assert payments[first]["fee"] == Decimal("1.46")  # 2.9 % and 30 cents
    assert {one["customer"] for one in payments.values()} == {buyer}
    assert payments[first]["cancelled_on"] is None


def test_what_is_paid_beyond_an_invoice_settles_nothing(account: Account, stripe: Stripe, sent: str) -> None:
    first = account.box.pay(sent, 4_000)["latest_charge"]
    second = account.box.pay(sent, 10_000)["latest_charge"]  # 21.00 too much
    state = told(stripe, account.deliveries(stripe))
    shares = {
        id: facts["applications"][0]["amount"] for (kind, id), facts in state.items() if kind == "payment"
    }
    assert shares == {first: Decimal(40), second: Decimal(79)}
    assert state["payment", second]["amount"] == Decimal(100)


def test_every_event_twice_and_backwards_says_the_same(account: Account, stripe: Stripe, sent: str) -> None:
    charge = account.box.pay(sent)["latest_charge"]
    account.box.refund(charge, 1_900)
    dispute = account.box.dispute(charge, amount=5_000)
    account.box.decide(dispute["id"], "won")
    account.box.advance(days=6)
    deliveries = account.deliveries(stripe)
    forward = told(stripe, deliveries)
    assert {kind for kind, _ in forward} == {"invoice", "payment", "refund", "dispute", "payout"}
    assert told(stripe, [*reversed(deliveries), *deliveries]) == forward


def test_a_declined_card_is_no_payment(account: Account, stripe: Stripe, sent: str) -> None:
    account.box.pay(sent, fate=Fate("declined", "generic_decline"))
    state = told(stripe, account.deliveries(stripe))
    assert [kind for kind, _ in state if kind == "payment"] == []


def test_a_debit_counts_when_it_succeeds_and_not_while_it_is_on_its_way(
    account: Account, stripe: Stripe, sent: str
) -> None:
    intent = account.box.pay(sent, method="us_bank_account")
    state = told(stripe, account.deliveries(stripe))
    assert [kind for kind, _ in state if kind == "payment"] == []
    account.box.advance(days=7)
    facts = told(stripe, account.deliveries(stripe))["payment", account.thing(intent["id"])["latest_charge"]]
    assert (facts["amount"], facts["method"], facts["cancelled_on"]) == (
        Decimal(119),
        "us_bank_account",
        None,
    )


def test_a_debit_that_fails_on_its_way_comes_taken_back_at_once(
    account: Account, stripe: Stripe, sent: str
) -> None:
    account.box.pay(sent, method="us_bank_account", fate=Fate("fails", "insufficient_funds"))
    account.box.advance(days=7)
    facts = only(told(stripe, account.deliveries(stripe)), "payment")
    assert facts["cancelled_on"] is not None
    assert facts["amount"] == Decimal(119)
    assert account.thing(sent)["status"] == "open"


def test_a_debit_that_is_returned_days_after_its_success_is_a_lost_dispute(
    account: Account, stripe: Stripe, sent: str
) -> None:
    account.box.pay(sent, method="us_bank_account", fate=Fate("returned", "insufficient_funds", 3))
    account.box.advance(days=5)
    assert only(told(stripe, account.deliveries(stripe)), "payment")["cancelled_on"] is None
    account.box.advance(days=6)
    facts = only(told(stripe, account.deliveries(stripe)), "dispute")
    assert (facts["outcome"], facts["withdrawn"]) == ("lost", Decimal(119))


def test_a_charge_that_is_not_booked_yet_waits_for_its_fee(
    account: Account, stripe: Stripe, sent: str
) -> None:
    account.box.set(late_transactions=600)
    charge = account.box.pay(sent)["latest_charge"]
    with pytest.raises(NotYet, match="not booked"):
        list(stripe.read(about("charge", charge)))
    account.box.advance(700)
    facts = only(told(stripe, [about("charge", charge)]), "payment")
    assert facts["fee"] > 0


def test_a_refund_that_fails_days_later_comes_back(account: Account, stripe: Stripe, sent: str) -> None:
    charge = account.box.pay(sent)["latest_charge"]
    refund = account.box.refund(charge, 1_900)
    kinds = [change.kind for change in stripe.read(about("refund", refund["id"]))]
    assert kinds == ["payment", "refund"]  # what it refers to comes first
    assert only(told(stripe, [about("charge", charge)]), "refund")["cancelled_on"] is None
    account.box.advance(days=3)
    account.box.fail_refund(refund["id"])
    facts = only(told(stripe, [about("refund", refund["id"])]), "refund")
    assert facts["cancelled_on"] is not None
    assert facts["amount"] == Decimal(19)


@pytest.mark.parametrize(("outcome", "withdrawn"), [("won", 0), ("lost", 119)])
def test_a_dispute_from_opened_to_decided(
    account: Account, stripe: Stripe, sent: str, outcome: str, withdrawn: int
) -> None:
    charge = account.box.pay(sent)["latest_charge"]
    dispute = account.box.dispute(charge)["id"]
    facts = only(told(stripe, [about("dispute", dispute)]), "dispute")
    assert (facts["outcome"], facts["withdrawn"], facts["fee"]) == ("open", Decimal(119), Decimal(15))
    assert facts["respond_by"] > facts["opened_on"]
    account.box.decide(dispute, outcome)
    facts = only(told(stripe, [about("dispute", dispute)]), "dispute")
    assert (facts["outcome"], facts["withdrawn"]) == (outcome, Decimal(withdrawn))


def test_an_inquiry_takes_nothing(account: Account, stripe: Stripe, sent: str) -> None:
    charge = account.box.pay(sent)["latest_charge"]
    dispute = account.box.dispute(charge, inquiry=True)["id"]
    facts = only(told(stripe, [about("dispute", dispute)]), "dispute")
    assert (facts["outcome"], facts["withdrawn"]) == ("open", 0)


def test_a_payout_is_exploded_into_what_it_is_made_of(account: Account, stripe: Stripe, sent: str) -> None:
    charge = account.box.pay(sent)["latest_charge"]
    refund = account.box.refund(charge, 1_900)["id"]
    payouts = []
    for _ in range(8):
        account.box.advance(days=1)
        payouts = [id for (kind, id) in told(stripe, account.deliveries(stripe)) if kind == "payout"]
        if payouts:
            break
    state = told(stripe, [about("payout", payouts[0])])
    facts = state["payout", payouts[0]]
    assert sum(one["net"] for one in facts["items"]) == facts["amount"]
    assert {one["document"] for one in facts["items"]} >= {charge, refund}
    bank = account.box.bank_lines()
    assert [(line["amount"], line["trace_id"]) for line in bank] == [
        (int(facts["amount"] * 100), facts["trace"])
    ]


def test_a_payout_that_is_not_reconciled_yet_is_not_told(account: Account, stripe: Stripe, sent: str) -> None:
    account.box.pay(sent)
    account.box.set(reconciled_after=10**7)
    account.box.advance(days=6)
    things = account.box.platform.things
    payouts = [id for id, one in things.items() if one["object"] == "payout"]
    assert payouts
    assert list(stripe.read(about("payout", payouts[0]))) == []


def test_a_failed_payout_and_its_return_in_the_next_one(account: Account, stripe: Stripe, sent: str) -> None:
    account.box.pay(sent)
    account.box.advance(days=4)
    things = account.box.platform.things
    first = next(id for id, one in things.items() if one["object"] == "payout")
    account.box.fail_payout(first)
    account.box.advance(days=4)
    state = told(stripe, account.deliveries(stripe))
    assert state["payout", first]["failed_on"] is not None
    others = [facts for (kind, id), facts in state.items() if kind == "payout" and id != first]
    returned = [one for facts in others for one in facts["items"] if one["type"] == "failed_payout"]
    assert [one["document"] for one in returned] == [first]


def test_a_payment_without_an_invoice_has_only_its_words(
    account: Account, stripe: Stripe, buyer: str
) -> None:
    account.box.pay_freely(5_000, customer=buyer, described="INV-77 thanks")
    facts = only(told(stripe, account.deliveries(stripe)), "payment")
    assert facts["references"] == ["INV-77 thanks"]
    assert (facts["applications"], facts["documents"], facts["customer"]) == ([], [], buyer)


def test_an_object_of_the_other_mode_is_a_case_in_stripes_words(stripe: Stripe) -> None:
    with pytest.raises(Rejected, match="No such charge"):
        list(stripe.read(about("charge", "ch_of_the_live_mode")))


def test_what_cannot_be_expressed_holds_nothing_else_up(account: Account, stripe: Stripe, sent: str) -> None:
    charge = account.box.pay(sent)["latest_charge"]
    refund = account.box.refund(charge, 1_000)["id"]
    account.thing(charge)["amount_captured"] = 10.5
    changes: Sequence[Change] = list(stripe.read(about("refund", refund)))
    assert [(one.kind, type(one.problem)) for one in changes] == [
        ("payment", Unmappable),
        ("refund", type(None)),
    ]


def test_changes_are_dated_so_that_an_older_look_never_overrules_a_newer(
    account: Account, stripe: Stripe, sent: str
) -> None:
    charge = account.box.pay(sent)["latest_charge"]
    first, second = (next(iter(stripe.read(about("charge", charge)))) for _ in range(2))
    assert first.revision is not None
    assert second.revision is not None
    assert first.revision < second.revision


def test_a_connected_account_is_read_with_its_own_money(account: Account) -> None:
    other = account.box.connect("Branch")
    stripe = account.connect(account=other.id)
    intent = account.box.pay_freely(5_000, account=other.id)
    facts = only(told(stripe, account.deliveries(stripe)), "payment")
    assert facts["payment_intent"] == intent["id"]
    assert account.deliveries(account.connect()) == []
