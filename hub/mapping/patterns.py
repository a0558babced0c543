"""The functions of formulas that search text by a pattern, in time that grows no faster than the text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import re2  # type: ignore[import-untyped]  # it comes without types

from hub.mapping.signature import VARIES, Functions, Unfit
from hub.mapping.values import Refusal, as_text, shown

PATTERN_MAX = 200  # characters of a pattern
PATTERNS_MAX = 5  # patterns in one formula
SIZE_MAX = 5_000  # instructions a pattern may compile to
SUBJECT_MAX = 4_000  # characters searched: the longest text of the canonical model
WORK_MAX = 800_000  # bytes searched times instructions: what bounds the time, about 10 ms
REPLACED_MAX = 500  # places REGEXREPLACE may change
_MEMORY = 1 << 18  # bytes the engine may use per pattern

PATTERN_FUNCTIONS = Functions()

_GROUP = re.compile(r"\$([0-9$])")
_SAYS = 'write for example "^INV-([0-9]+)$"'
# How the engine names a fault (the words before the colon), and what a person can do about it.
_FAULTS: Mapping[str, str] = {
    "missing )": "close every ( with )",
    "unexpected )": "write \\\\) for a bracket that is meant as text",
    "missing ]": "close every [ with ]",
    "no argument for repetition operator": "write what repeats before * + or ?, or \\\\* for the character",
    "bad repetition operator": "one * + or ? is enough",
    "invalid repetition size": "repeat at most 1000 times",
    "invalid perl operator": "look-ahead and look-behind are not available; match more and take a group",
    "invalid escape sequence": "back-references such as \\\\1 are not available",
    "invalid character class range": "write the smaller character first, as in [a-z]",
    "trailing \\": "write \\\\\\\\ for a backslash",
    "pattern too large - compile failed": "repeat less",
}


@dataclass(frozen=True)
class Pattern:
    """A pattern of a formula, read once. Its syntax is RE2's: no look-around, no back-references."""

    text: str

    @cached_property
    def compiled(self) -> Any:
        """The engine's own form, for UTF-8 bytes."""
        options = re2.Options()
        options.max_mem = _MEMORY
        options.log_errors = False
        return re2.compile(self.text.encode(), options)

    def searched(self, value: Any) -> bytes:
        """The text to search. Refuses one that would take too long."""
        subject = as_text(value).encode(errors="replace")  # half a surrogate pair matches nothing anyway
        size = self.compiled.programsize
        most = min(SUBJECT_MAX, WORK_MAX // size)
        if len(subject) > most:
            raise Refusal(f"the text is too long to search, {len(subject)} bytes; take {most} with LEFT()")
        return subject


def read_pattern(written: Any, position: int) -> Pattern:
    """The pattern an author wrote. Raises Unfit where it is not constant text, unreadable or huge."""
    if not isinstance(written, str) or not written:
        raise Unfit(position, "a pattern is constant text in quotes", _SAYS)
    if len(written) > PATTERN_MAX:
        raise Unfit(position, f"the pattern is longer than {PATTERN_MAX} characters", "use several fields")
    pattern = Pattern(written)
    try:
        size = pattern.compiled.programsize
    except (re2.error, UnicodeError) as error:
        raise _unreadable(position, written, error) from None
    if size > SIZE_MAX:
        raise Unfit(position, f"the pattern {shown(written)} repeats too much", "use smaller numbers in { }")
    return pattern


def _unreadable(position: int, written: str, error: Exception) -> Unfit:
    """`error` holds the engine's words as bytes: `missing ): (`."""
    cause = error.args[0] if error.args else b""
    told = cause.decode(errors="replace") if isinstance(cause, bytes) else "it holds half a character"
    fault = next((fault for fault in _FAULTS if told.startswith(fault)), "")
    remedy = _FAULTS.get(fault, _SAYS)
    return Unfit(position, f"the pattern {shown(written)} cannot be read: {fault or told}", remedy)


def _one(values: tuple[Any, ...]) -> Mapping[int, Any]:
    return {1: read_pattern(values[1], 1)}


@PATTERN_FUNCTIONS.define("MATCHES", "bool", "any", "text", prepare=_one)
def _matches(value: Any, pattern: Pattern) -> bool:
    """MATCHES(text, pattern): is the pattern found in it? `^` and `$` stand for the beginning and the end.
    Example: MATCHES("INV-204", "^INV-[0-9]+$") -> true"""
    return pattern.compiled.search(pattern.searched(value)) is not None


def _grouped(values: tuple[Any, ...]) -> Mapping[int, Any]:
    pattern = read_pattern(values[1], 1)
    groups = pattern.compiled.groups
    wanted = values[2] if len(values) > 2 else 1 if groups else 0
    if wanted is VARIES:
        raise Unfit(2, "the group is a constant number", "write 1 for what the first ( ) holds")
    if wanted not in range(groups + 1):
        told = f"the pattern has {groups} groups in ( ), so {shown(wanted)} is none of them"
        raise Unfit(2, told, "0 is all that was found, 1 the first group")
    return {1: pattern, 2: int(wanted)}


@PATTERN_FUNCTIONS.define(
    "EXTRACT", "text", "any", "text", "number", least=2, blank="maybe", prepare=_grouped
)
def _extract(value: Any, pattern: Pattern, group: int) -> str | None:
    """EXTRACT(text, pattern, group): what the pattern finds, or no value. Group 1 is its first ( ) and the
    one taken, 0 is all that was found. Example: EXTRACT("ref INV-204 thanks", "INV-([0-9]+)") -> 204"""
    found = pattern.compiled.search(pattern.searched(value))
    return None if found is None else _part(found, group) or None


def _part(found: Any, group: int) -> str:
    part: bytes | None = found.group(group)
    return part.decode(errors="replace") if part else ""


def _replacing(values: tuple[Any, ...]) -> Mapping[int, Any]:
    pattern = read_pattern(values[1], 1)
    new = values[2]
    if not isinstance(new, str):
        raise Unfit(
            2, "what REGEXREPLACE writes is constant text", 'write for example "$1" for the first ( )'
        )
    for found in _GROUP.finditer(new):
        if found[1] != "$" and int(found[1]) > pattern.compiled.groups:
            told = f"'{found[0]}' is not a group: the pattern has {pattern.compiled.groups} in ( )"
            raise Unfit(2, told, "write $$ for a dollar sign")
    return {1: pattern}


@PATTERN_FUNCTIONS.define("REGEXREPLACE", "text", "any", "text", "text", prepare=_replacing)
def _replace(value: Any, pattern: Pattern, new: str) -> str:
    """REGEXREPLACE(text, pattern, new): all that the pattern finds exchanged; `$1`: what its first ( ) holds.
    Example: REGEXREPLACE("+49 (40) 123-45", "[^0-9]+", "") -> 494012345"""
    return b"".join(_replaced(pattern.searched(value), pattern, new)).decode(errors="replace")


def _replaced(subject: bytes, pattern: Pattern, new: str) -> Iterator[bytes]:
    done = 0
    for count, found in enumerate(pattern.compiled.finditer(subject)):
        if count == REPLACED_MAX:
            raise Refusal(f"the pattern is found more than {REPLACED_MAX} times")
        start, end = found.span()
        if start == end:
            continue  # an empty match is nothing to exchange, and may stand inside a character
        yield subject[done:start]
        yield _GROUP.sub(partial(_filled, found), new).encode()
        done = end
    yield subject[done:]


def _filled(found: Any, mark: re.Match[str]) -> str:
    return "$" if mark[1] == "$" else _part(found, int(mark[1]))
