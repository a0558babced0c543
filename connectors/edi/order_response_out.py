"""Our answer to an order (855) or to a change of it (865): every line as ordered, and what becomes of it.

Sources: X12 elements 587 (kind of acknowledgment), 668 (status of a line), 374 (067: promised for delivery).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any

from connectors.edi import ordered
from connectors.edi.outgoing import (
    Draft,
    contact,
    day,
    exact,
    inner,
    needed,
    notes,
    parties,
    parts,
    references,
    word,
)
from connectors.edi.settings import Settings
from connectors.edi.write import Segment, number
from hub.sdk import Invalid, Record

_PARTIES = ("ST", "BT", "BY", "SU", "SE", "VN")
_ANSWERS = {"accepted": "AD", "accepted_with_changes": "AC", "rejected": "RD"}
_LINES = {
    "accepted": "IA", "quantity_changed": "IQ", "price_changed": "IP", "date_changed": "DR",
    "backordered": "IB", "rejected": "IR",
}  # fmt: skip
_DELETED = "ID"  # of 668
_PROMISED = "067"
_ORDER = {"CTP": 0, "ACK": 1}  # then notes


def order_response(settings: Settings, record: Record) -> Draft:
    """The 855, or the 865 where `change` is set. Raises Invalid where a line cannot be answered."""
    order = ordered.ordered(record, settings.price_bases)
    answers = _answers(record, order)
    answers_change = bool(word(record, "change"))
    of_lines = _of_change if answers_change else _of_order
    lines = [*of_lines(record, order, answers)]
    begin = (_begin_change if answers_change else _begin)(record, order, _code(record, lines))
    count = sum(1 for segment in lines if segment[0] in ("PO1", "POC"))
    segments = [begin, *_header(settings, record, order), *lines, ("CTT", str(count))]
    return Draft("865" if answers_change else "855", word(order.head, "purchase_order"), segments)


def _answers(record: Record, order: ordered.Ordered) -> Mapping[str, Mapping[str, Any]]:
    """What is answered, by line_id. A line that is not named is answered as the whole order is."""
    found = {}
    for one in parts(record, "lines"):
        known = order.line(one)
        if known is None and word(one, "line_id"):
            raise Invalid(f"line {word(one, 'line_id')!r} is not in the partner's order", field="lines")
        if known is not None:
            found[known.line_id] = one
    return found


def _code(record: Record, lines: Sequence[Segment]) -> str:
    """587: as the whole is answered, unless lines say that something of it is otherwise."""
    answer = word(record, "answer")
    if answer not in _ANSWERS:
        raise Invalid(f"{answer!r} is none of {', '.join(_ANSWERS)}", field="answer")
    said = {segment[1] for segment in lines if segment[0] == "ACK"}
    usual = {"accepted": {"IA", _DELETED}, "rejected": {"IR"}}.get(answer, said)
    return _ANSWERS[answer] if said <= usual else _ANSWERS["accepted_with_changes"]


def _begin(record: Record, order: ordered.Ordered, code: str) -> Segment:
    """BAK: number and day of the order as they were sent, our number, our day."""
    head = order.head
    return (
        "BAK", "00", code, word(head, "purchase_order"),
        day(needed(head, "date", "order date"), "date"), word(head, "release"), "",
        word(head, "contract"), word(record, "order_number"), day(needed(record, "date", "date"), "date"),
    )  # fmt: skip


def _begin_change(record: Record, order: ordered.Ordered, code: str) -> Segment:
    """BCA: as BAK, with the sequence of the change."""
    head = order.head
    change = _change(record, order)
    return (
        "BCA", "01" if word(change, "action") == "cancel" else "00", code,
        word(head, "purchase_order"), word(head, "release"), word(change, "sequence"),
        day(needed(head, "date", "order date"), "date"), "", word(head, "contract"),
        word(record, "order_number"), day(needed(record, "date", "date"), "date"),
    )  # fmt: skip


def _header(settings: Settings, record: Record, order: ordered.Ordered) -> Iterator[Segment]:
    currency = word(order.head, "currency")
    if currency and currency != settings.default_currency:
        yield ("CUR", "SE", currency)
    yield from references(settings, parts(order.head, "references"), inner(record, "references"))
    yield from contact(settings)
    yield from notes(word(record, "reason"))
    yield from parties(order.head, _PARTIES)


def _of_order(
    record: Record, order: ordered.Ordered, answers: Mapping[str, Mapping[str, Any]]
) -> Iterator[Segment]:
    """PO1 of every line as it was sent; one that was divided by delivery days is answered day by day."""
    told = {word(one, "line_id") for one in parts(order.head, "lines")}
    answers = _as_first(answers, order)
    for _, days in groupby(
        (line for key, line in order.lines.items() if key in told), lambda line: line.whole
    ):
        lines = [*days]
        yield ("PO1", *lines[0].as_ordered())
        answered = [
            segment
            for line in lines
            for segment in _answered(record, line, line.first, answers.get(line.line_id, {}))
        ]
        yield from sorted(answered, key=lambda segment: _ORDER.get(str(segment[0]), len(_ORDER)))


def _as_first(
    answers: Mapping[str, Mapping[str, Any]], order: ordered.Ordered
) -> Mapping[str, Mapping[str, Any]]:
    """A line that the partner changed since is answered as first ordered: the change has its own 865.

    One that we do not have any more, though the partner did not ask for that, will not come.
    """
    named = [order.line(one) for change in order.changes for one in parts(change, "lines")]
    touched = {line.line_id for line in named if line}
    gone = {key for key, line in order.lines.items() if line.gone and key not in touched}
    return {key: {"answer": "rejected"} for key in gone} | {
        key: {**one, "quantity": None} if key in touched and word(one, "answer") == "accepted" else one
        for key, one in answers.items()
    }


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
        yield ("ACK", code, number(quantity), line.counted_in, *(() if code == "IR" else when))
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
    fitting = [one for one in order.changes if wanted in _numbers(one)] if wanted else []
    return (fitting or order.changes)[-1]


def _numbers(change: Record) -> tuple[str, str]:
    """What our mapping may have made the change's number of: BCH05, else its day and ST02."""
    where = inner(change, "set")
    return word(change, "sequence"), f"{word(change, 'date')}.{word(where, 'control_number')}"


