"""CSV by declared dialect: samples counted with the csv module, signs, dates, decimal marks, bad cells."""

from __future__ import annotations

import csv
from contextlib import suppress
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.bank import csv_dialect
from connectors.bank.statement import Statement
from hub.sdk import Invalid, Rejected

SAMPLES = Path(__file__).resolve().parents[3].parent / "shared" / "samples" / "bank" / "csv"
LABELS = """
dialect: labels
header: [Date, Label, Currency, Amount, Amount Currency, Partner Name, Bank Account]
columns: {booked_on: Date, amount: Amount, currency: Currency, name: Partner Name, narrative: Label}
dates: ["%m/%d/%Y"]
thousands: ","
"""
SECURITIES = """
dialect: broker
header: [DATE, TYPE, "REF #", DESCRIPTION, FEES, AMOUNT, BALANCE]
columns: {booked_on: DATE, amount: AMOUNT, balance: BALANCE, narrative: DESCRIPTION, bank_reference: "REF #"}
currency: USD
"""
# Sample, its dialect (empty: one that comes with the connector), the column of the amount for the check.
DECLARED = [
    ("OCA_bank-statement-import__sample_statement_en.csv", LABELS, "Amount"),
    ("OCA_bank-statement-import__sample_statement_credit_card_inverse_sign_en.csv", LABELS, "Amount"),
    ("OCA_bank-statement-import__original_currency.csv", LABELS, "Amount"),
    ("beancount_beangulp__2014-10-01.utrade.UTrade20141001.csv", SECURITIES, "AMOUNT"),
    ("beancount_beangulp__2015-05-05.utrade.UTrade20150505.csv", SECURITIES, "AMOUNT"),
    ("beancount_beangulp__2015-07-20.utrade.UTrade20150720.csv", SECURITIES, "AMOUNT"),
    ("beancount_beangulp__2015-12-07.utrade.UTrade20151207.csv", SECURITIES, "AMOUNT"),
    ("beancount_beangulp__UTrade20150225.csv", SECURITIES, "AMOUNT"),
    ("beancount_beangulp__UTrade20160215.csv", SECURITIES, "AMOUNT"),
    ("beancount_beangulp__statement.csv", "", "Amount"),
    ("sebastienrousseau_bankstatementparser__sample_statement.csv", "", "Amount"),
]
SPLIT = """
dialect: split
encoding: cp1252
delimiter: ";"
header: [Tag, Text, Soll, Haben]
columns: {booked_on: Tag, debit: Soll, credit: Haben, narrative: [Text]}
dates: ["%d.%m.%Y", "%d.%m.%y"]
decimal: ","
thousands: "."
currency: EUR
account: DE89 3704 0044
ignore: [Saldo]
"""
ROWS = "Konto;0815\n\nTag;Text;Soll;Haben\n02.03.2026;Größe;1.234,50;\n03.03.26;Müller;;20,00\nSaldo;;;1,00\n"


def read(dialect: str, text: str | bytes) -> list[Statement]:
    body = text if isinstance(text, bytes) else text.encode("cp1252")
    return list(csv_dialect.read_as(csv_dialect.declared(dialect), body))


@pytest.mark.parametrize(("name", "dialect", "column"), DECLARED, ids=[one[0] for one in DECLARED])
def test_declared_samples_have_the_rows_and_the_sum_of_their_column(
    name: str, dialect: str, column: str
) -> None:
    file = SAMPLES / name
    if not file.is_file():
        pytest.skip("no shared CSV samples here")
    rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    body = file.read_bytes()
    statements = read(dialect, body) if dialect else list(csv_dialect.read(body))
    amounts = [entry.amount for one in statements for entry in one.entries]
    assert amounts == [Decimal(row[column].replace(",", "")) for row in rows]
    for one in statements:
        assert one.problems == []
        moved = sum((entry.amount for entry in one.entries), Decimal(0))
        assert (one.opening is None) == ("Balance" not in rows[0] and "BALANCE" not in rows[0])
        assert one.opening is None or one.closing is None or one.opening.amount + moved == one.closing.amount


