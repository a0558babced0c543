"""A request has the same bytes every time, whatever order its fields were put together in."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from connectors.stripe.encoding import encoded, pairs
from hub.sdk import Unmappable


def test_names_are_sorted_and_nested_in_brackets() -> None:
    form = {
        "metadata": {"o2c_id": "d1", "a": "x y&z"},
        "lines": [{"amount": 5, "tax_amounts": [{"percentage": Decimal("19.0")}]}, {"amount": -5}],
        "auto_advance": False,
        "due_date": None,
    }
    turned = dict(reversed(form.items()))
    assert encoded(form) == encoded(turned)
    assert pairs(form) == [
        ("auto_advance", "false"),
        ("lines[0][amount]", "5"),
        ("lines[0][tax_amounts][0][percentage]", "19.0"),
        ("lines[1][amount]", "-5"),
        ("metadata[a]", "x y&z"),
        ("metadata[o2c_id]", "d1"),
    ]
    assert b"metadata%5Ba%5D=x+y%26z" in encoded(form)


@pytest.mark.parametrize("value", [1.5, object(), b"bytes", Decimal("NaN")])
def test_what_has_no_plain_form_is_refused(value: Any) -> None:
    with pytest.raises(Unmappable):
        encoded({"amount": value})
