"""What the Salesforce tests share: a simulated org with its clock, and deliveries that name its records."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from connectors.salesforce.connector import Salesforce
from connectors.salesforce.settings import Settings
from hub.sdk import Change, Delivery, encode
from sandbox.kit import serve
from sandbox.salesforce.simulator import SalesforceSandbox

PATH_TOKEN = "an-unguessable-part-of-the-address"
PACKAGE = Path(__file__).resolve().parents[3] / "connectors" / "salesforce" / "package"
ORDERS_PACKAGE = PACKAGE.parent / "package_orders"


class Clock:
    """A clock that only moves when told to."""

    def __init__(self) -> None:
        self.time = datetime(2026, 10, 5, 9, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def forward(self, **amount: float) -> None:
        self.time += timedelta(**amount)


class Company:
    """One simulated org and where it listens."""

    def __init__(self, sandbox: SalesforceSandbox, url: str, clock: Clock) -> None:
        self.sandbox, self.url, self.clock = sandbox, url, clock

    def connect(self, **changed: Any) -> Salesforce:
        box = self.sandbox
        known = {
            "base_url": self.url,
            "org_id": box.org.org_id,
            "auth": "client_credentials",
            "consumer_key": box.consumer_key,
            "consumer_secret": box.consumer_secret,
            "path_token": PATH_TOKEN,
            "currency": "" if "multi_currency" in box.org.features else box.org.currency,
        }
        return Salesforce(Settings.model_validate({**known, **changed}))

    def furnish(self) -> None:
        """The package, and two products."""
        self.sandbox.install(PACKAGE)
        self.sandbox.add_product("BOLT", "10", "Bolt")
        self.sandbox.add_product("NUT", "50", "Nut")

    def won(self, name: str = "Autumn order", **values: Any) -> str:
        """A won opportunity of an account with a contact and two lines, worth 300."""
        box = self.sandbox
        account = box.add_account(
            "Blue Widgets", Website="https://www.blue.test/shop", BillingCountry="Germany"
        )
        box.add_contact(account, "Lee", FirstName="Ann", Email="ann@blue.test")
        lines = [("BOLT", "10", "10"), ("NUT", "4", "50")]
        deal = box.add_opportunity(account, name, lines=lines, **values)
        box.win(deal)
        return deal

    def account_of(self, deal: str) -> str:
        return str(self.sandbox.row("Opportunity", deal)["AccountId"])

    def calls(self) -> int:
        """Calls of the API so far."""
        return self.sandbox.usage.current()


def named(*pairs: tuple[str, str], deleted: bool = False) -> Delivery:
    """A delivery that names records, as polls make it."""
    records = [{"object": sobject, "id": id, "deleted": deleted} for sobject, id in pairs]
    return Delivery({}, encode({"records": records}), "https://hub.test/w", datetime.now(UTC))


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
