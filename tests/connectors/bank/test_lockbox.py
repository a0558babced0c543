"""Lockbox: cheques with overflow, totals of records 7 to 9, layouts proven by arithmetic, samples."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.bank import lockbox
from connectors.bank.statement import Statement
from hub.sdk import Invalid, Rejected

SAMPLES = Path(__file__).resolve().parents[3].parent / "shared" / "samples" / "bank" / "lockbox"
FILES = sorted(SAMPLES.glob("*")) if SAMPLES.is_dir() else []

LINES = [
    "100OURCOMPANY00999999912603021800",
    "2OURCOMPANY0099999991000000000040008000801",
    "50010000022222260302OURCOMPANY0099999991",
    "60010010000150000121042882000012345600000047110301" + "26" + "ACME INC".ljust(30),
    "4001001601" + "0" + "INV-1".ljust(10) + "0000100000" + "INV-2".ljust(10) + "0000050000",
    "60010020000002550121042882000012345700000047120301" + "26" + "BETA LLC".ljust(30),
    "4001002601" + "9" + "FOR RF18 5390 0754 7034",
    "70010000022222260302" + "002" + "0000152550",
    "80010000022222260302" + "0002" + "0000152550",
    "9000010",
]
PLAIN = "\n".join(LINES) + "\n"


def read(text: str) -> list[Statement]:
    return list(lockbox.read(text.encode()))


def counted(text: str) -> tuple[int, Decimal]:
    cheques = [one for one in text.splitlines() if one.startswith("6")]
    return len(cheques), Decimal(sum(int(one[7:17]) for one in cheques)) / 100


@pytest.mark.skipif(not FILES, reason="no shared lockbox samples here")
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_sample_has_the_cheques_and_the_sum_of_its_columns(file: Path) -> None:
    body = file.read_bytes()
    assert lockbox.recognises(body) == "lockbox"
    statements = read(body.decode())
    amounts = [entry.amount for one in statements for entry in one.entries]
    assert (len(amounts), sum(amounts, Decimal(0))) == counted(body.decode())
    assert [problem for one in statements for problem in one.problems] == []


def test_a_cheque_is_an_entry_and_its_overflow_names_the_invoices() -> None:
    (one,) = read(PLAIN)
    assert one.problems == []
    assert one.account == "0022222"
    first, second = one.entries
    assert (first.amount, first.booked_on, first.transactions[0].payer.name) == (
        Decimal(1500),
        date(2026, 3, 2),
        "ACME INC",
    )
    assert first.transactions[0].cheque_number == "4711"
    assert [(d.number, d.paid) for d in first.transactions[0].documents] == [
        ("INV-1", Decimal(1000)),
        ("INV-2", Decimal(500)),
    ]
    assert second.amount == Decimal("25.50")
    assert second.transactions[0].documents == []
    assert [r.value for r in second.transactions[0].references] == ["RF18539007547034"]


def test_a_layout_that_does_not_add_up_is_text_only() -> None:
    (one,) = read(PLAIN.replace("0000050000", "0000060000"))
    assert one.entries[0].transactions[0].documents == []
    assert "INV-1" in one.entries[0].transactions[0].narrative[0]


def test_a_file_without_line_breaks_is_cut_at_its_record_length() -> None:
    block = "".join(one.ljust(80)[:80] for one in LINES)
    assert [e.amount for e in read(block)[0].entries] == [Decimal(1500), Decimal("25.50")]
    assert read(block)[0].problems == []


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("0020000152550", "0020000152551", 8, "batch 001: total 1525.50, its total record says 1525.51"),
        ("00020000152550", "00030000152550", 9, "lockbox: cheques 2, its total record says 3"),
        ("9000010", "9000011", 10, "the file has 10 records, its trailer says 11"),
        ("9000010\n", "", 9, "no trailer record 9"),
        ("4001002601", "4001009601", 7, "belongs to no cheque"),
    ],
)
def test_a_total_that_does_not_hold_is_a_problem_with_its_line(
    old: str, new: str, line: int, said: str
) -> None:
    place = PLAIN.rindex(old) if old.startswith("000") else PLAIN.index(old)
    (one,) = read(PLAIN[:place] + PLAIN[place:].replace(old, new, 1))
    assert any(problem.line == line and said in problem.message for problem in one.problems)
    assert len(one.entries) == 2


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("100OUR", "300OUR", "line 1: "),
        ("\n5001", "\nX001", "line 3: "),
        ("0000150000", "00001x0000", "line 4: "),
    ],
)
def test_what_is_no_lockbox_is_refused_with_its_line(old: str, new: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        read(PLAIN.replace(old, new, 1))


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(PLAIN)), st.integers(0, 100), st.binary(max_size=30))
def test_damage_anywhere_raises_nothing_but_the_readers_own_error(at: int, gone: int, new: bytes) -> None:
    body = PLAIN.encode()
    with suppress(Invalid, Rejected):
        list(lockbox.read(body[:at] + new + body[at + gone :]))
