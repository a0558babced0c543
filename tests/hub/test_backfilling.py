"""A backfill: resumable from any death, never ahead of the work, its progress told, nothing twice."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from hub import backfilling
from hub.connector import Arrival, Delivery, Page
from hub.errors import AuthFailed, Invalid, QuotaSpent, Rejected, Transient
from hub.store import backfills
from tests.hub.test_crowd import Crowd, swap
from tests.world import START, World

SINCE = START - timedelta(days=400)


@dataclass
class History(Crowd):
    """A CRM with so many notes in its past, ten to a page."""

    notes: int = 25
    steps: list[str | None] = field(default_factory=list)
    troubles: list[Exception] = field(default_factory=list)
    since: list[datetime] = field(default_factory=list)
    wait: float = 0.0

    def backfill(self, since: datetime, cursor: str | None) -> Page:
        self.steps.append(cursor)
        self.since.append(since)
        if self.troubles:
            raise self.troubles.pop(0)
        at = int(cursor or 0)
        upto = min(at + 10, self.notes)
        arrivals = [self._arrival(n) for n in range(at, upto)]
        return Page(arrivals, str(upto), more=upto < self.notes, total=self.notes, wait=self.wait)

    def _arrival(self, n: int) -> Arrival:
        change = {"kind": "message", "id": f"m{n}", "record": {"topic": "t", "text": f"text {n}"}}
        body = json.dumps({"event": f"b{n}", "changes": [change]}).encode()
        return Arrival([f"b{n}"], Delivery({}, body, "http://test/crm", START - timedelta(days=90)))


@pytest.fixture
def history(world: World) -> History:
    return swap(world, "crm", History("crm"))


def walk(world: World) -> Any:
    with world.hub.store.look() as tx:
        return backfills.one(tx.conn, "crm")


def hurry(world: World) -> None:
    world.hurry()
    with world.hub.store.begin() as tx:
        tx.conn.exec_driver_sql("UPDATE backfills SET next_at = 0")


def test_the_whole_history_comes_in_once_and_its_progress_is_told(world: World, history: History) -> None:
    backfilling.begin(world.hub, "crm", SINCE, by="ada")
    assert backfilling.round(world.hub) == 25
    row = walk(world)
    assert (row.state, row.seen, row.fresh, row.total, row.asked_by) == ("done", 25, 25, 25, "ada")
    assert history.steps == [None, "10", "20"]
    assert set(history.since) == {SINCE}
    world.work()
    assert len(world.documents("message")) == 25
    assert backfilling.round(world.hub) == 0


def test_what_was_known_is_counted_but_not_taken_again(world: World, history: History) -> None:
    for _ in range(2):
        backfilling.begin(world.hub, "crm", SINCE, by="ada")
        backfilling.round(world.hub)
    row = walk(world)
    assert (row.seen, row.fresh) == (25, 0)
    assert len(world.rows("inbox")) == 25


def test_deliveries_carry_the_hubs_time_whatever_the_connector_says(world: World, history: History) -> None:
    backfilling.begin(world.hub, "crm", SINCE, by="ada")
    backfilling.round(world.hub)
    with world.hub.store.look() as tx:
        moments = set(tx.conn.exec_driver_sql("SELECT received_at FROM inbox").scalars())
    assert moments == {START.timestamp()}


def test_trouble_that_passes_is_waited_out_and_shown(world: World, history: History) -> None:
    history.troubles = [Transient("no answer: ReadTimeout", code="no_answer")]
    backfilling.begin(world.hub, "crm", SINCE, by="ada")
    assert backfilling.round(world.hub) == 0
    row = walk(world)
    assert (row.state, "ReadTimeout" in row.error) == ("running", True)
    assert backfilling.round(world.hub) == 0, "it waits before it asks again"
    hurry(world)
    assert backfilling.round(world.hub) == 25
    assert walk(world).error == ""


def test_a_job_under_way_there_is_not_asked_for_at_once(world: World, history: History) -> None:
    history.wait = 60.0
    backfilling.begin(world.hub, "crm", SINCE, by="ada")
    assert backfilling.round(world.hub) == 10
    assert backfilling.round(world.hub) == 0
    hurry(world)
    assert backfilling.round(world.hub) == 10


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        (QuotaSpent("daily limit", retry_after=3600.0, sent=False), "quota_spent"),
        (AuthFailed("revoked"), "auth_failed"),
    ],
)
def test_what_stops_the_connection_stops_the_walk_until_it_is_mended(
    world: World, history: History, trouble: Exception, reason: str
) -> None:
    history.troubles = [trouble]
    backfilling.begin(world.hub, "crm", SINCE, by="ada")
    backfilling.round(world.hub)
    assert [case.reason for case in world.cases()] == [reason]
    assert backfilling.round(world.hub) == 0
    hurry(world)  # resumed by a person, or the day is over
    assert backfilling.round(world.hub) == 25


def test_a_refusal_ends_it_where_it_stands_and_it_can_go_on_from_there(
    world: World, history: History
) -> None:
    backfilling.begin(world.hub, "crm", SINCE, by="ada")
    history.wait = 0.0
    history.troubles = [Rejected("this query is not allowed")]
    backfilling.round(world.hub)
    row = walk(world)
    assert (row.state, "not allowed" in row.error) == ("failed", True)
    backfilling.turn(world.hub, "crm", go_on=True, by="ada")
    assert backfilling.round(world.hub) == 25
    assert [row.action for row in world.rows("audit")] == ["backfill.begin", "backfill.resume"]


def test_it_never_runs_far_ahead_of_the_work(
    world: World, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfilling, "WAITING_MAX", 15)
    backfilling.begin(world.hub, "crm", SINCE, by="ada")
    assert backfilling.round(world.hub) == 20
    assert backfilling.round(world.hub) == 0
    world.work()
    assert backfilling.round(world.hub) == 5
    world.work()
    assert len(world.documents("message")) == 25


def test_stopped_while_a_step_was_under_way_it_stays_stopped(world: World, history: History) -> None:
    backfilling.begin(world.hub, "crm", SINCE, by="ada")
    asked = history.backfill

    def stopped_meanwhile(since: datetime, cursor: str | None) -> Page:
        page = asked(since, cursor)
        if cursor == "10":
            backfilling.turn(world.hub, "crm", go_on=False, by="bob")
        return page

    history.backfill = stopped_meanwhile  # type: ignore[method-assign] # this one vendor only
    backfilling.round(world.hub)
    row = walk(world)
    assert (row.state, row.cursor, row.seen) == ("stopped", "10", 10)
    world.work()
    assert len(world.documents("message")) == 20, "what came in already is processed"
    history.backfill = asked  # type: ignore[method-assign] # as it was
    backfilling.turn(world.hub, "crm", go_on=True, by="bob")
    backfilling.round(world.hub)
    world.work()
    assert len(world.documents("message")) == 25


def test_what_cannot_be_is_said_with_the_way_out(world: World, history: History) -> None:
    with pytest.raises(Invalid, match="begins in the past"):
        backfilling.begin(world.hub, "crm", START + timedelta(days=1), by="ada")
    with pytest.raises(Invalid, match="no history to walk; its polls bring everything"):
        backfilling.begin(world.hub, "erp", SINCE, by="ada")
    with pytest.raises(Invalid, match="no backfill of crm is running"):
        backfilling.turn(world.hub, "crm", go_on=False, by="ada")
    backfilling.begin(world.hub, "crm", SINCE, by="ada")
    with pytest.raises(Invalid, match=r"is running since .* stop it before you begin another"):
        backfilling.begin(world.hub, "crm", SINCE, by="ada")
