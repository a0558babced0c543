"""The account's places for calls at a time: one pool for REST, SOAP and RESTlets together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Gate:
    """Counts the calls under way. `limit` and `latency` are asked at every call."""

    limit: Callable[[], int]
    latency: Callable[[], float]
    busy: int = 0
    highest: int = 0
    refused: int = 0
    calls: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def place(self, refusal: Callable[[], Exception]) -> Iterator[None]:
        """Hold a place while a call is worked on, or raise the door's own refusal at once."""
        with self.lock:
            self.calls += 1
            if self.busy >= self.limit():
                self.refused += 1
                raise refusal()
            self.busy += 1
            self.highest = max(self.highest, self.busy)
        try:
            if self.latency():
                time.sleep(self.latency())
            yield
        finally:
            with self.lock:
                self.busy -= 1

    def told(self) -> dict[str, Any]:
        """What was seen so far."""
        with self.lock:
            seen = {"busy": self.busy, "highest": self.highest, "refused": self.refused, "calls": self.calls}
        return {"limit": self.limit(), **seen}

    def reset(self) -> None:
        """Forget what was seen."""
        with self.lock:
            self.highest, self.refused, self.calls = self.busy, 0, 0
