"""Cuts what arrives into segments, interchange by interchange, in whatever pieces it is read."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from connectors.edi import header as headers
from connectors.edi.guide import known
from connectors.edi.header import Header, Marks

CHUNK_BYTES = 1 << 16
SEGMENT_LONGEST = 8 << 20  # characters; a longer one is not kept, and said so
_JUNK = "\ufeff\x00\x1a \t\r\n\f\v"
_BLANK = " \t\r\n\ufeff\x00\x1a"
_EXCERPT = 40
_HEAD_AND_TAIL = ("ISA", "IEA")
_QUOTED = re.compile(r"[^A-Za-z0-9\s]{1,8}\s*")  # quoting or markup before a segment
_BREAK = re.compile(r"[\r\n]")


class Flaw(NamedTuple):
    """Something that is not a segment, or was not cut as it should be. `inside`: of the next segment."""

    check: str
    message: str
    inside: bool = False


Token = str | Header | Flaw


def chunks(source: BinaryIO, size: int = CHUNK_BYTES) -> Iterator[str]:
    """Text of a binary stream. Bytes that are not UTF-8 come back as Latin-1 when a segment is cut."""
    first = source.read(size)
    kind = "utf-16" if first[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    decoder = codecs.getincrementaldecoder(kind)("replace" if kind == "utf-16" else "surrogateescape")
    while first:
        yield decoder.decode(first)
        first = source.read(size)
    yield decoder.decode(b"", True)


def of_file(path: Path) -> Iterator[Token]:
    """Tokens of a file. Raises OSError where it cannot be read."""
    with path.open("rb") as source:
        yield from tokens(chunks(source))


def of_bytes(body: bytes) -> Iterator[Token]:
    """Tokens of what was received."""
    import io

    return tokens(chunks(io.BytesIO(body)))


class _Window:
    """What has been read and not been cut."""

    def __init__(self, source: Iterable[str]) -> None:
        self.source, self.text, self.ended = iter(source), "", False

    def more(self) -> bool:
        """Read on; False at the end."""
        piece = next(self.source, None)
        while piece == "":
            piece = next(self.source, None)
        self.ended = piece is None
        self.text += piece or ""
        return not self.ended

    def filled(self, length: int) -> bool:
        """Read until there are so many characters; False where there are not."""
        while len(self.text) < length and self.more():
            pass
        return len(self.text) >= length


def tokens(source: Iterable[str]) -> Iterator[Token]:
    """Headers, segments and flaws in the order they stand."""
    window = _Window(source)
    marks: Marks | None = None
    while window.filled(1):
        window.text = window.text.lstrip(_JUNK)
        if not window.text:
            continue
        if _at_header(window):
            found = headers.read(window.text)
            if found is not None:
                header, taken = found
                marks, window.text = header.marks, window.text[taken:]
                yield header
                continue
            marks = None
        if marks is None:
            for token in _stray(window):
                marks = token.marks if isinstance(token, Header) else marks
                yield token
            continue
        yield from _segments(window, marks)


def _at_header(window: _Window) -> bool:
    window.filled(24)  # as much as STARTS looks at
    if not headers.STARTS.match(window.text):
        return False
    window.filled(4000)  # the ISA and enough behind it to tell its separators
    return True


def _stray(window: _Window) -> Iterator[Token]:
    """What stands where an ISA should: named and passed over, unless a group or set is in it."""
    while not window.ended and len(window.text) < SEGMENT_LONGEST and not _next_header(window.text, 1):
        window.more()
    end = _next_header(window.text, 1) or len(window.text)
    found = headers.headless(window.text[:end])
    begin = found[1] if found else end
    words = window.text[:begin].strip(_JUNK)
    window.text = window.text[begin:]
    if words:
        what = "EDIFACT and not X12" if words[:3] in ("UNA", "UNB") else "not X12"
        yield Flaw("garbage", f"{what}, passed over: {excerpt(words)} ({len(words)} characters)")
    if found:
        yield found[0]


def _next_header(text: str, start: int) -> int:
    found = headers.STARTS.search(text, start)
    return found.start() if found else 0


def _segments(window: _Window, marks: Marks) -> Iterator[Token]:
    """Segments up to the next ISA or the end of what is read; the rest stays in the window."""
    cut = marks.terminator
    window.filled(CHUNK_BYTES // 2)
    breaking = cut in "\r\n"
    while not (cut in window.text or (breaking and _BREAK.search(window.text))):
        if len(window.text) >= SEGMENT_LONGEST or not window.more():
            break
    text = window.text.replace("\r\n", "\n").replace("\r", "\n") if breaking else window.text
    pieces = text.split("\n" if breaking else cut)
    rest = "" if window.ended else pieces.pop()
    tail = () if window.ended else (rest,)
    if len(rest) >= SEGMENT_LONGEST:
        yield Flaw("oversize", f"a segment of over {SEGMENT_LONGEST} characters was not kept", inside=True)
        rest = ""
    if breaking and rest == "" and text.endswith("\n") and window.text.endswith("\r"):
        rest = "\n"  # its other half may be in the next piece
    window.text = rest
    glue = "\n" if breaking else cut
    lined = _lined(text, marks)
    exact = marks.trimmed  # blanks before each terminator are to be cut off
    for at, piece in enumerate(pieces):
        word = piece if piece[:1].isalpha() else piece.lstrip(_BLANK)
        if word.isprintable() and word.isascii() and word[:1].isalpha() and not exact:
            if word[0] != "I" or word[:3] not in _HEAD_AND_TAIL:
                yield word
                continue
            if word[:3] == "ISA" and (len(word) == 3 or headers.STARTS.match(word)):
                onward = glue.join([word, *pieces[at + 1 :], *tail])
                if headers.STARTS.match(onward):
                    window.text = onward
                    return
        last = at == len(pieces) - 1
        if not any(char.isprintable() and char != " " for char in piece):
            if not breaking and not last and not piece:
                yield Flaw("empty", "an empty segment")
            continue
        yield from _repaired(piece, marks, lined)
        if (begins := _behind(piece)) is not None:
            window.text = glue.join([piece[begins:], *pieces[at + 1 :], *tail])
            return


def _behind(piece: str) -> int | None:
    """Where in a piece the next ISA begins: at a line's start, or behind an IEA that nothing ends."""
    trailer = piece.lstrip(_BLANK).startswith("IEA")
    for found in headers.STARTS.finditer(piece):
        before = piece[: found.start()].rstrip(" \t")
        if not before.strip(_BLANK) or before[-1] in "\r\n" or trailer:
            return found.start()
    return None


