from __future__ import annotations

import pytest

from hub.mapping.finding import GrammarError
from hub.mapping.language import parse_formula
from hub.mapping.nodes import Path, walk
from hub.mapping.source import parse_path

ESCAPES = [
    "__import__('os').system('id')",
    "().__class__.__bases__[0].__subclasses__()",
    "a.__class__",
    "a._private",
    "__builtins__",
    "_",
    "'a'.upper()",
    "'a'.__class__",
    "UPPER.__globals__",
    "UPPER(a).b",
    "a.format(b)",
    "(lambda: 1)()",
    "lambda: 1",
    "[x for x in a]",
    "{x for x in a}",
    "{x: 1 for x in a}",
    "(x for x in a)",
    "SUM(x for x in a)",
    "f'{a}'",
    "f'{a.__class__}'",
    "a[b]",
    "a['b']",
    "a[-1]",
    "a[1:2]",
    "a[::2]",
    "a[True]",
    "a[1, 2]",
    "a[99999999]",
    "2 ** 999999999",
    "2 ** 9 ** 9",
    "a % b",
    "a // b",
    "a @ b",
    "a << 99999999",
    "a | b",
    "a & b",
    "a ^ b",
    "~a",
    "+a",
    "'x' * 1000000000",
    "'x' + 'y'",
    "(b := 1)",
    "[1, 2]",
    "(1, 2)",
    "{1: 2}",
    "{1, 2}",
    "*a",
    "UPPER(*a)",
    "UPPER(**a)",
    "UPPER(value=a)",
    "eval('1')",
    "exec('1')",
    "open('/etc/passwd')",
    "getattr(a, 'b')",
    "print(1)",
    "Decimal('1')",
    "record",  # an ordinary path, see below
    "await a",
    "yield a",
    "a if b",
    "a; b",
    "import os",
    "a = 1",
    "1 < a < 3",
    "a is None",
    "1e999999999",
    "1_000",
    "0x10",
    "1j",
    "b'x'",
    "...",
    "\x00",
    "'\\d'",
    "(" * 150 + "a" + ")" * 150 + "(",
    "-" * 1900 + "1",
    "(" * 900 + "a" + ")" * 900,
    "+".join("a" * 900),
    "NOT(" * 300,
    "not " * 400 + "a",
    "ABS(" * 60 + "a" + ")" * 60,
    "a" + ".b" * 60 + "[0]" * 60,
    "a" * 2001,
    "COALESCE(" + ",".join("a" * 51) + ")",
    " or ".join("a" * 51),
    "",
    "   ",
    None,
    12,
    ["a"],
]


@pytest.mark.parametrize(
    "written", [text for text in ESCAPES if text != "record"], ids=lambda text: str(text)[:30]
)
def test_formula_cannot_reach_python_nor_grow(written) -> None:
    with pytest.raises(GrammarError):
        parse_formula(written)


def test_names_of_the_generated_code_are_ordinary_paths(evaluate) -> None:
    for name in ("record", "lookup", "mark", "given", "str", "dig", "EMPTY", "Decimal", "enumerate"):
        assert evaluate(name, **{name: "mine"}) == "mine"
        assert evaluate(name) is None


