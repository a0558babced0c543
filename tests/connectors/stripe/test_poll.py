"""Catching up by Stripe's own lists: nothing is missed, nothing unknown is asked twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connectors.stripe.backfill import Place
from connectors.stripe.connector import Stripe
from connectors.stripe.events import parse_event
from connectors.stripe.poll import Cursor
from hub.sdk import Invalid, Page
from tests.connectors.stripe.conftest import Account, customer, invoice


@pytest.fixture
def buyer(stripe: Stripe) -> str:
    return stripe.push(customer())


def all_pages(stripe: Stripe, cursor: str | None = None) -> tuple[list[str], str]:
    """Event ids of everything that is new, and the cursor after it."""
    ids: list[str] = []
    for _ in range(50):
        page = stripe.poll(cursor)
        ids += [id for arrival in page.arrivals for id in arrival.event_ids]
        assert page.cursor is not None
        cursor = page.cursor
        if not page.more:
            return ids, cursor
    raise AssertionError("it never ends")


def calls(account: Account) -> int:
    return int(account.box.kit.calls)


def test_a_poll_that_finds_nothing_new_is_one_call(account: Account, stripe: Stripe, buyer: str) -> None:
    account.box.pay_freely(1_000, customer=buyer)
    account.box.advance(-120)  # what happened is older than what may still become visible
    account.box.pay_freely(1_000, customer=buyer)
    _, cursor = all_pages(stripe)
    before = calls(account)
    page = stripe.poll(cursor)
    assert calls(account) - before == 1
    assert not page.more
    assert page.cursor == cursor


def test_every_event_is_seen_once_the_walks_are_over(account: Account, stripe: Stripe, buyer: str) -> None:
    for n in range(105):
        account.box.pay_freely(1_000 + n, customer=buyer)
    first, cursor = all_pages(stripe)
    assert len(first) == len(set(first)) == 105
    for n in range(110):
        account.box.pay_freely(5_000 + n, customer=buyer)
    more, _ = all_pages(stripe, cursor)
    charges = [one["id"] for one in account.box.platform.things.values() if one["object"] == "charge"]
    succeeded = [e for e in account.box.platform.events.values() if e.type == "charge.succeeded"]
    assert len(charges) == len(succeeded) == 215
    assert {e.id for e in succeeded} <= {*first, *more}


def test_a_polled_event_has_the_id_of_its_webhook_and_no_snapshot(
    account: Account, stripe: Stripe, buyer: str
) -> None:
    intent = account.box.pay_freely(1_000, customer=buyer)
    page: Page = stripe.poll(None)
    events = {parse_event(arrival.delivery.body) for arrival in page.arrivals}
    theirs = {e.id for e in account.box.platform.events.values() if e.type.startswith("charge.")}
    assert theirs <= {event.id for event in events}
    assert all(b"billing_details" not in arrival.delivery.body for arrival in page.arrivals)
    assert intent["latest_charge"] in {event.subject.id for event in events if event.subject}


def test_only_events_of_ours_are_asked_for(account: Account, stripe: Stripe, buyer: str) -> None:
    stripe.push(invoice(buyer))
    types = {parse_event(arrival.delivery.body).type for arrival in stripe.poll(None).arrivals}
    assert types == {"invoice.finalized"}


def test_the_first_poll_can_be_bounded(account: Account, buyer: str) -> None:
    account.box.pay_freely(1_000, customer=buyer)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert all_pages(account.connect(poll_from=tomorrow))[0] == []
    assert all_pages(account.connect(poll_from=tomorrow - timedelta(days=2)))[0]


def test_after_an_outage_longer_than_events_are_kept_objects_are_listed(
    account: Account, stripe: Stripe, buyer: str
) -> None:
    account.box.pay_freely(1_000, customer=buyer)
    _, cursor = all_pages(stripe)
    here = Cursor.parse(cursor)
    intent = account.box.pay_freely(2_000, customer=buyer)
    long_ago = int((datetime.now(UTC) - timedelta(days=40)).timestamp())
    old = str(here._replace(step="on", anchor=here.anchor._replace(id="evt_forgotten", at=long_ago)))
    walked, after = all_pages(stripe, old)
    assert any(id.startswith(f"o2c_{intent['latest_charge']}_") for id in walked)
    assert Cursor.parse(after).step == "on"


def test_an_event_that_stripe_forgot_leads_to_the_lists_too(
    account: Account, stripe: Stripe, buyer: str
) -> None:
    intent = account.box.pay_freely(2_000, customer=buyer)
    now = int(datetime.now(UTC).timestamp())
    walked, _ = all_pages(stripe, f"on;evt_forgotten;{now - 100};")
    assert any(id.startswith(f"o2c_{intent['latest_charge']}_") for id in walked)


@pytest.mark.parametrize("cursor", ["", "nonsense", "on;a;b;", "up;a;1;", "gap;a;1;x|y|z"])
def test_a_cursor_that_is_not_ours_is_told(stripe: Stripe, cursor: str) -> None:
    if cursor:
        with pytest.raises(Invalid, match="cursor"):
            stripe.poll(cursor)
    with pytest.raises(Invalid, match="cursor"):
        Place.parse(cursor)


# backfill


def test_a_backfill_brings_everything_in_order_of_reference_and_can_be_resumed(
    account: Account, stripe: Stripe, buyer: str
) -> None:
    sent = stripe.push(invoice(buyer))
    charges = [account.box.pay_freely(1_000 + n, customer=buyer)["latest_charge"] for n in range(103)]
    charges.append(account.box.pay(sent)["latest_charge"])
    refund = account.box.refund(charges[-1], 100)["id"]
    since, cursor, ids, kinds = datetime.now(UTC) - timedelta(days=1), None, [], []
    for _ in range(20):
        page, again = stripe.backfill(since, cursor), stripe.backfill(since, cursor)
        told = [arrival.event_ids for arrival in page.arrivals]
        assert told == [arrival.event_ids for arrival in again.arrivals]
        ids += [id for one in told for id in one]
        subjects = [parse_event(arrival.delivery.body).subject for arrival in page.arrivals]
        kinds += [subject.object for subject in subjects if subject]
        cursor = page.cursor
        if not page.more:
            break
    assert kinds == sorted(kinds, key=["invoice", "charge", "refund", "dispute", "payout"].index)
    assert kinds.count("charge") == len(charges)
    assert any(id.startswith(f"o2c_{refund}_") for id in ids)
    assert len(set(ids)) == len(ids)


def test_an_object_that_changed_is_no_repeat_in_the_next_backfill(
    account: Account, stripe: Stripe, buyer: str
) -> None:
    charge = account.box.pay_freely(1_000, customer=buyer)["latest_charge"]
    since = datetime.now(UTC) - timedelta(days=1)

    def marks() -> set[str]:
        page = stripe.backfill(since, str(Place(int(since.timestamp()), 1)))
        return {id for one in page.arrivals for id in one.event_ids if charge in id}

    before = marks()
    assert marks() == before
    account.box.refund(charge, 100)
    assert marks() != before
