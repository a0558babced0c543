"""Our acknowledgment of what a partner sent: the answer that was stored with it, put into an envelope."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from connectors.edi.outgoing import word
from connectors.edi.write import Group, Interchange, Party, Segment, Set
from hub.sdk import Invalid, Record


def acknowledgment(record: Record, stamp: datetime, draw: Callable[[str], int]) -> Interchange:
    """The interchange of an answer. Numbers are drawn here: ISA13, then one GS06 for each group.

    Raises Invalid where there is nothing to answer, before anything is drawn.
    """
    answer = record.get("answer")
    if not isinstance(answer, Mapping) or not (answer.get("responses") or answer.get("groups")):
        raise Invalid("there is nothing to answer", field="answer")
    sender, receiver = (_party(answer.get(name), name) for name in ("sender", "receiver"))
    responses = [_segment(["TA1", *one] if one[0] != "TA1" else one) for one in answer.get("responses") or ()]
    groups = [
        (word(one, "sender"), word(one, "receiver"), word(one, "version"), _sets(one))
        for one in answer.get("groups") or ()
    ]
    number = draw("isa")
    return Interchange(
        sender, receiver, number, stamp,
        [Group("FA", own, other, draw("gs"), version, sets) for own, other, version, sets in groups],
        version=word(answer, "version") or "00401", usage=word(answer, "usage") or "P", responses=responses,
    )  # fmt: skip


def _party(values: Any, name: str) -> Party:
    if not isinstance(values, Sequence) or len(values) < 2:
        raise Invalid("it has no qualifier and id", field=f"answer.{name}")
    return Party(*(str(value) for value in [*values, ""][:3]))


def _sets(group: Mapping[str, Any]) -> list[Set]:
    return [
        Set(
            word(one, "id"),
            f"{turn:04d}",
            [_segment(segment) for segment in one["segments"]],
            word(one, "version"),
        )
        for turn, one in enumerate(group.get("sets") or (), 1)
    ]


def _segment(values: Sequence[Any]) -> Segment:
    return tuple(
        str(value) if not isinstance(value, list | tuple) else tuple(map(str, value)) for value in values
    )
