from __future__ import annotations

import decimal
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

import pytest

from hub.errors import NotYet, Unmappable
from hub.mapping import Translator, compile_mapping, loads

ORDER = """\
mapping: test.deal -> order
when: stage.won
fields:
  number:       { from: props.number, optional: true }
  customer:     { from: company.id, via: xref(customer) }
  currency:     { from: props.currency, via: currency, default: USD }
  declared_amount.amount:   { from: props.amount, via: decimal, optional: true }
  declared_amount.currency: { from: props.currency, when: props.amount }
  payment_terms: { from: props.terms, via: table(terms), optional: true }
  note:         { formula: 'JOIN(" / ", props.name, props.po)' }
  lines:
    each: line_items
    when: not gift
    fields:
      line_id:    { formula: 'CONCAT(root.props.number, "-", index)' }
      sku:        { from: sku }
      quantity:   { from: quantity, via: decimal }
      unit_price: { formula: 'ROUND(DECIMAL(price) * (1 - DECIMAL(discount, 0) / 100), 2)' }
tables:
  terms: { "Net 30": NET30, 30: NET30 }
"""


class Known:
    def xref(self, kind: str, value: str) -> str:
        if value == "new":
            raise NotYet(f"{kind} new is not known yet")
        return f"doc-{value}"


@pytest.fixture(scope="module")
def order() -> Translator:
    return compile_mapping(loads(ORDER))


def deal(**changes):
    props = {
        "number": "SO-1",
        "currency": "eur",
        "amount": "20.00",
        "terms": "Net 30",
        "name": "Deal",
        "po": "",
    }
    item = {"sku": "A", "quantity": "2", "price": "10.05", "discount": "10"}
    items = changes.pop("line_items", [item, {**item, "discount": ""}])
    return {"stage": {"won": True}, "company": {"id": 7}, "props": props | changes, "line_items": items}


def refused(translator: Translator, record) -> Unmappable:
    with pytest.raises(Unmappable) as caught:
        translator.apply(record, Known())
    return caught.value


def test_record_becomes_nested_plain_values(order) -> None:
    assert order.apply(deal(), Known()) == {
        "number": "SO-1",
        "customer": "doc-7",
        "currency": "EUR",
        "declared_amount": {"amount": Decimal("20.00"), "currency": "eur"},
        "payment_terms": "NET30",
        "note": "Deal",
        "lines": [
            {"line_id": "SO-1-1", "sku": "A", "quantity": Decimal(2), "unit_price": Decimal("9.05")},
            {"line_id": "SO-1-2", "sku": "A", "quantity": Decimal(2), "unit_price": Decimal("10.05")},
        ],
    }
    assert order.document.kind == "order"


def test_fields_keep_the_order_of_the_file(order) -> None:
    assert list(order.apply(deal(), Known())) == [
        "number",
        "customer",
        "currency",
        "declared_amount",
        "payment_terms",
        "note",
        "lines",
    ]


def test_optional_fields_and_objects_without_value_are_left_out(order) -> None:
    translated = order.apply(deal(number="", amount=None, terms=None, currency=""), Known())
    assert not {"number", "declared_amount", "payment_terms"} & set(translated)
    assert translated["currency"] == "USD"


def test_when_decides_whether_a_record_is_for_us(order) -> None:
    assert order.applies(deal(), Known())
    assert not order.applies({"stage": {"won": "false"}}, Known())
    assert not order.applies({}, Known())
    assert compile_mapping(loads("mapping: a.b -> message\nfields: { body.x: { from: y } }")).applies(
        {}, Known()
    )


def test_when_that_cannot_be_answered_is_told() -> None:
    translator = compile_mapping(
        loads("mapping: a.b -> message\nwhen: n > 5\nfields: { body.x: { from: y } }")
    )
    with pytest.raises(Unmappable, match=r"a\.b -> message: when: n is text and 5 is a number"):
        translator.applies({"n": "7"}, Known())


