"""SFTP servers on loopback for tests: OpenSSH's own where it is installed, and a small one for passwords."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paramiko
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

USER, PASSWORD = "bank", "a long sftp password"
SSHD = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")


def new_key() -> tuple[str, str]:
    """A private key as ssh-keygen writes it, and its public line."""
    key = ed25519.Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return private.decode(), public.decode()


@dataclass
class Server:
    """One that runs: where, the key it shows, how to log in, and the folder it serves."""

    port: int
    host_key: str
    folder: Path
    login: dict[str, Any]

    @property
    def settings(self) -> dict[str, Any]:
        """For a bank connection."""
        return {
            "sftp_host": "127.0.0.1", "sftp_port": self.port, "sftp_host_key": self.host_key,
            **{f"sftp_{name}": value for name, value in self.login.items()},
        }  # fmt: skip


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def openssh(place: Path) -> Iterator[Server]:
    """The real one, as whoever runs the tests; `sshd` must be installed."""
    assert SSHD is not None
    host, shown = new_key()
    ours, public = new_key()
    (place / "host").write_text(host)
    (place / "host").chmod(0o600)
    (place / "authorized").write_text(f"{public}\n")
    served = place / "served"
    served.mkdir()
    port = free_port()
    if os.geteuid() == 0:  # where it looks for its own when it drops privileges
        Path("/run/sshd").mkdir(exist_ok=True)
    (place / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {place / 'host'}\nPidFile none\nUsePAM no\n"
        f"AuthorizedKeysFile {place / 'authorized'}\nPasswordAuthentication no\nStrictModes no\n"
        f"PermitRootLogin prohibit-password\nSubsystem sftp internal-sftp -d {served}\n"
    )
    command = [SSHD, "-D", "-e", "-f", str(place / "config")]
    with (place / "log").open("wb") as log, subprocess.Popen(command, stderr=log, stdout=log) as process:
        try:
            _wait_for(port, process)
            yield Server(port, shown, served, {"user": getpass.getuser(), "private_key": ours})
        finally:
            process.terminate()
            process.wait(10)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(100):
        assert process.poll() is None, "sshd did not start"
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise AssertionError("sshd does not listen")


class _Gate(paramiko.ServerInterface):
    """One user with one password."""

    def check_auth_password(self, username: str, password: str) -> int:
        right = (username, password) == (USER, PASSWORD)
        return paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED

    def get_allowed_auths(self, username: str) -> str:
        return "password"


class _Disk(paramiko.SFTPServerInterface):
    """A folder of the disk, names only."""

    def __init__(self, server: paramiko.ServerInterface, folder: Path) -> None:
        super().__init__(server)
        self.folder = folder

    def _path(self, path: str) -> Path:
        return self.folder / path.lstrip("/.").lstrip("/")

    def list_folder(self, path: str) -> Any:
        try:
            found = sorted(self._path(path).iterdir())
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)
        return [paramiko.SFTPAttributes.from_stat(one.lstat(), one.name) for one in found]

    def stat(self, path: str) -> Any:
        try:
            return paramiko.SFTPAttributes.from_stat(self._path(path).lstat())
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)

    lstat = stat

    def open(self, path: str, flags: int, attr: Any) -> Any:
        if flags & (os.O_WRONLY | os.O_RDWR):
            return paramiko.SFTP_PERMISSION_DENIED
        try:
            file = self._path(path).open("rb")
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)
        handle = paramiko.SFTPHandle(flags)
        handle.readfile = file  # as paramiko's own StubSFTPHandle does
        handle.stat = lambda: paramiko.SFTPAttributes.from_stat(os.fstat(file.fileno()))
        return handle

    def mkdir(self, path: str, attr: Any) -> int:
        return paramiko.SFTP_PERMISSION_DENIED

    def rename(self, oldpath: str, newpath: str) -> int:
        return paramiko.SFTP_PERMISSION_DENIED


@dataclass
class _Loop:
    """Accepts until it is stopped."""

    listener: socket.socket
    key: paramiko.PKey
    folder: Path
    transports: list[paramiko.Transport] = field(default_factory=list)

    def run(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                transport = paramiko.Transport(client)
                self.transports.append(transport)
                transport.add_server_key(self.key)
                transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Disk, folder=self.folder)
                with suppress(paramiko.SSHException, EOFError):
                    transport.start_server(server=_Gate())


@contextmanager
def by_password(folder: Path) -> Iterator[Server]:
    """A server that reads only and asks for a password."""
    key = paramiko.ECDSAKey.generate()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        loop = _Loop(listener, key, folder)
        threading.Thread(target=loop.run, daemon=True).start()
        try:
            login = {"user": USER, "password": PASSWORD}
            shown = f"{key.get_name()} {key.get_base64()}"
            yield Server(listener.getsockname()[1], shown, folder, login)
        finally:
            listener.close()
            for transport in loop.transports:
                transport.close()
