"""How fast each queue goes: small batches for systems that take their time, large ones for quick work.

And how long deliveries of a busy connection gather before they are read at once: ten webhooks about one deal
that come within a second are one read of it, not ten.
"""

from __future__ import annotations

import math
import time
from collections.abc import Collection
from dataclasses import dataclass, field

BATCH_SECONDS = 0.2  # what one claim should hold: short enough to share, long enough to pay for its commits
BATCH_MAX = 64
CROWD_SECONDS = 10.0  # what one read of a crowd should take: well within the lease, its absorbing too
CROWD_FIRST = 200  # deliveries of a connection whose pace is not known yet
CROWD_MAX = 1_000  # deliveries that one connector is asked about at once
FIRST = 4  # rows of a queue we know nothing about
SLOW = 0.025  # seconds per row; beyond this a worker mostly waits, and others can wait beside it
_WEIGHT = 0.3  # of the newest batch in the running average
REST_MAX = 2.0  # seconds that deliveries of the busiest connection gather
MEMORY = 10.0  # seconds over which its traffic is counted
BUSY = 150.0  # deliveries in that time that earn one second of gathering: one a second waits for nothing


@dataclass
class Pace:
    """Running average of seconds per row, per queue, in this process."""

    rest_max: float = REST_MAX
    _seconds: dict[str, float] = field(default_factory=dict)
    _reading: dict[str, float] = field(default_factory=dict)  # seconds per delivery of a crowd
    _braked: dict[str, int] = field(
        default_factory=dict
    )  # how many deliveries a crowd may have after failures
    _traffic: dict[str, tuple[float, float]] = field(default_factory=dict)  # (at, deliveries, fading)

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

    def crowd(self, connection: str) -> int:
        """How many deliveries of a connection to read at once: what its system tells of in some seconds."""
        pace, most = self._reading.get(connection), self._braked.get(connection, CROWD_MAX)
        if pace is None:
            return min(CROWD_FIRST, most)
        return min(most, max(BATCH_MAX, min(CROWD_MAX, int(CROWD_SECONDS / max(pace, 1e-6)))))

    def crowd_failed(self, connection: str, deliveries: int) -> None:
        """One call of a crowd failed, and with it the crowd: many calls all succeed the less often, the more
        there are. The next ones are smaller, until they get through."""
        self._braked[connection] = max(1, deliveries // 4)

    def note_crowd(self, connection: str, deliveries: int, seconds: float) -> None:
        """A crowd took this long to read."""
        if (most := self._braked.pop(connection, CROWD_MAX)) < CROWD_MAX // 2:
            self._braked[connection] = max(most, 2 * min(most, deliveries))
        now = seconds / deliveries
        before = self._reading.get(connection, now)
        self._reading[connection] = before + _WEIGHT * (now - before)

    def read(self, connection: str, deliveries: int, now: float | None = None) -> None:
        """So many deliveries of a connection were read at once."""
        at = time.monotonic() if now is None else now
        before, count = self._traffic.get(connection, (at, 0.0))
        self._traffic[connection] = (at, count * math.exp((before - at) / MEMORY) + deliveries)

    def gathering(self, now: float | None = None) -> Collection[str]:
        """Connections whose deliveries wait for more of their kind, at most two seconds."""
        at = time.monotonic() if now is None else now
        rests = (
            (name, last + min(count / BUSY, self.rest_max)) for name, (last, count) in self._traffic.items()
        )
        return [name for name, until in rests if at < until]
