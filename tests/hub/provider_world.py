"""The small world with a payment provider: it holds money, and keeps its own account of it to the cent.

What the provider does and what it tells are two things: `untold` waits until a test lets it be told, in any
order and as often as it likes. Objects are told as they are then, as a connector that fetches them does.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from hub.connector import Change, Delivery, Kind, Manifest
from hub.mapping import compile_mapping, loads
from hub.registry import Live
from hub.store import connections
from hub.store.database import clock
from hub.store.tables import INBOX, PENDING
from tests.world import START, Vendor, World

_FACTS = """
  number: { from: id }
  payment: { from: charge, via: xref(payment) }
  amount.amount: { from: amount, via: decimal }
  amount.currency: { from: currency }
  held_by: { value: acme pay }
"""
INBOUND = {
    "payment": """
mapping: acme.charge -> payment
version: 1
fields:
  amount.amount: { from: amount, via: decimal }
  amount.currency: { from: currency }
  booked_on: { from: date, via: date }
  held_by: { value: acme pay }
  method: { value: card }
  fee.amount: { from: fee, via: decimal, optional: true }
  fee.currency: { from: fee_in, optional: true }
  remittance_information: { from: text, via: list, optional: true }
  cancelled_on: { from: failed, via: date, optional: true }
  applications:
    each: paid
    fields:
      invoice: { from: invoice, via: xref(invoice) }
      amount.amount: { from: amount, via: decimal }
      amount.currency: { from: root.currency }
owns: [amount, fee, applications, cancelled_on]
""",
    "refund": f"""
mapping: acme.refund -> refund
version: 1
fields:
{_FACTS}
  booked_on: {{ from: date, via: date }}
  cancelled_on: {{ from: failed, via: date, optional: true }}
owns: [amount, cancelled_on]
""",
    "dispute": f"""
mapping: acme.dispute -> dispute
version: 1
fields:
{_FACTS}
  withdrawn.amount: {{ from: withdrawn, via: decimal, optional: true }}
  withdrawn.currency: {{ formula: 'IF(BLANK(withdrawn), "", currency)', optional: true }}
  fee.amount: {{ from: fee, via: decimal, optional: true }}
  fee.currency: {{ formula: 'IF(BLANK(fee), "", currency)', optional: true }}
  reason: {{ from: reason, optional: true }}
  opened_on: {{ from: date, via: date }}
  outcome: {{ from: outcome }}
owns: [amount, withdrawn, fee, reason, outcome]
""",
    "payout": """
mapping: acme.payout -> payout
version: 1
fields:
  number: { from: id }
  held_by: { value: acme pay }
  amount.amount: { from: amount, via: decimal }
  amount.currency: { from: currency }
  arrives_on: { from: arrives, via: date }
  trace: { from: trace, optional: true }
  descriptor: { from: descriptor, optional: true }
  failed_on: { from: failed, via: date, optional: true }
  items:
    each: items
    fields:
      reference: { from: id }
      type: { from: type }
      document: { from: source, via: xref(payment/refund/dispute/payout), optional: true }
      gross.amount: { from: gross, via: decimal }
      gross.currency: { from: root.currency }
      fee.amount: { from: fee, via: decimal }
      fee.currency: { from: root.currency }
      net.amount: { from: net, via: decimal }
      net.currency: { from: root.currency }
owns: [amount, arrives_on, trace, descriptor, failed_on, items]
""",
}
OUTBOUND = {
    "invoice": """
mapping: invoice -> acme.invoice
version: 1
fields:
  number: { from: number }
  total: { from: payable_amount.amount }
""",
}
BANK_IN = """
mapping: bank.credit -> payment
version: 1
fields:
  amount.amount: { from: amount, via: decimal }
  amount.currency: { from: currency, via: currency, default: USD }
  booked_on: { from: date, via: date }
  trace: { from: trace, optional: true }
  payer.name: { from: payer, optional: true }
  payer.account: { from: account, optional: true }
  account: { from: to, optional: true }
  remittance_information: { from: text, via: list, optional: true }
  cancelled_on: { from: cancelled, via: date, optional: true }
