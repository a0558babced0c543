"""What holds for every formula and every record, tried with many that nobody would write."""

from __future__ import annotations

import contextlib
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import MappingInvalid, NotYet, Unmappable
from hub.mapping import Translator, compile_mapping, loads
from hub.mapping.functions import FUNCTIONS
from tests.hub.mapping.small import Known, document

FEW = settings(max_examples=100, deadline=None)

numbers = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=4)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 10**20),
    numbers,
    st.decimals(),
    st.floats(),
    numbers.map(str),
    st.sampled_from(
        ["", "Net 30", "2026-01-31", "2026-01-31T10:00:00Z", "Europe/Berlin", "EUR", "false", "x" * 200]
    ),
    st.text(max_size=8),
    st.dates(),
    st.datetimes(timezones=st.just(UTC)),
    st.just(date(9999, 12, 31)),
    st.just(datetime(1, 1, 1)),  # noqa: DTZ001 - a record may hold one
)
values = st.recursive(
    scalars,
    lambda deeper: st.one_of(
        st.lists(deeper, max_size=3), st.dictionaries(st.sampled_from("abc"), deeper, max_size=3)
    ),
    max_leaves=6,
)
records = st.dictionaries(st.sampled_from("abc"), values, max_size=3)

paths = st.sampled_from(
    ["a", "b", "c", "a.b", "a.b.c", "a[0]", "a[].b", "b[].a[].c", "root.a", "root", "index"]
)
literals = st.sampled_from(["1", "0", "2.5", "100000", '"x"', '""', '"2026-01-31"', "true", "null"])


