"""The watched folder: files dropped under <folder>/<connection>/ are taken in, each exactly once.

A file is first moved into work/ under a name of ours: what is there is one reader's alone, and nothing more
can be written to its old name. After the commit it moves to done/, or to refused/ with a note that says why.
"""

from __future__ import annotations

import fcntl
import os
import re
import signal
import stat
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import structlog

from hub.engine import Hub
from hub.errors import HubError, Invalid
from hub.store.intake import Verdict
from hub.uploads import safe_name, take_in

log = structlog.get_logger("o2c.files")
FILES_MAX = 200  # of one folder in one round
SETTLED_SECONDS = 1.0  # a file that changed more recently may still be written to
ABANDONED_SECONDS = 600.0  # what lies in work/ for so long, its reader has left
PLACES = ("work", "done", "refused")
_PARTIAL = re.compile(r"\.(part|partial|tmp|temp|filepart|crdownload|swp|lock|note)$|~$", re.IGNORECASE)
_CLAIMED = re.compile(r"\d{8}T\d{12}-[0-9a-f]{8}-(.*)", re.DOTALL)


class Claim(NamedTuple):
    """A file in work/, and what its sender called it."""

    path: Path
    name: str


def pick_up(hub: Hub, folder: Path, *, bytes_max: int) -> Iterator[tuple[Path, Verdict | str]]:
    """Take in what was dropped: each file's new place with the verdict, or the reason it was refused.

    A crash between commit and move finds the same file again in work/, and its content known.
    """
    for inbox in sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else ():
        for claim in _claims(inbox):
            yield _take(hub, inbox, claim, bytes_max)


def _claims(inbox: Path) -> Iterator[Claim]:
    for path in _abandoned(inbox / "work"):
        claim = _claim(inbox, path, _CLAIMED.fullmatch(path.name))
        if claim:
            yield claim
    for path in islice(filter(is_complete, sorted(inbox.iterdir())), FILES_MAX):
        claim = _claim(inbox, path, None)
        if claim:
            yield claim


def _abandoned(work: Path) -> list[Path]:
    """Files whose reader died: a rename sets the time of the last change of status."""
    found = sorted(work.iterdir())[:FILES_MAX] if work.is_dir() else []
    return [path for path in found if path.lstat().st_ctime < time.time() - ABANDONED_SECONDS]


def is_complete(path: Path) -> bool:
    """May a file be read? Not one of a partial name, no link or folder, none that somebody writes to."""
    if path.name.startswith(".") or _PARTIAL.search(path.name):
        return False
    try:
        told = path.lstat()
    except FileNotFoundError:  # another process was quicker
        return False
    settled = time.time() - told.st_mtime > SETTLED_SECONDS
    return stat.S_ISREG(told.st_mode) and settled and not _is_written_to(path)


def _is_written_to(path: Path) -> bool:
    """Does a process have it open for writing? Linux grants a read lease only where none has (fcntl(2))."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except PermissionError:
        return False  # waiting would not help: taking it in tells people
    except OSError:
        return True
    try:
        # Who opens it meanwhile makes the kernel signal us: by one that nobody minds, SIGIO would end us.
        fcntl.fcntl(file, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except (AttributeError, OSError):  # not our file, a network disk, not Linux: its age must do
        return False
    finally:
        os.close(file)
    return False


def _claim(inbox: Path, path: Path, before: re.Match[str] | None) -> Claim | None:
    """Move a file into work/; None where another process was quicker."""
    name = safe_name(before[1] if before else path.name)
    (inbox / "work").mkdir(exist_ok=True)
    target = inbox / "work" / f"{_stamp()}-{uuid.uuid4().hex[:8]}-{name}"
    try:
        os.rename(path, target)
    except FileNotFoundError:
        return None
    return Claim(target, name)


def _stamp() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}"


def _take(hub: Hub, inbox: Path, claim: Claim, bytes_max: int) -> tuple[Path, Verdict | str]:
    connection, note = inbox.name, ""
    verdict: Verdict | str
    try:
        body = _bounded(claim.path, bytes_max)
        taken = take_in(hub, connection, claim.name, body, bytes_max=bytes_max)
        verdict, place = taken.verdict, "done"
        note = "" if verdict is Verdict.NEW else taken.told
    except HubError as error:
        verdict, place = str(error), "refused"
        note = verdict
        hub.refused_file(connection, claim.name, verdict)
    if note:
        log.warning("file_refused" if place == "refused" else "file_repeated", connection=connection,
                    file=claim.name, told=note)  # fmt: skip
    return _put_away(inbox / place, claim, note), verdict


def _bounded(path: Path, bytes_max: int) -> bytes:
    """The content. Raises Invalid where it is too large, or may not be read."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except PermissionError:
        raise Invalid("the hub may not read the file; let its user read it, and drop it again") from None
    with os.fdopen(file, "rb") as stream:
        body = stream.read(bytes_max + 1)
    if len(body) > bytes_max:
        raise Invalid(f"the file is over {bytes_max} bytes; split it")
    return body


def _put_away(place: Path, claim: Claim, note: str) -> Path:
    place.mkdir(exist_ok=True)
    target = place / claim.path.name
    if note:
        target.with_name(f"{target.name}.note").write_text(f"{note}\n", "utf-8")
    os.replace(claim.path, target)
    return target