owns: [amount, payer, trace, cancelled_on]
"""
NOTHING = Decimal(0)
COMPANIES = 20  # customers of a year


@dataclass
class Acme(Vendor):
    """It is told of invoices, and tells what became of the money: its events are thin, it is asked again."""

    objects: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)

    def read(self, delivery: Delivery) -> Iterable[Change]:
        for one in json.loads(delivery.body)["changes"]:
            record = self.objects[one["id"]][1]
            yield Change(one["kind"], one["id"], plain(record))

    @property
    def manifest(self) -> Manifest:
        into, out = Kind(inbound=True), Kind(outbound=True, idempotency=self.idempotency)
        kinds = {"payment": into, "refund": into, "dispute": into, "payout": into, "invoice": out}
        return Manifest(self.name, self.name, super().manifest.settings, kinds)


def plain(record: Mapping[str, Any]) -> dict[str, Any]:
    """Without what it has no value for."""
    return {key: value for key, value in record.items() if value not in ("", None)}


@dataclass
class Moved:
    """One movement of the provider's balance, as it would stand in a payout."""

    id: str
    type: str
    source: str
    gross: Decimal
    fee: Decimal
    currency: str = "USD"
    paid_out: bool = False

    @property
    def net(self) -> Decimal:
        return self.gross - self.fee


