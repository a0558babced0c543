"""What pyx12's own files and drivers get wrong, by the numbers of our reference: none of it is in ours."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from connectors.edi import guide, reading, second, tokens, tree
from connectors.edi.acknowledge import Kind
from connectors.edi.examine import SetRead
from connectors.edi.faults import Level
from connectors.edi.header import Marks
from hub.sdk import Invalid
from tests.connectors.edi import made
from tests.connectors.edi.made import GOOD, group, interchange, isa, order

CHANGE = order("BCH*04*SA*PO-1***20261122", set_id="860", control="0002")
PLAIN = Marks("*", ">", "", "~")


@pytest.mark.parametrize("version", ["00200", "00204", "00300", "00400", "00403", "00501", "00602"])
def test_p01_any_version_of_the_envelope_is_read_and_answered(version: str) -> None:
    body = interchange(group(order()), head=isa(version=version))
    assert made.statuses(body) == ["accepted"]
    assert made.said(body, "ISA")[0].split("*")[12] == version


def test_p02_files_are_read_whatever_their_bytes(tmp_path: Path) -> None:
    text = interchange(group(order(*GOOD[:4], "PID*F****CAFÉ", "CTT*1"))).decode()
    for at, body in enumerate(
        (text.encode("utf-8"), text.encode("latin-1"), text.encode("utf-8-sig"), text.encode("utf-16"))
    ):
        path = tmp_path / f"{at}.edi"
        path.write_bytes(body)
        found = [one for one in reading.read(tokens.of_file(path)) if isinstance(one, SetRead)]
        assert [one.status.value for one in found] == ["accepted"], at
        assert found[0].found.segments[5] == "PID*F****CAFÉ"


def test_p03_a_group_of_other_sets_alone_is_not_accepted() -> None:
    body = interchange(group(CHANGE))
    assert made.statuses(body) == ["rejected"]
    assert made.said(body, "AK2") == ["AK2*860*0002"]
    assert made.said(body, "AK9") == ["AK9*R*1*1*0"]


def test_p04_faults_stay_with_the_set_they_are_in() -> None:
    broken = order("BEG*00*SA", set_id="850", control="0002")
    found = made.sets(interchange(group(order(), broken, order(control="0003"))))
    assert [bool(one.faults) for one in found] == [False, True, False]
    assert {fault.segment for fault in found[1].faults} == {"BEG", "PO1"}


def test_p05_and_p16_each_interchange_has_its_own_answer_and_separators() -> None:
    one = interchange(group(order()), head=isa("FIRST"), marks="*>~")
    other = interchange(group(order()), head=isa("OTHER"), marks="|:\r", after="")
    third = interchange(group(order()), head=isa("THIRD"), marks="^*|")
    assert made.statuses(one + other + third) == ["accepted"] * 3
    receivers = [answer.receiver.id for answer in made.answers(one + other + third) if answer]
    assert receivers == ["FIRST", "OTHER", "THIRD"]


def test_p06_blank_lines_and_doubled_terminators_end_nothing() -> None:
    lines = interchange(group(order(), order(control="0002")), marks="*>\n", after="\n")
    assert made.statuses(lines) == ["accepted"] * 2
    doubled = interchange(group(order(), order(control="0002"))).replace(b"~", b"~~")
    assert [one.segments for one in made.sets(doubled)] == [8, 8]


def test_p07_a_segment_of_a_megabyte_is_read_and_what_follows_too() -> None:
    body = interchange(
        group(order(GOOD[0], "N9*ZZ*1", "MSG*" + "X" * 1_000_000, *GOOD[3:]), order(control="0002"))
    )
    assert [one.segments for one in made.sets(body)] == [8, 8]


def test_p07_a_wrapped_file_of_many_orders_is_read_in_good_time() -> None:
    import time

    text = interchange(group(*(order(control=f"{at:04d}") for at in range(1, 1001))), after="").decode()
    wrapped = "\n".join(text[at : at + 80] for at in range(0, len(text), 80)).encode()
    start = time.process_time()
    assert made.statuses(wrapped) == ["accepted"] * 1000
    assert time.process_time() - start < 5


def test_edifact_is_named_as_what_it_is() -> None:
    assert "EDIFACT and not X12" in made.problems(b"UNA:+.? 'UNB+UNOC:3+A+B+261122:0930+1'UNZ+0+1'")[0]


def test_p08_the_last_set_is_read_without_its_trailers_and_nothing_is_renamed() -> None:
    whole = interchange(group(order(), order(control="0002")))
    cut = whole[: whole.index(b"GE*")]
    assert made.statuses(cut) == ["accepted"] * 2
    assert any("GE is missing" in told for told in made.problems(cut))
    assert any("IEA is missing" in told for told in made.problems(cut))
    one = made.sets(interchange(group(order(*GOOD, "ZZZ*1"))))[0]
    assert one.walked is not None
    assert tree.STRAYS in str(tree.named(one.walked.root, one.found.marks))


def test_p09_groups_are_accepted_in_part_and_counted_without_a_trailer() -> None:
    body = interchange(group(order(), order("BEG*00", control="0002"), order(control="0003")))
    assert made.said(body, "AK9") == ["AK9*P*3*3*2"]
    cut = body[: body.index(b"GE*")]
    assert made.said(cut, "AK9") == ["AK9*P*3*3*2*3"]
    noted = interchange(group(order(*GOOD[:5], "CTT*2")))
    assert made.said(noted, "AK9") == ["AK9*E*1*1*1"]


def test_p10_an_answer_has_the_version_of_the_group_it_answers() -> None:
    for version in ("004010", "004030VICS", "005010"):
        head = isa(version="00401")
        assert made.said(interchange(group(order(), version=version), head=head), "GS")[0].endswith(version)


def test_p11_numbers_are_drawn_not_clocked_and_a_ta1_follows_the_isa() -> None:
    body = interchange(group(order(), number="77"), head=isa(asks="1"))
    found = made.answered(body)
    assert found[0].split("*")[13] == "000000001"
    assert found[1].startswith("TA1*")
    assert made.said(body, "GS")[0].split("*")[6] == "1"


@pytest.mark.parametrize(("version", "kind", "name"), [
    ("005010", Kind.IMPLEMENTATION, "999"), ("005010", Kind.FUNCTIONAL, "997"),
    ("004030", Kind.FUNCTIONAL, "997"), ("003040", Kind.IMPLEMENTATION, "997"),
    ("004060", Kind.FUNCTIONAL, "997"),
])  # fmt: skip
def test_p12_every_version_gets_its_whole_answer(version: str, kind: Kind, name: str) -> None:
    body = interchange(group(order("BEG*00"), version=version))
    found = made.answered(body, kind)
    assert made.said(body, "ST", kind)[0].startswith(f"ST*{name}*")
    assert [one.split("*")[0] for one in found[-4:]] == ["AK9", "SE", "GE", "IEA"]


def test_p13_bad_values_cannot_break_the_answer() -> None:
    lines = (*GOOD[:3], "PO1|1|1*0~X>Y|EA|9.5||VN|SKU-1".replace("|", "\x1d"), "CTT\x1d1")
    body = interchange(
        group(order(*(one.replace("*", "\x1d") if at < 3 else one for at, one in enumerate(lines))))
    )
    body = body.replace(b"*", b"\x1d").replace(b"~\n", b"\x1c").replace(b"1\x1d0~X", b"1*0~X")
    shown = [one for one in made.said(body, "AK4") if "330" in one]
    assert shown == ["AK4*2*330*6*10XY"]
    assert made.statuses(("~".join(made.answered(body)) + "~").encode()) == ["accepted"]


@pytest.mark.parametrize("lines", [
    ["SE*2*0001"], ["GE*1*1"], ["ST"], ["ST*850"], ["ST*850*0001", "SE*x*0001"], ["GS"],
    ["GS*PO", "ST*850*1", "GE*x*y"], ["N1*BY"], ["TA1"], ["IEA"], ["HL*1"],
    ["ST*856*0001", "BSN*00*1*20261122*0930", "HL", "HL**1", "SE*5*0001"],
    ["ST*850*0001", "N4*A:B:C:D:E", "PO1*1*1*EA*1", "SE*4*0001"],
])  # fmt: skip
def test_p14_malformed_structures_crash_nothing(lines: list[str]) -> None:
    for body in (interchange(lines), interchange(group(lines)), "~".join(lines).encode()):
        found = made.sets(body)
        alone = not body.startswith(b"ISA") and len(lines) == 1  # nothing tells what separates its elements
        assert len(found) == sum(one.split("*")[0] == "ST" for one in lines) or alone
        assert all(one.status.value != "accepted" for one in found)
        made.answered(body)


def test_p15_a_version_without_a_guide_is_answered_so() -> None:
    body = interchange(group(order("BEG*00"), version="003040"))
    assert made.statuses(body) == ["unsupported"]
    assert made.said(body, "AK5") == ["AK5*R*1"]
    assert made.said(body, "AK9") == ["AK9*R*1*1*0*2"]
    other = interchange(group(order("XX*1", set_id="832"), code="SC"))
    assert made.statuses(other) == ["unsupported"]
    assert made.said(other, "AK9") == ["AK9*R*1*1*0*1"]


def test_p17_is_tested_with_the_writer() -> None:
    """Separators in values, padding, numbers: test_trap_06, test_trap_14, test_write."""
    from tests.connectors.edi import test_write  # noqa: F401 - they are there


def test_p18_guides_and_maps_are_made_once() -> None:
    assert guide.load("850", 4010) is guide.load("850", 4010)
    second.objections("997", 4010, ["ST*997*0001"], PLAIN)
    assert second._map("997", 4010) is second._map("997", 4010)


def test_p19_no_value_of_a_document_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    body = interchange(group(order("BEG*00*SECRETVALUE", "N1*ST*SECRETVALUE*92*" + "SECRETVALUE" * 9)))
    one = made.sets(body)[0]
    second.objections("850", 4010, one.found.segments, one.found.marks)
    made.answered(body)
    assert "SECRETVALUE" not in caplog.text
    assert not any("SECRETVALUE" in fault.message for fault in one.faults if fault.level is not Level.SET)


def test_a_guide_that_is_not_there_is_named() -> None:
    with pytest.raises(Invalid, match="no guide for 832"):
        guide.wanted("832", "004010")
    with pytest.raises(Invalid, match="no version"):
        guide.wanted("850", "nonsense")
