"""The best-known Python client of SuiteTalk works against the simulator as against the vendor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sandbox.netsuite import NetSuiteSandbox

client = pytest.importorskip("netsuitesdk.internal.client", reason="netsuitesdk is not installed")
utils = pytest.importorskip("netsuitesdk.internal.utils", reason="netsuitesdk is not installed")
WSDL = Path(__file__).parents[4] / "shared/specs/netsuite/suitetalk-2023_2/netsuite.wsdl"
pytestmark = pytest.mark.skipif(not WSDL.is_file(), reason="the vendor's WSDL is not on this machine")


@pytest.fixture
def netsuite(account: NetSuiteSandbox, url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    kind, tba = client.NetSuiteClient, account.tba
    monkeypatch.setattr(kind, "WSDL_URL_TEMPLATE", str(WSDL))
    monkeypatch.setattr(kind, "DATACENTER_URL_TEMPLATE", f"{url}/services/{{netsuite_port_version}}")
    made = kind(account=tba["account_id"], caching=False, wsdl_version="2023_2")
    made.connect_tba(
        consumer_key=tba["consumer_key"],
        consumer_secret=tba["consumer_secret"],
        token_key=tba["token_id"],
        token_secret=tba["token_secret"],
        signature_algorithm="HMAC-SHA256",
    )
    return made


def test_it_logs_in_writes_reads_and_searches(netsuite: Any, account: NetSuiteSandbox) -> None:
    company = netsuite.RecordRef(type="subsidiary", internalId="1")
    for _ in range(2):
        written = netsuite.upsert(netsuite.Customer(externalId="C-1", companyName="Acme", subsidiary=company))
        assert written.internalId == "101"
    assert netsuite.get("customer", externalId="C-1").companyName == "Acme"
    found = utils.PaginatedSearch(client=netsuite, type_name="Customer")
    assert [row.companyName for row in found.records] == ["Acme"]
    assert account.count("customer") == 1
