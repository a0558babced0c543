"""Durability rules of the three verbs, one at a time."""

from __future__ import annotations

import threading
from decimal import Decimal

import pytest

from hub.connector import Idempotency
from hub.decide import decide
from hub.errors import AuthFailed, NotYet, RateLimited, Rejected, Transient
from hub.stages.outcome import Choice
from hub.store.database import clock
from hub.store.tables import XREF
from tests.world import World, make_world


def note(text: str = "hello") -> dict[str, object]:
    return {"kind": "message", "id": "m1", "record": {"topic": "t", "text": text}}


def outbox(world: World) -> list[object]:
    return [row for row in world.rows("xref") if row.connection == "erp"]


def test_a_duplicated_delivery_is_accepted_once(world: World) -> None:
    told = [world.send("crm", note(), event="same") for _ in range(3)]
    world.work()
    assert told == ["accepted", "repeated", "repeated"]
    assert len(world.vendors["erp"].writes) == 1


def test_a_known_event_with_another_body_is_quarantined_for_a_person(world: World) -> None:
    world.send("crm", note("one"), event="same")
    assert world.send("crm", note("two"), event="same") == "quarantined"
    world.work()
    assert [w.record["text"] for w in world.vendors["erp"].writes] == ["one"]
    [case] = world.cases()
    assert case.reason == "conflicting_event"
    decide(world.hub, case.id, "retry", Choice("ada", "the second one is right", {}))
    world.work()
    assert [d.body["text"] for d in world.documents("message")] == ["two"]


@pytest.mark.parametrize("idempotency", [Idempotency.NATIVE, Idempotency.LOOKUP])
def test_unknown_outcome_never_writes_twice(database_url: str, idempotency: Idempotency) -> None:
    world = make_world(database_url, idempotency=idempotency)
    world.vendors["erp"].faults = ["lost_reply"]
    world.send("crm", note())
    world.work()
    [row] = outbox(world)
    assert (row.state, row.unsettled) == ("pending", 1)
    world.hurry()
    world.work()
    [row] = outbox(world)
    assert (row.state, row.sent, row.unsettled, row.external_id) == ("done", 1, 0, "erp-1")
    assert len(world.vendors["erp"].records) == 1


def test_unknown_outcome_that_cannot_be_looked_up_is_a_case(database_url: str) -> None:
    world = make_world(database_url, idempotency=Idempotency.NONE)
    world.vendors["erp"].faults = ["lost_reply"]
    world.send("crm", note())
    world.work()
    world.hurry()
    world.work()
    [case] = world.cases()
    assert case.reason == "unknown_outcome"
    decide(world.hub, case.id, "adopt", Choice("ada", "seen there", {"external_id": "erp-1"}))
    world.work()
    assert [row.state for row in outbox(world)] == ["done"]
    assert len(world.vendors["erp"].records) == 1


def test_a_lookup_waits_for_the_vendor_to_settle(database_url: str) -> None:
    world = make_world(database_url, quiesce=500.0)
    world.vendors["erp"].faults = ["lost_reply"]
    world.send("crm", note())
    world.work()
    with world.hub.store.look() as tx:
        wait = tx.conn.execute(XREF.select().with_only_columns(XREF.c.next_at - clock())).scalars().all()
    assert max(wait) > 400


def test_a_worker_killed_after_the_vendor_wrote_leaves_one_record(world: World) -> None:
    class Killed(BaseException):
        pass

    push = world.vendors["erp"].push

    def push_then_die(write: object) -> str:
        push(write)
        raise Killed

    world.vendors["erp"].push = push_then_die
    world.send("crm", note())
    world.hub.process()
    with pytest.raises(Killed):
        world.hub.deliver("erp")
    world.vendors["erp"].push = push
    assert world.hub.deliver("erp") == 0  # the dead worker's lease still holds
    world.hurry()
    world.work()
    assert [row.state for row in outbox(world)] == ["done"]
    assert len(world.vendors["erp"].records) == 1


def test_a_fenced_worker_cannot_settle_a_row_it_lost(world: World) -> None:
    world.send("crm", note())
    world.hub.process()
    push = world.vendors["erp"].push

    def slow_push(write: object) -> str:
        world.vendors["erp"].push = push
        world.hurry()  # our lease lapses while we talk to the vendor ...
        world.hub.deliver("erp")  # ... and another worker delivers
        return "a-late-answer"

    world.vendors["erp"].push = slow_push
    world.hub.deliver("erp")
    [row] = outbox(world)
    assert (row.external_id, row.state) == ("erp-1", "done")
    assert sorted(a.outcome for a in world.rows("attempts")) == ["done", "fenced"]


