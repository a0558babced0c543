"""Whatever stands in a record, it is composed or refused in words; nothing is drawn for what is refused."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.sdk import Rejected
from tests.connectors.edi.sending import (
    Numbers,
    body,
    composed,
    invoice,
    line,
    order,
    response,
    shipment,
    trees,
    write,
)
from tests.connectors.edi.test_compose_envelopes import ANSWER

OFF = {"indicator": "A", "code": "C310", "amount": Decimal(5), "percent": None, "rate": None, "text": "x"}
TERMS = {"basis": "3", "discount_percent": "2", "discount_days": "10"}
ODD = st.sampled_from([
    None, "", "x", "*|~!>", "é\n", "1E+999", "NaN", -1, 0, 10**40, Decimal("1E-40"), Decimal("Infinity"),
    [], ["x"], {},
    {"x": 1}, True, "2026-02-30", "9" * 400,
])  # fmt: skip


def told() -> dict[str, Any]:
    """An order with something of everything."""
    return order(line(1, allowances=[OFF], unit_price=Decimal(9)), line(2, "3"), terms=TERMS, freight="CC")


def records() -> dict[str, dict[str, Any]]:
    """One record of each kind."""
    inside = [{"order_line": "1", "quantity": 10}, {"order_line": "2", "quantity": 3}]
    packed = [{"sscc": "", "tracking": "1", "weight_kg": Decimal(1), "lines": inside}]
    change = {
        "line_id": "1",
        "change_type": "QD",
        "action": "quantity",
        "quantity": Decimal(8),
        "line": line(1),
    }
    answered = response(told(), "accepted", {"line_id": "1", "answer": "accepted", "quantity": 8}, change="c")
    answered["theirs"].append({"sequence": "1", "lines": [change]})
    return {
        "invoice": invoice(told(), shipped_on="2026-11-21", carrier="UPSN", note="x"),
        "credit_memo": invoice(told(), percent="7"), "shipment": shipment(told(), packages=packed),
        "order_response": answered, "acknowledgment": {"answer": ANSWER},
    }  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in a record."""
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list | tuple)
        else ()
    )
    for key, part in inner:
        yield (*path, key)
        yield from places(part, (*path, key))


def changed(record: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """The record with something else at one place."""
    made = copy.deepcopy(record)
    inner: Any = made
    for key in path[:-1]:
        inner = inner[key]
    if isinstance(inner, dict | list):
        inner[path[-1]] = value
    return made


RECORDS = records()
PLACES = [(kind, path) for kind, record in RECORDS.items() for path in places(record)]


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(PLACES), ODD)
def test_a_strange_value_anywhere_is_composed_or_refused(
    place: tuple[str, tuple[Any, ...]], value: Any
) -> None:
    _survives(*place, value)


@pytest.mark.prove
@settings(max_examples=3_000, deadline=None)
@given(st.sampled_from(PLACES), ODD)
def test_many_strange_values_are_composed_or_refused(place: tuple[str, tuple[Any, ...]], value: Any) -> None:
    _survives(*place, value)


def _survives(kind: str, path: tuple[Any, ...], value: Any) -> None:
    """It leaves and is read back, or is refused in words and nothing was drawn."""
    numbers = Numbers()
    record = changed(RECORDS[kind], path, value)
    made_, refused = composed(write(kind, record), numbers=numbers, pack="shipment")
    assert len(made_) + len(refused) == 1
    if refused:
        assert isinstance(refused[0], Rejected)
        assert numbers.last == {}
        assert str(refused[0])
    else:
        trees(str(made_[0].fields["body"]))


@pytest.mark.parametrize("kind", sorted(RECORDS))
@pytest.mark.parametrize("version", ["004010", "004030VICS", "005010"])
def test_every_set_is_right_in_every_version(kind: str, version: str) -> None:
    versions = dict.fromkeys(("810", "856", "855", "865"), version)
    assert trees(body(kind, RECORDS[kind], versions=versions, pack="line"))


def test_a_large_order_is_not_slow() -> None:
    whole = order(*[line(number) for number in range(1, 401)])
    assert trees(body("invoice", invoice(whole)))[0]["CTT"]["line_count"] == "400"
