"""What is wrong with a mapping file, where exactly, and what to do about it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple


class Place(NamedTuple):
    """A position in the mapping file; both count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault of a mapping file. `remedy` is what the author can do, empty where the message says it.

    A mapping with an error does not run; a warning is for the author to look at.
    """

    file: str
    line: int
    column: int
    message: str
    remedy: str = ""
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        mild = "warning: " if self.severity == "warning" else ""
        told = f"{self.file or '<mapping>'}:{self.line}:{self.column}: {mild}{self.message}"
        return f"{told}; {self.remedy}" if self.remedy else told


class GrammarError(ValueError):
    """Text in a mapping that breaks the grammar, `offset` characters into it."""

    def __init__(self, message: str, *, remedy: str = "", offset: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.offset = offset


def nearest(name: str, known: Iterable[str], *, shown: int = 12) -> str:
    """The remedy for a name that does not exist: the closest known one, else the list of them."""
    names = sorted(known)
    folded = {candidate.lower(): candidate for candidate in names}
    close = difflib.get_close_matches(name.lower(), list(folded), 1)
    if close:
        return f"did you mean '{folded[close[0]]}'?"
    if not names:
        return ""
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return f"known: {', '.join(names[:shown])}{more}"
