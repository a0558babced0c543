from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from hub.errors import Unmappable
from hub.mapping.functions import FUNCTIONS
from hub.mapping.language import FORMS
from hub.mapping.reference import functions
from hub.mapping.values import text

ITEMS = [{"a": "1.10"}, {"a": None}, {"a": 2}, {}]

CASES = [
    ('IF(won, "y", "n")', {"won": True}, "y"),
    ('IF(won, "y", "n")', {"won": "false"}, "n"),
    ('IF(won, "y")', {"won": "False"}, None),
    ("COALESCE(a, b, c)", {"a": "", "b": None, "c": "z"}, "z"),
    ("COALESCE(a, b)", {}, None),
    ("a or b", {"a": "", "b": "z"}, "z"),
    ("a and b", {"a": "y", "b": "z"}, "z"),
    ("a and b", {"a": "", "b": "z"}, None),
    ("not a", {}, True),
    ("CONCAT(a, 1, true, b)", {"a": "x"}, "x1true"),
    ('JOIN(", ", items[].a, "end")', {"items": ITEMS}, "1.10, 2, end"),
    ('JOIN(", ", a, b)', {}, None),
    ("UPPER(a)", {"a": "straße"}, "STRASSE"),
    ("UPPER(a)", {}, None),
    ("LEFT(a, 2)", {"a": "äbc"}, "äb"),
    ("LEFT(a)", {"a": "abc"}, "a"),
    ("RIGHT(a, 0)", {"a": "abc"}, None),
    ("RIGHT(a, 9)", {"a": "abc"}, "abc"),
    ("MID(a, 2, 1)", {"a": "abc"}, "b"),
    ('REPLACE(a, 2, 1, "XX")', {"a": "abc"}, "aXXc"),
    ('SUBSTITUTE(a, "", "x")', {"a": "abc"}, "abc"),
    ("LEN(a)", {}, Decimal(0)),
    ('CONTAINS(a, "b")', {"a": ["a", "b"]}, True),
    ('CONTAINS(a, "b")', {}, False),
    ("CONTAINS(a, b)", {"a": "abc"}, False),
    ('a in LIST("x", "y")', {"a": "y"}, True),
    ('a not in LIST("x", "y")', {"a": "y"}, False),
    ('"b" in a', {"a": "abc"}, True),
    ("ROUND(DECIMAL(a), 2)", {"a": "2.345"}, Decimal("2.35")),
    ("ROUND(DECIMAL(a), 2)", {"a": "-2.345"}, Decimal("-2.35")),
    ("ROUND(DECIMAL(a), 2)", {}, None),
    ("ROUND(a)", {"a": Decimal("2.5")}, Decimal(3)),
    ("ROUND(a, -2)", {"a": 1250}, Decimal("1.3E+3")),
    ("ABS(a)", {"a": -5}, Decimal(5)),
    ("MIN(items[].a)", {"items": ITEMS}, Decimal("1.10")),
    ("MAX(items[].a, 7)", {"items": ITEMS}, Decimal(7)),
    ("MIN(items[].a)", {}, None),
    ("SUM(items[].a)", {"items": ITEMS}, Decimal("3.10")),
    ("SUM(items[].a)", {}, Decimal(0)),
    ("COUNT(items[].a)", {"items": ITEMS}, Decimal(2)),
    ("COUNT(items)", {"items": ITEMS}, Decimal(4)),
    ("FIRST(items[].a)", {"items": ITEMS}, "1.10"),
    ("items[2].a", {"items": ITEMS}, 2),
    ("items[9].a", {"items": ITEMS}, None),
    (
        "COUNT(orders[].lines[].n)",
        {"orders": [{"lines": [{"n": 1}, {"n": 2}]}, {"lines": [{"n": 3}]}]},
        Decimal(3),
    ),
    ("DECIMAL(a, 0)", {}, Decimal(0)),
    ("DECIMAL(a, b)", {"b": 3}, Decimal(3)),
    ("INT(a)", {"a": "12.0"}, Decimal(12)),
    ("INT(a, 5)", {}, Decimal(5)),
    ("TEXT(a)", {"a": Decimal("1E+2")}, "100"),
    ("TEXT(a, 2)", {"a": 3}, "3.00"),
    ('TEXT(a, "YYYYMMDD")', {"a": date(2026, 1, 5)}, "20260105"),
    ('TEXT(a, "DD.MM.YY hh:mm:ss")', {"a": datetime(2026, 1, 5, 7, 8, 9, tzinfo=UTC)}, "05.01.26 07:08:09"),
    ('TEXT(a, "%Y")', {"a": date(2026, 1, 5)}, "%Y"),
    ("DATE(a)", {"a": "2026-01-05T10:00:00Z"}, date(2026, 1, 5)),
    ("DATE(a)", {}, None),
    ("DAYS(a, b)", {"a": date(2026, 3, 1), "b": date(2026, 2, 1)}, Decimal(28)),
    ("ADD_DAYS(a, 30)", {"a": date(2026, 1, 31)}, date(2026, 3, 2)),
    ("LOOKUP(terms, a)", {"a": "Net 30"}, "NET30"),
    ('LOOKUP("terms", a, "COD")', {"a": "other"}, "COD"),
    ('LOOKUP(terms, a, "COD")', {}, "COD"),
    ("LOOKUP(terms, a)", {}, None),
    ('MATCHES(a, "^SO-[0-9]{4}$")', {"a": "SO-2041"}, True),
    ('MATCHES(a, "^SO-[0-9]{4}$")', {"a": "SO-20415"}, False),
    ('MATCHES(a, "(?i)^so")', {"a": "SO-1"}, True),
    ('MATCHES(a, "x")', {}, False),
    ('MATCHES(a, "^\\\\pL+$")', {"a": "Zoë"}, True),
    ('EXTRACT(a, "PO[- ]?([0-9]+)")', {"a": "ref PO 771, thanks"}, "771"),
    ('EXTRACT(a, "PO[- ]?([0-9]+)", 0)', {"a": "ref PO 771, thanks"}, "PO 771"),
    ('EXTRACT(a, "[0-9]+")', {"a": "Straße 12b"}, "12"),
    ('EXTRACT(a, "[0-9]+")', {"a": "none"}, None),
    ('EXTRACT(a, "(x)?y")', {"a": "y"}, None),
    ('EXTRACT(a, "[0-9]+")', {}, None),
    ('REGEXREPLACE(a, "([0-9]+)-([0-9]+)", "$2/$1")', {"a": "ä 12-34 é"}, "ä 34/12 é"),
    ('REGEXREPLACE(a, "e", "$$")', {"a": "see"}, "s$$"),
    ('REGEXREPLACE(a, "x*", "-")', {"a": "äxb"}, "ä-b"),
    ('REGEXREPLACE(a, "x", "")', {}, None),
    ("ADD_WORKDAYS(a, 1)", {"a": date(2026, 1, 30)}, date(2026, 2, 2)),
    ("ADD_WORKDAYS(a, 0)", {"a": date(2026, 1, 31)}, date(2026, 1, 31)),
    ("ADD_WORKDAYS(a, -1)", {"a": date(2026, 2, 1)}, date(2026, 1, 30)),
    ("ADD_WORKDAYS(a, 1, b)", {"a": date(2026, 12, 24), "b": ["2026-12-25"]}, date(2026, 12, 28)),
    ("ADD_WORKDAYS(a, 1)", {}, None),
    ("WORKDAYS(a, b)", {"a": date(2026, 1, 31), "b": date(2026, 2, 1)}, Decimal(0)),
    ("WORKDAYS(b, a)", {"a": date(2026, 1, 30), "b": date(2026, 2, 2)}, Decimal(-2)),
    ("ADD_MONTHS(a, -1)", {"a": date(2024, 3, 31)}, date(2024, 2, 29)),
    ("ADD_MONTHS(a, 13)", {"a": date(2025, 12, 31)}, date(2027, 1, 31)),
    ("END_OF_MONTH(a)", {"a": date(2024, 2, 1)}, date(2024, 2, 29)),
    ("WEEKDAY(a)", {"a": date(2026, 2, 1)}, Decimal(7)),
    ("YEAR(a) * 100 + MONTH(a)", {"a": date(2026, 2, 1)}, Decimal(202602)),
    ('SPLITNAME(a, "last")', {"a": "Mai Linh Tran"}, "Tran"),
    ('SPLITNAME(a, "first")', {"a": "Mai Linh Tran"}, "Mai Linh"),
    ('SPLITNAME(a, "last")', {"a": "Jan van der Berg"}, "van der Berg"),
    ('SPLITNAME(a, "first")', {"a": "de la Cruz, Ana María"}, "Ana María"),
    ('SPLITNAME(a, "last")', {"a": "Van Morrison"}, "Morrison"),
    ('SPLITNAME(a, "last")', {"a": "van Morrison"}, "van Morrison"),
    ('SPLITNAME(a, "last")', {"a": "Cher"}, "Cher"),
    ('SPLITNAME(a, "first")', {"a": "Cher"}, None),
    ("PROPER(a)", {"a": "jean-luc o’NEIL ÉTÉ it's"}, "Jean-Luc O’Neil Été It's"),
    ('PADLEFT(a, 3, "*")', {"a": "abcd"}, "abcd"),
    ("PADLEFT(a, 3)", {}, None),
    ('SPLIT(a, ", ", -1)', {"a": "x, y, z"}, "z"),
    ('SPLIT(a, ", ", 4)', {"a": "x, y, z"}, None),
    ('SPLIT(a, ",", 2)', {"a": "x,,z"}, None),
    ("DIGITS(a)", {"a": "٣ 4²5"}, "45"),
    ('ROUND_MONEY(a, "EUR")', {"a": Decimal("-0.005")}, Decimal("-0.01")),
    ("ROUND_MONEY(a, b)", {"a": Decimal("1.2345"), "b": "bhd"}, Decimal("1.235")),
    ("FLOOR(a)", {"a": Decimal("-0.1")}, Decimal(-1)),
    ("CEILING(a)", {"a": Decimal("-0.9")}, Decimal(0)),
    ("MOD(a, 3)", {"a": 7}, Decimal(1)),
    ("MOD(a, -3)", {"a": 7}, Decimal(-2)),
    ("BLANK(a)", {"a": []}, True),
    ("BLANK(a)", {"a": "x"}, False),
    ("(a + 1) * 2 - a / 4", {"a": 2}, Decimal("5.5")),
    ("-a", {"a": 2}, Decimal(-2)),
    ("1 / 3 * 3 == 1", {}, False),
    ('a == "x"', {"a": "x"}, True),
    ('a != "x"', {}, True),
    ("a == null", {"a": ""}, True),
    ("a < b", {"a": date(2026, 1, 1), "b": date(2026, 1, 2)}, True),
    ("a >= 2", {"a": 2}, True),
    ('"small" if a < 10 else "large"', {"a": 12}, "large"),
    ('"a[]b"', {}, "a[]b"),
]

