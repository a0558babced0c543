"""A small world for tests of the hub: a real store, two scripted systems, and mappings in one page."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel

from hub import process
from hub.connector import Change, Delivery, Health, Idempotency, Kind, Limits, Manifest, Schema, Write
from hub.engine import Bounds, Hub
from hub.errors import AuthFailed, Invalid, Transient
from hub.mapping import Translator, compile_mapping, loads
from hub.pace import Pace
from hub.policies import load_policies
from hub.registry import Live
from hub.store import connections, queue
from hub.store.database import Database, clock
from hub.store.migrate import upgrade
from hub.store.tables import INBOX, XREF
from hub.store.tx import Store
from tests import templates

ROOT = Path(__file__).parent.parent
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ROUTES = {
    "customer.received": ["erp"],
    "customer.changed": ["erp"],
    "order.held": ["crm"],
    "order.approved": ["erp", "crm"],
    "order.part_invoiced": ["crm"],
    "order.invoiced": ["crm"],
    "order.progressed": ["crm"],
    "order.closed": ["crm"],
    "order.recalled": ["erp", "crm"],
    "invoice.overdue": [],
    "invoice.issued": ["erp"],
    "payment.applied": ["erp"],
    "message.received": ["erp"],
    "message.changed": ["erp"],
}
MAPPINGS = {
    ("crm", "customer", "in"): """
mapping: crm.company -> customer
version: 1
fields:
  name: { from: name }
  credit_limit.amount: { from: limit, via: decimal, optional: true }
  credit_limit.currency: { formula: 'IF(BLANK(limit), "", "USD")', optional: true }
owns: [name, credit_limit]
""",
    ("crm", "order", "in"): """
mapping: crm.deal -> order
version: 1
when: won
fields:
  customer: { from: company, via: xref(customer) }
  currency: { from: currency, via: currency, default: USD }
  purchase_order: { from: po, optional: true }
  title: { from: title, optional: true }
  declared_amount.amount: { from: amount, via: decimal, optional: true }
  declared_amount.currency: { formula: 'IF(BLANK(amount), "", "USD")', optional: true }
  lines:
    each: lines
    fields:
      line_id: { from: id, via: text }
      sku: { from: sku }
      quantity: { from: quantity, via: decimal }
      unit_price: { from: price, via: decimal }
      tax_percent: { from: tax, via: decimal, default: 0 }
      delivery: { from: delivery, default: goods }
owns: [customer, currency, purchase_order, title, lines]
""",
    ("crm", "message", "in"): """
mapping: crm.note -> message
version: 1
fields:
  topic: { from: topic }
  body.text: { from: text }
owns: [topic, body]
""",
    ("crm", "order", "out"): """
mapping: order -> crm.deal
version: 1
fields:
  status: { from: state, via: text }
  number: { from: number }
  invoices: { from: progress.invoice_numbers, optional: true }
  payment_status: { from: progress.payment_status }
  open: { from: progress.open.amount }
""",
    (
        "erp",
        "customer",
        "out",
    ): "mapping: customer -> erp.customer\nversion: 1\nfields:\n  name: { from: name }\n",
    (
        "erp",
        "message",
        "out",
    ): "mapping: message -> erp.note\nversion: 1\nfields:\n  text: { from: body.text }\n",
    ("erp", "order", "out"): """
mapping: order -> erp.salesOrder
version: 1
fields:
  customer: { from: customer, via: xref(customer) }
  number: { from: number }
  total: { from: payable_amount.amount }
""",
    ("erp", "invoice", "out"): """
mapping: invoice -> erp.invoice
version: 1
fields:
  order: { from: order, via: xref(order) }
  number: { from: number }
  total: { from: payable_amount.amount }
""",
    ("erp", "payment", "out"): """
mapping: payment -> erp.payment
version: 1
fields:
  amount: { from: amount.amount }
  applied:
    each: allocations
    fields:
      invoice: { from: invoice, via: xref(invoice) }
      amount: { from: amount.amount }
""",
    ("erp", "shipment", "in"): """
