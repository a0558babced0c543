"""The retailer's own books: what was ordered, and what was confirmed, shipped and invoiced of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sandbox.partner.writing import rounded

ZERO = Decimal(0)

# Divisor of the price by its basis (PO105); what is not here is a price for one.
BASES: Mapping[str, int] = {
    **dict.fromkeys(("HP", "LC", "TC", "WC", "QH"), 100),
    **dict.fromkeys(("TP", "LM", "TM", "WM", "QS"), 1000),
    **dict.fromkeys(("PD", "LD", "TD"), 12),
}


class Allowance(NamedTuple):
    """A SAC: `kind` A is taken off, C is added. One of amount, percent (5 is 5 %) or rate for each unit."""

    kind: str = "A"
    code: str = "C310"
    amount: Decimal | None = None
    percent: Decimal | None = None
    rate: Decimal | None = None
    text: str = ""

    def of(self, goods: Decimal, quantity: Decimal) -> Decimal:
        """What it changes an amount by; negative for an allowance."""
        if self.amount is not None:
            value = self.amount
        elif self.percent is not None:
            value = goods * self.percent / 100
        else:
            value = (self.rate or ZERO) * quantity
        return -value if self.kind == "A" else value


class Payment(NamedTuple):
    """Terms of payment as in ITD: discount in percent within some days, all due within `net_days`."""

    net_days: int = 30
    percent: Decimal | None = None
    discount_days: int | None = None


@dataclass(frozen=True)
class Item:
    """One line of an order as a buyer thinks of it. `line` is PO101: None for the running number."""

    quantity: Decimal
    price: Decimal | None = None
    unit: str = "EA"
    basis: str = ""
    ids: Sequence[tuple[str, str]] = ()
    line: str | None = None
    text: str = ""
    stores: Mapping[str, Decimal] = field(default_factory=dict)  # SDQ: store to quantity
    schedules: Sequence[tuple[Decimal, date]] = ()  # SCH
    allowances: Sequence[Allowance] = ()
    parts: Sequence[tuple[Decimal, str, str]] = ()  # SLN: quantity in one, qualifier, id
    pack: int | None = None  # PO401

    @property
    def net_price(self) -> Decimal:
        """For one unit, after the line's own allowances."""
        each = (self.price or ZERO) / BASES.get(self.basis, 1)
        if not self.quantity:
            return each
        goods = each * self.quantity
        return each + sum((one.of(goods, self.quantity) for one in self.allowances), ZERO) / self.quantity


@dataclass
class Line:
    """A line of an order and what came of it. `number` is PO101 as sent."""

    number: str
    item: Item
    cancelled: bool = False
    told: dict[str, dict[str, Decimal]] = field(default_factory=dict)  # store -> ACK01 -> quantity
    shipped: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))  # by store
    invoiced: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    credited: Decimal = ZERO

    def ordered(self, store: str = "") -> Decimal:
        """How much, by a store or by all."""
        if self.cancelled:
            return ZERO
        return self.item.stores.get(store, ZERO) if store else self.item.quantity

    def accepted(self, store: str = "") -> Decimal:
        """What the supplier has said will come, by a store or to all."""
        counted = [self.told.get(store, {})] if store else list(self.told.values())
        return sum((q for one in counted for code, q in one.items() if code in ACCEPTING), ZERO)


ACCEPTING = frozenset(("IA", "AC", "AR", "IB", "IC", "IP", "IQ", "IS", "DR", "BP", "IE", "IH", "SP", "AA"))
REFUSING = frozenset(("IR", "ID", "IW", "R1", "R2", "R3", "R4", "R5", "R6"))


class Alter(NamedTuple):
    """One POC of an 860: QD/QI quantity, PC price, DI delete, AI add. `quantity` is the new one."""

    line: str
    code: str
    quantity: Decimal | None = None
    price: Decimal | None = None
    item: Item | None = None


@dataclass
class Amendment:
    """An 860 as sent. `state`: open, accepted, rejected."""

    number: str
    on: date
    purpose: str
    alters: Sequence[Alter]
    state: str = "open"


