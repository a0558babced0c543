"""OFX: SGML and XML samples counted by a pattern, entities refused, currencies, what is wrong by line."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.bank import ofx
from connectors.bank.statement import Statement
from hub.sdk import Invalid, Rejected

SAMPLES = Path(__file__).resolve().parents[3].parent / "shared" / "samples" / "bank" / "ofx"
FILES = sorted(SAMPLES.glob("*")) if SAMPLES.is_dir() else []
REFUSED = {
    "OCA_bank-statement-import__test_ofx_wrong.ofx": "no currency",
    "csingley_ofxtools__profrs.ofx": "no statement",
    "jseutter_ofxparse__decimal_error.ofx": "is not an amount",
    "jseutter_ofxparse__error_message.ofx": "General Server Error",
    "jseutter_ofxparse__signon_success_no_message.ofx": "no statement",
}

SGML = """OFXHEADER:100
DATA:OFXSGML

<OFX><BANKMSGSRSV1><STMTTRNRS><STATUS><CODE>0</STATUS><STMTRS><CURDEF>USD
<BANKACCTFROM><BANKID>1<ACCTID>12 3456<ACCTTYPE>CHECKING</BANKACCTFROM>
<BANKTRANLIST><DTSTART>20260301<DTEND>20260302
<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20260302120000[-5:EST]<TRNAMT>1,234.50<FITID>A1<NAME>ACME &amp; CO
<MEMO>RF18 5390 0754 7034</STMTTRN>
<STMTTRN><TRNTYPE>CHECK<DTPOSTED>20260302<TRNAMT>-20,00<FITID>A2<CHECKNUM>77<NAME>SHOP
<ORIGCURRENCY><CURRATE>0.5<CURSYM>EUR</ORIGCURRENCY></STMTTRN>
</BANKTRANLIST><LEDGERBAL><BALAMT>99.10<DTASOF>20260302</LEDGERBAL></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>
"""
LEAVES = (
    "CODE|CURDEF|BANKID|ACCTID|ACCTTYPE|DT[A-Z]+|TRNTYPE|TRNAMT|FITID|NAME|MEMO|CHECKNUM|CURRATE"
    "|CURSYM|BALAMT"
)
XML = re.sub(rf"<({LEAVES})>([^<\n]*)", r"<\1>\2</\1>", SGML)


def read(text: str | bytes) -> list[Statement]:
    return list(ofx.read(text if isinstance(text, bytes) else text.encode()))


def number(words: str) -> Decimal:
    return Decimal(words.strip().replace(",", "."))


@pytest.mark.skipif(not FILES, reason="no shared OFX samples here")
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_sample_has_the_transactions_a_pattern_finds(file: Path) -> None:
    body = file.read_bytes()
    assert ofx.recognises(body[:65_536]) == "ofx"
    if file.name in REFUSED:
        with pytest.raises(Invalid, match=REFUSED[file.name]):
            read(body)
        return
    text = re.sub(r"<!--.*?-->", "", body.decode("latin-1"), flags=re.DOTALL)
    amounts = [entry.amount for one in read(body) for entry in one.entries]
    assert amounts == [number(one) for one in re.findall(r"<TRNAMT>([^<\r\n]*)", text)]
    assert len(read(body)) == len(re.findall(r"<(?:CC|INV)?STMTRS>", text))


@pytest.mark.parametrize("text", [SGML, XML])
def test_sgml_and_xml_are_read_the_same(text: str) -> None:
    (one,) = read(text)
    assert (one.account, one.currency, one.problems) == ("123456", "USD", [])
    assert one.closing is not None
    assert one.closing.amount == Decimal("99.10")
    credit, cheque = one.entries
    assert (credit.amount, credit.booked_on) == (Decimal("1234.50"), date(2026, 3, 2))
    assert credit.transactions[0].payer.name == "ACME & CO"
    assert [r.value for r in credit.transactions[0].references] == ["RF18539007547034"]
    assert (cheque.amount, cheque.transactions[0].cheque_number) == (Decimal(-20), "77")
    assert cheque.transactions[0].instructed == (Decimal("40.00"), "EUR")
    assert cheque.transactions[0].payee.name == "SHOP"


@pytest.mark.parametrize("declared", ["<!DOCTYPE x [<!ENTITY a 'b'>]>", "<!ENTITY a SYSTEM 'file:x'>"])
def test_entities_are_refused(declared: str) -> None:
    with pytest.raises(Invalid, match="no DTD"):
        read(declared + XML)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("1,234.50", "12..5", r"line 7: TRNAMT '12..5' is not an amount"),
        ("<CURDEF>USD", "<CURDEF>", "line 4: the statement has no currency"),
        ("<ACCTID>12 3456", "", "names no account"),
        ("<TRNAMT>-20,00", "", "line 9: the transaction has no amount"),
    ],
)
def test_what_cannot_be_read_names_its_line(old: str, new: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        read(SGML.replace(old, new))


def test_a_transaction_without_a_date_is_a_problem_with_its_line() -> None:
    (one,) = read(SGML.replace("<DTPOSTED>20260302<", "<DTPOSTED>later<"))
    assert [(problem.line, "DTPOSTED" in problem.message) for problem in one.problems] == [(9, True)]


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(SGML)), st.integers(0, 100), st.binary(max_size=30))
def test_damage_anywhere_raises_nothing_but_the_readers_own_error(at: int, gone: int, new: bytes) -> None:
    body = SGML.encode()
    with suppress(Invalid, Rejected):
        read(body[:at] + new + body[at + gone :])
