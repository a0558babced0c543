"""The whole history in few calls: counted, complete, resumable, and no older than it says."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from connectors.hubspot.connector import HubSpot
from hub.sdk import Arrival, Change, Invalid, Page, RateLimited
from tests.connectors.hubspot.account import Account, changed_deal, orders

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
DEALS, COMPANIES = 4_000, 800


def pages(connector: HubSpot, cursor: str | None = None) -> Iterator[Page]:
    for _ in range(200):
        page = connector.backfill(LONG_AGO, cursor)
        yield page
        cursor = page.cursor
        if not page.more:
            return
    raise AssertionError("the walk does not end")


def arrivals(connector: HubSpot, cursor: str | None = None) -> list[Arrival]:
    return [arrival for page in pages(connector, cursor) for arrival in page.arrivals]


def read(connector: HubSpot, found: list[Arrival]) -> list[Change]:
    answers = connector.read_many([arrival.delivery for arrival in found])
    return [change for answer in answers for change in answer]


def about(arrival: Arrival) -> str:
    return str(json.loads(arrival.delivery.body)[0]["objectId"])


@pytest.fixture
def history(account: Account) -> set[str]:
    """4,000 deals with two lines each, five to a company in random order, one contact to a company."""
    box = account.sandbox
    deals = box.seed(deals=DEALS).deals
    companies = [box.create_company(name=f"C {n}") for n in range(COMPANIES)]
    for company in companies:
        box.create_contact(company, email=f"c{company}@blue.test")
    owners = [company for company in companies for _ in range(DEALS // COMPANIES)]
    random.Random(7).shuffle(owners)
    ties = [(deal, (owner,)) for deal, owner in zip(deals, owners, strict=True)]
    box.portal.links.fill("deals", "companies", ties, primary=True)
    return set(deals)


def test_four_thousand_deals_come_in_less_than_a_call_for_25_of_them(
    account: Account, history: set[str]
) -> None:
    connector = account.connect()
    before = account.sandbox.kit.calls
    told: dict[str, Change] = {}
    customers: set[str] = set()
    count = 0
    for page in pages(connector):
        assert len(page.arrivals) <= 1_000
        assert page.total == DEALS + COMPANIES
        count += len(page.arrivals)
        for change in read(connector, list(page.arrivals)):
            if change.kind == "order":
                told[change.external_id] = change
            else:
                customers.add(change.external_id)
                assert change.record is not None
                assert change.record["contact"]["properties"]["email"]
    calls = account.sandbox.kit.calls - before
    assert set(told) == history
    assert len(customers) == COMPANIES
    assert all(one.record is not None and len(one.record["line_items"]) == 2 for one in told.values())
    assert all(one.record is not None and one.record["company"] for one in told.values())
    assert count <= DEALS + COMPANIES + 30  # the last of a page may begin the next one
    assert calls <= DEALS / 25, calls


def test_a_backfill_goes_on_where_it_was_killed(account: Account) -> None:
    account.sandbox.seed(deals=2_500, companies=3)
    whole = {id for arrival in arrivals(account.connect()) for id in arrival.event_ids}
    first, *_ = pages(account.connect())
    again = account.connect().backfill(LONG_AGO, None)
    assert [one.event_ids for one in again.arrivals] == [one.event_ids for one in first.arrivals]
    rest = arrivals(account.connect(), cursor=first.cursor)
    assert {id for arrival in [*first.arrivals, *rest] for id in arrival.event_ids} == whole
    assert len(whole) == 2_503


def test_only_what_changed_since_then_comes(account: Account) -> None:
    account.sandbox.seed(deals=100, companies=3)
    since = account.clock() - timedelta(seconds=9)
    page = account.connect().backfill(since, None)
    assert (len(page.arrivals), page.total) == (10, 10)


def test_companies_without_deals_come_after_the_deals(account: Account) -> None:
    deal = account.won_deal()
    lonely = account.sandbox.create_company(name="Lonely")
    connector = account.connect()
    changes = read(connector, arrivals(connector))
    assert deal in orders(changes)
    assert lonely in {change.external_id for change in changes if change.kind == "customer"}


def test_what_a_search_told_is_dated_by_the_hubs_clock_and_as_old_as_it_may_be(account: Account) -> None:
    account.won_deal()
    connector = account.connect()
    came_in = datetime(2020, 2, 2, tzinfo=UTC)  # by another clock than that of this process
    found = [one._replace(delivery=one.delivery._replace(received_at=came_in)) for one in arrivals(connector)]
    changes = read(connector, found)
    assert {change.kind for change in changes} == {"customer", "order"}
    assert {change.as_of for change in changes} == {came_in - timedelta(minutes=10)}


def test_a_webhook_for_the_same_deal_makes_it_read_anew(account: Account) -> None:
    deal = account.won_deal()
    connector = account.connect()
    found = arrivals(connector)
    account.sandbox.update("deals", deal, {"dealname": "changed since"})
    delivered = [one.delivery for one in found if about(one) == deal]
    *_, pushed_too = connector.read_many([*delivered, changed_deal(deal)])
    (order,) = [change for change in pushed_too if change.kind == "order"]
    assert order.record is not None
    assert order.record["properties"]["dealname"] == "changed since"
    assert order.as_of is None


def test_what_the_index_does_not_show_yet_is_read(account: Account) -> None:
    deal = account.won_deal()
    connector = account.connect()
    found = [one for one in arrivals(connector) if about(one) == deal]
    account.sandbox.objects.search_lag = timedelta(minutes=1)
    changes = read(connector, found)
    (record,) = orders(changes).values()
    assert len(record["line_items"]) == 2
    assert record["company"]["properties"]["name"] == "Blue Widgets"
    assert record["contact"]["properties"]["email"] == "ann@blue.test"


def test_a_limit_in_the_middle_of_a_page_keeps_what_there_is(account: Account) -> None:
    account.sandbox.seed(deals=1_200)
    connector = account.connect()
    account.sandbox.rate_limit("SECONDLY", path="deals/search")
    with pytest.raises(RateLimited):
        connector.backfill(LONG_AGO, None)
    account.sandbox.kit.faults.clear()
    account.sandbox.rate_limit("SECONDLY", path="deals/search")
    account.sandbox.kit.faults[0].skip = 2
    page = connector.backfill(LONG_AGO, None)
    assert (len(page.arrivals), page.more, page.wait) == (399, True, 1.0)
    rest = arrivals(connector, cursor=page.cursor)
    assert len({about(one) for one in [*page.arrivals, *rest]}) == 1_200


def test_limited_searches_are_no_reason_to_begin_anew(account: Account) -> None:
    deal = account.won_deal()
    connector = account.connect()
    found = [one for one in arrivals(connector) if about(one) == deal]
    account.sandbox.rate_limit("SECONDLY", times=-1, path="search")
    assert orders(read(connector, found))[deal]["company"]["properties"]["name"] == "Blue Widgets"


@pytest.mark.parametrize(
    "cursor", ["x", "deals/from:1:0", "tickets/from:1:0/5", "deals/from:1/5", "deals/later:1:0/5"]
)
def test_a_cursor_that_is_none_of_ours_is_refused(account: Account, cursor: str) -> None:
    with pytest.raises(Invalid, match="is not a cursor"):
        account.connect().backfill(LONG_AGO, cursor)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"object": "x"},
        {"object": {"id": "1", "properties": {}}},
        {"objectId": "a"},
    ],
)
def test_a_backfill_that_was_tampered_with_is_refused(account: Account, spoilt: dict[str, object]) -> None:
    account.won_deal()
    connector = account.connect()
    delivery = arrivals(connector)[0].delivery
    (event,) = json.loads(delivery.body)
    with pytest.raises(Invalid):
        connector.read_many([delivery._replace(body=json.dumps([{**event, **spoilt}]).encode())])
