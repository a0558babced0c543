"""HubSpot keeps the connector contract."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.hubspot.connector import HubSpot
from hub.contract import ConnectorContract, Contract
from hub.sdk import Delivery, Write
from sandbox.hubspot.webhooks import signed
from sandbox.kit import Fault
from tests.connectors.hubspot.account import SECRET, TOKEN, Account

TARGET = "https://hub.test/webhooks/hubspot"
MAPPINGS = Path(__file__).resolve().parents[3] / "mappings" / "hubspot"


def delivered(account: Account, events: Sequence[Any], secret: str = SECRET) -> Delivery:
    body = json.dumps(list(events)).encode()
    timestamp = str(int(account.clock().timestamp() * 1000))
    headers = {
        "x-hubspot-request-timestamp": timestamp,
        "x-hubspot-signature-v3": signed(secret, "POST", TARGET, body, timestamp),
    }
    return Delivery(headers=headers, body=body, url=TARGET, received_at=account.clock())


def forgeries(account: Account, genuine: Delivery, events: Sequence[Any]) -> Mapping[str, Delivery]:
    foreign = [{**event, "portalId": 1} for event in events]
    return {
        "signed with another secret": delivered(account, events, secret="another"),
        "recorded yesterday": genuine._replace(received_at=genuine.received_at + timedelta(days=1)),
        "from the future": genuine._replace(received_at=genuine.received_at - timedelta(minutes=6)),
        "changed body": genuine._replace(body=genuine.body.replace(b"deal", b"DEAL")),
        "changed address": genuine._replace(url=TARGET + "2"),
        "of another account": delivered(account, foreign),
    }


@pytest.fixture
def contract(account: Account) -> Contract:
    box = account.sandbox
    deal = account.won_deal()
    events = list(box.webhooks.pending)
    genuine = delivered(account, events)

    def connect(**settings: Any) -> HubSpot:
        return account.connect(**{"portal_id": box.portal_id, **settings})

    company = next(iter(box.portal.linked("deals", "companies", deal)))
    ends = {"deals": deal, "companies": company}
    records: Mapping[str, Any] = {
        "order": {"properties": {"o2c_order_number": "SO-1", "o2c_order_status": "Approved"}},
        "invoice": {
            "properties": {"hs_currency": "EUR", "hs_number": "INV-1", "hs_invoice_billable": "false"},
            "associations": ends,
        },
        "payment": {
            "properties": {"hs_initial_amount": Decimal("9.50"), "hs_initiated_date": date(2026, 10, 5)},
            "associations": {**ends, "deals": [deal]},
        },
    }

    def write(kind: str) -> Write:
        known = deal if kind == "order" else None
        return Write(kind, records[kind], known, reference=f"doc-{kind}", idempotency_key=f"doc-{kind}:1")

    def set_faults(faults: Sequence[Mapping[str, Any]]) -> None:
        with box.kit.lock:
            box.kit.faults[:] = [Fault.model_validate(fault) for fault in faults]

    return Contract(
        connector=connect,
        secrets=(TOKEN, SECRET),
        bad_credentials={"access_token": "pat-na1-somebody-else"},
        deliveries=(genuine,),
        forged=forgeries(account, genuine, events),
        write=write,
        faults=set_faults,
        effects=lambda: tuple(box.kit.effects),
        reset=lambda: set_faults([]),
        aim={
            "order": {"method": "PATCH", "path": "/crm/objects/2026-09/deals/"},
            "invoice": {"path": "/crm/objects/2026-09/invoices/batch/upsert"},
            "payment": {"path": "/crm/objects/2026-09/commerce_payments/batch/upsert"},
        },
        hasty=lambda: connect(deadline=0.2),
        mappings=MAPPINGS,
    )


class TestContract(ConnectorContract):
    """The suite, as it comes."""
