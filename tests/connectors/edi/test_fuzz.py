"""Whatever arrives: nothing crashes, nothing hangs, no set is lost or answered that was not read."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.edi import acknowledge, envelope, reading, second, tokens, tree, write
from connectors.edi.examine import SetRead
from connectors.edi.guide import GROUP_CODES, OWN_RELEASES
from tests.connectors.edi import made
from tests.connectors.edi.made import group, interchange, isa, order

QUICK = settings(max_examples=40, deadline=4000, suppress_health_check=[HealthCheck.too_slow])
WHOLE = (
    interchange(
        group(order(), order("BEG*00", control="0002")), group(order(control="0009"), version="005010")
    )
    + interchange(group(order()), head=isa("OTHER", number="000000043"), marks="|:\r", number="000000043")
).decode()
SPICE = st.sampled_from([
    "ISA*00*", "ISA|00|", "GS*PO*A*B*1*2*3*X*004010~", "ST*850*0001~", "SE*2*0001~", "GE*1*1~", "IEA*1*1~",
    "~~", "\r\n", "*", "~", "|", ">", "^", "\x00", "\ufeff", "é", "\ud83d", "HL*1~", "ST", "ISA", "N1*",
    "ISA*",    "\x1a", " ", "TA1*1~",
])  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """The interchanges above with pieces cut out, doubled, turned and strewn in."""
    text = WHOLE
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(text)))
        end = min(len(text), at + draw(st.integers(0, 60)))
        kind = draw(st.sampled_from(["cut", "twice", "spice", "turn", "tail"]))
        if kind == "cut":
            text = text[:at] + text[end:]
        elif kind == "twice":
            text = text[:end] + text[at:]
        elif kind == "spice":
            text = text[:at] + draw(SPICE) + text[at:]
        elif kind == "turn":
            text = text[:at] + text[at:end][::-1] + text[end:]
        else:
            text = text[at:] or "ISA"
    return text.encode("utf-8", "surrogatepass")


def everything(body: bytes) -> list[SetRead]:
    """All that is done with what arrives."""
    found = list(reading.read(tokens.of_bytes(body)))
    sets = [one for one in found if isinstance(one, SetRead)]
    for one in sets:
        if one.walked is not None:
            json.dumps(tree.named(one.walked.root, one.found.marks))
    said = 0
    for one in acknowledge.received(found):
        for kind in acknowledge.Kind:
            answer = acknowledge.answer(one, acknowledge.Numbers(1, 1), made.STAMP, kind)
            if answer is not None:
                text = write.interchange(answer).encode()
                assert made.problems(text) == []
                own = [done for done in made.sets(text) if not done.reason.startswith(("version", "GS08"))]
                assert all(done.status.value == "accepted" for done in own), own[0].faults
                said = max(said, text.count(b"AK2*"))
    assert said <= len(sets)
    return sets


@QUICK
@given(st.binary(max_size=600))
def test_any_bytes_are_read_to_their_end(body: bytes) -> None:
    everything(body)


@QUICK
@given(st.text(max_size=300).map(lambda text: b"ISA*00*" + text.encode("utf-8", "replace")))
def test_any_text_behind_an_isa_is_read_to_its_end(body: bytes) -> None:
    everything(body)


@QUICK
@given(mutated())
def test_broken_interchanges_are_read_and_answered(body: bytes) -> None:
    everything(body)


@QUICK
@given(mutated(), st.integers(1, 200))
def test_it_does_not_matter_in_which_pieces_a_file_is_read(body: bytes, size: int) -> None:
    import io

    whole = list(envelope.events(tokens.tokens(tokens.chunks(io.BytesIO(body), 1 << 20))))
    pieces = list(envelope.events(tokens.tokens(tokens.chunks(io.BytesIO(body), size))))
    assert [one for one in pieces if isinstance(one, envelope.SetFound)] == [
        one for one in whole if isinstance(one, envelope.SetFound)
    ]


@QUICK
@given(st.integers(1, 6), st.integers(1, 3), st.sampled_from(["*>~", "|:!", "*>\n", "\x1d\x1f\x1c"]))
def test_as_many_sets_are_read_as_were_sent(count: int, groups: int, marks: str) -> None:
    sent = [order(control=f"{at:04d}") for at in range(1, count + 1)]
    body = interchange(*(group(*sent, number=str(at)) for at in range(1, groups + 1)), marks=marks)
    assert len(everything(body)) == count * groups


WORDS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters="*~>^"), max_size=12)
LINES = st.lists(
    st.tuples(
        st.sampled_from(
            ["BEG", "REF", "N1", "N3", "N4", "PO1", "PID", "SAC", "DTM", "CTT", "HL", "LIN", "SLN", "ZZZ"]
        ),
        st.lists(WORDS, max_size=6),
    ),
    max_size=10,
)  # fmt: skip


@QUICK
@given(st.sampled_from(sorted(GROUP_CODES)), st.sampled_from(OWN_RELEASES), LINES)
def test_any_segments_in_any_set_are_walked_by_us_and_by_pyx12(
    set_id: str, release: int, lines: list[tuple[str, list[str]]]
) -> None:
    inner = ["*".join((name, *values)) for name, values in lines]
    body = interchange(group(order(*inner, set_id=set_id), code=GROUP_CODES[set_id], version=f"00{release}"))
    for one in everything(body):
        if one.status.value == "accepted":
            assert second.objections(set_id, release, one.found.segments, one.found.marks) == []


@pytest.mark.prove
@settings(QUICK, max_examples=5000)
@given(mutated(), st.integers(1, 2000))
def test_thousands_of_broken_interchanges_are_read_and_answered(body: bytes, size: int) -> None:
    everything(body)
    test_it_does_not_matter_in_which_pieces_a_file_is_read.hypothesis.inner_test(body, size)
