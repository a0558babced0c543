"""Every format becomes statements and payments: what is taken, what identifies it, what is left to others."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.bank.connector import Bank, Settings
from hub.sdk import Change, Delivery, Invalid, Rejected
from tests.connectors.bank.test_bai2 import PLAIN as BAI2
from tests.connectors.bank.test_lockbox import PLAIN as LOCKBOX
from tests.connectors.bank.test_mt940 import file as mt940
from tests.connectors.bank.test_nacha import CTX, ach, entry

IBAN = "DE89370400440532013000"
NOW = datetime(2026, 3, 2, tzinfo=UTC)
DIALECT = """
dialect: my-bank
delimiter: ";"
header: [Tag, Wer, Wofuer, Betrag]
columns: {booked_on: Tag, name: Wer, narrative: Wofuer, amount: Betrag}
dates: ["%d.%m.%Y"]
decimal: ","
currency: EUR
"""
CSV = "Tag;Wer;Wofuer;Betrag\n02.03.2026;Ada GmbH;INV-1;119,10\n02.03.2026;Landlord;rent;-800,00\n"


def read(body: bytes | str, **settings: object) -> list[Change]:
    sent = body if isinstance(body, bytes) else body.encode()
    return list(Bank(Settings.model_validate(settings)).read(Delivery({}, sent, "", NOW)))


def records(body: bytes | str, **settings: object) -> list[Any]:
    return [one.record for one in read(body, **settings) if one.kind == "payment"]


def frame(body: bytes | str, **settings: object) -> Any:
    (statement,) = [one.record for one in read(body, **settings) if one.kind == "statement"]
    return statement


def camt(kind: str, *refs: str, day: str = "<BookgDt><Dt>2026-03-02</Dt></BookgDt>", text: str = "") -> bytes:
    """A message with 10 EUR per reference and the balances of its kind."""
    message, part = {
        "052": ("BkToCstmrAcctRpt", "Rpt"), "053": ("BkToCstmrStmt", "Stmt"),
        "054": ("BkToCstmrDbtCdtNtfctn", "Ntfctn"),
    }[kind]  # fmt: skip

    def balance(code: str, amount: int) -> str:
        return (
            f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy='EUR'>{amount}</Amt>"
            "<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-03-02</Dt></Dt></Bal>"
        )

    told = f"<NtryDtls><TxDtls><RmtInf><Ustrd>{text}</Ustrd></RmtInf></TxDtls></NtryDtls>" if text else ""
    lines = "".join(
        "<Ntry><Amt Ccy='EUR'>10</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>"
        f"{day}<AcctSvcrRef>{ref}</AcctSvcrRef>{told}</Ntry>"
        for ref in refs
    )
    balances = balance("OPBD", 0) + balance("CLBD", 10 * len(refs)) if kind == "053" else ""
    return (
        f"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.{kind}.001.08'>"
        f"<{message}><{part}><Id>{kind}-1</Id>"
        f"<CreDtTm>2026-03-02T12:00:00Z</CreDtTm><Acct><Id><IBAN>{IBAN}</IBAN></Id></Acct>{balances}{lines}"
        f"</{part}></{message}></Document>"
    ).encode()


@pytest.mark.parametrize("kind", ["052", "054"])
def test_interim_reports_bring_no_payments_by_default(kind: str) -> None:
    (change,) = read(camt(kind, "A"))
    assert change.record is not None
    assert (change.kind, change.record["final"]) == ("statement", False)
    assert change.record["left"] == {"count": 1, "amount": Decimal(10)}


@pytest.mark.parametrize("kind", ["052", "054"])
def test_a_booking_is_the_same_payment_in_every_report_that_tells_of_it(kind: str) -> None:
    (early,) = (one for one in read(camt(kind, "A", text="INV-1"), intraday="take") if one.kind == "payment")
    final = [one for one in read(camt("053", "0", "A")) if one.kind == "payment"]
    assert early.external_id == final[1].external_id
    assert early.external_id != final[0].external_id


def test_a_notification_without_booking_date_is_of_the_day_it_was_made() -> None:
    (record,) = records(camt("054", "A", day=""), intraday="take")
    assert record["booked_on"] == "2026-03-02"


def test_mt940_credits_reversals_and_returned_debits_are_taken_and_other_debits_left() -> None:
    body = mt940(
        ":61:2603020302C100,00NTRFINV-1//BANK7",
        ":86:166?00GUTSCHRIFT?20EREF+E2E-1?21SVWZ+INV-1 thanks?30NDEAFIHH?31FI2112345600000785?32ADA GMBH",
        ":61:2603020302RC40,00NTRFINV-0//BANK8",
        ":86:166?20SVWZ+Storno?32BOB",
        ":61:2603020302D25,00NRTINONREF//BANK9",
        ":86:109?20SVWZ+Ruecklastschrift?32CARL?34901",
        ":61:2603020302D10,00NCHGNONREF//BANKA",
        ":86:808?20fees",
        closing="C260302EUR25,00",
    )
    found = records(body)
    assert [one["amount"] for one in found] == [Decimal(100), Decimal(-40), Decimal(-25)]
    assert [one["debtor"]["name"] for one in found] == ["ADA GMBH", "BOB", "CARL"]
    first = found[0]
    assert (first["end_to_end_id"], first["method"], first["bank_reference"]) == (
        "E2E-1",
        "transfer",
        "BANK7",
    )
    assert found[2]["return_reason"] == "901"
    told = frame(body)
    assert (told["taken"]["amount"], told["left"]["amount"]) == (Decimal(35), Decimal(-10))
    assert (told["number"], told["page"], told["final"]) == ("7", "2", True)
    assert (told["opened_on"], told["closed_on"]) == ("2026-03-01", "2026-03-02")


@pytest.mark.parametrize("told", ["37040044/0532013000", IBAN, f"{IBAN}EUR", "0532013000"])
def test_the_account_of_a_connection_is_recognised_as_banks_write_it(told: str) -> None:
    body = mt940(":61:2603020302C100,00NTRFX//B").replace(IBAN.encode(), told.encode())
    (record,) = records(body, account=IBAN)
    assert record["account"] == IBAN


@pytest.mark.parametrize("told", ["37040044/0532013001", "13000", "FI2112345600000785"])
def test_a_file_about_another_account_is_refused_without_telling_it(told: str) -> None:
    body = mt940(":61:2603020302C100,00NTRFX//B").replace(IBAN.encode(), told.encode())
    with pytest.raises(Rejected, match="this connection is for") as caught:
        read(body, account=IBAN)
    assert IBAN not in str(caught.value)
    assert told not in str(caught.value)


def test_bai2_details_keep_their_text_and_codes() -> None:
    wire, ach_credit = sorted(records(BAI2), key=lambda one: one["amount"], reverse=True)
    assert (wire["amount"], wire["method"], wire["creditor_reference"]) == (
        Decimal("500.00"), "transfer", "RF18539007547034",
    )  # fmt: skip
    assert (ach_credit["debtor"]["name"], ach_credit["end_to_end_id"]) == ("ACME INC", "E2E-77")
    assert frame(BAI2)["left"] == {"count": 1, "amount": Decimal("-50.00")}


def test_codes_told_by_another_file_are_left_to_it() -> None:
    assert [one["bank_code"] for one in records(BAI2, elsewhere=["142"])] == ["195"]
    assert frame(BAI2, elsewhere=["142"])["left"] == {"count": 2, "amount": Decimal("250.00")}


@pytest.mark.parametrize(("modifier", "final"), [("1", False), ("2", True), ("3", False), ("4", True)])
def test_bai2_group_tells_whether_it_is_final(modifier: str, final: bool) -> None:
    body = BAI2.replace("260301,,USD,2/", f"260301,,USD,{modifier}/")
    assert frame(body)["final"] is final
    assert bool(records(body)) is final


def test_bai2_account_whose_trailer_does_not_add_up_is_parked_with_the_arithmetic() -> None:
    (change,) = read(BAI2.replace("49,445000", "49,445001"))
    assert (change.kind, change.record) == ("statement", None)
    assert "445000, its trailer says 445001" in str(change.problem)


def test_ctx_receipt_brings_its_documents_and_its_trace() -> None:
    (record,) = records(CTX)
    assert [(one["number"], one["paid"], one["discount"]) for one in record["documents"]] == [
        ("INV-1", Decimal(100), Decimal(10)), ("INV-2", Decimal(50), None),
    ]  # fmt: skip
    assert (record["debtor"]["name"], record["account"], record["method"]) == (
        "ACME INC", "000123456789", "ach_credit",
    )  # fmt: skip
    assert record["trace"] == "121042880000001"
    assert record["booked_on"] == "2026-03-03"


def test_ctx_trace_is_that_of_its_820_where_it_has_one() -> None:
    (record,) = records(CTX.replace("N1*PR*ACME INC\\", "TRN*1*T-4711\\E "))
    assert record["trace"] == "T-4711"


def test_a_returned_collection_is_a_payment_below_zero_that_names_the_payer() -> None:
    back = f"799R01{'271111110000301':<15}{'':6}34513093{'INSUFFICIENT':<44}345130930000001"
    body = ach(entry("26", 6000, indicator="1", name="BOB"), back, klass="PPD", credits_=0, debits=6000)
    (record,) = records(body)
    assert (record["amount"], record["reversal"], record["return_reason"]) == (Decimal(-60), True, "R01")
    assert (record["debtor"]["name"], record["account"]) == ("BOB", "")
    assert records(body, account=IBAN)[0]["account"] == IBAN


def test_a_debit_entry_and_a_prenote_are_no_payments() -> None:
    assert records(ach(entry("27", 6000), klass="PPD", credits_=0, debits=6000)) == []
    assert records(ach(entry("23", 0), klass="PPD", credits_=0)) == []


def test_lockbox_cheques_bring_payer_cheque_number_and_documents() -> None:
    first, second = records(LOCKBOX)
    assert (first["debtor"]["name"], first["method"], first["cheque_number"]) == (
        "ACME INC",
        "cheque",
        "4711",
    )
    assert first["trace"] == "4711"
    assert [(one["number"], one["paid"]) for one in first["documents"]] == [
        ("INV-1", Decimal(1000)), ("INV-2", Decimal(500)),
    ]  # fmt: skip
    assert second["creditor_reference"] == "RF18539007547034"


def test_csv_is_read_by_the_dialect_of_the_connection() -> None:
    with pytest.raises(Invalid, match="declare a dialect"):
        read(CSV)
    for more in ({}, {"format": "csv"}):
        (record,) = records(CSV, csv_dialect=DIALECT, account=IBAN, **more)
        assert (record["amount"], record["debtor"]["name"]) == (Decimal("119.10"), "Ada GmbH")
        assert (record["account"], record["format"]) == (IBAN, "csv")


def test_a_dialect_that_cannot_be_is_refused_when_it_is_saved() -> None:
    with pytest.raises(ValidationError, match="booked_on and amount"):
        Settings(csv_dialect="dialect: x\ncolumns: {amount: A}\ncurrency: EUR")


def test_a_format_can_be_told_and_another_is_then_refused() -> None:
    assert frame(BAI2, format="bai2")["format"] == "bai2"
    assert frame(camt("053", "A"), format="camt")["format"] == "camt.053"
    with pytest.raises(Invalid):
        read(BAI2, format="camt")


def test_re_sent_files_of_every_format_bring_the_same_identities() -> None:
    for body in (camt("053", "A"), mt940(":61:2603020302C100,00NTRFX"), BAI2, CTX, LOCKBOX):
        assert [one.external_id for one in read(body)] == [one.external_id for one in read(body)]


def test_a_corrected_statement_is_another_one_and_its_lines_the_same() -> None:
    before, after = read(camt("053", "A")), read(camt("053", "A", "B"))
    assert before[0].external_id != after[0].external_id
    assert before[1].external_id == after[1].external_id
