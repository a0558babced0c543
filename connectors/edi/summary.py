"""What a file of X12 holds, in few words: for `o2c edi read`, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from connectors.edi import reading, tokens, tree
from connectors.edi.envelope import Opened, Problem
from connectors.edi.examine import SetRead
from connectors.edi.faults import DEFAULT, Fault, Level, Weight
from connectors.edi.reading import GroupRead, InterchangeRead, Note, Read
from hub.sdk import Invalid

NOTHING = "there is no interchange in it: no ISA, GS or ST was found"
PROBLEMS_MAX = 1000  # of one file; how many more there were is told
_OUR_FAULTS = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)


class SetSummary(NamedTuple):
    """A set as the command tells it; `tree` is None unless asked for."""

    id: str
    control_number: str
    segments: int
    status: str
    reason: str
    guide: str
    faults: tuple[Fault, ...]
    tree: tree.Tree | None


class GroupSummary(NamedTuple):
    """A group and its sets."""

    code: str
    version: str
    control_number: str
    sets: tuple[SetSummary, ...]


class InterchangeSummary(NamedTuple):
    """An interchange, its groups, and the TA1 in it (as they were sent)."""

    sender: str
    receiver: str
    control_number: str
    groups: tuple[GroupSummary, ...]
    responses: tuple[tuple[str, ...], ...]


class Told(NamedTuple):
    """A finding outside of sets: the how-manieth segment of the file, X12's code where it has one, words."""

    segment: int
    code: str
    message: str


class Summary(NamedTuple):
    """A file."""

    file: str
    interchanges: tuple[InterchangeSummary, ...]
    problems: tuple[Told, ...]


def of_file(path: Path, trees: bool = False, policy: Mapping[str, Weight] = DEFAULT) -> Summary:
    """Reads a file. Never raises: what keeps it from being read is a problem of it."""
    state = _State(trees)
    try:
        for one in reading.read(tokens.of_file(path), policy):
            _take(state, one)
    except OSError as error:
        state.problems.append(Told(0, "", f"cannot be read: {error.strerror or type(error).__name__}"))
    except Invalid as error:
        state.problems.append(Told(0, "", str(error)))
    except _OUR_FAULTS as error:
        words = f"the reader failed ({type(error).__name__}); what it read until then is told"
        state.problems.append(Told(0, "", words))
        _close(state)
    if not state.interchanges and not state.problems:
        state.problems.append(Told(0, "", NOTHING))
    return Summary(str(path), tuple(state.interchanges), tuple(_bounded(state.problems)))


class _State:
    """What has been read so far."""

    def __init__(self, trees: bool) -> None:
        self.trees = trees
        self.interchanges: list[InterchangeSummary] = []
        self.groups: list[GroupSummary] = []
        self.sets: list[SetSummary] = []
        self.problems: list[Told] = []


def _take(state: _State, one: Read) -> None:
    if isinstance(one, SetRead):
        state.sets.append(_set(one, state.trees))
    elif isinstance(one, GroupRead):
        state.groups.append(GroupSummary(one.code, one.version, one.control_number, tuple(state.sets)))
        state.sets = []
        state.problems += _told(one.notes)
    elif isinstance(one, InterchangeRead):
        head = one.header
        state.interchanges.append(
            InterchangeSummary(head.at(6), head.at(8), head.at(13), tuple(state.groups), one.responses)
        )
        state.groups = []
        state.problems += _told(one.notes)
    elif isinstance(one, Problem):
        state.problems.append(Told(one.at, "", one.message))
    elif isinstance(one, Opened) and one.header.headless:
        state.problems.append(Told(one.at, *one.header.flaws[0]))


def _close(state: _State) -> None:
    """What was open when the reader failed is told too."""
    if state.sets:
        state.groups.append(GroupSummary("", "", "", tuple(state.sets)))
    if state.groups:
        state.interchanges.append(InterchangeSummary("", "", "", tuple(state.groups), ()))


def _told(notes: Iterable[Note]) -> list[Told]:
    return [Told(note.at, note.code, note.message) for note in notes if note.check != "headless"]


def _bounded(problems: list[Told]) -> Iterator[Told]:
    kept = list(dict.fromkeys(problems))
    yield from kept[:PROBLEMS_MAX]
    if len(kept) > PROBLEMS_MAX:
        yield Told(0, "", f"{len(kept) - PROBLEMS_MAX} more problems")


