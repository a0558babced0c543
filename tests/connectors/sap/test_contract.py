"""SAP passes the connector contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.sap.connector import Sap
from hub.connector import Delivery, Idempotency, Write
from hub.contract import ConnectorContract, Contract
from hub.errors import AuthFailed
from sandbox.kit import Fault
from sandbox.sap import SapSandbox
from tests.connectors.sap.conftest import (
    ADJUSTMENT,
    CUSTOMER,
    INVOICE,
    MEMO,
    ORDER,
    PASSWORD,
    PAYMENT,
    Stage,
    customer,
    entry,
    fresh,
    line,
    order,
    told,
    write,
)

MAPPINGS = Path(__file__).resolve().parents[3] / "mappings/sap"
POSTING = {"method": "POST", "path": "journalentrycreaterequestconfi"}
AIM = {
    "customer": {"method": "POST", "path": "A_BusinessPartner"},
    "order": {"method": "POST", "path": "A_SalesOrder"},
    **dict.fromkeys(("invoice", "credit_memo", "payment", "adjustment"), POSTING),
}
EFFECTS = {"customer": "A_BusinessPartner", "order": "A_SalesOrder"}
TAXED = {
    "lines": [{"amount": Decimal("100.00"), "tax_code": "A1", "text": "Goods"}],
    "taxes": [{"tax_code": "A1", "base": Decimal("100.00"), "amount": Decimal("19.00")}],
    "due_date": datetime.now(UTC).date(),
}


class Scene:
    """A system with a billed order, set up anew for each trial."""

    def __init__(self, stage: Stage, url: str) -> None:
        self.stage, self.url = stage, url
        self.system: SapSandbox = fresh()

    def connect(self, **changed: Any) -> Sap:
        return Sap(told(self.url, **changed))

    def reset(self) -> None:
        self.system = fresh()
        self.stage.app = self.system.app
        bought = self.connect().push(
            write("order", order(line("l1", "TG11", "1", "17.50"), total="17.50"), "9" * 32)
        )
        self.system.bill(delivery=self.system.deliver(bought))

    def write(self, kind: str) -> Write:
        return {
            "customer": write("customer", customer(), CUSTOMER),
            "order": write("order", order(line("l1", "TG11", "10", "17.50"), total="175.00"), ORDER),
            "invoice": write("invoice", entry("119.00", reference="INV-1", **TAXED), INVOICE),
            "credit_memo": write("credit_memo", entry("119.00", **TAXED), MEMO),
            "payment": write("payment", entry("50.00"), PAYMENT),
            "adjustment": write("adjustment", entry("0.60", reason="write_off"), ADJUSTMENT),
        }[kind]

    def faults(self, faults: Sequence[Mapping[str, Any]]) -> None:
        with self.system.kit.lock:
            self.system.kit.faults[:] = [Fault.model_validate(one) for one in faults]


@pytest.fixture
def scene(stage: tuple[Stage, str]) -> Scene:
    return Scene(*stage)


@pytest.fixture
def contract(scene: Scene) -> Contract:
    return Contract(
        connector=scene.connect,
        secrets=(PASSWORD,),
        bad_credentials={"password": "a wrong secret"},
        write=scene.write,
        faults=scene.faults,
        effects=lambda: scene.system.kit.effects,
        reset=scene.reset,
        aim=AIM,
        counts=lambda kind, effect: effect["kind"] == EFFECTS.get(kind, "JournalEntry"),
        hasty=lambda: scene.connect(deadline=0.3),
        mappings=MAPPINGS,
    )


class TestContract(ConnectorContract):
    """The suite itself."""


def test_what_is_pushed_without_the_token_is_refused(sap: Sap) -> None:
    delivery = Delivery({}, b"<IDOC/>", "http://hub/webhooks/sap", datetime.now(UTC))
    with pytest.raises(AuthFailed, match="token"):
        sap.verify(delivery)


def test_every_outbound_kind_can_be_looked_up(sap: Sap) -> None:
    kinds = sap.manifest.kinds
    assert [k for k, v in kinds.items() if v.outbound and v.idempotency is not Idempotency.LOOKUP] == []


def test_check_names_what_does_not_exist(scene: Scene) -> None:
    scene.reset()
    sellers = {"DE": {"company_code": "9999", "sales_organization": "9999"}}
    health = scene.connect(sellers=sellers).check()
    assert not health.ok
    assert any("9999" in one for one in health.findings)


def test_everything_but_push_only_reads(scene: Scene) -> None:
    scene.reset()
    before = len(scene.system.kit.effects)
    sap = scene.connect()
    sap.check()
    sap.schema("order")
    sap.find("order", ORDER)
    list(sap.poll(None).arrivals)
    sap.open_items(None)
    assert len(scene.system.kit.effects) == before


def test_schema_has_the_extension_fields_of_the_system(scene: Scene) -> None:
    scene.reset()
    schema = scene.connect().schema("shipment")
    assert schema.complete
    assert "OverallGoodsMovementStatus" in {one.name for one in schema.fields}
