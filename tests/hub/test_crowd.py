"""Systems that tell of many objects in one call: read once for a crowd of deliveries, written in batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from hub import clock as hub_clock
from hub.connector import Change, Delivery, Idempotency, Kind, Limits, Manifest, Page, Write
from hub.decide import decide
from hub.errors import ConnectorError, Invalid, QuotaSpent, RateLimited, Rejected, Transient, Unmappable
from hub.stages.outcome import Choice
from hub.store import queue
from tests.world import START, NoSettings, Vendor, World, make_world


@dataclass
class Crowd(Vendor):
    """A CRM asked about many deliveries at once; what it holds decides, not what the deliveries said."""

    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)
    alone: int = 0
    refuses: list[Exception] = field(default_factory=list)
    quota: list[Exception] = field(default_factory=list)

    def read(self, delivery: Delivery) -> list[Change]:
        self.alone += 1
        if b"unreadable" in delivery.body:
            raise Invalid("not of this world", field="body")
        return self._told([delivery])[0]

    def read_many(self, deliveries: Sequence[Delivery]) -> list[list[Change]]:
        self.asked.append(len(deliveries))
        if self.refuses:
            raise self.refuses.pop(0)
        if any(b"unreadable" in one.body for one in deliveries):
            raise Invalid("not of this world", field="body")
        return self._told(deliveries)

    def _told(self, deliveries: Sequence[Delivery]) -> list[list[Change]]:
        named = [list(super(Crowd, self).read(one)) for one in deliveries]
        made: dict[tuple[str, str], Change] = {}
        for many in named:
            for one in many:
                record = self.objects.get(one.external_id, one.record)
                problem = Unmappable("crm.deal", "stage", "no such stage") if record == "strange" else None
                record = None if problem else record
                made.setdefault(
                    (one.kind, one.external_id),
                    Change(one.kind, one.external_id, record, one.revision, problem=problem),
                )
        return [[made[one.kind, one.external_id] for one in many] for many in named]

    def poll(self, cursor: str | None) -> Page:
        raise self.quota.pop(0)


@dataclass
class Batches(Vendor):
    """An ERP that takes up to five writes in one call, each with an answer of its own."""

    sizes: list[int] = field(default_factory=list)
    answers: dict[str, ConnectorError] = field(default_factory=dict)  # by topic or name
    whole: list[Exception] = field(default_factory=list)
    short: bool = False

    @property
    def manifest(self) -> Manifest:
        kind = Kind(outbound=True, idempotency=self.idempotency, quiesce=self.quiesce)
        kinds = dict.fromkeys(("customer", "order", "invoice", "payment", "message"), kind)
        return Manifest(self.name, self.name, NoSettings, kinds, limits=Limits(concurrency=8, batch=5))

    def push_many(self, writes: Sequence[Write]) -> list[str | ConnectorError]:
        self.sizes.append(len(writes))
        if self.whole:
            raise self.whole.pop(0)
        told = [self.answers.get(str(one.record.get("text"))) or self.push(one) for one in writes]
        return told[:-1] if self.short else told


def swap(world: World, name: str, vendor: Vendor) -> Any:
    """Another vendor under the same name and mappings."""
    registry: Any = world.hub.registry
    world.vendors[name] = vendor
    registry.live[name] = replace(registry.live[name], connector=vendor)
    return vendor


def note(n: int, text: str = "", **more: Any) -> dict[str, Any]:
    return {"kind": "message", "id": f"m{n}", "record": {"topic": "t", "text": text or f"text {n}"}, **more}


@pytest.fixture
def crowd(world: World) -> Crowd:
    return swap(world, "crm", Crowd("crm"))


@pytest.fixture
def batches(database_url: str) -> Iterator[tuple[World, Batches]]:
    world = make_world(database_url)
    yield world, swap(world, "erp", Batches("erp"))
    world.hub.store.database.close()


def test_ten_webhooks_about_one_object_cost_one_read_and_one_version(world: World, crowd: Crowd) -> None:
    crowd.objects["m1"] = {"topic": "t", "text": "newest"}
    for n in range(40):
        world.send("crm", note(1, f"stale {n}"))
    assert world.hub.process() == 40
    assert (crowd.asked, crowd.alone) == ([40], 0)
    [document] = world.documents("message")
    assert document.body["text"] == "newest"
    assert {row.state for row in world.rows("inbox")} == {"done"}
    assert [row.event for row in world.rows("journal")] == ["message.received"]


def test_a_lone_delivery_is_read_by_itself(world: World, crowd: Crowd) -> None:
    world.send("crm", note(1))
    world.hub.process()
    assert (crowd.asked, crowd.alone) == ([], 1)


def test_one_unreadable_delivery_of_a_crowd_stops_alone(world: World, crowd: Crowd) -> None:
    for n in range(6):
        world.send("crm", note(n, "unreadable" if n == 3 else ""))
    world.hub.process()
    assert crowd.alone == 6
    assert sorted(d.body["text"] for d in world.documents("message")) == [
        f"text {n}" for n in (0, 1, 2, 4, 5)
    ]
    assert sorted(row.state for row in world.rows("inbox")) == ["dead", *["done"] * 5]


def test_a_crowd_that_meets_a_rate_limit_loses_nothing_and_no_attempt(world: World, crowd: Crowd) -> None:
    crowd.refuses = [RateLimited("slow down", retry_after=7.0, sent=False)]
    for n in range(8):
        world.send("crm", note(n))
    world.work()
    assert {(row.state, row.attempts) for row in world.rows("inbox")} == {("pending", 0)}
    assert not world.documents("message")
    world.hurry()
    world.work()
    assert len(world.documents("message")) == 8


def test_an_object_that_cannot_be_expressed_does_not_hold_up_the_rest_of_its_delivery(
    world: World, crowd: Crowd
) -> None:
    crowd.objects["m2"] = "strange"  # type: ignore[assignment] # what this vendor takes for a problem
    world.send("crm", note(1), note(2), note(3))
    world.work()
    assert sorted(d.body["text"] for d in world.documents("message")) == ["text 1", "text 3"]
    [case] = world.cases()
    assert (case.reason, "no such stage" in case.title) == ("unmappable", True)
    crowd.objects["m2"] = {"topic": "t", "text": "mended"}
    decide(world.hub, case.id, "retry", Choice("ada", "", {}))
    world.work()
    assert sorted(d.body["text"] for d in world.documents("message")) == ["mended", "text 1", "text 3"]
    assert not world.cases()


def test_what_waiting_can_heal_is_tried_before_a_human_is_asked(world: World) -> None:
    deal = world.deal("d9", company="c9")  # its customer is not known yet
    strange = {"kind": "order", "id": "d8", "record": {"won": True, "company": "c1", "lines": "no list"}}
    world.send("crm", world.company("c1"), deal, strange, note(1))
    world.work()
    assert len(world.documents("message")) == 1
    assert not world.cases()
    world.send("crm", world.company("c9"))
    world.work()
    world.hurry()
    world.work()
    assert len(world.documents("order")) == 1
    [case] = world.cases()
    assert case.reason == "unmappable"


def test_of_two_equally_new_states_the_one_read_later_stays(world: World) -> None:
    """Two workers read one deal; its line changed in between, which moves no revision of the deal."""
    world.send("crm", note(1, "first", revision=5))
    world.work()
    world.today[0] = START + timedelta(minutes=10)
    world.send("crm", note(1, "read later", revision=5))
    world.work()
    [message] = world.documents("message")
    assert message.body["text"] == "read later"

    class Slow(Vendor):
        def read(self, delivery: Delivery) -> Iterator[Change]:
            for one in super().read(delivery):
                yield one._replace(as_of=START + timedelta(minutes=5))

    swap(world, "crm", Slow("crm"))
    world.send("crm", note(1, "read before that", revision=5))
    world.work()
    [message] = world.documents("message")
    assert message.body["text"] == "read later"
    world.send("crm", note(1, "newer, whenever it was read", revision=6))
    world.work()
    [message] = world.documents("message")
    assert message.body["text"] == "newer, whenever it was read"


def merging(world: World, **merged: str) -> None:
    class Merges(Vendor):
        def read(self, delivery: Delivery) -> Iterator[Change]:
            for one in super().read(delivery):
                into = merged.get(one.external_id, "")
                yield one._replace(record=None, merged_into=into) if into else one

    swap(world, "crm", Merges("crm"))


def test_a_merged_object_is_followed_to_the_one_that_survived(world: World) -> None:
    world.send("crm", world.company("c1"), world.deal("d1"))
    world.work()
    merging(world, c1="c2")
    world.send("crm", world.company("c1"))
    world.work()
    merging(world)
    world.send("crm", world.company("c2", name="Both of them"))
    world.send("crm", world.deal("d2", company="c2"))
    world.work()
    [customer] = world.documents("customer")
    assert customer.name == "Both of them"
    assert {order.customer for order in world.documents("order")} == {customer.id}
    assert not world.cases()


def test_two_of_ours_that_were_merged_there_are_a_question_for_a_human_once(world: World) -> None:
    world.send("crm", world.company("c1"), world.company("c2"))
    world.work()
    merging(world, c1="c2")
    for _ in range(2):
        world.send("crm", world.company("c1"))
        world.work()
    [case] = world.cases()
    assert (case.reason, case.title) == ("merged", "crm merged customer Company c1 into Company c2")
    decide(world.hub, case.id, "keep", Choice("ada", "two branches", {}))
    world.send("crm", world.company("c1"))
    world.work()
    assert not world.cases()
    assert len(world.documents("customer")) == 2


# what it writes


def test_writes_go_in_batches_and_each_gets_its_own_answer(batches: tuple[World, Batches]) -> None:
    world, erp = batches
    erp.answers = {"text 2": Rejected("no twos", sent=True), "text 4": Transient("locked", sent=False)}
    for n in range(12):
        world.send("crm", note(n))
    world.work()
    assert max(erp.sizes) == 5
    assert len(erp.sizes) <= 4
    assert [row.failures for row in world.rows("connections") if row.name == "erp"] == [0], "it is alive"
    states = {row.document_id: row.state for row in world.rows("xref") if row.connection == "erp"}
    assert sorted(states.values()) == ["dead", *["done"] * 10, "pending"]
    assert [case.reason for case in world.cases()] == ["rejected"]
    erp.answers.clear()
    world.hurry()
    world.work()
    assert len(erp.of("message")) == 11


@pytest.mark.parametrize("trouble", ["lost", "short", "raised"])
def test_a_batch_of_unknown_outcome_is_looked_up_one_by_one(
    batches: tuple[World, Batches], trouble: str
) -> None:
    world, erp = batches
    if trouble == "short":
        erp.short = True
    elif trouble == "raised":
        erp.whole = [RuntimeError("a fault of the connector")]
    else:
        erp.whole = [Transient("no answer: ReadTimeout", code="no_answer")]
    for n in range(5):
        world.send("crm", note(n))
    while world.hub.process():
        pass
    world.work()
    erp.short = False
    assert {row.state for row in world.rows("xref") if row.connection == "erp"} == {"pending"}
    for _ in range(3):
        world.hurry()
        world.work()
    assert erp.finds == 5
    assert len(erp.of("message")) == 5
    assert len({record["reference"] for record in erp.of("message")}) == 5


def test_a_kind_that_can_only_be_written_once_is_not_in_the_next_batch(database_url: str) -> None:
    world = make_world(database_url)
    erp = swap(world, "erp", Batches("erp", idempotency=Idempotency.NONE))
    erp.whole = [Transient("no answer: ReadTimeout", code="no_answer")]
    world.send("crm", note(1))
    world.send("crm", note(2))
    world.work()
    world.hurry()
    world.work()
    assert [case.reason for case in world.cases()] == ["unknown_outcome"] * 2
    assert not erp.records
    world.hub.store.database.close()


# nothing left of the day's calls


def test_a_spent_allowance_rests_the_connection_and_says_until_when(world: World) -> None:
    erp = world.vendors["erp"]
    erp.faults = [QuotaSpent("daily limit", code="DAILY", retry_after=5 * 3600.0, sent=False)]
    world.send("crm", note(1))
    world.send("crm", note(2))
    world.work()
    [case] = world.cases()
    assert case.reason == "quota_spent"
    assert case.title == "Erp has no calls left; it rests until 2026-03-02 14:00 UTC"
    assert not erp.writes
    assert world.hub.deliver("erp") == 0
    decide(world.hub, case.id, "resume", Choice("ada", "we bought more", {}))
    world.hurry()
    world.work()
    assert len(erp.of("message")) == 2


def test_the_question_closes_itself_when_the_connection_answers_again(world: World) -> None:
    world.vendors["erp"].faults = [QuotaSpent("daily limit", retry_after=60.0, sent=False)]
    world.send("crm", note(1))
    world.work()
    assert [case.reason for case in world.cases()] == ["quota_spent"]
    with world.hub.store.begin() as tx:
        tx.conn.exec_driver_sql("UPDATE connections SET slow_until = 0")
        tx.conn.exec_driver_sql("UPDATE xref SET next_at = 0")
    world.work()
    assert not world.cases()
    assert [case.resolved_by for case in world.cases("resolved")] == ["hub"]


def test_a_poll_that_finds_the_allowance_spent_tells_people_too(world: World, crowd: Crowd) -> None:
    crowd.quota = [QuotaSpent("daily limit", retry_after=3600.0, sent=False)]
    with pytest.raises(QuotaSpent):
        hub_clock.poll(world.hub, "crm")
    assert [(case.reason, case.connection) for case in world.cases()] == [("quota_spent", "crm")]


class Fragile(Crowd):
    """A system of which each call fails so often that only a few get through in a row."""

    def read_many(self, deliveries: Sequence[Delivery]) -> list[list[Change]]:
        if len(deliveries) > 5:
            self.asked.append(len(deliveries))
            raise Transient("gone for a moment", sent=False)
        return super().read_many(deliveries)


def test_a_crowd_that_cannot_get_through_at_once_gets_through_in_parts(world: World) -> None:
    crowd: Crowd = swap(world, "crm", Fragile("crm"))
    for n in range(40):
        world.send("crm", note(n))
    for _ in range(12):
        world.hurry()
        world.work()
    assert len(world.documents("message")) == 40
    assert crowd.asked[:2] == [40, 10]
    assert max(crowd.asked[2:]) <= 10
    assert {row.state for row in world.rows("inbox")} == {"done"}


def test_workers_that_claim_a_crowd_never_wait_for_each_other(world: World) -> None:
    database = world.hub.store.database
    if database.is_sqlite:
        pytest.skip("SQLite has one writer, who never meets another")
    for n in range(6):
        world.send("crm", world.deal(f"d{n}"))
    with database.writing() as first, database.writing() as second:
        second.exec_driver_sql("SET LOCAL lock_timeout = '2s'")
        taken = queue.claim_crowd(first, "crm", lease=60.0, limit=4, weight=1_000_000)
        others = queue.claim_crowd(second, "crm", lease=60.0, limit=4, weight=1_000_000)
    assert (len(taken), len(others)) == (4, 2)
    assert not {row.id for row in taken} & {row.id for row in others}