def _set(one: SetRead, trees: bool) -> SetSummary:
    made = tree.named(one.walked.root, one.found.marks) if trees and one.walked else None
    return SetSummary(
        one.id, one.control_number, one.segments, one.status.value, one.reason, one.guide, one.faults, made
    )


def as_json(found: Summary, policy: Mapping[str, Weight] = DEFAULT) -> dict[str, Any]:
    """The answer for programs."""
    return {
        "file": found.file,
        "interchanges": [
            {
                "sender": one.sender,
                "receiver": one.receiver,
                "control_number": one.control_number,
                "groups": [_group_json(group) for group in one.groups],
                **({"responses": [[*part] for part in one.responses]} if one.responses else {}),
            }
            for one in found.interchanges
        ],
        "problems": [
            {"segment": one.segment or None, "code": one.code or None, "message": one.message}
            for one in found.problems
        ],
    }


def _group_json(group: GroupSummary) -> dict[str, Any]:
    sets = [_set_json(one) for one in group.sets]
    return {
        "code": group.code, "version": group.version, "control_number": group.control_number, "sets": sets,
    }  # fmt: skip


def _set_json(one: SetSummary) -> dict[str, Any]:
    return {
        "id": one.id,
        "control_number": one.control_number,
        "segments": one.segments,
        "status": one.status,
        "errors": [*_reason_json(one), *(_fault_json(fault) for fault in one.faults)],
        "guide": one.guide or None,
        **({"tree": one.tree} if one.tree is not None else {}),
    }


def _reason_json(one: SetSummary) -> list[dict[str, Any]]:
    if not one.reason:
        return []
    return [
        {
            "segment": "ST", "position": 1, "element": None, "code": "1", "message": one.reason,
            "level": "set", "value": None,
        }
    ]  # fmt: skip


def _fault_json(fault: Fault) -> dict[str, Any]:
    place: int | str | None = fault.element or None
    if fault.component:
        place = f"{fault.element}-{fault.component}"
    return {
        "segment": fault.segment,
        "position": fault.position,
        "element": place,
        "code": fault.code,
        "message": fault.message,
        "level": fault.level.value,
        "value": fault.value or None,
    }


def as_text(found: Summary) -> str:
    """The answer for people."""
    lines = [found.file]
    for one in found.interchanges:
        lines.append(
            f"  {one.sender or '?'} to {one.receiver or '?'}, interchange {one.control_number or '?'}"
        )
        for response in one.responses:
            lines.append(f"    {' '.join(part.strip() for part in response)}")
        for group in one.groups:
            version = group.version or "no version"
            lines.append(f"    group {group.code or '?'} {group.control_number or '?'}, {version}")
            for done in group.sets:
                lines += _set_lines(done)
    lines += [f"  ! {_where(one)}{one.message}" for one in found.problems]
    return "\n".join(lines)


def _where(one: Told) -> str:
    return (f"segment {one.segment}: " if one.segment else "") + (f"[{one.code}] " if one.code else "")


def _set_lines(one: SetSummary) -> Iterator[str]:
    reason = f": {one.reason}" if one.reason else ""
    status = one.status.replace("_", " ")
    yield f"      {one.id or '?'} {one.control_number or '?'}, {one.segments} segments: {status}{reason}"
    for fault in one.faults:
        kind = {Level.SET: "AK5", Level.SEGMENT: "AK3", Level.ELEMENT: "AK4"}[fault.level]
        value = f" ({fault.value[:40]!r})" if fault.value else ""
        yield f"        - segment {fault.position}, {kind} {fault.code}: {fault.message}{value}"
    if one.tree is not None:
        yield from (f"        {line}" for line in _tree_lines(one.tree))


def _tree_lines(found: Any, indent: str = "") -> Iterator[str]:
    """A tree as indented lines, lists as items."""
    for name, value in found.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                plain = all(isinstance(part, str) for part in one.values())
                words = ", ".join(f"{key}={part}" for key, part in one.items()) if plain else ""
                yield f"{indent}{name}: {words}".rstrip()
                if not plain:
                    yield from _tree_lines(one, indent + "  ")
            else:
                yield f"{indent}{name}: {'*'.join(one) if isinstance(one, list) else one}"
