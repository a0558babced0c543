"""The small world with invoices of an ERP and a bank that tells payments, remittances and statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa

from hub.decide import decide
from hub.model import KINDS
from hub.stages.outcome import Choice
from tests.hub.erp_world import with_erp
from tests.world import World

CASH = ("payment", "remittance", "statement")


@dataclass
class Straight:
    """A mapping that takes records as they are: their fields are the document's."""

    kind: str
    document: Any = field(init=False)

    def __post_init__(self) -> None:
        owns = [name for name in KINDS[self.kind].model_fields if name not in ("id", "state")]
        self.document = SimpleNamespace(owns=owns)

    @property
    def label(self) -> str:
        return f"bank.{self.kind} v1"

    def applies(self, record: Any, lookup: Any) -> bool:
        return True

    def apply(self, record: Any, lookup: Any) -> Mapping[str, Any]:
        return dict(record)


def with_bank(world: World, *customers: str, **matching: Any) -> World:
    """The ERP bills, the bank tells everything; customers exist; `matching` are policies."""
    with_erp(world, issuer="erp")
    hub: Any = world.hub
    inbound: dict[str, Any] = {kind: Straight(kind) for kind in CASH}
    hub.registry.live["bank"] = replace(hub.registry.live["bank"], inbound=inbound)
    policies = hub.store.policies
    rules = policies.matching.model_copy(update=matching)
    hub.store.policies = policies.model_copy(update={"matching": rules})
    world.send("crm", *(world.company(name) for name in customers or ("c1",)))
    world.work()
    return world


def money(amount: str, currency: str = "USD") -> dict[str, str]:
    return {"amount": amount, "currency": currency}


def owe(
    world: World, number: str, total: str, customer: str = "c1", *, work: bool = True, **fields: Any
) -> None:
    """The ERP bills a customer."""
    world.send("erp", invoice(world, number, total, customer, **fields))
    if work:
        world.work()


def invoice(world: World, number: str, total: str, customer: str = "c1", **fields: Any) -> dict[str, Any]:
    """An invoice as the ERP tells of it."""
    there = world.vendors["erp"].records
    name = f"Company {customer}"
    who = next(k for k, r in there.items() if r["kind"] == "customer" and r["name"] == name)
    line = {"sku": "A", "quantity": "1", "price": total, "amount": total}
    record = {
        "number": number, "customer": who, "date": "2026-03-03", "due": "2026-04-02", "lines": [line],
        "net": total, "total": total,
    }  # fmt: skip
    return {"kind": "invoice", "id": f"i-{number}", "record": record | fields}


def credit(world: World, number: str, total: str, customer: str = "c1", **fields: Any) -> None:
    """The ERP credits a customer without saying what for."""
    there = world.vendors["erp"].records
    name = f"Company {customer}"
    who = next(k for k, r in there.items() if r["kind"] == "customer" and r["name"] == name)
    record = {
        "number": number, "customer": who, "date": "2026-03-10", "lines": [], "net": total, "total": total,
        "applied": [],
    }  # fmt: skip
    world.send("erp", {"kind": "credit_memo", "id": f"c-{number}", "record": record | fields})
    world.work()


def line(
    number: str, paid: str | None = None, *adjustments: tuple[str, str], original: str = "",
    discount: str = "", kind: str = "",
) -> dict[str, Any]:  # fmt: skip
    """A document the payer pays."""
    told: dict[str, Any] = {"number": number, "document_type": kind}
    told |= {"paid": money(paid)} if paid is not None else {}
    told |= {"original": money(original)} if original else {}
    told |= {"discount": money(discount)} if discount else {}
    return told | {"adjustments": [{"amount": money(a), "reason": reason} for a, reason in adjustments]}


def pay(
    world: World, id: str, amount: str, *lines: Mapping[str, Any], work: bool = True, **fields: Any
) -> None:
    """Money reaches the bank."""
    record = {"amount": money(amount), "booked_on": "2026-03-20", "documents": list(lines), **fields}
    world.send("bank", {"kind": "payment", "id": id, "record": record})
    if work:
        world.work()


def advise(world: World, id: str, amount: str, *lines: Mapping[str, Any], **fields: Any) -> None:
    """A payer tells of money."""
    record = {"number": id, "amount": money(amount), "paid_on": "2026-03-20", "documents": list(lines)}
    world.send("bank", {"kind": "remittance", "id": id, "record": record | fields})
    world.work()


def state(world: World, id: str, day: str, opening: str, closing: str, **fields: Any) -> None:
    """The bank sends a statement of one day."""
    moved = Decimal(closing) - Decimal(opening)
    record = {
        "account": "DE89370400440532013000", "currency": "EUR", "source_format": "camt.053", "number": id,
        "opening": money(opening, "EUR"), "closing": money(closing, "EUR"), "opened_on": day,
        "closed_on": day, "credits": money(str(max(moved, Decimal(0))), "EUR"),
        "debits": money(str(max(-moved, Decimal(0))), "EUR"), "entries": 1,
    }  # fmt: skip
    world.send("bank", {"kind": "statement", "id": f"st-{id}", "record": record | fields})
    world.work()


def opens(world: World) -> dict[str, str]:
    """What is still owed, per invoice."""
    with world.hub.store.look() as tx:
        rows = tx.conn.execute(sa.text("select id from documents where kind = 'invoice' order by number"))
        invoices: list[Any] = [tx.documents.get(row.id) for row in rows]
        return {one.number: str(tx.reader.open_amount(one)) for one in invoices}


def answer(world: World, reason: str, decision: str, **values: Any) -> None:
    """A person answers the one open case of this reason."""
    [case] = [one for one in world.cases() if one.reason == reason]
    decide(world.hub, case.id, decision, Choice("ada", "", values))
    world.work()


def titles(world: World) -> Sequence[str]:
    return [case.title for case in world.cases()]
