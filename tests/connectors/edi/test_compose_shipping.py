"""Our 856: levels, cartons and their SSCC, quantities in the unit of the order."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.edi import sscc
from hub.sdk import Invalid
from tests.connectors.edi.sending import (
    Numbers,
    body,
    composed,
    line,
    order,
    refusal,
    segments,
    shipment,
    trees,
    write,
)


def levels(found: list[dict[str, Any]], code: str) -> list[dict[str, Any]]:
    """All levels of a kind, wherever they hang."""
    return [
        one
        for each in found
        for one in ([each] if each["HL"]["level"] == code else []) + levels(each.get("levels", []), code)
    ]


@st.composite
def shipments(draw: Any) -> dict[str, Any]:
    """A shipment of parts of an order, in some cartons or in none."""
    count = draw(st.integers(1, 5))
    told = order(*[line(number, str(draw(st.integers(1, 500)))) for number in range(1, count + 1)])
    lines = [
        {"order_line": one["line_id"], "quantity": Decimal(draw(st.integers(1, int(one["quantity"]))))}
        for one in told["lines"]
        if draw(st.booleans())
    ]
    lines = lines or [{"order_line": "1", "quantity": Decimal(1)}]
    packed = [
        {"sscc": "", "tracking": f"1Z{at}", "weight_kg": Decimal("1.5"), "lines": [one]}
        for at, one in enumerate(lines)
    ]
    return shipment(told, lines=lines, packages=packed if draw(st.booleans()) else [])


@settings(max_examples=25, deadline=None)
@given(shipments(), st.sampled_from(["none", "shipment", "line"]))
def test_an_856_of_any_shipment_is_read_back(record: dict[str, Any], pack: str) -> None:
    found = trees(body("shipment", record, pack=pack))[0]
    items = levels(found["levels"], "I")
    ordered = {one["line_id"]: one for one in record["theirs"][0]["lines"]}
    read = [(one["LIN"]["line_number"], Decimal(one["SN1"]["quantity"]), one["SN1"]["unit"]) for one in items]
    assert sorted(read) == sorted((one["order_line"], one["quantity"], "EA") for one in record["lines"])
    for one in items:
        assert one["LIN"]["ids"] == ordered[one["LIN"]["line_number"]]["ids"]
        assert Decimal(one["SN1"]["quantity_2"]) == ordered[one["LIN"]["line_number"]]["quantity"]
    marks = [
        one["marks"]
        for pack_ in levels(found["levels"], "P")
        for one in pack_["MAN"]
        if one["marks_qualifier"] == "GM"
    ]
    assert len(set(marks)) == len(marks) == {"none": 0}.get(pack, len(marks))
    assert all(sscc.checked(mark) == mark[2:] for mark in marks)


def test_levels_of_a_packed_shipment_are_counted_and_hang_together() -> None:
    told = order(line(1), line(2, "3"))
    packed = [
        {"sscc": "", "tracking": "1Z1", "weight_kg": Decimal(2),
         "lines": [{"order_line": "1", "quantity": 10}]},
        {"sscc": "106141412345678908", "tracking": "", "weight_kg": Decimal("0.5"),
         "lines": [{"sku": "SKU-2", "quantity": 3}]},
    ]  # fmt: skip
    found = segments("shipment", shipment(told, packages=packed), pack="shipment")
    assert found[1] == "BSN*00*SH-1*20261122*0930*0001"
    assert [one for one in found if one.split("*")[0] in ("HL", "MAN", "TD1", "CTT")] == [
        "HL*1**S*1", "TD1*CTN*2****G*2.5*KG", "HL*2*1*O*1", "HL*3*2*P*1", "MAN*GM*00006141410000000012",
        "MAN*CP*1Z1", "HL*4*3*I*0", "HL*5*2*P*1", "MAN*GM*00106141412345678908", "HL*6*5*I*0", "CTT*6",
    ]  # fmt: skip


def test_a_shipment_without_cartons_has_three_levels() -> None:
    found = segments("shipment", shipment(order(line(unit="CA"), release="R-1", contract="K-9")))
    assert found[1].endswith("*0004")
    kept = ("HL", "PRF", "LIN", "SN1", "TD5", "REF", "DTM")
    assert [one for one in found if one.split("*")[0] in kept] == [
        "HL*1**S*1", "TD5*B*2*UPSN", "REF*CN*1Z999", "REF*VN*SO-1", "DTM*011*20261122", "HL*2*1*O*1",
        "PRF*0004501*R-1**20261120**K-9", "REF*IA*55501", "HL*3*2*I*0",
        "LIN*1*UP*012345678905*VN*SKU-1", "SN1*1*10*CA**10*CA",
    ]  # fmt: skip


def test_a_store_of_a_split_order_gets_its_own_notice() -> None:
    told = order(
        line(quantity="4", ordered=Decimal(9)),
        store="0099",
        ship_to={"role": "ST", "qualifier": "92", "code": "0099"},
    )
    assert segments("shipment", shipment(told), "N1", "SN1") == ["N1*ST**92*0099", "SN1*1*4*EA**4*EA"]


def test_serials_are_drawn_for_cartons_that_leave_and_for_no_others() -> None:
    numbers = Numbers()
    good, bad = shipment(order()), shipment(order(), number="")
    made, refused = composed(
        write("shipment", bad, "a"), write("shipment", good, "b"), numbers=numbers, pack="line"
    )
    assert numbers.last == {"isa": 1, "gs": 1, "sscc": 1}
    assert "it has no shipment number" in str(refused[0])
    assert made[0].members == {1: "000000001/1/0001"}


@pytest.mark.parametrize(("changed", "profile", "words"), [
    ({}, {"pack": "line", "gs1_prefix": ""}, "no GS1 company prefix"),
    ({"lines": [{"order_line": "9", "quantity": 1}]}, {}, "'9' is not in the partner's order"),
    ({"packages": [{"lines": [{"order_line": "1", "quantity": 9}]}]}, {"pack": "shipment"},
     "line 1: 9 are in cartons and 10 were shipped"),
    ({"packages": [{"sscc": "106141412345678907", "lines": []}]}, {"pack": "shipment"}, "is no SSCC"),
    ({"shipped_on": None}, {}, "it has no day of shipment"),
])  # fmt: skip
def test_what_cannot_be_said_of_a_shipment_is_refused(
    changed: dict[str, Any], profile: dict[str, Any], words: str
) -> None:
    assert words in refusal("shipment", {**shipment(order()), **changed}, **profile)


def test_check_digits_are_those_of_gs1() -> None:
    assert sscc.check_digit("10614141234567890") == "8"
    assert sscc.made("0614141", 1) == "006141410000000012"
    assert sscc.made("0614141", 10**9 + 1) == sscc.made("0614141", 1)
    assert sscc.checked("00106141412345678908") == "106141412345678908"
    with pytest.raises(Invalid, match="no SSCC"):
        sscc.checked("12345")
