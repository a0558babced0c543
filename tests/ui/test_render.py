"""Values on pages read as people write them."""

from __future__ import annotations

from hub.ui import render


def test_an_amount_of_nothing_is_an_amount_and_no_list_of_fields() -> None:
    shown = render.draw("_parts.html")
    assert shown.strip() == ""
    macros = render._ENVIRONMENT.get_template("_parts.html").module
    told = str(macros.shown_value({"amount": "0", "currency": "USD"}))  # type: ignore[attr-defined]  # a macro
    assert "0" in told
    assert "USD" in told
    assert "<dl" not in told
