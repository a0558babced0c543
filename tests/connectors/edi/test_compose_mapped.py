"""The mappings we ship hand over what the builders want, from documents as the hub presents them."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.edi import schema_out
from hub.mapping import check_mapping, load
from tests.connectors.edi.sending import agreed, line, order, segments
from tests.mappings.pairs import MAPPINGS, Answers, Pair, pair_of

CHANGE = {
    "action": "quantity",
    "line_id": "1",
    "line_number": "1",
    "change_type": "QD",
    "quantity": 8,
    "unit": "EA",
}


def handed_over(mapping: str, case: str, **changed: Any) -> dict[str, Any]:
    """What the mapping makes of a golden pair's record about an order of ours."""
    told = pair_of(Pair("edi", mapping, case))
    bought = order(line(name="Widget"))
    theirs = (
        [bought, {"action": "change", "sequence": "2", "lines": [CHANGE]}]
        if "response" in mapping
        else [bought]
    )
    record = told.record | {"theirs": theirs, "order_lines": agreed(bought)} | changed
    made: dict[str, Any] = told.translator.apply(record, Answers({}))
    return made


def test_an_invoice_of_the_hub_becomes_an_810() -> None:
    found = segments(
        "invoice", handed_over("invoice.out", "full"), "BIG", "REF", "IT1", "SAC", "TDS", "TXI", "CAD"
    )
    assert found == [
        "BIG*20261122*INV-2026-000007*20261120*0004501***DI*01", "REF*IA*55501", "REF*VN*SO-2026-000001",
        "REF*SI*SH-7", "IT1*1*10*EA*9.5*PE*UP*012345678905*VN*SKU-1", "TDS*11583", "TXI*TX*8.83*8.25",
        "CAD****UPSN***CN*1Z999", "SAC*C*D240***1200**********Freight",
    ]  # fmt: skip


def test_a_credit_memo_of_the_hub_becomes_an_810() -> None:
    found = segments("credit_memo", handed_over("credit_memo.out", "full"), "BIG", "NTE", "REF", "TDS")
    assert found == [
        "BIG*20261122*CM-1*20261120*0004501***CR*01", "NTE*GEN*Damaged in transit", "REF*IA*55501",
        "REF*OI*INV-7", "REF*VN*SO-1", "TDS*2357",
    ]  # fmt: skip
    assert segments("credit_memo", handed_over("credit_memo.out", "minimal"), "SAC") == [
        "SAC*C*ZZZZ***500**********CREDIT"
    ]


@pytest.mark.parametrize(("pack", "levels"), [("none", "SOI"), ("shipment", "SOPI")])
def test_a_shipment_of_the_hub_becomes_an_856(pack: str, levels: str) -> None:
    found = segments("shipment", handed_over("shipment.out", "full"), "HL", "SN1", "MAN", pack=pack)
    assert "".join(one.split("*")[3] for one in found if one.startswith("HL")) == levels
    assert "SN1*1*10*EA**10*EA" in found
    assert ("MAN*GM*00106141412345678908" in found) == (pack == "shipment")


def test_a_response_of_the_hub_becomes_an_855_or_an_865() -> None:
    found = segments(
        "order_response", handed_over("order_response.out", "full"), "ST", "BCA", "POC", "CTP", "ACK"
    )
    assert found[0].startswith("ST*865*")
    assert found[1:] == [
        "BCA*00*AC*0004501**2*20261120***SO-1*20261122", "POC*1*QD*8**EA***UP*012345678905*VN*SKU-1",
        "CTP**UCP*9.75", "ACK*IB*8*EA*067*20261224",
    ]  # fmt: skip
    assert segments("order_response", handed_over("order_response.out", "minimal"), "ACK") == ["ACK*IA*10*EA"]


def test_an_acknowledgment_of_the_hub_becomes_a_997() -> None:
    assert segments("acknowledgment", handed_over("acknowledgment.out", "full"), "AK1", "AK9") == [
        "AK1*PO*7", "AK9*A*1*1*1",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", sorted(schema_out.OUTBOUND))
def test_what_mappings_fill_is_known(kind: str) -> None:
    found = schema_out.of(kind)
    assert found is not None
    known = {field.name for field in found.fields}
    told = pair_of(Pair("edi", f"{kind}.out", "full")).translator.document
    filled = {".".join(path) for path, rule in told.rules() if not rule.fields}
    assert {name for name in filled if not name.startswith("references.")} <= {
        name.replace("[]", "") for name in known
    }
    fitting = check_mapping(load(MAPPINGS / "edi" / f"{kind}.out.yaml"), found)
    assert [str(finding) for finding in fitting] == []
