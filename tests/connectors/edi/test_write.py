"""What is written is read back as it was, and what cannot be written is refused."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.edi import write
from connectors.edi.header import Marks
from hub.sdk import Invalid
from tests.connectors.edi import made

US, THEM = write.Party("ZZ", "SELLER", ""), write.Party("01", "012345678", "")
VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x17E), max_size=30).filter(
    lambda value: value.isprintable()
)
SEGMENTS = st.lists(
    st.lists(VALUES, min_size=1, max_size=8).map(lambda values: ("MSG", *values)), min_size=1, max_size=12
)
MARKS = st.sampled_from(
    [Marks("*", ">", "^", "~"), Marks("|", ":", "^", "\n"), Marks("\x1d", "\x1f", "\x1e", "\x1c")]
)


def written(segments: list[write.Segment], version: str = "00401") -> write.Interchange:
    inner = write.Group("PO", "SELLER", "BUYER", 1, "004010", [write.Set("850", "0001", segments)])
    return write.Interchange(US, THEM, 1, made.STAMP, [inner], version)


@settings(max_examples=50, deadline=None)
@given(SEGMENTS, MARKS, st.sampled_from(["", "\n", "\r\n"]), st.sampled_from(["00401", "00501"]))
def test_what_is_written_is_read_back(
    segments: list[write.Segment], marks: Marks, newline: str, version: str
) -> None:
    try:
        text = write.interchange(written(segments, version), write.Style(marks, newline))
    except Invalid:
        return  # no separators are left that stand in no value
    one = made.sets(text.encode())[0]
    expected = [[str(value).rstrip(" ") for value in segment] for segment in segments]
    for values in expected:
        while len(values) > 1 and not values[-1]:
            values.pop()
    assert one.found.split()[1:-1] == expected
    assert not any(fault.check.startswith("set_") for fault in one.faults)
    assert made.problems(text.encode()) == []


def test_envelopes_are_counted_and_numbered() -> None:
    text = write.interchange(written([("BEG", "00"), ("CTT", "1")]), write.Style(newline="\n"))
    assert text.splitlines()[-3:] == ["SE*4*0001~", "GE*1*1~", "IEA*1*000000001~"]
    assert text.splitlines()[0].endswith("*261122*0930*U*00401*000000001*0*P*>~")


def test_composites_are_joined_and_trailing_separators_left_out() -> None:
    assert "PO3*A*B>>C~" in write.interchange(written([("PO3", "A", ("B", "", "C", ""), "", "")]))


@pytest.mark.parametrize(("changed", "words"), [
    ({"control_number": 0}, "ISA13"), ({"control_number": 10**9}, "ISA13"), ({"version": "401"}, "105"),
    ({"sender": write.Party("Z", "A", "")}, "ISA05"),
    ({"receiver": write.Party("ZZ", "A" * 16, "")}, "ISA08"),
    ({"receiver": write.Party("ZZ", "", "")}, "ISA08"),
])  # fmt: skip
def test_an_envelope_that_cannot_be_is_refused(changed: dict[str, object], words: str) -> None:
    with pytest.raises(Invalid, match=words):
        write.interchange(written([("BEG", "00")])._replace(**changed))


def test_two_separators_alike_and_strange_line_breaks_are_refused() -> None:
    with pytest.raises(Invalid, match="same character"):
        write.interchange(written([("BEG", "00")]), write.Style(Marks("*", "*", "^", "~")))
    with pytest.raises(Invalid, match="line break"):
        write.interchange(written([("BEG", "00")]), write.Style(newline="\t"))
    with pytest.raises(Invalid, match="ST02"):
        write.interchange(
            written([])._replace(
                groups=[write.Group("PO", "A", "B", 1, "004010", [write.Set("850", "1", [])])]
            )
        )


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=2))
def test_n2_and_r_numbers_keep_every_cent(amount: Decimal) -> None:
    assert Decimal(write.implied(amount, 2)) / 100 == amount
    assert Decimal(write.number(amount)) == amount
    assert "." not in write.implied(amount, 2)
    assert "E" not in write.number(amount)
