"""Nacha: CTX with an 820, returns, control totals as problems, formal rules as advice."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.bank import nacha
from connectors.bank.statement import Entry, Statement
from hub.sdk import Invalid, Rejected

SAMPLES = Path(__file__).resolve().parents[3].parent / "shared" / "samples" / "bank" / "ach"
FILES = sorted(SAMPLES.glob("*")) if SAMPLES.is_dir() else []


def records(body: bytes) -> list[str]:
    """The records as 94 columns, padding left out."""
    text = body.decode("utf-8", "replace") if b"\xc3" in body or b"\xc2" in body else body.decode("latin-1")
    cut = []
    for line in text.splitlines():
        cut += [line[at : at + 94] for at in range(0, max(len(line.rstrip()), 1), 94)]
    return [one for one in cut if one.strip() and one.strip("9 \r")]


def read(body: bytes) -> list[Statement]:
    return list(nacha.read(body))


def entries(statements: list[Statement]) -> list[Entry]:
    return [entry for one in statements for entry in one.entries]


def test_counts_that_are_wrong_where_every_sum_holds_do_not_stop_a_file() -> None:
    (one,) = read(CTX.replace("\n9000001", "\n9000002", 1).encode())
    assert (one.problems, len(one.advice)) == ([], 1)
    (both,) = read(CTX.replace("\n9000001", "\n9000002").replace("015000  ", "015001  ").encode())
    assert [("total" in p.message, "number" in p.message) for p in both.problems] == [
        (True, False),
        (False, True),
    ]


@pytest.mark.skipif(not FILES, reason="no shared ACH samples here")
def test_ctx_without_line_breaks_carries_its_820() -> None:
    body = (SAMPLES / "DFDLSchemas_NACHA__ctx_valid_1_nolines.txt").read_bytes()
    first = entries(read(body))[0]
    documents = first.transactions[0].documents
    text = "".join(one[3:83] for one in records(body) if one[:3] == "705")
    assert [one.number for one in documents if one.kind == "OI"] == ["0140611", "0140611", "0140845"]
    assert sum(one.paid or 0 for one in documents) == Decimal("112998.43")
    assert text.count("RMR*") == sum(
        one.kind != "residual" for entry in entries(read(body)) for one in entry.transactions[0].documents
    )


def entry(code: str, amount: int, *, indicator: str = "0", counted_: int = 0, name: str = "US INC") -> str:
    named = f"{counted_:04d}{name:<16}  " if counted_ else f"{name:<22}"
    return (
        f"6{code}231380104{'000123456789':<17}{amount:010d}{'CUST-1':<15}{named}  {indicator}121042880000001"
    )


def ach(*body: str, klass: str = "CTX", credits_: int = 15000, debits: int = 0, count: int = 0) -> str:
    """A file of one batch around these entries and addenda, with control records that hold."""
    own = [one for one in body if one[0] == "6"]
    hashed = 23138010 * len(own)
    sums = f"{count or len(body):06d}{hashed:010d}{debits:012d}{credits_:012d}"
    lines = [
        f"101 231380104 1210428822603020800A094101{'OUR BANK':<23}{'THEIR BANK':<23}{'':8}",
        f"5200{'ACME INC':<16}{'':20}1231380104{klass}{'PAYMENT':<10}260302260303   1121042880000001",
        *body,
        f"8200{sums}1231380104{'':25}121042880000001",
        f"9000001000001{count or len(body):08d}{sums[6:]}{'':39}",
    ]
    assert {len(one) for one in lines} == {94}
    return "\n".join(lines) + "\n"


def addenda(text: str) -> list[str]:
    """Record 705 for every 80 characters."""
    pieces = [text[at : at + 80].ljust(80) for at in range(0, len(text), 80)]
    return [f"705{one}{place:04d}0000001" for place, one in enumerate(pieces, 1)]


ADVICE = (
    "ISA*00*          *00*          *ZZ*PAYER          *ZZ*PAYEE          *260302*0800*U*00401*000000001"
    "*0*P*>\\"
    "GS*RA*A*B*20260302*0800*1*X*004010\\ST*820*0001\\BPR*C*150*C*ACH*CTX\\N1*PR*ACME INC\\ENT*1\\"
    "RMR*IV*INV-1**100*110*10\\RMR*IV*INV-2**50\\SE*7*0001\\GE*1*1\\IEA*1*000000001\\"
)
CTX = ach(entry("22", 15000, indicator="1", counted_=len(addenda(ADVICE))), *addenda(ADVICE))


@pytest.mark.parametrize("body", [CTX, CTX.replace("\n", ""), CTX.replace("\n", "\r\n")])
def test_an_820_in_ctx_addenda_becomes_remitted_documents(body: str) -> None:
    (one,) = read(body.encode())
    assert one.problems == []
    (only,) = one.entries
    told = [(d.number, d.paid, d.discount) for d in only.transactions[0].documents]
    assert told == [("INV-1", Decimal(100), Decimal(10)), ("INV-2", Decimal(50), None)]
    assert only.amount == Decimal(150)
    assert only.transactions[0].payer.name == "ACME INC"
    assert only.transactions[0].narrative == [ADVICE]


def test_ctx_padded_by_blocks_of_nines_is_the_same() -> None:
    assert read((CTX + ("9" * 94 + "\n") * 4).encode()) == read(CTX.encode())


def test_a_single_rmr_in_a_ccd_addendum_becomes_a_document() -> None:
    body = ach(entry("22", 15000, indicator="1"), *addenda("RMR*IV*INV-9**150\\"), klass="CCD")
    (document,) = entries(read(body.encode()))[0].transactions[0].documents
    assert (document.number, document.paid) == ("INV-9", Decimal(150))


def test_a_return_is_a_reversal_with_its_reason_and_the_original_trace() -> None:
    back = f"799R01{'271111110000301':<15}{'':6}34513093{'INSUFFICIENT':<44}345130930000001"
    body = ach(entry("26", 6000, indicator="1"), back, klass="PPD", credits_=0, debits=6000)
    (one,) = read(body.encode())
    (only,) = one.entries
    assert (only.amount, only.reversal, one.problems) == (Decimal(-60), True, [])
    assert only.transactions[0].return_reason == "R01"
    assert only.transactions[0].customer_reference == "271111110000301"


def test_a_notification_of_change_moves_no_money() -> None:
    change = f"798C01{'271111110000301':<15}{'':6}34513093{'1918171614':<44}345130930000001"
    (only,) = entries(read(ach(entry("21", 0, indicator="1"), change, klass="COR", credits_=0).encode()))
    assert (only.amount, only.reversal, only.transactions[0].return_reason) == (Decimal(0), False, "C01")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("820000000", "820000001", "entries and addenda"),
        ("0023138010000000000000", "0023138011000000000000", "entry hash"),
        ("000000015000", "000000015001", "total of credits is 150.00, its control record says 150.01"),
        ("\n9000001", "\n9000002", "file: number of the batches is 1, the file control record says 2"),
        ("A094101", "A094107", "format code '7' is not 1"),
        ("6222313801040", "6222313801050", "check digit"),
    ],
)
def test_what_does_not_hold_is_a_problem_with_its_line(old: str, new: str, said: str) -> None:
    assert old in CTX
    (one,) = read(CTX.replace(old, new, 1).encode())
    assert any(said in problem.message and problem.line for problem in (*one.problems, *one.advice))
    assert one.entries


def test_a_file_that_was_cut_off_says_so() -> None:
    told = [p.message for one in read("\n".join(CTX.split("\n")[:-2]).encode()) for p in one.problems]
    assert told == ["the file has no control record 9: it was cut off"]


def test_remittance_that_cannot_be_read_is_a_problem_not_a_lost_payment() -> None:
    (one,) = read(CTX.replace("INV-2**50", "INV-2**5O").encode())
    assert [problem.line for problem in one.advice] == [3]
    assert "RMR04" in one.advice[0].message
    assert one.entries[0].amount == 150


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("\n5200", "\nX200", "line 2: "),
        ("0000015000", "00000x5000", "line 3: "),
        ("101 ", "201 ", "line 1: "),
    ],
)
def test_what_is_no_ach_file_is_refused_with_its_line(old: str, new: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        read(CTX.replace(old, new, 1).encode())


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(CTX)), st.integers(0, 100), st.binary(max_size=30))
def test_damage_anywhere_raises_nothing_but_the_readers_own_error(at: int, gone: int, new: bytes) -> None:
    body = CTX.encode()
    with suppress(Invalid, Rejected):
        read(body[:at] + new + body[at + gone :])
