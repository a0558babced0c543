"""Amounts keep their value on the way to Stripe's units and back, or are refused."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.stripe.amounts import exponent, from_minor, to_minor
from hub.sdk import Unmappable


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("12.34", "eur", 1234),
        ("-0.01", "USD", -1),
        ("500", "jpy", 500),
        ("500.00", "JPY", 500),
        ("7", "mga", 7),
        ("1.230", "kwd", 1230),
        ("5", "isk", 500),
        ("5", "ugx", 500),
        ("0", "eur", 0),
    ],
)
def test_amounts_are_whole_numbers_of_the_smallest_unit(amount: str, currency: str, minor: int) -> None:
    assert to_minor(Decimal(amount), currency) == minor
    assert from_minor(minor, currency) == Decimal(amount)


@pytest.mark.parametrize(
    ("amount", "currency"),
    [("0.001", "eur"), ("1.5", "jpy"), ("1.2345", "kwd"), ("1.234", "kwd"), ("1.50", "isk"), ("0.5", "ugx")],
)
def test_what_stripe_cannot_hold_is_refused_and_never_rounded(amount: str, currency: str) -> None:
    with pytest.raises(Unmappable):
        to_minor(Decimal(amount), currency)


@pytest.mark.parametrize("value", [1.5, "12", None, True])
def test_only_exact_numbers_are_amounts(value: object) -> None:
    with pytest.raises(Unmappable):
        to_minor(value, "eur")
    with pytest.raises(Unmappable):
        from_minor(value, "eur")


@given(st.integers(-(10**12), 10**12), st.sampled_from(["eur", "jpy", "usd", "mga", "xof"]))
def test_there_and_back_is_the_same(minor: int, currency: str) -> None:
    assert to_minor(from_minor(minor, currency), currency) == minor
    assert from_minor(minor, currency).as_tuple().exponent == -exponent(currency)
