"""Entries cut out of a camt file as it streams by, so that the XML parser has only the rest to read.

What is cut is known to be well-formed: complete elements of plain tags and text, each tag closed in order.
Everything else (comments, CDATA, attributes nobody expects, other encodings) stays in for the parser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from connectors.bank import camt_entry
from connectors.bank.camt_entry import Maker
from connectors.bank.camt_shape import NotPlain, Shapes
from hub.sdk import Invalid

CHUNK = 64 * 1024
_HELD_MAX = 2 * 1024**2  # bytes that wait for the end of a comment
_TAG_MAX = 64
_MARKS_MAX = 50  # comments and the like between two entries
_DECLARED = re.compile(rb"<\?xml[^>]{0,100}?encoding\s*=\s*[\"']([\w.-]{1,40})", re.ASCII)
_LEADING = re.compile(rb"^(?:\xef\xbb\xbf)?\s{1,100}(?=<\?xml)")  # XML forbids it, banks write it
_OPEN = re.compile(rb"<((?:[A-Za-z_][\w.-]{0,40}:)?)Ntry>", re.ASCII)
_WHOLE = re.compile(rb"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>", re.DOTALL)
_CONTROLS = bytes(one for one in range(32) if one not in b"\t\n\r")
# What may not stand in an entry, behind a byte of it that is looked for first: it is rare, and found quickly.
_FORBIDDEN = (
    (b"!", b"<!"), (b"?", b"<?"), (b"]", b"]]>"), (b"\xef", b"\xef\xbf\xbe"), (b"\xef", b"\xef\xbf\xbf")
)  # fmt: skip
_SHAPES = camt_entry.Kinds(Shapes(strict=True), Shapes(strict=True))


class Source(Protocol):
    """Where the bytes come from."""

    def read(self, size: int) -> bytes:
        """The next bytes, empty at the end."""
        ...


Made = TypeVar("Made")


@dataclass(slots=True)
class Piece(Generic[Made]):
    """Bytes for the parser, and the entries that were cut out behind them, with `breaks` line breaks."""

    outer: bytes
    entries: list[Made]
    prefix: bytes = b""
    breaks: int = 0


def pieces(source: Source, make: Maker[Made]) -> Iterator[Piece[Made]]:
    """The whole file in order; `make` makes what is wanted of an entry."""
    buffer = _LEADING.sub(b"", source.read(CHUNK))
    cutter = _Cutter(make)
    more = cutting = bool(buffer) and _is_utf8(buffer[:1_024])
    while more and cutting:
        chunk = source.read(max(CHUNK, len(buffer) // 2))
        more = bool(chunk)
        yield from cutter.cut(buffer)
        buffer = buffer[cutter.done :] + chunk
        cutting = not cutter.lost
    while buffer:
        yield Piece(buffer, [])
        buffer = source.read(CHUNK)


def _is_utf8(head: bytes) -> bool:
    """Is this text in UTF-8, as far as it says so itself?"""
    declared = _DECLARED.search(head)
    return b"\0" not in head and (declared is None or declared[1].lower() in (b"utf-8", b"us-ascii"))


class _Cutter(Generic[Made]):
    """How far the cutting is. `done`: bytes of the buffer dealt with; `lost`: in what may have no end."""

    def __init__(self, make: Maker[Made]) -> None:
        self._make = make
        self.done = 0
        self.lost = False
        self._line = 1  # at `_at`
        self._at = 0
        self._prefix: bytes | None = None
        self._searched = 0

    def cut(self, buffer: bytes) -> Iterator[Piece[Made]]:
        """The pieces of a buffer that begins where the last one was done."""
        self.done = self._at = 0
        if self._prefix is None and (found := _OPEN.search(buffer)):
            self._prefix = found[1]
        if self._prefix is None:
            yield from self._rest(buffer, len(buffer))
            return
        opening, closing = b"<%sNtry>" % self._prefix, b"</%sNtry>" % self._prefix
        clean = _is_clean(buffer)
        run: Piece[Made] | None = None
        while (start := buffer.find(opening, self._at)) >= 0:
            end = buffer.find(closing, max(start, self._searched)) + len(closing)
            if end < len(closing):
                break
            self._searched = 0
            gap, span = buffer[self._at : start], buffer[start:end]
            self.lost = _is_open(gap)
            begins = self._line + gap.count(b"\n")
            entry = None if self.lost else self._entry(span, begins, clean=clean)
            self.lost = self.lost or (entry is None and _is_open(span))
            if self.lost:
                break
            ends = begins + span.count(b"\n")
            if entry is not None:
                if run is None or self.done != self._at or gap.strip():
                    if run:
                        yield run
                    run = Piece(buffer[self.done : start], [], self._prefix)
                    self._line = begins
                run.entries.append(entry)
                run.breaks += ends - self._line
                self.done = end
            self._at, self._line = end, ends
        if run:
            yield run
        yield from self._rest(buffer, start if start >= 0 else len(buffer))

    def _rest(self, buffer: bytes, until: int) -> Iterator[Piece[Made]]:
        """What stands before `until` goes to the parser, up to the last tag that is complete."""
        complete = until if until < len(buffer) else max(self._at, buffer.rfind(b">", self._at) + 1)
        if not self.lost and not _is_open(buffer[self._at : complete]):
            self._line += buffer.count(b"\n", self._at, complete)
            if complete > self.done:
                yield Piece(buffer[self.done : complete], [])
            self._searched = max(0, len(buffer) - complete - _TAG_MAX) if until < len(buffer) else 0
            self.done = complete
            return
        self.lost = self.lost or len(buffer) - self.done > _HELD_MAX
        self._line -= buffer.count(b"\n", self.done, self._at)

    def _entry(self, span: bytes, line: int, *, clean: bool) -> Made | None:
        """What is made of the entry, None where only the parser can tell what it is."""
        if not clean and not _is_clean(span):
            return None
        try:
            text = span.decode("utf-8")
            if "\r" in text:
                text = text.replace("\r\n", "\n").replace("\r", "\n")
            return camt_entry.read(text, (self._prefix or b"").decode("ascii"), line, _SHAPES, self._make)
        except (NotPlain, Invalid, UnicodeDecodeError):
            return None


def _is_open(text: bytes) -> bool:
    """May a comment, a CDATA section, an instruction or a document type begin here and not end?"""
    if len(text) < 2:
        return False
    marks = text.count(b"<!") + text.count(b"<?")
    if not marks:
        return False
    left = _WHOLE.sub(b"", text) if marks <= _MARKS_MAX else text
    return b"<!" in left or b"<?" in left


def _is_clean(text: bytes) -> bool:
    """Is there nothing in it but tags and text of characters that XML allows?"""
    if len(text.translate(None, _CONTROLS)) != len(text):
        return False
    return not any(rare in text and whole in text for rare, whole in _FORBIDDEN)
