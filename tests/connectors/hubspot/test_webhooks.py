"""Webhooks over real HTTP: the simulated account signs and sends, the connector lets in and reads."""

from __future__ import annotations

import json
import threading

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.hubspot.connector import HubSpot
from hub.sdk import AuthFailed, Delivery, Write
from tests.connectors.hubspot.account import Account, Switchboard, orders


class Receiver:
    """What the hub's edge does, in short: verify, answer, keep."""

    def __init__(self, account: Account, connector: HubSpot) -> None:
        self.account, self.connector = account, connector
        self.url = ""
        self.kept: list[tuple[Delivery, list[str]]] = []
        self.answers: list[int] = []  # statuses to give before the true one

    async def receive(self, request: Request) -> Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        delivery = Delivery(headers, await request.body(), self.url, self.account.clock(), request.method)
        try:
            ids = list(self.connector.verify(delivery))
        except AuthFailed:
            return Response(status_code=401)
        status = self.answers.pop(0) if self.answers else 202
        if status == 202:
            self.kept.append((delivery, ids))
        return Response(status_code=status)

    def ids(self) -> list[str]:
        return [one for _, ids in self.kept for one in ids]

    def events(self) -> list[dict[str, object]]:
        return [event for delivery, _ in self.kept for event in json.loads(delivery.body)]


@pytest.fixture
def receiver(account: Account, hub_server: Switchboard) -> Receiver:
    found = Receiver(account, account.connect(portal_id=account.sandbox.portal_id))
    hub_server.app = Starlette(routes=[Route("/webhooks/hubspot", found.receive, methods=["POST"])])
    found.url = f"{hub_server.url}/webhooks/hubspot?via=a%3Ab&c=1"
    account.sandbox.webhooks.target = found.url
    return found


def test_winning_a_deal_reaches_the_hub_signed_and_readable(account: Account, receiver: Receiver) -> None:
    deal = account.won_deal()
    (receipt,) = account.sandbox.send_pending()
    assert receipt.status == 202
    types = {str(event["subscriptionType"]) for event in receiver.events()}
    assert {"deal.creation", "deal.propertyChange", "deal.associationChange", "company.creation"} == types
    (delivery, ids) = receiver.kept[0]
    assert len(set(ids)) == len(ids) == len(receiver.events())
    assert deal in orders(list(receiver.connector.read(delivery)))


def test_only_what_is_subscribed_is_sent(account: Account, receiver: Receiver) -> None:
    deal = account.won_deal()
    account.sandbox.send_pending()
    receiver.kept.clear()
    account.sandbox.update("deals", deal, {"amount": "301", "o2c_tracking": "T-1", "description": "x"})
    account.sandbox.send_pending()
    assert [(event["propertyName"], event["propertyValue"]) for event in receiver.events()] == [
        ("amount", "301")
    ]


def test_our_own_writes_do_not_come_back_as_webhooks(account: Account, receiver: Receiver) -> None:
    deal = account.won_deal()
    account.sandbox.send_pending()
    receiver.connector.push(Write("order", {"properties": {"o2c_order_number": "SO-1"}}, deal, "r", "k"))
    assert account.sandbox.send_pending() == []


def test_a_delivery_that_failed_comes_again_with_the_same_ids(account: Account, receiver: Receiver) -> None:
    receiver.answers = [500, 503]
    account.won_deal()
    assert [receipt.status for receipt in account.sandbox.send_pending()] == [500]
    assert account.sandbox.send_pending() == []
    account.clock.forward(seconds=60)
    assert [receipt.status for receipt in account.sandbox.send_pending()] == [503]
    account.clock.forward(seconds=120)
    (receipt,) = account.sandbox.send_pending()
    assert (receipt.status, receipt.attempt) == (202, 2)
    assert {event["attemptNumber"] for event in receiver.events()} == {2}


