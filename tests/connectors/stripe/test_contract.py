"""Stripe keeps the connector contract."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.stripe.connector import Stripe
from hub.contract import ConnectorContract, Contract
from hub.sdk import Write
from sandbox.kit import Fault
from sandbox.stripe import KEY
from tests.connectors.stripe.conftest import SECRET, Account, customer, invoice, memo, signed, transfer

MAPPINGS = Path(__file__).resolve().parents[3] / "mappings" / "stripe"
AIM = {
    "customer": {"method": "POST", "path": r"^/v1/customers\?$"},
    "invoice": {"method": "POST", "path": r"^/v1/invoices\?$"},
    "credit_memo": {"method": "POST", "path": r"^/v1/credit_notes\?$"},
    "adjustment": {"method": "POST", "path": r"^/v1/credit_notes\?$"},
    "payment": {"method": "POST", "path": r"/pay\?$"},
}
KINDS = {
    "customer": "customer", "invoice": "invoice", "credit_memo": "credit_note", "adjustment": "credit_note",
    "payment": "invoice",
}  # fmt: skip


class Scene:
    """An account with a customer and two invoices, one of which is paid in part."""

    def __init__(self, account: Account) -> None:
        self.account = account
        stripe = account.connect()
        self.buyer = stripe.push(customer("Known")._replace(reference="9" * 32, idempotency_key="9:1"))
        self.sent = stripe.push(invoice(self.buyer, reference="8" * 32, number="INV-0"))
        self.other = stripe.push(invoice(self.buyer, reference="7" * 32, number="INV-9"))
        self.charge = account.box.pay(self.sent, 1_900)["latest_charge"]

    def write(self, kind: str) -> Write:
        writes = {
            "customer": customer(),
            "invoice": invoice(self.buyer),
            "credit_memo": memo(self.other, "11.90"),
            "adjustment": memo(self.other, "0.60", "6" * 32)._replace(kind="adjustment"),
            "payment": transfer({self.sent: "100.00"}),
        }
        return writes[kind]

    def faults(self, faults: Sequence[Mapping[str, Any]]) -> None:
        self.account.faults(*faults)

    def effects(self) -> Sequence[Mapping[str, Any]]:
        return tuple(self.account.box.kit.effects)


@pytest.fixture
def contract(account: Account) -> Contract:
    scene = Scene(account)
    event = {
        "id": "evt_1Contract", "object": "event", "type": "charge.succeeded", "livemode": False,
        "data": {"object": {"id": scene.charge, "object": "charge"}},
    }  # fmt: skip

    genuine = signed(json.dumps(event).encode())
    yesterday = datetime.now(UTC) - timedelta(days=1)
    tomorrow = datetime.now(UTC) + timedelta(minutes=6)
    return Contract(
        connector=account.connect,
        secrets=(KEY, SECRET),
        bad_credentials={"api_key": "sk_test_somebody_elses_key"},
        deliveries=(genuine,),
        forged={
            "signed with another secret": signed(genuine.body, "whsec_another_secret"),
            "recorded yesterday": signed(genuine.body, at=yesterday),
            "from the future": signed(genuine.body, at=tomorrow),
            "changed body": genuine._replace(body=genuine.body.replace(b"succeeded", b"updated")),
            "of another account": signed(json.dumps({**event, "account": "acct_1"}).encode()),
            "of the other mode": signed(json.dumps({**event, "livemode": True}).encode()),
        },
        write=scene.write,
        faults=scene.faults,
        effects=scene.effects,
        reset=lambda: scene.faults([]),
        aim=AIM,
        counts=lambda kind, effect: (
            effect["kind"] == KINDS[kind] and (kind != "payment" or effect["action"] == "pay")
        ),
        hasty=lambda: account.connect(deadline=0.2),
        mappings=MAPPINGS,
    )


class TestContract(ConnectorContract):
    """The suite, as it comes."""


def test_every_kind_that_is_written_has_a_proof_against_doubles(stripe: Stripe) -> None:
    kinds = stripe.manifest.kinds
    assert {name: str(kind.idempotency) for name, kind in kinds.items() if kind.outbound} == {
        "customer": "lookup", "invoice": "lookup", "credit_memo": "native", "adjustment": "native",
        "payment": "native",
    }  # fmt: skip
    assert all(Fault(kind="lost_reply", **aim).method == "POST" for aim in AIM.values())
