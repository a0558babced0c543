"""The ISA segment: which characters separate what follows it, and who sends it to whom."""

from __future__ import annotations

import re
from typing import NamedTuple

LONGEST = 400  # characters in which an ISA must end, padding and line breaks counted
_PLACES = (3, 6, 17, 20, 31, 34, 50, 53, 69, 76, 81, 83, 89, 99, 101, 103)
_WIDTHS = (2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1, 1)
_BREAKS = "\r\n"
STARTS = re.compile(r"(?<![A-Za-z0-9])ISA(?=([^A-Za-z0-9\r\n\t])[^\r\n]{0,12}?\1)")
_OTHER_TERMINATOR = "segments do not end with the character that ISA names as their terminator"
FIRST_REPEATING = "00402"  # ISA11 is a separator from this version on, a standards id before


class Marks(NamedTuple):
    """The separators of one interchange; `component` and `repetition` are empty where it has none.

    `trimmed`: segments end with blanks before the line break that ends them.
    """

    element: str
    component: str
    repetition: str
    terminator: str
    trimmed: bool = False


class Header(NamedTuple):
    """An ISA as it was sent. `elements` are the 16 values (fewer where it is broken), as they stand.

    `flaws` are (note code of a TA1, sentence): what of it is not as the standard wants. `headless`: there
    was none, the separators are guessed from what stood there instead.
    """

    elements: tuple[str, ...]
    marks: Marks
    flaws: tuple[tuple[str, str], ...]
    headless: bool = False

    def at(self, place: int) -> str:
        """A value without its padding, counted from 1; empty where the ISA is too short."""
        return self.elements[place - 1].strip() if place <= len(self.elements) else ""

    @property
    def usable(self) -> bool:
        """Can an answer be addressed?"""
        return len(self.elements) == len(_WIDTHS)


def read(text: str) -> tuple[Header, int] | None:
    """The ISA that a text begins with and how many characters it takes; None where no end can be found."""
    element = text[3]
    head, taken = _unwrapped(text[:LONGEST])
    parts = head.split(element, 16)
    if len(parts) == 17 and _plausible(parts):
        tail = parts[16]
        before = len(head) - len(tail)
        marks, used = _tail(element, parts[11].strip(), parts[12].strip(), tail)
        if marks is not None:
            elements = (*parts[1:16], tail[0] if marks.component else "")
            used_end = taken(before + used)
            seen = _seen_terminator(text[used_end:], marks)
            told = (*_flaws(elements, marks), ("004", _OTHER_TERMINATOR)) if seen else _flaws(elements, marks)
            marks = marks._replace(terminator=seen or marks.terminator)
            return Header(elements, marks, told), used_end
    return _broken(text, element)


def _unwrapped(text: str) -> tuple[str, _Taken]:
    """The head without the line breaks that wrapping puts inside an ISA, and how to count them in again."""
    if not any(char in text[:105] for char in _BREAKS):
        return text, _Taken([])
    cut = [at for at, char in enumerate(text[:105]) if char in _BREAKS]
    fixed = all(text[at : at + 1] == text[3] for at in _PLACES)
    inside = [at for at in cut if not fixed and text.count(text[3], 0, at) < 16]
    ends = zip([0, *(at + 1 for at in inside)], [*inside, len(text)], strict=True)
    return "".join(text[begin:end] for begin, end in ends), _Taken(inside)


class _Taken:
    """Turns a length without the removed line breaks into one with them."""

    def __init__(self, removed: list[int]) -> None:
        self.removed = removed

    def __call__(self, length: int) -> int:
        for at in self.removed:
            length += at < length
        return length


def _plausible(parts: list[str]) -> bool:
    """Are these the elements of an ISA, and not those of an ISA too short and of what follows?"""
    if any(len(part) > 40 for part in parts[1:16]) or not parts[16]:
        return False
    return not (parts[16][0].isalnum() or parts[12].strip() in ("", "GS") or len(parts[11].strip()) > 1)


def _tail(element: str, standard: str, version: str, tail: str) -> tuple[Marks | None, int]:
    """Separators from what follows the 16th element separator, and the length of that."""
    component, used = (tail[0], 1)
    if component in _BREAKS or component == element:
        component, used = "", 0 if component in _BREAKS else 1
    terminator, length, trimmed = _terminator(tail[used:], element)
    if not terminator:
        return None, 0
    if terminator in _BREAKS and component and _ends_lines(tail[used + length :], component):
        terminator, component = component, ""
        length = 0  # the separator that is missing is ISA16: what stood there ends the segment
    if component == terminator:
        component = ""
    repeating = version >= FIRST_REPEATING and len(standard) == 1 and not standard.isalnum()
    repetition = standard if repeating and standard not in (element, terminator, component) else ""
    return Marks(element, component, repetition, terminator, trimmed), used + length


