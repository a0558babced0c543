"""Acme passes the connector contract, from where it was installed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from importlib import metadata
from typing import Any

import acme_shop
import pytest

from hub import sdk
from hub.contract import ConnectorContract, Contract
from sandbox.kit import Fault

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOOK = "https://hub.example/webhooks/acme"
Acme = metadata.entry_points(group="o2c.connectors")["acme"].load()


def delivery(*events: dict[str, Any], secret: str = acme_shop.WEBHOOK_SECRET) -> sdk.Delivery:
    headers, body = acme_shop.signed(*events, secret=secret)
    return sdk.Delivery(headers, body, HOOK, NOW)


def placed(number: int) -> dict[str, Any]:
    return {"id": f"e{number}", "type": "order.placed", "order": acme_shop.order(number)}


def write(kind: str) -> sdk.Write:
    record = {"number": "INV-1", "amount": Decimal("10.00"), "currency": "EUR"}
    return sdk.Write(kind, record, None, "d1", "d1-1")


@pytest.fixture
def contract() -> Iterator[Contract]:
    shop = acme_shop.Shop(orders=[acme_shop.order(number) for number in range(1, 121)])
    genuine = delivery(placed(1), placed(2))

    def fresh() -> None:
        shop.kit.faults.clear()
        shop.invoices.clear()

    def fault(faults: Any) -> None:
        shop.kit.faults[:] = [Fault.model_validate(one) for one in faults]

    with shop.running() as url:

        def connector(**settings: Any) -> Any:
            given = {"base_url": url, "token": acme_shop.TOKEN, "webhook_secret": acme_shop.WEBHOOK_SECRET}
            return Acme(Acme.manifest.settings.model_validate({**given, **settings}))

        yield Contract(
            connector=connector,
            secrets=[acme_shop.TOKEN, acme_shop.WEBHOOK_SECRET],
            bad_credentials={"token": "expired"},
            deliveries=[genuine, delivery({**placed(3), "type": "order.deleted"})],
            forged={
                "another secret": delivery(placed(1), secret="other"),
                "another body": genuine._replace(body=genuine.body + b" "),
                "signed, but no events": delivery({"id": "e1"}),
            },
            write=write,
            faults=fault,
            effects=lambda: shop.kit.effects,
            reset=fresh,
            aim={"invoice": {"method": "PUT", "path": "^/v1/invoices/"}},
            hasty=lambda: connector(deadline_seconds=0.2),
        )


class TestContract(ConnectorContract):
    pass
