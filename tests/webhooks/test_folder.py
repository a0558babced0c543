"""The watched folder: complete files only, each once, whatever it is called, and nothing lost in a crash."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hub.errors import Invalid
from tests.webhooks.office import Office, office, statement
from webhooks import folder
from webhooks.folder import is_complete, pick_up


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office(tmp_path_factory.mktemp("office")) as made:
        yield made


@pytest.fixture
def bank(shared: Office, tmp_path: Path) -> Office:
    """The hub of all tests with a folder of its own: what came before is known by content only."""
    return Office(shared.hub, shared.settings.model_copy(update={"data_dir": tmp_path}))


def collect(bank: Office, bytes_max: int = 1_000_000) -> list[str]:
    found = pick_up(bank.hub, bank.folder.parent, bytes_max=bytes_max)
    return [str(verdict) for _, verdict in found]


def test_a_dropped_statement_becomes_documents_and_moves_to_done(tmp_path: Path) -> None:
    with office(tmp_path) as bank:
        bank.drop("march.xml", statement())
        assert collect(bank) == ["accepted"]
        assert bank.names("done") == ["march.xml"]
        assert list((bank.folder / "work").iterdir()) == []
        assert [len(bank.documents(kind)) for kind in ("statement", "payment")] == [1, 1]


def test_the_same_file_under_another_name_is_recognised_and_said_so(bank: Office) -> None:
    body = statement("200.01")
    bank.drop("first.xml", body)
    assert collect(bank) == ["accepted"]
    bank.drop("again.xml", body)
    assert collect(bank) == ["repeated"]
    assert bank.names("done") == ["first.xml", "again.xml", "again.xml.note"]
    (note,) = (bank.folder / "done").glob("*.note")
    assert "the same content came before on" in note.read_text()
    assert "as first.xml" in note.read_text()


@pytest.mark.parametrize("name", [".hidden", "a.xml.part", "a.tmp", "a.FILEPART", "a.xml~", "b.crdownload"])
def test_partial_names_are_left_alone(bank: Office, name: str) -> None:
    path = bank.drop(name, statement("1.01"))
    assert collect(bank) == []
    assert path.exists()


def test_a_file_that_changed_just_now_is_left_alone(bank: Office) -> None:
    path = bank.drop("fresh.xml", statement("1.02"), age=0)
    assert collect(bank) == []
    assert path.exists()


def test_a_file_that_somebody_still_writes_to_is_never_read(bank: Office) -> None:
    body = statement("1.03")
    path = bank.drop("slow.xml", body[:100])
    with path.open("ab") as writer:
        os.utime(path, (time.time() - 60,) * 2)
        if is_complete(path):
            pytest.skip("this disk grants no leases: the age of the file must do")
        assert collect(bank) == []
        writer.write(body[100:])
    os.utime(path, (time.time() - 60,) * 2)
    assert collect(bank) == ["accepted"]


def test_a_link_to_another_file_is_not_followed(bank: Office, tmp_path: Path) -> None:
    outside = tmp_path / "outside.xml"
    outside.write_bytes(statement("1.04"))
    os.utime(outside, (time.time() - 60,) * 2)
    bank.folder.mkdir(parents=True)
    (bank.folder / "link.xml").symlink_to(outside)
    assert collect(bank) == []
    assert outside.exists()


def test_a_file_of_nobodys_connection_is_refused_with_a_note_and_a_case(bank: Office) -> None:
    other = bank.folder.parent / "nobody"
    other.mkdir(parents=True)
    path = other / "x.xml"
    path.write_bytes(b"<x/>")
    os.utime(path, (time.time() - 60,) * 2)
    (told,) = collect(bank)
    assert "there is no connection called 'nobody'" in told
    (note,) = (other / "refused").glob("*.note")
    assert told in note.read_text()
    assert any("x.xml for nobody was refused" in title for title in bank.cases())


@pytest.mark.parametrize(("body", "said"), [(b"", "the file is empty"), (b"x" * 2_000, "over 1000 bytes")])
def test_files_without_sense_are_refused(bank: Office, body: bytes, said: str) -> None:
    bank.drop("x.xml", body)
    (told,) = collect(bank, bytes_max=1_000)
    assert said in told
    assert bank.names("refused") == ["x.xml", "x.xml.note"]


def test_a_name_is_never_a_path_and_never_breaks_a_line(bank: Office) -> None:
    bank.drop("a\\..\\etc\npasswd\x1b[31m;rm -rf.xml", statement("1.05"))
    assert collect(bank) == ["accepted"]
    (name,) = bank.names("done")
    assert name == "etc_passwd__31m_rm -rf.xml"


def test_what_a_reader_left_behind_when_it_died_is_taken_up_again(
    bank: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank.drop("lost.xml", statement("1.06"))
    claim = folder.Claim(bank.folder / "work" / "20260302T090000000000-0123abcd-lost.xml", "lost.xml")
    (bank.folder / "work").mkdir()
    os.rename(bank.folder / "lost.xml", claim.path)
    assert collect(bank) == []
    monkeypatch.setattr(folder, "ABANDONED_SECONDS", -1.0)
    assert collect(bank) == ["accepted"]
    assert bank.names("done") == ["lost.xml"]


def test_a_crash_between_commit_and_move_takes_nothing_in_twice(
    bank: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank.drop("twice.xml", statement("1.07"))
    before = len(bank.rows())

    def died(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as once:
        once.setattr(folder, "_put_away", died)
        with pytest.raises(KeyboardInterrupt):
            collect(bank)
    monkeypatch.setattr(folder, "ABANDONED_SECONDS", -1.0)
    assert collect(bank) == ["repeated"]
    assert len(bank.rows()) == before + 1


def test_a_file_that_the_hub_may_not_read_is_refused_instead_of_waiting_in_silence() -> None:
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o755)
        path = place / "statement.xml"
        path.write_bytes(b"<Document/>")
        os.utime(path, (time.time() - 60, time.time() - 60))
        path.chmod(0)
        with somebody_else():
            assert is_complete(path)
            with pytest.raises(Invalid, match="may not read the file; let its user read it"):
                folder._bounded(path, 1_000)


@contextmanager
def somebody_else() -> Iterator[None]:
    """Root may read everything: for a moment we are not root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)
