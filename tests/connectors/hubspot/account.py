"""What the HubSpot tests share: a simulated account with its clock, and webhook bodies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.hubspot.connector import HubSpot, Settings
from hub.sdk import Change, Delivery, encode
from sandbox.hubspot import HubSpotSandbox
from sandbox.kit import serve

SECRET = "a-client-secret"
TOKEN = "pat-na1-very-secret-token"


class Clock:
    """A clock that only moves when told to."""

    def __init__(self) -> None:
        self.time = datetime(2026, 10, 5, 9, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def forward(self, **amount: float) -> None:
        self.time += timedelta(**amount)


class Account:
    """One simulated account and where it listens."""

    def __init__(self, sandbox: HubSpotSandbox, url: str, clock: Clock) -> None:
        self.sandbox, self.url, self.clock = sandbox, url, clock

    def connect(self, **settings: Any) -> HubSpot:
        known = {"base_url": self.url, "access_token": self.sandbox.token, "client_secret": SECRET}
        return HubSpot(Settings.model_validate({**known, **settings}))

    def won_deal(self, **properties: str) -> str:
        """A won deal of a company with a contact and two lines, the second line placed first."""
        box = self.sandbox
        company = box.create_company(name="Blue Widgets", domain="blue.test", country="Germany")
        contact = box.create_contact(company, email="ann@blue.test", firstname="Ann", lastname="Lee")
        known = {"dealname": "Autumn order", "amount": "300", "deal_currency_code": "EUR"}
        deal = box.create_deal(company, contact, **{**known, **properties})
        box.create_line_item(
            deal, name="Bolt", hs_sku="B-1", quantity="10", price="10", hs_position_on_quote="2"
        )
        box.create_line_item(
            deal, name="Nut", hs_sku="N-1", quantity="4", price="50", hs_position_on_quote="1"
        )
        box.win(deal)
        return deal


def pushed(*events: dict[str, Any]) -> Delivery:
    """A webhook body as `read` gets it, after `verify` has let it in."""
    return Delivery(
        headers={}, body=encode(list(events)), url="https://hub.test/w", received_at=datetime.now(UTC)
    )


def event(subscription: str, object_id: object, **more: Any) -> dict[str, Any]:
    """One webhook event."""
    return {
        "eventId": 7,
        "subscriptionId": 11,
        "portalId": 24_681_357,
        "appId": 3,
        "occurredAt": 1_790_000_000_000,
        "subscriptionType": subscription,
        "attemptNumber": 0,
        "objectId": object_id,
        **more,
    }


def changed_deal(deal: str) -> Delivery:
    return pushed(
        event("deal.propertyChange", int(deal), propertyName="dealstage", propertyValue="closedwon")
    )


def orders(changes: list[Change]) -> dict[str, Any]:
    return {change.external_id: change.record for change in changes if change.kind == "order"}


class Switchboard:
    """One server for all tests: starting and stopping one takes longer than most tests do."""

    def __init__(self) -> None:
        self.app: Any = None
        self.url = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


@contextmanager
def switchboard() -> Iterator[Switchboard]:
    """A switchboard on a real port."""
    board = Switchboard()
    with serve(board) as board.url:
        yield board
