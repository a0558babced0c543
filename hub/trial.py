"""A connector on trial: what the contract suite is told about it, and what it may do to its sandbox."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from hub.connector import Delivery, Idempotency, Kind, Write
from hub.errors import ConnectorError

SLOW_SECONDS = 0.6  # how long the sandbox takes in the test of the deadline
NEVER_ENDS = -1  # times a fault happens


@dataclass(frozen=True)
class Contract:
    """What the suite must know about a connector. `faults` and `effects` speak to its sandbox.

    Faults are those of `sandbox.kit.Fault`, as dicts; a call of `faults` replaces all earlier ones.
    """

    connector: Callable[..., Any]  # settings to override, as keywords -> a connector
    secrets: Sequence[str] = ()  # every secret of its settings, in clear
    bad_credentials: Mapping[str, Any] = field(default_factory=dict)  # settings the sandbox refuses
    deliveries: Sequence[Delivery] = ()  # genuine ones
    forged: Mapping[str, Delivery] = field(default_factory=dict)  # what is wrong -> delivery
    write: Callable[[str], Write] | None = None  # kind -> a write the sandbox accepts, after a reset
    faults: Callable[[Sequence[Mapping[str, Any]]], None] | None = None
    effects: Callable[[], Sequence[Mapping[str, Any]]] = tuple
    reset: Callable[[], None] = lambda: None  # the sandbox as the writes need it
    aim: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # kind -> method and path of its write
    counts: Callable[[str, Mapping[str, Any]], bool] = lambda kind, effect: True  # an effect of this kind?
    hasty: Callable[[], Any] | None = None  # a connector whose deadline is well below SLOW_SECONDS
    mappings: Path | None = None  # folder of the mappings shipped for it


class Trial(NamedTuple):
    """One outbound kind under test, on a sandbox in its first state."""

    contract: Contract
    connector: Any
    kind: str
    declared: Kind
    write: Write
    before: int

    def fault(self, kind: str, **facts: Any) -> None:
        """Make every write of this kind meet a fault, until calm()."""
        assert self.contract.faults, "the contract gives no way to set faults"
        aim = self.contract.aim.get(self.kind, {})
        self.contract.faults([{"kind": kind, "times": NEVER_ENDS, **aim, **facts}])

    def calm(self) -> None:
        """No more faults."""
        assert self.contract.faults, "the contract gives no way to set faults"
        self.contract.faults([])

    def made(self) -> set[tuple[str, str]]:
        """The objects written at the sandbox since this trial began."""
        new = self.contract.effects()[self.before :]
        return {(e["kind"], e["id"]) for e in new if self.contract.counts(self.kind, e)}

    def failure(self, connector: Any = None) -> ConnectorError:
        """The error a push raises now."""
        try:
            id = (connector or self.connector).push(self.write)
        except ConnectorError as error:
            return error
        raise AssertionError(f"{self.kind}: push returned {id!r} although the sandbox failed")

    def settle(self) -> None:
        """Do what the hub does after an unknown outcome of this kind, and count the objects."""
        class_ = self.declared.idempotency
        if class_ is Idempotency.NONE:
            assert len(self.made()) <= 1, f"{self.kind}: written {len(self.made())} times"
            return
        lookup = class_ is Idempotency.LOOKUP
        found = self.connector.find(self.kind, self.write.reference) if lookup else None
        write = self.write._replace(external_id=found) if found else self.write
        id = self.connector.push(write)
        assert len(self.made()) == 1, f"{self.kind}: {len(self.made())} objects after a lost outcome"
        assert found in (None, id), f"{self.kind}: found {found}, written to {id}"
        if lookup:
            assert self.connector.find(self.kind, self.write.reference) == id, f"{self.kind}: not found"


def floats(value: Any, path: str = "record") -> Iterator[str]:
    """The places where a value holds binary floats."""
    if isinstance(value, float):
        yield path
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from floats(inner, f"{path}.{name}")
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            yield from floats(inner, f"{path}[{place}]")


_IO = frozenset(
    {"open", "socket.connect", "socket.getaddrinfo", "socket.sendto", "subprocess.Popen", "os.system"}
)
_here = threading.local()


@cache
def _listen() -> None:
    """Hear of I/O from the interpreter itself (PEP 578). Such a hook stays, so there is only one."""

    def hear(event: str, args: tuple[Any, ...]) -> None:
        events = getattr(_here, "events", None)
        if events is not None and event in _IO:
            events.append(f"{event} {args[:2]!r}"[:200])

    sys.addaudithook(hear)


@contextmanager
def watched() -> Iterator[list[str]]:
    """The I/O this thread does inside the block."""
    _listen()
    _here.events = []
    try:
        yield _here.events
    finally:
        _here.events = None
