"""BAI2 physical lines into logical records: blocks cut, continuations joined, lines remembered.

Source: BAI Cash Management Balance Reporting Specifications, Version 2 (record layouts).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from connectors.bank.flat import Line, excerpt
from hub.sdk import Invalid

LENGTH = 80  # physical record length where the 01 record tells none
CODES = ("01", "02", "03", "16", "49", "88", "98", "99")
# A record that begins behind another one's end on the same line: banks that pad blocks with spaces.
_NEXT = (
    r"01,[^,]*,[^,]*,\d{6},|02,[^,]*,[^,]*,[0-4],|03,[^,/]+,[A-Z]{0,3},|16,\d{3},|88,"
    r"|49,[+-]?\d*,\d+/|98,[+-]?\d*,\d+,\d+/|99,[+-]?\d*,\d+,\d+"
)
_BEHIND = re.compile(rf"/[ ]+(?={_NEXT})", re.ASCII)
_BEHIND_UNBROKEN = re.compile(rf"/[ ]*(?={_NEXT})", re.ASCII)


class Record(NamedTuple):
    """One logical record: its code, the pieces it came in, and where it begins."""

    code: str
    line: int
    pieces: Sequence[str]
    physical: int

    def fields(self) -> list[str]:
        """All fields behind the code, over all pieces, without the end mark."""
        return [one.strip() for piece in self.pieces for one in piece.split(",")]


def records(found: Sequence[Line]) -> list[Record]:
    """The logical records of a file in order.

    A line that begins with no record code goes on with the text of the record before it: some banks wrap
    without writing 88. Raises Invalid naming the line where nothing precedes it.
    """
    whole: list[Record] = []
    open_, pieces, line, physical = "", list[list[str]](), 0, 0  # a piece: its line, then those it goes on in
    for number, text in _physical(found):
        code, _, rest = text.partition(",")
        code = code.strip().rstrip("/")
        if code == "88" and open_:
            pieces.append([_ended(rest)])
            physical += 1
        elif code in CODES and code != "88":
            if open_:
                whole.append(_record(open_, line, pieces, physical))
            open_, pieces, line, physical = code, [[_ended(rest)]], number, 1
        elif open_ and (open_ == "16" or len(pieces) > 1):
            pieces[-1].append(_ended(text))
        else:
            raise Invalid(f"line {number}: {excerpt(text)} is no BAI2 record", field="record")
    if open_:
        whole.append(_record(open_, line, pieces, physical))
    return whole


def _record(code: str, line: int, pieces: Sequence[Sequence[str]], physical: int) -> Record:
    return Record(code, line, tuple(" ".join(one) for one in pieces), physical)


def _ended(rest: str) -> str:
    words = rest.rstrip()
    return words[:-1] if words.endswith("/") else words


def _physical(found: Sequence[Line]) -> Iterator[Line]:
    length = _length(found[0].text) if found else LENGTH
    shortest = min(length, LENGTH)
    pattern = _BEHIND_UNBROKEN if len(found) == 1 else _BEHIND
    for number, text in found:
        for piece in _blocks(text, length) if len(text) > shortest else (text,):
            for one in pattern.split(piece) if "/" in piece[:-1] else (piece,):
                if one.strip():
                    yield Line(number, one.strip() if one.lstrip()[:2] in CODES else one.rstrip())


def _length(header: str) -> int:
    """The physical record length that field 7 of the 01 record tells."""
    fields = header.partition("/")[0].split(",")
    told = fields[6].strip() if len(fields) > 6 else ""
    return int(told) if re.fullmatch(r"\d{1,5}", told, re.ASCII) and int(told) >= 10 else LENGTH


def _blocks(text: str, length: int) -> list[str]:
    """A block cut into its records, if every record length a record code begins; else as it is."""
    for size in dict.fromkeys((length, LENGTH)):
        cut = [text[at : at + size] for at in range(0, len(text), size)]
        if len(cut) > 1 and all(
            not one.strip() or re.match(r"(01|02|03|16|49|88|98|99),", one) for one in cut
        ):
            return cut
    return [text]
