"""What the mapping's speed is compared with does the same work: the same results, the same refusals."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from bench import cents, handwritten
from bench.shots import LARGE, deal
from hub.errors import Unmappable
from hub.mapping import Translator, compile_mapping, load
from tests.hub.mapping.small import Known

MAPPING = Path(__file__).parents[2] / "bench" / "mappings" / "deals" / "message.in.yaml"


@pytest.fixture(scope="module")
def translator() -> Translator:
    return compile_mapping(load(MAPPING))


def record():
    return json.loads(deal(20, LARGE, "EID000000000001"))


def changed(path: str, value: object):
    """The deal with one value changed; `...` removes it."""
    made = record()
    *owners, last = path.split(".")
    holder = made
    for step in owners:
        holder = holder[int(step) if step.isdigit() else step]
    if value is ...:
        del holder[last]
    else:
        holder[last] = value
    return made


def test_many_deals_come_out_equal_to_the_last_digit(translator) -> None:
    for given in [record(), *cents.invoices(record(), 50)]:
        assert repr(normal(handwritten.translate(given))) == repr(normal(translator.apply(given, Known())))


def normal(part: object) -> object:
    """Objects in one order; a default of 0 is Decimal(0)."""
    if isinstance(part, dict):
        return {key: normal(part[key]) for key in sorted(part)}
    if isinstance(part, list):
        return [normal(item) for item in part]
    return Decimal(part) if isinstance(part, int) else part


@pytest.mark.parametrize(
    ("path", "value"),
    [
        *((f"items.3.properties.{name}", value) for name in ("quantity", "price")
          for value in (..., None, "", "12,50", "1e3", "NaN", 1.5, " 1", True)),
        *(("items.3.properties.discount", value) for value in ("x", "5%", 2.5)),
        *(("items.3.properties.tax_group", value) for value in (..., None, "", "exempt")),
        ("items.3.properties.sku", ...), ("items.3.properties.name", ""),
        ("items.3.properties.period", "P2Y"),
        ("deal.closed_at", "yesterday"), ("deal.closed_at", ...), ("deal.currency", "XXY"),
        ("deal.terms", "net_45"), ("deal.start", "2026-02-30"),
        ("company.country", "Atlantis"), ("company.name", ""), ("contact.email", ...), ("items", None),
    ],
)  # fmt: skip
def test_what_the_mapping_refuses_is_refused_by_hand_too(translator, path, value) -> None:
    with pytest.raises(Unmappable):
        translator.apply(changed(path, value), Known())
    with pytest.raises(handwritten.Refused):
        handwritten.translate(changed(path, value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("items.3.properties.discount", ...), ("items.3.properties.discount", ""),
        ("items.3.properties.quantity", 3), ("items.3.properties.price", Decimal("1.005")),
        ("items.3.properties.period", None), ("items.3.properties.name", "n" * 80),
        ("deal.po", None), ("deal.start", ""), ("company.vat_id", ...), ("contact.first", None),
        ("deal.closed_at", "2026-02-11T23:30:00Z"), ("deal.currency", " usd"), ("items", []),
    ],
)  # fmt: skip
def test_what_the_mapping_takes_comes_out_equal_by_hand(translator, path, value) -> None:
    given = changed(path, value)
    assert handwritten.translate(given) == translator.apply(given, Known())
