"""The processes of a hub: started from the zygote, killed and frozen by the nemesis, started again."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.prove.plan import ROOT

BOOT_SECONDS = 120.0
RESTART_SECONDS = 0.1  # a supervisor's pause before it starts a role again


class Broken(Exception):
    """The proof itself cannot go on."""


class Zygote:
    """A process that has the hub imported and forks one hub process per order."""

    def __init__(self, log: Path) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        for name in [name for name in environment if name.startswith("O2C_")]:
            del environment[name]
        self._errors = log.open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.prove.zygote"],
            cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors,
        )  # fmt: skip
        self._log = log
        self._codes: dict[int, int] = {}
        self._pids: list[int] = []
        self._changed = threading.Condition()
        self._ordering = threading.Lock()
        self._ready = self._gone = False
        threading.Thread(target=self._listen, name="zygote", daemon=True).start()
        self._await(lambda: self._ready, "the zygote did not start")

    def _listen(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            told = json.loads(line)
            with self._changed:
                if "code" in told:
                    self._codes[told["pid"]] = told["code"]
                elif "pid" in told:
                    self._pids.append(told["pid"])
                self._ready = self._ready or "ready" in told
                self._changed.notify_all()
        with self._changed:
            self._gone = True
            self._changed.notify_all()

    def _await(self, happened: Any, what: str) -> None:
        with self._changed:
            self._changed.wait_for(lambda: happened() or self._gone, BOOT_SECONDS)
            if not happened():
                raise Broken(f"{what}: {self._log.read_text()[-2000:]}")

    def start(self, role: str, env: Mapping[str, str], folder: Path) -> int:
        """Fork one process; its pid."""
        order = {"role": role, "env": dict(env), "folder": str(folder), "log": str(folder / f"{role}.log")}
        with self._ordering:
            assert self._process.stdin
            self._pids.clear()
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            self._process.stdin.flush()
            self._await(lambda: bool(self._pids), "the zygote did not fork")
            return self._pids[0]

    def code(self, pid: int) -> int | None:
        """How a process ended, as subprocess tells it; None while it runs."""
        with self._changed:
            return self._codes.get(pid)

    def wait(self, pid: int, seconds: float) -> int | None:
        """Wait for a process to end."""
        with self._changed:
            self._changed.wait_for(lambda: pid in self._codes, seconds)
            return self._codes.get(pid)

    def close(self) -> None:
        """End the zygote; its children die with it."""
        assert self._process.stdin
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        self._errors.close()


class Role:
    """One role of the hub (web or work): a process group, started again whenever it has ended."""

    def __init__(self, zygote: Zygote, name: str, env: Mapping[str, str], folder: Path) -> None:
        self.zygote, self.name, self.env, self.folder = zygote, name, dict(env), folder
        self.pid = 0
        self.starts = 0
        self.ends: list[int] = []
        self._once: dict[str, str] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._hold = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name=f"keep {name}", daemon=True)

    def run(self) -> None:
        """Start it and keep it running."""
        self._start()
        self._keeper.start()

    def _start(self) -> None:
        with self._lock:
            once, self._once = self._once, {}
            self.pid = self.zygote.start(self.name, {**self.env, **once}, self.folder)
            self.starts += 1

    def _keep(self) -> None:
        while not self._stop.wait(0.02):
            code = self.zygote.code(self.pid)
            if code is None:
                continue
            self.ends.append(code)
            _signal_group(self.pid, signal.SIGKILL)  # what a container's end does to those that are left
            if self._stop.wait(RESTART_SECONDS):
                return
            while self._hold.is_set() and not self._stop.wait(0.02):
                pass
            if not self._stop.is_set():
                self._start()

    def next_start(self, **env: str) -> None:
        """Variables for the next start only."""
        with self._lock:
            self._once = dict(env)

    def hold(self, wanted: bool) -> None:
        """Keep it down after its next end, or let it come back."""
        (self._hold.set if wanted else self._hold.clear)()

    def kill(self, what: str = "group") -> None:
        """kill -9: the whole group, only its leader, or one of the leader's children."""
        if what == "group":
            _signal_group(self.pid, signal.SIGKILL)
        else:
            _signal(self._child() if what == "child" else self.pid, signal.SIGKILL)

    def terminate(self) -> None:
        """Ask the leader to end, as a deployment does."""
        _signal(self.pid, signal.SIGTERM)

    def await_start(self, number: int, seconds: float = 60.0) -> None:
        """Wait until it has been started so often."""
        until = time.monotonic() + seconds
        while self.starts < number:
            if time.monotonic() > until:
                raise Broken(f"{self.name} was not started again")
            time.sleep(0.01)

    def freeze(self, seconds: float, what: str = "group") -> None:
        """Stop the group or a child and let it go on later, as a suspended machine does."""
        pid, send = (self.pid, _signal_group) if what == "group" else (self._child(), _signal)
        send(pid, signal.SIGSTOP)
        time.sleep(seconds)
        send(pid, signal.SIGCONT)

    def _child(self) -> int:
        """One of the leader's children, if it has any."""
        try:
            children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        except OSError:
            children = []
        return int(children[-1]) if children else self.pid

    def stop(self) -> None:
        """End it for good."""
        self._stop.set()
        if self._keeper.is_alive():
            self._keeper.join(10)
        if self.pid:
            _signal_group(self.pid, signal.SIGCONT)
            _signal_group(self.pid, signal.SIGKILL)
            self.zygote.wait(self.pid, 10)


def _signal_group(pid: int, what: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, what)


def _signal(pid: int, what: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, what)


class Hub:
    """All roles of one form, and its web address."""

    def __init__(self, roles: Mapping[str, Role], url: str, token: str) -> None:
        self.roles, self.url, self.token = roles, url, token

    def alive(self) -> bool:
        """Does the web process answer?"""
        try:
            return httpx.get(f"{self.url}/readyz", timeout=2.0, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def await_alive(self, seconds: float = 60.0) -> None:
        """Wait until it answers. Raises Broken with the end of its log when it does not."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.alive():
                return
            time.sleep(0.05)
        logs = "\n".join(log_end(role.folder / f"{role.name}.log") for role in self.roles.values())
        raise Broken(f"the hub did not come back within {seconds:.0f} s:\n{logs}")


def log_end(path: Path, size: int = 3000) -> str:
    """The last lines of a log, for a person."""
    return f"--- {path.name}\n{path.read_text(errors='replace')[-size:]}" if path.exists() else ""


@contextmanager
def running(roles: Mapping[str, Role], url: str, token: str) -> Iterator[Hub]:
    """Run all roles until the block ends."""
    hub = Hub(roles, url, token)
    try:
        for role in roles.values():
            role.run()
        hub.await_alive(BOOT_SECONDS)
        yield hub
    finally:
        for role in roles.values():
            role.stop()
