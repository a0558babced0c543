"""Is an 810 right: what was shipped, at the ordered price, adding up (reference, sections 4.3 to 4.5)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from sandbox.partner import reading
from sandbox.partner.book import BASES, Book, Invoice, Line, Order
from sandbox.partner.reading import Block, number
from sandbox.partner.rules import Terms
from sandbox.partner.syntax import is_date
from sandbox.partner.writing import CENT, plain, rounded
from sandbox.partner.x12 import Found, Segment, SetIn

ZERO = Decimal(0)
TAX_CODES = frozenset(("H740", "H750", "H770", "H780", "H800", "H810", "H850"))  # SAC02 that are taxes
CREDITS = frozenset(("CR",))
COUNTED_METHODS = frozenset(("", "02", "06"))  # SAC12: what changes the invoice's total


class Sums(NamedTuple):
    """What an 810 adds up to. `exact` is not rounded by line."""

    lines: Decimal
    exact: Decimal
    extras: Decimal  # allowances and charges that are no tax
    tax: Decimal

    def total(self, terms: Terms) -> Decimal:
        """The total by the agreed rounding."""
        goods = self.lines if terms.rounding == "line" else self.exact
        return rounded(goods + self.extras + self.tax)


def of(it: SetIn, book: Book) -> tuple[Order | None, Segment]:
    """The order that an 810 is about, and its BIG."""
    head = it.first("BIG")
    return book.order(head.at(4), head.at(5)), head


def check(it: SetIn, book: Book, terms: Terms) -> list[Found]:
    """Everything that is wrong with an 810."""
    order, head = of(it, book)
    lines = reading.blocks(it.segments, "IT1")
    found = [*_total(it, lines, terms), *_tax(it, terms), *_discount(it)]
    if head.at(2) in book.invoice_numbers:
        found.append(Found("invoice-repeated", f"invoice {head.at(2)} came before"))
    found += reading.counted(it.segments, len(lines))
    if order is None:
        return [*found, reading.unknown(head.at(4), head.at(5))]
    credit, code = head.at(7) in CREDITS, reading.ship_to(it.segments)
    found += reading.dated(order, head.at(3))
    found += reading.place(order, code)
    found += reading.references(order, it.segments, terms.echo)
    found += _money(it, order)
    store = reading.store_of(order, code)
    known = [(block, order.line(block.head.at(1), block.head.pairs(6))) for block in lines]
    negative = credit and terms.credit_sign == "negative"
    for block, line in known:
        found += _line(block, line, order, -1 if negative else 1)
    pairs = [(block, line) for block, line in known if line is not None]
    if credit:
        return [*found, *_credited(it, pairs, order)]
    found += _prices(it, pairs, order)
    found += _terms(it, order)
    if terms.notice and not order.shipments:
        found.append(Found("invoice-early", f"{order.number} is invoiced and no ship notice came"))
    return [*found, *_invoiced(pairs, store, terms)]


def _extension(block: Block) -> Decimal:
    head = block.head
    return number(head.at(2)) * number(head.at(4)) / BASES.get(head.at(5), 1)


def _signed(sac: Segment) -> Decimal:
    """What a SAC changes the total by; 0 where it does not."""
    if sac.at(12) not in COUNTED_METHODS or sac.at(1) not in ("A", "C"):
        return ZERO
    value = number(sac.at(5)) / 100
    return -value if sac.at(1) == "A" else value


def sums(it: SetIn, lines: Sequence[Block]) -> Sums:
    """Everything added up."""
    exact = sum((_extension(one) for one in lines), ZERO)
    each = sum((rounded(_extension(one)) for one in lines), ZERO)
    extras = [one for one in it.segments if one.id == "SAC"]
    taxes = sum((_signed(one) for one in extras if one.at(2) in TAX_CODES), ZERO)
    taxes += sum((number(one.at(2)) for one in it.segments if one.id == "TXI"), ZERO)
    other = sum((_signed(one) for one in extras if one.at(2) not in TAX_CODES), ZERO)
    return Sums(each, exact, other, taxes)


def _total(it: SetIn, lines: Sequence[Block], terms: Terms) -> Iterator[Found]:
    told, wanted = number(it.first("TDS").at(1)) / 100, sums(it, lines).total(terms)
    if told != wanted:
        yield Found("total-wrong", f"TDS01 says {told}, lines, allowances, charges and tax make {wanted}")
    credit = it.first("BIG").at(7) in CREDITS
    negative = credit and terms.credit_sign == "negative"
    if told and (told < 0) != negative:
        yield Found("amount-sign", f"the total of {'a credit memo' if credit else 'an invoice'} is {told}")


def _tax(it: SetIn, terms: Terms) -> Iterator[Found]:
    by_sac = [one for one in it.segments if one.id == "SAC" and one.at(2) in TAX_CODES]
    by_txi = [one for one in it.segments if one.id == "TXI" and number(one.at(2))]
    if (by_sac and terms.tax != "SAC") or (by_txi and terms.tax != "TXI"):
        yield Found("tax-way", f"tax stands in {'SAC' if by_sac else 'TXI'}, agreed is {terms.tax}")
    for one in by_txi:
        if one.at(3) and one.at(8):
            wanted = rounded(number(one.at(8)) * number(one.at(3)) / 100)
            if number(one.at(2)) != wanted:
                yield Found("tax-sum", f"TXI02 is {one.at(2)}, {one.at(3)} % of {one.at(8)} are {wanted}")


def _discount(it: SetIn) -> Iterator[Found]:
    tds = it.first("TDS")
    basis = number(tds.at(2) or tds.at(1)) / 100
    for one in it.segments:
        if one.id == "ITD" and one.at(3) and one.at(8):
            wanted = rounded(basis * number(one.at(3)) / 100)
            if number(one.at(8)) / 100 != wanted:
                words = f"ITD08 says {number(one.at(8)) / 100}, {one.at(3)} % of {basis} are {wanted}"
                yield Found("terms-sum", words)
    if tds.at(3) and tds.at(4) and number(tds.at(3)) != number(tds.at(1)) - number(tds.at(4)):
        yield Found("terms-sum", f"TDS03 is {tds.at(3)}, TDS01 less TDS04 are not")


def _money(it: SetIn, order: Order) -> Iterator[Found]:
    told = it.first("CUR").at(2)
    if told and order.currency and told != order.currency:
        yield Found("currency", f"CUR02 is {told}, ordered in {order.currency}")


def _line(block: Block, line: Line | None, order: Order, sign: int) -> Iterator[Found]:
    if line is None:
        yield Found("line-unknown", f"IT101 {block.head.at(1)!r} is no line of {order.number}")
        return
    yield from reading.same_item(line, block.head.pairs(6), block.head.at(3))
    if number(block.head.at(2)) * sign <= 0:
        yield Found("invoice-quantity", f"line {line.number}: IT102 is {block.head.at(2)}")


def _prices(it: SetIn, pairs: Sequence[tuple[Block, Line]], order: Order) -> Iterator[Found]:
    """The price of each line; where the order has allowances, net of them, however they are told."""
    granted = bool(order.allowances) or any(line.item.allowances for _, line in pairs)
    first = {id(sac) for block, _ in pairs for sac in block.all("SAC")}
    summary = [one for one in it.segments if one.id == "SAC" and id(one) not in first]
    extras = sum((_signed(one) for one in summary if one.at(2) not in TAX_CODES), ZERO)
    goods, wanted, quantity = ZERO, ZERO, ZERO
    for block, line in pairs:
        told = rounded(_extension(block)) + sum((_signed(one) for one in block.all("SAC")), ZERO)
        due = number(block.head.at(2)) * line.item.net_price
        goods, wanted, quantity = goods + told, wanted + due, quantity + number(block.head.at(2))
        if not granted and line.item.price is not None:
            yield from _price(block, line)
    changes = sum((one.of(wanted, quantity) for one in order.allowances), ZERO)
    slack = CENT * len(pairs) if granted else ZERO
    if granted:
        if abs(goods + extras - wanted - changes) > slack:
            words = f"goods less allowances are {goods + extras}, ordered {rounded(wanted + changes)}"
            yield Found("allowance", words)
    elif extras or goods != sum((rounded(_extension(block)) for block, _ in pairs), ZERO):
        yield Found("allowance", f"{extras} of allowances or charges were not agreed")


def _price(block: Block, line: Line) -> Iterator[Found]:
    told = number(block.head.at(4)) / BASES.get(block.head.at(5), 1)
    wanted = (line.item.price or ZERO) / BASES.get(line.item.basis, 1)
    if told != wanted:
        words = f"line {line.number}: {block.head.at(4)} {block.head.at(5)}".rstrip()
        yield Found(
            "invoice-price", f"{words}, ordered at {plain(line.item.price)} {line.item.basis}".rstrip()
        )


def _terms(it: SetIn, order: Order) -> Iterator[Found]:
    agreed, told = order.payment, it.first("ITD")
    if agreed is None:
        return
    begun = it.first("BIG").at(1)
    net = told.at(7) or _days(begun, told.at(6))
    discounted = told.at(5) or _days(begun, told.at(4))
    days = str(agreed.discount_days or "") if agreed.percent else ""
    wanted = (str(agreed.net_days), plain(agreed.percent), days)
    shown = (net, plain(number(told.at(3))) if told.at(3) else "", discounted)
    if shown != wanted:
        words = f"ITD says {'/'.join(shown)} (net days, discount, its days), ordered {'/'.join(wanted)}"
        yield Found("terms", words)


def _days(begun: str, until: str) -> str:
    """Days between two dates as in ITD; empty where there are none."""
    if not (is_date(begun) and is_date(until)):
        return ""
    start, end = (date(int(one[:4]), int(one[4:6]), int(one[6:])) for one in (begun, until))
    return str((end - start).days)


def _quantities(pairs: Sequence[tuple[Block, Line]]) -> dict[int, tuple[Line, Decimal]]:
    found: dict[int, tuple[Line, Decimal]] = {}
    for block, line in pairs:
        so_far = found.get(id(line), (line, ZERO))[1]
        found[id(line)] = (line, so_far + number(block.head.at(2)))
    return found


def _invoiced(pairs: Sequence[tuple[Block, Line]], store: str, terms: Terms) -> Iterator[Found]:
    for line, quantity in _quantities(pairs).values():
        total = line.invoiced[store] + quantity
        limit = line.shipped[store] if terms.notice else line.ordered(store)
        if total > limit:
            what = "shipped" if terms.notice else "ordered"
            yield Found("invoiced-over", f"line {line.number}: {total} invoiced, {limit} {what}")


def _credited(it: SetIn, pairs: Sequence[tuple[Block, Line]], order: Order) -> Iterator[Found]:
    """A credit memo may be for goods or for money; for no more of either than was invoiced."""
    for line, quantity in _quantities(pairs).values():
        invoiced = sum(line.invoiced.values(), ZERO)
        if line.credited + abs(quantity) > invoiced:
            words = f"line {line.number}: {line.credited + abs(quantity)} credited, {invoiced} invoiced"
            yield Found("credit-over", words)
    total = abs(number(it.first("TDS").at(1))) / 100
    left = sum((one.total for one in order.invoices), ZERO)
    if total > left:
        yield Found("credit-over", f"{total} credited, {left} invoiced and not credited before")


def post(it: SetIn, book: Book) -> Invoice:
    """Take an 810 into the books."""
    order, head = of(it, book)
    assert order is not None
    credit = head.at(7) in CREDITS
    total = number(it.first("TDS").at(1)) / 100
    made = Invoice(head.at(2), head.at(1), -abs(total) if credit else total, credit)
    store = reading.store_of(order, reading.ship_to(it.segments))
    book.invoice_numbers.add(made.number)
    order.invoices.append(made)
    for block in reading.blocks(it.segments, "IT1"):
        line = order.line(block.head.at(1), block.head.pairs(6))
        if line is not None and credit:
            line.credited += abs(number(block.head.at(2)))
        elif line is not None:
            line.invoiced[store] += number(block.head.at(2))
    return made
