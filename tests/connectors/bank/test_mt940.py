"""MT940 and MT942 as banks write them: signs, dates, wraps, envelopes, and the dialects of :86:."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from connectors.bank import balance, formats, mt940
from connectors.bank.statement import Amount, Entry, Party, Reference, Statement, problem_of
from hub.sdk import Invalid


def file(*lines: str, opening: str = "C260301EUR0,00", closing: str = "C260302EUR100,00") -> bytes:
    body = [
        ":20:REF",
        ":25:DE89370400440532013000",
        ":28C:7/2",
        f":60F:{opening}",
        *lines,
        f":62F:{closing}",
        "-",
    ]
    return "\r\n".join(body).encode()


def only(body: bytes) -> Statement:
    (one,) = mt940.read(body)
    return one


def line(*lines: str) -> Entry:
    (one,) = only(file(*lines)).entries
    return one


def test_a_statement_has_account_number_balances_and_entries() -> None:
    one = only(file(":61:2603020302C100,00NTRFINV-1//BANK7", ":86:thank you"))
    assert (one.account, one.currency, one.number, one.page) == ("DE89370400440532013000", "EUR", "7", "2")
    assert balance.balanced(one, balance.totals(one))
    (entry,) = one.entries
    (part,) = entry.transactions
    assert (entry.amount, entry.bank_code, entry.bank_reference) == (Decimal(100), "NTRF", "BANK7")
    assert (part.customer_reference, part.narrative) == ("INV-1", ("thank you",))


@pytest.mark.parametrize(
    ("mark", "amount", "reversal"),
    [
        ("C", "25", False), ("D", "-25", False), ("RC", "-25", True), ("RD", "25", True),
        ("CR", "25", False), ("RCR", "-25", True), ("DR", "-25", False),
    ],
)  # fmt: skip
def test_a_mark_and_the_letter_of_the_currency_tell_the_sign(mark: str, amount: str, reversal: bool) -> None:
    entry = line(f":61:2603020302{mark}25,NTRFNONREF")
    assert (entry.amount, entry.reversal) == (Decimal(amount), reversal)


@pytest.mark.parametrize(
    ("written", "booked", "value"),
    [
        ("2603020302", date(2026, 3, 2), date(2026, 3, 2)),
        ("2512310102", date(2026, 1, 2), date(2025, 12, 31)),
        ("2601021231", date(2025, 12, 31), date(2026, 1, 2)),
        ("260230    ", date(2026, 2, 28), date(2026, 2, 28)),
        ("260302", date(2026, 3, 2), date(2026, 3, 2)),
    ],
)
def test_dates_are_those_the_bank_means(written: str, booked: date, value: date) -> None:
    entry = line(f":61:{written}C1,00NTRFNONREF")
    assert (entry.booked_on, entry.value_on) == (booked, value)


def test_a_date_that_is_none_is_a_problem_and_loses_no_entry() -> None:
    one = only(file(":61:2613450302C100,00NTRFNONREF"))
    assert (one.entries[0].amount, one.entries[0].value_on) == (Decimal(100), None)
    assert one.problems[0].line == 5


def test_german_subfields_are_taken_apart() -> None:
    entry = line(
        ":61:2603020302C100,00N051NONREF",
        ":86:166?00GUTSCHRIFT?10004?20EREF+E2E-77?21MREF+M-1?22SVWZ+INV 4711 RF18",
        "?23539007547034 DANKE?30COBADEFFXXX?31DE02120300000000202051?32ADA?33 GMBH",
        "?34902",
    )
    (part,) = entry.transactions
    assert part.payer == Party("ADA GMBH", "DE02120300000000202051", "COBADEFFXXX")
    assert (part.end_to_end_id, part.mandate_id, part.return_reason) == ("E2E-77", "M-1", "902")
    assert part.narrative == ("INV 4711 RF18539007547034 DANKE",)
    assert part.references == (Reference("RF18539007547034", "RF"),)
    assert entry.bank_code == "N051/166"


def test_german_lines_without_qualifiers_keep_their_order() -> None:
    (part,) = line(":61:2603020302D1,00NMSCNONREF", ":86:005?20LINE ONE?21LINE TWO?32MALL").transactions
    assert part.narrative == ("LINE ONE", "LINE TWO")
    assert (part.payee.name, part.payer.name) == ("MALL", "")


def test_dutch_slash_tags_are_taken_apart_over_line_breaks() -> None:
    entry = line(
        ":61:2603020302C100,00NTRFEREF//B1",
        ":86:/TRTP/SEPA OVERBOEKING/IBAN/NL66RABO0160878799/BIC/RABONL2U/NAM",
        "E/R SMITH/REMI/INVOICE 4711/EREF/E2E-9",
    )
    (part,) = entry.transactions
    assert part.payer == Party("R SMITH", "NL66RABO0160878799", "RABONL2U")
    assert (part.narrative, part.end_to_end_id) == (("INVOICE 4711",), "E2E-9")


def test_ing_counterparty_and_structured_reference() -> None:
    (part,) = line(
        ":61:2603020302C100,00NTRFNONREF",
        ":86:/CNTP/NL02ABNA0123456789/ABNANL2A/ACME BV/AMSTERDAM//",
        "/REMI/STRD/CUR/9550000552145632//",
    ).transactions
    assert part.payer == Party("ACME BV", "NL02ABNA0123456789", "ABNANL2A")
    assert part.references == (Reference("9550000552145632", "OTHER"),)


def test_original_amount_and_charges_are_kept() -> None:
    (part,) = line(":61:2603020302C100,00NTRFNONREF", "/OCMT/USD110,00/CHGS/EUR2,50/").transactions
    assert part.instructed == Amount(Decimal(110), "USD")
    assert [(one.amount, one.currency) for one in part.charges] == [(Decimal("2.50"), "EUR")]


def test_repeated_text_fields_belong_to_the_same_line() -> None:
    (part,) = line(":61:2603020302C100,00NTRFNONREF", ":86:one", ":86:two").transactions
    assert part.narrative == ("one", "two")


def test_text_behind_the_closing_balance_belongs_to_no_line() -> None:
    body = file(":61:2603020302C100,00NTRFNONREF").replace(b"\r\n-", b"\r\n:86:for the statement\r\n-")
    assert only(body).entries[0].transactions[0].narrative == ()


@pytest.mark.parametrize("breaks", ["\n", "\r", "\r\n"])
def test_line_breaks_envelopes_and_byte_order_marks_do_not_matter(breaks: str) -> None:
    inner = file(":61:2603020302C100,00NTRFNONREF", ":86:- a dash begins this").decode()
    wrapped = "{1:F01ABCDEFFXXXX0000000000}{2:O940ABCDEFFXXXXN}{3:}{4:\r\n" + inner[:-1] + "-}{5:}"
    body = b"\xef\xbb\xbf" + (wrapped + "\r\n" + wrapped).replace("\r\n", breaks).encode()
    assert formats.reader_of(body)[0] == "mt940"
    found = list(mt940.read(body))
    assert [one.entries[0].transactions[0].narrative for one in found] == [("- a dash begins this",)] * 2


def test_pages_without_their_own_reference_are_statements_of_their_own() -> None:
    first = file(":61:2603020302C100,00NTRFNONREF").decode().replace(":62F:", ":62M:")
    second = "\r\n:28C:7/3\r\n:60M:C260302EUR100,00\r\n:61:2603020302D40,00NTRFX\r\n:62F:C260302EUR60,00\r\n-"
    found = list(mt940.read((first + second).encode()))
    assert [(one.page, balance.balanced(one, balance.totals(one))) for one in found] == [
        ("2", True),
        ("3", True),
    ]


def test_an_interim_report_is_held_to_its_own_totals() -> None:
    body = b":20:R\n:25:1\n:28C:1\n:34F:EUR0,\n:61:260102C5,00NTRFX\n:90D:0EUR0,\n:90C:%s\n-"
    assert formats.reader_of(body % b"1EUR5,00")[0] == "mt942"
    assert only(body % b"1EUR5,00").problems == ()
    assert only(body % b"1EUR5,00").currency == "EUR"
    assert "claims 2 movements of 9.00, there are 1 of 5.00" in only(body % b"2EUR9,00").problems[0].message


def test_a_statement_that_is_cut_off_is_told() -> None:
    (problem,) = only(file().split(b":62F:")[0]).problems
    assert "the closing balance (:62F:) is missing" in problem.message


@pytest.mark.parametrize(
    ("body", "at", "message"),
    [
        (file(":61:soon", ":61:2603020302C100,00NTRFX"), 5, ":61: 'soon' is no statement line"),
        (
            file(":61:2603020302C100,00NTRFX", opening="X260301EUR1,00"),
            4,
            ":60F: 'X260301EUR1,' is no balance",
        ),
        (
            file(":61:2603020302C100,00NTRFX", opening="C260301EURnull"),
            4,
            ":60F: 'C260301EURnu' is no balance",
        ),
    ],
)
def test_what_cannot_be_read_is_a_problem_of_its_statement_and_loses_no_other_line(
    body: bytes, at: int, message: str
) -> None:
    (first, second) = mt940.read(body + b"\r\n" + file(":61:2603020302C100,00NTRFX"))
    assert first.problems[0] == (at, message)
    assert [one.amount for one in first.entries] == [Decimal(100)]
    assert (second.problems, len(second.entries)) == ((), 1)


def test_a_file_without_any_statement_is_refused() -> None:
    with pytest.raises(Invalid, match="neither balances nor :61: lines") as told:
        list(mt940.read(b":20:A\n:25:B\n:28C:1\n"))
    assert problem_of(told.value).line == 0


def test_thousands_are_not_decimals_and_nothing_behind_an_amount_is_lost() -> None:
    assert line(":61:2603020302C1.234.567,89NTRFX").amount == Decimal("1234567.89")
    assert only(file(":61:2603020302C1,5,5NTRFX")).problems[0].line == 5


def test_a_balance_report_has_no_movements_to_prove() -> None:
    body = b":20:R\n:25:1\n:28:1\n:60F:C260301EUR10,\n:90D:2EUR5,\n:90C:1EUR6,\n:62F:C260302EUR11,\n-"
    one = only(body)
    assert (one.opening, one.problems, one.closing and one.closing.amount) == (None, (), Decimal(11))
    assert "balance report" in one.advice[0].message


def test_text_in_utf16_and_a_change_of_encoding_in_the_middle_are_read() -> None:
    body = file(":61:2603020302C100,00NTRFX", ":86:f\u00fcr Gr\u00f6\u00dfe")
    assert list(mt940.read(body.decode().encode("utf-16"))) == list(mt940.read(body))
    latin = body.decode().encode("cp1252")
    assert next(mt940.read(latin)).entries[0].transactions[0].narrative == ("f\u00fcr Gr\u00f6\u00dfe",)
    late = file(":61:2603020302C100,00NTRFX", ":86:" + "x" * 65) * 1_500 + latin
    assert list(mt940.read(late))[-1].entries[0].transactions[0].narrative == ("f\u00fcr Gr\u00f6\u00dfe",)


def test_a_line_without_end_is_refused() -> None:
    with pytest.raises(Invalid, match="a line is over"):
        list(mt940.read(b":20:A\n:86:" + b"x" * (mt940.LINE_MAX + 2 * 1024**2)))
