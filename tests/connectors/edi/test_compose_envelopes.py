"""Which documents share an envelope, which numbers are drawn for them, and what is never sent."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from connectors.edi import composing, proof, purchase_order, second, tree
from hub.model import Interchange
from hub.sdk import Rejected
from tests.connectors.edi import made
from tests.connectors.edi.sending import (
    STORE,
    Numbers,
    body,
    composed,
    invoice,
    line,
    order,
    refusal,
    response,
    segments,
    settings,
    shipment,
    trees,
    write,
)

ANSWER: dict[str, Any] = {
    "sender": ["ZZ", "SELLER", "SELLGS"], "receiver": ["ZZ", "BUYER", "BUYGS"], "usage": "P",
    "version": "00401",
    "responses": [], "groups": [{
        "version": "004010", "sender": "SELLGS", "receiver": "BUYGS",
        "sets": [{"id": "997", "version": "", "segments": [
            ["AK1", "PO", "7"], ["AK2", "850", "0001"], ["AK3", "N4", "6", "", "8"],
            ["AK4", ["2"], "156", "5", "TEXAS"], ["AK5", "R", "5"], ["AK9", "R", "1", "1", "0"]]}]}],
}  # fmt: skip


def test_one_envelope_for_each_kind_of_group_with_numbers_of_its_own() -> None:
    numbers = Numbers()
    told = order()
    writes = [
        write("invoice", invoice(told, number="INV-1"), "a"), write("shipment", shipment(told), "b"),
        write("credit_memo", invoice(told, number="CM-1", due_date=None), "c"),
        write("order_response", response(told), "d"), write("acknowledgment", {"answer": ANSWER}, "e"),
    ]  # fmt: skip
    made_, refused = composed(*writes, numbers=numbers)
    assert not refused
    assert numbers.last == {"isa": 4, "gs": 4}
    assert [dict(one.members) for one in made_] == [
        {4: "000000001/1/0001"}, {0: "000000002/2/0001", 2: "000000002/2/0002"},
        {1: "000000003/3/0001"}, {3: "000000004/4/0001"},
    ]  # fmt: skip
    assert [one.fields["groups"][0]["code"] for one in made_] == ["FA", "IN", "SH", "PR"]
    names = [
        (one["set_id"], one["number"], one["reference"], one["document"])
        for one in made_[1].fields["groups"][0]["sets"]
    ]
    assert names == [("810", "0001", "INV-1", "a"), ("810", "0002", "CM-1", "c")]
    for one in made_:
        trees(str(one.fields["body"]))


def test_an_envelope_is_a_valid_document_whose_body_is_what_leaves() -> None:
    made_, _ = composed(write("invoice", invoice(order())), usage="T")
    fields = made_[0].fields
    document = Interchange.model_validate({"id": "d" * 32, **fields})
    assert (document.number, document.sender, document.receiver) == ("000000001", "ZZ/SELLER", "ZZ/BUYER")
    assert document.digest == hashlib.sha256(document.body.encode("latin-1")).hexdigest()
    assert document.is_test
    assert document.acknowledge_by == datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
    assert made_[0].fields["body"].startswith("ISA*00*")
    assert (
        composed(write("invoice", invoice(order())), wants_997=False)[0][0].fields["acknowledge_by"] is None
    )


def test_a_refused_document_takes_no_number_and_holds_nobody_up() -> None:
    numbers = Numbers()
    bad = invoice(order(), total=Decimal(1))
    writes = [
        write("invoice", invoice(order()), "a"),
        write("invoice", bad, "b"),
        write("invoice", invoice(order()), "c"),
    ]
    made_, refused = composed(*writes, numbers=numbers)
    assert numbers.last == {"isa": 1, "gs": 1}
    assert dict(made_[0].members) == {0: "000000001/1/0001", 2: "000000001/1/0002"}
    assert isinstance(refused[1], Rejected)
    assert "does not foot" in str(refused[1])


def test_a_kind_that_has_no_set_is_refused() -> None:
    assert "no X12 set is sent for the kind payment" in refusal("payment", {})


@pytest.mark.parametrize(("version", "isa12", "repetition"), [
    ("004010VICS", "00401", "U"), ("004030", "00403", "^"), ("005010", "00501", "^"),
])  # fmt: skip
def test_the_envelope_is_of_the_version_of_its_group(version: str, isa12: str, repetition: str) -> None:
    text = body("invoice", invoice(order()), versions={"810": version})
    assert f"*{repetition}*{isa12}*000000001*0*P*>~" in text
    assert f"*1*X*{version}~" in text


def test_sets_of_one_group_in_two_versions_go_apart() -> None:
    versions = {"855": "004030"}
    record = response(order(), change="c")
    record["theirs"].append({"action": "cancel", "sequence": "", "lines": []})
    made_, refused = composed(
        write("order_response", response(order())), write("order_response", record), versions=versions
    )
    assert not refused
    assert [one.fields["groups"][0]["version"] for one in made_] == ["004030", "004010"]


def test_dates_of_six_digits_are_not_written() -> None:
    assert "we write 810 in 004010 and later, not in 003040" in refusal(
        "invoice", invoice(order()), versions={"810": "003040"}
    )


def test_a_separator_inside_a_value_takes_other_separators_or_its_substitute() -> None:
    odd = invoice(order(line(name="4*4 bolt ~ 1/2")), number="INV-2")
    plain = invoice(order())
    made_, refused = composed(write("invoice", plain, "a"), write("invoice", odd, "b"))
    assert not refused
    assert [str(one.fields["body"])[3] for one in made_] == ["*", "|"]
    assert (
        trees(str(made_[1].fields["body"]))[0]["lines"][0]["descriptions"][0]["PID"]["description"]
        == "4*4 bolt ~ 1/2"
    )
    made_, _ = composed(write("invoice", plain, "a"), write("invoice", odd, "b"), substitute="/")
    assert len(made_) == 1
    assert "PID*F****4/4 bolt / 1/2~" in str(made_[0].fields["body"])


def test_a_value_with_every_separator_is_refused() -> None:
    assert "a value holds the separator" in refusal("invoice", invoice(order(line(name="a*|~!"))))


def test_dates_of_an_envelope_are_those_of_the_partner() -> None:
    made_, _ = composing.compose(
        settings(time_zone="America/Chicago", newline="crlf"), [write("invoice", invoice(order()))],
        Numbers(),
        datetime(2026, 11, 22, 3, tzinfo=UTC),
    )  # fmt: skip
    text = str(made_[0].fields["body"])
    assert "*261121*2100*U*" in text
    assert text.endswith("IEA*1*000000001~\r\n")


def test_an_acknowledgment_goes_alone_to_whom_it_answers() -> None:
    made_, refused = composed(write("acknowledgment", {"answer": ANSWER}, "ack-1"))
    assert not refused
    fields = made_[0].fields
    assert fields["answers"] == "ack-1"
    assert fields["acknowledge_by"] is None
    assert dict(made_[0].members) == {0: "000000001/1/0001"}
    assert "GS*FA*SELLGS*BUYGS*" in str(fields["body"])
    assert "AK4*2*156*5*TEXAS~" in str(fields["body"])
    assert fields["groups"][0]["sets"][0]["reference"] == "7"


def test_a_technical_answer_stands_in_front_of_groups_or_alone() -> None:
    told = ["TA1", "000000042", "261122", "0930", "R", "025"]
    alone = {**ANSWER, "responses": [told], "groups": []}
    made_, refused = composed(write("acknowledgment", {"answer": alone}))
    assert not refused
    assert "~TA1*000000042*261122*0930*R*025~IEA*0*000000001~" in str(made_[0].fields["body"])
    assert dict(made_[0].members) == {0: "000000001"}
    both = {**ANSWER, "responses": [told[1:]]}
    assert "~TA1*000000042*261122*0930*R*025~GS*FA*" in body("acknowledgment", {"answer": both})


@pytest.mark.parametrize(("answer", "words"), [
    ({}, "there is nothing to answer"), (None, "there is nothing to answer"),
    ({**ANSWER, "sender": []}, "it has no qualifier and id"),
    (ANSWER | {"groups": [ANSWER["groups"][0] | {"sets": [{"id": "997", "segments": [["AK1", "PO", "7"]]}]}]},
     "AK9 (group result) is missing"),
])  # fmt: skip
def test_an_answer_that_says_nothing_is_not_sent(answer: Mapping[str, Any] | None, words: str) -> None:
    told = refusal("acknowledgment", {"answer": answer})
    assert words in told


def test_groups_of_an_answer_keep_their_versions_and_get_numbers_of_their_own() -> None:
    groups = [ANSWER["groups"][0], {**ANSWER["groups"][0], "version": "002040"}]
    text = body("acknowledgment", {"answer": {**ANSWER, "groups": groups}})
    assert "*1*X*004010~" in text
    assert "*2*X*002040~" in text


def test_what_pyx12_would_refuse_is_not_sent() -> None:
    text = body("invoice", invoice(order()))
    broken = text.replace("Widget 1", "Wídget 1")
    assert made.statuses(broken.encode()) == ["accepted"]
    assert second.objections(
        "810", 4010, made.sets(broken.encode())[0].found.segments, made.sets(text.encode())[0].found.marks
    )
    with pytest.raises(Rejected, match="second reading"):
        proof.prove(broken)
    with pytest.raises(Rejected, match="GE01 says 2"):
        proof.prove(text.replace("GE*1*", "GE*2*"))


def test_an_850_as_it_came_is_answered_shipped_and_invoiced_in_its_own_words() -> None:
    lines = [
        "BEG*00*SA*PO-7**20261120", "REF*IA*555", "N1*ST*STORE 17*92*0017", "N1*VN*US*92*V1",
        "PO1*A1*12*CA*1.25*TE*UP*012345678905*VN*SKU-1*IN*77", "PID*F*08***WIDGET",
        "SAC*A*C310***300*******02", "PO1**5*EA*2**VN*SKU-2", "SCH*2*EA***002*20261201",
        "SCH*3*EA***002*20261208", "CTT*2",
    ]  # fmt: skip
    found = made.sets(made.interchange(made.group(made.order(*lines))))[0]
    assert found.walked is not None

    place = purchase_order.SetPlace("004010", "0001", "7", "000000042")
    record = next(
        iter(purchase_order.read(tree.named(found.walked.root, found.found.marks), place, settings()))
    ).record
    assert record is not None
    assert segments("order_response", response(record), "PO1", "ACK", "CTT") == [
        "PO1*A1*12*CA*1.25*TE*UP*012345678905*VN*SKU-1*IN*77", "ACK*IA*12*CA",
        "PO1**5*EA*2**VN*SKU-2", "ACK*IA*2*EA", "ACK*IA*3*EA", "CTT*2",
    ]  # fmt: skip
    assert segments("invoice", invoice(record), "IT1", "SAC", "TDS", "N1") == [
        "N1*ST*STORE 17*92*0017", "N1*VN*US*92*V1",
        "IT1*A1*12*CA*1.25*TE*UP*012345678905*VN*SKU-1*IN*77", "SAC*A*C310***300*******02",
        "IT1**2*EA*2**VN*SKU-2", "IT1**3*EA*2**VN*SKU-2", "TDS*2200",
    ]  # fmt: skip
    assert segments("shipment", shipment(record), "SN1")[0] == "SN1*A1*12*CA**12*CA"


@pytest.mark.prove
def test_two_hundred_invoices_are_composed_in_seconds() -> None:

    told = order(*[line(number) for number in range(1, 6)])
    writes = [write("invoice", invoice(told, number=f"INV-{at}"), f"d{at}") for at in range(200)]
    began = time.process_time()
    made_, refused = composed(*writes)
    assert not refused
    assert len(made_) == 1
    assert time.process_time() - began < 20


def test_a_short_code_of_the_partner_is_repeated_and_a_short_value_of_ours_is_refused() -> None:
    store = {**STORE, "code": "7"}
    theirs = order(parties=[store], ship_to=store)
    for kind, record in (("order_response", response(theirs)), ("invoice", invoice(theirs))):
        assert "N1*ST*Store 17*92*7" in segments(kind, record)
    ours = response(order(), reason="x", references={"VN": "1", "Z": "1"})
    assert "REF01" in refusal("order_response", ours)
