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

BINARY = "a binary float is not exact; the source must give text or Decimal"

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
    (["trim", "upper", "currency"], " usd ", "USD"),
    ("trim", " a b ", "a b"),
    ("lower", "Acme.EXAMPLE", "acme.example"),
    ("upper", "straße", "STRASSE"),
    ("datetime(Europe/Berlin)", "2026-07-01T10:00:00", datetime(2026, 7, 1, 8, tzinfo=UTC)),
    ("datetime(Europe/Berlin)", "2026-01-01T10:00:00", datetime(2026, 1, 1, 9, tzinfo=UTC)),
    ("datetime(Europe/Berlin)", "2026-07-01T10:00:00Z", datetime(2026, 7, 1, 10, tzinfo=UTC)),
    ("datetime(Europe/Berlin)", "2026-10-25T02:30:00+01:00", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
    ("datetime(Europe/Berlin)", "1769902200123", datetime(2026, 1, 31, 23, 30, 0, 123000, tzinfo=UTC)),
    ("unit", "each", "C62"),
    ("unit", "Ea", "EA"),
    ("unit", "h87", "H87"),
    ("unit", "Square  Metre", "MTK"),
    ("unit", "HOURS", "HUR"),
    ("unit", "box", "XBX"),
    ("money(EUR)", "12.50", {"amount": Decimal("12.50"), "currency": "EUR"}),
    ("money(JPY)", "1200.00", {"amount": Decimal("1200.00"), "currency": "JPY"}),
    ("money(BHD)", Decimal("1.234"), {"amount": Decimal("1.234"), "currency": "BHD"}),
    ("money", {"amount": "12.50", "currency": "usd"}, {"amount": Decimal("12.50"), "currency": "USD"}),
    ("money(USD)", {"amount": 1, "currency": "USD"}, {"amount": Decimal(1), "currency": "USD"}),
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
    ("trim", "  ", "nothing but white space"),
    (
        "datetime(Europe/Berlin)",
        "2026-10-25T02:30:00",
        "'2026-10-25T02:30:00' was shown twice, when clocks were put back in Europe/Berlin; "
        "the source must give it with its offset, such as +01:00",
    ),
    (
        "datetime(Europe/Berlin)",
        "2026-03-29T02:30:00",
        "'2026-03-29T02:30:00' was shown never, when clocks were put forward in Europe/Berlin; "
        "the source must give it with its offset, such as +01:00",
    ),
    ("unit", "m", "unknown unit 'm'; use its UN/ECE Recommendation 20 code, or a table"),
    ("unit", "gallon", "unknown unit 'gallon'; use its UN/ECE Recommendation 20 code, or a table"),
    (
        "money(EUR)",
        "12.505",
        '12.505 has more decimals than EUR, which has 2; round it: ROUND_MONEY(..., "EUR")',
    ),
    ("money(JPY)", "0.5", '0.5 has more decimals than JPY, which has 0; round it: ROUND_MONEY(..., "JPY")'),
    ("money(EUR)", {"amount": 1, "currency": "USD"}, "the amount is in USD, not in EUR"),
    ("money", "12.50", "'12.50' is not an object with amount and currency; name it: money(EUR)"),
    ("money", {"amount": 1}, "unknown currency no value"),
    ("money", {"amount": 0.5, "currency": "EUR"}, BINARY),
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
