"""NetSuite passes the connector contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.netsuite import schema
from connectors.netsuite.connector import NetSuite
from connectors.netsuite.settings import Settings
from hub.connector import Delivery, Idempotency, Write
from hub.contract import ConnectorContract, Contract
from hub.errors import AuthFailed
from sandbox.kit import Fault
from sandbox.netsuite import NetSuiteSandbox
from tests.connectors.netsuite.conftest import (
    CUSTOMER,
    INVOICE,
    LINES,
    ORDER,
    PAYMENT,
    Stage,
    customer,
    invoice,
    line,
    order,
    payment,
    write,
)
from tests.connectors.netsuite.test_writing import MEMO, WRITE_OFF, memo, write_off

MAPPINGS = Path(__file__).resolve().parents[3] / "mappings/netsuite"
AIM = {
    "customer": {"method": "PUT", "path": "/customer/"},
    "order": {"method": "PUT", "path": "/salesOrder/"},
    "invoice": {"method": "POST", "path": "!transform/invoice"},
    "credit_memo": {"method": "POST", "path": "!transform/creditMemo"},
    "payment": {"method": "PUT", "path": "/customerPayment/"},
    "adjustment": {"method": "PUT", "path": "/creditMemo/"},
}


class Scene:
    """An account with a customer, a shipped order and an invoice, set up anew for each trial."""

    def __init__(self, stage: Stage, url: str) -> None:
        self.stage, self.url = stage, url
        self.account = NetSuiteSandbox()
        self.ids: dict[str, str] = {}

    def connect(self, **changed: Any) -> NetSuite:
        told = {"auth": "tba", "base_url": self.url, "poll_margin": 0, **self.account.tba, **changed}
        return NetSuite(Settings(**told))

    def reset(self) -> None:
        self.account = NetSuiteSandbox()
        self.account.books.now = lambda: datetime.now(UTC) - timedelta(seconds=5)
        self.stage.app = self.account.app
        for sku, kind in (
            ("BOLT-1", "inventoryItem"),
            ("O'RING", "inventoryItem"),
            ("SETUP", "serviceSaleItem"),
            ("WRITE-OFF", "otherChargeSaleItem"),
        ):
            self.account.add_item(sku, kind)
        netsuite = self.connect()
        buyer = netsuite.push(write("customer", customer("Known"), "1" * 32))
        bought = netsuite.push(write("order", order(buyer, LINES, "190.40"), "2" * 32))
        self.account.fulfil(bought, {"BOLT-1": 8})
        billed = netsuite.push(write("invoice", invoice(bought, {"l1": 4}, "47.60"), "3" * 32))
        self.ids = {"buyer": buyer, "bought": bought, "billed": billed}

    def write(self, kind: str) -> Write:
        buyer, bought, billed = self.ids.values()
        return {
            "customer": write("customer", customer(), CUSTOMER),
            "order": write("order", order(buyer, LINES, "190.40"), ORDER),
            "invoice": write("invoice", invoice(bought, {"l1": 4}, "47.60", "INV-2"), INVOICE),
            "credit_memo": write(
                "credit_memo", memo(buyer, "11.90", [line("l1", "BOLT-1", 1)], billed), MEMO
            ),
            "payment": write("payment", payment(buyer, {billed: "40"}, "50"), PAYMENT),
            "adjustment": write("adjustment", write_off(billed, "0.60"), WRITE_OFF),
        }[kind]

    def faults(self, faults: Sequence[Mapping[str, Any]]) -> None:
        with self.account.kit.lock:
            self.account.kit.faults[:] = [Fault.model_validate(one) for one in faults]


@pytest.fixture
def scene(stage: tuple[Stage, str]) -> Scene:
    return Scene(*stage)


@pytest.fixture
def contract(scene: Scene) -> Contract:
    login = scene.account.login
    return Contract(
        connector=scene.connect,
        secrets=(login.consumer_secret, login.token_secret),
        bad_credentials={"token_secret": "0" * 64},
        write=scene.write,
        faults=scene.faults,
        effects=lambda: scene.account.kit.effects,
        reset=scene.reset,
        aim=AIM,
        counts=lambda kind, effect: effect["kind"] == schema.RECORDS[kind],
        hasty=lambda: scene.connect(deadline_seconds=0.3),
        mappings=MAPPINGS,
    )


class TestContract(ConnectorContract):
    """The suite itself."""


def test_what_is_pushed_is_never_genuine(netsuite: NetSuite) -> None:
    delivery = Delivery({}, b"{}", "http://hub/webhooks/x", datetime.now(UTC))
    with pytest.raises(AuthFailed, match="polls"):
        netsuite.verify(delivery)


def test_every_outbound_kind_is_proven_once(netsuite: NetSuite) -> None:
    kinds = netsuite.manifest.kinds
    assert set(kinds) == set(schema.RECORDS)
    assert [k for k, v in kinds.items() if v.outbound and v.idempotency is Idempotency.NONE] == []
    assert netsuite.manifest.limits.concurrency == 3


def test_everything_but_push_only_reads(account: NetSuiteSandbox, netsuite: NetSuite) -> None:
    netsuite.check()
    netsuite.schema("order")
    netsuite.find("order", CUSTOMER)
    list(netsuite.poll(None).arrivals)
    assert account.kit.effects == []
