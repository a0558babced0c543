"""BAI2: every sample counted by a pattern, continued and blocked files, control sums as problems."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.bank import bai2
from connectors.bank.statement import Statement
from hub.sdk import Invalid, Rejected

SAMPLES = Path(__file__).resolve().parents[3].parent / "shared" / "samples" / "bank" / "bai2"
FILES = sorted(SAMPLES.glob("*")) if SAMPLES.is_dir() else []
# An illustration of a manual and an edited file: what their trailers claim was never true.
NOT_TRUE = {"moov-io_bai2__example.txt", "moov-io_bai2__sample5-issue113.txt"}

PLAIN = """01,BANK,FIRM,260302,0815,7,80,,2/
02,FIRM,BANK,1,260301,,USD,2/
03,1234567890,USD,010,100000,,,015,175000,,,100,80000,2,,400,5000,1,/
16,142,30000,V,260302,,TRACE1,CUST1,ACME INC, PAYS INV-1/
88,EREF: E2E-77
88,DBNM: ACME INC
16,195,50000,Z,TRACE2,,WIRE RF18 5390 0754 7034/
16,475,5000,,CHK,000123/
49,445000,7/
98,445000,1,9/
99,445000,1,11/
"""


def read(text: str | bytes) -> list[Statement]:
    return list(bai2.read(text if isinstance(text, bytes) else text.encode()))


def counted(text: str) -> tuple[int, Decimal, Decimal]:
    """Details, credits and debits by a pattern over the raw text; all samples have two decimals."""
    found = re.findall(r"(?:^|/ +)16,(\d{3}),(\d*),", text, re.MULTILINE)
    credits_ = sum(int(units or 0) for code, units in found if 100 <= int(code) <= 399)
    debits = sum(int(units or 0) for code, units in found if 400 <= int(code) <= 699)
    return len(found), Decimal(credits_) / 100, Decimal(debits) / 100


@pytest.mark.skipif(not FILES, reason="no shared BAI2 samples here")
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_sample_has_the_counts_and_sums_a_pattern_finds(file: Path) -> None:
    statements = read(file.read_bytes())
    amounts = [entry.amount for one in statements for entry in one.entries]
    credits_, debits = sum(a for a in amounts if a > 0), -sum(a for a in amounts if a < 0)
    assert (len(amounts), credits_, debits) == counted(file.read_text(encoding="latin-1"))
    assert bool([p for one in statements for p in one.problems]) == (file.name in NOT_TRUE)
    assert bai2.recognises(file.read_bytes()[:65_536]) == "bai2"


def test_a_report_is_read_with_references_text_and_balances() -> None:
    (one,) = read(PLAIN)
    assert one.problems == []
    assert one.opening is not None
    assert one.closing is not None
    assert (one.account, one.opening.amount, one.closing.amount) == (
        "1234567890",
        Decimal(1000),
        Decimal(1750),
    )
    ach, wire, cheque = (entry.transactions[0] for entry in one.entries)
    assert [entry.amount for entry in one.entries] == [Decimal(300), Decimal(500), Decimal(-50)]
    assert one.entries[0].value_on == date(2026, 3, 2)
    assert one.entries[0].booked_on == date(2026, 3, 1)
    assert (ach.bank_reference, ach.customer_reference) == ("TRACE1", "CUST1")
    assert list(ach.narrative) == ["ACME INC, PAYS INV-1", "EREF: E2E-77", "DBNM: ACME INC"]
    assert (ach.end_to_end_id, ach.payer.name) == ("E2E-77", "ACME INC")
    assert [ref.value for ref in wire.references] == ["RF18539007547034"]
    assert cheque.cheque_number == "000123"


def blocked(text: str) -> bytes:
    """The same records padded to 80 columns in one line without breaks."""
    return "".join(line.ljust(80) for line in text.splitlines()).encode()


def test_a_blocked_file_says_the_same_as_the_file_with_lines() -> None:
    plain, block = read(PLAIN)[0], read(blocked(PLAIN))[0]
    assert [e.transactions for e in plain.entries] == [e.transactions for e in block.entries]
    assert block.problems == []


def test_records_behind_each_other_on_a_line_are_told_apart() -> None:
    joined = PLAIN.replace("2/\n02,", "2/   02,").replace("/\n98,", "/  98,")
    assert [e.amount for e in read(joined)[0].entries] == [Decimal(300), Decimal(500), Decimal(-50)]
    assert read(joined)[0].problems == []


def test_a_balance_list_may_go_on_in_the_middle_of_an_item() -> None:
    split = PLAIN.replace(",,,100,80000,2,,", ",,,100,80000/\n88,2,,").replace("49,445000,7", "49,445000,8")
    split = split.replace("98,445000,1,9", "98,445000,1,10").replace("99,445000,1,11", "99,445000,1,12")
    (one,) = read(split)
    assert one.problems == []
    assert one.closing is not None
    assert one.closing.amount == Decimal(1750)


def test_implied_decimals_follow_the_currency() -> None:
    assert read(PLAIN.replace("USD", "JPY"))[0].entries[0].amount == Decimal(30000)
    assert read(PLAIN.replace("USD", "KWD"))[0].entries[0].amount == Decimal(30)


def test_distributed_availability_does_not_shift_the_references() -> None:
    text = PLAIN.replace("V,260302,,TRACE1", "D,2,0,10000,1,20000,TRACE1").replace(
        "16,195,50000,Z,", "16,195,50000,S,10000,20000,20000,"
    )
    entries = read(text)[0].entries
    assert [e.transactions[0].bank_reference for e in entries] == ["TRACE1", "TRACE2", "CHK"]


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("49,445000,7", "49,445001,7", 9, "is 445000, its trailer says 445001"),
        ("49,445000,7", "49,445000,6", 9, "records 7, its trailer says 6"),
        ("98,445000,1", "98,445000,3", 10, "accounts 1, its trailer says 3"),
        ("99,445000,1,11", "99,1,1,11", 11, "control total 445000, its trailer says 1"),
        ("99,445000,1,11/\n", "", 10, "no trailer 99"),
        ("16,195,50000", "16,195,5x0", 7, "type 195: '5x0' is not a number"),
        ("16,195,50000,Z", "16,195,50000,Q", 7, "'Q' is none of the funds types"),
    ],
)
def test_a_control_sum_that_does_not_hold_is_a_problem_with_its_line(
    old: str, new: str, line: int, said: str
) -> None:
    (one,) = read(PLAIN.replace(old, new))
    assert any(problem.line == line and said in problem.message for problem in one.problems)
    assert len(one.entries) == (2 if old.startswith("16") else 3)


def test_several_files_behind_each_other_are_all_read() -> None:
    first, second = read(PLAIN + PLAIN.replace("1234567890", "0987654321"))
    assert [(one.account, len(one.entries), one.problems) for one in (first, second)] == [
        ("1234567890", 3, []),
        ("0987654321", 3, []),
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("01,BANK", "07,BANK", "line 1: "),
        ("D,USD", "D,usdollar", "line 3"),
        ("99,445000,1,11/", "99,445000,1,11/\n16,195,1,Z,,,/", "line 12: "),
    ],
)
def test_what_is_not_bai2_is_refused_with_its_line(old: str, new: str, said: str) -> None:
    text = PLAIN.replace(old, new) if old in PLAIN else PLAIN.replace("1234567890,USD", "1234567890,usdollar")
    with pytest.raises(Invalid, match=said):
        read(text)


def test_messages_do_not_show_an_account_number() -> None:
    with pytest.raises(Invalid) as caught:
        read("01,A,B,260302,,1,,,2/\n9876543210123,USD,010/\n")
    assert "9876543210" not in str(caught.value)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(PLAIN)), st.integers(0, 40), st.binary(max_size=30))
def test_damage_anywhere_raises_nothing_but_the_readers_own_error(at: int, gone: int, new: bytes) -> None:
    body = PLAIN.encode()
    with suppress(Invalid, Rejected):
        read(body[:at] + new + body[at + gone :])
