"""An invoice or a credit memo as an 810: lines in the words of the order, amounts that add up to the cent.

Sources: X12 810, elements 640 (kind of invoice), 353 (purpose), 331 and 1300 (charges), 963 (taxes).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

from connectors.edi import ordered
from connectors.edi.footing import CENT, PRICED_FOR
from connectors.edi.outgoing import (
    Draft,
    amount,
    carrier_of,
    contact,
    day,
    described,
    exact,
    inner,
    is_scac,
    needed,
    parties,
    parts,
    pieces,
    plain,
    references,
    word,
)
from connectors.edi.settings import Settings
from connectors.edi.write import Segment, implied, number
from hub.sdk import Invalid, Record

_PARTIES = ("ST", "BT", "BY", "RE", "RI", "SU", "SE", "VN")
_NOTE = 80  # longest of element 352
_OTHER = "ZZZZ"  # of 1300: as the text says
_DAYS_MAX = 1_000  # three digits
_TAX = "H850"  # of 1300: tax


class _Line(NamedTuple):
    """A line of the invoice with what was ordered, or with the code of a charge (1300) where it was not."""

    record: Mapping[str, Any]
    ordered: ordered.OrderedLine | None
    charge: str


class _Writing(NamedTuple):
    """What all parts of one 810 need. `sign` is -1 where a partner wants credit memos below zero."""

    settings: Settings
    record: Record
    order: ordered.Ordered
    sign: int
    lines: Sequence[_Line]


def invoice(settings: Settings, record: Record) -> Draft:
    """The 810 of an invoice. Raises Invalid where it cannot be said exactly, in the words of the order."""
    return _drafted(settings, record, credit=False)


def credit_memo(settings: Settings, record: Record) -> Draft:
    """The 810 of a credit memo (BIG07 CR), all of it positive or all of it negative. Raises Invalid."""
    return _drafted(settings, record, credit=True)


def _drafted(settings: Settings, record: Record, *, credit: bool) -> Draft:
    order = ordered.ordered(record, settings.price_bases)
    sign = -1 if credit and settings.credit_sign == "negative" else 1
    writing = _Writing(
        settings, record, order, sign, [_matched(one, order) for one in parts(record, "lines")]
    )
    segments = [
        *_begin(writing, "CR" if credit else "DI"),
        *_terms(writing, credit=credit),
        *(
            segment
            for line in writing.lines
            if line.ordered
            for segment in _line(writing, line, line.ordered)
        ),
        *_summary(writing),
    ]
    return Draft("810", word(record, "number"), segments)


def _matched(one: Mapping[str, Any], order: ordered.Ordered) -> _Line:
    found = order.line(one)
    if found is None and not word(one, "charge"):
        called = word(one, "name") or word(one, "sku") or word(one, "order_line")
        words = f"{called!r} is no line of the order, and no charge of the mapping (table charges)"
        raise Invalid(words, field="lines")
    return _Line(one, found, word(one, "charge"))


def _begin(writing: _Writing, kind: str) -> Iterator[Segment]:
    """BIG to N1. The purchase order is repeated as it was sent: BIG04 is BEG03, BIG03 is BEG05."""
    record, head = writing.record, writing.order.head
    purpose = "01" if record.get("cancelled") else "00"
    yield (
        "BIG", day(needed(record, "date", "date"), "date"), needed(record, "number", "number"),
        day(head.get("date"), "date"), word(head, "purchase_order"), word(head, "release"), "",
        kind, purpose,
    )  # fmt: skip
    for part in pieces(plain(word(record, "note")), _NOTE):
        yield ("NTE", "GEN", part)
    if word(record, "currency") != writing.settings.default_currency:
        yield ("CUR", "SE", needed(record, "currency", "currency"))
    yield from references(writing.settings, parts(head, "references"), inner(record, "references"))
    yield from contact(writing.settings)
    yield from parties(head, _PARTIES)


def _terms(writing: _Writing, *, credit: bool) -> Iterator[Segment]:
    """ITD, DTM and FOB. Credits have no terms."""
    record, head = writing.record, writing.order.head
    due = day(record.get("due_date"), "due_date")
    if due and not credit:
        yield _itd(record, inner(head, "terms"), due)
    shipped = day(record.get("shipped_on"), "shipped_on")
    if shipped:
        yield ("DTM", "011", shipped)
    if word(head, "freight"):
        yield ("FOB", word(head, "freight"))


def _itd(record: Record, told: Mapping[str, Any], due: str) -> Segment:
    """Terms: net from the invoice's own dates (333 `3`), the discount as the order told it."""
    issued = date.fromisoformat(f"{day(record.get('date'), 'date')}")
    last = date.fromisoformat(due)
    percent, days = told.get("discount_percent"), told.get("discount_days")
    text = plain(word(record, "terms"))
    if not percent or not days or word(told, "basis") not in ("", "3"):
        return ("ITD", "01", "3", "", "", "", due, str((last - issued).days), "", "", "", "", text)
    within = exact(days, "terms")
    if not 0 < within < _DAYS_MAX or within % 1:
        raise Invalid(f"{days!r} is no number of days for a discount", field="terms")
    until = issued + timedelta(days=int(within))
    return (
        "ITD", "08", "3", number(exact(percent, "terms")), until.strftime("%Y%m%d"), number(within), due,
        str((last - issued).days), "", "", "", "", text,
    )  # fmt: skip


