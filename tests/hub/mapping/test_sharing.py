"""What several fields work out alike is worked out once, and that changes no result and no refusal."""

from __future__ import annotations

from decimal import Decimal

import pytest

from hub.errors import Unmappable
from hub.mapping import compile_mapping
from hub.mapping.values import Refusal
from tests.hub.mapping.small import Known, document

AMOUNT = "DECIMAL(quantity) * DECIMAL(price) * (1 - DECIMAL(discount, 0) / 100)"
LINES = {
    "lines": {
        "each": "items",
        "fields": {
            "quantity": {"from": "quantity", "via": "decimal"},
            "price": {"from": "price", "via": "decimal", "optional": True},
            "discount": {"from": "discount", "via": "decimal", "default": 7},
            "net": {"formula": f"ROUND({AMOUNT}, 2)"},
            "tax": {"formula": f"ROUND({AMOUNT} * LOOKUP(rates, group) / 100, 2)"},
        },
    }
}
TABLES = {"rates": {"standard": 19, "zero": 0}}


def item(**changes):
    return {"quantity": "3", "price": "1.15", "discount": "10", "group": "standard", **changes}


def refusal(fields, record, **more) -> str:
    with pytest.raises(Unmappable) as caught:
        compile_mapping(document(fields, **more)).apply(record, Known())
    return str(caught.value)


def test_every_number_is_read_once_for_all_fields() -> None:
    source = compile_mapping(document(LINES, tables=TABLES)).source
    assert [source.count(f".get('{name}')") for name in ("quantity", "price", "discount")] == [1, 1, 1]


def test_the_fields_get_what_each_of_them_would_work_out(apply) -> None:
    [line] = apply(LINES, {"items": [item()]}, tables=TABLES)["lines"]
    assert [line[key] for key in ("quantity", "price", "discount")] == [3, Decimal("1.15"), 10]
    assert (line["net"], line["tax"]) == (Decimal("3.11"), Decimal("0.59"))


def test_each_field_keeps_its_own_default() -> None:
    fields = {"a": {"from": "x", "via": "decimal", "default": 7}, "b": {"formula": "DECIMAL(x, 1) + 0"}}
    fields |= {"c": {"formula": "DECIMAL(x, 2)"}, "d": {"from": "x", "via": "decimal", "optional": True}}
    translator = compile_mapping(document(fields))
    for blank in ({}, {"x": None}, {"x": ""}):
        assert translator.apply(blank, Known()) == {"a": 7, "b": 1, "c": 2}
    assert translator.apply({"x": "5"}, Known()) == {"a": 5, "b": 5, "c": 5, "d": 5}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"quantity": None}, "lines[1].quantity"),
        ({"price": None}, "lines[1].net"),
        ({"price": "1,15"}, "lines[1].price"),
        ({"discount": "x"}, "lines[1].discount"),
        ({"group": None}, "lines[1].tax"),
        ({"group": "reduced"}, "lines[1].tax"),
    ],
)
def test_a_refusal_names_the_first_field_that_needs_the_value(change, field) -> None:
    told = refusal(LINES, {"items": [item(), item(**change)]}, tables=TABLES)
    assert f"{field}: " in told


def test_what_a_condition_guards_is_not_worked_out_before_it(apply) -> None:
    fields = {
        "a": {"formula": "IF(DECIMAL(n) > 0, 1 / DECIMAL(n), 0)"},
        "b": {"formula": "IF(DECIMAL(n) > 0, 1 / DECIMAL(n) + 1, 0)"},
        "c": {"formula": "DECIMAL(price) * 2", "when": "priced"},
        "d": {"formula": "DECIMAL(price) * 2 + 1", "when": "priced"},
    }
    assert apply(fields, {"n": "0", "price": "free"}) == {"a": 0, "b": 0}
    assert apply(fields, {"n": "2", "priced": True, "price": "1.5"})["d"] == 4


def test_items_that_are_left_out_are_not_worked_out(apply) -> None:
    fields = {"lines": {**LINES["lines"], "when": "not gift"}}
    items = [item(gift=True, price="free", quantity=None), item()]
    assert len(apply(fields, {"items": items}, tables=TABLES)["lines"]) == 1


def test_the_same_words_mean_another_value_in_an_item(apply) -> None:
    fields = {
        "total": {"formula": "DECIMAL(price) * 2"},
        "twice": {"formula": "DECIMAL(price) * 2 + DECIMAL(price)"},
        "lines": {
            "each": "items",
            "fields": {
                "own": {"formula": "DECIMAL(price) * 2"},
                "more": {"formula": "DECIMAL(price) * 2 + DECIMAL(root.price) + DECIMAL(root.price)"},
            },
        },
    }
    made = apply(fields, {"price": "1", "items": [{"price": "10"}, {"price": "20"}]})
    assert (made["total"], made["twice"]) == (2, 3)
    assert made["lines"] == [{"own": 20, "more": 22}, {"own": 40, "more": 42}]


@pytest.mark.parametrize("text", ["a", "", None, "\u00df" * 30_000, "a" * 30_000, 7, ["b", "c"], True])
@pytest.mark.parametrize(
    "formula", ["UPPER(x)", "LOWER(x)", "TRIM(x)", "LEFT(x, 3)", 'CONCAT("p:", x)', 'JOIN("-", x, "y", x)']
)
def test_text_done_by_pythons_own_means_comes_out_as_from_the_function(formula, text) -> None:
    translator = compile_mapping(document({"x": {"formula": formula, "optional": True}}))
    careful = translator._careful.functions["translate"]
    try:
        wanted = careful({"x": text}, Known(), lambda *at: None)
    except Refusal:
        with pytest.raises(Unmappable):
            translator.apply({"x": text}, Known())
        return
    assert translator.apply({"x": text}, Known()) == wanted
