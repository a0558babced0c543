"""Orders as a partner told them, documents of ours about them, and what is composed of these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from connectors.edi import composing, tree
from connectors.edi.settings import Settings
from hub.sdk import Composed, ConnectorError, Write
from tests.connectors.edi import made

AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
PROFILE: dict[str, Any] = {
    "our_id": "SELLER",
    "partner_id": "BUYER",
    "our_code": "SELLGS",
    "gs1_prefix": "0614141",
}
STORE = {
    "role": "ST", "name": "Store 17", "qualifier": "92", "code": "0017", "street": "1 Main St",
    "additional_street": "", "city": "Springfield", "subdivision": "IL", "postal_zone": "62701",
    "country": "US",
}  # fmt: skip


class Numbers:
    """Series that count on, and what was drawn of them."""

    def __init__(self) -> None:
        self.last: dict[str, int] = {}

    def __call__(self, series: str) -> int:
        self.last[series] = self.last.get(series, 0) + 1
        return self.last[series]


def settings(**changed: Any) -> Settings:
    """A partner's profile."""
    return Settings(**{**PROFILE, **changed})


def line(number: int = 1, quantity: str = "10", price: str = "9.5", **changed: Any) -> dict[str, Any]:
    """A line of an 850, as read() tells it."""
    told: dict[str, Any] = {
        "line_id": str(number), "line_number": str(number), "quantity": Decimal(quantity),
        "ordered": Decimal(quantity), "unit": "EA", "unit_code": "C62", "unit_price": Decimal(price),
        "told_price": Decimal(price), "basis": "PE", "sku": f"SKU-{number}", "gtin": "",
        "name": f"Widget {number}",
        "ids": [{"qualifier": "UP", "id": "012345678905"}, {"qualifier": "VN", "id": f"SKU-{number}"}],
        "allowances": [], "schedules": [], "sublines": [],
    }  # fmt: skip
    return told | changed


def order(*lines: Mapping[str, Any], **changed: Any) -> dict[str, Any]:
    """An 850, as read() tells it."""
    told: dict[str, Any] = {
        "purchase_order": "0004501", "release": "", "purpose": "00", "type": "SA", "date": "2026-11-20",
        "currency": "USD", "contract": "",
        "references": [
            {"qualifier": "IA", "value": "55501", "text": ""}, {"qualifier": "ZZ", "value": "X", "text": ""},
        ],
        "parties": [STORE, {**STORE, "role": "BT", "name": "Head Office", "code": "0001"}],
        "ship_to": STORE, "store": "", "terms": None, "freight": "", "allowances": [],
        "lines": [*lines] or [line()],
    }  # fmt: skip
    return told | changed


def agreed(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Lines of our order, as the hub presents them."""
    names = ("line_id", "sku", "name", "quantity", "unit_code", "unit_price")
    return [{name: one[name] for name in names} for one in told["lines"]]


def cents(value: Decimal, places: str = "0.01") -> Decimal:
    """Rounded as invoices are: half away from zero."""
    return value.quantize(Decimal(places), ROUND_HALF_UP)


def invoice(
    told: Mapping[str, Any], places: str = "0.01", percent: str = "0", **changed: Any
) -> dict[str, Any]:
    """An invoice of all that was ordered, as the mapping hands it over."""
    lines = [
        {
            "order_line": one["line_id"], "sku": one["sku"], "name": one["name"], "quantity": one["quantity"],
            "unit_code": one["unit_code"], "unit_price": one["unit_price"],
            "amount": cents(one["quantity"] * one["unit_price"], places),
        }
        for one in told["lines"]
    ]  # fmt: skip
    net = sum((one["amount"] for one in lines), Decimal(0))
    tax = cents(net * Decimal(percent) / 100, places)
    record: dict[str, Any] = {
        "number": "INV-1", "date": date(2026, 11, 22), "due_date": date(2026, 12, 22), "terms": "NET30",
        "currency": told["currency"], "lines": lines, "net": net, "total": net + tax,
        "taxes": [{"type": "TX", "percent": Decimal(percent), "amount": tax}],
        "references": {"VN": "SO-1"}, "theirs": [told], "order_lines": agreed(told),
    }  # fmt: skip
    return record | changed


def shipment(told: Mapping[str, Any], **changed: Any) -> dict[str, Any]:
    """A shipment of all that was ordered, as the mapping hands it over."""
    record: dict[str, Any] = {
        "number": "SH-1", "shipped_on": date(2026, 11, 22), "carrier": "UPSN",
        "references": {"CN": "1Z999", "VN": "SO-1"},
        "lines": [{"order_line": one["line_id"], "quantity": one["quantity"]} for one in told["lines"]],
        "packages": [], "theirs": [told], "order_lines": agreed(told),
    }  # fmt: skip
    return record | changed


def response(
    told: Mapping[str, Any], answer: str = "accepted", *lines: Mapping[str, Any], **changed: Any
) -> dict[str, Any]:
    """Our answer to an order, as the mapping hands it over."""
    record: dict[str, Any] = {
        "date": date(2026, 11, 22), "answer": answer, "order_number": "SO-1", "lines": [*lines],
        "theirs": [told], "order_lines": agreed(told),
    }  # fmt: skip
    return record | changed


def write(kind: str, record: Mapping[str, Any], reference: str = "doc-1") -> Write:
    """What the hub wants written."""
    return Write(kind, record, None, reference, f"{reference}:1")


def composed(
    *writes: Write, numbers: Numbers | None = None, **changed: Any
) -> tuple[Sequence[Composed], Mapping[int, ConnectorError]]:
    """Envelopes and refusals for a profile."""
    return composing.compose(settings(**changed), writes, numbers or Numbers(), AT)


def body(kind: str, record: Mapping[str, Any], **changed: Any) -> str:
    """The text of the one interchange that a document becomes."""
    made_, refused = composed(write(kind, record), **changed)
    assert not refused, {place: str(error) for place, error in refused.items()}
    assert len(made_) == 1
    return str(made_[0].fields["body"])


def segments(kind: str, record: Mapping[str, Any], *names: str, **changed: Any) -> list[str]:
    """The segments of a set, of these names where some are given."""
    found = body(kind, record, **changed).split("~")
    inner = found[next(at for at, one in enumerate(found) if one.startswith("ST")) : -3]
    return [one for one in inner if not names or one.split("*")[0] in names]


def refusal(kind: str, record: Mapping[str, Any], **changed: Any) -> str:
    """Why a document is refused. Nothing may have been drawn for it."""
    numbers = Numbers()
    made_, refused = composed(write(kind, record), numbers=numbers, **changed)
    assert not made_
    assert numbers.last == {}
    return str(refused[0])


def trees(text: str) -> list[dict[str, Any]]:
    """The sets of an interchange as trees; every one must be accepted, values that we repeat may be short."""
    found = []
    for one in made.sets(text.encode("latin-1")):
        assert {fault.check for fault in one.faults} <= {"short"}
        assert one.status.value == ("accepted_with_errors" if one.faults else "accepted")
        assert one.walked is not None
        found.append(tree.named(one.walked.root, one.found.marks))
    return found
