"""The records of golden pairs have the shape that the connectors' read() really gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from connectors.bank.connector import Bank
from connectors.bank.connector import Settings as BankSettings
from connectors.netsuite.connector import NetSuite
from connectors.netsuite.settings import Settings as NetSuiteSettings
from hub.sdk import Delivery
from sandbox.bank import BankSandbox
from sandbox.hubspot import HubSpotSandbox
from sandbox.kit import serve
from sandbox.netsuite import NetSuiteSandbox
from tests.connectors.hubspot.account import SECRET, TOKEN, Account, Clock, changed_deal
from tests.connectors.netsuite.conftest import CUSTOMER, LINES, ORDER, TOTAL, customer, order, write
from tests.mappings.pairs import PAIRS, pair_of

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def paths(value: Any, path: str = "") -> Iterator[str]:
    """Every path of a record, positions as []."""
    if path:
        yield path
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from paths(part, f"{path}.{name}" if path else name)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from paths(part, f"{path}[]")


def check_shape(vendor: str, mapping: str, real: list[Mapping[str, Any]]) -> None:
    """Pairs have no path that is never there, and no key of the record is left out."""
    assert real
    known = {path for record in real for path in paths(record)}
    records = [pair_of(pair).record for pair in PAIRS if (pair.vendor, pair.mapping) == (vendor, mapping)]
    assert records
    for record in records:
        assert set(paths(record)) - known == set()
        assert set(record) == set(real[0])


EXPLAINED = b"""<Document><BkToCstmrStmt><Stmt><Id>S</Id>
<Acct><Id><IBAN>DE89370400440532013000</IBAN></Id></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">0</Amt><CdtDbtInd>CRDT</CdtDbtInd></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">95</Amt><CdtDbtInd>CRDT</CdtDbtInd></Bal>
<Ntry><Amt Ccy="EUR">95</Amt><CdtDbtInd>CRDT</CdtDbtInd><BookgDt><Dt>2026-03-02</Dt></BookgDt>
<NtryDtls><TxDtls><AmtDtls><InstdAmt><Amt Ccy="USD">110</Amt></InstdAmt></AmtDtls><RmtInf><Strd>
<RfrdDocInf><Tp><CdOrPrtry><Cd>CINV</Cd></CdOrPrtry></Tp><Nb>INV-7</Nb></RfrdDocInf>
<RfrdDocAmt><AdjstmntAmtAndRsn>
<Amt Ccy="EUR">3</Amt><CdtDbtInd>DBIT</CdtDbtInd><Rsn>01</Rsn></AdjstmntAmtAndRsn>
<RmtdAmt Ccy="EUR">95</RmtdAmt></RfrdDocAmt></Strd></RmtInf></TxDtls></NtryDtls></Ntry>
</Stmt></BkToCstmrStmt></Document>"""


@pytest.mark.parametrize("kind", ["payment", "statement"])
def test_bank_lines_and_statements_are_as_the_connector_reads_them(kind: str) -> None:
    bank = BankSandbox("DE89370400440532013000", "EUR", lambda: NOW)
    paid = bank.pay(
        "Ada", "FI2112345600000785", Decimal("9.50"), "INV-1", creditor_reference="RF18539007547034"
    )
    bank.reverse(paid)
    bodies = (bank.statement(date(2026, 3, 2)), EXPLAINED)
    changes = [one for body in bodies for one in Bank(BankSettings()).read(Delivery({}, body, "", NOW))]
    real = [one.record for one in changes if one.kind == kind and one.record is not None]
    check_shape("bank", f"{kind}.in", real)


@pytest.mark.parametrize(("mapping", "kind"), [("customer.in", "customer"), ("order.in", "order")])
def test_deals_and_companies_are_as_the_connector_reads_them(mapping: str, kind: str) -> None:
    clock = Clock()
    sandbox = HubSpotSandbox(now=clock, token=TOKEN, client_secret=SECRET)
    with serve(sandbox.app) as url:
        account = Account(sandbox, url, clock)
        changes = account.connect().read(changed_deal(account.won_deal()))
        real = [change.record for change in changes if change.kind == kind and change.record is not None]
    check_shape("hubspot", mapping, real)


def test_fulfilments_are_as_the_connector_reads_them() -> None:
    sandbox = NetSuiteSandbox()
    for sku, what in (("BOLT-1", "inventoryItem"), ("O'RING", "inventoryItem"), ("SETUP", "serviceSaleItem")):
        sandbox.add_item(sku, what)
    with serve(sandbox.app) as url:
        netsuite = NetSuite(NetSuiteSettings(auth="tba", base_url=url, poll_margin=0, **sandbox.tba))
        buyer = netsuite.push(write("customer", customer(), CUSTOMER))
        bought = netsuite.push(write("order", order(buyer, LINES, TOTAL), ORDER))
        sandbox.books.now = lambda: datetime(2026, 11, 9, tzinfo=UTC)
        sandbox.fulfil(bought, {"BOLT-1": 4}, shipped_on=date(2026, 11, 9), tracking="1Z9")
        changes = [change for one in netsuite.poll(None).arrivals for change in netsuite.read(one.delivery)]
    check_shape("netsuite", "shipment.in", [change.record for change in changes if change.record is not None])
