"""What the retailer knows of an order, an invoice, an interchange: as its API tells it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox.partner.book import Invoice, Line, Order
from sandbox.partner.hearing import Sent
from sandbox.partner.world import Received, World
from sandbox.partner.writing import plain

ZERO = Decimal(0)


def order(world: World, it: Order) -> dict[str, Any]:
    """Ordered, acknowledged, shipped, invoiced, paid; and everything that was said about it, in order."""
    charged = [one.shown for one in world.chargebacks() if it.number in one.order.split(", ")]
    paid = sum((one.paid for one in it.invoices), ZERO)
    return {
        "number": it.number, "release": it.release, "date": it.on.isoformat(), "cancelled": it.cancelled,
        "acknowledged": [one or "all" for one in it.confirmed], "shipments": it.shipments,
        "lines": [line(one) for one in it.lines],
        "invoices": [invoice(one) for one in it.invoices],
        "ordered": plain(it.total),
        "invoiced": plain(sum((one.total for one in it.invoices), ZERO)),
        "paid": plain(paid),
        "withheld": plain(sum((kept for one in it.invoices for kept, _ in one.withheld), ZERO)),
        "open": plain(sum((one.open for one in it.invoices), ZERO)),
        "changes": [
            {"number": one.number, "purpose": one.purpose, "state": one.state} for one in it.amendments
        ],
        "chargebacks": charged,
        "history": it.history,
    }  # fmt: skip


def line(it: Line) -> dict[str, Any]:
    """One line in quantities."""
    told: dict[str, Decimal] = {}
    for codes in it.told.values():
        for code, quantity in codes.items():
            told[code] = told.get(code, ZERO) + quantity
    return {
        "line": it.number, "ids": [list(pair) for pair in it.item.ids], "unit": it.item.unit,
        "price": plain(it.item.price), "cancelled": it.cancelled,
        "ordered": plain(it.ordered()),
        "acknowledged": {code: plain(quantity) for code, quantity in told.items()},
        "shipped": plain(sum(it.shipped.values(), ZERO)),
        "invoiced": plain(sum(it.invoiced.values(), ZERO)),
        "credited": plain(it.credited),
    }  # fmt: skip


def invoice(it: Invoice) -> dict[str, Any]:
    """One invoice in money."""
    return {
        "number": it.number, "date": it.on, "total": plain(it.total), "credit": it.credit,
        "paid": plain(it.paid), "discount": plain(it.discount),
        "withheld": [{"amount": plain(amount), "reason": reason} for amount, reason in it.withheld],
        "open": plain(it.open),
    }  # fmt: skip


def sent(it: Sent) -> dict[str, Any]:
    """An interchange of ours and what was answered."""
    groups = [
        {
            "code": one.code, "number": one.number, "status": it.statuses.get(one.number, ""),
            "sets": [
                {
                    "set": each.id, "number": each.number, "about": each.about,
                    "status": it.results.get((one.number, each.number), ""),
                }
                for each in one.sets
            ],
        }
        for one in it.groups
    ]  # fmt: skip
    return {
        "number": it.control, "at": it.at.isoformat(timespec="seconds"), "status": it.status, "told": it.told,
        "technical": it.technical, "groups": groups,
    }  # fmt: skip


def received(it: Received) -> dict[str, Any]:
    """An interchange of theirs."""
    return {
        "number": it.number, "at": it.at.isoformat(timespec="seconds"), "via": it.via, "repeats": it.repeats,
        "answer": it.answered.control if it.answered else "", "sets": it.sets,
    }  # fmt: skip
