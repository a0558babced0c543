"""What a Nacha file must hold: control totals, which are a gate, and formal rules, which are advice.

Source: Nacha Operating Rules, appendices two to four.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import lru_cache

from connectors.bank.flat import Line, excerpt
from connectors.bank.nacha_parse import AchFile, Batch, Control, Entry, sign_of
from connectors.bank.statement import Problem

HASH_MODULO = 10**10  # the ten rightmost digits of the sum of receiving bank numbers
DIRECTIONS = frozenset({"200", "220", "225", "280"})
ENTRY_CLASSES = frozenset({
    "ACK", "ADV", "ARC", "ATX", "BOC", "CCD", "CIE", "COR", "CTX", "DNE", "ENR", "IAT", "MTE", "POP", "POS",
    "PPD", "RCK", "SHR", "TEL", "TRC", "TRX", "WEB", "XCK",
})  # fmt: skip
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ROUTING = re.compile(r"\d{9}", re.ASCII)
_COUNT = re.compile(r"\d{1,4}", re.ASCII)
_RETURN_MAX = 85  # R01 to R85 are given out, with gaps
_CHANGE_CODES = re.compile(r"C(0[1-9]|1[0-4]|6[1-9])", re.ASCII)
_NAMED = frozenset({"PPD", "TEL", "WEB", "CCD"})
_WEIGHTS = (3, 7, 1, 3, 7, 1, 3, 7)


def totals(entries: Sequence[Entry]) -> tuple[Decimal, Decimal]:
    """Credits and debits of entries, both at or above zero."""
    amounts = [one.amount for one in entries]
    return (
        sum((one for one in amounts if one > 0), Decimal(0)),
        -sum((one for one in amounts if one < 0), Decimal(0)),
    )


def batch_faults(batch: Batch) -> list[Problem]:
    """Where the control record of a batch does not agree with its entries, with the arithmetic."""
    if batch.control is None:
        return [Problem(batch.line, f"batch {batch.number} has no control record 8: it was cut off")]
    credits_, debits = totals(batch.entries)
    claimed = batch.control
    counted = len(batch.entries) + sum(len(one.addenda) for one in batch.entries) + batch.stray
    hashed = entry_hash(batch.entries)
    compared = (
        ("entries and addenda", counted, claimed.records),
        ("entry hash", hashed, claimed.hash),
        ("total of debits", debits, claimed.debits),
        ("total of credits", credits_, claimed.credits),
    )
    return [
        Problem(claimed.line, f"batch {batch.number}: {what} is {found}, its control record says {told}")
        for what, found, told in compared
        if found != told
    ]


def file_faults(file: AchFile, last: int) -> list[Problem]:
    """Where the file control record does not agree with the batches; `last` is the file's last line."""
    if file.control is None:
        return [Problem(last, "the file has no control record 9: it was cut off")]
    sums, counts = _file_sums(file, file.control), _file_counts(file, file.control)
    return [*sums, *counts] if sums or any(batch_faults(one) for one in file.batches) else []


def _file_sums(file: AchFile, claimed: Control) -> list[Problem]:
    controls = [one.control for one in file.batches if one.control is not None]
    compared = (
        ("entry hash", sum(one.hash for one in controls) % HASH_MODULO, claimed.hash),
        ("total of debits", sum((one.debits for one in controls), Decimal(0)), claimed.debits),
        ("total of credits", sum((one.credits for one in controls), Decimal(0)), claimed.credits),
    )
    return [
        Problem(claimed.line, f"file: {what} of the batches is {found}, the file control record says {told}")
        for what, found, told in compared
        if found != told
    ]


def _file_counts(file: AchFile, claimed: Control) -> list[Problem]:
    """Counts that are wrong. While every sum holds, nothing is missing: whoever wrote the file miscounted."""
    records = sum(one.control.records for one in file.batches if one.control is not None)
    compared = (
        ("entries and addenda", records, claimed.records),
        ("number", len(file.batches), claimed.batches),
    )
    return [
        Problem(claimed.line, f"file: {what} of the batches is {found}, the file control record says {told}")
        for what, found, told in compared
        if told is not None and found != told
    ]


def entry_hash(entries: Sequence[Entry]) -> int:
    """Sum of the first eight digits of the receiving banks' routing numbers, its ten last digits."""
    return sum(int(one.rdfi) for one in entries if one.rdfi.isascii() and one.rdfi.isdigit()) % HASH_MODULO


