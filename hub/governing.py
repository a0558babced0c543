"""The governor: never more calls in flight at one account of a vendor than it allows.

Every door of a connection leads through the lane of its account; a call takes a slot before it leaves and
gives it back when its answer was read. Threads of a process queue up here, first come first served. Where
several processes share the database, the slots are rows in it: a process leases one, hands it from thread
to thread for a moment, and returns it, so that the others get their turn (ADR 0020).
"""

from __future__ import annotations

import atexit
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, Protocol

import structlog

from hub.errors import RateLimited

WAIT_MAX = 20.0  # seconds a call waits for its turn; then its row is tried again later
AGAIN = 1.0  # seconds later
HOLD = 0.5  # seconds a process hands a slot from thread to thread before the others get a chance
IDLE = 0.01  # seconds it keeps one that none of its threads needs
ASK_EVERY = 0.008  # seconds between questions for a slot, on the average
MARGIN = 12.0  # seconds a lease outlasts the longest call
log = structlog.get_logger("o2c.governing")


class Leased(NamedTuple):
    """A slot that this process may use. `slot` is its number, `holder` the token that fences it."""

    slot: int
    holder: str
    at: float  # monotonic clock, when it was asked for
    until: float  # when the lease ends at the earliest


class Slots(Protocol):
    """Slots of accounts, shared by processes. Neither method holds a transaction when it returns."""

    def lease(self, account: str, limit: int, most: int, seconds: float) -> Sequence[Leased]:
        """Up to `most` free slots with a number below `limit`."""
        ...

    def renew(self, account: str, held: Sequence[Leased], seconds: float) -> None:
        """Keep slots whose calls take longer than they said."""
        ...

    def give_back(self, account: str, held: Sequence[Leased]) -> None:
        """Slots that are free again; one that was lost meanwhile is left alone."""
        ...


class _Turn:
    """One thread in the queue."""

    __slots__ = ("asks", "called", "limit", "slot")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.slot: Leased | None = None
        self.asks = False  # this thread asks the database for all that wait
        self.called = threading.Event()


class Gate:
    """One account in this process: the queue for its slots."""

    def __init__(self, account: str, slots: Slots | None, wake_keeper: Callable[[], None]) -> None:
        self._account, self._slots, self._wake = account, slots, wake_keeper
        self._lock = threading.Lock()
        self._tidying = threading.Lock()
        self._queue: deque[_Turn] = deque()
        self._spare: list[tuple[Leased, float]] = []  # with the moment since when nobody needs it
        self._used: dict[Leased, float] = {}  # with the end of the lease
        self._longest = 0.0  # deadline of a call, in seconds

    def take(self, limit: int, deadline: float, last: float) -> Leased:
        """A slot, when it is our turn. Raises RateLimited where that takes too long; nothing was sent."""
        with self._lock:
            self._longest = max(self._longest, deadline)
            ahead = any(one.limit >= limit for one in self._queue)  # what others may not have, we may
            if not ahead and (found := self._at_hand(limit)) is not None:
                return found
            turn = _Turn(limit)
            turn.asks = self._slots is not None and not any(one.asks for one in self._queue)
            self._queue.append(turn)
        try:
            return self._await(turn, min(time.monotonic() + WAIT_MAX, last))
        except BaseException:
            self._give_up(turn)
            raise

    def leave(self, slot: Leased) -> None:
        """The call is over: the next in the queue may go, or the other processes."""
        with self._lock:
            until = self._used.pop(slot)
            now = time.monotonic()
            fresh = self._slots is None or self._is_good(slot, now)
            back = [] if fresh else [slot]
            if fresh and not self._deal(slot, until) and self._slots is not None:
                self._spare.append((slot, now))
                self._wake()
        self._return(back)

    def _at_hand(self, limit: int) -> Leased | None:
        """A slot that needs no question to the database."""
        if self._slots is None:
            taken = {slot.slot for slot in self._used}
            number = next((n for n in range(limit) if n not in taken), None)
            return None if number is None else self._use(Leased(number, "", 0.0, 0.0))
        now = time.monotonic()
        for at, (slot, _) in enumerate(self._spare):
            if slot.slot < limit and self._is_good(slot, now):
                del self._spare[at]
                return self._use(slot)
        return None

    def _is_good(self, slot: Leased, now: float) -> bool:
        """May another call begin in it, and be over well before the lease is?"""
        return now < slot.at + HOLD and now + self._longest + MARGIN / 2 < slot.until

    def _use(self, slot: Leased) -> Leased:
        self._used[slot] = slot.until
        return slot

    def _deal(self, slot: Leased, until: float) -> bool:
        """Give a slot to the first in the queue that may have it."""
        for turn in self._queue:
            if slot.slot < turn.limit:
                self._queue.remove(turn)
                self._used[slot] = until
                turn.slot = slot
                turn.called.set()
                self._pass_on(turn)
                return True
        return False

    def _pass_on(self, turn: _Turn) -> None:
        """Somebody must ask the database as long as anybody waits."""
        if turn.asks and self._queue:
            turn.asks = False
            self._queue[0].asks = True
            self._queue[0].called.set()

    def _await(self, turn: _Turn, until: float) -> Leased:
        while turn.slot is None:
            left = until - time.monotonic()
            if left <= 0:
                raise RateLimited(
                    f"no slot became free in time: account {self._account} bears {turn.limit} calls at once",
                    code="no_slot", retry_after=AGAIN, sent=False,
                )  # fmt: skip
            if turn.asks:
                self._ask(turn)
                pause = ASK_EVERY * random.uniform(0.5, 1.5)  # noqa: S311 - so that processes do not march in step
                left = min(left, pause)
            if turn.slot is None:
                turn.called.wait(left)
                turn.called.clear()
        return turn.slot

    def _ask(self, turn: _Turn) -> None:
        """Lease what is free, for everybody who waits here. Raises RateLimited where the database is away."""
        assert self._slots is not None
        with self._lock:
            limit = max((one.limit for one in self._queue), default=turn.limit)
            most, seconds = len(self._queue), HOLD + self._longest + MARGIN
        try:
            found = self._slots.lease(self._account, limit, most, seconds) if most else ()
        except Exception as error:
            raise RateLimited(
                f"cannot ask whether {self._account} bears another call: {type(error).__name__}",
                code="no_slot", retry_after=AGAIN, sent=False,
            ) from error  # fmt: skip
        unwanted: list[Leased] = []
        with self._lock:
            unwanted += [slot for slot in found if not self._deal(slot, slot.until)]
        self._return(unwanted)

    def _give_up(self, turn: _Turn) -> None:
        with self._lock:
            if turn in self._queue:
                self._queue.remove(turn)
            self._pass_on(turn)
            got = turn.slot
        if got is not None:  # it came just when we went
            self.leave(got)

    def _return(self, slots: Sequence[Leased]) -> None:
        """Never raises: a slot that cannot be returned comes back when its lease ends."""
        if slots and self._slots is not None:
            try:
                self._slots.give_back(self._account, slots)
            except Exception as error:  # noqa: BLE001 - the call is done; its answer must not be lost for this
                log.warning("slot_not_returned", account=self._account, error=type(error).__name__)

    def clear(self) -> None:
        """Return every slot that no thread uses, and see what is being returned just now to its end."""
        with self._tidying:
            self._tidy(everything=True)

    def look(self) -> float | None:
        """The keeper's turn; returns idle slots, renews late ones. Seconds until the next, if any."""
        with self._tidying:
            return self._tidy()

    def _tidy(self, *, everything: bool = False) -> float | None:
        """Return what lies idle, renew what takes long. Seconds until the next is to be returned, if any."""
        now = time.monotonic()
        with self._lock:
            idle = [one for one in self._spare if everything or now >= one[1] + IDLE]
            self._spare = [one for one in self._spare if one not in idle]
            late = [slot for slot, until in self._used.items() if until - now < MARGIN / 2]
            seconds = self._longest + MARGIN
            soonest = min((since + IDLE for _, since in self._spare), default=None)
        self._return([slot for slot, _ in idle])
        if late and self._slots is not None:
            self._slots.renew(self._account, late, seconds)
            with self._lock:
                self._used |= {slot: now + seconds for slot in late if slot in self._used}
        return None if soonest is None else max(soonest - now, 0.0)


