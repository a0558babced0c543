"""Which objects are associated with which: both ways at once, with one primary company for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sandbox.hubspot.records import Ends

Pair = tuple[str, str]  # object types, near and far


@dataclass
class Links:
    """All associations. Companies are the far end of every primary one."""

    ends: dict[Pair, dict[str, Ends]] = field(default_factory=dict)
    primaries: dict[Pair, dict[str, str]] = field(default_factory=dict)

    def join(self, near: str, id: str, far: str, far_id: str, *, primary: bool) -> None:
        """Link two objects both ways. A new primary company takes the place of the old."""
        for one, one_id, other, other_id in ((near, id, far, far_id), (far, far_id, near, id)):
            self.ends.setdefault((one, other), {}).setdefault(one_id, Ends()).add(other_id)
        if primary and far == "companies":
            self.primaries.setdefault((near, far), {})[id] = far_id
        elif primary and near == "companies":
            self.primaries.setdefault((far, near), {})[far_id] = id

    def fill(
        self, near: str, far: str, joined: Sequence[tuple[str, Sequence[str]]], *, primary: bool
    ) -> None:
        """Many new links at once, each near object with all its far ones."""
        there = self.ends.setdefault((near, far), {})
        back = self.ends.setdefault((far, near), {})
        for id, far_ids in joined:
            there[id] = Ends(far_ids)
            for far_id in far_ids:
                back.setdefault(far_id, Ends()).add(id)
            if primary:
                self.primaries.setdefault((near, far), {})[id] = far_ids[0]

    def linked(self, near: str, far: str, id: str) -> dict[str, bool]:
        """Ids at the far end, and whether each is linked as primary company."""
        ends = self.ends.get((near, far), {}).get(id, ())
        if far == "companies":
            first = self.primaries.get((near, far), {}).get(id)
            return {far_id: far_id == first for far_id in ends}
        if near == "companies":
            firsts = self.primaries.get((far, near), {})
            return {far_id: firsts.get(far_id) == id for far_id in ends}
        return dict.fromkeys(ends, False)

    def part(self, near: str, id: str, far: str, far_id: str) -> bool:
        """Undo a link both ways; False where there was none."""
        if far_id not in self.ends.get((near, far), {}).get(id, ()):
            return False
        for one, one_id, other, other_id in ((near, id, far, far_id), (far, far_id, near, id)):
            ends = self.ends[one, other][one_id]
            ends.drop(other_id)
            if not ends:
                del self.ends[one, other][one_id]
            firsts = self.primaries.get((one, other), {})
            if firsts.get(one_id) == other_id:
                del firsts[one_id]
        return True

    def around(self, kind: str, id: str) -> Iterator[tuple[str, str, bool]]:
        """Everything linked to one object: far type, far id, primary."""
        for near, far in list(self.ends):
            if near == kind:
                for far_id, primary in list(self.linked(kind, far, id).items()):
                    yield far, far_id, primary
