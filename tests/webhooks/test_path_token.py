"""Senders that can sign nothing: a secret in the address, and the answer in the form they want."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from hub.connector import Delivery
from hub.errors import AuthFailed
from hub.store.intake import Intake
from sandbox.kit import serve
from tests.world import Vendor, World, make_world
from webhooks.receiver import Receiver

TOKEN = "a-long-unguessable-token"
ACK = b"<Ack>true</Ack>"


@dataclass
class Unsigned(Vendor):
    """Believes who knows the token of the address, and says so in XML."""

    def verify(self, delivery: Delivery) -> Sequence[str]:
        if delivery.headers.get("o2c-path-token") != TOKEN:
            raise AuthFailed("wrong address")
        return [str(json.loads(delivery.body)["event"])]

    def response(self, delivery: Delivery) -> tuple[str, bytes]:
        return "text/xml; charset=utf-8", ACK


@pytest.fixture
def door(database_url: str) -> Iterator[tuple[World, str]]:
    world = make_world(database_url)
    registry: Any = world.hub.registry
    registry.live["crm"] = replace(registry.live["crm"], connector=Unsigned("crm"))
    intake = Intake(world.hub.store.database, lambda: None)
    with serve(Receiver(world.hub, intake, public_url="", bytes_max=10_000)) as url:
        yield world, url
    intake.stop()
    world.hub.store.database.close()


def body(event: str = "e1") -> bytes:
    return json.dumps({"event": event, "changes": []}).encode()


def test_the_right_address_is_stored_without_its_secret_and_acknowledged_in_its_own_form(
    door: tuple[World, str],
) -> None:
    world, url = door
    for _ in range(2):  # a repeat gets the same answer, or it would never end
        reply = httpx.post(f"{url}/webhooks/crm/{TOKEN}?from=there", content=body())
        assert (reply.status_code, reply.headers["content-type"]) == (200, "text/xml; charset=utf-8")
        assert reply.content == ACK
    [row] = world.rows("inbox")
    assert row.url == f"{url}/webhooks/crm"
    kept = " ".join(str(value) for name in ("inbox", "events") for row in world.rows(name) for value in row)
    assert TOKEN not in kept


@pytest.mark.parametrize(
    "address", ["crm", "crm/", "crm/another", f"crm/{TOKEN}x", f"{TOKEN}/crm", f"no/{TOKEN}"]
)
def test_any_other_address_is_refused_like_a_forged_signature(door: tuple[World, str], address: str) -> None:
    world, url = door
    reply = httpx.post(f"{url}/webhooks/{address}", content=body())
    assert (reply.status_code, reply.json()) == (401, {"error": "the signature is not valid"})
    assert not world.rows("inbox")


def test_the_header_cannot_be_sent_from_outside(door: tuple[World, str]) -> None:
    world, url = door
    reply = httpx.post(f"{url}/webhooks/crm", content=body(), headers={"o2c-path-token": TOKEN})
    assert reply.status_code == 401
    assert not world.rows("inbox")


def test_what_could_not_be_stored_is_not_acknowledged(door: tuple[World, str]) -> None:
    world, url = door
    with world.hub.store.begin() as tx:
        tx.conn.exec_driver_sql("DROP TABLE inbox")
    reply = httpx.post(f"{url}/webhooks/crm/{TOKEN}", content=body())
    assert reply.status_code == 503
    assert ACK not in reply.content
