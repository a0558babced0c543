"""Interchanges made for tests, and what is read out of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from connectors.edi import acknowledge, reading, tokens, write
from connectors.edi.envelope import Problem
from connectors.edi.examine import SetRead
from connectors.edi.faults import DEFAULT
from connectors.edi.reading import GroupRead, InterchangeRead

STAMP = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
GOOD = (
    "BEG*00*SA*PO-1**20261122", "DTM*002*20261220", "N1*ST*STORE 17*92*0017",
    "PO1*1*10*EA*9.5*PE*UP*012345678905*VN*SKU-1", "PID*F*08***WIDGET", "CTT*1",
)  # fmt: skip


def order(*lines: str, control: str = "0001", set_id: str = "850", count: int | None = None) -> list[str]:
    """ST to SE around some segments, the good order where none are given."""
    inner = lines or GOOD
    total = len(inner) + 2 if count is None else count
    return [f"ST*{set_id}*{control}", *inner, f"SE*{total}*{control}"]


def group(*sets: Sequence[str], code: str = "PO", version: str = "004010", number: str = "7") -> list[str]:
    """GS to GE around sets."""
    head = f"GS*{code}*BUYER*SELLER*20261122*0930*{number}*X*{version}"
    return [head, *(segment for one in sets for segment in one), f"GE*{len(sets)}*{number}"]


def isa(
    sender: str = "BUYER",
    number: str = "000000042",
    version: str = "00401",
    standard: str = "U",
    asks: str = "0",
) -> str:
    """An ISA of fixed width without its last two characters."""
    ids = f"ZZ*{sender:15}*ZZ*{'SELLER':15}"
    return f"ISA*00*{'':10}*00*{'':10}*{ids}*261122*0930*{standard}*{version}*{number}*{asks}*P*"


def interchange(
    *groups: Sequence[str], head: str = "", number: str = "000000042", marks: str = "*>~", after: str = "\n"
) -> bytes:
    """An interchange of groups, with separators of one's own: element, component, terminator."""
    element, component, terminator = marks
    start = (head or isa(number=number)).replace("*", element) + component
    inner = [segment.replace("*", element) for one in groups for segment in one]
    last = element.join(("IEA", str(len(groups)), number))
    return "".join(f"{segment}{terminator}{after}" for segment in (start, *inner, last)).encode()


def read(body: bytes, **policy: str) -> list[reading.Read]:
    """Everything that is read out of a body."""
    from connectors.edi.faults import Weight

    return list(
        reading.read(
            tokens.of_bytes(body), {**DEFAULT, **{name: Weight(value) for name, value in policy.items()}}
        )
    )


def sets(body: bytes, **policy: str) -> list[SetRead]:
    """The sets of a body."""
    return [one for one in read(body, **policy) if isinstance(one, SetRead)]


def statuses(body: bytes, **policy: str) -> list[str]:
    """What became of each set."""
    return [one.status.value for one in sets(body, **policy)]


def codes(body: bytes) -> list[tuple[str, str, int, int]]:
    """Faults as (check, code, segment, element)."""
    return [(f.check, f.code, f.position, f.element) for one in sets(body) for f in one.faults]


def problems(body: bytes) -> list[str]:
    """What is told of the file and of envelopes."""
    told = []
    for one in read(body):
        if isinstance(one, Problem):
            told.append(one.message)
        elif isinstance(one, GroupRead | InterchangeRead):
            told += [note.message for note in one.notes]
    return told


def answers(
    body: bytes, kind: acknowledge.Kind = acknowledge.Kind.FUNCTIONAL
) -> list[write.Interchange | None]:
    """What is answered, one per interchange."""
    numbers = acknowledge.Numbers(1, 1)
    return [
        acknowledge.answer(one, numbers, STAMP, kind)
        for one in acknowledge.received(reading.read(tokens.of_bytes(body)))
    ]


def answered(body: bytes, kind: acknowledge.Kind = acknowledge.Kind.FUNCTIONAL) -> list[str]:
    """The segments of the answers."""
    made = [write.interchange(one) for one in answers(body, kind) if one is not None]
    return [segment for text in made for segment in text.split("~") if segment]


def said(body: bytes, name: str, kind: acknowledge.Kind = acknowledge.Kind.FUNCTIONAL) -> list[str]:
    """The answer's segments of one id."""
    return [one for one in answered(body, kind) if one.startswith(f"{name}*")]
