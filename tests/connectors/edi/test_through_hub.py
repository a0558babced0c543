"""What a partner sends goes through the hub: orders, cases for what cannot be said, answers that leave."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from connectors.edi.connector import Edi
from hub.mapping import compile_mapping, load
from sandbox.kit import serve
from sandbox.partner.simulator import KEY as PARTNER_KEY
from sandbox.partner.simulator import PartnerSandbox
from sandbox.partner.writing import Party
from tests.connectors.edi.arriving import bought, delivery, edi, group, interchange, order, paid
from tests.mappings.pairs import MAPPINGS
from tests.world import World, make_world

NAME = "crm"  # in the place of the CRM: the ERP knows the customer
ADDRESS = ("N1*ST*STORE 17*92*0017", "N3*1 MAIN ST", "N4*DOVER*DE*19901")
LINES = ("PO1*1*10*EA*9.5**VN*SKU-1", "CTT*1")


@pytest.fixture
def partner() -> PartnerSandbox:
    return PartnerSandbox(
        us=Party("ZZ", "BUYER", "BUYER"), supplier=Party("ZZ", "SELLER", "SELLER"), auto=False
    )


@pytest.fixture
def world(database_url: str, partner: PartnerSandbox) -> Iterator[World]:
    made = make_world(database_url)
    with serve(partner.app) as url:
        made.send("crm", made.company("c9", limit="1000000"))
        made.work()
        connect(made, edi(customer="erp:erp-1", http_url=f"{url}/inbox", http_key=PARTNER_KEY))
        yield made
    made.hub.store.database.close()


def connect(world: World, connection: Edi) -> None:
    registry: Any = world.hub.registry
    found = {
        way: {
            path.stem.split(".")[0]: compile_mapping(load(path))
            for path in (MAPPINGS / "edi").glob(f"*.{way}.yaml")
        }
        for way in ("in", "out")
    }
    registry.live[NAME] = replace(
        registry.live[NAME], connector=connection, inbound=found["in"], outbound=found["out"]
    )
    vendors: dict[str, Any] = world.vendors
    vendors[NAME] = connection


def arrive(world: World, body: bytes) -> None:
    world.hub.accept([world.hub.receive(NAME, delivery(body))])
    world.work()


def test_an_order_comes_in_and_is_acknowledged(world: World, partner: PartnerSandbox) -> None:
    arrive(world, bought(*ADDRESS, *LINES))
    [made] = world.documents("order")
    assert (made.purchase_order, made.customer) == ("PO-1", world.documents("customer")[0].id)
    assert (made.delivery_location, made.delivery_address.city) == ("0017", "DOVER")
    [ours] = world.documents("acknowledgment")
    assert (ours.level, str(ours.state)) == ("997", "issued")
    sets = [one["set"] for it in partner.world.received for one in it.sets]
    assert "997" in sets


def test_what_cannot_be_said_is_a_case_and_the_others_go_on(world: World, partner: PartnerSandbox) -> None:
    charge = ("BEG*00*SA*PO-2**20261122", "SAC*C*D240***2500*******06", *LINES)
    good = order("BEG*00*SA*PO-1**20261122", *ADDRESS, *LINES)
    arrive(world, interchange(group(good, order(*charge, control="0002"))))
    assert [one.purchase_order for one in world.documents("order")] == ["PO-1"]
    assert any("on the whole order" in str(one.evidence) + one.title for one in world.cases())
    assert [str(one.state) for one in world.documents("acknowledgment")] == ["issued"]


def test_a_place_that_nobody_knows_is_a_case_and_no_customer(world: World, partner: PartnerSandbox) -> None:
    before = len(world.documents("customer"))
    arrive(world, bought("N1*ST**92*0099", *LINES))
    assert world.documents("order") == []
    assert any("0099" in one.title + str(one.evidence) for one in world.cases())
    assert len(world.documents("customer")) == before
    assert [str(one.state) for one in world.documents("acknowledgment")] == ["issued"]


def test_a_remittance_posts_nothing(world: World, partner: PartnerSandbox) -> None:
    arrive(world, paid("ENT*1", "RMR*IV*INV-1**90*100*10"))
    [made] = world.documents("remittance")
    assert (made.trace, str(made.state)) == ("TRACE-1", "waiting")
    assert world.balances() == {}


def test_a_remittance_that_does_not_add_up_is_parked_whole(world: World, partner: PartnerSandbox) -> None:
    arrive(world, paid("ENT*1", "RMR*IV*INV-1**90*100*10", bpr="C*91*C*ACH"))
    [made] = world.documents("remittance")
    assert str(made.state) == "refused"
    assert [one.reason for one in world.cases()] == ["remittance_refused"]


def second(world: World, **settings: Any) -> None:
    """Another partner's connection, beside the first."""
    registry: Any = world.hub.registry
    connection = edi(partner_id="OTHER", customer="erp:erp-1", **settings)
    registry.live["edi-other"] = replace(registry.live[NAME], name="edi-other", connector=connection)
    vendors: dict[str, Any] = world.vendors
    vendors["edi-other"] = connection