def _repaired(piece: str, marks: Marks, lined: bool) -> Iterator[Token]:
    """A segment freed of blanks, line breaks and comments around and in it."""
    end = _behind(piece)
    text = decoded(piece[:end]).lstrip(_BLANK).rstrip("\r\n")
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
    whole, junk = [""], []
    for line in re.split(r"[\r\n]+", text):
        stripped = line.lstrip(" \t")
        begins = _begins(stripped, marks)
        if not begins and (quoted := _QUOTED.match(stripped)) and _begins(stripped[quoted.end() :], marks):
            junk.append(quoted.group())
            stripped, begins = stripped[quoted.end() :], True
        if begins and not whole[-1]:
            whole[-1] = stripped
        elif begins and known(_name(stripped, marks)) and known(_name(whole[-1], marks)) and lined:
            whole.append(stripped)
        elif whole[-1]:
            whole[-1] += line
        elif line.strip():
            junk.append(line.strip())
    if junk and whole[-1]:
        yield Flaw("garbage", f"not X12, passed over: {excerpt(' '.join(junk))}")
    yield whole[0] or " ".join(junk)
    for one in whole[1:]:
        yield Flaw(
            "terminator", "the segment before this one has no terminator, only a line break", inside=True
        )
        yield one


def _begins(line: str, marks: Marks) -> bool:
    """Does this line begin like a segment, with an id and a separator (or is it an id alone)?"""
    name, found, _ = line.partition(marks.element)
    return bool(found) and 2 <= len(name) <= 3 and name[0].isupper() and name.isalnum() and name.isascii()


def _name(line: str, marks: Marks) -> str:
    return line.partition(marks.element)[0]


def _lined(text: str, marks: Marks) -> bool:
    """Does a segment end at most line breaks? Else lines are wrapped, and a break says nothing."""
    found = [line.rstrip() for line in text[:8000].split("\n") if line.strip()]
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
