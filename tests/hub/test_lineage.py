"""Lineage: every field says where it came from, every field that fails says why, all of them at once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import NotYet, Unmappable
from hub.mapping import Translator, compile_mapping, failures, trace
from hub.mapping.lineage import Failed, Origin, Trace
from tests.hub.mapping.small import Known, document
from tests.mappings.pairs import PAIRS, Answers, Pair, pair_of

LINES = {
    "each": "items",
    "when": "not BLANK(sku)",
    "fields": {
        "sku": {"from": "sku"},
        "place": {"formula": "index"},
        "price": {"formula": "ROUND(DECIMAL(price) * DECIMAL(root.rate, 1), 2)"},
        "note": {"from": "note", "optional": True},
    },
}


def explained(fields: Mapping[str, Any], record: Mapping[str, Any], **more: Any) -> Trace:
    return trace(compile_mapping(document(fields, **more)), record, Known())


def only(fields: Mapping[str, Any], record: Mapping[str, Any], **more: Any) -> Origin:
    (origin,) = explained(fields, record, **more).origins
    return origin


def test_field_names_the_path_it_was_read_from_and_the_rule_that_read_it() -> None:
    told = only({"a.b": {"from": "p.q", "via": ["text", "decimal"]}}, {"p": {"q": "1.50"}}, version=3)
    assert (told.target, told.value, told.rule) == ("a.b", Decimal("1.50"), "from")
    assert told.inputs == (("p.q", "1.50"),)
    assert (told.via, told.formula, told.condition) == (("text", "decimal"), "", "")
    assert (told.file, told.mapping) == ("test.yaml", "test.record -> message v3")
    assert told.line == 3


def test_formula_lists_every_path_it_mentions_once() -> None:
    told = only({"x": {"formula": "IF(a > 1, a, b.c)"}}, {"a": 2, "b": {"c": 9}})
    assert (told.rule, told.formula, told.value) == ("formula", "IF(a > 1, a, b.c)", 2)
    assert told.inputs == (("a", 2), ("b.c", 9))


def test_constant_and_default_are_told_apart_from_what_was_read() -> None:
    fields = {"x": {"value": "B"}, "y": {"from": "gone", "default": "Z"}, "z": {"value": ["a"]}}
    x, y, z = explained(fields, {}).origins
    assert [(o.rule, o.value, o.inputs) for o in (x, y, z)] == [
        ("value", "B", ()),
        ("default", "Z", (("gone", None),)),
        ("value", ["a"], ()),
    ]


def test_condition_of_a_field_is_part_of_what_it_read() -> None:
    told = only({"x": {"from": "a", "when": "b > 1"}}, {"a": "x", "b": 2})
    assert (told.condition, told.inputs) == ("b > 1", (("a", "x"), ("b", 2)))


def test_table_entries_and_cross_references_that_were_used_are_shown() -> None:
    fields = {
        "x": {"from": "t", "via": "table(terms)"},
        "y": {"formula": 'LOOKUP(terms, "Net 30")'},
        "z": {"from": "id", "via": "xref(customer)"},
    }
    x, y, z = explained(fields, {"t": "Due on receipt", "id": 7}).origins
    assert x.used == (("table", "terms", "Due on receipt", "COD"),)
    assert y.used == (("table", "terms", "Net 30", "NET30"),)
    assert z.used == (("xref", "customer", "7", "doc-7"),)


def test_paths_inside_each_start_at_the_top_of_the_record() -> None:
    record = {"rate": "2", "items": [{"sku": "A", "price": "1"}, {"sku": "B", "price": "3"}]}
    told = explained({"lines": LINES}, record)
    found = {origin.target: origin for origin in told.origins}
    assert found["lines[1].sku"].inputs == (("items[1].sku", "B"),)
    assert found["lines[1].price"].inputs == (("items[1].price", "3"), ("rate", "2"))
    assert found["lines[1].place"].inputs == (("index", 2),)
    assert told.fields["lines"][1]["price"] == Decimal("6.00")


def test_lists_in_lists_keep_both_positions() -> None:
    fields = {"a": {"each": "p", "fields": {"b": {"each": "q.r", "fields": {"c": {"from": "s"}}}}}}
    record = {"p": [{"q": {"r": []}}, {"q": {"r": [{"s": "x"}, {"s": "y"}]}}]}
    first, *others = explained(fields, record).origins
    assert (first.target, first.value, first.inputs) == ("a[0].b", [], (("p[0].q.r", []),))
    assert [(o.target, o.inputs[0].path) for o in others] == [
        ("a[1].b[0].c", "p[1].q.r[0].s"),
        ("a[1].b[1].c", "p[1].q.r[1].s"),
    ]


def test_gathered_path_shows_the_list_it_gave() -> None:
    told = only({"x": {"formula": "SUM(items[].price)"}}, {"items": [{"price": "1"}, {"price": "2"}]})
    assert told.inputs == (("items[].price", ["1", "2"]),)


def test_bare_item_has_no_position_in_its_source() -> None:
    fields = {"lines": {"each": "items", "via": "list", "fields": {"sku": {"from": "sku"}}}}
    told = only(fields, {"items": {"sku": "A"}})
    assert (told.target, told.inputs) == ("lines[0].sku", (("items.sku", "A"),))


def test_what_is_left_out_is_listed_with_its_reason() -> None:
    fields = {
        "x": {"from": "a", "optional": True},
        "y": {"from": "b", "when": "false"},
        "g": {"when": "c", "fields": {"h": {"from": "b"}}},
    }
    told = explained(fields, {"b": 1})
    assert [(s.target, s.reason) for s in told.skipped] == [
        ("x", "no value"),
        ("y", "condition not met"),
        ("g", "condition not met"),
    ]
    assert (told.fields, told.origins, told.failed) == ({}, (), ())
    assert told.skipped[2].inputs == (("c", None),)


def test_positions_are_those_of_the_result_where_items_are_left_out() -> None:
    record = {"items": [{"sku": ""}, {"sku": "B", "price": "3"}]}
    told = explained({"lines": LINES}, record)
    assert told.fields["lines"] == [{"sku": "B", "place": 2, "price": Decimal("3.00")}]
    assert told.origins[0].target == "lines[0].sku"
    assert told.origins[0].inputs == (("items[1].sku", "B"),)
    assert (told.skipped[0].target, told.skipped[0].inputs) == ("lines[]", (("items[0].sku", ""),))


def test_all_failing_fields_are_told_with_what_works_beside_them() -> None:
    fields = {
        "ok": {"from": "a"},
        "x": {"from": "gone"},
        "y": {"from": "a", "via": "decimal"},
        "lines": LINES,
    }
    record = {"a": "z", "items": [{"sku": "A", "price": "1"}, {"sku": "B", "price": "?"}]}
    told = explained(fields, record)
    assert [failed.field for failed in told.failed] == ["x", "y", "lines[1].price"]
    assert "no value from gone" in told.failed[0].reason
    assert (told.failed[1].value, told.failed[1].inputs) == ("z", (("a", "z"),))
    assert told.failed[2].formula == "ROUND(DECIMAL(price) * DECIMAL(root.rate, 1), 2)"
    assert told.fields["ok"] == "z"
    assert told.fields["lines"][1] == {"sku": "B", "place": 2}
    assert failures(compile_mapping(document(fields)), record, Known()) == told.failed


def test_constant_of_empty_text_is_not_blamed_for_another_field() -> None:
    translator = compile_mapping(document({"x": {"value": ""}, "y": {"from": "gone"}}))
    with pytest.raises(Unmappable) as caught:
        translator.apply({}, Known())
    assert caught.value.field == "y"
    assert [one.field for one in failures(translator, {}, Known())] == ["y"]


def test_reference_that_is_not_there_yet_waits_and_is_no_fault() -> None:
    (failed,) = explained({"x": {"from": "a", "via": "xref(order)"}}, {"a": "9"}).failed
    assert (failed.waits, failed.reason) == (True, "order 9 is not known yet")


def test_item_whose_condition_cannot_be_answered_fails_and_the_others_remain() -> None:
    lines = {"each": "items", "when": "n > 1", "fields": {"n": {"from": "n"}}}
    told = explained({"lines": lines}, {"items": [{"n": "x"}, {"n": 2}]})
    assert [(f.field, f.inputs) for f in told.failed] == [("lines[0]", (("items[0].n", "x"),))]
    assert told.fields == {"lines": [{"n": 2}]}


@pytest.mark.parametrize(("when", "applies"), [("a == 1", True), ("a == 2", False)])
def test_record_that_is_not_for_us_is_still_explained(when: str, applies: bool) -> None:
    told = explained({"x": {"from": "a"}}, {"a": 1}, when=when)
    assert (told.applies, told.fields, told.failed) == (applies, {"x": 1}, ())


def test_condition_of_the_mapping_that_cannot_be_answered_is_a_failure() -> None:
    told = explained({"x": {"from": "a"}}, {"a": "1"}, when="a > 1")
    assert not told.applies
    assert [(f.field, f.inputs) for f in told.failed] == [("when", (("a", "1"),))]


def test_a_default_of_a_list_is_not_shared_between_traces() -> None:
    translator = compile_mapping(document({"x": {"from": "gone", "default": ["a"]}}))
    trace(translator, {}, Known()).fields["x"].append("b")
    assert trace(translator, {}, Known()).fields == {"x": ["a"]}


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf of a result with its path; a list or object without anything in it is one."""
    if isinstance(value, dict) and value:
        for key, part in value.items():
            yield from leaves(part, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        for position, part in enumerate(value):
            yield from leaves(part, f"{path}[{position}]")
    else:
        yield path, value


def owners(path: str, origins: tuple[Origin, ...]) -> list[Origin]:
    return [o for o in origins if path == o.target or path.startswith((f"{o.target}.", f"{o.target}["))]


def check_agrees(translator: Translator, record: Mapping[str, Any], lookup: Any) -> None:
    """Trace and translation say the same, whether or not the record can be translated."""
    told = trace(translator, record, lookup)
    failed = [one for one in told.failed if one.field != "when"]
    try:
        result = translator.apply(record, lookup)
    except Unmappable as error:
        check_first(failed, error)
    except NotYet:
        assert any(one.waits for one in failed)
    else:
        assert failed == []
        assert repr(told.fields) == repr(result)
    found = {path: repr(value) for path, value in leaves(told.fields)}
    for origin in told.origins:
        for path, value in leaves(origin.value, origin.target):
            assert found[path] == repr(value)
    for path, _ in leaves(told.fields):
        if path:
            assert len(owners(path, told.origins)) == 1, path
    names = [origin.target for origin in told.origins]
    assert len(names) == len(set(names))


def check_first(failed: list[Failed], error: Unmappable) -> None:
    first = next(one for one in failed if not one.waits)
    assert (first.field, first.reason) == (error.field, error.reason)


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_every_leaf_of_a_golden_document_has_one_origin_with_its_value(pair: Pair) -> None:
    told = pair_of(pair)
    translator, lookup = told.translator, Answers(told.lookup)
    check_agrees(translator, told.record, lookup)
    assert trace(translator, told.record, lookup).applies is (told.document is not None)
    if told.document is None:
        return
    result = dict(leaves(translator.apply(told.record, lookup)))
    made = {
        path: part
        for origin in trace(translator, told.record, lookup).origins
        for path, part in leaves(origin.value, origin.target)
    }
    assert made == result


RECORD = st.recursive(
    st.one_of(
        st.none(),
        st.sampled_from(["", "x", "1.5", "Net 30", "7"]),
        st.integers(0, 3),
        st.floats(0, 1),
        st.booleans(),
    ),
    lambda deeper: st.one_of(
        st.lists(deeper, max_size=3), st.dictionaries(st.sampled_from("abc"), deeper, max_size=3)
    ),
    max_leaves=8,
)
LEAF = st.one_of(
    st.builds(
        lambda path, more: {"from": path, **more},
        st.sampled_from(["a", "b", "a.b", "a[0]", "b[].c", "root.c"]),
        st.sampled_from(
            [
                {},
                {"optional": True},
                {"default": 0},
                {"via": "decimal"},
                {"via": "table(terms)", "optional": True},
                {"via": ["text", "xref(customer)"], "default": ["d"]},
                {"via": "xref(order)"},
                {"when": "b == 1"},
            ]
        ),
    ),
    st.builds(
        lambda formula, more: {"formula": formula, **more},
        st.sampled_from(
            ["DECIMAL(a) + 1", "JOIN(a, b)", "COALESCE(a, b)", "index", "b > 1", "LOOKUP(terms, a)", "a / b"]
        ),
        st.sampled_from([{}, {"optional": True}, {"default": 0}]),
    ),
    st.sampled_from(
        [{"value": None}, {"value": ""}, {"value": 1}, {"value": None, "default": 2}, {"value": [1]}]
    ),
)
FIELDS = st.recursive(
    st.dictionaries(st.sampled_from(["x", "y", "z.u", "z.v"]), LEAF, min_size=1, max_size=3),
    lambda deeper: st.dictionaries(
        st.sampled_from(["x", "y", "z.u"]),
        st.one_of(
            st.builds(lambda f: {"fields": f}, deeper),
            st.builds(lambda f: {"fields": f, "when": "a"}, deeper),
            st.builds(
                lambda f, path, more: {"each": path, "fields": f, **more},
                deeper,
                st.sampled_from(["a", "b.c", "c[].a", "root.a"]),
                st.sampled_from([{}, {"optional": True}, {"via": "list"}, {"when": "BLANK(b)"}]),
            ),
        ),
        min_size=1,
        max_size=2,
    ),
    max_leaves=4,
)


@settings(max_examples=150, deadline=None)
@given(fields=FIELDS, record=st.dictionaries(st.sampled_from("abc"), RECORD, max_size=3))
def test_trace_agrees_with_any_translation_of_any_record(
    fields: dict[str, Any], record: dict[str, Any]
) -> None:
    unshared = json.loads(json.dumps(fields))  # or YAML would write aliases
    check_agrees(compile_mapping(document(unshared)), record, Known())