mapping: erp.fulfilment -> shipment
version: 1
fields:
  order: { from: order, via: xref(order) }
  shipped_on: { from: date, via: date }
  lines:
    each: lines
    fields:
      sku: { from: sku }
      quantity: { from: quantity, via: decimal }
owns: [lines]
""",
    ("bank", "payment", "in"): """
mapping: bank.credit -> payment
version: 1
fields:
  amount.amount: { from: amount, via: decimal }
  amount.currency: { from: currency, via: currency, default: USD }
  booked_on: { from: date, via: date }
  payer.name: { from: payer, optional: true }
  payer.account: { from: account, optional: true }
  remittance_information: { from: text, via: list, optional: true }
owns: [amount, payer]
""",
}


class NoSettings(BaseModel):
    """Scripted systems have none."""


@dataclass
class Vendor:
    """A scripted system: its source reads JSON bodies, its sink keeps records and fails as told."""

    name: str
    idempotency: Idempotency = Idempotency.LOOKUP
    quiesce: float = 0.0
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    writes: list[Write] = field(default_factory=list)
    faults: list[Exception | str] = field(default_factory=list)
    finds: int = 0
    on_read: Callable[[], None] = lambda: None

    @property
    def manifest(self) -> Manifest:
        both = Kind(inbound=True, outbound=True, idempotency=self.idempotency, quiesce=self.quiesce)
        kinds = dict.fromkeys(("customer", "order", "invoice", "payment", "shipment", "message"), both)
        return Manifest(self.name, self.name, NoSettings, kinds, limits=Limits(concurrency=8))

    def check(self) -> Health:
        return Health(True, "scripted")

    def schema(self, kind: str) -> Schema:
        return Schema(())

    def verify(self, delivery: Delivery) -> Sequence[str]:
        if delivery.headers.get("x-signature") == "forged":
            raise AuthFailed("bad signature")
        return [str(json.loads(delivery.body)["event"])]

    def read(self, delivery: Delivery) -> Iterable[Change]:
        self.on_read()
        for one in json.loads(delivery.body, parse_float=str)["changes"]:
            revision = START + timedelta(seconds=one["revision"]) if "revision" in one else None
            yield Change(one["kind"], str(one["id"]), one["record"], revision)

    def push(self, write: Write) -> str:
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, Exception):
            raise fault
        self.writes.append(write)
        if write.external_id is not None:
            self.records.setdefault(write.external_id, {}).update(write.record)
            external_id = write.external_id
        elif self.idempotency is Idempotency.NATIVE and (known := self.find(write.kind, write.reference)):
            self.records[known] |= {**write.record}
            external_id = known
        else:
            external_id = f"{self.name}-{len(self.records) + 1}"
            self.records[external_id] = {**write.record, "kind": write.kind, "reference": write.reference}
        if fault == "lost_reply":
            raise Transient("no answer: ReadTimeout", code="no_answer")
        return external_id

    def find(self, kind: str, reference: str) -> str | None:
        self.finds += 1
        found = [k for k, r in self.records.items() if (r["kind"], r["reference"]) == (kind, reference)]
        return found[0] if found else None

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [record for record in self.records.values() if record.get("kind") == kind]


@dataclass
class FixedRegistry:
    """The scripted systems as live connections."""

    live: dict[str, Live]

    def get(self, name: str) -> Live:
        if name not in self.live:
            raise Invalid(f"there is no connection called {name!r}", field="connection")
        return self.live[name]

    def all(self) -> Mapping[str, Live]:
        return self.live


@dataclass
class World:
    """A hub on a fresh database with a CRM, an ERP and a bank, worked by hand, one step at a time."""

    hub: Hub
    vendors: dict[str, Vendor]
    today: list[datetime]
    events: int = 0

    def send(self, connection: str, *changes: dict[str, Any], event: str = "", headers: Any = None) -> str:
        """A delivery reaches the hub; returns what became of it."""
        self.events += 1
        body = {"event": event or f"e{self.events}", "changes": list(changes)}
        delivery = Delivery(
            headers or {}, json.dumps(body).encode(), f"http://test/{connection}", self.today[0]
        )
        return str(self.hub.accept([self.hub.receive(connection, delivery)])[0])

    def work(self, rounds: int = 12) -> None:
        """Process and deliver until nothing is due. Retries are made due at once."""
        for _ in range(rounds):
            busy = self.hub.process()
            for name in self.vendors:
                busy += self.hub.deliver(name)
            if not busy:
                return

    def hurry(self) -> None:
        """Let every backoff, lease and pause pass."""
        with self.hub.store.begin() as tx:
            for table in (INBOX, XREF):
                tx.conn.execute(table.update().values(next_at=clock() - 1, lease_until=0.0))
            for name in self.vendors:
                connections.resume(tx.conn, name)

    def company(self, id: str = "c1", **fields: Any) -> dict[str, Any]:
        return {"kind": "customer", "id": id, "record": {"name": f"Company {id}", **fields}}

    def deal(
        self, id: str = "d1", *, lines: Any = None, revision: int | None = None, **fields: Any
    ) -> dict[str, Any]:
        default = [{"id": 1, "sku": "A", "quantity": "2", "price": "100.00"}]
        record = {"won": True, "company": "c1", "lines": default if lines is None else lines, **fields}
        change = {"kind": "order", "id": id, "record": record}
        return change if revision is None else {**change, "revision": revision}

    def shipment(self, id: str, order: str, **quantities: str) -> dict[str, Any]:
        lines = [{"sku": sku, "quantity": quantity} for sku, quantity in quantities.items()]
        return {
            "kind": "shipment",
            "id": id,
            "record": {"order": order, "date": "2026-03-03", "lines": lines},
        }

    def credit(self, id: str, amount: str, *text: str, **fields: Any) -> dict[str, Any]:
        record = {"amount": amount, "date": "2026-03-20", "text": list(text), **fields}
        return {"kind": "payment", "id": id, "record": record}

    def documents(self, kind: str) -> list[Any]:
        with self.hub.store.look() as tx:
            rows = tx.conn.execute(
                sa.text("select id from documents where kind = :k order by id"), {"k": kind}
            )
            return [tx.documents.get(row.id) for row in rows]

    def cases(self, state: str = "open") -> list[Any]:
        with self.hub.store.look() as tx:
            return list(
                tx.conn.execute(sa.text("select * from cases where state = :s order by id"), {"s": state})
            )

    def rows(self, table: str) -> list[Any]:
        with self.hub.store.look() as tx:
            return list(tx.conn.execute(sa.text(f"select * from {table}")))

    def balances(self) -> dict[str, str]:
        with self.hub.store.look() as tx:
            return {account: str(money) for account, money in tx.books.balances()}

    def erp_order(self) -> str:
        """The ERP's id of its newest sales order."""
        return [k for k, r in self.vendors["erp"].records.items() if r["kind"] == "order"][-1]


