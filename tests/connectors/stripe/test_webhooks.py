"""Webhooks as the simulated account really sends them: signed, rotated, thin, twice, out of order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.stripe.connector import Stripe
from hub.sdk import AuthFailed, Delivery
from sandbox.kit import serve
from sandbox.stripe import KEY
from tests.connectors.stripe.conftest import Account, by_id, customer, invoice


class Mailbox:
    """Receives webhooks and keeps them as the hub would."""

    def __init__(self) -> None:
        self.kept: list[Delivery] = []
        self.url = ""
        self.app = Starlette(routes=[Route("/webhooks/stripe", self._receive, methods=["POST"])])

    async def _receive(self, request: Request) -> Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.kept.append(Delivery(headers, await request.body(), str(request.url), datetime.now(UTC)))
        return Response(status_code=202)


@pytest.fixture(scope="module")
def hub_port() -> Iterator[Mailbox]:
    mailbox = Mailbox()
    with serve(mailbox.app) as url:
        mailbox.url = f"{url}/webhooks/stripe"
        yield mailbox


@pytest.fixture
def mailbox(hub_port: Mailbox) -> Mailbox:
    hub_port.kept.clear()
    return hub_port


def listening(account: Account, mailbox: Mailbox, **settings: Any) -> tuple[Stripe, Any]:
    """A connector that knows the secret of an endpoint, and the endpoint."""
    endpoint = account.box.add_endpoint(mailbox.url)
    return account.connect(webhook_secrets=endpoint["_secret"], **settings), endpoint


def pay(account: Account, stripe: Stripe) -> str:
    sent = stripe.push(invoice(stripe.push(customer())))
    charge: str = account.box.pay(sent)["latest_charge"]
    account.box.send_pending()
    return charge


def test_every_webhook_is_let_in_and_names_its_own_event(account: Account, mailbox: Mailbox) -> None:
    stripe, _ = listening(account, mailbox)
    charge = pay(account, stripe)
    ids = [id for one in mailbox.kept for id in stripe.verify(one)]
    assert len(ids) == len(set(ids)) > 5
    read = [change for one in mailbox.kept for change in stripe.read(one)]
    assert ("payment", charge) in by_id(read)
    polled = {id for arrival in stripe.poll(None).arrivals for id in arrival.event_ids}
    assert polled <= set(ids)


def test_one_that_is_sent_twice_has_the_same_id(account: Account, mailbox: Mailbox) -> None:
    stripe, _ = listening(account, mailbox)
    account.box.webhooks.mode = "duplicate"
    pay(account, stripe)
    ids = [id for one in mailbox.kept for id in stripe.verify(one)]
    assert len(ids) == 2 * len(set(ids))


def test_while_the_secret_is_rotated_old_and_new_let_in(account: Account, mailbox: Mailbox) -> None:
    stripe, endpoint = listening(account, mailbox)
    new = account.box.roll_secret(endpoint["id"])
    pay(account, stripe)
    assert all(one.headers["stripe-signature"].count("v1=") == 2 for one in mailbox.kept)
    renewed = account.connect(webhook_secrets=new)
    assert [stripe.verify(one) for one in mailbox.kept] == [renewed.verify(one) for one in mailbox.kept]


def test_a_wrong_secret_and_a_wrong_clock_are_refused(account: Account, mailbox: Mailbox) -> None:
    stripe, _ = listening(account, mailbox)
    account.box.webhooks.spoilt = True
    pay(account, stripe)
    account.box.webhooks.spoilt, account.box.webhooks.skew = False, 3_600
    account.box.pay_freely(1_000)
    account.box.send_pending()
    assert mailbox.kept
    for one in mailbox.kept:
        with pytest.raises(AuthFailed):
            stripe.verify(one)


def test_an_endpoint_of_an_old_version_does_no_harm(account: Account, mailbox: Mailbox) -> None:
    endpoint = account.box.add_endpoint(mailbox.url, version="2020-08-27")
    stripe = account.connect(webhook_secrets=endpoint["_secret"])
    charge = pay(account, stripe)
    assert {json.loads(one.body)["api_version"] for one in mailbox.kept} == {"2020-08-27"}
    changes = by_id(change for one in mailbox.kept if stripe.verify(one) for change in stripe.read(one))
    record = changes["payment", charge].record
    assert record is not None
    assert record["o2c"]["applications"]


def test_thin_events_are_read_like_the_others(account: Account, mailbox: Mailbox) -> None:
    body = {
        "name": "hub", "type": "webhook_endpoint", "event_payload": "thin",
        "enabled_events": ["v1.charge.succeeded"], "webhook_endpoint": {"url": mailbox.url},
        "include": ["webhook_endpoint.signing_secret"],
    }  # fmt: skip
    headers = {"authorization": f"Bearer {KEY}", "stripe-version": "2026-10-28.endive"}
    made = httpx.post(f"{account.url}/v2/core/event_destinations", json=body, headers=headers).json()
    stripe = account.connect(webhook_secrets=account.thing(made["id"])["_secret"])
    charge = pay(account, stripe)
    [thin] = mailbox.kept
    assert b"amount" not in thin.body
    assert len(stripe.verify(thin)) == 1
    assert ("payment", charge) in by_id(stripe.read(thin))


def test_a_platform_leaves_the_events_of_others_alone(account: Account, mailbox: Mailbox) -> None:
    ours, theirs = account.box.connect("Ours"), account.box.connect("Theirs")
    endpoint = account.box.add_endpoint(mailbox.url, connect=True)
    stripe = account.connect(webhook_secrets=endpoint["_secret"], account=ours.id)
    wanted = account.box.pay_freely(1_000, account=ours.id)["latest_charge"]
    account.box.pay_freely(2_000, account=theirs.id)
    account.box.send_pending()
    changes = by_id(change for one in mailbox.kept if stripe.verify(one) for change in stripe.read(one))
    assert set(changes) == {("payment", wanted)}
