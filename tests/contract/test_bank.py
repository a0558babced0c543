"""The bank connector keeps the connector contract."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.bank.connector import Bank, Settings
from hub.connector import Delivery
from hub.contract import ConnectorContract, Contract
from sandbox.bank import BankSandbox
from tests.sftp_server import PASSWORD, Server, by_password

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
KEY = "bank-upload-secret"
OTHER = "another-sftp-secret"
MAPPINGS = Path(__file__).parents[2] / "mappings" / "bank"


@pytest.fixture
def contract(tmp_path: Path) -> Iterator[Contract]:
    with by_password(tmp_path) as server:
        yield _contract(server, tmp_path)


def _contract(server: Server, folder: Path) -> Contract:
    def connector(**settings: Any) -> Bank:
        told = {"upload_key": KEY, **server.settings, "sftp_folder": "/", "sftp_settled": 0, **settings}
        return Bank(Settings.model_validate(told))

    bank = BankSandbox("DE89370400440532013000", "EUR", lambda: NOW)
    paid = bank.pay("Ada GmbH", "FI2112345600000785", Decimal("119.00"), "INV-1")
    bank.reverse(paid)
    genuine_body = bank.statement(date(2026, 3, 2))
    for day in (3, 4):
        bank.pay("Bob Oy", "FI2112345600000785", Decimal(day))
        (folder / f"{day}.xml").write_bytes(bank.statement(date(2026, 3, day)))
    headers = {"authorization": f"Bearer {KEY}"}
    genuine = Delivery(headers, genuine_body, "https://hub.example/files/bank", NOW)
    return Contract(
        connector=connector,
        secrets=[KEY, PASSWORD, OTHER],
        bad_credentials={"sftp_password": OTHER},
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
