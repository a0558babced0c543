"""What is sent of an invoice adds up to the cent before it is sent."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from connectors.stripe.billing import bill, head
from hub.sdk import Rejected, Unmappable, Write

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def line(amount: str, percent: str = "19", category: str = "S", **more: Any) -> dict[str, Any]:
    return {
        "description": "x",
        "amount": Decimal(amount),
        "category": category,
        "percent": Decimal(percent),
        **more,
    }


def tax(taxable: str, amount: str, percent: str = "19", category: str = "S") -> dict[str, Any]:
    return {
        "category": category, "percent": Decimal(percent), "taxable": Decimal(taxable),
        "amount": Decimal(amount), "name": "VAT",
    }  # fmt: skip


def record(lines: list[Any], taxes: list[Any], total: str, currency: str = "eur") -> dict[str, Any]:
    return {
        "customer": "cus_1", "currency": currency, "lines": lines, "taxes": taxes,
        "expected": {"total": Decimal(total)},
    }  # fmt: skip


def test_a_group_rounded_once_is_spread_over_its_lines_exactly() -> None:
    wanted = bill(record([line("0.33"), line("0.33"), line("0.34")], [tax("1.00", "0.19")], "1.19"))
    assert (wanted.total, wanted.tax, wanted.currency) == (119, 19, "eur")
    parts = [one["tax_amounts"][0] for one in wanted.lines]
    assert sum(one["amount"] for one in parts) == 19
    assert [one["taxable_amount"] for one in parts] == [33, 33, 34]
    assert parts[0]["tax_rate_data"] == {"display_name": "VAT", "percentage": Decimal(19), "inclusive": False}
    assert [one["metadata"]["o2c_line"] for one in wanted.lines] == ["1", "2", "3"]


def test_each_rate_goes_to_its_own_lines_and_none_to_lines_without_tax() -> None:
    lines = [line("100"), line("50", "7.0"), line("10", "0", "Z")]
    taxes = [tax("100", "19"), tax("50", "3.50", "7"), tax("10", "0", "0", "Z")]
    wanted = bill(record(lines, taxes, "182.50"))
    assert [[part["amount"] for part in one["tax_amounts"] or ()] for one in wanted.lines] == [
        [1900],
        [350],
        [],
    ]


def test_currencies_without_and_with_three_decimals() -> None:
    assert bill(record([line("500", "10")], [tax("500", "50", "10")], "550", "JPY")).total == 550
    assert bill(record([line("1.230", "0", "Z")], [], "1.230", "kwd")).total == 1230
    with pytest.raises(Unmappable, match="multiple of 10"):
        bill(record([line("1.234", "0", "Z")], [], "1.234", "kwd"))
    with pytest.raises(Unmappable, match="more decimals"):
        bill(record([line("1.5", "0", "Z")], [], "1.5", "jpy"))


def test_a_sum_that_is_not_the_total_is_refused_with_the_arithmetic() -> None:
    with pytest.raises(
        Rejected, match="lines add up to 10000 and the tax to 1900, the invoice is over 12000"
    ):
        bill(record([line("100")], [tax("100", "19")], "120"))
    with pytest.raises(Rejected, match="add up to 10000"):
        bill(record([line("100")], [tax("90", "17.10")], "117.10"))
    with pytest.raises(Rejected, match="credit it instead"):
        bill(record([line("-100")], [tax("-100", "-19")], "-119"))
    with pytest.raises(Rejected, match="this one has 0"):
        bill(record([], [], "0"))


def test_a_credit_line_lowers_the_tax_of_its_group() -> None:
    wanted = bill(record([line("100"), line("-40")], [tax("60", "11.40")], "71.40"))
    assert sum(one["tax_amounts"][0]["amount"] for one in wanted.lines) == 1140


@given(st.lists(st.integers(-(10**7), 10**7), min_size=1, max_size=60), st.integers(0, 10**6))
def test_spread_tax_always_adds_up(amounts: list[int], tax_minor: int) -> None:
    lines = [line(str(Decimal(one).scaleb(-2))) for one in amounts]
    whole, taxed = Decimal(sum(amounts)).scaleb(-2), Decimal(tax_minor).scaleb(-2)
    assume(whole + taxed >= 0)
    wanted = bill(record(lines, [tax(str(whole), str(taxed))], str(whole + taxed)))
    assert sum(one["tax_amounts"][0]["amount"] for one in wanted.lines) == tax_minor


def test_the_draft_is_due_at_the_end_of_its_day_and_is_never_collected_by_itself() -> None:
    write = Write("invoice", {}, None, "doc1", "doc1:1")
    told = {
        **record([line("1")], [], "1"), "due_date": date(2026, 12, 20), "effective_at": "2026-11-20",
        "number": "INV-1", "auto_advance": True, "metadata": {"invoice": "INV-1"},
    }  # fmt: skip
    form = head(told, write, ZoneInfo("Europe/Berlin"), NOW)
    assert datetime.fromtimestamp(form["due_date"], UTC) == datetime(2026, 12, 20, 22, 59, 59, tzinfo=UTC)
    assert datetime.fromtimestamp(form["effective_at"], UTC) == datetime(2026, 11, 19, 23, tzinfo=UTC)
    assert form["auto_advance"] is False
    assert form["metadata"] == {"invoice": "INV-1", "o2c_id": "doc1"}
    assert (form["number"], form["collection_method"]) == ("INV-1", "send_invoice")
    assert {"lines", "taxes", "expected"}.isdisjoint(form)


def test_what_is_due_already_is_due_at_once() -> None:
    write = Write("invoice", {}, None, "doc1", "doc1:1")
    form = head({"due_date": date(2026, 11, 1)}, write, UTC, NOW)
    assert form["days_until_due"] == 0
    assert "due_date" not in form
    with pytest.raises(Unmappable, match="not a date"):
        head({"due_date": "tomorrow"}, write, UTC, NOW)
