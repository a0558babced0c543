"""Fulfilment: services begin when an order is approved, goods when the ERP reports a shipment."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from uuid import NAMESPACE_URL, uuid5

from hub.model import Order, OrderState, Shipment, ShipmentLine, ShipmentState
from hub.stages.outcome import Case, Choice, Event, Outcome, Reader

_OPEN = (OrderState.APPROVED, OrderState.PART_INVOICED)


def derived_id(parent: str, what: str) -> str:
    """The id of the one document of its sort that follows from another: the same on every replay."""
    return uuid5(NAMESPACE_URL, f"o2c:{parent}:{what}").hex


def request(order: Order, read: Reader) -> Outcome:
    """Confirm the services of an approved order at once; its goods wait for the warehouse."""
    services = [line for line in order.lines if line.delivery == "service"]
    if not services:
        return Outcome()
    shipment = Shipment(
        id=derived_id(order.id, "services"),
        number=f"{order.number}-S",
        order=order.id,
        shipped_on=read.today,
        lines=tuple(ShipmentLine(order_line=x.line_id, sku=x.sku, quantity=x.quantity) for x in services),
    )
    return Outcome(events=[Event("shipment.received", shipment)])


def confirm(shipment: Shipment, read: Reader) -> Outcome:
    """Accept a shipment that fits its order; what does not fit is a question for a human."""
    order = read.get(shipment.order)
    if not isinstance(order, Order):
        return _refused(shipment, f"order {shipment.order} is not known", ())
    read.lock(order.customer)
    order = read.get(shipment.order)
    assert isinstance(order, Order)
    if order.state not in _OPEN:
        return _refused(shipment, f"order {order.number} is {order.state}, not approved", ())
    resolved, strange = _resolve(shipment, order)
    if strange:
        return _refused(shipment, f"order {order.number} has no line for {', '.join(strange)}", strange)
    over = _overshipped(resolved, order, read.shipments_of(order.id))
    if over:
        return _refused(resolved, f"more than order {order.number} asks for: {'; '.join(over)}", over)
    confirmed = resolved.model_copy(update={"state": ShipmentState.CONFIRMED})
    return Outcome(
        events=[Event("shipment.confirmed", confirmed)], closes=[(shipment.id, "shipment_refused")]
    )


def retry(shipment: Shipment, choice: Choice, read: Reader) -> Outcome:
    """A person mended the cause: judge the shipment again."""
    return confirm(shipment, read)


def _resolve(shipment: Shipment, order: Order) -> tuple[Shipment, Sequence[str]]:
    """Find the order line of each shipped line: by line id, else by a sku that only one line has."""
    ids = {line.line_id for line in order.lines}
    by_sku: dict[str, list[str]] = {}
    for line in order.lines:
        by_sku.setdefault(line.sku, []).append(line.line_id)
    lines, strange = [], []
    for sent in shipment.lines:
        candidates = [sent.order_line] if sent.order_line in ids else by_sku.get(sent.sku, [])
        if len(candidates) != 1:
            strange.append(sent.sku or sent.order_line or "a line without a name")
            continue
        lines.append(sent.model_copy(update={"order_line": candidates[0]}))
    return shipment.model_copy(update={"lines": tuple(lines) or shipment.lines}), strange


def _overshipped(shipment: Shipment, order: Order, earlier: Sequence[Shipment]) -> list[str]:
    shipped: dict[str, Decimal] = {}
    for one in (*(s for s in earlier if s.id != shipment.id), shipment):
        for sent in one.lines:
            shipped[sent.order_line] = shipped.get(sent.order_line, Decimal(0)) + sent.quantity
    return [
        f"{line.sku}: ordered {line.quantity}, shipped {shipped[line.line_id]}"
        for line in order.lines
        if shipped.get(line.line_id, Decimal(0)) > line.quantity
    ]


def _refused(shipment: Shipment, why: str, details: Sequence[str]) -> Outcome:
    refused = shipment.model_copy(update={"state": ShipmentState.REFUSED})
    title = f"Shipment {shipment.number or shipment.id} cannot be billed: {why}"
    evidence = {"reason": why, "details": list(details), "order": shipment.order}
    return Outcome(
        events=[Event("shipment.refused", refused)],
        cases=[Case("shipment_refused", title, refused, evidence)],
    )
