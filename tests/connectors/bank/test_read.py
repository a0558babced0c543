"""Reading camt: what becomes a payment, what identifies it, what is parked, what is refused."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from connectors.bank.connector import Bank, Settings
from hub.sdk import Change, Delivery, Invalid, Rejected, encode

IBAN = "DE89370400440532013000"


def delivery(body: bytes) -> Delivery:
    return Delivery({}, body, "https://hub.example/webhooks/bank", datetime(2026, 3, 2, tzinfo=UTC))


def balance(kind: str, amount: str, sign: str = "CRDT", day: str = "2026-03-02") -> str:
    indicator = f"<CdtDbtInd>{sign}</CdtDbtInd>" if sign else ""
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp><Amt Ccy='EUR'>{amount}</Amt>{indicator}"
        f"<Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def entry(
    amount: str,
    sign: str = "CRDT",
    details: str = "",
    *,
    ref: str = "",
    extra: str = "",
    status: str = "<Sts><Cd>BOOK</Cd></Sts>",
    day: str = "<BookgDt><Dt>2026-03-02</Dt></BookgDt>",
) -> str:
    svcr = f"<AcctSvcrRef>{ref}</AcctSvcrRef>" if ref else ""
    return (
        f"<Ntry><Amt Ccy='EUR'>{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd>{extra}{status}{day}{svcr}"
        f"<NtryDtls>{details}</NtryDtls></Ntry>"
    )


def part(amount: str = "", inner: str = "", ccy: str = "EUR") -> str:
    told = f"<Amt Ccy='{ccy}'>{amount}</Amt>" if amount else ""
    return f"<TxDtls>{told}{inner}</TxDtls>"


def remittance(inner: str) -> str:
    return f"<RmtInf>{inner}</RmtInf>"


def file(
    entries: Sequence[str],
    closing: str,
    *,
    opening: str = "0.00",
    version: str = "08",
    page: str = "",
    account: str = f"<IBAN>{IBAN}</IBAN>",
) -> bytes:
    paging = f"<StmtPgntn><PgNb>{page}</PgNb></StmtPgntn>" if page else ""
    closing_sign = "DBIT" if closing.startswith("-") else "CRDT"
    return (
        f"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}'><BkToCstmrStmt><Stmt>"
        f"<Id>S1</Id>{paging}<Acct><Id>{account}</Id></Acct>{balance('OPBD', opening)}"
        f"{balance('CLBD', closing.lstrip('-'), closing_sign)}{''.join(entries)}"
        "</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def changes(body: bytes, **settings: object) -> list[Change]:
    return list(Bank(Settings.model_validate(settings)).read(delivery(body)))


def read(body: bytes, **settings: object) -> list[Change]:
    """The payments."""
    return [one for one in changes(body, **settings) if one.kind == "payment"]


def parked(body: bytes) -> str:
    """Why nothing was taken from the only statement of a file."""
    (change,) = changes(body)
    assert (change.kind, change.record) == ("statement", None)
    assert change.problem is not None
    return str(change.problem)


def test_credit_becomes_a_payment_and_debit_is_counted() -> None:
    statement, paid = changes(file([entry("119.00", ref="A1"), entry("19.00", "DBIT", ref="A2")], "100.00"))
    assert (statement.kind, paid.kind) == ("statement", "payment")
    assert statement.record is not None
    assert statement.record["taken"] == {"count": 1, "amount": Decimal("119.00")}
    assert statement.record["left"] == {"count": 1, "amount": Decimal("-19.00")}
    record = paid.record
    assert record is not None
    assert record["amount"] == Decimal("119.00")
    assert record["statement"]["debits"] == Decimal("19.00")
    assert record["statement"]["statement_uid"] == statement.external_id
    assert record["statement"]["closing"] == Decimal("100.00")
    assert record["account"] == IBAN
    assert record["booked_on"] == "2026-03-02"
    assert record["line_uid"] == paid.external_id


def test_statement_that_does_not_balance_is_parked_whole_with_the_arithmetic() -> None:
    told = parked(file([entry("119.00")], "119.01"))
    assert "opening 0.00 plus entries 119.00 is 119.00, closing says 119.01, difference 0.01 EUR" in told
    assert "...3000" in told
    assert IBAN not in told


def test_other_statements_of_a_file_go_on_where_one_is_parked() -> None:
    good, bad = file([entry("5.00", ref="G")], "5.00"), file([entry("7.00", ref="B")], "8.00")
    inner = bad.split(b"<BkToCstmrStmt>")[1].split(b"</BkToCstmrStmt>")[0]
    found = changes(good.replace(b"</BkToCstmrStmt>", inner.replace(b"S1", b"S2") + b"</BkToCstmrStmt>"))
    assert [(one.kind, one.problem is None) for one in found] == [
        ("statement", True), ("payment", True), ("statement", False),
    ]  # fmt: skip


def test_statement_put_into_a_file_twice_is_told_once() -> None:
    body = file([entry("5.00")], "5.00")
    inner = body.split(b"<BkToCstmrStmt>")[1].split(b"</BkToCstmrStmt>")[0]
    assert changes(body.replace(b"</BkToCstmrStmt>", inner + b"</BkToCstmrStmt>")) == changes(body)


@pytest.mark.parametrize("kind", ["OPBD", "CLBD"])
def test_statement_without_a_balance_is_parked(kind: str) -> None:
    body = file([entry("1.00")], "1.00").replace(kind.encode(), b"XPCD")
    assert "has no" in parked(body)


def test_empty_statement_without_balances_is_nothing() -> None:
    assert changes(b"<Document><BkToCstmrStmt><Stmt><Id>1</Id></Stmt></BkToCstmrStmt></Document>") == []


def test_previous_closing_balance_counts_as_opening() -> None:
    assert len(read(file([entry("1.00")], "1.00").replace(b"OPBD", b"PRCD"))) == 1


def test_interim_balances_bound_a_page() -> None:
    body = file([entry("1.00")], "1.00").replace(b"CLBD", b"ITBD")
    assert len(read(body)) == 1


def test_balance_without_indicator_is_proved_by_the_totals() -> None:
    body = file([entry("1.00")], "1.00").replace(b"<CdtDbtInd>CRDT</CdtDbtInd><Dt>", b"<Dt>")
    assert len(read(body)) == 1


def test_overdrawn_account_balances() -> None:
    assert len(read(file([entry("5.00"), entry("7.00", "DBIT")], "-2.00"))) == 1


def test_mixed_currencies_cannot_be_checked_and_are_parked() -> None:
    assert "EUR, SEK" in parked(file([entry("1.00").replace("EUR", "SEK")], "1.00"))


@pytest.mark.parametrize("status", ["<Sts>PDNG</Sts>", "<Sts><Cd>INFO</Cd></Sts>"])
def test_entries_not_booked_are_left_out_and_counted(status: str) -> None:
    (change,) = read(file([entry("1.00", ref="a"), entry("9.00", status=status, ref="b")], "1.00"))
    assert change.record is not None
    assert change.record["statement"]["not_booked"] == 1


@pytest.mark.parametrize("status", ["", "<Sts>BOOK</Sts>"])
def test_booked_status_of_old_versions_and_no_status_are_booked(status: str) -> None:
    assert len(read(file([entry("1.00", status=status)], "1.00"))) == 1


def test_batch_becomes_one_payment_per_transaction() -> None:
    batch = entry("30.00", details=part("10.00") + part("20.00"), ref="B")
    found = read(file([batch], "30.00"))
    assert [c.record["amount"] for c in found if c.record] == [Decimal("10.00"), Decimal("20.00")]
    assert len({c.external_id for c in found}) == 2


def test_batch_remainder_is_kept_as_a_line_of_its_own() -> None:
    batch = entry("28.50", details=part("10.00") + part("20.00"), ref="B")
    records = [c.record for c in read(file([batch], "28.50")) if c.record]
    assert [(r["amount"], r["residual"]) for r in records] == [
        (Decimal("10.00"), False),
        (Decimal("20.00"), False),
        (Decimal("-1.50"), True),
    ]


def test_remainder_of_a_debit_batch_is_no_payment() -> None:
    batch = entry("28.50", "DBIT", details=part("10.00") + part("20.00"), ref="B")
    assert read(file([batch], "-28.50")) == []


def test_batch_without_amounts_stays_one_line_with_every_text_and_debtor() -> None:
    def payer(name: str) -> str:
        return f"<RltdPties><Dbtr><Nm>{name}</Nm></Dbtr></RltdPties>" + remittance(
            f"<Ustrd>for {name}</Ustrd>"
        )

    batch = entry("30.00", details=part("10.00", payer("Ada")) + part("", payer("Bob")), ref="B")
    (record,) = [c.record for c in read(file([batch], "30.00")) if c.record]
    assert record["unsplit"] is True
    assert record["amount"] == Decimal("30.00")
    assert record["remittance_information"] == ["for Ada", "for Bob"]
    assert record["remarks"] == ["payers: Ada, Bob"]
    assert [d["name"] for d in record["debtors"]] == ["Ada", "Bob"]
    assert record["debtor"]["name"] == ""


def test_single_transaction_takes_the_amount_that_was_booked() -> None:
    ordered = "<AmtDtls><InstdAmt><Amt Ccy='USD'>100.00</Amt></InstdAmt></AmtDtls>"
    foreign = part("100.00", ordered, ccy="USD")
    (record,) = [c.record for c in read(file([entry("91.20", details=foreign)], "91.20")) if c.record]
    assert (record["amount"], record["currency"]) == (Decimal("91.20"), "EUR")
    assert record["instructed"] == {"amount": Decimal("100.00"), "currency": "USD"}
    assert record["remarks"] == ["ordered: 100.00 USD"]


def test_reversal_of_a_credit_is_below_zero() -> None:
    returned = part("", "<RtrInf><Rsn><Cd>MD06</Cd></Rsn></RtrInf>")
    reversal = entry("50.00", "DBIT", returned, extra="<RvslInd>true</RvslInd>", ref="R")
    (record,) = [c.record for c in read(file([reversal], "-50.00")) if c.record]
    assert (record["amount"], record["reversal"]) == (Decimal("-50.00"), True)
    assert record["return_reason"] == "MD06"


def test_own_money_coming_back_is_above_zero_and_a_reversal() -> None:
    reversal = entry("50.00", "CRDT", extra="<RvslInd>true</RvslInd>", ref="R")
    (record,) = [c.record for c in read(file([reversal], "50.00")) if c.record]
    assert (record["amount"], record["reversal"]) == (Decimal("50.00"), True)


@pytest.mark.parametrize(
    "party",
    [
        "<Dbtr><Nm>Ada GmbH</Nm></Dbtr>",
        "<Dbtr><Pty><Nm>Ada GmbH</Nm></Pty></Dbtr>",
        "<Dbtr><Agt><FinInstnId><Nm>Ada GmbH</Nm></FinInstnId></Agt></Dbtr>",
    ],
)
@pytest.mark.parametrize(
    "account", ["<IBAN>FI21 1234 5600 0007 85</IBAN>", "<Othr><Id> FI2112345600000785</Id></Othr>"]
)
@pytest.mark.parametrize("bic", ["BIC", "BICFI"])
def test_payer_is_found_wherever_a_version_puts_it(party: str, account: str, bic: str) -> None:
    agents = f"<RltdAgts><DbtrAgt><FinInstnId><{bic}>NDEAFIHH</{bic}></FinInstnId></DbtrAgt></RltdAgts>"
    parties = f"<RltdPties>{party}<DbtrAcct><Id>{account}</Id></DbtrAcct></RltdPties>"
    (change,) = read(file([entry("1.00", details=part("", parties + agents))], "1.00"))
    assert change.record is not None
    found = change.record["debtor"]
    assert (found["name"], found["account"], found["bic"]) == ("Ada GmbH", "FI2112345600000785", "NDEAFIHH")


def test_remittance_keeps_text_and_structure_in_order_with_amounts() -> None:
    inner = (
        "<Ustrd>first</Ustrd>"
        "<Strd><RfrdDocInf><Tp><CdOrPrtry><Cd>CINV</Cd></CdOrPrtry></Tp><Nb>INV-7</Nb>"
        "<RltdDt>2026-01-05</RltdDt></RfrdDocInf>"
        "<RfrdDocAmt><DuePyblAmt Ccy='EUR'>100.00</DuePyblAmt>"
        "<DscntApldAmt><Amt Ccy='EUR'>2.00</Amt></DscntApldAmt>"
        "<AdjstmntAmtAndRsn><Amt Ccy='EUR'>3.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Rsn>DAMG</Rsn>"
        "</AdjstmntAmtAndRsn><RmtdAmt Ccy='EUR'>95.00</RmtdAmt></RfrdDocAmt>"
        "<CdtrRefInf><Tp><CdOrPrtry><Cd>SCOR</Cd></CdOrPrtry></Tp><Ref>RF18 5390 0754 7034</Ref></CdtrRefInf>"
        "<AddtlRmtInf>broken box</AddtlRmtInf></Strd>"
        "<Strd><CdtrRefInf><Ref>OTHER-2</Ref></CdtrRefInf></Strd>"
    )
    (change,) = read(file([entry("95.00", details=part("", remittance(inner)))], "95.00"))
    record = change.record
    assert record is not None
    assert record["remittance_information"] == ["first", "broken box", "OTHER-2"]
    assert (record["creditor_reference"], record["creditor_reference_kind"]) == ("RF18539007547034", "RF")
    assert record["documents"] == [
        {
            "number": "INV-7",
            "type": "CINV",
            "dated": "2026-01-05",
            "currency": "EUR",
            "paid": Decimal("95.00"),
            "original": Decimal("100.00"),
            "discount": Decimal("2.00"),
            "adjustments": [{"amount": Decimal("-3.00"), "currency": "EUR", "reason": "DAMG"}],
        }
    ]


def test_additional_information_stands_in_for_missing_remittance() -> None:
    told = entry("1.00", extra="", ref="x").replace(
        "</Ntry>", "<AddtlNtryInf>INV-9 thanks</AddtlNtryInf></Ntry>"
    )
    (change,) = read(file([told], "1.00"))
    assert change.record is not None
    assert change.record["remittance_information"] == ["INV-9 thanks"]


def test_charges_and_instructed_amount_are_kept() -> None:
    inner = (
        "<AmtDtls><InstdAmt><Amt Ccy='USD'>110.00</Amt>"
        "<CcyXchg><XchgRate>1.1</XchgRate></CcyXchg></InstdAmt></AmtDtls>"
        "<Chrgs><Rcrd><Amt Ccy='EUR'>5.00</Amt><ChrgInclInd>true</ChrgInclInd><Br>SHAR</Br></Rcrd></Chrgs>"
    )
    (change,) = read(file([entry("95.00", details=part("", inner))], "95.00"))
    record = change.record
    assert record is not None
    assert record["charges"] == [
        {"amount": Decimal("5.00"), "currency": "EUR", "included": True, "bearer": "SHAR"}
    ]
    assert record["instructed"] == {"amount": Decimal("110.00"), "currency": "USD"}
    assert record["exchange_rate"] == Decimal("1.1")
    assert record["remarks"] == [
        "ordered: 110.00 USD, rate 1.1",
        "bank charges: 5.00 EUR, deducted already",
    ]


def test_version_01_with_its_own_names_is_read() -> None:
    body = (
        b"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.01'><BkToCstmrStmtV01><Stmt><Id>1</Id>"
        b"<Acct><Id><PrtryAcct><Id>77 88</Id></PrtryAcct></Id></Acct>"
        b"<Bal><Tp><Cd>OPBD</Cd></Tp><Amt Ccy='EUR'>1</Amt><CdtDbtInd>CRDT</CdtDbtInd></Bal>"
        b"<Bal><Tp><Cd>CLBD</Cd></Tp><Amt Ccy='EUR'>3.5</Amt><CdtDbtInd>CRDT</CdtDbtInd></Bal>"
        b"<Ntry><Amt Ccy='EUR'>2.5</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>"
        b"<BookgDt><DtTm>2009-10-29T13:15:00+01:00</DtTm></BookgDt><BkTxCd/>"
        b"<TxDtls><RmtInf><Strd><CdtrRefInf><CdtrRef>4711</CdtrRef></CdtrRefInf></Strd></RmtInf></TxDtls></Ntry>"
        b"</Stmt></BkToCstmrStmtV01></Document>"
    )
    (change,) = read(body)
    assert change.record is not None
    assert change.record["account"] == "7788"
    assert change.record["creditor_reference"] == "4711"
    assert change.record["booked_on"] == "2009-10-29"


def test_envelope_around_the_document_is_looked_through() -> None:
    body = b"<Envelope><AppHdr/>" + file([entry("1.00")], "1.00") + b"</Envelope>"
    assert len(read(body)) == 1


def test_identical_lines_of_one_day_are_both_kept_and_stable() -> None:
    body = file([entry("10.00"), entry("10.00")], "20.00")
    first, again = read(body), read(body)
    assert len({c.external_id for c in first}) == 2
    assert [c.external_id for c in first] == [c.external_id for c in again]


def test_line_keeps_its_identity_in_a_longer_statement() -> None:
    shorter = read(file([entry("10.00", ref="X1")], "10.00"))
    longer = read(file([entry("3.00", ref="X0"), entry("10.00", ref="X1")], "13.00"))
    assert shorter[0].external_id == longer[1].external_id


def test_corrected_text_is_the_same_line_where_the_bank_gives_a_reference() -> None:
    def one(text: str) -> str:
        return read(
            file([entry("1.00", details=part("", remittance(f"<Ustrd>{text}</Ustrd>")), ref="K")], "1.00")
        )[0].external_id

    assert one("Mueller") == one("Müller")


def test_constant_reference_of_a_bank_does_not_merge_payments() -> None:
    days = ["<BookgDt><Dt>2026-03-02</Dt></BookgDt>", "<BookgDt><Dt>2026-03-03</Dt></BookgDt>"]
    lines = [entry(a, ref="CONST", day=d) for a in ("1.00", "10.00", "100.00") for d in days]
    assert len({c.external_id for c in read(file(lines, "222.00"))}) == 6


@pytest.mark.parametrize("placeholder", ["NONREF", "NOTPROVIDED", "0000000"])
def test_placeholder_reference_identifies_nothing(placeholder: str) -> None:
    def line(text: str) -> str:
        return entry("1.00", details=part("", remittance(f"<Ustrd>{text}</Ustrd>")), ref=placeholder)

    one = {c.external_id for c in read(file([line("a")], "1.00"))}
    two = {c.external_id for c in read(file([line("b")], "1.00"))}
    assert one.isdisjoint(two)


def test_equal_lines_on_two_pages_are_two() -> None:
    first, second = (read(file([entry("1.00")], "1.00", page=page)) for page in ("1", "2"))
    assert first[0].external_id != second[0].external_id


def test_missing_booking_date_is_the_day_of_a_one_day_statement() -> None:
    (change,) = read(file([entry("1.00", day="")], "1.00"))
    assert change.record is not None
    assert change.record["booked_on"] == "2026-03-02"


def test_missing_booking_date_stays_missing_over_several_days() -> None:
    body = file([entry("1.00", day="")], "1.00").replace(b"<Dt>2026-03-02</Dt>", b"<Dt>2026-03-01</Dt>", 1)
    (change,) = read(body)
    assert change.record is not None
    assert change.record["booked_on"] == ""


def test_unreadable_date_does_not_block_the_file() -> None:
    lines = [entry("1.00", day="<BookgDt><Dt>soon</Dt></BookgDt>", ref="a"), entry("1.00", ref="b")]
    body = file(lines, "2.00").replace(b"<Dt>2026-03-02</Dt>", b"<Dt>2026-03-01</Dt>", 1)
    assert [c.record["booked_on"] for c in read(body) if c.record] == ["", "2026-03-02"]


@pytest.mark.parametrize("amount", ["", "abc", "1e5", "NaN", "1,00", "0x10", "٣"])
def test_statement_with_an_unreadable_amount_is_parked(amount: str) -> None:
    assert "is not an amount" in parked(file([entry(amount), entry("1.00")], "1.00"))


def test_statement_with_an_entry_without_direction_is_parked() -> None:
    assert "neither CRDT nor DBIT" in parked(file([entry("1.00", "")], "1.00"))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the file is empty"),
        (b"\x00\xff", "no known bank format"),
        (b"<a/>", "neither camt"),
        (b"<!DOCTYPE a [<!ENTITY x 'y'>]><a><BkToCstmrStmt>&x;</BkToCstmrStmt></a>", "DOCTYPE"),
        (b"<BkToCstmrStmt>" * 5_000, "not well-formed"),
        (b"<Document><BkToCstmrStmt/></Document>", "no statement"),
        (b"\x1f\x8b\x08rest", r"packed \(gzip\)"),
        (b"PK\x03\x04rest", r"packed \(zip\)"),
    ],
)
def test_what_is_no_statement_is_invalid_and_says_what_it_is(body: bytes, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        read(body)


def test_file_of_another_account_is_rejected() -> None:
    with pytest.raises(Rejected, match=r"account \.\.\.3000, this connection is for \.\.\.0785"):
        read(file([entry("1.00")], "1.00"), account="FI21 1234 5600 0007 85")
    assert len(read(file([entry("1.00")], "1.00"), account=IBAN)) == 1


def test_records_encode_and_hold_no_float() -> None:
    for change in read(file([entry("10.10", details=part("10.10"), ref="x")], "10.10")):
        assert b"10.10" in encode(change.record)


def test_two_thousand_entries_read_in_seconds() -> None:
    details = part("", remittance("<Ustrd>INV-1</Ustrd>"))
    body = file([entry("1.00", details=details, ref=f"R{n}") for n in range(2_000)], "2000.00")
    started = time.monotonic()
    assert len(read(body)) == 2_000
    assert time.monotonic() - started < 5