def _of_change(
    record: Record, order: ordered.Ordered, answers: Mapping[str, Mapping[str, Any]]
) -> Iterator[Segment]:
    """POC of every line of the change as it was sent, with what becomes of it."""
    for one in parts(_change(record, order), "lines"):
        line = order.line(one) or ordered.unknown(one)
        asked = line.quantity if one.get("quantity") is None else exact(one["quantity"], "quantity")
        answer = answers.get(line.line_id, {}) if line.line_id in order.lines else {"answer": "rejected"}
        yield _changed(one, line, asked)
        whole = word(answer, "answer") or word(record, "answer")
        if word(one, "action") == "delete" and whole.startswith("accepted"):
            yield ("ACK", _DELETED, number(asked), line.counted_in)
            yield from notes(word(answer, "reason"))
        else:
            yield from _answered(record, line, asked, answer)


def _changed(one: Mapping[str, Any], line: ordered.OrderedLine, asked: Decimal) -> Segment:
    """POC: what changes, its quantities and price, the ids of the line."""
    whole = inner(one, "line")
    told, basis = whole.get("told_price"), word(whole, "basis")
    if told is None and one.get("unit_price") is not None:
        told, basis = one["unit_price"], "PE"
    ids = [word(pair, key) for pair in parts(one, "ids") for key in ("qualifier", "id")]
    left = one.get("left")
    return (
        "POC", word(one, "line_number") or line.number, word(one, "change_type") or "CA", number(asked),
        "" if left is None else number(exact(left, "left")), (word(one, "unit") or line.counted_in,),
        "" if told is None else number(exact(told, "told_price")), "" if told is None else basis,
        *(ids or line.pairs()),
    )  # fmt: skip
