"""Our answer to an order (855) or to a change of it (865): every line as ordered, and what becomes of it.

Sources: X12 elements 587 (kind of acknowledgment), 668 (status of a line), 374 (067: promised for delivery).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from connectors.edi import ordered
from connectors.edi.outgoing import Draft, contact, day, exact, needed, notes, parties, references, word
from connectors.edi.settings import Settings
from connectors.edi.write import Segment, number
from hub.sdk import Invalid, Record

_PARTIES = ("ST", "BT", "BY", "SU", "SE", "VN")
_ANSWERS = {"accepted": "AD", "accepted_with_changes": "AC", "rejected": "RD"}
_LINES = {
    "accepted": "IA", "quantity_changed": "IQ", "price_changed": "IP", "date_changed": "DR",
    "backordered": "IB", "rejected": "IR",
}  # fmt: skip
_PROMISED = "067"


def order_response(settings: Settings, record: Record) -> Draft:
    """The 855, or the 865 where `change` is set. Raises Invalid where a line cannot be answered."""
    order = ordered.ordered(record)
    answers = _answers(record, order)
    body = _of_change(record, order, answers) if word(record, "change") else _of_order(record, order, answers)
    set_id = "865" if word(record, "change") else "855"
    begin = _begin_change(record, order) if set_id == "865" else _begin(record, order)
    lines = [*body]
    count = sum(1 for segment in lines if segment[0] in ("PO1", "POC"))
    segments = [begin, *_header(settings, record, order), *lines, ("CTT", str(count))]
    return Draft(set_id, word(order.head, "purchase_order"), segments)


def _answers(record: Record, order: ordered.Ordered) -> Mapping[str, Mapping[str, Any]]:
    """What is answered, by line_id. A line that is not named is answered as the whole order is."""
    found = {}
    for one in record.get("lines") or ():
        known = order.line(one)
        if known is None:
            raise Invalid(f"line {word(one, 'line_id')!r} is not in the partner's order", field="lines")
        found[known.line_id] = one
    return found


def _code(record: Record) -> str:
    answer = word(record, "answer")
    if answer not in _ANSWERS:
        raise Invalid(f"{answer!r} is none of {', '.join(_ANSWERS)}", field="answer")
    return _ANSWERS[answer]


def _begin(record: Record, order: ordered.Ordered) -> Segment:
    """BAK: number and day of the order as they were sent, our number, our day."""
    head = order.head
    return (
        "BAK", "00", _code(record), word(head, "purchase_order"),
        day(needed(head, "date", "order date"), "date"), word(head, "release"), "",
        word(head, "contract"), word(record, "order_number"), day(needed(record, "date", "date"), "date"),
    )  # fmt: skip


def _begin_change(record: Record, order: ordered.Ordered) -> Segment:
    """BCA: as BAK, with the sequence of the change."""
    head = order.head
    sequence = word(_change(record, order), "number")
    return (
        "BCA", "00", _code(record), word(head, "purchase_order"), word(head, "release"), sequence,
        day(needed(head, "date", "order date"), "date"), "", word(head, "contract"),
        word(record, "order_number"), day(needed(record, "date", "date"), "date"),
    )  # fmt: skip


def _header(settings: Settings, record: Record, order: ordered.Ordered) -> Iterator[Segment]:
    currency = word(order.head, "currency")
    if currency and currency != settings.default_currency:
        yield ("CUR", "SE", currency)
    yield from references(settings, order.head.get("references") or (), record.get("references") or {})
    yield from contact(settings)
    yield from notes(word(record, "reason"))
    yield from parties(order.head, _PARTIES)


def _of_order(
    record: Record, order: ordered.Ordered, answers: Mapping[str, Mapping[str, Any]]
) -> Iterator[Segment]:
    told = {word(one, "line_id") for one in order.head.get("lines") or ()}
    for line_id, line in order.lines.items():
        if line_id in told:
            answer = answers.get(line_id, {})
            yield ("PO1", *line.as_ordered())
            yield from _answered(record, line, line.first, answer)


def _answered(
    record: Record, line: ordered.OrderedLine, asked: Decimal, answer: Mapping[str, Any]
) -> Iterator[Segment]:
    """CTP with a new price, ACK for each part of the quantity (together what was asked), and the reason."""
    whole = "rejected" if word(record, "answer") == "rejected" else "accepted"
    what = word(answer, "answer") or whole
    if what not in _LINES:
        raise Invalid(f"{what!r} is none of {', '.join(_LINES)}", field="lines.answer")
    if answer.get("unit_price") is not None:
        price = line.price_for(exact(answer["unit_price"], "lines.unit_price"))
        yield ("CTP", "", "UCP", number(price.told))
    promised = day(answer.get("promised_on"), "lines.promised_on")
    when = (_PROMISED, promised) if promised else ()
    for code, quantity in _parts(line, what, asked, answer):
        yield ("ACK", code, number(quantity), line.unit, *(() if code == "IR" else when))
    yield from notes(word(answer, "reason"))


def _parts(
    line: ordered.OrderedLine, what: str, asked: Decimal, answer: Mapping[str, Any]
) -> Iterator[tuple[str, Decimal]]:
    """How the asked quantity is divided: what comes, and what comes later or not at all."""
    if what == "rejected":
        yield _LINES[what], asked
        return
    given = answer.get("quantity")
    coming = exact(given, "lines.quantity") if given is not None else asked
    if coming > asked or coming < 0:
        words = f"line {line.shown}: {number(coming)} is promised where {number(asked)} were ordered"
        raise Invalid(f"{words}; an 855 answers what was ordered, no more", field="lines.quantity")
    rest = asked - coming
    if what == "backordered":
        if rest and coming:
            yield "IA", coming
        yield _LINES[what], rest or asked
        return
    if coming:
        yield ("IQ" if what == "accepted" and rest else _LINES[what]), coming
    if rest:
        yield "IR", rest


def _change(record: Record, order: ordered.Ordered) -> Record:
    """The change that is answered: the last one of its number. Raises Invalid where none is known."""
    if not order.changes:
        raise Invalid("the partner's change is not known, and its answer repeats it", field="theirs")
    wanted = word(record, "change_number")
    fitting = [one for one in order.changes if word(one, "number") == wanted] if wanted else []
    return (fitting or order.changes)[-1]


def _of_change(
    record: Record, order: ordered.Ordered, answers: Mapping[str, Mapping[str, Any]]
) -> Iterator[Segment]:
    """POC of every line of the change as it was sent, with what becomes of it."""
    for one in _change(record, order).get("lines") or ():
        told = one.get("line") if isinstance(one.get("line"), Mapping) else {}
        line = order.lines.get(word(one, "line_id") or word(told or {}, "line_id"))
        if line is None:
            raise Invalid(
                f"line {word(one, 'line_number')!r} of the change is not in the order", field="theirs"
            )
        asked = exact(_of(one, told, "quantity", line.first), "quantity")
        left = one.get("quantity_left")
        price = _of(one, told, "told_price", None)
        ids = one.get("ids") or (told or {}).get("ids")
        pairs = [word(pair, key) for pair in ids for key in ("qualifier", "id")] if ids else line.pairs()
        yield (
            "POC", word(one, "line_number") or line.number, word(one, "change_type") or "CA", number(asked),
            "" if left is None else number(exact(left, "quantity_left")),
            (str(_of(one, told, "unit", line.unit) or line.unit),),
            "" if price is None else number(exact(price, "told_price")), word(one, "basis"), *pairs,
        )  # fmt: skip
        yield from _answered(record, line, asked, answers.get(line.line_id, {}))


def _of(one: Mapping[str, Any], told: Mapping[str, Any] | None, name: str, otherwise: Any) -> Any:
    """A value of a changed line, of its whole new line, or what it was before."""
    for source in (one, told or {}):
        if source.get(name) is not None:
            return source[name]
    return otherwise
