"""The bank connector keeps the connector contract."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.bank.connector import Bank, Settings
from hub.connector import Delivery
from hub.contract import ConnectorContract, Contract
from sandbox.bank import BankSandbox

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
KEY = "bank-upload-secret"
MAPPINGS = Path(__file__).parents[2] / "mappings" / "bank"


def connector(**settings: Any) -> Bank:
    return Bank(Settings.model_validate({"upload_key": KEY, **settings}))


@pytest.fixture
def contract() -> Contract:
    bank = BankSandbox("DE89370400440532013000", "EUR", lambda: NOW)
    paid = bank.pay("Ada GmbH", "FI2112345600000785", Decimal("119.00"), "INV-1")
    bank.reverse(paid)
    headers = {"authorization": f"Bearer {KEY}"}
    genuine = Delivery(headers, bank.statement(date(2026, 3, 2)), "https://hub.example/files/bank", NOW)
    return Contract(
        connector=connector,
        secrets=[KEY],
        deliveries=[genuine],
        forged={
            "another key": genuine._replace(headers={"authorization": "Bearer other"}),
            "no scheme": genuine._replace(headers={"authorization": KEY}),
            "no key": genuine._replace(headers={"authorization": "Bearer "}),
        },
        mappings=MAPPINGS,
    )


class TestContract(ConnectorContract):
    pass