@pytest.mark.parametrize(
    ("written", "message", "remedy", "offset"),
    [
        ("ROUN(a)", "unknown function 'ROUN'", "did you mean 'ROUND'?", 0),
        ("1 + upper(a)", "unknown function 'upper'", "did you mean 'UPPER'?", 4),
        ("a +", "the formula cannot be read: it stops making sense here", "", 3),
        (
            "item.class == 1",
            "the formula cannot be read",
            "'class' is a reserved word in formulas: read it with from",
            5,
        ),
        ("2 ** 3", "only + - * / are allowed between numbers", "multiply instead", 0),
        ("'a' + b", "'+' needs numbers, ''a'' is a text", "use CONCAT", 0),
        ("b - DATE(a)", "'-' needs numbers, 'DATE(a)' is a date", "use DAYS or ADD_DAYS", 4),
        ("null * 2", "'*' needs numbers, 'null' is no value", "wrap it in DECIMAL()", 0),
        ("äö + 'x'", "'+' needs numbers, ''x'' is a text", "use CONCAT", 5),
        ("SUM(a[].b) + 'x'", "'+' needs numbers, ''x'' is a text", "use CONCAT", 13),
        ("  a + 'x'", "'+' needs numbers, ''x'' is a text", "use CONCAT", 6),
        ("ROUND(UPPER(a), 2)", "ROUND needs a number, 'UPPER(a)' is a text", "wrap it in DECIMAL()", 6),
        ("ROUND(a, 2, 3)", "ROUND takes 1 to 2 values, not 3", "", 0),
        ("MID(a)", "MID takes 3 values, not 1", "", 0),
        ("IF(a)", "IF takes 2 to 3 values, not 1", "", 0),
        ("LOOKUP(a.b, c)", "LOOKUP needs the name of a table of this mapping first", "", 7),
        (
            "LEN(a) == 'x'",
            "'LEN(a)' is a number, ''x'' is a text: they are never equal",
            "convert one with DECIMAL(), TEXT() or DATE()",
            0,
        ),
        ("1 < a < 3", "one comparison at a time", "write a < b and b < c", 0),
        ("a is null", "'is' is not a comparison of formulas", "use == or BLANK()", 0),
        (
            "[x for x in a]",
            "a comprehension is not allowed in a formula",
            "use a path such as lines[].amount",
            0,
        ),
        ("f'{a}'", "an f-string is not allowed in a formula", "use CONCAT or JOIN", 0),
        ("a._b", "'_b' starts with _", "read such a field with from", 0),
        ("a.upper()", "only functions can be called", "write for example UPPER(name)", 0),
        (r"'\d'", r"'\d' is not an escape of formulas", r"write \\d", 1),
        ("1e5", "1e5 is not a plain number or text", "write for example 12.50 or 'text'", 0),
    ],
)
def test_fault_is_told_with_place_and_remedy(written, message, remedy, offset) -> None:
    with pytest.raises(GrammarError) as caught:
        parse_formula(written)
    assert (caught.value.message, caught.value.remedy, caught.value.offset) == (message, remedy, offset)


@pytest.mark.parametrize(
    ("written", "kind", "blank"),
    [
        ("1.5", "number", False),
        ("a", "any", True),
        ("a * 2", "number", False),
        ("DECIMAL(a)", "number", True),
        ("DECIMAL(a, 0)", "number", False),
        ("ROUND(DECIMAL(a, 0), 2)", "number", False),
        ("ROUND(DECIMAL(a), 2)", "number", True),
        ("IF(a, 1, 2)", "number", False),
        ("IF(a, 1)", "number", True),
        ("IF(a, 1, 'x')", "any", False),
        ("COALESCE(DECIMAL(a), 0)", "number", False),
        ("a and b", "any", True),
        ("a == 1", "bool", False),
        ("not a", "bool", False),
        ("DATE(a)", "date", True),
        ("TRUE", "any", True),  # only true and True are words; this is a path
    ],
)
def test_kind_of_a_formula_is_known_before_it_runs(written, kind, blank) -> None:
    node = parse_formula(written)
    assert (node.kind, node.blank) == (kind, blank)


@pytest.mark.parametrize(
    ("written", "steps"),
    [
        ("a", ("a",)),
        ("a.b_c.d1", ("a", "b_c", "d1")),
        ("a[0].b", ("a", 0, "b")),
        ("a[].b", ("a", None, "b")),
        ("a[ ].b[]", ("a", None, "b", None)),
        ("a.0.b", ("a", 0, "b")),
        ("PO Number", ("PO Number",)),
        ("@odata.etag", ("@odata", "etag")),
        ("_links.self", ("_links", "self")),
    ],
)
def test_path_of_from_is_read(written, steps) -> None:
    assert parse_path(written).steps == steps


@pytest.mark.parametrize(
    "written",
    [
        "",
        ".",
        "a.",
        ".a",
        "a..b",
        "a[",
        "a[x]",
        "a]b",
        "__class__",
        "a.__b",
        5,
        None,
        "a[77777]",
        "a" + ".b" * 50,
    ],
)
def test_path_that_is_none_is_refused(written) -> None:
    with pytest.raises(GrammarError):
        parse_path(written)


def test_text_with_brackets_is_left_alone() -> None:
    node = parse_formula("CONCAT('[]', a[].b, \"x[]'y\")")
    texts = [part.value for part in walk(node) if hasattr(part, "value")]
    assert texts == ["[]", "x[]'y"]
    assert [part.steps for part in walk(node) if isinstance(part, Path)] == [("a", None, "b")]


def test_formula_over_several_lines_is_one_line() -> None:
    assert parse_formula("a\n+ b").kind == "number"
