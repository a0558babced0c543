"""Our 855 and 865: lines exactly as ordered, and parts that come to what was ordered."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.connectors.edi.sending import body, line, order, refusal, response, segments, trees

ANSWERS = ["accepted", "quantity_changed", "price_changed", "date_changed", "backordered", "rejected"]
PO1 = "PO1*1*10*EA*9.5*PE*UP*012345678905*VN*SKU-1"


def answered(**told: Any) -> list[str]:
    """What becomes of the one line of an order of ten."""
    record = response(order(), "accepted_with_changes", {"line_id": "1", **told})
    return segments("order_response", record, "PO1", "CTP", "ACK", "MSG")


@st.composite
def responses(draw: Any) -> dict[str, Any]:
    """An answer of any kind to any order."""
    lines, answers = [], []
    for number in range(1, draw(st.integers(1, 5)) + 1):
        quantity = draw(st.integers(1, 999))
        lines.append(line(number, str(quantity)))
        answers.append({
            "line_id": str(number), "answer": draw(st.sampled_from(ANSWERS)),
            "quantity": Decimal(draw(st.integers(0, quantity))),
            "promised_on": draw(st.sampled_from(["", "2026-12-24"])),
            "reason": draw(st.sampled_from(["", "Out of stock * until ~ spring"])),
        })  # fmt: skip
    return response(
        order(*lines), draw(st.sampled_from(["accepted", "accepted_with_changes", "rejected"])), *answers
    )


@settings(max_examples=25, deadline=None)
@given(responses())
def test_parts_of_any_answer_come_to_what_was_ordered(record: dict[str, Any]) -> None:
    found = trees(body("order_response", record))[0]
    told = record["theirs"][0]["lines"]
    assert found["totals"]["CTT"]["line_count"] == str(len(told))
    for read, ordered in zip(found["lines"], told, strict=True):
        head = read["PO1"]
        assert (head["line_number"], head["unit"]) == (ordered["line_number"], ordered["unit"])
        assert Decimal(head["quantity"]) == ordered["quantity"]
        assert Decimal(head["unit_price"]) == ordered["told_price"]
        assert head["ids"] == ordered["ids"]
        assert sum(Decimal(one["ACK"]["quantity"]) for one in read["acknowledgments"]) == ordered["quantity"]


def test_an_order_that_is_accepted_is_repeated_line_by_line() -> None:
    found = segments("order_response", response(order(contract="K-1", currency="EUR"), reason="Thank you"))
    assert found[1] == "BAK*00*AD*0004501*20261120***K-1*SO-1*20261122"
    assert found[2:6] == ["CUR*SE*EUR", "REF*IA*55501", "N9*L1**NOTE", "MSG*Thank you"]
    assert found[-4:-1] == [PO1, "ACK*IA*10*EA", "CTT*1"]


@pytest.mark.parametrize(("told", "expected"), [
    ({"answer": "quantity_changed", "quantity": 4}, ["ACK*IQ*4*EA", "ACK*IR*6*EA"]),
    ({"answer": "backordered", "quantity": 4, "promised_on": "2026-12-24"},
     ["ACK*IA*4*EA*067*20261224", "ACK*IB*6*EA*067*20261224"]),
    ({"answer": "backordered", "quantity": 10, "promised_on": "2026-12-24"}, ["ACK*IB*10*EA*067*20261224"]),
    ({"answer": "date_changed", "quantity": 10, "promised_on": "2026-12-24"}, ["ACK*DR*10*EA*067*20261224"]),
    ({"answer": "price_changed", "quantity": 10, "unit_price": "9.75"}, ["CTP**UCP*9.75", "ACK*IP*10*EA"]),
    ({"answer": "rejected", "quantity": 0, "reason": "Not ours"}, ["ACK*IR*10*EA", "MSG*Not ours"]),
    ({"answer": "accepted", "quantity": 10}, ["ACK*IA*10*EA"]),
])  # fmt: skip
def test_each_answer_has_its_code_and_its_parts(told: dict[str, Any], expected: list[str]) -> None:
    assert answered(**told) == [PO1, *expected]


def test_a_refused_order_is_refused_line_by_line() -> None:
    found = segments("order_response", response(order(line(1), line(2)), "rejected"), "BAK", "ACK")
    assert [one.split("*")[2] for one in found if one.startswith("BAK")] == ["RD"]
    assert found[1:] == ["ACK*IR*10*EA", "ACK*IR*10*EA"]


def test_a_line_of_several_delivery_days_is_one_line_again() -> None:
    days = [{"date": "2026-12-01", "quantity": Decimal(4)}, {"date": "2026-12-08", "quantity": Decimal(6)}]
    parts = [
        line(1, str(day["quantity"]), line_id=f"1-{at}", ordered=Decimal(10), schedules=days)
        for at, day in enumerate(days, 1)
    ]
    record = response(
        order(*parts, line(2, "3")), "accepted_with_changes",
        {"line_id": "1-2", "answer": "date_changed", "quantity": 6, "promised_on": "2026-12-09",
         "reason": "Late"},
    )  # fmt: skip
    assert segments("order_response", record, "PO1", "ACK", "MSG", "CTT") == [
        PO1, "ACK*IA*4*EA", "ACK*DR*6*EA*067*20261209", "MSG*Late",
        "PO1*2*3*EA*9.5*PE*UP*012345678905*VN*SKU-2", "ACK*IA*3*EA", "CTT*2",
    ]  # fmt: skip


@pytest.mark.parametrize(("record", "words"), [
    (response(order(), "accepted", {"line_id": "1", "answer": "accepted", "quantity": 11}), "no more"),
    (response(order(), "accepted", {"line_id": "7", "answer": "accepted"}), "'7' is not in the partner's"),
    (response(order(), "perhaps"), "'perhaps' is none of accepted"),
    (response(order(), "accepted", {"line_id": "1", "answer": "perhaps"}), "'perhaps' is none of accepted"),
    (response(order(date="")), "it has no order date"),
    (response(order(), change="doc-9"), "the partner's change is not known"),
])  # fmt: skip
def test_an_answer_that_cannot_be_given_is_refused(record: dict[str, Any], words: str) -> None:
    assert words in refusal("order_response", record)


def change(*lines: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """An 860, as read() tells it."""
    return {
        "purchase_order": "0004501",
        "action": "change",
        "sequence": "2",
        "date": "2026-11-21",
        "lines": [*lines],
    } | changed


def test_a_change_is_answered_by_an_865_that_repeats_it() -> None:
    added = line(3, "5", "4")
    told = change(
        {"line_id": "1", "line_number": "1", "change_type": "QD", "action": "quantity",
         "quantity": Decimal(8), "left": Decimal(2), "unit": "EA", "ids": [],
         "unit_price": None, "line": None},
        {"line_id": "2", "line_number": "2", "change_type": "DI", "action": "delete",
         "quantity": None, "left": None, "unit": "", "ids": [], "unit_price": None, "line": None},
        {"line_id": "3", "line_number": "3", "change_type": "AI", "action": "add",
         "quantity": Decimal(5), "left": None, "unit": "EA", "ids": added["ids"],
         "unit_price": Decimal(4), "line": added},
    )  # fmt: skip
    record = response(
        order(line(1), line(2)), "accepted_with_changes",
        {"line_id": "3", "answer": "backordered", "quantity": 5, "promised_on": "2026-12-24"},
        change="doc-9", change_number="2",
    )  # fmt: skip
    record["theirs"].append(told)
    found = segments("order_response", record, "BCA", "POC", "ACK", "CTT")
    assert found == [
        "BCA*00*AC*0004501**2*20261120***SO-1*20261122",
        "POC*1*QD*8*2*EA***UP*012345678905*VN*SKU-1", "ACK*IA*8*EA",
        "POC*2*DI*10**EA***UP*012345678905*VN*SKU-2", "ACK*ID*10*EA",
        "POC*3*AI*5**EA*4*PE*UP*012345678905*VN*SKU-3", "ACK*IB*5*EA*067*20261224", "CTT*3",
    ]  # fmt: skip


def test_a_change_of_a_line_that_is_not_there_is_refused_in_its_own_words() -> None:
    told = change({
        "line_id": "", "line_number": "", "change_type": "QI", "action": "quantity", "quantity": Decimal(8),
        "left": None, "unit": "CA", "ids": [{"qualifier": "VN", "id": "GONE"}], "sku": "GONE", "line": None,
        "unit_price": None,
    })  # fmt: skip
    record = response(
        order(), "rejected", {"line_id": "", "answer": "rejected", "quantity": 0}, change="doc-9"
    )
    record["theirs"].append(told)
    assert segments("order_response", record, "POC", "ACK") == ["POC**QI*8**CA***VN*GONE", "ACK*IR*8*CA"]


def test_a_line_that_we_have_no_more_will_not_come() -> None:
    record = response(order(line(1), line(2)))
    record["order_lines"].pop()
    assert segments("order_response", record, "BAK", "ACK") == [
        "BAK*00*AC*0004501*20261120****SO-1*20261122", "ACK*IA*10*EA", "ACK*IR*10*EA",
    ]  # fmt: skip


@pytest.mark.parametrize("now", [8, 12])
def test_an_order_that_was_changed_before_its_answer_is_answered_as_ordered(now: int) -> None:
    record = response(order(), "accepted", {"line_id": "1", "answer": "accepted", "quantity": now})
    told = {"line_id": "1", "line_number": "1", "action": "quantity", "quantity": Decimal(now), "line": None}
    record["theirs"].append(change(told))
    assert segments("order_response", record, "PO1", "ACK") == [PO1, "ACK*IA*10*EA"]


def test_a_cancellation_is_answered_without_lines() -> None:
    record = response(order(), "rejected", change="doc-9", reason="Shipped already")
    record["theirs"].append(change(action="cancel", sequence=""))
    assert segments("order_response", record, "BCA", "MSG", "CTT") == [
        "BCA*01*RD*0004501***20261120***SO-1*20261122", "MSG*Shipped already", "CTT*0",
    ]  # fmt: skip