def test_eight_workers_make_one_delivery(world: World) -> None:
    world.send("crm", note())
    world.hub.process()
    threads = [threading.Thread(target=world.hub.deliver, args=("erp",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(world.vendors["erp"].writes) == 1


def test_being_told_to_slow_down_costs_no_attempt_and_slows_the_connection(world: World) -> None:
    world.vendors["erp"].faults = [RateLimited("slow down", retry_after=900.0, sent=False)]
    world.send("crm", note())
    world.work()
    [row] = outbox(world)
    assert (row.attempts, row.unsettled, row.state) == (0, 0, "pending")
    world.send("crm", {**note(), "id": "m2"})
    world.work()
    assert world.vendors["erp"].writes == []


def test_refused_credentials_pause_the_connection_and_burn_nothing(world: World) -> None:
    world.vendors["erp"].faults = [AuthFailed("invalid login")]
    world.send("crm", note())
    world.work()
    [case] = world.cases()
    [row] = outbox(world)
    assert (case.reason, row.attempts, row.state) == ("auth_failed", 0, "pending")
    decide(world.hub, case.id, "resume", Choice("ada", "new key", {}))
    with world.hub.store.begin() as tx:
        tx.conn.execute(XREF.update().values(next_at=0.0))
    world.work()
    assert [row.state for row in outbox(world)] == ["done"]


def test_what_the_vendor_refuses_is_a_case_in_its_own_words_and_can_be_retried(world: World) -> None:
    world.vendors["erp"].faults = [Rejected("Posting period is closed", code="USER_ERROR", status=400)]
    world.send("crm", note())
    world.work()
    [case] = world.cases()
    assert "Posting period is closed (status 400, code USER_ERROR)" in case.title
    decide(world.hub, case.id, "retry", Choice("ada", "period opened", {}))
    world.work()
    assert [row.state for row in outbox(world)] == ["done"]


def test_a_row_that_never_succeeds_becomes_a_dead_letter_with_a_case(world: World) -> None:
    world.vendors["erp"].faults = [Transient("503") for _ in range(50)]
    world.send("crm", note())
    for _ in range(10):
        world.work()
        world.hurry()
    [row] = outbox(world)
    assert (row.state, row.attempts) == ("dead", 6)
    assert [case.reason for case in world.cases()] == ["dead_letter"]
    assert len(world.rows("attempts")) == 6


def test_a_reference_that_is_not_there_yet_is_waited_for_without_cost(world: World) -> None:
    world.vendors["erp"].faults = [NotYet("no customer yet", sent=False)]
    world.send("crm", world.company(), world.deal())
    world.work()
    world.hurry()
    world.work()
    assert len(world.vendors["erp"].of("customer")) == 1
    assert len(world.vendors["erp"].of("order")) == 1


def test_a_burst_of_changes_is_one_call(world: World) -> None:
    for n in range(20):
        world.send("crm", note(f"text {n}"))
    world.hub.process()
    world.work()
    assert [w.record["text"] for w in world.vendors["erp"].writes] == ["text 19"]


def test_an_older_state_that_arrives_late_is_ignored(world: World) -> None:
    world.send("crm", world.company(), world.deal(title="new", revision=20))
    world.work()
    world.send("crm", world.deal(title="old", revision=10))
    world.work()
    assert [d.title for d in world.documents("order")] == ["new"]


def test_one_bad_delivery_in_a_batch_does_not_hold_up_the_others(world: World) -> None:
    world.send("crm", {"kind": "message", "id": "bad", "record": {"text": "no topic"}})
    world.send("crm", note())
    world.work()
    assert len(world.vendors["erp"].writes) == 1
    [case] = world.cases()
    assert (case.reason, "topic" in case.title) == ("unmappable", True)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"currency": "XXQ"}, "XXQ"),
        ({"lines": [{"id": 1, "sku": "A", "quantity": "many", "price": "1"}]}, "many"),
    ],
)
def test_a_value_that_cannot_be_understood_is_a_case_that_names_it(
    world: World, fields: dict[str, object], named: str
) -> None:
    world.send("crm", world.company(), world.deal(**fields))
    world.work()
    [case] = world.cases()
    assert case.reason == "unmappable"
    assert named in case.title + case.evidence
    assert world.documents("order") == []


def test_a_delivery_that_crashes_its_reader_is_bounded(world: World) -> None:
    def crash() -> None:
        raise ZeroDivisionError

    world.vendors["crm"].on_read = crash
    world.send("crm", note())
    for _ in range(10):
        world.work()
        world.hurry()
    [row] = world.rows("inbox")
    assert (row.state, row.attempts) == ("dead", 6)
    assert [case.reason for case in world.cases()] == ["dead_letter"]


def test_the_sweep_rings_for_whatever_no_bell_announced(world: World) -> None:
    rung: list[str] = []
    world.send("crm", note())
    world.hub.ring = rung.append
    world.hub.sweep()
    world.hub.process()
    rung.clear()
    world.hub.sweep()
    assert rung == ["erp"]


def test_amounts_reach_the_vendor_exactly(world: World) -> None:
    lines = [{"id": 1, "sku": "A", "quantity": "3", "price": "0.333333", "tax": "8.875"}]
    world.send("crm", world.company(), world.deal(lines=lines))
    world.work()
    [order] = world.vendors["erp"].of("order")
    assert order["total"] == Decimal("1.09")
