"""The machine that is measured on: its description, its cores, and who used them during a window."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

TICKS = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")
_ALLOWED = sorted(os.sched_getaffinity(0))  # before anything is pinned


def cores() -> tuple[int, int]:
    """The core of the system under test and the core of the load; the same one where there is only one."""
    return _ALLOWED[0], _ALLOWED[-1]


def pin(*on: int) -> None:
    """Keep this process, and all it starts from now on, on these cores; on all where none is named."""
    os.sched_setaffinity(0, on or _ALLOWED)


def describe() -> dict[str, str]:
    """What a reader must know to compare figures with another machine's."""
    lines = _text(_PROC / "cpuinfo").splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "?")
    memory = _text(_PROC / "meminfo").split()
    packages = ("uvicorn", "uvloop", "httptools", "SQLAlchemy", "httpx", "dramatiq", "pydantic")
    return {
        "processor": f"{model}, {os.cpu_count()} cores",
        "memory": f"{int(memory[1]) // 2**20} GiB" if len(memory) > 1 else "?",
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "SQLite": sqlite3.sqlite_version,
        "packages": ", ".join(f"{name} {metadata.version(name)}" for name in packages),
        "commit": _commit(),
    }


def _commit() -> str:
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False, timeout=10
    )
    return told.stdout.strip() or "?"


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


def _busy() -> float:
    """Seconds of processor time used by anybody since the machine started, stolen time included."""
    user, nice, system, _idle, _wait, irq, softirq, steal = map(
        int, _text(_PROC / "stat").split("\n", 1)[0].split()[1:9]
    )
    return (user + nice + system + irq + softirq + steal) / TICKS


def family(pids: Collection[int]) -> set[int]:
    """These processes and all that descend from them."""
    parents: dict[int, int] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            parents[int(entry.name)] = int(fields[1])
    found = set(pids)
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def _stat(pid: int) -> list[str]:
    return _text(_PROC / str(pid) / "stat").rpartition(")")[2].split()


def used(pids: Collection[int]) -> float:
    """Processor seconds of these processes, all their threads, and children they waited for."""
    stats = [_stat(pid) for pid in pids]
    return sum(sum(map(int, fields[11:15])) for fields in stats if fields) / TICKS


def resident(pids: Collection[int]) -> float:
    """Megabytes of memory in use by these processes."""
    pages = [_text(_PROC / str(pid) / "statm").split() for pid in pids]
    return sum(int(fields[1]) for fields in pages if fields) * os.sysconf("SC_PAGE_SIZE") / 1e6


class Usage(NamedTuple):
    """Who used the processor in a window: cores, so 1.0 is one core fully used."""

    seconds: float
    system: float  # the system under test
    load: float  # this process: load and sink
    other: float  # everybody else: a high value means that the figure is not to be trusted
    megabytes: float  # memory of the system under test at the end


@dataclass
class Meter:
    """Measures the processor time of a window."""

    system: Collection[int]
    _at: float = field(default_factory=time.monotonic)
    _marks: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        self.restart()

    def _read(self) -> tuple[float, float, float]:
        mine = used([os.getpid()])
        return _busy(), used(family(self.system)), mine

    def restart(self) -> None:
        """The window begins now."""
        self._at, self._marks = time.monotonic(), self._read()

    def stop(self) -> Usage:
        """The window ends now."""
        seconds = max(time.monotonic() - self._at, 1e-6)
        busy, system, load = (
            (now - then) / seconds for now, then in zip(self._read(), self._marks, strict=True)
        )
        other = max(busy - system - load, 0.0)
        return Usage(seconds, system, load, other, resident(family(self.system)))


def wait_quiet(limit: float) -> None:
    """Wait until others leave the machine alone, but no longer than `limit` seconds."""
    until = time.monotonic() + limit
    while time.monotonic() < until:
        meter = Meter(())
        time.sleep(0.7)
        if meter.stop().other < 0.2:
            return
