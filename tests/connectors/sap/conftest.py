"""An S/4HANA system on a real port, and connectors that log in to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.sap.connector import Sap, Settings
from hub.connector import Change, Write
from sandbox.kit import serve
from sandbox.sap import SapSandbox

CUSTOMER, BUYER = "0" * 31 + "c", "10100001"
ORDER, INVOICE, PAYMENT, MEMO, ADJUSTMENT = ("0" * 31 + str(n) for n in range(1, 6))
PASSWORD = "Welcome1-O2C-Comm"
SELLERS = {
    "DE": {
        "company_code": "1010",
        "sales_organization": "1010",
        "house_bank": "BANK1",
        "house_bank_account": "GIRO1",
        "accounts": {
            "bank_clearing": "11010000",
            "revenue": "41000000",
            "write_off": "44000000",
            "discount": "44100000",
            "fee": "44200000",
            "exchange": "44300000",
        },
    }
}
DAY = datetime.now(UTC).date()


class Stage:
    """One port where each test's own system appears: starting a server costs more than a test."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@pytest.fixture(scope="module")
def stage() -> Iterator[tuple[Stage, str]]:
    """The running server."""
    made = Stage()
    with serve(made) as base:
        yield made, base


@pytest.fixture
def system(stage: tuple[Stage, str]) -> SapSandbox:
    """A system with customers and products."""
    made = fresh()
    stage[0].app = made.app
    return made


def fresh() -> SapSandbox:
    """A system whose clock is behind ours: what happened there is older than a poll's last second."""
    return SapSandbox(now=lambda: datetime.now(UTC) - timedelta(seconds=5))


Connect = Callable[..., Sap]


def told(url: str, **changed: Any) -> Settings:
    """Settings that reach the simulator."""
    return Settings.model_validate(
        {
            "base_url": url,
            "private_hosts": ["127.0.0.1"],
            "username": "O2C_COMM",
            "password": PASSWORD,
            "sellers": SELLERS,
            "poll_margin": 0,
            "poll_from": "2020-01-01",
            **changed,
        }
    )


@pytest.fixture
def connect(system: SapSandbox, stage: tuple[Stage, str]) -> Connect:
    """Make a connector; settings may be overridden."""
    return lambda **changed: Sap(told(stage[1], **changed))


@pytest.fixture
def sap(connect: Connect) -> Sap:
    """A connector as most have it."""
    return connect()


def customer(name: str = "Acme GmbH", **changed: Any) -> dict[str, Any]:
    return {
        "BusinessPartnerCategory": "2",
        "OrganizationBPName1": name,
        "SearchTerm1": name.upper()[:20],
        "address": {"StreetName": "Hauptstr. 1", "CityName": "Ulm", "PostalCode": "89073", "Country": "DE"},
        "company": {"PaymentTerms": "NT30"},
        "sales": {"CustomerPaymentTerms": "NT30", "Currency": "EUR"},
        **changed,
    }


def line(line_id: str, sku: str, quantity: str, price: str, **changed: Any) -> dict[str, Any]:
    return {
        "line_id": line_id,
        "sku": sku,
        "quantity": Decimal(quantity),
        "unit": "PC",
        "price": Decimal(price),
        **changed,
    }


def order(*lines: dict[str, Any], total: str = "0", **changed: Any) -> dict[str, Any]:
    return {
        "seller": "DE",
        "SoldToParty": BUYER,
        "PurchaseOrderByCustomer": "PO-1",
        "TransactionCurrency": "EUR",
        "price_places": 2,
        "items": list(lines),
        "expected": {"total": Decimal(total), "currency": "EUR"},
        **changed,
    }


def entry(amount: str, **changed: Any) -> dict[str, Any]:
    return {
        "seller": "DE",
        "document_date": DAY,
        "posting_date": DAY,
        "currency": "EUR",
        "customer": BUYER,
        "amount": Decimal(amount),
        "expected": {"total": Decimal(amount), "currency": "EUR"},
        **changed,
    }


def write(kind: str, record: dict[str, Any], reference: str, external_id: str | None = None) -> Write:
    return Write(kind, record, external_id, reference, f"{reference}:1")


def polled(sap: Sap, cursor: str | None = None) -> tuple[dict[tuple[str, str], Change], str]:
    """Everything a round of polling brings, by kind and id, and the cursor after it."""
    found: dict[tuple[str, str], Change] = {}
    turns = 0
    for _ in range(20):
        page = sap.poll(cursor)
        for changes in sap.read_many([one.delivery for one in page.arrivals]):
            found.update({(one.kind, one.external_id): one for one in changes})
        cursor = page.cursor
        turns += not page.more
        if turns == sap.turns:
            break
    assert cursor is not None
    return found, cursor
