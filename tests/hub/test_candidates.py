"""Before a customer is created somewhere: is it there already? Never a second one, never a wrong link."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from hub.connector import Candidate, Idempotency, Manifest, Write
from hub.decide import choices, decide
from hub.errors import Invalid, Rejected, Transient
from hub.mapping import compile_mapping, loads
from hub.stages import knowing
from hub.stages.knowing import Judged
from hub.stages.outcome import Choice
from tests.world import Vendor, World, make_world

OUT = """
mapping: customer -> erp.customer
version: 1
fields:
  name: { from: name }
  match.tax_id: { from: tax_id, optional: true }
  match.name: { from: name }
"""
IN = """
mapping: crm.company -> customer
version: 1
fields:
  name: { from: name }
  tax_id: { from: tax_id, optional: true }
owns: [name, tax_id]
"""


class Killed(BaseException):
    """What kill -9 is to a worker."""


@dataclass
class Matching(Vendor):
    """An ERP with customers of its own, each with a tax id and a name."""

    own: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: int = 0
    trouble: list[Exception] = field(default_factory=list)

    @property
    def manifest(self) -> Manifest:
        made = super().manifest
        kinds = {**made.kinds, "customer": replace(made.kinds["customer"], matched=True)}
        return replace(made, kinds=kinds)

    def candidates(self, write: Write) -> Sequence[Candidate]:
        self.asked += 1
        if self.trouble:
            raise self.trouble.pop(0)
        wanted = write.record["match"]
        found = [
            Candidate(id, one["name"], "tax_id", one.get("place", ""))
            for id, one in self.own.items()
            if wanted.get("tax_id") and one.get("tax_id") == wanted["tax_id"]
        ]
        return found or [
            Candidate(id, one["name"], "name")
            for id, one in self.own.items()
            if one["name"] == wanted["name"]
        ]

    def push(self, write: Write) -> str:
        if write.external_id in self.own:
            self.records.setdefault(write.external_id, {"kind": "theirs", "reference": ""})
        return super().push(write)


@pytest.fixture(params=[Idempotency.NATIVE, Idempotency.LOOKUP])
def idempotency(request: pytest.FixtureRequest) -> Idempotency:
    return request.param


@pytest.fixture
def world(database_url: str, idempotency: Idempotency) -> World:
    world = make_world(database_url)
    erp = Matching("erp", idempotency)
    live = world.hub.registry.live
    outbound = {**live["erp"].outbound, "customer": compile_mapping(loads(OUT, name="out"))}
    inbound = {**live["crm"].inbound, "customer": compile_mapping(loads(IN, name="in"))}
    live["erp"] = replace(live["erp"], connector=erp, outbound=outbound)
    live["crm"] = replace(live["crm"], inbound=inbound)
    world.vendors["erp"] = erp
    return world


def erp(world: World) -> Matching:
    return world.vendors["erp"]  # type: ignore[return-value] # the fixture put it there


def company(world: World, id: str = "c1", name: str = "Miller Ltd", tax_id: str = "DE123") -> None:
    world.send("crm", {"kind": "customer", "id": id, "record": {"name": name, "tax_id": tax_id}})


def links(world: World) -> list[Any]:
    return [row for row in world.rows("journal") if row.event == "customer.linked"]


def row_of(world: World, kind: str = "customer") -> Any:
    [row] = [row for row in world.rows("xref") if (row.connection, row.kind) == ("erp", kind)]
    return row


def answer(world: World, decision: str, **values: Any) -> None:
    [case] = world.cases()
    decide(world.hub, case.id, decision, Choice("ann", "I looked", values))


def test_what_nobody_knows_there_is_created(world: World) -> None:
    company(world)
    world.work()
    assert [record["name"] for record in erp(world).of("customer")] == ["Miller Ltd"]
    assert (erp(world).asked, world.cases(), links(world)) == (1, [], [])


def test_the_only_one_with_its_tax_id_is_linked_and_brought_up_to_date(world: World) -> None:
    erp(world).own = {"77": {"name": "MILLER LIMITED", "tax_id": "DE123"}, "78": {"name": "Other"}}
    company(world)
    world.work()
    [write] = erp(world).writes
    assert (write.external_id, row_of(world).external_id, row_of(world).state) == ("77", "77", "done")
    [event] = links(world)
    told = json.loads(event.detail)
    assert (told["connection"], told["external_id"], told["by"]) == ("erp", "77", "tax_id")
    assert event.actor == "hub"
    assert world.cases() == []


def test_a_known_one_is_not_looked_for_again(world: World) -> None:
    erp(world).own = {"77": {"name": "Miller Ltd", "tax_id": "DE123"}}
    company(world)
    world.work()
    company(world, name="Miller & Sons")
    world.work()
    assert (erp(world).asked, [write.external_id for write in erp(world).writes]) == (1, ["77", "77"])


def test_several_with_its_tax_id_are_a_question_and_nothing_is_written(world: World) -> None:
    erp(world).own = {
        "77": {"name": "Miller A", "tax_id": "DE123", "place": "Berlin"},
        "78": {"name": "Miller B", "tax_id": "DE123", "place": "Bonn"},
    }
    company(world)
    world.work()
    world.hurry()
    world.work()
    [case] = world.cases()
    evidence = json.loads(case.evidence)
    assert (case.reason, choices(case.reason)) == ("customer_match", ("link", "create"))
    assert "2 there have its tax id" in case.title
    assert [one["external_id"] for one in evidence["candidates"]] == ["77", "78"]
    assert evidence["candidates"][0]["detail"] == "Berlin"
    assert evidence["ours"] == {"tax_id": "DE123", "name": "Miller Ltd"}
    assert (erp(world).writes, erp(world).asked, row_of(world).state) == ([], 1, "dead")


@pytest.fixture
def asked(world: World) -> World:
    """The same name there, and nothing else that would say it is the same."""
    erp(world).own = {"77": {"name": "Miller Ltd"}}
    company(world)
    world.work()
    return world


def test_a_name_alone_links_nothing(asked: World) -> None:
    [case] = asked.cases()
    assert "only name or domain speak for Miller Ltd" in case.title
    assert erp(asked).writes == []


def test_a_person_links_it_and_it_goes_on_as_an_update(asked: World) -> None:
    answer(asked, "link", external_id="77")
    asked.work()
    [write] = erp(asked).writes
    assert (write.external_id, row_of(asked).state, row_of(asked).sent) == ("77", "done", 1)
    [event] = links(asked)
    assert (event.actor, json.loads(event.detail)["by"]) == ("ann", "person")


def test_a_person_says_it_is_new_and_is_not_asked_again(asked: World) -> None:
    answer(asked, "create")
    erp(asked).faults = [Transient("down", sent=False), "lost_reply"]
    for _ in range(4):
        asked.work()
        asked.hurry()
    assert len(erp(asked).of("customer")) == 1
    assert (asked.cases(), row_of(asked).state, links(asked)) == ([], "done", [])


def test_a_new_candidate_after_the_answer_is_a_new_question(asked: World) -> None:
    answer(asked, "create")
    erp(asked).own["78"] = {"name": "Miller Ltd"}
    asked.work()
    [case] = asked.cases()
    assert "Miller Ltd" in case.title
    assert erp(asked).writes == []


def test_a_link_needs_an_id(asked: World) -> None:
    with pytest.raises(Invalid, match="give the id"):
        answer(asked, "link", external_id="  ")
    assert len(asked.cases()) == 1


def test_two_of_ours_for_one_of_theirs_are_a_question_and_cannot_both_be_linked(world: World) -> None:
    erp(world).own = {"77": {"name": "Miller Ltd", "tax_id": "DE123"}}
    company(world)
    world.work()
    company(world, "c2", "Miller Limited")
    world.work()
    [case] = world.cases()
    assert "is Miller Ltd here already" in case.title
    assert json.loads(case.evidence)["candidates"][0]["linked_to"] == "Miller Ltd"
    with pytest.raises(Invalid, match="merge the two by hand"):
        answer(world, "link", external_id="77")
    answer(world, "create")
    world.work()
    assert [one["name"] for one in erp(world).of("customer")] == ["Miller Limited"]
    assert world.cases() == []


def test_a_worker_killed_between_link_and_write_leaves_a_link(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    erp(world).own = {"77": {"name": "Miller Ltd", "tax_id": "DE123"}}
    company(world)
    world.hub.process()

    def die(write: Write) -> str:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(erp(world), "push", die)
        with pytest.raises(Killed):
            world.hub.deliver("erp")
    assert row_of(world).external_id == "77"
    world.hurry()
    world.work()
    assert [write.external_id for write in erp(world).writes] == ["77"]
    assert (len(links(world)), row_of(world).state) == (1, "done")


def test_a_worker_killed_after_it_created_makes_no_second_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    company(world)
    world.hub.process()
    write_it = erp(world).push

    def die(write: Write) -> str:
        id = write_it(write)
        erp(world).own[id] = {"name": "Miller Ltd"}  # now a search finds our own
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(erp(world), "push", die)
        with pytest.raises(Killed):
            world.hub.deliver("erp")
    world.hurry()
    world.work()
    assert len(erp(world).of("customer")) == 1
    assert (world.cases(), row_of(world).state) == ([], "done")


def test_two_workers_create_one(world: World) -> None:
    company(world)
    world.hub.process()
    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(lambda _: world.hub.deliver("erp"), range(4))) == [0, 0, 0, 1]
    assert len(erp(world).of("customer")) == 1


def test_two_documents_of_one_company_are_not_both_created_in_the_same_instant(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    company(world, "c1", "Miller Ltd")
    world.hub.process()
    company(world, "c2", "Miller Limited")
    looked, go_on = threading.Event(), threading.Event()
    look = erp(world).candidates

    def while_another_comes(write: Write) -> Sequence[Candidate]:
        found = look(write)
        looked.set()
        assert go_on.wait(20)
        return found

    monkeypatch.setattr(erp(world), "candidates", while_another_comes)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(world.hub.deliver, "erp")
        assert looked.wait(20)
        world.hub.process()
        assert world.hub.deliver("erp") == 1  # the other one comes while nobody is there yet, and waits
        go_on.set()
        assert first.result(20) == 1
    assert len(erp(world).of("customer")) == 1
    waiting = [row for row in world.rows("xref") if row.state == "pending"]
    assert ["same company" in row.last_error for row in waiting] == [True]
    [made] = [id for id, one in erp(world).records.items() if one["kind"] == "customer"]
    erp(world).own = {made: {"name": "Miller Ltd", "tax_id": "DE123"}}
    world.hurry()
    world.work()
    assert (len(erp(world).of("customer")), [case.reason for case in world.cases()]) == (
        1,
        ["customer_match"],
    )
    assert [row for row in world.rows("leases") if row.name.startswith("match/")] == []


def test_a_worker_that_lost_its_claim_links_nothing(world: World) -> None:
    erp(world).own = {"77": {"name": "Miller Ltd", "tax_id": "DE123"}}
    company(world)
    world.hub.process()
    look = erp(world).candidates

    def slowly(write: Write) -> Sequence[Candidate]:
        found = look(write)
        world.hurry()  # its lease ends meanwhile
        return found

    erp(world).candidates = slowly  # type: ignore[method-assign] # as a slow vendor would be
    world.hub.deliver("erp")
    assert (links(world), erp(world).writes, row_of(world).external_id) == ([], [], None)


@pytest.mark.parametrize("error", [Transient("no answer"), Transient("down", sent=False)])
def test_a_search_that_fails_is_tried_again_before_anything_is_written(
    world: World, error: Exception
) -> None:
    erp(world).own = {"77": {"name": "Miller Ltd", "tax_id": "DE123"}}
    erp(world).trouble = [error]
    company(world)
    world.work()
    assert (erp(world).writes, row_of(world).unsettled) == ([], 0)  # it has only asked
    world.hurry()
    world.work()
    assert [write.external_id for write in erp(world).writes] == ["77"]


def test_a_search_that_is_refused_is_a_case_like_any_refusal(world: World) -> None:
    erp(world).trouble = [Rejected("no permission to list customers")]
    company(world)
    world.work()
    assert [case.reason for case in world.cases()] == ["rejected"]
    assert erp(world).writes == []


def test_orders_of_a_customer_in_question_wait_without_questions_of_their_own(asked: World) -> None:
    asked.send("crm", asked.deal())
    asked.work()
    asked.today[0] = asked.today[0].replace(day=30)
    asked.hurry()
    asked.work()
    assert [case.reason for case in asked.cases()] == ["customer_match"]
    assert row_of(asked, "order").state == "pending"
    answer(asked, "link", external_id="77")
    asked.work()
    assert row_of(asked, "order").state == "done"


def test_kinds_that_are_not_matched_are_not_looked_for(world: World) -> None:
    world.send("crm", {"kind": "message", "id": "m1", "record": {"topic": "t", "text": "hello"}})
    world.work()
    assert (erp(world).asked, len(erp(world).of("message"))) == (0, 1)


# -- the judgement ------------------------------------------------------------------------------


def candidate(id: str, by: Any) -> Candidate:
    return Candidate(id, f"Company {id}", by)


def test_the_strongest_key_decides() -> None:
    found = [candidate("1", "duns"), candidate("2", "tax_id"), candidate("3", "name")]
    assert knowing.judge(found, {}).link == found[1]
    assert knowing.judge([candidate("9", "external_id"), *found], {}).link == candidate("9", "external_id")


def test_the_same_object_found_twice_is_one() -> None:
    found = [candidate("1", "tax_id"), candidate("1", "tax_id"), candidate("1", "name")]
    assert knowing.judge(found, {}).link == found[0]


@pytest.mark.parametrize("by", ["domain", "name"])
def test_weak_hints_are_never_a_link(by: str) -> None:
    judged = knowing.judge([candidate("1", by)], {})
    assert judged.link is None
    assert "only name or domain" in judged.doubt


def test_what_a_person_declined_does_not_count() -> None:
    found = [candidate("1", "tax_id"), candidate("2", "tax_id")]
    assert knowing.judge(found, {}, {"1"}).link == found[1]
    assert knowing.judge(found, {}, {"1", "2"}) == Judged()
    assert knowing.judge([], {}) == Judged()
