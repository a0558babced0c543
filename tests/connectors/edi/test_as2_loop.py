"""A round by AS2: an interchange comes by the web door, its receipt and its 997 leave by the queue."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from connectors.edi.connector import Edi
from hub.connector import Delivery
from hub.store import connections
from hub.store.intake import Intake
from sandbox.kit import serve
from tests.connectors.edi.as2_openssl import WANTED, Partner, delivery, payload, settings
from tests.flows.wired import live_with
from tests.world import World, make_world
from webhooks.receiver import Receiver

# an 850 without anything in it: it is refused, and that is said by a 997
BAD = (
    b"ISA*00*          *00*          *ZZ*ACME           *ZZ*US             "
    b"*261122*1200*U*00401*000000031*0*P*>~GS*PO*ACME*US*20261122*1200*31*X*004010~"
    b"ST*850*0001~BEG*00*SA*PO-1**20261122~SE*3*0001~GE*1*31~IEA*1*000000031~"
)


class Stores:
    """The partner's server: takes AS2 messages and receipts; `later` are those it has yet to receipt."""

    def __init__(self, acme: Partner) -> None:
        self.acme = acme
        self.fails = 0
        self.got: list[tuple[dict[str, str], bytes]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        headers, body = dict(request.headers), await request.body()
        if self.fails:
            self.fails -= 1
            await Response(b"", 503)(scope, receive, send)
            return
        self.got.append((headers, body))
        kind, content = "text/plain", b""
        asked = "disposition-notification-to" in headers
        if asked and "receipt-delivery-option" not in headers:
            signed, _ = self.acme.opened(headers, body)
            kind, content = self.acme.signed(self.acme.receipt(headers["message-id"], signed))
        await Response(content, 200, {"content-type": kind})(scope, receive, send)


class Trade:
    """The hub, its web door and the partner."""

    def __init__(self, world: World, url: str, stores: Stores, partner_url: str) -> None:
        self.world, self.url, self.stores, self.partner_url = world, url, stores, partner_url

    def post(self, message: Delivery) -> httpx.Response:
        return httpx.post(self.url, content=message.body, headers=dict(message.headers))


def wired(world: World, edi: Edi) -> None:
    hub: Any = world.hub
    hub.registry.live["edi"] = live_with("edi", edi, {})
    vendors: Any = world.vendors
    vendors["edi"] = edi
    with world.hub.store.begin() as tx:
        connections.save(world.hub.store.database, tx.conn, "edi", "edi", {}, poll_seconds=0, now=tx.now)


@pytest.fixture(params=["sync", "async"])
def trade(database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Trade]:
    world = make_world(database_url)
    stores = Stores(Partner(tmp_path))
    intake = Intake(world.hub.store.database, lambda: None)
    with (
        serve(stores) as partner_url,
        serve(Receiver(world.hub, intake, public_url="", bytes_max=50_000)) as hub_url,
    ):
        url = f"{hub_url}/webhooks/edi"
        told = {"as2_url": f"{partner_url}/as2", "as2_mdn": request.param, "as2_mdn_url": url}
        wired(world, Edi(settings(**told)))
        yield Trade(world, url, stores, partner_url)
    intake.stop()
    world.hub.store.database.close()


def test_receipt_and_997_leave_and_the_later_receipt_of_the_997_is_matched(trade: Trade) -> None:
    acme, stores = trade.stores.acme, trade.stores
    wanted = {**WANTED, "receipt_delivery_option": f"{trade.partner_url}/mdn"}
    assert trade.post(acme.message(BAD, **wanted)).content == b""
    stores.fails = 1
    trade.world.work()
    trade.world.hurry()
    trade.world.work()
    assert not [one for one in trade.world.rows("xref") if one.last_error]
    receipts = [one for one in stores.got if "disposition-notification-to" not in one[0]]
    messages = [one for one in stores.got if one not in receipts]
    [(headers, body)] = receipts
    report, _ = acme.verified(f"Content-Type: {headers['content-type']}\r\n\r\n".encode() + body)
    mic = base64.b64encode(hashlib.sha256(payload(BAD)).digest())
    assert b"Original-Message-ID: <m1@acme>" in report
    assert b"Received-Content-MIC: " + mic in report
    [(headers, body)] = messages
    signed, x12 = acme.opened(headers, body)
    assert b"~AK2*850*0001~" in x12
    assert b"~AK5*R" in x12
    if "receipt-delivery-option" in headers:
        told = acme.receipt(headers["message-id"], signed)
        assert trade.post(delivery(*acme.signed(told), "<r1@acme>")).status_code == 200
        trade.world.work()
        [found] = [one for one in trade.world.documents("acknowledgment") if one.direction == "in"]
        assert (found.level, found.state, found.status) == ("MDN", "matched", "accepted")


def test_a_later_refusal_becomes_a_case(trade: Trade) -> None:
    acme = trade.stores.acme
    assert trade.post(acme.message(BAD, **WANTED)).content != b""
    trade.world.work()
    [(headers, body)] = trade.stores.got
    if "receipt-delivery-option" not in headers:
        return  # it came in the answer
    signed, _ = acme.opened(headers, body)
    told = acme.receipt(headers["message-id"], signed, "processed/error: decryption-failed")
    assert trade.post(delivery(*acme.signed(told), "<r2@acme>")).status_code == 200
    trade.world.work()
    [sent] = [one for one in trade.world.documents("interchange") if one.direction == "out"]
    assert sent.state == "rejected"
    assert "decryption-failed" in sent.groups[0].sets[0].reason
    [case] = [one for one in trade.world.cases() if one.reason == "refused_by_partner"]
    assert "decryption-failed" in case.title
    assert case.document_id == sent.id
