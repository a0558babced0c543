"""An ANSI X12 820 remittance, whole or only its RMR segments, into the documents it pays.

Source: ASC X12 transaction set 820 (Payment Order/Remittance Advice); CTX and CCD+ addenda carry it in
pieces of 80 characters (Nacha Operating Rules, appendix three).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from connectors.bank.flat import excerpt, yymmdd
from hub.sdk import Invalid

SEGMENTS_MAX = 200_000
_AMOUNT = re.compile(r"[+-]?(\d{1,18}(\.\d{0,6})?|\.\d{1,6})", re.ASCII)
_NAME = re.compile(r"[A-Z][A-Z0-9]{1,2}", re.ASCII)
_FIRST = re.compile(r"\s*(ISA|GS|ST|BPR|RMR|TRN|ENT|REF|N1|NTE|TXP|DTM|ADX|DED)[*|^:]")


class Reason(NamedTuple):
    """An adjustment (ADX): signed amount, X12 code 426 of why, the document it is about."""

    amount: Decimal
    code: str
    document: str


class Document(NamedTuple):
    """One RMR: what is paid of which document; amounts in the payment's currency, None where not told."""

    qualifier: str
    number: str
    paid: Decimal | None
    original: Decimal | None
    discount: Decimal | None
    dated: date | None
    references: Sequence[tuple[str, str]]
    reasons: Sequence[Reason]
    payer: str


class Remittance(NamedTuple):
    """One transaction set, or a list of RMR without one (then `amount` is None).

    `residual` is what of the payment no document and no adjustment explains.
    """

    amount: Decimal | None
    credit: bool
    currency: str
    trace: str
    due_on: date | None
    payer: str
    payer_id: str
    payee: str
    references: Sequence[tuple[str, str]]
    documents: Sequence[Document]
    adjustments: Sequence[Reason]

    @property
    def explained(self) -> Decimal:
        """What documents and adjustments of no document add up to. An ADX behind an RMR is in its RMR04."""
        paid = sum((one.paid for one in self.documents if one.paid is not None), Decimal(0))
        return paid + sum((one.amount for one in self.adjustments), Decimal(0))

    @property
    def residual(self) -> Decimal | None:
        """Payment minus what is explained; None where the text tells no payment amount."""
        return None if self.amount is None else self.amount - self.explained


def looks_like(text: str) -> bool:
    """Does this text begin with an X12 segment that an 820 may begin with?"""
    return _FIRST.match(text) is not None


def read(text: str) -> list[Remittance]:
    """Every 820 in the text, other transaction sets passed over.

    Raises Invalid naming the segment where an amount cannot be read or a set is not closed.
    """
    found: list[Remittance] = []
    current: list[list[str]] = []
    inside, wanted = False, False
    for segment in segments(text):
        if segment[0] == "ST":
            inside, wanted, current = True, _at(segment, 1) == "820", []
        elif segment[0] == "SE":
            if wanted:
                found.append(_remittance(current))
            inside, wanted, current = False, False, []
        elif segment[0] not in ("ISA", "GS", "GE", "IEA") and (wanted or not inside):
            current.append(segment)
    if inside and wanted:
        raise Invalid("the 820 has no SE segment: it was cut off", field="SE")
    if current and any(one[0] == "RMR" for one in current):
        found.append(_remittance(current))
    return found


def segments(text: str) -> list[list[str]]:
    """Segments as lists of elements; separators are taken from ISA, else from what the text uses."""
    words = text.lstrip("\ufeff \r\n\t").replace("\r\n", "\n")
    if words.startswith("ISA") and len(words) > 4:
        found = _interchanges(words)
    else:
        found = _cut(words, "*", next((one for one in "\\~" if one in words), "\n"))
    if len(found) > SEGMENTS_MAX:
        raise Invalid(f"over {SEGMENTS_MAX} segments: ask the sender to split it", field="body")
    return found


def _interchanges(words: str) -> list[list[str]]:
    """Each interchange by its own separators: a mailbag holds several."""
    starts = [m.start() for m in re.finditer(r"ISA(?=[^A-Za-z0-9\s]00[^A-Za-z0-9])", words)]
    starts = starts or [0]
    ends = [*starts[1:], len(words)]
    found: list[list[str]] = []
    for start, end in zip(starts, ends, strict=True):
        one = words[start:end]
        separator = one[3]
        behind = one.split(separator, 16)
        tail = behind[16] if len(behind) > 16 else ""
        terminator = tail[1] if len(tail) > 1 else "~"
        if terminator in " \r":
            terminator = next((char for char in tail[1:] if not char.isspace()), "~")
            terminator = "\n" if terminator == "G" else terminator
        found += _cut(one, separator, terminator)
    return found


