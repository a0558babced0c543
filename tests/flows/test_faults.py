"""Every way NetSuite's answers can go wrong, on both databases: each record is there exactly once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from connectors.netsuite.connector import NetSuite
from hub import http
from hub.catalog import files
from hub.mapping import compile_mapping, load
from hub.registry import Live
from sandbox.kit import Fault, serve
from sandbox.netsuite import NetSuiteSandbox
from tests.world import ROOT, World, make_world

DEADLINE = 0.6


class Erp:
    """A world whose ERP is the NetSuite connector in front of the simulator."""

    def __init__(self, world: World, sandbox: NetSuiteSandbox) -> None:
        self.world, self.sandbox = world, sandbox

    def created(self) -> Counter[str]:
        made = [e for e in self.sandbox.kit.effects if e["action"] == "create" and e.get("externalId")]
        assert all(count == 1 for count in Counter((e["kind"], e["externalId"]) for e in made).values())
        return Counter(e["kind"] for e in made)

    def finish(self) -> None:
        """Let retries, pauses and quiesce times pass until nothing is waiting."""
        for _ in range(20):
            self.world.hurry()
            self.world.work()
            rows = [*self.world.rows("xref"), *self.world.rows("inbox")]
            if all(row.state == "done" for row in rows):
                return
        raise AssertionError([(r.connection, r.state, r.last_error) for r in rows if r.state != "done"])


@pytest.fixture
def erp(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Erp]:
    place = request.param if hasattr(request, "param") else "sqlite"
    url = f"sqlite:///{tmp_path / 'hub.db'}" if place == "sqlite" else request.getfixturevalue("postgres_url")
    world = make_world(url)
    sandbox = NetSuiteSandbox()
    sandbox.add_item("S", "serviceSaleItem")
    before = http._deadline
    http.set_deadline(DEADLINE)
    with serve(sandbox.app) as url:
        form = NetSuite.manifest.settings
        connector = NetSuite(form(base_url=url, auth="tba", **sandbox.tba))
        found = files(ROOT / "mappings", "erp", "netsuite")
        inbound, outbound = (
            {slot.kind: compile_mapping(load(path)) for slot, path in found.items() if slot.direction == way}
            for way in ("in", "out")
        )
        live = dict(world.hub.registry.live)
        live["erp"] = Live("erp", connector, inbound, outbound, 1, 0.0, True)
        world.hub.registry.live = live
        yield Erp(world, sandbox)
    http.set_deadline(before)
    world.hub.store.database.close()


def play(erp: Erp, *faults: Fault) -> None:
    """A service order from deal to applied cash, with the faults lying in wait."""
    line = {"id": 1, "sku": "S", "quantity": "3", "price": "19.99", "tax": "8.25"}
    lines = [{**line, "delivery": "service"}]
    erp.world.send("crm", erp.world.company(), erp.world.deal(lines=lines))
    erp.world.work()
    erp.finish()
    [invoice] = erp.world.documents("invoice")
    erp.sandbox.kit.faults.extend(faults)
    erp.world.send("bank", erp.world.credit("b1", str(invoice.payable_amount.amount), invoice.number))
    erp.world.work()
    erp.finish()


FAULTS = {
    "lost_reply": Fault(kind="lost_reply"),
    "truncated": Fault(kind="truncate"),
    "failed_after_writing": Fault(kind="fail_after", status=500, body={"error": "boom"}),
    "failed_before_writing": Fault(kind="refuse", status=503, body={"error": "busy"}),
    "wrote_after_our_deadline": Fault(kind="slow", seconds=DEADLINE + 0.5),
    "answered_after_our_deadline": Fault(kind="hang_after", seconds=DEADLINE + 0.5),
    "rate_limited": Fault(
        kind="refuse", status=429,
        body={"status": 429, "o:errorDetails": [{"o:errorCode": "CONCURRENCY_LIMIT_EXCEEDED"}]},
    ),
}  # fmt: skip


RECORDS = ("customer/", "salesOrder/eid", "!transform/invoice", "customerPayment")
EVERY = [("sqlite", record, name) for record in RECORDS for name in FAULTS]
EVERY += [("postgres", "!transform/invoice", name) for name in FAULTS]


@pytest.mark.parametrize(("erp", "record", "name"), EVERY, indirect=["erp"])
def test_a_fault_at_any_write_leaves_each_record_once(erp: Erp, name: str, record: str) -> None:
    fault = FAULTS[name].model_copy(update={"path": record})
    if record == "customerPayment":
        play(erp, fault)
    else:
        erp.sandbox.kit.faults.append(fault)
        play(erp)
    assert fault.times == 0, "the fault was not met"
    time.sleep(0.6 if "deadline" in name else 0)  # what the simulator still had in hand
    assert erp.created() == {"customer": 1, "salesOrder": 1, "invoice": 1, "customerPayment": 1}
    [invoice] = erp.world.documents("invoice")
    booked = erp.sandbox.find("invoice", invoice.id)
    assert booked is not None
    assert str(booked["total"]) == str(invoice.payable_amount.amount)
    assert erp.world.cases() == []


def test_a_closed_period_is_a_case_in_netsuites_words_and_goes_through_once_it_is_open(erp: Erp) -> None:
    erp.sandbox.close_period(date(2026, 3, 31))
    lines = [{"id": 1, "sku": "S", "quantity": "3", "price": "20", "delivery": "service"}]
    erp.world.send("crm", erp.world.company(), erp.world.deal(lines=lines))
    for _ in range(4):
        erp.world.work()
        erp.world.hurry()
    reasons = {case.reason for case in erp.world.cases()}
    assert reasons == {"rejected"}
    assert "period" in erp.world.cases()[0].title.lower()
