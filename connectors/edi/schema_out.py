"""The fields that our documents are built of, for mappings: invoices, credit memos, shipments, responses."""

from __future__ import annotations

from collections.abc import Iterator

from hub.sdk import Field, Schema

_LINE = "lines[]."


def _common() -> Iterator[Field]:
    """What all of them have."""
    yield Field("theirs", "list", label="what the partner told us of the order", required=True)
    yield Field("order_lines", "list", label="the lines of our order")
    yield Field("references", "object", label="REF: our values by their qualifiers, such as references.VN")


def _billed() -> Iterator[Field]:
    """What invoices and credit memos have in common."""
    yield from _common()
    yield Field("number", label="BIG02", required=True, max_length=22)
    yield Field("date", "date", label="BIG01", required=True)
    yield Field("currency", label="CUR02, where it is not the partner's", required=True, max_length=3)
    yield Field("cancelled", "bool", label="BIG08 01 instead of 00")
    yield Field("note", label="NTE")
    yield Field("lines", "list", required=True)
    yield Field(f"{_LINE}order_line", label="line_id of the order line; empty: told by sku", max_length=64)
    yield from (Field(f"{_LINE}sku"), Field(f"{_LINE}name", label="PID05"), Field(f"{_LINE}unit_code"))
    yield Field(f"{_LINE}quantity", "decimal", label="IT102", required=True)
    yield Field(f"{_LINE}unit_price", "decimal", label="of one; IT104 is in the order's basis", required=True)
    yield Field(f"{_LINE}amount", "decimal", label="what the line must come to", required=True)
    yield Field(f"{_LINE}charge", label="SAC02, for what was not ordered", max_length=4)
    yield Field("taxes", "list")
    yield Field("taxes[].type", label="TXI01; empty: TX", max_length=2)
    yield from (Field(f"taxes[].{name}", "decimal", required=True) for name in ("percent", "amount"))
    yield Field("net", "decimal", label="without tax")
    yield Field("total", "decimal", label="TDS01", required=True)


def _invoice() -> Iterator[Field]:
    yield from _billed()
    yield Field("due_date", "date", label="ITD06")
    yield Field("terms", label="ITD12")
    yield Field("shipped_on", "date", label="DTM 011")
    yield Field("carrier", label="CAD: SCAC or name")
    yield Field("tracking", label="CAD08, the first one")


def _credit_memo() -> Iterator[Field]:
    yield from _billed()
    yield Field("charge", label="SAC02 of a credit without lines; empty: ZZZZ", max_length=4)


def _shipment() -> Iterator[Field]:
    yield from _common()
    yield Field("number", label="BSN02", required=True, max_length=30)
    yield Field("shipped_on", "date", label="DTM 011", required=True)
    yield Field("expected_on", "date", label="DTM 017")
    yield Field("carrier", label="TD5: SCAC or name")
    yield from _shipped("lines")
    yield Field("packages", "list", label="cartons, where pack says so")
    yield Field("packages[].sscc", label="18 digits; empty: one is made", max_length=20)
    yield Field("packages[].tracking", label="MAN CP", max_length=48)
    yield Field("packages[].weight_kg", "decimal")
    yield from _shipped("packages[].lines")


def _shipped(name: str) -> Iterator[Field]:
    yield Field(name, "list", required=True)
    yield Field(f"{name}[].order_line", label="line_id of the order line; empty: told by sku", max_length=64)
    yield Field(f"{name}[].sku")
    yield Field(f"{name}[].quantity", "decimal", label="SN102", required=True)


def _order_response() -> Iterator[Field]:
    yield from _common()
    yield Field("date", "date", label="BAK09 or BCA10", required=True)
    yield Field("answer", required=True, options=("accepted", "accepted_with_changes", "rejected"))
    yield Field("reason", label="N9 with MSG")
    yield Field("order_number", label="BAK08 or BCA09, our number", max_length=30)
    yield Field("change", label="not empty: it answers a change, as an 865")
    yield Field("change_number", label="BCH05 of that change", max_length=8)
    yield Field("lines", "list")
    yield Field(f"{_LINE}line_id", required=True, max_length=64)
    yield Field(f"{_LINE}answer", label="ACK01", required=True, options=ANSWERS)
    yield Field(f"{_LINE}quantity", "decimal", label="ACK02")
    yield Field(f"{_LINE}unit_price", "decimal", label="CTP03, of one, where it changes")
    yield Field(f"{_LINE}promised_on", "date", label="ACK05")
    yield Field(f"{_LINE}reason", label="N9 with MSG")


ANSWERS = ("accepted", "quantity_changed", "price_changed", "date_changed", "backordered", "rejected")
OUTBOUND = {
    "invoice": _invoice, "credit_memo": _credit_memo, "shipment": _shipment,
    "order_response": _order_response,
}  # fmt: skip


def of(kind: str) -> Schema | None:
    """The fields of a document that we send, None for other kinds. Not complete: references have any name."""
    made = OUTBOUND.get(kind)
    return Schema(tuple(made())) if made else None
