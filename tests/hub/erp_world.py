"""The small world with an ERP that tells of its own invoices, credit memos, payments and adjustments."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from hub.connector import Change, Delivery, Kind, Manifest
from hub.decide import decide
from hub.mapping import compile_mapping, loads
from hub.policies import Invoicing
from hub.stages.outcome import Choice
from tests.world import Vendor, World

LINES = """
  lines:
    each: lines
    fields:
      order_line: { from: order_line, optional: true }
      sku: { from: sku }
      quantity: { from: quantity, via: decimal }
      unit_price: { from: price, via: decimal }
      line_extension_amount.amount: { from: amount, via: decimal }
      line_extension_amount.currency: { from: root.currency, default: USD }
      tax_category: { value: S }
      tax_percent: { from: tax, via: decimal, default: 0 }
  tax_exclusive_amount.amount: { from: net, via: decimal }
  tax_exclusive_amount.currency: { from: currency, default: USD }
  payable_amount.amount: { from: total, via: decimal }
  payable_amount.currency: { from: currency, default: USD }
"""
APPLIED = """
  applications:
    each: applied
    fields:
      invoice: { from: invoice, via: xref(invoice) }
      amount.amount: { from: amount, via: decimal }
      amount.currency: { from: currency, default: USD }
      taken.amount: { from: taken, via: decimal, optional: true }
      taken.currency: { from: taken_in, optional: true }
"""
INBOUND = {
    "invoice": f"""
mapping: erp.invoice -> invoice
version: 1
fields:
  number: {{ from: number }}
  order: {{ from: order, via: xref(order), optional: true }}
  customer: {{ from: customer, via: xref(customer) }}
  currency: {{ from: currency, default: USD }}
  seller: {{ from: seller, optional: true }}
  issue_date: {{ from: date, via: date }}
  due_date: {{ from: due, via: date }}
  cancelled_on: {{ from: cancelled, via: date, optional: true }}
{LINES}
owns: [number, order, customer, currency, lines, tax_exclusive_amount, payable_amount, due_date, cancelled_on]
""",
    "credit_memo": f"""
mapping: erp.credit -> credit_memo
version: 1
fields:
  number: {{ from: number }}
  invoice: {{ from: invoice, via: xref(invoice), optional: true }}
  customer: {{ from: customer, via: xref(customer) }}
  currency: {{ from: currency, default: USD }}
  issue_date: {{ from: date, via: date }}
  cancelled_on: {{ from: cancelled, via: date, optional: true }}
{APPLIED}{LINES}
owns: [customer, currency, lines, tax_exclusive_amount, payable_amount, applications, cancelled_on]
""",
    "payment": f"""
mapping: erp.payment -> payment
version: 1
fields:
  number: {{ from: number, optional: true }}
  customer: {{ from: customer, via: xref(customer) }}
  seller: {{ from: seller, optional: true }}
  amount.amount: {{ from: amount, via: decimal }}
  amount.currency: {{ from: currency, default: USD }}
  booked_on: {{ from: date, via: date }}
  cancelled_on: {{ from: cancelled, via: date, optional: true }}
{APPLIED}
owns: [customer, amount, applications, cancelled_on]
""",
    "adjustment": """
mapping: erp.adjustment -> adjustment
version: 1
fields:
  invoice: { from: invoice, via: xref(invoice) }
  amount.amount: { from: amount, via: decimal }
  amount.currency: { from: currency, default: USD }
  reason: { from: reason }
  booked_on: { from: date, via: date }
  cancelled_on: { from: cancelled, via: date, optional: true }
owns: [amount, reason, cancelled_on]
""",
}
OUTBOUND = {
    "credit_memo": """
mapping: credit_memo -> erp.credit
version: 1
fields:
  number: { from: number }
  customer: { from: customer, via: xref(customer) }
  total: { from: payable_amount.amount }
  applied:
    each: allocations
    fields:
      invoice: { from: invoice, via: xref(invoice) }
      amount: { from: amount.amount }
""",
    "adjustment": """
mapping: adjustment -> erp.adjustment
version: 1
fields:
  invoice: { from: invoice_external_id }
  amount: { from: amount.amount }
  reason: { from: reason, via: text }