def file_advice(file: AchFile, found: Sequence[Line]) -> Iterator[Problem]:
    """Rules broken outside any batch, and characters no record may hold; the sums may be intact."""
    for line in found:
        odd = _CONTROL.search(line.text)
        if odd:
            yield Problem(line.number, f"control character {ord(odd[0])} in the record")
    if file.format_code != "1":
        yield Problem(1, f"format code {excerpt(file.format_code)} is not 1")
    if file.control is not None:
        yield from _file_counts(file, file.control)


def batch_advice(batch: Batch) -> Iterator[Problem]:
    """Rules broken inside a batch."""
    if batch.direction not in DIRECTIONS:
        yield Problem(batch.line, f"service class {excerpt(batch.direction)} is none of 200, 220, 225, 280")
    if batch.entry_class not in ENTRY_CLASSES:
        yield Problem(batch.line, f"{excerpt(batch.entry_class)} is no standard entry class")
    if batch.entry_class != "IAT" and not batch.company.strip("0 "):
        yield Problem(batch.line, "the company name is blank or zeros")
    if not batch.description.strip("0 "):
        yield Problem(batch.line, "the entry description is blank or zeros")
    if batch.stray:
        yield Problem(batch.line, f"{batch.stray} addenda in batch {batch.number} belong to no entry")
    if not batch.entries:
        yield Problem(batch.line, f"batch {batch.number} has no entries")
    for entry in batch.entries:
        yield from _entry_advice(entry, batch)


def _entry_advice(entry: Entry, batch: Batch) -> Iterator[Problem]:
    way = sign_of(entry.code)
    if not way:
        yield Problem(entry.line, f"{excerpt(entry.code)} is no transaction code")
    # International batches are mixed in practice, and their addenda counted without the optional ones.
    one_way = {"220": -1, "225": 1}.get(batch.direction) if batch.entry_class != "IAT" else None
    if way == one_way:
        yield Problem(
            entry.line, f"transaction code {entry.code} in a batch of service class {batch.direction}"
        )
    if not routing_is_right(entry.rdfi + entry.check_digit):
        yield Problem(entry.line, "the check digit of the receiving bank's routing number is wrong")
    if entry.indicator not in ("0", "1"):
        yield Problem(entry.line, f"addenda indicator {excerpt(entry.indicator)} is neither 0 nor 1")
    elif (entry.indicator == "1") != bool(entry.addenda):
        yield Problem(
            entry.line, f"addenda indicator {entry.indicator}, but {len(entry.addenda)} addenda follow"
        )
    if batch.entry_class == "WEB" and entry.payment_type.strip() not in ("", "R", "S", "0"):
        yield Problem(
            entry.line, f"payment type {excerpt(entry.payment_type)} of a WEB entry is neither R nor S"
        )
    if batch.entry_class in _NAMED and not entry.name.strip("0 "):
        yield Problem(entry.line, "the receiver's name is blank or zeros")
    yield from _addenda_advice(entry, batch.entry_class)


def _addenda_advice(entry: Entry, entry_class: str) -> Iterator[Problem]:
    told = [one.sequence for one in entry.addenda if one.type == "05"]
    if len(told) > 1 and told != [f"{place:04d}" for place in range(1, len(told) + 1)]:
        yield Problem(entry.line, "the sequence numbers of its addenda are not 0001, 0002 and so on")
    counted = entry.counted if entry_class != "IAT" and not entry.returns else ""
    if _COUNT.fullmatch(counted) and int(counted) != len(entry.addenda):
        yield Problem(entry.line, f"it says {int(counted)} addenda, {len(entry.addenda)} follow")
    for one in entry.returns:
        number = one.reason[1:]
        known = one.reason[:1] == "R" and number.isdigit() and 1 <= int(number) <= _RETURN_MAX
        if one.type == "99" and not known:
            yield Problem(entry.line, f"{excerpt(one.reason)} is no return reason code")
        if one.type == "98" and not _CHANGE_CODES.fullmatch(one.reason):
            yield Problem(entry.line, f"{excerpt(one.reason)} is no change code")


@lru_cache(maxsize=4_096)
def routing_is_right(number: str) -> bool:
    """Nine digits whose weighted sum (3, 7, 1, ...) with the check digit is a multiple of ten (ABA)."""
    if not _ROUTING.fullmatch(number):
        return False
    weighted = sum(int(digit) * weight for digit, weight in zip(number, _WEIGHTS, strict=False))
    return (weighted + int(number[8])) % 10 == 0
