"""Whatever a bank sends, a reader answers with statements or with its own error, and in time."""

from __future__ import annotations

import io

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.bank import bai2, balance, camt_stream, csv_dialect, lockbox, mt940, nacha, ofx
from connectors.bank.statement import problem_of
from hub.sdk import Invalid, Rejected

CAMT = (
    b"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.08'><BkToCstmrStmt><Stmt>"
    b"<Id>1</Id><Acct><Id><IBAN>DE1</IBAN></Id></Acct><Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp>"
    b"<Amt Ccy='EUR'>1</Amt></Bal>"
    b"<Ntry><Amt Ccy='EUR'>2.5</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>"
    b"<BookgDt><Dt>2026-01-02</Dt></BookgDt>"
    b"<NtryDtls><Btch><NbOfTxs>1</NbOfTxs></Btch><TxDtls><Amt Ccy='EUR'>2.5</Amt>"
    b"<RmtInf><Ustrd>x</Ustrd><Strd>"
    b"<RfrdDocInf><Nb>1</Nb></RfrdDocInf><CdtrRefInf><Ref>RF18</Ref></CdtrRefInf></Strd></RmtInf></TxDtls>"
    b"</NtryDtls>"
    b"</Ntry></Stmt></BkToCstmrStmt></Document>"
)
TWO = CAMT.replace(b"</Ntry>", b"</Ntry>\n" + CAMT[CAMT.index(b"<Ntry>") : CAMT.index(b"</Stmt>")])
MT940 = (
    b"{1:F01A}{4:\r\n:20:R\r\n:25:A\r\n:28C:1/1\r\n:60F:C260301EUR1,00\r\n:61:2603020302RC1,00NTRFX//Y\r\n"
    b"/OCMT/EUR1,/\r\n:86:166?00G?20EREF+1?21SVWZ+x?32N\r\n:61:260302D1,NTRFX\r\n:86:/TRTP/X/REMI/USTD//y/\r\n"
    b":62F:C260302EUR0,00\r\n:90D:1EUR1,\r\n-}"
)
PIECES = st.one_of(
    st.binary(max_size=6),
    st.sampled_from(
        [b"<", b"</", b">", b"&", b":61:", b":86:", b"?20", b"/REMI/", b",", b"\n", b"-}", b"9" * 40, b"\xb2"]
    ),
)
bounded = settings(max_examples=150, deadline=2_000, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """A good file with some pieces cut out, doubled or replaced."""
    body = whole
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(body)))
        end = min(len(body), start + draw(st.integers(0, 30)))
        body = body[:start] + draw(PIECES) + draw(st.sampled_from([b"", body[start:end] * 2])) + body[end:]
    return body


def survives(reader: object, body: bytes) -> None:
    """No error but the reader's own; what was read can be added up; reading it again says the same."""
    read = reader.read
    told = []
    for source in (body, io.BytesIO(body)):
        found = []
        try:
            for one in read(source):
                found.append((one, balance.doubts(one, balance.totals(one))))
        except (Invalid, Rejected) as error:
            found.append(problem_of(error))
        told.append(found)
    assert told[0] == told[1]


@bounded
@given(damaged(CAMT))
def test_damaged_camt_is_read_or_refused(body: bytes) -> None:
    survives(camt_stream, body)


@bounded
@given(damaged(TWO), st.sampled_from([b"", b"\n", b"<!-- x -->", b"<?p?>", b"&amp;", b"\xc3\xbc"]))
def test_entries_cut_out_of_the_file_are_what_the_parser_reads(body: bytes, put: bytes) -> None:
    """The same file in UTF-16, of which nothing is cut out, says the same."""
    body = body.replace(b"<Sts>", put + b"<Sts>").replace(b"</Ntry>", b"</Ntry>" + put)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return
    told = []
    for source in (body, b"\xff\xfe" + text.encode("utf-16-le")):
        try:
            told.append(list(camt_stream.read(source)))
        except Invalid:
            told.append("refused")
    assert told[0] == told[1]


@bounded
@given(damaged(MT940))
def test_damaged_mt940_is_read_or_refused(body: bytes) -> None:
    survives(mt940, body)


@bounded
@given(st.binary(max_size=400))
def test_noise_is_read_or_refused(body: bytes) -> None:
    for reader in (bai2, camt_stream, csv_dialect, lockbox, mt940, nacha, ofx):
        assert isinstance(reader.recognises(body), str)
        survives(reader, body)


def test_hostile_repetition_does_not_take_forever() -> None:
    for piece in (b":86:/REMI/", b"?20SVWZ+", b"{1:{4:", b"9" * 50, b" ", b"/A/", b":61:", b"RF18"):
        survives(mt940, b":20:A\n:25:B\n:61:260302C1,00NTRFX\n:86:166?20" + piece * 20_000)
