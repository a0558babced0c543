"""The webhook door over real HTTP: what is stored, what is refused, and that nothing is half done."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from connectors.hubspot.connector import HubSpot
from hub.registry import Live
from hub.store.intake import Intake
from sandbox.kit import serve
from tests.world import World, make_world
from webhooks.deadline import Deadline
from webhooks.receiver import Receiver

SECRET = "a-client-secret"


class Door:
    """A world with a HubSpot connection behind the receiver on a real port."""

    def __init__(self, world: World, url: str) -> None:
        self.world, self.url = world, url

    def events(self, n: int = 1, at: int = 1_700_000_000_000) -> bytes:
        return json.dumps(
            [
                {"eventId": k, "subscriptionId": 1, "portalId": 62515, "appId": 1, "occurredAt": at + k,
                 "subscriptionType": "deal.propertyChange", "attemptNumber": 0, "objectId": 123 + k,
                 "propertyName": "dealstage", "propertyValue": "closedwon", "changeSource": "CRM_UI"}
                for k in range(n)
            ]
        ).encode()  # fmt: skip

    def post(self, body: bytes, *, secret: str = SECRET, age: float = 0.0, **options: Any) -> httpx.Response:
        stamp = str(int((self.world.hub.store.now().timestamp() - age) * 1000))
        address = f"{self.url}/webhooks/hubspot"
        signed = f"POST{address}".encode() + body + stamp.encode()
        signature = base64.b64encode(hmac.digest(secret.encode(), signed, hashlib.sha256)).decode()
        headers = {"x-hubspot-signature-v3": signature, "x-hubspot-request-timestamp": stamp}
        headers |= {"content-type": "application/json", **options.pop("headers", {})}
        return httpx.post(address, content=body, headers=headers, timeout=10)


@pytest.fixture
def door(database_url: str) -> Iterator[Door]:
    world = make_world(database_url)
    settings = HubSpot.manifest.settings(access_token="t", client_secret=SECRET, portal_id=62515)
    live = dict(world.hub.registry.live)
    live["hubspot"] = Live("hubspot", HubSpot(settings), {}, {}, 1, 0.0, True)
    world.hub.registry.live = live
    intake = Intake(world.hub.store.database, lambda: None)
    receiver = Receiver(world.hub, intake, public_url="", bytes_max=200_000)
    with serve(Deadline(receiver, 1.0)) as url:
        yield Door(world, url)
    intake.stop()
    world.hub.store.database.close()


def test_a_genuine_webhook_is_durable_before_the_answer(door: Door) -> None:
    reply = door.post(door.events(3))
    assert (reply.status_code, reply.json()) == (202, {"status": "accepted"})
    [row] = door.world.rows("inbox")
    assert bytes(row.body) == door.events(3)
    assert len(door.world.rows("events")) == 3


def test_a_repeated_webhook_is_acknowledged_and_stored_once(door: Door) -> None:
    told = [door.post(door.events()).json()["status"] for _ in range(3)]
    assert told == ["accepted", "repeated", "repeated"]
    assert len(door.world.rows("inbox")) == 1


def test_many_senders_at_once_are_each_stored_once(door: Door) -> None:
    bodies = [door.events(at=1_700_000_000_000 + 1000 * n) for n in range(40)] * 2
    with ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(door.post, bodies))
    assert {r.status_code for r in replies} == {202}
    assert len(door.world.rows("inbox")) == 40


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("forged", 401), ("stale", 401), ("from_the_future", 401), ("unknown_connection", 401),
        ("unsigned", 401), ("other_portal", 401), ("truncated", 400), ("not_utf8", 400),
        ("deeply_nested", 400), ("not_a_list", 400), ("empty_list", 400), ("too_many_events", 400),
        ("oversized", 413), ("oversized_in_chunks", 413), ("wrong_method", 405),
    ],
)  # fmt: skip
def test_bad_input_gets_the_right_4xx_and_stores_nothing(door: Door, name: str, status: int) -> None:
    reply = getattr(Bad, name)(door)
    assert reply.status_code == status, reply.text
    assert "Traceback" not in reply.text
    assert SECRET not in reply.text
    assert door.world.rows("inbox") == []
    assert door.world.rows("events") == []


class Bad:
    """One way each of getting it wrong."""

    @staticmethod
    def forged(door: Door) -> httpx.Response:
        return door.post(door.events(), secret="another-secret")

    @staticmethod
    def unsigned(door: Door) -> httpx.Response:
        return httpx.post(f"{door.url}/webhooks/hubspot", content=door.events())

    @staticmethod
    def stale(door: Door) -> httpx.Response:
        return door.post(door.events(), age=301)

    @staticmethod
    def from_the_future(door: Door) -> httpx.Response:
        return door.post(door.events(), age=-400)

    @staticmethod
    def unknown_connection(door: Door) -> httpx.Response:
        return httpx.post(f"{door.url}/webhooks/nobody", content=door.events())

    @staticmethod
    def truncated(door: Door) -> httpx.Response:
        return door.post(door.events()[:-7])

    @staticmethod
    def not_utf8(door: Door) -> httpx.Response:
        return door.post(b'[{"subscriptionType": "\xff\xfe"}]')

    @staticmethod
    def deeply_nested(door: Door) -> httpx.Response:
        return door.post(b"[" * 100_000)

    @staticmethod
    def not_a_list(door: Door) -> httpx.Response:
        return door.post(b'{"a": 1}')

    @staticmethod
    def empty_list(door: Door) -> httpx.Response:
        return door.post(b"[]")

    @staticmethod
    def too_many_events(door: Door) -> httpx.Response:
        return door.post(door.events(101))

    @staticmethod
    def other_portal(door: Door) -> httpx.Response:
        return door.post(door.events().replace(b"62515", b"11111"))

    @staticmethod
    def oversized(door: Door) -> httpx.Response:
        return door.post(b" " * 200_001)

    @staticmethod
    def oversized_in_chunks(door: Door) -> httpx.Response:
        chunks = (b" " * 50_000 for _ in range(5))
        return httpx.post(f"{door.url}/webhooks/hubspot", content=chunks)

    @staticmethod
    def wrong_method(door: Door) -> httpx.Response:
        return httpx.get(f"{door.url}/webhooks/hubspot")


def test_a_slow_sender_is_not_waited_for(door: Door) -> None:
    host, _, port = door.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as sock:
        sock.sendall(b"POST /webhooks/hubspot HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n[")
        answer = sock.recv(1000)
    assert b" 408 " in answer.split(b"\r\n")[0]


def test_when_it_cannot_be_stored_the_sender_is_told_to_repeat(door: Door) -> None:
    with door.world.hub.store.database.writing() as conn:
        conn.exec_driver_sql("ALTER TABLE events RENAME TO gone")
    reply = door.post(door.events())
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "10")
    assert "events" not in reply.text
