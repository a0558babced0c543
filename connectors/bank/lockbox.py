"""BAI lockbox files (fixed 80 or 104 columns) into statements: an entry per cheque, remittance from overflow.

Source: BAI lockbox transmission record layouts (records 1, 2, 5, 6, 4, 7, 8, 9) as banks publish them; what
stands behind the cheque number and in record 4 differs from bank to bank.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import IO

from connectors.bank import references
from connectors.bank.flat import Line, decoded, excerpt, implied, lines, taken, whole, yymmdd
from connectors.bank.statement import Document, Entry, Party, Problem, Statement, Transaction, broken

LENGTH = 80
# Width of the invoice number in front of a ten-digit amount in record 4, as banks lay it out.
_NUMBER_WIDTHS = (10, 15, 20, 12, 25)
_AMOUNT_WIDTH = 10
_HEAD = re.compile(rb"1\d\d.{20}\d{6}\d{4}\s*(\n|\r|$|2)", re.DOTALL)


@dataclass
class _Cheque:
    """Record 6 and the records 4 about it."""

    line: int
    batch: str
    item: str
    amount: Decimal
    text: str
    overflow: list[str] = field(default_factory=list)


@dataclass
class _Box:
    """Records 5 to 8: the deposits of one lockbox on one day."""

    line: int
    number: str
    deposited: date | None
    cheques: list[_Cheque] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    by_item: dict[tuple[str, str], _Cheque] = field(default_factory=dict)
    batches: dict[str, tuple[int, Decimal]] = field(default_factory=dict)
    closed: bool = False


def recognises(head: bytes) -> str:
    """`lockbox` for a file that begins with a record 1 with day and time where BAI has them."""
    words = head.lstrip(b"\xef\xbb\xbf \r\n")[:200]
    return "lockbox" if _HEAD.match(words) and b"094" not in words[32:39] else ""


def read(source: bytes | IO[bytes]) -> Iterator[Statement]:
    """One statement per lockbox. Raises Invalid naming the line of a record that is none."""
    found = _records(lines(decoded(taken(source))))
    if not found:
        raise broken(0, "the file is empty", "body")
    boxes, trailer = _boxes(found)
    if not boxes:
        raise broken(found[0].number, "no lockbox in the file: record 5 is missing", "record")
    for box in boxes:
        if not box.closed:
            box.problems.append(Problem(box.line, "the lockbox has no total record 8: the file was cut off"))
        yield _statement(box, [*box.problems, *trailer])


def _records(found: Sequence[Line]) -> list[Line]:
    """One record per line, or a file of one line cut at the record length of its own record 2."""
    if len(found) == 1 and len(found[0].text) > 2 * LENGTH:
        number, text = found[0]
        told = text[LENGTH + 34 : LENGTH + 37]
        size = int(told) if re.fullmatch(r"\d{3}", told, re.ASCII) and int(told) >= 40 else LENGTH
        return [Line(number, text[at : at + size]) for at in range(0, len(text), size) if text[at:].strip()]
    return list(found)


def _boxes(found: Sequence[Line]) -> tuple[list[_Box], list[Problem]]:
    boxes: list[_Box] = []
    trailer: list[Problem] = []
    ended = False
    for at, (number, text) in enumerate(found, 1):
        kind = text[0]
        if at == 1 and kind != "1":
            raise broken(number, "a lockbox file begins with record 1", "record")
        if kind == "5":
            boxes.append(_Box(number, text[7:14].strip(), yymmdd(text[14:20])))
        elif kind in "4678":
            if not boxes or boxes[-1].closed:
                raise broken(number, f"record {kind} stands outside a lockbox", "record")
            _take(boxes[-1], number, text)
        elif kind == "9":
            ended = True
            told = whole(text[1:7] or "0", f"line {number}: records")
            if told != at:
                trailer.append(Problem(number, f"the file has {at} records, its trailer says {told}"))
        elif kind not in "12":
            raise broken(number, f"{excerpt(text)} is no lockbox record", "record")
    if not ended:
        trailer.append(Problem(found[-1].number, "the file has no trailer record 9: it was cut off"))
    return boxes, trailer


def _take(box: _Box, number: int, text: str) -> None:
    kind, batch, item = text[0], text[1:4], text[4:7]
    if kind == "6":
        amount = implied(text[7:17], "USD", f"line {number}: amount")
        cheque = _Cheque(number, batch, item, amount, text)
        box.cheques.append(cheque)
        box.by_item[batch, item] = cheque
        count, total = box.batches.get(batch, (0, Decimal(0)))
        box.batches[batch] = (count + 1, total + amount)
    elif kind == "4":
        above = box.by_item.get((batch, item))
        if above is None:
            box.problems.append(Problem(number, "the overflow record belongs to no cheque"))
        else:
            above.overflow.append(text[11:].rstrip())
    elif kind == "7":
        own = box.batches.get(batch, (0, Decimal(0)))
        box.problems += _compared(f"batch {batch}", own, number, text[20:23], text[23:33])
    else:
        box.closed = True
        counts, sums = zip(*box.batches.values(), strict=True) if box.batches else ((), ())
        whole_box = (sum(counts), sum(sums, Decimal(0)))
        box.problems += _compared("lockbox", whole_box, number, text[20:24], text[24:34])


def _compared(what: str, own: tuple[int, Decimal], number: int, count: str, total: str) -> list[Problem]:
    """The totals of records 7 and 8 against the cheques they are about."""
    claimed = implied(total.strip() or "0", "USD", f"line {number}: total")
    told = whole(count.strip() or "0", f"line {number}: count")
    compared = (("cheques", own[0], told), ("total", own[1], claimed))
    return [
        Problem(number, f"{what}: {name} {found}, its total record says {says}")
        for name, found, says in compared
        if found != says
    ]


def _statement(box: _Box, problems: Sequence[Problem]) -> Statement:
    return Statement(
        account=box.number,
        currency="USD",
        opening=None,
        closing=None,
        entries=[_entry(one, box) for one in box.cheques],
        created=box.deposited.isoformat() if box.deposited else "",
        problems=problems,
        line=box.line,
    )


def _entry(cheque: _Cheque, box: _Box) -> Entry:
    text = cheque.text
    dated = yymmdd(text[50:52] + text[46:50])  # the date on a cheque is written MMDDYY
    name = text[52:82].strip() if dated else ""
    rest = [] if dated else [text[46:].strip()]
    narrative = [one.strip() for one in (*rest, *cheque.overflow) if one.strip()]
    transaction = Transaction(
        amount=cheque.amount,
        currency="USD",
        payer=Party(name, text[26:36].strip(), id=text[17:26].strip()),
        payee=Party(text[82:102].strip() if dated else ""),
        bank_reference=f"{box.number} {cheque.batch} {cheque.item}",
        cheque_number=text[36:46].strip().lstrip("0"),
        references=references.found_in(narrative),
        narrative=narrative,
        documents=_documents(cheque),
    )
    return Entry(
        amount=cheque.amount,
        currency="USD",
        booked_on=box.deposited,
        bank_code="116",  # BAI2: item in lockbox deposit
        bank_reference=transaction.bank_reference,
        transactions=(transaction,),
        line=cheque.line,
    )


def _documents(cheque: _Cheque) -> list[Document]:
    """Invoices and amounts of the overflow, where one of the known layouts adds up to the cheque.

    Banks lay record 4 out as their customers wish: a layout counts only where the arithmetic proves it.
    """
    for width in _NUMBER_WIDTHS:
        found = [_invoices(one, width) for one in cheque.overflow]
        told = [pair for one in found if one for pair in one]
        if told and all(found) and sum((amount for _, amount in told), Decimal(0)) == cheque.amount:
            return [Document(number, "IV", paid=amount, currency="USD") for number, amount in told]
    return []


def _invoices(text: str, width: int) -> list[tuple[str, Decimal]]:
    """Number and amount, again and again; empty where the text is not laid out so."""
    found: list[tuple[str, Decimal]] = []
    size = width + _AMOUNT_WIDTH
    for at in range(0, len(text), size):
        number, digits = text[at : at + width].strip(), text[at + width : at + size]
        if not number or not re.fullmatch(r"\d{10}", digits, re.ASCII):
            return []
        found.append((number, Decimal(digits).scaleb(-2)))
    return found