def _cut(words: str, separator: str, terminator: str) -> list[list[str]]:
    found = []
    for one in words.split(terminator):
        elements = [element.strip() for element in one.replace("\n", "").split(separator)]
        if _NAME.fullmatch(elements[0]):
            found.append(elements)
    return found


def _at(segment: Sequence[str], place: int) -> str:
    return segment[place] if len(segment) > place else ""


def _money(segment: Sequence[str], place: int, number: int) -> Decimal | None:
    words = _at(segment, place)
    if not words:
        return None
    if not _AMOUNT.fullmatch(words):
        name = f"{segment[0]}{place:02d}"
        raise Invalid(f"segment {number}: {name} {excerpt(words)} is not an amount", field=name)
    return Decimal(words)


class _Open:
    """An RMR whose REF, DTM and ADX have not all been read yet."""

    def __init__(self, segment: Sequence[str], number: int, payer: str) -> None:
        self.segment, self.number, self.payer = segment, number, payer
        self.dated: date | None = None
        self.references: list[tuple[str, str]] = []
        self.reasons: list[Reason] = []

    def closed(self) -> Document:
        own = _money(self.segment, 8, self.number)
        leading = [Reason(own, _at(self.segment, 7), "")] if own else []
        return Document(
            qualifier=_at(self.segment, 1),
            number=_at(self.segment, 2),
            paid=_money(self.segment, 4, self.number),
            original=_money(self.segment, 5, self.number),
            discount=_money(self.segment, 6, self.number),
            dated=self.dated,
            references=self.references,
            reasons=[*leading, *self.reasons],
            payer=self.payer,
        )


class _Reading:
    """The set as far as it has been read."""

    def __init__(self) -> None:
        self.payment: Sequence[str] = ()
        self.trace = self.currency = ""
        self.parties: dict[str, tuple[str, str]] = {}
        self.due_on: date | None = None
        self.references: list[tuple[str, str]] = []
        self.documents: list[_Open] = []
        self.adjustments: list[Reason] = []
        self.open: _Open | None = None
        self.name = ""
        self.in_entity = False


def _remittance(found: Sequence[Sequence[str]]) -> Remittance:
    state = _Reading()
    for number, segment in enumerate(found, 1):
        _take(state, segment, number)
    payer = state.parties.get("PR", ("", ""))
    amount = _money(state.payment, 2, 1) if state.payment else None
    return Remittance(
        amount=amount,
        credit=_at(state.payment, 3) != "D",
        currency=state.currency,
        trace=state.trace,
        due_on=yymmdd(_at(state.payment, 16)) or state.due_on,
        payer=payer[0],
        payer_id=payer[1],
        payee=state.parties.get("PE", ("", ""))[0],
        references=state.references,
        documents=[one.closed() for one in state.documents],
        adjustments=state.adjustments,
    )


def _take(state: _Reading, segment: Sequence[str], number: int) -> None:
    """One segment into what is read so far; those that say nothing of payment or documents pass."""
    name = segment[0]
    if name == "BPR":
        state.payment = segment
    elif name == "TRN":
        state.trace = state.trace or _at(segment, 2)
    elif name == "CUR":
        state.currency = _at(segment, 2)
    elif name == "N1":
        state.parties.setdefault(_at(segment, 1), (_at(segment, 2), _at(segment, 4)))
    elif name == "ENT":
        state.open, state.name, state.in_entity = None, "", True
    elif name == "NM1":
        state.name = " ".join(one for one in (_at(segment, 4), _at(segment, 3)) if one)
    elif name == "RMR":
        state.open = _Open(segment, number, state.name)
        state.documents.append(state.open)
    elif name == "ADX":
        _adjust(state, segment, number)
    elif name == "REF":
        pair = (_at(segment, 1), _at(segment, 2) or _at(segment, 3))
        (state.open.references if state.open else state.references).append(pair)
    elif name == "DTM":
        told = yymmdd(_at(segment, 2))
        if state.open:
            state.open.dated = state.open.dated or told
        elif not state.in_entity:
            state.due_on = state.due_on or told


def _adjust(state: _Reading, segment: Sequence[str], number: int) -> None:
    amount = _money(segment, 1, number)
    if amount is None:
        raise Invalid(f"segment {number}: ADX tells no amount", field="ADX01")
    reason = Reason(amount, _at(segment, 2), _at(segment, 4))
    (state.open.reasons if state.open else state.adjustments).append(reason)
