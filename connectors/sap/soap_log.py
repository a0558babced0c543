"""The log in an answer of SAP's accounting services: its notes, and what they mean for a retry."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from connectors.sap.soap_wire import Element, words
from hub.sdk import ConnectorError, Rejected, Transient

_NOTES_MAX = 200
_TEXT_MAX = 2_000
_TYPE = re.compile(r"(\d{1,4})\s*\(([^()]{1,20})\)")  # as answers have it: 201(F5)
_ERRORS = frozenset("34EAX")  # LogItemSeverityCode: 1 information, 2 warning, 3 error, 4 abort
_FRAMES = frozenset({"RW/609"})  # "Error in document: ...": the reason is in the notes after it
# Someone is at the object now; it will be free again (MC 601: object requested is locked by a user;
# V1 042: order is being processed by a user; M3 682, F5 670: master record, document being changed).
_LOCKS = frozenset({"MC/601", "V1/042", "M3/682", "F5/670", "ME/006"})
_LOCKED = re.compile(
    r"currently (being )?(processed|edited|locked|used) by|(is|are) (already )?(locked|being processed) by "
    r"(user|another)|locked by user",
    re.IGNORECASE,
)


class Note(NamedTuple):
    """One message of the log; `code` is message class and number, such as F5/201."""

    code: str
    severity: str
    text: str

    @property
    def failed(self) -> bool:
        """An error or abort, not a warning."""
        return self.severity in _ERRORS

    @property
    def locked(self) -> bool:
        """Does it say that somebody else is at the object?"""
        return self.failed and (self.code in _LOCKS or _LOCKED.search(self.text) is not None)


def notes(answer: Element) -> list[Note]:
    """All notes of an answer, of the whole and of its entries, each once, in order."""
    found: dict[Note, None] = {}
    for log in answer.iter("{*}Log"):
        for item in log.iterfind("{*}Item"):
            note = Note(
                _code(words(item, "{*}TypeID")), words(item, "{*}SeverityCode"), words(item, "{*}Note")
            )
            found[note] = None
            if len(found) >= _NOTES_MAX:
                return list(found)
    return list(found)


def worst(answer: Element) -> str:
    """The highest severity any log of the answer names; empty where none does."""
    return max((words(log, "{*}MaximumLogItemSeverityCode") for log in answer.iter("{*}Log")), default="")


def told(log: Sequence[Note]) -> str:
    """The notes for a person, the vendor's words with their message numbers."""
    return "; ".join(f"{note.text} ({note.code})" if note.code else note.text for note in log)[:_TEXT_MAX]


def refusal(log: Sequence[Note], *, severe: bool) -> ConnectorError | None:
    """The error that the notes of a failed posting stand for; None where nothing says that it failed.

    A lock goes away: Transient, and nothing was done. Anything else is Rejected with every note.
    `severe`: the log as a whole is marked as an error, whatever its notes say.
    """
    errors = [note for note in log if note.failed]
    if not errors and not severe:
        return None
    reasons = [note for note in errors if note.code not in _FRAMES] or errors
    code = next((note.code for note in reasons if note.code), "")
    text = told(reasons + [note for note in log if not note.failed]) or "refused without a reason"
    if reasons and all(note.locked for note in reasons):
        return Transient(text, code=code, sent=False)
    return Rejected(text, code=code)


def is_error(severity: str) -> bool:
    """Is a severity code that of an error?"""
    return severity in _ERRORS and severity != ""


def _code(type_id: str) -> str:
    found = _TYPE.fullmatch(type_id)
    return f"{found.group(2)}/{found.group(1).zfill(3)}" if found else type_id
