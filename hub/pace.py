"""How fast each queue goes: small batches for systems that take their time, large ones for quick work."""

from __future__ import annotations

from dataclasses import dataclass, field

BATCH_SECONDS = 0.2  # what one claim should hold: short enough to share, long enough to pay for its commits
BATCH_MAX = 64
FIRST = 4  # rows of a queue we know nothing about
SLOW = 0.025  # seconds per row; beyond this a worker mostly waits, and others can wait beside it
_WEIGHT = 0.3  # of the newest batch in the running average


@dataclass
class Pace:
    """Running average of seconds per row, per queue, in this process."""

    _seconds: dict[str, float] = field(default_factory=dict)

    def batch(self, name: str) -> int:
        """How many rows to claim at once."""
        pace = self._seconds.get(name)
        return FIRST if pace is None else max(1, min(BATCH_MAX, int(BATCH_SECONDS / max(pace, 1e-6))))

    def is_slow(self, name: str) -> bool:
        """Is most of the time spent waiting for the other side?"""
        return self._seconds.get(name, SLOW) >= SLOW

    def note(self, name: str, rows: int, seconds: float) -> None:
        """A batch took this long."""
        if rows:
            now = seconds / rows
            before = self._seconds.get(name, now)
            self._seconds[name] = before + _WEIGHT * (now - before)
