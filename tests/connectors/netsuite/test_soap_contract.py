"""NetSuite over SOAP passes the connector contract, too."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.netsuite import schema
from connectors.netsuite.connector import NetSuite
from hub.contract import ConnectorContract, Contract
from hub.errors import Rejected
from tests.connectors.netsuite.conftest import Stage
from tests.connectors.netsuite.test_contract import MAPPINGS, Scene

PORT = {"method": "POST", "path": "/services/NetSuitePort"}
# All operations have one address: this many calls look before the one that writes.
LOOKS = {"customer": 0, "order": 4, "invoice": 2, "credit_memo": 3, "payment": 0, "adjustment": 2}


class SoapScene(Scene):
    """The same account, reached over SOAP."""

    def connect(self, **changed: Any) -> NetSuite:
        return super().connect(**{"protocol": "soap", **changed})


@pytest.fixture
def contract(stage: tuple[Stage, str]) -> Contract:
    scene = SoapScene(*stage)
    login = scene.account.login
    return Contract(
        connector=scene.connect,
        secrets=(login.consumer_secret, login.token_secret),
        bad_credentials={"token_secret": "0" * 64},
        write=scene.write,
        faults=scene.faults,
        effects=lambda: scene.account.kit.effects,
        reset=scene.reset,
        aim={kind: {**PORT, "skip": looks} for kind, looks in LOOKS.items()},
        counts=lambda kind, effect: effect["kind"] == schema.RECORDS[kind],
        hasty=lambda: scene.connect(deadline_seconds=0.3),
        mappings=MAPPINGS,
    )


class TestContract(ConnectorContract):
    """The suite itself, but for the books: NetSuite offers SuiteQL over REST only."""

    def test_open_items_are_listed_page_by_page(self, contract: Contract) -> None:
        contract.reset()
        with pytest.raises(Rejected, match="set protocol to rest"):
            contract.connector().open_items(None)
