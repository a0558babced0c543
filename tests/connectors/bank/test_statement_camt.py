"""The statement of a camt file: what of a payment is kept, what is streamed, what is refused."""

from __future__ import annotations

import gzip
import io
import tracemalloc
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest

from connectors.bank import balance, camt_stream, formats
from connectors.bank.statement import Amount, Party, Reference, Statement, Status, problem_of
from hub.sdk import Invalid

DETAILS = (
    "<NtryDtls><Btch><NbOfTxs>2</NbOfTxs><TtlAmt Ccy='EUR'>100.00</TtlAmt></Btch>"
    "<TxDtls><Refs><EndToEndId>E1</EndToEndId></Refs><Amt Ccy='EUR'>60.00</Amt>"
    "<RltdPties><Dbtr><Pty><Nm>Ada GmbH</Nm></Pty></Dbtr>"
    "<DbtrAcct><Id><IBAN>FI21 1234 5600 0007 85</IBAN></Id></DbtrAcct></RltdPties>"
    "<RltdAgts><DbtrAgt><FinInstnId><BICFI>NDEAFIHH</BICFI></FinInstnId></DbtrAgt>"
    "</RltdAgts><RmtInf><Ustrd>first</Ustrd><Ustrd>second</Ustrd>"
    "<Strd><RfrdDocInf><Tp><CdOrPrtry><Cd>CINV</Cd></CdOrPrtry></Tp><Nb>INV-7</Nb><RltdDt>2026-01-05</RltdDt>"
    "</RfrdDocInf><RfrdDocAmt><DuePyblAmt Ccy='EUR'>65.00</DuePyblAmt><DscntApldAmt><Amt Ccy='EUR'>2.00</Amt>"
    "</DscntApldAmt><AdjstmntAmtAndRsn><Amt Ccy='EUR'>3.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Rsn>DAMG</Rsn>"
    "</AdjstmntAmtAndRsn><RmtdAmt Ccy='EUR'>60.00</RmtdAmt></RfrdDocAmt>"
    "<CdtrRefInf><Ref>RF18 5390 0754 7034</Ref></CdtrRefInf></Strd></RmtInf></TxDtls>"
    "<TxDtls><Amt Ccy='EUR'>40.00</Amt><AmtDtls><InstdAmt><Amt Ccy='USD'>44.00</Amt><CcyXchg>"
    "<XchgRate>1.1</XchgRate></CcyXchg></InstdAmt></AmtDtls><Chrgs><Rcrd><Amt Ccy='EUR'>.50</Amt>"
    "<Br>SHAR</Br></Rcrd></Chrgs></TxDtls></NtryDtls>"
)


def entry(amount: str = "100.00", sign: str = "CRDT", inner: str = "", status: str = "BOOK") -> str:
    return (
        f"<Ntry><Amt Ccy='EUR'>{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd><Sts><Cd>{status}</Cd></Sts>"
        f"<BookgDt><Dt>2026-03-02</Dt></BookgDt><ValDt><Dt>2026-03-03</Dt></ValDt>{inner}</Ntry>"
    )


def balance_of(kind: str, amount: str) -> str:
    code = f"<Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp>"
    return f"<Bal>{code}<Amt Ccy='EUR'>{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd></Bal>"


def statement(*entries: str, opening: str = "0.00", closing: str = "100.00", tag: str = "Stmt") -> str:
    balances = balance_of("OPBD", opening) + balance_of("CLBD", closing)
    head = f"<Id>S1</Id><LglSeqNb>7</LglSeqNb><Acct><Id><IBAN>DE1</IBAN></Id><Ccy>EUR</Ccy></Acct>{balances}"
    return f"<{tag}>{head}{''.join(entries)}</{tag}>"


def file(*statements: str, message: str = "BkToCstmrStmt", namespace: str = "") -> bytes:
    named = f" xmlns='{namespace}'" if namespace else ""
    return f"<Document{named}><{message}>{''.join(statements)}</{message}></Document>".encode()


