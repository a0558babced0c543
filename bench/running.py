"""Starting, killing and restarting a system under test, and preparing the hub it runs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.shots import SECRET

START_SECONDS = 30.0
HERE = Path(__file__).parent
IN, OUT = "deals", "orders"  # the two connections of the integration job


class Broken(Exception):
    """A system under test does not start, or ended by itself."""


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(folder: Path) -> dict[str, str]:
    """The hub's settings for a run in this folder, with the benchmark's mappings and routes."""
    return {
        "O2C_DATA_DIR": str(folder), "O2C_CONFIG_DIR": str(HERE / "config"),
        "O2C_MAPPINGS_DIR": str(HERE / "mappings"), "O2C_LOG_LEVEL": "ERROR",
    }  # fmt: skip


def prepare(folder: Path, sink_port: int) -> None:
    """A fresh hub with a signed webhook connection and an HTTP connection to the sink."""
    from hub.main import build
    from hub.settings import Settings
    from hub.store import connections

    source = {"secret": SECRET, "event_id": "eventId", "object_id": "deal.id"}
    target = {
        "base_url": f"http://127.0.0.1:{sink_port}", "paths": {"message": "/orders"},
        "find_paths": {"message": "/orders?reference={reference}"},
        "update_paths": {"message": "/orders/{external_id}"}, "quiesce_seconds": 0.5,
    }  # fmt: skip
    settings = Settings(
        data_dir=folder, config_dir=HERE / "config", mappings_dir=HERE / "mappings", database_url="",
        redis_url=None, log_level="ERROR",
    )  # fmt: skip
    parts = build(settings)
    wanted: list[tuple[str, Mapping[str, Any]]] = [(IN, source), (OUT, target)]
    with parts.hub.store.begin() as tx:
        for name, given in wanted:
            sealed = parts.hub.registry.seal(name, "http", given)
            connections.save(
                parts.hub.store.database, tx.conn, name, "http", sealed, poll_seconds=0.0, now=tx.now
            )
    parts.close()


@dataclass
class Running:
    """A process under test that listens on a port."""

    command: list[str]
    port: int
    folder: Path
    env: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the process that runs now."""
        assert self.process is not None
        return self.process.pid

    def __enter__(self) -> Running:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end(signal.SIGTERM)

    def start(self, seconds: float = START_SECONDS, *, wait: bool = True) -> None:
        """Start, and wait until it takes connections. Raises Broken."""
        with (self.folder / "log").open("ab") as log:
            # as installed: with its modules compiled once and kept
            kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
            self.process = subprocess.Popen(
                self.command, env={**kept, **self.env}, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        if wait:
            self.answering(seconds)

    def answering(self, seconds: float = START_SECONDS) -> None:
        """Wait until it takes connections. Raises Broken."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self.process is not None and self.process.poll() is not None:
                break
            time.sleep(0.05)
        tail = (self.folder / "log").read_text("utf-8", "replace")[-600:]
        raise Broken(f"{' '.join(self.command[:4])} does not answer on port {self.port}: {tail}")

    def end(self, how: signal.Signals) -> None:
        """Stop it, by force after a while."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(how)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)


def system(form: str, folder: Path, core: int) -> Running:
    """One of the forms of bench.sut, pinned to a core."""
    port = free_port()
    command = [sys.executable, "-m", "bench.sut", form, "--port", str(port), "--core", str(core)]
    return Running(command, port, folder, environment(folder))
