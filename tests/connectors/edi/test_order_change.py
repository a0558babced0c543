"""Changes of orders say what is new, line by line, or are refused in words."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.connectors.edi.arriving import changed


def line(segment: str, *more: str) -> dict[str, Any]:
    found = changed(segment, *more, "CTT*1")
    assert found.problem is None, found.problem
    assert found.record is not None
    (only,) = found.record["lines"]
    return dict(only)


def why_not(*segments: str, **told: str) -> str:
    found = changed(*segments, **told)
    assert found.record is None
    return str(found.problem)


@pytest.mark.parametrize("code", ["QI", "QD"])
def test_a_quantity_is_the_new_one_not_the_difference(code: str) -> None:
    found = line(f"POC*1*{code}*20*5*EA")
    assert (found["action"], found["line_id"], found["quantity"]) == ("quantity", "1", 20)
    assert (found["left"], found["unit_price"], found["line"]) == (5, None, None)


def test_a_price_is_of_one_by_its_basis() -> None:
    found = line("POC*1*PC***EA*12*HP")
    assert (found["action"], found["unit_price"], found["quantity"]) == ("price", Decimal("0.12"), None)


def test_a_day_is_that_of_the_line() -> None:
    assert line("POC*1*RS", "DTM*002*20270110")["requested_on"] == "2027-01-10"
    assert line("POC*1*CT", "SCH*5*EA***002*20270111")["requested_on"] == "2027-01-11"
    assert "no single new day" in why_not("POC*1*RS", "CTT*1")


def test_a_new_line_is_told_whole() -> None:
    found = line("POC*9*AI*12**DZ*4.5**VN*SKU-5*UP*012345678905", "PID*F*08***GADGET")
    assert (found["action"], found["line"]["line_id"], found["line"]["name"]) == ("add", "9", "GADGET")
    assert (found["line"]["quantity"], found["line"]["unit_price"], found["line"]["unit_code"]) == (
        12, Decimal("4.5"), "DZN",
    )  # fmt: skip


def test_a_line_that_goes_is_told_by_its_number_or_by_its_item() -> None:
    assert line("POC*3*DI")["action"] == "delete"
    assert line("POC**DI******VN*SKU-5")["sku"] == "SKU-5"
    assert "which line is meant" in why_not("POC**DI******CB*THEIRS", "CTT*1")


@pytest.mark.parametrize(
    ("segment", "action"),
    [
        ("POC*1*CA*5**EA*2.5**VN*A", "replace"),
        ("POC*1*CA*5**EA", "quantity"),
        ("POC*1*CA***EA*2.5", "price"),
        ("POC*1*RZ*5**EA*2.5**VN*A", "replace"),
        ("POC*1*NC", "none"),
    ],
)
def test_what_is_told_is_what_changes(segment: str, action: str) -> None:
    assert line(segment)["action"] == action


def test_a_kind_of_change_that_is_not_known_is_refused() -> None:
    assert "POC02" in why_not("POC*1*ZZ*5**EA", "CTT*1")


def test_stores_and_several_days_of_a_changed_line_are_refused() -> None:
    said = why_not("POC*1*RZ*5**EA*2.5**VN*A", "SDQ*EA*92*0017*5", "CTT*1")
    assert "by day or by store" in said


def test_an_allowance_on_the_whole_order_is_refused() -> None:
    assert "whole order" in why_not("SAC*A*C310****3*10*****02", "POC*1*NC", "CTT*1")


def test_a_cancellation_has_no_lines() -> None:
    found = changed("POC*1*DI", "CTT*1", head="BCH*01*SA*PO-1**3*20261101*****20261122")
    assert found.record is not None
    assert (found.record["action"], found.record["lines"]) == ("cancel", [])


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ("BCH*04*SA*PO-1**2*20261101*****20261122", "PO-1#2"),
        ("BCH*04*SA*PO-1*0007*2*20261101", "PO-1/0007#2"),
        ("BCH*04*SA*PO-1***20261101*****20261122", "PO-1#2026-11-22.0001"),
    ],
)
def test_a_change_is_known_by_its_sequence_or_its_day(head: str, name: str) -> None:
    found = changed("POC*1*NC", "CTT*1", head=head)
    assert found.external_id == name
    assert (found.record or {})["order_key"] == name.partition("#")[0]


def test_a_replacing_change_is_refused_with_the_way_out() -> None:
    assert "ask for a change (04)" in why_not("POC*1*NC", "CTT*1", head="BCH*05*SA*PO-1**2*20261101")


def test_where_goods_go_is_told_to_whoever_decides() -> None:
    found = changed("N1*ST*STORE 18*92*0018", "POC*1*NC", "CTT*1")
    assert (found.record or {})["notes"] == ["Ship to: 0018, STORE 18"]
