"""Catching up: nothing is skipped, nothing endless, and what is seen twice has the same name."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from connectors.hubspot.connector import HubSpot
from connectors.hubspot.poll import Cursor, Gone, Walks
from connectors.hubspot.translate import milliseconds
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


def slow_turn(account: Account) -> str:
    """A cursor of before there were slower walks: theirs are due at once."""
    return f"idle:{milliseconds(account.clock())}:0"


def kinds(arrivals: list[Arrival]) -> list[tuple[str, str]]:
    told = [json.loads(arrival.delivery.body)[0] for arrival in arrivals]
    return sorted((one["subscriptionType"], str(one["objectId"])) for one in told)


def test_companies_and_contacts_that_changed_are_found_in_the_slower_walks(account: Account) -> None:
    company = account.sandbox.create_company(name="Blue")
    contact = account.sandbox.create_contact(company, email="ann@blue.test")
    account.clock.forward(hours=1)
    connector, cursor = account.connect(), slow_turn(account)
    assert walk(connector, cursor)[0] == []
    account.sandbox.update("companies", company, {"city": "Ulm"})
    account.sandbox.update("contacts", contact, {"phone": "1"})
    arrivals, after = walk(connector, cursor)
    assert kinds(arrivals) == [("company.propertyChange", company), ("contact.propertyChange", contact)]
    assert {change.kind for one in arrivals for change in connector.read(one.delivery)} == {"customer"}
    account.sandbox.update("companies", company, {"city": "Bonn"})
    assert walk(connector, after)[0] == []  # it is not yet time again


def test_deleted_deals_are_found_and_those_deleted_long_ago_are_not(account: Account) -> None:
    old, new = account.sandbox.create_deal(dealname="A"), account.sandbox.create_deal(dealname="B")
    account.sandbox.delete("deals", old)
    account.clock.forward(hours=1)
    cursor = slow_turn(account)
    account.sandbox.delete("deals", new)
    connector = account.connect()
    arrivals, _ = walk(connector, cursor)
    assert kinds(arrivals) == [("deal.deletion", new)]
    (change,) = connector.read(arrivals[0].delivery)
    assert (change.kind, change.external_id, change.record) == ("order", new, None)


def test_a_long_list_of_deleted_deals_is_looked_through_page_by_page(account: Account) -> None:
    deals = many(account, 250, seconds=0)
    account.clock.forward(hours=1)
    cursor = slow_turn(account)
    for deal in deals:
        account.sandbox.delete("deals", deal)
    arrivals, after = walk(account.connect(), cursor)
    assert len(ids(arrivals)) == 250
    assert Walks.parse(after).gone.after == ""


def test_a_list_too_long_for_one_turn_goes_on_in_the_next(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.hubspot.poll.ARCHIVED_PAGES", 2)
    deals = many(account, 250, seconds=0)
    account.clock.forward(hours=1)
    cursor = slow_turn(account)
    for deal in deals:
        account.sandbox.delete("deals", deal)
    connector = account.connect()
    first, after = walk(connector, cursor)
    assert len(ids(first)) == 200
    rest, last = walk(connector, str(Walks.parse(after)._replace(rested=0)))
    assert len(ids(first) | ids(rest)) == 250
    assert Walks.parse(last).gone.after == ""


def test_a_first_poll_does_not_bring_companies_on_their_own(account: Account) -> None:
    account.sandbox.create_company(name="Blue")
    assert walk(account.connect(), None)[0] == []


def test_the_cursor_of_all_walks_survives_being_text(account: Account) -> None:
    start = Walks.start(None, 7)
    assert Walks.parse(str(start)) == start
    later = start._replace(turn="gone", pages=3, companies=Cursor("tied", 5, 6))
    assert Walks.parse(str(later)) == later


@pytest.mark.parametrize(
    "change",
    [("turn=deals", "turn=tickets"), ("rested=7", "rested=-7"), ("gone=7:7:", "gone=7:7"), ("|pages=0", "")],
)
def test_a_cursor_of_all_walks_that_was_tampered_with_is_refused(change: tuple[str, str]) -> None:
    text = str(Walks.start(None, 7))
    assert change[0] in text
    with pytest.raises(Invalid, match="not a cursor"):
        Walks.parse(text.replace(*change))


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


def test_a_place_in_the_list_of_deletions_is_hubspots_own_word(account: Account) -> None:
    place = "NTI1Cg==|:% Z"
    gone = Gone(7, 8, place)
    assert Walks.parse(str(Walks.start(None, 7)._replace(gone=gone))).gone == gone
    assert Gone.parse("7:8:0") == Gone(7, 8)  # of earlier versions
    deal = account.sandbox.create_deal(dealname="A")
    account.sandbox.delete("deals", deal)
    deleted = {"id": deal, "properties": {}, "archivedAt": account.clock().isoformat()}
    more = {"results": [deleted], "paging": {"next": {"after": place}}}
    account.sandbox.kit.faults.append(Fault(kind="refuse", path="objects", status=200, body=more))
    page = account.connect().poll(str(Walks.start(None, 7)._replace(turn="gone")))
    assert page.more
    assert page.cursor is not None
    assert Walks.parse(page.cursor).gone.after == place


def test_a_page_of_what_was_not_asked_for_does_not_begin_the_walk_anew(account: Account) -> None:
    undated = [{"id": str(n), "properties": {}} for n in range(1, 201)]
    account.sandbox.kit.faults.append(
        Fault(kind="refuse", path="search", status=200, body={"results": undated})
    )
    with pytest.raises(Transient, match="not asked for"):
        account.connect().poll("from:1791196200000:0")


def test_contacts_are_walked_by_their_own_date_whatever_other_dates_they_have(account: Account) -> None:
    at = account.clock()
    dates = {"lastmodifieddate": at.isoformat(), "hs_lastmodifieddate": (at - timedelta(days=9)).isoformat()}
    body = {"results": [{"id": "7", "properties": dates}]}
    account.sandbox.kit.faults.append(Fault(kind="refuse", path="contacts/search", status=200, body=body))
    walks = Walks.start(None, milliseconds(at))._replace(turn="contacts")
    page = account.connect().poll(str(walks))
    assert kinds(list(page.arrivals)) == [("contact.propertyChange", "7")]
    assert json.loads(page.arrivals[0].delivery.body)[0]["occurredAt"] == milliseconds(at)
    assert page.cursor is not None
    assert Walks.parse(page.cursor).contacts.at == milliseconds(at)
