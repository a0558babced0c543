"""The retailer's AS2, made of OpenSSL's command, against the connector's: messages and receipts both ways."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.edi.connector import Edi, Settings
from hub.connector import Delivery, Write
from hub.errors import ConnectorError
from sandbox.kit import serve
from sandbox.partner.as2 import Keys, new_keys
from tests.sandbox.partner.supplier import CONFIRMATION, Supplier


@cache
def keys(name: str) -> Keys:
    return new_keys(name)


class Hub:
    """A hub's webhook door that knows nothing but the connector."""

    def __init__(self) -> None:
        self.edi: Edi | None = None
        self.bodies: list[bytes] = []
        self.deliveries: list[Delivery] = []
        self.spoil = False

    async def take(self, request: Request) -> Response:
        assert self.edi is not None
        body = await request.body()
        delivery = Delivery(dict(request.headers), body, str(request.url), datetime.now(UTC))
        self.edi.verify(delivery)
        self.bodies.append(delivery.body)
        self.deliveries.append(delivery)
        answer = self.edi.response(delivery)
        assert answer is not None
        told = answer.body.replace(b"processed", b"PROCESSED") if self.spoil else answer.body
        return Response(
            told, media_type=None, headers={**answer.headers, "content-type": answer.content_type}
        )


class Ends:
    """Both ends of the line, and where they listen."""

    def __init__(self, hub: Hub, hub_url: str, one: Supplier, partner_url: str) -> None:
        self.hub, self.hub_url, self.one, self.partner_url = hub, hub_url, one, partner_url
        self.settings = {
            "our_id": "ACMEINSTR", "partner_id": "HARBORPINE", "customer": "netsuite:107",
            "as2_id": "ACME-AS2", "as2_partner_id": "Harbor Pine", "as2_url": f"{partner_url}/as2",
            "as2_certificate": keys("acme").certificate, "as2_private_key": keys("acme").key,
            "as2_partner_certificate": keys("harbor").certificate,
        }  # fmt: skip
        hub.edi = Edi(Settings.model_validate(self.settings))
        acme = keys("acme").certificate
        one.partner.connect_as2(f"{hub_url}/webhooks/edi", "ACME-AS2", "Harbor Pine", keys("harbor"), acme)

    def push(self, **changed: object) -> str:
        """The supplier's 855 by AS2."""
        edi = Edi(Settings.model_validate({**self.settings, **changed}))
        body = self.one.file("855", CONFIRMATION).decode()
        record = {"number": "000000001", "name": "000000001.x12", "body": body}
        return edi.push(Write("interchange", record, None, "i", "i:1"))


@pytest.fixture
def ends() -> Iterator[Ends]:
    hub, one = Hub(), Supplier()
    one.partner.auto = False
    app = Starlette(routes=[Route("/webhooks/edi", hub.take, methods=["POST"])])
    with serve(app) as hub_url, serve(one.partner.app) as partner_url:
        yield Ends(hub, hub_url, one, partner_url)


def test_our_order_arrives_signed_and_encrypted_and_the_receipt_is_right(ends: Ends) -> None:
    sent = ends.one.partner.send_order(ends.one.order)
    assert (sent.status, sent.told) == (200, "processed")
    assert sent.body not in ends.hub.bodies[0]
    assert not ends.one.rules()


def test_a_receipt_that_was_tampered_with_is_charged_for(ends: Ends) -> None:
    ends.hub.spoil = True
    ends.one.partner.send_order(ends.one.order)
    assert ends.one.rules() == {"receipt"}


@pytest.mark.parametrize("changed", [{}, {"as2_encryption": "aes128"}, {"as2_mdn": "none"}])
def test_their_855_arrives_and_gets_a_receipt_that_they_believe(
    ends: Ends, changed: dict[str, object]
) -> None:
    assert ends.push(**changed) == "000000001"
    assert [one.via for one in ends.one.partner.world.received] == ["as2"]
    assert ends.one.partner.told("0045-1")["acknowledged"] == ["all"]
    assert not ends.one.rules()


def test_a_receipt_that_is_wanted_later_comes_in_a_call_of_its_own(ends: Ends) -> None:
    address = f"{ends.hub_url}/webhooks/edi"
    assert ends.push(as2_mdn="async", as2_mdn_url=address) == "000000001"
    end = time.monotonic() + 10
    while not ends.hub.deliveries and time.monotonic() < end:
        time.sleep(0.02)
    assert ends.hub.edi is not None
    (change,) = ends.hub.edi.read(ends.hub.deliveries[0])
    assert change.record is not None
    assert (change.record["level"], change.record["status"]) == ("MDN", "accepted")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"as2_encryption": "none"}, "not encrypted"),
        ({"as2_id": "SOMEBODY"}, "SOMEBODY"),
        ({"as2_certificate": "other", "as2_private_key": "other"}, "signature"),
        ({"as2_partner_certificate": "other"}, "decrypted"),
    ],
    ids=["plain", "name", "signer", "recipient"],
)
def test_a_message_that_is_not_as_agreed_is_refused_and_not_taken(
    ends: Ends, changed: dict[str, str], words: str
) -> None:
    made = {
        name: (keys("other").key if "private" in name else keys("other").certificate)
        if value == "other"
        else value
        for name, value in changed.items()
    }
    with pytest.raises(ConnectorError):
        ends.push(**made)
    (charged,) = ends.one.partner.chargebacks()
    assert charged.rule == "as2-refused"
    assert words in charged.words
    assert ends.one.partner.world.received == []


def test_without_as2_there_is_no_such_door() -> None:
    one = Supplier()
    with serve(one.partner.app) as url:
        assert httpx.post(f"{url}/as2", content=b"x").status_code == 404