def test_a_garbled_amount_names_its_line() -> None:
    file = SAMPLES / "sebastienrousseau_bankstatementparser__csv_garbled_amount.csv"
    if not file.is_file():
        pytest.skip("no shared CSV samples here")
    with pytest.raises(Invalid, match=r"line 3: amount '12..34' is not an amount"):
        list(csv_dialect.read(file.read_bytes()))


def test_debit_and_credit_columns_with_comma_and_two_date_forms() -> None:
    (one,) = read(SPLIT, ROWS)
    assert (one.account, one.currency) == ("DE8937040044", "EUR")
    assert [entry.amount for entry in one.entries] == [Decimal("-1234.50"), Decimal("20.00")]
    assert [entry.booked_on for entry in one.entries] == [date(2026, 3, 2), date(2026, 3, 3)]
    assert [entry.line for entry in one.entries] == [4, 5]
    assert one.entries[0].transactions[0].narrative == ["Größe"]


def test_a_debit_written_with_a_minus_is_still_a_debit() -> None:
    (one,) = read(SPLIT, ROWS.replace("1.234,50", "-1.234,50"))
    assert one.entries[0].amount == Decimal("-1234.50")


def test_inverted_sign_turns_a_card_statement_round() -> None:
    (one,) = read(SPLIT + "sign: inverted\n", ROWS)
    assert [entry.amount for entry in one.entries] == [Decimal("1234.50"), Decimal("-20.00")]


def test_newest_row_first_is_told_by_the_running_balance() -> None:
    text = "Date,Description,Amount,Currency,Balance,Account,Reference\n"
    rows = "2026-03-02,b,-5.00,EUR,15.00,X,2\n2026-03-01,a,10.00,EUR,20.00,X,1\n"
    (one,) = csv_dialect.read((text + rows).encode())
    assert one.opening is not None
    assert one.closing is not None
    assert (one.opening.amount, one.closing.amount) == (Decimal(10), Decimal(15))


def test_a_running_balance_that_does_not_follow_is_a_problem() -> None:
    text = "Date,Description,Amount,Currency,Balance,Account,Reference\n"
    rows = "2026-03-02,b,-5.00,EUR,15.00,X,2\n2026-03-01,a,10.00,EUR,21.00,X,1\n"
    (one,) = csv_dialect.read((text + rows).encode())
    assert [problem.line for problem in one.problems] == [2]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("1.234,50", "1.23x,50", "line 4: debit"),
        ("1.234,50", "1.2,34,50", "line 4: debit"),
        ("02.03.2026", "31.02.2026", "line 4: .* is no date"),
        (";;20,00", ";;", "line 5: the row has no amount"),
        ("Tag;Text", "Day;Text", "header of dialect split is not in the file"),
    ],
)
def test_a_cell_that_cannot_be_read_names_its_line(old: str, new: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        read(SPLIT, ROWS.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("debit: Soll", "amnt: Soll", "amnt is none of"),
        ('decimal: ","', 'decimal: ";"', "decimal"),
        ("currency: EUR", "currency: ''", "declare the column"),
        ("dialect: split", "dialect: [", "no YAML"),
        ("dialect: split", "dialect: ../split", "dialect"),
    ],
)
def test_a_wrong_dialect_names_the_key(old: str, new: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        csv_dialect.declared(SPLIT.replace(old, new))


def test_only_files_with_a_declared_header_are_recognised() -> None:
    assert csv_dialect.recognises(b"Date,Description,Amount,Currency\n2026-03-01,a,1,EUR\n") == "csv"
    assert csv_dialect.recognises(b"PmtInfId\nx\n") == ""
    assert csv_dialect.recognises(b"\x00\xff" * 100) == ""
    with pytest.raises(Invalid, match="no declared CSV dialect"):
        list(csv_dialect.read(b"PmtInfId\nx\n"))


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(ROWS)), st.integers(0, 40), st.binary(max_size=30))
def test_damage_anywhere_raises_nothing_but_the_readers_own_error(at: int, gone: int, new: bytes) -> None:
    body = ROWS.encode("cp1252")
    with suppress(Invalid, Rejected):
        read(SPLIT, body[:at] + new + body[at + gone :])
