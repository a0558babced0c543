"""A NetSuite account on a real port, and connectors that log in to it both ways."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.netsuite.connector import NetSuite
from connectors.netsuite.settings import Settings
from hub.connector import Write
from sandbox.kit import serve
from sandbox.netsuite import NetSuiteSandbox

CUSTOMER, ORDER, INVOICE, PAYMENT = ("a" * 32, "b" * 32, "c" * 32, "d" * 32)


@pytest.fixture
def account() -> NetSuiteSandbox:
    """An account that sells two goods and a service."""
    sandbox = NetSuiteSandbox()
    sandbox.add_item("BOLT-1")
    sandbox.add_item("O'RING")
    sandbox.add_item("SETUP", "serviceSaleItem")
    return sandbox


class Stage:
    """One port where each test's own account appears: starting a server costs more than a test."""

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
def url(account: NetSuiteSandbox, stage: tuple[Stage, str]) -> str:
    """The address of this test's account."""
    stage[0].app = account.app
    return stage[1]


Connect = Callable[..., NetSuite]


@pytest.fixture
def connect(account: NetSuiteSandbox, url: str) -> Connect:
    """Make a connector; settings may be overridden."""

    def make(**changed: Any) -> NetSuite:
        told = {"auth": "tba", "base_url": url, "poll_margin": 0, **account.tba, **changed}
        return NetSuite(Settings(**told))

    return make


@pytest.fixture
def netsuite(connect: Connect) -> NetSuite:
    """A connector that logs in with a token."""
    return connect()


def write(kind: str, record: Mapping[str, Any], reference: str, external_id: str | None = None) -> Write:
    """A write as the hub makes it."""
    return Write(kind, record, external_id, reference, f"{reference}:1")


def customer(name: str = "Acme GmbH") -> dict[str, Any]:
    """A customer that buys in euro."""
    return {
        "companyName": name,
        "isPerson": False,
        "subsidiary": {"id": "1"},
        "currency": {"id": "4"},
        "terms": {"id": "2"},
    }


def line(number: str, sku: str, quantity: int | str, rate: str = "10.00") -> dict[str, Any]:
    """An order line at 19 % tax."""
    return {
        "item": {"sku": sku},
        "quantity": Decimal(quantity),
        "rate": Decimal(rate),
        "taxRate1": Decimal(19),
        "custcol_o2c_line_id": number,
    }


def order(customer_id: str, lines: list[dict[str, Any]], total: str) -> dict[str, Any]:
    """An approved order in euro."""
    return {
        "entity": {"id": customer_id},
        "tranId": "SO-2026-1",
        "tranDate": "2026-11-02",
        "otherRefNum": "PO 77",
        "currency": {"id": "4"},
        "orderStatus": {"id": "B"},
        "item": {"items": lines},
        "expected": {"total": Decimal(total), "currency": "4"},
    }


def invoice(
    order_id: str, quantities: Mapping[str, int], total: str, number: str = "INV-1"
) -> dict[str, Any]:
    """An invoice for quantities of order lines."""
    lines = [{"custcol_o2c_line_id": k, "quantity": Decimal(v)} for k, v in quantities.items()]
    return {
        "createdFrom": {"id": order_id},
        "tranId": number,
        "tranDate": "2026-11-10",
        "dueDate": "2026-12-10",
        "item": {"items": lines},
        "expected": {"total": Decimal(total), "currency": "4"},
    }


def payment(customer_id: str, applied: Mapping[str, str], amount: str) -> dict[str, Any]:
    """A bank transfer in euro and the invoices it pays."""
    lines = [
        {"doc": {"id": doc}, "line": 0, "apply": True, "amount": Decimal(x)} for doc, x in applied.items()
    ]
    return {
        "customer": {"id": customer_id},
        "currency": {"id": "4"},
        "payment": Decimal(amount),
        "tranDate": "2026-11-20",
        "account": {"id": "1"},
        "autoApply": False,
        "apply": {"items": lines},
        "expected": {"total": Decimal(amount), "currency": "4"},
    }


LINES = [line("l1", "BOLT-1", 10), line("l2", "O'RING", 5, "2.00"), line("l3", "SETUP", 1, "50")]
TOTAL = "190.40"  # (100 + 10 + 50) x 1.19


@pytest.fixture
def sold(netsuite: NetSuite) -> tuple[str, str]:
    """A customer and an approved order of all three items: their internal ids."""
    buyer = netsuite.push(write("customer", customer(), CUSTOMER))
    return buyer, netsuite.push(write("order", order(buyer, LINES, TOTAL), ORDER))
