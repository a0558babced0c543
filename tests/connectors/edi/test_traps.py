"""The traps of X12 that others fell into, each by its number."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from connectors.edi import acknowledge, footing, tree, write
from connectors.edi.header import Marks
from hub.sdk import Invalid
from tests.connectors.edi import made
from tests.connectors.edi.made import GOOD, group, interchange, isa, order

SAMPLES = Path(__file__).parents[4] / "shared" / "samples" / "edi"
INVOICE = (
    "BIG*20261122*INV-1*20261101*PO-1***DI", "CUR*SE*USD", "ITD*01*3*2**10**30*1234",
    "IT1*1*10*EA*9.95**VN*SKU-1", "SAC*A*C310***150*******02", "IT1*2*250*EA*12*HP*VN*SKU-2",
    "TDS*13350", "TXI*ST*5.50", "CTT*2",
)  # fmt: skip


def named(body: bytes) -> tree.Tree:
    one = made.sets(body)[0]
    assert one.walked is not None
    return tree.named(one.walked.root, one.found.marks)


def invoice(*lines: str) -> bytes:
    return interchange(group(order(*(lines or INVOICE), set_id="810"), code="IN"))


def remittance(*lines: str, bpr: str = "C*90*C*ACH") -> bytes:
    inner = f"BPR*{bpr}************20261122", "TRN*1*TRACE-1", *lines
    return interchange(group(order(*inner, set_id="820"), code="RA"))


def test_trap_01_amounts_without_a_point_are_read_and_written() -> None:
    found = named(invoice())
    assert found["TDS"]["amount"] == "133.50"
    assert found["lines"][0]["allowances"][0]["SAC"]["amount"] == "1.50"
    assert found["ITD"][0]["discount_amount"] == "12.34"
    assert [write.implied(Decimal(one), 2) for one in ("123.4", "0", "-5", "0.05")] == [
        "12340",
        "0",
        "-500",
        "5",
    ]
    assert made.codes(invoice(*(one.replace("TDS*13350", "TDS*133.00") for one in INVOICE)))[0][1] == "6"
    with pytest.raises(Invalid, match="decimals"):
        write.implied(Decimal("1.005"), 2)


def test_trap_02_a_price_may_be_for_a_hundred_or_a_thousand_pieces() -> None:
    line = {"quantity": "250", "unit_price": "12"}
    bases = {"": 3000, "PE": 3000, "HP": 30, "TP": 3, "PD": 250, "NC": 0, "CP": 3000}
    assert {basis: footing.line_amount({**line, "price_basis": basis}) for basis in bases} == bases


def test_trap_03_schedules_and_stores_are_added_up() -> None:
    lines = (
        *GOOD[:5],
        "SDQ*EA*92*0017*4*0018*5",
        "SCH*4*EA***002*20261220",
        "SCH*6*EA***002*20270110",
        "CTT*1",
    )
    line = named(interchange(group(order(*lines))))["lines"][0]
    assert footing.schedules(line) == (Decimal(10), Decimal(10))
    assert footing.stores(line) == (Decimal(10), Decimal(9))
    assert not footing.Footing(Decimal(10), Decimal(9)).holds


def test_trap_04_line_numbers_may_be_empty_or_repeated() -> None:
    lines = (*GOOD[:3], "PO1**10*EA*9.5**VN*A", "PO1*7*1*EA*2**VN*B", "PO1*7*1*EA*2**VN*C", "CTT*3")
    body = interchange(group(order(*lines)))
    assert made.statuses(body) == ["accepted"]
    assert [line["PO1"].get("line_number") for line in named(body)["lines"]] == [None, "7", "7"]


def test_trap_05_unknown_qualifiers_are_kept_as_they_were_sent() -> None:
    body = interchange(group(order(GOOD[0], "REF*9X7*WHATEVER", "N1*Q7Z*SOMEBODY*ZZ*1234", *GOOD[3:])))
    assert made.statuses(body) == ["accepted"]
    assert named(body)["REF"] == [{"reference_qualifier": "9X7", "reference": "WHATEVER"}]
    assert named(body)["parties"][0]["N1"]["party"] == "Q7Z"


def test_trap_06_an_isa_without_its_padding_is_read_and_ours_has_it() -> None:
    short = "ISA*00**00**ZZ*BUYER*ZZ*SELLER*261122*0930*U*00401*42*0*P*"
    body = interchange(group(order()), head=short, number="42")
    assert made.statuses(body) == ["accepted"]
    assert "fixed width" in made.problems(body)[0]
    text = write.interchange(_ours())
    assert len(text.split("~")[0]) == 105
    assert text[35:50] == "SELLER         "


def _ours(*segments: write.Segment, version: str = "00401") -> write.Interchange:
    inner = write.Set("997", "0001", segments or (("AK1", "PO", "7"), ("AK9", "A", "0", "0", "0")))
    one = write.Group("FA", "SELLER", "BUYER", 5, "004010", [inner])
    us, them = write.Party("ZZ", "SELLER", ""), write.Party("ZZ", "BUYER", "")
    return write.Interchange(us, them, 9, made.STAMP, [one], version)


@pytest.mark.parametrize("element", ["*", "|", "^", "+", ">", "~", "\x1d", "$"])
@pytest.mark.parametrize("terminator", ["~", "\n", "\r", "\x15", "\\", "!", "'", "\x1c", "^"])
def test_trap_07_any_pair_of_separators_will_do(element: str, terminator: str) -> None:
    if element == terminator:
        pytest.skip("one character cannot be both")
    body = interchange(group(order(), order(control="0002")), marks=f"{element}:{terminator}", after="")
    assert made.statuses(body) == ["accepted"] * 2
    assert made.problems(body) == []


def test_trap_07_every_pair_in_the_index_of_the_samples_is_read() -> None:
    index = SAMPLES / "INDEX.tsv"
    if not index.is_file():
        pytest.skip("no index of samples beside the checkout")
    rows = [line.split("\t") for line in index.read_text("utf-8").splitlines()[1:]]
    pairs = {(row[4].strip("'"), row[6].strip("'")) for row in rows}
    seen = 0
    for element, terminator in pairs:
        char = terminator.encode().decode("unicode_escape")
        # Where ISA is broken the index names letters, blanks or the same character twice.
        if len(char) == 1 and char != element and not char.isalnum() and char != " ":
            body = interchange(group(order()), marks=f"{element}@{char}", after="")
            assert made.statuses(body) == ["accepted"], (element, char)
            seen += 1
    assert seen >= 10


@pytest.mark.parametrize("after", ["", "\n", "\r\n", "\r", "\n\n", "  \n", "\n    "])
@pytest.mark.parametrize("before", ["", "\ufeff", "\n\n", " \t", "\x00"])
def test_trap_08_line_breaks_and_marks_of_order_do_no_harm(after: str, before: str) -> None:
    body = before.encode() + interchange(group(order()), after=after)
    assert made.statuses(body) == ["accepted"]


def test_trap_08_lines_wrapped_at_eighty_columns_are_joined() -> None:
    text = interchange(group(order(), order(control="0002")), after="").decode()
    wrapped = "\r\n".join(text[at : at + 80] for at in range(0, len(text), 80)).encode()
    assert made.statuses(wrapped) == ["accepted"] * 2


def test_trap_08_every_width_of_wrapping_is_joined() -> None:
    text = interchange(group(order()), after="").decode()
    for width in range(20, 120, 7):
        wrapped = "\n".join(text[at : at + width] for at in range(0, len(text), width)).encode()
        assert made.statuses(wrapped) == ["accepted"], width


def test_trap_09_an_empty_segment_loses_nothing() -> None:
    body = interchange(group(order(), order(control="0002"))).replace(b"DTM*002", b"~~DTM*002", 1)
    assert made.statuses(body) == ["accepted_with_errors", "accepted"]
    assert [one.segments for one in made.sets(body)] == [8, 8]


@pytest.mark.parametrize("size", [20_000, 200_000])
def test_trap_09_a_long_segment_loses_nothing(size: int) -> None:
    text = "MSG*" + "X" * size
    body = interchange(group(order(GOOD[0], "N9*ZZ*1", text, *GOOD[3:]), order(control="0002")))
    first, other = made.sets(body)
    assert (first.segments, other.status.value) == (8, "accepted")
    assert [(fault.code, fault.element) for fault in first.faults] == [("5", 1)]


def test_trap_10_two_senders_get_an_answer_each() -> None:
    one = interchange(group(order()), head=isa("FIRST"))
    other = interchange(group(order("BEG*00"), code="PO"), head=isa("SECOND"), marks="|:!")
    found = made.answers(one + other)
    assert [answer.receiver.id for answer in found if answer] == ["FIRST", "SECOND"]
    assert made.said(one + other, "AK5") == ["AK5*A", "AK5*R*5"]


def test_trap_11_a_set_in_the_wrong_group_is_refused_and_its_neighbours_are_not() -> None:
    change = order("BCH*04*SA*PO-1***20261122", set_id="860", control="0002")
    body = interchange(group(order(), change, order(control="0003")))
    assert made.statuses(body) == ["accepted", "rejected", "accepted"]
    assert made.said(body, "AK5") == ["AK5*A", "AK5*R*1", "AK5*A"]
    assert made.said(body, "AK9") == ["AK9*P*3*3*2"]


def test_trap_12_an_interchange_that_comes_twice_is_refused_the_second_time() -> None:
    body = interchange(group(order()))
    assert made.statuses(body + body) == ["accepted", "rejected"]
    assert made.said(body + body, "TA1") == ["TA1*000000042*261122*0930*R*025"]
    first, again = made.sets(body + body)
    assert first.found.payload == again.found.payload
    other = interchange(group(order(*GOOD[:5], "CTT*2")))
    assert made.sets(body + other)[1].found.payload != first.found.payload


def test_trap_13_our_own_answers_are_read_by_us_without_a_fault() -> None:
    for kind in acknowledge.Kind:
        for version in ("004010", "004030VICS", "005010"):
            body = interchange(
                group(order("BEG*00*SA", "ZZZ*1", count=9), version=version), number="000000001"
            )
            text = "~".join(made.answered(body, kind)) + "~"
            assert made.statuses(text.encode()) == ["accepted"], (kind, version)
            assert made.problems(text.encode()) == []


def test_trap_14_a_separator_in_a_value_is_never_written_as_one() -> None:
    tilde = _ours(("AK1", "PO", "7"), ("MSG", "A~B"))
    marks = write.separators(tilde, write.Style())
    assert "~" not in marks[:4]
    assert f"A~B{marks.terminator}" in write.interchange(tilde)
    with pytest.raises(Invalid, match="separator '~'"):
        write.interchange(tilde, write.Style(others=False))
    assert "A-B~" in write.interchange(tilde, write.Style(others=False, substitute="-"))
    with pytest.raises(Invalid, match="line break"):
        write.interchange(_ours(("MSG", "A\nB")))


def test_trap_15_wrong_counts_have_their_codes_and_good_sets_go_on() -> None:
    body = interchange(group(order(), order(control="0002", count=9)))
    assert made.said(body, "AK5") == ["AK5*A", "AK5*R*4"]
    assert made.said(body, "AK9") == ["AK9*P*2*2*1"]
    more = body.replace(b"GE*2*7", b"GE*3*7")
    assert made.said(more, "AK9") == ["AK9*P*3*2*1*5"]
    other = interchange(group(order())).replace(b"IEA*1*000000042", b"IEA*2*000000043")
    assert made.statuses(other) == ["accepted"]
    assert made.said(other, "TA1") == ["TA1*000000042*261122*0930*E*021"]
    assert made.said(other, "AK9") == ["AK9*A*1*1*1"]


@pytest.mark.parametrize(
    "version", ["004010", "004010VICS", "004010UCS", "004030VICS", "005010", "004010X357"]
)
def test_trap_16_every_spelling_of_a_version_finds_its_guide(version: str) -> None:
    body = interchange(group(order(), version=version))
    assert made.statuses(body) == ["accepted"]
    assert made.sets(body)[0].guide == f"850 {version[:6]}"
    assert made.said(body, "GS")[0].endswith(f"*X*{version}")


@pytest.mark.parametrize("version", ["", "UNKNOWN", "4010"])
def test_trap_16_what_is_no_version_is_not_guessed(version: str) -> None:
    assert made.statuses(interchange(group(order(), version=version))) == ["unsupported"]


def test_trap_17_a_circumflex_repeats_in_5010_and_is_text_in_4010() -> None:
    text = (GOOD[0], "REF*DP*A^B", *GOOD[2:])
    older = interchange(group(order(*text)))
    newer = interchange(group(order(*text), version="005010"), head=isa(version="00501", standard="^"))
    assert named(older)["REF"][0]["reference"] == "A^B"
    assert made.sets(older)[0].found.marks.repetition == ""
    assert made.sets(newer)[0].found.marks.repetition == "^"


def test_trap_18_dates_of_six_digits_are_dates_before_4010_only() -> None:
    short = ("BEG*00*SA*PO-1**961122", *GOOD[2:])
    assert made.statuses(interchange(group(order(*short), version="003040"))) == ["accepted"]
    assert named(interchange(group(order(*short), version="003040")))["BEG"]["date"] == "1996-11-22"
    assert made.codes(interchange(group(order(*short)))) == [("date", "8", 2, 5)]


def test_trap_19_a_ta1_stands_before_the_groups_and_may_stand_alone() -> None:
    alone = interchange(["TA1*000000001*261122*0930*A*000"]).replace(b"IEA*1", b"IEA*0")
    assert made.problems(alone) == []
    assert made.answers(alone) == [None]
    asked = made.answered(interchange(group(order()), head=isa(asks="1")))
    assert [one[:3].strip("*") for one in asked[:3]] == ["ISA", "TA1", "GS"]
    assert asked[1] == "TA1*000000042*261122*0930*A*000"


def test_trap_19_a_ta1_repeats_nothing_that_could_break_it() -> None:
    body = interchange(group(order()), head=isa(number="\x1a0000~042"[:9].replace("~", "A"), asks="1"))
    assert made.said(body, "TA1")[0].startswith("TA1*0000A042*261122*0930*E*018")


def test_trap_20_a_remittance_adds_up_by_the_sign_of_its_adjustments() -> None:
    items = "ENT*1", "ADX*-10*01", "RMR*IV*1**60*62*2", "RMR*IV*2**40*50*0", "ADX*-10*06"
    assert footing.remittance(named(remittance(*items))) == (Decimal(90), Decimal(90))
    assert footing.remittance(named(remittance(*items)), negative_reduces=False).found == Decimal(110)
    documents = named(remittance(*items))["entities"][0]["documents"]
    assert [footing.open_item(one).holds for one in documents] == [True, True]
    assert not footing.remittance(named(remittance("ENT*1", "RMR*IV*1**60"))).holds


def test_trap_20_remittances_without_entities_are_read_and_noted() -> None:
    body = remittance("RMR*IV*1**90")
    assert made.statuses(body) == ["accepted_with_errors"]
    assert footing.remittance(named(body)).holds


def test_trap_21_a_credit_memo_says_so_in_big07() -> None:
    memo = named(invoice("BIG*20261122*CM-1*****CR", "IT1*1*1*EA*5**VN*A", "TDS*500"))
    assert footing.is_credit(memo)
    assert not footing.is_credit(named(invoice()))
    assert footing.invoice(memo).holds
    assert footing.invoice(named(invoice())).holds


@pytest.mark.parametrize(
    ("code", "moves"), [("C", True), ("D", True), ("I", False), ("P", False), ("H", False)]
)
def test_trap_22_advice_without_money_moves_none(code: str, moves: bool) -> None:
    assert footing.moves_money(named(remittance("ENT*1", bpr=f"{code}*90*C*ACH"))) is moves


def test_trap_23_an_answer_takes_exactly_the_numbers_it_says_it_needs() -> None:
    body = interchange(
        group(order()), group(order(), number="8", version="005010"), group(order(), number="9")
    )
    one = next(acknowledge.received(made.read(body)))
    answer = acknowledge.answer(one, acknowledge.Numbers(50, 70), made.STAMP)
    assert answer is not None
    assert answer.control_number == 50
    assert [part.control_number for part in answer.groups] == [70, 71]
    assert acknowledge.groups_needed(one) == 2
    assert [len(part.sets) for part in answer.groups] == [2, 1]


def test_trap_24_an_unknown_segment_is_tolerated_by_policy_and_never_renamed() -> None:
    body = interchange(group(order(*GOOD[:4], "ZZZ*A*B", *GOOD[4:])))
    assert made.statuses(body) == ["rejected"]
    assert made.statuses(body, unknown_segment="note") == ["accepted_with_errors"]
    assert made.statuses(body, unknown_segment="ignore") == ["accepted"]
    line = named(body)["lines"][0]
    assert line[tree.STRAYS] == [["ZZZ", "A", "B"]]
    assert line["descriptions"][0]["PID"]["description"] == "WIDGET"


def test_marks_are_a_plain_value() -> None:
    assert Marks("*", ">", "", "~") == ("*", ">", "", "~", False)
