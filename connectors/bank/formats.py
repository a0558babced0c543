"""Which format a file is in: told by its content, never by its name."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import IO, Protocol, cast

from connectors.bank.statement import Statement
from hub.sdk import Invalid

HEAD = 65_536  # bytes of a file that tell its format
# Readers by module, strict signatures first; the last ones accept what looks like nothing else.
MODULES = ("camt_stream", "mt940", "bai2", "nacha", "lockbox", "ofx", "csv_dialect")


class Reader(Protocol):
    """What a module of a format offers."""

    def recognises(self, head: bytes) -> str:
        """The name of the format the head of a file is in, else empty. Never raises."""
        ...

    def read(self, source: bytes | IO[bytes]) -> Iterator[Statement]:
        """Statement after statement. Raises Invalid or Rejected naming the line."""
        ...


def reader_of(head: bytes) -> tuple[str, Reader]:
    """The format's name and its reader. Raises Invalid for what no reader knows."""
    for name in MODULES:
        reader = cast(Reader, import_module(f"connectors.bank.{name}"))
        known = reader.recognises(head[:HEAD])
        if known:
            return known, reader
    raise Invalid("empty file" if not head.strip() else "the file is in no known bank format", field="body")