def test_items_are_left_out_one_by_one_and_keep_their_position(order) -> None:
    items = [
        {"sku": "A", "quantity": "1", "price": "1"},
        {"gift": True},
        {"sku": "C", "quantity": "x", "price": "1"},
    ]
    assert refused(order, deal(line_items=items)).field == "lines[2].quantity"
    items[2]["quantity"] = 1
    assert [line["line_id"] for line in order.apply(deal(line_items=items), Known())["lines"]] == [
        "SO-1-1",
        "SO-1-3",
    ]


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"currency": "XXX"}, "currency", "unknown currency 'XXX'"),
        (
            {"terms": "Net 37"},
            "payment_terms",
            "'Net 37' is not in table 'terms'; add it to the table and replay",
        ),
        ({"amount": "1,5"}, "declared_amount.amount", "'1,5' is not a plain decimal number such as 1234.50"),
        ({"name": None}, "note", 'no value from JOIN(" / ", props.name, props.po); fill it in there,'),
        (
            {"line_items": None},
            "lines",
            "no value from line_items; fill it in there, or give the rule a default",
        ),
        (
            {"line_items": {"sku": "A"}},
            "lines",
            "line_items is an object, not a list; where one item comes bare, add",
        ),
        ({"line_items": ["A"]}, "lines[0]", "gift: the item is text, not an object"),
        (
            {"line_items": [{}]},
            "lines[0].sku",
            "no value from sku; fill it in there, or give the rule a default or",
        ),
        (
            {"line_items": [{"sku": "A", "quantity": "1"}]},
            "lines[0].unit_price",
            "DECIMAL(price) has no value",
        ),
        ({"line_items": [{"sku": 1.5}]}, "lines[0].sku", "a binary float is not exact"),
    ],
)
def test_failure_names_the_target_field_and_the_reason(order, changes, field, reason) -> None:
    error = refused(order, deal(**changes))
    assert error.field == field
    assert error.reason.startswith(reason)
    assert error.mapping == "test.deal -> order"


def test_failure_in_line_three_of_four_names_that_line(order) -> None:
    item = {"sku": "A", "quantity": "2", "price": "10.05"}
    error = refused(order, deal(line_items=[item, item, item, {**item, "price": "12,50"}]))
    assert error.field == "lines[3].unit_price"
    assert error.value == "12,50"
    assert str(error) == (
        "test.deal -> order: lines[3].unit_price: "
        "DECIMAL(price): '12,50' is not a plain decimal number such as 1234.50"
    )


def test_failure_in_a_list_of_lists_names_both_positions() -> None:
    text = """
mapping: a.b -> message
fields:
  body.x:
    each: xs
    fields:
      y%d: { each: ys, fields: { z: { from: z, via: integer } } }
"""
    error = refused(compile_mapping(loads(text)), {"xs": [{"ys": []}, {"ys": [{"z": 1}, {"z": "?"}]}]})
    assert error.field == "body.x[1].y%d[1].z"


def test_reference_that_is_not_there_yet_passes_through(order) -> None:
    with pytest.raises(NotYet):
        order.apply({**deal(), "company": {"id": "new"}}, Known())


def test_objects_lists_and_constants(apply) -> None:
    fields = {
        "a.b": {"value": 1},
        "a.c": {"value": None},
        "d": {"value": {"e": [1, Decimal("2.5").__str__()]}},
        "f": {"when": "g", "fields": {"h": {"from": "g"}}},
        "i": {"fields": {"j": {"from": "k", "optional": True}}},
        "l": {"from": "m", "default": "dflt", "via": "integer"},
        "n": {"each": "o", "optional": True, "fields": {"p": {"from": "q"}}},
        "r": {"each": "s", "via": "list", "fields": {"t": {"from": "u"}}},
        "v": {"from": "root"},
        "w.x.y": {"from": "z[].a", "via": "list"},
    }
    record = {"g": "yes", "s": {"u": "bare"}, "z": [{"a": "1"}, {"a": ""}, {"a": "3"}]}
    translated = apply(fields, record)
    assert translated == {
        "a": {"b": 1, "c": None},
        "d": {"e": [1, "2.5"]},
        "f": {"h": "yes"},
        "l": "dflt",
        "r": [{"t": "bare"}],
        "v": record,
        "w": {"x": {"y": ["1", "3"]}},
    }


def test_constants_of_one_record_are_not_those_of_the_next() -> None:
    translator = compile_mapping(loads("mapping: a.b -> message\nfields: { body: { value: { x: [] } } }"))
    translator.apply({}, Known())["body"]["x"].append("mine")
    assert translator.apply({}, Known()) == {"body": {"x": []}}


