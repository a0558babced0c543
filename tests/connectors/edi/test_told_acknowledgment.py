"""What a partner says of what we sent is read set by set, with the places of faults."""

from __future__ import annotations

from typing import Any

import pytest

from tests.connectors.edi.arriving import changes, group, interchange, isa, of_kind, order, ours


def said(*segments: str, set_id: str = "997", code: str = "FA", version: str = "004010") -> dict[str, Any]:
    body = interchange(group(order(*segments, set_id=set_id), code=code, version=version))
    (only,) = of_kind("acknowledgment", body)
    assert only.record is not None
    return {"name": only.external_id, **only.record}


def test_a_997_tells_of_each_set() -> None:
    found = said(
        "AK1*IN*31",
        "AK2*810*0001",
        "AK5*A",
        "AK2*810*0002",
        "AK3*IT1*4**8",
        "AK4*4*212*6*ten",
        "AK5*R*5",
        "AK9*P*2*2*1",
    )
    (one,) = found["groups"]
    assert found["name"] == "997:000000042:0001"
    assert (one["code"], one["number"], one["status"]) == ("IN", "31", "partly_accepted")
    assert [(x["set_id"], x["number"], x["status"]) for x in one["sets"]] == [
        ("810", "0001", "accepted"), ("810", "0002", "rejected"),
    ]  # fmt: skip
    (fault,) = one["sets"][1]["faults"]
    assert (fault["segment"], fault["position"], fault["element"], fault["code"]) == ("IT1", 4, "4", "6")
    assert fault["value"] == "ten"


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("A", "accepted"),
        ("E", "accepted_with_errors"),
        ("P", "partly_accepted"),
        ("R", "rejected"),
        ("X", "rejected"),
    ],
)
def test_a_group_may_be_answered_without_its_sets(code: str, status: str) -> None:
    found = said("AK1*IN*31", f"AK9*{code}*1*1*0")
    assert (found["status"], found["groups"][0]["sets"]) == (status, [])


def test_a_999_reads_alike() -> None:
    found = said(
        "AK1*IN*31*005010", "AK2*810*0001", "IK3*BIG*2**8", "IK4*1*373*8*20261301", "IK5*R*5", "AK9*R*1*1*0",
        set_id="999", version="005010",
    )  # fmt: skip
    (one,) = found["groups"][0]["sets"]
    assert (found["level"], found["groups"][0]["version"], one["status"]) == ("999", "005010", "rejected")
    assert one["faults"][0]["message"] == "BIG01 is no date"


@pytest.mark.parametrize(
    ("code", "status"), [("A", "accepted"), ("E", "accepted_with_errors"), ("R", "rejected")]
)
def test_trap_19_a_ta1_alone_tells_of_the_envelope(code: str, status: str) -> None:
    body = interchange(head=isa()).replace(b"IEA*0", f"TA1*000000031*261122*0930*{code}*021~\nIEA*0".encode())
    (found,) = of_kind("acknowledgment", body)
    assert found.record is not None
    assert found.external_id == "TA1:000000042:000000031"
    assert found.record["technical"] == {
        "number": "000000031", "status": status, "code": "021",
        "message": "IEA01 is not the number of groups",
    }  # fmt: skip
    assert ours(body) == {}


def test_trap_19_a_ta1_before_a_group_tells_of_both() -> None:
    body = interchange(group(order())).replace(b"GS*", b"TA1*000000031*261122*0930*A*000~\nGS*", 1)
    assert [one.kind for one in changes(body)] == ["interchange", "order", "acknowledgment", "acknowledgment"]


@pytest.mark.parametrize(
    ("code", "status"), [("TA", "accepted"), ("TE", "accepted_with_errors"), ("TR", "rejected")]
)
def test_an_824_tells_what_their_application_made_of_it(code: str, status: str) -> None:
    found = said(
        "BGN*11*ADV-1*20261122", f"OTI*{code}*IV*INV-9*****31*0001*810",
        "TED*ZZZ*NO SUCH ORDER*BIG*2*4**PO-7",
        set_id="824", code="AG",
    )  # fmt: skip
    (one,) = found["groups"]
    assert (one["code"], one["number"], found["status"]) == ("IN", "31", status)
    assert (one["sets"][0]["reference"], one["sets"][0]["number"]) == ("INV-9", "0001")
    assert one["sets"][0]["faults"][0]["message"] == "NO SUCH ORDER"


def test_acknowledgments_are_not_acknowledged() -> None:
    body = interchange(group(order("AK1*IN*31", "AK9*A*1*1*1", set_id="997"), code="FA"))
    assert [one.kind for one in changes(body)] == ["interchange", "acknowledgment"]
