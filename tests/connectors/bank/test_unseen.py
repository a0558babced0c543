"""Unusual but valid files of the published formats are read whole, and what is cut off is told."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from connectors.bank import balance, formats, lines, summary
from connectors.bank.csv_dialect import declared, read_as
from connectors.bank.statement import Entry, Statement
from hub.sdk import Invalid
from tests.connectors.bank.test_bai2 import PLAIN as BAI2
from tests.connectors.bank.test_mt940 import file as mt940
from tests.connectors.bank.test_mt940 import only
from tests.connectors.bank.test_nacha import ach
from tests.connectors.bank.test_nacha import entry as ach_entry
from tests.connectors.bank.test_ofx import XML as OFX
from tests.connectors.bank.test_statement_camt import entry as camt_entry
from tests.connectors.bank.test_statement_camt import file as camt_file
from tests.connectors.bank.test_statement_camt import statement as camt_statement

VERSIONS = [f"{message}.001.{number:02d}" for message in ("052", "053", "054") for number in range(1, 14)]
MESSAGES = {
    "052": ("BkToCstmrAcctRpt", "Rpt"),
    "053": ("BkToCstmrStmt", "Stmt"),
    "054": ("BkToCstmrDbtCdtNtfctn", "Ntfctn"),
}


def read(body: bytes) -> list[Statement]:
    return list(formats.reader_of(body[: formats.HEAD])[1].read(body))


def doubts(one: Statement) -> list[str]:
    return [problem.message for problem in balance.doubts(one, balance.totals(one))]


def first(body: bytes) -> Entry:
    return read(body)[0].entries[0]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_published_version_of_camt_is_read(version: str) -> None:
    message, account = MESSAGES[version[:3]]
    number = int(version[-2:])
    status = "<Sts>BOOK</Sts>" if number < 7 else "<Sts><Cd>BOOK</Cd></Sts>"
    party = "<Nm>Ada</Nm>" if number < 8 else "<Pty><Nm>Ada</Nm></Pty>"
    inner = f"<NtryDtls><TxDtls><RltdPties><Dbtr>{party}</Dbtr></RltdPties></TxDtls></NtryDtls>"
    told = camt_entry(inner=inner).replace("<Sts><Cd>BOOK</Cd></Sts>", status)
    namespace = f"urn:iso:std:iso:20022:tech:xsd:camt.{version}"
    (one,) = read(camt_file(camt_statement(told, tag=account), message=message, namespace=namespace))
    assert ([entry.amount for entry in one.entries], doubts(one)) == ([Decimal(100)], [])
    assert one.entries[0].transactions[0].payer.name == "Ada"


@pytest.mark.parametrize(
    "text",
    ["717.76.000.09 BTW F 611,53", "100,00 EUR INV 4711", "100-20 INV 1", "105.20 text only", "100+20 INV 2",
     "177!99 no subfield", "12-11 INV 3"],
)  # fmt: skip
def test_a_text_that_begins_with_a_number_is_no_list_of_subfields(text: str) -> None:
    entry = first(mt940(":61:260302C100,00NTRFX", f":86:{text}"))
    assert entry.transactions[0].narrative == (text,)


@pytest.mark.parametrize("mark", list("?>!<~#@"))
def test_every_mark_of_subfields_is_understood(mark: str) -> None:
    text = "166?00CREDIT?20EREF+E1?21SVWZ+INV 4711 and?22 INV 4712?32Ada?33 GmbH".replace("?", mark)
    entry = first(mt940(":61:260302C100,00NTRFX", f":86:{text}"))
    (told,) = entry.transactions
    assert (told.narrative, told.end_to_end_id) == (("INV 4711 and INV 4712",), "E1")
    assert told.payer.name == "Ada GmbH"


def test_words_in_front_of_the_first_known_slash_tag_are_kept() -> None:
    entry = first(mt940(":61:260302C100,00NTRFX", ":86:/INV/4711/REMI/and the rest"))
    assert entry.transactions[0].narrative == ("/INV/4711", "and the rest")


@pytest.mark.parametrize(
    ("line", "amount"),
    [
        ("260302C12,34NTRFNONREF", "12.34"), ("260302RC12,34NTRFX//B", "-12.34"),
        ("260302RD12,NTRFX", "12"),
        ("2603020302CR12,34NTRFX", "12.34"), ("2603020302RCR12,34NTRFX", "-12.34"),
        ("260302DD,50FMSCX", "-0.50"),
        ("2603020302C12,34NTRF1234", "12.34"), ("2603020302C12,34S103X//B", "12.34"),
        ("260302C12,34", "12.34"),
        ("260302C1.234,56NTRFX", "1234.56"), ("2603020302D1,234NTRFX", "-1.234"),
    ],
)  # fmt: skip
def test_every_form_of_a_statement_line_has_its_amount(line: str, amount: str) -> None:
    (one,) = read(mt940(f":61:{line}"))
    assert ([entry.amount for entry in one.entries], one.problems) == ([Decimal(amount)], ())


def test_an_entry_of_no_amount_is_counted_on_the_side_the_bank_counts_it() -> None:
    claimed = (
        "<TxsSummry><TtlCdtNtries><NbOfNtries>{}</NbOfNtries><Sum>100.00</Sum></TtlCdtNtries></TxsSummry>"
    )
    entries = camt_entry(), camt_entry("0.00")
    (two,) = read(camt_file(camt_statement(claimed.format(2), *entries)))
    (three,) = read(camt_file(camt_statement(claimed.format(3), *entries)))
    assert doubts(two) == []
    assert doubts(three) == ["TtlCdtNtries claims 3 entries of 100.00, there are 1 entries of 100.00"]


def test_an_interim_report_may_count_a_movement_of_no_amount() -> None:
    report = b":20:X\n:25:A\n:28C:1/1\n:34F:EUR0,\n:61:260302C0,00NTRFX\n:90C:%dEUR0,00\n-"
    assert only(report % 1).problems == ()
    assert "claims 2 movements of 0.00" in only(report % 2).problems[0].message


def documents(remittance: str) -> list[dict[str, Any]]:
    inner = f"<NtryDtls><TxDtls><RmtInf>{remittance}</RmtInf></TxDtls></NtryDtls>"
    entry = first(camt_file(camt_statement(camt_entry(inner=inner))))
    (line,) = lines.lines_of(entry)
    return lines.documents(line.told.documents, entry.currency)


@pytest.mark.parametrize("kind", ["<Tp><CdOrPrtry><Cd>CINV</Cd></CdOrPrtry></Tp>", ""])
def test_the_amount_of_a_credit_note_makes_the_payment_less_whatever_its_type(kind: str) -> None:
    note = "<RfrdDocAmt><CdtNoteAmt Ccy='EUR'>7.00</CdtNoteAmt></RfrdDocAmt>"
    (one,) = documents(f"<Strd><RfrdDocInf>{kind}<Nb>C-1</Nb></RfrdDocInf>{note}</Strd>")
    assert (one["number"], one["paid"], one["currency"]) == ("C-1", Decimal("-7.00"), "EUR")


def test_all_discounts_of_a_document_are_taken_together() -> None:
    discounts = "".join(
        f"<DscntApldAmt><Amt Ccy='EUR'>{one}</Amt></DscntApldAmt>" for one in ("1.00", "2.00")
    )
    amounts = f"<RfrdDocAmt>{discounts}<RmtdAmt Ccy='EUR'>97.00</RmtdAmt></RfrdDocAmt>"
    (one,) = documents(f"<Strd><RfrdDocInf><Nb>I-1</Nb></RfrdDocInf>{amounts}</Strd>")
    assert (one["paid"], one["discount"]) == (Decimal("97.00"), Decimal("3.00"))


def test_amounts_told_by_the_lines_of_several_documents_belong_to_each() -> None:
    told = "".join(
        f"<RfrdDocInf><Nb>I-{at}</Nb>"
        + "<LineDtls><Id><Nb>1</Nb></Id><Amt><RmtdAmt Ccy='EUR'>20.00</RmtdAmt></Amt></LineDtls>" * at
        + "</RfrdDocInf>"
        for at in (1, 2)
    )
    found = [(one["number"], one["paid"]) for one in documents(f"<Strd>{told}</Strd>")]
    assert found == [("I-1", Decimal("20.00")), ("I-2", Decimal("40.00"))]


def test_a_bai2_file_that_ends_before_its_first_account_is_no_empty_one() -> None:
    for until in (1, 2):
        head = "\n".join(BAI2.splitlines()[:until]).encode()
        with pytest.raises(Invalid, match="no account in the file"):
            read(head)
    assert read(b"01,BANK,FIRM,260302,0815,7,80,,2/\n99,0,0,2/\n") == []


def test_nacha_files_behind_each_other_are_read_one_by_one() -> None:
    one = ach(ach_entry("22", 500), klass="CCD", credits_=500, count=1)
    two = ach(ach_entry("22", 700), klass="CCD", credits_=700, count=1)
    whole = one.rstrip("\n") + "\n" + two
    found = read(whole.encode())
    assert [[entry.amount for entry in each.entries] for each in found] == [[Decimal(5)], [Decimal(7)]]
    assert [each.problems for each in found] == [list(each.problems) for each in read(one.encode())] * 2


def test_an_ofx_file_without_its_end_is_never_taken_for_whole() -> None:
    body = OFX.encode()
    assert [doubts(one) for one in read(body)] == [[]] * len(read(body))
    whole = sum(len(one.entries) for one in read(body))
    seen = 0
    for cut in range(len(body) // 4, len(body.rstrip()), 7):
        try:
            found = read(body[:cut])
        except Invalid:
            continue
        assert found
        assert all(doubts(one) for one in found), cut
        seen += sum(len(one.entries) for one in found) < whole
    assert seen


def test_a_csv_row_that_ends_in_the_middle_is_never_half_an_amount() -> None:
    told = declared(
        "dialect: here\nheader: [Date, Amount, Text]\n"
        "columns: {booked_on: Date, amount: Amount, narrative: Text}\ncurrency: EUR\n"
    )
    whole = b"Date,Amount,Text\n2026-03-01,5.00,a\n2026-03-02,123.45,b"
    (one,) = read_as(told, whole)
    assert [entry.amount for entry in one.entries] == [Decimal("5.00"), Decimal("123.45")]
    for cut in range(len(whole) - 7, len(whole) - 1):
        with pytest.raises(Invalid, match="line 3: the last row ends before its last column"):
            list(read_as(told, whole[:cut]))
    (short,) = read_as(told, b"Date,Amount,Text\n2026-03-02,123.45\n")
    assert [entry.amount for entry in short.entries] == [Decimal("123.45")]


def test_zeros_of_a_hundred_megabytes_are_an_empty_file(tmp_path: Any) -> None:
    path = tmp_path / "zeros"
    with path.open("wb") as stream:
        stream.truncate(100_000_000)
    found = summary.of_file(path)
    assert [one.message for one in found.problems] == ["the file is empty"]


def rf_like() -> bytes:
    words = b"RF12" + b"A" * 28 + b" "
    return BAI2.replace("WIRE RF18 5390 0754 7034", "{}").encode().replace(b"{}", words * 40_000)


def wrapped() -> bytes:
    return BAI2.replace("PAYS INV-1/", "PAYS INV-1/" + "\nmore" * 350_000).encode()


def subfields() -> bytes:
    line = b":61:2603020302C100,00NTRFX\n:86:166?00CREDIT?20EREF+E\n" + b"?20EREF+abcdefghijklmno\n" * 90_000
    return b":20:R\n:25:A\n:28C:1/1\n:60F:C260301EUR0,00\n" + line * 4 + b":62F:C260302EUR400,00\n-\n"


@pytest.mark.parametrize("made", [rf_like, wrapped, subfields])
def test_long_runs_cost_in_proportion_to_their_length(made: Callable[[], bytes]) -> None:
    """Each took far longer while parts of words were tried, or texts copied, again and again."""
    body = made()
    began = time.process_time()
    assert sum(len(entry.transactions) for one in read(body) for entry in one.entries)
    assert time.process_time() - began < 12