def _calls(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def call(name: str) -> st.SearchStrategy[str]:
        function = FUNCTIONS[name]
        most = 4 if function.repeats else len(function.parameters)
        arguments = st.lists(inner, min_size=function.least, max_size=most)
        return arguments.map(lambda given: f"{name}({', '.join(given)})")

    return st.sampled_from(sorted(FUNCTIONS)).flatmap(call)


def _compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operators = ["+", "-", "*", "/", "==", "!=", "<", "<=", ">", ">=", "and", "or", "in"]
    return st.one_of(
        _calls(inner),
        st.builds("({} {} {})".format, inner, st.sampled_from([*operators, "not in"]), inner),
        st.builds("({} if {} else {})".format, inner, inner, inner),
        st.builds("IF({}, {})".format, inner, inner),
        st.builds("COALESCE({}, {})".format, inner, inner),
        st.builds("LOOKUP(terms, {})".format, inner),
        st.builds("LOOKUP(terms, {}, {})".format, inner, inner),
        st.builds("(-{})".format, inner),
        st.builds("(not {})".format, inner),
    )


formulas = st.recursive(st.one_of(paths, literals), _compound, max_leaves=8)


def _translator(formula: str) -> Translator | None:
    rules = {"x": {"formula": formula, "optional": True}, "y": {"each": "a", "optional": True, "fields": {}}}
    rules["y"]["fields"] = {"z": {"formula": formula, "default": 0}}
    try:
        return compile_mapping(document(rules, when=formula))
    except MappingInvalid:
        return None


def _fails(*_: Any) -> None:
    raise TypeError("the quick function failed")


def _outcome(run: Any) -> Any:
    try:
        return repr(run())
    except Unmappable as error:
        return error.field


@FEW
@given(formula=formulas, record=records)
def test_formula_never_raises_anything_but_what_is_declared(formula, record) -> None:
    translator = _translator(formula)
    if translator is None:
        return
    for run in (translator.apply, translator.applies):
        with contextlib.suppress(Unmappable):
            run(record, Known())


@FEW
@given(formula=formulas, record=records)
def test_careful_translation_agrees_with_the_quick_one(formula, record) -> None:
    """What the quick function gives, the careful one gives too: it may only differ in knowing why not."""
    translator = _translator(formula)
    if translator is None:
        return
    before = _outcome(lambda: translator.apply(record, Known()))
    broken = SimpleNamespace(functions={"translate": _fails})  # as if the quick one had failed
    translator._quick = broken  # type: ignore[assignment] - stands in for the generated functions
    assert _outcome(lambda: translator.apply(record, Known())) == before


@FEW
@given(formula=formulas, record=records)
def test_no_binary_float_comes_out_of_a_formula(formula, record) -> None:
    translator = _translator(formula)
    if translator is None:
        return
    with contextlib.suppress(Unmappable):
        assert not list(_floats(translator.apply(record, Known())))


def _floats(value: Any) -> Any:
    if isinstance(value, float):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _floats(part)


@settings(max_examples=250, deadline=None)
@given(text=st.text(alphabet="ab._[]()0123456789'\"+-*/<>=, \\\n\tifelsnotadrLOKUP{}:;#@~^&|%!", max_size=60))
def test_text_that_is_no_formula_is_refused_and_nothing_else(text) -> None:
    with contextlib.suppress(MappingInvalid):
        compile_mapping(document({"x": {"formula": text}}))


@settings(max_examples=200, deadline=None)
@given(text=st.text(alphabet="abfieldsromviawhnt:{}[],'\"&*!|>-? \n#%@`0123456789.", max_size=120))
def test_text_that_is_no_mapping_is_refused_and_nothing_else(text) -> None:
    for body in (text, f"mapping: a.b -> message\nfields: {text}", f"mapping: a.b -> message\n{text}"):
        with contextlib.suppress(MappingInvalid):
            compile_mapping(loads(body))


RULES = [
    "text",
    "decimal",
    "integer",
    "bool",
    "date",
    "datetime",
    "currency",
    "country",
    "list",
    "table(terms)",
]


@FEW
@given(via=st.lists(st.sampled_from([*RULES, "xref(customer)", "xref(order)"]), max_size=2), record=records)
def test_conversion_never_raises_anything_but_what_is_declared(via, record) -> None:
    fields = {"x": {"from": "a", "via": via}, "y": {"from": "a.b", "via": [*via], "optional": True}}
    translator = compile_mapping(document(fields))
    with contextlib.suppress(Unmappable, NotYet):
        assert not list(_floats(translator.apply(record, Known())))


EXACT = compile_mapping(
    document(
        {
            "from": {"from": "v", "via": "decimal"},
            "formula": {"formula": "DECIMAL(v)"},
            "sum": {"formula": "SUM(v, 0)"},
            "text": {"formula": "TEXT(DECIMAL(v))"},
        }
    )
)


@settings(max_examples=200, deadline=None)
@given(st.from_regex(r"-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,20})?", fullmatch=True))
def test_decimals_survive_exactly_through_a_mapping(written) -> None:
    translated = EXACT.apply({"v": written}, Known())
    assert format(translated["from"], "f") == format(translated["formula"], "f") == written
    assert translated["text"] == written
    assert translated["sum"] == Decimal(written)


@FEW
@given(price=numbers, quantity=numbers, discount=st.integers(0, 100))
def test_amounts_equal_those_of_exact_fractions(price, quantity, discount) -> None:
    formula = "ROUND(DECIMAL(p) * DECIMAL(q) * (1 - DECIMAL(d) / 100), 2)"
    translated = compile_mapping(document({"x": {"formula": formula}})).apply(
        {"p": str(price), "q": str(quantity), "d": str(discount)}, Known()
    )
    cents = Fraction(price) * Fraction(quantity) * (1 - Fraction(discount, 100)) * 100
    away = int(abs(cents) + Fraction(1, 2)) * (-1 if cents < 0 else 1)  # half away from zero
    assert Fraction(translated["x"]) * 100 == away


@pytest.mark.parametrize("formula", ["a", "UPPER(a)", "DECIMAL(a, 0)", "IF(a, b, c)"])
def test_generated_formulas_include_ones_that_compile(formula) -> None:
    assert _translator(formula) is not None