REFUSED = [
    ("a * 2", {}, "a has no value; give DECIMAL() a second value to use then"),
    ("DECIMAL(a) * 2", {}, "DECIMAL(a) has no value; give DECIMAL() a second value to use then"),
    ("a * 2", {"a": "5"}, "a: '5' is text, not a number; wrap it in DECIMAL()"),
    ("a * 2", {"a": True}, "a: true is true or false, not a number"),
    ("DECIMAL(a) * 2", {"a": "12,50"}, "DECIMAL(a): '12,50' is not a plain decimal number such as 1234.50"),
    ("1 / a", {"a": 0}, "1 / a: division by zero"),
    ("a / a", {"a": 0}, "a / a: division by zero"),
    ("a > 5", {"a": "7"}, "a is text and 5 is a number: convert one with DECIMAL(), TEXT() or DATE()"),
    ('a == "7"', {"a": 7}, """a is a number and "7" is text: convert one with DECIMAL(), TEXT() or DATE()"""),
    ("DECIMAL(a) > 5", {}, "DECIMAL(a) has no value, so it is neither more nor less"),
    ("ROUND(a, 2)", {"a": "1.5"}, "ROUND(a, 2): '1.5' is text, not a number; wrap it in DECIMAL()"),
    ("ROUND(1, a)", {"a": 99}, "ROUND(1, a): 99 is not a whole number up to 20"),
    ("INT(a)", {"a": "12.5"}, "INT(a): '12.5' is not a whole number"),
    ("DAYS(a, b)", {"a": "2026-01-01"}, "DAYS(a, b): '2026-01-01' is not a date; wrap it in DATE()"),
    ("ADD_DAYS(a, 100000)", {"a": date(9999, 1, 1)}, "ADD_DAYS(a, 100000): the date is out of range"),
    (
        "DATE(a, b)",
        {"a": "2026-01-01T00:00:00Z", "b": "Mars/Base"},
        "DATE(a, b): unknown time zone 'Mars/Base'; use an IANA name such as Europe/Berlin",
    ),
    ("UPPER(a)", {"a": {"b": 1}}, "UPPER(a): expected a single value, got an object"),
    ("a.b.c", {"a": "x"}, "a.b.c: a is text, not an object"),
    ("SUM(a[].b)", {"a": {"b": 1}}, "a[].b: expected a list before [], got an object"),
    ("SUM(a[].b)", {"a": [{"b": "x"}]}, "SUM(a[].b): 'x' is not a plain decimal number such as 1234.50"),
    ("LOOKUP(terms, a)", {"a": "X"}, "'X' is not in table 'terms'; add it to the table and replay"),
    ('SUBSTITUTE(a, "x", a)', {"a": "x" * 1000}, "the result is longer than 100000 characters"),
    ("CONCAT(a, a)", {"a": "x" * 60_000}, "CONCAT(a, a): the result is longer than 100000 characters"),
    (
        'MATCHES(a, "x")',
        {"a": "y" * 4001},
        "the text is too long to search, 4001 bytes; take 4000 with LEFT()",
    ),
    ('REGEXREPLACE(a, "y", "")', {"a": "y" * 501}, "the pattern is found more than 500 times"),
    ("ROUND_MONEY(1, a)", {"a": "XXX"}, "ROUND_MONEY(1, a): unknown currency 'XXX'"),
    (
        "WORKDAYS(DATE(a), DATE(a), b)",
        {"a": "2026-01-01", "b": "2026-12-25"},
        "holidays are a list of at most 200",
    ),
    ("SPLITNAME(a, b)", {"a": "x", "b": "middle"}, "'middle' is not a part of a name"),
    ("SUM(a)", {"a": [1] * 5001}, "more than 5000 values"),
    ("ADD_MONTHS(a, 1200)", {"a": date(9999, 1, 1)}, "ADD_MONTHS(a, 1200)"),
    ("MOD(a, 0)", {"a": 1}, "division by zero"),
    ("a", {"a": 0.1}, "a binary float is not exact; the source must give text or Decimal"),
    ("a * 2", {"a": 0.5}, "a: a binary float is not exact"),
    ("a if a else 1", {"a": 0.5}, "a binary float is not exact"),
]


