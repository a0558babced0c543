"""Amounts that no binary float can hold arrive digit for digit, from a sender's JSON to a receiver's."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from hub.errors import Unmappable
from hub.http import Reply, encode
from hub.mapping import compile_mapping, loads
from hub.model import Message, Payment
from tests.hub.mapping.small import Known, document

PAYMENT_IN = compile_mapping(
    loads("""\
mapping: bank.line -> payment
fields:
  amount.amount:   { from: value, via: decimal }
  amount.currency: { value: EUR }
  booked_on:       { value: '2026-01-31' }
""")
)
PAYMENT_OUT = compile_mapping(
    loads("""\
mapping: payment -> books.receipt
fields:
  value:  { from: amount.amount, via: decimal }
  sum:    { formula: 'SUM(amount.amount)' }
  again:  { formula: 'amount.amount + 0' }
  inside: { from: amount, via: money(EUR), when: 'amount.amount == ROUND(amount.amount, 2)' }
  text:   { from: amount.amount, via: text }
""")
)
MESSAGE_IN = compile_mapping(document({"body.value": {"from": "value", "via": "decimal"}}))
MESSAGE_OUT = compile_mapping(
    loads("mapping: message -> books.note\nfields:\n  value: { from: body.value, via: decimal }\n")
)

AMOUNTS = [
    "0.30",
    "0.1",
    "1.005",
    "2.675",
    "-0.07",
    "900719925474099.31",
    "123456789012345.67",
    "0.0000001",
    "19.90",
]
HUGE = [
    "9007199254740993.01",
    "123456789012345678.90",
    "99999999999999999999999999999999999999.99",
]


def record(written: str) -> dict[str, Any]:
    """A vendor's answer, as the hub reads it."""
    found: dict[str, Any] = Reply(200, {}, f'{{"value": {written}}}'.encode()).json()
    return found


def numbers(body: bytes) -> dict[str, Any]:
    """JSON with every number as the characters it was sent as."""
    found: dict[str, Any] = json.loads(body, parse_float=str, parse_int=str)
    return found


@pytest.mark.parametrize("quoted", [False, True], ids=["number", "text"])
@pytest.mark.parametrize("written", AMOUNTS)
def test_amount_arrives_digit_for_digit_through_a_stored_payment(written: str, quoted: bool) -> None:
    sent = f'"{written}"' if quoted else written
    translated = PAYMENT_IN.apply(record(sent), Known())
    stored = Payment.model_validate({"id": "p1", **translated}).model_dump_json()
    shown = Payment.model_validate_json(stored).model_dump()
    received = numbers(encode(PAYMENT_OUT.apply(shown, Known())))
    assert {received[name] for name in ("value", "sum", "again", "text")} == {written}
    if "inside" in received:
        assert received["inside"] == {"amount": written, "currency": "EUR"}


@pytest.mark.parametrize("written", HUGE)
def test_number_beyond_all_amounts_arrives_digit_for_digit_through_a_stored_message(written: str) -> None:
    translated = MESSAGE_IN.apply(record(written), Known())
    stored = Message.model_validate({"id": "m1", **translated}).model_dump_json()
    shown = Message.model_validate_json(stored).model_dump()
    assert numbers(encode(MESSAGE_OUT.apply(shown, Known()))) == {"value": written}


def test_exponents_of_json_keep_their_value() -> None:
    translated = PAYMENT_IN.apply(record("1e-7"), Known())
    stored = Payment.model_validate({"id": "p1", **translated}).model_dump_json()
    shown = Payment.model_validate_json(stored).model_dump()
    assert numbers(encode(PAYMENT_OUT.apply(shown, Known())))["value"] == "0.0000001"


def test_sum_of_tenths_is_exact() -> None:
    summed = compile_mapping(document({"x": {"formula": "a + b"}, "y": {"formula": "a + b == c"}}))
    found = summed.apply(json.loads('{"a": 0.1, "b": 0.2, "c": 0.3}', parse_float=Decimal), Known())
    assert encode(found) == b'{"x":0.3,"y":true}'


@pytest.mark.parametrize(
    "fields", [{"x": {"from": "v"}}, {"x": {"from": "v", "via": "decimal"}}, {"x": {"formula": "v + 1"}}]
)
def test_float_in_a_record_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(Unmappable, match="binary float"):
        compile_mapping(document(fields)).apply({"v": 0.1 + 0.2}, Known())


@pytest.mark.parametrize("value", [Decimal("1E+999999999"), Decimal("1E-999999999"), Decimal("0E-999999999")])
@pytest.mark.parametrize(
    "fields", [{"x": {"from": "v"}}, {"x": {"from": "v", "via": "text"}}, {"x": {"formula": "TEXT(v)"}}]
)
def test_number_that_would_fill_the_memory_when_written_out_is_refused(
    value: Decimal, fields: dict[str, Any]
) -> None:
    with pytest.raises(Unmappable, match="more than 400 digits"):
        compile_mapping(document(fields)).apply({"v": value}, Known())


@pytest.mark.parametrize("text", ["0.0000001", "123E+5", "0.00000000000000000012345", "1E+2"])
def test_a_message_keeps_small_and_large_numbers_readable_for_the_next_mapping(text: str) -> None:
    made = Message.model_validate({"id": "m1", "body": {"a": [{"b": Decimal(text)}]}})
    again = Message.model_validate_json(made.model_dump_json())
    kept = str(again.body["a"][0]["b"])
    assert "E" not in kept
    assert Decimal(kept) == Decimal(text)


def test_a_number_that_would_fill_the_memory_when_written_out_is_refused() -> None:
    with pytest.raises(ValueError, match="more than 400 digits"):
        Message.model_validate({"id": "m1", "body": {"a": Decimal("1E+999999")}})
