from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import NotYet, Unmappable
from hub.mapping.conversions import CONVERSIONS, Table
from hub.mapping.country import CODES, country_code
from hub.mapping.values import Refusal

BERLIN_MIDNIGHT = "2026-01-31T23:30:00Z"

GOOD = [
    ("text", "a", "a"),
    ("text", 12, "12"),
    ("text", Decimal("1E+3"), "1000"),
    ("text", True, "true"),
    ("text", date(2026, 1, 31), "2026-01-31"),
    ("decimal", "1234.50", Decimal("1234.50")),
    ("decimal", "-0.05", Decimal("-0.05")),
    ("decimal", "+7", Decimal(7)),
    ("decimal", 12, Decimal(12)),
    ("decimal", Decimal("3.10"), Decimal("3.10")),
    ("integer", "12", 12),
    ("integer", "-12.0", -12),
    ("integer", Decimal("12.00"), 12),
    ("integer", 7, 7),
    ("bool", "TRUE", True),
    ("bool", "no", False),
    ("bool", "T", True),
    ("bool", "f", False),
    ("bool", 1, True),
    ("bool", "0", False),
    ("bool", False, False),
    ("date", "2026-01-31", date(2026, 1, 31)),
    ("date", BERLIN_MIDNIGHT, date(2026, 1, 31)),
    ("date(Europe/Berlin)", BERLIN_MIDNIGHT, date(2026, 2, 1)),
    ("date(Europe/Berlin)", "2026-01-31T23:30:00", date(2026, 1, 31)),
    ("date", "1769902200000", date(2026, 1, 31)),
    ("date(Europe/Berlin)", "1769902200000", date(2026, 2, 1)),
    ("date", 1769902200000, date(2026, 1, 31)),
    ("date", date(2026, 1, 31), date(2026, 1, 31)),
    ("date", datetime(2026, 1, 31, 23, 30, tzinfo=timezone(-timedelta(hours=2))), date(2026, 2, 1)),
    ("datetime", "2026-01-31T10:00:00+02:00", datetime(2026, 1, 31, 8, tzinfo=UTC)),
    ("datetime", "2026-01-31T10:00:00", datetime(2026, 1, 31, 10, tzinfo=UTC)),
    ("datetime", "1769902200123", datetime(2026, 1, 31, 23, 30, 0, 123000, tzinfo=UTC)),
    ("currency", "eur", "EUR"),
    ("country", "de", "DE"),
    ("country", "Germany", "DE"),
    ("country", "united states of america", "US"),
    ("country", "Côte d'Ivoire", "CI"),
    ("table(terms)", "Net 30", "NET30"),
    ("xref(customer)", "77", "doc-77"),
    ("xref(customer)", 77, "doc-77"),
    ("list", "one", ["one"]),
    ("list", ["one", "two"], ["one", "two"]),
    (["text", "currency"], "usd", "USD"),
]

BAD = [
    ("text", {"a": 1}, "expected a single value, got an object"),
    ("text", ["a"], "expected a single value, got a list"),
    ("decimal", "1,234.50", "'1,234.50' is not a plain decimal number such as 1234.50"),
    ("decimal", "12,50", "'12,50' is not a plain decimal number such as 1234.50"),
    ("decimal", "1e5", "'1e5' is not a plain decimal number such as 1234.50"),
    ("decimal", "NaN", "'NaN' is not a plain decimal number such as 1234.50"),
    ("decimal", " 12", "' 12' is not a plain decimal number such as 1234.50"),
    ("decimal", "1_000", "'1_000' is not a plain decimal number such as 1234.50"),
    ("decimal", "١٢", "'١٢' is not a plain decimal number such as 1234.50"),
    ("decimal", "1.2.3", "'1.2.3' is not a plain decimal number such as 1234.50"),
    ("decimal", ".", "'.' is not a plain decimal number such as 1234.50"),
    ("decimal", True, "true is not a plain decimal number such as 1234.50"),
    ("decimal", Decimal("Infinity"), "Infinity is not a number"),
    ("integer", "12.5", "'12.5' is not a whole number"),
    ("integer", True, "true is not a whole number"),
    ("bool", "maybe", "'maybe' is neither true nor false"),
    ("bool", 2, "2 is neither true nor false"),
    ("date", "31.01.2026", "'31.01.2026' is not a date such as 2026-01-31"),
    ("date", "2026-02-30", "'2026-02-30' is not a date such as 2026-01-31"),
    ("date", "1769902200", "'1769902200' is not a date such as 2026-01-31"),
    ("date", True, "true is not a date such as 2026-01-31"),
    ("datetime", "2026-01-31", "'2026-01-31' is not a date with a time such as 2026-01-31T09:30:00Z"),
    ("datetime", "0001-01-01T00:00:00+23:00", "the date is out of range"),
    ("currency", "XXX", "unknown currency 'XXX'"),
    ("currency", 978, "unknown currency 978"),
    ("country", "Germania", "unknown country 'Germania'; use its ISO 3166-1 code or English name"),
    ("table(terms)", "X", "'X' is not in table 'terms'; add it to the table and replay"),
    ("xref(customer)", True, "true is not an id"),
    ("xref(customer)", {"id": 1}, "an object is not an id"),
]


