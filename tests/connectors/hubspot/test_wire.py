"""Limits: what HubSpot says of its allowances is heeded, and the day's end is that of the account."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from hub.sdk import QuotaSpent, RateLimited, Transient
from sandbox.hubspot import HubSpotSandbox
from sandbox.kit import Fault
from tests.connectors.hubspot.account import SECRET, TOKEN, Account, Clock, Switchboard, changed_deal, orders

EMPTY = {
    "x-hubspot-ratelimit-max": "190",
    "x-hubspot-ratelimit-remaining": "0",
    "x-hubspot-ratelimit-interval-milliseconds": "10000",
}


def nothing_left(account: Account, times: int = 1) -> None:
    """The next answer is good and says that it was the last one of its interval."""
    body: dict[str, list[object]] = {"results": []}
    account.sandbox.kit.faults.append(
        Fault(kind="refuse", path="deals/batch/read", status=200, body=body, headers=EMPTY, times=times)
    )


def test_after_a_refusal_the_last_call_that_is_left_is_the_last_one(account: Account) -> None:
    connector = account.connect()
    account.sandbox.rate_limit("TEN_SECONDLY_ROLLING")
    with pytest.raises(RateLimited):
        list(connector.read(changed_deal("5")))
    nothing_left(account)
    list(connector.read(changed_deal("5")))
    calls = account.sandbox.kit.calls
    with pytest.raises(RateLimited) as caught:
        list(connector.read(changed_deal("5")))
    assert account.sandbox.kit.calls == calls
    assert caught.value.retry_after is not None
    assert 9 < caught.value.retry_after <= 10
    assert caught.value.sent is False


def test_without_a_refusal_the_headers_stop_nobody(account: Account) -> None:
    deal = account.won_deal()
    connector = account.connect()
    nothing_left(account)
    list(connector.read(changed_deal(deal)))
    assert deal in orders(list(connector.read(changed_deal(deal))))


def test_a_spent_day_rests_until_midnight_of_the_account(clock: Clock, hubspot_server: Switchboard) -> None:
    sandbox = HubSpotSandbox(now=clock, token=TOKEN, client_secret=SECRET, time_zone="Asia/Tokyo")
    hubspot_server.app = sandbox.app
    account = Account(sandbox, hubspot_server.url, clock)
    connector = account.connect()
    deal = account.won_deal()
    list(connector.read(changed_deal(deal)))  # asks for the account, and so for its time zone
    sandbox.rate_limit("DAILY")
    with pytest.raises(QuotaSpent) as caught:
        list(connector.read(changed_deal(deal)))
    tokyo = datetime.now(UTC).astimezone(ZoneInfo("Asia/Tokyo"))
    midnight = (tokyo + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    assert caught.value.retry_after is not None
    assert (
        caught.value.retry_after == 300
        or abs((midnight - tokyo).total_seconds() - caught.value.retry_after) < 5
    )


def test_a_locked_object_and_a_moving_account_are_waited_for(account: Account) -> None:
    connector = account.connect()
    account.sandbox.lock(times=3)
    with pytest.raises(Transient) as locked:
        list(connector.read(changed_deal("5")))
    assert (locked.value.status, locked.value.sent) == (423, False)
    account.sandbox.kit.faults.clear()
    account.sandbox.migrate(1200, times=3)
    with pytest.raises(RateLimited) as moving:
        list(connector.read(changed_deal("5")))
    assert (moving.value.status, moving.value.retry_after) == (477, 1200)


def test_a_spent_day_is_asked_about_every_hour_where_nobody_knows_the_time_zone(account: Account) -> None:
    wire = account.connect()._client.wire
    wire.in_zone("Mars/Olympus")
    wire.in_zone(None)
    account.sandbox.rate_limit("DAILY")
    with pytest.raises(QuotaSpent) as caught:
        wire.get("/crm/objects/2026-09/deals")
    assert caught.value.retry_after == 3600
