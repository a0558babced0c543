"""What functions refuse while a formula is read, and calendar arithmetic against counting day by day."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.mapping.finding import GrammarError
from hub.mapping.functions import FUNCTIONS
from hub.mapping.language import parse_formula

FAULTS = [
    ('MATCHES(a, "(")', "the pattern '(' cannot be read: missing )", "close every ( with )", 11),
    ('MATCHES(a, "[a")', "the pattern '[a' cannot be read: missing ]", "close every [ with ]", 11),
    (
        'MATCHES(a, "(?=a)")',
        "the pattern '(?=a)' cannot be read: invalid perl operator",
        "look-ahead and look-behind are not available; match more and take a group",
        11,
    ),
    (
        r'MATCHES(a, "(a)\\1")',
        r"the pattern '(a)\1' cannot be read: invalid escape sequence",
        r"back-references such as \\1 are not available",
        11,
    ),
    ("MATCHES(a, b)", "a pattern is constant text in quotes", 'write for example "^INV-([0-9]+)$"', 11),
    (
        f'MATCHES(a, "{"x" * 201}")',
        "the pattern is longer than 200 characters",
        "use several fields",
        11,
    ),
    (
        'EXTRACT(a, "(x)", 2)',
        "the pattern has 1 groups in ( ), so 2 is none of them",
        "0 is all that was found, 1 the first group",
        18,
    ),
    (
        'REGEXREPLACE(a, "x", "$1")',
        "'$1' is not a group: the pattern has 0 in ( )",
        "write $$ for a dollar sign",
        21,
    ),
    ('ROUND_MONEY(1, "EURO")', "unknown currency 'EURO'", "use an ISO 4217 code such as EUR", 15),
    ("ROUND(1, 99)", "99 is not a whole number up to 20", "write for example 2", 9),
    ('SPLITNAME(a, "middle")', "'middle' is not a part of a name", 'write "first" or "last"', 13),
    (
        "now()",
        "now is not available: a mapping must give the same answer tomorrow",
        "read a date of the record, such as the day it was won or changed",
        0,
    ),
    (
        " or ".join(['MATCHES(a, "x")'] * 6),
        "more than 5 patterns in one formula",
        "split it over fields",
        95,
    ),
    (
        " + ".join(["SUM(a)"] * 21),
        "more than 20 functions over lists in one formula",
        "split it over fields",
        180,
    ),
]


@pytest.mark.parametrize(("formula", "message", "remedy", "offset"), FAULTS)
def test_constant_that_a_function_cannot_work_with_is_refused(formula, message, remedy, offset) -> None:
    with pytest.raises(GrammarError) as caught:
        parse_formula(formula)
    assert (caught.value.message, caught.value.remedy, caught.value.offset) == (message, remedy, offset)


@pytest.mark.parametrize("pattern", ["((a{100}){100}){100}", "(x{100}){100}", r"\\pL{900}"])
def test_pattern_that_repeats_too_much_is_refused(pattern) -> None:
    with pytest.raises(GrammarError, match="the pattern"):
        parse_formula(f'MATCHES(a, "{pattern}")')


days = st.dates(date(2020, 1, 1), date(2030, 12, 31))
holidays = st.lists(st.dates(date(2025, 12, 1), date(2026, 2, 28)), max_size=12)
near = st.dates(date(2025, 11, 15), date(2026, 3, 15))


def _counted(start: date, count: int, off: list[date]) -> date:
    step = timedelta(days=1 if count > 0 else -1)
    left = abs(count)
    while left:
        start += step
        left -= start.weekday() < 5 and start not in off
    return start


@given(start=near, count=st.integers(-60, 60), off=holidays)
def test_working_days_added_are_those_counted_day_by_day(start, count, off) -> None:
    assert FUNCTIONS["ADD_WORKDAYS"].call(start, count, off) == _counted(start, count, off)


@given(start=near, length=st.integers(0, 90), off=holidays)
def test_working_days_between_are_those_counted_day_by_day(start, length, off) -> None:
    every = [start + timedelta(days=n) for n in range(length + 1)]
    counted = sum(one.weekday() < 5 and one not in off for one in every)
    found = FUNCTIONS["WORKDAYS"].call
    assert found(start, every[-1], off) == counted
    assert found(every[-1], start, off) == (-counted if length else counted)


@given(start=days, months=st.integers(-1_200, 1_200))
def test_months_added_keep_the_day_or_end_the_month(start, months) -> None:
    moved = FUNCTIONS["ADD_MONTHS"].call(start, months)
    assert (moved.year - start.year) * 12 + moved.month - start.month == months
    assert moved.day == start.day or (moved.day < start.day and (moved + timedelta(days=1)).day == 1)
    assert FUNCTIONS["END_OF_MONTH"].call(start, months) >= moved
