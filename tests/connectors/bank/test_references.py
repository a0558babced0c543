"""References: check digits by country, and what in a text may be taken for a reference."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.bank import references


def test_rf_in_text_is_found_with_and_without_spaces_and_only_once() -> None:
    found = references.found_in(
        ["Payment RF18 5390 0754 7034 thanks", "rf18539007547034", "RF19539007547034"]
    )
    assert [(one.value, one.kind) for one in found] == [("RF18539007547034", "RF")]


def test_qrr_in_text_is_found_in_its_printed_form() -> None:
    found = references.found_in(["Rechnung 21 00000 00003 13947 14300 09017 danke"])
    assert [(one.value, one.kind) for one in found] == [("210000000003139471430009017", "QRR")]


def test_twenty_seven_digits_with_a_wrong_check_digit_are_no_reference() -> None:
    assert references.found_in(["210000000003139471430009018"]) == ()


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        (references.is_fi, "1232", "1233"),
        (references.is_fi, "1234561", "1234562"),
        (references.is_luhn, "79927398713", "79927398710"),
        (references.is_ocr, "12345682", "12345674"),
        (references.is_kid, "2345676", "2345675"),
        (references.is_kid, "12345678903", "12345678904"),
    ],
)
def test_national_check_digits(check: object, right: str, wrong: str) -> None:
    assert callable(check)
    assert check(right) != check(wrong)


def test_normalised_compares_letters_and_digits_only() -> None:
    assert references.normalised("rf18 5390-0754/7034") == "RF18539007547034"
    assert references.known("RF18 5390 0754 7034").kind == "RF"
    assert references.known("4711").kind == "OTHER"


@given(st.text(max_size=60))
def test_any_text_gets_an_answer(words: str) -> None:
    for check in (
        references.is_fi,
        references.is_luhn,
        references.is_ocr,
        references.is_fik,
        references.is_kid,
    ):
        assert check(words) in (True, False)
    assert all(one.value for one in references.found_in([words]))