def test_presented_documents_are_read_as_they_are() -> None:
    class State(StrEnum):
        PAID = "paid"

    text = """
mapping: invoice -> shop.invoice
fields:
  state:  { from: state }
  total:  { from: payable_amount.amount }
  due:    { from: due_date, via: text }
  paid:   { formula: 'state == "paid"' }
  lines:  { each: lines, fields: { sku: { from: sku } } }
"""
    record = {
        "state": State.PAID,
        "payable_amount": {"amount": Decimal("1.10"), "currency": "EUR"},
        "due_date": date(2026, 1, 31),
        "lines": ({"sku": "A"},),
    }
    translated = compile_mapping(loads(text)).apply(MappingProxyType(record), Known())
    assert translated == {
        "state": "paid",
        "total": Decimal("1.10"),
        "due": "2026-01-31",
        "paid": True,
        "lines": [{"sku": "A"}],
    }
    assert type(translated["state"]) is str


def test_field_is_skipped_before_its_value_is_looked_at(apply) -> None:
    fields = {"x": {"from": "a.b.c", "via": "decimal", "when": "a.ok"}}
    assert apply(fields, {"a": {"ok": False, "b": "text"}}) == {}


def test_arithmetic_does_not_depend_on_the_callers_context(order) -> None:
    with decimal.localcontext() as context:
        context.prec = 3
        context.rounding = decimal.ROUND_DOWN
        translated = order.apply(deal(), Known())
        assert translated["lines"][0]["unit_price"] == Decimal("9.05")
        assert decimal.getcontext().prec == 3


def test_callers_context_is_back_after_a_failure(order) -> None:
    before = decimal.getcontext()
    refused(order, deal(currency="XXX"))
    assert decimal.getcontext() is before


def test_translator_is_shared_by_threads(order) -> None:
    good, bad = deal(), deal(currency="XXX")
    expected = order.apply(good, Known())

    def run(number: int) -> object:
        return order.apply(good, Known()) if number % 3 else refused(order, bad).field

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(run, range(300)))
    assert all(result == (expected if number % 3 else "currency") for number, result in enumerate(results))


def test_deepest_and_longest_formulas_compile(evaluate) -> None:
    assert evaluate("ABS(" * 48 + "a" + ")" * 48, a=-1) == Decimal(1)
    assert evaluate("-" * 48 + "a", a=1) == Decimal(1)
    assert evaluate("(" * 150 + "a" + ")" * 150, a=1) == 1
    assert evaluate("IF(a, " * 48 + "1" + ", 2)" * 48, a=True) == Decimal(1)
    assert evaluate(" + ".join("a" * 49), a=1) == Decimal(49)
    assert evaluate("COALESCE(" + ", ".join(["b"] * 49) + ", a)", a=1) == 1
    assert evaluate(" or ".join(["b"] * 49 + ["a"]), a=1) == 1
    assert evaluate("COALESCE(b, " * 48 + "a" + ")" * 48, a=1) == 1
    assert evaluate("(b or " * 48 + "a" + ")" * 48, a=1) == 1
    assert evaluate("not " * 48 + "a", a=1) is True
    assert evaluate("1 if b else " * 48 + "2") == Decimal(2)
    assert evaluate("LOOKUP(terms, b, " * 48 + "2" + ")" * 48) == Decimal(2)
    with pytest.raises(Unmappable):
        evaluate("ABS(" * 48 + "a" + ")" * 48, a="x")


def test_numbers_stay_bounded(evaluate) -> None:
    with pytest.raises(Unmappable, match="the number is too large"):
        evaluate(" * ".join(["a"] * 49), a=Decimal(10) ** 40)
    with pytest.raises(Unmappable, match="the number has too many digits"):
        evaluate("ROUND(a, 20)", a=Decimal(10) ** 40)


def test_compiling_takes_milliseconds() -> None:
    began = time.perf_counter()
    for _ in range(5):
        compile_mapping(loads(ORDER))
    assert (time.perf_counter() - began) / 5 < 0.05  # about 3 ms; the bound leaves room for a busy machine


def test_generated_source_names_no_value_of_the_file_but_as_a_constant(order) -> None:
    assert "def translate(record, lookup):" in order.source
    nasty = "x']; import os; d['"
    translator = compile_mapping(
        loads(f'mapping: a.b -> message\nfields: {{ body.a: {{ value: "{nasty}" }} }}')
    )
    assert translator.apply({}, Known()) == {"body": {"a": nasty}}