@dataclass
class Invoice:
    """An 810 as booked. `total` is TDS01, negative for a credit memo."""

    number: str
    on: str
    total: Decimal
    credit: bool
    paid: Decimal = ZERO
    withheld: list[tuple[Decimal, str]] = field(default_factory=list)
    discount: Decimal = ZERO

    @property
    def open(self) -> Decimal:
        """What nobody has paid or taken off yet."""
        return self.total - self.paid - self.discount - sum((one for one, _ in self.withheld), ZERO)


@dataclass
class Order:
    """A purchase order; `number` and `release` are its key."""

    number: str
    lines: list[Line]
    on: date
    sent_at: datetime
    release: str = ""
    type: str = "SA"
    currency: str = ""
    contract: str = ""
    response: str = "AC"  # BEG07
    ship_to: str = ""  # code of N1*ST
    address: Sequence[str] = ()  # name, street, city, state, postal code, country
    buyer: str = ""
    references: Sequence[tuple[str, str]] = ()
    dates: Mapping[str, date] = field(default_factory=dict)
    payment: Payment | None = None
    allowances: Sequence[Allowance] = ()
    notes: Sequence[str] = ()
    told_total: bool = True  # AMT*TT
    cancelled: bool = False
    amendments: list[Amendment] = field(default_factory=list)
    confirmed: list[str] = field(default_factory=list)  # stores, or "" for all
    shipments: list[str] = field(default_factory=list)
    invoices: list[Invoice] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, str]:
        """By what suppliers name it."""
        return self.number, self.release

    @property
    def stores(self) -> set[str]:
        """All stores that SDQ names."""
        return {store for line in self.lines for store in line.item.stores}

    @property
    def total(self) -> Decimal:
        """Of the lines, before header allowances."""
        priced = (one for one in self.lines if not one.cancelled)
        return sum((rounded(line.item.net_price * line.item.quantity) for line in priced), ZERO)

    def line(self, number: str, ids: Sequence[tuple[str, str]]) -> Line | None:
        """The line that a document means: by PO101 where that is unique, else by its ids."""
        by_number = [one for one in self.lines if one.number == number]
        if len(by_number) == 1 and number:
            return by_number[0]
        sent = set(ids)
        matching = [one for one in by_number or self.lines if set(one.item.ids) & sent]
        if number and not by_number:
            return None
        return matching[0] if len(matching) == 1 else None

    def apply(self, change: Amendment) -> None:
        """The supplier has accepted a change."""
        change.state = "accepted"
        if change.purpose == "01":
            self.cancelled = True
            for line in self.lines:
                line.cancelled = True
        for alter in change.alters:
            self._alter(alter)

    def _alter(self, alter: Alter) -> None:
        if alter.code == "AI" and alter.item is not None:
            self.lines.append(Line(alter.line, alter.item))
            return
        line = next((one for one in self.lines if one.number == alter.line), None)
        if line is None:
            return
        if alter.code == "DI":
            line.cancelled = True
        item = line.item
        quantity = item.quantity if alter.quantity is None else alter.quantity
        price = item.price if alter.price is None else alter.price
        line.item = replace(item, quantity=quantity, price=price)


@dataclass
class Book:
    """All orders; every id that may come only once."""

    orders: dict[tuple[str, str], Order] = field(default_factory=dict)
    invoice_numbers: set[str] = field(default_factory=set)
    shipment_ids: set[str] = field(default_factory=set)
    labels: set[str] = field(default_factory=set)

    def order(self, number: str, release: str = "") -> Order | None:
        """The order of exactly this number and release."""
        return self.orders.get((number, release))

    def invoices(self) -> Iterator[tuple[Order, Invoice]]:
        """Every invoice with its order."""
        for order in self.orders.values():
            for one in order.invoices:
                yield order, one

    def invoice(self, number: str) -> tuple[Order, Invoice]:
        """An invoice and its order. Raises KeyError: we have no such invoice."""
        found = next((pair for pair in self.invoices() if pair[1].number == number), None)
        if found is None:
            raise KeyError(f"no invoice {number} has come; there are {sorted(self.invoice_numbers)}")
        return found
