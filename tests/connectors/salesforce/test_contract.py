"""Salesforce keeps the connector contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.salesforce.connector import Salesforce
from hub.contract import ConnectorContract, Contract
from hub.sdk import Delivery, Write
from sandbox.kit import Fault
from sandbox.salesforce.outbound import OutboundMessages
from tests.connectors.salesforce.company import PATH_TOKEN, Company

MAPPINGS = Path(__file__).resolve().parents[3] / "mappings" / "salesforce"
COLLECTIONS = "/composite/sobjects"


def message(company: Company, deal: str) -> Delivery:
    """An outbound message about an opportunity, as the receiver hands it over."""
    pushes = OutboundMessages(company.sandbox.org, session_id="00D!a-session-of-theirs")
    pushes.subscribe("Opportunity", ["Name", "StageName"], "https://hub.test", session=True)
    for at in range(2):
        company.sandbox.update("Opportunity", deal, {"NextStep": f"call {at}"})
    body = pushes.envelope(pushes.waiting)
    headers = {"content-type": "text/xml", "o2c-path-token": PATH_TOKEN}
    return Delivery(headers, body, "https://hub.test/webhooks/crm", company.clock())


def forgeries(genuine: Delivery, org_id: str) -> Mapping[str, Delivery]:
    other = "00D000000000XYZEA2"
    token = {**genuine.headers, "o2c-path-token": PATH_TOKEN[:-1]}
    dtd = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file' + b':///etc/passwd">]>'
    return {
        "another token": genuine._replace(headers=token),
        "no token": genuine._replace(headers={}),
        "of another org": genuine._replace(body=genuine.body.replace(org_id.encode(), other.encode())),
        "with a document type": genuine._replace(body=genuine.body.replace(b"?>\n", b"?>\n" + dtd)),
        "not an envelope": genuine._replace(body=b"<a/>"),
    }


def written(kind: str, deal: str, account: str) -> Write:
    records: Mapping[str, Mapping[str, Any]] = {
        "order": {"O2C_Order_Number__c": "SO-1", "O2C_Open_Amount__c": Decimal("12.30")},
        "invoice": {"Name": "INV-1", "Opportunity__c": deal, "Payable_Amount__c": Decimal("300.00")},
        "payment": {"Name": "P-1", "Account__c": account, "Amount__c": Decimal("12.30")},
    }
    known = deal if kind == "order" else None
    return Write(kind, records[kind], known, reference=f"{kind}-doc", idempotency_key=f"{kind}-doc:1")


@pytest.fixture
def contract(company: Company) -> Contract:
    box = company.sandbox
    deal = company.won()
    genuine = message(company, deal)

    def connect(**changed: Any) -> Salesforce:
        return company.connect(**{"poll_margin": 0, **changed})

    def set_faults(faults: Sequence[Mapping[str, Any]]) -> None:
        with box.kit.lock:
            box.kit.faults[:] = [Fault.model_validate(fault) for fault in faults]

    def reset() -> None:
        """No faults, and none of the mirrors that an earlier trial made."""
        set_faults([])
        for sobject in ("ERP_Invoice__c", "ERP_Payment__c"):
            for id, row in list(box.org.rows(sobject).items()):
                if not row["IsDeleted"]:
                    box.delete(sobject, id)

    return Contract(
        connector=connect,
        secrets=(box.consumer_secret, PATH_TOKEN),
        bad_credentials={"consumer_secret": "somebody-elses-secret"},
        deliveries=(genuine,),
        forged=forgeries(genuine, box.org.org_id),
        write=lambda kind: written(kind, deal, company.account_of(deal)),
        faults=set_faults,
        effects=lambda: tuple(box.kit.effects),
        reset=reset,
        aim={kind: {"method": "PATCH", "path": COLLECTIONS} for kind in ("order", "invoice", "payment")},
        hasty=lambda: connect(deadline=0.15),
        mappings=MAPPINGS,
    )


class TestContract(ConnectorContract):
    """The suite, as it comes."""


def test_the_answer_of_an_outbound_message_is_its_ack(company: Company) -> None:
    kind, body = company.connect().response(message(company, company.won()))
    assert kind.startswith("text/xml")
    assert b"<Ack>true</Ack>" in body


def test_without_a_path_token_every_message_is_refused(company: Company) -> None:
    genuine = message(company, company.won())
    with pytest.raises(Exception, match="no path token"):
        company.connect(path_token=None).verify(genuine)
    with pytest.raises(Exception, match="refused"):
        company.connect(outbound_messages=False).verify(genuine)