@pytest.mark.parametrize(("via", "value", "expected"), GOOD)
def test_value_is_converted(convert, via, value, expected) -> None:
    converted = convert(via, value)
    assert converted == expected
    assert type(converted) is type(expected)


@pytest.mark.parametrize(("via", "value", "reason"), BAD)
def test_value_that_does_not_fit_is_refused_with_a_reason(convert, via, value, reason) -> None:
    with pytest.raises(Unmappable) as caught:
        convert(via, value)
    assert caught.value.reason == reason
    assert (caught.value.field, caught.value.mapping) == ("x", "test.record -> message")


@pytest.mark.parametrize("via", [*(name for name, form in CONVERSIONS.items() if form.convert), None])
@pytest.mark.parametrize("value", [1.5, [1.5], {"deep": [{"er": 1.5}]}])
def test_binary_float_is_refused_by_every_conversion(convert, via, value) -> None:
    with pytest.raises(Unmappable):
        convert(via or [], value)


@pytest.mark.parametrize("name", [name for name, form in CONVERSIONS.items() if form.convert])
@pytest.mark.parametrize("nothing", [None, ""])
def test_every_conversion_refuses_no_value(name, nothing) -> None:
    """The quick translator leans on this: it does not test required values before it converts them."""
    convert = CONVERSIONS[name].convert
    assert convert is not None
    with pytest.raises((Refusal, ArithmeticError)):
        convert(nothing)
    with pytest.raises(Refusal):
        Table("t", {})[nothing]


def test_unknown_reference_waits(convert) -> None:
    with pytest.raises(NotYet):
        convert("xref(order)", "1")


def test_refused_value_is_kept_for_the_case(convert) -> None:
    with pytest.raises(Unmappable) as caught:
        convert("currency", "XXX")
    assert caught.value.value == "XXX"


def test_countries_are_those_of_the_standard() -> None:
    assert len(CODES) == 250  # ISO 3166-1 has 249; and XK
    assert all(len(code) == 2 and code.isupper() for code in CODES)
    assert country_code("Bonaire, Sint Eustatius and Saba") == "BQ"
    assert country_code("ZZ") is None


@given(st.decimals(allow_nan=False, allow_infinity=False, places=None).map(lambda d: format(d, "f")))
def test_decimals_survive_exactly(written) -> None:
    convert = CONVERSIONS["decimal"].convert
    assert convert is not None
    assert format(convert(written), "f") == written


@given(st.text(max_size=12))
def test_decimal_takes_plain_notation_and_nothing_else(written) -> None:
    convert = CONVERSIONS["decimal"].convert
    assert convert is not None
    digits = written.removeprefix("-") if written[:1] == "-" else written.removeprefix("+")
    plain = digits.replace(".", "", 1)
    if plain and plain.isascii() and plain.isdigit():
        assert convert(written) == Decimal(written)
    else:
        with pytest.raises(Refusal):
            convert(written)