@cache
def _translators() -> Mapping[tuple[str, str, str], Translator]:
    return {key: compile_mapping(loads(text, name="/".join(key))) for key, text in MAPPINGS.items()}


def make_world(database_url: str, **erp: Any) -> World:
    """A fresh world on a migrated database."""
    templates.fill(database_url)
    upgrade(database_url)
    today = [START]
    store = Store(
        Database(database_url),
        now=lambda: today[0],
        policies=load_policies(ROOT / "config" / "policies.yaml"),
    )
    vendors = {"crm": Vendor("crm"), "erp": Vendor("erp", **erp), "bank": Vendor("bank")}
    translators = _translators()
    live = {
        name: Live(
            name, vendor,
            {kind: t for (v, kind, way), t in translators.items() if v == name and way == "in"},
            {kind: t for (v, kind, way), t in translators.items() if v == name and way == "out"},
            1, 0.0, True,
        )
        for name, vendor in vendors.items()
    }  # fmt: skip
    with store.begin() as tx:
        for name in vendors:
            connections.save(store.database, tx.conn, name, name, {}, poll_seconds=0, now=tx.now)
    bounds, pace = Bounds(lease=30.0, call=1.0, attempts_max=6), Pace(rest_max=0.0)
    hub = Hub(store, FixedRegistry(live), ROUTES, bounds, pace=pace)
    assert set(ROUTES) <= set(process.REACTIONS)
    return World(hub, vendors, today)


__all__ = ["START", "World", "make_world", "queue"]
