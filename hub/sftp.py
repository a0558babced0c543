"""The SFTP door: one short, bounded session with a server whose key is pinned.

Nothing is trusted on first use: a server that shows another key than the one in the settings is left at once.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import socket
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import SecretStr

from hub.errors import AuthFailed, ConnectorError, Invalid, Rejected, Transient
from hub.http import lane_here, turn

if TYPE_CHECKING:
    import paramiko

LISTED_MAX = 5_000  # entries of one folder
CHUNK = 256 * 1024
WRITTEN = 32 * 1024  # what every server takes at once
CONNECT_SECONDS = 10.0
# What a pinned key may be proven with: RSA with SHA-1 is not accepted (RFC 8332).
_PROOFS = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}


_NONE = SecretStr("")


@dataclass(frozen=True, slots=True)
class SftpAccount:
    """Where to, who we are, and the key the server must show (a line as `ssh-keyscan` prints it)."""

    host: str
    user: str
    host_key: str
    port: int = 22
    password: SecretStr = _NONE
    private_key: SecretStr = _NONE
    passphrase: SecretStr = _NONE

    @property
    def place(self) -> str:
        """For messages."""
        return f"{self.user}@{self.host}:{self.port}"


class Remote(NamedTuple):
    """A plain file there: size in bytes, `modified` in seconds since 1970 by the server's clock."""

    name: str
    size: int
    modified: int


class Pinned(NamedTuple):
    """A public key: its type and its bytes."""

    type: str
    blob: bytes


def pinned(line: str) -> Pinned:
    """The key of a line `[host] ssh-ed25519 AAAA... [comment]`. Raises Invalid where it is none."""
    words = line.split()
    for at, word in enumerate(words[:-1]):
        if word.startswith(("ssh-", "ecdsa-sha2-")):
            try:
                blob = base64.b64decode(words[at + 1], validate=True)
            except (binascii.Error, ValueError):
                break
            if blob[4 : 4 + len(word)] == word.encode():
                return Pinned(word, blob)
    raise Invalid(
        "the server's key is a line such as `ssh-ed25519 AAAA...`: get it from the server's owner, or by "
        "ssh-keyscan and compare it with what they publish",
        field="host_key",
    )


def fingerprint(blob: bytes) -> str:
    """As OpenSSH prints it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


class SftpDoor:
    """Sessions with one server. Made in a connector's constructor, as every door."""

    def __init__(self, account: SftpAccount, *, deadline: float = 60.0) -> None:
        self.account, self.deadline = account, deadline
        self._pinned = pinned(account.host_key)
        self._lane = lane_here()
        self._login = self._our_key()  # read now, so that a wrong one is said when it is saved

    def _our_key(self) -> paramiko.PKey | None:
        import paramiko

        text = self.account.private_key.get_secret_value().strip()
        if not text:
            if not self.account.password.get_secret_value():
                raise Invalid("give a password or a private key for SFTP", field="private_key")
            return None
        kinds: Sequence[type[paramiko.PKey]] = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)
        for kind in kinds:
            with suppress(paramiko.SSHException, ValueError, TypeError, IndexError, UnicodeError):
                return kind.from_private_key(
                    io.StringIO(f"{text}\n"), self.account.passphrase.get_secret_value() or None
                )
        raise Invalid(
            "the private key cannot be read: paste it whole (Ed25519, ECDSA or RSA), with its passphrase "
            "if it has one",
            field="private_key",
        )

    @contextmanager
    def session(self) -> Iterator[SftpSession]:
        """A session that ends with the block. Raises Transient, AuthFailed or Rejected."""
        with turn(self._lane, self.deadline):
            until = time.monotonic() + self.deadline
            transport = self._connected()
            try:
                with _told(self.account.place):
                    yield SftpSession(self._opened(transport), until, self.account.place)
            finally:
                transport.close()

    def _connected(self) -> paramiko.Transport:
        import paramiko

        place = self.account.place
        with _told(place):
            address = (self.account.host, self.account.port)
            transport = paramiko.Transport(socket.create_connection(address, CONNECT_SECONDS))
            try:
                transport.banner_timeout = transport.auth_timeout = CONNECT_SECONDS
                kind = self._pinned.type
                transport.get_security_options().key_types = _PROOFS.get(kind, (kind,))
                transport.start_client(timeout=CONNECT_SECONDS)
                self._compare(transport.get_remote_server_key().asbytes())
                if self._login is not None:
                    transport.auth_publickey(self.account.user, self._login)
                else:
                    transport.auth_password(self.account.user, self.account.password.get_secret_value())
            except BaseException:
                transport.close()
                raise
            return transport

    def _compare(self, shown: bytes) -> None:
        if shown != self._pinned.blob:
            raise AuthFailed(
                f"{self.account.place} shows the key {fingerprint(shown)}, pinned is "
                f"{fingerprint(self._pinned.blob)}: ask its owner whether they changed it before you do",
                code="host_key",
            )

    def _opened(self, transport: paramiko.Transport) -> paramiko.SFTPClient:
        channel = transport.open_session(timeout=CONNECT_SECONDS)
        channel.settimeout(min(self.deadline, 30.0))
        channel.invoke_subsystem("sftp")
        import paramiko

        return paramiko.SFTPClient(channel)


