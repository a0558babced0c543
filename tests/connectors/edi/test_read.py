"""What arrives is told in order: the interchange, what its sets mean, our answer last."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from connectors.edi import exchanged, taking
from connectors.edi.faults import RULES
from hub.sdk import REFUSED, AuthFailed, Invalid, Rejected, encode
from tests.connectors.edi import made
from tests.connectors.edi.arriving import (
    KEY,
    bought,
    changes,
    delivery,
    edi,
    group,
    interchange,
    isa,
    of_kind,
    order,
    ours,
    paid,
)

LINES = ("PO1*1*10*EA*9.5**VN*SKU-1", "CTT*1")
BAD = order("BEG*00*SA*PO-2**20261122", "PO1*1*ten*EA*9.5**VN*SKU-1", "CTT*1", control="0002")


def told(body: bytes, **settings: Any) -> Mapping[str, Any]:
    """The record of the first interchange."""
    found = next(one for one in changes(body, **settings) if one.kind == "interchange")
    assert found.record is not None
    return found.record


def statuses(body: bytes, **settings: Any) -> list[list[str]]:
    return [[one["status"] for one in group["sets"]] for group in told(body, **settings)["groups"]]


def test_orders_come_before_what_refers_to_them_and_our_answer_last() -> None:
    change = order("BCH*04*SA*PO-1**2*20261101", "POC*1*DI", "CTT*1", set_id="860", control="0009")
    fa = order("AK1*IN*31", "AK9*A*1*1*1", set_id="997")
    body = interchange(group(change, code="PC"), group(fa, code="FA", number="8"), group(order(), number="9"))
    found = changes(body)
    assert [one.kind for one in found] == [
        "interchange", "order", "order_change", "acknowledgment", "acknowledgment",
    ]  # fmt: skip
    assert found[-1].external_id == f"our:{found[0].external_id}"


def test_an_interchange_is_known_by_sender_number_and_content() -> None:
    one, again = changes(bought(*LINES))[0], changes(bought(*LINES).replace(b"\n", b"\r\n"))[0]
    other = changes(bought(*LINES, "AMT*TT*95"))[0]
    assert one.external_id.startswith("ZZ/BUYER:000000042:")
    assert one.external_id == again.external_id  # other line breaks are no other content
    assert one.external_id != other.external_id
    assert told(bought(*LINES))["digest"] == told(bought(*LINES).replace(b"\n", b""))["digest"]


def test_the_record_of_an_interchange_says_what_became_of_each_set() -> None:
    record = told(interchange(group(order(), BAD)))
    assert (record["number"], record["sender"], record["receiver"], record["is_test"]) == (
        "000000042", "ZZ/BUYER", "ZZ/SELLER", False,
    )  # fmt: skip
    (only,) = record["groups"]
    assert (only["code"], only["version"], only["status"]) == ("PO", "004010", "partly_accepted")
    assert [(one["reference"], one["status"]) for one in only["sets"]] == [
        ("PO-1", "accepted"), ("PO-2", "rejected"),
    ]  # fmt: skip
    assert only["sets"][1]["faults"][0]["message"] == "PO102 (quantity) is not a number"


def test_a_refused_set_is_no_change_and_its_neighbours_are() -> None:
    body = interchange(group(order(), BAD, order("BEG*00*SA*PO-3**20261122", *LINES, control="0003")))
    assert [one.external_id for one in of_kind("order", body)] == ["PO-1", "PO-3"]


def test_what_cannot_be_said_is_told_beside_the_good_ones() -> None:
    charge = ("BEG*00*SA*PO-2**20261122", "SAC*C*D240***2500*******06", *LINES)
    body = interchange(group(order(), order(*charge, control="0002")))
    good, bad = of_kind("order", body)
    assert (good.problem, bad.record) == (None, None)
    assert "edi.order: allowances" in str(bad.problem)
    assert ours(body)["order_key"] == "PO-1"


def test_our_answer_says_what_the_interchange_says_and_carries_no_numbers_of_ours() -> None:
    record = ours(interchange(group(order(), BAD)))
    answer = record["answer"]
    assert (record["level"], record["status"], record["order_key"]) == ("997", "partly_accepted", "PO-1")
    assert (answer["sender"], answer["receiver"]) == (["ZZ", "SELLER", "SELLER"], ["ZZ", "BUYER", "BUYER"])
    (only,) = answer["groups"][0]["sets"]
    assert set(only) == {"id", "version", "segments"}
    assert [one[0] for one in only["segments"]] == ["AK1", "AK2", "AK5", "AK2", "AK3", "AK4", "AK5", "AK9"]
    assert json.loads(json.dumps(answer)) == answer


def test_our_answer_names_no_order_where_several_came() -> None:
    second = order("BEG*00*SA*PO-2**20261122", *LINES, control="0002")
    assert ours(interchange(group(order(), second)))["order_key"] == ""


def test_how_we_answer_is_by_the_profile() -> None:
    newer = interchange(group(order(), version="005010"))
    assert ours(newer)["level"] == "997"
    assert ours(newer, acknowledge="999")["level"] == "999"
    assert ours(bought(*LINES), acknowledge="999")["level"] == "997"  # a 999 came with 005010
    assert ours(bought(*LINES), acknowledge="none") == {}


def test_a_ta1_is_by_the_profile_too() -> None:
    asks = interchange(group(order()), head=isa(asks="1"))
    assert [one[0] for one in ours(asks)["answer"]["responses"]] == ["TA1"]
    assert ours(asks, acknowledge="none")["level"] == "TA1"
    assert ours(asks, acknowledge_technical=False)["answer"]["responses"] == []


def test_trap_10_two_interchanges_of_one_file_get_an_answer_each() -> None:
    body = bought(*LINES) + interchange(group(order("BEG*00*SA*PO-2**20261122", *LINES)), number="000000043",
                                        head=isa(number="000000043"))  # fmt: skip
    kinds = [one.kind for one in changes(body)]
    assert kinds == ["interchange", "order", "acknowledgment"] * 2


def test_trap_12_the_same_interchange_twice_in_a_file_is_told_once() -> None:
    body = bought(*LINES)
    assert [one.external_id for one in changes(body + body)] == [one.external_id for one in changes(body)]


def test_trap_12_the_same_number_with_another_content_is_refused() -> None:
    other = interchange(group(order("BEG*00*SA*PO-2**20261122", *LINES)))
    found = changes(bought(*LINES) + other)
    assert [one.kind for one in found] == [
        "interchange", "order", "acknowledgment", "interchange", "acknowledgment",
    ]  # fmt: skip
    record = found[-1].record or {}
    assert (record["level"], record["status"]) == ("TA1", "rejected")
    assert record["answer"]["responses"][0][-2:] == ["R", "025"]


def test_an_order_that_stands_twice_is_taken_once_and_asked_about() -> None:
    body = interchange(group(order(), order(control="0002")))
    first, second = of_kind("order", body)
    assert (first.external_id, first.problem) == (second.external_id, None)
    assert "stands twice" in str(second.problem)


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"partner_id": "OTHER"}, "wrong_sender"),
        ({"partner_qualifier": "01"}, "wrong_sender"),
        ({"our_id": "OTHER"}, "wrong_receiver"),
        ({"usage": "T"}, "wrong_usage"),
        ({"partner_codes": ["OTHER"]}, "wrong_sender"),
        ({"our_code": "OTHER"}, "wrong_receiver"),
    ],
)
def test_what_is_not_from_this_partner_to_us_is_refused_whole(settings: dict[str, Any], code: str) -> None:
    with pytest.raises(Rejected) as refused:
        changes(bought(*LINES), **settings)
    assert refused.value.code == code


def test_nothing_is_told_of_a_file_that_holds_another_partners_interchange() -> None:
    read = edi().read(delivery(bought(*LINES) + interchange(group(order()), head=isa("STRANGER"))))
    with pytest.raises(Rejected, match="ZZ/STRANGER as sender"):
        next(iter(read))


@pytest.mark.parametrize(
    "body", [b"", b" \n", b"hello", b"UNB+UNOA:1+A+B+1+2'", b"\xff\xfe\x00", b"[" * 10_000, b"ISA*00*"]
)
def test_what_holds_no_interchange_is_refused_in_words(body: bytes) -> None:
    with pytest.raises(Invalid):
        changes(body)


def test_a_set_outside_of_any_interchange_is_a_problem_beside_the_good_one() -> None:
    stray = "~\n".join(group(order(control="0005"))).encode() + b"~\n"
    found = changes(bought(*LINES) + stray)
    assert [one.kind for one in found] == ["interchange", "order", "acknowledgment", "interchange"]
    assert "nobody can be answered" in str(found[-1].problem)


def test_what_was_passed_over_is_noted() -> None:
    notes = told(b"--- begin of mail ---\n" + bought(*LINES))["notes"]
    assert any("begin of mail" in one for one in notes)
    counted = bought(*LINES).replace(b"IEA*1", b"IEA*2")
    assert told(counted)["notes"] == ["IEA01 says 2, there are 1 groups"]


@pytest.mark.parametrize("rule", ["set_count", "totals"])
def test_the_weight_of_a_rule_is_by_the_profile(rule: str) -> None:
    bodies = {
        "set_count": interchange(group(order(count=99))),
        "totals": interchange(group(order(*made.GOOD[:-1], "CTT*7"))),
    }
    results = {
        weight: statuses(bodies[rule], checks={rule: weight}) for weight in ("ignore", "note", "reject")
    }
    assert results == {
        "ignore": [["accepted"]], "note": [["accepted_with_errors"]], "reject": [["rejected"]],
    }  # fmt: skip


def test_trap_24_an_unknown_segment_is_kept_where_the_profile_lets_it_in() -> None:
    body = bought("ZQZ*1*WHAT", *LINES)
    assert statuses(body) == [["rejected"]]
    (found,) = of_kind("order", body, checks={"unknown_segment": "note"})
    assert (found.record or {})["not_placed"] == [["ZQZ", "1", "WHAT"]]


def test_sets_that_only_we_send_are_not_taken() -> None:
    answer = order("BAK*00*AC*PO-9*20261122", "PO1*1*1*EA*1", "CTT*1", set_id="855")
    body = interchange(group(answer, code="PR"))
    record = told(body)
    assert record["groups"][0]["sets"][0]["reason"] == "a 855 is not taken from this partner"
    segments = ours(body)["answer"]["groups"][0]["sets"][0]["segments"]
    assert [one for one in segments if one[0] == "AK5"] == [["AK5", "R", "1"]]


def test_every_rule_that_a_profile_may_name_is_one_of_the_reader() -> None:
    bodies = [interchange(group(order(), BAD)), bought("ZQZ*1", *LINES), interchange(group(order(count=1)))]
    seen = {fault.check for body in bodies for one in made.sets(body) for fault in one.faults}
    assert seen
    assert seen <= RULES


def test_what_is_read_can_be_stored() -> None:
    for body in (bought(*LINES), paid("RMR*IV*INV-1**90"), interchange(group(order(), BAD))):
        for one in changes(body):
            assert one.record is not None
            assert encode(one.record)


def test_sets_beyond_the_walks_that_are_kept_are_walked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    many = [order(f"BEG*00*SA*PO-{n}**20261122", *LINES, control=f"{n:04d}") for n in range(1, 30)]
    body = interchange(group(*many))
    before = changes(body)
    monkeypatch.setattr(taking, "TREES_KEPT", 20)
    assert changes(body) == before
    assert len(before) == 31


def test_uploads_carry_the_key_and_a_repeat_is_another_event_a_minute_later() -> None:
    sent = delivery(bought(*LINES))
    (name,) = edi().verify(sent)
    assert edi().verify(sent) == [name]
    later = sent._replace(received_at=sent.received_at.replace(minute=59))
    assert edi().verify(later) != [name]
    for headers in ({}, {"authorization": "Bearer other"}, {"authorization": KEY}):
        with pytest.raises(AuthFailed):
            edi().verify(sent._replace(headers=headers))


def test_a_file_that_could_not_be_fetched_says_why() -> None:
    with pytest.raises(Invalid, match="too large"):
        list(edi().read(delivery(bought(*LINES))._replace(headers={REFUSED: "too large"})))


def test_what_people_call_a_set_is_found_in_its_head() -> None:
    body = interchange(group(order("TRN*1*X"), code="RA"))
    assert [exchanged.reference_of(one) for one in made.sets(body)] == [""]
    assert [exchanged.reference_of(one) for one in made.sets(paid("RMR*IV*1**1"))] == ["TRACE-1"]


def test_a_text_is_a_message() -> None:
    lines = ("BMG*00*PRICES", "MIT*1*FROM JANUARY", "MSG*UP", "MSG*AND DOWN")
    (found,) = of_kind("message", interchange(group(order(*lines, set_id="864"), code="TX")))
    assert found.record is not None
    assert (found.record["topic"], found.record["body"]["messages"][0]["text"]) == ("PRICES", "UP\nAND DOWN")


def test_a_missing_customer_is_told_by_the_check() -> None:
    assert not any("no customer" in one for one in edi().check().findings)
    assert any("no customer" in one for one in edi(customer="").check().findings)
