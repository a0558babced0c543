"""PostgreSQL and Redis that the nemesis can stop and start again, on the servers of tests/servers.py."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import redis

from tests import servers
from tests.prove.roles import Broken

UP_SECONDS = 60.0
# the servers of the tests give durability up for speed; here it is what is proven
_DURABLE = ("fsync=on", "full_page_writes=on", "synchronous_commit=on", "max_connections=200")


class Server:
    """A server process known by its pid and command line: it can be killed and started again."""

    def __init__(self, pid: int, answers: Callable[[], bool]) -> None:
        self.pid, self.answers = pid, answers
        self.command = Path(f"/proc/{pid}/cmdline").read_bytes().decode().rstrip("\0").split("\0")
        self.folder = os.readlink(f"/proc/{pid}/cwd")
        status = Path(f"/proc/{pid}/status").read_text()
        ids = {
            line.split(":")[0]: line.split()[1]
            for line in status.splitlines()
            if line[:4] in ("Uid:", "Gid:")
        }
        self.account: dict[str, Any] = {}
        if os.geteuid() == 0 and ids["Uid"] != "0":
            self.account = {"user": int(ids["Uid"]), "group": int(ids["Gid"]), "extra_groups": []}
        self._own: subprocess.Popen[bytes] | None = None

    def end(self, how: signal.Signals) -> None:
        """Send the signal and wait for the end."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, how)
        until = time.monotonic() + UP_SECONDS
        while time.monotonic() < until:
            if self._own is not None and self._own.poll() is not None:
                return
            if self._own is None and not _lives(self.pid):
                return
            time.sleep(0.02)
        raise Broken(f"{self.command[0]} did not end")

    def begin(self) -> None:
        """Start it with the same command line and wait until it answers."""
        self._own = subprocess.Popen(
            self.command, cwd=self.folder, env={**os.environ, "LC_ALL": "C"}, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self.account,
        )  # fmt: skip
        self.pid = self._own.pid
        until = time.monotonic() + UP_SECONDS
        while time.monotonic() < until:
            if self.answers():
                return
            time.sleep(0.02)
        raise Broken(f"{self.command[0]} does not answer")

    def close(self) -> None:
        """Stop the process that we started ourselves."""
        if self._own is not None and self._own.poll() is None:
            self.end(signal.SIGINT)


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


class Postgres(Server):
    """`immediate` is what a crash of the server looks like: nothing is flushed, recovery reads the log."""

    def __init__(self, url: str) -> None:
        self.url = url
        with psycopg.connect(url) as conn:
            folder = conn.execute("SHOW data_directory").fetchone()
        assert folder
        pid = int(Path(str(folder[0]), "postmaster.pid").read_text().split()[0])
        super().__init__(pid, lambda: _postgres_answers(url))
        kept = self.command[: self.command.index("-c")]
        self.command = [*kept, *(part for option in _DURABLE for part in ("-c", option))]
        self.restart(signal.SIGINT)

    def restart(self, how: signal.Signals = signal.SIGQUIT, away: float = 0.0) -> None:
        """End it and start it again after a while."""
        self.end(how)
        time.sleep(away)
        self.begin()

    def cut(self) -> None:
        """End every session but ours."""
        with psycopg.connect(self.url, autocommit=True) as conn:
            conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            )


def _postgres_answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


class Redis(Server):
    """Without persistence: after a kill it comes back empty."""

    def __init__(self, url: str) -> None:
        self.url = url
        with redis.Redis.from_url(url) as client:
            about = client.info("server")
        super().__init__(int(about["process_id"]), lambda: _redis_answers(url))
        place = ("--bind", "127.0.0.1", "--port", str(about["tcp_port"]))
        self.command = [
            os.readlink(f"/proc/{self.pid}/exe"),
            *place,
            "--save",
            "",
        ]  # its own title hides them

    def wipe(self) -> None:
        """FLUSHALL."""
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def freeze(self, seconds: float) -> None:
        """It takes calls and answers none."""
        os.kill(self.pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(self.pid, signal.SIGCONT)

    def restart(self, away: float) -> None:
        """kill -9, and an empty one after a while."""
        self.end(signal.SIGKILL)
        time.sleep(away)
        self.begin()


def _redis_answers(url: str) -> bool:
    try:
        with redis.Redis.from_url(url, socket_timeout=2) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


@contextmanager
def backing(form: str) -> Iterator[tuple[dict[str, str], Postgres | None, Redis | None]]:
    """Settings of the hub for this form, and the servers behind it."""
    if form == "embedded":
        yield {"O2C_DATABASE_URL": ""}, None, None
        return
    with servers.postgres() as postgres_url, servers.redis_server() as redis_url:
        postgres, store = Postgres(postgres_url), Redis(redis_url)
        try:
            with servers.database(postgres_url) as database_url:
                yield {"O2C_DATABASE_URL": database_url, "O2C_REDIS_URL": redis_url}, postgres, store
        finally:
            store.close()
            postgres.close()
