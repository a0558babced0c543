"""Our acknowledgment of what a partner sent: the answer that was stored with it, put into an envelope."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from connectors.edi.outgoing import parts, word
from connectors.edi.write import Group, Interchange, Party, Segment, Set
from hub.sdk import Invalid, Record

_VERSION = re.compile(r"[0-9A-Z]{6,12}", re.ASCII)


def acknowledgment(record: Record, stamp: datetime, draw: Callable[[str], int]) -> Interchange:
    """The interchange of an answer. Numbers are drawn here: ISA13, then one GS06 for each group.

    Raises Invalid where there is nothing to answer, before anything is drawn.
    """
    answer = record.get("answer")
    if not isinstance(answer, Mapping) or not (answer.get("responses") or answer.get("groups")):
        raise Invalid("there is nothing to answer", field="answer")
    sender, receiver = (_party(answer.get(name), name) for name in ("sender", "receiver"))
    responses = [_technical(one) for one in _listed(answer.get("responses"), "responses")]
    groups = [_group(one) for one in parts(answer, "groups")]
    number = draw("isa")
    return Interchange(
        sender, receiver, number, stamp,
        [group._replace(control_number=draw("gs")) for group in groups],
        version=word(answer, "version") or "00401", usage=word(answer, "usage") or "P", responses=responses,
    )  # fmt: skip


def _listed(value: Any, name: str) -> Sequence[Any]:
    if value is not None and not isinstance(value, list | tuple):
        raise Invalid("a list is wanted here", field=f"answer.{name}")
    return value or ()


def _party(values: Any, name: str) -> Party:
    if len(_listed(values, name)) < 2:
        raise Invalid("it has no qualifier and id", field=f"answer.{name}")
    return Party(*(str(value) for value in [*values, ""][:3]))


def _group(one: Mapping[str, Any]) -> Group:
    """A group that has no number yet. Raises Invalid where its GS08 is none, or nothing is in it."""
    version = word(one, "version")
    sets = [_set(told, turn) for turn, told in enumerate(parts(one, "sets"), 1)]
    if not _VERSION.fullmatch(version):
        raise Invalid(f"{version!r} is no version of a group", field="answer.groups.version")
    if not sets:
        raise Invalid("a group without a set answers nothing", field="answer.groups.sets")
    return Group("FA", word(one, "sender"), word(one, "receiver"), 0, version, sets)


def _set(told: Mapping[str, Any], turn: int) -> Set:
    segments = [_segment(segment) for segment in _listed(told.get("segments"), "segments")]
    return Set(word(told, "id"), f"{turn:04d}", segments, word(told, "version"))


def _technical(values: Any) -> Segment:
    """A TA1, told with its name or without."""
    segment = _segment(values)
    return segment if segment[0] == "TA1" else ("TA1", *segment)


def _segment(values: Any) -> Segment:
    if not _listed(values, "segments") or not values[0]:
        raise Invalid("a segment is a list: its id, then its values", field="answer.segments")
    return tuple(tuple(map(str, one)) if isinstance(one, list | tuple) else str(one) for one in values)
