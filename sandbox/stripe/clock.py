"""Simulated time: it follows the given clock, can be advanced, and what was to happen meanwhile happens."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from sandbox.stripe.refusals import Refused

DAY = 86_400
ACTIONS_MAX = 2_000_000


class Clock:
    """Seconds since the epoch, as all times of the API are."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now, self._ahead = now, timedelta()
        self._at: int | None = None
        self._queue: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0

    def __call__(self) -> int:
        """Now; while something overdue is being carried out, the time it was due."""
        return self._at if self._at is not None else int((self._now() + self._ahead).timestamp())

    def today(self) -> datetime:
        """Midnight UTC of this day."""
        return self.moment().replace(hour=0, minute=0, second=0, microsecond=0)

    def moment(self) -> datetime:
        """Now as a date and time."""
        return datetime.fromtimestamp(self(), UTC)

    def later(self, seconds: int, action: Callable[[], None]) -> None:
        """Carry this out once so many seconds have passed."""
        self.at(self() + seconds, action)

    def at(self, time: int, action: Callable[[], None]) -> None:
        """Carry this out at a time."""
        if len(self._queue) >= ACTIONS_MAX:
            raise RuntimeError(f"over {ACTIONS_MAX} actions wait for their time; start a new sandbox")
        self._count += 1
        heapq.heappush(self._queue, (time, self._count, action))

    def advance(self, seconds: int) -> None:
        """Time passes, and what is due on the way is carried out in its order."""
        self._ahead += timedelta(seconds=seconds)
        self.tick()

    def tick(self) -> None:
        """Carry out what is due."""
        if self._at is not None:
            return
        end = self()
        try:
            while self._queue and self._queue[0][0] <= end:
                due, _, action = heapq.heappop(self._queue)
                self._at = due
                with suppress(Refused):  # what the state no longer allows does not happen
                    action()
        finally:
            self._at = None


def business_days(start: int, days: int) -> int:
    """The time this many Monday to Friday days later, at midnight UTC."""
    at = datetime.fromtimestamp(start, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    left = days
    while left > 0 or at.weekday() >= 5:
        at += timedelta(days=1)
        left -= at.weekday() < 5
    return int(at.timestamp())
