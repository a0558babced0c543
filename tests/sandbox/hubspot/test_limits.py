"""The account's limits, kept for real and on demand."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sandbox.hubspot import HubSpotSandbox
from tests.sandbox.hubspot.place import TOKEN, Clock, Place, Switchboard

DEALS = "/crm/objects/2026-09/deals"


def test_the_searches_of_a_second_are_counted_over_all_types(place: Place) -> None:
    place.box.gate.enforced = True
    for kind in ("deals", "companies", "contacts", "line_items", "products"):
        assert (
            "x-hubspot-ratelimit-max"
            not in place.http.post(f"/crm/objects/2026-09/{kind}/search", json={}).headers
        )
    refused = place.http.post(f"{DEALS}/search", json={})
    assert refused.status_code == 429
    told = refused.json()
    assert (told["policyName"], told["errorType"]) == ("SECONDLY", "RATE_LIMIT")
    assert told["message"] == "You have reached your secondly limit."
    assert not [name for name in refused.headers if "ratelimit" in name]
    assert place.http.get(DEALS).status_code == 200, "other calls are not concerned"
    place.clock.forward(seconds=1)
    assert place.http.post(f"{DEALS}/search", json={}).status_code == 200


def test_the_ten_second_window_rolls(place: Place) -> None:
    place.box.gate.enforced, place.box.gate.per_window = True, 3
    left = []
    for _ in range(3):
        left.append(place.http.get(DEALS).headers["x-hubspot-ratelimit-remaining"])
        place.clock.forward(seconds=4)
    assert left == ["2", "1", "0"]
    place.clock.forward(seconds=-4)
    refused = place.http.get(DEALS)
    assert (refused.status_code, refused.json()["policyName"]) == (429, "TEN_SECONDLY_ROLLING")
    place.clock.forward(seconds=2)
    assert place.http.get(DEALS).status_code == 200


def test_the_day_ends_at_midnight_of_the_account(clock: Clock, hubspot_board: Switchboard) -> None:
    clock.time = datetime(2026, 10, 5, 21, 59, tzinfo=UTC)  # 23:59 in Berlin
    box = HubSpotSandbox(now=clock, token=TOKEN, time_zone="Europe/Berlin")
    hubspot_board.app = box.app
    place = Place(box, hubspot_board.url, clock)
    box.gate.enforced, box.gate.daily = True, 2
    assert place.http.get(DEALS).headers["x-hubspot-ratelimit-daily-remaining"] == "1"
    usage = place.call("GET", "/account-info/2026-09/api-usage/daily/private-apps")["results"][0]
    assert (usage["currentUsage"], usage["usageLimit"]) == (2, 2)
    assert usage["resetsAt"] == "2026-10-05T22:00:00.000Z"
    refused = place.http.get(DEALS)
    assert (refused.status_code, refused.json()["policyName"]) == (429, "DAILY")
    assert place.call("GET", DEALS, status=429)["message"] == "You have reached your daily limit."
    clock.forward(minutes=1)
    assert place.http.get(DEALS).status_code == 200
    place.http.close()


def test_an_app_is_not_told_of_the_day_and_has_a_lower_limit(place: Place) -> None:
    token = place.box.oauth.issue(place.box.install())
    headers = place.http.get(DEALS, headers={"authorization": f"Bearer {token}"}).headers
    assert headers["x-hubspot-ratelimit-max"] == "110"
    assert not [name for name in headers if "daily" in name]


@pytest.mark.parametrize("policy", ["SECONDLY", "TEN_SECONDLY_ROLLING", "DAILY"])
def test_each_policy_can_be_asked_for(place: Place, policy: str) -> None:
    place.box.rate_limit(policy, times=2, path="/search")
    assert place.http.get(DEALS).status_code == 200
    for _ in range(2):
        refused = place.http.post(f"{DEALS}/search", json={})
        assert (refused.status_code, refused.json()["policyName"]) == (429, policy)
        assert "retry-after" not in refused.headers
    assert place.http.post(f"{DEALS}/search", json={}).status_code == 200


def test_locks_moves_and_outages_can_be_asked_for(place: Place) -> None:
    place.box.lock()
    place.box.migrate(3600)
    for status in (502, 503, 504, 524):
        place.box.outage(status)
    seen = [place.http.get(DEALS) for _ in range(7)]
    assert [answer.status_code for answer in seen] == [423, 477, 502, 503, 504, 524, 200]
    assert seen[1].headers["retry-after"] == "3600"


def test_calls_are_counted(place: Place) -> None:
    before = place.box.kit.calls
    place.http.get(DEALS)
    place.http.post(f"{DEALS}/search", json={})
    assert place.box.kit.calls - before == 2
