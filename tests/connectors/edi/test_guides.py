"""The compact guides: complete, of one piece, and right in lengths and conditions per version."""

from __future__ import annotations

import pytest

from connectors.edi import guide, lines, second, tree
from connectors.edi.guide import GROUP_CODES, OWN_RELEASES, Loop
from connectors.edi.header import Marks
from tests.connectors.edi import made
from tests.connectors.edi.made import GOOD, group, interchange, order

EVERY = [(set_id, release) for set_id in sorted(GROUP_CODES) for release in OWN_RELEASES]


def keys(loop: Loop) -> list[str]:
    return [child.key for child in loop.children]


@pytest.mark.parametrize(("set_id", "release"), EVERY)
def test_every_set_has_a_guide_in_every_version(set_id: str, release: int) -> None:
    root = guide.load(set_id, release).root
    assert keys(root)[0] == "ST"
    assert keys(root)[-1] == "SE"
    _sound(root)


def _sound(loop: Loop) -> None:
    """Keys that stand twice are the same place of two standards' making; loops begin with their segment."""
    for child in loop.children:
        assert all(field.element or field.parts for field in child.segment.fields), child.segment.id
        for condition in child.segment.conditions:
            assert max(condition.places) <= len(child.segment.fields) + 1, child.segment
        if child.loop:
            assert child.loop.children[0].segment is child.segment
            assert child.loop.place is child
            _sound(child.loop)


def test_every_line_of_the_guides_is_read() -> None:
    for number in lines._elements():
        assert lines.element(number).lengths[0][1] <= lines.element(number).lengths[0][2]
    for segment_id in lines._segments():
        for release in OWN_RELEASES:
            guide.segment(segment_id, release)


@pytest.mark.parametrize(("number", "lengths"), [
    ("127", [(1, 30), (1, 50), (1, 50)]), ("364", [(1, 80), (1, 256), (1, 256)]),
    ("358", [(1, 10), (1, 10), (1, 15)]), ("373", [(8, 8)] * 3), ("610", [(1, 15)] * 3),
])  # fmt: skip
def test_lengths_are_those_of_each_version(number: str, lengths: list[tuple[int, int]]) -> None:
    found = [guide.element(number, release) for release in OWN_RELEASES]
    assert [(one.shortest, one.longest) for one in found] == lengths


@pytest.mark.parametrize(("version", "status"), [("004010", "rejected"), ("004030", "accepted")])
def test_a_reference_of_forty_characters_came_with_4030(version: str, status: str) -> None:
    lines_of = (GOOD[0], "REF*DP*" + "X" * 40, *GOOD[2:])
    assert made.statuses(interchange(group(order(*lines_of), version=version))) == [status]


@pytest.mark.parametrize(("segment", "code", "element"), [
    ("REF*DP", "2", 2), ("REF**X", "1", 1), ("SAC*A*C310*VI", "2", 4), ("SAC*A", "2", 2),
    ("SAC*C*D240***100*******05**ABC", "2", 13), ("FOB*CC**X", "2", 2), ("PER*BD**TE", "2", 4),
    ("DTM*002", "2", 2), ("DTM*002*20261220**UT", "2", 3), ("CUR*BY*US", "4", 2),
    ("DTM*002*20260230", "8", 2), ("DTM*002*20261220*2560", "9", 3),
    ("PER*BD*A*TE*1*FX*2*EM*3*X*Y", "3", 10), ("ITD*01*3*2", "2", 4), ("CSH*Y**1.5", "6", 3),
])  # fmt: skip
def test_each_kind_of_fault_has_its_code(segment: str, code: str, element: int) -> None:
    found = made.codes(interchange(group(order(GOOD[0], segment, *GOOD[2:]))))
    assert [(one[1], one[3]) for one in found] == [(code, element)]


HEAD, DATE, PARTY, LINE, TEXT, TOTAL = GOOD


@pytest.mark.parametrize(("lines_of", "wanted"), [
    ((DATE, PARTY, LINE, TEXT, TOTAL), ("missing_segment", "3")),
    ((HEAD, DATE, PARTY), ("missing_segment", "3")),
    ((HEAD, DATE, "W66*PP*A", LINE, TEXT, TOTAL), ("unexpected", "6")),
    ((HEAD, DATE, "QQQ*1", LINE, TEXT, TOTAL), ("unknown_segment", "1")),
    ((HEAD, "N4*ALBANY*NY", LINE, TEXT, TOTAL), ("unexpected", "2")),
    ((HEAD, DATE, "REF*DP*1", LINE, TEXT, TOTAL), ("sequence", "7")),
    ((HEAD, "CUR*BY*USD", "CUR*BY*USD", LINE, TEXT, TOTAL), ("max_use", "5")),
    ((HEAD, DATE, PARTY, LINE, TEXT, "CTT*2"), ("totals", "7")),
    ((HEAD, DATE, PARTY, LINE, "PID*F****A*", TOTAL), ("trailing_separator", "8")),
    ((HEAD, *["N1*ST*A"] * 201, LINE, TOTAL), ("max_loop", "4")),
])  # fmt: skip
def test_each_fault_of_structure_has_its_code(lines_of: tuple[str, ...], wanted: tuple[str, str]) -> None:
    found = made.codes(interchange(group(order(*lines_of))))
    assert (found[0][0], found[0][1]) == wanted, found


def test_what_is_out_of_sequence_is_not_missing_as_well() -> None:
    lines_of = (
        "BIG*20261122*1", "IT1*1*1*EA*5**VN*A", "ISS*1*EA", "TDS*500", "CTT*1",
    )  # fmt: skip
    found = made.codes(interchange(group(order(*lines_of, set_id="810"), code="IN")))
    assert [one[:2] for one in found] == [("sequence", "7")]


def test_levels_of_a_ship_notice_are_nested_and_checked() -> None:
    inner = (
        "BSN*00*S1*20261122*0930*0001", "HL*1**S", "HL*2*1*O", "PRF*PO-1", "HL*3*2*P",
        "MAN*GM*00012345678901234564", "HL*4*3*I", "LIN**UP*012345678905", "SN1**10*EA", "CTT*4",
    )  # fmt: skip
    body = interchange(group(order(*inner, set_id="856"), code="SH"))
    assert made.statuses(body) == ["accepted"]
    one = made.sets(body)[0]
    assert one.walked is not None
    top = tree.named(one.walked.root, one.found.marks)["levels"]
    assert len(top) == 1
    assert top[0]["levels"][0]["levels"][0]["levels"][0]["SN1"]["quantity"] == "10"
    lost = interchange(group(order(*inner[:2], "HL*2*9*O", *inner[3:4], "CTT*2", set_id="856"), code="SH"))
    assert ("levels", "7", 4, 2) in made.codes(lost)


def test_a_second_reader_objects_where_we_do_and_only_there() -> None:
    marks = Marks("*", ">", "", "~")
    assert second.objections("850", 4010, order(), marks) == []
    assert second.objections("850", 4010, order(*GOOD[1:]), marks)
    assert second.objections("850", 4010, order(*GOOD[:3], "PO1*1*ten*EA", "CTT*1"), marks)
    assert second.objections("820", 4010, ["ST*820*0001", "BPR*I*1*C*NON", "RMR*IV*1**1", "SE*4*0001"], marks)