class Lane:
    """The way of one connection to its account."""

    def __init__(self, account: str, gate: Gate, limit: int) -> None:
        self.account, self.limit = account, limit
        self._gate = gate

    @contextmanager
    def slot(self, deadline: float, last: float) -> Iterator[None]:
        """See `hub.http.Lane`."""
        slot = self._gate.take(self.limit, deadline, last)
        try:
            yield
        finally:
            self._gate.leave(slot)


class Governor:
    """The lanes of this process. `slots`: shared with other processes; None: there are none."""

    def __init__(self, slots: Slots | None = None) -> None:
        self._slots = slots
        self._gates: dict[str, Gate] = {}
        self._lock = threading.Lock()
        self._keeper: threading.Thread | None = None
        self._woken = threading.Event()
        self._looks_soon = False

    def lane(self, account: str, limit: int) -> Lane:
        """The lane of a connection with this account, at most `limit` calls at a time."""
        with self._lock:
            if account not in self._gates:
                self._gates[account] = Gate(account, self._slots, self._wake)
            if self._slots is not None and self._keeper is None:
                self._keeper = threading.Thread(target=self._keep, daemon=True, name="governor")
                self._keeper.start()
                atexit.register(self.close)  # else the others wait until our leases end
            return Lane(account, self._gates[account], limit)

    def close(self) -> None:
        """Return the slots nobody uses."""
        atexit.unregister(self.close)
        for gate in list(self._gates.values()):
            gate.clear()

    def _wake(self) -> None:
        if not self._looks_soon:
            self._woken.set()

    def _keep(self) -> None:
        """The keeper's life: a look every few seconds, and soon after something came to lie idle."""
        while True:
            self._looks_soon = False  # whatever lies idle from now on either is seen below or wakes us
            self._woken.clear()
            if self._soonest() is None:
                self._woken.wait(MARGIN / 4)
            self._looks_soon = True
            time.sleep(IDLE)

    def _soonest(self) -> float | None:
        due: list[float] = []
        for gate in list(self._gates.values()):
            try:
                soonest = gate.look()
            except Exception as error:  # noqa: BLE001 - the database may be away for a while
                log.warning("slots_not_renewed", error=type(error).__name__)
            else:
                due += [] if soonest is None else [soonest]
        return min(due, default=None)
