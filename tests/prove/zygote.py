"""Starts hub processes quickly: imports the hub once, then forks a child for every start.

Reads one JSON object per line ({"role", "env", "folder", "log"}) and answers {"pid"}; tells {"pid", "code"}
when a child has ended. Every child leads a process group of its own.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import sys
import time
import traceback
from typing import Any

from tests.prove import launch

_PR_SET_PDEATHSIG = 1  # prctl(2)


def _tell(**facts: Any) -> None:
    os.write(1, json.dumps(facts).encode() + b"\n")


def _become(order: dict[str, Any]) -> None:
    """The child: never returns."""
    code = 1
    try:
        os.setpgid(0, 0)
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(source, target)
        os.environ.update(order["env"])
        os.chdir(order["folder"])
        launch.prepare()
        launch.ROLES[order["role"]]()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:  # noqa: BLE001 - the log is all that is left of this process
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _reap() -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        _tell(pid=pid, code=os.waitstatus_to_exitcode(status))


def main() -> None:
    """Until standard input closes."""
    waiting = b""
    _tell(ready=time.time())
    while True:
        readable, _, _ = select.select([0], [], [], 0.02)
        _reap()
        if not readable:
            continue
        told = os.read(0, 65536)
        if not told:
            return
        *lines, waiting = (waiting + told).split(b"\n")
        for line in lines:
            pid = os.fork()
            if pid == 0:
                _become(json.loads(line))
            _tell(pid=pid)


if __name__ == "__main__":
    main()
