"""Shipments: what left the warehouse, or which services began."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from pydantic import Field

from hub.model.states import ShipmentState
from hub.model.values import Document, Exact, Value


class ShipmentLine(Value):
    """UBL DespatchLine: a quantity of one order line."""

    order_line: str = Field(
        description="line_id of the order line; empty: found by sku", default="", max_length=64
    )
    sku: str = Field(default="", description="UBL SellersItemIdentification", max_length=100)
    quantity: Exact = Field(gt=0, description="UBL DeliveredQuantity")


class Package(Value):
    """One parcel, carton or pallet (UBL TransportHandlingUnit) and what is in it."""

    sscc: str = Field(default="", description="its serial shipping container code, 18 digits", max_length=20)
    tracking: str = Field(default="", max_length=100)
    weight_kg: Exact | None = Field(default=None, description="gross weight in kilograms")
    lines: tuple[ShipmentLine, ...] = Field(default=(), max_length=2_000)


class Shipment(Document):
    """Goods despatched or services begun for one order (UBL DespatchAdvice)."""

    kind: ClassVar[str] = "shipment"
    number: str = Field(default="", description="UBL ID", max_length=60)
    order: str = Field(description="document id of the order", min_length=1)
    shipped_on: date = Field(description="UBL ActualDespatchDate, a business date")
    tracking: str = Field(default="", description="UBL TrackingID", max_length=200)
    carrier: str = Field(default="", description="SCAC or name of the carrier", max_length=60)
    packages: tuple[Package, ...] = Field(
        default=(), description="how the lines are packed, where told", max_length=2_000
    )
    lines: tuple[ShipmentLine, ...] = Field(min_length=1, max_length=2_000)
    state: ShipmentState = ShipmentState.RECEIVED
