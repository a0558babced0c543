"""What goes to a trading partner is numbered without gaps and acknowledged; what comes is taken once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from hub.connector import Composed, Idempotency, Kind, Manifest, Write
from hub.decide import decide
from hub.duedates import DueDates
from hub.errors import ConnectorError, Rejected, Transient
from hub.mapping import compile_mapping, loads
from hub.stages.outcome import Choice
from tests.hub.test_crowd import swap
from tests.world import MAPPINGS, ROUTES, NoSettings, Vendor, World

INTERCHANGE_IN = """
mapping: edi.interchange -> interchange
version: 1
fields:
  number: { from: number }
  direction: { value: in }
  sender: { from: sender }
  receiver: { value: ZZ/US }
  groups: { from: groups, optional: true }
  digest: { from: digest }
owns: [digest]
"""
ACKNOWLEDGMENT_IN = """
mapping: edi.acknowledgment -> acknowledgment
version: 1
fields:
  direction: { from: direction }
  level: { value: "997" }
  groups: { from: groups, optional: true }
  technical: { from: technical, optional: true }
  answer: { from: answer, optional: true }
  received_at: { from: received_at, via: datetime, optional: true }
owns: [received_at]
"""
INVOICE_OUT = """
mapping: invoice -> edi.810
version: 1
fields:
  number: { from: number }
  purchase_order: { from: purchase_order }
  ordered_as: { from: theirs.0.po }
"""
ACKNOWLEDGMENT_OUT = """
mapping: acknowledgment -> edi.997
version: 1
fields:
  answer: { from: answer }
"""
INTERCHANGE_OUT = """
mapping: interchange -> edi.interchange
version: 1
fields:
  number: { from: number }
  body: { from: body }