def read(body: bytes) -> list[Statement]:
    return list(camt_stream.read(body))


def test_a_batch_keeps_everything_about_each_transaction() -> None:
    (one,) = read(file(statement(entry(inner=DETAILS))))
    (line,) = one.entries
    first, second = line.transactions
    assert (line.amount, line.booked_on, line.value_on) == (Decimal(100), date(2026, 3, 2), date(2026, 3, 3))
    assert (line.batch.size, line.batch.total) == (2, Decimal(100))
    assert first.payer == Party("Ada GmbH", "FI2112345600000785", "NDEAFIHH")
    assert (first.end_to_end_id, first.narrative) == ("E1", ("first", "second"))
    assert first.references == (Reference("RF18539007547034", "RF"),)
    (document,) = first.documents
    assert (document.number, document.paid, document.original) == ("INV-7", Decimal(60), Decimal(65))
    assert (document.discount, document.adjustment, document.reason) == (Decimal(2), Decimal(-3), "DAMG")
    assert (second.amount, second.exchange_rate) == (Decimal(40), Decimal("1.1"))
    assert second.instructed == Amount(Decimal(44), "USD")
    assert (second.charges[0].amount, second.charges[0].bearer) == (Decimal("0.50"), "SHAR")


def test_several_statements_are_told_apart() -> None:
    found = read(
        file(statement(entry()), statement(entry("30.00", "DBIT"), opening="50.00", closing="20.00"))
    )
    assert [len(one.entries) for one in found] == [1, 1]
    assert [balance.balanced(one, balance.totals(one)) for one in found] == [True, True]


def test_a_statement_that_does_not_balance_shows_the_arithmetic() -> None:
    (one,) = read(file(statement(entry(), closing="90.00")))
    (problem,) = balance.doubts(one, balance.totals(one))
    assert (
        "opening 0.00 plus entries 100.00 is 100.00, closing says 90.00, difference -10.00 EUR"
        in problem.message
    )


def test_reversal_keeps_the_sign_the_bank_tells() -> None:
    (one,) = read(file(statement(entry("5.00", "DBIT", "<RvslInd>true</RvslInd>"))))
    assert (one.entries[0].amount, one.entries[0].reversal) == (Decimal(-5), True)


def test_pending_entries_are_kept_and_not_counted() -> None:
    (one,) = read(file(statement(entry(), entry("7.00", status="PDNG"))))
    assert [line.status for line in one.entries] == [Status.BOOKED, Status.PENDING]
    assert balance.totals(one)[:3] == (1, 1, Decimal(100))


@pytest.mark.parametrize(
    ("message", "known"),
    [("BkToCstmrStmt", "camt.053"), ("BkToCstmrAcctRpt", "camt.052"), ("BkToCstmrDbtCdtNtfctn", "camt.054")],
)
@pytest.mark.parametrize("version", ["", "V01"])
def test_the_message_tells_the_format_without_any_namespace(message: str, known: str, version: str) -> None:
    assert formats.reader_of(file(message=message + version))[0] == known


def test_envelopes_prefixes_and_encodings_do_not_matter() -> None:
    inner = file(statement(entry())).decode()
    prefixed = inner.replace("</", "</n:").replace("<", "<n:").replace("<n:/n:", "</n:")
    prefixed = prefixed.replace("<n:Document>", "<n:Document xmlns:n='urn:x'>", 1)
    for body in (f"<E><AppHdr/>{inner}</E>", prefixed):
        encoded = f"<?xml version='1.0' encoding='utf-16'?>{body}".encode("utf-16")
        for sent in (body.encode(), encoded):
            assert formats.reader_of(sent)[0] == "camt.053"
            assert balance.totals(read(sent)[0])[:3] == (1, 1, Decimal(100))