""",
}


@dataclass
class Erp(Vendor):
    """An ERP: it also knows credit memos and adjustments, and deletes."""

    @property
    def manifest(self) -> Manifest:
        both = Kind(inbound=True, outbound=True, idempotency=self.idempotency)
        return Manifest(
            self.name, self.name, super().manifest.settings,
            {**super().manifest.kinds, "credit_memo": both, "adjustment": both},
        )  # fmt: skip

    def read(self, delivery: Delivery) -> Iterable[Change]:
        for one in json.loads(delivery.body, parse_float=str)["changes"]:
            yield Change(one["kind"], str(one["id"]), one["record"])


def with_erp(world: World, *, issuer: str = "hub", sellers: tuple[str, ...] = (), **routes: Any) -> World:
    """Let the world's ERP tell of its own documents; `issuer` bills."""
    hub: Any = world.hub
    world.vendors["erp"] = Erp("erp")
    known = hub.registry.live["erp"]
    inbound = {kind: compile_mapping(loads(text, name=kind)) for kind, text in INBOUND.items()}
    outbound = {kind: compile_mapping(loads(text, name=kind)) for kind, text in OUTBOUND.items()}
    hub.registry.live["erp"] = replace(
        known, connector=world.vendors["erp"], inbound={**known.inbound, **inbound},
        outbound={**known.outbound, **outbound},
    )  # fmt: skip
    policies = world.hub.store.policies
    world.hub.store.policies = policies.model_copy(
        update={"invoicing": Invoicing(issuer=issuer), "sellers": sellers}
    )
    told = {"credit_memo.issued": ["erp"], "credit_memo.applied": ["erp"], "adjustment.booked": ["erp"]}
    told |= {"invoice.cancelled": ["erp"], "payment.reversed": ["erp"]}
    hub.routes = {**hub.routes, **told, **{event.replace("__", "."): to for event, to in routes.items()}}
    return world


def approved(world: World, id: str = "d1", *, tax: str = "0", **fields: Any) -> str:
    """An approved order over 2 A for 100.00; returns the ERP's id of it."""
    lines = [{"id": 1, "sku": "A", "quantity": "2", "price": "100.00", "tax": tax}]
    world.send("crm", world.company(), world.deal(id, lines=lines, **fields))
    world.work()
    return world.erp_order()


def ship(world: World, order: str, id: str = "s1", quantity: str = "2") -> None:
    world.send("erp", world.shipment(id, order, A=quantity))
    world.work()


def customer_there(world: World) -> str:
    """The ERP's id of the first customer."""
    return next(k for k, r in world.vendors["erp"].records.items() if r["kind"] == "customer")


def tell(world: World, kind: str, id: str, record: Mapping[str, Any] | None) -> None:
    """The ERP tells of one object of its own; None: it is deleted there."""
    world.send("erp", {"kind": kind, "id": id, "record": record})
    world.work()


def bill(
    world: World, order: str = "", *, number: str = "ERP-1", quantity: str = "2", **fields: Any
) -> dict[str, Any]:
    """An invoice as the ERP has it, over so many A at 100.00."""
    net = f"{100 * int(quantity)}.00"
    line = {"sku": "A", "quantity": quantity, "price": "100.00", "amount": net}
    made = {
        "number": number, "customer": customer_there(world), "date": "2026-03-03", "due": "2026-04-02",
        "lines": [line], "net": net, "total": net,
    }  # fmt: skip
    return {**made, **({"order": order} if order else {}), **fields}


def settled(invoice: str, amount: str, **fields: Any) -> dict[str, Any]:
    return {"invoice": invoice, "amount": amount, **fields}


def money_in(world: World, amount: str, *applied: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """A payment as the ERP has it."""
    return {
        "customer": customer_there(world), "amount": amount, "date": "2026-03-20", "applied": list(applied),
        **fields,
    }  # fmt: skip


def credit(world: World, total: str, *applied: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """A credit memo as the ERP has it, without lines."""
    return {
        "number": "ERP-CM-1", "customer": customer_there(world), "date": "2026-03-10", "lines": [],
        "net": total, "total": total, "applied": list(applied), **fields,
    }  # fmt: skip


def answer(world: World, decision: str, note: str = "", **values: Any) -> None:
    """A person answers the one open case."""
    [case] = world.cases()
    decide(world.hub, case.id, decision, Choice("ada", note, values))
    world.work()


def only(world: World, kind: str) -> Any:
    [found] = world.documents(kind)
    return found


def reasons(world: World) -> list[str]:
    return sorted(case.reason for case in world.cases())


def evidence(world: World) -> dict[str, Any]:
    [case] = world.cases()
    return dict(json.loads(case.evidence))


def left(world: World, kind: str = "payment") -> str:
    """What is unapplied of the one payment or credit memo."""
    source = only(world, kind)
    currency = source.amount.currency if kind == "payment" else source.currency
    with world.hub.store.look() as tx:
        return str(tx.reader.unapplied(source.id, currency))


def open_of(world: World, invoice: Any) -> str:
    with world.hub.store.look() as tx:
        return str(tx.reader.open_amount(invoice))


def zero(world: World) -> dict[str, str]:
    """The balances that are not zero."""
    return {account: told for account, told in world.balances().items() if not told.startswith("0.00")}
