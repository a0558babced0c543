"""Which format a file is in: told by its content, never by its name; what is no statement is named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from typing import IO, Protocol, cast

from connectors.bank.statement import Statement
from hub.sdk import Invalid

HEAD = 65_536  # bytes of a file that tell its format
# Readers by module, strict signatures first; the last ones accept what looks like nothing else.
MODULES = ("camt_stream", "mt940", "bai2", "nacha", "lockbox", "ofx", "csv_dialect")
_PACKED = {
    b"\x1f\x8b": "gzip", b"PK\x03\x04": "zip", b"PK\x05\x06": "zip", b"BZh": "bzip2", b"\xfd7zXZ": "xz",
    b"7z\xbc\xaf": "7-Zip", b"Rar!": "RAR", b"\x28\xb5\x2f\xfd": "Zstandard", b"\x1f\x9d": "compress",
}  # fmt: skip
_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_ISO = re.compile(r"\b((?:pain|pacs|camt|remt|acmt|admi)\.\d{3})(?:\.\d{3}\.\d{2})?\b", re.ASCII)
_ISO_NAMES = {
    "pain.001": "a payment order",
    "pain.002": "a status of payment orders",
    "pain.007": "a reversal of direct debits",
    "pain.008": "a direct debit order",
    "camt.029": "an answer to an investigation",
    "camt.055": "a cancellation request",
    "camt.056": "a cancellation request",
    "camt.060": "a request for a report",
    "pacs.002": "a status between banks",
    "pacs.004": "a return between banks",
    "pacs.008": "a payment between banks",
    "pacs.009": "a payment between banks",
    "remt.001": "a remittance advice",
}
# What starts a file that is something else, and what a person may do about it.
_OTHERS = (
    (r"%PDF-", "a PDF document: ask the bank for the statement as camt.053 or MT940"),
    (r"(?:<!DOCTYPE html|<html)", "a web page, perhaps the bank's page for signing in, not a statement"),
    (
        r"ISA[^A-Za-z0-9\s]",
        "an X12 interchange: a remittance advice (820) explains payments, it is no statement",
    ),
    (r"UN[AB][:+]", "an EDIFACT interchange, not a statement"),
    (r"!(?:Type|Account|Option):", "a QIF file, whose dates and amounts are ambiguous: export OFX instead"),
    (r"11\d{18}\d{12}[12]\d{14}\d{3}", "a Norma 43 statement (Spain): ask the bank for camt.053"),
    (r"0{4}\d{6}[\d ]{3}05", "a CODA statement (Belgium): ask the bank for camt.053"),
    (r"T00\d{3}\d{3}\d{14}", "a TITO statement (Finland): ask the bank for camt.053"),
    (r"0\d{10,}.*\n3", "a file of reference payments (Finland): ask the bank for camt.054"),
    (r"[\[{]\s*[\"\[{\]}]", "JSON, not a statement"),
)
_TAGGED = re.compile(r"^[ \t]*:(?:\d\d[A-Z]?):", re.ASCII | re.MULTILINE)


class Reader(Protocol):
    """What a module of a format offers."""

    def recognises(self, head: bytes) -> str:
        """The name of the format the head of a file is in, else empty. Never raises."""
        ...

    def read(self, source: bytes | IO[bytes]) -> Iterator[Statement]:
        """Statement after statement. Raises Invalid or Rejected naming the line."""
        ...


def reader_of(head: bytes) -> tuple[str, Reader]:
    """The format's name and its reader. Raises Invalid for what no reader knows, saying what it is."""
    _unpacked(head)
    plain = _plain(head[:HEAD])
    for name in MODULES:
        reader = cast(Reader, import_module(f"connectors.bank.{name}"))
        known = reader.recognises(plain)
        if known:
            return known, reader
    raise Invalid(_named(plain), field="body")


def _unpacked(head: bytes) -> None:
    """Nothing is unpacked here: a small archive may hold more than any machine has."""
    for mark, name in _PACKED.items():
        if head.startswith(mark):
            raise Invalid(f"the file is compressed ({name}): unpack it and send what is inside", field="body")


def _plain(head: bytes) -> bytes:
    """The head in UTF-8 where it says that it is in UTF-16."""
    encoding = _MARKS.get(head[:2])
    if encoding is None:
        return head
    return head[: len(head) // 2 * 2].decode(encoding, "ignore").encode("utf-8", "ignore")


def _named(head: bytes) -> str:
    """What the file is instead of a statement."""
    text = head.decode("utf-8-sig", "replace").lstrip()
    if not text.strip("\0 \r\n\t\x1a"):
        return "the file is empty"
    if text.startswith("<") and not text[:100].lower().startswith(("<!doctype html", "<html")):
        return _named_xml(text)
    for pattern, words in _OTHERS:
        if re.match(pattern, text, re.ASCII | re.IGNORECASE | re.DOTALL):
            return f"the file is {words}"
    if _TAGGED.search(text):
        return "the file is a part of a SWIFT message: :20:, :25: or the balances (:60F:) are missing"
    if _is_table(text):
        return "the file is CSV with a header that no declared dialect has: declare a dialect for it"
    return "the file is in no known bank format"


def _named_xml(text: str) -> str:
    found = _ISO.search(text)
    if not found:
        return "the file is XML, but neither camt.052, camt.053 nor camt.054"
    return (
        f"the file is {found[0]}, {_ISO_NAMES.get(found[1], 'no statement of an account')}, not a statement"
    )


def _is_table(text: str) -> bool:
    """Do the first lines have the same number of commas, semicolons or tabs?"""
    lines = [line for line in text.splitlines()[:6] if line.strip()][:-1] or text.splitlines()[:1]
    return any(
        len({line.count(mark) for line in lines}) == 1 and lines[0].count(mark) > 0 for mark in ",;\t|"
    )