"""


@dataclass
class Partner(Vendor):
    """Takes invoices and acknowledgments in envelopes, one for each call, and nothing without a number."""

    refuses: set[str] = field(default_factory=set)
    breaks: list[Exception] = field(default_factory=list)
    waits: bool = True

    @property
    def manifest(self) -> Manifest:
        inside = Kind(outbound=True, enveloped=True, only_with="order", echoed=True)
        kinds = {
            "order": Kind(inbound=True),
            "customer": Kind(inbound=True),
            "invoice": inside,
            "acknowledgment": Kind(inbound=True, outbound=True, enveloped=True),
            "interchange": Kind(inbound=True, outbound=True, idempotency=Idempotency.NATIVE),
        }
        return Manifest("edi", "EDI", NoSettings, kinds)

    def compose(
        self, writes: Sequence[Write], draw: Callable[[str], int], at: datetime
    ) -> tuple[Sequence[Composed], Mapping[int, ConnectorError]]:
        if self.breaks:
            draw("isa")
            raise self.breaks.pop(0)
        bad = {n: Rejected("no") for n, w in enumerate(writes) if w.record.get("number") in self.refuses}
        good = [n for n in range(len(writes)) if n not in bad]
        if not good:
            return [], bad
        number, invoices = draw("isa"), [n for n in good if writes[n].kind == "invoice"]
        sets = [
            {"set_id": "810", "number": f"{n + 1:04d}", "document": writes[at].reference,
             "reference": writes[at].record["number"]}
            for n, at in enumerate(invoices)
        ]  # fmt: skip
        fields = {
            "number": f"{number:09d}", "sender": "ZZ/US", "receiver": "ZZ/ACME", "body": f"ISA*{number}",
            "groups": [{"code": "IN" if sets else "FA", "number": str(number), "sets": sets}],
            "acknowledge_by": at + timedelta(hours=24) if sets and self.waits else None,
        }  # fmt: skip
        return [Composed(fields, {at: f"{number}/{at}" for at in good})], bad


@pytest.fixture
def partner(world: World) -> Partner:
    made = swap(world, "crm", Partner("crm"))
    hub: Any = world.hub
    live = hub.registry.live["crm"]
    more_in = {"interchange": INTERCHANGE_IN, "acknowledgment": ACKNOWLEDGMENT_IN}
    more_out = {"invoice": INVOICE_OUT, "acknowledgment": ACKNOWLEDGMENT_OUT, "interchange": INTERCHANGE_OUT}
    hub.registry.live["crm"] = replace(
        live,
        inbound={**live.inbound, **{kind: compile_mapping(loads(text)) for kind, text in more_in.items()}},
        outbound={kind: compile_mapping(loads(text)) for kind, text in more_out.items()},
    )
    hub.routes = {name: [x for x in told if x != "crm"] for name, told in ROUTES.items()}
    hub.routes["invoice.issued"] = ["erp", "edi"]
    return made


def order_of(world: World, n: int = 1) -> dict[str, Any]:
    lines = [{"id": 1, "sku": "A", "quantity": "1", "price": "10.00", "delivery": "service"}]
    return world.deal(f"d{n}", lines=lines, po=f"PO-{n}")


def invoiced(world: World, count: int = 1) -> None:
    """That many orders of the partner, of services: billed at once."""
    world.send("crm", world.company(limit="1000000"), *(order_of(world, n + 1) for n in range(count)))
    world.work()


def answer(world: World, number: str, status: str = "accepted", *sets: dict[str, Any]) -> None:
    groups = [{"code": "IN", "number": number, "status": status, "sets": list(sets)}]
    record = {"direction": "in", "groups": groups}
    world.send("crm", {"kind": "acknowledgment", "id": f"997:{number}:{world.events}", "record": record})
    world.work()


def said(number: str, status: str, message: str = "") -> dict[str, Any]:
    faults = [{"segment": "TDS", "position": 9, "code": "8", "message": message}] if message else []
    return {"set_id": "810", "number": number, "status": status, "faults": faults}


def sent(partner: Partner) -> list[str]:
    return [str(write.record["body"]) for write in partner.writes]


def events(world: World, prefix: str = "") -> list[str]:
    return [row.event for row in world.rows("journal order by seq") if row.event.startswith(prefix)]


def test_documents_leave_in_one_envelope_that_is_kept_before_it_is_carried(
    world: World, partner: Partner
) -> None:
    partner.faults.append(Transient("away", sent=False))
    invoiced(world, 3)
    [kept] = world.documents("interchange")
    assert (kept.number, kept.direction, kept.partner, str(kept.state)) == ("000000001", "out", "crm", "sent")
    assert [one.reference for one in kept.groups[0].sets] == [x.number for x in by_number(world)]
    assert sent(partner) == []
    world.hurry()
    world.work()
    assert sent(partner) == ["ISA*1"]
    assert world.cases() == []


def by_number(world: World) -> list[Any]:
    return sorted(world.documents("invoice"), key=lambda one: one.number)


def test_numbers_have_no_gap_when_composing_fails_or_a_document_is_refused(
    world: World, partner: Partner
) -> None:
    partner.breaks += [ValueError("a bug"), ValueError("a bug")]
    invoiced(world)
    assert world.documents("interchange") == []
    for _ in range(2):
        world.hurry()
        world.work()
    partner.refuses.add("INV-2026-000002")
    world.send("crm", order_of(world, 2), order_of(world, 3))
    world.work()
    numbers = sorted(one.number for one in world.documents("interchange"))
    assert numbers == ["000000001", "000000002"]
    refused = [case for case in world.cases() if case.reason == "rejected"]
    assert len(refused) == 1


def test_workers_that_compose_at_the_same_time_and_fail_leave_no_gap(world: World, partner: Partner) -> None:
    hub: Any = world.hub
    partner.faults += [Transient("away", sent=False)] * 5
    world.send("crm", world.company(limit="1000000"))
    world.work()
    hub.routes = {**hub.routes, "invoice.issued": ["edi"]}
    for n in range(24):
        world.send("crm", order_of(world, n + 1))
    while world.hub.process():
        pass
    partner.breaks += [ValueError("a bug")] * 6

    def worker() -> None:
        for _ in range(40):
            hub.deliver("crm", limit=1)

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(worker) for _ in range(4)]:
            done.result()
    for _ in range(4):
        world.hurry()
        world.work()
    numbers = sorted(int(one.number) for one in world.documents("interchange"))
    assert numbers == list(range(1, len(numbers) + 1))
    inside = [x.document for one in world.documents("interchange") for g in one.groups for x in g.sets]
    assert sorted(inside) == sorted(one.id for one in world.documents("invoice"))
    assert len(inside) == 24


def test_a_mapping_gets_what_the_partner_told_of_the_order(world: World, partner: Partner) -> None:
    told: list[Any] = []
    compose = partner.compose

    def listening(writes: Sequence[Write], draw: Any, at: Any) -> Any:
        told.extend(dict(write.record) for write in writes)
        return compose(writes, draw, at)

    partner.compose = listening  # type: ignore[method-assign]  # only listens
    invoiced(world)
    assert (told[0]["purchase_order"], told[0]["ordered_as"]) == ("PO-1", "PO-1")


def test_an_acknowledgment_reaches_the_envelope_and_the_invoices(world: World, partner: Partner) -> None:
    invoiced(world, 2)
    answer(world, "1", "partly_accepted", said("0001", "accepted"), said("0002", "rejected", "TDS is wrong"))
    [kept] = world.documents("interchange")
    assert str(kept.state) == "partly_accepted"
    assert [one.status for one in kept.groups[0].sets] == ["accepted", "rejected"]
    [ours] = [case for case in world.cases() if case.reason == "refused_by_partner"]
    assert "TDS is wrong" in ours.title
    assert events(world, "invoice.ack") == ["invoice.acknowledged"]
    assert events(world, "invoice.dis") == ["invoice.disowned"]


def test_what_a_partner_refused_goes_anew_under_new_numbers(world: World, partner: Partner) -> None:
    invoiced(world)
    answer(world, "1", "rejected", said("0001", "rejected", "no such order"))
    [case] = world.cases()
    decide(world.hub, case.id, "resend", Choice("ann", "mended", {}))
    world.work()
    assert sent(partner) == ["ISA*1", "ISA*2"]
    answer(world, "2", "accepted", said("0001", "accepted"))
    states = {one.number: str(one.state) for one in world.documents("interchange")}
    assert states == {"000000001": "rejected", "000000002": "accepted"}
    assert world.cases() == []


def test_the_same_acknowledgment_twice_changes_nothing(world: World, partner: Partner) -> None:
    invoiced(world)
    answer(world, "1", "accepted", said("0001", "accepted"))
    before = world.documents("interchange")
    answer(world, "1", "accepted", said("0001", "accepted"))
    assert world.documents("interchange") == before
    assert events(world, "invoice.ack") == ["invoice.acknowledged"]


def test_an_acknowledgment_of_nothing_we_sent_is_a_case(world: World, partner: Partner) -> None:
    answer(world, "77", "accepted")
    assert [case.reason for case in world.cases()] == ["unmatched_acknowledgment"]


def test_an_envelope_that_is_refused_refuses_what_is_in_it(world: World, partner: Partner) -> None:
    invoiced(world)
    technical = {"number": "1", "status": "rejected", "code": "023", "message": "cut off"}
    record = {"direction": "in", "technical": technical}
    world.send("crm", {"kind": "acknowledgment", "id": "ta1", "record": record})
    world.work()
    assert str(world.documents("interchange")[0].state) == "rejected"
    assert [case.reason for case in world.cases()] == ["refused_by_partner"]


def test_silence_becomes_a_case_that_an_answer_ends(world: World, partner: Partner) -> None:
    invoiced(world)
    due = DueDates(world.hub)
    assert due.look_for_answers() == 0
    world.today[0] += timedelta(hours=25)
    assert due.look_for_answers() == 1
    assert [case.reason for case in world.cases()] == ["acknowledgment_overdue"]
    answer(world, "1", "accepted")
    assert world.cases() == []
    assert str(world.documents("interchange")[0].state) == "accepted"


def test_what_was_met_with_silence_goes_once_more_byte_by_byte(world: World, partner: Partner) -> None:
    invoiced(world)
    world.today[0] += timedelta(hours=25)
    DueDates(world.hub).look_for_answers()
    [case] = world.cases()
    decide(world.hub, case.id, "resend", Choice("ann", "", {}))
    world.work()
    assert sent(partner) == ["ISA*1", "ISA*1"]


def arrived(digest: str, *more: dict[str, Any], at: str = "2026-03-02T09:00:00Z") -> list[dict[str, Any]]:
    name = f"ZZ/ACME:000000007:{digest}"
    record = {"number": "000000007", "sender": "ZZ/ACME", "digest": digest}
    ours = {"direction": "out", "answer": {"said": "accepted"}, "received_at": at}
    return [
        {"kind": "interchange", "id": name, "record": record},
        *more,
        {"kind": "acknowledgment", "id": f"our:{name}", "record": ours},
    ]


def test_what_came_is_acknowledged_and_a_repeat_gets_the_same_answer_again(
    world: World, partner: Partner
) -> None:
    world.send("crm", *arrived("aa"))
    world.work()
    world.send("crm", *arrived("aa", at="2026-03-02T10:00:00Z"))
    world.work()
    assert sent(partner) == ["ISA*1", "ISA*2"]
    states = sorted(str(one.state) for one in world.documents("interchange"))
    assert states == ["delivered", "delivered", "taken"]
    assert len(world.documents("acknowledgment")) == 1


def test_the_same_number_with_another_content_is_held_whole(world: World, partner: Partner) -> None:
    world.send("crm", world.company(limit="1000000"))
    world.send("crm", *arrived("aa"))
    world.work()
    world.send("crm", *arrived("bb", order_of(world)))
    world.work()
    assert world.documents("order") == []
    [case] = world.cases()
    assert "came before" in case.title
    assert sent(partner) == ["ISA*1"]


def test_sets_that_were_refused_are_told_to_a_person(world: World, partner: Partner) -> None:
    changes = arrived("aa")
    bad = {"set_id": "850", "number": "0001", "status": "rejected", "faults": [{"message": "BEG is missing"}]}
    changes[0]["record"]["groups"] = [{"code": "PO", "number": "1", "status": "rejected", "sets": [bad]}]
    world.send("crm", *changes)
    world.work()
    assert [case.reason for case in world.cases()] == ["sets_refused"]


def test_a_customer_may_be_named_by_the_id_another_system_has_for_it(world: World, partner: Partner) -> None:
    hub: Any = world.hub
    world.send("crm", world.company("c9", limit="1000"))
    world.work()
    live = hub.registry.live["crm"]
    told = MAPPINGS["crm", "order", "in"].replace("xref(customer)", "xref(customer/elsewhere)")
    inbound = {"order": compile_mapping(loads(told))}
    hub.registry.live["shop"] = replace(live, name="shop", connector=Keeper("shop"), inbound=inbound)
    world.vendors["shop"] = hub.registry.live["shop"].connector
    world.send("shop", world.deal("s1", company="erp:erp-1"))
    world.work()
    [order] = world.documents("order")
    assert order.customer == world.documents("customer")[0].id


@dataclass
class Keeper(Vendor):
    """Tells of orders only, and names customers as the ERP does."""

    @property
    def manifest(self) -> Manifest:
        return Manifest(self.name, "shop", NoSettings, {"order": Kind(inbound=True)})
