"""Named points at which a proof may kill this process, to show that any moment is a good one to die."""

from __future__ import annotations

import os

# O2C_FAILPOINT=push.after:3 ends the process, as kill -9 would, at the third pass. Off by default.
_wanted, _, _nth = os.environ.get("O2C_FAILPOINT", "").partition(":")
_passes = 0


def failpoint(name: str) -> None:
    """A point at which O2C_FAILPOINT may end this process."""
    global _passes  # noqa: PLW0603 - counted per process, and only while a proof runs
    if not _wanted or name != _wanted:
        return
    _passes += 1
    if _passes >= int(_nth or "1"):
        os._exit(137)
