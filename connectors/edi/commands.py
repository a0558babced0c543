"""The commands of this connector on the hub's command line: `o2c edi read`, `o2c edi ack`, `o2c edi map`."""

from __future__ import annotations

import json as encoding
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from connectors.edi import acknowledge, guide_text, reading, summary, tokens, write
from connectors.edi.guide import wanted
from hub.sdk import Invalid


def read(files: list[Path], json: bool = False, tree: bool = False) -> None:
    """Tell what X12 files hold: interchanges, groups, sets, and what became of each and why.

    With --json one object per file and line; --tree adds the documents by name. Writes nothing anywhere.
    """
    for path in files:
        found = summary.of_file(path, tree)
        text = encoding.dumps(summary.as_json(found), ensure_ascii=False) if json else summary.as_text(found)
        _say(text)


def ack(file: Path, implementation: bool = False) -> None:
    """Print the TA1 and 997 we would send for a file, each interchange to its own sender.

    With --implementation groups of 005010 and later get a 999. Control numbers are shown from 1: real ones
    are drawn when an answer is sent.
    """
    numbers = acknowledge.Numbers(1, 1)
    found = False
    try:
        for one in acknowledge.received(reading.read(tokens.of_file(file))):
            found = True
            kind = acknowledge.Kind.IMPLEMENTATION if implementation else acknowledge.Kind.FUNCTIONAL
            made = acknowledge.answer(one, numbers, datetime.now(UTC), kind)
            if made is None:
                number = one.interchange.control_number or "without a number"
                _say(f"no answer to interchange {number}: {acknowledge.why_not(one)}", sys.stderr.buffer)
                continue
            _say(write.interchange(made, write.Style(newline="\n")).rstrip("\n"))
            numbers = acknowledge.Numbers(numbers.interchange + 1, numbers.group + len(made.groups))
    except OSError as error:
        _say(f"{file} cannot be read: {error.strerror}", sys.stderr.buffer)
        raise SystemExit(1) from None
    except Invalid as error:
        _say(f"{file}: no answer can be written: {error}", sys.stderr.buffer)
        raise SystemExit(1) from None
    if not found:
        _say(f"{file}: no answer can be written: {summary.NOTHING}", sys.stderr.buffer)
        raise SystemExit(1)


def show(set_id: str, version: str = "004010") -> None:
    """Print the guide of a transaction set in a version, such as 850 in 004010 or 004030VICS."""
    try:
        _say(guide_text.text(wanted(set_id, version)))
    except Invalid as error:
        _say(str(error), sys.stderr.buffer)
        raise SystemExit(1) from None


def _say(text: str, where: Any = None) -> None:
    out = where or sys.stdout.buffer
    out.write(f"{text}\n".encode("utf-8", "replace"))
    out.flush()


COMMANDS: Mapping[str, Callable[..., None]] = MappingProxyType({"read": read, "ack": ack, "map": show})