def mailbox(world: World) -> bytes:
    """A file of a VAN: an order of the first partner, then one of another."""
    registry: Any = world.hub.registry
    told = registry.live[NAME].connector.settings.model_copy(update={"mailbox": True})
    connect(world, Edi(told))
    mine = bought(*ADDRESS, *LINES)
    other = bought(*ADDRESS, *LINES, head=("BEG*00*SA*PO-77**20261122",)).replace(b"BUYER", b"OTHER")
    return mine + b"\r\n" + other


def test_a_shared_mailbox_is_sorted_and_each_partner_is_answered_by_its_own(
    world: World, partner: PartnerSandbox
) -> None:
    second(world)
    arrive(world, mailbox(world))
    world.work()
    with world.hub.store.look() as tx:
        homes = {one.purchase_order: tx.reader.origin(one.id) for one in world.documents("order")}
        answers = [tx.reader.origin(one.id) for one in world.documents("acknowledgment")]
    assert homes == {"PO-1": NAME, "PO-77": "edi-other"}
    assert sorted(answers) == [NAME, "edi-other"]


def test_what_a_mailbox_holds_for_nobody_is_a_case_and_the_rest_arrives(world: World) -> None:
    arrive(world, mailbox(world))
    world.work()
    assert [one.purchase_order for one in world.documents("order")] == ["PO-1"]
    [case] = [one for one in world.cases() if one.reason == "rejected"]
    assert "no connection is for ZZ/OTHER to ZZ/SELLER" in case.title


def test_a_connection_that_is_no_mailbox_takes_nothing_of_others(world: World) -> None:
    second(world)
    body = mailbox(world)
    registry: Any = world.hub.registry
    connect(world, Edi(registry.live[NAME].connector.settings.model_copy(update={"mailbox": False})))
    arrive(world, body)
    assert world.documents("order") == []
    assert [one.reason for one in world.cases()] == ["rejected"]


def test_what_a_mailbox_hands_on_is_a_file_whatever_way_the_whole_came(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a part nothing is true any more that the headers say of the whole: how it was signed and packed."""
    second(world)
    monkeypatch.setattr("connectors.edi.transport.open_delivery", _whatever_is_inside)
    came = delivery(mailbox(world))
    headers = {**came.headers, "as2-from": "VAN", "x-file-name": "a.edi"}
    row = world.hub.receive(NAME, came)
    world.hub.accept([row._replace(delivery=came._replace(headers=headers))])
    world.work()
    assert sorted(one.purchase_order for one in world.documents("order")) == ["PO-1", "PO-77"]


def _whatever_is_inside(settings: Any, told: Any) -> bytes:
    """An AS2 message is opened where it came; what was handed on is one no more."""
    assert told.method != "FILE" or set(told.headers) <= {"x-file-name"}
    return bytes(told.body)


def test_an_address_of_two_connections_is_a_case_and_not_a_guess(world: World) -> None:
    second(world)
    registry: Any = world.hub.registry
    registry.live["edi-third"] = replace(registry.live["edi-other"], name="edi-third")
    arrive(world, mailbox(world))
    world.work()
    assert [one.purchase_order for one in world.documents("order")] == ["PO-1"]
    [case] = [one for one in world.cases() if one.reason == "rejected"]
    assert "the address of several connections, edi-other, edi-third" in case.title + str(case.evidence)


def test_a_mailbox_keeps_test_and_production_apart(world: World) -> None:
    second(world, usage="T")
    arrive(world, mailbox(world))
    world.work()
    assert [one.purchase_order for one in world.documents("order")] == ["PO-1"]
    assert any("no connection is for ZZ/OTHER to ZZ/SELLER (P)" in one.title for one in world.cases())
