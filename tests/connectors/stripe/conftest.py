"""A simulated Stripe account on a real port, a fresh one for each test, and what the tests send to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.stripe.connector import Settings, Stripe
from connectors.stripe.signatures import signature
from hub.sdk import Change, Delivery, Write
from sandbox.kit import Fault, serve
from sandbox.stripe import KEY, StripeSandbox

SECRET = "whsec_the_secret_of_the_endpoint"
TARGET = "https://hub.test/webhooks/stripe"
CUSTOMER, INVOICE, MEMO, PAYMENT = ("c" * 32, "1" * 32, "2" * 32, "3" * 32)


class Stage:
    """One port where each test's own account appears: starting a server costs more than a test."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@pytest.fixture(scope="session")
def stage() -> Iterator[tuple[Stage, str]]:
    made = Stage()
    with serve(made) as url:
        yield made, url


class Account:
    """One simulated account, where it listens, and connectors to it."""

    def __init__(self, stage: Stage, url: str) -> None:
        self.stage, self.url = stage, url
        self.box = StripeSandbox(auto=False)
        stage.app = self.box.app

    def reset(self) -> None:
        self.box = StripeSandbox(auto=False)
        self.stage.app = self.box.app

    def connect(self, **settings: Any) -> Stripe:
        known = {"base_url": self.url, "api_key": KEY, "webhook_secrets": SECRET}
        return Stripe(Settings.model_validate({**known, **settings}))

    def faults(self, *faults: Mapping[str, Any]) -> None:
        with self.box.kit.lock:
            self.box.kit.faults[:] = [Fault.model_validate(one) for one in faults]

    def made(self, kind: str) -> set[str]:
        """Ids of the objects of a kind that were created."""
        return {e["id"] for e in self.box.kit.effects if e["kind"] == kind and e["action"] == "create"}

    def actions(self, action: str) -> list[str]:
        """Ids of what something was done to, each time it was."""
        return [e["id"] for e in self.box.kit.effects if e["action"] == action]

    def thing(self, id: str) -> Any:
        return self.box.platform.things[id]

    def deliveries(self, connector: Stripe) -> list[Delivery]:
        """Everything that a poll brings, oldest first."""
        found, cursor, more = [], None, True
        while more:
            page = connector.poll(cursor)
            found += [one.delivery for one in page.arrivals]
            cursor, more = page.cursor, page.more
        return found


@pytest.fixture
def account(stage: tuple[Stage, str]) -> Account:
    return Account(*stage)


@pytest.fixture
def stripe(account: Account) -> Stripe:
    return account.connect()


def about(object: str, id: str) -> Delivery:
    """An event as `read` gets it, after `verify` has let it in."""
    body = (
        f'{{"id": "evt_x", "object": "event", "type": "{object}.updated", "livemode": false, '
        f'"data": {{"object": {{"id": "{id}", "object": "{object}"}}}}}}'
    )
    return Delivery({}, body.encode(), TARGET, datetime.now(UTC))


def signed(body: bytes, secret: str = SECRET, at: datetime | None = None) -> Delivery:
    """A webhook as Stripe would send it."""
    now = datetime.now(UTC)
    stamp = str(int((at or now).timestamp()))
    headers = {"stripe-signature": f"t={stamp},v1={signature(secret, stamp, body)}"}
    return Delivery(headers, body, TARGET, now)


def by_id(changes: Any) -> dict[tuple[str, str], Change]:
    return {(change.kind, change.external_id): change for change in changes}


def write(kind: str, record: Mapping[str, Any], reference: str, external_id: str | None = None) -> Write:
    """A write as the hub makes it."""
    return Write(kind, record, external_id, reference, f"{reference}:1")


def customer(name: str = "Blue Widgets") -> Write:
    return write("customer", {"name": name, "email": "ann@blue.test"}, CUSTOMER)


def invoice(
    buyer: str, net: str = "100.00", *, reference: str = INVOICE, number: str = "INV-1", **more: Any
) -> Write:
    """An invoice of two lines at 19 % tax, in US dollars."""
    whole, percent = Decimal(net), Decimal(19)
    tax = (whole * percent / 100).quantize(Decimal("0.01"))
    parts = [whole - Decimal("0.33"), Decimal("0.33")]
    lines = [
        {"description": f"Line {n}", "amount": part, "category": "S", "percent": percent}
        for n, part in enumerate(parts, 1)
    ]
    taxes = [{"category": "S", "percent": percent, "taxable": whole, "amount": tax, "name": "VAT"}]
    record = {
        "customer": buyer, "currency": "usd", "number": number, "due_date": date(2099, 12, 31),
        "effective_at": date(2026, 1, 2), "lines": lines, "taxes": taxes, "expected": {"total": whole + tax},
        **more,
    }  # fmt: skip
    return write("invoice", record, reference)


def memo(invoice: str, total: str, reference: str = MEMO, **more: Any) -> Write:
    record = {"invoice": invoice, "currency": "usd", "expected": {"total": Decimal(total)}, **more}
    return write("credit_memo", record, reference)


def transfer(allocations: Mapping[str, str], reference: str = PAYMENT, **more: Any) -> Write:
    """What a bank transfer settled, by Stripe's ids of the invoices."""
    rows = [{"invoice": id, "amount": Decimal(amount)} for id, amount in allocations.items()]
    record = {"currency": "usd", "paid_on": date(2026, 11, 20), "allocations": rows, **more}
    return write("payment", record, reference)
