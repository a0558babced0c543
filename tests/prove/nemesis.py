"""The nemesis: kills, freezes, wipes and restarts, in an order that follows from the seed."""

from __future__ import annotations

import random
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.prove.durable import Postgres, Redis
from tests.prove.market import Places
from tests.prove.plan import FREEZE_SECONDS, HANG_SECONDS
from tests.prove.roles import Hub, Role

LOCK_SECONDS = 2.0
SILENT_SECONDS = 3.0

# How often each fault comes up in a deck that is shuffled again and again.
DECKS: Mapping[str, Mapping[str, int]] = {
    "embedded": {
        "kill -9 web": 12,
        "kill -9 web, again while it starts": 4,
        "freeze web beyond its lease": 1,
        "another process locks the database": 1,
        "SIGTERM web": 2,
    },
    "scaled": {
        "kill -9 web": 4,
        "kill -9 one worker": 3,
        "kill -9 the workers' parent": 2,
        "kill -9 all workers": 3,
        "kill -9 everything": 4,
        "wipe Redis": 3,
        "kill -9 everything, wipe Redis": 2,
        "kill -9 Redis, back empty": 3,
        "freeze Redis": 1,
        "crash PostgreSQL": 4,
        "cut all PostgreSQL sessions": 1,
        "freeze one worker beyond its lease": 1,
    },
}


@dataclass(frozen=True)
class Fault:
    """One line of the timeline."""

    cycle: int
    at: float
    what: str


class Nemesis:
    """Knows every process it may harm."""

    def __init__(
        self,
        hub: Hub,
        places: Places,
        seed: int,
        folder: Path,
        postgres: Postgres | None,
        redis: Redis | None,
    ) -> None:
        self.hub, self.places, self.folder = hub, places, folder
        self.dice = random.Random(seed)
        self.timeline: list[Fault] = []
        self._postgres, self._redis = postgres, redis
        self._deck: list[str] = []

    def choose(self, form: str, allowed: Sequence[str] = ()) -> str:
        """The next fault of the deck."""
        if not self._deck:
            cards = list(allowed) or [name for name, n in DECKS[form].items() for _ in range(n)]
            self._deck = self.dice.sample(cards, len(cards))
        return self._deck.pop()

    def strike(self, cycle: int, what: str) -> Fault:
        """Do it, and note when it began."""
        fault = Fault(cycle, time.time(), what)
        self.timeline.append(fault)
        self._actions()[what]()
        return fault

    def counted(self) -> Counter[str]:
        """Faults by kind."""
        return Counter(fault.what for fault in self.timeline)

    def _actions(self) -> Mapping[str, Callable[[], None]]:
        web, work = self.hub.roles["web"], self.hub.roles.get("work")
        common: dict[str, Callable[[], None]] = {
            "kill -9 web": web.kill,
            "kill -9 web, again while it starts": self._twice,
            "SIGTERM web": web.terminate,
            "freeze web beyond its lease": lambda: self._freeze(web),
            "freeze web, nobody else protects": lambda: web.freeze(FREEZE_SECONDS),
            "nothing": lambda: None,
            "another process locks the database": self._lock,
        }
        if work is None or self._postgres is None or self._redis is None:
            return common
        redis, postgres = self._redis, self._postgres
        return {
            **common,
            "kill -9 one worker": lambda: work.kill("child"),
            "kill -9 the workers' parent": lambda: work.kill("leader"),
            "kill -9 all workers": work.kill,
            "kill -9 everything": self._everything,
            "wipe Redis": redis.wipe,
            "kill -9 everything, wipe Redis": lambda: (self._everything(), redis.wipe())[0],
            "kill -9 Redis, back empty": lambda: redis.restart(self.dice.uniform(0.2, 2.0)),
            "freeze Redis": lambda: redis.freeze(SILENT_SECONDS),
            "crash PostgreSQL": lambda: postgres.restart(away=self.dice.uniform(0.0, 1.0)),
            "cut all PostgreSQL sessions": postgres.cut,
            "freeze one worker beyond its lease": lambda: self._freeze(work, "child"),
        }

    def _everything(self) -> None:
        for role in self.hub.roles.values():
            role.kill()

    def _twice(self) -> None:
        web = self.hub.roles["web"]
        starts = web.starts
        web.kill()
        web.await_start(starts + 1)
        time.sleep(self.dice.uniform(0.0, 0.8))
        web.kill()

    def _freeze(self, role: Role, what: str = "group") -> None:
        """A frozen process may wake between the look at its lease and the send: nothing on our side can stop
        that one write, so NetSuite's own rule that an external id is unique is left on for once."""
        self.places.post("/strict", {"strict": True})
        role.freeze(FREEZE_SECONDS, what)
        time.sleep(HANG_SECONDS + 1.0)
        self.places.post("/strict", {"strict": False})

    def _lock(self) -> None:
        database = sqlite3.connect(self.folder / "hub.db", timeout=20, isolation_level=None)
        database.execute("BEGIN IMMEDIATE")
        time.sleep(LOCK_SECONDS)
        database.execute("ROLLBACK")
        database.close()