def test_header_that_announces_another_message_is_a_problem() -> None:
    body = file(statement(entry()), namespace="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08").decode()
    sent = f"<E><AppHdr><MsgDefIdr>camt.054.001.08</MsgDefIdr></AppHdr>{body}</E>".encode()
    assert "the header announces camt.054.001.08" in read(sent)[0].problems[0].message


@pytest.mark.parametrize(
    ("body", "line", "message"),
    [
        (b"<Document>\n<BkToCstmrStmt><Stmt>", 2, "not well-formed"),
        (b"<!DOCTYPE a [<!ENTITY x 'y'>]><a><Stmt><Id>&x;</Id></Stmt></a>", 0, "DOCTYPE"),
        (b"<!DOCTYPE a SYSTEM '/etc/passwd'><a/>", 0, "DOCTYPE"),
        (b"<a>" * 5_000, 1, "not well-formed"),
        (b"<a/>", 0, "no statement"),
        (gzip.compress(b"<a/>" * 100, mtime=0), 1, "not well-formed"),
        (b"<?xml version='1.0' encoding='x-none'?><a/>", 1, "encoding"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(body: bytes, line: int, message: str) -> None:
    with pytest.raises(Invalid, match=message) as told:
        read(body)
    assert problem_of(told.value).line == line


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("<Ntry><Amt>1e5</Amt></Ntry>", "'1e5' is not an amount"),
        ("<Ntry><Amt>1</Amt></Ntry>", "'' is neither CRDT nor DBIT"),
        ("<Ntry><Amt>&#49;</Amt><CdtDbtInd>C</CdtDbtInd></Ntry>", "'C' is neither CRDT nor DBIT"),
        ("<Ntry>" + "<a>" * 220 + "</a>" * 220 + "</Ntry>", "an entry of more levels than any bank writes"),
        ("<Bal><Amt Ccy='EUR'>1,00</Amt></Bal>", "balance: '1,00' is not an amount"),
    ],
)
def test_what_cannot_be_read_is_a_problem_of_its_statement_and_loses_no_other(
    wrong: str, message: str
) -> None:
    first, second = read(file("\n" + statement(entry(), "\n\n" + wrong), statement(entry())))
    assert [one.message for one in first.problems] == [message]
    assert first.problems[0].line == (2 if "<Bal>" in wrong else 4)
    assert ([len(one.entries) for one in (first, second)], second.problems) == ([1, 1], ())


@pytest.mark.parametrize("before", ["\n", "\ufeff\r\n "])
def test_space_before_the_declaration_is_let_pass(before: str) -> None:
    body = f"{before}<?xml version='1.0' encoding='UTF-8'?>".encode() + file(statement(entry()))
    assert len(read(body)[0].entries) == 1


class Endless(io.RawIOBase):
    """A file of as many entries as asked for, made while it is read."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks

    def read(self, size: int = -1) -> bytes:
        return next(self._chunks, b"")


def many(count: int) -> Iterator[bytes]:
    yield b"<Document><BkToCstmrStmt><Stmt><Id>S</Id>"
    one = entry(inner=DETAILS).encode()
    for _ in range(count // 10):
        yield one * 10
    yield b"</Stmt></BkToCstmrStmt></Document>"


def peak(count: int) -> int:
    tracemalloc.start()
    try:
        assert sum(1 for _ in camt_stream.parts(Endless(many(count)))) == count + 1
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_file() -> None:
    assert peak(1_000) < 2 * peak(100) + 200_000


def test_one_entry_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camt_stream, "PART_MAX", 100_000)
    with pytest.raises(Invalid, match="one entry is over 100000 bytes"):
        read(file(statement(entry(inner="<X>y</X>" * 50_000))))


def test_a_large_file_of_small_entries_is_not_mistaken_for_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camt_stream, "PART_MAX", 200_000)
    assert len(read(file(statement(*[entry(inner=DETAILS)] * 400)))[0].entries) == 400
