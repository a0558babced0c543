"""X12 820: every sample's RMR and ADX counted by a pattern, residuals kept, separators found."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.bank import x12_820
from connectors.bank.flat import decoded
from connectors.bank.remitted import documents_of
from hub.sdk import Invalid

SAMPLES = Path(__file__).resolve().parents[3].parent / "shared" / "samples" / "bank" / "x12_820"
FILES = sorted(SAMPLES.glob("*")) if SAMPLES.is_dir() else []
WORDS_FOR_AMOUNTS = {"Inteligenz_X12Parser__Example3_HomeDepot.txt"}  # a form, not a remittance

SHORT = (
    "ISA*00*          *00*          *ZZ*PAYER          *ZZ*PAYEE          *260302*0800*U*00401*000000001"
    "*0*P*>~"
    "GS*RA*PAYER*PAYEE*20260302*0800*1*X*004010~ST*820*0001~"
    "BPR*C*150*C*ACH*CTX*01*1*DA*2*3**01*4*DA*5*20260303~"
    "TRN*1*TRACE-9~CUR*PR*CAD~N1*PR*ACME INC*91*77~N1*PE*US~ENT*1~ADX*-10*L7*CM*CM-1~"
    "RMR*IV*INV-1**90*100*5*52*-5~REF*PO*4711~DTM*003*20260215~ADX*-5*59*IV*INV-1~"
    "RMR*IV*INV-2**60~SE*12*0001~"
    "GE*1*1~IEA*1*000000001~"
)


@pytest.mark.skipif(not FILES, reason="no shared X12 820 samples here")
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_sample_has_the_sets_documents_and_adjustments_a_pattern_finds(file: Path) -> None:
    text = decoded(file.read_bytes())
    if file.name in WORDS_FOR_AMOUNTS:
        with pytest.raises(Invalid, match=r"BPR02 .* is not an amount"):
            x12_820.read(text)
        return
    found = x12_820.read(text)
    documents = [one for remittance in found for one in remittance.documents]
    paid = re.findall(r"\bRMR[*|][^*|]*[*|][^*|]*[*|][^*|]*[*|](-?[\d.]+)", text)
    reasons = sum(len(one.adjustments) for one in found) + sum(len(one.reasons) for one in documents)
    assert len(found) == len(re.findall(r"\bST[*|]820", text))
    assert len(documents) == len(re.findall(r"\bRMR[*|]", text))
    assert sum(one.paid or 0 for one in documents) == sum(Decimal(one) for one in paid)
    assert reasons >= len(re.findall(r"\bADX[*|]", text))


def test_a_set_tells_who_pays_what_and_what_nothing_explains() -> None:
    (one,) = x12_820.read(SHORT)
    assert (one.amount, one.currency, one.trace, one.due_on) == (
        Decimal(150),
        "CAD",
        "TRACE-9",
        date(2026, 3, 3),
    )
    assert (one.payer, one.payer_id, one.payee) == ("ACME INC", "77", "US")
    first, second = one.documents
    assert (first.number, first.paid, first.original, first.discount) == (
        "INV-1",
        Decimal(90),
        Decimal(100),
        Decimal(5),
    )
    assert first.dated == date(2026, 2, 15)
    assert first.references == [("PO", "4711")]
    assert [(r.amount, r.code) for r in first.reasons] == [(Decimal(-5), "52"), (Decimal(-5), "59")]
    assert (second.number, second.paid) == ("INV-2", Decimal(60))
    assert one.residual == 10


def test_documents_carry_adjustments_and_the_residual() -> None:
    found = documents_of(x12_820.read(SHORT))
    assert [(d.kind, d.number, d.paid, d.adjustment) for d in found] == [
        ("IV", "INV-1", 90, -5),
        ("ADX", "INV-1", None, -5),
        ("IV", "INV-2", 60, None),
        ("ADX", "CM-1", None, -10),
        ("residual", "", 10, None),
    ]


@pytest.mark.parametrize("terminator", ["\\", "~", "\n", "'", "\r\n"])
def test_the_segment_terminator_is_taken_from_the_file(terminator: str) -> None:
    (one,) = x12_820.read(SHORT.replace("~", terminator))
    assert [d.number for d in one.documents] == ["INV-1", "INV-2"]


def test_segments_without_an_envelope_are_read() -> None:
    (one,) = x12_820.read("RMR*IV*0140611**1170.49*1196.00*25.51\\")
    assert (one.amount, one.residual) == (None, None)
    assert one.documents[0].paid == Decimal("1170.49")


def test_a_set_that_was_cut_off_is_refused() -> None:
    with pytest.raises(Invalid, match="cut off"):
        x12_820.read(SHORT[: SHORT.index("SE*12")])


def test_words_where_an_amount_belongs_name_the_segment() -> None:
    with pytest.raises(Invalid, match="RMR04 'ninety' is not an amount"):
        x12_820.read(SHORT.replace("**90*", "**ninety*"))


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(SHORT)), st.integers(0, 60), st.text(max_size=20))
def test_damage_anywhere_raises_nothing_but_the_readers_own_error(at: int, gone: int, new: str) -> None:
    with suppress(Invalid):
        documents_of(x12_820.read(SHORT[:at] + new + SHORT[at + gone :]))
