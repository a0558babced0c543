"""SFTP with OpenSSH's server where it is installed: the key pinned, complete files fetched and put, once."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import paramiko
import pytest
from pydantic import SecretStr

from hub.errors import AuthFailed, Invalid, RateLimited, Rejected, Transient
from hub.http import governed
from hub.sftp import SftpAccount, SftpDoor, pinned
from hub.sftp_pickup import REFUSED, Folder, SftpPickup
from tests.sftp_server import PASSWORD, SSHD, USER, Server, by_password, free_port, new_key, openssh


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if SSHD is None:
        pytest.skip("no sshd is installed here")
    with openssh(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture
def there(sshd: Server, tmp_path: Path) -> Server:
    """The real server with a folder of its own, an absolute path."""
    return Server(sshd.port, sshd.host_key, tmp_path, sshd.login)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Server]:
    with by_password(tmp_path) as server:
        yield server


def account(server: Server, **changed: Any) -> SftpAccount:
    login = {name: value if name == "user" else SecretStr(value) for name, value in server.login.items()}
    return SftpAccount(
        **{"host": "127.0.0.1", "port": server.port, "host_key": server.host_key, **login, **changed}
    )


def pickup(server: Server, now: float = 0.0, **folder: Any) -> SftpPickup:
    told = {"path": str(server.folder), "settled": 0.0, **folder}
    return SftpPickup(SftpDoor(account(server)), Folder(**told), now=lambda: now or time.time())


def bodies(page: Any) -> list[bytes]:
    return [one.delivery.body for one in page.arrivals]


def test_a_file_is_fetched_once_and_moved_when_the_cursor_proves_that_we_have_it(there: Server) -> None:
    (there.folder / "a.xml").write_bytes(b"one")
    done = there.folder / "done"
    fetch = pickup(there, processed=str(done))
    page = fetch.poll(None)
    assert bodies(page) == [b"one"]
    assert page.arrivals[0].delivery.headers["x-file-name"] == "a.xml"
    assert bodies(fetch.poll(None)) == [b"one"]
    assert (there.folder / "a.xml").exists()
    after = fetch.poll(page.cursor)
    assert (bodies(after), (done / "a.xml").read_bytes()) == ([], b"one")
    assert not (there.folder / "a.xml").exists()
    (there.folder / "a.xml").write_bytes(b"two!")
    again = fetch.poll(after.cursor)
    assert bodies(again) == [b"two!"]
    fetch.poll(again.cursor)
    assert sorted(one.name[:5] for one in done.iterdir()) == ["a.xml", "a.xml"]


def test_a_file_that_stays_is_remembered_until_it_changes(there: Server) -> None:
    (there.folder / "a.xml").write_bytes(b"one")
    fetch = pickup(there)
    page = fetch.poll(None)
    later = fetch.poll(page.cursor)
    assert (bodies(page), bodies(later)) == ([b"one"], [])
    os.utime(there.folder / "a.xml", (1, 1))
    touched = fetch.poll(later.cursor)
    assert touched.arrivals[0].event_ids == page.arrivals[0].event_ids


def test_a_partial_upload_is_not_taken(there: Server) -> None:
    for name in (".hidden", "b.xml.filepart", "c.tmp", "notes.txt"):
        (there.folder / name).write_bytes(b"x")
    (there.folder / "folder.xml").mkdir()
    (there.folder / "link.xml").symlink_to("/etc/hostname")
    growing = there.folder / "d.xml"
    growing.write_bytes(b"half")
    told = {"pattern": "*.xml", "settled": 30.0}
    first = pickup(there, 1_000.0, **told).poll(None)
    growing.write_bytes(b"half and half")
    second = pickup(there, 1_040.0, **told).poll(first.cursor)
    third = pickup(there, 1_060.0, **told).poll(second.cursor)
    fourth = pickup(there, 1_070.0, **told).poll(third.cursor)
    assert [bodies(one) for one in (first, second, third, fourth)] == [[], [], [], [b"half and half"]]


def test_pages_are_bounded_and_say_that_there_is_more(there: Server) -> None:
    for n in range(45):
        (there.folder / f"{n:02}.xml").write_bytes(str(n).encode())
    fetch, cursor, found, pages = pickup(there), None, [], 0
    while True:
        page = fetch.poll(cursor)
        found += bodies(page)
        cursor, pages = page.cursor, pages + 1
        if not page.more:
            break
    assert (len(found), len(set(found)), pages) == (45, 45, 3)


def test_a_file_over_the_limit_is_told_of_without_being_fetched(there: Server) -> None:
    (there.folder / "big.xml").write_bytes(b"x" * 1_001)
    (arrival,) = pickup(there, bytes_max=1_000).poll(None).arrivals
    assert arrival.delivery.body == b""
    assert "1001 bytes, over 1000" in arrival.delivery.headers[REFUSED]


def test_another_key_than_the_pinned_one_ends_it_before_the_login(there: Server, small: Server) -> None:
    for server in (there, small):
        _, other = new_key()
        if server is small:
            other_key = paramiko.ECDSAKey.generate()
            other = f"{other_key.get_name()} {other_key.get_base64()}"
        with pytest.raises(AuthFailed, match="shows the key SHA256:") as caught:
            SftpPickup(SftpDoor(account(server, host_key=other)), Folder()).check()
        assert PASSWORD not in str(caught.value)


def test_a_key_of_another_type_is_not_even_asked_for(small: Server) -> None:
    with pytest.raises(AuthFailed, match="no key of the pinned type"):
        SftpPickup(SftpDoor(account(small, host_key=new_key()[1])), Folder()).check()


def test_wrong_login_is_auth_failed_and_shows_no_secret(there: Server, small: Server) -> None:
    with pytest.raises(AuthFailed, match="refuses our login"):
        SftpPickup(SftpDoor(account(there, private_key=SecretStr(new_key()[0]))), Folder()).check()
    with pytest.raises(AuthFailed, match="refuses our login") as caught:
        SftpPickup(SftpDoor(account(small, password=SecretStr("canary-7731"))), Folder()).check()
    assert "canary" not in f"{caught.value!r} {account(small)!r}"


def test_password_login_reads_and_where_nothing_may_be_moved_remembers(small: Server) -> None:
    (small.folder / "a.xml").write_bytes(b"one")
    fetch = pickup(Server(small.port, small.host_key, Path("/"), small.login), processed="/done")
    page = fetch.poll(None)
    after = fetch.poll(page.cursor)
    assert (bodies(page), bodies(after), bodies(fetch.poll(after.cursor))) == ([b"one"], [], [])


def put(server: Server, name: str, body: bytes, folder: str = "") -> bool:
    with SftpDoor(account(server)).session() as session:
        return session.put(folder or str(server.folder), name, body)


def test_a_file_is_put_whole_and_a_repeat_changes_nothing(there: Server) -> None:
    body = bytes(range(256)) * 4_000
    assert put(there, "000000007.x12", body) is True
    before = (there.folder / "000000007.x12").stat()
    assert put(there, "000000007.x12", body) is False
    after = (there.folder / "000000007.x12").stat()
    assert (there.folder / "000000007.x12").read_bytes() == body
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert [one.name for one in there.folder.iterdir()] == ["000000007.x12"]


def test_nobody_sees_half_a_file(there: Server) -> None:
    """A watcher like ours sees the file under its name only once it is whole."""
    body, seen = b"x" * 3_000_000, set()
    door = SftpDoor(account(there))
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(put, there, "a.x12", body)
        with door.session() as session:
            while not done.done():
                seen |= {one.size for one in session.files(str(there.folder)) if Folder().wants(one.name)}
            seen |= {one.size for one in session.files(str(there.folder))}
    assert seen == {len(body)}


def test_what_a_broken_attempt_left_behind_is_written_over(there: Server) -> None:
    (there.folder / ".a.x12.part").write_bytes(b"longer than the whole file is")
    assert put(there, "a.x12", b"whole") is True
    assert {one.name: one.read_bytes() for one in there.folder.iterdir()} == {"a.x12": b"whole"}


def test_another_file_of_that_name_stays(there: Server) -> None:
    for other in (b"other", b"longer"):
        (there.folder / "a.x12").write_bytes(other)
        with pytest.raises(Rejected, match="another content"):
            put(there, "a.x12", b"whole")
        assert (there.folder / "a.x12").read_bytes() == other


def test_where_we_may_not_write_or_there_is_no_folder_it_is_said(there: Server, small: Server) -> None:
    with pytest.raises(Rejected, match="no such folder"):
        put(there, "a.x12", b"x", "/nowhere")
    with pytest.raises(Rejected, match="may not write"):
        put(small, "a.x12", b"x", "/")
    with SftpDoor(account(there)).session() as session:
        session.has_folder(str(there.folder))
        (there.folder / "file").write_bytes(b"")
        for wrong in (f"{there.folder}/file", f"{there.folder}/none"):
            with pytest.raises(Rejected):
                session.has_folder(wrong)


@pytest.mark.parametrize("name", ["", ".x", "../a", "a/b", "a\\b", "a\0b"])
def test_a_name_that_leads_elsewhere_is_refused(there: Server, name: str) -> None:
    with pytest.raises(Rejected, match="name of a file"):
        put(there, name, b"x")


def test_another_key_than_the_pinned_one_gets_no_file(there: Server) -> None:
    door = SftpDoor(account(there, host_key=new_key()[1]))
    with pytest.raises(AuthFailed, match="shows the key"), door.session() as session:
        session.put(str(there.folder), "a.x12", b"x")
    assert not list(there.folder.iterdir())


def test_a_folder_that_is_not_there_is_said_so(there: Server) -> None:
    with pytest.raises(Rejected, match="there is no such folder or file"):
        pickup(there, path="/nowhere").check()


def test_a_server_that_is_away_is_worth_another_try() -> None:
    gone = SftpAccount("127.0.0.1", USER, new_key()[1], free_port(), SecretStr("x"))
    with pytest.raises(Transient) as caught:
        SftpPickup(SftpDoor(gone), Folder()).check()
    assert caught.value.sent is False


def test_no_session_begins_past_the_governor(small: Server) -> None:
    class Closed:
        def slot(self, deadline: float, last: float) -> Any:
            raise RateLimited("not now", code="no_slot", sent=False)

    with governed(Closed()):
        door = SftpDoor(account(small))
    with pytest.raises(RateLimited):
        SftpPickup(door, Folder()).check()


@pytest.mark.parametrize(
    "line",
    ["", "ssh-ed25519", "ssh-ed25519 AAAA", "SHA256:abc", "ssh-rsa " + new_key()[1].split()[1]],
    ids=["nothing", "no_key", "cut_off", "fingerprint", "other_algorithm"],
)
def test_what_is_no_public_key_is_refused_when_it_is_saved(line: str) -> None:
    with pytest.raises(Invalid, match="ssh-keyscan"):
        pinned(line)


def test_a_key_is_read_as_known_hosts_and_ssh_keyscan_write_it() -> None:
    _, line = new_key()
    assert pinned(line) == pinned(f"[bank.example]:2222 {line} a comment")


@pytest.mark.parametrize("changed", [{"private_key": SecretStr("no key")}, {"password": SecretStr("")}])
def test_a_login_that_cannot_be_is_refused_when_it_is_saved(changed: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match="private key"):
        SftpDoor(SftpAccount("host", USER, new_key()[1], 22, **{"password": SecretStr(""), **changed}))


def test_a_cursor_of_somebody_else_is_invalid(small: Server) -> None:
    with pytest.raises(Invalid, match="cursor"):
        pickup(small).poll("[]")
