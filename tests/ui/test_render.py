"""Values on pages read as people write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from hub.ui import render


def test_an_amount_of_nothing_is_an_amount_and_no_list_of_fields() -> None:
    shown = render.draw("_parts.html")
    assert shown.strip() == ""
    macros = render._ENVIRONMENT.get_template("_parts.html").module
    told = str(macros.shown_value({"amount": "0", "currency": "USD"}))  # type: ignore[attr-defined]  # a macro
    assert "0" in told
    assert "USD" in told
    assert "<dl" not in told


def test_stored_values_are_shown_as_people_write_them() -> None:
    macros: Any = render._ENVIRONMENT.get_template("_parts.html").module
    lines = [
        {"unit_price": "980.000000", "quantity": "2.50", "sku": "1.000", "is_test": False, "notes": []},
        {"unit_price": "1.5", "quantity": "10", "sku": "B", "is_test": True, "notes": []},
    ]
    shown = " ".join(re.sub(r"<[^>]+>", " ", str(macros.shown_value(lines))).split())
    assert shown == "Unit price Quantity SKU Is test 980.00 2.5 1.000 no 1.50 10 B yes"
    assert ">24 Dec 2026 14:34</time>" in str(macros.shown_value("2026-12-24T14:34:19.943228Z"))
    assert str(macros.shown_value("2026-12-24T14")).strip() == "2026-12-24T14"


def test_a_case_of_this_moment_is_not_open_for_just_now() -> None:
    macros: Any = render._ENVIRONMENT.get_template("_parts.html").module
    now = datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert str(macros.open_for(now, now)) == "opened just now"
    assert str(macros.open_for(now - timedelta(days=3), now)) == "open for 3 d"
