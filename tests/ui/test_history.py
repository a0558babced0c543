"""A connection's history in the console and over the API: begun, watched, stopped; and its set-up there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from hub import backfilling
from hub.store import connections
from sandbox.hubspot import HubSpotSandbox
from sandbox.kit import serve
from tests.ui import company as companies
from tests.ui.company import Company
from tests.ui.test_browser import chromium, complaints, log_in, opened

__all__ = ["chromium"]  # the fixture


class Portal:
    """A company with a HubSpot connection, on real ports."""

    def __init__(self, company: Company, url: str, box: HubSpotSandbox) -> None:
        self.company, self.url, self.box = company, url, box

    def api(self, method: str, path: str, body: Any = None, role: str = "admin") -> httpx.Response:
        headers = {"authorization": f"Bearer {self.company.tokens[role]}"}
        return httpx.request(method, f"{self.url}/api/v1{path}", json=body, headers=headers, timeout=20)


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    company = companies.empty(tmp_path)
    box = HubSpotSandbox(now=lambda: company.clock[0], with_added_properties=False)
    box.seed(deals=30, companies=5, lines_per_deal=1, won=0.0)
    company.clock[0] += timedelta(hours=2)
    with serve(box.app) as address, companies.served(company) as url:
        given = {"base_url": address, "access_token": box.token, "client_secret": box.client_secret}
        sealed = company.hub.registry.seal("hubspot", "hubspot", given)
        store = company.hub.store
        with store.begin() as tx:
            connections.save(
                store.database, tx.conn, "hubspot", "hubspot", sealed, poll_seconds=0.0, now=tx.now
            )
        yield Portal(company, url, box)
    company.hub.store.database.close()


def test_a_walk_is_begun_watched_and_done_over_the_api(portal: Portal) -> None:
    assert portal.api("GET", "/connections/hubspot/backfill").status_code == 404
    begun = portal.api("POST", "/connections/hubspot/backfill", {"since": "2020-01-01"}, "operator")
    assert (begun.status_code, begun.json()["state"], begun.json()["seen"]) == (200, "running", 0)
    again = portal.api("POST", "/connections/hubspot/backfill", {"since": "2020-01-01"})
    assert again.status_code == 422
    assert "is running since" in again.json()["error"]
    backfilling.round(portal.company.hub)
    done = portal.api("GET", "/connections/hubspot/backfill", role="viewer").json()
    assert (done["state"], done["seen"] >= 30, done["error"]) == ("done", True, "")
    assert done["asked_by"] == "operator Kim"


def test_a_day_that_is_none_and_a_connection_that_is_none_are_told_apart(portal: Portal) -> None:
    wrong = portal.api("POST", "/connections/hubspot/backfill", {"since": "last summer"})
    assert (wrong.status_code, wrong.json()["field"]) == (422, "since")
    future = portal.api("POST", "/connections/hubspot/backfill", {"since": "2999-01-01"})
    assert "begins in the past" in future.json()["error"]
    assert portal.api("POST", "/connections/nowhere/backfill", {"since": "2020-01-01"}).status_code == 404
    assert portal.api("POST", "/connections/hubspot/backfill/stop").status_code == 422
    assert portal.api("GET", "/connections/nowhere/install").status_code == 404


def test_what_the_account_lacks_is_seen_first_and_made_on_demand(portal: Portal) -> None:
    looked = portal.api("GET", "/connections/hubspot/install", role="operator").json()
    missing = [step["what"] for step in looked if step["state"] == "missing"]
    assert missing
    made = portal.api("POST", "/connections/hubspot/install").json()
    assert {step["state"] for step in made} <= {"there", "made"}
    assert len([step for step in made if step["state"] == "made"]) == len(missing)
    again = portal.api("POST", "/connections/hubspot/install").json()
    assert {step["state"] for step in again} == {"there"}


@pytest.mark.browser
def test_in_the_console_a_person_sees_it_run_stops_it_and_lets_it_go_on(
    chromium: Any, portal: Portal, tmp_path: Path
) -> None:
    page = opened(chromium, portal.url, "phone")  # the narrowest screen
    found = complaints(page)
    log_in(page, portal.company, "admin")
    page.goto("/connections/hubspot")
    page.get_by_label("From", exact=True).fill("2020-01-01")
    page.get_by_role("button", name="Begin a backfill").click()
    page.get_by_text("It goes on by itself").wait_for()
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("Stopped").first.wait_for()
    page.get_by_role("button", name="Go on").click()
    page.get_by_text("Running").wait_for()
    backfilling.round(portal.company.hub)
    page.get_by_text("Done").wait_for()  # without a click: the card asks again by itself
    assert re.search(r"\d+ of \d+ since 2020-01-01", page.locator("#backfill").inner_text())
    page.screenshot(path=tmp_path / "history.png", full_page=True)
    page.get_by_role("link", name="See what it needs there, and make it").click()
    page.get_by_role("button", name="Make what is missing").click()
    page.get_by_text("Everything is there").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.screenshot(path=tmp_path / "install.png", full_page=True)
    assert found == []
