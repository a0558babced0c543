"""What the buyer writes: 850 purchase orders and 860 changes, segment by segment (reference, section 4.1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal

from sandbox.partner.book import Allowance, Alter, Amendment, Item, Line, Order, Payment
from sandbox.partner.writing import Doc, cents, day, plain

STORES_PER_SDQ = 10
NOTE_LENGTH = 264  # of MSG01


def purchase_order(order: Order, purpose: str = "00", seller: str = "ACME") -> Doc:
    """The 850 of an order. `purpose` is BEG01: 00 original, 01 cancellation, 07 duplicate."""
    lines = [segment for line in order.lines for segment in _line(line.number, line.item)]
    quantity = sum((line.item.quantity for line in order.lines), Decimal(0))
    body = [
        [
            "BEG",
            purpose,
            order.type,
            order.number,
            order.release,
            day(order.on),
            order.contract,
            order.response,
        ],
        *_header(order),
        *_notes(order.notes),
        *_parties(order, seller),
        *lines,
        ["CTT", str(len(order.lines)), plain(quantity)],
    ]
    if order.told_total and all(line.item.price is not None for line in order.lines):
        body.append(["AMT", "TT", plain(order.total)])
    return Doc("850", body, order.number)


def _header(order: Order) -> Iterator[list[str]]:
    if order.currency:
        yield ["CUR", "BY", order.currency]
    for qualifier, value in order.references:
        yield ["REF", qualifier, value]
    yield ["PER", "BD", "Buying office", "TE", "5550100", "EM", "buying@example.com"]
    for one in order.allowances:
        yield _allowance(one, Decimal(0), "")
    if order.payment:
        yield _terms(order.payment)
    for qualifier, on in order.dates.items():
        yield ["DTM", qualifier, day(on)]


def _terms(terms: Payment) -> list[str]:
    if terms.percent is None:
        return ["ITD", "01", "3", "", "", "", "", str(terms.net_days)]
    discount = [plain(terms.percent), "", str(terms.discount_days or 10)]
    return ["ITD", "08", "3", *discount, "", str(terms.net_days)]


def _notes(notes: Sequence[str]) -> Iterator[list[str]]:
    if notes:
        yield ["N9", "L1", "", "NOTES"]
    for note in notes:
        for at in range(0, len(note), NOTE_LENGTH):
            yield ["MSG", note[at : at + NOTE_LENGTH]]


def _parties(order: Order, seller: str) -> Iterator[list[str]]:
    if order.buyer:
        yield ["N1", "BY", "", "92", order.buyer]
    if order.ship_to or order.address:
        name, street, city, state, postal, country = (*order.address, *[""] * 6)[:6]
        code = ["92", order.ship_to] if order.ship_to else []
        yield ["N1", "ST", name, *code]
        if street:
            yield ["N3", street]
        if city:
            yield ["N4", city, state, postal, country]
    yield ["N1", "VN", seller]


def _line(number: str, item: Item) -> Iterator[list[str]]:
    ids = [text for pair in item.ids for text in pair]
    scheduled = [plain(item.quantity), item.unit, plain(item.price), item.basis]
    yield ["PO1", number, *scheduled, *ids]
    if item.text:
        yield ["PID", "F", "08", "", "", item.text]
    if item.pack:
        yield ["PO4", str(item.pack)]
    for one in item.allowances:
        yield _allowance(one, item.quantity, item.unit)
    stores = [text for store, quantity in item.stores.items() for text in (store, plain(quantity))]
    for at in range(0, len(stores), 2 * STORES_PER_SDQ):
        yield ["SDQ", item.unit, "92", *stores[at : at + 2 * STORES_PER_SDQ]]
    for quantity, on in item.schedules:
        yield ["SCH", plain(quantity), item.unit, "", "", "002", day(on)]
    for at, (quantity, qualifier, id) in enumerate(item.parts, 1):
        yield ["SLN", str(at), "", "I", plain(quantity), item.unit, "", "", "", qualifier, id]


def _allowance(one: Allowance, quantity: Decimal, unit: str) -> list[str]:
    percent = ["Z", plain(one.percent)] if one.percent is not None else ["", ""]
    rate = [plain(one.rate), unit, plain(quantity)] if one.rate is not None else ["", "", ""]
    amount = cents(one.amount) if one.amount is not None else ""
    method = "02" if one.kind == "A" else "06"
    return ["SAC", one.kind, one.code, "", "", amount, *percent, *rate, "", method, "", "", one.text]


def change(order: Order, it: Amendment, at: datetime) -> Doc:
    """The 860 of a change: each line with its new quantity and price."""
    head = ["BCH", it.purpose, order.type, order.number, order.release, it.number, day(order.on)]
    body = [[*head, "", "", "", "", day(it.on)]]
    if order.currency:
        body.append(["CUR", "BY", order.currency])
    body.append(["DTM", "097", day(at.date()), f"{at:%H%M}"])
    if order.ship_to:
        body.append(["N1", "ST", "", "92", order.ship_to])
    body += [_altered(order, one) for one in it.alters]
    if it.alters:
        body.append(["CTT", str(len(it.alters))])
    return Doc("860", body, order.number)


def _altered(order: Order, one: Alter) -> list[str]:
    line = next((line for line in order.lines if line.number == one.line), None)
    item = one.item or (line.item if line else None)
    if item is None:
        raise ValueError(f"order {order.number} has no line {one.line}; give an item to add one")
    quantity = item.quantity if one.quantity is None else one.quantity
    left = quantity - (sum(line.shipped.values(), Decimal(0)) if line else Decimal(0))
    price = item.price if one.price is None else one.price
    ids = [text for pair in item.ids for text in pair]
    told = [plain(Decimal(0) if one.code == "DI" else quantity), plain(max(left, Decimal(0))), item.unit]
    return ["POC", one.line, one.code, *told, plain(price), item.basis, *ids]


def as_order(number: str, items: Sequence[Item], on: date, at: datetime) -> Order:
    """An order with running line numbers where items name none."""
    lines = [(str(n) if item.line is None else item.line, item) for n, item in enumerate(items, 1)]
    return Order(number, [Line(line, item) for line, item in lines], on, at)