def _line(writing: _Writing, line: _Line, known: ordered.OrderedLine) -> Iterator[Segment]:
    """IT1 with PO101, unit, price basis and ids of the order, then what explains its amount."""
    record = line.record
    if word(record, "unit_code") and known.unit_code and word(record, "unit_code") != known.unit_code:
        words = f"is billed in {word(record, 'unit_code')} and was ordered in {known.unit_code}"
        raise Invalid(f"line {known.shown} {words}", field="unit_code")
    quantity = exact(record.get("quantity"), "quantity") * writing.sign
    price = known.price_for(exact(record.get("unit_price"), "unit_price"))
    told = (number(price.told), price.basis)
    yield ("IT1", known.number, number(quantity), known.counted_in, *told, *known.pairs())
    yield from described(word(record, "name") or known.name)
    wanted = amount(record.get("amount"), "amount") * writing.sign
    yield from _allowances(known, price, quantity, wanted)


def _allowances(
    known: ordered.OrderedLine, price: ordered.Price, quantity: Decimal, wanted: Decimal
) -> Iterator[Segment]:
    """SAC of a line: what the allowances of the order take from its price.

    Raises Invalid with the arithmetic where no allowance of the order explains a difference.
    """
    divisor = Decimal(PRICED_FOR.get(price.basis, 1))
    gross = (
        Decimal(0) if price.basis == "NC" else (quantity * price.told / divisor).quantize(CENT, ROUND_HALF_UP)
    )
    rest = wanted - gross
    if not price.allowances:
        if rest:
            per = f" / {divisor}" if divisor != 1 else ""
            words = f"{number(quantity)} x {number(price.told)}{per} is {gross}, the invoice says {wanted}"
            raise Invalid(f"line {known.shown} does not foot: {words}", field="lines")
        return
    share = quantity / known.first if known.first else Decimal(0)
    for at, one in enumerate(price.allowances, 1):
        part = rest if at == len(price.allowances) else _part(one, wanted - rest, quantity, share)
        rest -= part
        if part:
            yield _sac(part, word(one, "code") or _OTHER, word(one, "text"), word(one, "handling"))


def _part(one: Mapping[str, Any], so_far: Decimal, quantity: Decimal, share: Decimal) -> Decimal:
    """What one allowance or charge of the order is for this quantity, with its sign, to the cent."""
    told = {name: exact(one[name], "allowances") for name in ("amount", "rate", "percent") if one.get(name)}
    if "amount" in told:
        value = told["amount"] * share
    elif "rate" in told:
        value = told["rate"] * quantity
    else:
        value = so_far * told.get("percent", Decimal(0)) / 100
    return (value if word(one, "indicator") == "C" else -value).quantize(CENT, ROUND_HALF_UP)


def _sac(part: Decimal, code: str, text: str, handling: str = "") -> Segment:
    """SAC: an allowance (A) takes, a charge (C) adds; SAC05 itself is never below zero."""
    words = plain(text)[:_NOTE]
    if code == _OTHER and not words:
        words = "CHARGE" if part > 0 else "ALLOWANCE"
    head = ("SAC", "C" if part > 0 else "A", code, "", "", _cents(abs(part), "SAC05"))
    return (*head, "", "", "", "", "", "", handling, "", "", words)


def _cents(value: Decimal, field: str) -> str:
    """An amount as N2 wants it, in every currency: 1000 JPY are 100000. Raises Invalid for less than 0.01."""
    try:
        return implied(value, 2)
    except Invalid:
        words = f"{number(value)} has more than the two decimals that X12 has here"
        raise Invalid(words, field=field) from None


def _summary(writing: _Writing) -> Iterator[Segment]:
    """TDS to CTT: the total, taxes as the profile wants them, carrier, charges, units shipped."""
    record, sign = writing.record, writing.sign
    yield ("TDS", _cents(amount(record.get("total"), "total") * sign, "TDS01"))
    taxes = [one for one in parts(record, "taxes") if amount(one.get("amount"), "taxes")]
    if writing.settings.tax == "TXI":
        for one in taxes:
            value = amount(one.get("amount"), "taxes") * sign
            yield ("TXI", word(one, "type") or "TX", _r2(value), number(exact(one.get("percent"), "taxes")))
    yield from _carrier(writing)
    for line in writing.lines:
        if line.ordered is None:
            value = amount(line.record.get("amount"), "amount") * sign
            yield _sac(value, line.charge, word(line.record, "name") or word(line.record, "sku"))
    if not writing.lines and (net := amount(record.get("net"), "net") * sign):
        yield _sac(net, word(record, "charge") or _OTHER, word(record, "note") or "CREDIT")
    if writing.settings.tax != "TXI":
        for one in taxes:
            value = amount(one.get("amount"), "taxes") * sign
            yield _sac(value, _TAX, f"TAX {number(exact(one.get('percent'), 'taxes'))}%")
    yield from _shipped(writing)
    yield ("CTT", str(sum(1 for line in writing.lines if line.ordered)))


def _r2(value: Decimal) -> str:
    """A number of type R with both its cents."""
    return f"{value.quantize(CENT):f}" if value == value.quantize(CENT) else number(value)


def _carrier(writing: _Writing) -> Iterator[Segment]:
    carrier = carrier_of(writing.settings, writing.record)
    if carrier and writing.record.get("shipped_on"):
        coded = is_scac(carrier)
        tracking = word(writing.record, "tracking").split(",")[0].strip()
        told = ("CN", tracking) if 0 < len(tracking) <= 30 else ()
        yield ("CAD", "", "", "", carrier if coded else "", "" if coded else plain(carrier)[:35], "", *told)


def _shipped(writing: _Writing) -> Iterator[Segment]:
    """ISS: units shipped, where all lines are in one unit."""
    lines = [(line.record, line.ordered) for line in writing.lines if line.ordered]
    units = {known.counted_in for _, known in lines}
    if writing.record.get("shipped_on") and len(units) == 1:
        total = sum((exact(one.get("quantity"), "quantity") for one, _ in lines), Decimal(0))
        yield ("ISS", number(total), *units)
