"""Bulk CSV: results written once to a file and served in pages, uploads read row by row."""

from __future__ import annotations

import base64
import binascii
import csv
import io
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sandbox.salesforce.values import shown_number

DELIMITERS = {"BACKQUOTE": "`", "CARET": "^", "COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t"}
ENDINGS = {"LF": "\n", "CRLF": "\r\n"}


class Dialect(NamedTuple):
    """How a job's CSV is written."""

    delimiter: str = ","
    ending: str = "\n"


class Page(NamedTuple):
    """Some rows under the header, and where the next ones begin (None: these were the last)."""

    body: bytes
    rows: int
    locator: str | None


class Results:
    """The rows of a finished job. They lie in a file without name; memory holds eight bytes per row."""

    def __init__(self, columns: Sequence[str], rows: Iterable[Sequence[Any]], dialect: Dialect) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as the job; close() ends it
        self._dialect = dialect
        self._header = self._line(columns)
        self._ends = array("Q", [0])
        for row in rows:
            self._ends.append(self._ends[-1] + self._file.write(self._line([text(value) for value in row])))

    def _line(self, values: Sequence[str]) -> bytes:
        between = f'"{self._dialect.delimiter}"'
        cells = between.join(value.replace('"', '""') for value in values)
        return f'"{cells}"{self._dialect.ending}'.encode()

    def __len__(self) -> int:
        return len(self._ends) - 1

    def page(self, locator: str | None, most: int) -> Page:
        """The page at a locator (None: the first), of at most so many rows. Raises ValueError for one that
        was not handed out."""
        start = 0 if locator is None else _place(locator)
        if start and not 0 < start < len(self):
            raise ValueError("no such locator")
        end = min(start + most, len(self))
        self._file.seek(self._ends[start])
        body = self._header + self._file.read(self._ends[end] - self._ends[start])
        return Page(body, end - start, _locator(end) if end < len(self) else None)

    def locators(self, locator: str | None, size: int, most: int) -> list[str]:
        """Where pages of this size begin from a locator on: at most so many and one more. Raises
        ValueError for one that was not handed out."""
        start = 0 if locator is None else _place(locator)
        return [_locator(row) for row in range(start, max(len(self), 1), size)[: most + 1]]

    def close(self) -> None:
        """Give the space back."""
        self._file.close()


def _locator(row: int) -> str:
    return base64.urlsafe_b64encode(str(row).encode()).decode().rstrip("=")


def _place(locator: str) -> int:
    try:
        row = int(base64.urlsafe_b64decode(locator + "=" * (-len(locator) % 4)))
    except (ValueError, binascii.Error):
        raise ValueError("no such locator") from None
    if row < 0 or _locator(row) != locator:
        raise ValueError("no such locator")
    return row


def text(value: Any) -> str:
    """A stored value as bulk CSV shows it; null is empty, times are UTC with milliseconds."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"
    if isinstance(value, date):
        return value.isoformat()
    return shown_number(value) if isinstance(value, Decimal) else str(value)


def uploaded(body: bytes, dialect: Dialect) -> Iterator[list[str]]:
    """The lines of an upload, the header first. Raises ValueError for bytes that are no UTF-8 CSV."""
    try:
        words = body.decode("utf-8-sig")
    except UnicodeDecodeError as failed:
        raise ValueError("the upload is not UTF-8") from failed
    if words and dialect.ending == "\n" and "\r\n" in words.split("\n", 1)[0] + "\n":
        raise ValueError("LineEnding is invalid on user data. Current LineEnding setting is LF")
    reader = csv.reader(io.StringIO(words, newline=""), delimiter=dialect.delimiter, strict=True)
    try:
        yield from (line for line in reader if line)
    except csv.Error as failed:
        raise ValueError(f"the upload is no CSV: {failed}") from failed
