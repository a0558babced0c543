"""A delivery of very many objects is absorbed in parts: resumable, and a few that fail hold up nobody."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from hub.connector import Change, Delivery
from hub.errors import Transient
from hub.reading import parts
from hub.store.tables import INBOX
from tests.hub.cash_world import credit, invoice, line, money, opens, pay, with_bank
from tests.hub.erp_world import reasons
from tests.world import Vendor, World, make_world

PART, MANY = 30, 42


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = make_world(f"sqlite:///{tmp_path / 'hub.db'}")
    made.hub.bounds = replace(made.hub.bounds, part=PART)
    yield with_bank(made)
    made.hub.store.database.close()


def payments(count: int) -> list[dict[str, Any]]:
    facts = {"booked_on": "2026-03-20", "payer": {"name": "Somebody"}}
    return [
        {"kind": "payment", "id": f"p{n}", "record": {"amount": money(f"{n + 1}.00"), **facts}}
        for n in range(count)
    ]


@dataclass
class Breaking(Vendor):
    """A bank whose file cannot be read to its end at first."""

    fails: int = 1
    read_to: int = PART + 6

    def read(self, delivery: Delivery) -> Iterable[Change]:
        for n, one in enumerate(json.loads(delivery.body)["changes"]):
            if n == self.read_to and self.fails:
                self.fails -= 1
                raise Transient("the disk is gone", code="gone")
            yield Change(one["kind"], one["id"], one["record"])


def state_of(world: World) -> str:
    with world.hub.store.look() as tx:
        return str(tx.conn.execute(INBOX.select().where(INBOX.c.connection == "bank")).one().state)


def test_parts_hold_one_statement_and_never_too_much() -> None:
    told = [Change("statement", "s1", {}), *[Change("payment", str(n), {}) for n in range(PART + 1)]]
    told += [Change("statement", "s2", {}), Change("payment", "x", {})]
    assert [len(part) for part in parts(told, PART)] == [PART, 2, 2]


def test_objects_that_fail_hold_up_nobody_and_are_told(world: World) -> None:
    sent = payments(MANY)
    for n in (3, PART + 7):
        sent[n]["record"]["amount"] = money("1.00", "XXX")
    world.send("bank", *sent)
    world.hub.process()
    assert len(world.documents("payment")) == MANY - 2
    assert state_of(world) != "done"
    sent_again = [row.last_error for row in world.rows("inbox") if row.connection == "bank"]
    assert "XXX" in sent_again[0]


def test_a_file_that_breaks_off_is_resumed_and_nothing_counts_twice(world: World) -> None:
    hub: Any = world.hub
    hub.registry.live["bank"] = replace(hub.registry.live["bank"], connector=Breaking("bank"))
    world.send("bank", *payments(MANY))
    world.hub.process()
    assert len(world.documents("payment")) == PART
    world.hurry()
    world.hub.process()
    assert state_of(world) == "done"
    assert len(world.documents("payment")) == MANY
    assert world.balances()["cash"] == f"{MANY * (MANY + 1) // 2:,}.00 USD"


def test_a_delivery_taken_over_by_another_worker_is_left_to_it(world: World) -> None:
    hub: Any = world.hub
    thief = Breaking("bank", fails=0)

    def steal() -> None:
        with world.hub.store.begin() as tx:
            tx.conn.execute(INBOX.update().values(lease_until=INBOX.c.lease_until + 1))

    hub.registry.live["bank"] = replace(hub.registry.live["bank"], connector=thief)
    world.send("bank", *payments(MANY))
    told = thief.read

    def stealing(delivery: Delivery) -> Iterable[Change]:
        for n, change in enumerate(told(delivery)):
            if n == PART + 5:
                steal()
            yield change

    hub.registry.live["bank"] = replace(hub.registry.live["bank"], connector=Lent(thief, stealing))
    world.hub.process()
    assert state_of(world) == "pending"
    assert len(world.documents("payment")) == PART


@dataclass
class Lent:
    """A vendor that reads in another way."""

    vendor: Vendor
    read: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.vendor, name)


def test_one_payment_may_settle_hundreds_of_invoices(world: World) -> None:
    count = 120
    world.send("erp", *(invoice(world, f"INV-{n}", "10.00") for n in range(count)))
    world.work()
    credit(world, "CM-1", "25.00")
    taken = line("CM-1", "-25.00", kind="CM")
    pay(world, "b1", f"{count * 10 - 25}.00", *(line(f"INV-{n}", "10.00") for n in range(count)), taken)
    assert set(opens(world).values()) == {"0.00 USD"}
    assert reasons(world) == []
