"""Cuts what arrives into segments, interchange by interchange, in whatever pieces it is read."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import BinaryIO, NamedTuple

from connectors.edi import header as headers
from connectors.edi.guide import known
from connectors.edi.header import Header, Marks
from hub.sdk import Invalid

CHUNK_BYTES = 1 << 16
SEGMENT_LONGEST = 8 << 20  # characters; a longer one is not kept, and said so
_JUNK = "\ufeff\x00\x1a \t\r\n\f\v"
_BLANK = " \t\r\n\ufeff\x00\x1a"
_EXCERPT = 40
_PACKED = {
    "gzip": b"\x1f\x8b", "zip": b"PK\x03\x04", "bzip2": b"BZh", "xz": b"\xfd7zXZ\0",
    "7z": b"7z\xbc\xaf\x27\x1c",
}  # fmt: skip
_HEAD_AND_TAIL = ("ISA", "IEA")
_BREAKS = "\r\n"
_BLOCK = 256  # characters cut at once behind an ISA; twice as many each time from there on
_LINES_LOOK, _LINES_MAX = 8000, 100  # characters, and lines of them, that tell how lines end
_START_LONGEST = 24  # characters that headers.STARTS looks at, and some
_HEADER_LOOK = headers.LONGEST + 4000  # characters that headers.read looks at
_SOLID = re.compile(f"[^{_JUNK}]")
_LINE_END = re.compile(r"\r\n?|\n")
_QUOTED = re.compile(r"[^A-Za-z0-9\s]{1,8}\s*")  # quoting or markup before a segment
_BREAK = re.compile(r"[\r\n]")


class Flaw(NamedTuple):
    """Something that is not a segment, or was not cut as it should be. `inside`: of the next segment."""

    check: str
    message: str
    inside: bool = False


Token = str | Header | Flaw


def chunks(source: BinaryIO, size: int = CHUNK_BYTES) -> Iterator[str]:
    """Text of a binary stream. Bytes that are not UTF-8 come back as Latin-1 when a segment is cut.

    Raises Invalid where it is packed.
    """
    first = source.read(size)
    check_unpacked(first)
    kind = "utf-16" if first[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    decoder = codecs.getincrementaldecoder(kind)("replace" if kind == "utf-16" else "surrogateescape")
    while first:
        yield decoder.decode(first)
        first = source.read(size)
    yield decoder.decode(b"", True)


def check_unpacked(body: bytes) -> None:
    """Raises Invalid for what begins like a packed file: unpacking is left to whoever knows its size."""
    for name, mark in _PACKED.items():
        if body.startswith(mark):
            raise Invalid(
                f"the file is packed ({name}): unpack it, and send the X12 file itself", field="body"
            )


def of_file(path: Path) -> Iterator[Token]:
    """Tokens of a file. Raises OSError where it cannot be read, Invalid where it is packed."""
    with path.open("rb") as source:
        yield from tokens(chunks(source))


def of_bytes(body: bytes) -> Iterator[Token]:
    """Tokens of what was received."""
    import io

    return tokens(chunks(io.BytesIO(body)))


class _Window:
    """What has been read: the text from `at` on waits to be cut, what stands before is dropped in time."""

    def __init__(self, source: Iterable[str]) -> None:
        self.source, self.text, self.at, self.ended = iter(source), "", 0, False

    @property
    def left(self) -> int:
        """How many characters wait."""
        return len(self.text) - self.at

    def more(self) -> bool:
        """Read on; False at the end. The more waits the more is read, so that long waits cost no more."""
        if self.ended:
            return False
        pieces = [self.text[self.at :]]
        self.at, length = 0, len(pieces[0])
        wanted = length + length // 2 + 1
        while length < wanted and (piece := next(self.source, None)) is not None:
            pieces.append(piece)
            length += len(piece)
        self.text, self.ended = "".join(pieces), length < wanted
        return not self.ended

    def filled(self, length: int) -> bool:
        """Read until there are so many characters; False where there are not."""
        while self.left < length and self.more():
            pass
        return self.left >= length

    def head(self, length: int) -> str:
        """The next characters, at most so many."""
        return self.text[self.at : self.at + length]


def tokens(source: Iterable[str]) -> Iterator[Token]:
    """Headers, segments and flaws in the order they stand."""
    window = _Window(source)
    marks: Marks | None = None
    size = _BLOCK
    while window.filled(1):
        solid = _SOLID.search(window.text, window.at)
        window.at = solid.start() if solid else len(window.text)
        if not solid:
            continue
        if _at_header(window):
            found = headers.read(window.head(_HEADER_LOOK))
            if found is not None:
                header, taken = found
                marks, size = header.marks, _BLOCK
                window.at += taken
                yield header
                continue
            marks = None
        if marks is None:
            size = _BLOCK
            for token in _stray(window):
                marks = token.marks if isinstance(token, Header) else marks
                yield token
            continue
        yield from _segments(window, marks, size)
        size = min(size * 2, SEGMENT_LONGEST)


def _at_header(window: _Window) -> bool:
    window.filled(_START_LONGEST)
    if not headers.STARTS.match(window.head(_START_LONGEST)):
        return False
    window.filled(4000)  # the ISA and enough behind it to tell its separators
    return True


def _stray(window: _Window) -> Iterator[Token]:
    """What stands where an ISA should: named and passed over, unless a group or set is in it."""
    passed = window.head(_next_header(window))
    found = headers.headless(passed)
    passed = passed[: found[1]] if found else passed
    window.at += len(passed)
    words = passed.strip(_JUNK)
    if words:
        what = "EDIFACT and not X12" if words[:3] in ("UNA", "UNB") else "not X12"
        yield Flaw("garbage", f"{what}, passed over: {excerpt(words)} ({len(words)} characters)")
    if found:
        yield found[0]


def _next_header(window: _Window) -> int:
    """How many characters stand before the next ISA, the first one not looked at; all where there is none."""
    seen = 1
    while (found := headers.STARTS.search(window.text, window.at + seen)) is None:
        if window.ended or window.left >= SEGMENT_LONGEST:
            return window.left
        seen = max(1, window.left - _START_LONGEST)
        window.more()
    return found.start() - window.at


def _block(window: _Window, ends: str, size: int) -> tuple[str, bool]:
    """Whole segments of about so many characters, and whether the last of them may be without its end.

    Nothing costs more than what is taken: an ISA that follows soon ends a block that has no terminator.
    """
    window.filled(CHUNK_BYTES // 2)
    while True:
        text, begin, limit = window.text, window.at, window.at + size
        if window.ended and len(text) <= limit:
            return text[begin:], True
        if (end := max(text.rfind(one, begin, limit) for one in ends)) >= 0:
            return text[begin : end + 1], False
        if _behind(text[begin:limit]) is not None:
            return text[begin:limit], True
        if window.left >= SEGMENT_LONGEST and limit >= len(text):
            return text[begin:], False
        size *= 2
        window.filled(min(size, SEGMENT_LONGEST))


def _segments(window: _Window, marks: Marks, size: int) -> Iterator[Token]:
    """A block of segments, or those of it up to the next ISA; what follows stays in the window."""
    cut = marks.terminator
    breaking = cut in _BREAKS
    text, open_ended = _block(window, _BREAKS if breaking else cut, size)
    begin, window.at = window.at, window.at + len(text)
    pieces = _LINE_END.split(text) if breaking else text.split(cut)
    if not open_ended and pieces.pop():
        yield Flaw("oversize", f"a segment of over {SEGMENT_LONGEST} characters was not kept", inside=True)
    lined: bool | None = None
    exact = marks.trimmed  # blanks before each terminator are to be cut off
    counted = place = 0  # where in the block a piece begins, once it was asked for
    for at, piece in enumerate(pieces):
        word = piece if piece[:1].isalpha() else piece.lstrip(_BLANK)
        if word.isprintable() and word.isascii() and word[:1].isalpha() and not exact:
            if word[0] != "I" or word[:3] not in _HEAD_AND_TAIL:
                yield word
                continue
            if (word == "ISA" and not breaking) or headers.STARTS.match(word):
                place += _length(text, pieces[counted:at], breaking)
                counted = at
                onward = begin + place + len(piece) - len(word)
                if headers.STARTS.match(window.text[onward : onward + _START_LONGEST]):
                    window.at = onward
                    return
        if not any(char.isprintable() and char != " " for char in piece):
            if not (breaking or piece or (open_ended and at == len(pieces) - 1)):
                yield Flaw("empty", "an empty segment")
            continue
        begins = _behind(piece)
        if lined is None:
            lined = _lined(window.text[begin : begin + _LINES_LOOK], marks)
        yield from _repaired(piece[:begins], marks, lined)
        if begins is not None:
            window.at = begin + place + _length(text, pieces[counted:at], breaking) + begins
            return


def _length(text: str, pieces: Sequence[str], breaking: bool) -> int:
    """How much of a block these pieces were, the first of it unless segments end with one character."""
    if not breaking:
        return sum(map(len, pieces)) + len(pieces)
    ends = [found.end() for found in islice(_LINE_END.finditer(text), len(pieces))]
    return ends[-1] if ends else 0


def _behind(piece: str) -> int | None:
    """Where in a piece the next ISA begins: at a line's start, or behind an IEA that nothing ends."""
    first = len(piece) - len(piece.lstrip(_BLANK))
    trailer = piece.startswith("IEA", first)
    for found in headers.STARTS.finditer(piece, max(0, first - 1)):
        at = found.start()
        before = at - 1
        while before > first and piece[before] in " \t":
            before -= 1
        if at <= first or piece[before] in _BREAKS or trailer:
            return at
    return None


