"""Whole ways in through the connector: outbound messages, the event stream beside polling, a backfill."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connectors.salesforce.connector import Salesforce
from hub.sdk import Arrival, Delivery, Invalid, Write
from sandbox.salesforce.outbound import OutboundMessages
from sandbox.salesforce.pubsub import PubSub, serving, sessions_of
from sandbox.salesforce.pubsub_bus import EventBus
from tests.connectors.salesforce.company import PATH_TOKEN, Company, named, orders

SINCE = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_message_of_many_notifications_is_verified_and_read(company: Company) -> None:
    deals = [company.won(f"D{n}") for n in range(5)]
    pushes = OutboundMessages(company.sandbox.org)
    pushes.subscribe("Opportunity", ["StageName"], "https://hub.test")
    for deal in deals:
        company.sandbox.update("Opportunity", deal, {"NextStep": "call"})
    body = pushes.envelope(pushes.waiting)
    delivery = Delivery({"o2c-path-token": PATH_TOKEN}, body, "https://hub.test", company.clock())
    salesforce = company.connect()
    assert len(salesforce.verify(delivery)) == 5
    assert sorted(orders(list(salesforce.read(delivery)))) == sorted(deals)


@pytest.fixture
def stream(company: Company) -> Iterator[tuple[PubSub, str]]:
    box = company.sandbox
    bus = PubSub(box.org, EventBus(box.org), sessions_of(box.login))
    with serving(bus) as address:
        yield bus, address


def found(page: Any, salesforce: Salesforce) -> set[str]:
    answers = salesforce.read_many([one.delivery for one in page.arrivals])
    return {id for answer in answers for id in orders(list(answer))}


def test_the_stream_brings_changes_and_our_own_echo_is_dropped(
    company: Company, stream: tuple[PubSub, str]
) -> None:
    deal = company.won()
    salesforce = company.connect(pubsub=True, pubsub_address=stream[1])
    first = salesforce.poll(None)
    assert deal in found(first, salesforce)
    salesforce.push(Write("order", {"O2C_Order_Number__c": "SO-1"}, deal, "d", "k"))
    second = salesforce.poll(first.cursor)
    assert second.arrivals == []
    company.sandbox.update("Opportunity", deal, {"NextStep": "call"})
    third = salesforce.poll(second.cursor)
    assert found(third, salesforce) == {deal}
    assert [one.event_ids for one in third.arrivals] == [
        one.event_ids for one in salesforce.poll(second.cursor).arrivals
    ]


def test_a_stream_that_is_away_is_made_up_for_by_the_walk(
    company: Company, stream: tuple[PubSub, str]
) -> None:
    salesforce = company.connect(pubsub=True, pubsub_address=stream[1], poll_margin=0)
    cursor = salesforce.poll(None).cursor
    company.clock.time = datetime.now(UTC) - timedelta(seconds=1)
    deal = company.won()
    stream[0].refuse("service.unavailable", times=10)
    assert deal in found(salesforce.poll(cursor), salesforce)


def everything(salesforce: Salesforce, cursor: str | None = None) -> tuple[list[Arrival], list[str]]:
    arrivals: list[Arrival] = []
    cursors: list[str] = []
    for _ in range(200):
        page = salesforce.backfill(SINCE, cursor)
        arrivals += page.arrivals
        cursor = page.cursor
        cursors.append(str(cursor))
        if not page.more:
            return arrivals, cursors
    raise AssertionError("the backfill does not come to an end")


def test_a_backfill_brings_every_record_whole_and_reading_it_costs_no_call(company: Company) -> None:
    deals = [company.won(f"D{n}") for n in range(7)]
    salesforce = company.connect(poll_margin=0)
    arrivals, _ = everything(salesforce)
    before = company.calls()
    answers = salesforce.read_many([one.delivery for one in arrivals])
    assert company.calls() == before
    records = {id: record for answer in answers for id, record in orders(list(answer)).items()}
    assert sorted(records) == sorted(deals)
    for answer in answers:
        assert [change.kind for change in answer] == ["customer", "order"]
        assert all(change.as_of is not None and change.revision is not None for change in answer)
    whole = orders(list(salesforce.read(named(("Opportunity", deals[0])))))[deals[0]]
    assert _comparable(records[deals[0]]) == _comparable(whole)


def _comparable(value: Any) -> Any:
    """Numbers by their value: one wire says 10.0 where the other says 10."""
    if isinstance(value, dict):
        return {name: _comparable(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_comparable(one) for one in value]
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value


def test_a_backfill_goes_on_where_another_process_stopped(company: Company) -> None:
    for n in range(5):
        company.won(f"D{n}")
    whole, cursors = everything(company.connect(poll_margin=0))
    for cursor in cursors[:-1]:
        rest, _ = everything(company.connect(poll_margin=0), cursor)
        assert {one.event_ids[0] for one in rest} <= {one.event_ids[0] for one in whole}


def test_what_is_no_cursor_of_a_backfill_is_refused(company: Company) -> None:
    for text in ("x", "{}", '{"until": "x", "walk": ""}', '{"until": "2026-01-01T00:00:00Z", "walk": "x"}'):
        with pytest.raises(Invalid, match="begin it again"):
            company.connect().backfill(SINCE, text)


@pytest.mark.parametrize(("change", "id"), [("GAP_UPDATE", "006*"), ("GAP_OVERFLOW", "000000000000000AAA")])
def test_an_event_that_names_no_record_does_not_stop_the_stream_and_makes_us_look(
    company: Company, stream: tuple[PubSub, str], change: str, id: str
) -> None:
    salesforce = company.connect(pubsub=True, pubsub_address=stream[1], poll_margin=0)
    cursor = salesforce.poll(None).cursor
    company.clock.time = datetime.now(UTC) - timedelta(seconds=1)
    deal = company.won()
    stream[0].bus.announce("Opportunity", change, [id])
    page = salesforce.poll(cursor)
    assert deal in found(page, salesforce)
    assert all(id.encode() not in one.delivery.body for one in page.arrivals)
    walk = [one for one in page.arrivals if "@" in one.event_ids[0]]
    assert walk  # polls beside a stream walk every 15 minutes only, this one at once
    assert salesforce.poll(page.cursor).arrivals == []


def test_a_stream_whose_own_allowance_is_spent_is_made_up_for_by_the_walk(
    company: Company, stream: tuple[PubSub, str]
) -> None:
    salesforce = company.connect(pubsub=True, pubsub_address=stream[1], poll_margin=0)
    cursor = salesforce.poll(None).cursor
    company.clock.time = datetime.now(UTC) - timedelta(seconds=1)
    deal = company.won()
    stream[0].refuse("service.limit.exceeded", "RESOURCE_EXHAUSTED", times=10)
    assert deal in found(salesforce.poll(cursor), salesforce)


def test_a_backfill_is_never_newer_than_the_hubs_clock_at_its_arrival(company: Company) -> None:
    company.won()
    salesforce = company.connect(poll_margin=0)
    (arrival,), _ = everything(salesforce)
    came_in = datetime(2020, 2, 2, tzinfo=UTC)  # the hub's clock is far behind that of this machine
    changes = salesforce.read(arrival.delivery._replace(received_at=came_in))
    assert {change.as_of for change in changes} == {came_in}


def test_a_message_with_a_byte_order_mark_is_read_as_it_was_verified(company: Company) -> None:
    deal = company.won()
    pushes = OutboundMessages(company.sandbox.org)
    pushes.subscribe("Opportunity", ["StageName"], "https://hub.test")
    company.sandbox.update("Opportunity", deal, {"NextStep": "call"})
    body = b"\xef\xbb\xbf" + pushes.envelope(pushes.waiting)
    delivery = Delivery({"o2c-path-token": PATH_TOKEN}, body, "https://hub.test", company.clock())
    salesforce = company.connect()
    assert len(salesforce.verify(delivery)) == 1
    assert list(orders(list(salesforce.read(delivery)))) == [deal]
