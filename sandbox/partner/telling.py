"""What a trading partner writes besides business: 864 texts, 824 objections, 997 and 999 answers, TA1."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sandbox.partner.syntax import Fault
from sandbox.partner.writing import Doc, day
from sandbox.partner.x12 import Marks

MESSAGE_LENGTH = 264
FAULTS_MAX = 99
SET_UNSUPPORTED, NO_SE, SE_NUMBER, SE_COUNT, IN_ERROR, SET_ID, SET_NUMBER = (
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
)  # AK502


class Judged(NamedTuple):
    """What became of one set of theirs. `code` is AK501: A, E or R."""

    id: str
    number: str
    code: str
    reasons: Sequence[str] = ()  # AK502 and on
    faults: Sequence[Fault] = ()


class Answer(NamedTuple):
    """What became of a group of theirs. `reasons` are AK905 and on."""

    code: str
    number: str
    version: str
    told: int
    sets: Sequence[Judged]
    reasons: Sequence[str] = ()

    @property
    def status(self) -> str:
        """AK901: A all accepted, E with errors, P some rejected, R all."""
        codes = [one.code for one in self.sets]
        if not codes or all(code == "R" for code in codes):
            return "R"
        if "R" in codes:
            return "P"
        return "E" if "E" in codes or self.reasons else "A"


def functional(answer: Answer, marks: Marks) -> Doc:
    """The 997 about a group."""
    body: list[list[str]] = [["AK1", answer.code, answer.number]]
    for one in answer.sets:
        body.append(["AK2", one.id, one.number])
        body += _faults(one, marks)
        body.append(["AK5", one.code, *one.reasons[:5]])
    accepted = sum(one.code in "AE" for one in answer.sets)
    counts = [str(answer.told), str(len(answer.sets)), str(accepted)]
    body.append(["AK9", answer.status, *counts, *answer.reasons[:5]])
    return Doc("997", body, answer.number)


def _faults(one: Judged, marks: Marks) -> list[list[str]]:
    """AK3 for each segment with its AK4; the places of faults as the receiver counted them."""
    made: list[list[str]] = []
    seen: set[tuple[str, int]] = set()
    for fault in one.faults[:FAULTS_MAX]:
        if not fault.element:
            made.append(["AK3", fault.id, str(fault.position), "", fault.code])
            continue
        if (fault.id, fault.position) not in seen:
            seen.add((fault.id, fault.position))
            made.append(["AK3", fault.id, str(fault.position), "", "8"])
        value = "".join(c for c in fault.value if c not in marks and " " <= c <= "~")[:99].strip()
        made.append(["AK4", str(fault.element), fault.number, fault.code, value])
    return made


def technical(number: str, stamp: tuple[str, str], code: str, note: str) -> list[str]:
    """A TA1 about an interchange: A, E or R and why (000 is nothing to say)."""
    return ["TA1", number, *stamp, code, note]


def text(subject: str, lines: Sequence[str], at: datetime) -> Doc:
    """An 864."""
    parts = [
        line[n : n + MESSAGE_LENGTH] for line in lines for n in range(0, max(len(line), 1), MESSAGE_LENGTH)
    ]
    body = [["BMG", "00", subject], ["DTM", "097", day(at.date())], ["MIT", "1", subject]]
    return Doc("864", [*body, *(["MSG", part] for part in parts if part)], subject)


def objection(
    number: str,
    set_id: str,
    reference: str,
    words: Sequence[str],
    at: datetime,
    *,
    group: str = "",
    control: str = "",
) -> Doc:
    """An 824: the document `reference` (an invoice number, say) is refused, in words."""
    original = ["OTI", "TR", "IV" if set_id == "810" else "TN", reference]
    body = [["BGN", "11", number, day(at.date()), f"{at:%H%M}"]]
    body.append([*original, "", "", "", "", group, control, set_id])
    body += [["TED", "ZZZ", one[:60]] for one in words]
    return Doc("824", body, reference)