def _repaired(piece: str, marks: Marks, lined: bool) -> Iterator[Token]:
    """A segment freed of blanks, line breaks and comments around and in it."""
    text = decoded(piece).lstrip(_BLANK).rstrip("\r\n")
    if marks.trimmed:
        text = text.rstrip(" \t")
    if "\n" not in text and "\r" not in text and not _QUOTED.match(text):
        if text:
            yield text
        return
    joined = _BREAK.sub("", text)
    if not lined and _begins(joined, marks):
        yield joined
        return
    yield from _lines(text, marks, lined)


def _lines(text: str, marks: Marks, lined: bool) -> Iterator[Token]:
    """Lines as the segments they are, or go on with; the first may stand behind others that are none."""
    whole: list[list[str]] = [[]]
    junk, name = [], ""
    for line in re.split(r"[\r\n]+", text):
        stripped = line.lstrip(" \t")
        begins = _begins(stripped, marks)
        if not begins and (quoted := _QUOTED.match(stripped)) and _begins(stripped[quoted.end() :], marks):
            junk.append(quoted.group())
            stripped, begins = stripped[quoted.end() :], True
        if begins and not whole[-1]:
            whole[-1], name = [stripped], _name(stripped, marks)
        elif begins and lined and known(_name(stripped, marks)) and known(name):
            whole.append([stripped])
            name = _name(stripped, marks)
        elif whole[-1]:
            whole[-1].append(line)
        elif line.strip():
            junk.append(line.strip())
    if junk and whole[-1]:
        yield Flaw("garbage", f"not X12, passed over: {excerpt(' '.join(junk))}")
    yield "".join(whole[0]) or " ".join(junk)
    for one in whole[1:]:
        yield Flaw(
            "terminator", "the segment before this one has no terminator, only a line break", inside=True
        )
        yield "".join(one)


def _begins(line: str, marks: Marks) -> bool:
    """Does this line begin like a segment, with an id and a separator (or is it an id alone)?"""
    name, found, _ = line.partition(marks.element)
    return bool(found) and 2 <= len(name) <= 3 and name[0].isupper() and name.isalnum() and name.isascii()


def _name(line: str, marks: Marks) -> str:
    return line.partition(marks.element)[0]


def _lined(text: str, marks: Marks) -> bool:
    """Does a segment end at most line breaks? Else lines are wrapped, and a break says nothing."""
    found = [line.rstrip() for line in text.split("\n", _LINES_MAX)[:_LINES_MAX] if line.strip()]
    return sum(line.endswith(marks.terminator) for line in found) * 2 > len(found)


def decoded(text: str) -> str:
    """Text with what was not UTF-8 read as Latin-1."""
    if text.isascii():
        return text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape").decode("latin-1")
    return text


def excerpt(words: str) -> str:
    """The beginning of a text, fit to be shown in one line."""
    shown = "".join(char if char.isprintable() else " " for char in decoded(words[: _EXCERPT * 2]))
    return repr(shown[:_EXCERPT] + ("..." if len(words) > _EXCERPT else ""))