class SftpSession:
    """One session: look into a folder, read a file, move one out of the way, put one there."""

    def __init__(self, client: paramiko.SFTPClient, until: float, place: str) -> None:
        self._client, self._until, self._place = client, until, place

    def files(self, folder: str) -> list[Remote]:
        """The plain files of a folder. Raises Rejected where it is not there or has too many entries."""
        found: list[Remote] = []
        with _told(self._place, folder):
            for count, one in enumerate(self._client.listdir_iter(folder)):
                self._in_time()
                if count >= LISTED_MAX:
                    raise Rejected(f"{folder} at {self._place} has over {LISTED_MAX} entries: tidy it up")
                plain = (
                    stat.S_ISREG(one.st_mode or 0) and "/" not in one.filename and "\0" not in one.filename
                )
                if plain:
                    found.append(Remote(one.filename, one.st_size or 0, int(one.st_mtime or 0)))
        return found

    def read(self, folder: str, file: Remote, bytes_max: int) -> bytes | None:
        """The content; None where it is no longer, or not yet, the file that was listed."""
        path = f"{folder}/{file.name}"
        with _told(self._place, path):
            chunks, size = [], 0
            try:
                with self._client.open(path, "rb") as stream:
                    stream.prefetch(min(file.size, bytes_max + 1))
                    while size <= file.size and (chunk := stream.read(CHUNK)):
                        self._in_time()
                        size += len(chunk)
                        chunks.append(chunk)
                after = self._client.lstat(path)
            except FileNotFoundError:
                return None
        same = (after.st_size, int(after.st_mtime or 0)) == (file.size, file.modified) and size == file.size
        return b"".join(chunks) if same else None

    def move(self, folder: str, name: str, target: str) -> bool:
        """Move a file into another folder, which is made where it is missing; False where it may not be."""
        with suppress(OSError):
            self._client.mkdir(target)
        for place in (f"{target}/{name}", f"{target}/{name}.{time.time_ns()}"):
            self._in_time()
            with suppress(OSError):
                self._client.rename(f"{folder}/{name}", place)
                return True
        return False

    def has_folder(self, folder: str) -> None:
        """Raises Rejected where there is no such folder; whether we may write to it only writing tells."""
        with _told(self._place, folder):
            if not stat.S_ISDIR(self._client.stat(folder).st_mode or 0):
                raise Rejected(f"{folder} at {self._place} is no folder", code="not_found")

    def put(self, folder: str, name: str, body: bytes) -> bool:
        """Bring a file there whole: written under a partial name, then renamed. False: it is there already.

        A repeat does no harm. Raises Rejected where a file of that name has another content: it stays.
        """
        if not name or name.startswith(".") or any(one in name for one in "/\\\0"):
            raise Rejected(f"{name!r} cannot be the name of a file", code="bad_name", sent=False)
        path, partial = f"{folder}/{name}", f"{folder}/.{name}.part"
        with _told(self._place, path, "write"):
            if self._has(path, body):
                return False
            with self._client.open(partial, "wb") as stream:
                stream.set_pipelined(True)
                for at in range(0, len(body), WRITTEN):
                    self._in_time()
                    stream.write(body[at : at + WRITTEN])
            if self._client.stat(partial).st_size != len(body):
                raise Transient(f"{path} at {self._place} did not arrive whole", code="short", sent=False)
            self._client.rename(partial, path)  # of SFTP's first version: fails where the name is taken
        return True

    def _has(self, path: str, body: bytes) -> bool:
        """Is this very file there already? Raises Rejected where another one has its name."""
        try:
            size = self._client.stat(path).st_size
        except FileNotFoundError:
            return False
        if size == len(body):
            with self._client.open(path, "rb") as stream:
                stream.prefetch(size)
                if stream.read(size) == body:
                    return True
        raise Rejected(f"{path} at {self._place} is there with another content: it stays", code="exists")

    def _in_time(self) -> None:
        if time.monotonic() > self._until:
            raise Transient(f"{self._place} is too slow", code="timeout", sent=False)


@contextmanager
def _told(place: str, path: str = "", act: str = "read") -> Iterator[None]:
    """Turns what goes wrong on the way into the error tree; nothing that was sent is shown."""
    import paramiko

    what = f"{path} at {place}" if path else place
    try:
        yield
    except ConnectorError:
        raise
    except paramiko.AuthenticationException:
        raise AuthFailed(f"{place} refuses our login: check user, password or key", code="login") from None
    except FileNotFoundError:
        raise Rejected(f"{what}: there is no such folder or file", code="not_found") from None
    except PermissionError:
        raise Rejected(f"{what}: we may not {act} it", code="forbidden") from None
    except paramiko.ssh_exception.IncompatiblePeer as error:
        raise AuthFailed(
            f"{place} has no key of the pinned type, or no method in common: {error}", code="host_key"
        ) from None
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise Transient(f"{what}: {_plain(error)}", code="connection", sent=False) from None


def _plain(error: Any) -> str:
    words = " ".join(str(error).split())[:200]
    return words or type(error).__name__