@dataclass
class Provider:
    """What the provider and the bank know for themselves, worked out from nothing the hub says."""

    world: World
    objects: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    moved: list[Moved] = field(default_factory=list)
    lines: dict[str, dict[str, Any]] = field(default_factory=dict)
    untold: list[tuple[str, str]] = field(default_factory=list)  # (connection, id)
    transit: dict[str, Decimal] = field(default_factory=dict)  # per payout: sent, not seen at the bank
    counted: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def today(self) -> date:
        return self.world.today[0].date()

    def balance(self, currency: str = "USD") -> Decimal:
        return sum((one.net for one in self.moved if one.currency == currency), NOTHING)

    def cash(self) -> Decimal:
        return sum((Decimal(one["amount"]) for one in self.lines.values()), NOTHING)

    def of(self, kind: str) -> list[str]:
        return [id for id, (known, _) in self.objects.items() if known == kind]

    def charge(
        self,
        amount: str,
        *text: str,
        invoice: str = "",
        fee: str = "1.00",
        currency: str = "USD",
        paid: str = "",
    ) -> str:
        record: dict[str, Any] = {
            "amount": amount, "currency": currency, "fee": fee, "fee_in": fee and currency,
            "text": list(text), "date": str(self.today),
        }  # fmt: skip
        record["paid"] = [{"invoice": invoice, "amount": paid or amount}] if invoice else []
        return self._made("payment", record, Decimal(amount), Decimal(fee or 0), currency)

    def fail_charge(self, id: str) -> None:
        record = self._changed(id, failed=str(self.today))
        self._move("payment", id, -Decimal(record["amount"]))

    def refund(self, charge: str, amount: str) -> str:
        return self._made("refund", self._about(charge, amount), -Decimal(amount))

    def fail_refund(self, id: str) -> None:
        self._move("refund", id, Decimal(self._changed(id, failed=str(self.today))["amount"]))

    def dispute(self, charge: str, amount: str, *, fee: str = "15.00", withdrawn: bool = True) -> str:
        record = {**self._about(charge, amount), "outcome": "open", "reason": "fraudulent"}
        record |= {"withdrawn": amount, "fee": fee} if withdrawn else {}
        moved, kept = (-Decimal(amount), Decimal(fee)) if withdrawn else (NOTHING, NOTHING)
        return self._made("dispute", record, moved, kept)

    def win(self, id: str, *, fee_back: bool = False) -> None:
        record = self.objects[id][1]
        fee = Decimal(record["fee"]) if fee_back else NOTHING
        if record.get("withdrawn"):
            self._move("dispute", id, Decimal(record["withdrawn"]), -fee)
        self._changed(id, outcome="won", withdrawn="", **({"fee": "0.00"} if fee_back else {}))

    def lose(self, id: str) -> None:
        record = self.objects[id][1]
        if not record.get("withdrawn"):
            self._move("dispute", id, -Decimal(record["amount"]))
        self._changed(id, outcome="lost", withdrawn=record["amount"])

    def appeal(self, id: str) -> None:
        """It is open again; what was taken stays taken."""
        self._changed(id, outcome="open")

    def charge_fee(self, amount: str) -> None:
        """A fee by itself, of which only the next payout tells."""
        self.moved.append(Moved(self._next("txn"), "fee", "", -Decimal(amount), NOTHING))

    def pay_out(self, *, trace: str = "", currency: str = "USD", **fields: Any) -> str:
        """Everything that was not paid out yet; nothing where that is nothing."""
        due = [
            one
            for one in self.moved
            if not one.paid_out and one.currency == currency and one.type != "payout"
        ]
        amount = sum((one.net for one in due), NOTHING)
        if not amount:
            return ""
        for one in due:
            one.paid_out = True
        items = [
            {"id": x.id, "type": x.type, "source": x.source, "gross": str(x.gross), "fee": str(x.fee),
             "net": str(x.net)}
            for x in due
        ]  # fmt: skip
        record = {
            "amount": str(amount), "currency": currency, "items": items, "trace": trace,
            "descriptor": "ACME PAY PAYOUT", "arrives": str(self.today + timedelta(days=2)), **fields,
        }  # fmt: skip
        id = self._made("payout", record)
        self.moved.append(Moved(id, "payout", id, -amount, NOTHING, currency))
        self.transit[id] = amount
        return id

    def fail_payout(self, id: str) -> None:
        amount = Decimal(self._changed(id, failed=str(self.today))["amount"])
        self._move("failed_payout", id, amount)
        self.transit[id] -= amount

    def at_bank(self, payout: str, *, back: bool = False, **fields: Any) -> str:
        """The bank books a payout, or takes it `back`."""
        record = self.objects[payout][1]
        amount = -Decimal(record["amount"]) if back else Decimal(record["amount"])
        self.transit[payout] -= amount
        told = {"text": ["ACME PAY PAYOUT"], "payer": "ACME PAY INC", "trace": record["trace"], **fields}
        return self.paid_at_bank(str(amount), day=record["arrives"], **told)

    def paid_at_bank(self, amount: str, *, day: str = "", **fields: Any) -> str:
        id = self._next("line")
        self.lines[id] = {"amount": amount, "date": day or str(self.today), **fields}
        self.untold.append(("bank", id))
        return id

    def tell(self, *picked: tuple[str, str]) -> None:
        """The hub hears of these; of everything that is untold where none are named."""
        for connection, id in picked or tuple(self.untold):
            self.world.send(connection, {"kind": self._kind(id), "id": id, "record": self._plain(id)})
            if (connection, id) in self.untold:
                self.untold.remove((connection, id))
        self.settle()

    def tell_at_once(self, chance: random.Random) -> None:
        """Everything that is untold in one delivery per system, some of it twice."""
        told, self.untold = list(dict.fromkeys(self.untold)), []
        for system in ("bank", "acme"):
            changes = [
                {"kind": self._kind(id), "id": id, "record": self._plain(id)}
                for connection, id in told
                if connection == system
            ]
            if changes:
                self.world.send(system, *changes)
                self.world.send(system, *chance.sample(changes, len(changes) // 4 + 1))
        self.settle()

    def settle(self) -> None:
        """Let everything be tried again until nothing waits for anything."""
        for _ in range(6):
            self.world.work()
            with self.world.hub.store.begin() as tx:
                now = {"next_at": clock() - 1, "lease_until": 0.0}
                if not tx.conn.execute(INBOX.update().where(INBOX.c.state == PENDING).values(now)).rowcount:
                    return

    def _kind(self, id: str) -> str:
        return self.objects[id][0] if id in self.objects else "payment"

    def _plain(self, id: str) -> dict[str, Any]:
        return plain(self.objects[id][1] if id in self.objects else self.lines[id])

    def _about(self, charge: str, amount: str) -> dict[str, Any]:
        currency = self.objects[charge][1]["currency"]
        return {"charge": charge, "amount": amount, "currency": currency, "date": str(self.today)}

    def _made(
        self, kind: str, record: dict[str, Any], gross: Decimal = NOTHING, fee: Decimal = NOTHING,
        currency: str = "USD",
    ) -> str:  # fmt: skip
        id = self._next(kind)
        self.objects[id] = (kind, {"id": id, **record})
        if gross or fee:
            self._move(kind, id, gross, fee, record.get("currency", currency))
        self.untold.append(("acme", id))
        return id

    def _changed(self, id: str, **fields: Any) -> dict[str, Any]:
        self.objects[id][1].update(fields)
        self.untold.append(("acme", id))
        return self.objects[id][1]

    def _move(
        self, kind: str, source: str, gross: Decimal, fee: Decimal = NOTHING, currency: str = ""
    ) -> None:
        currency = currency or self.objects[source][1]["currency"]
        self.moved.append(Moved(self._next("txn"), kind, source, gross, fee, currency))

    def _next(self, what: str) -> str:
        return f"{what}_{next(self.counted)}"


def with_provider(world: World, **routes: Iterable[str]) -> Provider:
    """Let the world have a provider called acme, which gets our invoices, and a bank that tells more."""
    hub: Any = world.hub
    world.vendors["acme"] = vendor = Acme("acme")
    inbound = {kind: compile_mapping(loads(text, name=kind)) for kind, text in INBOUND.items()}
    outbound = {kind: compile_mapping(loads(text, name=kind)) for kind, text in OUTBOUND.items()}
    hub.registry.live["acme"] = Live("acme", vendor, inbound, outbound, 1, 0.0, True)
    bank = hub.registry.live["bank"]
    told = {"payment": compile_mapping(loads(BANK_IN, name="bank"))}
    hub.registry.live["bank"] = replace(bank, inbound={**bank.inbound, **told})
    hub.routes = {
        **hub.routes, "invoice.issued": ["erp", "acme"],
        **{event.replace("__", "."): list(to) for event, to in routes.items()},
    }  # fmt: skip
    with hub.store.begin() as tx:
        connections.save(hub.store.database, tx.conn, "acme", "acme", {}, poll_seconds=0, now=START)
    return Provider(world, vendor.objects)


def billed(world: World, *prices: str, company: str = "c1") -> list[str]:
    """So many invoices over these amounts; the provider's ids of them."""
    known = {id for id, one in world.vendors["acme"].records.items() if one["kind"] == "invoice"}
    world.send("crm", world.company(company, limit="9999999"))
    for price in prices:
        world.events += 1
        lines = [{"id": 1, "sku": "A", "quantity": "1", "price": price, "delivery": "service"}]
        world.send("crm", world.deal(f"deal-{world.events}", lines=lines, company=company))
        world.work()
    return [
        id
        for id, one in world.vendors["acme"].records.items()
        if one["kind"] == "invoice" and id not in known
    ]


def billed_at_once(world: World, prices: Iterable[str]) -> list[tuple[str, str, Decimal]]:
    """Invoices over these amounts: the provider's id, the number and the amount of each."""
    known = set(world.vendors["acme"].records)
    if not known:
        world.send("crm", *(world.company(f"c{n}", limit="99999999") for n in range(COMPANIES)))
    deals = []
    for price in prices:
        world.events += 1
        lines = [{"id": 1, "sku": "A", "quantity": "1", "price": price, "delivery": "service"}]
        deals.append(world.deal(f"deal-{world.events}", lines=lines, company=f"c{world.events % COMPANIES}"))
    world.send("crm", *deals)
    world.work(50)
    return [
        (id, one["number"], Decimal(str(one["total"])))
        for id, one in world.vendors["acme"].records.items()
        if id not in known
    ]


def in_books(world: World) -> Mapping[str, Decimal]:
    """Balances of the ledger in USD."""
    with world.hub.store.look() as tx:
        return {account: money.amount for account, money in tx.books.balances() if money.currency == "USD"}


def assert_ties_out(provider: Provider) -> None:
    """What the provider and the bank say of themselves is what the ledger says of them."""
    books = in_books(provider.world)
    assert books.get("held", NOTHING) == provider.balance()
    assert books.get("cash", NOTHING) == provider.cash()
    assert books.get("transit", NOTHING) == sum(provider.transit.values(), NOTHING)


def one(world: World, kind: str, number: str = "") -> Any:
    [found] = [x for x in world.documents(kind) if not number or x.number == number]
    return found
