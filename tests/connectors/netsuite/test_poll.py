"""Shipments by polling: nothing missed, nothing twice, nothing trusted that was pushed."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connectors.netsuite import connector, times
from connectors.netsuite.connector import NetSuite
from hub.connector import Change, Delivery, Page
from hub.errors import AuthFailed, Invalid
from sandbox.kit import serve
from sandbox.netsuite import NetSuiteSandbox
from tests.connectors.netsuite.conftest import LINES, ORDER, Connect, order, write

Sold = tuple[str, str]


def ids(page: Page) -> list[str]:
    return [str(json.loads(arrival.delivery.body)["id"]) for arrival in page.arrivals]


def past(account: NetSuiteSandbox, seconds: int = 5) -> None:
    """From now on the account writes as it did some seconds ago, so that a poll without margin sees it."""
    account.books.now = lambda: datetime.now(UTC) - timedelta(seconds=seconds)


def test_a_shipment_arrives_once_with_its_lines(
    account: NetSuiteSandbox, netsuite: NetSuite, sold: Sold
) -> None:
    past(account)
    shipped = account.fulfil(
        sold[1], {"BOLT-1": 4, "O'RING": "2.5"}, shipped_on=date(2026, 11, 9), tracking="1Z9"
    )
    page = netsuite.poll(None)
    assert ids(page) == [shipped]
    assert not page.more
    [change] = netsuite.read(page.arrivals[0].delivery)
    assert isinstance(change, Change)
    record = change.record
    assert record is not None
    assert (change.kind, change.external_id, change.revision) == (
        "shipment",
        shipped,
        datetime.fromisoformat(record["lastModifiedDate"]),
    )
    assert (record["createdFrom"]["id"], record["tranDate"]) == (sold[1], "2026-11-09")
    seen = [(x["custcol_o2c_line_id"], x["item"]["refName"], x["quantity"]) for x in record["item"]["items"]]
    assert seen == [("l1", "BOLT-1", Decimal(4)), ("l2", "O'RING", Decimal("2.5"))]
    assert record["package"]["items"][0]["packageTrackingNumber"] == "1Z9"


def test_polling_again_repeats_only_what_overlaps_under_the_same_event_id(
    account: NetSuiteSandbox, netsuite: NetSuite, sold: Sold
) -> None:
    past(account, 3600)
    account.fulfil(sold[1], {"BOLT-1": 1})
    past(account)
    account.fulfil(sold[1], {"BOLT-1": 2})
    first = netsuite.poll(None)
    again = netsuite.poll(first.cursor)
    assert len(first.arrivals) == 2
    assert [a.event_ids for a in again.arrivals] == [first.arrivals[1].event_ids]


def test_a_changed_shipment_is_a_new_event(account: NetSuiteSandbox, netsuite: NetSuite, sold: Sold) -> None:
    past(account, 60)
    shipped = account.fulfil(sold[1], {"BOLT-1": 1})
    first = netsuite.poll(None)
    past(account, 5)
    account.change("itemFulfillment", shipped, memo="left at the gate")
    second = netsuite.poll(first.cursor)
    assert ids(second) == [shipped]
    assert first.arrivals[0].event_ids != second.arrivals[0].event_ids
    assert second.arrivals[0].event_ids[0].startswith(f"itemship:{shipped}:")


def test_a_poll_stays_behind_now_and_comes_back(
    account: NetSuiteSandbox, connect: Connect, sold: Sold
) -> None:
    shipped = account.fulfil(sold[1], {"BOLT-1": 1})
    careful = connect(poll_margin=60)
    page = careful.poll(None)
    assert ids(page) == []
    past(account, 61)
    account.change("itemFulfillment", shipped, memo="x")
    assert ids(careful.poll(page.cursor)) == [shipped]


def test_long_sweeps_neither_overlap_nor_skip_even_within_one_second(
    account: NetSuiteSandbox, netsuite: NetSuite, sold: Sold, monkeypatch: pytest.MonkeyPatch
) -> None:
    past(account, 60)
    made = [account.fulfil(sold[1], {"BOLT-1": 1}) for _ in range(7)]
    short = netsuite._client.query
    monkeypatch.setattr(netsuite._client, "query", lambda q: short(q, limit=3))
    first = netsuite.poll(None)
    past(account, -1)
    account.change("itemFulfillment", made[6], memo="changed amid the sweep")  # it leaves this window
    second = netsuite.poll(first.cursor)
    assert (ids(first), ids(second)) == (made[:3], made[3:6])
    assert (first.more, second.more) == (True, False)
    monkeypatch.setattr(netsuite, "_now", lambda: datetime.now(UTC) + timedelta(seconds=5))
    seen: list[str] = []
    cursor = second.cursor
    for _ in range(3):
        page = netsuite.poll(cursor)
        seen, cursor = seen + ids(page), page.cursor
    assert seen == made


def test_the_accounts_time_zone_is_respected(account: NetSuiteSandbox, sold: Sold, connect: Connect) -> None:
    zone = "America/Los_Angeles"
    account.preferences.time_zone = zone
    past(account, 60)
    shipped = account.fulfil(sold[1], {"BOLT-1": 1})
    local = connect(time_zone=zone)
    page = local.poll(None)
    assert ids(page) == [shipped]
    [change] = local.read(page.arrivals[0].delivery)
    assert change.revision is not None
    assert abs(datetime.now(UTC) - change.revision) < timedelta(minutes=5)
    assert ids(local.poll(page.cursor)) == [shipped]


def test_the_first_poll_starts_where_it_is_told(
    account: NetSuiteSandbox, connect: Connect, sold: Sold
) -> None:
    past(account, 3 * 86_400)
    account.fulfil(sold[1], {"BOLT-1": 1})
    past(account)
    new = account.fulfil(sold[1], {"BOLT-1": 1})
    today = (datetime.now(UTC) - timedelta(days=1)).date()
    assert ids(connect(poll_from=today).poll(None)) == [new]


def test_a_deleted_shipment_is_a_change_without_a_record(
    account: NetSuiteSandbox, netsuite: NetSuite, sold: Sold
) -> None:
    past(account)
    shipped = account.fulfil(sold[1], {"BOLT-1": 1})
    [arrival] = netsuite.poll(None).arrivals
    account.books.remove(account.books.find("itemFulfillment", shipped))
    [change] = netsuite.read(arrival.delivery)
    assert (change.external_id, change.record) == (shipped, None)


def test_a_pushed_delivery_is_never_trusted(netsuite: NetSuite) -> None:
    with pytest.raises(AuthFailed, match="polls"):
        netsuite.verify(Delivery({}, b"{}", "http://hub/webhooks/x", datetime.now(UTC)))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'"x"',
        b'{"type":"SalesOrd","id":"1","lastmodified":"2026-11-01 00:00:00"}',
        b'{"type":"ItemShip","id":"../x","lastmodified":"2026-11-01 00:00:00"}',
        b'{"type":"ItemShip","id":"1","lastmodified":"yesterday"}',
    ],
)
def test_a_delivery_that_no_poll_made_is_refused(netsuite: NetSuite, body: bytes) -> None:
    with pytest.raises(Invalid, match="poll"):
        list(netsuite.read(Delivery({}, body, "http://x", datetime.now(UTC))))


@pytest.mark.parametrize(
    "cursor", ["", "x", "[]", "1", '{"since": 5}', '{"after": ["x", 1]}', '{"after": 3}']
)
def test_a_foreign_cursor_is_refused_with_the_way_out(netsuite: NetSuite, cursor: str) -> None:
    with pytest.raises(Invalid, match="clear it"):
        netsuite.poll(cursor)


def test_a_cursor_survives_being_stored() -> None:
    at = datetime(2026, 11, 21, 10, tzinfo=UTC)
    for cursor in (
        times.Cursor(),
        times.Cursor(since=at),
        times.Cursor(at, at, ("2026-11-21 10:00:00", 7)),
    ):
        assert times.load_cursor(times.dump_cursor(cursor)) == cursor


def test_the_repeated_hour_of_autumn_loses_nothing() -> None:
    account = NetSuiteSandbox(time_zone="America/New_York")
    account.add_item("BOLT-1")
    clock = [datetime(2026, 11, 1, 4, 30, tzinfo=UTC)]
    account.books.now = lambda: clock[0]
    with serve(account.app) as url:
        told: dict[str, Any] = {"auth": "tba", "base_url": url, "poll_margin": 0, **account.tba}
        netsuite = NetSuite(connector.Settings(**told, time_zone="America/New_York"))
        netsuite._now = lambda: clock[0]  # type: ignore[method-assign]  # a clock for this one test
        buyer = netsuite.push(
            write("customer", {"companyName": "A", "subsidiary": {"id": "1"}, "currency": {"id": "4"}}, "c")
        )
        bought = netsuite.push(write("order", order(buyer, LINES[:1], "119"), ORDER))
        made, seen, cursor = [], set(), None
        for _ in range(20):  # five hours around the change, every quarter of an hour
            made.append(account.fulfil(bought, {"BOLT-1": "0.1"}))
            clock[0] += timedelta(minutes=15)
            page = netsuite.poll(cursor)
            cursor = page.cursor
            seen |= {event for arrival in page.arrivals for event in arrival.event_ids}
    assert len(seen) == len(made) == 20