def _seen_terminator(rest: str, marks: Marks) -> str:
    """What segments really end with, where the first ST shows that it is not what ISA says; else empty."""
    mark = re.escape(marks.element)
    found = re.search(rf"(?<![A-Za-z0-9{mark}])ST{mark}\d{{3}}{mark}", rest[:4000])
    if found is None or _ending(rest[: found.start()], marks.element)[0] in ("", marks.terminator):
        return ""
    guessed = _guess(rest[found.start() :], marks.element)
    same = guessed == marks.terminator or (guessed == "\n" and marks.terminator == "\r")
    return "" if same else guessed


def _terminator(rest: str, element: str) -> tuple[str, int, bool]:
    """The character that ends segments, how many characters up to it, and whether blanks stand before it."""
    blanks = len(rest) - len(rest.lstrip(" \t"))
    char = rest[blanks : blanks + 1]
    if not char:
        return " " if blanks else "~", blanks, False  # the ISA is all there is
    if char in _BREAKS:
        return ("\n" if rest[blanks : blanks + 2] == "\r\n" else char), blanks + 1, blanks > 0
    if not char.isalnum() and char != element:
        return char, blanks + 1, blanks > 0
    if blanks:
        return " ", 1, False
    return "", 0, False


def _ends_lines(rest: str, char: str) -> bool:
    """Does the first line behind the ISA end with this character? Then it is no component separator."""
    line = next((one for one in re.split(r"[\r\n]", rest) if one.strip()), "")
    return line.rstrip().endswith(char)


def _broken(text: str, element: str) -> tuple[Header, int] | None:
    """An ISA of too few or too many elements: it ends where a GS, TA1 or ST begins, or at its line's end."""
    names = rf"(?:GS|TA1|ST|IEA){re.escape(element)}"
    found = re.search(names, text[3:LONGEST])
    if found is None:
        return None
    end = 3 + found.start()
    char, blanks = _ending(text[3:end], element)
    guessed = char or ("\n" if any(one in _BREAKS for one in blanks) else _guess(text[end:], element)) or "~"
    elements = tuple(text[4 : end - len(char) - len(blanks)].split(element))
    marks = Marks(element, "", "", guessed)
    words = f"ISA has {len(elements)} elements where 16 are wanted: who sent it to whom cannot be told"
    if len(elements) == 16:
        words = "ISA does not end with a component separator and a segment terminator"
    return Header(elements, marks, (("022", words),)), end


def _ending(text: str, element: str) -> tuple[str, str]:
    """What a text ends with: the sign before the blanks, if it can be a terminator, and the blanks."""
    kept = text.rstrip()
    char = kept[-1:]
    return ("" if char == element or (char.isascii() and char.isalnum()) else char), text[len(kept) :]


def _guess(rest: str, element: str) -> str:
    """The terminator from the first ST: the first character behind its number that is no part of it."""
    mark = re.escape(element)
    found = re.search(rf"ST{mark}[^{mark}]{{1,6}}{mark}[A-Za-z0-9]{{1,9}}([^A-Za-z0-9])", rest[:4000])
    return (found.group(1) if found else "").replace("\r", "\n")


def headless(text: str) -> tuple[Header, int] | None:
    """A header for a text without ISA in which a GS or ST stands; None where there is none of either."""
    found = re.search(r"(?<![A-Za-z0-9])(?:GS|ST)(?=([^A-Za-z0-9\s])[A-Z0-9]{1,6}\1)", text)
    if found is None:
        return None
    element = found.group(1)
    terminator = _guess(text[found.start() :], element) or "~"
    marks = Marks(element, "", "", terminator if terminator != element else "~")
    words = "there is no ISA: a group or transaction set stands outside an interchange"
    return Header((), marks, (("024", words),), headless=True), found.start()


def _flaws(elements: tuple[str, ...], marks: Marks) -> tuple[tuple[str, str], ...]:
    found = []
    wrong = [
        f"ISA{at:02d}"
        for at, (value, width) in enumerate(zip(elements, _WIDTHS, strict=True), 1)
        if len(value) != width and at < 16
    ]
    if wrong:
        found.append(("", f"ISA is not of fixed width: {', '.join(wrong)}"))
    if not marks.component:
        found.append(("027", "ISA16 names no component separator"))
    if not re.fullmatch(r"\d{9}", elements[12].strip(), re.ASCII):
        found.append(("018", "ISA13 is not a number of nine digits"))
    if not re.fullmatch(r"00\d{3}", elements[11].strip(), re.ASCII):
        found.append(("017", "ISA12 is not a version of the envelope"))
    if elements[14].strip() not in ("P", "T", "I"):
        found.append(("020", "ISA15 is neither P, T nor I"))
    if not elements[5].strip():
        found.append(("006", "ISA06 names no sender"))
    if not elements[7].strip():
        found.append(("008", "ISA08 names no receiver"))
    return tuple(found)
