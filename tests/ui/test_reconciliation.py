"""Reconciliation in the console and over the API: asked for, watched, filtered, repaired."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from hub.nightly import Nightly
from hub.secrets import Vault, new_token, token_digest
from hub.settings import Settings
from hub.store import access
from tests.bookkeeper import Keeper, keep, rest, trade
from tests.ui import company as companies
from tests.ui.company import Company
from tests.ui.conftest import Visitor
from tests.ui.test_browser import chromium, complaints, log_in, opened
from tests.world import World, make_world

__all__ = ["chromium"]  # the fixture


class Office:
    """A console over the small world, whose ERP has books that differ in three ways."""

    def __init__(self, world: World, erp: Keeper, company: Company, url: str) -> None:
        self.world, self.erp, self.company, self.url = world, erp, company, url
        self.night = Nightly(world.hub, None, settle_seconds=600.0)

    def api(self, method: str, path: str, body: Any = None, role: str = "operator") -> httpx.Response:
        headers = {"authorization": f"Bearer {self.company.tokens[role]}"}
        return httpx.request(method, f"{self.url}/api/v1{path}", json=body, headers=headers, timeout=20)

    def run(self) -> Any:
        """Asked for over the API and carried out."""
        asked = self.api("POST", "/reconciliations", {"connection": "erp"}).json()
        assert self.night.look() == 1
        return self.api("GET", f"/reconciliations/{asked['id']}").json()

    def come(self, role: str) -> Visitor:
        visitor = Visitor(base_url=self.url, timeout=20)
        assert visitor.login(self.company.tokens[role]).status_code == 303
        return visitor


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    world = make_world(f"sqlite:///{tmp_path / 'hub.db'}")
    erp = keep(world)
    first, second, _third = trade(world, 3)
    erp.books[first] = {"amount": Decimal(5), "open": Decimal(5)}
    del erp.records[second]
    erp.by_hand("zz-hand", "payment", amount="40.00", number="HAND-1")
    rest(world)
    settings = Settings(data_dir=tmp_path, public_url="https://o2c.example.com")
    company = Company(world.hub, settings, tmp_path, world.today)
    with world.hub.store.begin() as tx:
        for role in ("viewer", "operator", "admin"):
            company.tokens[role] = new_token()
            digest = token_digest(company.tokens[role])
            access.add_token(tx.conn, digest=digest, name=f"{role} Kim", role=role, now=tx.now)
    registry: Any = world.hub.registry
    registry.vault = Vault(os.urandom(32))  # the console seals its sessions with it
    with companies.served(company) as url:
        yield Office(world, erp, company, url)
    world.hub.store.database.close()


def test_over_the_api_a_run_is_asked_for_read_and_repaired(office: Office) -> None:
    run = office.run()
    assert (run["state"], run["differences"], run["asked_by"]) == ("done", 3, "operator Kim")
    assert run["by_type"] == {"amount": 1, "deleted_there": 1, "made_there": 1}
    (usd,) = run["totals"]
    gap = Decimal(usd["here"]["amount"]) - Decimal(usd["there"]["amount"])
    assert gap == Decimal(usd["explained"]["amount"]) == Decimal("238.00")
    path = f"/reconciliations/{run['id']}"
    rows = office.api("GET", f"{path}/differences", role="viewer").json()["items"]
    assert [row["repairs"][0] for row in rows if row["type"] == "made_there"] == ["reread"]
    some = office.api("GET", f"{path}/differences?type=amount&type=made_there&limit=1").json()
    more = office.api("GET", f"{path}/differences?type=amount&type=made_there&after={some['after']}").json()
    assert {one["type"] for one in (*some["items"], *more["items"])} == {"amount", "made_there"}
    assert office.api("GET", f"{path}/customers").json()["items"][0]["explained"]["amount"] == "238.00"
    refused = office.api("POST", f"{path}/repair", {"repair": "all"}, "viewer")
    assert refused.status_code == 403
    done = office.api("POST", f"{path}/repair", {"repair": "all", "types": ["made_there"]}).json()
    assert [(one["repair"], one["done"]) for one in done] == [("reread", True)]
    done = office.api("POST", f"{path}/repair", {"repair": "case", "seqs": [rows[0]["seq"]]}).json()
    assert (done[0]["done"], len(office.world.cases())) == (True, 1)


def test_what_cannot_be_asked_for_is_told_with_the_way_out(office: Office) -> None:
    assert office.api("POST", "/reconciliations", {"connection": "nowhere"}).status_code == 404
    told = office.api("POST", "/reconciliations", {"connection": "crm"})
    assert (told.status_code, "keeps no books" in told.json()["error"]) == (422, True)
    nobody = office.api("POST", "/reconciliations", {"connection": "erp", "customer": "Nobody"})
    assert (nobody.status_code, nobody.json()["field"]) == (422, "customer")
    assert office.api("GET", "/reconciliations/none").status_code == 404
    assert office.api("POST", "/reconciliations/none/repair", {"repair": "all"}).status_code == 404
    waiting = office.api("POST", "/reconciliations", {"connection": "erp"}).json()
    early = office.api("POST", f"/reconciliations/{waiting['id']}/repair", {"repair": "all"})
    assert (early.status_code, "only a reconciliation that is done" in early.json()["error"]) == (422, True)
    page = office.api("GET", "/reconciliations?connection=erp&limit=1").json()
    assert [one["state"] for one in page["items"]] == ["asked"]


def test_the_pages_show_what_differs_to_everybody_and_buttons_to_operators(office: Office) -> None:
    run = office.run()
    with closing(office.come("viewer")) as viewer, closing(office.come("operator")) as operator:
        assert "Agrees" not in viewer.get("/reconciliation").text
        text = viewer.get(f"/reconciliation/{run['id']}").text
        assert "Only there" in text
        assert "HAND-1" in text
        assert 'method="post" action="/reconciliation' not in text
        text = operator.get(f"/reconciliation/{run['id']}?type=amount").text
        assert len(re.findall(r'name="seq"', text)) == 1
        assert "Nothing fits" in operator.get(f"/reconciliation/{run['id']}?customer=nobody").text
        assert operator.get("/reconciliation/none").status_code == 404
        path = f"/reconciliation/{run['id']}"
        nothing = operator.submit(f"{path}/repair", "/reconciliation", how="all")
        assert (nothing.status_code, "tick at least one" in nothing.text) == (422, True)
        done = operator.submit(f"{path}/repair", "/reconciliation", how="all", every="yes", type="amount")
        assert done.status_code == 303
        assert "1 of 1 repaired" in operator.get(path).text


def test_a_run_that_failed_says_why(office: Office) -> None:
    office.erp.troubles = [RuntimeError("books are locked")]
    run = office.run()
    assert run["state"] == "failed"
    with closing(office.come("viewer")) as viewer:
        assert "books are locked" in viewer.get(f"/reconciliation/{run['id']}").text
        assert viewer.get(f"/reconciliation/{run['id']}/progress").headers["hx-refresh"] == "true"


@pytest.mark.browser
def test_in_the_console_a_person_compares_and_repairs(chromium: Any, office: Office, tmp_path: Path) -> None:
    page = opened(chromium, office.url, "phone")  # the narrowest screen
    found = complaints(page)
    log_in(page, office.company, "operator")
    page.goto("/reconciliation")
    page.get_by_role("button", name="Reconcile").click()
    page.get_by_text("It begins within seconds").wait_for()
    assert office.night.look() == 1
    page.get_by_text("3 differences").wait_for()  # without a click: the page asks again by itself
    page.screenshot(path=tmp_path / "reconciled.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.get_by_role("button", name="Read theirs again: HAND-1").click()
    page.get_by_text("1 of 1 repaired").wait_for()
    page.get_by_label("Choose INV").first.check()
    page.get_by_label("How").select_option("case")
    page.get_by_role("button", name="Repair the ticked ones").click()
    page.get_by_text("1 of 1 repaired").wait_for()
    assert len(office.world.cases()) == 1
    page.get_by_label("Type").select_option(index=1)
    page.get_by_role("button", name="Show", exact=True).click()
    page.get_by_role("button", name="Repair all that are shown, on every page").click()
    page.get_by_text("of 1 repaired").wait_for()
    page.goto("/reconciliation")
    page.get_by_text("Differs").first.wait_for()
    page.screenshot(path=tmp_path / "reconciliation.png", full_page=True)
    assert found == []


# -- by itself ---------------------------------------------------------------
def at(office: Office, hour: int, day: int = 10) -> None:
    office.world.today[0] = datetime(2026, 3, day, hour, 30, tzinfo=UTC)


def test_every_night_each_system_is_compared_once_and_people_hear_of_it(office: Office) -> None:
    at(office, 1)
    nights = [Nightly(office.world.hub, time(2, 0), settle_seconds=600.0) for _ in range(2)]
    assert [one.look() for one in nights] == [0, 0]
    at(office, 2)
    assert [one.look() for one in nights] == [1, 0]
    assert [one.look() for one in nights] == [0, 0]
    (case,) = office.world.cases()
    assert case.title == "3 differences between the ledger and the books of erp"
    at(office, 2, day=11)
    office.erp.troubles = [RuntimeError("closed for the night")]
    nights[0].look()
    failed = {case.reason: case.title for case in office.world.cases()}
    assert failed["reconciliation_failed"].startswith("erp could not be reconciled: RuntimeError: closed")
    office.erp.books, office.erp.records = {}, {}
    at(office, 2, day=12)
    late = Nightly(office.world.hub, time(2, 0), settle_seconds=600.0)  # restarted after the time of day
    at(office, 9, day=12)
    assert late.look() == 1
    assert [case.reason for case in office.world.cases()] == ["reconciliation"]


def test_switched_off_or_new_it_does_nothing_by_itself(office: Office) -> None:
    at(office, 9)
    assert Nightly(office.world.hub, None, settle_seconds=600.0).look() == 0
    assert Nightly(office.world.hub, time(2, 0), settle_seconds=600.0).look() == 0, (
        "its first night is to come"
    )
    assert Settings(reconcile_at="off").reconcile_time is None
    assert Settings(reconcile_at="23:15").reconcile_time == time(23, 15)
    with pytest.raises(ValueError, match="reconcile_at"):
        Settings(reconcile_at="25:00")