@pytest.mark.parametrize(("formula", "record", "expected"), CASES)
def test_formula_gives(evaluate, formula, record, expected) -> None:
    assert evaluate(formula, **record) == expected


@pytest.mark.parametrize(("formula", "record", "reason"), REFUSED)
def test_formula_refuses_and_says_why(apply, formula, record, reason) -> None:
    with pytest.raises(Unmappable) as caught:
        apply({"x": {"formula": formula}}, record)
    assert reason in caught.value.reason
    assert caught.value.field == "x"


@pytest.mark.parametrize("entry", functions(), ids=lambda entry: entry.written)
def test_example_of_every_function_is_true(evaluate, entry) -> None:
    assert text(evaluate(entry.example)) == entry.gives


def test_every_function_has_an_example() -> None:
    assert {entry.written.partition("(")[0] for entry in functions()} == {*FUNCTIONS, *FORMS}


def test_only_the_chosen_part_is_worked_out(evaluate) -> None:
    assert evaluate('IF(BLANK(a), "none", 1 / a)') == "none"
    assert evaluate("COALESCE(b, 1 / 0)", b="x") == "x"


def test_arithmetic_is_exact_to_fifty_digits(evaluate) -> None:
    assert evaluate(
        "DECIMAL(a) + DECIMAL(b)", a="12345678901234567890123456789012345678", b="0.01"
    ) == Decimal("12345678901234567890123456789012345678.01")
