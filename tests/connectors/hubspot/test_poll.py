"""Catching up: nothing is skipped, nothing endless, and what is seen twice has the same name."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from connectors.hubspot.connector import HubSpot
from connectors.hubspot.poll import Cursor
from hub.sdk import Arrival, Invalid, RateLimited, Transient
from sandbox.kit import Fault
from tests.connectors.hubspot.account import Account, orders


def walk(connector: HubSpot, cursor: str | None) -> tuple[list[Arrival], str]:
    """All pages of one catch-up."""
    found: list[Arrival] = []
    for _ in range(100):
        page = connector.poll(cursor)
        assert len(page.arrivals) <= 200
        found.extend(page.arrivals)
        cursor = page.cursor
        assert cursor is not None
        if not page.more:
            return found, cursor
    raise AssertionError("the walk does not end")


def ids(arrivals: list[Arrival]) -> set[str]:
    return {one for arrival in arrivals for one in arrival.event_ids}


def many(account: Account, count: int, *, seconds: float) -> list[str]:
    deals = []
    for n in range(count):
        deals.append(account.sandbox.create_deal(dealname=f"Deal {n}"))
        account.clock.forward(seconds=seconds)
    return deals


def test_an_empty_account_is_caught_up_at_once(account: Account) -> None:
    page = account.connect().poll(None)
    assert (page.arrivals, page.more) == ([], False)
    assert account.connect().poll(page.cursor).arrivals == []


def test_every_deal_of_several_pages_arrives(account: Account) -> None:
    many(account, 450, seconds=1)
    arrivals, _ = walk(account.connect(), None)
    assert len(ids(arrivals)) == 450


def test_more_deals_of_one_instant_than_a_page_holds_all_arrive(account: Account) -> None:
    before = many(account, 3, seconds=1)
    bulk = many(account, 450, seconds=0)
    account.clock.forward(seconds=1)
    after = many(account, 3, seconds=1)
    arrivals, cursor = walk(account.connect(), None)
    assert len(ids(arrivals)) == len(before) + len(bulk) + len(after)
    account.clock.forward(minutes=1)
    again, _ = walk(account.connect(), cursor)
    assert ids(again) <= ids(arrivals)


def test_exactly_one_full_page_of_one_instant_ends(account: Account) -> None:
    many(account, 200, seconds=0)
    arrivals, _ = walk(account.connect(), None)
    assert len(ids(arrivals)) == 200


def test_a_deal_that_changes_while_we_page_is_not_the_reason_another_is_skipped(account: Account) -> None:
    deals = many(account, 300, seconds=1)
    connector = account.connect()
    first = connector.poll(None)
    assert first.more
    account.sandbox.update("deals", deals[0], {"dealname": "changed meanwhile"})
    rest, _ = walk(connector, first.cursor)
    seen = {read_id(arrival) for arrival in [*first.arrivals, *rest]}
    assert seen == set(deals)


def read_id(arrival: Arrival) -> str:
    return str(json.loads(arrival.delivery.body)[0]["objectId"])


def test_the_last_five_minutes_are_looked_at_again_under_the_same_names(account: Account) -> None:
    many(account, 10, seconds=60)
    connector = account.connect()
    arrivals, cursor = walk(connector, None)
    again, after = walk(connector, cursor)
    assert 0 < len(again) < 10
    assert ids(again) <= ids(arrivals)
    assert after == cursor


def test_a_deal_the_index_shows_late_is_still_found(account: Account) -> None:
    account.sandbox.objects.search_lag = timedelta(seconds=30)
    many(account, 2, seconds=60)
    late = account.sandbox.create_deal(dealname="Late")
    account.clock.forward(seconds=1)
    connector = account.connect()
    first, cursor = walk(connector, None)
    account.sandbox.objects.search_lag = timedelta(0)
    second, _ = walk(connector, cursor)
    assert late not in {read_id(arrival) for arrival in first}
    assert late in {read_id(arrival) for arrival in second}


def test_a_deal_that_changed_again_has_another_name(account: Account) -> None:
    (deal,) = many(account, 1, seconds=1)
    connector = account.connect()
    first, cursor = walk(connector, None)
    account.sandbox.update("deals", deal, {"dealname": "changed"})
    second, _ = walk(connector, cursor)
    assert ids(first).isdisjoint(ids(second))


def test_what_was_polled_is_read_like_a_webhook(account: Account) -> None:
    deal = account.won_deal()
    connector = account.connect()
    (arrival,), _ = walk(connector, None)
    assert deal in orders(list(connector.read(arrival.delivery)))
    assert arrival.delivery.received_at.tzinfo is UTC


def test_the_first_poll_starts_where_the_settings_say(account: Account) -> None:
    many(account, 3, seconds=3600)
    start = datetime(2026, 10, 5, 11, 0, tzinfo=UTC)
    arrivals, _ = walk(account.connect(poll_from=start), None)
    assert len(arrivals) == 1


@pytest.mark.parametrize("cursor", ["x", "idle", "idle:1", "later:1:2", "idle:-1:0", "1790000000000"])
def test_a_cursor_that_is_none_of_ours_is_refused(account: Account, cursor: str) -> None:
    with pytest.raises(Invalid, match="not a cursor"):
        account.connect().poll(cursor)


def test_a_cursor_survives_being_text() -> None:
    for cursor in (Cursor("idle", 5), Cursor("tied", 7, 12), Cursor("past", 0), Cursor("from", 9)):
        assert Cursor.parse(str(cursor)) == cursor


def test_a_page_that_is_not_in_order_is_an_error_and_skips_nothing(account: Account) -> None:
    late, early = "2026-10-05T10:00:00Z", "2026-10-05T09:00:00Z"
    page = [{"id": str(n), "properties": {"hs_lastmodifieddate": at}} for n, at in ((1, late), (2, early))]
    account.sandbox.kit.faults.append(Fault(kind="refuse", path="search", status=200, body={"results": page}))
    with pytest.raises(Transient, match="did not sort"):
        account.connect().poll(None)


def test_a_rate_limit_while_polling_loses_nothing(account: Account) -> None:
    many(account, 3, seconds=1)
    connector = account.connect()
    account.sandbox.rate_limit("SECONDLY", path="search")
    with pytest.raises(RateLimited) as caught:
        connector.poll(None)
    assert caught.value.retry_after == 1
    assert len(connector.poll(None).arrivals) == 3