def test_a_sender_that_is_never_heard_gives_up(account: Account, receiver: Receiver) -> None:
    account.sandbox.webhooks.retries = (1.0, 1.0)
    receiver.answers = [500] * 9
    account.won_deal()
    sent = 0
    for _ in range(6):
        sent += len(account.sandbox.send_pending())
        account.clock.forward(seconds=1)
    assert sent == 3
    assert len(account.sandbox.webhooks.given_up) == 1


def test_nobody_listening_is_a_failed_attempt(account: Account) -> None:
    account.sandbox.webhooks.target = "http://127.0.0.1:1/nobody"
    account.won_deal()
    assert [receipt.status for receipt in account.sandbox.send_pending()] == [None]
    assert len(account.sandbox.webhooks.waiting) == 1


def test_a_delivery_sent_again_has_the_same_ids(account: Account, receiver: Receiver) -> None:
    account.won_deal()
    account.sandbox.send_pending()
    before = receiver.ids()
    account.clock.forward(hours=1)
    (receipt,) = account.sandbox.resend()
    assert receipt.status == 202
    assert receiver.ids() == before * 2


def test_a_request_recorded_an_hour_ago_is_refused(account: Account, receiver: Receiver) -> None:
    account.won_deal()
    account.sandbox.send_pending()
    (recorded, _) = receiver.kept[0]
    account.clock.forward(hours=1)
    kept = {name: value for name, value in recorded.headers.items() if name.startswith("x-hubspot")}
    assert httpx.post(receiver.url, content=recorded.body, headers=kept).status_code == 401


def test_events_in_reverse_order_lead_to_the_same_order(account: Account, receiver: Receiver) -> None:
    deal = account.won_deal()
    receipts = account.sandbox.deliver_reversed()
    assert len(receipts) == len(receiver.kept) > 3
    last = receiver.kept[-1][0]
    assert json.loads(last.body)[0]["subscriptionType"] == "company.creation"
    for delivery, _ in receiver.kept:
        for change in receiver.connector.read(delivery):
            if change.kind == "order":
                assert change.external_id == deal
                assert change.record is not None
                assert change.record["stage"]["won"]


def test_over_a_hundred_events_travel_in_several_requests(account: Account, receiver: Receiver) -> None:
    for n in range(130):
        account.sandbox.create_deal(dealname=f"Deal {n}")
    assert [len(receipt.events) for receipt in account.sandbox.send_pending()] == [100, 30]


def test_misbehaviour_is_asked_for_over_http(account: Account, receiver: Receiver) -> None:
    control = f"{account.url}/_sandbox/webhooks"
    assert httpx.post(control, json={"mode": "chaos"}).status_code == 400
    httpx.post(control, json={"mode": "duplicate"})
    account.won_deal()
    assert httpx.post(control, json={"mode": "duplicate", "send": True}).json()["pending"] == 0
    assert len(receiver.kept) == 2
    assert receiver.kept[0][1] == receiver.kept[1][1]
    httpx.post(control, json={"mode": "delay", "seconds": 30})
    account.sandbox.create_deal(dealname="Held back")
    assert account.sandbox.send_pending() == []
    account.clock.forward(seconds=30)
    assert len(account.sandbox.send_pending()) == 1
    assert httpx.get(control).json()["waiting"] == 0


def test_reordered_events_arrive_last_one_first(account: Account, receiver: Receiver) -> None:
    account.sandbox.webhooks.mode = "reorder"
    account.sandbox.create_deal(dealname="A")
    account.sandbox.create_deal(dealname="B")
    account.sandbox.send_pending()
    objects = [int(str(event["objectId"])) for event in receiver.events()]
    assert objects == sorted(objects, reverse=True)


def test_the_sender_can_run_by_itself(account: Account, receiver: Receiver) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=account.sandbox.webhooks.run, args=(stop, 0.01), daemon=True)
    thread.start()
    account.won_deal()
    for _ in range(500):
        if receiver.kept:
            break
        stop.wait(0.01)
    stop.set()
    thread.join(5)
    assert receiver.kept
