"""The order of segments in a transaction set, and the walk along it that a strict receiver makes.

A set is a line: `!` mandatory, `*` may repeat, parentheses a loop that begins with its first segment.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from sandbox.partner.x12 import Segment

_WORD = re.compile(r"\(|\)[!*]*|[A-Z0-9]+[!*]*")
UNKNOWN, UNEXPECTED, MISSING, TOO_OFTEN, NOT_HERE, ORDER = "1", "2", "3", "5", "6", "7"  # AK304

HEADER = (
    "CUR REF* PER* TAX* FOB* CTP* PAM* CSH* (SAC CUR)* ITD* DIS* INC* DTM* LIN* SI* (PID MEA*)* MEA* PWK* "
    "PKG* TD1* TD5* TD3* TD4* MAN* TXI* CTB* "
)
PARTY = "(N1 N2* N3* N4 REF* PER* SI* FOB* TD1* TD5*)* "
LINE = (
    "LIN* SI* CUR PO3* (CTP CUR)* PAM* MEA* (PID MEA*)* PWK* PKG* PO4* REF* PER* (SAC CUR CTP)* IT8* ITD* "
    "DIS* INC* TAX* FOB* SDQ* DTM* LDT* TD1* TD5* TD3* TD4* (ACK DTM*)* MAN* AMT* CTB* TXI* (QTY SI*)* "
    "(SCH TD1* TD5* REF*)* (N9 DTM* MSG*)* (N1 N2* N3* N4 REF* PER*)* "
    "(SLN PID* PO3* CTP* ACK* SAC* DTM* PO4*)*"
)
ADDRESS = "(N1 N2* N3* N4 REF* PER*)* "
SETS = {
    "855": f"ST! BAK! {HEADER}(N9 DTM* MSG*)* {PARTY}(PO1 {LINE})* (CTT AMT*) SE!",
    "865": f"ST! BCA! {HEADER}(N9 DTM* MSG*)* {PARTY}(POC {LINE})* (CTT AMT*) SE!",
    "856": (
        "ST! BSN! DTM* (HL LIN SN1 SLN* PRF PO4 PID* MEA* PWK* PKG* TD1* TD5* TD3* TD4* TSD REF* PER* CLD* "
        f"MAN* DTM* FOB PAL {ADDRESS}SDQ* ETD CUR SAC* YNQ*)!* CTT SE!"
    ),
    "810": (
        f"ST! BIG! NTE* CUR REF* YNQ* PER* {ADDRESS}ITD* DTM* FOB PID* MEA* PWK* PKG* L7 BAL* INC PAM* "
        "(N9 MSG*)* (FA1 FA2*)* (IT1 CRC QTY* CUR IT3* TXI* CTP* PAM* MEA* (PID MEA*)* PWK* PKG* PO4 ITD* "
        "REF* YNQ* PER* SDQ* DTM* CAD* L7* SR (SAC TXI*)* "
        f"(SLN DTM REF* PID* SAC* TC2* TXI*)* {ADDRESS}(FA1 FA2*)*)* "
        "TDS! TXI* CAD AMT* (SAC TXI*)* (ISS PID)* CTT SE!"
    ),
    "997": "ST! AK1! (AK2 (AK3 AK4*)* AK5!)* AK9! SE!",
    "999": "ST! AK1! (AK2 (IK3 CTX* (IK4 CTX*)*)* IK5!)* AK9! SE!",
}


@dataclass(frozen=True)
class Node:
    """A place for a segment; with `inside`, the segment that begins a loop."""

    id: str
    must: bool
    many: bool
    inside: tuple[Node, ...] = ()


class Misplaced(NamedTuple):
    """A segment that is missing or stands wrong: AK301, AK302, AK304."""

    id: str
    position: int
    code: str


@dataclass
class _Level:
    nodes: tuple[Node, ...]
    index: int = 0
    used: int = 0

    def missing(self, upto: int) -> list[str]:
        """Mandatory segments that are passed over on the way to the node at `upto`."""
        first = self.index + (self.used > 0)
        return [node.id for node in self.nodes[first:upto] if node.must]


@cache
def of(set_id: str) -> tuple[Node, ...]:
    """The places of a set. Raises KeyError for one that we do not take."""
    words = _WORD.findall(SETS[set_id])
    nodes, rest = _nodes(words)
    assert not rest, f"{set_id} has a parenthesis too many"
    return nodes


def _nodes(words: Sequence[str]) -> tuple[tuple[Node, ...], Sequence[str]]:
    made: list[Node] = []
    while words and not words[0].startswith(")"):
        if words[0] == "(":
            inner, words = _nodes(words[1:])
            end = words[0]
            made.append(Node(inner[0].id, "!" in end, "*" in end, inner[1:]))
        else:
            made.append(Node(words[0].rstrip("!*"), "!" in words[0], "*" in words[0]))
        words = words[1:]
    return tuple(made), words


@cache
def _ids(set_id: str) -> frozenset[str]:
    return frozenset(_WORD.sub(lambda it: it.group().strip("()!*") + " ", SETS[set_id]).split())


def walk(set_id: str, segments: Sequence[Segment], known: frozenset[str]) -> list[Misplaced]:
    """What is wrong with the order of a set, ST first. `known`: all segment ids of the standard."""
    stack, found = [_Level(of(set_id))], list[Misplaced]()
    for segment in segments:
        if not _step(stack, segment, found):
            inside = segment.id in _ids(set_id)
            code = ORDER if inside else (NOT_HERE if segment.id in known else UNKNOWN)
            found.append(Misplaced(segment.id, segment.position, code))
    end = len(segments)
    for level in reversed(stack):
        found += [Misplaced(id, end, MISSING) for id in level.missing(len(level.nodes))]
    return found


def _step(stack: list[_Level], segment: Segment, found: list[Misplaced]) -> bool:
    """Find the segment's place from where we stand; False where it has none."""
    for depth in range(len(stack) - 1, -1, -1):
        level = stack[depth]
        for at in range(level.index, len(level.nodes)):
            node = level.nodes[at]
            if node.id != segment.id:
                continue
            for left in reversed(stack[depth + 1 :]):
                lost = left.missing(len(left.nodes))
                found += [Misplaced(id, segment.position, MISSING) for id in lost]
            found += [Misplaced(id, segment.position, MISSING) for id in level.missing(at)]
            again = at == level.index and level.used > 0
            if again and not node.many:
                found.append(Misplaced(segment.id, segment.position, TOO_OFTEN))
            level.used = level.used + 1 if again else 1
            level.index = at
            del stack[depth + 1 :]
            if node.inside:
                stack.append(_Level(node.inside))
            return True
    return False
